/* harness.h - one description of a case serves the definition test and the
 * gradient test of an operator.
 *
 * Each case runs on every device found:
 *   - forward, with every implementation that does not refuse, twice: the same
 *     bits, and the reference's numbers (plain loops in double);
 *   - forward from inputs in the blocked layout, with and without halo: the
 *     same numbers, and zeros in all padding;
 *   - the gradient of sum(r * y), r random, as the grad pass builds it, by the
 *     implementations that the planner takes, by the last ones ("direct"), and
 *     from blocked inputs, against central differences of the reference.
 * Where the reference has a kink near a number, its difference is left out.
 *
 *     static const struct oc_case cases[] = {
 *         {.op = "Relu", .in = {{"2x3"}}, .reference = relu},
 *         {.op = "Reshape", .in = {{"2x3"}, OC_INTS(3, 2)}, ...},
 *     };
 *     int main(void) { return oc_cases_run(cases, OC_COUNT(cases)); }
 */
#ifndef TESTS_OP_HARNESS_H
#define TESTS_OP_HARNESS_H

#include "graph/graph.h"
#include "graph/op.h"

/* A case says what it has; all else is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct oc_case_input {
    const char *shape;    /* "2x3x5", "" a scalar; NULL: absent */
    double low, high;     /* drawn evenly between them; 0, 0: -1 .. 1.
                           * Integers: whole numbers, both ends included */
    ocellus_type type;    /* 0: float32 */
    const double *values; /* instead of drawn ones */
    int count;            /* of values, instead of a shape: one dimension */
    int host;             /* a constant, known on the host */
    int no_gradient;      /* its gradient is not looked at */
};

/* A host-known 1-D int64 input. */
#define OC_INTS(...)                                                           \
    {                                                                          \
        .type = OCELLUS_INT64, .host = 1,                                      \
        .values = (const double[]){__VA_ARGS__},                               \
        .count = sizeof((const double[]){__VA_ARGS__}) / sizeof(double),       \
        .no_gradient = 1                                                       \
    }

/* The definition. x[k]: numbers of input k, NULL when absent; y[k] is to be
 * filled, NULL for an output that the node has not. Shapes and attributes are
 * the node's. */
typedef void (*oc_reference)(const struct oc_node *node,
                             const double *const x[], double *const y[]);

struct oc_case {
    const char *op, *attributes;
    struct oc_case_input in[9];
    oc_reference reference;
    const char *expect; /* shape of output 0, or NULL: not looked at */
    double tolerance;   /* of each number, relative to the largest wanted;
                         * 0: 1e-5 */
    int no_gradient;
    int plain;       /* not from blocked inputs */
    int n_compared;  /* outputs compared, 0: all but saved ones */
    int gpu;         /* planned as for a GPU, on any device */
    int units;       /* of so many compute units, and without CLBlast; 0: as
                      * the device is */
    size_t largest;  /* of so many bytes at most an allocation; 0: likewise */
    int tensor;      /* with tensor cores, in loops where it has none */
    int pairs;       /* with products of pairs of halves, likewise */
    const char *by;  /* the implementation that the planner must take */
    int long_build;  /* part of `make check-full` alone */
    int eager;       /* by whoever can do it, be it usually slower */
    int training;    /* as a part of a training */
    int gradient_of; /* the output whose gradient is looked at */
    int slack;       /* gradient's tolerance is so many times 1e-4; 0: 1 */
};

/* main()'s result: prints TAP lines; 77 when no device is there. */
int oc_cases_run(const struct oc_case *cases, size_t count);

/* ---- for references ------------------------------------------------------ */

/* Walks all indices of a shape: at[] counts up; 0 at the end. Start zeroed. */
int oc_next(const struct oc_shape *shape, int64_t at[OC_MAX_RANK]);
/* y[0] = f of the inputs' numbers at the same place, broadcast. */
void oc_map(const struct oc_node *node, const double *const x[],
            double *const y[],
            double (*f)(const struct oc_node *node, const double v[]));
/* Where an index of `out` lies in a tensor broadcast to it. */
int64_t oc_spread(const struct oc_shape *shape, const struct oc_shape *out,
                  const int64_t at[OC_MAX_RANK]);

#endif

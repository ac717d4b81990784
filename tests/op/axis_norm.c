/* axis_norm.c - LpNormalization and MeanVarianceNormalization. */
#include "tests/op/harness.h"

#include <math.h>
#include <stdlib.h>

/* The number of the set that an index belongs to: its summed axes at 0. */
static int64_t
set_of(const struct oc_shape *shape, const int64_t at[], const int summed[])
{
    int64_t i = 0;

    for (int k = 0; k < shape->rank; k++)
        i = i * shape->dim[k] + (summed[k] ? 0 : at[k]);
    return i;
}

static void
mean_variance(const struct oc_node *node, const double *const x[],
              double *const y[])
{
    static const int64_t usual[] = {0, 2, 3};
    const struct oc_shape *in = &node->in[0]->shape;
    int count, summed[OC_MAX_RANK] = {0};
    const int64_t *axes = oc_attr_ints(node, "axes", &count);
    size_t n = (size_t)oc_shape_count(in), i = 0;
    double *sum = calloc(3 * n, sizeof *sum), *square = sum + n;
    double *seen = sum + 2 * n;
    int64_t at[OC_MAX_RANK] = {0};

    for (int k = 0; k < (axes ? count : 3); k++)
        summed[axes ? axes[k] : usual[k]] = 1;
    do {
        int64_t s = set_of(in, at, summed);

        sum[s] += x[0][i];
        seen[s] += 1;
        square[s] += x[0][i] * x[0][i];
        i++;
    } while (oc_next(in, at));
    i = 0;
    do {
        int64_t s = set_of(in, at, summed);
        double mean = sum[s] / seen[s];
        double var = square[s] / seen[s] - mean * mean;

        y[0][i] = (x[0][i] - mean) / (sqrt(fmax(var, 0)) + 1e-9);
        i++;
    } while (oc_next(in, at));
    free(sum);
}

static void
lp(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int axis = (int)oc_attr_int(node, "axis", -1);
    double p = (double)oc_attr_int(node, "p", 2);

    axis += axis < 0 ? in->rank : 0;
    int64_t n = in->dim[axis], after = oc_shape_span(in, axis + 1, in->rank);

    for (int64_t s = 0; s < oc_shape_count(in) / n; s++) {
        int64_t first = s / after * n * after + s % after;
        double sum = 0;

        for (int64_t i = 0; i < n; i++)
            sum += pow(fabs(x[0][first + i * after]), p);
        for (int64_t i = 0; i < n; i++)
            y[0][first + i * after] = x[0][first + i * after] / pow(sum, 1 / p);
    }
}

#define CASE(name, rule, words, extents)                                       \
    {                                                                          \
        .op = name, .attributes = words, .in = {{.shape = extents}},           \
        .reference = rule, .slack = 2                                          \
    }

static const struct oc_case cases[] = {
    CASE("LpNormalization", lp, "axis=1", "2x7x3"),
    CASE("LpNormalization", lp, "p=1", "2x7x3"),
    CASE("LpNormalization", lp, "axis=0", "5"),
    CASE("MeanVarianceNormalization", mean_variance, NULL, "2x7x3x4"),
    CASE("MeanVarianceNormalization", mean_variance, "axes=1,2", "2x7x3"),
    CASE("MeanVarianceNormalization", mean_variance, "axes=0,1", "4x5"),
    {.op = "LpNormalization",
     .attributes = "axis=0",
     .in = {{.shape = "5x3", .type = OCELLUS_FLOAT16}},
     .reference = lp,
     .tolerance = 2e-3,
     .no_gradient = 1},
    {.op = "MeanVarianceNormalization",
     .attributes = "axes=0,1",
     .in = {{.shape = "4x5", .type = OCELLUS_FLOAT16}},
     .reference = mean_variance,
     .tolerance = 3e-3,
     .no_gradient = 1},
    {.op = "LpNormalization",
     .attributes = "axis=1",
     .in = {{.shape = "2x7x3"}},
     .reference = lp,
     .gpu = 1,
     .slack = 2},
    {.op = "MeanVarianceNormalization",
     .in = {{.shape = "2x3x3x4"}},
     .reference = mean_variance,
     .gpu = 1,
     .slack = 2},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

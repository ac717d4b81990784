/* reduce.c - Reduce operators against plain loops. */
#include "tests/op/harness.h"

#include <math.h>
#include <string.h>

#include "op/reduce.h"

/* Numbers of group `o`, in order, for every output: calls back with each. */
static double
fold(const char *kind, const double *v, int64_t n)
{
    double sum = 0.0, most = -HUGE_VAL, least = HUGE_VAL, product = 1.0;
    double ones = 0.0, squares = 0.0, exps = 0.0;

    for (int64_t i = 0; i < n; i++) {
        sum += v[i];
        most = fmax(most, v[i]);
        least = fmin(least, v[i]);
        product *= v[i];
        ones += fabs(v[i]);
        squares += v[i] * v[i];
        exps += exp(v[i]);
    }
    return strcmp(kind, "Sum") == 0         ? sum
           : strcmp(kind, "Mean") == 0      ? sum / (double)n
           : strcmp(kind, "Max") == 0       ? most
           : strcmp(kind, "Min") == 0       ? least
           : strcmp(kind, "Prod") == 0      ? product
           : strcmp(kind, "L1") == 0        ? ones
           : strcmp(kind, "L2") == 0        ? sqrt(squares)
           : strcmp(kind, "SumSquare") == 0 ? squares
           : strcmp(kind, "LogSum") == 0    ? log(sum)
                                            : log(exps);
}

static int
is_reduced(const struct oc_node *node, int axis)
{
    const int64_t *list;
    int count = 0;
    int rank = node->in[0]->shape.rank;

    if (node->n_in < 2 || oc_host_ints(node, 1, &list, &count) != OCELLUS_OK)
        count = 0;
    for (int k = 0; k < count; k++)
        if (list[k] == axis || list[k] + rank == axis)
            return 1;
    return count == 0 && !oc_attr_int(node, "noop_with_empty_axes", 0);
}

static void
reduced(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *shape = &node->in[0]->shape;
    int64_t outputs = oc_shape_count(&node->out[0]->shape);

    for (int64_t o = 0; o < outputs; o++) {
        int64_t at[OC_MAX_RANK] = {0}, n = 0, place = 0;
        static double group[1 << 20];

        /* Nothing is to be read of an empty tensor. */
        int more = oc_shape_count(shape) > 0;

        for (; more; more = oc_next(shape, at)) {
            int64_t index = 0;

            for (int k = 0; k < shape->rank; k++)
                if (!is_reduced(node, k))
                    index = index * shape->dim[k] + at[k];
            if (index == o)
                group[n++] = x[0][place];
            place++;
        }
        y[0][o] = fold(node->op->name + 6, group, n);
    }
}

static void
nothing(const struct oc_node *node, const double *const x[], double *const y[])
{
    ocellus_type type = node->in[0]->type;
    int most = strcmp(node->op->name, "ReduceMax") == 0;

    (void)x;
    for (int64_t o = 0; o < oc_shape_count(&node->out[0]->shape); o++)
        y[0][o] = type == OCELLUS_BOOL   ? !most
                  : type == OCELLUS_INT8 ? (most ? -128 : 127)
                                         : (most ? 0 : 255);
}

#define ROW(NAME, LOW, HIGH)                                                   \
    {.op = NAME, .in = {{"5", LOW, HIGH}}, .reference = reduced},              \
        {.op = NAME,                                                           \
         .attributes = "keepdims=0",                                           \
         .in = {{"3x5x7", LOW, HIGH}, OC_INTS(1)},                             \
         .expect = "3x7",                                                      \
         .reference = reduced},                                                \
        {.op = NAME,                                                           \
         .in = {{"2x9x3x19", LOW, HIGH}, OC_INTS(0, 2, -1)},                   \
         .expect = "1x9x1x1",                                                  \
         .reference = reduced},                                                \
    {                                                                          \
        .op = NAME, .in = {{"3x1x35", LOW, HIGH}, OC_INTS(2)},                 \
        .expect = "3x1x1", .reference = reduced                                \
    }

static const struct oc_case cases[] = {
    ROW("ReduceSum", -1, 1),
    ROW("ReduceMean", -1, 1),
    ROW("ReduceMax", -1, 1),
    ROW("ReduceMin", -1, 1),
    ROW("ReduceProd", 0.5, 1.5),
    ROW("ReduceL1", -1, 1),
    ROW("ReduceL2", -1, 1),
    ROW("ReduceSumSquare", -1, 1),
    ROW("ReduceLogSum", 0.5, 2),
    ROW("ReduceLogSumExp", -3, 3),
    /* Few results of many numbers: in pieces. */
    {.op = "ReduceSum",
     .attributes = "keepdims=0",
     .in = {{"37x1021"}},
     .expect = "",
     .no_gradient = 1,
     .reference = reduced},
    {.op = "ReduceMax",
     .in = {{"4099x3"}, OC_INTS(0)},
     .no_gradient = 1,
     .reference = reduced},
    {.op = "ReduceLogSumExp",
     .in = {{"2x9001", 50, 90}, OC_INTS(1)},
     .no_gradient = 1,
     .reference = reduced},
    /* A product with zeros, whose gradient is not y / x. */
    {.op = "ReduceProd",
     .in = {{"2x3", .values = (const double[]){0, 2, 3, 0, 0, 5}}, OC_INTS(1)},
     .reference = reduced},
    {.op = "ReduceSum",
     .attributes = "noop_with_empty_axes=1",
     .in = {{"2x3"}},
     .expect = "2x3",
     .reference = reduced},
    {.op = "ReduceSum",
     .in = {{"2x0x3"}, OC_INTS(1)},
     .expect = "2x1x3",
     .reference = reduced},
    /* An extreme of nothing is a bound of its type. */
    {.op = "ReduceMax",
     .in = {{"2x0x3", .type = OCELLUS_BOOL}, OC_INTS(1)},
     .reference = nothing},
    {.op = "ReduceMin",
     .in = {{"2x0x3", .type = OCELLUS_BOOL}, OC_INTS(1)},
     .reference = nothing},
    {.op = "ReduceMax",
     .in = {{"3x0", .type = OCELLUS_INT8}, OC_INTS(1)},
     .reference = nothing},
    {.op = "ReduceMin",
     .in = {{"3x0", .type = OCELLUS_UINT8, .host = 1}, OC_INTS(1)},
     .reference = nothing},
    {.op = "ReduceSum",
     .in = {{"3x40", -9, 9, OCELLUS_INT64}, OC_INTS(1)},
     .reference = reduced},
    {.op = "ReduceMean",
     .in = {{"3x40", -9, 9, OCELLUS_FLOAT16}, OC_INTS(1)},
     .tolerance = 1e-3,
     .reference = reduced},
    {.op = "ReduceSum",
     .in = {{"3x40", -9, 9, OCELLUS_DOUBLE}, OC_INTS(1)},
     .tolerance = 1e-12,
     .reference = reduced},
    /* Rank 8, no two neighbours alike. */
    {.op = "ReduceSum",
     .in = {{"2x3x2x3x2x3x2x3"}, OC_INTS(1, 3, 5, 7)},
     .reference = reduced},
};

/* Rows of the gradients above: "ReduceProdGrad" "ReduceL2Grad"
 * "ReduceSumSquareGrad" "ReduceLogSumExpGrad". */
int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

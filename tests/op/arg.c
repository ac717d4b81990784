/* arg.c - ArgMax, ArgMin, Hardmax, CumSum and CumProd by their definitions. */
#include "tests/op/harness.h"

#include <string.h>

static void
extents(const struct oc_node *node, int64_t axis, int64_t e[3])
{
    const struct oc_shape *shape = &node->in[0]->shape;

    axis += axis < 0 ? shape->rank : 0;
    e[0] = oc_shape_span(shape, 0, (int)axis);
    e[1] = shape->dim[axis];
    e[2] = oc_shape_span(shape, (int)axis + 1, shape->rank);
}

static void
placed(const struct oc_node *node, const double *const x[], double *const y[])
{
    int64_t e[3], last = oc_attr_int(node, "select_last_index", 0);
    double sign = strcmp(node->op->name, "ArgMax") == 0 ? 1 : -1;

    extents(node, oc_attr_int(node, "axis", 0), e);
    for (int64_t o = 0; o < e[0]; o++)
        for (int64_t i = 0; i < e[2]; i++) {
            const double *v = x[0] + o * e[1] * e[2] + i;
            int64_t best = 0;

            for (int64_t c = 1; c < e[1]; c++) {
                double gain = sign * (v[c * e[2]] - v[best * e[2]]);

                if (gain > 0 || (last && gain == 0))
                    best = c;
            }
            y[0][o * e[2] + i] = (double)best;
        }
}

static void
hardened(const struct oc_node *node, const double *const x[], double *const y[])
{
    int64_t e[3];

    extents(node, oc_attr_int(node, "axis", -1), e);
    for (int64_t o = 0; o < e[0]; o++)
        for (int64_t i = 0; i < e[2]; i++) {
            int64_t base = o * e[1] * e[2] + i, best = 0;

            for (int64_t c = 1; c < e[1]; c++)
                if (x[0][base + c * e[2]] > x[0][base + best * e[2]])
                    best = c;
            for (int64_t c = 0; c < e[1]; c++)
                y[0][base + c * e[2]] = c == best;
        }
}

static void
summed(const struct oc_node *node, const double *const x[], double *const y[])
{
    int64_t e[3];
    int exclusive = oc_attr_int(node, "exclusive", 0) != 0;
    int reverse = oc_attr_int(node, "reverse", 0) != 0;

    extents(node, (int64_t)x[1][0], e);
    for (int64_t o = 0; o < e[0]; o++)
        for (int64_t i = 0; i < e[2]; i++)
            for (int64_t c = 0; c < e[1]; c++) {
                double sum = 0;

                for (int64_t d = 0; d < e[1]; d++)
                    if (reverse ? d > c : d < c)
                        sum += x[0][(o * e[1] + d) * e[2] + i];
                if (!exclusive)
                    sum += x[0][(o * e[1] + c) * e[2] + i];
                y[0][(o * e[1] + c) * e[2] + i] = sum;
            }
}

static void
multiplied(const struct oc_node *node, const double *const x[],
           double *const y[])
{
    int64_t e[3];
    int exclusive = oc_attr_int(node, "exclusive", 0) != 0;
    int reverse = oc_attr_int(node, "reverse", 0) != 0;

    extents(node, (int64_t)x[1][0], e);
    for (int64_t at = 0; at < e[0] * e[1] * e[2]; at++) {
        int64_t c = at / e[2] % e[1];
        double product = 1;

        for (int64_t d = 0; d < e[1]; d++)
            if ((reverse ? d > c : d < c) || (d == c && !exclusive))
                product *= x[0][at + (d - c) * e[2]];
        y[0][at] = product;
    }
}

#define ARG(NAME)                                                              \
    {.op = NAME, .in = {{"7x5"}}, .expect = "1x5", .reference = placed},       \
        {.op = NAME,                                                           \
         .attributes = "axis=-1 keepdims=0",                                   \
         .in = {{"3x4x11", 0, 4, OCELLUS_INT32}},                              \
         .expect = "3x4",                                                      \
         .reference = placed},                                                 \
    {                                                                          \
        .op = NAME, .attributes = "axis=1 select_last_index=1",                \
        .in = {{"3x9x2", 0, 4, OCELLUS_INT64}}, .reference = placed            \
    }

#define SUM(ATTRIBUTES, AXIS)                                                  \
    {                                                                          \
        .op = "CumSum", .attributes = ATTRIBUTES,                              \
        .in = {{"3x5x2"}, OC_INTS(AXIS)}, .reference = summed                  \
    }

#define PRODUCT(ATTRIBUTES, AXIS)                                              \
    {                                                                          \
        .op = "CumProd", .attributes = ATTRIBUTES,                             \
        .in = {{"3x5x2", 0.5, 2}, OC_INTS(AXIS)}, .reference = multiplied      \
    }

static const struct oc_case cases[] = {
    PRODUCT(NULL, 0),
    PRODUCT("exclusive=1", 1),
    PRODUCT("reverse=1", -1),
    PRODUCT("exclusive=1 reverse=1", 1),
    {.op = "CumProd",
     .in = {{"7", -3, 3, OCELLUS_INT32}, OC_INTS(0)},
     .reference = multiplied},
    ARG("ArgMax"),
    ARG("ArgMin"),
    SUM(NULL, 0),
    SUM("exclusive=1", 1),
    SUM("reverse=1", -1),
    SUM("exclusive=1 reverse=1", 1),
    {.op = "CumSum",
     .in = {{"9", -9, 9, OCELLUS_INT64}, OC_INTS(0)},
     .reference = summed},
    {.op = "Hardmax", .in = {{"3x7"}}, .no_gradient = 1, .reference = hardened},
    {.op = "Hardmax",
     .attributes = "axis=1",
     .in = {{.shape = "2x5x3", .type = OCELLUS_FLOAT16}},
     .no_gradient = 1,
     .reference = hardened},
    {.op = "Hardmax",
     .in = {{.values = (const double[]){1, 3, 2, 3}, .count = 4}},
     .no_gradient = 1,
     .reference = hardened},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

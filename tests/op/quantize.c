/* quantize.c - QuantizeLinear and its kin against plain loops. */
#include <math.h>

#include "tests/op/harness.h"

/* Where the scale of element i lies: one for all, one a place along the axis,
 * or one for each block of places. */
static int64_t
place(const struct oc_node *node, int64_t i)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const struct oc_shape *s = &node->in[1]->shape;
    int64_t block = oc_attr_int(node, "block_size", 0);
    int64_t axis = oc_attr_int(node, "axis", 1), inner = 1;

    if (oc_shape_count(s) == 1)
        return 0;
    axis += axis < 0 ? x->rank : 0;
    for (int k = (int)axis + 1; k < x->rank; k++)
        inner *= x->dim[k];
    int64_t at = i / inner % x->dim[axis];
    if (block == 0)
        return at;
    return (i / inner / x->dim[axis] * s->dim[axis] + at / block) * inner +
           i % inner;
}

static double
hold(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

static double
saturate(ocellus_type type, double v)
{
    switch (type) {
    case OCELLUS_INT8:
        return hold(v, -128, 127);
    case OCELLUS_UINT8:
        return hold(v, 0, 255);
    case OCELLUS_INT16:
        return hold(v, -32768, 32767);
    default:
        return hold(v, 0, 65535);
    }
}

static void
quantize(const struct oc_node *node, const double *const x[], double *const y[])
{
    int64_t count = oc_shape_count(&node->in[0]->shape);

    for (int64_t i = 0; i < count; i++) {
        int64_t k = place(node, i);

        y[0][i] = saturate(node->out[0]->type,
                           nearbyint(x[0][i] / x[1][k]) + (x[2] ? x[2][k] : 0));
    }
}

static void
dequantize(const struct oc_node *node, const double *const x[],
           double *const y[])
{
    int64_t count = oc_shape_count(&node->in[0]->shape);

    for (int64_t i = 0; i < count; i++) {
        int64_t k = place(node, i);

        y[0][i] = (x[0][i] - (x[2] ? x[2][k] : 0)) * x[1][k];
    }
}

static void
dynamic(const struct oc_node *node, const double *const x[], double *const y[])
{
    int64_t count = oc_shape_count(&node->in[0]->shape);
    double least = 0, most = 0;

    for (int64_t i = 0; i < count; i++) {
        least = fmin(least, x[0][i]);
        most = fmax(most, x[0][i]);
    }
    y[1][0] = (most == least ? 1 : most - least) / 255;
    y[2][0] = hold(nearbyint(-least / y[1][0]), 0, 255);
    for (int64_t i = 0; i < count; i++)
        y[0][i] = hold(nearbyint(x[0][i] / y[1][0]) + y[2][0], 0, 255);
}

/* Integers between two bounds. */
#define WHOLE(extents, kind, least, most)                                      \
    {                                                                          \
        .shape = extents, .type = kind, .low = least, .high = most             \
    }
#define SCALE(extents)                                                         \
    {                                                                          \
        .shape = extents, .low = 0.01, .high = 0.1                             \
    }
#define Q .op = "QuantizeLinear", .reference = quantize, .plain = 1
#define D .op = "DequantizeLinear", .reference = dequantize, .plain = 1
#define DYNAMIC                                                                \
    .op = "DynamicQuantizeLinear", .reference = dynamic, .plain = 1,           \
    .no_gradient = 1

static const double ties[] = {0.5, 1.5, 2.5, -0.5, -1.5, 300, -300, 2};
static const double one[] = {1};

static const struct oc_case cases[] = {
    {Q, .in = {{"2x3x5"}, SCALE(""), WHOLE("", OCELLUS_UINT8, 100, 140)}},
    {Q, .in = {{.values = ties, .count = 8},
               {.shape = "", .values = one},
               WHOLE("", OCELLUS_INT8, -1, -1)}},
    {Q,
     .in = {{"2x3x5", -9, 9}, SCALE("3"), WHOLE("3", OCELLUS_INT8, -50, 50)}},
    {Q, .attributes = "axis=-1 output_dtype=5", .in = {{"4x3"}, SCALE("3")}},
    {Q, .attributes = "axis=1 block_size=2",
     .in = {{"3x5x2"},
            SCALE("3x3x2"),
            WHOLE("3x3x2", OCELLUS_UINT16, 500, 900)}},
    {Q, .attributes = "block_size=3 axis=0", .in = {{"6"}, SCALE("2")}},
    {D, .in = {WHOLE("2x3x5", OCELLUS_UINT8, 0, 255), SCALE(""),
               WHOLE("", OCELLUS_UINT8, 100, 140)}},
    {D, .attributes = "axis=0",
     .in = {WHOLE("4x3", OCELLUS_INT8, -128, 127), SCALE("4"),
            WHOLE("4", OCELLUS_INT8, -9, 9)}},
    {D, .attributes = "axis=1 block_size=3",
     .in = {WHOLE("2x7", OCELLUS_INT16, -999, 999), SCALE("2x3")}},
    {D, .in = {WHOLE("5", OCELLUS_INT32, -70000, 70000), SCALE("1")}},
    {DYNAMIC, .in = {{"3x4x5", -2, 3}}},
    {DYNAMIC, .in = {{"7", 1, 5}}},
    {DYNAMIC, .in = {{.shape = "3", .values = (const double[]){0, 0, 0}}}},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

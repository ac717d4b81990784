/* slice.c - Slice as NumPy's indexing does it: from start to before end. */
#include "tests/op/harness.h"

static int64_t
within(double value, double low, double high)
{
    return (int64_t)(value < low ? low : value > high ? high : value);
}

static void
slice(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int64_t start[OC_MAX_RANK] = {0}, step[OC_MAX_RANK];
    int64_t at[OC_MAX_RANK] = {0}, place = 0;
    int64_t named = oc_shape_count(&node->in[1]->shape);

    for (int k = 0; k < in->rank; k++)
        step[k] = 1;
    for (int64_t i = 0; i < named; i++) {
        int64_t axis = x[3] ? (int64_t)x[3][i] : i;

        axis += axis < 0 ? in->rank : 0;
        step[axis] = x[4] ? (int64_t)x[4][i] : 1;
        double n = (double)in->dim[axis];
        double from = x[1][i] < 0 ? x[1][i] + n : x[1][i];

        start[axis] = within(from, 0, step[axis] > 0 ? n : n - 1);
    }
    if (oc_shape_count(&node->out[0]->shape) == 0)
        return;
    do {
        int64_t from = 0;

        for (int k = 0; k < in->rank; k++)
            from = from * in->dim[k] + start[k] + at[k] * step[k];
        y[0][place++] = x[0][from];
    } while (oc_next(&node->out[0]->shape, at));
}

#define CASE(extents, out, ...)                                                \
    {                                                                          \
        .op = "Slice", .in = {{.shape = extents}, __VA_ARGS__},                \
        .reference = slice, .expect = out                                      \
    }

static const struct oc_case cases[] = {
    CASE("5x6x7", "3x6x7", OC_INTS(1), OC_INTS(4)),
    CASE("5x6x7", "5x6x7", OC_INTS(-1), OC_INTS(-99999), OC_INTS(1),
         OC_INTS(-1)),
    CASE("5x6x7", "2x6x2", OC_INTS(4, 1), OC_INTS(0, 6), OC_INTS(0, -1),
         OC_INTS(-2, 3)),
    CASE("5x6", "0x6", OC_INTS(3), OC_INTS(2), OC_INTS(0)),
    CASE("2x5x4x3", "2x3x4x3", OC_INTS(-3), OC_INTS(9e15), OC_INTS(1)),
    CASE("4x3", "4x3", OC_INTS(99), OC_INTS(-99), OC_INTS(-1), OC_INTS(-1)),
    CASE("3x10", "3x4", OC_INTS(0), OC_INTS(10), OC_INTS(1), OC_INTS(3)),
    {.op = "Slice",
     .in = {OC_INTS(1, 2, 3, 4, 5), OC_INTS(1), OC_INTS(-1)},
     .reference = slice,
     .expect = "3"},
    {.op = "Slice",
     .in = {{.shape = "5x6", .type = OCELLUS_FLOAT16},
            OC_INTS(4, 1),
            OC_INTS(0, 6),
            OC_INTS(0, 1),
            OC_INTS(-2, 3)},
     .reference = slice,
     .tolerance = 1e-3,
     .expect = "2x2"},
    {.op = "Slice",
     .in = {{.shape = "5x6", .type = OCELLUS_UINT8, .high = 200},
            OC_INTS(1),
            OC_INTS(4)},
     .reference = slice,
     .expect = "3x6"},
    {.op = "Slice",
     .in = {{.shape = "5x36", .type = OCELLUS_DOUBLE},
            OC_INTS(-1),
            OC_INTS(-37),
            OC_INTS(1),
            OC_INTS(-5)},
     .reference = slice,
     .expect = "5x8",
     .gpu = 1},
    {.op = "Slice",
     .in = {{.shape = "0x3"}, OC_INTS(2), OC_INTS(-9), OC_INTS(0), OC_INTS(-1)},
     .reference = slice,
     .expect = "0x3"},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

/* concat.c - Concat and Split, in channel blocks, too. */
#include "tests/op/harness.h"

static int
axis_of(const struct oc_node *node)
{
    int rank = node->in[0]->shape.rank;
    int axis = (int)oc_attr_int(node, "axis", 0);

    return axis < 0 ? axis + rank : axis;
}

/* Numbers of one step before the axis: the axis's extent times what follows. */
static int64_t
run_of(const struct oc_shape *shape, int axis)
{
    return oc_shape_span(shape, axis, shape->rank);
}

static void
concat(const struct oc_node *node, const double *const x[], double *const y[])
{
    int axis = axis_of(node);
    const struct oc_shape *out = &node->out[0]->shape;
    int64_t at = 0;

    for (int64_t p = 0; p < oc_shape_span(out, 0, axis); p++)
        for (int k = 0; k < node->n_in; k++) {
            int64_t run = run_of(&node->in[k]->shape, axis);

            for (int64_t i = 0; i < run; i++)
                y[0][at++] = x[k][p * run + i];
        }
}

static void
split(const struct oc_node *node, const double *const x[], double *const y[])
{
    int axis = axis_of(node);
    const struct oc_shape *in = &node->in[0]->shape;
    int64_t at = 0;

    for (int64_t p = 0; p < oc_shape_span(in, 0, axis); p++)
        for (int k = 0; k < node->n_out; k++) {
            if (node->out[k]->type == OCELLUS_UNDEFINED)
                break;
            int64_t run = run_of(&node->out[k]->shape, axis);

            for (int64_t i = 0; i < run; i++)
                y[k][p * run + i] = x[0][at++];
        }
}

static const struct oc_case cases[] = {
    {.op = "Concat",
     .attributes = "axis=1",
     .in = {{.shape = "2x16x3x5"}, {.shape = "2x32x3x5"}, {.shape = "2x3x3x5"}},
     .reference = concat,
     .expect = "2x51x3x5"},
    {.op = "Concat",
     .attributes = "axis=1",
     .in = {{.shape = "2x3x3x5"}, {.shape = "2x4x3x5"}},
     .reference = concat},
    {.op = "Concat",
     .attributes = "axis=-2",
     .in = {{.shape = "2x8x3x5"}, {.shape = "2x8x1x5"}},
     .reference = concat},
    {.op = "Concat",
     .attributes = "axis=0",
     .in = {{.shape = "2x3"}, {.shape = "0x3"}, {.shape = "1x3"}},
     .reference = concat},
    {.op = "Concat",
     .attributes = "axis=0",
     .in = {OC_INTS(1, 2), OC_INTS(3)},
     .reference = concat},
    {.op = "Split",
     .attributes = "axis=1",
     .in = {{.shape = "2x35x3x5"}, OC_INTS(16, 16, 3)},
     .reference = split,
     .expect = "2x16x3x5",
     .n_compared = 3},
    {.op = "Split",
     .attributes = "axis=-1 num_outputs=3",
     .in = {{.shape = "2x7"}},
     .reference = split,
     .expect = "2x3",
     .n_compared = 3},
    {.op = "Split",
     .in = {{.shape = "5x2x2x2"}, OC_INTS(2, 0, 3)},
     .reference = split,
     .n_compared = 3},
    /* More parts than Split makes: the gradient is slices. */
    {.op = "Concat",
     .attributes = "axis=1",
     .in = {{.shape = "2x1"},
            {.shape = "2x2"},
            {.shape = "2x3"},
            {.shape = "2x4"},
            {.shape = "2x5"},
            {.shape = "2x6"},
            {.shape = "2x7"},
            {.shape = "2x8"},
            {.shape = "2x9"}},
     .reference = concat,
     .expect = "2x45"},
    {.op = "Concat",
     .attributes = "axis=1",
     .in = {{.shape = "2x3", .type = OCELLUS_FLOAT16},
            {.shape = "2x4", .type = OCELLUS_FLOAT16}},
     .reference = concat,
     .tolerance = 1e-3,
     .gpu = 1},
    {.op = "Concat",
     .attributes = "axis=1",
     .in = {{.shape = "2x3x4x4", .type = OCELLUS_DOUBLE},
            {.shape = "2x4x4x4", .type = OCELLUS_DOUBLE}},
     .reference = concat},
    /* Only the first part has a gradient: zeros of its type for the rest. */
    {.op = "Split",
     .attributes = "axis=1",
     .in = {{.shape = "2x7", .type = OCELLUS_FLOAT16}, OC_INTS(3, 4)},
     .reference = split,
     .tolerance = 1e-3,
     .n_compared = 2},
    {.op = "Split",
     .attributes = "axis=1",
     .in = {{.shape = "2x7", .type = OCELLUS_DOUBLE}, OC_INTS(3, 4)},
     .reference = split,
     .n_compared = 2},
    {.op = "Split",
     .attributes = "axis=1",
     .in = {{.shape = "2x7", .type = OCELLUS_INT32, .low = -9, .high = 9},
            OC_INTS(3, 4)},
     .reference = split,
     .n_compared = 2,
     .gpu = 1},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

/* reshape.c - Reshape, Flatten, Squeeze, Unsqueeze: the same numbers under the
 * shape that ONNX's operator pages say; BitCast: the same bits. */
#include "tests/op/harness.h"

#include <string.h>

static void
same(const struct oc_node *node, const double *const x[], double *const y[])
{
    size_t count = (size_t)oc_shape_count(&node->in[0]->shape);

    memcpy(y[0], x[0], count * sizeof(double));
}

static void
float_bits(const struct oc_node *node, const double *const x[],
           double *const y[])
{
    for (int64_t i = 0; i < oc_shape_count(&node->in[0]->shape); i++) {
        float v = (float)x[0][i];
        int32_t bits;

        memcpy(&bits, &v, sizeof bits);
        y[0][i] = (double)bits;
    }
}

static void
byte_bits(const struct oc_node *node, const double *const x[],
          double *const y[])
{
    for (int64_t i = 0; i < oc_shape_count(&node->in[0]->shape); i++)
        y[0][i] = x[0][i] < 0 ? x[0][i] + 256 : x[0][i];
}

static const struct oc_case cases[] = {
    {.op = "BitCast",
     .attributes = "to=6",
     .in = {{.shape = "2x3x4x5"}},
     .reference = float_bits,
     .no_gradient = 1},
    {.op = "BitCast",
     .attributes = "to=2",
     .in = {{.shape = "7", .type = OCELLUS_INT8, .low = -128, .high = 127}},
     .reference = byte_bits,
     .no_gradient = 1},
    {.op = "Reshape",
     .in = {{.shape = "2x3x4"}, OC_INTS(4, 6)},
     .reference = same,
     .expect = "4x6"},
    {.op = "Reshape",
     .in = {{.shape = "2x3x4x5"}, OC_INTS(0, -1, 5)},
     .reference = same,
     .expect = "2x12x5"},
    {.op = "Reshape",
     .attributes = "allowzero=1",
     .in = {{.shape = "0x3"}, OC_INTS(5, 0, 2)},
     .reference = same,
     .expect = "5x0x2"},
    {.op = "Reshape",
     .in = {{.shape = "6", .type = OCELLUS_INT64, .high = 9, .host = 1},
            OC_INTS(2, 3)},
     .reference = same,
     .expect = "2x3"},
    {.op = "Flatten",
     .in = {{.shape = "2x3x4x5"}},
     .reference = same,
     .expect = "2x60"},
    {.op = "Flatten",
     .attributes = "axis=0",
     .in = {{.shape = "2x3"}},
     .reference = same,
     .expect = "1x6"},
    {.op = "Flatten",
     .attributes = "axis=-1",
     .in = {{.shape = "2x3x4"}},
     .reference = same,
     .expect = "6x4"},
    {.op = "Squeeze",
     .in = {{.shape = "1x3x1x4"}, OC_INTS(-2, 0)},
     .reference = same,
     .expect = "3x4"},
    {.op = "Squeeze",
     .in = {{.shape = "1x3x1x1"}},
     .reference = same,
     .expect = "3"},
    {.op = "Unsqueeze",
     .in = {{.shape = "3x4"}, OC_INTS(0, -1)},
     .reference = same,
     .expect = "1x3x4x1"},
    {.op = "Reshape",
     .in = {{.shape = ""}, OC_INTS(1, 1)},
     .reference = same,
     .expect = "1x1"},
    {.op = "Reshape",
     .in = {{.shape = "6", .type = OCELLUS_FLOAT16}, OC_INTS(-1, 2)},
     .reference = same,
     .expect = "3x2",
     .tolerance = 1e-3},
    {.op = "Flatten",
     .attributes = "axis=0",
     .in = {{.shape = ""}},
     .reference = same,
     .expect = "1x1"},
    {.op = "Flatten",
     .attributes = "axis=4",
     .in = {{.shape = "2x3x4x5"}},
     .reference = same,
     .expect = "120x1"},
    {.op = "Unsqueeze",
     .in = {{.shape = ""}, OC_INTS(0)},
     .reference = same,
     .expect = "1"},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

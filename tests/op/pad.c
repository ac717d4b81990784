/* pad.c - Pad: constant, edge, reflect, wrap; wider than the input; cropping.
 */
#include "tests/op/harness.h"

#include <string.h>

/* What index of 0 .. n - 1 stands for i, walking there step by step. */
static int64_t
mapped(const char *mode, int64_t i, int64_t n)
{
    if (strcmp(mode, "edge") == 0)
        return i < 0 ? 0 : i >= n ? n - 1 : i;
    while (i < 0 || i >= n) {
        if (strcmp(mode, "wrap") == 0)
            i += i < 0 ? n : -n;
        else if (n == 1)
            i = 0;
        else
            i = i < 0 ? -i : 2 * (n - 1) - i;
    }
    return i;
}

static void
pad(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const char *mode = oc_attr_text(node, "mode", "constant");
    int64_t begin[OC_MAX_RANK] = {0}, at[OC_MAX_RANK] = {0}, place = 0;
    int64_t named = oc_shape_count(&node->in[1]->shape) / 2;

    for (int64_t k = 0; k < named; k++)
        begin[x[3] ? (int64_t)x[3][k] : k] = (int64_t)x[1][k];
    do {
        int64_t from = 0, outside = 0;

        for (int k = 0; k < in->rank; k++) {
            int64_t i = at[k] - begin[k], n = in->dim[k];

            if (strcmp(mode, "constant") != 0)
                i = mapped(mode, i, n);
            outside |= i < 0 || i >= n;
            from = from * n + i;
        }
        y[0][place++] = !outside ? x[0][from] : x[2] ? x[2][0] : 0;
    } while (oc_next(&node->out[0]->shape, at));
}

#define NUMBER(v)                                                              \
    {                                                                          \
        .shape = "", .values = (const double[]){v}, .host = 1,                 \
        .no_gradient = 1                                                       \
    }
#define CASE(words, extents, ...)                                              \
    {                                                                          \
        .op = "Pad", .attributes = words,                                      \
        .in = {{.shape = extents}, __VA_ARGS__}, .reference = pad, .plain = 1  \
    }

static const struct oc_case cases[] = {
    CASE("mode=constant", "3x4x5", OC_INTS(1, 0, 2, 0, 3, 1), NUMBER(1.5)),
    CASE("mode=constant", "4x6", OC_INTS(-1, 2, 0, -3)),
    CASE("mode=constant", "2x3x2x3", OC_INTS(1, 2, 1, 0), NUMBER(-1),
         OC_INTS(2, 3)),
    CASE("mode=edge", "2x3x6x7", OC_INTS(0, 0, 2, 1, 0, 0, 1, 3)),
    CASE("mode=edge", "4x6", OC_INTS(-1, 2, 1, -3)),
    CASE("mode=reflect", "2x3x6x7", OC_INTS(0, 0, 2, 1, 0, 0, 1, 3)),
    CASE("mode=reflect", "4x3", OC_INTS(5, 0, 9, 1)),
    CASE("mode=reflect", "1x5", OC_INTS(2, 4, 1, 4)),
    CASE("mode=wrap", "2x3x6x7", OC_INTS(0, 0, 2, 1, 0, 0, 1, 3)),
    CASE("mode=wrap", "4x3", OC_INTS(5, 0, 9, 1)),
    CASE("mode=wrap", "2x3x2x3x2", OC_INTS(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)),
    {.op = "Pad",
     .attributes = "mode=reflect",
     .in = {{.shape = "5x7"}, OC_INTS(2, 3, 1, 1)},
     .reference = pad,
     .gpu = 1},
    {.op = "Pad",
     .in = {{.shape = "3x5", .type = OCELLUS_FLOAT16}, OC_INTS(1, 2, 0, 1)},
     .reference = pad,
     .tolerance = 1e-3},
    {.op = "Pad",
     .attributes = "mode=reflect",
     .in = {{.shape = "3x5", .type = OCELLUS_FLOAT16}, OC_INTS(1, 2, 2, 1)},
     .reference = pad,
     .tolerance = 1e-3},
    {.op = "Pad",
     .attributes = "mode=reflect",
     .in = {{.shape = "6x7"}, OC_INTS(-1, 2, 3, -2)},
     .reference = pad},
    {.op = "Pad",
     .attributes = "mode=wrap",
     .in = {{.shape = "6x7"}, OC_INTS(-1, 2, 3, -2)},
     .reference = pad},
    {.op = "Pad",
     .attributes = "mode=edge",
     .in = {{.shape = "4x5", .type = OCELLUS_INT64, .low = -9, .high = 9},
            OC_INTS(1, 0, 0, 2)},
     .reference = pad},
    {.op = "Pad",
     .in = {{.shape = "0x3"}, OC_INTS(2, 0, 0, 1), NUMBER(7)},
     .reference = pad},
    {.op = "Pad",
     .in = {{.shape = "4x5", .type = OCELLUS_DOUBLE}, OC_INTS(1, 0, 0, 2)},
     .reference = pad,
     .gpu = 1},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

/* expand.c - Expand and Tile. */
#include "tests/op/harness.h"

static void
expand(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *out = &node->out[0]->shape;
    int64_t at[OC_MAX_RANK] = {0}, i = 0;

    if (oc_shape_count(out) == 0)
        return;
    do
        y[0][i++] = x[0][oc_spread(&node->in[0]->shape, out, at)];
    while (oc_next(out, at));
}

static void
tile(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const struct oc_shape *out = &node->out[0]->shape;
    int64_t at[OC_MAX_RANK] = {0}, i = 0;

    if (oc_shape_count(out) == 0)
        return;
    do {
        int64_t from = 0;

        for (int k = 0; k < in->rank; k++)
            from = from * in->dim[k] + at[k] % in->dim[k];
        y[0][i++] = x[0][from];
    } while (oc_next(out, at));
}

#define CASE(name, rule, extents, out, ...)                                    \
    {                                                                          \
        .op = name, .in = {{.shape = extents}, OC_INTS(__VA_ARGS__)},          \
        .reference = rule, .expect = out                                       \
    }

static const struct oc_case cases[] = {
    CASE("Expand", expand, "3x1", "2x3x6", 2, 1, 6),
    CASE("Expand", expand, "2x3x1x5", "2x3x4x5", 4, 1),
    CASE("Expand", expand, "", "3x2", 3, 2),
    CASE("Expand", expand, "3x4", "3x4", 1),
    CASE("Expand", expand, "2x1", "0x2x3", 0, 1, 3),
    CASE("Tile", tile, "3x2", "6x6", 2, 3),
    CASE("Tile", tile, "2x3x4", "2x3x20", 1, 1, 5),
    CASE("Tile", tile, "4", "0", 0),
    CASE("Tile", tile, "2x1x2x1x2", "4x2x4x2x4", 2, 2, 2, 2, 2),
    {.op = "Expand",
     .in = {{.shape = "3x1", .type = OCELLUS_FLOAT16}, OC_INTS(2, 3, 6)},
     .reference = expand,
     .tolerance = 1e-3,
     .expect = "2x3x6"},
    {.op = "Expand",
     .in = {{.shape = "3x1", .type = OCELLUS_BOOL}, OC_INTS(3, 17)},
     .reference = expand,
     .expect = "3x17"},
    {.op = "Expand",
     .in = {{.shape = "1x1x4"}, OC_INTS(1, 1, 1)},
     .reference = expand,
     .expect = "1x1x4"},
    {.op = "Tile",
     .in = {{.shape = "3x2", .type = OCELLUS_DOUBLE}, OC_INTS(2, 3)},
     .reference = tile,
     .expect = "6x6",
     .gpu = 1},
    {.op = "Tile",
     .in = {{.shape = "3x2", .type = OCELLUS_FLOAT16}, OC_INTS(1, 2)},
     .reference = tile,
     .expect = "3x4",
     .tolerance = 1e-3},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

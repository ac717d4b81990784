/* transpose.c - Transpose, DepthToSpace, SpaceToDepth, index by index. */
#include "tests/op/harness.h"

#include <string.h>

static int64_t
place(const struct oc_shape *shape, const int64_t at[])
{
    int64_t i = 0;

    for (int k = 0; k < shape->rank; k++)
        i = i * shape->dim[k] + at[k];
    return i;
}

static void
transpose(const struct oc_node *node, const double *const x[],
          double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int count;
    const int64_t *perm = oc_attr_ints(node, "perm", &count);
    int64_t at[OC_MAX_RANK] = {0}, from[OC_MAX_RANK], i = 0;

    if (oc_shape_count(in) == 0)
        return;
    do {
        for (int k = 0; k < in->rank; k++)
            from[perm ? perm[k] : in->rank - 1 - k] = at[k];
        y[0][i++] = x[0][place(in, from)];
    } while (oc_next(&node->out[0]->shape, at));
}

/* Channel of the deep tensor for channel c and the pixel (j, i) of a block of
 * b x b in the wide one, which has `channels`. */
static int64_t
deep(const struct oc_node *node, int64_t c, int64_t j, int64_t i, int64_t b,
     int64_t channels)
{
    if (strcmp(oc_attr_text(node, "mode", "DCR"), "CRD") == 0)
        return (c * b + j) * b + i;
    return (j * b + i) * channels + c;
}

static void
depth_to_space(const struct oc_node *node, const double *const x[],
               double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const struct oc_shape *out = &node->out[0]->shape;
    int64_t b = oc_attr_int(node, "blocksize", 1);
    int64_t at[OC_MAX_RANK] = {0}, k = 0;

    do {
        int64_t c = deep(node, at[1], at[2] % b, at[3] % b, b, out->dim[1]);
        int64_t from[4] = {at[0], c, at[2] / b, at[3] / b};

        y[0][k++] = x[0][place(in, from)];
    } while (oc_next(out, at));
}

static void
space_to_depth(const struct oc_node *node, const double *const x[],
               double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int64_t b = oc_attr_int(node, "blocksize", 1);
    int64_t at[OC_MAX_RANK] = {0}, k = 0;

    do {
        int64_t c = deep(node, at[1], at[2] % b, at[3] % b, b, in->dim[1]);
        int64_t to[4] = {at[0], c, at[2] / b, at[3] / b};

        y[0][place(&node->out[0]->shape, to)] = x[0][k++];
    } while (oc_next(in, at));
}

#define CASE(name, words, extents, rule)                                       \
    {                                                                          \
        .op = name, .attributes = words, .in = {{.shape = extents}},           \
        .reference = rule                                                      \
    }

static const struct oc_case cases[] = {
    CASE("Transpose", NULL, "3x4x5", transpose),
    CASE("Transpose", "perm=0,2,3,1", "2x3x4x5", transpose),
    CASE("Transpose", "perm=0,2,1", "2x33x17", transpose),
    CASE("Transpose", "perm=5,0,3,1,4,2", "2x3x2x3x2x3", transpose),
    CASE("Transpose", "perm=1,0", "0x3", transpose),
    {.op = "Transpose",
     .attributes = "perm=1,0",
     .in = {{.shape = "19x23"}},
     .reference = transpose,
     .gpu = 1},
    {.op = "Transpose",
     .attributes = "perm=1,0",
     .in = {{.shape = "19x23", .type = OCELLUS_INT64, .high = 99}},
     .reference = transpose},
    {.op = "Transpose",
     .attributes = "perm=1,0",
     .in = {{.shape = "3x5", .type = OCELLUS_UINT8, .high = 99, .host = 1}},
     .reference = transpose},
    CASE("DepthToSpace", "blocksize=2", "2x12x3x5", depth_to_space),
    CASE("DepthToSpace", "blocksize=3 mode=CRD", "1x18x2x3", depth_to_space),
    CASE("SpaceToDepth", "blocksize=2", "2x3x4x6", space_to_depth),
    {.op = "Transpose",
     .attributes = "perm=0,2,1",
     .in = {{.shape = "2x17x19", .type = OCELLUS_FLOAT16}},
     .reference = transpose,
     .tolerance = 1e-3},
    {.op = "Transpose",
     .attributes = "perm=2,0,1",
     .in = {{.shape = "2x17x19", .type = OCELLUS_DOUBLE}},
     .reference = transpose,
     .gpu = 1},
    {.op = "Transpose",
     .attributes = "perm=7,6,5,4,3,2,1,0",
     .in = {{.shape = "2x1x3x2x1x2x3x2"}},
     .reference = transpose},
    {.op = "Transpose", .in = {{.shape = ""}}, .reference = transpose},
    {.op = "DepthToSpace",
     .attributes = "blocksize=1",
     .in = {{.shape = "2x3x4x5", .type = OCELLUS_FLOAT16}},
     .reference = depth_to_space,
     .tolerance = 1e-3},
    {.op = "SpaceToDepth",
     .attributes = "blocksize=3",
     .in = {{.shape = "1x2x6x9"}},
     .reference = space_to_depth,
     .expect = "1x18x2x3",
     .gpu = 1},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

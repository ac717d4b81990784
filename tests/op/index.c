/* index.c - GatherND, OneHot, EyeLike, Trilu. (GatherElements: gather.c.) */
#include "tests/op/harness.h"

static int64_t
row_of(double index, int64_t rows)
{
    return (int64_t)(index < 0 ? index + (double)rows : index);
}

static void
tuples(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const struct oc_shape *index = &node->in[1]->shape;
    int batch = (int)oc_attr_int(node, "batch_dims", 0);
    int depth = (int)index->dim[index->rank - 1];
    int64_t slice = oc_shape_span(in, batch + depth, in->rank);
    int64_t each = oc_shape_span(index, batch, index->rank - 1);

    for (int64_t m = 0; m < oc_shape_count(index) / depth; m++) {
        int64_t row = m / each;

        for (int k = 0; k < depth; k++)
            row = row * in->dim[batch + k] +
                  row_of(x[1][m * depth + k], in->dim[batch + k]);
        for (int64_t q = 0; q < slice; q++)
            y[0][m * slice + q] = x[0][row * slice + q];
    }
}

static void
one_hot(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *out = &node->out[0]->shape;
    int axis = (int)oc_attr_int(node, "axis", -1);
    int64_t at = 0;

    axis += axis < 0 ? out->rank : 0;
    int64_t after = oc_shape_span(out, axis + 1, out->rank);
    for (int64_t p = 0; p < oc_shape_span(out, 0, axis); p++)
        for (int64_t c = 0; c < out->dim[axis]; c++)
            for (int64_t q = 0; q < after; q++) {
                double i = x[0][p * after + q];

                i += i < 0 ? (double)out->dim[axis] : 0;
                y[0][at++] = x[2][i == (double)c];
            }
}

static void
eye(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *out = &node->out[0]->shape;

    (void)x;
    for (int64_t r = 0; r < out->dim[0]; r++)
        for (int64_t c = 0; c < out->dim[1]; c++)
            y[0][r * out->dim[1] + c] = c - r == oc_attr_int(node, "k", 0);
}

static void
trilu(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int64_t rows = in->dim[in->rank - 2], columns = in->dim[in->rank - 1];
    int64_t k = x[1] ? (int64_t)x[1][0] : 0;
    int upper = oc_attr_int(node, "upper", 1) != 0;

    for (int64_t i = 0; i < oc_shape_count(in); i++) {
        int64_t off = i % columns - i / columns % rows;

        y[0][i] = (upper ? off >= k : off <= k) ? x[0][i] : 0;
    }
}

#define DRAWN(extents, most, kind)                                             \
    {                                                                          \
        .shape = extents, .low = -(most), .high = (most)-1, .type = kind,      \
        .no_gradient = 1                                                       \
    }
#define HOT(words, index)                                                      \
    {                                                                          \
        .op = "OneHot", .attributes = words, .reference = one_hot,             \
        .in = {index, OC_INTS(5), {.shape = "2", .no_gradient = 1}},           \
        .no_gradient = 1                                                       \
    }

static const struct oc_case cases[] = {
    {.op = "GatherND",
     .in = {{.shape = "4x3x5"}, DRAWN("7x2", 3, OCELLUS_INT64)},
     .reference = tuples,
     .expect = "7x5"},
    {.op = "GatherND",
     .in = {{.shape = "3x3"}, DRAWN("2x5x2", 3, OCELLUS_INT32)},
     .reference = tuples,
     .expect = "2x5"},
    {.op = "GatherND",
     .attributes = "batch_dims=1",
     .in = {{.shape = "2x3x4"}, DRAWN("2x5x1", 3, OCELLUS_INT64)},
     .reference = tuples,
     .expect = "2x5x4"},
    {.op = "GatherND",
     .attributes = "batch_dims=2",
     .in = {{.shape = "2x3x4"}, DRAWN("2x3x1", 4, OCELLUS_INT64)},
     .reference = tuples,
     .expect = "2x3"},
    {.op = "GatherND",
     .in = {{.shape = "4x3", .type = OCELLUS_INT64, .high = 99},
            DRAWN("6x1", 4, OCELLUS_INT64)},
     .reference = tuples},
    HOT(NULL, DRAWN("7", 5, OCELLUS_INT64)),
    HOT("axis=0", DRAWN("2x3", 7, OCELLUS_INT32)),
    HOT("axis=1", DRAWN("2x3x2", 5, OCELLUS_INT64)),
    HOT("axis=-2", DRAWN("3x2", 5, OCELLUS_INT64)),
    HOT(NULL, DRAWN("", 5, OCELLUS_INT64)),
    {.op = "EyeLike",
     .in = {{.shape = "5x3"}},
     .reference = eye,
     .no_gradient = 1},
    {.op = "EyeLike",
     .attributes = "k=-2 dtype=7",
     .in = {{.shape = "3x7"}},
     .reference = eye,
     .no_gradient = 1},
    {.op = "EyeLike",
     .attributes = "k=1",
     .in = {{.shape = "4x4", .type = OCELLUS_FLOAT16}},
     .reference = eye,
     .no_gradient = 1},
    {.op = "Trilu", .in = {{.shape = "5x3"}}, .reference = trilu},
    {.op = "Trilu",
     .attributes = "upper=0",
     .in = {{.shape = "2x3x4x5"}, OC_INTS(1)},
     .reference = trilu},
    {.op = "Trilu",
     .in = {{.shape = "3x5x2"}, OC_INTS(-2)},
     .reference = trilu},
    {.op = "Trilu",
     .attributes = "upper=0",
     .in = {{.shape = "0x5"}},
     .reference = trilu},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

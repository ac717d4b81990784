/* gather.c - Gather and GatherElements. */
#include "tests/op/harness.h"

static int
axis_of(const struct oc_node *node)
{
    int axis = (int)oc_attr_int(node, "axis", 0);

    return axis < 0 ? axis + node->in[0]->shape.rank : axis;
}

static int64_t
row_of(double index, int64_t rows)
{
    return (int64_t)(index < 0 ? index + (double)rows : index);
}

static void
gather(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int axis = axis_of(node);
    int64_t picks = oc_shape_count(&node->in[1]->shape);
    int64_t after = oc_shape_span(in, axis + 1, in->rank);
    int64_t rows = in->dim[axis], at = 0;

    for (int64_t p = 0; p < oc_shape_span(in, 0, axis); p++)
        for (int64_t j = 0; j < picks; j++)
            for (int64_t q = 0; q < after; q++)
                y[0][at++] =
                    x[0][(p * rows + row_of(x[1][j], rows)) * after + q];
}

static void
elements(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int axis = axis_of(node);
    int64_t at[OC_MAX_RANK] = {0}, i = 0;

    do {
        int64_t from = 0;

        for (int k = 0; k < in->rank; k++)
            from = from * in->dim[k] +
                   (k == axis ? row_of(x[1][i], in->dim[k]) : at[k]);
        y[0][i] = x[0][from];
        i++;
    } while (oc_next(&node->in[1]->shape, at));
}

#define INDEX(extents, most, known, kind)                                      \
    {                                                                          \
        .shape = extents, .low = -(most), .high = (most)-1, .type = kind,      \
        .host = known, .no_gradient = 1                                        \
    }
#define CASE(name, rule, words, extents, ...)                                  \
    {                                                                          \
        .op = name, .attributes = words,                                       \
        .in = {{.shape = extents}, __VA_ARGS__}, .reference = rule             \
    }

static const struct oc_case cases[] = {
    CASE("Gather", gather, NULL, "5x4", INDEX("2x3", 5, 0, OCELLUS_INT64)),
    CASE("Gather", gather, "axis=1", "3x6x20", INDEX("7", 6, 1, OCELLUS_INT64)),
    CASE("Gather", gather, "axis=-1", "3x6x2", INDEX("", 2, 0, OCELLUS_INT32)),
    CASE("Gather", gather, NULL, "7", INDEX("1x1", 7, 0, OCELLUS_INT32)),
    CASE("Gather", gather, NULL, "4x3", INDEX("0", 4, 0, OCELLUS_INT64)),
    {.op = "Gather",
     .in = {OC_INTS(5, 6, 7), OC_INTS(-1, 0)},
     .reference = gather},
    CASE("GatherElements", elements, "axis=1", "3x5x2",
         INDEX("3x7x2", 5, 0, OCELLUS_INT64)),
    CASE("GatherElements", elements, NULL, "4x3",
         INDEX("2x3", 4, 0, OCELLUS_INT32)),
    {.op = "Gather",
     .attributes = "axis=1",
     .in = {{.shape = "3x5x4", .type = OCELLUS_FLOAT16},
            {.shape = "6",
             .type = OCELLUS_INT64,
             .low = -5,
             .high = 4,
             .no_gradient = 1}},
     .reference = gather,
     .tolerance = 1e-3},
    {.op = "Gather",
     .in = {{.shape = "5x17", .type = OCELLUS_UINT8, .high = 200},
            {.shape = "2x2",
             .type = OCELLUS_INT64,
             .low = -5,
             .high = 4,
             .no_gradient = 1}},
     .reference = gather},
    {.op = "Gather",
     .attributes = "axis=1",
     .in = {{.shape = "2x3x4x5"},
            {.shape = "2",
             .type = OCELLUS_INT64,
             .low = -3,
             .high = 2,
             .no_gradient = 1}},
     .reference = gather},
    {.op = "Gather",
     .attributes = "axis=1",
     .in = {{.shape = "3x6x20", .type = OCELLUS_DOUBLE},
            {.shape = "4",
             .type = OCELLUS_INT64,
             .low = -6,
             .high = 5,
             .no_gradient = 1}},
     .reference = gather,
     .gpu = 1},
    {.op = "GatherElements",
     .attributes = "axis=-1",
     .in = {{.shape = "3x5", .type = OCELLUS_FLOAT16},
            {.shape = "3x9",
             .type = OCELLUS_INT64,
             .low = -5,
             .high = 4,
             .no_gradient = 1}},
     .reference = elements,
     .gpu = 1},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

/* scatter.c - ScatterElements, ScatterND and their reductions. */
#include <string.h>

#include "tests/op/harness.h"

static double
joined(const struct oc_node *node, double it, double u)
{
    const char *word = oc_attr_text(node, "reduction", "none");

    if (strcmp(word, "add") == 0)
        return it + u;
    if (strcmp(word, "mul") == 0)
        return it * u;
    if (strcmp(word, "min") == 0)
        return it < u ? it : u;
    if (strcmp(word, "max") == 0)
        return it > u ? it : u;
    return u;
}

static void
copy(const struct oc_node *node, const double *x, double *y)
{
    int64_t count = oc_shape_count(&node->out[0]->shape);

    memcpy(y, x, (size_t)count * sizeof *y);
}

static int64_t
row_of(double index, int64_t rows)
{
    return (int64_t)(index < 0 ? index + (double)rows : index);
}

static void
elements(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *out = &node->out[0]->shape;
    int axis = (int)oc_attr_int(node, "axis", 0);
    int64_t at[OC_MAX_RANK] = {0}, i = 0;

    axis += axis < 0 ? out->rank : 0;
    copy(node, x[0], y[0]);
    if (oc_shape_count(&node->in[1]->shape) == 0)
        return;
    do {
        int64_t to = 0;

        for (int k = 0; k < out->rank; k++)
            to = to * out->dim[k] +
                 (k == axis ? row_of(x[1][i], out->dim[k]) : at[k]);
        y[0][to] = joined(node, y[0][to], x[2][i]);
        i++;
    } while (oc_next(&node->in[1]->shape, at));
}

static void
tuples(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *out = &node->out[0]->shape;
    const struct oc_shape *index = &node->in[1]->shape;
    int depth = (int)index->dim[index->rank - 1];
    int64_t slice = oc_shape_span(out, depth, out->rank);

    copy(node, x[0], y[0]);
    for (int64_t m = 0; m < oc_shape_count(index) / depth; m++) {
        int64_t row = 0;

        for (int k = 0; k < depth; k++)
            row = row * out->dim[k] + row_of(x[1][m * depth + k], out->dim[k]);
        for (int64_t q = 0; q < slice; q++)
            y[0][row * slice + q] =
                joined(node, y[0][row * slice + q], x[2][m * slice + q]);
    }
}

#define DRAWN(extents, most, kind)                                             \
    {                                                                          \
        .shape = extents, .low = -(most), .high = (most)-1, .type = kind,      \
        .no_gradient = 1                                                       \
    }
#define LISTED(extents, ...)                                                   \
    {                                                                          \
        .shape = extents, .values = (const double[]){__VA_ARGS__},             \
        .type = OCELLUS_INT64, .no_gradient = 1                                \
    }
#define CASE(name, rule, words, x, index, u)                                   \
    {                                                                          \
        .op = name, .attributes = words, .reference = rule, .in = {            \
            {.shape = x, .low = 0.5, .high = 1.5},                             \
            index,                                                             \
            {.shape = u, .low = 0.5, .high = 1.5}                              \
        }                                                                      \
    }
#define TYPED(name, rule, words, kind, x, index, u)                            \
    {                                                                          \
        .op = name, .attributes = words, .reference = rule, .tolerance = 2e-3, \
        .no_gradient = 1, .in = {                                              \
            {.shape = x, .high = 20, .type = kind},                            \
            index,                                                             \
            {.shape = u, .high = 20, .type = kind}                             \
        }                                                                      \
    }

static const double first[] = {1, 4, -4};

static const struct oc_case cases[] = {
    CASE("ScatterElements", elements, NULL, "5x3",
         LISTED("2x3", 1, -5, 2, 3, 4, -1), "2x3"),
    CASE("ScatterElements", elements, "axis=1", "2x7x3",
         LISTED("1x2x3", 0, 6, 2, 3, -5, 4), "1x2x3"),
    CASE("ScatterElements", elements, "axis=1 reduction=add", "3x5x2",
         DRAWN("3x11x2", 5, OCELLUS_INT64), "3x11x2"),
    CASE("ScatterElements", elements, "axis=-1 reduction=mul", "3x5",
         DRAWN("2x9", 5, OCELLUS_INT32), "2x9"),
    CASE("ScatterElements", elements, "reduction=min", "7",
         DRAWN("23", 7, OCELLUS_INT64), "23"),
    CASE("ScatterElements", elements, "reduction=max axis=2", "2x1x5x2",
         DRAWN("2x1x6x1", 5, OCELLUS_INT64), "2x1x6x1"),
    CASE("ScatterElements", elements, "reduction=add", "4x3",
         DRAWN("0x3", 4, OCELLUS_INT64), "0x3"),
    CASE("ScatterElements", elements, "reduction=add", "307",
         DRAWN("401", 307, OCELLUS_INT64), "401"),
    {.op = "ScatterElements",
     .in = {{.shape = "6"},
            {.type = OCELLUS_INT64,
             .host = 1,
             .values = first,
             .count = 3,
             .no_gradient = 1},
            {.shape = "3"}},
     .reference = elements},
    CASE("ScatterND", tuples, NULL, "8", LISTED("4x1", 4, 3, 1, -1), "4"),
    CASE("ScatterND", tuples, NULL, "4x5x3", LISTED("2x2", 0, 4, -1, 2), "2x3"),
    CASE("ScatterND", tuples, "reduction=add", "4x3x2",
         DRAWN("3x5x1", 4, OCELLUS_INT64), "3x5x3x2"),
    CASE("ScatterND", tuples, "reduction=mul", "3x3",
         DRAWN("7x2", 3, OCELLUS_INT64), "7"),
    CASE("ScatterND", tuples, "reduction=max", "3x3x17",
         DRAWN("7x2", 3, OCELLUS_INT32), "7x17"),
    CASE("ScatterND", tuples, "reduction=min", "2x2x2",
         DRAWN("9x3", 2, OCELLUS_INT64), "9"),
    CASE("ScatterND", tuples, "reduction=add", "3x4",
         DRAWN("0x1", 3, OCELLUS_INT64), "0x4"),
    TYPED("ScatterND", tuples, "reduction=add", OCELLUS_INT64, "5x4",
          DRAWN("9x1", 5, OCELLUS_INT64), "9x4"),
    TYPED("ScatterND", tuples, NULL, OCELLUS_FLOAT16, "5x4",
          LISTED("2x1", 1, 3), "2x4"),
    TYPED("ScatterElements", elements, "reduction=max", OCELLUS_UINT8, "5x4",
          DRAWN("9x4", 5, OCELLUS_INT64), "9x4"),
    TYPED("ScatterElements", elements, "reduction=add", OCELLUS_FLOAT16, "5x4",
          DRAWN("9x4", 5, OCELLUS_INT64), "9x4"),
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

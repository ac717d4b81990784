/* row_norm.c - LayerNormalization, InstanceNormalization, GroupNormalization,
 * RMSNormalization by their definitions. */
#include "tests/op/harness.h"

#include <math.h>

/* `rows` of `size`; number i of row r is scaled and shifted by weight
 * which(r, i). */
struct rows {
    int64_t rows, size;
    int64_t modulus, inner;
    int centre;
};

static void
normalise(const struct oc_node *node, const struct rows *s,
          const double *const x[], double *const y[])
{
    double eps = oc_attr_float(node, "epsilon", 1e-5);

    for (int64_t r = 0; r < s->rows; r++) {
        const double *row = x[0] + r * s->size;
        double mean = 0, var = 0;

        for (int64_t i = 0; s->centre && i < s->size; i++)
            mean += row[i] / (double)s->size;
        for (int64_t i = 0; i < s->size; i++)
            var += (row[i] - mean) * (row[i] - mean) / (double)s->size;
        for (int64_t i = 0; i < s->size; i++) {
            int64_t w = r % s->modulus * (s->size / s->inner) + i / s->inner;

            y[0][r * s->size + i] =
                (row[i] - mean) / sqrt(var + eps) * x[1][w] +
                (node->n_in > 2 ? x[2][w] : 0);
        }
        if (s->modulus == 1 && s->centre && y[1]) {
            y[1][r] = mean;
            y[2][r] = 1 / sqrt(var + eps);
        }
    }
}

static void
along(const struct oc_node *node, const double *const x[], double *const y[],
      int centre)
{
    const struct oc_shape *in = &node->in[0]->shape;
    int axis = (int)oc_attr_int(node, "axis", -1);

    axis += axis < 0 ? in->rank : 0;
    struct rows s = {oc_shape_span(in, 0, axis),
                     oc_shape_span(in, axis, in->rank), 1, 1, centre};

    normalise(node, &s, x, y);
}

static void
layer(const struct oc_node *node, const double *const x[], double *const y[])
{
    along(node, x, y, 1);
}

static void
rms(const struct oc_node *node, const double *const x[], double *const y[])
{
    along(node, x, y, 0);
}

static void
group(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int64_t groups = oc_attr_int(node, "num_groups", in->dim[1]);
    int64_t plane = oc_shape_span(in, 2, in->rank);
    struct rows s = {in->dim[0] * groups, in->dim[1] / groups * plane, groups,
                     plane, 1};

    normalise(node, &s, x, y);
}

#define CASE(name, rule, words, extents, weights, as_gpu)                      \
    {                                                                          \
        .op = name, .attributes = words,                                       \
        .in = {{.shape = extents, .low = -1, .high = 3},                       \
               {.shape = weights},                                             \
               {.shape = weights}},                                            \
        .reference = rule, .slack = 2, .gpu = as_gpu                           \
    }

static const struct oc_case cases[] = {
    CASE("LayerNormalization", layer, "epsilon=1e-4", "3x4x37", "37", 0),
    CASE("LayerNormalization", layer, "axis=1", "2x3x5", "3x5", 0),
    CASE("LayerNormalization", layer, NULL, "3x150", "150", 1),
    {.op = "LayerNormalization",
     .in = {{.shape = "5x6"}, {.shape = "6"}},
     .reference = layer,
     .slack = 2},
    CASE("InstanceNormalization", group, "epsilon=1e-3", "2x3x5x7", "3", 0),
    CASE("InstanceNormalization", group, NULL, "2x3x9", "3", 1),
    CASE("GroupNormalization", group, "num_groups=2", "2x6x5x3", "6", 0),
    CASE("GroupNormalization", group, "num_groups=1", "2x4x3", "4", 1),
    {.op = "RMSNormalization",
     .in = {{.shape = "3x4x17"}, {.shape = "17"}},
     .reference = rms},
    {.op = "LayerNormalization",
     .in = {{.shape = "3x9", .type = OCELLUS_FLOAT16},
            {.shape = "9", .type = OCELLUS_FLOAT16},
            {.shape = "9", .type = OCELLUS_FLOAT16}},
     .reference = layer,
     .tolerance = 4e-3,
     .no_gradient = 1},
    {.op = "RMSNormalization",
     .in = {{.shape = "3x9", .type = OCELLUS_DOUBLE},
            {.shape = "9", .type = OCELLUS_DOUBLE}},
     .reference = rms,
     .gpu = 1},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

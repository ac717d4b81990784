/* deform_conv.c - DeformConv: every pixel weighed by its distance. */
#include <math.h>

#include "tests/op/harness.h"

static int64_t
number(const struct oc_node *node, const char *name, int k, int64_t otherwise)
{
    int count;
    const int64_t *list = oc_attr_ints(node, name, &count);

    return list && k < count ? list[k] : otherwise;
}

static double
read(const double *x, const struct oc_shape *in, double v, double u)
{
    double sum = 0;

    for (int64_t i = 0; i < in->dim[2]; i++)
        for (int64_t j = 0; j < in->dim[3]; j++)
            sum += fmax(0, 1 - fabs(v - (double)i)) *
                   fmax(0, 1 - fabs(u - (double)j)) * x[i * in->dim[3] + j];
    return sum;
}

/* One output number at (n, f, oy, ox). */
static double
one(const struct oc_node *node, const double *const x[],
    const int64_t at[OC_MAX_RANK])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const struct oc_shape *w = &node->in[1]->shape;
    const struct oc_shape *out = &node->out[0]->shape;
    int64_t groups = oc_attr_int(node, "group", 1), n = at[0], f = at[1];
    int64_t offsets = oc_attr_int(node, "offset_group", 1);
    double sum = x[3] ? x[3][f] : 0;

    for (int64_t q = 0; q < w->dim[1]; q++)
        for (int64_t r = 0; r < w->dim[2]; r++)
            for (int64_t s = 0; s < w->dim[3]; s++) {
                int64_t c = f / (out->dim[1] / groups) * w->dim[1] + q;
                int64_t g = n * offsets + c / (in->dim[1] / offsets);
                int64_t tap = (g * w->dim[2] + r) * w->dim[3] + s;
                int64_t plane = out->dim[2] * out->dim[3];
                int64_t place = at[2] * out->dim[3] + at[3];
                double v = (double)(at[2] * number(node, "strides", 0, 1) -
                                    number(node, "pads", 0, 0) +
                                    r * number(node, "dilations", 0, 1));
                double u = (double)(at[3] * number(node, "strides", 1, 1) -
                                    number(node, "pads", 1, 0) +
                                    s * number(node, "dilations", 1, 1));

                v += x[2][2 * tap * plane + place];
                u += x[2][(2 * tap + 1) * plane + place];
                sum +=
                    x[1]
                     [((f * w->dim[1] + q) * w->dim[2] + r) * w->dim[3] + s] *
                    (x[4] ? x[4][tap * plane + place] : 1) *
                    read(x[0] + (n * in->dim[1] + c) * in->dim[2] * in->dim[3],
                         in, v, u);
            }
    return sum;
}

static void
convolve(const struct oc_node *node, const double *const x[], double *const y[])
{
    int64_t at[OC_MAX_RANK] = {0}, i = 0;

    do
        y[0][i++] = one(node, x, at);
    while (oc_next(&node->out[0]->shape, at));
}

#define CASE(words, image, weights, offsets, ...)                              \
    {                                                                          \
        .op = "DeformConv", .attributes = words,                               \
        .in = {{.shape = image},                                               \
               {.shape = weights},                                             \
               {.shape = offsets, .low = -1.5, .high = 1.5},                   \
               __VA_ARGS__},                                                   \
        .reference = convolve, .no_gradient = 1                                \
    }

static const struct oc_case cases[] = {
    CASE(NULL, "1x1x3x3", "1x1x2x2", "1x8x2x2", {.shape = NULL}),
    CASE("pads=1,1,1,1", "2x3x5x4", "4x3x3x3", "2x18x5x4", {.shape = "4"}),
    CASE("group=2 offset_group=2 strides=2,1", "1x4x7x5", "6x2x3x2", "1x24x3x4",
         {.shape = "6"}, {.shape = "1x12x3x4"}),
    CASE("dilations=2,1 pads=0,2,1,0", "1x2x6x6", "3x2x2x3", "1x12x5x6",
         {.shape = NULL}, {.shape = "1x6x5x6"}),
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

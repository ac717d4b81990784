/* roi.c - RoiAlign and MaxRoiPool. With mode max the numbers are positive, so
 * that pixels which weigh nothing do not matter. */
#include <math.h>
#include <string.h>

#include "tests/op/harness.h"

/* The weight of pixel i of an axis of n at a place. */
static double
weight(double at, int64_t i, int64_t n)
{
    if (at < -1 || at > (double)n)
        return 0;
    at = fmin(fmax(at, 0), (double)n - 1);
    return fmax(0, 1 - fabs(at - (double)i));
}

static double
bin(const double *x, const struct oc_shape *in, const double from[2],
    const double size[2], const int64_t grid[2], int maximum)
{
    double sum = maximum ? -INFINITY : 0;

    for (int64_t a = 0; a < grid[0]; a++)
        for (int64_t b = 0; b < grid[1]; b++) {
            double v = from[0] + ((double)a + 0.5) * size[0] / (double)grid[0];
            double u = from[1] + ((double)b + 0.5) * size[1] / (double)grid[1];

            for (int64_t i = 0; i < in->dim[2]; i++)
                for (int64_t j = 0; j < in->dim[3]; j++) {
                    double w =
                        weight(v, i, in->dim[2]) * weight(u, j, in->dim[3]);
                    double term = w * x[i * in->dim[3] + j];

                    if (maximum)
                        sum = fmax(sum, term);
                    else
                        sum += term / (double)(grid[0] * grid[1]);
                }
        }
    return sum;
}

static void
align(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const struct oc_shape *out = &node->out[0]->shape;
    int64_t at[OC_MAX_RANK] = {0}, i = 0;
    int64_t ratio = oc_attr_int(node, "sampling_ratio", 0);
    double scale = oc_attr_float(node, "spatial_scale", 1);
    int plain = strcmp(oc_attr_text(node, "coordinate_transformation_mode",
                                    "half_pixel"),
                       "half_pixel") != 0;
    int maximum = strcmp(oc_attr_text(node, "mode", "avg"), "max") == 0;

    do {
        const double *roi = x[1] + at[0] * 4;
        double from[2], size[2];
        int64_t grid[2];

        for (int k = 0; k < 2; k++) {
            double begin = roi[1 - k] * scale - (plain ? 0 : 0.5);
            double extent = (roi[3 - k] - roi[1 - k]) * scale;

            extent = plain ? fmax(extent, 1) : extent;
            size[k] = extent / (double)out->dim[2 + k];
            from[k] = begin + (double)at[2 + k] * size[k];
            grid[k] = ratio ? ratio : (int64_t)fmax(1, ceil(size[k]));
        }
        int64_t plane = (int64_t)x[2][at[0]] * in->dim[1] + at[1];

        y[0][i++] = bin(x[0] + plane * in->dim[2] * in->dim[3], in, from, size,
                        grid, maximum);
    } while (oc_next(out, at));
}

static void
pool(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const struct oc_shape *out = &node->out[0]->shape;
    int64_t at[OC_MAX_RANK] = {0}, o = 0;
    double scale = oc_attr_float(node, "spatial_scale", 1);

    do {
        const double *roi = x[1] + at[0] * 5;
        double lo[2], hi[2], best = -INFINITY;
        int64_t plane = (int64_t)roi[0] * in->dim[1] + at[1];

        for (int k = 0; k < 2; k++) {
            double begin = round(roi[2 - k] * scale);
            double extent = fmax(round(roi[4 - k] * scale) - begin + 1, 1);
            double size = extent / (double)out->dim[2 + k];

            lo[k] = begin + floor((double)at[2 + k] * size);
            hi[k] = begin + ceil((double)(at[2 + k] + 1) * size);
        }
        for (int64_t i = 0; i < in->dim[2]; i++)
            for (int64_t j = 0; j < in->dim[3]; j++)
                if ((double)i >= lo[0] && (double)i < hi[0] &&
                    (double)j >= lo[1] && (double)j < hi[1])
                    best = fmax(
                        best, x[0][(plane * in->dim[2] + i) * in->dim[3] + j]);
        y[0][o++] = isinf(best) ? 0 : best;
    } while (oc_next(out, at));
}

static const double regions[] = {0.3, 0.2, 4.1, 5.3, 1.1, 2.2, 9.7, 3.4,
                                 2,   3,   2.6, 3.5, -3,  -2,  3.3, 14};
static const double images[] = {1, 0, 1, 0};
static const double pooled[] = {0, 1, 1, 4, 6, 1, 0, 2, 12, 3, 0, 9, 9, 12, 12};

#define CASE(words)                                                            \
    {                                                                          \
        .op = "RoiAlign", .attributes = words,                                 \
        .in = {{.shape = "2x3x7x6", .low = 0.1, .high = 2},                    \
               {.shape = "4x4", .values = regions, .no_gradient = 1},          \
               {.shape = "4",                                                  \
                .values = images,                                              \
                .type = OCELLUS_INT64,                                         \
                .no_gradient = 1}},                                            \
        .reference = align                                                     \
    }

static const struct oc_case cases[] = {
    CASE("output_height=3 output_width=2"),
    CASE("output_height=2 output_width=2 sampling_ratio=2 spatial_scale=0.5"),
    CASE("output_height=2 output_width=3 sampling_ratio=3 "
         "coordinate_transformation_mode=output_half_pixel"),
    CASE("output_height=2 output_width=2 mode=max sampling_ratio=2"),
    {.op = "MaxRoiPool",
     .attributes = "pooled_shape=2,3",
     .in = {{.shape = "2x3x8x7"}, {.shape = "3x5", .values = pooled}},
     .reference = pool,
     .no_gradient = 1},
    {.op = "MaxRoiPool",
     .attributes = "pooled_shape=1,1 spatial_scale=0.5",
     .in = {{.shape = "2x1x4x4"}, {.shape = "3x5", .values = pooled}},
     .reference = pool,
     .no_gradient = 1},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

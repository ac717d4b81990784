/* resize.c - Resize against the formulas of ONNX's operator page: each output
 * place through the coordinate mode, then its neighbours. */
#include "tests/op/harness.h"

#include <math.h>
#include <string.h>

static double
to_input(const char *mode, double o, double n, double on)
{
    double s = on / n;
    if (strcmp(mode, "align_corners") == 0)
        return on > 1 ? o * (n - 1) / (on - 1) : 0;
    if (strcmp(mode, "asymmetric") == 0)
        return o / s;
    if (strcmp(mode, "pytorch_half_pixel") == 0 && on <= 1)
        return 0;
    return (o + 0.5) / s - 0.5;
}

static double
cubic_weight(double d, double a)
{
    d = fabs(d);
    if (d <= 1)
        return (a + 2) * d * d * d - (a + 3) * d * d + 1;
    return d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0;
}

static double
nearest_place(const char *mode, double at)
{
    if (strcmp(mode, "round_prefer_floor") == 0)
        return ceil(at - 0.5);
    if (strcmp(mode, "round_prefer_ceil") == 0)
        return floor(at + 0.5);
    return strcmp(mode, "floor") == 0 ? floor(at) : ceil(at);
}

/* The weight of input i in output o of an axis: neighbours are counted far
 * beyond the edges, where they are the edge's. */
static double
axis_weight(const struct oc_node *node, int64_t i, int64_t o, int64_t n,
            int64_t on)
{
    const char *mode = oc_attr_text(node, "mode", "nearest");
    double a = oc_attr_float(node, "cubic_coeff_a", -0.75), sum = 0, all = 0;
    int outside = oc_attr_int(node, "exclude_outside", 0) != 0;
    double at = to_input(
        oc_attr_text(node, "coordinate_transformation_mode", "half_pixel"),
        (double)o, (double)n, (double)on);
    if (n == on)
        at = (double)o;
    if (strcmp(mode, "nearest") == 0) {
        double p = nearest_place(
            oc_attr_text(node, "nearest_mode", "round_prefer_floor"), at);
        return fmin(fmax(p, 0), (double)(n - 1)) == (double)i;
    }
    /* antialias: the filter is as much wider as the axis shrinks. */
    double wide = oc_attr_int(node, "antialias", 0) && on < n
                      ? (double)n / (double)on
                      : 1;
    for (int64_t k = -3 * n; k < 4 * n; k++) {
        double d = (at - (double)k) / wide;
        double w = strcmp(mode, "linear") == 0 ? fmax(0, 1 - fabs(d))
                                               : cubic_weight(d, a);
        int64_t edge = k < 0 ? 0 : k >= n ? n - 1 : k;
        if (outside && edge != k)
            continue;
        all += w;
        sum += edge == i ? w : 0;
    }
    return sum / all;
}

static void
resized(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const struct oc_shape *out = &node->out[0]->shape;
    int64_t at[OC_MAX_RANK] = {0}, place = 0;
    do {
        int64_t from[OC_MAX_RANK] = {0}, i = 0;
        double sum = 0;
        do {
            double w = 1;
            for (int k = 0; k < in->rank && w != 0; k++)
                w *= axis_weight(node, from[k], at[k], in->dim[k], out->dim[k]);
            sum += w * x[0][i++];
        } while (oc_next(in, from));
        y[0][place++] = sum;
    } while (oc_next(out, at));
}

#define ABSENT                                                                 \
    {                                                                          \
        .shape = NULL                                                          \
    }
#define SCALES(...)                                                            \
    {                                                                          \
        .host = 1, .no_gradient = 1, .values = (const double[]){__VA_ARGS__},  \
        .count = sizeof((const double[]){__VA_ARGS__}) / sizeof(double)        \
    }
#define CASE(words, extents, ...)                                              \
    {                                                                          \
        .op = "Resize", .attributes = words,                                   \
        .in = {{.shape = extents}, ABSENT, __VA_ARGS__}, .reference = resized, \
        .plain = 1                                                             \
    }

static const struct oc_case cases[] = {
    CASE("mode=nearest", "2x3x4x5", SCALES(1, 1, 2, 2)),
    CASE("mode=nearest coordinate_transformation_mode=asymmetric "
         "nearest_mode=floor",
         "1x2x3x3", SCALES(1, 1, 2, 3)),
    CASE("mode=nearest nearest_mode=ceil", "1x1x7x5", ABSENT,
         OC_INTS(1, 1, 3, 4)),
    CASE("mode=nearest nearest_mode=round_prefer_ceil", "1x1x4x4", ABSENT,
         OC_INTS(1, 1, 8, 2)),
    CASE("mode=linear", "2x2x5x7", ABSENT, OC_INTS(2, 2, 11, 3)),
    CASE("mode=linear coordinate_transformation_mode=align_corners", "1x3x4x1",
         ABSENT, OC_INTS(1, 3, 9, 2)),
    CASE("mode=linear coordinate_transformation_mode=pytorch_half_pixel",
         "1x1x6x3", ABSENT, OC_INTS(1, 1, 1, 5)),
    CASE("mode=linear axes=2,3", "1x2x4x4", SCALES(2, 0.5)),
    CASE("mode=linear", "1x1x2x3x4", SCALES(1, 1, 2, 2, 2)),
    CASE("mode=linear", "5", SCALES(2)),
    CASE("mode=cubic", "1x2x6x5", ABSENT, OC_INTS(1, 2, 13, 10)),
    CASE("mode=cubic exclude_outside=1 cubic_coeff_a=-0.5", "1x1x5x4",
         SCALES(1, 1, 2, 1.5)),
    CASE("mode=linear antialias=1", "2x1x7x9", ABSENT, OC_INTS(2, 1, 3, 5)),
    CASE("mode=cubic antialias=1", "1x2x9x8", ABSENT, OC_INTS(1, 2, 4, 11)),
    CASE("mode=cubic antialias=1 exclude_outside=1", "1x1x7x10", ABSENT,
         OC_INTS(1, 1, 2, 5)),
    CASE("mode=linear antialias=1", "1x1x4x6x5", ABSENT,
         OC_INTS(1, 1, 2, 3, 5)),
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

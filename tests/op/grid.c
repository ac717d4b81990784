/* grid.c - GridSample and AffineGrid. The definition mirrors and clamps
 * neighbours, not places; that is the same. */
#include <math.h>
#include <string.h>

#include "tests/op/harness.h"

struct rules {
    int taps, pad, corners;
};

static struct rules
rules_of(const struct oc_node *node)
{
    const char *mode = oc_attr_text(node, "mode", "linear");
    const char *pad = oc_attr_text(node, "padding_mode", "zeros");

    return (struct rules){strstr(mode, "cubic")    ? 4
                          : strstr(mode, "linear") ? 2
                                                   : 1,
                          pad[0] == 'z'   ? 0
                          : pad[0] == 'b' ? 1
                                          : 2,
                          (int)oc_attr_int(node, "align_corners", 0)};
}

/* Folded back at the edges until it lies within. */
static double
fold(double at, double n, int corners)
{
    double lo = corners ? 0 : -0.5, hi = corners ? n - 1 : n - 0.5;

    if (hi <= lo)
        return 0;
    while (at < lo || at > hi)
        at = at < lo ? 2 * lo - at : 2 * hi - at;
    return at;
}

/* A line of one axis at a place. */
static double
along(const double *x, int64_t n, double at, const struct rules *r,
      double (*get)(const void *, int64_t), const void *what)
{
    double base = r->taps == 1 ? nearbyint(at) : floor(at), t = at - base;
    double sum = 0;
    int first = r->taps == 4 ? -1 : 0;

    (void)x;
    for (int k = first; k < first + r->taps; k++) {
        double u = fabs(t - k), w = 1, a = -0.75;
        double i = base + k;

        if (r->taps == 2)
            w = 1 - u;
        if (r->taps == 4)
            w = u <= 1 ? ((a + 2) * u - (a + 3)) * u * u + 1
                       : ((a * u - 5 * a) * u + 8 * a) * u - 4 * a;
        if (r->pad == 0 && (i < 0 || i >= (double)n))
            continue;
        if (r->pad == 2)
            i = fold(i, (double)n, r->corners);
        i = fmin(fmax(i, 0), (double)n - 1);
        sum += w * get(what, (int64_t)i);
    }
    return sum;
}

struct field {
    const double *x;
    int64_t extent[3], at[3]; /* z, y, x */
    double place[3];
    const struct rules *r;
    int axis;
};

static double
value(const void *context, int64_t i)
{
    struct field f = *(const struct field *)context;

    f.at[f.axis] = i;
    if (f.axis == 2)
        return f.x[(f.at[0] * f.extent[1] + f.at[1]) * f.extent[2] + f.at[2]];
    f.axis++;
    return along(f.x, f.extent[f.axis], f.place[f.axis], f.r, value, &f);
}

static double
place(double g, double n, const struct rules *r)
{
    double at = r->corners ? (g + 1) / 2 * (n - 1) : ((g + 1) * n - 1) / 2;

    if (r->pad == 1 && r->taps < 4)
        at = fmin(fmax(at, 0), n - 1);
    if (r->pad == 2 && r->taps < 4)
        at = fmin(fmax(fold(at, n, r->corners), 0), n - 1);
    return at;
}

static void
sample(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const struct oc_shape *grid = &node->in[1]->shape;
    struct rules r = rules_of(node);
    int axes = in->rank - 2;
    int64_t points = oc_shape_span(grid, 1, grid->rank - 1);
    int64_t size = oc_shape_span(in, 2, in->rank);

    for (int64_t i = 0; i < oc_shape_count(&node->out[0]->shape); i++) {
        int64_t plane = i / points, n = plane / in->dim[1];
        const double *g = x[1] + (n * points + i % points) * axes;
        struct field f = {.x = x[0] + plane * size, .r = &r};

        for (int k = 0; k < 3; k++) {
            int axis = k - 3 + in->rank;

            f.extent[k] = axis < 2 ? 1 : in->dim[axis];
            f.place[k] =
                axis < 2 ? 0 : place(g[2 - k], (double)in->dim[axis], &r);
        }
        f.axis = 3 - axes;
        y[0][i] = along(f.x, f.extent[f.axis], f.place[f.axis], &r, value, &f);
    }
}

static void
affine(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *out = &node->out[0]->shape;
    int axes = out->rank - 2, corners;
    int64_t at[OC_MAX_RANK] = {0}, i = 0;

    corners = (int)oc_attr_int(node, "align_corners", 0);
    do {
        const double *row = x[0] + (at[0] * axes + at[axes + 1]) * (axes + 1);
        double sum = row[axes];

        for (int k = 0; k < axes; k++) {
            double n = (double)out->dim[axes - k], p = (double)at[axes - k];

            sum += row[k] * (corners ? (n > 1 ? 2 * p / (n - 1) - 1 : 0)
                                     : (2 * p + 1) / n - 1);
        }
        y[0][i++] = sum;
    } while (oc_next(out, at));
}

#define CASE(words, images, grid)                                              \
    {                                                                          \
        .op = "GridSample", .attributes = words,                               \
        .in = {{.shape = images}, {.shape = grid, .low = -1.3, .high = 1.3}},  \
        .reference = sample, .slack = 4                                        \
    }
#define AFFINE(words, theta, ...)                                              \
    {                                                                          \
        .op = "AffineGrid", .attributes = words,                               \
        .in = {{.shape = theta}, OC_INTS(__VA_ARGS__)}, .reference = affine    \
    }

static const struct oc_case cases[] = {
    CASE(NULL, "2x3x5x7", "2x4x3x2"),
    CASE("align_corners=1", "1x2x4x3", "1x5x2x2"),
    CASE("mode=bilinear padding_mode=border", "2x1x3x4", "2x3x5x2"),
    CASE("padding_mode=reflection", "1x2x4x5", "1x3x5x2"),
    CASE("padding_mode=reflection align_corners=1", "1x2x4x5", "1x3x5x2"),
    CASE("mode=nearest", "1x3x4x5", "1x3x3x2"),
    CASE("mode=nearest padding_mode=border", "1x3x4x5", "1x3x3x2"),
    CASE("mode=cubic", "1x2x5x6", "1x3x4x2"),
    CASE("mode=cubic padding_mode=border align_corners=1", "1x2x5x6",
         "1x3x4x2"),
    CASE("mode=bicubic padding_mode=reflection", "1x2x5x6", "1x3x4x2"),
    CASE(NULL, "2x2x3x4x5", "2x2x3x2x3"),
    CASE("padding_mode=border align_corners=1", "1x1x3x2x4", "1x2x2x2x3"),
    CASE("mode=nearest padding_mode=reflection", "1x2x3x4x2", "1x2x3x2x3"),
    CASE(NULL, "1x2x1x1", "1x2x2x2"),
    {.op = "GridSample",
     .in = {{.shape = "1x2x4x5", .type = OCELLUS_FLOAT16},
            {.shape = "1x3x5x2", .low = -1.2, .high = 1.2}},
     .reference = sample,
     .tolerance = 2e-3,
     .no_gradient = 1},
    AFFINE(NULL, "2x2x3", 2, 3, 5, 4),
    AFFINE("align_corners=1", "1x2x3", 1, 1, 3, 1),
    AFFINE("align_corners=1", "2x3x4", 2, 1, 2, 3, 4),
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

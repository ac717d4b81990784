/* conv.c - the convolutions and their gradients, against their definitions.
 *
 * The references scatter or gather over plain loops and read the attributes
 * themselves. Rows with `gpu` are planned as for a GPU on any device, so that
 * the tiled kernels are tested where only a CPU is. */
#include <string.h>

#include "tests/op/harness.h"

/* ---- the window, as the specification words it -------------------------- */

struct geometry {
    int axes, groups;
    int64_t in[3], out[3], window[3]; /* of the forward convolution */
    int64_t stride[3], dilation[3], pad[3];
};

/* Spatial extents, the absent ones in front. */
static void
spatial(const struct oc_shape *shape, int64_t extent[3])
{
    for (int a = 0; a < 3; a++)
        extent[a] = a < 5 - shape->rank ? 1 : shape->dim[a + shape->rank - 3];
}

static void
list(const struct oc_node *node, const char *name, int64_t into[3],
     int64_t otherwise)
{
    int count, axes = node->in[0]->shape.rank - 2;
    const int64_t *ints = oc_attr_ints(node, name, &count);

    for (int a = 0; a < 3; a++)
        into[a] = count && a >= 3 - axes ? ints[a - 3 + axes] : otherwise;
}

static struct geometry
read(const struct oc_node *node, const struct oc_shape *x,
     const struct oc_shape *y, const struct oc_shape *w)
{
    const char *how = oc_attr_text(node, "auto_pad", "NOTSET");
    struct geometry g = {.axes = x->rank - 2};
    int64_t extra[3];

    spatial(x, g.in);
    spatial(y, g.out);
    spatial(w, g.window);
    g.groups = (int)oc_attr_int(node, "group", 1);
    list(node, "strides", g.stride, 1);
    list(node, "dilations", g.dilation, 1);
    list(node, "pads", g.pad, 0);
    list(node, "output_padding", extra, 0);
    if (strncmp(how, "SAME", 4) == 0 || oc_attr_find(node, "output_shape"))
        for (int a = 0; a < 3; a++) {
            int64_t total = (g.out[a] - 1) * g.stride[a] + extra[a] +
                            (g.window[a] - 1) * g.dilation[a] + 1 - g.in[a];

            if (total < 0)
                total = 0;
            g.pad[a] =
                strcmp(how, "SAME_UPPER") == 0 ? total / 2 : total - total / 2;
        }
    return g;
}

/* Calls for every pair of a cell of x and a place of y under one tap of w;
 * index: elements of the three. */
typedef void (*visit)(double *const to[3], const int64_t index[3]);

static int64_t
flat(int64_t outer, int64_t channels, int64_t channel, const int64_t extent[3],
     const int64_t at[3])
{
    int64_t place = outer * channels + channel;

    for (int a = 0; a < 3; a++)
        place = place * extent[a] + at[a];
    return place;
}

static void
visit_taps(const struct geometry *g, const int64_t outer[5],
           const int64_t place[3], double *const xyw[3], visit what)
{
    int64_t n = outer[0], c = outer[1], k = outer[2], cs = outer[3];
    int64_t ks = outer[4], each_c = cs / g->groups;
    int64_t tap[3], cell[3], index[3];

    if (c / each_c != k / (ks / g->groups))
        return;
    for (tap[0] = 0; tap[0] < g->window[0]; tap[0]++)
        for (tap[1] = 0; tap[1] < g->window[1]; tap[1]++)
            for (tap[2] = 0; tap[2] < g->window[2]; tap[2]++) {
                int inside = 1;

                for (int a = 0; a < 3; a++) {
                    cell[a] = place[a] * g->stride[a] +
                              tap[a] * g->dilation[a] - g->pad[a];
                    inside &= cell[a] >= 0 && cell[a] < g->in[a];
                }
                if (!inside)
                    continue;
                index[0] = flat(n, cs, c, g->in, cell);
                index[1] = flat(n, ks, k, g->out, place);
                index[2] = flat(k, each_c, c % each_c, g->window, tap);
                what(xyw, index);
            }
}

static void
visit_all(const struct geometry *g, int64_t n, int64_t c, int64_t k,
          double *const xyw[3], visit what)
{
    int64_t o[5] = {0, 0, 0, c, k}, place[3];

    for (o[0] = 0; o[0] < n; o[0]++)
        for (o[1] = 0; o[1] < c; o[1]++)
            for (o[2] = 0; o[2] < k; o[2]++)
                for (place[0] = 0; place[0] < g->out[0]; place[0]++)
                    for (place[1] = 0; place[1] < g->out[1]; place[1]++)
                        for (place[2] = 0; place[2] < g->out[2]; place[2]++)
                            visit_taps(g, o, place, xyw, what);
}

static void
into_x(double *const to[3], const int64_t index[3])
{
    to[0][index[0]] += to[1][index[1]] * to[2][index[2]];
}

static void
into_y(double *const to[3], const int64_t index[3])
{
    to[1][index[1]] += to[0][index[0]] * to[2][index[2]];
}

static void
into_w(double *const to[3], const int64_t index[3])
{
    to[2][index[2]] += to[0][index[0]] * to[1][index[1]];
}

/* ---- references --------------------------------------------------------- */

/* The bias, or zeros. */
static void
begin(const struct oc_node *node, const double *bias, double *y)
{
    const struct oc_shape *shape = &node->out[0]->shape;
    int64_t count = oc_shape_count(shape);
    int64_t plane = oc_shape_span(shape, 2, shape->rank);

    for (int64_t i = 0; i < count; i++)
        y[i] = bias ? bias[i / plane % shape->dim[1]] : 0.0;
}

static void
conv(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const struct oc_shape *out = &node->out[0]->shape;
    struct geometry g = read(node, in, out, &node->in[1]->shape);

    begin(node, node->n_in > 2 ? x[2] : NULL, y[0]);
    visit_all(&g, in->dim[0], in->dim[1], out->dim[1],
              (double *const[]){(double *)x[0], y[0], (double *)x[1]}, into_y);
}

static void
conv_input(const struct oc_node *node, const double *const x[],
           double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const struct oc_shape *out = &node->out[0]->shape;
    struct geometry g = read(node, out, in, &node->in[1]->shape);

    begin(node, node->n_in > 2 ? x[2] : NULL, y[0]);
    visit_all(&g, in->dim[0], out->dim[1], in->dim[1],
              (double *const[]){y[0], (double *)x[0], (double *)x[1]}, into_x);
}

static void
conv_weight(const struct oc_node *node, const double *const x[],
            double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const struct oc_shape *dy = &node->in[1]->shape;
    struct geometry g = read(node, in, dy, &node->out[0]->shape);

    begin(node, NULL, y[0]);
    visit_all(&g, in->dim[0], in->dim[1], dy->dim[1],
              (double *const[]){(double *)x[0], (double *)x[1], y[0]}, into_w);
}

static void
conv_bias(const struct oc_node *node, const double *const x[],
          double *const y[])
{
    const struct oc_shape *s = &node->in[0]->shape;
    int64_t count = oc_shape_count(s), plane = oc_shape_span(s, 2, s->rank);

    for (int64_t k = 0; k < s->dim[1]; k++)
        y[0][k] = 0.0;
    for (int64_t i = 0; i < count; i++)
        y[0][i / plane % s->dim[1]] += x[0][i];
}

/* ---- cases -------------------------------------------------------------- */

#define CONV(x, w, b, attributes_, y)                                          \
    {                                                                          \
        .op = "Conv", .attributes = attributes_, .in = {{x}, {w}, {b}},        \
        .reference = conv, .expect = y                                         \
    }
#define TRANSPOSE(x, w, b, attributes_, y)                                     \
    {                                                                          \
        .op = "ConvTranspose", .attributes = attributes_,                      \
        .in = {{x}, {w}, {b}}, .reference = conv_input, .expect = y            \
    }
/* As for a GPU of so many compute units. */
#define TILED(op_, reference_, units_, attributes_, ...)                       \
    {                                                                          \
        .op = op_, .attributes = attributes_, .in = {__VA_ARGS__},             \
        .reference = reference_, .gpu = 1, .units = units_                     \
    }
/* Its gradients' kernels have cases of their own. */
#define TILE(op_, reference_, units_, attributes_, ...)                        \
    {                                                                          \
        .op = op_, .attributes = attributes_, .in = {__VA_ARGS__},             \
        .reference = reference_, .gpu = 1, .units = units_, .no_gradient = 1   \
    }
#define TILED_IN(type_, tolerance_, op_, reference_, attributes_, a, b)        \
    {                                                                          \
        .op = op_, .attributes = attributes_,                                  \
        .in = {{a, .type = type_}, {b, .type = type_}},                        \
        .reference = reference_, .tolerance = tolerance_, .gpu = 1,            \
        .units = 1, .long_build = (type_) == OCELLUS_FLOAT16                   \
    }
/* Two products of half at once. */
#define TILED_PAIRS(op_, reference_, attributes_, a, b)                        \
    {                                                                          \
        .op = op_, .attributes = attributes_,                                  \
        .in = {{a, .type = OCELLUS_FLOAT16}, {b, .type = OCELLUS_FLOAT16}},    \
        .reference = reference_, .tolerance = 6e-4, .gpu = 1, .units = 1,      \
        .pairs = 1, .by = "tiled", .no_gradient = 1                            \
    }
/* By tensor cores, whose factors and results are of that type. */
#define TENSOR(type_, long_, op_, reference_, units_, attributes_, a, b, c)    \
    {                                                                          \
        .op = op_, .attributes = attributes_,                                  \
        .in = {{a, .type = type_}, {b, .type = type_}, {c, .type = type_}},    \
        .reference = reference_,                                               \
        .tolerance = (type_) == OCELLUS_FLOAT16 ? 6e-4 : 5e-3, .gpu = 1,       \
        .units = units_, .tensor = 1, .by = "tensor", .no_gradient = 1,        \
        .long_build = long_                                                    \
    }
#define HALF(...) TENSOR(OCELLUS_FLOAT16, 0, __VA_ARGS__)
#define HALF_LONG(...) TENSOR(OCELLUS_FLOAT16, 1, __VA_ARGS__)
#define BRAIN(...) TENSOR(OCELLUS_BFLOAT16, 0, __VA_ARGS__)
/* In a training by tiles of 2 x 2, else of 4 x 4; the gradient by 2 x 2. Their
 * numbers at the points are some times larger than what they make, and so are
 * their rounding errors: 4e-6 of the largest number is asked for with 4 x 4,
 * and with 2 x 2 what is asked of the sum of the definition, too. */
#define WINOGRAD(training_, op_, reference_, attributes_, ...)                 \
    {                                                                          \
        .op = op_, .attributes = attributes_, .in = {__VA_ARGS__},             \
        .reference = reference_, .tolerance = training_ ? 2e-6 : 4e-6,         \
        .gpu = 1, .units = 1, .eager = 1, .training = training_                \
    }
#define WINOGRAD_TILE(training_, attributes_, ...)                             \
    {                                                                          \
        .op = "Conv", .attributes = attributes_, .in = {__VA_ARGS__},          \
        .reference = conv, .tolerance = training_ ? 2e-6 : 4e-6, .gpu = 1,     \
        .units = 1, .eager = 1, .training = training_, .no_gradient = 1        \
    }
static const struct oc_case cases[] = {
    CONV("1x1x1x1", "1x1x1x1", NULL, NULL, "1x1x1x1"),
    CONV("2x3x7x6", "4x3x3x3", "4", "pads=1,1,1,1", "2x4x7x6"),
    CONV("2x5x7x11", "7x5x3x2", "7", "strides=2,3 dilations=2,1", "2x7x2x4"),
    CONV("1x2x5x5", "3x2x3x3", NULL, "pads=0,1,2,3", "1x3x5x7"),
    CONV("1x2x3x3", "2x2x2x2", "2", "pads=4,3,4,3 strides=3,2", "1x2x4x4"),
    CONV("2x6x5x4", "4x3x3x3", "4", "group=2 pads=1,1,1,1", "2x4x5x4"),
    CONV("1x5x6x7", "5x1x3x3", "5", "group=5 pads=1,1,1,1 strides=2,2",
         "1x5x3x4"),
    CONV("1x3x6x6", "9x1x3x3", NULL, "group=3 dilations=2,2", "1x9x2x2"),
    CONV("1x2x6x7", "3x2x3x4", NULL, "auto_pad=SAME_UPPER strides=2,2",
         "1x3x3x4"),
    CONV("1x2x6x7", "3x2x4x3", "3", "auto_pad=SAME_LOWER strides=1,2",
         "1x3x6x4"),
    CONV("1x2x6x7", "3x2x3x3", NULL, "auto_pad=VALID strides=2,2", "1x3x2x3"),
    CONV("2x3x13", "5x3x4", "5", "pads=2,1 strides=3 dilations=2", "2x5x4"),
    CONV("1x2x4x5x6", "3x2x2x3x2", "3", "pads=1,1,1,1,1,1 strides=2,1,2",
         "1x3x3x5x4"),
    CONV("0x3x5x5", "2x3x3x3", "2", NULL, "0x2x3x3"),
    CONV("1x17x3x3", "19x17x1x1", "19", NULL, "1x19x3x3"),
    TRANSPOSE("1x1x1x1", "1x1x1x1", NULL, NULL, "1x1x1x1"),
    TRANSPOSE("2x3x4x5", "3x4x3x3", "4",
              "strides=2,2 pads=1,1,1,1 output_padding=1,1", "2x4x8x10"),
    TRANSPOSE("1x4x3x4", "4x3x3x2", "6",
              "group=2 strides=3,2 pads=1,0,0,1 dilations=2,1", "1x6x10x7"),
    TRANSPOSE("1x2x5", "2x3x3", NULL, "strides=2 dilations=3 output_padding=2",
              "1x3x17"),
    TRANSPOSE("1x1x3x3", "1x2x3x3", NULL, "strides=3,2 output_shape=10,8",
              "1x2x10x8"),
    TRANSPOSE("1x2x3x3", "2x2x3x3", "2", "strides=2,2 auto_pad=SAME_UPPER",
              "1x2x6x6"),
    TRANSPOSE("1x2x3x3", "2x2x4x2", NULL, "strides=1,3 auto_pad=SAME_LOWER",
              "1x2x3x9"),
    TRANSPOSE("1x2x2x3x2", "2x2x2x2x3", "2", "strides=2,1,2", "1x2x4x4x5"),
    {.op = "ConvGradInput",
     .attributes = "strides=2,3 pads=1,0,2,1 dilations=1,2 extent=8,9",
     .in = {{"2x4x5x3"}, {"4x3x3x2"}},
     .reference = conv_input,
     .expect = "2x3x8x9"},
    {.op = "ConvGradWeight",
     .attributes = "kernel_shape=3,2 strides=2,3 pads=1,0,2,1 group=2",
     .in = {{"2x4x8x9"}, {"2x6x5x3"}},
     .reference = conv_weight,
     .expect = "6x2x3x2"},
    {.op = "ConvGradWeight",
     .attributes = "kernel_shape=2,2",
     .in = {{"0x2x4x4"}, {"0x3x3x3"}},
     .reference = conv_weight,
     .expect = "3x2x2x2"},
    {.op = "ConvGradBias", .in = {{"3x5x4x7"}}, .reference = conv_bias},
    {.op = "ConvGradBias", .in = {{"7x3"}}, .reference = conv_bias},
    /* Less than a tile, few channels, bias. */
    TILED("Conv", conv, 1, "pads=1,1,1,1", {"2x3x7x6"}, {"4x3x3x3"}, {"4"}),
    TILED("Conv", conv, 1, "pads=4,3,4,3 strides=3,2 dilations=2,1",
          {"1x2x9x9"}, {"5x2x2x3"}, {"5"}),
    TILED("Conv", conv, 1, "pads=2,2 strides=3 dilations=2", {"2x3x17"},
          {"5x3x4"}, {"5"}),
    /* Taps outside: channels a multiple of eight, and not; whole groups of
     * blocks, and groups that share blocks. */
    TILED("Conv", conv, 1, "pads=1,2,1,2 strides=1,2 dilations=2,1",
          {"1x8x8x7"}, {"9x8x3x3"}, {"9"}),
    TILED("Conv", conv, 1, "pads=1,1,1,1", {"1x13x4x4"}, {"8x13x3x3"}, {"8"}),
    TILED("Conv", conv, 1, "group=2 pads=1,1,1,1", {"1x16x4x4"}, {"16x8x3x3"},
          {"16"}),
    TILED("Conv", conv, 1, "group=2 pads=1,1,1,1", {"1x10x5x4"}, {"14x5x3x3"},
          {"14"}),
    /* Few tiles on many units: sums in parts. */
    TILED("Conv", conv, 64, "pads=1,1,1,1", {"1x32x5x5"}, {"6x32x3x3"}, {"6"}),
    TILED("Conv", conv, 64, "pads=3,3,3,3", {"1x3x5x6"}, {"6x3x7x7"}, {"6"}),
    TILED("ConvTranspose", conv_input, 64, "pads=1,1,1,1", {"1x32x4x5"},
          {"32x5x3x3"}, {"5"}),
    /* Gradients by phases; one phase has no tap. */
    TILED("ConvTranspose", conv_input, 1,
          "strides=2,2 pads=1,1,1,1 output_padding=1,1", {"2x3x4x5"},
          {"3x4x3x3"}, {"4"}),
    TILED("ConvGradInput", conv_input, 1, "strides=2,3 extent=7,8", {"1x8x4x3"},
          {"8x16x1x1"}),
    TILED("ConvGradInput", conv_input, 1,
          "strides=2,3 pads=1,0,2,1 dilations=1,2 extent=8,9 group=2",
          {"1x16x5x3"}, {"16x8x3x2"}),
    TILED("ConvGradInput", conv_input, 1, "pads=3,3,3,3 extent=6,6",
          {"1x8x10x10"}, {"8x5x3x3"}),
    /* Depthwise: blocks of four and ends, filters, parts of many rows. */
    TILED("Conv", conv, 1, "group=5 pads=1,1,1,1", {"2x5x5x9"}, {"5x1x3x3"},
          {"5"}),
    TILED("Conv", conv, 1, "group=3 pads=1,2,0,1 strides=2,2", {"2x3x9x11"},
          {"6x1x3x3"}, {"6"}),
    TILED("Conv", conv, 1, "group=2 pads=2,2,2,2 dilations=2,1", {"1x2x7x6"},
          {"2x1x3x5"}),
    TILED("Conv", conv, 1, "group=3 strides=2 pads=1,1", {"2x3x13"}, {"3x1x3"}),
    TILED("ConvGradWeight", conv_weight, 64,
          "kernel_shape=3,3 pads=1,1,1,1 group=2", {"3x2x40x11"},
          {"3x4x40x11"}),
    TILED_IN(OCELLUS_BFLOAT16, 8e-3, "Conv", conv, "group=3 pads=1,1,1,1",
             "1x3x5x6", "3x1x3x3"),
    /* By tensor cores: each tile; channels and places that end a tile, a step
     * and a pair; taps outside, groups, sums in parts, phases. */
    HALF("Conv", conv, 1, "pads=0,1,1,0", "1x17x4x4", "4x17x2x2", "4"),
    HALF("Conv", conv, 1, "pads=1,1,1,1", "1x37x6x10", "30x37x3x3", "30"),
    BRAIN("Conv", conv, 1, NULL, "2x32x8x8", "125x32x1x1", NULL),
    BRAIN("Conv", conv, 1, "strides=2,2 pads=0,1,2,1", "1x20x19x15",
          "61x20x3x2", "61"),
    HALF_LONG("Conv", conv, 1, NULL, "1x16x7x9", "128x16x1x1", NULL),
    HALF("Conv", conv, 1, NULL, "1x40x5x5", "125x40x1x1", "125"),
    BRAIN("Conv", conv, 1, "group=2 pads=2,2,2,2 dilations=2,2", "2x32x4x5",
          "16x16x3x3", "16"),
    HALF("Conv", conv, 64, "pads=1,1,1,1", "1x64x5x5", "6x64x3x3", "6"),
    HALF("ConvGradInput", conv_input, 1, "pads=1,1,1,1 extent=6,6", "1x40x6x6",
         "40x16x3x3", NULL),
    BRAIN("ConvTranspose", conv_input, 1,
          "strides=2,2 pads=1,1,1,1 output_padding=1,1", "2x24x4x5", "24x9x3x3",
          "9"),
    /* By Winograd's method: less than a tile; whole tiles; broken ones, one
     * channel more than a block; pads of all kinds; no place without padding.
     */
    WINOGRAD(0, "Conv", conv, "pads=1,1,1,1", {"1x1x3x2"}, {"1x1x3x3"}),
    WINOGRAD(1, "Conv", conv, "pads=1,1,1,1", {"1x1x3x2"}, {"1x1x3x3"}),
    WINOGRAD(0, "Conv", conv, "pads=1,1,1,1", {"2x8x8x8"}, {"16x8x3x3"},
             {"16"}),
    WINOGRAD(1, "Conv", conv, "pads=1,1,1,1", {"2x8x8x8"}, {"16x8x3x3"},
             {"16"}),
    WINOGRAD(0, "Conv", conv, "pads=1,1,1,1", {"3x9x7x5"}, {"17x9x3x3"},
             {"17"}),
    WINOGRAD(1, "Conv", conv, "pads=1,1,1,1", {"3x9x7x5"}, {"17x9x3x3"},
             {"17"}),
    WINOGRAD(0, "Conv", conv, NULL, {"1x5x9x10"}, {"3x5x3x3"}),
    WINOGRAD(1, "Conv", conv, NULL, {"1x5x9x10"}, {"3x5x3x3"}),
    WINOGRAD(0, "Conv", conv, "pads=0,1,2,3", {"1x4x6x5"}, {"6x4x3x3"}),
    WINOGRAD(1, "Conv", conv, "pads=3,0,1,2", {"1x4x6x5"}, {"6x4x3x3"}),
    WINOGRAD(0, "Conv", conv, "pads=4,5,4,5", {"1x2x2x3"}, {"3x2x3x3"}, {"3"}),
    WINOGRAD(1, "Conv", conv, "pads=4,5,4,5", {"1x2x2x3"}, {"3x2x3x3"}, {"3"}),
    WINOGRAD(1, "ConvTranspose", conv_input, "pads=0,1,2,1", {"2x9x6x5"},
             {"9x11x3x3"}, {"11"}),
    WINOGRAD(1, "ConvTranspose", conv_input, "pads=3,0,3,1", {"1x3x9x5"},
             {"3x2x3x3"}),
    WINOGRAD(1, "ConvGradInput", conv_input, "pads=1,1,1,1 extent=8,8",
             {"2x16x8x8"}, {"16x8x3x3"}),
    /* Four tiles at a time. */
    {.op = "Conv",
     .attributes = "pads=1,1,1,1",
     .in = {{"3x9x7x5"}, {"17x9x3x3"}, {"17"}},
     .reference = conv,
     .tolerance = 4e-6,
     .gpu = 1,
     .units = 1,
     .eager = 1,
     .largest = 65536,
     .no_gradient = 1},
    /* Its tiles of 128 x 128, one channel and one column beyond. */
    WINOGRAD_TILE(0, "pads=1,1,1,1", {"1x8x41x45"}, {"129x8x3x3"}),
    WINOGRAD_TILE(1, "pads=1,1,1,1", {"1x8x21x23"}, {"129x8x3x3"}),
    WINOGRAD_TILE(0, "pads=1,1,1,1", {"1x8x8x8"}, {"125x8x3x3"}),
    WINOGRAD_TILE(0, "pads=1,1,1,1", {"1x8x41x45"}, {"20x8x3x3"}),
    /* Each tile, for each of the three; planes of whole fours, and others. */
    TILE("Conv", conv, 1, NULL, {"2x3x9x7"}, {"125x3x1x1"}, {"125"}),
    TILE("Conv", conv, 1, NULL, {"1x9x9x7"}, {"125x9x1x1"}),
    TILE("Conv", conv, 1, NULL, {"2x9x8x8"}, {"60x9x1x1"}),
    TILE("Conv", conv, 1, NULL, {"1x8x8x8"}, {"60x8x1x1"}),
    TILE("Conv", conv, 1, NULL, {"2x8x10x6"}, {"20x8x1x1"}),
    TILE("Conv", conv, 1, NULL, {"1x8x5x6"}, {"125x8x1x1"}),
    TILE("ConvGradInput", conv_input, 1, "extent=8,8", {"2x8x8x8"},
         {"8x125x1x1"}),
    TILE("ConvGradInput", conv_input, 1, "extent=9,7", {"1x8x9x7"},
         {"8x125x1x1"}),
    TILE("ConvGradInput", conv_input, 1, "extent=9,7", {"2x9x9x7"},
         {"9x60x1x1"}),
    TILE("ConvGradInput", conv_input, 1, "extent=9,7", {"1x3x9x7"},
         {"3x60x1x1"}),
    TILE("ConvGradInput", conv_input, 1, "extent=8,8", {"2x8x8x8"},
         {"8x20x1x1"}),
    TILE("ConvGradInput", conv_input, 1, "extent=5,6", {"1x8x5x6"},
         {"8x125x1x1"}),
    TILE("ConvGradWeight", conv_weight, 1, "kernel_shape=3,3", {"1x14x5x5"},
         {"1x125x3x3"}),
    TILE("ConvGradWeight", conv_weight, 1, "kernel_shape=3,3 strides=2,2",
         {"1x7x5x5"}, {"1x125x2x2"}),
    TILE("ConvGradWeight", conv_weight, 1, "kernel_shape=3,3", {"3x14x4x4"},
         {"3x60x2x2"}),
    TILE("ConvGradWeight", conv_weight, 1, "kernel_shape=3,3 pads=1,1,1,1",
         {"1x7x3x2"}, {"1x60x3x2"}),
    TILE("ConvGradWeight", conv_weight, 1, "kernel_shape=3,3 dilations=2,1",
         {"1x14x6x4"}, {"1x20x2x2"}),
    TILE("ConvGradWeight", conv_weight, 1, "kernel_shape=1,2 group=2",
         {"2x30x3x4"}, {"2x220x3x3"}),
    /* Its sum runs over 2x12x12 places: several parts. */
    TILED("ConvGradWeight", conv_weight, 64, "kernel_shape=3,3 pads=1,1,1,1",
          {"2x2x12x12"}, {"2x3x12x12"}),
    TILED_PAIRS("Conv", conv, "pads=1,1,1,1", "1x11x6x5", "9x11x3x3"),
    TILED_PAIRS("Conv", conv, NULL, "1x16x8x4", "24x16x1x1"),
    TILED_PAIRS("Conv", conv, "pads=1,1,1,1", "1x3x7x6", "16x3x3x3"),
    TILED_PAIRS("ConvGradInput", conv_input,
                "pads=1,1,1,1 strides=2,2 extent=9,8", "1x10x5x4", "10x12x3x3"),
    TILED_PAIRS("ConvGradWeight", conv_weight, "kernel_shape=3,3 pads=1,1,1,1",
                "2x9x7x6", "2x10x7x6"),
    TILED_IN(OCELLUS_FLOAT16, 1e-3, "Conv", conv, "pads=1,1,1,1", "1x8x5x5",
             "9x8x3x3"),
    TILED_IN(OCELLUS_BFLOAT16, 8e-3, "Conv", conv, "pads=1,1,1,1", "1x3x5x4",
             "9x3x3x3"),
    TILED_IN(OCELLUS_FLOAT16, 1e-3, "ConvGradInput", conv_input,
             "pads=1,1,1,1 strides=2,2 extent=5,6", "1x8x3x3", "8x9x3x3"),
    TILED_IN(OCELLUS_BFLOAT16, 8e-3, "ConvGradWeight", conv_weight,
             "kernel_shape=3,3", "1x4x5x5", "1x6x3x3"),
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

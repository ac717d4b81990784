/* conv_amx_weight.c - ConvGradWeight in bfloat16, as launches of
 * cl/conv_amx_weight.cl.
 *
 * x and dy go through scratch some images at a time, so that what is laid out
 * anew is multiplied while it is in a cache; sums stay from part to part.
 */
#include <limits.h>

#include "op/conv_blocked.h"

enum {
    BLOCK = 16,
    TILE_BYTES = 1024,
    TILE_PIXELS = 32,
    STRETCH = 16,   /* tiles of pixels that stay near for all taps */
    PART_CACHES = 4 /* a core's, of x and dy in scratch: most of a last cache */
};

struct weight_work {
    int high, wide; /* pixels of a phase of x */
    int channel;    /* numbers of one channel of x */
    int tiles;      /* of an image of dy, a block */
    int chunks, k_blocks, pairs, k_part;
    int images;                  /* of a part */
    int splits, share;           /* of a part; images of a split */
    int64_t dy_at, sums_at, end; /* tiles of scratch, where x comes first */
};

static int
divide_up(int64_t a, int64_t b)
{
    return (int)((a + b - 1) / b);
}

/* An odd number of cache lines, so that the channels of a tile do not meet in
 * a cache's sets; tiles read up to 31 pixels behind the last shift's. */
static int
channel_of(int64_t pixels)
{
    return (divide_up(pixels + TILE_PIXELS - 1, TILE_PIXELS) | 1) * TILE_PIXELS;
}

/* Items enough for every core: parts of dy's channels, then of the images. */
static void
share(struct weight_work *w, const struct oc_caps *caps)
{
    const int wanted = 4 * caps->compute_units;
    int parts = divide_up(wanted, w->chunks);

    if (parts > w->pairs)
        parts = w->pairs;
    w->k_part = divide_up(w->pairs, parts);
    parts = w->chunks * divide_up(w->pairs, w->k_part);
    w->share = divide_up(w->images, divide_up(wanted, parts));
    w->splits = w->share > 0 ? divide_up(w->images, w->share) : 0;
}

static int
phases_of(const struct oc_conv_window *v, int axis)
{
    return oc_conv_amx_phases(v->stride[axis], v->dilation[axis],
                              v->window[axis]);
}

static int
reach_of(const struct oc_conv_window *v, int axis)
{
    return oc_conv_amx_reach(v->stride[axis], v->dilation[axis],
                             v->window[axis]);
}

static struct weight_work
work_of(const struct oc_conv_window *v, const struct oc_caps *caps)
{
    const int taps = v->window[OC_H] * v->window[OC_W];
    const int right = reach_of(v, OC_W);
    const size_t cache = caps->cache ? caps->cache : 1048576;
    struct weight_work w = {.high = v->out[OC_H] + reach_of(v, OC_H),
                            .wide = v->out[OC_W] + right,
                            .chunks = divide_up(v->c, 2 * BLOCK),
                            .k_blocks = divide_up(v->k, BLOCK),
                            .pairs = divide_up(v->k, 2 * BLOCK)};
    int64_t x, dy, most;

    w.channel = channel_of((int64_t)phases_of(v, OC_H) * phases_of(v, OC_W) *
                               w.high * w.wide +
                           right);
    w.tiles = divide_up((int64_t)v->out[OC_H] * w.wide, TILE_PIXELS);
    x = (int64_t)w.chunks * (w.channel / BLOCK);
    dy = (int64_t)w.k_blocks * w.tiles;
    most = (int64_t)(PART_CACHES * cache / TILE_BYTES) / (x + dy);
    w.images = v->n;
    if (most < v->n)
        w.images = divide_up(v->n, most < 1 ? v->n : divide_up(v->n, most));
    share(&w, caps);
    w.dy_at = w.images * x;
    w.sums_at = w.dy_at + w.images * dy;
    w.end = w.sums_at + (int64_t)w.splits * w.chunks * w.pairs * taps * 4;
    return w;
}

const char *
oc_conv_amx_weight_refuse(const struct oc_node *node,
                          const struct oc_caps *caps)
{
    const struct oc_conv_window v = oc_conv_window_of(node);
    const char *why = oc_conv_blocked_cannot(node, caps, &v);

    if (!why)
        why = oc_conv_amx_cannot(node, caps, &v);
    if (!why && !caps->eager && v.c < BLOCK)
        why = "with fewer than 16 channels its tiles would be half empty";
    if (!why && work_of(&v, caps).end > INT_MAX)
        why = "its scratch would have more than 2147483647 tiles";
    return why;
}

void
oc_conv_amx_weight_layouts(const struct oc_node *node,
                           const struct oc_caps *caps, struct oc_layout in[],
                           struct oc_layout out[], size_t *scratch)
{
    const struct oc_conv_window v = oc_conv_window_of(node);

    for (int k = 0; k < 2; k++)
        if (in[k].block != BLOCK)
            in[k] = (struct oc_layout){.block = BLOCK};
    out[0] = OC_PLAIN;
    *scratch = (size_t)(work_of(&v, caps).end + 1) * TILE_BYTES;
}

/* ---- launches ----------------------------------------------------------- */

static void
lay_x(struct oc_steps *steps, const struct oc_conv_window *v,
      const struct weight_work *w, int first, int images)
{
    const struct oc_blocked x =
        oc_blocked_of(&steps->in[0].layout, &steps->in[0].value->shape);
    struct oc_step *launch =
        oc_launch(steps, "conv_amx_weight", "amx_weight_x");

    oc_arg_in(steps, launch, 0);
    oc_arg_scratch(steps, launch);
    oc_conv_push(steps, launch,
                 (int[]){x.base + first * x.image,
                         x.image,
                         x.plane,
                         x.row,
                         v->in[OC_H],
                         v->in[OC_W],
                         -v->pad[OC_H],
                         -v->pad[OC_W],
                         v->stride[OC_H],
                         v->stride[OC_W],
                         v->dilation[OC_H],
                         v->dilation[OC_W],
                         v->window[OC_H],
                         v->window[OC_W],
                         x.blocks,
                         w->high,
                         w->wide,
                         w->channel,
                         2 * w->chunks,
                         images},
                 20);
    oc_grid2(launch, 2 * w->chunks, images, 1, 1);
}

static void
lay_dy(struct oc_steps *steps, const struct oc_conv_window *v,
       const struct weight_work *w, int first, int images)
{
    const struct oc_blocked y =
        oc_blocked_of(&steps->in[1].layout, &steps->in[1].value->shape);
    struct oc_step *launch =
        oc_launch(steps, "conv_amx_weight", "amx_weight_dy");

    oc_arg_in(steps, launch, 1);
    oc_arg_scratch(steps, launch);
    oc_conv_push(steps, launch,
                 (int[]){(int)w->dy_at, y.base + first * y.image, y.image,
                         y.plane, y.row, v->out[OC_H], v->out[OC_W], w->wide,
                         w->k_blocks, w->tiles, images},
                 11);
    oc_grid2(launch, w->k_blocks, images, 1, 1);
}

static void
multiply(struct oc_steps *steps, const struct oc_conv_window *v,
         const struct weight_work *w, int first, int images)
{
    struct oc_step *launch =
        oc_launch(steps, "conv_amx_weight", "amx_weight_product");

    oc_arg_scratch(steps, launch);
    oc_conv_push(steps, launch,
                 (int[]){(int)w->dy_at, (int)w->sums_at, v->stride[OC_H],
                         v->stride[OC_W], v->dilation[OC_H], v->dilation[OC_W],
                         v->window[OC_H], v->window[OC_W], w->high, w->wide,
                         w->channel, w->chunks, w->k_blocks, w->k_part,
                         w->tiles, STRETCH, images, w->share, first > 0},
                 19);
    oc_grid3(launch, w->chunks, divide_up(w->pairs, w->k_part), w->splits, 1, 1,
             1);
    oc_cost(launch, oc_conv_flops(v) * images / v->n, 0.0);
}

static void
add_splits(struct oc_steps *steps, const struct oc_conv_window *v,
           const struct weight_work *w)
{
    struct oc_step *launch =
        oc_launch(steps, "conv_amx_weight", "amx_weight_sums");

    oc_arg_scratch(steps, launch);
    oc_arg_out(steps, launch, 0);
    oc_conv_push(steps, launch,
                 (int[]){(int)w->sums_at, v->c, v->k,
                         v->window[OC_H] * v->window[OC_W], w->splits},
                 5);
    oc_grid2(launch, v->c, v->k, 0, 0);
}

/* All kernels of the file in one program. */
static void
define_all(struct oc_steps *steps, int from)
{
    for (int k = from; k < steps->count; k++)
        if (steps->caps->amx == OC_AMX_INSTRUCTIONS)
            oc_define(steps, steps->step[k], "OC_AMX", 1);
}

ocellus_status
oc_conv_amx_weight(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_conv_window v = oc_conv_window_of(node);
    const struct weight_work w = work_of(&v, steps->caps);
    const int from = steps->count;

    for (int first = 0; first < v.n; first += w.images) {
        const int left = v.n - first;
        const int images = left < w.images ? left : w.images;

        lay_x(steps, &v, &w, first, images);
        lay_dy(steps, &v, &w, first, images);
        multiply(steps, &v, &w, first, images);
    }
    add_splits(steps, &v, &w);
    define_all(steps, from);
    return steps->status;
}

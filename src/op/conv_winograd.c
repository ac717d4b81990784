/* conv_winograd.c - Conv as launches of cl/conv_winograd.cl: 3 x 3 windows of
 * stride 1, in inference, where a quarter of the multiplications and the way
 * through 36 points are less work than the sum of the definition.
 *
 * The tiles go through the three kernels in parts whose numbers at the points
 * stay in the last cache.
 */
#include "op/conv_blocked.h"
#include "op/epilogue.h"

enum {
    POINTS = 36,
    SIDE = 4, /* of a tile */
    LEAST_CHANNELS = 16,
    LEAST_TILES = 12,
    VECTORS = 2,        /* blocks of y at a time */
    MOST_TOGETHER = 48, /* tiles of a work-item that does all */
    GOOD_ITEMS = 3,     /* of those for a core; */
    LEAST_ITEMS = 2,    /* fewer leave too much waiting */
    PAYS = 400000, /* operations of a core that save 1 us of two launches */
    NEAR_BYTES = 6 << 20 /* numbers at the points, in a last cache */
};

struct winograd {
    struct oc_conv_job job;
    int pad[2], halo, columns;
    int down, across; /* tiles of an image */
    int total, part;  /* tiles; of them, what goes through at once */
    int c_blocks, k_blocks;
    int v, m;  /* elements of scratch: from, to the product */
    int fused; /* tiles of an item that does all three, or 0 */
};

/* ---- what it takes ------------------------------------------------------ */

/* Tiles whose sums stay in registers. */
static int
group_of(const struct oc_caps *caps)
{
    return caps->vector_registers < 32 ? 6 : 14;
}

static int
tiles_of(int extent)
{
    return (extent + SIDE - 1) / SIDE;
}

static double
tiles_in_all(const struct oc_conv_window *v)
{
    return (double)v->n * tiles_of(v->out[OC_H]) * tiles_of(v->out[OC_W]);
}

/* Equal parts of the tiles whose numbers at the points stay near. */
static int
part_of(int total, int channels)
{
    int most = NEAR_BYTES / (POINTS * 4 * channels);
    int parts;

    if (most < LEAST_TILES)
        most = LEAST_TILES;
    parts = (total + most - 1) / most;
    return (total + parts - 1) / parts;
}

static size_t
local_bytes(int tiles, int channels, int width)
{
    return sizeof(float) * POINTS * (size_t)(tiles * channels + 2 * width);
}

/* Tiles of a work-item that does all: their numbers within the core's cache,
 * and items enough for every core; or 0. */
static int
fused_of(const struct winograd *w, const struct oc_caps *caps)
{
    const int b = caps->vector_width;
    const int group = group_of(caps);
    const int channels = (w->c_blocks + VECTORS) * b;
    const size_t cache = caps->cache ? caps->cache : 262144;
    const size_t room =
        cache / 4 * 3 < caps->local_memory ? cache / 4 * 3 : caps->local_memory;
    int tiles = MOST_TOGETHER / group * group;

    while (tiles > 0 && local_bytes(tiles, channels, b) > room)
        tiles -= group;
    while (tiles > 2 * group &&
           w->total / tiles < GOOD_ITEMS * caps->compute_units)
        tiles -= group;
    return tiles >= 2 * group &&
                   w->total / tiles >= LEAST_ITEMS * caps->compute_units
               ? tiles
               : 0;
}

static struct winograd
winograd_of(const struct oc_conv_window *v, const struct oc_caps *caps)
{
    const int width = caps->vector_width;
    struct winograd w = {.pad = {v->pad[OC_H], v->pad[OC_W]},
                         .down = tiles_of(v->out[OC_H]),
                         .across = tiles_of(v->out[OC_W]),
                         .c_blocks = (v->c + width - 1) / width,
                         .k_blocks = (v->k + width - 1) / width};

    w.total = v->n * w.down * w.across;
    w.part = part_of(w.total, (w.c_blocks + w.k_blocks) * width);
    w.v = POINTS * w.part * w.c_blocks * width;
    w.m = POINTS * w.part * w.k_blocks * width;
    w.fused = oc_caps_way(caps, "passes") ? 0 : fused_of(&w, caps);
    return w;
}

const char *
oc_conv_winograd_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    const char *why = oc_conv_blocked_cannot(node, caps, &v);

    if (why)
        return why;
    if (oc_attr_int(node, "exact", 0))
        return "sums of whole numbers are to be exact";
    if (node->graph->training)
        return "in training its rounding errors would add up";
    if (v.axes != 2 || v.groups != 1)
        return "it knows two spatial axes and one group";
    for (int a = OC_H; a <= OC_W; a++)
        if (v.window[a] != 3 || v.stride[a] != 1 || v.dilation[a] != 1)
            return "it knows windows of 3 x 3 with stride 1";
    if (caps->eager)
        return NULL;
    if (v.c < LEAST_CHANNELS || v.k < LEAST_CHANNELS)
        return "with fewer than 16 channels the way there and back costs more";
    if (tiles_in_all(&v) < LEAST_TILES)
        return "with fewer than 12 tiles its weights are read too seldom";
    if (winograd_of(&v, caps).fused == 0 &&
        oc_conv_flops(&v) <
            (double)caps->launch_us * PAYS * caps->compute_units)
        return "so little work is not worth three launches";
    return NULL;
}

void
oc_conv_winograd_layouts(const struct oc_node *node, const struct oc_caps *caps,
                         struct oc_layout in[], struct oc_layout out[],
                         size_t *scratch)
{
    const int b = caps->vector_width;
    const struct oc_conv_window v = oc_conv_window_of(node);
    const struct winograd w = winograd_of(&v, caps);

    in[0] = oc_conv_blocked_x(&v, &in[0], b);
    in[1] = (struct oc_layout){.block = b, .pack = OC_PACK_WINOGRAD};
    out[0] = (struct oc_layout){.block = b};
    oc_conv_other_layouts(node, in, &out[0]);
    if (!w.fused)
        *scratch = sizeof(float) * ((size_t)w.v + (size_t)w.m);
}

/* ---- launches ----------------------------------------------------------- */

/* Items of at least `least`, and four for every core where there are so many.
 */
static int
share(int count, int least, const struct oc_caps *caps)
{
    int items = 4 * caps->compute_units;

    if (items < count / least)
        items = count / least;
    return items < count ? (count + items - 1) / items : 1;
}

static struct oc_step *
start(struct oc_steps *steps, const struct winograd *w, const char *kernel)
{
    struct oc_step *launch = oc_launch(steps, "conv_winograd", kernel);

    oc_define(steps, launch, "BLOCK", w->job.y.of.block);
    oc_define(steps, launch, "TILES", group_of(steps->caps));
    oc_define(steps, launch, "VECTORS", VECTORS);
    oc_define(steps, launch, "FUSED", w->fused > 0);
    oc_conv_define_ends(steps, launch, w->job.k, w->job.y.of.block);
    return launch;
}

static void
to_points(struct oc_steps *steps, const struct winograd *w, int first,
          int tiles)
{
    const struct oc_blocked *x = &w->job.x.of;
    const int part = share(tiles, 1 + 128 / w->c_blocks, steps->caps);
    struct oc_step *launch = start(steps, w, "winograd_input");

    oc_arg_in(steps, launch, 0);
    oc_arg_scratch(steps, launch);
    oc_conv_push(steps, launch,
                 (int[]){x->base, x->image, x->plane, x->row, w->job.rows,
                         w->columns, w->halo, w->pad[0], w->pad[1], w->down,
                         w->across, first, tiles, part, w->c_blocks},
                 15);
    oc_grid1(launch, (tiles + part - 1) / part, 1);
}

/* Points, tiles and blocks of y in items of some 20 us each, four for every
 * core where there is so much. */
static void
multiply(struct oc_steps *steps, const struct winograd *w, int tiles,
         double flops)
{
    const int c = w->c_blocks * w->job.y.of.block;
    const int t_parts = tiles / (32768 / c + 1) + 1;
    const int t_part = (tiles + t_parts - 1) / t_parts;
    const double point = (double)t_part * c * w->k_blocks / 1e5;
    const int wanted = 4 * steps->caps->compute_units;
    int f_part = point < 0.5 ? (int)(1.0 / point) : 1;
    int k_parts = 1, k_part;
    struct oc_step *launch = start(steps, w, "winograd_product");

    if (f_part > POINTS * t_parts / wanted)
        f_part = POINTS * t_parts / wanted;
    if (f_part < 1) {
        f_part = 1;
        k_parts = (wanted + POINTS * t_parts - 1) / (POINTS * t_parts);
    }
    k_part = (w->k_blocks + VECTORS * k_parts - 1) / (VECTORS * k_parts);
    k_part *= VECTORS;
    oc_arg_scratch(steps, launch);
    oc_arg_in(steps, launch, 1);
    oc_conv_push(steps, launch,
                 (int[]){w->v, tiles, t_part, c, w->k_blocks, k_part, f_part},
                 7);
    oc_grid3(launch, (w->k_blocks + k_part - 1) / k_part, t_parts,
             (POINTS + f_part - 1) / f_part, 1, 1, 1);
    oc_cost(launch, flops, 0.0);
}

static void
from_points(struct oc_steps *steps, const struct winograd *w, int first,
            int tiles)
{
    const struct oc_conv_side *y = &w->job.y;
    const int part = share(tiles, 1 + 128 / w->k_blocks, steps->caps);
    struct oc_step *launch = start(steps, w, "winograd_output");

    oc_arg_scratch(steps, launch);
    oc_arg_in(steps, launch, oc_conv_has_bias(steps->node) ? 2 : 0);
    oc_arg_out(steps, launch, 0);
    oc_conv_push(steps, launch,
                 (int[]){w->v, y->base, y->of.image, y->of.plane, y->row,
                         y->col, w->job.k, w->k_blocks, w->job.out[0],
                         w->job.out[1], w->down, w->across, first, tiles, part},
                 15);
    oc_conv_push_ends(steps, launch, &w->job);
    oc_grid1(launch, (tiles + part - 1) / part, 1);
}

static void
whole(struct oc_steps *steps, const struct winograd *w, double flops)
{
    const struct oc_blocked *x = &w->job.x.of;
    const struct oc_conv_side *y = &w->job.y;
    const int b = y->of.block;
    struct oc_step *launch = start(steps, w, "winograd_whole");

    oc_conv_push_tensors(steps, launch);
    oc_arg_local(steps, launch, local_bytes(w->fused, w->c_blocks * b, b));
    oc_arg_local(steps, launch, local_bytes(w->fused, VECTORS * b, b));
    oc_conv_push(steps, launch,
                 (int[]){x->base,     x->image,      x->plane,      x->row,
                         w->job.rows, w->columns,    w->halo,       w->pad[0],
                         w->pad[1],   y->base,       y->of.image,   y->of.plane,
                         y->row,      y->col,        w->c_blocks,   w->job.k,
                         w->k_blocks, w->job.out[0], w->job.out[1], w->down,
                         w->across,   w->total,      w->fused},
                 23);
    oc_conv_push_ends(steps, launch, &w->job);
    oc_grid1(launch, (w->total + w->fused - 1) / w->fused, 1);
    oc_cost(launch, flops, 0.0);
}

ocellus_status
oc_conv_winograd(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_conv_window v = oc_conv_window_of(node);
    struct winograd w = winograd_of(&v, steps->caps);
    const double flops = oc_conv_flops(&v);

    w.job = oc_conv_job_of(steps);
    w.job.y = oc_conv_whole(&w.job.y.of);
    for (int k = 0; k < OC_CONV_EXTRAS; k++)
        w.job.e[k] = oc_conv_whole(&w.job.e[k].of);
    w.job.out[0] = v.out[OC_H];
    w.job.out[1] = v.out[OC_W];
    w.halo = steps->in[0].layout.halo;
    w.columns = v.in[OC_W];
    if (w.fused)
        whole(steps, &w, flops);
    for (int first = 0; !w.fused && first < w.total; first += w.part) {
        const int left = w.total - first;
        const int tiles = left < w.part ? left : w.part;

        to_points(steps, &w, first, tiles);
        multiply(steps, &w, tiles, flops * tiles / w.total);
        from_points(steps, &w, first, tiles);
    }
    return steps->status;
}

/* conv_winograd.c - Conv and its input gradient as launches of
 * cl/conv_winograd.cl: 3 x 3 windows of stride 1, where fewer multiplications
 * and the way through the points are less work than the sum of the definition.
 *
 * Outside a training tiles have 4 x 4 outputs. In one they have 2 x 2, whose
 * rounding errors are those of the sum of the definition; so have those of the
 * gradient, which is a convolution with the window turned round.
 *
 * The tiles go through the three kernels in parts whose numbers at the points
 * stay in the last cache.
 */
#include "op/conv_blocked.h"
#include "op/epilogue.h"

enum {
    LEAST_CHANNELS = 16, /* for tiles of 4 x 4 outputs; */
    LEAST_OF_SMALL = 32, /* for those of 2 x 2 */
    LEAST_TILES = 12,
    MOST_TOGETHER = 48, /* tiles of a work-item that does all */
    GOOD_ITEMS = 3,     /* of those for a core; */
    LEAST_ITEMS = 2,    /* fewer leave too much waiting */
    PAYS = 400000, /* operations of a core that save 1 us of two launches */
    NEAR_BYTES = 6 << 20 /* numbers at the points, in a last cache */
};

struct winograd {
    struct oc_conv_job job;
    int side, points; /* of a tile: outputs, and numbers at the points */
    int flip;         /* the gradient: x is dy, y is dx */
    int n, c, k;      /* channels of x and of y */
    int out[2], pad[2], halo, columns;
    int down, across; /* tiles of an image */
    int total, part;  /* tiles; of them, what goes through at once */
    int c_blocks, k_blocks;
    int vectors; /* blocks of y at a time */
    int v, m;    /* elements of scratch: from, to the product */
    int fused;   /* tiles of an item that does all three, or 0 */
};

/* ---- what it takes ------------------------------------------------------ */

/* Tiles whose sums stay in registers. */
static int
group_of(const struct oc_caps *caps)
{
    return caps->vector_registers < 32 ? 6 : 14;
}

static int
side_of(const struct oc_node *node, int flip)
{
    return flip || node->graph->training ? 2 : 4;
}

/* Equal parts of the tiles whose numbers at the points stay near, or are no
 * more than the weights, which each part reads. */
static int
part_of(const struct winograd *w, int channels)
{
    const double weights = 4.0 * w->points * w->c * w->k;
    const double bytes = weights < NEAR_BYTES ? NEAR_BYTES : weights;
    int most = (int)(bytes / (4.0 * w->points * channels));
    int parts;

    if (most < LEAST_TILES)
        most = LEAST_TILES;
    parts = (w->total + most - 1) / most;
    return (w->total + parts - 1) / parts;
}

static size_t
local_bytes(const struct winograd *w, int tiles, int channels, int width)
{
    return sizeof(float) * (size_t)w->points *
           (size_t)(tiles * channels + 2 * width);
}

/* Tiles of a work-item that does all: their numbers within the core's cache,
 * and items enough for every core; or 0. */
static int
fused_of(const struct winograd *w, const struct oc_caps *caps)
{
    const int b = caps->vector_width;
    const int group = group_of(caps);
    const int channels = (w->c_blocks + w->vectors) * b;
    const size_t cache = caps->cache ? caps->cache : 262144;
    const size_t room =
        cache / 4 * 3 < caps->local_memory ? cache / 4 * 3 : caps->local_memory;
    int tiles = MOST_TOGETHER / group * group;

    while (tiles > 0 && local_bytes(w, tiles, channels, b) > room)
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
winograd_of(const struct oc_node *node, int flip, const struct oc_caps *caps)
{
    const struct oc_conv_window v = oc_conv_window_of(node);
    const int width = caps->vector_width;
    struct winograd w = {.side = side_of(node, flip),
                         .flip = flip,
                         .n = v.n,
                         .c = flip ? v.k : v.c,
                         .k = flip ? v.c : v.k,
                         .columns = flip ? v.out[OC_W] : v.in[OC_W]};

    for (int axis = 0; axis < 2; axis++) {
        const int a = OC_H + axis;

        w.out[axis] = flip ? v.in[a] : v.out[a];
        w.pad[axis] = flip ? 2 - v.pad[a] : v.pad[a];
    }
    w.points = (w.side + 2) * (w.side + 2);
    w.down = (w.out[0] + w.side - 1) / w.side;
    w.across = (w.out[1] + w.side - 1) / w.side;
    w.total = w.n * w.down * w.across;
    w.c_blocks = (w.c + width - 1) / width;
    w.k_blocks = (w.k + width - 1) / width;
    w.vectors = w.k_blocks > 1 ? 2 : 1;
    w.part = w.total ? part_of(&w, (w.c_blocks + w.k_blocks) * width) : 0;
    w.v = w.points * w.part * w.c_blocks * width;
    w.m = w.points * w.part * w.k_blocks * width;
    w.fused = oc_caps_way(caps, "passes") ? 0 : fused_of(&w, caps);
    return w;
}

const char *
oc_conv_winograd_window(const struct oc_conv_window *v)
{
    if (v->axes != 2 || v->groups != 1)
        return "it knows two spatial axes and one group";
    for (int a = OC_H; a <= OC_W; a++)
        if (v->window[a] != 3 || v->stride[a] != 1 || v->dilation[a] != 1)
            return "it knows windows of 3 x 3 with stride 1";
    return NULL;
}

static const char *
does_not_pay(const struct oc_node *node, int flip, const struct oc_caps *caps,
             const struct oc_conv_window *v)
{
    struct winograd w;

    if (v->c < LEAST_CHANNELS || v->k < LEAST_CHANNELS)
        return "with fewer than 16 channels the way there and back costs more";
    w = winograd_of(node, flip, caps);
    if (w.side == 2 && (v->c < LEAST_OF_SMALL || v->k < LEAST_OF_SMALL))
        return "with fewer than 32 channels the way there and back costs more "
               "than small tiles save";
    if (w.total < LEAST_TILES)
        return "with fewer than 12 tiles its weights are read too seldom";
    if (w.fused == 0 &&
        oc_conv_flops(v) < (double)caps->launch_us * PAYS * caps->compute_units)
        return "so little work is not worth three launches";
    return NULL;
}

static const char *
refuse(const struct oc_node *node, int flip, const struct oc_caps *caps)
{
    const struct oc_conv_window v = oc_conv_window_of(node);
    const char *why = flip ? oc_conv_blocked_cannot_turn(node, caps, &v)
                           : oc_conv_blocked_cannot(node, caps, &v);

    if (!why && oc_attr_int(node, "exact", 0))
        why = "sums of whole numbers are to be exact";
    if (!why)
        why = oc_conv_winograd_window(&v);
    if (why || caps->eager)
        return why;
    return does_not_pay(node, flip, caps, &v);
}

const char *
oc_conv_winograd_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    return refuse(node, 0, caps);
}

const char *
oc_conv_winograd_input_refuse(const struct oc_node *node,
                              const struct oc_caps *caps)
{
    return refuse(node, 1, caps);
}

static void
layouts(const struct oc_node *node, int flip, const struct oc_caps *caps,
        struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    const int b = caps->vector_width;
    const struct winograd w = winograd_of(node, flip, caps);

    in[1] = (struct oc_layout){.block = b,
                               .pack = flip          ? OC_PACK_WINOGRAD_2_FLIP
                                       : w.side == 2 ? OC_PACK_WINOGRAD_2
                                                     : OC_PACK_WINOGRAD};
    out[0] = (struct oc_layout){.block = b};
    oc_conv_other_layouts(node, in, &out[0]);
    if (!w.fused)
        *scratch = sizeof(float) * ((size_t)w.v + (size_t)w.m);
}

void
oc_conv_winograd_layouts(const struct oc_node *node, const struct oc_caps *caps,
                         struct oc_layout in[], struct oc_layout out[],
                         size_t *scratch)
{
    const struct oc_conv_window v = oc_conv_window_of(node);

    in[0] = oc_conv_blocked_x(&v, &in[0], caps->vector_width);
    layouts(node, 0, caps, in, out, scratch);
}

void
oc_conv_winograd_input_layouts(const struct oc_node *node,
                               const struct oc_caps *caps,
                               struct oc_layout in[], struct oc_layout out[],
                               size_t *scratch)
{
    const struct oc_conv_window v = oc_conv_window_of(node);

    in[0] = oc_conv_blocked_dy(&v, &in[0], caps->vector_width);
    layouts(node, 1, caps, in, out, scratch);
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

    oc_define(steps, launch, "SIDE", w->side);
    oc_define(steps, launch, "BLOCK", w->job.y.of.block);
    oc_define(steps, launch, "TILES", group_of(steps->caps));
    oc_define(steps, launch, "VECTORS", w->vectors);
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

    if (f_part > w->points * t_parts / wanted)
        f_part = w->points * t_parts / wanted;
    if (f_part < 1) {
        f_part = 1;
        k_parts = (wanted + w->points * t_parts - 1) / (w->points * t_parts);
    }
    k_part = (w->k_blocks + w->vectors * k_parts - 1) / (w->vectors * k_parts);
    k_part *= w->vectors;
    oc_arg_scratch(steps, launch);
    oc_arg_in(steps, launch, 1);
    oc_conv_push(steps, launch,
                 (int[]){w->v, tiles, t_part, c, w->k_blocks, k_part, f_part},
                 7);
    oc_grid3(launch, (w->k_blocks + k_part - 1) / k_part, t_parts,
             (w->points + f_part - 1) / f_part, 1, 1, 1);
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
    oc_arg_local(steps, launch, local_bytes(w, w->fused, w->c_blocks * b, b));
    oc_arg_local(steps, launch, local_bytes(w, w->fused, w->vectors * b, b));
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

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node, int flip)
{
    const struct oc_conv_window v = oc_conv_window_of(node);
    struct winograd w = winograd_of(node, flip, steps->caps);
    const double flops = oc_conv_flops(&v);

    w.job = oc_conv_job_of(steps);
    w.job.y = oc_conv_whole(&w.job.y.of);
    for (int k = 0; k < OC_CONV_EXTRAS; k++)
        w.job.e[k] = oc_conv_whole(&w.job.e[k].of);
    for (int a = 0; a < 2; a++)
        w.job.out[a] = w.out[a];
    w.halo = steps->in[0].layout.halo;
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

ocellus_status
oc_conv_winograd(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 0);
}

ocellus_status
oc_conv_winograd_input(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 1);
}

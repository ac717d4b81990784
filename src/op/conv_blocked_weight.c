/* conv_blocked_weight.c - ConvGradWeight as launches of
 * cl/conv_blocked_weight.cl.
 *
 * A work-item makes the whole window of a pair of channel blocks over all
 * images, so nothing is added twice. Only where pairs are too few for the
 * cores the images are split, and a second launch adds the parts in order.
 */
#include "op/conv_blocked.h"

enum {
    MOST_SUMS = 65536, /* bytes of private memory */
    PIXELS_NEAR = 200  /* of both tensors, used again from the cache */
};

struct shape_of_work {
    int few; /* x is plain: lanes are columns */
    int lanes, columns, vectors, taps;
    int wide;               /* 1x1: blocks of x that count as taps */
    int x_blocks, c_blocks; /* of `wide` each; in a joined group */
    int k_blocks, k_tiles;  /* in a joined group */
    int splits, share;      /* parts of the batch; images of a part */
};

static int
ceiling(int a, int b)
{
    return (a + b - 1) / b;
}

/* Widest divisor of the lanes that leaves the sums in registers. */
static int
columns_of(int lanes, int vectors, int registers)
{
    const int most = (registers >= 32 ? 24 : 12) / vectors;
    int columns = 1;

    for (int d = 1; d <= lanes && d <= most; d++)
        if (lanes % d == 0)
            columns = d;
    return columns;
}

/* Blocks of x for a work-item of a 1 x 1 window: it has little to do else, and
 * reads dy once for all of them. */
static int
wide_of(const struct oc_conv_window *v, const struct shape_of_work *w,
        const struct oc_caps *caps)
{
    int wide = 4;

    if (oc_caps_way(caps, "single"))
        return 1;
    if (w->few || w->taps > 1 || v->c % caps->vector_width || v->groups > 1)
        return 1;
    while (wide > 1 && (w->x_blocks % wide || w->x_blocks / wide * w->k_tiles <
                                                  4 * caps->compute_units))
        wide /= 2;
    return wide;
}

/* Bytes of a block of dy's sums, lanes of x by taps. */
static double
sums_of(const struct oc_conv_window *v, const struct oc_caps *caps)
{
    const int b = caps->vector_width;
    const int c = v->c / oc_conv_blocked_groups(v, b);

    return sizeof(float) * (double)v->window[OC_H] * v->window[OC_W] *
           (c < b ? c : b) * b;
}

static struct shape_of_work
work_of(const struct oc_conv_window *v, const struct oc_caps *caps, int few)
{
    const int b = caps->vector_width;
    const int groups = oc_conv_blocked_groups(v, b), c = v->c / groups;
    struct shape_of_work w = {.few = few};
    int pairs;

    w.lanes = few ? v->window[OC_W] : c < b ? c : b;
    w.taps = v->window[OC_H] * (few ? 1 : v->window[OC_W]);
    w.x_blocks = few ? v->c : ceiling(v->c, b);
    w.k_blocks = ceiling(v->k / groups, b);
    w.vectors = w.k_blocks > 1 && !oc_caps_way(caps, "narrow") &&
                        2 * sums_of(v, caps) <= MOST_SUMS
                    ? 2
                    : 1;
    w.columns = columns_of(w.lanes, w.vectors, caps->vector_registers);
    if (w.columns * w.vectors < 6 &&
        columns_of(w.lanes, 1, caps->vector_registers) > w.columns) {
        w.vectors = 1;
        w.columns = columns_of(w.lanes, 1, caps->vector_registers);
    }
    w.k_tiles = ceiling(w.k_blocks, w.vectors);
    w.wide = wide_of(v, &w, caps);
    w.x_blocks /= w.wide;
    w.c_blocks = w.x_blocks / groups;
    w.taps *= w.wide;
    pairs = w.x_blocks * w.k_tiles;
    w.splits = 1;
    if (pairs < 4 * caps->compute_units)
        w.splits = ceiling(4 * caps->compute_units, pairs);
    if (oc_caps_way(caps, "parts"))
        w.splits *= 2;
    if (w.splits > v->n)
        w.splits = v->n > 0 ? v->n : 1;
    w.share = ceiling(v->n, w.splits);
    w.splits = w.share > 0 ? ceiling(v->n, w.share) : 1;
    return w;
}

static size_t
count_of(const struct oc_conv_window *v)
{
    return (size_t)v->k * (size_t)(v->c / v->groups) * (size_t)v->window[OC_H] *
           (size_t)v->window[OC_W];
}

const char *
oc_conv_blocked_weight_refuse(const struct oc_node *node,
                              const struct oc_caps *caps)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    const char *why = oc_conv_blocked_cannot(node, caps, &v);

    if (!why)
        why = oc_conv_blocked_cannot_join(&v, caps);
    if (why)
        return why;
    if (sums_of(&v, caps) > MOST_SUMS)
        return "the sums of so large a window do not stay near a core";
    return NULL;
}

void
oc_conv_blocked_weight_layouts(const struct oc_node *node,
                               const struct oc_caps *caps,
                               struct oc_layout in[], struct oc_layout out[],
                               size_t *scratch)
{
    const int b = caps->vector_width;
    struct oc_conv_window v = oc_conv_window_of(node);
    struct shape_of_work w;

    in[0] = oc_conv_blocked_x(&v, &in[0], b);
    if (in[0].block == 1 && v.dilation[OC_W] > 1)
        in[0].block = b;
    if (in[1].block != b)
        in[1] = (struct oc_layout){.block = b};
    out[0] = OC_PLAIN;
    w = work_of(&v, caps, in[0].block == 1);
    if (w.splits > 1)
        *scratch = count_of(&v) * (size_t)w.splits * sizeof(float);
}

/* What the kernel walks over. */
struct walk {
    struct oc_blocked x, y;
    int x_row, x_col; /* from window to window */
    int out_h, out_w, rows;
};

/* Where both tensors have no halo and the window is 1 x 1, some rows in a line
 * are one. */
static struct walk
walk_of(const struct oc_steps *steps, const struct oc_conv_window *v)
{
    struct walk w = {
        .x = oc_blocked_of(&steps->in[0].layout, &steps->in[0].value->shape),
        .y = oc_blocked_of(&steps->in[1].layout, &steps->in[1].value->shape),
        .out_h = v->out[OC_H],
        .out_w = v->out[OC_W]};
    int m = w.out_w > 0 ? PIXELS_NEAR / w.out_w : 1;

    w.rows = m > 0 ? m : 1;
    w.x_row = v->stride[OC_H] * w.x.row;
    w.x_col = v->stride[OC_W] * w.x.block;
    if (v->window[OC_H] * v->window[OC_W] > 1 || w.rows == 1 ||
        w.x_row != w.out_w * w.x_col || w.y.row != w.out_w * w.y.block)
        return w;
    while (m > 1 && w.out_h % m)
        m--;
    w.rows = ceiling(w.rows, m);
    w.out_h /= m;
    w.out_w *= m;
    w.x_row *= m;
    w.y.row *= m;
    return w;
}

static void
push_walk(struct oc_steps *steps, struct oc_step *launch,
          const struct oc_conv_window *v, const struct shape_of_work *w)
{
    const struct walk at = walk_of(steps, v);
    const struct oc_blocked *x = &at.x, *y = &at.y;
    const int base = x->base - v->pad[OC_H] * x->row - v->pad[OC_W] * x->block;
    const int tap_s = w->wide > 1 ? x->plane : v->dilation[OC_W] * x->block;
    const int columns = w->wide > 1 ? w->wide : w->few ? 1 : v->window[OC_W];

    oc_conv_push(
        steps, launch,
        (int[]){base,        x->image, x->plane * w->wide,
                at.x_row,    at.x_col, v->dilation[OC_H] * x->row,
                tap_s,       y->base,  y->image,
                y->plane,    y->row,   columns,
                w->k_blocks, v->k,     w->few ? w->lanes * w->x_blocks : v->c,
                at.out_h,    at.out_w, v->n,
                w->share,    at.rows},
        20);
}

/* The sums' places in plain K x C x R x S. */
static void
push_places(struct oc_steps *steps, struct oc_step *launch,
            const struct oc_conv_window *v, const struct shape_of_work *w)
{
    const int s = v->window[OC_W], window = v->window[OC_H] * s;
    const int block = window * (w->few ? 1 : w->lanes);
    const int tap = w->wide > 1 ? block : w->few ? s : 1;

    oc_conv_push(steps, launch,
                 (int[]){v->c / v->groups * window, block * w->wide, tap,
                         w->few ? 1 : window, (int)count_of(v)},
                 5);
    oc_conv_push(
        steps, launch,
        (int[]){-v->pad[OC_H], v->stride[OC_H], v->dilation[OC_H], v->in[OC_H]},
        4);
    oc_conv_push(steps, launch,
                 (int[]){w->c_blocks, v->c / v->groups, v->k / v->groups}, 3);
}

static struct oc_step *
launch_sums(struct oc_steps *steps, const struct oc_conv_window *v,
            const struct shape_of_work *w)
{
    struct oc_step *launch =
        oc_launch(steps, "conv_blocked_weight", "conv_blocked_weight");

    oc_define(steps, launch, "BLOCK", steps->caps->vector_width);
    oc_define(steps, launch, "LANES", w->lanes);
    oc_define(steps, launch, "COLUMNS", w->columns);
    oc_define(steps, launch, "VECTORS", w->vectors);
    oc_define(steps, launch, "TAPS", w->taps);
    if (v->groups > 1)
        oc_define(steps, launch, "GROUPS", 1);
    oc_arg_in(steps, launch, 0);
    oc_arg_in(steps, launch, 1);
    if (w->splits > 1)
        oc_arg_scratch(steps, launch);
    else
        oc_arg_out(steps, launch, 0);
    push_walk(steps, launch, v, w);
    push_places(steps, launch, v, w);
    oc_grid3(launch, w->x_blocks, w->k_tiles, w->splits, 1, 1, 1);
    oc_cost(launch, oc_conv_flops(v), 0.0);
    return launch;
}

ocellus_status
oc_conv_blocked_weight(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    struct shape_of_work w =
        work_of(&v, steps->caps, steps->in[0].layout.block == 1);
    struct oc_step *launch;
    const char *options;

    if (count_of(&v) == 0)
        return steps->status;
    options = launch_sums(steps, &v, &w)->options;
    if (w.splits == 1)
        return steps->status;
    launch = oc_launch(steps, "conv_blocked_weight", "sum_splits");
    launch->options = options;
    oc_arg_scratch(steps, launch);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, (int64_t)count_of(&v));
    oc_arg_int(steps, launch, w.splits);
    oc_grid1(launch, (int64_t)count_of(&v), 0);
    return steps->status;
}

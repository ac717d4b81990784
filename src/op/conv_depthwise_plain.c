/* conv_depthwise_plain.c - depthwise convolutions and their gradients on
 * GPU-class devices (cl/conv_depthwise_plain.cl). */
#include "base/type.h"
#include "op/conv.h"
#include "op/epilogue.h"
#include "op/tile.h"

enum {
    WIDE = 4,        /* the kernels' outputs side by side */
    LANES = 64,      /* work-items of a weight gradient's group */
    MOST_TAPS = 25,  /* that registers hold */
    MOST_SEEN = 16,  /* numbers of a row under WIDE windows */
    GROUPS = 8,      /* of a compute unit, for a weight gradient */
    MOST_PARTS = 256 /* of its sums */
};

/* ---- refusing ----------------------------------------------------------- */

static const char *
cannot(const struct oc_node *node, const struct oc_caps *caps)
{
    const char *why = oc_conv_tiled_cannot(node, caps);
    struct oc_conv_window v;

    if (why)
        return why;
    v = oc_conv_window_of(node);
    if (v.groups == 1 || v.groups != v.c)
        return "a group has more than one channel";
    if (v.window[OC_H] * v.window[OC_W] > MOST_TAPS ||
        (WIDE - 1) * v.stride[OC_W] + (v.window[OC_W] - 1) * v.dilation[OC_W] >=
            MOST_SEEN)
        return "registers do not hold the window";
    return NULL;
}

const char *
oc_conv_plain_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    return cannot(node, caps);
}

const char *
oc_conv_plain_input_refuse(const struct oc_node *node,
                           const struct oc_caps *caps)
{
    const char *why = cannot(node, caps);
    struct oc_conv_window v;

    if (why)
        return why;
    v = oc_conv_window_of(node);
    if (v.k != v.c)
        return "a channel has more than one filter";
    if (v.stride[OC_H] != 1 || v.stride[OC_W] != 1)
        return "strides";
    return NULL;
}

const char *
oc_conv_plain_weight_refuse(const struct oc_node *node,
                            const struct oc_caps *caps)
{
    if (caps->max_work_group < LANES)
        return "it needs work-groups of 64";
    return cannot(node, caps);
}

/* ---- launches ----------------------------------------------------------- */

static void
define(struct oc_steps *steps, struct oc_step *launch,
       const struct oc_conv_window *v, int tall, int turned)
{
    oc_define_type(steps, launch, "x", steps->node->in[0]->type);
    oc_define(steps, launch, "WIN_H", v->window[OC_H]);
    oc_define(steps, launch, "WIN_W", v->window[OC_W]);
    oc_define(steps, launch, "STRIDE_H", v->stride[OC_H]);
    oc_define(steps, launch, "STRIDE_W", v->stride[OC_W]);
    oc_define(steps, launch, "DIL_H", v->dilation[OC_H]);
    oc_define(steps, launch, "DIL_W", v->dilation[OC_W]);
    oc_define(steps, launch, "TALL", tall);
    oc_define(steps, launch, "TURNED", turned);
}

static void
push(struct oc_steps *steps, struct oc_step *launch, const int *list, int count)
{
    for (int k = 0; k < count; k++)
        oc_arg_int(steps, launch, list[k]);
}

static int
pad_of(const struct oc_conv_window *v, int axis, int turned)
{
    return turned ? v->dilation[axis] * (v->window[axis] - 1) - v->pad[axis]
                  : v->pad[axis];
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node, int turned)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    const int *in = turned ? v.out : v.in, *out = turned ? v.in : v.out;
    int biased = oc_conv_has_bias(node), tall = v.stride[OC_H] == 1 ? 2 : 1;
    int blocks = (out[OC_W] + WIDE - 1) / WIDE;
    int high = (out[OC_H] + tall - 1) / tall;
    int64_t count = (int64_t)v.n * v.k * blocks * high;
    struct oc_step *launch =
        oc_launch(steps, "conv_depthwise_plain", "conv_depthwise");

    define(steps, launch, &v, tall, turned);
    oc_arg_in(steps, launch, 0);
    oc_arg_in(steps, launch, 1);
    oc_arg_in(steps, launch, biased ? 2 : 0);
    oc_arg_out(steps, launch, 0);
    push(steps, launch,
         (int[]){biased, v.k, v.k / v.c, in[OC_H], in[OC_W], out[OC_H],
                 out[OC_W], pad_of(&v, OC_H, turned), pad_of(&v, OC_W, turned),
                 blocks, high},
         11);
    oc_arg_int(steps, launch, count);
    oc_epilogue(steps, launch, NULL);
    oc_grid1(launch, count, 0);
    oc_cost(launch, oc_conv_flops(&v), oc_conv_tiled_traffic(node));
    return OCELLUS_OK;
}

ocellus_status
oc_conv_plain(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 0);
}

ocellus_status
oc_conv_plain_input(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 1);
}

/* ---- the weight gradient ------------------------------------------------- */

/* Rows of outputs, of all images, that a part has: enough groups for all
 * units, and a few blocks for each of a group's items. */
static int
rows_of_part(const struct oc_conv_window *v, int units)
{
    int64_t rows = (int64_t)v->n * v->out[OC_H];
    int64_t blocks = (v->out[OC_W] + WIDE - 1) / WIDE;
    int64_t parts = ((int64_t)units * GROUPS + v->k - 1) / v->k;
    int64_t least = (4 * LANES + blocks - 1) / blocks, tall;

    if (parts > MOST_PARTS)
        parts = MOST_PARTS;
    tall = (rows + parts - 1) / parts;
    return (int)(tall < least ? least : tall);
}

static struct oc_tiling
parts_of(const struct oc_conv_window *v, int units)
{
    int rows = v->n * v->out[OC_H], tall = rows_of_part(v, units);

    return (struct oc_tiling){.each = tall, .splits = (rows + tall - 1) / tall};
}

void
oc_conv_plain_weight_layouts(const struct oc_node *node,
                             const struct oc_caps *caps, struct oc_layout in[],
                             struct oc_layout out[], size_t *scratch)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    struct oc_tiling parts = parts_of(&v, caps->compute_units);

    in[0] = in[1] = out[0] = OC_PLAIN;
    *scratch = sizeof(float) * (size_t)parts.splits *
               (size_t)oc_shape_count(&node->out[0]->shape);
}

ocellus_status
oc_conv_plain_weight(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    struct oc_tiling parts = parts_of(&v, steps->caps->compute_units);
    const struct oc_tile_sum sum = {.fast = 1, .slow = 1, .alpha = 1};
    struct oc_step *launch =
        oc_launch(steps, "conv_depthwise_plain", "conv_depthwise_weight");

    define(steps, launch, &v, 1, 0);
    oc_arg_in(steps, launch, 0);
    oc_arg_in(steps, launch, 1);
    oc_arg_scratch(steps, launch);
    push(steps, launch,
         (int[]){v.k, v.k / v.c, v.in[OC_H], v.in[OC_W], v.out[OC_H],
                 v.out[OC_W], v.pad[OC_H], v.pad[OC_W],
                 (v.out[OC_W] + WIDE - 1) / WIDE, v.n * v.out[OC_H],
                 parts.each},
         11);
    oc_grid2(launch, (int64_t)v.k * LANES, parts.splits, LANES, 1);
    oc_cost(launch, oc_conv_flops(&v), oc_conv_tiled_traffic(node));
    oc_tile_sum(steps, &parts, oc_shape_count(&node->out[0]->shape), &sum);
    return OCELLUS_OK;
}

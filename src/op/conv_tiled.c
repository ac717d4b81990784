/* conv_tiled.c - the three convolutions on GPU-class devices, as one tiled
 * contraction (cl/conv_tiled.cl): which tile, and how many parts the sum of
 * the weight gradient is cut into. Both depend on the shape and the number of
 * compute units alone. */
#include "base/type.h"
#include "op/conv.h"
#include "op/epilogue.h"

enum make { MAKE_Y, MAKE_X, MAKE_W }; /* the kernel's MAKE */
enum { ITEMS = 256, MOST_PARTS = 64 };

struct contraction {
    enum make make;
    int rows, columns; /* of the output, for each group */
    int64_t length;    /* of each sum */
    int tile, depth;
    int splits, part;
};

static int64_t
divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t
places(const int *extent)
{
    return (int64_t)extent[OC_H] * extent[OC_W];
}

static int64_t
tiles_of(const struct contraction *t, const struct oc_conv_window *v, int tile)
{
    return divide_up(t->rows, tile) * divide_up(t->columns, tile) * v->groups;
}

/* Parts of no fewer than eight tiles' depth, until every unit has two tiles. */
static void
split(struct contraction *t, const struct oc_conv_window *v, int units)
{
    int64_t wanted = divide_up(2 * (int64_t)units, tiles_of(t, v, t->tile));
    int64_t most = t->length / (8 * t->depth);

    if (wanted > most)
        wanted = most;
    if (wanted > MOST_PARTS)
        wanted = MOST_PARTS;
    t->splits = 1;
    t->part = (int)t->length;
    if (t->make != MAKE_W || wanted <= 1)
        return;
    t->part =
        (int)(divide_up(divide_up(t->length, wanted), t->depth)) * t->depth;
    t->splits = (int)divide_up(t->length, t->part);
}

static struct contraction
contraction_of(const struct oc_conv_window *v, enum make make, int units)
{
    int taps = v->window[OC_H] * v->window[OC_W];
    int c = v->c / v->groups, k = v->k / v->groups;
    struct contraction t = {.make = make};

    t.rows = make == MAKE_X ? c : k;
    t.columns = make == MAKE_W   ? c * taps
                : make == MAKE_X ? v->n * (int)places(v->in)
                                 : v->n * (int)places(v->out);
    t.length = make == MAKE_W   ? v->n * places(v->out)
               : make == MAKE_X ? (int64_t)k * taps
                                : (int64_t)c * taps;
    t.tile = 64;
    if (t.rows > 64 && t.columns > 64 && tiles_of(&t, v, 128) >= units)
        t.tile = 128;
    t.depth = t.tile == 128 ? 8 : 16;
    split(&t, v, units);
    return t;
}

/* ---- refusing ----------------------------------------------------------- */

static const char *
refuse(const struct oc_node *node, const struct oc_caps *caps, enum make make)
{
    struct oc_conv_window v = oc_conv_window_of(node);

    if (caps->cpu)
        return "tiles in local memory are made for GPUs";
    if (caps->max_work_group < ITEMS || caps->local_memory < 20 * 1024)
        return "it needs work-groups of 256 and 20 KB of local memory";
    if (node->in[0]->type == OCELLUS_DOUBLE ||
        node->in[0]->type == OCELLUS_INT32)
        return "it sums in float32";
    if (v.axes == 3)
        return "three spatial axes";
    if ((make == MAKE_X ? v.c : v.k) / v.groups < 4 && v.groups > 1)
        return "too few channels in a group to fill a tile";
    for (int k = 0; k < 2; k++)
        if (oc_shape_count(&node->in[k]->shape) == 0 ||
            oc_shape_count(&node->in[k]->shape) > INT32_MAX)
            return "a tensor is empty, or too large to be counted in int";
    if (oc_shape_count(&node->out[0]->shape) == 0 ||
        oc_shape_count(&node->out[0]->shape) > INT32_MAX)
        return "a tensor is empty, or too large to be counted in int";
    return NULL;
}

const char *
oc_conv_tiled_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    return refuse(node, caps, MAKE_Y);
}

const char *
oc_conv_tiled_input_refuse(const struct oc_node *node,
                           const struct oc_caps *caps)
{
    return refuse(node, caps, MAKE_X);
}

const char *
oc_conv_tiled_weight_refuse(const struct oc_node *node,
                            const struct oc_caps *caps)
{
    struct oc_conv_window v = oc_conv_window_of(node);

    if (v.n * places(v.out) > INT32_MAX)
        return "more places than int counts";
    return refuse(node, caps, MAKE_W);
}

/* ---- launches ----------------------------------------------------------- */

static void
push_window(struct oc_steps *steps, struct oc_step *launch,
            const struct oc_conv_window *v)
{
    oc_arg_int(steps, launch, v->groups);
    oc_arg_int(steps, launch, v->c / v->groups);
    oc_arg_int(steps, launch, v->k / v->groups);
    oc_arg_int(steps, launch, v->in[OC_H]);
    oc_arg_int(steps, launch, v->in[OC_W]);
    oc_arg_int(steps, launch, v->out[OC_H]);
    oc_arg_int(steps, launch, v->out[OC_W]);
    oc_arg_int(steps, launch, v->dilation[OC_H]);
    oc_arg_int(steps, launch, v->dilation[OC_W]);
    oc_arg_int(steps, launch, v->pad[OC_H]);
    oc_arg_int(steps, launch, v->pad[OC_W]);
}

static void
define(struct oc_steps *steps, struct oc_step *launch,
       const struct oc_conv_window *v, const struct contraction *t)
{
    oc_define_type(steps, launch, "x", steps->node->in[0]->type);
    oc_define(steps, launch, "MAKE", (int)t->make);
    oc_define(steps, launch, "TILE", t->tile);
    oc_define(steps, launch, "DEPTH", t->depth);
    oc_define(steps, launch, "WIN_H", v->window[OC_H]);
    oc_define(steps, launch, "WIN_W", v->window[OC_W]);
    oc_define(steps, launch, "STRIDE_H", v->stride[OC_H]);
    oc_define(steps, launch, "STRIDE_W", v->stride[OC_W]);
}

/* a, b: which inputs are the kernel's. in_parts: the output is scratch. */
static struct oc_step *
contract(struct oc_steps *steps, const struct oc_conv_window *v,
         const struct contraction *t, int a, int b)
{
    const struct oc_node *node = steps->node;
    int biased = t->make != MAKE_W && oc_conv_has_bias(node);
    struct oc_step *launch = oc_launch(steps, "conv_tiled", "conv_tiled");
    double bytes = (double)oc_type_size(node->in[0]->type);

    define(steps, launch, v, t);
    oc_arg_in(steps, launch, a);
    oc_arg_in(steps, launch, b);
    oc_arg_in(steps, launch, biased ? 2 : 0);
    if (t->make == MAKE_W)
        oc_arg_scratch(steps, launch);
    else
        oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, biased);
    oc_arg_int(steps, launch, t->rows);
    oc_arg_int(steps, launch, t->columns);
    oc_arg_int(steps, launch, t->length);
    oc_arg_int(steps, launch, t->splits);
    oc_arg_int(steps, launch, t->part);
    push_window(steps, launch, v);
    oc_grid3(launch, divide_up(t->columns, t->tile) * ITEMS,
             divide_up(t->rows, t->tile), (int64_t)v->groups * t->splits, ITEMS,
             1, 1);
    oc_cost(launch, oc_conv_flops(v),
            bytes * (double)(oc_shape_count(&node->in[0]->shape) +
                             oc_shape_count(&node->in[1]->shape) +
                             oc_shape_count(&node->out[0]->shape)));
    return launch;
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node, enum make make, int a,
     int b)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    struct contraction t = contraction_of(&v, make, steps->caps->compute_units);

    oc_epilogue(steps, contract(steps, &v, &t, a, b), NULL);
    return OCELLUS_OK;
}

ocellus_status
oc_conv_tiled(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, MAKE_Y, 1, 0);
}

ocellus_status
oc_conv_tiled_input(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, MAKE_X, 1, 0);
}

void
oc_conv_tiled_weight_layouts(const struct oc_node *node,
                             const struct oc_caps *caps, struct oc_layout in[],
                             struct oc_layout out[], size_t *scratch)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    struct contraction t = contraction_of(&v, MAKE_W, caps->compute_units);

    in[0] = in[1] = out[0] = OC_PLAIN;
    *scratch = sizeof(float) * (size_t)t.splits *
               (size_t)oc_shape_count(&node->out[0]->shape);
}

ocellus_status
oc_conv_tiled_weight(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    struct contraction t =
        contraction_of(&v, MAKE_W, steps->caps->compute_units);
    int64_t count = oc_shape_count(&node->out[0]->shape);
    struct oc_step *launch;

    contract(steps, &v, &t, 1, 0);
    launch = oc_launch(steps, "conv_tiled", "conv_tiled_sum");
    define(steps, launch, &v, &t);
    oc_arg_scratch(steps, launch);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, count);
    oc_arg_int(steps, launch, t.splits);
    oc_grid1(launch, count, 0);
    oc_cost(launch, (double)count * t.splits, 4.0 * (double)count * t.splits);
    return OCELLUS_OK;
}

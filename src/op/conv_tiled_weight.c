/* conv_tiled_weight.c - the weight gradient on GPU-class devices, as a product
 * in tiles whose sums are cut into parts (cl/conv_tiled_weight.cl). */
#include "op/conv.h"
#include "op/tile.h"

static struct oc_tiled
product_of(const struct oc_conv_window *v)
{
    int64_t places = (int64_t)v->n * v->out[OC_H] * v->out[OC_W];
    struct oc_tiled p = {.rows = v->k / v->groups,
                         .columns = (int64_t)(v->c / v->groups) *
                                    v->window[OC_H] * v->window[OC_W],
                         .copies = v->groups,
                         .steps = (places + OC_TILE_DEPTH - 1) / OC_TILE_DEPTH};

    p.count = p.rows * p.columns * p.copies;
    return p;
}

const char *
oc_conv_tiled_weight_refuse(const struct oc_node *node,
                            const struct oc_caps *caps)
{
    const char *why = oc_conv_tiled_cannot(node, caps);
    struct oc_conv_window v;
    struct oc_tiled p;

    if (why)
        return why;
    v = oc_conv_window_of(node);
    p = product_of(&v);
    if (p.rows < 4 && v.groups > 1)
        return "too few channels in a group to fill a tile";
    return oc_tiling_refuse(&p, caps);
}

/* Parts even where there is one: the kernel stores floats. */
void
oc_conv_tiled_weight_layouts(const struct oc_node *node,
                             const struct oc_caps *caps, struct oc_layout in[],
                             struct oc_layout out[], size_t *scratch)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    struct oc_tiled p = product_of(&v);
    struct oc_tiling tiling = oc_tiling_of(&p, caps);

    in[0] = in[1] = out[0] = OC_PLAIN;
    *scratch = sizeof(float) * (size_t)tiling.splits * (size_t)p.count;
}

static void
push_shape(struct oc_steps *steps, struct oc_step *launch,
           const struct oc_conv_window *v)
{
    const int shape[] = {
        v->k / v->groups,  v->c / v->groups,  v->groups,    v->n,
        v->in[OC_H],       v->in[OC_W],       v->out[OC_H], v->out[OC_W],
        v->dilation[OC_H], v->dilation[OC_W], v->pad[OC_H], v->pad[OC_W]};

    for (size_t k = 0; k < OC_COUNT(shape); k++)
        oc_arg_int(steps, launch, shape[k]);
}

ocellus_status
oc_conv_tiled_weight(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    struct oc_tiled p = product_of(&v);
    struct oc_tiling tiling = oc_tiling_of(&p, steps->caps);
    struct oc_step *launch =
        oc_launch(steps, "conv_tiled_weight", "conv_tiled_weight");
    const struct oc_tile_sum sum = {.fast = 1, .slow = 1, .alpha = 1};

    oc_define_type(steps, launch, "x", node->in[0]->type);
    oc_tile_define_halves(steps, launch, node->in[0]->type);
    oc_define(steps, launch, "WIN_H", v.window[OC_H]);
    oc_define(steps, launch, "WIN_W", v.window[OC_W]);
    oc_define(steps, launch, "STRIDE_H", v.stride[OC_H]);
    oc_define(steps, launch, "STRIDE_W", v.stride[OC_W]);
    oc_arg_in(steps, launch, 1);
    oc_arg_in(steps, launch, 0);
    oc_arg_scratch(steps, launch);
    push_shape(steps, launch, &v);
    oc_arg_int(steps, launch, tiling.each);
    oc_tiling_launch(launch, steps, &p, &tiling);
    oc_cost(launch, oc_conv_flops(&v), oc_conv_tiled_traffic(node));
    oc_tile_sum(steps, &tiling, p.count, &sum);
    return OCELLUS_OK;
}

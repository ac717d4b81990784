/* conv_blocked_bias.c - ConvGradBias as launches of cl/conv_blocked_bias.cl:
 * dy stays in its channel blocks. */
#include "op/conv_blocked.h"

/* Parts of the batch, so that every core has one; images of a part. */
static int
splits_of(const struct oc_shape *dy, const struct oc_caps *caps, int *share)
{
    const int b = caps->vector_width, n = (int)dy->dim[0];
    const int blocks = ((int)dy->dim[1] + b - 1) / b;
    int splits = (2 * caps->compute_units + blocks - 1) / blocks;

    if (splits > n)
        splits = n > 0 ? n : 1;
    *share = (n + splits - 1) / splits;
    return *share > 0 ? (n + *share - 1) / *share : 1;
}

const char *
oc_conv_blocked_bias_refuse(const struct oc_node *node,
                            const struct oc_caps *caps)
{
    const struct oc_shape *dy = &node->in[0]->shape;

    if (!caps->cpu)
        return "it is made for CPU-class devices";
    if (node->in[0]->type != OCELLUS_FLOAT)
        return "it knows float32 only";
    if (dy->rank != 3 && dy->rank != 4)
        return "it knows one or two spatial axes";
    if (caps->vector_width != 4 && caps->vector_width != 8 &&
        caps->vector_width != 16)
        return "the device's vectors have neither 4, 8 nor 16 lanes";
    return NULL;
}

void
oc_conv_blocked_bias_layouts(const struct oc_node *node,
                             const struct oc_caps *caps, struct oc_layout in[],
                             struct oc_layout out[], size_t *scratch)
{
    const struct oc_shape *dy = &node->in[0]->shape;
    int share, splits = splits_of(dy, caps, &share);

    if (in[0].block != caps->vector_width)
        in[0] = (struct oc_layout){.block = caps->vector_width};
    out[0] = OC_PLAIN;
    if (splits > 1)
        *scratch = (size_t)splits * (size_t)dy->dim[1] * sizeof(float);
}

static void
add_parts(struct oc_steps *steps, int channels, int splits)
{
    struct oc_step *launch = oc_launch(steps, "conv_blocked_bias", "add_parts");

    oc_define(steps, launch, "BLOCK", steps->caps->vector_width);
    oc_arg_scratch(steps, launch);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, channels);
    oc_arg_int(steps, launch, splits);
    oc_grid1(launch, channels, 0);
}

ocellus_status
oc_conv_blocked_bias(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *dy = &node->in[0]->shape;
    const struct oc_blocked at = oc_blocked_of(&steps->in[0].layout, dy);
    int share, splits = splits_of(dy, steps->caps, &share);
    struct oc_step *launch =
        oc_launch(steps, "conv_blocked_bias", "conv_blocked_bias");

    oc_define(steps, launch, "BLOCK", at.block);
    oc_arg_in(steps, launch, 0);
    if (splits > 1)
        oc_arg_scratch(steps, launch);
    else
        oc_arg_out(steps, launch, 0);
    oc_conv_push(steps, launch,
                 (int[]){at.base, at.image, at.plane, at.row, (int)dy->dim[1],
                         dy->rank > 3 ? (int)dy->dim[2] : 1,
                         (int)dy->dim[dy->rank - 1], (int)dy->dim[0], share},
                 9);
    oc_grid2(launch, at.blocks, splits, 1, 1);
    oc_cost(launch, (double)oc_shape_count(dy),
            4.0 * (double)oc_shape_count(dy));
    if (splits > 1)
        add_parts(steps, (int)dy->dim[1], splits);
    return steps->status;
}

/* conv_direct.c - the plain gathers of cl/conv.cl: any type, any window, any
 * device. The reference of the others. */
#include "base/type.h"
#include "op/conv.h"
#include "op/epilogue.h"

/* ConvGradWeight's second tensor is y, not w, and so on: the three types are
 * one (conv.c checks it). */
static void
define_types(struct oc_steps *steps, struct oc_step *launch, ocellus_type type)
{
    oc_define_type(steps, launch, "x", type);
    oc_define_type(steps, launch, "w", type);
    oc_define_type(steps, launch, "y", type);
}

static void
push_triple(struct oc_steps *steps, struct oc_step *launch, const int *triple)
{
    for (int a = 0; a < 3; a++)
        oc_arg_int(steps, launch, triple[a]);
}

/* The macro WINDOW of the kernels. */
static void
push_window(struct oc_steps *steps, struct oc_step *launch,
            const struct oc_conv_window *v, int64_t count)
{
    oc_arg_int(steps, launch, count);
    oc_arg_int(steps, launch, v->groups);
    oc_arg_int(steps, launch, v->c / v->groups);
    oc_arg_int(steps, launch, v->k / v->groups);
    push_triple(steps, launch, v->in);
    push_triple(steps, launch, v->out);
    push_triple(steps, launch, v->window);
    push_triple(steps, launch, v->stride);
    push_triple(steps, launch, v->dilation);
    push_triple(steps, launch, v->pad);
}

/* Of the tensors, for the kernels that count in int. */
static ocellus_status
check_counts(const struct oc_node *node)
{
    for (int k = 0; k < 2; k++)
        if (oc_shape_count(&node->in[k]->shape) > INT32_MAX)
            return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                                "input %d has %lld elements, more than "
                                "2147483647; make the batch smaller",
                                k,
                                (long long)oc_shape_count(&node->in[k]->shape));
    return OCELLUS_OK;
}

static double
traffic(const struct oc_node *node)
{
    int64_t count = oc_shape_count(&node->in[0]->shape) +
                    oc_shape_count(&node->in[1]->shape) +
                    oc_shape_count(&node->out[0]->shape);

    return (double)count * (double)oc_type_size(node->in[0]->type);
}

/* Conv and ConvGradInput: the same arguments. */
static ocellus_status
gather(struct oc_steps *steps, const struct oc_node *node, const char *kernel)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    int64_t count = oc_shape_count(&node->out[0]->shape);
    int biased = oc_conv_has_bias(node);
    struct oc_step *launch;

    OC_TRY(check_counts(node));
    if (count == 0)
        return OCELLUS_OK;
    launch = oc_launch(steps, "conv", kernel);
    define_types(steps, launch, node->in[0]->type);
    oc_arg_in(steps, launch, 0);
    oc_arg_in(steps, launch, 1);
    oc_arg_in(steps, launch, biased ? 2 : 1);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, biased);
    push_window(steps, launch, &v, count);
    oc_epilogue(steps, launch, NULL);
    oc_grid1(launch, count, 0);
    oc_cost(launch, oc_conv_flops(&v), traffic(node));
    return OCELLUS_OK;
}

ocellus_status
oc_conv_direct(struct oc_steps *steps, const struct oc_node *node)
{
    return gather(steps, node, "conv");
}

ocellus_status
oc_conv_direct_input(struct oc_steps *steps, const struct oc_node *node)
{
    return gather(steps, node, "conv_grad_input");
}

ocellus_status
oc_conv_direct_weight(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    int64_t count = oc_shape_count(&node->out[0]->shape);
    struct oc_step *launch;

    OC_TRY(check_counts(node));
    launch = oc_launch(steps, "conv", "conv_grad_weight");
    define_types(steps, launch, node->in[0]->type);
    oc_arg_in(steps, launch, 0);
    oc_arg_in(steps, launch, 1);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, v.n);
    push_window(steps, launch, &v, count);
    oc_grid1(launch, count, 0);
    oc_cost(launch, oc_conv_flops(&v), traffic(node));
    return OCELLUS_OK;
}

/* A power of two that the device takes, one on CPUs. */
static int
lanes_of(const struct oc_caps *caps)
{
    int lanes = 256;

    if (caps->cpu)
        return 1;
    while (lanes > 1 && (size_t)lanes > caps->max_work_group)
        lanes /= 2;
    return lanes;
}

ocellus_status
oc_conv_direct_bias(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *shape = &node->in[0]->shape;
    int64_t count = oc_shape_count(shape);
    int lanes = lanes_of(steps->caps);
    struct oc_step *launch;

    if (shape->dim[1] == 0)
        return OCELLUS_OK;
    launch = oc_launch(steps, "conv", "conv_grad_bias");
    define_types(steps, launch, node->in[0]->type);
    oc_define(steps, launch, "LANES", lanes);
    oc_arg_in(steps, launch, 0);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, shape->dim[0]);
    oc_arg_int(steps, launch, shape->dim[1]);
    oc_arg_int(steps, launch, oc_shape_span(shape, 2, shape->rank));
    oc_grid1(launch, shape->dim[1] * lanes, lanes);
    oc_cost(launch, (double)count,
            (double)count * (double)oc_type_size(node->in[0]->type));
    return OCELLUS_OK;
}

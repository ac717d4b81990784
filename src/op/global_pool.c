/* global_pool.c - GlobalAveragePool, GlobalMaxPool, GlobalLpPool: one number
 * for each plane, and their gradients.
 */
#include <string.h>

#include "op/pool.h"

enum mode { MEAN, MAX, NORM };

static enum mode
mode_of(const struct oc_node *node)
{
    const char *name = node->op->name;
    return strncmp(name, "GlobalMax", 9) == 0  ? MAX
           : strncmp(name, "GlobalLp", 8) == 0 ? NORM
                                               : MEAN;
}

static ocellus_status
infer(struct oc_node *node)
{
    struct oc_shape y = node->in[0]->shape;
    if (y.rank < 2 || !oc_type_is_float(node->in[0]->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "takes floats of N x C and more dimensions");
    if (mode_of(node) == NORM && oc_attr_int(node, "p", 2) < 1)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "p is %lld, not above 0",
                            (long long)oc_attr_int(node, "p", 2));
    OC_TRY(oc_check_int_count(node, &y));
    for (int i = 2; i < y.rank; i++)
        y.dim[i] = 1;
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

/* `x` is the pooled input: an image in blocks, or anything plain as one row. */
static void
plane_args(struct oc_steps *steps, struct oc_step *l,
           const struct oc_operand *x, int more)
{
    const struct oc_shape *shape = &x->value->shape;
    struct oc_blocked at = {.block = 1, .blocks = (int)shape->dim[1]};
    int64_t h = 1, w = oc_shape_span(shape, 2, shape->rank);
    if (x->layout.block > 1) {
        at = oc_blocked_of(&x->layout, shape);
        h = shape->dim[2];
        w = shape->dim[3];
    } else {
        at.plane = at.row = (int)w;
        at.image = at.plane * at.blocks;
    }
    oc_define(steps, l, "BLOCK", at.block);
    oc_arg_int(steps, l, shape->dim[0]);
    oc_arg_int(steps, l, shape->dim[1]);
    oc_arg_int(steps, l, at.blocks);
    oc_arg_int(steps, l, h);
    oc_arg_int(steps, l, w);
    oc_arg_int(steps, l, at.base);
    oc_arg_int(steps, l, at.image);
    oc_arg_int(steps, l, at.plane);
    oc_arg_int(steps, l, at.row);
    if (more && x->layout.block > 1) {
        oc_image_args(steps, l, &steps->out[0]);
    } else if (more) {
        oc_arg_int(steps, l, 0);
        oc_arg_int(steps, l, at.image);
        oc_arg_int(steps, l, at.plane);
        oc_arg_int(steps, l, at.row);
    }
    oc_grid1(l, shape->dim[0] * at.blocks, 1);
}

static struct oc_step *
launch(struct oc_steps *steps, const char *kernel)
{
    const struct oc_node *node = steps->node;
    const struct oc_shape *x = &node->in[node->n_in - 1]->shape;
    struct oc_step *l = oc_launch(steps, "global_pool", kernel);
    oc_define(steps, l, "MODE", (int)mode_of(node));
    for (int k = 0; k < node->n_in; k++)
        oc_arg_in(steps, l, k);
    oc_arg_out(steps, l, 0);
    oc_cost(l, (double)oc_shape_count(x), 4.0 * (double)oc_shape_count(x));
    return l;
}

static ocellus_status
emit_one(struct oc_steps *steps, const struct oc_node *node, const char *kernel,
         int64_t items, int64_t group)
{
    const struct oc_shape *x = &node->in[0]->shape;
    struct oc_step *l = launch(steps, kernel);
    oc_define_type(steps, l, "x", node->in[0]->type);
    oc_define_type(steps, l, "y", node->out[0]->type);
    oc_arg_int(steps, l, x->dim[0] * x->dim[1]);
    oc_arg_int(steps, l, oc_shape_span(x, 2, x->rank));
    oc_arg_float(steps, l, (double)oc_attr_int(node, "p", 2));
    oc_grid1(l, items, group);
    return steps->status;
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    return emit_one(steps, node, "global_pool_direct",
                    oc_shape_span(&node->in[0]->shape, 0, 2), 0);
}

static const char *
refuse_group(const struct oc_node *node, const struct oc_caps *caps)
{
    (void)node;
    if (caps->cpu || caps->max_work_group < 64)
        return "meant for GPUs: 64 work-items do a plane together";
    return NULL;
}

static ocellus_status
emit_group(struct oc_steps *steps, const struct oc_node *node)
{
    return emit_one(steps, node, "global_pool_group",
                    64 * oc_shape_span(&node->in[0]->shape, 0, 2), 64);
}

static const char *
refuse_plane(const struct oc_node *node, const struct oc_caps *caps)
{
    if (mode_of(node) == NORM)
        return "means and maxima only";
    return oc_refuse_plane(node, caps);
}

/* What has one number a plane stays plain. */
static void
layouts(const struct oc_node *node, const struct oc_caps *caps,
        struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    int lead = node->n_in - 1;
    (void)caps;
    (void)scratch;
    oc_layouts_follow(node, lead, in, out);
    if (lead == 0)
        out[0] = OC_PLAIN;
    else
        in[0] = OC_PLAIN;
}

static ocellus_status
emit_plane(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_step *l = launch(steps, "global_pool_plane");
    (void)node;
    plane_args(steps, l, &steps->in[0], 0);
    return steps->status;
}

static void
grad_as(const struct oc_node *node, const char *op, struct ocellus_value *dy[],
        struct ocellus_value *dx[])
{
    if (dx[0])
        dx[0] = dy[0] ? OC_NODE_LIKE(node, op, NULL, dy[0], node->in[0]) : NULL;
}

static void
mean_grad(const struct oc_node *node, struct ocellus_value *dy[],
          struct ocellus_value *dx[])
{
    grad_as(node, "GlobalAveragePoolGrad", dy, dx);
}

static void
max_grad(const struct oc_node *node, struct ocellus_value *dy[],
         struct ocellus_value *dx[])
{
    grad_as(node, "GlobalMaxPoolGrad", dy, dx);
}

static void
norm_grad(const struct oc_node *node, struct ocellus_value *dy[],
          struct ocellus_value *dx[])
{
    grad_as(node, "GlobalLpPoolGrad", dy, dx);
}

static const struct oc_impl impls[] = {
    {"plane", refuse_plane, layouts, emit_plane, 0, 0},
    {"group", refuse_group, NULL, emit_group, 0, 0},
    {"direct", NULL, NULL, emit, 0, 0},
    {.name = NULL},
};

/* ---- gradients (dy, x) --------------------------------------------------- */

static ocellus_status
grad_infer(struct oc_node *node)
{
    const struct ocellus_value *dy = node->in[0], *x = node->in[1];
    if (!oc_type_is_float(dy->type) || !oc_type_is_float(x->type) ||
        x->shape.rank < 2 ||
        oc_shape_count(&dy->shape) != oc_shape_span(&x->shape, 0, 2))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the gradient is not shaped like the output");
    return oc_infer_out(node, 0, x->type, &x->shape);
}

static ocellus_status
grad_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[1]->shape;
    struct oc_step *l = launch(steps, "global_pool_grad_direct");
    oc_define_type(steps, l, "x", node->in[1]->type);
    oc_define_type(steps, l, "y", node->in[0]->type);
    oc_arg_int(steps, l, oc_shape_count(x));
    oc_arg_int(steps, l, oc_shape_span(x, 2, x->rank));
    oc_arg_float(steps, l, (double)oc_attr_int(node, "p", 2));
    oc_grid1(l, oc_shape_count(x), 0);
    return steps->status;
}

static ocellus_status
grad_emit_plane(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_step *l = launch(steps, "global_pool_grad_plane");
    (void)node;
    plane_args(steps, l, &steps->in[1], 1);
    return steps->status;
}

static const struct oc_impl grad_impls[] = {
    {"plane", refuse_plane, layouts, grad_emit_plane, OC_IMPL_HALO, 0},
    {"direct", NULL, NULL, grad_emit, 0, 0},
    {.name = NULL},
};

#define FORWARD(kind, gradient)                                                \
    const struct oc_op oc_op_##kind = {                                        \
        .name = #kind,                                                         \
        .min_in = 1,                                                           \
        .max_in = 1,                                                           \
        .n_out = 1,                                                            \
        .infer = infer,                                                        \
        .grad = gradient,                                                      \
        .impls = impls,                                                        \
    };
#define BACKWARD(kind, rule)                                                   \
    const struct oc_op oc_op_##kind = {                                        \
        .name = #kind,                                                         \
        .min_in = 2,                                                           \
        .max_in = 2,                                                           \
        .n_out = 1,                                                            \
        .flags = OC_OP_INTERNAL,                                               \
        .infer = rule,                                                         \
        .impls = grad_impls,                                                   \
    };

FORWARD(GlobalAveragePool, mean_grad)
FORWARD(GlobalMaxPool, max_grad)
FORWARD(GlobalLpPool, norm_grad)
BACKWARD(GlobalAveragePoolGrad, grad_infer)
BACKWARD(GlobalMaxPoolGrad, grad_infer)
BACKWARD(GlobalLpPoolGrad, grad_infer)

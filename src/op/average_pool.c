/* average_pool.c - AveragePool and its gradient. */
#include "op/pool.h"

static ocellus_status
infer(struct oc_node *node)
{
    struct oc_pool pool;
    OC_TRY(oc_pool_of(node, 0, &pool));
    struct oc_shape y = oc_pool_shape(&pool, &node->in[0]->shape);
    if (!oc_type_is_float(node->in[0]->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "takes floats, not %s",
                            oc_type_name(node->in[0]->type));
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static double
reads(const struct oc_pool *pool, const struct oc_shape *y)
{
    return (double)(pool->kernel[0] * pool->kernel[1] * pool->kernel[2]) *
           (double)oc_shape_count(y);
}

/* `x` and `y`: which input or output is shaped like the pool's. */
static struct oc_step *
launch(struct oc_steps *steps, const struct oc_pool *pool, const char *kernel)
{
    struct oc_step *l = oc_launch(steps, "average_pool", kernel);
    oc_pool_define(steps, l, pool);
    oc_define(steps, l, "INCLUDE",
              oc_attr_int(steps->node, "count_include_pad", 0) != 0);
    oc_arg_in(steps, l, 0);
    oc_arg_out(steps, l, 0);
    return l;
}

static ocellus_status
emit_direct(struct oc_steps *steps, const struct oc_pool *pool,
            const char *kernel, const struct ocellus_value *x,
            const struct ocellus_value *y)
{
    int64_t count = oc_shape_count(&steps->node->out[0]->shape);
    struct oc_step *l = launch(steps, pool, kernel);
    oc_define_type(steps, l, "x", x->type);
    oc_define_type(steps, l, "y", y->type);
    oc_arg_int(steps, l, count);
    oc_pool_args(steps, l, pool);
    for (int i = 0; i < 3; i++)
        oc_arg_int(steps, l, pool->end[i]);
    oc_grid1(l, count, 0);
    oc_cost(
        l, reads(pool, &y->shape),
        4.0 * (double)(oc_shape_count(&x->shape) + oc_shape_count(&y->shape)));
    return steps->status;
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_pool pool;
    OC_TRY(oc_pool_of(node, 0, &pool));
    return emit_direct(steps, &pool, "average_pool_direct", node->in[0],
                       node->out[0]);
}

static void
layouts(const struct oc_node *node, const struct oc_caps *caps,
        struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    (void)caps;
    (void)scratch;
    oc_layouts_follow(node, node->n_in - 1, in, out);
}

static void
plane_args(struct oc_steps *steps, struct oc_step *l,
           const struct oc_pool *pool)
{
    for (int i = 1; i < 3; i++)
        oc_arg_int(steps, l, pool->in[i]);
    for (int i = 1; i < 3; i++)
        oc_arg_int(steps, l, pool->out[i]);
    for (int i = 1; i < 3; i++)
        oc_arg_int(steps, l, pool->begin[i]);
    for (int i = 1; i < 3; i++)
        oc_arg_int(steps, l, pool->end[i]);
    oc_image_args(steps, l, &steps->in[0]);
    oc_image_args(steps, l, &steps->out[0]);
}

static ocellus_status
emit_plane(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_pool pool;
    OC_TRY(oc_pool_of(node, 0, &pool));
    const struct oc_shape *x = &node->in[0]->shape, *y = &node->out[0]->shape;
    struct oc_blocked at = oc_blocked_of(&steps->in[0].layout, x);
    int64_t rows = oc_pool_rows(&pool, at.block);
    struct oc_step *l = launch(steps, &pool, "average_pool_plane");
    oc_define(steps, l, "BLOCK", at.block);
    oc_arg_int(steps, l, x->dim[0]);
    oc_arg_int(steps, l, at.blocks);
    oc_arg_int(steps, l, rows);
    plane_args(steps, l, &pool);
    oc_grid2(l, (pool.out[1] + rows - 1) / rows, x->dim[0] * at.blocks, 1, 1);
    oc_cost(l, reads(&pool, y),
            4.0 * (double)(oc_shape_count(x) + oc_shape_count(y)));
    return steps->status;
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    if (dx[0])
        dx[0] = dy[0] ? OC_NODE_LIKE(node, "AveragePoolGrad", NULL, dy[0],
                                     node->in[0])
                      : NULL;
}

static const struct oc_impl impls[] = {
    {"plane", oc_refuse_plane, layouts, emit_plane, OC_IMPL_HALO, 0},
    {"direct", NULL, NULL, emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_AveragePool = {
    .name = "AveragePool",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = infer,
    .grad = grad,
    .impls = impls,
};

/* ---- AveragePoolGrad(dy, x): of x the shape and the layout --------------- */

static ocellus_status
grad_infer(struct oc_node *node)
{
    struct oc_pool pool;
    const struct ocellus_value *x = node->in[1];
    OC_TRY(oc_pool_of(node, 1, &pool));
    struct oc_shape y = oc_pool_shape(&pool, &x->shape);
    if (!oc_type_is_float(x->type) || !oc_type_is_float(node->in[0]->type) ||
        !oc_shape_equal(&y, &node->in[0]->shape))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the gradient is not shaped like the output");
    return oc_infer_out(node, 0, x->type, &x->shape);
}

static ocellus_status
grad_emit(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_pool pool;
    OC_TRY(oc_pool_of(node, 1, &pool));
    return emit_direct(steps, &pool, "average_pool_grad_direct", node->in[1],
                       node->in[0]);
}

static ocellus_status
grad_emit_plane(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_pool pool;
    OC_TRY(oc_pool_of(node, 1, &pool));
    const struct oc_shape *x = &node->in[1]->shape;
    struct oc_blocked at = oc_blocked_of(&steps->out[0].layout, x);
    struct oc_step *l = launch(steps, &pool, "average_pool_grad_plane");
    oc_define(steps, l, "BLOCK", at.block);
    oc_arg_int(steps, l, x->dim[0]);
    oc_arg_int(steps, l, at.blocks);
    plane_args(steps, l, &pool);
    oc_grid1(l, x->dim[0] * at.blocks, 1);
    oc_cost(l, reads(&pool, &node->in[0]->shape),
            4.0 * (double)oc_shape_count(x));
    return steps->status;
}

static const struct oc_impl grad_impls[] = {
    {"plane", oc_refuse_plane, layouts, grad_emit_plane, OC_IMPL_HALO, 0},
    {"direct", NULL, NULL, grad_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_AveragePoolGrad = {
    .name = "AveragePoolGrad",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = grad_infer,
    .impls = grad_impls,
};

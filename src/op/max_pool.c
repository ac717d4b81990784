/* max_pool.c - MaxPool and its gradient.
 *
 * The gradient looks for each window's largest number again instead of keeping
 * its place: training then stores nothing that inference would not, and the
 * first of equal numbers wins both times.
 */
#include "op/pool.h"

static ocellus_status
infer(struct oc_node *node)
{
    struct oc_pool pool;
    OC_TRY(oc_pool_of(node, 0, &pool));
    struct oc_shape y = oc_pool_shape(&pool, &node->in[0]->shape);
    ocellus_type type = node->in[0]->type;
    if (!oc_type_is_float(type) && type != OCELLUS_INT8 &&
        type != OCELLUS_UINT8)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "takes floats, int8 or uint8, not %s",
                            oc_type_name(type));
    OC_TRY(oc_check_int_count(node, &y));
    OC_TRY(oc_infer_out(node, 0, type, &y));
    if (node->n_out > 1 && node->out[1])
        OC_TRY(oc_infer_out(node, 1, OCELLUS_INT64, &y));
    return OCELLUS_OK;
}

static double
reads(const struct oc_pool *pool, const struct oc_shape *y)
{
    return (double)(pool->kernel[0] * pool->kernel[1] * pool->kernel[2]) *
           (double)oc_shape_count(y);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_pool pool;
    OC_TRY(oc_pool_of(node, 0, &pool));
    const struct oc_shape *y = &node->out[0]->shape;
    int64_t count = oc_shape_count(y);
    if (count == 0)
        return OCELLUS_OK;
    int indices = oc_output_used(node, 1);
    struct oc_step *l = oc_launch(steps, "max_pool", "max_pool_direct");
    oc_define_type(steps, l, "x", node->in[0]->type);
    oc_pool_define(steps, l, &pool);
    if (indices)
        oc_define(steps, l, "INDICES",
                  oc_attr_int(node, "storage_order", 0) ? 2 : 1);
    oc_arg_in(steps, l, 0);
    oc_arg_out(steps, l, 0);
    oc_arg_out(steps, l, indices ? 1 : 0);
    oc_arg_int(steps, l, count);
    oc_pool_args(steps, l, &pool);
    oc_grid1(l, count, 0);
    oc_cost(l, reads(&pool, y),
            4.0 * (double)(count + oc_shape_count(&node->in[0]->shape)));
    return steps->status;
}

static const char *
refuse_plane(const struct oc_node *node, const struct oc_caps *caps)
{
    if (oc_output_used(node, 1))
        return "does not write Indices";
    return oc_refuse_plane(node, caps);
}

static void
layouts(const struct oc_node *node, const struct oc_caps *caps,
        struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    (void)caps;
    (void)scratch;
    oc_layouts_follow(node, 0, in, out);
}

static ocellus_status
emit_plane(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_pool pool;
    OC_TRY(oc_pool_of(node, 0, &pool));
    const struct oc_shape *x = &node->in[0]->shape, *y = &node->out[0]->shape;
    if (oc_shape_count(y) == 0)
        return OCELLUS_OK;
    struct oc_blocked at = oc_blocked_of(&steps->in[0].layout, x);
    int64_t rows = oc_pool_rows(&pool, at.block);
    struct oc_step *l = oc_launch(steps, "max_pool", "max_pool_plane");
    oc_pool_define(steps, l, &pool);
    oc_define(steps, l, "BLOCK", at.block);
    oc_arg_in(steps, l, 0);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, x->dim[0]);
    oc_arg_int(steps, l, x->dim[1]);
    oc_arg_int(steps, l, at.blocks);
    oc_arg_int(steps, l, rows);
    for (int i = 1; i < 3; i++)
        oc_arg_int(steps, l, pool.in[i]);
    for (int i = 1; i < 3; i++)
        oc_arg_int(steps, l, pool.out[i]);
    for (int i = 1; i < 3; i++)
        oc_arg_int(steps, l, pool.begin[i]);
    oc_image_args(steps, l, &steps->in[0]);
    oc_image_args(steps, l, &steps->out[0]);
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
        dx[0] =
            dy[0] ? OC_NODE_LIKE(node, "MaxPoolGrad", NULL, dy[0], node->in[0])
                  : NULL;
}

static const struct oc_impl impls[] = {
    {"plane", refuse_plane, layouts, emit_plane, OC_IMPL_HALO, 0},
    {"direct", NULL, NULL, emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_MaxPool = {
    .name = "MaxPool",
    .min_in = 1,
    .max_in = 1,
    .n_out = 2,
    .infer = infer,
    .grad = grad,
    .impls = impls,
};

/* ---- MaxPoolGrad(dy, x) -> dx ------------------------------------------ */

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
    int64_t count = oc_shape_count(&node->out[0]->shape);
    if (count == 0)
        return OCELLUS_OK;
    struct oc_step *l = oc_launch(steps, "max_pool", "max_pool_grad_direct");
    oc_define_type(steps, l, "y", node->in[0]->type);
    oc_define_type(steps, l, "x", node->in[1]->type);
    oc_pool_define(steps, l, &pool);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, count);
    oc_pool_args(steps, l, &pool);
    oc_grid1(l, count, 0);
    oc_cost(l, 2.0 * reads(&pool, &node->in[0]->shape), 8.0 * (double)count);
    return steps->status;
}

static const char *
grad_refuse_plane(const struct oc_node *node, const struct oc_caps *caps)
{
    return oc_refuse_plane(node, caps);
}

static void
grad_layouts(const struct oc_node *node, const struct oc_caps *caps,
             struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    (void)caps;
    (void)scratch;
    oc_layouts_follow(node, 1, in, out);
}

static ocellus_status
grad_emit_plane(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_pool pool;
    OC_TRY(oc_pool_of(node, 1, &pool));
    const struct oc_shape *x = &node->in[1]->shape;
    if (oc_shape_count(x) == 0)
        return OCELLUS_OK;
    struct oc_blocked at = oc_blocked_of(&steps->in[1].layout, x);
    struct oc_step *l = oc_launch(steps, "max_pool", "max_pool_grad_plane");
    oc_pool_define(steps, l, &pool);
    oc_define(steps, l, "BLOCK", at.block);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, x->dim[0]);
    oc_arg_int(steps, l, at.blocks);
    for (int i = 1; i < 3; i++)
        oc_arg_int(steps, l, pool.in[i]);
    for (int i = 1; i < 3; i++)
        oc_arg_int(steps, l, pool.out[i]);
    for (int i = 1; i < 3; i++)
        oc_arg_int(steps, l, pool.begin[i]);
    oc_image_args(steps, l, &steps->in[1]);
    oc_image_args(steps, l, &steps->in[0]);
    oc_image_args(steps, l, &steps->out[0]);
    oc_grid1(l, x->dim[0] * at.blocks, 1);
    oc_cost(l, 2.0 * reads(&pool, &node->in[0]->shape),
            8.0 * (double)oc_shape_count(x));
    return steps->status;
}

static const struct oc_impl grad_impls[] = {
    {"plane", grad_refuse_plane, grad_layouts, grad_emit_plane, OC_IMPL_HALO,
     0},
    {"direct", NULL, NULL, grad_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_MaxPoolGrad = {
    .name = "MaxPoolGrad",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = grad_infer,
    .impls = grad_impls,
};

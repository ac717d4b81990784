/* lp_pool.c - LpPool, the p-norm of each window, and its gradient. */
#include "op/pool.h"

static ocellus_status
infer(struct oc_node *node)
{
    struct oc_pool pool;
    OC_TRY(oc_pool_of(node, 0, &pool));
    struct oc_shape y = oc_pool_shape(&pool, &node->in[0]->shape);
    int64_t p = oc_attr_int(node, "p", 2);
    if (!oc_type_is_float(node->in[0]->type) || p < 1)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "takes floats and a p above 0; p is %lld",
                            (long long)p);
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

/* The pool is over input `x`; y's type is that of `y`. */
static ocellus_status
emit_as(struct oc_steps *steps, const char *kernel, int x,
        const struct ocellus_value *y)
{
    const struct oc_node *node = steps->node;
    struct oc_pool pool;
    int64_t count = oc_shape_count(&node->out[0]->shape);
    OC_TRY(oc_pool_of(node, x, &pool));
    struct oc_step *l = oc_launch(steps, "lp_pool", kernel);
    oc_define_type(steps, l, "x", node->in[x]->type);
    oc_define_type(steps, l, "y", y->type);
    for (int k = 0; k < node->n_in; k++)
        oc_arg_in(steps, l, k);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, count);
    oc_arg_float(steps, l, (double)oc_attr_int(node, "p", 2));
    oc_pool_args(steps, l, &pool);
    for (int i = 0; i < 3; i++)
        oc_arg_int(steps, l, pool.kernel[i]);
    for (int i = 0; i < 3; i++)
        oc_arg_int(steps, l, pool.stride[i]);
    for (int i = 0; i < 3; i++)
        oc_arg_int(steps, l, pool.dilation[i]);
    oc_grid1(l, count, 0);
    oc_cost(l, 2.0 * (double)oc_shape_count(&y->shape), 8.0 * (double)count);
    return steps->status;
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    return emit_as(steps, "lp_pool", 0, node->out[0]);
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    if (dx[0])
        dx[0] = dy[0] ? OC_NODE_LIKE(node, "LpPoolGrad", NULL, dy[0],
                                     node->in[0], node->out[0])
                      : NULL;
}

static const struct oc_impl impls[] = {
    {"direct", NULL, NULL, emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_LpPool = {
    .name = "LpPool",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = infer,
    .grad = grad,
    .impls = impls,
};

/* ---- LpPoolGrad(dy, x, y) ------------------------------------------------ */

static ocellus_status
grad_infer(struct oc_node *node)
{
    struct oc_pool pool;
    const struct ocellus_value *x = node->in[1];
    OC_TRY(oc_pool_of(node, 1, &pool));
    struct oc_shape y = oc_pool_shape(&pool, &x->shape);
    if (!oc_type_is_float(x->type) ||
        !oc_shape_equal(&y, &node->in[0]->shape) ||
        node->in[2]->type != node->in[0]->type ||
        !oc_shape_equal(&y, &node->in[2]->shape))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the gradient is not shaped like the output");
    return oc_infer_out(node, 0, x->type, &x->shape);
}

static ocellus_status
grad_emit(struct oc_steps *steps, const struct oc_node *node)
{
    return emit_as(steps, "lp_pool_grad", 1, node->in[0]);
}

static const struct oc_impl grad_impls[] = {
    {"direct", NULL, NULL, grad_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_LpPoolGrad = {
    .name = "LpPoolGrad",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = grad_infer,
    .impls = grad_impls,
};

/* lrn.c - LRN, local response normalisation, and its gradient. */
#include "op/pool.h"

static ocellus_status
check(const struct oc_node *node, const struct ocellus_value *x)
{
    int64_t size = oc_attr_int(node, "size", 0);
    if (x->shape.rank < 2 || !oc_type_is_float(x->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "takes floats of N x C and more dimensions");
    if (size < 1 || size > INT32_MAX / 4)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "size is %lld, must be at least 1",
                            (long long)size);
    return oc_check_int_count(node, &x->shape);
}

static ocellus_status
infer(struct oc_node *node)
{
    const struct ocellus_value *x = node->in[node->n_in - 1];
    OC_TRY(check(node, x));
    if (!oc_shape_equal(&x->shape, &node->in[0]->shape) ||
        x->type != node->in[0]->type)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the gradient is not shaped like the output");
    return oc_infer_out(node, 0, x->type, &x->shape);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    int64_t size = oc_attr_int(node, "size", 1), count = oc_shape_count(x);
    struct oc_step *l =
        oc_launch(steps, "lrn", node->n_in > 1 ? "lrn_grad" : "lrn");
    oc_define_type(steps, l, "x", node->in[0]->type);
    for (int k = 0; k < node->n_in; k++)
        oc_arg_in(steps, l, k);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, count);
    oc_arg_int(steps, l, x->dim[1]);
    oc_arg_int(steps, l, oc_shape_span(x, 2, x->rank));
    oc_arg_int(steps, l, (size - 1) / 2);
    oc_arg_int(steps, l, size / 2);
    oc_arg_float(steps, l, oc_attr_float(node, "alpha", 1e-4) / (double)size);
    oc_arg_float(steps, l, oc_attr_float(node, "beta", 0.75));
    oc_arg_float(steps, l, oc_attr_float(node, "bias", 1));
    oc_grid1(l, count, 0);
    oc_cost(l, (double)(2 * size) * (double)count, 8.0 * (double)count);
    return steps->status;
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    if (dx[0])
        dx[0] = dy[0] ? OC_NODE_LIKE(node, "LRNGrad", NULL, dy[0], node->in[0])
                      : NULL;
}

static const struct oc_impl impls[] = {
    {"direct", NULL, NULL, emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_LRN = {
    .name = "LRN",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = infer,
    .grad = grad,
    .impls = impls,
};

/* LRNGrad(dy, x) */
const struct oc_op oc_op_LRNGrad = {
    .name = "LRNGrad",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = infer,
    .impls = impls,
};

/* reduce.c - sums, means, extremes, products and norms along axes. */
#include "op/reduce.h"

#include <math.h>
#include <string.h>

#include "op/pointwise.h"

/* ---- shapes ------------------------------------------------------------- */

ocellus_status
oc_reduce_axes(const struct oc_node *node, uint32_t *axes)
{
    const int64_t *list = NULL;
    int count = 0, rank = node->in[0]->shape.rank;

    *axes = 0;
    if (node->n_in > 1 && node->in[1])
        OC_TRY(oc_host_ints(node, 1, &list, &count));
    else
        list = oc_attr_ints(node, "axes", &count);
    if (count == 0 && oc_attr_int(node, "noop_with_empty_axes", 0) == 0)
        *axes = (1u << rank) - 1u;
    for (int k = 0; k < count; k++) {
        int axis;

        OC_TRY(oc_axis(list[k], rank, &axis));
        if (*axes >> axis & 1u)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "axis %d is named twice", axis);
        *axes |= 1u << axis;
    }
    return OCELLUS_OK;
}

struct oc_shape
oc_reduce_kept(const struct oc_shape *shape, uint32_t axes)
{
    struct oc_shape kept = *shape;

    for (int k = 0; k < kept.rank; k++)
        if (axes >> k & 1u)
            kept.dim[k] = 1;
    return kept;
}

static ocellus_status
infer(struct oc_node *node)
{
    const struct ocellus_value *x = node->in[0];
    struct oc_shape kept, shape = oc_shape_make(0, NULL);
    uint32_t axes;

    int extreme = strcmp(node->op->name, "ReduceMax") == 0 ||
                  strcmp(node->op->name, "ReduceMin") == 0;
    if (!oc_type_is_float(x->type) && !oc_type_is_integer(x->type) &&
        !(extreme && x->type == OCELLUS_BOOL))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "no rule for %s",
                            oc_type_name(x->type));
    if (strncmp(node->op->name, "ReduceLog", 9) == 0 &&
        !oc_type_is_float(x->type))
        return oc_node_fail(node, OCELLUS_UNSUPPORTED, "no logarithm of %s",
                            oc_type_name(x->type));
    OC_TRY(oc_reduce_axes(node, &axes));
    kept = oc_reduce_kept(&x->shape, axes);
    if (oc_attr_int(node, "keepdims", 1) != 0)
        return oc_infer_out(node, 0, x->type, &kept);
    for (int k = 0; k < x->shape.rank; k++)
        if (!(axes >> k & 1u))
            shape.dim[shape.rank++] = x->shape.dim[k];
    return oc_infer_out(node, 0, x->type, &shape);
}

/* ---- host numbers: what shape arithmetic uses --------------------------- */

static double
combine(const char *kind, double a, double b)
{
    if (strcmp(kind, "Max") == 0)
        return a < b ? b : a;
    if (strcmp(kind, "Min") == 0)
        return a > b ? b : a;
    return strcmp(kind, "Prod") == 0 ? a * b : a + b;
}

/* What no numbers give: an extreme's is a bound of the type, to which infinity
 * is cut where it is stored, but bool takes all but 0 for 1. */
static double
first(const char *kind, ocellus_type type)
{
    if (strcmp(kind, "Max") == 0)
        return type == OCELLUS_BOOL ? 0 : -HUGE_VAL;
    if (strcmp(kind, "Min") == 0)
        return HUGE_VAL;
    return strcmp(kind, "Prod") == 0 ? 1 : 0;
}

static double
host_result(const struct oc_node *node, const struct oc_fold *f, int64_t o)
{
    const struct ocellus_value *x = node->in[0];
    const char *kind = node->op->name + 6;
    int64_t base = 0, rest = o;
    double v = first(kind, x->type);

    for (int k = 3; k >= 0; rest /= f->kept[k], k--)
        base += rest % f->kept[k] * f->kept_stride[k];
    for (int64_t i = 0; i < f->count; i++) {
        int64_t at = base;

        rest = i;
        for (int k = 3; k >= 0; rest /= f->reduced[k], k--)
            at += rest % f->reduced[k] * f->reduced_stride[k];
        v = combine(kind, v, oc_element_get(x->type, x->data, (size_t)at));
    }
    return strcmp(kind, "Mean") == 0 ? v / (double)f->count : v;
}

static ocellus_status
eval(struct oc_node *node)
{
    void *y = oc_eval_out(node, 0);
    struct oc_fold fold;
    uint32_t axes;

    OC_TRY(oc_reduce_axes(node, &axes));
    if (!y)
        return oc_node_fail(node, OCELLUS_OUT_OF_MEMORY,
                            "no host memory for its result");
    oc_fold_make(&node->in[0]->shape, axes, &fold);
    for (int64_t o = 0; o < fold.outputs; o++) {
        double v = host_result(node, &fold, o);

        oc_element_set(node->out[0]->type, y, (size_t)o, v);
    }
    return OCELLUS_OK;
}

/* ---- gradients ---------------------------------------------------------- */

/* A value of the result's shape, with the reduced axes as extents of 1. */
static struct ocellus_value *
keep(const struct oc_node *node, struct ocellus_value *y)
{
    struct oc_shape kept;
    uint32_t axes;

    if (!y || oc_reduce_axes(node, &axes) != OCELLUS_OK)
        return NULL;
    kept = oc_reduce_kept(&node->in[0]->shape, axes);
    if (oc_shape_equal(&kept, &y->shape))
        return y;
    return OC_NODE(node->graph, "Reshape", "allowzero=1", y,
                   oc_ints(node->graph, kept.rank, kept.dim));
}

static struct ocellus_value *
expand(const struct oc_node *node, struct ocellus_value *dy)
{
    const struct oc_shape *shape = &node->in[0]->shape;

    if (!dy || oc_shape_equal(&dy->shape, shape))
        return dy;
    return OC_NODE(node->graph, "Expand", NULL, dy,
                   oc_ints(node->graph, shape->rank, shape->dim));
}

static struct ocellus_value *
apply2(const struct oc_node *node, const char *op, struct ocellus_value *a,
       struct ocellus_value *b)
{
    return a && b ? OC_NODE(node->graph, op, NULL, a, b) : NULL;
}

static struct ocellus_value *
apply3(const struct oc_node *node, const char *op, struct ocellus_value *a,
       struct ocellus_value *b, struct ocellus_value *c)
{
    return a && b && c ? OC_NODE(node->graph, op, NULL, a, b, c) : NULL;
}

/* dx[1], the axes, has none. */
#define GRADIENT(NAME, VALUE)                                                  \
    static void grad_##NAME(const struct oc_node *node,                        \
                            struct ocellus_value *dy[],                        \
                            struct ocellus_value *dx[])                        \
    {                                                                          \
        struct ocellus_value *x = node->in[0], *y = keep(node, node->out[0]);  \
        struct ocellus_value *d = keep(node, dy[0]);                           \
                                                                               \
        (void)x;                                                               \
        (void)y;                                                               \
        if (node->n_in > 1)                                                    \
            dx[1] = NULL;                                                      \
        dx[0] = (VALUE);                                                       \
    }

/* Numbers that share a maximum share its gradient. */
static struct ocellus_value *
extreme(const struct oc_node *node, struct ocellus_value *x,
        struct ocellus_value *y, struct ocellus_value *d)
{
    struct ocellus_value *mask, *count;

    if (!x || !y || !d)
        return NULL;
    mask = apply3(node, "EqualGrad", x, y, oc_scalar_like(x, 1.0));
    count = mask ? oc_reduce_to(mask, &y->shape) : NULL;
    return apply2(node, "Mul", mask, apply2(node, "Div", d, count));
}

static double
share_of(const struct oc_node *node)
{
    int64_t outputs = oc_shape_count(&node->out[0]->shape);

    return (double)outputs / (double)oc_shape_count(&node->in[0]->shape);
}

static void
grad_sum(const struct oc_node *node, struct ocellus_value *dy[],
         struct ocellus_value *dx[])
{
    if (node->n_in > 1)
        dx[1] = NULL;
    dx[0] = expand(node, keep(node, dy[0]));
}

static void
grad_mean(const struct oc_node *node, struct ocellus_value *dy[],
          struct ocellus_value *dx[])
{
    if (node->n_in > 1)
        dx[1] = NULL;
    dx[0] =
        expand(node, keep(node, apply2(node, "Mul", dy[0],
                                       oc_scalar_like(dy[0], share_of(node)))));
}

static void
grad_prod(const struct oc_node *node, struct ocellus_value *dy[],
          struct ocellus_value *dx[])
{
    if (node->n_in > 1)
        dx[1] = NULL;
    dx[0] =
        OC_NODE_LIKE(node, "ReduceProdGrad", NULL, node->in[0],
                     node->n_in > 1 ? node->in[1] : NULL, node->out[0], dy[0]);
}

GRADIENT(extreme, extreme(node, x, y, d))
GRADIENT(l1, apply2(node, "AbsGrad", x, d))
GRADIENT(l2, apply3(node, "ReduceL2Grad", x, y, d))
GRADIENT(sum_square, apply2(node, "ReduceSumSquareGrad", x, d))
GRADIENT(log_sum, expand(node, apply2(node, "Div", d,
                                      OC_NODE(node->graph, "Exp", NULL, y))))
GRADIENT(log_sum_exp, apply3(node, "ReduceLogSumExpGrad", x, y, d))

OC_FLOAT_ROW(ReduceL2Grad, 3, OC_OP_INTERNAL, NULL,
             "(b > 0.0f ? c * a / b : 0.0f)", NULL)
OC_FLOAT_ROW(ReduceSumSquareGrad, 2, OC_OP_INTERNAL, NULL, "2.0f * a * b", NULL)
OC_FLOAT_ROW(ReduceLogSumExpGrad, 3, OC_OP_INTERNAL, NULL, "c * exp(a - b)",
             NULL)

/* ---- ReduceProdGrad: x, axes, y, dy ------------------------------------- */

static ocellus_status
infer_prod_grad(struct oc_node *node)
{
    return oc_infer_out(node, 0, node->in[0]->type, &node->in[0]->shape);
}

static ocellus_status
emit_prod_grad(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_step *launch = oc_launch(steps, "reduce", "product_grad");
    struct oc_fold fold;
    uint32_t axes;

    OC_TRY(oc_reduce_axes(node, &axes));
    oc_fold_make(&node->in[0]->shape, axes, &fold);
    oc_define(steps, launch, "KIND", OC_PROD);
    oc_define_type(steps, launch, "x", node->in[0]->type);
    oc_define_type(steps, launch, "y", node->in[0]->type);
    oc_arg_in(steps, launch, 0);
    oc_arg_in(steps, launch, 2);
    oc_arg_in(steps, launch, 3);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, fold.outputs);
    oc_arg_int(steps, launch, fold.count);
    oc_fold_args(steps, launch, &fold);
    oc_grid1(launch, fold.outputs * fold.count, 0);
    return steps->status;
}

static const struct oc_impl prod_grad_impls[] = {
    {.name = "direct", .emit = emit_prod_grad},
    {.name = NULL},
};

const struct oc_op oc_op_ReduceProdGrad = {.name = "ReduceProdGrad",
                                           .min_in = 1,
                                           .max_in = 4,
                                           .n_out = 1,
                                           .flags = OC_OP_INTERNAL,
                                           .host = 2,
                                           .infer = infer_prod_grad,
                                           .impls = prod_grad_impls};

/* ---- rows --------------------------------------------------------------- */

#define REDUCE_ROW(NAME, EVAL, GRAD)                                           \
    const struct oc_op oc_op_Reduce##NAME = {.name = "Reduce" #NAME,           \
                                             .min_in = 1,                      \
                                             .max_in = 2,                      \
                                             .n_out = 1,                       \
                                             .host = 2,                        \
                                             .infer = infer,                   \
                                             .eval = EVAL,                     \
                                             .grad = GRAD,                     \
                                             .impls = oc_reduce_impls};

REDUCE_ROW(Sum, eval, grad_sum)
REDUCE_ROW(Mean, eval, grad_mean)
REDUCE_ROW(Max, eval, grad_extreme)
REDUCE_ROW(Min, eval, grad_extreme)
REDUCE_ROW(Prod, eval, grad_prod)
REDUCE_ROW(L1, NULL, grad_l1)
REDUCE_ROW(L2, NULL, grad_l2)
REDUCE_ROW(SumSquare, NULL, grad_sum_square)
REDUCE_ROW(LogSum, NULL, grad_log_sum)
REDUCE_ROW(LogSumExp, NULL, grad_log_sum_exp)

/* arg.c - along one axis: places of extremes, also as ones among zeros, running
 * sums and products. */
#include <string.h>

#include "op/impl.h"

static ocellus_status
axis_of(const struct oc_node *node, int *axis)
{
    return oc_axis(oc_attr_int(node, "axis", 0), node->in[0]->shape.rank, axis);
}

static ocellus_status
check(const struct oc_node *node)
{
    const struct ocellus_value *x = node->in[0];

    if (!oc_type_is_float(x->type) && !oc_type_is_integer(x->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "no rule for %s",
                            oc_type_name(x->type));
    if (x->shape.rank == 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "a scalar has no axis");
    return OCELLUS_OK;
}

static ocellus_status
infer_arg(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    struct oc_shape shape = *x;
    int axis;

    OC_TRY(check(node));
    OC_TRY(axis_of(node, &axis));
    if (x->dim[axis] == 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "axis %d is empty and has no extreme", axis);
    shape.dim[axis] = 1;
    if (oc_attr_int(node, "keepdims", 1) == 0) {
        for (int k = axis; k + 1 < shape.rank; k++)
            shape.dim[k] = shape.dim[k + 1];
        shape.rank--;
    }
    return oc_infer_out(node, 0, OCELLUS_INT64, &shape);
}

/* The axis of CumSum is its second input. */
static ocellus_status
cumsum_axis(const struct oc_node *node, int *axis)
{
    const int64_t *list;
    int count;

    OC_TRY(oc_host_ints(node, 1, &list, &count));
    if (count != 1)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "%d axes instead of one",
                            count);
    return oc_axis(list[0], node->in[0]->shape.rank, axis);
}

static ocellus_status
infer_cumsum(struct oc_node *node)
{
    int axis;

    OC_TRY(check(node));
    OC_TRY(cumsum_axis(node, &axis));
    return oc_infer_out(node, 0, node->in[0]->type, &node->in[0]->shape);
}

/* Sums of what comes after, of dy y, over what each number gave. */
static void
grad_cumprod(const struct oc_node *node, struct ocellus_value *dy[],
             struct ocellus_value *dx[])
{
    int backwards = oc_attr_int(node, "reverse", 0) != 0;
    struct ocellus_graph *graph = node->graph;

    dx[1] = NULL;
    dx[0] = OC_NODE(
        graph, "Div", NULL,
        OC_NODE_LIKE(node, "CumSum", backwards ? "reverse=0" : "reverse=1",
                     OC_NODE(graph, "Mul", NULL, dy[0], node->out[0]),
                     node->in[1]),
        node->in[0]);
}

/* The sum of what comes after, for a sum of what came before. */
static void
grad_cumsum(const struct oc_node *node, struct ocellus_value *dy[],
            struct ocellus_value *dx[])
{
    int backwards = oc_attr_int(node, "reverse", 0) != 0;

    dx[1] = NULL;
    dx[0] = OC_NODE_LIKE(node, "CumSum", backwards ? "reverse=0" : "reverse=1",
                         dy[0], node->in[1]);
}

static ocellus_status
hardmax_axis(const struct oc_node *node, int *axis)
{
    return oc_axis(oc_attr_int(node, "axis", -1), node->in[0]->shape.rank,
                   axis);
}

static ocellus_status
infer_hardmax(struct oc_node *node)
{
    int axis;

    OC_TRY(check(node));
    if (!oc_type_is_float(node->in[0]->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "takes floats");
    OC_TRY(hardmax_axis(node, &axis));
    return oc_infer_out(node, 0, node->in[0]->type, &node->in[0]->shape);
}

/* It is level wherever it does not jump. */
static void
grad_hardmax(const struct oc_node *node, struct ocellus_value *dy[],
             struct ocellus_value *dx[])
{
    (void)node;
    (void)dy;
    dx[0] = NULL;
}

/* ---- launches ----------------------------------------------------------- */

static int64_t
put_extents(struct oc_steps *steps, struct oc_step *launch, int axis)
{
    const struct oc_shape *x = &steps->node->in[0]->shape;
    int64_t outer = oc_shape_span(x, 0, axis);
    int64_t inner = oc_shape_span(x, axis + 1, x->rank);

    oc_arg_int(steps, launch, outer);
    oc_arg_int(steps, launch, x->dim[axis]);
    oc_arg_int(steps, launch, inner);
    return outer * inner;
}

static ocellus_status
emit_arg(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_step *launch = oc_launch(steps, "reduce", "place");
    int64_t items;
    int axis;

    OC_TRY(axis_of(node, &axis));
    oc_define_type(steps, launch, "x", node->in[0]->type);
    oc_arg_in(steps, launch, 0);
    oc_arg_out(steps, launch, 0);
    items = put_extents(steps, launch, axis);
    oc_arg_int(steps, launch, node->op->name[4] == 'a' ? 1 : -1);
    oc_arg_int(steps, launch, oc_attr_int(node, "select_last_index", 0) != 0);
    oc_grid1(launch, items, 0);
    return steps->status;
}

static ocellus_status
emit_cumsum(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_step *launch = oc_launch(steps, "reduce", "running");
    int64_t items;
    int axis;

    if (strcmp(node->op->name, "CumProd") == 0)
        oc_define(steps, launch, "KIND", 4);
    OC_TRY(cumsum_axis(node, &axis));
    oc_define_type(steps, launch, "x", node->in[0]->type);
    oc_define_type(steps, launch, "y", node->in[0]->type);
    oc_arg_in(steps, launch, 0);
    oc_arg_out(steps, launch, 0);
    items = put_extents(steps, launch, axis);
    oc_arg_int(steps, launch, oc_attr_int(node, "exclusive", 0) != 0);
    oc_arg_int(steps, launch, oc_attr_int(node, "reverse", 0) != 0);
    oc_grid1(launch, items, 0);
    return steps->status;
}

static ocellus_status
emit_hardmax(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_step *launch = oc_launch(steps, "reduce", "hardmax");
    int64_t items;
    int axis;

    OC_TRY(hardmax_axis(node, &axis));
    oc_define_type(steps, launch, "x", node->in[0]->type);
    oc_arg_in(steps, launch, 0);
    oc_arg_out(steps, launch, 0);
    items = put_extents(steps, launch, axis);
    oc_grid1(launch, oc_shape_count(&node->in[0]->shape) > 0 ? items : 0, 0);
    return steps->status;
}

static const struct oc_impl arg_impls[] = {
    {.name = "direct", .emit = emit_arg},
    {.name = NULL},
};

static const struct oc_impl cumsum_impls[] = {
    {.name = "direct", .emit = emit_cumsum},
    {.name = NULL},
};

static const struct oc_impl hardmax_impls[] = {
    {.name = "direct", .emit = emit_hardmax},
    {.name = NULL},
};

#define ARG_ROW(NAME)                                                          \
    const struct oc_op oc_op_##NAME = {.name = #NAME,                          \
                                       .min_in = 1,                            \
                                       .max_in = 1,                            \
                                       .n_out = 1,                             \
                                       .infer = infer_arg,                     \
                                       .impls = arg_impls};

/* The fifth letter of a name tells them apart. */
ARG_ROW(ArgMax)
ARG_ROW(ArgMin)

const struct oc_op oc_op_CumSum = {.name = "CumSum",
                                   .min_in = 2,
                                   .max_in = 2,
                                   .n_out = 1,
                                   .host = 2,
                                   .infer = infer_cumsum,
                                   .grad = grad_cumsum,
                                   .impls = cumsum_impls};

const struct oc_op oc_op_CumProd = {.name = "CumProd",
                                    .min_in = 2,
                                    .max_in = 2,
                                    .n_out = 1,
                                    .host = 2,
                                    .infer = infer_cumsum,
                                    .grad = grad_cumprod,
                                    .impls = cumsum_impls};

const struct oc_op oc_op_Hardmax = {.name = "Hardmax",
                                    .min_in = 1,
                                    .max_in = 1,
                                    .n_out = 1,
                                    .infer = infer_hardmax,
                                    .grad = grad_hardmax,
                                    .impls = hardmax_impls};

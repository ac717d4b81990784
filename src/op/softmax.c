/* softmax.c - Softmax and LogSoftmax along one axis. */
#include "op/impl.h"

static ocellus_status
infer(struct oc_node *node)
{
    const struct ocellus_value *x = node->in[0];
    int axis;

    if (!oc_type_is_float(x->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "no rule for %s",
                            oc_type_name(x->type));
    if (x->shape.rank == 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "a scalar has no axis");
    OC_TRY(oc_axis(oc_attr_int(node, "axis", -1), x->shape.rank, &axis));
    for (int k = 1; k < node->n_in; k++)
        if (node->in[k]->type != x->type ||
            !oc_shape_equal(&node->in[k]->shape, &x->shape))
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "y and dy are not alike");
    return oc_infer_out(node, 0, x->type, &x->shape);
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    int log = node->op->name[0] == 'L';

    dx[0] = OC_NODE_LIKE(node, log ? "LogSoftmaxGrad" : "SoftmaxGrad", NULL,
                         node->out[0], dy[0]);
}

/* ---- launches ----------------------------------------------------------- */

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node, int lanes)
{
    static const char *const names[2][2] = {{"across", "across_grad"},
                                            {"along", "along_grad"}};
    const struct oc_shape *x = &node->in[0]->shape;
    int64_t outer, n, inner, items;
    struct oc_step *launch;
    int axis, along;

    OC_TRY(oc_axis(oc_attr_int(node, "axis", -1), x->rank, &axis));
    outer = oc_shape_span(x, 0, axis);
    n = x->dim[axis];
    inner = oc_shape_span(x, axis + 1, x->rank);
    along = lanes > 1 && inner == 1;
    items = along ? outer : outer * ((inner + lanes - 1) / lanes);
    launch = oc_launch(steps, "softmax", names[along][node->n_in > 1]);
    oc_define(steps, launch, "LOG", node->op->name[0] == 'L');
    oc_define(steps, launch, "LANES", lanes);
    oc_define_type(steps, launch, "x", node->in[0]->type);
    for (int k = 0; k < node->n_in; k++)
        oc_arg_in(steps, launch, k);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, outer);
    oc_arg_int(steps, launch, n);
    if (!along)
        oc_arg_int(steps, launch, inner);
    oc_grid1(launch, oc_shape_count(x) > 0 ? items : 0, lanes > 1 ? 1 : 0);
    oc_cost(launch, 20.0 * (double)oc_shape_count(x),
            8.0 * (double)oc_shape_count(x));
    return steps->status;
}

static ocellus_status
emit_rows(struct oc_steps *steps, const struct oc_node *node)
{
    int width = steps->caps->vector_width;

    return emit(steps, node, width == 4 || width == 16 ? width : 8);
}

static ocellus_status
emit_direct(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 1);
}

static const char *
refuse_rows(const struct oc_node *node, const struct oc_caps *caps)
{
    if (!caps->cpu)
        return "a row for one work-item suits CPUs only";
    if (node->in[0]->type == OCELLUS_DOUBLE)
        return "vectors are of float32, float16 or bfloat16";
    return NULL;
}

static const struct oc_impl impls[] = {
    {.name = "rows", .refuse = refuse_rows, .emit = emit_rows},
    {.name = "direct", .emit = emit_direct},
    {.name = NULL},
};

/* ---- rows --------------------------------------------------------------- */

#define SOFTMAX_ROW(NAME, N, FLAGS, GRAD)                                      \
    const struct oc_op oc_op_##NAME = {.name = #NAME,                          \
                                       .min_in = N,                            \
                                       .max_in = N,                            \
                                       .n_out = 1,                             \
                                       .flags = FLAGS,                         \
                                       .infer = infer,                         \
                                       .grad = GRAD,                           \
                                       .impls = impls};

SOFTMAX_ROW(Softmax, 1, 0, grad)
SOFTMAX_ROW(LogSoftmax, 1, 0, grad)
/* y, dy */
SOFTMAX_ROW(SoftmaxGrad, 2, OC_OP_INTERNAL, NULL)
SOFTMAX_ROW(LogSoftmaxGrad, 2, OC_OP_INTERNAL, NULL)

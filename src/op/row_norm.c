/* row_norm.c - LayerNormalization, InstanceNormalization, GroupNormalization,
 * RMSNormalization: one kernel over rows, see cl/row_norm.cl, and one gradient.
 */
#include <stdio.h>
#include <string.h>

#include "op/pool.h"

#define GROUP 128

struct rows {
    int64_t rows, size, modulus, inner;
    int64_t weights; /* numbers in scale */
    int centre;
};

static int
is(const struct oc_node *node, const char *name)
{
    return strcmp(node->op->name, name) == 0;
}

static ocellus_status
along_axis(const struct oc_node *node, struct rows *r)
{
    const struct oc_shape *x = &node->in[0]->shape;
    int axis;
    OC_TRY(oc_axis(oc_attr_int(node, "axis", -1), x->rank, &axis));
    r->rows = oc_shape_span(x, 0, axis);
    r->size = oc_shape_span(x, axis, x->rank);
    r->modulus = 1;
    r->inner = 1;
    r->weights = r->size;
    r->centre = is(node, "LayerNormalization");
    return OCELLUS_OK;
}

static ocellus_status
of_channels(const struct oc_node *node, struct rows *r)
{
    const struct oc_shape *x = &node->in[0]->shape;
    int64_t c = x->rank > 1 ? x->dim[1] : 0, groups = c;
    if (x->rank < 2)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the input has rank %d, not N x C and more",
                            x->rank);
    if (is(node, "GroupNormalization"))
        groups = oc_attr_int(node, "num_groups", 0);
    if (groups < 1 || (c != OC_UNKNOWN && c % groups != 0)) {
        if (groups != OC_UNKNOWN && c != 0)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "%lld channels in %lld groups", (long long)c,
                                (long long)groups);
        groups = c ? c : 1;
    }
    int64_t plane = oc_shape_span(x, 2, x->rank);
    r->rows = x->dim[0] * groups;
    r->size = c / groups * plane;
    r->modulus = groups;
    r->inner = plane > 0 ? plane : 1;
    r->weights = c;
    r->centre = 1;
    return OCELLUS_OK;
}

static ocellus_status
rows_of(const struct oc_node *node, struct rows *r)
{
    if (is(node, "LayerNormalization") || is(node, "RMSNormalization"))
        return along_axis(node, r);
    return of_channels(node, r);
}

static ocellus_status
check_weights(const struct oc_node *node, const struct rows *r)
{
    const struct oc_shape *x = &node->in[0]->shape;
    for (int k = 1; k < 3; k++) {
        const struct ocellus_value *w = oc_input(node, k);
        char text[OC_SHAPE_TEXT];
        if (!w)
            continue;
        if (!oc_type_is_float(w->type) || w->type != node->in[1]->type)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "scale and bias are floats of one type");
        if (oc_shape_known(x) && oc_shape_known(&w->shape) &&
            oc_shape_count(&w->shape) != r->weights)
            return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                                "input %d is %s; %lld numbers are wanted", k,
                                oc_shape_text(&w->shape, text),
                                (long long)r->weights);
    }
    return OCELLUS_OK;
}

static ocellus_status
infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    struct rows r;
    int axis = 2 <= x->rank ? 2 : x->rank;
    if (!oc_type_is_float(node->in[0]->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "takes floats");
    OC_TRY(oc_check_int_count(node, x));
    OC_TRY(rows_of(node, &r));
    OC_TRY(check_weights(node, &r));
    OC_TRY(oc_infer_out(node, 0, node->in[0]->type, x));
    if (is(node, "LayerNormalization") || is(node, "RMSNormalization"))
        OC_TRY(oc_axis(oc_attr_int(node, "axis", -1), x->rank, &axis));
    /* One number a row: the axes of the row have one element. */
    struct oc_shape one = *x;
    for (int i = axis; i < one.rank; i++)
        one.dim[i] = 1;
    if (is(node, "GroupNormalization"))
        one.dim[1] = r.modulus;
    for (int k = 1; k < 3; k++)
        OC_TRY(oc_infer_out(node, node->n_out - 3 + k, OCELLUS_FLOAT, &one));
    return OCELLUS_OK;
}

static struct oc_step *
launch(struct oc_steps *steps, const char *kernel, const struct rows *r, int x,
       int w, int group)
{
    struct oc_step *l = oc_launch(steps, "row_norm", kernel);
    oc_define_type(steps, l, "x", steps->node->in[x]->type);
    oc_define_type(steps, l, "w", steps->node->in[w]->type);
    oc_define(steps, l, "GROUP", group);
    oc_define(steps, l, "CENTRE", r->centre);
    oc_cost(l, 6.0 * (double)(r->rows * r->size),
            8.0 * (double)(r->rows * r->size));
    return l;
}

static void
row_args(struct oc_steps *steps, struct oc_step *l, const struct rows *r)
{
    oc_arg_int(steps, l, r->rows);
    oc_arg_int(steps, l, r->size);
    oc_arg_int(steps, l, r->modulus);
    oc_arg_int(steps, l, r->inner);
}

static void
row_grid(const struct oc_steps *steps, struct oc_step *l, const struct rows *r,
         int group)
{
    oc_grid1(l, r->rows * group, group > 1 || steps->caps->cpu ? group : 0);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node, int group)
{
    struct rows r;
    int saved = node->n_out - 2;
    int writes = (steps->out[saved].value != NULL) |
                 (steps->out[saved + 1].value != NULL) << 1;
    OC_TRY(rows_of(node, &r));
    if (r.rows * r.size == 0)
        return OCELLUS_OK;
    struct oc_step *l = launch(steps, "row_norm", &r, 0, 1, group);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_in(steps, l, oc_input(node, 2) ? 2 : 1);
    oc_arg_out(steps, l, 0);
    oc_arg_out(steps, l, writes & 1 ? saved : 0);
    oc_arg_out(steps, l, writes & 2 ? saved + 1 : 0);
    row_args(steps, l, &r);
    oc_arg_float(steps, l, oc_attr_float(node, "epsilon", 1e-5));
    oc_arg_int(steps, l, oc_input(node, 2) != NULL);
    oc_arg_int(steps, l, writes);
    row_grid(steps, l, &r, group);
    return steps->status;
}

static ocellus_status
emit_direct(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 1);
}

static ocellus_status
emit_group(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, GROUP);
}

static const char *
refuse_group(const struct oc_node *node, const struct oc_caps *caps)
{
    (void)node;
    if (caps->cpu || caps->max_work_group < GROUP)
        return "meant for GPUs: 128 work-items do a row together";
    return NULL;
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    struct rows r;
    char text[128];
    struct ocellus_value *all = NULL;
    int saved = node->n_out - 2;
    if (dy[0] && rows_of(node, &r) == OCELLUS_OK) {
        snprintf(text, sizeof text,
                 "rows=%lld size=%lld modulus=%lld inner=%lld centre=%d",
                 (long long)r.rows, (long long)r.size, (long long)r.modulus,
                 (long long)r.inner, r.centre);
        all = OC_NODE(node->graph, "LayerNormalizationGrad", text, dy[0],
                      node->in[0], node->in[1], node->out[saved],
                      node->out[saved + 1]);
    }
    for (int k = 0; k < node->n_in; k++)
        dx[k] = dx[k] && all ? all->node->out[k] : NULL;
}

static const struct oc_impl impls[] = {
    {"group", refuse_group, NULL, emit_group, 0, 0},
    {"direct", NULL, NULL, emit_direct, 0, 0},
    {.name = NULL},
};

#define ROW_NORM(kind, least, outs, saved)                                     \
    const struct oc_op oc_op_##kind = {                                        \
        .name = #kind,                                                         \
        .min_in = least,                                                       \
        .max_in = 3,                                                           \
        .n_out = outs,                                                         \
        .n_saved = saved,                                                      \
        .params = 6,                                                           \
        .infer = infer,                                                        \
        .grad = grad,                                                          \
        .impls = impls,                                                        \
    };

ROW_NORM(LayerNormalization, 2, 3, 0)
ROW_NORM(InstanceNormalization, 3, 1, 2)
ROW_NORM(GroupNormalization, 3, 1, 2)
ROW_NORM(RMSNormalization, 2, 1, 2)

/* ---- LayerNormalizationGrad(dy, x, scale, mean, 1 / deviation) -> dx, dscale,
 * dbias --
 */

static ocellus_status
grad_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[1]->shape;
    if (!oc_shape_equal(x, &node->in[0]->shape) ||
        node->in[0]->type != node->in[1]->type)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the gradient is not shaped like the output");
    OC_TRY(oc_infer_out(node, 0, node->in[1]->type, x));
    for (int k = 1; k < 3; k++)
        OC_TRY(oc_infer_out(node, k, node->in[2]->type, &node->in[2]->shape));
    return OCELLUS_OK;
}

static void
emit_weights(struct oc_steps *steps, const struct rows *r)
{
    int writes = (steps->out[1].value != NULL) | (steps->out[2].value != NULL)
                                                     << 1;
    if (!writes)
        return;
    struct oc_step *l = launch(steps, "row_norm_weights", r, 1, 2, 1);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_in(steps, l, 3);
    oc_arg_in(steps, l, 4);
    oc_arg_out(steps, l, writes & 1 ? 1 : 0);
    oc_arg_out(steps, l, writes & 2 ? 2 : 0);
    row_args(steps, l, r);
    oc_arg_int(steps, l, r->weights);
    oc_arg_int(steps, l, writes);
    oc_grid1(l, r->weights, 0);
}

static ocellus_status
grad_emit(struct oc_steps *steps, const struct oc_node *node, int group)
{
    struct rows r = {
        .rows = oc_attr_int(node, "rows", 0),
        .size = oc_attr_int(node, "size", 0),
        .modulus = oc_attr_int(node, "modulus", 1),
        .inner = oc_attr_int(node, "inner", 1),
        .weights = oc_shape_count(&node->in[2]->shape),
        .centre = (int)oc_attr_int(node, "centre", 1),
    };
    if (r.rows * r.size == 0)
        return OCELLUS_OK;
    emit_weights(steps, &r);
    struct oc_step *l = launch(steps, "row_norm_grad", &r, 1, 2, group);
    for (int k = 0; k < 5; k++)
        oc_arg_in(steps, l, k);
    oc_arg_out(steps, l, 0);
    row_args(steps, l, &r);
    row_grid(steps, l, &r, group);
    return steps->status;
}

static ocellus_status
grad_emit_direct(struct oc_steps *steps, const struct oc_node *node)
{
    return grad_emit(steps, node, 1);
}

static ocellus_status
grad_emit_group(struct oc_steps *steps, const struct oc_node *node)
{
    return grad_emit(steps, node, GROUP);
}

static const struct oc_impl grad_impls[] = {
    {"group", refuse_group, NULL, grad_emit_group, 0, 0},
    {"direct", NULL, NULL, grad_emit_direct, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_LayerNormalizationGrad = {
    .name = "LayerNormalizationGrad",
    .min_in = 5,
    .max_in = 5,
    .n_out = 3,
    .flags = OC_OP_INTERNAL,
    .infer = grad_infer,
    .impls = grad_impls,
};

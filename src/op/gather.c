/* gather.c - Gather and its gradient.
 *
 * Indices count from the end when negative; what lies outside is an error when
 * the indices are known on the host, and the nearest element on the device,
 * which has nobody to tell. The gradients gather too: each number of dx looks
 * through the indices for its own, in order, so that sums have one order.
 */
#include <string.h>

#include "op/pool.h"
#include "op/scatter.h"

/* y[p, j, q] = x[p, index[j], q] */
struct field {
    int axis;
    int64_t before, rows, after; /* of x */
    int64_t picks;               /* j's: all indices */
};

static ocellus_status
check(const struct oc_node *node, const struct ocellus_value *x,
      const struct ocellus_value *index, int *axis)
{
    if (index->type != OCELLUS_INT32 && index->type != OCELLUS_INT64)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "indices are %s, not int32 or int64",
                            oc_type_name(index->type));
    OC_TRY(oc_check_int_count(node, &x->shape));
    return oc_axis(oc_attr_int(node, "axis", 0), x->shape.rank, axis);
}

static struct field
field_of(const struct oc_shape *x, const struct oc_shape *index, int axis)
{
    return (struct field){axis, oc_shape_span(x, 0, axis), x->dim[axis],
                          oc_shape_span(x, axis + 1, x->rank),
                          oc_shape_count(index)};
}

/* ---- Gather ------------------------------------------------------------- */

static ocellus_status
gather_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const struct oc_shape *index = &node->in[1]->shape;
    struct oc_shape y = {.rank = x->rank - 1 + index->rank};
    int axis;
    OC_TRY(check(node, node->in[0], node->in[1], &axis));
    if (y.rank > OC_MAX_RANK)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "the output would have rank %d; %d is the most",
                            y.rank, OC_MAX_RANK);
    for (int i = 0; i < axis; i++)
        y.dim[i] = x->dim[i];
    for (int i = 0; i < index->rank; i++)
        y.dim[axis + i] = index->dim[i];
    for (int i = axis + 1; i < x->rank; i++)
        y.dim[index->rank + i - 1] = x->dim[i];
    OC_TRY(oc_check_int_count(node, &y));
    if (oc_shape_known(x) && oc_shape_known(&y) && x->dim[axis] == 0 &&
        oc_shape_count(&y) > 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "nothing can be taken from an empty axis");
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
gather_eval(struct oc_node *node)
{
    const struct ocellus_value *x = node->in[0];
    size_t size = oc_type_size(x->type);
    const int64_t *index;
    int count, axis;
    OC_TRY(check(node, x, node->in[1], &axis));
    OC_TRY(oc_host_ints(node, 1, &index, &count));
    struct field f = field_of(&x->shape, &node->in[1]->shape, axis);
    unsigned char *to = oc_eval_out(node, 0);
    const unsigned char *from = x->data;
    size_t run = (size_t)f.after * size;
    if (!to)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for numbers");
    for (int64_t p = 0; p < f.before; p++)
        for (int j = 0; j < count; j++) {
            int64_t row = index[j] < 0 ? index[j] + f.rows : index[j];
            if (row < 0 || row >= f.rows)
                return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                    "index %lld on an axis of %lld elements",
                                    (long long)index[j], (long long)f.rows);
            memcpy(to, from + (size_t)(p * f.rows + row) * run, run);
            to += run;
        }
    return OCELLUS_OK;
}

static void
common_args(struct oc_steps *steps, struct oc_step *l, int index,
            const struct field *f)
{
    oc_define_type(steps, l, "i", steps->in[index].value->type);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, index);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, oc_shape_count(&steps->out[0].value->shape));
    oc_arg_int(steps, l, f->rows);
    oc_arg_int(steps, l, f->picks);
    oc_arg_int(steps, l, f->after);
}

static ocellus_status
gather_emit(struct oc_steps *steps, const struct oc_node *node)
{
    int axis;
    int64_t count = oc_shape_count(&node->out[0]->shape);
    OC_TRY(check(node, node->in[0], node->in[1], &axis));
    if (count == 0)
        return OCELLUS_OK;
    struct field f = field_of(&node->in[0]->shape, &node->in[1]->shape, axis);
    int rows = steps->caps->cpu && f.after >= 16;
    struct oc_step *l =
        oc_launch(steps, "gather", rows ? "gather_rows" : "gather");
    oc_define(steps, l, "SIZE", (int)oc_type_size(node->in[0]->type));
    common_args(steps, l, 1, &f);
    if (rows)
        oc_grid1(l, count / f.after, 1);
    else
        oc_grid1(l, count, 0);
    oc_cost(l, 0,
            2.0 * (double)count * (double)oc_type_size(node->in[0]->type));
    return steps->status;
}

static void
gather_grad(const struct oc_node *node, struct ocellus_value *dy[],
            struct ocellus_value *dx[])
{
    const struct oc_shape *x = &node->in[0]->shape;
    dx[1] = NULL;
    if (dx[0])
        dx[0] = dy[0]
                    ? OC_NODE_LIKE(node, "GatherGrad", NULL, dy[0], node->in[1],
                                   oc_ints(node->graph, x->rank, x->dim))
                    : NULL;
}

static const struct oc_impl gather_impls[] = {
    {"direct", NULL, NULL, gather_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_Gather = {
    .name = "Gather",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .params = 1, /* an embedding */
    .infer = gather_infer,
    .eval = gather_eval,
    .grad = gather_grad,
    .impls = gather_impls,
};

/* ---- GatherGrad(dy, indices, shape of x) -------------------------------- */

static ocellus_status
back_infer(struct oc_node *node)
{
    const int64_t *dim;
    int rank, axis;
    OC_TRY(oc_host_ints(node, 2, &dim, &rank));
    if (rank > OC_MAX_RANK || !oc_type_is_float(node->in[0]->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "takes a gradient and the input's shape");
    struct oc_shape x = oc_shape_make(rank, dim);
    OC_TRY(oc_axis(oc_attr_int(node, "axis", 0), rank, &axis));
    OC_TRY(oc_check_int_count(node, &x));
    return oc_infer_out(node, 0, node->in[0]->type, &x);
}

static ocellus_status
back_emit(struct oc_steps *steps, const struct oc_node *node)
{
    int axis;
    const struct oc_shape *x = &node->out[0]->shape;
    int64_t count = oc_shape_count(x);
    OC_TRY(oc_axis(oc_attr_int(node, "axis", 0), x->rank, &axis));
    if (count == 0)
        return OCELLUS_OK;
    struct field f = field_of(x, &node->in[1]->shape, axis);
    struct oc_step *l = oc_launch(steps, "gather", "gather_grad");
    oc_define_type(steps, l, "x", node->in[0]->type);
    common_args(steps, l, 1, &f);
    oc_grid1(l, count, 0);
    oc_cost(l, (double)count * (double)f.picks, 8.0 * (double)count);
    return steps->status;
}

static const char *
refuse_scatter(const struct oc_node *node, const struct oc_caps *caps)
{
    ocellus_type type = node->in[0]->type;
    (void)caps;
    return type == OCELLUS_FLOAT || type == OCELLUS_DOUBLE
               ? NULL
               : "sums would be rounded one by one";
}

static ocellus_status
scatter_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *x = &node->out[0]->shape;
    int axis;
    OC_TRY(oc_axis(oc_attr_int(node, "axis", 0), x->rank, &axis));
    struct field f = field_of(x, &node->in[1]->shape, axis);
    struct oc_scatter s = {
        .batches = f.before,
        .tuples = f.picks,
        .slice = f.after,
        .depth = 1,
        .shared = 1,
        .dim = {f.rows},
        .reduce = OC_SCATTER_ADD,
        .clamp = 1,
    };
    if (oc_shape_count(x) == 0)
        return OCELLUS_OK;
    oc_emit_fill_out(steps, 0, 0);
    oc_scatter_emit(steps, &s, 1, 0);
    return steps->status;
}

static const struct oc_impl gather_grad_impls[] = {
    {"scatter", refuse_scatter, NULL, scatter_emit, 0, 0},
    {"direct", NULL, NULL, back_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_GatherGrad = {
    .name = "GatherGrad",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .host = 4,
    .infer = back_infer,
    .impls = gather_grad_impls,
};

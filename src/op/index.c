/* index.c - GatherElements, GatherND, OneHot, EyeLike, Trilu: numbers that
 * indices or places choose. Gradients scatter (scatter.c). Indices outside are
 * an error where they are known on the host, and the nearest place on the
 * device, which has nobody to tell.
 */
#include <limits.h>
#include <string.h>

#include "op/pool.h"
#include "op/scatter.h"

static void
extents(struct oc_steps *steps, struct oc_step *l, const struct oc_shape *x)
{
    int lead = OC_MAX_RANK - x->rank;
    for (int k = 0; k < OC_MAX_RANK; k++)
        oc_arg_int(steps, l, k < lead ? 1 : x->dim[k - lead]);
}

static struct oc_step *
launch(struct oc_steps *steps, const char *kernel, int index)
{
    const struct ocellus_value *y = steps->out[0].value;
    struct oc_step *l = oc_launch(steps, "index", kernel);
    int64_t count = oc_shape_count(&y->shape);
    size_t size = oc_type_size(y->type);
    oc_define(steps, l, "SIZE", (int)size);
    if (index >= 0)
        oc_define_type(steps, l, "i", steps->in[index].value->type);
    oc_grid1(l, count, 0);
    oc_cost(l, 0, 2.0 * (double)count * (double)size);
    return l;
}

/* ---- GatherElements: an index for each number of y ---------------------- */

static ocellus_status
elements_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const struct oc_shape *index = &node->in[1]->shape;
    char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT];
    int axis, fits = index->rank == x->rank;
    OC_TRY(oc_check_index(node, 1));
    OC_TRY(oc_check_int_count(node, x));
    OC_TRY(oc_axis(oc_attr_int(node, "axis", 0), x->rank, &axis));
    for (int i = 0; fits && i < x->rank; i++)
        if (i != axis && x->dim[i] != OC_UNKNOWN && index->dim[i] > x->dim[i])
            fits = 0;
    if (!fits)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "indices %s into %s along axis %d",
                            oc_shape_text(index, a), oc_shape_text(x, b), axis);
    if (x->dim[axis] == 0 && index->dim[axis] > 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "nothing can be taken from an empty axis");
    OC_TRY(oc_check_index_range(node, 1, 0, 1, x->dim[axis]));
    return oc_infer_out(node, 0, node->in[0]->type, index);
}

static ocellus_status
elements_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const struct oc_shape *y = &node->out[0]->shape;
    int axis;
    OC_TRY(oc_axis(oc_attr_int(node, "axis", 0), x->rank, &axis));
    if (oc_shape_count(y) == 0)
        return OCELLUS_OK;
    struct oc_step *l = launch(steps, "gather_each", 1);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, oc_shape_count(y));
    oc_arg_int(steps, l, axis + OC_MAX_RANK - x->rank);
    extents(steps, l, y);
    extents(steps, l, x);
    return steps->status;
}

static void
elements_grad(const struct oc_node *node, struct ocellus_value *dy[],
              struct ocellus_value *dx[])
{
    dx[1] = NULL;
    if (dx[0])
        dx[0] = dy[0] ? OC_NODE_LIKE(node, "ScatterElements", "reduction=add",
                                     oc_zeros(node->graph, dy[0]->type,
                                              &node->in[0]->shape),
                                     node->in[1], dy[0])
                      : NULL;
}

static const struct oc_impl elements_impls[] = {
    {"direct", NULL, NULL, elements_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_GatherElements = {
    .name = "GatherElements",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .infer = elements_infer,
    .grad = elements_grad,
    .impls = elements_impls,
};

/* ---- GatherND(x, tuples of indices) ------------------------------------- */

/* How many axes are batches, and how many a tuple speaks of. */
static ocellus_status
tuples_of(const struct oc_node *node, const struct oc_shape *x, int *batch,
          int *depth)
{
    const struct oc_shape *index = &node->in[1]->shape;
    int64_t last = index->rank > 0 ? index->dim[index->rank - 1] : 0;
    int64_t b = oc_attr_int(node, "batch_dims", 0);
    if (b < 0 || b >= x->rank || b >= index->rank || last < 1 ||
        last > x->rank - b)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "tuples of %lld indices into rank %d, after %lld "
                            "batch axes",
                            (long long)last, x->rank, (long long)b);
    for (int k = 0; k < b; k++)
        if (x->dim[k] != OC_UNKNOWN && index->dim[k] != OC_UNKNOWN &&
            x->dim[k] != index->dim[k])
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "batch axis %d has %lld and %lld elements", k,
                                (long long)x->dim[k], (long long)index->dim[k]);
    *batch = (int)b;
    *depth = (int)last;
    return OCELLUS_OK;
}

static ocellus_status
tuples_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const struct oc_shape *index = &node->in[1]->shape;
    struct oc_shape y = *index;
    int batch, depth, empty = 0;
    OC_TRY(oc_check_index(node, 1));
    OC_TRY(oc_check_int_count(node, x));
    OC_TRY(tuples_of(node, x, &batch, &depth));
    y.rank = index->rank - 1 + x->rank - batch - depth;
    if (y.rank > OC_MAX_RANK)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "the output would have rank %d; %d is the most",
                            y.rank, OC_MAX_RANK);
    for (int k = batch + depth; k < x->rank; k++)
        y.dim[index->rank - 1 + k - batch - depth] = x->dim[k];
    for (int k = 0; k < depth; k++) {
        empty |= x->dim[batch + k] == 0;
        OC_TRY(oc_check_index_range(node, 1, k, depth, x->dim[batch + k]));
    }
    OC_TRY(oc_check_int_count(node, &y));
    if (empty && oc_shape_known(&y) && oc_shape_count(&y) > 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "nothing can be taken from an empty axis");
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
tuples_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const struct oc_shape *index = &node->in[1]->shape;
    int64_t count = oc_shape_count(&node->out[0]->shape);
    int batch, depth;
    OC_TRY(tuples_of(node, x, &batch, &depth));
    if (count == 0)
        return OCELLUS_OK;
    struct oc_step *l = launch(steps, "gather_tuples", 1);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, count);
    oc_arg_int(steps, l, oc_shape_span(index, batch, index->rank - 1));
    oc_arg_int(steps, l, depth);
    oc_arg_int(steps, l, oc_shape_span(x, batch + depth, x->rank));
    for (int k = 0; k < OC_MAX_RANK; k++)
        oc_arg_int(steps, l, k < depth ? x->dim[batch + k] : 1);
    return steps->status;
}

static void
tuples_grad(const struct oc_node *node, struct ocellus_value *dy[],
            struct ocellus_value *dx[])
{
    const struct oc_shape *x = &node->in[0]->shape;
    dx[1] = NULL;
    if (dx[0])
        dx[0] =
            dy[0] ? OC_NODE_LIKE(node, "GatherNDGrad", NULL, dy[0], node->in[1],
                                 oc_ints(node->graph, x->rank, x->dim))
                  : NULL;
}

static const struct oc_impl tuples_impls[] = {
    {"direct", NULL, NULL, tuples_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_GatherND = {
    .name = "GatherND",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .infer = tuples_infer,
    .grad = tuples_grad,
    .impls = tuples_impls,
};

/* ---- GatherNDGrad(dy, indices, shape of x) ------------------------------ */

static ocellus_status
back_infer(struct oc_node *node)
{
    const int64_t *dim;
    int rank, batch, depth;
    OC_TRY(oc_host_ints(node, 2, &dim, &rank));
    if (rank > OC_MAX_RANK || !oc_type_is_float(node->in[0]->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "takes a gradient and the input's shape");
    struct oc_shape x = oc_shape_make(rank, dim);
    OC_TRY(tuples_of(node, &x, &batch, &depth));
    OC_TRY(oc_check_int_count(node, &x));
    return oc_infer_out(node, 0, node->in[0]->type, &x);
}

static ocellus_status
back_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *x = &node->out[0]->shape;
    const struct oc_shape *index = &node->in[1]->shape;
    struct oc_scatter s = {.reduce = OC_SCATTER_ADD, .clamp = 1};
    int batch;
    OC_TRY(tuples_of(node, x, &batch, &s.depth));
    if (oc_shape_count(x) == 0)
        return OCELLUS_OK;
    s.batches = oc_shape_span(x, 0, batch);
    s.tuples = oc_shape_span(index, batch, index->rank - 1);
    s.slice = oc_shape_span(x, batch + s.depth, x->rank);
    for (int k = 0; k < s.depth; k++)
        s.dim[k] = x->dim[batch + k];
    oc_emit_fill_out(steps, 0, 0);
    oc_scatter_emit(steps, &s, 1, 0);
    return steps->status;
}

static const struct oc_impl back_impls[] = {
    {"direct", NULL, NULL, back_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_GatherNDGrad = {
    .name = "GatherNDGrad",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .host = 4,
    .infer = back_infer,
    .impls = back_impls,
};

/* ---- OneHot(indices, depth, off and on) --------------------------------- */

static ocellus_status
one_hot_axis(const struct oc_node *node, int *axis)
{
    return oc_axis(oc_attr_int(node, "axis", -1), node->in[0]->shape.rank + 1,
                   axis);
}

static ocellus_status
one_hot_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    ocellus_type type = node->in[0]->type;
    struct oc_shape y = {.rank = x->rank + 1};
    const int64_t *classes;
    int axis, count;
    OC_TRY(one_hot_axis(node, &axis));
    OC_TRY(oc_check_int_count(node, x));
    if (y.rank > OC_MAX_RANK ||
        (!oc_type_is_float(type) && !oc_type_is_integer(type)) ||
        oc_shape_count(&node->in[2]->shape) != 2)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "takes numbers of rank below %d, and two values",
                            OC_MAX_RANK);
    for (int k = 0; k < y.rank; k++)
        if (k != axis)
            y.dim[k] = x->dim[k < axis ? k : k - 1];
    y.dim[axis] = OC_UNKNOWN;
    if (node->in[1]->data) {
        OC_TRY(oc_host_ints(node, 1, &classes, &count));
        if (count != 1 || classes[0] < 1 || classes[0] > INT_MAX)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "depth must be one number above 0");
        y.dim[axis] = classes[0];
    }
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[2]->type, &y);
}

static ocellus_status
one_hot_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *y = &node->out[0]->shape;
    int axis;
    OC_TRY(one_hot_axis(node, &axis));
    if (oc_shape_count(y) == 0)
        return OCELLUS_OK;
    struct oc_step *l = launch(steps, "one_hot", 0);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 2);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, oc_shape_count(y));
    oc_arg_int(steps, l, y->dim[axis]);
    oc_arg_int(steps, l, oc_shape_span(y, axis + 1, y->rank));
    return steps->status;
}

static const struct oc_impl one_hot_impls[] = {
    {"direct", NULL, NULL, one_hot_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_OneHot = {
    .name = "OneHot",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .host = 2,
    .infer = one_hot_infer,
    .impls = one_hot_impls,
};

/* ---- EyeLike ------------------------------------------------------------ */

static int64_t
within_int(int64_t k)
{
    return k > INT_MAX ? INT_MAX : k < -INT_MAX ? -INT_MAX : k;
}

static ocellus_status
eye_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    int64_t type = oc_attr_int(node, "dtype", (int64_t)node->in[0]->type);
    if (x->rank != 2 || type < 1 || type > OCELLUS_BFLOAT16 ||
        oc_type_size((ocellus_type)type) == 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "takes a matrix and makes no type %lld",
                            (long long)type);
    OC_TRY(oc_check_int_count(node, x));
    return oc_infer_out(node, 0, (ocellus_type)type, x);
}

static ocellus_status
eye_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *y = &node->out[0]->shape;
    if (oc_shape_count(y) == 0)
        return OCELLUS_OK;
    struct oc_step *l = launch(steps, "eye", -1);
    oc_define_type(steps, l, "y", node->out[0]->type);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, oc_shape_count(y));
    oc_arg_int(steps, l, y->dim[1]);
    oc_arg_int(steps, l, within_int(oc_attr_int(node, "k", 0)));
    return steps->status;
}

static const struct oc_impl eye_impls[] = {
    {"direct", NULL, NULL, eye_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_EyeLike = {
    .name = "EyeLike",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = eye_infer,
    .impls = eye_impls,
};

/* ---- Trilu -------------------------------------------------------------- */

static ocellus_status
trilu_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    if (x->rank < 2)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "takes matrices, not rank %d", x->rank);
    OC_TRY(oc_check_int_count(node, x));
    return oc_infer_out(node, 0, node->in[0]->type, x);
}

static ocellus_status
trilu_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *y = &node->out[0]->shape;
    const int64_t *k = NULL;
    int count = 0;
    if (oc_input(node, 1))
        OC_TRY(oc_host_ints(node, 1, &k, &count));
    if (oc_shape_count(y) == 0)
        return OCELLUS_OK;
    struct oc_step *l = launch(steps, "triangle", -1);
    oc_arg_in(steps, l, 0);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, oc_shape_count(y));
    oc_arg_int(steps, l, y->dim[y->rank - 2]);
    oc_arg_int(steps, l, y->dim[y->rank - 1]);
    oc_arg_int(steps, l, within_int(count > 0 ? k[0] : 0));
    oc_arg_int(steps, l, oc_attr_int(node, "upper", 1) != 0);
    return steps->status;
}

static void
trilu_grad(const struct oc_node *node, struct ocellus_value *dy[],
           struct ocellus_value *dx[])
{
    struct ocellus_value *k = node->n_in > 1 ? node->in[1] : NULL;
    if (k)
        dx[1] = NULL;
    if (dx[0])
        dx[0] = dy[0] ? OC_NODE_LIKE(node, "Trilu", NULL, dy[0], k) : NULL;
}

static const struct oc_impl trilu_impls[] = {
    {"direct", NULL, NULL, trilu_emit, 0, 1},
    {.name = NULL},
};

const struct oc_op oc_op_Trilu = {
    .name = "Trilu",
    .min_in = 1,
    .max_in = 2,
    .n_out = 1,
    .host = 2,
    .infer = trilu_infer,
    .grad = trilu_grad,
    .impls = trilu_impls,
};

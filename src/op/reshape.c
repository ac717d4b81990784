/* reshape.c - operators that only rename bytes: Reshape, Flatten, Squeeze,
 * Unsqueeze. They are views: no kernel, and the gradient is a Reshape back.
 */
#include <string.h>

#include "op/pool.h"

/* A shape tensor that is not known yet: its length is the rank. */
static ocellus_status
unknown_shape(struct oc_node *node)
{
    const struct oc_shape *s = &node->in[1]->shape;
    struct oc_shape y = {0};
    if (s->rank != 1 || s->dim[0] == OC_UNKNOWN || s->dim[0] > OC_MAX_RANK)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "neither the shape nor its length (at most %d) is "
                            "known when the graph is built",
                            OC_MAX_RANK);
    y.rank = (int)s->dim[0];
    for (int i = 0; i < y.rank; i++)
        y.dim[i] = OC_UNKNOWN;
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

/* An unknown extent that is kept is the same on both sides. */
static void
leave_out_kept(struct oc_shape *x, struct oc_shape *y)
{
    for (int i = 0; i < x->rank && i < y->rank; i++)
        if (x->dim[i] == OC_UNKNOWN && y->dim[i] == OC_UNKNOWN)
            x->dim[i] = y->dim[i] = 1;
}

/* The extent that stands for -1; `y` has 1 there. */
static ocellus_status
deduce(const struct oc_node *node, const struct oc_shape *x, struct oc_shape *y,
       int at)
{
    struct oc_shape from = *x, to = *y;
    leave_out_kept(&from, &to);
    if (!oc_shape_known(&from) || !oc_shape_known(&to)) {
        y->dim[at] = OC_UNKNOWN;
        return OCELLUS_OK;
    }
    size_t bytes;
    OC_TRY(oc_shape_bytes(&to, 1, &bytes));
    int64_t count = oc_shape_count(&from), rest = oc_shape_count(&to);
    char text[OC_SHAPE_TEXT];
    if (rest == 0 || count % rest != 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%lld elements of %s cannot be divided by %lld",
                            (long long)count, oc_shape_text(x, text),
                            (long long)rest);
    y->dim[at] = count / rest;
    return OCELLUS_OK;
}

static ocellus_status
same_count(const struct oc_node *node, const struct oc_shape *x,
           const struct oc_shape *y)
{
    char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT];
    size_t bytes;
    if (!oc_shape_known(x) || !oc_shape_known(y))
        return OCELLUS_OK;
    OC_TRY(oc_shape_bytes(y, 1, &bytes));
    if (oc_shape_count(x) != oc_shape_count(y))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%s does not have as many elements as %s",
                            oc_shape_text(x, a), oc_shape_text(y, b));
    return OCELLUS_OK;
}

static ocellus_status
reshape_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    int allow_zero = oc_attr_int(node, "allowzero", 0) != 0;
    if (!node->in[1]->data)
        return unknown_shape(node);
    const int64_t *dim;
    int rank, deduced = -1;
    OC_TRY(oc_host_ints(node, 1, &dim, &rank));
    struct oc_shape y = {.rank = rank};
    if (rank > OC_MAX_RANK)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "a shape of rank %d; at most %d is supported", rank,
                            OC_MAX_RANK);
    for (int i = 0; i < rank; i++) {
        int keeps = dim[i] == 0 && !allow_zero;
        if (dim[i] < -1 || (dim[i] == -1 && deduced >= 0) ||
            (keeps && i >= x->rank))
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "extent %d of the shape is %lld", i,
                                (long long)dim[i]);
        y.dim[i] = keeps ? x->dim[i] : dim[i];
        if (dim[i] == -1) {
            deduced = i;
            y.dim[i] = 1;
        }
    }
    if (deduced >= 0)
        OC_TRY(deduce(node, x, &y, deduced));
    OC_TRY(same_count(node, x, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
view_eval(struct oc_node *node)
{
    size_t bytes;
    void *to = oc_eval_out(node, 0);
    if (!to)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "out of memory");
    OC_TRY(oc_shape_bytes(&node->in[0]->shape, oc_type_size(node->in[0]->type),
                          &bytes));
    if (bytes > 0)
        memcpy(to, node->in[0]->data, bytes);
    return OCELLUS_OK;
}

static void
view_grad(const struct oc_node *node, struct ocellus_value *dy[],
          struct ocellus_value *dx[])
{
    const struct oc_shape *x = &node->in[0]->shape;
    if (dx[0])
        dx[0] = dy[0] ? OC_NODE(node->graph, "Reshape", "allowzero=1", dy[0],
                                oc_ints(node->graph, x->rank, x->dim))
                      : NULL;
    for (int k = 1; k < node->n_in; k++)
        dx[k] = NULL;
}

const struct oc_op oc_op_Reshape = {
    .name = "Reshape",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .flags = OC_OP_VIEW,
    .host = 2,
    .infer = reshape_infer,
    .eval = view_eval,
    .grad = view_grad,
};

static int64_t
span(const struct oc_shape *x, int from, int to)
{
    for (int i = from; i < to; i++)
        if (x->dim[i] == OC_UNKNOWN)
            return OC_UNKNOWN;
    return oc_shape_span(x, from, to);
}

static ocellus_status
flatten_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    int64_t axis = oc_attr_int(node, "axis", 1);
    OC_TRY(oc_check_int_count(node, x));
    if (axis < -x->rank || axis > x->rank)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "axis %lld does not fit rank %d", (long long)axis,
                            x->rank);
    int at = (int)(axis < 0 ? axis + x->rank : axis);
    struct oc_shape y = OC_SHAPE(span(x, 0, at), span(x, at, x->rank));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

const struct oc_op oc_op_Flatten = {
    .name = "Flatten",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = OC_OP_VIEW,
    .infer = flatten_infer,
    .eval = view_eval,
    .grad = view_grad,
};

/* Marks the axes of input 1 among `rank`; an axis named twice is an error. */
static ocellus_status
mark_axes(const struct oc_node *node, int rank, int marked[], int *count)
{
    const int64_t *axes;
    OC_TRY(oc_host_ints(node, 1, &axes, count));
    for (int i = 0; i < *count; i++) {
        int axis;
        OC_TRY(oc_axis(axes[i], rank, &axis));
        if (marked[axis])
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "axis %d is named twice", axis);
        marked[axis] = 1;
    }
    return OCELLUS_OK;
}

static ocellus_status
squeeze_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    int marked[OC_MAX_RANK] = {0}, count = 0;
    struct oc_shape y = {0};
    if (oc_input(node, 1))
        OC_TRY(mark_axes(node, x->rank, marked, &count));
    else if (!oc_shape_known(x))
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "without axes the input's extents must be known");
    else
        for (int i = 0; i < x->rank; i++)
            marked[i] = x->dim[i] == 1;
    for (int i = 0; i < x->rank; i++) {
        if (!marked[i])
            y.dim[y.rank++] = x->dim[i];
        else if (x->dim[i] != 1 && x->dim[i] != OC_UNKNOWN)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "axis %d has %lld elements, not 1", i,
                                (long long)x->dim[i]);
    }
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

const struct oc_op oc_op_Squeeze = {
    .name = "Squeeze",
    .min_in = 1,
    .max_in = 2,
    .n_out = 1,
    .flags = OC_OP_VIEW,
    .host = 2,
    .infer = squeeze_infer,
    .eval = view_eval,
    .grad = view_grad,
};

static ocellus_status
unsqueeze_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    int marked[OC_MAX_RANK] = {0}, count, from = 0;
    int64_t more = oc_shape_count(&node->in[1]->shape);
    if (more < 0 || x->rank + more > OC_MAX_RANK)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "rank %d and %lld more axes; at most %d fit",
                            x->rank, (long long)more, OC_MAX_RANK);
    struct oc_shape y = {.rank = x->rank + (int)more};
    OC_TRY(mark_axes(node, y.rank, marked, &count));
    for (int i = 0; i < y.rank; i++)
        y.dim[i] = marked[i] ? 1 : x->dim[from++];
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

const struct oc_op oc_op_Unsqueeze = {
    .name = "Unsqueeze",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .flags = OC_OP_VIEW,
    .host = 2,
    .infer = unsqueeze_infer,
    .eval = view_eval,
    .grad = view_grad,
};

/* ---- BitCast: the same bits as another type of the same size ------------- */

static ocellus_status
bits_infer(struct oc_node *node)
{
    int64_t to = oc_attr_int(node, "to", 0);
    ocellus_type type = node->in[0]->type;
    size_t size =
        to > 0 && to <= OCELLUS_BFLOAT16 ? oc_type_size((ocellus_type)to) : 0;
    if (size == 0 || size != oc_type_size(type))
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "from %s to type %lld of another size",
                            oc_type_name(type), (long long)to);
    return oc_infer_out(node, 0, (ocellus_type)to, &node->in[0]->shape);
}

static ocellus_status
bits_eval(struct oc_node *node)
{
    node->out[0]->data = node->in[0]->data;
    return OCELLUS_OK;
}

const struct oc_op oc_op_BitCast = {
    .name = "BitCast",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = OC_OP_VIEW,
    .infer = bits_infer,
    .eval = bits_eval,
};

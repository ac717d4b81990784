/* slice.c - Slice, with steps of either sign, and its gradient. */
#include <string.h>

#include "op/move.h"
#include "op/pool.h"

/* First element, step and count along every axis of x. */
struct window {
    int64_t start[OC_MAX_RANK], step[OC_MAX_RANK], count[OC_MAX_RANK];
};

static int64_t
clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* ONNX's rule for one axis of `extent` elements. */
static void
one_axis(struct window *w, int axis, int64_t extent, int64_t start, int64_t end)
{
    int64_t step = w->step[axis];
    if (start < 0)
        start = start < -extent ? -extent : start;
    if (end < 0)
        end = end < -extent - 1 ? -extent - 1 : end;
    start += start < 0 ? extent : 0;
    end += end < 0 ? extent : 0;
    start = step > 0 ? clamp(start, 0, extent)
                     : clamp(start, 0, extent - 1 < 0 ? 0 : extent - 1);
    end = step > 0 ? clamp(end, 0, extent) : clamp(end, -1, extent - 1);
    int64_t room = step > 0 ? end - start : start - end;
    int64_t size = step > 0 ? step : -step;
    w->start[axis] = start;
    w->count[axis] = room > 0 && extent > 0 ? (room + size - 1) / size : 0;
}

static ocellus_status
read_axes(const struct oc_node *node, int count, int axes[OC_MAX_RANK])
{
    int rank = node->in[0]->shape.rank, seen[OC_MAX_RANK] = {0}, given = count;
    const int64_t *list = NULL;
    if (oc_input(node, 3))
        OC_TRY(oc_host_ints(node, 3, &list, &given));
    if (given != count || count > rank)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%d starts and %d axes for rank %d", count, given,
                            rank);
    for (int i = 0; i < count; i++) {
        OC_TRY(oc_axis(list ? list[i] : i, rank, &axes[i]));
        if (seen[axes[i]]++)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "axis %d is named twice", axes[i]);
    }
    return OCELLUS_OK;
}

static ocellus_status
window_of(const struct oc_node *node, struct window *w)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const int64_t *start, *end, *step = NULL;
    int count, ends, steps, axes[OC_MAX_RANK];
    OC_TRY(oc_host_ints(node, 1, &start, &count));
    OC_TRY(oc_host_ints(node, 2, &end, &ends));
    steps = count;
    if (oc_input(node, 4))
        OC_TRY(oc_host_ints(node, 4, &step, &steps));
    if (ends != count || steps != count)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%d starts, %d ends, %d steps", count, ends, steps);
    OC_TRY(read_axes(node, count, axes));
    for (int i = 0; i < x->rank; i++) {
        w->start[i] = 0;
        w->step[i] = 1;
        w->count[i] = x->dim[i];
    }
    for (int i = 0; i < count; i++) {
        int axis = axes[i];
        int64_t by = step ? step[i] : 1;
        if (by == 0)
            return oc_node_fail(node, OCELLUS_BAD_MODEL, "steps[%d] is 0", i);
        w->step[axis] = clamp(by, -INT32_MAX, INT32_MAX);
        if (x->dim[axis] == OC_UNKNOWN)
            w->count[axis] = OC_UNKNOWN;
        else
            one_axis(w, axis, x->dim[axis], start[i], end[i]);
    }
    return OCELLUS_OK;
}

static int
bounds_known(const struct oc_node *node)
{
    for (int k = 1; k < node->n_in; k++)
        if (node->in[k] && !node->in[k]->data)
            return 0;
    return 1;
}

static ocellus_status
slice_infer(struct oc_node *node)
{
    struct window w;
    struct oc_shape y = node->in[0]->shape;
    OC_TRY(oc_check_int_count(node, &y));
    if (!bounds_known(node)) {
        for (int i = 0; i < y.rank; i++)
            y.dim[i] = OC_UNKNOWN;
        return oc_infer_out(node, 0, node->in[0]->type, &y);
    }
    OC_TRY(window_of(node, &w));
    for (int i = 0; i < y.rank; i++)
        y.dim[i] = w.count[i];
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
slice_moves(const struct oc_node *node, struct oc_moves *moves)
{
    struct window w;
    struct oc_move *m = oc_move_add(moves, 0, 0, &node->out[0]->shape);
    OC_TRY(window_of(node, &w));
    oc_shape_strides(&node->in[0]->shape, m->from);
    oc_shape_strides(&node->out[0]->shape, m->to);
    for (int i = 0; i < m->rank; i++) {
        m->from0 += w.start[i] * m->from[i];
        m->from[i] *= w.step[i];
    }
    return OCELLUS_OK;
}

static void
slice_grad(const struct oc_node *node, struct ocellus_value *dy[],
           struct ocellus_value *dx[])
{
    struct ocellus_graph *graph = node->graph;
    const struct oc_shape *x = &node->in[0]->shape;
    struct window w;
    for (int k = 1; k < node->n_in; k++)
        dx[k] = NULL;
    if (!dx[0])
        return;
    dx[0] = NULL;
    if (dy[0] && window_of(node, &w) == OCELLUS_OK)
        dx[0] = OC_NODE(
            graph, "SliceGrad", NULL, dy[0], oc_ints(graph, x->rank, x->dim),
            oc_ints(graph, x->rank, w.start), oc_ints(graph, x->rank, w.step));
}

OC_MOVE_OP(slice)

const struct oc_op oc_op_Slice = {
    .name = "Slice",
    .min_in = 3,
    .max_in = 5,
    .n_out = 1,
    .host = 0x1e,
    .infer = slice_infer,
    .eval = slice_eval,
    .grad = slice_grad,
    .impls = slice_impls,
};

/* ---- SliceGrad(dy, shape of x, starts, steps): dy in a field of zeros ---- */

static ocellus_status
slice_grad_infer(struct oc_node *node)
{
    const int64_t *dim;
    int rank;
    OC_TRY(oc_host_ints(node, 1, &dim, &rank));
    if (rank != node->in[0]->shape.rank)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the gradient has another rank than the input");
    struct oc_shape x = oc_shape_make(rank, dim);
    return oc_infer_out(node, 0, node->in[0]->type, &x);
}

static ocellus_status
slice_grad_moves(const struct oc_node *node, struct oc_moves *moves)
{
    const int64_t *start, *step;
    int count, steps;
    struct oc_move *m = oc_move_add(moves, 0, 0, &node->in[0]->shape);
    OC_TRY(oc_host_ints(node, 2, &start, &count));
    OC_TRY(oc_host_ints(node, 3, &step, &steps));
    if (count != m->rank || steps != m->rank)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%d starts and %d steps for rank %d", count, steps,
                            m->rank);
    moves->fill = 1;
    oc_shape_strides(&node->in[0]->shape, m->from);
    oc_shape_strides(&node->out[0]->shape, m->to);
    for (int i = 0; i < m->rank; i++) {
        m->to0 += start[i] * m->to[i];
        m->to[i] *= step[i];
    }
    return OCELLUS_OK;
}

OC_MOVE_OP(slice_grad)

const struct oc_op oc_op_SliceGrad = {
    .name = "SliceGrad",
    .min_in = 4,
    .max_in = 4,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .host = 0xe,
    .infer = slice_grad_infer,
    .eval = slice_grad_eval,
    .impls = slice_grad_impls,
};

/* crop.c - CenterCropPad: axes cut or filled up with zeros at both ends alike
 * (the odd element at the far end). Its gradient is the same, back to the
 * input's extents.
 */
#include <limits.h>
#include <string.h>

#include "op/move.h"
#include "op/pool.h"

static ocellus_status
wanted(const struct oc_node *node, struct oc_shape *y)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const int64_t *shape;
    int count, given, seen[OC_MAX_RANK] = {0};
    const int64_t *axes = oc_attr_ints(node, "axes", &given);
    OC_TRY(oc_host_ints(node, 1, &shape, &count));
    if (count != (axes ? given : x->rank))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "%d extents for %d axes",
                            count, axes ? given : x->rank);
    *y = *x;
    for (int k = 0; k < count; k++) {
        int axis;
        OC_TRY(oc_axis(axes ? axes[k] : k, x->rank, &axis));
        if (seen[axis]++ || shape[k] < 0 || shape[k] > INT_MAX)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "axis %d is to have %lld elements", axis,
                                (long long)shape[k]);
        y->dim[axis] = shape[k];
    }
    return OCELLUS_OK;
}

static ocellus_status
infer(struct oc_node *node)
{
    struct oc_shape y;
    OC_TRY(wanted(node, &y));
    OC_TRY(oc_check_int_count(node, &node->in[0]->shape));
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
crop_moves(const struct oc_node *node, struct oc_moves *moves)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const struct oc_shape *y = &node->out[0]->shape;
    struct oc_shape common = *x;
    for (int k = 0; k < x->rank; k++)
        if (y->dim[k] < x->dim[k])
            common.dim[k] = y->dim[k];
    struct oc_move *m = oc_move_add(moves, 0, 0, &common);
    moves->fill = 1;
    oc_shape_strides(x, m->from);
    oc_shape_strides(y, m->to);
    for (int k = 0; k < x->rank; k++) {
        m->from0 += (x->dim[k] - common.dim[k]) / 2 * m->from[k];
        m->to0 += (y->dim[k] - common.dim[k]) / 2 * m->to[k];
    }
    return OCELLUS_OK;
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    const struct oc_shape *x = &node->in[0]->shape;
    int64_t extent[OC_MAX_RANK];
    int count;
    const int64_t *axes = oc_attr_ints(node, "axes", &count);
    dx[1] = NULL;
    if (!dx[0])
        return;
    dx[0] = NULL;
    count = axes ? count : x->rank;
    for (int k = 0; k < count; k++) {
        int axis = k;
        if (axes && oc_axis(axes[k], x->rank, &axis) != OCELLUS_OK)
            return;
        extent[k] = x->dim[axis];
    }
    if (dy[0])
        dx[0] = OC_NODE_LIKE(node, "CenterCropPad", NULL, dy[0],
                             oc_ints(node->graph, count, extent));
}

OC_MOVE_OP(crop)

const struct oc_op oc_op_CenterCropPad = {
    .name = "CenterCropPad",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .host = 2,
    .infer = infer,
    .eval = crop_eval,
    .grad = grad,
    .impls = crop_impls,
};

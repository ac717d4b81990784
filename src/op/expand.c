/* expand.c - Expand and Tile: numbers said again. */
#include <string.h>

#include "op/move.h"
#include "op/pool.h"

/* ---- Expand ------------------------------------------------------------- */

static ocellus_status
expand_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    struct oc_shape want = {0}, y;
    if (!node->in[1]->data) {
        int64_t rank = oc_shape_count(&node->in[1]->shape);
        if (rank < 0 || rank > OC_MAX_RANK)
            return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                                "neither the shape nor its length (at most "
                                "%d) is known when the graph is built",
                                OC_MAX_RANK);
        y.rank = x->rank > rank ? x->rank : (int)rank;
        for (int i = 0; i < y.rank; i++)
            y.dim[i] = OC_UNKNOWN;
        return oc_infer_out(node, 0, node->in[0]->type, &y);
    }
    const int64_t *dim;
    int rank;
    OC_TRY(oc_host_ints(node, 1, &dim, &rank));
    if (rank > OC_MAX_RANK)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "a shape of rank %d; at most %d is supported", rank,
                            OC_MAX_RANK);
    want.rank = rank;
    for (int i = 0; i < rank; i++) {
        want.dim[i] = dim[i];
        if (dim[i] < 0)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "extent %d of the shape is %lld", i,
                                (long long)dim[i]);
    }
    OC_TRY(oc_shape_broadcast(x, &want, &y));
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
expand_moves(const struct oc_node *node, struct oc_moves *moves)
{
    const struct oc_shape *x = &node->in[0]->shape, *y = &node->out[0]->shape;
    int64_t stride[OC_MAX_RANK];
    struct oc_move *m = oc_move_add(moves, 0, 0, y);
    oc_shape_strides(x, stride);
    oc_shape_strides(y, m->to);
    for (int i = 0; i < x->rank; i++)
        if (x->dim[i] != 1)
            m->from[y->rank - x->rank + i] = stride[i];
    return OCELLUS_OK;
}

/* The sum over what was repeated, axis by axis: `axis` of `dy` has
 * `repeats` x `extent` elements. */
static struct ocellus_value *
fold_axis(struct ocellus_graph *graph, struct ocellus_value *dy, int axis,
          int64_t repeats, int64_t extent)
{
    if (!dy || repeats == 1)
        return dy;
    struct oc_shape shape = dy->shape;
    int64_t split[4] = {oc_shape_span(&shape, 0, axis), repeats, extent,
                        oc_shape_span(&shape, axis + 1, shape.rank)};
    shape.dim[axis] = extent;
    int64_t one = 1;
    dy = OC_NODE(graph, "Reshape", "allowzero=1", dy, oc_ints(graph, 4, split));
    dy = OC_NODE(graph, "ReduceSum", "keepdims=0", dy, oc_ints(graph, 1, &one));
    return OC_NODE(graph, "Reshape", "allowzero=1", dy,
                   oc_ints(graph, shape.rank, shape.dim));
}

static void
expand_grad(const struct oc_node *node, struct ocellus_value *dy[],
            struct ocellus_value *dx[])
{
    const struct oc_shape *x = &node->in[0]->shape, *y = &node->out[0]->shape;
    struct ocellus_value *d = dy[0];
    if (!dx[0])
        return;
    for (int i = 0; d && i < y->rank; i++) {
        int at = i - (y->rank - x->rank);
        if (at < 0 || x->dim[at] != y->dim[i])
            d = fold_axis(node->graph, d, i, y->dim[i], 1);
    }
    if (d && x->rank != y->rank)
        d = OC_NODE(node->graph, "Reshape", "allowzero=1", d,
                    oc_ints(node->graph, x->rank, x->dim));
    dx[0] = d;
}

OC_MOVE_OP(expand)

const struct oc_op oc_op_Expand = {
    .name = "Expand",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .host = 2,
    .infer = expand_infer,
    .eval = expand_eval,
    .grad = expand_grad,
    .impls = expand_impls,
};

/* ---- Tile --------------------------------------------------------------- */

static ocellus_status
tile_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    struct oc_shape y = {.rank = x->rank};
    const int64_t *repeats = NULL;
    int count = x->rank;
    if (node->in[1]->data)
        OC_TRY(oc_host_ints(node, 1, &repeats, &count));
    OC_TRY(oc_check_int_count(node, x));
    if (count != x->rank)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "%d repeats for %d axes",
                            count, x->rank);
    for (int i = 0; i < x->rank; i++) {
        if (repeats && (repeats[i] < 0 || repeats[i] > INT32_MAX))
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "axis %d is repeated %lld times", i,
                                (long long)repeats[i]);
        y.dim[i] = !repeats || x->dim[i] == OC_UNKNOWN ? OC_UNKNOWN
                                                       : x->dim[i] * repeats[i];
    }
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
tile_moves(const struct oc_node *node, struct oc_moves *moves)
{
    const struct oc_shape *x = &node->in[0]->shape, *y = &node->out[0]->shape;
    int64_t from[OC_MAX_RANK], to[OC_MAX_RANK];
    struct oc_move *m = oc_move_add(moves, 0, 0, x);
    oc_shape_strides(x, from);
    oc_shape_strides(y, to);
    m->rank = 2 * x->rank;
    for (int i = 0; i < x->rank; i++) {
        m->n[2 * i] = x->dim[i] ? y->dim[i] / x->dim[i] : 0;
        m->n[2 * i + 1] = x->dim[i];
        m->to[2 * i] = to[i] * x->dim[i];
        m->to[2 * i + 1] = to[i];
        m->from[2 * i] = 0;
        m->from[2 * i + 1] = from[i];
    }
    return OCELLUS_OK;
}

static void
tile_grad(const struct oc_node *node, struct ocellus_value *dy[],
          struct ocellus_value *dx[])
{
    const struct oc_shape *x = &node->in[0]->shape, *y = &node->out[0]->shape;
    struct ocellus_value *d = dy[0];
    if (!dx[0])
        return;
    for (int i = 0; d && i < x->rank; i++)
        if (x->dim[i] > 0)
            d = fold_axis(node->graph, d, i, y->dim[i] / x->dim[i], x->dim[i]);
    dx[0] = d;
}

OC_MOVE_OP(tile)

const struct oc_op oc_op_Tile = {
    .name = "Tile",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .host = 2,
    .infer = tile_infer,
    .eval = tile_eval,
    .grad = tile_grad,
    .impls = tile_impls,
};

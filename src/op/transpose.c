/* transpose.c - Transpose, DepthToSpace, SpaceToDepth: axes in another order.
 */
#include <stdio.h>
#include <string.h>

#include "op/move.h"
#include "op/pool.h"

/* y's axis i is axis perm[i] of `x`, whose numbers lie densely. */
static void
permute(struct oc_moves *moves, const struct oc_shape *x, const int *perm)
{
    struct oc_shape y = {.rank = x->rank};
    int64_t from[OC_MAX_RANK], to[OC_MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        y.dim[i] = x->dim[perm[i]];
    oc_shape_strides(x, from);
    oc_shape_strides(&y, to);
    struct oc_move *m = oc_move_add(moves, 0, 0, &y);
    for (int i = 0; i < x->rank; i++) {
        m->from[i] = from[perm[i]];
        m->to[i] = to[i];
    }
}

static ocellus_status
read_perm(const struct oc_node *node, int rank, int perm[OC_MAX_RANK])
{
    int count, seen[OC_MAX_RANK] = {0};
    const int64_t *ints = oc_attr_ints(node, "perm", &count);
    if (ints && count != rank)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "perm names %d axes of %d",
                            count, rank);
    for (int i = 0; i < rank; i++) {
        int64_t axis = ints ? ints[i] : rank - 1 - i;
        if (axis < 0 || axis >= rank || seen[axis])
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "perm[%d] is %lld; every axis from 0 to %d "
                                "comes once",
                                i, (long long)axis, rank - 1);
        seen[axis] = 1;
        perm[i] = (int)axis;
    }
    return OCELLUS_OK;
}

static ocellus_status
transpose_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    struct oc_shape y = {.rank = x->rank};
    int perm[OC_MAX_RANK];
    OC_TRY(read_perm(node, x->rank, perm));
    OC_TRY(oc_check_int_count(node, x));
    for (int i = 0; i < x->rank; i++)
        y.dim[i] = x->dim[perm[i]];
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
transpose_moves(const struct oc_node *node, struct oc_moves *moves)
{
    int perm[OC_MAX_RANK];
    OC_TRY(read_perm(node, node->in[0]->shape.rank, perm));
    permute(moves, &node->in[0]->shape, perm);
    return OCELLUS_OK;
}

static void
transpose_grad(const struct oc_node *node, struct ocellus_value *dy[],
               struct ocellus_value *dx[])
{
    int perm[OC_MAX_RANK], rank = node->in[0]->shape.rank, used = 0;
    int64_t inverse[OC_MAX_RANK];
    char text[16 + 4 * OC_MAX_RANK];
    if (!dx[0])
        return;
    dx[0] = dy[0];
    if (!dy[0] || rank == 0 || read_perm(node, rank, perm) != OCELLUS_OK)
        return;
    for (int i = 0; i < rank; i++)
        inverse[perm[i]] = i;
    for (int i = 0; i < rank; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s%d",
                         i ? "," : "perm=", (int)inverse[i]);
    dx[0] = OC_NODE(node->graph, "Transpose", text, dy[0]);
}

OC_MOVE_OP(transpose)

const struct oc_op oc_op_Transpose = {
    .name = "Transpose",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = transpose_infer,
    .eval = transpose_eval,
    .grad = transpose_grad,
    .impls = transpose_impls,
};

/* ---- DepthToSpace, SpaceToDepth ----------------------------------------- */

static ocellus_status
block_size(const struct oc_node *node, int64_t *size)
{
    *size = oc_attr_int(node, "blocksize", 0);
    if (*size < 1 || *size > 32768)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "blocksize is %lld, must be from 1 to 32768",
                            (long long)*size);
    if (node->in[0]->shape.rank != 4)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the input has rank %d, must be N x C x H x W",
                            node->in[0]->shape.rank);
    return oc_check_int_count(node, &node->in[0]->shape);
}

/* ONNX knows modes for DepthToSpace only; the gradient of its CRD form is
 * SpaceToDepth with that mode. */
static ocellus_status
column_row_depth(const struct oc_node *node, int *crd)
{
    const char *mode = oc_attr_text(node, "mode", "DCR");
    *crd = strcmp(mode, "CRD") == 0;
    if (!*crd && strcmp(mode, "DCR") != 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "mode is '%s', not DCR or CRD", mode);
    return OCELLUS_OK;
}

static int64_t
times(int64_t a, int64_t b)
{
    return a == OC_UNKNOWN ? OC_UNKNOWN : a * b;
}

static ocellus_status
divide(const struct oc_node *node, int64_t a, int64_t b, int64_t *out)
{
    *out = a == OC_UNKNOWN ? OC_UNKNOWN : a / b;
    if (a != OC_UNKNOWN && a % b != 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%lld is not a multiple of %lld", (long long)a,
                            (long long)b);
    return OCELLUS_OK;
}

static ocellus_status
depth_to_space_infer(struct oc_node *node)
{
    int64_t b;
    int crd;
    OC_TRY(block_size(node, &b));
    OC_TRY(column_row_depth(node, &crd));
    const int64_t *x = node->in[0]->shape.dim;
    struct oc_shape y = OC_SHAPE(x[0], 0, times(x[2], b), times(x[3], b));
    OC_TRY(divide(node, x[1], b * b, &y.dim[1]));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
depth_to_space_moves(const struct oc_node *node, struct oc_moves *moves)
{
    static const int dcr[] = {0, 3, 4, 1, 5, 2}, crd[] = {0, 1, 4, 2, 5, 3};
    const int64_t *x = node->in[0]->shape.dim;
    int64_t b;
    int columns;
    OC_TRY(block_size(node, &b));
    OC_TRY(column_row_depth(node, &columns));
    int64_t c = x[1] / (b * b);
    struct oc_shape split = columns ? OC_SHAPE(x[0], c, b, b, x[2], x[3])
                                    : OC_SHAPE(x[0], b, b, c, x[2], x[3]);
    permute(moves, &split, columns ? crd : dcr);
    return OCELLUS_OK;
}

static void
depth_to_space_grad(const struct oc_node *node, struct ocellus_value *dy[],
                    struct ocellus_value *dx[])
{
    if (dx[0])
        dx[0] = dy[0] ? OC_NODE_LIKE(node, "SpaceToDepth", NULL, dy[0]) : NULL;
}

OC_MOVE_OP(depth_to_space)

const struct oc_op oc_op_DepthToSpace = {
    .name = "DepthToSpace",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = depth_to_space_infer,
    .eval = depth_to_space_eval,
    .grad = depth_to_space_grad,
    .impls = depth_to_space_impls,
};

static ocellus_status
space_to_depth_infer(struct oc_node *node)
{
    int64_t b;
    int crd;
    OC_TRY(block_size(node, &b));
    OC_TRY(column_row_depth(node, &crd));
    const int64_t *x = node->in[0]->shape.dim;
    struct oc_shape y = OC_SHAPE(x[0], times(x[1], b * b), 0, 0);
    OC_TRY(divide(node, x[2], b, &y.dim[2]));
    OC_TRY(divide(node, x[3], b, &y.dim[3]));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
space_to_depth_moves(const struct oc_node *node, struct oc_moves *moves)
{
    static const int dcr[] = {0, 3, 5, 1, 2, 4}, crd[] = {0, 1, 3, 5, 2, 4};
    const int64_t *x = node->in[0]->shape.dim;
    int64_t b;
    int columns;
    OC_TRY(block_size(node, &b));
    OC_TRY(column_row_depth(node, &columns));
    struct oc_shape split = OC_SHAPE(x[0], x[1], x[2] / b, b, x[3] / b, b);
    permute(moves, &split, columns ? crd : dcr);
    return OCELLUS_OK;
}

static void
space_to_depth_grad(const struct oc_node *node, struct ocellus_value *dy[],
                    struct ocellus_value *dx[])
{
    if (dx[0])
        dx[0] = dy[0] ? OC_NODE_LIKE(node, "DepthToSpace", NULL, dy[0]) : NULL;
}

OC_MOVE_OP(space_to_depth)

const struct oc_op oc_op_SpaceToDepth = {
    .name = "SpaceToDepth",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = space_to_depth_infer,
    .eval = space_to_depth_eval,
    .grad = space_to_depth_grad,
    .impls = space_to_depth_impls,
};

/* concat.c - Concat and Split along an axis.
 *
 * Images in channel blocks stay so where every seam lies between two blocks;
 * Concat then copies only what was not made in its output's place.
 */
#include <string.h>

#include "op/move.h"
#include "op/pool.h"

/* Layouts for a seam after each of `channels[0 .. count-2]`: blocked like
 * input 0 where all of them fall between blocks. */
static void
seam_layouts(const struct oc_node *node, const struct oc_caps *caps,
             struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    int split = strcmp(node->op->name, "Split") == 0;
    struct ocellus_value **part = split ? node->out : node->in;
    int count = split ? node->n_out : node->n_in, block = in[0].block;
    (void)caps;
    (void)scratch;
    for (int k = 0; k + 1 < count; k++)
        if (part[k]->type != OCELLUS_UNDEFINED &&
            part[k]->shape.dim[1] % block != 0)
            in[0] = OC_PLAIN;
    oc_layouts_follow(node, 0, in, out);
    if (split)
        in[1] = OC_PLAIN;
}

static const char *
refuse_blocked(const struct oc_node *node, const struct oc_caps *caps)
{
    int axis;
    (void)caps;
    if (node->in[0]->shape.rank != 4 || node->in[0]->type != OCELLUS_FLOAT ||
        oc_axis(oc_attr_int(node, "axis", 0), 4, &axis) != OCELLUS_OK ||
        axis != 1)
        return "channels of float32 images only";
    return NULL;
}

/* A copy of `part`'s blocks between two blocked images. */
static void
add_blocks(struct oc_moves *moves, const struct oc_operand *part, int in,
           int out)
{
    const int64_t *dim = part->value->shape.dim;
    struct oc_blocked at = oc_blocked_of(&part->layout, &part->value->shape);
    struct oc_shape n = OC_SHAPE(dim[0], at.blocks, dim[2], dim[3] * at.block);
    oc_move_add(moves, in, out, &n);
}

static void
set_strides(int64_t stride[], int64_t *base, const struct oc_operand *of,
            int64_t block)
{
    struct oc_blocked at = oc_blocked_of(&of->layout, &of->value->shape);
    stride[0] = at.image;
    stride[1] = at.plane;
    stride[2] = at.row;
    stride[3] = 1;
    *base = at.base + block * at.plane;
}

/* ---- Concat ------------------------------------------------------------- */

static ocellus_status
concat_shape(const struct oc_node *node, int axis, struct oc_shape *y)
{
    char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT];
    *y = node->in[0]->shape;
    for (int k = 1; k < node->n_in; k++) {
        const struct oc_shape *x = &node->in[k]->shape;
        int fits = x->rank == y->rank && node->in[k]->type == node->in[0]->type;
        for (int i = 0; fits && i < y->rank; i++) {
            if (i == axis)
                y->dim[i] = y->dim[i] == OC_UNKNOWN || x->dim[i] == OC_UNKNOWN
                                ? OC_UNKNOWN
                                : y->dim[i] + x->dim[i];
            else if (y->dim[i] == OC_UNKNOWN)
                y->dim[i] = x->dim[i];
            else if (x->dim[i] != OC_UNKNOWN && x->dim[i] != y->dim[i])
                fits = 0;
        }
        if (!fits)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "input %d, %s %s, does not continue %s %s "
                                "along axis %d",
                                k, oc_type_name(node->in[k]->type),
                                oc_shape_text(x, a),
                                oc_type_name(node->in[0]->type),
                                oc_shape_text(&node->in[0]->shape, b), axis);
    }
    return OCELLUS_OK;
}

static ocellus_status
concat_infer(struct oc_node *node)
{
    struct oc_shape y;
    int axis;
    if (!oc_attr_find(node, "axis"))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the attribute axis is missing");
    for (int k = 0; k < node->n_in; k++)
        if (!node->in[k])
            return oc_node_fail(node, OCELLUS_BAD_MODEL, "input %d is missing",
                                k);
        else
            OC_TRY(oc_check_int_count(node, &node->in[k]->shape));
    OC_TRY(
        oc_axis(oc_attr_int(node, "axis", 0), node->in[0]->shape.rank, &axis));
    OC_TRY(concat_shape(node, axis, &y));
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
concat_moves(const struct oc_node *node, struct oc_moves *moves)
{
    const struct oc_shape *y = &node->out[0]->shape;
    int axis;
    int64_t at = 0;
    OC_TRY(oc_axis(oc_attr_int(node, "axis", 0), y->rank, &axis));
    for (int k = 0; k < node->n_in; k++) {
        const struct oc_shape *x = &node->in[k]->shape;
        struct oc_move *m = oc_move_add(moves, k, 0, x);
        oc_shape_strides(x, m->from);
        oc_shape_strides(y, m->to);
        m->to0 = at * m->to[axis];
        at += x->dim[axis];
    }
    return OCELLUS_OK;
}

static ocellus_status
concat_emit_blocked(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_moves moves;
    int64_t block = 0;
    if (steps->out[0].layout.block == 1)
        return oc_move_emit(steps, node, concat_moves);
    memset(&moves, 0, sizeof moves);
    for (int k = 0; k < node->n_in; k++) {
        const struct oc_operand *part = &steps->in[k];
        struct oc_move *m = &moves.move[moves.count];
        if (part->layout.whole == 0) {
            add_blocks(&moves, part, k, 0);
            set_strides(m->from, &m->from0, part, 0);
            set_strides(m->to, &m->to0, &steps->out[0], block);
        }
        block += oc_blocked_of(&part->layout, &part->value->shape).blocks;
    }
    return moves.count > 0 ? oc_moves_launch(steps, &moves) : steps->status;
}

/* Zeros, of the same type, stand for a gradient that does not arrive. */
static struct ocellus_value *
zeros_like(struct ocellus_graph *graph, const struct ocellus_value *value)
{
    static const uint64_t zero = 0;
    struct oc_shape one = OC_SHAPE(1);
    struct oc_attr attr = {
        .name = "value",
        .kind = OC_ATTR_TENSOR,
        .tensor = oc_graph_constant(graph, NULL, value->type, &one, &zero),
    };
    struct ocellus_value *shape =
        oc_ints(graph, value->shape.rank, value->shape.dim);
    return oc_apply_attrs(graph, oc_op_find("ConstantOfShape"), NULL, 1, &attr,
                          &shape, 1, 0);
}

static struct ocellus_value *
slice_part(const struct oc_node *node, struct ocellus_value *dy, int axis,
           int64_t from, int64_t to)
{
    struct ocellus_graph *graph = node->graph;
    int64_t at = axis;
    return OC_NODE(graph, "Slice", NULL, dy, oc_ints(graph, 1, &from),
                   oc_ints(graph, 1, &to), oc_ints(graph, 1, &at));
}

static void
concat_grad(const struct oc_node *node, struct ocellus_value *dy[],
            struct ocellus_value *dx[])
{
    int64_t size[OC_MAX_IN], at = 0;
    int axis;
    struct ocellus_value *split = NULL;
    if (!dy[0] || oc_axis(oc_attr_int(node, "axis", 0), node->in[0]->shape.rank,
                          &axis) != OCELLUS_OK) {
        for (int k = 0; k < node->n_in; k++)
            dx[k] = NULL;
        return;
    }
    for (int k = 0; k < node->n_in; k++)
        size[k] = node->in[k]->shape.dim[axis];
    if (node->n_in <= 8)
        split = OC_NODE_LIKE(node, "Split", NULL, dy[0],
                             oc_ints(node->graph, node->n_in, size));
    for (int k = 0; k < node->n_in; k++) {
        if (dx[k] && node->n_in <= 8)
            dx[k] = split ? split->node->out[k] : NULL;
        else if (dx[k])
            dx[k] = slice_part(node, dy[0], axis, at, at + size[k]);
        at += size[k];
    }
}

static ocellus_status
concat_eval(struct oc_node *node)
{
    return oc_move_eval(node, concat_moves);
}

static ocellus_status
concat_emit(struct oc_steps *steps, const struct oc_node *node)
{
    return oc_move_emit(steps, node, concat_moves);
}

static const struct oc_impl concat_impls[] = {
    {"blocked", refuse_blocked, seam_layouts, concat_emit_blocked,
     OC_IMPL_HALO | OC_IMPL_JOINS, 0},
    {"direct", NULL, NULL, concat_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_Concat = {
    .name = "Concat",
    .min_in = 1,
    .max_in = OC_MAX_IN,
    .n_out = 1,
    .infer = concat_infer,
    .eval = concat_eval,
    .grad = concat_grad,
    .impls = concat_impls,
};

/* ---- Split -------------------------------------------------------------- */

#define MOST_PARTS 8

/* Extents of the parts along the axis, of `extent` elements. */
static ocellus_status
part_sizes(const struct oc_node *node, int64_t extent, int64_t size[MOST_PARTS],
           int *count)
{
    const int64_t *given = NULL;
    int64_t sum = 0;
    if (oc_input(node, 1))
        OC_TRY(oc_host_ints(node, 1, &given, count));
    else
        *count = (int)oc_attr_int(node, "num_outputs", 0);
    if (*count < 1 || *count > MOST_PARTS)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "into %d parts; from 1 to %d are possible, said "
                            "by input 1 or num_outputs",
                            *count, MOST_PARTS);
    int64_t each = (extent + *count - 1) / *count;
    for (int k = 0; k < *count; k++) {
        int64_t left = extent - sum;
        size[k] = given ? given[k] : left < each ? left : each;
        if (extent == OC_UNKNOWN && !given)
            size[k] = OC_UNKNOWN;
        else if (size[k] < 0 || size[k] > INT32_MAX ||
                 (extent != OC_UNKNOWN && size[k] > left))
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "part %d has %lld of %lld elements", k,
                                (long long)size[k], (long long)extent);
        sum += size[k];
    }
    if (extent != OC_UNKNOWN && sum != extent)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the parts have %lld of %lld elements",
                            (long long)sum, (long long)extent);
    return OCELLUS_OK;
}

static ocellus_status
split_infer(struct oc_node *node)
{
    int axis, count;
    int64_t size[MOST_PARTS];
    struct oc_shape y = node->in[0]->shape;
    OC_TRY(oc_axis(oc_attr_int(node, "axis", 0), y.rank, &axis));
    OC_TRY(oc_check_int_count(node, &y));
    OC_TRY(part_sizes(node, y.dim[axis], size, &count));
    for (int k = 0; k < count; k++) {
        y.dim[axis] = size[k];
        OC_TRY(oc_infer_out(node, k, node->in[0]->type, &y));
    }
    return OCELLUS_OK;
}

static ocellus_status
split_moves(const struct oc_node *node, struct oc_moves *moves)
{
    const struct oc_shape *x = &node->in[0]->shape;
    int axis;
    int64_t at = 0;
    OC_TRY(oc_axis(oc_attr_int(node, "axis", 0), x->rank, &axis));
    for (int k = 0; k < node->n_out; k++) {
        const struct oc_shape *y = &node->out[k]->shape;
        if (node->out[k]->type == OCELLUS_UNDEFINED)
            break;
        struct oc_move *m = oc_move_add(moves, 0, k, y);
        oc_shape_strides(x, m->from);
        oc_shape_strides(y, m->to);
        m->from0 = at * m->from[axis];
        at += y->dim[axis];
    }
    return OCELLUS_OK;
}

/* Parts that nobody reads have no place; they are passed over. */
static ocellus_status
split_emit_blocked(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_moves moves;
    int64_t channel = 0;
    int block = steps->in[0].layout.block;
    if (block == 1)
        return oc_move_emit(steps, node, split_moves);
    memset(&moves, 0, sizeof moves);
    for (int k = 0; k < node->n_out; k++) {
        if (node->out[k]->type == OCELLUS_UNDEFINED)
            break;
        if (steps->out[k].value) {
            struct oc_move *m = &moves.move[moves.count];
            add_blocks(&moves, &steps->out[k], 0, k);
            set_strides(m->from, &m->from0, &steps->in[0], channel / block);
            set_strides(m->to, &m->to0, &steps->out[k], 0);
        }
        channel += node->out[k]->shape.dim[1];
    }
    return oc_moves_launch(steps, &moves);
}

static void
split_grad(const struct oc_node *node, struct ocellus_value *dy[],
           struct ocellus_value *dx[])
{
    struct ocellus_value *part[MOST_PARTS];
    int count = 0;
    if (!dx[0])
        return;
    for (int k = 0; k < node->n_out && k < MOST_PARTS; k++)
        if (node->out[k]->type != OCELLUS_UNDEFINED)
            part[count++] =
                dy[k] ? dy[k] : zeros_like(node->graph, node->out[k]);
    dx[0] = oc_apply_like(node, "Concat",
                          oc_attr_find(node, "axis") ? NULL : "axis=0", part,
                          count);
    for (int k = 1; k < node->n_in; k++)
        dx[k] = NULL;
}

static ocellus_status
split_eval(struct oc_node *node)
{
    return oc_move_eval(node, split_moves);
}

static ocellus_status
split_emit(struct oc_steps *steps, const struct oc_node *node)
{
    return oc_move_emit(steps, node, split_moves);
}

static const struct oc_impl split_impls[] = {
    {"blocked", refuse_blocked, seam_layouts, split_emit_blocked, OC_IMPL_HALO,
     0},
    {"direct", NULL, NULL, split_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_Split = {
    .name = "Split",
    .min_in = 1,
    .max_in = 2,
    .n_out = MOST_PARTS,
    .host = 2,
    .infer = split_infer,
    .eval = split_eval,
    .grad = split_grad,
    .impls = split_impls,
};

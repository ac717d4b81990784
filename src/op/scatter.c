/* scatter.c - ScatterElements and ScatterND, with reductions.
 *
 * Updates that meet in one place are taken in their order; see cl/scatter.cl
 * for how that costs no more than a walk through the indices. Indices outside
 * are an error where they are known on the host; on the device their updates
 * are dropped.
 */
#include "op/scatter.h"

#include <string.h>

#include "op/move.h"
#include "op/pool.h"

/* ---- common ------------------------------------------------------------- */

ocellus_status
oc_check_index(const struct oc_node *node, int k)
{
    ocellus_type type = node->in[k]->type;
    if (type == OCELLUS_INT32 || type == OCELLUS_INT64)
        return oc_check_int_count(node, &node->in[k]->shape);
    return oc_node_fail(node, OCELLUS_BAD_MODEL,
                        "indices are %s, not int32 or int64",
                        oc_type_name(type));
}

ocellus_status
oc_check_index_range(const struct oc_node *node, int input, int64_t from,
                     int64_t by, int64_t extent)
{
    const struct ocellus_value *index = node->in[input];
    if (!index->data || extent == OC_UNKNOWN)
        return OCELLUS_OK;
    int64_t count = oc_shape_count(&index->shape);
    for (int64_t i = from; i < count; i += by) {
        int64_t at = oc_element_get_int(index->type, index->data, (size_t)i);
        if (at < -extent || at >= extent)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "index %lld on an axis of %lld elements",
                                (long long)at, (long long)extent);
    }
    return OCELLUS_OK;
}

struct ocellus_value *
oc_zeros(struct ocellus_graph *graph, ocellus_type type,
         const struct oc_shape *shape)
{
    static const uint64_t zero = 0;
    struct oc_shape one = OC_SHAPE(1);
    struct oc_attr attr = {
        .name = "value",
        .kind = OC_ATTR_TENSOR,
        .tensor = oc_graph_constant(graph, NULL, type, &one, &zero),
    };
    struct ocellus_value *dims = oc_ints(graph, shape->rank, shape->dim);
    return oc_apply_attrs(graph, oc_op_find("ConstantOfShape"), NULL, 1, &attr,
                          &dims, 1, 0);
}

int64_t
oc_scatter_parts(const struct oc_caps *caps, int64_t columns, int64_t rows)
{
    int64_t wanted = caps->cpu ? 4 * (int64_t)caps->compute_units : 4096;
    int64_t parts = wanted / (columns ? columns : 1);
    if (parts > 256)
        parts = 256;
    if (parts > rows)
        parts = rows;
    return parts < 1 ? 1 : parts;
}

/* Numbers that are only moved go as unsigned integers of their size. */
static void
define_types(struct oc_steps *steps, struct oc_step *l, int index, int updates,
             enum oc_scatter_reduce reduce)
{
    static const ocellus_type bits[] = {
        0, OCELLUS_UINT8, OCELLUS_UINT16, 0, OCELLUS_UINT32, 0, 0,
        0, OCELLUS_UINT64};
    ocellus_type type = steps->in[updates].value->type;
    size_t size = oc_type_size(type);
    if (reduce == OC_SCATTER_NONE && size < OC_COUNT(bits))
        type = bits[size];
    oc_define_type(steps, l, "x", type);
    oc_define_type(steps, l, "i", steps->in[index].value->type);
    oc_define(steps, l, "REDUCE", (int)reduce);
    oc_arg_in(steps, l, index);
    oc_arg_in(steps, l, updates);
    oc_arg_out(steps, l, 0);
}

void
oc_scatter_emit(struct oc_steps *steps, const struct oc_scatter *s, int index,
                int updates)
{
    int64_t rows = 1, columns = s->batches * s->slice;
    for (int k = 0; k < s->depth; k++)
        rows *= s->dim[k];
    if (columns == 0 || rows == 0 || s->tuples == 0)
        return;
    int64_t parts = oc_scatter_parts(steps->caps, columns, rows);
    struct oc_step *l = oc_launch(steps, "scatter", "scatter_rows");
    define_types(steps, l, index, updates, s->reduce);
    oc_define(steps, l, "CLAMP", s->clamp);
    oc_arg_int(steps, l, columns);
    oc_arg_int(steps, l, parts);
    oc_arg_int(steps, l, s->tuples);
    oc_arg_int(steps, l, s->depth);
    oc_arg_int(steps, l, s->slice);
    oc_arg_int(steps, l, rows);
    oc_arg_int(steps, l, s->shared ? 0 : s->tuples * s->depth);
    for (int k = 0; k < OC_MAX_RANK; k++)
        oc_arg_int(steps, l, k < s->depth ? s->dim[k] : 1);
    oc_grid1(l, columns * parts, 0);
    oc_cost(l, (double)columns * (double)s->tuples * (double)parts,
            12.0 * (double)columns * (double)s->tuples);
}

static ocellus_status
reduce_of(const struct oc_node *node, enum oc_scatter_reduce *reduce)
{
    static const char *const words[] = {"none", "add", "mul", "min", "max"};
    const char *word = oc_attr_text(node, "reduction", "none");
    ocellus_type type = node->in[0]->type;
    for (size_t k = 0; k < OC_COUNT(words); k++) {
        if (strcmp(word, words[k]) != 0)
            continue;
        *reduce = (enum oc_scatter_reduce)k;
        if (k > 0 && !oc_type_is_float(type) && !oc_type_is_integer(type))
            return oc_node_fail(node, OCELLUS_BAD_MODEL, "no %s of %s", word,
                                oc_type_name(type));
        return OCELLUS_OK;
    }
    return oc_node_fail(node, OCELLUS_BAD_MODEL,
                        "the reduction '%s' is not known", word);
}

static ocellus_status
check(const struct oc_node *node)
{
    enum oc_scatter_reduce reduce;
    OC_TRY(reduce_of(node, &reduce));
    OC_TRY(oc_check_index(node, 1));
    OC_TRY(oc_check_int_count(node, &node->in[0]->shape));
    OC_TRY(oc_check_int_count(node, &node->in[2]->shape));
    if (node->in[2]->type != node->in[0]->type)
        return oc_node_fail(
            node, OCELLUS_BAD_MODEL, "updates are %s, the data %s",
            oc_type_name(node->in[2]->type), oc_type_name(node->in[0]->type));
    return OCELLUS_OK;
}

/* Output 0 begins as the data. */
static ocellus_status
begin(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_moves *moves = oc_arena_alloc(steps->arena, sizeof *moves);
    if (!moves)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    struct oc_move *m = oc_move_add(moves, 0, 0, &node->out[0]->shape);
    oc_shape_strides(&node->out[0]->shape, m->from);
    oc_shape_strides(&node->out[0]->shape, m->to);
    return oc_moves_launch(steps, moves);
}

/* ---- gradients ----------------------------------------------------------
 *
 *              data                           updates
 *   none       dy, 0 where something was put  dy at the indices
 *   add        dy                             dy at the indices
 *   mul        dy times the updates there     (dy y) at the indices / updates
 *   min, max   dy / n where data is y,        the same, of dy at the indices
 *              n of them being equal
 *
 * Scattering and gathering have the node's own attributes.
 */

struct pair {
    const struct oc_node *node;
    const char *gather;
};

static struct ocellus_value *
gathered(const struct pair *p, struct ocellus_value *x)
{
    return OC_NODE_LIKE(p->node, p->gather, NULL, x, p->node->in[1]);
}

static struct ocellus_value *
scattered(const struct pair *p, const char *reduction, struct ocellus_value *x,
          struct ocellus_value *updates)
{
    return OC_NODE_LIKE(p->node, p->node->op->name, reduction, x,
                        p->node->in[1], updates);
}

static struct ocellus_value *
ones(struct ocellus_graph *graph, struct ocellus_value *x)
{
    return OC_NODE(graph, "Cast", x->type == OCELLUS_FLOAT ? "to=1" : "to=11",
                   OC_NODE(graph, "Equal", NULL, x, x));
}

/* 1 where a is b, in a's type. */
static struct ocellus_value *
same(struct ocellus_value *a, struct ocellus_value *b)
{
    return OC_NODE(a->graph, "CastLike", NULL,
                   OC_NODE(a->graph, "Equal", NULL, a, b), a);
}

static void
grad_extreme(const struct pair *p, struct ocellus_value *dy,
             struct ocellus_value *dx[])
{
    struct ocellus_graph *graph = p->node->graph;
    struct ocellus_value *y = p->node->out[0];
    struct ocellus_value *data = same(p->node->in[0], y);
    struct ocellus_value *updates =
        same(p->node->in[2], gathered(p, p->node->out[0]));
    struct ocellus_value *share = OC_NODE(
        graph, "Div", NULL, dy, scattered(p, "reduction=add", data, updates));
    if (dx[0])
        dx[0] = OC_NODE(graph, "Mul", NULL, share, data);
    if (dx[2])
        dx[2] = OC_NODE(graph, "Mul", NULL, gathered(p, share), updates);
}

static void
grad_product(const struct pair *p, struct ocellus_value *dy,
             struct ocellus_value *dx[])
{
    struct ocellus_graph *graph = p->node->graph;
    struct ocellus_value *y = p->node->out[0];
    if (dx[0])
        dx[0] = OC_NODE(graph, "Mul", NULL, dy,
                        scattered(p, "reduction=mul",
                                  ones(graph, p->node->in[0]), p->node->in[2]));
    if (dx[2])
        dx[2] = OC_NODE(graph, "Div", NULL,
                        gathered(p, OC_NODE(graph, "Mul", NULL, dy, y)),
                        p->node->in[2]);
}

static void
grad(const struct pair *p, struct ocellus_value *dy, struct ocellus_value *dx[])
{
    const struct oc_node *node = p->node;
    enum oc_scatter_reduce reduce;
    dx[1] = NULL;
    if (!dy || reduce_of(node, &reduce) != OCELLUS_OK) {
        dx[0] = dx[2] = NULL;
    } else if (reduce == OC_SCATTER_MIN || reduce == OC_SCATTER_MAX) {
        grad_extreme(p, dy, dx);
    } else if (reduce == OC_SCATTER_MUL) {
        grad_product(p, dy, dx);
    } else {
        if (dx[0] && reduce == OC_SCATTER_ADD)
            dx[0] = dy;
        else if (dx[0])
            dx[0] = scattered(
                p, NULL, dy,
                oc_zeros(node->graph, node->in[2]->type, &node->in[2]->shape));
        if (dx[2])
            dx[2] = gathered(p, dy);
    }
}

/* ---- ScatterElements ---------------------------------------------------- */

static ocellus_status
elements_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const struct oc_shape *index = &node->in[1]->shape;
    const struct oc_shape *u = &node->in[2]->shape;
    int axis, fits = index->rank == x->rank && u->rank == x->rank;
    char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT], c[OC_SHAPE_TEXT];
    OC_TRY(check(node));
    OC_TRY(oc_axis(oc_attr_int(node, "axis", 0), x->rank, &axis));
    for (int k = 0; fits && k < x->rank; k++) {
        int known = index->dim[k] != OC_UNKNOWN;
        if (known && u->dim[k] != OC_UNKNOWN && u->dim[k] != index->dim[k])
            fits = 0;
        if (known && k != axis && x->dim[k] != OC_UNKNOWN &&
            index->dim[k] > x->dim[k])
            fits = 0;
    }
    if (!fits)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "indices %s and updates %s into %s along axis %d",
                            oc_shape_text(index, a), oc_shape_text(u, b),
                            oc_shape_text(x, c), axis);
    OC_TRY(oc_check_index_range(node, 1, 0, 1, x->dim[axis]));
    return oc_infer_out(node, 0, node->in[0]->type, x);
}

static void
extents(struct oc_steps *steps, struct oc_step *l, const struct oc_shape *x,
        int axis)
{
    int lead = OC_MAX_RANK - x->rank;
    for (int k = 0; k < OC_MAX_RANK; k++)
        oc_arg_int(steps, l,
                   k < lead || k - lead == axis ? 1 : x->dim[k - lead]);
}

static ocellus_status
elements_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const struct oc_shape *index = &node->in[1]->shape;
    enum oc_scatter_reduce reduce;
    int axis;
    OC_TRY(reduce_of(node, &reduce));
    OC_TRY(oc_axis(oc_attr_int(node, "axis", 0), x->rank, &axis));
    if (oc_shape_count(x) == 0)
        return OCELLUS_OK;
    OC_TRY(begin(steps, node));
    if (oc_shape_count(index) == 0)
        return steps->status;
    int64_t lines = oc_shape_count(index) / index->dim[axis];
    int64_t parts = oc_scatter_parts(steps->caps, lines, x->dim[axis]);
    struct oc_step *l = oc_launch(steps, "scatter", "scatter_lines");
    define_types(steps, l, 1, 2, reduce);
    oc_arg_int(steps, l, lines);
    oc_arg_int(steps, l, parts);
    oc_arg_int(steps, l, axis + OC_MAX_RANK - x->rank);
    oc_arg_int(steps, l, index->dim[axis]);
    oc_arg_int(steps, l, x->dim[axis]);
    extents(steps, l, index, axis);
    extents(steps, l, x, axis);
    oc_grid1(l, lines * parts, 0);
    oc_cost(l, (double)oc_shape_count(index) * (double)parts,
            12.0 * (double)oc_shape_count(index));
    return steps->status;
}

static void
elements_grad(const struct oc_node *node, struct ocellus_value *dy[],
              struct ocellus_value *dx[])
{
    struct pair p = {node, "GatherElements"};
    grad(&p, dy[0], dx);
}

static const struct oc_impl elements_impls[] = {
    {"direct", NULL, NULL, elements_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_ScatterElements = {
    .name = "ScatterElements",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .infer = elements_infer,
    .grad = elements_grad,
    .impls = elements_impls,
};

/* ---- ScatterND ---------------------------------------------------------- */

/* The number of extents that a tuple of indices speaks of. */
static ocellus_status
depth_of(const struct oc_node *node, int *depth)
{
    const struct oc_shape *index = &node->in[1]->shape;
    int64_t last = index->rank > 0 ? index->dim[index->rank - 1] : 0;
    *depth = (int)last;
    if (last < 1 || last > node->in[0]->shape.rank)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "tuples of %lld indices into rank %d",
                            (long long)last, node->in[0]->shape.rank);
    return OCELLUS_OK;
}

static ocellus_status
nd_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const struct oc_shape *index = &node->in[1]->shape;
    const struct oc_shape *u = &node->in[2]->shape;
    char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT], c[OC_SHAPE_TEXT];
    int depth;
    OC_TRY(check(node));
    OC_TRY(depth_of(node, &depth));
    int lead = index->rank - 1, fits = u->rank == lead + x->rank - depth;
    for (int k = 0; fits && k < u->rank; k++) {
        int64_t want = k < lead ? index->dim[k] : x->dim[depth + k - lead];
        fits =
            want == OC_UNKNOWN || u->dim[k] == OC_UNKNOWN || want == u->dim[k];
    }
    if (!fits)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "indices %s and updates %s do not fit into %s",
                            oc_shape_text(index, a), oc_shape_text(u, b),
                            oc_shape_text(x, c));
    for (int k = 0; k < depth; k++)
        OC_TRY(oc_check_index_range(node, 1, k, depth, x->dim[k]));
    return oc_infer_out(node, 0, node->in[0]->type, x);
}

static ocellus_status
nd_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    struct oc_scatter s = {.batches = 1};
    OC_TRY(depth_of(node, &s.depth));
    OC_TRY(reduce_of(node, &s.reduce));
    if (oc_shape_count(x) == 0)
        return OCELLUS_OK;
    OC_TRY(begin(steps, node));
    s.tuples = oc_shape_count(&node->in[1]->shape) / s.depth;
    s.slice = oc_shape_span(x, s.depth, x->rank);
    memcpy(s.dim, x->dim, sizeof s.dim);
    oc_scatter_emit(steps, &s, 1, 2);
    return steps->status;
}

static void
nd_grad(const struct oc_node *node, struct ocellus_value *dy[],
        struct ocellus_value *dx[])
{
    struct pair p = {node, "GatherND"};
    grad(&p, dy[0], dx);
}

static const struct oc_impl nd_impls[] = {
    {"direct", NULL, NULL, nd_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_ScatterND = {
    .name = "ScatterND",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .infer = nd_infer,
    .grad = nd_grad,
    .impls = nd_impls,
};

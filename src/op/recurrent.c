/* recurrent.c - LSTM, GRU and RNN as operators: shapes and gradients.
 */
#include "op/recurrent.h"

#include "op/pointwise.h"
#include "op/pool.h"

/* ---- shapes -------------------------------------------------------------- */

static ocellus_status
check_input(const struct oc_node *node, int k, const struct oc_shape *want)
{
    char got_text[OC_SHAPE_TEXT], want_text[OC_SHAPE_TEXT];
    const struct oc_shape *got;
    int fits;

    if (!oc_recurrent_has(node, k))
        return OCELLUS_OK;
    got = &node->in[k]->shape;
    fits = got->rank == want->rank;
    for (int i = 0; fits && i < got->rank; i++)
        fits =
            got->dim[i] < 0 || want->dim[i] < 0 || got->dim[i] == want->dim[i];
    if (!fits)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "input %d is %s, not %s",
                            k, oc_shape_text(got, got_text),
                            oc_shape_text(want, want_text));
    return OCELLUS_OK;
}

static ocellus_status
check_types(const struct oc_node *node)
{
    ocellus_type type = node->in[0]->type;

    if (!oc_type_is_float(type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "takes floats, not %s",
                            oc_type_name(type));
    for (int k = 1; k < node->n_in; k++) {
        ocellus_type wanted = k == OC_REC_LENGTHS ? OCELLUS_INT32 : type;

        if (node->in[k] && node->in[k]->type != wanted)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "input %d is %s, "
                                "not %s",
                                k, oc_type_name(node->in[k]->type),
                                oc_type_name(wanted));
    }
    return OCELLUS_OK;
}

static int64_t
times(int64_t a, int64_t b)
{
    return a < 0 || b < 0 ? OC_UNKNOWN : a * b;
}

static struct oc_shape
state_shape(const struct oc_recurrent *rec)
{
    if (rec->layout)
        return OC_SHAPE(rec->batch, rec->directions, rec->hidden);
    return OC_SHAPE(rec->directions, rec->batch, rec->hidden);
}

static struct oc_shape
y_shape(const struct oc_recurrent *rec)
{
    if (rec->layout)
        return OC_SHAPE(rec->batch, rec->steps, rec->directions, rec->hidden);
    return OC_SHAPE(rec->steps, rec->directions, rec->batch, rec->hidden);
}

static struct oc_shape
rows_shape(const struct oc_recurrent *rec, int wide)
{
    return OC_SHAPE(rec->directions, rec->rows, times(wide, rec->hidden));
}

static ocellus_status
check_hidden(const struct oc_node *node, struct oc_recurrent *rec)
{
    int64_t said = oc_attr_int(node, "hidden_size", rec->hidden);

    if (said == 0 || said > OC_REC_MOST || said < OC_UNKNOWN ||
        (rec->hidden >= 0 && said != rec->hidden))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "hidden_size is %lld, R's last dimension %d",
                            (long long)said, rec->hidden);
    rec->hidden = (int)said;
    return OCELLUS_OK;
}

static ocellus_status
check_inputs(const struct oc_node *node, const struct oc_recurrent *rec)
{
    int64_t d = rec->directions, h = rec->hidden, g = times(rec->gates, h);
    struct oc_shape state = state_shape(rec);
    struct oc_shape want[] = {
        node->in[0]->shape,
        OC_SHAPE(d, g, rec->width),
        OC_SHAPE(d, g, h),
        OC_SHAPE(d, times(2, g)),
        OC_SHAPE(rec->batch),
        state,
        state,
        OC_SHAPE(d, times(3, h)),
    };

    for (int k = 0; k < (int)OC_COUNT(want); k++)
        OC_TRY(check_input(node, k, &want[k]));
    return OCELLUS_OK;
}

static ocellus_status
check_ranks(const struct oc_node *node)
{
    for (int k = 0; k < 3; k++) {
        const struct oc_shape *shape = &node->in[k]->shape;
        char text[OC_SHAPE_TEXT];

        if (shape->rank != 3 || shape->dim[0] > OC_REC_MOST ||
            shape->dim[1] > OC_REC_MOST || shape->dim[2] > OC_REC_MOST)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "input %d is %s; it takes rank 3 and "
                                "extents up to %d",
                                k, oc_shape_text(shape, text), OC_REC_MOST);
    }
    return OCELLUS_OK;
}

static ocellus_status
infer(struct oc_node *node)
{
    struct oc_recurrent rec;
    struct oc_shape y, state, gates, cells;
    ocellus_type type = node->in[0]->type;

    OC_TRY(check_types(node));
    OC_TRY(check_ranks(node));
    OC_TRY(oc_recurrent_of(node, &rec));
    OC_TRY(check_hidden(node, &rec));
    OC_TRY(check_inputs(node, &rec));
    y = y_shape(&rec);
    state = state_shape(&rec);
    gates = rows_shape(&rec, rec.gates);
    cells = rows_shape(&rec, 1);
    OC_TRY(oc_check_int_count(node, &gates));
    OC_TRY(oc_infer_out(node, 0, type, &y));
    for (int k = 1; k < rec.saved; k++)
        OC_TRY(oc_infer_out(node, k, type, &state));
    OC_TRY(oc_infer_out(node, rec.saved, type, &gates));
    return oc_infer_out(node, rec.saved + 1, type, &cells);
}

/* ---- gradients ----------------------------------------------------------- */

static struct ocellus_value *
reshape(struct ocellus_value *value, struct oc_shape shape)
{
    if (!value || oc_shape_equal(&value->shape, &shape))
        return value;
    return OC_NODE(value->graph, "Reshape", "allowzero=1", value,
                   oc_ints(value->graph, shape.rank, shape.dim));
}

static struct ocellus_value *
slice(struct ocellus_value *value, int axis, int64_t from, int64_t to)
{
    struct ocellus_graph *graph = value ? value->graph : NULL;
    int64_t where = axis;

    if (!value)
        return NULL;
    return OC_NODE(graph, "Slice", NULL, value, oc_ints(graph, 1, &from),
                   oc_ints(graph, 1, &to), oc_ints(graph, 1, &where));
}

static struct ocellus_value *
grad_node(const struct oc_node *node, const struct oc_recurrent *rec,
          struct ocellus_value *dy[])
{
    static const char *const names[] = {"", "RNNGrad", "", "GRUGrad",
                                        "LSTMGrad"};
    struct ocellus_value *in[11] = {node->in[OC_REC_R], node->out[0],
                                    node->out[rec->saved]};

    if (rec->gates == 4 || rec->linear)
        in[OC_RECG_CELLS] = node->out[rec->saved + 1];
    for (int k = OC_REC_LENGTHS; k <= OC_REC_P; k++)
        in[k] = oc_recurrent_has(node, k) ? node->in[k] : NULL;
    for (int k = 0; k < rec->saved; k++)
        in[OC_RECG_DY + k] = dy[k];
    return oc_apply_like(node, names[rec->gates], NULL, in, 11);
}

/* d R = (gradient of the gates)' h, where the third gate of a GRU that is not
 * linear before its reset had r h instead. */
static struct ocellus_value *
grad_r(const struct oc_recurrent *rec, struct ocellus_value *const out[],
       struct ocellus_value *dg)
{
    struct ocellus_graph *graph = dg->graph;
    struct ocellus_value *two, *third;
    int64_t h = rec->hidden;

    if (rec->gates != 3 || rec->linear)
        return OC_NODE(graph, "MatMulT", "transA=1",
                       rec->linear ? out[OC_RECG_OUT_OTHER] : dg,
                       out[OC_RECG_OUT_BEFORE]);
    two = OC_NODE(graph, "MatMulT", "transA=1", slice(dg, 2, 0, 2 * h),
                  out[OC_RECG_OUT_BEFORE]);
    third = OC_NODE(graph, "MatMulT", "transA=1", slice(dg, 2, 2 * h, 3 * h),
                    out[OC_RECG_OUT_OTHER]);
    return OC_NODE(graph, "Concat", "axis=1", two, third);
}

static struct ocellus_value *
grad_b(const struct oc_recurrent *rec, struct ocellus_value *const out[],
       struct ocellus_value *dg)
{
    struct ocellus_graph *graph = dg->graph;
    int64_t axis = 1;
    struct ocellus_value *axes = oc_ints(graph, 1, &axis);
    struct ocellus_value *w, *r;

    w = OC_NODE(graph, "ReduceSum", "keepdims=0", dg, axes);
    r = rec->linear ? OC_NODE(graph, "ReduceSum", "keepdims=0",
                              out[OC_RECG_OUT_OTHER], axes)
                    : w;
    return OC_NODE(graph, "Concat", "axis=1", w, r);
}

/* Both directions saw the same X. */
static struct ocellus_value *
grad_x(const struct oc_node *node, const struct oc_recurrent *rec,
       struct ocellus_value *dg)
{
    struct oc_shape one = OC_SHAPE(1, rec->rows, rec->width);
    struct ocellus_value *dx =
        OC_NODE(dg->graph, "MatMulT", NULL, dg, node->in[OC_REC_W]);

    return dx ? reshape(oc_reduce_to(dx, &one), node->in[OC_REC_X]->shape)
              : NULL;
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    struct ocellus_graph *graph = node->graph;
    struct ocellus_value *dg = NULL, *const * out, *rows;
    struct oc_recurrent rec;

    if (oc_recurrent_of(node, &rec) != OCELLUS_OK ||
        !(dg = grad_node(node, &rec, dy)))
        return;
    out = dg->node->out;
    rows = reshape(node->in[OC_REC_X], OC_SHAPE(rec.rows, rec.width));
    if (dx[OC_REC_X])
        dx[OC_REC_X] = grad_x(node, &rec, dg);
    if (dx[OC_REC_W])
        dx[OC_REC_W] = OC_NODE(graph, "MatMulT", "transA=1", dg, rows);
    if (dx[OC_REC_R])
        dx[OC_REC_R] = grad_r(&rec, out, dg);
    if (dx[OC_REC_B])
        dx[OC_REC_B] = grad_b(&rec, out, dg);
    if (dx[OC_REC_H0])
        dx[OC_REC_H0] = out[OC_RECG_OUT_H0];
    if (dx[OC_REC_C0])
        dx[OC_REC_C0] = out[OC_RECG_OUT_C0];
    if (dx[OC_REC_P])
        dx[OC_REC_P] = out[OC_RECG_OUT_P];
}

static ocellus_status
grad_infer(struct oc_node *node)
{
    const ocellus_type type = node->in[0]->type;
    struct oc_recurrent rec;
    struct oc_shape gates, rows, state, p;

    if (node->in[OC_RECG_R]->shape.rank != 3 ||
        node->in[OC_RECG_Y]->shape.rank != 4)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "R or Y has a wrong rank");
    OC_TRY(check_types(node));
    OC_TRY(oc_recurrent_of(node, &rec));
    gates = rows_shape(&rec, rec.gates);
    rows = rows_shape(&rec, 1);
    state = state_shape(&rec);
    p = OC_SHAPE(rec.directions, times(3, rec.hidden));
    OC_TRY(oc_infer_out(node, OC_RECG_OUT_GATES, type, &gates));
    OC_TRY(oc_infer_out(node, OC_RECG_OUT_BEFORE, type, &rows));
    OC_TRY(oc_infer_out(node, OC_RECG_OUT_OTHER, type,
                        rec.linear ? &gates : &rows));
    OC_TRY(oc_infer_out(node, OC_RECG_OUT_H0, type, &state));
    OC_TRY(oc_infer_out(node, OC_RECG_OUT_C0, type, &state));
    return oc_infer_out(node, OC_RECG_OUT_P, type, &p);
}

/* ---- rows ---------------------------------------------------------------- */

static const struct oc_impl impls[] = {
    {"cpu", oc_recurrent_cpu_refuse, oc_recurrent_cpu_layouts, oc_recurrent_cpu,
     0, 0},
    {"direct", NULL, oc_recurrent_direct_layouts, oc_recurrent_direct, 0, 0},
    {.name = NULL},
};

static const struct oc_impl grad_impls[] = {
    {"cpu", oc_recurrent_cpu_refuse, oc_recurrent_cpu_grad_layouts,
     oc_recurrent_cpu_grad, 0, 0},
    {"direct", NULL, oc_recurrent_direct_grad_layouts, oc_recurrent_direct_grad,
     0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_LSTM = {
    .name = "LSTM",
    .min_in = 3,
    .max_in = 8,
    .n_out = 3,
    .n_saved = 2,
    .params = 1u << OC_REC_W | 1u << OC_REC_R | 1u << OC_REC_B | 1u << OC_REC_P,
    .infer = infer,
    .grad = grad,
    .impls = impls,
};

#define TWO_OUTPUTS(NAME)                                                      \
    const struct oc_op oc_op_##NAME = {                                        \
        .name = #NAME,                                                         \
        .min_in = 3,                                                           \
        .max_in = 6,                                                           \
        .n_out = 2,                                                            \
        .n_saved = 2,                                                          \
        .params = 1u << OC_REC_W | 1u << OC_REC_R | 1u << OC_REC_B,            \
        .infer = infer,                                                        \
        .grad = grad,                                                          \
        .impls = impls,                                                        \
    };

TWO_OUTPUTS(GRU)
TWO_OUTPUTS(RNN)

/* R, Y, gates, cells, lengths, initial h, initial c, P, dY, dY_h, dY_c */
#define GRADIENT(NAME)                                                         \
    const struct oc_op oc_op_##NAME = {                                        \
        .name = #NAME,                                                         \
        .min_in = 3,                                                           \
        .max_in = 11,                                                          \
        .n_out = 6,                                                            \
        .flags = OC_OP_INTERNAL,                                               \
        .infer = grad_infer,                                                   \
        .impls = grad_impls,                                                   \
    };

GRADIENT(LSTMGrad)
GRADIENT(GRUGrad)
GRADIENT(RNNGrad)

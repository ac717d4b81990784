/* pad.c - Pad in all modes, and its gradients.
 *
 * Constant padding is a copy into a filled tensor, and its gradient is the pad
 * by the negative amounts. The other modes read the input at a mapped index;
 * their gradient goes axis by axis, each number gathering the places that were
 * mapped to it.
 */
#include <stdio.h>
#include <string.h>

#include "op/move.h"
#include "op/pool.h"

#define MOST 0x10000000

enum mode { CONSTANT, EDGE, REFLECT, WRAP };

struct pads {
    enum mode mode;
    int64_t begin[OC_MAX_RANK], end[OC_MAX_RANK];
};

static ocellus_status
read_mode(const struct oc_node *node, enum mode *mode)
{
    static const char *const names[] = {"constant", "edge", "reflect", "wrap"};
    const char *text = oc_attr_text(node, "mode", "constant");
    for (int i = 0; i < 4; i++)
        if (strcmp(text, names[i]) == 0) {
            *mode = (enum mode)i;
            return OCELLUS_OK;
        }
    return oc_node_fail(node, OCELLUS_BAD_MODEL,
                        "mode is '%s', not constant, edge, reflect or wrap",
                        text);
}

static ocellus_status
read_pads(const struct oc_node *node, struct pads *pads)
{
    const int64_t *list, *axes = NULL;
    int count, named, rank = node->in[0]->shape.rank;
    memset(pads, 0, sizeof *pads);
    OC_TRY(read_mode(node, &pads->mode));
    OC_TRY(oc_host_ints(node, 1, &list, &count));
    named = rank;
    if (oc_input(node, 3))
        OC_TRY(oc_host_ints(node, 3, &axes, &named));
    if (count != 2 * named)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%d pads for %d axes; two each are wanted", count,
                            named);
    for (int i = 0; i < named; i++) {
        int axis;
        OC_TRY(oc_axis(axes ? axes[i] : i, rank, &axis));
        int64_t b = list[i], e = list[named + i];
        if (b < -MOST || b > MOST || e < -MOST || e > MOST)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "pads %lld and %lld on axis %d are out of "
                                "reach",
                                (long long)b, (long long)e, axis);
        pads->begin[axis] = b;
        pads->end[axis] = e;
    }
    return OCELLUS_OK;
}

static ocellus_status
padded_shape(const struct oc_node *node, const struct pads *pads,
             struct oc_shape *y)
{
    *y = node->in[0]->shape;
    for (int i = 0; i < y->rank; i++) {
        int64_t n = y->dim[i], b = pads->begin[i], e = pads->end[i];
        if (n == OC_UNKNOWN)
            continue;
        y->dim[i] = n + b + e;
        if (y->dim[i] < 0 || (n == 0 && y->dim[i] > 0 && pads->mode))
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "pads %lld and %lld on axis %d of %lld "
                                "elements",
                                (long long)b, (long long)e, i, (long long)n);
    }
    return OCELLUS_OK;
}

static ocellus_status
infer(struct oc_node *node)
{
    struct pads pads;
    struct oc_shape y = node->in[0]->shape;
    const struct ocellus_value *value = oc_input(node, 2);
    OC_TRY(oc_check_int_count(node, &y));
    if (value && (value->type != node->in[0]->type ||
                  oc_shape_count(&value->shape) != 1))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the constant is not one %s",
                            oc_type_name(node->in[0]->type));
    if (!node->in[1]->data || (oc_input(node, 3) && !node->in[3]->data)) {
        for (int i = 0; i < y.rank; i++)
            y.dim[i] = OC_UNKNOWN;
        return oc_infer_out(node, 0, node->in[0]->type, &y);
    }
    OC_TRY(read_pads(node, &pads));
    OC_TRY(padded_shape(node, &pads, &y));
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

/* ---- constant: a clipped copy ------------------------------------------- */

static ocellus_status
constant_moves(const struct oc_node *node, struct oc_moves *moves)
{
    struct pads pads;
    const struct oc_shape *x = &node->in[0]->shape;
    const struct ocellus_value *value = oc_input(node, 2);
    OC_TRY(read_pads(node, &pads));
    moves->fill = 1;
    if (value && !value->data)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "the constant must be known before the run");
    if (value)
        memcpy(moves->value, value->data, oc_type_size(value->type));
    struct oc_move *m = oc_move_add(moves, 0, 0, x);
    oc_shape_strides(x, m->from);
    oc_shape_strides(&node->out[0]->shape, m->to);
    for (int i = 0; i < m->rank; i++) {
        int64_t b = pads.begin[i], e = pads.end[i];
        int64_t left = m->n[i] + (b < 0 ? b : 0) + (e < 0 ? e : 0);
        m->n[i] = left < 0 ? 0 : left;
        m->from0 += (b < 0 ? -b : 0) * m->from[i];
        m->to0 += (b > 0 ? b : 0) * m->to[i];
    }
    return OCELLUS_OK;
}

/* ---- mapped ------------------------------------------------------------- */

/* Axes without pads that follow each other count as one. */
static int
mapped_axes(const struct oc_node *node, const struct pads *pads, int64_t out[],
            int64_t in[], int64_t begin[])
{
    const struct oc_shape *x = &node->in[0]->shape;
    int rank = 0, joined = 0;
    for (int i = 0; i < x->rank; i++) {
        int free = pads->begin[i] == 0 && pads->end[i] == 0;
        if (free && joined) {
            out[rank - 1] *= x->dim[i];
            in[rank - 1] *= x->dim[i];
        } else {
            out[rank] = x->dim[i] + pads->begin[i] + pads->end[i];
            in[rank] = x->dim[i];
            begin[rank++] = pads->begin[i];
        }
        joined = free;
    }
    return rank;
}

static ocellus_status
emit_mapped(struct oc_steps *steps, const struct oc_node *node,
            const struct pads *pads)
{
    int64_t out[OC_MAX_RANK], in[OC_MAX_RANK], begin[OC_MAX_RANK];
    int64_t stride = 1, rest = 1;
    int rank = mapped_axes(node, pads, out, in, begin);
    struct oc_step *l = oc_launch(steps, "pad", "pad");
    oc_define(steps, l, "SIZE", (int)oc_type_size(node->in[0]->type));
    oc_define(steps, l, "MODE", (int)pads->mode);
    oc_define(steps, l, "CPU", steps->caps->cpu);
    oc_define(steps, l, "RANK", rank <= 3 ? 3 : 8);
    oc_arg_in(steps, l, 0);
    oc_arg_out(steps, l, 0);
    for (int i = 0; i < 8; i++) {
        int k = rank - 1 - i;
        oc_arg_int(steps, l, k < 0 ? 1 : out[k]);
        oc_arg_int(steps, l, k < 0 ? 1 : in[k]);
        oc_arg_int(steps, l, k < 0 ? 0 : begin[k]);
        oc_arg_int(steps, l, k < 0 ? 0 : stride);
        stride *= k < 0 ? 1 : in[k];
        rest *= k < 0 || i == 0 ? 1 : out[k];
    }
    int64_t inner = rank > 0 ? out[rank - 1] : 1;
    oc_grid1(l, steps->caps->cpu ? rest : rest * inner,
             steps->caps->cpu ? 1 : 0);
    oc_cost(l, 0,
            2.0 * (double)(rest * inner) *
                (double)oc_type_size(node->in[0]->type));
    return steps->status;
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    struct pads pads;
    OC_TRY(read_pads(node, &pads));
    if (oc_shape_count(&node->out[0]->shape) == 0)
        return OCELLUS_OK;
    return pads.mode == CONSTANT ? oc_move_emit(steps, node, constant_moves)
                                 : emit_mapped(steps, node, &pads);
}

static struct ocellus_value *
constant_grad(const struct oc_node *node, const struct pads *pads,
              struct ocellus_value *dy)
{
    int64_t back[2 * OC_MAX_RANK];
    int rank = node->in[0]->shape.rank;
    for (int i = 0; i < rank; i++) {
        back[i] = -pads->begin[i];
        back[rank + i] = -pads->end[i];
    }
    return OC_NODE(node->graph, "Pad", NULL, dy,
                   oc_ints(node->graph, 2 * rank, back));
}

static struct ocellus_value *
mapped_grad(const struct oc_node *node, const struct pads *pads,
            struct ocellus_value *dy)
{
    char text[128];
    const struct oc_shape *x = &node->in[0]->shape;
    for (int i = 0; dy && i < x->rank; i++) {
        if (pads->begin[i] == 0 && pads->end[i] == 0)
            continue;
        snprintf(text, sizeof text, "axis=%d begin=%lld extent=%lld mode=%s", i,
                 (long long)pads->begin[i], (long long)x->dim[i],
                 oc_attr_text(node, "mode", "edge"));
        dy = OC_NODE(node->graph, "PadGrad", text, dy);
    }
    return dy;
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    struct pads pads;
    int asked = dx[0] != NULL;
    for (int k = 0; k < node->n_in; k++)
        dx[k] = NULL;
    if (!asked || !dy[0] || read_pads(node, &pads) != OCELLUS_OK)
        return;
    dx[0] = pads.mode == CONSTANT ? constant_grad(node, &pads, dy[0])
                                  : mapped_grad(node, &pads, dy[0]);
}

static const struct oc_impl impls[] = {
    {"direct", NULL, NULL, emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_Pad = {
    .name = "Pad",
    .min_in = 2,
    .max_in = 4,
    .n_out = 1,
    .host = 0xe,
    .infer = infer,
    .grad = grad,
    .impls = impls,
};

/* ---- PadGrad(dy): one axis, modes edge, reflect, wrap -------------------- */

static ocellus_status
grad_infer(struct oc_node *node)
{
    enum mode mode;
    int axis;
    struct oc_shape x = node->in[0]->shape;
    OC_TRY(read_mode(node, &mode));
    OC_TRY(oc_axis(oc_attr_int(node, "axis", 0), x.rank, &axis));
    x.dim[axis] = oc_attr_int(node, "extent", 0);
    if (mode == CONSTANT || !oc_type_is_float(node->in[0]->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "takes floats and no constant mode");
    return oc_infer_out(node, 0, node->in[0]->type, &x);
}

static ocellus_status
grad_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *y = &node->in[0]->shape;
    const struct oc_shape *x = &node->out[0]->shape;
    enum mode mode;
    int axis;
    int64_t count = oc_shape_count(x);
    OC_TRY(read_mode(node, &mode));
    OC_TRY(oc_axis(oc_attr_int(node, "axis", 0), x->rank, &axis));
    struct oc_step *l = oc_launch(steps, "pad", "pad_grad");
    oc_define_type(steps, l, "x", node->in[0]->type);
    oc_define(steps, l, "MODE", (int)mode);
    oc_arg_in(steps, l, 0);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, count);
    oc_arg_int(steps, l, y->dim[axis]);
    oc_arg_int(steps, l, x->dim[axis]);
    oc_arg_int(steps, l, oc_shape_span(x, axis + 1, x->rank));
    oc_arg_int(steps, l, oc_attr_int(node, "begin", 0));
    oc_grid1(l, count, 0);
    oc_cost(l, (double)oc_shape_count(y), 8.0 * (double)count);
    return steps->status;
}

static const struct oc_impl grad_impls[] = {
    {"direct", NULL, NULL, grad_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_PadGrad = {
    .name = "PadGrad",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = grad_infer,
    .impls = grad_impls,
};

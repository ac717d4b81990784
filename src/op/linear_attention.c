/* linear_attention.c - LinearAttention and CausalConvWithState, the two of
 * which gated delta networks consist, made of other operators.
 *
 *     S = exp(g) S                   what was written fades ("gated")
 *     v = beta (v - S' k)            what is there already is not written
 *     S = S + k v'                   again ("delta")
 *     y = scale S' q
 *
 * for each step of a sequence and each head (Yang et al. 2024). A state S has
 * one matrix a head; several heads of queries may read one. Steps are written
 * one behind the other.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "op/compose.h"
#include "op/pointwise.h"

/* Each step is some ten nodes. */
enum { MOST_STEPS = 4096 };

struct recurrence {
    const struct oc_node *node;
    struct ocellus_graph *g;
    /* q: batch x heads x steps x shared x width; the others, by heads of the
     * state, batch x heads x steps x ...: k and v with a dimension of 1 so that
     * a step is a row, fading 1 or width, beta 1. */
    struct ocellus_value *q, *k, *v, *fading, *beta, *state;
    int64_t batch, steps, heads, shared, width, deep;
    double scale;
};

static ocellus_status
bad(const char *what)
{
    return oc_fail(OCELLUS_BAD_MODEL, "%s does not fit the heads", what);
}

/* batch x steps x (heads rows columns) in float32, the steps behind the
 * heads. */
static struct ocellus_value *
by_heads(const struct recurrence *r, struct ocellus_value *x, int64_t heads,
         int64_t rows, int64_t columns)
{
    const int64_t dims[] = {r->batch, r->steps, heads, rows, columns};
    return OC_NODE(r->g, "Transpose", "perm=0,2,1,3,4",
                   oc_reshape_to(oc_cast_to(x, OCELLUS_FLOAT), 5, dims));
}

static ocellus_status
read_sizes(struct recurrence *r, struct ocellus_value *const *in)
{
    const struct oc_node *node = r->node;
    const struct oc_shape *q = &in[0]->shape, *k = &in[1]->shape;
    const struct oc_shape *v = &in[2]->shape;
    int64_t queries = oc_attr_int(node, "q_num_heads", 0);
    r->heads = oc_attr_int(node, "kv_num_heads", 0);
    if (q->rank != 3 || k->rank != 3 || v->rank != 3 || r->heads < 1 ||
        queries < 1 || queries % r->heads != 0 || q->dim[2] % queries != 0 ||
        k->dim[2] != q->dim[2] / queries * r->heads ||
        v->dim[2] % r->heads != 0 || k->dim[1] != q->dim[1] ||
        v->dim[1] != q->dim[1])
        return bad("a shape of queries, keys or values");
    r->batch = q->dim[0];
    r->steps = q->dim[1];
    r->shared = queries / r->heads;
    r->width = q->dim[2] / queries;
    r->deep = v->dim[2] / r->heads;
    r->scale = oc_attr_float(node, "scale", 0);
    if (r->scale == 0)
        r->scale = 1 / sqrt((double)r->width);
    if (r->steps > MOST_STEPS || r->steps < 1)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "%lld steps; 1 to %d are possible: give it a sequence "
                       "in parts, each with the state of the one before",
                       (long long)r->steps, MOST_STEPS);
    return OCELLUS_OK;
}

static ocellus_status
read_gates(struct recurrence *r, struct ocellus_value *decay,
           struct ocellus_value *beta)
{
    const char *rule = oc_attr_text(r->node, "update_rule", "gated_delta");
    int gated = strncmp(rule, "gated", 5) == 0;
    int delta = strcmp(rule, "delta") == 0 || strcmp(rule, "gated_delta") == 0;
    if (!gated && !delta && strcmp(rule, "linear") != 0)
        return oc_fail(OCELLUS_BAD_MODEL, "there is no update rule '%s'", rule);
    if (gated != (decay != NULL) || delta != (beta != NULL))
        return oc_fail(OCELLUS_BAD_MODEL,
                       "update rule '%s' with%s decay and with%s beta", rule,
                       decay ? "" : "out", beta ? "" : "out");
    if (gated) {
        int64_t each = decay->shape.rank == 3 ? decay->shape.dim[2] : 0;
        if (each != r->heads && each != r->heads * r->width)
            return bad("decay");
        r->fading = OC_NODE(r->g, "Exp", NULL,
                            by_heads(r, decay, r->heads, each / r->heads, 1));
    }
    if (delta) {
        int64_t each = beta->shape.rank == 3 ? beta->shape.dim[2] : 0;
        if (each != r->heads && each != 1)
            return bad("beta");
        r->beta = by_heads(r, beta, each, 1, 1);
    }
    return OCELLUS_OK;
}

static ocellus_status
read_state(struct recurrence *r, struct ocellus_value *past)
{
    struct oc_shape shape = OC_SHAPE(r->batch, r->heads, r->width, r->deep);
    if (past != NULL && !oc_shape_equal(&past->shape, &shape))
        return bad("the past state");
    r->state = past ? oc_cast_to(past, OCELLUS_FLOAT)
                    : OC_NODE(r->g, "Expand", NULL, oc_scalar(r->g, 0),
                              oc_ints(r->g, 4, shape.dim));
    return OCELLUS_OK;
}

/* Step t of batch x heads x steps x rows x columns. */
static struct ocellus_value *
at_step(struct ocellus_value *x, int64_t t)
{
    const int64_t steps = 2;
    if (x == NULL)
        return NULL;
    return OC_NODE(x->graph, "Squeeze", NULL, oc_slice_of(x, 2, t, t + 1, 1),
                   oc_ints(x->graph, 1, &steps));
}

/* Reads after it wrote: batch x heads x shared x deep. */
static struct ocellus_value *
step(struct recurrence *r, int64_t t)
{
    struct ocellus_graph *g = r->g;
    struct ocellus_value *k = at_step(r->k, t), *v = at_step(r->v, t);
    if (r->fading != NULL)
        r->state = OC_NODE(g, "Mul", NULL, r->state, at_step(r->fading, t));
    if (r->beta != NULL) {
        struct ocellus_value *there = OC_NODE(g, "MatMul", NULL, k, r->state);
        v = OC_NODE(g, "Mul", NULL, at_step(r->beta, t),
                    OC_NODE(g, "Sub", NULL, v, there));
    }
    struct ocellus_value *column = OC_NODE(g, "Transpose", "perm=0,1,3,2", k);
    r->state =
        OC_NODE(g, "Add", NULL, r->state, OC_NODE(g, "Mul", NULL, column, v));
    return OC_NODE(g, "MatMul", NULL, at_step(r->q, t), r->state);
}

static ocellus_status
expand_attention(const struct oc_node *node, struct ocellus_graph *to,
                 struct ocellus_value *const *in, struct ocellus_value **out,
                 int *done)
{
    struct recurrence r = {.node = node, .g = to};
    struct ocellus_value *past = oc_given(node, in, 3);
    OC_TRY(read_sizes(&r, in));
    OC_TRY(read_gates(&r, oc_given(node, in, 4), oc_given(node, in, 5)));
    OC_TRY(read_state(&r, past));
    r.q = OC_NODE(to, "Mul", NULL,
                  by_heads(&r, in[0], r.heads, r.shared, r.width),
                  oc_scalar(to, r.scale));
    r.k = by_heads(&r, in[1], r.heads, 1, r.width);
    r.v = by_heads(&r, in[2], r.heads, 1, r.deep);
    struct ocellus_value **y =
        oc_arena_alloc(to->arena, (size_t)r.steps * sizeof(*y));
    if (y == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %lld steps",
                       (long long)r.steps);
    for (int64_t t = 0; t < r.steps && to->status == OCELLUS_OK; t++)
        y[t] = oc_unsqueeze_at(step(&r, t), 1);
    OC_TRY(oc_composed(to));
    const int64_t flat[] = {r.batch, r.steps, -1};
    out[0] = oc_cast_to(oc_reshape_to(oc_join(y, (int)r.steps, 1), 3, flat),
                        in[0]->type);
    if (node->n_out > 1)
        out[1] = oc_cast_to(r.state, past ? past->type : in[0]->type);
    *done = 1;
    return OCELLUS_OK;
}

const struct oc_op oc_op_LinearAttention = {
    .name = "LinearAttention",
    .min_in = 3,
    .max_in = 6,
    .n_out = 2,
    .expand = expand_attention,
};

/* ---- CausalConvWithState ------------------------------------------------- */

/* What is not there before the first number is 0. */
static struct ocellus_value *
with_past(struct ocellus_value *x, struct ocellus_value *past, int64_t before)
{
    const int64_t pads[] = {0, 0, before, 0, 0, 0};
    return past ? OC_NODE(x->graph, "Concat", "axis=2", past, x)
                : OC_NODE(x->graph, "Pad", NULL, x, oc_ints(x->graph, 6, pads));
}

static struct ocellus_value *
activate(const struct oc_node *node, struct ocellus_value *y)
{
    const char *name = oc_attr_text(node, "activation", "none");
    if (y == NULL || strcmp(name, "none") == 0)
        return y;
    ocellus_type type = y->type;
    return oc_cast_to(
        OC_NODE(y->graph, "Swish", NULL, oc_cast_to(y, OCELLUS_FLOAT)), type);
}

/* x batch x channels x length, weights channels x 1 x k, bias, past batch x
 * channels x (k - 1). */
static ocellus_status
expand_conv(const struct oc_node *node, struct ocellus_graph *to,
            struct ocellus_value *const *in, struct ocellus_value **out,
            int *done)
{
    struct ocellus_value *x = in[0], *w = in[1], *past = oc_given(node, in, 3);
    const char *name = oc_attr_text(node, "activation", "none");
    if (x->shape.rank != 3 || w->shape.rank != 3 || w->shape.dim[1] != 1 ||
        w->shape.dim[0] != x->shape.dim[1] || w->shape.dim[2] < 1 ||
        (past != NULL &&
         (past->shape.rank != 3 || past->shape.dim[2] != w->shape.dim[2] - 1)))
        return oc_fail(OCELLUS_BAD_MODEL,
                       "the weights are not channels x 1 x k, or the past is "
                       "not k - 1 long");
    if (strcmp(name, "none") != 0 && strcmp(name, "silu") != 0 &&
        strcmp(name, "swish") != 0)
        return oc_fail(OCELLUS_BAD_MODEL, "there is no activation '%s'", name);
    int64_t before = w->shape.dim[2] - 1, length = x->shape.dim[2];
    char group[32];
    snprintf(group, sizeof group, "group=%lld", (long long)w->shape.dim[0]);
    x = with_past(x, past, before);
    out[0] =
        activate(node, OC_NODE(to, "Conv", group, x, w, oc_given(node, in, 2)));
    if (node->n_out > 1)
        out[1] = oc_slice_of(x, 2, length, length + before, 1);
    *done = 1;
    return OCELLUS_OK;
}

const struct oc_op oc_op_CausalConvWithState = {
    .name = "CausalConvWithState",
    .min_in = 2,
    .max_in = 4,
    .n_out = 2,
    .expand = expand_conv,
};

/* attention.c - Attention and RotaryEmbedding, made of other operators.
 *
 *     Y = softmax(softcap(Q K^T * scale) + bias) V
 *
 * (Vaswani et al. 2017), with the heads of K and V shared by several of Q
 * (Ainslie et al. 2023). The bias is 0 where a query may look and -inf where
 * it may not: by a mask, by causality, by a window, by the lengths of samples.
 * A query that may look nowhere gets zeros. RotaryEmbedding turns pairs of
 * numbers by an angle of their place (Su et al. 2021). Gradients are those of
 * what they are made of.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "op/compose.h"
#include "op/pointwise.h"

struct attention {
    const struct oc_node *node;
    struct ocellus_graph *g;
    struct ocellus_value *q, *k, *v, *mask, *past_k, *past_v, *lengths;
    struct ocellus_value *bias; /* NULL: none */
    int flat;                   /* inputs are batch x sequence x hidden */
    int64_t batch, queries, keys, past, heads, kv_heads;
};

/* batch x sequence x hidden -> batch x heads x sequence x width */
static struct ocellus_value *
split_heads(const struct attention *a, struct ocellus_value *x, int64_t heads)
{
    const int64_t dims[] = {0, 0, heads, heads ? x->shape.dim[2] / heads : 0};
    if (!a->flat)
        return x;
    return OC_NODE(a->g, "Transpose", "perm=0,2,1,3",
                   oc_reshape_to(x, 4, dims));
}

/* Heads of K or V, each as often as queries share it. */
static struct ocellus_value *
repeat(const struct attention *a, struct ocellus_value *x)
{
    const int64_t two = 2, times = a->heads / a->kv_heads;
    const int64_t wide[] = {1, 1, times, 1, 1};
    const int64_t dims[] = {0, a->heads, a->keys, -1};
    if (times == 1)
        return x;
    struct ocellus_value *each =
        OC_NODE(a->g, "Unsqueeze", NULL, x, oc_ints(a->g, 1, &two));
    return oc_reshape_to(
        OC_NODE(a->g, "Expand", NULL, each, oc_ints(a->g, 5, wide)), 4, dims);
}

/* ---- the bias ------------------------------------------------------------ */

static void
add_bias(struct attention *a, struct ocellus_value *more)
{
    a->bias = a->bias ? OC_NODE(a->g, "Add", NULL, a->bias, more) : more;
}

static struct ocellus_value *
where_allowed(const struct attention *a, struct ocellus_value *allowed)
{
    return OC_NODE(a->g, "Where", NULL, allowed, oc_scalar_like(a->q, 0),
                   oc_scalar_like(a->q, -INFINITY));
}

/* A mask may be shorter than the keys: what it does not say is forbidden. */
static void
add_mask(struct attention *a)
{
    struct ocellus_value *m = a->mask;
    int64_t pads[2 * OC_MAX_RANK] = {0};
    if (m == NULL)
        return;
    int rank = m->shape.rank;
    int64_t less = rank ? a->keys - m->shape.dim[rank - 1] : 0;
    if (m->type == OCELLUS_BOOL)
        m = where_allowed(a, m);
    if (m != NULL && less > 0 && m->shape.dim[rank - 1] != 1) {
        pads[2 * rank - 1] = less;
        m = OC_NODE(a->g, "Pad", NULL, m, oc_ints(a->g, 2 * rank, pads),
                    oc_scalar_like(a->q, -INFINITY));
    }
    add_bias(a, m);
}

static int
is_allowed(const struct attention *a, int64_t query, int64_t key, int causal,
           int64_t left, int64_t right)
{
    int64_t back = query + a->past - key;
    return (!causal || back >= 0) && (left < 0 || back <= left) &&
           (right < 0 || -back <= right);
}

/* Who may look where is the same for all samples. */
static ocellus_status
add_places(struct attention *a, int causal, int64_t left, int64_t right)
{
    struct oc_shape shape = OC_SHAPE(a->queries, a->keys);
    size_t bytes;
    OC_TRY(oc_written_bytes(&shape, a->q->type, &bytes));
    size_t n = bytes / oc_type_size(a->q->type);
    unsigned char *data = oc_arena_alloc(a->g->arena, bytes + 1);
    if (data == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no memory for a mask of %lld x %lld",
                       (long long)a->queries, (long long)a->keys);
    for (size_t i = 0; i < n; i++)
        if (!is_allowed(a, (int64_t)i / a->keys, (int64_t)i % a->keys, causal,
                        left, right))
            oc_element_set(a->q->type, data, i, -INFINITY);
    add_bias(a, oc_graph_constant(a->g, NULL, a->q->type, &shape, data));
    return OCELLUS_OK;
}

static struct ocellus_value *
count_up(const struct attention *a, int64_t n, int column)
{
    struct oc_shape shape = column ? OC_SHAPE(n, 1) : OC_SHAPE(1, n);
    if (n > 1 << 24)
        return oc_graph_fail(a->g, oc_fail(OCELLUS_UNSUPPORTED,
                                           "a length of %lld is more than %d",
                                           (long long)n, 1 << 24));
    int64_t *data = oc_arena_alloc(a->g->arena, (size_t)n * sizeof *data + 8);
    for (int64_t i = 0; data != NULL && i < n; i++)
        data[i] = i;
    return data ? oc_graph_constant(a->g, NULL, OCELLUS_INT64, &shape, data)
                : NULL;
}

/* Each sample has a length of its own, and its queries are its last ones. */
static void
add_lengths(struct attention *a, int causal, int64_t left, int64_t right)
{
    struct ocellus_graph *g = a->g;
    const int64_t each[] = {-1, 1, 1, 1};
    struct ocellus_value *length = oc_reshape_to(a->lengths, 4, each);
    struct ocellus_value *key = count_up(a, a->keys, 0);
    struct ocellus_value *query = count_up(a, a->queries, 1);
    struct ocellus_value *first =
        OC_NODE(g, "Sub", NULL, length, oc_ints(g, 1, &a->queries));
    struct ocellus_value *back =
        OC_NODE(g, "Sub", NULL, OC_NODE(g, "Add", NULL, query, first), key);
    const int64_t zero = 0, ahead = -right;
    if (causal)
        add_bias(a, where_allowed(a, OC_NODE(g, "GreaterOrEqual", NULL, back,
                                             oc_ints(g, 1, &zero))));
    if (left >= 0)
        add_bias(a, where_allowed(a, OC_NODE(g, "LessOrEqual", NULL, back,
                                             oc_ints(g, 1, &left))));
    if (right >= 0)
        add_bias(a, where_allowed(a, OC_NODE(g, "GreaterOrEqual", NULL, back,
                                             oc_ints(g, 1, &ahead))));
    add_bias(a, where_allowed(a, OC_NODE(g, "Less", NULL, key, length)));
}

static ocellus_status
make_bias(struct attention *a)
{
    int causal = oc_attr_int(a->node, "is_causal", 0) != 0;
    int64_t left = oc_attr_int(a->node, "left_window_size", -1);
    int64_t right = oc_attr_int(a->node, "right_window_size", -1);
    add_mask(a);
    if (a->lengths != NULL)
        add_lengths(a, causal, left, right);
    else if (causal || left >= 0 || right >= 0)
        return add_places(a, causal, left, right);
    return OCELLUS_OK;
}

/* ---- the product -----------------------------------------------------------
 */

static struct ocellus_value *
scores(const struct attention *a)
{
    struct ocellus_graph *g = a->g;
    int64_t width = a->q->shape.dim[3];
    double scale =
        oc_attr_float(a->node, "scale", width ? 1 / sqrt((double)width) : 1);
    struct ocellus_value *root = oc_scalar_like(a->q, sqrt(scale));
    struct ocellus_value *k =
        OC_NODE(g, "Transpose", "perm=0,1,3,2", repeat(a, a->k));
    return OC_NODE(g, "MatMul", NULL, OC_NODE(g, "Mul", NULL, a->q, root),
                   OC_NODE(g, "Mul", NULL, k, root));
}

static struct ocellus_value *
soft_cap(const struct attention *a, struct ocellus_value *x)
{
    double cap = oc_attr_float(a->node, "softcap", 0);
    if (!(cap > 0))
        return x;
    struct ocellus_value *limit = oc_scalar_like(a->q, cap);
    return OC_NODE(
        a->g, "Mul", NULL,
        OC_NODE(a->g, "Tanh", NULL, OC_NODE(a->g, "Div", NULL, x, limit)),
        limit);
}

/* In the precision asked for; zeros where a query may look nowhere. */
static struct ocellus_value *
probabilities(const struct attention *a, struct ocellus_value *x)
{
    struct ocellus_graph *g = a->g;
    const int64_t last = -1;
    char to[16], back[16];
    int64_t precision = oc_attr_int(a->node, "softmax_precision", 0);
    snprintf(to, sizeof to, "to=%d", (int)precision);
    snprintf(back, sizeof back, "to=%d", (int)a->q->type);
    if (precision > 0)
        x = OC_NODE(g, "Cast", to, x);
    struct ocellus_value *p = OC_NODE(g, "Softmax", "axis=-1", x);
    if (precision > 0)
        p = OC_NODE(g, "Cast", back, p);
    if (a->bias == NULL)
        return p;
    struct ocellus_value *most =
        OC_NODE(g, "ReduceMax", "keepdims=1", a->bias, oc_ints(g, 1, &last));
    return OC_NODE(
        g, "Where", NULL,
        OC_NODE(g, "Equal", NULL, most, oc_scalar_like(a->q, -INFINITY)),
        oc_scalar_like(a->q, 0), p);
}

static ocellus_status
prepare(struct attention *a, struct ocellus_value *const *in)
{
    const struct oc_node *node = a->node;
    a->q = in[0];
    a->k = in[1];
    a->v = in[2];
    a->mask = oc_given(node, in, 3);
    a->past_k = oc_given(node, in, 4);
    a->past_v = oc_given(node, in, 5);
    a->lengths = oc_given(node, in, 6);
    int rank = a->q->shape.rank;
    a->flat = rank == 3;
    if ((rank != 3 && rank != 4) || a->k->shape.rank != rank ||
        a->v->shape.rank != rank)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "Q, K and V have %d, %d and %d dimensions; 3 or 4 each "
                       "are wanted",
                       rank, a->k->shape.rank, a->v->shape.rank);
    a->heads =
        a->flat ? oc_attr_int(node, "q_num_heads", 0) : a->q->shape.dim[1];
    a->kv_heads =
        a->flat ? oc_attr_int(node, "kv_num_heads", 0) : a->k->shape.dim[1];
    if (a->heads < 1 || a->kv_heads < 1 || a->heads % a->kv_heads != 0 ||
        (a->flat && (a->q->shape.dim[2] % a->heads != 0 ||
                     a->k->shape.dim[2] % a->kv_heads != 0 ||
                     a->v->shape.dim[2] % a->kv_heads != 0)))
        return oc_fail(OCELLUS_BAD_MODEL,
                       "%lld heads of queries and %lld of keys do not fit",
                       (long long)a->heads, (long long)a->kv_heads);
    if ((a->past_k == NULL) != (a->past_v == NULL))
        return oc_fail(OCELLUS_BAD_MODEL,
                       "there are past keys or values without the other");
    a->q = split_heads(a, a->q, a->heads);
    a->k = split_heads(a, a->k, a->kv_heads);
    a->v = split_heads(a, a->v, a->kv_heads);
    if (a->past_k != NULL && a->g->status == OCELLUS_OK) {
        a->past = a->past_k->shape.rank == 4 ? a->past_k->shape.dim[2] : 0;
        a->k = OC_NODE(a->g, "Concat", "axis=2", a->past_k, a->k);
        a->v = OC_NODE(a->g, "Concat", "axis=2", a->past_v, a->v);
    }
    if (a->g->status != OCELLUS_OK)
        return oc_fail(a->g->status, "%s", a->g->sentence);
    a->batch = a->q->shape.dim[0];
    a->queries = a->q->shape.dim[2];
    a->keys = a->k->shape.dim[2];
    return OCELLUS_OK;
}

static ocellus_status
expand_attention(const struct oc_node *node, struct ocellus_graph *to,
                 struct ocellus_value *const *in, struct ocellus_value **out,
                 int *done)
{
    struct attention a = {.node = node, .g = to};
    int64_t mode = oc_attr_int(node, "qk_matmul_output_mode", 0);
    const int64_t joined[] = {0, 0, -1};
    OC_TRY(prepare(&a, in));
    OC_TRY(make_bias(&a));
    struct ocellus_value *stage[4];
    stage[0] = scores(&a);
    stage[1] = soft_cap(&a, stage[0]);
    stage[2] = a.bias ? OC_NODE(to, "Add", NULL, stage[1], a.bias) : stage[1];
    stage[3] = probabilities(&a, stage[2]);
    struct ocellus_value *y =
        OC_NODE(to, "MatMul", NULL, stage[3], repeat(&a, a.v));
    if (a.flat)
        y = oc_reshape_to(OC_NODE(to, "Transpose", "perm=0,2,1,3", y), 3,
                          joined);
    struct ocellus_value *all[4] = {y, a.k, a.v, stage[mode & 3]};
    for (int k = 0; k < node->n_out && k < 4; k++)
        out[k] = all[k];
    *done = 1;
    return OCELLUS_OK;
}

const struct oc_op oc_op_Attention = {
    .name = "Attention",
    .min_in = 3,
    .max_in = 7,
    .n_out = 4,
    .expand = expand_attention,
};

/* ---- RotaryEmbedding -------------------------------------------------------
 */

/* Angles' functions as batch (or 1) x sequence x 1 x half. */
static struct ocellus_value *
angles(struct ocellus_graph *g, struct ocellus_value *cache,
       struct ocellus_value *places)
{
    const int64_t two = 2;
    if (places != NULL)
        cache = OC_NODE(g, "Gather", "axis=0", cache, places);
    return OC_NODE(g, "Unsqueeze", NULL, cache, oc_ints(g, 1, &two));
}

static struct ocellus_value *
turn(struct ocellus_graph *g, struct ocellus_value *x,
     struct ocellus_value *cosine, struct ocellus_value *sine, int64_t width,
     int interleaved)
{
    int64_t half = width / 2;
    const int64_t pair = -1;
    struct ocellus_value *a = interleaved ? oc_slice_of(x, -1, 0, width, 2)
                                          : oc_slice_of(x, -1, 0, half, 1);
    struct ocellus_value *b = interleaved ? oc_slice_of(x, -1, 1, width, 2)
                                          : oc_slice_of(x, -1, half, width, 1);
    struct ocellus_value *real =
        OC_NODE(g, "Sub", NULL, OC_NODE(g, "Mul", NULL, cosine, a),
                OC_NODE(g, "Mul", NULL, sine, b));
    struct ocellus_value *other =
        OC_NODE(g, "Add", NULL, OC_NODE(g, "Mul", NULL, sine, a),
                OC_NODE(g, "Mul", NULL, cosine, b));
    if (!interleaved)
        return OC_NODE(g, "Concat", "axis=-1", real, other);
    const int64_t dims[] = {0, 0, 0, width};
    return oc_reshape_to(
        OC_NODE(g, "Concat", "axis=-1",
                OC_NODE(g, "Unsqueeze", NULL, real, oc_ints(g, 1, &pair)),
                OC_NODE(g, "Unsqueeze", NULL, other, oc_ints(g, 1, &pair))),
        4, dims);
}

static ocellus_status
expand_rotary(const struct oc_node *node, struct ocellus_graph *to,
              struct ocellus_value *const *in, struct ocellus_value **out,
              int *done)
{
    struct ocellus_value *x = in[0], *places = oc_given(node, in, 3);
    int64_t heads = oc_attr_int(node, "num_heads", 0);
    int rank = x->shape.rank;
    if (rank != 4 && (rank != 3 || heads < 1 || x->shape.dim[2] % heads != 0))
        return oc_fail(OCELLUS_BAD_MODEL,
                       "%d dimensions and %lld heads do not fit", rank,
                       (long long)heads);
    const int64_t split[] = {0, 0, heads,
                             rank == 3 ? x->shape.dim[2] / heads : 0};
    const int64_t joined[] = {0, 0, -1};
    struct ocellus_value *y = rank == 3
                                  ? oc_reshape_to(x, 4, split)
                                  : OC_NODE(to, "Transpose", "perm=0,2,1,3", x);
    if (y == NULL)
        return oc_fail(to->status, "%s", to->sentence);
    int64_t all = y->shape.dim[3];
    int64_t width = oc_attr_int(node, "rotary_embedding_dim", 0);
    width = width > 0 ? width : all;
    if (width > all || width % 2 != 0)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "%lld numbers of heads of %lld cannot be turned",
                       (long long)width, (long long)all);
    struct ocellus_value *turned =
        turn(to, width < all ? oc_slice_of(y, -1, 0, width, 1) : y,
             angles(to, in[1], places), angles(to, in[2], places), width,
             oc_attr_int(node, "interleaved", 0) != 0);
    if (width < all)
        turned = OC_NODE(to, "Concat", "axis=-1", turned,
                         oc_slice_of(y, -1, width, all, 1));
    out[0] = rank == 3 ? oc_reshape_to(turned, 3, joined)
                       : OC_NODE(to, "Transpose", "perm=0,2,1,3", turned);
    *done = 1;
    return OCELLUS_OK;
}

const struct oc_op oc_op_RotaryEmbedding = {
    .name = "RotaryEmbedding",
    .min_in = 3,
    .max_in = 4,
    .n_out = 1,
    .expand = expand_rotary,
};

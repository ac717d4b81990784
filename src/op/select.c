/* select.c - NonZero, Compress, Unique: outputs whose extents follow from the
 * numbers themselves. They have no kernels: the numbers are known on the host
 * before anything after them is planned.
 */
#include <stdlib.h>
#include <string.h>

#include "op/order.h"
#include "op/pool.h"

static ocellus_status
no_memory(void)
{
    return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for numbers");
}

static int
is_set(const struct ocellus_value *x, int64_t i)
{
    double v = oc_element_get(x->type, x->data, (size_t)i);
    return v < 0 || v > 0 || v != v;
}

static int64_t
count_set(const struct ocellus_value *x, int64_t most)
{
    int64_t n = 0;
    for (int64_t i = 0; i < most; i++)
        n += is_set(x, i);
    return n;
}

/* ---- NonZero ------------------------------------------------------------ */

static ocellus_status
nonzero_infer(struct oc_node *node)
{
    const struct ocellus_value *x = node->in[0];
    struct oc_shape y = OC_SHAPE(x->shape.rank ? x->shape.rank : 1, OC_UNKNOWN);
    if (x->data)
        y.dim[1] = count_set(x, oc_shape_count(&x->shape));
    return oc_infer_out(node, 0, OCELLUS_INT64, &y);
}

static ocellus_status
nonzero_eval(struct oc_node *node)
{
    const struct ocellus_value *x = node->in[0];
    int64_t *y = oc_eval_out(node, 0);
    int64_t n = node->out[0]->shape.dim[1], at = 0;
    if (!y)
        return no_memory();
    for (int64_t i = 0; i < oc_shape_count(&x->shape); i++) {
        if (!is_set(x, i))
            continue;
        int64_t rest = i;
        for (int k = x->shape.rank - 1; k >= 0; k--) {
            y[k * n + at] = rest % x->shape.dim[k];
            rest /= x->shape.dim[k];
        }
        at++;
    }
    return OCELLUS_OK;
}

const struct oc_op oc_op_NonZero = {
    .name = "NonZero",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .host = 1,
    .infer = nonzero_infer,
    .eval = nonzero_eval,
};

/* ---- Compress ----------------------------------------------------------- */

/* x seen as before x n x size bytes; without an axis n are all numbers. */
struct rows {
    int axis;
    int64_t before, n;
    size_t bytes;
};

static ocellus_status
rows_of(const struct oc_node *node, struct rows *r)
{
    const struct oc_shape *x = &node->in[0]->shape;
    size_t size = oc_type_size(node->in[0]->type);
    *r = (struct rows){-1, 1, oc_shape_count(x), size};
    if (!oc_attr_find(node, "axis"))
        return OCELLUS_OK;
    OC_TRY(oc_axis(oc_attr_int(node, "axis", 0), x->rank, &r->axis));
    if (!oc_shape_known(x))
        return OCELLUS_OK;
    r->before = oc_shape_span(x, 0, r->axis);
    r->n = x->dim[r->axis];
    r->bytes = size * (size_t)oc_shape_span(x, r->axis + 1, x->rank);
    return OCELLUS_OK;
}

/* How many places the condition speaks of: it may be shorter. */
static int64_t
spoken(const struct oc_node *node, const struct rows *r)
{
    int64_t n = oc_shape_count(&node->in[1]->shape);
    return n < r->n ? n : r->n;
}

static ocellus_status
compress_infer(struct oc_node *node)
{
    struct oc_shape y = node->in[0]->shape;
    struct rows r;
    OC_TRY(rows_of(node, &r));
    if (node->in[1]->shape.rank != 1 || node->in[1]->type != OCELLUS_BOOL)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the condition is no list of truth values");
    if (r.axis < 0)
        y.rank = 1;
    int64_t *extent = &y.dim[r.axis < 0 ? 0 : r.axis];
    *extent = OC_UNKNOWN;
    if (node->in[1]->data && oc_shape_known(&node->in[0]->shape))
        *extent = count_set(node->in[1], spoken(node, &r));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
compress_eval(struct oc_node *node)
{
    const unsigned char *from = node->in[0]->data;
    unsigned char *to = oc_eval_out(node, 0);
    struct rows r;
    OC_TRY(rows_of(node, &r));
    if (!to)
        return no_memory();
    for (int64_t p = 0; p < r.before; p++)
        for (int64_t i = 0; i < spoken(node, &r); i++) {
            if (!is_set(node->in[1], i))
                continue;
            memcpy(to, from + (size_t)(p * r.n + i) * r.bytes, r.bytes);
            to += r.bytes;
        }
    return OCELLUS_OK;
}

const struct oc_op oc_op_Compress = {
    .name = "Compress",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .host = 3,
    .infer = compress_infer,
    .eval = compress_eval,
};

/* ---- Unique ------------------------------------------------------------- */

/* x as before x n x after; the n slices are compared number by number. */
struct slices {
    const struct ocellus_value *x;
    int axis;
    int64_t before, n, after;
};

/* order: slices, equal ones together, earliest first; begin: where in it each
 * of `groups` begins. */
struct groups {
    int64_t *order, *begin;
    int64_t count;
};

/* NaNs are equal and above all. */
static int
compare_numbers(const struct ocellus_value *x, int64_t i, int64_t j)
{
    if (!oc_type_is_float(x->type)) {
        int64_t a = oc_element_get_int(x->type, x->data, (size_t)i);
        int64_t b = oc_element_get_int(x->type, x->data, (size_t)j);
        if (x->type == OCELLUS_UINT64)
            return ((uint64_t)a > (uint64_t)b) - ((uint64_t)a < (uint64_t)b);
        return (a > b) - (a < b);
    }
    double a = oc_element_get(x->type, x->data, (size_t)i);
    double b = oc_element_get(x->type, x->data, (size_t)j);
    if (a != a || b != b)
        return (a != a) - (b != b);
    return (a > b) - (a < b);
}

static int
compare(const struct slices *s, int64_t a, int64_t b)
{
    for (int64_t p = 0; p < s->before; p++)
        for (int64_t q = 0; q < s->after; q++) {
            int64_t base = p * s->n * s->after + q;
            int sign =
                compare_numbers(s->x, base + a * s->after, base + b * s->after);
            if (sign != 0)
                return sign;
        }
    return 0;
}

static int
by_value(const void *context, int64_t a, int64_t b)
{
    return compare(context, a, b) > 0;
}

static ocellus_status
slices_of(const struct oc_node *node, struct slices *s)
{
    const struct oc_shape *x = &node->in[0]->shape;
    *s = (struct slices){node->in[0], -1, 1, oc_shape_count(x), 1};
    if (!oc_attr_find(node, "axis"))
        return OCELLUS_OK;
    OC_TRY(oc_axis(oc_attr_int(node, "axis", 0), x->rank, &s->axis));
    s->before = oc_shape_span(x, 0, s->axis);
    s->n = x->dim[s->axis];
    s->after = oc_shape_span(x, s->axis + 1, x->rank);
    return OCELLUS_OK;
}

static ocellus_status
group(const struct oc_node *node, const struct slices *s, struct groups *g)
{
    size_t bytes = (size_t)(s->n + 1) * sizeof(int64_t);
    int64_t *spare = malloc(bytes);
    g->order = oc_arena_alloc(node->graph->arena, bytes);
    g->begin = oc_arena_alloc(node->graph->arena, bytes);
    g->count = 0;
    if (!spare || !g->order || !g->begin) {
        free(spare);
        return no_memory();
    }
    for (int64_t i = 0; i < s->n; i++)
        g->order[i] = i;
    oc_order(g->order, spare, s->n, by_value, s);
    for (int64_t i = 0; i < s->n; i++)
        if (i == 0 || compare(s, g->order[i - 1], g->order[i]) != 0)
            g->begin[g->count++] = i;
    g->begin[g->count] = s->n;
    free(spare);
    return OCELLUS_OK;
}

static ocellus_status
unique_infer(struct oc_node *node)
{
    const struct ocellus_value *x = node->in[0];
    struct oc_shape y = x->shape, list = OC_SHAPE(OC_UNKNOWN), all = list;
    struct slices s;
    struct groups g;
    OC_TRY(slices_of(node, &s));
    if (s.axis < 0)
        y = list;
    else
        y.dim[s.axis] = OC_UNKNOWN;
    if (oc_shape_known(&x->shape))
        all.dim[0] = s.n;
    if (x->data) {
        OC_TRY(group(node, &s, &g));
        y.dim[s.axis < 0 ? 0 : s.axis] = list.dim[0] = g.count;
    }
    OC_TRY(oc_infer_out(node, 0, x->type, &y));
    OC_TRY(oc_infer_out(node, 1, OCELLUS_INT64, &list));
    OC_TRY(oc_infer_out(node, 2, OCELLUS_INT64, &all));
    return oc_infer_out(node, 3, OCELLUS_INT64, &list);
}

static int
by_first(const void *context, int64_t a, int64_t b)
{
    const struct groups *g = context;
    return g->order[g->begin[a]] > g->order[g->begin[b]];
}

/* Which group comes when: by value, or by its first slice. */
static ocellus_status
sequence(const struct oc_node *node, const struct groups *g, int64_t *rank)
{
    int64_t *spare = malloc((size_t)(g->count + 1) * sizeof *spare);
    if (!spare)
        return no_memory();
    for (int64_t k = 0; k < g->count; k++)
        rank[k] = k;
    if (oc_attr_int(node, "sorted", 1) == 0)
        oc_order(rank, spare, g->count, by_first, g);
    free(spare);
    return OCELLUS_OK;
}

static void
copy_slice(const struct slices *s, int64_t from, unsigned char *y, int64_t to,
           int64_t count)
{
    const unsigned char *x = s->x->data;
    size_t run = (size_t)s->after * oc_type_size(s->x->type);
    for (int64_t p = 0; p < s->before; p++)
        memcpy(y + (size_t)(p * count + to) * run,
               x + (size_t)(p * s->n + from) * run, run);
}

static ocellus_status
unique_eval(struct oc_node *node)
{
    struct slices s;
    struct groups g;
    OC_TRY(slices_of(node, &s));
    OC_TRY(group(node, &s, &g));
    unsigned char *y = oc_eval_out(node, 0);
    int64_t *first = oc_eval_out(node, 1), *inverse = oc_eval_out(node, 2);
    int64_t *counts = oc_eval_out(node, 3);
    int64_t *rank = oc_arena_alloc(node->graph->arena,
                                   (size_t)(g.count + 1) * sizeof *rank);
    if (!y || !first || !inverse || !counts || !rank)
        return no_memory();
    OC_TRY(sequence(node, &g, rank));
    for (int64_t k = 0; k < g.count; k++) {
        int64_t begin = g.begin[rank[k]], end = g.begin[rank[k] + 1];
        first[k] = g.order[begin];
        counts[k] = end - begin;
        for (int64_t i = begin; i < end; i++)
            inverse[g.order[i]] = k;
        copy_slice(&s, first[k], y, k, g.count);
    }
    return OCELLUS_OK;
}

const struct oc_op oc_op_Unique = {
    .name = "Unique",
    .min_in = 1,
    .max_in = 1,
    .n_out = 4,
    .host = 1,
    .infer = unique_infer,
    .eval = unique_eval,
};

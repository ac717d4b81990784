/* einsum.c - Einsum: sums of products over axes that an equation names.
 *
 * "bij,bjk->bik": a letter an axis; "..." stands for the axes that have no
 * letter, broadcast from the right; without "->" the letters that occur once
 * make the output, in alphabetic order. Everything becomes one loop nest over
 * at most MOST named axes, outer and summed, with a stride of each tensor
 * along each (0 where it has not that axis, the sum of two on a diagonal).
 *
 * The gradient of operand k is the same sum with the gradient in its place:
 * EinsumGrad's output may repeat letters (a diagonal) or have axes that no
 * operand has (a broadcast), or of extent 1 what others have wider (a sum).
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "op/pool.h"
#include "op/work.h"

#define OPERANDS 6
#define MOST 16 /* named axes */
#define DOTS                                                                   \
    OC_MAX_RANK           /* of which for "...": names 0 .. 7, from the right  \
                           */
#define NAMES (DOTS + 52) /* then a .. z, A .. Z */

/* One tensor's axes by name. */
struct term {
    int rank;
    int name[OC_MAX_RANK];
};

struct einsum {
    int n; /* operands */
    struct term in[OPERANDS], out;
    int64_t extent[NAMES]; /* 0: not there, or OC_UNKNOWN */
    int used[NAMES];       /* how often operands name it */
};

static int
name_of(char c)
{
    return c >= 'a' && c <= 'z'   ? DOTS + c - 'a'
           : c >= 'A' && c <= 'Z' ? DOTS + 26 + c - 'A'
                                  : -1;
}

/* One term of the text, up to ',', '-' or the end; rank < 0: `dots` axes for
 * "...", else what the letters leave. */
static ocellus_status
read_term(const struct oc_node *node, const char **text, int rank, int dots,
          struct term *t)
{
    int letters = 0, ellipsis = 0;
    const char *p = *text;
    for (const char *c = p; *c && *c != ',' && *c != '-'; c++)
        letters += name_of(*c) >= 0;
    if (rank >= 0)
        dots = rank - letters;
    t->rank = 0;
    for (; *p && *p != ',' && *p != '-'; p++) {
        int name = name_of(*p);
        if (*p == ' ')
            continue;
        if (strncmp(p, "...", 3) == 0 && !ellipsis++) {
            for (int k = dots - 1; k >= 0 && t->rank < OC_MAX_RANK; k--)
                t->name[t->rank++] = k;
            p += 2;
        } else if (name >= 0 && t->rank < OC_MAX_RANK) {
            t->name[t->rank++] = name;
        } else {
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "cannot read '%.20s' in the equation", p);
        }
    }
    *text = p;
    if (rank >= 0 && t->rank != rank)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "an operand of rank %d is given %d axes", rank,
                            t->rank);
    return OCELLUS_OK;
}

/* Extents of a tensor become those of the names. */
static ocellus_status
take_extents(const struct oc_node *node, struct einsum *e, const struct term *t,
             const struct oc_shape *shape)
{
    for (int k = 0; k < t->rank; k++) {
        int64_t *have = &e->extent[t->name[k]], n = shape->dim[k];
        if (e->used[t->name[k]]++ == 0 || *have == OC_UNKNOWN || *have == 1)
            *have = e->used[t->name[k]] > 1 && n == 1 ? *have : n;
        else if (n != *have && n != OC_UNKNOWN && n != 1)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "one axis has %lld and %lld elements",
                                (long long)*have, (long long)n);
    }
    return OCELLUS_OK;
}

/* What the output is without "->": "..." and what is named once. */
static ocellus_status
implicit_out(const struct oc_node *node, struct einsum *e)
{
    e->out.rank = 0;
    for (int k = 0; k < NAMES; k++) {
        /* "...": outermost first; A .. Z come before a .. z. */
        int name = k < DOTS ? DOTS - 1 - k : k < DOTS + 26 ? k + 26 : k - 26;
        if (e->used[name] == 0 || (name >= DOTS && e->used[name] > 1))
            continue;
        if (e->out.rank == OC_MAX_RANK)
            return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                                "the output would have more than %d axes",
                                OC_MAX_RANK);
        e->out.name[e->out.rank++] = name;
    }
    return OCELLUS_OK;
}

/* The equation for operands of these shapes. */
static ocellus_status
parse(const struct oc_node *node, const char *text, int n,
      const struct oc_shape *const shape[], struct einsum *e)
{
    int dots = 0;
    memset(e, 0, sizeof *e);
    e->n = n;
    for (int k = 0; k < n; k++) {
        OC_TRY(read_term(node, &text, shape[k]->rank, 0, &e->in[k]));
        OC_TRY(take_extents(node, e, &e->in[k], shape[k]));
        if ((*text == ',') != (k + 1 < n))
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "the equation does not name %d operands", n);
        text += *text == ',';
    }
    if (*text == '\0')
        return implicit_out(node, e);
    if (strncmp(text, "->", 2) != 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "cannot read '%.20s' in the equation", text);
    text += 2;
    for (int k = 0; k < DOTS; k++)
        dots += e->used[k] > 0;
    OC_TRY(read_term(node, &text, -1, dots, &e->out));
    return *text == '\0'
               ? OCELLUS_OK
               : oc_node_fail(node, OCELLUS_BAD_MODEL,
                              "the equation has more than one output");
}

static ocellus_status
check_types(const struct oc_node *node, int n)
{
    ocellus_type type = node->in[0]->type;
    if (n > OPERANDS)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "%d operands; %d are the most", n, OPERANDS);
    for (int k = 0; k < n; k++) {
        if (!node->in[k] || node->in[k]->type != type ||
            (!oc_type_is_float(type) && !oc_type_is_integer(type)))
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "operands must be numbers of one type");
        OC_TRY(oc_check_int_count(node, &node->in[k]->shape));
    }
    return OCELLUS_OK;
}

static ocellus_status
read(const struct oc_node *node, struct einsum *e)
{
    const char *text = oc_attr_text(node, "equation", NULL);
    const struct oc_shape *shape[OPERANDS] = {NULL};
    OC_TRY(check_types(node, node->n_in));
    if (!text)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "has no equation");
    for (int k = 0; k < node->n_in; k++)
        shape[k] = &node->in[k]->shape;
    return parse(node, text, node->n_in, shape, e);
}

/* ---- launches ----------------------------------------------------------- */

/* The loop nest: `out` outer axes, then `sum` summed ones. */
struct nest {
    int out, sum;
    int64_t extent[MOST];
    int64_t stride[OPERANDS + 1][MOST]; /* of operands, then of y */
    int whole;                          /* every number of y is written */
};

static void
strides(const struct term *t, const struct oc_shape *shape, int name,
        int64_t *stride)
{
    int64_t each[OC_MAX_RANK];
    oc_shape_strides(shape, each);
    *stride = 0;
    for (int k = 0; k < t->rank; k++)
        if (t->name[k] == name && shape->dim[k] != 1)
            *stride += each[k];
}

static ocellus_status
add_axis(const struct oc_node *node, const struct einsum *e, struct nest *nest,
         int name, int64_t extent)
{
    int d = nest->out + nest->sum;
    if (d == MOST)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "more than %d different axes", MOST);
    nest->extent[d] = extent;
    for (int k = 0; k < e->n; k++)
        strides(&e->in[k], &node->in[k]->shape, name, &nest->stride[k][d]);
    strides(&e->out, &node->out[0]->shape, name, &nest->stride[e->n][d]);
    return OCELLUS_OK;
}

/* Where the output names an axis first, or -1; *times: how often. */
static int
in_output(const struct einsum *e, int name, int *times)
{
    int first = -1;
    *times = 0;
    for (int k = e->out.rank - 1; k >= 0; k--)
        if (e->out.name[k] == name) {
            first = k;
            ++*times;
        }
    return first;
}

static ocellus_status
nest_of(const struct oc_node *node, const struct einsum *e, struct nest *nest)
{
    const struct oc_shape *y = &node->out[0]->shape;
    int times;
    memset(nest, 0, sizeof *nest);
    nest->whole = 1;
    for (int k = 0; k < e->out.rank; k++) {
        if (in_output(e, e->out.name[k], &times) != k)
            continue;
        OC_TRY(add_axis(node, e, nest, e->out.name[k], y->dim[k]));
        nest->whole = nest->whole && times == 1;
        nest->out++;
    }
    for (int name = 0; name < NAMES; name++) {
        int at = in_output(e, name, &times);
        int narrow = at >= 0 && y->dim[at] == 1 && e->extent[name] > 1;
        if (e->used[name] == 0 || (at >= 0 && !narrow))
            continue;
        OC_TRY(add_axis(node, e, nest, name, e->extent[name]));
        nest->sum++;
    }
    return OCELLUS_OK;
}

/* Products of all operands; sums, where an axis is summed. */
static double
operations(const struct einsum *e, const struct nest *nest)
{
    double points = 1;
    for (int k = 0; k < nest->out + nest->sum; k++)
        points *= (double)nest->extent[k];
    return points * (e->n - 1 + (nest->sum > 0));
}

double
oc_einsum_flops(const struct oc_node *node)
{
    struct einsum e;
    struct nest nest;
    if (read(node, &e) != OCELLUS_OK || nest_of(node, &e, &nest) != OCELLUS_OK)
        return 0;
    return operations(&e, &nest);
}

static size_t
list(char *text, size_t room, const int64_t *numbers, int count)
{
    size_t at = 0;
    text[0] = '\0';
    for (int k = 0; k < count && at < room; k++)
        at += (size_t)snprintf(text + at, room - at, "%d, ", (int)numbers[k]);
    return at;
}

static void
prelude(struct oc_steps *steps, struct oc_step *l, const struct nest *nest,
        int n)
{
    int axes = nest->out + nest->sum;
    char extent[256], to[256], from[1600];
    size_t at = 0;
    list(extent, sizeof extent, nest->extent, axes);
    list(to, sizeof to, nest->stride[n], axes);
    for (int k = 0; k < n; k++)
        at += list(from + at, sizeof from - at, nest->stride[k], axes);
    oc_prelude(steps, l,
               "__constant int extent[] = {%s1};\n"
               "__constant int to[] = {%s0};\n"
               "__constant int from[] = {%s0};\n",
               extent, to, from);
}

static ocellus_status
emit_sum(struct oc_steps *steps, const struct oc_node *node,
         const struct einsum *e)
{
    struct nest nest;
    int64_t count = 1, terms = 1;
    OC_TRY(nest_of(node, e, &nest));
    for (int k = 0; k < nest.out; k++)
        count *= nest.extent[k];
    for (int k = nest.out; k < nest.out + nest.sum; k++) {
        terms *= nest.extent[k];
        if (terms > INT_MAX)
            return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                                "sums of more than 2^31 terms");
    }
    if (oc_shape_count(&node->out[0]->shape) == 0)
        return OCELLUS_OK;
    if (!nest.whole)
        oc_emit_fill_out(steps, 0, 0);
    struct oc_step *l = oc_launch(steps, "einsum", "einsum");
    oc_define_type(steps, l, "x", node->in[0]->type);
    oc_define(steps, l, "OUT", nest.out);
    oc_define(steps, l, "SUM", nest.sum);
    oc_define(steps, l, "N", e->n);
    prelude(steps, l, &nest, e->n);
    for (int k = 0; k < OPERANDS; k++)
        oc_arg_in(steps, l, k < e->n ? k : 0);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, count);
    oc_arg_int(steps, l, terms);
    oc_grid1(l, count, 0);
    oc_cost(l, operations(e, &nest), 8.0 * (double)count);
    return steps->status;
}

/* ---- Einsum ------------------------------------------------------------- */

static ocellus_status
infer(struct oc_node *node)
{
    struct einsum e;
    struct oc_shape y;
    OC_TRY(read(node, &e));
    y.rank = e.out.rank;
    for (int k = 0; k < y.rank; k++) {
        int times;
        in_output(&e, e.out.name[k], &times);
        if (times > 1 || e.used[e.out.name[k]] == 0)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "output axis %d is named twice or nowhere", k);
        y.dim[k] = e.extent[e.out.name[k]];
    }
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    struct einsum e;
    OC_TRY(read(node, &e));
    return emit_sum(steps, node, &e);
}

/* The gradient, then the other operands, then the shape of operand k. */
static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    struct ocellus_value *in[OPERANDS + 1];
    for (int k = 0; k < node->n_in; k++) {
        const struct oc_shape *x = &node->in[k]->shape;
        char words[32];
        int n = 1;
        if (!dx[k])
            continue;
        in[0] = dy[0];
        for (int i = 0; i < node->n_in; i++)
            if (i != k)
                in[n++] = node->in[i];
        in[n++] = oc_ints(node->graph, x->rank, x->dim);
        snprintf(words, sizeof words, "operand=%d", k);
        dx[k] = dy[0] ? oc_apply_like(node, "EinsumGrad", words, in, n) : NULL;
    }
}

static const struct oc_impl impls[] = {
    {"direct", NULL, NULL, emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_Einsum = {
    .name = "Einsum",
    .min_in = 1,
    .max_in = OPERANDS,
    .n_out = 1,
    .infer = infer,
    .grad = grad,
    .impls = impls,
};

/* ---- EinsumGrad(dy, other operands, shape of operand k) -------------------
 */

/* Einsum's own names, with dy in operand k's place. */
static ocellus_status
turned(const struct oc_node *node, struct einsum *e, struct oc_shape *x)
{
    const struct oc_shape *shape[OPERANDS] = {NULL};
    const char *text = oc_attr_text(node, "equation", "");
    int n = node->n_in - 1, rank, k = (int)oc_attr_int(node, "operand", 0);
    struct einsum whole;
    const int64_t *dim;
    OC_TRY(check_types(node, n));
    OC_TRY(oc_host_ints(node, n, &dim, &rank));
    if (rank > OC_MAX_RANK || k < 0 || k >= n)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "operand %d of %d", k, n);
    *x = oc_shape_make(rank, dim);
    for (int i = 0, other = 1; i < n; i++)
        shape[i] = i == k ? x : &node->in[other++]->shape;
    OC_TRY(parse(node, text, n, shape, &whole));
    memset(e, 0, sizeof *e);
    e->n = n;
    e->out = whole.in[k];
    e->in[0] = whole.out;
    for (int i = 0, other = 1; i < n; i++)
        if (i != k)
            e->in[other++] = whole.in[i];
    for (int i = 0; i < n; i++) {
        if (e->in[i].rank != node->in[i]->shape.rank)
            return oc_node_fail(node, OCELLUS_BAD_MODEL, "takes a gradient");
        OC_TRY(take_extents(node, e, &e->in[i], &node->in[i]->shape));
    }
    return OCELLUS_OK;
}

static ocellus_status
grad_infer(struct oc_node *node)
{
    struct einsum e;
    struct oc_shape x;
    OC_TRY(turned(node, &e, &x));
    OC_TRY(oc_check_int_count(node, &x));
    return oc_infer_out(node, 0, node->in[0]->type, &x);
}

static ocellus_status
grad_emit(struct oc_steps *steps, const struct oc_node *node)
{
    struct einsum e;
    struct oc_shape x;
    OC_TRY(turned(node, &e, &x));
    return emit_sum(steps, node, &e);
}

static const struct oc_impl grad_impls[] = {
    {"direct", NULL, NULL, grad_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_EinsumGrad = {
    .name = "EinsumGrad",
    .min_in = 2,
    .max_in = OPERANDS + 1,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = grad_infer,
    .impls = grad_impls,
};

/* flex_attention.c - FlexAttention of ai.onnx.preview, made of other operators.
 *
 *     Y = prob_mod(softmax(score_mod(Q K^T * scale))) V
 *
 * where the two are graphs that the model brings, with what they take from
 * outside (Dong et al. 2024). Heads of K and V are shared by several of Q.
 */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "op/compose.h"
#include "op/pointwise.h"

struct flex {
    const struct oc_node *node;
    struct ocellus_graph *g;
    struct ocellus_value *const *in;
    int64_t shared;      /* heads of Q for each of K and V */
    ocellus_type inside; /* what scores and probabilities are */
};

static ocellus_status
read_flex(struct flex *f)
{
    const struct oc_shape *q = &f->in[0]->shape, *k = &f->in[1]->shape;
    const struct oc_shape *v = &f->in[2]->shape;
    int64_t precision = oc_attr_int(f->node, "softmax_precision", 0);
    char text[3][OC_SHAPE_TEXT];
    int ranks = q->rank == 4 && k->rank == 4 && v->rank == 4;
    if (!ranks || k->dim[1] < 1 || q->dim[1] % k->dim[1] != 0 ||
        k->dim[1] != v->dim[1] || k->dim[2] != v->dim[2] ||
        q->dim[3] != k->dim[3])
        return oc_fail(OCELLUS_BAD_MODEL,
                       "queries %s, keys %s and values %s do not fit; batch x "
                       "heads x length x width is taken",
                       oc_shape_text(q, text[0]), oc_shape_text(k, text[1]),
                       oc_shape_text(v, text[2]));
    f->shared = q->dim[1] / k->dim[1];
    f->inside =
        f->in[0]->type == OCELLUS_DOUBLE ? OCELLUS_DOUBLE : OCELLUS_FLOAT;
    if (precision != 0)
        f->inside = (ocellus_type)precision;
    if (!oc_type_is_float(f->inside))
        return oc_fail(OCELLUS_BAD_MODEL, "scores of element type %lld",
                       (long long)precision);
    return OCELLUS_OK;
}

/* batch x heads x ... -> batch x heads of K x shared x ..., and back */
static struct ocellus_value *
grouped(const struct flex *f, struct ocellus_value *x)
{
    if (x == NULL)
        return NULL;
    const int64_t dims[] = {0, x->shape.dim[1] / f->shared, f->shared,
                            x->shape.dim[2], x->shape.dim[3]};
    return oc_reshape_to(x, 5, dims);
}

static struct ocellus_value *
flat(const struct flex *f, struct ocellus_value *x)
{
    if (x == NULL)
        return NULL;
    const int64_t dims[] = {0, f->in[0]->shape.dim[1], x->shape.dim[3],
                            x->shape.dim[4]};
    return oc_reshape_to(x, 4, dims);
}

/* a b, a by heads of Q and b by heads of K. */
static struct ocellus_value *
product(const struct flex *f, struct ocellus_value *a, struct ocellus_value *b)
{
    return flat(
        f, OC_NODE(f->g, "MatMul", NULL, grouped(f, a), oc_unsqueeze_at(b, 2)));
}

/* The model's own graph `name`, if there is one, on *x. What graphs take from
 * outside are the node's last inputs, in the order of the attributes. */
static ocellus_status
modify(const struct flex *f, const char *name, const struct oc_shape *shape,
       struct ocellus_value **x)
{
    int at = 3;
    for (int k = 0; k < f->node->n_attr; k++) {
        const struct oc_attr *attr = &f->node->attr[k];
        if (attr->kind != OC_ATTR_GRAPH)
            continue;
        int n = attr->graph->n_inputs;
        if (strcmp(attr->name, name) != 0) {
            at += n - 1;
            continue;
        }
        if (attr->count != 1 || n < 1 || attr->graph->n_outputs != 1 ||
            at + n - 1 > f->node->n_in)
            return oc_fail(OCELLUS_BAD_MODEL,
                           "%s takes %d values and gives %d; one each is "
                           "wanted",
                           name, attr->count, attr->graph->n_outputs);
        struct ocellus_value **in =
            oc_arena_alloc(f->g->arena, (size_t)n * sizeof(*in));
        char *prefix =
            oc_arena_printf(f->g->arena, "%s/%s/", f->node->name, name);
        if (in == NULL || prefix == NULL)
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %s", name);
        in[0] = *x;
        memcpy(in + 1, f->in + at, (size_t)(n - 1) * sizeof(*in));
        OC_TRY(oc_graph_inline(f->g, attr->graph, prefix, in, x));
        OC_TRY(oc_composed(f->g));
        return oc_shape_equal(&(*x)->shape, shape)
                   ? OCELLUS_OK
                   : oc_fail(OCELLUS_UNSUPPORTED,
                             "what %s makes has another shape", name);
    }
    return oc_composed(f->g);
}

static ocellus_status
expand(const struct oc_node *node, struct ocellus_graph *to,
       struct ocellus_value *const *in, struct ocellus_value **out, int *done)
{
    struct flex f = {.node = node, .g = to, .in = in};
    OC_TRY(read_flex(&f));
    int64_t width = in[0]->shape.dim[3];
    double scale =
        oc_attr_float(node, "scale", width ? 1 / sqrt((double)width) : 1);
    struct ocellus_value *k =
        OC_NODE(to, "Transpose", "perm=0,1,3,2", oc_cast_to(in[1], f.inside));
    struct ocellus_value *x = product(&f, oc_cast_to(in[0], f.inside), k);
    OC_TRY(oc_composed(to));
    x = OC_NODE(to, "Mul", NULL, x, oc_scalar_like(x, scale));
    struct oc_shape shape = x->shape;
    OC_TRY(modify(&f, "score_mod", &shape, &x));
    x = OC_NODE(to, "Softmax", "axis=-1", x);
    OC_TRY(modify(&f, "prob_mod", &shape, &x));
    x = product(&f, x, oc_cast_to(in[2], x->type));
    out[0] = oc_cast_to(x, in[0]->type);
    *done = 1;
    return OCELLUS_OK;
}

const struct oc_op oc_op_FlexAttention = {
    .name = "FlexAttention",
    .domain = "ai.onnx.preview",
    .min_in = 3,
    .max_in = INT_MAX,
    .n_out = 1,
    .expand = expand,
};

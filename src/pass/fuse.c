/* fuse.c - see fuse.h. */
#include "pass/fuse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "op/epilogue.h"
#include "op/impl.h"
#include "op/pointwise.h"

#define MOST_EXTRAS 2
#define MOST_TEXT 900

struct fusing {
    struct ocellus_graph *graph;
    int *readers;            /* per value */
    struct oc_node **reader; /* the last one found */
};

static void
count(struct fusing *f)
{
    const struct ocellus_graph *g = f->graph;
    memset(f->readers, 0, (size_t)g->n_values * sizeof *f->readers);
    for (int k = 0; k < g->n_nodes; k++)
        for (int i = 0; i < g->nodes[k]->n_in; i++) {
            const struct ocellus_value *in = g->nodes[k]->in[i];
            if (in == NULL)
                continue;
            f->readers[in->id]++;
            f->reader[in->id] = g->nodes[k];
        }
    /* An output or a new state is read by somebody who is no node. */
    for (int k = 0; k < g->n_outputs; k++)
        f->readers[g->outputs[k]->id] += 2;
    for (int k = 0; k < g->n_states; k++)
        if (g->states[k]->assigned != NULL)
            f->readers[g->states[k]->assigned->id] += 2;
}

/* Those that gain most first: a residual sum goes into the convolution, not
 * the convolution's neighbour into the sum. */
static int
rank(const struct oc_node *node)
{
    return (node->op->flags & OC_OP_POINTWISE) ? 1 : 0;
}

/* Formulas are over float32, from and to tensors of one of these types: what is
 * fused is not rounded between. */
static int
in_float(const struct ocellus_value *value)
{
    return value->type == OCELLUS_FLOAT || value->type == OCELLUS_FLOAT16 ||
           value->type == OCELLUS_BFLOAT16;
}

/* All of its implementations must be able to: a fast one that had to refuse
 * would cost more than a fusion gains. */
static int
takes_epilogue(const struct oc_node *node)
{
    const struct oc_impl *i = node->op->impls;
    if (i == NULL || !in_float(node->out[0]))
        return 0;
    for (; i->name != NULL; i++)
        if (!(i->flags & OC_IMPL_EPILOGUE))
            return 0;
    return 1;
}

/* The chain so far, as it will become the node's epilogue. */
struct chain {
    char formula[MOST_TEXT];
    struct ocellus_value *extra[MOST_EXTRAS];
    int n_extra, most_extras;
    float scalar[OC_POINTWISE_SCALARS];
    int n_scalar;
};

static void
start(const struct oc_node *node, struct chain *c)
{
    /* Convolutions and products read one tensor more at most, a formula no
     * more than it has letters for. */
    int room = rank(node) ? OC_POINTWISE_IN - oc_own_inputs(node) : 1;
    room = room < 0 ? 0 : room;
    *c = (struct chain){.formula = "v",
                        .most_extras = room < MOST_EXTRAS ? room : MOST_EXTRAS};
    /* Its kernel does not see its second input, behind which extras stand. */
    if (strcmp(node->op->name, "CastLike") == 0)
        c->most_extras = 0;
    const struct oc_epilogue *e = node->epilogue;
    if (e == NULL)
        return;
    snprintf(c->formula, sizeof c->formula, "%s", e->formula);
    c->n_extra = e->n_extra;
    c->n_scalar = e->n_scalar;
    memcpy(c->scalar, e->scalar, sizeof e->scalar);
    for (int k = 0; k < e->n_extra && k < MOST_EXTRAS; k++)
        c->extra[k] = node->in[node->n_in - e->n_extra + k];
}

/* What each input of the reader is called inside the formula; 0 when one of
 * them cannot be had there. */
static int
name_inputs(const struct oc_node *reader, const struct ocellus_value *v,
            struct chain *c, const char *name[])
{
    static const char *const extras[] = {"e0", "e1"};
    for (int k = 0; k < reader->n_in; k++) {
        struct ocellus_value *in = reader->in[k];
        if (in == v)
            name[k] = c->formula;
        else if (in != NULL && oc_is_host_scalar(in))
            name[k] = NULL;
        else if (in != NULL && in->type == v->type && in->data == NULL &&
                 c->n_extra < c->most_extras &&
                 oc_shape_equal(&in->shape, &v->shape)) {
            name[k] = extras[c->n_extra];
            c->extra[c->n_extra++] = in;
        } else
            return 0;
    }
    return 1;
}

static int
extend(const struct oc_node *reader, const struct ocellus_value *v,
       struct chain *c)
{
    struct chain longer = *c;
    struct oc_text text = {0};
    const char *name[OC_POINTWISE_IN];
    if (!(reader->op->flags & OC_OP_POINTWISE) ||
        reader->n_in > OC_POINTWISE_IN || reader->epilogue != NULL ||
        reader->out[0]->type != v->type || !in_float(v) ||
        !oc_shape_equal(&reader->out[0]->shape, &v->shape) ||
        !name_inputs(reader, v, &longer, name))
        return 0;
    int ok = oc_formula_of(reader, name, &text, longer.scalar,
                           &longer.n_scalar) == OCELLUS_OK &&
             !text.failed && text.length < MOST_TEXT;
    if (ok) {
        memcpy(longer.formula, text.data, text.length + 1);
        *c = longer;
    }
    oc_text_free(&text);
    return ok;
}

static ocellus_status
apply(struct oc_node *node, const struct chain *c)
{
    struct oc_arena *arena = node->graph->arena;
    int own = oc_own_inputs(node), n = own + c->n_extra;
    struct oc_epilogue *e = oc_arena_alloc(arena, sizeof *e);
    struct ocellus_value **in =
        oc_arena_alloc(arena, (size_t)(n + 1) * sizeof *in);
    if (e == NULL || in == NULL ||
        (e->formula = oc_arena_strdup(arena, c->formula)) == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to fuse");
    for (int k = 0; k < own; k++)
        in[k] = node->in[k];
    for (int k = 0; k < c->n_extra; k++)
        in[own + k] = c->extra[k];
    e->n_extra = c->n_extra;
    e->n_scalar = c->n_scalar;
    memcpy(e->scalar, c->scalar, sizeof e->scalar);
    node->in = in;
    node->n_in = n;
    node->epilogue = e;
    return OCELLUS_OK;
}

/* Swallows readers of node's output for as long as there is one only. */
static ocellus_status
swallow(struct fusing *f, struct oc_node *node)
{
    struct chain c;
    struct ocellus_value *v = node->out[0];
    int swallowed = 0;
    start(node, &c);
    struct oc_node *last = NULL;
    for (const struct ocellus_value *at = v; f->readers[at->id] == 1;) {
        struct oc_node *reader = f->reader[at->id];
        if (!extend(reader, at, &c))
            break;
        last = reader;
        at = reader->out[0];
        swallowed++;
    }
    if (swallowed == 0)
        return OCELLUS_OK;
    OC_TRY(apply(node, &c));
    oc_graph_replace(f->graph, last->out[0], v, NULL);
    /* The extras are read here now, no more by what was swallowed. */
    for (int k = 0; k < c.n_extra; k++)
        f->reader[c.extra[k]->id] = node;
    /* v takes the last one's readers over; the swallowed have none left. */
    f->readers[v->id] = f->readers[last->out[0]->id];
    f->reader[v->id] = f->reader[last->out[0]->id];
    f->readers[last->out[0]->id] = 0;
    return OCELLUS_OK;
}

ocellus_status
oc_fuse_pass(struct ocellus_graph *graph)
{
    size_t n = (size_t)graph->n_values + 1;
    struct fusing f = {graph, calloc(n, sizeof(int)),
                       calloc(n, sizeof(struct oc_node *))};
    ocellus_status status = OCELLUS_OK;
    if (f.readers == NULL || f.reader == NULL)
        OC_TRY_OUT(oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to fuse"));
    for (int round = 0; round < 2; round++) {
        OC_TRY_OUT(oc_graph_sort(graph));
        OC_TRY_OUT(oc_graph_prune(graph));
        count(&f);
        for (int k = 0; k < graph->n_nodes; k++) {
            struct oc_node *node = graph->nodes[k];
            if (rank(node) == round && f.readers[node->out[0]->id] > 0 &&
                takes_epilogue(node))
                OC_TRY_OUT(swallow(&f, node));
        }
    }
    OC_TRY_OUT(oc_graph_sort(graph));
    OC_TRY_OUT(oc_graph_prune(graph));
out:
    free(f.readers);
    free(f.reader);
    return status;
}

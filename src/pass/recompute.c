/* recompute.c - see recompute.h.
 *
 * A value is *wanted* when the backward sweep reads it. A wanted value is made
 * again when its node is cheap and everything that the node reads is there: it
 * is wanted itself, or made again, too. A residual net would so be made again
 * from its first block; one in HOPS sums is kept instead.
 */
#include "pass/recompute.h"

#include <stdlib.h>
#include <string.h>

#include "graph/op.h"
#include "op/work.h"

enum {
    LEAST_BYTES = 1 << 18, /* what is less is kept, unless `always` */
    HOPS = 8,
    BYTE = 8,  /* operations that take as long as a byte on its way */
    SHARE = 32 /* of a step that may go into making again */
};

struct again {
    struct ocellus_graph *graph;
    int n_forward, n_backward; /* nodes [n_forward, n_backward) */
    int always;
    char *wanted;                /* per value */
    char *can;                   /* per value: may be made again; */
    int *hops;                   /* ... through so many sums; */
    char *needed;                /* ... and is to be */
    struct ocellus_value **twin; /* per value: the second one */
    double bytes;                /* that are made again */
};

static int
is_norm(const struct oc_node *node)
{
    return strcmp(node->op->name, "BatchNormalization") == 0 &&
           oc_attr_int(node, "training_mode", 0) && node->n_out > 4;
}

static int
is_cheap(const struct oc_node *node)
{
    return node->n_in <= OC_MAX_IN &&
           (is_norm(node) ||
            (node->op->flags & OC_OP_POINTWISE && node->n_out == 1));
}

/* Inputs that decide: tensors made in the step. */
static int
is_made(const struct again *a, const struct ocellus_value *value)
{
    return value && value->kind == OC_RESULT && !value->data &&
           value->node->id < a->n_forward;
}

static double
bytes_of(const struct ocellus_value *value)
{
    return (double)oc_shape_count(&value->shape) *
           (double)oc_type_size(value->type);
}

static void
find_wanted(struct again *a)
{
    const struct ocellus_graph *g = a->graph;

    for (int k = a->n_forward; k < a->n_backward; k++)
        for (int i = 0; i < g->nodes[k]->n_in; i++)
            if (is_made(a, g->nodes[k]->in[i]))
                a->wanted[g->nodes[k]->in[i]->id] = 1;
}

/* In the order of the forward sweep. */
static void
judge(struct again *a, const struct oc_node *node)
{
    struct ocellus_value *y = node->out[0];
    int made = 0, hops = 0;

    if (!is_cheap(node) || (!a->always && bytes_of(y) < LEAST_BYTES))
        return;
    for (int k = 0; k < node->n_in; k++) {
        const struct ocellus_value *in = node->in[k];

        if (!is_made(a, in))
            continue;
        if (!a->wanted[in->id] && !a->can[in->id])
            return;
        made++;
        if (a->can[in->id] && a->hops[in->id] > hops)
            hops = a->hops[in->id];
    }
    hops += made > 1;
    if (made == 0 || (a->wanted[y->id] && hops >= HOPS))
        return;
    a->can[y->id] = 1;
    a->hops[y->id] = hops;
}

/* From the last node to the first: what is wanted and can be made again, and
 * what that is made of. */
static void
find_needed(struct again *a)
{
    for (int k = a->n_forward - 1; k >= 0; k--) {
        const struct oc_node *node = a->graph->nodes[k];
        const struct ocellus_value *y = node->out[0];

        a->needed[y->id] |= a->can[y->id] && a->wanted[y->id];
        if (!a->needed[y->id])
            continue;
        if (a->wanted[y->id]) /* others are fused */
            a->bytes += 2 * bytes_of(y);
        for (int i = 0; i < node->n_in; i++)
            if (is_made(a, node->in[i]) && a->can[node->in[i]->id])
                a->needed[node->in[i]->id] = 1;
    }
}

static int
pays(const struct again *a)
{
    double flops = 0;

    for (int k = 0; k < a->n_forward; k++)
        flops += 3 * oc_node_flops(a->graph->nodes[k]);
    return a->bytes * BYTE * SHARE <= flops;
}

static struct ocellus_value *
second(const struct again *a, struct ocellus_value *value)
{
    return value && a->twin[value->id] ? a->twin[value->id] : value;
}

static struct ocellus_value *
apply_norm(const struct again *a, const struct oc_node *node)
{
    return OC_NODE_LIKE(node, "BatchNormalization",
                        "training_mode=0 inverse_deviation=1",
                        second(a, node->in[0]), node->in[1], node->in[2],
                        node->out[3], node->out[4]);
}

static ocellus_status
make(struct again *a, const struct oc_node *node)
{
    struct ocellus_value *in[OC_MAX_IN], *y;

    for (int k = 0; k < node->n_in; k++)
        in[k] = second(a, node->in[k]);
    y = is_norm(node) ? apply_norm(a, node)
                      : oc_apply_attrs(a->graph, node->op, NULL, node->n_attr,
                                       node->attr, in, node->n_in, 1);
    if (!y)
        return oc_fail(a->graph->status, "%s", a->graph->sentence);
    a->twin[node->out[0]->id] = y;
    return OCELLUS_OK;
}

static ocellus_status
make_all(struct again *a)
{
    for (int k = 0; k < a->n_forward; k++)
        if (a->needed[a->graph->nodes[k]->out[0]->id])
            OC_TRY(make(a, a->graph->nodes[k]));
    for (int k = a->n_forward; k < a->n_backward; k++) {
        struct oc_node *node = a->graph->nodes[k];

        for (int i = 0; i < node->n_in; i++)
            if (is_made(a, node->in[i]))
                node->in[i] = second(a, node->in[i]);
    }
    return OCELLUS_OK;
}

ocellus_status
oc_recompute_pass(struct ocellus_graph *graph, int n_forward, int always)
{
    const size_t values = (size_t)graph->n_values + 1;
    struct again a = {.graph = graph,
                      .n_forward = n_forward,
                      .n_backward = graph->n_nodes,
                      .always = always,
                      .wanted = calloc(values, 1),
                      .can = calloc(values, 1),
                      .hops = calloc(values, sizeof(*a.hops)),
                      .needed = calloc(values, 1),
                      .twin = calloc(values, sizeof(*a.twin))};
    ocellus_status status = OCELLUS_OK;

    if (!a.wanted || !a.can || !a.hops || !a.needed || !a.twin)
        OC_TRY_OUT(oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a pass"));
    find_wanted(&a);
    for (int k = 0; k < n_forward; k++)
        judge(&a, graph->nodes[k]);
    find_needed(&a);
    if (always || pays(&a))
        OC_TRY_OUT(make_all(&a));
out:
    free(a.wanted);
    free(a.can);
    free(a.hops);
    free(a.needed);
    free(a.twin);
    return status;
}

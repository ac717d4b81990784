/* split.c - open graphs: who waits, for what, and what can run before.
 *
 *   bound graph:   x -> Conv -> NonZero(waits) -> Gather(waits) -> y
 *   head:          x -> Conv -> crossing
 *   rest:          crossing -> NonZero -> Gather -> y
 *
 * After the head has run, the rest is bound with the numbers of what crosses,
 * so NonZero is evaluated while binding, and Gather has its shape. What waits
 * then still makes the rest a head and a rest of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "graph/inside.h"

const struct oc_node *
oc_graph_waiting(const struct ocellus_graph *graph)
{
    for (int k = 0; k < graph->n_nodes; k++)
        if (graph->nodes[k]->waits)
            return graph->nodes[k];
    return NULL;
}

/* ---- numbers wanted on the host ------------------------------------------ */

/* Numbers of a node's result are made on the host from its inputs' numbers. */
static int
follows(const struct oc_node *node)
{
    return node->op->eval != NULL || (node->op->flags & OC_OP_VIEW);
}

static void
want_inputs(const struct oc_node *node, char *wanted)
{
    uint32_t mask = node->waits ? node->op->host | node->missing : 0;
    int all = 0;
    for (int k = 0; k < node->n_out; k++)
        all |= wanted[node->out[k]->id] && follows(node);
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] != NULL && (all || (k < 32 && (mask >> k) & 1)))
            wanted[node->in[k]->id] = 1;
}

int
oc_graph_host_inputs(const struct ocellus_graph *graph, char *on_host)
{
    int changed = 0;
    char *wanted = calloc((size_t)graph->n_values + 1, 1);
    if (wanted == NULL)
        return 0;
    for (int k = graph->n_nodes - 1; k >= 0; k--)
        want_inputs(graph->nodes[k], wanted);
    for (int k = 0; k < graph->n_inputs; k++)
        if (wanted[graph->inputs[k]->id] && !on_host[k]) {
            on_host[k] = 1;
            changed = 1;
        }
    free(wanted);
    return changed;
}

int
oc_graph_more_host_inputs(const struct ocellus_graph *graph,
                          const struct ocellus_graph *bound, char *on_host)
{
    int changed = 0;
    char *wanted = calloc((size_t)bound->n_inputs + 1, 1);
    if (wanted == NULL)
        return 0;
    oc_graph_host_inputs(bound, wanted);
    for (int k = 0; k < graph->n_inputs; k++)
        for (int i = 0; i < bound->n_inputs; i++)
            if (wanted[i] && !on_host[k] &&
                strcmp(bound->inputs[i]->name, graph->inputs[k]->name) == 0)
                on_host[k] = (char)(changed = 1);
    free(wanted);
    return changed;
}

/* ---- head and rest ---------------------------------------------------------
 */

struct splitting {
    struct ocellus_graph *graph;
    struct oc_copying head, rest;
    char *crosses; /* by value id */
};

static ocellus_status
failure(const struct ocellus_graph *graph)
{
    return oc_fail(graph->status ? graph->status : OCELLUS_OUT_OF_MEMORY, "%s",
                   graph->sentence ? graph->sentence : "no memory for a graph");
}

static int
made_by_head(const struct ocellus_value *value)
{
    return value != NULL && value->kind == OC_RESULT && value->data == NULL &&
           !value->unknown;
}

static void
find_crossing(struct splitting *s)
{
    for (int k = 0; k < s->graph->n_nodes; k++) {
        const struct oc_node *node = s->graph->nodes[k];
        for (int i = 0; node->waits && i < node->n_in; i++)
            if (made_by_head(node->in[i]))
                s->crosses[node->in[i]->id] = 1;
    }
}

static ocellus_status
copy_inputs(struct splitting *s, struct oc_copying *c)
{
    for (int k = 0; k < s->graph->n_inputs; k++) {
        const struct ocellus_value *in = s->graph->inputs[k];
        c->map[in->id] = oc_graph_input(c->to, in->name, in->type, &in->shape);
        if (c->map[in->id] == NULL)
            return failure(c->to);
    }
    return OCELLUS_OK;
}

static ocellus_status
cross(struct splitting *s, const struct ocellus_value *value)
{
    const char *name =
        oc_arena_printf(s->head.to->arena, "%s#%d", value->name, value->id);
    if (name == NULL)
        return failure(s->head.to);
    OC_TRY(oc_graph_output(s->head.to, name, s->head.map[value->id]));
    s->rest.map[value->id] =
        oc_graph_input(s->rest.to, name, value->type, &value->shape);
    return s->rest.map[value->id] ? OCELLUS_OK : failure(s->rest.to);
}

/* What the head's nodes know on the host is a constant of the rest. */
static ocellus_status
copy_known(struct splitting *s)
{
    for (int k = 0; k < s->graph->n_values; k++) {
        const struct ocellus_value *value = s->graph->values[k];
        int leaf = value->kind == OC_CONSTANT || value->kind == OC_STATE;
        if (leaf)
            OC_TRY(oc_copy_leaf(&s->head, value));
        if (leaf || (value->kind == OC_RESULT && value->data != NULL))
            OC_TRY(oc_copy_leaf(&s->rest, value));
        /* The store has a state's numbers by now. */
        if (value->kind == OC_STATE)
            s->rest.map[value->id]->data = NULL;
    }
    return OCELLUS_OK;
}

static ocellus_status
fill_head(struct splitting *s, int *n_out)
{
    const struct ocellus_graph *g = s->graph;
    OC_TRY(copy_inputs(s, &s->head));
    OC_TRY(copy_inputs(s, &s->rest));
    OC_TRY(copy_known(s));
    for (int k = 0; k < g->n_nodes; k++)
        if (!g->nodes[k]->waits)
            OC_TRY(oc_copy_node(&s->head, g->nodes[k]));
    for (int k = 0; k < g->n_outputs; k++)
        if (!g->outputs[k]->unknown)
            OC_TRY(oc_graph_output(s->head.to, g->output_names[k],
                                   s->head.map[g->outputs[k]->id]));
    *n_out = s->head.to->n_outputs;
    for (int k = 0; k < g->n_values; k++)
        if (s->crosses[k])
            OC_TRY(cross(s, g->values[k]));
    return oc_graph_prune(s->head.to);
}

static ocellus_status
fill_rest(struct splitting *s)
{
    const struct ocellus_graph *g = s->graph;
    for (int k = 0; k < g->n_nodes; k++)
        if (g->nodes[k]->waits)
            OC_TRY(oc_copy_node(&s->rest, g->nodes[k]));
    for (int k = 0; k < g->n_outputs; k++)
        if (g->outputs[k]->unknown)
            OC_TRY(oc_graph_output(s->rest.to, g->output_names[k],
                                   s->rest.map[g->outputs[k]->id]));
    return OCELLUS_OK;
}

static ocellus_status
split(struct splitting *s, int *n_out)
{
    size_t n = (size_t)s->graph->n_values + 1;
    struct oc_copying *half[2] = {&s->head, &s->rest};
    for (int k = 0; k < 2; k++) {
        half[k]->from = s->graph;
        OC_TRY(oc_graph_create(&half[k]->to));
        half[k]->to->open = 1;
        half[k]->to->seed = s->graph->seed;
        half[k]->to->precision = s->graph->precision;
        OC_TRY(oc_graph_keep(half[k]->to, s->graph));
        half[k]->map = calloc(n, sizeof(*half[k]->map));
        if (half[k]->map == NULL)
            return failure(s->graph);
    }
    s->crosses = calloc(n, 1);
    if (s->crosses == NULL)
        return failure(s->graph);
    find_crossing(s);
    OC_TRY(fill_head(s, n_out));
    return fill_rest(s);
}

ocellus_status
oc_graph_split(struct ocellus_graph *graph, struct ocellus_graph **head,
               int *n_out, struct ocellus_graph **rest)
{
    struct splitting s = {.graph = graph};
    ocellus_status status = split(&s, n_out);
    free(s.head.map);
    free(s.rest.map);
    free(s.crosses);
    *head = s.head.to;
    *rest = s.rest.to;
    if (status == OCELLUS_OK)
        return status;
    oc_graph_destroy(*head);
    oc_graph_destroy(*rest);
    *head = *rest = NULL;
    return status;
}

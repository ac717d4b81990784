/* sort.c - the order of nodes, and who reads what. */
#include <stdlib.h>

#include "graph/inside.h"

struct sorting {
    struct ocellus_graph *graph;
    struct oc_node **order; /* so far */
    struct oc_node **stack;
    int *next;   /* per node: the input to look at next */
    char *state; /* 0 unseen, 1 on the stack, 2 done */
    int count, depth;
};

static struct oc_node *
maker(const struct ocellus_value *value)
{
    if (value == NULL || value->kind != OC_RESULT || value->data != NULL)
        return NULL;
    return value->node;
}

/* Depth first, with a stack of our own: a hostile graph is deep. */
static ocellus_status
visit(struct sorting *s, struct oc_node *root)
{
    s->stack[s->depth++] = root;
    s->state[root->id] = 1;
    while (s->depth > 0) {
        struct oc_node *node = s->stack[s->depth - 1];
        if (s->next[node->id] == node->n_in) {
            s->state[node->id] = 2;
            s->order[s->count++] = node;
            s->depth--;
            continue;
        }
        struct oc_node *before = maker(node->in[s->next[node->id]++]);
        if (before == NULL || s->state[before->id] == 2)
            continue;
        if (s->state[before->id] == 1)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "takes part in a cycle");
        s->state[before->id] = 1;
        s->stack[s->depth++] = before;
    }
    return OCELLUS_OK;
}

ocellus_status
oc_graph_sort(struct ocellus_graph *graph)
{
    size_t n = (size_t)graph->n_nodes + 1;
    struct sorting s = {.graph = graph,
                        .order = calloc(n, sizeof(struct oc_node *)),
                        .stack = calloc(n, sizeof(struct oc_node *)),
                        .next = calloc(n, sizeof(int)),
                        .state = calloc(n, 1)};
    ocellus_status status = OCELLUS_OK;
    if (!s.order || !s.stack || !s.next || !s.state)
        status = oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to sort a graph");
    for (int k = 0; k < graph->n_nodes; k++)
        graph->nodes[k]->id = k;
    for (int k = 0; k < graph->n_nodes && status == OCELLUS_OK; k++)
        if (s.state[k] == 0)
            status = visit(&s, graph->nodes[k]);
    for (int k = 0; k < graph->n_nodes && status == OCELLUS_OK; k++) {
        graph->nodes[k] = s.order[k];
        graph->nodes[k]->id = k;
    }
    free(s.order);
    free(s.stack);
    free(s.next);
    free(s.state);
    return status;
}

void
oc_graph_replace(struct ocellus_graph *graph, const struct ocellus_value *from,
                 struct ocellus_value *to, const struct oc_node *except)
{
    for (int k = 0; k < graph->n_nodes; k++)
        for (int i = 0; i < graph->nodes[k]->n_in; i++)
            if (graph->nodes[k]->in[i] == from && graph->nodes[k] != except)
                graph->nodes[k]->in[i] = to;
    for (int k = 0; k < graph->n_outputs; k++)
        if (graph->outputs[k] == from)
            graph->outputs[k] = to;
    for (int k = 0; k < graph->n_states; k++)
        if (graph->states[k]->assigned == from)
            graph->states[k]->assigned = to;
}

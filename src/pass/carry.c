/* carry.c - see carry.h. */
#include "pass/carry.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "graph/op.h"

/* Inputs of LSTM, GRU and RNN as ONNX has them. */
enum { FIRST_H = 5, FIRST_C = 6, MOST_IN = 8 };

/* How many states a node has. */
static int
states_of(const struct oc_node *node)
{
    if (strcmp(node->op->name, "LSTM") == 0)
        return 2;
    return strcmp(node->op->name, "GRU") == 0 ||
           strcmp(node->op->name, "RNN") == 0;
}

/* State `k` of all, `which` of the node's. */
static ocellus_status
carry(struct oc_node *node, int which, int k)
{
    struct ocellus_graph *graph = node->graph;
    struct ocellus_value *last = node->out[1 + which];
    char name[32];

    snprintf(name, sizeof name, "state:%d", k);
    node->in[FIRST_H + which] =
        oc_graph_input(graph, name, last->type, &last->shape);
    if (node->in[FIRST_H + which] == NULL)
        return oc_fail(graph->status, "%s", graph->sentence);
    snprintf(name, sizeof name, "next:%d", k);
    return oc_graph_output(graph, name, last);
}

static ocellus_status
carry_all(struct oc_node *node, int *states)
{
    const int own = states_of(node);
    const char *direction = oc_attr_text(node, "direction", "forward");
    struct ocellus_value **in;

    if (own == 0)
        return OCELLUS_OK;
    if (strcmp(direction, "forward") != 0)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "it reads from the end (%s), so it cannot go on "
                            "from step to step",
                            direction);
    in = oc_arena_alloc(node->graph->arena, MOST_IN * sizeof *in);
    if (in == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a graph");
    memset(in, 0, MOST_IN * sizeof *in);
    memcpy(in, node->in, (size_t)node->n_in * sizeof *in);
    node->in = in;
    if (node->n_in < FIRST_H + own)
        node->n_in = FIRST_H + own;
    for (int which = 0; which < own; which++)
        OC_TRY(carry(node, which, (*states)++));
    return OCELLUS_OK;
}

ocellus_status
oc_carry_copy(const struct ocellus_graph *graph, struct ocellus_graph **copy,
              int *states)
{
    struct ocellus_graph *made;
    ocellus_status status = OCELLUS_OK;

    *copy = NULL;
    *states = 0;
    OC_TRY(oc_graph_copy(graph, &made));
    for (int k = 0; status == OCELLUS_OK && k < made->n_nodes; k++)
        status = carry_all(made->nodes[k], states);
    /* Copied once more: what only served a given first state goes, and all
     * shapes are inferred again. */
    if (status == OCELLUS_OK)
        status = oc_graph_prune(made);
    if (status == OCELLUS_OK)
        status = oc_graph_copy(made, copy);
    oc_graph_destroy(made);
    return status == OCELLUS_OK
               ? status
               : oc_fail_context(status, "carrying states on: ");
}

/* early.c - see early.h. */
#include "pass/early.h"

#include <stdlib.h>

enum { LEAST_BYTES = 1 << 20 };

/* Of a node: */
struct update {
    int moves;
    int behind; /* the last node that has to come before it */
    int first;  /* of those that come behind it, or -1 */
    int next;   /* of those behind the same node, or -1 */
};

struct moving {
    struct ocellus_graph *graph;
    struct update *of; /* per node */
    struct oc_node **order;
};

/* Who makes the new number of a state, or NULL. */
static struct oc_node *
updater(const struct ocellus_value *state)
{
    const struct ocellus_value *next =
        state && state->kind == OC_STATE ? state->assigned : NULL;

    return next && next->kind == OC_RESULT && !next->data ? next->node : NULL;
}

static void
find_large(struct moving *m)
{
    const struct ocellus_graph *g = m->graph;

    for (int k = 0; k < g->n_states; k++) {
        const struct ocellus_value *state = g->states[k];
        const struct oc_node *node = updater(state);

        if (node &&
            (size_t)oc_shape_count(&state->shape) * oc_type_size(state->type) >=
                LEAST_BYTES)
            m->of[node->id].moves = 1;
    }
}

/* Whoever is read by a node stays before it, and so does who reads the old
 * number of a state that another node assigns. */
static void
leave_out(struct moving *m)
{
    const struct ocellus_graph *g = m->graph;

    for (int k = 0; k < g->n_nodes; k++)
        for (int i = 0; i < g->nodes[k]->n_in; i++) {
            const struct ocellus_value *in = g->nodes[k]->in[i];
            const struct oc_node *other = updater(in);

            if (in && in->kind == OC_RESULT)
                m->of[in->node->id].moves = 0;
            if (other && other != g->nodes[k])
                m->of[k].moves = 0;
        }
}

static void
find_places(struct moving *m)
{
    const struct ocellus_graph *g = m->graph;

    for (int k = 0; k < g->n_nodes; k++)
        for (int i = 0; i < g->nodes[k]->n_in; i++) {
            const struct ocellus_value *in = g->nodes[k]->in[i];
            const struct oc_node *other = updater(in);

            if (m->of[k].moves && in && in->kind == OC_RESULT &&
                in->node->id > m->of[k].behind)
                m->of[k].behind = in->node->id;
            if (other && other->id != k && k > m->of[other->id].behind)
                m->of[other->id].behind = k;
        }
    for (int k = g->n_nodes - 1; k >= 0; k--) {
        struct update *u = &m->of[k];

        if (!u->moves || u->behind < 0)
            continue;
        u->next = m->of[u->behind].first;
        m->of[u->behind].first = k;
    }
}

static void
move(struct moving *m)
{
    struct ocellus_graph *g = m->graph;
    int count = 0;

    for (int k = 0; k < g->n_nodes; k++) {
        if (!m->of[k].moves || m->of[k].behind < 0)
            m->order[count++] = g->nodes[k];
        for (int u = m->of[k].first; u >= 0; u = m->of[u].next)
            m->order[count++] = g->nodes[u];
    }
    for (int k = 0; k < g->n_nodes; k++) {
        g->nodes[k] = m->order[k];
        g->nodes[k]->id = k;
    }
}

ocellus_status
oc_early_pass(struct ocellus_graph *graph)
{
    const size_t n = (size_t)graph->n_nodes + 1;
    struct moving m = {.graph = graph,
                       .of = calloc(n, sizeof(*m.of)),
                       .order = calloc(n, sizeof(struct oc_node *))};
    ocellus_status status = OCELLUS_OK;

    if (!m.of || !m.order)
        OC_TRY_OUT(oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a pass"));
    for (int k = 0; k < graph->n_nodes; k++)
        m.of[k] = (struct update){0, -1, -1, -1};
    find_large(&m);
    leave_out(&m);
    find_places(&m);
    move(&m);
out:
    free(m.of);
    free(m.order);
    return status;
}

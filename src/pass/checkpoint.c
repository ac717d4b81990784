/* checkpoint.c - see checkpoint.h. */
#include "pass/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "graph/op.h"

struct cutting {
    struct ocellus_graph *graph;
    int n_forward, n_backward; /* nodes [n_forward, n_backward) */
    int n_values;
    int *segment;                /* per forward node */
    char *kept;                  /* per value: crosses a border */
    char *again;                 /* per forward node: computed again */
    struct ocellus_value **twin; /* per value: its second computation */
};

static double
bytes_of(const struct oc_node *node)
{
    double bytes = 0;
    for (int k = 0; k < node->n_out; k++)
        if (node->out[k]->type != OCELLUS_UNDEFINED &&
            node->out[k]->data == NULL && !(node->op->flags & OC_OP_VIEW))
            bytes += (double)oc_shape_count(&node->out[k]->shape) *
                     (double)oc_type_size(node->out[k]->type);
    return bytes;
}

/* The segment that computes a value; -1: none (an input, a state, known). */
static int
home(const struct cutting *c, const struct ocellus_value *value)
{
    if (value == NULL || value->kind != OC_RESULT || value->data != NULL ||
        value->node->id >= c->n_forward)
        return -1;
    return c->segment[value->node->id];
}

/* Per node: bytes that nodes before it make and nodes from it on read. */
static void
find_crossing(const struct cutting *c, double *crossing)
{
    const struct ocellus_graph *g = c->graph;
    double alive = 0;

    for (int k = c->n_forward - 1; k >= 0; k--)
        for (int i = 0; i < g->nodes[k]->n_in; i++) {
            const struct ocellus_value *in = g->nodes[k]->in[i];
            if (home(c, in) < 0 || c->kept[in->id])
                continue;
            double bytes = (double)oc_shape_count(&in->shape) *
                           (double)oc_type_size(in->type);
            c->kept[in->id] = 1; /* seen: k is its last reader */
            crossing[in->node->id + 1] += bytes;
            crossing[k + 1] -= bytes;
        }
    memset(c->kept, 0, (size_t)c->n_values);
    for (int k = 0; k < c->n_forward; k++)
        crossing[k] = alive += crossing[k];
}

/* Equal bytes a segment, more or less: each border goes where the fewest cross
 * it, within a third of a segment of its place. */
static void
cut(struct cutting *c, int segments, const double *crossing)
{
    double total = 0, so_far = 0, least = 0;
    int first = 0; /* of the segment */
    for (int k = 0; k < c->n_forward; k++)
        total += bytes_of(c->graph->nodes[k]);
    for (int s = 1, k = 0; s < segments; s++) {
        int best = -1;
        for (; k < c->n_forward; k++) {
            double at = total > 0 ? so_far / total * segments - s : 0;
            if (at > 1.0 / 3 && best >= 0)
                break;
            so_far += bytes_of(c->graph->nodes[k]);
            if (at < -1.0 / 3 || (best >= 0 && crossing[k] >= least))
                continue;
            best = k;
            least = crossing[k];
        }
        for (; best >= 0 && first < best; first++)
            c->segment[first] = s - 1;
        if (best < 0)
            break;
    }
    for (; first < c->n_forward; first++)
        c->segment[first] = segments - 1;
}

static void
keep(struct cutting *c)
{
    const struct ocellus_graph *g = c->graph;
    for (int k = 0; k < c->n_forward; k++)
        for (int i = 0; i < g->nodes[k]->n_in; i++) {
            const struct ocellus_value *in = g->nodes[k]->in[i];
            if (home(c, in) >= 0 && home(c, in) != c->segment[k])
                c->kept[in->id] = 1;
        }
    for (int k = 0; k < g->n_outputs; k++)
        c->kept[g->outputs[k]->id] = 1;
}

static int
inside(const struct cutting *c, const struct ocellus_value *value, int segment)
{
    return home(c, value) == segment && !c->kept[value->id];
}

static void
mark(struct cutting *c, const struct oc_node *reader, int segment)
{
    for (int i = 0; i < reader->n_in; i++)
        if (inside(c, reader->in[i], segment))
            c->again[reader->in[i]->node->id] = 1;
}

static ocellus_status
compute_again(struct cutting *c, const struct oc_node *node)
{
    struct ocellus_value *in[OC_MAX_IN];
    if (node->n_in > OC_MAX_IN)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "has too many inputs to be computed again");
    for (int i = 0; i < node->n_in; i++)
        in[i] = node->in[i] && c->twin[node->in[i]->id]
                    ? c->twin[node->in[i]->id]
                    : node->in[i];
    struct ocellus_value *y =
        oc_apply_attrs(c->graph, node->op, NULL, node->n_attr, node->attr, in,
                       node->n_in, node->n_out);
    if (y == NULL)
        return oc_fail(c->graph->status, "%s", c->graph->sentence);
    for (int k = 0; k < node->n_out; k++)
        c->twin[node->out[k]->id] = y->node->out[k];
    return OCELLUS_OK;
}

static ocellus_status
one_segment(struct cutting *c, int segment)
{
    struct oc_node **nodes = c->graph->nodes;
    for (int k = c->n_forward; k < c->n_backward; k++)
        mark(c, nodes[k], segment);
    for (int k = c->n_forward - 1; k >= 0; k--)
        if (c->again[k] && c->segment[k] == segment)
            mark(c, nodes[k], segment);
    for (int k = 0; k < c->n_forward; k++)
        if (c->again[k] && c->segment[k] == segment)
            OC_TRY(compute_again(c, c->graph->nodes[k]));
    nodes = c->graph->nodes;
    for (int k = c->n_forward; k < c->n_backward; k++)
        for (int i = 0; i < nodes[k]->n_in; i++)
            if (inside(c, nodes[k]->in[i], segment))
                nodes[k]->in[i] = c->twin[nodes[k]->in[i]->id];
    return OCELLUS_OK;
}

ocellus_status
oc_checkpoint_pass(struct ocellus_graph *graph, int n_forward, int segments)
{
    size_t nodes = (size_t)graph->n_nodes + 1;
    size_t values = (size_t)graph->n_values + 1;
    struct cutting c = {.graph = graph,
                        .n_forward = n_forward,
                        .n_backward = graph->n_nodes,
                        .n_values = graph->n_values,
                        .segment = calloc(nodes, sizeof(int)),
                        .kept = calloc(values, 1),
                        .again = calloc(nodes, 1),
                        .twin = calloc(values, sizeof(*c.twin))};
    double *crossing = calloc(nodes, sizeof(double));
    ocellus_status status = OCELLUS_OK;
    if (!c.segment || !c.kept || !c.again || !c.twin || !crossing)
        status = oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a pass");
    if (status == OCELLUS_OK) {
        find_crossing(&c, crossing);
        cut(&c, segments, crossing);
        keep(&c);
    }
    /* The last segment is followed by its own backward sweep at once. */
    for (int s = 0; s + 1 < segments && status == OCELLUS_OK; s++)
        status = one_segment(&c, s);
    free(crossing);
    free(c.segment);
    free(c.kept);
    free(c.again);
    free(c.twin);
    return status;
}

/* grad.c - see grad.h. Two sweeps: forward, which values depend on what is
 * asked for; backward, each node hands its outputs' gradients on. */
#include "pass/grad.h"

#include <stdlib.h>
#include <string.h>

#include "base/type.h"
#include "graph/op.h"

struct sweep {
    struct ocellus_graph *graph;
    int n_values;                    /* before the pass */
    char *asked;                     /* depends on some wrt */
    struct ocellus_value **gradient; /* so far */
};

static int
is_asked(const struct sweep *s, const struct ocellus_value *value)
{
    return value != NULL && value->id < s->n_values && s->asked[value->id];
}

static void
mark(struct sweep *s, struct ocellus_value *const *wrt, int count, int n_nodes)
{
    for (int k = 0; k < count; k++)
        s->asked[wrt[k]->id] = 1;
    for (int k = 0; k < n_nodes; k++) {
        const struct oc_node *node = s->graph->nodes[k];
        int any = 0;
        for (int i = 0; i < node->n_in; i++)
            any |= is_asked(s, node->in[i]);
        for (int i = 0; any && i < node->n_out; i++)
            if (node->out[i]->type == OCELLUS_UNDEFINED ||
                oc_type_is_float(node->out[i]->type))
                s->asked[node->out[i]->id] = 1;
    }
}

static ocellus_status
accumulate(struct sweep *s, const struct oc_node *node, int i,
           struct ocellus_value *dx)
{
    struct ocellus_value *x = node->in[i];
    if (!oc_shape_equal(&dx->shape, &x->shape)) {
        char got[OC_SHAPE_TEXT], want[OC_SHAPE_TEXT];
        return oc_node_fail(
            node, OCELLUS_INTERNAL, "the gradient of input %d is %s, not %s", i,
            oc_shape_text(&dx->shape, got), oc_shape_text(&x->shape, want));
    }
    struct ocellus_value **sum = &s->gradient[x->id];
    *sum = *sum ? OC_NODE(s->graph, "Add", NULL, *sum, dx) : dx;
    return s->graph->status == OCELLUS_OK
               ? OCELLUS_OK
               : oc_fail(s->graph->status, "%s", s->graph->sentence);
}

/* Gradient nodes are called after the one that they are of, so that a profile
 * tells whose they are. */
static void
name_after(struct ocellus_graph *graph, int from, const struct oc_node *of)
{
    for (int k = from; k < graph->n_nodes; k++) {
        struct oc_node *node = graph->nodes[k];
        const char *name =
            oc_arena_printf(graph->arena, "%s:%s", of->name, node->op->name);
        if (name != NULL)
            node->name = name;
    }
}

static ocellus_status
through(struct sweep *s, const struct oc_node *node)
{
    struct ocellus_value *dy[8] = {0}, *dx[OC_MAX_IN] = {0};
    int arrives = 0, wanted = 0;
    for (int k = 0; k < node->n_out && k < 8; k++) {
        dy[k] = s->gradient[node->out[k]->id];
        arrives |= dy[k] != NULL;
    }
    for (int i = 0; i < node->n_in && i < OC_MAX_IN; i++)
        if (is_asked(s, node->in[i])) {
            dx[i] = node->in[i];
            wanted = 1;
        }
    if (!arrives || !wanted)
        return OCELLUS_OK;
    if (node->op->grad == NULL)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "this operator has no gradient, and the loss "
                            "depends on parameters through it");
    const int before = s->graph->n_nodes;
    node->op->grad(node, dy, dx);
    name_after(s->graph, before, node);
    if (s->graph->status != OCELLUS_OK)
        return oc_fail(s->graph->status, "%s", s->graph->sentence);
    for (int i = 0; i < node->n_in && i < OC_MAX_IN; i++)
        if (is_asked(s, node->in[i]) && dx[i] != NULL && dx[i] != node->in[i])
            OC_TRY(accumulate(s, node, i, dx[i]));
    return OCELLUS_OK;
}

static struct ocellus_value *
one(struct ocellus_graph *graph, const struct ocellus_value *loss)
{
    double value = 0; /* room for any type */
    oc_element_set(loss->type, &value, 0, 1.0);
    return oc_graph_constant(graph, NULL, loss->type, &loss->shape, &value);
}

static ocellus_status
backward(struct sweep *s, struct ocellus_value *loss, int n_nodes)
{
    s->gradient[loss->id] = one(s->graph, loss);
    for (int k = n_nodes - 1; k >= 0; k--)
        OC_TRY(through(s, s->graph->nodes[k]));
    return OCELLUS_OK;
}

ocellus_status
oc_grad(struct ocellus_graph *graph, struct ocellus_value *loss,
        struct ocellus_value *const *wrt, int count,
        struct ocellus_value **gradients)
{
    if (oc_shape_count(&loss->shape) != 1)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "a loss has one number; '%s' has %lld", loss->name,
                       (long long)oc_shape_count(&loss->shape));
    struct sweep s = {graph, graph->n_values, NULL, NULL};
    size_t n = (size_t)graph->n_values + 1;
    s.asked = calloc(n, 1);
    s.gradient = calloc(n, sizeof(*s.gradient));
    ocellus_status status;
    if (s.asked == NULL || s.gradient == NULL)
        OC_TRY_OUT(oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for gradients"));
    int n_nodes = graph->n_nodes;
    mark(&s, wrt, count, n_nodes);
    OC_TRY_OUT(backward(&s, loss, n_nodes));
    for (int k = 0; k < count; k++)
        gradients[k] = s.gradient[wrt[k]->id];
out:
    free(s.asked);
    free(s.gradient);
    return status;
}

/* verify.c - is a graph still one? Run after each pass in debug builds. */
#include <stdlib.h>

#include "graph/inside.h"

static ocellus_status
verify_in(const struct oc_node *node, int k, const char *made)
{
    const struct ocellus_value *in = node->in[k];
    if (in == NULL)
        return OCELLUS_OK;
    if (in->graph != node->graph)
        return oc_node_fail(node, OCELLUS_INTERNAL,
                            "input %d belongs to another graph", k);
    if (in->kind == OC_RESULT && in->data == NULL && !made[in->id])
        return oc_node_fail(node, OCELLUS_INTERNAL,
                            "input %d ('%s') is made later or never", k,
                            in->name);
    return OCELLUS_OK;
}

static ocellus_status
verify_node(const struct oc_node *node, char *made)
{
    struct oc_shape before[8];
    for (int k = 0; k < node->n_in; k++)
        OC_TRY(verify_in(node, k, made));
    int outs = node->n_out < 8 ? node->n_out : 8;
    if (node->waits)
        outs = 0;
    for (int k = 0; k < outs; k++)
        before[k] = node->out[k]->shape;
    if (!node->waits)
        OC_TRY(node->op->infer((struct oc_node *)node));
    for (int k = 0; k < outs; k++)
        if (!oc_shape_equal(&before[k], &node->out[k]->shape))
            return oc_node_fail(node, OCELLUS_INTERNAL,
                                "output %d is inferred differently now", k);
    for (int k = 0; k < node->n_out; k++)
        made[node->out[k]->id] = 1;
    return OCELLUS_OK;
}

ocellus_status
oc_graph_verify(const struct ocellus_graph *graph)
{
    if (graph->status != OCELLUS_OK)
        return oc_fail(graph->status, "%s", graph->sentence);
    char *made = calloc((size_t)graph->n_values + 1, 1);
    if (made == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to verify a graph");
    ocellus_status status = OCELLUS_OK;
    for (int k = 0; k < graph->n_nodes && status == OCELLUS_OK; k++)
        status = verify_node(graph->nodes[k], made);
    for (int k = 0; k < graph->n_outputs && status == OCELLUS_OK; k++) {
        const struct ocellus_value *out = graph->outputs[k];
        if (out->kind == OC_RESULT && out->data == NULL && !made[out->id])
            status = oc_fail(OCELLUS_INTERNAL, "output '%s' is never made",
                             graph->output_names[k]);
    }
    free(made);
    return status;
}

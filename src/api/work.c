/* work.c - graphs at given inputs, and what their nodes ask for. */
#include <stdlib.h>

#include "graph/tensor.h"
#include "op/work.h"

struct binding {
    struct oc_shape *shape;
    const void **data;
    char *on_host;
};

static ocellus_status
bind(const ocellus_graph *graph, const ocellus_tensor *const *inputs,
     struct binding *b, ocellus_graph **copy)
{
    oc_graph_host_inputs(graph, b->on_host);
    for (;;) {
        for (int k = 0; k < graph->n_inputs; k++) {
            b->shape[k] = inputs[k]->shape;
            b->data[k] = b->on_host[k] ? inputs[k]->data : NULL;
        }
        OC_TRY(oc_graph_bind(graph, b->shape, b->data, copy));
        if (oc_graph_waiting(*copy) == NULL ||
            !oc_graph_more_host_inputs(graph, *copy, b->on_host))
            return OCELLUS_OK;
        oc_graph_destroy(*copy);
        *copy = NULL;
    }
}

static ocellus_status
check(const ocellus_graph *graph, const ocellus_tensor *const *inputs)
{
    if (graph->status != OCELLUS_OK)
        return oc_fail(graph->status, "%s", graph->sentence);
    for (int k = 0; k < graph->n_inputs; k++) {
        const struct ocellus_value *in = graph->inputs[k];
        if (inputs[k] == NULL || (!in->unknown && inputs[k]->type != in->type))
            return oc_fail(OCELLUS_BAD_ARGUMENT, "input '%s' is %s, not %s",
                           in->name, oc_type_name(in->type),
                           inputs[k] ? oc_type_name(inputs[k]->type) : "NULL");
    }
    return OCELLUS_OK;
}

ocellus_status
ocellus_graph_at(const ocellus_graph *graph,
                 const ocellus_tensor *const *inputs, ocellus_graph **copy)
{
    size_t n = (size_t)graph->n_inputs + 1;
    struct binding b = {calloc(n, sizeof(*b.shape)), calloc(n, sizeof(*b.data)),
                        calloc(n, 1)};
    *copy = NULL;
    ocellus_status status = check(graph, inputs);
    if (status == OCELLUS_OK)
        status = b.shape && b.data && b.on_host
                     ? bind(graph, inputs, &b, copy)
                     : oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a graph");
    free(b.shape);
    free(b.data);
    free(b.on_host);
    return status;
}

ocellus_status
ocellus_graph_get_node_info(const ocellus_graph *graph, int k,
                            ocellus_node_info *info)
{
    if (k < 0 || k >= graph->n_nodes)
        return oc_fail(OCELLUS_BAD_ARGUMENT, "there is no node %d of %d", k,
                       graph->n_nodes);
    const struct oc_node *node = graph->nodes[k];
    *info = (ocellus_node_info){
        .name = node->name,
        .op = node->op->name,
        .output = node->out[0],
        .computed = !oc_node_is_known(node),
        .parameters = oc_node_parameters(node),
        .bytes = oc_node_bytes(node),
        .flops = oc_node_flops(node),
    };
    return OCELLUS_OK;
}

ocellus_status
ocellus_graph_peak_bytes(const ocellus_graph *graph, int64_t *bytes)
{
    return oc_graph_peak(graph, bytes);
}

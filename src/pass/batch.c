/* batch.c - exporters write the batch that they saw into a model. */
#include "pass/batch.h"

#include <string.h>

#include "graph/op.h"

static int
leads_with(const struct ocellus_value *value, int64_t batch)
{
    return value != NULL && !value->unknown && value->shape.rank > 0 &&
           value->shape.dim[0] == batch;
}

/* "1,1000" becomes "0,1000": a 0 is the dimension that is there. */
static ocellus_status
open_reshape(struct oc_node *node, int64_t batch)
{
    const struct ocellus_value *x = node->in[0], *shape = node->in[1];
    const int64_t *numbers;
    int64_t opened[OC_MAX_RANK];
    int count;
    if (strcmp(node->op->name, "Reshape") != 0 || x->kind != OC_RESULT ||
        x->data != NULL || !leads_with(x, batch) || shape->data == NULL)
        return OCELLUS_OK;
    OC_TRY(oc_host_ints(node, 1, &numbers, &count));
    if (count < 1 || count > OC_MAX_RANK || numbers[0] != batch ||
        oc_attr_int(node, "allowzero", 0) != 0)
        return OCELLUS_OK;
    memcpy(opened, numbers, (size_t)count * sizeof(*numbers));
    opened[0] = 0;
    node->in[1] = oc_ints(node->graph, count, opened);
    return node->in[1]
               ? OCELLUS_OK
               : oc_fail(node->graph->status, "%s", node->graph->sentence);
}

static ocellus_status
open_all(struct ocellus_graph *graph, int64_t batch)
{
    for (int k = 0; k < graph->n_nodes; k++)
        if (graph->nodes[k]->n_in > 1 && graph->nodes[k]->in[0] != NULL &&
            graph->nodes[k]->in[1] != NULL)
            OC_TRY(open_reshape(graph->nodes[k], batch));
    for (int k = 0; k < graph->n_inputs; k++)
        if (leads_with(graph->inputs[k], batch))
            graph->inputs[k]->shape.dim[0] = OC_UNKNOWN;
    return OCELLUS_OK;
}

static ocellus_status
compare(const struct ocellus_graph *graph, const struct ocellus_graph *bound,
        int64_t batch, int64_t first)
{
    for (int k = 0; k < graph->n_outputs; k++) {
        struct oc_shape want = graph->outputs[k]->shape;
        const struct ocellus_value *got = bound->outputs[k];
        char text[2][OC_SHAPE_TEXT];
        if (leads_with(graph->outputs[k], batch))
            want.dim[0] = first;
        if (!graph->outputs[k]->unknown &&
            (got->unknown || !oc_shape_equal(&want, &got->shape)))
            return oc_fail(OCELLUS_UNSUPPORTED,
                           "output '%s' would be %s for a batch of %lld, not "
                           "%s",
                           graph->output_names[k],
                           got->unknown ? "?"
                                        : oc_shape_text(&got->shape, text[0]),
                           (long long)first, oc_shape_text(&want, text[1]));
    }
    return OCELLUS_OK;
}

/* Bound to a batch, the copy gives what the model gives, with another first
 * dimension. */
static ocellus_status
check(const struct ocellus_graph *graph, const struct ocellus_graph *open,
      int64_t batch, int64_t first)
{
    struct oc_shape *shapes = oc_arena_alloc(
        open->arena, (size_t)(open->n_inputs + 1) * sizeof(*shapes));
    struct ocellus_graph *bound;
    if (shapes == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a graph");
    for (int k = 0; k < open->n_inputs; k++) {
        shapes[k] = graph->inputs[k]->shape;
        if (leads_with(graph->inputs[k], batch))
            shapes[k].dim[0] = first;
        for (int d = 0; d < shapes[k].rank; d++)
            if (shapes[k].dim[d] == OC_UNKNOWN)
                return OCELLUS_OK; /* sizes of images are open too */
    }
    OC_TRY(oc_graph_bind(open, shapes, NULL, &bound));
    ocellus_status status = compare(graph, bound, batch, first);
    oc_graph_destroy(bound);
    return status;
}

ocellus_status
oc_batch_copy(const struct ocellus_graph *graph, struct ocellus_graph **copy)
{
    struct ocellus_graph *open;
    *copy = NULL;
    if (graph->n_inputs == 0 || graph->inputs[0]->shape.rank == 0 ||
        graph->inputs[0]->shape.dim[0] == OC_UNKNOWN)
        return oc_graph_copy(graph, copy);
    int64_t batch = graph->inputs[0]->shape.dim[0];
    OC_TRY(oc_graph_copy(graph, &open));
    ocellus_status status = open_all(open, batch);
    /* Copied once more, so that all shapes are inferred again. */
    if (status == OCELLUS_OK)
        status = oc_graph_copy(open, copy);
    oc_graph_destroy(open);
    if (status == OCELLUS_OK)
        status = check(graph, *copy, batch, batch);
    if (status == OCELLUS_OK)
        status = check(graph, *copy, batch, batch + 1);
    if (status == OCELLUS_OK)
        return OCELLUS_OK;
    oc_graph_destroy(*copy);
    *copy = NULL;
    return oc_fail_context(
        status == OCELLUS_BAD_MODEL ? OCELLUS_UNSUPPORTED : status,
        "the model is made for batches of %lld alone: ", (long long)batch);
}

/* bind.c - copies of a graph, with input shapes made known; and pruning. */
#include <stdlib.h>
#include <string.h>

#include "graph/attr.h"
#include "graph/inside.h"

struct copying {
    const struct ocellus_graph *from;
    struct ocellus_graph *to;
    struct ocellus_value **map; /* by id in `from` */
};

static struct ocellus_value *
mapped(const struct copying *c, const struct ocellus_value *value)
{
    return value ? c->map[value->id] : NULL;
}

static ocellus_status
copy_leaf(struct copying *c, const struct ocellus_value *value)
{
    struct ocellus_value *made;
    if (value->kind == OC_CONSTANT)
        made = oc_graph_constant(c->to, value->name, value->type, &value->shape,
                                 value->data);
    else
        made = oc_graph_state(c->to, value->name, value->type, &value->shape,
                              value->init, value->trainable);
    if (made == NULL)
        return oc_fail(c->to->status, "%s", c->to->sentence);
    size_t bytes;
    if (value->kind == OC_STATE && value->data != NULL) {
        OC_TRY(
            oc_shape_bytes(&value->shape, oc_type_size(value->type), &bytes));
        made->data = oc_arena_copy(c->to->arena, value->data, bytes);
        if (made->data == NULL)
            return oc_fail(OCELLUS_OUT_OF_MEMORY,
                           "no memory for state '%s' (%zu bytes)", value->name,
                           bytes);
    }
    c->map[value->id] = made;
    return OCELLUS_OK;
}

static ocellus_status
copy_inputs(struct copying *c, const struct oc_shape *shapes,
            const void *const *data)
{
    for (int k = 0; k < c->from->n_inputs; k++) {
        const struct ocellus_value *in = c->from->inputs[k];
        const struct oc_shape *shape = shapes ? &shapes[k] : &in->shape;
        struct ocellus_value *made;
        if (data != NULL && data[k] != NULL)
            made = oc_graph_constant(c->to, in->name, in->type, shape, data[k]);
        else
            made = oc_graph_input(c->to, in->name, in->type, shape);
        if (made == NULL)
            return oc_fail(c->to->status, "%s", c->to->sentence);
        c->map[in->id] = made;
    }
    return OCELLUS_OK;
}

static ocellus_status
copy_epilogue(struct copying *c, const struct oc_node *from, struct oc_node *to)
{
    if (from->epilogue == NULL)
        return OCELLUS_OK;
    struct oc_epilogue *copy =
        oc_arena_copy(c->to->arena, from->epilogue, sizeof *copy);
    if (copy == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a node");
    copy->formula = oc_arena_strdup(c->to->arena, copy->formula);
    to->epilogue = copy;
    return OCELLUS_OK;
}

static ocellus_status
copy_node(struct copying *c, const struct oc_node *node)
{
    struct oc_node *made =
        oc_node_new(c->to, node->op, node->name, node->n_in, node->n_out);
    struct oc_attr *attr =
        oc_arena_alloc(c->to->arena, (size_t)(node->n_attr + 1) * sizeof *attr);
    if (made == NULL || attr == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a node");
    for (int k = 0; k < node->n_attr; k++) {
        OC_TRY(oc_attr_copy(c->to->arena, &node->attr[k], &attr[k]));
        if (attr[k].tensor != NULL)
            attr[k].tensor = mapped(c, attr[k].tensor);
    }
    made->attr = attr;
    made->n_attr = node->n_attr;
    for (int k = 0; k < node->n_in; k++)
        made->in[k] = mapped(c, node->in[k]);
    for (int k = 0; k < node->n_out; k++) {
        made->out[k]->name = oc_arena_strdup(c->to->arena, node->out[k]->name);
        c->map[node->out[k]->id] = made->out[k];
    }
    OC_TRY(copy_epilogue(c, node, made));
    return oc_node_settle(made);
}

static ocellus_status
copy_all(struct copying *c, const struct oc_shape *shapes,
         const void *const *data)
{
    const struct ocellus_graph *from = c->from;
    c->to->seed = from->seed;
    for (int k = 0; k < from->n_metadata; k++)
        OC_TRY(oc_graph_set_metadata(c->to, from->metadata[k].key,
                                     from->metadata[k].value));
    OC_TRY(copy_inputs(c, shapes, data));
    for (int k = 0; k < from->n_values; k++)
        if (from->values[k]->kind == OC_CONSTANT ||
            from->values[k]->kind == OC_STATE)
            OC_TRY(copy_leaf(c, from->values[k]));
    for (int k = 0; k < from->n_nodes; k++)
        OC_TRY(copy_node(c, from->nodes[k]));
    for (int k = 0; k < from->n_outputs; k++)
        OC_TRY(oc_graph_output(c->to, from->output_names[k],
                               mapped(c, from->outputs[k])));
    for (int k = 0; k < from->n_states; k++)
        c->to->states[k]->assigned = mapped(c, from->states[k]->assigned);
    return OCELLUS_OK;
}

ocellus_status
oc_graph_bind(const struct ocellus_graph *graph, const struct oc_shape *shapes,
              const void *const *data, struct ocellus_graph **bound)
{
    *bound = NULL;
    if (graph->status != OCELLUS_OK)
        return oc_fail(graph->status, "%s", graph->sentence);
    struct copying c = {graph, NULL, NULL};
    OC_TRY(oc_graph_create(&c.to));
    c.map = calloc((size_t)graph->n_values + 1, sizeof(*c.map));
    ocellus_status status =
        c.map ? copy_all(&c, shapes, data)
              : oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a graph");
    free(c.map);
    if (status != OCELLUS_OK) {
        oc_graph_destroy(c.to);
        return status;
    }
    *bound = c.to;
    return OCELLUS_OK;
}

ocellus_status
oc_graph_copy(const struct ocellus_graph *graph, struct ocellus_graph **copy)
{
    return oc_graph_bind(graph, NULL, NULL, copy);
}

/* ---- pruning ------------------------------------------------------------ */

static void
need(const struct ocellus_value *value, char *needed)
{
    if (value != NULL && value->kind == OC_RESULT && value->data == NULL)
        needed[value->node->id] = 1;
}

ocellus_status
oc_graph_prune(struct ocellus_graph *graph)
{
    char *needed = calloc((size_t)graph->n_nodes + 1, 1);
    if (needed == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to prune a graph");
    for (int k = 0; k < graph->n_outputs; k++)
        need(graph->outputs[k], needed);
    for (int k = 0; k < graph->n_states; k++)
        need(graph->states[k]->assigned, needed);
    for (int k = graph->n_nodes - 1; k >= 0; k--)
        for (int i = 0; needed[k] && i < graph->nodes[k]->n_in; i++)
            need(graph->nodes[k]->in[i], needed);
    int kept = 0;
    for (int k = 0; k < graph->n_nodes; k++)
        if (needed[k]) {
            graph->nodes[kept] = graph->nodes[k];
            graph->nodes[kept]->id = kept;
            kept++;
        }
    graph->n_nodes = kept;
    free(needed);
    return OCELLUS_OK;
}

/* graph.c - values, states and outputs of a graph; its life. */
#include "graph/inside.h"

#include <stdlib.h>
#include <string.h>

ocellus_status
oc_graph_create(struct ocellus_graph **graph)
{
    *graph = NULL;
    struct oc_arena *arena = oc_arena_create();
    struct ocellus_graph *made = calloc(1, sizeof *made);
    if (arena == NULL || made == NULL) {
        oc_arena_destroy(arena);
        free(made);
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a graph");
    }
    made->arena = arena;
    *graph = made;
    return OCELLUS_OK;
}

ocellus_status
oc_graph_keep(struct ocellus_graph *graph, struct ocellus_graph *other)
{
    if (graph == other ||
        (graph->n_kept > 0 && graph->kept[graph->n_kept - 1] == other))
        return OCELLUS_OK;
    if (!oc_grow(&graph->kept, graph->n_kept, &graph->room_kept,
                 sizeof *graph->kept))
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a graph");
    atomic_fetch_add(&other->holders, 1);
    graph->kept[graph->n_kept++] = other;
    return OCELLUS_OK;
}

void
oc_graph_destroy(struct ocellus_graph *graph)
{
    if (graph == NULL || atomic_fetch_sub(&graph->holders, 1) > 0)
        return;
    oc_arena_destroy(graph->arena);
    for (int k = 0; k < graph->n_kept; k++)
        oc_graph_destroy(graph->kept[k]);
    free(graph->kept);
    free(graph->values);
    free(graph->nodes);
    free(graph->inputs);
    free(graph->states);
    free(graph->outputs);
    free(graph->output_names);
    free(graph->metadata);
    free(graph);
}

struct ocellus_value *
oc_graph_fail(struct ocellus_graph *graph, ocellus_status status)
{
    if (graph->status == OCELLUS_OK) {
        graph->status = status;
        graph->sentence = oc_arena_strdup(graph->arena, ocellus_error());
    }
    return NULL;
}

static struct ocellus_value *
no_memory(struct ocellus_graph *graph)
{
    return oc_graph_fail(graph, oc_fail(OCELLUS_OUT_OF_MEMORY,
                                        "no memory for a graph of %d values",
                                        graph->n_values));
}

struct ocellus_value *
oc_graph_value(struct ocellus_graph *graph, enum oc_value_kind kind,
               const char *name)
{
    struct ocellus_value *value = oc_arena_alloc(graph->arena, sizeof *value);
    char *copy = name ? oc_arena_strdup(graph->arena, name)
                      : oc_arena_printf(graph->arena, "v%d", graph->n_values);
    if (value == NULL || copy == NULL ||
        !oc_grow(&graph->values, graph->n_values, &graph->room_values,
                 sizeof *graph->values))
        return no_memory(graph);
    value->graph = graph;
    value->id = graph->n_values;
    value->kind = kind;
    value->name = copy;
    graph->values[graph->n_values++] = value;
    return value;
}

struct ocellus_value *
oc_graph_input(struct ocellus_graph *graph, const char *name, ocellus_type type,
               const struct oc_shape *shape)
{
    for (int k = 0; k < graph->n_inputs; k++)
        if (name != NULL && strcmp(graph->inputs[k]->name, name) == 0)
            return oc_graph_fail(graph,
                                 oc_fail(OCELLUS_BAD_ARGUMENT,
                                         "two inputs are named '%s'", name));
    ocellus_status status = oc_shape_possible(shape, oc_type_size(type));
    if (status != OCELLUS_OK)
        return oc_graph_fail(graph, status);
    struct ocellus_value *value = oc_graph_value(graph, OC_INPUT, name);
    if (value == NULL)
        return NULL;
    if (!oc_grow(&graph->inputs, graph->n_inputs, &graph->room_inputs,
                 sizeof *graph->inputs))
        return no_memory(graph);
    value->type = type;
    value->shape = *shape;
    graph->inputs[graph->n_inputs++] = value;
    return value;
}

struct ocellus_value *
oc_graph_constant(struct ocellus_graph *graph, const char *name,
                  ocellus_type type, const struct oc_shape *shape,
                  const void *data)
{
    size_t bytes;
    ocellus_status status = oc_shape_bytes(shape, oc_type_size(type), &bytes);
    if (status != OCELLUS_OK)
        return oc_graph_fail(graph, status);
    struct ocellus_value *value = oc_graph_value(graph, OC_CONSTANT, name);
    if (value == NULL)
        return NULL;
    value->type = type;
    value->shape = *shape;
    value->data = bytes ? oc_arena_copy(graph->arena, data, bytes)
                        : oc_arena_alloc(graph->arena, 1);
    return value->data ? value : no_memory(graph);
}

struct ocellus_value *
oc_graph_find_state(const struct ocellus_graph *graph, const char *name)
{
    for (int k = 0; k < graph->n_states; k++)
        if (strcmp(graph->states[k]->name, name) == 0)
            return graph->states[k];
    return NULL;
}

struct ocellus_value *
oc_graph_state(struct ocellus_graph *graph, const char *name, ocellus_type type,
               const struct oc_shape *shape, const char *init, int trainable)
{
    if (name == NULL || oc_graph_find_state(graph, name) != NULL)
        return oc_graph_fail(
            graph, oc_fail(OCELLUS_BAD_ARGUMENT,
                           "a state named '%s' is already in the graph",
                           name ? name : "(null)"));
    struct ocellus_value *value = oc_graph_value(graph, OC_STATE, name);
    if (value == NULL)
        return NULL;
    if (!oc_grow(&graph->states, graph->n_states, &graph->room_states,
                 sizeof *graph->states))
        return no_memory(graph);
    value->type = type;
    value->shape = *shape;
    value->init = oc_arena_strdup(graph->arena, init ? init : "zeros");
    value->trainable = trainable;
    graph->states[graph->n_states++] = value;
    return value;
}

ocellus_status
oc_graph_output(struct ocellus_graph *graph, const char *name,
                struct ocellus_value *value)
{
    if (graph->status != OCELLUS_OK)
        return oc_fail(graph->status, "%s", graph->sentence);
    if (value == NULL)
        return oc_fail(OCELLUS_BAD_ARGUMENT, "output '%s' is NULL", name);
    const char *copy = oc_arena_strdup(graph->arena, name);
    if (copy == NULL ||
        !oc_grow(&graph->outputs, graph->n_outputs, &graph->room_outputs,
                 sizeof *graph->outputs) ||
        !oc_grow(&graph->output_names, graph->n_outputs, &graph->room_names,
                 sizeof *graph->output_names))
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for an output");
    graph->outputs[graph->n_outputs] = value;
    graph->output_names[graph->n_outputs++] = copy;
    return OCELLUS_OK;
}

struct ocellus_value *
oc_scalar(struct ocellus_graph *graph, double value)
{
    float f = (float)value;
    struct oc_shape shape = {0};
    return oc_graph_constant(graph, NULL, OCELLUS_FLOAT, &shape, &f);
}

struct ocellus_value *
oc_ints(struct ocellus_graph *graph, int count, const int64_t *values)
{
    struct oc_shape shape = OC_SHAPE(count);
    return oc_graph_constant(graph, NULL, OCELLUS_INT64, &shape, values);
}

static struct oc_metadata *
find_metadata(const struct ocellus_graph *graph, const char *key)
{
    for (int k = 0; k < graph->n_metadata; k++)
        if (strcmp(graph->metadata[k].key, key) == 0)
            return &graph->metadata[k];
    return NULL;
}

const char *
oc_graph_metadata(const struct ocellus_graph *graph, const char *key)
{
    const struct oc_metadata *found = find_metadata(graph, key);
    return found ? found->value : NULL;
}

ocellus_status
oc_graph_set_metadata(struct ocellus_graph *graph, const char *key,
                      const char *value)
{
    struct oc_metadata *found = find_metadata(graph, key);
    const char *copy = oc_arena_strdup(graph->arena, value);
    const char *name = oc_arena_strdup(graph->arena, key);
    if (copy == NULL || name == NULL ||
        (found == NULL &&
         !oc_grow(&graph->metadata, graph->n_metadata, &graph->room_metadata,
                  sizeof *graph->metadata)))
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for metadata");
    if (found == NULL)
        graph->metadata[graph->n_metadata++] = (struct oc_metadata){name, copy};
    else
        found->value = copy;
    return OCELLUS_OK;
}

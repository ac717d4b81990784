/* graph.c - the public functions of ocellus_graph and ocellus_value. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"
#include "graph/op.h"
#include "graph/tensor.h"
#include "pass/batch.h"
#include "pass/carry.h"
#include "pass/head.h"

ocellus_status
ocellus_graph_create(ocellus_graph **graph)
{
    return oc_graph_create(graph);
}

void
ocellus_graph_destroy(ocellus_graph *graph)
{
    oc_graph_destroy(graph);
}

ocellus_status
ocellus_graph_check(const ocellus_graph *graph)
{
    if (graph->status != OCELLUS_OK)
        return oc_fail(graph->status, "%s", graph->sentence);
    return OCELLUS_OK;
}

/* dims as a shape; *ok 0 when they are unusable. */
static struct oc_shape
shape_from(ocellus_graph *graph, const char *name, int rank,
           const int64_t *dims, int64_t least, int *ok)
{
    *ok = rank >= 0 && rank <= OC_MAX_RANK;
    for (int k = 0; *ok && k < rank; k++)
        *ok = dims[k] >= least;
    if (!*ok)
        oc_graph_fail(graph, oc_fail(OCELLUS_BAD_ARGUMENT,
                                     "'%s' has an unusable shape of rank %d",
                                     name ? name : "(unnamed)", rank));
    return oc_shape_make(*ok ? rank : 0, dims);
}

ocellus_value *
ocellus_graph_input(ocellus_graph *graph, const char *name, ocellus_type type,
                    int rank, const int64_t *dims)
{
    int ok;
    struct oc_shape shape = shape_from(graph, name, rank, dims, -1, &ok);
    return ok ? oc_graph_input(graph, name, type, &shape) : NULL;
}

ocellus_value *
ocellus_graph_constant(ocellus_graph *graph, const char *name,
                       const ocellus_tensor *tensor)
{
    if (tensor == NULL || tensor->data == NULL)
        return oc_graph_fail(graph, oc_fail(OCELLUS_BAD_ARGUMENT,
                                            "a constant is made from a "
                                            "tensor in host memory"));
    return oc_graph_constant(graph, name, tensor->type, &tensor->shape,
                             tensor->data);
}

ocellus_value *
ocellus_graph_parameter(ocellus_graph *graph, const char *name, int rank,
                        const int64_t *dims, const char *init)
{
    int ok;
    struct oc_shape shape = shape_from(graph, name, rank, dims, 0, &ok);
    return ok ? oc_graph_state(graph, name, OCELLUS_FLOAT, &shape, init, 1)
              : NULL;
}

ocellus_value *
ocellus_graph_buffer(ocellus_graph *graph, const char *name, int rank,
                     const int64_t *dims, const char *init)
{
    int ok;
    struct oc_shape shape = shape_from(graph, name, rank, dims, 0, &ok);
    return ok ? oc_graph_state(graph, name, OCELLUS_FLOAT, &shape, init, 0)
              : NULL;
}

void
ocellus_graph_set_seed(ocellus_graph *graph, uint64_t seed)
{
    graph->seed = seed;
}

ocellus_status
ocellus_graph_set_precision(ocellus_graph *graph, const char *precision)
{
    static const char *const names[] = {
        [OC_FP32] = "fp32", [OC_BF16] = "bf16", [OC_FP16] = "fp16"};

    for (size_t k = 0; k < OC_COUNT(names); k++)
        if (strcmp(precision, names[k]) == 0) {
            graph->precision = (enum oc_precision)k;
            return OCELLUS_OK;
        }
    return oc_fail(OCELLUS_BAD_ARGUMENT,
                   "a precision is fp32, bf16 or fp16, not '%s'", precision);
}

ocellus_status
ocellus_graph_output(ocellus_graph *graph, const char *name,
                     ocellus_value *value)
{
    return oc_graph_output(graph, name, value);
}

ocellus_value *
ocellus_apply(ocellus_graph *graph, const char *op, const char *attributes, ...)
{
    ocellus_value *in[OC_MAX_IN];
    int count = 0;
    va_list list;
    va_start(list, attributes);
    for (ocellus_value *v; (v = va_arg(list, ocellus_value *)) != NULL;)
        if (count < OC_MAX_IN)
            in[count++] = v;
    va_end(list);
    return oc_apply(graph, op, attributes, in, count);
}

ocellus_value *
ocellus_apply_list(ocellus_graph *graph, const char *op, const char *attributes,
                   ocellus_value *const *inputs, int count)
{
    return oc_apply(graph, op, attributes, inputs, count);
}

ocellus_value *
ocellus_value_output(ocellus_value *value, int k)
{
    if (value == NULL || value->node == NULL || k < 0 ||
        k >= value->node->n_out)
        return NULL;
    return value->node->out[k];
}

const char *
ocellus_value_name(const ocellus_value *value)
{
    return value->name;
}

ocellus_type
ocellus_value_type(const ocellus_value *value)
{
    return value->type;
}

int
ocellus_value_rank(const ocellus_value *value)
{
    return value->shape.rank;
}

int64_t
ocellus_value_dim(const ocellus_value *value, int axis)
{
    if (axis < 0 || axis >= value->shape.rank)
        return OC_UNKNOWN;
    return value->shape.dim[axis];
}

int
ocellus_graph_input_count(const ocellus_graph *graph)
{
    return graph->n_inputs;
}

ocellus_value *
ocellus_graph_get_input(const ocellus_graph *graph, int k)
{
    return k >= 0 && k < graph->n_inputs ? graph->inputs[k] : NULL;
}

int
ocellus_graph_output_count(const ocellus_graph *graph)
{
    return graph->n_outputs;
}

ocellus_value *
ocellus_graph_get_output(const ocellus_graph *graph, int k)
{
    return k >= 0 && k < graph->n_outputs ? graph->outputs[k] : NULL;
}

const char *
ocellus_graph_output_name(const ocellus_graph *graph, int k)
{
    return k >= 0 && k < graph->n_outputs ? graph->output_names[k] : NULL;
}

int64_t
ocellus_graph_parameter_count(const ocellus_graph *graph)
{
    int64_t count = 0;
    for (int k = 0; k < graph->n_states; k++)
        if (graph->states[k]->trainable)
            count += oc_shape_count(&graph->states[k]->shape);
    return count;
}

ocellus_status
ocellus_graph_show(const ocellus_graph *graph, char **text)
{
    return oc_graph_text(graph, text);
}

void
ocellus_text_free(char *text)
{
    free(text);
}

ocellus_status
ocellus_graph_set_metadata(ocellus_graph *graph, const char *key,
                           const char *value)
{
    return oc_graph_set_metadata(graph, key, value);
}

const char *
ocellus_graph_get_metadata(const ocellus_graph *graph, const char *key)
{
    return oc_graph_metadata(graph, key);
}

int
ocellus_graph_node_count(const ocellus_graph *graph)
{
    return graph->n_nodes;
}

const char *
ocellus_graph_node_op(const ocellus_graph *graph, int k)
{
    return k >= 0 && k < graph->n_nodes ? graph->nodes[k]->op->name : NULL;
}

ocellus_status
ocellus_graph_with_head(const ocellus_graph *graph, int classes, int freeze,
                        ocellus_graph **copy)
{
    *copy = NULL;
    if (classes < 1)
        return oc_fail(OCELLUS_BAD_ARGUMENT, "a head for %d classes", classes);
    return oc_head_copy(graph, classes, freeze, copy);
}

ocellus_status
ocellus_graph_with_states(const ocellus_graph *graph, ocellus_graph **copy,
                          int *states)
{
    return oc_carry_copy(graph, copy, states);
}

ocellus_status
ocellus_graph_with_any_batch(const ocellus_graph *graph, ocellus_graph **copy)
{
    return oc_batch_copy(graph, copy);
}

/* work.c - operations and bytes of nodes, counted from shapes alone. */
#include "op/work.h"

#include <stdlib.h>
#include <string.h>

#include "op/impl.h"

/* ---- operations -------------------------------------------------------- */

static double
count(const struct ocellus_value *value)
{
    return value ? (double)oc_shape_count(&value->shape) : 0;
}

static int64_t
last_dim(const struct ocellus_value *value, int back)
{
    int rank = value->shape.rank;
    return rank >= back ? value->shape.dim[rank - back] : 1;
}

/* Weights: features x (channels of a group) x window. */
static double
by_output(const struct oc_node *node, const struct ocellus_value *w)
{
    int64_t features = w->shape.rank > 0 ? w->shape.dim[0] : 0;
    return features > 0 ? 2 * count(node->out[0]) * count(w) / (double)features
                        : 0;
}

static double
convolution(const struct oc_node *node)
{
    int bias = node->n_in > 2 && node->in[2] != NULL;
    return by_output(node, node->in[1]) + bias * count(node->out[0]);
}

static double
deformable(const struct oc_node *node)
{
    return by_output(node, node->in[1]);
}

static double
quantised(const struct oc_node *node)
{
    return node->n_in > 3 && node->in[3] ? by_output(node, node->in[3]) : 0;
}

/* Weights: channels x (features of a group) x window. */
static double
transposed(const struct oc_node *node)
{
    const struct ocellus_value *w = node->in[1];
    int64_t channels = w->shape.rank > 0 ? w->shape.dim[0] : 0;
    int bias = node->n_in > 2 && node->in[2] != NULL;
    if (channels <= 0)
        return 0;
    return 2 * count(node->in[0]) * count(w) / (double)channels +
           bias * count(node->out[0]);
}

static double
gemm(const struct oc_node *node)
{
    int bias = node->n_in > 2 && node->in[2] != NULL;
    int back = oc_attr_int(node, "transA", 0) ? 2 : 1;
    return (2 * (double)last_dim(node->in[0], back) + bias) *
           count(node->out[0]);
}

static double
product(const struct oc_node *node)
{
    return 2 * (double)last_dim(node->in[0], 1) * count(node->out[0]);
}

/* Each weight of X x W and of H x R once for a time and a sample. */
static double
recurrent(const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    return 2 * (double)oc_shape_span(x, 0, 2) *
           (count(node->in[1]) + count(node->in[2]));
}

static double
pool(const struct oc_node *node)
{
    int n;
    double window = 1;
    const int64_t *kernel = oc_attr_ints(node, "kernel_shape", &n);
    for (int k = 0; k < n; k++)
        window *= (double)kernel[k];
    return window * count(node->out[0]);
}

static double
each_input(const struct oc_node *node)
{
    return count(node->in[0]);
}

/* A scale and an offset. */
static double
scaled(const struct oc_node *node)
{
    return 2 * count(node->in[0]);
}

/* Mean, variance, scale, offset. */
static double
normalized(const struct oc_node *node)
{
    return 7 * count(node->in[0]);
}

/* Greatest, difference, exponential, sum, quotient. */
static double
softmax(const struct oc_node *node)
{
    return 5 * count(node->in[0]);
}

static const struct {
    const char *op;
    double (*flops)(const struct oc_node *node);
} rows[] = {
    {"Conv", convolution},
    {"ConvInteger", deformable},
    {"DeformConv", deformable},
    {"QLinearConv", quantised},
    {"ConvTranspose", transposed},
    {"Gemm", gemm},
    {"MatMul", product},
    {"MatMulInteger", product},
    {"QLinearMatMul", product},
    {"Einsum", oc_einsum_flops},
    {"LSTM", recurrent},
    {"GRU", recurrent},
    {"RNN", recurrent},
    {"MaxPool", pool},
    {"AveragePool", pool},
    {"LpPool", pool},
    {"GlobalAveragePool", each_input},
    {"GlobalMaxPool", each_input},
    {"GlobalLpPool", each_input},
    {"BatchNormalization", scaled},
    {"InstanceNormalization", normalized},
    {"GroupNormalization", normalized},
    {"LayerNormalization", normalized},
    {"RMSNormalization", normalized},
    {"Softmax", softmax},
    {"LogSoftmax", softmax},
};

static int
has_shapes(const struct oc_node *node)
{
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] != NULL &&
            (node->in[k]->unknown || !oc_shape_known(&node->in[k]->shape)))
            return 0;
    for (int k = 0; k < node->n_out; k++)
        if (node->out[k]->unknown || !oc_shape_known(&node->out[k]->shape))
            return 0;
    return 1;
}

int
oc_node_is_known(const struct oc_node *node)
{
    for (int k = 0; k < node->n_out; k++)
        if (node->out[k]->unknown || (node->out[k]->type != OCELLUS_UNDEFINED &&
                                      node->out[k]->data == NULL))
            return 0;
    return 1;
}

double
oc_node_flops(const struct oc_node *node)
{
    if (oc_node_is_known(node))
        return 0;
    if (!has_shapes(node))
        return -1;
    for (size_t k = 0; k < OC_COUNT(rows); k++)
        if (strcmp(rows[k].op, node->op->name) == 0)
            return rows[k].flops(node);
    if (node->op->flags & OC_OP_POINTWISE)
        return count(node->out[0]);
    return strncmp(node->op->name, "Reduce", 6) == 0 ? count(node->in[0]) : 0;
}

/* ---- numbers ----------------------------------------------------------- */

static int
reads(const struct oc_node *node, int inputs, const struct ocellus_value *value)
{
    for (int k = 0; k < inputs; k++)
        if (node->in[k] == value)
            return 1;
    return 0;
}

static int
was_read(const struct oc_node *node, int input)
{
    const struct ocellus_value *value = node->in[input];
    for (int k = 0; k < node->id; k++) {
        const struct oc_node *other = node->graph->nodes[k];
        if (reads(other, other->n_in, value))
            return 1;
    }
    return reads(node, input, value);
}

int64_t
oc_node_parameters(const struct oc_node *node)
{
    int64_t sum = 0;
    for (int k = 0; k < node->n_in; k++) {
        const struct ocellus_value *value = node->in[k];
        if (value != NULL && value->kind == OC_STATE && value->trainable &&
            !was_read(node, k))
            sum += oc_shape_count(&value->shape);
    }
    return sum;
}

/* -1: unknown. What the host knows takes no room on a device. */
static int64_t
bytes_of(const struct ocellus_value *value)
{
    size_t bytes;
    if (value->unknown || !oc_shape_known(&value->shape))
        return -1;
    if (value->data != NULL || value->type == OCELLUS_UNDEFINED ||
        oc_shape_bytes(&value->shape, oc_type_size(value->type), &bytes) !=
            OCELLUS_OK)
        return 0;
    return (int64_t)bytes;
}

int64_t
oc_node_bytes(const struct oc_node *node)
{
    int64_t sum = 0;
    for (int k = 0; k < node->n_out; k++) {
        int64_t bytes = bytes_of(node->out[k]);
        if (bytes < 0)
            return -1;
        sum += bytes;
    }
    return sum;
}

/* ---- how much at once -------------------------------------------------- */

/* Whose bytes a value's are: a view has those of what it looks at. */
static const struct ocellus_value *
owner(const struct ocellus_value *value)
{
    while (value->kind == OC_RESULT && value->slot == 0 &&
           (value->node->op->flags & OC_OP_VIEW) && value->node->in[0] != NULL)
        value = value->node->in[0];
    return value;
}

/* last[id]: after which node the value's bytes are free. */
static void
find_last_readers(const struct ocellus_graph *graph, int *last)
{
    for (int k = 0; k < graph->n_values; k++)
        last[k] = graph->values[k]->node ? graph->values[k]->node->id : -1;
    for (int k = 0; k < graph->n_nodes; k++)
        for (int i = 0; i < graph->nodes[k]->n_in; i++)
            if (graph->nodes[k]->in[i] != NULL)
                last[owner(graph->nodes[k]->in[i])->id] = k;
    for (int k = 0; k < graph->n_outputs; k++)
        last[owner(graph->outputs[k])->id] = graph->n_nodes;
}

static int
takes_room(const struct ocellus_value *value)
{
    return (value->kind == OC_INPUT || value->kind == OC_RESULT) &&
           owner(value) == value;
}

/* change[k]: what node k adds to what lives, less what went before it. */
static int64_t
add_up(const struct ocellus_graph *graph, const int *last, int64_t *change)
{
    int64_t now = 0, most = 0;
    for (int k = 0; k < graph->n_values; k++) {
        const struct ocellus_value *value = graph->values[k];
        if (!takes_room(value))
            continue;
        int64_t bytes = bytes_of(value);
        if (bytes < 0)
            return -1;
        change[value->node ? value->node->id : 0] += bytes;
        if (last[k] < graph->n_nodes)
            change[last[k] + 1] -= bytes;
    }
    for (int k = 0; k < graph->n_nodes; k++) {
        now += change[k];
        most = now > most ? now : most;
    }
    return most;
}

ocellus_status
oc_graph_peak(const struct ocellus_graph *graph, int64_t *bytes)
{
    int *last = calloc((size_t)graph->n_values + 1, sizeof(*last));
    int64_t *change = calloc((size_t)graph->n_nodes + 2, sizeof(*change));
    ocellus_status status = OCELLUS_OK;
    if (last == NULL || change == NULL) {
        status = oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to count bytes");
        goto out;
    }
    find_last_readers(graph, last);
    *bytes = add_up(graph, last, change);
out:
    free(last);
    free(change);
    return status;
}

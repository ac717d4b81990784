/* head.c - see head.h.
 *
 * From the first output back through what keeps the classes apart (Softmax,
 * Flatten, pools, an added bias) to the node that multiplies by weights. New
 * weights start as PyTorch's Linear does, uniform within +-1/sqrt(fan in).
 */
#include "pass/head.h"

#include <string.h>

#include "graph/op.h"

struct head {
    struct ocellus_graph *graph;
    struct oc_node *layer;
    struct ocellus_value *bias; /* added behind the layer, or NULL */
};

static int
one_of(const struct oc_node *node, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(node->op->name, *list) == 0)
            return 1;
    return 0;
}

static int
is_layer(const struct oc_node *node)
{
    static const char *const layers[] = {"Gemm", "MatMul", "Conv", NULL};
    return one_of(node, layers) && node->n_in > 1 &&
           node->in[1]->kind != OC_RESULT;
}

/* Which input the classes come through; -1: none. */
static int
way_back(const struct oc_node *node)
{
    static const char *const through[] = {
        "Softmax",     "LogSoftmax", "Flatten",           "Reshape",
        "Squeeze",     "Identity",   "Dropout",           "Relu",
        "AveragePool", "Sigmoid",    "GlobalAveragePool", "ReduceMean",
        "Cast",        "MaxPool",    "GlobalMaxPool",     "LeakyRelu",
        NULL};
    if (one_of(node, through))
        return 0;
    if (strcmp(node->op->name, "Add") != 0 || node->n_in < 2)
        return -1;
    if (node->in[1]->kind != OC_RESULT)
        return 0;
    return node->in[0]->kind != OC_RESULT ? 1 : -1;
}

static ocellus_status
find(struct head *h)
{
    struct ocellus_value *at = h->graph->n_outputs ? h->graph->outputs[0] : 0;
    while (at != NULL && at->kind == OC_RESULT && !is_layer(at->node)) {
        int k = way_back(at->node);
        if (k < 0)
            return oc_node_fail(at->node, OCELLUS_UNSUPPORTED,
                                "it stands between the output and a last layer "
                                "that could be replaced");
        if (strcmp(at->node->op->name, "Add") == 0)
            h->bias = at->node->in[1 - k];
        at = at->node->in[k];
    }
    if (at == NULL || at->kind != OC_RESULT)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "no last layer of weights stands before the output");
    h->layer = at->node;
    return OCELLUS_OK;
}

/* A constant or a state becomes a trainable state of new numbers. */
static ocellus_status
renew(struct head *h, struct ocellus_value *old, int axis, int classes,
      const char *init)
{
    struct oc_shape shape = old->shape;
    struct ocellus_value *value = old;
    if (axis < 0 || shape.rank == 0)
        return OCELLUS_OK;
    shape.dim[axis] = classes;
    if (old->kind != OC_STATE) {
        value =
            oc_graph_state(h->graph, old->name, OCELLUS_FLOAT, &shape, init, 1);
        if (value == NULL)
            return oc_fail(h->graph->status, "%s", h->graph->sentence);
        oc_graph_replace(h->graph, old, value, NULL);
    }
    value->shape = shape;
    value->data = NULL;
    value->init = init;
    value->trainable = 1;
    return OCELLUS_OK;
}

/* The axis of the weights that counts classes. */
static int
class_axis(const struct oc_node *layer)
{
    if (strcmp(layer->op->name, "Conv") == 0)
        return 0;
    if (strcmp(layer->op->name, "Gemm") == 0 && oc_attr_int(layer, "transB", 0))
        return 0;
    return layer->in[1]->shape.rank - 1;
}

static ocellus_status
replace(struct head *h, int classes, int freeze)
{
    struct ocellus_value *w = h->layer->in[1];
    struct ocellus_value *b = h->layer->n_in > 2 ? h->layer->in[2] : NULL;
    int axis = class_axis(h->layer), same = w->shape.dim[axis] == classes;
    for (int k = 0; freeze && k < h->graph->n_states; k++)
        h->graph->states[k]->trainable = 0;
    if (w->shape.rank < 2 || w->type != OCELLUS_FLOAT)
        return oc_node_fail(h->layer, OCELLUS_UNSUPPORTED,
                            "its weights are no matrix of float32 numbers");
    if (same) {
        w->trainable = w->kind == OC_STATE;
        if (b != NULL)
            b->trainable = b->kind == OC_STATE;
        return OCELLUS_OK;
    }
    /* Readers elsewhere would find other shapes. */
    OC_TRY(renew(h, w, axis, classes, "lecun"));
    if (b != NULL)
        OC_TRY(renew(h, b, b->shape.rank - 1, classes, "zeros"));
    if (h->bias != NULL && h->bias->shape.rank > 0) {
        /* N x classes, or 1 x classes x 1 x 1 behind a convolution */
        int at = strcmp(h->layer->op->name, "Conv") == 0
                     ? h->bias->shape.rank - 3
                     : h->bias->shape.rank - 1;
        OC_TRY(renew(h, h->bias, at, classes, "zeros"));
    }
    return OCELLUS_OK;
}

ocellus_status
oc_head_copy(const struct ocellus_graph *graph, int classes, int freeze,
             struct ocellus_graph **copy)
{
    struct head h = {0};
    *copy = NULL;
    OC_TRY(oc_graph_copy(graph, &h.graph));
    ocellus_status status = find(&h);
    if (status == OCELLUS_OK)
        status = replace(&h, classes, freeze);
    /* Copied once more, so that all shapes are inferred again. */
    if (status == OCELLUS_OK)
        status = oc_graph_copy(h.graph, copy);
    oc_graph_destroy(h.graph);
    return status == OCELLUS_OK
               ? status
               : oc_fail_context(status, "a head for %d classes: ", classes);
}

/* train.c - see train.h. */
#include "pass/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op.h"
#include "pass/checkpoint.h"
#include "pass/early.h"
#include "pass/fuse.h"
#include "pass/grad.h"
#include "pass/mixed.h"
#include "pass/recompute.h"
#include "pass/update.h"

static ocellus_status
settled(const struct ocellus_graph *graph)
{
    if (graph->status != OCELLUS_OK)
        return oc_fail(graph->status, "%s", graph->sentence);
    return OCELLUS_OK;
}

/* ---- training forms ------------------------------------------------------ */

static ocellus_status
train_norm(struct oc_node *node)
{
    if (node->n_in < 5 || node->n_out < 3)
        return OCELLUS_OK;
    OC_TRY(oc_attr_set_int(node, "training_mode", 1));
    OC_TRY(oc_attr_set_int(node, "unbiased", 1));
    OC_TRY(node->op->infer(node));
    for (int k = 0; k < 2; k++)
        if (node->in[3 + k]->kind == OC_STATE)
            node->in[3 + k]->assigned = node->out[1 + k];
    return OCELLUS_OK;
}

static struct ocellus_value *
key_input(struct ocellus_graph *graph)
{
    struct oc_shape four = OC_SHAPE(4);
    for (int k = 0; k < graph->n_inputs; k++)
        if (strcmp(graph->inputs[k]->name, "key") == 0)
            return graph->inputs[k];
    return oc_graph_input(graph, "key", OCELLUS_INT32, &four);
}

static struct oc_attr
attr_int(const char *name, int64_t value)
{
    return (struct oc_attr){.name = name, .kind = OC_ATTR_INT, .i = value};
}

/* The node stays where it stands in the order and becomes another operator. */
static ocellus_status
train_dropout(struct oc_node *node, int stream)
{
    struct ocellus_graph *graph = node->graph;
    const float *ratio;
    int count;
    OC_TRY(oc_host_floats(node, 1, &ratio, &count));
    struct ocellus_value *key = key_input(graph);
    struct ocellus_value **in = oc_arena_alloc(graph->arena, 3 * sizeof *in);
    struct oc_attr *attr = oc_arena_alloc(graph->arena, 2 * sizeof *attr);
    const struct oc_op *op = oc_op_find("RandomDropout");
    if (key == NULL || in == NULL || attr == NULL || op == NULL)
        return oc_node_fail(node, OCELLUS_INTERNAL,
                            "cannot become a RandomDropout");
    in[0] = node->in[0];
    in[1] = key;
    attr[0] = (struct oc_attr){.name = "ratio",
                               .kind = OC_ATTR_FLOAT,
                               .f = count > 0 ? (double)ratio[0] : 0.5};
    attr[1] = attr_int("stream", stream);
    node->op = op;
    node->in = in;
    node->n_in = 2;
    node->attr = attr;
    node->n_attr = 2;
    node->n_out = 1;
    return op->infer(node);
}

static ocellus_status
train_forms(struct ocellus_graph *graph)
{
    for (int k = 0; k < graph->n_nodes; k++) {
        struct oc_node *node = graph->nodes[k];
        if (strcmp(node->op->name, "BatchNormalization") == 0)
            OC_TRY(train_norm(node));
        else if (strcmp(node->op->name, "Dropout") == 0)
            OC_TRY(train_dropout(node, k));
    }
    return settled(graph);
}

/* ---- the loss -------------------------------------------------------------
 */

/* All positions of all sequences as samples of one batch. */
static struct ocellus_value *
lie_long(struct ocellus_value *value, int axes)
{
    struct ocellus_graph *graph = value ? value->graph : NULL;
    int64_t dims[2] = {-1, 0};

    if (value == NULL)
        return NULL;
    if (axes == 2)
        dims[1] = value->shape.dim[value->shape.rank - 1];
    return OC_NODE(graph, "Reshape", NULL, value, oc_ints(graph, axes, dims));
}

static struct ocellus_value *
one_loss(struct ocellus_graph *graph, const struct oc_recipe *recipe,
         struct ocellus_value *y, struct ocellus_value *labels)
{
    char attributes[96];
    switch (recipe->loss) {
    case OC_LOSS_MSE:
        return OC_NODE(graph, "MeanSquaredError", NULL, y, labels);
    case OC_LOSS_SMOOTH_L1:
        return OC_NODE(graph, "SmoothL1", NULL, y, labels);
    case OC_LOSS_BCE:
        return OC_NODE(graph, "BinaryCrossEntropyWithLogits", NULL, y, labels);
    case OC_LOSS_SEQUENCE:
        y = lie_long(y, 2);
        labels = lie_long(labels, 1);
        /* fall through */
    default:
        snprintf(attributes, sizeof attributes,
                 "reduction=mean label_smoothing=%.9g",
                 (double)recipe->label_smoothing);
        return OC_NODE(graph, "SoftmaxCrossEntropyLoss", attributes, y, labels);
    }
}

static int
of_classes(const struct oc_recipe *recipe)
{
    return recipe->loss == OC_LOSS_CROSS_ENTROPY ||
           recipe->loss == OC_LOSS_SEQUENCE;
}

/* Cross-entropy wants logits: a net that ends in Softmax is entered before. */
static struct ocellus_value *
scores(const struct oc_recipe *recipe, struct ocellus_value *y)
{
    if (of_classes(recipe) && y->node != NULL &&
        strcmp(y->node->op->name, "Softmax") == 0)
        return y->node->in[0];
    return y;
}

static struct ocellus_value *
labels_input(struct ocellus_graph *graph, const struct oc_recipe *recipe,
             const char *name, const struct ocellus_value *y)
{
    if (!of_classes(recipe))
        return oc_graph_input(graph, name, OCELLUS_FLOAT, &y->shape);
    struct oc_shape shape = y->shape;
    int axis = recipe->loss == OC_LOSS_SEQUENCE ? shape.rank - 1 : 1;
    for (int k = axis; k + 1 < shape.rank; k++)
        shape.dim[k] = shape.dim[k + 1];
    shape.rank = shape.rank > 1 ? shape.rank - 1 : 1;
    return oc_graph_input(graph, name, OCELLUS_INT64, &shape);
}

static struct ocellus_value *
add_loss(struct ocellus_graph *graph, const struct oc_recipe *recipe)
{
    struct oc_shape one = OC_SHAPE(1);
    struct ocellus_value *y = scores(recipe, graph->outputs[0]);
    struct ocellus_value *loss =
        one_loss(graph, recipe, y, labels_input(graph, recipe, "labels", y));
    if (!recipe->mixup || loss == NULL)
        return loss;
    struct ocellus_value *second =
        one_loss(graph, recipe, y, labels_input(graph, recipe, "labels2", y));
    struct ocellus_value *mix =
        oc_graph_input(graph, "mix", OCELLUS_FLOAT, &one);
    if (second == NULL || mix == NULL)
        return NULL;
    /* second + mix * (first - second) */
    struct ocellus_value *gap = OC_NODE(graph, "Sub", NULL, loss, second);
    if (gap == NULL)
        return NULL;
    gap = OC_NODE(graph, "Mul", NULL, gap, mix);
    return gap ? OC_NODE(graph, "Add", NULL, second, gap) : NULL;
}

/* ---- the step --------------------------------------------------------------
 */

/* Gradients of half are scaled, those that the caller wants to see are not. */
static ocellus_status
scale_loss(struct ocellus_graph *graph, const struct oc_recipe *recipe,
           struct ocellus_value **loss, struct ocellus_value **scale)
{
    *scale = NULL;
    if (graph->storage != OCELLUS_FLOAT16 || recipe->no_update)
        return OCELLUS_OK;
    *scale = oc_loss_scale(graph);
    *loss = *scale ? OC_NODE(graph, "Mul", NULL, *loss, *scale) : NULL;
    return settled(graph);
}

static ocellus_status
gradients(struct ocellus_graph *graph, const struct oc_recipe *recipe,
          struct ocellus_value *loss)
{
    struct ocellus_value *scale;
    OC_TRY(scale_loss(graph, recipe, &loss, &scale));
    int n = graph->n_states, count = 0, n_forward = graph->n_nodes;
    struct ocellus_value **wrt = calloc((size_t)n + 1, sizeof(*wrt));
    struct ocellus_value **g = calloc((size_t)n + 1, sizeof(*g));
    ocellus_status status = OCELLUS_OK;
    if (wrt == NULL || g == NULL)
        OC_TRY_OUT(oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for gradients"));
    for (int k = 0; k < n; k++)
        if (graph->states[k]->trainable)
            wrt[count++] = graph->states[k];
    if (count == 0)
        OC_TRY_OUT(oc_fail(OCELLUS_BAD_MODEL,
                           "the model has no trainable parameters"));
    OC_TRY_OUT(oc_grad(graph, loss, wrt, count, g));
    if (recipe->checkpoint > 1)
        OC_TRY_OUT(oc_checkpoint_pass(graph, n_forward, recipe->checkpoint));
    else
        OC_TRY_OUT(oc_recompute_pass(graph, n_forward, recipe->checkpoint));
    OC_TRY_OUT(oc_update(graph, recipe, wrt, g, count, scale));
out:
    free(wrt);
    free(g);
    return status;
}

ocellus_status
oc_train_pass(struct ocellus_graph *graph, void *user)
{
    const struct oc_recipe *recipe = user;
    if (graph->n_outputs == 0)
        return oc_fail(OCELLUS_BAD_MODEL, "the model has no output");
    graph->training = 1;
    OC_TRY(train_forms(graph));
    OC_TRY(oc_mixed_pass(graph));
    struct ocellus_value *loss = add_loss(graph, recipe);
    OC_TRY(settled(graph));
    OC_TRY(gradients(graph, recipe, loss));
    OC_TRY(settled(graph));
    OC_TRY(oc_graph_output(graph, "loss", loss));
    OC_TRY(oc_fuse_pass(graph));
    return oc_early_pass(graph);
}

/* infer.c - see infer.h.
 *
 * Folding is written as nodes too: w * scale / sqrt(var + epsilon) depends on
 * states alone, so the planner puts it into the prologue, and it is computed
 * again when the states change.
 */
#include "pass/infer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op.h"
#include "pass/fuse.h"
#include "pass/mixed.h"

static int
is(const struct oc_node *node, const char *op)
{
    return node != NULL && strcmp(node->op->name, op) == 0;
}

static void
drop_dropout(struct ocellus_graph *graph)
{
    for (int k = 0; k < graph->n_nodes; k++)
        if (is(graph->nodes[k], "Dropout"))
            oc_graph_replace(graph, graph->nodes[k]->out[0],
                             graph->nodes[k]->in[0], graph->nodes[k]);
}

static int
readers(const struct ocellus_graph *graph, const struct ocellus_value *value)
{
    int count = 0;
    for (int k = 0; k < graph->n_nodes; k++)
        for (int i = 0; i < graph->nodes[k]->n_in; i++)
            count += graph->nodes[k]->in[i] == value;
    for (int k = 0; k < graph->n_outputs; k++)
        count += graph->outputs[k] == value;
    return count;
}

static int
gives_more(const struct ocellus_graph *graph, const struct oc_node *node)
{
    for (int k = 1; k < node->n_out; k++)
        if (node->out[k] != NULL && readers(graph, node->out[k]) > 0)
            return 1;
    return 0;
}

ocellus_status
oc_infer_forms(struct ocellus_graph *graph)
{
    for (int k = 0; k < graph->n_nodes; k++) {
        struct oc_node *node = graph->nodes[k];
        if (is(node, "BatchNormalization") && !gives_more(graph, node) &&
            oc_attr_int(node, "training_mode", 0) != 0)
            OC_TRY(oc_attr_set_int(node, "training_mode", 0));
        else if (is(node, "Dropout") && !gives_more(graph, node) &&
                 node->n_in > 2)
            node->n_in = 2;
    }
    return OCELLUS_OK;
}

/* May `norm` be folded into the convolution before it? */
static struct oc_node *
foldable(const struct ocellus_graph *graph, const struct oc_node *norm)
{
    if (!is(norm, "BatchNormalization") ||
        oc_attr_int(norm, "training_mode", 0) != 0)
        return NULL;
    struct oc_node *conv = norm->in[0]->node;
    if (!is(conv, "Conv") || conv->epilogue != NULL ||
        conv->out[0]->type != OCELLUS_FLOAT)
        return NULL;
    for (int k = 1; k < 5; k++)
        if (norm->in[k]->kind == OC_RESULT || norm->in[k]->kind == OC_INPUT)
            return NULL;
    return readers(graph, conv->out[0]) == 1 ? conv : NULL;
}

/* scale / sqrt(var + epsilon) */
static struct ocellus_value *
factor(const struct oc_node *norm)
{
    struct ocellus_graph *g = norm->graph;
    struct ocellus_value *v =
        OC_NODE(g, "Add", NULL, norm->in[4],
                oc_scalar(g, oc_attr_float(norm, "epsilon", 1e-5)));
    v = v ? OC_NODE(g, "Sqrt", NULL, v) : NULL;
    return v ? OC_NODE(g, "Div", NULL, norm->in[1], v) : NULL;
}

static struct ocellus_value *
folded_weight(const struct oc_node *conv, struct ocellus_value *f)
{
    struct ocellus_graph *g = conv->graph;
    struct ocellus_value *w = conv->in[1];
    int64_t dims[OC_MAX_RANK] = {w->shape.dim[0], 1, 1, 1, 1, 1, 1, 1};
    struct ocellus_value *shape = oc_ints(g, w->shape.rank, dims);
    f = shape ? OC_NODE(g, "Reshape", NULL, f, shape) : NULL;
    return f ? OC_NODE(g, "Mul", NULL, w, f) : NULL;
}

/* (b - mean) * f + bias */
static struct ocellus_value *
folded_bias(const struct oc_node *conv, const struct oc_node *norm,
            struct ocellus_value *f)
{
    struct ocellus_graph *g = conv->graph;
    struct ocellus_value *b =
        conv->n_in > 2 && conv->in[2] != NULL
            ? OC_NODE(g, "Sub", NULL, conv->in[2], norm->in[3])
            : OC_NODE(g, "Neg", NULL, norm->in[3]);
    b = b ? OC_NODE(g, "Mul", NULL, b, f) : NULL;
    return b ? OC_NODE(g, "Add", NULL, b, norm->in[2]) : NULL;
}

static ocellus_status
fold(struct ocellus_graph *graph, const struct oc_node *conv,
     const struct oc_node *norm)
{
    struct ocellus_value *f = factor(norm);
    struct ocellus_value *w = f ? folded_weight(conv, f) : NULL;
    struct ocellus_value *b = w ? folded_bias(conv, norm, f) : NULL;
    struct ocellus_value *y =
        b ? OC_NODE_LIKE(conv, "Conv", NULL, conv->in[0], w, b) : NULL;
    if (y == NULL)
        return oc_fail(graph->status, "%s", graph->sentence);
    y->node->name = conv->name;
    oc_graph_replace(graph, norm->out[0], y, NULL);
    return OCELLUS_OK;
}

static ocellus_status
fold_norms(struct ocellus_graph *graph)
{
    int n = graph->n_nodes;
    for (int k = 0; k < n; k++) {
        struct oc_node *conv = foldable(graph, graph->nodes[k]);
        if (conv != NULL)
            OC_TRY(fold(graph, conv, graph->nodes[k]));
    }
    OC_TRY(oc_graph_sort(graph));
    return oc_graph_prune(graph);
}

ocellus_status
oc_infer_pass(struct ocellus_graph *graph)
{
    drop_dropout(graph);
    OC_TRY(oc_graph_prune(graph));
    OC_TRY(fold_norms(graph));
    OC_TRY(oc_mixed_pass(graph));
    return oc_fuse_pass(graph);
}

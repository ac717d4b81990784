/* mixed.c - see mixed.h.
 *
 * Three sorts of operators, much as PyTorch's autocast sorts them:
 *
 *   narrow   contractions: their float32 inputs are rounded
 *   follow   what moves or bends numbers one by one: narrow where what they
 *            read already is, so that a stretch of a net is crossed in one type
 *   wide     all others: what they read is widened again
 *
 * A value is rounded once, however many read it, and a constant on the host.
 */
#include "pass/mixed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op.h"

enum sort { WIDE, NARROW, FOLLOW };

#define ALL UINT32_MAX
#define FIRST 1u

/* Which inputs are numbers of that sort; the others (statistics, scales of a
 * resize) stay as they are. */
static const struct row {
    const char *op;
    enum sort sort;
    uint32_t inputs;
} table[] = {
    {"Conv", NARROW, ALL},
    {"ConvTranspose", NARROW, ALL},
    {"Gemm", NARROW, ALL},
    {"MatMul", NARROW, ALL},

    {"Abs", FOLLOW, ALL},
    {"Add", FOLLOW, ALL},
    {"AveragePool", FOLLOW, FIRST},
    {"BatchNormalization", FOLLOW, FIRST},
    {"Clip", FOLLOW, ALL},
    {"Concat", FOLLOW, ALL},
    {"DepthToSpace", FOLLOW, FIRST},
    {"Dropout", FOLLOW, FIRST},
    {"Elu", FOLLOW, ALL},
    {"Expand", FOLLOW, FIRST},
    {"Flatten", FOLLOW, FIRST},
    {"Gather", FOLLOW, FIRST},
    {"Gelu", FOLLOW, ALL},
    {"GlobalAveragePool", FOLLOW, FIRST},
    {"GlobalMaxPool", FOLLOW, FIRST},
    {"HardSigmoid", FOLLOW, ALL},
    {"HardSwish", FOLLOW, ALL},
    {"Identity", FOLLOW, ALL},
    {"LeakyRelu", FOLLOW, ALL},
    {"Max", FOLLOW, ALL},
    {"MaxPool", FOLLOW, FIRST},
    {"Min", FOLLOW, ALL},
    {"Mish", FOLLOW, ALL},
    {"Mul", FOLLOW, ALL},
    {"Neg", FOLLOW, ALL},
    {"PRelu", FOLLOW, ALL},
    {"Pad", FOLLOW, 1u | 1u << 2},
    {"RandomDropout", FOLLOW, FIRST},
    {"Relu", FOLLOW, ALL},
    {"Reshape", FOLLOW, FIRST},
    {"Resize", FOLLOW, FIRST},
    {"Selu", FOLLOW, ALL},
    {"Sigmoid", FOLLOW, ALL},
    {"Slice", FOLLOW, FIRST},
    {"SpaceToDepth", FOLLOW, FIRST},
    {"Split", FOLLOW, FIRST},
    {"Squeeze", FOLLOW, FIRST},
    {"Sub", FOLLOW, ALL},
    {"Sum", FOLLOW, ALL},
    {"Swish", FOLLOW, ALL},
    {"Tanh", FOLLOW, ALL},
    {"Transpose", FOLLOW, FIRST},
    {"Unsqueeze", FOLLOW, FIRST},
};

struct mixing {
    struct ocellus_graph *graph;
    ocellus_type type;
    int n_values;                 /* before the pass */
    struct ocellus_value **other; /* per value: the same in the other type */
    char *ours;                   /* per value: narrow by this pass */
};

static const struct row *
row_of(const struct oc_node *node)
{
    for (size_t k = 0; node->op->domain == NULL && k < OC_COUNT(table); k++)
        if (strcmp(table[k].op, node->op->name) == 0)
            return &table[k];
    return NULL;
}

static int
is_narrow(const struct mixing *m, const struct ocellus_value *value)
{
    return value->id < m->n_values && m->ours[value->id];
}

static int
takes(const struct row *row, int k)
{
    return k >= 32 ? row->inputs == ALL : (int)(row->inputs >> k & 1u);
}

/* A node follows where something that it reads is narrow, and nothing that was
 * computed is wide. */
static int
follows(const struct mixing *m, const struct oc_node *node,
        const struct row *row)
{
    int any = 0;

    for (int k = 0; k < node->n_in; k++) {
        const struct ocellus_value *in = node->in[k];
        if (in == NULL || !takes(row, k))
            continue;
        if (is_narrow(m, in))
            any = 1;
        else if (in->type == OCELLUS_FLOAT &&
                 (in->kind == OC_RESULT || in->kind == OC_INPUT) &&
                 in->data == NULL)
            return 0;
    }
    return any;
}

static struct ocellus_value *
cast(struct mixing *m, struct ocellus_value *value, ocellus_type type)
{
    struct ocellus_value **other = &m->other[value->id];
    char to[16];

    snprintf(to, sizeof to, "to=%d", (int)type);
    if (*other == NULL)
        *other = OC_NODE(m->graph,
                         value->kind == OC_STATE && value->trainable
                             ? "NarrowParameter"
                             : "Cast",
                         to, value);
    return *other;
}

static ocellus_status
failed(const struct mixing *m)
{
    return oc_fail(m->graph->status, "%s", m->graph->sentence);
}

/* Its outputs take the types of what it reads now. */
static ocellus_status
infer_again(struct mixing *m, struct oc_node *node)
{
    OC_TRY(node->op->infer(node));
    for (int k = 0; k < node->n_out; k++)
        if (node->out[k] != NULL)
            m->ours[node->out[k]->id] = node->out[k]->type == m->type;
    return OCELLUS_OK;
}

static ocellus_status
narrow(struct mixing *m, struct oc_node *node, const struct row *row)
{
    for (int k = 0; k < node->n_in; k++) {
        struct ocellus_value *in = node->in[k];
        if (in == NULL || !takes(row, k) || in->type != OCELLUS_FLOAT)
            continue;
        node->in[k] = cast(m, in, m->type);
        if (node->in[k] == NULL)
            return failed(m);
    }
    return infer_again(m, node);
}

static ocellus_status
widen(struct mixing *m, struct oc_node *node)
{
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] != NULL && is_narrow(m, node->in[k])) {
            node->in[k] = cast(m, node->in[k], OCELLUS_FLOAT);
            if (node->in[k] == NULL)
                return failed(m);
        }
    return OCELLUS_OK;
}

static ocellus_status
mix(struct mixing *m, struct oc_node *node)
{
    const struct row *row = row_of(node);
    enum sort sort = row ? row->sort : WIDE;

    if (node->n_out > 0 && node->out[0]->data != NULL)
        return OCELLUS_OK;
    /* A product of whole or double numbers stays one. */
    if (sort == NARROW && node->in[0]->type != OCELLUS_FLOAT &&
        !is_narrow(m, node->in[0]))
        sort = WIDE;
    if (sort == NARROW || (sort == FOLLOW && follows(m, node, row)))
        return narrow(m, node, row);
    return widen(m, node);
}

/* Whoever stands outside of the graph sees float32. */
static ocellus_status
widen_ends(struct mixing *m)
{
    struct ocellus_graph *g = m->graph;

    for (int k = 0; k < g->n_outputs; k++)
        if (is_narrow(m, g->outputs[k]) &&
            (g->outputs[k] = cast(m, g->outputs[k], OCELLUS_FLOAT)) == NULL)
            return failed(m);
    for (int k = 0; k < g->n_states; k++) {
        struct ocellus_value **end = &g->states[k]->assigned;
        if (*end != NULL && is_narrow(m, *end) &&
            (*end = cast(m, *end, OCELLUS_FLOAT)) == NULL)
            return failed(m);
    }
    return OCELLUS_OK;
}

ocellus_status
oc_mixed_pass(struct ocellus_graph *graph)
{
    const size_t n = (size_t)graph->n_values + 1;
    const int n_nodes = graph->n_nodes;
    struct mixing m = {
        .graph = graph, .type = graph->storage, .n_values = graph->n_values};
    ocellus_status status = OCELLUS_OK;

    if (m.type != OCELLUS_FLOAT16 && m.type != OCELLUS_BFLOAT16)
        return OCELLUS_OK;
    m.other = calloc(n, sizeof(*m.other));
    m.ours = calloc(n, 1);
    if (m.other == NULL || m.ours == NULL)
        OC_TRY_OUT(oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to mix types"));
    for (int k = 0; k < n_nodes; k++)
        OC_TRY_OUT(mix(&m, graph->nodes[k]));
    OC_TRY_OUT(widen_ends(&m));
    status = oc_graph_sort(graph);
out:
    free(m.other);
    free(m.ours);
    return status;
}

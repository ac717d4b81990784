/* show.c - a graph as text, a line a node. */
#include "graph/inside.h"

#include "base/text.h"

static void
value_text(struct oc_text *text, const struct ocellus_value *value)
{
    char shape[OC_SHAPE_TEXT];
    if (value == NULL) {
        oc_text_append(text, "-");
        return;
    }
    oc_text_printf(text, "%s:%s", value->name,
                   value->unknown ? "?" : oc_shape_text(&value->shape, shape));
    if (!value->unknown && value->type != OCELLUS_FLOAT)
        oc_text_printf(text, ":%s", oc_type_name(value->type));
}

static void
attr_text(struct oc_text *text, const struct oc_attr *attr)
{
    oc_text_printf(text, " %s=", attr->name);
    switch (attr->kind) {
    case OC_ATTR_INT:
        oc_text_printf(text, "%lld", (long long)attr->i);
        break;
    case OC_ATTR_FLOAT:
        oc_text_printf(text, "%g", attr->f);
        break;
    case OC_ATTR_TEXT:
        oc_text_append(text, attr->text);
        break;
    case OC_ATTR_TENSOR:
        oc_text_append(text, "tensor");
        break;
    case OC_ATTR_GRAPH:
        oc_text_printf(text, "(%d nodes)", attr->graph->n_nodes);
        break;
    default:
        for (int k = 0; k < attr->count; k++)
            if (attr->kind == OC_ATTR_INTS)
                oc_text_printf(text, "%s%lld", k ? "," : "",
                               (long long)attr->ints[k]);
            else
                oc_text_printf(text, "%s%g", k ? "," : "",
                               (double)attr->floats[k]);
    }
}

static void
node_text(struct oc_text *text, const struct oc_node *node)
{
    for (int k = 0; k < node->n_out; k++)
        if (node->out[k]->type != OCELLUS_UNDEFINED || node->out[k]->unknown) {
            oc_text_append(text, k ? ", " : "");
            value_text(text, node->out[k]);
        }
    oc_text_printf(text, " = %s(", node->op->name);
    for (int k = 0; k < node->n_in; k++) {
        oc_text_append(text, k ? ", " : "");
        value_text(text, node->in[k]);
    }
    oc_text_append(text, ")");
    for (int k = 0; k < node->n_attr; k++)
        attr_text(text, &node->attr[k]);
    if (node->epilogue != NULL)
        oc_text_printf(text, " then %s", node->epilogue->formula);
    oc_text_append(text, "\n");
}

static void
leaves_text(struct oc_text *text, const struct ocellus_graph *graph)
{
    for (int k = 0; k < graph->n_inputs; k++) {
        oc_text_append(text, "input ");
        value_text(text, graph->inputs[k]);
        oc_text_append(text, "\n");
    }
    for (int k = 0; k < graph->n_states; k++) {
        oc_text_append(text,
                       graph->states[k]->trainable ? "parameter " : "state ");
        value_text(text, graph->states[k]);
        oc_text_append(text, "\n");
    }
}

ocellus_status
oc_graph_text(const struct ocellus_graph *graph, char **out)
{
    struct oc_text text = {0};
    *out = NULL;
    leaves_text(&text, graph);
    for (int k = 0; k < graph->n_nodes; k++)
        node_text(&text, graph->nodes[k]);
    for (int k = 0; k < graph->n_states; k++)
        if (graph->states[k]->assigned != NULL)
            oc_text_printf(&text, "%s := %s\n", graph->states[k]->name,
                           graph->states[k]->assigned->name);
    for (int k = 0; k < graph->n_outputs; k++)
        oc_text_printf(&text, "output %s = %s\n", graph->output_names[k],
                       graph->outputs[k]->name);
    if (text.failed || text.data == NULL) {
        oc_text_free(&text);
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to show a graph");
    }
    *out = text.data;
    return OCELLUS_OK;
}

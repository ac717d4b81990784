/* bind.c - copies of a graph, with input shapes made known; and pruning. */
#include <stdlib.h>
#include <string.h>

#include "graph/attr.h"
#include "graph/inside.h"

static struct ocellus_value *
mapped(const struct oc_copying *c, const struct ocellus_value *value)
{
    return value ? c->map[value->id] : NULL;
}

static const char *
prefixed(const struct oc_copying *c, const char *name)
{
    return c->prefix == NULL
               ? name
               : oc_arena_printf(c->to->arena, "%s%s", c->prefix, name);
}

/* A copy that outlives `from` has its own numbers, but for the large ones of
 * states: those lie in a store. */
#define LARGE 65536

static ocellus_status
own_numbers(struct oc_copying *c, struct ocellus_value *made)
{
    size_t bytes;
    if (made->data == NULL)
        return OCELLUS_OK;
    OC_TRY(oc_shape_bytes(&made->shape, oc_type_size(made->type), &bytes));
    if (made->kind == OC_STATE && bytes > LARGE) {
        made->data = NULL;
        return OCELLUS_OK;
    }
    made->data = bytes ? oc_arena_copy(c->to->arena, made->data, bytes)
                       : oc_arena_alloc(c->to->arena, 1);
    return made->data
               ? OCELLUS_OK
               : oc_fail(OCELLUS_OUT_OF_MEMORY,
                         "no memory for '%s' (%zu bytes)", made->name, bytes);
}

/* What a file says of a value. */
static ocellus_status
copy_declared(struct oc_copying *c, const struct ocellus_value *from,
              struct ocellus_value *to)
{
    to->declared = from->declared;
    if (from->declared == NULL || !c->apart)
        return OCELLUS_OK;
    to->declared =
        oc_arena_copy(c->to->arena, from->declared, sizeof *from->declared);
    return to->declared
               ? OCELLUS_OK
               : oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a graph");
}

/* Numbers are shared: `to` keeps `from`. A state of a subgraph that another
 * turn of its loop brought already is that one. */
ocellus_status
oc_copy_leaf(struct oc_copying *c, const struct ocellus_value *value)
{
    struct ocellus_value *made = value->kind == OC_STATE && c->prefix != NULL
                                     ? oc_graph_find_state(c->to, value->name)
                                     : NULL;
    if (made == NULL && value->kind == OC_STATE)
        made = oc_graph_state(c->to, value->name, value->type, &value->shape,
                              value->init, value->trainable);
    else if (made == NULL)
        made = oc_graph_value(c->to, OC_CONSTANT, prefixed(c, value->name));
    if (made == NULL)
        return oc_fail(c->to->status, "%s", c->to->sentence);
    made->type = value->type;
    made->shape = value->shape;
    made->data = value->data;
    c->map[value->id] = made;
    return c->apart ? own_numbers(c, made) : OCELLUS_OK;
}

static ocellus_status
copy_inputs(struct oc_copying *c, const struct oc_shape *shapes,
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
        made->unknown = shapes ? 0 : in->unknown;
        OC_TRY(copy_declared(c, in, made));
        c->map[in->id] = made;
    }
    return OCELLUS_OK;
}

static ocellus_status
copy_epilogue(struct oc_copying *c, const struct oc_node *from,
              struct oc_node *to)
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
copy_attrs(struct oc_copying *c, const struct oc_node *node,
           struct oc_node *made)
{
    struct oc_attr *attr =
        oc_arena_alloc(c->to->arena, (size_t)(node->n_attr + 1) * sizeof *attr);
    if (attr == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a node");
    for (int k = 0; k < node->n_attr; k++) {
        OC_TRY(oc_attr_copy(c->to->arena, &node->attr[k], &attr[k]));
        if (attr[k].tensor != NULL)
            attr[k].tensor = mapped(c, attr[k].tensor);
        if (attr[k].graph != NULL && c->apart)
            OC_TRY(oc_graph_keep(c->to, attr[k].graph));
    }
    made->attr = attr;
    made->n_attr = node->n_attr;
    return OCELLUS_OK;
}

static int
is_host_input(const struct oc_node *node, int k)
{
    return k < 32 && (node->op->host >> k & 1);
}

/* As the nodes that it is made of; *done = 0: not yet. */
static ocellus_status
expand(struct oc_copying *c, const struct oc_node *node, int *done)
{
    size_t n = (size_t)(node->n_in + node->n_out + 1);
    struct ocellus_value **in =
        oc_arena_alloc(c->to->arena, n * sizeof(struct ocellus_value *));
    *done = 0;
    if (in == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a node");
    struct ocellus_value **out = in + node->n_in;
    for (int k = 0; k < node->n_in; k++) {
        in[k] = mapped(c, node->in[k]);
        if (in[k] != NULL &&
            (in[k]->unknown || !oc_shape_known(&in[k]->shape) ||
             (in[k]->data == NULL && is_host_input(node, k))))
            return OCELLUS_OK;
    }
    for (int k = 0; k < node->n_out; k++)
        out[k] = node->out[k];
    ocellus_status status = node->op->expand(node, c->to, in, out, done);
    if (status == OCELLUS_OK && c->to->status != OCELLUS_OK)
        status = oc_fail(c->to->status, "%s", c->to->sentence);
    if (status != OCELLUS_OK)
        return oc_fail_context(status, "%s '%s': ", node->op->name, node->name);
    for (int k = 0; *done && k < node->n_out; k++)
        c->map[node->out[k]->id] = out[k] == node->out[k] ? NULL : out[k];
    return OCELLUS_OK;
}

ocellus_status
oc_copy_node(struct oc_copying *c, const struct oc_node *node)
{
    int done = 0;
    if (node->op->expand != NULL)
        OC_TRY(expand(c, node, &done));
    if (done)
        return OCELLUS_OK;
    struct oc_node *made = oc_node_new(c->to, node->op, prefixed(c, node->name),
                                       node->n_in, node->n_out);
    if (made == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a node");
    OC_TRY(copy_attrs(c, node, made));
    for (int k = 0; k < node->n_in; k++)
        made->in[k] = mapped(c, node->in[k]);
    for (int k = 0; k < node->n_out; k++) {
        made->out[k]->name =
            oc_arena_strdup(c->to->arena, prefixed(c, node->out[k]->name));
        OC_TRY(copy_declared(c, node->out[k], made->out[k]));
        c->map[node->out[k]->id] = made->out[k];
    }
    OC_TRY(copy_epilogue(c, node, made));
    return oc_node_settle(made);
}

ocellus_status
oc_copy_leaves(struct oc_copying *c)
{
    const struct ocellus_graph *from = c->from;
    for (int k = 0; k < from->n_values; k++)
        if (from->values[k]->kind == OC_CONSTANT ||
            from->values[k]->kind == OC_STATE)
            OC_TRY(oc_copy_leaf(c, from->values[k]));
    return OCELLUS_OK;
}

static ocellus_status
copy_all(struct oc_copying *c, const struct oc_shape *shapes,
         const void *const *data)
{
    const struct ocellus_graph *from = c->from;
    c->to->seed = from->seed;
    c->to->open = from->open;
    c->to->opset = from->opset;
    c->to->training = from->training;
    c->to->precision = from->precision;
    c->to->storage = from->storage;
    if (!c->apart)
        OC_TRY(oc_graph_keep(c->to, (struct ocellus_graph *)from));
    for (int k = 0; k < from->n_metadata; k++)
        OC_TRY(oc_graph_set_metadata(c->to, from->metadata[k].key,
                                     from->metadata[k].value));
    OC_TRY(copy_inputs(c, shapes, data));
    OC_TRY(oc_copy_leaves(c));
    for (int k = 0; k < from->n_nodes; k++)
        OC_TRY(oc_copy_node(c, from->nodes[k]));
    for (int k = 0; k < from->n_outputs; k++)
        OC_TRY(oc_graph_output(c->to, from->output_names[k],
                               mapped(c, from->outputs[k])));
    for (int k = 0; k < from->n_states; k++)
        c->to->states[k]->assigned = mapped(c, from->states[k]->assigned);
    return OCELLUS_OK;
}

static ocellus_status
copy(struct oc_copying c, const struct oc_shape *shapes,
     const void *const *data, struct ocellus_graph **copied)
{
    const struct ocellus_graph *graph = c.from;
    *copied = NULL;
    if (graph->status != OCELLUS_OK)
        return oc_fail(graph->status, "%s", graph->sentence);
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
    *copied = c.to;
    return OCELLUS_OK;
}

ocellus_status
oc_graph_bind(const struct ocellus_graph *graph, const struct oc_shape *shapes,
              const void *const *data, struct ocellus_graph **bound)
{
    return copy((struct oc_copying){.from = graph}, shapes, data, bound);
}

ocellus_status
oc_graph_inline(struct ocellus_graph *graph, struct ocellus_graph *sub,
                const char *prefix, struct ocellus_value *const *in,
                struct ocellus_value **out)
{
    struct oc_copying c = {.from = sub, .to = graph, .prefix = prefix};
    c.map = calloc((size_t)sub->n_values + 1, sizeof(*c.map));
    if (c.map == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a graph");
    for (int k = 0; k < sub->n_inputs; k++)
        c.map[sub->inputs[k]->id] = in[k];
    graph->open |= sub->open;
    ocellus_status status = oc_graph_keep(graph, sub);
    if (status == OCELLUS_OK)
        status = oc_copy_leaves(&c);
    for (int k = 0; k < sub->n_nodes && status == OCELLUS_OK; k++)
        status = oc_copy_node(&c, sub->nodes[k]);
    for (int k = 0; k < sub->n_outputs && status == OCELLUS_OK; k++)
        out[k] = mapped(&c, sub->outputs[k]);
    free(c.map);
    return status;
}

ocellus_status
oc_node_copy(const struct oc_node *node, struct ocellus_graph *to,
             struct ocellus_value *const *in, struct oc_node **copy)
{
    struct oc_copying c = {.from = node->graph, .to = to};
    *copy = NULL;
    c.map = calloc((size_t)node->graph->n_values + 1, sizeof(*c.map));
    if (c.map == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a node");
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] != NULL)
            c.map[node->in[k]->id] = in[k];
    ocellus_status status = oc_copy_node(&c, node);
    free(c.map);
    OC_TRY(status);
    *copy = to->nodes[to->n_nodes - 1];
    return OCELLUS_OK;
}

ocellus_status
oc_graph_copy(const struct ocellus_graph *graph, struct ocellus_graph **copied)
{
    return copy((struct oc_copying){.from = graph}, NULL, NULL, copied);
}

ocellus_status
oc_graph_copy_apart(const struct ocellus_graph *graph,
                    struct ocellus_graph **copied)
{
    return copy((struct oc_copying){.from = graph, .apart = 1}, NULL, NULL,
                copied);
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

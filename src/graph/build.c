/* build.c - nodes: made, inferred, and evaluated where all is known. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/attr.h"
#include "graph/inside.h"

/* Host evaluation is for shapes and the like; what is larger than this stays
 * on the device, so that a tiny file cannot ask for terabytes of host memory.
 */
#define MOST_EVALUATED 65536
/* The same of what no device computes, in bytes. */
#define MOST_ON_HOST ((size_t)256 << 20)

ocellus_status
oc_node_fail(const struct oc_node *node, ocellus_status status,
             const char *format, ...)
{
    char sentence[512];
    va_list list;
    va_start(list, format);
    vsnprintf(sentence, sizeof sentence, format, list);
    va_end(list);
    return oc_fail(status, "%s '%s': %s", node->op->name, node->name, sentence);
}

ocellus_status
oc_infer_out(struct oc_node *node, int k, ocellus_type type,
             const struct oc_shape *shape)
{
    if (k >= node->n_out)
        return OCELLUS_OK;
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] < OC_UNKNOWN)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "dimension %d of output %d would be %lld", i, k,
                                (long long)shape->dim[i]);
    OC_TRY(oc_shape_possible(shape, oc_type_size(type)));
    node->out[k]->type = type;
    node->out[k]->shape = *shape;
    return OCELLUS_OK;
}

void *
oc_eval_out(struct oc_node *node, int k)
{
    size_t bytes;
    struct ocellus_value *out = node->out[k];
    if (oc_shape_bytes(&out->shape, oc_type_size(out->type), &bytes) !=
        OCELLUS_OK)
        return NULL;
    void *data = oc_arena_alloc(node->graph->arena, bytes ? bytes : 1);
    out->data = data;
    return data;
}

static ocellus_status
host_input(const struct oc_node *node, int k,
           const struct ocellus_value **value)
{
    *value = k < node->n_in ? node->in[k] : NULL;
    if (*value == NULL)
        return OCELLUS_OK;
    if ((*value)->data == NULL)
        ((struct oc_node *)node)->missing |= 1u << (k < 32 ? k : 31);
    if ((*value)->data == NULL)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "input %d ('%s') must be known before the run", k,
                            (*value)->name);
    return OCELLUS_OK;
}

ocellus_status
oc_host_ints(const struct oc_node *node, int k, const int64_t **values,
             int *count)
{
    const struct ocellus_value *value;
    *values = NULL;
    *count = 0;
    OC_TRY(host_input(node, k, &value));
    if (value == NULL)
        return OCELLUS_OK;
    int64_t n = oc_shape_count(&value->shape);
    if (n > MOST_EVALUATED * 16)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "input %d holds %lld numbers", k, (long long)n);
    int64_t *copy =
        oc_arena_alloc(node->graph->arena, (size_t)(n ? n : 1) * sizeof *copy);
    if (copy == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %lld numbers",
                       (long long)n);
    for (int64_t i = 0; i < n; i++)
        copy[i] = oc_element_get_int(value->type, value->data, (size_t)i);
    *values = copy;
    *count = (int)n;
    return OCELLUS_OK;
}

ocellus_status
oc_host_floats(const struct oc_node *node, int k, const float **values,
               int *count)
{
    const struct ocellus_value *value;
    *values = NULL;
    *count = 0;
    OC_TRY(host_input(node, k, &value));
    if (value == NULL)
        return OCELLUS_OK;
    int64_t n = oc_shape_count(&value->shape);
    if (n > MOST_EVALUATED * 16)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "input %d holds %lld numbers", k, (long long)n);
    float *copy =
        oc_arena_alloc(node->graph->arena, (size_t)(n ? n : 1) * sizeof *copy);
    if (copy == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %lld numbers",
                       (long long)n);
    for (int64_t i = 0; i < n; i++)
        copy[i] = (float)oc_element_get(value->type, value->data, (size_t)i);
    *values = copy;
    *count = (int)n;
    return OCELLUS_OK;
}

/* ---- making a node ------------------------------------------------------ */

/* No kernel: it is computed on the host or not at all. */
static int
host_only(const struct oc_op *op)
{
    return op->impls == NULL && op->eval != NULL && !(op->flags & OC_OP_VIEW);
}

/* A state's first numbers are not those that it will have. */
static int
inputs_known(const struct oc_node *node)
{
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] != NULL &&
            (node->in[k]->data == NULL || node->in[k]->kind == OC_STATE))
            return 0;
    return 1;
}

static int
all_known(const struct oc_node *node)
{
    if (!inputs_known(node))
        return 0;
    for (int k = 0; k < node->n_out && !host_only(node->op); k++)
        if (node->out[k]->type != OCELLUS_UNDEFINED &&
            oc_shape_known(&node->out[k]->shape) &&
            oc_shape_count(&node->out[k]->shape) > MOST_EVALUATED)
            return 0;
    for (int k = 0; k < node->n_out; k++) {
        const struct ocellus_value *out = node->out[k];
        if (out->type != OCELLUS_UNDEFINED && !oc_shape_known(&out->shape))
            return 0;
    }
    return 1;
}

/* Until a run says more. */
static ocellus_status
wait(struct oc_node *node)
{
    node->waits = 1;
    for (int k = 0; k < node->n_out; k++) {
        node->out[k]->unknown = 1;
        node->out[k]->type = OCELLUS_UNDEFINED;
        node->out[k]->shape.rank = 0;
    }
    return OCELLUS_OK;
}

/* Inputs whose numbers or very shape are not there yet. */
static uint32_t
missing(const struct oc_node *node)
{
    uint32_t mask = node->op->host, found = 0;
    if (host_only(node->op))
        mask = UINT32_MAX;
    for (int k = 0; k < node->n_in && k < 32; k++)
        if (node->in[k] != NULL && ((mask >> k) & 1) &&
            node->in[k]->data == NULL)
            found |= 1u << k;
    return found;
}

static int
reads_unknown(const struct oc_node *node)
{
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] != NULL && node->in[k]->unknown)
            return 1;
    return 0;
}

static int
is_large(const struct oc_node *node)
{
    size_t bytes;
    for (int k = 0; k < node->n_out; k++)
        if (oc_shape_bytes(&node->out[k]->shape,
                           oc_type_size(node->out[k]->type),
                           &bytes) != OCELLUS_OK ||
            bytes > MOST_ON_HOST)
            return 1;
    return 0;
}

static ocellus_status
infer(struct oc_node *node)
{
    const struct oc_op *op = node->op;
    OC_TRY(op->infer(node));
    if (op->eval == NULL || !all_known(node))
        return OCELLUS_OK;
    if (host_only(op) && is_large(node))
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "it makes more than %d MiB of numbers before the "
                            "run",
                            (int)(MOST_ON_HOST >> 20));
    return op->eval(node);
}

ocellus_status
oc_node_settle(struct oc_node *node)
{
    const struct oc_op *op = node->op;
    if (node->n_in < op->min_in ||
        (node->n_in > op->max_in && node->epilogue == NULL))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "has %d inputs; it takes %d to %d", node->n_in,
                            op->min_in, op->max_in);
    for (int k = 0; k < op->min_in; k++)
        if (node->in[k] == NULL)
            return oc_node_fail(node, OCELLUS_BAD_MODEL, "input %d is missing",
                                k);
    if (op->expand != NULL)
        node->graph->open = 1;
    node->missing = node->graph->open ? missing(node) : 0;
    if (op->expand != NULL || node->missing != 0 || reads_unknown(node))
        return wait(node);
    ocellus_status status = infer(node);
    if (status != OCELLUS_OK && node->missing != 0 && node->graph->open)
        return wait(node);
    if (status != OCELLUS_OK && strstr(ocellus_error(), node->name) == NULL)
        return oc_fail_context(status, "%s '%s': ", op->name, node->name);
    return status;
}

struct oc_node *
oc_node_new(struct ocellus_graph *graph, const struct oc_op *op,
            const char *name, int n_in, int n_out)
{
    struct oc_arena *arena = graph->arena;
    struct oc_node *node = oc_arena_alloc(arena, sizeof *node);
    if (node == NULL || !oc_grow(&graph->nodes, graph->n_nodes,
                                 &graph->room_nodes, sizeof *graph->nodes))
        return NULL;
    node->graph = graph;
    node->op = op;
    node->name =
        name ? oc_arena_strdup(arena, name)
             : oc_arena_printf(arena, "%s_%d", op->name, graph->n_nodes);
    node->id = graph->n_nodes;
    node->n_in = n_in;
    node->n_out = n_out;
    node->in = oc_arena_alloc(arena, (size_t)(n_in + 1) * sizeof *node->in);
    node->out = oc_arena_alloc(arena, (size_t)(n_out + 1) * sizeof *node->out);
    if (node->name == NULL || node->in == NULL || node->out == NULL)
        return NULL;
    for (int k = 0; k < n_out; k++) {
        node->out[k] = oc_graph_value(graph, OC_RESULT, NULL);
        if (node->out[k] == NULL)
            return NULL;
        node->out[k]->node = node;
        node->out[k]->slot = k;
    }
    graph->nodes[graph->n_nodes++] = node;
    return node;
}

static int
foreign(const struct ocellus_graph *graph, struct ocellus_value *const *in,
        int n_in)
{
    for (int k = 0; k < n_in; k++)
        if (in[k] != NULL && in[k]->graph != graph)
            return 1;
    return 0;
}

struct ocellus_value *
oc_apply_attrs(struct ocellus_graph *graph, const struct oc_op *op,
               const char *name, int n_attr, const struct oc_attr *attr,
               struct ocellus_value *const *in, int n_in, int n_out)
{
    if (graph->status != OCELLUS_OK)
        return NULL;
    while (n_in > 0 && in[n_in - 1] == NULL)
        n_in--;
    if (foreign(graph, in, n_in))
        return oc_graph_fail(graph, oc_fail(OCELLUS_BAD_ARGUMENT,
                                            "%s takes a value of another "
                                            "graph",
                                            op->name));
    int all = op->n_out + op->n_saved;
    struct oc_node *node =
        oc_node_new(graph, op, name, n_in, n_out > all ? n_out : all);
    struct oc_attr *copy =
        oc_arena_alloc(graph->arena, (size_t)(n_attr + 1) * sizeof *copy);
    if (node == NULL || copy == NULL)
        return oc_graph_fail(
            graph, oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a node"));
    for (int k = 0; k < n_attr; k++)
        if (oc_attr_copy(graph->arena, &attr[k], &copy[k]) != OCELLUS_OK)
            return oc_graph_fail(graph, OCELLUS_OUT_OF_MEMORY);
    node->attr = copy;
    node->n_attr = n_attr;
    if (n_in > 0)
        memcpy(node->in, in, (size_t)n_in * sizeof *in);
    ocellus_status status = oc_node_settle(node);
    if (status != OCELLUS_OK)
        return oc_graph_fail(graph, status);
    return node->out[0];
}

static const struct oc_op *
find_op(struct ocellus_graph *graph, const char *name)
{
    const struct oc_op *op = oc_op_find(name);
    if (op == NULL)
        oc_graph_fail(graph, oc_fail(OCELLUS_UNSUPPORTED,
                                     "there is no operator '%s'; `ocellus "
                                     "ops` lists all",
                                     name));
    return op;
}

struct ocellus_value *
oc_apply(struct ocellus_graph *graph, const char *name, const char *attributes,
         struct ocellus_value *const *in, int n_in)
{
    if (graph->status != OCELLUS_OK)
        return NULL;
    const struct oc_op *op = find_op(graph, name);
    struct oc_attr *attr;
    int n_attr;
    if (op == NULL)
        return NULL;
    ocellus_status status =
        oc_attr_parse(graph->arena, attributes, &attr, &n_attr);
    if (status != OCELLUS_OK)
        return oc_graph_fail(graph, status);
    return oc_apply_attrs(graph, op, NULL, n_attr, attr, in, n_in, 0);
}

struct ocellus_value *
oc_apply_like(const struct oc_node *node, const char *name,
              const char *attributes, struct ocellus_value *const *in, int n_in)
{
    struct ocellus_graph *graph = node->graph;
    if (graph->status != OCELLUS_OK)
        return NULL;
    const struct oc_op *op = find_op(graph, name);
    struct oc_attr *more;
    int n_more;
    if (op == NULL)
        return NULL;
    ocellus_status status =
        oc_attr_parse(graph->arena, attributes, &more, &n_more);
    struct oc_attr *all = oc_arena_alloc(
        graph->arena, (size_t)(node->n_attr + n_more + 1) * sizeof *all);
    if (status != OCELLUS_OK || all == NULL)
        return oc_graph_fail(graph, status ? status : OCELLUS_OUT_OF_MEMORY);
    /* What is said anew comes first: lookups take the first of a name. */
    if (n_more > 0)
        memcpy(all, more, (size_t)n_more * sizeof *all);
    if (node->n_attr > 0)
        memcpy(all + n_more, node->attr, (size_t)node->n_attr * sizeof *all);
    return oc_apply_attrs(graph, op, NULL, n_more + node->n_attr, all, in, n_in,
                          0);
}

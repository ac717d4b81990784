/* onnx_node.c - nodes and their attributes. */
#include <limits.h>
#include <string.h>

#include "format/onnx_inside.h"

enum { MOST_ATTRS = 64, MOST_INPUTS = 1024 };

/* ---- attributes -------------------------------------------------------- */

static char *
text_of(struct oc_arena *arena, const ProtobufCBinaryData *bytes)
{
    char *text = oc_arena_alloc(arena, bytes->len + 1);
    if (text != NULL && bytes->len > 0)
        memcpy(text, bytes->data, bytes->len);
    return text;
}

/* Several texts as one, with commas between. */
static char *
texts_of(struct oc_arena *arena, const oc_onnx_attribute *from)
{
    char *text = oc_arena_strdup(arena, "");
    for (size_t k = 0; k < from->n_strings && text != NULL; k++)
        text = oc_arena_printf(arena, "%s%s%.*s", text, k ? "," : "",
                               (int)from->strings[k].len,
                               (const char *)from->strings[k].data);
    return text;
}

static ocellus_status
tensor_attr(struct oc_onnx_reading *r, const oc_onnx_attribute *from,
            struct oc_attr *to)
{
    struct oc_shape shape, empty = OC_SHAPE(0);
    void *data;
    size_t bytes;
    OC_TRY(oc_onnx_numbers(from->t, r->file, r->graph->arena, &shape, &data,
                           &bytes));
    to->kind = OC_ATTR_TENSOR;
    to->tensor = oc_graph_constant(
        r->graph, NULL, (ocellus_type)from->t->data_type, &empty, NULL);
    OC_TRY(oc_onnx_status(r));
    to->tensor->shape = shape;
    to->tensor->data = data;
    return OCELLUS_OK;
}

/* A branch or a body, as a graph of its own. What it takes from outside is
 * put behind the node's inputs. */
static ocellus_status
graph_attr(struct oc_onnx_reading *r, const oc_onnx_graph *g,
           struct oc_attr *to, struct ocellus_value **in, int *n_in)
{
    struct oc_onnx_reading inside = {
        .file = r->file, .opset = r->opset, .depth = r->depth + 1, .outer = r};
    if (inside.depth > OC_ONNX_MOST_DEPTH)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "subgraphs lie within each other more than %d deep",
                       OC_ONNX_MOST_DEPTH);
    OC_TRY(oc_graph_create(&inside.graph));
    inside.graph->open = 1;
    to->kind = OC_ATTR_GRAPH;
    to->count = (int)g->n_input;
    to->graph = inside.graph;
    ocellus_status status = oc_onnx_read_graph(&inside, g);
    if (status == OCELLUS_OK && inside.n_capture + *n_in > MOST_INPUTS)
        status = oc_fail(OCELLUS_UNSUPPORTED,
                         "a subgraph takes %d values from outside",
                         inside.n_capture);
    for (int k = 0; status == OCELLUS_OK && k < inside.n_capture; k++)
        in[(*n_in)++] = inside.capture[k];
    if (status == OCELLUS_OK)
        status = oc_graph_keep(r->graph, inside.graph);
    oc_onnx_forget(&inside);
    oc_graph_destroy(inside.graph);
    return status;
}

static ocellus_status
list_attr(struct oc_arena *arena, const oc_onnx_attribute *from,
          struct oc_attr *to)
{
    if (from->n_ints > INT_MAX || from->n_floats > INT_MAX)
        return oc_fail(OCELLUS_BAD_MODEL, "attribute '%s' is endless",
                       to->name);
    int floats = from->n_floats > 0 || from->type == 6;
    size_t count = floats ? from->n_floats : from->n_ints;
    size_t size = floats ? sizeof(float) : sizeof(int64_t);
    const void *numbers = floats ? (const void *)from->floats : from->ints;
    void *copy = count ? oc_arena_copy(arena, numbers, count * size)
                       : oc_arena_alloc(arena, size);
    if (copy == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for an attribute");
    to->kind = floats ? OC_ATTR_FLOATS : OC_ATTR_INTS;
    to->count = (int)count;
    if (floats)
        to->floats = copy;
    else
        to->ints = copy;
    return OCELLUS_OK;
}

/* *there = 0: a function's attribute that its caller left out. */
static ocellus_status
read_attr(struct oc_onnx_reading *r, const oc_onnx_attribute *from,
          struct oc_attr *to, int *there)
{
    struct oc_arena *arena = r->graph->arena;
    const struct oc_onnx_reading *where = r;
    *to = (struct oc_attr){.name = from->name ? from->name : ""};
    from = oc_onnx_resolve(r, from, &where);
    *there = from != NULL;
    if (from == NULL)
        return OCELLUS_OK;
    if (from->t != NULL)
        return tensor_attr(r, from, to);
    if (from->n_ints > 0 || from->n_floats > 0 || from->type == 6 ||
        from->type == 7)
        return list_attr(arena, from, to);
    if (from->n_strings > 0 || from->has_s) {
        to->kind = OC_ATTR_TEXT;
        to->text =
            from->has_s ? text_of(arena, &from->s) : texts_of(arena, from);
        return to->text
                   ? OCELLUS_OK
                   : oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a text");
    }
    to->kind = from->has_f ? OC_ATTR_FLOAT : OC_ATTR_INT;
    to->f = from->has_f ? (double)from->f : 0;
    to->i = from->i;
    return OCELLUS_OK;
}

/* ---- nodes ------------------------------------------------------------- */

static ocellus_status
constant_node(struct oc_onnx_reading *r, const oc_onnx_node *node)
{
    struct oc_attr attr;
    if (node->n_attribute != 1 || node->n_output != 1)
        return oc_fail(OCELLUS_BAD_MODEL, "has %zu attributes",
                       node->n_attribute);
    int there;
    OC_TRY(read_attr(r, node->attribute[0], &attr, &there));
    if (!there)
        return oc_fail(OCELLUS_BAD_MODEL, "its number was not given");
    struct ocellus_value *value = attr.tensor;
    float f = (float)attr.f;
    struct oc_shape scalar = {0}, line = OC_SHAPE(attr.count);
    if (attr.kind == OC_ATTR_INTS)
        value = oc_ints(r->graph, attr.count, attr.ints);
    else if (attr.kind == OC_ATTR_INT)
        value =
            oc_graph_constant(r->graph, NULL, OCELLUS_INT64, &scalar, &attr.i);
    else if (attr.kind == OC_ATTR_FLOAT)
        value = oc_graph_constant(r->graph, NULL, OCELLUS_FLOAT, &scalar, &f);
    else if (attr.kind == OC_ATTR_FLOATS)
        value = oc_graph_constant(r->graph, NULL, OCELLUS_FLOAT, &line,
                                  attr.floats);
    if (value == NULL)
        return oc_fail(OCELLUS_UNSUPPORTED, "holds no tensor of numbers");
    return oc_onnx_define(r, node->output[0], value, NULL);
}

/* Input k of an operator: an initializer is settled by its first reader. */
static ocellus_status
read_input(struct oc_onnx_reading *r, const struct oc_op *op, int k,
           const char *name, struct ocellus_value **value)
{
    int statistic = strcmp(op->name, "BatchNormalization") == 0 && k >= 3;
    int trainable = k < 32 && ((op->params >> k) & 1);
    *value = NULL;
    if (name[0] == '\0')
        return OCELLUS_OK;
    ocellus_status status =
        oc_onnx_value(r, name, r->outer == NULL && (statistic || trainable),
                      trainable, value);
    if (status == OCELLUS_OK && trainable && r->outer == NULL)
        status = oc_onnx_train(r, *value);
    return status == OCELLUS_OK ? status
                                : oc_fail_context(status, "input %d: ", k);
}

static ocellus_status
outputs(struct oc_onnx_reading *r, const oc_onnx_node *node,
        struct ocellus_value *first)
{
    const struct oc_node *made = first->node;
    for (size_t k = 0; k < node->n_output; k++) {
        if (node->output[k][0] == '\0')
            continue;
        if (k == 1 && strcmp(made->op->name, "Dropout") == 0) {
            struct ocellus_value *mask = oc_onnx_dropout_mask(r, made->in[0]);
            OC_TRY(oc_onnx_status(r));
            OC_TRY(oc_onnx_define(r, node->output[k], mask, NULL));
            continue;
        }
        /* Statistics of the batch, which nobody reads. */
        if (strcmp(made->op->name, "BatchNormalization") == 0 &&
            k >= (size_t)made->op->n_out)
            continue;
        if (made->op->expand == NULL && k >= (size_t)made->op->n_out)
            return oc_fail(OCELLUS_UNSUPPORTED,
                           "has %zu outputs; %d are the most known",
                           node->n_output, made->op->n_out);
        OC_TRY(oc_onnx_define(r, node->output[k], made->out[k], NULL));
        made->out[k]->name = oc_arena_strdup(r->graph->arena, node->output[k]);
    }
    return OCELLUS_OK;
}

/* How many of a loop's inputs go round; the rest comes from outside. */
static int
count_carried(const char *op, const struct oc_attr *attr, int n_attr)
{
    int declared = 0, scanned = 2;
    for (int k = 0; k < n_attr; k++) {
        if (strcmp(attr[k].name, "body") == 0)
            declared = attr[k].count;
        if (strcmp(attr[k].name, "num_scan_inputs") == 0 && attr[k].i >= 0 &&
            attr[k].i < INT_MAX)
            scanned = (int)attr[k].i;
    }
    return declared - (strcmp(op, "Loop") == 0 ? 2 : scanned);
}

static ocellus_status
read_attrs(struct oc_onnx_reading *r, const oc_onnx_node *node,
           struct oc_attr *attr, int *n_attr, struct ocellus_value **in,
           int *n_in)
{
    int graphs = 0, there;
    for (size_t k = 0; k < node->n_attribute; k++) {
        const oc_onnx_attribute *from = node->attribute[k];
        struct oc_attr *to = &attr[*n_attr];
        there = 1;
        if (from->g != NULL) {
            *to = (struct oc_attr){.name = from->name ? from->name : ""};
            ocellus_status status = graph_attr(r, from->g, to, in, n_in);
            if (status != OCELLUS_OK)
                return oc_fail_context(status, "its %s: ", to->name);
            graphs++;
        } else {
            OC_TRY(read_attr(r, from, to, &there));
        }
        *n_attr += there;
    }
    if (graphs > 0 && strcmp(node->op_type, "If") != 0) {
        int carried = count_carried(node->op_type, attr, *n_attr);
        attr[(*n_attr)++] = (struct oc_attr){
            .name = "carried", .kind = OC_ATTR_INT, .i = carried};
    }
    return OCELLUS_OK;
}

static ocellus_status
make_node(struct oc_onnx_reading *r, const oc_onnx_node *node,
          const struct oc_op *op)
{
    struct ocellus_value *in[MOST_INPUTS + 8];
    struct oc_attr attr[MOST_ATTRS];
    int n_in = 0, n_attr = 0;
    if (node->n_input > MOST_INPUTS || node->n_attribute > MOST_ATTRS - 4)
        return oc_fail(OCELLUS_UNSUPPORTED, "has %zu inputs and %zu attributes",
                       node->n_input, node->n_attribute);
    for (size_t k = 0; k < node->n_input; k++)
        OC_TRY(read_input(r, op, (int)k, node->input[k], &in[n_in++]));
    if (op->expand == NULL && n_in > OC_MAX_IN)
        return oc_fail(OCELLUS_UNSUPPORTED, "has %d inputs; %d are the most",
                       n_in, OC_MAX_IN);
    if (strcmp(op->name, "Add") == 0 && n_in == 2 && in[0] && in[1] &&
        !r->outer)
        OC_TRY(oc_onnx_train_bias(r, in));
    OC_TRY(read_attrs(r, node, attr, &n_attr, in, &n_in));
    struct ocellus_value *made;
    OC_TRY(oc_onnx_modernise(r, node, op, in, &n_in, attr, &n_attr, &made));
    if (made != NULL)
        return oc_onnx_define(r, node->output[0], made, NULL);
    const char *name = node->name && node->name[0] ? node->name : NULL;
    struct ocellus_value *y = oc_apply_attrs(r->graph, op, name, n_attr, attr,
                                             in, n_in, (int)node->n_output);
    OC_TRY(oc_onnx_status(r));
    return outputs(r, node, y);
}

const char *
oc_onnx_domain(const oc_onnx_node *node)
{
    return node->domain && strcmp(node->domain, "ai.onnx") != 0 ? node->domain
                                                                : "";
}

const struct oc_op *
oc_onnx_op_of(const oc_onnx_node *node)
{
    const struct oc_op *op = oc_onnx_op(node->op_type);
    if (op == NULL || (op->flags & OC_OP_INTERNAL) ||
        strcmp(oc_onnx_domain(node), op->domain ? op->domain : "") != 0)
        return NULL;
    return op;
}

static ocellus_status
read_node(struct oc_onnx_reading *r, const oc_onnx_node *node)
{
    const oc_onnx_function *function = oc_onnx_function_find(r, node);
    if (++r->file->nodes > OC_ONNX_MOST_NODES)
        return oc_fail(OCELLUS_UNSUPPORTED, "the model has more than %d nodes",
                       OC_ONNX_MOST_NODES);
    if (function != NULL)
        return oc_onnx_call(r, node, function);
    const struct oc_op *op = oc_onnx_op_of(node);
    const char *domain = oc_onnx_domain(node);
    if (op == NULL && domain[0] != '\0')
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "this operator of domain '%s' is not there", domain);
    if (op == NULL)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "this operator is not there; `ocellus ops` lists all");
    if (strcmp(node->op_type, "Constant") == 0)
        return constant_node(r, node);
    return make_node(r, node, op);
}

ocellus_status
oc_onnx_read_nodes(struct oc_onnx_reading *r, oc_onnx_node *const *node,
                   size_t count)
{
    for (size_t k = 0; k < count; k++) {
        if (node[k]->op_type == NULL || node[k]->n_output == 0)
            return oc_fail(OCELLUS_BAD_MODEL,
                           "node %zu has no operator or no output", k);
        ocellus_status status = read_node(r, node[k]);
        if (status != OCELLUS_OK)
            return oc_fail_context(status, "node %zu, %s '%s': ", k,
                                   node[k]->op_type,
                                   node[k]->name ? node[k]->name : "");
    }
    return OCELLUS_OK;
}

/* onnx_load.c - an ONNX model as a graph. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "format/onnx_inside.h"

#define MOST_ATTRS 64

/* ---- names ------------------------------------------------------------------
 */

static struct oc_onnx_name *
slot_of(const struct oc_onnx_reading *r, const char *name)
{
    size_t at = (size_t)oc_hash_text(OC_HASH_START, name) & (r->room - 1);
    while (r->name[at].name != NULL && strcmp(r->name[at].name, name) != 0)
        at = (at + 1) & (r->room - 1);
    return &r->name[at];
}

static ocellus_status
define(struct oc_onnx_reading *r, const char *name, struct ocellus_value *value,
       const oc_onnx_tensor *initializer)
{
    struct oc_onnx_name *slot = slot_of(r, name);
    if (slot->name != NULL)
        return oc_fail(OCELLUS_BAD_MODEL, "two values are named '%s'", name);
    if (2 * ++r->count > r->room)
        return oc_fail(OCELLUS_INTERNAL, "a table of names overflowed");
    *slot = (struct oc_onnx_name){name, value, initializer};
    return OCELLUS_OK;
}

static size_t
count_names(const oc_onnx_graph *g)
{
    size_t count = g->n_initializer + g->n_input + 1;
    for (size_t k = 0; k < g->n_node; k++)
        count += g->node[k]->n_output;
    return count;
}

/* ---- initializers and inputs
 * ---------------------------------------------------- */

static ocellus_status
graph_status(const struct ocellus_graph *graph)
{
    return graph->status == OCELLUS_OK
               ? OCELLUS_OK
               : oc_fail(graph->status, "%s", graph->sentence);
}

/* As a constant, or as a state when an operator keeps it as one. */
static ocellus_status
settle(struct oc_onnx_reading *r, struct oc_onnx_name *slot, int is_state,
       int trainable)
{
    struct oc_shape shape;
    void *data;
    size_t bytes;
    const oc_onnx_tensor *t = slot->initializer;
    OC_TRY(oc_onnx_numbers(t, &shape, &data, &bytes));
    ocellus_type type = (ocellus_type)t->data_type;
    if (is_state && type == OCELLUS_FLOAT) {
        slot->value = oc_graph_state(r->graph, slot->name, type, &shape,
                                     "zeros", trainable);
        if (slot->value != NULL) {
            slot->value->data =
                oc_arena_copy(r->graph->arena, data, bytes ? bytes : 1);
            if (slot->value->data == NULL)
                oc_graph_fail(r->graph,
                              oc_fail(OCELLUS_OUT_OF_MEMORY,
                                      "no memory for '%s' (%zu bytes)",
                                      slot->name, bytes));
        }
    } else
        slot->value =
            oc_graph_constant(r->graph, slot->name, type, &shape, data);
    free(data);
    return graph_status(r->graph);
}

static ocellus_status
add_input(struct oc_onnx_reading *r, const OcOnnx__ValueInfo *info)
{
    const OcOnnx__TensorType *t = info->type ? info->type->tensor_type : NULL;
    struct oc_shape shape = {0};
    if (info->name == NULL || t == NULL ||
        oc_type_size((ocellus_type)t->elem_type) == 0)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "input '%s' is no tensor of numbers",
                       info->name ? info->name : "(unnamed)");
    const struct oc_onnx_name *slot = slot_of(r, info->name);
    if (slot->name != NULL && slot->initializer != NULL)
        return OCELLUS_OK;
    size_t rank = t->shape ? t->shape->n_dim : 0;
    if (rank > OC_MAX_RANK)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "input '%s' has %zu dimensions; %d are the most",
                       info->name, rank, OC_MAX_RANK);
    shape.rank = (int)rank;
    for (size_t d = 0; d < rank; d++) {
        const OcOnnx__Dimension *dim = t->shape->dim[d];
        shape.dim[d] = dim->has_dim_value && dim->dim_value >= 0
                           ? dim->dim_value
                           : OC_UNKNOWN;
    }
    struct ocellus_value *value = oc_graph_input(
        r->graph, info->name, (ocellus_type)t->elem_type, &shape);
    OC_TRY(graph_status(r->graph));
    return define(r, info->name, value, NULL);
}

/* ---- nodes
 * ------------------------------------------------------------------------ */

static char *
text_of(struct oc_arena *arena, const ProtobufCBinaryData *bytes)
{
    char *text = oc_arena_alloc(arena, bytes->len + 1);
    if (text != NULL && bytes->len > 0)
        memcpy(text, bytes->data, bytes->len);
    return text;
}

static ocellus_status
tensor_attr(struct oc_onnx_reading *r, const oc_onnx_attribute *from,
            struct oc_attr *to)
{
    struct oc_shape shape;
    void *data;
    size_t bytes;
    OC_TRY(oc_onnx_numbers(from->t, &shape, &data, &bytes));
    to->kind = OC_ATTR_TENSOR;
    to->tensor = oc_graph_constant(
        r->graph, NULL, (ocellus_type)from->t->data_type, &shape, data);
    free(data);
    return graph_status(r->graph);
}

static ocellus_status
read_attr(struct oc_onnx_reading *r, const oc_onnx_attribute *from,
          struct oc_attr *to)
{
    struct oc_arena *arena = r->graph->arena;
    *to = (struct oc_attr){.name = from->name ? from->name : ""};
    if (from->g != NULL)
        return oc_fail(OCELLUS_UNSUPPORTED, "attribute '%s' is a subgraph",
                       to->name);
    if (from->t != NULL)
        return tensor_attr(r, from, to);
    if (from->n_ints > INT_MAX || from->n_floats > INT_MAX)
        return oc_fail(OCELLUS_BAD_MODEL, "attribute '%s' is endless",
                       to->name);
    if (from->n_ints > 0 || from->type == 7) {
        to->kind = OC_ATTR_INTS;
        to->count = (int)from->n_ints;
        to->ints = oc_arena_alloc(arena, (from->n_ints + 1) * sizeof(int64_t));
        if (to->ints != NULL && from->n_ints > 0)
            memcpy((void *)to->ints, from->ints,
                   from->n_ints * sizeof(int64_t));
    } else if (from->n_floats > 0) {
        to->kind = OC_ATTR_FLOATS;
        to->count = (int)from->n_floats;
        to->floats =
            oc_arena_copy(arena, from->floats, from->n_floats * sizeof(float));
    } else if (from->has_s) {
        to->kind = OC_ATTR_TEXT;
        to->text = text_of(arena, &from->s);
    } else if (from->has_f) {
        to->kind = OC_ATTR_FLOAT;
        to->f = (double)from->f;
    } else {
        to->kind = OC_ATTR_INT;
        to->i = from->i;
    }
    return OCELLUS_OK;
}

/* Input k of an operator: an initializer is settled by its first reader. */
static ocellus_status
read_input(struct oc_onnx_reading *r, const struct oc_op *op, int k,
           const char *name, struct ocellus_value **value)
{
    *value = NULL;
    if (name[0] == '\0')
        return OCELLUS_OK;
    struct oc_onnx_name *slot = slot_of(r, name);
    if (slot->name == NULL)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "its input '%s' is made later or never", name);
    if (slot->value == NULL) {
        int statistic = strcmp(op->name, "BatchNormalization") == 0 && k >= 3;
        int trainable = k < 32 && ((op->params >> k) & 1);
        OC_TRY(settle(r, slot, statistic || trainable, trainable));
    }
    *value = slot->value;
    return OCELLUS_OK;
}

static ocellus_status
constant_node(struct oc_onnx_reading *r, const oc_onnx_node *node)
{
    struct oc_attr attr;
    if (node->n_attribute != 1 || node->n_output != 1)
        return oc_fail(OCELLUS_BAD_MODEL, "has %zu attributes",
                       node->n_attribute);
    OC_TRY(read_attr(r, node->attribute[0], &attr));
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
    return define(r, node->output[0], value, NULL);
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
            OC_TRY(graph_status(r->graph));
            OC_TRY(define(r, node->output[k], mask, NULL));
            continue;
        }
        if (k >= (size_t)made->op->n_out)
            return oc_fail(OCELLUS_UNSUPPORTED,
                           "has %zu outputs; %d are the most known",
                           node->n_output, made->op->n_out);
        OC_TRY(define(r, node->output[k], made->out[k], NULL));
        made->out[k]->name = oc_arena_strdup(r->graph->arena, node->output[k]);
    }
    return OCELLUS_OK;
}

static ocellus_status
read_node(struct oc_onnx_reading *r, const oc_onnx_node *node)
{
    struct ocellus_value *in[OC_MAX_IN];
    struct oc_attr attr[MOST_ATTRS];
    int n_in = 0, n_attr = 0;
    if (node->domain != NULL && node->domain[0] != '\0' &&
        strcmp(node->domain, "ai.onnx") != 0)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "operators of domain '%s' are not there", node->domain);
    if (strcmp(node->op_type, "Constant") == 0)
        return constant_node(r, node);
    const struct oc_op *op = oc_op_find(node->op_type);
    if (op == NULL || (op->flags & OC_OP_INTERNAL))
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "this operator is not there; `ocellus ops` lists all");
    if (node->n_input > OC_MAX_IN - 4 || node->n_attribute > MOST_ATTRS - 4)
        return oc_fail(OCELLUS_UNSUPPORTED, "has %zu inputs and %zu attributes",
                       node->n_input, node->n_attribute);
    for (size_t k = 0; k < node->n_input; k++)
        OC_TRY(read_input(r, op, (int)k, node->input[k], &in[n_in++]));
    for (size_t k = 0; k < node->n_attribute; k++)
        OC_TRY(read_attr(r, node->attribute[k], &attr[n_attr++]));
    OC_TRY(oc_onnx_modernise(r, node, &op, in, &n_in, attr, &n_attr));
    const char *name = node->name && node->name[0] ? node->name : NULL;
    struct ocellus_value *y = oc_apply_attrs(r->graph, op, name, n_attr, attr,
                                             in, n_in, (int)node->n_output);
    OC_TRY(graph_status(r->graph));
    return outputs(r, node, y);
}

static ocellus_status
read_nodes(struct oc_onnx_reading *r, const oc_onnx_graph *g)
{
    for (size_t k = 0; k < g->n_node; k++) {
        const oc_onnx_node *node = g->node[k];
        if (node->op_type == NULL || node->n_output == 0)
            return oc_fail(OCELLUS_BAD_MODEL,
                           "node %zu has no operator or no output", k);
        ocellus_status status = read_node(r, node);
        if (status != OCELLUS_OK)
            return oc_fail_context(status, "node %zu, %s '%s': ", k,
                                   node->op_type, node->name ? node->name : "");
    }
    return OCELLUS_OK;
}

/* ---- the model
 * --------------------------------------------------------------------- */

static ocellus_status
read_graph(struct oc_onnx_reading *r, const oc_onnx_graph *g)
{
    for (size_t k = 0; k < g->n_initializer; k++) {
        const oc_onnx_tensor *t = g->initializer[k];
        if (t->name == NULL)
            return oc_fail(OCELLUS_BAD_MODEL, "an initializer has no name");
        OC_TRY(define(r, t->name, NULL, t));
    }
    for (size_t k = 0; k < g->n_input; k++)
        OC_TRY(add_input(r, g->input[k]));
    OC_TRY(read_nodes(r, g));
    for (size_t k = 0; k < g->n_output; k++) {
        const char *name = g->output[k]->name ? g->output[k]->name : "";
        struct oc_onnx_name *slot = slot_of(r, name);
        if (slot->name == NULL)
            return oc_fail(OCELLUS_BAD_MODEL, "output '%s' is never made",
                           name);
        if (slot->value == NULL)
            OC_TRY(settle(r, slot, 0, 0));
        OC_TRY(oc_graph_output(r->graph, name, slot->value));
    }
    return OCELLUS_OK;
}

static ocellus_status
read_model(struct oc_onnx_reading *r, const oc_onnx_model *model)
{
    if (model->graph == NULL)
        return oc_fail(OCELLUS_BAD_MODEL, "it holds no graph");
    for (size_t k = 0; k < model->n_opset_import; k++) {
        const OcOnnx__OperatorSet *set = model->opset_import[k];
        if (set->domain == NULL || set->domain[0] == '\0' ||
            strcmp(set->domain, "ai.onnx") == 0)
            r->opset = set->version;
    }
    if (r->opset < 7)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "operator set %lld is too old; 7 is the oldest read",
                       (long long)r->opset);
    for (r->room = 64; r->room < 4 * count_names(model->graph);)
        r->room *= 2;
    r->name = calloc(r->room, sizeof(*r->name));
    if (r->name == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for its names");
    OC_TRY(oc_graph_create(&r->graph));
    r->graph->open = 1;
    for (size_t k = 0; k < model->n_metadata_props; k++)
        if (model->metadata_props[k]->key && model->metadata_props[k]->value)
            OC_TRY(oc_graph_set_metadata(r->graph,
                                         model->metadata_props[k]->key,
                                         model->metadata_props[k]->value));
    return read_graph(r, model->graph);
}

ocellus_status
oc_onnx_load(const char *path, struct ocellus_graph **graph)
{
    struct oc_onnx_reading r = {0};
    char *bytes;
    size_t length;
    *graph = NULL;
    OC_TRY(oc_file_read(path, (size_t)2 << 30, &bytes, &length));
    oc_onnx_model *model =
        oc_onnx__model__unpack(NULL, length, (const uint8_t *)bytes);
    free(bytes);
    if (model == NULL)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "%s is no ONNX model: its %zu bytes break off or are "
                       "something else",
                       path, length);
    ocellus_status status = read_model(&r, model);
    oc_onnx__model__free_unpacked(model, NULL);
    free(r.name);
    if (status != OCELLUS_OK) {
        oc_graph_destroy(r.graph);
        return oc_fail_context(status, "%s: ", path);
    }
    *graph = r.graph;
    return OCELLUS_OK;
}

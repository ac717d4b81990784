/* onnx_save.c - a graph as an ONNX model.
 *
 * Messages are built in an arena and packed in one go. The operator set is 17,
 * or newer where an operator has the form in which we hold it only since then.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/onnx_inside.h"

#define IR_VERSION 8

struct writing {
    const struct ocellus_graph *graph;
    struct oc_arena *arena;
    const char **name; /* per value */
    int *readers;      /* per value */
    int64_t opset;
    float **rule; /* numbers made by a rule, to be freed */
    int n_rules;
};

static void *
get(struct writing *w, size_t count, size_t size)
{
    return oc_arena_alloc(w->arena, (count ? count : 1) * size);
}

static ocellus_status
no_memory(void)
{
    return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to write a model");
}

/* ---- attributes
 * ---------------------------------------------------------------- */

static int
one_of(const char *name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(name, *list) == 0)
            return 1;
    return 0;
}

/* Numbers of recurrent operators' functions are lists of floats. */
static void
retype_floats(struct writing *w, struct oc_attr *a)
{
    int count =
        a->kind == OC_ATTR_INTS || a->kind == OC_ATTR_FLOATS ? a->count : 1;
    float *list = get(w, (size_t)count, sizeof *list);

    if (a->kind == OC_ATTR_FLOATS || list == NULL)
        return;
    for (int k = 0; k < count; k++)
        list[k] = a->kind == OC_ATTR_INTS    ? (float)a->ints[k]
                  : a->kind == OC_ATTR_FLOAT ? (float)a->f
                                             : (float)a->i;
    a->kind = OC_ATTR_FLOATS;
    a->floats = list;
    a->count = count;
}

/* A whole number in our text form may be a float in ONNX, or a list. */
static void
retype(struct writing *w, struct oc_attr *a)
{
    static const char *const floats[] = {"alpha",
                                         "beta",
                                         "gamma",
                                         "epsilon",
                                         "momentum",
                                         "lambd",
                                         "bias",
                                         "ratio",
                                         "scale",
                                         "high",
                                         "cubic_coeff_a",
                                         "low",
                                         "extrapolation_value",
                                         "clip",
                                         NULL};
    static const char *const lists[] = {
        "kernel_shape", "strides", "pads",           "dilations",    "axes",
        "perm",         "split",   "output_padding", "output_shape", NULL};
    if (a->kind == OC_ATTR_INT && one_of(a->name, floats)) {
        a->kind = OC_ATTR_FLOAT;
        a->f = (double)a->i;
    } else if (a->kind == OC_ATTR_INT && one_of(a->name, lists)) {
        a->kind = OC_ATTR_INTS;
        a->ints = &a->i;
        a->count = 1;
    }
    if (strncmp(a->name, "activation_", 11) == 0)
        retype_floats(w, a);
}

static ocellus_status
write_tensor(struct writing *w, const struct ocellus_value *value,
             const void *data, oc_onnx_tensor *t)
{
    size_t bytes;
    int rank = value->shape.rank;
    oc_onnx__tensor__init(t);
    OC_TRY(oc_shape_bytes(&value->shape, oc_type_size(value->type), &bytes));
    t->n_dims = (size_t)rank;
    t->dims = oc_arena_copy(w->arena, value->shape.dim,
                            sizeof(int64_t) * OC_MAX_RANK);
    t->has_data_type = 1;
    t->data_type = (int32_t)value->type;
    t->name = (char *)w->name[value->id];
    t->has_raw_data = 1;
    t->raw_data.len = bytes;
    t->raw_data.data = (uint8_t *)data;
    return t->dims ? OCELLUS_OK : no_memory();
}

/* Our text form of a list of texts has commas between them. */
static ocellus_status
write_texts(struct writing *w, const char *text, oc_onnx_attribute *to)
{
    size_t most = strlen(text) / 2 + 1;

    to->type = 8;
    to->strings = get(w, most, sizeof *to->strings);
    if (to->strings == NULL)
        return no_memory();
    while (*text != '\0' && to->n_strings < most) {
        size_t length = strcspn(text, ",");

        to->strings[to->n_strings++] =
            (ProtobufCBinaryData){length, (uint8_t *)text};
        text += length + (text[length] == ',');
    }
    return OCELLUS_OK;
}

static ocellus_status
write_attr(struct writing *w, const struct oc_attr *given,
           oc_onnx_attribute *to)
{
    static const int type_of[] = {
        [OC_ATTR_INT] = 2,  [OC_ATTR_FLOAT] = 1,  [OC_ATTR_TEXT] = 3,
        [OC_ATTR_INTS] = 7, [OC_ATTR_FLOATS] = 6, [OC_ATTR_TENSOR] = 4};
    if (given->kind == OC_ATTR_GRAPH)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "'%s' is a subgraph: nets with If, Loop or Scan are "
                       "read, and not written",
                       given->name);
    struct oc_attr *a = oc_arena_copy(w->arena, given, sizeof *given);
    if (a == NULL)
        return no_memory();
    oc_onnx__attribute__init(to);
    retype(w, a);
    to->name = (char *)a->name;
    to->has_type = 1;
    to->type = type_of[a->kind];
    to->has_i = a->kind == OC_ATTR_INT;
    to->i = a->i;
    to->has_f = a->kind == OC_ATTR_FLOAT;
    to->f = (float)a->f;
    if (a->kind == OC_ATTR_TEXT && strcmp(a->name, "activations") == 0)
        return write_texts(w, a->text, to);
    if (a->kind == OC_ATTR_TEXT) {
        to->has_s = 1;
        to->s.data = (uint8_t *)a->text;
        to->s.len = strlen(a->text);
    }
    to->n_ints = a->kind == OC_ATTR_INTS ? (size_t)a->count : 0;
    to->ints = (int64_t *)a->ints;
    to->n_floats = a->kind == OC_ATTR_FLOATS ? (size_t)a->count : 0;
    to->floats = (float *)a->floats;
    if (a->kind != OC_ATTR_TENSOR)
        return OCELLUS_OK;
    to->t = get(w, 1, sizeof *to->t);
    return to->t ? write_tensor(w, a->tensor, a->tensor->data, to->t)
                 : no_memory();
}

/* ---- nodes
 * ------------------------------------------------------------------------ */

/* Since which operator set an operator has our form. */
static int64_t
since(const char *op)
{
    static const struct {
        const char *op;
        int64_t opset;
    } rows[] = {{"ReduceMean", 18},
                {"ReduceMax", 18},
                {"ReduceMin", 18},
                {"ReduceProd", 18},
                {"ReduceL1", 18},
                {"ReduceL2", 18},
                {"ReduceLogSum", 18},
                {"ReduceLogSumExp", 18},
                {"ReduceSumSquare", 18},
                {"Pad", 18},
                {"Split", 18},
                {"Resize", 19},
                {"AveragePool", 19},
                {"Mish", 18},
                {"GroupNormalization", 21},
                {"Gelu", 20},
                {"Swish", 24},
                {"CenterCropPad", 18}};
    for (size_t k = 0; k < OC_COUNT(rows); k++)
        if (strcmp(rows[k].op, op) == 0)
            return rows[k].opset;
    return 17;
}

static ocellus_status
write_node(struct writing *w, const struct oc_node *node, oc_onnx_node *to)
{
    oc_onnx__node__init(to);
    if ((node->op->flags & OC_OP_INTERNAL) || node->epilogue != NULL)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "ONNX has no such operator; a model is exported "
                            "before it is rewritten for training");
    if (since(node->op->name) > w->opset)
        w->opset = since(node->op->name);
    size_t outs = 1;
    for (int k = 1; k < node->op->n_out && k < node->n_out; k++)
        if (w->readers[node->out[k]->id] > 0)
            outs = (size_t)k + 1;
    to->name = (char *)node->name;
    to->op_type = (char *)node->op->name;
    to->n_input = (size_t)node->n_in;
    to->n_output = outs;
    to->input = get(w, to->n_input, sizeof *to->input);
    to->output = get(w, outs, sizeof *to->output);
    to->n_attribute = (size_t)node->n_attr;
    to->attribute = get(w, to->n_attribute, sizeof *to->attribute);
    if (!to->input || !to->output || !to->attribute)
        return no_memory();
    for (int k = 0; k < node->n_in; k++)
        to->input[k] =
            node->in[k] ? (char *)w->name[node->in[k]->id] : (char *)"";
    for (size_t k = 0; k < outs; k++)
        to->output[k] = (char *)w->name[node->out[k]->id];
    for (int k = 0; k < node->n_attr; k++) {
        to->attribute[k] = get(w, 1, sizeof **to->attribute);
        if (to->attribute[k] == NULL)
            return no_memory();
        OC_TRY(write_attr(w, &node->attr[k], to->attribute[k]));
    }
    return OCELLUS_OK;
}

static int
folded(const struct oc_node *node)
{
    for (int k = 0; k < node->n_out; k++)
        if (node->out[k]->type != OCELLUS_UNDEFINED &&
            node->out[k]->data == NULL)
            return 0;
    return 1;
}

static ocellus_status
write_nodes(struct writing *w, oc_onnx_graph *g)
{
    int n = w->graph->n_nodes;
    g->node = get(w, (size_t)n + (size_t)w->graph->n_outputs, sizeof *g->node);
    for (int k = 0; k < n && g->node != NULL; k++) {
        if (folded(w->graph->nodes[k]))
            continue;
        oc_onnx_node *node = get(w, 1, sizeof *node);
        if (node == NULL)
            return no_memory();
        OC_TRY(write_node(w, w->graph->nodes[k], node));
        g->node[g->n_node++] = node;
    }
    return g->node ? OCELLUS_OK : no_memory();
}

/* ---- values
 * ------------------------------------------------------------------------- */

static void
count_readers(struct writing *w)
{
    const struct ocellus_graph *g = w->graph;
    for (int k = 0; k < g->n_nodes; k++)
        for (int i = 0; i < g->nodes[k]->n_in && !folded(g->nodes[k]); i++)
            if (g->nodes[k]->in[i] != NULL)
                w->readers[g->nodes[k]->in[i]->id]++;
    for (int k = 0; k < g->n_outputs; k++)
        w->readers[g->outputs[k]->id]++;
}

/* A node's result takes its output's name; anything else that is an output
 * goes through an Identity (see write_outputs). */
static void
give_names(struct writing *w)
{
    const struct ocellus_graph *g = w->graph;
    for (int k = 0; k < g->n_values; k++) {
        const struct ocellus_value *value = g->values[k];
        w->name[k] = value->kind == OC_INPUT || value->kind == OC_STATE
                         ? value->name
                         : oc_arena_printf(w->arena, "%s.%d", value->name, k);
    }
    for (int k = g->n_outputs - 1; k >= 0; k--)
        if (g->outputs[k]->kind == OC_RESULT && g->outputs[k]->data == NULL)
            w->name[g->outputs[k]->id] = g->output_names[k];
}

static ocellus_status
write_info(struct writing *w, const struct ocellus_value *value,
           const char *name, OcOnnx__ValueInfo **out)
{
    OcOnnx__ValueInfo *info = get(w, 1, sizeof *info);
    OcOnnx__Type *type = get(w, 1, sizeof *type);
    OcOnnx__TensorType *tensor = get(w, 1, sizeof *tensor);
    OcOnnx__Shape *shape = get(w, 1, sizeof *shape);
    size_t rank = (size_t)value->shape.rank;
    if (!info || !type || !tensor || !shape ||
        !(shape->dim = get(w, rank, sizeof *shape->dim)))
        return no_memory();
    OcOnnx__Dimension **dim = shape->dim;
    oc_onnx__value_info__init(info);
    oc_onnx__type__init(type);
    oc_onnx__tensor_type__init(tensor);
    oc_onnx__shape__init(shape);
    shape->dim = dim;
    shape->n_dim = rank;
    info->name = (char *)name;
    info->type = type;
    type->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = (int32_t)value->type;
    tensor->shape = shape;
    for (size_t d = 0; d < rank; d++) {
        if ((dim[d] = get(w, 1, sizeof **dim)) == NULL)
            return no_memory();
        oc_onnx__dimension__init(dim[d]);
        dim[d]->has_dim_value = value->shape.dim[d] != OC_UNKNOWN;
        dim[d]->dim_value = value->shape.dim[d];
        if (value->shape.dim[d] == OC_UNKNOWN)
            dim[d]->dim_param =
                d == 0 ? (char *)"n" : oc_arena_printf(w->arena, "d%zu", d);
    }
    *out = info;
    return OCELLUS_OK;
}

static ocellus_status
write_outputs(struct writing *w, oc_onnx_graph *g)
{
    const struct ocellus_graph *from = w->graph;
    g->output = get(w, (size_t)from->n_outputs, sizeof *g->output);
    g->input = get(w, (size_t)from->n_inputs, sizeof *g->input);
    if (g->output == NULL || g->input == NULL)
        return no_memory();
    for (int k = 0; k < from->n_inputs; k++)
        OC_TRY(write_info(w, from->inputs[k], from->inputs[k]->name,
                          &g->input[g->n_input++]));
    for (int k = 0; k < from->n_outputs; k++) {
        const struct ocellus_value *value = from->outputs[k];
        const char *name = from->output_names[k];
        OC_TRY(write_info(w, value, name, &g->output[g->n_output++]));
        if (strcmp(w->name[value->id], name) == 0)
            continue;
        oc_onnx_node *same = get(w, 1, sizeof *same);
        char **ends = get(w, 2, sizeof *ends);
        if (same == NULL || ends == NULL)
            return no_memory();
        oc_onnx__node__init(same);
        ends[0] = (char *)w->name[value->id];
        ends[1] = (char *)name;
        same->op_type = (char *)"Identity";
        same->n_input = same->n_output = 1;
        same->input = &ends[0];
        same->output = &ends[1];
        g->node[g->n_node++] = same;
    }
    return OCELLUS_OK;
}

/* What a state starts from, where nothing was trained yet. */
static ocellus_status
numbers_of(struct writing *w, const struct ocellus_value *value,
           const void **data)
{
    *data = value->data;
    if (value->data != NULL || value->kind != OC_STATE)
        return OCELLUS_OK;
    float *made;
    OC_TRY(oc_state_init(value, w->graph->seed, &made));
    w->rule[w->n_rules++] = made;
    *data = made;
    return OCELLUS_OK;
}

static ocellus_status
write_initializers(struct writing *w, oc_onnx_graph *g)
{
    int n = w->graph->n_values;
    g->initializer = get(w, (size_t)n, sizeof *g->initializer);
    if (g->initializer == NULL)
        return no_memory();
    for (int k = 0; k < n; k++) {
        const struct ocellus_value *value = w->graph->values[k];
        const void *data;
        if (w->readers[k] == 0 || value->kind == OC_INPUT ||
            (value->kind == OC_RESULT && value->data == NULL))
            continue;
        OC_TRY(numbers_of(w, value, &data));
        oc_onnx_tensor *t = get(w, 1, sizeof *t);
        if (t == NULL)
            return no_memory();
        OC_TRY(write_tensor(w, value, data, t));
        g->initializer[g->n_initializer++] = t;
    }
    return OCELLUS_OK;
}

static ocellus_status
write_metadata(struct writing *w, oc_onnx_model *model)
{
    int n = w->graph->n_metadata;
    model->metadata_props = get(w, (size_t)n, sizeof *model->metadata_props);
    for (int k = 0; k < n && model->metadata_props != NULL; k++) {
        OcOnnx__Pair *pair = get(w, 1, sizeof *pair);
        if (pair == NULL)
            return no_memory();
        oc_onnx__pair__init(pair);
        pair->key = (char *)w->graph->metadata[k].key;
        pair->value = (char *)w->graph->metadata[k].value;
        model->metadata_props[model->n_metadata_props++] = pair;
    }
    return model->metadata_props ? OCELLUS_OK : no_memory();
}

/* ---- the file
 * -------------------------------------------------------------------------- */

static ocellus_status
pack(const oc_onnx_model *model, const char *path)
{
    size_t bytes = oc_onnx__model__get_packed_size(model);
    if (bytes >= (size_t)2 << 30)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "the model would be %zu bytes; an ONNX file ends at "
                       "2 GiB",
                       bytes);
    uint8_t *packed = malloc(bytes ? bytes : 1);
    if (packed == NULL)
        return no_memory();
    oc_onnx__model__pack(model, packed);
    ocellus_status status = oc_file_write_atomic(path, packed, bytes);
    free(packed);
    return status;
}

static ocellus_status
write_model(struct writing *w, const char *path)
{
    oc_onnx_model model;
    oc_onnx_graph g;
    OcOnnx__OperatorSet set, *sets[] = {&set};
    oc_onnx__model__init(&model);
    oc_onnx__graph__init(&g);
    oc_onnx__operator_set__init(&set);
    w->opset = 17;
    count_readers(w);
    give_names(w);
    OC_TRY(write_nodes(w, &g));
    OC_TRY(write_outputs(w, &g));
    OC_TRY(write_initializers(w, &g));
    OC_TRY(write_metadata(w, &model));
    g.name = (char *)"net";
    set.domain = (char *)"";
    set.has_version = 1;
    set.version = w->opset;
    model.has_ir_version = 1;
    model.ir_version = w->opset > 18 ? 10 : IR_VERSION;
    model.producer_name = (char *)"ocellus";
    model.producer_version = (char *)ocellus_version();
    model.graph = &g;
    model.n_opset_import = 1;
    model.opset_import = sets;
    return pack(&model, path);
}

ocellus_status
oc_onnx_save(const struct ocellus_graph *graph, const char *path)
{
    if (graph->status != OCELLUS_OK)
        return oc_fail(graph->status, "%s", graph->sentence);
    struct writing w = {.graph = graph, .arena = oc_arena_create()};
    size_t values = (size_t)graph->n_values + 1;
    if (w.arena == NULL)
        return no_memory();
    w.name = get(&w, values, sizeof *w.name);
    w.readers = get(&w, values, sizeof *w.readers);
    w.rule = get(&w, values, sizeof *w.rule);
    ocellus_status status =
        w.name && w.readers && w.rule ? write_model(&w, path) : no_memory();
    for (int k = 0; k < w.n_rules; k++)
        free(w.rule[k]);
    oc_arena_destroy(w.arena);
    return status;
}

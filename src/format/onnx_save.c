/* onnx_save.c - a graph as an ONNX model. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "format/onnx_saving.h"

enum { OLDEST_SET = 17 };

void *
oc_onnx_room(const struct oc_onnx_saving *file, size_t count, size_t size)
{
    return oc_arena_alloc(file->arena, (count ? count : 1) * size);
}

ocellus_status
oc_onnx_no_room(void)
{
    return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to write a model");
}

/* ---- names ------------------------------------------------------------- */

static size_t
slot_of(const struct oc_onnx_saving *file, const char *name)
{
    size_t at = (size_t)oc_hash_text(OC_HASH_START, name) & (file->room - 1);
    while (file->taken[at] != NULL && strcmp(file->taken[at], name) != 0)
        at = (at + 1) & (file->room - 1);
    return at;
}

static int
make_room(struct oc_onnx_saving *file)
{
    const char **old = file->taken;
    size_t was = file->room;
    if (2 * (file->count + 1) <= was)
        return 1;
    file->room = was ? 2 * was : 256;
    file->taken = oc_onnx_room(file, file->room, sizeof(*file->taken));
    if (file->taken == NULL)
        return 0;
    for (size_t k = 0; k < was; k++)
        if (old[k] != NULL)
            file->taken[slot_of(file, old[k])] = old[k];
    return 1;
}

const char *
oc_onnx_new_name(struct oc_onnx_saving *file, const char *wanted)
{
    const char *name = wanted[0] != '\0' ? wanted : "unnamed";
    if (!make_room(file))
        return NULL;
    for (int k = 2; name && file->taken[slot_of(file, name)] != NULL; k++)
        name = oc_arena_printf(file->arena, "%s.%d", wanted, k);
    if (name == NULL)
        return NULL;
    file->taken[slot_of(file, name)] = name;
    file->count++;
    return name;
}

/* Known on the host, so that numbers stand for it. */
static int
is_folded(const struct oc_node *node)
{
    for (int k = 0; k < node->n_out; k++)
        if (node->out[k]->unknown || (node->out[k]->type != OCELLUS_UNDEFINED &&
                                      node->out[k]->data == NULL))
            return 0;
    return 1;
}

static void
count_readers(struct oc_onnx_writing *w)
{
    const struct ocellus_graph *g = w->graph;
    for (int k = 0; k < g->n_nodes; k++)
        for (int i = 0; i < g->nodes[k]->n_in && !is_folded(g->nodes[k]); i++)
            if (g->nodes[k]->in[i] != NULL)
                w->readers[g->nodes[k]->in[i]->id]++;
    for (int k = 0; k < g->n_outputs; k++)
        w->readers[g->outputs[k]->id]++;
}

/* Inputs and outputs of the model keep their names: they are given first. A
 * result takes its output's name; anything else that is an output goes through
 * an Identity (see write_output). */
static ocellus_status
give_names(struct oc_onnx_writing *w)
{
    const struct ocellus_graph *g = w->graph;
    struct oc_onnx_saving *file = w->file;
    for (int k = 0; k < w->declared; k++)
        w->name[g->inputs[k]->id] = oc_onnx_new_name(file, g->inputs[k]->name);
    for (int k = 0; k < g->n_outputs; k++) {
        const struct ocellus_value *y = g->outputs[k];
        if (y->kind == OC_RESULT && y->data == NULL && w->name[y->id] == NULL)
            w->name[y->id] = oc_onnx_new_name(
                file, w->inside ? y->name : g->output_names[k]);
        else if (!w->inside)
            oc_onnx_new_name(file, g->output_names[k]);
    }
    for (int k = 0; k < g->n_states; k++)
        w->name[g->states[k]->id] = oc_onnx_new_name(file, g->states[k]->name);
    for (int k = 0; k < g->n_values; k++) {
        if (w->name[k] == NULL)
            w->name[k] = oc_onnx_new_name(file, g->values[k]->name);
        if (w->name[k] == NULL)
            return oc_onnx_no_room();
    }
    return OCELLUS_OK;
}

/* ---- types and shapes -------------------------------------------------- */

/* The first dimension of the model's inputs, where it is open, is the batch;
 * of other open ones nothing is said, for equal names would mean equal
 * extents. */
static ocellus_status
write_shape(const struct oc_onnx_saving *file, const struct oc_shape *from,
            int is_input, OcOnnx__Shape **to)
{
    OcOnnx__Shape *shape = oc_onnx_room(file, 1, sizeof(*shape));
    size_t rank = (size_t)from->rank;
    if (shape == NULL)
        return oc_onnx_no_room();
    oc_onnx__shape__init(shape);
    shape->dim = oc_onnx_room(file, rank, sizeof(*shape->dim));
    OcOnnx__Dimension *dim = oc_onnx_room(file, rank, sizeof(*dim));
    if (shape->dim == NULL || dim == NULL)
        return oc_onnx_no_room();
    for (size_t d = 0; d < rank; d++) {
        shape->dim[d] = &dim[d];
        oc_onnx__dimension__init(&dim[d]);
        dim[d].has_dim_value = from->dim[d] != OC_UNKNOWN;
        dim[d].dim_value = from->dim[d];
        if (from->dim[d] == OC_UNKNOWN && d == 0 && is_input)
            dim[d].dim_param = (char *)"n";
    }
    shape->n_dim = rank;
    *to = shape;
    return OCELLUS_OK;
}

/* Of a value that waits for the run, what the file said that it was read
 * from. In a subgraph types may be left out. */
static ocellus_status
write_type(const struct oc_onnx_writing *w, const struct ocellus_value *value,
           OcOnnx__ValueInfo *info)
{
    struct oc_declared own = {value->type, 1, value->shape};
    const struct oc_declared *says = value->unknown ? value->declared : &own;
    int batch = !w->graph->open && value->kind == OC_INPUT && !w->inside;
    if (says == NULL || says->type == OCELLUS_UNDEFINED)
        return w->inside ? OCELLUS_OK
                         : oc_fail(OCELLUS_UNSUPPORTED,
                                   "the type of '%s' is known in the run only, "
                                   "and ONNX wants it in the file",
                                   info->name);
    OcOnnx__Type *type = oc_onnx_room(w->file, 1, sizeof(*type));
    OcOnnx__TensorType *tensor = oc_onnx_room(w->file, 1, sizeof(*tensor));
    if (type == NULL || tensor == NULL)
        return oc_onnx_no_room();
    oc_onnx__type__init(type);
    oc_onnx__tensor_type__init(tensor);
    info->type = type;
    type->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = (int32_t)says->type;
    return says->has_shape
               ? write_shape(w->file, &says->shape, batch, &tensor->shape)
               : OCELLUS_OK;
}

static ocellus_status
write_info(const struct oc_onnx_writing *w, const struct ocellus_value *value,
           const char *name, OcOnnx__ValueInfo **out)
{
    OcOnnx__ValueInfo *info = oc_onnx_room(w->file, 1, sizeof(*info));
    if (info == NULL)
        return oc_onnx_no_room();
    oc_onnx__value_info__init(info);
    info->name = (char *)name;
    *out = info;
    return write_type(w, value, info);
}

/* ---- a graph ----------------------------------------------------------- */

static ocellus_status
write_nodes(struct oc_onnx_writing *w, oc_onnx_graph *g)
{
    size_t n = (size_t)w->graph->n_nodes + (size_t)w->graph->n_outputs;
    g->node = oc_onnx_room(w->file, n, sizeof(*g->node));
    if (g->node == NULL)
        return oc_onnx_no_room();
    for (int k = 0; k < w->graph->n_nodes; k++) {
        if (is_folded(w->graph->nodes[k]))
            continue;
        oc_onnx_node *node = oc_onnx_room(w->file, 1, sizeof(*node));
        if (node == NULL)
            return oc_onnx_no_room();
        OC_TRY(oc_onnx_write_node(w, w->graph->nodes[k], node));
        g->node[g->n_node++] = node;
    }
    return OCELLUS_OK;
}

static ocellus_status
add_identity(const struct oc_onnx_writing *w, const char *from, const char *to,
             oc_onnx_graph *g)
{
    oc_onnx_node *same = oc_onnx_room(w->file, 1, sizeof(*same));
    char **ends = oc_onnx_room(w->file, 2, sizeof(*ends));
    if (same == NULL || ends == NULL)
        return oc_onnx_no_room();
    oc_onnx__node__init(same);
    ends[0] = (char *)from;
    ends[1] = (char *)to;
    same->op_type = (char *)"Identity";
    same->n_input = same->n_output = 1;
    same->input = &ends[0];
    same->output = &ends[1];
    g->node[g->n_node++] = same;
    return OCELLUS_OK;
}

/* An input, a number, or what is an output already, under a second name. */
static ocellus_status
write_output(struct oc_onnx_writing *w, int k, oc_onnx_graph *g)
{
    const struct ocellus_value *value = w->graph->outputs[k];
    const char *name = w->graph->output_names[k];
    int is_first = value->kind == OC_RESULT && value->data == NULL;
    for (int i = 0; i < k; i++)
        is_first &= w->graph->outputs[i] != value;
    if (w->inside)
        name = is_first ? w->name[value->id]
                        : oc_onnx_new_name(w->file, value->name);
    if (name == NULL)
        return oc_onnx_no_room();
    OC_TRY(write_info(w, value, name, &g->output[g->n_output++]));
    return is_first || strcmp(w->name[value->id], name) == 0
               ? OCELLUS_OK
               : add_identity(w, w->name[value->id], name, g);
}

static ocellus_status
write_interface(struct oc_onnx_writing *w, oc_onnx_graph *g)
{
    const struct ocellus_graph *from = w->graph;
    g->output =
        oc_onnx_room(w->file, (size_t)from->n_outputs, sizeof(*g->output));
    g->input = oc_onnx_room(w->file, (size_t)w->declared, sizeof(*g->input));
    if (g->output == NULL || g->input == NULL)
        return oc_onnx_no_room();
    for (int k = 0; k < w->declared; k++)
        OC_TRY(write_info(w, from->inputs[k], w->name[from->inputs[k]->id],
                          &g->input[g->n_input++]));
    for (int k = 0; k < from->n_outputs; k++)
        OC_TRY(write_output(w, k, g));
    return OCELLUS_OK;
}

ocellus_status
oc_onnx_write_tensor(const struct oc_onnx_writing *w,
                     const struct ocellus_value *value, const void *data,
                     oc_onnx_tensor *t)
{
    size_t bytes;
    oc_onnx__tensor__init(t);
    OC_TRY(oc_shape_bytes(&value->shape, oc_type_size(value->type), &bytes));
    t->n_dims = (size_t)value->shape.rank;
    t->dims = oc_arena_copy(w->file->arena, value->shape.dim,
                            sizeof(int64_t) * OC_MAX_RANK);
    t->has_data_type = 1;
    t->data_type = (int32_t)value->type;
    t->name = (char *)w->name[value->id];
    t->has_raw_data = 1;
    t->raw_data.len = bytes;
    t->raw_data.data = (uint8_t *)data;
    return t->dims ? OCELLUS_OK : oc_onnx_no_room();
}

/* What a state starts from, where nothing was trained yet. */
static ocellus_status
numbers_of(const struct oc_onnx_writing *w, const struct ocellus_value *value,
           const void **data)
{
    struct oc_onnx_saving *file = w->file;
    *data = value->data;
    if (value->data != NULL || value->kind != OC_STATE)
        return OCELLUS_OK;
    if (!oc_grow(&file->rule, file->n_rules, &file->room_rules,
                 sizeof(*file->rule)))
        return oc_onnx_no_room();
    OC_TRY(oc_state_init(value, w->graph->seed, &file->rule[file->n_rules]));
    *data = file->rule[file->n_rules++];
    return OCELLUS_OK;
}

static ocellus_status
write_initializers(const struct oc_onnx_writing *w, oc_onnx_graph *g)
{
    int n = w->graph->n_values;
    g->initializer = oc_onnx_room(w->file, (size_t)n, sizeof(*g->initializer));
    if (g->initializer == NULL)
        return oc_onnx_no_room();
    for (int k = 0; k < n; k++) {
        const struct ocellus_value *value = w->graph->values[k];
        const void *data;
        if (w->readers[k] == 0 || value->kind == OC_INPUT ||
            (value->kind == OC_RESULT && value->data == NULL))
            continue;
        OC_TRY(numbers_of(w, value, &data));
        oc_onnx_tensor *t = oc_onnx_room(w->file, 1, sizeof(*t));
        if (t == NULL)
            return oc_onnx_no_room();
        OC_TRY(oc_onnx_write_tensor(w, value, data, t));
        g->initializer[g->n_initializer++] = t;
    }
    return OCELLUS_OK;
}

ocellus_status
oc_onnx_write_graph(struct oc_onnx_writing *w, oc_onnx_graph *g)
{
    oc_onnx__graph__init(g);
    g->name = (char *)(w->inside ? "subgraph" : "net");
    count_readers(w);
    OC_TRY(give_names(w));
    OC_TRY(write_nodes(w, g));
    OC_TRY(write_interface(w, g));
    return write_initializers(w, g);
}

/* ---- the file ---------------------------------------------------------- */

/* Small pieces are gathered before they are written. */
struct sink {
    ProtobufCBuffer base;
    struct oc_file_out *out;
    ocellus_status status;
    size_t used;
    uint8_t held[65536];
};

static void
flush(struct sink *sink)
{
    if (sink->status == OCELLUS_OK)
        sink->status = oc_file_add(sink->out, sink->held, sink->used);
    sink->used = 0;
}

static void
append(ProtobufCBuffer *base, size_t length, const uint8_t *data)
{
    struct sink *sink = (struct sink *)base;
    if (length > sizeof(sink->held) - sink->used)
        flush(sink);
    if (length > sizeof(sink->held)) {
        if (sink->status == OCELLUS_OK)
            sink->status = oc_file_add(sink->out, data, length);
        return;
    }
    if (length > 0)
        memcpy(sink->held + sink->used, data, length);
    sink->used += length;
}

static ocellus_status
pack(const oc_onnx_model *model, const char *path)
{
    size_t bytes = oc_onnx__model__get_packed_size(model);
    if (bytes >= (size_t)2 << 30)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "the model would be %zu bytes; an ONNX file ends at "
                       "2 GiB",
                       bytes);
    struct sink *sink = calloc(1, sizeof(*sink));
    if (sink == NULL)
        return oc_onnx_no_room();
    sink->base.append = append;
    ocellus_status status = oc_file_begin(path, &sink->out);
    if (status == OCELLUS_OK) {
        oc_onnx__model__pack_to_buffer(model, &sink->base);
        flush(sink);
        status = sink->status;
        if (status == OCELLUS_OK)
            status = oc_file_commit(sink->out);
        else
            oc_file_abandon(sink->out);
    }
    free(sink);
    return status;
}

static ocellus_status
write_metadata(const struct oc_onnx_writing *w, oc_onnx_model *model)
{
    int n = w->graph->n_metadata;
    model->metadata_props =
        oc_onnx_room(w->file, (size_t)n, sizeof(*model->metadata_props));
    for (int k = 0; k < n && model->metadata_props != NULL; k++) {
        OcOnnx__Pair *pair = oc_onnx_room(w->file, 1, sizeof(*pair));
        if (pair == NULL)
            return oc_onnx_no_room();
        oc_onnx__pair__init(pair);
        pair->key = (char *)w->graph->metadata[k].key;
        pair->value = (char *)w->graph->metadata[k].value;
        model->metadata_props[model->n_metadata_props++] = pair;
    }
    return model->metadata_props ? OCELLUS_OK : oc_onnx_no_room();
}

/* The version of the format in which an operator set came out. */
static int64_t
format_of(int64_t opset)
{
    static const int64_t last[] = {18, 20, 22, 23, 24};
    int64_t version = 8;
    for (size_t k = 0; k < OC_COUNT(last); k++)
        version += opset > last[k];
    return version;
}

static ocellus_status
write_model(struct oc_onnx_writing *w, const char *path)
{
    oc_onnx_model model;
    oc_onnx_graph g;
    OcOnnx__OperatorSet set, other, *sets[] = {&set, &other};
    oc_onnx__model__init(&model);
    oc_onnx__operator_set__init(&set);
    oc_onnx__operator_set__init(&other);
    OC_TRY(oc_onnx_write_graph(w, &g));
    OC_TRY(write_metadata(w, &model));
    set.domain = (char *)"";
    set.has_version = 1;
    set.version = w->file->opset;
    other.domain = (char *)w->file->domain;
    other.has_version = 1;
    other.version = 1;
    model.has_ir_version = 1;
    model.ir_version = format_of(w->file->opset);
    model.producer_name = (char *)"ocellus";
    model.producer_version = (char *)ocellus_version();
    model.graph = &g;
    model.n_opset_import = w->file->domain ? 2 : 1;
    model.opset_import = sets;
    return pack(&model, path);
}

ocellus_status
oc_onnx_save(const struct ocellus_graph *graph, const char *path)
{
    if (graph->status != OCELLUS_OK)
        return oc_fail(graph->status, "%s", graph->sentence);
    struct oc_onnx_saving file = {.arena = oc_arena_create(),
                                  .opset = OLDEST_SET};
    struct oc_onnx_writing w = {
        .file = &file, .graph = graph, .declared = graph->n_inputs};
    size_t values = (size_t)graph->n_values + 1;
    if (file.arena == NULL)
        return oc_onnx_no_room();
    if (graph->opset > file.opset)
        file.opset = graph->opset;
    w.name = oc_onnx_room(&file, values, sizeof(*w.name));
    w.readers = oc_onnx_room(&file, values, sizeof(*w.readers));
    ocellus_status status =
        w.name && w.readers ? write_model(&w, path) : oc_onnx_no_room();
    for (int k = 0; k < file.n_rules; k++)
        free(file.rule[k]);
    free(file.rule);
    oc_arena_destroy(file.arena);
    return status;
}

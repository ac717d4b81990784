/* onnx_load.c - an ONNX model as a graph. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "format/onnx_inside.h"

enum { OLDEST = 1, NEWEST = 28, NEWEST_IR = 14 };

ocellus_status
oc_onnx_status(const struct oc_onnx_reading *r)
{
    return r->graph->status == OCELLUS_OK
               ? OCELLUS_OK
               : oc_fail(r->graph->status, "%s", r->graph->sentence);
}

/* ---- a graph ----------------------------------------------------------- */

static ocellus_status
read_shape(const OcOnnx__TensorType *t, const char *name,
           struct oc_shape *shape)
{
    size_t rank = t->shape ? t->shape->n_dim : 0;
    if (rank > OC_MAX_RANK)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "'%s' has %zu dimensions; %d are the most", name, rank,
                       OC_MAX_RANK);
    *shape = (struct oc_shape){.rank = (int)rank};
    for (size_t d = 0; d < rank; d++) {
        const OcOnnx__Dimension *dim = t->shape->dim[d];
        shape->dim[d] = dim->has_dim_value && dim->dim_value >= 0
                            ? dim->dim_value
                            : OC_UNKNOWN;
    }
    return OCELLUS_OK;
}

/* What the file says of a value that waits for the run, for who writes it. */
static ocellus_status
declare(struct oc_onnx_reading *r, const OcOnnx__ValueInfo *info,
        struct ocellus_value *value)
{
    const OcOnnx__TensorType *t = info->type ? info->type->tensor_type : NULL;
    if (!value->unknown || t == NULL ||
        oc_type_size((ocellus_type)t->elem_type) == 0)
        return OCELLUS_OK;
    struct oc_declared *says = oc_arena_alloc(r->graph->arena, sizeof(*says));
    if (says == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a value");
    says->type = (ocellus_type)t->elem_type;
    says->has_shape = t->shape != NULL;
    value->declared = says;
    return read_shape(t, info->name ? info->name : "", &says->shape);
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
    OC_TRY(read_shape(t, info->name, &shape));
    struct ocellus_value *value = oc_graph_input(
        r->graph, info->name, (ocellus_type)t->elem_type, &shape);
    OC_TRY(oc_onnx_status(r));
    return oc_onnx_define(r, info->name, value, NULL);
}

/* Of a body or a branch: what it is given says its type and shape. */
static ocellus_status
add_parameter(struct oc_onnx_reading *r, const OcOnnx__ValueInfo *info)
{
    struct oc_shape scalar = {0};
    if (info->name == NULL)
        return oc_fail(OCELLUS_BAD_MODEL, "an input of a subgraph has no name");
    struct ocellus_value *value =
        oc_graph_input(r->graph, info->name, OCELLUS_UNDEFINED, &scalar);
    OC_TRY(oc_onnx_status(r));
    value->unknown = 1;
    OC_TRY(declare(r, info, value));
    return oc_onnx_define(r, info->name, value, NULL);
}

int
oc_onnx_is_initializer(const oc_onnx_graph *g, const char *name)
{
    for (size_t k = 0; name != NULL && k < g->n_initializer; k++)
        if (g->initializer[k]->name != NULL &&
            strcmp(g->initializer[k]->name, name) == 0)
            return 1;
    return 0;
}

ocellus_status
oc_onnx_read_graph(struct oc_onnx_reading *r, const oc_onnx_graph *g)
{
    if (g->n_sparse_initializer > 0)
        return oc_fail(OCELLUS_UNSUPPORTED, "sparse initializers are not read");
    for (size_t k = 0; k < g->n_initializer; k++) {
        if (g->initializer[k]->name == NULL)
            return oc_fail(OCELLUS_BAD_MODEL, "an initializer has no name");
        OC_TRY(oc_onnx_define(r, g->initializer[k]->name, NULL,
                              g->initializer[k]));
    }
    for (size_t k = 0; k < g->n_input; k++)
        if (!oc_onnx_is_initializer(g, g->input[k]->name))
            OC_TRY(r->outer ? add_parameter(r, g->input[k])
                            : add_input(r, g->input[k]));
    OC_TRY(oc_onnx_read_nodes(r, g->node, g->n_node));
    for (size_t k = 0; k < g->n_output; k++) {
        struct ocellus_value *value;
        const char *name = g->output[k]->name ? g->output[k]->name : "";
        ocellus_status status = oc_onnx_value(r, name, 0, 0, &value);
        if (status != OCELLUS_OK)
            return oc_fail_context(status, "output %zu: ", k);
        OC_TRY(oc_graph_output(r->graph, name, value));
        if (value->declared == NULL)
            OC_TRY(declare(r, g->output[k], value));
    }
    return OCELLUS_OK;
}

/* ---- the model --------------------------------------------------------- */

int64_t
oc_onnx_opset(const oc_onnx_model *model)
{
    int64_t opset = 0;
    for (size_t k = 0; k < model->n_opset_import; k++) {
        const OcOnnx__OperatorSet *set = model->opset_import[k];
        if (set->domain == NULL || set->domain[0] == '\0' ||
            strcmp(set->domain, "ai.onnx") == 0)
            opset = set->version;
    }
    return opset;
}

static ocellus_status
read_versions(struct oc_onnx_reading *r, const oc_onnx_model *model)
{
    r->opset = oc_onnx_opset(model);
    if (model->ir_version > NEWEST_IR)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "it has IR version %lld; %d is the newest read",
                       (long long)model->ir_version, NEWEST_IR);
    if (r->opset == 0)
        r->opset = model->ir_version < 3 ? OLDEST : NEWEST;
    if (r->opset < OLDEST || r->opset > NEWEST)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "it has operator set %lld; %d to %d are read",
                       (long long)r->opset, OLDEST, NEWEST);
    return OCELLUS_OK;
}

static ocellus_status
read_model(struct oc_onnx_reading *r, const oc_onnx_model *model)
{
    if (model->graph == NULL)
        return oc_fail(OCELLUS_BAD_MODEL, "it holds no graph");
    OC_TRY(read_versions(r, model));
    OC_TRY(oc_graph_create(&r->graph));
    r->graph->open = 1;
    r->graph->opset = r->opset;
    for (size_t k = 0; k < model->n_metadata_props; k++)
        if (model->metadata_props[k]->key && model->metadata_props[k]->value)
            OC_TRY(oc_graph_set_metadata(r->graph,
                                         model->metadata_props[k]->key,
                                         model->metadata_props[k]->value));
    return oc_onnx_read_graph(r, model->graph);
}

ocellus_status
oc_onnx_open(const char *path, oc_onnx_model **model)
{
    char *bytes;
    size_t length;
    OC_TRY(oc_file_read(path, (size_t)2 << 30, &bytes, &length));
    *model = oc_onnx__model__unpack(NULL, length, (const uint8_t *)bytes);
    free(bytes);
    if (*model == NULL)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "%s is no ONNX model: its %zu bytes break off or are "
                       "something else",
                       path, length);
    return OCELLUS_OK;
}

ocellus_status
oc_onnx_load(const char *path, struct ocellus_graph **graph)
{
    struct oc_onnx_file file = {.path = path, .folder = -1};
    struct oc_onnx_reading r = {.file = &file};
    oc_onnx_model *model;
    *graph = NULL;
    OC_TRY(oc_onnx_open(path, &model));
    file.model = model;
    ocellus_status status = read_model(&r, model);
    oc_onnx__model__free_unpacked(model, NULL);
    oc_onnx_forget(&r);
    if (file.folder >= 0)
        close(file.folder);
    if (status != OCELLUS_OK) {
        oc_graph_destroy(r.graph);
        return oc_fail_context(status, "%s: ", path);
    }
    *graph = r.graph;
    return OCELLUS_OK;
}

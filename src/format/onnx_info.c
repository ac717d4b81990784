/* onnx_info.c - what an ONNX file says of itself, read without making a graph,
 * so that of a model that cannot be run all the reasons are known. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/onnx_inside.h"

enum { MOST_OPS = 4096 };

struct listing {
    ocellus_model_info info; /* first: what the caller holds */
    struct oc_arena *arena;
    ocellus_model_op *op;
    int room;
    struct oc_onnx_file file;
    char *called; /* per function: its body is counted */
};

static ocellus_status
no_memory(void)
{
    return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to list a model");
}

static const char *
kept(struct listing *l, const char *text)
{
    return oc_arena_strdup(l->arena, text ? text : "");
}

/* ---- operators --------------------------------------------------------- */

static ocellus_status
count_op(struct listing *l, const oc_onnx_node *node, int is_there)
{
    const char *domain = oc_onnx_domain(node);
    for (int k = 0; k < l->info.op_count; k++)
        if (strcmp(l->op[k].name, node->op_type) == 0 &&
            strcmp(l->op[k].domain, domain) == 0) {
            l->op[k].count++;
            return OCELLUS_OK;
        }
    if (l->info.op_count >= MOST_OPS)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "it names more than %d different operators", MOST_OPS);
    if (!oc_grow(&l->op, l->info.op_count, &l->room, sizeof(*l->op)))
        return no_memory();
    ocellus_model_op *op = &l->op[l->info.op_count++];
    *op = (ocellus_model_op){.domain = kept(l, domain),
                             .name = kept(l, node->op_type),
                             .count = 1,
                             .is_there = is_there};
    return op->domain && op->name ? OCELLUS_OK : no_memory();
}

static ocellus_status list_nodes(struct listing *l, oc_onnx_node *const *node,
                                 size_t count, int depth);

/* A function is counted by what it is made of, once. */
static ocellus_status
list_function(struct listing *l, const oc_onnx_function *function, int depth)
{
    size_t k = 0;
    while (l->file.model->functions[k] != function)
        k++;
    if (l->called[k])
        return OCELLUS_OK;
    l->called[k] = 1;
    return list_nodes(l, function->node, function->n_node, depth + 1);
}

static ocellus_status
list_node(struct listing *l, const oc_onnx_node *node, int depth)
{
    struct oc_onnx_reading r = {.file = &l->file};
    const oc_onnx_function *function = oc_onnx_function_find(&r, node);
    if (function != NULL)
        return list_function(l, function, depth);
    OC_TRY(count_op(l, node, oc_onnx_op_of(node) != NULL));
    for (size_t k = 0; k < node->n_attribute; k++) {
        const oc_onnx_graph *g = node->attribute[k]->g;
        if (g != NULL)
            OC_TRY(list_nodes(l, g->node, g->n_node, depth + 1));
    }
    return OCELLUS_OK;
}

static ocellus_status
list_nodes(struct listing *l, oc_onnx_node *const *node, size_t count,
           int depth)
{
    if (depth > OC_ONNX_MOST_DEPTH)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "subgraphs lie within each other more than %d deep",
                       OC_ONNX_MOST_DEPTH);
    for (size_t k = 0; k < count; k++)
        if (node[k]->op_type != NULL)
            OC_TRY(list_node(l, node[k], depth));
    return OCELLUS_OK;
}

/* ---- inputs and outputs ------------------------------------------------ */

static ocellus_model_value
value_of(struct listing *l, const OcOnnx__ValueInfo *from)
{
    const OcOnnx__TensorType *t = from->type ? from->type->tensor_type : NULL;
    ocellus_model_value value = {.name = kept(l, from->name), .rank = -1};
    if (t != NULL && oc_type_size((ocellus_type)t->elem_type) > 0)
        value.type = (ocellus_type)t->elem_type;
    if (t == NULL || t->shape == NULL || t->shape->n_dim > OC_MAX_RANK)
        return value;
    value.rank = (int)t->shape->n_dim;
    for (int d = 0; d < value.rank; d++) {
        const OcOnnx__Dimension *dim = t->shape->dim[d];
        value.dims[d] = dim->has_dim_value ? dim->dim_value : -1;
    }
    return value;
}

static ocellus_status
list_values(struct listing *l, const oc_onnx_graph *g,
            OcOnnx__ValueInfo *const *from, size_t count,
            const ocellus_model_value **to, int *made)
{
    ocellus_model_value *values =
        oc_arena_alloc(l->arena, (count + 1) * sizeof(*values));
    if (values == NULL)
        return no_memory();
    for (size_t k = 0; k < count; k++)
        if (!oc_onnx_is_initializer(g, from[k]->name)) {
            values[*made] = value_of(l, from[k]);
            if (values[(*made)++].name == NULL)
                return no_memory();
        }
    *to = values;
    return OCELLUS_OK;
}

/* ---- the file ---------------------------------------------------------- */

static ocellus_status
list_model(struct listing *l, const oc_onnx_model *model)
{
    const oc_onnx_graph *g = model->graph;
    ocellus_model_info *info = &l->info;
    if (g == NULL)
        return oc_fail(OCELLUS_BAD_MODEL, "it holds no graph");
    info->ir_version = model->ir_version;
    info->opset = oc_onnx_opset(model);
    info->producer = kept(l, model->producer_name);
    l->file.model = model;
    l->called = oc_arena_alloc(l->arena, model->n_functions + 1);
    if (info->producer == NULL || l->called == NULL)
        return no_memory();
    OC_TRY(list_values(l, g, g->input, g->n_input, &info->inputs,
                       &info->input_count));
    OC_TRY(list_values(l, g, g->output, g->n_output, &info->outputs,
                       &info->output_count));
    OC_TRY(list_nodes(l, g->node, g->n_node, 0));
    info->ops = l->op;
    return OCELLUS_OK;
}

ocellus_status
oc_onnx_info(const char *path, ocellus_model_info **info)
{
    oc_onnx_model *model;
    *info = NULL;
    OC_TRY(oc_onnx_open(path, &model));
    struct listing *l = calloc(1, sizeof(*l));
    ocellus_status status = OCELLUS_OUT_OF_MEMORY;
    if (l != NULL && (l->arena = oc_arena_create()) != NULL)
        status = list_model(l, model);
    else
        no_memory();
    oc_onnx__model__free_unpacked(model, NULL);
    if (status == OCELLUS_OK)
        *info = &l->info;
    else
        oc_onnx_info_free(l ? &l->info : NULL);
    return status == OCELLUS_OK ? status
                                : oc_fail_context(status, "%s: ", path);
}

void
oc_onnx_info_free(ocellus_model_info *info)
{
    struct listing *l = (struct listing *)info;
    if (l == NULL)
        return;
    oc_arena_destroy(l->arena);
    free(l->op);
    free(l);
}

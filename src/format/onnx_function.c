/* onnx_function.c - a model's own functions, written out where they are
 * called. */
#include <string.h>

#include "format/onnx_inside.h"

static int
same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

const oc_onnx_function *
oc_onnx_function_find(const struct oc_onnx_reading *r, const oc_onnx_node *node)
{
    const oc_onnx_model *m = r->file->model;
    for (size_t k = 0; k < m->n_functions; k++) {
        const oc_onnx_function *f = m->functions[k];
        if (same(f->name, node->op_type) && same(f->domain, node->domain) &&
            same(f->overload, node->overload))
            return f;
    }
    return NULL;
}

static const oc_onnx_attribute *
find(oc_onnx_attribute *const *list, size_t count, const char *name)
{
    for (size_t k = 0; k < count; k++)
        if (list[k]->name != NULL && strcmp(list[k]->name, name) == 0)
            return list[k];
    return NULL;
}

const oc_onnx_attribute *
oc_onnx_resolve(const struct oc_onnx_reading *r,
                const oc_onnx_attribute *attribute,
                const struct oc_onnx_reading **where)
{
    while (attribute != NULL && attribute->ref_attr_name != NULL &&
           attribute->ref_attr_name[0] != '\0') {
        const char *name = attribute->ref_attr_name;
        /* A subgraph within a function refers to the function's. */
        while (r->function == NULL && r->outer != NULL)
            r = r->outer;
        if (r->function == NULL)
            return NULL;
        attribute = find(r->call->attribute, r->call->n_attribute, name);
        if (attribute == NULL)
            attribute = find(r->function->attribute_proto,
                             r->function->n_attribute_proto, name);
        else
            r = r->caller;
    }
    *where = r;
    return attribute;
}

static int64_t
opset_of(const oc_onnx_function *f, int64_t otherwise)
{
    for (size_t k = 0; k < f->n_opset_import; k++)
        if (same(f->opset_import[k]->domain, "") ||
            same(f->opset_import[k]->domain, "ai.onnx"))
            return f->opset_import[k]->version;
    return otherwise;
}

static ocellus_status
bind_inputs(struct oc_onnx_reading *r, const oc_onnx_node *node,
            struct oc_onnx_reading *inside)
{
    const oc_onnx_function *f = inside->function;
    for (size_t k = 0; k < f->n_input; k++) {
        struct ocellus_value *value = NULL;
        if (k >= node->n_input || node->input[k][0] == '\0')
            continue;
        OC_TRY(oc_onnx_value(r, node->input[k], 0, 0, &value));
        OC_TRY(oc_onnx_define(inside, f->input[k], value, NULL));
    }
    return OCELLUS_OK;
}

static ocellus_status
take_outputs(struct oc_onnx_reading *r, const oc_onnx_node *node,
             struct oc_onnx_reading *inside)
{
    const oc_onnx_function *f = inside->function;
    for (size_t k = 0; k < node->n_output; k++) {
        struct ocellus_value *value;
        if (node->output[k][0] == '\0')
            continue;
        if (k >= f->n_output)
            return oc_fail(OCELLUS_BAD_MODEL,
                           "it has %zu outputs, the function has %zu",
                           node->n_output, f->n_output);
        OC_TRY(oc_onnx_value(inside, f->output[k], 0, 0, &value));
        OC_TRY(oc_onnx_define(r, node->output[k], value, NULL));
    }
    return OCELLUS_OK;
}

ocellus_status
oc_onnx_call(struct oc_onnx_reading *r, const oc_onnx_node *node,
             const oc_onnx_function *function)
{
    struct oc_onnx_reading inside = {.file = r->file,
                                     .graph = r->graph,
                                     .opset = opset_of(function, r->opset),
                                     .depth = r->depth + 1,
                                     .function = function,
                                     .call = node,
                                     .caller = r};
    if (inside.depth > OC_ONNX_MOST_DEPTH)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "functions call each other more than %d deep",
                       OC_ONNX_MOST_DEPTH);
    ocellus_status status = bind_inputs(r, node, &inside);
    if (status == OCELLUS_OK)
        status = oc_onnx_read_nodes(&inside, function->node, function->n_node);
    if (status == OCELLUS_OK)
        status = take_outputs(r, node, &inside);
    oc_onnx_forget(&inside);
    return status;
}

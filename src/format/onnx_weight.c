/* onnx_weight.c - weights that reach their operator by way of nodes that only
 * move numbers. PyTorch writes a net in training so: the gates of an LSTM are
 * cut out of its weights and put together in another order. */
#include <string.h>

#include "format/onnx_inside.h"

enum { MOST_VISITS = 4096 }; /* a hostile file joins a value with itself */

static int
moves(const struct oc_node *node)
{
    static const char *const names[] = {"Slice",     "Concat",   "Unsqueeze",
                                        "Squeeze",   "Reshape",  "Flatten",
                                        "Transpose", "Identity", "Split"};

    for (size_t k = 0; k < OC_COUNT(names); k++)
        if (strcmp(node->op->name, names[k]) == 0)
            return 1;
    return 0;
}

static ocellus_status
make_state(struct oc_onnx_reading *r, struct ocellus_value **value)
{
    struct ocellus_value *state, *constant = *value;
    struct oc_onnx_name *slot = oc_onnx_find(r, constant->name);

    if (constant->type != OCELLUS_FLOAT || constant->shape.rank == 0 ||
        slot == NULL || slot->initializer == NULL || slot->value != constant)
        return OCELLUS_OK;
    state = oc_graph_state(r->graph, constant->name, constant->type,
                           &constant->shape, "zeros", 1);
    OC_TRY(oc_onnx_status(r));
    state->data = constant->data;
    *value = slot->value = state;
    oc_graph_replace(r->graph, constant, state, NULL);
    return OCELLUS_OK;
}

static ocellus_status
visit(struct oc_onnx_reading *r, struct ocellus_value *value, int *visits)
{
    ocellus_status status = OCELLUS_OK;
    int inputs;

    if (++*visits > MOST_VISITS)
        return OCELLUS_OK;
    if (value->kind == OC_CONSTANT)
        return make_state(r, &value);
    if (value->kind != OC_RESULT || !moves(value->node))
        return OCELLUS_OK;
    value->data = NULL; /* what was computed of it will change */
    inputs =
        strcmp(value->node->op->name, "Concat") == 0 ? value->node->n_in : 1;
    for (int k = 0; status == OCELLUS_OK && k < inputs; k++)
        if (value->node->in[k] != NULL)
            status = visit(r, value->node->in[k], visits);
    return status;
}

/* What a matrix product is added to, or is added to it: a bias. */
ocellus_status
oc_onnx_train_bias(struct oc_onnx_reading *r, struct ocellus_value *in[2])
{
    for (int k = 0; k < 2; k++) {
        const struct ocellus_value *product = in[1 - k];

        if (in[k]->kind == OC_CONSTANT && product->kind == OC_RESULT &&
            strcmp(product->node->op->name, "MatMul") == 0)
            return make_state(r, &in[k]);
    }
    return OCELLUS_OK;
}

ocellus_status
oc_onnx_train(struct oc_onnx_reading *r, struct ocellus_value *value)
{
    int visits = 0;

    return value->kind == OC_RESULT ? visit(r, value, &visits) : OCELLUS_OK;
}

/* onnx_scope.c - names of a graph, and those that a subgraph sees outside. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "format/onnx_inside.h"

static struct oc_onnx_name *
slot_of(const struct oc_onnx_reading *r, const char *name)
{
    size_t at = (size_t)oc_hash_text(OC_HASH_START, name) & (r->room - 1);
    while (r->name[at].name != NULL && strcmp(r->name[at].name, name) != 0)
        at = (at + 1) & (r->room - 1);
    return &r->name[at];
}

static ocellus_status
make_room(struct oc_onnx_reading *r)
{
    struct oc_onnx_name *old = r->name;
    size_t was = r->room;
    if (2 * (r->count + 1) <= r->room)
        return OCELLUS_OK;
    r->room = was ? 2 * was : 64;
    r->name = calloc(r->room, sizeof(*r->name));
    if (r->name == NULL) {
        r->name = old;
        r->room = was;
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for its names");
    }
    for (size_t k = 0; k < was; k++)
        if (old[k].name != NULL)
            *slot_of(r, old[k].name) = old[k];
    free(old);
    return OCELLUS_OK;
}

ocellus_status
oc_onnx_define(struct oc_onnx_reading *r, const char *name,
               struct ocellus_value *value, oc_onnx_tensor *initializer)
{
    OC_TRY(make_room(r));
    struct oc_onnx_name *slot = slot_of(r, name);
    if (slot->name != NULL)
        return oc_fail(OCELLUS_BAD_MODEL, "two values are named '%s'", name);
    r->count++;
    *slot = (struct oc_onnx_name){name, value, initializer};
    return OCELLUS_OK;
}

struct oc_onnx_name *
oc_onnx_find(const struct oc_onnx_reading *r, const char *name)
{
    struct oc_onnx_name *slot = r->room ? slot_of(r, name) : NULL;
    return slot != NULL && slot->name != NULL ? slot : NULL;
}

void
oc_onnx_forget(struct oc_onnx_reading *r)
{
    free(r->name);
    free(r->capture);
    r->name = NULL;
    r->capture = NULL;
}

/* The numbers of an initializer go as soon as the graph has them. */
static void
release(oc_onnx_tensor *t)
{
    free(t->raw_data.data);
    t->raw_data.data = NULL;
    t->raw_data.len = 0;
}

/* As a constant, or as a state when an operator keeps it as one. */
static ocellus_status
settle(struct oc_onnx_reading *r, struct oc_onnx_name *slot, int is_state,
       int trainable)
{
    struct oc_shape shape, empty = OC_SHAPE(0);
    void *data;
    size_t bytes;
    oc_onnx_tensor *t = slot->initializer;
    ocellus_type type = (ocellus_type)t->data_type;
    OC_TRY(oc_onnx_numbers(t, r->file, r->graph->arena, &shape, &data, &bytes));
    if (is_state && type == OCELLUS_FLOAT)
        slot->value = oc_graph_state(r->graph, slot->name, type, &shape,
                                     "zeros", trainable);
    else
        slot->value =
            oc_graph_constant(r->graph, slot->name, type, &empty, NULL);
    OC_TRY(oc_onnx_status(r));
    slot->value->shape = shape;
    slot->value->data = data;
    release(t);
    return OCELLUS_OK;
}

/* A value of an outer scope becomes an input of this graph. */
static ocellus_status
capture(struct oc_onnx_reading *r, const char *name,
        struct ocellus_value **value)
{
    struct oc_shape scalar = {0};
    struct ocellus_value *outside;
    OC_TRY(oc_onnx_value(r->outer, name, 0, 0, &outside));
    *value = oc_graph_input(r->graph, name, OCELLUS_UNDEFINED, &scalar);
    OC_TRY(oc_onnx_status(r));
    (*value)->unknown = 1;
    if (!oc_grow(&r->capture, r->n_capture, &r->room_capture,
                 sizeof(*r->capture)))
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a subgraph");
    r->capture[r->n_capture++] = outside;
    return oc_onnx_define(r, name, *value, NULL);
}

ocellus_status
oc_onnx_value(struct oc_onnx_reading *r, const char *name, int is_state,
              int trainable, struct ocellus_value **value)
{
    struct oc_onnx_name *slot = oc_onnx_find(r, name);
    if (slot == NULL) {
        if (r->outer != NULL)
            return capture(r, name, value);
        return oc_fail(OCELLUS_BAD_MODEL, "'%s' is made later or never", name);
    }
    if (slot->value == NULL)
        OC_TRY(settle(r, slot, is_state, trainable));
    *value = slot->value;
    return OCELLUS_OK;
}

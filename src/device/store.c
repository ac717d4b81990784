/* store.c - see store.h. */
#include "device/store.h"

#include <stdlib.h>
#include <string.h>

ocellus_status
oc_store_create(struct ocellus_device *device, struct oc_store **store)
{
    *store = calloc(1, sizeof **store);
    if (*store == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a session");
    (*store)->device = device;
    (*store)->refs = 1;
    (*store)->version = 1;
    return OCELLUS_OK;
}

struct oc_store *
oc_store_retain(struct oc_store *store)
{
    store->refs++;
    return store;
}

void
oc_store_release(struct oc_store *store)
{
    if (store == NULL || --store->refs > 0)
        return;
    for (int k = 0; k < store->count; k++) {
        free(store->home[k].name);
        oc_buffer_destroy(store->home[k].buffer);
    }
    free(store->home);
    oc_graph_destroy(store->lender);
    free(store);
}

ocellus_status
oc_store_lend(struct oc_store *store, struct ocellus_graph *graph)
{
    for (int k = 0; k < graph->n_states; k++)
        if (graph->states[k]->assigned != NULL)
            return OCELLUS_OK;
    if (store->lender == NULL)
        OC_TRY(oc_graph_create(&store->lender));
    return oc_graph_keep(store->lender, graph);
}

struct oc_home *
oc_store_find(const struct oc_store *store, const char *name)
{
    for (int k = 0; k < store->count; k++)
        if (strcmp(store->home[k].name, name) == 0)
            return &store->home[k];
    return NULL;
}

static ocellus_status
first_numbers(struct oc_home *home, const struct ocellus_value *state,
              uint64_t seed)
{
    if (state->data != NULL)
        return oc_buffer_write(home->buffer, 0, state->data, home->bytes);
    float *numbers;
    if (state->type != OCELLUS_FLOAT)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "state '%s' is %s; only float32 states have a rule",
                       state->name, oc_type_name(state->type));
    OC_TRY(oc_state_init(state, seed, &numbers));
    ocellus_status status =
        oc_buffer_write(home->buffer, 0, numbers, home->bytes);
    free(numbers);
    return status;
}

ocellus_status
oc_home_own(struct oc_store *store, struct oc_home *home, int *moved)
{
    struct oc_buffer *own;
    *moved = 0;
    if (!home->lent)
        return OCELLUS_OK;
    OC_TRY(oc_buffer_create(store->device, home->bytes, &own));
    oc_buffer_destroy(home->buffer);
    home->buffer = own;
    home->lent = 0;
    *moved = 1;
    return OCELLUS_OK;
}

static ocellus_status
furnish(struct oc_store *store, struct oc_home *home,
        const struct ocellus_value *state, uint64_t seed)
{
    if (store->lender != NULL && state->data != NULL)
        home->buffer = oc_buffer_lend(store->device, state->data, home->bytes);
    home->lent = home->buffer != NULL;
    if (home->lent)
        return OCELLUS_OK;
    OC_TRY(oc_buffer_create(store->device, home->bytes, &home->buffer));
    return first_numbers(home, state, seed);
}

static ocellus_status
add(struct oc_store *store, const struct ocellus_value *state, uint64_t seed)
{
    struct oc_home home = {.type = state->type, .shape = state->shape};
    ocellus_status status = OCELLUS_OK;
    if (!oc_grow(&store->home, store->count, &store->room,
                 sizeof *store->home) ||
        (home.name = strdup(state->name)) == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a state");
    OC_TRY_OUT(
        oc_shape_bytes(&state->shape, oc_type_size(state->type), &home.bytes));
    OC_TRY_OUT(furnish(store, &home, state, seed));
    store->home[store->count++] = home;
    return OCELLUS_OK;
out:
    oc_buffer_destroy(home.buffer);
    free(home.name);
    return status;
}

ocellus_status
oc_store_home(struct oc_store *store, const struct ocellus_value *state,
              uint64_t seed, struct oc_buffer **buffer)
{
    struct oc_home *home = oc_store_find(store, state->name);
    if (home == NULL) {
        OC_TRY(add(store, state, seed));
        home = &store->home[store->count - 1];
    }
    if (home->type != state->type ||
        !oc_shape_equal(&home->shape, &state->shape)) {
        char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT];
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "state '%s' is %s here and %s in the shared session",
                       state->name, oc_shape_text(&state->shape, a),
                       oc_shape_text(&home->shape, b));
    }
    *buffer = home->buffer;
    return OCELLUS_OK;
}

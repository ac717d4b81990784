/* session_state.c - states of a session, by name. */
#include <string.h>

#include "device/session_inside.h"

int
oc_session_state_count(const struct ocellus_session *s)
{
    return s->store->count;
}

const char *
oc_session_state_name(const struct ocellus_session *s, int k)
{
    return k >= 0 && k < s->store->count ? s->store->home[k].name : NULL;
}

static ocellus_status
find_state(const struct ocellus_session *s, const char *name,
           struct oc_home **home)
{
    *home = oc_store_find(s->store, name);
    if (*home == NULL)
        return oc_fail(OCELLUS_BAD_ARGUMENT, "there is no state '%s'", name);
    return OCELLUS_OK;
}

ocellus_status
oc_session_read_state(struct ocellus_session *s, const char *name,
                      struct ocellus_tensor **tensor)
{
    struct oc_home *home;
    *tensor = NULL;
    OC_TRY(find_state(s, name, &home));
    struct ocellus_tensor *t;
    OC_TRY(oc_tensor_create(home->type, &home->shape, &t));
    ocellus_status status =
        oc_buffer_read(home->buffer, 0, t->data, home->bytes);
    if (status != OCELLUS_OK) {
        oc_tensor_destroy(t);
        return status;
    }
    *tensor = t;
    return OCELLUS_OK;
}

ocellus_status
oc_session_write_state(struct ocellus_session *s, const char *name,
                       const struct ocellus_tensor *tensor)
{
    struct oc_home *home;
    OC_TRY(find_state(s, name, &home));
    if (tensor->type != home->type ||
        !oc_shape_equal(&tensor->shape, &home->shape)) {
        char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT];
        return oc_fail(
            OCELLUS_BAD_ARGUMENT, "state '%s' is %s %s; it was given %s %s",
            name, oc_type_name(home->type), oc_shape_text(&home->shape, a),
            oc_type_name(tensor->type), oc_shape_text(&tensor->shape, b));
    }
    int moved;
    OC_TRY(oc_home_own(s->store, home, &moved));
    s->moved |= moved;
    s->store->version++;
    return oc_buffer_write(home->buffer, 0, tensor->data, home->bytes);
}

ocellus_status
oc_session_put_state(struct ocellus_session *s, const char *name,
                     const struct ocellus_tensor *tensor)
{
    if (oc_store_find(s->store, name) == NULL) {
        struct ocellus_value state = {.name = name,
                                      .type = tensor->type,
                                      .shape = tensor->shape,
                                      .data = tensor->data};
        struct oc_buffer *buffer;
        s->store->version++;
        return oc_store_home(s->store, &state, 0, &buffer);
    }
    return oc_session_write_state(s, name, tensor);
}

uint64_t
oc_session_state_bytes(const struct ocellus_session *s)
{
    uint64_t bytes = 0;
    for (int k = 0; k < s->store->count; k++)
        bytes += s->store->home[k].bytes;
    return bytes;
}

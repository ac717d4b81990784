/* darknet_weights.c - float32 numbers behind a header of three int32 (major,
 * minor, revision) and a count of images seen, 8 bytes since version 0.2. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/darknet_inside.h"

ocellus_status
oc_darknet_open_weights(struct oc_darknet_weights *w)
{
    int32_t head[3];
    OC_TRY(oc_file_read(w->path, 0, &w->bytes, &w->size));
    if (w->size < 16)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s is no Darknet weights file: it has %zu bytes",
                       w->path, w->size);
    memcpy(head, w->bytes, sizeof head);
    int old = head[0] >= 0 && head[0] < 1000 && head[1] >= 0 && head[1] < 1000;
    int wide = old && head[0] * 10 + head[1] >= 2;
    w->transposed = !old;
    w->at = wide ? 20 : 16;
    if (w->at > w->size || (w->size - w->at) % sizeof(float) != 0)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s is no Darknet weights file: behind its header are "
                       "%zu bytes, no whole number of float32",
                       w->path, w->size - (w->at < w->size ? w->at : w->size));
    return OCELLUS_OK;
}

void
oc_darknet_take(struct oc_darknet *r, struct ocellus_value *state)
{
    struct oc_darknet_weights *w = &r->weights;
    char shape[OC_SHAPE_TEXT];
    size_t bytes;
    if (state == NULL || w->path == NULL)
        return;
    ocellus_status status =
        oc_shape_bytes(&state->shape, sizeof(float), &bytes);
    if (status == OCELLUS_OK && bytes > w->size - w->at)
        status =
            oc_fail(OCELLUS_BAD_DATA,
                    "%s ends within %s (%s): %zu numbers are left of "
                    "%zu; it belongs to another net",
                    w->path, state->name, oc_shape_text(&state->shape, shape),
                    (w->size - w->at) / sizeof(float), bytes / sizeof(float));
    if (status == OCELLUS_OK)
        status = oc_layer_fill(state, w->bytes + w->at);
    if (status != OCELLUS_OK)
        oc_graph_fail(r->graph, status);
    else
        w->at += bytes;
}

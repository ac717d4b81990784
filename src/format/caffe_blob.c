/* caffe_blob.c - the numbers of a layer. Their extents are not asked: files of
 * different age say the same numbers by one, two or four of them. */
#include <stdlib.h>
#include <string.h>

#include "format/caffe_inside.h"

/* The blobs of the layer of this name; NULL: there are none. */
static const oc_caffe_layer *
weights_of(const struct oc_caffe *r)
{
    for (size_t k = 0; r->weights != NULL && k < r->weights->n_layer; k++) {
        const oc_caffe_layer *layer = r->weights->layer[k];
        if (layer->name != NULL && r->at->name != NULL &&
            strcmp(layer->name, r->at->name) == 0 && layer->n_blobs > 0)
            return layer;
    }
    return NULL;
}

static oc_caffe_blob *
blob(const struct oc_caffe *r, size_t k)
{
    const oc_caffe_layer *layer = weights_of(r);
    return layer != NULL && k < layer->n_blobs ? layer->blobs[k] : NULL;
}

static double
number(const oc_caffe_blob *b, size_t i)
{
    return b->n_data > 0 ? (double)b->data[i] : b->double_data[i];
}

double
oc_caffe_number(struct oc_caffe *r, size_t k, double otherwise)
{
    const oc_caffe_blob *b = blob(r, k);
    return b != NULL && b->n_data + b->n_double_data > 0 ? number(b, 0)
                                                         : otherwise;
}

/* So that a net does not stand in memory twice. */
static void
release(oc_caffe_blob *b)
{
    free(b->data);
    free(b->double_data);
    b->data = NULL;
    b->double_data = NULL;
    b->n_data = b->n_double_data = 0;
}

void
oc_caffe_take(struct oc_caffe *r, struct ocellus_value *state, size_t k,
              double divisor)
{
    if (state == NULL || r->weights == NULL)
        return;
    oc_caffe_blob *b = blob(r, k);
    size_t wanted = (size_t)oc_shape_count(&state->shape);
    size_t count = b == NULL ? 0 : b->n_data > 0 ? b->n_data : b->n_double_data;
    char shape[OC_SHAPE_TEXT];
    if (b == NULL || count != wanted) {
        oc_caffe_fail(r, OCELLUS_BAD_DATA,
                      "%s holds %zu numbers for %s, which takes %zu (%s)",
                      r->path, count, state->name, wanted,
                      oc_shape_text(&state->shape, shape));
        return;
    }
    float *to = oc_arena_alloc(r->graph->arena, wanted * sizeof *to + 1);
    for (size_t i = 0; to != NULL && i < wanted; i++)
        to[i] = (float)(divisor != 0 ? number(b, i) / divisor : number(b, i));
    state->data = to;
    release(b);
    if (to == NULL)
        oc_caffe_fail(r, OCELLUS_OUT_OF_MEMORY, "no memory for %zu numbers",
                      wanted);
}

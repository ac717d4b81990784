/* store.c - samples that lie in memory. */
#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>

static size_t
sample_size(const struct oc_store *store)
{
    return (size_t)store->chw[0] * (size_t)store->chw[1] *
           (size_t)store->chw[2];
}

ocellus_status
oc_store_read_bytes(const struct oc_store *store, int64_t i,
                    struct oc_image *image, struct oc_image *scratch,
                    void *label)
{
    size_t size = sample_size(store);
    const uint8_t *from = store->bytes + (size_t)i * size;

    (void)scratch;
    OC_TRY(oc_image_resize(image, store->chw[0], store->chw[1], store->chw[2]));
    for (size_t k = 0; k < size; k++)
        image->x[k] = (float)from[k] * (1.0f / 255);
    *(int64_t *)label = store->label[i];
    return OCELLUS_OK;
}

ocellus_status
oc_store_read_floats(const struct oc_store *store, int64_t i,
                     struct oc_image *image, struct oc_image *scratch,
                     void *label)
{
    size_t size = sample_size(store);

    (void)scratch;
    OC_TRY(oc_image_resize(image, store->chw[0], store->chw[1], store->chw[2]));
    memcpy(image->x, store->floats + (size_t)i * size, size * sizeof(float));
    *(int64_t *)label = store->label[i];
    return OCELLUS_OK;
}

ocellus_status
oc_store_shape(struct oc_store *store, const char *name, int64_t count,
               const int64_t chw[3])
{
    if (chw[0] < 1 || chw[0] > OC_MOST_CHANNELS || chw[1] < 1 || chw[2] < 1 ||
        chw[1] > (int64_t)OC_IMAGE_MOST_PIXELS / chw[2] / chw[0])
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: samples of %lld x %lld x %lld cannot be used; 1 "
                       "to %d channels and at most %llu numbers are accepted",
                       name, (long long)chw[0], (long long)chw[1],
                       (long long)chw[2], OC_MOST_CHANNELS,
                       (unsigned long long)OC_IMAGE_MOST_PIXELS);
    if (count < 0 || count >= UINT32_MAX)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: %lld samples; 0 to 4294967294 are accepted", name,
                       (long long)count);
    for (int k = 0; k < 3; k++)
        store->chw[k] = (int)chw[k];
    return OCELLUS_OK;
}

ocellus_status
oc_store_labels(struct oc_store *store, int64_t count)
{
    free(store->label);
    store->label = calloc((size_t)count + 1, sizeof *store->label);
    if (store->label == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %lld labels",
                       (long long)count);
    return OCELLUS_OK;
}

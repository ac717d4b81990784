/* chunk.c - samples into their places in a batch: read, transformed,
 * normalised. */
#include "data/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/type.h"
#include "data/mix.h"
#include "graph/tensor.h"

/* A stream of its own for each (purpose, epoch, number). */
static void
start_stream(struct oc_random *random, uint64_t seed, const char *purpose,
             int64_t epoch, int64_t number)
{
    uint64_t stream = oc_hash_text(OC_HASH_START, purpose);

    stream = oc_hash(stream, &epoch, sizeof epoch);
    stream = oc_hash(stream, &number, sizeof number);
    oc_random_start(random, seed, stream);
}

static void
normalize(const struct ocellus_loader *loader, const struct oc_image *image,
          float *to)
{
    size_t plane = (size_t)image->height * (size_t)image->width;

    for (int c = 0; c < image->channels; c++) {
        const float *from = image->x + (size_t)c * plane;
        float mean = loader->mean[c], scale = 1 / loader->std[c];

        for (size_t i = 0; i < plane; i++)
            *to++ = (from[i] - mean) * scale;
    }
}

/* Numbers to be forecast are of the kind that the series itself is. */
static void
normalize_labels(const struct ocellus_loader *loader, float *label)
{
    for (int k = 0; k < loader->dataset->labels; k++)
        label[k] = (label[k] - loader->mean[0]) / loader->std[0];
}

static ocellus_status
fill(struct ocellus_loader *loader, struct oc_slot *slot, int64_t i,
     struct oc_canvas *canvas)
{
    const int *chw = loader->chw;
    const struct ocellus_dataset *dataset = loader->dataset;
    const struct oc_image *image = &canvas->image;
    size_t size = (size_t)chw[0] * (size_t)chw[1] * (size_t)chw[2];
    char *x =
        (char *)slot->x->data + (size_t)i * size * oc_type_size(dataset->type);
    char *label =
        (char *)slot->labels->data +
        (size_t)i * (size_t)dataset->labels * oc_type_size(dataset->label_type);
    int64_t index = slot->index[i];

    OC_TRY(oc_dataset_read(dataset, loader->split, index, canvas, label));
    start_stream(&canvas->random, loader->options.seed, "augment",
                 slot->batch.epoch, index);
    canvas->fill = loader->mean;
    OC_TRY(oc_transform_apply(&loader->transform, canvas));
    if (image->channels != chw[0] || image->height != chw[1] ||
        image->width != chw[2])
        return oc_fail(OCELLUS_BAD_DATA,
                       "sample %lld is %d x %d x %d after its transform; the "
                       "others are %d x %d x %d",
                       (long long)index, image->channels, image->height,
                       image->width, chw[0], chw[1], chw[2]);
    if (dataset->type == OCELLUS_FLOAT)
        normalize(loader, image, (float *)(void *)x);
    else
        oc_dataset_convert(dataset, image->x, size, x);
    if (dataset->label_type == OCELLUS_FLOAT)
        normalize_labels(loader, (float *)(void *)label);
    return OCELLUS_OK;
}

/* Of several bad samples the first is told, whoever was faster. */
static void
tell(struct ocellus_loader *loader, struct oc_slot *slot, int64_t i,
     ocellus_status status)
{
    pthread_mutex_lock(&loader->lock);
    if (slot->failed < 0 || i < slot->failed) {
        slot->failed = i;
        slot->status = status;
        snprintf(slot->sentence, sizeof slot->sentence, "%s", ocellus_error());
    }
    pthread_mutex_unlock(&loader->lock);
}

void
oc_chunk_fill(struct ocellus_loader *loader, const struct oc_chunk *chunk,
              struct oc_canvas *canvas)
{
    for (int64_t i = chunk->first; i < chunk->end; i++) {
        ocellus_status status = fill(loader, chunk->slot, i, canvas);

        if (status != OCELLUS_OK)
            tell(loader, chunk->slot, i, status);
    }
}

ocellus_status
oc_slot_mix(struct ocellus_loader *loader, struct oc_slot *slot)
{
    const int *chw = loader->chw;
    struct oc_mix mix = {chw[0],
                         chw[1],
                         chw[2],
                         slot->batch.count,
                         slot->x->data,
                         slot->labels->data,
                         slot->labels2 != NULL ? slot->labels2->data : NULL,
                         1};
    size_t size = (size_t)chw[0] * (size_t)chw[1] * (size_t)chw[2];
    struct oc_random random;
    int64_t *order;
    float *scratch;

    slot->batch.lambda = 1;
    if (slot->labels2 == NULL)
        return OCELLUS_OK;
    scratch = malloc((size_t)mix.count * size * sizeof *scratch);
    order = malloc((size_t)mix.count * sizeof *order);
    if (scratch != NULL && order != NULL) {
        start_stream(&random, loader->options.seed, "mix", slot->batch.epoch,
                     slot->batch.position);
        oc_mix_apply(&loader->transform, &random, &mix, scratch, order);
        slot->batch.lambda = mix.lambda;
    }
    free(scratch);
    free(order);
    if (scratch == NULL || order == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to mix a batch");
    return OCELLUS_OK;
}

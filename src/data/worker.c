/* worker.c - what a loader's threads do: take a chunk, fill it, seal the batch
 * whose last chunk it was. */
#include "data/loader.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "graph/tensor.h"

/* The order of the cursor's epoch. */
static void
make_order(struct ocellus_loader *loader)
{
    int64_t epoch = loader->cursor_epoch;
    struct oc_random random;
    uint64_t stream = oc_hash_text(OC_HASH_START, "shuffle");

    if (loader->order_epoch == epoch)
        return;
    for (int64_t i = 0; i < loader->count; i++)
        loader->order[i] = i;
    if (loader->options.shuffle) {
        stream = oc_hash(stream, &epoch, sizeof epoch);
        oc_random_start(&random, loader->options.seed, stream);
        oc_shuffle(&random, loader->order, loader->count);
    }
    loader->order_epoch = epoch;
}

static void
open_batch(struct ocellus_loader *loader, struct oc_slot *slot)
{
    int64_t count = loader->count - loader->cursor_position;
    ocellus_batch *batch = &slot->batch;

    make_order(loader);
    if (count > loader->options.batch)
        count = loader->options.batch;
    memcpy(slot->index, loader->order + loader->cursor_position,
           (size_t)count * sizeof *slot->index);
    slot->done = 0;
    slot->failed = -1;
    slot->sealed = 0;
    batch->count = count;
    batch->epoch = loader->cursor_epoch;
    batch->position = loader->cursor_position + count;
    slot->x->shape.dim[0] = count;
    slot->labels->shape.dim[0] = count;
    if (slot->labels2 != NULL)
        slot->labels2->shape.dim[0] = count;
}

/* Behind the last sample of a batch. At the end of an epoch the cursor goes on
 * into the next one or waits for the caller to ask. */
static void
advance(struct ocellus_loader *loader, const struct oc_slot *slot)
{
    loader->cursor_batch++;
    loader->cursor_sample = 0;
    loader->cursor_position = slot->batch.position;
    if (loader->cursor_position < loader->count)
        return;
    loader->cursor_position = 0;
    loader->cursor_epoch++;
    if (loader->cursor_epoch >= loader->options.epochs)
        loader->started = 0;
}

/* Under the lock; 0: nothing to do now. */
static int
take(struct ocellus_loader *loader, struct oc_chunk *chunk)
{
    struct oc_slot *slot;

    if (!loader->started || loader->idle_wanted ||
        loader->cursor_batch >= loader->freed + loader->ahead)
        return 0;
    slot = &loader->slot[loader->cursor_batch % loader->ahead];
    if (loader->cursor_sample == 0)
        open_batch(loader, slot);
    chunk->slot = slot;
    chunk->first = loader->cursor_sample;
    chunk->end = chunk->first + loader->chunk;
    if (chunk->end > slot->batch.count)
        chunk->end = slot->batch.count;
    loader->cursor_sample = chunk->end;
    if (chunk->end == slot->batch.count)
        advance(loader, slot);
    return 1;
}

static void
seal(struct ocellus_loader *loader, struct oc_slot *slot)
{
    if (slot->failed < 0) {
        ocellus_status status;

        pthread_mutex_unlock(&loader->lock);
        status = oc_slot_mix(loader, slot);
        pthread_mutex_lock(&loader->lock);
        if (status != OCELLUS_OK) {
            slot->failed = 0;
            slot->status = status;
            snprintf(slot->sentence, sizeof slot->sentence, "%s",
                     ocellus_error());
        }
    }
    slot->sealed = 1;
    pthread_cond_broadcast(&loader->ready);
}

void *
oc_loader_work(void *context)
{
    struct ocellus_loader *loader = context;
    struct oc_canvas canvas = {.fill = NULL};
    struct oc_chunk chunk;

    pthread_mutex_lock(&loader->lock);
    while (!loader->quit) {
        if (!take(loader, &chunk)) {
            pthread_cond_wait(&loader->work, &loader->lock);
            continue;
        }
        loader->active++;
        pthread_mutex_unlock(&loader->lock);
        oc_chunk_fill(loader, &chunk, &canvas);
        pthread_mutex_lock(&loader->lock);
        chunk.slot->done += chunk.end - chunk.first;
        if (chunk.slot->done == chunk.slot->batch.count)
            seal(loader, chunk.slot);
        loader->active--;
        if (loader->idle_wanted && loader->active == 0)
            pthread_cond_broadcast(&loader->ready);
    }
    pthread_mutex_unlock(&loader->lock);
    oc_canvas_free(&canvas);
    return NULL;
}

/* loader.h - a loader from the inside: a ring of batches that workers fill and
 * the caller empties in order.
 *
 * Work is dealt in chunks: a few samples of one batch. The next chunk to deal
 * is the cursor; a batch is opened when the cursor enters it and its slot in
 * the ring is free, and whoever finishes its last chunk mixes and seals it.
 * A sample's numbers depend on (seed, epoch, index) and nothing else.
 */
#ifndef OC_DATA_LOADER_H
#define OC_DATA_LOADER_H

#include <pthread.h>

#include "data/dataset.h"

#define OC_MOST_SENTENCE 1024

struct oc_slot {
    ocellus_batch batch;
    struct ocellus_tensor *x, *labels, *labels2;
    int64_t *index; /* of the samples within the split */
    int64_t done;   /* samples finished */
    int sealed;     /* ready for the caller */
    int64_t failed; /* place of the first bad sample, -1: none */
    ocellus_status status;
    char sentence[OC_MOST_SENTENCE];
};

struct ocellus_loader {
    /* Fixed at creation. */
    ocellus_dataset *dataset;
    ocellus_split split;
    ocellus_loader_options options;
    struct oc_transform transform;
    int chw[3];
    int64_t count;
    float *mean, *std; /* std is 1, mean 0 where raw */
    int threads, ahead;
    int64_t chunk;

    /* The caller's place. */
    int64_t epoch, position;
    int64_t taken; /* batches given out since the start */
    int lent;      /* the last one is still in use */

    /* Under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t work, ready;
    int quit, idle_wanted, active;
    int64_t *order;                        /* of the cursor's epoch */
    int64_t order_epoch;                   /* -1: none */
    int64_t cursor_epoch, cursor_position; /* first sample of the batch */
    int64_t cursor_batch;                  /* its number since the start */
    int64_t cursor_sample; /* next sample to deal, 0: batch not open */
    int64_t freed;         /* batches whose slots are free again */
    int started;           /* the cursor may move */
    struct oc_slot *slot;
    pthread_t *thread;
    int running; /* threads that were made */
};

/* One chunk: samples [first, end) of a slot's batch. Called without lock. */
struct oc_chunk {
    struct oc_slot *slot;
    int64_t first, end;
};
void oc_chunk_fill(struct ocellus_loader *loader, const struct oc_chunk *chunk,
                   struct oc_canvas *canvas);
/* After the last chunk: mixup. */
ocellus_status oc_slot_mix(struct ocellus_loader *loader, struct oc_slot *slot);
/* The threads' function. */
void *oc_loader_work(void *loader);

#endif

/* loader.c - a loader as its caller sees it. */
#include "data/loader.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "base/type.h"
#include "graph/tensor.h"

#define MOST_THREADS 64
#define MOST_AHEAD 256
#define MOST_BATCH_BYTES ((size_t)1 << 34)

static ocellus_status
take_options(const ocellus_loader_options *given,
             ocellus_loader_options *options)
{
    static const ocellus_loader_options none;

    *options = none;
    if (given != NULL &&
        (given->size < offsetof(ocellus_loader_options, seed) ||
         given->size > 4096))
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "loader options: size is %zu; set it to sizeof "
                       "(ocellus_loader_options)",
                       given->size);
    if (given != NULL)
        memcpy(options, given,
               given->size < sizeof none ? given->size : sizeof none);
    if (options->batch < 0 || options->threads < 0 ||
        options->threads > MOST_THREADS || options->ahead < 0 ||
        options->ahead > MOST_AHEAD)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "loader options: batch %lld (1 or more), threads %d (at "
                       "most %d), ahead %d (at most %d)",
                       (long long)options->batch, options->threads,
                       MOST_THREADS, options->ahead, MOST_AHEAD);
    if (options->batch == 0)
        options->batch = 64;
    return OCELLUS_OK;
}

static ocellus_status
choose_shape(struct ocellus_loader *loader)
{
    memcpy(loader->chw, loader->dataset->chw, sizeof loader->chw);
    OC_TRY(oc_transform_shape(&loader->transform, loader->chw));
    if (loader->chw[1] == 0 || loader->chw[2] == 0)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "the images differ in size; give a transform that makes "
                       "them equal, such as 'resize=64 crop=64'");
    return OCELLUS_OK;
}

static ocellus_status
choose_normalization(struct ocellus_loader *loader)
{
    size_t channels = (size_t)loader->dataset->chw[0];
    size_t room =
        channels > (size_t)loader->chw[0] ? channels : (size_t)loader->chw[0];

    loader->mean = calloc(room, sizeof *loader->mean);
    loader->std = calloc(room, sizeof *loader->std);
    if (loader->mean == NULL || loader->std == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a loader");
    for (size_t c = 0; c < room; c++)
        loader->std[c] = 1;
    if (loader->options.raw)
        return OCELLUS_OK;
    if (loader->chw[0] != loader->dataset->chw[0])
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "the loader's transform makes %d channels of %d; give "
                       "gray or rgb to the data set, whose mean and standard "
                       "deviation are taken off",
                       loader->chw[0], loader->dataset->chw[0]);
    return ocellus_dataset_get_normalization(loader->dataset, loader->mean,
                                             loader->std);
}

static struct oc_shape
batch_shape(const struct ocellus_loader *loader)
{
    const int *chw = loader->chw;
    int64_t batch = loader->options.batch;

    if (loader->options.axes == 1)
        return OC_SHAPE(batch, (int64_t)chw[0] * chw[1] * chw[2]);
    if (loader->options.axes == 2)
        return OC_SHAPE(batch, chw[1], chw[2]);
    return oc_dataset_batch_shape(loader->dataset, batch, chw);
}

static ocellus_status
make_slot(struct ocellus_loader *loader, struct oc_slot *slot)
{
    const struct ocellus_dataset *dataset = loader->dataset;
    ocellus_type type = dataset->label_type;
    int64_t batch = loader->options.batch;
    struct oc_shape x = batch_shape(loader);
    struct oc_shape labels = oc_dataset_label_shape(dataset, batch);

    OC_TRY(oc_tensor_create(dataset->type, &x, &slot->x));
    OC_TRY(oc_tensor_create(type, &labels, &slot->labels));
    if (loader->transform.mixup > 0 || loader->transform.cutmix > 0)
        OC_TRY(oc_tensor_create(type, &labels, &slot->labels2));
    slot->index = calloc((size_t)batch, sizeof *slot->index);
    if (slot->index == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a batch");
    slot->batch.x = slot->x;
    slot->batch.labels = slot->labels;
    slot->batch.labels2 = slot->labels2;
    slot->batch.indices = slot->index;
    return OCELLUS_OK;
}

static ocellus_status
make_ring(struct ocellus_loader *loader)
{
    int64_t batch = loader->options.batch;
    struct oc_shape x =
        OC_SHAPE(batch, loader->chw[0], loader->chw[1], loader->chw[2]);
    size_t bytes;

    if (oc_shape_bytes(&x, oc_type_size(loader->dataset->type), &bytes) !=
            OCELLUS_OK ||
        bytes > MOST_BATCH_BYTES)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "a batch of %lld samples of %d x %d x %d is larger than "
                       "%zu bytes",
                       (long long)batch, loader->chw[0], loader->chw[1],
                       loader->chw[2], MOST_BATCH_BYTES);
    loader->slot = calloc((size_t)loader->ahead, sizeof *loader->slot);
    loader->thread = calloc((size_t)loader->threads, sizeof *loader->thread);
    loader->order = calloc((size_t)loader->count, sizeof *loader->order);
    if (loader->slot == NULL || loader->thread == NULL || loader->order == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a loader");
    for (int k = 0; k < loader->ahead; k++)
        OC_TRY(make_slot(loader, &loader->slot[k]));
    return OCELLUS_OK;
}

static ocellus_status
check_axes(const struct ocellus_loader *loader)
{
    int axes = loader->options.axes;

    if (axes < 0 || axes > 2 || (axes != 0 && loader->dataset->axes != 3))
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "loader options: axes %d; 0 is what the data set has, "
                       "1 and 2 are for images",
                       axes);
    if (axes == 2 && loader->chw[0] != 1)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "images of %d channels are no H x W: give the data set "
                       "the transform gray",
                       loader->chw[0]);
    return OCELLUS_OK;
}

/* One slot more than what is made ahead: one is in the caller's hands. A batch
 * larger than the split is cut down to it. */
static ocellus_status
prepare(struct ocellus_loader *loader, const ocellus_loader_options *given)
{
    ocellus_loader_options *options = &loader->options;

    OC_TRY(take_options(given, options));
    OC_TRY(oc_transform_parse(options->augment, &loader->transform));
    if (loader->dataset->axes != 3 && options->augment != NULL)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "augment: '%s' is for images, not for sequences",
                       options->augment);
    options->augment = NULL;
    loader->count = ocellus_dataset_count(loader->dataset, loader->split);
    if (loader->count == 0)
        return oc_fail(OCELLUS_BAD_ARGUMENT, "the data set has no %s samples",
                       loader->split == OCELLUS_TRAIN        ? "training"
                       : loader->split == OCELLUS_VALIDATION ? "validation"
                                                             : "test");
    if (options->batch > loader->count)
        options->batch = loader->count;
    loader->threads = options->threads;
    if (loader->threads == 0) {
        loader->threads = oc_thread_count();
        if (loader->threads > 8)
            loader->threads = 8;
    }
    loader->ahead = (options->ahead != 0 ? options->ahead : 4) + 1;
    loader->chunk =
        (options->batch + 2 * loader->threads - 1) / (2 * loader->threads);
    OC_TRY(choose_shape(loader));
    OC_TRY(check_axes(loader));
    OC_TRY(choose_normalization(loader));
    return make_ring(loader);
}

ocellus_status
ocellus_loader_create(ocellus_dataset *dataset, ocellus_split split,
                      const ocellus_loader_options *options,
                      ocellus_loader **loader)
{
    struct ocellus_loader *made = calloc(1, sizeof *made);
    ocellus_status status;

    *loader = NULL;
    if (made == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a loader");
    made->dataset = dataset;
    made->split = split;
    made->order_epoch = -1;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->work, NULL);
    pthread_cond_init(&made->ready, NULL);
    status = prepare(made, options);
    if (status != OCELLUS_OK) {
        ocellus_loader_destroy(made);
        return status;
    }
    *loader = made;
    return OCELLUS_OK;
}

void
ocellus_loader_destroy(ocellus_loader *loader)
{
    if (loader == NULL)
        return;
    pthread_mutex_lock(&loader->lock);
    loader->quit = 1;
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->lock);
    for (int k = 0; k < loader->running; k++)
        pthread_join(loader->thread[k], NULL);
    for (int k = 0; loader->slot != NULL && k < loader->ahead; k++) {
        oc_tensor_destroy(loader->slot[k].x);
        oc_tensor_destroy(loader->slot[k].labels);
        oc_tensor_destroy(loader->slot[k].labels2);
        free(loader->slot[k].index);
    }
    pthread_cond_destroy(&loader->ready);
    pthread_cond_destroy(&loader->work);
    pthread_mutex_destroy(&loader->lock);
    free(loader->slot);
    free(loader->thread);
    free(loader->order);
    free(loader->mean);
    free(loader->std);
    free(loader);
}

void
ocellus_loader_shape(const ocellus_loader *loader, int64_t chw[3])
{
    for (int k = 0; k < 3; k++)
        chw[k] = loader->chw[k];
}

int64_t
ocellus_loader_count(const ocellus_loader *loader)
{
    return loader->count;
}

int64_t
ocellus_loader_batches(const ocellus_loader *loader)
{
    return (loader->count + loader->options.batch - 1) / loader->options.batch;
}

/* Signals are for the program's own threads. */
static ocellus_status
make_threads(struct ocellus_loader *loader)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (loader->running < loader->threads &&
           pthread_create(&loader->thread[loader->running], NULL,
                          oc_loader_work, loader) == 0)
        loader->running++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (loader->running == 0)
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "the system gives no thread for a loader");
    loader->threads = loader->running;
    return OCELLUS_OK;
}

ocellus_status
ocellus_loader_start(ocellus_loader *loader, int64_t epoch, int64_t position)
{
    if (epoch < 0 || position < 0 || position > loader->count ||
        (position % loader->options.batch != 0 && position != loader->count))
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "cannot start at sample %lld of epoch %lld: an epoch "
                       "has %lld samples in batches of %lld",
                       (long long)position, (long long)epoch,
                       (long long)loader->count,
                       (long long)loader->options.batch);
    pthread_mutex_lock(&loader->lock);
    loader->idle_wanted = 1;
    while (loader->active > 0)
        pthread_cond_wait(&loader->ready, &loader->lock);
    loader->idle_wanted = 0;
    loader->started = 0;
    loader->epoch = epoch;
    loader->position = position;
    loader->taken = loader->freed = 0;
    loader->cursor_batch = loader->cursor_sample = 0;
    loader->cursor_epoch = epoch + (position == loader->count);
    loader->cursor_position = position == loader->count ? 0 : position;
    loader->lent = 0;
    for (int k = 0; k < loader->ahead; k++)
        loader->slot[k].sealed = 0;
    pthread_mutex_unlock(&loader->lock);
    return OCELLUS_OK;
}

/* The next batch's slot once it is sealed. */
static struct oc_slot *
await(struct ocellus_loader *loader)
{
    struct oc_slot *slot = &loader->slot[loader->taken % loader->ahead];

    pthread_mutex_lock(&loader->lock);
    if (loader->lent) {
        loader->slot[loader->freed % loader->ahead].sealed = 0;
        loader->freed++;
        loader->lent = 0;
    }
    if (loader->cursor_epoch <= loader->epoch)
        loader->started = 1;
    pthread_cond_broadcast(&loader->work);
    while (!slot->sealed)
        pthread_cond_wait(&loader->ready, &loader->lock);
    pthread_mutex_unlock(&loader->lock);
    return slot;
}

ocellus_status
ocellus_loader_next(ocellus_loader *loader, const ocellus_batch **batch)
{
    struct oc_slot *slot;

    *batch = NULL;
    if (loader->position >= loader->count) {
        loader->position = 0;
        loader->epoch++;
        return OCELLUS_OK;
    }
    if (loader->running == 0)
        OC_TRY(make_threads(loader));
    slot = await(loader);
    if (slot->failed >= 0)
        return oc_fail(slot->status, "%s", slot->sentence);
    loader->position = slot->batch.position;
    loader->taken++;
    loader->lent = 1;
    *batch = &slot->batch;
    return OCELLUS_OK;
}

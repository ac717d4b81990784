/* normalize.c - mean and standard deviation of each channel.
 *
 * Sums are kept for blocks of samples and added up in the blocks' order, so
 * the numbers are the same whatever the number of threads. */
#include "data/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

#define BLOCK 64
#define MOST_DECODED 4096

struct measure {
    const struct ocellus_dataset *dataset;
    int64_t count; /* samples looked at */
    int64_t of;    /* among so many, evenly spaced */
    int channels;
    double *sums; /* channels x (sum, squares, numbers) a block */
};

static void
add_image(const struct oc_image *image, double *sums)
{
    size_t plane = (size_t)image->height * (size_t)image->width;

    for (int c = 0; c < image->channels; c++) {
        const float *x = image->x + (size_t)c * plane;
        double sum = 0, squares = 0;

        for (size_t i = 0; i < plane; i++) {
            sum += x[i];
            squares += (double)x[i] * x[i];
        }
        sums[3 * c] += sum;
        sums[3 * c + 1] += squares;
        sums[3 * c + 2] += (double)plane;
    }
}

static ocellus_status
measure_block(void *context, int block)
{
    struct measure *measure = context;
    struct oc_canvas canvas = {.fill = NULL};
    double *sums =
        measure->sums + (size_t)block * 3 * (size_t)measure->channels;
    int64_t first = (int64_t)block * BLOCK, end = first + BLOCK, label;
    ocellus_status status = OCELLUS_OK;

    if (end > measure->count)
        end = measure->count;
    for (int64_t i = first; i < end && status == OCELLUS_OK; i++) {
        int64_t sample = i * measure->of / measure->count;

        status = oc_dataset_read(measure->dataset, OCELLUS_TRAIN, sample,
                                 &canvas, &label);
        if (status == OCELLUS_OK)
            add_image(&canvas.image, sums);
    }
    oc_canvas_free(&canvas);
    return status;
}

static ocellus_status
take_memory(struct ocellus_dataset *dataset)
{
    size_t channels = (size_t)dataset->chw[0];

    if (dataset->mean == NULL)
        dataset->mean = calloc(channels, sizeof *dataset->mean);
    if (dataset->std == NULL)
        dataset->std = calloc(channels, sizeof *dataset->std);
    if (dataset->mean == NULL || dataset->std == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %zu channels",
                       channels);
    return OCELLUS_OK;
}

/* A channel that never changes is not divided by 0. */
static void
conclude(struct ocellus_dataset *dataset, const double *sums, int blocks)
{
    int channels = dataset->chw[0];

    for (int c = 0; c < channels; c++) {
        double sum = 0, squares = 0, numbers = 0, mean, variance;

        for (int b = 0; b < blocks; b++) {
            const double *at =
                sums + 3 * ((size_t)b * (size_t)channels + (size_t)c);

            sum += at[0];
            squares += at[1];
            numbers += at[2];
        }
        mean = numbers > 0 ? sum / numbers : 0;
        variance = numbers > 0 ? squares / numbers - mean * mean : 0;
        dataset->mean[c] = (float)mean;
        dataset->std[c] = variance > 1e-12 ? (float)sqrt(variance) : 1;
    }
}

static ocellus_status
measure_training(struct ocellus_dataset *dataset)
{
    const struct oc_part *part = &dataset->part[OCELLUS_TRAIN];
    const struct oc_store *store = &dataset->store[part->store];
    struct measure measure = {dataset, part->count, part->count,
                              dataset->chw[0], NULL};
    int in_memory = store->bytes != NULL || store->floats != NULL;
    int blocks;
    ocellus_status status;

    if (part->count == 0)
        return oc_fail(OCELLUS_BAD_DATA,
                       "no training samples to measure mean and standard "
                       "deviation on; set them with "
                       "ocellus_dataset_set_normalization");
    if (!in_memory && measure.count > MOST_DECODED)
        measure.count = MOST_DECODED;
    OC_TRY(take_memory(dataset));
    blocks = (int)((measure.count + BLOCK - 1) / BLOCK);
    measure.sums = calloc((size_t)blocks * 3 * (size_t)measure.channels,
                          sizeof *measure.sums);
    if (measure.sums == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for sums");
    status = oc_parallel(oc_thread_count(), blocks, measure_block, &measure);
    if (status == OCELLUS_OK) {
        conclude(dataset, measure.sums, blocks);
        dataset->measured = 1;
    }
    free(measure.sums);
    return status;
}

ocellus_status
ocellus_dataset_get_normalization(ocellus_dataset *dataset, float *mean,
                                  float *std)
{
    size_t bytes = (size_t)dataset->chw[0] * sizeof(float);

    if (!dataset->measured)
        OC_TRY(measure_training(dataset));
    memcpy(mean, dataset->mean, bytes);
    memcpy(std, dataset->std, bytes);
    return OCELLUS_OK;
}

ocellus_status
ocellus_dataset_set_normalization(ocellus_dataset *dataset, const float *mean,
                                  const float *std)
{
    size_t bytes = (size_t)dataset->chw[0] * sizeof(float);

    for (int c = 0; c < dataset->chw[0]; c++)
        if (!isfinite(mean[c]) || !isfinite(std[c]) || std[c] <= 0)
            return oc_fail(OCELLUS_BAD_ARGUMENT,
                           "channel %d: mean %g, standard deviation %g; the "
                           "latter must be above 0",
                           c, (double)mean[c], (double)std[c]);
    OC_TRY(take_memory(dataset));
    memcpy(dataset->mean, mean, bytes);
    memcpy(dataset->std, std, bytes);
    dataset->measured = 1;
    return OCELLUS_OK;
}

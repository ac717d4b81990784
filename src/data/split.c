/* split.c - stores cut into splits: a test and a validation part taken from
 * the training store class by class, then limits drawn by seed. */
#include "data/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

void
oc_shuffle(struct oc_random *random, int64_t *index, int64_t count)
{
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t k = oc_random_below(random, (uint32_t)i + 1);
        int64_t kept = index[i];

        index[i] = index[k];
        index[k] = kept;
    }
}

static ocellus_status
no_memory(int64_t count)
{
    return oc_fail(OCELLUS_OUT_OF_MEMORY,
                   "no memory for an order of %lld samples", (long long)count);
}

/* A split needs its list of indices from here on. */
static ocellus_status
write_out(struct oc_part *part)
{
    if (part->index != NULL)
        return OCELLUS_OK;
    part->index = malloc(((size_t)part->count + 1) * sizeof *part->index);
    if (part->index == NULL)
        return no_memory(part->count);
    for (int64_t i = 0; i < part->count; i++)
        part->index[i] = i;
    return OCELLUS_OK;
}

static int
ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void
sort(struct oc_part *part)
{
    if (part->count > 1)
        qsort(part->index, (size_t)part->count, sizeof *part->index, ascending);
}

static int32_t
label_of(const struct oc_store *store, int64_t i)
{
    return store->label != NULL ? store->label[i] : 0;
}

/* Moves the samples that are due from the shuffled `from` to `to`. A class of
 * n samples gives round(n * fraction). */
static void
deal(const struct oc_store *store, struct oc_part *from, struct oc_part *to,
     int64_t *due)
{
    int64_t left = 0;

    for (int64_t i = 0; i < from->count; i++) {
        int64_t sample = from->index[i];
        int32_t label = label_of(store, sample);

        if (due[label] > 0) {
            due[label]--;
            to->index[to->count++] = sample;
        } else {
            from->index[left++] = sample;
        }
    }
    from->count = left;
}

/* A fraction of the training split becomes the split `to`. */
static ocellus_status
set_apart(struct ocellus_dataset *dataset, ocellus_split split, double fraction,
          uint64_t seed, const char *purpose)
{
    struct oc_part *from = &dataset->part[OCELLUS_TRAIN];
    struct oc_part *to = &dataset->part[split];
    const struct oc_store *store = &dataset->store[OCELLUS_TRAIN];
    struct oc_random random;
    int64_t *due = calloc((size_t)dataset->classes + 1, sizeof *due);

    if (due == NULL || write_out(from) != OCELLUS_OK) {
        free(due);
        return no_memory(from->count);
    }
    free(to->index);
    to->index = malloc(((size_t)from->count + 1) * sizeof *to->index);
    if (to->index == NULL) {
        free(due);
        return no_memory(from->count);
    }
    to->store = OCELLUS_TRAIN;
    to->count = 0;
    oc_random_start(&random, seed, oc_hash_text(OC_HASH_START, purpose));
    oc_shuffle(&random, from->index, from->count);
    for (int64_t i = 0; i < from->count; i++)
        due[label_of(store, from->index[i])]++;
    for (int k = 0; k <= dataset->classes; k++)
        due[k] = (int64_t)floor((double)due[k] * fraction + 0.5);
    deal(store, from, to, due);
    sort(from);
    sort(to);
    free(due);
    return OCELLUS_OK;
}

static ocellus_status
limit(struct oc_part *part, int64_t most, uint64_t seed)
{
    struct oc_random random;

    if (most <= 0 || most >= part->count)
        return OCELLUS_OK;
    OC_TRY(write_out(part));
    oc_random_start(&random, seed, oc_hash_text(OC_HASH_START, "limit"));
    oc_shuffle(&random, part->index, part->count);
    part->count = most;
    sort(part);
    return OCELLUS_OK;
}

ocellus_status
oc_dataset_split(struct ocellus_dataset *dataset,
                 const ocellus_dataset_options *options)
{
    int given_test = dataset->store[OCELLUS_TEST].count > 0;
    int given_validation = dataset->store[OCELLUS_VALIDATION].count > 0;
    double test = options->test == 0 ? 0.2 : options->test;

    for (int s = 0; s < 3; s++) {
        dataset->part[s].store = s;
        dataset->part[s].count = dataset->store[s].count;
    }
    if (!given_test && test > 0)
        OC_TRY(set_apart(dataset, OCELLUS_TEST, test, options->seed, "test"));
    if (!given_validation && options->validation > 0)
        OC_TRY(set_apart(dataset, OCELLUS_VALIDATION, options->validation,
                         options->seed, "validation"));
    for (int s = 0; s < 3; s++)
        OC_TRY(limit(&dataset->part[s], options->limit[s], options->seed));
    return OCELLUS_OK;
}

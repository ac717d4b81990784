/* text.c - a text as windows of characters: a sample is W of them, its labels
 * are the W that follow each. Windows do not overlap. The parts are cut by
 * place, so that no character is both trained and tested on. */
#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "data/characters.h"

#define USUAL_WINDOW 64
#define USUAL_TEST 0.1

static ocellus_status
read_window(const struct oc_store *store, int64_t i, struct oc_image *image,
            struct oc_image *scratch, void *label)
{
    int window = store->chw[2];
    const int32_t *from = store->token + i * window;
    int64_t *next = label;

    (void)scratch;
    OC_TRY(oc_image_resize(image, 1, 1, window));
    for (int k = 0; k < window; k++) {
        image->x[k] = (float)from[k];
        next[k] = from[k + 1];
    }
    return OCELLUS_OK;
}

/* A part of the text; too short a one is none. */
static ocellus_status
take_part(const int32_t *token, int64_t count, int64_t window,
          struct oc_store *store)
{
    const int64_t chw[3] = {1, 1, window};
    int64_t windows = count > 0 ? (count - 1) / window : 0;

    OC_TRY(oc_store_shape(store, "the text", windows, chw));
    if (windows == 0)
        return OCELLUS_OK;
    store->token = malloc((size_t)count * sizeof *store->token);
    if (store->token == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %lld characters",
                       (long long)count);
    memcpy(store->token, token, (size_t)count * sizeof *token);
    store->count = windows;
    store->read = read_window;
    return OCELLUS_OK;
}

/* Training, validation, test, in their order. */
static ocellus_status
cut(const int32_t *token, int64_t count, const ocellus_dataset_options *options,
    struct ocellus_dataset *dataset)
{
    double test = options->test == 0  ? USUAL_TEST
                  : options->test < 0 ? 0
                                      : options->test;
    int64_t end = (int64_t)((double)count * (1 - test));
    int64_t middle = (int64_t)((double)end * (1 - options->validation));
    int64_t window = dataset->sequence ? dataset->sequence : USUAL_WINDOW;

    if (window < 1 || middle <= window)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%lld characters to train on make no window of %lld; "
                       "ask for a shorter one",
                       (long long)middle, (long long)window);
    dataset->labels = (int)window;
    OC_TRY(take_part(token, middle, window, &dataset->store[OCELLUS_TRAIN]));
    OC_TRY(take_part(token + middle, end - middle, window,
                     &dataset->store[OCELLUS_VALIDATION]));
    return take_part(token + end, count - end, window,
                     &dataset->store[OCELLUS_TEST]);
}

/* The characters as names of classes. */
static ocellus_status
name_characters(struct ocellus_dataset *dataset)
{
    struct oc_listing *names = &dataset->class_name;
    uint32_t point;
    int length;

    for (const char *at = dataset->vocabulary; *at != '\0'; at += length) {
        char *name;

        length = oc_character_length(at, &point);
        name = *at == '\n' ? strdup("\\n") : strndup(at, (size_t)length);
        if (name == NULL || !oc_grow(&names->name, names->count, &names->room,
                                     sizeof *names->name)) {
            free(name);
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for names");
        }
        names->name[names->count++] = name;
    }
    return OCELLUS_OK;
}

/* What stands in the place of a mean and deviation that nobody uses. */
ocellus_status
oc_text_settle(struct ocellus_dataset *dataset)
{
    const float zero = 0, one = 1;

    dataset->axes = 1;
    dataset->type = OCELLUS_INT64;
    dataset->chw[0] = 1;
    return ocellus_dataset_set_normalization(dataset, &zero, &one);
}

ocellus_status
oc_text_read(const char *path, const ocellus_dataset_options *options,
             struct ocellus_dataset *dataset)
{
    struct oc_characters text;
    int32_t *token = NULL;
    ocellus_status status;

    OC_TRY(oc_characters_load(path, &text));
    if (dataset->vocabulary == NULL)
        OC_TRY_OUT(oc_characters_collect(text.point, text.count,
                                         &dataset->vocabulary));
    token = malloc(((size_t)text.count + 1) * sizeof *token);
    if (token == NULL)
        OC_TRY_OUT(oc_fail(OCELLUS_OUT_OF_MEMORY,
                           "no memory for %lld characters",
                           (long long)text.count));
    OC_TRY_OUT(oc_characters_number(dataset->vocabulary, text.point, text.count,
                                    token));
    OC_TRY_OUT(cut(token, text.count, options, dataset));
    OC_TRY_OUT(name_characters(dataset));
    status = oc_text_settle(dataset);
out:
    free(token);
    oc_characters_free(&text);
    return status;
}

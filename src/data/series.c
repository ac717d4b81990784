/* series.c - the last column of a table as windows: a sample is W numbers, its
 * label the one that follows. The parts are cut by place; the first windows of
 * a later part reach back, but what they forecast was never trained on. */
#include "data/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"

#define USUAL_WINDOW 24
#define USUAL_TEST 0.2
#define MOST_BYTES ((size_t)1 << 30)

struct series {
    float *number;
    int count, room;
};

static ocellus_status
read_window(const struct oc_store *store, int64_t i, struct oc_image *image,
            struct oc_image *scratch, void *label)
{
    size_t window = (size_t)store->chw[2];

    (void)scratch;
    OC_TRY(oc_image_resize(image, 1, 1, (int)window));
    memcpy(image->x, store->floats + i, window * sizeof(float));
    *(float *)label = store->floats[(size_t)i + window];
    return OCELLUS_OK;
}

/* The last cell of a line, quoted or not. */
static int
last_number(char *line, float *number)
{
    char *cell = strrchr(line, ','), *end;
    double value;

    cell = cell != NULL ? cell + 1 : line;
    cell += strspn(cell, " \t\"");
    value = strtod(cell, &end);
    if (end == cell || !isfinite(value) || end[strspn(end, " \t\r\"")] != '\0')
        return 0;
    *number = (float)value;
    return 1;
}

/* A first line without a number is a head; behind the first gap nothing is
 * expected but empty lines and remarks, so that a number is never skipped. */
static ocellus_status
read_lines(char *text, struct series *series)
{
    int at = 0, ended = 0;

    for (char *line = text, *end; line != NULL; line = end) {
        float number;
        int found;

        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        found = last_number(line, &number);
        at++;
        if (found && ended)
            return oc_fail(OCELLUS_BAD_DATA,
                           "line %d has a number, line %d before it had none",
                           at, ended);
        if (!found) {
            ended = series->count > 0 && !ended ? at : ended;
            if (at > 1 && series->count == 0)
                return oc_fail(OCELLUS_BAD_DATA,
                               "line %d does not end in a number", at);
            continue;
        }
        if (!oc_grow(&series->number, series->count, &series->room,
                     sizeof *series->number))
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %d numbers",
                           series->count + 1);
        series->number[series->count++] = number;
    }
    return OCELLUS_OK;
}

/* Forecasts of the numbers begin .. end - 1. */
static ocellus_status
take_part(const struct series *series, int64_t begin, int64_t end,
          int64_t window, struct oc_store *store)
{
    const int64_t chw[3] = {1, 1, window};
    int64_t first = begin < window ? 0 : begin - window;
    int64_t windows = end - first - window;

    OC_TRY(oc_store_shape(store, "the series", windows > 0 ? windows : 0, chw));
    if (windows <= 0 || begin >= end)
        return OCELLUS_OK;
    store->floats = malloc((size_t)(end - first) * sizeof *store->floats);
    if (store->floats == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %lld numbers",
                       (long long)(end - first));
    memcpy(store->floats, series->number + first,
           (size_t)(end - first) * sizeof *store->floats);
    store->count = windows;
    store->read = read_window;
    return OCELLUS_OK;
}

static ocellus_status
cut(const struct series *series, const ocellus_dataset_options *options,
    struct ocellus_dataset *dataset)
{
    double test = options->test == 0  ? USUAL_TEST
                  : options->test < 0 ? 0
                                      : options->test;
    int64_t end = (int64_t)((double)series->count * (1 - test));
    int64_t middle = (int64_t)((double)end * (1 - options->validation));
    int64_t window = dataset->sequence ? dataset->sequence : USUAL_WINDOW;

    if (window < 1 || middle <= window)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%lld numbers to train on make no window of %lld and "
                       "one to forecast; ask for a shorter one",
                       (long long)middle, (long long)window);
    OC_TRY(take_part(series, 0, middle, window, &dataset->store[0]));
    OC_TRY(take_part(series, middle, end, window, &dataset->store[1]));
    return take_part(series, end, series->count, window, &dataset->store[2]);
}

ocellus_status
oc_series_read(const char *path, const ocellus_dataset_options *options,
               struct ocellus_dataset *dataset)
{
    struct series series = {.number = NULL};
    char *text;
    size_t bytes;
    ocellus_status status;

    OC_TRY(oc_file_read(path, MOST_BYTES, &text, &bytes));
    status = read_lines(text, &series);
    if (status == OCELLUS_OK)
        status = cut(&series, options, dataset);
    dataset->axes = 2;
    dataset->label_type = OCELLUS_FLOAT;
    free(series.number);
    free(text);
    return status;
}

/* samples.c - the data set of --data and its companions. */
#include "cmd/samples.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS 20000
#define DIGITS_TEST 4000

/* Drawing takes time: no more than are wanted, where none are set apart. */
static ocellus_status
draw_digits(const struct cmd_samples *samples,
            const ocellus_dataset_options *options, ocellus_dataset **dataset)
{
    int64_t train = DIGITS, test = DIGITS_TEST;
    if (samples->limit > 0 && samples->limit < train &&
        samples->validation <= 0)
        train = samples->limit;
    if (samples->limit_test > 0 && samples->limit_test < test)
        test = samples->limit_test;
    return ocellus_dataset_digits(train, test, options, dataset);
}

static ocellus_status
open_once(const struct cmd_samples *samples, const char *transform,
          uint64_t seed, ocellus_dataset **dataset)
{
    ocellus_dataset_options options = {
        .size = sizeof options,
        .seed = seed,
        .format = samples->format,
        .transform = transform,
        .validation = samples->validation,
        .sequence = samples->sequence,
        .vocabulary = samples->vocabulary,
        .limit = {samples->limit, 0, samples->limit_test}};
    if (strcmp(samples->data, "digits") == 0)
        return draw_digits(samples, &options, dataset);
    return ocellus_dataset_open(samples->data, &options, dataset);
}

ocellus_status
cmd_samples_open(struct cmd_samples *samples, uint64_t seed,
                 const struct cmd_image *want, ocellus_dataset **dataset)
{
    struct cmd_image have;
    *dataset = NULL;
    if (samples->data == NULL)
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "where is the data? Say --data DIR, or --data digits "
                        "for drawn digits");
    CMD_TRY(open_once(samples, samples->transform, seed, dataset));
    ocellus_dataset_shape(*dataset, have.chw);
    if (want == NULL)
        return OCELLUS_OK;
    samples->fitted = cmd_fit(samples->transform, &have, want);
    if (samples->fitted == NULL)
        return OCELLUS_OK;
    ocellus_dataset_destroy(*dataset);
    return open_once(samples, samples->fitted, seed, dataset);
}

ocellus_status
cmd_samples_open_sequences(struct cmd_samples *samples, uint64_t seed,
                           const ocellus_graph *graph,
                           ocellus_dataset **dataset)
{
    const char *length = ocellus_graph_get_metadata(graph, "ocellus.sequence");
    float mean[CMD_MOST_CHANNELS], std[CMD_MOST_CHANNELS];
    int64_t chw[3];
    int found;
    samples->vocabulary =
        ocellus_graph_get_metadata(graph, "ocellus.vocabulary");
    if (samples->sequence == 0 && length != NULL)
        samples->sequence = strtoll(length, NULL, 10);
    CMD_TRY(cmd_samples_open(samples, seed, NULL, dataset));
    ocellus_dataset_shape(*dataset, chw);
    if (chw[0] > CMD_MOST_CHANNELS)
        return OCELLUS_OK;
    CMD_TRY(cmd_model_normalization(graph, (int)chw[0], mean, std, &found));
    return found ? ocellus_dataset_set_normalization(*dataset, mean, std)
                 : OCELLUS_OK;
}

const char *
cmd_unit(const ocellus_dataset *dataset)
{
    const char *format = ocellus_dataset_format(dataset);
    if (strcmp(format, "names") == 0)
        return format;
    return strcmp(format, "text") == 0 || strcmp(format, "series") == 0
               ? "windows"
               : "images";
}

int
cmd_samples_axes(const ocellus_dataset *dataset, const ocellus_graph *graph)
{
    if (!cmd_model_is_sequence(graph) ||
        strcmp(cmd_unit(dataset), "images") != 0)
        return 0;
    return ocellus_value_rank(ocellus_graph_get_input(graph, 0)) - 1;
}

const char *
cmd_samples_transform(const struct cmd_samples *samples)
{
    return samples->fitted ? samples->fitted : samples->transform;
}

void
cmd_samples_free(struct cmd_samples *samples)
{
    free(samples->fitted);
    samples->fitted = NULL;
}

/* model.c - nets by name, model files, and their metadata. */
#include "cmd/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cmd_weights, *cmd_precision;

int
cmd_net_defaults(const char *net, struct cmd_image *image, int *classes)
{
    static const char *const gray[] = {"mlp", "lenet5"};
    int known = 0, small = strstr(net, "resnet20") || strstr(net, "resnet32") ||
                           strstr(net, "resnet56");
    for (int k = 0; ocellus_net_name(k) != NULL; k++)
        known |= strcmp(ocellus_net_name(k), net) == 0;
    *image = (struct cmd_image){{3, 224, 224}};
    *classes = 1000;
    if (known && strcmp(ocellus_net_takes(net), "images") != 0) {
        *image = (struct cmd_image){{64, 1, 64}};
        *classes = strcmp(ocellus_net_takes(net), "series") == 0 ? 1 : 64;
    }
    if (small) {
        *image = (struct cmd_image){{3, 32, 32}};
        *classes = 10;
    }
    for (size_t k = 0; k < sizeof gray / sizeof gray[0]; k++)
        if (strcmp(gray[k], net) == 0) {
            *image = (struct cmd_image){{1, 28, 28}};
            *classes = 10;
        }
    if (strcmp(net, "unet") == 0)
        *classes = 2;
    return known;
}

ocellus_status
cmd_image_size(const char *text, struct cmd_image *image)
{
    long long c, h, w;
    char more;
    if (sscanf(text, "%lldx%lldx%lld%c", &c, &h, &w, &more) != 3 || c < 1 ||
        h < 1 || w < 1 || c > 1 << 20 || h > 1 << 20 || w > 1 << 20)
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "--image is CxHxW (3x224x224), not '%s'", text);
    *image = (struct cmd_image){{c, h, w}};
    return OCELLUS_OK;
}

/* A word that looks like a file is not looked up among the nets. */
static int
is_path(const char *word)
{
    return strchr(word, '/') != NULL || strchr(word, '.') != NULL;
}

/* The graph is gone where this fails. */
static ocellus_status
set_precision(ocellus_graph **graph, ocellus_status status)
{
    if (status == OCELLUS_OK && cmd_precision != NULL)
        status = ocellus_graph_set_precision(*graph, cmd_precision);
    if (status != OCELLUS_OK) {
        ocellus_graph_destroy(*graph);
        *graph = NULL;
    }
    return status;
}

ocellus_status
cmd_model_load(const char *path, ocellus_graph **graph)
{
    *graph = NULL;
    return set_precision(
        graph, cmd_weights ? ocellus_graph_load_with(path, cmd_weights, graph)
                           : ocellus_graph_load(path, graph));
}

ocellus_status
cmd_model_open(const char *word, const struct cmd_image *image, int classes,
               uint64_t seed, ocellus_graph **graph)
{
    struct cmd_image usual;
    int usual_classes;
    *graph = NULL;
    if (is_path(word) && !cmd_net_defaults(word, &usual, &usual_classes))
        return cmd_model_load(word, graph);
    CMD_TRY(ocellus_net_create(word, (int)image->chw[0], (int)image->chw[1],
                               (int)image->chw[2], classes, seed, graph));
    ocellus_status status = OCELLUS_OK;
    if (cmd_weights != NULL)
        status = ocellus_graph_load_weights(*graph, cmd_weights);
    return set_precision(graph, status);
}

ocellus_status
cmd_model_batch(ocellus_graph **graph, int64_t batch)
{
    ocellus_value *x = ocellus_graph_get_input(*graph, 0);
    ocellus_graph *copy;
    if (x == NULL || ocellus_value_dim(x, 0) < 0 ||
        ocellus_value_dim(x, 0) == batch)
        return OCELLUS_OK;
    CMD_TRY(ocellus_graph_with_any_batch(*graph, &copy));
    ocellus_graph_destroy(*graph);
    *graph = copy;
    return OCELLUS_OK;
}

ocellus_status
cmd_model_image(const ocellus_graph *graph, struct cmd_image *image)
{
    ocellus_value *x = ocellus_graph_get_input(graph, 0);
    if (x == NULL || ocellus_value_rank(x) != 4)
        return cmd_fail(OCELLUS_BAD_MODEL,
                        "the model's first input is no batch of images "
                        "(N x C x H x W): it has %d dimensions",
                        x ? ocellus_value_rank(x) : 0);
    for (int k = 0; k < 3; k++)
        image->chw[k] = ocellus_value_dim(x, k + 1);
    return OCELLUS_OK;
}

static int
is_real(ocellus_type type)
{
    return type == OCELLUS_FLOAT || type == OCELLUS_FLOAT16 ||
           type == OCELLUS_BFLOAT16 || type == OCELLUS_DOUBLE;
}

/* One for each input; the batch is 1 where it is open. */
static ocellus_status
make_inputs(const ocellus_graph *graph, ocellus_tensor **x)
{
    for (int k = 0; k < ocellus_graph_input_count(graph); k++) {
        ocellus_value *value = ocellus_graph_get_input(graph, k);
        int rank = ocellus_value_rank(value);
        int64_t dims[8];
        for (int axis = 0; axis < rank; axis++)
            dims[axis] = ocellus_value_dim(value, axis);
        if (rank > 0 && dims[0] < 0)
            dims[0] = 1;
        CMD_TRY(ocellus_tensor_create(ocellus_value_type(value), rank, dims,
                                      &x[k]));
    }
    return OCELLUS_OK;
}

/* Shapes may depend on the batch: what they are for a batch of 1. */
static ocellus_status
classes_at_one(const ocellus_graph *graph, int *classes)
{
    ocellus_graph *at = NULL;
    int inputs = ocellus_graph_input_count(graph);
    ocellus_tensor **x = calloc((size_t)inputs + 1, sizeof(*x));
    ocellus_status status =
        x ? make_inputs(graph, x)
          : cmd_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %d inputs", inputs);
    if (status == OCELLUS_OK)
        status = ocellus_graph_at(graph, (const ocellus_tensor *const *)x, &at);
    if (status == OCELLUS_OK && ocellus_value_type(ocellus_graph_get_output(
                                    at, 0)) == OCELLUS_UNDEFINED)
        status = cmd_fail(OCELLUS_BAD_MODEL,
                          "the shape of the model's first output '%s' is known "
                          "only in the run: such a net can be run, not trained "
                          "or judged",
                          ocellus_graph_output_name(graph, 0));
    if (status == OCELLUS_OK)
        status = cmd_model_classes(at, classes);
    ocellus_graph_destroy(at);
    for (int k = 0; x != NULL && k < inputs; k++)
        ocellus_tensor_destroy(x[k]);
    free(x);
    return status;
}

ocellus_status
cmd_model_classes(const ocellus_graph *graph, int *classes)
{
    ocellus_value *y = ocellus_graph_get_output(graph, 0);
    int rank = y ? ocellus_value_rank(y) : 0;
    int axis = rank == 3 && ocellus_value_dim(y, 2) != 1 ? 2 : 1;
    for (int k = axis + 1; k < rank; k++)
        if (ocellus_value_dim(y, k) != 1)
            rank = 0;
    if (y != NULL && ocellus_value_type(y) == OCELLUS_UNDEFINED)
        return classes_at_one(graph, classes);
    if (rank < 2 || !is_real(ocellus_value_type(y)))
        return cmd_fail(OCELLUS_BAD_MODEL,
                        "the model's first output is not N x classes of "
                        "floating point numbers, so it classifies nothing");
    *classes = (int)ocellus_value_dim(y, axis);
    return OCELLUS_OK;
}

int
cmd_model_is_sequence(const ocellus_graph *graph)
{
    const ocellus_value *x = ocellus_graph_get_input(graph, 0);
    int rank = x ? ocellus_value_rank(x) : 0;
    return rank == 2 || rank == 3;
}

int
cmd_characters(const char *vocabulary)
{
    int count = 0;
    for (; vocabulary && *vocabulary; vocabulary++)
        count += ((unsigned char)*vocabulary & 0xc0) != 0x80;
    return count;
}

char *
cmd_fit(const char *transform, const struct cmd_image *have,
        const struct cmd_image *want)
{
    char more[96] = "", *text;
    size_t used = 0, room;
    if (want->chw[0] > 0 && want->chw[0] != have->chw[0])
        used += (size_t)snprintf(more, sizeof more, " %s",
                                 want->chw[0] == 1 ? "gray" : "rgb");
    if (want->chw[1] > 0 && want->chw[2] > 0 &&
        (want->chw[1] != have->chw[1] || want->chw[2] != have->chw[2]))
        used += (size_t)snprintf(more + used, sizeof more - used,
                                 " resize=%lldx%lld", (long long)want->chw[1],
                                 (long long)want->chw[2]);
    if (used == 0)
        return NULL;
    room = (transform ? strlen(transform) : 0) + used + 1;
    text = malloc(room);
    if (text != NULL)
        snprintf(text, room, "%s%s", transform ? transform : "",
                 transform ? more : more + 1);
    return text;
}

ocellus_status
cmd_numbers(const char *text, int channels, float *out)
{
    int count = 0;
    const char *at = text;
    for (char *end;; at = end + 1) {
        float value = strtof(at, &end);
        if (end == at || (*end != ',' && *end != '\0') || !isfinite(value) ||
            count >= channels)
            return cmd_fail(OCELLUS_BAD_ARGUMENT,
                            "'%s' is no list of %d number%s with commas, one "
                            "for each channel of the images",
                            text, channels, channels == 1 ? "" : "s");
        out[count++] = value;
        if (*end == '\0')
            break;
    }
    if (count != 1 && count != channels)
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "'%s' has %d numbers for %d channels", text, count,
                        channels);
    for (int k = count; k < channels; k++)
        out[k] = out[0];
    return OCELLUS_OK;
}

ocellus_status
cmd_normalization(const char *mean_text, const char *std_text, int channels,
                  float *mean, float *std)
{
    if (mean_text != NULL)
        CMD_TRY(cmd_numbers(mean_text, channels, mean));
    if (std_text != NULL)
        CMD_TRY(cmd_numbers(std_text, channels, std));
    for (int k = 0; std_text != NULL && k < channels; k++)
        if (!(std[k] > 0))
            return cmd_fail(OCELLUS_BAD_ARGUMENT,
                            "--std divides by its numbers: they must be more "
                            "than 0, not '%s'",
                            std_text);
    return OCELLUS_OK;
}

/* ---- metadata -------------------------------------------------------------
 */

static ocellus_status
keep_numbers(ocellus_graph *graph, const char *key, const float *number,
             int count)
{
    char text[CMD_MOST_CHANNELS * 20];
    size_t used = 0;
    for (int k = 0; k < count; k++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.9g",
                                 k ? "," : "", (double)number[k]);
    return ocellus_graph_set_metadata(graph, key, text);
}

static ocellus_status
keep_names(ocellus_graph *graph, const ocellus_dataset *dataset)
{
    int classes = ocellus_dataset_classes(dataset);
    size_t room = 1, used = 0;
    for (int k = 0; k < classes; k++)
        room += strlen(ocellus_dataset_class_name(dataset, k)) + 1;
    char *text = calloc(1, room);
    if (text == NULL)
        return cmd_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %d class names",
                        classes);
    for (int k = 0; k < classes; k++)
        used +=
            (size_t)snprintf(text + used, room - used, "%s%s", k ? "\n" : "",
                             ocellus_dataset_class_name(dataset, k));
    ocellus_status status =
        ocellus_graph_set_metadata(graph, "ocellus.classes", text);
    free(text);
    return status;
}

ocellus_status
cmd_model_describe(ocellus_graph *graph, ocellus_dataset *dataset,
                   const char *transform)
{
    float mean[CMD_MOST_CHANNELS], std[CMD_MOST_CHANNELS];
    int64_t chw[3];
    const char *vocabulary = ocellus_dataset_vocabulary(dataset);
    ocellus_dataset_shape(dataset, chw);
    if (ocellus_dataset_classes(dataset) > 0)
        CMD_TRY(keep_names(graph, dataset));
    if (cmd_model_is_sequence(graph)) {
        char text[24];
        snprintf(text, sizeof text, "%lld", (long long)chw[2]);
        CMD_TRY(ocellus_graph_set_metadata(graph, "ocellus.sequence", text));
    }
    if (vocabulary != NULL) {
        return ocellus_graph_set_metadata(graph, "ocellus.vocabulary",
                                          vocabulary);
    }
    if (transform != NULL)
        CMD_TRY(
            ocellus_graph_set_metadata(graph, "ocellus.transform", transform));
    if (chw[0] > CMD_MOST_CHANNELS)
        return OCELLUS_OK;
    CMD_TRY(ocellus_dataset_get_normalization(dataset, mean, std));
    CMD_TRY(keep_numbers(graph, "ocellus.mean", mean, (int)chw[0]));
    return keep_numbers(graph, "ocellus.std", std, (int)chw[0]);
}

ocellus_status
cmd_model_normalization(const ocellus_graph *graph, int channels, float *mean,
                        float *std, int *found)
{
    const char *m = ocellus_graph_get_metadata(graph, "ocellus.mean");
    const char *s = ocellus_graph_get_metadata(graph, "ocellus.std");
    *found = m != NULL && s != NULL;
    if (!*found)
        return OCELLUS_OK;
    CMD_TRY(cmd_numbers(m, channels, mean));
    return cmd_numbers(s, channels, std);
}

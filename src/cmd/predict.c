/* predict.c - `ocellus predict`: what a model sees in images. */
#include "cmd/judge.h"
#include "cmd/score.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t top = 5;
static const char *labels_file, *transform, *mean_text, *std_text;

/* ---- names ------------------------------------------------------------------
 */

struct names {
    char *text; /* lines, ended by zeros */
    char **line;
    int count;
};

/* Takes text over; a last line may be without its end. */
static ocellus_status
split_lines(struct names *names, char *text)
{
    int room = 2;
    for (const char *at = text; *at != '\0'; at++)
        room += *at == '\n';
    names->text = text;
    names->line = calloc((size_t)room, sizeof(*names->line));
    if (names->line == NULL)
        return cmd_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %d names", room);
    for (char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        int last = at[length] == '\0';
        at[length] = '\0';
        if (length > 0 && at[length - 1] == '\r')
            at[length - 1] = '\0';
        names->line[names->count++] = at;
        at += length + (last ? 0 : 1);
    }
    return OCELLUS_OK;
}

static ocellus_status
read_text(const char *path, char **text)
{
    FILE *file = fopen(path, "rb");
    size_t used = 0, room = 1 << 16;
    *text = file ? malloc(room) : NULL;
    while (*text != NULL) {
        used += fread(*text + used, 1, room - 1 - used, file);
        if (used + 1 < room)
            break;
        char *more =
            room < ((size_t)1 << 26) ? realloc(*text, room *= 2) : NULL;
        if (more == NULL)
            free(*text);
        *text = more;
    }
    int failed = *text == NULL || ferror(file), why = errno;
    if (file != NULL)
        fclose(file);
    if (failed)
        return cmd_fail(OCELLUS_IO, "the labels in %s cannot be read: %s", path,
                        strerror(why));
    (*text)[used] = '\0';
    return OCELLUS_OK;
}

/* Names that are one off would be worse than none. */
static ocellus_status
read_names(const struct judge *j, struct names *names)
{
    char *text;
    CMD_TRY(read_text(labels_file, &text));
    CMD_TRY(split_lines(names, text));
    if (j->classes > 0 && names->count != j->classes)
        return cmd_fail(OCELLUS_BAD_DATA,
                        "%s has %d names, but the model tells %d classes "
                        "apart: it must have one line for each",
                        labels_file, names->count, j->classes);
    return OCELLUS_OK;
}

static ocellus_status
find_names(const struct judge *j, struct names *names)
{
    const char *kept = ocellus_graph_get_metadata(j->graph, "ocellus.classes");
    if (labels_file != NULL)
        return read_names(j, names);
    char *text = kept ? strdup(kept) : NULL;
    return text != NULL ? split_lines(names, text) : OCELLUS_OK;
}

static const char *
name_of(const struct names *names, int k)
{
    static char number[24];
    if (k < names->count)
        return names->line[k];
    snprintf(number, sizeof number, "%d", k);
    return number;
}

/* ---- an image as the model wants it
 * -------------------------------------------- */

static ocellus_status
normalize(const struct judge *j, ocellus_tensor *x)
{
    const int64_t *dims = ocellus_tensor_dims(x);
    float mean[CMD_MOST_CHANNELS] = {0}, std[CMD_MOST_CHANNELS];
    float *at = ocellus_tensor_data(x);
    int channels = (int)dims[0], found;
    for (int k = 0; k < CMD_MOST_CHANNELS; k++)
        std[k] = 1;
    CMD_TRY(cmd_model_normalization(j->graph, channels, mean, std, &found));
    CMD_TRY(cmd_normalization(mean_text, std_text, channels, mean, std));
    for (int c = 0; c < channels; c++)
        for (int64_t k = 0; k < dims[1] * dims[2]; k++, at++)
            *at = (*at - mean[c]) / std[c];
    return OCELLUS_OK;
}

static ocellus_status
read_image(const struct judge *j, const char *path, ocellus_tensor **x)
{
    const char *steps = transform;
    struct cmd_image have;
    if (steps == NULL)
        steps = ocellus_graph_get_metadata(j->graph, "ocellus.transform");
    CMD_TRY(ocellus_image_read(path, steps, x));
    memcpy(have.chw, ocellus_tensor_dims(*x), sizeof have.chw);
    char *fitted = cmd_fit(steps, &have, &j->image);
    if (fitted == NULL)
        return OCELLUS_OK;
    ocellus_tensor_destroy(*x);
    ocellus_status status = ocellus_image_read(path, fitted, x);
    free(fitted);
    return status;
}

/* ---- answers
 * ---------------------------------------------------------------------- */

struct answer {
    int class_index;
    double probability;
};

static int
by_probability(const void *a, const void *b)
{
    const struct answer *x = a, *y = b;
    return (x->probability < y->probability) -
           (x->probability > y->probability);
}

static json_t *
tell(const char *path, const struct answer *answer, int count,
     const struct names *names)
{
    json_t *rows = json_array();
    if (!cmd_json)
        printf("%s\n", path);
    for (int k = 0; k < count; k++) {
        const char *name = name_of(names, answer[k].class_index);
        json_array_append_new(rows,
                              json_pack("{si sf ss}", "class",
                                        answer[k].class_index, "probability",
                                        answer[k].probability, "label", name));
        if (!cmd_json)
            printf("  %6.2f%%  %s\n", 100 * answer[k].probability, name);
    }
    return json_pack("{ss so}", "image", path, "top", rows);
}

static ocellus_status
rank(const float *score, int classes, const char *path,
     const struct names *names, json_t *all)
{
    double *p = calloc((size_t)classes, sizeof(*p));
    struct answer *answer = calloc((size_t)classes, sizeof(*answer));
    int count = top < classes ? (int)top : classes;
    if (p != NULL && answer != NULL) {
        cmd_probabilities(score, classes, p);
        for (int k = 0; k < classes; k++)
            answer[k] = (struct answer){k, p[k]};
        qsort(answer, (size_t)classes, sizeof(*answer), by_probability);
        json_array_append_new(all, tell(path, answer, count, names));
    }
    int failed = p == NULL || answer == NULL;
    free(p);
    free(answer);
    return failed ? cmd_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %d classes",
                             classes)
                  : OCELLUS_OK;
}

/* An image as a batch of one, as many dimensions as the model wants. */
static ocellus_status
wrap(const struct judge *j, const ocellus_tensor *image, ocellus_tensor **x)
{
    const int64_t *chw = ocellus_tensor_dims(image);
    int rank = ocellus_value_rank(ocellus_graph_get_input(j->graph, 0));
    int64_t dims[4] = {1, chw[0], chw[1], chw[2]};
    if (rank == 2) {
        dims[1] = chw[0] * chw[1] * chw[2];
    } else if (rank == 3) {
        if (chw[0] != 1)
            return cmd_fail(OCELLUS_BAD_ARGUMENT,
                            "the model takes rows of numbers, an image of %lld "
                            "channels is none: say --transform gray",
                            (long long)chw[0]);
        dims[1] = chw[1];
        dims[2] = chw[2];
    }
    return ocellus_tensor_wrap_host(OCELLUS_FLOAT, rank < 4 ? rank : 4, dims,
                                    ocellus_tensor_data(image), x);
}

static ocellus_status
look(struct judge *j, const char *path, const struct names *names, json_t *all)
{
    const ocellus_tensor *y;
    ocellus_tensor *image = NULL, *x = NULL;
    ocellus_status status = read_image(j, path, &image);
    if (status == OCELLUS_OK)
        status = normalize(j, image);
    if (status == OCELLUS_OK)
        status = wrap(j, image, &x);
    if (status == OCELLUS_OK)
        status = judge_run(j, x, &y);
    if (status == OCELLUS_OK && ocellus_tensor_type(y) != OCELLUS_FLOAT)
        status = cmd_fail(OCELLUS_BAD_MODEL, "the scores are no float32");
    if (status == OCELLUS_OK)
        status = rank(ocellus_tensor_data(y), (int)ocellus_tensor_count(y),
                      path, names, all);
    ocellus_tensor_destroy(x);
    ocellus_tensor_destroy(image);
    return status;
}

static ocellus_status
predict(struct judge *j, int count, char **words, struct names *names)
{
    json_t *all = json_array();
    ocellus_status status = judge_open(j, words[0], 1);
    if (status == OCELLUS_OK)
        status = find_names(j, names);
    for (int k = 1; k < count && status == OCELLUS_OK; k++)
        status = look(j, words[k], names, all);
    if (status == OCELLUS_OK && cmd_json)
        return cmd_print_json(json_pack("{so}", "predictions", all));
    json_decref(all);
    return status;
}

static ocellus_status
run(int count, char **words)
{
    struct judge j = {0};
    struct names names = {0};
    cmd_catch();
    ocellus_status status = predict(&j, count, words, &names);
    free(names.line);
    free(names.text);
    judge_close(&j);
    return status;
}

static const struct cmd_option options[] = {
    {"top", CMD_WHOLE, &top, "N", "answers an image (5)", 1, 1 << 20},
    {"labels", CMD_TEXT, &labels_file, "FILE",
     "names of the classes, one a line; without it, those that the model has",
     0, 0},
    {"transform", CMD_TEXT, &transform, "T",
     "steps before the model, instead of its own: \"resize=256 crop=224\"", 0,
     0},
    {"mean", CMD_TEXT, &mean_text, "M,...",
     "taken off each channel, where the model does not say: "
     "0.485,0.456,0.406",
     0, 0},
    {"std", CMD_TEXT, &std_text, "S,...", "each channel is divided by", 0, 0},
    CMD_WEIGHTS,
    CMD_PRECISION,
    CMD_DEVICE,
    CMD_JSON,
    CMD_QUIET,
    CMD_END};

const struct cmd cmd_predict = {
    .name = "predict",
    .arguments = "MODEL IMAGE...",
    .brief = "says what a model sees in images",
    .what = "Says what a model sees in images (JPEG, PNG, PPM, PGM), prepared "
            "as in its training.",
    .least = 2,
    .most = -1,
    .options = options,
    .more = "examples:\n"
            "  ocellus predict run/model.onnx seven.png three.png --top 3\n"
            "  ocellus predict squeezenet1.1.onnx dog.jpg --labels "
            "imagenet.txt \\\n"
            "      --transform \"resize=256 crop=224\" \\\n"
            "      --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225\n",
    .run = run,
};

/* run.c - `ocellus run`: a model on tensors from files. */
#include "cmd/model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct cmd_many given;
static const char *folder;
static int64_t batch; /* 0: the model's own */

struct running {
    ocellus_graph *graph;
    ocellus_session *session;
    ocellus_tensor *tensor[CMD_MOST_MANY];
};

static ocellus_value *
find_input(const ocellus_graph *graph, const char *name, size_t length)
{
    for (int k = 0; k < ocellus_graph_input_count(graph); k++) {
        ocellus_value *in = ocellus_graph_get_input(graph, k);
        const char *other = ocellus_value_name(in);
        if (strlen(other) == length && strncmp(other, name, length) == 0)
            return in;
    }
    return NULL;
}

/* The file's batch against --batch and what the model takes. */
static ocellus_status
check_batch(ocellus_value *in, const char *file, const ocellus_tensor *x)
{
    int rank = ocellus_tensor_rank(x);
    int64_t takes = ocellus_value_dim(in, 0);
    int64_t has = rank > 0 ? ocellus_tensor_dims(x)[0] : 0;
    if (rank == 0 || rank != ocellus_value_rank(in))
        return OCELLUS_OK;
    if (batch > 0 && takes < 0 && has != batch)
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "%s holds a batch of %lld; --batch says %lld", file,
                        (long long)has, (long long)batch);
    if (batch == 0 && takes > 0 && has > 0 && has != takes)
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "the model takes a batch of %lld, %s holds %lld; with "
                        "--batch %lld it takes that many, where its operators "
                        "allow",
                        (long long)takes, file, (long long)has, (long long)has);
    return OCELLUS_OK;
}

/* NAME=FILE, or FILE alone where there is one input. A name may hold '='. */
static ocellus_status
give(struct running *r, int k)
{
    const char *text = given.value[k], *equal = strchr(text, '=');
    ocellus_value *in = NULL;
    for (; equal != NULL && in == NULL; equal = strchr(equal + 1, '=')) {
        in = find_input(r->graph, text, (size_t)(equal - text));
        if (in != NULL)
            break;
    }
    if (in == NULL && ocellus_graph_input_count(r->graph) == 1 &&
        strchr(text, '=') == NULL)
        in = ocellus_graph_get_input(r->graph, 0);
    else if (in == NULL)
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "--input %s names no input of the model; `ocellus "
                        "inspect` lists them",
                        text);
    text = equal ? equal + 1 : text;
    CMD_TRY(ocellus_tensor_read(text, &r->tensor[k]));
    CMD_TRY(check_batch(in, text, r->tensor[k]));
    return ocellus_session_set_input(r->session, ocellus_value_name(in),
                                     r->tensor[k]);
}

/* What a file may be called: a value's name holds slashes and colons. */
static void
plain(const char *name, char *text, size_t room)
{
    snprintf(text, room, "%s", name[0] ? name : "_");
    for (char *c = text; *c != '\0'; c++)
        if (strchr("/\\:*?\"<>| ", *c) != NULL || (c == text && *c == '.'))
            *c = '_';
}

static ocellus_status
write_output(const char *name, const ocellus_tensor *y)
{
    char file[256], path[4096];
    if (folder == NULL)
        return OCELLUS_OK;
    plain(name, file, sizeof file);
    snprintf(path, sizeof path, "%s/%s.npy", folder, file);
    return ocellus_tensor_write(path, y);
}

static const char *
shape_text(const ocellus_tensor *t, char *text, size_t room)
{
    size_t used = 0;
    text[0] = '\0';
    for (int k = 0; k < ocellus_tensor_rank(t) && used < room; k++)
        used +=
            (size_t)snprintf(text + used, room - used, "%s%lld", k ? "x" : "",
                             (long long)ocellus_tensor_dims(t)[k]);
    return text[0] ? text : "scalar";
}

/* Least, largest and mean of float32 numbers; NaN where there are none. */
static void
summary(const ocellus_tensor *t, double *least, double *most, double *mean)
{
    size_t n = ocellus_tensor_count(t);
    const float *x = ocellus_tensor_data(t);
    *least = *most = *mean = NAN;
    if (ocellus_tensor_type(t) != OCELLUS_FLOAT || n == 0)
        return;
    double sum = 0;
    *least = *most = (double)x[0];
    for (size_t k = 0; k < n; k++) {
        *least = fmin(*least, (double)x[k]);
        *most = fmax(*most, (double)x[k]);
        sum += (double)x[k];
    }
    *mean = sum / (double)n;
}

static ocellus_status
tell(const char *name, const ocellus_tensor *y, json_t *rows)
{
    double least, most, mean;
    char shape[256];
    const char *type = ocellus_type_name(ocellus_tensor_type(y));
    summary(y, &least, &most, &mean);
    shape_text(y, shape, sizeof shape);
    if (cmd_json) {
        json_t *row = json_pack("{ss ss ss}", "name", name, "type", type,
                                "shape", shape_text(y, shape, sizeof shape));
        json_object_set_new(row, "least", cmd_real(least));
        json_object_set_new(row, "largest", cmd_real(most));
        json_object_set_new(row, "mean", cmd_real(mean));
        json_array_append_new(rows, row);
    } else if (!isnan(mean) || !isnan(least)) {
        printf("%s: %s %s, from %g to %g, mean %g\n", name, type,
               shape_text(y, shape, sizeof shape), least, most, mean);
    } else {
        printf("%s: %s %s\n", name, type, shape_text(y, shape, sizeof shape));
    }
    return OCELLUS_OK;
}

static ocellus_status
take(struct running *r)
{
    json_t *rows = json_array();
    ocellus_status status = OCELLUS_OK;
    int count = ocellus_graph_output_count(r->graph);
    for (int k = 0; k < count && status == OCELLUS_OK; k++) {
        const char *name = ocellus_graph_output_name(r->graph, k);
        const ocellus_tensor *y;
        status = ocellus_session_get_output(r->session, name, &y);
        if (status == OCELLUS_OK)
            status = write_output(name, y);
        if (status == OCELLUS_OK)
            status = tell(name, y, rows);
    }
    if (status == OCELLUS_OK && cmd_json)
        return cmd_print_json(json_pack("{so}", "outputs", rows));
    json_decref(rows);
    return status;
}

static ocellus_status
run_model(struct running *r, ocellus_device *device)
{
    CMD_TRY(ocellus_session_create(device, r->graph, &r->session));
    for (int k = 0; k < given.count; k++)
        CMD_TRY(give(r, k));
    CMD_TRY(ocellus_session_run(r->session));
    if (folder != NULL && mkdir(folder, 0777) != 0 && errno != EEXIST)
        return cmd_fail(OCELLUS_IO, "the folder %s cannot be made: %s", folder,
                        strerror(errno));
    return take(r);
}

static ocellus_status
run(int count, char **words)
{
    struct running r = {0};
    ocellus_device *device = NULL;
    (void)count;
    cmd_catch();
    CMD_TRY(cmd_model_load(words[0], &r.graph));
    ocellus_status status =
        batch > 0 ? cmd_model_batch(&r.graph, batch) : OCELLUS_OK;
    if (status == OCELLUS_OK)
        status = cmd_open_device(&device);
    if (status == OCELLUS_OK)
        status = run_model(&r, device);
    ocellus_session_destroy(r.session);
    for (int k = 0; k < CMD_MOST_MANY; k++)
        ocellus_tensor_destroy(r.tensor[k]);
    ocellus_graph_destroy(r.graph);
    ocellus_device_close(device);
    return status;
}

static const struct cmd_option options[] = {
    {"input", CMD_MANY, &given, "NAME=FILE",
     "tensor for an input, from a .npy or .pb file; the name may be left out "
     "where there is one input",
     0, 0},
    {"output-dir", CMD_TEXT, &folder, "DIR",
     "where the outputs go, as NAME.npy; without it they are only described", 0,
     0},
    {"batch", CMD_WHOLE, &batch, "N",
     "the inputs' batch, where the model was made for another one (the "
     "model's)",
     1, 1 << 20},
    CMD_WEIGHTS,
    CMD_PRECISION,
    CMD_DEVICE,
    CMD_JSON,
    CMD_QUIET,
    CMD_END};

const struct cmd cmd_run = {
    .name = "run",
    .arguments = "MODEL",
    .what = "Runs a model on tensors from files.",
    .least = 1,
    .most = 1,
    .options = options,
    .more = "examples:\n"
            "  ocellus run model.onnx --input x=x.npy --output-dir out\n"
            "  ocellus run model.onnx --input x=x.npy --batch 8\n",
    .run = run,
};

/* parity.c - runs steps on numbers that another engine wrote, for parity.py.
 *
 *     parity train|gradients NET|MODEL.onnx C H W CLASSES FOLDER STEPS
 *
 * FOLDER/in-K.safetensors, K = 0 .. STEPS-1, holds "x" (float32, N x C x H x
 * W), "labels" (int64, N) and states by name, which are written into the net
 * before step K: the first file alone has them for a training, each one where
 * gradients are asked for. Prints a line for each step, its loss. With
 * "gradients", nothing is updated, and FOLDER/out-K.safetensors holds d loss /
 * d NAME for each parameter. Dropout is taken out of the net.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ocellus.h>

#include "device/session.h"
#include "format/safetensors.h"
#include "graph/op.h"
#include "pass/train.h"

struct job {
    ocellus_device *device;
    ocellus_graph *graph;
    ocellus_trainer *trainer; /* "train" */
    ocellus_session *session; /* whose states are written */
    struct oc_recipe recipe;
    const char *folder;
};

static void
must(ocellus_status status)
{
    if (status == OCELLUS_OK)
        return;
    fprintf(stderr, "parity: %s\n", ocellus_error());
    exit(1);
}

static struct oc_safetensors *
read_step(const struct job *job, int step)
{
    char path[1024];
    struct oc_safetensors *file;

    snprintf(path, sizeof path, "%s/in-%d.safetensors", job->folder, step);
    must(oc_safetensors_read(path, &file));
    return file;
}

static ocellus_tensor *
tensor_of(const struct oc_safetensor *from)
{
    ocellus_tensor *tensor;

    must(oc_tensor_create(from->type, &from->shape, &tensor));
    memcpy(tensor->data, from->data, from->bytes);
    return tensor;
}

static ocellus_tensor *
named(const struct oc_safetensors *file, const char *name)
{
    const struct oc_safetensor *from = oc_safetensors_find(file, name);

    if (from)
        return tensor_of(from);
    fprintf(stderr, "parity: there is no '%s' in the file\n", name);
    exit(1);
}

static void
write_states(const struct job *job, const struct oc_safetensors *file)
{
    for (int k = 0; k < file->count; k++) {
        const char *name = file->tensor[k].name;
        ocellus_tensor *state;
        if (strcmp(name, "x") == 0 || strcmp(name, "labels") == 0)
            continue;
        state = tensor_of(&file->tensor[k]);
        must(ocellus_session_write_state(job->session, name, state));
        ocellus_tensor_destroy(state);
    }
}

/* A ratio of 0 keeps everything. */
static void
without_dropout(ocellus_graph *graph)
{
    static const float zero;

    for (int k = 0; k < graph->n_nodes; k++)
        if (strcmp(graph->nodes[k]->op->name, "Dropout") == 0)
            graph->nodes[k]->in[1]->data = &zero;
}

static void
write_gradients(const struct job *job, int step)
{
    struct oc_safetensor *tensor =
        calloc((size_t)job->graph->n_states, sizeof *tensor);
    char path[1024];
    int count = 0;

    for (int k = 0; tensor && k < job->graph->n_states; k++) {
        const struct ocellus_value *state = job->graph->states[k];
        const ocellus_tensor *dw;
        char name[512];
        if (!state->trainable)
            continue;
        snprintf(name, sizeof name, "gradient:%s", state->name);
        must(ocellus_session_get_output(job->session, name, &dw));
        tensor[count++] =
            (struct oc_safetensor){state->name, dw->type, dw->shape, dw->data,
                                   ocellus_tensor_bytes(dw)};
    }
    snprintf(path, sizeof path, "%s/out-%d.safetensors", job->folder, step);
    must(oc_safetensors_write(path, tensor, count, NULL, NULL, 0));
    free(tensor);
}

static float
gradient_step(const struct job *job, int step, const ocellus_tensor *x,
              const ocellus_tensor *labels)
{
    const char *in = ocellus_value_name(ocellus_graph_get_input(job->graph, 0));
    const ocellus_tensor *loss;
    ocellus_tensor *key;
    const int64_t four = 4;

    must(ocellus_tensor_create(OCELLUS_INT32, 1, &four, &key));
    must(ocellus_session_set_input(job->session, in, x));
    must(ocellus_session_set_input(job->session, "labels", labels));
    must(ocellus_session_set_input(job->session, "key", key));
    must(ocellus_session_run(job->session));
    must(ocellus_session_get_output(job->session, "loss", &loss));
    write_gradients(job, step);
    ocellus_tensor_destroy(key);
    return *(const float *)ocellus_tensor_data(loss);
}

static void
run_step(const struct job *job, int step)
{
    struct oc_safetensors *file = read_step(job, step);
    ocellus_tensor *x = named(file, "x"), *labels = named(file, "labels");
    float loss;

    write_states(job, file);
    if (job->trainer)
        must(ocellus_trainer_step(job->trainer, x, labels, NULL, 1, &loss));
    else
        loss = gradient_step(job, step, x, labels);
    printf("%.9g\n", (double)loss);
    fflush(stdout);
    ocellus_tensor_destroy(x);
    ocellus_tensor_destroy(labels);
    oc_safetensors_free(file);
}

static void
open_job(struct job *job, char **argv)
{
    const ocellus_trainer_options options = {.size = sizeof options,
                                             .optimizer = "sgd lr=0.01 "
                                                          "momentum=0"};

    must(ocellus_device_open(NULL, &job->device));
    if (strstr(argv[2], ".onnx"))
        must(ocellus_graph_load(argv[2], &job->graph));
    else
        must(ocellus_net_create(argv[2], atoi(argv[3]), atoi(argv[4]),
                                atoi(argv[5]), atoi(argv[6]), 0, &job->graph));
    without_dropout(job->graph);
    job->folder = argv[7];
    if (strcmp(argv[1], "train") == 0) {
        must(ocellus_trainer_create(job->device, job->graph, &options,
                                    &job->trainer));
        job->session = ocellus_trainer_session(job->trainer);
        return;
    }
    job->recipe.no_update = 1;
    must(oc_session_create(job->device, job->graph, NULL, oc_train_pass,
                           &job->recipe, &job->session));
}

int
main(int argc, char **argv)
{
    struct job job = {0};

    if (argc != 9) {
        fprintf(stderr, "usage: parity train|gradients NET|MODEL.onnx C H W "
                        "CLASSES FOLDER STEPS\n");
        return 2;
    }
    open_job(&job, argv);
    for (int step = 0; step < atoi(argv[8]); step++)
        run_step(&job, step);
    if (job.trainer)
        ocellus_trainer_destroy(job.trainer);
    else
        ocellus_session_destroy(job.session);
    ocellus_graph_destroy(job.graph);
    ocellus_device_close(job.device);
    return 0;
}

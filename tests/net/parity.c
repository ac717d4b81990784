/* parity.c - runs steps on numbers that another engine wrote, for parity.py.
 *
 *     parity train|gradients|kinks NET|MODEL.onnx C H W CLASSES FOLDER
 *
 * Runs a step for each line of its standard input, and answers with a line,
 * the loss. FOLDER/in.safetensors holds "x" (float32, N x C x H x W), "labels"
 * (int64, N; for a net of texts both int64, N x T) and states by name, which
 * are written into the net before the step; where there are none, those of the
 * step before stand.
 *
 * train: SGD, rate 0.01. gradients: nothing is updated, FOLDER/out.safetensors
 * holds d loss / d NAME for each parameter. kinks: the same, and as "kink:K"
 * what the gradient of the K-th Relu or Clip decides by: the output of a Relu,
 * the input of a Clip. Dropout is taken out of the net.
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
read_step(const struct job *job)
{
    char path[1024];
    struct oc_safetensors *file;

    snprintf(path, sizeof path, "%s/in.safetensors", job->folder);
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

/* Outputs of the net: they are in memory anyway, for the gradient. */
static void
show_kinks(ocellus_graph *graph)
{
    int count = 0;

    for (int k = 0; k < graph->n_nodes; k++) {
        const struct oc_node *node = graph->nodes[k];
        int clip = strcmp(node->op->name, "Clip") == 0;
        char name[32];
        if (!clip && strcmp(node->op->name, "Relu") != 0)
            continue;
        snprintf(name, sizeof name, "kink:%d", count++);
        must(ocellus_graph_output(graph, name,
                                  clip ? node->in[0] : node->out[0]));
    }
}

/* Name and output are lent: the file is written before they go. */
static struct oc_safetensor
output(const struct job *job, const char *as, const char *name)
{
    const ocellus_tensor *y;

    must(ocellus_session_get_output(job->session, name, &y));
    return (struct oc_safetensor){as, y->type, y->shape, y->data,
                                  ocellus_tensor_bytes(y)};
}

static void
write_outputs(const struct job *job)
{
    const ocellus_graph *graph = job->graph;
    struct oc_safetensor *tensor =
        calloc((size_t)(graph->n_states + graph->n_outputs), sizeof *tensor);
    char path[1024], name[512];
    int count = 0;

    for (int k = 0; tensor && k < graph->n_states; k++) {
        const struct ocellus_value *state = graph->states[k];
        if (!state->trainable)
            continue;
        snprintf(name, sizeof name, "gradient:%s", state->name);
        tensor[count++] = output(job, state->name, name);
    }
    for (int k = 1; tensor && k < graph->n_outputs; k++)
        tensor[count++] =
            output(job, graph->output_names[k], graph->output_names[k]);
    snprintf(path, sizeof path, "%s/out.safetensors", job->folder);
    must(oc_safetensors_write(path, tensor, count, NULL, NULL, 0));
    free(tensor);
}

static float
gradient_step(const struct job *job, const ocellus_tensor *x,
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
    write_outputs(job);
    ocellus_tensor_destroy(key);
    return *(const float *)ocellus_tensor_data(loss);
}

static void
run_step(const struct job *job)
{
    struct oc_safetensors *file = read_step(job);
    ocellus_tensor *x = named(file, "x"), *labels = named(file, "labels");
    float loss;

    write_states(job, file);
    if (job->trainer)
        must(ocellus_trainer_step(job->trainer, x, labels, NULL, 1, &loss));
    else
        loss = gradient_step(job, x, labels);
    printf("%.9g\n", (double)loss);
    fflush(stdout);
    ocellus_tensor_destroy(x);
    ocellus_tensor_destroy(labels);
    oc_safetensors_free(file);
}

static void
open_job(struct job *job, char **argv)
{
    const char *takes = ocellus_net_takes(argv[2]);
    const ocellus_trainer_options options = {
        .size = sizeof options,
        .loss = takes && strcmp(takes, "text") == 0 ? "sequence_cross_entropy"
                                                    : NULL,
        .optimizer = "sgd lr=0.01 momentum=0"};

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
    if (strcmp(argv[1], "kinks") == 0)
        show_kinks(job->graph);
    job->recipe.no_update = 1;
    must(oc_session_create(job->device, job->graph, NULL, oc_train_pass,
                           &job->recipe, &job->session));
}

int
main(int argc, char **argv)
{
    struct job job = {0};
    char line[80];

    if (argc != 8) {
        fprintf(stderr, "usage: parity train|gradients|kinks NET|MODEL.onnx "
                        "C H W CLASSES FOLDER\n");
        return 2;
    }
    open_job(&job, argv);
    while (fgets(line, sizeof line, stdin))
        run_step(&job);
    if (job.trainer)
        ocellus_trainer_destroy(job.trainer);
    else
        ocellus_session_destroy(job.session);
    ocellus_graph_destroy(job.graph);
    ocellus_device_close(job.device);
    return 0;
}

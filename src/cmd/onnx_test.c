/* onnx_test.c - `ocellus onnx-test`: the operator tests of ONNX, a model with
 * its inputs and a folder for its outputs each. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TENSORS 256

static const char *batch;

struct trial {
    ocellus_graph *graph;
    ocellus_session *session;
    ocellus_tensor *input[MOST_TENSORS];
    int count;
};

static void
end_trial(struct trial *t)
{
    ocellus_session_destroy(t->session);
    for (int k = 0; k < t->count; k++)
        ocellus_tensor_destroy(t->input[k]);
    ocellus_graph_destroy(t->graph);
}

static ocellus_status
give(struct trial *t, const char *folder)
{
    char path[4096];
    int count = ocellus_graph_input_count(t->graph);
    if (count > MOST_TENSORS)
        return cmd_fail(OCELLUS_UNSUPPORTED,
                        "it has %d inputs; %d are the most", count,
                        MOST_TENSORS);
    for (int k = 0; k < count; k++) {
        snprintf(path, sizeof path, "%s/input_%d.pb", folder, k);
        CMD_TRY(ocellus_tensor_read(path, &t->input[k]));
        t->count = k + 1;
        CMD_TRY(ocellus_session_set_input(
            t->session,
            ocellus_value_name(ocellus_graph_get_input(t->graph, k)),
            t->input[k]));
    }
    return OCELLUS_OK;
}

static ocellus_status
take(struct trial *t, const char *folder)
{
    char path[4096];
    const ocellus_tensor *y;
    for (int k = 0; k < ocellus_graph_output_count(t->graph); k++) {
        const char *name = ocellus_graph_output_name(t->graph, k);
        snprintf(path, sizeof path, "%s/output_%d.pb", folder, k);
        CMD_TRY(ocellus_session_get_output(t->session, name, &y));
        CMD_TRY(ocellus_tensor_write(path, y));
    }
    return OCELLUS_OK;
}

static ocellus_status
try_one(ocellus_device *device, const char *model, const char *inputs,
        const char *outputs)
{
    struct trial t = {0};
    ocellus_status status = ocellus_graph_load(model, &t.graph);
    if (status == OCELLUS_OK)
        status = ocellus_session_create(device, t.graph, &t.session);
    if (status == OCELLUS_OK)
        status = give(&t, inputs);
    if (status == OCELLUS_OK)
        status = ocellus_session_run(t.session);
    if (status == OCELLUS_OK)
        status = take(&t, outputs);
    end_trial(&t);
    return status;
}

/* ID \t model \t inputs \t outputs */
static ocellus_status
try_line(ocellus_device *device, char *line)
{
    char *part[4], *rest = line;
    for (int k = 0; k < 4; k++) {
        part[k] = rest;
        rest += strcspn(rest, "\t\r\n");
        if (*rest != '\0')
            *rest++ = '\0';
    }
    if (part[3][0] == '\0')
        return cmd_fail(OCELLUS_BAD_DATA,
                        "%s: a line has less than four words with tabs between",
                        batch);
    ocellus_status status = try_one(device, part[1], part[2], part[3]);
    if (status == OCELLUS_OK)
        printf("CASE %s ok\n", part[0]);
    else
        printf("CASE %s %s %s\n", part[0],
               status == OCELLUS_UNSUPPORTED ? "unsupported" : "error",
               ocellus_error());
    fflush(stdout);
    return OCELLUS_OK;
}

static ocellus_status
try_list(ocellus_device *device)
{
    char line[16384];
    FILE *file = fopen(batch, "r");
    ocellus_status status = OCELLUS_OK;
    if (file == NULL)
        return cmd_fail(OCELLUS_IO, "the list %s cannot be read", batch);
    while (status == OCELLUS_OK && fgets(line, sizeof line, file)) {
        if (cmd_interrupted())
            status = cmd_stopped();
        else if (line[0] != '\n' && line[0] != '\0')
            status = try_line(device, line);
    }
    fclose(file);
    return status;
}

static ocellus_status
run(int count, char **words)
{
    ocellus_device *device = NULL;
    if ((batch == NULL) != (count == 3))
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "usage: ocellus onnx-test MODEL INPUTS OUTPUTS, or "
                        "--batch LIST");
    cmd_catch();
    CMD_TRY(cmd_open_device(&device));
    ocellus_status status = batch
                                ? try_list(device)
                                : try_one(device, words[0], words[1], words[2]);
    ocellus_device_close(device);
    return status;
}

static const struct cmd_option options[] = {
    {"batch", CMD_TEXT, &batch, "LIST",
     "file of lines: ID, model, folder of inputs, folder for outputs, with "
     "tabs between",
     0, 0},
    CMD_DEVICE,
    CMD_QUIET,
    CMD_END};

const struct cmd cmd_onnx_test = {
    .name = "onnx-test",
    .arguments = "MODEL INPUTS OUTPUTS",
    .what = "Runs a model on input_0.pb, input_1.pb ... and writes output_0.pb "
            "and so on.",
    .least = 0,
    .most = 3,
    .options = options,
    .more =
        "With --batch, a line `CASE ID ok`, `CASE ID unsupported REASON` or\n"
        "`CASE ID error REASON` follows each case.\n",
    .run = run,
};

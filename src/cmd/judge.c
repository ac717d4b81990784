/* judge.c - a model file on a device, fed with images as in its training. */
#include "cmd/judge.h"

ocellus_status
judge_open(struct judge *j, const char *model, int64_t batch)
{
    CMD_TRY(cmd_model_load(model, &j->graph));
    CMD_TRY(cmd_model_batch(&j->graph, batch));
    if (!cmd_model_is_sequence(j->graph))
        CMD_TRY(cmd_model_image(j->graph, &j->image));
    CMD_TRY(cmd_model_classes(j->graph, &j->classes));
    j->input = ocellus_value_name(ocellus_graph_get_input(j->graph, 0));
    j->output = ocellus_graph_output_name(j->graph, 0);
    return OCELLUS_OK;
}

void
judge_close(struct judge *j)
{
    ocellus_session_destroy(j->session);
    ocellus_graph_destroy(j->graph);
    ocellus_device_close(j->device);
}

ocellus_status
judge_begin(struct judge *j)
{
    if (j->device == NULL)
        CMD_TRY(cmd_open_device(&j->device));
    return j->session != NULL
               ? OCELLUS_OK
               : ocellus_session_create(j->device, j->graph, &j->session);
}

ocellus_status
judge_run(struct judge *j, const ocellus_tensor *x, const ocellus_tensor **y)
{
    CMD_TRY(judge_begin(j));
    CMD_TRY(ocellus_session_set_input(j->session, j->input, x));
    CMD_TRY(ocellus_session_run(j->session));
    return ocellus_session_get_output(j->session, j->output, y);
}

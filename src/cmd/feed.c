/* feed.c - a net and random numbers to feed it with. */
#include "cmd/feed.h"

#include <stdio.h>
#include <string.h>

/* Numbers between -1 and 1 that are the same each time. */
static void
fill(ocellus_tensor *tensor)
{
    uint32_t state = 1;
    float *x = ocellus_tensor_data(tensor);
    if (ocellus_tensor_type(tensor) != OCELLUS_FLOAT)
        return;
    for (size_t k = 0; k < ocellus_tensor_count(tensor); k++) {
        state = state * 1664525u + 1013904223u;
        x[k] = (float)(state >> 8) / 8388608.0f - 1;
    }
}

/* The batch, then what the model says, then --image for what it does not. */
static ocellus_status
make_input(struct feed *feed, int k, const struct cmd_image *image)
{
    ocellus_value *value = ocellus_graph_get_input(feed->graph, k);
    int rank = ocellus_value_rank(value);
    int64_t dims[8];
    for (int axis = 0; axis < rank; axis++) {
        dims[axis] = ocellus_value_dim(value, axis);
        if (dims[axis] < 0 && axis == 0)
            dims[axis] = feed->batch;
        else if (dims[axis] < 0 && rank == 4)
            dims[axis] = image->chw[axis - 1];
        else if (dims[axis] < 0 && axis == 1) /* a sequence's length */
            dims[axis] = image->chw[2];
        if (dims[axis] < 0)
            return cmd_fail(OCELLUS_BAD_ARGUMENT,
                            "the model leaves dimension %d of its input '%s' "
                            "open; say --image CxHxW",
                            axis, ocellus_value_name(value));
    }
    CMD_TRY(ocellus_tensor_create(ocellus_value_type(value), rank, dims,
                                  &feed->input[k]));
    fill(feed->input[k]);
    feed->inputs = k + 1;
    return OCELLUS_OK;
}

/* The shape of the first output may depend on those of the inputs. */
static void
find_classes(struct feed *feed)
{
    ocellus_graph *at = NULL;
    const ocellus_graph *graph = feed->graph;
    const ocellus_value *y = ocellus_graph_get_output(graph, 0);
    if (y != NULL && ocellus_value_type(y) == OCELLUS_UNDEFINED &&
        ocellus_graph_at(graph, (const ocellus_tensor *const *)feed->input,
                         &at) == OCELLUS_OK)
        graph = at;
    if (cmd_model_classes(graph, &feed->classes) != OCELLUS_OK ||
        feed->classes < 1)
        feed->classes = 0;
    y = ocellus_graph_get_output(graph, 0);
    feed->waits = y != NULL && ocellus_value_type(y) == OCELLUS_UNDEFINED;
    feed->sequences = feed->classes > 0 && ocellus_value_rank(y) == 3 &&
                      ocellus_value_dim(y, 2) == feed->classes;
    ocellus_graph_destroy(at);
}

static ocellus_status
make_labels(struct feed *feed)
{
    int64_t dims[2] = {feed->batch, 1};
    uint32_t state = 7;
    find_classes(feed);
    if (feed->sequences)
        dims[1] = ocellus_tensor_dims(feed->input[0])[1];
    CMD_TRY(ocellus_tensor_create(OCELLUS_INT64, 1 + feed->sequences, dims,
                                  &feed->labels));
    int64_t *label = ocellus_tensor_data(feed->labels);
    for (int64_t k = 0; k < dims[0] * dims[1] && feed->classes > 0; k++) {
        state = state * 1664525u + 1013904223u;
        label[k] = (int64_t)(state >> 8) % feed->classes;
    }
    return OCELLUS_OK;
}

ocellus_status
feed_open(struct feed *feed, const char *model, const char *image_text,
          int64_t classes, int64_t batch)
{
    struct cmd_image image;
    int usual;
    int is_net = cmd_net_defaults(model, &image, &usual);
    feed->batch = batch;
    if (!is_net)
        image = (struct cmd_image){{-1, -1, -1}};
    if (image_text != NULL)
        CMD_TRY(cmd_image_size(image_text, &image));
    CMD_TRY(cmd_model_open(model, &image, classes > 0 ? (int)classes : usual, 0,
                           &feed->graph));
    CMD_TRY(cmd_model_batch(&feed->graph, batch));
    if (ocellus_graph_input_count(feed->graph) > FEED_MOST)
        return cmd_fail(OCELLUS_UNSUPPORTED,
                        "a model of %d inputs cannot be measured here",
                        ocellus_graph_input_count(feed->graph));
    for (int k = 0; k < ocellus_graph_input_count(feed->graph); k++)
        CMD_TRY(make_input(feed, k, &image));
    return make_labels(feed);
}

const char *
feed_unit(const struct feed *feed)
{
    const ocellus_tensor *x = feed->input[0];
    if (feed->inputs == 1 && ocellus_tensor_rank(x) == 4)
        return "images";
    if (feed->inputs > 0 && (ocellus_tensor_rank(x) == 3 ||
                             ocellus_tensor_type(x) == OCELLUS_INT64))
        return "sequences";
    return "samples";
}

ocellus_status
feed_set(const struct feed *feed, ocellus_session *session)
{
    for (int k = 0; k < feed->inputs; k++) {
        ocellus_value *value = ocellus_graph_get_input(feed->graph, k);
        CMD_TRY(ocellus_session_set_input(session, ocellus_value_name(value),
                                          feed->input[k]));
    }
    return OCELLUS_OK;
}

void
feed_close(struct feed *feed)
{
    for (int k = 0; k < feed->inputs; k++)
        ocellus_tensor_destroy(feed->input[k]);
    ocellus_tensor_destroy(feed->labels);
    ocellus_graph_destroy(feed->graph);
    memset(feed, 0, sizeof *feed);
}

/* show.c - `ocellus show`: a net as a table, text or picture, and how a device
 * would do it. */
#include "cmd/show.h"

#include <stdio.h>

static const char *image, *dot, *svg;
static int64_t classes, batch = 1;
static int why, plan_too, text_too;

static ocellus_status
print_graph(const ocellus_graph *graph)
{
    char *text;
    CMD_TRY(ocellus_graph_show(graph, &text));
    fputs(text, stdout);
    ocellus_text_free(text);
    return OCELLUS_OK;
}

static ocellus_status
draw(const ocellus_graph *graph)
{
    if (dot != NULL)
        CMD_TRY(ocellus_graph_draw(graph, dot));
    return svg ? ocellus_graph_draw(graph, svg) : OCELLUS_OK;
}

static ocellus_status
show_graph(const ocellus_graph *graph)
{
    CMD_TRY(draw(graph));
    if (text_too)
        CMD_TRY(print_graph(graph));
    if (cmd_json)
        return cmd_print_json(show_json(graph));
    return dot || svg || text_too ? OCELLUS_OK : show_table(graph);
}

/* At the shapes of --batch and --image, where the model can be. */
static ocellus_status
open_and_show(struct feed *feed, const char *model)
{
    ocellus_graph *at = NULL;
    ocellus_status status = feed_open(feed, model, image, classes, batch);
    if (status != OCELLUS_OK &&
        (feed->graph == NULL || image || why || plan_too))
        return status;
    if (status == OCELLUS_OK)
        status = ocellus_graph_at(
            feed->graph, (const ocellus_tensor *const *)feed->input, &at);
    if (status != OCELLUS_OK)
        cmd_say("shapes are left open: %s", ocellus_error());
    status = show_graph(at ? at : feed->graph);
    ocellus_graph_destroy(at);
    return status;
}

static ocellus_status
print_plan(const struct feed *feed, ocellus_session *session)
{
    ocellus_plan_info info;
    char *text;
    CMD_TRY(feed_set(feed, session));
    CMD_TRY(ocellus_session_show(session, why, &text));
    putchar('\n');
    fputs(text, stdout);
    ocellus_text_free(text);
    CMD_TRY(ocellus_session_get_plan_info(session, &info));
    printf("%d nodes, %d programs; %.2f MiB of states\n", info.nodes,
           info.programs, (double)info.state_bytes / 1048576);
    return OCELLUS_OK;
}

static ocellus_status
show_plan(const struct feed *feed)
{
    ocellus_device *device;
    ocellus_session *session = NULL;
    CMD_TRY(cmd_open_device(&device));
    ocellus_status status =
        ocellus_session_create(device, feed->graph, &session);
    if (status == OCELLUS_OK)
        status = print_plan(feed, session);
    ocellus_session_destroy(session);
    ocellus_device_close(device);
    return status;
}

static ocellus_status
run(int count, char **words)
{
    struct feed feed = {0};
    (void)count;
    cmd_catch();
    ocellus_status status = open_and_show(&feed, words[0]);
    if (status == OCELLUS_OK && (why || plan_too))
        status = show_plan(&feed);
    feed_close(&feed);
    return status;
}

static const struct cmd_option options[] = {
    {"svg", CMD_TEXT, &svg, "FILE.svg", "draw the net", 0, 0},
    {"dot", CMD_TEXT, &dot, "FILE.dot", "the same for Graphviz", 0, 0},
    {"text", CMD_FLAG, &text_too, NULL,
     "a node a line, with inputs and attributes", 0, 0},
    {"plan", CMD_FLAG, &plan_too, NULL,
     "also how the device would do it: implementations, layouts, places", 0, 0},
    {"why", CMD_FLAG, &why, NULL,
     "the same, with the implementations that refused and their reasons", 0, 0},
    {"batch", CMD_WHOLE, &batch, "N", "images at once (1)", 1, 1 << 20},
    {"image", CMD_TEXT, &image, "CxHxW", "image size", 0, 0},
    {"classes", CMD_WHOLE, &classes, "N", "classes of a named net", 1, 1 << 20},
    CMD_WEIGHTS,
    CMD_PRECISION,
    CMD_DEVICE,
    CMD_JSON,
    CMD_QUIET,
    CMD_END};

const struct cmd cmd_show = {
    .name = "show",
    .arguments = "NET|MODEL",
    .brief = "a net as a table or a picture, and how a device would run it",
    .what = "Prints a net as a table of its layers (shapes, parameters, "
            "operations, memory), draws it, and prints its plan.",
    .least = 1,
    .most = 1,
    .options = options,
    .more = "examples:\n  ocellus show model.onnx\n"
            "  ocellus show resnet20 --svg resnet20.svg\n"
            "  ocellus show lenet5 --why --batch 64\n",
    .run = run,
};

/* show.c - `ocellus show`: a net as text, and how a device would do it. */
#include "cmd/feed.h"

#include <stdio.h>

static const char *image;
static int64_t classes, batch = 1;
static int why, plan_too;

static ocellus_status
print_graph(const struct feed *feed)
{
    char *text;
    CMD_TRY(ocellus_graph_show(feed->graph, &text));
    fputs(text, stdout);
    printf("%lld parameters\n",
           (long long)ocellus_graph_parameter_count(feed->graph));
    ocellus_text_free(text);
    return OCELLUS_OK;
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
    ocellus_status status = feed_open(&feed, words[0], image, classes, batch);
    if (status == OCELLUS_OK)
        status = print_graph(&feed);
    if (status == OCELLUS_OK && (why || plan_too))
        status = show_plan(&feed);
    feed_close(&feed);
    return status;
}

static const struct cmd_option options[] = {
    {"plan", CMD_FLAG, &plan_too, NULL,
     "also how the device would do it: implementations, layouts, places", 0, 0},
    {"why", CMD_FLAG, &why, NULL,
     "the same, with the implementations that refused and their reasons", 0, 0},
    {"batch", CMD_WHOLE, &batch, "N", "images of the plan (1)", 1, 1 << 20},
    {"image", CMD_TEXT, &image, "CxHxW", "image size", 0, 0},
    {"classes", CMD_WHOLE, &classes, "N", "classes of a named net", 1, 1 << 20},
    CMD_DEVICE,
    CMD_QUIET,
    CMD_END};

const struct cmd cmd_show = {
    .name = "show",
    .arguments = "NET|MODEL",
    .brief = "prints a net, and how a device would run it",
    .what = "Prints a net, a node a line, and on request its plan.",
    .least = 1,
    .most = 1,
    .options = options,
    .more = "example:\n  ocellus show lenet5 --why --batch 64\n",
    .run = run,
};

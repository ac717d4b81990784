/* cache.c - `ocellus cache`: the programs kept between runs. */
#include "cmd/feed.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *image;
static int64_t classes, batch = 1;
static int train;

struct listing {
    json_t *rows;
    int count;
    int64_t bytes;
};

static int
list_one(void *user, const ocellus_cache_entry *entry)
{
    struct listing *list = user;
    char day[32];
    time_t used = (time_t)entry->used;
    struct tm parts;
    list->count++;
    list->bytes += entry->bytes;
    json_array_append_new(list->rows,
                          json_pack("{ss sI sI}", "what", entry->what, "bytes",
                                    (json_int_t)entry->bytes, "used",
                                    (json_int_t)entry->used));
    if (cmd_json)
        return 0;
    localtime_r(&used, &parts);
    strftime(day, sizeof day, "%Y-%m-%d %H:%M", &parts);
    printf("%9.1f KiB  %s  ", (double)entry->bytes / 1024, day);
    cmd_print_rest(entry->what, 33);
    return 0;
}

static ocellus_status
list_all(void)
{
    struct listing list = {json_array(), 0, 0};
    char *path = NULL;
    ocellus_status status = ocellus_cache_path(&path);
    if (status == OCELLUS_OK)
        status = ocellus_cache_list(list_one, &list);
    if (status == OCELLUS_OK && cmd_json)
        status = cmd_print_json(json_pack("{ss sI sO}", "path", path, "bytes",
                                          (json_int_t)list.bytes, "programs",
                                          list.rows));
    else if (status == OCELLUS_OK)
        printf("%d programs, %.1f MiB, in %s\n", list.count,
               (double)list.bytes / 1048576, path);
    json_decref(list.rows);
    ocellus_text_free(path);
    return status;
}

static ocellus_status
clear_all(void)
{
    int entries;
    CMD_TRY(ocellus_cache_clear(&entries));
    if (cmd_json)
        return cmd_print_json(json_pack("{si}", "removed", entries));
    printf("%d programs and verdicts forgotten\n", entries);
    return OCELLUS_OK;
}

/* Plans the net and builds what it needs, by one run of it. */
static ocellus_status
warm_session(struct feed *feed, ocellus_device *device, ocellus_plan_info *plan)
{
    ocellus_session *session = NULL;
    ocellus_status status =
        ocellus_session_create(device, feed->graph, &session);
    if (status == OCELLUS_OK)
        status = feed_set(feed, session);
    if (status == OCELLUS_OK)
        status = ocellus_session_run(session);
    if (status == OCELLUS_OK)
        status = ocellus_session_prepare(session);
    if (status == OCELLUS_OK)
        status = ocellus_session_get_plan_info(session, plan);
    ocellus_session_destroy(session);
    return status;
}

static ocellus_status
warm_trainer(struct feed *feed, ocellus_device *device, ocellus_plan_info *plan)
{
    ocellus_trainer *trainer = NULL;
    ocellus_status status =
        ocellus_trainer_create(device, feed->graph, NULL, &trainer);
    if (status == OCELLUS_OK)
        status = ocellus_trainer_step(trainer, feed->input[0], feed->labels,
                                      NULL, 1, NULL);
    if (status == OCELLUS_OK)
        status = ocellus_session_prepare(ocellus_trainer_session(trainer));
    if (status == OCELLUS_OK)
        status = ocellus_session_get_plan_info(ocellus_trainer_session(trainer),
                                               plan);
    ocellus_trainer_destroy(trainer);
    return status;
}

static ocellus_status
warm(const char *model)
{
    struct feed feed = {0};
    ocellus_device *device = NULL;
    ocellus_plan_info plan = {0};
    ocellus_status status = feed_open(&feed, model, image, classes, batch);
    if (status == OCELLUS_OK)
        status = cmd_open_device(&device);
    if (status == OCELLUS_OK)
        status = train ? warm_trainer(&feed, device, &plan)
                       : warm_session(&feed, device, &plan);
    if (status == OCELLUS_OK)
        status = ocellus_cache_keep(device);
    feed_close(&feed);
    ocellus_device_close(device);
    CMD_TRY(status);
    if (cmd_json)
        return cmd_print_json(json_pack("{si si}", "programs", plan.programs,
                                        "built", plan.built));
    printf("%d programs, %d of them built now\n", plan.programs, plan.built);
    return OCELLUS_OK;
}

static ocellus_status
run(int count, char **words)
{
    cmd_catch();
    if (strcmp(words[0], "list") == 0 && count == 1)
        return list_all();
    if (strcmp(words[0], "clear") == 0 && count == 1)
        return clear_all();
    if (strcmp(words[0], "warm") == 0 && count == 2)
        return warm(words[1]);
    return cmd_fail(OCELLUS_BAD_ARGUMENT,
                    "usage: ocellus cache list, clear, or warm NET|MODEL");
}

static const struct cmd_option options[] = {
    {"train", CMD_FLAG, &train, NULL, "warm: for training", 0, 0},
    {"batch", CMD_WHOLE, &batch, "N", "warm: images a step (1)", 1, 1 << 20},
    {"image", CMD_TEXT, &image, "CxHxW", "warm: image size", 0, 0},
    {"classes", CMD_WHOLE, &classes, "N", "warm: classes of a named net", 1,
     1 << 20},
    CMD_PRECISION,
    CMD_DEVICE,
    CMD_JSON,
    CMD_QUIET,
    CMD_END};

const struct cmd cmd_cache = {
    .name = "cache",
    .arguments = "list|clear|warm NET|MODEL",
    .brief = "lists, forgets or makes the kernels kept between runs",
    .what = "Lists, forgets or makes the kernels kept between runs.",
    .least = 1,
    .most = 2,
    .options = options,
    .more = "examples:\n  ocellus cache list\n"
            "  ocellus cache warm resnet18 --batch 8\n",
    .run = run,
};

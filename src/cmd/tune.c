/* tune.c - `ocellus tune`: measures which implementations are fastest on a
 * device, and carries that from machine to machine. */
#include "cmd/feed.h"

#include <stdio.h>
#include <string.h>

static const char *image, *export_to, *import_from;
static int64_t classes, batch = 1;
static int train, clear;
static double seconds = 180;

/* ---- the table ------------------------------------------------------------
 */

static const char *
state_name(int state)
{
    return state == OCELLUS_TUNE_MEASURED  ? "measured"
           : state == OCELLUS_TUNE_KNOWN   ? "known"
           : state == OCELLUS_TUNE_DROPPED ? "dropped"
                                           : "left";
}

static void
print_time(const char *by, double us)
{
    if (us > 0)
        printf("%-15s %9.1f  ", by, us);
    else
        printf("%-15s %9s  ", by, "-");
}

static void
print_row(const ocellus_tune_row *r)
{
    int won = strcmp(r->usual, r->chosen) != 0;
    printf("%5.1f%% %5d  ", 100 * r->share, r->nodes);
    print_time(r->usual, r->usual_us);
    if (won)
        print_time(r->chosen, r->chosen_us);
    else
        printf("%-15s %9s  ",
               r->state == OCELLUS_TUNE_LEFT ? "(left)" : "the same", "");
    if (won)
        printf("%s%5.0f%%%s  ", cmd_colour("green"),
               100 * (r->usual_us / r->chosen_us - 1), cmd_colour(""));
    else
        printf("%6s  ", "");
    cmd_print_rest(r->what, 75);
    if (r->why[0])
        printf("    %s\n", r->why);
}

static json_t *
pack_row(const ocellus_tune_row *r)
{
    json_t *o = json_pack("{ss si ss ss ss ss}", "class", r->what, "nodes",
                          r->nodes, "state", state_name(r->state), "usual",
                          r->usual, "chosen", r->chosen, "why", r->why);
    json_object_set_new(o, "share", cmd_real(r->share));
    json_object_set_new(o, "usual_us", cmd_real(r->usual_us));
    json_object_set_new(o, "chosen_us", cmd_real(r->chosen_us));
    return o;
}

static int
take_row(void *user, const ocellus_tune_row *row)
{
    json_t *rows = user;
    if (json_array_size(rows) == 0 && !cmd_json)
        printf("%6s %5s  %-15s %9s  %-15s %9s  %6s  %s\n", "share", "nodes",
               "usual", "us", "chosen", "us", "gain", "operators");
    json_array_append_new(rows, pack_row(row));
    if (!cmd_json)
        print_row(row);
    return 0;
}

static void
print_sum(const ocellus_tune_result *r)
{
    printf("%d classes of operators: %d measured now, %d known, %d dropped, %d "
           "left\n",
           r->classes, r->measured, r->known, r->dropped, r->left);
    if (r->tuned_ms > 0)
        printf("the net: %.3f ms instead of %.3f ms on the device (%+.1f%%)\n",
               r->tuned_ms, r->usual_ms, 100 * (r->usual_ms / r->tuned_ms - 1));
    else
        printf("the net: %.3f ms on the device without these; the time was up "
               "before\nit could be measured with them, which the same "
               "command does\n",
               r->usual_ms);
    if (r->left)
        cmd_say("the same command again goes on with the %d that are left",
                r->left);
    if (!r->kept)
        cmd_say("the cache cannot be written: what was measured is lost when "
                "this ends");
}

/* ---- a net ----------------------------------------------------------------
 */

static ocellus_status
tune_session(ocellus_session *session)
{
    ocellus_tune_result result;
    json_t *rows = json_array();
    ocellus_status status =
        ocellus_session_tune(session, seconds, take_row, rows, &result);
    cmd_progress_clear();
    if (status == OCELLUS_OK && cmd_json)
        return cmd_print_json(
            json_pack("{si si si si si sb sf sf so}", "classes", result.classes,
                      "measured", result.measured, "known", result.known,
                      "left", result.left, "dropped", result.dropped, "kept",
                      result.kept, "usual_ms", result.usual_ms, "tuned_ms",
                      result.tuned_ms, "rows", rows));
    if (status == OCELLUS_OK)
        print_sum(&result);
    json_decref(rows);
    return status;
}

static ocellus_status
tune_inference(struct feed *feed, ocellus_device *device)
{
    ocellus_session *session = NULL;
    ocellus_status status =
        ocellus_session_create(device, feed->graph, &session);
    if (status == OCELLUS_OK)
        status = feed_set(feed, session);
    if (status == OCELLUS_OK)
        status = ocellus_session_run(session);
    if (status == OCELLUS_OK)
        status = tune_session(session);
    ocellus_session_destroy(session);
    return status;
}

static ocellus_status
tune_training(struct feed *feed, ocellus_device *device)
{
    ocellus_trainer *trainer = NULL;
    ocellus_trainer_options options = {
        .size = sizeof options,
        .loss = feed->sequences ? "sequence_cross_entropy" : NULL};
    if (feed->classes <= 0)
        return cmd_fail(OCELLUS_BAD_MODEL,
                        "the net does not classify: --train needs an output of "
                        "N x classes");
    ocellus_status status =
        ocellus_trainer_create(device, feed->graph, &options, &trainer);
    if (status == OCELLUS_OK)
        status = ocellus_trainer_step(trainer, feed->input[0], feed->labels,
                                      NULL, 1, NULL);
    if (status == OCELLUS_OK)
        status = tune_session(ocellus_trainer_session(trainer));
    ocellus_trainer_destroy(trainer);
    return status;
}

static ocellus_status
tune_model(const char *model)
{
    struct feed feed = {0};
    ocellus_device *device = NULL;
    ocellus_status status = feed_open(&feed, model, image, classes, batch);
    if (status == OCELLUS_OK)
        status = cmd_open_device(&device);
    if (status == OCELLUS_OK)
        status = train ? tune_training(&feed, device)
                       : tune_inference(&feed, device);
    if (status == OCELLUS_CANCELLED && cmd_interrupted())
        status = cmd_fail(OCELLUS_CANCELLED,
                          "interrupted; what was measured is kept");
    feed_close(&feed);
    ocellus_device_close(device);
    return status;
}

/* ---- files ----------------------------------------------------------------
 */

static ocellus_status
say_entries(const char *done, const char *where, int entries)
{
    if (cmd_json)
        return cmd_print_json(json_pack("{si}", "verdicts", entries));
    printf("%d verdicts %s%s\n", entries, done, where);
    return OCELLUS_OK;
}

/* No device is no failure: the verdicts may be for another machine. */
static ocellus_status
import(void)
{
    ocellus_device *device;
    int entries;
    CMD_TRY(ocellus_tuning_import(import_from, &entries));
    CMD_TRY(say_entries("from ", import_from, entries));
    if (ocellus_device_open(cmd_device, &device) == OCELLUS_OK) {
        cmd_say("%d verdicts are there for %s",
                ocellus_device_get_tuned(device),
                ocellus_device_get_info(device)->name);
        ocellus_device_close(device);
    }
    return OCELLUS_OK;
}

static ocellus_status
run(int count, char **words)
{
    int entries;
    if (count + (export_to != NULL) + (import_from != NULL) + clear != 1)
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "usage: ocellus tune NET|MODEL, or one of --export, "
                        "--import and --clear alone");
    cmd_catch();
    if (import_from != NULL)
        return import();
    if (export_to != NULL) {
        CMD_TRY(ocellus_tuning_export(export_to, &entries));
        return say_entries("to ", export_to, entries);
    }
    if (clear) {
        CMD_TRY(ocellus_tuning_clear(&entries));
        return say_entries("forgotten", "", entries);
    }
    return tune_model(words[0]);
}

static const struct cmd_option options[] = {
    {"batch", CMD_WHOLE, &batch, "N", "images a step (1)", 1, 1 << 20},
    {"train", CMD_FLAG, &train, NULL, "for training, not inference", 0, 0},
    {"time", CMD_REAL, &seconds, "S",
     "seconds that it may take, and the end of a trial (180); again goes on", 1,
     86400},
    {"image", CMD_TEXT, &image, "CxHxW",
     "image size, where the net's usual one is not meant", 0, 0},
    {"classes", CMD_WHOLE, &classes, "N", "likewise", 1, 1 << 20},
    {"export", CMD_TEXT, &export_to, "FILE",
     "write all that was measured into a file", 0, 0},
    {"import", CMD_TEXT, &import_from, "FILE", "take such a file in", 0, 0},
    {"clear", CMD_FLAG, &clear, NULL, "forget all that was measured", 0, 0},
    CMD_DEVICE,
    CMD_JSON,
    CMD_WEIGHTS,
    CMD_PRECISION,
    CMD_QUIET,
    CMD_END};

const struct cmd cmd_tune = {
    .name = "tune",
    .arguments = "NET|MODEL",
    .brief = "measures which kernels are fastest for a net on a device",
    .what = "Tries all implementations of a net's operators on a device, each "
            "checked against the direct one, and keeps what is fastest: plans "
            "made from then on use it, of any net that has such operators.",
    .least = 0,
    .most = 1,
    .options = options,
    .more = "examples:\n  ocellus tune resnet18 --batch 8 --train\n"
            "  ocellus tune model.onnx --time 60\n"
            "  ocellus tune --export here.tuning\n",
    .run = run,
};

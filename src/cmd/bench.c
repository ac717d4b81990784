/* bench.c - `ocellus bench`: how fast a net is on a device. */
#include "cmd/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct bench b = {.batch = 1, .seconds = 3};
static int profile;
static const char *trace;

ocellus_status
bench_step(struct bench *bench)
{
    if (bench->trainer == NULL) {
        CMD_TRY(feed_set(&bench->feed, bench->session));
        return ocellus_session_run(bench->session);
    }
    CMD_TRY(ocellus_trainer_step(bench->trainer, bench->feed.input[0],
                                 bench->feed.labels, NULL, 1, NULL));
    return ocellus_device_wait(bench->device);
}

static ocellus_status
open_bench(void)
{
    CMD_TRY(feed_open(&b.feed, b.model, b.image, b.classes, b.batch));
    if (b.train && b.feed.classes == 0 && !b.feed.waits)
        return cmd_fail(OCELLUS_BAD_MODEL,
                        "%s does not classify: --train needs an output of N x "
                        "classes",
                        b.model);
    CMD_TRY(cmd_open_device(&b.device));
    if (!b.train)
        return ocellus_session_create(b.device, b.feed.graph, &b.session);
    ocellus_trainer_options options = {
        .size = sizeof options,
        .loss = b.feed.sequences ? "sequence_cross_entropy" : NULL,
        .optimizer = "sgd lr=0.01 momentum=0.9"};
    CMD_TRY(
        ocellus_trainer_create(b.device, b.feed.graph, &options, &b.trainer));
    b.session = ocellus_trainer_session(b.trainer);
    ocellus_graph_destroy(b.feed.graph); /* its numbers are in the trainer */
    b.feed.graph = NULL;
    return OCELLUS_OK;
}

static void
close_bench(void)
{
    if (b.trainer == NULL)
        ocellus_session_destroy(b.session);
    ocellus_trainer_destroy(b.trainer);
    feed_close(&b.feed);
    ocellus_device_close(b.device);
    b.trainer = NULL;
    b.session = NULL;
    b.device = NULL;
}

/* ---- times -----------------------------------------------------------------
 */

#define MOST_STEPS 1000000
#define STEADY 3 /* seconds: so long, and it is to be as in a long run */

struct times {
    double *seconds;
    int count;
    double first; /* since the process began */
};

static int
by_size(const void *a, const void *b_)
{
    double x = *(const double *)a, y = *(const double *)b_;
    return (x > y) - (x < y);
}

static ocellus_status
measure(struct times *times)
{
    CMD_TRY(bench_step(&b));
    times->first = cmd_since_start();
    /* A training's program takes minutes to build: only where it is there. */
    if (b.seconds >= STEADY && !b.train)
        CMD_TRY(ocellus_session_prepare(b.session));
    CMD_TRY(bench_step(&b));
    double end = cmd_now() + b.seconds;
    for (times->count = 0; times->count < MOST_STEPS; times->count++) {
        double begin = cmd_now();
        if (begin >= end && times->count >= 3)
            break;
        if (cmd_interrupted())
            return cmd_stopped();
        CMD_TRY(bench_step(&b));
        times->seconds[times->count] = cmd_now() - begin;
    }
    qsort(times->seconds, (size_t)times->count, sizeof(double), by_size);
    return OCELLUS_OK;
}

static double
median(const struct times *t)
{
    int middle = t->count / 2;
    return t->count % 2 ? t->seconds[middle]
                        : (t->seconds[middle - 1] + t->seconds[middle]) / 2;
}

static json_t *
pack(const struct times *times, const ocellus_plan_info *plan)
{
    struct rusage usage;
    double typical = median(times), batch = (double)b.batch;
    const char *name = ocellus_device_get_info(b.device)->name;
    getrusage(RUSAGE_SELF, &usage);
    json_t *o = json_pack("{ss ss sI ss}", "model", b.model, "mode",
                          b.train ? "train" : "infer", "batch",
                          (json_int_t)b.batch, "device", name);
    json_object_set_new(o, "images_per_second", cmd_real(batch / typical));
    json_object_set_new(o, "best_images_per_second",
                        cmd_real(batch / times->seconds[0]));
    json_object_set_new(o, "unit", json_string(feed_unit(&b.feed)));
    json_object_set_new(o, "milliseconds", cmd_real(1e3 * typical));
    json_object_set_new(o, "steps", json_integer(times->count));
    json_object_set_new(o, "gflops", cmd_real(plan->flops / typical * 1e-9));
    json_object_set_new(o, "first_result_seconds", cmd_real(times->first));
    json_object_set_new(o, "peak_memory_mb",
                        cmd_real((double)usage.ru_maxrss / 1024));
    json_object_set_new(
        o, "device_memory_mb",
        cmd_real((double)(plan->arena_bytes + plan->state_bytes) / 1048576));
    json_object_set_new(o, "programs", json_integer(plan->programs));
    json_object_set_new(o, "programs_built", json_integer(plan->built));
    json_object_set_new(o, "launches", json_integer(plan->launches));
    json_object_set_new(o, "nodes", json_integer(plan->nodes));
    return o;
}

static ocellus_status
measure_open(json_t **result)
{
    struct times times = {calloc(MOST_STEPS, sizeof(double)), 0, 0};
    ocellus_plan_info plan;
    ocellus_status status = OCELLUS_OK;
    if (times.seconds == NULL)
        return cmd_fail(OCELLUS_OUT_OF_MEMORY, "no memory for the times");
    status = measure(&times);
    if (status == OCELLUS_OK)
        status = ocellus_session_get_plan_info(b.session, &plan);
    if (status == OCELLUS_OK)
        *result = pack(&times, &plan);
    free(times.seconds);
    if (status == OCELLUS_OK && (profile || trace != NULL)) {
        json_t *rows = json_array();
        status = bench_profile(&b, 10, trace, rows);
        json_object_set_new(*result, "profile", rows);
    }
    return status;
}

static ocellus_status
measure_one(json_t **result)
{
    *result = NULL;
    ocellus_status status = open_bench();
    if (status == OCELLUS_OK)
        status = measure_open(result);
    close_bench();
    return status;
}

/* ---- several devices
 * --------------------------------------------------------- */

/* In a process of its own, so that the first result and the memory are those
 * of this device alone. OpenCL was not touched before the fork. */
static void
child(int to)
{
    json_t *result;
    FILE *pipe = fdopen(to, "w");
    ocellus_status status = measure_one(&result);
    if (pipe == NULL)
        _exit(1);
    if (status != OCELLUS_OK)
        result = json_pack("{si ss}", "status", (int)status, "error",
                           ocellus_error());
    json_dumpf(result, pipe, JSON_REAL_PRECISION(9));
    fclose(pipe);
    _exit(0);
}

static ocellus_status
measure_apart(json_t **result)
{
    int ends[2], code, failure;
    const char *sentence;
    fflush(NULL);
    pid_t pid = pipe(ends) == 0 ? fork() : -1;
    if (pid < 0)
        return cmd_fail(OCELLUS_IO, "no second process could be started");
    if (pid == 0)
        child(ends[1]);
    close(ends[1]);
    FILE *from = fdopen(ends[0], "r");
    *result = from ? json_loadf(from, 0, NULL) : NULL;
    if (from != NULL)
        fclose(from);
    waitpid(pid, &code, 0);
    if (*result == NULL)
        return cmd_fail(OCELLUS_DEVICE_FAILED,
                        "the measurement on %s ended without a result",
                        cmd_device);
    if (json_unpack(*result, "{si ss}", "status", &failure, "error",
                    &sentence) == 0)
        return cmd_fail((ocellus_status)failure, "%s", sentence);
    return OCELLUS_OK;
}

static double
number(const json_t *result, const char *key)
{
    return json_number_value(json_object_get(result, key));
}

static void
print(const json_t *r)
{
    printf("%s%s, %s, batch %lld, %s%s\n", cmd_colour("bold"), b.model,
           b.train ? "training" : "inference", (long long)b.batch,
           json_string_value(json_object_get(r, "device")), cmd_colour(""));
    printf("  %-9s a second %.1f (best %.1f; %.3f ms a step, median of "
           "%.0f)\n",
           json_string_value(json_object_get(r, "unit")),
           number(r, "images_per_second"), number(r, "best_images_per_second"),
           number(r, "milliseconds"), number(r, "steps"));
    printf("  arithmetic        %.1f GFLOP/s\n", number(r, "gflops"));
    printf("  first result      %.2f s after the start\n",
           number(r, "first_result_seconds"));
    printf("  peak memory       %.0f MB; on the device %.1f MB\n",
           number(r, "peak_memory_mb"), number(r, "device_memory_mb"));
    printf("  programs          %.0f (%.0f built now), %.0f launches a step\n",
           number(r, "programs"), number(r, "programs_built"),
           number(r, "launches"));
    if (json_object_get(r, "profile") != NULL)
        bench_print_profile(json_object_get(r, "profile"));
}

/* --device A,B ... */
static ocellus_status
measure_all(char *devices, json_t *all)
{
    char *rest;
    for (char *name = strtok_r(devices, ",", &rest); name != NULL;
         name = strtok_r(NULL, ",", &rest)) {
        json_t *result = NULL;
        cmd_device = name;
        ocellus_status status = measure_apart(&result);
        if (status != OCELLUS_OK) {
            json_decref(result);
            return status;
        }
        json_array_append_new(all, result);
        if (!cmd_json)
            print(result);
    }
    return OCELLUS_OK;
}

static ocellus_status
compare(char *devices)
{
    json_t *all = json_array(), *ratios = json_array();
    ocellus_status status = measure_all(devices, all);
    double base = number(json_array_get(all, 0), "images_per_second");
    for (size_t k = 0; k < json_array_size(all); k++) {
        const json_t *r = json_array_get(all, k);
        double ratio = number(r, "images_per_second") / base;
        json_array_append_new(ratios, cmd_real(ratio));
        if (k > 0 && !cmd_json && status == OCELLUS_OK)
            printf("%s is %.2f times as fast as %s\n",
                   json_string_value(json_object_get(r, "device")), ratio,
                   json_string_value(
                       json_object_get(json_array_get(all, 0), "device")));
    }
    if (status == OCELLUS_OK && json_array_size(all) == 0)
        status = cmd_fail(OCELLUS_BAD_ARGUMENT,
                          "--device '%s' names no device; see ocellus devices",
                          cmd_device);
    if (status == OCELLUS_OK && cmd_json)
        return cmd_print_json(
            json_pack("{so so}", "devices", all, "ratios", ratios));
    json_decref(all);
    json_decref(ratios);
    return status;
}

static ocellus_status
run(int count, char **words)
{
    json_t *result = NULL;
    (void)count;
    b.model = words[0];
    cmd_catch();
    if (cmd_device != NULL && strchr(cmd_device, ',') != NULL) {
        char *copy = strdup(cmd_device);
        ocellus_status status =
            copy ? compare(copy)
                 : cmd_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a name");
        free(copy);
        return status;
    }
    ocellus_status status = measure_one(&result);
    if (status == OCELLUS_OK && cmd_json)
        return cmd_print_json(result);
    if (status == OCELLUS_OK)
        print(result);
    json_decref(result);
    return status;
}

static const struct cmd_option options[] = {
    {"batch", CMD_WHOLE, &b.batch, "N", "samples a step (1)", 1, 1 << 20},
    {"train", CMD_FLAG, &b.train, NULL,
     "a step is one update (SGD 0.01, momentum 0.9, cross-entropy on random "
     "labels)",
     0, 0},
    {"seconds", CMD_REAL, &b.seconds, "S", "to measure for (3)", 0, 86400},
    {"image", CMD_TEXT, &b.image, "CxHxW",
     "image size, where the net's usual one is not meant", 0, 0},
    {"classes", CMD_WHOLE, &b.classes, "N", "likewise", 1, 1 << 20},
    {"profile", CMD_FLAG, &profile, NULL,
     "time, share, GFLOP/s and GB/s of each operator", 0, 0},
    {"trace", CMD_TEXT, &trace, "FILE",
     "the launches of a step for chrome://tracing or ui.perfetto.dev; with "
     "--profile",
     0, 0},
    {"device", CMD_TEXT, &cmd_device, "D[,E...]",
     "as elsewhere; several are measured in turn and compared", 0, 0},
    CMD_JSON,
    CMD_WEIGHTS,
    CMD_PRECISION,
    CMD_QUIET,
    CMD_END};

const struct cmd cmd_bench = {
    .name = "bench",
    .arguments = "NET|MODEL",
    .brief = "measures a net's speed on one device or several",
    .what = "Measures a net's speed. A step begins with the input in host "
            "memory and ends with the outputs read back, or with the update.",
    .least = 1,
    .most = 1,
    .options = options,
    .more = "examples:\n"
            "  ocellus bench resnet18 --batch 8 --json\n"
            "  ocellus bench lenet5 --batch 64 --train --profile\n"
            "  ocellus bench mobilenetv2 --device gpu,cpu\n",
    .run = run,
};

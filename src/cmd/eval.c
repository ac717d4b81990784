/* eval.c - `ocellus eval`: a model on the test images of a data set. */
#include "cmd/forecast.h"
#include "cmd/judge.h"
#include "cmd/score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cmd_samples samples;
static struct cmd_forecast forecast;
static int64_t batch_size = 64, threads, seed;
static const char *split_name = "test", *mean_text, *std_text, *picture;

/* What the command line says, else what the model was trained with. */
static ocellus_status
normalize(const struct judge *j, ocellus_dataset *data)
{
    float mean[CMD_MOST_CHANNELS] = {0}, std[CMD_MOST_CHANNELS];
    int64_t chw[3];
    int found;
    ocellus_dataset_shape(data, chw);
    if (chw[0] > CMD_MOST_CHANNELS)
        return OCELLUS_OK;
    for (int k = 0; k < CMD_MOST_CHANNELS; k++)
        std[k] = 1;
    CMD_TRY(cmd_model_normalization(j->graph, (int)chw[0], mean, std, &found));
    CMD_TRY(cmd_normalization(mean_text, std_text, (int)chw[0], mean, std));
    if (found || mean_text != NULL || std_text != NULL)
        return ocellus_dataset_set_normalization(data, mean, std);
    cmd_say("the model does not say how its images were normalised: by mean "
            "and deviation of this data's training images (--mean, --std)");
    return OCELLUS_OK;
}

static ocellus_status
find_split(ocellus_split *split)
{
    static const char *const names[] = {"train", "validation", "test"};
    for (int k = 0; k < 3; k++)
        if (strcmp(split_name, names[k]) == 0) {
            *split = (ocellus_split)k;
            return OCELLUS_OK;
        }
    return cmd_fail(OCELLUS_BAD_ARGUMENT,
                    "--split is train, validation or test, not %s", split_name);
}

static ocellus_status
over_all(struct judge *j, const ocellus_dataset *data, ocellus_loader *loader,
         ocellus_metrics *metrics)
{
    const int forecasts = cmd_forecasts(data);
    const ocellus_batch *batch;
    const ocellus_tensor *y;
    for (;;) {
        CMD_TRY(ocellus_loader_next(loader, &batch));
        if (batch == NULL)
            return OCELLUS_OK;
        CMD_TRY(judge_run(j, batch->x, &y));
        CMD_TRY(forecasts ? cmd_forecast_add(&forecast, y, batch)
                          : cmd_score(metrics, y, batch));
        cmd_progress("%lld of %lld %s", (long long)batch->position,
                     (long long)ocellus_loader_count(loader), cmd_unit(data));
        if (cmd_interrupted())
            return cmd_stopped();
    }
}

static void
print(const ocellus_metrics *metrics, const ocellus_dataset *data)
{
    ocellus_class_score macro = ocellus_metrics_macro(metrics);
    int classes = ocellus_dataset_classes(data), wide = 20;
    for (int k = 0; k < classes; k++) {
        int width = cmd_width(ocellus_dataset_class_name(data, k));
        wide = width > wide ? width : wide;
    }
    const char *unit =
        ocellus_dataset_labels(data, NULL) > 1 ? "characters" : cmd_unit(data);
    printf("%-10s %lld\naccuracy   %.4f\ntop 5      %.4f\n", unit,
           (long long)ocellus_metrics_count(metrics),
           ocellus_metrics_accuracy(metrics),
           ocellus_metrics_top_k(metrics, 5));
    printf("precision  %.4f\nrecall     %.4f\nf1         %.4f\nloss       "
           "%.4f\n\n%-*s %9s %9s %9s %10s\n",
           macro.precision, macro.recall, macro.f1,
           ocellus_metrics_loss(metrics), wide, "class", "precision", "recall",
           "f1", unit);
    for (int k = 0; k < classes; k++) {
        ocellus_class_score s = ocellus_metrics_class(metrics, k);
        const char *name = ocellus_dataset_class_name(data, k);
        printf("%s%*s %9.4f %9.4f %9.4f %10lld\n", name, wide - cmd_width(name),
               "", s.precision, s.recall, s.f1, (long long)s.support);
    }
}

static ocellus_status
draw(const ocellus_metrics *metrics, const ocellus_dataset *data)
{
    int classes = ocellus_metrics_classes(metrics);
    const char **names = cmd_class_names(data);
    ocellus_status status = ocellus_draw_confusion(
        picture, NULL, ocellus_metrics_confusion(metrics), classes,
        classes == ocellus_dataset_classes(data) ? names : NULL);
    free(names);
    return status;
}

static ocellus_status
report_forecast(ocellus_dataset *data)
{
    double naive = forecast.naive / (double)forecast.count;
    if (cmd_json)
        return cmd_print_json(cmd_forecast_json(&forecast, data));
    printf("windows          %lld\nRMSE             %.6g\n"
           "the last number  %.6g\n",
           (long long)forecast.count,
           cmd_forecast_unit(cmd_forecast_loss(&forecast), data),
           cmd_forecast_unit(naive, data));
    return OCELLUS_OK;
}

static ocellus_status
report(const ocellus_metrics *metrics, ocellus_dataset *data)
{
    cmd_progress_clear();
    if (cmd_forecasts(data))
        return report_forecast(data);
    if (picture != NULL)
        CMD_TRY(draw(metrics, data));
    if (cmd_json)
        return cmd_print_json(cmd_score_json(metrics, data));
    print(metrics, data);
    return OCELLUS_OK;
}

static ocellus_status
open_data(const struct judge *j, ocellus_dataset **data)
{
    const char *kept =
        ocellus_graph_get_metadata(j->graph, "ocellus.transform");
    if (samples.transform == NULL)
        samples.transform = kept;
    if (cmd_model_is_sequence(j->graph))
        CMD_TRY(cmd_samples_open_sequences(&samples, (uint64_t)seed, j->graph,
                                           data));
    else
        CMD_TRY(cmd_samples_open(&samples, (uint64_t)seed, &j->image, data));
    if (ocellus_dataset_classes(*data) > j->classes && j->classes > 0)
        return cmd_fail(
            OCELLUS_BAD_DATA, "%s has %d classes, the model tells %d apart",
            samples.data, ocellus_dataset_classes(*data), j->classes);
    if (ocellus_dataset_classes(*data) < j->classes && !cmd_forecasts(*data))
        cmd_say("%s has %d classes, the model %d: they are taken for its first "
                "ones",
                samples.data, ocellus_dataset_classes(*data), j->classes);
    return cmd_model_is_sequence(j->graph) ? OCELLUS_OK : normalize(j, *data);
}

static ocellus_status
evaluate(struct judge *j, const char *model, ocellus_dataset **data,
         ocellus_loader **loader, ocellus_metrics **metrics)
{
    ocellus_split split = OCELLUS_TEST;
    ocellus_loader_options options = {
        .size = sizeof options, .batch = batch_size, .threads = (int)threads};
    CMD_TRY(find_split(&split));
    CMD_TRY(judge_open(j, model, batch_size));
    CMD_TRY(open_data(j, data));
    if (ocellus_dataset_count(*data, split) == 0)
        return cmd_fail(OCELLUS_BAD_DATA, "%s has no %s %s", samples.data,
                        split_name, cmd_unit(*data));
    CMD_TRY(ocellus_metrics_create(
        j->classes > 0 ? j->classes : ocellus_dataset_classes(*data), metrics));
    options.axes = cmd_samples_axes(*data, j->graph);
    CMD_TRY(ocellus_loader_create(*data, split, &options, loader));
    CMD_TRY(over_all(j, *data, *loader, *metrics));
    return report(*metrics, *data);
}

static ocellus_status
run(int count, char **words)
{
    struct judge j = {0};
    ocellus_dataset *data = NULL;
    ocellus_loader *loader = NULL;
    ocellus_metrics *metrics = NULL;
    (void)count;
    cmd_catch();
    ocellus_status status = evaluate(&j, words[0], &data, &loader, &metrics);
    ocellus_metrics_destroy(metrics);
    ocellus_loader_destroy(loader);
    ocellus_dataset_destroy(data);
    cmd_samples_free(&samples);
    judge_close(&j);
    return status;
}

static const struct cmd_option options[] = {
    CMD_SAMPLES(samples),
    {"split", CMD_TEXT, &split_name, "S", "train, validation or test (test)", 0,
     0},
    {"validation", CMD_REAL, &samples.validation, "F",
     "as in the training, for --split validation", 0, 0.9},
    {"seed", CMD_WHOLE, &seed, "N", "likewise", 0, 9e15},
    {"batch", CMD_WHOLE, &batch_size, "N", "images a step (64)", 1, 1 << 20},
    {"mean", CMD_TEXT, &mean_text, "M,...",
     "taken off each channel, where the model does not say: "
     "0.485,0.456,0.406",
     0, 0},
    {"std", CMD_TEXT, &std_text, "S,...", "each channel is divided by", 0, 0},
    {"threads", CMD_WHOLE, &threads, "N", "that read images", 0, 256},
    {"confusion", CMD_TEXT, &picture, "FILE",
     "draw the confusion matrix as a PNG", 0, 0},
    CMD_WEIGHTS,
    CMD_PRECISION,
    CMD_DEVICE,
    CMD_JSON,
    CMD_QUIET,
    CMD_END};

const struct cmd cmd_eval = {
    .name = "eval",
    .arguments = "MODEL",
    .brief = "measures a model on labelled images",
    .what = "Measures a model on labelled images: accuracy, precision, recall, "
            "F1 (means over the classes) and the confusion matrix, of the test "
            "images.",
    .least = 1,
    .most = 1,
    .options = options,
    .more = "example:\n  ocellus eval run/model.onnx --data mnist --json\n",
    .run = run,
};

/* train.c - `ocellus train`. */
#include "cmd/score.h"
#include "cmd/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct train_options o = {
    .epochs = 10, .batch = 64, .accumulate = 1, .minutes = 5};

static const struct cmd_option options[] = {
    CMD_SAMPLES(o.samples),
    {"validation", CMD_REAL, &o.samples.validation, "F",
     "fraction of the training images kept apart, by which epochs are judged; "
     "the best epoch is then kept as best.onnx",
     0, 0.9},
    {"epochs", CMD_WHOLE, &o.epochs, "N", "passes over the data (10)", 1, 1e6},
    {"batch", CMD_WHOLE, &o.batch, "N", "images a step (64)", 1, 1 << 20},
    {"optimizer", CMD_TEXT, &o.optimizer, "O",
     "\"sgd lr=0.1 momentum=0.9 weight_decay=0.0005 nesterov\", \"adam "
     "lr=0.001\", adamw or rmsprop; without it, what suits the net",
     0, 0},
    {"schedule", CMD_TEXT, &o.schedule, "S",
     "of the learning rate: constant, \"step every=30 gamma=0.1\", \"cosine "
     "warmup=1\" or onecycle",
     0, 0},
    {"augment", CMD_TEXT, &o.augment, "A",
     "random steps for training images: \"pad-crop=4 flip cutout=8 mixup=0.2\"",
     0, 0},
    {"label-smoothing", CMD_REAL, &o.label_smoothing, "F",
     "share of the target given to all classes alike", 0, 0.999},
    {"classes", CMD_WHOLE, &o.classes, "N",
     "classes of the last layer; made anew where a model file has others; "
     "without it, those of the data",
     1, 1 << 20},
    {"freeze", CMD_FLAG, &o.freeze, NULL, "train nothing but the last layer", 0,
     0},
    {"clip", CMD_REAL, &o.clip, "F", "most norm of the gradient", 0, INFINITY},
    {"accumulate", CMD_WHOLE, &o.accumulate, "N",
     "batches whose gradients make one update", 1, 1 << 20},
    {"average", CMD_REAL, &o.average, "F",
     "decay of a moving average of the weights, which is then judged and "
     "kept: 0.999",
     0, 0.9999999},
    {"checkpoint-activations", CMD_WHOLE, &o.segments, "N",
     "1: normalisations, activations and sums are computed again; more: "
     "segments of which only the ends stay in memory (0: what costs next to "
     "no time)",
     0, 10000},
    {"seed", CMD_WHOLE, &o.seed, "N", "of weights, order and augmentation (0)",
     0, 9e15},
    {"threads", CMD_WHOLE, &o.threads, "N",
     "that read and transform images; 0: as many as processors", 0, 256},
    {"out", CMD_TEXT, &o.out, "DIR",
     "where model, checkpoint, history and pictures go (ocellus-run)", 0, 0},
    {"resume", CMD_FLAG, &o.resume, NULL,
     "go on with the training in --out, with its options", 0, 0},
    {"checkpoint-minutes", CMD_REAL, &o.minutes, "F",
     "between checkpoints within an epoch (5)", 0, INFINITY},
    CMD_WEIGHTS,
    CMD_PRECISION,
    CMD_DEVICE,
    CMD_JSON,
    CMD_QUIET,
    CMD_END};

/* With --validation the epochs were judged by other images than these. */
static ocellus_status
judge_by_test(struct train *t)
{
    ocellus_loader_options all = {
        .size = sizeof all, .batch = o.batch, .axes = t->axes};
    ocellus_loader *loader;
    if (ocellus_dataset_count(t->data, OCELLUS_TEST) == 0)
        return t->judge ? train_judge(t, t->judge) : OCELLUS_OK;
    CMD_TRY(ocellus_loader_create(t->data, OCELLUS_TEST, &all, &loader));
    ocellus_status status = train_judge(t, loader);
    ocellus_loader_destroy(loader);
    return status;
}

static void
say_result(const struct train *t)
{
    long long count = ocellus_metrics_count(t->metrics);
    const struct cmd_forecast *f = &t->forecast;
    if (f->count > 0)
        cmd_say("RMSE %.4g on %lld windows, %.4g by taking the last number; "
                "see %s/curves.png, model.onnx",
                cmd_forecast_unit(cmd_forecast_loss(f), t->data),
                (long long)f->count,
                cmd_forecast_unit(f->naive / (double)f->count, t->data), o.out);
    else if (t->labels > 1 && count > 0)
        cmd_say("%.4f nats a character, accuracy %.4f on %lld characters; see "
                "%s/curves.png, confusion.png, model.onnx",
                ocellus_metrics_loss(t->metrics),
                ocellus_metrics_accuracy(t->metrics), count, o.out);
    else if (count > 0)
        cmd_say("accuracy %.4f on %lld %s; see %s/curves.png, confusion.png, "
                "model.onnx",
                ocellus_metrics_accuracy(t->metrics), count, cmd_unit(t->data),
                o.out);
}

static ocellus_status
report(struct train *t)
{
    say_result(t);
    if (!cmd_json)
        return OCELLUS_OK;
    int rows = ocellus_history_count(t->history);
    const ocellus_history_row *last =
        rows > 0 ? ocellus_history_rows(t->history) + rows - 1 : NULL;
    json_t *result = t->forecasts ? cmd_forecast_json(&t->forecast, t->data)
                                  : cmd_score_json(t->metrics, t->data);
    json_object_set_new(result, "epochs", json_integer(t->epoch));
    json_object_set_new(result, "steps",
                        json_integer(ocellus_trainer_step_count(t->trainer)));
    json_object_set_new(result, "train_loss",
                        cmd_real(last ? last->train_loss : NAN));
    json_object_set_new(result, "images_per_second",
                        cmd_real(last ? last->images_per_second : NAN));
    json_object_set_new(result, "out", json_string(o.out));
    return cmd_print_json(result);
}

static ocellus_status
train(struct train *t)
{
    CMD_TRY(train_open(t));
    CMD_TRY(train_run(t));
    if (t->judged == OCELLUS_VALIDATION ||
        ocellus_metrics_count(t->metrics) + t->forecast.count == 0)
        CMD_TRY(judge_by_test(t));
    return report(t);
}

static ocellus_status
run(int count, char **words)
{
    struct train t = {.options = &o, .table = options};
    json_t *lender = NULL;
    ocellus_status status = OCELLUS_OK;
    o.net = count > 0 ? words[0] : NULL;
    if (o.out == NULL)
        o.out = "ocellus-run";
    if (o.resume)
        status = train_read_options(o.out, options, &o.net, &lender);
    if (status == OCELLUS_OK && o.net == NULL)
        status = cmd_fail(OCELLUS_BAD_ARGUMENT,
                          "which net? `ocellus train lenet5 --data DIR`, or "
                          "--resume to go on");
    if (status == OCELLUS_OK) {
        train_defaults(&o);
        cmd_catch();
        status = train(&t);
        if (status == OCELLUS_OUT_OF_DEVICE_MEMORY)
            cmd_say("a --batch below %lld takes less memory, and so does "
                    "--checkpoint-activations 8",
                    (long long)o.batch);
        train_close(&t);
    }
    json_decref(lender);
    return status;
}

const struct cmd cmd_train = {
    .name = "train",
    .arguments = "NET|MODEL",
    .brief = "trains a named net, or a model file, on labelled images or texts",
    .what = "Trains a named net, or a model file, on labelled images, texts or "
            "a series of numbers.",
    .least = 0,
    .most = 1,
    .options = options,
    .more =
        "nets: mlp lenet5 resnet20 resnet32 resnet56 vgg11 vgg16 alexnet\n"
        "      squeezenet mobilenetv2 resnet18 resnet34 resnet50 unet;\n"
        "      charlstm (of a text), namelstm (of lines in files, one a "
        "class),\n"
        "      serieslstm (of a table's last column)\n\n"
        "--out holds, after each epoch: model.onnx, checkpoint, run.json (the\n"
        "options), history.csv, history.jsonl, curves.png, confusion.png.\n"
        "Ctrl-C keeps all and stops; a second one stops at once.\n\n"
        "examples:\n"
        "  ocellus train lenet5 --data mnist --epochs 5 --out run\n"
        "  ocellus train --resume --out run\n"
        "  ocellus train resnet20 --data cifar10 --epochs 60 --batch 128 \\\n"
        "      --augment \"pad-crop=4 flip\" --label-smoothing 0.1\n"
        "  ocellus train resnet18 --data photos --transform \"resize=256 "
        "crop=224\" \\\n"
        "      --augment flip --validation 0.1 --average 0.999\n"
        "  ocellus train charlstm --data book.txt --batch 32 --clip 5\n",
    .run = run,
};

/* train_open.c - from options to a trainer that stands where it should. */
#include "cmd/train.h"

#include <stdio.h>
#include <string.h>

/* A net of sequences for this data: what it reads, and how many characters. */
static ocellus_status
fit_net(const struct train *t, struct cmd_image *image)
{
    const char *net = t->options->net, *takes = ocellus_net_takes(net);
    const char *format = ocellus_dataset_format(t->data);
    int characters = cmd_characters(ocellus_dataset_vocabulary(t->data));
    int of_images = strcmp(cmd_unit(t->data), "images") == 0;
    if (takes == NULL)
        return OCELLUS_OK;
    if (strcmp(takes, of_images ? "images" : format) != 0)
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "%s is made for %s; %s was read as %s", net, takes,
                        t->options->samples.data, format);
    if (characters > 0)
        image->chw[0] = characters;
    return OCELLUS_OK;
}

/* A model that was trained before goes on with images as it knows them. */
static ocellus_status
open_graph_of_file(struct train *t)
{
    struct train_options *o = t->options;
    struct cmd_image want;
    float mean[CMD_MOST_CHANNELS], std[CMD_MOST_CHANNELS];
    int64_t chw[3];
    int found;
    CMD_TRY(cmd_model_open(o->net, NULL, 0, 0, &t->graph));
    CMD_TRY(cmd_model_batch(&t->graph, -1));
    if (o->samples.transform == NULL)
        o->samples.transform =
            ocellus_graph_get_metadata(t->graph, "ocellus.transform");
    if (cmd_model_is_sequence(t->graph))
        return cmd_samples_open_sequences(&o->samples, (uint64_t)o->seed,
                                          t->graph, &t->data);
    CMD_TRY(cmd_model_image(t->graph, &want));
    CMD_TRY(cmd_samples_open(&o->samples, (uint64_t)o->seed, &want, &t->data));
    ocellus_dataset_shape(t->data, chw);
    if (chw[0] > CMD_MOST_CHANNELS)
        return OCELLUS_OK;
    CMD_TRY(cmd_model_normalization(t->graph, (int)chw[0], mean, std, &found));
    return found ? ocellus_dataset_set_normalization(t->data, mean, std)
                 : OCELLUS_OK;
}

static ocellus_status
open_graph(struct train *t)
{
    struct train_options *o = t->options;
    struct cmd_image image, usual;
    int classes;
    if (!cmd_net_defaults(o->net, &usual, &classes) &&
        strpbrk(o->net, "./") != NULL)
        return open_graph_of_file(t);
    CMD_TRY(cmd_samples_open(&o->samples, (uint64_t)o->seed, NULL, &t->data));
    ocellus_dataset_shape(t->data, image.chw);
    if (image.chw[1] == 0) { /* images of many sizes */
        ocellus_dataset_destroy(t->data);
        t->data = NULL;
        usual.chw[0] = image.chw[0];
        CMD_TRY(
            cmd_samples_open(&o->samples, (uint64_t)o->seed, &usual, &t->data));
        ocellus_dataset_shape(t->data, image.chw);
    }
    CMD_TRY(fit_net(t, &image));
    classes = ocellus_dataset_classes(t->data);
    return cmd_model_open(o->net, &image, classes > 0 ? classes : 1,
                          (uint64_t)o->seed, &t->graph);
}

static ocellus_status
open_loaders(struct train *t)
{
    const struct train_options *o = t->options;
    ocellus_loader_options options = {.size = sizeof options,
                                      .batch = o->batch,
                                      .shuffle = 1,
                                      .seed = (uint64_t)o->seed,
                                      .augment = o->augment,
                                      .threads = (int)o->threads,
                                      .epochs = o->epochs,
                                      .axes = t->axes};
    CMD_TRY(
        ocellus_loader_create(t->data, OCELLUS_TRAIN, &options, &t->loader));
    t->judged = ocellus_dataset_count(t->data, OCELLUS_VALIDATION) > 0
                    ? OCELLUS_VALIDATION
                    : OCELLUS_TEST;
    if (ocellus_dataset_count(t->data, t->judged) == 0)
        return OCELLUS_OK;
    options.shuffle = 0;
    options.augment = NULL;
    options.epochs = 0;
    return ocellus_loader_create(t->data, t->judged, &options, &t->judge);
}

static ocellus_status
open_trainer(struct train *t)
{
    const struct train_options *o = t->options;
    int64_t updates = ocellus_loader_batches(t->loader) / o->accumulate;
    ocellus_trainer_options options = {
        .size = sizeof options,
        .loss = t->forecasts    ? "mse"
                : t->labels > 1 ? "sequence_cross_entropy"
                                : NULL,
        .label_smoothing = (float)o->label_smoothing,
        .optimizer = o->optimizer,
        .schedule = o->schedule,
        .epochs = (double)o->epochs,
        .steps_per_epoch = updates > 0 ? updates : 1,
        .clip = (float)o->clip,
        .accumulate = (int)o->accumulate,
        .average = (float)o->average,
        .checkpoint = (int)o->segments,
        .mixup = o->augment &&
                 (strstr(o->augment, "mixup") || strstr(o->augment, "cutmix")),
        .seed = (uint64_t)o->seed};
    return ocellus_trainer_create(t->device, t->graph, &options, &t->trainer);
}

/* What a sample is like. */
static void
describe_sample(const struct train *t, char text[80])
{
    const char *vocabulary = ocellus_dataset_vocabulary(t->data);
    int64_t chw[3];
    ocellus_loader_shape(t->loader, chw);
    if (vocabulary != NULL)
        snprintf(text, 80, "up to %lld of %d characters", (long long)chw[2],
                 cmd_characters(vocabulary));
    else if (t->forecasts)
        snprintf(text, 80, "%lld numbers", (long long)chw[2]);
    else
        snprintf(text, 80, "%lld x %lld x %lld", (long long)chw[0],
                 (long long)chw[1], (long long)chw[2]);
}

static void
describe(const struct train *t)
{
    char sample[80];
    describe_sample(t, sample);
    long long apart = ocellus_dataset_count(t->data, OCELLUS_VALIDATION);
    char validation[48] = "";
    if (apart > 0)
        snprintf(validation, sizeof validation, " %lld validation", apart);
    cmd_say("data: %s, %lld training%s %lld test %s, %s, %d classes",
            ocellus_dataset_format(t->data),
            (long long)ocellus_dataset_count(t->data, OCELLUS_TRAIN),
            validation, (long long)ocellus_dataset_count(t->data, OCELLUS_TEST),
            cmd_unit(t->data), sample, ocellus_dataset_classes(t->data));
    cmd_say("net: %s, %lld parameters; %s; %s; batch %lld", t->options->net,
            (long long)ocellus_graph_parameter_count(t->graph),
            t->options->optimizer, t->options->schedule,
            (long long)t->options->batch);
}

static ocellus_status
check_data(const struct train *t)
{
    int classes = ocellus_dataset_classes(t->data);
    if (ocellus_dataset_count(t->data, OCELLUS_TRAIN) == 0)
        return cmd_fail(OCELLUS_BAD_DATA, "%s has no training %s",
                        t->options->samples.data, cmd_unit(t->data));
    if (t->forecasts)
        return OCELLUS_OK;
    if (t->classes < classes)
        return cmd_fail(OCELLUS_BAD_DATA,
                        "the data has %d classes, the net tells %d apart",
                        classes, t->classes);
    if (classes < 2)
        return cmd_fail(OCELLUS_BAD_DATA,
                        "%s has %d class: nothing can be told apart",
                        t->options->samples.data, classes);
    return OCELLUS_OK;
}

/* Random steps may change the size of images. */
static ocellus_status
check_image(const struct train *t)
{
    struct cmd_image want;
    int64_t chw[3];
    if (cmd_model_is_sequence(t->graph))
        return OCELLUS_OK;
    CMD_TRY(cmd_model_image(t->graph, &want));
    ocellus_loader_shape(t->loader, chw);
    for (int k = 0; k < 3; k++)
        if (want.chw[k] > 0 && want.chw[k] != chw[k])
            return cmd_fail(
                OCELLUS_BAD_ARGUMENT,
                "--augment \"%s\" makes images of %lld x %lld x %lld; %s takes "
                "%lld x %lld x %lld",
                t->options->augment ? t->options->augment : "",
                (long long)chw[0], (long long)chw[1], (long long)chw[2],
                t->options->net, (long long)want.chw[0], (long long)want.chw[1],
                (long long)want.chw[2]);
    return OCELLUS_OK;
}

/* A model from elsewhere for the classes of this data. */
static ocellus_status
fit_head(struct train *t)
{
    const struct train_options *o = t->options;
    int wanted =
        o->classes ? (int)o->classes : ocellus_dataset_classes(t->data);
    ocellus_graph *copy;
    if (t->forecasts)
        return OCELLUS_OK;
    if (!o->freeze && t->classes == wanted)
        return OCELLUS_OK;
    if (t->classes != wanted)
        cmd_say("the net tells %d classes apart: its last layer is made anew "
                "for %d",
                t->classes, wanted);
    CMD_TRY(ocellus_graph_with_head(t->graph, wanted, o->freeze, &copy));
    ocellus_graph_destroy(t->graph);
    t->graph = copy;
    return cmd_model_classes(t->graph, &t->classes);
}

static void
take_labels(struct train *t)
{
    t->labels = ocellus_dataset_labels(t->data, NULL);
    t->forecasts = cmd_forecasts(t->data);
}

ocellus_status
train_open(struct train *t)
{
    struct train_options *o = t->options;
    t->best = -1;
    if (o->augment != NULL)
        CMD_TRY(ocellus_transform_check(o->augment));
    CMD_TRY(open_graph(t));
    take_labels(t);
    CMD_TRY(cmd_model_classes(t->graph, &t->classes));
    CMD_TRY(fit_head(t));
    CMD_TRY(check_data(t));
    t->axes = cmd_samples_axes(t->data, t->graph);
    CMD_TRY(open_loaders(t));
    CMD_TRY(check_image(t));
    CMD_TRY(ocellus_metrics_create(t->classes, &t->metrics));
    CMD_TRY(train_folder(t));
    CMD_TRY(cmd_open_device(&t->device));
    describe(t);
    CMD_TRY(open_trainer(t));
    ocellus_graph_destroy(t->graph);
    t->graph = NULL;
    if (o->resume)
        CMD_TRY(train_take(t));
    return ocellus_loader_start(t->loader, t->epoch, t->position);
}

void
train_close(struct train *t)
{
    ocellus_history_destroy(t->history);
    ocellus_metrics_destroy(t->metrics);
    ocellus_loader_destroy(t->judge);
    ocellus_loader_destroy(t->loader);
    ocellus_trainer_destroy(t->trainer);
    ocellus_graph_destroy(t->graph);
    ocellus_dataset_destroy(t->data);
    ocellus_device_close(t->device);
    cmd_samples_free(&t->options->samples);
}

/* demo.c - `ocellus demo`: a training that needs nothing, and pictures of it.
 */
#include "cmd/score.h"
#include "cmd/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct train_options o = {.net = "lenet5",
                                 .samples = {.data = "digits"},
                                 .out = "ocellus-demo",
                                 .epochs = 8,
                                 .batch = 64,
                                 .seed = 1,
                                 .accumulate = 1,
                                 .minutes = 5};

/* ---- sheets -----------------------------------------------------------------
 */

#define MOST 63 /* seven rows of nine */

struct pick {
    float *image, confidence[MOST];
    int64_t prediction[MOST], label[MOST];
    int count, wrong_only;
    size_t size; /* floats an image */
};

static void
pick_from(struct pick *pick, const ocellus_batch *batch, const float *score,
          int classes, double *p)
{
    const float *x = ocellus_tensor_data(batch->x);
    const int64_t *label = ocellus_tensor_data(batch->labels);
    for (int64_t k = 0; k < batch->count && pick->count < MOST; k++) {
        const float *row = score + k * classes;
        int best = cmd_largest(row, classes), n = pick->count;
        if (pick->wrong_only && best == label[k])
            continue;
        cmd_probabilities(row, classes, p);
        memcpy(pick->image + (size_t)n * pick->size, x + (size_t)k * pick->size,
               pick->size * sizeof(float));
        pick->prediction[n] = best;
        pick->label[n] = label[k];
        pick->confidence[n] = (float)p[best];
        pick->count++;
    }
}

static ocellus_status
pick_all(struct train *t, struct pick *pick, double *p)
{
    const ocellus_batch *batch;
    const ocellus_tensor *y;
    CMD_TRY(ocellus_loader_start(t->judge, 0, 0));
    while (pick->count < MOST) {
        CMD_TRY(ocellus_loader_next(t->judge, &batch));
        if (batch == NULL)
            break;
        CMD_TRY(ocellus_trainer_predict(t->trainer, batch->x, &y));
        pick_from(pick, batch, ocellus_tensor_data(y), t->classes, p);
    }
    return OCELLUS_OK;
}

static ocellus_status
draw(struct train *t, const struct pick *pick, const char *name,
     const char *title, const int64_t chw[3])
{
    char *path = train_path(t, name);
    const char **names = cmd_class_names(t->data);
    ocellus_sheet sheet = {.count = pick->count,
                           .channels = (int)chw[0],
                           .height = (int)chw[1],
                           .width = (int)chw[2],
                           .images = pick->image,
                           .predictions = pick->prediction,
                           .labels = pick->label,
                           .confidences = pick->confidence,
                           .classes = ocellus_dataset_classes(t->data),
                           .names = names};
    ocellus_status status =
        path && names ? ocellus_draw_sheet(path, title, &sheet)
                      : cmd_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a path");
    free(names);
    free(path);
    return status;
}

/* *count: images on it; 0, and no file, where there is none to show. */
static ocellus_status
sheet_of(struct train *t, int wrong_only, const char *name, const char *title,
         int *count)
{
    struct pick pick = {.wrong_only = wrong_only};
    int64_t chw[3];
    ocellus_loader_shape(t->judge, chw);
    pick.size = (size_t)(chw[0] * chw[1] * chw[2]);
    pick.image = calloc(pick.size * MOST, sizeof(float));
    double *p = calloc((size_t)t->classes, sizeof(*p));
    ocellus_status status =
        pick.image && p
            ? pick_all(t, &pick, p)
            : cmd_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %d images", MOST);
    if (status == OCELLUS_OK && pick.count > 0)
        status = draw(t, &pick, name, title, chw);
    *count = pick.count;
    free(p);
    free(pick.image);
    return status;
}

/* ---- the demonstration
 * --------------------------------------------------------- */

static void
tell(const struct train *t, double seconds, int sheet, int mistakes)
{
    char clock[24];
    printf("\n%s%.2f%% of %lld test images are read right%s, after %s "
           "minutes.\nLook at, in %s:\n",
           cmd_colour("bold"), 100 * ocellus_metrics_accuracy(t->metrics),
           (long long)ocellus_metrics_count(t->metrics), cmd_colour(""),
           cmd_clock(seconds, clock), o.out);
    if (ocellus_can_draw()) {
        puts("  curves.png     how loss and accuracy went");
        puts("  confusion.png  which classes are taken for which");
        if (sheet > 0)
            puts("  sheet.png      test images and what the net takes them "
                 "for");
        if (mistakes > 0)
            puts("  mistakes.png   the ones that it got wrong");
    } else {
        puts("  (no pictures: this copy was built without cairo)");
    }
    puts("  model.onnx     the net, for `ocellus predict` or any other "
         "ONNX program");
    puts("  history.csv    the numbers behind the curves");
    printf("\nNow with real data:\n  ocellus train lenet5 --data DIR "
           "--epochs 5     (MNIST's four files in DIR)\n  ocellus eval "
           "%s/model.onnx --data digits\n",
           o.out);
}

static ocellus_status
show(struct train *t, double begin)
{
    int sheet = 0, mistakes = 0;
    if (t->judge != NULL && ocellus_can_draw()) {
        CMD_TRY(sheet_of(t, 0, "sheet.png", "test images", &sheet));
        CMD_TRY(sheet_of(t, 1, "mistakes.png", "what was taken for another",
                         &mistakes));
    }
    if (cmd_json) {
        json_t *result = cmd_score_json(t->metrics, t->data);
        json_object_set_new(result, "out", json_string(o.out));
        json_object_set_new(result, "seconds", cmd_real(cmd_now() - begin));
        return cmd_print_json(result);
    }
    tell(t, cmd_now() - begin, sheet, mistakes);
    return OCELLUS_OK;
}

static ocellus_status
run(int count, char **words)
{
    struct train t = {.options = &o};
    double begin = cmd_now();
    (void)count, (void)words;
    cmd_catch();
    train_defaults(&o);
    if (strcmp(o.samples.data, "digits") == 0)
        cmd_say("drawing 24000 digits and teaching %s to read them; this "
                "takes about a minute",
                o.net);
    ocellus_status status = train_open(&t);
    if (status == OCELLUS_OK)
        status = train_run(&t);
    if (status == OCELLUS_OK)
        status = show(&t, begin);
    train_close(&t);
    return status;
}

static const struct cmd_option options[] = {
    CMD_SAMPLES(o.samples),
    {"net", CMD_TEXT, &o.net, "NET", "another net (lenet5)", 0, 0},
    {"epochs", CMD_WHOLE, &o.epochs, "N", "passes over the data (8)", 1, 1e6},
    {"seed", CMD_WHOLE, &o.seed, "N", "of digits, weights and order (1)", 0,
     9e15},
    {"out", CMD_TEXT, &o.out, "DIR", "where all goes (ocellus-demo)", 0, 0},
    CMD_DEVICE,
    CMD_JSON,
    CMD_QUIET,
    CMD_END};

const struct cmd cmd_demo = {
    .name = "demo",
    .arguments = "",
    .brief = "draws digits, learns to read them, and leaves pictures of it",
    .what = "Draws digits like handwriting, trains a small net to read them, "
            "and leaves pictures of how it went.",
    .options = options,
    .more = "examples:\n  ocellus demo\n  ocellus demo --data mnist --out "
            "mnist-demo\n",
    .run = run,
};

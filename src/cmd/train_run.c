/* train_run.c - the epochs. */
#include "cmd/score.h"
#include "cmd/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- what the user sees ----------------------------------------------------
 */

/* Seconds that the rest of all epochs takes at this epoch's pace. */
static double
time_left(const struct train *t, double seconds)
{
    double count = (double)ocellus_loader_count(t->loader);
    double epochs = (double)(t->options->epochs - t->epoch);
    return seconds / (double)(t->position - t->unpaced) *
           (epochs * count - (double)t->position);
}

/* "56.25%", or how far forecasts are off in the data's unit. */
static const char *
quality(const struct train *t, double loss, double accuracy, char text[32])
{
    if (t->forecasts)
        snprintf(text, 32, "RMSE %.4g", cmd_forecast_unit(loss, t->data));
    else
        snprintf(text, 32, "%5.2f%%", 100 * accuracy);
    return text;
}

static void
show_progress(struct train *t)
{
    char left[24], good[32], line[160];
    double now = cmd_now(), seconds = t->part + now - t->began;
    double pause = cmd_live() ? 0.1 : 30;
    if (now - t->told < pause || t->position <= t->unpaced)
        return;
    t->told = now;
    snprintf(line, sizeof line,
             "epoch %lld/%lld  %3.0f%%  loss %.4f  %s  %.0f %s/s  "
             "%s left",
             (long long)t->epoch + 1, (long long)t->options->epochs,
             100 * (double)t->position /
                 (double)ocellus_loader_count(t->loader),
             t->loss / (double)t->position,
             quality(t, t->loss / (double)t->position,
                     t->right / (double)t->position, good),
             (double)(t->position - t->unpaced) / seconds, cmd_unit(t->data),
             cmd_clock(time_left(t, seconds), left));
    if (cmd_live())
        cmd_progress("%s", line);
    else
        cmd_say("%s", line);
}

static void
show_epoch(const struct train *t, const ocellus_history_row *row)
{
    char clock[24], good[32], line[200];
    int used = snprintf(line, sizeof line, "epoch %*lld/%lld  loss %.4f  %s",
                        t->options->epochs > 99  ? 3
                        : t->options->epochs > 9 ? 2
                                                 : 1,
                        (long long)row->epoch, (long long)t->options->epochs,
                        row->train_loss,
                        quality(t, row->train_loss, row->train_accuracy, good));
    if (t->judge != NULL)
        used += snprintf(
            line + used, sizeof line - (size_t)used, "  %s %.4f  %s",
            t->judged == OCELLUS_TEST ? "test" : "validation", row->test_loss,
            quality(t, row->test_loss, row->test_accuracy, good));
    snprintf(line + used, sizeof line - (size_t)used, "  %.0f %s/s  %s",
             row->images_per_second, cmd_unit(t->data),
             cmd_clock(row->seconds, clock));
    if (cmd_json) {
        cmd_say("%s", line);
        return;
    }
    cmd_progress_clear();
    puts(line);
    fflush(stdout);
}

/* ---- an epoch -------------------------------------------------------------
 */

static double
count_right(const struct train *t, const ocellus_tensor *y,
            const ocellus_batch *batch)
{
    const float *score = ocellus_tensor_data(y);
    const int64_t *label = ocellus_tensor_data(batch->labels);
    const int64_t *other =
        batch->labels2 ? ocellus_tensor_data(batch->labels2) : label;
    double mix = batch->labels2 ? (double)batch->lambda : 1, right = 0;
    int64_t count = t->forecasts ? 0 : batch->count * t->labels;
    for (int64_t k = 0; k < count; k++, score += t->classes) {
        int best = cmd_largest(score, t->classes);
        right += mix * (best == label[k]) + (1 - mix) * (best == other[k]);
    }
    return right / t->labels;
}

static ocellus_status
step(struct train *t, const ocellus_batch *batch)
{
    const ocellus_tensor *y;
    float loss;
    t->rate = ocellus_trainer_learning_rate(t->trainer);
    CMD_TRY(ocellus_trainer_step(t->trainer, batch->x, batch->labels,
                                 batch->labels2, batch->lambda, &loss));
    if (!isfinite(loss))
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "the loss is %s in epoch %lld after %lld %s: the "
                        "learning rate (now %g) is too large; try --optimizer "
                        "with a tenth of its lr, or --clip 1",
                        isnan(loss) ? "no number" : "infinite",
                        (long long)t->epoch + 1, (long long)t->position,
                        cmd_unit(t->data), t->rate);
    CMD_TRY(ocellus_trainer_get_output(t->trainer, &y));
    t->loss += (double)loss * (double)batch->count;
    t->right += count_right(t, y, batch);
    t->position = batch->position;
    return OCELLUS_OK;
}

static ocellus_status
keep_now(struct train *t)
{
    double now = cmd_now();
    t->part += now - t->began;
    t->began = t->kept = now;
    return train_keep(t);
}

static ocellus_status
stop(struct train *t)
{
    cmd_progress_clear();
    CMD_TRY(keep_now(t));
    CMD_TRY(train_keep_model(t, "model.onnx"));
    return cmd_fail(OCELLUS_CANCELLED,
                    "stopped in epoch %lld after %lld of %lld %s; go on "
                    "with: ocellus train --resume --out %s",
                    (long long)t->epoch + 1, (long long)t->position,
                    (long long)ocellus_loader_count(t->loader),
                    cmd_unit(t->data), t->options->out);
}

/* The first step builds kernels, which says nothing about speed. */
static void
leave_out_building(struct train *t, int64_t count)
{
    double now = cmd_now();
    if (t->built)
        return;
    t->built = 1;
    t->building = now - t->began;
    t->unpaced = count;
    t->began = now;
}

/* The samples of this epoch that are left. */
static ocellus_status
train_epoch(struct train *t)
{
    const ocellus_batch *batch;
    ocellus_status status;
    t->began = cmd_now();
    for (;;) {
        CMD_TRY(ocellus_loader_next(t->loader, &batch));
        if (batch == NULL)
            break;
        status = step(t, batch);
        if (status == OCELLUS_OK && t->history == NULL)
            status = train_begin(t);
        if (cmd_interrupted() && t->position > 0 &&
            (status == OCELLUS_OK || status == OCELLUS_CANCELLED))
            return stop(t);
        CMD_TRY(status);
        leave_out_building(t, batch->count);
        show_progress(t);
        if (cmd_now() - t->kept > 60 * t->options->minutes)
            CMD_TRY(keep_now(t));
    }
    t->part += cmd_now() - t->began;
    return OCELLUS_OK;
}

ocellus_status
train_judge(struct train *t, ocellus_loader *loader)
{
    const ocellus_batch *batch;
    const ocellus_tensor *y;
    ocellus_metrics_clear(t->metrics);
    t->forecast = (struct cmd_forecast){0};
    CMD_TRY(ocellus_loader_start(loader, 0, 0));
    for (;;) {
        CMD_TRY(ocellus_loader_next(loader, &batch));
        if (batch == NULL)
            return OCELLUS_OK;
        CMD_TRY(ocellus_trainer_predict(t->trainer, batch->x, &y));
        CMD_TRY(t->forecasts ? cmd_forecast_add(&t->forecast, y, batch)
                             : cmd_score(t->metrics, y, batch));
        if (cmd_interrupted())
            return cmd_stopped();
        cmd_progress("epoch %lld/%lld  testing %3.0f%%",
                     (long long)t->epoch + 1, (long long)t->options->epochs,
                     100 * (double)batch->position /
                         (double)ocellus_loader_count(loader));
    }
}

/* ---- the end of an epoch
 * ----------------------------------------------------- */

/* An epoch of one step has only the time that holds the building. */
static double
pace(const struct train *t)
{
    if (t->position > t->unpaced && t->part > 0)
        return (double)(t->position - t->unpaced) / t->part;
    return (double)t->position / (t->part + t->building);
}

static ocellus_status
add_row(struct train *t, double seconds)
{
    double count = (double)t->position;
    ocellus_history_row row = {.epoch = t->epoch + 1,
                               .step = ocellus_trainer_step_count(t->trainer),
                               .train_loss = t->loss / count,
                               .train_accuracy =
                                   t->forecasts ? NAN : t->right / count,
                               .test_loss = NAN,
                               .test_accuracy = NAN,
                               .test_top5 = NAN,
                               .test_f1 = NAN,
                               .learning_rate = t->rate,
                               .images_per_second = pace(t),
                               .seconds = seconds};
    if (t->judge != NULL && t->forecasts) {
        row.test_loss = cmd_forecast_loss(&t->forecast);
    } else if (t->judge != NULL) {
        row.test_loss = ocellus_metrics_loss(t->metrics);
        row.test_accuracy = ocellus_metrics_accuracy(t->metrics);
        row.test_top5 = ocellus_metrics_top_k(t->metrics, 5);
        row.test_f1 = ocellus_metrics_macro(t->metrics).f1;
    }
    CMD_TRY(ocellus_history_add(t->history, &row));
    show_epoch(t, &row);
    return OCELLUS_OK;
}

/* The model before the checkpoint: a kill in between costs no epoch. */
static ocellus_status
end_epoch(struct train *t)
{
    double begin = cmd_now(), accuracy;
    ocellus_status status =
        t->judge != NULL ? train_judge(t, t->judge) : OCELLUS_OK;
    if (status == OCELLUS_CANCELLED && cmd_interrupted()) {
        t->began = cmd_now();
        return stop(t);
    }
    CMD_TRY(status);
    CMD_TRY(add_row(t, t->part + t->building + cmd_now() - begin));
    t->building = 0;
    accuracy = t->forecasts ? 1 / (1 + cmd_forecast_loss(&t->forecast))
                            : ocellus_metrics_accuracy(t->metrics);
    CMD_TRY(train_keep_model(t, "model.onnx"));
    if (t->judge && t->judged == OCELLUS_VALIDATION && accuracy > t->best) {
        t->best = accuracy;
        CMD_TRY(train_keep_model(t, "best.onnx"));
    }
    CMD_TRY(train_draw(t));
    t->epoch++;
    t->position = t->unpaced = 0;
    t->loss = t->right = t->part = 0;
    t->kept = cmd_now();
    return train_keep(t);
}

ocellus_status
train_run(struct train *t)
{
    t->kept = t->told = cmd_now();
    while (t->epoch < t->options->epochs) {
        CMD_TRY(train_epoch(t));
        CMD_TRY(end_epoch(t));
        if (cmd_interrupted() && t->epoch < t->options->epochs)
            return stop(t);
    }
    return t->history == NULL ? train_begin(t) : OCELLUS_OK;
}

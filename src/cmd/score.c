/* score.c - what a net's answers are worth. */
#include "cmd/score.h"

#include <math.h>
#include <stdlib.h>

int
cmd_largest(const float *score, int classes)
{
    int best = 0;
    for (int k = 1; k < classes; k++)
        if (score[k] > score[best])
            best = k;
    return best;
}

static int
are_probabilities(const float *score, int classes)
{
    double sum = 0;
    for (int k = 0; k < classes; k++) {
        if (!(score[k] >= 0) || score[k] > 1)
            return 0;
        sum += (double)score[k];
    }
    return fabs(sum - 1) < 1e-3;
}

void
cmd_probabilities(const float *score, int classes, double *p)
{
    double most = (double)score[cmd_largest(score, classes)], sum = 0;
    int done = are_probabilities(score, classes);
    for (int k = 0; k < classes; k++) {
        p[k] = done ? (double)score[k] : exp((double)score[k] - most);
        sum += p[k];
    }
    for (int k = 0; k < classes; k++)
        p[k] /= sum;
}

ocellus_status
cmd_score(ocellus_metrics *metrics, const ocellus_tensor *y,
          const ocellus_batch *batch)
{
    int classes = ocellus_metrics_classes(metrics);
    size_t count = ocellus_tensor_count(batch->labels);
    const float *score = ocellus_tensor_data(y);
    const int64_t *label = ocellus_tensor_data(batch->labels);
    double loss = 0, *p;
    if (ocellus_tensor_type(y) != OCELLUS_FLOAT ||
        ocellus_tensor_count(y) != count * (size_t)classes)
        return cmd_fail(OCELLUS_BAD_MODEL,
                        "the model gave %zu numbers for %zu labels of %d "
                        "classes",
                        ocellus_tensor_count(y), count, classes);
    p = calloc((size_t)classes, sizeof(*p));
    if (p == NULL)
        return cmd_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %d classes",
                        classes);
    ocellus_status status =
        ocellus_metrics_add_scores(metrics, score, label, count);
    for (size_t k = 0; status == OCELLUS_OK && k < count; k++) {
        cmd_probabilities(score + k * (size_t)classes, classes, p);
        loss -= log(fmax(p[label[k]], 1e-30));
    }
    free(p);
    if (status == OCELLUS_OK)
        ocellus_metrics_add_loss(metrics, loss / (double)count, count);
    return status;
}

static json_t *
confusion_json(const ocellus_metrics *metrics)
{
    int classes = ocellus_metrics_classes(metrics);
    const int64_t *cell = ocellus_metrics_confusion(metrics);
    json_t *rows = json_array();
    for (int r = 0; r < classes; r++) {
        json_t *row = json_array();
        for (int c = 0; c < classes; c++)
            json_array_append_new(row, json_integer(*cell++));
        json_array_append_new(rows, row);
    }
    return rows;
}

json_t *
cmd_score_json(const ocellus_metrics *metrics, const ocellus_dataset *dataset)
{
    ocellus_class_score macro = ocellus_metrics_macro(metrics);
    json_t *o = json_object(), *names = json_array();
    int none = ocellus_metrics_count(metrics) == 0;
    double accuracy = ocellus_metrics_accuracy(metrics);
    json_object_set_new(o, "accuracy", cmd_real(none ? NAN : accuracy));
    json_object_set_new(o, "precision", cmd_real(none ? NAN : macro.precision));
    json_object_set_new(o, "recall", cmd_real(none ? NAN : macro.recall));
    json_object_set_new(o, "f1", cmd_real(none ? NAN : macro.f1));
    json_object_set_new(o, "top5", cmd_real(ocellus_metrics_top_k(metrics, 5)));
    json_object_set_new(o, "loss", cmd_real(ocellus_metrics_loss(metrics)));
    json_object_set_new(o, "images",
                        json_integer(ocellus_metrics_count(metrics)));
    for (int k = 0; k < ocellus_metrics_classes(metrics); k++)
        json_array_append_new(
            names, k < ocellus_dataset_classes(dataset)
                       ? json_string(ocellus_dataset_class_name(dataset, k))
                       : json_sprintf("%d", k));
    json_object_set_new(o, "classes", names);
    json_object_set_new(o, "confusion", confusion_json(metrics));
    return o;
}

const char **
cmd_class_names(const ocellus_dataset *dataset)
{
    int classes = ocellus_dataset_classes(dataset);
    const char **names = calloc((size_t)classes + 1, sizeof(*names));
    for (int k = 0; names != NULL && k < classes; k++)
        names[k] = ocellus_dataset_class_name(dataset, k);
    return names;
}

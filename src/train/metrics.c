/* metrics.c - how well a classifier does: one confusion matrix, and the rest
 * read off it.
 *
 * Only two things cannot be read off the matrix: the loss, and how far down
 * the list of scores the label stood. The second is kept as a count for each
 * rank, which answers every top k.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

#define MOST_CLASSES 32768

struct ocellus_metrics {
    int classes;
    int64_t ignored;
    int64_t *confusion; /* classes x classes: [label][prediction] */
    int64_t *rank;      /* classes: samples with so many likelier classes */
    int64_t count;      /* samples in the matrix */
    int64_t ranked;     /* samples that came with scores */
    double loss;        /* sum over samples */
    double lossed;      /* samples in that sum */
};

ocellus_status
ocellus_metrics_create(int classes, ocellus_metrics **metrics)
{
    ocellus_metrics *m;

    *metrics = NULL;
    if (classes < 1 || classes > MOST_CLASSES)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "metrics over %d classes: 1 to %d are possible", classes,
                       MOST_CLASSES);
    m = calloc(1, sizeof(*m));
    if (m) {
        size_t n = (size_t)classes;

        m->classes = classes;
        m->ignored = INT64_MIN;
        m->confusion = calloc(n * n, sizeof(*m->confusion));
        m->rank = calloc(n, sizeof(*m->rank));
    }
    if (!m || !m->confusion || !m->rank) {
        ocellus_metrics_destroy(m);
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no memory for a confusion matrix of %d classes",
                       classes);
    }
    *metrics = m;
    return OCELLUS_OK;
}

void
ocellus_metrics_destroy(ocellus_metrics *metrics)
{
    if (!metrics)
        return;
    free(metrics->confusion);
    free(metrics->rank);
    free(metrics);
}

void
ocellus_metrics_clear(ocellus_metrics *metrics)
{
    size_t n = (size_t)metrics->classes;

    memset(metrics->confusion, 0, n * n * sizeof(*metrics->confusion));
    memset(metrics->rank, 0, n * sizeof(*metrics->rank));
    metrics->count = 0;
    metrics->ranked = 0;
    metrics->loss = 0;
    metrics->lossed = 0;
}

void
ocellus_metrics_set_ignored_label(ocellus_metrics *metrics, int64_t label)
{
    metrics->ignored = label;
}

/* All of a batch, before any of it is added. */
static ocellus_status
check(const ocellus_metrics *m, const char *what, const int64_t *classes,
      const int64_t *labels, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (labels[i] == m->ignored)
            continue;
        if (classes[i] < 0 || classes[i] >= m->classes)
            return oc_fail(OCELLUS_BAD_DATA,
                           "%s %zu of %zu is %lld, outside of the %d classes "
                           "(0 to %d)",
                           what, i, count, (long long)classes[i], m->classes,
                           m->classes - 1);
    }
    return OCELLUS_OK;
}

static void
add(ocellus_metrics *m, int64_t label, int64_t prediction)
{
    m->confusion[label * m->classes + prediction]++;
    m->count++;
}

static float
score_of(float score)
{
    return isnan(score) ? -INFINITY : score;
}

static int64_t
likeliest(const float *score, int classes)
{
    int best = 0;
    int c;

    for (c = 1; c < classes; c++)
        if (score_of(score[c]) > score_of(score[best]))
            best = c;
    return best;
}

/* How many classes stand before the label; equal ones do with a lower index,
 * so that rank 0 is likeliest() again. */
static int
rank_of(const float *score, int classes, int64_t label)
{
    float own = score_of(score[label]);
    int rank = 0;
    int c;

    for (c = 0; c < classes; c++) {
        float other = score_of(score[c]);

        rank += other > own || (!(other < own) && c < label);
    }
    return rank;
}

ocellus_status
ocellus_metrics_add_scores(ocellus_metrics *metrics, const float *scores,
                           const int64_t *labels, size_t count)
{
    size_t i;

    OC_TRY(check(metrics, "label", labels, labels, count));
    for (i = 0; i < count; i++) {
        const float *score = scores + i * (size_t)metrics->classes;

        if (labels[i] == metrics->ignored)
            continue;
        add(metrics, labels[i], likeliest(score, metrics->classes));
        metrics->rank[rank_of(score, metrics->classes, labels[i])]++;
        metrics->ranked++;
    }
    return OCELLUS_OK;
}

ocellus_status
ocellus_metrics_add_predictions(ocellus_metrics *metrics,
                                const int64_t *predictions,
                                const int64_t *labels, size_t count)
{
    size_t i;

    OC_TRY(check(metrics, "label", labels, labels, count));
    OC_TRY(check(metrics, "prediction", predictions, labels, count));
    for (i = 0; i < count; i++)
        if (labels[i] != metrics->ignored)
            add(metrics, labels[i], predictions[i]);
    return OCELLUS_OK;
}

void
ocellus_metrics_add_loss(ocellus_metrics *metrics, double loss, size_t count)
{
    /* A batch of nothing has no mean: its loss may be NaN. */
    if (count == 0)
        return;
    metrics->loss += loss * (double)count;
    metrics->lossed += (double)count;
}

int
ocellus_metrics_classes(const ocellus_metrics *metrics)
{
    return metrics->classes;
}

int64_t
ocellus_metrics_count(const ocellus_metrics *metrics)
{
    return metrics->count;
}

double
ocellus_metrics_loss(const ocellus_metrics *metrics)
{
    return metrics->lossed > 0 ? metrics->loss / metrics->lossed : (double)NAN;
}

static double
ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static int64_t
cell(const ocellus_metrics *m, int label, int prediction)
{
    return m->confusion[(int64_t)label * m->classes + prediction];
}

double
ocellus_metrics_accuracy(const ocellus_metrics *metrics)
{
    int64_t right = 0;
    int c;

    for (c = 0; c < metrics->classes; c++)
        right += cell(metrics, c, c);
    return ratio((double)right, (double)metrics->count);
}

double
ocellus_metrics_top_k(const ocellus_metrics *metrics, int k)
{
    int64_t right = 0;
    int r;

    if (metrics->ranked == 0)
        return (double)NAN;
    for (r = 0; r < k && r < metrics->classes; r++)
        right += metrics->rank[r];
    return (double)right / (double)metrics->ranked;
}

/* precision = tp / predicted, recall = tp / support, and F1 = 2 tp /
 * (predicted + support), which is their harmonic mean and defined where one
 * of them is not. */
ocellus_class_score
ocellus_metrics_class(const ocellus_metrics *metrics, int class_index)
{
    ocellus_class_score score = {0};
    double right;
    int c;

    if (class_index < 0 || class_index >= metrics->classes)
        return score;
    for (c = 0; c < metrics->classes; c++) {
        score.support += cell(metrics, class_index, c);
        score.predicted += cell(metrics, c, class_index);
    }
    right = (double)cell(metrics, class_index, class_index);
    score.precision = ratio(right, (double)score.predicted);
    score.recall = ratio(right, (double)score.support);
    score.f1 = ratio(2 * right, (double)(score.predicted + score.support));
    return score;
}

static ocellus_class_score
average(const ocellus_metrics *m, int by_support)
{
    ocellus_class_score sum = {0};
    double weights = 0;
    int c;

    for (c = 0; c < m->classes; c++) {
        ocellus_class_score one = ocellus_metrics_class(m, c);
        double seen = one.support || one.predicted ? 1 : 0;
        double weight = by_support ? (double)one.support : seen;

        sum.precision += weight * one.precision;
        sum.recall += weight * one.recall;
        sum.f1 += weight * one.f1;
        sum.support += one.support;
        sum.predicted += one.predicted;
        weights += weight;
    }
    sum.precision = ratio(sum.precision, weights);
    sum.recall = ratio(sum.recall, weights);
    sum.f1 = ratio(sum.f1, weights);
    return sum;
}

ocellus_class_score
ocellus_metrics_macro(const ocellus_metrics *metrics)
{
    return average(metrics, 0);
}

ocellus_class_score
ocellus_metrics_weighted(const ocellus_metrics *metrics)
{
    return average(metrics, 1);
}

const int64_t *
ocellus_metrics_confusion(const ocellus_metrics *metrics)
{
    return metrics->confusion;
}

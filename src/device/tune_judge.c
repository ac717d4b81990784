/* tune_judge.c - the tuner's last word: the whole plan with the verdicts and
 * without (see tune.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "device/tune_inside.h"
#include "device/tuning.h"

/* ---- verdicts ------------------------------------------------------------ */

static struct oc_tuned
verdict_of(const struct oc_tune_class *c)
{
    return (struct oc_tuned){.what = c->what,
                             .by = c->by,
                             .usual = c->usual,
                             .us = c->by_us,
                             .usual_us = c->usual_us};
}

void
oc_tune_keep(struct oc_tuner *t, const struct oc_tune_class *c)
{
    struct oc_tuned verdict = verdict_of(c);

    if (!oc_tuning_keep(t->device, &verdict))
        t->result->kept = 0;
}

static int
differs(const struct oc_tune_class *c)
{
    return c->race && strcmp(c->by, c->usual) != 0;
}

/* The verdicts that change something, by class in order. */
static int
by_what(const void *a, const void *b)
{
    const struct oc_tuned *x = a, *y = b;

    return strcmp(x->what, y->what);
}

ocellus_status
oc_tune_table(const struct oc_tuner *t, struct oc_tuned **table, int *count,
              int (*wanted)(const struct oc_tune_class *c))
{
    *count = 0;
    *table = calloc((size_t)t->n_classes + 1, sizeof **table);
    if (!*table)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for verdicts");
    for (int k = 0; k < t->n_classes; k++)
        if (wanted(&t->class[k]))
            (*table)[(*count)++] = verdict_of(&t->class[k]);
    if (*count > 1)
        qsort(*table, (size_t)*count, sizeof **table, by_what);
    return OCELLUS_OK;
}

static void
drop_class(struct oc_tuner *t, struct oc_tune_class *c, const char *why)
{
    snprintf(c->why, sizeof c->why, "%s was %.0f%% faster by itself; %s", c->by,
             100 * (c->usual_us / (c->by_us > 0 ? c->by_us : 1) - 1), why);
    snprintf(c->by, sizeof c->by, "%s", c->usual);
    c->by_us = c->usual_us;
    c->state = OCELLUS_TUNE_DROPPED;
    oc_log(OCELLUS_LOG_INFO, "tuning %s: %s", c->what, c->why);
    oc_tune_keep(t, c);
}

/* Turn by turn, so that both see the same machine. Few rounds say nothing. */
static ocellus_status
take_rounds(struct oc_tuner *t, struct oc_tune_whole *tuned)
{
    double until = oc_now() + OC_TUNE_END_SECONDS;

    if (until > t->end)
        until = t->end;
    OC_TRY(oc_tune_whole_run(&t->base));
    OC_TRY(oc_tune_whole_run(tuned));
    t->base.rounds = tuned->rounds = 0;
    for (int k = 0; k < OC_TUNE_MOST_ROUNDS; k++) {
        const double now = oc_now();

        if (now > t->end || (now > until && k >= OC_TUNE_LEAST_ROUNDS))
            break;
        if (oc_device_progress(t->device, "measuring the whole", k,
                               OC_TUNE_MOST_ROUNDS))
            return oc_fail(OCELLUS_CANCELLED, "the tuning was stopped");
        OC_TRY(oc_tune_whole_run(&t->base));
        OC_TRY(oc_tune_whole_run(tuned));
    }
    if (tuned->rounds < OC_TUNE_LEAST_ROUNDS)
        return OCELLUS_OK;
    t->result->usual_ms = oc_tune_whole_all(&t->base, 0) * 1e-3;
    t->result->tuned_ms = oc_tune_whole_all(tuned, 0) * 1e-3;
    return OCELLUS_OK;
}

/* What a class takes in a plan's run. */
static double
class_us(const struct oc_tuner *t, const struct oc_tune_whole *whole, int which,
         int good)
{
    double us = 0;

    for (int k = 0; k < whole->plan->n_choices; k++)
        if (t->class_of[k] == which)
            us += oc_tune_whole_node(whole, k, good);
    return us;
}

static int
gains(const struct oc_tuner *t, const struct oc_tune_whole *tuned, int which)
{
    for (int good = 0; good < 2; good++)
        if (class_us(t, tuned, which, good) >=
            class_us(t, &t->base, which, good))
            return 0;
    return 1;
}

/* Verdicts whose nodes are no faster among the others; how many. */
static int
drop_losers(struct oc_tuner *t, const struct oc_tune_whole *tuned)
{
    int dropped = 0;

    for (int k = 0; k < t->n_classes; k++)
        if (differs(&t->class[k]) && !gains(t, tuned, k)) {
            drop_class(t, &t->class[k], "in the net it is not");
            dropped++;
        }
    return dropped;
}

static ocellus_status
measure_tuned(struct oc_tuner *t, int *dropped)
{
    struct oc_tune_whole tuned = {0};
    struct oc_caps caps = t->caps;
    struct oc_tuned *table;
    ocellus_status status;

    *dropped = 0;
    OC_TRY(oc_tune_table(t, &table, &caps.n_tuned, differs));
    caps.tuned = table;
    status = OCELLUS_OK;
    if (caps.n_tuned == 0)
        t->result->tuned_ms = t->result->usual_ms;
    else if (oc_now() <= t->end)
        status =
            oc_tune_whole_open(&tuned, t->session, &caps, OC_TUNE_MOST_ROUNDS);
    if (status == OCELLUS_OK && tuned.run)
        status = take_rounds(t, &tuned);
    if (status == OCELLUS_OK && tuned.rounds >= OC_TUNE_LEAST_ROUNDS)
        *dropped = drop_losers(t, &tuned);
    if (tuned.run)
        oc_tune_whole_close(&tuned);
    free(table);
    return status;
}

ocellus_status
oc_tune_judge(struct oc_tuner *t)
{
    int dropped;

    t->result->usual_ms = oc_tune_whole_all(&t->base, 0) * 1e-3;
    OC_TRY(measure_tuned(t, &dropped));
    if (dropped > 0)
        OC_TRY(measure_tuned(t, &dropped));
    if (t->result->tuned_ms <= 0 ||
        t->result->tuned_ms <= (1 - OC_TUNE_LEAST_WHOLE) * t->result->usual_ms)
        return OCELLUS_OK;
    for (int k = 0; k < t->n_classes; k++)
        if (differs(&t->class[k]))
            drop_class(t, &t->class[k], "the net gains less than 1% in all");
    t->result->tuned_ms = t->result->usual_ms;
    return OCELLUS_OK;
}

/* tune.c - the tuner: classes of a plan, races, and the whole (see tune.h). */
#include "device/tune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "device/inside.h"
#include "device/session_inside.h"
#include "device/tune_inside.h"
#include "device/tuning.h"

enum {
    FIRST_ROUNDS = 3, /* of the usual plan, for the shares */
    LEAST_ROUNDS = 5, /* of both plans at the end */
    USUAL_SECONDS = 180
};
static const double least_share = 0.001; /* below, a class is left alone */
static const double end_part = 0.4;      /* most of the time for the end */
static const double end_seconds = 20;

/* Operators that are alike. */
struct class
{
    char *what;
    int node; /* the first of them */
    int nodes;
    double us; /* of all, in the usual plan */
    int state; /* OCELLUS_TUNE_... */
    int race;  /* verdict is known or measured */
    char by[OC_TUNE_NAME], usual[OC_TUNE_NAME];
    double by_us, usual_us;
    char why[256];
};

struct tuner {
    struct ocellus_session *session;
    struct ocellus_device *device;
    struct oc_caps caps; /* without verdicts */
    double start, end, until;
    struct oc_tune_whole base;
    struct class *class;
    int n_classes, room_classes;
    int *class_of; /* per node; -1 */
    struct oc_tune_form *form;
    int n_forms, room_forms;
    ocellus_tune_result *result;
};

/* ---- classes ------------------------------------------------------------- */

/* Takes `what` over. */
static ocellus_status
add_to_class(struct tuner *t, char *what, int node, int *which)
{
    for (*which = 0; *which < t->n_classes; ++*which)
        if (strcmp(t->class[*which].what, what) == 0) {
            free(what);
            return OCELLUS_OK;
        }
    if (!oc_grow(&t->class, t->n_classes, &t->room_classes, sizeof *t->class)) {
        free(what);
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a class");
    }
    t->class[t->n_classes].what = what;
    t->class[t->n_classes].node = node;
    t->n_classes++;
    return OCELLUS_OK;
}

static int
can_tune(const struct tuner *t, const struct oc_choice *c)
{
    return c->impl && !c->fixed && c->n_steps > 0 && oc_tune_can_try(c->node) &&
           oc_tune_candidates(&t->caps, c->node) > 1;
}

static ocellus_status
sort_node(struct tuner *t, int k)
{
    const struct oc_choice *c = &t->base.plan->choice[k];
    struct oc_text what = {0};
    int which;

    t->class_of[k] = -1;
    if (!can_tune(t, c) || !oc_tuned_class(c->node, &what) || what.failed) {
        oc_text_free(&what);
        return OCELLUS_OK;
    }
    OC_TRY(add_to_class(t, what.data, k, &which));
    t->class_of[k] = which;
    t->class[which].nodes++;
    t->class[which].us += oc_tune_whole_node(&t->base, k);
    snprintf(t->class[which].usual, OC_TUNE_NAME, "%s", c->by);
    snprintf(t->class[which].by, OC_TUNE_NAME, "%s", c->by);
    return OCELLUS_OK;
}

static int
by_share(const void *a, const void *b)
{
    const struct class *x = a, *y = b;

    return (x->us < y->us) - (x->us > y->us);
}

/* The largest first; those that cannot matter go. */
static ocellus_status
find_classes(struct tuner *t)
{
    const int nodes = t->base.plan->n_choices;
    double all = oc_tune_whole_all(&t->base);

    t->class_of = calloc((size_t)nodes + 1, sizeof *t->class_of);
    if (!t->class_of)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for classes");
    for (int k = 0; k < nodes; k++)
        OC_TRY(sort_node(t, k));
    if (t->n_classes > 1)
        qsort(t->class, (size_t)t->n_classes, sizeof *t->class, by_share);
    while (t->n_classes > 0 &&
           t->class[t->n_classes - 1].us < least_share * all)
        free(t->class[--t->n_classes].what);
    for (int k = 0; k < nodes; k++)
        t->class_of[k] = -1;
    for (int i = 0; i < t->n_classes; i++)
        t->class[i].state = OCELLUS_TUNE_LEFT;
    return OCELLUS_OK;
}

/* After the sorting: which class each node is of. */
static ocellus_status
find_members(struct tuner *t)
{
    for (int k = 0; k < t->base.plan->n_choices; k++) {
        const struct oc_choice *c = &t->base.plan->choice[k];
        struct oc_text what = {0};
        int known =
            can_tune(t, c) && oc_tuned_class(c->node, &what) && !what.failed;

        for (int i = 0; known && i < t->n_classes; i++)
            if (strcmp(t->class[i].what, what.data) == 0)
                t->class_of[k] = i;
        oc_text_free(&what);
    }
    return OCELLUS_OK;
}

/* ---- races --------------------------------------------------------------- */

static int
is_known(struct tuner *t, struct class *c)
{
    const struct oc_caps *caps = oc_device_caps(t->device);

    for (int k = 0; k < caps->n_tuned; k++) {
        const struct oc_tuned *v = &caps->tuned[k];

        if (strcmp(v->what, c->what) != 0 || strcmp(v->usual, c->usual) != 0)
            continue;
        snprintf(c->by, sizeof c->by, "%s", v->by);
        c->by_us = v->us;
        c->usual_us = v->usual_us;
        return 1;
    }
    return 0;
}

static struct oc_tuned
verdict_of(const struct class *c)
{
    return (struct oc_tuned){.what = c->what,
                             .by = c->by,
                             .usual = c->usual,
                             .us = c->by_us,
                             .usual_us = c->usual_us};
}

static void
keep(struct tuner *t, const struct class *c)
{
    struct oc_tuned verdict = verdict_of(c);

    if (!oc_tuning_keep(t->device, &verdict))
        t->result->kept = 0;
}

static void
note_race(struct tuner *t, struct class *c, const struct oc_tune_race *race,
          int whole)
{
    snprintf(c->why, sizeof c->why, "%s", race->why);
    if (!whole)
        return;
    snprintf(c->by, sizeof c->by, "%s", race->by);
    c->by_us = race->us;
    c->usual_us = race->usual_us;
    c->race = 1;
    c->state = OCELLUS_TUNE_MEASURED;
    oc_log(OCELLUS_LOG_DEBUG, "tuned %s: %s, %.1f us; %s, %.1f us", c->what,
           c->by, c->by_us, c->usual, c->usual_us);
    keep(t, c);
}

static ocellus_status
race_class(struct tuner *t, struct class *c)
{
    const struct oc_plan *plan = t->base.plan;
    struct oc_tune_site site;
    struct oc_tune_race race = {.device = t->device,
                                .caps = &t->caps,
                                .site = &site,
                                .form = &t->form,
                                .n_forms = &t->n_forms,
                                .room_forms = &t->room_forms,
                                .until = t->until};
    int whole = 0;
    ocellus_status status = oc_tune_site_open(
        &site, plan, plan->choice[c->node].node, oc_tune_whole_bytes(&t->base));

    if (status == OCELLUS_OK)
        status = oc_tune_race_run(&race, &whole);
    if (status == OCELLUS_OK)
        note_race(t, c, &race, whole);
    else if (status != OCELLUS_CANCELLED && status != OCELLUS_OUT_OF_MEMORY &&
             status != OCELLUS_INTERNAL) {
        snprintf(c->why, sizeof c->why, "%s", ocellus_error());
        status = OCELLUS_OK;
    }
    oc_tune_site_close(&site);
    return status;
}

static ocellus_status
race_all(struct tuner *t)
{
    for (int k = 0; k < t->n_classes; k++) {
        struct class *c = &t->class[k];
        char what[160];

        if (is_known(t, c)) {
            c->race = 1;
            c->state = OCELLUS_TUNE_KNOWN;
            continue;
        }
        if (oc_tune_now() > t->until)
            continue;
        snprintf(what, sizeof what, "tuning %s", c->what);
        if (oc_device_progress(t->device, what, k, t->n_classes))
            return oc_fail(OCELLUS_CANCELLED, "the tuning was stopped");
        OC_TRY(race_class(t, c));
    }
    return OCELLUS_OK;
}

/* ---- the whole ----------------------------------------------------------- */

static int
differs(const struct class *c)
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

static ocellus_status
make_table(const struct tuner *t, struct oc_tuned **table, int *count,
           int (*wanted)(const struct class *c))
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
drop_class(struct tuner *t, struct class *c, const char *why)
{
    snprintf(c->why, sizeof c->why, "%s was %.0f%% faster by itself; %s", c->by,
             100 * (c->usual_us / (c->by_us > 0 ? c->by_us : 1) - 1), why);
    snprintf(c->by, sizeof c->by, "%s", c->usual);
    c->by_us = c->usual_us;
    c->state = OCELLUS_TUNE_DROPPED;
    oc_log(OCELLUS_LOG_INFO, "tuning %s: %s", c->what, c->why);
    keep(t, c);
}

/* Turn by turn, so that both see the same machine. */
static ocellus_status
take_rounds(struct tuner *t, struct oc_tune_whole *tuned)
{
    double until = oc_tune_now() + end_seconds;

    if (until > t->end)
        until = t->end;
    OC_TRY(oc_tune_whole_run(&t->base));
    OC_TRY(oc_tune_whole_run(tuned));
    t->base.rounds = tuned->rounds = 0;
    for (int k = 0; k < OC_TUNE_MOST_ROUNDS; k++) {
        if (k >= LEAST_ROUNDS && oc_tune_now() > until)
            break;
        if (oc_device_progress(t->device, "measuring the whole", k,
                               OC_TUNE_MOST_ROUNDS))
            return oc_fail(OCELLUS_CANCELLED, "the tuning was stopped");
        OC_TRY(oc_tune_whole_run(&t->base));
        OC_TRY(oc_tune_whole_run(tuned));
    }
    t->result->usual_ms = oc_tune_whole_all(&t->base) * 1e-3;
    t->result->tuned_ms = oc_tune_whole_all(tuned) * 1e-3;
    return OCELLUS_OK;
}

/* What a class takes in a plan's run. */
static double
class_us(const struct tuner *t, const struct oc_tune_whole *whole, int which)
{
    double us = 0;

    for (int k = 0; k < whole->plan->n_choices; k++)
        if (t->class_of[k] == which)
            us += oc_tune_whole_node(whole, k);
    return us;
}

/* Verdicts whose nodes are no faster among the others; how many. */
static int
drop_losers(struct tuner *t, const struct oc_tune_whole *tuned)
{
    int dropped = 0;

    for (int k = 0; k < t->n_classes; k++)
        if (differs(&t->class[k]) &&
            class_us(t, tuned, k) >= class_us(t, &t->base, k)) {
            drop_class(t, &t->class[k], "in the net it is not");
            dropped++;
        }
    return dropped;
}

static ocellus_status
measure_tuned(struct tuner *t, int *dropped)
{
    struct oc_tune_whole tuned = {0};
    struct oc_caps caps = t->caps;
    struct oc_tuned *table;
    ocellus_status status;

    *dropped = 0;
    OC_TRY(make_table(t, &table, &caps.n_tuned, differs));
    caps.tuned = table;
    status = OCELLUS_OK;
    t->result->tuned_ms = t->result->usual_ms;
    if (caps.n_tuned > 0)
        status =
            oc_tune_whole_open(&tuned, t->session, &caps, OC_TUNE_MOST_ROUNDS);
    if (status == OCELLUS_OK && tuned.run)
        status = take_rounds(t, &tuned);
    if (status == OCELLUS_OK && tuned.run)
        *dropped = drop_losers(t, &tuned);
    if (tuned.run)
        oc_tune_whole_close(&tuned);
    free(table);
    return status;
}

static ocellus_status
judge_whole(struct tuner *t)
{
    int dropped;

    t->result->usual_ms = oc_tune_whole_all(&t->base) * 1e-3;
    OC_TRY(measure_tuned(t, &dropped));
    if (dropped > 0)
        OC_TRY(measure_tuned(t, &dropped));
    if (t->result->tuned_ms <= (1 - OC_TUNE_LEAST_WHOLE) * t->result->usual_ms)
        return OCELLUS_OK;
    for (int k = 0; k < t->n_classes; k++)
        if (differs(&t->class[k]))
            drop_class(t, &t->class[k], "the net gains less than 1% in all");
    t->result->tuned_ms = t->result->usual_ms;
    return OCELLUS_OK;
}

/* ---- all ----------------------------------------------------------------- */

static int
is_raced(const struct class *c)
{
    return c->race;
}

static ocellus_status
use(struct tuner *t)
{
    struct oc_tuned *table;
    int count;
    ocellus_status status;

    OC_TRY(make_table(t, &table, &count, is_raced));
    status = oc_tuning_use(t->device, table, count);
    free(table);
    return status;
}

/* The usual plan, on the clock; then how much time the races may take. */
static ocellus_status
measure_base(struct tuner *t)
{
    double begin, end;

    OC_TRY(oc_tune_whole_open(&t->base, t->session, &t->caps,
                              OC_TUNE_MOST_ROUNDS));
    OC_TRY(oc_tune_whole_run(&t->base));
    t->base.rounds = 0;
    begin = oc_tune_now();
    for (int k = 0; k < FIRST_ROUNDS; k++)
        OC_TRY(oc_tune_whole_run(&t->base));
    end = (oc_tune_now() - begin) / FIRST_ROUNDS * 2 * (2 * LEAST_ROUNDS + 4);
    if (end > end_part * (t->end - t->start))
        end = end_part * (t->end - t->start);
    if (end > end_seconds)
        end = end_seconds;
    t->until = t->end - end;
    return OCELLUS_OK;
}

static void
count_states(struct tuner *t)
{
    ocellus_tune_result *r = t->result;

    r->classes = t->n_classes;
    for (int k = 0; k < t->n_classes; k++) {
        r->measured += t->class[k].state == OCELLUS_TUNE_MEASURED;
        r->known += t->class[k].state == OCELLUS_TUNE_KNOWN;
        r->left += t->class[k].state == OCELLUS_TUNE_LEFT;
        r->dropped += t->class[k].state == OCELLUS_TUNE_DROPPED;
    }
}

static void
report(struct tuner *t, int (*each)(void *user, const ocellus_tune_row *row),
       void *user)
{
    double all = oc_tune_whole_all(&t->base);

    for (int k = 0; each && k < t->n_classes; k++) {
        const struct class *c = &t->class[k];
        ocellus_tune_row row = {.what = c->what,
                                .nodes = c->nodes,
                                .share = all > 0 ? c->us / all : 0,
                                .state = c->state,
                                .usual = c->usual,
                                .chosen = c->by,
                                .usual_us = c->usual_us,
                                .chosen_us = c->by_us,
                                .why = c->why};

        if (each(user, &row) != 0)
            return;
    }
}

static ocellus_status
tune(struct tuner *t)
{
    OC_TRY(measure_base(t));
    OC_TRY(find_classes(t));
    OC_TRY(find_members(t));
    OC_TRY(race_all(t));
    OC_TRY(judge_whole(t));
    OC_TRY(use(t));
    oc_device_progress(t->device, "tuning", t->n_classes, t->n_classes);
    count_states(t);
    return OCELLUS_OK;
}

ocellus_status
oc_session_tune(struct ocellus_session *session, double seconds,
                int (*each)(void *user, const ocellus_tune_row *row),
                void *user, ocellus_tune_result *result)
{
    struct tuner t = {.session = session,
                      .device = session->device,
                      .caps = session->caps,
                      .result = result};
    ocellus_status status;

    memset(result, 0, sizeof *result);
    result->kept = oc_cache_takes(session->device->cache);
    t.caps.tuned = NULL;
    t.caps.n_tuned = 0;
    t.start = oc_tune_now();
    t.end = t.start + (seconds > 0 ? seconds : USUAL_SECONDS);
    status = tune(&t);
    if (status == OCELLUS_OK)
        report(&t, each, user);
    oc_tune_whole_close(&t.base);
    for (int k = 0; k < t.n_classes; k++)
        free(t.class[k].what);
    free(t.class);
    free(t.class_of);
    free(t.form);
    return status;
}

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
    USUAL_SECONDS = 180
};
static const double least_share = 0.001; /* below, a class is left alone */
static const double end_part = 0.4;      /* most of the time for the end */

/* ---- classes ------------------------------------------------------------- */

/* Takes `what` over. */
static ocellus_status
add_to_class(struct oc_tuner *t, char *what, int node, int *which)
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
can_tune(const struct oc_tuner *t, const struct oc_choice *c)
{
    return c->impl && !c->fixed && c->n_steps > 0 && oc_tune_can_try(c->node) &&
           oc_tune_candidates(&t->caps, c->node) > 1;
}

static ocellus_status
sort_node(struct oc_tuner *t, int k)
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
    t->class[which].us += oc_tune_whole_node(&t->base, k, 0);
    snprintf(t->class[which].usual, OC_TUNE_NAME, "%s", c->by);
    snprintf(t->class[which].by, OC_TUNE_NAME, "%s", c->by);
    return OCELLUS_OK;
}

static int
by_share(const void *a, const void *b)
{
    const struct oc_tune_class *x = a, *y = b;

    return (x->us < y->us) - (x->us > y->us);
}

/* The largest first; those that cannot matter go. */
static ocellus_status
find_classes(struct oc_tuner *t)
{
    const int nodes = t->base.plan->n_choices;
    t->all = oc_tune_whole_all(&t->base, 0);
    t->class_of = calloc((size_t)nodes + 1, sizeof *t->class_of);
    if (!t->class_of)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for classes");
    for (int k = 0; k < nodes; k++)
        OC_TRY(sort_node(t, k));
    if (t->n_classes > 1)
        qsort(t->class, (size_t)t->n_classes, sizeof *t->class, by_share);
    while (t->n_classes > 0 &&
           t->class[t->n_classes - 1].us < least_share * t->all)
        free(t->class[--t->n_classes].what);
    for (int k = 0; k < nodes; k++)
        t->class_of[k] = -1;
    for (int i = 0; i < t->n_classes; i++)
        t->class[i].state = OCELLUS_TUNE_LEFT;
    return OCELLUS_OK;
}

/* After the sorting: which class each node is of. */
static ocellus_status
find_members(struct oc_tuner *t)
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
is_known(struct oc_tuner *t, struct oc_tune_class *c)
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

static void
note_race(struct oc_tuner *t, struct oc_tune_class *c,
          const struct oc_tune_race *race, int whole)
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
    oc_tune_keep(t, c);
}

static ocellus_status
race_class(struct oc_tuner *t, struct oc_tune_class *c)
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
race_all(struct oc_tuner *t)
{
    for (int k = 0; k < t->n_classes; k++) {
        struct oc_tune_class *c = &t->class[k];
        char what[160];

        if (is_known(t, c)) {
            c->race = 1;
            c->state = OCELLUS_TUNE_KNOWN;
            continue;
        }
        if (oc_now() > t->until)
            continue;
        snprintf(what, sizeof what, "tuning %s", c->what);
        if (oc_device_progress(t->device, what, k, t->n_classes))
            return oc_fail(OCELLUS_CANCELLED, "the tuning was stopped");
        OC_TRY(race_class(t, c));
    }
    return OCELLUS_OK;
}

/* ---- all ----------------------------------------------------------------- */

static int
is_raced(const struct oc_tune_class *c)
{
    return c->race;
}

static ocellus_status
use(struct oc_tuner *t)
{
    struct oc_tuned *table;
    int count;
    ocellus_status status;

    OC_TRY(oc_tune_table(t, &table, &count, is_raced));
    status = oc_tuning_use(t->device, table, count);
    free(table);
    return status;
}

/* The usual plan, on the clock; then how much time the races may take. */
static ocellus_status
measure_base(struct oc_tuner *t)
{
    double begin, end;

    OC_TRY(oc_tune_whole_open(&t->base, t->session, &t->caps,
                              OC_TUNE_MOST_ROUNDS));
    OC_TRY(oc_tune_whole_run(&t->base));
    t->base.rounds = 0;
    begin = oc_now();
    for (int k = 0; k < FIRST_ROUNDS && (k == 0 || oc_now() < t->end); k++)
        OC_TRY(oc_tune_whole_run(&t->base));
    end = (oc_now() - begin) / t->base.rounds * 2 *
          (2 * OC_TUNE_LEAST_ROUNDS + 4);
    if (end > end_part * (t->end - t->start))
        end = end_part * (t->end - t->start);
    t->until = t->end - end;
    return OCELLUS_OK;
}

static void
count_states(struct oc_tuner *t)
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
report(struct oc_tuner *t, int (*each)(void *user, const ocellus_tune_row *row),
       void *user)
{
    for (int k = 0; each && k < t->n_classes; k++) {
        const struct oc_tune_class *c = &t->class[k];
        ocellus_tune_row row = {.what = c->what,
                                .nodes = c->nodes,
                                .share = t->all > 0 ? c->us / t->all : 0,
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
tune(struct oc_tuner *t)
{
    OC_TRY(measure_base(t));
    OC_TRY(find_classes(t));
    OC_TRY(find_members(t));
    OC_TRY(race_all(t));
    OC_TRY(oc_tune_judge(t));
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
    struct oc_tuner t = {.session = session,
                         .device = session->device,
                         .caps = session->caps,
                         .result = result};
    ocellus_status status;

    memset(result, 0, sizeof *result);
    result->kept = oc_cache_takes(session->device->cache);
    t.caps.tuned = NULL;
    t.caps.n_tuned = 0;
    t.start = oc_now();
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

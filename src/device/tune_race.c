/* tune_race.c - one class of operators: who carries it out fastest, and right.
 *
 * Each rival runs turn by turn with the usual implementation, so that whatever
 * else the machine does slows both; medians are compared. Numbers are looked at
 * only where a rival would win, because the direct implementation is slow.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "device/doctor.h"
#include "device/tune_inside.h"

enum {
    LEAST_TURNS = 5,
    MOST_TURNS = 25,
    FEW_RACES = 2, /* before an implementation is known to be slow */
    SLOW = 4       /* times as slow as the usual one */
};
static const double turns_seconds = 0.3; /* more turns only within that */
static const double hopeless = 1.1;      /* no more turns */

/* ---- who takes part ------------------------------------------------------ */

struct rival {
    char by[OC_TUNE_NAME];
    double us, usual_us; /* medians */
    double ratio;        /* of them, or of the quartiles where that is more */
    int out;             /* failed, wrong, slow, or not tried */
    int confirmed;
};

enum { MOST_RIVALS = 32 };

static void
add_rival(struct rival *list, int *count, const char *by)
{
    if (*count == MOST_RIVALS)
        return;
    memset(&list[*count], 0, sizeof *list);
    snprintf(list[(*count)++].by, OC_TUNE_NAME, "%s", by);
}

/* An implementation, and those of its ways that it does not refuse. */
static void
add_ways(struct rival *list, int *count, const struct oc_node *node,
         const struct oc_caps *eager, const struct oc_impl *impl)
{
    struct oc_caps caps = *eager;

    add_rival(list, count, impl->name);
    for (int k = 0; (caps.way = oc_impl_way(node->op, impl, k)) != NULL; k++)
        if (!oc_plan_refusal(&caps, node, impl))
            add_rival(list, count, oc_impl_name(node->op, impl, caps.way));
}

/* The usual one, its other ways, and whoever can do it at all. */
static int
list_candidates(const struct oc_caps *caps, const struct oc_node *node,
                struct rival *list)
{
    const struct oc_impl *usual = node->op->impls;
    struct oc_caps eager = *caps;
    int count = 0;

    eager.eager = 1;
    while (usual && usual->name && oc_plan_refusal(caps, node, usual))
        usual++;
    if (!usual || !usual->name)
        return 0;
    add_ways(list, &count, node, &eager, usual);
    for (const struct oc_impl *i = node->op->impls; i->name; i++)
        if (i != usual && !oc_plan_refusal(&eager, node, i))
            add_ways(list, &count, node, &eager, i);
    return count;
}

int
oc_tune_candidates(const struct oc_caps *caps, const struct oc_node *node)
{
    struct rival list[MOST_RIVALS];

    return list_candidates(caps, node, list);
}

/* ---- form ---------------------------------------------------------------- */

/* NULL: no memory, and then there is no form. */
static struct oc_tune_form *
form_of(struct oc_tune_race *race, const char *by)
{
    const struct oc_op *op = race->site->node->op;
    struct oc_tune_form *f;

    for (int k = 0; k < *race->n_forms; k++)
        if ((*race->form)[k].op == op && strcmp((*race->form)[k].by, by) == 0)
            return &(*race->form)[k];
    if (!oc_grow(race->form, *race->n_forms, race->room_forms, sizeof *f))
        return NULL;
    f = &(*race->form)[(*race->n_forms)++];
    f->op = op;
    snprintf(f->by, sizeof f->by, "%s", by);
    return f;
}

static int
is_slow(struct oc_tune_race *race, const char *by)
{
    const struct oc_tune_form *f = form_of(race, by);

    return f && f->races >= FEW_RACES && f->best > SLOW;
}

static void
note_form(struct oc_tune_race *race, const struct rival *r)
{
    struct oc_tune_form *f = form_of(race, r->by);

    if (!f)
        return;
    if (f->races++ == 0 || r->ratio < f->best)
        f->best = r->ratio;
}

/* ---- turns --------------------------------------------------------------- */

static double
ratio_of(double *b, double *a, int count)
{
    double middle = oc_tune_typical(b, count, 0) / oc_tune_typical(a, count, 0);
    double good = oc_tune_typical(b, count, 1) / oc_tune_typical(a, count, 1);

    return good > middle ? good : middle;
}

/* Nobody is better in a second race than in the first: of several that are
 * alike, chance makes one look fast.
 *
 * The first run of each may compile; the second tells whether more are worth
 * it. */
static ocellus_status
take_turns(struct oc_tune_race *race, struct oc_tune_trial *usual,
           struct oc_tune_trial *trial, struct rival *r)
{
    double a[MOST_TURNS], b[MOST_TURNS], start, ratio;
    int count, slow = 0;

    for (int k = 0; k < 2; k++) {
        OC_TRY(oc_tune_trial_run(usual, race->site, &a[0]));
        OC_TRY(oc_tune_trial_run(trial, race->site, &b[0]));
    }
    start = oc_now();
    for (count = 1; count < MOST_TURNS && !slow; count++) {
        if (count >= LEAST_TURNS && (oc_now() > start + turns_seconds ||
                                     ratio_of(b, a, count) > hopeless))
            break;
        OC_TRY(oc_tune_trial_run(usual, race->site, &a[count]));
        OC_TRY(oc_tune_trial_run(trial, race->site, &b[count]));
        slow = count == 1 &&
               oc_tune_typical(b, 2, 1) > SLOW * oc_tune_typical(a, 2, 1);
    }
    ratio = ratio_of(b, a, count);
    if (ratio > r->ratio)
        r->ratio = ratio;
    r->usual_us = oc_tune_typical(a, count, 0);
    r->us = oc_tune_typical(b, count, 0);
    return OCELLUS_OK;
}

/* What ends the tuning, and not only a rival's hopes. */
static int
is_final(ocellus_status status)
{
    return status == OCELLUS_CANCELLED || status == OCELLUS_OUT_OF_MEMORY ||
           status == OCELLUS_INTERNAL;
}

static ocellus_status
settle(struct oc_tune_race *race, struct rival *r, ocellus_status status)
{
    if (status == OCELLUS_OK || is_final(status))
        return status;
    r->out = 1;
    snprintf(race->why, sizeof race->why, "%s failed: %s", r->by,
             ocellus_error());
    oc_log(OCELLUS_LOG_INFO, "tuning: %s", race->why);
    return OCELLUS_OK;
}

static ocellus_status
try_rival(struct oc_tune_race *race, struct oc_tune_trial *usual,
          struct rival *r)
{
    struct oc_tune_trial trial;
    ocellus_status status =
        oc_tune_trial_open(&trial, race->device, race->caps, race->site, r->by);

    r->out = status == OCELLUS_OK && oc_tune_trial_same(usual, &trial);
    if (status == OCELLUS_OK && !r->out)
        status = take_turns(race, usual, &trial, r);
    if (status == OCELLUS_OK && !r->out)
        note_form(race, r);
    oc_tune_trial_close(&trial);
    return settle(race, r, status);
}

/* ---- numbers ------------------------------------------------------------- */

struct numbers {
    struct ocellus_tensor *out[OC_TUNE_MOST_OUT];
    int count;
};

static void
release(struct numbers *n)
{
    for (int k = 0; k < OC_TUNE_MOST_OUT; k++)
        oc_tensor_destroy(n->out[k]);
    memset(n, 0, sizeof *n);
}

/* Those of two runs; *same: by the bit. */
static ocellus_status
read_twice(struct oc_tune_race *race, const char *by, struct numbers *n,
           int *same)
{
    struct oc_tune_trial trial;
    struct numbers again = {0};
    ocellus_status status;
    double us;

    OC_TRY_OUT(
        oc_tune_trial_open(&trial, race->device, race->caps, race->site, by));
    OC_TRY_OUT(oc_tune_trial_run(&trial, race->site, &us));
    OC_TRY_OUT(oc_tune_trial_read(&trial, n->out, &n->count));
    *same = 1;
    OC_TRY_OUT(oc_tune_trial_run(&trial, race->site, &us));
    OC_TRY_OUT(oc_tune_trial_read(&trial, again.out, &again.count));
    for (int k = 0; k < n->count; k++)
        *same &= memcmp(n->out[k]->data, again.out[k]->data,
                        (size_t)oc_shape_count(&n->out[k]->shape) *
                            oc_type_size(n->out[k]->type)) == 0;
out:
    release(&again);
    oc_tune_trial_close(&trial);
    return status;
}

static void
compare(struct oc_tune_race *race, struct rival *r, const struct numbers *right,
        const struct numbers *got)
{
    for (int k = 0; k < right->count && !r->out; k++) {
        size_t worst;
        double error = oc_doctor_compare(right->out[k], got->out[k], &worst);

        if (error <= oc_doctor_tolerance(race->site->node->op, r->by))
            continue;
        r->out = 1;
        snprintf(race->why, sizeof race->why,
                 "%s was faster, and wrong: by %.2g of the largest number "
                 "from direct; `ocellus doctor` knows more",
                 r->by, error);
    }
}

static ocellus_status
check_numbers(struct oc_tune_race *race, struct rival *r)
{
    const struct oc_impl *direct = race->site->node->op->impls;
    struct numbers right = {0}, got = {0};
    ocellus_status status;
    int same;

    while (direct[1].name)
        direct++;
    if (strcmp(r->by, direct->name) == 0)
        return OCELLUS_OK;
    OC_TRY_OUT(read_twice(race, direct->name, &right, &same));
    OC_TRY_OUT(read_twice(race, r->by, &got, &same));
    if (!same) {
        r->out = 1;
        snprintf(race->why, sizeof race->why,
                 "%s was faster, but a second run gave other bits", r->by);
    }
    compare(race, r, &right, &got);
    if (r->out)
        oc_log(OCELLUS_LOG_WARNING, "tuning %s: %s", race->site->node->op->name,
               race->why);
out:
    release(&right);
    release(&got);
    return settle(race, r, status);
}

/* ---- the race ------------------------------------------------------------ */

/* Numbers, and a second race. */
static ocellus_status
confirm(struct oc_tune_race *race, struct oc_tune_trial *usual, struct rival *r)
{
    r->confirmed = 1;
    OC_TRY(check_numbers(race, r));
    return r->out ? OCELLUS_OK : try_rival(race, usual, r);
}

/* The rival of the largest gain, or NULL. */
static struct rival *
leader(struct rival *list, int count)
{
    struct rival *best = NULL;

    for (int k = 1; k < count; k++) {
        struct rival *r = &list[k];

        if (!r->out && r->ratio < 1 - OC_TUNE_LEAST_GAIN &&
            (!best || r->ratio < best->ratio))
            best = r;
    }
    return best;
}

static ocellus_status
run_all(struct oc_tune_race *race, struct oc_tune_trial *usual,
        struct rival *list, int count, int *whole)
{
    for (int k = 1; k < count; k++) {
        list[k].out = is_slow(race, list[k].by);
        if (!list[k].out && oc_now() > race->until) {
            *whole = 0;
            return OCELLUS_OK;
        }
        if (list[k].out)
            continue;
        OC_TRY(try_rival(race, usual, &list[k]));
        if (!list[k].out)
            race->usual_us = list[k].usual_us;
    }
    return OCELLUS_OK;
}

ocellus_status
oc_tune_race_run(struct oc_tune_race *race, int *whole)
{
    struct rival list[MOST_RIVALS];
    int count = list_candidates(race->caps, race->site->node, list);
    struct oc_tune_trial usual;
    struct rival *best;
    ocellus_status status;

    *whole = 1;
    race->why[0] = '\0';
    race->usual_us = 0;
    snprintf(race->usual, sizeof race->usual, "%s", list[0].by);
    OC_TRY_OUT(oc_tune_trial_open(&usual, race->device, race->caps, race->site,
                                  list[0].by));
    OC_TRY_OUT(run_all(race, &usual, list, count, whole));
    if (race->usual_us <= 0)
        OC_TRY_OUT(oc_tune_trial_run(&usual, race->site, &race->usual_us));
    while (*whole && (best = leader(list, count)) != NULL && !best->confirmed) {
        *whole = oc_now() <= race->until;
        if (*whole)
            OC_TRY_OUT(confirm(race, &usual, best));
    }
    best = *whole ? leader(list, count) : NULL;
    snprintf(race->by, sizeof race->by, "%s", best ? best->by : race->usual);
    race->us = best ? best->us : race->usual_us;
    if (best)
        race->usual_us = best->usual_us;
out:
    oc_tune_trial_close(&usual);
    return status;
}

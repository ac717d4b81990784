/* doctor.c - runs the cases and keeps the verdicts (see doctor.h). */
#include "device/doctor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "device/doctor_inside.h"
#include "device/session.h"

enum { MOST_BANNED = 2048, NAME = 96 };

/* One implementation of one operator, over all of its cases. */
struct verdict {
    const struct oc_op *op;
    const char *impl;
    int passed, failed;
};

struct doctor {
    struct ocellus_device *device;
    struct oc_arena *arena;
    int (*each)(void *user, const ocellus_doctor_row *row);
    void *user;
    struct verdict *verdict;
    int n_verdicts, room_verdicts;
    int failures;
    struct oc_trial trial;
    struct ocellus_tensor *right[DOCTOR_MOST_OUT];
    char wrong[512];
};

/* How one implementation fared in one case. */
struct outcome {
    int ok; /* 1, 0, -1: refused */
    double error;
    const char *why;
};

/* ---- who may run -------------------------------------------------------- */

static void
ban(struct doctor *d, const char **list, int *count, const struct oc_op *op,
    const char *but)
{
    for (const struct oc_impl *i = op->impls; i && i->name && i[1].name; i++) {
        char *name = NULL;

        if ((!but || strcmp(i->name, but) != 0) && *count < MOST_BANNED)
            name = oc_arena_printf(d->arena, "%s:%s", op->name, i->name);
        if (name)
            list[(*count)++] = name;
    }
}

/* The device's capabilities with the direct implementations alone and, of the
 * operator under test, `impl` (or NULL). */
static ocellus_status
limit(struct doctor *d, const char *impl, struct oc_caps *caps)
{
    const struct oc_op *op;
    const char **list = oc_arena_alloc(d->arena, MOST_BANNED * sizeof *list);
    int count = 0;

    if (!list)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a check");
    *caps = *oc_device_caps(d->device);
    caps->eager = 1; /* its cases are small */
    ban(d, list, &count, d->trial.op, impl);
    for (int k = 0; (op = oc_op_at(k)) != NULL; k++)
        if (op != d->trial.op)
            ban(d, list, &count, op, NULL);
    caps->quarantine = list;
    caps->n_quarantine = count;
    return OCELLUS_OK;
}

/* Did the planner take `impl`? Else *why is its refusal. */
static int
taken(const struct oc_plan *plan, const struct oc_op *op, const char *impl,
      const char **why)
{
    *why = "the operator is computed on the host, or not at all";
    for (int k = 0; k < plan->n_choices; k++) {
        const struct oc_choice *c = &plan->choice[k];

        if (!c->node || c->node->op != op || !c->impl)
            continue;
        if (strcmp(c->impl->name, impl) == 0)
            return 1;
        for (int i = 0; i < c->n_refused; i++)
            if (strcmp(c->refused_by[i], impl) == 0)
                *why = c->reason[i];
        return 0;
    }
    return 0;
}

/* ---- comparison --------------------------------------------------------- */

static void
compare_all(struct doctor *d, const char *impl,
            struct ocellus_tensor *const *got, int outputs, struct outcome *o)
{
    const double tolerance = oc_doctor_tolerance(d->trial.op, impl);

    for (int k = 0; k < outputs; k++) {
        const struct ocellus_tensor *right = d->right[k];
        size_t i;
        double error = oc_doctor_compare(right, got[k], &i);

        if (error > o->error)
            o->error = error;
        if (error <= tolerance || !o->ok)
            continue;
        o->ok = 0;
        o->why = d->wrong;
        snprintf(d->wrong, sizeof d->wrong,
                 "number %zu of %lld of output %d is %.7g, by direct %.7g", i,
                 (long long)oc_shape_count(&right->shape), k,
                 oc_element_get(got[k]->type, got[k]->data, i),
                 oc_element_get(right->type, right->data, i));
    }
}

/* ---- runs --------------------------------------------------------------- */

static void
release(struct ocellus_tensor **list)
{
    for (int k = 0; k < DOCTOR_MOST_OUT; k++) {
        oc_tensor_destroy(list[k]);
        list[k] = NULL;
    }
}

static ocellus_status
read_outputs(struct ocellus_session *session, int outputs,
             struct ocellus_tensor **list)
{
    const struct ocellus_tensor *lent;
    char name[16];

    for (int k = 0; k < outputs; k++) {
        snprintf(name, sizeof name, "y%d", k);
        OC_TRY(oc_session_get_output(session, name, &lent));
        OC_TRY(oc_tensor_create(lent->type, &lent->shape, &list[k]));
        memcpy(list[k]->data, lent->data,
               (size_t)oc_shape_count(&lent->shape) * oc_type_size(lent->type));
    }
    return OCELLUS_OK;
}

static int
same_bits(struct ocellus_tensor *const *a, struct ocellus_tensor *const *b,
          int outputs)
{
    for (int k = 0; k < outputs; k++)
        if (memcmp(a[k]->data, b[k]->data,
                   (size_t)oc_shape_count(&a[k]->shape) *
                       oc_type_size(a[k]->type)) != 0)
            return 0;
    return 1;
}

/* Both runs of a session that is ready; the first one's numbers stay in
 * first[]. */
static ocellus_status
run_twice(struct ocellus_session *session, int outputs,
          struct ocellus_tensor **first, struct outcome *o)
{
    struct ocellus_tensor *second[DOCTOR_MOST_OUT] = {0};
    ocellus_status status;

    OC_TRY_OUT(oc_session_run(session));
    OC_TRY_OUT(read_outputs(session, outputs, first));
    OC_TRY_OUT(oc_session_run(session));
    OC_TRY_OUT(read_outputs(session, outputs, second));
    if (!same_bits(first, second, outputs)) {
        o->ok = 0;
        o->why = "a second run gives other bits";
    }
out:
    release(second);
    return status;
}

static ocellus_status
open_session(struct doctor *d, const struct ocellus_graph *graph,
             const char *impl, struct ocellus_session **session)
{
    struct oc_caps caps;
    char name[16];

    *session = NULL;
    OC_TRY(limit(d, impl, &caps));
    OC_TRY(oc_session_create(d->device, graph, NULL, NULL, NULL, session));
    oc_session_set_caps(*session, &caps);
    for (int k = 0; k < d->trial.n_in; k++) {
        const struct oc_doctor_input *in = &d->trial.in[k];

        snprintf(name, sizeof name, "x%d", k);
        if (in->tensor && !in->host)
            OC_TRY(oc_session_set_input(*session, name, in->tensor));
    }
    return OCELLUS_OK;
}

/* The case by one implementation, from blocked images where block > 1. */
static ocellus_status
run_by(struct doctor *d, const char *impl, int block, int halo,
       struct ocellus_tensor **got, int *outputs, struct outcome *o)
{
    struct ocellus_graph *graph = NULL;
    struct ocellus_session *session = NULL;
    const struct oc_plan *plan;
    ocellus_status status;

    OC_TRY_OUT(oc_trial_graph(&d->trial, block, halo, &graph, outputs));
    graph->precision = OC_BF16;
    OC_TRY_OUT(open_session(d, graph, impl, &session));
    OC_TRY_OUT(oc_session_plan(session, &plan, NULL));
    if (taken(plan, d->trial.op, impl, &o->why))
        status = run_twice(session, *outputs, got, o);
    else
        o->ok = -1;
out:
    oc_session_destroy(session);
    oc_graph_destroy(graph);
    return status;
}

/* ---- verdicts ----------------------------------------------------------- */

static struct verdict *
verdict_of(struct doctor *d, const char *impl)
{
    for (int k = 0; k < d->n_verdicts; k++)
        if (d->verdict[k].op == d->trial.op &&
            strcmp(d->verdict[k].impl, impl) == 0)
            return &d->verdict[k];
    if (!oc_grow(&d->verdict, d->n_verdicts, &d->room_verdicts,
                 sizeof *d->verdict))
        return NULL;
    d->verdict[d->n_verdicts].op = d->trial.op;
    d->verdict[d->n_verdicts].impl = impl;
    return &d->verdict[d->n_verdicts++];
}

static int
has_cases(const struct oc_op *op)
{
    int count;
    const struct oc_doctor_case *cases = oc_doctor_cases(&count);

    for (int k = 0; k < count; k++)
        if (strcmp(cases[k].op, op->name) == 0)
            return 1;
    return 0;
}

static int
is_refused(const struct oc_caps *caps, const char *name)
{
    for (int k = 0; k < caps->n_quarantine; k++)
        if (strcmp(caps->quarantine[k], name) == 0)
            return 1;
    return 0;
}

void
oc_doctor_judge(struct ocellus_device *device, const struct oc_op *op,
                const char *impl, const char *wrong)
{
    const struct oc_op *other;
    char name[NAME];

    snprintf(name, sizeof name, "%s:%s", op->name, impl);
    oc_device_judge(device, name, wrong);
    for (int k = 0; (other = oc_op_at(k)) != NULL; k++) {
        if (other->impls != op->impls || other == op || has_cases(other))
            continue;
        snprintf(name, sizeof name, "%s:%s", other->name, impl);
        if (wrong || is_refused(oc_device_caps(device), name))
            oc_device_judge(device, name, wrong);
    }
}

/* A failure is kept at once: the next case may bring the process down. */
static void
keep_failure(struct doctor *d, const struct verdict *v, const char *why)
{
    char text[1024];

    snprintf(text, sizeof text, "%s: %s", d->trial.what, why);
    oc_doctor_judge(d->device, v->op, v->impl, text);
    oc_log(OCELLUS_LOG_WARNING, "%s:%s gives wrong numbers on %s: %s",
           v->op->name, v->impl, ocellus_device_get_info(d->device)->name,
           text);
}

static void
keep_passes(struct doctor *d)
{
    for (int k = 0; k < d->n_verdicts; k++)
        if (d->verdict[k].passed && !d->verdict[k].failed)
            oc_doctor_judge(d->device, d->verdict[k].op, d->verdict[k].impl,
                            NULL);
}

int
oc_doctor_knows(const struct oc_op *op)
{
    int count;
    const struct oc_doctor_case *cases = oc_doctor_cases(&count);

    for (int k = 0; k < count; k++) {
        const struct oc_op *other = oc_op_find(cases[k].op);

        if (other == op || (other && other->impls == op->impls))
            return 1;
    }
    return 0;
}

static ocellus_status
report(struct doctor *d, const char *impl, const struct outcome *o)
{
    struct verdict *v = verdict_of(d, impl);
    ocellus_doctor_row row = {.op = d->trial.op->name,
                              .implementation = impl,
                              .what = d->trial.what,
                              .error = o->error,
                              .ok = o->ok,
                              .why = o->why ? o->why : ""};

    if (!v)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a verdict");
    v->passed += o->ok == 1;
    if (o->ok == 0) {
        if (!v->failed++)
            keep_failure(d, v, row.why);
        d->failures++;
    }
    if (o->ok == 1)
        row.why = "";
    oc_log(OCELLUS_LOG_DEBUG, "doctor: %s:%s, %s: %s", row.op, impl, row.what,
           o->ok == 1 ? "right" : row.why);
    if (d->each && d->each(d->user, &row) != 0)
        return oc_fail(OCELLUS_CANCELLED, "the check was stopped");
    return OCELLUS_OK;
}

/* ---- one case ----------------------------------------------------------- */

/* What ends the check, and not only an implementation's honour. */
static int
is_final(ocellus_status status)
{
    return status == OCELLUS_CANCELLED || status == OCELLUS_OUT_OF_MEMORY ||
           status == OCELLUS_INTERNAL;
}

static ocellus_status
settle(struct doctor *d, ocellus_status status, struct outcome *o)
{
    if (status == OCELLUS_OK || is_final(status))
        return status;
    o->ok = 0;
    o->error = (double)INFINITY;
    o->why = d->wrong;
    snprintf(d->wrong, sizeof d->wrong, "%s", ocellus_error());
    return OCELLUS_OK;
}

/* One way to lay the inputs out; nothing is done where another failed. */
static ocellus_status
check_one(struct doctor *d, const char *impl, int block, int halo,
          struct outcome *o)
{
    struct ocellus_tensor *got[DOCTOR_MOST_OUT] = {0};
    struct outcome now = {.ok = 1};
    ocellus_status status;
    int outputs;

    status = run_by(d, impl, block, halo, got, &outputs, &now);
    status = settle(d, status, &now);
    if (status == OCELLUS_OK && now.ok == 1)
        compare_all(d, impl, got, outputs, &now);
    release(got);
    if (now.ok >= 0 || o->ok < 0) {
        double error = o->error > now.error ? o->error : now.error;

        *o = now;
        o->error = error;
    }
    return status;
}

static ocellus_status
check_impl(struct doctor *d, const char *impl)
{
    const struct oc_caps *caps = oc_device_caps(d->device);
    struct outcome o = {.ok = -1};

    OC_TRY(check_one(d, impl, 1, 0, &o));
    for (int halo = 0; halo < 2; halo++)
        if (o.ok == 1 && caps->cpu && oc_trial_has_image(&d->trial))
            OC_TRY(check_one(d, impl, caps->vector_width, halo, &o));
    return report(d, impl, &o);
}

/* Numbers drawn at random give others than 0, unless the kernel did not run:
 * nobody would then be found wrong who did not run either. */
static void
look_for_life(struct doctor *d, struct outcome *o)
{
    const struct ocellus_tensor *y = d->right[0];
    size_t count = (size_t)oc_shape_count(&y->shape);

    for (size_t i = 0; i < count; i++)
        if (oc_element_get(y->type, y->data, i) != 0.0)
            return;
    o->ok = 0;
    o->why = "it gives nothing but zeros";
}

static ocellus_status
check_direct(struct doctor *d, const char *impl, int *right)
{
    struct outcome o = {.ok = 1};
    ocellus_status status;
    int outputs;

    status = run_by(d, impl, 1, 0, d->right, &outputs, &o);
    OC_TRY(settle(d, status, &o));
    if (o.ok == 1)
        compare_all(d, impl, d->right, outputs, &o); /* finds a NaN */
    if (o.ok == 1)
        look_for_life(d, &o);
    *right = o.ok == 1;
    return report(d, impl, &o);
}

static ocellus_status
check_case(struct doctor *d, const struct oc_doctor_case *of)
{
    const struct oc_impl *i, *last;
    ocellus_status status;
    int right;

    OC_TRY_OUT(oc_trial_start(&d->trial, of));
    for (last = d->trial.op->impls; last[1].name; last++)
        ;
    OC_TRY_OUT(check_direct(d, last->name, &right));
    for (i = d->trial.op->impls; right && i != last; i++)
        OC_TRY_OUT(check_impl(d, i->name));
out:
    release(d->right);
    oc_trial_end(&d->trial);
    return status;
}

ocellus_status
oc_doctor_check(struct ocellus_device *device,
                const struct oc_doctor_case *cases, int count, int quick,
                int (*each)(void *user, const ocellus_doctor_row *row),
                void *user, int *failures)
{
    struct doctor d = {.device = device, .each = each, .user = user};
    ocellus_status status = OCELLUS_OK;

    *failures = 0;
    for (int k = 0; k < count && status == OCELLUS_OK; k++) {
        if (quick && !cases[k].quick)
            continue;
        d.arena = oc_arena_create();
        if (!d.arena)
            status = oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a check");
        else
            status = check_case(&d, &cases[k]);
        oc_arena_destroy(d.arena);
    }
    if (status == OCELLUS_OK && !quick)
        keep_passes(&d);
    free(d.verdict);
    *failures = d.failures;
    return status;
}

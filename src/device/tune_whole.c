/* tune_whole.c - a session's plan made again, on the clock (tune_inside.h). */
#include <stdlib.h>
#include <string.h>

#include "device/session_inside.h"
#include "device/tune_inside.h"

/* ---- states and inputs --------------------------------------------------- */

static ocellus_status
copy_state(struct oc_tune_whole *w, struct oc_buffer *from, int k)
{
    size_t bytes = oc_buffer_bytes(from);
    void *numbers = malloc(bytes + 1);
    ocellus_status status;

    if (!numbers)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a state");
    w->own[k] = 1;
    OC_TRY_OUT(oc_buffer_create(w->session->device, bytes, &w->state[k]));
    OC_TRY_OUT(oc_buffer_read(from, 0, numbers, bytes));
    OC_TRY_OUT(oc_buffer_write(w->state[k], 0, numbers, bytes));
out:
    free(numbers);
    return status;
}

static ocellus_status
take_states(struct oc_tune_whole *w)
{
    const struct ocellus_graph *g = w->plan->graph;

    w->state = calloc((size_t)g->n_states + 1, sizeof(*w->state));
    w->own = calloc((size_t)g->n_states + 1, 1);
    if (!w->state || !w->own)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    for (int k = 0; k < g->n_states; k++) {
        struct oc_home *home =
            oc_store_find(w->session->store, g->states[k]->name);

        if (!home)
            return oc_fail(OCELLUS_INTERNAL, "state '%s' has no home",
                           g->states[k]->name);
        if (g->states[k]->assigned)
            OC_TRY(copy_state(w, home->buffer, k));
        else
            w->state[k] = home->buffer;
    }
    return OCELLUS_OK;
}

static ocellus_status
set_inputs(struct oc_tune_whole *w)
{
    const struct ocellus_graph *g = w->plan->graph;

    for (int k = 0; k < g->n_inputs; k++) {
        const struct ocellus_tensor *t =
            oc_session_given(w->session, g->inputs[k]->name);

        if (!t)
            return oc_fail(OCELLUS_BAD_ARGUMENT, "input '%s' was not set",
                           g->inputs[k]->name);
        OC_TRY(oc_run_set_input(w->run, k, t));
    }
    return OCELLUS_OK;
}

/* ---- the plan ------------------------------------------------------------ */

static ocellus_status
open_all(struct oc_tune_whole *w, const struct oc_caps *caps)
{
    const struct oc_plan *plan;
    struct ocellus_graph *graph;

    OC_TRY(oc_session_last_plan(w->session, &plan, NULL));
    OC_TRY(oc_graph_copy(plan->graph, &graph));
    OC_TRY(oc_plan_make(graph, caps, &w->plan));
    OC_TRY(take_states(w));
    OC_TRY(oc_run_create(w->session->device, w->plan, w->state, &w->run));
    w->time = calloc((size_t)w->plan->n_steps + 1, sizeof(*w->time));
    w->sample = calloc((size_t)w->room * (size_t)(w->plan->n_choices + 1),
                       sizeof(*w->sample));
    if (!w->time || !w->sample)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan's times");
    return oc_run_profile(w->run, 1);
}

ocellus_status
oc_tune_whole_open(struct oc_tune_whole *whole, struct ocellus_session *session,
                   const struct oc_caps *caps, int rounds)
{
    ocellus_status status;

    memset(whole, 0, sizeof *whole);
    whole->session = session;
    whole->room = rounds;
    status = open_all(whole, caps);
    if (status != OCELLUS_OK)
        oc_tune_whole_close(whole);
    return status;
}

void
oc_tune_whole_close(struct oc_tune_whole *w)
{
    oc_run_destroy(w->run);
    for (int k = 0; w->state && w->own && k < w->plan->graph->n_states; k++)
        if (w->own[k])
            oc_buffer_destroy(w->state[k]);
    free(w->state);
    free(w->own);
    free(w->time);
    free(w->sample);
    oc_plan_destroy(w->plan);
    memset(w, 0, sizeof *w);
}

size_t
oc_tune_whole_bytes(const struct oc_tune_whole *w)
{
    struct oc_run_info info;

    oc_run_info(w->run, &info);
    return (size_t)(info.arena_bytes + info.derived_bytes) +
           (size_t)oc_session_state_bytes(w->session);
}

/* ---- times --------------------------------------------------------------- */

/* Whose number a reorder lays anew; NULL: nobody's of this plan. */
static const struct oc_node *
maker_of(const struct oc_plan *plan, const struct oc_step *step)
{
    const struct ocellus_value *value;

    if (!step->impl || strcmp(step->impl, "reorder") != 0 || step->n_args < 2)
        return NULL;
    value = plan->place[step->arg[0].place].value;
    return value ? value->node : NULL;
}

static void
add_up(struct oc_tune_whole *w, double *sample)
{
    const struct oc_plan *plan = w->plan;
    double start = -1, end = 0;

    for (int k = plan->n_prologue; k < plan->n_steps; k++) {
        const struct oc_step *step = plan->step[k];
        const struct oc_step_time *time = &w->time[k];
        const struct oc_node *maker = maker_of(plan, step);
        double us = time->end_us - time->start_us;

        if (time->end_us <= 0)
            continue;
        if (step->node)
            sample[step->node->id] += us;
        if (maker && maker != step->node)
            sample[maker->id] += us;
        if (start < 0)
            start = time->start_us;
        end = time->end_us;
    }
    sample[plan->n_choices] = end - (start > 0 ? start : 0);
}

ocellus_status
oc_tune_whole_run(struct oc_tune_whole *w)
{
    size_t width = (size_t)w->plan->n_choices + 1;
    int runs;

    OC_TRY(set_inputs(w));
    OC_TRY(oc_run_enqueue(w->run, 0));
    OC_TRY(oc_run_times(w->run, w->time, &runs));
    if (w->rounds < w->room)
        add_up(w, &w->sample[width * (size_t)w->rounds++]);
    return OCELLUS_OK;
}

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double
oc_tune_typical(double *list, int count, int good)
{
    if (count == 0)
        return 0;
    qsort(list, (size_t)count, sizeof *list, by_size);
    if (good)
        return list[(count - 1) / 4];
    return (list[(count - 1) / 2] + list[count / 2]) / 2;
}

double
oc_tune_whole_node(const struct oc_tune_whole *w, int k, int good)
{
    double list[OC_TUNE_MOST_ROUNDS];
    size_t width = (size_t)w->plan->n_choices + 1;
    int count = 0;

    for (int r = 0; r < w->rounds && count < OC_TUNE_MOST_ROUNDS; r++)
        list[count++] = w->sample[width * (size_t)r + (size_t)k];
    return oc_tune_typical(list, count, good);
}

double
oc_tune_whole_all(const struct oc_tune_whole *w, int good)
{
    return oc_tune_whole_node(w, w->plan->n_choices, good);
}

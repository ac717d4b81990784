/* tune_trial.c - one node of a plan by one implementation (tune_inside.h).
 *
 * A graph of this node alone. What changes from run to run in the plan is an
 * input, and put into the layout that it has there; what does not is a
 * constant, so that packings are made once, as there. Before the node, as much
 * memory is written as the rest of the plan would touch: weights come from
 * where they would come from.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "device/lie.h"
#include "device/tune_inside.h"

enum { MOST_BETWEEN = 64 << 20 };

/* ---- what can be tried --------------------------------------------------- */

int
oc_tune_can_try(const struct oc_node *node)
{
    if (node->n_out > OC_TUNE_MOST_OUT)
        return 0;
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] && !node->in[k]->data &&
            node->in[k]->type != OCELLUS_FLOAT)
            return 0;
    return 1;
}

/* Is a value the same in all runs? */
static int
is_fixed(const struct oc_plan *plan, const struct ocellus_value *value)
{
    if (value->kind == OC_RESULT)
        return plan->choice[value->node->id].fixed;
    return value->kind == OC_STATE ? !value->assigned
                                   : value->kind == OC_CONSTANT;
}

/* A value's own place stands before its variants. */
static struct oc_layout
layout_in(const struct oc_plan *plan, const struct ocellus_value *value)
{
    for (int k = 0; k < plan->n_places; k++)
        if (plan->place[k].value == value)
            return plan->place[k].layout;
    return OC_PLAIN;
}

static int
is_read(const struct oc_plan *plan, const struct ocellus_value *value)
{
    const struct ocellus_graph *g = plan->graph;

    for (int k = 0; k < g->n_nodes; k++)
        for (int i = 0; i < g->nodes[k]->n_in; i++)
            if (g->nodes[k]->in[i] == value)
                return 1;
    for (int k = 0; k < g->n_outputs; k++)
        if (g->outputs[k] == value)
            return 1;
    for (int k = 0; k < g->n_states; k++)
        if (g->states[k]->assigned == value)
            return 1;
    return 0;
}

/* Between -1 and 1; what may be a variance is positive. */
static ocellus_status
draw(const struct ocellus_value *value, int k, struct ocellus_tensor **tensor)
{
    const float low = value->shape.rank < 2 ? 0.5f : -1.0f;
    const float wide = value->shape.rank < 2 ? 1.0f : 2.0f;
    struct oc_random random;
    float *x;

    OC_TRY(oc_tensor_create(OCELLUS_FLOAT, &value->shape, tensor));
    x = (*tensor)->data;
    oc_random_start(&random, (uint64_t)k, OC_HASH_START);
    for (int64_t i = 0; i < oc_shape_count(&value->shape); i++)
        x[i] = low + wide * (float)oc_random_uniform(&random);
    return OCELLUS_OK;
}

ocellus_status
oc_tune_site_open(struct oc_tune_site *site, const struct oc_plan *plan,
                  const struct oc_node *node, size_t between)
{
    memset(site, 0, sizeof *site);
    site->plan = plan;
    site->node = node;
    site->between = between < MOST_BETWEEN ? between : MOST_BETWEEN;
    site->between &= ~(size_t)3;
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] && !node->in[k]->data)
            OC_TRY(draw(node->in[k], k, &site->in[k]));
    return OCELLUS_OK;
}

void
oc_tune_site_close(struct oc_tune_site *site)
{
    for (int k = 0; k < OC_MAX_IN; k++) {
        oc_tensor_destroy(site->in[k]);
        site->in[k] = NULL;
    }
}

/* ---- the graph ----------------------------------------------------------- */

static struct ocellus_value *
place(const struct oc_tune_site *site, struct ocellus_graph *graph, int k,
      size_t *fill)
{
    const struct ocellus_value *in = site->node->in[k];
    const void *data = in->data ? in->data : site->in[k]->data;
    struct oc_layout layout = layout_in(site->plan, in);
    struct ocellus_value *made;
    char name[16];

    if (in->data || is_fixed(site->plan, in))
        return oc_graph_constant(graph, NULL, in->type, &in->shape, data);
    snprintf(name, sizeof name, "x%d", k);
    made = oc_graph_input(graph, name, in->type, &in->shape);
    made = oc_lie(graph, made, &layout, *fill);
    *fill = 0;
    return made;
}

static ocellus_status
outputs(const struct oc_tune_site *site, struct ocellus_graph *graph,
        const struct oc_node *made)
{
    const struct oc_layout layout = layout_in(site->plan, site->node->out[0]);
    char name[16];

    OC_TRY(oc_graph_output(graph, "y0",
                           oc_lie_read(graph, made->out[0], &layout)));
    for (int k = 1; k < made->n_out; k++) {
        snprintf(name, sizeof name, "y%d", k);
        if (is_read(site->plan, site->node->out[k]))
            OC_TRY(oc_graph_output(graph, name, made->out[k]));
    }
    return OCELLUS_OK;
}

static ocellus_status
fill_graph(const struct oc_tune_site *site, struct ocellus_graph *graph)
{
    struct ocellus_value *in[OC_MAX_IN] = {NULL};
    const struct oc_node *node = site->node;
    size_t fill = site->between;
    struct oc_node *made;

    graph->training = node->graph->training;
    graph->precision = node->graph->precision;
    for (int k = 0; k < node->n_in; k++) {
        if (!node->in[k])
            continue;
        in[k] = place(site, graph, k, &fill);
        if (!in[k])
            return oc_fail(graph->status, "%s", graph->sentence);
    }
    OC_TRY(oc_node_copy(node, graph, in, &made));
    return outputs(site, graph, made);
}

/* ---- its plan and run ---------------------------------------------------- */

static ocellus_status
make_plan(struct oc_tune_trial *t, const struct oc_caps *caps,
          const struct oc_tune_site *site, const char *by)
{
    struct oc_caps only = *caps;
    struct oc_text class = {0};
    struct oc_tuned verdict = {.by = by, .usual = by};
    struct ocellus_graph *graph;
    ocellus_status status = OCELLUS_OK;

    OC_TRY(oc_graph_create(&graph));
    if (!oc_tuned_class(site->node, &class) || class.failed)
        status = oc_fail(OCELLUS_INTERNAL, "%s is of no class",
                         site->node->op->name);
    if (status == OCELLUS_OK)
        status = fill_graph(site, graph);
    verdict.what = class.data;
    only.tuned = &verdict;
    only.n_tuned = 1;
    if (status == OCELLUS_OK)
        status = oc_plan_make(graph, &only, &t->plan);
    else
        oc_graph_destroy(graph);
    if (t->plan) /* the verdict goes */
        t->plan->caps = *caps;
    oc_text_free(&class);
    return status;
}

/* Is a step on the clock: the node's own, or a reorder that it takes? */
static int
is_of(const struct oc_step *step)
{
    return step->node &&
           (!oc_lie_is(step->node) || strcmp(step->impl, "reorder") == 0);
}

/* The planner takes a verdict only where nobody refuses. */
static ocellus_status
check_choice(const struct oc_tune_trial *t, const struct oc_node *node,
             const char *by)
{
    for (int k = 0; k < t->plan->n_choices; k++)
        if (t->plan->choice[k].node->op == node->op && t->plan->choice[k].by &&
            strcmp(t->plan->choice[k].by, by) == 0)
            return OCELLUS_OK;
    return oc_fail(OCELLUS_INTERNAL, "%s was not planned by %s", node->op->name,
                   by);
}

ocellus_status
oc_tune_trial_open(struct oc_tune_trial *trial, struct ocellus_device *device,
                   const struct oc_caps *caps, const struct oc_tune_site *site,
                   const char *by)
{
    memset(trial, 0, sizeof *trial);
    trial->device = device;
    OC_TRY(make_plan(trial, caps, site, by));
    OC_TRY(check_choice(trial, site->node, by));
    OC_TRY(oc_run_create(device, trial->plan, NULL, &trial->run));
    trial->time = calloc((size_t)trial->plan->n_steps + 1, sizeof *trial->time);
    if (!trial->time)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a trial");
    return oc_run_profile(trial->run, 1);
}

void
oc_tune_trial_close(struct oc_tune_trial *trial)
{
    oc_run_destroy(trial->run);
    oc_plan_destroy(trial->plan);
    free(trial->time);
    memset(trial, 0, sizeof *trial);
}

static int
same_arg(const struct oc_arg *a, const struct oc_arg *b)
{
    return a->kind == b->kind && a->place == b->place && a->i == b->i &&
           a->bytes == b->bytes && a->f >= b->f && a->f <= b->f;
}

static int
same_step(const struct oc_step *a, const struct oc_step *b)
{
    if (a->kind != OC_STEP_KERNEL || b->kind != OC_STEP_KERNEL)
        return a->kind == b->kind && a->kind == OC_STEP_FILL;
    if (a->n_args != b->n_args || a->dims != b->dims ||
        strcmp(a->kernel, b->kernel) != 0 ||
        strcmp(a->options, b->options) != 0)
        return 0;
    for (int d = 0; d < a->dims; d++)
        if (a->global[d] != b->global[d] || a->local[d] != b->local[d])
            return 0;
    for (int k = 0; k < a->n_args; k++)
        if (!same_arg(&a->arg[k], &b->arg[k]))
            return 0;
    return 1;
}

int
oc_tune_trial_same(const struct oc_tune_trial *a, const struct oc_tune_trial *b)
{
    if (a->plan->n_steps != b->plan->n_steps ||
        a->plan->n_prologue != b->plan->n_prologue)
        return 0;
    for (int k = 0; k < a->plan->n_steps; k++)
        if (!same_step(a->plan->step[k], b->plan->step[k]))
            return 0;
    return 1;
}

static double
window(const struct oc_tune_trial *t)
{
    const struct oc_plan *plan = t->plan;
    double start = 0, end = 0;
    int any = 0;

    for (int k = plan->n_prologue; k < plan->n_steps; k++) {
        const struct oc_step_time *now = &t->time[k];

        if (!is_of(plan->step[k]) || now->end_us <= 0)
            continue;
        if (!any || now->start_us < start)
            start = now->start_us;
        if (now->end_us > end)
            end = now->end_us;
        any = 1;
    }
    return end - start;
}

ocellus_status
oc_tune_trial_run(struct oc_tune_trial *t, const struct oc_tune_site *site,
                  double *us)
{
    const struct ocellus_graph *g = t->plan->graph;
    int runs, input = 0;

    for (int k = 0; k < site->node->n_in && input < g->n_inputs; k++) {
        char name[16];

        snprintf(name, sizeof name, "x%d", k);
        if (site->in[k] && strcmp(g->inputs[input]->name, name) == 0)
            OC_TRY(oc_run_set_input(t->run, input++, site->in[k]));
    }
    OC_TRY(oc_run_enqueue(t->run, 0));
    OC_TRY(oc_run_times(t->run, t->time, &runs));
    *us = window(t);
    return OCELLUS_OK;
}

ocellus_status
oc_tune_trial_read(struct oc_tune_trial *t,
                   struct ocellus_tensor *out[OC_TUNE_MOST_OUT], int *count)
{
    const struct ocellus_graph *g = t->plan->graph;

    memset(out, 0, OC_TUNE_MOST_OUT * sizeof *out);
    *count = g->n_outputs;
    for (int k = 0; k < g->n_outputs; k++) {
        const struct ocellus_value *y = g->outputs[k];
        size_t bytes =
            (size_t)oc_shape_count(&y->shape) * oc_type_size(y->type);

        OC_TRY(oc_tensor_create(y->type, &y->shape, &out[k]));
        if (bytes > 0)
            OC_TRY(oc_run_read_output(t->run, k, out[k]->data, bytes));
    }
    return OCELLUS_OK;
}

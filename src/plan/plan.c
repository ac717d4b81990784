/* plan.c - making a plan, in stages: choose, emit, memory, single. */
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "plan/inside.h"

void
oc_plan_destroy(struct oc_plan *plan)
{
    if (plan == NULL)
        return;
    oc_graph_destroy((struct ocellus_graph *)plan->graph);
    oc_arena_destroy(plan->arena);
    free(plan->place);
    free(plan->step);
    free(plan);
}

static ocellus_status
tables(struct oc_planning *p)
{
    struct oc_plan *plan = p->plan;
    const struct ocellus_graph *g = p->graph;
    size_t values = (size_t)g->n_values + 1, nodes = (size_t)g->n_nodes + 1;
    struct oc_arena *a = plan->arena;
    p->chosen = oc_arena_alloc(a, nodes * sizeof *p->chosen);
    plan->choice = oc_arena_alloc(a, nodes * sizeof *plan->choice);
    p->layout = oc_arena_alloc(a, values * sizeof *p->layout);
    p->home = oc_arena_alloc(a, values * sizeof *p->home);
    p->readers = oc_arena_alloc(a, values * sizeof *p->readers);
    p->fixed = oc_arena_alloc(a, values);
    p->whole = oc_arena_alloc(a, values * sizeof(*p->whole));
    plan->input_place = oc_arena_alloc(a, values * sizeof(int));
    plan->output_place =
        oc_arena_alloc(a, ((size_t)g->n_outputs + 1) * sizeof(int));
    plan->state_place = oc_arena_alloc(a, values * sizeof(int));
    plan->assigned_place = oc_arena_alloc(a, values * sizeof(int));
    if (!p->chosen || !plan->choice || !p->layout || !p->home || !p->readers ||
        !p->fixed || !p->whole || !plan->input_place || !plan->output_place ||
        !plan->state_place || !plan->assigned_place)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    plan->n_choices = g->n_nodes;
    p->steps.arena = p->prologue.arena = a;
    p->steps.caps = p->prologue.caps = p->caps;
    p->steps.scratch = p->prologue.scratch = -1;
    return OCELLUS_OK;
}

/* Prologue and steps into one list. */
static ocellus_status
join(struct oc_planning *p)
{
    struct oc_plan *plan = p->plan;
    int n = p->prologue.count + p->steps.count;
    plan->step = calloc((size_t)n + 1, sizeof(*plan->step));
    if (plan->step == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    for (int k = 0; k < p->prologue.count; k++)
        plan->step[k] = p->prologue.step[k];
    for (int k = 0; k < p->steps.count; k++)
        plan->step[p->prologue.count + k] = p->steps.step[k];
    plan->n_steps = n;
    plan->n_prologue = p->prologue.count;
    for (int k = plan->n_prologue; k < n; k++)
        plan->flops += plan->step[k]->flops;
    return OCELLUS_OK;
}

static ocellus_status
make(struct oc_planning *p)
{
    OC_TRY(oc_graph_prune(p->graph));
    OC_TRY(tables(p));
    OC_TRY(oc_plan_choose(p));
    OC_TRY(oc_plan_emit(p));
    OC_TRY(oc_plan_together(p));
    OC_TRY(join(p));
    OC_TRY(oc_plan_memory(p->plan));
    return oc_plan_single(p->plan);
}

ocellus_status
oc_plan_make(struct ocellus_graph *graph, const struct oc_caps *caps,
             struct oc_plan **out)
{
    *out = NULL;
    struct oc_plan *plan = calloc(1, sizeof *plan);
    struct oc_arena *arena = oc_arena_create();
    struct oc_planning *p = calloc(1, sizeof *p);
    if (plan == NULL || arena == NULL || p == NULL) {
        free(plan);
        free(p);
        oc_arena_destroy(arena);
        oc_graph_destroy(graph);
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    }
    plan->arena = arena;
    plan->graph = graph;
    plan->caps = *caps;
    p->plan = plan;
    p->graph = graph;
    p->caps = &plan->caps;
    ocellus_status status = make(p);
    free(p->left);
    free(p->variant);
    free(p->steps.step);
    free(p->prologue.step);
    free(p);
    if (status != OCELLUS_OK)
        oc_plan_destroy(plan);
    else
        *out = plan;
    return status;
}

/* memory.c - where arena places lie.
 *
 * A place lives from the first step that touches it to the last. Places are
 * laid out largest first, each at the lowest offset where it meets no other
 * place that lives at the same time (greedy by size: Pisarchyk & Lee,
 * "Efficient memory management for deep neural net inference", 2020). A bin is
 * one device allocation; a new one is opened where the largest is full.
 */
#include <limits.h>
#include <stdlib.h>

#include "plan/inside.h"

static void
touch(struct oc_plan *plan, int place, int step)
{
    while (plan->place[place].alias >= 0)
        place = plan->place[place].alias;
    struct oc_place *p = &plan->place[place];
    if (step < p->first)
        p->first = step;
    if (step > p->last)
        p->last = step;
}

static void
live(struct oc_plan *plan)
{
    for (int s = 0; s < plan->n_steps; s++) {
        const struct oc_step *step = plan->step[s];
        for (int k = 0; k < step->n_args; k++)
            if (step->arg[k].kind == OC_ARG_MEMORY)
                touch(plan, step->arg[k].place, s);
        if (step->kind == OC_STEP_GEMM) {
            touch(plan, step->gemm.a, s);
            touch(plan, step->gemm.b, s);
            touch(plan, step->gemm.c, s);
        }
        if (step->kind == OC_STEP_COPY)
            touch(plan, step->from, s);
        if (step->kind == OC_STEP_COPY || step->kind == OC_STEP_FILL)
            touch(plan, step->to, s);
    }
    for (int k = 0; k < plan->graph->n_inputs; k++)
        if (plan->input_place[k] >= 0)
            touch(plan, plan->input_place[k], 0);
    for (int k = 0; k < plan->graph->n_outputs; k++)
        touch(plan, plan->output_place[k], INT_MAX);
}

/* What only the prologue touches needs no memory of its own. */
static void
lend(struct oc_plan *plan)
{
    for (int k = 0; k < plan->n_places; k++) {
        struct oc_place *p = &plan->place[k];
        if (p->kind == OC_PLACE_DERIVED && p->last >= 0 &&
            p->last < plan->n_prologue)
            p->kind = OC_PLACE_ARENA;
    }
}

static int
larger(const void *a, const void *b)
{
    const struct oc_place *x = *(struct oc_place *const *)a;
    const struct oc_place *y = *(struct oc_place *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

static size_t
round_up(size_t bytes, size_t to)
{
    return (bytes + to - 1) / to * to;
}

/* The lowest offset in `bin` at which p meets none of placed[0 .. count). */
static size_t
lowest(struct oc_place *const *placed, int count, const struct oc_place *p,
       int bin, size_t align)
{
    size_t at = 0;
    for (int moved = 1; moved;) {
        moved = 0;
        for (int k = 0; k < count; k++) {
            const struct oc_place *q = placed[k];
            if (q->bin != bin || q->last < p->first || p->last < q->first ||
                q->offset + q->bytes <= at || at + p->bytes <= q->offset)
                continue;
            at = round_up(q->offset + q->bytes, align);
            moved = 1;
        }
    }
    return at;
}

static ocellus_status
settle(struct oc_plan *plan, struct oc_place *const *order, int count)
{
    size_t align = plan->caps.alignment ? plan->caps.alignment : 128;
    size_t most = plan->caps.largest_allocation;
    for (int k = 0; k < count; k++) {
        struct oc_place *p = order[k];
        size_t end;
        p->bin = 0;
        for (;; p->bin++) {
            p->offset = lowest(order, k, p, p->bin, align);
            end = p->offset + p->bytes;
            if (most == 0 || end <= most || p->offset == 0)
                break;
        }
        if (p->bin >= plan->n_bins) {
            size_t *more = oc_arena_alloc(plan->arena,
                                          (size_t)(p->bin + 1) * sizeof *more);
            if (more == NULL)
                return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
            for (int b = 0; b < plan->n_bins; b++)
                more[b] = plan->bin_bytes[b];
            plan->bin_bytes = more;
            plan->n_bins = p->bin + 1;
        }
        if (end > plan->bin_bytes[p->bin])
            plan->bin_bytes[p->bin] = end;
    }
    return OCELLUS_OK;
}

ocellus_status
oc_plan_memory(struct oc_plan *plan)
{
    live(plan);
    lend(plan);
    struct oc_place **order =
        calloc((size_t)plan->n_places + 1, sizeof(*order));
    if (order == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    int count = 0;
    for (int k = 0; k < plan->n_places; k++)
        if (plan->place[k].kind == OC_PLACE_ARENA && plan->place[k].alias < 0 &&
            plan->place[k].last >= 0)
            order[count++] = &plan->place[k];
    qsort(order, (size_t)count, sizeof(struct oc_place *), larger);
    ocellus_status status = settle(plan, order, count);
    free(order);
    return status;
}

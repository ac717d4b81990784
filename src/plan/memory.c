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
#include <string.h>

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

/* What lies in a bin, by offset. */
struct lying {
    size_t offset, end;
    int first, last;
};
struct bin {
    struct lying *at;
    int count, room;
};

/* The lowest offset at which p meets nothing that lives when it does. */
static size_t
lowest(const struct bin *bin, const struct oc_place *p, size_t align)
{
    size_t at = 0;
    for (int k = 0; k < bin->count; k++) {
        const struct lying *q = &bin->at[k];
        if (q->offset >= at + p->bytes)
            break;
        if (q->end > at && q->first <= p->last && p->first <= q->last)
            at = round_up(q->end, align);
    }
    return at;
}

static ocellus_status
lay_down(struct bin *bin, const struct oc_place *p)
{
    int low = 0, high = bin->count;
    if (!oc_grow(&bin->at, bin->count, &bin->room, sizeof *bin->at))
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (bin->at[middle].offset < p->offset)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(bin->at + low + 1, bin->at + low,
            (size_t)(bin->count - low) * sizeof *bin->at);
    bin->at[low] =
        (struct lying){p->offset, p->offset + p->bytes, p->first, p->last};
    bin->count++;
    return OCELLUS_OK;
}

static ocellus_status
one_more_bin(struct oc_plan *plan, struct bin **bin)
{
    int n = plan->n_bins;
    size_t *bytes =
        oc_arena_alloc(plan->arena, ((size_t)n + 1) * sizeof *bytes);
    struct bin *more = realloc(*bin, ((size_t)n + 1) * sizeof *more);
    if (more != NULL)
        *bin = more;
    if (bytes == NULL || more == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    for (int k = 0; k < n; k++)
        bytes[k] = plan->bin_bytes[k];
    bytes[n] = 0;
    more[n] = (struct bin){0};
    plan->bin_bytes = bytes;
    plan->n_bins = n + 1;
    return OCELLUS_OK;
}

/* In the first bin that has room below the largest allocation. */
static ocellus_status
settle_one(struct oc_plan *plan, struct bin **bin, struct oc_place *p)
{
    size_t align = plan->caps.alignment ? plan->caps.alignment : 128;
    size_t most = plan->caps.largest_allocation, end;
    for (p->bin = 0;; p->bin++) {
        if (p->bin == plan->n_bins)
            OC_TRY(one_more_bin(plan, bin));
        p->offset = lowest(&(*bin)[p->bin], p, align);
        end = p->offset + p->bytes;
        if (most == 0 || end <= most || p->offset == 0)
            break;
    }
    if (end > plan->bin_bytes[p->bin])
        plan->bin_bytes[p->bin] = end;
    return lay_down(&(*bin)[p->bin], p);
}

static ocellus_status
settle(struct oc_plan *plan, struct oc_place *const *order, int count)
{
    struct bin *bin = NULL;
    ocellus_status status = OCELLUS_OK;
    for (int k = 0; status == OCELLUS_OK && k < count; k++)
        status = settle_one(plan, &bin, order[k]);
    for (int k = 0; k < plan->n_bins; k++)
        free(bin[k].at);
    free(bin);
    return status;
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

/* together.c - one launch for many tensors that are treated alike.
 *
 * A net has an update for each of its parameters, most of them small: on a fast
 * device the launches cost more than the work. Kernels that can serve many
 * tensors at once say so (step.each); here the launches of one kernel, one
 * treatment, move up to the first of them and become one, or as few as the
 * device's limit on arguments allows. A launch stays where it is if it would
 * pass one that reads what it writes, or writes what it touches. The nodes are
 * as before, and so is every number.
 */
#include <stdlib.h>
#include <string.h>

#include "plan/inside.h"

enum { UNIT = 8, MOST = 64, USUAL_ARGUMENTS = 1024 };

/* ---- what launches touch ------------------------------------------------- */

/* Per place: do the steps from the first of a group on read it, write it? */
struct touched {
    const struct oc_plan *plan;
    char *reads, *writes;
};

static int
root_of(const struct oc_plan *plan, int place)
{
    while (plan->place[place].alias >= 0)
        place = plan->place[place].alias;
    return place;
}

static int
is_free(const struct touched *t, int place, int writes)
{
    place = root_of(t->plan, place);
    return !t->writes[place] && !(writes && t->reads[place]);
}

static void
mark(struct touched *t, int place, int writes)
{
    place = root_of(t->plan, place);
    if (writes)
        t->writes[place] = 1;
    else
        t->reads[place] = 1;
}

static void
mark_step(struct touched *t, const struct oc_step *step)
{
    for (int k = 0; k < step->n_args; k++)
        if (step->arg[k].kind == OC_ARG_MEMORY)
            mark(t, step->arg[k].place, step->arg[k].writes);
    if (step->kind == OC_STEP_GEMM) {
        mark(t, step->gemm.a, 0);
        mark(t, step->gemm.b, 0);
        mark(t, step->gemm.c, 1);
    }
    if (step->kind == OC_STEP_COPY)
        mark(t, step->from, 0);
    if (step->kind == OC_STEP_COPY || step->kind == OC_STEP_FILL)
        mark(t, step->to, 1);
}

static int
may_move_up(const struct touched *t, const struct oc_step *step)
{
    for (int k = 0; k < step->n_args; k++)
        if (step->arg[k].kind == OC_ARG_MEMORY &&
            !is_free(t, step->arg[k].place, step->arg[k].writes))
            return 0;
    return 1;
}

/* ---- who is alike -------------------------------------------------------- */

static int
same_arg(const struct oc_plan *plan, const struct oc_arg *a,
         const struct oc_arg *b)
{
    return a->kind == b->kind && a->writes == b->writes && a->i == b->i &&
           memcmp(&a->f, &b->f, sizeof a->f) == 0 && a->bytes == b->bytes &&
           root_of(plan, a->place) == root_of(plan, b->place);
}

static int
same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static int
alike(const struct oc_plan *plan, const struct oc_step *a,
      const struct oc_step *b)
{
    if (a->each == 0 || a->each != b->each || a->n_args != b->n_args ||
        a->local[0] != b->local[0] || !same_text(a->file, b->file) ||
        !same_text(a->kernel, b->kernel) ||
        !same_text(a->options, b->options) ||
        !same_text(a->prelude, b->prelude))
        return 0;
    for (int k = a->each; k < a->n_args; k++)
        if (!same_arg(plan, &a->arg[k], &b->arg[k]))
            return 0;
    return 1;
}

/* ---- one launch of many -------------------------------------------------- */

/* As the device counts: pointers have eight bytes. */
static size_t
arg_bytes(const struct oc_arg *arg, int count)
{
    size_t bytes = 0;

    for (int k = 0; k < count; k++)
        bytes +=
            arg[k].kind == OC_ARG_MEMORY || arg[k].kind == OC_ARG_LOCAL ? 8 : 4;
    return bytes;
}

/* The most tensors of one launch. */
static int
most_of(const struct oc_caps *caps, const struct oc_step *step)
{
    const size_t limit = caps->arguments ? caps->arguments : USUAL_ARGUMENTS;
    const size_t own = arg_bytes(step->arg, step->each);
    const size_t others =
        arg_bytes(step->arg + step->each, step->n_args - step->each);
    const size_t most = limit > others ? (limit - others) / own : 0;

    return most > MOST ? MOST : (int)most / UNIT * UNIT;
}

/* Step `first` for `many` tensors, those of `list` and then none. */
static struct oc_step *
joined(struct oc_arena *arena, struct oc_step *const *list, int count, int many)
{
    const struct oc_step *first = list[0];
    const int each = first->each, others = first->n_args - each;
    struct oc_step *step = oc_arena_alloc(arena, sizeof *step);
    const int n_args = many * each + others;
    struct oc_arg *arg = oc_arena_alloc(arena, (size_t)n_args * sizeof *arg);
    char *options =
        oc_arena_printf(arena, "%s -DMANY=%d", first->options, many);

    if (!step || !arg || !options)
        return NULL;
    *step = *first;
    step->options = options;
    step->arg = arg;
    step->n_args = step->room_args = n_args;
    step->each = 0;
    step->global[0] = 0;
    step->flops = step->traffic = 0;
    for (int k = 0; k < many; k++, arg += each) {
        memcpy(arg, list[k < count ? k : 0]->arg, (size_t)each * sizeof *arg);
        if (k >= count)
            arg[each - 1].i = 0;
    }
    memcpy(arg, first->arg + each, (size_t)others * sizeof *arg);
    for (int k = 0; k < count; k++) {
        step->global[0] += list[k]->global[0];
        step->flops += list[k]->flops;
        step->traffic += list[k]->traffic;
    }
    return step;
}

/* ---- the list ------------------------------------------------------------ */

struct gathering {
    struct oc_planning *p;
    struct touched touched;
    struct oc_step **group; /* what becomes one, in its order */
    int n_group;
    struct oc_step **list; /* the steps as they will be */
    int count;
};

/* Takes step `first` and all that may move up to it out of the plan's list,
 * where NULL stands for them. */
static void
gather(struct gathering *g, int first)
{
    struct oc_steps *steps = &g->p->steps;
    const struct oc_step *leader = steps->step[first];
    const size_t places = (size_t)g->p->plan->n_places;

    memset(g->touched.reads, 0, places);
    memset(g->touched.writes, 0, places);
    g->n_group = 0;
    for (int k = first; k < steps->count; k++) {
        struct oc_step *step = steps->step[k];
        if (step == NULL)
            continue;
        if (k == first || (alike(g->p->plan, leader, step) &&
                           may_move_up(&g->touched, step))) {
            g->group[g->n_group++] = step;
            steps->step[k] = NULL;
        }
        mark_step(&g->touched, step);
    }
}

/* The group into the new list, as `many` tensors a launch. */
static ocellus_status
join_group(struct gathering *g, int launches)
{
    struct oc_planning *p = g->p;
    const int share = (g->n_group + launches - 1) / launches;
    const int many = (share + UNIT - 1) / UNIT * UNIT;

    for (int from = 0; from < g->n_group; from += share) {
        const int left = g->n_group - from, count = left < share ? left : share;
        struct oc_step *step =
            joined(p->plan->arena, g->group + from, count, many);
        if (step == NULL)
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
        for (int k = 1; k < count; k++)
            p->plan->choice[g->group[from + k]->node->id].n_steps--;
        g->list[g->count++] = step;
    }
    return OCELLUS_OK;
}

static ocellus_status
put_together(struct gathering *g)
{
    struct oc_steps *steps = &g->p->steps;

    for (int k = 0; k < steps->count; k++) {
        if (steps->step[k] == NULL)
            continue;
        if (steps->step[k]->each == 0) {
            g->list[g->count++] = steps->step[k];
            continue;
        }
        gather(g, k);
        const int most = most_of(g->p->caps, g->group[0]);
        if (g->n_group > 1 && most > 0) {
            OC_TRY(join_group(g, (g->n_group + most - 1) / most));
            continue;
        }
        for (int i = 0; i < g->n_group; i++)
            g->list[g->count++] = g->group[i];
    }
    if (g->count > 0)
        memcpy(steps->step, g->list, (size_t)g->count * sizeof(*g->list));
    steps->count = g->count;
    return OCELLUS_OK;
}

ocellus_status
oc_plan_together(struct oc_planning *p)
{
    const size_t n = (size_t)p->steps.count + 1;
    const size_t places = (size_t)p->plan->n_places + 1;
    struct gathering g = {.p = p};
    ocellus_status status;

    g.group = calloc(n, sizeof(*g.group));
    g.list = calloc(n, sizeof(*g.list));
    g.touched.plan = p->plan;
    g.touched.reads = malloc(places);
    g.touched.writes = malloc(places);
    status = g.group && g.list && g.touched.reads && g.touched.writes
                 ? put_together(&g)
                 : oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    free(g.group);
    free(g.list);
    free(g.touched.reads);
    free(g.touched.writes);
    return status;
}

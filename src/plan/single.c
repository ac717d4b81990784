/* single.c - a small net as one launch.
 *
 * On a CPU a launch wakes threads and waits for them; a net whose steps are
 * shorter than that is faster when one work-item does all of them in turn. The
 * steps stay what the plan is; the single launch stands for them in a run that
 * is not profiled.
 *
 * Its text holds the files of all steps (single_text.c), and a kernel that
 * calls them:
 *
 *     single(p0, p1, ..., a):
 *         for each place (x, y, z) of a[0] x a[1] x a[2]:
 *             conv_blocked_0(p0, p1, p2, a[3], a[4], ..., x, y, z)
 *         barrier
 *         for each place of a[40] x a[41] x a[42]: ...
 *
 * where p are the steps' memory and a is a table of all their numbers: extents
 * are no part of the text, and another batch size needs no other program.
 */
#include <string.h>

#include "plan/inside.h"
#include "plan/single.h"

enum {
    MOST_STEPS = 32,
    POINTER = 8,
    USUAL_ARGUMENTS = 1024,
    /* Per core and microsecond, for each lane of a vector, and for memory in
     * the caches: half of what kernels reach. */
    FLOPS_PER_LANE = 8000,
    BYTES = 10000
};

static double
step_us(const struct oc_step *step, const struct oc_caps *caps)
{
    double compute = step->flops / (FLOPS_PER_LANE * caps->vector_width);
    double memory = step->traffic / BYTES;

    return compute > memory ? compute : memory;
}

static int
memory_arguments(const struct oc_step *step)
{
    int n = 0;

    for (int k = 0; k < step->n_args; k++)
        n += step->arg[k].kind == OC_ARG_MEMORY;
    return n;
}

/* Whether all steps can go, and what the other cores would save is less than
 * the launches cost. */
static int
worth_it(const struct oc_plan *plan)
{
    const int n = plan->n_steps - plan->n_prologue;
    const struct oc_caps *caps = &plan->caps;
    double us = 0;
    int memory = 0;

    if (!caps->cpu || n < 2 || n > MOST_STEPS)
        return 0;
    for (int s = plan->n_prologue; s < plan->n_steps; s++) {
        const struct oc_step *step = plan->step[s];

        if (oc_single_refusal(step))
            return 0;
        us += step_us(step, caps);
        memory += memory_arguments(step);
    }
    return (size_t)(memory + 1) * POINTER <=
               (caps->arguments ? caps->arguments : USUAL_ARGUMENTS) &&
           us * (1.0 - 1.0 / caps->compute_units) <= caps->launch_us * n;
}

/* ---- numbers ------------------------------------------------------------ */

static int
numbers_of(const struct oc_step *step)
{
    return 3 + step->n_args - memory_arguments(step);
}

static void
put_numbers(int32_t *to, const struct oc_step *step)
{
    for (int d = 0; d < 3; d++)
        *to++ = d < step->dims ? (int32_t)step->global[d] : 1;
    for (int k = 0; k < step->n_args; k++) {
        const struct oc_arg *arg = &step->arg[k];

        if (arg->kind == OC_ARG_FLOAT)
            memcpy(to++, &arg->f, sizeof(arg->f));
        else if (arg->kind == OC_ARG_INT)
            *to++ = arg->i;
    }
}

/* ---- text --------------------------------------------------------------- */

static int
same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* The first step that has this one's file, options and prelude. */
static int
block_of(const struct oc_plan *plan, int s)
{
    int first = plan->n_prologue;

    while (!same(plan->step[first]->file, plan->step[s]->file) ||
           !same(plan->step[first]->options, plan->step[s]->options) ||
           !same(plan->step[first]->prelude, plan->step[s]->prelude))
        first++;
    return first - plan->n_prologue;
}

static void
call(struct oc_text *text, const struct oc_step *step, int block, int *memory,
     int *number)
{
    const char *comma = "";

    oc_text_printf(text,
                   "    for (int z = 0; z < a[%d]; z++)\n"
                   "        for (int y = 0; y < a[%d]; y++)\n"
                   "            for (int x = 0; x < a[%d]; x++)\n"
                   "                %s_%d(",
                   *number + 2, *number + 1, *number, step->kernel, block);
    *number += 3;
    for (int k = 0; k < step->n_args; k++, comma = ", ") {
        if (step->arg[k].kind == OC_ARG_MEMORY)
            oc_text_printf(text, "%s(__global void *)p%d", comma, (*memory)++);
        else if (step->arg[k].kind == OC_ARG_FLOAT)
            oc_text_printf(text, "%sas_float(a[%d])", comma, (*number)++);
        else
            oc_text_printf(text, "%sa[%d]", comma, (*number)++);
    }
    oc_text_append(text, ", x, y, z);\n    barrier(CLK_GLOBAL_MEM_FENCE);\n");
}

static void
write_text(struct oc_text *text, const struct oc_plan *plan)
{
    int memory = 0, number = 0;

    oc_text_append(text, "#define get_global_id(d) oc_at_##d\n"
                         "#define get_group_id(d) oc_at_##d\n");
    for (int s = plan->n_prologue; s < plan->n_steps; s++)
        if (block_of(plan, s) == s - plan->n_prologue)
            oc_single_block(text, plan->step[s], s - plan->n_prologue);
    for (int s = plan->n_prologue; s < plan->n_steps; s++)
        memory += memory_arguments(plan->step[s]);
    oc_text_append(text, "\n__kernel __attribute__((reqd_work_group_size("
                         "1, 1, 1))) void\nsingle(");
    for (int p = 0; p < memory; p++)
        oc_text_printf(text, "__global uchar *p%d, ", p);
    oc_text_append(text, "__global const int *a)\n{\n");
    memory = 0;
    for (int s = plan->n_prologue; s < plan->n_steps; s++)
        call(text, plan->step[s], block_of(plan, s), &memory, &number);
    oc_text_append(text, "}\n");
}

/* ---- the step ----------------------------------------------------------- */

static void
arguments(struct oc_step *single, const struct oc_plan *plan, int32_t *numbers)
{
    struct oc_arg *table;
    int32_t *to = numbers;

    for (int s = plan->n_prologue; s < plan->n_steps; s++) {
        const struct oc_step *step = plan->step[s];

        for (int k = 0; k < step->n_args; k++)
            if (step->arg[k].kind == OC_ARG_MEMORY)
                single->arg[single->n_args++] = step->arg[k];
        put_numbers(to, step);
        to += numbers_of(step);
    }
    table = &single->arg[single->n_args++];
    table->kind = OC_ARG_NUMBERS;
    table->numbers = numbers;
    table->bytes = (size_t)(to - numbers) * sizeof(*numbers);
}

ocellus_status
oc_plan_single(struct oc_plan *plan)
{
    struct oc_text text = {0};
    struct oc_step *single;
    struct oc_arg *args;
    int32_t *numbers;
    size_t count = 0, memory = 0;

    if (!worth_it(plan))
        return OCELLUS_OK;
    for (int s = plan->n_prologue; s < plan->n_steps; s++) {
        count += (size_t)numbers_of(plan->step[s]);
        memory += (size_t)memory_arguments(plan->step[s]);
    }
    write_text(&text, plan);
    single = oc_arena_alloc(plan->arena, sizeof *single);
    args = oc_arena_alloc(plan->arena, (memory + 1) * sizeof *args);
    numbers = oc_arena_alloc(plan->arena, count * sizeof *numbers);
    if (single && args && numbers && !text.failed) {
        single->kind = OC_STEP_KERNEL;
        single->impl = single->file = single->kernel = "single";
        single->options = "";
        single->text = oc_arena_strdup(plan->arena, text.data);
        single->dims = 1;
        single->arg = args;
        single->global[0] = single->local[0] = 1;
        arguments(single, plan, numbers);
    }
    oc_text_free(&text);
    if (!single || !single->text)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    plan->single = single;
    return OCELLUS_OK;
}

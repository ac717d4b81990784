/* single.c - a net as one launch.
 *
 * On a CPU a launch wakes threads and waits for them, which costs as much as
 * some ten microseconds of work. Where a net has many short steps, one launch
 * does them all: its few work-items take the work-items of each step from a
 * counter, and go on to the next step when all of this one are
 * done. The steps stay what the plan is; the single launch stands for them in a
 * run that is not profiled.
 *
 *     single(p0, p1, ..., l, a):
 *         for each step:
 *             while there is a place (x, y, z) of its grid to take:
 *                 switch (a[0]):
 *                 0: conv_blocked_0(p[a[4]] + a[5], ..., a[12], ..., x, y, z)
 *                 1: ...
 *             wait until all places taken are done
 *             a += ...
 *
 * where p is the steps' memory, l local memory, and a the table of all that a
 * step is called with: extents are no part of the text (single_text.c puts it
 * together), and another batch size needs no other program. Nobody waits for
 * what was not begun, so it ends whether all work-items run at once or one
 * after the other.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "plan/inside.h"
#include "plan/single.h"

enum {
    MOST_STEPS = 256,
    POINTER = 8,
    USUAL_ARGUMENTS = 1024,
    /* Per core and microsecond, for each lane of a vector, and for memory in
     * the caches: half of what kernels reach. */
    FLOPS_PER_LANE = 8000,
    BYTES = 10000,
    /* Work-items a core: drivers give a thread several at a time (PoCL 3.1 one
     * more than its share), and a core must not be left without. */
    TURNS = 2,
    /* Steps that take more than so many launches on average are left alone. */
    LONG = 16
};

/* The launch in the making. */
struct making {
    struct oc_plan *plan;
    struct oc_step *single;
    int *parameter; /* per place: which of p it lies in, or -1 */
    int n_parameters;
    size_t local; /* bytes, the most that a step takes */
    int *block;   /* per step: the first one with its kernel's text */
    int32_t *table;
    int numbers; /* in the table, so far */
    int room;    /* of it: behind the numbers lie counters, two a step and one
                  * for the end, zero whenever no run is under way */
};

static int
root_of(const struct oc_plan *plan, int place)
{
    while (plan->place[place].alias >= 0)
        place = plan->place[place].alias;
    return place;
}

/* ---- whether ------------------------------------------------------------ */

static double
step_us(const struct oc_step *step, const struct oc_caps *caps)
{
    double compute = step->flops / (FLOPS_PER_LANE * caps->vector_width);
    double memory = step->traffic / BYTES;

    return compute > memory ? compute : memory;
}

static int
is_worth_it(const struct oc_plan *plan)
{
    const int n = plan->n_steps - plan->n_prologue;
    const struct oc_caps *caps = &plan->caps;
    double us = 0;

    if (!caps->cpu || n < 2 || n > MOST_STEPS)
        return 0;
    for (int s = plan->n_prologue; s < plan->n_steps; s++)
        us += step_us(plan->step[s], caps);
    if (us / caps->compute_units > (double)LONG * caps->launch_us * n)
        return 0;
    for (int s = plan->n_prologue; s < plan->n_steps; s++)
        if (oc_single_refusal(plan->step[s]))
            return 0;
    return 1;
}

/* ---- memory ------------------------------------------------------------- */

static int
is_input(const struct oc_plan *plan, int root)
{
    for (int k = 0; k < plan->graph->n_inputs; k++)
        if (plan->input_place[k] >= 0 &&
            root_of(plan, plan->input_place[k]) == root)
            return 1;
    return 0;
}

/* What lies in a bin of the arena needs the bin alone; an input may come from
 * outside, and has a parameter of its own. */
static int
has_bin(const struct oc_plan *plan, int root)
{
    return plan->place[root].kind == OC_PLACE_ARENA && !is_input(plan, root);
}

static int
parameter_of(struct making *m, int root)
{
    struct oc_arg arg = {.kind = OC_ARG_MEMORY, .place = root, .writes = 1};

    if (has_bin(m->plan, root)) {
        arg.kind = OC_ARG_BIN;
        arg.i = m->plan->place[root].bin;
    }
    for (int p = 0; p < m->n_parameters; p++) {
        const struct oc_arg *have = &m->single->arg[p];

        if (have->kind == arg.kind && have->i == arg.i &&
            (arg.kind == OC_ARG_BIN || have->place == root))
            return p;
    }
    m->single->arg[m->n_parameters] = arg;
    return m->n_parameters++;
}

/* ---- the table ---------------------------------------------------------- */

static void
put(struct making *m, int32_t number)
{
    m->table[m->numbers++] = number;
}

static void
put_memory(struct making *m, int place)
{
    const int root = root_of(m->plan, place);

    if (m->parameter[root] < 0)
        m->parameter[root] = parameter_of(m, root);
    put(m, m->parameter[root]);
    put(m, has_bin(m->plan, root) ? (int32_t)m->plan->place[root].offset : 0);
}

static void
put_step(struct making *m, const struct oc_step *step, int block)
{
    size_t local = 0;
    int32_t bits;

    put(m, block);
    for (int d = 0; d < 3; d++)
        put(m, d < step->dims ? (int32_t)step->global[d] : 1);
    for (int k = 0; k < step->n_args; k++) {
        const struct oc_arg *arg = &step->arg[k];

        switch (arg->kind) {
        case OC_ARG_MEMORY:
            put_memory(m, arg->place);
            break;
        case OC_ARG_FLOAT:
            memcpy(&bits, &arg->f, sizeof(bits));
            put(m, bits);
            break;
        case OC_ARG_LOCAL:
            put(m, (int32_t)local);
            local += (arg->bytes + 63) / 64 * 64;
            break;
        default:
            put(m, arg->i);
        }
    }
    m->local = local > m->local ? local : m->local;
}

static void
put_all(struct making *m)
{
    const struct oc_plan *plan = m->plan;

    for (int s = plan->n_prologue; s < plan->n_steps; s++)
        put_step(m, plan->step[s], m->block[s - plan->n_prologue]);
}

/* ---- text --------------------------------------------------------------- */

static int
same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static int
same_text(const struct oc_step *a, const struct oc_step *b)
{
    return same(a->kernel, b->kernel) && same(a->file, b->file) &&
           same(a->options, b->options) && same(a->prelude, b->prelude) &&
           a->n_args == b->n_args;
}

static void
find_blocks(struct making *m)
{
    const struct oc_plan *plan = m->plan;
    struct oc_step *const *step = plan->step + plan->n_prologue;

    for (int s = 0; s < plan->n_steps - plan->n_prologue; s++) {
        m->block[s] = 0;
        while (!same_text(step[m->block[s]], step[s]))
            m->block[s]++;
    }
}

static void
write_case(struct oc_text *text, const struct oc_step *step, int block)
{
    int at = 4;

    oc_text_printf(text,
                   "                case %d:\n"
                   "                    %s_%d(",
                   block, step->kernel, block);
    for (int k = 0; k < step->n_args; k++) {
        switch (step->arg[k].kind) {
        case OC_ARG_MEMORY:
            oc_text_printf(text, "(__global void *)(p[a[%d]] + a[%d]), ", at,
                           at + 1);
            at++;
            break;
        case OC_ARG_FLOAT:
            oc_text_printf(text, "as_float(a[%d]), ", at);
            break;
        case OC_ARG_LOCAL:
            oc_text_printf(text, "(__local void *)(l + a[%d]), ", at);
            break;
        default:
            oc_text_printf(text, "a[%d], ", at);
        }
        at++;
    }
    oc_text_append(text, "x, y, z);\n"
                         "                    break;\n");
}

/* How many numbers of the table a step takes is known to its case alone. */
static void
write_sizes(struct oc_text *text, const struct making *m)
{
    const struct oc_plan *plan = m->plan;

    oc_text_append(text, "        switch (a[0]) {\n");
    for (int s = plan->n_prologue; s < plan->n_steps; s++) {
        const int block = m->block[s - plan->n_prologue];
        int size = 4;

        if (block != s - plan->n_prologue)
            continue;
        for (int k = 0; k < plan->step[s]->n_args; k++)
            size += 1 + (plan->step[s]->arg[k].kind == OC_ARG_MEMORY);
        oc_text_printf(text, "        case %d: a += %d; break;\n", block, size);
    }
    oc_text_append(text, "        }\n");
}

/* Many small places are taken several at a time. */
static const char loop[] =
    "    for (int s = 0; s < steps; s++) {\n"
    "        const int gx = a[1], gy = a[2], total = gx * gy * a[3];\n"
    "        const int some = max(total / (4 * (int)get_num_groups(0)), 1);\n"
    "        for (int t; (t = atomic_add(ticket + 2 * s, some)) < total;) {\n"
    "            const int more = min(t + some, total);\n"
    "            for (int i = t; i < more; i++) {\n"
    "                const int x = i % gx, y = i / gx % gy, z = i / gx / gy;\n"
    "                switch (a[0]) {\n";

static const char wait[] =
    "                }\n"
    "            }\n"
    "            mem_fence(CLK_GLOBAL_MEM_FENCE);\n"
    "            atomic_add(ticket + 2 * s + 1, more - t);\n"
    "        }\n"
    "        while (ticket[2 * s + 1] < total)\n"
    "            ;\n"
    "        atomic_add(ticket + 2 * s + 1, 0);\n"
    "        mem_fence(CLK_GLOBAL_MEM_FENCE);\n";

static const char end[] =
    "    }\n"
    "    if (atomic_inc(ticket + 2 * steps) == (int)get_num_groups(0) - 1)\n"
    "        for (int k = 0; k <= 2 * steps; k++)\n"
    "            ticket[k] = 0;\n"
    "}\n";

static void
write_kernel(struct oc_text *text, const struct making *m)
{
    const struct oc_plan *plan = m->plan;

    oc_text_append(text,
                   "\n__kernel __attribute__((reqd_work_group_size(1, 1, 1))) "
                   "void\nsingle(");
    for (int p = 0; p < m->n_parameters; p++)
        oc_text_printf(text, "__global uchar *p%d, ", p);
    oc_text_append(text, "__local uchar *l, __global int *a, int steps, "
                         "int tail)\n{\n"
                         "    __global uchar *const p[] = {");
    for (int p = 0; p < m->n_parameters; p++)
        oc_text_printf(text, "p%d, ", p);
    oc_text_append(text, "};\n"
                         "    volatile __global int *ticket = a + tail;\n");
    oc_text_append(text, loop);
    for (int s = plan->n_prologue; s < plan->n_steps; s++)
        if (m->block[s - plan->n_prologue] == s - plan->n_prologue)
            write_case(text, plan->step[s], s - plan->n_prologue);
    oc_text_append(text, wait);
    write_sizes(text, m);
    oc_text_append(text, end);
}

static void
write_text(struct oc_text *text, const struct making *m)
{
    const struct oc_plan *plan = m->plan;

    oc_text_append(text, "#define get_global_id(d) oc_at_##d\n"
                         "#define get_group_id(d) oc_at_##d\n");
    for (int s = plan->n_prologue; s < plan->n_steps; s++)
        if (m->block[s - plan->n_prologue] == s - plan->n_prologue)
            oc_single_block(text, plan->step[s], s - plan->n_prologue);
    write_kernel(text, m);
}

/* ---- the step ----------------------------------------------------------- */

static int
make_tables(struct making *m)
{
    struct oc_arena *arena = m->plan->arena;
    const int n = m->plan->n_steps - m->plan->n_prologue;
    int memory = 0, room = 2 * n + 1;

    for (int s = m->plan->n_prologue; s < m->plan->n_steps; s++) {
        const struct oc_step *step = m->plan->step[s];

        room += 4 + step->n_args;
        for (int k = 0; k < step->n_args; k++)
            memory += step->arg[k].kind == OC_ARG_MEMORY;
    }
    m->room = room + memory;
    m->single = oc_arena_alloc(arena, sizeof *m->single);
    m->table = oc_arena_alloc(arena, (size_t)m->room * sizeof *m->table);
    m->block = oc_arena_alloc(arena, (size_t)n * sizeof *m->block);
    m->parameter =
        oc_arena_alloc(arena, (size_t)m->plan->n_places * sizeof(int));
    if (!m->single || !m->table || !m->block || !m->parameter)
        return 0;
    m->single->arg =
        oc_arena_alloc(arena, (size_t)(memory + 4) * sizeof(struct oc_arg));
    for (int k = 0; k < m->plan->n_places; k++)
        m->parameter[k] = -1;
    return m->single->arg != NULL;
}

static void
arguments(struct making *m)
{
    struct oc_arg *arg = m->single->arg + m->n_parameters;
    const int steps = m->plan->n_steps - m->plan->n_prologue;

    arg[0] = (struct oc_arg){.kind = OC_ARG_LOCAL, .bytes = m->local};
    arg[1] = (struct oc_arg){.kind = OC_ARG_NUMBERS,
                             .numbers = m->table,
                             .bytes = (size_t)m->room * sizeof *m->table};
    arg[2] = (struct oc_arg){.kind = OC_ARG_INT, .i = steps};
    arg[3] = (struct oc_arg){.kind = OC_ARG_INT, .i = m->numbers};
    m->single->n_args = m->n_parameters + 4;
}

/* Offsets in bins are ints; arguments must find room. */
static int
fits(const struct making *m)
{
    const struct oc_caps *caps = &m->plan->caps;
    const size_t most = caps->arguments ? caps->arguments : USUAL_ARGUMENTS;

    for (int b = 0; b < m->plan->n_bins; b++)
        if (m->plan->bin_bytes[b] > INT_MAX)
            return 0;
    return m->local <= caps->local_memory &&
           (size_t)(m->n_parameters + 4) * POINTER <= most;
}

static ocellus_status
finish(struct making *m)
{
    struct oc_text text = {0};
    struct oc_step *single = m->single;

    write_text(&text, m);
    arguments(m);
    single->kind = OC_STEP_KERNEL;
    single->impl = single->file = single->kernel = "single";
    single->options = "";
    single->dims = 1;
    single->global[0] = (size_t)(TURNS * m->plan->caps.compute_units);
    single->local[0] = 1;
    if (!text.failed)
        single->text = oc_arena_strdup(m->plan->arena, text.data);
    oc_text_free(&text);
    if (!single->text)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    m->plan->single = single;
    return OCELLUS_OK;
}

ocellus_status
oc_plan_single(struct oc_plan *plan)
{
    struct making m = {.plan = plan};

    if (!is_worth_it(plan))
        return OCELLUS_OK;
    if (!make_tables(&m))
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    find_blocks(&m);
    put_all(&m);
    return fits(&m) ? finish(&m) : OCELLUS_OK;
}

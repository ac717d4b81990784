/* plan.c - plans made with no device: layouts, reorders, sharing, memory. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ocellus.h>

#include "plan/plan.h"
#include "plan/tuned.h"
#include "tests/unit/suite.h"

/* A processor with AVX2, and a graphics card, as the device room would fill
 * them in. */
static const struct oc_caps processor = {.cpu = 1,
                                         .compute_units = 2,
                                         .vector_width = 8,
                                         .vector_registers = 16,
                                         .fp64 = 1,
                                         .local_memory = 1 << 20,
                                         .max_work_group = 4096,
                                         .largest_allocation = 1u << 30,
                                         .alignment = 128,
                                         .cache = 1 << 20};
static const struct oc_caps card = {.compute_units = 40,
                                    .local_memory = 48 << 10,
                                    .max_work_group = 1024,
                                    .largest_allocation = 1u << 30,
                                    .alignment = 256};

static struct oc_plan *
plan_of(ocellus_graph *graph, const struct oc_caps *caps,
        const struct oc_shape *shape)
{
    struct ocellus_graph *bound;
    struct oc_plan *plan;

    ck_assert_int_eq(ocellus_graph_check(graph), OCELLUS_OK);
    ck_assert_int_eq(oc_graph_bind(graph, shape, NULL, &bound), OCELLUS_OK);
    if (oc_plan_make(bound, caps, &plan) != OCELLUS_OK)
        ck_abort_msg("%s", ocellus_error());
    return plan;
}

/* ---- what any plan must keep to ------------------------------------------ */

static int
root(const struct oc_plan *plan, int place)
{
    while (plan->place[place].alias >= 0)
        place = plan->place[place].alias;
    return place;
}

struct life {
    int first, last;
};

static void
touch(const struct oc_plan *plan, struct life *life, int place, int step)
{
    struct life *l = &life[root(plan, place)];

    l->first = step < l->first ? step : l->first;
    l->last = step > l->last ? step : l->last;
}

/* From the steps alone, not from what the planner thinks. */
static struct life *
lives_of(const struct oc_plan *plan)
{
    struct life *life = malloc(sizeof *life * (size_t)plan->n_places);

    ck_assert_ptr_nonnull(life);
    for (int k = 0; k < plan->n_places; k++)
        life[k] = (struct life){INT_MAX, -1};
    for (int s = 0; s < plan->n_steps; s++) {
        const struct oc_step *step = plan->step[s];
        for (int a = 0; a < step->n_args; a++)
            if (step->arg[a].kind == OC_ARG_MEMORY)
                touch(plan, life, step->arg[a].place, s);
        if (step->kind == OC_STEP_GEMM) {
            touch(plan, life, step->gemm.a, s);
            touch(plan, life, step->gemm.b, s);
            touch(plan, life, step->gemm.c, s);
        }
        if (step->kind == OC_STEP_COPY)
            touch(plan, life, step->from, s);
        if (step->kind == OC_STEP_COPY || step->kind == OC_STEP_FILL)
            touch(plan, life, step->to, s);
    }
    for (int k = 0; k < plan->graph->n_inputs; k++)
        if (plan->input_place[k] >= 0)
            touch(plan, life, plan->input_place[k], -1);
    for (int k = 0; k < plan->graph->n_outputs; k++)
        touch(plan, life, plan->output_place[k], INT_MAX);
    return life;
}

static int
in_arena(const struct oc_plan *plan, const struct life *life, int k)
{
    return plan->place[k].kind == OC_PLACE_ARENA && plan->place[k].alias < 0 &&
           life[k].first <= life[k].last;
}

/* No two tensors share a byte while both are needed. */
static void
ck_memory(const struct oc_plan *plan)
{
    struct life *life = lives_of(plan);

    for (int a = 0; a < plan->n_places; a++) {
        const struct oc_place *p = &plan->place[a];
        if (!in_arena(plan, life, a))
            continue;
        ck_assert_uint_le(p->offset + p->bytes, plan->bin_bytes[p->bin]);
        ck_assert_uint_eq(p->offset % plan->caps.alignment, 0);
        for (int b = 0; b < a; b++) {
            const struct oc_place *q = &plan->place[b];
            if (!in_arena(plan, life, b) || p->bin != q->bin ||
                life[a].first > life[b].last || life[b].first > life[a].last)
                continue;
            ck_assert(p->offset + p->bytes <= q->offset ||
                      q->offset + q->bytes <= p->offset);
        }
    }
    free(life);
}

static uint64_t
arena(const struct oc_plan *plan)
{
    uint64_t bytes = 0;

    for (int k = 0; k < plan->n_bins; k++)
        bytes += plan->bin_bytes[k];
    return bytes;
}

static int
reorders(const struct oc_plan *plan, int from, int to)
{
    int count = 0;

    for (int k = from; k < to; k++)
        count += strcmp(plan->step[k]->impl, "reorder") == 0;
    return count;
}

/* ---- layouts --------------------------------------------------------------
 */

static ocellus_graph *
three_convolutions(void)
{
    const int64_t dims[] = {-1, 3, 16, 16};
    ocellus_graph *graph;

    ck_assert_int_eq(ocellus_graph_create(&graph), OCELLUS_OK);
    ocellus_value *x = ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 4, dims);
    x = ocellus_relu(ocellus_conv2d(x, "a", 16, 3, 1, 1, 1, 1));
    x = ocellus_relu(ocellus_conv2d(x, "b", 16, 3, 1, 1, 1, 1));
    x = ocellus_relu(ocellus_conv2d(x, "c", 24, 3, 1, 1, 1, 1));
    ck_assert_int_eq(ocellus_graph_output(graph, "y", x), OCELLUS_OK);
    return graph;
}

/* A stretch of convolutions stays in channel blocks on a processor: the only
 * reorder of a run is the one of its output. */
START_TEST(blocked_stretch_on_processors)
{
    struct oc_shape shape = OC_SHAPE(2, 3, 16, 16);
    ocellus_graph *graph = three_convolutions();
    struct oc_plan *plan = plan_of(graph, &processor, &shape);
    int blocked = 0;

    for (int k = 0; k < plan->n_choices; k++)
        if (plan->choice[k].impl &&
            strcmp(plan->choice[k].node->op->name, "Conv") == 0)
            blocked += plan->choice[k].out.block == processor.vector_width;
    ck_assert_int_eq(blocked, 3);
    ck_assert_int_le(reorders(plan, plan->n_prologue, plan->n_steps), 2);
    ck_assert_int_ge(reorders(plan, plan->n_prologue, plan->n_steps), 1);
    ck_memory(plan);
    oc_plan_destroy(plan);
    ocellus_graph_destroy(graph);
}
END_TEST

START_TEST(plain_on_cards)
{
    struct oc_shape shape = OC_SHAPE(2, 3, 16, 16);
    ocellus_graph *graph = three_convolutions();
    struct oc_plan *plan = plan_of(graph, &card, &shape);

    for (int k = 0; k < plan->n_choices; k++)
        ck_assert_int_le(plan->choice[k].out.block, 1);
    ck_assert_int_eq(reorders(plan, plan->n_prologue, plan->n_steps), 0);
    ck_memory(plan);
    oc_plan_destroy(plan);
    ocellus_graph_destroy(graph);
}
END_TEST

/* A value that several readers want in one other layout is turned once. */
START_TEST(reorders_are_shared)
{
    const int64_t dims[] = {1, 32, 8, 8};
    struct oc_shape shape = OC_SHAPE(1, 32, 8, 8);
    struct oc_plan *plan;
    ocellus_graph *graph;
    char name[2] = "a";

    ck_assert_int_eq(ocellus_graph_create(&graph), OCELLUS_OK);
    ocellus_value *x = ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 4, dims);
    for (; name[0] < 'e'; name[0]++)
        ck_assert_int_eq(
            ocellus_graph_output(graph, name,
                                 ocellus_conv2d(x, name, 16, 3, 1, 1, 1, 0)),
            OCELLUS_OK);
    plan = plan_of(graph, &processor, &shape);
    /* x once, and each of the four outputs */
    ck_assert_int_le(reorders(plan, plan->n_prologue, plan->n_steps), 5);
    ck_memory(plan);
    oc_plan_destroy(plan);
    ocellus_graph_destroy(graph);
}
END_TEST

START_TEST(quarantine_is_respected)
{
    static const char *const bad[] = {"Conv:blocked"};
    struct oc_shape shape = OC_SHAPE(2, 3, 16, 16);
    struct oc_caps caps = processor;
    ocellus_graph *graph = three_convolutions();
    struct oc_plan *plan;
    char *text;

    caps.quarantine = bad;
    caps.n_quarantine = 1;
    plan = plan_of(graph, &caps, &shape);
    for (int k = 0; k < plan->n_choices; k++)
        if (strcmp(plan->choice[k].node->op->name, "Conv") == 0)
            ck_assert_str_ne(plan->choice[k].impl->name, "blocked");
    ck_assert_int_eq(oc_plan_text(plan, 1, &text), OCELLUS_OK);
    ck_assert_ptr_nonnull(strstr(text, "doctor"));
    ocellus_text_free(text);
    oc_plan_destroy(plan);
    ocellus_graph_destroy(graph);
}
END_TEST

/* A verdict gives a product CLBlast's parameters, where they are for its shape
 * and the device has room for their tiles. */
START_TEST(verdicts_on_parameters)
{
    static const struct {
        int64_t m, n;
        size_t local;
        const char *by, *set; /* NULL: CLBlast is not taken */
    } rows[] = {
        {1000, 1000, 48 << 10, "clblast:large", "large"},
        {1000, 1000, 12 << 10, "clblast:large", NULL},
        {1000, 1000, 48 << 10, "clblast:wide", NULL},
        {20, 1000, 48 << 10, "clblast:wide", "wide"},
        {20, 10, 48 << 10, "clblast:tiny", "tiny"},
        {20, 10, 48 << 10, "clblast", ""},
    };
    const struct oc_shape a = OC_SHAPE(rows[_i].m, 300);
    const struct oc_shape b = OC_SHAPE(300, rows[_i].n);
    struct oc_tuned verdict = {.by = rows[_i].by, .usual = "tiled"};
    struct oc_caps caps = card;
    struct ocellus_graph *graph;
    struct oc_text what = {0};
    struct oc_plan *plan;
    struct ocellus_value *y;

    ck_assert_int_eq(oc_graph_create(&graph), OCELLUS_OK);
    y = OC_NODE(graph, "Gemm", NULL,
                oc_graph_input(graph, "a", OCELLUS_FLOAT, &a),
                oc_graph_input(graph, "b", OCELLUS_FLOAT, &b));
    ck_assert_int_eq(oc_graph_output(graph, "y", y), OCELLUS_OK);
    ck_assert_int_eq(oc_tuned_class(y->node, &what), 1);
    verdict.what = what.data;
    caps.clblast = 1;
    caps.local_memory = rows[_i].local;
    caps.tuned = &verdict;
    caps.n_tuned = 1;
    ck_assert_int_eq(oc_plan_make(graph, &caps, &plan), OCELLUS_OK);
    ck_assert_int_eq(plan->step[0]->kind == OC_STEP_GEMM, rows[_i].set != NULL);
    if (rows[_i].set) {
        const struct oc_gemm_set *set = plan->step[0]->gemm.set;
        ck_assert_str_eq(set ? set->way : "", rows[_i].set);
    }
    oc_plan_destroy(plan);
    oc_text_free(&what);
}
END_TEST

/* Moved, doubles are bits like others; computed with, the device must know
 * them, and says so before its compiler does. */
START_TEST(doubles_want_a_device_that_has_them)
{
    static const char *const op[] = {"Transpose", "Exp"};
    static const int wanted[] = {OCELLUS_OK, OCELLUS_UNSUPPORTED};

    for (int k = 0; k < 2; k++) {
        struct oc_shape shape = OC_SHAPE(3, 5);
        struct ocellus_graph *graph, *bound;
        struct oc_plan *plan = NULL;
        struct ocellus_value *x;

        ck_assert_int_eq(oc_graph_create(&graph), OCELLUS_OK);
        x = oc_graph_input(graph, "x", OCELLUS_DOUBLE, &shape);
        oc_graph_output(graph, "y", OC_NODE(graph, op[k], NULL, x));
        ck_assert_int_eq(oc_graph_bind(graph, &shape, NULL, &bound),
                         OCELLUS_OK);
        ck_assert_int_eq(oc_plan_make(bound, &card, &plan), wanted[k]);
        if (wanted[k] == OCELLUS_OK)
            oc_plan_destroy(plan);
        else
            ck_assert_ptr_nonnull(strstr(ocellus_error(), "float64"));
        oc_graph_destroy(graph);
    }
}
END_TEST

/* ---- memory ---------------------------------------------------------------
 */

/* A chain of pointwise operators lies in one place. */
START_TEST(chains_share_a_place)
{
    const int64_t dims[] = {1, 1000};
    struct oc_shape shape = OC_SHAPE(1, 1000);
    struct oc_plan *plan;
    ocellus_graph *graph;

    ck_assert_int_eq(ocellus_graph_create(&graph), OCELLUS_OK);
    ocellus_value *x = ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 2, dims);
    for (int k = 0; k < 12; k++)
        x = ocellus_apply(graph, k % 2 ? "Relu" : "Tanh", NULL, x, NULL);
    ck_assert_int_eq(ocellus_graph_output(graph, "y", x), OCELLUS_OK);
    plan = plan_of(graph, &card, &shape);
    ck_memory(plan);
    ck_assert_uint_le(arena(plan), 2 * 4096);
    oc_plan_destroy(plan);
    ocellus_graph_destroy(graph);
}
END_TEST

/* An input that is an output too, or read later, is not written over. */
START_TEST(what_is_read_later_stays)
{
    const int64_t dims[] = {1, 64};
    struct oc_shape shape = OC_SHAPE(1, 64);
    struct oc_plan *plan;
    ocellus_graph *graph;

    ck_assert_int_eq(ocellus_graph_create(&graph), OCELLUS_OK);
    ocellus_value *x = ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 2, dims);
    ocellus_value *a = ocellus_apply(graph, "Tanh", NULL, x, NULL);
    ocellus_value *b = ocellus_apply(graph, "Exp", NULL, a, NULL);
    ocellus_value *c = ocellus_add(b, a);
    ck_assert_int_eq(ocellus_graph_output(graph, "a", a), OCELLUS_OK);
    ck_assert_int_eq(ocellus_graph_output(graph, "c", c), OCELLUS_OK);
    plan = plan_of(graph, &card, &shape);
    ck_assert_int_ne(root(plan, plan->output_place[0]),
                     root(plan, plan->output_place[1]));
    ck_memory(plan);
    oc_plan_destroy(plan);
    ocellus_graph_destroy(graph);
}
END_TEST

static unsigned
draw(unsigned *state, unsigned below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

/* One more value out of those there are; shapes stay N x 8 x 12 x 12. */
static ocellus_value *
grow(ocellus_value **all, int count, unsigned *state)
{
    ocellus_value *a = all[draw(state, (unsigned)count)];
    ocellus_value *b = all[draw(state, (unsigned)count)];
    char name[16];

    snprintf(name, sizeof name, "c%d", count);
    switch (draw(state, 6)) {
    case 0:
        return ocellus_relu(a);
    case 1:
        return ocellus_add(a, b);
    case 2:
        return ocellus_max_pool(a, 3, 1, 1);
    case 3:
        return ocellus_conv2d(ocellus_concat(a, b, 1), name, 8, 1, 1, 0, 1, 1);
    case 4:
        return ocellus_conv2d(a, name, 8, 3, 1, 1, draw(state, 2) ? 8 : 1, 0);
    default:
        return ocellus_apply(a->graph, "Mul", NULL, a, b, NULL);
    }
}

static ocellus_graph *
random_graph(unsigned state)
{
    const int64_t dims[] = {-1, 8, 12, 12};
    ocellus_value *all[25];
    ocellus_graph *graph;

    ck_assert_int_eq(ocellus_graph_create(&graph), OCELLUS_OK);
    all[0] = ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 4, dims);
    for (int k = 1; k < 25; k++)
        all[k] = grow(all, k, &state);
    ck_assert_int_eq(ocellus_graph_output(graph, "y", all[24]), OCELLUS_OK);
    ck_assert_int_eq(
        ocellus_graph_output(graph, "z", all[12 + draw(&state, 12)]),
        OCELLUS_OK);
    return graph;
}

START_TEST(live_tensors_never_overlap)
{
    struct oc_shape shape = OC_SHAPE(3, 8, 12, 12);
    struct oc_caps small = processor;
    const struct oc_caps *caps[] = {&processor, &card, &small};
    ocellus_graph *graph = random_graph((unsigned)_i * 7919u + 1);

    small.largest_allocation = 40000; /* several bins */
    for (int k = 0; k < 3; k++) {
        struct oc_plan *plan = plan_of(graph, caps[k], &shape);
        ck_memory(plan);
        for (int b = 0; b < plan->n_bins && k == 2; b++)
            ck_assert_uint_gt(plan->bin_bytes[b], 0);
        oc_plan_destroy(plan);
    }
    ocellus_graph_destroy(graph);
}
END_TEST

/* The same graph gives the same plan, down to the text. */
START_TEST(plans_repeat)
{
    struct oc_shape shape = OC_SHAPE(3, 8, 12, 12);
    ocellus_graph *graph = random_graph(5);
    struct oc_plan *a = plan_of(graph, &processor, &shape);
    struct oc_plan *b = plan_of(graph, &processor, &shape);
    char *x, *y;

    ck_assert_int_eq(oc_plan_text(a, 1, &x), OCELLUS_OK);
    ck_assert_int_eq(oc_plan_text(b, 1, &y), OCELLUS_OK);
    ck_assert_str_eq(x, y);
    ck_assert_uint_eq(arena(a), arena(b));
    ocellus_text_free(x);
    ocellus_text_free(y);
    oc_plan_destroy(a);
    oc_plan_destroy(b);
    ocellus_graph_destroy(graph);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, blocked_stretch_on_processors);
    tcase_add_test(tests, plain_on_cards);
    tcase_add_test(tests, reorders_are_shared);
    tcase_add_test(tests, quarantine_is_respected);
    tcase_add_loop_test(tests, verdicts_on_parameters, 0, 6);
    tcase_add_test(tests, doubles_want_a_device_that_has_them);
    tcase_add_test(tests, chains_share_a_place);
    tcase_add_test(tests, what_is_read_later_stays);
    tcase_add_loop_test(tests, live_tensors_never_overlap, 0, 12);
    tcase_add_test(tests, plans_repeat);
}

int
main(void)
{
    return run_suite("plan", add);
}

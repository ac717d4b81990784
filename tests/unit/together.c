/* together.c - updates of many tensors in few launches: the same bits as one
 * by one, each tensor once, and nobody passes one that reads what it writes. */
#include "plan/plan.h"
#include "tests/unit/small_net.h"
#include "tests/unit/suite.h"
#include "train/trainer.h"

/* Squares of all gradients are a launch from the beginning. */
static int
update_launches(ocellus_session *session)
{
    const struct oc_plan *plan;
    struct oc_run *run;
    int count = 0;

    must(oc_session_last_plan(session, &plan, &run));
    for (int k = plan->n_prologue; k < plan->n_steps; k++)
        count += plan->step[k]->file != NULL &&
                 strcmp(plan->step[k]->file, "update") == 0 &&
                 strcmp(plan->step[k]->kernel, "squares") != 0;
    return count;
}

/* ---- the same bits ------------------------------------------------------- */

static ocellus_trainer *
trained(ocellus_device *device, const ocellus_trainer_options *options,
        size_t arguments)
{
    struct oc_caps caps = *oc_device_caps(device);
    ocellus_graph *graph = small_net(3, NORM);
    ocellus_trainer *trainer;

    must(ocellus_trainer_create(device, graph, options, &trainer));
    ocellus_graph_destroy(graph);
    caps.arguments = arguments;
    oc_session_set_caps(trainer->train, &caps);
    if (trainer->accumulate != NULL)
        oc_session_set_caps(trainer->accumulate, &caps);
    for (int k = 0; k < 4; k++) {
        ocellus_tensor *x = pictures(4, (uint64_t)k + 1);
        ocellus_tensor *labels = classes(4, k);
        must(ocellus_trainer_step(trainer, x, labels, NULL, 1, NULL));
        ocellus_tensor_destroy(x);
        ocellus_tensor_destroy(labels);
    }
    return trainer;
}

static void
ck_same_states(ocellus_session *a, ocellus_session *b)
{
    const int count = ocellus_session_state_count(a);

    ck_assert_int_ge(count, 11);
    for (int k = 0; k < count; k++) {
        const char *name = ocellus_session_state_name(a, k);
        size_t n, m;
        float *x = state_of(a, name, &n), *y = state_of(b, name, &m);
        ck_assert_uint_eq(n, m);
        ck_assert_msg(memcmp(x, y, n * sizeof *x) == 0, "%s differs", name);
        free(x);
        free(y);
    }
}

/* 3 convolutions with 2 numbers of their normalisations, and fc: 11. */
static const struct {
    ocellus_trainer_options options;
    int kinds; /* of kernels of cl/update.cl in a step */
} recipes[] = {
    {{.optimizer = "sgd lr=0.05"}, 1},
    {{.optimizer = "sgd lr=0.05 momentum=0.9 weight_decay=0.01 nesterov"}, 1},
    {{.optimizer = "sgd lr=0.05 momentum=0.9 dampening=0.3", .clip = 0.5f}, 2},
    {{.optimizer = "adam lr=0.01", .accumulate = 2}, 2},
    {{.optimizer = "adamw lr=0.01", .average = 0.9f, .clip = 1}, 3},
    {{.optimizer = "rmsprop lr=0.001 momentum=0.5", .average = 0.5f}, 2},
};

START_TEST(the_same_bits)
{
    ocellus_trainer_options options = recipes[_i].options;
    const int kinds = recipes[_i].kinds;
    ocellus_device *device;
    ocellus_trainer *many, *few;

    options.size = sizeof options;
    must(ocellus_device_open(NULL, &device));
    many = trained(device, &options, 64);
    few = trained(device, &options, 1024);
    ck_assert_int_eq(update_launches(many->train), 11 * kinds);
    ck_assert_int_eq(update_launches(few->train), kinds);
    if (few->accumulate != NULL)
        ck_assert_int_eq(update_launches(few->accumulate), 1);
    ck_same_states(many->train, few->train);
    ocellus_trainer_destroy(many);
    ocellus_trainer_destroy(few);
    ocellus_device_close(device);
}
END_TEST

/* ---- nobody passes ------------------------------------------------------- */

enum { N = 5, STATES = 4 };

static struct ocellus_value *
updated(struct ocellus_graph *graph, const char *name, struct ocellus_value *g,
        struct ocellus_value *rate)
{
    const struct oc_shape shape = OC_SHAPE(N);
    struct ocellus_value *w =
        oc_graph_state(graph, name, OCELLUS_FLOAT, &shape, "zeros", 1);

    w->assigned = OC_NODE(graph, "SgdUpdate", NULL, w, g, rate);
    return w;
}

/* a and d are updated at once. b's update may not pass `seen`, which reads the
 * old b, nor c's the product, which it reads. */
static struct ocellus_graph *
entangled(void)
{
    const struct oc_shape shape = OC_SHAPE(N), one = OC_SHAPE(1);
    struct ocellus_graph *graph;
    struct ocellus_value *g, *rate, *a, *b, *seen, *next;

    must(oc_graph_create(&graph));
    g = oc_graph_input(graph, "g", OCELLUS_FLOAT, &shape);
    rate = oc_graph_input(graph, "rate", OCELLUS_FLOAT, &one);
    a = updated(graph, "a", g, rate);
    b = oc_graph_state(graph, "b", OCELLUS_FLOAT, &shape, "zeros", 1);
    seen = OC_NODE(graph, "Mul", NULL, b, b);
    next = OC_NODE(graph, "Mul", NULL, a->assigned, g);
    b->assigned = OC_NODE(graph, "SgdUpdate", NULL, b, g, rate);
    updated(graph, "c", next, rate);
    updated(graph, "d", g, rate);
    must(oc_graph_output(graph, "seen", seen));
    must(graph->status);
    return graph;
}

static ocellus_tensor *
vector(int64_t n, float first, float step)
{
    ocellus_tensor *tensor;
    must(ocellus_tensor_create(OCELLUS_FLOAT, 1, &n, &tensor));
    for (int64_t k = 0; k < n; k++)
        ((float *)ocellus_tensor_data(tensor))[k] = first + step * (float)k;
    return tensor;
}

static void
ck_state(ocellus_session *session, const char *name, const float *want)
{
    size_t count;
    float *have = state_of(session, name, &count);

    ck_assert_uint_eq(count, N);
    for (int k = 0; k < N; k++)
        ck_assert_msg(have[k] == want[k], "%s[%d] is %g, not %g", name, k,
                      (double)have[k], (double)want[k]);
    free(have);
}

/* Small whole numbers and halves: all sums are exact. */
START_TEST(nobody_passes)
{
    struct ocellus_graph *graph = entangled();
    ocellus_tensor *g = vector(N, 2, 4), *rate = vector(1, 0.5f, 0);
    const ocellus_tensor *seen;
    ocellus_device *device;
    ocellus_session *session;
    float want[STATES][N];
    char name[2] = "a";

    must(ocellus_device_open(NULL, &device));
    must(ocellus_session_create(device, graph, &session));
    for (int k = 0; k < STATES; k++, name[0]++) {
        ocellus_tensor *w = vector(N, (float)k + 1, 0);
        must(oc_session_put_state(session, name, w));
        ocellus_tensor_destroy(w);
    }
    must(ocellus_session_set_input(session, "g", g));
    must(ocellus_session_set_input(session, "rate", rate));
    must(oc_session_run(session));
    for (int k = 0; k < N; k++) {
        const float of_g = (float)(2 + 4 * k);
        want[0][k] = 1 - 0.5f * of_g;
        want[1][k] = 2 - 0.5f * of_g;
        want[2][k] = 3 - 0.5f * (want[0][k] * of_g);
        want[3][k] = 4 - 0.5f * of_g;
    }
    name[0] = 'a';
    for (int k = 0; k < STATES; k++, name[0]++)
        ck_state(session, name, want[k]);
    must(ocellus_session_get_output(session, "seen", &seen));
    for (int k = 0; k < N; k++)
        ck_assert(((const float *)ocellus_tensor_data(seen))[k] == 4);
    /* a with d, b with c */
    ck_assert_int_eq(update_launches(session), 2);
    ocellus_session_destroy(session);
    ocellus_tensor_destroy(g);
    ocellus_tensor_destroy(rate);
    ocellus_device_close(device);
    oc_graph_destroy(graph);
}
END_TEST

/* ---- each tensor once ---------------------------------------------------- */

static const struct oc_caps device_like[] = {
    {.cpu = 1,
     .compute_units = 2,
     .vector_width = 8,
     .vector_registers = 16,
     .local_memory = 1 << 20,
     .max_work_group = 4096,
     .largest_allocation = 1u << 30,
     .alignment = 128,
     .cache = 1 << 20},
    {.compute_units = 40,
     .local_memory = 48 << 10,
     .max_work_group = 1024,
     .largest_allocation = 1u << 30,
     .alignment = 256,
     .arguments = 4352},
};

static struct oc_plan *
training_plan(const struct oc_caps *caps)
{
    const struct oc_shape shape = OC_SHAPE(2, 3, 32, 32);
    struct oc_recipe recipe = {.optimizer = OC_OPTIMIZER_SGD, .momentum = 0.9f};
    struct ocellus_graph *bound;
    ocellus_graph *graph;
    struct oc_plan *plan;

    must(ocellus_net_create("mobilenetv2", 3, 32, 32, 10, 1, &graph));
    must(oc_graph_bind(graph, &shape, NULL, &bound));
    must(oc_train_pass(bound, &recipe));
    must(oc_plan_make(bound, caps, &plan));
    ocellus_graph_destroy(graph);
    return plan;
}

static size_t
bytes_of(const struct oc_step *step)
{
    size_t bytes = 0;

    for (int k = 0; k < step->n_args; k++)
        bytes += step->arg[k].kind == OC_ARG_MEMORY ? 8 : 4;
    return bytes;
}

/* Each part is weights, gradient, momentum, count. */
static void
count_tensors(const struct oc_plan *plan, const struct oc_step *step,
              char *updates)
{
    const char *many = strstr(step->options, "-DMANY=");
    int parts;

    ck_assert_ptr_nonnull(many);
    parts = atoi(many + strlen("-DMANY="));
    ck_assert_int_ge(step->n_args, 4 * parts);
    for (int k = 0; k < parts; k++) {
        const struct oc_arg *arg = step->arg + 4 * (size_t)k;
        const struct ocellus_value *state;
        int root = arg[0].place;

        if (arg[3].i == 0)
            continue;
        while (plan->place[root].alias >= 0)
            root = plan->place[root].alias;
        state = plan->place[root].value;
        ck_assert_int_eq(plan->place[root].kind, OC_PLACE_STATE);
        ck_assert(arg[0].writes && !arg[1].writes && arg[2].writes);
        ck_assert_int_eq(arg[3].i, oc_shape_count(&state->shape));
        updates[state->id]++;
    }
}

/* MobileNetV2 has 158 trainable tensors. With 28 bytes for each, 28 for all,
 * and 8 at a time, 1024 bytes serve 32 of them, and 4352 serve 64; but two have
 * more than a MiB, and are updated as soon as their gradients are there. */
START_TEST(each_tensor_once)
{
    static const int want[] = {7, 5};
    struct oc_plan *plan = training_plan(&device_like[_i]);
    const struct ocellus_graph *graph = plan->graph;
    char *updates = calloc((size_t)graph->n_values, 1);
    int launches = 0, trainable = 0;

    for (int k = plan->n_prologue; k < plan->n_steps; k++) {
        const struct oc_step *step = plan->step[k];
        if (step->file == NULL || strcmp(step->file, "update") != 0)
            continue;
        launches++;
        ck_assert_uint_le(bytes_of(step), _i == 0 ? 1024 : 4352);
        count_tensors(plan, step, updates);
    }
    for (int k = 0; k < graph->n_states; k++) {
        ck_assert_int_eq(updates[graph->states[k]->id],
                         graph->states[k]->trainable);
        trainable += graph->states[k]->trainable;
    }
    ck_assert_int_eq(trainable, 158);
    ck_assert_int_eq(launches, want[_i]);
    free(updates);
    oc_plan_destroy(plan);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, each_tensor_once, 0, 2);
    if (no_device() == 77)
        return;
    tcase_add_test(tests, nobody_passes);
    tcase_add_loop_test(tests, the_same_bits, 0,
                        (int)(sizeof recipes / sizeof *recipes));
}

int
main(void)
{
    return run_suite("together", add);
}

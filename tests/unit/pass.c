/* pass.c - folding and fusing change how, not what. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "device/session.h"
#include "pass/fuse.h"
#include "pass/head.h"
#include "pass/infer.h"
#include "pass/train.h"
#include "plan/plan.h"
#include "tests/unit/small_net.h"
#include "tests/unit/suite.h"

static ocellus_device *device;

static void
setup(void)
{
    must(ocellus_device_open(NULL, &device));
}

static void
teardown(void)
{
    ocellus_device_close(device);
}

static ocellus_status
nothing(struct ocellus_graph *graph, void *user)
{
    (void)user;
    return oc_graph_prune(graph);
}

static ocellus_status
only_fuse(struct ocellus_graph *graph, void *user)
{
    (void)user;
    OC_TRY(oc_graph_prune(graph));
    return oc_fuse_pass(graph);
}

static ocellus_status
whole(struct ocellus_graph *graph, void *user)
{
    (void)user;
    return oc_infer_pass(graph);
}

/* Statistics and biases that are no longer 0 and 1; variances stay above 0. */
static void
stir(ocellus_session *session)
{
    uint64_t state = 9;

    for (int k = 0; k < ocellus_session_state_count(session); k++) {
        const char *name = ocellus_session_state_name(session, k);
        ocellus_tensor *tensor;
        must(ocellus_session_read_state(session, name, &tensor));
        float *v = ocellus_tensor_data(tensor);
        for (size_t i = 0; i < ocellus_tensor_count(tensor); i++)
            v[i] += strstr(name, "weight") ? 0.3f * noise(&state)
                    : strstr(name, "var")  ? 0.5f * noise(&state)
                                           : noise(&state);
        must(ocellus_session_write_state(session, name, tensor));
        ocellus_tensor_destroy(tensor);
    }
}

/* The output after a pass, and how many nodes are left. */
static float *
output_after(const ocellus_graph *graph, oc_session_pass pass, size_t *count,
             int *nodes)
{
    ocellus_tensor *x = pictures(3, 1);
    const ocellus_tensor *y;
    const struct oc_plan *plan;
    ocellus_session *session;
    float *copy;

    must(oc_session_create(device, graph, NULL, pass, NULL, &session));
    stir(session);
    must(ocellus_session_set_input(session, "x", x));
    must(ocellus_session_run(session));
    must(ocellus_session_get_output(session, "y", &y));
    must(oc_session_plan(session, &plan, NULL));
    *count = ocellus_tensor_count(y);
    *nodes = 0;
    for (int k = 0; k < plan->n_choices; k++)
        *nodes += plan->choice[k].impl != NULL && !plan->choice[k].fixed;
    copy = malloc(*count * sizeof *copy);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, ocellus_tensor_data(y), *count * sizeof *copy);
    ocellus_session_destroy(session);
    ocellus_tensor_destroy(x);
    return copy;
}

static void
ck_close(const float *a, const float *b, size_t n, double within)
{
    double size = 0;

    for (size_t k = 0; k < n; k++)
        size = fmax(size, fabs((double)a[k]));
    ck_assert_double_gt(size, 1e-3);
    for (size_t k = 0; k < n; k++)
        ck_assert_double_eq_tol((double)a[k], (double)b[k], within * size);
}

static void
compare(ocellus_graph *graph, oc_session_pass pass, int fewer)
{
    size_t n, m;
    int before, after;
    float *a = output_after(graph, nothing, &n, &before);
    float *b = output_after(graph, pass, &m, &after);

    ck_assert_uint_eq(n, m);
    ck_close(a, b, n, 1e-5);
    ck_assert_int_le(after, before - fewer);
    free(a);
    free(b);
    ocellus_graph_destroy(graph);
}

/* Two normalisations and two Relus: all gone into the convolutions. (Dropout
 * is a view and launches nothing, before or after.) */
START_TEST(folding)
{
    compare(small_net(2, NORM | DROPOUT), whole, 4);
}
END_TEST

/* Relu, sum and scale go into the convolution's kernel; what another node
 * reads stays. */
START_TEST(fusing)
{
    const int64_t dims[] = {-1, 2, SIDE, SIDE};
    ocellus_graph *graph;

    must(ocellus_graph_create(&graph));
    ocellus_value *x = ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 4, dims);
    ocellus_value *a = ocellus_relu(ocellus_conv2d(x, "a", 8, 3, 1, 1, 1, 1));
    ocellus_value *b = ocellus_conv2d(a, "b", 8, 3, 1, 1, 1, 1);
    ocellus_value *c = ocellus_relu(ocellus_add(b, a));
    ocellus_value *d = ocellus_apply(graph, "Sigmoid", NULL, c, NULL);
    must(ocellus_graph_output(graph, "y", ocellus_add(d, c)));
    compare(graph, only_fuse, 2);
}
END_TEST

static ocellus_value *
one(ocellus_graph *graph, const char *op, ocellus_value *a)
{
    return ocellus_apply(graph, op, NULL, a, NULL);
}

/* Where reads three numbers already, a formula four: one sum goes in. */
START_TEST(fusing_into_three)
{
    const int64_t dims[] = {-1, 2, SIDE, SIDE};
    ocellus_graph *g;

    must(ocellus_graph_create(&g));
    ocellus_value *x = ocellus_graph_input(g, "x", OCELLUS_FLOAT, 4, dims);
    ocellus_value *y = ocellus_apply(
        g, "Where", NULL,
        ocellus_apply(g, "Greater", NULL, x, one(g, "Cos", x), NULL),
        one(g, "Sigmoid", x), one(g, "Tanh", x), NULL);
    y = ocellus_apply(g, "Add", NULL, y, one(g, "Sin", x), NULL);
    y = ocellus_apply(g, "Mul", NULL, y, one(g, "Exp", x), NULL);
    must(ocellus_graph_output(g, "y", y));
    compare(g, only_fuse, 1);
}
END_TEST

/* x -> Conv -> Relu -> GlobalAveragePool -> Flatten -> Gemm + bias -> Softmax
 */
static struct ocellus_graph *
classifier(int transposed)
{
    ocellus_graph *g;
    const int64_t image[] = {-1, 3, 8, 8}, window[] = {4, 3, 3, 3};
    const int64_t rows[] = {5, 4}, columns[] = {4, 5}, line[] = {5};
    must(ocellus_graph_create(&g));
    ocellus_value *x = ocellus_graph_input(g, "x", OCELLUS_FLOAT, 4, image);
    ocellus_value *y = ocellus_apply(
        g, "Conv", NULL, x,
        ocellus_graph_parameter(g, "conv", 4, window, "kaiming"), NULL);
    y = ocellus_global_average_pool(ocellus_relu(y));
    y = ocellus_apply(g, transposed ? "Gemm" : "MatMul",
                      transposed ? "transB=1" : NULL, ocellus_flatten(y),
                      ocellus_graph_parameter(
                          g, "w", 2, transposed ? rows : columns, "lecun"),
                      NULL);
    y = ocellus_apply(g, "Add", NULL, y,
                      ocellus_graph_parameter(g, "b", 1, line, "ones"), NULL);
    must(ocellus_graph_output(g, "y",
                              ocellus_apply(g, "Softmax", NULL, y, NULL)));
    return g;
}

START_TEST(other_classes)
{
    for (int transposed = 0; transposed < 2; transposed++)
        for (int freeze = 0; freeze < 2; freeze++) {
            ocellus_graph *g = classifier(transposed), *copy;
            must(ocellus_graph_with_head(g, 7, freeze, &copy));
            ck_assert_int_eq(
                ocellus_value_dim(ocellus_graph_get_output(copy, 0), 1), 7);
            /* 4 weights a class, and a bias; 108 of the convolution. */
            ck_assert_int_eq(ocellus_graph_parameter_count(copy),
                             7 * 4 + 7 + (freeze ? 0 : 108));
            ck_assert_int_eq(ocellus_graph_parameter_count(g), 108 + 25);
            ocellus_graph_destroy(copy);
            ocellus_graph_destroy(g);
        }
}
END_TEST

START_TEST(no_layer)
{
    ocellus_graph *g, *copy;
    const int64_t dims[] = {2, 5};
    must(ocellus_graph_create(&g));
    ocellus_value *x = ocellus_graph_input(g, "x", OCELLUS_FLOAT, 2, dims);
    must(ocellus_graph_output(g, "y", ocellus_apply(g, "Exp", NULL, x, NULL)));
    ck_assert_int_eq(ocellus_graph_with_head(g, 3, 0, &copy),
                     OCELLUS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "Exp"));
    ck_assert_int_eq(ocellus_graph_with_head(g, 0, 0, &copy),
                     OCELLUS_BAD_ARGUMENT);
    ocellus_graph_destroy(g);
}
END_TEST

/* x: 2 x 3 x 4 x 4 -> reshaped -> 2 x 5 */
static ocellus_graph *
batch_of_two(const int64_t *shape, int rank)
{
    ocellus_graph *g;
    ocellus_tensor *numbers;
    const int64_t dims[] = {2, 3, 4, 4}, weight[] = {48, 5}, count = rank;
    must(ocellus_graph_create(&g));
    must(ocellus_tensor_create(OCELLUS_INT64, 1, &count, &numbers));
    memcpy(ocellus_tensor_data(numbers), shape, (size_t)rank * sizeof(*shape));
    ocellus_value *x = ocellus_graph_input(g, "x", OCELLUS_FLOAT, 4, dims);
    ocellus_value *y = ocellus_apply(g, "Relu", NULL, x, NULL);
    y = ocellus_apply(g, "Reshape", NULL, y,
                      ocellus_graph_constant(g, "shape", numbers), NULL);
    y = ocellus_apply(g, "Flatten", "axis=1", y, NULL);
    y = ocellus_apply(g, "MatMul", NULL, y,
                      ocellus_graph_parameter(g, "w", 2, weight, "lecun"),
                      NULL);
    must(ocellus_graph_output(g, "y", y));
    ocellus_tensor_destroy(numbers);
    return g;
}

START_TEST(any_batch)
{
    const int64_t shapes[][2] = {{2, 48}, {2, -1}, {0, -1}, {-1, 48}};
    for (int k = 0; k < 4; k++) {
        ocellus_graph *g = batch_of_two(shapes[k], 2), *copy;
        must(ocellus_graph_with_any_batch(g, &copy));
        const ocellus_value *x = ocellus_graph_get_input(copy, 0);
        const ocellus_value *y = ocellus_graph_get_output(copy, 0);
        ck_assert_int_eq(ocellus_value_dim(x, 0), -1);
        ck_assert_int_eq(ocellus_value_dim(x, 1), 3);
        ck_assert_int_eq(ocellus_value_dim(y, 0), -1);
        ck_assert_int_eq(ocellus_value_dim(y, 1), 5);
        x = ocellus_graph_get_input(g, 0);
        ck_assert_int_eq(ocellus_value_dim(x, 0), 2);
        ocellus_graph_destroy(copy);
        ocellus_graph_destroy(g);
    }
}
END_TEST

/* 6 x 16 mixes batch and channels; its first extent is not the batch. */
START_TEST(one_batch)
{
    const int64_t shape[] = {6, 4, 4}, rows[] = {2, 48, 1}, count = 3;
    ocellus_graph *g, *copy;
    ocellus_tensor *numbers;
    must(ocellus_graph_create(&g));
    must(ocellus_tensor_create(OCELLUS_INT64, 1, &count, &numbers));
    memcpy(ocellus_tensor_data(numbers), shape, sizeof shape);
    ocellus_value *x = ocellus_graph_input(g, "x", OCELLUS_FLOAT, 3, rows);
    ocellus_value *y = ocellus_apply(g, "Relu", NULL, x, NULL);
    y = ocellus_apply(g, "Reshape", NULL, y,
                      ocellus_graph_constant(g, "shape", numbers), NULL);
    must(ocellus_graph_output(g, "y", y));
    ck_assert_int_eq(ocellus_graph_with_any_batch(g, &copy),
                     OCELLUS_UNSUPPORTED);
    ck_assert_ptr_null(copy);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "Reshape"));
    ocellus_tensor_destroy(numbers);
    ocellus_graph_destroy(g);
}
END_TEST

/* As PyTorch exports a net in training. */
static void
wear_training_forms(ocellus_graph *g)
{
    static const uint8_t yes = 1;
    const struct oc_shape scalar = {0};
    for (int k = 0; k < g->n_nodes; k++) {
        struct oc_node *node = g->nodes[k];
        if (strcmp(node->op->name, "BatchNormalization") == 0)
            must(oc_attr_set_int(node, "training_mode", 1));
        if (strcmp(node->op->name, "Dropout") != 0)
            continue;
        struct ocellus_value **in = oc_arena_alloc(g->arena, 3 * sizeof(*in));
        ck_assert_int_eq(node->n_in, 2);
        memcpy(in, node->in, 2 * sizeof(*in));
        in[2] = oc_graph_constant(g, "", OCELLUS_BOOL, &scalar, &yes);
        node->in = in;
        node->n_in = 3;
    }
}

static void
ck_same(const ocellus_tensor *some, const ocellus_tensor *all, int from)
{
    const float *a = ocellus_tensor_data((ocellus_tensor *)some);
    const float *b = ocellus_tensor_data((ocellus_tensor *)all);
    for (size_t k = 0; k < ocellus_tensor_count(some); k++)
        ck_assert_float_eq_tol(a[k], b[from * CLASSES + (int)k], 1e-4f);
}

/* ---- memory of a training ------------------------------------------------ */

static struct ocellus_graph *
step_of(const char *net, const struct oc_shape *shape, struct oc_recipe recipe)
{
    struct ocellus_graph *bound;
    ocellus_graph *graph;

    recipe.optimizer = OC_OPTIMIZER_SGD;
    must(ocellus_net_create(net, 3, (int)shape->dim[2], (int)shape->dim[3], 10,
                            1, &graph));
    must(oc_graph_bind(graph, shape, NULL, &bound));
    must(oc_train_pass(bound, &recipe));
    ocellus_graph_destroy(graph);
    return bound;
}

static int
made_again(const char *net, int checkpoint)
{
    const struct oc_shape shape = OC_SHAPE(4, 3, 224, 224);
    struct ocellus_graph *graph =
        step_of(net, &shape, (struct oc_recipe){.checkpoint = checkpoint});
    int count = 0;

    for (int k = 0; k < graph->n_nodes; k++)
        count += oc_attr_int(graph->nodes[k], "inverse_deviation", 0) != 0;
    oc_graph_destroy(graph);
    return count;
}

/* Normalisations, each of which is an operator of its own. In mobilenetv2 they
 * are no small part of the work. */
START_TEST(cheap_ones_again)
{
    ck_assert_int_eq(made_again("resnet18", 0), 20);
    ck_assert_int_eq(made_again("resnet50", 0), 53);
    ck_assert_int_eq(made_again("mobilenetv2", 0), 0);
    ck_assert_int_gt(made_again("mobilenetv2", 1), 30);
}
END_TEST

/* Twenty values, each of the one before: what the second has passed through
 * once, the tenth would have through eight more; that is kept, and the
 * eighteenth. All others are made again. */
START_TEST(long_chains)
{
    const struct oc_shape shape = OC_SHAPE(1, 64, 32, 32);
    const struct oc_shape window = OC_SHAPE(64, 64, 3, 3);
    struct oc_recipe recipe = {.loss = OC_LOSS_MSE, .checkpoint = 1};
    struct ocellus_graph *graph;
    struct ocellus_value *y;
    int count = 0;

    must(oc_graph_create(&graph));
    y = oc_graph_input(graph, "x", OCELLUS_FLOAT, &shape);
    for (int k = 0; k < 20; k++) {
        struct ocellus_value *w, *part;
        char name[16];
        snprintf(name, sizeof name, "w%d", k);
        w = oc_graph_state(graph, name, OCELLUS_FLOAT, &window, "zeros", 1);
        part = OC_NODE(graph, "Conv", "pads=1,1,1,1", y, w);
        y = OC_NODE(graph, "Sub", NULL, y, OC_NODE(graph, "Tanh", NULL, part));
    }
    must(oc_graph_output(graph, "y", y));
    must(oc_train_pass(graph, &recipe));
    for (int k = 0; k < graph->n_nodes; k++)
        count += strcmp(graph->nodes[k]->op->name, "Sub") == 0;
    ck_assert_int_eq(count, 20 + 20 - 2);
    oc_graph_destroy(graph);
}
END_TEST

/* The large states in the order of the forward sweep; each one's update stands
 * before the gradient of the one before it is made, or, with a limit on the
 * norm of all gradients, after. */
START_TEST(large_updates_early)
{
    const struct oc_shape shape = OC_SHAPE(1, 3, 224, 224);
    struct ocellus_graph *graph =
        step_of("vgg16", &shape, (struct oc_recipe){.clip = (float)_i});
    const struct ocellus_value *last = NULL;
    int pairs = 0;

    for (int k = 0; k < graph->n_states; k++) {
        const struct ocellus_value *w = graph->states[k];
        if (!w->trainable || oc_shape_count(&w->shape) < 1 << 20)
            continue;
        if (last != NULL) {
            const struct oc_node *update = w->assigned->node;
            const struct oc_node *gradient = last->assigned->node->in[1]->node;
            ck_assert_int_eq(update->id > gradient->id, _i);
            pairs++;
        }
        last = w;
    }
    ck_assert_int_ge(pairs, 5);
    oc_graph_destroy(graph);
}
END_TEST

/* What was trained is judged image by image: what else is in the batch, and
 * chance, do not matter; neither do they to the model that comes of it. */
START_TEST(training_forms)
{
    const int64_t dims[] = {1, 2, SIDE, SIDE};
    ocellus_graph *g = small_net(2, NORM | DROPOUT), *model;
    ocellus_tensor *x = pictures(6, 3), *labels = classes(6, 0), *one;
    ocellus_trainer *trainer;
    ocellus_session *session;
    const ocellus_tensor *y, *z;
    float loss;

    wear_training_forms(g);
    must(ocellus_trainer_create(device, g, NULL, &trainer));
    for (int k = 0; k < 3; k++)
        must(ocellus_trainer_step(trainer, x, labels, NULL, 1, &loss));
    must(ocellus_trainer_get_model(trainer, &model));
    must(ocellus_session_create(device, model, &session));
    must(ocellus_session_set_input(session, "x", x));
    must(ocellus_session_run(session));
    must(ocellus_session_get_output(session, "y", &y));
    must(ocellus_trainer_predict(trainer, x, &z));
    ck_same(z, y, 0);
    must(ocellus_tensor_wrap_host(
        OCELLUS_FLOAT, 4, dims,
        (float *)ocellus_tensor_data(x) + 4 * 2 * SIDE * SIDE, &one));
    must(ocellus_trainer_predict(trainer, one, &z));
    ck_same(z, y, 4);
    ocellus_tensor_destroy(one);
    ocellus_tensor_destroy(labels);
    ocellus_tensor_destroy(x);
    ocellus_session_destroy(session);
    ocellus_trainer_destroy(trainer);
    ocellus_graph_destroy(model);
    ocellus_graph_destroy(g);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, folding);
    tcase_add_test(tests, fusing);
    tcase_add_test(tests, fusing_into_three);
    tcase_add_test(tests, other_classes);
    tcase_add_test(tests, no_layer);
    tcase_add_test(tests, any_batch);
    tcase_add_test(tests, one_batch);
    tcase_add_test(tests, training_forms);
    tcase_add_test(tests, cheap_ones_again);
    tcase_add_test(tests, long_chains);
    tcase_add_loop_test(tests, large_updates_early, 0, 2);
}

int
main(void)
{
    const int status = no_device();

    return status ? status : run_suite("pass", add);
}

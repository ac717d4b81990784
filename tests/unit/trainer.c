/* trainer.c - steps: the same bits again and after a resume, accumulation,
 * clipping, averages, losses, by their formulas. */
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/unit/small_net.h"
#include "tests/unit/suite.h"

static ocellus_device *device;
static char folder[32], path[64];

static void
setup(void)
{
    must(ocellus_device_open(NULL, &device));
    strcpy(folder, "/tmp/ocellus-trainer-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/checkpoint", folder);
}

static void
teardown(void)
{
    ocellus_device_close(device);
    unlink(path);
    rmdir(folder);
}

static ocellus_trainer *
trainer_of(int depth, int what, const ocellus_trainer_options *options)
{
    ocellus_graph *graph = small_net(depth, what);
    ocellus_trainer *trainer;

    must(ocellus_trainer_create(device, graph, options, &trainer));
    ocellus_graph_destroy(graph);
    return trainer;
}

/* Steps from..to-1 on batches that depend on their number alone. */
static void
steps(ocellus_trainer *trainer, int from, int to, float *loss)
{
    for (int k = from; k < to; k++) {
        ocellus_tensor *x = pictures(6, (uint64_t)k + 1);
        ocellus_tensor *labels = classes(6, k);
        must(ocellus_trainer_step(trainer, x, labels, NULL, 1, &loss[k]));
        ocellus_tensor_destroy(x);
        ocellus_tensor_destroy(labels);
    }
}

/* All states of both, optimizer's too. */
static void
ck_same_bits(ocellus_trainer *one, ocellus_trainer *two)
{
    ocellus_session *a = ocellus_trainer_session(one);
    ocellus_session *b = ocellus_trainer_session(two);
    const int count = ocellus_session_state_count(a);

    ck_assert_int_gt(count, 4);
    ck_assert_int_eq(ocellus_session_state_count(b), count);
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

static const ocellus_trainer_options full = {
    .size = sizeof full,
    .optimizer = "adam lr=0.01",
    .schedule = "cosine warmup=1",
    .epochs = 4,
    .steps_per_epoch = 5,
    .average = 0.9f,
    .clip = 1,
    .seed = 11,
};

/* ---- the same bits --------------------------------------------------------
 */

START_TEST(two_runs)
{
    float a[8], b[8];
    ocellus_trainer *one = trainer_of(2, NORM | DROPOUT, &full);
    ocellus_trainer *two = trainer_of(2, NORM | DROPOUT, &full);

    steps(one, 0, 8, a);
    steps(two, 0, 8, b);
    ck_assert_int_eq(memcmp(a, b, sizeof a), 0);
    ck_same_bits(one, two);
    ocellus_trainer_destroy(one);
    ocellus_trainer_destroy(two);
}
END_TEST

START_TEST(resumed_run)
{
    float a[20], b[20];
    ocellus_trainer *whole = trainer_of(2, NORM | DROPOUT, &full);
    ocellus_trainer *first = trainer_of(2, NORM | DROPOUT, &full);
    ocellus_trainer *second = trainer_of(2, NORM | DROPOUT, &full);
    char *note;

    steps(whole, 0, 20, a);
    steps(first, 0, 10, b);
    must(ocellus_trainer_save(first, path, "epoch 2, \"all\" well"));
    ocellus_trainer_destroy(first);
    must(ocellus_trainer_load(second, path, &note));
    ck_assert_str_eq(note, "epoch 2, \"all\" well");
    ocellus_text_free(note);
    ck_assert_int_eq(ocellus_trainer_step_count(second), 10);
    steps(second, 10, 20, b);
    ck_assert_int_eq(memcmp(a, b, sizeof a), 0);
    ck_same_bits(whole, second);
    ck_assert(a[19] < a[0]);
    ocellus_trainer_destroy(whole);
    ocellus_trainer_destroy(second);
}
END_TEST

/* A torn file, or another net's, is refused and changes nothing. */
START_TEST(unfit_checkpoints)
{
    float loss[4];
    ocellus_trainer *one = trainer_of(1, 0, NULL);
    ocellus_trainer *twin = trainer_of(1, 0, NULL);
    ocellus_trainer *other = trainer_of(2, 0, NULL);
    struct stat about;

    steps(one, 0, 2, loss);
    steps(twin, 0, 2, loss);
    must(ocellus_trainer_save(other, path, NULL));
    steps(other, 0, 1, loss);
    must(ocellus_trainer_save(one, path, ""));
    ck_assert_int_eq(ocellus_trainer_load(other, path, NULL), OCELLUS_BAD_DATA);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "another net"));
    ck_assert_int_eq(stat(path, &about), 0);
    ck_assert_int_eq(truncate(path, about.st_size / 2), 0);
    ck_assert_int_eq(ocellus_trainer_load(one, path, NULL), OCELLUS_BAD_DATA);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(ocellus_trainer_load(one, path, NULL), OCELLUS_IO);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), path));
    ck_same_bits(one, twin);
    ocellus_trainer_destroy(one);
    ocellus_trainer_destroy(twin);
    ocellus_trainer_destroy(other);
}
END_TEST

/* ---- gradient checkpointing ---------------------------------------------- */

/* One segment: what is cheap alone. */
START_TEST(recomputed_activations)
{
    ocellus_trainer_options options = {.size = sizeof options,
                                       .optimizer = "sgd lr=0.05"};
    ocellus_plan_info all, some;
    float a[3], b[3];
    ocellus_trainer *one = trainer_of(9, NORM | DROPOUT, &options);

    options.checkpoint = _i;
    ocellus_trainer *two = trainer_of(9, NORM | DROPOUT, &options);
    steps(one, 0, 3, a);
    steps(two, 0, 3, b);
    ck_assert_int_eq(memcmp(a, b, sizeof a), 0);
    ck_same_bits(one, two);
    must(ocellus_session_get_plan_info(ocellus_trainer_session(one), &all));
    must(ocellus_session_get_plan_info(ocellus_trainer_session(two), &some));
    ck_assert_uint_lt(some.arena_bytes, all.arena_bytes);
    ck_assert_int_gt(some.launches, all.launches);
    ocellus_trainer_destroy(one);
    ocellus_trainer_destroy(two);
}
END_TEST

/* ---- updates --------------------------------------------------------------
 */

/* The parts of a batch in turn make the update of the whole. */
START_TEST(accumulated_gradients)
{
    ocellus_trainer_options options = {.size = sizeof options,
                                       .optimizer = "sgd lr=0.1 momentum=0.9"};
    ocellus_trainer *whole = trainer_of(2, 0, &options);

    options.accumulate = 2;
    ocellus_trainer *parts = trainer_of(2, 0, &options);
    for (int k = 0; k < 2; k++) {
        ocellus_tensor *x = pictures(12, (uint64_t)k), *half[2];
        ocellus_tensor *labels = classes(12, k), *half_labels[2];
        const int64_t dims[] = {6, 2, SIDE, SIDE};
        float *v = ocellus_tensor_data(x);
        int64_t *l = ocellus_tensor_data(labels);
        must(ocellus_trainer_step(whole, x, labels, NULL, 1, NULL));
        for (int h = 0; h < 2; h++) {
            must(ocellus_tensor_wrap_host(
                OCELLUS_FLOAT, 4, dims, v + h * 6 * 2 * SIDE * SIDE, &half[h]));
            must(ocellus_tensor_wrap_host(OCELLUS_INT64, 1, dims, l + h * 6,
                                          &half_labels[h]));
            must(ocellus_trainer_step(parts, half[h], half_labels[h], NULL, 1,
                                      NULL));
            ck_assert_int_eq(ocellus_trainer_step_count(parts), k + h);
            ocellus_tensor_destroy(half[h]);
            ocellus_tensor_destroy(half_labels[h]);
        }
        ocellus_tensor_destroy(x);
        ocellus_tensor_destroy(labels);
    }
    static const char *const names[] = {"ca.weight", "cb.bias", "fc.weight"};
    for (int s = 0; s < 3; s++) {
        size_t n;
        float *a = state_of(ocellus_trainer_session(whole), names[s], &n);
        float *b = state_of(ocellus_trainer_session(parts), names[s], &n);
        for (size_t k = 0; k < n; k++)
            ck_assert_float_eq_tol(a[k], b[k], 1e-6f);
        free(a);
        free(b);
    }
    ocellus_trainer_destroy(whole);
    ocellus_trainer_destroy(parts);
}
END_TEST

/* Weights before less weights after one step of rate 1: the gradient. */
static double *
one_step(float clip, double *norm, size_t *count)
{
    static const char *const names[] = {"ca.weight", "ca.bias", "fc.weight",
                                        "fc.bias"};
    const ocellus_trainer_options options = {
        .size = sizeof options, .optimizer = "sgd lr=1", .clip = clip};
    ocellus_trainer *trainer = trainer_of(1, 0, &options);
    ocellus_session *session = ocellus_trainer_session(trainer);
    double *all = calloc(100000, sizeof *all);
    float loss, *before[4], *after;
    size_t n[4];

    ck_assert_ptr_nonnull(all);
    for (int s = 0; s < 4; s++)
        before[s] = state_of(session, names[s], &n[s]);
    steps(trainer, 0, 1, &loss);
    *count = 0;
    *norm = 0;
    for (int s = 0; s < 4; s++) {
        after = state_of(session, names[s], &n[s]);
        for (size_t k = 0; k < n[s]; k++) {
            double g = (double)before[s][k] - (double)after[k];
            all[(*count)++] = g;
            *norm += g * g;
        }
        free(after);
        free(before[s]);
    }
    *norm = sqrt(*norm);
    ocellus_trainer_destroy(trainer);
    return all;
}

START_TEST(clipped_gradient)
{
    size_t n, m;
    double whole, cut;
    double *a = one_step(0, &whole, &n), *b = one_step(0.05f, &cut, &m);
    double *c = one_step(1e6f, &whole, &m);

    ck_assert_uint_eq(n, m);
    ck_assert_double_gt(whole, 0.1);
    ck_assert_double_eq_tol(cut, 0.05, 1e-5);
    for (size_t k = 0; k < n; k++) {
        ck_assert_double_eq_tol(b[k], a[k] * 0.05 / whole, 1e-6);
        ck_assert_double_eq(c[k], a[k]);
    }
    free(a);
    free(b);
    free(c);
}
END_TEST

/* The first momentum is the gradient itself, as in torch.optim.SGD; from the
 * second on, a part of the gradient is left out. Plain steps of the same rate
 * give both gradients. */
START_TEST(dampened_momentum)
{
    const ocellus_trainer_options plain = {.size = sizeof plain,
                                           .optimizer = "sgd lr=0.1"},
                                  damped = {.size = sizeof damped,
                                            .optimizer =
                                                "sgd lr=0.1 momentum=0.9 "
                                                "dampening=0.4"};
    ocellus_trainer *a = trainer_of(1, 0, &plain);
    ocellus_trainer *b = trainer_of(1, 0, &damped);
    float *v[2][3], loss[2];
    size_t n;

    for (int k = 0; k < 3; k++) {
        v[0][k] = state_of(ocellus_trainer_session(a), "fc.weight", &n);
        v[1][k] = state_of(ocellus_trainer_session(b), "fc.weight", &n);
        if (k < 2) {
            steps(a, k, k + 1, loss);
            steps(b, k, k + 1, loss);
        }
    }
    for (size_t i = 0; i < n; i++) {
        double g1 = (double)v[0][0][i] - (double)v[0][1][i];
        double g2 = (double)v[0][1][i] - (double)v[0][2][i];
        ck_assert_double_eq_tol((double)v[1][1][i], (double)v[0][1][i], 1e-7);
        ck_assert_double_eq_tol((double)v[1][2][i],
                                (double)v[0][1][i] - 0.9 * g1 - 0.6 * g2, 3e-7);
    }
    for (int k = 0; k < 6; k++)
        free(v[k / 3][k % 3]);
    ocellus_trainer_destroy(a);
    ocellus_trainer_destroy(b);
}
END_TEST

/* average <- decay average + (1 - decay) w, the decay rising from 0 while the
 * average is young; evaluation uses it. */
START_TEST(averaged_weights)
{
    const ocellus_trainer_options options = {
        .size = sizeof options, .optimizer = "sgd lr=0.5", .average = 0.4f};
    ocellus_trainer *trainer = trainer_of(1, 0, &options);
    ocellus_session *session = ocellus_trainer_session(trainer);
    double expected[CLASSES] = {0};
    float loss[6];
    size_t n;

    for (int k = 0; k < 6; k++) {
        double young = (1.0 + k) / (10.0 + k);
        double decay = k == 0 ? 0 : young < 0.4 ? young : 0.4;
        steps(trainer, k, k + 1, loss);
        float *w = state_of(session, "fc.bias", &n);
        float *mean = state_of(session, "average:fc.bias", &n);
        ck_assert_uint_eq(n, CLASSES);
        for (int c = 0; c < CLASSES; c++) {
            expected[c] = decay * expected[c] + (1 - decay) * (double)w[c];
            ck_assert_double_eq_tol((double)mean[c], expected[c], 1e-6);
        }
        free(w);
        free(mean);
    }
    ocellus_trainer_destroy(trainer);
}
END_TEST

/* A checkpoint without averages, taken by a trainer that averages: they begin
 * with its weights, not with those of a new net. */
START_TEST(average_begins_at_checkpoint)
{
    ocellus_trainer_options options = {.size = sizeof options,
                                       .optimizer = "sgd lr=0.5"};
    ocellus_trainer *first = trainer_of(1, 0, &options);
    float loss[4];
    size_t n;

    steps(first, 0, 4, loss);
    must(ocellus_trainer_save(first, path, ""));
    float *w = state_of(ocellus_trainer_session(first), "fc.bias", &n);
    options.average = 0.4f;
    ocellus_trainer *second = trainer_of(1, 0, &options);
    must(ocellus_trainer_load(second, path, NULL));
    float *mean =
        state_of(ocellus_trainer_session(second), "average:fc.bias", &n);
    ck_assert_uint_eq(n, CLASSES);
    ck_assert_int_eq(memcmp(w, mean, n * sizeof *w), 0);
    free(w);
    free(mean);
    ocellus_trainer_destroy(first);
    ocellus_trainer_destroy(second);
}
END_TEST

/* ---- losses ---------------------------------------------------------------
 */

/* Mean over the batch of (1 - s) (-log p[label]) + s mean_c (-log p[c]). */
static double
cross_entropy(const ocellus_tensor *y, const ocellus_tensor *labels, double s)
{
    const float *v = ocellus_tensor_data(y);
    const int64_t *label = ocellus_tensor_data(labels);
    const size_t n = ocellus_tensor_count(labels);
    double sum = 0;

    for (size_t k = 0; k < n; k++, v += CLASSES) {
        double all = 0, mean = 0;
        for (int c = 0; c < CLASSES; c++)
            all += exp((double)v[c]);
        for (int c = 0; c < CLASSES; c++)
            mean += (log(all) - (double)v[c]) / CLASSES;
        sum += (1 - s) * (log(all) - (double)v[label[k]]) + s * mean;
    }
    return sum / (double)n;
}

START_TEST(smoothed_and_mixed_loss)
{
    const double smoothing = _i & 1 ? 0.1 : 0, mix = _i & 2 ? 0.3 : 1;
    const ocellus_trainer_options options = {.size = sizeof options,
                                             .label_smoothing =
                                                 (float)smoothing,
                                             .mixup = mix < 1};
    ocellus_trainer *trainer = trainer_of(1, 0, &options);
    ocellus_tensor *x = pictures(7, 5), *a = classes(7, 0), *b = classes(7, 2);
    const ocellus_tensor *y;
    float loss;

    must(ocellus_trainer_step(trainer, x, a, mix < 1 ? b : NULL, (float)mix,
                              &loss));
    must(ocellus_trainer_get_output(trainer, &y));
    double first = cross_entropy(y, a, smoothing);
    double second = cross_entropy(y, b, smoothing);
    ck_assert_double_gt(fabs(first - second), 1e-4);
    ck_assert_double_eq_tol((double)loss, mix * first + (1 - mix) * second,
                            1e-5);
    ocellus_tensor_destroy(x);
    ocellus_tensor_destroy(a);
    ocellus_tensor_destroy(b);
    ocellus_trainer_destroy(trainer);
}
END_TEST

START_TEST(labels2_need_mixup)
{
    ocellus_trainer *trainer = trainer_of(1, 0, NULL);
    ocellus_tensor *x = pictures(2, 5), *a = classes(2, 0);

    ck_assert_int_eq(ocellus_trainer_step(trainer, x, a, a, 0.5f, NULL),
                     OCELLUS_BAD_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "mixup"));
    ocellus_tensor_destroy(x);
    ocellus_tensor_destroy(a);
    ocellus_trainer_destroy(trainer);
}
END_TEST

/* What is no number reaches the loss, whatever stands on the way: else a
 * training that went astray would go on and say nothing. */
START_TEST(lost_numbers_show)
{
    ocellus_trainer *trainer = trainer_of(2, _i ? NORM : 0, NULL);
    ocellus_session *session = ocellus_trainer_session(trainer);
    ocellus_tensor *w, *x = pictures(6, 1);
    const ocellus_tensor *y;
    float loss;

    steps(trainer, 0, 1, &loss);
    ck_assert(isfinite(loss));
    must(ocellus_session_read_state(session, "ca.weight", &w));
    ((float *)ocellus_tensor_data(w))[3] = NAN;
    must(ocellus_session_write_state(session, "ca.weight", w));
    must(ocellus_trainer_predict(trainer, x, &y));
    ck_assert(isnan(((const float *)ocellus_tensor_data(y))[0]));
    steps(trainer, 0, 1, &loss);
    ck_assert(isnan(loss));
    ocellus_tensor_destroy(w);
    ocellus_tensor_destroy(x);
    ocellus_trainer_destroy(trainer);
}
END_TEST

/* A model from a file, whose states have numbers: predictions in training are
 * those of the model that training gives. */
START_TEST(predictions_of_a_file)
{
    const ocellus_trainer_options options = {.size = sizeof options,
                                             .optimizer = "sgd lr=0.1"};
    ocellus_graph *graph = small_net(2, NORM), *read, *model;
    ocellus_trainer *trainer;
    ocellus_session *session;
    const ocellus_tensor *y, *z;

    must(ocellus_graph_save(graph, path));
    must(ocellus_graph_load(path, &read));
    must(ocellus_trainer_create(device, read, &options, &trainer));
    ocellus_tensor *x = pictures(6, 1);
    float loss[3];
    steps(trainer, 0, 3, loss);
    must(ocellus_trainer_predict(trainer, x, &y));
    must(ocellus_trainer_get_model(trainer, &model));
    must(ocellus_session_create(device, model, &session));
    must(ocellus_session_set_input(session, "x", x));
    must(ocellus_session_run(session));
    must(ocellus_session_get_output(session, "y", &z));
    const float *a = ocellus_tensor_data((ocellus_tensor *)y);
    for (size_t k = 0; k < ocellus_tensor_count(y); k++)
        ck_assert_float_eq_tol(
            a[k], ((float *)ocellus_tensor_data((ocellus_tensor *)z))[k],
            1e-5f);
    ocellus_session_destroy(session);
    ocellus_trainer_destroy(trainer);
    ocellus_tensor_destroy(x);
    ocellus_graph_destroy(model);
    ocellus_graph_destroy(read);
    ocellus_graph_destroy(graph);
}
END_TEST

/* ---- whose numbers ------------------------------------------------------ */

/* A step of `count` drawn digits. */
static float
digits_step(ocellus_trainer *trainer, int64_t count)
{
    const int64_t dims[] = {count, 1, 28, 28};
    ocellus_tensor *x, *labels;
    uint64_t seed = 5;
    float loss;

    must(ocellus_tensor_create(OCELLUS_FLOAT, 4, dims, &x));
    must(ocellus_tensor_create(OCELLUS_INT64, 1, &count, &labels));
    float *v = ocellus_tensor_data(x);
    for (size_t k = 0; k < ocellus_tensor_count(x); k++)
        v[k] = noise(&seed);
    for (int64_t k = 0; k < count; k++)
        ((int64_t *)ocellus_tensor_data(labels))[k] = k % 10;
    must(ocellus_trainer_step(trainer, x, labels, NULL, 1, &loss));
    ocellus_tensor_destroy(x);
    ocellus_tensor_destroy(labels);
    return loss;
}

/* Weights large and small are in the trainer, and not in the model, which may
 * go; batches of another size and models to keep are made without it. */
START_TEST(model_may_go)
{
    ocellus_graph *graph, *model, *kept;
    ocellus_trainer *first, *one, *two, *three;

    must(ocellus_net_create("lenet5", 1, 28, 28, 10, 7, &graph));
    must(ocellus_trainer_create(device, graph, &full, &first));
    ocellus_graph_destroy(graph);
    digits_step(first, 4);
    must(ocellus_trainer_get_model(first, &model));
    must(ocellus_trainer_create(device, model, NULL, &one));
    must(ocellus_trainer_create(device, model, NULL, &two));
    must(ocellus_graph_save(model, path));
    ocellus_graph_destroy(model);
    must(ocellus_graph_load(path, &model));
    must(ocellus_trainer_create(device, model, NULL, &three));
    must(ocellus_trainer_get_model(two, &kept));
    ck_assert_float_eq(digits_step(one, 3), digits_step(two, 3));
    digits_step(three, 3);
    ocellus_graph_destroy(model);
    ck_assert_float_eq(digits_step(one, 5), digits_step(two, 5));
    digits_step(three, 5);
    ck_same_bits(one, two);
    ck_same_bits(one, three);
    ocellus_trainer_destroy(two);
    must(ocellus_trainer_create(device, kept, NULL, &two));
    digits_step(two, 3);
    digits_step(two, 5);
    ck_same_bits(one, two);
    ocellus_graph_destroy(kept);
    ocellus_trainer_destroy(first);
    ocellus_trainer_destroy(one);
    ocellus_trainer_destroy(two);
    ocellus_trainer_destroy(three);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, two_runs);
    tcase_add_test(tests, resumed_run);
    tcase_add_test(tests, unfit_checkpoints);
    tcase_add_loop_test(tests, recomputed_activations, 1, 4);
    tcase_add_test(tests, accumulated_gradients);
    tcase_add_test(tests, clipped_gradient);
    tcase_add_test(tests, dampened_momentum);
    tcase_add_test(tests, averaged_weights);
    tcase_add_test(tests, average_begins_at_checkpoint);
    tcase_add_loop_test(tests, smoothed_and_mixed_loss, 0, 4);
    tcase_add_test(tests, labels2_need_mixup);
    tcase_add_loop_test(tests, lost_numbers_show, 0, 2);
    tcase_add_test(tests, predictions_of_a_file);
    tcase_add_test(tests, model_may_go);
}

int
main(void)
{
    const int status = no_device();

    return status ? status : run_suite("trainer", add);
}

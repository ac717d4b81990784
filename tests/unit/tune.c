/* tune.c - the tuner: its verdicts change plans, what is wrong or slow in the
 * net never wins, and what was measured survives files, kills and time. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "device/doctor.h"
#include "device/tune_inside.h"
#include "device/tuning.h"
#include "plan/tuned.h"
#include "tests/unit/suite.h"

/* ---- an operator with three implementations ------------------------------ */

/* What the rival does: it copies once, half of it, or as often as the usual one
 * but where it stands alone. SLEEPS: the direct one alone takes long to plan.
 */
enum { RIGHT, WRONG, DECEIVES, SLEEPS };
static int planted;

enum { USUAL = 40, DIRECT = 12, COUNT = 65536 };

static ocellus_status
infer_same(struct oc_node *node)
{
    return oc_infer_out(node, 0, node->in[0]->type, &node->in[0]->shape);
}

static ocellus_status
copy(struct oc_steps *steps, int times, int parts)
{
    for (int k = 0; k < times; k++) {
        struct oc_step *step = oc_launch(steps, "copy", "copy");

        step->kind = OC_STEP_COPY;
        step->from = steps->in[0].place;
        step->to = steps->out[0].place;
        step->bytes = 4 * (size_t)oc_shape_count(&steps->in[0].value->shape) /
                      (size_t)parts;
    }
    return steps->status;
}

static ocellus_status
emit_usual(struct oc_steps *steps, const struct oc_node *node)
{
    (void)node;
    return copy(steps, USUAL, 1);
}

static ocellus_status
emit_rival(struct oc_steps *steps, const struct oc_node *node)
{
    int alone = node->graph->n_nodes <= 3;

    if (planted == WRONG)
        oc_emit_fill_out(steps, 0, 0);
    if (planted == DECEIVES && !alone)
        return copy(steps, 2 * USUAL, 1);
    return copy(steps, 1, planted == WRONG ? 2 : 1);
}

static ocellus_status
emit_direct(struct oc_steps *steps, const struct oc_node *node)
{
    if (planted == SLEEPS && node->graph->n_nodes <= 3)
        nanosleep(&(struct timespec){.tv_nsec = 600000000}, NULL);
    return copy(steps, DIRECT, 1);
}

static const struct oc_impl impls[] = {
    {.name = "usual", .emit = emit_usual},
    {.name = "rival", .emit = emit_rival},
    {.name = "direct", .emit = emit_direct},
    {.name = NULL},
};

static const struct oc_op row = {.name = "Planted",
                                 .min_in = 1,
                                 .max_in = 1,
                                 .n_out = 1,
                                 .flags = OC_OP_INTERNAL,
                                 .infer = infer_same,
                                 .impls = impls};

static void
must(ocellus_status status)
{
    ck_assert_msg(status == OCELLUS_OK, "%s", ocellus_error());
}

/* ---- devices and sessions ------------------------------------------------ */

static char folder[64];
static const char *shared; /* XDG_CACHE_HOME as it was */

static void
setup(void)
{
    char pocl[512];

    strcpy(folder, "/tmp/ocellus-tune-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    snprintf(pocl, sizeof pocl, "%s/pocl/kcache", shared ? shared : folder);
    setenv("POCL_CACHE_DIR", shared ? pocl : folder, 1);
    planted = RIGHT;
}

static void
teardown(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static ocellus_device *
open_device(void)
{
    ocellus_device *device;

    ck_assert_msg(ocellus_device_open(NULL, &device) == OCELLUS_OK, "%s",
                  ocellus_error());
    return device;
}

/* A chain of five planted operators, of one class (or, `unlike`, of five). */
struct net {
    ocellus_graph *graph;
    ocellus_session *session;
    ocellus_tensor *x;
};

enum { CHAIN = 5 };

static void
open_net(struct net *net, ocellus_device *device, int unlike)
{
    const int64_t dims[] = {COUNT};
    const struct oc_shape shape = OC_SHAPE(COUNT);
    struct ocellus_value *x;

    ck_assert_int_eq(ocellus_graph_create(&net->graph), OCELLUS_OK);
    x = oc_graph_input(net->graph, "x", OCELLUS_FLOAT, &shape);
    for (int k = 0; k < CHAIN; k++) {
        const struct oc_attr attr = {
            .name = "k", .kind = OC_ATTR_INT, .count = 1, .i = k * unlike};
        x = oc_apply_attrs(net->graph, &row, NULL, 1, &attr, &x, 1, 0);
    }
    ck_assert_int_eq(ocellus_graph_output(net->graph, "y", x), OCELLUS_OK);
    ck_assert_int_eq(ocellus_tensor_create(OCELLUS_FLOAT, 1, dims, &net->x),
                     OCELLUS_OK);
    for (int i = 0; i < COUNT; i++)
        ((float *)ocellus_tensor_data(net->x))[i] = (float)i + 1;
    ck_assert_int_eq(ocellus_session_create(device, net->graph, &net->session),
                     OCELLUS_OK);
    ck_assert_int_eq(ocellus_session_set_input(net->session, "x", net->x),
                     OCELLUS_OK);
}

static void
close_net(struct net *net)
{
    ocellus_session_destroy(net->session);
    ocellus_tensor_destroy(net->x);
    ocellus_graph_destroy(net->graph);
}

/* Who carries node k out in a session made now. */
static const char *
taken(ocellus_device *device, int unlike, int k)
{
    static char by[64];
    const struct oc_plan *plan;
    struct net net;

    open_net(&net, device, unlike);
    ck_assert_int_eq(oc_session_plan(net.session, &plan, NULL), OCELLUS_OK);
    snprintf(by, sizeof by, "%s", plan->choice[k].by);
    ck_assert_int_eq(plan->choice[k].tuned, strcmp(by, "usual") != 0);
    close_net(&net);
    return by;
}

struct seen {
    int rows;
    ocellus_tune_row last;
    char chosen[64], why[256], what[256];
};

static int
note(void *user, const ocellus_tune_row *r)
{
    struct seen *seen = user;

    seen->rows++;
    seen->last = *r;
    snprintf(seen->chosen, sizeof seen->chosen, "%s", r->chosen);
    snprintf(seen->why, sizeof seen->why, "%s", r->why);
    snprintf(seen->what, sizeof seen->what, "%s", r->what);
    return 0;
}

static void
tune(ocellus_device *device, int unlike, double seconds, struct seen *seen,
     ocellus_tune_result *result)
{
    struct net net;

    memset(seen, 0, sizeof *seen);
    open_net(&net, device, unlike);
    ck_assert_msg(ocellus_session_tune(net.session, seconds, note, seen,
                                       result) == OCELLUS_OK,
                  "%s", ocellus_error());
    close_net(&net);
}

/* ---- the tuner ----------------------------------------------------------- */

START_TEST(the_fastest_wins_and_stays)
{
    ocellus_device *device = open_device();
    ocellus_tune_result result;
    struct seen seen;

    ck_assert_str_eq(taken(device, 0, 0), "usual");
    tune(device, 0, 60, &seen, &result);
    ck_assert_int_eq(result.classes, 1);
    ck_assert_int_eq(result.measured, 1);
    ck_assert_int_eq(result.kept, 1);
    ck_assert(result.tuned_ms < result.usual_ms);
    ck_assert_int_eq(seen.rows, 1);
    ck_assert_int_eq(seen.last.nodes, CHAIN);
    ck_assert_str_eq(seen.what, "Planted 65536 k=0");
    ck_assert_str_eq(seen.chosen, "rival");
    ck_assert(seen.last.chosen_us < seen.last.usual_us);
    ck_assert_str_eq(taken(device, 0, 2), "rival");
    ocellus_device_close(device);
    device = open_device();
    ck_assert_int_eq(ocellus_device_get_tuned(device), 1);
    ck_assert_str_eq(taken(device, 0, 4), "rival");
    tune(device, 0, 60, &seen, &result);
    ck_assert_int_eq(result.measured, 0);
    ck_assert_int_eq(result.known, 1);
    ck_assert_str_eq(seen.chosen, "rival");
    ocellus_device_close(device);
}
END_TEST

START_TEST(wrong_numbers_never_win)
{
    ocellus_device *device = open_device();
    ocellus_tune_result result;
    struct seen seen;

    planted = WRONG;
    tune(device, 0, 60, &seen, &result);
    ck_assert_str_eq(seen.chosen, "direct");
    ck_assert_ptr_nonnull(strstr(seen.why, "rival was faster, and wrong"));
    ck_assert_str_eq(taken(device, 0, 0), "direct");
    ocellus_device_close(device);
}
END_TEST

START_TEST(what_is_slow_in_the_net_is_dropped)
{
    ocellus_device *device = open_device();
    ocellus_tune_result result;
    struct seen seen;

    planted = DECEIVES;
    tune(device, 0, 60, &seen, &result);
    ck_assert_int_eq(result.dropped, 1);
    ck_assert_int_eq(seen.last.state, OCELLUS_TUNE_DROPPED);
    ck_assert_str_eq(seen.chosen, "usual");
    ck_assert_ptr_nonnull(strstr(seen.why, "rival was "));
    ck_assert_str_eq(taken(device, 0, 0), "usual");
    ocellus_device_close(device);
    device = open_device();
    ck_assert_str_eq(taken(device, 0, 0), "usual");
    ocellus_device_close(device);
}
END_TEST

START_TEST(the_doctor_is_stronger)
{
    ocellus_device *device = open_device();
    ocellus_tune_result result;
    struct seen seen;

    tune(device, 0, 60, &seen, &result);
    ck_assert_str_eq(taken(device, 0, 0), "rival");
    ck_assert_int_eq(oc_device_judge(device, "Planted:rival", "it is wrong"),
                     OCELLUS_OK);
    ck_assert_str_eq(taken(device, 0, 0), "usual");
    ocellus_device_close(device);
}
END_TEST

static int
stop_at_third(void *user, const char *what, int done, int total)
{
    (void)total;
    *(int *)user += strncmp(what, "tuning ", 7) == 0;
    return strncmp(what, "tuning ", 7) == 0 && done == 2;
}

START_TEST(it_goes_on_where_it_was_stopped)
{
    ocellus_device *device = open_device();
    ocellus_tune_result result;
    struct seen seen;
    struct net net;
    int calls = 0;

    ocellus_device_set_progress(device, stop_at_third, &calls);
    open_net(&net, device, 1);
    ck_assert_int_eq(
        ocellus_session_tune(net.session, 60, note, &seen, &result),
        OCELLUS_CANCELLED);
    ck_assert_int_eq(calls, 3);
    close_net(&net);
    ocellus_device_close(device);
    device = open_device();
    ck_assert_int_eq(ocellus_device_get_tuned(device), 2);
    tune(device, 1, 60, &seen, &result);
    ck_assert_int_eq(result.classes, CHAIN);
    ck_assert_int_eq(result.known, 2);
    ck_assert_int_eq(result.measured, CHAIN - 2);
    ck_assert_int_eq(result.left, 0);
    ocellus_device_close(device);
}
END_TEST

START_TEST(it_ends_when_the_time_is_up)
{
    ocellus_device *device = open_device();
    ocellus_tune_result result;
    struct seen seen;

    tune(device, 1, 1e-3, &seen, &result);
    ck_assert_int_eq(result.left, CHAIN);
    ck_assert_int_eq(result.measured, 0);
    ck_assert_int_eq(seen.last.state, OCELLUS_TUNE_LEFT);
    ck_assert_int_eq(ocellus_device_get_tuned(device), 0);
    ocellus_device_close(device);
}
END_TEST

/* Who was faster in a trial that ended after the time is not tried again. */
START_TEST(it_ends_with_the_trial)
{
    ocellus_device *device = open_device();
    ocellus_tune_result result;
    struct seen seen;

    planted = SLEEPS;
    tune(device, 0, 0.5, &seen, &result);
    ck_assert_int_eq(result.left, 1);
    ck_assert_int_eq(result.measured, 0);
    ck_assert_str_eq(seen.chosen, "usual");
    ocellus_device_close(device);
}
END_TEST

/* The whole is not measured after the time either; verdicts stand. */
START_TEST(verdicts_may_lack_the_last_word)
{
    ocellus_device *device = open_device();
    ocellus_tune_result result;
    struct seen seen;

    tune(device, 0, 60, &seen, &result);
    ck_assert_str_eq(seen.chosen, "rival");
    tune(device, 0, 1e-3, &seen, &result);
    ck_assert_int_eq(result.known, 1);
    ck_assert_double_eq(result.tuned_ms, 0);
    ck_assert_str_eq(taken(device, 0, 0), "rival");
    ocellus_device_close(device);
}
END_TEST

/* A cache that cannot be: its folder is a file. */
START_TEST(without_a_cache_it_holds_for_the_process)
{
    char path[128];
    ocellus_device *device;
    ocellus_tune_result result;
    struct seen seen;

    snprintf(path, sizeof path, "%s/file", folder);
    ck_assert_int_eq(oc_file_write_atomic(path, "x", 1), OCELLUS_OK);
    setenv("XDG_CACHE_HOME", path, 1);
    device = open_device();
    tune(device, 0, 60, &seen, &result);
    ck_assert_int_eq(result.kept, 0);
    ck_assert_str_eq(taken(device, 0, 0), "rival");
    ocellus_device_close(device);
}
END_TEST

/* ---- plans --------------------------------------------------------------- */

/* A convolution's plan on a processor with AVX2, by such a verdict. */
static const char *
conv_by(const char *what, const char *by, const char *quarantine, int *tuned)
{
    const struct oc_tuned verdict = {
        .what = what, .by = by, .usual = "blocked"};
    const char *const refused[] = {quarantine};
    const struct oc_caps caps = {.cpu = 1,
                                 .compute_units = 2,
                                 .vector_width = 8,
                                 .vector_registers = 16,
                                 .local_memory = 1 << 20,
                                 .max_work_group = 4096,
                                 .largest_allocation = 1u << 30,
                                 .alignment = 128,
                                 .cache = 1 << 20,
                                 .quarantine = refused,
                                 .n_quarantine = quarantine != NULL,
                                 .tuned = &verdict,
                                 .n_tuned = 1};
    const struct oc_shape x = OC_SHAPE(1, 8, 9, 9), w = OC_SHAPE(16, 8, 3, 3);
    struct ocellus_graph *graph;
    struct oc_plan *plan;
    static char taken_by[64];

    ck_assert_int_eq(oc_graph_create(&graph), OCELLUS_OK);
    oc_graph_output(graph, "y",
                    OC_NODE(graph, "Conv", "strides=1,1 pads=1,1,1,1",
                            oc_graph_input(graph, "x", OCELLUS_FLOAT, &x),
                            oc_graph_input(graph, "w", OCELLUS_FLOAT, &w)));
    ck_assert_int_eq(graph->status, OCELLUS_OK);
    ck_assert_int_eq(oc_plan_make(graph, &caps, &plan), OCELLUS_OK);
    snprintf(taken_by, sizeof taken_by, "%s", plan->choice[0].by);
    ck_assert_str_eq(plan->choice[0].impl->name, taken_by);
    *tuned = plan->choice[0].tuned;
    oc_plan_destroy(plan);
    return taken_by;
}

START_TEST(a_verdict_changes_the_plan)
{
    const char *what = "Conv 1x8x9x9 16x8x3x3 pads=1,1,1,1";
    int tuned;

    ck_assert_str_eq(conv_by(what, "direct", NULL, &tuned), "direct");
    ck_assert_int_eq(tuned, 1);
    ck_assert_str_eq(conv_by("Conv of others", "direct", NULL, &tuned),
                     "blocked");
    ck_assert_int_eq(tuned, 0);
    ck_assert_str_eq(conv_by(what, "blocked", NULL, &tuned), "blocked");
    ck_assert_int_eq(tuned, 0);
    /* one that refuses, one that the doctor refuses, and two that are not */
    ck_assert_str_eq(conv_by(what, "tiled", NULL, &tuned), "blocked");
    ck_assert_str_eq(conv_by(what, "direct", "Conv:direct", &tuned), "blocked");
    ck_assert_str_eq(conv_by(what, "brand-new", NULL, &tuned), "blocked");
    ck_assert_str_eq(conv_by(what, "direct:sideways", NULL, &tuned), "blocked");
    ck_assert_int_eq(tuned, 0);
}
END_TEST

/* ---- other ways of implementations --------------------------------------- */

/* Whatever can carry a node out agrees with the direct implementation; how
 * many other ways did. */
static int
check_ways(ocellus_device *device, const struct ocellus_graph *graph)
{
    const struct oc_caps *caps = oc_device_caps(device);
    struct oc_tune_site site;
    struct ocellus_graph *copy;
    struct oc_plan *plan;
    const struct oc_op *op;
    int right = 0;

    ck_assert_int_eq(oc_graph_copy(graph, &copy), OCELLUS_OK);
    ck_assert_int_eq(oc_plan_make(copy, caps, &plan), OCELLUS_OK);
    op = plan->choice[0].node->op;
    ck_assert_int_eq(oc_tune_site_open(&site, plan, plan->choice[0].node, 4096),
                     OCELLUS_OK);
    for (int k = 0; op->ways[k]; k++) {
        struct oc_tune_trial by, direct;
        struct ocellus_tensor *got[OC_TUNE_MOST_OUT], *wanted[OC_TUNE_MOST_OUT];
        const char *way;
        struct oc_caps eager = *caps;
        size_t worst;
        double us;
        int count;

        const struct oc_impl *impl = oc_impl_find(op, op->ways[k], &way);

        eager.eager = 1;
        eager.way = way;
        if (oc_plan_refusal(&eager, plan->choice[0].node, impl))
            continue;
        must(oc_tune_trial_open(&by, device, caps, &site, op->ways[k]));
        must(oc_tune_trial_open(&direct, device, caps, &site, "direct"));
        must(oc_tune_trial_run(&by, &site, &us));
        must(oc_tune_trial_run(&direct, &site, &us));
        must(oc_tune_trial_read(&by, got, &count));
        must(oc_tune_trial_read(&direct, wanted, &count));
        for (int i = 0; i < count; i++) {
            ck_assert_msg(oc_doctor_compare(wanted[i], got[i], &worst) <=
                              OC_DOCTOR_TOLERANCE,
                          "%s:%s", op->name, op->ways[k]);
            oc_tensor_destroy(got[i]);
            oc_tensor_destroy(wanted[i]);
        }
        oc_tune_trial_close(&by);
        oc_tune_trial_close(&direct);
        right++;
    }
    oc_tune_site_close(&site);
    oc_plan_destroy(plan);
    return right;
}

/* One operator on two inputs; how many of its other ways ran. */
static int
ways_of(ocellus_device *device, const char *op, const char *attributes,
        struct oc_shape a, struct oc_shape b)
{
    struct ocellus_graph *graph;
    int right;

    must(oc_graph_create(&graph));
    oc_graph_output(graph, "y",
                    OC_NODE(graph, op, attributes,
                            oc_graph_input(graph, "a", OCELLUS_FLOAT, &a),
                            oc_graph_input(graph, "b", OCELLUS_FLOAT, &b)));
    must(graph->status);
    right = check_ways(device, graph);
    oc_graph_destroy(graph);
    return right;
}

/* A device that is planned as of this class. */
static ocellus_device *
open_as(const char *class)
{
    ocellus_device *device;

    setenv("OCELLUS_CLASS", class, 1);
    device = open_device();
    ck_assert_int_eq(oc_device_caps(device)->cpu, strcmp(class, "cpu") == 0);
    return device;
}

START_TEST(other_ways_are_right)
{
    ocellus_device *device = open_as("cpu");
    const char *turned = "kernel_shape=3,3 extent=14,13 pads=1,1,1,1";
    const char *window = "kernel_shape=3,3 pads=1,1,1,1";
    int ran = 0;

    ran += ways_of(device, "Conv", "pads=1,1,1,1", OC_SHAPE(3, 20, 14, 13),
                   OC_SHAPE(37, 20, 3, 3));
    ran += ways_of(device, "ConvGradInput", turned, OC_SHAPE(3, 37, 14, 13),
                   OC_SHAPE(37, 20, 3, 3));
    ran += ways_of(device, "ConvGradWeight", window, OC_SHAPE(3, 20, 14, 13),
                   OC_SHAPE(3, 37, 14, 13));
    ran += ways_of(device, "ConvGradWeight", "kernel_shape=1,1",
                   OC_SHAPE(3, 64, 6, 5), OC_SHAPE(3, 40, 6, 5));
    ran += ways_of(device, "Gemm", "transB=1", OC_SHAPE(64, 600),
                   OC_SHAPE(130, 600));
    ran += ways_of(device, "Gemm", NULL, OC_SHAPE(3, 300), OC_SHAPE(300, 130));
    ck_assert_int_ge(ran, 20);
    ocellus_device_close(device);
}
END_TEST

/* All tiles, and of CLBlast's parameters those for so small a product. */
START_TEST(other_ways_are_right_for_gpus)
{
    ocellus_device *device = open_as("gpu");

    ck_assert_int_eq(ways_of(device, "Gemm", "transB=1", OC_SHAPE(37, 150),
                             OC_SHAPE(70, 150)),
                     8 + 1);
    ocellus_device_close(device);
}
END_TEST

/* ---- files --------------------------------------------------------------- */

static const char key_a[] = "0123456789abcdef0123456789abcdef";
static const char key_b[] = "fedcba9876543210fedcba9876543210";

static void
plant_three(void)
{
    struct oc_cache *cache = oc_cache_open();

    oc_cache_set_verdict(cache, "tune", key_a, "Conv 1x2", "fast 1 slow 20");
    oc_cache_set_verdict(cache, "tune", key_a, "Gemm 3x4", "cpu 5 cpu 5");
    oc_cache_set_verdict(cache, "tune", key_b, "Conv 1x2", "slow 3 fast 40");
    oc_cache_set_verdict(cache, "device", key_b, "name", "Some GPU");
    oc_cache_close(cache);
}

static void
check_planted(const char *key, const char *what, const char *text)
{
    struct oc_cache *cache = oc_cache_open();
    char *kept = oc_cache_verdict(cache, "tune", key, what);

    if (text) {
        ck_assert_ptr_nonnull(kept);
        ck_assert_str_eq(kept, text);
    } else {
        ck_assert_ptr_null(kept);
    }
    free(kept);
    oc_cache_close(cache);
}

static void
check_three(int there)
{
    check_planted(key_a, "Conv 1x2", there ? "fast 1 slow 20" : NULL);
    check_planted(key_a, "Gemm 3x4", there ? "cpu 5 cpu 5" : NULL);
    check_planted(key_b, "Conv 1x2", there ? "slow 3 fast 40" : NULL);
}

/* The three in a file, and forgotten. */
static char *
exported(char *path, size_t *bytes)
{
    int entries;
    char *text;

    plant_three();
    snprintf(path, 128, "%s/out.tuning", folder);
    ck_assert_int_eq(ocellus_tuning_export(path, &entries), OCELLUS_OK);
    ck_assert_int_eq(entries, 3);
    ck_assert_int_eq(ocellus_tuning_clear(&entries), OCELLUS_OK);
    ck_assert_int_eq(entries, 3);
    check_three(0);
    ck_assert_int_eq(oc_file_read(path, 0, &text, bytes), OCELLUS_OK);
    return text;
}

START_TEST(out_and_in_again)
{
    char path[128];
    size_t bytes;
    int entries;
    char *text = exported(path, &bytes);

    ck_assert_ptr_nonnull(strstr(text, "\nfast 1 slow 20 Conv 1x2\n"));
    ck_assert_ptr_nonnull(strstr(text, "3210 Some GPU\nslow 3 fast 40 Conv"));
    free(text);
    ck_assert_int_eq(ocellus_tuning_import(path, &entries), OCELLUS_OK);
    ck_assert_int_eq(entries, 3);
    check_three(1);
    free(exported(path, &bytes)); /* the name came along */
    ck_assert_int_eq(ocellus_tuning_import(path, &entries), OCELLUS_OK);
    check_three(1);
}
END_TEST

static void
refuses(const char *path, const char *text, size_t bytes, const char *why)
{
    int entries;

    ck_assert_int_eq(oc_file_write_atomic(path, text, bytes), OCELLUS_OK);
    ck_assert_int_eq(ocellus_tuning_import(path, &entries), OCELLUS_BAD_DATA);
    ck_assert_int_eq(entries, 0);
    ck_assert_msg(strstr(ocellus_error(), why) != NULL, "%s", ocellus_error());
    check_three(0);
}

START_TEST(torn_files_are_refused)
{
    char path[128];
    size_t bytes;
    char *text = exported(path, &bytes);

    for (size_t cut = 0; cut < bytes - 1; cut += 7)
        refuses(path, text, cut, cut < 22 ? "no file of" : "");
    for (size_t k = 0; k < bytes - 1; k += 7) {
        text[k] ^= 1;
        refuses(path, text, bytes, "");
        text[k] ^= 1;
    }
    free(text);
}
END_TEST

START_TEST(other_versions_are_refused)
{
    char path[128];
    size_t bytes;
    char *text = exported(path, &bytes);

    text[15] = '2';
    refuses(path, text, bytes, "version 2 of the format");
    text[15] = '1';
    text[17]++;
    refuses(path, text, bytes, "whose kernels are others");
    free(text);
}
END_TEST

START_TEST(two_processes_at_once)
{
    char path[128];
    size_t bytes;
    int entries, code, wrong = 0;
    pid_t pid[2];

    free(exported(path, &bytes));
    for (int p = 0; p < 2; p++) {
        pid[p] = fork();
        ck_assert_int_ge(pid[p], 0);
        for (int k = 0; pid[p] == 0 && k < 20; k++)
            wrong |= ocellus_tuning_import(path, &entries) != OCELLUS_OK ||
                     entries != 3;
        if (pid[p] == 0)
            _exit(wrong);
    }
    for (int p = 0; p < 2; p++) {
        ck_assert_int_eq(waitpid(pid[p], &code, 0), pid[p]);
        ck_assert_int_eq(code, 0);
    }
    check_three(1);
}
END_TEST

static void
add(TCase *tests)
{
    shared = getenv("XDG_CACHE_HOME");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, the_fastest_wins_and_stays);
    tcase_add_test(tests, wrong_numbers_never_win);
    tcase_add_test(tests, what_is_slow_in_the_net_is_dropped);
    tcase_add_test(tests, the_doctor_is_stronger);
    tcase_add_test(tests, it_goes_on_where_it_was_stopped);
    tcase_add_test(tests, it_ends_when_the_time_is_up);
    tcase_add_test(tests, it_ends_with_the_trial);
    tcase_add_test(tests, verdicts_may_lack_the_last_word);
    tcase_add_test(tests, without_a_cache_it_holds_for_the_process);
    tcase_add_test(tests, a_verdict_changes_the_plan);
    tcase_add_test(tests, other_ways_are_right);
    tcase_add_test(tests, other_ways_are_right_for_gpus);
    tcase_add_test(tests, out_and_in_again);
    tcase_add_test(tests, torn_files_are_refused);
    tcase_add_test(tests, other_versions_are_refused);
    tcase_add_test(tests, two_processes_at_once);
}

int
main(void)
{
    return run_suite("tune", add);
}

/* doctor.c - the doctor: it passes here, finds what is planted, remembers it,
 * has it refused, and takes it back. */
#include "device/doctor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device/session.h"
#include "tests/unit/suite.h"

/* ---- an operator whose first implementation can be spoiled -------------- */

enum { RIGHT, HALF, NOTHING, REFUSES, FAILS, DEAD };
static int planted;

static ocellus_status
infer_same(struct oc_node *node)
{
    return oc_infer_out(node, 0, node->in[0]->type, &node->in[0]->shape);
}

static ocellus_status
copy(struct oc_steps *steps, size_t bytes)
{
    struct oc_step *step = oc_launch(steps, "copy", "copy");

    step->kind = OC_STEP_COPY;
    step->from = steps->in[0].place;
    step->to = steps->out[0].place;
    step->bytes = bytes;
    return steps->status;
}

static ocellus_status
emit_right(struct oc_steps *steps, const struct oc_node *node)
{
    if (planted == DEAD) {
        oc_emit_fill_out(steps, 0, 0);
        return steps->status;
    }
    return copy(steps, 4 * (size_t)oc_shape_count(&node->in[0]->shape));
}

static const char *
refuse_fast(const struct oc_node *node, const struct oc_caps *caps)
{
    (void)node, (void)caps;
    return planted == REFUSES ? "it is not in the mood" : NULL;
}

static ocellus_status
emit_fast(struct oc_steps *steps, const struct oc_node *node)
{
    size_t bytes = 4 * (size_t)oc_shape_count(&node->in[0]->shape);

    if (planted == FAILS)
        return oc_fail(OCELLUS_UNSUPPORTED, "the fast one broke down");
    if (planted == RIGHT)
        return copy(steps, bytes);
    oc_emit_fill_out(steps, 0, planted == NOTHING ? 0x7fc00000u : 0);
    return planted == HALF ? copy(steps, bytes / 2) : steps->status;
}

static const struct oc_impl impls[] = {
    {.name = "fast", .refuse = refuse_fast, .emit = emit_fast},
    {.name = "direct", .emit = emit_right},
    {.name = NULL},
};

static const struct oc_op row = {.name = "Planted",
                                 .min_in = 1,
                                 .max_in = 1,
                                 .n_out = 1,
                                 .flags = OC_OP_INTERNAL,
                                 .infer = infer_same,
                                 .impls = impls};

static const struct oc_doctor_case cases[] = {
    {.op = "Planted", .inputs = "3x5x7", .quick = 1, .tested = &row},
    {.op = "Planted", .inputs = "2x17x5x3", .tested = &row},
};

/* ---- devices and verdicts ----------------------------------------------- */

static char folder[64];
static const char *shared; /* XDG_CACHE_HOME as it was */

static void
setup(void)
{
    char pocl[512];

    strcpy(folder, "/tmp/ocellus-doctor-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    /* PoCL's own cache may stay, and must be somewhere. */
    if (shared) {
        snprintf(pocl, sizeof pocl, "%s/pocl/kcache", shared);
        setenv("POCL_CACHE_DIR", pocl, 1);
    } else {
        setenv("POCL_CACHE_DIR", folder, 1);
    }
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

static int
refused(const ocellus_device *device, const char *name)
{
    const struct oc_caps *caps = oc_device_caps(device);

    for (int k = 0; k < caps->n_quarantine; k++)
        if (strcmp(caps->quarantine[k], name) == 0)
            return 1;
    return 0;
}

struct seen {
    int right, wrong, refused;
    double error; /* of the wrong ones */
    char why[256];
};

static int
note(void *user, const ocellus_doctor_row *r)
{
    struct seen *seen = user;

    seen->right += r->ok == 1;
    seen->wrong += r->ok == 0;
    seen->refused += r->ok < 0;
    if (r->ok != 1)
        snprintf(seen->why, sizeof seen->why, "%s", r->why);
    if (r->ok == 0)
        seen->error = r->error;
    return 0;
}

/* How many failures the planted operator has in a check. */
static int
check_planted(ocellus_device *device, int how, int quick, struct seen *seen)
{
    int failures;

    planted = how;
    memset(seen, 0, sizeof *seen);
    ck_assert_msg(oc_doctor_check(device, cases, (int)OC_COUNT(cases), quick,
                                  note, seen, &failures) == OCELLUS_OK,
                  "%s", ocellus_error());
    ck_assert_int_eq(failures, seen->wrong);
    return failures;
}

/* ---- tests -------------------------------------------------------------- */

static struct ocellus_tensor *
numbers(float a, float b, float c)
{
    struct oc_shape shape = OC_SHAPE(3);
    struct ocellus_tensor *t;
    const float list[] = {a, b, c};

    ck_assert_int_eq(oc_tensor_create(OCELLUS_FLOAT, &shape, &t), OCELLUS_OK);
    memcpy(t->data, list, sizeof list);
    return t;
}

static double
apart(const float a[3], const float b[3], size_t *worst)
{
    struct ocellus_tensor *right = numbers(a[0], a[1], a[2]);
    struct ocellus_tensor *got = numbers(b[0], b[1], b[2]);
    double error = oc_doctor_compare(right, got, worst);

    oc_tensor_destroy(right);
    oc_tensor_destroy(got);
    return error;
}

START_TEST(numbers_are_compared_to_the_largest)
{
    const float right[] = {1.0f, -4.0f, 2.0f}, close[] = {1.0f, -4.0f, 2.5f};
    const float none[] = {0.0f, 0.0f, 0.0f}, small[] = {0.0f, 0.25f, 0.0f};
    const float nan[] = {1.0f, NAN, 2.0f};
    const float inf[] = {INFINITY, -4.0f, 2.0f}, minus[] = {-INFINITY, -4, 2};
    size_t worst;

    ck_assert(apart(right, right, &worst) == 0.0);
    ck_assert(apart(right, close, &worst) == 0.125);
    ck_assert_uint_eq(worst, 2);
    ck_assert(apart(none, small, &worst) == 0.25);
    ck_assert(isinf(apart(right, nan, &worst)));
    ck_assert_uint_eq(worst, 1);
    ck_assert(isinf(apart(nan, right, &worst)));
    ck_assert(isinf(apart(nan, nan, &worst)));
    ck_assert(apart(inf, inf, &worst) == 0.0);
    ck_assert(isinf(apart(inf, minus, &worst)));
    ck_assert(isinf(apart(inf, right, &worst)));
}
END_TEST

START_TEST(what_is_planted_is_found_and_kept)
{
    ocellus_device *device = open_device();
    struct seen seen;

    ck_assert_int_eq(check_planted(device, RIGHT, 0, &seen), 0);
    ck_assert_int_eq(seen.right, 4);
    ck_assert_int_eq(check_planted(device, HALF, 0, &seen), 2);
    ck_assert_int_eq(seen.right, 2); /* the direct ones */
    ck_assert(seen.error > 0.1 && seen.error <= 2.0);
    ck_assert_ptr_nonnull(strstr(seen.why, "by direct"));
    ck_assert(refused(device, "Planted:fast"));
    ck_assert(!refused(device, "Planted:direct"));
    ocellus_device_close(device);
    device = open_device();
    ck_assert(refused(device, "Planted:fast"));
    /* a short check takes nothing back; a whole one does, for good */
    ck_assert_int_eq(check_planted(device, RIGHT, 1, &seen), 0);
    ck_assert(refused(device, "Planted:fast"));
    ck_assert_int_eq(check_planted(device, RIGHT, 0, &seen), 0);
    ck_assert(!refused(device, "Planted:fast"));
    ocellus_device_close(device);
    device = open_device();
    ck_assert(!refused(device, "Planted:fast"));
    ocellus_device_close(device);
}
END_TEST

START_TEST(nan_failures_and_refusals)
{
    ocellus_device *device = open_device();
    struct seen seen;

    ck_assert_int_eq(check_planted(device, NOTHING, 1, &seen), 1);
    ck_assert(isinf(seen.error));
    ck_assert_int_eq(check_planted(device, RIGHT, 0, &seen), 0);
    ck_assert_int_eq(check_planted(device, FAILS, 0, &seen), 2);
    ck_assert_ptr_nonnull(strstr(seen.why, "the fast one broke down"));
    ck_assert(refused(device, "Planted:fast"));
    ck_assert_int_eq(check_planted(device, RIGHT, 0, &seen), 0);
    ck_assert_int_eq(check_planted(device, REFUSES, 0, &seen), 0);
    ck_assert_int_eq(seen.refused, 2);
    ck_assert_str_eq(seen.why, "it is not in the mood");
    ck_assert(!refused(device, "Planted:fast"));
    ocellus_device_close(device);
}
END_TEST

/* Kernels that do not run at all agree with each other. */
START_TEST(a_dead_device_is_not_healthy)
{
    ocellus_device *device = open_device();
    struct seen seen;

    ck_assert_int_eq(check_planted(device, DEAD, 0, &seen), 2);
    ck_assert_str_eq(seen.why, "it gives nothing but zeros");
    ck_assert_int_eq(seen.right, 0);
    ocellus_device_close(device);
}
END_TEST

/* Who computes the planted operator, and what `show --why` says. */
static void
plan(ocellus_device *device, char *impl, size_t room, char **text)
{
    struct oc_shape shape = OC_SHAPE(3, 5, 7);
    struct ocellus_graph *graph;
    struct ocellus_session *session;
    struct ocellus_value *value;
    struct ocellus_tensor *x;
    const struct oc_plan *made;

    ck_assert_int_eq(oc_tensor_create(OCELLUS_FLOAT, &shape, &x), OCELLUS_OK);
    ck_assert_int_eq(oc_graph_create(&graph), OCELLUS_OK);
    value = oc_graph_input(graph, "x", OCELLUS_FLOAT, &shape);
    value = oc_apply_attrs(graph, &row, NULL, 0, NULL, &value, 1, 0);
    ck_assert_int_eq(oc_graph_output(graph, "y", value), OCELLUS_OK);
    ck_assert_int_eq(
        oc_session_create(device, graph, NULL, NULL, NULL, &session),
        OCELLUS_OK);
    ck_assert_int_eq(oc_session_set_input(session, "x", x), OCELLUS_OK);
    ck_assert_int_eq(oc_session_plan(session, &made, NULL), OCELLUS_OK);
    snprintf(impl, room, "%s", made->choice[0].impl->name);
    ck_assert_int_eq(oc_plan_text(made, 1, text), OCELLUS_OK);
    oc_session_destroy(session);
    oc_graph_destroy(graph);
    oc_tensor_destroy(x);
}

START_TEST(the_planner_refuses_and_says_why)
{
    ocellus_device *device = open_device();
    struct seen seen;
    char impl[32], *text;

    plan(device, impl, sizeof impl, &text);
    ck_assert_str_eq(impl, "fast");
    free(text);
    ck_assert_int_eq(check_planted(device, HALF, 1, &seen), 1);
    plan(device, impl, sizeof impl, &text);
    ck_assert_str_eq(impl, "direct");
    ck_assert_ptr_nonnull(strstr(
        text, "not fast: `ocellus doctor` found wrong numbers on this device"));
    free(text);
    ck_assert_int_eq(check_planted(device, RIGHT, 0, &seen), 0);
    plan(device, impl, sizeof impl, &text);
    ck_assert_str_eq(impl, "fast");
    free(text);
    ocellus_device_close(device);
}
END_TEST

START_TEST(a_lost_cache_is_fine)
{
    ocellus_device *device = open_device();
    struct seen seen;
    char path[128];

    ck_assert_int_eq(check_planted(device, HALF, 0, &seen), 2);
    snprintf(path, sizeof path, "%s/ocellus/cache.db", folder);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(check_planted(device, HALF, 0, &seen), 2);
    ck_assert(refused(device, "Planted:fast"));
    ocellus_device_close(device);
    unlink(path);
    device = open_device();
    ck_assert(!refused(device, "Planted:fast"));
    ocellus_device_close(device);
}
END_TEST

START_TEST(no_cache_at_all_is_fine)
{
    ocellus_device *device;
    struct seen seen;

    setenv("XDG_CACHE_HOME", "/dev/null/nowhere", 1);
    device = open_device();
    ck_assert_int_eq(check_planted(device, HALF, 0, &seen), 2);
    ck_assert(refused(device, "Planted:fast"));
    ck_assert_int_eq(check_planted(device, RIGHT, 0, &seen), 0);
    ck_assert(!refused(device, "Planted:fast"));
    ocellus_device_close(device);
}
END_TEST

/* Operators of the same implementations fall together, but for those that are
 * looked at themselves. */
START_TEST(relatives_fall_together)
{
    ocellus_device *device = open_device();

    oc_doctor_judge(device, oc_op_find("Relu"), "rows", "by hand");
    ocellus_device_close(device);
    device = open_device();
    ck_assert(refused(device, "Relu:rows"));
    ck_assert(refused(device, "Tanh:rows"));
    ck_assert(!refused(device, "Add:rows"));
    ck_assert(!refused(device, "ReduceSum:rows"));
    oc_doctor_judge(device, oc_op_find("Relu"), "rows", NULL);
    ck_assert_int_eq(oc_device_caps(device)->n_quarantine, 0);
    ocellus_device_close(device);
    device = open_device();
    ck_assert_int_eq(oc_device_caps(device)->n_quarantine, 0);
    ocellus_device_close(device);
}
END_TEST

static int
stop(void *user, const ocellus_doctor_row *r)
{
    (void)r;
    return ++*(int *)user == 2;
}

START_TEST(a_check_can_be_stopped)
{
    ocellus_device *device = open_device();
    int calls = 0, failures;

    planted = RIGHT;
    ck_assert_int_eq(oc_doctor_check(device, cases, (int)OC_COUNT(cases), 0,
                                     stop, &calls, &failures),
                     OCELLUS_CANCELLED);
    ck_assert_int_eq(calls, 2);
    ocellus_device_close(device);
    ck_assert_int_eq(ocellus_device_doctor(NULL, 0, NULL, NULL, &failures),
                     OCELLUS_BAD_ARGUMENT);
}
END_TEST

START_TEST(every_implementation_has_a_case)
{
    const struct oc_op *op;

    for (int k = 0; (op = oc_op_at(k)) != NULL; k++)
        if (op->impls && op->impls[0].name && op->impls[1].name)
            ck_assert_msg(oc_doctor_knows(op),
                          "%s has more than the direct implementation, and "
                          "no case in src/device/doctor_cases.c",
                          op->name);
}
END_TEST

/* With the cache that all tests share. */
START_TEST(this_device_is_healthy)
{
    ocellus_device *device;
    struct seen seen = {0};
    int failures;

    if (shared)
        setenv("XDG_CACHE_HOME", shared, 1);
    device = open_device();
    ck_assert_msg(ocellus_device_doctor(device, 0, note, &seen, &failures) ==
                      OCELLUS_OK,
                  "%s", ocellus_error());
    ck_assert_msg(failures == 0, "%d wrong; the last: %s", failures, seen.why);
    ck_assert_int_gt(seen.right, 30);
    ocellus_device_close(device);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_set_timeout(tests, 1200); /* cold, on a busy machine */
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, numbers_are_compared_to_the_largest);
    tcase_add_test(tests, what_is_planted_is_found_and_kept);
    tcase_add_test(tests, nan_failures_and_refusals);
    tcase_add_test(tests, a_dead_device_is_not_healthy);
    tcase_add_test(tests, the_planner_refuses_and_says_why);
    tcase_add_test(tests, a_lost_cache_is_fine);
    tcase_add_test(tests, no_cache_at_all_is_fine);
    tcase_add_test(tests, relatives_fall_together);
    tcase_add_test(tests, a_check_can_be_stopped);
    tcase_add_test(tests, every_implementation_has_a_case);
    tcase_add_test(tests, this_device_is_healthy);
}

int
main(void)
{
    shared = getenv("XDG_CACHE_HOME");
    return run_suite("doctor", add);
}

/* single.c - a small net as one launch: all kernel files go together in one
 * text, and a net gives the same bits as step by step. */
#include <ctype.h>
#include <stdio.h>
#include <time.h>

#include <CL/cl.h>
#include <ocellus_cl.h>

#include "device/inside.h"
#include "op/kernel_source.h"
#include "plan/single.h"
#include "tests/unit/small_net.h"
#include "tests/unit/suite.h"

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

static ocellus_device *device;

static void
setup(void)
{
    must(ocellus_device_open(NULL, &device));
    device->hurries = 1;
}

static void
teardown(void)
{
    ocellus_device_close(device);
}

/* Behind the next "__kernel" at the margin: the kernel's name, or NULL. */
static const char *
next_name(const char *at, char name[64])
{
    size_t n = 0;

    at = strstr(at, "\n__kernel ");
    if (!at)
        return NULL;
    do
        at = strchr(at + 1, '\n');
    while (!islower((unsigned char)at[1]) ||
           at[1 + strspn(at + 1, letters)] != '(');
    n = strspn(at + 1, letters);
    ck_assert_uint_lt(n, 64);
    memcpy(name, at + 1, n);
    name[n] = '\0';
    return at;
}

/* Each kernel twice, under other options. */
static int
all_kernels(struct oc_text *text)
{
    int blocks = 0;
    char name[64];

    oc_text_append(text, "#define get_global_id(d) oc_at_##d\n"
                         "#define get_group_id(d) oc_at_##d\n");
    for (const struct oc_kernel_source *k = oc_kernel_sources; k->name; k++)
        for (const char *at = k->text; (at = next_name(at, name));) {
            struct oc_step step = {.kind = OC_STEP_KERNEL,
                                   .file = k->name,
                                   .kernel = name,
                                   .options = "-DONLY_HERE=3 -DMARK",
                                   .dims = 1,
                                   .local = {1}};

            if (oc_single_refusal(&step))
                continue;
            oc_single_block(text, &step, blocks++);
            step.options = "";
            oc_single_block(text, &step, blocks++);
        }
    return blocks;
}

START_TEST(kernels_go_together)
{
    struct oc_text text = {0};
    struct oc_step step = {.kind = OC_STEP_KERNEL,
                           .file = "single",
                           .kernel = "single",
                           .options = ""};
    struct oc_step *list = &step;
    int programs, built;

    ck_assert_int_gt(all_kernels(&text), 100);
    oc_text_append(&text, "#if defined(ONLY_HERE) || defined(MARK) || "
                          "defined(STORE)\n#error a name was left behind\n"
                          "#endif\n"
                          "__kernel void single(__global int *a)\n"
                          "{\n    a[0] = 1;\n}\n");
    ck_assert(!text.failed);
    step.text = text.data;
    must(oc_programs_build(device, &list, 1, &programs, &built));
    oc_text_free(&text);
}
END_TEST

START_TEST(what_cannot_go)
{
    struct oc_step step = {.kind = OC_STEP_KERNEL,
                           .file = "gemm_cpu",
                           .kernel = "gemm_dots",
                           .dims = 2,
                           .local = {1, 1}};

    ck_assert_ptr_null(oc_single_refusal(&step));
    step.local[1] = 0;
    ck_assert_str_eq(oc_single_refusal(&step),
                     "its groups have several work-items");
    step.kernel = "no_such_kernel";
    ck_assert_str_eq(oc_single_refusal(&step), "its kernel is not to be seen");
    step.file = "global_pool";
    step.kernel = "global_pool_plane";
    ck_assert_ptr_null(oc_single_refusal(&step));
    step.kernel = "global_pool_group";
    ck_assert_str_eq(oc_single_refusal(&step), "its work-items work together");
    step = (struct oc_step){.kind = OC_STEP_FILL};
    ck_assert_str_eq(oc_single_refusal(&step), "it is not a kernel");
}
END_TEST

/* ---- nets ---------------------------------------------------------------- */

static int
launches(ocellus_session *session)
{
    ocellus_plan_info info;

    must(ocellus_session_get_plan_info(session, &info));
    return info.launches;
}

static void
run(ocellus_session *session, ocellus_tensor *x, float *y, size_t count)
{
    const ocellus_tensor *out;

    must(ocellus_session_set_input(session, "x", x));
    must(ocellus_session_run(session));
    must(ocellus_session_get_output(session, "y", &out));
    ck_assert_uint_eq(ocellus_tensor_count(out), count);
    memcpy(y, ocellus_tensor_data((ocellus_tensor *)out), count * sizeof *y);
}

/* Runs until one launch does all, on devices of the CPU class. */
static void
run_often(ocellus_session *session, ocellus_tensor *x, float *y, size_t count)
{
    for (int k = 0; k < 210; k++)
        run(session, x, y, count);
    for (int k = 0; k < 600 && launches(session) > 1; k++) {
        if (!oc_device_caps(device)->cpu)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        run(session, x, y, count);
    }
    ck_assert_int_eq(launches(session), 1);
}

/* A profiled run goes step by step; the next one does not. */
static void
both_ways(ocellus_session *session, ocellus_tensor *x, size_t count)
{
    float y[4][16 * CLASSES];
    ocellus_profile_row *rows;
    int steps;

    ck_assert_uint_le(count, 16 * CLASSES);
    run(session, x, y[3], count);
    run_often(session, x, y[0], count);
    must(ocellus_session_profile(session, 1));
    run(session, x, y[1], count);
    must(ocellus_session_get_profile(session, &rows, &steps));
    ck_assert_int_gt(steps, 4);
    ocellus_profile_free(rows);
    must(ocellus_session_profile(session, 0));
    run(session, x, y[2], count);
    ck_assert_mem_eq(y[0], y[1], count * sizeof(float));
    ck_assert_mem_eq(y[0], y[2], count * sizeof(float));
    ck_assert_mem_eq(y[0], y[3], count * sizeof(float));
}

START_TEST(same_bits)
{
    ocellus_graph *graph = small_net(2, 0);
    ocellus_session *session;

    must(ocellus_session_create(device, graph, &session));
    for (int64_t n = 1; n <= 4; n += 3) {
        ocellus_tensor *x = pictures(n, (uint64_t)n);

        both_ways(session, x, (size_t)n * CLASSES);
        ocellus_tensor_destroy(x);
    }
    ocellus_session_destroy(session);
    ocellus_graph_destroy(graph);
}
END_TEST

/* Device memory takes the input's place in the single launch, and other memory
 * after it. */
START_TEST(memory_from_outside)
{
    const int64_t dims[] = {1, 2, SIDE, SIDE};
    ocellus_graph *graph = small_net(1, 0);
    ocellus_session *session;
    float y[2][CLASSES];

    must(ocellus_session_create(device, graph, &session));
    for (uint64_t seed = 1; seed <= 2; seed++) {
        ocellus_tensor *x = pictures(1, seed), *there;
        cl_mem memory = clCreateBuffer(device->context, CL_MEM_COPY_HOST_PTR,
                                       ocellus_tensor_bytes(x),
                                       ocellus_tensor_data(x), NULL);

        must(ocellus_tensor_wrap_cl(OCELLUS_FLOAT, 4, dims, memory, 0, &there));
        run_often(session, there, y[0], CLASSES);
        run(session, x, y[1], CLASSES);
        ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
        ocellus_tensor_destroy(there);
        clReleaseMemObject(memory);
        ocellus_tensor_destroy(x);
    }
    ocellus_session_destroy(session);
    ocellus_graph_destroy(graph);
}
END_TEST

START_TEST(large_nets_keep_their_steps)
{
    ocellus_graph *graph = small_net(2, 0);
    ocellus_session *session;
    ocellus_tensor *x = pictures(8192, 1);
    float *y = malloc(8192 * CLASSES * sizeof *y);

    ck_assert_ptr_nonnull(y);
    must(ocellus_session_create(device, graph, &session));
    run(session, x, y, 8192 * CLASSES);
    ck_assert_int_gt(launches(session), 4);
    free(y);
    ocellus_tensor_destroy(x);
    ocellus_session_destroy(session);
    ocellus_graph_destroy(graph);
}
END_TEST

/* Where the disk holds nothing, a run of some seconds builds nothing; then it
 * does so when it is told to, and the next session finds it. */
START_TEST(built_late_or_when_told)
{
    char folder[] = "/tmp/ocellus-single-XXXXXX", command[64];
    ocellus_graph *graph = small_net(2, 0);
    ocellus_tensor *x = pictures(1, 1);
    ocellus_session *session;
    float y[2][CLASSES];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    ocellus_device_close(device);
    setenv("XDG_CACHE_HOME", folder, 1);
    must(ocellus_device_open(NULL, &device));
    must(ocellus_session_create(device, graph, &session));
    for (int k = 0; k < 300; k++)
        run(session, x, y[0], CLASSES);
    ck_assert_int_gt(launches(session), 4);
    must(ocellus_session_prepare(session));
    if (oc_device_caps(device)->cpu)
        ck_assert_int_eq(launches(session), 1);
    run(session, x, y[1], CLASSES);
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    ocellus_session_destroy(session);
    must(ocellus_session_create(device, graph, &session));
    run(session, x, y[1], CLASSES);
    if (oc_device_caps(device)->cpu)
        ck_assert_int_eq(launches(session), 1);
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    ocellus_session_destroy(session);
    ocellus_tensor_destroy(x);
    ocellus_graph_destroy(graph);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, kernels_go_together);
    tcase_add_test(tests, what_cannot_go);
    tcase_add_test(tests, same_bits);
    tcase_add_test(tests, memory_from_outside);
    tcase_add_test(tests, large_nets_keep_their_steps);
    tcase_add_test(tests, built_late_or_when_told);
}

int
main(void)
{
    const int status = no_device();

    return status ? status : run_suite("single", add);
}

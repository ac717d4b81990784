/* device_run.c - plans written by hand, run on the device. */
#include <string.h>

#include "device/inside.h"
#include "tests/unit/suite.h"

#include <ocellus_cl.h>

enum { N = 100, PLACES = 8, STEPS = 6 };

/* Put before a kernel file, as an operator's prelude is: y = a x + z. */
static const char axpy[] =
    "__kernel void axpy(__global const float *x, __global const float *z,\n"
    "                   __global float *y, float a, int n,\n"
    "                   __local float *room)\n"
    "{\n"
    "    int i = (int)get_global_id(0);\n"
    "    room[get_local_id(0)] = 0.0f;\n"
    "    if (i < n)\n"
    "        y[i] = a * x[i] + z[i] + BIAS;\n"
    "}\n";

/* What the plan computes, with d = 3 c made by the prologue:
 *     y = 2 x + d;  s = y + s;  copy = y;  fill = 0x40000000 (2.0f) */
enum place { X, C, S, Y, VIEW, D, COPY, FILLED };

struct hand {
    ocellus_device *device;
    struct ocellus_graph *graph;
    struct oc_plan plan;
    struct oc_place place[PLACES];
    struct oc_step step[STEPS], *list[STEPS];
    int input, output[3], state;
    size_t bin;
    struct oc_buffer *home;
    float c[N], x[N], s[N];
};

static void
set_kernel(struct hand *h, int k, const char *options, int x, int z, int y,
           float a)
{
    struct oc_step *step = &h->step[k];

    *step = (struct oc_step){.kind = OC_STEP_KERNEL,
                             .file = "reorder",
                             .kernel = "axpy",
                             .options = options,
                             .prelude = axpy,
                             .n_args = 6,
                             .dims = 1,
                             .global = {N},
                             .local = {16}};
    step->arg[0] = (struct oc_arg){.kind = OC_ARG_MEMORY, .place = x};
    step->arg[1] = (struct oc_arg){.kind = OC_ARG_MEMORY, .place = z};
    step->arg[2] =
        (struct oc_arg){.kind = OC_ARG_MEMORY, .place = y, .writes = 1};
    step->arg[3] = (struct oc_arg){.kind = OC_ARG_FLOAT, .f = a};
    step->arg[4] = (struct oc_arg){.kind = OC_ARG_INT, .i = N};
    step->arg[5] = (struct oc_arg){.kind = OC_ARG_LOCAL, .bytes = 64};
}

static void
set_place(struct hand *h, enum place k, enum oc_place_kind kind,
          const struct ocellus_value *value)
{
    h->place[k] = (struct oc_place){.kind = kind,
                                    .value = value,
                                    .layout = OC_PLAIN,
                                    .bytes = N * sizeof(float),
                                    .alias = -1};
    if (kind == OC_PLACE_ARENA) {
        h->place[k].offset = h->bin;
        h->bin += 512;
    }
}

static void
set_plan(struct hand *h)
{
    h->plan = (struct oc_plan){.graph = h->graph,
                               .caps = *oc_device_caps(h->device),
                               .step = h->list,
                               .n_steps = 5,
                               .n_prologue = 1,
                               .place = h->place,
                               .n_places = PLACES,
                               .input_place = &h->input,
                               .output_place = h->output,
                               .state_place = &h->state,
                               .assigned_place = &h->state,
                               .bin_bytes = &h->bin,
                               .n_bins = 1};
    for (int k = 0; k < STEPS; k++)
        h->list[k] = &h->step[k];
    h->input = X;
    h->output[0] = VIEW;
    h->output[1] = COPY;
    h->output[2] = FILLED;
    h->state = S;
}

static void
make(struct hand *h)
{
    const struct oc_shape shape = OC_SHAPE(N);
    struct ocellus_value *x, *c, *s;

    memset(h, 0, sizeof(*h));
    ck_assert_int_eq(ocellus_device_open(NULL, &h->device), OCELLUS_OK);
    for (int i = 0; i < N; i++) {
        h->c[i] = (float)i;
        h->x[i] = (float)(i % 7);
        h->s[i] = 1000.0f;
    }
    ck_assert_int_eq(oc_graph_create(&h->graph), OCELLUS_OK);
    x = oc_graph_input(h->graph, "x", OCELLUS_FLOAT, &shape);
    c = oc_graph_constant(h->graph, "c", OCELLUS_FLOAT, &shape, h->c);
    s = oc_graph_state(h->graph, "s", OCELLUS_FLOAT, &shape, "zeros", 1);
    oc_graph_output(h->graph, "y", x);
    oc_graph_output(h->graph, "copy", x);
    oc_graph_output(h->graph, "filled", x);
    set_place(h, X, OC_PLACE_ARENA, x);
    set_place(h, C, OC_PLACE_CONSTANT, c);
    set_place(h, S, OC_PLACE_STATE, s);
    set_place(h, Y, OC_PLACE_ARENA, NULL);
    set_place(h, VIEW, OC_PLACE_ARENA, NULL);
    h->place[VIEW].alias = Y;
    set_place(h, D, OC_PLACE_DERIVED, c);
    set_place(h, COPY, OC_PLACE_ARENA, NULL);
    set_place(h, FILLED, OC_PLACE_ARENA, NULL);
    set_kernel(h, 0, "-DBIAS=0", C, C, D, 2.0f);
    set_kernel(h, 1, "-DBIAS=0", X, D, Y, 2.0f);
    set_kernel(h, 2, "-DBIAS=0", VIEW, S, S, 1.0f);
    h->step[3] = (struct oc_step){
        .kind = OC_STEP_COPY, .from = Y, .to = COPY, .bytes = sizeof(h->c)};
    h->step[4] = (struct oc_step){.kind = OC_STEP_FILL,
                                  .to = FILLED,
                                  .bytes = sizeof(h->c),
                                  .pattern = 0x40000000u};
    set_plan(h);
    ck_assert_int_eq(oc_buffer_create(h->device, sizeof(h->s), &h->home),
                     OCELLUS_OK);
    ck_assert_int_eq(oc_buffer_write(h->home, 0, h->s, sizeof(h->s)),
                     OCELLUS_OK);
}

static void
unmake(struct hand *h)
{
    oc_buffer_destroy(h->home);
    oc_graph_destroy(h->graph);
    ck_assert_uint_eq(h->device->allocated, 0);
    ocellus_device_close(h->device);
}

static struct oc_run *
create(struct hand *h)
{
    struct oc_run *run;

    ck_assert_msg(oc_run_create(h->device, &h->plan, &h->home, &run) ==
                      OCELLUS_OK,
                  "%s", ocellus_error());
    return run;
}

static void
set_host_input(struct oc_run *run, float *x)
{
    const struct ocellus_tensor tensor = {
        .type = OCELLUS_FLOAT, .shape = OC_SHAPE(N), .data = x};

    ck_assert_int_eq(oc_run_set_input(run, 0, &tensor), OCELLUS_OK);
}

static void
check_output(struct hand *h, struct oc_run *run, int k, float from_x,
             float from_c, float rest)
{
    float y[N];

    ck_assert_int_eq(oc_run_read_output(run, k, y, sizeof(y)), OCELLUS_OK);
    for (int i = 0; i < N; i++)
        ck_assert_float_eq(y[i], from_x * h->x[i] + from_c * h->c[i] + rest);
}

START_TEST(a_plan_runs_again_and_again)
{
    struct hand h;
    struct oc_run *run;
    struct oc_run_info info;

    make(&h);
    run = create(&h);
    for (int round = 1; round <= 4; round++) {
        float s[N];

        for (int i = 0; i < N; i++)
            h.x[i] += (float)round;
        set_host_input(run, h.x);
        ck_assert_int_eq(oc_run_enqueue(run, 0), OCELLUS_OK);
        check_output(&h, run, 0, 2.0f, 3.0f, 0.0f);
        check_output(&h, run, 1, 2.0f, 3.0f, 0.0f);
        check_output(&h, run, 2, 0.0f, 0.0f, 2.0f);
        ck_assert_int_eq(oc_buffer_read(h.home, 0, s, sizeof(s)), OCELLUS_OK);
        for (int i = 0; i < N; i++) {
            h.s[i] += 2.0f * h.x[i] + 3.0f * h.c[i];
            ck_assert_float_eq(s[i], h.s[i]);
        }
    }
    oc_run_info(run, &info);
    ck_assert_int_eq(info.launches, 4);
    ck_assert_int_eq(info.programs, 1);
    ck_assert_uint_eq(info.arena_bytes, 5 * 512);
    ck_assert_uint_eq(info.derived_bytes, 2 * N * sizeof(float));
    oc_run_destroy(run);
    unmake(&h);
}
END_TEST

START_TEST(runs_overlap_without_a_wait)
{
    struct hand h;
    struct oc_run *run;
    float s[N];

    make(&h);
    run = create(&h);
    for (int round = 0; round < 50; round++) {
        set_host_input(run, h.x);
        ck_assert_int_eq(oc_run_enqueue(run, round == 7), OCELLUS_OK);
    }
    ck_assert_int_eq(oc_buffer_read(h.home, 0, s, sizeof(s)), OCELLUS_OK);
    for (int i = 0; i < N; i++)
        ck_assert_float_eq(s[i],
                           1000.0f + 50.0f * (2.0f * h.x[i] + 3.0f * h.c[i]));
    oc_run_destroy(run);
    unmake(&h);
}
END_TEST

START_TEST(device_memory_is_bound_where_it_may_be)
{
    struct hand h;
    struct oc_run *run;
    ocellus_tensor *tensor;
    const int64_t dims[] = {N};
    cl_mem memory;
    cl_int code;
    float both[256 + N];

    make(&h);
    run = create(&h);
    for (int i = 0; i < N; i++)
        both[i] = both[256 + i] = 10.0f * h.x[i];
    memory = clCreateBuffer(h.device->context,
                            CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                            sizeof(both), both, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    /* From its start, from an aligned byte, from an odd one: the last is
     * copied. */
    for (size_t offset = 0; offset <= 1024; offset += 1024) {
        ck_assert_int_eq(ocellus_tensor_wrap_cl(OCELLUS_FLOAT, 1, dims, memory,
                                                offset, &tensor),
                         OCELLUS_OK);
        ck_assert_int_eq(oc_run_set_input(run, 0, tensor), OCELLUS_OK);
        ck_assert_ptr_nonnull(run->bound[0]);
        ck_assert_int_eq(oc_run_enqueue(run, 0), OCELLUS_OK);
        check_output(&h, run, 0, 20.0f, 3.0f, 0.0f);
        ocellus_tensor_destroy(tensor);
    }
    memmove(both + 1, both, N * sizeof(float));
    clEnqueueWriteBuffer(h.device->queue, memory, CL_TRUE, 0, sizeof(both),
                         both, 0, NULL, NULL);
    ck_assert_int_eq(
        ocellus_tensor_wrap_cl(OCELLUS_FLOAT, 1, dims, memory, 4, &tensor),
        OCELLUS_OK);
    ck_assert_int_eq(oc_run_set_input(run, 0, tensor), OCELLUS_OK);
    ck_assert_ptr_null(run->bound[0]);
    ck_assert_int_eq(oc_run_enqueue(run, 0), OCELLUS_OK);
    check_output(&h, run, 0, 20.0f, 3.0f, 0.0f);
    ocellus_tensor_destroy(tensor);
    /* And from the host again. */
    set_host_input(run, h.x);
    ck_assert_int_eq(oc_run_enqueue(run, 0), OCELLUS_OK);
    check_output(&h, run, 0, 2.0f, 3.0f, 0.0f);
    ck_assert_int_eq(ocellus_tensor_wrap_cl(OCELLUS_FLOAT, 1, dims, memory,
                                            sizeof(both) - 4, &tensor),
                     OCELLUS_BAD_ARGUMENT);
    clReleaseMemObject(memory);
    oc_run_destroy(run);
    unmake(&h);
}
END_TEST

START_TEST(an_input_that_is_written_is_copied)
{
    struct hand h;
    struct oc_run *run;
    ocellus_tensor *tensor;
    const int64_t dims[] = {N};
    cl_mem memory;
    cl_int code;
    float x[N];

    make(&h);
    /* y lies in x's place. */
    h.place[Y].alias = X;
    run = create(&h);
    memory = clCreateBuffer(h.device->context,
                            CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                            sizeof(h.x), h.x, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    ck_assert_int_eq(
        ocellus_tensor_wrap_cl(OCELLUS_FLOAT, 1, dims, memory, 0, &tensor),
        OCELLUS_OK);
    ck_assert_int_eq(oc_run_set_input(run, 0, tensor), OCELLUS_OK);
    ck_assert_int_eq(oc_run_enqueue(run, 0), OCELLUS_OK);
    check_output(&h, run, 0, 2.0f, 3.0f, 0.0f);
    clEnqueueReadBuffer(h.device->queue, memory, CL_TRUE, 0, sizeof(x), x, 0,
                        NULL, NULL);
    ck_assert_int_eq(memcmp(x, h.x, sizeof(x)), 0);
    ocellus_tensor_destroy(tensor);
    clReleaseMemObject(memory);
    oc_run_destroy(run);
    unmake(&h);
}
END_TEST

START_TEST(a_profile_has_every_step)
{
    struct hand h;
    struct oc_run *run;
    struct oc_step_time time[STEPS] = {{0}};
    int runs;

    make(&h);
    run = create(&h);
    ck_assert_int_eq(oc_run_times(run, time, &runs), OCELLUS_BAD_ARGUMENT);
    ck_assert_int_eq(oc_run_profile(run, 1), OCELLUS_OK);
    for (int k = 0; k < 3; k++) {
        set_host_input(run, h.x);
        ck_assert_int_eq(oc_run_enqueue(run, 1), OCELLUS_OK);
    }
    check_output(&h, run, 0, 2.0f, 3.0f, 0.0f);
    ck_assert_int_eq(oc_run_times(run, time, &runs), OCELLUS_OK);
    ck_assert_int_eq(runs, 3);
    for (int k = 0; k < 5; k++) {
        ck_assert_double_gt(time[k].total_us, 0.0);
        ck_assert_double_le(time[k].start_us, time[k].end_us);
    }
    for (int k = 1; k < 5; k++)
        ck_assert_double_le(time[k - 1].end_us, time[k].start_us);
    ck_assert_int_eq(oc_run_profile(run, 0), OCELLUS_OK);
    set_host_input(run, h.x);
    ck_assert_int_eq(oc_run_enqueue(run, 0), OCELLUS_OK);
    check_output(&h, run, 0, 2.0f, 3.0f, 0.0f);
    ck_assert_int_eq(oc_run_times(run, time, &runs), OCELLUS_OK);
    ck_assert_int_eq(runs, 3);
    oc_run_destroy(run);
    unmake(&h);
}
END_TEST

START_TEST(too_large_is_a_sentence_with_numbers)
{
    struct hand h;
    struct oc_run *run;
    size_t all;

    make(&h);
    h.place[Y].bytes = h.device->info.largest_allocation + 1;
    ck_assert_int_eq(oc_run_create(h.device, &h.plan, &h.home, &run),
                     OCELLUS_OUT_OF_DEVICE_MEMORY);
    ck_assert_ptr_null(run);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "largest allocation"));
    h.place[Y].bytes = N * sizeof(float);
    all = h.bin;
    h.bin = h.device->info.memory;
    ck_assert_int_eq(oc_run_create(h.device, &h.plan, &h.home, &run),
                     OCELLUS_OUT_OF_DEVICE_MEMORY);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "lower the batch"));
    h.bin = all;
    ck_assert_uint_eq(h.device->allocated, 512);
    run = create(&h);
    oc_run_destroy(run);
    unmake(&h);
}
END_TEST

START_TEST(a_kernel_that_does_not_build_says_which)
{
    struct hand h;
    struct oc_run *run;

    make(&h);
    h.step[1].options = "-DBIAS=no_such_name";
    ck_assert_int_eq(oc_run_create(h.device, &h.plan, &h.home, &run),
                     OCELLUS_BUILD_FAILED);
    ck_assert_ptr_null(run);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "cl/reorder.cl"));
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "-DBIAS=no_such_name"));
    h.step[1].options = "-DBIAS=0";
    h.step[1].kernel = "nobody";
    ck_assert_int_eq(oc_run_create(h.device, &h.plan, &h.home, &run),
                     OCELLUS_DEVICE_FAILED);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "nobody"));
    unmake(&h);
}
END_TEST

static int
stop_at_once(void *user, const char *what, int done, int total)
{
    *(int *)user = 100 * done + total;
    ck_assert_str_eq(what, "building kernels");
    return 1;
}

START_TEST(building_is_told_and_can_be_stopped)
{
    struct hand h;
    struct oc_run *run;
    int told = 0;

    make(&h);
    ocellus_device_set_progress(h.device, stop_at_once, &told);
    ck_assert_int_eq(oc_run_create(h.device, &h.plan, &h.home, &run),
                     OCELLUS_CANCELLED);
    ck_assert_int_eq(told, 101);
    ocellus_device_set_progress(h.device, NULL, NULL);
    run = create(&h);
    oc_run_destroy(run);
    unmake(&h);
}
END_TEST

START_TEST(empty_launches_are_left_out)
{
    struct hand h;
    struct oc_run *run;

    make(&h);
    h.step[2].global[0] = 0;
    h.step[3].bytes = 0;
    h.step[4].bytes = 0;
    run = create(&h);
    set_host_input(run, h.x);
    ck_assert_int_eq(oc_run_enqueue(run, 0), OCELLUS_OK);
    check_output(&h, run, 0, 2.0f, 3.0f, 0.0f);
    oc_run_destroy(run);
    unmake(&h);
}
END_TEST

START_TEST(the_wrong_shape_is_refused)
{
    struct hand h;
    struct oc_run *run;
    struct ocellus_tensor tensor;

    make(&h);
    run = create(&h);
    tensor = (struct ocellus_tensor){
        .type = OCELLUS_FLOAT, .shape = OC_SHAPE(N - 1), .data = h.x};
    ck_assert_int_eq(oc_run_set_input(run, 0, &tensor), OCELLUS_BAD_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "99"));
    tensor.shape = OC_SHAPE(N);
    tensor.type = OCELLUS_INT32;
    ck_assert_int_eq(oc_run_set_input(run, 0, &tensor), OCELLUS_BAD_ARGUMENT);
    oc_run_destroy(run);
    unmake(&h);
}
END_TEST

/* The caller's queue and memory: nothing is copied, all is released. */
START_TEST(a_queue_from_outside)
{
    struct hand h;
    struct oc_run *run;
    ocellus_device *wrapped, *own;
    cl_uint before, after;

    make(&h);
    own = h.device;
    clGetCommandQueueInfo(own->queue, CL_QUEUE_REFERENCE_COUNT, sizeof(before),
                          &before, NULL);
    ck_assert_int_eq(ocellus_device_wrap(own->queue, &wrapped), OCELLUS_OK);
    ck_assert_int_eq(ocellus_device_get_info(wrapped)->index, -1);
    h.device = wrapped;
    run = create(&h);
    set_host_input(run, h.x);
    ck_assert_int_eq(oc_run_enqueue(run, 0), OCELLUS_OK);
    check_output(&h, run, 0, 2.0f, 3.0f, 0.0f);
    oc_run_destroy(run);
    ocellus_device_close(wrapped);
    clGetCommandQueueInfo(own->queue, CL_QUEUE_REFERENCE_COUNT, sizeof(after),
                          &after, NULL);
    ck_assert_uint_eq(before, after);
    h.device = own;
    unmake(&h);
    ck_assert_int_eq(ocellus_device_wrap(NULL, &wrapped), OCELLUS_BAD_ARGUMENT);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, a_plan_runs_again_and_again);
    tcase_add_test(tests, runs_overlap_without_a_wait);
    tcase_add_test(tests, device_memory_is_bound_where_it_may_be);
    tcase_add_test(tests, an_input_that_is_written_is_copied);
    tcase_add_test(tests, a_profile_has_every_step);
    tcase_add_test(tests, too_large_is_a_sentence_with_numbers);
    tcase_add_test(tests, a_kernel_that_does_not_build_says_which);
    tcase_add_test(tests, building_is_told_and_can_be_stopped);
    tcase_add_test(tests, empty_launches_are_left_out);
    tcase_add_test(tests, the_wrong_shape_is_refused);
    tcase_add_test(tests, a_queue_from_outside);
}

int
main(void)
{
    return run_suite("device_run", add);
}

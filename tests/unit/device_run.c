/* device_run.c - plans written by hand, run on the device. */
#include "base/thread.h"
#include "tests/unit/hand.h"

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

/* A run of its own on the device of all; right numbers or a failure. */
static ocellus_status
run_alone(void *context, int who)
{
    const struct hand *h = context;
    struct ocellus_tensor x = {.type = OCELLUS_FLOAT, .shape = OC_SHAPE(N)};
    struct oc_buffer *home;
    struct oc_run *run;
    float in[N], y[N];

    OC_TRY(oc_buffer_create(h->device, sizeof(in), &home));
    OC_TRY(oc_buffer_write(home, 0, h->s, sizeof(in)));
    OC_TRY(oc_run_create(h->device, &h->plan, &home, &run));
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < N; i++)
            in[i] = (float)(who * 1000 + round * 100 + i);
        x.data = in;
        OC_TRY(oc_run_set_input(run, 0, &x));
        OC_TRY(oc_run_enqueue(run, round == 3));
        OC_TRY(oc_run_read_output(run, 0, y, sizeof(y)));
        for (int i = 0; i < N; i++)
            if (y[i] != 2.0f * in[i] + 3.0f * h->c[i])
                return oc_fail(OCELLUS_INTERNAL, "%g at %d of thread %d",
                               (double)y[i], i, who);
    }
    oc_run_destroy(run);
    oc_buffer_destroy(home);
    return OCELLUS_OK;
}

START_TEST(several_threads_on_one_device)
{
    struct hand h;

    make(&h);
    /* Oclgrind follows one kernel at a time and says so by an abort. */
    if (strcmp(h.device->info.platform, "Oclgrind") == 0) {
        unmake(&h);
        return;
    }
    ck_assert_msg(oc_parallel(4, 12, run_alone, &h) == OCELLUS_OK, "%s",
                  ocellus_error());
    unmake(&h);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, a_plan_runs_again_and_again);
    tcase_add_test(tests, runs_overlap_without_a_wait);
    tcase_add_test(tests, a_profile_has_every_step);
    tcase_add_test(tests, too_large_is_a_sentence_with_numbers);
    tcase_add_test(tests, a_kernel_that_does_not_build_says_which);
    tcase_add_test(tests, building_is_told_and_can_be_stopped);
    tcase_add_test(tests, empty_launches_are_left_out);
    tcase_add_test(tests, several_threads_on_one_device);
}

int
main(void)
{
    return run_suite("device_run", add);
}

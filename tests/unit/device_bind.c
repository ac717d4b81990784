/* device_bind.c - inputs of a run: from the host, in memory and on a queue of
 * the caller's own. */
#include "tests/unit/hand.h"

#include <time.h>

#include <ocellus_cl.h>

/* Written by a command: Oclgrind takes what CL_MEM_COPY_HOST_PTR brought for
 * uninitialised. */
static cl_mem
own_memory(const struct hand *h, const void *data, size_t bytes)
{
    cl_int code;
    cl_mem memory = clCreateBuffer(h->device->context, CL_MEM_READ_WRITE, bytes,
                                   NULL, &code);

    ck_assert_int_eq(code, CL_SUCCESS);
    code = clEnqueueWriteBuffer(h->device->queue, memory, CL_TRUE, 0, bytes,
                                data, 0, NULL, NULL);
    ck_assert_int_eq(code, CL_SUCCESS);
    return memory;
}

START_TEST(device_memory_is_bound_where_it_may_be)
{
    struct hand h;
    struct oc_run *run;
    ocellus_tensor *tensor;
    const int64_t dims[] = {N};
    cl_mem memory;
    float both[256 + N] = {0};

    make(&h);
    run = create(&h);
    for (int i = 0; i < N; i++)
        both[i] = both[256 + i] = 10.0f * h.x[i];
    memory = own_memory(&h, both, sizeof(both));
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
    float x[N];

    make(&h);
    /* y lies in x's place. */
    h.place[Y].alias = X;
    run = create(&h);
    memory = own_memory(&h, h.x, sizeof(h.x));
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
/* Drivers hold a queue for commands that ended, until a thread of theirs comes
 * to let go: what it settles at, or what it was after a second. */
static cl_uint
holders(cl_command_queue queue, cl_uint wanted)
{
    cl_uint count = 0;

    clFinish(queue);
    for (int k = 0; k < 1000; k++) {
        clGetCommandQueueInfo(queue, CL_QUEUE_REFERENCE_COUNT, sizeof(count),
                              &count, NULL);
        if (count == wanted)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return count;
}

START_TEST(a_queue_from_outside)
{
    struct hand h;
    struct oc_run *run;
    ocellus_device *wrapped, *own;
    cl_uint before, after;

    make(&h);
    own = h.device;
    before = holders(own->queue, 1);
    ck_assert_int_eq(ocellus_device_wrap(own->queue, &wrapped), OCELLUS_OK);
    ck_assert_int_eq(ocellus_device_get_info(wrapped)->index, -1);
    h.device = wrapped;
    run = create(&h);
    set_host_input(run, h.x);
    ck_assert_int_eq(oc_run_enqueue(run, 0), OCELLUS_OK);
    check_output(&h, run, 0, 2.0f, 3.0f, 0.0f);
    oc_run_destroy(run);
    ocellus_device_close(wrapped);
    after = holders(own->queue, before);
    ck_assert_uint_eq(before, after);
    h.device = own;
    unmake(&h);
    ck_assert_int_eq(ocellus_device_wrap(NULL, &wrapped), OCELLUS_BAD_ARGUMENT);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, device_memory_is_bound_where_it_may_be);
    tcase_add_test(tests, an_input_that_is_written_is_copied);
    tcase_add_test(tests, the_wrong_shape_is_refused);
    tcase_add_test(tests, a_queue_from_outside);
}

int
main(void)
{
    return run_suite("device_bind", add);
}

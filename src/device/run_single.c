/* run_single.c - the one launch that stands for a small net's steps.
 *
 * Its program is the net's own, and takes as long to build as all others of
 * the net together, or longer; nothing can stop a driver that builds. So a run
 * that ends soon never begins: what the disk holds is taken at once; otherwise
 * steps are taken until the run has gone on for so long that it likely goes on
 * as long again. Then a thread builds the program, and keeps it on disk, while
 * steps go on. It gives the same bits, so nobody sees from where on it is
 * taken. oc_run_prepare() builds it when it is told to.
 */
#include <stdint.h>

#include "base/thread.h"
#include "device/inside.h"

enum { OFTEN = 200, LONG = 60 }; /* runs, seconds */

static ocellus_status
take(struct oc_run *run)
{
    return oc_run_make_launch(run, run->plan->single, &run->single.launch);
}

ocellus_status
oc_single_make(struct oc_run *run)
{
    if (!run->plan->single ||
        !oc_program_is_kept(run->device, run->plan->single))
        return OCELLUS_OK;
    return take(run);
}

/* ---- ahead of its first use --------------------------------------------- */

/* Arguments for no steps at all, in `nothing`. */
static cl_int
set_nothing(cl_kernel kernel, const struct oc_step *single, cl_mem nothing)
{
    const cl_int none = 0;
    cl_int code = CL_SUCCESS;

    for (int k = 0; k < single->n_args && code == CL_SUCCESS; k++) {
        const struct oc_arg *arg = &single->arg[k];

        if (arg->kind == OC_ARG_LOCAL)
            code = clSetKernelArg(kernel, (cl_uint)k,
                                  arg->bytes ? arg->bytes : 4, NULL);
        else if (arg->kind == OC_ARG_INT)
            code = clSetKernelArg(kernel, (cl_uint)k, sizeof(none), &none);
        else
            code =
                clSetKernelArg(kernel, (cl_uint)k, sizeof(nothing), &nothing);
    }
    return code;
}

/* Some drivers compile a kernel when it is first launched. */
static cl_int
launch_nothing(ocellus_device *device, const struct oc_step *single)
{
    static const cl_int zeros[16];
    cl_int code = CL_SUCCESS, made;
    cl_kernel kernel =
        clCreateKernel(oc_program_find(device, single), single->kernel, &code);
    cl_mem nothing = clCreateBuffer(
        device->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
        sizeof(zeros), (void *)(uintptr_t)zeros, &made);
    cl_command_queue queue =
        clCreateCommandQueue(device->context, device->id, 0, NULL);

    if (code == CL_SUCCESS && made == CL_SUCCESS && queue) {
        code = set_nothing(kernel, single, nothing);
        if (code == CL_SUCCESS)
            code =
                clEnqueueNDRangeKernel(queue, kernel, 1, NULL, single->global,
                                       single->local, 0, NULL, NULL);
        if (code == CL_SUCCESS)
            code = clFinish(queue);
    } else {
        code = CL_OUT_OF_RESOURCES;
    }
    if (queue)
        clReleaseCommandQueue(queue);
    if (nothing)
        clReleaseMemObject(nothing);
    if (kernel)
        clReleaseKernel(kernel);
    return code;
}

static void *
build(void *context)
{
    struct oc_run *run = context;
    const struct oc_step *single = run->plan->single;
    const int well = oc_program_build(run->device, single) == OCELLUS_OK &&
                     launch_nothing(run->device, single) == CL_SUCCESS;

    if (well)
        oc_program_keep(run->device, single);
    atomic_store(&run->single.ready, well ? 1 : -1);
    return NULL;
}

static int
is_time(struct oc_run *run)
{
    struct oc_single *single = &run->single;

    if (single->runs == 0)
        single->since = oc_now();
    if (single->runs < OFTEN)
        single->runs++;
    return single->runs == OFTEN &&
           (run->device->hurries || oc_now() > single->since + LONG);
}

/* A driver that does not take the text leaves the steps. */
ocellus_status
oc_single_count(struct oc_run *run)
{
    struct oc_single *single = &run->single;

    if (!run->plan->single || single->launch.kernel || run->profiling)
        return OCELLUS_OK;
    if (single->started)
        return atomic_load(&single->ready) > 0 ? take(run) : OCELLUS_OK;
    if (is_time(run))
        single->started = single->has_thread =
            pthread_create(&single->thread, NULL, build, run) == 0;
    return OCELLUS_OK;
}

static void
wait_for_thread(struct oc_single *single)
{
    if (single->has_thread)
        pthread_join(single->thread, NULL);
    single->has_thread = 0;
}

ocellus_status
oc_run_prepare(struct oc_run *run)
{
    static const char what[] = "building one launch of all steps";
    struct oc_single *single = &run->single;

    if (!run->plan->single || single->launch.kernel)
        return OCELLUS_OK;
    if (oc_device_progress(run->device, what, 0, 1))
        return oc_fail(OCELLUS_CANCELLED, "the building was stopped");
    wait_for_thread(single);
    if (!single->started)
        build(run);
    single->started = 1;
    oc_device_progress(run->device, what, 1, 1);
    return atomic_load(&single->ready) > 0 ? take(run) : OCELLUS_OK;
}

void
oc_single_destroy(struct oc_run *run)
{
    wait_for_thread(&run->single);
    if (run->single.launch.kernel)
        clReleaseKernel(run->single.launch.kernel);
    if (run->single.numbers)
        clReleaseMemObject(run->single.numbers);
}

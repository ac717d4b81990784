/* run.c - a plan on a device: made once, replayed often.
 *
 * Every launch has a kernel of its own with its arguments set, so a replay is
 * nothing but one enqueue a step: no allocation, no wait, one flush. Where the
 * plan has a single launch for all steps, a run that is not profiled takes it,
 * and the steps' own kernels are made when they are first wanted. Two runs may
 * be in flight; the third waits for the first.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "device/inside.h"

/* ---- making ------------------------------------------------------------ */

static ocellus_status
fail_step(const struct oc_step *step, cl_int code, const char *what)
{
    return oc_fail(oc_cl_fail(code, ""), "%s %s of cl/%s.cl%s%s: %s (%d)", what,
                   step->kernel, step->file, step->node ? " for " : "",
                   step->node ? step->node->name : "", oc_cl_name(code),
                   (int)code);
}

/* There is one such argument in a plan at most: its single launch's. */
static cl_int
set_numbers(struct oc_run *run, cl_kernel kernel, cl_uint k,
            const struct oc_arg *arg)
{
    cl_int code;

    run->single.numbers = clCreateBuffer(
        run->device->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
        arg->bytes, (void *)(uintptr_t)arg->numbers, &code);
    return code == CL_SUCCESS
               ? clSetKernelArg(kernel, k, sizeof(cl_mem), &run->single.numbers)
               : code;
}

static cl_int
set_argument(struct oc_run *run, cl_kernel kernel, cl_uint k,
             const struct oc_arg *arg)
{
    switch (arg->kind) {
    case OC_ARG_MEMORY:
        return clSetKernelArg(
            kernel, k, sizeof(cl_mem),
            &run->memory[oc_place_root(run->plan, arg->place)]);
    case OC_ARG_INT:
        return clSetKernelArg(kernel, k, sizeof(arg->i), &arg->i);
    case OC_ARG_FLOAT:
        return clSetKernelArg(kernel, k, sizeof(arg->f), &arg->f);
    case OC_ARG_LOCAL:
        return clSetKernelArg(kernel, k, arg->bytes ? arg->bytes : 4, NULL);
    case OC_ARG_BIN:
        return clSetKernelArg(kernel, k, sizeof(cl_mem), &run->bin[arg->i]);
    case OC_ARG_NUMBERS:
        return set_numbers(run, kernel, k, arg);
    }
    return CL_INVALID_VALUE;
}

/* A CPU's driver compiles a kernel anew for each work-group size, and left to
 * itself it takes a size for each extent: a few sizes serve them all. The
 * largest of 256, 64, 16, 4, 1 that divides the extent and leaves each core a
 * few groups. */
static size_t
cpu_local(const struct oc_caps *caps, size_t global)
{
    const size_t groups = 2 * (size_t)caps->compute_units;
    size_t local = 256;

    while (local > 1 && (global % local || global / local < groups ||
                         local > caps->max_work_group))
        local /= 4;
    return local;
}

/* Sizes as clEnqueueNDRangeKernel wants them: global a multiple of local. */
static void
set_sizes(struct oc_launch *launch, const struct oc_step *step,
          const struct oc_caps *caps)
{
    for (int d = 0; d < step->dims; d++)
        launch->has_local |= step->local[d] != 0;
    for (int d = 0; d < step->dims; d++) {
        size_t local = step->local[d] ? step->local[d] : 1;

        if (step->global[d] == 0)
            launch->empty = 1;
        launch->local[d] = local;
        launch->global[d] = (step->global[d] + local - 1) / local * local;
    }
    if (caps->cpu && !launch->has_local && !launch->empty) {
        launch->local[0] = cpu_local(caps, launch->global[0]);
        launch->has_local = 1;
    }
}

ocellus_status
oc_run_make_launch(struct oc_run *run, const struct oc_step *step,
                   struct oc_launch *launch)
{
    cl_program program;
    cl_int code;

    if (step->kind != OC_STEP_KERNEL)
        return OCELLUS_OK;
    set_sizes(launch, step, &run->device->caps);
    program = oc_program_find(run->device, step);
    if (!program)
        return oc_fail(OCELLUS_INTERNAL, "cl/%s.cl was not built", step->file);
    launch->kernel = clCreateKernel(program, step->kernel, &code);
    if (code != CL_SUCCESS)
        return fail_step(step, code, "cannot make the kernel");
    for (int k = 0; k < step->n_args; k++) {
        code = set_argument(run, launch->kernel, (cl_uint)k, &step->arg[k]);
        if (code != CL_SUCCESS)
            return fail_step(step, code, "wrong arguments for");
    }
    return OCELLUS_OK;
}

ocellus_status
oc_run_make_steps(struct oc_run *run, int count)
{
    struct oc_step *const *step = run->plan->step;
    int built;

    if (count <= run->made)
        return OCELLUS_OK;
    OC_TRY(oc_programs_build(run->device, step, count, &run->info.programs,
                             &built));
    run->info.built += built;
    for (int s = run->made; s < count; s++)
        OC_TRY(oc_run_make_launch(run, step[s], &run->launch[s]));
    run->made = count;
    return OCELLUS_OK;
}

static ocellus_status
make(struct oc_run *run, struct oc_buffer *const *state)
{
    const struct oc_plan *plan = run->plan;

    OC_TRY(oc_run_place(run, state));
    run->launch = calloc((size_t)plan->n_steps + 1, sizeof(*run->launch));
    if (!run->launch)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a run");
    OC_TRY(oc_single_make(run));
    OC_TRY(oc_run_make_steps(run, run->single.launch.kernel ? plan->n_prologue
                                                            : plan->n_steps));
    return oc_gemm_scratch(run);
}

ocellus_status
oc_run_create(struct ocellus_device *device, const struct oc_plan *plan,
              struct oc_buffer *const *state, struct oc_run **result)
{
    struct oc_run *run = calloc(1, sizeof(*run));
    ocellus_status status;

    *result = NULL;
    if (!run)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a run");
    run->device = device;
    run->plan = plan;
    run->queue = device->queue;
    status = make(run, state);
    if (status != OCELLUS_OK) {
        oc_run_destroy(run);
        return status;
    }
    *result = run;
    return OCELLUS_OK;
}

void
oc_run_destroy(struct oc_run *run)
{
    if (!run)
        return;
    clFinish(run->queue);
    for (int k = 0; k < 2; k++)
        if (run->done[k])
            clReleaseEvent(run->done[k]);
    for (int s = 0; run->launch && s < run->plan->n_steps; s++)
        if (run->launch[s].kernel)
            clReleaseKernel(run->launch[s].kernel);
    oc_single_destroy(run);
    oc_profile_forget(run);
    oc_run_unplace(run);
    oc_memory_release(run->device, run->gemm_scratch);
    free(run->launch);
    free(run);
}

void
oc_run_info(const struct oc_run *run, struct oc_run_info *info)
{
    *info = run->info;
    info->launches = run->plan->n_steps - run->plan->n_prologue;
    if (run->single.launch.kernel) {
        info->launches = 1;
        info->programs++;
    }
}

/* ---- replaying --------------------------------------------------------- */

static cl_mem
memory_of(const struct oc_run *run, int place)
{
    return run->memory[oc_place_root(run->plan, place)];
}

static ocellus_status
enqueue_kernel(struct oc_run *run, const struct oc_step *step,
               const struct oc_launch *launch, cl_event *event)
{
    cl_int code;

    if (launch->empty)
        return OCELLUS_OK;
    code = clEnqueueNDRangeKernel(
        run->queue, launch->kernel, (cl_uint)step->dims, NULL, launch->global,
        launch->has_local ? launch->local : NULL, 0, NULL, event);
    if (code != CL_SUCCESS)
        return fail_step(step, code, "cannot launch");
    return OCELLUS_OK;
}

static ocellus_status
enqueue_copy(struct oc_run *run, const struct oc_step *step, cl_event *event)
{
    cl_mem from = memory_of(run, step->from), to = memory_of(run, step->to);

    if (from == to || step->bytes == 0)
        return OCELLUS_OK;
    OC_CL_TRY(clEnqueueCopyBuffer(run->queue, from, to, 0, 0, step->bytes, 0,
                                  NULL, event),
              "numbers cannot be copied on the device");
    return OCELLUS_OK;
}

/* The pattern has four bytes; a length that has not its multiple is filled by
 * bytes, which is right for the patterns whose bytes are equal (0, ~0). */
static ocellus_status
enqueue_fill(struct oc_run *run, const struct oc_step *step, cl_event *event)
{
    const size_t unit = step->bytes % 4 == 0 ? 4 : 1;
    cl_uint pattern = step->pattern;

    if (step->bytes == 0)
        return OCELLUS_OK;
    if (unit == 1 && pattern != (pattern & 0xff) * 0x01010101u)
        return oc_fail(OCELLUS_INTERNAL, "%zu bytes cannot be filled with %08x",
                       step->bytes, (unsigned)pattern);
    OC_CL_TRY(clEnqueueFillBuffer(run->queue, memory_of(run, step->to),
                                  &pattern, unit, 0, step->bytes, 0, NULL,
                                  event),
              "memory cannot be filled on the device");
    return OCELLUS_OK;
}

static ocellus_status
enqueue_step(struct oc_run *run, int s, cl_event *event)
{
    const struct oc_step *step = run->plan->step[s];

    switch (step->kind) {
    case OC_STEP_KERNEL:
        return enqueue_kernel(run, step, &run->launch[s], event);
    case OC_STEP_GEMM:
        return oc_gemm_enqueue(run, &step->gemm, event);
    case OC_STEP_COPY:
        return enqueue_copy(run, step, event);
    case OC_STEP_FILL:
        return enqueue_fill(run, step, event);
    }
    return oc_fail(OCELLUS_INTERNAL, "a step of an unknown kind");
}

/* Makes room for one more run in flight. */
static ocellus_status
wait_for_room(struct oc_run *run)
{
    cl_int code;

    if (!run->done[1])
        return OCELLUS_OK;
    code = clWaitForEvents(1, &run->done[1]);
    clReleaseEvent(run->done[1]);
    run->done[1] = NULL;
    OC_CL_TRY(code, "a run failed on the device");
    return OCELLUS_OK;
}

/* The last step that really enqueues something tells when a run is done. */
static int
last_step(const struct oc_run *run, int count)
{
    for (int s = count - 1; s >= 0; s--)
        if (run->launch[s].kernel && !run->launch[s].empty)
            return s;
    return -1;
}

ocellus_status
oc_run_enqueue(struct oc_run *run, int refresh)
{
    const struct oc_plan *plan = run->plan;
    const int first = refresh || !run->started ? 0 : plan->n_prologue;
    const struct oc_launch *single = &run->single.launch;
    int count = plan->n_steps;
    cl_event *last = run->profiling ? NULL : &run->done[0];
    int tell;

    OC_TRY(oc_single_count(run));
    if (run->profiling || !single->kernel)
        single = NULL;
    else
        count = plan->n_prologue;
    tell = single ? -1 : last_step(run, count);
    OC_TRY(wait_for_room(run));
    run->done[1] = run->done[0];
    run->done[0] = NULL;
    for (int s = first; s < count; s++) {
        cl_event *event = run->profiling ? &run->event[s] : NULL;

        if (s == tell && last)
            event = last;
        OC_TRY(enqueue_step(run, s, event));
    }
    if (single)
        OC_TRY(enqueue_kernel(run, plan->single, single, last));
    run->started = 1;
    if (run->profiling)
        return oc_profile_collect(run);
    OC_CL_TRY(clFlush(run->queue), "the device fails");
    return OCELLUS_OK;
}

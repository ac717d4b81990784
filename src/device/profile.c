/* profile.c - times of steps, from events.
 *
 * A run that is profiled uses a queue of its own with profiling switched on,
 * and waits after each run: nobody else pays for it. It takes the steps one by
 * one, also where a single launch stands for them.
 */
#include <stdlib.h>
#include <string.h>

#include "device/inside.h"

static ocellus_status
profile_queue(ocellus_device *device)
{
    cl_int code = CL_SUCCESS;

    pthread_mutex_lock(&device->lock);
    if (!device->profile_queue)
        device->profile_queue = clCreateCommandQueue(
            device->context, device->id, CL_QUEUE_PROFILING_ENABLE, &code);
    pthread_mutex_unlock(&device->lock);
    OC_CL_TRY(code, "the device has no queue for profiles");
    return OCELLUS_OK;
}

ocellus_status
oc_run_profile(struct oc_run *run, int on)
{
    size_t steps = (size_t)run->plan->n_steps + 1;

    if (!on == !run->profiling)
        return OCELLUS_OK;
    if (on) {
        OC_TRY(oc_run_make_steps(run, run->plan->n_steps));
        OC_TRY(profile_queue(run->device));
        free(run->time);
        free(run->event);
        run->profiled = 0;
        run->time = calloc(steps, sizeof(*run->time));
        run->event = calloc(steps, sizeof(*run->event));
        if (!run->time || !run->event)
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a profile");
    }
    OC_CL_TRY(clFinish(run->queue), "the device fails");
    run->queue = on ? run->device->profile_queue : run->device->queue;
    run->profiling = on != 0;
    return OCELLUS_OK;
}

static double
get_us(cl_event event, cl_profiling_info what)
{
    cl_ulong ns = 0;

    clGetEventProfilingInfo(event, what, sizeof(ns), &ns, NULL);
    return (double)ns * 1e-3;
}

ocellus_status
oc_profile_collect(struct oc_run *run)
{
    double zero = -1;

    OC_CL_TRY(clFinish(run->queue), "the device fails");
    for (int k = 0; k < run->plan->n_steps; k++) {
        struct oc_step_time *time = &run->time[k];
        double start, end;

        if (!run->event[k])
            continue;
        start = get_us(run->event[k], CL_PROFILING_COMMAND_START);
        end = get_us(run->event[k], CL_PROFILING_COMMAND_END);
        if (zero < 0)
            zero = start;
        time->start_us = start - zero;
        time->end_us = end - zero;
        time->total_us += end - start;
        clReleaseEvent(run->event[k]);
        run->event[k] = NULL;
    }
    run->profiled++;
    return OCELLUS_OK;
}

void
oc_profile_forget(struct oc_run *run)
{
    for (int k = 0; run->event && k < run->plan->n_steps; k++)
        if (run->event[k])
            clReleaseEvent(run->event[k]);
    free(run->event);
    free(run->time);
}

ocellus_status
oc_run_times(struct oc_run *run, struct oc_step_time *times, int *runs)
{
    *runs = run->profiled;
    if (!run->time)
        return oc_fail(OCELLUS_BAD_ARGUMENT, "the run was never profiled");
    memcpy(times, run->time, (size_t)run->plan->n_steps * sizeof(*run->time));
    return OCELLUS_OK;
}

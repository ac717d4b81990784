/* device.h - an opened OpenCL device, programs, and runs of plans.
 *
 * The only room (with a few functions of src/api) that says cl_. What the
 * rooms above need is here; what the room's own files share is in
 * device/inside.h.
 */
#ifndef OC_DEVICE_DEVICE_H
#define OC_DEVICE_DEVICE_H

#include "graph/tensor.h"
#include "plan/plan.h"

struct ocellus_device;

const struct oc_caps *oc_device_caps(const struct ocellus_device *device);
/* From now on new memory is full of NaN, so that tests see whoever reads what
 * nobody wrote. */
void oc_device_spoil(struct ocellus_device *device);

/* The doctor's verdict on an implementation, "Conv:blocked": `wrong` NULL when
 * its numbers are right, else what it got wrong. Kept on disk for this device,
 * driver and text of the kernels; what is wrong is in caps->quarantine from
 * now on, in this process (sessions that are there keep what they have) and in
 * later ones. */
ocellus_status oc_device_judge(struct ocellus_device *device, const char *name,
                               const char *wrong);

/* ---- buffers ---------------------------------------------------------- */

struct oc_buffer; /* device memory */
ocellus_status oc_buffer_create(struct ocellus_device *device, size_t bytes,
                                struct oc_buffer **buffer);
/* Around the host's numbers, which are read where they lie, must outlive it and
 * are never written; NULL where they cannot be lent. */
struct oc_buffer *oc_buffer_lend(struct ocellus_device *device,
                                 const void *data, size_t bytes);
void oc_buffer_destroy(struct oc_buffer *buffer);
/* Waits. */
ocellus_status oc_buffer_write(struct oc_buffer *buffer, size_t offset,
                               const void *data, size_t bytes);
ocellus_status oc_buffer_read(struct oc_buffer *buffer, size_t offset,
                              void *data, size_t bytes);
size_t oc_buffer_bytes(const struct oc_buffer *buffer);

/* ---- a plan on a device ------------------------------------------------ */

/* Programs built (in parallel, from the caches where possible), kernels made,
 * arguments set, memory allocated. `state[k]` is the home of the plan's graph
 * state k, kept by the caller. Fails before it allocates when the device
 * cannot hold it, with asked, free and largest block in the sentence. */
struct oc_run;
ocellus_status oc_run_create(struct ocellus_device *device,
                             const struct oc_plan *plan,
                             struct oc_buffer *const *state,
                             struct oc_run **run);
void oc_run_destroy(struct oc_run *run);
/* Sets graph input k for the next run. Host memory is copied before this
 * returns, so the caller may change it at once; device memory is bound, and
 * read by the run. */
ocellus_status oc_run_set_input(struct oc_run *run, int k,
                                const struct ocellus_tensor *tensor);
/* Enqueues the prologue (when `refresh`) and the steps; waits for nothing. At
 * most two runs are in flight: it waits for the one before the last. */
ocellus_status oc_run_enqueue(struct oc_run *run, int refresh);
/* Reads graph output k of the last run into host memory; waits. */
ocellus_status oc_run_read_output(struct oc_run *run, int k, void *data,
                                  size_t bytes);

struct oc_run_info {
    int launches, programs, built;
    uint64_t arena_bytes, derived_bytes;
};
void oc_run_info(const struct oc_run *run, struct oc_run_info *info);

/* Builds what a run builds for itself once it goes on for long, its single
 * launch, and keeps it on disk; nothing where the plan has none or the driver
 * does not take it. OCELLUS_CANCELLED: by the progress callback. */
ocellus_status oc_run_prepare(struct oc_run *run);

/* Profile: after oc_run_profile(run, 1) each run records its steps' times. */
ocellus_status oc_run_profile(struct oc_run *run, int on);
/* Microseconds of step k (index in plan->step) summed over the profiled runs,
 * and how many runs; start/end of the last run relative to its first step. */
struct oc_step_time {
    double total_us, start_us, end_us;
};
ocellus_status oc_run_times(struct oc_run *run, struct oc_step_time *times,
                            int *runs);

/* Calls back while programs are built. */
int oc_device_progress(struct ocellus_device *device, const char *what,
                       int done, int total);

#endif

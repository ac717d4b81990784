/* ocellus_cl.h - for programs that have OpenCL objects of their own.
 *
 * Both functions retain what they are given and copy nothing. A run only
 * enqueues on the queue given, so the program's own kernels, enqueued before
 * and after it on that queue, are ordered with it without a wait.
 */
#ifndef OCELLUS_CL_H
#define OCELLUS_CL_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#ifdef __APPLE__
#include <OpenCL/opencl.h>
#else
#include <CL/cl.h>
#endif

#include <ocellus.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A device on an in-order queue: its context and device are used. Its index
 * is -1. Close it as any other. */
OCELLUS_API ocellus_status ocellus_device_wrap(cl_command_queue queue,
                                               ocellus_device **device);

/* A tensor in device memory: `memory` from byte `offset` on. As an input it is
 * bound without a copy where `offset` is aligned to the device's
 * CL_DEVICE_MEM_BASE_ADDR_ALIGN and the plan does not compute in its place;
 * else it is copied on the device. `memory` must belong to the context of the
 * device that it is used with. */
OCELLUS_API ocellus_status ocellus_tensor_wrap_cl(ocellus_type type, int rank,
                                                  const int64_t *dims,
                                                  cl_mem memory, size_t offset,
                                                  ocellus_tensor **tensor);

#ifdef __cplusplus
}
#endif

#endif

/* memory.c - device memory: counted allocations, and buffers of the rooms
 * above. */
#include <stdlib.h>
#include <string.h>

#include "device/inside.h"

static double
mebibytes(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

void
oc_device_spoil(struct ocellus_device *device)
{
    device->spoils = 1;
}

static ocellus_status
spoil(ocellus_device *device, cl_mem memory, size_t bytes)
{
    const cl_uint nan = 0x7fc00000;

    OC_CL_TRY(clEnqueueFillBuffer(device->queue, memory, &nan, sizeof nan, 0,
                                  bytes, 0, NULL, NULL),
              "new memory cannot be filled");
    return OCELLUS_OK;
}

ocellus_status
oc_memory_create(ocellus_device *device, size_t bytes, cl_mem *memory)
{
    const size_t unit = device->caps.alignment;
    size_t rounded = (bytes ? bytes + unit - 1 : unit) / unit * unit;
    cl_int code;

    *memory = NULL;
    if (rounded > device->info.largest_allocation)
        return oc_fail(OCELLUS_OUT_OF_DEVICE_MEMORY,
                       "%.1f MiB in one piece are asked of %s, which gives at "
                       "most %.1f MiB (of %.1f MiB)",
                       mebibytes(rounded), device->info.name,
                       mebibytes(device->info.largest_allocation),
                       mebibytes(device->info.memory));
    *memory = clCreateBuffer(device->context, CL_MEM_READ_WRITE, rounded, NULL,
                             &code);
    if (code != CL_SUCCESS) {
        *memory = NULL;
        return oc_fail(OCELLUS_OUT_OF_DEVICE_MEMORY,
                       "%.1f MiB cannot be had on %s: %s (of its %.1f MiB, "
                       "%.1f MiB are in use here)",
                       mebibytes(rounded), device->info.name, oc_cl_name(code),
                       mebibytes(device->info.memory),
                       mebibytes(device->allocated));
    }
    pthread_mutex_lock(&device->lock);
    device->allocated += rounded;
    pthread_mutex_unlock(&device->lock);
    return device->spoils ? spoil(device, *memory, rounded) : OCELLUS_OK;
}

/* Whole units of the device's alignment, so that nothing lies behind the end
 * that would lie in memory of its own. */
cl_mem
oc_memory_lend(ocellus_device *device, const void *data, size_t bytes)
{
    const size_t unit = device->caps.alignment, worth = (size_t)1 << 20;
    cl_int code;

    if (strcmp(device->info.kind, "cpu") != 0 || bytes < worth ||
        bytes % unit != 0 || (uintptr_t)data % unit != 0)
        return NULL;
    cl_mem memory =
        clCreateBuffer(device->context, CL_MEM_READ_ONLY | CL_MEM_USE_HOST_PTR,
                       bytes, (void *)(uintptr_t)data, &code);
    if (code != CL_SUCCESS)
        return NULL;
    pthread_mutex_lock(&device->lock);
    device->allocated += bytes;
    pthread_mutex_unlock(&device->lock);
    return memory;
}

void
oc_memory_release(ocellus_device *device, cl_mem memory)
{
    size_t bytes = 0;

    if (!memory)
        return;
    clGetMemObjectInfo(memory, CL_MEM_SIZE, sizeof(bytes), &bytes, NULL);
    pthread_mutex_lock(&device->lock);
    device->allocated -= bytes < device->allocated ? bytes : device->allocated;
    pthread_mutex_unlock(&device->lock);
    clReleaseMemObject(memory);
}

ocellus_status
oc_buffer_create(struct ocellus_device *device, size_t bytes,
                 struct oc_buffer **result)
{
    struct oc_buffer *buffer = calloc(1, sizeof(*buffer));
    ocellus_status status;

    *result = NULL;
    if (!buffer)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a buffer");
    buffer->device = device;
    buffer->bytes = bytes;
    status = oc_memory_create(device, bytes, &buffer->memory);
    if (status != OCELLUS_OK) {
        free(buffer);
        return status;
    }
    *result = buffer;
    return OCELLUS_OK;
}

struct oc_buffer *
oc_buffer_lend(struct ocellus_device *device, const void *data, size_t bytes)
{
    struct oc_buffer *buffer = calloc(1, sizeof(*buffer));

    if (!buffer)
        return NULL;
    buffer->device = device;
    buffer->bytes = bytes;
    buffer->memory = oc_memory_lend(device, data, bytes);
    if (buffer->memory)
        return buffer;
    free(buffer);
    return NULL;
}

void
oc_buffer_destroy(struct oc_buffer *buffer)
{
    if (!buffer)
        return;
    oc_memory_release(buffer->device, buffer->memory);
    free(buffer);
}

static ocellus_status
check_range(const struct oc_buffer *buffer, size_t offset, size_t bytes)
{
    if (offset > buffer->bytes || bytes > buffer->bytes - offset)
        return oc_fail(OCELLUS_INTERNAL,
                       "bytes %zu to %zu of a buffer that has %zu", offset,
                       offset + bytes, buffer->bytes);
    return OCELLUS_OK;
}

ocellus_status
oc_buffer_write(struct oc_buffer *buffer, size_t offset, const void *data,
                size_t bytes)
{
    OC_TRY(check_range(buffer, offset, bytes));
    if (bytes == 0)
        return OCELLUS_OK;
    OC_CL_TRY(clEnqueueWriteBuffer(buffer->device->queue, buffer->memory,
                                   CL_TRUE, offset, bytes, data, 0, NULL, NULL),
              "numbers cannot be written to the device");
    return OCELLUS_OK;
}

ocellus_status
oc_buffer_read(struct oc_buffer *buffer, size_t offset, void *data,
               size_t bytes)
{
    OC_TRY(check_range(buffer, offset, bytes));
    if (bytes == 0)
        return OCELLUS_OK;
    OC_CL_TRY(clEnqueueReadBuffer(buffer->device->queue, buffer->memory,
                                  CL_TRUE, offset, bytes, data, 0, NULL, NULL),
              "numbers cannot be read from the device");
    return OCELLUS_OK;
}

size_t
oc_buffer_bytes(const struct oc_buffer *buffer)
{
    return buffer->bytes;
}

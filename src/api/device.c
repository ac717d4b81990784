/* device.c - the public functions on devices. */
#include <stdlib.h>

#include "base/log.h"
#include "device/inside.h"

#include <ocellus_cl.h>

/* Whom a NULL choice opens; a nonsensical OCELLUS_DEVICE must not keep the
 * list from being shown. */
static void
mark_chosen(struct oc_found *found, int count)
{
    int index;

    if (oc_found_choose(found, count, NULL, &index) == OCELLUS_OK)
        return;
    oc_log(OCELLUS_LOG_WARNING, "OCELLUS_DEVICE: %s", ocellus_error());
    for (int k = 0; k < count; k++)
        found[k].info.chosen = 0;
}

static void
probe(struct oc_found *found)
{
    ocellus_device *device;

    if (oc_device_open(found, &device) != OCELLUS_OK) {
        oc_log(OCELLUS_LOG_WARNING, "%s", ocellus_error());
        return;
    }
    found->info.half = device->info.half;
    found->info.bfloat16 = device->info.bfloat16;
    found->info.tensor_cores = device->info.tensor_cores;
    found->info.fp64 = device->info.fp64;
    oc_device_close(device);
}

ocellus_status
ocellus_device_list(int want_probe, ocellus_device_info **list, int *count)
{
    struct oc_found *found;

    *list = NULL;
    OC_TRY(oc_found_list(&found, count));
    *list = calloc((size_t)*count, sizeof(**list));
    if (!*list) {
        free(found);
        *count = 0;
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to list devices");
    }
    mark_chosen(found, *count);
    for (int k = 0; k < *count; k++) {
        if (want_probe)
            probe(&found[k]);
        (*list)[k] = found[k].info;
    }
    free(found);
    return OCELLUS_OK;
}

void
ocellus_device_list_free(ocellus_device_info *list)
{
    free(list);
}

ocellus_status
ocellus_device_open(const char *choice, ocellus_device **device)
{
    struct oc_found *found;
    int count, index;
    ocellus_status status;

    *device = NULL;
    OC_TRY(oc_found_list(&found, &count));
    status = oc_found_choose(found, count, choice, &index);
    if (status == OCELLUS_OK)
        status = oc_device_open(&found[index], device);
    free(found);
    return status;
}

ocellus_status
ocellus_device_wrap(cl_command_queue queue, ocellus_device **device)
{
    return oc_device_wrap(queue, device);
}

void
ocellus_device_close(ocellus_device *device)
{
    oc_device_close(device);
}

const ocellus_device_info *
ocellus_device_get_info(const ocellus_device *device)
{
    return &device->info;
}

void
ocellus_device_set_progress(ocellus_device *device,
                            ocellus_progress_function progress, void *user)
{
    device->progress = progress;
    device->progress_user = user;
}

ocellus_status
ocellus_device_wait(ocellus_device *device)
{
    OC_CL_TRY(clFinish(device->queue), "the device failed");
    return OCELLUS_OK;
}

static void
release_memory(void *memory)
{
    clReleaseMemObject(memory);
}

ocellus_status
ocellus_tensor_wrap_cl(ocellus_type type, int rank, const int64_t *dims,
                       cl_mem memory, size_t offset, ocellus_tensor **result)
{
    size_t room = 0, bytes;
    struct ocellus_tensor *tensor;

    *result = NULL;
    if (!memory || clGetMemObjectInfo(memory, CL_MEM_SIZE, sizeof(room), &room,
                                      NULL) != CL_SUCCESS)
        return oc_fail(OCELLUS_BAD_ARGUMENT, "the memory given is no cl_mem");
    OC_TRY(ocellus_tensor_wrap_host(type, rank, dims, memory, &tensor));
    bytes = ocellus_tensor_bytes(tensor);
    if (offset > room || bytes > room - offset) {
        ocellus_tensor_destroy(tensor);
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "the tensor takes %zu bytes from byte %zu on of memory "
                       "that has %zu",
                       bytes, offset, room);
    }
    clRetainMemObject(memory);
    tensor->data = NULL;
    tensor->memory = memory;
    tensor->offset = offset;
    tensor->release = release_memory;
    *result = tensor;
    return OCELLUS_OK;
}

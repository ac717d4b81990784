/* open.c - an opened device: one context, one in-order queue.
 *
 * One queue computes and copies: launches are ordered by it alone, so nothing
 * in a run ever waits. A queue that comes from outside is retained and used as
 * it is, so that its owner's kernels order naturally with ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "device/inside.h"
#include "op/kernel_source.h"

static void
add_text(struct oc_digest *digest, const char *text)
{
    oc_digest_add(digest, text, strlen(text) + 1);
}

/* Whatever may change the meaning of a binary or a verdict. */
static void
identify(ocellus_device *device)
{
    const ocellus_device_info *info = &device->info;
    struct oc_digest digest;

    oc_digest_start(&digest);
    add_text(&digest, info->name);
    add_text(&digest, info->vendor);
    add_text(&digest, info->driver);
    add_text(&digest, info->version);
    add_text(&digest, info->platform);
    add_text(&digest, ocellus_version());
    oc_digest_text(&digest, device->identity);
    for (const struct oc_kernel_source *k = oc_kernel_sources; k->name; k++)
        add_text(&digest, k->text);
    oc_digest_text(&digest, device->kernels);
}

static ocellus_status
create(const struct oc_found *found, ocellus_device **result)
{
    ocellus_device *device = calloc(1, sizeof(*device));

    *result = device;
    if (!device)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a device");
    device->info = found->info;
    device->id = found->id;
    pthread_mutex_init(&device->lock, NULL);
    identify(device);
    device->cache = oc_cache_open();
    oc_gemm_hold();
    return OCELLUS_OK;
}

static ocellus_status
open_queue(ocellus_device *device, cl_platform_id platform)
{
    cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                          (cl_context_properties)platform, 0};
    char what[192];
    cl_int code;

    device->context =
        clCreateContext(properties, 1, &device->id, NULL, NULL, &code);
    snprintf(what, sizeof(what), "cannot open the device %s",
             device->info.name);
    OC_CL_TRY(code, what);
    device->queue = clCreateCommandQueue(device->context, device->id, 0, &code);
    OC_CL_TRY(code, what);
    return OCELLUS_OK;
}

ocellus_status
oc_device_open(const struct oc_found *found, ocellus_device **result)
{
    ocellus_device *device;
    ocellus_status status;

    *result = NULL;
    OC_TRY(create(found, &device));
    status = open_queue(device, found->platform);
    if (status == OCELLUS_OK)
        status = oc_caps_fill(device);
    if (status != OCELLUS_OK) {
        oc_device_close(device);
        return status;
    }
    *result = device;
    return OCELLUS_OK;
}

static ocellus_status
get_queue(cl_command_queue queue, struct oc_found *found, cl_context *context)
{
    const char *what = "the command queue given cannot be used";
    cl_command_queue_properties properties = 0;

    OC_CL_TRY(clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof(found->id),
                                    &found->id, NULL),
              what);
    OC_CL_TRY(clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof(*context),
                                    context, NULL),
              what);
    OC_CL_TRY(clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES,
                                    sizeof(properties), &properties, NULL),
              what);
    if (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "the command queue given runs out of order; give one "
                       "that is in order");
    OC_CL_TRY(clGetDeviceInfo(found->id, CL_DEVICE_PLATFORM,
                              sizeof(found->platform), &found->platform, NULL),
              what);
    oc_found_fill(found, -1);
    return OCELLUS_OK;
}

ocellus_status
oc_device_wrap(cl_command_queue queue, ocellus_device **result)
{
    struct oc_found found = {0};
    ocellus_device *device;
    cl_context context = NULL;
    ocellus_status status;

    *result = NULL;
    if (!queue)
        return oc_fail(OCELLUS_BAD_ARGUMENT, "the command queue is NULL");
    OC_TRY(get_queue(queue, &found, &context));
    OC_TRY(create(&found, &device));
    clRetainContext(context);
    clRetainCommandQueue(queue);
    device->context = context;
    device->queue = queue;
    device->foreign = 1;
    status = oc_caps_fill(device);
    if (status != OCELLUS_OK) {
        oc_device_close(device);
        return status;
    }
    *result = device;
    return OCELLUS_OK;
}

void
oc_device_close(ocellus_device *device)
{
    if (!device)
        return;
    if (device->queue)
        clFinish(device->queue);
    oc_programs_free(device);
    oc_gemm_release();
    if (device->profile_queue)
        clReleaseCommandQueue(device->profile_queue);
    if (device->queue)
        clReleaseCommandQueue(device->queue);
    if (device->context)
        clReleaseContext(device->context);
    oc_arena_destroy(device->verdicts);
    oc_cache_close(device->cache);
    pthread_mutex_destroy(&device->lock);
    free(device);
}

const struct oc_caps *
oc_device_caps(const struct ocellus_device *device)
{
    return &device->caps;
}

int
oc_device_progress(struct ocellus_device *device, const char *what, int done,
                   int total)
{
    if (!device->progress)
        return 0;
    return device->progress(device->progress_user, what, done, total);
}

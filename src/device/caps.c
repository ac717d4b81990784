/* caps.c - what an opened device can do, as implementations ask it.
 *
 * Half and double arithmetic are not believed from extension strings: a small
 * kernel is built, run, and its numbers compared. The verdict is kept on disk,
 * so that this costs one process a second and the others nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "device/amx.h"
#include "device/inside.h"
#include "device/tensor.h"

enum {
    PROBED = 64,
    LAUNCH_US = 12 /* PoCL 3.1 on two cores, one of which sleeps between */
};

/* y = x * x + x / 4 - 7 in the type probed, read back as float. */
static const char probe_text[] =
    "__kernel void probe(__global float *y, float quarter) {\n"
    "    int i = (int)get_global_id(0);\n"
    "    REAL x = (REAL)i, t = (REAL)quarter;\n"
    "    REAL v = x * x + x * t - (REAL)7;\n"
    "    y[i] = (float)v;\n"
    "}\n";

int
oc_device_has(cl_device_id id, const char *name)
{
    size_t bytes = 0;
    char *all;
    int has;

    if (clGetDeviceInfo(id, CL_DEVICE_EXTENSIONS, 0, NULL, &bytes) !=
            CL_SUCCESS ||
        bytes == 0)
        return 0;
    all = calloc(bytes + 1, 1);
    if (!all)
        return 0;
    clGetDeviceInfo(id, CL_DEVICE_EXTENSIONS, bytes, all, NULL);
    has = strstr(all, name) != NULL;
    free(all);
    return has;
}

static int
run_probe(ocellus_device *device, cl_program program, float y[PROBED])
{
    const float quarter = 0.25f;
    const size_t global = PROBED;
    cl_int code;
    cl_kernel kernel = clCreateKernel(program, "probe", &code);
    cl_mem memory = NULL;

    if (code == CL_SUCCESS)
        memory = clCreateBuffer(device->context, CL_MEM_READ_WRITE,
                                PROBED * sizeof(*y), NULL, &code);
    if (code == CL_SUCCESS)
        code = clSetKernelArg(kernel, 0, sizeof(memory), &memory);
    if (code == CL_SUCCESS)
        code = clSetKernelArg(kernel, 1, sizeof(quarter), &quarter);
    if (code == CL_SUCCESS)
        code = clEnqueueNDRangeKernel(device->queue, kernel, 1, NULL, &global,
                                      NULL, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        code = clEnqueueReadBuffer(device->queue, memory, CL_TRUE, 0,
                                   PROBED * sizeof(*y), y, 0, NULL, NULL);
    if (memory)
        clReleaseMemObject(memory);
    if (kernel)
        clReleaseKernel(kernel);
    return code == CL_SUCCESS;
}

/* Only what is claimed is tried, because some compilers complain to the
 * terminal; but NVIDIA's (which reports cl_nv_...) knows half and does not
 * report cl_khr_fp16. */
static int
probe(ocellus_device *device, const char *extension, const char *type)
{
    char source[1024];
    float y[PROBED];
    cl_program program;
    int right;

    if (!oc_device_has(device->id, extension) &&
        !oc_device_has(device->id, "cl_nv_"))
        return 0;
    snprintf(source, sizeof(source),
             "#ifdef %s\n"
             "#pragma OPENCL EXTENSION %s : enable\n"
             "#endif\n"
             "#define REAL %s\n%s",
             extension, extension, type, probe_text);
    program = oc_program_try(device, source);
    if (!program)
        return 0;
    right = run_probe(device, program, y);
    clReleaseProgram(program);
    /* Up to 40 all is exact in half (integers and quarters below 2048). */
    for (int i = 0; right && i < 40; i++)
        right = y[i] == (float)(i * i) + (float)i * 0.25f - 7.0f;
    return right;
}

/* The kept verdict, or a fresh one. */
static int
probed(ocellus_device *device, const char *extension, const char *type)
{
    char *kept =
        oc_cache_verdict(device->cache, "probe", device->identity, type);
    int can;

    if (kept && (strcmp(kept, "yes") == 0 || strcmp(kept, "no") == 0)) {
        can = kept[0] == 'y';
        free(kept);
        return can;
    }
    free(kept);
    can = probe(device, extension, type);
    oc_cache_set_verdict(device->cache, "probe", device->identity, type,
                         can ? "yes" : "no");
    oc_log(OCELLUS_LOG_DEBUG, "%s: arithmetic in %s: %s", device->info.name,
           type, can ? "yes" : "no");
    return can;
}

/* OpenCL tells the last cache, which cores share. PoCL gives a core's own
 * cache as local memory; elsewhere the C library may know. */
static size_t
core_cache(const struct oc_caps *caps)
{
    const size_t least = (size_t)128 << 10, most = (size_t)8 << 20;

    if (!caps->cpu)
        return 0;
    if (caps->local_memory >= least && caps->local_memory <= most)
        return caps->local_memory;
#ifdef _SC_LEVEL2_CACHE_SIZE
    long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);

    if (bytes >= (long)least && bytes <= (long)most)
        return (size_t)bytes;
#endif
    return (size_t)512 << 10;
}

/* $OCELLUS_CLASS overrides what the driver calls the device: for accelerators
 * that are either, and for tests. */
static ocellus_status
find_class(const ocellus_device_info *info, struct oc_caps *caps)
{
    const char *class = getenv("OCELLUS_CLASS");

    if (!class || *class == '\0')
        class = info->kind;
    else if (strcmp(class, "cpu") != 0 && strcmp(class, "gpu") != 0)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "OCELLUS_CLASS is cpu or gpu, not '%s'", class);
    caps->cpu = strcmp(class, "cpu") == 0;
    return OCELLUS_OK;
}

ocellus_status
oc_caps_fill(ocellus_device *device)
{
    struct oc_caps *caps = &device->caps;
    ocellus_device_info *info = &device->info;
    cl_uint bits = 0;
    size_t group = 1, arguments = 0;

    OC_CL_TRY(clGetDeviceInfo(device->id, CL_DEVICE_MEM_BASE_ADDR_ALIGN,
                              sizeof(bits), &bits, NULL),
              "the device does not tell its alignment");
    OC_CL_TRY(clGetDeviceInfo(device->id, CL_DEVICE_MAX_WORK_GROUP_SIZE,
                              sizeof(group), &group, NULL),
              "the device does not tell its largest work-group");
    OC_CL_TRY(clGetDeviceInfo(device->id, CL_DEVICE_MAX_PARAMETER_SIZE,
                              sizeof(arguments), &arguments, NULL),
              "the device does not tell how many arguments a kernel may have");
    OC_TRY(find_class(info, caps));
    caps->compute_units = info->compute_units > 0 ? info->compute_units : 1;
    caps->vector_width = info->vector_width;
    if (caps->vector_width != 16 && caps->vector_width != 8)
        caps->vector_width = 4;
    caps->vector_registers = caps->vector_width == 16 ? 32 : 16;
    caps->launch_us = LAUNCH_US;
    caps->local_memory = (size_t)info->local_memory;
    caps->max_work_group = group ? group : 1;
    caps->largest_allocation = (size_t)info->largest_allocation;
    caps->alignment = bits / 8 > 64 ? bits / 8 : 64;
    caps->arguments = arguments;
    caps->cache = core_cache(caps);
    caps->clblast = 1;
    caps->amx = oc_amx_probe(device);
    info->bfloat16 = caps->amx == OC_AMX_INSTRUCTIONS;
    caps->tensor = oc_tensor_probe(device);
    caps->pairs = oc_pairs_probe(device);
    info->tensor_cores = caps->tensor == OC_TENSOR_INSTRUCTIONS;
    oc_verdicts_load(device);
    oc_tuning_load(device);
    caps->half = info->half = probed(device, "cl_khr_fp16", "half");
    caps->fp64 = info->fp64 = probed(device, "cl_khr_fp64", "double");
    return OCELLUS_OK;
}

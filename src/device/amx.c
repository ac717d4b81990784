/* amx.c - does this device multiply tiles of bfloat16?
 *
 * The instructions end a process that may not use them, so nothing is tried
 * before all of this is known: the device is this processor; it has them
 * (CPUID); the system saves the tiles' registers (XCR0), and has given this
 * process leave to use them, which it must be asked for: a thread's state grows
 * by 8 KB. Only then a small kernel multiplies two tiles, and its numbers are
 * looked at.
 */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* syscall */
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "device/amx.h"
#include "device/inside.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    REQUEST_PERMISSION = 0x1023, /* arch_prctl's ARCH_REQ_XCOMP_PERM */
    TILE_DATA = 18,              /* bit of XCR0; 17 are their configurations */
    BF16_BIT = 22,
    TILE_BIT = 24,
    OSXSAVE_BIT = 27
};

static unsigned long long
enabled_states(void)
{
    unsigned low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (unsigned long long)high << 32 | low;
}

int
oc_amx_permitted(void)
{
    const unsigned long long both = 3ull << (TILE_DATA - 1);
    unsigned a, b, c, d;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> OSXSAVE_BIT & 1) ||
        !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> BF16_BIT & 1) ||
        !(d >> TILE_BIT & 1) || (enabled_states() & both) != both)
        return 0;
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}
#else
int
oc_amx_permitted(void)
{
    return 0;
}
#endif

/* ---- the small kernel ---------------------------------------------------- */

enum { SIDE = 16, NUMBERS = SIDE * SIDE };

/* Small whole numbers: exact in bfloat16, and so are their sums in float. */
static int
left(int m, int k)
{
    return (m * 7 + k * 5) % 17 - 8;
}

static int
right(int k, int n)
{
    return (k * 3 + n * 11) % 19 - 9;
}

static uint32_t
bits_of(float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static uint32_t
pair_of(int even, int odd)
{
    return bits_of((float)even) >> 16 |
           (bits_of((float)odd) & UINT32_C(0xffff0000));
}

static void
fill(uint32_t a[NUMBERS], uint32_t b[NUMBERS], uint32_t c[NUMBERS])
{
    for (int k = 0; k < NUMBERS; k++) {
        const int row = k / SIDE, column = k % SIDE;

        a[k] = pair_of(left(row, 2 * column), left(row, 2 * column + 1));
        b[k] = pair_of(right(2 * row, column), right(2 * row + 1, column));
        c[k] = bits_of((float)k);
    }
}

static int
is_product(const uint32_t c[NUMBERS])
{
    for (int k = 0; k < NUMBERS; k++) {
        int sum = k;

        for (int i = 0; i < 2 * SIDE; i++)
            sum += left(k / SIDE, i) * right(i, k % SIDE);
        if (c[k] != bits_of((float)sum))
            return 0;
    }
    return 1;
}

static int
multiply(ocellus_device *device, cl_program program)
{
    uint32_t data[3][NUMBERS];
    const size_t one = 1;
    cl_mem memory[3] = {NULL};
    cl_int code;
    cl_kernel kernel = clCreateKernel(program, "amx_product", &code);

    fill(data[0], data[1], data[2]);
    for (cl_uint k = 0; k < 3 && code == CL_SUCCESS; k++) {
        memory[k] = clCreateBuffer(device->context,
                                   CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                                   sizeof data[k], data[k], &code);
        if (code == CL_SUCCESS)
            code = clSetKernelArg(kernel, k, sizeof(cl_mem), &memory[k]);
    }
    if (code == CL_SUCCESS)
        code = clEnqueueNDRangeKernel(device->queue, kernel, 1, NULL, &one,
                                      &one, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        code = clEnqueueReadBuffer(device->queue, memory[2], CL_TRUE, 0,
                                   sizeof data[2], data[2], 0, NULL, NULL);
    for (int k = 0; k < 3; k++)
        if (memory[k])
            clReleaseMemObject(memory[k]);
    if (kernel)
        clReleaseKernel(kernel);
    return code == CL_SUCCESS && is_product(data[2]);
}

int
oc_amx_multiplies(ocellus_device *device)
{
    const char *common = oc_program_text("common");
    const char *own = oc_program_text("amx");
    const size_t size = strlen(common) + strlen(own) + 32;
    char *text = malloc(size);
    cl_program program;
    int right_numbers;

    if (!text)
        return 0;
    snprintf(text, size, "#define OC_AMX 1\n%s\n%s", common, own);
    program = oc_program_try(device, text);
    free(text);
    if (!program)
        return 0;
    right_numbers = multiply(device, program);
    clReleaseProgram(program);
    return right_numbers;
}

/* ---- the answer ---------------------------------------------------------- */

/* A simulator says that it is everything at once; what is reached through a
 * network has memory of its own. */
int
oc_amx_could(const ocellus_device *device)
{
    cl_device_type type = 0;
    cl_bool unified = CL_FALSE;

    return device->caps.cpu &&
           clGetDeviceInfo(device->id, CL_DEVICE_TYPE, sizeof(type), &type,
                           NULL) == CL_SUCCESS &&
           (type & ~(cl_device_type)CL_DEVICE_TYPE_DEFAULT) ==
               CL_DEVICE_TYPE_CPU &&
           clGetDeviceInfo(device->id, CL_DEVICE_HOST_UNIFIED_MEMORY,
                           sizeof(unified), &unified, NULL) == CL_SUCCESS &&
           unified;
}

/* The kept verdict, or a fresh one; permission is each process's own. */
static int
multiplies(ocellus_device *device)
{
    char *kept =
        oc_cache_verdict(device->cache, "probe", device->kernels, "amx");
    int can = kept && strcmp(kept, "yes") == 0;

    if (!can && (!kept || strcmp(kept, "no") != 0)) {
        can = oc_amx_multiplies(device);
        oc_cache_set_verdict(device->cache, "probe", device->kernels, "amx",
                             can ? "yes" : "no");
        oc_log(OCELLUS_LOG_DEBUG, "%s: tiles of bfloat16: %s",
               device->info.name, can ? "yes" : "no");
    }
    free(kept);
    return can;
}

int
oc_amx_probe(ocellus_device *device)
{
    return oc_amx_could(device) && oc_amx_permitted() && multiplies(device)
               ? OC_AMX_INSTRUCTIONS
               : OC_AMX_NONE;
}

/* peaks.c - what a device can do at most: multiplications with additions in
 * registers, and bytes copied in memory. Prints one line of JSON.
 *
 *     cc -O2 peaks.c -lOpenCL -o peaks && ./peaks [PART OF THE DEVICE'S NAME]
 *
 * The best of several launches counts. Needs OpenCL 1.2; no part of the
 * library.
 */
#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[] =
    "#define CAT_(a, b) a##b\n"
    "#define CAT(a, b) CAT_(a, b)\n"
    "typedef CAT(float, LANES) vec;\n"
    "#pragma OPENCL FP_CONTRACT ON\n"
    "__kernel void arithmetic(__global float *y, int turns, float a, float b)\n"
    "{\n"
    "    vec v[CHAINS];\n"
    "_Pragma(\"unroll\")\n"
    "    for (int k = 0; k < CHAINS; k++) v[k] = (vec)(0.001f * k);\n"
    "    for (int t = 0; t < turns; t++)\n"
    "_Pragma(\"unroll\")\n"
    "        for (int k = 0; k < CHAINS; k++) v[k] = v[k] * a + b;\n"
    "    vec sum = v[0];\n"
    "_Pragma(\"unroll\")\n"
    "    for (int k = 1; k < CHAINS; k++) sum += v[k];\n"
    "    if (sum.s0 == 12345.0f) y[get_global_id(0)] = sum.s0;\n"
    "}\n"
    "__kernel void copy(__global const float4 *x, __global float4 *y, int n)\n"
    "{\n"
    "    int from = get_global_id(0) * n, to = from + n;\n"
    "    int by = 1, at = from;\n"
    "#if STRIDED\n"
    "    at = get_global_id(0); by = get_global_size(0); to = by * n;\n"
    "#endif\n"
    "    for (; at < to; at += by) y[at] = x[at];\n"
    "}\n";

enum { CHAINS = 12, TURNS = 5000, ROUNDS = 40, MIB = 128 };

static void
must(cl_int code, const char *what)
{
    if (code == CL_SUCCESS)
        return;
    fprintf(stderr, "peaks: %s: OpenCL error %d\n", what, (int)code);
    exit(1);
}

static cl_device_id
choose(const char *wanted)
{
    cl_platform_id platform[16];
    cl_device_id device[16];
    cl_uint n = 0, m;
    char name[256];

    must(clGetPlatformIDs(16, platform, &n), "no platform");
    for (cl_uint p = 0; p < n && p < 16; p++) {
        if (clGetDeviceIDs(platform[p], CL_DEVICE_TYPE_ALL, 16, device, &m))
            continue;
        for (cl_uint d = 0; d < m && d < 16; d++) {
            clGetDeviceInfo(device[d], CL_DEVICE_NAME, sizeof name, name, NULL);
            if (!wanted || strstr(name, wanted))
                return device[d];
        }
    }
    fprintf(stderr, "peaks: no device\n");
    exit(1);
}

/* Seconds of the fastest launch. */
static double
best(cl_command_queue queue, cl_kernel kernel, size_t global, size_t local)
{
    double least = 1e30;

    for (int k = 0; k < ROUNDS; k++) {
        cl_event event;
        cl_ulong from, to;

        must(clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &global, &local, 0,
                                    NULL, &event),
             "a launch");
        must(clFinish(queue), "a launch");
        clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof from,
                                &from, NULL);
        clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof to, &to,
                                NULL);
        clReleaseEvent(event);
        if ((double)(to - from) * 1e-9 < least)
            least = (double)(to - from) * 1e-9;
    }
    return least;
}

int
main(int argc, char **argv)
{
    cl_device_id device = choose(argc > 1 ? argv[1] : NULL);
    cl_device_type type;
    cl_uint units = 1, lanes = 1;
    char name[256], options[64];
    const char *source = text;
    cl_int code, turns = TURNS, n;
    cl_float a = 0.999f, b = 0.001f;

    clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof name, name, NULL);
    clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    clGetDeviceInfo(device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units,
                    NULL);
    clGetDeviceInfo(device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof lanes,
                    &lanes, NULL);
    const int cpu = (type & CL_DEVICE_TYPE_CPU) != 0;
    const int wide = cpu && lanes >= 4 && lanes <= 16 ? (int)lanes : 4;
    const size_t local = cpu ? 1 : 256;
    const size_t items = cpu ? 4 * (size_t)units : 256 * 8 * (size_t)units;

    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    must(code, "a context");
    cl_command_queue queue =
        clCreateCommandQueue(context, device, CL_QUEUE_PROFILING_ENABLE, &code);
    must(code, "a queue");
    cl_program program =
        clCreateProgramWithSource(context, 1, &source, NULL, &code);
    must(code, "a program");
    snprintf(options, sizeof options, "-DLANES=%d -DCHAINS=%d -DSTRIDED=%d",
             wide, CHAINS, !cpu);
    must(clBuildProgram(program, 1, &device, options, NULL, NULL), "building");
    const size_t bytes = (size_t)MIB << 20;
    cl_mem x = clCreateBuffer(context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    must(code, "memory");
    cl_mem y = clCreateBuffer(context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    must(code, "memory");
    must(clEnqueueFillBuffer(queue, x, &a, sizeof a, 0, bytes, 0, NULL, NULL),
         "filling");

    cl_kernel kernel = clCreateKernel(program, "arithmetic", &code);
    must(code, "a kernel");
    clSetKernelArg(kernel, 0, sizeof y, &y);
    clSetKernelArg(kernel, 1, sizeof turns, &turns);
    clSetKernelArg(kernel, 2, sizeof a, &a);
    clSetKernelArg(kernel, 3, sizeof b, &b);
    const double flops = 2.0 * CHAINS * TURNS * wide * (double)items /
                         best(queue, kernel, items, local);
    kernel = clCreateKernel(program, "copy", &code);
    must(code, "a kernel");
    n = (cl_int)(bytes / 16 / items);
    clSetKernelArg(kernel, 0, sizeof x, &x);
    clSetKernelArg(kernel, 1, sizeof y, &y);
    clSetKernelArg(kernel, 2, sizeof n, &n);
    const double moved = 2.0 * 16.0 * (double)n * (double)items /
                         best(queue, kernel, items, local);
    printf("{\"device\": \"%s\", \"gflops\": %.1f, \"gb_per_second\": %.1f}\n",
           name, flops * 1e-9, moved * 1e-9);
    return 0;
}

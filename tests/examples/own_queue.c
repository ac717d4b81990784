/* own_queue.c - a net on one's own OpenCL queue and memory.
 *
 *     cc own_queue.c $(pkg-config --cflags --libs ocellus OpenCL) -o own_queue
 *
 * A program that uses OpenCL already has its context, its in-order queue and
 * its buffers. Ocellus joins that queue: here a kernel of the program's own
 * draws pictures into device memory, and a convolution of Ocellus reads them
 * there. Nothing is copied to the host and nothing waits between the two; the
 * queue orders them. At the end each number is checked by plain loops.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <ocellus_cl.h>

#define SIDE 8
#define PIXELS (SIDE * SIDE)

static const char own_kernel[] =
    "__kernel void draw(__global float *x, int side) {\n"
    "    int k = get_global_id(0);\n"
    "    x[k] = k % side == k / side ? 1.0f : 0.25f;\n"
    "}\n";

static void
must(ocellus_status status)
{
    if (status == OCELLUS_OK)
        return;
    fprintf(stderr, "own_queue: %s\n", ocellus_error());
    exit(1);
}

static void
must_cl(cl_int status, const char *what)
{
    if (status == CL_SUCCESS)
        return;
    fprintf(stderr, "own_queue: %s failed with %d\n", what, (int)status);
    exit(1);
}

/* ---- what such a program has already ------------------------------------- */

struct own {
    cl_device_id device;
    cl_context context;
    cl_command_queue queue; /* in order */
    cl_program program;
    cl_kernel kernel;
    cl_mem pictures;
};

static void
own_open(struct own *own)
{
    cl_platform_id platform;
    cl_int status;

    must_cl(clGetPlatformIDs(1, &platform, NULL), "clGetPlatformIDs");
    must_cl(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &own->device, NULL),
            "clGetDeviceIDs");
    own->context = clCreateContext(NULL, 1, &own->device, NULL, NULL, &status);
    must_cl(status, "clCreateContext");
    own->queue = clCreateCommandQueue(own->context, own->device, 0, &status);
    must_cl(status, "clCreateCommandQueue");
    own->pictures = clCreateBuffer(own->context, CL_MEM_READ_WRITE,
                                   PIXELS * sizeof(float), NULL, &status);
    must_cl(status, "clCreateBuffer");
}

static void
own_draw(struct own *own)
{
    const char *source = own_kernel;
    const size_t pixels = PIXELS;
    const cl_int side = SIDE;
    cl_int status;

    own->program =
        clCreateProgramWithSource(own->context, 1, &source, NULL, &status);
    must_cl(status, "clCreateProgramWithSource");
    must_cl(clBuildProgram(own->program, 1, &own->device, "", NULL, NULL),
            "clBuildProgram");
    own->kernel = clCreateKernel(own->program, "draw", &status);
    must_cl(status, "clCreateKernel");
    must_cl(
        clSetKernelArg(own->kernel, 0, sizeof own->pictures, &own->pictures),
        "clSetKernelArg");
    must_cl(clSetKernelArg(own->kernel, 1, sizeof side, &side),
            "clSetKernelArg");
    must_cl(clEnqueueNDRangeKernel(own->queue, own->kernel, 1, NULL, &pixels,
                                   NULL, 0, NULL, NULL),
            "clEnqueueNDRangeKernel");
}

static void
own_close(struct own *own)
{
    clReleaseKernel(own->kernel);
    clReleaseProgram(own->program);
    clReleaseMemObject(own->pictures);
    clReleaseCommandQueue(own->queue);
    clReleaseContext(own->context);
}

/* ---- what Ocellus adds --------------------------------------------------- */

/* A 3 x 3 window of ones: each pixel becomes the sum of its neighbourhood. */
static ocellus_graph *
sum_of_neighbours(void)
{
    const int64_t in[] = {1, 1, SIDE, SIDE}, window[] = {1, 1, 3, 3};
    ocellus_graph *graph;

    must(ocellus_graph_create(&graph));
    ocellus_value *x = ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 4, in);
    ocellus_value *w = ocellus_graph_parameter(graph, "w", 4, window, "ones");
    ocellus_value *y = ocellus_apply(
        graph, "Conv", "kernel_shape=3,3 pads=1,1,1,1", x, w, NULL);
    must(ocellus_graph_check(graph));
    must(ocellus_graph_output(graph, "y", y));
    return graph;
}

static float
expected(int row, int column)
{
    float sum = 0;

    for (int r = row - 1; r <= row + 1; r++)
        for (int c = column - 1; c <= column + 1; c++)
            if (r >= 0 && r < SIDE && c >= 0 && c < SIDE)
                sum += r == c ? 1.0f : 0.25f;
    return sum;
}

static int
wrong_numbers(const ocellus_tensor *y)
{
    const float *sum = ocellus_tensor_data(y);
    int wrong = 0;

    for (int k = 0; k < PIXELS; k++)
        if (fabsf(sum[k] - expected(k / SIDE, k % SIDE)) > 1e-5f)
            wrong++;
    return wrong;
}

int
main(void)
{
    const int64_t dims[] = {1, 1, SIDE, SIDE};
    struct own own;
    ocellus_device *device;
    ocellus_session *session;
    ocellus_tensor *x;
    const ocellus_tensor *y;

    own_open(&own);
    ocellus_graph *graph = sum_of_neighbours();
    must(ocellus_device_wrap(own.queue, &device));
    must(ocellus_session_create(device, graph, &session));
    must(ocellus_tensor_wrap_cl(OCELLUS_FLOAT, 4, dims, own.pictures, 0, &x));
    must(ocellus_session_set_input(session, "x", x));

    own_draw(&own);                         /* only enqueued ... */
    must(ocellus_session_enqueue(session)); /* ... and so is this, after it */
    must(ocellus_session_get_output(session, "y", &y)); /* waits */
    int wrong = wrong_numbers(y);
    printf("%d pixels summed on %s, %d wrong\n", PIXELS,
           ocellus_device_get_info(device)->name, wrong);

    ocellus_tensor_destroy(x);
    ocellus_session_destroy(session);
    ocellus_device_close(device);
    ocellus_graph_destroy(graph);
    own_close(&own);
    return wrong != 0;
}

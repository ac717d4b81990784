/* gpu_kernels.c - the speed of single operators on a device, beside a plain
 * copy of the driver's.
 *
 *     gpu_kernels [--small]
 *
 * A JSON object a line: {"kernel": ..., "by": ..., "milliseconds": ...} with
 * "gflops" of products and "gbytes_per_second" of what moves memory: each
 * input read once and each output written once, whatever the kernel does. The
 * device is the first graphics card, else the first one. gpu.sh calls it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ocellus_cl.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { MOST_IN = 5, RUNS = 5 };

/* Shapes as text; N stands for the size of the row. */
struct row {
    const char *name, *op, *attributes;
    int type;
    int64_t size, small;
    const char *in[MOST_IN];
    int product; /* 2 N^3 operations count, not bytes */
};

static const struct row rows[] = {
    {"sgemm", "MatMul", NULL, OCELLUS_FLOAT, 4096, 128, {"NxN", "NxN"}, 1},
    {"sgemm", "MatMul", NULL, OCELLUS_FLOAT, 8192, 160, {"NxN", "NxN"}, 1},
    {"bf16 gemm",
     "MatMul",
     NULL,
     OCELLUS_BFLOAT16,
     8192,
     96,
     {"NxN", "NxN"},
     1},
    {"relu", "Relu", NULL, OCELLUS_FLOAT, 64, 1, {"Nx64x112x112"}, 0},
    {"add",
     "Add",
     NULL,
     OCELLUS_FLOAT,
     64,
     1,
     {"Nx64x112x112", "Nx64x112x112"},
     0},
    {"batch_norm",
     "BatchNormalization",
     NULL,
     OCELLUS_FLOAT,
     64,
     1,
     {"Nx64x112x112", "64", "64", "64", "64"},
     0},
    {"max_pool 3x3/2",
     "MaxPool",
     "kernel_shape=3,3 strides=2,2 pads=1,1,1,1",
     OCELLUS_FLOAT,
     64,
     1,
     {"Nx64x112x112"},
     0},
    {"average_pool 2x2",
     "AveragePool",
     "kernel_shape=2,2 strides=2,2",
     OCELLUS_FLOAT,
     64,
     1,
     {"Nx64x112x112"},
     0},
    {"global_pool",
     "GlobalAveragePool",
     NULL,
     OCELLUS_FLOAT,
     64,
     1,
     {"Nx512x28x28"},
     0},
    {"softmax", "Softmax", "axis=1", OCELLUS_FLOAT, 32768, 64, {"Nx1000"}, 0},
    {"transpose",
     "Transpose",
     "perm=0,2,3,1",
     OCELLUS_FLOAT,
     64,
     1,
     {"Nx64x112x112"},
     0},
    {"depthwise 3x3",
     "Conv",
     "group=144 pads=1,1,1,1",
     OCELLUS_FLOAT,
     64,
     1,
     {"Nx144x56x56", "144x1x3x3"},
     0},
};

struct device {
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    ocellus_device *ocellus;
};

static void
must(ocellus_status status)
{
    if (status == OCELLUS_OK)
        return;
    fprintf(stderr, "gpu_kernels: %s\n", ocellus_error());
    exit(1);
}

static void
must_cl(cl_int status, const char *what)
{
    if (status == CL_SUCCESS)
        return;
    fprintf(stderr, "gpu_kernels: %s failed with %d\n", what, (int)status);
    exit(1);
}

/* ---- the device ----------------------------------------------------------
 */

static int
find(cl_device_type type, cl_device_id *id)
{
    cl_platform_id platform[16];
    cl_uint count = 0;

    must_cl(clGetPlatformIDs(COUNT(platform), platform, &count),
            "clGetPlatformIDs");
    for (cl_uint p = 0; p < count && p < COUNT(platform); p++)
        if (clGetDeviceIDs(platform[p], type, 1, id, NULL) == CL_SUCCESS)
            return 1;
    return 0;
}

static void
open_device(struct device *d)
{
    cl_int status;

    if (!find(CL_DEVICE_TYPE_GPU, &d->id) && !find(CL_DEVICE_TYPE_ALL, &d->id))
        must_cl(CL_DEVICE_NOT_FOUND, "looking for a device");
    d->context = clCreateContext(NULL, 1, &d->id, NULL, NULL, &status);
    must_cl(status, "clCreateContext");
    d->queue = clCreateCommandQueue(d->context, d->id,
                                    CL_QUEUE_PROFILING_ENABLE, &status);
    must_cl(status, "clCreateCommandQueue");
    must(ocellus_device_wrap(d->queue, &d->ocellus));
}

static cl_mem
memory(const struct device *d, size_t bytes)
{
    const cl_uchar zero = 0;
    cl_int status;
    cl_mem made =
        clCreateBuffer(d->context, CL_MEM_READ_WRITE, bytes, NULL, &status);

    must_cl(status, "clCreateBuffer");
    must_cl(
        clEnqueueFillBuffer(d->queue, made, &zero, 1, 0, bytes, 0, NULL, NULL),
        "clEnqueueFillBuffer");
    return made;
}

static double
copy_once(const struct device *d, cl_mem from, cl_mem to, size_t bytes)
{
    cl_ulong start, end;
    cl_event event;

    must_cl(
        clEnqueueCopyBuffer(d->queue, from, to, 0, 0, bytes, 0, NULL, &event),
        "clEnqueueCopyBuffer");
    must_cl(clWaitForEvents(1, &event), "clWaitForEvents");
    must_cl(clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START,
                                    sizeof start, &start, NULL),
            "clGetEventProfilingInfo");
    must_cl(clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end,
                                    &end, NULL),
            "clGetEventProfilingInfo");
    clReleaseEvent(event);
    return (double)(end - start) * 1e-6;
}

static void
copy(const struct device *d, size_t bytes)
{
    cl_mem from = memory(d, bytes), to = memory(d, bytes);
    double least = copy_once(d, from, to, bytes);

    for (int k = 0; k < RUNS; k++) {
        double took = copy_once(d, from, to, bytes);
        least = took < least ? took : least;
    }
    printf("{\"kernel\": \"copy\", \"by\": \"driver\", \"milliseconds\": %.6g, "
           "\"gbytes_per_second\": %.6g}\n",
           least, 2e-6 * (double)bytes / least);
    clReleaseMemObject(from);
    clReleaseMemObject(to);
}

/* ---- one operator --------------------------------------------------------
 */

static int
shape(const char *text, int64_t size, int64_t dims[8])
{
    int rank = 0;

    for (const char *at = text;; at = strchr(at, 'x') + 1) {
        dims[rank++] = *at == 'N' ? size : strtoll(at, NULL, 10);
        if (strchr(at, 'x') == NULL)
            return rank;
    }
}

static size_t
bytes_of(const ocellus_value *value)
{
    size_t bytes =
        ocellus_value_type(value) == OCELLUS_BFLOAT16 ? 2 : sizeof(float);

    for (int a = 0; a < ocellus_value_rank(value); a++)
        bytes *= (size_t)ocellus_value_dim(value, a);
    return bytes;
}

static double
profile(ocellus_session *session, const char **by)
{
    ocellus_profile_row *row;
    double sum = 0;
    int count;

    must(ocellus_session_run(session));
    must(ocellus_session_profile(session, 1));
    for (int k = 0; k < RUNS; k++)
        must(ocellus_session_run(session));
    must(ocellus_session_get_profile(session, &row, &count));
    *by = count > 0 ? row[0].implementation : "nothing";
    for (int k = 0; k < count; k++)
        sum += row[k].microseconds;
    ocellus_profile_free(row);
    return sum * 1e-3;
}

static void
measure(const struct device *d, const struct row *row, int64_t size)
{
    ocellus_value *in[MOST_IN], *y;
    ocellus_tensor *tensor[MOST_IN];
    cl_mem lent[MOST_IN];
    ocellus_graph *graph;
    ocellus_session *session;
    const char *by, *const name[MOST_IN] = {"a", "b", "c", "d", "e"};
    double bytes, took, n = (double)size;
    int count = 0;

    must(ocellus_graph_create(&graph));
    for (; count < MOST_IN && row->in[count]; count++) {
        int64_t dims[8];
        int rank = shape(row->in[count], size, dims);

        in[count] = ocellus_graph_input(graph, name[count],
                                        (ocellus_type)row->type, rank, dims);
    }
    y = ocellus_apply_list(graph, row->op, row->attributes, in, count);
    must(ocellus_graph_check(graph));
    must(ocellus_graph_output(graph, "y", y));
    bytes = (double)bytes_of(y);
    must(ocellus_session_create(d->ocellus, graph, &session));
    for (int k = 0; k < count; k++) {
        int64_t dims[8];
        int rank = shape(row->in[k], size, dims);

        bytes += (double)bytes_of(in[k]);
        lent[k] = memory(d, bytes_of(in[k]));
        must(ocellus_tensor_wrap_cl((ocellus_type)row->type, rank, dims,
                                    lent[k], 0, &tensor[k]));
        must(ocellus_session_set_input(session, name[k], tensor[k]));
    }
    took = profile(session, &by);
    printf("{\"kernel\": \"%s\", \"size\": %lld, \"by\": \"%s\", "
           "\"milliseconds\": %.6g, ",
           row->name, (long long)size, by, took);
    if (row->product)
        printf("\"gflops\": %.6g}\n", 2e-6 * n * n * n / took);
    else
        printf("\"gbytes_per_second\": %.6g}\n", 1e-6 * bytes / took);
    fflush(stdout);
    ocellus_session_destroy(session);
    for (int k = 0; k < count; k++) {
        ocellus_tensor_destroy(tensor[k]);
        clReleaseMemObject(lent[k]);
    }
    ocellus_graph_destroy(graph);
}

int
main(int argc, char **argv)
{
    int small = argc > 1 && strcmp(argv[1], "--small") == 0;
    struct device d;

    if (argc > 1 && !small) {
        fprintf(stderr, "usage: gpu_kernels [--small]\n");
        return 2;
    }
    open_device(&d);
    copy(&d, small ? 1u << 22 : 1u << 29);
    for (size_t k = 0; k < COUNT(rows); k++)
        measure(&d, &rows[k], small ? rows[k].small : rows[k].size);
    ocellus_device_close(d.ocellus);
    clReleaseCommandQueue(d.queue);
    clReleaseContext(d.context);
    return 0;
}

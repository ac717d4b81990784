/* tensor.c - does this device multiply in tensor cores, or pairs of halves at
 * once, and rightly?
 *
 * Inline PTX is something that NVIDIA's compiler takes, though no extension
 * says so, as AMD's takes names of instructions; and a driver may take them and
 * do something else. So the very kernels of the products (cl/gemm_tensor.cl,
 * cl/gemm_tiled.cl) are built, with operands that lie both ways, and multiply
 * whole numbers so small that all sums are exact. Whatever fails on the way,
 * the products in tiles do without.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/type.h"
#include "device/inside.h"
#include "device/tensor.h"

/* More than a tile, and ends of it, along all three; more than three steps. */
enum { M = 72, N = 80, K = 104, TILE = 64 };

/* Those of cl_nv_device_attribute_query, which not all headers have. */
enum { CAPABILITY_MAJOR = 0x4000, LEAST_CAPABILITY = 8 };

static int
left(int m, int k)
{
    return (m * 7 + k * 5) % 9 - 4;
}

static int
right(int k, int n)
{
    return (k * 3 + n * 11) % 7 - 3;
}

/* A kernel of products, and how it is asked for the instructions or loops. */
struct method {
    const char *kernel;
    int depth; /* terms of a step */
    const char *instructions, *loops;
};

static const struct method by_tensor_cores = {
    "gemm_tensor", 32, "#define MMA_PTX 1\n#define STAGES 3\n",
    "#define MMA_PTX 0\n#define STAGES 3\n"};
static const struct method by_pairs = {"gemm_tiled", 8, "#define HALVES 1\n",
                                       "#define HALVES 2\n"};

/* ---- the numbers --------------------------------------------------------- */

struct product {
    ocellus_type type;
    int turned; /* both operands */
    uint16_t a[M * K], b[K * N], y[M * N];
};

static void
fill(struct product *p)
{
    for (int m = 0; m < M; m++)
        for (int k = 0; k < K; k++)
            oc_element_set(p->type, p->a,
                           (size_t)(p->turned ? k * M + m : m * K + k),
                           left(m, k));
    for (int k = 0; k < K; k++)
        for (int n = 0; n < N; n++)
            oc_element_set(p->type, p->b,
                           (size_t)(p->turned ? n * K + k : k * N + n),
                           right(k, n));
    memset(p->y, 0xff, sizeof p->y);
}

static int
is_product(const struct product *p)
{
    for (int i = 0; i < M * N; i++) {
        int sum = 0;
        uint16_t want;

        for (int k = 0; k < K; k++)
            sum += left(i / N, k) * right(k, i % N);
        oc_element_set(p->type, &want, 0, sum);
        if (oc_element_get(p->type, p->y, (size_t)i) !=
            oc_element_get(p->type, &want, 0))
            return 0;
    }
    return 1;
}

/* ---- the kernel ---------------------------------------------------------- */

static cl_int
launch(ocellus_device *device, cl_kernel kernel, int depth,
       const cl_mem memory[3])
{
    /* c is not read, there is one batch and one part. */
    const cl_mem tensors[] = {memory[0], memory[1], memory[1], memory[2]};
    const cl_int sizes[] = {M, N, K, 1, 0, 0, 0, 0, 0, 0};
    const cl_float factors[] = {1, 0};
    const cl_int parts[] = {(K + depth - 1) / depth, M * N};
    const size_t items = TILE * TILE / 64;
    const size_t global =
        ((M + TILE - 1) / TILE) * ((N + TILE - 1) / TILE) * items;
    cl_int code = CL_SUCCESS;
    cl_uint at = 0;

    for (size_t k = 0; k < OC_COUNT(tensors); k++)
        code |= clSetKernelArg(kernel, at++, sizeof(cl_mem), &tensors[k]);
    for (size_t k = 0; k < OC_COUNT(sizes); k++)
        code |= clSetKernelArg(kernel, at++, sizeof(cl_int), &sizes[k]);
    for (size_t k = 0; k < OC_COUNT(factors); k++)
        code |= clSetKernelArg(kernel, at++, sizeof(cl_float), &factors[k]);
    for (size_t k = 0; k < OC_COUNT(parts); k++)
        code |= clSetKernelArg(kernel, at++, sizeof(cl_int), &parts[k]);
    if (code != CL_SUCCESS)
        return code;
    return clEnqueueNDRangeKernel(device->queue, kernel, 1, NULL, &global,
                                  &items, 0, NULL, NULL);
}

static int
multiply(ocellus_device *device, const struct method *method,
         cl_program program, struct product *p)
{
    struct {
        void *data;
        size_t bytes;
    } of[] = {{p->a, sizeof p->a}, {p->b, sizeof p->b}, {p->y, sizeof p->y}};
    cl_mem memory[3] = {NULL};
    cl_int code;
    cl_kernel kernel = clCreateKernel(program, method->kernel, &code);

    fill(p);
    for (int k = 0; k < 3 && code == CL_SUCCESS; k++)
        memory[k] = clCreateBuffer(device->context,
                                   CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                                   of[k].bytes, of[k].data, &code);
    if (code == CL_SUCCESS)
        code = launch(device, kernel, method->depth, memory);
    if (code == CL_SUCCESS)
        code = clEnqueueReadBuffer(device->queue, memory[2], CL_TRUE, 0,
                                   sizeof p->y, p->y, 0, NULL, NULL);
    for (int k = 0; k < 3; k++)
        if (memory[k])
            clReleaseMemObject(memory[k]);
    if (kernel)
        clReleaseKernel(kernel);
    return code == CL_SUCCESS && is_product(p);
}

static cl_program
build(ocellus_device *device, const struct method *method,
      const struct product *p, int instructions)
{
    const char *common = oc_program_text("common");
    const char *own = oc_program_text(method->kernel);
    const size_t size = strlen(common) + strlen(own) + 256;
    char *text = malloc(size);
    cl_program program;

    if (!text)
        return NULL;
    snprintf(text, size,
             "%s#define TYPE_a %d\n#define TILE_M %d\n#define TILE_N %d\n"
             "#define TURNED_A %d\n#define TURNED_B %d\n%s\n%s",
             instructions ? method->instructions : method->loops, (int)p->type,
             TILE, TILE, p->turned, p->turned, common, own);
    program = oc_program_try(device, text);
    free(text);
    return program;
}

/* The first with plain operands, the second with turned ones. */
static int
multiplies(ocellus_device *device, const struct method *method,
           const ocellus_type types[2], int instructions)
{
    struct product *p = malloc(sizeof *p);
    int good = p != NULL;

    for (int turned = 0; good && turned < 2; turned++) {
        cl_program program;

        p->type = types[turned];
        p->turned = turned;
        program = build(device, method, p, instructions);
        good = program && multiply(device, method, program, p);
        if (program)
            clReleaseProgram(program);
    }
    free(p);
    return good;
}

int
oc_tensor_multiplies(ocellus_device *device, int instructions)
{
    static const ocellus_type types[] = {OCELLUS_FLOAT16, OCELLUS_BFLOAT16};

    return multiplies(device, &by_tensor_cores, types, instructions);
}

int
oc_pairs_multiply(ocellus_device *device, int instructions)
{
    static const ocellus_type types[] = {OCELLUS_FLOAT16, OCELLUS_FLOAT16};

    return multiplies(device, &by_pairs, types, instructions);
}

/* ---- the answer ---------------------------------------------------------- */

static int
could(const ocellus_device *device)
{
    cl_uint major = 0;

    return !device->caps.cpu &&
           oc_device_has(device->id, "cl_nv_device_attribute_query") &&
           clGetDeviceInfo(device->id, CAPABILITY_MAJOR, sizeof major, &major,
                           NULL) == CL_SUCCESS &&
           major >= LEAST_CAPABILITY;
}

/* The kept verdict, or a fresh one. */
static int
is_kept(ocellus_device *device, const char *what,
        int (*probe)(ocellus_device *, int))
{
    char *kept =
        oc_cache_verdict(device->cache, "probe", device->kernels, what);
    int can = kept && strcmp(kept, "yes") == 0;

    if (!can && (!kept || strcmp(kept, "no") != 0)) {
        can = probe(device, 1);
        oc_cache_set_verdict(device->cache, "probe", device->kernels, what,
                             can ? "yes" : "no");
        oc_log(OCELLUS_LOG_DEBUG, "%s: %s: %s", device->info.name, what,
               can ? "yes" : "no");
    }
    free(kept);
    return can;
}

int
oc_tensor_probe(ocellus_device *device)
{
    return could(device) && is_kept(device, "tensor", oc_tensor_multiplies)
               ? OC_TENSOR_INSTRUCTIONS
               : OC_TENSOR_NONE;
}

/* AMD's compilers know the instruction by name; others are not asked. */
int
oc_pairs_probe(ocellus_device *device)
{
    return !device->caps.cpu &&
                   oc_device_has(device->id, "cl_amd_device_attribute_query") &&
                   is_kept(device, "pairs", oc_pairs_multiply)
               ? OC_PAIRS_INSTRUCTIONS
               : OC_PAIRS_NONE;
}

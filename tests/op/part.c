/* part.c - copies that a plan does without, on memory full of NaN: channels are
 * made where Concat joins them, a net's input comes with its halo. The numbers
 * are those of the plain way. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ocellus_cl.h>

#include "device/inside.h"
#include "device/session.h"
#include "graph/graph.h"
#include "plan/plan.h"

enum { SIDE = 13 };

static int failures, count;

static void
tell(int good, const char *what)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++count, what);
    failures += !good;
}

/* Four parts: a 3 x 3 and a 1 x 1 convolution, a pool, which is copied, a
 * depthwise convolution; read by a 3 x 3 convolution, so with a halo. */
static ocellus_graph *
joined(void)
{
    const int64_t dims[] = {-1, 32, SIDE, SIDE};
    ocellus_graph *graph;

    if (ocellus_graph_create(&graph) != OCELLUS_OK)
        return NULL;
    ocellus_value *x = ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 4, dims);
    ocellus_value *a = ocellus_conv2d(x, "a", 48, 3, 1, 1, 1, 1);
    ocellus_value *b = ocellus_conv2d(x, "b", 32, 1, 1, 0, 1, 1);
    ocellus_value *c = ocellus_max_pool(x, 3, 1, 1);
    ocellus_value *d = ocellus_conv2d(x, "d", 32, 3, 1, 1, 32, 1);
    ocellus_value *y = ocellus_concat(ocellus_concat(a, b, 1), c, 1);
    y = ocellus_conv2d(ocellus_concat(y, d, 1), "e", 20, 3, 1, 1, 1, 1);
    if (ocellus_graph_output(graph, "y", y) == OCELLUS_OK)
        return graph;
    ocellus_graph_destroy(graph);
    return NULL;
}

static int
copies(const struct oc_plan *plan)
{
    int moves = 0;

    for (int s = plan->n_prologue; s < plan->n_steps; s++)
        moves +=
            plan->step[s]->kernel && strcmp(plan->step[s]->kernel, "move") == 0;
    return moves;
}

static int
parts(const struct oc_plan *plan)
{
    int found = 0;

    for (int k = 0; k < plan->n_choices; k++)
        found += plan->choice[k].out.whole > 0;
    return found;
}

static ocellus_status
run(struct ocellus_session *session, int64_t n, float **y)
{
    const int64_t dims[] = {n, 32, SIDE, SIDE};
    const struct ocellus_tensor *got;
    ocellus_tensor *x = NULL;
    ocellus_status status;
    float *at;

    *y = NULL;
    OC_TRY_OUT(ocellus_tensor_create(OCELLUS_FLOAT, 4, dims, &x));
    at = ocellus_tensor_data(x);
    for (int64_t k = 0; k < n * 32 * SIDE * SIDE; k++)
        at[k] = (float)((k * 7919) % 2003) / 1000.0f - 1.0f;
    OC_TRY_OUT(oc_session_set_input(session, "x", x));
    OC_TRY_OUT(oc_session_run(session));
    OC_TRY_OUT(oc_session_get_output(session, "y", &got));
    *y = malloc((size_t)n * 20 * SIDE * SIDE * sizeof **y);
    memcpy(*y, got->data, (size_t)n * 20 * SIDE * SIDE * sizeof **y);
out:
    ocellus_tensor_destroy(x);
    return status;
}

/* Every implementation but the plain one refused. */
static struct oc_caps
plain_caps(const ocellus_device *device)
{
    static const char *refused[] = {"Conv:depthwise", "Conv:winograd",
                                    "Conv:blocked",   "Conv:tiled",
                                    "Concat:blocked", "MaxPool:plane"};
    struct oc_caps caps = *oc_device_caps(device);

    caps.quarantine = refused;
    caps.n_quarantine = OC_COUNT(refused);
    return caps;
}

static ocellus_status
check(ocellus_device *device, const ocellus_graph *graph, int64_t n)
{
    const struct oc_caps caps = plain_caps(device);
    struct ocellus_session *fast = NULL, *plain = NULL;
    const struct oc_plan *plan;
    struct oc_run *ignored;
    float *y = NULL, *want = NULL;
    double error = 0.0, largest = 0.0;
    ocellus_status status;
    char what[64];

    OC_TRY_OUT(oc_session_create(device, graph, NULL, NULL, NULL, &fast));
    OC_TRY_OUT(oc_session_create(device, graph, fast, NULL, NULL, &plain));
    oc_session_set_caps(plain, &caps);
    OC_TRY_OUT(run(fast, n, &y));
    OC_TRY_OUT(run(plain, n, &want));
    OC_TRY_OUT(oc_session_last_plan(fast, &plan, &ignored));
    for (int64_t k = 0; k < n * 20 * SIDE * SIDE; k++) {
        largest = fmax(largest, fabs((double)want[k]));
        error = fmax(error,
                     isnan(y[k]) ? INFINITY : fabs((double)(y[k] - want[k])));
    }
    snprintf(what, sizeof what, "batch %d: error %.1e of %.2g", (int)n, error,
             largest);
    tell(largest > 0.0 && error <= 1e-5 * largest, what);
    if (oc_device_caps(device)->cpu) {
        /* a and b of the first joint, d of the last; the pool and two joints
         * are copied */
        snprintf(what, sizeof what, "batch %d: %d parts, %d copies", (int)n,
                 parts(plan), copies(plan));
        tell(parts(plan) == 3 && copies(plan) == 3, what);
    }
out:
    oc_session_destroy(fast);
    oc_session_destroy(plain);
    free(y);
    free(want);
    return status;
}

/* ---- inputs with a halo -------------------------------------------------- */

enum { IMAGES = 3, WIDE = 11, NUMBERS = IMAGES * 3 * SIDE * WIDE };

static ocellus_graph *
first_layer(void)
{
    const int64_t dims[] = {-1, 3, SIDE, WIDE};
    ocellus_graph *graph;

    if (ocellus_graph_create(&graph) != OCELLUS_OK)
        return NULL;
    ocellus_value *x = ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 4, dims);
    x = ocellus_conv2d(x, "a", 16, 5, 1, 2, 1, 1);
    if (ocellus_graph_output(graph, "y", x) == OCELLUS_OK)
        return graph;
    ocellus_graph_destroy(graph);
    return NULL;
}

/* `from` in device memory, `offset` bytes behind its start. */
static ocellus_status
in_device_memory(ocellus_device *device, const float *from, size_t offset,
                 ocellus_tensor **x)
{
    const int64_t dims[] = {IMAGES, 3, SIDE, WIDE};
    cl_int code;
    cl_mem memory =
        clCreateBuffer(device->context, CL_MEM_READ_WRITE,
                       offset + NUMBERS * sizeof(float), NULL, &code);

    if (code != CL_SUCCESS)
        return oc_fail(OCELLUS_OUT_OF_DEVICE_MEMORY, "no memory");
    clEnqueueWriteBuffer(device->queue, memory, CL_TRUE, offset,
                         NUMBERS * sizeof(float), from, 0, NULL, NULL);
    ocellus_status status =
        ocellus_tensor_wrap_cl(OCELLUS_FLOAT, 4, dims, memory, offset, x);
    clReleaseMemObject(memory);
    return status;
}

static ocellus_status
output_of(struct ocellus_session *session, const ocellus_tensor *x, float *y)
{
    const struct ocellus_tensor *got;

    OC_TRY(oc_session_set_input(session, "x", x));
    OC_TRY(oc_session_run(session));
    OC_TRY(oc_session_get_output(session, "y", &got));
    memcpy(y, got->data, sizeof(float) * IMAGES * 16 * SIDE * WIDE);
    return OCELLUS_OK;
}

static double
distance(const float *a, const float *b, size_t n)
{
    double most = 0.0;

    for (size_t k = 0; k < n; k++)
        most = fmax(most, isnan(a[k]) ? INFINITY : fabs((double)(a[k] - b[k])));
    return most;
}

static int
count_steps(const struct oc_plan *plan)
{
    return plan->n_steps - plan->n_prologue;
}

/* From the host twice, since numbers go by turns, and from device memory. */
static ocellus_status
check_input(ocellus_device *device, const ocellus_graph *graph)
{
    static float y[4][IMAGES * 16 * SIDE * WIDE];
    const int64_t dims[] = {IMAGES, 3, SIDE, WIDE};
    const struct oc_caps caps = plain_caps(device);
    struct ocellus_session *fast = NULL, *plain = NULL;
    ocellus_tensor *host = NULL, *there = NULL;
    const struct oc_plan *plan;
    struct oc_run *ignored;
    ocellus_status status;
    char what[64];
    double error;

    OC_TRY_OUT(ocellus_tensor_create(OCELLUS_FLOAT, 4, dims, &host));
    for (int k = 0; k < NUMBERS; k++)
        ((float *)ocellus_tensor_data(host))[k] =
            (float)((k * 7919) % 2003) / 1000.0f - 1.0f;
    OC_TRY_OUT(
        in_device_memory(device, ocellus_tensor_data(host), 260, &there));
    OC_TRY_OUT(oc_session_create(device, graph, NULL, NULL, NULL, &fast));
    OC_TRY_OUT(oc_session_create(device, graph, fast, NULL, NULL, &plain));
    oc_session_set_caps(plain, &caps);
    OC_TRY_OUT(output_of(plain, host, y[0]));
    OC_TRY_OUT(output_of(fast, host, y[1]));
    OC_TRY_OUT(output_of(fast, there, y[2]));
    OC_TRY_OUT(output_of(fast, host, y[3]));
    for (int k = 1; k < 4; k++) {
        error = distance(y[k], y[0], OC_COUNT(y[0]));
        snprintf(what, sizeof what, "an input from %s: error %.1e",
                 k == 2 ? "device memory" : "the host", error);
        tell(error <= 1e-5, what);
    }
    OC_TRY_OUT(oc_session_last_plan(fast, &plan, &ignored));
    if (oc_device_caps(device)->cpu) /* the convolution and the way out */
        tell(count_steps(plan) == 2, "no step brings the halo");
out:
    oc_session_destroy(fast);
    oc_session_destroy(plain);
    ocellus_tensor_destroy(host);
    ocellus_tensor_destroy(there);
    return status;
}

int
main(void)
{
    ocellus_device *device;
    ocellus_graph *graph, *first;

    if (ocellus_device_open(NULL, &device) != OCELLUS_OK) {
        printf("skipped: %s\n", ocellus_error());
        return 77;
    }
    oc_device_spoil(device);
    graph = joined();
    for (int64_t n = 1; n <= 3; n += 2)
        if (!graph || check(device, graph, n) != OCELLUS_OK)
            tell(0, ocellus_error());
    first = first_layer();
    if (!first || check_input(device, first) != OCELLUS_OK)
        tell(0, ocellus_error());
    ocellus_graph_destroy(graph);
    ocellus_graph_destroy(first);
    ocellus_device_close(device);
    printf("1..%d\n", count);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

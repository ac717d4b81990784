/* onnx.c - a model file: read, printed, bound, rewritten, planned for a
 * processor and for a graphics card, written again. */
#include <stdlib.h>
#include <string.h>

#include "format/onnx_inside.h"
#include "pass/infer.h"
#include "plan/plan.h"
#include "tests/fuzz/fuzz.h"

#ifdef FUZZ_LIBFUZZER
#define FUZZ_MESSAGE oc_onnx__model__descriptor
#include "tests/fuzz/mutate.h"
#endif

enum { MOST_NUMBERS = 4096 };

static const struct oc_caps device[] = {{.cpu = 1,
                                         .compute_units = 2,
                                         .vector_width = 8,
                                         .vector_registers = 16,
                                         .fp64 = 1,
                                         .local_memory = 1 << 20,
                                         .max_work_group = 4096,
                                         .largest_allocation = 1u << 30,
                                         .alignment = 128,
                                         .cache = 1 << 20},
                                        {.compute_units = 40,
                                         .local_memory = 48 << 10,
                                         .max_work_group = 1024,
                                         .largest_allocation = 1u << 30,
                                         .alignment = 256}};

static void
plan(const struct ocellus_graph *graph, const struct oc_caps *caps,
     const struct oc_shape *shape, const void *const *number)
{
    struct ocellus_graph *bound, *head, *rest;
    struct oc_plan *made;
    char *text;
    int own;
    if (oc_graph_bind(graph, shape, number, &bound) != OCELLUS_OK)
        return;
    if (oc_graph_waiting(bound) != NULL) {
        ocellus_status status = oc_graph_split(bound, &head, &own, &rest);
        oc_graph_destroy(bound);
        if (status != OCELLUS_OK)
            return;
        oc_graph_destroy(rest);
        bound = head;
    }
    if (oc_infer_pass(bound) != OCELLUS_OK) {
        oc_graph_destroy(bound);
        return;
    }
    if (oc_plan_make(bound, caps, &made) != OCELLUS_OK)
        return;
    if (oc_plan_text(made, 1, &text) == OCELLUS_OK)
        free(text);
    oc_plan_destroy(made);
}

/* Unknown extents are 2; numbers that decide about shapes are 1. */
static void
plans(const struct ocellus_graph *graph)
{
    static int64_t ones[MOST_NUMBERS];
    size_t n = (size_t)graph->n_inputs + 1, bytes;
    struct oc_shape *shape = calloc(n, sizeof *shape);
    const void **number = calloc(n, sizeof *number);
    char *on_host = calloc(n, 1);
    if (shape == NULL || number == NULL || on_host == NULL)
        abort();
    for (size_t k = 0; k < MOST_NUMBERS; k++)
        ones[k] = 1;
    oc_graph_host_inputs(graph, on_host);
    for (int k = 0; k < graph->n_inputs; k++) {
        shape[k] = graph->inputs[k]->shape;
        for (int d = 0; d < shape[k].rank; d++)
            if (shape[k].dim[d] == OC_UNKNOWN)
                shape[k].dim[d] = 2;
        if (on_host[k] &&
            oc_shape_bytes(&shape[k], oc_type_size(graph->inputs[k]->type),
                           &bytes) == OCELLUS_OK &&
            bytes <= sizeof ones)
            number[k] = ones;
    }
    for (size_t k = 0; k < OC_COUNT(device); k++)
        plan(graph, &device[k], shape, number);
    free(shape);
    free(number);
    free(on_host);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ocellus_graph *graph, *again;
    char *text;
    if (oc_onnx_load(fuzz_file("model.onnx", data, size), &graph) != OCELLUS_OK)
        return 0;
    fuzz_accept();
    if (oc_graph_text(graph, &text) == OCELLUS_OK)
        free(text);
    plans(graph);
    if (oc_onnx_save(graph, fuzz_path("again.onnx")) == OCELLUS_OK &&
        oc_onnx_load(fuzz_path("again.onnx"), &again) == OCELLUS_OK)
        oc_graph_destroy(again);
    oc_graph_destroy(graph);
    return 0;
}

static void
seed_net(const char *name, int channels, int side)
{
    ocellus_graph *graph;
    if (ocellus_net_create(name, channels, side, side, 3, 1, &graph) !=
            OCELLUS_OK ||
        ocellus_graph_save(graph, fuzz_path("seed.onnx")) != OCELLUS_OK)
        abort();
    ocellus_graph_destroy(graph);
    fuzz_seed_file(fuzz_path("seed.onnx"));
}

/* Many operators, few numbers. */
static void
seed_small(void)
{
    const int64_t dims[] = {-1, 2, 6, 6};
    ocellus_graph *g;
    if (ocellus_graph_create(&g) != OCELLUS_OK)
        abort();
    ocellus_value *x = ocellus_graph_input(g, "x", OCELLUS_FLOAT, 4, dims);
    ocellus_value *y = ocellus_conv2d(x, "c", 4, 3, 2, 1, 1, 1);
    y = ocellus_relu(ocellus_batch_norm(y, "n"));
    y = ocellus_concat(y, ocellus_max_pool(y, 3, 1, 1), 1);
    y = ocellus_apply(g, "Resize", "mode=linear", y, NULL);
    if (y == NULL)
        y = ocellus_relu(x);
    y = ocellus_apply(g, "Transpose", "perm=0,2,3,1", y, NULL);
    y = ocellus_apply(g, "ReduceMean", "keepdims=0", y, NULL);
    ocellus_graph_output(g, "y", y);
    if (ocellus_graph_save(g, fuzz_path("seed.onnx")) == OCELLUS_OK)
        fuzz_seed_file(fuzz_path("seed.onnx"));
    ocellus_graph_destroy(g);
}

void
fuzz_seeds(void)
{
    seed_net("mlp", 1, 2);
    seed_small();
}

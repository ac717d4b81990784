/* epilogue.c - every implementation of Conv, ConvTranspose, Gemm and
 * BatchNormalization that takes an epilogue applies it, with extras and
 * scalars, to each number once: sums are made by the bare operator, finished
 * here in double, and compared. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/session.h"

enum { OWN = 5 }; /* inputs at most, without the epilogue's */

struct with {
    const char *op, *attributes, *impl;
    int cpu;             /* planned as for a CPU, or a GPU */
    const char *in[OWN]; /* shapes */
};

static const struct with tests[] = {
    {"Conv", "pads=1,1,1,1", "direct", 1, {"2x3x5x4", "6x3x3x3", "6"}},
    {"Conv", "pads=1,1,1,1", "tiled", 0, {"2x3x5x4", "6x3x3x3", "6"}},
    {"Conv", "pads=1,1,1,1", "winograd_tiled", 0, {"2x3x5x4", "6x3x3x3", "6"}},
    {"Conv", "pads=1,1,1,1", "winograd_tiled", 0, {"2x3x5x7", "6x3x3x3", NULL}},
    {"ConvTranspose",
     "pads=1,1,1,1",
     "winograd_tiled",
     0,
     {"1x3x4x3", "3x5x3x3", "5"}},
    {"Conv", "strides=2,2", "direct", 1, {"1x2x7x6", "3x2x2x2", NULL}},
    {"ConvTranspose", "strides=2,2", "direct", 1, {"1x3x4x3", "3x5x2x2", "5"}},
    {"ConvTranspose", "strides=2,2", "tiled", 0, {"1x3x4x3", "3x5x2x2", "5"}},
    {"Gemm", NULL, "direct", 1, {"7x5", "5x18", "18"}},
    {"Gemm", NULL, "cpu", 1, {"7x5", "5x18", "18"}},
    {"Gemm", "transB=1 alpha=0.5", "cpu", 1, {"9x300", "33x300", NULL}},
    {"Gemm", NULL, "cpu", 1, {"2x5", "5x70", "70"}},
    {"Gemm", "transB=1", "cpu", 1, {"1x21", "9x21", "9"}},
    {"BatchNormalization",
     "training_mode=1",
     "direct",
     1,
     {"2x3x4x5", "3", "3", "3", "3"}},
    {"BatchNormalization",
     "training_mode=1",
     "plane",
     1,
     {"2x3x4x5", "3", "3", "3", "3"}},
    {"BatchNormalization",
     "training_mode=1",
     "plane",
     1,
     {"3x11x9", "11", "11", "11", "11"}},
    {"BatchNormalization",
     "training_mode=1",
     "group",
     0,
     {"2x3x4x5", "3", "3", "3", "3"}},
};

/* What the epilogue does: one extra, two scalars. */
static const char formula[] = "fmax(v * s0 + e0, s1)";
static const float scalar[] = {0.5f, -0.25f};

static double
finish(double v, double e0)
{
    return fmax(v * (double)scalar[0] + e0, (double)scalar[1]);
}

/* ---- graphs ------------------------------------------------------------- */

static struct oc_shape
parse(const char *text)
{
    struct oc_shape shape = {0};

    while (*text) {
        char *end;

        shape.dim[shape.rank++] = strtoll(text, &end, 10);
        text = *end == 'x' ? end + 1 : end;
    }
    return shape;
}

/* A session's pass: what fusing does. The extra is the last graph input. */
static ocellus_status
fuse(struct ocellus_graph *graph, void *user)
{
    struct oc_node *node = graph->nodes[0];
    struct oc_epilogue *e = oc_arena_alloc(graph->arena, sizeof *e);
    struct ocellus_value **in =
        oc_arena_alloc(graph->arena, (OWN + 1) * sizeof *in);

    (void)user;
    if (!e || !in)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for an epilogue");
    *e = (struct oc_epilogue){
        .formula = formula,
        .n_extra = 1,
        .n_scalar = 2,
        .scalar = {scalar[0], scalar[1]},
    };
    memcpy(in, node->in, (size_t)node->n_in * sizeof *in);
    in[node->n_in++] = graph->inputs[graph->n_inputs - 1];
    node->in = in;
    node->epilogue = e;
    return OCELLUS_OK;
}

static ocellus_status
build(const struct with *t, struct ocellus_graph *graph, struct oc_shape *out)
{
    static const char *const name[] = {"x0", "x1", "x2", "x3", "x4"};
    struct ocellus_value *in[OWN], *y;
    int n = 0;

    for (; n < OWN && t->in[n]; n++) {
        struct oc_shape shape = parse(t->in[n]);

        in[n] = oc_graph_input(graph, name[n], OCELLUS_FLOAT, &shape);
    }
    y = oc_apply(graph, t->op, t->attributes, in, n);
    if (!y)
        return oc_fail(graph->status, "%s", graph->sentence);
    *out = y->shape;
    OC_TRY(oc_graph_output(graph, "y", y));
    return oc_graph_output(graph, "e",
                           oc_graph_input(graph, "e", OCELLUS_FLOAT, out));
}

/* ---- running ------------------------------------------------------------ */

/* Everything else is refused. */
static int
quarantine(const struct with *t, const char **list, char (*text)[64])
{
    static const char *const impls[] = {
        "blocked", "depthwise", "winograd_tiled", "tiled", "clblast",
        "cpu",     "plane",     "group",          "direct"};
    int n = 0;

    for (size_t k = 0; k < OC_COUNT(impls); k++)
        if (strcmp(impls[k], t->impl) != 0) {
            snprintf(text[n], 64, "%s:%s", t->op, impls[k]);
            list[n] = text[n];
            n++;
        }
    return n;
}

/* The session keeps the tensors until it has run. */
static ocellus_status
set_inputs(struct ocellus_session *session, const struct with *t,
           const struct oc_shape *out, float *numbers,
           struct ocellus_tensor tensor[OWN + 1])
{
    static const char *const name[] = {"x0", "x1", "x2", "x3", "x4", "e"};

    for (int k = 0; k <= OWN; k++) {
        if (k < OWN && !t->in[k])
            continue;
        tensor[k] = (struct ocellus_tensor){
            .type = OCELLUS_FLOAT,
            .shape = k < OWN ? parse(t->in[k]) : *out,
            .data = numbers + 100 * k,
        };
        OC_TRY(oc_session_set_input(session, name[k], &tensor[k]));
    }
    return OCELLUS_OK;
}

static ocellus_status
run(ocellus_device *device, const struct with *t, oc_session_pass pass,
    float *numbers, float **y, int64_t *count)
{
    struct oc_caps caps = *oc_device_caps(device);
    struct ocellus_session *session = NULL;
    struct ocellus_graph *graph = NULL;
    struct ocellus_tensor tensor[OWN + 1];
    const struct ocellus_tensor *got;
    const struct oc_plan *plan;
    struct oc_run *ignored;
    struct oc_shape out;
    const char *list[16];
    char text[16][64];
    ocellus_status status;

    caps.cpu = t->cpu;
    caps.eager = !t->cpu;
    caps.quarantine = list;
    caps.n_quarantine = quarantine(t, list, text);
    OC_TRY_OUT(oc_graph_create(&graph));
    OC_TRY_OUT(build(t, graph, &out));
    OC_TRY_OUT(oc_session_create(device, graph, NULL, pass, NULL, &session));
    oc_session_set_caps(session, &caps);
    OC_TRY_OUT(set_inputs(session, t, &out, numbers, tensor));
    OC_TRY_OUT(oc_session_run(session));
    OC_TRY_OUT(oc_session_plan(session, &plan, &ignored));
    if (strcmp(plan->choice[0].impl->name, t->impl) != 0)
        OC_TRY_OUT(oc_fail(OCELLUS_INTERNAL, "the plan took %s",
                           plan->choice[0].impl->name));
    OC_TRY_OUT(oc_session_get_output(session, "y", &got));
    *count = oc_shape_count(&out);
    *y = malloc((size_t)*count * sizeof **y);
    memcpy(*y, got->data, (size_t)*count * sizeof **y);
out:
    oc_session_destroy(session);
    oc_graph_destroy(graph);
    return status;
}

/* The largest error, relative to the largest number. */
static ocellus_status
check(ocellus_device *device, const struct with *t, double *error)
{
    enum { ROOM = 20000 };
    float *numbers = malloc(ROOM * sizeof *numbers);
    float *bare = NULL, *fused = NULL;
    unsigned seed = 11;
    int64_t count = 0;
    ocellus_status status;

    for (int k = 0; k < ROOM; k++) {
        seed = seed * 1664525u + 1013904223u;
        numbers[k] = (float)(int)(seed >> 8) / 8388608.0f - 1.0f;
    }
    OC_TRY_OUT(run(device, t, NULL, numbers, &bare, &count));
    OC_TRY_OUT(run(device, t, fuse, numbers, &fused, &count));
    *error = 0.0;
    for (int64_t k = 0; k < count; k++) {
        double want = finish((double)bare[k], (double)numbers[100 * OWN + k]);

        *error = fmax(*error, fabs((double)fused[k] - want));
    }
out:
    free(numbers);
    free(bare);
    free(fused);
    return status;
}

int
main(void)
{
    ocellus_device *device;
    int failed = 0;

    if (ocellus_device_open(NULL, &device) != OCELLUS_OK) {
        printf("ok - # SKIP %s\n", ocellus_error());
        return 77;
    }
    for (size_t k = 0; k < OC_COUNT(tests); k++) {
        const struct with *t = &tests[k];
        double error = 0.0;
        ocellus_status status = check(device, t, &error);
        int good = status == OCELLUS_OK && error <= 1e-5;

        printf("%s - %s %s by %s\n", good ? "ok" : "not ok", t->op, t->in[0],
               t->impl);
        if (!good)
            printf("#   %s, error %g\n",
                   status == OCELLUS_OK ? "wrong" : ocellus_error(), error);
        failed |= !good;
    }
    ocellus_device_close(device);
    return failed;
}

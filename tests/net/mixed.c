/* mixed.c - whole nets in mixed precision (half or bfloat16 between operators,
 * float32 in sums and parameters), planned as for a graphics card: what they
 * answer, how they learn, and what becomes of a step whose gradients are too
 * large for half. */
#include <ocellus.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "device/session.h"
#include "pass/train.h"

enum { BATCH = 4, CLASSES = 10, STEPS = 6 };

static int failures, count;

static void
tell(int good, const char *what)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++count, what);
    fflush(stdout);
    failures += !good;
}

/* recipe NULL: for inference. */
static ocellus_status
open_session(ocellus_device *device, ocellus_graph *graph,
             const char *precision, struct oc_recipe *recipe,
             struct ocellus_session **session)
{
    struct oc_caps caps = *oc_device_caps(device);

    caps.cpu = 0;
    /* By small kernels: those in tiles take PoCL minutes to compile, and
     * tests/op runs them in half. */
    caps.max_work_group = 32;
    OC_TRY(ocellus_graph_set_precision(graph, precision));
    OC_TRY(oc_session_create(device, graph, NULL, recipe ? oc_train_pass : NULL,
                             recipe, session));
    oc_session_set_caps(*session, &caps);
    return OCELLUS_OK;
}

/* Inputs outlive the session's runs. Numbers in [-1, 1). */
static float pixel[BATCH * 3 * 32 * 32];
static int64_t label[BATCH] = {3, 1, 4, 1};
static float rate = 0.1f;
static struct ocellus_tensor pictures = {.type = OCELLUS_FLOAT, .data = pixel};
static struct ocellus_tensor labels = {.type = OCELLUS_INT64, .data = label};
static struct ocellus_tensor rates = {.type = OCELLUS_FLOAT, .data = &rate};

static void
draw(int side)
{
    unsigned seed = 3;

    for (size_t k = 0; k < OC_COUNT(pixel); k++) {
        seed = seed * 1664525u + 1013904223u;
        pixel[k] = (float)(int)(seed >> 8) / 8388608.0f - 1.0f;
    }
    pictures.shape = OC_SHAPE(BATCH, 3, side, side);
    labels.shape = OC_SHAPE(BATCH);
    rates.shape = OC_SHAPE(1);
}

static ocellus_type
type_of(const char *precision)
{
    return strcmp(precision, "fp16") == 0   ? OCELLUS_FLOAT16
           : strcmp(precision, "bf16") == 0 ? OCELLUS_BFLOAT16
                                            : OCELLUS_FLOAT;
}

/* Does every convolution, product and batch normalisation take that type, and
 * give it? */
static int
all_in(struct ocellus_session *session, ocellus_type type)
{
    static const char *const ops[] = {"Conv",
                                      "Gemm",
                                      "ConvGradInput",
                                      "ConvGradWeight",
                                      "BatchNormalization",
                                      "BatchNormalizationGrad"};
    const struct oc_plan *plan;
    int good = 1;

    if (oc_session_plan(session, &plan, NULL) != OCELLUS_OK)
        return 0;
    for (int k = 0; k < plan->graph->n_nodes; k++)
        for (size_t i = 0; i < OC_COUNT(ops); i++) {
            const struct oc_node *node = plan->graph->nodes[k];
            if (strcmp(node->op->name, ops[i]) == 0)
                good = good && node->in[0]->type == type &&
                       node->out[0]->type == type;
        }
    return good;
}

static double
apart(const float *a, const float *b, int64_t elements)
{
    double far = 0.0, most = 0.0;

    for (int64_t k = 0; k < elements; k++) {
        far = fmax(far, fabs((double)a[k] - b[k]));
        most = fmax(most, fabs((double)a[k]));
    }
    return far / most;
}

/* ---- what a net answers ---------------------------------------------------
 */

static ocellus_status
answer(ocellus_device *device, ocellus_graph *graph, const char *precision,
       float *y, int *good)
{
    struct ocellus_session *session = NULL;
    const struct ocellus_tensor *got;
    ocellus_status status;

    OC_TRY_OUT(open_session(device, graph, precision, NULL, &session));
    OC_TRY_OUT(
        oc_session_set_input(session, graph->inputs[0]->name, &pictures));
    OC_TRY_OUT(oc_session_run(session));
    OC_TRY_OUT(oc_session_get_output(session, graph->output_names[0], &got));
    *good = all_in(session, type_of(precision)) && got->type == OCELLUS_FLOAT;
    memcpy(y, got->data, BATCH * CLASSES * sizeof *y);
out:
    oc_session_destroy(session);
    return status;
}

/* A number is off by 2^-11 of itself in half, by 2^-8 in bfloat16; `most`
 * leaves room for a net's depth. */
static void
check_answers(ocellus_device *device, const char *net, int side,
              const char *precision, double most)
{
    float exact[BATCH * CLASSES], rounded[BATCH * CLASSES];
    ocellus_graph *graph = NULL;
    int wide = 0, narrow = 0;
    double far;
    char what[160];

    draw(side);
    if (ocellus_net_create(net, 3, side, side, CLASSES, 0, &graph) !=
            OCELLUS_OK ||
        answer(device, graph, "fp32", exact, &wide) != OCELLUS_OK ||
        answer(device, graph, precision, rounded, &narrow) != OCELLUS_OK) {
        tell(0, ocellus_error());
        ocellus_graph_destroy(graph);
        return;
    }
    far = apart(exact, rounded, BATCH * CLASSES);
    snprintf(what, sizeof what, "%s in %s: off by %.5f of the largest number",
             net, precision, far);
    tell(wide && narrow && far > 1e-6 && far < most, what);
    ocellus_graph_destroy(graph);
}

/* ---- how it learns --------------------------------------------------------
 */

static ocellus_graph *
small_net(void)
{
    const int64_t dims[] = {-1, 3, 12, 12};
    ocellus_graph *graph;
    ocellus_value *x, *a;

    if (ocellus_graph_create(&graph) != OCELLUS_OK)
        return NULL;
    x = ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 4, dims);
    x = ocellus_relu(
        ocellus_batch_norm(ocellus_conv2d(x, "a", 20, 3, 1, 1, 1, 0), "an"));
    a = ocellus_batch_norm(ocellus_conv2d(x, "b", 40, 3, 2, 1, 1, 0), "bn");
    a = ocellus_conv2d(ocellus_relu(a), "c", 40, 3, 1, 1, 1, 1);
    x = ocellus_relu(ocellus_add(a, ocellus_conv2d(x, "d", 40, 1, 2, 0, 1, 1)));
    x = ocellus_flatten(ocellus_global_average_pool(x));
    if (ocellus_graph_output(graph, "y", ocellus_linear(x, "e", CLASSES)) ==
        OCELLUS_OK)
        return graph;
    ocellus_graph_destroy(graph);
    return NULL;
}

static ocellus_status
give(struct ocellus_session *session)
{
    OC_TRY(oc_session_set_input(session, "x", &pictures));
    OC_TRY(oc_session_set_input(session, "labels", &labels));
    return oc_session_set_input(session, "learning_rate", &rates);
}

static ocellus_status
learn(ocellus_device *device, ocellus_graph *graph, const char *precision,
      struct oc_recipe *recipe, float loss[STEPS], int *good)
{
    struct ocellus_session *session = NULL;
    const struct ocellus_tensor *got;
    ocellus_status status;

    OC_TRY_OUT(open_session(device, graph, precision, recipe, &session));
    OC_TRY_OUT(give(session));
    for (int k = 0; k < STEPS; k++) {
        OC_TRY_OUT(oc_session_run(session));
        OC_TRY_OUT(oc_session_get_output(session, "loss", &got));
        loss[k] = ((const float *)got->data)[0];
    }
    *good = all_in(session, type_of(precision));
out:
    oc_session_destroy(session);
    return status;
}

static void
check_learning(ocellus_device *device, const char *precision, float clip,
               double most)
{
    struct oc_recipe recipe = {.momentum = 0.9f, .clip = clip};
    float exact[STEPS], rounded[STEPS];
    ocellus_graph *graph = small_net();
    int wide = 0, narrow = 0;
    double far;
    char what[160];

    draw(12);
    if (!graph ||
        learn(device, graph, "fp32", &recipe, exact, &wide) != OCELLUS_OK ||
        learn(device, graph, precision, &recipe, rounded, &narrow) !=
            OCELLUS_OK) {
        tell(0, ocellus_error());
        ocellus_graph_destroy(graph);
        return;
    }
    far = apart(exact, rounded, STEPS);
    snprintf(what, sizeof what,
             "a small net learns in %s%s: loss from %.4f to %.4f, off by %.5f "
             "of the first at most",
             precision, clip > 0 ? ", clipped" : "", (double)rounded[0],
             (double)rounded[STEPS - 1], far);
    tell(wide && narrow && rounded[STEPS - 1] < 0.8f * rounded[0] &&
             far > 1e-7 && far < most,
         what);
    ocellus_graph_destroy(graph);
}

/* ---- gradients ------------------------------------------------------------
 */

/* Of all parameters in a row; *size: how many numbers. */
static ocellus_status
gradient(ocellus_device *device, ocellus_graph *graph, const char *precision,
         float *g, int64_t room, int64_t *size)
{
    struct oc_recipe recipe = {.no_update = 1};
    struct ocellus_session *session = NULL;
    const struct ocellus_tensor *got;
    char name[256];
    ocellus_status status;

    *size = 0;
    OC_TRY_OUT(open_session(device, graph, precision, &recipe, &session));
    OC_TRY_OUT(oc_session_set_input(session, "x", &pictures));
    OC_TRY_OUT(oc_session_set_input(session, "labels", &labels));
    OC_TRY_OUT(oc_session_run(session));
    for (int k = 0; k < graph->n_states; k++) {
        const struct ocellus_value *w = graph->states[k];
        const int64_t n = oc_shape_count(&w->shape);

        if (!w->trainable || *size + n > room)
            continue;
        snprintf(name, sizeof name, "gradient:%s", w->name);
        OC_TRY_OUT(oc_session_get_output(session, name, &got));
        memcpy(g + *size, got->data, (size_t)n * sizeof *g);
        *size += n;
    }
out:
    oc_session_destroy(session);
    return status;
}

static double
distance(const float *a, const float *b, int64_t size)
{
    double far = 0.0, whole = 0.0;

    for (int64_t k = 0; k < size; k++) {
        far += ((double)a[k] - b[k]) * ((double)a[k] - b[k]);
        whole += (double)a[k] * a[k];
    }
    return sqrt(far / whole);
}

/* Most of the distance is Relu's: rounding puts numbers beyond its bend. */
static void
check_gradient(ocellus_device *device, const char *precision, double most)
{
    enum { ROOM = 40000 };
    static float exact[ROOM], rounded[ROOM];
    ocellus_graph *graph = small_net();
    int64_t size = 0, same = 0;
    double far;
    char what[160];

    draw(12);
    if (!graph ||
        gradient(device, graph, "fp32", exact, ROOM, &size) != OCELLUS_OK ||
        gradient(device, graph, precision, rounded, ROOM, &same) !=
            OCELLUS_OK) {
        tell(0, ocellus_error());
        ocellus_graph_destroy(graph);
        return;
    }
    far = distance(exact, rounded, size);
    snprintf(what, sizeof what,
             "a gradient of %lld numbers in %s is %.5f of its length away",
             (long long)size, precision, far);
    tell(size == ocellus_graph_parameter_count(graph) && same == size &&
             far > 1e-6 && far < most,
         what);
    ocellus_graph_destroy(graph);
}

/* ---- the scale of the loss ------------------------------------------------
 */

static ocellus_status
put_one(struct ocellus_session *session, const char *state, float number)
{
    struct ocellus_tensor one = {
        .type = OCELLUS_FLOAT, .shape = OC_SHAPE(1), .data = &number};

    return oc_session_put_state(session, state, &one);
}

static ocellus_status
read_one(struct ocellus_session *session, const char *state, int64_t at,
         float *number)
{
    struct ocellus_tensor *read = NULL;

    OC_TRY(oc_session_read_state(session, state, &read));
    *number = ((const float *)read->data)[at];
    oc_tensor_destroy(read);
    return OCELLUS_OK;
}

/* Scale, good steps, a weight and its momentum after a step that begins with
 * the first two. */
struct after {
    float scale, good, weight, momentum, old_weight;
};

static ocellus_status
step_with(struct ocellus_session *session, float scale, float good,
          struct after *after)
{
    OC_TRY(put_one(session, "loss_scale", scale));
    OC_TRY(put_one(session, "loss_scale_steps", good));
    OC_TRY(read_one(session, "c.weight", 7, &after->old_weight));
    OC_TRY(oc_session_run(session));
    OC_TRY(read_one(session, "loss_scale", 0, &after->scale));
    OC_TRY(read_one(session, "loss_scale_steps", 0, &after->good));
    OC_TRY(read_one(session, "c.weight", 7, &after->weight));
    return read_one(session, "momentum:c.weight", 7, &after->momentum);
}

static void
check_scale(ocellus_device *device)
{
    struct oc_recipe recipe = {.momentum = 0.9f};
    struct ocellus_session *session = NULL;
    ocellus_graph *graph = small_net();
    struct after first, over, grown;
    ocellus_status status;

    draw(12);
    OC_TRY_OUT(open_session(device, graph, "fp16", &recipe, &session));
    OC_TRY_OUT(give(session));
    OC_TRY_OUT(oc_session_run(session));
    OC_TRY_OUT(step_with(session, 1024.0f, 5.0f, &first));
    tell(first.scale == 1024.0f && first.good == 6.0f &&
             first.weight != first.old_weight,
         "a step that is good counts, and leaves the scale");
    OC_TRY_OUT(step_with(session, 1e30f, 5.0f, &over));
    tell(over.scale == 0.5e30f && over.good == 0.0f &&
             over.weight == first.weight && over.momentum == first.momentum,
         "a step whose gradients are infinite changes nothing but the scale");
    OC_TRY_OUT(step_with(session, 1024.0f, 1999.0f, &grown));
    tell(grown.scale == 2048.0f && grown.good == 0.0f &&
             grown.weight != grown.old_weight,
         "2000 good steps double the scale");
out:
    if (status != OCELLUS_OK)
        tell(0, ocellus_error());
    oc_session_destroy(session);
    ocellus_graph_destroy(graph);
}

static void
check_processor(ocellus_device *device)
{
    struct ocellus_session *session = NULL;
    ocellus_graph *graph = small_net();
    struct oc_caps caps = *oc_device_caps(device);
    ocellus_status status;

    draw(12);
    caps.cpu = 1;
    OC_TRY_OUT(open_session(device, graph, "fp16", NULL, &session));
    oc_session_set_caps(session, &caps);
    OC_TRY_OUT(oc_session_set_input(session, "x", &pictures));
    status = oc_session_run(session);
out:
    tell(status == OCELLUS_UNSUPPORTED &&
             strstr(ocellus_error(), "graphics cards"),
         "a processor refuses fp16");
    oc_session_destroy(session);
    ocellus_graph_destroy(graph);
}

int
main(void)
{
    ocellus_device *device;

    if (ocellus_device_open(NULL, &device) != OCELLUS_OK) {
        printf("skipped: %s\n", ocellus_error());
        return 77;
    }
    oc_device_spoil(device);
    check_answers(device, "lenet5", 32, "fp16", 0.003);
    check_learning(device, "fp16", 0.0f, 0.01);
    check_learning(device, "bf16", 0.0f, 0.05);
    check_learning(device, "fp16", 0.5f, 0.01);
    check_gradient(device, "fp16", 0.04);
    check_scale(device);
    check_processor(device);
    ocellus_device_close(device);
    printf("1..%d\n", count);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* bfloat16.c - whole nets whose products round factors to bfloat16, beside
 * the same nets in float32: what they answer, and how they learn. By loops in
 * place of AMX's instructions (tests/op/conv_amx.c runs these), so on every
 * device. */
#include <ocellus.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "device/session.h"
#include "pass/infer.h"
#include "pass/train.h"

enum { BATCH = 4, ROWS = 16, CLASSES = 10, STEPS = 6 };

static int failures, count;

static void
tell(int good, const char *what)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++count, what);
    fflush(stdout);
    failures += !good;
}

static ocellus_status
answering(struct ocellus_graph *graph, void *user)
{
    (void)user;
    return oc_infer_pass(graph);
}

static ocellus_status
learning(struct ocellus_graph *graph, void *user)
{
    struct oc_recipe recipe = {.momentum = 0.9f};

    (void)user;
    return oc_train_pass(graph, &recipe);
}

static ocellus_status
open_session(ocellus_device *device, ocellus_graph *graph,
             const char *precision, int train, struct ocellus_session **session)
{
    struct oc_caps caps = *oc_device_caps(device);

    caps.cpu = 1;
    caps.vector_width = 16;
    caps.vector_registers = 32;
    caps.cache = 1 << 20;
    caps.local_memory = 1 << 20;
    caps.amx = OC_AMX_LOOPS;
    OC_TRY(ocellus_graph_set_precision(graph, precision));
    OC_TRY(oc_session_create(device, graph, NULL, train ? learning : answering,
                             NULL, session));
    oc_session_set_caps(*session, &caps);
    return OCELLUS_OK;
}

/* Inputs outlive the session's runs. Numbers in [-1, 1). */
static float pixel[BATCH * 3 * 32 * 32];
static int64_t label[ROWS] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
static float rate = 0.1f;
static struct ocellus_tensor pictures = {.type = OCELLUS_FLOAT, .data = pixel};
static struct ocellus_tensor labels = {.type = OCELLUS_INT64, .data = label};
static struct ocellus_tensor rates = {.type = OCELLUS_FLOAT, .data = &rate};

static void
draw(int batch, int side)
{
    unsigned seed = 3;

    for (size_t k = 0; k < OC_COUNT(pixel); k++) {
        seed = seed * 1664525u + 1013904223u;
        pixel[k] = (float)(int)(seed >> 8) / 8388608.0f - 1.0f;
    }
    pictures.shape = OC_SHAPE(batch, 3, side, side);
    labels.shape = OC_SHAPE(batch);
    rates.shape = OC_SHAPE(1);
}

/* Steps of the plan by an implementation. */
static int
steps_by(struct ocellus_session *session, const char *impl)
{
    const struct oc_plan *plan;
    int steps = 0;

    if (oc_session_plan(session, &plan, NULL) != OCELLUS_OK)
        return -1;
    for (int k = 0; k < plan->n_choices; k++)
        steps += plan->choice[k].impl &&
                 strcmp(plan->choice[k].impl->name, impl) == 0;
    return steps;
}

/* ---- what a net answers ---------------------------------------------------
 */

static ocellus_status
answer(ocellus_device *device, ocellus_graph *graph, const char *precision,
       float *y, int *tiled)
{
    struct ocellus_session *session = NULL;
    const struct ocellus_tensor *got;
    ocellus_status status;

    OC_TRY_OUT(open_session(device, graph, precision, 0, &session));
    OC_TRY_OUT(
        oc_session_set_input(session, graph->inputs[0]->name, &pictures));
    OC_TRY_OUT(oc_session_run(session));
    *tiled = steps_by(session, "amx");
    OC_TRY_OUT(oc_session_get_output(session, graph->output_names[0], &got));
    memcpy(y, got->data, BATCH * CLASSES * sizeof *y);
out:
    oc_session_destroy(session);
    return status;
}

static double
apart(const float *a, const float *b, int elements)
{
    double far = 0.0, most = 0.0;

    for (int k = 0; k < elements; k++) {
        far = fmax(far, fabs((double)a[k] - b[k]));
        most = fmax(most, fabs((double)a[k]));
    }
    return far / most;
}

static void
check_answers(ocellus_device *device, const char *net, int side, int least)
{
    float exact[BATCH * CLASSES], rounded[BATCH * CLASSES];
    ocellus_graph *graph = NULL;
    int none = -1, tiled = -1;
    double far;
    char what[160];

    draw(BATCH, side);
    if (ocellus_net_create(net, 3, side, side, CLASSES, 0, &graph) !=
            OCELLUS_OK ||
        answer(device, graph, "fp32", exact, &none) != OCELLUS_OK ||
        answer(device, graph, "bf16", rounded, &tiled) != OCELLUS_OK) {
        tell(0, ocellus_error());
        ocellus_graph_destroy(graph);
        return;
    }
    far = apart(exact, rounded, BATCH * CLASSES);
    snprintf(what, sizeof what,
             "%s: %d convolutions in tiles (%d in float32), off by %.4f of the "
             "largest number",
             net, tiled, none, far);
    tell(none == 0 && tiled >= least && far > 1e-5 && far < 0.03, what);
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

/* Two layers whose products fill tiles, and one that has too few columns. */
static ocellus_graph *
rows_net(void)
{
    const int64_t dims[] = {-1, 3, 8, 8};
    ocellus_graph *graph;
    ocellus_value *x;

    if (ocellus_graph_create(&graph) != OCELLUS_OK)
        return NULL;
    x = ocellus_flatten(
        ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 4, dims));
    x = ocellus_relu(ocellus_linear(x, "a", 40));
    x = ocellus_relu(ocellus_linear(x, "b", 24));
    if (ocellus_graph_output(graph, "y", ocellus_linear(x, "c", CLASSES)) ==
        OCELLUS_OK)
        return graph;
    ocellus_graph_destroy(graph);
    return NULL;
}

static ocellus_status
learn(ocellus_device *device, ocellus_graph *graph, const char *precision,
      float loss[STEPS], int *tiled)
{
    struct ocellus_session *session = NULL;
    const struct ocellus_tensor *got;
    ocellus_status status;

    OC_TRY_OUT(open_session(device, graph, precision, 1, &session));
    for (int k = 0; k < STEPS; k++) {
        OC_TRY_OUT(oc_session_set_input(session, "x", &pictures));
        OC_TRY_OUT(oc_session_set_input(session, "labels", &labels));
        OC_TRY_OUT(oc_session_set_input(session, "learning_rate", &rates));
        OC_TRY_OUT(oc_session_run(session));
        OC_TRY_OUT(oc_session_get_output(session, "loss", &got));
        loss[k] = ((const float *)got->data)[0];
    }
    *tiled = steps_by(session, "amx");
out:
    oc_session_destroy(session);
    return status;
}

/* Of a net that the check destroys; so many passes are products in tiles. */
static void
check_learning(ocellus_device *device, ocellus_graph *graph, int passes)
{
    float exact[STEPS], rounded[STEPS];
    int none = -1, tiled = -1;
    double far;
    char what[160];

    if (!graph || learn(device, graph, "fp32", exact, &none) != OCELLUS_OK ||
        learn(device, graph, "bf16", rounded, &tiled) != OCELLUS_OK) {
        tell(0, ocellus_error());
        ocellus_graph_destroy(graph);
        return;
    }
    far = apart(exact, rounded, STEPS);
    snprintf(what, sizeof what,
             "a small net learns by %d passes in tiles: loss from %.4f to "
             "%.4f, off by %.4f of the first at most",
             tiled, (double)rounded[0], (double)rounded[STEPS - 1], far);
    tell(none == 0 && tiled == passes &&
             rounded[STEPS - 1] < 0.5f * rounded[0] && far > 1e-6 && far < 0.03,
         what);
    ocellus_graph_destroy(graph);
}

/* Weights of matrix products are laid out before the first run. */
static ocellus_status
pack_ahead(ocellus_device *device, ocellus_graph *graph, int *ahead)
{
    struct ocellus_session *session = NULL;
    const struct oc_plan *plan;
    ocellus_status status;

    *ahead = -1;
    OC_TRY_OUT(open_session(device, graph, "bf16", 0, &session));
    OC_TRY_OUT(oc_session_set_input(session, "x", &pictures));
    OC_TRY_OUT(oc_session_plan(session, &plan, NULL));
    *ahead = plan->n_prologue;
out:
    oc_session_destroy(session);
    return status;
}

static void
check_prologue(ocellus_device *device)
{
    ocellus_graph *graph = rows_net();
    int ahead = -1;

    if (!graph || pack_ahead(device, graph, &ahead) != OCELLUS_OK)
        printf("# %s\n", ocellus_error());
    tell(ahead == 2, "two matrices of weights are rounded once");
    ocellus_graph_destroy(graph);
}

static void
check_word(void)
{
    ocellus_graph *graph = small_net();

    tell(graph &&
             ocellus_graph_set_precision(graph, "bf17") ==
                 OCELLUS_BAD_ARGUMENT &&
             strstr(ocellus_error(), "bf17"),
         "there is no bf17");
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
    check_word();
    check_answers(device, "squeezenet", 32, 25);
    /* Three convolutions of 16 channels or more, with three passes each. */
    draw(BATCH, 12);
    check_learning(device, small_net(), 9);
    /* Two products; the gradients of their weights and of what lies between. */
    draw(ROWS, 8);
    rate = 0.7f;
    check_learning(device, rows_net(), 5);
    check_prologue(device);
    ocellus_device_close(device);
    printf("1..%d\n", count);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

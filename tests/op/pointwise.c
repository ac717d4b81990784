/* pointwise.c - formulas as text, and chains of pointwise operators that
 * become one kernel. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/session.h"
#include "op/pointwise.h"
#include "pass/fuse.h"

static int failed;

static void
check(int good, const char *what)
{
    printf("%s - %s\n", good ? "ok" : "not ok", what);
    failed |= !good;
}

/* ---- text ---------------------------------------------------------------- */

static void
check_text(const char *formula, const struct oc_formula_names *names,
           const char *want)
{
    struct oc_text text = {0};

    oc_formula_write(&text, formula, names);
    check(text.data && strcmp(text.data, want) == 0, want);
    oc_text_free(&text);
}

static void
texts(void)
{
    struct oc_formula_names names = {.arg = {"v", "e0"}, .shift = 2};

    check_text("max(a, 0.0f) + s0 * b", &names, "max(v, 0.0f) + s2 * e0");
    /* Letters inside words and numbers stay. */
    check_text("fabs(a) * 1.5e-3f + tanh(b) - abs_a", &names,
               "fabs(v) * 1.5e-3f + tanh(e0) - abs_a");
    names = (struct oc_formula_names){
        .v = "(a + b)", .extra = {"c"}, .plain_literals = 1};
    check_text("v * 0.5f - e0 / s1", &names, "(a + b) * 0.5 - c / s1");
}

static void
formulas(void)
{
    static const char *const in[] = {"v", NULL};
    struct oc_shape shape = OC_SHAPE(2, 3);
    float scalar[OC_POINTWISE_SCALARS] = {0.25f};
    struct ocellus_graph *graph;
    struct ocellus_value *x, *y;
    struct oc_text text = {0};
    int n = 1;

    if (oc_graph_create(&graph) != OCELLUS_OK)
        return;
    x = oc_graph_input(graph, "x", OCELLUS_FLOAT, &shape);
    y = OC_NODE(graph, "Sub", NULL, x, oc_scalar(graph, 3.0));
    check(y && oc_formula_of(y->node, in, &text, scalar, &n) == OCELLUS_OK &&
              strcmp(text.data, "(v - s1)") == 0 && n == 2 && scalar[1] == 3.0f,
          "a number known on the host is a scalar");
    oc_text_clear(&text);
    y = OC_NODE(graph, "Cast", "to=6", x);
    check(y && oc_formula_of(y->node, in, &text, scalar, &n) ==
                   OCELLUS_UNSUPPORTED,
          "a change of type has no formula to put into another");
    oc_text_free(&text);
    oc_graph_destroy(graph);
}

/* ---- chains -------------------------------------------------------------- */

/* leaky(tanh(2 * clip(x) + z)) - 1.5 */
static struct ocellus_value *
chain(struct ocellus_graph *graph, const struct oc_shape *shape)
{
    struct ocellus_value *x, *z, *y;

    x = oc_graph_input(graph, "x", OCELLUS_FLOAT, shape);
    z = oc_graph_input(graph, "z", OCELLUS_FLOAT, shape);
    y = OC_NODE(graph, "Clip", NULL, x, oc_scalar(graph, -1.0));
    y = OC_NODE(graph, "Mul", NULL, y, oc_scalar(graph, 2.0));
    y = OC_NODE(graph, "Add", NULL, y, z);
    y = OC_NODE(graph, "Tanh", NULL, y);
    y = OC_NODE(graph, "LeakyRelu", "alpha=0.3", y);
    return OC_NODE(graph, "Sub", NULL, y, oc_scalar(graph, 1.5));
}

static double
chain_of(double x, double z)
{
    double y = tanh(2.0 * (x < -1.0 ? -1.0 : x) + z);

    return (y < 0.0 ? 0.3 * y : y) - 1.5;
}

static ocellus_status
fuse(struct ocellus_graph *graph, void *user)
{
    (void)user;
    return oc_fuse_pass(graph);
}

static struct ocellus_tensor *
numbers(const struct oc_shape *shape, double from)
{
    struct ocellus_tensor *tensor = NULL;
    int64_t count = oc_shape_count(shape);

    if (oc_tensor_create(OCELLUS_FLOAT, shape, &tensor) == OCELLUS_OK)
        for (int64_t i = 0; i < count; i++)
            ((float *)tensor->data)[i] = (float)(from * sin(0.7 * (double)i));
    return tensor;
}

static int
is_right(struct ocellus_session *session, const struct ocellus_tensor *x,
         const struct ocellus_tensor *z)
{
    const struct ocellus_tensor *y;

    if (oc_session_run(session) != OCELLUS_OK ||
        oc_session_get_output(session, "y", &y) != OCELLUS_OK) {
        printf("# %s\n", ocellus_error());
        return 0;
    }
    for (int64_t i = 0; i < oc_shape_count(&y->shape); i++) {
        double want = chain_of((double)((float *)x->data)[i],
                               (double)((float *)z->data)[i]);

        if (!(fabs((double)((float *)y->data)[i] - want) < 1e-5))
            return 0;
    }
    return 1;
}

static void
chains(ocellus_device *device, int direct)
{
    static const char *const rows[] = {"Clip:rows"};
    struct oc_caps caps = *oc_device_caps(device);
    struct oc_shape shape = OC_SHAPE(2, 5, 3, 7);
    struct ocellus_tensor *x = numbers(&shape, 3.0), *z = numbers(&shape, -1.0);
    struct ocellus_session *session = NULL;
    struct ocellus_graph *graph = NULL;
    const struct oc_plan *plan;
    struct oc_run *run;
    int good = 0;

    caps.quarantine = rows;
    caps.n_quarantine = direct;
    if (x && z && oc_graph_create(&graph) == OCELLUS_OK &&
        oc_graph_output(graph, "y", chain(graph, &shape)) == OCELLUS_OK &&
        oc_session_create(device, graph, NULL, fuse, NULL, &session) ==
            OCELLUS_OK) {
        oc_session_set_caps(session, &caps);
        good = oc_session_set_input(session, "x", x) == OCELLUS_OK &&
               oc_session_set_input(session, "z", z) == OCELLUS_OK &&
               oc_session_plan(session, &plan, &run) == OCELLUS_OK;
    }
    if (!good)
        printf("# %s\n", ocellus_error());
    check(good && plan->n_steps == 1, "six operators are one launch");
    check(good && is_right(session, x, z),
          direct ? "one launch of six by numbers is right"
                 : "one launch of six by rows is right");
    oc_session_destroy(session);
    oc_graph_destroy(graph);
    oc_tensor_destroy(x);
    oc_tensor_destroy(z);
}

int
main(void)
{
    ocellus_device *device;

    texts();
    formulas();
    if (ocellus_device_open(NULL, &device) != OCELLUS_OK) {
        printf("ok - # SKIP %s\n", ocellus_error());
        return failed ? EXIT_FAILURE : 77;
    }
    chains(device, 0);
    chains(device, 1);
    ocellus_device_close(device);
    return failed;
}

/* harness_gradient.c - gradients against central differences. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "pass/grad.h"
#include "tests/op/harness_inside.h"

#define PROBES 24 /* numbers of an input whose gradient is looked at */

static int
has_gradient(const struct oc_test *t, int k)
{
    const struct oc_case_input *in = &t->of->in[k];

    return oc_test_is_there(in) && !in->host && !in->no_gradient &&
           oc_type_is_float(t->tensor[k]->type);
}

/* dx<k> = d sum(r * y) / d x<k> as outputs. */
static ocellus_status
gradient_pass(struct ocellus_graph *graph, void *user)
{
    struct oc_test *t = user;
    struct ocellus_value *wrt[MOST_IN] = {0}, *dx[MOST_IN] = {0};
    char name[16];
    int n = 0;

    for (int k = 0; k < graph->n_inputs; k++)
        if (graph->inputs[k]->name[0] == 'x' &&
            has_gradient(t, atoi(graph->inputs[k]->name + 1)))
            wrt[n++] = graph->inputs[k];
    OC_TRY(oc_grad(graph, graph->outputs[0], wrt, n, dx));
    for (int k = 0; k < n; k++) {
        snprintf(name, sizeof name, "d%s", wrt[k]->name);
        if (!dx[k])
            return oc_fail(OCELLUS_INTERNAL, "no %s", name);
        OC_TRY(oc_graph_output(graph, name, dx[k]));
    }
    return OCELLUS_OK;
}

static double
loss_of(struct oc_test *t, double *const y[])
{
    int of = t->of->gradient_of;
    size_t count = (size_t)oc_shape_count(&t->node->out[of]->shape);
    double sum = 0.0;

    oc_test_define(t, y);
    for (size_t i = 0; i < count; i++)
        sum += y[of][i] * oc_element_get(t->r->type, t->r->data, i);
    return sum;
}

static double
slope(struct oc_test *t, double *x, double h, double *const y[])
{
    double old = *x, up, down;

    *x = old + h;
    up = loss_of(t, y);
    *x = old - h;
    down = loss_of(t, y);
    *x = old;
    return (up - down) / (2.0 * h);
}

/* Central differences, and whether they can be trusted: one-sided slopes and
 * those of a smaller step agree away from kinks. */
static int
difference(struct oc_test *t, double *x, double *want, double *const y[])
{
    double old = *x, h = 1e-4, half, middle, ahead;

    *want = slope(t, x, h, y);
    half = slope(t, x, h / 4.0, y);
    middle = loss_of(t, y);
    *x = old + h / 4.0;
    ahead = (loss_of(t, y) - middle) / (h / 4.0);
    *x = old;
    if (fabs(half - *want) > 1e-4 * (1.0 + fabs(half)) ||
        fabs(ahead - half) > 5e-2 * (1.0 + fabs(half)))
        return 0;
    *want = half;
    return 1;
}

static int
check_gradient(struct oc_test *t, int k, const struct ocellus_tensor *got,
               double *const y[], int *looked)
{
    size_t count = (size_t)oc_shape_count(&got->shape);
    size_t step = count > PROBES ? count / PROBES : 1;
    double largest = 1e-2, bound = 1e-4 * (t->of->slack ? t->of->slack : 1);

    if (got->type == OCELLUS_FLOAT16 || got->type == OCELLUS_BFLOAT16)
        bound = got->type == OCELLUS_FLOAT16 ? 2e-3 : 2e-2;

    for (size_t i = 0; i < count; i++) {
        double v = fabs(oc_element_get(got->type, got->data, i));

        if (v > largest)
            largest = v;
    }
    for (size_t i = 0; i < count; i += step) {
        double want, v = oc_element_get(got->type, got->data, i);

        if (!difference(t, &t->x[k][i], &want, y))
            continue;
        ++*looked;
        if (!(fabs(v - want) <= bound * largest)) {
            snprintf(t->wrong, sizeof t->wrong,
                     "gradient of input %d, number %zu of %zu, is %.9g, not "
                     "%.9g",
                     k, i, count, v, want);
            return 0;
        }
    }
    return 1;
}

static int
check_gradients(struct oc_test *t, struct ocellus_session *session)
{
    double *y[MOST_OUT] = {0};
    int good = 1, looked = 0, empty = 1;
    char name[16];

    for (int k = 0; k < t->node->n_out && k < MOST_OUT; k++)
        if (t->y[k])
            y[k] = calloc((size_t)oc_shape_count(&t->node->out[k]->shape) + 1,
                          sizeof(double));
    for (int k = 0; good && k < t->n_in; k++) {
        const struct ocellus_tensor *got;

        if (!has_gradient(t, k))
            continue;
        snprintf(name, sizeof name, "dx%d", k);
        if (oc_session_get_output(session, name, &got) != OCELLUS_OK)
            good = oc_test_died(t, name);
        else
            good = check_gradient(t, k, got, y, &looked);
        empty &= oc_shape_count(&t->tensor[k]->shape) == 0;
    }
    for (int k = 0; k < MOST_OUT; k++)
        free(y[k]);
    if (good && !looked && !empty)
        return oc_test_fail(t, "no number whose gradient could be looked at");
    return good;
}

int
oc_test_gradient(struct oc_test *t)
{
    struct ocellus_graph *graph = NULL;
    struct ocellus_session *session = NULL;
    struct ocellus_value *y, *r, *loss;
    int good = 0;

    if (oc_graph_create(&graph) != OCELLUS_OK)
        return oc_test_died(t, "graph");
    y = oc_test_place_node(t, graph);
    y = y ? y->node->out[t->of->gradient_of] : NULL;
    const struct ocellus_value *known = t->node->out[t->of->gradient_of];
    r = y ? oc_graph_input(graph, "r", known->type, &known->shape) : NULL;
    y = y && r ? OC_NODE(graph, "Mul", NULL, y, r) : NULL;
    loss = y ? OC_NODE(graph, "ReduceSum", "keepdims=0", y) : NULL;
    if (!loss || oc_graph_output(graph, "loss", loss) != OCELLUS_OK) {
        oc_test_fail(t, graph->sentence ? graph->sentence : "no loss");
        goto out;
    }
    session = oc_test_open_session(t, graph, gradient_pass);
    if (!session)
        goto out;
    if (oc_session_run(session) != OCELLUS_OK)
        oc_test_died(t, "gradient");
    else
        good = check_gradients(t, session);
out:
    oc_session_destroy(session);
    oc_graph_destroy(graph);
    return good;
}

int
oc_test_wants_gradient(struct oc_test *t)
{
    const struct ocellus_value *y = t->node->out[t->of->gradient_of];
    const struct oc_shape *shape = &y->shape;
    struct oc_random random;
    size_t count = (size_t)oc_shape_count(shape);
    int any = 0;

    for (int k = 0; k < t->n_in; k++)
        any |= has_gradient(t, k);
    if (!any || t->of->no_gradient || count == 0 ||
        (!t->node->op->grad && !t->node->op->expand) ||
        !oc_type_is_float(y->type))
        return 0;
    if (oc_tensor_create(y->type, shape, &t->r) != OCELLUS_OK)
        return 0;
    oc_random_start(&random, 7, oc_hash_text(OC_HASH_START, t->of->op));
    for (size_t i = 0; i < count; i++)
        oc_element_set(t->r->type, t->r->data, i,
                       0.5 + (double)oc_random_uniform(&random));
    return 1;
}

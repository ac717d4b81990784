/* harness_forward.c - outputs against the reference, twice the same bits. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/op/blocked.h"
#include "tests/op/harness_inside.h"

/* Who was chosen for the operator under test? */
static const char *
chosen(struct oc_test *t, struct ocellus_session *session)
{
    const struct oc_plan *plan;
    struct oc_run *run;

    if (oc_session_plan(session, &plan, &run) != OCELLUS_OK)
        return NULL;
    for (int k = 0; k < plan->n_choices; k++)
        if (plan->choice[k].node && plan->choice[k].node->op == t->node->op &&
            plan->choice[k].impl)
            return plan->choice[k].impl->name;
    return "host";
}

/* ---- comparison ---------------------------------------------------------- */

static int
near(double got, double want, double largest, double tolerance)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got))
        return want == got;
    return fabs(got - want) <= tolerance * (largest > 1e-3 ? largest : 1e-3);
}

static double
largest_of(const double *y, size_t count)
{
    double largest = 0.0;

    for (size_t i = 0; i < count; i++)
        if (isfinite(y[i]) && fabs(y[i]) > largest)
            largest = fabs(y[i]);
    return largest;
}

static int
compare(struct oc_test *t, const struct ocellus_tensor *got, const double *want,
        const char *what)
{
    size_t count = (size_t)oc_shape_count(&got->shape);
    double largest = largest_of(want, count);
    double tolerance = t->of->tolerance > 0.0 ? t->of->tolerance : 1e-5;

    for (size_t i = 0; i < count; i++) {
        double v = oc_element_get(got->type, got->data, i);

        if (!near(v, want[i], largest, tolerance)) {
            snprintf(t->wrong, sizeof t->wrong,
                     "%s: number %zu of %zu is %.9g, not %.9g", what, i, count,
                     v, want[i]);
            return 0;
        }
    }
    return 1;
}

/* ---- forward ------------------------------------------------------------- */

static int
name_outputs(struct oc_test *t, struct ocellus_graph *graph,
             struct ocellus_value *value)
{
    char name[16];

    for (int k = 0; k < t->n_out; k++) {
        struct ocellus_value *out = value->node->out[k];

        if (t->node->out[k]->type == OCELLUS_UNDEFINED)
            continue;
        if (t->blocked && k == 0 && oc_can_be_raw(out))
            out = oc_apply_attrs(graph, &oc_raw_op, NULL, 0, NULL, &out, 1, 0);
        snprintf(name, sizeof name, "y%d", k);
        if (oc_graph_output(graph, name, out) != OCELLUS_OK)
            return oc_test_died(t, name);
    }
    return 1;
}

/* Output k as plain numbers, which the caller destroys; for a raw one its
 * padding is looked at, too. */
static struct ocellus_tensor *
output(struct oc_test *t, struct ocellus_session *session, int k)
{
    const struct ocellus_tensor *lent;
    const struct ocellus_value *out = t->node->out[k];
    struct ocellus_tensor *plain;
    char name[16];

    snprintf(name, sizeof name, "y%d", k);
    if (oc_session_get_output(session, name, &lent) != OCELLUS_OK ||
        oc_tensor_create(out->type, &out->shape, &plain) != OCELLUS_OK) {
        oc_test_died(t, name);
        return NULL;
    }
    if (t->blocked && k == 0 && oc_can_be_raw(out)) {
        if (!oc_raw_read(lent, plain)) {
            oc_test_fail(t, "padding is not zero");
            oc_tensor_destroy(plain);
            return NULL;
        }
    } else {
        memcpy(plain->data, lent->data,
               (size_t)oc_shape_count(&out->shape) * oc_type_size(out->type));
    }
    return plain;
}

static int
check_outputs(struct oc_test *t, struct ocellus_session *session,
              struct ocellus_tensor *first[MOST_OUT], const char *who)
{
    for (int k = 0; k < t->n_out; k++) {
        const struct ocellus_value *out = t->node->out[k];
        struct ocellus_tensor *got;
        int same;

        if (out->type == OCELLUS_UNDEFINED)
            continue;
        got = output(t, session, k);
        if (!got)
            return 0;
        if (!first[k]) {
            first[k] = got;
            if (!compare(t, got, t->y[k], who))
                return 0;
            continue;
        }
        same = memcmp(got->data, first[k]->data,
                      (size_t)oc_shape_count(&out->shape) *
                          oc_type_size(out->type)) == 0;
        oc_tensor_destroy(got);
        if (!same)
            return oc_test_fail(t, "the second run gives other bits");
    }
    return 1;
}

static int
run_twice(struct oc_test *t, struct ocellus_session *session, const char *who)
{
    struct ocellus_tensor *first[MOST_OUT] = {0};
    int good = 1;

    for (int run = 0; good && run < 2; run++) {
        if (oc_session_run(session) != OCELLUS_OK)
            good = oc_test_died(t, who);
        else
            good = check_outputs(t, session, first, who);
    }
    for (int k = 0; k < MOST_OUT; k++)
        oc_tensor_destroy(first[k]);
    return good;
}

/* A session's pass: marks the graph, as the training pass does. */
static ocellus_status
mark(struct ocellus_graph *graph, void *user)
{
    graph->training = ((const struct oc_test *)user)->of->training;
    return OCELLUS_OK;
}

/* `impl` NULL: the planner's choice. Refusals are good, too. */
int
oc_test_forward(struct oc_test *t, const char *impl)
{
    struct ocellus_graph *graph = NULL;
    struct ocellus_session *session = NULL;
    struct ocellus_value *value;
    const char *who;
    int good = 0;

    if (oc_graph_create(&graph) != OCELLUS_OK)
        return oc_test_died(t, "graph");
    value = oc_test_place_node(t, graph);
    if (!value || !name_outputs(t, graph, value)) {
        oc_test_fail(t, graph->sentence ? graph->sentence : "no node");
        goto out;
    }
    session = oc_test_open_session(t, graph, mark);
    who = session ? chosen(t, session) : NULL;
    if (!who) {
        oc_test_died(t, "plan");
        goto out;
    }
    if (!impl && t->of->by && strcmp(t->of->by, who) != 0)
        oc_test_fail(t, "the planner takes another implementation");
    else
        good = impl && strcmp(impl, who) != 0 ? 1 : run_twice(t, session, who);
out:
    oc_session_destroy(session);
    oc_graph_destroy(graph);
    return good;
}

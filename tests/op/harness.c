/* harness.c - see harness.h. */
#include "tests/op/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "device/session.h"
#include "pass/grad.h"
#include "tests/op/blocked.h"

#define MOST_IN 9
#define MOST_OUT 4
#define PROBES 24 /* numbers of an input whose gradient is looked at */

/* One case, its numbers, and what is wrong with it. */
struct test {
    const struct oc_case *of;
    ocellus_device *device;
    int n_in;
    struct ocellus_tensor *tensor[MOST_IN];
    struct ocellus_tensor *r;
    double *x[MOST_IN]; /* the tensors' numbers */
    double *y[MOST_OUT];
    struct ocellus_graph *graph; /* of the bare operator */
    const struct oc_node *node;
    int n_out;
    int blocked, halo;
    const char *const *quarantine;
    int n_quarantine;
    char wrong[512];
};

static int
fail(struct test *t, const char *what)
{
    snprintf(t->wrong, sizeof t->wrong, "%s", what);
    return 0;
}

static int
died(struct test *t, const char *what)
{
    snprintf(t->wrong, sizeof t->wrong, "%s: %s", what, ocellus_error());
    return 0;
}

/* ---- walking ------------------------------------------------------------- */

int
oc_next(const struct oc_shape *shape, int64_t at[OC_MAX_RANK])
{
    for (int k = shape->rank - 1; k >= 0; k--) {
        if (++at[k] < shape->dim[k])
            return 1;
        at[k] = 0;
    }
    return 0;
}

int64_t
oc_spread(const struct oc_shape *shape, const struct oc_shape *out,
          const int64_t at[OC_MAX_RANK])
{
    int64_t place = 0;

    for (int k = 0; k < shape->rank; k++) {
        int64_t i = at[out->rank - shape->rank + k];

        place = place * shape->dim[k] + (shape->dim[k] == 1 ? 0 : i);
    }
    return place;
}

void
oc_map(const struct oc_node *node, const double *const x[], double *const y[],
       double (*f)(const struct oc_node *node, const double v[]))
{
    const struct oc_shape *out = &node->out[0]->shape;
    int64_t at[OC_MAX_RANK] = {0}, i = 0;

    if (oc_shape_count(out) == 0)
        return;
    do {
        double v[MOST_IN] = {0};

        for (int k = 0; k < node->n_in; k++)
            if (x[k])
                v[k] = x[k][oc_spread(&node->in[k]->shape, out, at)];
        y[0][i++] = f(node, v);
    } while (oc_next(out, at));
}

/* ---- numbers ------------------------------------------------------------- */

static struct oc_shape
parse(const char *text)
{
    struct oc_shape shape = oc_shape_make(0, NULL);

    while (*text) {
        char *end;

        shape.dim[shape.rank++] = strtoll(text, &end, 10);
        text = *end == 'x' ? end + 1 : end;
    }
    return shape;
}

static int
is_there(const struct oc_case_input *in)
{
    return in->shape || in->count;
}

static double
draw(const struct oc_case_input *in, struct oc_random *random, int whole)
{
    double low = in->low, high = in->high;
    double u = (double)oc_random_uniform(random);

    if (low == 0.0 && high == 0.0) {
        low = whole ? 0.0 : -1.0;
        high = 1.0;
    }
    return whole ? low + floor(u * (high - low + 1.0)) : low + u * (high - low);
}

static int
make_input(struct test *t, int k, struct oc_random *random)
{
    const struct oc_case_input *in = &t->of->in[k];
    ocellus_type type = in->type ? in->type : OCELLUS_FLOAT;
    struct oc_shape shape = in->shape ? parse(in->shape) : OC_SHAPE(in->count);
    size_t count = (size_t)oc_shape_count(&shape);

    if (oc_tensor_create(type, &shape, &t->tensor[k]) != OCELLUS_OK)
        return died(t, "input");
    t->x[k] = calloc(count + 1, sizeof(double));
    for (size_t i = 0; t->x[k] && i < count; i++) {
        double v = in->values ? in->values[i]
                              : draw(in, random, !oc_type_is_float(type));

        oc_element_set(type, t->tensor[k]->data, i, v);
        t->x[k][i] = oc_element_get(type, t->tensor[k]->data, i);
    }
    return t->x[k] != NULL;
}

/* ---- graphs -------------------------------------------------------------- */

static struct ocellus_value *
place_input(struct test *t, struct ocellus_graph *graph, int k)
{
    const struct oc_case_input *in = &t->of->in[k];
    const struct ocellus_tensor *tensor = t->tensor[k];
    struct ocellus_value *value;
    char name[16];

    if (!is_there(in))
        return NULL;
    snprintf(name, sizeof name, "x%d", k);
    if (in->host)
        return oc_graph_constant(graph, NULL, tensor->type, &tensor->shape,
                                 tensor->data);
    value = oc_graph_input(graph, name, tensor->type, &tensor->shape);
    if (t->blocked && value && tensor->shape.rank == 4 &&
        tensor->type == OCELLUS_FLOAT)
        value =
            oc_apply_attrs(graph, &oc_blocked_op, NULL, 0, NULL, &value, 1, 0);
    return value;
}

/* The operator on its inputs; NULL where it is refused. */
static struct ocellus_value *
place_node(struct test *t, struct ocellus_graph *graph)
{
    struct ocellus_value *in[MOST_IN];

    for (int k = 0; k < t->n_in; k++)
        in[k] = place_input(t, graph, k);
    return oc_apply(graph, t->of->op, t->of->attributes, in, t->n_in);
}

/* What the reference says, into y[]. */
static void
define(struct test *t, double *const y[])
{
    t->of->reference(t->node, (const double *const *)t->x, y);
}

static int
prepare(struct test *t)
{
    struct ocellus_value *value;
    char text[OC_SHAPE_TEXT];

    if (oc_graph_create(&t->graph) != OCELLUS_OK)
        return died(t, "graph");
    value = place_node(t, t->graph);
    if (!value) {
        snprintf(t->wrong, sizeof t->wrong, "refused: %s", t->graph->sentence);
        return 0;
    }
    t->node = value->node;
    oc_shape_text(&value->shape, text);
    if (t->of->expect) {
        struct oc_shape want = parse(t->of->expect);

        if (!oc_shape_equal(&want, &value->shape)) {
            snprintf(t->wrong, sizeof t->wrong, "infers %s, not %s", text,
                     t->of->expect);
            return 0;
        }
    }
    t->n_out = t->of->n_compared
                   ? t->of->n_compared
                   : value->node->n_out - value->node->op->n_saved;
    for (int k = 0; k < value->node->n_out && k < MOST_OUT; k++) {
        const struct ocellus_value *out = value->node->out[k];

        if (out->type != OCELLUS_UNDEFINED)
            t->y[k] =
                calloc((size_t)oc_shape_count(&out->shape) + 1, sizeof(double));
    }
    define(t, t->y);
    return 1;
}

/* ---- sessions ------------------------------------------------------------ */

static struct ocellus_session *
open_session(struct test *t, const struct ocellus_graph *graph,
             oc_session_pass pass)
{
    struct ocellus_session *session;
    struct oc_caps caps = *oc_device_caps(t->device);
    char name[16];

    if (oc_session_create(t->device, graph, NULL, pass, t, &session) !=
        OCELLUS_OK) {
        died(t, "session");
        return NULL;
    }
    if (t->of->gpu)
        caps.cpu = 0;
    caps.quarantine = t->quarantine;
    caps.n_quarantine = t->n_quarantine;
    oc_session_set_caps(session, &caps);
    for (int k = 0; k < t->n_in; k++) {
        snprintf(name, sizeof name, "x%d", k);
        if (is_there(&t->of->in[k]) && !t->of->in[k].host)
            oc_session_set_input(session, name, t->tensor[k]);
    }
    if (t->r)
        oc_session_set_input(session, "r", t->r);
    return session;
}

/* Who was chosen for the operator under test? */
static const char *
chosen(struct test *t, struct ocellus_session *session)
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
compare(struct test *t, const struct ocellus_tensor *got, const double *want,
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
name_outputs(struct test *t, struct ocellus_graph *graph,
             struct ocellus_value *value)
{
    char name[16];

    for (int k = 0; k < t->n_out; k++) {
        struct ocellus_value *out = value->node->out[k];

        if (out->type == OCELLUS_UNDEFINED)
            continue;
        if (t->blocked && k == 0 && oc_can_be_raw(out))
            out = oc_apply_attrs(graph, &oc_raw_op, NULL, 0, NULL, &out, 1, 0);
        snprintf(name, sizeof name, "y%d", k);
        if (oc_graph_output(graph, name, out) != OCELLUS_OK)
            return died(t, name);
    }
    return 1;
}

/* Output k as plain numbers, which the caller destroys; for a raw one its
 * padding is looked at, too. */
static struct ocellus_tensor *
output(struct test *t, struct ocellus_session *session, int k)
{
    const struct ocellus_tensor *lent;
    const struct ocellus_value *out = t->node->out[k];
    struct ocellus_tensor *plain;
    char name[16];

    snprintf(name, sizeof name, "y%d", k);
    if (oc_session_get_output(session, name, &lent) != OCELLUS_OK ||
        oc_tensor_create(out->type, &out->shape, &plain) != OCELLUS_OK) {
        died(t, name);
        return NULL;
    }
    if (t->blocked && k == 0 && oc_can_be_raw(out)) {
        if (!oc_raw_read(lent, plain)) {
            fail(t, "padding is not zero");
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
check_outputs(struct test *t, struct ocellus_session *session,
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
            return fail(t, "the second run gives other bits");
    }
    return 1;
}

static int
run_twice(struct test *t, struct ocellus_session *session, const char *who)
{
    struct ocellus_tensor *first[MOST_OUT] = {0};
    int good = 1;

    for (int run = 0; good && run < 2; run++) {
        if (oc_session_run(session) != OCELLUS_OK)
            good = died(t, who);
        else
            good = check_outputs(t, session, first, who);
    }
    for (int k = 0; k < MOST_OUT; k++)
        oc_tensor_destroy(first[k]);
    return good;
}

/* `impl` NULL: the planner's choice. Refusals are good, too. */
static int
forward(struct test *t, const char *impl)
{
    struct ocellus_graph *graph = NULL;
    struct ocellus_session *session = NULL;
    struct ocellus_value *value;
    const char *who;
    int good = 0;

    if (oc_graph_create(&graph) != OCELLUS_OK)
        return died(t, "graph");
    value = place_node(t, graph);
    if (!value || !name_outputs(t, graph, value)) {
        fail(t, graph->sentence ? graph->sentence : "no node");
        goto out;
    }
    session = open_session(t, graph, NULL);
    who = session ? chosen(t, session) : NULL;
    if (!who) {
        died(t, "plan");
        goto out;
    }
    good = impl && strcmp(impl, who) != 0 ? 1 : run_twice(t, session, who);
out:
    oc_session_destroy(session);
    oc_graph_destroy(graph);
    return good;
}

/* ---- gradient ------------------------------------------------------------ */

static int
has_gradient(const struct test *t, int k)
{
    const struct oc_case_input *in = &t->of->in[k];

    return is_there(in) && !in->host && !in->no_gradient &&
           oc_type_is_float(t->tensor[k]->type);
}

/* dx<k> = d sum(r * y) / d x<k> as outputs. */
static ocellus_status
gradient_pass(struct ocellus_graph *graph, void *user)
{
    struct test *t = user;
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
loss_of(struct test *t, double *const y[])
{
    size_t count = (size_t)oc_shape_count(&t->node->out[0]->shape);
    double sum = 0.0;

    define(t, y);
    for (size_t i = 0; i < count; i++)
        sum += y[0][i] * oc_element_get(t->r->type, t->r->data, i);
    return sum;
}

static double
slope(struct test *t, double *x, double h, double *const y[])
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
difference(struct test *t, double *x, double *want, double *const y[])
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
check_gradient(struct test *t, int k, const struct ocellus_tensor *got,
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
check_gradients(struct test *t, struct ocellus_session *session)
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
            good = died(t, name);
        else
            good = check_gradient(t, k, got, y, &looked);
        empty &= oc_shape_count(&t->tensor[k]->shape) == 0;
    }
    for (int k = 0; k < MOST_OUT; k++)
        free(y[k]);
    if (good && !looked && !empty)
        return fail(t, "no number whose gradient could be looked at");
    return good;
}

static int
gradient(struct test *t)
{
    struct ocellus_graph *graph = NULL;
    struct ocellus_session *session = NULL;
    struct ocellus_value *y, *r, *loss;
    int good = 0;

    if (oc_graph_create(&graph) != OCELLUS_OK)
        return died(t, "graph");
    y = place_node(t, graph);
    r = y ? oc_graph_input(graph, "r", y->type, &y->shape) : NULL;
    y = y && r ? OC_NODE(graph, "Mul", NULL, y, r) : NULL;
    loss = y ? OC_NODE(graph, "ReduceSum", "keepdims=0", y) : NULL;
    if (!loss || oc_graph_output(graph, "loss", loss) != OCELLUS_OK) {
        fail(t, graph->sentence ? graph->sentence : "no loss");
        goto out;
    }
    session = open_session(t, graph, gradient_pass);
    if (!session)
        goto out;
    if (oc_session_run(session) != OCELLUS_OK)
        died(t, "gradient");
    else
        good = check_gradients(t, session);
out:
    oc_session_destroy(session);
    oc_graph_destroy(graph);
    return good;
}

static int
wants_gradient(struct test *t)
{
    const struct oc_shape *shape = &t->node->out[0]->shape;
    struct oc_random random;
    size_t count = (size_t)oc_shape_count(shape);
    int any = 0;

    for (int k = 0; k < t->n_in; k++)
        any |= has_gradient(t, k);
    if (!any || t->of->no_gradient || !t->node->op->grad || count == 0 ||
        !oc_type_is_float(t->node->out[0]->type))
        return 0;
    if (oc_tensor_create(t->node->out[0]->type, shape, &t->r) != OCELLUS_OK)
        return 0;
    oc_random_start(&random, 7, oc_hash_text(OC_HASH_START, t->of->op));
    for (size_t i = 0; i < count; i++)
        oc_element_set(t->r->type, t->r->data, i,
                       0.5 + (double)oc_random_uniform(&random));
    return 1;
}

/* ---- one case ------------------------------------------------------------ */

#define MOST_REFUSED 1024

/* "Op:impl" of all implementations but the last of each operator. */
static const char *const *
all_but_direct(int *count)
{
    static char name[MOST_REFUSED][96];
    static const char *list[MOST_REFUSED];
    static int n;
    const struct oc_op *op;

    for (int k = 0; n == 0 && (op = oc_op_at(k)) != NULL; k++)
        for (int i = 0; op->impls && op->impls[i].name && op->impls[i + 1].name;
             i++)
            if (n < MOST_REFUSED) {
                snprintf(name[n], sizeof name[n], "%s:%s", op->name,
                         op->impls[i].name);
                list[n] = name[n];
                n++;
            }
    *count = n;
    return list;
}

/* Each implementation but the planner's first choice, by refusing those before
 * it. */
static int
forward_others(struct test *t)
{
    static char name[16][96];
    const char *list[16];
    const struct oc_impl *impls = t->node->op->impls;
    int good = 1;

    t->quarantine = list;
    for (int i = 0; good && impls && impls[i].name && impls[i + 1].name; i++) {
        if (i >= (int)OC_COUNT(list))
            break;
        snprintf(name[i], sizeof name[i], "%s:%s", t->of->op, impls[i].name);
        list[i] = name[i];
        t->n_quarantine = i + 1;
        good = forward(t, impls[i + 1].name);
    }
    t->n_quarantine = 0;
    return good;
}

static int
blocks(const struct test *t)
{
    if (t->of->plain || t->of->gpu || !oc_device_caps(t->device)->cpu)
        return 0;
    for (int k = 0; k < t->n_in; k++)
        if (t->tensor[k] && !t->of->in[k].host &&
            t->tensor[k]->shape.rank == 4 &&
            t->tensor[k]->type == OCELLUS_FLOAT)
            return 1;
    return 0;
}

static int
forward_blocked(struct test *t, int halo)
{
    int good;

    t->blocked = 1;
    t->halo = halo;
    oc_blocked_set(oc_device_caps(t->device)->vector_width, halo);
    good = forward(t, NULL);
    t->blocked = 0;
    return good;
}

static int
gradients(struct test *t)
{
    int good;

    if (!wants_gradient(t))
        return 1;
    good = gradient(t);
    if (good) {
        t->quarantine = all_but_direct(&t->n_quarantine);
        good = gradient(t);
        t->n_quarantine = 0;
    }
    if (good && blocks(t)) {
        t->blocked = 1;
        oc_blocked_set(oc_device_caps(t->device)->vector_width, 1);
        good = gradient(t);
        t->blocked = 0;
    }
    return good;
}

/* 1: passed, 0: failed, -1: the device has not the types. */
static int
run_case(struct test *t, size_t index)
{
    struct oc_random random;

    oc_random_start(&random, index, oc_hash_text(OC_HASH_START, t->of->op));
    for (int k = 0; k < MOST_IN; k++) {
        if (!is_there(&t->of->in[k]))
            continue;
        t->n_in = k + 1;
        if (t->of->in[k].type == OCELLUS_DOUBLE &&
            !oc_device_caps(t->device)->fp64)
            return -1;
        if (!make_input(t, k, &random))
            return 0;
    }
    return prepare(t) && forward(t, NULL) && forward_others(t) &&
           (!blocks(t) || (forward_blocked(t, 0) && forward_blocked(t, 1))) &&
           gradients(t);
}

static void
clear(struct test *t)
{
    for (int k = 0; k < MOST_IN; k++) {
        oc_tensor_destroy(t->tensor[k]);
        free(t->x[k]);
    }
    for (int k = 0; k < MOST_OUT; k++)
        free(t->y[k]);
    oc_tensor_destroy(t->r);
    oc_graph_destroy(t->graph);
}

static int
run_one(ocellus_device *device, const struct oc_case *of, size_t index)
{
    struct test t = {.of = of, .device = device};
    int result = run_case(&t, index);

    printf("%s - %s%s%s", result ? "ok" : "not ok", of->op,
           of->attributes ? " " : "", of->attributes ? of->attributes : "");
    for (int k = 0; k < t.n_in; k++) {
        char text[OC_SHAPE_TEXT];

        printf(" %s",
               t.tensor[k] ? oc_shape_text(&t.tensor[k]->shape, text) : "-");
    }
    printf("%s\n", result < 0 ? " # SKIP no doubles on this device" : "");
    if (!result)
        printf("#   %s\n", t.wrong);
    fflush(stdout);
    clear(&t);
    return result != 0;
}

int
oc_cases_run(const struct oc_case *cases, size_t count)
{
    const char *only = getenv("OCELLUS_TEST_CASE");
    ocellus_device_info *list;
    int n, failed = 0;

    if (ocellus_device_list(0, &list, &n) != OCELLUS_OK) {
        printf("ok - # SKIP %s\n", ocellus_error());
        return 77;
    }
    for (int d = 0; d < n; d++) {
        ocellus_device *device;
        char choice[16];

        snprintf(choice, sizeof choice, "%d", list[d].index);
        if (ocellus_device_open(choice, &device) != OCELLUS_OK) {
            printf("not ok - %s: %s\n", list[d].name, ocellus_error());
            failed = 1;
            continue;
        }
        printf("# %s\n", list[d].name);
        for (size_t k = 0; k < count; k++)
            if (!only || strcmp(only, cases[k].op) == 0)
                failed |= !run_one(device, &cases[k], k);
        ocellus_device_close(device);
    }
    ocellus_device_list_free(list);
    return failed;
}

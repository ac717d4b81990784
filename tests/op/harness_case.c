/* harness_case.c - the numbers of a case, its graph and its sessions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/op/blocked.h"
#include "tests/op/harness_inside.h"

int
oc_test_fail(struct oc_test *t, const char *what)
{
    snprintf(t->wrong, sizeof t->wrong, "%s", what);
    return 0;
}

int
oc_test_died(struct oc_test *t, const char *what)
{
    snprintf(t->wrong, sizeof t->wrong, "%s: %s", what, ocellus_error());
    return 0;
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

int
oc_test_is_there(const struct oc_case_input *in)
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

int
oc_test_make_input(struct oc_test *t, int k, struct oc_random *random)
{
    const struct oc_case_input *in = &t->of->in[k];
    ocellus_type type = in->type ? in->type : OCELLUS_FLOAT;
    struct oc_shape shape = in->shape ? parse(in->shape) : OC_SHAPE(in->count);
    size_t count = (size_t)oc_shape_count(&shape);

    if (oc_tensor_create(type, &shape, &t->tensor[k]) != OCELLUS_OK)
        return oc_test_died(t, "input");
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
place_input(struct oc_test *t, struct ocellus_graph *graph, int k)
{
    const struct oc_case_input *in = &t->of->in[k];
    const struct ocellus_tensor *tensor = t->tensor[k];
    struct ocellus_value *value;
    char name[16];

    if (!oc_test_is_there(in))
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
struct ocellus_value *
oc_test_place_node(struct oc_test *t, struct ocellus_graph *graph)
{
    struct ocellus_value *in[MOST_IN];

    for (int k = 0; k < t->n_in; k++)
        in[k] = place_input(t, graph, k);
    return oc_apply(graph, t->of->op, t->of->attributes, in, t->n_in);
}

/* What the reference says, into y[]. */
void
oc_test_define(struct oc_test *t, double *const y[])
{
    t->of->reference(t->node, (const double *const *)t->x, y);
}

/* An operator made of others has shapes only once the graph is bound. */
static int
learn_shapes(struct oc_test *t)
{
    struct oc_shape shapes[MOST_IN];
    struct ocellus_graph *bound;
    ocellus_status status = OCELLUS_OK;
    char name[16];

    if (!t->node->waits)
        return 1;
    for (int k = 0; k < t->graph->n_inputs; k++)
        shapes[k] = t->graph->inputs[k]->shape;
    for (int k = 0; k < t->node->n_out && status == OCELLUS_OK; k++) {
        snprintf(name, sizeof name, "y%d", k);
        status = oc_graph_output(t->graph, name, t->node->out[k]);
    }
    if (status != OCELLUS_OK ||
        oc_graph_bind(t->graph, shapes, NULL, &bound) != OCELLUS_OK)
        return oc_test_died(t, "binding");
    for (int k = 0; k < t->node->n_out; k++) {
        t->node->out[k]->type = bound->outputs[k]->type;
        t->node->out[k]->shape = bound->outputs[k]->shape;
    }
    oc_graph_destroy(bound);
    return 1;
}

int
oc_test_prepare(struct oc_test *t)
{
    struct ocellus_value *value;
    char text[OC_SHAPE_TEXT];

    if (oc_graph_create(&t->graph) != OCELLUS_OK)
        return oc_test_died(t, "graph");
    value = oc_test_place_node(t, t->graph);
    if (!value) {
        snprintf(t->wrong, sizeof t->wrong, "refused: %s", t->graph->sentence);
        return 0;
    }
    t->node = value->node;
    if (!learn_shapes(t))
        return 0;
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
    oc_test_define(t, t->y);
    return 1;
}

/* ---- sessions ------------------------------------------------------------ */

struct ocellus_session *
oc_test_open_session(struct oc_test *t, const struct ocellus_graph *graph,
                     oc_session_pass pass)
{
    struct ocellus_session *session;
    struct oc_caps caps = *oc_device_caps(t->device);
    char name[16];

    if (oc_session_create(t->device, graph, NULL, pass, t, &session) !=
        OCELLUS_OK) {
        oc_test_died(t, "session");
        return NULL;
    }
    if (t->of->gpu)
        caps.cpu = 0;
    caps.eager = t->of->eager;
    if (t->of->tensor && !caps.tensor)
        caps.tensor = OC_TENSOR_LOOPS;
    if (t->of->pairs && !caps.pairs)
        caps.pairs = OC_PAIRS_LOOPS;
    if (t->of->largest > 0)
        caps.largest_allocation = t->of->largest;
    if (t->of->units > 0)
        caps.compute_units = t->of->units;
    /* Interpreted, CLBlast's kernels take minutes, and they are not ours. */
    if (getenv("OCELLUS_TEST_SMALL") || t->of->units > 0)
        caps.clblast = 0;
    caps.quarantine = t->quarantine;
    caps.n_quarantine = t->n_quarantine;
    oc_session_set_caps(session, &caps);
    for (int k = 0; k < t->n_in; k++) {
        snprintf(name, sizeof name, "x%d", k);
        if (oc_test_is_there(&t->of->in[k]) && !t->of->in[k].host)
            oc_session_set_input(session, name, t->tensor[k]);
    }
    if (t->r)
        oc_session_set_input(session, "r", t->r);
    return session;
}

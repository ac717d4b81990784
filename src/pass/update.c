/* update.c - see update.h.
 *
 * The state that belongs to parameter W of an optimizer is named ROLE:W
 * ("momentum:conv1.weight"), which is how a checkpoint finds it again.
 */
#include "pass/update.h"

#include <stdio.h>

#include "graph/op.h"

struct updating {
    struct ocellus_graph *graph;
    const struct oc_recipe *recipe;
    struct ocellus_value *rate, *step, *decay;
};

static ocellus_status
settled(const struct ocellus_graph *graph)
{
    if (graph->status != OCELLUS_OK)
        return oc_fail(graph->status, "%s", graph->sentence);
    return OCELLUS_OK;
}

static struct ocellus_value *
companion(struct ocellus_graph *graph, const char *role,
          const struct ocellus_value *w)
{
    char name[512];
    snprintf(name, sizeof name, "%s:%s", role, w->name);
    return oc_graph_state(graph, name, OCELLUS_FLOAT, &w->shape, "zeros", 0);
}

/* ---- accumulation -----------------------------------------------------------
 */

/* Adds a micro-batch up; or takes the sum, divides, and starts from zero. */
static struct ocellus_value *
accumulated(struct updating *u, struct ocellus_value *w,
            struct ocellus_value *g)
{
    struct ocellus_value *sum = companion(u->graph, "accumulated", w);
    if (sum == NULL)
        return NULL;
    if (u->recipe->only_accumulate)
        return sum->assigned = OC_NODE(u->graph, "GradientSum", NULL, sum, g);
    char share[32];
    snprintf(share, sizeof share, "share=%.9g",
             (double)(float)(1.0 / u->recipe->accumulate));
    struct ocellus_value *mean =
        OC_NODE(u->graph, "GradientMean", share, g, sum);
    if (mean != NULL)
        sum->assigned = mean->node->out[1];
    return mean;
}

/* ---- clipping
 * ---------------------------------------------------------------- */

/* min(1, clip / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_. */
static struct ocellus_value *
clip_factor(struct updating *u, struct ocellus_value **g, int count)
{
    struct ocellus_graph *graph = u->graph;
    struct ocellus_value *sum = NULL;
    for (int k = 0; k < count; k++) {
        if (g[k] == NULL)
            continue;
        struct ocellus_value *square =
            OC_NODE(graph, "ReduceSumSquare", "keepdims=0", g[k]);
        if (square == NULL)
            return NULL;
        sum = sum ? OC_NODE(graph, "Add", NULL, sum, square) : square;
        if (sum == NULL)
            return NULL;
    }
    if (sum == NULL)
        return NULL;
    struct ocellus_value *norm = OC_NODE(graph, "Sqrt", NULL, sum);
    if (norm == NULL)
        return NULL;
    norm = OC_NODE(graph, "Add", NULL, norm, oc_scalar(graph, 1e-6));
    if (norm == NULL)
        return NULL;
    struct ocellus_value *factor = OC_NODE(
        graph, "Div", NULL, oc_scalar(graph, (double)u->recipe->clip), norm);
    return factor ? OC_NODE(graph, "Min", NULL, factor, oc_scalar(graph, 1))
                  : NULL;
}

static ocellus_status
clip(struct updating *u, struct ocellus_value **g, int count)
{
    struct ocellus_value *factor = clip_factor(u, g, count);
    for (int k = 0; factor != NULL && k < count; k++)
        if (g[k] != NULL)
            g[k] = OC_NODE(u->graph, "GradientScale", NULL, g[k], factor);
    return settled(u->graph);
}

/* ---- optimizers
 * ---------------------------------------------------------------- */

/* Torch's algorithms: torch.optim.SGD, Adam, AdamW, RMSprop. Returns the new
 * weights. */
static struct ocellus_value *
sgd(struct updating *u, struct ocellus_value *w, struct ocellus_value *g)
{
    const struct oc_recipe *r = u->recipe;
    char attributes[160];
    snprintf(attributes, sizeof attributes,
             "momentum=%.9g dampening=%.9g weight_decay=%.9g nesterov=%d",
             (double)r->momentum, (double)r->dampening, (double)r->weight_decay,
             r->nesterov);
    if (r->momentum == 0.0f)
        return OC_NODE(u->graph, "SgdUpdate", attributes, w, g, u->rate);
    struct ocellus_value *m = companion(u->graph, "momentum", w);
    struct ocellus_value *next = m ? OC_NODE(u->graph, "SgdUpdate", attributes,
                                             w, g, u->rate, m, u->step)
                                   : NULL;
    if (next != NULL)
        m->assigned = next->node->out[1];
    return next;
}

static struct ocellus_value *
adam(struct updating *u, struct ocellus_value *w, struct ocellus_value *g)
{
    const struct oc_recipe *r = u->recipe;
    char attributes[160];
    snprintf(attributes, sizeof attributes,
             "beta1=%.9g beta2=%.9g epsilon=%.9g weight_decay=%.9g",
             (double)r->beta1, (double)r->beta2, (double)r->epsilon,
             (double)r->weight_decay);
    struct ocellus_value *m = companion(u->graph, "moment1", w);
    struct ocellus_value *v = companion(u->graph, "moment2", w);
    if (m == NULL || v == NULL)
        return NULL;
    struct ocellus_value *next = OC_NODE(
        u->graph,
        r->optimizer == OC_OPTIMIZER_ADAM ? "AdamUpdate" : "AdamWUpdate",
        attributes, w, g, u->rate, m, v, u->step);
    if (next != NULL) {
        m->assigned = next->node->out[1];
        v->assigned = next->node->out[2];
    }
    return next;
}

static struct ocellus_value *
rmsprop(struct updating *u, struct ocellus_value *w, struct ocellus_value *g)
{
    const struct oc_recipe *r = u->recipe;
    char attributes[160];
    snprintf(attributes, sizeof attributes,
             "alpha=%.9g epsilon=%.9g momentum=%.9g weight_decay=%.9g",
             (double)r->alpha, (double)r->epsilon, (double)r->momentum,
             (double)r->weight_decay);
    struct ocellus_value *v = companion(u->graph, "moment2", w);
    struct ocellus_value *m =
        r->momentum != 0.0f ? companion(u->graph, "momentum", w) : NULL;
    if (v == NULL)
        return NULL;
    struct ocellus_value *next =
        OC_NODE(u->graph, "RmspropUpdate", attributes, w, g, u->rate, v, m);
    if (next != NULL) {
        v->assigned = next->node->out[1];
        if (m != NULL)
            m->assigned = next->node->out[2];
    }
    return next;
}

static struct ocellus_value *
optimized(struct updating *u, struct ocellus_value *w, struct ocellus_value *g)
{
    switch (u->recipe->optimizer) {
    case OC_OPTIMIZER_SGD:
        return sgd(u, w, g);
    case OC_OPTIMIZER_RMSPROP:
        return rmsprop(u, w, g);
    default:
        return adam(u, w, g);
    }
}

static void
average(struct updating *u, struct ocellus_value *w, struct ocellus_value *next)
{
    struct ocellus_value *mean = companion(u->graph, "average", w);
    if (mean != NULL)
        mean->assigned =
            OC_NODE(u->graph, "ExponentialAverage", NULL, mean, next, u->decay);
}

static void
inputs(struct updating *u)
{
    struct oc_shape one = OC_SHAPE(1);
    enum oc_optimizer_kind kind = u->recipe->optimizer;
    u->rate = oc_graph_input(u->graph, "learning_rate", OCELLUS_FLOAT, &one);
    int counts = kind == OC_OPTIMIZER_ADAM || kind == OC_OPTIMIZER_ADAMW;
    if (counts || (kind == OC_OPTIMIZER_SGD && u->recipe->momentum != 0.0f &&
                   u->recipe->dampening != 0.0f))
        u->step = oc_graph_input(u->graph, "step", OCELLUS_FLOAT, &one);
    if (u->recipe->average)
        u->decay =
            oc_graph_input(u->graph, "average_decay", OCELLUS_FLOAT, &one);
}

static ocellus_status
expose(struct updating *u, struct ocellus_value *const *w,
       struct ocellus_value **g, int count)
{
    char name[512];
    for (int k = 0; k < count; k++) {
        if (g[k] == NULL)
            continue;
        snprintf(name, sizeof name, "gradient:%s", w[k]->name);
        OC_TRY(oc_graph_output(u->graph, name, g[k]));
    }
    return OCELLUS_OK;
}

ocellus_status
oc_update(struct ocellus_graph *graph, const struct oc_recipe *recipe,
          struct ocellus_value *const *w, struct ocellus_value **g, int count)
{
    struct updating u = {graph, recipe, NULL, NULL, NULL};
    if (recipe->no_update)
        return expose(&u, w, g, count);
    for (int k = 0; recipe->accumulate > 1 && k < count; k++)
        if (g[k] != NULL)
            g[k] = accumulated(&u, w[k], g[k]);
    OC_TRY(settled(graph));
    if (recipe->accumulate > 1 && recipe->only_accumulate)
        return OCELLUS_OK;
    inputs(&u);
    if (recipe->clip > 0)
        OC_TRY(clip(&u, g, count));
    for (int k = 0; k < count && graph->status == OCELLUS_OK; k++) {
        if (g[k] == NULL)
            continue;
        struct ocellus_value *next = optimized(&u, w[k], g[k]);
        w[k]->assigned = next;
        if (next != NULL && recipe->average)
            average(&u, w[k], next);
    }
    return settled(graph);
}

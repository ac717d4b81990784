/* update.c - see update.h.
 *
 * The state that belongs to parameter W of an optimizer is named ROLE:W
 * ("momentum:conv1.weight"), which is how a checkpoint finds it again.
 */
#include "pass/update.h"

#include <stdio.h>

#include "graph/op.h"

/* Gradients of rounded parameters come as narrow as these. */
static struct ocellus_value *
wide(struct ocellus_value *g)
{
    return g->type == OCELLUS_FLOAT ? g : OC_NODE(g->graph, "Cast", "to=1", g);
}

struct updating {
    struct ocellus_graph *graph;
    const struct oc_recipe *recipe;
    struct ocellus_value *rate, *step, *decay;
    struct ocellus_value *scale;  /* of the loss; NULL: none */
    struct ocellus_value *factor; /* ... what undoes it; NULL: nothing does */
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
        OC_NODE(u->graph, "GradientMean", share, wide(g), sum);
    if (mean != NULL)
        sum->assigned = mean->node->out[1];
    return mean;
}

/* ---- clipping
 * ---------------------------------------------------------------- */

/* The sum of all squares of gradients of one type, and `sum`: as few launches
 * as nodes have inputs for. */
static struct ocellus_value *
add_squares(struct updating *u, struct ocellus_value **g, int count,
            ocellus_type type, struct ocellus_value *sum)
{
    struct ocellus_value *in[OC_MAX_IN];
    for (int k = 0, n = 0; k < count && u->graph->status == OCELLUS_OK; k++) {
        if (g[k] != NULL && g[k]->type == type)
            in[n++] = g[k];
        if (n == 0 || (n < OC_MAX_IN && k + 1 < count))
            continue;
        struct ocellus_value *part =
            oc_apply(u->graph, "GradientSquares", NULL, in, n);
        part = part ? OC_NODE(u->graph, "ReduceSum", "keepdims=1", part) : NULL;
        sum = sum && part ? OC_NODE(u->graph, "Add", NULL, sum, part) : part;
        n = 0;
    }
    return sum;
}

static struct ocellus_value *
squares(struct updating *u, struct ocellus_value **g, int count)
{
    static const ocellus_type types[] = {OCELLUS_FLOAT, OCELLUS_FLOAT16,
                                         OCELLUS_BFLOAT16};
    struct ocellus_value *sum = NULL;
    for (size_t k = 0; k < OC_COUNT(types); k++)
        sum = add_squares(u, g, count, types[k], sum);
    return sum;
}

/* min(1, clip / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_. */
static struct ocellus_value *
clip_factor(struct updating *u, struct ocellus_value **g, int count)
{
    struct ocellus_graph *graph = u->graph;
    struct ocellus_value *sum = squares(u, g, count);
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
            g[k] = OC_NODE(u->graph, "GradientScale", NULL, wide(g[k]), factor);
    return settled(u->graph);
}

/* ---- the scale of the loss ----------------------------------------------- */

struct ocellus_value *
oc_loss_scale(struct ocellus_graph *graph)
{
    struct oc_shape one = OC_SHAPE(1);
    struct ocellus_value *scale = oc_graph_find_state(graph, "loss_scale");
    return scale ? scale
                 : oc_graph_state(graph, "loss_scale", OCELLUS_FLOAT, &one,
                                  "constant 65536", 0);
}

/* Gradients are so many times too large; the optimizer divides. */
static ocellus_status
unscale(struct updating *u, struct ocellus_value **g, int count)
{
    struct oc_shape one = OC_SHAPE(1);
    char attributes[32];
    struct ocellus_value *sum = squares(u, g, count);
    struct ocellus_value *good = oc_graph_state(
        u->graph, "loss_scale_steps", OCELLUS_FLOAT, &one, "zeros", 0);
    snprintf(attributes, sizeof attributes, "clip=%.9g",
             (double)u->recipe->clip);
    struct ocellus_value *next =
        sum ? OC_NODE(u->graph, "LossScale", attributes, u->scale, good, sum)
            : NULL;
    if (next != NULL) {
        u->scale->assigned = next;
        good->assigned = next->node->out[1];
        u->factor = next->node->out[2];
    }
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
        return OC_NODE(u->graph, "SgdUpdate", attributes, w, g, u->rate, NULL,
                       NULL, u->factor);
    struct ocellus_value *m = companion(u->graph, "momentum", w);
    struct ocellus_value *next =
        m ? OC_NODE(u->graph, "SgdUpdate", attributes, w, g, u->rate, m,
                    u->step, u->factor)
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
        attributes, w, g, u->rate, m, v, u->step, u->factor);
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
    struct ocellus_value *next = OC_NODE(u->graph, "RmspropUpdate", attributes,
                                         w, g, u->rate, v, m, u->factor);
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
        OC_TRY(oc_graph_output(u->graph, name, wide(g[k])));
    }
    return OCELLUS_OK;
}

ocellus_status
oc_update(struct ocellus_graph *graph, const struct oc_recipe *recipe,
          struct ocellus_value *const *w, struct ocellus_value **g, int count,
          struct ocellus_value *scale)
{
    struct updating u = {.graph = graph, .recipe = recipe, .scale = scale};
    if (recipe->no_update)
        return expose(&u, w, g, count);
    for (int k = 0; recipe->accumulate > 1 && k < count; k++)
        if (g[k] != NULL)
            g[k] = accumulated(&u, w[k], g[k]);
    OC_TRY(settled(graph));
    if (recipe->accumulate > 1 && recipe->only_accumulate)
        return OCELLUS_OK;
    inputs(&u);
    if (scale != NULL)
        OC_TRY(unscale(&u, g, count));
    else if (recipe->clip > 0)
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

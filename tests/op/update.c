/* update.c - one step of each optimizer, as torch.optim's pages write it. */
#include "tests/op/harness.h"

#include <math.h>
#include <string.h>

static double
attr(const struct oc_node *node, const char *name, double otherwise)
{
    return oc_attr_float(node, name, otherwise);
}

static int64_t
count(const struct oc_node *node)
{
    return oc_shape_count(&node->in[0]->shape);
}

/* The gradient times the last input, if there are so many; where that is 0,
 * nothing changes: states k of `kept` become outputs. */
static double
factor(const struct oc_node *node, const double *const x[], int at)
{
    return node->n_in > at ? x[at][0] : 1;
}

static int
leaves(const struct oc_node *node, const double *const x[], double *const y[],
       int at, const int kept[3])
{
    if (factor(node, x, at) != 0)
        return 0;
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0; kept[k] >= 0 && i < count(node); i++)
            if (node->in[kept[k]])
                y[k][i] = x[kept[k]][i];
    return 1;
}

/* x: w, g, rate, momentum, step: torch.optim.SGD takes the first gradient as
 * it is into an empty momentum. */
static void
sgd(const struct oc_node *node, const double *const x[], double *const y[])
{
    double mu = attr(node, "momentum", 0), tau = attr(node, "dampening", 0);
    double share = factor(node, x, 5);

    if (leaves(node, x, y, 5, (const int[]){0, 3, -1}))
        return;
    for (int64_t i = 0; i < count(node); i++) {
        double w = x[0][i];
        double g = x[1][i] * share + attr(node, "weight_decay", 0) * w;

        if (node->n_in > 3 && node->in[3]) {
            int first = node->n_in > 4 && node->in[4] && x[4][0] == 1;
            double m = mu * x[3][i] + (first ? 1 : 1 - tau) * g;

            y[1][i] = m;
            g = oc_attr_int(node, "nesterov", 0) ? g + mu * m : m;
        }
        y[0][i] = w - x[2][0] * g;
    }
}

/* x: w, g, rate, m, v, step */
static void
adam(const struct oc_node *node, const double *const x[], double *const y[])
{
    double b1 = attr(node, "beta1", 0.9), b2 = attr(node, "beta2", 0.999);
    double decay = attr(node, "weight_decay", 0), rate = x[2][0], t = x[5][0];
    int decoupled = strcmp(node->op->name, "AdamWUpdate") == 0;

    if (leaves(node, x, y, 6, (const int[]){0, 3, 4}))
        return;
    for (int64_t i = 0; i < count(node); i++) {
        double w = x[0][i], g = x[1][i] * factor(node, x, 6), m, v;

        if (decoupled)
            w -= rate * decay * w;
        else
            g += decay * w;
        m = b1 * x[3][i] + (1 - b1) * g;
        v = b2 * x[4][i] + (1 - b2) * g * g;
        y[0][i] =
            w - rate * (m / (1 - pow(b1, t))) /
                    (sqrt(v / (1 - pow(b2, t))) + attr(node, "epsilon", 1e-8));
        y[1][i] = m;
        y[2][i] = v;
    }
}

/* x: w, g, rate, v, momentum */
static void
rmsprop(const struct oc_node *node, const double *const x[], double *const y[])
{
    double alpha = attr(node, "alpha", 0.99), share = factor(node, x, 5);

    if (leaves(node, x, y, 5, (const int[]){0, 3, 4}))
        return;
    for (int64_t i = 0; i < count(node); i++) {
        double w = x[0][i];
        double g = x[1][i] * share + attr(node, "weight_decay", 0) * w;
        double v = alpha * x[3][i] + (1 - alpha) * g * g;
        double step = g / (sqrt(v) + attr(node, "epsilon", 1e-8));

        if (node->n_in > 4 && node->in[4]) {
            step += attr(node, "momentum", 0) * x[4][i];
            y[2][i] = step;
        }
        y[0][i] = w - x[2][0] * step;
        y[1][i] = v;
    }
}

static void
average(const struct oc_node *node, const double *const x[], double *const y[])
{
    for (int64_t i = 0; i < count(node); i++)
        y[0][i] = x[2][0] * x[0][i] + (1 - x[2][0]) * x[1][i];
}

static void
sum(const struct oc_node *node, const double *const x[], double *const y[])
{
    for (int64_t i = 0; i < count(node); i++)
        y[0][i] = x[0][i] + x[1][i];
}

static void
mean(const struct oc_node *node, const double *const x[], double *const y[])
{
    for (int64_t i = 0; i < count(node); i++) {
        y[0][i] = (x[0][i] + x[1][i]) * attr(node, "share", 1);
        y[1][i] = 0;
    }
}

static void
scale(const struct oc_node *node, const double *const x[], double *const y[])
{
    for (int64_t i = 0; i < count(node); i++)
        y[0][i] = x[0][i] * x[1][0];
}

static void
narrow(const struct oc_node *node, const double *const x[], double *const y[])
{
    for (int64_t i = 0; i < count(node); i++)
        y[0][i] = x[0][i];
}

#define ONE(NUMBER)                                                            \
    {                                                                          \
        "1", .values = (const double[])                                        \
        {                                                                      \
            NUMBER                                                             \
        }                                                                      \
    }
#define FACTORED(OP, REFERENCE, ...)                                           \
    {                                                                          \
        .op = OP, .in = {__VA_ARGS__}, .reference = REFERENCE,                 \
        .no_gradient = 1                                                       \
    }
#define RATE                                                                   \
    {                                                                          \
        "1", 0.01, 0.1                                                         \
    }

#define SGD(ATTRIBUTES)                                                        \
    {                                                                          \
        .op = "SgdUpdate", .attributes = ATTRIBUTES,                           \
        .in = {{"3x7x5"}, {"3x7x5"}, RATE, {"3x7x5"}}, .reference = sgd        \
    }

#define DAMPENED(STEP)                                                         \
    {                                                                          \
        .op = "SgdUpdate", .attributes = "momentum=0.8 dampening=0.3",         \
        .in = {{"3x7x5"},                                                      \
               {"3x7x5"},                                                      \
               RATE,                                                           \
               {"3x7x5"},                                                      \
               {"1", .values = (const double[]){STEP}}},                       \
        .reference = sgd                                                       \
    }

#define ADAM(NAME, ATTRIBUTES, STEP)                                           \
    {                                                                          \
        .op = NAME, .attributes = ATTRIBUTES,                                  \
        .in = {{"3x7x5"},                                                      \
               {"3x7x5"},                                                      \
               RATE,                                                           \
               {"3x7x5"},                                                      \
               {"3x7x5", 0.1, 1},                                              \
               {"1", .values = (const double[]){STEP}}},                       \
        .reference = adam                                                      \
    }

static const struct oc_case cases[] = {
    {.op = "SgdUpdate",
     .attributes = "weight_decay=0.01",
     .in = {{"3x7x5"}, {"3x7x5"}, RATE},
     .reference = sgd},
    {.op = "SgdUpdate", .in = {{"5001"}, {"5001"}, RATE}, .reference = sgd},
    SGD("momentum=0.9"),
    SGD("momentum=0.9 nesterov=1 weight_decay=0.001"),
    SGD("momentum=0.8 dampening=0.3"),
    DAMPENED(1),
    DAMPENED(2),
    ADAM("AdamUpdate", NULL, 1),
    ADAM("AdamUpdate", "weight_decay=0.1 epsilon=0.01", 7),
    ADAM("AdamWUpdate", "weight_decay=0.1", 1000),
    ADAM("AdamWUpdate", "beta1=0.8 beta2=0.95", 3),
    {.op = "RmspropUpdate",
     .in = {{"31"}, {"31"}, RATE, {"31", 0.1, 1}},
     .reference = rmsprop},
    {.op = "RmspropUpdate",
     .attributes = "alpha=0.9 momentum=0.7 weight_decay=0.1",
     .in = {{"31"}, {"31"}, RATE, {"31", 0.1, 1}, {"31"}},
     .reference = rmsprop},
    {.op = "GradientSum", .in = {{"5001"}, {"5001"}}, .reference = sum},
    {.op = "GradientMean",
     .attributes = "share=0.25",
     .in = {{"3x7x5"}, {"3x7x5"}},
     .reference = mean},
    {.op = "GradientScale", .in = {{"3x7x5"}, {"1"}}, .reference = scale},
    FACTORED("SgdUpdate", sgd, {"3x7x5"}, {"3x7x5"}, RATE, {NULL}, {NULL},
             ONE(0.25)),
    FACTORED("SgdUpdate", sgd, {"3x7x5"}, {"3x7x5"}, RATE, {"3x7x5"}, {NULL},
             ONE(0)),
    FACTORED("AdamUpdate", adam, {"31"}, {"31"}, RATE, {"31"}, {"31", 0.1, 1},
             ONE(3), ONE(0.25)),
    FACTORED("AdamWUpdate", adam, {"5001"}, {"5001"}, RATE, {"5001"},
             {"5001", 0.1, 1}, ONE(3), ONE(0)),
    FACTORED("RmspropUpdate", rmsprop, {"31"}, {"31"}, RATE, {"31", 0.1, 1},
             {"31"}, ONE(0.5)),
    FACTORED("RmspropUpdate", rmsprop, {"31"}, {"31"}, RATE, {"31", 0.1, 1},
             {"31"}, ONE(0)),
    {.op = "SgdUpdate",
     .in = {{"5001"}, {"5001", .type = OCELLUS_FLOAT16}, RATE},
     .reference = sgd,
     .no_gradient = 1},
    {.op = "GradientSum",
     .in = {{"31"}, {"31", .type = OCELLUS_BFLOAT16}},
     .reference = sum,
     .no_gradient = 1},
    {.op = "NarrowParameter",
     .attributes = "to=10",
     .in = {{"5001"}},
     .reference = narrow,
     .tolerance = 1e-3,
     .no_gradient = 1},
    {.op = "NarrowParameter",
     .attributes = "to=16",
     .in = {{"3x7"}},
     .reference = narrow,
     .tolerance = 8e-3,
     .no_gradient = 1},
    {.op = "ExponentialAverage",
     .in = {{"2x3x5"}, {"2x3x5"}, {"1", 0.9, 0.99}},
     .reference = average},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

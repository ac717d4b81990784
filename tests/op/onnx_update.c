/* onnx_update.c - Adagrad, Adam, Momentum against the rules of their pages.
 *
 * x[0] rate, x[1] earlier steps, x[2] tensor, x[3] gradient, x[4], x[5]
 * moments. */
#include <math.h>
#include <string.h>

#include "tests/op/harness.h"

static double
gradient(const struct oc_node *node, const double *const x[], int64_t i)
{
    return x[3][i] + oc_attr_float(node, "norm_coefficient", 0) * x[2][i];
}

static void
adagrad(const struct oc_node *node, const double *const x[], double *const y[])
{
    double decay = oc_attr_float(node, "decay_factor", 0);
    double rate = x[0][0] / (1 + x[1][0] * decay);

    for (int64_t i = 0; i < oc_shape_count(&node->in[2]->shape); i++) {
        double g = gradient(node, x, i);

        y[1][i] = x[4][i] + g * g;
        y[0][i] =
            x[2][i] -
            rate * g / (sqrt(y[1][i]) + oc_attr_float(node, "epsilon", 1e-6));
    }
}

static void
adam(const struct oc_node *node, const double *const x[], double *const y[])
{
    double a = oc_attr_float(node, "alpha", 0.9);
    double b = oc_attr_float(node, "beta", 0.999), t = x[1][0];
    double rate = x[0][0];

    if (t > 0)
        rate *= sqrt(1 - pow(b, t)) / (1 - pow(a, t));
    for (int64_t i = 0; i < oc_shape_count(&node->in[2]->shape); i++) {
        double g = gradient(node, x, i);

        y[1][i] = a * x[4][i] + (1 - a) * g;
        y[2][i] = b * x[5][i] + (1 - b) * g * g;
        y[0][i] = x[2][i] -
                  rate * y[1][i] /
                      (sqrt(y[2][i]) + oc_attr_float(node, "epsilon", 1e-6));
        y[0][i] *= 1 - oc_attr_float(node, "norm_coefficient_post", 0);
    }
}

static void
momentum(const struct oc_node *node, const double *const x[], double *const y[])
{
    double a = oc_attr_float(node, "alpha", 0);
    double b = x[1][0] > 0 ? oc_attr_float(node, "beta", 1) : 1;
    int nesterov =
        strcmp(oc_attr_text(node, "mode", "standard"), "nesterov") == 0;

    for (int64_t i = 0; i < oc_shape_count(&node->in[2]->shape); i++) {
        double g = gradient(node, x, i);

        y[1][i] = a * x[4][i] + b * g;
        y[0][i] = x[2][i] - x[0][0] * (nesterov ? g + a * y[1][i] : y[1][i]);
    }
}

#define STEP(count)                                                            \
    {                                                                          \
        .shape = "", .type = OCELLUS_INT64, .low = count, .high = count        \
    }
#define RATE                                                                   \
    {                                                                          \
        .shape = "", .low = 0.1, .high = 0.2                                   \
    }
#define SQUARES(extents)                                                       \
    {                                                                          \
        .shape = extents, .low = 0.5, .high = 2                                \
    }

static const double never[] = {0};

static const struct oc_case cases[] = {
    {.op = "Adagrad",
     .attributes = "norm_coefficient=0.01 epsilon=1e-3 decay_factor=0.1",
     .in = {RATE, STEP(3), {"3x5"}, {"3x5"}, SQUARES("3x5")},
     .reference = adagrad},
    {.op = "Adam",
     .attributes = "alpha=0.8 beta=0.95 epsilon=1e-4 norm_coefficient=0.1",
     .in = {RATE, STEP(4), {"7"}, {"7"}, {"7"}, SQUARES("7")},
     .reference = adam},
    {.op = "Adam",
     .attributes = "norm_coefficient_post=0.2",
     .in = {RATE,
            {.shape = "", .type = OCELLUS_INT64, .values = never},
            {"2x3"},
            {"2x3"},
            {"2x3"},
            SQUARES("2x3")},
     .reference = adam},
    {.op = "Momentum",
     .attributes = "alpha=0.9 beta=0.5 norm_coefficient=0.05 mode=standard",
     .in = {RATE, STEP(2), {"4x2"}, {"4x2"}, {"4x2"}},
     .reference = momentum},
    {.op = "Momentum",
     .attributes = "alpha=0.7 beta=0.5 norm_coefficient=0 mode=nesterov",
     .in = {RATE,
            {.shape = "", .type = OCELLUS_INT64, .values = never},
            {"5"},
            {"5"},
            {"5"}},
     .reference = momentum},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

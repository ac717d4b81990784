/* activation.c - activations by their ONNX definitions. */
#include "tests/op/harness.h"

#include <math.h>
#include <string.h>

static double
attr(const struct oc_node *node, const char *name, double otherwise)
{
    return oc_attr_float(node, name, otherwise);
}

static double
clip(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static double
relu(const struct oc_node *node, const double v[])
{
    (void)node;
    return v[0] < 0 ? 0 : v[0];
}

static double
leaky_relu(const struct oc_node *node, const double v[])
{
    return v[0] < 0 ? attr(node, "alpha", 0.01) * v[0] : v[0];
}

static double
prelu(const struct oc_node *node, const double v[])
{
    (void)node;
    return v[0] < 0 ? v[1] * v[0] : v[0];
}

static double
thresholded_relu(const struct oc_node *node, const double v[])
{
    return v[0] > attr(node, "alpha", 1.0) ? v[0] : 0;
}

static double
elu(const struct oc_node *node, const double v[])
{
    return v[0] < 0 ? attr(node, "alpha", 1.0) * (exp(v[0]) - 1) : v[0];
}

static double
selu(const struct oc_node *node, const double v[])
{
    double alpha = attr(node, "alpha", 1.67326319217681884765625);
    double gamma = attr(node, "gamma", 1.05070102214813232421875);

    return gamma * (v[0] > 0 ? v[0] : alpha * exp(v[0]) - alpha);
}

static double
celu(const struct oc_node *node, const double v[])
{
    double alpha = attr(node, "alpha", 1.0);
    double below = alpha * (exp(v[0] / alpha) - 1);

    return (v[0] < 0 ? 0 : v[0]) + (below > 0 ? 0 : below);
}

static double
sigmoid(const struct oc_node *node, const double v[])
{
    (void)node;
    return 1 / (1 + exp(-v[0]));
}

static double
hard_sigmoid(const struct oc_node *node, const double v[])
{
    return clip(attr(node, "alpha", 0.2) * v[0] + attr(node, "beta", 0.5), 0,
                1);
}

static double
hard_swish(const struct oc_node *node, const double v[])
{
    (void)node;
    return v[0] * clip(v[0] / 6 + 0.5, 0, 1);
}

static double
tangent(const struct oc_node *node, const double v[])
{
    (void)node;
    return tanh(v[0]);
}

static double
swish(const struct oc_node *node, const double v[])
{
    return v[0] / (1 + exp(-attr(node, "alpha", 1.0) * v[0]));
}

static double
softplus(const struct oc_node *node, const double v[])
{
    (void)node;
    return v[0] > 30 ? v[0] : log(exp(v[0]) + 1);
}

static double
mish(const struct oc_node *node, const double v[])
{
    return v[0] * tanh(softplus(node, v));
}

static double
softsign(const struct oc_node *node, const double v[])
{
    (void)node;
    return v[0] / (1 + fabs(v[0]));
}

static double
gelu(const struct oc_node *node, const double v[])
{
    double x = v[0], inner = sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x);

    if (strcmp(oc_attr_text(node, "approximate", "none"), "tanh") == 0)
        return 0.5 * x * (1 + tanh(inner));
    return 0.5 * x * (1 + erf(x / sqrt(2)));
}

static double
shrink(const struct oc_node *node, const double v[])
{
    double lambd = attr(node, "lambd", 0.5), bias = attr(node, "bias", 0.0);

    return v[0] < -lambd ? v[0] + bias : v[0] > lambd ? v[0] - bias : 0;
}

static double
clipped(const struct oc_node *node, const double v[])
{
    double low = node->n_in > 1 && node->in[1] ? v[1] : -HUGE_VAL;
    double high = node->n_in > 2 && node->in[2] ? v[2] : HUGE_VAL;

    return clip(v[0], low, high);
}

/* Each operator is used forward; its gradient row, named behind it, by the
 * gradient test. */
static const struct {
    const char *op, *gradient;
    double (*f)(const struct oc_node *node, const double v[]);
} definitions[] = {
    {"Relu", "ReluGrad", relu},
    {"LeakyRelu", "LeakyReluGrad", leaky_relu},
    {"PRelu", "PReluGrad", prelu},
    {"PRelu", "PReluGradSlope", prelu},
    {"ThresholdedRelu", "ThresholdedReluGrad", thresholded_relu},
    {"Elu", "EluGrad", elu},
    {"Selu", "SeluGrad", selu},
    {"Celu", "CeluGrad", celu},
    {"Sigmoid", "SigmoidGrad", sigmoid},
    {"HardSigmoid", "HardSigmoidGrad", hard_sigmoid},
    {"HardSwish", "HardSwishGrad", hard_swish},
    {"Tanh", "TanhGrad", tangent},
    {"Swish", "SwishGrad", swish},
    {"Softplus", "SoftplusGrad", softplus},
    {"Mish", "MishGrad", mish},
    {"Softsign", "SoftsignGrad", softsign},
    {"Gelu", "GeluGrad", gelu},
    {"Shrink", "ShrinkGrad", shrink},
    {"Clip", "ClipGrad", clipped},
};

static void
defined(const struct oc_node *node, const double *const x[], double *const y[])
{
    for (size_t k = 0; k < OC_COUNT(definitions); k++)
        if (strcmp(node->op->name, definitions[k].op) == 0) {
            oc_map(node, x, y, definitions[k].f);
            return;
        }
}

/* 11 channels are no multiple of a block: padding must stay zero. */
#define ROW(NAME, ATTRIBUTES)                                                  \
    {                                                                          \
        .op = NAME, .attributes = ATTRIBUTES, .in = {{"2x11x3x5", -4, 4}},     \
        .reference = defined                                                   \
    }

static const double edges[] = {-90, -20, -1e-3, 0, 1e-3, 20, 90};

/* Nothing overflows into a NaN. */
#define EDGES(NAME)                                                            \
    {                                                                          \
        .op = NAME, .in = {{"7", .values = edges}}, .tolerance = 1e-6,         \
        .slack = 10, .reference = defined                                      \
    }

/* What is no number stays none: a training that went astray must show it. */
static const double lost[] = {NAN, -3, NAN, 0, 9, NAN, 2, 0.5, NAN, 1,
                              -1,  5,  NAN, 7, 8, NAN, 4, -9,  2,   NAN};

#define LOST(NAME)                                                             \
    {                                                                          \
        .op = NAME, .in = {{"20", .values = lost}}, .no_gradient = 1,          \
        .reference = defined                                                   \
    }
/* `WHERE` the bounds are: read by the kernel, or known on the host. */
#define LOST_CLIP(WHERE)                                                       \
    {                                                                          \
        .op = "Clip", .no_gradient = 1,                                        \
        .in = {{"20", .values = lost},                                         \
               {"", .values = (const double[]){0}, .host = WHERE},             \
               {"", .values = (const double[]){6}, .host = WHERE}},            \
        .reference = defined                                                   \
    }

static const struct oc_case cases[] = {
    ROW("Relu", NULL),
    ROW("LeakyRelu", NULL),
    ROW("LeakyRelu", "alpha=0.2"),
    ROW("ThresholdedRelu", "alpha=0.7"),
    ROW("Elu", "alpha=1.3"),
    ROW("Selu", NULL),
    ROW("Celu", "alpha=0.8"),
    ROW("Sigmoid", NULL),
    ROW("HardSigmoid", NULL),
    ROW("HardSwish", NULL),
    ROW("Tanh", NULL),
    ROW("Swish", "alpha=1.5"),
    ROW("Softplus", NULL),
    ROW("Mish", NULL),
    ROW("Softsign", NULL),
    ROW("Gelu", NULL),
    ROW("Gelu", "approximate=tanh"),
    ROW("Shrink", "lambd=0.7 bias=0.2"),
    EDGES("Sigmoid"),
    EDGES("Swish"),
    EDGES("Softplus"),
    EDGES("Mish"),
    EDGES("Gelu"),
    EDGES("Tanh"),
    LOST("Relu"),
    LOST("LeakyRelu"),
    LOST("Elu"),
    LOST("Selu"),
    LOST("Celu"),
    LOST("Sigmoid"),
    LOST("HardSigmoid"),
    LOST("HardSwish"),
    LOST("Tanh"),
    LOST("Swish"),
    LOST("Softplus"),
    LOST("Mish"),
    LOST("Softsign"),
    LOST("Gelu"),
    LOST_CLIP(0),
    LOST_CLIP(1),
    {.op = "Clip",
     .no_gradient = 1,
     .in = {{"20", .values = lost},
            {"", .values = (const double[]){0}, .host = 1}},
     .reference = defined},
    {.op = "Clip",
     .no_gradient = 1,
     .in = {{"20", .values = lost},
            {NULL},
            {"", .values = (const double[]){2}, .host = 1}},
     .reference = defined},
    {.op = "Relu", .in = {{"5003"}}, .no_gradient = 1, .reference = defined},
    {.op = "Relu", .in = {{""}}, .reference = defined},
    {.op = "Relu", .in = {{"0x3"}}, .reference = defined},
    {.op = "Relu", .in = {{"9", -5, 5, OCELLUS_INT32}}, .reference = defined},
    {.op = "Relu",
     .in = {{"3x17", -5, 5, OCELLUS_FLOAT16}},
     .tolerance = 1e-6,
     .reference = defined},
    {.op = "Gelu",
     .in = {{"3x17", -5, 5, OCELLUS_BFLOAT16}},
     .tolerance = 1e-2,
     .reference = defined},
    {.op = "LeakyRelu",
     .attributes = "alpha=0.25",
     .in = {{"3x17", -5, 5, OCELLUS_DOUBLE}},
     .tolerance = 1e-14,
     .reference = defined},
    {.op = "PRelu", .in = {{"2x11x3x5"}, {"11x1x1"}}, .reference = defined},
    {.op = "PRelu", .in = {{"2x11x3x5"}, {"1x11x1x1"}}, .reference = defined},
    {.op = "PRelu", .in = {{"4x3"}, {"1"}}, .reference = defined},
    {.op = "PRelu", .in = {{"4x3"}, {"4x3"}}, .reference = defined},
    {.op = "Clip",
     .in = {{"2x8x3x5", -4, 4},
            {"", .values = (const double[]){-1}, .no_gradient = 1},
            {"", .values = (const double[]){2}, .no_gradient = 1}},
     .reference = defined},
    {.op = "Clip",
     .in = {{"2x9x3x5", -4, 4},
            {"", .values = (const double[]){0}, .host = 1},
            {"", .values = (const double[]){6}, .host = 1}},
     .reference = defined},
    {.op = "Clip",
     .in = {{"20", -4, 4},
            {NULL},
            {"", .values = (const double[]){2}, .host = 1}},
     .reference = defined},
    {.op = "Clip",
     .in = {{"20", -4, 4}, {"", .values = (const double[]){-1}, .host = 1}},
     .reference = defined},
    {.op = "Clip", .in = {{"20", -4, 4}}, .reference = defined},
    {.op = "Clip",
     .in = {{"20", -9, 9, OCELLUS_INT64},
            {"", .values = (const double[]){-3}, .type = OCELLUS_INT64},
            {"", .values = (const double[]){4}, .type = OCELLUS_INT64}},
     .reference = defined},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

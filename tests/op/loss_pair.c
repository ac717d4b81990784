/* loss_pair.c - losses of pairs of numbers by torch.nn's definitions. */
#include "tests/op/harness.h"

#include <math.h>
#include <string.h>

static double
pair(const struct oc_node *node, double a, double b)
{
    double gap = fabs(a - b), beta = oc_attr_float(node, "beta", 1.0);

    if (node->op->name[0] == 'M')
        return gap * gap;
    if (node->op->name[0] == 'S')
        return gap < beta ? 0.5 * gap * gap / beta : gap - 0.5 * beta;
    return -(b * log(1 / (1 + exp(-a))) + (1 - b) * log(1 / (1 + exp(a))));
}

static void
defined(const struct oc_node *node, const double *const x[], double *const y[])
{
    const char *how = oc_attr_text(node, "reduction", "mean");
    int64_t count = oc_shape_count(&node->in[0]->shape);
    double sum = 0;

    for (int64_t i = 0; i < count; i++) {
        double v = pair(node, x[0][i], x[1][i]);

        sum += v;
        if (strcmp(how, "none") == 0)
            y[0][i] = v;
    }
    if (strcmp(how, "mean") == 0)
        y[0][0] = sum / (double)count;
    if (strcmp(how, "sum") == 0)
        y[0][0] = sum;
}

#define FAMILY(NAME)                                                           \
    {.op = NAME, .in = {{"3x7", -3, 3}, {"3x7", 0, 1}}, .reference = defined}, \
        {.op = NAME,                                                           \
         .attributes = "reduction=sum",                                        \
         .in = {{"5", -3, 3}, {"5", 0, 1}},                                    \
         .reference = defined},                                                \
        {.op = NAME,                                                           \
         .attributes = "reduction=none beta=0.4",                              \
         .in = {{"2x3x4x2", -1, 1}, {"2x3x4x2", 0, 1}},                        \
         .reference = defined},                                                \
    {                                                                          \
        .op = NAME, .in = {{"3001", -3, 3}, {"3001", 0, 1}}, .no_gradient = 1, \
        .reference = defined                                                   \
    }

/* Gradients: "MeanSquaredErrorGrad" "SmoothL1Grad"
 * "BinaryCrossEntropyWithLogitsGrad". */
static const struct oc_case cases[] = {
    FAMILY("MeanSquaredError"),
    FAMILY("SmoothL1"),
    FAMILY("BinaryCrossEntropyWithLogits"),
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

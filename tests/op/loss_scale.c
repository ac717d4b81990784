/* loss_scale.c - sums of squares of many gradients, and the scale of the loss.
 */
#include "tests/op/harness.h"

#include <math.h>

static double
attr(const struct oc_node *node, const char *name, double otherwise)
{
    return oc_attr_float(node, name, otherwise);
}

/* Of each gradient, pieces of 1024 numbers. */
static void
squares(const struct oc_node *node, const double *const x[], double *const y[])
{
    int64_t piece = 0;

    for (int k = 0; k < node->n_in; k++) {
        int64_t n = oc_shape_count(&node->in[k]->shape);

        for (int64_t i = 0; i < n; i++) {
            if (i % 1024 == 0)
                y[0][piece++] = 0;
            y[0][piece - 1] += x[k][i] * x[k][i];
        }
    }
}

/* torch.amp.GradScaler, and torch.nn.utils.clip_grad_norm_ behind it. */
static void
loss_scale(const struct oc_node *node, const double *const x[],
           double *const y[])
{
    double interval = attr(node, "interval", 2000);
    double clip = attr(node, "clip", 0), norm = sqrt(x[2][0]) / x[0][0];
    int finite = isfinite(x[2][0]), grows = finite && x[1][0] + 1 >= interval;

    y[0][0] = x[0][0] * (!finite ? 0.5 : grows ? 2 : 1);
    y[1][0] = finite && !grows ? x[1][0] + 1 : 0;
    y[2][0] =
        !finite ? 0 : (clip > 0 ? fmin(1, clip / (norm + 1e-6)) : 1) / x[0][0];
}

#define ONE(NUMBER)                                                            \
    {                                                                          \
        "1", .values = (const double[])                                        \
        {                                                                      \
            NUMBER                                                             \
        }                                                                      \
    }
#define SCALE_OF(ATTRIBUTES, SCALE, GOOD, SQUARES)                             \
    {                                                                          \
        .op = "LossScale", .attributes = ATTRIBUTES,                           \
        .in = {ONE(SCALE), ONE(GOOD), ONE(SQUARES)}, .reference = loss_scale,  \
        .n_compared = 3, .no_gradient = 1                                      \
    }

static const struct oc_case cases[] = {
    {.op = "GradientSquares",
     .in = {{"1025"}, {"3x7"}, {"2048"}, {"1"}},
     .reference = squares,
     .no_gradient = 1},
    {.op = "GradientSquares",
     .in = {{"1030", .type = OCELLUS_FLOAT16}, {"5", .type = OCELLUS_FLOAT16}},
     .reference = squares,
     .no_gradient = 1},
    {.op = "GradientSquares",
     .in = {{"1030"}, {"5"}},
     .reference = squares,
     .gpu = 1,
     .no_gradient = 1},
    SCALE_OF(NULL, 1024, 7, 3),
    SCALE_OF(NULL, 1024, 1999, 3),
    SCALE_OF("clip=0.5", 8, 0, 640),
    SCALE_OF("clip=0.5", 8, 0, 0.64),
    SCALE_OF("interval=3", 8, 2, INFINITY),
    {.op = "GradientSquares",
     .in = {{"1025"},
            {"3x7"},
            {"7"},
            {"1"},
            {"2049"},
            {"5"},
            {"6"},
            {"2"},
            {"9"}},
     .reference = squares,
     .no_gradient = 1},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

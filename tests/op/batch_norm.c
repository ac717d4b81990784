/* batch_norm.c - BatchNormalization in training and inference: values, running
 * statistics, gradients of x, scale and bias. */
#include "tests/op/harness.h"

#include <math.h>

struct channel {
    double mean, var;
};

static struct channel
statistics(const struct oc_shape *in, const double *x, int64_t c)
{
    int64_t n = in->dim[0], channels = in->dim[1];
    int64_t size = oc_shape_span(in, 2, in->rank), m = n * size;
    struct channel s = {0, 0};

    for (int64_t i = 0; i < m; i++)
        s.mean += x[(i / size * channels + c) * size + i % size] / (double)m;
    for (int64_t i = 0; i < m; i++) {
        double d = x[(i / size * channels + c) * size + i % size] - s.mean;

        s.var += d * d / (double)m;
    }
    return s;
}

static void
batch_norm(const struct oc_node *node, const double *const x[],
           double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int64_t n = in->dim[0], channels = in->dim[1];
    int64_t size = oc_shape_span(in, 2, in->rank), m = n * size;
    double eps = oc_attr_float(node, "epsilon", 1e-5);
    double momentum = oc_attr_float(node, "momentum", 0.9);
    int training = (int)oc_attr_int(node, "training_mode", 0);

    for (int64_t c = 0; c < channels; c++) {
        struct channel s = {x[3][c], x[4][c]};

        if (training)
            s = statistics(in, x[0], c);
        for (int64_t i = 0; i < m; i++) {
            int64_t at = (i / size * channels + c) * size + i % size;

            y[0][at] =
                (x[0][at] - s.mean) / sqrt(s.var + eps) * x[1][c] + x[2][c];
        }
        if (!training)
            continue;
        if (oc_attr_int(node, "unbiased", 0))
            s.var *= (double)m / (double)(m - 1);
        y[1][c] = x[3][c] * momentum + s.mean * (1 - momentum);
        y[2][c] = x[4][c] * momentum + s.var * (1 - momentum);
    }
}

#define INPUTS(extents, channels)                                              \
    {                                                                          \
        {.shape = extents, .low = -2, .high = 5}, {.shape = channels},         \
            {.shape = channels}, {.shape = channels, .no_gradient = 1},        \
        {                                                                      \
            .shape = channels, .low = 0.5, .high = 2, .no_gradient = 1         \
        }                                                                      \
    }
#define CASE(words, extents, channels, as_gpu)                                 \
    {                                                                          \
        .op = "BatchNormalization", .attributes = words,                       \
        .in = INPUTS(extents, channels), .reference = batch_norm, .slack = 2,  \
        .gpu = as_gpu                                                          \
    }

static const struct oc_case cases[] = {
    CASE("training_mode=1", "2x3x4x5", "3", 0),
    CASE("training_mode=1 epsilon=0.01 momentum=0.5 unbiased=1", "3x19x3x5",
         "19", 0),
    CASE("training_mode=1", "4x8x1x1", "8", 0),
    CASE("training_mode=1", "4x5", "5", 0),
    CASE("training_mode=1", "2x3x7", "3", 0),
    CASE("training_mode=1", "2x2x2x3x2", "2", 0),
    CASE("training_mode=1", "2x3x4x5", "3", 1),
    CASE("", "2x3x4x5", "3", 0),
    CASE("epsilon=0.1", "2x17x3x3", "17", 0),
    CASE("", "4x5", "5", 0),
    CASE("", "2x3x4x5", "3", 1),
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

/* lrn.c - LRN by its definition. */
#include "tests/op/harness.h"

#include <math.h>

static void
lrn(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int64_t size = oc_attr_int(node, "size", 1), channels = in->dim[1];
    int64_t plane = oc_shape_span(in, 2, in->rank);
    double alpha = oc_attr_float(node, "alpha", 1e-4);
    double beta = oc_attr_float(node, "beta", 0.75);
    double bias = oc_attr_float(node, "bias", 1);

    for (int64_t i = 0; i < oc_shape_count(in); i++) {
        int64_t c = i / plane % channels;
        double sum = 0;

        for (int64_t k = c - (size - 1) / 2; k <= c + size / 2; k++)
            if (k >= 0 && k < channels)
                sum += x[0][i + (k - c) * plane] * x[0][i + (k - c) * plane];
        y[0][i] = x[0][i] * pow(bias + alpha / (double)size * sum, -beta);
    }
}

#define CASE(words, extents)                                                   \
    {                                                                          \
        .op = "LRN", .attributes = words,                                      \
        .in = {{.shape = extents, .low = -2, .high = 2}}, .reference = lrn     \
    }

static const struct oc_case cases[] = {
    CASE("size=5 alpha=0.3", "2x7x3x4"),
    CASE("size=4 alpha=0.5 beta=0.5 bias=2.0", "1x6x2x3"),
    CASE("size=9 alpha=1.0", "2x3x5"),
    CASE("size=1", "2x3"),
    {.op = "LRN",
     .attributes = "size=3 alpha=0.3",
     .in = {{.shape = "2x5x3", .type = OCELLUS_DOUBLE}},
     .reference = lrn,
     .gpu = 1},
    {.op = "LRN",
     .attributes = "size=3 alpha=0.3",
     .in = {{.shape = "2x5x3", .type = OCELLUS_FLOAT16}},
     .reference = lrn,
     .tolerance = 2e-3},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

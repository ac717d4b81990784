/* global_pool.c - GlobalAveragePool, GlobalMaxPool, GlobalLpPool. */
#include "tests/op/harness.h"

#include <math.h>

enum rule { MEAN, MAX, NORM };

static void
pool(const struct oc_node *node, const double *x, double *y, enum rule rule)
{
    const struct oc_shape *in = &node->in[0]->shape;
    int64_t planes = oc_shape_span(in, 0, 2),
            size = oc_shape_span(in, 2, in->rank);
    double p = (double)oc_attr_int(node, "p", 2);

    for (int64_t c = 0; c < planes; c++) {
        double sum = 0, most = -INFINITY, powers = 0;

        for (int64_t i = 0; i < size; i++) {
            double v = x[c * size + i];

            sum += v;
            most = fmax(most, v);
            powers += pow(fabs(v), p);
        }
        y[c] = rule == MEAN  ? sum / (double)size
               : rule == MAX ? most
                             : pow(powers, 1 / p);
    }
}

static void
mean(const struct oc_node *node, const double *const x[], double *const y[])
{
    pool(node, x[0], y[0], MEAN);
}

static void
most(const struct oc_node *node, const double *const x[], double *const y[])
{
    pool(node, x[0], y[0], MAX);
}

static void
norm(const struct oc_node *node, const double *const x[], double *const y[])
{
    pool(node, x[0], y[0], NORM);
}

#define THREE(extents, out)                                                    \
    {.op = "GlobalAveragePool",                                                \
     .in = {{.shape = extents}},                                               \
     .reference = mean,                                                        \
     .expect = out},                                                           \
        {.op = "GlobalMaxPool",                                                \
         .in = {{.shape = extents}},                                           \
         .reference = most},                                                   \
    {                                                                          \
        .op = "GlobalLpPool", .in = {{.shape = extents}}, .reference = norm    \
    }

static const struct oc_case cases[] = {
    THREE("2x3x6x5", "2x3x1x1"),
    THREE("1x19x7x7", "1x19x1x1"),
    THREE("2x5x1x1", "2x5x1x1"),
    THREE("2x3x11", "2x3x1"),
    THREE("1x2x3x4x5", "1x2x1x1x1"),
    {.op = "GlobalAveragePool",
     .in = {{.shape = "2x3x9x9"}},
     .reference = mean,
     .gpu = 1},
    {.op = "GlobalMaxPool",
     .in = {{.shape = "2x3x9x9"}},
     .reference = most,
     .gpu = 1},
    {.op = "GlobalLpPool",
     .attributes = "p=3",
     .in = {{.shape = "2x3x4x4"}},
     .reference = norm},
    {.op = "GlobalLpPool",
     .attributes = "p=1",
     .in = {{.shape = "2x3x4x4"}},
     .reference = norm},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

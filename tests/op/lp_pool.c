/* lp_pool.c - LpPool by its definition. */
#include "tests/op/window.h"

#include <math.h>

static double
norm(const struct oc_node *node, const double *v, int inside, int padded)
{
    double p = (double)oc_attr_int(node, "p", 2), sum = 0;

    (void)padded;
    for (int i = 0; i < inside; i++)
        sum += pow(fabs(v[i]), p);
    return pow(sum, 1 / p);
}

static void
lp_pool(const struct oc_node *node, const double *const x[], double *const y[])
{
    window_apply(node, x[0], y[0], norm);
}

#define CASE(words, extents)                                                   \
    {                                                                          \
        .op = "LpPool", .attributes = words, .in = {{.shape = extents}},       \
        .reference = lp_pool                                                   \
    }

static const struct oc_case cases[] = {
    CASE("kernel_shape=2,2 strides=2,2", "2x3x6x5"),
    CASE("kernel_shape=3,3 strides=2,2 pads=1,1,1,1 p=1", "1x3x9x7"),
    CASE("kernel_shape=3,2 dilations=2,3 pads=0,1,2,0 p=3", "2x2x8x9"),
    CASE("kernel_shape=3 strides=2 pads=1,0", "2x3x10"),
    CASE("kernel_shape=2,2,2 strides=2,1,2", "1x2x4x3x4"),
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

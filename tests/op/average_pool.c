/* average_pool.c - AveragePool by its definition. */
#include "tests/op/window.h"

static double
mean(const struct oc_node *node, const double *v, int inside, int padded)
{
    int count = oc_attr_int(node, "count_include_pad", 0) ? padded : inside;
    double sum = 0;

    for (int i = 0; i < inside; i++)
        sum += v[i];
    return count ? sum / count : 0;
}

static void
average_pool(const struct oc_node *node, const double *const x[],
             double *const y[])
{
    window_apply(node, x[0], y[0], mean);
}

#define CASE(words, extents)                                                   \
    {                                                                          \
        .op = "AveragePool", .attributes = words, .in = {{.shape = extents}},  \
        .reference = average_pool                                              \
    }

/* Few windows with much around them: each window is a program to build. */
#define THREE "kernel_shape=3,3 strides=2,2"

static const struct oc_case cases[] = {
    CASE(THREE, "2x3x7x5"),
    CASE(THREE " pads=1,1,1,1", "1x17x9x7"),
    CASE(THREE " ceil_mode=1", "1x2x6x8"),
    CASE(THREE " auto_pad=SAME_UPPER", "1x4x6x7"),
    CASE(THREE " pads=3,3,3,3", "1x3x3x3"),
    CASE(THREE " pads=1,1,1,1 count_include_pad=1", "1x9x8x7"),
    CASE(THREE " pads=0,0,1,1 ceil_mode=1 count_include_pad=1", "1x2x6x8"),
    CASE("kernel_shape=3,2 dilations=2,3 pads=0,1,2,0", "2x5x8x9"),
    CASE("kernel_shape=3 strides=2 pads=1,0 count_include_pad=1", "2x3x10"),
    CASE("kernel_shape=2,3,2 strides=2,1,2 pads=0,1,1,1,1,0", "1x2x4x5x6"),
    {.op = "AveragePool",
     .attributes = THREE,
     .in = {{.shape = "1x3x5x4", .type = OCELLUS_BFLOAT16}},
     .reference = average_pool,
     .tolerance = 1e-2},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

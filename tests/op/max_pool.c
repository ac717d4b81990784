/* max_pool.c - MaxPool by its definition: values, indices, ties, padding. */
#include "tests/op/window.h"

#include <math.h>

static void
max_pool(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const struct oc_shape *out = &node->out[0]->shape;
    int columns = (int)oc_attr_int(node, "storage_order", 0);
    struct window w;
    int64_t at[OC_MAX_RANK] = {0}, i = 0;

    window_read(node, &w);
    int64_t plane = oc_shape_span(in, 2, in->rank);
    if (oc_shape_count(out) == 0)
        return;
    do {
        int64_t k[OC_MAX_RANK] = {0}, best = -1;
        int64_t base = (at[0] * out->dim[1] + at[1]) * plane;
        int padded;

        do {
            int64_t place = window_place(&w, at + 2, k, &padded);

            if (place >= 0 &&
                (best < 0 || x[0][base + place] > x[0][base + best]))
                best = place;
        } while (oc_next(&w.size, k));
        y[0][i] = best < 0 ? -INFINITY : x[0][base + best];
        if (best >= 0 && columns)
            best = best / w.in[1] + w.in[0] * (best % w.in[1]);
        if (y[1])
            y[1][i] = best < 0 ? -1 : (double)(base + best);
        i++;
    } while (oc_next(out, at));
}

#define CASE(words, extents)                                                   \
    {                                                                          \
        .op = "MaxPool", .attributes = words, .in = {{.shape = extents}},      \
        .reference = max_pool                                                  \
    }
/* Without Indices, as networks have it: the fast ways do not write them. */
#define FAST(words, extents)                                                   \
    {                                                                          \
        .op = "MaxPool", .attributes = words, .in = {{.shape = extents}},      \
        .reference = max_pool, .n_compared = 1                                 \
    }

/* Few windows with much around them: each window is a program to build. */
#define TWO "kernel_shape=2,2 strides=2,2"
#define THREE "kernel_shape=3,3 strides=2,2"

static const struct oc_case cases[] = {
    CASE(TWO, "2x3x6x5"),
    CASE(TWO " auto_pad=VALID storage_order=1", "1x2x5x6"),
    FAST(TWO, "2x3x6x5"),
    FAST(TWO, "1x19x7x8"),
    FAST(TWO, "0x3x4x4"),
    FAST(TWO " ceil_mode=1", "1x1x1x1"),
    FAST(THREE " pads=1,1,1,1", "1x17x9x7"),
    FAST(THREE " pads=1,1,1,1 ceil_mode=1", "1x2x6x8"),
    FAST(THREE " auto_pad=SAME_LOWER", "1x4x6x7"),
    FAST(THREE " auto_pad=SAME_UPPER", "1x2x6x7"),
    FAST("kernel_shape=3,2 dilations=2,3 pads=0,1,2,0", "2x5x8x9"),
    CASE("kernel_shape=3 strides=2 pads=1,0", "2x3x10"),
    CASE("kernel_shape=2,3,2 strides=2,1,2 pads=0,1,1,1,1,0", "1x2x4x5x6"),
    /* A window that lies in the padding alone has -inf. */
    {.op = "MaxPool",
     .attributes = TWO " pads=2,2,2,2",
     .in = {{.shape = "1x3x3x3"}},
     .reference = max_pool,
     .n_compared = 1,
     .no_gradient = 1},
    {.op = "MaxPool",
     .attributes = TWO,
     .in = {{.shape = "1x2x4x4", .low = -3, .high = 3, .type = OCELLUS_INT8}},
     .reference = max_pool},
    {.op = "MaxPool",
     .attributes = TWO,
     .in = {{.shape = "1x3x5x4", .type = OCELLUS_FLOAT16}},
     .reference = max_pool,
     .tolerance = 1e-3},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

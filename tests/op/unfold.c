/* unfold.c - Col2Im and MaxUnpool: numbers thrown where they belong. */
#include <string.h>

#include "tests/op/harness.h"

static int64_t
number(const struct oc_node *node, const char *name, int k, int64_t otherwise)
{
    int count;
    const int64_t *list = oc_attr_ints(node, name, &count);

    return list && k < count ? list[k] : otherwise;
}

static void
col2im(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *out = &node->out[0]->shape;
    const struct oc_shape *in = &node->in[0]->shape;
    int axes = out->rank - 2;
    struct oc_shape walk = {.rank = 2 + 2 * axes};
    int64_t at[OC_MAX_RANK] = {0}, i = 0;

    memset(y[0], 0, (size_t)oc_shape_count(out) * sizeof *y[0]);
    walk.dim[0] = in->dim[0];
    walk.dim[1] = out->dim[1];
    for (int k = 0; k < axes; k++) {
        int64_t window = (int64_t)x[2][k];
        int64_t reach = (window - 1) * number(node, "dilations", k, 1) + 1;
        int64_t padded = out->dim[2 + k] + number(node, "pads", k, 0) +
                         number(node, "pads", k + axes, 0);

        walk.dim[2 + k] = window;
        walk.dim[2 + axes + k] =
            (padded - reach) / number(node, "strides", k, 1) + 1;
    }
    do {
        int64_t to = at[0] * out->dim[1] + at[1];
        int inside = 1;

        for (int k = 0; k < axes; k++) {
            int64_t p = at[2 + axes + k] * number(node, "strides", k, 1) +
                        at[2 + k] * number(node, "dilations", k, 1) -
                        number(node, "pads", k, 0);

            inside = inside && p >= 0 && p < out->dim[2 + k];
            to = to * out->dim[2 + k] + p;
        }
        if (inside)
            y[0][to] += x[0][i];
        i++;
    } while (oc_next(&walk, at));
}

static void
unpool(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const struct oc_shape *out = &node->out[0]->shape;
    int axes = in->rank - 2;

    memset(y[0], 0, (size_t)oc_shape_count(out) * sizeof *y[0]);
    for (int64_t i = 0; i < oc_shape_count(in); i++) {
        int64_t rest = (int64_t)x[1][i], to = 0, by = 1;

        for (int k = axes - 1; k >= 0; k--) {
            int64_t n = (in->dim[2 + k] - 1) * number(node, "strides", k, 1) -
                        number(node, "pads", k, 0) -
                        number(node, "pads", k + axes, 0) +
                        number(node, "kernel_shape", k, 1);

            to += rest % n * by;
            by *= out->dim[2 + k];
            rest /= n;
        }
        y[0][rest * by + to] = x[0][i];
    }
}

/* Places in images of 2 x 1 x 4 x 4, a number from each window of 2 x 2. */
static const double places[] = {5, 3, 8, 15, 16, 22, 29, 31};
static const double along[] = {1, 2, 6, 8, 10, 14};

#define INDEX(extents, list)                                                   \
    {                                                                          \
        .shape = extents, .values = list, .type = OCELLUS_INT64,               \
        .no_gradient = 1                                                       \
    }
#define COLUMNS(words, extents, image, window)                                 \
    {                                                                          \
        .op = "Col2Im", .attributes = words,                                   \
        .in = {{.shape = extents}, image, window}, .reference = col2im,        \
        .no_gradient = 1                                                       \
    }

static const struct oc_case cases[] = {
    COLUMNS(NULL, "1x5x5", OC_INTS(5, 5), OC_INTS(1, 5)),
    COLUMNS("pads=0,1,0,1", "2x10x15", OC_INTS(5, 5), OC_INTS(1, 5)),
    COLUMNS("strides=2,3", "1x18x4", OC_INTS(5, 6), OC_INTS(3, 3)),
    COLUMNS("dilations=1,2", "2x12x12", OC_INTS(4, 6), OC_INTS(2, 2)),
    COLUMNS("pads=1,1", "2x6x6", OC_INTS(6), OC_INTS(3)),
    COLUMNS(NULL, "1x20x12", OC_INTS(3, 4, 5), OC_INTS(1, 1, 5)),
    {.op = "MaxUnpool",
     .attributes = "kernel_shape=2,2 strides=2,2",
     .in = {{.shape = "2x1x2x2"}, INDEX("2x1x2x2", places)},
     .reference = unpool,
     .expect = "2x1x4x4"},
    {.op = "MaxUnpool",
     .attributes = "kernel_shape=2,2 strides=2,2",
     .in = {{.shape = "2x1x2x2"},
            INDEX("2x1x2x2", places),
            OC_INTS(2, 1, 5, 6)},
     .reference = unpool,
     .no_gradient = 1},
    {.op = "MaxUnpool",
     .attributes = "kernel_shape=3 strides=3 pads=1,0",
     .in = {{.shape = "1x2x3"}, INDEX("1x2x3", along)},
     .reference = unpool},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

/* crop.c - CenterCropPad. */
#include "tests/op/harness.h"

static int64_t
half(int64_t n)
{
    return n > 0 ? n / 2 : 0;
}

static void
crop(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    const struct oc_shape *out = &node->out[0]->shape;
    int64_t at[OC_MAX_RANK] = {0}, i = 0;

    do {
        int64_t from = 0, inside = 1;

        for (int k = 0; k < in->rank; k++) {
            int64_t p = at[k] + half(in->dim[k] - out->dim[k]) -
                        half(out->dim[k] - in->dim[k]);

            inside = inside && p >= 0 && p < in->dim[k];
            from = from * in->dim[k] + p;
        }
        y[0][i++] = inside ? x[0][from] : 0;
    } while (oc_next(out, at));
}

#define CASE(words, extents, ...)                                              \
    {                                                                          \
        .op = "CenterCropPad", .attributes = words,                            \
        .in = {{.shape = extents}, OC_INTS(__VA_ARGS__)}, .reference = crop    \
    }

static const struct oc_case cases[] = {
    CASE(NULL, "20x7x3", 10, 4, 3),    CASE(NULL, "10x7x3", 20, 10, 3),
    CASE(NULL, "20x8x3", 10, 10, 3),   CASE("axes=-3,1", "9x4x3", 4, 9),
    CASE("axes=1,2", "3x20x8", 10, 9), CASE(NULL, "5", 5),
    CASE("axes=1", "2x3x4x5", 6),
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

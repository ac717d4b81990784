/* top_k.c - TopK: each number's place among its line is counted. */
#include "tests/op/harness.h"

static void
top_k(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int axis = (int)oc_attr_int(node, "axis", -1);
    double sign = oc_attr_int(node, "largest", 1) ? 1 : -1;

    axis += axis < 0 ? in->rank : 0;
    int64_t n = in->dim[axis], k = node->out[0]->shape.dim[axis];
    int64_t inner = oc_shape_span(in, axis + 1, in->rank);
    int64_t lines = oc_shape_span(in, 0, axis) * inner;

    for (int64_t line = 0; line < lines; line++) {
        int64_t base = line / inner * n * inner + line % inner;
        int64_t to = line / inner * k * inner + line % inner;

        for (int64_t i = 0; i < n; i++) {
            double v = sign * x[0][base + i * inner];
            int64_t rank = 0;

            for (int64_t j = 0; j < n; j++) {
                double u = sign * x[0][base + j * inner];

                rank += u > v || (u == v && j < i);
            }
            if (rank < k) {
                y[0][to + rank * inner] = x[0][base + i * inner];
                y[1][to + rank * inner] = (double)i;
            }
        }
    }
}

#define CASE(words, extents, k)                                                \
    {                                                                          \
        .op = "TopK", .attributes = words,                                     \
        .in = {{.shape = extents, .low = -100, .high = 100}, OC_INTS(k)},      \
        .reference = top_k                                                     \
    }
#define WHOLE(words, extents, kind, k)                                         \
    {                                                                          \
        .op = "TopK", .attributes = words,                                     \
        .in = {{.shape = extents, .low = -9, .high = 9, .type = kind},         \
               OC_INTS(k)},                                                    \
        .reference = top_k, .no_gradient = 1                                   \
    }

static const struct oc_case cases[] = {
    CASE(NULL, "3x4", 3),
    CASE("axis=0 largest=0", "17x3", 5),
    CASE("axis=1", "2x33x3", 33),
    CASE("largest=0", "1", 1),
    CASE("axis=-2", "2x5x7", 2),
    CASE(NULL, "4x9", 0),
    CASE(NULL, "1x1001", 7),
    WHOLE("largest=0", "5x40", OCELLUS_INT64, 11),
    WHOLE(NULL, "5x40", OCELLUS_UINT8, 40),
    WHOLE("axis=0 sorted=0", "100x2", OCELLUS_INT32, 64),
    WHOLE(NULL, "3x20", OCELLUS_FLOAT16, 4),
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

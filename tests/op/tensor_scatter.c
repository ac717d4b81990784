/* tensor_scatter.c - TensorScatter: entry after entry put into the cache. */
#include <string.h>

#include "tests/op/harness.h"

static void
scatter(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int axis = (int)oc_attr_int(node, "axis", -2);
    int circular =
        strcmp(oc_attr_text(node, "mode", "linear"), "circular") == 0;

    axis += axis < 0 ? in->rank : 0;
    int64_t n = in->dim[axis], length = node->in[1]->shape.dim[axis];
    int64_t after = oc_shape_span(in, axis + 1, in->rank);
    int64_t lead = oc_shape_span(in, 0, axis);

    memcpy(y[0], x[0], (size_t)oc_shape_count(in) * sizeof *y[0]);
    for (int64_t p = 0; p < lead; p++)
        for (int64_t i = 0; i < length; i++) {
            int64_t b = p / (lead / in->dim[0]);
            int64_t to = i + (x[2] ? (int64_t)x[2][b] : 0);

            if (circular)
                to %= n;
            if (to < n)
                memcpy(y[0] + (p * n + to) * after,
                       x[1] + (p * length + i) * after,
                       (size_t)after * sizeof *y[0]);
        }
}

#define CASE(words, cache, update, ...)                                        \
    {                                                                          \
        .op = "TensorScatter", .attributes = words,                            \
        .in = {{.shape = cache}, {.shape = update}, __VA_ARGS__},              \
        .reference = scatter, .no_gradient = 1                                 \
    }
#define PLACES(extents, most)                                                  \
    {                                                                          \
        .shape = extents, .high = most, .type = OCELLUS_INT64                  \
    }

static const struct oc_case cases[] = {
    CASE(NULL, "2x3x7x4", "2x3x2x4", PLACES("2", 5)),
    CASE("mode=circular", "3x2x5x3", "3x2x4x3", PLACES("3", 4)),
    CASE("axis=1", "4x6x5", "4x1x5", PLACES("4", 8)),
    CASE("axis=-1 mode=circular", "2x9", "2x9", PLACES("2", 8)),
    CASE(NULL, "2x5x3", "2x3x3", {.shape = NULL}),
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

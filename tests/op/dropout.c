/* dropout.c - Dropout, which does nothing, and RandomDropout, whose numbers
 * come from the host's Philox. */
#include "tests/op/harness.h"

#include <string.h>

#include "base/random.h"

static void
same(const struct oc_node *node, const double *const x[], double *const y[])
{
    memcpy(y[0], x[0],
           (size_t)oc_shape_count(&node->in[0]->shape) * sizeof(double));
}

static void
dropped(const struct oc_node *node, const double *const x[], double *const y[])
{
    double ratio = oc_attr_float(node, "ratio", 0.5);
    int64_t count = oc_shape_count(&node->in[0]->shape);
    uint32_t key[2] = {(uint32_t)x[1][0], (uint32_t)x[1][1]}, word[4];

    for (int64_t i = 0; i < count; i++) {
        uint32_t counter[4] = {(uint32_t)(i / 4),
                               (uint32_t)oc_attr_int(node, "stream", 0),
                               (uint32_t)x[1][2], (uint32_t)x[1][3]};

        oc_philox(key, counter, word);
        y[0][i] = (double)word[i % 4] < ratio * 4294967296.0
                      ? 0
                      : x[0][i] / (1 - ratio);
    }
}

#define KEY(a, b, c, d)                                                        \
    {                                                                          \
        .values = (const double[]){a, b, c, d}, .count = 4,                    \
        .type = OCELLUS_INT32, .no_gradient = 1                                \
    }
#define CASE(words, extents, ...)                                              \
    {                                                                          \
        .op = "RandomDropout", .attributes = words,                            \
        .in = {{.shape = extents}, __VA_ARGS__}, .reference = dropped          \
    }

static const struct oc_case cases[] = {
    {.op = "Dropout", .in = {{.shape = "3x7"}}, .reference = same},
    CASE("ratio=0.3 stream=3", "7x31", KEY(5, 6, 7, 8)),
    CASE("ratio=0.5", "2x3x5x7", KEY(123456789, 0, 1, 0)),
    CASE("ratio=0.0 stream=1", "5", KEY(1, 0, 2, 0)),
    {.op = "RandomDropout",
     .attributes = "ratio=0.75 stream=9",
     .in = {{.shape = "65x67"}, KEY(1, 2, 3, 4)},
     .reference = dropped,
     .gpu = 1},
    {.op = "RandomDropout",
     .attributes = "ratio=1.0",
     .in = {{.shape = "9"}, KEY(1, 2, 3, 4)},
     .reference = dropped},
    {.op = "RandomDropout",
     .attributes = "ratio=0.25",
     .in = {{.shape = "3x7", .type = OCELLUS_FLOAT16}, KEY(1, 2, 3, 4)},
     .reference = dropped,
     .tolerance = 1e-3},
    {.op = "RandomDropout",
     .attributes = "ratio=0.25",
     .in = {{.shape = "0x7"}, KEY(1, 2, 3, 4)},
     .reference = dropped},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

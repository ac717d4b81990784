/* reverse_sequence.c - ReverseSequence by its definition. */
#include "tests/op/harness.h"

static void
reversed(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *shape = &node->in[0]->shape;
    int64_t batch = oc_attr_int(node, "batch_axis", 1), at[OC_MAX_RANK] = {0};

    do {
        int64_t from[OC_MAX_RANK], i = 0, j = 0;
        int64_t length = (int64_t)x[1][at[batch]];

        for (int k = 0; k < shape->rank; k++)
            from[k] = at[k];
        if (at[1 - batch] < length)
            from[1 - batch] = length - 1 - at[1 - batch];
        for (int k = 0; k < shape->rank; k++) {
            i = i * shape->dim[k] + at[k];
            j = j * shape->dim[k] + from[k];
        }
        y[0][i] = x[0][j];
    } while (oc_next(shape, at));
}

#define LENGTHS(TYPE, ...)                                                     \
    {                                                                          \
        .type = TYPE, .values = (const double[]){__VA_ARGS__},                 \
        .count = sizeof((const double[]){__VA_ARGS__}) / sizeof(double),       \
        .no_gradient = 1                                                       \
    }

static const struct oc_case cases[] = {
    {.op = "ReverseSequence",
     .in = {{"4x3"}, LENGTHS(OCELLUS_INT64, 4, 1, 2)},
     .expect = "4x3",
     .reference = reversed},
    {.op = "ReverseSequence",
     .attributes = "batch_axis=0 time_axis=1",
     .in = {{"3x5x2x7"}, LENGTHS(OCELLUS_INT64, 0, 5, 3)},
     .reference = reversed},
    {.op = "ReverseSequence",
     .attributes = "batch_axis=1 time_axis=0",
     .in = {{"17x2x3", .type = OCELLUS_DOUBLE}, LENGTHS(OCELLUS_INT64, 17, 13)},
     .reference = reversed},
    {.op = "ReverseSequence",
     .in = {{"5x1x3", .high = 200, .type = OCELLUS_UINT8},
            LENGTHS(OCELLUS_INT64, 4)},
     .reference = reversed},
    {.op = "ReverseSequence",
     .in = {{"3x2x2", .type = OCELLUS_FLOAT16}, LENGTHS(OCELLUS_INT64, 3, 2)},
     .reference = reversed},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

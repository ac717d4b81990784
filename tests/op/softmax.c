/* softmax.c - Softmax and LogSoftmax by their definitions. */
#include "tests/op/harness.h"

#include <math.h>

static void
defined(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *shape = &node->in[0]->shape;
    int64_t axis = oc_attr_int(node, "axis", -1);
    int64_t outer, n, inner;

    axis += axis < 0 ? shape->rank : 0;
    outer = oc_shape_span(shape, 0, (int)axis);
    n = shape->dim[axis];
    inner = oc_shape_span(shape, (int)axis + 1, shape->rank);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            const double *from = x[0] + o * n * inner + i;
            double *to = y[0] + o * n * inner + i;
            double sum = 0;

            for (int64_t c = 0; c < n; c++)
                sum += exp(from[c * inner]);
            for (int64_t c = 0; c < n; c++)
                to[c * inner] = node->op->name[0] == 'L'
                                    ? from[c * inner] - log(sum)
                                    : exp(from[c * inner]) / sum;
        }
}

#define ROW(NAME)                                                              \
    {.op = NAME, .in = {{"5x10", -3, 3}}, .reference = defined},               \
        {.op = NAME, .in = {{"3x40", -80, 80}}, .reference = defined},         \
        {.op = NAME,                                                           \
         .attributes = "axis=1",                                               \
         .in = {{"2x7x3x5", -3, 3}},                                           \
         .reference = defined},                                                \
        {.op = NAME,                                                           \
         .attributes = "axis=0",                                               \
         .in = {{"4x19", -3, 3}},                                              \
         .reference = defined},                                                \
        {.op = NAME, .in = {{"3x1"}}, .reference = defined},                   \
        {.op = NAME, .in = {{"0x4"}}, .reference = defined},                   \
        {.op = NAME,                                                           \
         .in = {{"3x9", -3, 3, OCELLUS_FLOAT16}},                              \
         .tolerance = 2e-3,                                                    \
         .reference = defined},                                                \
        {.op = NAME,                                                           \
         .in = {{"2x18", -3, 3, OCELLUS_FLOAT16}},                             \
         .tolerance = 2e-3,                                                    \
         .reference = defined},                                                \
    {                                                                          \
        .op = NAME, .in = {{"3x9", -3, 3, OCELLUS_DOUBLE}},                    \
        .tolerance = 1e-13, .reference = defined                               \
    }

/* "SoftmaxGrad" and "LogSoftmaxGrad" by their gradients. */
static const struct oc_case cases[] = {
    ROW("Softmax"),
    ROW("LogSoftmax"),
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

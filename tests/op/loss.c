/* loss.c - losses of class scores by ONNX's definition, label smoothing by
 * torch.nn.functional.cross_entropy's. */
#include "tests/op/harness.h"

#include <math.h>
#include <string.h>

struct sums {
    double loss, weight;
};

/* Sample i of scores N x C x inner. */
static struct sums
sample(const struct oc_node *node, const double *x, double label,
       const double *w, int64_t inner, double *log_prob)
{
    int64_t classes = node->in[0]->shape.dim[1];
    double smooth = oc_attr_float(node, "label_smoothing", 0.0), norm = 0, p;
    int is_softmax = node->op->name[0] == 'S';
    struct sums sums = {0, 0};

    for (int64_t c = 0; is_softmax && c < classes; c++)
        norm += exp(x[c * inner]);
    norm = is_softmax ? log(norm) : 0;
    for (int64_t c = 0; c < classes; c++) {
        p = x[c * inner] - norm;
        if (log_prob)
            log_prob[c * inner] = p;
        sums.loss -= smooth / (double)classes * (w ? w[c] : 1) * p;
        if ((double)c == label) {
            sums.weight = w ? w[c] : 1;
            sums.loss -= (1 - smooth) * sums.weight * p;
        }
    }
    if (label == (double)oc_attr_int(node, "ignore_index", -12345))
        sums = (struct sums){0, 0};
    return sums;
}

static void
defined(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *shape = &node->in[0]->shape;
    const char *how = oc_attr_text(node, "reduction", "mean");
    int64_t inner = oc_shape_span(shape, 2, shape->rank);
    int64_t count = shape->dim[0] * inner;
    double *log_prob = node->op->name[0] == 'S' ? y[1] : NULL;
    struct sums total = {0, 0};

    for (int64_t i = 0; i < count; i++) {
        int64_t at = i / inner * shape->dim[1] * inner + i % inner;
        struct sums one =
            sample(node, x[0] + at, x[1][i], node->n_in > 2 ? x[2] : NULL,
                   inner, log_prob ? log_prob + at : NULL);

        total.loss += one.loss;
        total.weight += one.weight;
        if (strcmp(how, "none") == 0)
            y[0][i] = one.loss;
    }
    if (strcmp(how, "sum") == 0)
        y[0][0] = total.loss;
    if (strcmp(how, "mean") == 0)
        y[0][0] = total.loss / total.weight;
}

#define CASE(NAME, ATTRIBUTES, X, T, CLASSES, TYPE)                            \
    {                                                                          \
        .op = NAME, .attributes = ATTRIBUTES,                                  \
        .in = {{X, -3, 3}, {T, 0, CLASSES - 1, TYPE}}, .reference = defined    \
    }

#define WEIGHTED(NAME, ATTRIBUTES, X, T, W, CLASSES)                           \
    {                                                                          \
        .op = NAME, .attributes = ATTRIBUTES,                                  \
        .in = {{X, -3, 3},                                                     \
               {T, 0, CLASSES - 1, OCELLUS_INT64},                             \
               {W, 0.5, 2, .no_gradient = 1}},                                 \
        .reference = defined                                                   \
    }

#define FAMILY(NAME)                                                           \
    CASE(NAME, NULL, "6x10", "6", 10, OCELLUS_INT64),                          \
        CASE(NAME, "reduction=sum", "6x3", "6", 3, OCELLUS_INT32),             \
        CASE(NAME, "reduction=none", "6x3", "6", 3, OCELLUS_INT64),            \
        CASE(NAME, NULL, "2x5x3x4", "2x3x4", 5, OCELLUS_INT64),                \
        CASE(NAME, "ignore_index=2", "9x4", "9", 4, OCELLUS_INT64),            \
        WEIGHTED(NAME, NULL, "7x4", "7", "4", 4),                              \
        WEIGHTED(NAME, "reduction=none ignore_index=1", "2x4x6", "2x6", "4",   \
                 4),                                                           \
        CASE(NAME, NULL, "1x2", "1", 2, OCELLUS_INT64)

/* Gradients: "SoftmaxCrossEntropyLossGrad" "NegativeLogLikelihoodLossGrad". */
static const struct oc_case cases[] = {
    FAMILY("SoftmaxCrossEntropyLoss"),
    FAMILY("NegativeLogLikelihoodLoss"),
    CASE("SoftmaxCrossEntropyLoss", "label_smoothing=0.1", "6x10", "6", 10,
         OCELLUS_INT64),
    WEIGHTED("SoftmaxCrossEntropyLoss", "label_smoothing=0.2 ignore_index=0",
             "5x3x2", "5x2", "3", 3),
    /* Sums in pieces. */
    {.op = "SoftmaxCrossEntropyLoss",
     .in = {{"3001x3", -3, 3}, {"3001", 0, 2, OCELLUS_INT64}},
     .no_gradient = 1,
     .reference = defined},
    {.op = "SoftmaxCrossEntropyLoss",
     .in = {{"5x3", -300, 300}, {"5", 0, 2, OCELLUS_INT64}},
     .reference = defined},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

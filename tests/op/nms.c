/* nms.c - NonMaxSuppression, by another way than src/op/nms.c: boxes are
 * struck out by the best one left, instead of compared with those kept. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/op/harness.h"

static double
side(const double *box, int center, int k, int end)
{
    if (center)
        return box[1 - k] + (end ? 0.5 : -0.5) * box[3 - k];
    return end ? fmax(box[k], box[k + 2]) : fmin(box[k], box[k + 2]);
}

static double
overlap(const double *a, const double *b, int center)
{
    double common = 1, one = 1, other = 1;

    for (int k = 0; k < 2; k++) {
        double a0 = side(a, center, k, 0), a1 = side(a, center, k, 1);
        double b0 = side(b, center, k, 0), b1 = side(b, center, k, 1);

        common *= fmax(0, fmin(a1, b1) - fmax(a0, b0));
        one *= a1 - a0;
        other *= b1 - b0;
    }
    return common / (one + other - common);
}

static void
nms(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *score = &node->in[1]->shape;
    int64_t boxes = score->dim[2], at = 0;
    int center = (int)oc_attr_int(node, "center_point_box", 0);
    double *left = calloc((size_t)boxes + 1, sizeof *left);

    for (int64_t i = 0; left && i < score->dim[0] * score->dim[1]; i++) {
        const double *box = x[0] + i / score->dim[1] * boxes * 4;

        for (int64_t b = 0; b < boxes; b++)
            left[b] = !x[4] || x[1][i * boxes + b] > x[4][0]
                          ? x[1][i * boxes + b]
                          : -INFINITY;
        for (int64_t k = 0; x[2] && k < (int64_t)x[2][0]; k++) {
            int64_t best = 0;

            for (int64_t b = 1; b < boxes; b++)
                best = left[b] > left[best] ? b : best;
            if (isinf(left[best]))
                break;
            y[0][at++] = (double)(i / score->dim[1]);
            y[0][at++] = (double)(i % score->dim[1]);
            y[0][at++] = (double)best;
            left[best] = -INFINITY;
            for (int64_t b = 0; b < boxes; b++)
                if (overlap(box + 4 * b, box + 4 * best, center) >
                    (x[3] ? x[3][0] : 0))
                    left[b] = -INFINITY;
        }
    }
    free(left);
}

#define BOXES(extents)                                                         \
    {                                                                          \
        .shape = extents, .low = 0.1, .high = 2, .host = 1                     \
    }
#define NUMBER(value)                                                          \
    {                                                                          \
        .shape = "", .values = (const double[]){value}, .host = 1              \
    }
#define CASE(words, boxes, scores, ...)                                        \
    {                                                                          \
        .op = "NonMaxSuppression", .attributes = words, .reference = nms,      \
        .in = {BOXES(boxes), BOXES(scores), __VA_ARGS__}, .no_gradient = 1     \
    }

static const double corners[] = {0, 0,   1, 1,  0, 0.1, 1, 1.1, 0, -0.1,
                                 1, 0.9, 0, 10, 1, 11,  0, 100, 1, 101};
static const double scores[] = {0.9, 0.75, 0.6, 0.95, 0.3};

static const struct oc_case cases[] = {
    CASE(NULL, "1x17x4", "1x3x17", OC_INTS(5), NUMBER(0.5)),
    CASE(NULL, "2x31x4", "2x2x31", OC_INTS(100), NUMBER(0.3), NUMBER(0.7)),
    CASE("center_point_box=1", "1x20x4", "1x1x20", OC_INTS(4), NUMBER(0.2)),
    CASE(NULL, "1x3x4", "1x1x3", OC_INTS(2)),
    {.op = "NonMaxSuppression",
     .in = {{.shape = "1x5x4", .values = corners, .host = 1},
            {.shape = "1x1x5", .values = scores, .host = 1},
            OC_INTS(3),
            NUMBER(0.5)},
     .reference = nms,
     .expect = "3x3",
     .no_gradient = 1},
    CASE(NULL, "1x5x4", "1x2x5", OC_INTS(0)),
};

/* 50,000 boxes that do not touch would be compared 1.25 thousand million times;
 * of each class's best ten, hardly ever. */
static int
is_bounded(int64_t each, int right)
{
    enum { MANY = 50000 };
    static float box[MANY][4], score[MANY];
    struct oc_shape boxes = OC_SHAPE(1, MANY, 4), points = OC_SHAPE(1, 1, MANY);
    struct ocellus_graph *g;

    for (int k = 0; k < MANY; k++) {
        box[k][0] = box[k][1] = 2 * (float)k;
        box[k][2] = box[k][3] = 2 * (float)k + 1;
    }
    if (oc_graph_create(&g) != OCELLUS_OK)
        return 0;
    int there =
        OC_NODE(g, "NonMaxSuppression", NULL,
                oc_graph_constant(g, NULL, OCELLUS_FLOAT, &boxes, box),
                oc_graph_constant(g, NULL, OCELLUS_FLOAT, &points, score),
                oc_ints(g, 1, &each)) != NULL;
    int good = there == right && (right || g->status == OCELLUS_UNSUPPORTED);
    printf("%s - %lld of 50000 boxes are %s\n", good ? "ok" : "not ok",
           (long long)each, right ? "found" : "refused");
    oc_graph_destroy(g);
    return good;
}

int
main(void)
{
    int good = is_bounded(10, 1) && is_bounded(50000, 0);
    int code = oc_cases_run(cases, OC_COUNT(cases));

    return good ? code : 1;
}

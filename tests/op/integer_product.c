/* integer_product.c - products and convolutions of 8-bit integers against plain
 * loops. */
#include <math.h>

#include "tests/op/harness.h"

static double
number(const double *x, const struct ocellus_value *of, int64_t at)
{
    return x == NULL ? 0 : oc_shape_count(&of->shape) == 1 ? x[0] : x[at];
}

/* A: batch x m x k or a vector, B: k x n or batch x k x n. a, b: which inputs
 * they are; their zero points have a number a row of A, a column of B. */
struct matrices {
    int a, zero_a, b, zero_b;
};

static const struct ocellus_value *
input(const struct oc_node *node, int k)
{
    return k < node->n_in ? node->in[k] : NULL;
}

static double
product(const struct oc_node *node, const double *const x[],
        const struct matrices *is, int64_t i)
{
    const struct oc_shape *a = &node->in[is->a]->shape;
    const struct oc_shape *b = &node->in[is->b]->shape;
    int64_t inner = a->dim[a->rank - 1], n = b->dim[b->rank - 1];
    int64_t m = a->rank > 1 ? a->dim[a->rank - 2] : 1;
    int64_t row = i / n % m, column = i % n;
    int64_t image = b->rank > 2 ? i / n / m : 0;
    double sum = 0;

    for (int64_t k = 0; k < inner; k++)
        sum += (x[is->a][i / n * inner + k] -
                number(x[is->zero_a], input(node, is->zero_a), row)) *
               (x[is->b][(image * inner + k) * n + column] -
                number(x[is->zero_b], input(node, is->zero_b), column));
    return sum;
}

static void
matmul(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct matrices is = {0, 2, 1, 3};

    for (int64_t i = 0; i < oc_shape_count(&node->out[0]->shape); i++)
        y[0][i] = product(node, x, &is, i);
}

static double
requantize(const struct oc_node *node, double v, double zero)
{
    int is_signed = node->out[0]->type == OCELLUS_INT8;

    return fmax(is_signed ? -128 : 0,
                fmin(is_signed ? 127 : 255, nearbyint(v) + zero));
}

static void
qlinear_matmul(const struct oc_node *node, const double *const x[],
               double *const y[])
{
    const struct matrices is = {0, 2, 3, 5};
    const struct oc_shape *a = &node->in[0]->shape;
    const struct oc_shape *b = &node->in[3]->shape;
    int64_t m = a->dim[a->rank - 2], n = b->dim[b->rank - 1];

    for (int64_t i = 0; i < oc_shape_count(&node->out[0]->shape); i++)
        y[0][i] = requantize(node,
                             product(node, x, &is, i) *
                                 number(x[1], node->in[1], i / n % m) *
                                 number(x[4], node->in[4], i % n) / x[6][0],
                             x[7][0]);
}

/* Images of two spatial axes, by the node's strides, pads and group. */
static double
convolve(const struct oc_node *node, const double *x, double zero_x,
         const double *w, const struct oc_shape *ws, double zero_w, int64_t i)
{
    const struct oc_shape *s = &node->in[0]->shape;
    const struct oc_shape *o = &node->out[0]->shape;
    const int64_t *pads, *strides;
    int n_pads, n_strides;
    int64_t group = oc_attr_int(node, "group", 1);
    int64_t k = i / (o->dim[2] * o->dim[3]) % o->dim[1];
    int64_t n = i / (o->dim[1] * o->dim[2] * o->dim[3]);
    double sum = 0;

    pads = oc_attr_ints(node, "pads", &n_pads);
    strides = oc_attr_ints(node, "strides", &n_strides);
    for (int64_t t = 0; t < ws->dim[1] * ws->dim[2] * ws->dim[3]; t++) {
        int64_t c = t / (ws->dim[2] * ws->dim[3]);
        int64_t at[2] = {i / o->dim[3] % o->dim[2], i % o->dim[3]};
        int64_t tap[2] = {t / ws->dim[3] % ws->dim[2], t % ws->dim[3]};
        int inside = 1;

        for (int d = 0; d < 2; d++) {
            at[d] = at[d] * (n_strides ? strides[d] : 1) + tap[d] -
                    (n_pads ? pads[d] : 0);
            inside &= at[d] >= 0 && at[d] < s->dim[2 + d];
        }
        c += k / (o->dim[1] / group) * ws->dim[1];
        if (inside)
            sum += (x[((n * s->dim[1] + c) * s->dim[2] + at[0]) * s->dim[3] +
                      at[1]] -
                    zero_x) *
                   (w[k * ws->dim[1] * ws->dim[2] * ws->dim[3] + t] - zero_w);
    }
    return sum;
}

static int64_t
channel(const struct oc_node *node, int64_t i)
{
    const struct oc_shape *o = &node->out[0]->shape;

    return i / (o->dim[2] * o->dim[3]) % o->dim[1];
}

static void
conv(const struct oc_node *node, const double *const x[], double *const y[])
{
    for (int64_t i = 0; i < oc_shape_count(&node->out[0]->shape); i++)
        y[0][i] =
            convolve(node, x[0], x[2] ? x[2][0] : 0, x[1], &node->in[1]->shape,
                     number(x[3], input(node, 3), channel(node, i)), i);
}

static void
qlinear_conv(const struct oc_node *node, const double *const x[],
             double *const y[])
{
    for (int64_t i = 0; i < oc_shape_count(&node->out[0]->shape); i++) {
        int64_t k = channel(node, i);
        double sum = convolve(node, x[0], x[2][0], x[3], &node->in[3]->shape,
                              number(x[5], node->in[5], k), i);

        sum += x[8] ? x[8][k] : 0;
        y[0][i] = requantize(
            node, sum * x[1][0] * number(x[4], node->in[4], k) / x[6][0],
            x[7][0]);
    }
}

#define U8(extents)                                                            \
    {                                                                          \
        .shape = extents, .type = OCELLUS_UINT8, .high = 255                   \
    }
#define S8(extents)                                                            \
    {                                                                          \
        .shape = extents, .type = OCELLUS_INT8, .low = -128, .high = 127       \
    }
#define SCALE(extents, least, most)                                            \
    {                                                                          \
        .shape = extents, .low = least, .high = most                           \
    }
#define CASE(NAME, REFERENCE)                                                  \
    .op = NAME, .reference = REFERENCE, .plain = 1, .no_gradient = 1,          \
    .tolerance = 1e-9
#define M CASE("MatMulInteger", matmul)
#define QM CASE("QLinearMatMul", qlinear_matmul)
#define C CASE("ConvInteger", conv)
#define QC CASE("QLinearConv", qlinear_conv)

/* Sums that fit float32's 24 bits, that do so in two parts, and that do not;
 * and a convolution that is Winograd's where it need not be exact. */
static const struct oc_case cases[] = {
    {M, .in = {U8("4x3"), U8("3x2")}},
    {M, .in = {U8("5x301"), S8("301x7"), U8(""), S8("7")}},
    {M, .in = {S8("2x3x5"), U8("2x5x4"), S8("3"), U8("4")}},
    {M, .in = {S8("9"), S8("9x4")}},
    {M, .in = {U8("2x5001"), U8("5001x3"), U8("2"), U8("")}},
    {QM, .in = {U8("3x17"), SCALE("", 0.01, 0.02), U8(""), S8("17x5"),
                SCALE("", 0.01, 0.02), S8(""), SCALE("", 0.3, 0.4), U8("")}},
    {QM,
     .in = {S8("2x3x6"), SCALE("3", 0.01, 0.02), S8("3"), S8("2x6x4"),
            SCALE("4", 0.01, 0.02), S8("4"), SCALE("1", 0.1, 0.2), S8("1")}},
    {C, .in = {U8("1x1x4x5"), U8("1x1x2x2"), U8("")}},
    {C, .attributes = "pads=1,1,1,1 strides=2,1 group=2",
     .in = {U8("2x6x5x7"), S8("4x3x3x3"), U8("1"), S8("4")}},
    {C, .in = {U8("1x70x3x3"), U8("2x70x3x3")}},
    {C, .attributes = "pads=1,1,1,1",
     .in = {U8("1x16x24x24"), S8("16x16x3x3")}},
    {QC, .attributes = "pads=1,1,1,1",
     .in = {U8("2x3x5x4"),
            SCALE("", 0.01, 0.02),
            U8(""),
            S8("4x3x3x3"),
            SCALE("4", 0.01, 0.02),
            S8("4"),
            SCALE("", 0.2, 0.3),
            U8(""),
            {.shape = "4", .type = OCELLUS_INT32, .low = -3000, .high = 3000}}},
    {QC, .in = {S8("1x2x3x3"), SCALE("", 0.01, 0.02), S8(""), S8("3x2x1x1"),
                SCALE("", 0.01, 0.02), S8(""), SCALE("", 0.02, 0.03), S8("")}},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

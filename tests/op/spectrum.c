/* spectrum.c - DFT and STFT against the sums of their definition. */
#include <math.h>

#include "tests/op/harness.h"

/* Part of the sum of x[j] exp(sign 2 pi i j k / n) over `length` numbers, which
 * lie `step` apart and have `parts` parts. */
static double
sum_of(const double *x, int64_t length, int64_t step, int parts, double sign,
       int64_t n, int64_t k, int part)
{
    double sum = 0;

    for (int64_t j = 0; j < length; j++) {
        double angle = sign * 2 * acos(-1) * (double)(j * k % n) / (double)n;
        double re = x[j * step], im = parts > 1 ? x[j * step + 1] : 0;

        sum += part == 0 ? re * cos(angle) - im * sin(angle)
                         : re * sin(angle) + im * cos(angle);
    }
    return sum;
}

/* From the first half of the spectrum of real numbers. */
static double
from_half(const double *x, int64_t step, int64_t n, int64_t k)
{
    double sum = x[0];

    for (int64_t j = 1; j <= n / 2; j++) {
        double angle = 2 * acos(-1) * (double)(j * k % n) / (double)n;
        double twice = 2 * j == n ? 1 : 2;

        sum += twice * x[j * step] * cos(angle);
        if (2 * j != n)
            sum -= twice * x[j * step + 1] * sin(angle);
    }
    return sum;
}

static void
dft(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *s = &node->in[0]->shape;
    const struct oc_shape *o = &node->out[0]->shape;
    int inverse = oc_attr_int(node, "inverse", 0) != 0;
    int onesided = oc_attr_int(node, "onesided", 0) != 0;
    int axis = x[2] ? (int)x[2][0] : -2, parts = (int)s->dim[s->rank - 1];
    int64_t step = parts, at[OC_MAX_RANK] = {0}, i = 0;

    axis += axis < 0 ? s->rank : 0;
    int64_t length = s->dim[axis];
    int64_t n = x[1] ? (int64_t)x[1][0] : length;
    if (inverse && onesided && !x[1])
        n = 2 * (length - 1);
    for (int k = axis + 1; k < s->rank - 1; k++)
        step *= s->dim[k];
    do {
        int64_t from = 0, k = at[axis];

        for (int d = 0; d < s->rank - 1; d++)
            from = from * s->dim[d] + (d == axis ? 0 : at[d]);
        const double *line = x[0] + from * parts;
        y[0][i] = inverse && onesided
                      ? from_half(line, step, n, k)
                      : sum_of(line, length < n ? length : n, step, parts,
                               inverse ? 1 : -1, n, k, (int)at[s->rank - 1]);
        y[0][i++] /= inverse ? (double)n : 1;
    } while (oc_next(o, at));
}

static void
stft(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *s = &node->in[0]->shape;
    const struct oc_shape *o = &node->out[0]->shape;
    int parts = s->rank > 2 ? (int)s->dim[2] : 1;
    int64_t step = (int64_t)x[1][0], at[OC_MAX_RANK] = {0}, i = 0;
    int64_t n = x[3]   ? (int64_t)x[3][0]
                : x[2] ? node->in[2]->shape.dim[0]
                       : s->dim[1];
    double frame[64];

    do {
        for (int64_t j = 0; j < n * parts; j++)
            frame[j] = x[0][(at[0] * s->dim[1] + at[1] * step) * parts + j] *
                       (x[2] ? x[2][j / parts] : 1);
        y[0][i++] = sum_of(frame, n, parts, parts, -1, n, at[2], (int)at[3]);
    } while (oc_next(o, at));
}

#define F .op = "DFT", .reference = dft, .plain = 1
#define S .op = "STFT", .reference = stft, .plain = 1
#define NONE                                                                   \
    {                                                                          \
        .shape = NULL                                                          \
    }

static const struct oc_case cases[] = {
    {F, .in = {{"2x7x1"}}, .expect = "2x7x2"},
    {F, .in = {{"2x3x6x2"}, NONE, OC_INTS(1)}, .expect = "2x3x6x2"},
    {F, .in = {{"1x1x1"}}},
    {F, .attributes = "onesided=1", .in = {{"3x8x1"}}, .expect = "3x5x2"},
    {F, .attributes = "inverse=1", .in = {{"2x9x2"}}},
    {F, .attributes = "inverse=1 onesided=1", .in = {{"2x5x2"}},
     .expect = "2x8x1"},
    {F, .attributes = "inverse=1 onesided=1",
     .in = {{"4x3x2"}, OC_INTS(7), OC_INTS(0)}, .expect = "7x3x1"},
    {F, .in = {{"2x5x1"}, OC_INTS(8), OC_INTS(-2)}, .expect = "2x8x2"},
    {F, .in = {{"2x5x2"}, OC_INTS(3)}, .expect = "2x3x2"},
    /* longer than one matrix: 24 x 25, a prime, twice a prime */
    {F, .in = {{"2x600x2"}}, .no_gradient = 1},
    {F, .in = {{"521x1"}}, .no_gradient = 1},
    {F, .attributes = "onesided=1", .in = {{"2x1042x1"}}, .expect = "2x522x2",
     .no_gradient = 1},
    {F, .attributes = "inverse=1 onesided=1", .in = {{"1x401x2"}},
     .expect = "1x800x1", .no_gradient = 1},
    {S, .in = {{"2x17x1"}, OC_INTS(3), {"6"}}, .expect = "2x4x4x2"},
    {S, .attributes = "onesided=0",
     .in = {{"1x16x2"}, OC_INTS(4), {"5"}, OC_INTS(5)}, .expect = "1x3x5x2"},
    {S, .in = {{"2x9x1"}, OC_INTS(2), NONE, OC_INTS(4)}},
    {S, .in = {{"3x8"}, OC_INTS(1)}, .expect = "3x1x5x2"},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

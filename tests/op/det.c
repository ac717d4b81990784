/* det.c - Det, by minors. */
#include "tests/op/harness.h"

/* Of the rows from `row` on and the columns of `mask`. */
static double
minor(const double *x, int n, int row, unsigned mask)
{
    double sum = 0, sign = 1;

    if (row == n)
        return 1;
    for (int k = 0; k < n; k++)
        if (mask >> k & 1u) {
            sum +=
                sign * x[row * n + k] * minor(x, n, row + 1, mask & ~(1u << k));
            sign = -sign;
        }
    return sum;
}

static void
det(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int n = (int)in->dim[in->rank - 1];

    for (int64_t i = 0; i < oc_shape_count(&node->out[0]->shape); i++)
        y[0][i] = minor(x[0] + i * n * n, n, 0, (1u << n) - 1u);
}

static const double singular[] = {1, 2, 3, 2, 4, 6, 0, 1, 5};
static const double turned[] = {0, 2, 0, 0, 0, 3, 4, 0, 0};

#define CASE(extents, list)                                                    \
    {                                                                          \
        .op = "Det", .in = {{.shape = extents, .values = list}},               \
        .reference = det, .no_gradient = 1                                     \
    }

static const struct oc_case cases[] = {
    CASE("2x2", NULL),     CASE("3x5x5", NULL),   CASE("2x3x1x1", NULL),
    CASE("3x3", singular), CASE("1x3x3", turned), CASE("2x7x7", NULL),
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

/* taper.c - windows and mel bands against their formulas. */
#include <math.h>
#include <string.h>

#include "tests/op/harness.h"

static void
taper(const struct oc_node *node, const double *const x[], double *const y[])
{
    int64_t size = (int64_t)x[0][0];
    double turn = 2 * acos(-1) /
                  (double)(oc_attr_int(node, "periodic", 1) ? size : size - 1);

    for (int64_t k = 0; k < size; k++) {
        double angle = turn * (double)k;

        if (strcmp(node->op->name, "HannWindow") == 0)
            y[0][k] = sin(angle / 2) * sin(angle / 2);
        else if (strcmp(node->op->name, "HammingWindow") == 0)
            y[0][k] = 25.0 / 46 - 21.0 / 46 * cos(angle);
        else
            y[0][k] = 0.42 - 0.5 * cos(angle) + 0.08 * cos(2 * angle);
    }
}

/* Four bands of 0 to 4000 Hz at 8000 Hz, in a transform of 16: on the mel scale
 * (2595 log10(1 + f / 700), 0 to 2146.06) bands begin 357.68 apart, at 0,
 * 261.5, 620.6, 1113.8, 1791.3, 2721.9 Hz, that is, of 17 places, in 0, 0, 1,
 * 2, 3, 5. */
static void
mel(const struct oc_node *node, const double *const x[], double *const y[])
{
    static const int begins[] = {0, 0, 1, 2, 3, 5};

    (void)node;
    (void)x;
    for (int band = 0; band < 4; band++)
        for (int i = 0; i < 9; i++) {
            int left = begins[band], top = begins[band + 1];
            int right = begins[band + 2];
            double w = 0;

            if (i == top)
                w = 1;
            else if (i > left && i < top)
                w = (double)(i - left) / (top - left);
            else if (i > top && i < right)
                w = (double)(right - i) / (right - top);
            y[0][i * 4 + band] = w;
        }
}

static const double hertz[] = {0, 4000};

#define T .reference = taper, .no_gradient = 1
#define EDGE(k)                                                                \
    {                                                                          \
        .values = hertz + k, .count = 1, .host = 1                             \
    }

static const struct oc_case cases[] = {
    {T, .op = "HannWindow", .in = {OC_INTS(10)}, .expect = "10"},
    {T, .op = "HannWindow", .attributes = "periodic=0", .in = {OC_INTS(7)}},
    {T, .op = "HannWindow", .in = {OC_INTS(1)}},
    {T, .op = "HammingWindow", .in = {OC_INTS(8)}},
    {T, .op = "HammingWindow", .attributes = "periodic=0", .in = {OC_INTS(9)}},
    {T, .op = "BlackmanWindow", .in = {OC_INTS(6)}},
    {T, .op = "BlackmanWindow", .attributes = "periodic=0", .in = {OC_INTS(11)},
     .tolerance = 1e-6},
    {.op = "MelWeightMatrix",
     .in = {OC_INTS(4), OC_INTS(16), OC_INTS(8000), EDGE(0), EDGE(1)},
     .reference = mel,
     .expect = "9x4",
     .no_gradient = 1},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

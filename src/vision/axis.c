/* axis.c - a scale with ticks that a person would have chosen. */
#include "vision/axis.h"

#include <math.h>
#include <stdio.h>

/* The step of 1, 2 or 5 times a power of ten nearest above the even one. */
static double
nice_step(double span, int wanted)
{
    double even = span / wanted;
    double power = pow(10, floor(log10(even)));
    double digit = even / power;

    /* A hair of room: 0.2 / 0.1 must not count as more than 2. */
    if (digit <= 1 + 1e-9)
        return power;
    if (digit <= 2 + 1e-9)
        return 2 * power;
    if (digit <= 5 + 1e-9)
        return 5 * power;
    return 10 * power;
}

static int
decimals_of(double step)
{
    double decimals = ceil(-log10(step) - 1e-9);

    /* A NaN is not below 5 either. */
    if (!(decimals <= 5) || step >= 1e6)
        return -1;
    return decimals > 0 ? (int)decimals : 0;
}

/* Multiples of step within the scale. */
static void
add_ticks(struct oc_scale *scale, double step)
{
    double k = ceil(scale->low / step - 1e-9);

    for (; k * step <= scale->high + 1e-9 * step; k++) {
        if (scale->ticks == OC_MOST_TICKS)
            return;
        scale->tick[scale->ticks++] = k * step + 0.0; /* never -0 */
    }
}

struct oc_scale
oc_scale_linear(double low, double high, int wanted)
{
    struct oc_scale scale = {0};
    double step;

    /* Numbers that differ by less than rounding still get a step. */
    if (high - low <= 1e-9 * fmax(fabs(low), fabs(high))) {
        double pad = fmax(fabs(low) * 0.1, 1e-6);

        low -= pad;
        high += pad;
    }
    step = nice_step(high - low, wanted);
    scale.low = floor(low / step + 1e-9) * step;
    scale.high = ceil(high / step - 1e-9) * step;
    scale.decimals = decimals_of(step);
    add_ticks(&scale, step);
    return scale;
}

struct oc_scale
oc_scale_logarithmic(double low, double high)
{
    static const double digits[3] = {1, 2, 5};
    struct oc_scale scale = {.logarithmic = 1, .decimals = -1};
    int first = (int)floor(log10(low) + 1e-9);
    int last = (int)ceil(log10(high) - 1e-9);
    int digits_shown, stride, power, d;

    if (last <= first)
        last = first + 1;
    /* Whole decades below, but no more than a digit too much above. */
    scale.low = pow(10, first);
    scale.high = pow(10, last);
    for (d = 2; d > 0; d--) {
        if (digits[d] * pow(10, first) <= low * (1 + 1e-9)) {
            scale.low = digits[d] * pow(10, first);
            break;
        }
    }
    for (d = 1; d < 3; d++) {
        if (digits[d] * pow(10, last - 1) >= high * (1 - 1e-9)) {
            scale.high = digits[d] * pow(10, last - 1);
            break;
        }
    }
    if (!(scale.low < scale.high))
        scale.high = pow(10, last);
    digits_shown = log10(scale.high / scale.low) <= 3.2 ? 3 : 1;
    stride = 1 + (last - first) / 8;
    for (power = first; power <= last; power += stride) {
        for (d = 0; d < digits_shown; d++) {
            double value = digits[d] * pow(10, power);

            if (value >= scale.low * (1 - 1e-9) &&
                value <= scale.high * (1 + 1e-9) && scale.ticks < OC_MOST_TICKS)
                scale.tick[scale.ticks++] = value;
        }
    }
    return scale;
}

struct oc_scale
oc_scale_whole(double first, double last, int wanted)
{
    struct oc_scale scale = {.low = first, .high = last};

    if (!(last > first)) {
        double pad = fmax(0.5, 1e-9 * fabs(first));

        scale.low = first - pad;
        scale.high = first + pad;
    }
    add_ticks(&scale, fmax(1, nice_step(scale.high - scale.low, wanted)));
    return scale;
}

double
oc_scale_place(const struct oc_scale *scale, double value)
{
    if (scale->logarithmic)
        return log(value / scale->low) / log(scale->high / scale->low);
    return (value - scale->low) / (scale->high - scale->low);
}

char *
oc_scale_label(const struct oc_scale *scale, int k, char text[24])
{
    if (scale->decimals < 0)
        snprintf(text, 24, "%.4g", scale->tick[k]);
    else
        snprintf(text, 24, "%.*f", scale->decimals, scale->tick[k]);
    return text;
}

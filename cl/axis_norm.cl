/* axis_norm.cl - LpNormalization and MeanVarianceNormalization, and their
 * gradients.
 *
 * The numbers of a set are normalised together:
 *
 *     MODE 0   y = (x - mean) / (deviation + 1e-9)
 *     MODE 1   y = x / sum |x|
 *     MODE 2   y = x / sqrt(sum x^2)
 *
 * A set has outer x inner numbers, at first + o * outer_step + i *
 * inner_step. A work-item a set. Where the divisor is 0, y and dx are 0.
 *
 *   TYPE_x   storage type             1
 *   MODE     0, 1, 2                  0
 *   GRAD     1: dy comes, dx goes     0
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef MODE
#define MODE 0
#endif
#ifndef GRAD
#define GRAD 0
#endif

#define X(i) ((ACC)LOAD(TYPE_x, x, i))
#define D(i) ((ACC)LOAD(TYPE_x, dy, i))
/* Sums over the set, row by row. */
#define SUM(total, term)                                                       \
    for (int o = 0; o < outer; o++) {                                          \
        ACC part = 0;                                                          \
        for (int i = 0; i < inner; i++) {                                      \
            int at = first + o * outer_step + i * inner_step;                  \
            part += term;                                                      \
        }                                                                      \
        total += part;                                                         \
    }
#define EACH(value)                                                            \
    for (int o = 0; o < outer; o++)                                            \
        for (int i = 0; i < inner; i++) {                                      \
            int at = first + o * outer_step + i * inner_step;                  \
            STORE(TYPE_x, y, at, value);                                       \
        }

__kernel void
axis_norm(__global const STORAGE(TYPE_x) *dy,
          __global const STORAGE(TYPE_x) *x, __global STORAGE(TYPE_x) *y,
          int sets, int group, int group_step, int set_step, int outer,
          int outer_step, int inner, int inner_step)
{
    int s = (int)get_global_id(0);
    if (s >= sets)
        return;
    int first = s / group * group_step + s % group * set_step;
    ACC total = 0, slope = 0;
#if MODE == 0
    ACC mean = 0, m = (ACC)outer * inner;
    SUM(mean, X(at))
    mean /= m;
    SUM(total, (X(at) - mean) * (X(at) - mean))
    ACC deviation = sqrt(total / m), scale = 1 / (deviation + (ACC)1e-9);
#if GRAD
    ACC shift = 0;
    SUM(shift, D(at))
    shift /= m;
    SUM(slope, D(at) * (X(at) - mean))
    slope = deviation > 0 ? slope * scale * scale / (m * deviation) : 0;
    EACH((D(at) - shift) * scale - (X(at) - mean) * slope)
#else
    EACH((X(at) - mean) * scale)
#endif
#else
#if MODE == 1
    SUM(total, fabs(X(at)))
#else
    SUM(total, X(at) * X(at))
    total = sqrt(total);
#endif
    ACC scale = total > 0 ? 1 / total : 0;
#if GRAD
    SUM(slope, D(at) * X(at))
#if MODE == 1
    slope *= scale * scale;
    EACH(D(at) * scale - (X(at) > 0 ? slope : X(at) < 0 ? -slope : 0))
#else
    slope *= scale * scale * scale;
    EACH(D(at) * scale - X(at) * slope)
#endif
#else
    EACH(X(at) * scale)
#endif
#endif
}

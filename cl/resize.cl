/* resize.cl - Resize by nearest, linear or cubic interpolation, and its
 * gradient. A tensor is seen as outer x D x H x W, of which the last three may
 * change; output place o of an axis reads around
 *
 *     at = o * step + start        (both from ONNX's coordinate mode)
 *
 * with weights of TAPS neighbours: 1 nearest, 2 linear, 4 cubic (Keys 1981,
 * coefficient `cubic`). Neighbours outside are the edge's, or, OUTSIDE=1, weigh
 * nothing and the others are divided by their sum.
 *
 * TAPS     1, 2, 4
 * NEAREST  0 round half down, 1 round half up, 2 floor, 3 ceil
 * OUTSIDE  exclude_outside
 * EXTRA    1: `at` outside the input gives `extra` (tf_crop_and_resize)
 * TYPE_x, TYPE_y
 */
#ifndef TAPS
#define TAPS 2
#endif
#ifndef NEAREST
#define NEAREST 0
#endif
#ifndef OUTSIDE
#define OUTSIDE 0
#endif
#ifndef EXTRA
#define EXTRA 0
#endif
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef TYPE_y
#define TYPE_y 1
#endif

/* Rounding of step and start must not move a place off a half. */
static inline float
place(int o, float step, float start)
{
    float at = (float)o * step + start;
    float half_at = rint(2.0f * at) * 0.5f;
    return fabs(at - half_at) < 1e-5f * fmax(1.0f, fabs(at)) ? half_at : at;
}

static inline int
nearest(float at)
{
#if NEAREST == 0
    return (int)ceil(at - 0.5f);
#elif NEAREST == 1
    return (int)floor(at + 0.5f);
#elif NEAREST == 2
    return (int)floor(at);
#else
    return (int)ceil(at);
#endif
}

/* The first neighbour of `at` and the weights of TAPS from there on. */
static inline int
weights(float at, int n, float cubic, float *w)
{
#if TAPS == 1
    w[0] = 1.0f;
    return clamp(nearest(at), 0, n - 1);
#elif TAPS == 2
    float base = floor(at);
    w[1] = at - base;
    w[0] = 1.0f - w[1];
    return (int)base;
#else
    float base = floor(at), t = at - base, sum = 0.0f;
    for (int k = 0; k < 4; k++) {
        float d = fabs(t + 1.0f - (float)k);
        w[k] = d <= 1.0f
                   ? ((cubic + 2.0f) * d - (cubic + 3.0f)) * d * d + 1.0f
                   : ((cubic * d - 5.0f * cubic) * d + 8.0f * cubic) * d -
                         4.0f * cubic;
    }
#if OUTSIDE
    for (int k = 0; k < 4; k++) {
        int i = (int)base - 1 + k;
        w[k] = i < 0 || i >= n ? 0.0f : w[k];
        sum += w[k];
    }
    for (int k = 0; k < 4; k++)
        w[k] /= sum;
#endif
    return (int)base - 1;
#endif
}

/* One work-item an output number. */
__kernel void
resize(__global const STORAGE(TYPE_x) *x, __global STORAGE(TYPE_y) *y,
       int outer, int d, int h, int w, int od, int oh, int ow, float step_d,
       float start_d, float step_h, float start_h, float step_w,
       float start_w, float cubic, float extra)
{
    int i = (int)get_global_id(0);
    if (i >= outer * od * oh * ow)
        return;
    int ox = i % ow, oy = i / ow % oh, oz = i / (ow * oh) % od;
    int at = i / (ow * oh * od) * d;
    float wz[TAPS], wy[TAPS], wx[TAPS];
    float pz = place(oz, step_d, start_d), py = place(oy, step_h, start_h);
    float px = place(ox, step_w, start_w);
#if EXTRA
    if (pz < 0.0f || pz > (float)(d - 1) || py < 0.0f ||
        py > (float)(h - 1) || px < 0.0f || px > (float)(w - 1)) {
        STORE(TYPE_y, y, i, extra);
        return;
    }
#endif
    int z0 = weights(pz, d, cubic, wz), y0 = weights(py, h, cubic, wy);
    int x0 = weights(px, w, cubic, wx);
    ACC sum = (ACC)0;
    for (int a = 0; a < (d > 1 || od > 1 ? TAPS : 1); a++)
        for (int b = 0; b < TAPS; b++)
            for (int c = 0; c < TAPS; c++) {
                int zz = clamp(z0 + a, 0, d - 1), yy = clamp(y0 + b, 0, h - 1);
                int xx = clamp(x0 + c, 0, w - 1);
                float weight = (d > 1 || od > 1 ? wz[a] : 1.0f) * wy[b];
                sum += (ACC)(weight * wx[c]) *
                       LOAD(TYPE_x, x, ((at + zz) * h + yy) * w + xx);
            }
    STORE(TYPE_y, y, i, sum);
}

/* How much output o weighs input i of an axis of n. */
static inline float
weight_of(int o, int i, int n, float step, float start, float cubic)
{
    float w[TAPS], sum = 0.0f, at = place(o, step, start);
#if EXTRA
    if (at < 0.0f || at > (float)(n - 1))
        return 0.0f;
#endif
    int first = weights(at, n, cubic, w);
    for (int k = 0; k < TAPS; k++)
        sum += clamp(first + k, 0, n - 1) == i ? w[k] : 0.0f;
    return sum;
}

/* The outputs that may read input i: those whose place is within TAPS of it;
 * at the edges, all beyond. */
static inline int2
readers(int i, int n, int on, float step, float start)
{
    if (step < 1e-9f || n == 1)
        return (int2)(0, on - 1);
    float a = ((float)(i - TAPS) - start) / step;
    float b = ((float)(i + TAPS) - start) / step;
    int lo = i == 0 ? 0 : (int)clamp(floor(a), 0.0f, (float)(on - 1));
    int hi = i == n - 1 ? on - 1 : (int)clamp(ceil(b), 0.0f, (float)(on - 1));
    return (int2)(lo, hi);
}

/* dx, gathered: one work-item an input number. */
__kernel void
resize_grad(__global const STORAGE(TYPE_y) *dy, __global STORAGE(TYPE_x) *dx,
            int outer, int d, int h, int w, int od, int oh, int ow,
            float step_d, float start_d, float step_h, float start_h,
            float step_w, float start_w, float cubic)
{
    int i = (int)get_global_id(0);
    if (i >= outer * d * h * w)
        return;
    int ix = i % w, iy = i / w % h, iz = i / (w * h) % d;
    int at = i / (w * h * d) * od;
    int flat = d == 1 && od == 1;
    int2 rz = flat ? (int2)(0, 0) : readers(iz, d, od, step_d, start_d);
    int2 ry = readers(iy, h, oh, step_h, start_h);
    int2 rx = readers(ix, w, ow, step_w, start_w);
    ACC sum = (ACC)0;
    for (int oz = rz.x; oz <= rz.y; oz++) {
        float wz = flat ? 1.0f : weight_of(oz, iz, d, step_d, start_d, cubic);
        for (int oy = ry.x; wz != 0.0f && oy <= ry.y; oy++) {
            float wy = wz * weight_of(oy, iy, h, step_h, start_h, cubic);
            for (int ox = rx.x; wy != 0.0f && ox <= rx.y; ox++) {
                float wx = weight_of(ox, ix, w, step_w, start_w, cubic);
                sum += (ACC)(wy * wx) *
                       LOAD(TYPE_y, dy, ((at + oz) * oh + oy) * ow + ox);
            }
        }
    }
    STORE(TYPE_x, dx, i, sum);
}

/* resize_smooth.cl - Resize with antialias=1, and its gradient: where an axis
 * shrinks, the linear or cubic filter is as much wider as the axis shrinks.
 *
 *     y[o] = sum over i of f((i - at) s) x[i] / sum over i of f((i - at) s)
 *
 * with s = min(scale, 1) and at = o * step + start, for each of the last three
 * axes; see resize.cl. Neighbours outside are the edge's, or, OUTSIDE=1, weigh
 * nothing.
 *
 * TAPS     2 linear, 4 cubic (coefficient `cubic`)
 * OUTSIDE  exclude_outside
 * EXTRA    1: `at` outside the input gives `extra`
 * TYPE_x, TYPE_y
 */
#ifndef TAPS
#define TAPS 2
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

static inline float
filter(float d, float a)
{
    d = fabs(d);
#if TAPS == 2
    return fmax(0.0f, 1.0f - d);
#else
    if (d <= 1.0f)
        return ((a + 2.0f) * d - (a + 3.0f)) * d * d + 1.0f;
    return d < 2.0f ? ((a * d - 5.0f * a) * d + 8.0f * a) * d - 4.0f * a
                    : 0.0f;
#endif
}

/* Around a place: its neighbours first .. last, and their weights' sum. */
struct around {
    float at, s, cubic, total;
    int first, last, n;
};

static inline float
weight(const struct around *p, int i)
{
    return filter(((float)i - p->at) * p->s, p->cubic) / p->total;
}

static inline struct around
look(int o, int n, float step, float start, float scale, float cubic)
{
    struct around p = {(float)o * step + start, fmin(scale, 1.0f), cubic, 1.0f,
                       0, 0, n};
    float reach = 0.5f * TAPS / p.s, sum = 0.0f;
    p.first = (int)ceil(p.at - reach);
    p.last = (int)floor(p.at + reach);
#if OUTSIDE
    p.first = max(p.first, 0);
    p.last = min(p.last, n - 1);
#endif
    for (int i = p.first; i <= p.last; i++)
        sum += weight(&p, i);
    p.total = sum;
    return p;
}

static inline int
beyond(const struct around *p)
{
    return p->at < 0.0f || p->at > (float)(p->n - 1);
}

/* One work-item an output number. */
__kernel void
resize_smooth(__global const STORAGE(TYPE_x) *x, __global STORAGE(TYPE_y) *y,
              int outer, int d, int h, int w, int od, int oh, int ow,
              float step_d, float start_d, float step_h, float start_h,
              float step_w, float start_w, float cubic, float extra,
              float scale_d, float scale_h, float scale_w)
{
    int id = (int)get_global_id(0);
    if (id >= outer * od * oh * ow)
        return;
    int base = id / ow / oh / od * d;
    struct around z = look(id / ow / oh % od, d, step_d, start_d, scale_d,
                           cubic);
    struct around v = look(id / ow % oh, h, step_h, start_h, scale_h, cubic);
    struct around u = look(id % ow, w, step_w, start_w, scale_w, cubic);
#if EXTRA
    if (beyond(&z) || beyond(&v) || beyond(&u)) {
        STORE(TYPE_y, y, id, extra);
        return;
    }
#endif
    ACC sum = 0;
    for (int a = z.first; a <= z.last; a++)
        for (int b = v.first; b <= v.last; b++) {
            int row = (base + clamp(a, 0, d - 1)) * h + clamp(b, 0, h - 1);
            float both = weight(&z, a) * weight(&v, b);
            for (int c = u.first; c <= u.last && both != 0.0f; c++)
                sum += (ACC)(both * weight(&u, c)) *
                       LOAD(TYPE_x, x, row * w + clamp(c, 0, w - 1));
        }
    STORE(TYPE_y, y, id, sum);
}

/* How much output o weighs input i of an axis. */
static inline float
share(int o, int i, int n, float step, float start, float scale, float cubic)
{
    struct around p = look(o, n, step, start, scale, cubic);
    int from = i == 0 ? p.first : max(i, p.first);
    int to = i == n - 1 ? p.last : min(i, p.last);
    float sum = 0.0f;
#if EXTRA
    if (beyond(&p))
        return 0.0f;
#endif
    for (int k = from; k <= to; k++)
        sum += weight(&p, k);
    return sum;
}

/* The outputs that may read input i; at the edges, all beyond. */
static inline int2
readers(int i, int n, int on, float step, float start, float scale)
{
    float reach = 0.5f * TAPS / fmin(scale, 1.0f) + 1.0f;
    if (step < 1e-9f || n == 1)
        return (int2)(0, on - 1);
    float a = ((float)i - reach - start) / step;
    float b = ((float)i + reach - start) / step;
    int lo = i == 0 ? 0 : (int)clamp(floor(a), 0.0f, (float)(on - 1));
    int hi = i == n - 1 ? on - 1 : (int)clamp(ceil(b), 0.0f, (float)(on - 1));
    return (int2)(lo, hi);
}

/* dx, gathered: one work-item an input number. */
__kernel void
resize_smooth_grad(__global const STORAGE(TYPE_y) *dy,
                   __global STORAGE(TYPE_x) *dx, int outer, int d, int h,
                   int w, int od, int oh, int ow, float step_d, float start_d,
                   float step_h, float start_h, float step_w, float start_w,
                   float cubic, float scale_d, float scale_h, float scale_w)
{
    int id = (int)get_global_id(0);
    if (id >= outer * d * h * w)
        return;
    int ix = id % w, iy = id / w % h, iz = id / w / h % d;
    int base = id / w / h / d * od;
    int2 rz = readers(iz, d, od, step_d, start_d, scale_d);
    int2 ry = readers(iy, h, oh, step_h, start_h, scale_h);
    int2 rx = readers(ix, w, ow, step_w, start_w, scale_w);
    ACC sum = 0;
    for (int a = rz.x; a <= rz.y; a++) {
        float z = share(a, iz, d, step_d, start_d, scale_d, cubic);
        for (int b = ry.x; z != 0.0f && b <= ry.y; b++) {
            float v = z * share(b, iy, h, step_h, start_h, scale_h, cubic);
            for (int c = rx.x; v != 0.0f && c <= rx.y; c++)
                sum += (ACC)(v * share(c, ix, w, step_w, start_w, scale_w,
                                       cubic)) *
                       LOAD(TYPE_y, dy, ((base + a) * oh + b) * ow + c);
        }
    }
    STORE(TYPE_x, dx, id, sum);
}

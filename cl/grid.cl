/* grid.cl - GridSample, its gradients, and AffineGrid.
 *
 *     y[n, c, o] = sum over neighbours i of weight(grid[n, o], i) x[n, c, i]
 *
 * o and i have three coordinates; images are volumes of depth 1. A grid's
 * numbers, -1 .. 1 across the input, come last axis first. Places outside
 * count 0 (PAD 0), are brought to the edge (1), or mirrored at the edges (2):
 * the place itself, for cubic its neighbours (Keys 1981, a = -0.75).
 *
 * dx: a work-item does a plane (n, c), point after point, so sums have one
 * order. dgrid: a work-item does a point and sums over channels.
 *
 *   AXES     coordinates of a point: 2 or 3          2
 *   TAPS     1 nearest, 2 linear, 4 cubic            2
 *   PAD      see above                               0
 *   CORNERS  1: -1 and 1 are the middles of the
 *            corner pixels, 0: their outer edges     0
 *   TYPE_x   storage type of x, y; TYPE_g of the grid
 */
#ifndef AXES
#define AXES 2
#endif
#ifndef TAPS
#define TAPS 2
#endif
#ifndef PAD
#define PAD 0
#endif
#ifndef CORNERS
#define CORNERS 0
#endif
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef TYPE_g
#define TYPE_g 1
#endif

/* Mirrored into [lo, hi]; the sign of its slope goes to *slope. */
static inline float
mirror(float at, float lo, float hi, float *slope)
{
    float span = hi - lo, off = at - lo;
    if (span <= 0.0f)
        return lo;
    float d = fabs(off), turns = floor(d / span), rest = d - turns * span;
    int odd = fmod(turns, 2.0f) != 0.0f;
    *slope = (off < 0.0f) != odd ? -1.0f : 1.0f;
    return odd ? hi - rest : lo + rest;
}

/* The place in pixels of an axis of n, and its slope by the grid's number. */
static inline float
place(float g, int n, float *slope)
{
    float last = (float)(n - 1), sign = 1.0f;
    float scale = CORNERS ? 0.5f * last : 0.5f * (float)n;
    float at = CORNERS ? (g + 1.0f) * scale : (g + 1.0f) * scale - 0.5f;
    *slope = scale;
#if PAD == 0
    if (!(at > -4.0f && at < (float)n + 4.0f))
        at = -8.0f;
#elif PAD == 1
    at = fmax(fmin(at, (float)n + 4.0f), -4.0f);
#else
    at = isfinite(at) ? at : 0.0f;
    at = mirror(at, CORNERS ? 0.0f : -0.5f, CORNERS ? last : last + 0.5f,
                &sign);
    *slope *= sign;
#endif
#if PAD > 0 && TAPS < 4
    if (at < 0.0f || at > last)
        *slope = 0.0f;
    at = clamp(at, 0.0f, last);
#endif
    return at;
}

/* The neighbour i of an axis of n, or -1. */
static inline int
neighbour(int i, int n)
{
    float slope;
#if PAD == 0
    return i < 0 || i >= n ? -1 : i;
#elif PAD == 1 || TAPS < 4
    return clamp(i, 0, n - 1);
#else
    float at = mirror((float)i, CORNERS ? 0.0f : -0.5f,
                      (float)n - (CORNERS ? 1.0f : 0.5f), &slope);
    return clamp((int)at, 0, n - 1);
#endif
}

/* Neighbours and their weights; d: weights' slopes by the place. */
static inline void
taps(float at, int n, int i[TAPS], float w[TAPS], float d[TAPS])
{
#if TAPS == 1
    i[0] = neighbour((int)rint(at), n);
    w[0] = 1.0f;
    d[0] = 0.0f;
#elif TAPS == 2
    float base = floor(at), t = at - base;
    w[0] = 1.0f - t;
    w[1] = t;
    d[0] = -1.0f;
    d[1] = 1.0f;
    for (int k = 0; k < 2; k++)
        i[k] = neighbour((int)base + k, n);
#else
    const float a = -0.75f;
    float base = floor(at), t = at - base;
    for (int k = 0; k < 4; k++) {
        float s = t + 1.0f - (float)k, u = fabs(s);
        w[k] = u <= 1.0f ? ((a + 2.0f) * u - (a + 3.0f)) * u * u + 1.0f
                         : ((a * u - 5.0f * a) * u + 8.0f * a) * u - 4.0f * a;
        d[k] = u <= 1.0f ? (3.0f * (a + 2.0f) * u - 2.0f * (a + 3.0f)) * u
                         : (3.0f * a * u - 10.0f * a) * u + 8.0f * a;
        d[k] = s < 0.0f ? -d[k] : d[k];
        i[k] = neighbour((int)base - 1 + k, n);
    }
#endif
}

#define DEEP (AXES == 3 ? TAPS : 1)

struct point {
    int z[TAPS], y[TAPS], x[TAPS];
    float wz[TAPS], wy[TAPS], wx[TAPS];
    float dz[TAPS], dy[TAPS], dx[TAPS];
    float sz, sy, sx;
};

static inline void
locate(__global const STORAGE(TYPE_g) *grid, int at, int d, int h, int w,
       struct point *p)
{
    float px = place(LOAD(TYPE_g, grid, at * AXES), w, &p->sx);
    float py = place(LOAD(TYPE_g, grid, at * AXES + 1), h, &p->sy);
    taps(px, w, p->x, p->wx, p->dx);
    taps(py, h, p->y, p->wy, p->dy);
#if AXES == 3
    float pz = place(LOAD(TYPE_g, grid, at * AXES + 2), d, &p->sz);
    taps(pz, d, p->z, p->wz, p->dz);
#else
    p->z[0] = 0;
    p->wz[0] = 1.0f;
    p->dz[0] = p->sz = 0.0f;
#endif
}

__kernel void
grid_sample(__global const STORAGE(TYPE_x) *x,
            __global const STORAGE(TYPE_g) *grid,
            __global STORAGE(TYPE_x) *y, int count, int channels, int d,
            int h, int w, int points)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int plane = id / points, n = plane / channels;
    struct point p;
    locate(grid, n * points + id % points, d, h, w, &p);
    ACC sum = 0;
    for (int a = 0; a < DEEP; a++)
        for (int b = 0; b < TAPS; b++)
            for (int c = 0; c < TAPS; c++)
                if (p.z[a] >= 0 && p.y[b] >= 0 && p.x[c] >= 0)
                    sum += (ACC)(p.wz[a] * p.wy[b] * p.wx[c]) *
                           LOAD(TYPE_x, x,
                                ((plane * d + p.z[a]) * h + p.y[b]) * w +
                                    p.x[c]);
    STORE(TYPE_x, y, id, sum);
}

__kernel void
grid_grad_x(__global const STORAGE(TYPE_x) *dy,
            __global const STORAGE(TYPE_g) *grid,
            __global STORAGE(TYPE_x) *dx, int planes, int channels, int d,
            int h, int w, int points)
{
    int plane = (int)get_global_id(0);
    if (plane >= planes)
        return;
    int n = plane / channels, base = plane * d * h * w;
    struct point p;
    for (int i = 0; i < d * h * w; i++)
        STORE(TYPE_x, dx, base + i, 0.0f);
    for (int o = 0; o < points; o++) {
        float v = LOAD(TYPE_x, dy, plane * points + o);
        locate(grid, n * points + o, d, h, w, &p);
        for (int a = 0; a < DEEP; a++)
            for (int b = 0; b < TAPS; b++)
                for (int c = 0; c < TAPS; c++) {
                    if (p.z[a] < 0 || p.y[b] < 0 || p.x[c] < 0)
                        continue;
                    int to = base + (p.z[a] * h + p.y[b]) * w + p.x[c];
                    STORE(TYPE_x, dx, to,
                          LOAD(TYPE_x, dx, to) +
                              v * p.wz[a] * p.wy[b] * p.wx[c]);
                }
    }
}

__kernel void
grid_grad_grid(__global const STORAGE(TYPE_x) *dy,
               __global const STORAGE(TYPE_g) *grid,
               __global const STORAGE(TYPE_x) *x,
               __global STORAGE(TYPE_g) *dgrid, int count, int channels,
               int d, int h, int w, int points)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int n = id / points;
    struct point p;
    locate(grid, id, d, h, w, &p);
    float gx = 0.0f, gy = 0.0f, gz = 0.0f;
    for (int q = 0; q < channels; q++) {
        int plane = n * channels + q;
        float v = LOAD(TYPE_x, dy, plane * points + id % points);
        for (int a = 0; a < DEEP; a++)
            for (int b = 0; b < TAPS; b++)
                for (int c = 0; c < TAPS; c++) {
                    if (p.z[a] < 0 || p.y[b] < 0 || p.x[c] < 0)
                        continue;
                    int at =
                        ((plane * d + p.z[a]) * h + p.y[b]) * w + p.x[c];
                    float u = v * LOAD(TYPE_x, x, at);
                    gx += u * p.wz[a] * p.wy[b] * p.dx[c];
                    gy += u * p.wz[a] * p.dy[b] * p.wx[c];
                    gz += u * p.dz[a] * p.wy[b] * p.wx[c];
                }
    }
    STORE(TYPE_g, dgrid, id * AXES, gx * p.sx);
    STORE(TYPE_g, dgrid, id * AXES + 1, gy * p.sy);
#if AXES == 3
    STORE(TYPE_g, dgrid, id * AXES + 2, gz * p.sz);
#else
    (void)gz;
#endif
}

/* The i-th of n places between -1 and 1. */
static inline float
between(int i, int n)
{
#if CORNERS
    return n > 1 ? 2.0f * (float)i / (float)(n - 1) - 1.0f : 0.0f;
#else
    return (2.0f * (float)i + 1.0f) / (float)n - 1.0f;
#endif
}

/* theta: AXES x (AXES + 1) a sample. */
__kernel void
affine_grid(__global const STORAGE(TYPE_g) *theta,
            __global STORAGE(TYPE_g) *grid, int count, int d, int h, int w)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int r = id % AXES, at = id / AXES;
    int n = at / (d * h * w) * AXES * (AXES + 1) + r * (AXES + 1);
    float sum = LOAD(TYPE_g, theta, n + AXES);
    sum += LOAD(TYPE_g, theta, n) * between(at % w, w);
    sum += LOAD(TYPE_g, theta, n + 1) * between(at / w % h, h);
#if AXES == 3
    sum += LOAD(TYPE_g, theta, n + 2) * between(at / w / h % d, d);
#endif
    STORE(TYPE_g, grid, id, sum);
}

/* max_pool.cl - the largest number of each window, and its gradient.
 *
 *     y[p, o] = max over k of x[p, o S - begin + k L]
 *     dx[p, i] = sum of dy[p, o] over the windows o whose largest number, the
 *                first one where several are equal, lies at i
 *
 * p counts planes (N x C); o, i, k have three coordinates, of which the first
 * are 0 for 2-D and 1-D. Places outside the input count as -inf, a NaN wins.
 * The gradient finds the largest number again: nothing is kept for it.
 *
 * max_pool_direct, max_pool_grad_direct: plain, one number a work-item.
 * max_pool_plane, max_pool_grad_plane: float32 images, plain (BLOCK 1) or in
 * blocks of channels; one work-item does some rows of a plane, or all of it.
 *
 *   TYPE_x TYPE_y     storage types (x, dx alike; y, dy alike)   1
 *   K0 K1 K2          window: depth, height, width               1
 *   S0 S1 S2          strides                                    1
 *   L0 L1 L2          dilations                                  1
 *   INDICES           1: y's places in x go to `where`, long;
 *                     2: with column-major numbers               0
 *   BLOCK             channels in a vector: 1, 4, 8, 16          1
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef TYPE_y
#define TYPE_y 1
#endif
#ifndef K0
#define K0 1
#endif
#ifndef K1
#define K1 1
#endif
#ifndef K2
#define K2 1
#endif
#ifndef S0
#define S0 1
#endif
#ifndef S1
#define S1 1
#endif
#ifndef S2
#define S2 1
#endif
#ifndef L0
#define L0 1
#endif
#ifndef L1
#define L1 1
#endif
#ifndef L2
#define L2 1
#endif
#ifndef INDICES
#define INDICES 0
#endif
#ifndef BLOCK
#define BLOCK 1
#endif

#define LOWEST(type) OC_CAT(LOWEST_, type)
#define LOWEST_1 (-INFINITY)
#define LOWEST_2 0
#define LOWEST_3 (-128)
#define LOWEST_10 (-INFINITY)
#define LOWEST_11 (-INFINITY)
#define LOWEST_16 (-INFINITY)

#define IS_NAN(type, v) OC_CAT(IS_NAN_, type)(v)
#define IS_NAN_1(v) isnan(v)
#define IS_NAN_2(v) 0
#define IS_NAN_3(v) 0
#define IS_NAN_10(v) isnan(v)
#define IS_NAN_11(v) isnan(v)
#define IS_NAN_16(v) isnan(v)

/* The place in its plane of the first largest number of the window at
 * (z, y, x), or -1. */
static inline int
largest(__global const STORAGE(TYPE_x) *x, int plane, int z, int y, int x0,
        int in0, int in1, int in2, VALUE(TYPE_x) *value)
{
    int at = -1;
    VALUE(TYPE_x) m = LOWEST(TYPE_x);
    for (int a = 0; a < K0; a++)
        for (int b = 0; b < K1; b++)
            for (int c = 0; c < K2; c++) {
                int i = z + a * L0, j = y + b * L1, k = x0 + c * L2;
                if (i < 0 || i >= in0 || j < 0 || j >= in1 || k < 0 ||
                    k >= in2)
                    continue;
                int place = (i * in1 + j) * in2 + k;
                VALUE(TYPE_x) v = LOAD(TYPE_x, x, plane + place);
                if (at < 0 || v > m || IS_NAN(TYPE_x, v)) {
                    m = v;
                    at = place;
                }
            }
    *value = m;
    return at;
}

__kernel void
max_pool_direct(__global const STORAGE(TYPE_x) *x,
                __global STORAGE(TYPE_x) *y, __global long *where, int count,
                int in0, int in1, int in2, int out0, int out1, int out2,
                int begin0, int begin1, int begin2)
{
    int i = (int)get_global_id(0);
    if (i >= count)
        return;
    int ox = i % out2, oy = i / out2 % out1, oz = i / out2 / out1 % out0;
    int plane = i / out2 / out1 / out0 * in0 * in1 * in2;
    VALUE(TYPE_x) m;
    int at = largest(x, plane, oz * S0 - begin0, oy * S1 - begin1,
                     ox * S2 - begin2, in0, in1, in2, &m);
    STORE(TYPE_x, y, i, m);
#if INDICES == 1
    where[i] = at < 0 ? -1 : (long)plane + at;
#elif INDICES == 2
    int w = at % in2, h = at / in2 % in1, d = at / in2 / in1;
    where[i] = at < 0 ? -1 : (long)plane + d + in0 * (h + in1 * w);
#endif
}

/* The first and one past the last window that reaches the place i. */
static inline int
first_window(int i, int begin, int extent, int stride)
{
    int from = i + begin - (extent - 1);
    return from <= 0 ? 0 : (from + stride - 1) / stride;
}

static inline int
last_window(int i, int begin, int stride, int out)
{
    return min((i + begin) / stride + 1, out);
}

__kernel void
max_pool_grad_direct(__global const STORAGE(TYPE_y) *dy,
                     __global const STORAGE(TYPE_x) *x,
                     __global STORAGE(TYPE_x) *dx, int count, int in0, int in1,
                     int in2, int out0, int out1, int out2, int begin0,
                     int begin1, int begin2)
{
    int i = (int)get_global_id(0);
    if (i >= count)
        return;
    int size = in0 * in1 * in2, place = i % size, p = i / size;
    int ix = i % in2, iy = i / in2 % in1, iz = i / in2 / in1 % in0;
    int z1 = last_window(iz, begin0, S0, out0);
    int y1 = last_window(iy, begin1, S1, out1);
    int x1 = last_window(ix, begin2, S2, out2);
    ACC sum = 0;
    for (int oz = first_window(iz, begin0, (K0 - 1) * L0 + 1, S0); oz < z1;
         oz++)
        for (int oy = first_window(iy, begin1, (K1 - 1) * L1 + 1, S1);
             oy < y1; oy++)
            for (int ox = first_window(ix, begin2, (K2 - 1) * L2 + 1, S2);
                 ox < x1; ox++) {
                VALUE(TYPE_x) m;
                int at = largest(x, p * size, oz * S0 - begin0,
                                 oy * S1 - begin1, ox * S2 - begin2, in0, in1,
                                 in2, &m);
                if (at == place)
                    sum += LOAD(TYPE_y, dy,
                                ((p * out0 + oz) * out1 + oy) * out2 + ox);
            }
    STORE(TYPE_x, dx, i, sum);
}

/* ---- images, a vector of channels at a time ---------------------------- */

#if BLOCK == 1
#define VEC float
#define WHICH int
#define GET(p) (*(p))
#define PUT(v, p) (*(p) = (v))
#define WINS(v, m) ((v) > (m) || (v) != (v))
#define PICK(no, yes, when) ((when) ? (yes) : (no))
#else
#define VEC OC_CAT(float, BLOCK)
#define WHICH OC_CAT(int, BLOCK)
#define GET(p) OC_CAT(vload, BLOCK)(0, p)
#define PUT(v, p) OC_CAT(vstore, BLOCK)(v, 0, p)
#define WINS(v, m) (((v) > (m)) | ((v) != (v)))
#define PICK(no, yes, when) select(no, yes, when)
#endif

/* The largest numbers of the window at (y, x); `checked` where it may reach
 * beyond the image. */
__attribute__((always_inline)) static inline VEC
best(__global const float *x, int row, int y, int x0, int h, int w,
     int checked)
{
    VEC m = (VEC)(-INFINITY);
    for (int b = 0; b < K1; b++) {
        int j = y + b * L1;
        if (checked && (j < 0 || j >= h))
            continue;
#pragma unroll
        for (int c = 0; c < K2; c++) {
            int k = x0 + c * L2;
            if (checked && (k < 0 || k >= w))
                continue;
            VEC v = GET(x + j * row + k * BLOCK);
            m = PICK(m, v, WINS(v, m));
        }
    }
    return m;
}

/* Columns whose windows lie within the image: from first to one past last. */
static inline int
inner_first(int begin)
{
    return (begin + S2 - 1) / S2;
}

static inline int
inner_last(int begin, int w, int ow)
{
    int room = w - 1 - (K2 - 1) * L2 + begin;
    return room < 0 ? 0 : min(room / S2 + 1, ow);
}

/* Zero in the lanes that are no channel. */
#if BLOCK == 1
#define MASK(v, left) (v)
#else
__constant int lane_numbers[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                   8, 9, 10, 11, 12, 13, 14, 15};
#define MASK(v, left)                                                          \
    select((VEC)(0.0f), v,                                                     \
           OC_CAT(vload, BLOCK)(0, lane_numbers) < (WHICH)(left))
#endif

__kernel void
max_pool_plane(__global const float *x, __global float *y, int n, int channels,
               int blocks, int rows, int h, int w, int oh, int ow, int top,
               int left, int x_base, int x_image, int x_plane, int x_row,
               int y_base, int y_image, int y_plane, int y_row)
{
    int p = (int)get_global_id(1), c = p % blocks, b = p / blocks;
    if (b >= n)
        return;
    int from = (int)get_global_id(0) * rows, to = min(from + rows, oh);
    x += x_base + b * x_image + c * x_plane;
    y += y_base + b * y_image + c * y_plane;
    int first = min(inner_first(left), ow), last = inner_last(left, w, ow);
    for (int oy = from; oy < to; oy++) {
        int iy = oy * S1 - top, ox = 0;
        __global float *yr = y + oy * y_row;
        int inner = iy >= 0 && iy + (K1 - 1) * L1 < h && first < last;
        int stop = inner ? first : ow;
        for (; ox < stop; ox++)
            PUT(MASK(best(x, x_row, iy, ox * S2 - left, h, w, 1),
                     channels - c * BLOCK),
                yr + ox * BLOCK);
        for (stop = inner ? last : ow; ox < stop; ox++)
            PUT(best(x, x_row, iy, ox * S2 - left, h, w, 0), yr + ox * BLOCK);
        for (; ox < ow; ox++)
            PUT(MASK(best(x, x_row, iy, ox * S2 - left, h, w, 1),
                     channels - c * BLOCK),
                yr + ox * BLOCK);
    }
}

/* Windows that share no number write their part of dx once; others add. */
#if K1 == S1 && K2 == S2 && L1 == 1 && L2 == 1
#define APART 1
#define GIVE(to, v) PUT(v, to)
#else
#define APART 0
#define GIVE(to, v) PUT(GET(to) + (v), to)
#endif

/* d goes where the window at (y, x0) has its first largest numbers. */
__attribute__((always_inline)) static inline void
hand_back(__global const float *x, __global float *dx, VEC d, int x_row,
          int d_row, int y, int x0, int h, int w, int checked)
{
    VEC m = (VEC)(-INFINITY);
    WHICH at = (WHICH)(-1);
#pragma unroll
    for (int b = 0; b < K1; b++) {
        int j = y + b * L1;
        if (checked && (j < 0 || j >= h))
            continue;
#pragma unroll
        for (int c = 0; c < K2; c++) {
            int k = x0 + c * L2;
            if (checked && (k < 0 || k >= w))
                continue;
            VEC v = GET(x + j * x_row + k * BLOCK);
            WHICH wins = WINS(v, m) | (at < 0);
            m = PICK(m, v, wins);
            at = PICK(at, (WHICH)(b * K2 + c), wins);
        }
    }
#if BLOCK == 1 && !APART
    if (at >= 0)
        dx[(y + at / K2 * L1) * d_row + x0 + at % K2 * L2] += d;
#else
#pragma unroll
    for (int b = 0; b < K1; b++) {
        int j = y + b * L1;
        if (checked && (j < 0 || j >= h))
            continue;
#pragma unroll
        for (int c = 0; c < K2; c++) {
            int k = x0 + c * L2;
            if (checked && (k < 0 || k >= w))
                continue;
            GIVE(dx + j * d_row + k * BLOCK,
                 PICK((VEC)(0.0f), d, at == (WHICH)(b * K2 + c)));
        }
    }
#endif
}

__kernel void
max_pool_grad_plane(__global const float *dy, __global const float *x,
                    __global float *dx, int n, int blocks, int h, int w,
                    int oh, int ow, int top, int left, int x_base, int x_image,
                    int x_plane, int x_row, int y_base, int y_image,
                    int y_plane, int y_row, int d_base, int d_image,
                    int d_plane, int d_row)
{
    int p = (int)get_global_id(0), c = p % blocks, b = p / blocks;
    if (b >= n)
        return;
    x += x_base + b * x_image + c * x_plane;
    dy += y_base + b * y_image + c * y_plane;
    dx += d_base + b * d_image + c * d_plane;
    /* Zeros for what no window writes. */
    int tall = APART ? oh * S1 - top : 0, wide = APART ? ow * S2 - left : 0;
    for (int j = 0; j < h; j++)
        for (int k = j < tall ? wide : 0; k < w; k++)
            PUT((VEC)(0.0f), dx + j * d_row + k * BLOCK);
    int first = inner_first(left), last = inner_last(left, w, ow);
    for (int oy = 0; oy < oh; oy++) {
        int iy = oy * S1 - top;
        int inner = iy >= 0 && iy + (K1 - 1) * L1 < h;
        for (int ox = 0; ox < ow; ox++) {
            VEC d = GET(dy + oy * y_row + ox * BLOCK);
            int ix = ox * S2 - left;
            if (inner && ox >= first && ox < last)
                hand_back(x, dx, d, x_row, d_row, iy, ix, h, w, 0);
            else
                hand_back(x, dx, d, x_row, d_row, iy, ix, h, w, 1);
        }
    }
}

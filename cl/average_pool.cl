/* average_pool.cl - the mean of each window, and its gradient.
 *
 *     y[p, o] = sum over k of x[p, o S - begin + k L] / n(o)
 *     dx[p, i] = sum of dy[p, o] / n(o) over the windows o that hold i
 *
 * n(o), a product over the axes, counts the places of the window that lie in
 * the input, or, with INCLUDE, in the padded input.
 *
 * average_pool_direct, average_pool_grad_direct: plain, one number a
 * work-item. average_pool_plane, average_pool_grad_plane: float32 images, plain
 * (BLOCK 1) or in blocks of channels; one work-item does some rows, or all of
 * a plane.
 *
 *   TYPE_x TYPE_y     storage types (x, dx alike; y, dy alike)   1
 *   K0 K1 K2          window: depth, height, width               1
 *   S0 S1 S2          strides                                    1
 *   L0 L1 L2          dilations                                  1
 *   INCLUDE           1: padding counts                          0
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
#ifndef INCLUDE
#define INCLUDE 0
#endif
#ifndef BLOCK
#define BLOCK 1
#endif

/* Places first + k step, 0 <= k < taps, in [0, in) or in the padded axis. */
static inline int
places(int first, int step, int taps, int in, int begin, int end)
{
    int low = INCLUDE ? -begin : 0, high = INCLUDE ? in + end : in, n = 0;
    for (int k = 0; k < taps; k++)
        n += first + k * step >= low && first + k * step < high;
    return n;
}

#define GEOMETRY                                                               \
    int in0, int in1, int in2, int out0, int out1, int out2, int begin0,       \
        int begin1, int begin2, int end0, int end1, int end2

__kernel void
average_pool_direct(__global const STORAGE(TYPE_x) *x,
                    __global STORAGE(TYPE_y) *y, int count, GEOMETRY)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int z = id / out2 / out1 % out0 * S0 - begin0;
    int r = id / out2 % out1 * S1 - begin1, c = id % out2 * S2 - begin2;
    int plane = id / out2 / out1 / out0 * in0 * in1 * in2;
    int n = places(z, L0, K0, in0, begin0, end0) *
            places(r, L1, K1, in1, begin1, end1) *
            places(c, L2, K2, in2, begin2, end2);
    ACC sum = 0;
    for (int i = 0; i < K0; i++)
        for (int j = 0; j < K1; j++)
            for (int k = 0; k < K2; k++) {
                int a = z + i * L0, b = r + j * L1, d = c + k * L2;
                if (a >= 0 && a < in0 && b >= 0 && b < in1 && d >= 0 &&
                    d < in2)
                    sum += LOAD(TYPE_x, x, plane + (a * in1 + b) * in2 + d);
            }
    STORE(TYPE_y, y, id, n > 0 ? sum / n : 0);
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
average_pool_grad_direct(__global const STORAGE(TYPE_y) *dy,
                         __global STORAGE(TYPE_x) *dx, int count, GEOMETRY)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int i2 = id % in2, i1 = id / in2 % in1, i0 = id / in2 / in1 % in0;
    int plane = id / in2 / in1 / in0 * out0 * out1 * out2;
    int z1 = last_window(i0, begin0, S0, out0);
    int y1 = last_window(i1, begin1, S1, out1);
    int x1 = last_window(i2, begin2, S2, out2);
    ACC sum = 0;
    for (int a = first_window(i0, begin0, (K0 - 1) * L0 + 1, S0); a < z1; a++)
        for (int b = first_window(i1, begin1, (K1 - 1) * L1 + 1, S1); b < y1;
             b++)
            for (int c = first_window(i2, begin2, (K2 - 1) * L2 + 1, S2);
                 c < x1; c++) {
                int z = a * S0 - begin0, r = b * S1 - begin1;
                int q = c * S2 - begin2;
                if ((i0 - z) % L0 || (i1 - r) % L1 || (i2 - q) % L2)
                    continue;
                int n = places(z, L0, K0, in0, begin0, end0) *
                        places(r, L1, K1, in1, begin1, end1) *
                        places(q, L2, K2, in2, begin2, end2);
                sum += LOAD(TYPE_y, dy, plane + (a * out1 + b) * out2 + c) / n;
            }
    STORE(TYPE_x, dx, id, sum);
}

/* ---- images, a vector of channels at a time ---------------------------- */

#if BLOCK == 1
#define VEC float
#define GET(p) (*(p))
#define PUT(v, p) (*(p) = (v))
#else
#define VEC OC_CAT(float, BLOCK)
#define GET(p) OC_CAT(vload, BLOCK)(0, p)
#define PUT(v, p) OC_CAT(vstore, BLOCK)(v, 0, p)
#endif

__attribute__((always_inline)) static inline VEC
total(__global const float *x, int row, int y, int x0, int h, int w,
      int checked)
{
    VEC sum = (VEC)(0.0f);
    for (int b = 0; b < K1; b++) {
        int j = y + b * L1;
        if (checked && (j < 0 || j >= h))
            continue;
#pragma unroll
        for (int c = 0; c < K2; c++) {
            int k = x0 + c * L2;
            if (checked && (k < 0 || k >= w))
                continue;
            sum += GET(x + j * row + k * BLOCK);
        }
    }
    return sum;
}

__kernel void
average_pool_plane(__global const float *x, __global float *y, int n,
                   int blocks, int rows, int h, int w, int oh, int ow, int top,
                   int left, int bottom, int right, int x_base, int x_image,
                   int x_plane, int x_row, int y_base, int y_image,
                   int y_plane, int y_row)
{
    int p = (int)get_global_id(1), c = p % blocks, b = p / blocks;
    if (b >= n)
        return;
    int from = (int)get_global_id(0) * rows, to = min(from + rows, oh);
    x += x_base + b * x_image + c * x_plane;
    y += y_base + b * y_image + c * y_plane;
    for (int oy = from; oy < to; oy++) {
        int iy = oy * S1 - top;
        int tall = places(iy, L1, K1, h, top, bottom);
        int inner = iy >= 0 && iy + (K1 - 1) * L1 < h;
        for (int ox = 0; ox < ow; ox++) {
            int ix = ox * S2 - left;
            __global float *to_y = y + oy * y_row + ox * BLOCK;
            if (inner && ix >= 0 && ix + (K2 - 1) * L2 < w) {
                PUT(total(x, x_row, iy, ix, h, w, 0) *
                        (1.0f / (float)(K1 * K2)),
                    to_y);
            } else {
                int all = tall * places(ix, L2, K2, w, left, right);
                PUT(total(x, x_row, iy, ix, h, w, 1) *
                        (all > 0 ? 1.0f / (float)all : 0.0f),
                    to_y);
            }
        }
    }
}

__attribute__((always_inline)) static inline void
spread(__global float *dx, VEC d, int row, int y, int x0, int h, int w,
       int checked)
{
    for (int b = 0; b < K1; b++) {
        int j = y + b * L1;
        if (checked && (j < 0 || j >= h))
            continue;
#pragma unroll
        for (int c = 0; c < K2; c++) {
            int k = x0 + c * L2;
            if (checked && (k < 0 || k >= w))
                continue;
            __global float *to = dx + j * row + k * BLOCK;
            PUT(GET(to) + d, to);
        }
    }
}

__kernel void
average_pool_grad_plane(__global const float *dy, __global float *dx, int n,
                        int blocks, int h, int w, int oh, int ow, int top,
                        int left, int bottom, int right, int y_base,
                        int y_image, int y_plane, int y_row, int d_base,
                        int d_image, int d_plane, int d_row)
{
    int p = (int)get_global_id(0), c = p % blocks, b = p / blocks;
    if (b >= n)
        return;
    dy += y_base + b * y_image + c * y_plane;
    dx += d_base + b * d_image + c * d_plane;
    for (int j = 0; j < h; j++)
        for (int k = 0; k < w; k++)
            PUT((VEC)(0.0f), dx + j * d_row + k * BLOCK);
    for (int oy = 0; oy < oh; oy++) {
        int iy = oy * S1 - top;
        int tall = places(iy, L1, K1, h, top, bottom);
        int inner = iy >= 0 && iy + (K1 - 1) * L1 < h;
        for (int ox = 0; ox < ow; ox++) {
            VEC d = GET(dy + oy * y_row + ox * BLOCK);
            int ix = ox * S2 - left;
            if (inner && ix >= 0 && ix + (K2 - 1) * L2 < w) {
                spread(dx, d * (1.0f / (float)(K1 * K2)), d_row, iy, ix, h, w,
                       0);
            } else {
                int all = tall * places(ix, L2, K2, w, left, right);
                spread(dx, d * (all > 0 ? 1.0f / (float)all : 0.0f), d_row,
                       iy, ix, h, w, 1);
            }
        }
    }
}

/* batch_norm_apply.cl - y of batch_norm.cl on CPU-class devices, float32:
 *
 *     y = (x - mean) a + bias,  a = scale / sqrt(var + eps)    per channel
 *
 * and the epilogue, if there is one. Plain (BLOCK 1: a plane counts as rows of
 * one pixel) or in blocks of channels; a work-item `rows` rows of a plane.
 * Mean and 1 / deviation lie in `mean` and `spread` from `at` on; where
 * `frozen` is 1 they are inputs, and spread is the variance, where it is 2, 1 /
 * deviation.
 *
 * -DBLOCK=8     channels in a vector: 1, 4, 8, 16
 * and those of conv_ends.clh
 */
#ifndef BLOCK
#define BLOCK 8
#endif
#if BLOCK == 1
#ifndef EPILOGUE
#define EPILOGUE(v, i) (v)
#define EPILOGUE_PARAMETERS
#endif
#define INLINE static inline __attribute__((always_inline))
#define VECTOR float
#define HALO_PARAMETERS
#define E_PARAMETERS
#define F_PARAMETERS
#define CLEAR_HALO(n, k)
#else
#include "conv_ends.clh"
#endif

/* BLOCK numbers from c on, 0 behind the last channel. */
INLINE VECTOR
channel_lanes(__global const float *p, int c, int channels)
{
#if BLOCK == 1
    return p[c];
#else
    return bias_of(p, c, channels);
#endif
}

__kernel void
bn_apply_plane(__global const float *x, __global const float *scale,
               __global const float *bias, __global const float *mean,
               __global const float *spread, __global float *y, int at, int n,
               int k_count, int blocks, int h, int w, int rows, float eps,
               int frozen, int x_base, int x_image, int x_plane, int x_row,
               int y_base, int y_image, int y_plane, int y_row HALO_PARAMETERS E_PARAMETERS F_PARAMETERS EPILOGUE_PARAMETERS)
{
    const int k = (int)get_global_id(0) * rows;
    const int p = (int)get_global_id(1);
    const int c = p % blocks, b = p / blocks;

    if (b >= n)
        return;
    VECTOR inv = channel_lanes(spread + (frozen ? 0 : at + k_count), c * BLOCK,
                               k_count);
    if (frozen == 1) { /* behind the last channel it may be 0; a NaN stays */
        inv += eps;
        inv = 1.0f / sqrt(inv < 1e-37f ? (VECTOR)(1e-37f) : inv);
    }
    const VECTOR a = channel_lanes(scale, c * BLOCK, k_count) * inv;
    const VECTOR shift = channel_lanes(bias, c * BLOCK, k_count);
    const VECTOR mu = channel_lanes(mean + at, c * BLOCK, k_count);

    x += x_base + (size_t)b * x_image + c * x_plane;
    if (k == 0)
        CLEAR_HALO(b, c);
#if BLOCK == 1
    const int plane = y_base + b * y_image + c * y_plane;
    int i = k;
    const int stop = min(k + rows, h);
    for (; i < stop; i++)
        y[plane + i] = EPILOGUE((x[i] - mu) * a + shift, plane + i);
#else
    y += y_base + (size_t)b * y_image + c * y_plane;
    for (int j = k; j < min(k + rows, h); j++)
        for (int i = 0; i < w; i++) {
            VECTOR v =
                (LOAD_VECTOR(x + j * x_row + i * BLOCK) - mu) * a + shift;
            FINISH_VECTOR(v,
                          e_base + b * e_image + c * e_plane + j * e_row +
                              i * e_col,
                          f_base + b * f_image + c * f_plane + j * f_row +
                              i * f_col,
                          c * BLOCK);
            STORE_VECTOR(y + j * y_row + i * BLOCK, v);
        }
#endif
}

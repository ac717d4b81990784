/* conv_winograd_weight.cl - the weight gradient of a 3 x 3 convolution of
 * stride 1 on CPU-class devices by Winograd's method (winograd.clh), over
 * channel blocks.
 *
 *     dw = G' [ sum over tiles of (B' x B) * (A dy A') ] G
 *
 * winograd_weight_x     v[f][block of c][tile][lane] = B' x B
 * winograd_weight_dy    d[f][block of k][tile][lane] = A dy A', behind v
 * winograd_weight_sum   u[f][c][k] += sum over tiles of v d, behind d
 * winograd_weight_taps  dw[k][c][3][3] = G' u G
 *
 * f counts the points; all but dw lie in `scratch`. The tiles go through the
 * first three in parts, one after the other, so that their numbers at the
 * points stay in the last cache. Channels are padded to whole blocks.
 *
 * -DBLOCK=8     lanes of a vector: channels in a block
 * -DCOLUMNS=4   channels of x whose sums stay in registers; divides BLOCK
 * -DVECTORS=2   with so many blocks of dy
 */
#ifndef BLOCK
#define BLOCK 8
#endif
#ifndef COLUMNS
#define COLUMNS 4
#endif
#ifndef VECTORS
#define VECTORS 2
#endif
#pragma OPENCL FP_CONTRACT ON

#define INLINE static inline __attribute__((always_inline))
#define VECTOR OC_CAT(float, BLOCK)
#define LOAD_VECTOR(p) load_vector(p)

INLINE VECTOR
load_vector(__global const float *p)
{
    return *(__global const VECTOR *)p;
}

#define STORE_VECTOR(p, v) (*(__global VECTOR *)(p) = (v))
#define SPACE __global
#define STORE_POINT(p, v) STORE_VECTOR(p, v)
#define NUMBER VECTOR
#define SIDE 2
#include "winograd.clh"
#include "winograd_image.clh"

#define NEAR 64 /* tiles that stay in the first cache */

/* Work-item (part of the tiles from `first` on, block of c). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
winograd_weight_x(__global const float *x, __global float *scratch, int x_base,
                  int x_image, int x_plane, int x_row, int rows, int columns,
                  int halo, int pad_h, int pad_w, int down, int across,
                  int first, int tiles, int part, int c_blocks)
{
    const struct image image = {rows, columns, halo, x_row};
    const int t0 = (int)get_global_id(0) * part;
    const int t1 = min(t0 + part, tiles);
    const int c = (int)get_global_id(1);
    const size_t to_point = (size_t)tiles * c_blocks * BLOCK;

    for (int t = t0; t < t1; t++) {
        struct tile at;
        find_tile(&at, first + t, down, across);
        const int i = at.i - pad_h, j = at.j - pad_w;
        transform_input(scratch + ((size_t)c * tiles + t) * BLOCK, to_point,
                        x + x_base + (size_t)at.n * x_image + c * x_plane +
                            i * x_row + j * BLOCK,
                        &image, i, j);
    }
}

/* A tile of dy, `high` rows and `wide` columns of which are there. */
INLINE void
transform_gradient(__global float *to, size_t to_point,
                   __global const float *from, int row, int high, int wide)
{
    VECTOR half_done[POINTS][SIDE];

#pragma unroll
    for (int s = 0; s < SIDE; s++) {
        VECTOR d[SIDE], p[POINTS];
#pragma unroll
        for (int r = 0; r < SIDE; r++)
            d[r] = r < high && s < wide
                       ? LOAD_VECTOR(from + r * row + s * BLOCK)
                       : (VECTOR)(0.0f);
        outputs_to_points(p, d);
#pragma unroll
        for (int r = 0; r < POINTS; r++)
            half_done[r][s] = p[r];
    }
#pragma unroll
    for (int r = 0; r < POINTS; r++) {
        VECTOR p[POINTS];
        outputs_to_points(p, half_done[r]);
#pragma unroll
        for (int s = 0; s < POINTS; s++)
            STORE_POINT(to + (r * POINTS + s) * to_point, p[s]);
    }
}

/* Work-item (part of the tiles from `first` on, block of k). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
winograd_weight_dy(__global const float *dy, __global float *scratch, int d_at,
                   int y_base, int y_image, int y_plane, int y_row, int out_h,
                   int out_w, int down, int across, int first, int tiles,
                   int part, int k_blocks)
{
    const int t0 = (int)get_global_id(0) * part;
    const int t1 = min(t0 + part, tiles);
    const int k = (int)get_global_id(1);
    const size_t to_point = (size_t)tiles * k_blocks * BLOCK;

    for (int t = t0; t < t1; t++) {
        struct tile at;
        find_tile(&at, first + t, down, across);
        transform_gradient(scratch + d_at + ((size_t)k * tiles + t) * BLOCK,
                           to_point,
                           dy + y_base + (size_t)at.n * y_image +
                               k * y_plane + at.i * y_row + at.j * BLOCK,
                           y_row, out_h - at.i, out_w - at.j);
    }
}

/* COLUMNS channels of x over some tiles, which are summed by themselves: the
 * rounding errors of a long sum grow with its terms. */
INLINE void
add_tiles(VECTOR sum[COLUMNS][VECTORS], __global const float *v,
          __global const float *const d[VECTORS], int t, int t_end)
{
    VECTOR acc[COLUMNS][VECTORS];

#pragma unroll
    for (int l = 0; l < COLUMNS; l++)
#pragma unroll
        for (int n = 0; n < VECTORS; n++)
            acc[l][n] = (VECTOR)(0.0f);
    for (; t < t_end; t++) {
        VECTOR b[VECTORS];
#pragma unroll
        for (int n = 0; n < VECTORS; n++)
            b[n] = LOAD_VECTOR(d[n] + t * BLOCK);
#pragma unroll
        for (int l = 0; l < COLUMNS; l++) {
            const float a = v[t * BLOCK + l];
#pragma unroll
            for (int n = 0; n < VECTORS; n++)
                acc[l][n] += a * b[n];
        }
    }
#pragma unroll
    for (int l = 0; l < COLUMNS; l++)
#pragma unroll
        for (int n = 0; n < VECTORS; n++)
            sum[l][n] += acc[l][n];
}

/* Work-item (VECTORS blocks of k, block of c, point). begins: u holds nothing
 * yet. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
winograd_weight_sum(__global float *scratch, int d_at, int u_at, int tiles,
                    int c_blocks, int k_blocks, int begins)
{
    const int k0 = (int)get_global_id(0) * VECTORS;
    const int c = (int)get_global_id(1);
    const int f = (int)get_global_id(2);
    const int k_padded = k_blocks * BLOCK;
    __global const float *v =
        scratch + ((size_t)f * c_blocks + c) * tiles * BLOCK;
    __global float *u = scratch + u_at +
                        ((size_t)f * c_blocks + c) * BLOCK * k_padded +
                        k0 * BLOCK;
    __global const float *d[VECTORS];
    VECTOR sum[BLOCK][VECTORS];

#pragma unroll
    for (int n = 0; n < VECTORS; n++)
        d[n] = scratch + d_at +
               ((size_t)f * k_blocks + min(k0 + n, k_blocks - 1)) * tiles *
                   BLOCK;
    for (int l = 0; l < BLOCK; l++)
        for (int n = 0; n < VECTORS; n++)
            sum[l][n] = begins || k0 + n >= k_blocks
                            ? (VECTOR)(0.0f)
                            : LOAD_VECTOR(u + l * k_padded + n * BLOCK);
    for (int t = 0; t < tiles; t += NEAR)
        for (int l = 0; l < BLOCK; l += COLUMNS)
            add_tiles(sum + l, v + l, d, t, min(t + NEAR, tiles));
    for (int l = 0; l < BLOCK; l++)
        for (int n = 0; n < VECTORS; n++)
            if (k0 + n < k_blocks)
                STORE_VECTOR(u + l * k_padded + n * BLOCK, sum[l][n]);
}

/* Work-item (run of c, block of k). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
winograd_weight_taps(__global const float *scratch, __global float *dw,
                     int u_at, int c_count, int k_count, int c_padded,
                     int k_blocks, int run)
{
    const int kb = (int)get_global_id(1);
    const int c0 = (int)get_global_id(0) * run;
    const int lanes = min(BLOCK, k_count - kb * BLOCK);
    const size_t k_padded = (size_t)k_blocks * BLOCK;
    const size_t to_point = c_padded * k_padded;

    for (int c = c0; c < min(c0 + run, c_count); c++) {
        __global const float *from =
            scratch + u_at + c * k_padded + kb * BLOCK;
        __global float *to = dw + ((size_t)kb * BLOCK * c_count + c) * 9;
        VECTOR half_done[3][POINTS];
        float tap[9][BLOCK];

#pragma unroll
        for (int s = 0; s < POINTS; s++) {
            VECTOR p[POINTS], d[3];
#pragma unroll
            for (int r = 0; r < POINTS; r++)
                p[r] = LOAD_VECTOR(from + (r * POINTS + s) * to_point);
            weights_from_points(d, p);
#pragma unroll
            for (int r = 0; r < 3; r++)
                half_done[r][s] = d[r];
        }
#pragma unroll
        for (int r = 0; r < 3; r++) {
            VECTOR d[3];
            weights_from_points(d, half_done[r]);
#pragma unroll
            for (int s = 0; s < 3; s++)
                OC_CAT(vstore, BLOCK)(d[s], 0, tap[r * 3 + s]);
        }
        for (int l = 0; l < lanes; l++)
            for (int t = 0; t < 9; t++)
                to[(size_t)l * c_count * 9 + t] = tap[t][l];
    }
}

/* conv_winograd.cl - 3 x 3 convolution of stride 1 on CPU-class devices by
 * Winograd's minimal filtering (winograd.clh), over channel blocks.
 *
 * winograd_input    v[f][tile][c] from x
 * winograd_product  m[f][tile][k] = v[f] u[f]; m lies behind v in `scratch`
 * winograd_output   y from m, with bias and epilogue
 *
 * winograd_whole    all three for a few tiles, whose numbers at the points stay
 *                   in local memory, which is the core's cache: where there
 *                   are tiles enough for every core (FUSED=1, without the
 *                   other three)
 *
 * u comes from winograd_weights.cl. f counts the points, tile goes through
 * columns, rows and images. Channels are padded to whole blocks everywhere.
 *
 * -DSIDE=4      of winograd.clh
 * -DBLOCK=8     lanes of a vector: channels in a block
 * -DTILES=6     tiles of the product whose sums stay in registers
 * -DVECTORS=2   with so many blocks of y
 * -DFUSED=0     1: winograd_whole
 * and those of conv_ends.clh
 */
#ifndef BLOCK
#define BLOCK 8
#endif
#ifndef TILES
#define TILES 6
#endif
#ifndef VECTORS
#define VECTORS 2
#endif
#ifndef FUSED
#define FUSED 0
#endif
#include "conv_ends.clh"
#define NUMBER VECTOR
#include "winograd.clh"

/* Where the numbers at the points lie. */
#if FUSED
#define SPACE __local
#else
#define SPACE __global
#endif
#define LOAD_POINT(p) (*(SPACE const VECTOR *)(p))
#define STORE_POINT(p, v) (*(SPACE VECTOR *)(p) = (v))

#include "winograd_image.clh"

/* The sums of TILES tiles, t before t_end, and VECTORS blocks of y; past the
 * last tile, the last one. u: the first block's weights, `to_block` from one
 * to the next. */
INLINE void
multiply(SPACE float *m, int m_row, SPACE const float *v,
         __global const float *u, size_t to_block, int t, int t_end,
         int c_padded, int blocks)
{
    SPACE const float *vt[TILES];
    VECTOR acc[TILES][VECTORS];

#pragma unroll
    for (int p = 0; p < TILES; p++) {
        vt[p] = v + min(t + p, t_end - 1) * c_padded;
#pragma unroll
        for (int n = 0; n < VECTORS; n++)
            acc[p][n] = (VECTOR)(0.0f);
    }
    for (int c = 0; c < c_padded; c++) {
        VECTOR w[VECTORS];
#pragma unroll
        for (int n = 0; n < VECTORS; n++)
            w[n] = LOAD_VECTOR(u + (n < blocks ? n : 0) * to_block +
                               (size_t)c * BLOCK);
#pragma unroll
        for (int p = 0; p < TILES; p++) {
            const float a = vt[p][c];
#pragma unroll
            for (int n = 0; n < VECTORS; n++)
                acc[p][n] += a * w[n];
        }
    }
#pragma unroll
    for (int p = 0; p < TILES; p++)
#pragma unroll
        for (int n = 0; n < VECTORS; n++)
            if (n < blocks)
                STORE_POINT(m + min(t + p, t_end - 1) * m_row + n * BLOCK,
                            acc[p][n]);
}

/* A tile of outputs from its sums at the points. */
INLINE void
transform_output(VECTOR y[SIDE][SIDE], SPACE const float *from,
                 size_t to_point)
{
    VECTOR half_done[SIDE][POINTS];

    for (int s = 0; s < POINTS; s++) {
        VECTOR p[POINTS], d[SIDE];
#pragma unroll
        for (int r = 0; r < POINTS; r++)
            p[r] = LOAD_POINT(from + (r * POINTS + s) * to_point);
        from_points(d, p);
#pragma unroll
        for (int r = 0; r < SIDE; r++)
            half_done[r][s] = d[r];
    }
    for (int r = 0; r < SIDE; r++)
        from_points(y[r], half_done[r]);
}

/* ---- launches ----------------------------------------------------------- */

/* A tile of outputs with their ends, into y; a macro, since FINISH names the
 * kernel's parameters. */
#define PUT_TILE(sum, at, k)                                                  \
    do {                                                                      \
        const VECTOR add_ =                                                   \
            BIAS ? bias_of(bias, (k) * BLOCK, k_count) : (VECTOR)(0.0f);      \
        const int high_ = min(out_h - at.i, SIDE);                            \
        const int wide_ = min(out_w - at.j, SIDE);                            \
        for (int r = 0; r < high_; r++)                                       \
            for (int s = 0; s < wide_; s++) {                                 \
                const int i_ = at.i + r, j_ = at.j + s;                       \
                sum[r][s] += add_;                                            \
                FINISH_VECTOR(sum[r][s],                                      \
                              e_base + at.n * e_image + (k) * e_plane +       \
                                  i_ * e_row + j_ * e_col,                    \
                              f_base + at.n * f_image + (k) * f_plane +       \
                                  i_ * f_row + j_ * f_col,                    \
                              (k) * BLOCK);                                   \
                STORE_VECTOR(y + y_base + (size_t)at.n * y_image +            \
                                 (k) * y_plane + i_ * y_row + j_ * y_col,     \
                             sum[r][s]);                                      \
            }                                                                 \
    } while (0)

#if FUSED
/* Work-item (`part` tiles). Points of v and m lie so far from each other that
 * they do not meet in a cache's sets. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
winograd_whole(__global const float *x, __global const float *u,
               __global const float *bias, __global float *y,
               __local float *v, __local float *m, int x_base, int x_image,
               int x_plane, int x_row, int rows, int columns, int halo,
               int pad_h, int pad_w, int y_base, int y_image, int y_plane,
               int y_row, int y_col, int c_blocks, int k_count, int k_blocks,
               int out_h, int out_w, int down, int across, int tiles,
               int part HALO_PARAMETERS E_PARAMETERS F_PARAMETERS EPILOGUE_PARAMETERS)
{
    const struct image image = {rows, columns, halo, x_row};
    const int t0 = (int)get_global_id(0) * part;
    const int count = min(part, tiles - t0);
    const int c_padded = c_blocks * BLOCK;
    const int v_point = part * c_padded + 2 * BLOCK;
    const int m_row = VECTORS * BLOCK;
    const int m_point = part * m_row + 2 * BLOCK;
    const size_t to_block = (size_t)c_padded * BLOCK;

    for (int t = 0; t < count; t++) {
        struct tile at;
        find_tile(&at, t0 + t, down, across);
        const int i = at.i - pad_h, j = at.j - pad_w;
        for (int c = 0; c < c_blocks; c++)
            transform_input(v + t * c_padded + c * BLOCK, v_point,
                            x + x_base + (size_t)at.n * x_image +
                                c * x_plane + i * x_row + j * BLOCK,
                            &image, i, j);
    }
    for (int k = 0; k < k_blocks; k += VECTORS) {
        const int blocks = min(k_blocks - k, VECTORS);
        for (int f = 0; f < POINTS * POINTS; f++)
            for (int t = 0; t < count; t += TILES)
                multiply(m + f * m_point, m_row, v + f * v_point,
                         u + ((size_t)f * k_blocks + k) * to_block, to_block,
                         t, count, c_padded, blocks);
        for (int t = 0; t < count; t++) {
            struct tile at;
            find_tile(&at, t0 + t, down, across);
            for (int n = 0; n < blocks; n++) {
                VECTOR sum[SIDE][SIDE];
                if (at.i == 0 && at.j == 0)
                    CLEAR_HALO(at.n, k + n);
                transform_output(sum, m + t * m_row + n * BLOCK, m_point);
                PUT_TILE(sum, at, k + n);
            }
        }
    }
}
#else
/* Work-item (part of the tiles from `first` on). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
winograd_input(__global const float *x, __global float *v, int x_base,
               int x_image, int x_plane, int x_row, int rows, int columns,
               int halo, int pad_h, int pad_w, int down, int across, int first,
               int tiles, int part, int c_blocks)
{
    const struct image image = {rows, columns, halo, x_row};
    const int t0 = (int)get_global_id(0) * part;
    const int t1 = min(t0 + part, tiles);
    const size_t c_padded = (size_t)c_blocks * BLOCK;

    for (int t = t0; t < t1; t++) {
        struct tile at;
        find_tile(&at, first + t, down, across);
        const int i = at.i - pad_h, j = at.j - pad_w;
        for (int c = 0; c < c_blocks; c++)
            transform_input(v + t * c_padded + c * BLOCK, tiles * c_padded,
                            x + x_base + (size_t)at.n * x_image +
                                c * x_plane + i * x_row + j * BLOCK,
                            &image, i, j);
    }
}

/* Work-item (part of the blocks of y, of the tiles, of the points). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
winograd_product(__global float *scratch, __global const float *u, int v_size,
                 int tiles, int t_part, int c_padded, int k_blocks, int k_part,
                 int f_part)
{
    const int f0 = (int)get_global_id(2) * f_part;
    const int f1 = min(f0 + f_part, POINTS * POINTS);
    const int t0 = (int)get_global_id(1) * t_part;
    const int t1 = min(t0 + t_part, tiles);
    const int k0 = (int)get_global_id(0) * k_part;
    const int k1 = min(k0 + k_part, k_blocks);
    const int k_padded = k_blocks * BLOCK;
    const size_t to_block = (size_t)c_padded * BLOCK;

    for (int f = f0; f < f1; f++) {
        __global const float *v = scratch + (size_t)f * tiles * c_padded;
        __global float *m = scratch + v_size + (size_t)f * tiles * k_padded;
        for (int k = k0; k < k1; k += VECTORS)
            for (int t = t0; t < t1; t += TILES)
                multiply(m + k * BLOCK, k_padded, v,
                         u + ((size_t)f * k_blocks + k) * to_block, to_block,
                         t, t1, c_padded, min(k1 - k, VECTORS));
    }
}

/* Work-item (part of the tiles from `first` on). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
winograd_output(__global const float *scratch, __global const float *bias,
                __global float *y, int v_size, int y_base, int y_image, int y_plane,
                int y_row, int y_col, int k_count, int k_blocks, int out_h,
                int out_w, int down, int across, int first, int tiles,
                int part HALO_PARAMETERS E_PARAMETERS F_PARAMETERS EPILOGUE_PARAMETERS)
{
    const int t0 = (int)get_global_id(0) * part;
    const int t1 = min(t0 + part, tiles);
    const size_t k_padded = (size_t)k_blocks * BLOCK;
    __global const float *m = scratch + v_size;

    for (int t = t0; t < t1; t++) {
        struct tile at;
        find_tile(&at, first + t, down, across);
        for (int k = 0; k < k_blocks; k++) {
            VECTOR sum[SIDE][SIDE];
            if (at.i == 0 && at.j == 0)
                CLEAR_HALO(at.n, k);
            transform_output(sum, m + t * k_padded + k * BLOCK,
                             tiles * k_padded);
            PUT_TILE(sum, at, k);
        }
    }
}
#endif

/* winograd_weights.cl - the weights of a 3 x 3 convolution at the points of
 * winograd.clh: u[f][k / b][c][k % b] from w, K x C x 3 x 3; channels are
 * padded to whole blocks by zeros.
 *
 * winograd_weights         a work-item a channel of x and a block of y's
 * winograd_weights_vectors ... RUN channels: vectors, for CPU-class devices
 *
 * Registers at most: winograd_weights 128.
 *
 * -DSIDE=4     of winograd.clh
 * -DBLOCK=8    channels in a block
 * -DVECTORS=0  1: winograd_weights_vectors, and not the other
 * -DFLIP=0     1: for the input gradient: w is C x K x 3 x 3, its taps go from
 *              the last to the first
 */
#ifndef BLOCK
#define BLOCK 8
#endif
#ifndef FLIP
#define FLIP 0
#endif
#ifndef VECTORS
#define VECTORS 0
#endif
#define INLINE static inline __attribute__((always_inline))
#if VECTORS
#define NUMBER OC_CAT(float, BLOCK)
#else
#define NUMBER float
#endif
#include "winograd.clh"

/* Tap t, from the last to the first where the window is turned. */
#define TAP(t) (FLIP ? 8 - (t) : (t))

#if VECTORS
#define RUN 16

/* Work-item (RUN channels of x, block of k). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
winograd_weights_vectors(__global const float *w, __global float *u,
                         int k_count, int c_count, int k_blocks, int c_padded)
{
    const int kb = (int)get_global_id(1);
    const int c0 = (int)get_global_id(0) * RUN;
    const int lanes = min(BLOCK, k_count - kb * BLOCK);
    const size_t to_lane = (size_t)(FLIP ? 1 : c_count) * 9;
    const size_t to_point = (size_t)k_blocks * c_padded * BLOCK;

    for (int c = c0; c < min(c0 + RUN, c_padded); c++) {
        __global const float *from =
            w + (FLIP ? (size_t)c * k_count + kb * BLOCK
                      : (size_t)kb * BLOCK * c_count + c) * 9;
        __global float *to = u + ((size_t)kb * c_padded + c) * BLOCK;
        float tap[9][BLOCK];
        NUMBER rows[3][POINTS], column[POINTS];

        for (int l = 0; l < BLOCK; l++)
            for (int t = 0; t < 9; t++)
                tap[t][l] = c < c_count && l < lanes
                                ? from[l * to_lane + TAP(t)]
                                : 0.0f;
#pragma unroll
        for (int r = 0; r < 3; r++)
            weights_to_points(rows[r], OC_CAT(vload, BLOCK)(0, tap[3 * r]),
                              OC_CAT(vload, BLOCK)(0, tap[3 * r + 1]),
                              OC_CAT(vload, BLOCK)(0, tap[3 * r + 2]));
#pragma unroll
        for (int j = 0; j < POINTS; j++) {
            weights_to_points(column, rows[0][j], rows[1][j], rows[2][j]);
#pragma unroll
            for (int i = 0; i < POINTS; i++)
                OC_CAT(vstore, BLOCK)(column[i], 0,
                                      to + (i * POINTS + j) * to_point);
        }
    }
}
#else
/* Work-item (c, block of k). */
__kernel void
winograd_weights(__global const float *w, __global float *u, int k_count,
                 int c_count, int k_blocks, int c_padded)
{
    const int c = (int)get_global_id(0);
    const int kb = (int)get_global_id(1);

    if (c >= c_padded || kb >= k_blocks)
        return;
    for (int l = 0; l < BLOCK; l++) {
        const int k = kb * BLOCK + l;
        const int real = k < k_count && c < c_count;
        __global const float *from =
            w + (!real  ? 0
                 : FLIP ? ((size_t)c * k_count + k) * 9
                        : ((size_t)k * c_count + c) * 9);
        float rows[3][POINTS], column[POINTS];

#pragma unroll
        for (int r = 0; r < 3; r++) {
            float tap[3];

#pragma unroll
            for (int s = 0; s < 3; s++)
                tap[s] = real ? from[TAP(r * 3 + s)] : 0.0f;
            weights_to_points(rows[r], tap[0], tap[1], tap[2]);
        }
#pragma unroll
        for (int j = 0; j < POINTS; j++) {
            weights_to_points(column, rows[0][j], rows[1][j], rows[2][j]);
#pragma unroll
            for (int i = 0; i < POINTS; i++)
                u[(((size_t)(i * POINTS + j) * k_blocks + kb) * c_padded + c) *
                      BLOCK +
                  l] = column[i];
        }
    }
}
#endif

/* winograd_weights.cl - the weights of a 3 x 3 convolution at the points of
 * winograd.clh: u[f][k / b][c][k % b] from w, K x C x 3 x 3; channels are
 * padded to whole blocks by zeros.
 *
 * Registers at most: winograd_weights 128.
 *
 * -DSIDE=4     of winograd.clh
 * -DBLOCK=8    channels in a block
 * -DFLIP=0     1: for the input gradient: w is C x K x 3 x 3, its taps go from
 *              the last to the first
 */
#ifndef BLOCK
#define BLOCK 8
#endif
#ifndef FLIP
#define FLIP 0
#endif
#define INLINE static inline __attribute__((always_inline))
#define NUMBER float
#include "winograd.clh"

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
            for (int s = 0; s < 3; s++) {
                const int at = r * 3 + s;
                tap[s] = real ? from[FLIP ? 8 - at : at] : 0.0f;
            }
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

/* conv_blocked_weight.cl - the weight gradient of a convolution on CPU-class
 * devices, over channel blocks.
 *
 *     dw[k,c,r,s] = sum over n, i, j of dy[n,k,i,j] x[n,c,i',j']
 *
 * with i' and j' as in conv_blocked.cl. One work-item makes all taps of a pair
 * of blocks: LANES channels of x, VECTORS blocks of dy. It walks over a few
 * rows at a time, so that both stay in the first cache while every tap is
 * summed over them; COLUMNS * VECTORS sums are in registers, the others in
 * private memory; rows whose tap lies in the halo are left out:
 *
 *     acc[l][v] += x[channel l at the tap] * dy[block v]
 *
 * A 1 x 1 window has one tap; there several blocks of x count as its taps.
 * Where x is plain (a first layer), its block is one channel and the lanes are
 * the columns of the window, which lie side by side as channels do elsewhere.
 * Where pairs are too few, images are split among work-items and sum_splits
 * adds the parts in order.
 * In groups, a work-item's blocks of dy are those of its block's own group;
 * where a block holds several groups, pairs of different ones are not stored.
 *
 * -DBLOCK=8     lanes of a vector: channels of dy in a block
 * -DLANES=8     channels (or columns) of x in a block that are not padding
 * -DCOLUMNS=4   of them at a time; divides LANES
 * -DVECTORS=2   blocks of dy
 * -DTAPS=9      taps of the window (rows, where lanes are columns)
 * -DGROUPS=0    1: groups of c_each and k_each channels
 */
#ifndef BLOCK
#define BLOCK 8
#endif
#ifndef LANES
#define LANES 8
#endif
#ifndef COLUMNS
#define COLUMNS 4
#endif
#ifndef VECTORS
#define VECTORS 2
#endif
#ifndef TAPS
#define TAPS 9
#endif
#ifndef GROUPS
#define GROUPS 0
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


/* One row of out_w pixels. */
INLINE void
add_row(VECTOR acc[COLUMNS][VECTORS], __global const float *x,
        __global const float *const dy[VECTORS], long at, int x_col, int out_w)
{
    for (int j = 0; j < out_w; j++) {
        VECTOR d[VECTORS];
#pragma unroll
        for (int v = 0; v < VECTORS; v++)
            d[v] = LOAD_VECTOR(dy[v] + at + (long)j * BLOCK);
#pragma unroll
        for (int l = 0; l < COLUMNS; l++) {
            const float a = x[l];
#pragma unroll
            for (int v = 0; v < VECTORS; v++)
                acc[l][v] += a * d[v];
        }
        x += x_col;
    }
}

/* Some rows for COLUMNS lanes of one tap: sums from memory and back. */
INLINE void
add_rows(VECTOR sum[COLUMNS][VECTORS], __global const float *x,
         __global const float *const dy[VECTORS], long at, int x_row,
         int x_col, int y_row, int rows, int out_w)
{
    VECTOR acc[COLUMNS][VECTORS];
#pragma unroll
    for (int l = 0; l < COLUMNS; l++)
#pragma unroll
        for (int v = 0; v < VECTORS; v++)
            acc[l][v] = sum[l][v];
    for (int i = 0; i < rows; i++)
        add_row(acc, x + (long)i * x_row, dy, at + (long)i * y_row, x_col,
                out_w);
#pragma unroll
    for (int l = 0; l < COLUMNS; l++)
#pragma unroll
        for (int v = 0; v < VECTORS; v++)
            sum[l][v] = acc[l][v];
}

/* The first row of dy whose tap, `row` for its row 0, does not lie before x's
 * row 0. */
INLINE int
first_row(int row, int row_step)
{
    return row >= 0 ? 0 : (row_step - 1 - row) / row_step;
}

/* Work-item (block of x, VECTORS blocks of dy, split of the images). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_blocked_weight(__global const float *x, __global const float *dy,
                    __global float *dw, int x_base, int x_image, int x_plane,
                    int x_row, int x_col, int x_tap_r, int x_tap_s, int y_base,
                    int y_image, int y_plane, int y_row, int taps_s,
                    int k_blocks, int k_count, int lane_count, int out_h,
                    int out_w, int images, int share, int rows, int dw_k,
                    int dw_block, int dw_tap, int dw_lane, int dw_split,
                    int row_first, int row_step, int row_tap, int x_rows,
                    int c_blocks, int c_each, int k_each)
{
    const int c = (int)get_global_id(0);
    const int group = GROUPS ? c / c_blocks : 0;
    const int k_end = (group + 1) * k_blocks;
    const int k0 = group * k_blocks + (int)get_global_id(1) * VECTORS;
    const int split = (int)get_global_id(2);
    const int n1 = min((split + 1) * share, images);
    __global const float *from[VECTORS];
    VECTOR sum[TAPS][LANES][VECTORS];

#pragma unroll
    for (int v = 0; v < VECTORS; v++)
        from[v] = dy + y_base + min(k0 + v, k_end - 1) * y_plane;
    for (int t = 0; t < TAPS; t++)
        for (int l = 0; l < LANES; l++)
            for (int v = 0; v < VECTORS; v++)
                sum[t][l][v] = (VECTOR)(0.0f);

    for (int n = split * share; n < n1; n++)
        for (int i = 0; i < out_h; i += rows)
            for (int t = 0; t < TAPS; t++) {
                const int r = t / taps_s;
                const int row = row_first + r * row_tap;
                const int i0 = max(i, first_row(row, row_step));
                const int i1 = min(min(i + rows, out_h),
                                   first_row(row - x_rows, row_step));
                __global const float *at =
                    x + x_base + n * x_image + c * x_plane + i0 * x_row +
                    r * x_tap_r + t % taps_s * x_tap_s;
                for (int l = 0; l < LANES; l += COLUMNS)
                    add_rows(sum[t] + l, at + l, from,
                             (long)n * y_image + i0 * y_row, x_row, x_col,
                             y_row, i1 - i0, out_w);
            }

    const int lanes = min(LANES, lane_count - c * LANES);
    const int of_y = min(k_count - k0 * BLOCK, VECTORS * BLOCK);
    for (int k = 0; k < of_y; k++)
        for (int l = 0; l < lanes; l++) {
            const int channel = c * LANES + l;
            const int row = k0 * BLOCK + k;
            __global float *to =
                dw + split * dw_split + row * dw_k +
                (GROUPS ? channel % c_each * dw_lane
                        : c * dw_block + l * dw_lane);
            if (GROUPS && channel / c_each != row / k_each)
                continue;
            for (int t = 0; t < TAPS; t++)
                to[t * dw_tap] = ((const float *)sum[t][l])[k];
        }
}

__kernel void
sum_splits(__global const float *part, __global float *dw, int count,
           int splits)
{
    const int i = (int)get_global_id(0);
    float total = 0.0f;

    if (i >= count)
        return;
    for (int s = 0; s < splits; s++)
        total += part[s * count + i];
    dw[i] = total;
}

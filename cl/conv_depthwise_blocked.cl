/* conv_depthwise_blocked.cl - depthwise convolution (groups == channels) on
 * CPU-class devices, over channel blocks.
 *
 *     y[n,c,i,j] = b[c] + sum over r, s of x[n,c,i',j'] w[c,r,s]
 *     dw[c,r,s]  = sum over n, i, j of dy[n,c,i,j] x[n,c,i',j']
 *
 * with i' = i*stride + r*dilation - pad, all of it in steps of elements, as in
 * conv_blocked.cl: the halo of x holds the padding, and the input gradient is
 * the first kernel with steps that walk the weights backwards; with a stride,
 * where every column meets other taps, it is a kernel of its own. A lane is a
 * channel: nothing is broadcast, and what limits is reading. So the columns of
 * a tile share the x that they both need: the steps of columns are constants,
 * and the compiler keeps what it has read.
 *
 * Weights lie ceil(C/b) x R x S x b.
 *
 * -DBLOCK=8     lanes
 * -DPIXELS=7    outputs of a row at once
 * -DTAPS_R=3    window; 0: as the arguments say (phases of a stride)
 * -DTAPS_S=3
 * -DSTRIDE=1    columns between the windows
 * -DDILATION=1  columns between taps
 * -DPAD=0       columns before x; not 0 only for conv_depthwise_turned
 * -DGROUP=3     rows of the window that dw sums at once
 * and those of conv_ends.clh
 */
#ifndef BLOCK
#define BLOCK 8
#endif
#ifndef PIXELS
#define PIXELS 7
#endif
#ifndef TAPS_R
#define TAPS_R 3
#endif
#ifndef TAPS_S
#define TAPS_S 3
#endif
#ifndef STRIDE
#define STRIDE 1
#endif
#ifndef DILATION
#define DILATION 1
#endif
#ifndef PAD
#define PAD 0
#endif
#ifndef GROUP
#define GROUP 3
#endif
#include "conv_ends.clh"

/* Sums of `pixels` outputs side by side; x and w at their first tap. */
INLINE void
add_window(VECTOR acc[PIXELS], const int pixels, __global const float *x,
           __global const float *w, int x_tap_r, int w_tap_r, int w_tap_s,
           int taps_r, int taps_s)
{
#if TAPS_R
#pragma unroll
    for (int r = 0; r < TAPS_R; r++) {
        VECTOR wv[TAPS_S];
#pragma unroll
        for (int s = 0; s < TAPS_S; s++)
            wv[s] = LOAD_VECTOR(w + r * w_tap_r + s * w_tap_s);
#pragma unroll
        for (int p = 0; p < pixels; p++)
#pragma unroll
            for (int s = 0; s < TAPS_S; s++)
                acc[p] += wv[s] * LOAD_VECTOR(x + r * x_tap_r +
                                              (p * STRIDE + s * DILATION) *
                                                  BLOCK);
    }
#else
    for (int r = 0; r < taps_r; r++)
        for (int s = 0; s < taps_s; s++) {
            const VECTOR wv = LOAD_VECTOR(w + r * w_tap_r + s * w_tap_s);
#pragma unroll
            for (int p = 0; p < pixels; p++)
                acc[p] += wv * LOAD_VECTOR(x + r * x_tap_r +
                                           (p * STRIDE + s * DILATION) *
                                               BLOCK);
        }
#endif
}

/* `pixels` outputs from column j on of the current row. */
#define MAKE(pixels)                                                          \
    do {                                                                      \
        VECTOR acc[PIXELS];                                                   \
        _Pragma("unroll") for (int p = 0; p < (pixels); p++) acc[p] = first;  \
        add_window(acc, pixels, from + j * STRIDE * BLOCK, w_of, x_tap_r,     \
                   w_tap_r, w_tap_s, taps_r, taps_s);                         \
        _Pragma("unroll") for (int p = 0; p < (pixels); p++)                  \
        {                                                                     \
            FINISH_VECTOR(acc[p], e_at + (j + p) * e_col,                     \
                          f_at + (j + p) * f_col, c * BLOCK);                 \
            STORE_VECTOR(to + (j + p) * y_col, acc[p]);                       \
        }                                                                     \
    } while (0)

/* Work-item (block, part): `rows` rows, counted through all images. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_depthwise(__global const float *x, __global const float *w,
               __global const float *bias, __global float *y, int x_base,
               int x_image, int x_plane, int x_row, int x_tap_r, int y_base,
               int y_image, int y_plane, int y_row, int y_col, int w_base,
               int w_block, int w_tap_r, int w_tap_s, int taps_r, int taps_s,
               int k_count, int out_h, int out_w, int total,
               int rows HALO_PARAMETERS E_PARAMETERS F_PARAMETERS EPILOGUE_PARAMETERS)
{
    const int c = (int)get_global_id(0);
    const int row0 = (int)get_global_id(1) * rows;
    const int row1 = min(row0 + rows, total);
    __global const float *w_of = w + w_base + c * w_block;
    const VECTOR first =
        BIAS ? bias_of(bias, c * BLOCK, k_count) : (VECTOR)(0.0f);

    for (int row = row0; row < row1; row++) {
        const int n = row / out_h;
        const int i = row - n * out_h;
        __global const float *from =
            x + x_base + n * x_image + c * x_plane + i * x_row;
        __global float *to =
            y + y_base + n * y_image + c * y_plane + i * y_row;
        const int e_at = e_base + n * e_image + c * e_plane + i * e_row;
        const int f_at = f_base + n * f_image + c * f_plane + i * f_row;
        if (i == 0)
            CLEAR_HALO(n, c);
        if (out_w < PIXELS) {
            for (int j = 0; j < out_w; j++)
                MAKE(1);
            continue;
        }
        for (int at = 0; at < out_w; at += PIXELS) {
            const int j = min(at, out_w - PIXELS);
            MAKE(PIXELS);
        }
        (void)e_at;
        (void)f_at;
    }
}

#if TAPS_S
/* Column q * STRIDE + f of y meets tap t where that leaves no remainder, and
 * then reads column q + AT of x. */
#define AHEAD(f, t) ((f) + PAD - (t) + STRIDE * TAPS_S)
#define MEETS(f, t) (AHEAD(f, t) % STRIDE == 0)
#define AT(f, t) (AHEAD(f, t) / STRIDE - TAPS_S)

/* `tile` times STRIDE columns from q * STRIDE on; what is behind out_w is left
 * out. */
#define TURN(tile)                                                            \
    do {                                                                      \
        VECTOR acc[PIXELS][STRIDE];                                           \
        _Pragma("unroll") for (int p = 0; p < (tile); p++)                    \
            _Pragma("unroll") for (int f = 0; f < STRIDE; f++)                \
                acc[p][f] = first;                                            \
        for (int r = 0; r < taps_r; r++) {                                    \
            const int d = i + pad_h - r;                                      \
            __global const float *line =                                      \
                from + d / stride_h * x_row + q * BLOCK;                      \
            VECTOR wv[TAPS_S];                                                \
            if (d % stride_h != 0)                                            \
                continue;                                                     \
            _Pragma("unroll") for (int t = 0; t < TAPS_S; t++)                \
                wv[t] = LOAD_VECTOR(w_of + (r * TAPS_S + t) * BLOCK);         \
            _Pragma("unroll") for (int p = 0; p < (tile); p++)                \
                _Pragma("unroll") for (int f = 0; f < STRIDE; f++)            \
                    _Pragma("unroll") for (int t = 0; t < TAPS_S; t++)        \
                        if (MEETS(f, t) &&                                    \
                            ((tile) > 1 || q * STRIDE + f < out_w))           \
                            acc[p][f] +=                                      \
                                wv[t] *                                       \
                                LOAD_VECTOR(line + (p + AT(f, t)) * BLOCK);   \
        }                                                                     \
        _Pragma("unroll") for (int p = 0; p < (tile); p++)                    \
            _Pragma("unroll") for (int f = 0; f < STRIDE; f++)                \
        {                                                                     \
            const int j = (q + p) * STRIDE + f;                               \
            if ((tile) == 1 && j >= out_w)                                    \
                continue;                                                     \
            FINISH_VECTOR(acc[p][f], e_at + j * e_col, f_at + j * f_col,      \
                          c * BLOCK);                                         \
            STORE_VECTOR(to + j * BLOCK, acc[p][f]);                          \
        }                                                                     \
    } while (0)

/* The input gradient (x is dy and y is dx); work-item (block, part): `rows`
 * rows, counted through all images. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_depthwise_turned(__global const float *x, __global const float *w,
                      __global const float *bias, __global float *y,
                      int x_base, int x_image, int x_plane, int x_row,
                      int y_base, int y_image, int y_plane, int y_row,
                      int stride_h, int pad_h, int taps_r, int k_count,
                      int out_h, int out_w, int total,
                      int rows HALO_PARAMETERS E_PARAMETERS F_PARAMETERS
                          EPILOGUE_PARAMETERS)
{
    const int c = (int)get_global_id(0);
    const int row0 = (int)get_global_id(1) * rows;
    const int row1 = min(row0 + rows, total);
    __global const float *w_of = w + c * taps_r * TAPS_S * BLOCK;
    const VECTOR first =
        BIAS ? bias_of(bias, c * BLOCK, k_count) : (VECTOR)(0.0f);

    for (int row = row0; row < row1; row++) {
        const int n = row / out_h;
        const int i = row - n * out_h;
        __global const float *from =
            x + x_base + n * x_image + c * x_plane;
        __global float *to =
            y + y_base + n * y_image + c * y_plane + i * y_row;
        const int e_at = e_base + n * e_image + c * e_plane + i * e_row;
        const int f_at = f_base + n * f_image + c * f_plane + i * f_row;
        int q = 0;
        if (i == 0)
            CLEAR_HALO(n, c);
        for (; (q + PIXELS) * STRIDE <= out_w; q += PIXELS)
            TURN(PIXELS);
        for (; q * STRIDE < out_w; q++)
            TURN(1);
        (void)e_at;
        (void)f_at;
    }
}
#endif

#if TAPS_R
/* Work-item (block, split): all taps over `share` images. dw of the split is
 * plain, C x R x S. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_depthwise_weight(__global const float *x, __global const float *dy,
                      __global float *dw, int x_base, int x_image, int x_plane,
                      int x_row, int x_tap_r, int y_base, int y_image,
                      int y_plane, int y_row, int c_count, int out_h,
                      int out_w, int images, int share, int rows)
{
    const int c = (int)get_global_id(0);
    const int split = (int)get_global_id(1);
    const int n1 = min((split + 1) * share, images);
    VECTOR sum[TAPS_R][TAPS_S];

    for (int r = 0; r < TAPS_R; r++)
        for (int s = 0; s < TAPS_S; s++)
            sum[r][s] = (VECTOR)(0.0f);
    for (int n = split * share; n < n1; n++)
        for (int i0 = 0; i0 < out_h; i0 += rows)
            for (int r0 = 0; r0 < TAPS_R; r0 += GROUP) {
                VECTOR acc[GROUP][TAPS_S];
#pragma unroll
                for (int g = 0; g < GROUP; g++)
#pragma unroll
                    for (int s = 0; s < TAPS_S; s++)
                        acc[g][s] = sum[min(r0 + g, TAPS_R - 1)][s];
                for (int i = i0; i < min(i0 + rows, out_h); i++) {
                    __global const float *at[GROUP];
                    __global const float *by =
                        dy + y_base + n * y_image + c * y_plane + i * y_row;
#pragma unroll
                    for (int g = 0; g < GROUP; g++)
                        at[g] = x + x_base + n * x_image + c * x_plane +
                                i * x_row + min(r0 + g, TAPS_R - 1) * x_tap_r;
                    for (int j = 0; j < out_w; j++) {
                        const VECTOR d = LOAD_VECTOR(by + j * BLOCK);
#pragma unroll
                        for (int g = 0; g < GROUP; g++)
#pragma unroll
                            for (int s = 0; s < TAPS_S; s++)
                                acc[g][s] +=
                                    d * LOAD_VECTOR(at[g] +
                                                    (j * STRIDE +
                                                     s * DILATION) *
                                                        BLOCK);
                    }
                }
#pragma unroll
                for (int g = 0; g < GROUP; g++)
#pragma unroll
                    for (int s = 0; s < TAPS_S; s++)
                        sum[min(r0 + g, TAPS_R - 1)][s] = acc[g][s];
            }
    for (int r = 0; r < TAPS_R; r++)
        for (int s = 0; s < TAPS_S; s++) {
            float lane[BLOCK];
            OC_CAT(vstore, BLOCK)(sum[r][s], 0, lane);
            for (int l = 0; l < BLOCK; l++)
                if (c * BLOCK + l < c_count)
                    dw[((split * c_count + c * BLOCK + l) * TAPS_R + r) *
                           TAPS_S +
                       s] = lane[l];
        }
}
#endif

__kernel void
depthwise_sum_splits(__global const float *part, __global float *dw, int count,
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

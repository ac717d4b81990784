/* conv_depthwise_plain.cl - convolution with one channel of x a group, and its
 * gradients, on GPUs, as the tensors lie.
 *
 *     y[n, k, o] = sum over i of x[n, k / each, o*stride + i*dilation - pad]
 *                                * w[k, i]
 *
 * Memory sets the pace, so a number of x is loaded once for all of an item's
 * outputs that see it: TALL x 4 of them, and the weights stay in registers.
 * The input gradient of a convolution without strides is the same with the
 * window turned round (TURNED).
 *
 * The weight gradient of a channel is a sum over all places: a work-group takes
 * one channel and a part of the rows of all images, its items blocks of four
 * places; each keeps a sum for every tap, and the group adds them by halves.
 * tile_sum.cl adds the parts.
 *
 * Registers at most: conv_depthwise 128, conv_depthwise_weight 128.
 *
 *   TYPE_x               storage type of all tensors; parts are float
 *   WIN_H, WIN_W, STRIDE_H, STRIDE_W, DIL_H, DIL_W
 *   TALL                 rows of outputs an item makes
 *   TURNED               1: the window turned round
 *   EPILOGUE(v, i)       what becomes of v before it is stored at i
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef WIN_H
#define WIN_H 3
#endif
#ifndef WIN_W
#define WIN_W 3
#endif
#ifndef STRIDE_H
#define STRIDE_H 1
#endif
#ifndef STRIDE_W
#define STRIDE_W 1
#endif
#ifndef DIL_H
#define DIL_H 1
#endif
#ifndef DIL_W
#define DIL_W 1
#endif
#ifndef TALL
#define TALL 2
#endif
#ifndef TURNED
#define TURNED 0
#endif
#ifndef EPILOGUE
#define EPILOGUE(v, i) (v)
#define EPILOGUE_PARAMETERS
#endif
#pragma OPENCL FP_CONTRACT ON

#define TAPS (WIN_H * WIN_W)
#define WIDE 4 /* outputs side by side */
#define SEEN_H ((TALL - 1) * STRIDE_H + (WIN_H - 1) * DIL_H + 1)
#define SEEN_W ((WIDE - 1) * STRIDE_W + (WIN_W - 1) * DIL_W + 1)
#define LANES_SUM 64 /* items of a group of conv_depthwise_weight */

#define INLINE static inline __attribute__((always_inline))

/* SEEN_W numbers of row y of a plane from column x on, zeros outside. */
INLINE void
load_row(__global const STORAGE(TYPE_x) *from, int plane, int y, int x,
         int in_h, int in_w, float row[SEEN_W])
{
    int wide = (uint)y < (uint)in_h ? in_w : 0;

#pragma unroll
    for (int i = 0; i < SEEN_W; i++)
        row[i] = (uint)(x + i) < (uint)wide
                     ? LOAD(TYPE_x, from, plane + y * in_w + x + i)
                     : 0.0f;
}

/* Is the row `i` of those seen under row r of output t's window? */
#define UNDER(i, r, t) ((i) == (t)*STRIDE_H + (r)*DIL_H)

/* Work-item: WIDE x TALL outputs; `blocks` of these in a row, `high` rows of
 * them in a plane; count: of all. */
__kernel void
conv_depthwise(__global const STORAGE(TYPE_x) *x,
               __global const STORAGE(TYPE_x) *w,
               __global const STORAGE(TYPE_x) *bias,
               __global STORAGE(TYPE_x) *y, int biased, int channels, int each,
               int in_h, int in_w, int out_h, int out_w, int pad_h, int pad_w,
               int blocks, int high, int count EPILOGUE_PARAMETERS)
{
    int at = (int)get_global_id(0);
    int xo = at % blocks * WIDE, yo = at / blocks % high * TALL;
    int plane = at / blocks / high, k = plane % channels;
    int from = plane / each * in_h * in_w;
    float sum[TALL][WIDE], weight[TAPS];

    if (at >= count)
        return;
#pragma unroll
    for (int i = 0; i < TAPS; i++)
        weight[i] = LOAD(TYPE_x, w, k * TAPS + (TURNED ? TAPS - 1 - i : i));
#pragma unroll
    for (int t = 0; t < TALL; t++)
#pragma unroll
        for (int e = 0; e < WIDE; e++)
            sum[t][e] = biased ? LOAD(TYPE_x, bias, k) : 0.0f;
#pragma unroll
    for (int i = 0; i < SEEN_H; i++) {
        float row[SEEN_W];

        load_row(x, from, yo * STRIDE_H + i - pad_h, xo * STRIDE_W - pad_w,
                 in_h, in_w, row);
#pragma unroll
        for (int t = 0; t < TALL; t++)
#pragma unroll
            for (int r = 0; r < WIN_H; r++)
#pragma unroll
                for (int s = 0; s < WIN_W; s++)
#pragma unroll
                    for (int e = 0; e < WIDE; e++)
                        if (UNDER(i, r, t))
                            sum[t][e] += weight[r * WIN_W + s] *
                                         row[e * STRIDE_W + s * DIL_W];
    }
#pragma unroll
    for (int t = 0; t < TALL; t++)
#pragma unroll
        for (int e = 0; e < WIDE; e++) {
            int to = (plane * out_h + yo + t) * out_w + xo + e;

            if (yo + t < out_h && xo + e < out_w)
                STORE(TYPE_x, y, to, EPILOGUE(sum[t][e], to));
        }
}

/* Work-group (channel k of y, part): rows of outputs `part` * tall and on, of
 * `rows` in all images; parts[part][k][tap]. */
__kernel __attribute__((reqd_work_group_size(LANES_SUM, 1, 1))) void
conv_depthwise_weight(__global const STORAGE(TYPE_x) *x,
                      __global const STORAGE(TYPE_x) *dy,
                      __global float *parts, int channels, int each, int in_h,
                      int in_w, int out_h, int out_w, int pad_h, int pad_w,
                      int blocks, int rows, int tall)
{
    __local float shared[LANES_SUM];
    int item = (int)get_local_id(0), k = (int)get_group_id(0);
    int part = (int)get_group_id(1);
    int first = part * tall, last = min(first + tall, rows);
    float sum[TAPS];

#pragma unroll
    for (int i = 0; i < TAPS; i++)
        sum[i] = 0.0f;
    for (int at = first * blocks + item; at < last * blocks; at += LANES_SUM) {
        int xo = at % blocks * WIDE, row_y = at / blocks;
        int image = row_y / out_h, yo = row_y % out_h;
        int plane = image * channels + k;
        int from = plane / each * in_h * in_w;
        int to = (plane * out_h + yo) * out_w + xo;
        float d[WIDE];

#pragma unroll
        for (int e = 0; e < WIDE; e++)
            d[e] = xo + e < out_w ? LOAD(TYPE_x, dy, to + e) : 0.0f;
#pragma unroll
        for (int r = 0; r < WIN_H; r++) {
            float row[SEEN_W];

            load_row(x, from, yo * STRIDE_H + r * DIL_H - pad_h,
                     xo * STRIDE_W - pad_w, in_h, in_w, row);
#pragma unroll
            for (int s = 0; s < WIN_W; s++)
#pragma unroll
                for (int e = 0; e < WIDE; e++)
                    sum[r * WIN_W + s] += d[e] * row[e * STRIDE_W + s * DIL_W];
        }
    }
#pragma unroll
    for (int i = 0; i < TAPS; i++) {
        shared[item] = sum[i];
        for (int half_way = LANES_SUM / 2; half_way > 0; half_way /= 2) {
            barrier(CLK_LOCAL_MEM_FENCE);
            if (item < half_way)
                shared[item] += shared[item + half_way];
        }
        if (item == 0)
            parts[(part * channels + k) * TAPS + i] = shared[0];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

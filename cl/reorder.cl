/* reorder.cl - the same numbers in another layout. Bits are copied, so one
 * program serves every type of UNIT bytes.
 *
 * Images (x, y): element (n, c, y, x) of either side lies at
 *     base + n*image + (c/block)*plane + y*row + x*block + c%block,
 * where plain has block 1. The writer fills halo and padding channels with
 * zeros, so its reader never looks at old bytes.
 *
 * Weights K x C x R x S, b = PACK_BLOCK:
 *     conv   ceil(K/b) x ceil(C/b) x R x S x b(c) x b(k)
 *     flip   ceil(C/b) x ceil(K/b) x R x S x b(k) x b(c), R and S reversed
 *     first  ceil(K/b) x C x R x S x b(k)
 * In groups, conv and flip hold what every block reads of its own joined
 * groups only; see pack_groups.
 *
 * -DUNIT=4          bytes of an element: 1, 2, 4, 8
 * -DFROM_BLOCK=1    channels interleaved in x
 * -DTO_BLOCK=8      ... and in y; one of them divides the other
 * -DPACK_BLOCK=8    lanes of packed weights
 */
#ifndef UNIT
#define UNIT 4
#endif
#ifndef FROM_BLOCK
#define FROM_BLOCK 1
#endif
#ifndef TO_BLOCK
#define TO_BLOCK 8
#endif
#ifndef PACK_BLOCK
#define PACK_BLOCK 8
#endif

#if UNIT == 1
typedef uchar unit;
#elif UNIT == 2
typedef ushort unit;
#elif UNIT == 4
typedef uint unit;
#else
typedef ulong unit;
#endif

/* Channels that a work-item carries: whole blocks on both sides. */
#define WIDE (FROM_BLOCK > TO_BLOCK ? FROM_BLOCK : TO_BLOCK)

/* Work-item (row, block, n): row counts from -tall, halo rows included, and
 * block counts WIDE channels. */
__kernel void
reorder_image(__global const unit *x, __global unit *y, int channels, int h,
              int w, int tall, int wide, int x_base, int x_image, int x_plane,
              int x_row, int y_base, int y_image, int y_plane, int y_row,
              int rows, int blocks, int images)
{
    const int row = (int)get_global_id(0) - tall;
    const int block = (int)get_global_id(1);
    const int n = (int)get_global_id(2);
    const int c0 = block * WIDE;
    if (row >= rows - tall || block >= blocks || n >= images)
        return;
    __global const unit *from =
        x + x_base + n * x_image + row * x_row + c0 / FROM_BLOCK * x_plane;
    __global unit *to =
        y + y_base + n * y_image + row * y_row + c0 / TO_BLOCK * y_plane;
    const int inside = row >= 0 && row < h;

    for (int c = 0; c < WIDE; c += TO_BLOCK) {
        if (TO_BLOCK == 1 && c0 + c >= channels)
            break;
        __global unit *line = to + c / TO_BLOCK * y_plane;
        for (int i = -wide; i < w + wide; i++)
            if (!inside || i < 0 || i >= w)
                for (int k = 0; k < TO_BLOCK; k++)
                    line[i * TO_BLOCK + k] = 0;
    }
    if (!inside)
        return;
#if FROM_BLOCK == TO_BLOCK
    const int count = w * TO_BLOCK;
    int at = 0;
    for (; at + 8 <= count; at += 8)
        vstore8(vload8(0, from + at), 0, to + at);
    for (; at < count; at++)
        to[at] = from[at];
    return;
#endif
    if (c0 + WIDE <= channels) {
        for (int i = 0; i < w; i++) {
#pragma unroll
            for (int c = 0; c < WIDE; c++)
                to[c / TO_BLOCK * y_plane + i * TO_BLOCK + c % TO_BLOCK] =
                    from[c / FROM_BLOCK * x_plane + i * FROM_BLOCK +
                         c % FROM_BLOCK];
        }
        return;
    }
    for (int c = 0; c < WIDE; c++) {
        const int real = c0 + c < channels;
        if (TO_BLOCK == 1 && !real)
            break;
        for (int i = 0; i < w; i++)
            to[c / TO_BLOCK * y_plane + i * TO_BLOCK + c % TO_BLOCK] =
                real ? from[c / FROM_BLOCK * x_plane + i * FROM_BLOCK +
                            c % FROM_BLOCK]
                     : (unit)0;
    }
}

/* Zeroes the halo of one plane; work-item (block, n). */
__kernel void
clear_halo(__global unit *y, int h, int w, int tall, int wide, int image,
           int plane, int row, int blocks, int images)
{
    const int block = (int)get_global_id(0);
    const int n = (int)get_global_id(1);
    if (block >= blocks || n >= images)
        return;
    __global unit *to = y + n * image + block * plane;
    const int below = (h + tall) * row;

    for (int i = 0; i < tall * row; i++) {
        to[i] = 0;
        to[below + i] = 0;
    }
    for (int r = tall; r < h + tall; r++)
        for (int i = 0; i < wide * TO_BLOCK; i++) {
            to[r * row + i] = 0;
            to[r * row + (w + wide) * TO_BLOCK + i] = 0;
        }
}

/* Where weight (k, c, t) of packed blocks lies; `inner` is the number of
 * blocks of the second dimension. */
static inline int
packed(int outer_index, int inner_index, int inner, int t, int window)
{
    const int b = PACK_BLOCK;
    const int block = outer_index / b * inner + inner_index / b;
    return ((block * window + t) * b + inner_index % b) * b + outer_index % b;
}

/* A whole pair of blocks of a 1 x 1 window. */
static inline __attribute__((always_inline)) void
turn_block(__global unit *to, __global const unit *from, int step_inner,
           int step_outer)
{
#pragma unroll
    for (int i = 0; i < PACK_BLOCK; i++)
#pragma unroll
        for (int o = 0; o < PACK_BLOCK; o++)
            to[i * PACK_BLOCK + o] = from[i * step_inner + o * step_outer];
}

/* Work-item (inner block, outer block): writes one pair of blocks. */
__kernel void
pack_conv(__global const unit *x, __global unit *y, int k_count, int c_count,
          int window, int flip)
{
    const int b = PACK_BLOCK;
    const int outer = flip ? c_count : k_count;
    const int inner = flip ? k_count : c_count;
    const int inner_blocks = (inner + b - 1) / b;
    const int i0 = (int)get_global_id(0) * b;
    const int o0 = (int)get_global_id(1) * b;
    if (i0 >= inner || o0 >= outer)
        return;
    if (window == 1 && i0 + b <= inner && o0 + b <= outer) {
        __global unit *to = y + packed(o0, i0, inner_blocks, 0, 1);
        __global const unit *from =
            x + (flip ? i0 * c_count + o0 : o0 * c_count + i0);
        if (flip)
            turn_block(to, from, c_count, 1);
        else
            turn_block(to, from, 1, c_count);
        return;
    }
    for (int o = o0; o < o0 + b; o++)
        for (int i = i0; i < i0 + b; i++) {
            const int k = flip ? i : o;
            const int c = flip ? o : i;
            const int real = k < k_count && c < c_count;
            __global const unit *from =
                x + (real ? (k * c_count + c) * window : 0);
            __global unit *to = y + packed(o, i, inner_blocks, 0, window);
            for (int t = 0; t < window; t++)
                to[(flip ? window - 1 - t : t) * b * b] =
                    real ? from[t] : (unit)0;
        }
}

/* Weights in `groups` of c_each x k_each channels, `joined` of which count as
 * one; between channels of different groups lie zeros. Work-item (inner block,
 * outer block): outer channels are those of all groups, inner ones those of a
 * joined group. */
__kernel void
pack_groups(__global const unit *x, __global unit *y, int groups, int joined,
            int k_each, int c_each, int window, int flip)
{
    const int b = PACK_BLOCK;
    const int outer = flip ? c_each : k_each;
    const int inner = flip ? k_each : c_each;
    const int inner_blocks = (joined * inner + b - 1) / b;
    const int i0 = (int)get_global_id(0) * b;
    const int o0 = (int)get_global_id(1) * b;
    if (i0 >= joined * inner || o0 >= groups * outer)
        return;
    for (int o = o0; o < o0 + b; o++)
        for (int i = i0; i < i0 + b; i++) {
            const int group = o / outer;
            const int of = group / joined * joined + i / inner;
            const int real = group < groups && of == group;
            const int k = flip ? group * k_each + i % inner : o;
            const int c = flip ? o % c_each : i % inner;
            __global const unit *from =
                x + (real ? (k * c_each + c) * window : 0);
            __global unit *to = y + packed(o, i, inner_blocks, 0, window);
            for (int t = 0; t < window; t++)
                to[(flip ? window - 1 - t : t) * b * b] =
                    real ? from[t] : (unit)0;
        }
}

/* Work-item (c, k block). */
__kernel void
pack_first(__global const unit *x, __global unit *y, int k_count, int c_count,
           int window)
{
    const int b = PACK_BLOCK;
    const int c = (int)get_global_id(0);
    const int k0 = (int)get_global_id(1) * b;
    if (c >= c_count || k0 >= k_count)
        return;
    for (int t = 0; t < window; t++)
        for (int k = k0; k < k0 + b; k++)
            y[((k0 / b * c_count + c) * window + t) * b + k - k0] =
                k < k_count ? x[(k * c_count + c) * window + t] : (unit)0;
}

/* Back to K x C x R x S; work-item (c, k). */
__kernel void
unpack_conv(__global const unit *x, __global unit *y, int k_count, int c_count,
            int window, int flip)
{
    const int b = PACK_BLOCK;
    const int c = (int)get_global_id(0);
    const int k = (int)get_global_id(1);
    if (c >= c_count || k >= k_count)
        return;
    const int inner_blocks = ((flip ? k_count : c_count) + b - 1) / b;
    for (int t = 0; t < window; t++) {
        const int s = flip ? window - 1 - t : t;
        y[(k * c_count + c) * window + t] =
            x[flip ? packed(c, k, inner_blocks, s, window)
                   : packed(k, c, inner_blocks, s, window)];
    }
}

__kernel void
unpack_first(__global const unit *x, __global unit *y, int k_count,
             int c_count, int window)
{
    const int b = PACK_BLOCK;
    const int c = (int)get_global_id(0);
    const int k = (int)get_global_id(1);
    if (c >= c_count || k >= k_count)
        return;
    for (int t = 0; t < window; t++)
        y[(k * c_count + c) * window + t] =
            x[((k / b * c_count + c) * window + t) * b + k % b];
}

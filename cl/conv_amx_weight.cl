/* conv_amx_weight.cl - the weight gradient of a convolution in tiles of
 * bfloat16, on CPU-class devices that have AMX; tensors are float and lie in
 * blocks of 16 channels.
 *
 *     dw[k,c,r,s] = sum over n, i, j of dy[n,k,i,j] x[n,c,i',j']
 *
 * with i' and j' as in conv_amx.cl. Here pixels are summed over, so a row of A
 * is one channel of x, 32 pixels side by side, and B holds pairs of pixels of
 * dy. Both are laid out so beforehand, some images at a time:
 *
 *     x   image x channel x pixels, rows behind each other, by the phases of
 *         conv_phases.clh; `channel` numbers from one to the next
 *     dy  image x block x pairs of pixels x 16 channels x 2, where rows are as
 *         long as those of x (wide) and zeros fill them up
 *
 * so that a tap is a shift of A, to any of its numbers. A work-item makes the
 * whole window for 32 channels of x and some of dy; while a stretch of pixels
 * is in the core's cache, all taps are summed over it. Sums lie in memory
 * between, four tiles a tap, those of each split of the images apart; at last
 * amx_weight_sums adds splits in order.
 *
 * Zeros meet pixels of x that are not theirs: what is not finite there spoils
 * its channel's sums.
 *
 * All three lie in scratch: x first, the others from tiles dy_at and sums_at on.
 *
 * -DOC_AMX   the instructions, see amx.clh
 */
#define BLOCK 16
#define INLINE static inline __attribute__((always_inline))
#include "amx.clh"
#include "conv_phases.clh"

/* ---- x ------------------------------------------------------------------ */

/* `count` pixels, `step` numbers apart, of 16 channels; `channel` numbers from
 * one to the next. */
INLINE void
turn_pixels(__global ushort *to, int channel, __global const float *x, int step,
            int count)
{
    ushort16 row[16];

#pragma unroll
    for (int j = 0; j < 16; j++)
        row[j] = to_bfloat16(vload16(0, x + min(j, count - 1) * step));
    turn_rows(row);
#pragma unroll
    for (int c = 0; c < 16; c++)
        if (count == 16) {
            vstore16(row[c], 0, to + (size_t)c * channel);
        } else {
            ushort pixel[16];

            vstore16(row[c], 0, pixel);
            for (int j = 0; j < count; j++)
                to[(size_t)c * channel + j] = pixel[j];
        }
}

INLINE void
clear_pixels(__global ushort *to, int channel, int from, int end)
{
    for (int c = 0; c < 16; c++)
        for (int j = from; j < end; j++)
            to[(size_t)c * channel + j] = 0;
}

/* Work-item (block of 16 channels, image): `blocks` of x, padded to whole
 * chunks of 32 channels. */
__kernel void
amx_weight_x(__global const float *x, __global ushort *to, int x_base,
             int x_image, int x_plane, int x_row, int rows, int columns,
             int first_r, int first_s, int step_r, int step_s, int tap_r,
             int tap_s, int taps_r, int taps_s, int blocks, int high, int wide,
             int channel, int padded, int images)
{
    const struct axis down = {first_r, step_r, tap_r, taps_r};
    const struct axis right = {first_s, step_s, tap_s, taps_s};
    const int phases_s = phases_of(&right);
    const int phases = phases_of(&down) * phases_s;
    const int b = (int)get_global_id(0), n = (int)get_global_id(1);

    if (b >= padded || n >= images)
        return;
    to += (size_t)(n * padded + b) * 16 * channel;
    for (int f = 0; f < phases; f++) {
        const int s = first_s + f % phases_s;
        const int from = s < 0 ? (step_s - 1 - s) / step_s : 0;
        const int end = s < columns ? (columns - 1 - s) / step_s + 1 : 0;

        for (int i = 0; i < high; i++) {
            const int row = first_r + f / phases_s + i * step_r;
            const int real = b < blocks && row >= 0 && row < rows;
            const int last = real ? min(end, wide) : 0;
            const int begin = min(from, last);
            __global ushort *line = to + (f * high + i) * wide;

            clear_pixels(line, channel, 0, begin);
            for (int j = begin; j < last; j += 16)
                turn_pixels(line + j, channel,
                            x + x_base + (size_t)n * x_image + b * x_plane +
                                row * x_row + (s + j * step_s) * BLOCK,
                            step_s * BLOCK, min(16, last - j));
            clear_pixels(line, channel, last, wide);
        }
    }
    clear_pixels(to, channel, phases * high * wide, channel);
}

/* ---- dy ----------------------------------------------------------------- */

/* Pixel (i, j), and on to the next. */
INLINE ushort16
take_pixel(__global const float *dy, int *i, int *j, int wide, int out_h,
           int out_w, int row)
{
    const ushort16 v =
        *i < out_h && *j < out_w
            ? to_bfloat16(vload16(0, dy + *i * row + *j * BLOCK))
            : (ushort16)(0);

    if (++*j == wide) {
        *j = 0;
        ++*i;
    }
    return v;
}

/* Work-item (block of 16 channels, image): `tiles` of 32 pixels. */
__kernel void
amx_weight_dy(__global const float *dy, __global uint *to, int dy_at, int y_base,
              int y_image, int y_plane, int y_row, int out_h, int out_w,
              int wide, int blocks, int tiles, int images)
{
    const int b = (int)get_global_id(0), n = (int)get_global_id(1);

    if (b >= blocks || n >= images)
        return;
    dy += y_base + (size_t)n * y_image + b * y_plane;
    to += (dy_at + (size_t)(n * blocks + b) * tiles) * TILE_SIZE;
    for (int p = 0, i = 0, j = 0; p < tiles * TILE_ROWS; p++) {
        const ushort16 even =
            take_pixel(dy, &i, &j, wide, out_h, out_w, y_row);
        const ushort16 odd =
            take_pixel(dy, &i, &j, wide, out_h, out_w, y_row);

        vstore16(convert_uint16(even) | convert_uint16(odd) << 16, p, to);
    }
}

/* ---- the product -------------------------------------------------------- */

/* Four tiles of sums: 32 channels of x from `a` on, 16 of dy from b on and 16
 * `second` numbers behind, over so many tiles of pixels. */
INLINE void
add_tiles(__global uint *sums, int fresh, __global const ushort *a, int channel,
          __global const uint *b, size_t second, int tiles TILES_PARAMETER)
{
    if (fresh) {
        FOUR_CLEAR;
    } else {
        FOUR_LOAD(sums);
    }
    for (int t = 0; t < tiles; t++) {
        __global const ushort *low = a + (size_t)16 * channel;

        TILE_LOAD_HALVES(4, a, 2 * channel);
        TILE_LOAD(6, b, TILE_STEP);
        TILE_DOT(0, 4, 6);
        TILE_LOAD(7, b + second, TILE_STEP);
        TILE_DOT(1, 4, 7);
        TILE_LOAD_HALVES(5, low, 2 * channel);
        TILE_DOT(2, 5, 6);
        TILE_DOT(3, 5, 7);
        a += 2 * TILE_PAIRS;
        b += TILE_SIZE;
    }
    FOUR_STORE(sums);
}

/* Work-item (32 channels of x, k_part pairs of blocks of dy, split of the
 * images); add: sums are there already. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
amx_weight_product(__global uint *scratch, int dy_at, int sums_at, int step_r, int step_s, int tap_r,
                   int tap_s, int taps_r, int taps_s, int high, int wide,
                   int channel, int chunks, int k_blocks, int k_part,
                   int tiles, int stretch, int images, int share, int add)
{
    const struct axis down = {0, step_r, tap_r, taps_r};
    const struct axis right = {0, step_s, tap_s, taps_s};
    const int phases_s = phases_of(&right);
    const int chunk = (int)get_global_id(0), split = (int)get_global_id(2);
    const int pairs = (k_blocks + 1) / 2;
    const int pair0 = (int)get_global_id(1) * k_part;
    const int pair1 = min(pair0 + k_part, pairs);
    const int n0 = split * share, n1 = min(n0 + share, images);
    __global const ushort *x = (__global const ushort *)scratch;
    __global const uint *dy = scratch + (size_t)dy_at * TILE_SIZE;
    __global uint *sums =
        scratch + (sums_at + (size_t)(split * chunks + chunk) * pairs *
                                 taps_r * taps_s * 4) *
                      TILE_SIZE;
    TILES_BEGIN;

    for (int n = n0; n < n1; n++)
        for (int t = 0; t < tiles; t += stretch)
            for (int pair = pair0; pair < pair1; pair++) {
                const int k = 2 * pair;
                __global const ushort *a =
                    x + (size_t)(n * chunks + chunk) * 32 * channel + t * 32;
                __global const uint *b =
                    dy + ((size_t)(n * k_blocks + k) * tiles + t) * TILE_SIZE;
                struct shift row = {0, 0};

                for (int r = 0; r < taps_r; r++) {
                    struct shift column = {0, 0};

                    for (int s = 0; s < taps_s; s++) {
                        const int f = row.phase * phases_s + column.phase;
                        const int tap = (pair * taps_r + r) * taps_s + s;

                        add_tiles(sums + (size_t)tap * 4 * TILE_SIZE,
                                  !add && n == n0 && t == 0,
                                  a + (f * high + row.pixels) * wide +
                                      column.pixels,
                                  channel, b,
                                  k + 1 < k_blocks ? tiles * TILE_SIZE : 0,
                                  min(stretch, tiles - t) TILES);
                        next_tap(&column, &right);
                    }
                    next_tap(&row, &down);
                }
            }
    TILES_END;
}

/* Work-item (channel of x, channel of dy). */
__kernel void
amx_weight_sums(__global const float *scratch, __global float *dw, int sums_at,
                int c_count, int k_count, int window, int splits)
{
    const int c = (int)get_global_id(0), k = (int)get_global_id(1);
    const int chunks = (c_count + 31) / 32, pairs = (k_count + 31) / 32;

    if (c >= c_count || k >= k_count)
        return;
    for (int t = 0; t < window; t++) {
        const int tile = c % 32 / 16 * 2 + k % 32 / 16;
        float total = 0.0f;

        for (int s = 0; s < splits; s++)
            total +=
                scratch[(sums_at +
                      (((size_t)(s * chunks + c / 32) * pairs + k / 32) *
                           window +
                       t) * 4 +
                      tile) * TILE_SIZE +
                     c % 16 * 16 + k % 16];
        dw[((size_t)k * c_count + c) * window + t] = total;
    }
}

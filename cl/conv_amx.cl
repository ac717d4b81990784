/* conv_amx.cl - convolution of bfloat16 in tiles, on CPU-class devices that
 * have AMX; tensors are float and lie in blocks of 16 channels.
 *
 *     y[n,k,i,j] = b[k] + sum over c, r, s of x[n,c,i',j'] w[k,c,r,s]
 *     i' = first_r + i*step_r + r*tap_r,  j' = first_s + j*step_s + s*tap_s
 *
 * Steps may be those of a window with stride and dilation or of one phase of
 * an input gradient, which is the same kernel on turned weights; x and w are
 * rounded to bfloat16, sums are float.
 *
 * A work-item makes a band of rows of y of one image. What it needs of x it
 * first brings into local memory, which is the core's cache: 32 channels of a
 * pixel side by side, zeros beyond the borders. Rows and columns go there by
 * their phases, remainders by the steps, each phase a plane of its own
 * (high x wide pixels); so every tap of the window is a shift within a plane,
 *
 *     pixel q = i*wide + j  meets  q + (r*tap_r/step_r)*wide + s*tap_s/step_s
 *
 * and 16 pixels of y behind each other, rows ending where they may, read 16
 * rows of a tile behind each other. Pixels that the shifts add to a row
 * (wide - out_w) are made and thrown away.
 *
 *                   B: 32 channels x 16 of y, twice
 *     A: 16 pixels  C0  C1
 *        16 pixels  C2  C3       tiles 0 .. 3, A in 4 and 5, B in 6 and 7
 *
 * Weights are packed by amx_weights: blocks of 16 channels of y x chunks of 32
 * channels of x x window x tile.
 *
 * -DOC_AMX   the instructions, see amx.clh
 * and those of conv_ends.clh; BLOCK is 16.
 */
#define BLOCK 16
#include "conv_ends.clh"
#include "amx.clh"
#include "conv_phases.clh"

/* ---- weights ------------------------------------------------------------ */

/* Work-item (chunk of 32 channels of x, block of 16 of y): K x C x window,
 * turned for the input gradient, where x has K channels and y has C. */
__kernel void
amx_weights(__global const float *w, __global uint *to, int k_count,
            int c_count, int window, int flip, int chunks, int blocks)
{
    const int chunk = (int)get_global_id(0), block = (int)get_global_id(1);
    const int outs = flip ? c_count : k_count;
    const int ins = flip ? k_count : c_count;

    if (chunk >= chunks || block >= blocks)
        return;
    for (int at = 0; at < TILE_SIZE; at++) {
        const int out = block * 16 + at % TILE_PAIRS;
        const int in = (chunk * TILE_ROWS + at / TILE_PAIRS) * 2;

        for (int t = 0; t < window; t++) {
            uint pair = 0;

            for (int l = 0; l < 2; l++) {
                const int k = flip ? in + l : out, c = flip ? out : in + l;

                if (out < outs && in + l < ins)
                    pair |= (uint)oc_bfloat16(
                                w[((size_t)k * c_count + c) * window +
                                  (flip ? window - 1 - t : t)])
                            << 16 * l;
            }
            to[((size_t)(block * chunks + chunk) * window + t) * TILE_SIZE +
               at] = pair;
        }
    }
}

/* ---- pixels ------------------------------------------------------------- */

/* x of one image, and the part of it that is wanted near: rows from that of
 * y's row i0 on. */
struct image {
    int rows, columns, row, plane, blocks; /* all there are, and their steps */
    int i0, high, wide;
};

/* A row of `wide` pixels; those from `from` on, before `to`, lie in x, `step`
 * numbers apart. Half of the channels of a pixel. */
INLINE void
bring_row(__local ushort *row, __global const float *x, int wide, int from,
          int to, int step)
{
    for (int j = 0; j < from; j++)
        vstore16((ushort16)(0), 0, row + j * 32);
    for (int j = from; j < to; j++)
        vstore16(to_bfloat16(LOAD_VECTOR(x + j * step)), 0, row + j * 32);
    for (int j = to; j < wide; j++)
        vstore16((ushort16)(0), 0, row + j * 32);
}

/* All channels of one phase, whose first pixel is (r, s) of x; `next` numbers
 * from a chunk's plane to the next chunk's. */
INLINE void
bring_phase(__local ushort *near, int next, __global const float *x,
            const struct image *of, int r, int s, int step_r, int step_s)
{
    const int from = s < 0 ? (step_s - 1 - s) / step_s : 0;
    const int end = s < of->columns ? (of->columns - 1 - s) / step_s + 1 : 0;

    for (int b = 0; b < (of->blocks + 1) / 2 * 2; b++)
        for (int i = 0; i < of->high; i++) {
            const int row = r + (of->i0 + i) * step_r;
            const int real = b < of->blocks && row >= 0 && row < of->rows;
            const int to = real ? min(end, of->wide) : 0;

            bring_row(near + b / 2 * next + b % 2 * 16 + i * of->wide * 32,
                      x + (real ? b * of->plane + row * of->row + s * BLOCK
                                : 0),
                      of->wide, min(from, to), to, step_s * BLOCK);
        }
}

/* All that a band needs, and zeros where its last tiles read beyond. */
INLINE void
bring(__local uint *near, __global const float *x, const struct image *of,
      const struct axis *down, const struct axis *right)
{
    const int phases_s = phases_of(right);
    const int phases = phases_of(down) * phases_s;
    const int plane = of->high * of->wide;

    for (int f = 0; f < phases; f++)
        bring_phase((__local ushort *)near + f * plane * 32,
                    phases * plane * 32, x, of, down->first + f / phases_s,
                    right->first + f % phases_s, down->step, right->step);
    near += (of->blocks + 1) / 2 * phases * plane * TILE_PAIRS;
    for (int j = 0; j < 2 * TILE_ROWS; j++)
        vstore16((uint16)(0), j, near);
}

/* ---- the convolution ---------------------------------------------------- */

/* Four tiles of sums over the taps and chunks of channels: of the pixels from
 * `a` on, whose phases lie `plane` pixels behind each other, and of the weights
 * at b and `second` numbers behind. */
INLINE void
sum_tiles(__local uint *sums, __local const uint *a, int plane, int wide,
          const struct axis *down, const struct axis *right,
          __global const uint *b, size_t second, int chunks, int w_c,
          int w_tap_r, int w_tap_s TILES_PARAMETER)
{
    const int phases_s = phases_of(right);
    const int phases = phases_of(down) * phases_s;

    FOUR_CLEAR;
    for (int c = 0; c < chunks; c++) {
        struct shift row = {0, 0};

        for (int r = 0; r < down->taps; r++) {
            struct shift column = {0, 0};

            for (int s = 0; s < right->taps; s++) {
                const int f =
                    c * phases + row.phase * phases_s + column.phase;
                __local const uint *at =
                    a + (f * plane + row.pixels * wide + column.pixels) *
                            TILE_PAIRS;
                __global const uint *of =
                    b + ((size_t)c * w_c + r * w_tap_r + s * w_tap_s) *
                            TILE_SIZE;

                TILE_LOAD(4, at, TILE_STEP);
                TILE_LOAD(6, of, TILE_STEP);
                TILE_DOT(0, 4, 6);
                TILE_LOAD(7, of + second, TILE_STEP);
                TILE_DOT(1, 4, 7);
                TILE_LOAD(5, at + TILE_SIZE, TILE_STEP);
                TILE_DOT(2, 5, 6);
                TILE_DOT(3, 5, 7);
                next_tap(&column, right);
            }
            next_tap(&row, down);
        }
    }
    FOUR_STORE(sums);
}

/* One vector of 16 sums to its place in y; a macro, since FINISH names the
 * kernel's parameters. */
#define PUT(sum, n, k, i, j)                                                  \
    do {                                                                      \
        VECTOR v_ = sum;                                                      \
        FINISH_VECTOR(v_,                                                     \
                      e_base + (n) * e_image + (k) * e_plane + (i) * e_row +  \
                          (j) * e_col,                                        \
                      f_base + (n) * f_image + (k) * f_plane + (i) * f_row +  \
                          (j) * f_col,                                        \
                      (k) * BLOCK);                                           \
        STORE_VECTOR(y + y_base + (n) * y_image + (k) * y_plane +             \
                         (i) * y_row + (j) * y_col,                           \
                     v_);                                                     \
    } while (0)

/* Work-item (k_part blocks of y, band of rows of an image). near: four tiles
 * of sums, then x. w_base, w_c, w_tap_r, w_tap_s count tiles. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_amx(__global const float *x, __global const uint *w,
         __global const float *bias, __global float *y, __local uint *near,
         int x_base, int x_image, int x_plane, int x_row, int rows,
         int columns, int first_r, int first_s, int step_r, int step_s,
         int tap_r, int tap_s, int taps_r, int taps_s, int c_blocks,
         int w_base, int w_c, int w_tap_r, int w_tap_s, int y_base,
         int y_image, int y_plane, int y_row, int y_col, int k_blocks,
         int k_count, int out_h, int out_w, int band,
         int k_part HALO_PARAMETERS E_PARAMETERS F_PARAMETERS EPILOGUE_PARAMETERS)
{
    const struct axis down = {first_r, step_r, tap_r, taps_r};
    const struct axis right = {first_s, step_s, tap_s, taps_s};
    const int bands = (out_h + band - 1) / band;
    const int n = (int)get_global_id(1) / bands;
    const int i0 = ((int)get_global_id(1) - n * bands) * band;
    const int lines = min(band, out_h - i0);
    const int k0 = (int)get_global_id(0) * k_part;
    const int k1 = min(k0 + k_part, k_blocks);
    const int wide = out_w + reach_of(&right);
    const int high = lines + reach_of(&down);
    const int chunks = (c_blocks + 1) / 2;
    const int total = (lines - 1) * wide + out_w;
    const struct image image = {rows,     columns, x_row, x_plane,
                                c_blocks, i0,      high,  wide};
    __local uint *pixels = near + 4 * TILE_SIZE;
    TILES_BEGIN;

    bring(pixels, x + x_base + n * x_image, &image, &down, &right);
    for (int k = k0; k < k1; k += 2) {
        const int second = min(k + 1, k1 - 1) - k;
        VECTOR add[2];

        for (int v = 0; v < 2; v++)
            add[v] = BIAS ? bias_of(bias, (k + v) * BLOCK, k_count)
                          : (VECTOR)(0.0f);
        for (int v = 0; i0 == 0 && v <= second; v++)
            CLEAR_HALO(n, k + v);
        for (int q = 0, i = i0, j = 0; q < total; q += 2 * TILE_ROWS) {
            sum_tiles(near, pixels + q * TILE_PAIRS, high * wide, wide, &down,
                      &right,
                      w + ((size_t)k * chunks * w_c + w_base) * TILE_SIZE,
                      (size_t)second * chunks * w_c * TILE_SIZE, chunks, w_c,
                      w_tap_r, w_tap_s TILES);
            for (int p = 0; p < min(2 * TILE_ROWS, total - q); p++) {
                __local const uint *sum =
                    near + p / TILE_ROWS * 2 * TILE_SIZE +
                    p % TILE_ROWS * TILE_PAIRS;

                if (j < out_w) {
                    PUT(add[0] + as_float16(vload16(0, sum)), n, k, i, j);
                    if (second)
                        PUT(add[1] + as_float16(vload16(TILE_ROWS, sum)), n,
                            k + 1, i, j);
                }
                if (++j == wide) {
                    j = 0;
                    i++;
                }
            }
        }
    }
    TILES_END;
}

/* conv_blocked.cl - convolution on CPU-class devices, over channel blocks.
 *
 *     y[n,k,i,j] = b[k] + sum over c, r, s of x[n,c,i',j'] w[k,c,r,s]
 *
 * where i' = i*x_row + r*x_tap_r and j' = j*x_col + s*x_tap_s are steps in
 * elements, given as arguments: so strides, dilations and windows of any
 * extent share one program, and the input gradient is this kernel on turned
 * weights (a strided one is this kernel once for each phase of the stride).
 * The halo of x holds the padding: no border is ever tested.
 *
 * In groups, c_blocks and k_blocks are those of one: its own blocks of x make
 * its own of y.
 *
 * One work-item makes `span` pixels of `turns` times VECTORS channel blocks, a
 * tile of PIXELS x VECTORS at a time, whose sums stay in registers:
 *
 *     acc[p][v] += x[pixel p][channel l] * w[channel l][block v]
 *
 * Where the pixels of a tile lie is found once for all turns.
 * Pixels count through rows and images without a break (each has a pointer of
 * its own), so that planes of 7 x 7 fill tiles as well as those of 56 x 56;
 * behind the last one a tile repeats it. A tile within one row is found without
 * counting. Rows of the window that only meet the
 * halo are left out. Channels come in chunks whose weights
 * fit the first cache; between chunks the sums lie in y.
 *
 * -DBLOCK=8     lanes of a vector: channels of y in a block
 * -DLANES=8     channels of x in a block that are not padding; 1 also where x
 *               is plain (a first layer): then its blocks are its channels
 * -DPIXELS=6    pixels of a tile; PIXELS * VECTORS + VECTORS + 1 registers
 * -DVECTORS=2   blocks of y in a tile
 * -DTAPS_S=0    columns of the window, in a first layer: unrolled
 * -DDILATION=1  their distance there
 * -DX_COL=1     x_col there: the pixels of a row need one pointer
 * and those of conv_ends.clh
 */
#ifndef BLOCK
#define BLOCK 8
#endif
#ifndef LANES
#define LANES 8
#endif
#ifndef PIXELS
#define PIXELS 6
#endif
#ifndef VECTORS
#define VECTORS 2
#endif
#ifndef TAPS_S
#define TAPS_S 0
#endif
#ifndef DILATION
#define DILATION 1
#endif
#ifndef X_COL
#define X_COL 1
#endif
#include "conv_ends.clh"

/* Steps of one tensor in elements: to the next image, row, column. */
struct steps {
    int image, row, col;
};

/* A place in the tensors that have pixels: x, y, and the epilogue's e, f. */
enum { X, Y, E, F, TENSORS };
struct cursor {
    int i, j;           /* row and column of y */
    int at[TENSORS];
};

/* From some on, before others. */
struct range {
    int from, to;
};

INLINE void
advance(struct cursor *c, const struct steps by[TENSORS], int h, int w)
{
    const int new_row = ++c->j == w;
    c->j = new_row ? 0 : c->j;
    c->i += new_row;
    const int new_image = c->i == h;
    c->i = new_image ? 0 : c->i;
#pragma unroll
    for (int t = 0; t < TENSORS; t++) {
        c->at[t] += by[t].col;
        if (new_row)
            c->at[t] += by[t].row - w * by[t].col;
        if (new_image)
            c->at[t] += by[t].image - h * by[t].row;
    }
}

/* Where the pixels of a tile lie, `left` of them to come; past the last one,
 * the last one. Sets first and last row; an empty range when it touches two
 * images. */
INLINE void
place_tile(struct cursor *c, const struct steps by[TENSORS],
           int place[TENSORS][PIXELS], struct range *rows, int left, int h,
           int w)
{
    int images = 0;
    rows->from = c->i;
#pragma unroll
    for (int p = 0; p < PIXELS; p++) {
        rows->to = c->i;
        images += p > 0 && p < left && c->i == 0 && c->j == 0;
#pragma unroll
        for (int t = 0; t < TENSORS; t++)
            place[t][p] = c->at[t];
        if (p + 1 < left)
            advance(c, by, h, w);
    }
    if (images > 0)
        rows->to = rows->from - 1;
}

/* The same where all the tile's pixels lie in one row. */
INLINE void
place_row(struct cursor *c, const struct steps by[TENSORS],
          int place[TENSORS][PIXELS], struct range *rows, int h, int w)
{
    rows->from = rows->to = c->i;
#pragma unroll
    for (int t = 0; t < TENSORS; t++) {
#pragma unroll
        for (int p = 0; p < PIXELS; p++)
            place[t][p] = c->at[t] + p * by[t].col;
        c->at[t] += (PIXELS - 1) * by[t].col;
    }
    c->j += PIXELS - 1;
    advance(c, by, h, w);
}

/* Which rows of the window meet rows of x, and not of its halo, from a first
 * pixel whose window begins in row `first` to a last one's in row `last`. */
INLINE void
taps_inside(struct range *inside, int first, int last, int row_tap, int rows,
            int taps)
{
    int before = -last, room = rows - 1 - first;

    if (row_tap > 1) {
        before = (before + row_tap - 1) / row_tap;
        room = room < 0 ? -1 : room / row_tap;
    }
    inside->from = clamp(before, 0, taps);
    inside->to = clamp(room + 1, inside->from, taps);
}

/* One tap of the window for all channels of a block. */
INLINE void
add_tap(VECTOR acc[PIXELS][VECTORS], __global const float *const x[PIXELS],
        __global const float *const w[VECTORS], long from, long by)
{
#pragma unroll
    for (int l = 0; l < LANES; l++) {
        VECTOR wv[VECTORS];
#pragma unroll
        for (int v = 0; v < VECTORS; v++)
            wv[v] = LOAD_VECTOR(w[v] + by + l * BLOCK);
#pragma unroll
        for (int p = 0; p < PIXELS; p++) {
            const float a = x[p][from + l];
#pragma unroll
            for (int v = 0; v < VECTORS; v++)
                acc[p][v] += a * wv[v];
        }
    }
}

/* From column to column of the window. Where it is a constant, the numbers that
 * neighbours share stay in registers: for those there must be room. */
#define FIRST_TAP (VECTORS == 1 ? DILATION : at->x_tap_s)

/* Where the numbers of channels from..to lie, and those of rows `taps` of the
 * window, columns to the last. */
struct numbers {
    struct range c, taps;
    int taps_s;
    long x_plane, x_tap_r, x_tap_s, w_c, w_tap_r, w_tap_s;
};

INLINE void
add_taps(VECTOR acc[PIXELS][VECTORS], __global const float *const x[PIXELS],
         __global const float *const w[VECTORS], const struct numbers *at)
{
    for (int c = at->c.from; c < at->c.to; c++)
        for (int r = at->taps.from; r < at->taps.to; r++) {
            const long from = c * at->x_plane + r * at->x_tap_r;
            const long of = c * at->w_c + r * at->w_tap_r;
#if TAPS_S
#pragma unroll
            for (int s = 0; s < TAPS_S; s++)
                add_tap(acc, x, w, from + s * FIRST_TAP, of + s * BLOCK);
#else
            for (int s = 0; s < at->taps_s; s++)
                add_tap(acc, x, w, from + s * at->x_tap_s,
                        of + s * at->w_tap_s);
#endif
        }
}

/* For every sum of the tile: pixel p, block v. */
#define EACH_SUM                                                              \
    _Pragma("unroll") for (int p = 0; p < PIXELS; p++)                        \
        _Pragma("unroll") for (int v = 0; v < VECTORS; v++)

/* The bias of a block. */
INLINE VECTOR
first_of(__global const float *bias, int k, int k_count)
{
    if (!BIAS)
        return (VECTOR)(0.0f);
    if ((k + 1) * BLOCK <= k_count)
        return OC_CAT(vload, BLOCK)(k, bias);
    return bias_of(bias, k * BLOCK, k_count);
}

/* Work-item (turns * VECTORS blocks of y, span of pixels). */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_blocked(__global const float *x, __global const float *w,
             __global const float *bias, __global float *y, int x_base,
             int x_image, int x_plane, int x_row, int x_col, int x_tap_r,
             int x_tap_s, int y_base, int y_image, int y_plane, int y_row,
             int y_col, int w_base, int w_k, int w_c, int w_tap_r,
             int w_tap_s, int c_blocks, int chunk, int taps_r, int taps_s,
             int k_blocks, int k_count, int out_h, int out_w, int total,
             int span, int turns, int row_first, int row_step, int row_tap,
             int rows HALO_PARAMETERS E_PARAMETERS F_PARAMETERS EPILOGUE_PARAMETERS)
{
    const int step = turns * VECTORS;
    const int items = (k_blocks + step - 1) / step;
    const int group = (int)get_global_id(0) / items;
    const struct steps by[TENSORS] = {{x_image, x_row, x_col},
                                      {y_image, y_row, y_col},
                                      {e_image, e_row, e_col},
                                      {f_image, f_row, f_col}};
    const int base[TENSORS] = {x_base + group * c_blocks * x_plane, y_base,
                               e_base, f_base};
    const int k0 =
        group * k_blocks + ((int)get_global_id(0) - group * items) * step;
    const int k1 = min(k0 + step, (group + 1) * k_blocks);
    const int q0 = (int)get_global_id(1) * span;
    const int q1 = min(q0 + span, total);
    const int n0 = q0 / (out_h * out_w);
    const int i0 = (q0 - n0 * out_h * out_w) / out_w;
    const int j0 = q0 - (n0 * out_h + i0) * out_w;

    for (int n = n0 + (i0 > 0 || j0 > 0); HALO && n * out_h * out_w < q1; n++)
        for (int k = k0; k < k1; k++)
            CLEAR_HALO(n, k);
    for (int c0 = 0; c0 < c_blocks; c0 += chunk) {
        const int c1 = min(c0 + chunk, c_blocks);
        struct cursor now = {i0, j0, {0}};
#pragma unroll
        for (int t = 0; t < TENSORS; t++)
            now.at[t] =
                base[t] + n0 * by[t].image + i0 * by[t].row + j0 * by[t].col;
        for (int q = q0; q < q1; q += PIXELS) {
            int at[TENSORS][PIXELS];
            __global const float *xp[PIXELS];
            struct range lines, taps = {0, taps_r};
            const bool row = TAPS_S && now.j + PIXELS <= out_w &&
                             q + PIXELS <= q1;
            if (row)
                place_row(&now, by, at, &lines, out_h, out_w);
            else
                place_tile(&now, by, at, &lines, q1 - q, out_h, out_w);
            if (taps_r > 1 && lines.from <= lines.to)
                taps_inside(&taps, lines.from * row_step + row_first,
                            lines.to * row_step + row_first, row_tap, rows,
                            taps_r);
#pragma unroll
            for (int p = 0; p < PIXELS; p++)
                xp[p] = x + at[X][p];
            for (int k_first = k0; k_first < k1; k_first += VECTORS) {
                __global const float *wk[VECTORS];
                int k[VECTORS];
                VECTOR acc[PIXELS][VECTORS];
#pragma unroll
                for (int v = 0; v < VECTORS; v++) {
                    k[v] = min(k_first + v, k1 - 1);
                    wk[v] = w + w_base + k[v] * w_k;
                }
                if (c0 == 0)
                    EACH_SUM acc[p][v] = first_of(bias, k[v], k_count);
                else
                    EACH_SUM acc[p][v] =
                        LOAD_VECTOR(y + at[Y][p] + k[v] * y_plane);
                const struct numbers all = {{c0, c1}, taps, taps_s, x_plane,
                                            x_tap_r, x_tap_s, w_c, w_tap_r,
                                            w_tap_s};
#if TAPS_S
                if (row) {
                    __global const float *xr[PIXELS];
#pragma unroll
                    for (int p = 0; p < PIXELS; p++)
                        xr[p] = xp[0] + p * X_COL;
                    add_taps(acc, xr, wk, &all);
                } else
#endif
                    add_taps(acc, xp, wk, &all);
                if (c1 == c_blocks)
                    EACH_SUM FINISH_VECTOR(
                        acc[p][v], at[E][p] + k[v] * e_plane,
                        at[F][p] + k[v] * f_plane, k[v] * BLOCK);
                EACH_SUM STORE_VECTOR(y + at[Y][p] + k[v] * y_plane,
                                      acc[p][v]);
            }
        }
    }
}

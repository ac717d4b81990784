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
 * One work-item makes `span` pixels of VECTORS channel blocks, a tile of
 * PIXELS of them at a time, whose sums stay in registers:
 *
 *     acc[p][v] += x[pixel p][channel l] * w[channel l][block v]
 *
 * Pixels count through rows and images without a break (each has a pointer of
 * its own), so that planes of 7 x 7 fill tiles as well as those of 56 x 56;
 * behind the last one a tile repeats it. Rows of the window that only meet the
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
 * -DBIAS=0      1: there is a bias, k_count numbers
 * -DMASK=0      1: padding channels are not zero by themselves
 * -DEXTRAS=0    tensors that the epilogue reads: e, f
 * -DON_VECTORS=0  1: FINISH takes a vector, 0: a number
 *
 * FINISH(v, i, j) is the epilogue of v with elements i of e and j of f; it
 * comes with EPILOGUE, before this file.
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
#ifndef BIAS
#define BIAS 0
#endif
#ifndef MASK
#define MASK 0
#endif
#ifndef ON_VECTORS
#define ON_VECTORS 0
#endif
#ifndef EXTRAS
#define EXTRAS 0
#endif
#if EXTRAS > 0
#define E_PARAMETERS                                                          \
    , int e_base, int e_image, int e_plane, int e_row, int e_col
#else
#define E_PARAMETERS
#define e_base 0
#define e_image 0
#define e_plane 0
#define e_row 0
#define e_col 0
#endif
#if EXTRAS > 1
#define F_PARAMETERS                                                          \
    , int f_base, int f_image, int f_plane, int f_row, int f_col
#else
#define F_PARAMETERS
#define f_base 0
#define f_image 0
#define f_plane 0
#define f_row 0
#define f_col 0
#endif
#ifndef EPILOGUE
#define EPILOGUE_PARAMETERS
#endif
#pragma OPENCL FP_CONTRACT ON

#define INLINE static inline __attribute__((always_inline))
#define VECTOR OC_CAT(float, BLOCK)
#define LOAD_VECTOR(p) (*(__global const VECTOR *)(p))
#define STORE_VECTOR(p, v) (*(__global VECTOR *)(p) = (v))

/* Steps of one tensor in elements: to the next image, row, column. */
struct steps {
    int image, row, col;
};

/* From pixel (i, j) to the next; counted in the output's extents. */
INLINE int
advance(int at, struct steps by, int new_row, int new_image, int h, int w)
{
    at += by.col;
    if (new_row)
        at += by.row - w * by.col;
    if (new_image)
        at += by.image - h * by.row;
    return at;
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

/* Taps from `from` on, before `to`. */
struct range {
    int from, to;
};

/* Which rows of the window meet rows of x, and not of its halo, from a first
 * pixel whose window begins in row `first` to a last one's in row `last`. */
INLINE struct range
taps_inside(int first, int last, int row_tap, int rows, int taps)
{
    struct range inside = {0, taps};
    int before = -last, room = rows - 1 - first;

    if (row_tap > 1) {
        before = (before + row_tap - 1) / row_tap;
        room = room < 0 ? -1 : room / row_tap;
    }
    inside.from = clamp(before, 0, taps);
    inside.to = clamp(room + 1, inside.from, taps);
    return inside;
}

INLINE VECTOR
bias_of(__global const float *bias, int k0, int k_count)
{
    float lane[BLOCK];

    for (int l = 0; l < BLOCK; l++)
        lane[l] = k0 + l < k_count ? bias[k0 + l] : 0.0f;
    return OC_CAT(vload, BLOCK)(0, lane);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_blocked(__global const float *x, __global const float *w,
             __global const float *bias, __global float *y, int x_base,
             int x_image, int x_plane, int x_row, int x_col, int x_tap_r,
             int x_tap_s, int y_base, int y_image, int y_plane, int y_row,
             int y_col, int w_base, int w_k, int w_c, int w_tap_r,
             int w_tap_s, int c_blocks, int chunk, int taps_r, int taps_s,
             int k_blocks, int k_count, int out_h, int out_w, int total,
             int span, int row_first, int row_step, int row_tap, int rows
             E_PARAMETERS F_PARAMETERS EPILOGUE_PARAMETERS)
{
    const struct steps x_by = {x_image, x_row, x_col};
    const struct steps y_by = {y_image, y_row, y_col};
    const struct steps e_by = {e_image, e_row, e_col};
    const struct steps f_by = {f_image, f_row, f_col};
    const int k0 = (int)get_global_id(0) * VECTORS;
    const int q0 = (int)get_global_id(1) * span;
    const int q1 = min(q0 + span, total);
    const int n0 = q0 / (out_h * out_w);
    const int i0 = (q0 - n0 * out_h * out_w) / out_w;
    const int j0 = q0 - (n0 * out_h + i0) * out_w;
    __global const float *wk[VECTORS];
    int k[VECTORS];
    VECTOR first[VECTORS];

#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
        k[v] = min(k0 + v, k_blocks - 1);
        wk[v] = w + w_base + k[v] * w_k;
        first[v] =
            BIAS ? bias_of(bias, k[v] * BLOCK, k_count) : (VECTOR)(0.0f);
    }
    for (int c0 = 0; c0 < c_blocks; c0 += chunk) {
        const int c1 = min(c0 + chunk, c_blocks);
        int i = i0, j = j0;
        int xo = x_base + n0 * x_image + i * x_row + j * x_col;
        int yo = y_base + n0 * y_image + i * y_row + j * y_col;
        int eo = e_base + n0 * e_image + i * e_row + j * e_col;
        int fo = f_base + n0 * f_image + i * f_row + j * f_col;
        for (int q = q0; q < q1; q += PIXELS) {
            __global const float *xp[PIXELS];
            int yp[PIXELS], ep[PIXELS], fp[PIXELS];
            VECTOR acc[PIXELS][VECTORS];
            struct range taps = {0, taps_r};
            int i_last = i, images = 0;
            const int i_first = i;
#pragma unroll
            for (int p = 0; p < PIXELS; p++) {
                i_last = i;
                images += p > 0 && q + p < q1 && i == 0 && j == 0;
                xp[p] = x + xo;
                yp[p] = yo;
                ep[p] = eo;
                fp[p] = fo;
                if (q + p + 1 < q1) {
                    const int new_row = ++j == out_w;
                    j = new_row ? 0 : j;
                    i += new_row;
                    const int new_image = i == out_h;
                    i = new_image ? 0 : i;
                    xo = advance(xo, x_by, new_row, new_image, out_h, out_w);
                    yo = advance(yo, y_by, new_row, new_image, out_h, out_w);
                    eo = advance(eo, e_by, new_row, new_image, out_h, out_w);
                    fo = advance(fo, f_by, new_row, new_image, out_h, out_w);
                }
            }
#pragma unroll
            for (int p = 0; p < PIXELS; p++)
#pragma unroll
                for (int v = 0; v < VECTORS; v++)
                    acc[p][v] = c0 == 0
                                    ? first[v]
                                    : LOAD_VECTOR(y + yp[p] + k[v] * y_plane);
            if (taps_r > 1 && images == 0)
                taps = taps_inside(i_first * row_step + row_first,
                                   i_last * row_step + row_first, row_tap,
                                   rows, taps_r);
            for (int c = c0; c < c1; c++)
                for (int r = taps.from; r < taps.to; r++) {
                    const long from = (long)c * x_plane + r * x_tap_r;
                    const long by = (long)c * w_c + r * w_tap_r;
#if TAPS_S
#pragma unroll
                    for (int s = 0; s < TAPS_S; s++)
                        add_tap(acc, xp, wk, from + s * DILATION,
                                by + s * BLOCK);
#else
                    for (int s = 0; s < taps_s; s++)
                        add_tap(acc, xp, wk, from + s * x_tap_s,
                                by + s * w_tap_s);
#endif
                }
#ifdef EPILOGUE
            if (c1 == c_blocks)
#pragma unroll
                for (int p = 0; p < PIXELS; p++)
#pragma unroll
                    for (int v = 0; v < VECTORS; v++) {
                        const int e = ep[p] + k[v] * e_plane;
                        const int f = fp[p] + k[v] * f_plane;
                        float lane[BLOCK];
#if ON_VECTORS
                        acc[p][v] = FINISH(acc[p][v], e, f);
#endif
                        OC_CAT(vstore, BLOCK)(acc[p][v], 0, lane);
#pragma unroll
                        for (int l = 0; l < BLOCK; l++) {
#if !ON_VECTORS
                            lane[l] = FINISH(lane[l], e + l, f + l);
#endif
                            if (MASK && k[v] * BLOCK + l >= k_count)
                                lane[l] = 0.0f;
                        }
                        acc[p][v] = OC_CAT(vload, BLOCK)(0, lane);
                    }
#endif
#pragma unroll
            for (int p = 0; p < PIXELS; p++)
#pragma unroll
                for (int v = 0; v < VECTORS; v++)
                    STORE_VECTOR(y + yp[p] + k[v] * y_plane, acc[p][v]);
        }
    }
}

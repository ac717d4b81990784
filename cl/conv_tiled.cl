/* conv_tiled.cl - convolution and its input gradient on GPUs: one tiled
 * product, whose operands are never laid out as matrices ("implicit GEMM";
 * Chetlur et al., "cuDNN: Efficient Primitives for Deep Learning", 2014).
 *
 * Target and source are y and x, or for the gradient dx and dy. For each group
 *
 *     target[m, n] = sum over l of weight(m, l) * source(l, n)
 *
 * m is a channel of the target, n one of its places, l a tap of the window and
 * a channel of the source. All taps of a window have the same channels, so the
 * taps are the outer loop: where a tap lies on the source, and whether it lies
 * outside, is known once for a tap, and a channel is one addition further.
 * With FEW channels (the first layer's three) they would not fill steps, and l
 * runs over channels and then taps, each number finding its own place.
 *
 * Place o sees cell o * STEP + tap * dilation - pad of the source. A gradient
 * with a stride goes by phases: of the cells o = q * PHASES + phase only the
 * taps are visited that hit whole cells of dy, and n counts q. Its taps come
 * from the last to the first, so `pad` is dilation * (window - 1) - pad.
 *
 * Sums are cut into parts of `each` steps where there are too few tiles to
 * fill the device; tile_sum.cl adds the parts in their order.
 *
 * Registers at most: conv_tiled 168, conv_tiled/128x128 128.
 * Registers at most: conv_tiled/128x128/halves 136.
 *
 *   TYPE_x                storage type of all tensors; parts are float
 *   TILE_M, TILE_N        of tile.clh
 *   PACKED                1: weights lie as reorder.cl packs them, blocks of
 *                         8 x 8 (FEW: `first`); 0: as the model has them
 *   FEW                   see above
 *   RAGGED                1: channels of the source are no multiple of 8
 *   FLIP                  1: weights of a gradient, and not PACKED
 *   FOURS                 1: planes of the target are multiples of four
 *   PARTS                 1: `out` is float and has the parts one by one
 *   WIN_H, WIN_W, STEP_H, STEP_W, PHASES_H, PHASES_W
 *   EPILOGUE(v, i)        what becomes of v before it is stored at i
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef PACKED
#define PACKED 1
#endif
#ifndef FEW
#define FEW 0
#endif
#ifndef RAGGED
#define RAGGED 0
#endif
#ifndef FLIP
#define FLIP 0
#endif
#ifndef FOURS
#define FOURS 1
#endif
#ifndef PARTS
#define PARTS 0
#endif
#ifndef EPILOGUE
#define EPILOGUE(v, i) (v)
#define EPILOGUE_PARAMETERS
#endif
#define PAD_A (PACKED ? 8 : 4)
#include "tile.clh"
#include "conv_places.clh"

#define FOURS_A (EACH_A / 4) /* vectors of weights that an item loads */

/* Columns of B that an item loads, and rows of them that items load at once. */
#define COLUMNS (ITEMS < TILE_N ? TILE_N / ITEMS : 1)
#define ROWS (ITEMS < TILE_N ? 1 : ITEMS / TILE_N)

/* ---- A: weights --------------------------------------------------------- */

#if PACKED
INLINE void
load_a(__global const STORAGE(TYPE_x) *w, const struct shape *s, int group,
       int m0, int tap, int channel, float4 next[FOURS_A])
{
    int item = (int)get_local_id(0);

#if FEW
    int far = s->depth * TAPS * 8, l = channel * TAPS + tap;
    int at = l * 8, high = l + item % 16 / 2 < s->depth * TAPS ? s->rows : 0;
#else
    int far = (s->depth + 7) / 8 * TAPS * 64, high = s->rows;
    int at = (channel / 8 * TAPS + tap) * 64;
#endif
    int m = m0 + item / 16 * 8;

    at += (group * s->rows + m) / 8 * far + item % 16 * 4;
#pragma unroll
    for (int e = 0; e < FOURS_A; e++) {
        next[e] = m < high ? LOAD_FOUR(TYPE_x, w, at) : (float4)(0.0f);
        m += ITEMS / 2;
        at += ITEMS / 16 * far;
    }
}

INLINE void
keep_a(__local TILE_NUMBER *a, const float4 next[FOURS_A])
{
    int item = (int)get_local_id(0);

#pragma unroll
    for (int e = 0; e < FOURS_A; e++) {
        int f = item + e * ITEMS;

        TILE_PUT_FOUR(a, f % 16 / 2, f / 16 * 8 + f % 2 * 4, SPAN_A, next[e]);
    }
}
#else
INLINE float
weight(__global const STORAGE(TYPE_x) *w, const struct shape *s, int group,
       int m, int tap, int channel)
{
#if FLIP
    return LOAD(TYPE_x, w,
                ((group * s->depth + channel) * s->rows + m) * TAPS + TAPS - 1 -
                    tap);
#else
    return LOAD(TYPE_x, w,
                ((group * s->rows + m) * s->depth + channel) * TAPS + tap);
#endif
}

INLINE void
load_a(__global const STORAGE(TYPE_x) *w, const struct shape *s, int group,
       int m0, int tap, int channel, float4 next[FOURS_A])
{
    int item = (int)get_local_id(0), c = channel + item % DEPTH;
    float one[EACH_A];

#pragma unroll
    for (int e = 0; e < EACH_A; e++) {
        int m = m0 + item / DEPTH + e * (ITEMS / DEPTH);

        one[e] = m < s->rows && c < s->depth ? weight(w, s, group, m, tap, c)
                                             : 0.0f;
    }
#pragma unroll
    for (int e = 0; e < FOURS_A; e++)
        next[e] = (float4)(one[e * 4], one[e * 4 + 1], one[e * 4 + 2],
                           one[e * 4 + 3]);
}

INLINE void
keep_a(__local TILE_NUMBER *a, const float4 next[FOURS_A])
{
    int item = (int)get_local_id(0);
    int l = item % DEPTH, m = item / DEPTH, far = ITEMS / DEPTH;

#pragma unroll
    for (int e = 0; e < FOURS_A; e++) {
        TILE_PUT(a, l, m + (e * 4 + 0) * far, SPAN_A, next[e].s0);
        TILE_PUT(a, l, m + (e * 4 + 1) * far, SPAN_A, next[e].s1);
        TILE_PUT(a, l, m + (e * 4 + 2) * far, SPAN_A, next[e].s2);
        TILE_PUT(a, l, m + (e * 4 + 3) * far, SPAN_A, next[e].s3);
    }
}
#endif

/* ---- B: the source under the window -------------------------------------- */

#if FEW
INLINE void
load_b(__global const STORAGE(TYPE_x) *x, const struct shape *s,
       const struct column column[COLUMNS], int tap, int channel,
       float next[EACH_B])
{
    int l = channel * TAPS + tap + (int)get_local_id(0) / TILE_N;

#pragma unroll
    for (int e = 0; e < EACH_B; e++) {
        int c = l / TAPS, k = e % COLUMNS;
        int at = c < s->depth ? seen(s, &column[k], l % TAPS, 0) : -1;

        next[e] = at < 0
                      ? 0.0f
                      : LOAD(TYPE_x, x, at + c * s->from_h * s->from_w);
        l += k == COLUMNS - 1 ? ROWS : 0;
    }
}
#else
INLINE void
load_b(__global const STORAGE(TYPE_x) *x, const struct shape *s,
       const struct column column[COLUMNS], int tap, int channel,
       float next[EACH_B])
{
    int c = channel + (int)get_local_id(0) / TILE_N;
    int plane = s->from_h * s->from_w, far = c * plane;

#pragma unroll
    for (int e = 0; e < EACH_B; e++) {
        int at = column[e % COLUMNS].at;

#if RAGGED
        if (c >= s->depth)
            at = -1;
#endif
        next[e] = at < 0 ? 0.0f : LOAD(TYPE_x, x, at + far);
        if (e % COLUMNS == COLUMNS - 1) {
            far += ROWS * plane;
            c += ROWS;
        }
    }
}
#endif

INLINE void
keep_b(__local TILE_NUMBER *b, const float next[EACH_B])
{
    int item = (int)get_local_id(0);

#pragma unroll
    for (int e = 0; e < EACH_B; e++)
        TILE_PUT(b, item / TILE_N + e / COLUMNS * ROWS,
                 item % TILE_N + e % COLUMNS * ITEMS, SPAN_B, next[e]);
}

/* ---- the end ------------------------------------------------------------- */

/* Block column j of this item, all eight rows of it. */
#define STORE_COLUMN(j)                                                        \
    do {                                                                       \
        int n_ = n0 + (j) * (TILE_N / 2) + tile_column(item), at_[4];          \
        for (int e = 0; e < (FOURS ? 1 : 4); e++)                              \
            at_[e] = target_of(n_ + e, columns, high, wide, to_h, to_w,        \
                               groups *rows, phase);                           \
        STORE_ROW(j, 0);                                                       \
        STORE_ROW(j, 1);                                                       \
        STORE_ROW(j, 2);                                                       \
        STORE_ROW(j, 3);                                                       \
        STORE_ROW(j, 4);                                                       \
        STORE_ROW(j, 5);                                                       \
        STORE_ROW(j, 6);                                                       \
        STORE_ROW(j, 7);                                                       \
    } while (0)
#define STORE_ROW(j, i)                                                        \
    do {                                                                       \
        int m_ = m0 + (i) / 4 * (TILE_M / 2) + tile_row(item) + (i) % 4;       \
        int far_ = (group * rows + m_) * to_h * to_w;                          \
        if (m_ < rows)                                                         \
            STORE_NUMBERS(sum[i][j], group *rows + m_, far_);                  \
    } while (0)
#if PARTS
#define STORED 1
#define FINISH(v, i, channel) (v)
#else
#define STORED TYPE_x
#define FINISH(v, i, channel)                                                  \
    EPILOGUE((v) + (biased ? LOAD(TYPE_x, bias, channel) : 0.0f), i)
#endif
#if FOURS
#define STORE_NUMBERS(v, channel, far)                                         \
    do {                                                                       \
        int i_ = at_[0] + (far);                                               \
        if (at_[0] >= 0)                                                       \
            STORE_FOUR(STORED, out, i_,                                        \
                       ((float4)(FINISH((v).s0, i_, channel),                  \
                                 FINISH((v).s1, i_ + 1, channel),              \
                                 FINISH((v).s2, i_ + 2, channel),              \
                                 FINISH((v).s3, i_ + 3, channel))));           \
    } while (0)
#else
#define STORE_NUMBER(v, e, channel, far)                                       \
    if (at_[e] >= 0)                                                           \
    STORE(STORED, out, at_[e] + (far), FINISH(v, at_[e] + (far), channel))
#define STORE_NUMBERS(v, channel, far)                                         \
    do {                                                                       \
        STORE_NUMBER((v).s0, 0, channel, far);                                 \
        STORE_NUMBER((v).s1, 1, channel, far);                                 \
        STORE_NUMBER((v).s2, 2, channel, far);                                 \
        STORE_NUMBER((v).s3, 3, channel, far);                                 \
    } while (0)
#endif

/* Work-group (tile, group and phase, part). */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
conv_tiled(__global const STORAGE(TYPE_x) *w,
           __global const STORAGE(TYPE_x) *from,
           __global const STORAGE(TYPE_x) *bias,
           __global STORAGE(STORED) *out, int biased, int rows, int depth,
           int groups, int images, int from_h, int from_w, int to_h, int to_w,
           int dil_h, int dil_w, int pad_h, int pad_w, int each, int count
               EPILOGUE_PARAMETERS)
{
    __local TILE_NUMBER tile_a[2 * TILE_A] __attribute__((aligned(16)));
    __local TILE_NUMBER tile_b[2 * TILE_B] __attribute__((aligned(16)));
    const struct shape s = {rows,  depth, groups, from_h, from_w,
                            dil_h, dil_w, pad_h,  pad_w};
    int item = (int)get_local_id(0);
    int group = (int)get_group_id(1) / PHASES;
    int phase = (int)get_group_id(1) % PHASES;
    int high = (to_h + PHASES_H - 1) / PHASES_H;
    int wide = (to_w + PHASES_W - 1) / PHASES_W;
    int columns = images * high * wide;
    int2 tile = tile_at((int)get_group_id(0), (rows + TILE_M - 1) / TILE_M,
                        (columns + TILE_N - 1) / TILE_N);
    int m0 = tile.s0 * TILE_M, n0 = tile.s1 * TILE_N;
    __local const TILE_NUMBER *a = tile_a + TILE_FIRST * tile_row(item);
    __local const TILE_NUMBER *b = tile_b + TILE_FIRST * tile_column(item);
    struct column column[COLUMNS];
    float4 sum[8][2], next_a[FOURS_A];
    float next_b[EACH_B];
    int now = 0;
    /* A step is a tap and the first of its channels; FEW: of all taps of all
     * channels. */
    int step = (int)get_group_id(2) * each;
#if FEW
    int stop = min((step + each) * DEPTH, depth * TAPS);
    int tap = step * DEPTH, channel = 0, more = tap < stop;
#else
    int chunks = (depth + DEPTH - 1) / DEPTH;
    int stop = min(step + each, chunks * TAPS);
    int tap = next_tap(&s, step / chunks, phase), chunk = step % chunks;
    int more = tap < TAPS && tap * chunks + chunk < stop;
#define channel (chunk * DEPTH)
#endif

    tile_clear(sum);
#pragma unroll
    for (int k = 0; k < COLUMNS; k++) {
        find_column(&column[k], &s, n0 + item % TILE_N + k * ITEMS, columns,
                    high, wide, group);
#if !FEW
        column[k].at = seen(&s, &column[k], tap, phase);
#endif
    }
    if (more) {
        load_a(w, &s, group, m0, tap, channel, next_a);
        load_b(from, &s, column, tap, channel, next_b);
        keep_a(tile_a, next_a);
        keep_b(tile_b, next_b);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    while (more) {
#if FEW
        tap += DEPTH;
        more = tap < stop;
#else
        if (++chunk == chunks) {
            chunk = 0;
            tap = next_tap(&s, tap + 1, phase);
#pragma unroll
            for (int k = 0; k < COLUMNS; k++)
                column[k].at = seen(&s, &column[k], tap, phase);
        }
        more = tap < TAPS && tap * chunks + chunk < stop;
#endif
        if (more) {
            load_a(w, &s, group, m0, tap, channel, next_a);
            load_b(from, &s, column, tap, channel, next_b);
        }
        tile_multiply(a + now * TILE_A, b + now * TILE_B, sum);
        now = 1 - now;
        if (more) {
            keep_a(tile_a + now * TILE_A, next_a);
            keep_b(tile_b + now * TILE_B, next_b);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#if PARTS
    out += (int)get_group_id(2) * count;
#endif
    STORE_COLUMN(0);
    STORE_COLUMN(1);
}

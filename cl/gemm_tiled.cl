/* gemm_tiled.cl - matrix products on GPUs, in tiles (tile.clh)
 *
 *     y[b] = alpha * op(a[b]) * op(b[b]) + beta * c
 *
 * op(a) is rows x depth, op(b) depth x columns. c repeats along an axis whose
 * stride is 0, and is not touched when beta is 0. Two batch axes, outermost
 * first, each with the strides of a and b along it (0: repeats).
 *
 * An item loads vectors of four. Along the sum, where that is how an operand
 * lies, it writes them down a column of local memory; else across it.
 *
 * Sums are cut into parts of `each` steps where there are too few tiles to
 * fill the device; tile_sum.cl adds the parts in their order.
 *
 * Registers at most: gemm_tiled 168, gemm_tiled/128x128 128.
 *
 *   TYPE_a            storage type of all four; parts are float
 *   TILE_M, TILE_N    of tile.clh; so is HALVES, for half
 *   TURNED_A          1: a lies depth x rows
 *   TURNED_B          1: b lies columns x depth
 *   FOURS             1: all extents that lie innermost are multiples of four
 *   PARTS             1: `y` is float and has the parts one by one
 *   EPILOGUE(v, i)    what becomes of v before it is stored at i
 */
#ifndef TYPE_a
#define TYPE_a 1
#endif
#ifndef TURNED_A
#define TURNED_A 0
#endif
#ifndef TURNED_B
#define TURNED_B 0
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
#include "tile.clh"

#if PARTS
#define STORED 1
#else
#define STORED TYPE_a
#endif

#define MOST 4 /* vectors that an item loads, of a tile of 128 x 32 */

/* `count` numbers from place `at` on, zeros behind them. */
INLINE float4
four(__global const STORAGE(TYPE_a) *x, int at, int count)
{
#if FOURS
    return count > 0 ? LOAD_FOUR(TYPE_a, x, at) : (float4)(0.0f);
#else
    return (float4)(count > 0 ? LOAD(TYPE_a, x, at) : 0.0f,
                    count > 1 ? LOAD(TYPE_a, x, at + 1) : 0.0f,
                    count > 2 ? LOAD(TYPE_a, x, at + 2) : 0.0f,
                    count > 3 ? LOAD(TYPE_a, x, at + 3) : 0.0f);
#endif
}

/* Terms l to l + DEPTH of numbers `first` to first + tile of an operand;
 * along: the sum's direction is the innermost. `extent` of them there are, of
 * `depth` terms; each: vectors that an item loads. */
INLINE void
load(__global const STORAGE(TYPE_a) *x, int along, int tile, int each,
     int first, int extent, int l, int depth, float4 *next)
{
    int item = (int)get_local_id(0), at;

    if (along) {
        first += item / 2;
        l += item % 2 * 4;
        at = first * depth + l;
    } else {
        first += item % (tile / 4) * 4;
        l += item / (tile / 4);
        at = l * extent + first;
    }
#pragma unroll
    for (int e = 0; e < MOST; e++) {
        if (e >= each) {
            continue;
        } else if (along) {
            next[e] = four(x, at, first < extent ? depth - l : 0);
            first += ITEMS / 2;
            at += ITEMS / 2 * depth;
        } else {
            next[e] = four(x, at, l < depth ? extent - first : 0);
            l += ITEMS / (tile / 4);
            at += ITEMS / (tile / 4) * extent;
        }
    }
}

INLINE void
keep(__local TILE_NUMBER *to, int along, int tile, int span, int each,
     const float4 *next)
{
    int item = (int)get_local_id(0);

#pragma unroll
    for (int e = 0; e < MOST; e++) {
        int f = item + e * ITEMS;

        if (e >= each) {
            continue;
        } else if (along) {
            TILE_PUT(to, f % 2 * 4 + 0, f / 2, span, next[e].s0);
            TILE_PUT(to, f % 2 * 4 + 1, f / 2, span, next[e].s1);
            TILE_PUT(to, f % 2 * 4 + 2, f / 2, span, next[e].s2);
            TILE_PUT(to, f % 2 * 4 + 3, f / 2, span, next[e].s3);
        } else {
            TILE_PUT_FOUR(to, f / (tile / 4), f % (tile / 4) * 4, span,
                          next[e]);
        }
    }
}

#define LOAD_A(l)                                                              \
    load(a, !TURNED_A, TILE_M, EACH_A / 4, m0, rows, l, depth, next_a)
#define LOAD_B(l)                                                              \
    load(b, TURNED_B, TILE_N, EACH_B / 4, n0, columns, l, depth, next_b)
#define KEEP_A(half)                                                           \
    keep(tile_a + (half)*TILE_A, !TURNED_A, TILE_M, SPAN_A, EACH_A / 4, next_a)
#define KEEP_B(half)                                                           \
    keep(tile_b + (half)*TILE_B, TURNED_B, TILE_N, SPAN_B, EACH_B / 4, next_b)

#if PARTS
#define FINISH(v, m, n, i) (v)
#else
#define FINISH(v, m, n, i)                                                     \
    EPILOGUE(alpha *(v) + (beta != 0.0f ? beta * LOAD(TYPE_a, c,               \
                                                      (m)*c_row + (n)*c_column) \
                                        : 0.0f),                               \
             i)
#endif
#define STORE_NUMBER(v, e)                                                     \
    if (n_ + (e) < columns)                                                    \
    STORE(STORED, y, i_ + (e), FINISH(v, m_, n_ + (e), i_ + (e)))
#if FOURS
#define STORE_NUMBERS(v)                                                       \
    if (n_ < columns)                                                          \
    STORE_FOUR(STORED, y, i_,                                                  \
               ((float4)(FINISH((v).s0, m_, n_, i_),                           \
                         FINISH((v).s1, m_, n_ + 1, i_ + 1),                   \
                         FINISH((v).s2, m_, n_ + 2, i_ + 2),                   \
                         FINISH((v).s3, m_, n_ + 3, i_ + 3))))
#else
#define STORE_NUMBERS(v)                                                       \
    STORE_NUMBER((v).s0, 0);                                                   \
    STORE_NUMBER((v).s1, 1);                                                   \
    STORE_NUMBER((v).s2, 2);                                                   \
    STORE_NUMBER((v).s3, 3)
#endif
#define STORE_BLOCK(i, j)                                                      \
    do {                                                                       \
        int m_ = m0 + (i) / 4 * (TILE_M / 2) + tile_row(item) + (i) % 4;       \
        int n_ = n0 + (j) * (TILE_N / 2) + tile_column(item);                  \
        int i_ = (batch * rows + m_) * columns + n_;                           \
        if (m_ < rows) {                                                       \
            STORE_NUMBERS(sum[i][j]);                                          \
        }                                                                      \
    } while (0)
#define STORE_ROW(i)                                                           \
    STORE_BLOCK(i, 0);                                                         \
    STORE_BLOCK(i, 1)

/* Work-group (tile, batch, part). */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
gemm_tiled(__global const STORAGE(TYPE_a) *a, __global const STORAGE(TYPE_a) *b,
           __global const STORAGE(TYPE_a) *c, __global STORAGE(STORED) *y,
           int rows, int columns, int depth, int inner, int far_a, int far_b,
           int near_a, int near_b, int c_row, int c_column, float alpha,
           float beta, int each, int count EPILOGUE_PARAMETERS)
{
    __local TILE_NUMBER tile_a[2 * TILE_A] __attribute__((aligned(16)));
    __local TILE_NUMBER tile_b[2 * TILE_B] __attribute__((aligned(16)));
    int item = (int)get_local_id(0);
    int batch = (int)get_group_id(1), part = (int)get_group_id(2);
    int2 tile = tile_at((int)get_group_id(0), (rows + TILE_M - 1) / TILE_M,
                        (columns + TILE_N - 1) / TILE_N);
    int m0 = tile.s0 * TILE_M, n0 = tile.s1 * TILE_N;
    int l = part * each * DEPTH, end = min(l + each * DEPTH, depth);
    __local const TILE_NUMBER *from_a = tile_a + TILE_FIRST * tile_row(item);
    __local const TILE_NUMBER *from_b = tile_b + TILE_FIRST * tile_column(item);
    float4 sum[8][2], next_a[EACH_A / 4], next_b[EACH_B / 4];
    int now = 0;

    a += batch / inner * far_a + batch % inner * near_a;
    b += batch / inner * far_b + batch % inner * near_b;
    tile_clear(sum);
    LOAD_A(l);
    LOAD_B(l);
    KEEP_A(0);
    KEEP_B(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    while (l < end) {
        l += DEPTH;
        if (l < end) {
            LOAD_A(l);
            LOAD_B(l);
        }
        tile_multiply(from_a + now * TILE_A, from_b + now * TILE_B, sum);
        now = 1 - now;
        if (l < end) {
            KEEP_A(now);
            KEEP_B(now);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#if PARTS
    y += part * count;
#endif
    STORE_ROW(0);
    STORE_ROW(1);
    STORE_ROW(2);
    STORE_ROW(3);
    STORE_ROW(4);
    STORE_ROW(5);
    STORE_ROW(6);
    STORE_ROW(7);
}

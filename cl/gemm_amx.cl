/* gemm_amx.cl - matrix products of bfloat16 in tiles, on CPU-class devices
 * that have AMX; tensors are float.
 *
 *     y[q,i,j] = alpha * sum over l of a[q,i,l] * b[q,l,j] + beta * c[i,j]
 *
 * a and b are rounded to bfloat16, sums are float. b is laid out beforehand,
 * for weights once and for all: blocks of 16 columns x chunks of 32 rows x
 * tile, zeros where there is nothing. A work-item makes tile_m x tile_n of y.
 * tile_k numbers of its rows of a at a time go into local memory, which is the
 * core's cache, as tiles too; then each pair of b's blocks, which the first
 * cache holds, meets all of them:
 *
 *                  B: 32 of l x 16 columns, twice
 *     A: 16 rows   C0  C1
 *        16 rows   C2  C3       tiles 0 .. 3, A in 4 and 5, B in 6 and 7
 *
 * Sums over more than tile_k stay in local memory, four tiles behind each
 * other.
 *
 *   OC_AMX          the instructions, see amx.clh
 *   EPILOGUE(v, i)  what becomes of v before it is stored at i
 */
#pragma OPENCL FP_CONTRACT ON
#include "amx.clh"
#ifdef EPILOGUE
#define FUSED 1
#else
#define FUSED 0
#define EPILOGUE(v, i) (v)
#define EPILOGUE_PARAMETERS
#endif

#define INLINE static inline __attribute__((always_inline))

/* ---- factors ------------------------------------------------------------ */

/* 16 numbers that lie side by side, rounded; zeros from `count` on. */
INLINE ushort16
take(__global const float *x, int count)
{
    float part[16];

    if (count >= 16)
        return to_bfloat16(vload16(0, x));
    for (int e = 0; e < 16; e++)
        part[e] = e < count ? x[e] : 0.0f;
    return to_bfloat16(vload16(0, part));
}

/* 16 rows of b, where a column's numbers lie side by side: columns of pairs. */
INLINE void
pack_turned(__global uint *tile, __global const float *b, int rows, int columns,
            int b_column)
{
    ushort16 even[16], odd[16];

#pragma unroll
    for (int j = 0; j < 16; j++) {
        __global const float *x = b + (j < columns ? j * b_column : 0);
        const int there = j < columns ? rows : 0;
        const ushort16 low = take(x, there);
        const ushort16 high = take(x + 16, there - 16);

        even[j] = (ushort16)(low.even, high.even);
        odd[j] = (ushort16)(low.odd, high.odd);
    }
    turn_rows(even);
    turn_rows(odd);
#pragma unroll
    for (int p = 0; p < TILE_ROWS; p++)
        vstore16(convert_uint16(even[p]) | convert_uint16(odd[p]) << 16, p,
                 tile);
}

/* The same where a row's do. */
INLINE void
pack_straight(__global uint *tile, __global const float *b, int rows,
              int columns, int b_row)
{
    for (int p = 0; p < TILE_ROWS; p++) {
        const int l = 2 * p;
        const ushort16 even = take(b + l * b_row, l < rows ? columns : 0);
        const ushort16 odd =
            take(b + (l + 1) * b_row, l + 1 < rows ? columns : 0);

        vstore16(convert_uint16(even) | convert_uint16(odd) << 16, p, tile);
    }
}

/* Work-item (`stretch` chunks of 32 rows, block of 16 columns, matrix); two
 * batch axes, outer first. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_amx_pack(__global const float *b, __global uint *to, int n, int k,
              int b_row, int b_column, int batch, int b_outer, int b_inner,
              int stretch)
{
    const int block = (int)get_group_id(1), which = (int)get_group_id(2);
    const int blocks = (n + 15) / 16, chunks = (k + 31) / 32;
    const int first = (int)get_group_id(0) * stretch, j = block * 16;

    b += which / batch * b_outer + which % batch * b_inner;
    to += ((size_t)which * blocks + block) * chunks * TILE_SIZE;
    for (int t = first; t < min(first + stretch, chunks); t++) {
        __global const float *from = b + t * 32 * b_row + j * b_column;
        __global uint *tile = to + (size_t)t * TILE_SIZE;

        if (b_column == 1)
            pack_straight(tile, from, k - t * 32, n - j, b_row);
        else
            pack_turned(tile, from, k - t * 32, n - j, b_column);
    }
}

/* 16 x 16 of a that lies turned: its columns are rows of the tile, whose side
 * begins at `side`. */
INLINE void
turn_side(__local ushort *side, __global const float *a, int rows, int depth,
          int a_column)
{
    ushort16 row[16];

#pragma unroll
    for (int l = 0; l < 16; l++)
        row[l] =
            take(a + (l < depth ? l * a_column : 0), l < depth ? rows : 0);
    turn_rows(row);
#pragma unroll
    for (int r = 0; r < 16; r++)
        vstore16(row[r], 0, side + r * 32);
}

/* rows x depth of a as pairs of blocks of 16 rows x chunks x tile. */
INLINE void
pack_a(__local ushort *strip, __global const float *a, int rows, int depth,
       int a_row, int a_column)
{
    const int chunks = (depth + 31) / 32;

    for (int i = 0; i < (rows + 31) / 32 * 32; i += 16)
        for (int l = 0; l < chunks * 32; l += 16) {
            __local ushort *side =
                strip + (i * chunks + l / 32 * 16) * 32 + l % 32;
            const int left = min(rows - i, 16);

            if (a_column != 1)
                turn_side(side, a + i * a_row + l * a_column, rows - i,
                          depth - l, a_column);
            for (int r = 0; a_column == 1 && r < 16; r++)
                vstore16(take(a + (r < left ? (i + r) * a_row + l : 0),
                              r < left ? depth - l : 0),
                         0, side + r * 32);
        }
}

/* ---- the product -------------------------------------------------------- */

/* Four tiles of sums: 32 rows of a and of b 16 columns and those `second`
 * numbers behind, over so many chunks. */
INLINE void
add_tiles(__local uint *sums, int fresh, __local const uint *a,
          __global const uint *b, size_t second, int chunks TILES_PARAMETER)
{
    __local const uint *low = a + chunks * TILE_SIZE;

    if (fresh) {
        FOUR_CLEAR;
    } else {
        FOUR_LOAD(sums);
    }
    for (int t = 0; t < chunks; t++) {
        TILE_LOAD(4, a, TILE_STEP);
        TILE_LOAD(6, b, TILE_STEP);
        TILE_DOT(0, 4, 6);
        TILE_LOAD(7, b + second, TILE_STEP);
        TILE_DOT(1, 4, 7);
        TILE_LOAD(5, low, TILE_STEP);
        TILE_DOT(2, 5, 6);
        TILE_DOT(3, 5, 7);
        a += TILE_SIZE;
        low += TILE_SIZE;
        b += TILE_SIZE;
    }
    FOUR_STORE(sums);
}

/* The last steps for one number of y. */
#define FINISH(v, i, j)                                                        \
    EPILOGUE(alpha *(v) +                                                      \
                 (beta != 0.0f ? beta * c[(i)*c_row + (j)*c_column] : 0.0f),   \
             base + (i)*n + (j))

/* The first `count` of 16 sums of row i to their places, from column j on; a
 * macro, since FINISH names the kernel's parameters. */
#define PUT(sums, i, j, count)                                                 \
    do {                                                                       \
        const float16 v_ = sums;                                               \
        __global float *to_ = y + base + (i)*n + (j);                          \
        float part_[16];                                                       \
                                                                               \
        if (!FUSED && beta == 0.0f && (count) >= 16) {                         \
            vstore16(alpha *v_, 0, to_);                                       \
        } else {                                                               \
            vstore16(v_, 0, part_);                                            \
            for (int e_ = 0; e_ < min(16, count); e_++)                        \
                to_[e_] = FINISH(part_[e_], i, (j) + e_);                      \
        }                                                                      \
    } while (0)

/* Work-item (tile_n columns, tile_m rows, product); these are multiples of 32
 * as tile_k is. near: sums, then rows of a. b_outer, b_inner count matrices. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_amx(__global const float *a, __global const uint *b,
         __global const float *c, __global float *y, __local uint *near, int m,
         int n, int k, int a_row, int a_column, int c_row, int c_column,
         float alpha, float beta, int batch, int a_outer, int b_outer,
         int a_inner, int b_inner, int tile_m, int tile_n,
         int tile_k EPILOGUE_PARAMETERS)
{
    const int which = (int)get_group_id(2), base = which * m * n;
    const int i0 = (int)get_group_id(1) * tile_m, rows = min(tile_m, m - i0);
    const int j0 = (int)get_group_id(0) * tile_n;
    const int columns = min(tile_n, n - j0);
    const int blocks = (n + 15) / 16, chunks = (k + 31) / 32;
    __local uint *strip = near + tile_m * tile_n;
    TILES_BEGIN;

    a += which / batch * a_outer + which % batch * a_inner + i0 * a_row;
    b += (which / batch * b_outer + which % batch * b_inner) *
         ((size_t)blocks * chunks * TILE_SIZE);
    for (int l = 0; l < k; l += tile_k) {
        const int depth = min(tile_k, k - l), deep = (depth + 31) / 32;
        const int last = l + tile_k >= k;

        pack_a((__local ushort *)strip, a + l * a_column, rows, depth, a_row,
               a_column);
        for (int j = 0; j < columns; j += 32)
            for (int i = 0; i < rows; i += 32) {
                __local uint *sums = near + i * tile_n + j * 32;

                add_tiles(sums, l == 0, strip + i * deep * TILE_PAIRS,
                          b + ((size_t)(j0 + j) / 16 * chunks + l / 32) *
                                  TILE_SIZE,
                          j + 16 < columns ? (size_t)chunks * TILE_SIZE : 0,
                          deep TILES);
                for (int r = 0; last && r < min(32, rows - i); r++)
                    for (int v = 0; v < 32 && j + v < columns; v += 16)
                        PUT(as_float16(vload16(
                                r + (r / 16 + v / 16) * 16, sums)),
                            i0 + i + r, j0 + j + v, columns - j - v);
            }
    }
    TILES_END;
}

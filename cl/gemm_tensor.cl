/* gemm_tensor.cl - matrix products of half or bfloat16 by tensor cores, in
 * tiles (tensor.clh); sums are float.
 *
 *     y[b] = alpha * op(a[b]) * op(b[b]) + beta * c
 *
 * with the arguments of gemm_tiled.cl. An operand goes as it lies into local
 * memory, in chunks of eight numbers; turned it is only on the way from there
 * to the registers.
 *
 * Registers at most: gemm_tensor 168, gemm_tensor/128x128 128.
 *
 *   TYPE_a            storage type of all four: 10 half, 16 bfloat16; parts
 *                     are float
 *   TILE_M, TILE_N    of tile.clh
 *   STAGES            of tensor.clh
 *   MMA_PTX           of mma.clh
 *   TURNED_A          1: a lies depth x rows
 *   TURNED_B          1: b lies columns x depth
 *   EIGHTS            1: all extents that lie innermost in a and b are
 *                     multiples of eight
 *   PAIRS             1: columns are a multiple of two
 *   PARTS             1: `y` is float and has the parts one by one
 *   EPILOGUE(v, i)    what becomes of v before it is stored at i
 */
#ifndef TYPE_a
#define TYPE_a 10
#endif
#ifndef TURNED_A
#define TURNED_A 0
#endif
#ifndef TURNED_B
#define TURNED_B 0
#endif
#ifndef EIGHTS
#define EIGHTS 1
#endif
#ifndef PAIRS
#define PAIRS 1
#endif
#ifndef PARTS
#define PARTS 0
#endif
#ifndef EPILOGUE
#define EPILOGUE(v, i) (v)
#define EPILOGUE_PARAMETERS
#endif
#define DEPTH 32
#define MMA_TYPE TYPE_a
#define ALONG_A (!TURNED_A)
#define ALONG_B TURNED_B
#include "tile.clh"
#include "mma.clh"
#include "tensor.clh"

#if PARTS
#define STORED 1
#else
#define STORED TYPE_a
#endif

/* The chunk from number `at` on, of which `count` are there. */
INLINE void
bring_chunk(__local ushort *to, __global const ushort *x, int at,
            int count MMA_PARAMETER)
{
#if EIGHTS
    MMA_COPY(to, x + (count > 0 ? at : 0), count > 0);
#else
#pragma unroll
    for (int k = 0; k < 8; k++)
        to[k] = k < count ? x[at + k] : (ushort)0;
#endif
}

/* Terms l to l + DEPTH of numbers `first` to first + tile of an operand;
 * `extent` of them there are, of `depth` terms; each: chunks that an item
 * brings. */
INLINE void
bring(__local ushort *to, __global const ushort *x, int along, int tile,
      int each, int first, int extent, int l, int depth MMA_PARAMETER)
{
    int item = (int)get_local_id(0);
    int chunks = along ? DEPTH / 8 : tile / 8;

#pragma unroll
    for (int e = 0; e < each; e++) {
        int row = (item + e * ITEMS) / chunks;
        int chunk = (item + e * ITEMS) % chunks;
        int number = first + (along ? row : chunk * 8);
        int term = l + (along ? chunk * 8 : row);
        int there = number < extent && term < depth;
        int at = there ? along ? number * depth + term : term * extent + number
                       : 0;

        bring_chunk(to + mma_place(chunks, row, chunk), x, at,
                    !there  ? 0
                    : along ? depth - term
                            : extent - number MMA);
    }
}

#define BRING(stage, l)                                                        \
    bring(tile_a + (stage)*STAGE_A, a_, ALONG_A, TILE_M, COPIES_A, m0, rows,   \
          l, depth MMA);                                                       \
    bring(tile_b + (stage)*STAGE_B, b_, ALONG_B, TILE_N, COPIES_B, n0,         \
          columns, l, depth MMA)

#if PARTS
#define FINISH(v, m, n, i) (v)
#else
#define FINISH(v, m, n, i)                                                     \
    EPILOGUE(alpha *(v) + (beta != 0.0f ? beta * LOAD(TYPE_a, c,               \
                                                      (m)*c_row + (n)*c_column) \
                                        : 0.0f),                               \
             i)
#endif
#if PAIRS
#define STORE_PAIR(v, m, n, i)                                                 \
    if ((n) < columns)                                                         \
    STORE_TWO(STORED, y, i,                                                    \
              ((float2)(FINISH((v)[0], m, n, i),                               \
                        FINISH((v)[1], m, (n) + 1, (i) + 1))))
#else
#define STORE_PAIR(v, m, n, i)                                                 \
    if ((n) < columns)                                                         \
        STORE(STORED, y, i, FINISH((v)[0], m, n, i));                          \
    if ((n) + 1 < columns)                                                     \
    STORE(STORED, y, (i) + 1, FINISH((v)[1], m, (n) + 1, (i) + 1))
#endif

/* Work-group (tile, batch, part). */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
gemm_tensor(__global const STORAGE(TYPE_a) *a,
            __global const STORAGE(TYPE_a) *b,
            __global const STORAGE(TYPE_a) *c, __global STORAGE(STORED) *y,
            int rows, int columns, int depth, int inner, int far_a, int far_b,
            int near_a, int near_b, int c_row, int c_column, float alpha,
            float beta, int each, int count EPILOGUE_PARAMETERS)
{
    MMA_BEGIN(WARPS);
    __local ushort tile_a[STAGES * STAGE_A] __attribute__((aligned(16)));
    __local ushort tile_b[STAGES * STAGE_B] __attribute__((aligned(16)));
    int item = (int)get_local_id(0);
    int batch = (int)get_group_id(1), part = (int)get_group_id(2);
    int2 tile = tile_at((int)get_group_id(0), (rows + TILE_M - 1) / TILE_M,
                        (columns + TILE_N - 1) / TILE_N);
    int m0 = tile.s0 * TILE_M, n0 = tile.s1 * TILE_N;
    int l = part * each * DEPTH, end = min(l + each * DEPTH, depth);
    int m = warp_row(item), n = warp_column(item), now = 0, next = 0;
    __global const ushort *a_ = (__global const ushort *)a +
                                batch / inner * far_a + batch % inner * near_a;
    __global const ushort *b_ = (__global const ushort *)b +
                                batch / inner * far_b + batch % inner * near_b;
    float sum[DOWN][ASIDE][4];

    tensor_clear(sum);
    for (; next < STAGES - 1; next++) {
        if (l + next * DEPTH < end) {
            BRING(next, l + next * DEPTH);
        }
        MMA_COMMIT;
    }
    for (; l < end; l += DEPTH) {
        WAIT_STAGE(STAGES_BEHIND);
        barrier(CLK_LOCAL_MEM_FENCE);
        /* Into what all have multiplied before the barrier. */
        if (l + (STAGES - 1) * DEPTH < end) {
            BRING(next, l + (STAGES - 1) * DEPTH);
        }
        MMA_COMMIT;
        tensor_multiply(tile_a + now * STAGE_A, tile_b + now * STAGE_B, m, n,
                        sum MMA);
        now = now + 1 < STAGES ? now + 1 : 0;
        next = next + 1 < STAGES ? next + 1 : 0;
    }
    m += m0 + pair_row(item);
    n += n0 + pair_column(item);
#if PARTS
    y += part * count;
#endif
#if MMA_PTX
#pragma unroll
#endif
    for (int i = 0; i < DOWN * 2; i++) {
        int m_ = m + i * 8, from = (batch * rows + m_) * columns;

        if (m_ >= rows)
            continue;
#if MMA_PTX
#pragma unroll
#endif
        for (int j = 0; j < ASIDE; j++) {
            STORE_PAIR(sum[i / 2][j] + i % 2 * 2, m_, n + j * 8,
                       from + n + j * 8);
        }
    }
}

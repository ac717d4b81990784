/* conv_tensor.cl - convolution and its input gradient of half or bfloat16 by
 * tensor cores: the product of conv_tiled.cl, in tiles of tensor.clh.
 *
 * A step is a tap of the window and DEPTH channels of the source. Weights, as
 * reorder.cl packs them in blocks of 8 x 8, are chunks of eight rows. The
 * source is read number by number, along its rows: while a step is multiplied,
 * the next one's are on their way to registers.
 *
 * Registers at most: conv_tensor 255, conv_tensor/128x128 168.
 *
 *   TYPE_x                storage type of all tensors: 10 half, 16 bfloat16;
 *                         parts are float
 *   TILE_M, TILE_N        of tile.clh
 *   STAGES                2
 *   MMA_PTX               of mma.clh
 *   PAIRS                 1: planes of the target are multiples of two
 *   PARTS                 1: `out` is float and has the parts one by one
 *   WIN_H, WIN_W, STEP_H, STEP_W, PHASES_H, PHASES_W
 *   EPILOGUE(v, i)        what becomes of v before it is stored at i
 */
#ifndef TYPE_x
#define TYPE_x 10
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
#define MMA_TYPE TYPE_x
#define ALONG_A 0
#define ALONG_B 0
#include "tile.clh"
#include "conv_places.clh"
#include "mma.clh"
#include "tensor.clh"

/* Columns of B that an item loads, and rows of them that items load at once. */
#define COLUMNS (ITEMS < TILE_N ? TILE_N / ITEMS : 1)
#define ROWS (ITEMS < TILE_N ? 1 : ITEMS / TILE_N)

/* ---- A: weights --------------------------------------------------------- */

INLINE void
bring_a(__local ushort *to, __global const ushort *w, const struct shape *s,
        int group, int m0, int tap, int channel MMA_PARAMETER)
{
    int blocks = (s->depth + 7) / 8;

#pragma unroll
    for (int e = 0; e < COPIES_A; e++) {
        int f = (int)get_local_id(0) + e * ITEMS;
        int row = f / CHUNKS_A, chunk = f % CHUNKS_A;
        int c = channel + row, m = m0 + chunk * 8;
        int there = c < blocks * 8 && m < s->rows;
        int at = (((group * s->rows + m) / 8 * blocks + c / 8) * TAPS + tap) *
                     64 +
                 c % 8 * 8;

        MMA_COPY(to + mma_place(CHUNKS_A, row, chunk), w + (there ? at : 0),
                 there);
    }
}

/* ---- B: the source under the window -------------------------------------- */

INLINE void
load_b(__global const ushort *x, const struct shape *s,
       const struct column column[COLUMNS], int channel, ushort next[EACH_B])
{
    int c = channel + (int)get_local_id(0) / TILE_N;
    int plane = s->from_h * s->from_w, far = c * plane;

#pragma unroll
    for (int e = 0; e < EACH_B; e++) {
        int at = c < s->depth ? column[e % COLUMNS].at : -1;

        next[e] = at < 0 ? (ushort)0 : x[at + far];
        if (e % COLUMNS == COLUMNS - 1) {
            far += ROWS * plane;
            c += ROWS;
        }
    }
}

INLINE void
keep_b(__local ushort *to, const ushort next[EACH_B])
{
    int item = (int)get_local_id(0);

#pragma unroll
    for (int e = 0; e < EACH_B; e++) {
        int row = item / TILE_N + e / COLUMNS * ROWS;
        int n = item % TILE_N + e % COLUMNS * ITEMS;

        to[mma_place(CHUNKS_B, row, n / 8) + n % 8] = next[e];
    }
}

/* ---- the end ------------------------------------------------------------- */

#if PARTS
#define STORED 1
#define FINISH(v, i, channel) (v)
#else
#define STORED TYPE_x
#define FINISH(v, i, channel)                                                  \
    EPILOGUE((v) + (biased ? LOAD(TYPE_x, bias, channel) : 0.0f), i)
#endif
#if PAIRS
#define STORE_PAIR(v, first, second, far, channel)                             \
    if ((first) >= 0)                                                          \
    STORE_TWO(STORED, out, (first) + (far),                                    \
              ((float2)(FINISH((v)[0], (first) + (far), channel),              \
                        FINISH((v)[1], (first) + (far) + 1, channel))))
#else
#define STORE_PAIR(v, first, second, far, channel)                             \
    if ((first) >= 0)                                                          \
        STORE(STORED, out, (first) + (far),                                    \
              FINISH((v)[0], (first) + (far), channel));                       \
    if ((second) >= 0)                                                         \
    STORE(STORED, out, (second) + (far),                                       \
          FINISH((v)[1], (second) + (far), channel))
#endif

/* Work-group (tile, group and phase, part). */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
conv_tensor(__global const STORAGE(TYPE_x) *w,
            __global const STORAGE(TYPE_x) *from,
            __global const STORAGE(TYPE_x) *bias, __global STORAGE(STORED) *out,
            int biased, int rows, int depth, int groups, int images, int from_h,
            int from_w, int to_h, int to_w, int dil_h, int dil_w, int pad_h,
            int pad_w, int each, int count EPILOGUE_PARAMETERS)
{
    MMA_BEGIN(WARPS);
    __local ushort tile_a[2 * STAGE_A] __attribute__((aligned(16)));
    __local ushort tile_b[2 * STAGE_B] __attribute__((aligned(16)));
    const struct shape s = {rows,  depth, groups, from_h, from_w,
                            dil_h, dil_w, pad_h,  pad_w};
    __global const ushort *w_ = (__global const ushort *)w;
    __global const ushort *from_ = (__global const ushort *)from;
    int item = (int)get_local_id(0);
    int group = (int)get_group_id(1) / PHASES;
    int phase = (int)get_group_id(1) % PHASES;
    int high = (to_h + PHASES_H - 1) / PHASES_H;
    int wide = (to_w + PHASES_W - 1) / PHASES_W;
    int columns = images * high * wide;
    int2 tile = tile_at((int)get_group_id(0), (rows + TILE_M - 1) / TILE_M,
                        (columns + TILE_N - 1) / TILE_N);
    int m0 = tile.s0 * TILE_M, n0 = tile.s1 * TILE_N;
    int m = warp_row(item), n = warp_column(item), now = 0;
    int chunks = (depth + DEPTH - 1) / DEPTH;
    int step = (int)get_group_id(2) * each;
    int stop = min(step + each, chunks * TAPS);
    int tap = next_tap(&s, step / chunks, phase), chunk = step % chunks;
    int more = tap < TAPS && tap * chunks + chunk < stop;
    struct column column[COLUMNS];
    float sum[DOWN][ASIDE][4];
    ushort next[EACH_B];

    tensor_clear(sum);
#pragma unroll
    for (int k = 0; k < COLUMNS; k++) {
        find_column(&column[k], &s, n0 + item % TILE_N + k * ITEMS, columns,
                    high, wide, group);
        column[k].at = seen(&s, &column[k], tap, phase);
    }
    if (more) {
        bring_a(tile_a, w_, &s, group, m0, tap, chunk * DEPTH MMA);
        load_b(from_, &s, column, chunk * DEPTH, next);
        keep_b(tile_b, next);
    }
    MMA_COMMIT;
    while (more) {
        MMA_WAIT(0);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (++chunk == chunks) {
            chunk = 0;
            tap = next_tap(&s, tap + 1, phase);
#pragma unroll
            for (int k = 0; k < COLUMNS; k++)
                column[k].at = seen(&s, &column[k], tap, phase);
        }
        more = tap < TAPS && tap * chunks + chunk < stop;
        /* Into what all have multiplied before the barrier. */
        if (more) {
            bring_a(tile_a + (1 - now) * STAGE_A, w_, &s, group, m0, tap,
                    chunk * DEPTH MMA);
            load_b(from_, &s, column, chunk * DEPTH, next);
        }
        MMA_COMMIT;
        tensor_multiply(tile_a + now * STAGE_A, tile_b + now * STAGE_B, m, n,
                        sum MMA);
        now = 1 - now;
        if (more)
            keep_b(tile_b + now * STAGE_B, next);
    }
    m += m0 + pair_row(item);
    n += n0 + pair_column(item);
#if PARTS
    out += (int)get_group_id(2) * count;
#endif
#if MMA_PTX
#pragma unroll
#endif
    for (int j = 0; j < ASIDE; j++) {
        int first = target_of(n + j * 8, columns, high, wide, to_h, to_w,
                              groups * rows, phase);
        int second = target_of(n + j * 8 + 1, columns, high, wide, to_h, to_w,
                               groups * rows, phase);

#if MMA_PTX
#pragma unroll
#endif
        for (int i = 0; i < DOWN * 2; i++) {
            int channel = group * rows + m + i * 8;
            int far = channel * to_h * to_w;

            if (m + i * 8 >= rows)
                continue;
            STORE_PAIR(sum[i / 2][j] + i % 2 * 2, first, second, far, channel);
        }
    }
}

/* conv_winograd_tiled.cl - 3 x 3 convolution of stride 1, and its input
 * gradient, on GPUs by Winograd's minimal filtering (winograd.clh): three
 * launches, of which the middle one is a product in tiles for each point.
 *
 * winograd_input    v[f][channel of x][tile] from x
 * winograd_product  m[f][channel of y][tile] = u[f] v[f]
 * winograd_output   y from m, with bias and epilogue
 *
 * v and, behind its v_size numbers, m lie in `scratch`; u comes from
 * winograd_weights.cl in blocks of 8. f counts the points, tile goes through
 * columns, rows and images: from `first` on so many tiles, in rows of `pitch`
 * numbers, which is a multiple of four; what lies behind the last tile repeats
 * it. For the gradient x and y are dy and dx, and pads those that it reads by.
 *
 * Registers at most: winograd_product 168, winograd_product/128x128 128.
 * Registers at most: winograd_input 64, winograd_output 96.
 *
 *   SIDE              of winograd.clh
 *   TILE_M, TILE_N    of tile.clh
 *   WHOLE             1: rows of y are multiples of SIDE
 *   EPILOGUE(v, i)    what becomes of v before it is stored at i
 */
#ifndef WHOLE
#define WHOLE 1
#endif
#ifndef EPILOGUE
#define EPILOGUE(v, i) (v)
#define EPILOGUE_PARAMETERS
#endif
#define PAD_A 8
#define PAD_B 8
#include "tile.clh"
#define NUMBER float
#include "winograd.clh"

/* ---- to the points ------------------------------------------------------- */

/* One of x's numbers, or the zero around it. */
INLINE float
seen(__global const float *plane, int i, int j, int rows, int columns)
{
    return (uint)i < (uint)rows && (uint)j < (uint)columns
               ? plane[i * columns + j]
               : 0.0f;
}

/* Work-item (tile, channel of x). */
__kernel void
winograd_input(__global const float *x, __global float *scratch, int channels,
               int rows, int columns, int pad_h, int pad_w, int down,
               int across, int first, int tiles, int pitch)
{
    const int t = (int)get_global_id(0), c = (int)get_global_id(1);
    const int to_point = channels * pitch;
    float half_done[POINTS][POINTS];
    struct tile at;

    if (t >= pitch || c >= channels)
        return;
    find_tile(&at, first + min(t, tiles - 1), down, across);
    x += (at.n * channels + c) * rows * columns;
    scratch += c * pitch + t;
#pragma unroll
    for (int s = 0; s < POINTS; s++) {
        float d[POINTS], p[POINTS];

#pragma unroll
        for (int r = 0; r < POINTS; r++)
            d[r] = seen(x, at.i - pad_h + r, at.j - pad_w + s, rows, columns);
        to_points(p, d);
#pragma unroll
        for (int r = 0; r < POINTS; r++)
            half_done[r][s] = p[r];
    }
#pragma unroll
    for (int r = 0; r < POINTS; r++) {
        float p[POINTS];

        to_points(p, half_done[r]);
#pragma unroll
        for (int s = 0; s < POINTS; s++)
            scratch[(r * POINTS + s) * to_point] = p[s];
    }
}

/* ---- the products -------------------------------------------------------- */

/* Vectors of four that an item loads. */
#define FOURS_A (EACH_A / 4)
#define FOURS_B (EACH_B / 4)

/* Terms l to l + DEPTH for rows from m0 on: blocks of 8 rows, `far` numbers
 * from one to the next. */
INLINE void
load_a(__global const float *u, int m0, int rows, int far, int l,
       float4 next[FOURS_A])
{
    const int item = (int)get_local_id(0);
    int m = m0 + item / 16 * 8, at = m / 8 * far + l * 8 + item % 16 * 4;

#pragma unroll
    for (int e = 0; e < FOURS_A; e++) {
        next[e] = m < rows ? LOAD_FOUR(1, u, at) : (float4)(0.0f);
        m += ITEMS / 2;
        at += ITEMS / 16 * far;
    }
}

INLINE void
keep_a(__local float *a, const float4 next[FOURS_A])
{
    const int item = (int)get_local_id(0);

#pragma unroll
    for (int e = 0; e < FOURS_A; e++) {
        int f = item + e * ITEMS;

        *(__local float4 *)(a + f % 16 / 2 * SPAN_A + f / 16 * 8 + f % 2 * 4) =
            next[e];
    }
}

/* The same terms for columns from n0 on; none from `depth` on. */
INLINE void
load_b(__global const float *v, int n0, int columns, int l, int depth,
       float4 next[FOURS_B])
{
    const int item = (int)get_local_id(0);
    const int n = n0 + item % (TILE_N / 4) * 4;

    l += item / (TILE_N / 4);
#pragma unroll
    for (int e = 0; e < FOURS_B; e++) {
        next[e] = n < columns && l < depth ? LOAD_FOUR(1, v, l * columns + n)
                                           : (float4)(0.0f);
        l += ITEMS / (TILE_N / 4);
    }
}

INLINE void
keep_b(__local float *b, const float4 next[FOURS_B])
{
    const int item = (int)get_local_id(0);

#pragma unroll
    for (int e = 0; e < FOURS_B; e++) {
        int f = item + e * ITEMS;

        *(__local float4 *)(b + f / (TILE_N / 4) * SPAN_B +
                            f % (TILE_N / 4) * 4) = next[e];
    }
}

#define STORE_BLOCK(i, j)                                                      \
    do {                                                                       \
        int m_ = m0 + (i) / 4 * (TILE_M / 2) + tile_row(item) + (i) % 4;       \
        int n_ = n0 + (j) * (TILE_N / 2) + tile_column(item);                  \
        if (m_ < rows && n_ < pitch)                                           \
            STORE_FOUR(1, m, m_ *pitch + n_, sum[i][j]);                       \
    } while (0)
#define STORE_ROW(i)                                                           \
    STORE_BLOCK(i, 0);                                                         \
    STORE_BLOCK(i, 1)

/* Work-group (tile of m, point). */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
winograd_product(__global float *scratch, __global const float *u, int v_size,
                 int rows, int depth, int pitch)
{
    __local float tile_a[2 * TILE_A] __attribute__((aligned(16)));
    __local float tile_b[2 * TILE_B] __attribute__((aligned(16)));
    const int item = (int)get_local_id(0), f = (int)get_group_id(1);
    const int2 tile = tile_at((int)get_group_id(0), (rows + TILE_M - 1) / TILE_M,
                              (pitch + TILE_N - 1) / TILE_N);
    const int m0 = tile.s0 * TILE_M, n0 = tile.s1 * TILE_N;
    const int far = (depth + DEPTH - 1) / DEPTH * DEPTH * 8;
    __global const float *v = scratch + f * depth * pitch;
    __global float *m = scratch + v_size + f * rows * pitch;
    __local const float *a = tile_a + tile_row(item);
    __local const float *b = tile_b + tile_column(item);
    float4 sum[8][2], next_a[FOURS_A], next_b[FOURS_B];
    int now = 0;

    u += f * ((rows + 7) / 8) * far;
    tile_clear(sum);
    load_a(u, m0, rows, far, 0, next_a);
    load_b(v, n0, pitch, 0, depth, next_b);
    keep_a(tile_a, next_a);
    keep_b(tile_b, next_b);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int l = DEPTH; l < depth + DEPTH; l += DEPTH) {
        if (l < depth) {
            load_a(u, m0, rows, far, l, next_a);
            load_b(v, n0, pitch, l, depth, next_b);
        }
        tile_multiply(a + now * TILE_A, b + now * TILE_B, sum);
        now = 1 - now;
        if (l < depth) {
            keep_a(tile_a + now * TILE_A, next_a);
            keep_b(tile_b + now * TILE_B, next_b);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    STORE_ROW(0);
    STORE_ROW(1);
    STORE_ROW(2);
    STORE_ROW(3);
    STORE_ROW(4);
    STORE_ROW(5);
    STORE_ROW(6);
    STORE_ROW(7);
}

/* ---- from the points ----------------------------------------------------- */

/* A tile's row of numbers, from place i of y on; a macro, since EPILOGUE names
 * the kernel's parameters. */
#define FINISH(e) EPILOGUE(line[e] + add, i_ + (e))
#if WHOLE && SIDE == 4
#define STORE_LINE(i)                                                          \
    do {                                                                       \
        int i_ = (i);                                                          \
        STORE_FOUR(1, y, i_,                                                   \
                   ((float4)(FINISH(0), FINISH(1), FINISH(2), FINISH(3))));    \
    } while (0)
#elif WHOLE
#define STORE_LINE(i)                                                          \
    do {                                                                       \
        int i_ = (i);                                                          \
        *(__global float2 *)(y + i_) = (float2)(FINISH(0), FINISH(1));         \
    } while (0)
#else
#define STORE_LINE(i)                                                          \
    do {                                                                       \
        int i_ = (i);                                                          \
        _Pragma("unroll") for (int s = 0; s < SIDE; s++)                       \
            if (at.j + s < out_w)                                              \
                y[i_ + s] = FINISH(s);                                         \
    } while (0)
#endif

/* Work-item (tile, channel of y). */
__kernel void
winograd_output(__global const float *scratch, __global const float *bias,
                __global float *y, int v_size, int biased, int channels,
                int out_h, int out_w, int down, int across, int first,
                int tiles, int pitch EPILOGUE_PARAMETERS)
{
    const int t = (int)get_global_id(0), k = (int)get_global_id(1);
    const int to_point = channels * pitch;
    float half_done[SIDE][POINTS], add;
    struct tile at;
    int high, to;

    if (t >= tiles || k >= channels)
        return;
    scratch += v_size + k * pitch + t;
#pragma unroll
    for (int s = 0; s < POINTS; s++) {
        float p[POINTS], d[SIDE];

#pragma unroll
        for (int r = 0; r < POINTS; r++)
            p[r] = scratch[(r * POINTS + s) * to_point];
        from_points(d, p);
#pragma unroll
        for (int r = 0; r < SIDE; r++)
            half_done[r][s] = d[r];
    }
    find_tile(&at, first + t, down, across);
    add = biased ? bias[k] : 0.0f;
    high = min(out_h - at.i, SIDE);
    to = ((at.n * channels + k) * out_h + at.i) * out_w + at.j;
#pragma unroll
    for (int r = 0; r < SIDE; r++) {
        float line[SIDE];

        from_points(line, half_done[r]);
        if (r < high)
            STORE_LINE(to + r * out_w);
    }
}

/* conv_tiled_weight.cl - the weight gradient of a convolution on GPUs, as a
 * tiled product (tile.clh). For each group
 *
 *     dw[m, n] = sum over l of dy(m, l) * x(l, n)
 *
 * m is a channel of y, n a channel of x and a tap of the window, l a place of
 * y in any image. Place o meets cell o * STRIDE + tap * dilation - pad of x.
 *
 * The sum runs over all places of all images, so it is cut into parts of
 * `each` steps, which are stored one by one; tile_sum.cl adds them in
 * their order.
 *
 * Registers at most: conv_tiled_weight 168, conv_tiled_weight/128x128 128.
 *
 *   TYPE_x               storage type of all tensors; parts are float
 *   TILE_M, TILE_N       of tile.clh
 *   WIN_H, WIN_W, STRIDE_H, STRIDE_W
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef WIN_H
#define WIN_H 3
#endif
#ifndef WIN_W
#define WIN_W 3
#endif
#ifndef STRIDE_H
#define STRIDE_H 1
#endif
#ifndef STRIDE_W
#define STRIDE_W 1
#endif
#include "tile.clh"

#define TAPS (WIN_H * WIN_W)

/* rows, depth: channels of a group, of y and of x. */
struct shape {
    int rows, depth, groups, in_h, in_w, out_h, out_w;
};

/* A place of y, and how far DEPTH places are. */
struct place {
    int image, y, x;
};

INLINE void
find_place(struct place *place, int l, const struct shape *s)
{
    place->image = l / s->out_w / s->out_h;
    place->y = l / s->out_w % s->out_h;
    place->x = l % s->out_w;
}

/* Adds with carry, as the digits of a number. */
INLINE void
go_on(struct place *place, const struct place *far, const struct shape *s)
{
    place->x += far->x;
    place->y += far->y;
    place->image += far->image;
    if (place->x >= s->out_w) {
        place->x -= s->out_w;
        place->y++;
    }
    if (place->y >= s->out_h) {
        place->y -= s->out_h;
        place->image++;
    }
}

/* What column n of B adds to a place's cell: numbers, rows, columns; a row far
 * outside where there is no such column. */
INLINE int4
column_of(int n, const struct shape *s, int dil_h, int dil_w, int pad_h,
          int pad_w)
{
    int c = n / TAPS, tap = n % TAPS;
    int y = tap / WIN_W * dil_h - pad_h, x = tap % WIN_W * dil_w - pad_w;

    if (c >= s->depth)
        return (int4)(0, 1 << 30, 0, 0);
    return (int4)((c * s->in_h + y) * s->in_w + x, y, x, 0);
}

/* Items lie along the sum, so that neighbours read neighbours. */
INLINE void
load_a(__global const STORAGE(TYPE_x) *dy, const struct shape *s, int group,
       int m0, const struct place *place, int there, float next[EACH_A])
{
    int plane = s->out_h * s->out_w;
    int m = m0 + (int)get_local_id(0) / DEPTH;
    int high = there ? s->rows : 0;
    int at = ((place->image * s->groups + group) * s->rows + m) * plane +
             place->y * s->out_w + place->x;

#pragma unroll
    for (int e = 0; e < EACH_A; e++) {
        next[e] = m < high ? LOAD(TYPE_x, dy, at) : 0.0f;
        m += ITEMS / DEPTH;
        at += ITEMS / DEPTH * plane;
    }
}

INLINE void
load_b(__global const STORAGE(TYPE_x) *x, const struct shape *s, int group,
       __local const int4 *column, const struct place *place, int there,
       float next[EACH_B])
{
    int y = place->y * STRIDE_H, at_x = place->x * STRIDE_W;
    int high = there ? s->in_h : 0;
    int at = ((place->image * s->groups + group) * s->depth * s->in_h + y) *
                 s->in_w +
             at_x;

#pragma unroll
    for (int e = 0; e < EACH_B; e++) {
        int4 of = column[e * (ITEMS / DEPTH)];

        next[e] = (uint)(y + of.s1) < (uint)high &&
                          (uint)(at_x + of.s2) < (uint)s->in_w
                      ? LOAD(TYPE_x, x, at + of.s0)
                      : 0.0f;
    }
}

INLINE void
keep(__local TILE_NUMBER *a, __local TILE_NUMBER *b,
     const float next_a[EACH_A], const float next_b[EACH_B])
{
    int item = (int)get_local_id(0);

#pragma unroll
    for (int e = 0; e < EACH_A; e++)
        TILE_PUT(a, item % DEPTH, item / DEPTH + e * (ITEMS / DEPTH), SPAN_A,
                 next_a[e]);
#pragma unroll
    for (int e = 0; e < EACH_B; e++)
        TILE_PUT(b, item % DEPTH, item / DEPTH + e * (ITEMS / DEPTH), SPAN_B,
                 next_b[e]);
}

/* Work-group (tile, group, part). */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
conv_tiled_weight(__global const STORAGE(TYPE_x) *dy,
                  __global const STORAGE(TYPE_x) *x, __global float *parts,
                  int rows, int depth, int groups, int images, int in_h,
                  int in_w, int out_h, int out_w, int dil_h, int dil_w,
                  int pad_h, int pad_w, int each)
{
    __local TILE_NUMBER tile_a[2 * TILE_A] __attribute__((aligned(16)));
    __local TILE_NUMBER tile_b[2 * TILE_B] __attribute__((aligned(16)));
    __local int4 table[TILE_N];
    const struct shape s = {rows, depth, groups, in_h, in_w, out_h, out_w};
    int item = (int)get_local_id(0);
    int group = (int)get_group_id(1), part = (int)get_group_id(2);
    int columns = depth * TAPS;
    int2 tile = tile_at((int)get_group_id(0), (rows + TILE_M - 1) / TILE_M,
                        (columns + TILE_N - 1) / TILE_N);
    int m0 = tile.s0 * TILE_M, n0 = tile.s1 * TILE_N;
    int l = part * each * DEPTH, length = images * out_h * out_w;
    int end = min(l + each * DEPTH, length);
    __local const TILE_NUMBER *a = tile_a + TILE_FIRST * tile_row(item);
    __local const TILE_NUMBER *b = tile_b + TILE_FIRST * tile_column(item);
    __local const int4 *column = table + item / DEPTH;
    struct place place, far;
    float4 sum[8][2];
    float next_a[EACH_A], next_b[EACH_B];
    int now = 0;

    find_place(&place, l + item % DEPTH, &s);
    find_place(&far, DEPTH, &s);
    for (int n = item; n < TILE_N; n += ITEMS)
        table[n] = column_of(n0 + n, &s, dil_h, dil_w, pad_h, pad_w);
    barrier(CLK_LOCAL_MEM_FENCE);
    tile_clear(sum);
    load_a(dy, &s, group, m0, &place, l + item % DEPTH < end, next_a);
    load_b(x, &s, group, column, &place, l + item % DEPTH < end, next_b);
    keep(tile_a, tile_b, next_a, next_b);
    barrier(CLK_LOCAL_MEM_FENCE);
    while (l < end) {
        l += DEPTH;
        go_on(&place, &far, &s);
        if (l < end) {
            int there = l + item % DEPTH < end;

            load_a(dy, &s, group, m0, &place, there, next_a);
            load_b(x, &s, group, column, &place, there, next_b);
        }
        tile_multiply(a + now * TILE_A, b + now * TILE_B, sum);
        now = 1 - now;
        if (l < end)
            keep(tile_a + now * TILE_A, tile_b + now * TILE_B, next_a, next_b);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#pragma unroll
    for (int i = 0; i < 8; i++) {
        int m = m0 + i / 4 * (TILE_M / 2) + tile_row(item) + i % 4;
        int at = ((part * groups + group) * rows + m) * columns;

#pragma unroll
        for (int j = 0; j < 2; j++) {
            int n = n0 + j * (TILE_N / 2) + tile_column(item);
            const float four[4] = {sum[i][j].s0, sum[i][j].s1, sum[i][j].s2,
                                   sum[i][j].s3};

#pragma unroll
            for (int e = 0; e < 4; e++)
                if (m < rows && n + e < columns)
                    parts[at + n + e] = four[e];
        }
    }
}

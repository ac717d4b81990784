/* conv_tiled.cl - the three convolutions on GPUs: one tiled contraction
 *
 *     out[m, n] = sum over l of A(m, l) * B(l, n)
 *
 * whose operands are never laid out as matrices: a loader says where element
 * (m, l) or (l, n) of each comes from ("implicit GEMM"; Chetlur et al.,
 * "cuDNN: Efficient Primitives for Deep Learning", 2014). For each group:
 *
 *   MAKE  out              m            n                l
 *   0     y                channel k    place of y       c, r, s
 *   1     dx               channel c    cell of x        k, r, s
 *   2     dw, in parts     channel k    c, r, s          place of y
 *
 * A work-group of 256 makes TILE x TILE numbers; a work-item has blocks of 4 x
 * 4 of them, 64 apart, so that neighbours read neighbouring vectors of local
 * memory:
 *
 *        n: 16 items x 4   | 64 on        two buffers of DEPTH rows: while one
 *     m  +-----------------+--------      is multiplied, the next is on its
 *     16 | 4x4 of (0,0) .. |              way through registers into the other
 *     x4 +-----------------+--            (one barrier for each DEPTH)
 *
 * The sum of MAKE 2 runs over all places of all images, so it is cut into
 * `splits` parts, whose sums conv_tiled_sum adds in a fixed order.
 *
 *   TYPE_x                     storage type of all tensors; parts are float
 *   MAKE                       see above
 *   TILE, DEPTH                64 or 128; 8 or 16
 *   WIN_H, WIN_W, STRIDE_H, STRIDE_W
 *   EPILOGUE(v, i)             what becomes of v before it is stored at i
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef MAKE
#define MAKE 0
#endif
#ifndef TILE
#define TILE 64
#endif
#ifndef DEPTH
#define DEPTH 16
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
#ifndef EPILOGUE
#define EPILOGUE(v, i) (v)
#define EPILOGUE_PARAMETERS
#endif

#define ITEMS 256
#define TAPS (WIN_H * WIN_W)
#define BLOCKS (TILE / 64)          /* of 4 x 4, along each side */
#define SPAN (TILE + 4)             /* a row of a buffer: off the banks */
#define EACH (TILE * DEPTH / ITEMS) /* numbers an item loads of each operand */

/* Extents as everywhere in the family; c, k: channels of a group. */
struct window {
    int groups, c, k, in_h, in_w, out_h, out_w, dil_h, dil_w, pad_h, pad_w;
};

/* Where a cell of x or a place of y lies: image, row, column. */
struct cell {
    int image, y, x;
};

static inline struct cell
cell_of(int at, int h, int w)
{
    struct cell cell;

    cell.image = at / (h * w);
    cell.y = at / w % h;
    cell.x = at % w;
    return cell;
}

/* A number of x under tap `tap` of the window at place `o`; channel of x. */
static inline float
under(__global const STORAGE(TYPE_x) *x, const struct window *v, struct cell o,
      int channel, int tap)
{
    int yi = o.y * STRIDE_H + tap / WIN_W * v->dil_h - v->pad_h;
    int xi = o.x * STRIDE_W + tap % WIN_W * v->dil_w - v->pad_w;

    if (yi < 0 || yi >= v->in_h || xi < 0 || xi >= v->in_w)
        return 0.0f;
    return LOAD(TYPE_x, x,
                ((o.image * v->groups * v->c + channel) * v->in_h + yi) *
                        v->in_w + xi);
}

/* The number of dy whose window has its tap `tap` on cell `i` of x. */
static inline float
over(__global const STORAGE(TYPE_x) *dy, const struct window *v, struct cell i,
     int channel, int tap)
{
    int yo = i.y + v->pad_h - tap / WIN_W * v->dil_h;
    int xo = i.x + v->pad_w - tap % WIN_W * v->dil_w;

    if (yo < 0 || yo % STRIDE_H != 0 || xo < 0 || xo % STRIDE_W != 0)
        return 0.0f;
    yo /= STRIDE_H;
    xo /= STRIDE_W;
    if (yo >= v->out_h || xo >= v->out_w)
        return 0.0f;
    return LOAD(TYPE_x, dy,
                ((i.image * v->groups * v->k + channel) * v->out_h + yo) *
                        v->out_w + xo);
}

/* A's and B's loaders; l is below the end of the sum, m and n may lie behind
 * the last row or column. */
static inline float
load_a(__global const STORAGE(TYPE_x) *a, const struct window *v, int group,
       int m, int l)
{
#if MAKE == 0
    if (m >= v->k)
        return 0.0f;
    return LOAD(TYPE_x, a, (group * v->k + m) * v->c * TAPS + l);
#elif MAKE == 1
    if (m >= v->c)
        return 0.0f;
    return LOAD(TYPE_x, a,
                ((group * v->k + l / TAPS) * v->c + m) * TAPS + l % TAPS);
#else
    int plane = v->out_h * v->out_w;

    if (m >= v->k)
        return 0.0f;
    return LOAD(TYPE_x, a,
                ((l / plane * v->groups + group) * v->k + m) * plane +
                    l % plane);
#endif
}

static inline float
load_b(__global const STORAGE(TYPE_x) *b, const struct window *v, int group,
       struct cell fixed, int l, int n)
{
#if MAKE == 0
    return under(b, v, fixed, group * v->c + l / TAPS, l % TAPS);
#elif MAKE == 1
    return over(b, v, fixed, group * v->k + l / TAPS, l % TAPS);
#else
    if (n >= v->c * TAPS)
        return 0.0f;
    return under(b, v, fixed, group * v->c + n / TAPS, n % TAPS);
#endif
}

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
conv_tiled(__global const STORAGE(TYPE_x) *a,
           __global const STORAGE(TYPE_x) *b,
           __global const STORAGE(TYPE_x) *bias,
#if MAKE == 2
           __global float *out,
#else
           __global STORAGE(TYPE_x) *out,
#endif
           int biased, int rows, int columns, int length, int splits, int part,
           int groups, int c, int k, int in_h, int in_w, int out_h, int out_w,
           int dil_h, int dil_w, int pad_h, int pad_w EPILOGUE_PARAMETERS)
{
    __local float tile_a[2 * DEPTH * SPAN] __attribute__((aligned(16)));
    __local float tile_b[2 * DEPTH * SPAN] __attribute__((aligned(16)));
    const struct window v = {groups, c,     k,     in_h,  in_w, out_h,
                             out_w,  dil_h, dil_w, pad_h, pad_w};
    int item = (int)get_local_id(0);
    int group = (int)get_group_id(2) / splits;
    int split = (int)get_group_id(2) % splits;
    int m0 = (int)get_group_id(1) * TILE, n0 = (int)get_group_id(0) * TILE;
    int begin = split * part, end = min(begin + part, length);
    int half_row = item / 16 * 4, half_column = item % 16 * 4;
    float4 sum[BLOCKS * 4][BLOCKS];
    float next_a[EACH], next_b[EACH];
    int now = 0;
#if MAKE != 2
    /* This item always loads the same column of B. */
    int column = n0 + item % TILE;
#if MAKE == 0
    struct cell fixed = cell_of(column, out_h, out_w);
#else
    struct cell fixed = cell_of(column, in_h, in_w);
#endif
#endif

    for (int i = 0; i < BLOCKS * 4; i++)
        for (int j = 0; j < BLOCKS; j++)
            sum[i][j] = (float4)(0.0f);
    for (int l0 = begin - DEPTH; l0 < end; l0 += DEPTH) {
        int coming = l0 + DEPTH;

        /* Registers: the next rows, zeros behind the end. */
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            int l = coming + item % DEPTH;
            int m = m0 + item / DEPTH + e * (ITEMS / DEPTH);

            next_a[e] = l < end ? load_a(a, &v, group, m, l) : 0.0f;
        }
#pragma unroll
        for (int e = 0; e < EACH; e++) {
#if MAKE == 2
            int l = coming + item % DEPTH;
            int n = n0 + item / DEPTH + e * (ITEMS / DEPTH);
            struct cell fixed = cell_of(l, out_h, out_w);

            next_b[e] = l < end ? load_b(b, &v, group, fixed, l, n) : 0.0f;
#else
            int l = coming + item / TILE + e * (ITEMS / TILE);

            next_b[e] = l < end && column < columns
                            ? load_b(b, &v, group, fixed, l, column)
                            : 0.0f;
#endif
        }
        if (l0 >= begin) {
            __local const float *from_a = tile_a + now * DEPTH * SPAN;
            __local const float *from_b = tile_b + now * DEPTH * SPAN;

#pragma unroll
            for (int l = 0; l < DEPTH; l++) {
                float4 row[BLOCKS];

#pragma unroll
                for (int j = 0; j < BLOCKS; j++)
                    row[j] = *(__local const float4 *)(from_b + l * SPAN +
                                                       j * 64 + half_column);
#pragma unroll
                for (int i = 0; i < BLOCKS; i++) {
                    float4 x = *(__local const float4 *)(from_a + l * SPAN +
                                                         i * 64 + half_row);

#pragma unroll
                    for (int j = 0; j < BLOCKS; j++) {
                        sum[i * 4 + 0][j] += x.s0 * row[j];
                        sum[i * 4 + 1][j] += x.s1 * row[j];
                        sum[i * 4 + 2][j] += x.s2 * row[j];
                        sum[i * 4 + 3][j] += x.s3 * row[j];
                    }
                }
            }
            now = 1 - now;
        }
        /* Into the buffer that nobody reads before the barrier. */
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            int row_a = item % DEPTH;
            int at_a = item / DEPTH + e * (ITEMS / DEPTH);
#if MAKE == 2
            int row_b = row_a, at_b = at_a;
#else
            int row_b = item / TILE + e * (ITEMS / TILE), at_b = item % TILE;
#endif

            tile_a[(now * DEPTH + row_a) * SPAN + at_a] = next_a[e];
            tile_b[(now * DEPTH + row_b) * SPAN + at_b] = next_b[e];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }

    for (int i = 0; i < BLOCKS * 4; i++) {
        int m = m0 + i / 4 * 64 + half_row + i % 4;

        if (m >= rows)
            continue;
        for (int j = 0; j < BLOCKS; j++) {
            float four[4];

            vstore4(sum[i][j], 0, four);
            for (int e = 0; e < 4; e++) {
                int n = n0 + j * 64 + half_column + e;
#if MAKE == 2
                if (n < columns)
                    out[((split * groups + group) * rows + m) * columns + n] =
                        four[e];
#else
                int plane = MAKE == 0 ? out_h * out_w : in_h * in_w;
                int channel = group * rows + m;
                int at = (n / plane * groups * rows + channel) * plane +
                         n % plane;
                float value = four[e];

                if (n >= columns)
                    continue;
                if (biased)
                    value += LOAD(TYPE_x, bias, channel);
                STORE(TYPE_x, out, at, EPILOGUE(value, at));
#endif
            }
        }
    }
}

/* dw = the parts of MAKE 2, added in their order. */
__kernel void
conv_tiled_sum(__global const float *parts, __global STORAGE(TYPE_x) *dw,
               int count, int splits)
{
    int at = (int)get_global_id(0);
    float sum = 0.0f;

    if (at >= count)
        return;
    for (int s = 0; s < splits; s++)
        sum += parts[s * count + at];
    STORE(TYPE_x, dw, at, sum);
}

/* gemm_cpu.cl - matrix products on CPU-class devices, float32.
 *
 *     y[b,i,j] = alpha * sum over l of a[b,i,l] * b[b,l,j] + beta * c[i,j]
 *
 * A work-group is one work-item that makes a tile of y by explicit vectors. In
 * gemm_tiles it copies a block of b, tile_k x tile_n, into local memory (that
 * is, into the core's cache) as panels of PANEL columns:
 *
 *           PANEL      PANEL
 *        +---------+---------+--        each panel lies row after row, so the
 *   l    | panel 0 | panel 1 |  ...     inner loop reads it as one stream
 *        +---------+---------+--
 *
 * and then ROWS rows of a at a time meet each panel: ROWS x VECS accumulators,
 * VECS vectors of b and one number of a fill the registers (6 x 2 + 2 + 1 of
 * 16; 14 x 2 + 2 + 1 of 32). Sums over more than tile_k are kept in y between
 * the blocks. A few rows of a (ROWS = m <= 4) are a matter of bandwidth: then
 * b is read where it lies, by gemm_rows, or by gemm_dots when it is
 * transposed; a transposed b also for some rows more (m <= MOST_ROWS), by
 * gemm_dots_in_turn.
 *
 *   WIDTH           lanes of a vector: 4, 8 or 16
 *   ROWS, VECS      register tile; see above
 *   TURNED_A        1: a lies k x m; its ROWS numbers are gathered into local
 *                   memory for each block
 *   DOTS            rows of b that gemm_dots works on at a time
 *   MOST_ROWS       rows of a that gemm_dots_in_turn may have
 *   EPILOGUE(v, i)  what becomes of v before it is stored at i
 */
#pragma OPENCL FP_CONTRACT ON
#ifndef WIDTH
#define WIDTH 8
#endif
#ifndef ROWS
#define ROWS 6
#endif
#ifndef VECS
#define VECS 2
#endif
#ifndef TURNED_A
#define TURNED_A 0
#endif
#ifndef DOTS
#define DOTS 4
#endif
#ifndef MOST_ROWS
#define MOST_ROWS 24
#endif
#ifdef EPILOGUE
#define FUSED 1
#else
#define FUSED 0
#define EPILOGUE(v, i) (v)
#define EPILOGUE_PARAMETERS
#endif

#define VEC OC_CAT(float, WIDTH)
#define VLOAD OC_CAT(vload, WIDTH)
#define VSTORE OC_CAT(vstore, WIDTH)
#define PANEL (WIDTH * VECS)
#define ALWAYS static inline __attribute__((always_inline))

/* What all kernels take; two batch axes, outer first, as in gemm.cl. */
#define PARAMETERS                                                             \
    __global const float *a, __global const float *b, __global const float *c, \
        __global float *y, int m, int n, int k, int a_row, int a_column,       \
        int b_row, int b_column, int c_row, int c_column, float alpha,         \
        float beta, int batch, int a_outer, int b_outer, int a_inner,          \
        int b_inner, int tile_m, int tile_n, int tile_k

/* Moves a, b and y to this work-group's product. */
#define ENTER_BATCH                                                            \
    int which = (int)get_group_id(2), base = which * m * n;                    \
    a += which / batch * a_outer + which % batch * a_inner;                    \
    b += which / batch * b_outer + which % batch * b_inner;                    \
    y += base;

/* The last steps for one number of y. */
#define FINISH(v, i, j)                                                        \
    EPILOGUE(alpha *(v) +                                                      \
                 (beta != 0.0f ? beta * c[(i)*c_row + (j)*c_column] : 0.0f),   \
             base + (i)*n + (j))

/* rows x columns of b as a panel; absent columns become zero. */
ALWAYS void
pack_b(__global const float *b, __local float *panel, int rows, int columns,
       int b_row, int b_column)
{
    if (columns == PANEL && b_column == 1) {
        for (int l = 0; l < rows; l++)
#pragma unroll
            for (int v = 0; v < VECS; v++)
                VSTORE(VLOAD(0, b + l * b_row + v * WIDTH), 0,
                       panel + l * PANEL + v * WIDTH);
    } else if (columns == PANEL) {
        for (int l = 0; l < rows; l++)
#pragma unroll
            for (int j = 0; j < PANEL; j++)
                panel[l * PANEL + j] = b[l * b_row + j * b_column];
    } else {
        for (int l = 0; l < rows; l++)
            for (int j = 0; j < PANEL; j++)
                panel[l * PANEL + j] =
                    j < columns ? b[l * b_row + j * b_column] : 0.0f;
    }
}

/* ROWS numbers of a turned a for each l, side by side; absent rows repeat the
 * last. */
ALWAYS void
gather_a(__global const float *a, __local float *strip, int depth, int rows,
         int a_column)
{
    if (rows == ROWS) {
        for (int l = 0; l < depth; l++)
#pragma unroll
            for (int r = 0; r < ROWS; r++)
                strip[l * ROWS + r] = a[l * a_column + r];
    } else {
        for (int l = 0; l < depth; l++)
            for (int r = 0; r < ROWS; r++)
                strip[l * ROWS + r] = a[l * a_column + min(r, rows - 1)];
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_tiles(PARAMETERS, __local float *panels EPILOGUE_PARAMETERS)
{
    int j0 = (int)get_group_id(0) * tile_n, j1 = min(j0 + tile_n, n);
    int i0 = (int)get_group_id(1) * tile_m, i1 = min(i0 + tile_m, m);
#if TURNED_A
    __local float *strip = panels + tile_n * tile_k;
#endif
    ENTER_BATCH

    for (int l0 = 0; l0 < max(k, 1); l0 += tile_k) {
        int depth = min(tile_k, k - l0), last = l0 + tile_k >= k;

        for (int j = j0; j < j1; j += PANEL)
            pack_b(b + l0 * b_row + j * b_column, panels + (j - j0) * tile_k,
                   depth, min(PANEL, j1 - j), b_row, b_column);
        for (int i = i0; i < i1; i += ROWS) {
            int rows = min(ROWS, i1 - i);
#if TURNED_A
            gather_a(a + i + l0 * a_column, strip, depth, rows, a_column);
#else
            __global const float *line[ROWS];

#pragma unroll
            for (int r = 0; r < ROWS; r++)
                line[r] = a + (i + min(r, rows - 1)) * a_row + l0;
#endif
            for (int j = j0; j < j1; j += PANEL) {
                __local const float *panel = panels + (j - j0) * tile_k;
                VEC sum[ROWS][VECS];

#pragma unroll
                for (int r = 0; r < ROWS; r++)
#pragma unroll
                    for (int v = 0; v < VECS; v++)
                        sum[r][v] = 0.0f;
                for (int l = 0; l < depth; l++) {
                    VEC row[VECS];

#pragma unroll
                    for (int v = 0; v < VECS; v++)
                        row[v] = VLOAD(0, panel + l * PANEL + v * WIDTH);
#pragma unroll
                    for (int r = 0; r < ROWS; r++) {
#if TURNED_A
                        float x = strip[l * ROWS + r];
#else
                        float x = line[r][l];
#endif
#pragma unroll
                        for (int v = 0; v < VECS; v++)
                            sum[r][v] += x * row[v];
                    }
                }
#pragma unroll
                for (int r = 0; r < ROWS; r++) {
#pragma unroll
                    for (int v = 0; v < VECS; v++) {
                        int at = j + v * WIDTH;
                        __global float *to = y + (i + r) * n + at;
                        float part[WIDTH];

                        if (r >= rows || at >= j1)
                            continue;
                        if (l0 > 0 && at + WIDTH <= j1)
                            sum[r][v] += VLOAD(0, to);
#if !FUSED
                        if (at + WIDTH <= j1 && beta == 0.0f) {
                            VSTORE(last ? alpha * sum[r][v] : sum[r][v], 0, to);
                            continue;
                        }
#endif
                        VSTORE(sum[r][v], 0, part);
                        if (l0 > 0 && at + WIDTH > j1)
                            for (int e = 0; e < j1 - at; e++)
                                part[e] += to[e];
                        for (int e = 0; e < min(WIDTH, j1 - at); e++)
                            to[e] =
                                last ? FINISH(part[e], i + r, at + e) : part[e];
                    }
                }
            }
        }
    }
}

/* All m = ROWS rows of a with tile_n columns of a row-major b. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_rows(PARAMETERS EPILOGUE_PARAMETERS)
{
    int j0 = (int)get_group_id(0) * tile_n, j1 = min(j0 + tile_n, n);
    int j = j0;
    ENTER_BATCH

    for (; j + PANEL <= j1; j += PANEL) {
        VEC sum[ROWS][VECS];

#pragma unroll
        for (int r = 0; r < ROWS; r++)
#pragma unroll
            for (int v = 0; v < VECS; v++)
                sum[r][v] = 0.0f;
        for (int l = 0; l < k; l++) {
#pragma unroll
            for (int v = 0; v < VECS; v++) {
                VEC row = VLOAD(0, b + l * b_row + j + v * WIDTH);

#pragma unroll
                for (int r = 0; r < ROWS; r++)
                    sum[r][v] += a[r * a_row + l * a_column] * row;
            }
        }
#pragma unroll
        for (int r = 0; r < ROWS; r++)
#pragma unroll
            for (int v = 0; v < VECS; v++) {
                float part[WIDTH];
                int at = j + v * WIDTH;

                VSTORE(sum[r][v], 0, part);
                for (int e = 0; e < WIDTH; e++)
                    y[r * n + at + e] = FINISH(part[e], r, at + e);
            }
    }
    for (; j < j1; j++)
        for (int r = 0; r < ROWS; r++) {
            float sum = 0.0f;

            for (int l = 0; l < k; l++)
                sum += a[r * a_row + l * a_column] * b[l * b_row + j];
            y[r * n + j] = FINISH(sum, r, j);
        }
}

ALWAYS float
add_lanes(VEC v)
{
    float part[WIDTH], sum = 0.0f;

    VSTORE(v, 0, part);
#pragma unroll
    for (int e = 0; e < WIDTH; e++)
        sum += part[e];
    return sum;
}

/* All m = ROWS rows of a (row-major) with tile_n rows of a b that lies n x k:
 * numbers of y are dot products of rows. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_dots(PARAMETERS EPILOGUE_PARAMETERS)
{
    int j0 = (int)get_group_id(0) * tile_n, j1 = min(j0 + tile_n, n);
    ENTER_BATCH

    for (int j = j0; j < j1; j += DOTS) {
        VEC sum[ROWS][DOTS];
        int from[DOTS], l = 0;

#pragma unroll
        for (int d = 0; d < DOTS; d++)
            from[d] = min(j + d, j1 - 1) * b_column;
#pragma unroll
        for (int r = 0; r < ROWS; r++)
#pragma unroll
            for (int d = 0; d < DOTS; d++)
                sum[r][d] = 0.0f;
        for (; l + WIDTH <= k; l += WIDTH) {
            VEC row[ROWS];

#pragma unroll
            for (int r = 0; r < ROWS; r++)
                row[r] = VLOAD(0, a + r * a_row + l);
#pragma unroll
            for (int d = 0; d < DOTS; d++) {
                VEC x = VLOAD(0, b + from[d] + l);

#pragma unroll
                for (int r = 0; r < ROWS; r++)
                    sum[r][d] += row[r] * x;
            }
        }
#pragma unroll
        for (int r = 0; r < ROWS; r++)
#pragma unroll
            for (int d = 0; d < DOTS; d++) {
                float total;

                if (j + d >= j1)
                    continue;
                total = add_lanes(sum[r][d]);
                for (int t = l; t < k; t++)
                    total += a[r * a_row + t] * b[from[d] + t];
                y[r * n + j + d] = FINISH(total, r, j + d);
            }
    }
}

/* The same with more rows, ROWS of a at a time: rows of b come through memory
 * once, `tile_k` numbers of DOTS of them at a time, which stay in the first
 * cache while all rows of a meet them. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_dots_in_turn(PARAMETERS EPILOGUE_PARAMETERS)
{
    int j0 = (int)get_group_id(0) * tile_n, j1 = min(j0 + tile_n, n);
    int whole = k / WIDTH * WIDTH;
    VEC total[MOST_ROWS][DOTS];
    ENTER_BATCH

    for (int j = j0; j < j1; j += DOTS) {
        int from[DOTS];

#pragma unroll
        for (int d = 0; d < DOTS; d++)
            from[d] = min(j + d, j1 - 1) * b_column;
        for (int l0 = 0; l0 < max(whole, 1); l0 += tile_k) {
            int l1 = min(l0 + tile_k, whole);

            for (int i = 0; i < m; i += ROWS) {
                VEC sum[ROWS][DOTS];
                int line[ROWS];

#pragma unroll
                for (int r = 0; r < ROWS; r++) {
                    line[r] = min(i + r, m - 1) * a_row;
#pragma unroll
                    for (int d = 0; d < DOTS; d++)
                        sum[r][d] = l0 > 0 ? total[i + r][d] : (VEC)(0.0f);
                }
                for (int l = l0; l < l1; l += WIDTH) {
                    VEC x[DOTS];

#pragma unroll
                    for (int d = 0; d < DOTS; d++)
                        x[d] = VLOAD(0, b + from[d] + l);
#pragma unroll
                    for (int r = 0; r < ROWS; r++) {
                        VEC row = VLOAD(0, a + line[r] + l);

#pragma unroll
                        for (int d = 0; d < DOTS; d++)
                            sum[r][d] += row * x[d];
                    }
                }
#pragma unroll
                for (int r = 0; r < ROWS; r++)
#pragma unroll
                    for (int d = 0; d < DOTS; d++)
                        total[i + r][d] = sum[r][d];
            }
        }
        for (int i = 0; i < m; i++)
            for (int d = 0; d < min(DOTS, j1 - j); d++) {
                float v = add_lanes(total[i][d]);

                for (int t = whole; t < k; t++)
                    v += a[i * a_row + t] * b[from[d] + t];
                y[i * n + j + d] = FINISH(v, i, j + d);
            }
    }
}

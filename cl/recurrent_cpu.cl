/* recurrent_cpu.cl - LSTM, GRU and RNN on CPU-class devices, float32.
 *
 * The products with X are made before, for all steps at once; g holds them.
 * What is left runs step after step: h R' for some samples and hidden units,
 * and at once what the cell makes of it, while the sums are in registers. A
 * work-group is one work-item with a tile of samples and of blocks of hidden
 * units. One that has all units needs nothing from its neighbours, so it does
 * all steps in one launch; else a launch does one step.
 *
 * R is packed before: a block is BLOCK = UNITS x WIDTH hidden units wide,
 *
 *     forward    block, gates and units in vectors, two by two, l
 *                                        R[gate * hidden + unit, l]
 *     backward   two vectors of units, l  R[l, unit], l over all gates
 *
 * so that the inner loop reads one stream: two vectors and ROWS numbers make
 * 2 x ROWS products in as many registers. (With a vector for each of four gates
 * at once, one sum of twelve has no register of sixteen, and all wait for it.)
 *
 *   WIDTH           lanes of a vector: 4, 8 or 16
 *   ROWS            samples of the register tile
 *   UNITS           vectors of hidden units in a block: 1 LSTM, else 2
 *   DEPTH           how far backward sums go before they rest in carry
 *   GATES, LAYOUT, INPUT_FORGET, ACT_F, SLOPE_F ...: see recurrent.cl
 */
#pragma OPENCL FP_CONTRACT ON
#ifndef WIDTH
#define WIDTH 8
#endif
#ifndef ROWS
#define ROWS 3
#endif
#ifndef UNITS
#define UNITS 1
#endif
#ifndef DEPTH
#define DEPTH 256
#endif
#ifndef GATES
#define GATES 4
#endif
#ifndef LAYOUT
#define LAYOUT 0
#endif
#ifndef INPUT_FORGET
#define INPUT_FORGET 0
#endif
#ifndef ACT_F
#define ACT_F(x, a, b) (x)
#define SLOPE_F(p, y, a, b) ((V)1)
#define ACT_G(x, a, b) (x)
#define SLOPE_G(p, y, a, b) ((V)1)
#define ACT_H(x, a, b) (x)
#define SLOPE_H(p, y, a, b) ((V)1)
#endif

#define VEC OC_CAT(float, WIDTH)
#define V VEC
#define VINT OC_CAT(int, WIDTH)
#define VLOAD OC_CAT(vload, WIDTH)
#define VSTORE OC_CAT(vstore, WIDTH)
#define BLOCK (UNITS * WIDTH)
#define VECS (GATES * UNITS) /* an even number */
#define TWO (2 * WIDTH)
#define ALWAYS static inline __attribute__((always_inline))

#define HAS_B 1
#define HAS_LENGTHS 2 /* forwards only */
#define HAS_H0 4
#define HAS_C0 8
#define HAS_P 16
#define HAS_DY 32
#define HAS_DH 64
#define HAS_DC 128
#define HAS_BEFORE 256
#define KEEP_GATES 512  /* somebody reads them */
#define DO_GATES 1024   /* the gradient of the gates */
#define DO_CARRY 2048   /* ... and of the output before */
#define CARRY_FIRST 4096 /* ... also before the first step */

#if LAYOUT
#define ROW(t, b) ((b)*steps + (t))
#define Y_AT(t, b) ((((b)*steps + (t)) * directions + d) * hidden)
#define STATE(b) (((b)*directions + d) * hidden)
#else
#define ROW(t, b) ((t)*batch + (b))
#define Y_AT(t, b) ((((t)*directions + d) * batch + (b)) * hidden)
#define STATE(b) ((d * batch + (b)) * hidden)
#endif

/* ---- vectors ------------------------------------------------------------ */

/* The first n lanes. */
ALWAYS VEC
take(__global const float *p, int n)
{
    float part[WIDTH];

    if (n >= WIDTH)
        return VLOAD(0, p);
    for (int k = 0; k < WIDTH; k++)
        part[k] = k < n ? p[k] : 0.0f;
    return VLOAD(0, part);
}

ALWAYS void
put(__global float *p, int n, VEC v)
{
    float part[WIDTH];

    if (n >= WIDTH) {
        VSTORE(v, 0, p);
        return;
    }
    VSTORE(v, 0, part);
    for (int k = 0; k < n; k++)
        p[k] = part[k];
}

/* e to the x by 2 to the n and a polynomial (Cephes' expf), without a branch:
 * a vector's exp may be as many calls of a scalar one. */
ALWAYS VEC
fast_exp(VEC x)
{
    VEC n, r, y;

    x = x < -87.0f ? (VEC)-87.0f : x; /* a NaN stays one */
    x = x > 88.0f ? (VEC)88.0f : x;
    n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
    r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    y = r * 1.9875691500e-4f + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * (r * r) + r + 1.0f;
    return y * OC_CAT(as_float, WIDTH)(
                   (OC_CAT(convert_int, WIDTH)(n) + 127) << 23);
}

ALWAYS VEC
fast_tanh(VEC x)
{
    VEC z = x * x, e = fast_exp(-2.0f * fabs(x));
    VEC far = copysign((1.0f - e) / (1.0f + e), x), near;

    near = z * -5.70498872745e-3f + 2.06390887954e-2f;
    near = near * z - 5.37397155531e-2f;
    near = near * z + 1.33314422036e-1f;
    near = near * z - 3.33332819422e-1f;
    near = near * z * x + x;
    return fabs(x) < (VEC)0.625f ? near : far;
}

#define EXP(x) fast_exp(x)
#define TANH(x) fast_tanh(x)

/* sum += rows times two vectors of a panel, n deep. */
#define MULTIPLY(sum, line, panel, n)                                          \
    for (int l = 0; l < (n); l++) {                                            \
        VEC left = VLOAD(2 * l, panel), right = VLOAD(2 * l + 1, panel);       \
        _Pragma("unroll") for (int q = 0; q < ROWS; q++)                       \
        {                                                                      \
            float x = line[q][l];                                              \
            sum[q][0] += x * left;                                             \
            sum[q][1] += x * right;                                            \
        }                                                                      \
    }

/* ---- R, packed ---------------------------------------------------------- */

/* One work-item a block and l. */
__kernel void
pack_forward(__global const float *r, __global float *packed, int hidden, int d,
             int packed_at)
{
    int l = (int)get_global_id(0), block = (int)get_global_id(1);

    if (l >= hidden)
        return;
    packed += packed_at + block * hidden * VECS * WIDTH;
    for (int v = 0; v < VECS; v++)
        for (int e = 0; e < WIDTH; e++) {
            int j = block * BLOCK + v % UNITS * WIDTH + e;
            int row = (d * GATES + v / UNITS) * hidden + j;

            packed[(v / 2 * hidden + l) * TWO + v % 2 * WIDTH + e] =
                j < hidden ? r[row * hidden + l] : 0.0f;
        }
}

__kernel void
pack_backward(__global const float *r, __global float *packed, int hidden,
              int d, int packed_at)
{
    int l = (int)get_global_id(0), block = (int)get_global_id(1);
    int depth = GATES * hidden;

    if (l >= depth)
        return;
    packed += packed_at + (block * depth + l) * TWO;
    for (int u = 0; u < TWO; u++)
        packed[u] = block * TWO + u < hidden
                        ? r[(d * depth + l) * hidden + block * TWO + u]
                        : 0.0f;
}

/* ---- forward ------------------------------------------------------------ */

/* Steps from .. from + count, in their order; tile_b samples and tile_j blocks
 * a work-group. */
#define SIZES                                                                  \
    int has, int steps, int batch, int hidden, int directions, int d,          \
        int backwards, int g_at, int c_at, int packed_at, int from, int count, \
        int tile_b, int tile_j
#define NUMBERS                                                                \
    float limit, float fa, float fb, float ga, float gb, float ha, float hb

/* What the cell makes of one row: BLOCK units from j0 on. */
#define CELL                                                                   \
    __global const float *bias, __global const int *lengths,                   \
        __global const float *h0, __global const float *c0,                    \
        __global const float *p, __global float *y, __global float *g,         \
        __global float *c

#define SHARE(k) VLOAD((k)*UNITS + u, sums)
#define BIAS(k)                                                                \
    (has & HAS_B ? take(bias + (d * 2 * GATES + (k)) * hidden + j, n)          \
                 : (VEC)0.0f)
#define BIASES(k) (BIAS(k) + BIAS(GATES + (k)))
#define PEEP(k, v)                                                             \
    (has & HAS_P ? take(p + (d * 3 + (k)) * hidden + j, n) * (v) : (VEC)0.0f)
#define KEEP(k, v)                                                             \
    if (has & KEEP_GATES)                                                      \
    put(gate + (k)*hidden, n, v)

#if GATES == 4
#define CELL_STEP                                                              \
    VEC old = first ? has & HAS_C0 ? take(c0 + STATE(b) + j, n) : (VEC)0.0f    \
                    : take(c + (d * steps * batch + ROW(before, b)) * hidden + \
                               j,                                              \
                           n);                                                 \
    VEC in = take(gate, n) + SHARE(0) + BIASES(0) + PEEP(0, old);              \
    VEC out = take(gate + hidden, n) + SHARE(1) + BIASES(1);                   \
    VEC hold = take(gate + 2 * hidden, n) + SHARE(2) + BIASES(2);              \
    VEC cell = take(gate + 3 * hidden, n) + SHARE(3) + BIASES(3);              \
    hold += PEEP(2, old);                                                      \
    in = ACT_F(in, fa, fb);                                                    \
    hold = INPUT_FORGET ? 1.0f - in : ACT_F(hold, fa, fb);                     \
    cell = ACT_G(cell, ga, gb);                                                \
    KEEP(0, in);                                                               \
    KEEP(2, hold);                                                             \
    KEEP(3, cell);                                                             \
    cell = hold * old + in * cell;                                             \
    out += PEEP(1, cell);                                                      \
    out = ACT_F(out, fa, fb);                                                  \
    KEEP(1, out);                                                              \
    put(c + row * hidden + j, n, cell);                                        \
    put(y + Y_AT(t, b) + j, n, out * ACT_H(cell, ha, hb));
#elif GATES == 3
#define CELL_STEP                                                              \
    VEC old = OLD_H;                                                           \
    VEC z = take(gate, n) + SHARE(0) + BIASES(0);                              \
    VEC reset = take(gate + hidden, n) + SHARE(1) + BIASES(1);                 \
    VEC fresh = take(gate + 2 * hidden, n) + BIAS(2);                          \
    VEC share = SHARE(2) + BIAS(GATES + 2);                                    \
    z = ACT_F(z, fa, fb);                                                      \
    reset = ACT_F(reset, fa, fb);                                              \
    fresh += reset * share;                                                    \
    fresh = ACT_G(fresh, ga, gb);                                              \
    KEEP(0, z);                                                                \
    KEEP(1, reset);                                                            \
    KEEP(2, fresh);                                                            \
    if (has & KEEP_GATES)                                                      \
        put(c + row * hidden + j, n, share);                                   \
    put(y + Y_AT(t, b) + j, n, (1.0f - z) * fresh + z * old);
#else
#define CELL_STEP                                                              \
    VEC v = take(gate, n) + SHARE(0) + BIASES(0);                              \
    v = ACT_F(v, fa, fb);                                                      \
    KEEP(0, v);                                                                \
    put(y + Y_AT(t, b) + j, n, v);
#endif
/* Behind a sample's length all is zero. */
#define IDLE (has & HAS_LENGTHS && t >= lengths[b])
#define CELL_IDLE                                                              \
    put(y + Y_AT(t, b) + j, n, (VEC)0.0f);                                     \
    for (int k = 0; k < GATES; k++)                                            \
        KEEP(k, (VEC)0.0f);                                                    \
    if (GATES != 1 && has & KEEP_GATES)                                        \
        put(c + row * hidden + j, n, (VEC)0.0f);
#define OLD_H                                                                  \
    (first ? has & HAS_H0 ? take(h0 + STATE(b) + j, n) : (VEC)0.0f             \
           : take(y + Y_AT(before, b) + j, n))

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
cells_forward(__global const float *packed, __global const float *bias,
              __global const int *lengths, __global const float *h0,
              __global const float *c0, __global const float *p,
              __global float *y, __global float *g, __global float *c, SIZES,
              NUMBERS)
{
    int b0 = (int)get_group_id(0) * tile_b, b1 = min(b0 + tile_b, batch);
    int blocks = (hidden + BLOCK - 1) / BLOCK;
    int j0 = (int)get_group_id(1) * tile_j, j1 = min(j0 + tile_j, blocks);

    g += g_at;
    c += c_at;
    packed += packed_at;
    for (int s = from; s < from + count; s++) {
        int t = backwards ? steps - 1 - s : s, first = s == 0;
        int before = backwards ? t + 1 : t - 1;

        for (int block = j0; block < j1; block++)
            for (int top = b0; top < b1; top += ROWS) {
                __global const float *line[ROWS];
                float kept[ROWS * VECS * WIDTH];

#pragma unroll
                for (int q = 0; q < ROWS; q++) {
                    int b = min(top + q, b1 - 1);

                    line[q] = first ? h0 + STATE(b) : y + Y_AT(before, b);
                }
                for (int v = 0; v < VECS; v += 2) {
                    __global const float *panel =
                        packed + (block * VECS + v) * hidden * WIDTH;
                    VEC sum[ROWS][2];

#pragma unroll
                    for (int q = 0; q < ROWS; q++)
                        sum[q][0] = sum[q][1] = 0.0f;
                    MULTIPLY(sum, line, panel,
                             first && !(has & HAS_H0) ? 0 : hidden)
#pragma unroll
                    for (int q = 0; q < ROWS; q++) {
                        VSTORE(sum[q][0], q * VECS + v, kept);
                        VSTORE(sum[q][1], q * VECS + v + 1, kept);
                    }
                }
                for (int b = top; b < min(top + ROWS, b1); b++)
                    for (int u = 0; u < UNITS; u++) {
                        const float *sums = kept + (b - top) * VECS * WIDTH;
                        int j = block * BLOCK + u * WIDTH, n = hidden - j;
                        int row = d * steps * batch + ROW(t, b);
                        __global float *gate = g + row * GATES * hidden + j;

                        if (n <= 0)
                            break;
                        if (IDLE) {
                            CELL_IDLE
                        } else {
                            CELL_STEP
                        }
                    }
            }
    }
}

/* ---- gradients ---------------------------------------------------------- */

#define GIVE(k, v) put(dgate + (k)*hidden, n, v)
#define GIVE_OTHER(k, v) put(other + (row * GATES + (k)) * hidden + j, n, v)
#define GATE(k) take(g + (row * GATES + (k)) * hidden + j, n)

#if GATES == 4
#define CELL_BACK                                                              \
    VEC in = GATE(0), out = GATE(1), hold = GATE(2), fresh = GATE(3);          \
    VEC old = first ? has & HAS_C0 ? take(c0 + STATE(b) + j, n) : (VEC)0.0f    \
                    : take(c + (d * steps * batch + ROW(before, b)) * hidden + \
                               j,                                              \
                           n);                                                 \
    VEC cell = take(c + row * hidden + j, n), squashed = ACT_H(cell, ha, hb);  \
    VEC dc = CARRIED_C;                                                        \
    VEC pre = dh * squashed * SLOPE_F(out, out, fa, fb);                       \
    dc += dh * out * SLOPE_H(cell, squashed, ha, hb) + PEEP(1, pre);           \
    GIVE(1, pre);                                                              \
    GIVE(3, dc * in * SLOPE_G(fresh, fresh, ga, gb));                          \
    cell = dc * hold;                                                          \
    pre = INPUT_FORGET ? (VEC)0.0f : dc * old * SLOPE_F(hold, hold, fa, fb);   \
    cell += PEEP(2, pre);                                                      \
    GIVE(2, pre);                                                              \
    pre = dc * (INPUT_FORGET ? fresh - old : fresh) * SLOPE_F(in, in, fa, fb); \
    cell += PEEP(0, pre);                                                      \
    GIVE(0, pre);                                                              \
    put(carry + b * hidden + j, n, (VEC)0.0f);                                 \
    put(carry + (batch + b) * hidden + j, n, cell);
#elif GATES == 3
#define CELL_BACK                                                              \
    VEC z = GATE(0), reset = GATE(1), fresh = GATE(2), old = OLD_H;            \
    VEC pre = dh * (1.0f - z) * SLOPE_G(fresh, fresh, ga, gb);                 \
    put(carry + b * hidden + j, n, dh * z);                                    \
    z = dh * (old - fresh) * SLOPE_F(z, z, fa, fb);                            \
    GIVE(0, z);                                                                \
    GIVE_OTHER(0, z);                                                          \
    GIVE(2, pre);                                                              \
    GIVE_OTHER(2, pre * reset);                                                \
    pre *= take(c + row * hidden + j, n) * SLOPE_F(reset, reset, fa, fb);      \
    GIVE(1, pre);                                                              \
    GIVE_OTHER(1, pre);
#else
#define CELL_BACK                                                              \
    VEC v = GATE(0);                                                           \
    GIVE(0, dh * SLOPE_F(v, v, fa, fb));                                       \
    put(carry + b * hidden + j, n, (VEC)0.0f);
#endif

#define CARRIED_C                                                              \
    (last ? has & HAS_DC ? take(dlast_c + STATE(b) + j, n) : (VEC)0.0f         \
          : take(carry + (batch + b) * hidden + j, n))
/* Behind a sample's length the states' gradients pass. */
#define BACK_IDLE                                                              \
    for (int k = 0; k < GATES; k++) {                                          \
        GIVE(k, (VEC)0.0f);                                                    \
        if (GATES == 3)                                                        \
            GIVE_OTHER(k, (VEC)0.0f);                                          \
    }                                                                          \
    put(carry + b * hidden + j, n, dh);                                        \
    if (GATES == 4)                                                            \
        put(carry + (batch + b) * hidden + j, n, CARRIED_C);

#define GRADIENTS                                                              \
    __global const float *packed, __global const float *y,                     \
        __global const float *g, __global const float *c,                      \
        __global const int *lengths, __global const float *h0, __global const float *c0,                    \
        __global const float *p, __global const float *dy,                     \
        __global const float *dlast_h, __global const float *dlast_c,          \
        __global float *dg, __global float *before_h, __global float *other,   \
        __global float *carry

/* carry += the gates' gradient at time t times R, for the samples b0 .. b1. */
ALWAYS void
multiply_back(__global const float *packed, __global const float *from,
              __global float *carry, int steps, int batch, int hidden, int d,
              int t, int b0, int b1, int j0, int j1)
{
    int depth = GATES * hidden;

    for (int block = j0; block < j1; block++)
        for (int l0 = 0; l0 < depth; l0 += DEPTH)
            for (int top = b0; top < b1; top += ROWS) {
                int deep = min(DEPTH, depth - l0);
                int j = block * TWO;
                __global const float *panel =
                    packed + (block * depth + l0) * TWO;
                __global const float *line[ROWS];
                VEC sum[ROWS][2];

#pragma unroll
                for (int q = 0; q < ROWS; q++) {
                    int b = min(top + q, b1 - 1);

                    line[q] =
                        from + (d * steps * batch + ROW(t, b)) * depth + l0;
                    sum[q][0] = sum[q][1] = 0.0f;
                }
                MULTIPLY(sum, line, panel, deep)
#pragma unroll
                for (int q = 0; q < ROWS; q++)
#pragma unroll
                    for (int v = 0; v < 2; v++) {
                        int n = hidden - j - v * WIDTH;
                        __global float *to =
                            carry + (top + q) * hidden + j + v * WIDTH;

                        if (n > 0 && top + q < b1)
                            put(to, n, take(to, n) + sum[q][v]);
                    }
            }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
cells_backward(GRADIENTS, SIZES, int carry_at, NUMBERS)
{
    int b0 = (int)get_group_id(0) * tile_b, b1 = min(b0 + tile_b, batch);
    int blocks = (hidden + TWO - 1) / TWO;
    int j0 = (int)get_group_id(1) * tile_j, j1 = min(j0 + tile_j, blocks);

    carry += carry_at;
    packed += packed_at;
    for (int s = from + count - 1; s >= from; s--) {
        int t = backwards ? steps - 1 - s : s, first = s == 0;
        int before = backwards ? t + 1 : t - 1, last = s == steps - 1;

        for (int b = b0; has & DO_GATES && b < b1; b++) {
            int row = d * steps * batch + ROW(t, b);

            for (int j = j0 * TWO; j < min(j1 * TWO, hidden); j += WIDTH) {
                int n = hidden - j;
                __global float *dgate = dg + row * GATES * hidden + j;
                VEC dh = last ? has & HAS_DH ? take(dlast_h + STATE(b) + j, n)
                                             : (VEC)0.0f
                              : take(carry + b * hidden + j, n);

                if (has & HAS_BEFORE)
                    put(before_h + row * hidden + j, n, OLD_H);
                if (IDLE) {
                    BACK_IDLE
                    continue;
                }
                if (has & HAS_DY)
                    dh += take(dy + Y_AT(t, b) + j, n);
                CELL_BACK
            }
        }
        if (has & DO_CARRY && (!first || has & CARRY_FIRST))
            multiply_back(packed, GATES == 3 ? other : dg, carry, steps, batch,
                          hidden, d, t, b0, b1, j0, j1);
    }
}

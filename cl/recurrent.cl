/* recurrent.cl - LSTM, GRU and RNN, one time step a launch: the reference.
 *
 *     pre_k = W_k x + R_k h + Wb_k + Rb_k        for each gate k of the cell
 *
 *     LSTM  i = f(pre_i + P_i c), o = f(pre_o + P_o c'), k = f(pre_f + P_f c)
 *           c' = k c + i g(pre_c),  h' = o h(c')
 *     GRU   z, r = f(pre_z), f(pre_r),  n = g(W x + Wb + r (R h + Rb)), or
 *           g(W x + Wb + R (r h) + Rb);  h' = (1 - z) n + z h
 *     RNN   h' = f(pre)
 *
 * One work-item makes one number of the state: hidden unit j of sample b. Row
 * t, b of x stands for a row of the kept tensors too:
 *
 *     g  rows x GATES x hidden: the gates after their functions, or, with
 *        KEEP_INPUT, what went into these
 *     c  rows x hidden: LSTM the cell, GRU with LINEAR R h + Rb of gate n
 *
 * A sample that is shorter than the batch's time keeps its state and gives 0;
 * backwards its first step is then the last within its length. Gradients run
 * through the steps the other way; carry holds dh and dc between them.
 *
 *   TYPE_x          storage type of all tensors
 *   GATES           1 RNN, 3 GRU, 4 LSTM
 *   LAYOUT          ONNX's attribute: 1 has the batch first
 *   LINEAR          GRU's linear_before_reset
 *   INPUT_FORGET    LSTM's forget gate is 1 - input gate
 *   KEEP_INPUT      see g
 *   ACT_F, SLOPE_F  a function of x with numbers a and b; its slope, of p, the
 *                   number kept, and y, the function's value. Also G and H.
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef GATES
#define GATES 4
#endif
#ifndef LAYOUT
#define LAYOUT 0
#endif
#ifndef LINEAR
#define LINEAR 0
#endif
#ifndef INPUT_FORGET
#define INPUT_FORGET 0
#endif
#ifndef KEEP_INPUT
#define KEEP_INPUT 0
#endif
#ifndef ACT_F
#define ACT_F(x, a, b) (x)
#define SLOPE_F(p, y, a, b) ((V)1)
#define ACT_G(x, a, b) (x)
#define SLOPE_G(p, y, a, b) ((V)1)
#define ACT_H(x, a, b) (x)
#define SLOPE_H(p, y, a, b) ((V)1)
#endif

#define V ACC
#define EXP(x) exp(x)
#define TANH(x) tanh(x)

#define HAS_B 1
#define HAS_LENGTHS 2
#define HAS_H0 4
#define HAS_C0 8
#define HAS_P 16
#define HAS_DY 32
#define HAS_DH 64
#define HAS_DC 128
#define HAS_BEFORE 256

typedef STORAGE(TYPE_x) number;
#define READ(x, i) ((ACC)LOAD(TYPE_x, x, i))
#define WRITE(x, i, v) STORE(TYPE_x, x, i, v)

#if LAYOUT
#define ROW(t, b) ((b)*steps + (t))
#define Y_AT(t, b) ((((b)*steps + (t)) * directions + d) * hidden)
#define STATE(b) (((b)*directions + d) * hidden)
#else
#define ROW(t, b) ((t)*batch + (b))
#define Y_AT(t, b) ((((t)*directions + d) * batch + (b)) * hidden)
#define STATE(b) ((d * batch + (b)) * hidden)
#endif

/* What every kernel that stands at a time t knows. */
#define ENTER                                                                  \
    int id = (int)get_global_id(0), b = id / max(hidden, 1);                   \
    int j = id - b * hidden, rows = steps * batch;                             \
    int length, first, before, row, gate;                                      \
    if (b >= batch)                                                            \
        return;                                                                \
    length = has & HAS_LENGTHS ? clamp(lengths[b], 0, steps) : steps;          \
    first = t == (backwards ? length - 1 : 0);                                 \
    before = backwards ? t + 1 : t - 1;                                        \
    row = d * rows + ROW(t, b);                                                \
    gate = g_at + row * GATES * hidden + j;

#define SIZES                                                                  \
    int has, int steps, int batch, int hidden, int directions, int d,          \
        int backwards, int g_at, int c_at, int t
#define NUMBERS                                                                \
    float limit, float fa, float fb, float ga, float gb, float ha, float hb

static inline ACC
dot_rows(__global const number *a, int from_a, __global const number *b,
         int from_b, int n)
{
    ACC sum = 0;

    for (int l = 0; l < n; l++)
        sum += READ(a, from_a + l) * READ(b, from_b + l);
    return sum;
}

static inline ACC
limited(ACC v, float limit)
{
    if (limit > 0.0f) /* a NaN stays one */
        v = v < -limit ? -limit : v > limit ? limit : v;
    return v;
}

/* ---- forward ------------------------------------------------------------ */

#define FORWARD                                                                \
    __global const number *x, __global const number *w,                        \
        __global const number *r, __global const number *bias,                 \
        __global const int *lengths, __global const number *h0,                \
        __global const number *c0, __global const number *p,                   \
        __global number *y, __global number *g, __global number *c, SIZES,     \
        int width, NUMBERS

/* Of gate k: the input's share, and the former output's. */
#define FROM_X(k)                                                              \
    (dot_rows(x, ROW(t, b) * width, w,                                         \
              ((d * GATES + (k)) * hidden + j) * width, width) +               \
     (has & HAS_B ? READ(bias, (d * 2 * GATES + (k)) * hidden + j) : 0))
#define R_ROW(k) (((d * GATES + (k)) * hidden + j) * hidden)
#define FROM_H(k)                                                              \
    ((!first         ? dot_rows(y, Y_AT(before, b), r, R_ROW(k), hidden)       \
      : has & HAS_H0 ? dot_rows(h0, STATE(b), r, R_ROW(k), hidden)             \
                     : 0) +                                                    \
     (has & HAS_B ? READ(bias, (d * 2 * GATES + GATES + (k)) * hidden + j)     \
                  : 0))
#define OLD_H(i)                                                               \
    (!first         ? READ(y, Y_AT(before, b) + (i))                           \
     : has & HAS_H0 ? READ(h0, STATE(b) + (i))                                 \
                    : 0)
#define OLD_C                                                                  \
    (!first         ? READ(c, c_at + (d * rows + ROW(before, b)) * hidden + j) \
     : has & HAS_C0 ? READ(c0, STATE(b) + j)                                   \
                    : 0)
#define KEEP(k, pre, post)                                                     \
    WRITE(g, gate + (k)*hidden, KEEP_INPUT ? (pre) : (post))
#define IDLE(kept)                                                             \
    if (t >= length) {                                                         \
        WRITE(y, Y_AT(t, b) + j, 0);                                           \
        for (int k = 0; k < GATES; k++)                                        \
            WRITE(g, gate + k * hidden, 0);                                    \
        if (kept)                                                              \
            WRITE(c, c_at + row * hidden + j, 0);                              \
        return;                                                                \
    }

__kernel void
rnn_step(FORWARD)
{
    ACC pre, post;
    ENTER
    IDLE(0)
    pre = limited(FROM_X(0) + FROM_H(0), limit);
    post = ACT_F(pre, fa, fb);
    KEEP(0, pre, post);
    WRITE(y, Y_AT(t, b) + j, post);
}

#if GATES == 4
__kernel void
lstm_step(FORWARD)
{
    ENTER
    ACC pre[4], old, in, out, keep, cell;
    int peep = d * 3 * hidden + j;
    IDLE(1)
    old = OLD_C;
    for (int k = 0; k < 4; k++)
        pre[k] = FROM_X(k) + FROM_H(k);
    if (has & HAS_P) {
        pre[0] += READ(p, peep) * old;
        pre[2] += READ(p, peep + 2 * hidden) * old;
    }
    pre[0] = limited(pre[0], limit);
    pre[2] = limited(pre[2], limit);
    pre[3] = limited(pre[3], limit);
    in = ACT_F(pre[0], fa, fb);
    keep = INPUT_FORGET ? 1 - in : ACT_F(pre[2], fa, fb);
    cell = ACT_G(pre[3], ga, gb);
    KEEP(0, pre[0], in);
    KEEP(2, pre[2], keep);
    KEEP(3, pre[3], cell);
    cell = keep * old + in * cell;
    if (has & HAS_P)
        pre[1] += READ(p, peep + hidden) * cell;
    pre[1] = limited(pre[1], limit);
    out = ACT_F(pre[1], fa, fb);
    KEEP(1, pre[1], out);
    WRITE(c, c_at + row * hidden + j, cell);
    WRITE(y, Y_AT(t, b) + j, out * ACT_H(cell, ha, hb));
}
#endif

#if GATES == 3
/* LINEAR: all of it; else the gates z and r only. */
__kernel void
gru_step(FORWARD)
{
    ACC pre[3], z, reset, fresh;
    ENTER
    IDLE(LINEAR)
    pre[0] = limited(FROM_X(0) + FROM_H(0), limit);
    pre[1] = limited(FROM_X(1) + FROM_H(1), limit);
    z = ACT_F(pre[0], fa, fb);
    reset = ACT_F(pre[1], fa, fb);
    KEEP(0, pre[0], z);
    KEEP(1, pre[1], reset);
#if LINEAR
    fresh = FROM_H(2);
    WRITE(c, c_at + row * hidden + j, fresh);
    pre[2] = limited(FROM_X(2) + reset * fresh, limit);
    fresh = ACT_G(pre[2], ga, gb);
    KEEP(2, pre[2], fresh);
    WRITE(y, Y_AT(t, b) + j, (1 - z) * fresh + z * OLD_H(j));
#endif
}

__kernel void
gru_finish(FORWARD)
{
    ACC pre = 0, z, fresh;
    ENTER
    if (t >= length)
        return;
    for (int l = 0; l < hidden; l++) {
        ACC reset = READ(g, gate - j + hidden + l);

        reset = KEEP_INPUT ? ACT_F(reset, fa, fb) : reset;
        pre += reset * OLD_H(l) * READ(r, R_ROW(2) + l);
    }
    if (has & HAS_B)
        pre += READ(bias, (d * 2 * GATES + GATES + 2) * hidden + j);
    pre = limited(pre + FROM_X(2), limit);
    fresh = ACT_G(pre, ga, gb);
    KEEP(2, pre, fresh);
    z = READ(g, gate);
    z = KEEP_INPUT ? ACT_F(z, fa, fb) : z;
    WRITE(y, Y_AT(t, b) + j, (1 - z) * fresh + z * OLD_H(j));
}
#endif

/* The states after the last step: from y or c, or as they came. `kept`: c is
 * laid as c is, not as y. */
__kernel void
last_state(__global const number *from, __global const number *start,
           __global const int *lengths, __global number *to, int has, int kept,
           int has_start, int steps, int batch, int hidden, int directions,
           int d, int backwards, int c_at)
{
    int id = (int)get_global_id(0), b = id / max(hidden, 1);
    int j = id - b * hidden, length, t;
    ACC v = 0;

    if (b >= batch)
        return;
    length = has & HAS_LENGTHS ? clamp(lengths[b], 0, steps) : steps;
    t = backwards ? 0 : length - 1;
    if (length > 0)
        v = READ(from, kept
                           ? c_at + (d * steps * batch + ROW(t, b)) * hidden + j
                           : Y_AT(t, b) + j);
    else if (has_start)
        v = READ(start, STATE(b) + j);
    WRITE(to, STATE(b) + j, v);
}

/* ---- gradients ---------------------------------------------------------- */

#define BACKWARD                                                               \
    __global const number *r, __global const number *y,                        \
        __global const number *g, __global const number *c,                    \
        __global const int *lengths, __global const number *h0,                \
        __global const number *c0, __global const number *p,                   \
        __global const number *dy, __global number *dg,                        \
        __global number *before_h, __global number *other,                     \
        __global ACC *carry, SIZES, int carry_at, NUMBERS

#define SLOPE(F, v, post, a, b)                                                \
    (KEEP_INPUT && limit > 0.0f && fabs(v) >= limit                            \
         ? (ACC)0                                                              \
         : SLOPE_##F(v, post, a, b))
#define POST(F, v, a, b) (KEEP_INPUT ? ACT_##F(v, a, b) : (v))
#define GIVE(k, v) WRITE(dg, gate + (k)*hidden, v)
#define IDLE_GRAD(others)                                                      \
    carry += carry_at;                                                         \
    if (has & HAS_BEFORE)                                                      \
        WRITE(before_h, row *hidden + j, t < length ? OLD_H(j) : 0);           \
    if (t >= length) {                                                         \
        for (int k = 0; k < GATES; k++)                                        \
            GIVE(k, 0);                                                        \
        for (int k = 0; k < (others); k++)                                     \
            WRITE(other, row *(others)*hidden + k * hidden + j, 0);            \
        return;                                                                \
    }

__kernel void
rnn_grad(BACKWARD)
{
    ACC v, dh;
    ENTER
    IDLE_GRAD(0)
    v = READ(g, gate);
    dh = carry[id] + (has & HAS_DY ? READ(dy, Y_AT(t, b) + j) : 0);
    GIVE(0, dh * SLOPE(F, v, POST(F, v, fa, fb), fa, fb));
    carry[id] = 0;
}

#if GATES == 4
__kernel void
lstm_grad(BACKWARD)
{
    ENTER
    ACC v[4], post[4], old, cell, squashed, dh, dc, pre;
    int peep = d * 3 * hidden + j, count = batch * hidden;
    IDLE_GRAD(0)
    for (int k = 0; k < 4; k++)
        v[k] = READ(g, gate + k * hidden);
    for (int k = 0; k < 3; k++)
        post[k] = POST(F, v[k], fa, fb);
    post[3] = POST(G, v[3], ga, gb);
    if (INPUT_FORGET)
        post[2] = 1 - post[0];
    old = OLD_C;
    cell = READ(c, c_at + row * hidden + j);
    squashed = ACT_H(cell, ha, hb);
    dh = carry[id] + (has & HAS_DY ? READ(dy, Y_AT(t, b) + j) : 0);
    dc = carry[count + id] + dh * post[1] * SLOPE_H(cell, squashed, ha, hb);
    pre = dh * squashed * SLOPE(F, v[1], post[1], fa, fb);
    GIVE(1, pre);
    if (has & HAS_P)
        dc += pre * READ(p, peep + hidden);
    GIVE(3, dc * post[0] * SLOPE(G, v[3], post[3], ga, gb));
    carry[id] = 0;
    carry[count + id] = dc * post[2];
    pre = INPUT_FORGET ? 0 : dc * old * SLOPE(F, v[2], post[2], fa, fb);
    GIVE(2, pre);
    if (has & HAS_P)
        carry[count + id] += pre * READ(p, peep + 2 * hidden);
    pre = dc * (INPUT_FORGET ? post[3] - old : post[3]) *
          SLOPE(F, v[0], post[0], fa, fb);
    GIVE(0, pre);
    if (has & HAS_P)
        carry[count + id] += pre * READ(p, peep);
}

/* Row k of P, in P's order: i, o, f; o saw the new cell. */
__kernel void
peephole_grad(__global const number *dg, __global const number *c,
              __global const number *c0, __global const int *lengths,
              __global number *dp, int has, int steps, int batch, int hidden,
              int directions, int d, int backwards, int c_at)
{
    int id = (int)get_global_id(0), k = id / max(hidden, 1);
    int j = id - k * hidden, rows = steps * batch;
    ACC sum = 0;

    if (k >= 3)
        return;
    for (int b = 0; b < batch; b++) {
        int length = has & HAS_LENGTHS ? clamp(lengths[b], 0, steps) : steps;

        for (int t = 0; t < length; t++) {
            int first = t == (backwards ? length - 1 : 0);
            int before = backwards ? t + 1 : t - 1;
            int row = d * rows + ROW(t, b);
            ACC cell = k == 1 ? READ(c, c_at + row * hidden + j) : OLD_C;

            sum += cell * READ(dg, (row * GATES + k) * hidden + j);
        }
    }
    WRITE(dp, (d * 3 + k) * hidden + j, sum);
}
#endif

#if GATES == 3
/* LINEAR: other is dg with R's share of gate n. Else other is what R of gate n
 * was multiplied by, and gate r's gradient is left to gru_grad_reset. */
__kernel void
gru_grad(BACKWARD)
{
    ACC v[3], z, reset, fresh, old, dh, pre;
    ENTER
    IDLE_GRAD(LINEAR ? 3 : 1)
    for (int k = 0; k < 3; k++)
        v[k] = READ(g, gate + k * hidden);
    z = POST(F, v[0], fa, fb);
    reset = POST(F, v[1], fa, fb);
    fresh = POST(G, v[2], ga, gb);
    old = OLD_H(j);
    dh = carry[id] + (has & HAS_DY ? READ(dy, Y_AT(t, b) + j) : 0);
    carry[id] = dh * z;
    z = dh * (old - fresh) * SLOPE(F, v[0], z, fa, fb);
    pre = dh * (1 - POST(F, v[0], fa, fb)) * SLOPE(G, v[2], fresh, ga, gb);
    GIVE(0, z);
    GIVE(2, pre);
#if LINEAR
    fresh =
        pre * READ(c, c_at + row * hidden + j) * SLOPE(F, v[1], reset, fa, fb);
    GIVE(1, fresh);
    WRITE(other, row * 3 * hidden + j, z);
    WRITE(other, (row * 3 + 1) * hidden + j, fresh);
    WRITE(other, (row * 3 + 2) * hidden + j, pre * reset);
#else
    WRITE(other, row * hidden + j, reset * old);
#endif
}

__kernel void
gru_grad_reset(BACKWARD)
{
    ACC v, reset, old, sum = 0;
    ENTER
    if (t >= length)
        return;
    carry += carry_at;
    for (int l = 0; l < hidden; l++)
        sum += READ(dg, gate - j + 2 * hidden + l) *
               READ(r, ((d * GATES + 2) * hidden + l) * hidden + j);
    v = READ(g, gate + hidden);
    reset = POST(F, v, fa, fb);
    old = OLD_H(j);
    GIVE(1, sum * old * SLOPE(F, v, reset, fa, fb));
    carry[id] += sum * reset;
}
#endif

/* carry += the first n columns of a row of dg, times R. */
__kernel void
carry_back(__global const number *dg, __global const number *r,
           __global ACC *carry, int steps, int batch, int hidden, int d, int t,
           int n, int carry_at)
{
    int id = (int)get_global_id(0), b = id / max(hidden, 1);
    int j = id - b * hidden, row = d * steps * batch + ROW(t, b);
    ACC sum = 0;

    if (b >= batch)
        return;
    for (int l = 0; l < n; l++)
        sum += READ(dg, row * GATES * hidden + l) *
               READ(r, (d * GATES * hidden + l) * hidden + j);
    carry[carry_at + id] += sum;
}

/* carry starts as the gradients of the last states. */
__kernel void
carry_start(__global const number *dh, __global const number *dc,
            __global ACC *carry, int has, int batch, int hidden, int directions,
            int d, int steps, int carry_at)
{
    int id = (int)get_global_id(0), b = id / max(hidden, 1);
    int j = id - b * hidden;

    if (b >= batch)
        return;
    carry += carry_at;
    carry[id] = has & HAS_DH ? READ(dh, STATE(b) + j) : 0;
    carry[batch * hidden + id] = has & HAS_DC ? READ(dc, STATE(b) + j) : 0;
}

/* ... and ends as those of the first. */
__kernel void
carry_end(__global const ACC *carry, __global number *to, int from, int batch,
          int hidden, int directions, int d, int steps)
{
    int id = (int)get_global_id(0), b = id / max(hidden, 1);
    int j = id - b * hidden;

    if (b < batch)
        WRITE(to, STATE(b) + j, carry[from + id]);
}

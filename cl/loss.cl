/* loss.cl - losses of class scores (src/op/loss.c) and of pairs of numbers
 * (src/op/loss_pair.c).
 *
 * With p = softmax(x) along the classes, w the class weights, t the label, e
 * the smoothing and C the classes:
 *
 *   loss    = -(1 - e) w_t log p_t - e / C sum_c w_c log p_c
 *   dx_c    = ((1 - e) w_t + e / C sum w) p_c - (1 - e) w_t [c = t]
 *             - e / C w_c, times the loss's gradient
 *
 * and where x holds log p already (SOFTMAX 0): loss = -w_t x_t.
 *
 *   SOFTMAX   1: x are scores; 0: log-probabilities
 *   WEIGHTS   1: there are class weights
 *   FORMULA   loss of the pair a, b; s0 a scalar
 *   TYPE_x, TYPE_t   scores and labels
 *
 * Sums are taken in pieces whose number depends on the count alone.
 */
#ifndef SOFTMAX
#define SOFTMAX 1
#endif
#ifndef WEIGHTS
#define WEIGHTS 0
#endif
#ifndef FORMULA
#define FORMULA ((a - b) * (a - b))
#endif
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef TYPE_t
#define TYPE_t 7
#endif

#if WEIGHTS
#define WEIGHT(c) ((float)LOAD(TYPE_x, w, c))
#else
#define WEIGHT(c) 1.0f
#endif

/* log(sum(exp(x))) of one sample's scores. */
static inline float
log_sum(__global const STORAGE(TYPE_x) *x, int at, int classes, int inner)
{
    float most = LOAD(TYPE_x, x, at), sum = 0.0f;

    for (int c = 1; c < classes; c++)
        most = max(most, (float)LOAD(TYPE_x, x, at + c * inner));
    /* All of them -inf, or one inf: what the formula says is a NaN. */
    for (int c = 0; c < classes; c++)
        sum += exp((float)LOAD(TYPE_x, x, at + c * inner) - most);
    return most + log(sum);
}

__kernel void
samples(__global const STORAGE(TYPE_x) *x, __global const STORAGE(TYPE_t) *t,
        __global const STORAGE(TYPE_x) *w, __global STORAGE(TYPE_x) *loss,
        __global STORAGE(TYPE_x) *log_prob, __global float *scratch, int count,
        int classes, int inner, int ignore, float smooth, int each, int with_log)
{
    const int i = (int)get_global_id(0);

    if (i >= count)
        return;
    const int at = i / inner * classes * inner + i % inner;
    const long label = LOAD(TYPE_t, t, i);
    const int known = label >= 0 && label < classes;
    const int c = known ? (int)label : 0;
    const float norm = SOFTMAX ? log_sum(x, at, classes, inner) : 0.0f;
    const float weight = label == ignore ? 0.0f : WEIGHT(c);
    float sum = -weight * ((float)LOAD(TYPE_x, x, at + c * inner) - norm);

    if (smooth > 0.0f) {
        float all = 0.0f;
        for (int k = 0; k < classes; k++)
            all -=
                WEIGHT(k) * ((float)LOAD(TYPE_x, x, at + k * inner) - norm);
        sum = (1.0f - smooth) * sum + smooth / (float)classes * all;
    }
    if (label == ignore)
        sum = 0.0f;
    else if (!known)
        sum = NAN;
    if (with_log)
        for (int k = 0; k < classes; k++) {
            const int place = at + k * inner;
            STORE(TYPE_x, log_prob, place,
                  (float)LOAD(TYPE_x, x, place) - norm);
        }
    if (each) {
        STORE(TYPE_x, loss, i, sum);
    } else {
        scratch[i] = sum;
        scratch[count + i] = weight;
    }
}

__kernel void
pieces(__global float *scratch, int count, int n)
{
    const int piece = (int)get_global_id(0);

    if (piece >= n)
        return;
    const int size = (count + n - 1) / n;
    float sum = 0.0f, weight = 0.0f;
    for (int i = piece * size; i < min((piece + 1) * size, count); i++) {
        sum += scratch[i];
        weight += scratch[count + i];
    }
    scratch[2 * count + 2 * piece] = sum;
    scratch[2 * count + 2 * piece + 1] = weight;
}

/* how: 1 sum, 2 mean. */
__kernel void
total(__global const float *scratch, __global STORAGE(TYPE_x) *loss,
      __global float *divisor, int count, int n, int how, int keep)
{
    float sum = 0.0f, weight = 0.0f;

    if (get_global_id(0) > 0)
        return;
    for (int piece = 0; piece < n; piece++) {
        sum += scratch[2 * count + 2 * piece];
        weight += scratch[2 * count + 2 * piece + 1];
    }
    if (keep)
        divisor[0] = weight;
    STORE(TYPE_x, loss, 0, how == 2 ? sum / weight : sum);
}

__kernel void
gradient(__global const STORAGE(TYPE_x) *x, __global const STORAGE(TYPE_t) *t,
         __global const STORAGE(TYPE_x) *dloss, __global const float *divisor,
         __global const STORAGE(TYPE_x) *w, __global STORAGE(TYPE_x) *dx,
         int count, int classes, int inner, int ignore, float smooth, int how)
{
    const int i = (int)get_global_id(0);

    if (i >= count)
        return;
    const int at = i / inner * classes * inner + i % inner;
    const long label = LOAD(TYPE_t, t, i);
    const int known = label >= 0 && label < classes && label != ignore;
    float dy = LOAD(TYPE_x, dloss, how == 0 ? i : 0);

    if (how == 2)
        dy /= divisor[0];
    if (!known)
        dy = 0.0f;
    const float own = (1.0f - smooth) * (known ? WEIGHT((int)label) : 0.0f);
    const float part = smooth / (float)classes;
#if SOFTMAX
    const float norm = log_sum(x, at, classes, inner);
    float all = own;
    for (int c = 0; smooth > 0.0f && c < classes; c++)
        all += part * WEIGHT(c);
#endif
    for (int c = 0; c < classes; c++) {
        float v = -part * WEIGHT(c) - (c == label ? own : 0.0f);
#if SOFTMAX
        v += all * exp((float)LOAD(TYPE_x, x, at + c * inner) - norm);
#endif
        STORE(TYPE_x, dx, at + c * inner, known ? v * dy : 0.0f);
    }
}

/* ---- pairs ---------------------------------------------------------------
 * loss[i], or the sums of n pieces into scratch. */
__kernel void
pairs(__global const STORAGE(TYPE_x) *x, __global const STORAGE(TYPE_x) *t,
      __global STORAGE(TYPE_x) *loss, __global float *scratch, int count, int n,
      int each, float s0)
{
    const int piece = (int)get_global_id(0);

    if (piece >= n)
        return;
    const int size = (count + n - 1) / n;
    float sum = 0.0f;
    for (int i = piece * size; i < min((piece + 1) * size, count); i++) {
        const float a = LOAD(TYPE_x, x, i), b = LOAD(TYPE_x, t, i);
        const float v = FORMULA;
        if (each)
            STORE(TYPE_x, loss, i, v);
        sum += v;
    }
    if (!each)
        scratch[piece] = sum;
}

__kernel void
pairs_total(__global const float *scratch, __global STORAGE(TYPE_x) *loss,
            int n, float scale)
{
    float sum = 0.0f;

    if (get_global_id(0) > 0)
        return;
    for (int piece = 0; piece < n; piece++)
        sum += scratch[piece];
    STORE(TYPE_x, loss, 0, sum * scale);
}

/* batch_norm.cl - batch normalisation (Ioffe and Szegedy 2015), and its
 * gradients.
 *
 *     y = (x - mean) a + bias,  a = scale / sqrt(var + eps)    per channel
 *
 * In training mean and var are those of the batch. They are found from parts
 * (some rows of one image each): the mean of a part, then the squares about
 * it, and parts are joined one after the other (Chan, Golub and LeVeque 1979),
 * so nothing cancels and x is read from memory once.
 *
 *     dbias  = sum dy        dscale = sum dy xhat,  xhat = (x - mean) inv
 *     dx = a (dy - dbias / m - xhat dscale / m) = a dy + k (x - mean) + c
 *
 * over the m numbers of a channel; with constant mean and var, k = c = 0.
 *
 * _direct: a work-item a channel or a number. _group: a work-group of GROUP a
 * channel, for GPUs. _plane: float32, plain (BLOCK 1, a plane counts as rows
 * of one pixel) or in blocks of channels; a work-item some rows of a plane; y
 * is made by batch_norm_apply.cl.
 * Statistics and coefficients lie in `store`, float, from `at` on.
 *
 *   TYPE_x TYPE_y    storage types of x (dx) and y (dy)    1
 *   TYPE_w TYPE_s    of scale and bias; of mean and var    1
 *   GROUP            work-items a channel                  64
 *   BLOCK            channels in a vector: 1, 4, 8, 16     1
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef TYPE_y
#define TYPE_y 1
#endif
#ifndef TYPE_w
#define TYPE_w 1
#endif
#ifndef TYPE_s
#define TYPE_s 1
#endif
#ifndef GROUP
#define GROUP 64
#endif
#ifndef BLOCK
#define BLOCK 1
#endif
#ifndef EPILOGUE
#define EPILOGUE(v, i) (v)
#define EPILOGUE_PARAMETERS
#endif

/* ---- what is kept of a channel ------------------------------------------ */

#define KEPT                                                                   \
    __global const STORAGE(TYPE_s) *old_mean,                                  \
        __global const STORAGE(TYPE_s) *old_var,                               \
        __global STORAGE(TYPE_s) *new_mean, __global STORAGE(TYPE_s) *new_var, \
        __global float *saved_mean, __global float *saved_inv,                 \
        __global float *store, int at, int channels, float eps,                \
        float momentum, float unbias, int writes
#define KEPT_NAMES                                                             \
    old_mean, old_var, new_mean, new_var, saved_mean, saved_inv, store, at,    \
        channels, eps, momentum, unbias, writes

/* `writes` says which of the outputs there are: 1, 2, 4, 8. */
static inline void
keep(int c, ACC mean, ACC var, KEPT)
{
    ACC inv = 1 / sqrt(var + eps);
    store[at + c] = mean;
    store[at + channels + c] = inv;
    if (writes & 4)
        saved_mean[c] = mean;
    if (writes & 8)
        saved_inv[c] = inv;
    if (writes & 1) {
        ACC v = LOAD(TYPE_s, old_mean, c);
        STORE(TYPE_s, new_mean, c, v * momentum + mean * (1 - momentum));
    }
    if (writes & 2) {
        ACC v = LOAD(TYPE_s, old_var, c);
        STORE(TYPE_s, new_var, c,
              v * momentum + var * unbias * (1 - momentum));
    }
}

#define COEFFICIENTS                                                           \
    __global const STORAGE(TYPE_w) *scale,                                     \
        __global const STORAGE(TYPE_s) *mean,                                  \
        __global const STORAGE(TYPE_s) *spread, __global STORAGE(TYPE_w) *dw,  \
        __global STORAGE(TYPE_w) *db, __global float *store, int at,           \
        int pitch, int channels, int m, float eps, int frozen, int writes
#define COEFFICIENTS_NAMES                                                     \
    scale, mean, spread, dw, db, store, at, pitch, channels, m, eps, frozen,   \
        writes

/* spread is 1 / sqrt(var + eps); where `frozen` is 1, var. */
static inline ACC
inverse(ACC spread, float eps, int frozen)
{
    return frozen == 1 ? 1 / sqrt(spread + eps) : spread;
}

/* From sum dy and sum dy (x - mean). The four coefficients stand `pitch`
 * apart. */
static inline void
hand_out(int c, ACC s1, ACC s2, COEFFICIENTS)
{
    ACC mu = LOAD(TYPE_s, mean, c);
    ACC inv = inverse(LOAD(TYPE_s, spread, c), eps, frozen);
    ACC a = LOAD(TYPE_w, scale, c) * inv;
    store[at + c] = mu;
    store[at + pitch + c] = a;
    store[at + 2 * pitch + c] = frozen ? 0 : -a * inv * inv * s2 / m;
    store[at + 3 * pitch + c] = frozen ? 0 : -a * s1 / m;
    if (writes & 1)
        STORE(TYPE_w, dw, c, s2 * inv);
    if (writes & 2)
        STORE(TYPE_w, db, c, s1);
}

/* ---- plain, any rank: N x channels x size ------------------------------- */

#define X(c, i) LOAD(TYPE_x, x, ((i) / size * channels + c) * size + (i) % size)
#define DY(c, i)                                                               \
    LOAD(TYPE_y, dy, ((i) / size * channels + c) * size + (i) % size)

__kernel void
bn_stats_direct(__global const STORAGE(TYPE_x) *x, int m, int size, KEPT)
{
    int c = (int)get_global_id(0);
    if (c >= channels)
        return;
    ACC mean = 0, var = 0;
    for (int from = 0; from < m; from += size) {
        ACC part = 0;
        for (int i = from; i < from + size; i++)
            part += X(c, i);
        mean += part;
    }
    mean /= m;
    for (int from = 0; from < m; from += size) {
        ACC part = 0;
        for (int i = from; i < from + size; i++) {
            ACC d = X(c, i) - mean;
            part += d * d;
        }
        var += part;
    }
    keep(c, mean, var / m, KEPT_NAMES);
}

__kernel void
bn_apply_direct(__global const STORAGE(TYPE_x) *x,
                __global const STORAGE(TYPE_w) *scale,
                __global const STORAGE(TYPE_w) *bias,
                __global const STORAGE(TYPE_s) *mean,
                __global const STORAGE(TYPE_s) *spread,
                __global STORAGE(TYPE_y) *y, int at, int count, int channels,
                int size, float eps, int frozen EPILOGUE_PARAMETERS)
{
    int i = (int)get_global_id(0);
    if (i >= count)
        return;
    int c = i / size % channels;
    ACC mu = LOAD(TYPE_s, mean, at + c);
    int spot = frozen ? c : at + channels + c;
    ACC a = LOAD(TYPE_w, scale, c) *
            inverse(LOAD(TYPE_s, spread, spot), eps, frozen);
    ACC v = LOAD(TYPE_x, x, i);
    STORE(TYPE_y, y, i, EPILOGUE((v - mu) * a + LOAD(TYPE_w, bias, c), i));
}

__kernel void
bn_grad_sums_direct(__global const STORAGE(TYPE_y) *dy,
                    __global const STORAGE(TYPE_x) *x, int size, COEFFICIENTS)
{
    int c = (int)get_global_id(0);
    if (c >= channels)
        return;
    ACC mu = LOAD(TYPE_s, mean, c), s1 = 0, s2 = 0;
    for (int from = 0; from < m; from += size) {
        ACC p1 = 0, p2 = 0;
        for (int i = from; i < from + size; i++) {
            ACC d = DY(c, i);
            p1 += d;
            p2 += d * (X(c, i) - mu);
        }
        s1 += p1;
        s2 += p2;
    }
    hand_out(c, s1, s2, COEFFICIENTS_NAMES);
}

__kernel void
bn_grad_apply_direct(__global const STORAGE(TYPE_y) *dy,
                     __global const STORAGE(TYPE_x) *x,
                     __global const float *store,
                     __global STORAGE(TYPE_x) *dx, int at, int pitch,
                     int count, int channels, int size)
{
    int i = (int)get_global_id(0);
    if (i >= count)
        return;
    int c = at + i / size % channels;
    ACC d = LOAD(TYPE_y, dy, i), v = LOAD(TYPE_x, x, i);
    STORE(TYPE_x, dx, i,
          store[c + pitch] * d + store[c + 2 * pitch] * (v - store[c]) +
              store[c + 3 * pitch]);
}

static inline ACC
group_sum(__local ACC *part, ACC v)
{
    int at = (int)get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    part[at] = v;
    for (int n = GROUP / 2; n > 0; n /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (at < n)
            part[at] += part[at + n];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return part[0];
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
bn_stats_group(__global const STORAGE(TYPE_x) *x, int m, int size, KEPT)
{
    __local ACC part[GROUP];
    int c = (int)get_group_id(0), at_ = (int)get_local_id(0);
    ACC sum = 0;
    for (int i = at_; i < m; i += GROUP)
        sum += X(c, i);
    ACC mean = group_sum(part, sum) / m;
    sum = 0;
    for (int i = at_; i < m; i += GROUP) {
        ACC d = X(c, i) - mean;
        sum += d * d;
    }
    sum = group_sum(part, sum);
    if (at_ == 0)
        keep(c, mean, sum / m, KEPT_NAMES);
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
bn_grad_sums_group(__global const STORAGE(TYPE_y) *dy,
                   __global const STORAGE(TYPE_x) *x, int size, COEFFICIENTS)
{
    __local ACC part[GROUP];
    int c = (int)get_group_id(0), at_ = (int)get_local_id(0);
    ACC mu = LOAD(TYPE_s, mean, c), s1 = 0, s2 = 0;
    for (int i = at_; i < m; i += GROUP) {
        ACC d = DY(c, i);
        s1 += d;
        s2 += d * (X(c, i) - mu);
    }
    s1 = group_sum(part, s1);
    s2 = group_sum(part, s2);
    if (at_ == 0)
        hand_out(c, s1, s2, COEFFICIENTS_NAMES);
}

/* ---- images: parts of `rows` rows --------------------------------------- */

#define IMAGE(x) int x##_base, int x##_image, int x##_plane, int x##_row
#define OF(x, b, c) (x + x##_base + (b) * x##_image + (c) * x##_plane)

#if BLOCK == 1

#define VEC float
#define GET(p) (*(p))
#define PUT(v, p) (*(p) = (v))
#define AT_MOST(v, left) (v)

static inline float
lanes(float8 v)
{
    float4 h = v.lo + v.hi;
    return (h.x + h.y) + (h.z + h.w);
}

/* Rows of one pixel are a run of h pixels. */
static inline float
sum_about(__global const float *x, int h, int w, int row, float mean,
          int square)
{
    float8 wide = 0;
    float rest = 0;
    int i = 0;
    for (; i + 8 <= h; i += 8) {
        float8 v = vload8(0, x + i) - mean;
        wide += square ? v * v : v;
    }
    for (; i < h; i++) {
        float v = x[i] - mean;
        rest += square ? v * v : v;
    }
    return lanes(wide) + rest;
}

static inline void
two_sums(__global const float *dy, __global const float *x, int h, int w,
         int dy_row, int x_row, float mean, float *s1, float *s2)
{
    float8 a = 0, b = 0;
    float ra = 0, rb = 0;
    int i = 0;
    for (; i + 8 <= h; i += 8) {
        float8 d = vload8(0, dy + i);
        a += d;
        b += d * (vload8(0, x + i) - mean);
    }
    for (; i < h; i++) {
        ra += dy[i];
        rb += dy[i] * (x[i] - mean);
    }
    *s1 = lanes(a) + ra;
    *s2 = lanes(b) + rb;
}

#else

#define VEC OC_CAT(float, BLOCK)
#define GET(p) OC_CAT(vload, BLOCK)(0, p)
#define PUT(v, p) OC_CAT(vstore, BLOCK)(v, 0, p)

static inline VEC
sum_about(__global const float *x, int h, int w, int row, VEC mean, int square)
{
    VEC all = (VEC)(0.0f);
    for (int j = 0; j < h; j++) {
        VEC part = (VEC)(0.0f);
        for (int k = 0; k < w; k++) {
            VEC v = GET(x + j * row + k * BLOCK) - mean;
            part += square ? v * v : v;
        }
        all += part;
    }
    return all;
}

static inline void
two_sums(__global const float *dy, __global const float *x, int h, int w,
         int dy_row, int x_row, VEC mean, VEC *s1, VEC *s2)
{
    VEC a = (VEC)(0.0f), b = (VEC)(0.0f);
    for (int j = 0; j < h; j++) {
        VEC pa = (VEC)(0.0f), pb = (VEC)(0.0f);
        for (int k = 0; k < w; k++) {
            VEC d = GET(dy + j * dy_row + k * BLOCK);
            pa += d;
            pb += d * (GET(x + j * x_row + k * BLOCK) - mean);
        }
        a += pa;
        b += pb;
    }
    *s1 = a;
    *s2 = b;
}

#endif

/* BLOCK numbers from c on, 0 behind the last channel. */
static inline VEC
channel_lanes(__global const float *p, int c, int channels)
{
    float lane[BLOCK];
    for (int k = 0; k < BLOCK; k++)
        lane[k] = c + k < channels ? p[c + k] : 0.0f;
    return GET(lane);
}

/* Mean and squares about it of each part; `pitch` numbers a part. */
__kernel void
bn_stats_plane(__global const float *x, __global float *store, int n,
               int blocks, int pitch, int h, int w, int rows, int chunks,
               IMAGE(x))
{
    int k = (int)get_global_id(0), p = (int)get_global_id(1);
    int c = p % blocks, b = p / blocks;
    if (k >= chunks || b >= n)
        return;
    int tall = min(rows, h - k * rows);
    x = OF(x, b, c) + k * rows * x_row;
    VEC mean = sum_about(x, tall, w, x_row, (VEC)(0.0f), 0) *
               (1.0f / (float)(tall * w));
    store += 2 * (b * chunks + k) * pitch + c * BLOCK;
    PUT(mean, store);
    PUT(sum_about(x, tall, w, x_row, mean, 1), store + pitch);
}

__kernel void
bn_finish(int n, int pitch, int h, int w, int rows, int chunks, KEPT)
{
    int c = (int)get_global_id(0);
    if (c >= channels)
        return;
    float mean = 0, squares = 0, seen = 0;
    for (int b = 0; b < n; b++)
        for (int k = 0; k < chunks; k++) {
            int part = 2 * (b * chunks + k) * pitch + c;
            float more = (float)(min(rows, h - k * rows) * w);
            float all = seen + more, d = store[part] - mean;
            mean += d * (more / all);
            squares += store[part + pitch] + d * d * (seen * (more / all));
            seen = all;
        }
    keep(c, mean, squares / seen, KEPT_NAMES);
}

__kernel void
bn_grad_sums_plane(__global const float *dy, __global const float *x,
                   __global const float *mean, __global float *store, int n,
                   int channels, int blocks, int pitch, int h, int w, int rows,
                   int chunks, IMAGE(dy), IMAGE(x))
{
    int k = (int)get_global_id(0), p = (int)get_global_id(1);
    int c = p % blocks, b = p / blocks;
    if (k >= chunks || b >= n)
        return;
    int tall = min(rows, h - k * rows);
    VEC s1, s2;
    two_sums(OF(dy, b, c) + k * rows * dy_row, OF(x, b, c) + k * rows * x_row,
             tall, w, dy_row, x_row,
             channel_lanes(mean, c * BLOCK, channels), &s1, &s2);
    store += 2 * (b * chunks + k) * pitch + c * BLOCK;
    PUT(s1, store);
    PUT(s2, store + pitch);
}

/* One work-item a channel, those that pad the last block too. */
__kernel void
bn_grad_finish(int parts, COEFFICIENTS)
{
    int c = (int)get_global_id(0);
    if (c >= pitch)
        return;
    if (c >= channels) {
        for (int k = 0; k < 4; k++)
            store[at + k * pitch + c] = 0;
        return;
    }
    ACC s1 = 0, s2 = 0;
    for (int k = 0; k < parts; k++) {
        s1 += store[2 * k * pitch + c];
        s2 += store[(2 * k + 1) * pitch + c];
    }
    hand_out(c, s1, s2, COEFFICIENTS_NAMES);
}

__kernel void
bn_grad_apply_plane(__global const float *dy, __global const float *x,
                    __global const float *store, __global float *dx, int at,
                    int pitch, int n, int blocks, int h, int w, int rows,
                    IMAGE(dy), IMAGE(x), IMAGE(dx))
{
    int k = (int)get_global_id(0) * rows, p = (int)get_global_id(1);
    int c = p % blocks, b = p / blocks;
    if (b >= n)
        return;
    store += at + c * BLOCK;
    VEC mean = GET(store), a = GET(store + pitch);
    VEC slope = GET(store + 2 * pitch), shift = GET(store + 3 * pitch);
    dy = OF(dy, b, c);
    x = OF(x, b, c);
    dx = OF(dx, b, c);
#if BLOCK == 1
    int i = k, stop = min(k + rows, h);
    for (; i + 8 <= stop; i += 8)
        vstore8(a * vload8(0, dy + i) + slope * (vload8(0, x + i) - mean) +
                    shift,
                0, dx + i);
    for (; i < stop; i++)
        dx[i] = a * dy[i] + slope * (x[i] - mean) + shift;
#else
    for (int j = k; j < min(k + rows, h); j++)
        for (int i = 0; i < w; i++)
            PUT(a * GET(dy + j * dy_row + i * BLOCK) +
                    slope * (GET(x + j * x_row + i * BLOCK) - mean) + shift,
                dx + j * dx_row + i * BLOCK);
#endif
}

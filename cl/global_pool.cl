/* global_pool.cl - mean, largest number or p-norm of each plane, and the
 * gradients.
 *
 *     MODE 0  y = sum x / n              dx = dy / n
 *     MODE 1  y = max x                  dx = dy at the first largest, else 0
 *     MODE 2  y = (sum |x|^p)^(1/p)      dx = dy x |x|^(p-2) y^(1-p)
 *
 * The gradients find y again. y and dy are plain, N x C.
 *
 * global_pool_direct, global_pool_grad_direct: a work-item a plane, or a
 * number. global_pool_group: a work-group of 64 a plane, for GPUs.
 * global_pool_plane, global_pool_grad_plane: float32 images in blocks of
 * channels; a work-item a plane of vectors.
 *
 *   MODE              0 mean, 1 max, 2 norm                      0
 *   TYPE_x TYPE_y     storage types                              1
 *   BLOCK             channels in a vector: 1, 4, 8, 16          1
 */
#ifndef MODE
#define MODE 0
#endif
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef TYPE_y
#define TYPE_y 1
#endif
#ifndef BLOCK
#define BLOCK 1
#endif

#if MODE == 1
#define START (-INFINITY)
#define JOIN(a, b) ((b) > (a) || (b) != (b) ? (b) : (a))
#define TERM(v) (v)
#define END(a) (a)
#elif MODE == 2
#define START 0
#define JOIN(a, b) ((a) + (b))
#define TERM(v) (p == 2 ? (v) * (v) : p == 1 ? fabs(v) : pow(fabs(v), (ACC)p))
#define END(a) (p == 2 ? sqrt(a) : p == 1 ? (a) : pow(a, 1 / (ACC)p))
#else
#define START 0
#define JOIN(a, b) ((a) + (b))
#define TERM(v) (v)
#define END(a) ((a) / n)
#endif

static inline ACC
pooled(__global const STORAGE(TYPE_x) *x, int from, int n, float p)
{
    ACC all = START;
    for (int i = 0; i < n; i++) {
        ACC v = LOAD(TYPE_x, x, from + i);
        all = JOIN(all, TERM(v));
    }
    return END(all);
}

__kernel void
global_pool_direct(__global const STORAGE(TYPE_x) *x,
                   __global STORAGE(TYPE_y) *y, int planes, int n, float p)
{
    int id = (int)get_global_id(0);
    if (id < planes)
        STORE(TYPE_y, y, id, pooled(x, id * n, n, p));
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
global_pool_group(__global const STORAGE(TYPE_x) *x,
                  __global STORAGE(TYPE_y) *y, int planes, int n, float p)
{
    __local ACC part[64];
    int plane = (int)get_group_id(0), at = (int)get_local_id(0);
    ACC all = START;
    for (int i = at; i < n; i += 64) {
        ACC v = LOAD(TYPE_x, x, plane * n + i);
        all = JOIN(all, TERM(v));
    }
    part[at] = all;
    for (int half_ = 32; half_ > 0; half_ /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (at < half_)
            part[at] = JOIN(part[at], part[at + half_]);
    }
    if (at == 0)
        STORE(TYPE_y, y, plane, END(part[0]));
}

__kernel void
global_pool_grad_direct(__global const STORAGE(TYPE_y) *dy,
                        __global const STORAGE(TYPE_x) *x,
                        __global STORAGE(TYPE_x) *dx, int count, int n,
                        float p)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int plane = id / n;
    ACC d = LOAD(TYPE_y, dy, plane);
#if MODE == 0
    d /= n;
#elif MODE == 1
    int from = plane * n;
    ACC m = pooled(x, from, n, p), v = LOAD(TYPE_x, x, id);
    int mine = v == m;
    for (int i = from; mine && i < id; i++)
        mine = LOAD(TYPE_x, x, i) != m;
    d = mine ? d : 0;
#else
    ACC y = pooled(x, plane * n, n, p), v = LOAD(TYPE_x, x, id);
    ACC s = sign(v);
    d = y > 0 && s != 0 ? d * s * pow(fabs(v) / y, (ACC)p - 1) : 0;
#endif
    STORE(TYPE_x, dx, id, d);
}

/* ---- images, a vector of channels at a time ---------------------------- */

#if MODE != 2
#if BLOCK == 1
#define VEC float
#define WHICH int
#define GET(p) (*(p))
#define PUT(v, p) (*(p) = (v))
#define PICK(no, yes, when) ((when) ? (yes) : (no))
#define KEEP(v, left) (v)
#else
#define VEC OC_CAT(float, BLOCK)
#define WHICH OC_CAT(int, BLOCK)
#define GET(p) OC_CAT(vload, BLOCK)(0, p)
#define PUT(v, p) OC_CAT(vstore, BLOCK)(v, 0, p)
#define PICK(no, yes, when) select(no, yes, when)
__constant int lane_numbers[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                   8, 9, 10, 11, 12, 13, 14, 15};
#define KEEP(v, left)                                                          \
    select((VEC)(0.0f), v,                                                     \
           OC_CAT(vload, BLOCK)(0, lane_numbers) < (WHICH)(left))
#endif

#if MODE == 1
#define FIRST (VEC)(-INFINITY)
#define MORE(a, v) PICK(a, v, ((v) > (a)) | ((v) != (v)))
#else
#define FIRST (VEC)(0.0f)
#define MORE(a, v) ((a) + (v))
#endif

/* Row by row, so that long sums lose less. */
__kernel void
global_pool_plane(__global const float *x, __global float *y, int n,
                  int channels, int blocks, int h, int w, int x_base,
                  int x_image, int x_plane, int x_row)
{
    int id = (int)get_global_id(0), c = id % blocks, b = id / blocks;
    if (b >= n)
        return;
    x += x_base + b * x_image + c * x_plane;
    VEC all = FIRST;
    for (int j = 0; j < h; j++) {
        VEC row = FIRST;
        for (int k = 0; k < w; k++) {
            VEC v = GET(x + j * x_row + k * BLOCK);
            row = MORE(row, v);
        }
        all = MORE(all, row);
    }
#if MODE == 0
    all *= 1.0f / (float)(h * w);
#endif
#if BLOCK == 1
    y[id] = all;
#else
    float lane[BLOCK];
    PUT(all, lane);
    for (int k = 0; k < min(BLOCK, channels - c * BLOCK); k++)
        y[b * channels + c * BLOCK + k] = lane[k];
#endif
}

__kernel void
global_pool_grad_plane(__global const float *dy, __global const float *x,
                       __global float *dx, int n, int channels, int blocks,
                       int h, int w, int x_base, int x_image, int x_plane,
                       int x_row, int d_base, int d_image, int d_plane,
                       int d_row)
{
    int id = (int)get_global_id(0), c = id % blocks, b = id / blocks;
    if (b >= n)
        return;
    dx += d_base + b * d_image + c * d_plane;
    float lane[BLOCK];
    for (int k = 0; k < BLOCK; k++)
        lane[k] = c * BLOCK + k < channels
                      ? dy[b * channels + c * BLOCK + k]
                      : 0.0f;
    VEC d = GET(lane);
#if MODE == 0
    d *= 1.0f / (float)(h * w);
    for (int j = 0; j < h; j++)
        for (int k = 0; k < w; k++)
            PUT(d, dx + j * d_row + k * BLOCK);
#else
    x += x_base + b * x_image + c * x_plane;
    VEC m = FIRST;
    WHICH at = (WHICH)(-1);
    for (int j = 0; j < h; j++)
        for (int k = 0; k < w; k++) {
            VEC v = GET(x + j * x_row + k * BLOCK);
            WHICH wins = (v > m) | (v != v) | (at < 0);
            m = PICK(m, v, wins);
            at = PICK(at, (WHICH)(j * w + k), wins);
        }
    for (int j = 0; j < h; j++)
        for (int k = 0; k < w; k++)
            PUT(PICK((VEC)(0.0f), d, at == (WHICH)(j * w + k)),
                dx + j * d_row + k * BLOCK);
#endif
}
#endif

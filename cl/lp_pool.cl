/* lp_pool.cl - the p-norm of each window, and its gradient.
 *
 *     y[c, o] = (sum over k of |x[c, o S - begin + k L]|^p)^(1/p)
 *     dx[c, i] = sum over the windows o that hold i of
 *                dy[c, o] x[i] |x[i]|^(p-2) y[c, o]^(1-p)
 *
 * A work-item a number; windows are arguments, it is a rare operator.
 *
 *   TYPE_x TYPE_y     storage types (x, dx alike; y, dy alike)   1
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef TYPE_y
#define TYPE_y 1
#endif

#define GEOMETRY                                                               \
    int in0, int in1, int in2, int out0, int out1, int out2, int begin0,       \
        int begin1, int begin2, int k0, int k1, int k2, int s0, int s1,        \
        int s2, int l0, int l1, int l2

__kernel void
lp_pool(__global const STORAGE(TYPE_x) *x, __global STORAGE(TYPE_y) *y,
        int count, float p, GEOMETRY)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int z = id / out2 / out1 % out0 * s0 - begin0;
    int r = id / out2 % out1 * s1 - begin1, c = id % out2 * s2 - begin2;
    int plane = id / out2 / out1 / out0 * in0 * in1 * in2;
    ACC sum = 0;
    for (int i = 0; i < k0; i++)
        for (int j = 0; j < k1; j++)
            for (int k = 0; k < k2; k++) {
                int a = z + i * l0, b = r + j * l1, d = c + k * l2;
                if (a < 0 || a >= in0 || b < 0 || b >= in1 || d < 0 ||
                    d >= in2)
                    continue;
                ACC v = LOAD(TYPE_x, x, plane + (a * in1 + b) * in2 + d);
                sum += p == 2 ? v * v : p == 1 ? fabs(v) : pow(fabs(v), (ACC)p);
            }
    ACC root = p == 2 ? sqrt(sum) : p == 1 ? sum : pow(sum, 1 / (ACC)p);
    STORE(TYPE_y, y, id, root);
}

/* Whether the window at o holds place i of its axis. */
static inline int
holds(int i, int o, int k, int s, int l, int begin)
{
    int d = i - (o * s - begin);
    return d >= 0 && d <= (k - 1) * l && d % l == 0;
}

static inline int
first_window(int i, int begin, int extent, int stride)
{
    int from = i + begin - (extent - 1);
    return from <= 0 ? 0 : (from + stride - 1) / stride;
}

static inline int
last_window(int i, int begin, int stride, int out)
{
    return min((i + begin) / stride + 1, out);
}

__kernel void
lp_pool_grad(__global const STORAGE(TYPE_y) *dy,
             __global const STORAGE(TYPE_x) *x,
             __global const STORAGE(TYPE_y) *y, __global STORAGE(TYPE_x) *dx,
             int count, float p, GEOMETRY)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int i2 = id % in2, i1 = id / in2 % in1, i0 = id / in2 / in1 % in0;
    int plane = id / in2 / in1 / in0 * out0 * out1 * out2;
    ACC sum = 0, v = LOAD(TYPE_x, x, id);
    ACC s = sign(v);
    int z1 = last_window(i0, begin0, s0, out0);
    int y1 = last_window(i1, begin1, s1, out1);
    int x1 = last_window(i2, begin2, s2, out2);
    for (int a = first_window(i0, begin0, (k0 - 1) * l0 + 1, s0); a < z1; a++)
        for (int b = first_window(i1, begin1, (k1 - 1) * l1 + 1, s1); b < y1;
             b++)
            for (int c = first_window(i2, begin2, (k2 - 1) * l2 + 1, s2);
                 c < x1; c++) {
                if (!holds(i0, a, k0, s0, l0, begin0) ||
                    !holds(i1, b, k1, s1, l1, begin1) ||
                    !holds(i2, c, k2, s2, l2, begin2))
                    continue;
                int o = plane + (a * out1 + b) * out2 + c;
                ACC m = LOAD(TYPE_y, y, o), d = LOAD(TYPE_y, dy, o);
                if (m > 0 && s != 0)
                    sum += d * s * pow(fabs(v) / m, (ACC)p - 1);
            }
    STORE(TYPE_x, dx, id, sum);
}

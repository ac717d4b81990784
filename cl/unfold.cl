/* unfold.cl - windows and pooled numbers laid back into images.
 *
 *     col2im:      y[p, i] = sum over k of x[p, k, o],  i = o S - begin + k L
 *     max_unpool:  y[index[i]] = x[i], 0 elsewhere
 *
 * Images have three coordinates, of which the first may be 1. max_unpool: a
 * work-item has the places of a plane that are `part` modulo `parts` and walks
 * through the plane's numbers, so the last of equal indices wins; an index
 * that leaves its plane is passed over. Indices count in images of extents
 * d x h x w, which lie in the front corner of y's.
 *
 *   TYPE_x   storage type            1
 *   TYPE_i   type of the indices     7
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef TYPE_i
#define TYPE_i 7
#endif

/* The window that has its tap k at i, or -1. */
static inline int
window(int i, int k, int stride, int dilation, int begin, int count)
{
    int at = i + begin - k * dilation;
    return at < 0 || at % stride != 0 || at / stride >= count ? -1
                                                              : at / stride;
}

/* In each axis: extent n of y, k of the window, stride s, dilation l, pad b,
 * o windows. */
__kernel void
col2im(__global const STORAGE(TYPE_x) *x, __global STORAGE(TYPE_x) *y,
       int count, int n0, int n1, int n2, int k0, int k1, int k2, int s0,
       int s1, int s2, int l0, int l1, int l2, int b0, int b1, int b2, int o0,
       int o1, int o2)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int i2 = id % n2, i1 = id / n2 % n1, i0 = id / n2 / n1 % n0;
    int base = id / n2 / n1 / n0 * k0 * k1 * k2;
    ACC sum = 0;
    for (int a = 0; a < k0; a++) {
        int z = window(i0, a, s0, l0, b0, o0);
        for (int b = 0; z >= 0 && b < k1; b++) {
            int v = window(i1, b, s1, l1, b1, o1);
            for (int c = 0; v >= 0 && c < k2; c++) {
                int u = window(i2, c, s2, l2, b2, o2);
                int tap = base + (a * k1 + b) * k2 + c;
                if (u >= 0)
                    sum += LOAD(TYPE_x, x,
                                ((tap * o0 + z) * o1 + v) * o2 + u);
            }
        }
    }
    STORE(TYPE_x, y, id, sum);
}

__kernel void
max_unpool(__global const STORAGE(TYPE_x) *x,
           __global const STORAGE(TYPE_i) *index, __global STORAGE(TYPE_x) *y,
           int planes, int parts, int count, int d, int h, int w, int yd,
           int yh, int yw)
{
    int id = (int)get_global_id(0), plane = id % planes, part = id / planes;
    if (id >= planes * parts)
        return;
    int size = d * h * w, base = plane * yd * yh * yw;
    for (int i = part; i < yd * yh * yw; i += parts)
        STORE(TYPE_x, y, base + i, 0);
    for (int i = 0; i < count; i++) {
        long at = (long)index[plane * count + i] - (long)plane * size;
        if (at < 0 || at >= size)
            continue;
        int c = (int)at % w, b = (int)at / w % h, a = (int)at / w / h;
        int to = (a * yh + b) * yw + c;
        if (a < yd && b < yh && c < yw && to % parts == part)
            STORE(TYPE_x, y, base + to, LOAD(TYPE_x, x, plane * count + i));
    }
}

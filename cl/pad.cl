/* pad.cl - padding by numbers of the tensor itself, and its gradient.
 *
 *     y[o] = x[at(o - begin)] on every axis, at(i) of an axis of n elements:
 *     edge     min(max(i, 0), n - 1)
 *     reflect  i to and fro between 0 and n - 1, the ends said once
 *     wrap     i mod n
 *
 * pad_grad does one axis of [.., o, inner]: dx[i] = sum of dy[o], at(o) = i.
 *
 *   SIZE     bytes of an element (pad copies bits)          4
 *   TYPE_x   storage type (pad_grad)                        1
 *   MODE     1 edge, 2 reflect, 3 wrap                      1
 *   RANK     axes that are not 1, rounded up: 3, 8          8
 *   CPU      1: a row for each work-item                    0
 */
#ifndef SIZE
#define SIZE 4
#endif
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef MODE
#define MODE 1
#endif
#ifndef RANK
#define RANK 8
#endif
#ifndef CPU
#define CPU 0
#endif

#if SIZE == 1
#define BITS uchar
#elif SIZE == 2
#define BITS ushort
#elif SIZE == 4
#define BITS uint
#else
#define BITS ulong
#endif

static inline int
source(int i, int n)
{
#if MODE == 1
    return min(max(i, 0), n - 1);
#elif MODE == 2
    int period = max(2 * (n - 1), 1);
    i %= period;
    i += i < 0 ? period : 0;
    return i < n ? i : period - i;
#else
    i %= n;
    return i < 0 ? i + n : i;
#endif
}

/* Axis 0 is the innermost. */
#define AXIS(k)                                                                \
    {                                                                          \
        int q = rest / o##k;                                                   \
        x += source(rest - q * o##k - b##k, n##k) * s##k;                      \
        rest = q;                                                              \
    }

__kernel void
pad(__global const BITS *x, __global BITS *y, int o0, int n0, int b0, int s0,
    int o1, int n1, int b1, int s1, int o2, int n2, int b2, int s2, int o3,
    int n3, int b3, int s3, int o4, int n4, int b4, int s4, int o5, int n5,
    int b5, int s5, int o6, int n6, int b6, int s6, int o7, int n7, int b7,
    int s7)
{
    int id = (int)get_global_id(0);
#if CPU
    int rest = id;
#else
    int rest = id / o0, i = id - rest * o0;
#endif
    AXIS(1) AXIS(2)
#if RANK > 3
    AXIS(3) AXIS(4) AXIS(5) AXIS(6) AXIS(7)
#endif
    if (rest > 0)
        return;
#if CPU
    y += (size_t)id * o0;
    int first = min(max(b0, 0), o0), last = min(max(b0 + n0, first), o0);
    for (int i = 0; i < first; i++)
        y[i] = x[source(i - b0, n0)];
    for (int i = first; i < last; i++)
        y[i] = x[i - b0];
    for (int i = last; i < o0; i++)
        y[i] = x[source(i - b0, n0)];
#else
    y[id] = x[source(i - b0, n0)];
#endif
}

__kernel void
pad_grad(__global const STORAGE(TYPE_x) *dy, __global STORAGE(TYPE_x) *dx,
         int count, int out, int in, int inner, int begin)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int q = id % inner, i = id / inner % in;
    int base = id / inner / in * out * inner + q;
    ACC sum = 0;
    if (i + begin >= 0 && i + begin < out)
        sum += LOAD(TYPE_x, dy, base + (i + begin) * inner);
    for (int o = 0; o < min(begin, out); o++)
        if (source(o - begin, in) == i)
            sum += LOAD(TYPE_x, dy, base + o * inner);
    for (int o = max(begin + in, 0); o < out; o++)
        if (source(o - begin, in) == i)
            sum += LOAD(TYPE_x, dy, base + o * inner);
    STORE(TYPE_x, dx, id, sum);
}

/* move.cl - strided copies of any type.
 *
 *     y[to0 + sum i_d t_d] = x[from0 + sum i_d f_d]
 *
 * move: a work-item each number; on CPU devices each part of an innermost row,
 * with dimension 1 of the grid for the other axes.
 * move_tiles: `a` is contiguous in x, `b` in y: a matrix is transposed through
 * tiles of 16 x 16, in local memory or, on CPU devices, in registers.
 *
 *   TYPE_x   an unsigned integer of the element's size     12 (uint)
 *   RANK     axes counted apart from those named: 2, 4, 8  8
 *   CPU      1: work-groups of one work-item               0
 */
#ifndef TYPE_x
#define TYPE_x 12
#endif
#ifndef RANK
#define RANK 8
#endif
#ifndef CPU
#define CPU 0
#endif

#define NUMBER STORAGE(TYPE_x)

#define AXES                                                                   \
    int n0, int f0, int t0, int n1, int f1, int t1, int n2, int f2, int t2,    \
        int n3, int f3, int t3, int n4, int f4, int t4, int n5, int f5,        \
        int t5, int n6, int f6, int t6, int n7, int f7, int t7

#define AXIS(k)                                                                \
    {                                                                          \
        int q = rest / n##k, i = rest - q * n##k;                              \
        from += i * f##k;                                                      \
        to += i * t##k;                                                        \
        rest = q;                                                              \
    }
#if RANK > 4
#define LOCATE                                                                 \
    AXIS(7) AXIS(6) AXIS(5) AXIS(4) AXIS(3) AXIS(2) AXIS(1) AXIS(0)
#elif RANK > 2
#define LOCATE AXIS(7) AXIS(6) AXIS(5) AXIS(4)
#else
#define LOCATE AXIS(7) AXIS(6)
#endif

__kernel void
move(__global const NUMBER *x, __global NUMBER *y, int from0, int to0, int n,
     int f, int t, AXES, int piece)
{
#if CPU
    int rest = (int)get_global_id(1), from = from0, to = to0;
    LOCATE
    if (rest > 0)
        return;
    x += from;
    y += to;
    int i = (int)get_global_id(0) * piece, stop = min(i + piece, n);
    if (f == 1 && t == 1)
        for (; i < stop; i++)
            y[i] = x[i];
    else if (f == 0 && t == 1)
        for (NUMBER v = x[0]; i < stop; i++)
            y[i] = v;
    else
        for (; i < stop; i++)
            y[i * t] = x[i * f];
#else
    int rest = (int)get_global_id(0) / n, from = from0, to = to0;
    int i = (int)get_global_id(0) - rest * n;
    LOCATE
    if (rest == 0)
        y[to + i * t] = x[from + i * f];
#endif
}

/* The same bits everywhere. */
__kernel void
fill(__global NUMBER *y, int count, int low, int high, int piece)
{
    NUMBER v = (NUMBER)((ulong)(uint)high << 32 | (uint)low);
    int i = (int)get_global_id(0) * piece, stop = min(i + piece, count);
    for (; i < stop; i++)
        y[i] = v;
}

#if CPU
__kernel void
move_tiles(__global const NUMBER *x, __global NUMBER *y, int from0, int to0,
           int na, int ta, int nb, int fb, AXES)
{
    int rest = (int)get_global_id(1), from = from0, to = to0;
    LOCATE
    if (rest > 0)
        return;
    int a = (int)get_global_id(0) * 16, wide = min(na - a, 16);
    x += from + a;
    y += to + a * ta;
    int b = 0;
    if (wide == 16)
        for (; b + 16 <= nb; b += 16) {
            NUMBER tile[16][16];
            for (int j = 0; j < 16; j++)
                for (int i = 0; i < 16; i++)
                    tile[j][i] = x[i + (b + j) * fb];
            for (int i = 0; i < 16; i++)
                for (int j = 0; j < 16; j++)
                    y[i * ta + b + j] = tile[j][i];
        }
    for (; b < nb; b++)
        for (int i = 0; i < wide; i++)
            y[i * ta + b] = x[i + b * fb];
}
#else
__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void
move_tiles(__global const NUMBER *x, __global NUMBER *y, int from0, int to0,
           int na, int ta, int nb, int fb, AXES)
{
    __local NUMBER tile[16][17];
    int group = (int)get_group_id(0), tb = (nb + 15) / 16;
    int across = (na + 15) / 16;
    int b = group % tb * 16, a = group / tb % across * 16;
    int rest = group / tb / across, from = from0, to = to0;
    int i = (int)get_local_id(0), j = (int)get_local_id(1);
    LOCATE
    if (rest == 0 && a + i < na && b + j < nb)
        tile[j][i] = x[from + a + i + (b + j) * fb];
    barrier(CLK_LOCAL_MEM_FENCE);
    if (rest == 0 && a + j < na && b + i < nb)
        y[to + (a + j) * ta + b + i] = tile[i][j];
}
#endif

/* scatter.cl - numbers put into places that indices name.
 *
 *     scatter_rows:   y[b, index[b, m], q] = f(it, u[b, m, q])   for m = 0, 1 ..
 *     scatter_lines:  y[.., index[i], ..]  = f(it, u[i])  along one axis
 *
 * Where several updates meet in one place they are taken in their order, so
 * the bits are always the same: no atomics. A work-item owns a column q (or a
 * line along the axis) and, of its places, every `parts`-th; it walks through
 * all indices of that column and takes those that are its own. So the work is
 * linear in the indices, times `parts`.
 *
 * An index may count from the end; an update whose index lies outside is
 * dropped, or, CLAMP=1, goes to the nearest place.
 *
 *   TYPE_x   storage type of y and the updates            1
 *   TYPE_i   type of the indices: 6 int, 7 long           7
 *   REDUCE   f: 0 the update, 1 sum, 2 product, 3 min,
 *            4 max                                        0
 *   CLAMP    see above                                    0
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef TYPE_i
#define TYPE_i 7
#endif
#ifndef REDUCE
#define REDUCE 0
#endif
#ifndef CLAMP
#define CLAMP 0
#endif

/* The place that an index names, or -1. */
static inline int
row_of(STORAGE(TYPE_i) index, int rows)
{
    long i = (long)index;
#if CLAMP
    i = clamp(i, -(long)rows, (long)rows - 1);
#else
    if (i < -(long)rows || i >= rows)
        return -1;
#endif
    int k = (int)i;
    return k + (k < 0 ? rows : 0);
}

/* A NaN wins, as in NumPy. */
static inline void
put(__global STORAGE(TYPE_x) *y, int to, __global const STORAGE(TYPE_x) *u,
    int from)
{
    VALUE(TYPE_x) v = LOAD(TYPE_x, u, from);
#if REDUCE > 0
    VALUE(TYPE_x) it = LOAD(TYPE_x, y, to);
#endif
#if REDUCE == 1
    v = it + v;
#elif REDUCE == 2
    v = it * v;
#elif REDUCE == 3
    v = v < it || v != v ? v : it;
#elif REDUCE == 4
    v = v > it || v != v ? v : it;
#endif
    STORE(TYPE_x, y, to, v);
}

/* d0 .. d7: extents that the `depth` numbers of an index speak of; `span` is
 * how many indices lie between two batches, 0 when they share them. */
__kernel void
scatter_rows(__global const STORAGE(TYPE_i) *index,
             __global const STORAGE(TYPE_x) *u, __global STORAGE(TYPE_x) *y,
             int columns, int parts, int tuples, int depth, int slice,
             int rows, int span, int d0, int d1, int d2, int d3, int d4,
             int d5, int d6, int d7)
{
    int id = (int)get_global_id(0);
    if (id >= columns * parts)
        return;
    int column = id % columns, part = id / columns;
    int q = column % slice, b = column / slice;
    const int d[8] = {d0, d1, d2, d3, d4, d5, d6, d7};
    index += (size_t)b * span;
    for (int m = 0; m < tuples; m++) {
        int row = 0, inside = 1;
        for (int k = 0; k < depth; k++) {
            int i = row_of(index[m * depth + k], d[k]);
            inside = inside && i >= 0;
            row = inside ? row * d[k] + i : 0;
        }
        if (inside && row % parts == part)
            put(y, (b * rows + row) * slice + q, u,
                (b * tuples + m) * slice + q);
    }
}

/* n0 .. n7: extents of the updates, d0 .. d7: of y; those of the axis are 1
 * here, its own are n and rows, its strides from and to. */
__kernel void
scatter_lines(__global const STORAGE(TYPE_i) *index,
              __global const STORAGE(TYPE_x) *u, __global STORAGE(TYPE_x) *y,
              int lines, int parts, int axis, int n, int rows, int n0, int n1,
              int n2, int n3, int n4, int n5, int n6, int n7, int d0, int d1,
              int d2, int d3, int d4, int d5, int d6, int d7)
{
    int id = (int)get_global_id(0);
    if (id >= lines * parts)
        return;
    int line = id % lines, part = id / lines, from = 0, to = 0;
    int by = 1, on = 1, from_step = 1, to_step = 1;
    const int e[8] = {n0, n1, n2, n3, n4, n5, n6, n7};
    const int d[8] = {d0, d1, d2, d3, d4, d5, d6, d7};
    for (int k = 7; k >= 0; k--) {
        if (k == axis) {
            from_step = by;
            to_step = on;
            by *= n;
            on *= rows;
            continue;
        }
        from += line % e[k] * by;
        to += line % e[k] * on;
        line /= e[k];
        by *= e[k];
        on *= d[k];
    }
    for (int m = 0; m < n; m++) {
        int row = row_of(index[from + m * from_step], rows);
        if (row >= 0 && row % parts == part)
            put(y, to + row * to_step, u, from + m * from_step);
    }
}

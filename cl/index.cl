/* index.cl - numbers that indices or places choose.
 *
 *     gather_each:   y[i] = x[.., index[i], ..]         along one axis
 *     gather_tuples: y[b, m, q] = x[b, index[b, m], q]  tuples of `depth` indices
 *     one_hot:       y[p, c, q] = values[index[p, q] is c]
 *     eye:           y[r, c] = 1 where c - r = k, else 0
 *     cache:         y[p, s, q] = u[p, s - where[b], q] where that is there, else x
 *     triangle:      y[.., r, c] = x where c - r >= k (upper) or <= k, else 0
 *
 * Indices may count from the end; what lies outside is brought to the nearest
 * place (gathers), or is nobody's (one_hot).
 *
 *   SIZE     bytes of an element of x and y         4
 *   TYPE_i   type of the indices                    7
 *   TYPE_y   type of y (eye)                        1
 */
#ifndef SIZE
#define SIZE 4
#endif
#ifndef TYPE_i
#define TYPE_i 7
#endif
#ifndef TYPE_y
#define TYPE_y 1
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
row_of(long i, int rows)
{
    int k = (int)clamp(i, -(long)rows, (long)rows - 1);
    return k + (k < 0 ? rows : 0);
}

/* n0 .. n7: extents of y and the indices, d0 .. d7 of x. */
__kernel void
gather_each(__global const BITS *x, __global const STORAGE(TYPE_i) *index,
            __global BITS *y, int count, int axis, int n0, int n1, int n2,
            int n3, int n4, int n5, int n6, int n7, int d0, int d1, int d2,
            int d3, int d4, int d5, int d6, int d7)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    const int n[8] = {n0, n1, n2, n3, n4, n5, n6, n7};
    const int d[8] = {d0, d1, d2, d3, d4, d5, d6, d7};
    int row = row_of((long)LOAD(TYPE_i, index, id), d[axis]);
    int rest = id, from = 0, by = 1;
    for (int k = 7; k >= 0; k--) {
        from += (k == axis ? row : rest % n[k]) * by;
        rest /= n[k];
        by *= d[k];
    }
    y[id] = x[from];
}

__kernel void
gather_tuples(__global const BITS *x, __global const STORAGE(TYPE_i) *index,
              __global BITS *y, int count, int tuples, int depth, int slice,
              int d0, int d1, int d2, int d3, int d4, int d5, int d6, int d7)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    const int d[8] = {d0, d1, d2, d3, d4, d5, d6, d7};
    int q = id % slice, m = id / slice, row = m / tuples;
    for (int k = 0; k < depth; k++)
        row = row * d[k] + row_of((long)LOAD(TYPE_i, index, m * depth + k),
                                  d[k]);
    y[id] = x[row * slice + q];
}

__kernel void
one_hot(__global const STORAGE(TYPE_i) *index, __global const BITS *values,
        __global BITS *y, int count, int classes, int after)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int q = id % after, c = id / after % classes, p = id / after / classes;
    long i = (long)LOAD(TYPE_i, index, p * after + q);
    y[id] = values[i == c || i == (long)c - classes];
}

__kernel void
eye(__global STORAGE(TYPE_y) *y, int count, int columns, int k)
{
    int id = (int)get_global_id(0);
    if (id < count)
        STORE(TYPE_y, y, id, id % columns - id / columns == k ? 1 : 0);
}

__kernel void
triangle(__global const BITS *x, __global BITS *y, int count, int rows,
         int columns, int k, int upper)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int off = id % columns - id / columns % rows;
    y[id] = (upper ? off >= k : off <= k) ? x[id] : 0;
}

/* b: p's batch, of `group` p each; turned: places count modulo n. */
__kernel void
cache(__global const BITS *x, __global const BITS *u,
      __global const STORAGE(TYPE_i) *where, __global BITS *y, int count,
      int n, int length, int after, int group, int turned, int given)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int q = id % after, s = id / after % n, p = id / after / n;
    long first = given ? (long)LOAD(TYPE_i, where, p / group) : 0;
    long i = (long)s - clamp(first, -(long)n, (long)n);
    if (turned && i < 0)
        i += n;
    y[id] = i >= 0 && i < length ? u[(p * length + (int)i) * after + q] : x[id];
}

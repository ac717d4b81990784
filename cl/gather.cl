/* gather.cl - numbers picked along an axis, and the gradient.
 *
 *     y[p, j, q] = x[p, index[j], q]
 *     dx[p, i, q] = sum of dy[p, j, q] over the j with index[j] = i
 *
 * Negative indices count from the end; what lies outside is brought to the
 * nearest row, so that nothing outside is ever read. gather_rows: a work-item
 * copies all q.
 *
 *   SIZE     bytes of an element of x and y                 4
 *   TYPE_x   storage type (gradient)                        1
 *   TYPE_i   type of the indices: 6 int, 7 long             7
 */
#ifndef SIZE
#define SIZE 4
#endif
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef TYPE_i
#define TYPE_i 7
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
row_of(STORAGE(TYPE_i) index, int rows)
{
    int k = (int)clamp((long)index, -(long)rows, (long)rows - 1);
    return k + (k < 0 ? rows : 0);
}

__kernel void
gather(__global const BITS *x, __global const STORAGE(TYPE_i) *index,
       __global BITS *y, int count, int rows, int picks, int after)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int q = id % after, j = id / after % picks, p = id / after / picks;
    int i = row_of(index[j], rows);
    y[id] = x[(p * rows + i) * after + q];
}

__kernel void
gather_rows(__global const BITS *x, __global const STORAGE(TYPE_i) *index,
            __global BITS *y, int count, int rows, int picks, int after)
{
    int id = (int)get_global_id(0), j = id % picks, p = id / picks;
    if (id >= count / after)
        return;
    x += (size_t)(p * rows + row_of(index[j], rows)) * after;
    y += (size_t)id * after;
    for (int q = 0; q < after; q++)
        y[q] = x[q];
}

__kernel void
gather_grad(__global const STORAGE(TYPE_x) *dy,
            __global const STORAGE(TYPE_i) *index,
            __global STORAGE(TYPE_x) *dx, int count, int rows, int picks,
            int after)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int q = id % after, i = id / after % rows, p = id / after / rows;
    ACC sum = 0;
    for (int j = 0; j < picks; j++) {
        int at = (p * picks + j) * after + q;
        if (row_of(index[j], rows) == i)
            sum += LOAD(TYPE_x, dy, at);
    }
    STORE(TYPE_x, dx, id, sum);
}

/* top_k.cl - the k best numbers along an axis, best first, with their places.
 *
 * Merge sort of places, all lines at once: top_runs sorts runs of RUN places;
 * each top_merge makes one run of two, where a work-item finds by bisection
 * how many of the neighbour run come before its own place; top_take writes
 * what the first k places hold. Nothing beyond the first k of a run is looked
 * at. Of equal numbers the first comes first, so there is one order; a NaN is
 * above all numbers.
 *
 * A line is one of outer x inner, of n numbers `inner` apart. Places lie in
 * `order`, two tables of lines x n: a pass reads table `from`.
 *
 *   RUN      first runs                        8
 *   LEAST    1: the smallest ones             0
 *   TYPE_x   storage type                     1
 */
#ifndef RUN
#define RUN 8
#endif
#ifndef LEAST
#define LEAST 0
#endif
#ifndef TYPE_x
#define TYPE_x 1
#endif

static inline int
above(VALUE(TYPE_x) a, VALUE(TYPE_x) b)
{
    return a > b || (a != a && b == b);
}

/* Whether place i comes before place j. */
static inline int
first(__global const STORAGE(TYPE_x) *x, int base, int inner, int i, int j)
{
    VALUE(TYPE_x) a = LOAD(TYPE_x, x, base + i * inner);
    VALUE(TYPE_x) b = LOAD(TYPE_x, x, base + j * inner);
#if LEAST
    return above(b, a) || (!above(a, b) && i < j);
#else
    return above(a, b) || (!above(b, a) && i < j);
#endif
}

static inline int
line_base(int line, int n, int inner)
{
    return line / inner * n * inner + line % inner;
}

__kernel void
top_runs(__global const STORAGE(TYPE_x) *x, __global int *order, int lines,
         int n, int inner)
{
    int id = (int)get_global_id(0), runs = (n + RUN - 1) / RUN;
    if (id >= lines * runs)
        return;
    int line = id / runs, start = id % runs * RUN;
    int count = min(RUN, n - start), base = line_base(line, n, inner);
    int run[RUN];
    for (int k = 0; k < count; k++) {
        int at = k;
        while (at > 0 && first(x, base, inner, start + k, run[at - 1])) {
            run[at] = run[at - 1];
            at--;
        }
        run[at] = start + k;
    }
    order += (size_t)line * n + start;
    for (int k = 0; k < count; k++)
        order[k] = run[k];
}

__kernel void
top_merge(__global const STORAGE(TYPE_x) *x, __global int *order, int lines,
          int n, int inner, int length, int most, int from)
{
    int id = (int)get_global_id(0);
    if (id >= lines * n)
        return;
    int line = id / n, i = id % n, run = i / length, own = i % length;
    if (own >= most)
        return;
    size_t table = (size_t)lines * n;
    __global const int *old = order + (from ? table : 0) + (size_t)line * n;
    __global int *new = order + (from ? 0 : table) + (size_t)line * n;
    int other = (run ^ 1) * length, base = line_base(line, n, inner);
    int lo = 0, hi = clamp(n - other, 0, min(length, most)), mine = old[i];
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (first(x, base, inner, old[other + mid], mine))
            lo = mid + 1;
        else
            hi = mid;
    }
    if (own + lo < most)
        new[run / 2 * 2 * length + own + lo] = mine;
}

__kernel void
top_take(__global const STORAGE(TYPE_x) *x, __global const int *order,
         __global STORAGE(TYPE_x) *y, __global long *where, int lines, int n,
         int inner, int most, int from)
{
    int id = (int)get_global_id(0);
    if (id >= lines * most)
        return;
    int line = id % lines, k = id / lines;
    int i = order[(from ? (size_t)lines * n : 0) + (size_t)line * n + k];
    int to = line / inner * most * inner + k * inner + line % inner;
    STORE(TYPE_x, y, to, LOAD(TYPE_x, x, line_base(line, n, inner) + i * inner));
    where[to] = i;
}

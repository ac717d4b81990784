/* reduce.cl - sums, extremes and norms along axes; largest places; running
 * sums and, KIND 4, products.
 *
 *   KIND   0 sum, 1 mean, 2 max, 3 min, 4 product, 5 sum of |x|,
 *          6 sqrt of the sum of squares, 7 sum of squares, 8 log of the sum,
 *          9 log(sum(exp(x - m))) + m, where m stands in `shift`
 *   LANES  floats of one vector, in `along` and `across`
 *   TYPE_x, TYPE_y
 *
 * A tensor is seen as up to four kept and four reduced dimensions. A reduction
 * of many numbers to few is cut into `splits` pieces by its shape alone, whose
 * results `join` brings together.
 */
#ifndef KIND
#define KIND 0
#endif
#ifndef LANES
#define LANES 1
#endif
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef TYPE_y
#define TYPE_y 1
#endif

/* Sums of small integers are kept in long, of all else as they come. */
#if TYPE_x == 1 || TYPE_x == 10 || TYPE_x == 16
#define SUM float
#define LEAST (-INFINITY)
#define MOST INFINITY
#define IS_REAL 1
#elif TYPE_x == 11
#define SUM double
#define LEAST ((double)-INFINITY)
#define MOST ((double)INFINITY)
#define IS_REAL 1
#else
#define SUM long
#define LEAST OC_CAT(OC_LEAST_, TYPE_x)
#define MOST OC_CAT(OC_MOST_, TYPE_x)
#define IS_REAL 0
#endif

/* What extremes of no numbers are. */
#define OC_LEAST_2 0
#define OC_MOST_2 UCHAR_MAX
#define OC_LEAST_3 SCHAR_MIN
#define OC_MOST_3 SCHAR_MAX
#define OC_LEAST_4 0
#define OC_MOST_4 USHRT_MAX
#define OC_LEAST_5 SHRT_MIN
#define OC_MOST_5 SHRT_MAX
#define OC_LEAST_6 INT_MIN
#define OC_MOST_6 INT_MAX
#define OC_LEAST_7 LONG_MIN
#define OC_MOST_7 LONG_MAX
#define OC_LEAST_9 0
#define OC_MOST_9 1
#define OC_LEAST_12 0
#define OC_MOST_12 UINT_MAX
#define OC_LEAST_13 LONG_MIN
#define OC_MOST_13 LONG_MAX

/* A NaN is larger and smaller than all else; integers have none. */
#if IS_REAL
#define IS_NAN(a) ((a) != (a))
#define FIRST_NAN(a, b) ((a) != (a) && (b) == (b))
#else
#define IS_NAN(a) 0
#define FIRST_NAN(a, b) 0
#endif

#if KIND == 2
#define START LEAST
#define JOIN(a, b) ((b) > (a) || IS_NAN(b) ? (b) : (a))
#elif KIND == 3
#define START MOST
#define JOIN(a, b) ((b) < (a) || IS_NAN(b) ? (b) : (a))
#elif KIND == 4
#define START 1
#define JOIN(a, b) ((a) * (b))
#else
#define START 0
#define JOIN(a, b) ((a) + (b))
#endif

#if KIND == 5 && IS_REAL
#define EACH(x) fabs(x)
#elif KIND == 5
#define EACH(x) ((x) * (((x) > 0) - ((x) < 0)))
#elif KIND == 6 || KIND == 7
#define EACH(x) ((x) * (x))
#elif KIND == 9
#define EACH(x) exp((x)-shift)
#else
#define EACH(x) (x)
#endif

static inline SUM
finish(SUM v, SUM shift, int count)
{
#if KIND == 1
    return v / (SUM)count;
#elif KIND == 6 && IS_REAL
    return sqrt(v);
#elif KIND == 6
    return (SUM)sqrt((float)v);
#elif KIND == 8 && IS_REAL
    return log(v);
#elif KIND == 9 && IS_REAL
    return log(v) + shift;
#else
    return v;
#endif
}

/* What is taken from each number first: the largest, where that is finite. */
static inline float
shift_of(float most)
{
    return isfinite(most) ? most : 0.0f;
}

#define KEPT                                                                   \
    int k1, int k2, int k3, int ks0, int ks1, int ks2, int ks3
#define REDUCED                                                                \
    int r1, int r2, int r3, int rs0, int rs1, int rs2, int rs3

static inline int
kept_place(int o, KEPT)
{
    const int i3 = o % k3;
    o /= k3;
    const int i2 = o % k2;
    o /= k2;
    return o / k1 * ks0 + o % k1 * ks1 + i2 * ks2 + i3 * ks3;
}

/* Where a row of r3 numbers begins. */
static inline int
row_place(int row, REDUCED)
{
    const int i2 = row % r2;
    row /= r2;
    return row / r1 * rs0 + row % r1 * rs1 + i2 * rs2;
}

/* One result, or one piece of it, a work-item. The result goes to y, a piece
 * to part (splits > 1), the kept index fastest. */
__kernel void
each(__global const STORAGE(TYPE_x) *x, __global STORAGE(TYPE_y) *y,
     __global float *part, __global const float *shifts, int outputs, int count,
     int splits, int size, KEPT, REDUCED)
{
    const int item = (int)get_global_id(0);

    if (item >= outputs * splits)
        return;
    const int o = item % outputs, split = item / outputs;
    const int base = kept_place(o, k1, k2, k3, ks0, ks1, ks2, ks3);
    const int to = min((split + 1) * size, count);
    const SUM shift = KIND == 9 ? (SUM)shift_of(shifts[o]) : 0;
    SUM v = START;

    for (int i = split * size; i < to;) {
        const int row = i / r3, j = i - row * r3;
        const int n = min(r3 - j, to - i);
        const int at =
            base + row_place(row, r1, r2, r3, rs0, rs1, rs2, rs3) + j * rs3;
        for (int k = 0; k < n; k++) {
            const SUM a = (SUM)LOAD(TYPE_x, x, at + k * rs3);
            const SUM b = EACH(a);
            v = JOIN(v, b);
        }
        i += n;
    }
    if (splits > 1)
        part[outputs + item] = (float)v;
    else
        STORE(TYPE_y, y, o, finish(v, shift, count));
}

__kernel void
join(__global const float *part, __global STORAGE(TYPE_y) *y,
     __global const float *shifts, int outputs, int count, int splits)
{
    const int o = (int)get_global_id(0);

    if (o >= outputs)
        return;
    SUM v = START;
    for (int split = 0; split < splits; split++) {
        const SUM b = (SUM)part[(split + 1) * outputs + o];
        v = JOIN(v, b);
    }
    STORE(TYPE_y, y, o,
          finish(v, KIND == 9 ? (SUM)shift_of(shifts[o]) : 0, count));
}

#if LANES > 1
/* The same for CPUs. `along`: the reduced numbers lie side by side; a vector
 * holds LANES parts of one result. */
__kernel void
along(__global const STORAGE(TYPE_x) *x, __global STORAGE(TYPE_y) *y,
      __global float *part, __global const float *shifts, int outputs,
      int count, int splits, int size, KEPT, REDUCED)
{
    const int item = (int)get_global_id(0);

    if (item >= outputs * splits)
        return;
    const int o = item % outputs, split = item / outputs;
    const int base = kept_place(o, k1, k2, k3, ks0, ks1, ks2, ks3);
    const int to = min((split + 1) * size, count);
    const float shift = KIND == 9 ? shift_of(shifts[o]) : 0.0f;
    WIDE sum = (WIDE)(START);
    float lanes[LANES], v = START;

    for (int i = split * size; i < to;) {
        const int row = i / r3, j = i - row * r3;
        const int n = min(r3 - j, to - i);
        const int at =
            base + row_place(row, r1, r2, r3, rs0, rs1, rs2, rs3) + j;
        int k = 0;
        for (; k + LANES <= n; k += LANES) {
            const WIDE a = VLOAD(TYPE_x, x, at + k);
            const WIDE b = EACH(a);
            sum = JOIN(sum, b);
        }
        for (; k < n; k++) {
            const float a = LOAD(TYPE_x, x, at + k);
            const float b = EACH(a);
            v = JOIN(v, b);
        }
        i += n;
    }
    OC_CAT(vstore, LANES)(sum, 0, lanes);
    for (int k = 0; k < LANES; k++)
        v = JOIN(v, lanes[k]);
    if (splits > 1)
        part[outputs + item] = v;
    else
        STORE(TYPE_y, y, o, finish(v, shift, count));
}

/* `across`: the kept numbers lie side by side; a vector holds LANES results.
 * outputs = groups * k3, and a work-item takes one vector of a group. */
__kernel void
across(__global const STORAGE(TYPE_x) *x, __global STORAGE(TYPE_y) *y,
       __global float *part, __global const float *shifts, int outputs,
       int count, int splits, int size, KEPT, REDUCED)
{
    const int vectors = (k3 + LANES - 1) / LANES;
    const int each = outputs / k3 * vectors;
    const int item = (int)get_global_id(0);

    if (item >= each * splits)
        return;
    const int split = item / each, group = item % each / vectors;
    const int first = item % vectors * LANES, n = min(LANES, k3 - first);
    const int o = group * k3 + first;
    const int base = kept_place(o, k1, k2, k3, ks0, ks1, ks2, ks3);
    const int to = min((split + 1) * size, count);
    WIDE shift = (WIDE)(0.0f), sum = (WIDE)(START), a;
    float lanes[LANES];

#if KIND == 9
    for (int k = 0; k < LANES; k++)
        lanes[k] = k < n ? shift_of(shifts[o + k]) : 0.0f;
    shift = OC_CAT(vload, LANES)(0, lanes);
#endif
    for (int i = split * size; i < to; i++) {
        const int row = i / r3, j = i - row * r3;
        const int at = base +
                       row_place(row, r1, r2, r3, rs0, rs1, rs2, rs3) +
                       j * rs3;
        if (n == LANES)
            a = VLOAD(TYPE_x, x, at);
        else
            LOAD_PART(TYPE_x, x, at, n, a);
        const WIDE b = EACH(a);
        sum = JOIN(sum, b);
    }
    OC_CAT(vstore, LANES)(sum, 0, lanes);
    for (int k = 0; k < n; k++)
        if (splits > 1)
            part[(split + 1) * outputs + o + k] = lanes[k];
        else
            STORE(TYPE_y, y, o + k,
                  finish(lanes[k], KIND == 9 ? shift_of(shifts[o + k]) : 0.0f,
                         count));
}
#endif

/* Each number's product of the others of its group, times dy. Only where a
 * number is zero must the others be looked at. */
__kernel void
product_grad(__global const STORAGE(TYPE_x) *x,
             __global const STORAGE(TYPE_y) *y,
             __global const STORAGE(TYPE_y) *dy, __global STORAGE(TYPE_x) *dx,
             int outputs, int count, KEPT, REDUCED)
{
    const int item = (int)get_global_id(0);

    if (item >= outputs * count)
        return;
    const int o = item % outputs, own = item / outputs;
    const int base = kept_place(o, k1, k2, k3, ks0, ks1, ks2, ks3);
    const int at = base + row_place(own / r3, r1, r2, r3, rs0, rs1, rs2, rs3) +
                   own % r3 * rs3;
    const SUM a = (SUM)LOAD(TYPE_x, x, at);
    SUM rest = 1;

    if (a != 0)
        rest = (SUM)LOAD(TYPE_y, y, o) / a;
    else
        for (int i = 0; i < count; i++)
            if (i != own)
                rest *= (SUM)LOAD(
                    TYPE_x, x,
                    base +
                        row_place(i / r3, r1, r2, r3, rs0, rs1, rs2, rs3) +
                        i % r3 * rs3);
    STORE(TYPE_x, dx, at, rest * (SUM)LOAD(TYPE_y, dy, o));
}

/* ---- one axis: outer x n x inner ------------------------------------------
 * The place of the largest (sign 1) or smallest (-1) number; of equals the
 * first, or the last. */
__kernel void
place(__global const STORAGE(TYPE_x) *x, __global long *y, int outer, int n,
      int inner, int sign, int last)
{
    const int item = (int)get_global_id(0);

    if (item >= outer * inner)
        return;
    const int base = item / inner * n * inner + item % inner;
    SUM best = (SUM)LOAD(TYPE_x, x, base);
    int at = 0;
    for (int i = 1; i < n; i++) {
        const SUM v = (SUM)LOAD(TYPE_x, x, base + i * inner);
        const int more = sign > 0 ? v > best : v < best;
        if (more || (last && v == best) || FIRST_NAN(v, best)) {
            best = v;
            at = i;
        }
    }
    y[item] = at;
}

__kernel void
running(__global const STORAGE(TYPE_x) *x, __global STORAGE(TYPE_y) *y,
        int outer, int n, int inner, int without_own, int backwards)
{
    const int item = (int)get_global_id(0);

    if (item >= outer * inner)
        return;
    const int base = item / inner * n * inner + item % inner;
    SUM sum = KIND == 4 ? 1 : 0;
    for (int i = 0; i < n; i++) {
        const int at = base + (backwards ? n - 1 - i : i) * inner;
        const SUM v = (SUM)LOAD(TYPE_x, x, at);
        const SUM next = KIND == 4 ? sum * v : sum + v;
        STORE(TYPE_y, y, at, without_own ? sum : next);
        sum = next;
    }
}

/* 1 at the first largest number along the axis, 0 elsewhere. */
__kernel void
hardmax(__global const STORAGE(TYPE_x) *x, __global STORAGE(TYPE_x) *y,
        int outer, int n, int inner)
{
    const int item = (int)get_global_id(0);
    const int base = item / inner * n * inner + item % inner;
    int best = 0;

    if (item >= outer * inner)
        return;
    for (int c = 1; c < n; c++)
        if (LOAD(TYPE_x, x, base + c * inner) >
            LOAD(TYPE_x, x, base + best * inner))
            best = c;
    for (int c = 0; c < n; c++)
        STORE(TYPE_x, y, base + c * inner, c == best);
}

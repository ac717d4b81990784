/* softmax.cl - softmax and its logarithm along one axis, and their gradients.
 *
 *   y_c = exp(x_c - m) / sum(exp(x - m)),  m = max(x)
 *   LOG 1:  y_c = x_c - m - log(sum(exp(x - m)))
 *   dx = y (dy - sum(y dy));  LOG 1:  dx = dy - exp(y) sum(dy)
 *
 * A tensor is outer x n x inner, with the axis in the middle. `across` takes
 * LANES columns (one number each with LANES 1, which is the direct version);
 * `along` takes one row of an innermost axis.
 */
#ifndef LOG
#define LOG 0
#endif
#ifndef LANES
#define LANES 1
#endif
#ifndef TYPE_x
#define TYPE_x 1
#endif

#if LANES > 1
#define NUMBERS WIDE
#define GET(p, i, v)                                                           \
    do {                                                                       \
        if (left >= LANES)                                                     \
            v = VLOAD(TYPE_x, p, i);                                           \
        else                                                                   \
            LOAD_PART(TYPE_x, p, i, left, v);                                  \
    } while (0)
#define PUT(p, i, v)                                                           \
    do {                                                                       \
        if (left >= LANES)                                                     \
            VSTORE(TYPE_x, p, i, v);                                           \
        else                                                                   \
            STORE_PART(TYPE_x, p, i, left, v);                                 \
    } while (0)
#elif TYPE_x == 11
#define NUMBERS double
#else
#define NUMBERS float
#endif
#if LANES == 1
#define GET(p, i, v) v = LOAD(TYPE_x, p, i)
#define PUT(p, i, v) STORE(TYPE_x, p, i, v)
#endif

/* Where the columns of a work-item begin, and how many there are. */
#define COLUMNS                                                                \
    const int vectors = (inner + LANES - 1) / LANES;                           \
    const int item = (int)get_global_id(0);                                    \
    if (item >= outer * vectors)                                               \
        return;                                                                \
    const int column = item % vectors * LANES, left = inner - column;          \
    const int base = item / vectors * n * inner + column

__kernel void
across(__global const STORAGE(TYPE_x) *x, __global STORAGE(TYPE_x) *y,
       int outer, int n, int inner)
{
    COLUMNS;
    NUMBERS most, v, sum = 0;

    GET(x, base, most);
    for (int c = 1; c < n; c++) {
        GET(x, base + c * inner, v);
        most = max(most, v);
    }
    for (int c = 0; c < n; c++) {
        GET(x, base + c * inner, v);
        v = exp(v - most);
        sum += v;
    }
#if LOG
    most += log(sum);
#endif
    for (int c = 0; c < n; c++) {
        GET(x, base + c * inner, v);
        v = LOG ? v - most : exp(v - most) / sum;
        PUT(y, base + c * inner, v);
    }
}

__kernel void
across_grad(__global const STORAGE(TYPE_x) *y,
            __global const STORAGE(TYPE_x) *dy, __global STORAGE(TYPE_x) *dx,
            int outer, int n, int inner)
{
    COLUMNS;
    NUMBERS a, d, sum = 0;

    for (int c = 0; c < n; c++) {
        GET(dy, base + c * inner, d);
#if !LOG
        GET(y, base + c * inner, a);
        d *= a;
#endif
        sum += d;
    }
    for (int c = 0; c < n; c++) {
        GET(y, base + c * inner, a);
        GET(dy, base + c * inner, d);
        d = LOG ? d - exp(a) * sum : a * (d - sum);
        PUT(dx, base + c * inner, d);
    }
}

#if LANES > 1
static inline float
add_up(WIDE v)
{
    float lanes[LANES], sum = 0.0f;

    OC_CAT(vstore, LANES)(v, 0, lanes);
    for (int k = 0; k < LANES; k++)
        sum += lanes[k];
    return sum;
}

/* The lanes of a row's end that hold no number. */
#define REAL(left)                                                             \
    (OC_CAT(vload, LANES)(0, oc_lane) < (WIDE_INT)(left))

__kernel void
along(__global const STORAGE(TYPE_x) *x, __global STORAGE(TYPE_x) *y, int outer,
      int n)
{
    const int row = (int)get_global_id(0);
    WIDE v, sum = (WIDE)(0.0f), wide = (WIDE)(-INFINITY);
    float lanes[LANES], most = -INFINITY;

    if (row >= outer)
        return;
    for (int c = 0; c < n; c += LANES) {
        const int left = n - c;
        GET(x, row * n + c, v);
        wide = max(wide, select((WIDE)(-INFINITY), v, REAL(left)));
    }
    OC_CAT(vstore, LANES)(wide, 0, lanes);
    for (int k = 0; k < LANES; k++)
        most = max(most, lanes[k]);
    for (int c = 0; c < n; c += LANES) {
        const int left = n - c;
        GET(x, row * n + c, v);
        v = exp(v - most);
        sum += select((WIDE)(0.0f), v, REAL(left));
    }
    const float total = add_up(sum);
    const float shift = LOG ? most + log(total) : most;
    for (int c = 0; c < n; c += LANES) {
        const int left = n - c;
        GET(x, row * n + c, v);
        v = LOG ? v - shift : exp(v - shift) / total;
        PUT(y, row * n + c, v);
    }
}

__kernel void
along_grad(__global const STORAGE(TYPE_x) *y,
           __global const STORAGE(TYPE_x) *dy, __global STORAGE(TYPE_x) *dx,
           int outer, int n)
{
    const int row = (int)get_global_id(0);
    WIDE a, d, sum = (WIDE)(0.0f);

    if (row >= outer)
        return;
    /* What is loaded past the end is zero in both. */
    for (int c = 0; c < n; c += LANES) {
        const int left = n - c;
        GET(dy, row * n + c, d);
#if !LOG
        GET(y, row * n + c, a);
        d *= a;
#endif
        sum += d;
    }
    const float total = add_up(sum);
    for (int c = 0; c < n; c += LANES) {
        const int left = n - c;
        GET(y, row * n + c, a);
        GET(dy, row * n + c, d);
        d = LOG ? d - exp(a) * total : a * (d - total);
        PUT(dx, row * n + c, d);
    }
}
#endif

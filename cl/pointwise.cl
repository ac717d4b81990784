/* pointwise.cl - y = f(a, b, c, d) for each number, whatever f is.
 *
 * The formula comes in front as `#define FORMULA text` over a, b, c, d and the
 * scalars s0, s1 ..., with SCALAR_ARGS (", float s0_, float s1_") and
 * SCALAR_SET ("const SCALAR s0 = s0_, s1 = s1_;").
 *
 *   N_IN       inputs, 1 to 4
 *   TYPE_a ... storage types of inputs and output
 *   LANES        lanes of one vector; 1: numbers one by one, any type
 *
 * `rows` is for CPUs: one work-item takes a part of a long row, or several
 * short ones. A row is what lies side by side in the output; where it begins
 * in each operand follows from three outer coordinates and their strides.
 * Within the row an operand moves along (step 1), stays (step 0), or repeats
 * its first LANES numbers (step 2: channels of a blocked image, where LANES is the
 * block). Channels from `channels` on are padding and get zero.
 *
 * `each` is the plain one: a work-item a number, up to six dimensions.
 */
#ifndef FORMULA
#define FORMULA (a + b)
#endif
#ifndef N_IN
#define N_IN 2
#endif
#ifndef LANES
#define LANES 1
#endif
#ifndef SCALAR_ARGS
#define SCALAR_ARGS
#define SCALAR_SET
#endif
#ifndef TYPE_a
#define TYPE_a 1
#endif
#ifndef TYPE_b
#define TYPE_b 1
#endif
#ifndef TYPE_c
#define TYPE_c 1
#endif
#ifndef TYPE_d
#define TYPE_d 1
#endif
#ifndef TYPE_y
#define TYPE_y 1
#endif

/* Integer division and remainder that no operand can trap. */
#define INT_DIV(a, b)                                                          \
    ((b) == 0 ? 0 : (b) < 0 && (b) + 1 == 0 ? -(a) : (a) / ((b) + ((b) == 0)))
#define INT_REM(a, b)                                                          \
    ((b) == 0 || ((b) < 0 && (b) + 1 == 0) ? 0 : (a) % ((b) + ((b) == 0)))
/* The remainder with the sign of the divisor. */
#define INT_MOD(a, b)                                                          \
    (INT_REM(a, b) != 0 && (INT_REM(a, b) < 0) != ((b) < 0)                    \
         ? INT_REM(a, b) + (b)                                                 \
         : INT_REM(a, b))

static inline long
int_pow(long base, long exponent)
{
    long power = 1;
    if (exponent < 0)
        return base == 1 ? 1 : base == -1 ? ((exponent & 1) ? -1 : 1) : 0;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1)
            power *= base;
    return power;
}

#if LANES > 1
#define SCALAR WIDE
/* What an operand that does not move along gives all through a row. */
#define STILL(x)                                                               \
    WIDE still_##x = (WIDE)(0.0f);                                             \
    if (x##_step == 0)                                                         \
        still_##x = (WIDE)(LOAD(TYPE_##x, r##x, 0));                           \
    else if (x##_step == 2)                                                    \
    still_##x = VLOAD(TYPE_##x, r##x, 0)
#define TAKE(x)                                                                \
    WIDE x = still_##x;                                                        \
    if (x##_step == 1 && n >= LANES)                                           \
        x = VLOAD(TYPE_##x, r##x, i);                                          \
    else if (x##_step == 1)                                                    \
    LOAD_PART(TYPE_##x, r##x, i, n, x)
#else
#define SCALAR float
#define STILL(x)
#define TAKE(x)                                                                \
    const VALUE(TYPE_##x) x = LOAD(TYPE_##x, r##x, i * x##_step)
#endif

#define ROW_ARGS(x)                                                            \
    __global const STORAGE(TYPE_##x) *p##x, int x##_at, int x##_0, int x##_1,  \
        int x##_2, int x##_step,
#define ROW(x)                                                                 \
    __global const STORAGE(TYPE_##x) *r##x =                                   \
        p##x + x##_at + i0 * x##_0 + i1 * x##_1 + i2 * x##_2

/* Rows are counted with i2 fastest: size2, size1 of them, `rows` in all. */
__kernel void
rows(ROW_ARGS(a)
#if N_IN > 1
         ROW_ARGS(b)
#endif
#if N_IN > 2
             ROW_ARGS(c)
#endif
#if N_IN > 3
                 ROW_ARGS(d)
#endif
                     __global STORAGE(TYPE_y) * py,
     int y_at, int y_0, int y_1, int y_2, int size1, int size2, int n_rows,
     int rows_each, int inner, int chunk, int chunks, int channels SCALAR_ARGS)
{
    const int item = (int)get_global_id(0);
    const int first = item / chunks * rows_each;
    const int from = item % chunks * chunk;
    const int to = min(from + chunk, inner);
    SCALAR_SET

    int i2 = first % size2;
    int i1 = first / size2 % size1, i0 = first / size2 / size1;

    for (int row = first; row < min(first + rows_each, n_rows); row++) {
        __global STORAGE(TYPE_y) *ry =
            py + y_at + i0 * y_0 + i1 * y_1 + i2 * y_2;
        ROW(a);
        STILL(a);
#if N_IN > 1
        ROW(b);
        STILL(b);
#endif
#if N_IN > 2
        ROW(c);
        STILL(c);
#endif
#if N_IN > 3
        ROW(d);
        STILL(d);
#endif
#if LANES > 1
        const WIDE_INT real =
            OC_CAT(vload, LANES)(0, oc_lane) < (WIDE_INT)(channels - i1 * LANES);
#endif
        for (int i = from; i < to; i += LANES) {
#if LANES > 1
            const int n = to - i;
#endif
            TAKE(a);
#if N_IN > 1
            TAKE(b);
#endif
#if N_IN > 2
            TAKE(c);
#endif
#if N_IN > 3
            TAKE(d);
#endif
#if LANES > 1
            const WIDE y = select((WIDE)(0.0f), (WIDE)(FORMULA), real);
            if (n >= LANES)
                VSTORE(TYPE_y, ry, i, y);
            else
                STORE_PART(TYPE_y, ry, i, n, y);
#else
            STORE(TYPE_y, ry, i, FORMULA);
#endif
        }
        if (++i2 == size2) {
            i2 = 0;
            if (++i1 == size1) {
                i1 = 0;
                i0++;
            }
        }
    }
}

#undef SCALAR
#define SCALAR float
#define EACH_ARGS(x)                                                           \
    __global const STORAGE(TYPE_##x) *p##x, int x##_at, int x##_0, int x##_1,  \
        int x##_2, int x##_3, int x##_4, int x##_5,
#define EACH(x)                                                                \
    const VALUE(TYPE_##x) x =                                                  \
        LOAD(TYPE_##x, p##x,                                                   \
             x##_at + i0 * x##_0 + i1 * x##_1 + i2 * x##_2 + i3 * x##_3 +      \
                 i4 * x##_4 + i5 * x##_5)

__kernel void
each(EACH_ARGS(a)
#if N_IN > 1
         EACH_ARGS(b)
#endif
#if N_IN > 2
             EACH_ARGS(c)
#endif
#if N_IN > 3
                 EACH_ARGS(d)
#endif
                     __global STORAGE(TYPE_y) * py,
     int y_at, int size1, int size2, int size3, int size4, int size5,
     int count SCALAR_ARGS)
{
    const int i = (int)get_global_id(0);
    int rest = i;

    if (i >= count)
        return;
    SCALAR_SET
    const int i5 = rest % size5;
    rest /= size5;
    const int i4 = rest % size4;
    rest /= size4;
    const int i3 = rest % size3;
    rest /= size3;
    const int i2 = rest % size2;
    rest /= size2;
    const int i1 = rest % size1;
    const int i0 = rest / size1;
    EACH(a);
#if N_IN > 1
    EACH(b);
#endif
#if N_IN > 2
    EACH(c);
#endif
#if N_IN > 3
    EACH(d);
#endif
    STORE(TYPE_y, py, y_at + i, FORMULA);
}

/* gemm.cl - matrix products as plain sums: the reference.
 *
 *     y[b,i,j] = alpha * sum over l of a[b,i,l] * b[b,l,j] + beta * c[i,j]
 *
 * A transpose is a pair of strides: element (i, l) of a lies at i*a_row +
 * l*a_column. c repeats along an axis whose stride is 0, and is not touched
 * when beta is 0. Up to six batch axes, outermost first, each with its extent
 * and the strides of a and b along it (0: repeats). One work-item a number.
 *
 *   TYPE_a            storage type of all four
 *   EPILOGUE(v, i)    what becomes of v before it is stored at i
 */
#ifndef TYPE_a
#define TYPE_a 1
#endif
#ifndef EPILOGUE
#define EPILOGUE(v, i) (v)
#define EPILOGUE_PARAMETERS
#endif

/* Doubles are summed in double, integers in integers (they wrap). */
#define OC_SUM_1 ACC
#define OC_SUM_2 uint
#define OC_SUM_3 int
#define OC_SUM_4 uint
#define OC_SUM_5 int
#define OC_SUM_6 int
#define OC_SUM_7 long
#define OC_SUM_10 ACC
#define OC_SUM_11 double
#define OC_SUM_12 uint
#define OC_SUM_13 ulong
#define OC_SUM_16 ACC
#define SUM OC_CAT(OC_SUM_, TYPE_a)

#define AXIS(n) int batch##n, int stride_a##n, int stride_b##n

/* Takes axis n off `rest`, innermost first. */
#define STEP(n)                                                                \
    from_a += rest % batch##n * stride_a##n;                                   \
    from_b += rest % batch##n * stride_b##n;                                   \
    rest /= batch##n

__kernel void
gemm(__global const STORAGE(TYPE_a) *a, __global const STORAGE(TYPE_a) *b,
     __global const STORAGE(TYPE_a) *c, __global STORAGE(TYPE_a) *y, int count,
     int m, int n, int k, int a_row, int a_column, int b_row, int b_column,
     int c_row, int c_column, float alpha, float beta, AXIS(0), AXIS(1),
     AXIS(2), AXIS(3), AXIS(4), AXIS(5) EPILOGUE_PARAMETERS)
{
    int at = (int)get_global_id(0);
    int i = at / n % m, j = at % n, rest = at / n / m;
    int from_a = i * a_row, from_b = j * b_column;
    SUM sum = 0;

    if (at >= count)
        return;
    STEP(5);
    STEP(4);
    STEP(3);
    STEP(2);
    STEP(1);
    STEP(0);
    for (int l = 0; l < k; l++)
        sum += (SUM)LOAD(TYPE_a, a, from_a + l * a_column) *
               (SUM)LOAD(TYPE_a, b, from_b + l * b_row);
    sum *= (SUM)alpha;
    if (beta != 0.0f)
        sum += (SUM)beta * (SUM)LOAD(TYPE_a, c, i * c_row + j * c_column);
    STORE(TYPE_a, y, at, EPILOGUE(sum, at));
}

/* What a GEMM library does not do: y starts as c, and ends in an epilogue. */
__kernel void
gemm_start(__global const STORAGE(TYPE_a) *c, __global STORAGE(TYPE_a) *y,
           int count, int n, int c_row, int c_column)
{
    int at = (int)get_global_id(0);

    if (at < count)
        STORE(TYPE_a, y, at,
              LOAD(TYPE_a, c, at / n * c_row + at % n * c_column));
}

__kernel void
gemm_finish(__global STORAGE(TYPE_a) *y, int count EPILOGUE_PARAMETERS)
{
    int at = (int)get_global_id(0);

    if (at < count)
        STORE(TYPE_a, y, at, EPILOGUE(LOAD(TYPE_a, y, at), at));
}

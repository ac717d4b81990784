/* einsum.cl - sums of products over named axes.
 *
 *     y[o] = sum over s of a[o A + s A'] * b[o B + s B'] * ...
 *
 * The text in front of this file (src/op/einsum.c writes it) names OUT axes
 * and SUM axes by their extents, `extent`, outer ones first, then summed ones,
 * and the strides of y and of each of the N operands along them; a stride is 0
 * where a tensor has not that axis, and a sum of several on a diagonal. One
 * number a work-item; what no work-item writes is zeroed before.
 *
 *   OUT SUM N    see above
 *   TYPE_x       storage type of all     1
 */
#ifndef OUT
#define OUT 1
#define SUM 1
#define N 1
__constant int extent[] = {1, 1};
__constant int to[] = {1, 0};
__constant int from[] = {1, 1};
#endif
#ifndef TYPE_x
#define TYPE_x 1
#endif

#if TYPE_x == 1 || TYPE_x == 10 || TYPE_x == 16
#define TERM float
#elif TYPE_x == 11
#define TERM double
#else
#define TERM long
#endif

#define OPERAND(k) __global const STORAGE(TYPE_x) *x##k
#define TIMES(k)                                                               \
    if (N > k)                                                                 \
        term *= (TERM)LOAD(TYPE_x, x##k, at[N > k ? k : 0]);

__kernel void
einsum(OPERAND(0), OPERAND(1), OPERAND(2), OPERAND(3), OPERAND(4), OPERAND(5),
       __global STORAGE(TYPE_x) *y, int count, int terms)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int base[N], rest = id, target = 0;
    for (int k = 0; k < N; k++)
        base[k] = 0;
    for (int d = OUT - 1; d >= 0; d--) {
        int i = rest % extent[d];
        rest /= extent[d];
        target += i * to[d];
        for (int k = 0; k < N; k++)
            base[k] += i * from[k * (OUT + SUM) + d];
    }
    TERM sum = 0;
    for (int s = 0; s < terms; s++) {
        int at[N];
        for (int k = 0; k < N; k++)
            at[k] = base[k];
        rest = s;
        for (int d = OUT + SUM - 1; d >= OUT; d--) {
            int i = rest % extent[d];
            rest /= extent[d];
            for (int k = 0; k < N; k++)
                at[k] += i * from[k * (OUT + SUM) + d];
        }
        TERM term = 1;
        TIMES(0)
        TIMES(1)
        TIMES(2)
        TIMES(3)
        TIMES(4)
        TIMES(5)
        sum += term;
    }
    STORE(TYPE_x, y, target, sum);
}

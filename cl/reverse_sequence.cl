/* reverse_sequence.cl - the beginning of each sequence, backwards.
 *
 *     y[t, b, ...] = x[t < length_b ? length_b - 1 - t : t, b, ...]
 *
 * or with the sample first (BATCH 0). Any type: bits are copied. One work-item
 * a number.
 *
 *   TYPE_x   an unsigned integer of the element's size
 *   TYPE_i   type of the lengths: int64 or int32
 *   BATCH    axis of the samples, 0 or 1; time is the other
 */
#ifndef TYPE_x
#define TYPE_x 12
#endif
#ifndef TYPE_i
#define TYPE_i 7
#endif
#ifndef BATCH
#define BATCH 1
#endif

__kernel void
reverse_sequence(__global const STORAGE(TYPE_x) *x,
                 __global const STORAGE(TYPE_i) *lengths,
                 __global STORAGE(TYPE_x) *y, int n0, int n1, int inner)
{
    const int item = (int)get_global_id(0);
    const int i1 = item / inner % n1, i0 = item / inner / n1;
    const int b = BATCH ? i1 : i0, t = BATCH ? i0 : i1;
    const int most = BATCH ? n0 : n1;
    int length, from;

    if (item >= n0 * n1 * inner)
        return;
    length = (int)clamp(lengths[b], (STORAGE(TYPE_i))0, (STORAGE(TYPE_i))most);
    from = t < length ? length - 1 - t : t;
    y[item] = x[(BATCH ? from * n1 + b : b * n1 + from) * inner + item % inner];
}

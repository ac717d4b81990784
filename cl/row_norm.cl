/* row_norm.cl - LayerNormalization (Ba et al. 2016), InstanceNormalization,
 * GroupNormalization (Wu and He 2018), RMSNormalization, and their gradients.
 *
 * x is rows of `size` numbers. A row is brought to mean 0 and deviation 1 (RMS:
 * divided by the root of its mean square), then number i of row r is scaled by
 * w[j] and shifted by b[j], j = r % modulus * (size / inner) + i / inner:
 *
 *     layer     modulus 1, inner 1        a weight for each place of the row
 *     instance  modulus C, inner size     a row is a plane, a weight each
 *     group     modulus groups, inner H W a row is some planes, a weight each
 *
 *     g = dy w;  dx = inv (g - mean(g) - xhat mean(g xhat))
 *     dw[j] = sum dy xhat,  db[j] = sum dy  over the numbers of weight j
 *
 * GROUP work-items do a row together; 1 on CPU devices.
 *
 *   TYPE_x TYPE_w   storage types of x, y; of weights      1
 *   GROUP           work-items a row                       1
 *   CENTRE          0: no mean is taken off (RMS)          1
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef TYPE_w
#define TYPE_w 1
#endif
#ifndef GROUP
#define GROUP 1
#endif
#ifndef CENTRE
#define CENTRE 1
#endif

#if GROUP > 1
#define SHARED __local ACC part[GROUP];
#define LANE (int)get_local_id(0)
#define ROW (int)get_group_id(0)
#define TOTAL(v) group_sum(part, v)
static inline ACC
group_sum(__local ACC *part, ACC v)
{
    int at = (int)get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    part[at] = v;
    for (int n = GROUP / 2; n > 0; n /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (at < n)
            part[at] += part[at + n];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return part[0];
}
#else
#define SHARED
#define LANE 0
#define ROW (int)get_global_id(0)
#define TOTAL(v) (v)
#endif

/* Sums of `term` over the row, in eight parts that a CPU adds as a vector. */
#if GROUP > 1
#define SUM(total, term)                                                       \
    for (int i = LANE; i < size; i += GROUP)                                   \
        total += term;                                                         \
    total = TOTAL(total)
#else
#define SUM(total, term)                                                       \
    {                                                                          \
        ACC part[8] = {0, 0, 0, 0, 0, 0, 0, 0};                                \
        int from = 0;                                                          \
        for (; from + 8 <= size; from += 8)                                    \
            for (int k = 0; k < 8; k++) {                                      \
                int i = from + k;                                              \
                part[k] += term;                                               \
            }                                                                  \
        for (int i = from; i < size; i++)                                      \
            total += term;                                                     \
        for (int k = 0; k < 8; k++)                                            \
            total += part[k];                                                  \
    }
#endif

#define X(i) ((ACC)LOAD(TYPE_x, x, base + (i)))

#if GROUP > 1
__attribute__((reqd_work_group_size(GROUP, 1, 1)))
#endif
__kernel void
row_norm(__global const STORAGE(TYPE_x) *x,
         __global const STORAGE(TYPE_w) *w, __global const STORAGE(TYPE_w) *b,
         __global STORAGE(TYPE_x) *y, __global float *means,
         __global float *invs, int rows, int size, int modulus, int inner,
         float eps, int has_bias, int writes)
{
    SHARED
    int row = ROW;
    if (row >= rows)
        return;
    int base = row * size, weights = row % modulus * (size / inner);
    ACC mean = 0, squares = 0;
#if CENTRE
    SUM(mean, X(i));
    mean /= size;
#endif
    SUM(squares, (X(i) - mean) * (X(i) - mean));
    ACC inv = 1 / sqrt(squares / size + eps);
    for (int i = LANE; i < size; i += GROUP) {
        int j = weights + i / inner;
        ACC v = (X(i) - mean) * inv * LOAD(TYPE_w, w, j);
        if (has_bias)
            v += LOAD(TYPE_w, b, j);
        STORE(TYPE_x, y, base + i, v);
    }
    if (LANE == 0 && (writes & 1))
        means[row] = mean;
    if (LANE == 0 && (writes & 2))
        invs[row] = inv;
}

#define G(i)                                                                   \
    ((ACC)LOAD(TYPE_x, dy, base + (i)) *                                       \
     LOAD(TYPE_w, w, weights + (i) / inner))

#if GROUP > 1
__attribute__((reqd_work_group_size(GROUP, 1, 1)))
#endif
__kernel void
row_norm_grad(__global const STORAGE(TYPE_x) *dy,
              __global const STORAGE(TYPE_x) *x,
              __global const STORAGE(TYPE_w) *w, __global const float *means,
              __global const float *invs, __global STORAGE(TYPE_x) *dx,
              int rows, int size, int modulus, int inner)
{
    SHARED
    int row = ROW;
    if (row >= rows)
        return;
    int base = row * size, weights = row % modulus * (size / inner);
    ACC mean = CENTRE ? means[row] : 0, inv = invs[row];
    ACC s1 = 0, s2 = 0;
#if CENTRE
    SUM(s1, G(i));
    s1 /= size;
#endif
    SUM(s2, G(i) * (X(i) - mean));
    s2 *= inv * inv / size;
    for (int i = LANE; i < size; i += GROUP)
        STORE(TYPE_x, dx, base + i,
              inv * (G(i) - s1 - (X(i) - mean) * s2));
}

/* One work-item a weight. */
__kernel void
row_norm_weights(__global const STORAGE(TYPE_x) *dy,
                 __global const STORAGE(TYPE_x) *x,
                 __global const float *means, __global const float *invs,
                 __global STORAGE(TYPE_w) *dw, __global STORAGE(TYPE_w) *db,
                 int rows, int size, int modulus, int inner, int count,
                 int writes)
{
    int j = (int)get_global_id(0), each = size / inner;
    if (j >= count)
        return;
    ACC s1 = 0, s2 = 0;
    for (int row = j / each; row < rows; row += modulus) {
        int base = row * size + j % each * inner;
        ACC mean = CENTRE ? means[row] : 0, p1 = 0, p2 = 0;
        for (int i = 0; i < inner; i++) {
            ACC d = LOAD(TYPE_x, dy, base + i);
            p1 += d;
            p2 += d * (X(i) - mean);
        }
        s1 += p1;
        s2 += p2 * invs[row];
    }
    if (writes & 1)
        STORE(TYPE_w, dw, j, s2);
    if (writes & 2)
        STORE(TYPE_w, db, j, s1);
}

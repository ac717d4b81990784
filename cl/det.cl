/* det.cl - determinants of square matrices, by elimination with row pivots in
 * a copy; a matrix a work-item.
 *
 *   TYPE_x   storage type    1
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif

__kernel void
det(__global const STORAGE(TYPE_x) *x, __global float *copy,
    __global STORAGE(TYPE_x) *y, int count, int n)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    __global float *a = copy + (size_t)id * n * n;
    float product = 1.0f;
    for (int i = 0; i < n * n; i++)
        a[i] = LOAD(TYPE_x, x, (size_t)id * n * n + i);
    for (int k = 0; k < n; k++) {
        int pivot = k;
        for (int i = k + 1; i < n; i++)
            pivot = fabs(a[i * n + k]) > fabs(a[pivot * n + k]) ? i : pivot;
        for (int j = k; pivot != k && j < n; j++) {
            float v = a[k * n + j];
            a[k * n + j] = a[pivot * n + j];
            a[pivot * n + j] = v;
        }
        product *= pivot == k ? a[k * n + k] : -a[k * n + k];
        if (a[k * n + k] == 0.0f)
            break;
        for (int i = k + 1; i < n; i++) {
            float f = a[i * n + k] / a[k * n + k];
            for (int j = k + 1; j < n; j++)
                a[i * n + j] -= f * a[k * n + j];
        }
    }
    STORE(TYPE_x, y, id, product);
}

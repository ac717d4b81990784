/* lrn.cl - local response normalisation over channels (Krizhevsky et al.
 * 2012), and its gradient.
 *
 *     s[c] = bias + alpha / size * sum of x[c']^2, c - below <= c' <= c + above
 *     y[c] = x[c] s[c]^-beta
 *     dx[c] = dy[c] s[c]^-beta - 2 alpha beta / size x[c] *
 *             sum of dy[c'] x[c'] s[c']^(-beta - 1), c - above <= c' <= c + below
 *
 * A work-item a number of N x channels x plane.
 *
 *   TYPE_x   storage type    1
 */
#ifndef TYPE_x
#define TYPE_x 1
#endif

#define X(c) ((ACC)LOAD(TYPE_x, x, base + (c) * plane))

/* The sum at channel c of the image at `base`. */
static inline ACC
spread(__global const STORAGE(TYPE_x) *x, int base, int c, int channels,
       int plane, int below, int above, float alpha, float bias)
{
    ACC sum = 0;
    for (int k = max(c - below, 0); k <= min(c + above, channels - 1); k++)
        sum += X(k) * X(k);
    return bias + alpha * sum;
}

__kernel void
lrn(__global const STORAGE(TYPE_x) *x, __global STORAGE(TYPE_x) *y, int count,
    int channels, int plane, int below, int above, float alpha, float beta,
    float bias)
{
    int i = (int)get_global_id(0);
    if (i >= count)
        return;
    int c = i / plane % channels, base = i - c * plane;
    ACC s = spread(x, base, c, channels, plane, below, above, alpha, bias);
    STORE(TYPE_x, y, i, X(c) * pow(s, (ACC)-beta));
}

__kernel void
lrn_grad(__global const STORAGE(TYPE_x) *dy, __global const STORAGE(TYPE_x) *x,
         __global STORAGE(TYPE_x) *dx, int count, int channels, int plane,
         int below, int above, float alpha, float beta, float bias)
{
    int i = (int)get_global_id(0);
    if (i >= count)
        return;
    int c = i / plane % channels, base = i - c * plane;
    ACC sum = 0;
    for (int k = max(c - above, 0); k <= min(c + below, channels - 1); k++) {
        ACC s = spread(x, base, k, channels, plane, below, above, alpha, bias);
        ACC d = LOAD(TYPE_x, dy, base + k * plane);
        sum += d * X(k) * pow(s, (ACC)-beta - 1);
    }
    ACC s = spread(x, base, c, channels, plane, below, above, alpha, bias);
    ACC d = LOAD(TYPE_x, dy, i);
    STORE(TYPE_x, dx, i,
          d * pow(s, (ACC)-beta) - 2 * alpha * beta * X(c) * sum);
}

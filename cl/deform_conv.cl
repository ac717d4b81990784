/* deform_conv.cl - convolution that reads each tap at a place of its own (Dai
 * et al. 2017), weighted by a mask (Zhu et al. 2019).
 *
 *     y[n, k, o] = bias[k] + sum over c, r, s of w[k, c, r, s] *
 *                  mask[n, g, r, s, o] * x[n, c, o S - begin + (r, s) L + offset]
 *
 * x is read by linear interpolation; pixels outside are 0. One number a
 * work-item.
 *
 *   BIAS MASK   1: those inputs are there      0
 *   TYPE_x      storage type of all            1
 */
#ifndef BIAS
#define BIAS 0
#endif
#ifndef MASK
#define MASK 0
#endif
#ifndef TYPE_x
#define TYPE_x 1
#endif

static inline float
pixel(__global const STORAGE(TYPE_x) *x, int base, int i, int j, int h, int w)
{
    return i < 0 || i >= h || j < 0 || j >= w
               ? 0.0f
               : (float)LOAD(TYPE_x, x, base + i * w + j);
}

static inline float
between(__global const STORAGE(TYPE_x) *x, int base, float v, float u, int h,
        int w)
{
    if (!(v > -1.0f && v < (float)h && u > -1.0f && u < (float)w))
        return 0.0f;
    int i = (int)floor(v), j = (int)floor(u);
    float a = v - (float)i, b = u - (float)j;
    return (1.0f - a) * ((1.0f - b) * pixel(x, base, i, j, h, w) +
                         b * pixel(x, base, i, j + 1, h, w)) +
           a * ((1.0f - b) * pixel(x, base, i + 1, j, h, w) +
                b * pixel(x, base, i + 1, j + 1, h, w));
}

__kernel void
deform_conv(__global const STORAGE(TYPE_x) *x,
            __global const STORAGE(TYPE_x) *weight,
            __global const STORAGE(TYPE_x) *offset,
            __global const STORAGE(TYPE_x) *bias,
            __global const STORAGE(TYPE_x) *mask, __global STORAGE(TYPE_x) *y,
            int count, int c, int h, int w, int k, int oh, int ow, int kh,
            int kw, int sh, int sw, int lh, int lw, int bh, int bw, int groups,
            int offset_groups)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int ox = id % ow, oy = id / ow % oh, f = id / ow / oh % k;
    int n = id / ow / oh / k, taps = kh * kw, each = c / groups;
    int first = f / (k / groups) * each, plane = oh * ow, at = oy * ow + ox;
    ACC sum = 0;
    for (int q = 0; q < each; q++) {
        int channel = first + q;
        int g = n * offset_groups + channel / (c / offset_groups);
        for (int t = 0; t < taps; t++) {
            int o = (g * taps + t) * 2 * plane + at;
            float v = (float)(oy * sh - bh + t / kw * lh) +
                      LOAD(TYPE_x, offset, o);
            float u = (float)(ox * sw - bw + t % kw * lw) +
                      LOAD(TYPE_x, offset, o + plane);
            float p = between(x, (n * c + channel) * h * w, v, u, h, w);
#if MASK
            p *= LOAD(TYPE_x, mask, (g * taps + t) * plane + at);
#endif
            sum += p * LOAD(TYPE_x, weight, (f * each + q) * taps + t);
        }
    }
#if BIAS
    sum += LOAD(TYPE_x, bias, f);
#endif
    STORE(TYPE_x, y, id, sum);
}

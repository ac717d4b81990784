/* roi.cl - RoiAlign (He et al. 2017), its gradient, and MaxRoiPool (Girshick
 * 2015): regions of images brought to one size.
 *
 * RoiAlign: a region, in pixels x1 y1 x2 y2 after `scale` and less half a pixel
 * (`offset`), is cut into oh x ow bins, each sampled at grid_h x grid_w places
 * by linear interpolation; a place beyond the image by more than a pixel counts
 * 0. MAXIMUM: the largest of the weighted neighbours, as ONNX defines it, not
 * of the interpolated samples.
 *
 * The gradient: a work-item does a plane (n, c), region after region, so that
 * sums have one order.
 *
 *   MAXIMUM   1: mode max                                0
 *   TYPE_x    storage type of x and y;  TYPE_r of the regions
 *   TYPE_i    type of the images' numbers: 6 int, 7 long
 */
#ifndef MAXIMUM
#define MAXIMUM 0
#endif
#ifndef TYPE_x
#define TYPE_x 1
#endif
#ifndef TYPE_r
#define TYPE_r 1
#endif
#ifndef TYPE_i
#define TYPE_i 7
#endif

struct bins {
    float y, x, bin_h, bin_w; /* corner and extents of a bin */
    int grid_h, grid_w;
};

static inline float
finite(float v)
{
    return isfinite(v) ? v : 0.0f;
}

/* As many places as the bin has pixels; more than the image has are none. */
static inline int
grid(int ratio, float bin, int extent)
{
    int most = max(extent, 1) + 2;
    return ratio > 0 ? ratio : (int)clamp(ceil(bin), 1.0f, (float)most);
}

static inline struct bins
bins_of(__global const STORAGE(TYPE_r) *region, int r, int h, int w, int oh,
        int ow, int ratio, float scale, float offset)
{
    struct bins b;
    b.x = finite(LOAD(TYPE_r, region, r * 4) * scale - offset);
    b.y = finite(LOAD(TYPE_r, region, r * 4 + 1) * scale - offset);
    float rw = finite(LOAD(TYPE_r, region, r * 4 + 2) * scale - offset) - b.x;
    float rh = finite(LOAD(TYPE_r, region, r * 4 + 3) * scale - offset) - b.y;
    if (offset == 0.0f) {
        rw = fmax(rw, 1.0f);
        rh = fmax(rh, 1.0f);
    }
    b.bin_h = rh / (float)oh;
    b.bin_w = rw / (float)ow;
    b.grid_h = grid(ratio, b.bin_h, h);
    b.grid_w = grid(ratio, b.bin_w, w);
    return b;
}

/* The four neighbours of a place and their weights. */
struct four {
    int at[4];
    float w[4];
};

static inline struct four
around(float y, float x, int h, int w)
{
    struct four f = {{0, 0, 0, 0}, {0.0f, 0.0f, 0.0f, 0.0f}};
    if (!(y >= -1.0f && y <= (float)h && x >= -1.0f && x <= (float)w))
        return f;
    y = clamp(y, 0.0f, (float)(h - 1));
    x = clamp(x, 0.0f, (float)(w - 1));
    int y0 = (int)y, x0 = (int)x;
    int y1 = min(y0 + 1, h - 1), x1 = min(x0 + 1, w - 1);
    float ly = y - (float)y0, lx = x - (float)x0;
    f.at[0] = y0 * w + x0;
    f.at[1] = y0 * w + x1;
    f.at[2] = y1 * w + x0;
    f.at[3] = y1 * w + x1;
    f.w[0] = (1.0f - ly) * (1.0f - lx);
    f.w[1] = (1.0f - ly) * lx;
    f.w[2] = ly * (1.0f - lx);
    f.w[3] = ly * lx;
    return f;
}

static inline struct four
sample(const struct bins *b, int oy, int ox, int iy, int ix, int h, int w)
{
    float y = b->y + (float)oy * b->bin_h +
              ((float)iy + 0.5f) * b->bin_h / (float)b->grid_h;
    float x = b->x + (float)ox * b->bin_w +
              ((float)ix + 0.5f) * b->bin_w / (float)b->grid_w;
    return around(y, x, h, w);
}

__kernel void
roi_align(__global const STORAGE(TYPE_x) *x,
          __global const STORAGE(TYPE_r) *region,
          __global const STORAGE(TYPE_i) *image, __global STORAGE(TYPE_x) *y,
          int count, int images, int channels, int h, int w, int oh, int ow,
          int ratio, float scale, float offset)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int ox = id % ow, oy = id / ow % oh, c = id / ow / oh % channels;
    int r = id / ow / oh / channels;
    int n = (int)clamp((long)image[r], 0L, (long)images - 1);
    struct bins b = bins_of(region, r, h, w, oh, ow, ratio, scale, offset);
    x += (size_t)(n * channels + c) * h * w;
    ACC sum = MAXIMUM ? -INFINITY : 0;
    for (int iy = 0; iy < b.grid_h; iy++)
        for (int ix = 0; ix < b.grid_w; ix++) {
            struct four f = sample(&b, oy, ox, iy, ix, h, w);
            for (int k = 0; k < 4; k++) {
                ACC v = f.w[k] * LOAD(TYPE_x, x, f.at[k]);
                sum = MAXIMUM ? fmax(sum, v) : sum + v;
            }
        }
    STORE(TYPE_x, y, id,
          MAXIMUM ? sum : sum / (float)(b.grid_h * b.grid_w));
}

__kernel void
roi_align_grad(__global const STORAGE(TYPE_x) *dy,
               __global const STORAGE(TYPE_x) *x,
               __global const STORAGE(TYPE_r) *region,
               __global const STORAGE(TYPE_i) *image,
               __global STORAGE(TYPE_x) *dx, int planes, int images,
               int channels, int h, int w, int oh, int ow, int ratio,
               float scale, float offset, int regions)
{
    int plane = (int)get_global_id(0), c = plane % channels;
    if (plane >= planes)
        return;
    dx += (size_t)plane * h * w;
    x += (size_t)plane * h * w;
    (void)x; /* the gradient of means needs no numbers */
    for (int i = 0; i < h * w; i++)
        STORE(TYPE_x, dx, i, 0.0f);
    for (int r = 0; r < regions; r++) {
        if ((int)clamp((long)image[r], 0L, (long)images - 1) !=
            plane / channels)
            continue;
        struct bins b = bins_of(region, r, h, w, oh, ow, ratio, scale, offset);
        for (int o = 0; o < oh * ow; o++) {
            float v = LOAD(TYPE_x, dy, (r * channels + c) * oh * ow + o);
#if MAXIMUM
            float best = -INFINITY, best_w = 0.0f;
            int best_at = 0;
#endif
            v /= MAXIMUM ? 1.0f : (float)(b.grid_h * b.grid_w);
            for (int i = 0; i < b.grid_h * b.grid_w; i++) {
                struct four f = sample(&b, o / ow, o % ow, i / b.grid_w,
                                       i % b.grid_w, h, w);
                for (int k = 0; k < 4; k++) {
#if MAXIMUM
                    float u = f.w[k] * LOAD(TYPE_x, x, f.at[k]);
                    best_w = u > best ? f.w[k] : best_w;
                    best_at = u > best ? f.at[k] : best_at;
                    best = fmax(best, u);
#else
                    STORE(TYPE_x, dx, f.at[k],
                          LOAD(TYPE_x, dx, f.at[k]) + v * f.w[k]);
#endif
                }
            }
#if MAXIMUM
            STORE(TYPE_x, dx, best_at,
                  LOAD(TYPE_x, dx, best_at) + v * best_w);
#endif
        }
    }
}

static inline int
whole(float v)
{
    return (int)clamp(round(finite(v)), -1e6f, 1e6f);
}

/* Regions of five numbers, the first one the image's. Bins hold whole pixels
 * and may be empty, 0. */
__kernel void
max_roi_pool(__global const STORAGE(TYPE_x) *x,
             __global const STORAGE(TYPE_r) *region,
             __global STORAGE(TYPE_x) *y, int count, int images, int channels,
             int h, int w, int oh, int ow, float scale)
{
    int id = (int)get_global_id(0);
    if (id >= count)
        return;
    int ox = id % ow, oy = id / ow % oh, c = id / ow / oh % channels;
    int r = id / ow / oh / channels;
    float f = clamp(finite(LOAD(TYPE_r, region, r * 5)), 0.0f,
                    (float)(images - 1));
    int x0 = whole(LOAD(TYPE_r, region, r * 5 + 1) * scale);
    int y0 = whole(LOAD(TYPE_r, region, r * 5 + 2) * scale);
    int rw = max(whole(LOAD(TYPE_r, region, r * 5 + 3) * scale) - x0 + 1, 1);
    int rh = max(whole(LOAD(TYPE_r, region, r * 5 + 4) * scale) - y0 + 1, 1);
    float bin_h = (float)rh / (float)oh, bin_w = (float)rw / (float)ow;
    int from_y = clamp((int)floor((float)oy * bin_h) + y0, 0, h);
    int to_y = clamp((int)ceil((float)(oy + 1) * bin_h) + y0, 0, h);
    int from_x = clamp((int)floor((float)ox * bin_w) + x0, 0, w);
    int to_x = clamp((int)ceil((float)(ox + 1) * bin_w) + x0, 0, w);
    x += (size_t)((int)f * channels + c) * h * w;
    ACC best = from_y < to_y && from_x < to_x ? -INFINITY : 0;
    for (int i = from_y; i < to_y; i++)
        for (int j = from_x; j < to_x; j++)
            best = fmax(best, LOAD(TYPE_x, x, i * w + j));
    STORE(TYPE_x, y, id, best);
}

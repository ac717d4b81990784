/* warp.c - rotation, shear, scale, shift and elastic distortion in a single
 * bilinear resampling; what comes from outside the image is 0. */
#include "data/transform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

/* Within -amount .. amount. */
static double
spread(struct oc_random *random, float amount)
{
    return amount * (2.0 * oc_random_uniform(random) - 1.0);
}

/* Where an output pixel comes from: about the middle, rotated, sheared,
 * scaled, shifted. */
struct map {
    double xx, xy, yx, yy;
    double shift_x, shift_y;
};

static struct map
draw_map(struct oc_random *random, const float *value)
{
    double angle = spread(random, value[OC_ROTATE]) * PI / 180;
    double shear = tan(spread(random, value[OC_SHEAR]) * PI / 180);
    double zoom = 1 / (1 + spread(random, value[OC_SCALE]));
    struct map map;

    map.xx = zoom * cos(angle);
    map.xy = zoom * (cos(angle) * shear + sin(angle));
    map.yx = -zoom * sin(angle);
    map.yy = zoom * (cos(angle) - sin(angle) * shear);
    map.shift_x = spread(random, value[OC_SHIFT]);
    map.shift_y = spread(random, value[OC_SHIFT]);
    return map;
}

static float
pixel(const float *plane, int height, int width, int y, int x)
{
    if (y < 0 || y >= height || x < 0 || x >= width)
        return 0;
    return plane[(size_t)y * (size_t)width + (size_t)x];
}

static float
between(const float *plane, int height, int width, double y, double x)
{
    double top = floor(y), left = floor(x);
    float fy = (float)(y - top), fx = (float)(x - left);
    int iy, ix;

    if (top < -1 || left < -1 || top >= height || left >= width)
        return 0;
    iy = (int)top;
    ix = (int)left;
    return (1 - fy) * ((1 - fx) * pixel(plane, height, width, iy, ix) +
                       fx * pixel(plane, height, width, iy, ix + 1)) +
           fy * ((1 - fx) * pixel(plane, height, width, iy + 1, ix) +
                 fx * pixel(plane, height, width, iy + 1, ix + 1));
}

static void
resample(const struct oc_image *from, const struct map *map, const float *dx,
         const float *dy, struct oc_image *to)
{
    double cy = (from->height - 1) / 2.0, cx = (from->width - 1) / 2.0;
    size_t plane = (size_t)from->height * (size_t)from->width, i = 0;

    for (int y = 0; y < from->height; y++) {
        for (int x = 0; x < from->width; x++, i++) {
            double v = y - cy - map->shift_y, u = x - cx - map->shift_x;
            double sy = map->yx * u + map->yy * v + cy;
            double sx = map->xx * u + map->xy * v + cx;

            if (dx != NULL) {
                sy += dy[i];
                sx += dx[i];
            }
            for (int c = 0; c < from->channels; c++)
                to->x[(size_t)c * plane + i] =
                    between(from->x + (size_t)c * plane, from->height,
                            from->width, sy, sx);
        }
    }
}

ocellus_status
oc_warp(const struct oc_step *step, struct oc_canvas *canvas)
{
    struct oc_image *from = &canvas->image, *to = &canvas->scratch;
    size_t plane = (size_t)from->height * (size_t)from->width;
    struct map map = draw_map(&canvas->random, step->value);
    float *dx = NULL;
    ocellus_status status = OCELLUS_OK;

    OC_TRY(oc_image_resize(to, from->channels, from->height, from->width));
    if (step->value[OC_ELASTIC] > 0) {
        dx = malloc(2 * plane * sizeof *dx);
        if (dx == NULL)
            return oc_fail(OCELLUS_OUT_OF_MEMORY,
                           "no memory for an elastic distortion");
        status = oc_elastic_field(&canvas->random, from->height, from->width,
                                  step->value[OC_ELASTIC],
                                  step->value[OC_SMOOTH], dx, dx + plane);
    }
    if (status == OCELLUS_OK) {
        resample(from, &map, dx, dx != NULL ? dx + plane : NULL, to);
        oc_image_swap(from, to);
    }
    free(dx);
    return status;
}

/* A normalised Gaussian over -reach .. reach; returns the sum of squares. */
static double
gaussian(float smooth, int reach, float *weight)
{
    double sum = 0, squares = 0;

    for (int k = -reach; k <= reach; k++)
        sum += exp(-0.5 * k * k / ((double)smooth * smooth));
    for (int k = -reach; k <= reach; k++) {
        double w = exp(-0.5 * k * k / ((double)smooth * smooth)) / sum;

        weight[k + reach] = (float)w;
        squares += w * w;
    }
    return squares;
}

/* One direction: `count` numbers `step` apart, `lines` of them `pitch` apart.
 * Outside is 0. */
static void
blur(const float *from, float *to, int count, int step, int lines, int pitch,
     const float *weight, int reach)
{
    for (int line = 0; line < lines; line++) {
        for (int i = 0; i < count; i++) {
            int first = i - reach < 0 ? 0 : i - reach;
            int last = i + reach >= count ? count - 1 : i + reach;
            float sum = 0;

            for (int k = first; k <= last; k++)
                sum += weight[k - i + reach] * from[line * pitch + k * step];
            to[line * pitch + i * step] = sum;
        }
    }
}

ocellus_status
oc_elastic_field(struct oc_random *random, int height, int width, float amount,
                 float smooth, float *dx, float *dy)
{
    int reach = (int)ceilf(3 * smooth);
    size_t plane = (size_t)height * (size_t)width;
    float *weight = malloc((plane + (size_t)(2 * reach + 1)) * sizeof *weight);
    float *between_passes, *field[2] = {dx, dy};
    double squares;

    if (weight == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no memory for an elastic distortion");
    between_passes = weight + 2 * reach + 1;
    squares = gaussian(smooth, reach, weight);
    for (int k = 0; k < 2; k++) {
        /* A uniform number within -1 .. 1 has the variance 1/3, and blurring
         * in both directions makes it squares * squares / 3. */
        float unit = (float)(amount / 2 * sqrt(3.0) / squares);

        for (size_t i = 0; i < plane; i++)
            field[k][i] = unit * (2 * oc_random_uniform(random) - 1);
        blur(field[k], between_passes, width, 1, height, width, weight, reach);
        blur(between_passes, field[k], height, width, width, 1, weight, reach);
    }
    free(weight);
    return OCELLUS_OK;
}

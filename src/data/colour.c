/* colour.c - steps that change values and not places. Images are within
 * [0, 1] here; brightness, contrast and saturation stay within. */
#include "data/transform.h"

ocellus_status
oc_gray(const struct oc_step *step, struct oc_canvas *canvas)
{
    (void)step;
    return oc_image_convert(&canvas->image, 1, &canvas->scratch);
}

ocellus_status
oc_rgb(const struct oc_step *step, struct oc_canvas *canvas)
{
    (void)step;
    return oc_image_convert(&canvas->image, 3, &canvas->scratch);
}

/* A factor within 1 - range .. 1 + range. */
static float
draw_factor(const struct oc_step *step, struct oc_canvas *canvas)
{
    float draw = oc_random_uniform(&canvas->random);

    return 1 + step->value[0] * (2 * draw - 1);
}

static float
clamp(float value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

static float
luma(const struct oc_image *image, size_t i)
{
    size_t plane = (size_t)image->height * (size_t)image->width;
    const float *x = image->x + i;

    if (image->channels < 3)
        return x[0];
    return 0.299f * x[0] + 0.587f * x[plane] + 0.114f * x[2 * plane];
}

static size_t
count(const struct oc_image *image)
{
    return (size_t)image->channels * (size_t)image->height *
           (size_t)image->width;
}

ocellus_status
oc_brightness(const struct oc_step *step, struct oc_canvas *canvas)
{
    float factor = draw_factor(step, canvas);
    float *x = canvas->image.x;

    for (size_t i = 0; i < count(&canvas->image); i++)
        x[i] = clamp(x[i] * factor);
    return OCELLUS_OK;
}

ocellus_status
oc_contrast(const struct oc_step *step, struct oc_canvas *canvas)
{
    struct oc_image *image = &canvas->image;
    size_t plane = (size_t)image->height * (size_t)image->width;
    float factor = draw_factor(step, canvas), middle;
    double sum = 0;

    for (size_t i = 0; i < plane; i++)
        sum += luma(image, i);
    middle = (float)(sum / (double)plane);
    for (size_t i = 0; i < count(image); i++)
        image->x[i] = clamp(middle + (image->x[i] - middle) * factor);
    return OCELLUS_OK;
}

ocellus_status
oc_saturation(const struct oc_step *step, struct oc_canvas *canvas)
{
    struct oc_image *image = &canvas->image;
    size_t plane = (size_t)image->height * (size_t)image->width;
    float factor = draw_factor(step, canvas);

    if (image->channels < 3)
        return OCELLUS_OK;
    for (size_t i = 0; i < plane; i++) {
        float grey = luma(image, i);

        for (size_t c = 0; c < 3; c++) {
            float *x = image->x + c * plane + i;

            *x = clamp(grey + (*x - grey) * factor);
        }
    }
    return OCELLUS_OK;
}

ocellus_status
oc_noise(const struct oc_step *step, struct oc_canvas *canvas)
{
    float *x = canvas->image.x;

    for (size_t i = 0; i < count(&canvas->image); i++)
        x[i] += step->value[0] * oc_random_normal(&canvas->random);
    return OCELLUS_OK;
}

/* The square's middle lies anywhere in the image, so that at the edges less
 * is cut, as the paper has it. */
ocellus_status
oc_cutout(const struct oc_step *step, struct oc_canvas *canvas)
{
    struct oc_image *image = &canvas->image;
    int side = (int)step->value[0];
    int top = (int)oc_random_below(&canvas->random, (uint32_t)image->height);
    int left = (int)oc_random_below(&canvas->random, (uint32_t)image->width);
    int bottom, right;

    top -= side / 2;
    left -= side / 2;
    bottom = top + side < image->height ? top + side : image->height;
    right = left + side < image->width ? left + side : image->width;
    for (int c = 0; c < image->channels; c++) {
        float fill = canvas->fill != NULL ? canvas->fill[c] : 0;

        for (int y = top < 0 ? 0 : top; y < bottom; y++) {
            float *row = image->x +
                         (size_t)(c * image->height + y) * (size_t)image->width;

            for (int x = left < 0 ? 0 : left; x < right; x++)
                row[x] = fill;
        }
    }
    return OCELLUS_OK;
}

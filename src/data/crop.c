/* crop.c - steps that change which part of an image is seen and how large:
 * resize, crops and flips. */
#include "data/transform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct region {
    int top, left, height, width;
};

/* The pixels that make one output pixel: a triangle as wide as what the pixel
 * covers, so that shrinking averages and growing interpolates. */
struct taps {
    int first, count;
    float *weight;
};

static void
place_taps(int from, int to, int i, struct taps *taps)
{
    double ratio = (double)from / to;
    double reach = ratio > 1 ? ratio : 1;
    double centre = (i + 0.5) * ratio, sum = 0;
    int end = (int)fmin(from, centre + reach + 0.5);

    taps->first = (int)fmax(0, centre - reach + 0.5);
    taps->count = end - taps->first;
    for (int k = 0; k < taps->count; k++) {
        double away = fabs(taps->first + k + 0.5 - centre) / reach;

        taps->weight[k] = (float)(away < 1 ? 1 - away : 0);
        sum += taps->weight[k];
    }
    for (int k = 0; k < taps->count; k++)
        taps->weight[k] = (float)(taps->weight[k] / sum);
}

/* Columns of `rows` rows that lie `pitch` apart. */
static void
resize_across(const float *from, size_t pitch, int rows, int width, float *to,
              int new_width, float *weights)
{
    for (int x = 0; x < new_width; x++) {
        struct taps taps = {.weight = weights};

        place_taps(width, new_width, x, &taps);
        for (int y = 0; y < rows; y++) {
            const float *row = from + (size_t)y * pitch + taps.first;
            float sum = 0;

            for (int k = 0; k < taps.count; k++)
                sum += taps.weight[k] * row[k];
            to[(size_t)y * (size_t)new_width + (size_t)x] = sum;
        }
    }
}

static void
resize_down(const float *from, int height, int width, float *to, int new_height,
            float *weights)
{
    for (int y = 0; y < new_height; y++) {
        struct taps taps = {.weight = weights};
        float *row = to + (size_t)y * (size_t)width;

        place_taps(height, new_height, y, &taps);
        memset(row, 0, (size_t)width * sizeof *row);
        for (int k = 0; k < taps.count; k++) {
            const float *old = from + (size_t)(taps.first + k) * (size_t)width;

            for (int x = 0; x < width; x++)
                row[x] += taps.weight[k] * old[x];
        }
    }
}

static ocellus_status
resize_region(struct oc_canvas *canvas, const struct region *part, int height,
              int width)
{
    struct oc_image *image = &canvas->image, *to = &canvas->scratch;
    int longer = part->height > part->width ? part->height : part->width;
    size_t middle = (size_t)part->height * (size_t)width;
    float *memory;
    ocellus_status status;

    OC_TRY(oc_pixels_check((uint64_t)part->height, (uint64_t)width));
    OC_TRY(oc_pixels_check((uint64_t)height, (uint64_t)width));
    memory = malloc((middle + 2 * (size_t)longer + 4) * sizeof(float));
    if (memory == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to resize an image");
    status = oc_image_resize(to, image->channels, height, width);
    for (int c = 0; status == OCELLUS_OK && c < image->channels; c++) {
        size_t plane = (size_t)image->height * (size_t)image->width;
        const float *from = image->x + (size_t)c * plane +
                            (size_t)part->top * (size_t)image->width +
                            part->left;

        resize_across(from, (size_t)image->width, part->height, part->width,
                      memory, width, memory + middle);
        resize_down(memory, part->height, width,
                    to->x + (size_t)c * (size_t)height * (size_t)width, height,
                    memory + middle);
    }
    if (status == OCELLUS_OK)
        oc_image_swap(image, to);
    free(memory);
    return status;
}

ocellus_status
oc_resize(const struct oc_step *step, struct oc_canvas *canvas)
{
    struct oc_image *image = &canvas->image;
    struct region whole = {0, 0, image->height, image->width};
    int height = step->height, width = step->width;

    if (width == 0) {
        double shorter =
            image->height < image->width ? image->height : image->width;
        double ratio = step->height / shorter;

        width = height = step->height;
        if (image->height > image->width)
            height = (int)fmin(INT32_MAX, floor(image->height * ratio + 0.5));
        else if (image->width > image->height)
            width = (int)fmin(INT32_MAX, floor(image->width * ratio + 0.5));
    }
    if (height == image->height && width == image->width)
        return OCELLUS_OK;
    return resize_region(canvas, &whole, height, width);
}

/* The part at (top, left), which may lie outside, where 0 is. */
static ocellus_status
cut(struct oc_canvas *canvas, int top, int left, int height, int width)
{
    struct oc_image *from = &canvas->image, *to = &canvas->scratch;
    int first = left < 0 ? -left : 0;
    int end = from->width - left < width ? from->width - left : width;

    OC_TRY(oc_image_resize(to, from->channels, height, width));
    memset(to->x, 0,
           (size_t)from->channels * (size_t)height * (size_t)width *
               sizeof(float));
    for (int c = 0; c < from->channels && first < end; c++) {
        for (int y = 0; y < height; y++) {
            size_t row = (size_t)c * (size_t)from->height + (size_t)(y + top);

            if (y + top < 0 || y + top >= from->height)
                continue;
            memcpy(to->x + (size_t)(c * height + y) * (size_t)width + first,
                   from->x + row * (size_t)from->width + (left + first),
                   (size_t)(end - first) * sizeof(float));
        }
    }
    oc_image_swap(from, to);
    return OCELLUS_OK;
}

ocellus_status
oc_crop(const struct oc_step *step, struct oc_canvas *canvas)
{
    int height = step->height;
    int width = step->width ? step->width : step->height;
    int top = (int)floor((canvas->image.height - height) / 2.0);
    int left = (int)floor((canvas->image.width - width) / 2.0);

    return cut(canvas, top, left, height, width);
}

/* Ten tries for a part of the wanted area and shape; else the middle. */
static struct region
choose_region(struct oc_random *random, const struct oc_step *step,
              const struct oc_image *image)
{
    double area = (double)image->height * image->width;
    double low = step->value[1], high = step->value[2];
    int side = image->height < image->width ? image->height : image->width;
    struct region part = {(image->height - side) / 2, (image->width - side) / 2,
                          side, side};

    for (int i = 0; i < 10; i++) {
        double want = area * (low + (high - low) * oc_random_uniform(random));
        double aspect =
            exp(log(4.0 / 3.0) * (2.0 * oc_random_uniform(random) - 1.0));
        double width = floor(sqrt(want * aspect) + 0.5);
        double height = floor(sqrt(want / aspect) + 0.5);

        if (width < 1 || height < 1 || width > image->width ||
            height > image->height)
            continue;
        part.height = (int)height;
        part.width = (int)width;
        part.top = (int)oc_random_below(
            random, (uint32_t)(image->height - part.height + 1));
        part.left = (int)oc_random_below(
            random, (uint32_t)(image->width - part.width + 1));
        break;
    }
    return part;
}

ocellus_status
oc_random_resized_crop(const struct oc_step *step, struct oc_canvas *canvas)
{
    struct region part = choose_region(&canvas->random, step, &canvas->image);

    return resize_region(canvas, &part, step->height,
                         step->width ? step->width : step->height);
}

ocellus_status
oc_pad_crop(const struct oc_step *step, struct oc_canvas *canvas)
{
    int pad = (int)step->value[0];
    uint32_t places = (uint32_t)(2 * pad + 1);
    int top = (int)oc_random_below(&canvas->random, places) - pad;
    int left = (int)oc_random_below(&canvas->random, places) - pad;

    return cut(canvas, top, left, canvas->image.height, canvas->image.width);
}

ocellus_status
oc_flip(const struct oc_step *step, struct oc_canvas *canvas)
{
    struct oc_image *image = &canvas->image;
    size_t rows = (size_t)image->channels * (size_t)image->height;
    size_t width = (size_t)image->width;

    (void)step;
    if (oc_random_u32(&canvas->random) >> 31)
        return OCELLUS_OK;
    for (size_t y = 0; y < rows; y++) {
        float *row = image->x + y * width;

        for (size_t x = 0; x < width / 2; x++) {
            float kept = row[x];

            row[x] = row[width - 1 - x];
            row[width - 1 - x] = kept;
        }
    }
    return OCELLUS_OK;
}

ocellus_status
oc_vflip(const struct oc_step *step, struct oc_canvas *canvas)
{
    struct oc_image *image = &canvas->image;
    size_t width = (size_t)image->width, height = (size_t)image->height;

    (void)step;
    if (oc_random_u32(&canvas->random) >> 31)
        return OCELLUS_OK;
    for (size_t i = 0; i < (size_t)image->channels * (height / 2); i++) {
        float *plane = image->x + i / (height / 2) * height * width;
        float *upper = plane + i % (height / 2) * width;
        float *lower = plane + (height - 1 - i % (height / 2)) * width;

        for (size_t x = 0; x < width; x++) {
            float kept = upper[x];

            upper[x] = lower[x];
            lower[x] = kept;
        }
    }
    return OCELLUS_OK;
}

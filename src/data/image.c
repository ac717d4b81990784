/* image.c - a sample's memory, and which decoder an image file wants. */
#include "data/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* A JPEG or PNG of the largest size that is accepted stays below this. */
#define MOST_FILE_BYTES ((size_t)1 << 30)

ocellus_status
oc_image_resize(struct oc_image *image, int channels, int height, int width)
{
    size_t need;

    OC_TRY(oc_pixels_check((uint64_t)height, (uint64_t)width));
    need = (size_t)channels * (size_t)height * (size_t)width;
    if (need > image->room) {
        float *x = malloc(need * sizeof *x);

        if (x == NULL)
            return oc_fail(OCELLUS_OUT_OF_MEMORY,
                           "no memory for an image of %d x %d x %d", channels,
                           height, width);
        free(image->x);
        image->x = x;
        image->room = need;
    }
    image->channels = channels;
    image->height = height;
    image->width = width;
    return OCELLUS_OK;
}

void
oc_image_swap(struct oc_image *a, struct oc_image *b)
{
    struct oc_image kept = *a;

    *a = *b;
    *b = kept;
}

void
oc_image_free(struct oc_image *image)
{
    free(image->x);
    memset(image, 0, sizeof *image);
}

ocellus_status
oc_image_convert(struct oc_image *image, int channels, struct oc_image *scratch)
{
    size_t plane = (size_t)image->height * (size_t)image->width;

    if (image->channels == channels)
        return OCELLUS_OK;
    if (image->channels + channels != 4 || channels % 2 == 0)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%d channels cannot be made %d; only 1 and 3 are turned "
                       "into each other",
                       image->channels, channels);
    OC_TRY(oc_image_resize(scratch, channels, image->height, image->width));
    if (channels == 3) {
        for (size_t c = 0; c < 3; c++)
            memcpy(scratch->x + c * plane, image->x, plane * sizeof(float));
    } else {
        const float *r = image->x, *g = r + plane, *b = g + plane;

        for (size_t i = 0; i < plane; i++)
            scratch->x[i] = 0.299f * r[i] + 0.587f * g[i] + 0.114f * b[i];
    }
    oc_image_swap(image, scratch);
    return OCELLUS_OK;
}

ocellus_status
oc_pixels_check(uint64_t height, uint64_t width)
{
    if (height == 0 || width == 0)
        return oc_fail(OCELLUS_BAD_DATA, "the image is %llu x %llu: empty",
                       (unsigned long long)height, (unsigned long long)width);
    if (height > INT32_MAX || width > INT32_MAX ||
        height > OC_IMAGE_MOST_PIXELS / width)
        return oc_fail(OCELLUS_BAD_DATA,
                       "an image of %llu x %llu pixels; at most %llu pixels "
                       "are accepted",
                       (unsigned long long)height, (unsigned long long)width,
                       (unsigned long long)OC_IMAGE_MOST_PIXELS);
    return OCELLUS_OK;
}

ocellus_status
oc_pixels_alloc(struct oc_pixels *pixels, size_t file_bytes, size_t densest)
{
    size_t need;

    OC_TRY(oc_pixels_check((uint64_t)pixels->height, (uint64_t)pixels->width));
    need = (size_t)pixels->height * (size_t)pixels->width *
           (size_t)pixels->channels * (size_t)pixels->bytes_each;
    if (need / densest > file_bytes)
        return oc_fail(OCELLUS_BAD_DATA,
                       "says that it is %d x %d pixels, but its %zu bytes "
                       "cannot hold so many",
                       pixels->height, pixels->width, file_bytes);
    pixels->data = calloc(1, need);
    if (pixels->data == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no memory for an image of %d x %d pixels",
                       pixels->height, pixels->width);
    return OCELLUS_OK;
}

static ocellus_status
decode(const uint8_t *data, size_t bytes, int header_only,
       struct oc_pixels *pixels)
{
    static const uint8_t png[8] = {137, 80, 78, 71, 13, 10, 26, 10};

    memset(pixels, 0, sizeof *pixels);
    if (bytes >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff)
        return oc_jpeg_decode(data, bytes, header_only, pixels);
    if (bytes >= sizeof png && memcmp(data, png, sizeof png) == 0)
        return oc_png_decode(data, bytes, header_only, pixels);
    if (bytes >= 2 && data[0] == 'P' && data[1] >= '1' && data[1] <= '7')
        return oc_ppm_decode(data, bytes, header_only, pixels);
    if (bytes < 4)
        return oc_fail(OCELLUS_BAD_DATA, "%zu bytes are no image", bytes);
    return oc_fail(OCELLUS_BAD_DATA,
                   "begins with %02x %02x %02x %02x: no JPEG, PNG, PPM or PGM "
                   "file",
                   data[0], data[1], data[2], data[3]);
}

/* Interleaved integers to planes of floats. */
static void
spread(const struct oc_pixels *pixels, float *x)
{
    size_t channels = (size_t)pixels->channels;
    size_t plane = (size_t)pixels->height * (size_t)pixels->width;
    const uint8_t *narrow = pixels->data;
    const uint16_t *wide = pixels->data;
    float unit = 1.0f / (float)pixels->largest;

    for (size_t c = 0; c < channels; c++) {
        for (size_t i = 0; i < plane; i++) {
            size_t from = i * channels + c;
            float value = pixels->bytes_each == 1 ? (float)narrow[from]
                                                  : (float)wide[from];

            x[c * plane + i] = value * unit;
        }
    }
}

ocellus_status
oc_image_decode(const char *name, const void *data, size_t bytes,
                struct oc_image *image)
{
    struct oc_pixels pixels;
    ocellus_status status = decode(data, bytes, 0, &pixels);

    if (status == OCELLUS_OK)
        status = oc_image_resize(image, pixels.channels, pixels.height,
                                 pixels.width);
    if (status == OCELLUS_OK)
        spread(&pixels, image->x);
    else
        oc_fail_context(status, "%s: ", name);
    free(pixels.data);
    return status;
}

ocellus_status
oc_image_load(const char *path, struct oc_image *image)
{
    char *data;
    size_t bytes;
    ocellus_status status;

    OC_TRY(oc_file_read(path, MOST_FILE_BYTES, &data, &bytes));
    status = oc_image_decode(path, data, bytes, image);
    free(data);
    return status;
}

ocellus_status
oc_image_probe(const char *path, int chw[3])
{
    struct oc_pixels pixels;
    char *data;
    size_t bytes;
    ocellus_status status;

    OC_TRY(oc_file_read(path, MOST_FILE_BYTES, &data, &bytes));
    status = decode((const uint8_t *)data, bytes, 1, &pixels);
    if (status != OCELLUS_OK)
        oc_fail_context(status, "%s: ", path);
    chw[0] = pixels.channels;
    chw[1] = pixels.height;
    chw[2] = pixels.width;
    free(data);
    return status;
}

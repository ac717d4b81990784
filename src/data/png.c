/* png.c - PNG images through libpng, whose errors jump back here and become a
 * sentence. Values are taken as the file has them: palettes and small depths
 * are spread to 8 bits, gamma is not applied, transparent pixels are laid on
 * white. */
#include <config.h>

#include "data/image.h"

#ifdef HAVE_PNG

#include <png.h>
#include <stdlib.h>
#include <string.h>

/* Deflate's densest: 1032 bytes from one; a palette of one bit makes 24 times
 * that. */
#define DEFLATE_DENSEST ((size_t)1032)
#define DENSEST (DEFLATE_DENSEST * 24)
#define MOST_CHUNK_BYTES ((png_alloc_size_t)64 << 20)

struct job {
    png_structp png;
    png_infop info;
    const uint8_t *at;
    size_t left, bytes;
    int header_only, alpha;
    struct oc_pixels *pixels;
    png_bytep *rows;
    ocellus_status status;
    char sentence[128];
};

static void
on_error(png_structp png, png_const_charp message)
{
    struct job *job = png_get_error_ptr(png);

    strncpy(job->sentence, message, sizeof job->sentence - 1);
    png_longjmp(png, 1);
}

static void
on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void
on_read(png_structp png, png_bytep to, size_t bytes)
{
    struct job *job = png_get_io_ptr(png);

    if (bytes > job->left)
        png_error(png, "the file ends early");
    memcpy(to, job->at, bytes);
    job->at += bytes;
    job->left -= bytes;
}

static int
host_is_little(void)
{
    const uint16_t one = 1;

    return *(const uint8_t *)&one == 1;
}

/* Afterwards the rows are 8 or 16 bits of grey or colour, perhaps alpha. */
static void
choose_form(struct job *job)
{
    png_set_expand(job->png);
    if (host_is_little())
        png_set_swap(job->png);
    if (!job->header_only)
        png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    job->alpha =
        (png_get_color_type(job->png, job->info) & PNG_COLOR_MASK_ALPHA) != 0;
}

/* Before libpng takes memory for a row of what the header says. */
static ocellus_status
believable(const struct job *job)
{
    uint32_t height = png_get_image_height(job->png, job->info);
    uint32_t width = png_get_image_width(job->png, job->info);

    OC_TRY(oc_pixels_check(height, width));
    if (png_get_rowbytes(job->png, job->info) / DEFLATE_DENSEST > job->bytes)
        return oc_fail(OCELLUS_BAD_DATA,
                       "says that it is %u x %u pixels, but its %zu bytes "
                       "cannot hold a row of them",
                       height, width, job->bytes);
    return OCELLUS_OK;
}

static ocellus_status
describe(struct job *job)
{
    struct oc_pixels *pixels = job->pixels;
    int channels = png_get_channels(job->png, job->info);
    int wide = png_get_bit_depth(job->png, job->info) == 16;
    uint32_t height = png_get_image_height(job->png, job->info);
    uint32_t width = png_get_image_width(job->png, job->info);

    pixels->channels = channels;
    pixels->height = (int)height;
    pixels->width = (int)width;
    pixels->bytes_each = wide ? 2 : 1;
    pixels->largest = wide ? 65535 : 255;
    if (!job->header_only) {
        OC_TRY(oc_pixels_alloc(pixels, job->bytes, DENSEST));
        job->rows = malloc((size_t)height * sizeof *job->rows);
        if (job->rows == NULL)
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %u rows",
                           height);
        for (uint32_t y = 0; y < height; y++)
            job->rows[y] = (png_bytep)pixels->data +
                           y * png_get_rowbytes(job->png, job->info);
    }
    pixels->channels -= job->alpha;
    return OCELLUS_OK;
}

static unsigned
sample(const struct oc_pixels *pixels, size_t i)
{
    return pixels->bytes_each == 1 ? ((const uint8_t *)pixels->data)[i]
                                   : ((const uint16_t *)pixels->data)[i];
}

static void
lay_on_white(struct oc_pixels *pixels)
{
    size_t colours = (size_t)pixels->channels, to = 0;
    size_t count = (size_t)pixels->height * (size_t)pixels->width;
    uint64_t most = pixels->largest;

    for (size_t i = 0; i < count; i++) {
        uint64_t alpha = sample(pixels, i * (colours + 1) + colours);

        for (size_t c = 0; c < colours; c++, to++) {
            uint64_t value = sample(pixels, i * (colours + 1) + c);

            value = (value * alpha + most * (most - alpha) + most / 2) / most;
            if (pixels->bytes_each == 1)
                ((uint8_t *)pixels->data)[to] = (uint8_t)value;
            else
                ((uint16_t *)pixels->data)[to] = (uint16_t)value;
        }
    }
}

/* All that may jump back; nothing local is needed afterwards. */
static void
decode(struct job *job)
{
    png_set_read_fn(job->png, job, on_read);
    png_set_user_limits(job->png, 0x7fffffff, 0x7fffffff);
    png_set_chunk_malloc_max(job->png, MOST_CHUNK_BYTES);
    png_read_info(job->png, job->info);
    job->status = believable(job);
    if (job->status != OCELLUS_OK)
        return;
    choose_form(job);
    job->status = describe(job);
    if (job->status != OCELLUS_OK || job->header_only)
        return;
    png_read_image(job->png, job->rows);
    png_read_end(job->png, NULL);
    if (job->alpha)
        lay_on_white(job->pixels);
}

static ocellus_status
run(struct job *job)
{
    job->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, job, on_error,
                                      on_warning);
    job->info = job->png != NULL ? png_create_info_struct(job->png) : NULL;
    if (job->info == NULL)
        job->status =
            oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a PNG decoder");
    else if (setjmp(png_jmpbuf(job->png)) == 0)
        decode(job);
    else
        job->status =
            oc_fail(OCELLUS_BAD_DATA, "damaged PNG file: %s", job->sentence);
    png_destroy_read_struct(&job->png, &job->info, NULL);
    free(job->rows);
    if (job->status != OCELLUS_OK) {
        free(job->pixels->data);
        job->pixels->data = NULL;
    }
    return job->status;
}

ocellus_status
oc_png_decode(const uint8_t *data, size_t bytes, int header_only,
              struct oc_pixels *pixels)
{
    struct job *job = calloc(1, sizeof *job);
    ocellus_status status;

    if (job == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a PNG decoder");
    job->at = data;
    job->left = job->bytes = bytes;
    job->header_only = header_only;
    job->pixels = pixels;
    status = run(job);
    free(job);
    return status;
}

#else

ocellus_status
oc_png_decode(const uint8_t *data, size_t bytes, int header_only,
              struct oc_pixels *pixels)
{
    (void)data;
    (void)bytes;
    (void)header_only;
    (void)pixels;
    return oc_fail(OCELLUS_UNSUPPORTED,
                   "a PNG file, but this library was built without libpng");
}

#endif

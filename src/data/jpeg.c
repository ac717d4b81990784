/* jpeg.c - JPEG images through libjpeg, whose errors jump back here and become
 * a sentence. A file that ends early is an error; stray bytes, which cameras
 * and old data sets are full of, are not. Orientation tags are not followed. */
#include <config.h>

#include "data/image.h"

#ifdef HAVE_JPEG

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

/* One byte can stand for a few blocks of 64 samples in a flat progressive
 * image. */
#define DENSEST ((size_t)4096)
#define MOST_DECODER_BYTES ((long)1 << 30)

struct job {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf back;
    const uint8_t *data;
    size_t bytes;
    int header_only;
    struct oc_pixels *pixels;
    uint8_t *row; /* of a four-colour image */
    ocellus_status status;
    char sentence[JMSG_LENGTH_MAX];
};

static void
on_error(j_common_ptr jpeg)
{
    struct job *job = jpeg->client_data;

    jpeg->err->format_message(jpeg, job->sentence);
    longjmp(job->back, 1);
}

static void
on_message(j_common_ptr jpeg, int level)
{
    int code = jpeg->err->msg_code;

    if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER))
        on_error(jpeg);
}

static void
on_output(j_common_ptr jpeg)
{
    (void)jpeg;
}

/* Adobe's files keep ink inverted, so values are light already. */
static void
ink_to_rgb(const struct job *job, uint8_t *to)
{
    const uint8_t *from = job->row;
    unsigned flip = job->jpeg.saw_Adobe_marker ? 0 : 255;

    for (int i = 0; i < job->pixels->width; i++, from += 4)
        for (int c = 0; c < 3; c++)
            *to++ = (uint8_t)((from[c] ^ flip) * (from[3] ^ flip) / 255);
}

static void
read_rows(struct job *job)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    size_t pitch = (size_t)job->pixels->width * (size_t)job->pixels->channels;
    uint8_t *row = job->pixels->data;

    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW to = job->row != NULL ? job->row : row;

        if (jpeg_read_scanlines(jpeg, &to, 1) != 1)
            continue;
        if (job->row != NULL)
            ink_to_rgb(job, row);
        row += pitch;
    }
    jpeg_finish_decompress(jpeg);
}

static ocellus_status
choose_colours(struct job *job)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    int ink = jpeg->num_components == 4;

    if (jpeg->num_components != 1 && jpeg->num_components != 3 && !ink)
        return oc_fail(OCELLUS_BAD_DATA, "a JPEG file of %d components",
                       jpeg->num_components);
    jpeg->out_color_space = ink                         ? JCS_CMYK
                            : jpeg->num_components == 1 ? JCS_GRAYSCALE
                                                        : JCS_RGB;
    job->pixels->channels = jpeg->num_components == 1 ? 1 : 3;
    job->pixels->height = (int)jpeg->image_height;
    job->pixels->width = (int)jpeg->image_width;
    job->pixels->bytes_each = 1;
    job->pixels->largest = 255;
    OC_TRY(oc_pixels_check(jpeg->image_height, jpeg->image_width));
    if (job->header_only)
        return OCELLUS_OK;
    if (ink) {
        job->row = malloc((size_t)jpeg->image_width * 4);
        if (job->row == NULL)
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a row");
    }
    return oc_pixels_alloc(job->pixels, job->bytes, DENSEST);
}

/* All that may jump back; nothing local is needed afterwards. */
static void
decode(struct job *job)
{
    jpeg_create_decompress(&job->jpeg);
    job->jpeg.mem->max_memory_to_use = MOST_DECODER_BYTES;
    jpeg_mem_src(&job->jpeg, job->data, (unsigned long)job->bytes);
    jpeg_read_header(&job->jpeg, TRUE);
    job->status = choose_colours(job);
    if (job->status != OCELLUS_OK || job->header_only)
        return;
    job->jpeg.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&job->jpeg);
    read_rows(job);
}

static ocellus_status
run(struct job *job)
{
    job->jpeg.err = jpeg_std_error(&job->errors);
    job->errors.error_exit = on_error;
    job->errors.emit_message = on_message;
    job->errors.output_message = on_output;
    job->jpeg.client_data = job;
    if (setjmp(job->back) == 0)
        decode(job);
    else
        job->status =
            oc_fail(OCELLUS_BAD_DATA, "damaged JPEG file: %s", job->sentence);
    jpeg_destroy_decompress(&job->jpeg);
    free(job->row);
    if (job->status != OCELLUS_OK) {
        free(job->pixels->data);
        job->pixels->data = NULL;
    }
    return job->status;
}

ocellus_status
oc_jpeg_decode(const uint8_t *data, size_t bytes, int header_only,
               struct oc_pixels *pixels)
{
    struct job *job = calloc(1, sizeof *job);
    ocellus_status status;

    if (job == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a JPEG decoder");
    job->data = data;
    job->bytes = bytes;
    job->header_only = header_only;
    job->pixels = pixels;
    status = run(job);
    free(job);
    return status;
}

#else

ocellus_status
oc_jpeg_decode(const uint8_t *data, size_t bytes, int header_only,
               struct oc_pixels *pixels)
{
    (void)data;
    (void)bytes;
    (void)header_only;
    (void)pixels;
    return oc_fail(OCELLUS_UNSUPPORTED,
                   "a JPEG file, but this library was built without libjpeg");
}

#endif

/* image.h - numbers of one sample, and image files turned into them.
 *
 * A sample is C x H x W floats; bytes of a file become value / largest value,
 * so [0, 1]. Decoders look at a file's first bytes, never at its name. They
 * take memory for what the header says only where the file's length makes that
 * believable, and a damaged file is one sentence, never an exit.
 */
#ifndef OC_DATA_IMAGE_H
#define OC_DATA_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Larger images are refused: 2^27 pixels, 1.5 GiB as three floats. */
#define OC_IMAGE_MOST_PIXELS (UINT64_C(1) << 27)

struct oc_image {
    int channels, height, width;
    size_t room; /* floats that x has place for */
    float *x;    /* channel after channel, row after row */
};

/* Sets the size; what was in x is lost. */
ocellus_status oc_image_resize(struct oc_image *image, int channels, int height,
                               int width);
void oc_image_swap(struct oc_image *a, struct oc_image *b);
void oc_image_free(struct oc_image *image);
/* 1 or 3 channels: luma, or the same thrice. */
ocellus_status oc_image_convert(struct oc_image *image, int channels,
                                struct oc_image *scratch);

/* A file's whole contents; name is for sentences. */
ocellus_status oc_image_decode(const char *name, const void *data, size_t bytes,
                               struct oc_image *image);
ocellus_status oc_image_load(const char *path, struct oc_image *image);
/* Sizes only. */
ocellus_status oc_image_probe(const char *path, int chw[3]);

/* What a decoder hands back: rows of interleaved samples. */
struct oc_pixels {
    int channels, height, width; /* channels 1 or 3 */
    int bytes_each;              /* 1, or 2 in the host's byte order */
    unsigned largest;            /* the value that means 1.0 */
    void *data;                  /* malloc'd; NULL after a probe */
};

/* Decoders: `header_only` leaves data NULL. On failure the sentence has no
 * file name in it; oc_image_decode puts it in front. */
ocellus_status oc_jpeg_decode(const uint8_t *data, size_t bytes,
                              int header_only, struct oc_pixels *pixels);
ocellus_status oc_png_decode(const uint8_t *data, size_t bytes, int header_only,
                             struct oc_pixels *pixels);
ocellus_status oc_ppm_decode(const uint8_t *data, size_t bytes, int header_only,
                             struct oc_pixels *pixels);
/* Takes zeroed memory for the pixels after a check of the size; file_bytes *
 * densest is the most that the file can hold. */
ocellus_status oc_pixels_alloc(struct oc_pixels *pixels, size_t file_bytes,
                               size_t densest);
ocellus_status oc_pixels_check(uint64_t height, uint64_t width);

#endif

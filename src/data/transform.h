/* transform.h - steps that turn one sample into another: "resize=32x32 flip".
 *
 * The words are listed in <ocellus.h>. A transform is parsed once into a plain
 * struct; its steps draw from the one stream that the caller starts for each
 * sample, so that no order of threads matters.
 */
#ifndef OC_DATA_TRANSFORM_H
#define OC_DATA_TRANSFORM_H

#include "base/random.h"
#include "base/status.h"
#include "data/image.h"

#define OC_MOST_STEPS 24

/* Numbers of a warp, which gathers neighbouring words into one resampling. */
enum {
    OC_ROTATE,
    OC_SHEAR,
    OC_SHIFT,
    OC_SCALE,
    OC_ELASTIC,
    OC_SMOOTH,
    OC_WARP_NUMBERS
};

struct oc_step {
    const struct oc_step_kind *kind;
    int height, width; /* of size words; width 0: "resize=S" */
    float value[OC_WARP_NUMBERS];
};

struct oc_transform {
    int count;
    struct oc_step step[OC_MOST_STEPS];
    float mixup, cutmix; /* alphas; 0: none */
    const char *random;  /* the first random word, or NULL */
};

/* NULL or "" is a transform of no steps. */
ocellus_status oc_transform_parse(const char *text,
                                  struct oc_transform *transform);
/* What becomes of C, H, W; H and W are 0 while unknown. */
ocellus_status oc_transform_shape(const struct oc_transform *transform,
                                  int chw[3]);

/* What a step works with. */
struct oc_canvas {
    struct oc_image image, scratch;
    struct oc_random random;
    const float *fill; /* a value a channel for cutout; NULL: 0 */
};
ocellus_status oc_transform_apply(const struct oc_transform *transform,
                                  struct oc_canvas *canvas);
void oc_canvas_free(struct oc_canvas *canvas);

/* The steps themselves, each on canvas->image. */
ocellus_status oc_resize(const struct oc_step *step, struct oc_canvas *canvas);
ocellus_status oc_crop(const struct oc_step *step, struct oc_canvas *canvas);
ocellus_status oc_random_resized_crop(const struct oc_step *step,
                                      struct oc_canvas *canvas);
ocellus_status oc_pad_crop(const struct oc_step *step,
                           struct oc_canvas *canvas);
ocellus_status oc_flip(const struct oc_step *step, struct oc_canvas *canvas);
ocellus_status oc_vflip(const struct oc_step *step, struct oc_canvas *canvas);
ocellus_status oc_warp(const struct oc_step *step, struct oc_canvas *canvas);
ocellus_status oc_gray(const struct oc_step *step, struct oc_canvas *canvas);
ocellus_status oc_rgb(const struct oc_step *step, struct oc_canvas *canvas);
ocellus_status oc_brightness(const struct oc_step *step,
                             struct oc_canvas *canvas);
ocellus_status oc_contrast(const struct oc_step *step,
                           struct oc_canvas *canvas);
ocellus_status oc_saturation(const struct oc_step *step,
                             struct oc_canvas *canvas);
ocellus_status oc_noise(const struct oc_step *step, struct oc_canvas *canvas);
ocellus_status oc_cutout(const struct oc_step *step, struct oc_canvas *canvas);

/* H x W displacements in pixels, smooth over `smooth` pixels and with a
 * standard deviation of amount / 2 (Simard, Steinkraus & Platt 2003). dx and
 * dy take height * width floats each. */
ocellus_status oc_elastic_field(struct oc_random *random, int height, int width,
                                float amount, float smooth, float *dx,
                                float *dy);

#endif

/* canvas.h - a page to draw on, saved as PNG.
 *
 * Units are pixels from the upper left corner; colours are 0xRRGGBB. Drawing
 * cannot fail: what goes wrong is kept and said by oc_canvas_save. Text is
 * UTF-8 (what is not, is drawn as '?') in the system's "sans" face. Cairo is
 * behind it and nowhere else; without it this file and all that draws on it
 * are not built, and draw_none.c takes their place.
 */
#ifndef OC_VISION_CANVAS_H
#define OC_VISION_CANVAS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct oc_canvas;

/* White. OCELLUS_BAD_ARGUMENT for a page beyond 16384 x 16384. */
ocellus_status oc_canvas_create(int width, int height,
                                struct oc_canvas **canvas);
void oc_canvas_destroy(struct oc_canvas *canvas);
/* As PNG, beside and renamed. */
ocellus_status oc_canvas_save(struct oc_canvas *canvas, const char *path);

struct oc_box {
    double x, y, w, h;
};

void oc_canvas_fill(struct oc_canvas *canvas, struct oc_box box,
                    uint32_t colour);
/* A frame whose lines lie within the box. */
void oc_canvas_frame(struct oc_canvas *canvas, struct oc_box box, double width,
                     uint32_t colour);

struct oc_point {
    double x, y;
};

struct oc_pen {
    double width;
    uint32_t colour;
    double dash; /* length of a dash; 0: a whole line */
};

void oc_canvas_line(struct oc_canvas *canvas, const struct oc_point *points,
                    int count, struct oc_pen pen);
void oc_canvas_dot(struct oc_canvas *canvas, struct oc_point at, double radius,
                   uint32_t colour);
/* Nothing is drawn outside of the box until oc_canvas_unclip. */
void oc_canvas_clip(struct oc_canvas *canvas, struct oc_box box);
void oc_canvas_unclip(struct oc_canvas *canvas);

enum oc_anchor { OC_LEFT, OC_MIDDLE, OC_RIGHT };

struct oc_font {
    double size;
    uint32_t colour;
    int bold;
    enum oc_anchor anchor;
    double turn; /* degrees against the clock, about the point */
};

/* The point is on the line's middle: half the height of a capital lies above
 * it. */
void oc_canvas_text(struct oc_canvas *canvas, struct oc_point at,
                    struct oc_font font, const char *text);
double oc_canvas_text_width(struct oc_canvas *canvas, struct oc_font font,
                            const char *text);
/* The same, but no wider than `width`: the end becomes an ellipsis. */
void oc_canvas_text_within(struct oc_canvas *canvas, struct oc_point at,
                           struct oc_font font, double width, const char *text);

/* pixels: width x height of 0xRRGGBB, stretched over the box: as squares where
 * it grows, averaged where it shrinks. */
void oc_canvas_image(struct oc_canvas *canvas, struct oc_box box,
                     const uint32_t *pixels, int width, int height);

#endif

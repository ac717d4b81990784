/* stroke.h - digits as pen strokes, and strokes as grey pixels. */
#ifndef OC_DATA_STROKE_H
#define OC_DATA_STROKE_H

#include "base/random.h"

#define OC_MOST_POINTS 192

/* A way of writing a digit: "M x y" lifts the pen, "L x y" draws a line, "C x
 * y x y x y" a cubic curve; 100 x 100 units, y down. Never NULL. */
const char *oc_glyph(int digit, int style);
int oc_glyph_styles(int digit);

struct oc_point {
    float x, y;
    float radius; /* of the pen here */
    int lifted;   /* no ink between the point before and this one */
};

struct oc_strokes {
    int count;
    struct oc_point point[OC_MOST_POINTS];
};

/* A path as short straight pieces. Every number of it moves by a normal
 * number times `wobble` first. */
void oc_strokes_from_path(const char *path, float wobble,
                          struct oc_random *random, struct oc_strokes *strokes);
/* The strokes' coverage of each pixel, joined with what is in `ink` by the
 * larger one. Coordinates are pixels; the first one's middle is (0, 0). */
void oc_strokes_draw(const struct oc_strokes *strokes, int height, int width,
                     float *ink);

#endif

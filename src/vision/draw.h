/* draw.h - what the pictures have in common: colours, heads and names.
 *
 * Colours are Okabe and Ito's (2008), which people with any of the common
 * colour blindnesses can tell apart: blue and vermilion above all.
 */
#ifndef OC_VISION_DRAW_H
#define OC_VISION_DRAW_H

#include "vision/canvas.h"

#define OC_INK 0x1f2328u
#define OC_GREY 0x656d76u
#define OC_RULE 0xd0d7deu /* frames */
#define OC_PALE 0xebeef1u /* grid */
#define OC_BLUE 0x0072b2u
#define OC_VERMILION 0xd55e00u
#define OC_GREEN 0x009e73u

/* Title in bold and a grey line below, both within `width`; NULL and "" leave
 * the line empty. They end at OC_HEAD. */
#define OC_HEAD 76
void oc_draw_head(struct oc_canvas *canvas, double width, const char *title,
                  const char *below);

/* names[k], or the number where there is none. */
const char *oc_class_text(const char *const *names, int k, char number[16]);
/* The widest of them, drawn in `font`, but at most `most`. */
double oc_class_width(struct oc_canvas *canvas, struct oc_font font,
                      const char *const *names, int classes, double most);

/* 12345 as "12,345"; returns it. */
char *oc_count_text(int64_t count, char text[32]);

/* Between two colours: 0 is `from`, 1 is `to`. */
uint32_t oc_mix(uint32_t from, uint32_t to, double share);

#endif

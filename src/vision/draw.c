/* draw.c - what the pictures have in common: colours, heads and names. */
#include "vision/draw.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int
ocellus_can_draw(void)
{
    return 1;
}

void
oc_draw_head(struct oc_canvas *canvas, double width, const char *title,
             const char *below)
{
    struct oc_font bold = {.size = 20, .colour = OC_INK, .bold = 1};
    struct oc_font plain = {.size = 13, .colour = OC_GREY};

    oc_canvas_text_within(canvas, (struct oc_point){24, 30}, bold, width - 48,
                          title ? title : "");
    oc_canvas_text_within(canvas, (struct oc_point){24, 56}, plain, width - 48,
                          below ? below : "");
}

const char *
oc_class_text(const char *const *names, int k, char number[16])
{
    if (names && names[k])
        return names[k];
    snprintf(number, 16, "%d", k);
    return number;
}

double
oc_class_width(struct oc_canvas *canvas, struct oc_font font,
               const char *const *names, int classes, double most)
{
    double widest = 0;
    char number[16];
    int k;

    for (k = 0; k < classes && widest < most; k++) {
        double width =
            oc_canvas_text_width(canvas, font, oc_class_text(names, k, number));

        if (width > widest)
            widest = width;
    }
    return widest < most ? widest : most;
}

char *
oc_count_text(int64_t count, char text[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRId64, count);
    char *to = text;
    int i;

    for (i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

uint32_t
oc_mix(uint32_t from, uint32_t to, double share)
{
    uint32_t mixed = 0;
    int shift;

    for (shift = 0; shift <= 16; shift += 8) {
        double a = from >> shift & 255;
        double b = to >> shift & 255;

        mixed |= (uint32_t)(a + (b - a) * share + 0.5) << shift;
    }
    return mixed;
}

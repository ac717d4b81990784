/* canvas.c - a page to draw on, by cairo. */
#include "vision/canvas.h"

#include <cairo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define LONGEST_SIDE 16384
#define LONGEST_TEXT 512
#define PI 3.14159265358979323846

struct oc_canvas {
    cairo_surface_t *surface;
    cairo_t *pen;
};

ocellus_status
oc_canvas_create(int width, int height, struct oc_canvas **result)
{
    struct oc_canvas *canvas = calloc(1, sizeof(*canvas));

    *result = NULL;
    if (width < 1 || height < 1 || width > LONGEST_SIDE ||
        height > LONGEST_SIDE) {
        free(canvas);
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "a picture of %d x %d pixels: each side has 1 to %d",
                       width, height, LONGEST_SIDE);
    }
    if (!canvas)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a picture");
    canvas->surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    canvas->pen = cairo_create(canvas->surface);
    if (cairo_status(canvas->pen) != CAIRO_STATUS_SUCCESS) {
        oc_canvas_destroy(canvas);
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no memory for a picture of %d x %d pixels", width,
                       height);
    }
    oc_canvas_fill(canvas, (struct oc_box){0, 0, width, height}, 0xffffff);
    *result = canvas;
    return OCELLUS_OK;
}

void
oc_canvas_destroy(struct oc_canvas *canvas)
{
    if (!canvas)
        return;
    cairo_destroy(canvas->pen);
    cairo_surface_destroy(canvas->surface);
    free(canvas);
}

/* Cairo gives the PNG in pieces; a failure of ours keeps its own sentence. */
struct saving {
    struct oc_file_out *out;
    ocellus_status status;
};

static cairo_status_t
save_piece(void *closure, const unsigned char *data, unsigned int length)
{
    struct saving *saving = closure;

    saving->status = oc_file_add(saving->out, data, length);
    return saving->status == OCELLUS_OK ? CAIRO_STATUS_SUCCESS
                                        : CAIRO_STATUS_WRITE_ERROR;
}

ocellus_status
oc_canvas_save(struct oc_canvas *canvas, const char *path)
{
    struct saving saving = {.status = OCELLUS_OK};
    cairo_status_t done = cairo_status(canvas->pen);

    if (done != CAIRO_STATUS_SUCCESS)
        return oc_fail(OCELLUS_INTERNAL, "%s: drawing failed: %s", path,
                       cairo_status_to_string(done));
    OC_TRY(oc_file_begin(path, &saving.out));
    done =
        cairo_surface_write_to_png_stream(canvas->surface, save_piece, &saving);
    if (done == CAIRO_STATUS_SUCCESS)
        return oc_file_commit(saving.out);
    oc_file_abandon(saving.out);
    if (saving.status != OCELLUS_OK)
        return saving.status;
    return oc_fail(OCELLUS_INTERNAL, "%s: writing a PNG failed: %s", path,
                   cairo_status_to_string(done));
}

static void
set_colour(cairo_t *pen, uint32_t colour)
{
    cairo_set_source_rgb(pen, (colour >> 16 & 255) / 255.0,
                         (colour >> 8 & 255) / 255.0, (colour & 255) / 255.0);
}

void
oc_canvas_fill(struct oc_canvas *canvas, struct oc_box box, uint32_t colour)
{
    set_colour(canvas->pen, colour);
    cairo_rectangle(canvas->pen, box.x, box.y, box.w, box.h);
    cairo_fill(canvas->pen);
}

void
oc_canvas_frame(struct oc_canvas *canvas, struct oc_box box, double width,
                uint32_t colour)
{
    set_colour(canvas->pen, colour);
    cairo_set_dash(canvas->pen, NULL, 0, 0);
    cairo_set_line_width(canvas->pen, width);
    cairo_set_line_join(canvas->pen, CAIRO_LINE_JOIN_MITER);
    cairo_rectangle(canvas->pen, box.x + width / 2, box.y + width / 2,
                    box.w - width, box.h - width);
    cairo_stroke(canvas->pen);
}

void
oc_canvas_line(struct oc_canvas *canvas, const struct oc_point *points,
               int count, struct oc_pen pen)
{
    const double dashes[2] = {pen.dash, pen.dash * 0.6};
    int i;

    set_colour(canvas->pen, pen.colour);
    cairo_set_dash(canvas->pen, dashes, pen.dash > 0 ? 2 : 0, 0);
    cairo_set_line_width(canvas->pen, pen.width);
    cairo_set_line_join(canvas->pen, CAIRO_LINE_JOIN_ROUND);
    cairo_new_path(canvas->pen);
    for (i = 0; i < count; i++)
        cairo_line_to(canvas->pen, points[i].x, points[i].y);
    cairo_stroke(canvas->pen);
}

void
oc_canvas_dot(struct oc_canvas *canvas, struct oc_point at, double radius,
              uint32_t colour)
{
    set_colour(canvas->pen, colour);
    cairo_new_path(canvas->pen);
    cairo_arc(canvas->pen, at.x, at.y, radius, 0, 2 * PI);
    cairo_fill(canvas->pen);
}

void
oc_canvas_clip(struct oc_canvas *canvas, struct oc_box box)
{
    cairo_save(canvas->pen);
    cairo_rectangle(canvas->pen, box.x, box.y, box.w, box.h);
    cairo_clip(canvas->pen);
}

void
oc_canvas_unclip(struct oc_canvas *canvas)
{
    cairo_restore(canvas->pen);
}

/* Bytes of the UTF-8 character at `from`; 0: it is none. Overlong forms and
 * surrogates are none: cairo stops at them. */
static int
character_bytes(const unsigned char *from)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    int bytes = *from < 0x80   ? 1
                : *from < 0xc0 ? 0
                : *from < 0xe0 ? 2
                : *from < 0xf0 ? 3
                : *from < 0xf8 ? 4
                               : 0;
    uint32_t code = *from & (0xffU >> (bytes + 1));
    int i;

    if (bytes < 2)
        return bytes;
    for (i = 1; i < bytes; i++) {
        if ((from[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (from[i] & 0x3fU);
    }
    if (code < least[bytes] || code > 0x10ffff ||
        (code >= 0xd800 && code < 0xe000))
        return 0;
    return bytes;
}

/* What can be drawn: valid UTF-8 without control characters. */
static void
clean(const char *text, char out[LONGEST_TEXT])
{
    const unsigned char *from = (const unsigned char *)text;
    size_t at = 0;

    while (*from && at + 5 < LONGEST_TEXT) {
        int bytes = character_bytes(from);

        if (bytes == 0 || *from < 0x20 || *from == 0x7f) {
            out[at++] = *from == '\t' ? ' ' : '?';
            from++;
            continue;
        }
        memcpy(out + at, from, (size_t)bytes);
        at += (size_t)bytes;
        from += bytes;
    }
    out[at] = '\0';
}

static void
set_font(cairo_t *pen, struct oc_font font)
{
    cairo_font_options_t *options = cairo_font_options_create();

    /* Unhinted advances: widths scale with the size, whatever the machine. */
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_set_font_options(pen, options);
    cairo_font_options_destroy(options);
    cairo_select_font_face(pen, "sans", CAIRO_FONT_SLANT_NORMAL,
                           font.bold ? CAIRO_FONT_WEIGHT_BOLD
                                     : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(pen, font.size);
}

static double
width_of(cairo_t *pen, const char *cleaned)
{
    cairo_text_extents_t extents;

    cairo_text_extents(pen, cleaned, &extents);
    return extents.x_advance;
}

static void
show(cairo_t *pen, struct oc_point at, struct oc_font font, const char *cleaned)
{
    double width = width_of(pen, cleaned);
    double left = font.anchor == OC_LEFT     ? 0
                  : font.anchor == OC_MIDDLE ? -width / 2
                                             : -width;

    set_colour(pen, font.colour);
    cairo_save(pen);
    cairo_translate(pen, at.x, at.y);
    cairo_rotate(pen, -font.turn * PI / 180);
    /* Capitals are about 0.72 of the size high. */
    cairo_move_to(pen, left, 0.36 * font.size);
    cairo_show_text(pen, cleaned);
    cairo_restore(pen);
}

void
oc_canvas_text(struct oc_canvas *canvas, struct oc_point at,
               struct oc_font font, const char *text)
{
    char cleaned[LONGEST_TEXT];

    clean(text, cleaned);
    set_font(canvas->pen, font);
    show(canvas->pen, at, font, cleaned);
}

double
oc_canvas_text_width(struct oc_canvas *canvas, struct oc_font font,
                     const char *text)
{
    char cleaned[LONGEST_TEXT];

    clean(text, cleaned);
    set_font(canvas->pen, font);
    return width_of(canvas->pen, cleaned);
}

void
oc_canvas_text_within(struct oc_canvas *canvas, struct oc_point at,
                      struct oc_font font, double width, const char *text)
{
    static const char ellipsis[] = "\xe2\x80\xa6";
    char cleaned[LONGEST_TEXT + sizeof(ellipsis)];
    size_t length;

    clean(text, cleaned);
    set_font(canvas->pen, font);
    length = strlen(cleaned);
    while (width_of(canvas->pen, cleaned) > width && length > 0) {
        do
            length--;
        while (length > 0 && ((unsigned char)cleaned[length] & 0xc0) == 0x80);
        memcpy(cleaned + length, ellipsis, sizeof(ellipsis));
    }
    show(canvas->pen, at, font, cleaned);
}

void
oc_canvas_image(struct oc_canvas *canvas, struct oc_box box,
                const uint32_t *pixels, int width, int height)
{
    cairo_surface_t *image =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    unsigned char *to = cairo_image_surface_get_data(image);
    int stride = cairo_image_surface_get_stride(image);
    int y;

    if (to) {
        for (y = 0; y < height; y++)
            memcpy(to + (ptrdiff_t)y * stride, pixels + (ptrdiff_t)y * width,
                   (size_t)width * sizeof(*pixels));
        cairo_surface_mark_dirty(image);
    }
    cairo_save(canvas->pen);
    cairo_translate(canvas->pen, box.x, box.y);
    cairo_scale(canvas->pen, box.w / width, box.h / height);
    cairo_set_source_surface(canvas->pen, image, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(canvas->pen),
                             box.w >= width ? CAIRO_FILTER_NEAREST
                                            : CAIRO_FILTER_GOOD);
    cairo_pattern_set_extend(cairo_get_source(canvas->pen), CAIRO_EXTEND_PAD);
    cairo_rectangle(canvas->pen, 0, 0, width, height);
    cairo_fill(canvas->pen);
    cairo_restore(canvas->pen);
    cairo_surface_destroy(image);
}

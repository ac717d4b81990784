/* draw_sheet.c - samples with what was predicted of them; the wrong ones in a
 * vermilion frame with what they are.
 *
 * Small images are enlarged by a whole number, so that their pixels stay
 * squares; large ones are averaged down.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vision/draw.h"

#define MOST_IMAGES 512
#define WANTED 96 /* longer side of an image on the sheet */
#define PAGE 1120 /* wanted width of the page */
#define CAPTION 40
#define GAP 14

struct page {
    struct oc_canvas *canvas;
    const ocellus_sheet *sheet;
    double w, h; /* of an image */
    double cell; /* width that an image and its caption have */
    int columns;
    float black[3], white[3];
    uint32_t *pixels; /* one image */
};

static const float *
plane_of(const ocellus_sheet *sheet, int image, int channel)
{
    size_t plane = (size_t)sheet->height * (size_t)sheet->width;

    return sheet->images +
           ((size_t)image * (size_t)sheet->channels + (size_t)channel) * plane;
}

/* Of one channel over all images; what is not finite counts for nothing. */
static void
find_range(const ocellus_sheet *sheet, int channel, float *low, float *high)
{
    size_t plane = (size_t)sheet->height * (size_t)sheet->width;
    int i;
    size_t p;

    *low = INFINITY;
    *high = -INFINITY;
    for (i = 0; i < sheet->count; i++) {
        const float *x = plane_of(sheet, i, channel);

        for (p = 0; p < plane; p++) {
            if (!isfinite(x[p]))
                continue;
            *low = fminf(*low, x[p]);
            *high = fmaxf(*high, x[p]);
        }
    }
}

static void
choose_ranges(struct page *page)
{
    const ocellus_sheet *sheet = page->sheet;
    int c;

    for (c = 0; c < sheet->channels; c++) {
        page->black[c] = sheet->black;
        page->white[c] = sheet->white;
        if (!(sheet->black < sheet->white) && !(sheet->white < sheet->black))
            find_range(sheet, c, &page->black[c], &page->white[c]);
    }
}

static uint32_t
byte_of(float value, float black, float white)
{
    float span = white - black;
    float part = (value - black) / span;

    /* A flat channel has no span, and NaN compares with nothing. */
    if (!(part > 0))
        return 0;
    return part < 1 ? (uint32_t)(part * 255 + 0.5F) : 255;
}

static void
make_pixels(const struct page *page, int image)
{
    const ocellus_sheet *sheet = page->sheet;
    size_t plane = (size_t)sheet->height * (size_t)sheet->width;
    size_t p;
    int c;

    for (p = 0; p < plane; p++) {
        uint32_t pixel = 0;

        for (c = 0; c < 3; c++) {
            int from = sheet->channels == 3 ? c : 0;

            pixel = pixel << 8 | byte_of(plane_of(sheet, image, from)[p],
                                         page->black[from], page->white[from]);
        }
        page->pixels[p] = pixel;
    }
}

static const char *
name_of(const ocellus_sheet *sheet, int64_t class_index, char number[16])
{
    int known = class_index >= 0 && class_index < sheet->classes;

    if (known)
        return oc_class_text(sheet->names, (int)class_index, number);
    return oc_class_text(NULL, (int)class_index, number);
}

static int
is_wrong(const ocellus_sheet *sheet, int image)
{
    return sheet->labels && sheet->labels[image] != sheet->predictions[image];
}

/* Below the prediction: how sure it is, and what it should have been. */
static void
say_more(const ocellus_sheet *sheet, int image, char *text, size_t bytes)
{
    char number[16];
    int used = 0;

    text[0] = '\0';
    if (sheet->confidences)
        used = snprintf(text, bytes, "%.0f%%",
                        100 * (double)sheet->confidences[image]);
    if (is_wrong(sheet, image))
        snprintf(text + used, bytes - (size_t)used, "%sis %s",
                 used ? " \xc2\xb7 " : "",
                 name_of(sheet, sheet->labels[image], number));
}

static void
draw_caption(const struct page *page, int image, double x, double y)
{
    const ocellus_sheet *sheet = page->sheet;
    int wrong = is_wrong(sheet, image);
    struct oc_font font = {.size = 13,
                           .bold = wrong,
                           .anchor = OC_MIDDLE,
                           .colour = wrong ? OC_VERMILION : OC_INK};
    struct oc_font small = {.size = 11, .anchor = OC_MIDDLE, .colour = OC_GREY};
    char number[16], text[256];

    oc_canvas_text_within(page->canvas, (struct oc_point){x, y + 14}, font,
                          page->cell,
                          name_of(sheet, sheet->predictions[image], number));
    say_more(sheet, image, text, sizeof(text));
    oc_canvas_text_within(page->canvas, (struct oc_point){x, y + 30}, small,
                          page->cell + GAP - 4, text);
}

static void
draw_image(const struct page *page, int image)
{
    double x = 24 - floor((page->cell - page->w) / 2) +
               (page->cell + GAP) * (image % page->columns);
    double y =
        OC_HEAD + 8 + (page->h + CAPTION + GAP) * (image / page->columns);
    struct oc_box box = {x + floor((page->cell - page->w) / 2), y, page->w,
                         page->h};
    struct oc_box frame = {box.x - 4, box.y - 4, box.w + 8, box.h + 8};

    make_pixels(page, image);
    oc_canvas_image(page->canvas, box, page->pixels, page->sheet->width,
                    page->sheet->height);
    if (is_wrong(page->sheet, image)) {
        oc_canvas_frame(page->canvas, frame, 3, OC_VERMILION);
    } else {
        frame = (struct oc_box){box.x - 1, box.y - 1, box.w + 2, box.h + 2};
        oc_canvas_frame(page->canvas, frame, 1, OC_RULE);
    }
    draw_caption(page, image, x + page->cell / 2, box.y + box.h + 2);
}

static void
choose_sizes(struct page *page)
{
    const ocellus_sheet *sheet = page->sheet;
    int longer = sheet->height > sheet->width ? sheet->height : sheet->width;
    double scale = longer < WANTED ? floor((double)WANTED / longer)
                                   : (double)WANTED / longer;

    page->w = fmax(1, floor(sheet->width * scale));
    page->h = fmax(1, floor(sheet->height * scale));
    page->cell = fmax(page->w, WANTED);
    page->columns = (int)floor((PAGE - 48 + GAP) / (page->cell + GAP));
    if (page->columns > sheet->count)
        page->columns = sheet->count;
}

static void
say_summary(const ocellus_sheet *sheet, char *text, size_t bytes)
{
    int right = 0;
    int i;

    text[0] = '\0';
    if (!sheet->labels)
        return;
    for (i = 0; i < sheet->count; i++)
        right += !is_wrong(sheet, i);
    snprintf(text, bytes, "%d of %d right%s", right, sheet->count,
             right < sheet->count
                 ? "; the others are framed, with what they are below"
                 : "");
}

static ocellus_status
check(const char *path, const ocellus_sheet *sheet)
{
    if (sheet->count < 1 || sheet->count > MOST_IMAGES)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "%s: a sheet of %d images: 1 to %d can be drawn", path,
                       sheet->count, MOST_IMAGES);
    if ((sheet->channels != 1 && sheet->channels != 3) || sheet->height < 1 ||
        sheet->width < 1 || sheet->height > 16384 || sheet->width > 16384)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "%s: images of %d x %d x %d: 1 or 3 channels and sides "
                       "of 1 to 16384 can be drawn",
                       path, sheet->channels, sheet->height, sheet->width);
    return OCELLUS_OK;
}

static ocellus_status
draw(struct page *page, const char *path, const char *title)
{
    const ocellus_sheet *sheet = page->sheet;
    int rows = (sheet->count + page->columns - 1) / page->columns;
    double width = fmax(560, 48 - GAP + (page->cell + GAP) * page->columns);
    double height = OC_HEAD + 8 + (page->h + CAPTION + GAP) * rows + 4;
    char below[128];
    ocellus_status status;
    int i;

    OC_TRY(oc_canvas_create((int)width, (int)height, &page->canvas));
    say_summary(sheet, below, sizeof(below));
    oc_draw_head(page->canvas, width, title ? title : "Predictions", below);
    for (i = 0; i < sheet->count; i++)
        draw_image(page, i);
    status = oc_canvas_save(page->canvas, path);
    oc_canvas_destroy(page->canvas);
    return status;
}

ocellus_status
ocellus_draw_sheet(const char *path, const char *title,
                   const ocellus_sheet *sheet)
{
    struct page page = {.sheet = sheet};
    ocellus_status status;

    OC_TRY(check(path, sheet));
    choose_sizes(&page);
    choose_ranges(&page);
    page.pixels = malloc((size_t)sheet->height * (size_t)sheet->width *
                         sizeof(*page.pixels));
    if (!page.pixels)
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "%s: no memory for an image of %d x %d", path,
                       sheet->height, sheet->width);
    status = draw(&page, path, title);
    free(page.pixels);
    return status;
}

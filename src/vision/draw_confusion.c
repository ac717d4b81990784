/* draw_confusion.c - a confusion matrix as a heat map: rows are labels, columns
 * predictions, and a cell's colour is its share of the row.
 *
 * What is right is blue and what is wrong is vermilion, and the wrong goes with
 * a root of its share: one in a hundred is still to be seen. The
 * margins hold each row's recall and each column's precision. With many
 * classes cells shrink, first the percentages go, then the counts, then the
 * names; the line above names the worst confusions all the same.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "vision/draw.h"

#define MOST_CLASSES 4096
#define WORST 3
#define DARK_BLUE 0x084f8cu

struct matrix {
    struct oc_canvas *canvas;
    const int64_t *cell;
    const char *const *names;
    int classes;
    int64_t *support;    /* sums of rows */
    int64_t *predicted;  /* sums of columns */
    double side;         /* of a cell */
    double names_width;  /* left of the matrix; above it, turned */
    double left, top;    /* where the cells begin */
    struct oc_font font; /* of the names */
};

static int64_t
at(const struct matrix *m, int row, int column)
{
    return m->cell[(int64_t)row * m->classes + column];
}

static double
share(int64_t part, int64_t whole)
{
    return part > 0 && whole >= part ? (double)part / (double)whole : 0;
}

static void
sum_up(struct matrix *m)
{
    int r, c;

    for (r = 0; r < m->classes; r++) {
        for (c = 0; c < m->classes; c++) {
            m->support[r] += at(m, r, c);
            m->predicted[c] += at(m, r, c);
        }
    }
}

/* About 640 pixels of cells while they can be read, more for many classes. */
static double
choose_side(int classes)
{
    double side = floor(640.0 / classes);

    if (side > 128)
        return 128;
    if (side >= 44)
        return side;
    if (classes <= 24)
        return 44;
    if (classes <= 40)
        return 32;
    if (classes <= 128)
        return 14;
    return classes <= 400 ? 4 : classes <= 1024 ? 2 : 1;
}

static int
has_names(const struct matrix *m)
{
    return m->side >= 12;
}

static int
has_counts(const struct matrix *m)
{
    return m->side >= 32;
}

static int
has_margins(const struct matrix *m)
{
    return m->side >= 44;
}

static uint32_t
colour_of(double part, int right)
{
    return right ? oc_mix(0xffffff, DARK_BLUE, part)
                 : oc_mix(0xffffff, OC_VERMILION, pow(part, 0.4));
}

static int
is_dark(uint32_t colour)
{
    return 0.299 * (colour >> 16 & 255) + 0.587 * (colour >> 8 & 255) +
               0.114 * (colour & 255) <
           150;
}

static struct oc_box
box_of(const struct matrix *m, int row, int column)
{
    return (struct oc_box){m->left + m->side * column, m->top + m->side * row,
                           m->side, m->side};
}

/* A percentage of few letters: "98.7", "100", "0.4". */
static void
say_percent(double part, char text[16])
{
    if (part >= 0.9995 || part <= 0)
        snprintf(text, 16, "%.0f%%", 100 * part);
    else
        snprintf(text, 16, "%.1f%%", 100 * part);
}

static void
draw_numbers(const struct matrix *m, int row, int column, uint32_t behind)
{
    struct oc_box box = box_of(m, row, column);
    struct oc_point middle = {box.x + box.w / 2, box.y + box.h / 2};
    struct oc_font font = {.colour = is_dark(behind) ? 0xffffff : OC_INK,
                           .anchor = OC_MIDDLE};
    int64_t count = at(m, row, column);
    char text[32];
    double width;

    if (count == 0)
        return;
    snprintf(text, sizeof(text), "%" PRId64, count);
    font.size = fmin(15, fmax(10, m->side * 0.27));
    width = oc_canvas_text_width(m->canvas, font, text);
    if (width > box.w - 6)
        font.size *= (box.w - 6) / width;
    if (box.w >= 56)
        middle.y -= 8;
    oc_canvas_text(m->canvas, middle, font, text);
    if (box.w < 56)
        return;
    say_percent(share(count, m->support[row]), text);
    font.size = 11;
    middle.y += 18;
    oc_canvas_text(m->canvas, middle, font, text);
}

/* A gap between cells where they are large enough to spare it. */
static void
draw_cells(const struct matrix *m)
{
    double gap = m->side >= 12 ? 1 : 0;
    int r, c;

    for (r = 0; r < m->classes; r++) {
        for (c = 0; c < m->classes; c++) {
            uint32_t colour =
                colour_of(share(at(m, r, c), m->support[r]), r == c);
            struct oc_box box = box_of(m, r, c);

            if (colour == 0xffffff)
                continue;
            box.w -= gap;
            box.h -= gap;
            oc_canvas_fill(m->canvas, box, colour);
            if (has_counts(m))
                draw_numbers(m, r, c, colour);
        }
    }
}

static void
draw_grid(const struct matrix *m)
{
    double extent = m->side * m->classes;
    int step = has_names(m) ? 1 : m->classes;
    int k;

    for (k = 0; k <= m->classes; k += step) {
        double along = m->side * k - 0.5;
        struct oc_pen pen = {1, k % m->classes ? OC_PALE : OC_RULE, 0};
        struct oc_point across[2] = {{m->left, m->top + along},
                                     {m->left + extent, m->top + along}};
        struct oc_point down[2] = {{m->left + along, m->top},
                                   {m->left + along, m->top + extent}};

        oc_canvas_line(m->canvas, across, 2, pen);
        oc_canvas_line(m->canvas, down, 2, pen);
    }
}

/* Where names do not fit, the numbers of some classes. */
static int
name_step(const struct matrix *m)
{
    static const int steps[] = {1, 10, 20, 50, 100, 200, 500};
    int k = 0;

    while (k < 6 && m->side * steps[k] < 12)
        k++;
    return steps[k];
}

static int
names_turned(const struct matrix *m)
{
    return m->names_width > m->side - 6;
}

static void
draw_names(const struct matrix *m)
{
    struct oc_font font = m->font;
    char number[16];
    int k;

    for (k = 0; k < m->classes; k += name_step(m)) {
        const char *name = oc_class_text(m->names, k, number);
        double along = m->side * (k + 0.5);
        struct oc_point row = {m->left - 8, m->top + along};
        struct oc_point column = {m->left + along, m->top - 8};

        font.turn = 0;
        font.anchor = OC_RIGHT;
        oc_canvas_text_within(m->canvas, row, font, m->names_width + 1, name);
        if (names_turned(m)) {
            font.turn = 90;
            font.anchor = OC_LEFT;
        } else {
            font.anchor = OC_MIDDLE;
            column.y -= 6;
        }
        oc_canvas_text_within(m->canvas, column, font, m->names_width + 1,
                              name);
    }
}

static void
draw_margins(const struct matrix *m)
{
    struct oc_font font = {.size = 11, .colour = OC_GREY, .anchor = OC_MIDDLE};
    double extent = m->side * m->classes;
    struct oc_point right = {m->left + extent + 32, 0};
    struct oc_point below = {0, m->top + extent + 18};
    char text[16];
    int k;

    for (k = 0; k < m->classes; k++) {
        right.y = m->top + m->side * (k + 0.5);
        say_percent(share(at(m, k, k), m->support[k]), text);
        oc_canvas_text(m->canvas, right, font, text);
        below.x = m->left + m->side * (k + 0.5);
        say_percent(share(at(m, k, k), m->predicted[k]), text);
        oc_canvas_text(m->canvas, below, font, text);
    }
    right.y = m->top - 14;
    oc_canvas_text(m->canvas, right, font, "recall");
    font.anchor = OC_RIGHT;
    below.x = m->left - 8;
    oc_canvas_text(m->canvas, below, font, "precision");
}

static void
draw_sides(const struct matrix *m, double names_height)
{
    struct oc_font font = {.size = 13, .colour = OC_INK, .anchor = OC_MIDDLE};
    double middle = m->side * m->classes / 2;

    oc_canvas_text(
        m->canvas,
        (struct oc_point){m->left + middle, m->top - names_height - 20}, font,
        "predicted");
    font.turn = 90;
    oc_canvas_text(
        m->canvas,
        (struct oc_point){m->left - m->names_width - 26, m->top + middle}, font,
        "label");
}

/* The key: how the share of a row looks, right and wrong. */
static void
draw_key(const struct matrix *m, double y)
{
    static const double shares[6] = {0.01, 0.1, 0.25, 0.5, 0.75, 1};
    struct oc_font font = {.size = 11, .colour = OC_GREY};
    struct oc_box box = {m->left, y, 26, 14};
    int side, k;

    for (side = 0; side < 2; side++) {
        oc_canvas_text(m->canvas, (struct oc_point){box.x, y - 10}, font,
                       side ? "wrong, % of the row" : "right, % of the row");
        for (k = 0; k < 6; k++) {
            uint32_t colour =
                side ? oc_mix(0xffffff, OC_VERMILION, sqrt(shares[k]))
                     : oc_mix(0xffffff, 0x084f8c, shares[k]);
            struct oc_font small = {.size = 9,
                                    .anchor = OC_MIDDLE,
                                    .colour =
                                        is_dark(colour) ? 0xffffff : OC_INK};
            char text[16];

            oc_canvas_fill(m->canvas, box, colour);
            oc_canvas_frame(m->canvas, box, 1, OC_PALE);
            snprintf(text, sizeof(text), "%.0f", 100 * shares[k]);
            oc_canvas_text(m->canvas, (struct oc_point){box.x + 13, y + 7},
                           small, text);
            box.x += 26;
        }
        box.x += 24;
    }
}

struct confused {
    int label, prediction;
    int64_t count;
};

/* The largest counts beside the diagonal, in order. */
static int
find_worst(const struct matrix *m, struct confused worst[WORST + 1])
{
    int found = 0;
    int r, c, k;

    for (r = 0; r < m->classes; r++) {
        for (c = 0; c < m->classes; c++) {
            int64_t count = at(m, r, c);

            if (r == c || count == 0)
                continue;
            for (k = found; k > 0 && worst[k - 1].count < count; k--)
                worst[k] = worst[k - 1];
            worst[k] = (struct confused){r, c, count};
            if (found < WORST)
                found++;
        }
    }
    return found;
}

static void
say_summary(const struct matrix *m, struct oc_text *text)
{
    struct confused worst[WORST + 1];
    int found = find_worst(m, worst);
    int64_t right = 0;
    int64_t all = 0;
    char count[32], one[16], other[16];
    int k;

    for (k = 0; k < m->classes; k++) {
        right += at(m, k, k);
        all += m->support[k];
    }
    oc_text_printf(text, "%.2f %% of %s samples right", 100 * share(right, all),
                   oc_count_text(all, count));
    for (k = 0; k < found; k++)
        oc_text_printf(text, "%s%s as %s (%s)",
                       k ? ", " : " \xc2\xb7 most often wrong: ",
                       oc_class_text(m->names, worst[k].label, one),
                       oc_class_text(m->names, worst[k].prediction, other),
                       oc_count_text(worst[k].count, count));
}

/* Names are measured on a page of their own, since they decide the size of the
 * real one. */
static ocellus_status
measure(struct matrix *m)
{
    struct oc_canvas *scratch;

    m->side = choose_side(m->classes);
    m->font = (struct oc_font){.size = fmin(13, fmax(9, m->side * 0.75)),
                               .colour = OC_INK};
    OC_TRY(oc_canvas_create(1, 1, &scratch));
    m->names_width = oc_class_width(
        scratch, m->font, has_names(m) ? m->names : NULL, m->classes, 160);
    oc_canvas_destroy(scratch);
    return OCELLUS_OK;
}

static ocellus_status
draw(struct matrix *m, const char *path, const char *title)
{
    double extent = m->side * m->classes;
    double names_height, width, height;
    struct oc_text below = {0};
    ocellus_status status;

    OC_TRY(measure(m));
    extent = m->side * m->classes;
    names_height = names_turned(m) ? m->names_width : 16;
    m->left = ceil(58 + fmax(m->names_width, has_margins(m) ? 56 : 0));
    m->top = ceil(OC_HEAD + 34 + names_height + 8);
    width = fmax(m->left + extent + (has_margins(m) ? 72 : 28), 640);
    height = m->top + extent + (has_margins(m) ? 92 : 62);
    OC_TRY(oc_canvas_create((int)width, (int)height, &m->canvas));
    say_summary(m, &below);
    oc_draw_head(m->canvas, width, title ? title : "Confusion matrix",
                 below.data);
    oc_text_free(&below);
    draw_cells(m);
    draw_grid(m);
    draw_names(m);
    draw_sides(m, names_height);
    if (has_margins(m))
        draw_margins(m);
    draw_key(m, height - 30);
    status = oc_canvas_save(m->canvas, path);
    oc_canvas_destroy(m->canvas);
    return status;
}

ocellus_status
ocellus_draw_confusion(const char *path, const char *title,
                       const int64_t *confusion, int classes,
                       const char *const *names)
{
    struct matrix m = {.cell = confusion, .classes = classes, .names = names};
    ocellus_status status;

    if (classes < 1 || classes > MOST_CLASSES)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "%s: a confusion matrix of %d classes: 1 to %d can be "
                       "drawn",
                       path, classes, MOST_CLASSES);
    m.support = calloc((size_t)classes, sizeof(*m.support));
    m.predicted = calloc((size_t)classes, sizeof(*m.predicted));
    if (m.support && m.predicted) {
        sum_up(&m);
        status = draw(&m, path, title);
    } else {
        status =
            oc_fail(OCELLUS_OUT_OF_MEMORY,
                    "%s: no memory for sums over %d classes", path, classes);
    }
    free(m.support);
    free(m.predicted);
    return status;
}

/* draw_classes.c - precision, recall and F1 of each class as bars: a row a
 * class, three bars a row, on one scale from 0 to 100 %. */
#include <math.h>
#include <stdio.h>

#include "vision/draw.h"

#define MOST_CLASSES 1024
#define BARS_WIDTH 560

struct chart {
    struct oc_canvas *canvas;
    const ocellus_class_score *scores;
    const char *const *names;
    int classes;
    double left, top;
    double row; /* height of a class */
    double bar; /* of one bar */
};

static const struct {
    const char *name;
    uint32_t colour;
} bars[3] = {
    {"precision", OC_BLUE}, {"recall", OC_VERMILION}, {"F1", OC_GREEN}};

static double
bar_of(const ocellus_class_score *score, int k)
{
    double value = k == 0   ? score->precision
                   : k == 1 ? score->recall
                            : score->f1;

    return isfinite(value) ? fmin(1, fmax(0, value)) : 0;
}

static void
draw_scale(const struct chart *chart)
{
    struct oc_font font = {.size = 12, .colour = OC_GREY, .anchor = OC_MIDDLE};
    double bottom = chart->top + chart->row * chart->classes;
    char label[24];
    int k;

    for (k = 0; k <= 5; k++) {
        double x = floor(chart->left + BARS_WIDTH * k / 5.0) + 0.5;
        struct oc_point ends[2] = {{x, chart->top}, {x, bottom}};

        oc_canvas_line(chart->canvas, ends, 2, (struct oc_pen){1, OC_PALE, 0});
        snprintf(label, sizeof(label), "%d %%", 20 * k);
        oc_canvas_text(chart->canvas, (struct oc_point){x, chart->top - 14},
                       font, label);
    }
}

static void
draw_class(const struct chart *chart, int c)
{
    const ocellus_class_score *score = &chart->scores[c];
    struct oc_font font = {.size = fmin(13, 0.75 * chart->row),
                           .colour = OC_INK,
                           .anchor = OC_RIGHT};
    struct oc_font small = {.size = 9, .colour = OC_GREY};
    double y = chart->top + chart->row * c;
    struct oc_point name = {chart->left - 10, y + chart->row / 2};
    char text[32];
    int k;

    oc_canvas_text_within(chart->canvas, name, font, 180,
                          oc_class_text(chart->names, c, text));
    for (k = 0; k < 3; k++) {
        double value = bar_of(score, k);
        struct oc_box box = {chart->left,
                             floor(y + chart->row / 7 + k * chart->row / 4),
                             BARS_WIDTH * value, chart->bar};

        oc_canvas_fill(chart->canvas, box, bars[k].colour);
        if (chart->bar < 9)
            continue;
        snprintf(text, sizeof(text), "%.1f", 100 * value);
        oc_canvas_text(
            chart->canvas,
            (struct oc_point){box.x + box.w + 5, box.y + chart->bar / 2}, small,
            text);
    }
    font.size = fmin(12, font.size);
    font.colour = OC_GREY;
    name.x = chart->left + BARS_WIDTH + 112;
    oc_canvas_text(chart->canvas, name, font,
                   oc_count_text(score->support, text));
}

static void
draw_key(const struct chart *chart)
{
    struct oc_font font = {.size = 13, .colour = OC_INK};
    double x = chart->left;
    double y = OC_HEAD + 12;
    int k;

    for (k = 0; k < 3; k++) {
        oc_canvas_fill(chart->canvas, (struct oc_box){x, y - 5, 18, 10},
                       bars[k].colour);
        oc_canvas_text(chart->canvas, (struct oc_point){x + 24, y}, font,
                       bars[k].name);
        x += 52 + oc_canvas_text_width(chart->canvas, font, bars[k].name);
    }
    font.size = 12;
    font.colour = OC_GREY;
    font.anchor = OC_RIGHT;
    oc_canvas_text(
        chart->canvas,
        (struct oc_point){chart->left + BARS_WIDTH + 112, chart->top - 14},
        font, "samples");
}

static void
say_summary(const struct chart *chart, char *text, size_t bytes)
{
    double sum = 0;
    double worst = 2;
    int at = 0;
    char number[16];
    int c;

    for (c = 0; c < chart->classes; c++) {
        double f1 = bar_of(&chart->scores[c], 2);

        sum += f1;
        if (f1 < worst) {
            worst = f1;
            at = c;
        }
    }
    snprintf(text, bytes, "mean F1 %.2f %% \xc2\xb7 lowest F1: %s (%.2f %%)",
             100 * sum / chart->classes,
             oc_class_text(chart->names, at, number), 100 * worst);
}

ocellus_status
ocellus_draw_class_scores(const char *path, const char *title,
                          const ocellus_class_score *scores, int classes,
                          const char *const *names)
{
    struct chart chart = {.scores = scores, .classes = classes, .names = names};
    struct oc_font font = {.size = 13};
    struct oc_canvas *scratch;
    double width;
    char below[512];
    ocellus_status status;

    if (classes < 1 || classes > MOST_CLASSES)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "%s: bars of %d classes: 1 to %d can be drawn", path,
                       classes, MOST_CLASSES);
    OC_TRY(oc_canvas_create(1, 1, &scratch));
    chart.left =
        ceil(40 + fmax(40, oc_class_width(scratch, font, names, classes, 180)));
    oc_canvas_destroy(scratch);
    chart.top = OC_HEAD + 56;
    chart.row = classes <= 300 ? 42 : 14;
    chart.bar = classes <= 300 ? 9 : 3;
    width = chart.left + BARS_WIDTH + 136;
    OC_TRY(oc_canvas_create((int)width,
                            (int)(chart.top + chart.row * classes + 24),
                            &chart.canvas));
    say_summary(&chart, below, sizeof(below));
    oc_draw_head(chart.canvas, width, title ? title : "Classes", below);
    draw_key(&chart);
    draw_scale(&chart);
    for (int c = 0; c < classes; c++)
        draw_class(&chart, c);
    status = oc_canvas_save(chart.canvas, path);
    oc_canvas_destroy(chart.canvas);
    return status;
}

/* draw_curves.c - loss, accuracy and learning rate against the epoch: three
 * plots one above the other on one axis of epochs.
 *
 *     title
 *     best, speed, time
 *     +----------------------------+
 *     | loss                 legend|
 *     +----------------------------+
 *     | accuracy                   |
 *     |                      legend|
 *     +----------------------------+
 *     | learning rate              |
 *     +----------------------------+
 *                 epoch
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "vision/axis.h"
#include "vision/draw.h"

#define WIDTH 1000
#define HEIGHT 800
#define LEFT 92
#define RIGHT 24
#define INSET 14       /* between the frame and the first epoch */
#define MOST_MARKED 40 /* epochs that get a dot each */

/* One line of a plot: column `at` of every row, times `factor`. */
struct series {
    const char *name;
    size_t at;
    double factor;
    struct oc_pen pen;
};

struct plot {
    struct oc_canvas *canvas;
    const ocellus_history_row *rows;
    int count;
    struct oc_box box;
    struct oc_scale x;
    struct oc_scale y;
};

static double
value_of(const struct series *series, const ocellus_history_row *row)
{
    const char *at = (const char *)row + series->at;

    return *(const double *)(const void *)at * series->factor;
}

/* Not NaN, not infinite, nor so large that a span overflows. */
static int
can_draw(double value)
{
    return fabs(value) < 1e300;
}

/* The last finite number of a series, or NaN. */
static double
last_of(const struct plot *plot, const struct series *series)
{
    int i;

    for (i = plot->count - 1; i >= 0; i--)
        if (can_draw(value_of(series, &plot->rows[i])))
            return value_of(series, &plot->rows[i]);
    return (double)NAN;
}

/* Smallest and largest number of some series; 0 when there is none. */
static int
find_range(const struct plot *plot, const struct series *series, int count,
           double *low, double *high)
{
    int s, i;

    *low = INFINITY;
    *high = -INFINITY;
    for (s = 0; s < count; s++) {
        for (i = 0; i < plot->count; i++) {
            double value = value_of(&series[s], &plot->rows[i]);

            if (!can_draw(value))
                continue;
            *low = fmin(*low, value);
            *high = fmax(*high, value);
        }
    }
    return *low <= *high;
}

static double
x_of(const struct plot *plot, double epoch)
{
    return plot->box.x + INSET +
           (plot->box.w - 2 * INSET) * oc_scale_place(&plot->x, epoch);
}

static double
y_of(const struct plot *plot, double value)
{
    return plot->box.y + plot->box.h * (1 - oc_scale_place(&plot->y, value));
}

static void
rule(struct oc_canvas *canvas, double x0, double y0, double x1, double y1)
{
    const struct oc_point ends[2] = {{floor(x0) + 0.5, floor(y0) + 0.5},
                                     {floor(x1) + 0.5, floor(y1) + 0.5}};

    oc_canvas_line(canvas, ends, 2, (struct oc_pen){1, OC_PALE, 0});
}

/* Grid, frame and the names of both axes; epochs only under the lowest. */
static void
draw_frame(const struct plot *plot, const char *name, int lowest)
{
    struct oc_font small = {.size = 12, .colour = OC_GREY};
    struct oc_font title = {
        .size = 13, .colour = OC_INK, .anchor = OC_MIDDLE, .turn = 90};
    const struct oc_box *box = &plot->box;
    char label[24];
    int k;

    small.anchor = OC_RIGHT;
    for (k = 0; k < plot->y.ticks; k++) {
        double y = y_of(plot, plot->y.tick[k]);

        rule(plot->canvas, box->x, y, box->x + box->w, y);
        oc_canvas_text(plot->canvas, (struct oc_point){box->x - 8, y}, small,
                       oc_scale_label(&plot->y, k, label));
    }
    small.anchor = OC_MIDDLE;
    for (k = 0; k < plot->x.ticks; k++) {
        double x = x_of(plot, plot->x.tick[k]);

        rule(plot->canvas, x, box->y, x, box->y + box->h);
        if (lowest)
            oc_canvas_text(plot->canvas,
                           (struct oc_point){x, box->y + box->h + 16}, small,
                           oc_scale_label(&plot->x, k, label));
    }
    oc_canvas_frame(plot->canvas, *box, 1, OC_RULE);
    oc_canvas_text(plot->canvas, (struct oc_point){24, box->y + box->h / 2},
                   title, name);
}

/* Broken where a number is missing; dots while there are few epochs, and for
 * one that stands alone. */
static void
draw_series(const struct plot *plot, const struct series *series,
            struct oc_point *points)
{
    int run = 0;
    int i;

    for (i = 0; i <= plot->count; i++) {
        double value =
            i < plot->count ? value_of(series, &plot->rows[i]) : (double)NAN;

        if (can_draw(value)) {
            points[run].x = x_of(plot, (double)plot->rows[i].epoch);
            points[run].y = y_of(plot, value);
            if (plot->count <= MOST_MARKED)
                oc_canvas_dot(plot->canvas, points[run], 3, series->pen.colour);
            run++;
            continue;
        }
        if (run == 1)
            oc_canvas_dot(plot->canvas, points[0], 3, series->pen.colour);
        if (run > 1)
            oc_canvas_line(plot->canvas, points, run, series->pen);
        run = 0;
    }
}

/* 1: the curves end low enough to leave the upper right corner free. */
static int
ends_low(const struct plot *plot, const struct series *series, int count)
{
    double highest = 0;
    int s;

    for (s = 0; s < count; s++) {
        double last = last_of(plot, &series[s]);

        if (can_draw(last))
            highest = fmax(highest, oc_scale_place(&plot->y, last));
    }
    return highest < 0.7;
}

/* Names with their last numbers, in a corner on the right. */
static void
draw_legend(const struct plot *plot, const struct series *series, int count,
            const char *format)
{
    struct oc_font font = {.size = 13, .colour = OC_INK};
    struct oc_box box = {0, 0, 168, 12 + 20 * count};
    int s;

    box.x = plot->box.x + plot->box.w - box.w - 12;
    box.y = ends_low(plot, series, count)
                ? plot->box.y + 12
                : plot->box.y + plot->box.h - box.h - 12;
    oc_canvas_fill(plot->canvas, box, 0xffffff);
    oc_canvas_frame(plot->canvas, box, 1, OC_RULE);
    for (s = 0; s < count; s++) {
        double last = last_of(plot, &series[s]);
        double y = box.y + 16 + 20 * s;
        struct oc_point sample[2] = {{box.x + 12, y}, {box.x + 40, y}};
        char text[32];

        oc_canvas_line(plot->canvas, sample, 2, series[s].pen);
        font.anchor = OC_LEFT;
        oc_canvas_text(plot->canvas, (struct oc_point){box.x + 50, y}, font,
                       series[s].name);
        snprintf(text, sizeof(text), format, last);
        font.anchor = OC_RIGHT;
        oc_canvas_text(plot->canvas, (struct oc_point){box.x + box.w - 12, y},
                       font, can_draw(last) ? text : "none");
    }
}

static void
say_nothing(const struct plot *plot)
{
    struct oc_font font = {.size = 13, .colour = OC_GREY, .anchor = OC_MIDDLE};
    struct oc_point middle = {plot->box.x + plot->box.w / 2,
                              plot->box.y + plot->box.h / 2};

    oc_canvas_text(plot->canvas, middle, font, "no finite numbers");
}

#define LINE(name, column, factor, width, colour, dash)                        \
    {                                                                          \
        name, offsetof(ocellus_history_row, column), factor,                   \
        {                                                                      \
            width, colour, dash                                                \
        }                                                                      \
    }

static const struct series losses[2] = {
    LINE("train", train_loss, 1, 2, OC_BLUE, 0),
    LINE("test", test_loss, 1, 2, OC_VERMILION, 0),
};
static const struct series accuracies[2] = {
    LINE("train", train_accuracy, 100, 2, OC_BLUE, 0),
    LINE("test", test_accuracy, 100, 2, OC_VERMILION, 0),
};
static const struct series rates[1] = {
    LINE("learning rate", learning_rate, 1, 1.5, OC_GREEN, 0),
};

/* Falling to a thirtieth, a linear scale hides what happens below. */
static struct oc_scale
loss_scale(double low, double high)
{
    if (low > 1e-30 && high >= 30 * low)
        return oc_scale_logarithmic(low, high);
    if (low >= 0 && (low < 0.5 * high || low >= high))
        return oc_scale_linear(0, fmax(high * 1.04, 1e-6), 5);
    return oc_scale_linear(low - 0.04 * (high - low),
                           high + 0.04 * (high - low), 5);
}

static void
draw_losses(struct plot *plot, struct oc_point *points)
{
    double low, high;
    int any = find_range(plot, losses, 2, &low, &high);

    plot->y = any ? loss_scale(low, high) : oc_scale_linear(0, 1, 5);
    draw_frame(plot, plot->y.logarithmic ? "loss (log scale)" : "loss", 0);
    if (!any)
        say_nothing(plot);
    draw_series(plot, &losses[0], points);
    draw_series(plot, &losses[1], points);
    draw_legend(plot, losses, 2, "%.4g");
}

/* The epoch of the best test accuracy, or -1. */
static int
find_best(const ocellus_history_row *rows, int count)
{
    int best = -1;
    int i;

    for (i = 0; i < count; i++)
        if (can_draw(rows[i].test_accuracy) &&
            (best < 0 || rows[i].test_accuracy > rows[best].test_accuracy))
            best = i;
    return best;
}

static void
draw_accuracies(struct plot *plot, struct oc_point *points)
{
    double low, high;
    int any = find_range(plot, accuracies, 2, &low, &high);
    int best = find_best(plot->rows, plot->count);
    double pad = plot->count == 1 ? 2 : fmax(0.05 * (high - low), 0.25);

    plot->y =
        any ? oc_scale_linear(fmax(low - pad, 0), fmin(high + pad, 100), 5)
            : oc_scale_linear(0, 100, 5);
    draw_frame(plot, "accuracy, %", 0);
    if (!any)
        say_nothing(plot);
    draw_series(plot, &accuracies[0], points);
    draw_series(plot, &accuracies[1], points);
    if (best >= 0) {
        struct oc_point at = {
            x_of(plot, (double)plot->rows[best].epoch),
            y_of(plot, value_of(&accuracies[1], &plot->rows[best]))};

        oc_canvas_dot(plot->canvas, at, 6, OC_VERMILION);
        oc_canvas_dot(plot->canvas, at, 3.5, 0xffffff);
    }
    draw_legend(plot, accuracies, 2, "%.2f %%");
}

static void
draw_rates(struct plot *plot, struct oc_point *points)
{
    double low, high;
    int any = find_range(plot, rates, 1, &low, &high);

    plot->y = oc_scale_linear(0, any && high > 0 ? 1.1 * high : 1, 2);
    plot->y.decimals = -1;
    draw_frame(plot, "learning rate", 1);
    if (!any)
        say_nothing(plot);
    draw_series(plot, &rates[0], points);
}

static void
say_time(double seconds, char *text, size_t bytes)
{
    long whole = (long)(fmin(seconds, 1e9) + 0.5);

    if (seconds < 60)
        snprintf(text, bytes, "%.1f s", seconds);
    else if (seconds < 3600)
        snprintf(text, bytes, "%ld min %ld s", whole / 60, whole % 60);
    else
        snprintf(text, bytes, "%ld h %ld min", whole / 3600, whole % 3600 / 60);
}

#define DOT " \xc2\xb7 "

static void
say_summary(const ocellus_history_row *rows, int count, struct oc_text *text)
{
    double speed = rows[count - 1].images_per_second;
    int best = find_best(rows, count);
    double seconds = 0;
    char part[64];
    int i;

    oc_text_printf(text, "%d epoch%s", count, count == 1 ? "" : "s");
    if (best >= 0)
        oc_text_printf(text, DOT "best test accuracy %.2f %% in epoch %lld",
                       100 * rows[best].test_accuracy,
                       (long long)rows[best].epoch);
    if (speed > 0 && speed < 1e15)
        oc_text_printf(text, DOT "%s images/s",
                       oc_count_text((int64_t)speed, part));
    for (i = 0; i < count; i++)
        seconds += can_draw(rows[i].seconds) ? rows[i].seconds : 0;
    if (seconds > 0) {
        say_time(seconds, part, sizeof(part));
        oc_text_printf(text, DOT "%s", part);
    }
}

static void
draw_all(struct plot *plot, const char *title, struct oc_point *points)
{
    struct oc_font font = {.size = 13, .colour = OC_INK, .anchor = OC_MIDDLE};
    struct oc_text below = {0};

    say_summary(plot->rows, plot->count, &below);
    oc_draw_head(plot->canvas, WIDTH, title ? title : "Training", below.data);
    oc_text_free(&below);
    plot->x = oc_scale_whole((double)plot->rows[0].epoch,
                             (double)plot->rows[plot->count - 1].epoch, 12);
    plot->box = (struct oc_box){LEFT, OC_HEAD + 8, WIDTH - LEFT - RIGHT, 270};
    draw_losses(plot, points);
    plot->box.y += plot->box.h + 22;
    draw_accuracies(plot, points);
    plot->box.y += plot->box.h + 22;
    plot->box.h = 74;
    draw_rates(plot, points);
    oc_canvas_text(plot->canvas,
                   (struct oc_point){plot->box.x + plot->box.w / 2,
                                     plot->box.y + plot->box.h + 38},
                   font, "epoch");
}

ocellus_status
ocellus_draw_curves(const char *path, const char *title,
                    const ocellus_history_row *rows, int count)
{
    struct plot plot = {.rows = rows, .count = count};
    struct oc_point *points;
    ocellus_status status;

    if (count < 1)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "%s: curves of %d epochs: at least 1 is needed", path,
                       count);
    OC_TRY(oc_canvas_create(WIDTH, HEIGHT, &plot.canvas));
    points = malloc((size_t)count * sizeof(*points));
    if (points) {
        draw_all(&plot, title, points);
        status = oc_canvas_save(plot.canvas, path);
    } else {
        status = oc_fail(OCELLUS_OUT_OF_MEMORY,
                         "%s: no memory for curves of %d epochs", path, count);
    }
    free(points);
    oc_canvas_destroy(plot.canvas);
    return status;
}

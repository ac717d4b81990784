/* draw.c - the pictures are PNG files that show what they should, looked at
 * through their pixels; without cairo every one is refused with a sentence. */
#include "config.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ocellus.h>

#include "tests/unit/suite.h"

static char path[64];

static void
setup(void)
{
    snprintf(path, sizeof(path), "draw_test_%ld.png", (long)getpid());
}

static void
teardown(void)
{
    char part[80];

    snprintf(part, sizeof(part), "%s.part", path);
    ck_assert_int_ne(access(part, F_OK), 0);
    unlink(path);
}

static const int64_t identity[4] = {5, 0, 0, 7};
static const float pixel[3] = {0, 0.5F, 1};
static const int64_t zero = 0;

static ocellus_sheet
one_image(void)
{
    return (ocellus_sheet){.count = 1,
                           .channels = 3,
                           .height = 1,
                           .width = 1,
                           .images = pixel,
                           .predictions = &zero};
}

#ifdef HAVE_CAIRO

#include <cairo.h>

#include "vision/axis.h"

struct picture {
    int width, height;
    cairo_surface_t *surface;
};

static struct picture
open_picture(void)
{
    struct picture p;

    p.surface = cairo_image_surface_create_from_png(path);
    ck_assert_int_eq(cairo_surface_status(p.surface), CAIRO_STATUS_SUCCESS);
    p.width = cairo_image_surface_get_width(p.surface);
    p.height = cairo_image_surface_get_height(p.surface);
    return p;
}

static uint32_t
look(const struct picture *p, int x, int y)
{
    const unsigned char *data = cairo_image_surface_get_data(p->surface);
    uint32_t value;

    memcpy(&value,
           data + (ptrdiff_t)y * cairo_image_surface_get_stride(p->surface) +
               4 * (ptrdiff_t)x,
           4);
    return value & 0xffffff;
}

/* Pixels of exactly this colour, and the box around them. */
struct found {
    long count;
    int x0, y0, x1, y1;
};

static struct found
find(const struct picture *p, uint32_t colour, int y_end)
{
    struct found f = {0, p->width, p->height, -1, -1};
    int x, y;

    for (y = 0; y < y_end; y++) {
        for (x = 0; x < p->width; x++) {
            if (look(p, x, y) != colour)
                continue;
            f.count++;
            f.x0 = x < f.x0 ? x : f.x0;
            f.x1 = x > f.x1 ? x : f.x1;
            f.y0 = y < f.y0 ? y : f.y0;
            f.y1 = y > f.y1 ? y : f.y1;
        }
    }
    return f;
}

static double
light(uint32_t colour)
{
    return (double)(colour >> 16) + (double)(colour >> 8 & 255) +
           (double)(colour & 255);
}

static ocellus_history_row
row_of(int epoch, double loss)
{
    return (ocellus_history_row){.epoch = epoch,
                                 .train_loss = loss,
                                 .train_accuracy = 1 - loss / 4,
                                 .test_loss = (double)NAN,
                                 .test_accuracy = (double)NAN,
                                 .learning_rate = 0.1,
                                 .images_per_second = 1000,
                                 .seconds = 1};
}

static const int epochs[] = {1, 2, 7, 300};

/* The blue line falls from upper left to lower right; without test numbers
 * there is nothing vermilion but its sample in the two keys. */
START_TEST(curves_of_any_length)
{
    int count = epochs[_i];
    ocellus_history_row *rows = calloc((size_t)count, sizeof(*rows));
    struct picture p;
    struct found blue;
    int i;

    for (i = 0; i < count; i++)
        rows[i] = row_of(i + 1, 2.0 - 1.5 * i / 300);
    ck_assert_int_eq(ocellus_draw_curves(path, NULL, rows, count), OCELLUS_OK);
    p = open_picture();
    ck_assert_int_eq(p.width, 1000);
    ck_assert_int_eq(p.height, 800);
    blue = find(&p, 0x0072b2, p.height / 2);
    ck_assert_int_gt(blue.count, 20);
    ck_assert_int_lt(find(&p, 0xd55e00, p.height).count, 200);
    cairo_surface_destroy(p.surface);

    for (i = 0; i < count; i++)
        rows[i].test_loss = rows[i].train_loss * 1.3;
    ck_assert_int_eq(ocellus_draw_curves(path, "x", rows, count), OCELLUS_OK);
    p = open_picture();
    ck_assert_int_gt(find(&p, 0xd55e00, p.height).count, count > 1 ? 300 : 100);
    cairo_surface_destroy(p.surface);
    free(rows);
}
END_TEST

/* The mean height of blue on the left and on the right of the losses, beside
 * the key. */
START_TEST(falling_losses_fall)
{
    ocellus_history_row rows[50];
    struct picture p;
    double left = 0, right = 0;
    int lefts = 0, rights = 0;
    int i, x, y;

    for (i = 0; i < 50; i++)
        rows[i] = row_of(i + 1, 2 - 0.03 * i);
    ck_assert_int_eq(ocellus_draw_curves(path, NULL, rows, 50), OCELLUS_OK);
    p = open_picture();
    for (y = 86; y < 350; y++) {
        for (x = 95; x < 780; x++) {
            if (look(&p, x, y) != 0x0072b2)
                continue;
            left += x < 300 ? y : 0;
            lefts += x < 300;
            right += x > 600 ? y : 0;
            rights += x > 600;
        }
    }
    cairo_surface_destroy(p.surface);
    ck_assert_int_gt(lefts, 50);
    ck_assert_int_gt(rights, 50);
    ck_assert_double_lt(left / lefts + 50, right / rights);
}
END_TEST

START_TEST(curves_of_strange_numbers)
{
    const double strange[] = {(double)NAN, (double)INFINITY, -9e299, 1.7e308,
                              0,           5e-324,           1e30,   1};
    ocellus_history_row rows[64];
    int i;

    for (i = 0; i < 64; i++) {
        rows[i] = row_of(i * 1000000, strange[i % 8]);
        rows[i].test_loss = strange[i / 8];
        rows[i].test_accuracy = strange[(i + i / 8) % 8];
        rows[i].learning_rate = strange[i / 8];
        rows[i].seconds = strange[i % 8];
        rows[i].images_per_second = strange[i % 8];
    }
    for (i = 0; i < 64; i += 9)
        ck_assert_int_eq(ocellus_draw_curves(path, NULL, rows + i, 1),
                         OCELLUS_OK);
    ck_assert_int_eq(ocellus_draw_curves(path, NULL, rows, 64), OCELLUS_OK);
    cairo_surface_destroy(open_picture().surface);
}
END_TEST

static const int sizes[] = {1, 2, 3, 10, 24, 40, 100, 129, 1000};

/* All right: the diagonal, and only it, has the darkest blue. The places of
 * the cells follow from its extent. The key below is left out. */
START_TEST(confusion_diagonal_is_dark)
{
    int n = sizes[_i];
    int64_t *cells = calloc((size_t)n * (size_t)n, sizeof(*cells));
    struct picture p;
    struct found dark;
    int r, c;

    for (r = 0; r < n; r++)
        cells[r * n + r] = r + 1;
    ck_assert_int_eq(ocellus_draw_confusion(path, NULL, cells, n, NULL),
                     OCELLUS_OK);
    p = open_picture();
    dark = find(&p, 0x084f8c, p.height - 45);
    ck_assert_int_ge(dark.x1 - dark.x0, n - 1);
    ck_assert_int_le(abs((dark.x1 - dark.x0) - (dark.y1 - dark.y0)), 1);
    for (r = 0; r < n; r += 1 + n / 20) {
        for (c = 0; c < n; c += 1 + n / 20) {
            double side = (dark.x1 - dark.x0 + 2.0) / n;
            int x = dark.x0 + (int)(side * (c + 0.12));
            int y = dark.y0 + (int)(side * (r + 0.12));

            if (r == c)
                ck_assert_uint_eq(look(&p, x, y), 0x084f8c);
            else
                ck_assert_double_gt(light(look(&p, x, y)), 690);
        }
    }
    cairo_surface_destroy(p.surface);
    free(cells);
}
END_TEST

/* Rows are normalised: 30 of 40 looks the same as 300 of 400. */
START_TEST(confusion_rows_are_normalised)
{
    static const int64_t cells[9] = {30, 10, 0, 100, 300, 0, 0, 0, 9};
    struct picture p;
    struct found dark;
    double side;
    uint32_t colour[3][3];
    int r, c;

    ck_assert_int_eq(ocellus_draw_confusion(path, NULL, cells, 3, NULL),
                     OCELLUS_OK);
    p = open_picture();
    dark = find(&p, 0x084f8c, p.height - 45);
    side = dark.x1 - dark.x0 + 2;
    for (r = 0; r < 3; r++)
        for (c = 0; c < 3; c++)
            colour[r][c] = look(&p, dark.x0 + (int)(side * (c - 2 + 0.12)),
                                dark.y0 + (int)(side * (r - 2 + 0.12)));
    ck_assert_uint_eq(colour[2][2], 0x084f8c);
    ck_assert_uint_eq(colour[0][0], colour[1][1]);
    ck_assert_uint_eq(colour[0][1], colour[1][0]);
    ck_assert_double_lt(light(colour[2][2]), light(colour[0][0]));
    ck_assert_double_lt(light(colour[0][0]), light(colour[0][1]));
    ck_assert_double_lt(light(colour[0][1]), light(colour[0][2]));
    /* Right is blue, wrong is red. */
    ck_assert_uint_gt(colour[0][0] & 255, colour[0][0] >> 16);
    ck_assert_uint_lt(colour[0][1] & 255, colour[0][1] >> 16);
    cairo_surface_destroy(p.surface);
}
END_TEST

START_TEST(class_scores_are_bars)
{
    static const ocellus_class_score scores[2] = {{1, 0.5, 2.0 / 3, 10, 5},
                                                  {0, (double)NAN, 0, 0, 0}};
    struct picture p;
    double all, half;

    ck_assert_int_eq(ocellus_draw_class_scores(path, NULL, scores, 2, NULL),
                     OCELLUS_OK);
    p = open_picture();
    /* Without the key's two little boxes of the same area. */
    all = (double)(find(&p, 0x0072b2, p.height).count -
                   find(&p, 0x0072b2, 110).count);
    half = (double)(find(&p, 0xd55e00, p.height).count -
                    find(&p, 0xd55e00, 110).count);
    ck_assert_double_gt(all, 1000);
    ck_assert_double_eq_tol(half / all, 0.5, 0.02);
    cairo_surface_destroy(p.surface);
}
END_TEST

/* 28 x 28 enlarged to 84 x 84, a quarter of it white; ink is not quite black
 * and so does not count. */
START_TEST(sheet_shows_images)
{
    static float images[2][28][28];
    static const int64_t predictions[2] = {1, 1};
    static const int64_t right[2] = {1, 1};
    static const int64_t wrong[2] = {1, 0};
    static const float confidences[2] = {0.5F, 1};
    ocellus_sheet sheet = {.count = 2,
                           .channels = 1,
                           .height = 28,
                           .width = 28,
                           .images = &images[0][0][0],
                           .predictions = predictions,
                           .confidences = confidences,
                           .labels = right};
    struct picture p;
    int i, y, x;

    for (i = 0; i < 2; i++)
        for (y = 0; y < 28; y++)
            for (x = 0; x < 28; x++)
                images[i][y][x] = y < 14 && x < 14 ? 3.0F : -1.0F;
    ck_assert_int_eq(ocellus_draw_sheet(path, "x", &sheet), OCELLUS_OK);
    p = open_picture();
    ck_assert_int_eq(find(&p, 0x000000, p.height).count, 2 * 84 * 84 * 3 / 4);
    ck_assert_int_eq(find(&p, 0xd55e00, p.height).count, 0);
    cairo_surface_destroy(p.surface);

    sheet.labels = wrong;
    sheet.black = -3;
    sheet.white = 1;
    ck_assert_int_eq(ocellus_draw_sheet(path, "x", &sheet), OCELLUS_OK);
    p = open_picture();
    ck_assert_int_eq(find(&p, 0x000000, p.height).count, 0);
    ck_assert_int_eq(find(&p, 0x808080, p.height).count, 2 * 84 * 84 * 3 / 4);
    ck_assert_int_gt(find(&p, 0xd55e00, p.height).count, 4 * 84 * 3);
    cairo_surface_destroy(p.surface);
}
END_TEST

/* One pixel of 0, 0.5, 1 in red, green, blue. */
START_TEST(sheet_shows_colours)
{
    ocellus_sheet sheet = one_image();
    struct picture p;

    sheet.white = 1;
    ck_assert_int_eq(ocellus_draw_sheet(path, NULL, &sheet), OCELLUS_OK);
    p = open_picture();
    ck_assert_int_eq(find(&p, 0x0080ff, p.height).count, 96 * 96);
    cairo_surface_destroy(p.surface);
}
END_TEST

/* Latin-1, cut sequences, overlong forms, controls, and far too long. */
START_TEST(names_of_any_bytes)
{
    static char longest[5000];
    const char *names[6] = {"caf\xe9",  "cut \xe2\x82", "\xc0\xaf\xed\xa0\x80",
                            "\x01\n\t", longest,        NULL};
    int64_t cells[36];
    int i;

    memset(longest, 'm', sizeof(longest) - 1);
    for (i = 0; i < 36; i++)
        cells[i] = INT64_C(1000000000000) * i;
    ck_assert_int_eq(ocellus_draw_confusion(path, longest, cells, 6, names),
                     OCELLUS_OK);
    cairo_surface_destroy(open_picture().surface);
}
END_TEST

START_TEST(refuses)
{
    ocellus_sheet sheet = one_image();
    ocellus_history_row row = row_of(1, 1);
    ocellus_class_score score = {0};

    ck_assert_int_eq(ocellus_draw_curves(path, NULL, &row, 0),
                     OCELLUS_BAD_ARGUMENT);
    ck_assert_int_eq(ocellus_draw_confusion(path, NULL, identity, 0, NULL),
                     OCELLUS_BAD_ARGUMENT);
    ck_assert_int_eq(ocellus_draw_confusion(path, NULL, identity, 5000, NULL),
                     OCELLUS_BAD_ARGUMENT);
    ck_assert_int_eq(ocellus_draw_class_scores(path, NULL, &score, 0, NULL),
                     OCELLUS_BAD_ARGUMENT);
    sheet.channels = 2;
    ck_assert_int_eq(ocellus_draw_sheet(path, NULL, &sheet),
                     OCELLUS_BAD_ARGUMENT);
    sheet.channels = 3;
    sheet.count = 100000;
    ck_assert_int_eq(ocellus_draw_sheet(path, NULL, &sheet),
                     OCELLUS_BAD_ARGUMENT);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(ocellus_draw_curves("no/such/x.png", NULL, &row, 1),
                     OCELLUS_IO);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "no/such/x.png"));
    if (access("/dev/full", W_OK) == 0) {
        ck_assert_int_eq(ocellus_draw_curves("/dev/full", NULL, &row, 1),
                         OCELLUS_IO);
        ck_assert_ptr_nonnull(strstr(ocellus_error(), "No space left"));
    }
}
END_TEST

static const struct {
    double low, high;
    int wanted;
    double first, last;
    int ticks;
} ranges[] = {
    {0, 1, 5, 0, 1, 6},          {0, 2.3, 5, 0, 2.5, 6},
    {97.2, 99.6, 5, 97, 100, 7}, {-0.3, 0.3, 5, -0.4, 0.4, 5},
    {0, 30000, 5, 0, 30000, 4},  {0.0001, 0.0004, 5, 0.0001, 0.0004, 4},
    {7, 7, 5, 6, 8, 5},
};

START_TEST(ticks_are_round)
{
    struct oc_scale scale =
        oc_scale_linear(ranges[_i].low, ranges[_i].high, ranges[_i].wanted);
    double eps = 1e-9 * (fabs(scale.high) + fabs(scale.low));

    ck_assert_double_eq_tol(scale.low, ranges[_i].first, eps);
    ck_assert_double_eq_tol(scale.high, ranges[_i].last, eps);
    ck_assert_int_eq(scale.ticks, ranges[_i].ticks);
    ck_assert_double_eq_tol(scale.tick[0], ranges[_i].first, eps);
    ck_assert_double_eq_tol(oc_scale_place(&scale, scale.low), 0, 1e-12);
    ck_assert_double_eq_tol(oc_scale_place(&scale, scale.high), 1, 1e-12);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, curves_of_any_length, 0,
                        (int)(sizeof(epochs) / sizeof(epochs[0])));
    tcase_add_test(tests, falling_losses_fall);
    tcase_add_test(tests, curves_of_strange_numbers);
    tcase_add_loop_test(tests, confusion_diagonal_is_dark, 0,
                        (int)(sizeof(sizes) / sizeof(sizes[0])));
    tcase_add_test(tests, confusion_rows_are_normalised);
    tcase_add_test(tests, class_scores_are_bars);
    tcase_add_test(tests, sheet_shows_images);
    tcase_add_test(tests, sheet_shows_colours);
    tcase_add_test(tests, names_of_any_bytes);
    tcase_add_test(tests, refuses);
    tcase_add_loop_test(tests, ticks_are_round, 0,
                        (int)(sizeof(ranges) / sizeof(ranges[0])));
}

#else

START_TEST(refuses_without_cairo)
{
    ocellus_sheet sheet = one_image();
    ocellus_history_row row = {.epoch = 1};
    ocellus_class_score score = {0};

    ck_assert(!ocellus_can_draw());
    ck_assert_int_eq(ocellus_draw_curves(path, NULL, &row, 1),
                     OCELLUS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "libcairo2-dev"));
    ck_assert_int_eq(ocellus_draw_confusion(path, NULL, identity, 2, NULL),
                     OCELLUS_UNSUPPORTED);
    ck_assert_int_eq(ocellus_draw_class_scores(path, NULL, &score, 1, NULL),
                     OCELLUS_UNSUPPORTED);
    ck_assert_int_eq(ocellus_draw_sheet(path, NULL, &sheet),
                     OCELLUS_UNSUPPORTED);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, refuses_without_cairo);
}

#endif

int
main(void)
{
    return run_suite("draw", add);
}

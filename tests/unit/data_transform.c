/* data_transform.c - each step of a transform against its definition. */
#include <math.h>

#include "base/status.h"
#include "data/mix.h"
#include "data/transform.h"
#include "tests/unit/data_folder.h"

static struct oc_canvas canvas;

static void
setup(void)
{
    memset(&canvas, 0, sizeof canvas);
    oc_random_start(&canvas.random, 7, 1);
}

static void
teardown(void)
{
    oc_canvas_free(&canvas);
}

/* channels x height x width of distinct numbers within [0, 1]. */
static void
paint(int channels, int height, int width)
{
    WANT(oc_image_resize(&canvas.image, channels, height, width));
    for (int i = 0; i < channels * height * width; i++)
        canvas.image.x[i] = (float)(i * 37 % 101) / 101;
}

static void
apply(const char *text)
{
    struct oc_transform transform;

    WANT(oc_transform_parse(text, &transform));
    WANT(oc_transform_apply(&transform, &canvas));
}

static float
at(const struct oc_image *image, int c, int y, int x)
{
    return image->x[(c * image->height + y) * image->width + x];
}

static struct oc_image
copy_image(void)
{
    struct oc_image copy = {.room = 0};
    const struct oc_image *image = &canvas.image;

    WANT(oc_image_resize(&copy, image->channels, image->height, image->width));
    memcpy(copy.x, image->x,
           sizeof(float) * (size_t)(copy.channels * copy.height * copy.width));
    return copy;
}

/* Weight of pixel k for output i by the definition: a triangle of half width
 * max(1, from / to) about the output pixel's middle. */
static double
weight(int from, int to, int i, int k)
{
    double ratio = (double)from / to, reach = ratio > 1 ? ratio : 1;
    double away = fabs(k + 0.5 - (i + 0.5) * ratio) / reach;

    return away < 1 ? 1 - away : 0;
}

static double
resized(const struct oc_image *image, int c, int y, int x, int height,
        int width)
{
    double sum = 0, weights = 0;

    for (int j = 0; j < image->height; j++)
        for (int i = 0; i < image->width; i++) {
            double w = weight(image->height, height, y, j) *
                       weight(image->width, width, x, i);

            sum += w * at(image, c, j, i);
            weights += w;
        }
    return sum / weights;
}

START_TEST(resize_is_a_triangle)
{
    static const int sizes[][2] = {{3, 4}, {11, 7}, {20, 3}, {1, 1}, {5, 23}};
    int height = sizes[_i][0], width = sizes[_i][1];
    struct oc_image before;
    char text[32];

    paint(3, 11, 7);
    before = copy_image();
    snprintf(text, sizeof text, "resize=%dx%d", height, width);
    apply(text);
    ck_assert_int_eq(canvas.image.height, height);
    ck_assert_int_eq(canvas.image.width, width);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                ck_assert_float_eq_tol(
                    at(&canvas.image, c, y, x),
                    (float)resized(&before, c, y, x, height, width), 1e-5f);
    oc_image_free(&before);
}
END_TEST

START_TEST(resize_keeps_the_shape)
{
    paint(1, 30, 20);
    apply("resize=10");
    ck_assert_int_eq(canvas.image.height, 15);
    ck_assert_int_eq(canvas.image.width, 10);
    apply("crop=6x4");
    ck_assert_int_eq(canvas.image.height, 6);
    ck_assert_int_eq(canvas.image.width, 4);
}
END_TEST

START_TEST(crop_takes_the_middle)
{
    struct oc_image before;

    paint(2, 5, 7);
    before = copy_image();
    apply("crop=3x9");
    for (int c = 0; c < 2; c++)
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 9; x++)
                ck_assert_float_eq(
                    at(&canvas.image, c, y, x),
                    x == 0 || x == 8 ? 0 : at(&before, c, y + 1, x - 1));
    oc_image_free(&before);
}
END_TEST

/* A flip mirrors or leaves alone, both about as often. */
START_TEST(flips_mirror)
{
    int mirrored = 0;

    for (int n = 0; n < 200; n++) {
        struct oc_image before;
        int same = 1, other = 1;

        paint(2, 4, 5);
        before = copy_image();
        apply(_i ? "vflip" : "flip");
        for (int c = 0; c < 2; c++)
            for (int y = 0; y < 4; y++)
                for (int x = 0; x < 5; x++) {
                    float now = at(&canvas.image, c, y, x);

                    same &= now == at(&before, c, y, x);
                    other &= now == (_i ? at(&before, c, 3 - y, x)
                                        : at(&before, c, y, 4 - x));
                }
        ck_assert_int_eq(same + other, 1);
        mirrored += other;
        oc_image_free(&before);
    }
    ck_assert_int_gt(mirrored, 70);
    ck_assert_int_lt(mirrored, 130);
}
END_TEST

/* A shifted copy with zeros around, by -2 .. 2 each way; all are met. */
START_TEST(pad_crop_shifts)
{
    int met[25] = {0}, kinds = 0;

    for (int n = 0; n < 400; n++) {
        struct oc_image before;
        int found = 0;

        paint(1, 6, 6);
        before = copy_image();
        apply("pad-crop=2");
        for (int s = 0; s < 25; s++) {
            int dy = s / 5 - 2, dx = s % 5 - 2, same = 1;

            for (int y = 0; y < 6; y++)
                for (int x = 0; x < 6; x++) {
                    int out =
                        y + dy < 0 || y + dy > 5 || x + dx < 0 || x + dx > 5;

                    same &= at(&canvas.image, 0, y, x) ==
                            (out ? 0 : at(&before, 0, y + dy, x + dx));
                }
            met[s] |= same;
            found += same;
        }
        ck_assert_int_eq(found, 1);
        oc_image_free(&before);
    }
    for (int s = 0; s < 25; s++)
        kinds += met[s];
    ck_assert_int_eq(kinds, 25);
}
END_TEST

START_TEST(gray_and_rgb)
{
    struct oc_image before;

    paint(3, 2, 2);
    before = copy_image();
    apply("gray");
    ck_assert_int_eq(canvas.image.channels, 1);
    for (int i = 0; i < 4; i++)
        ck_assert_float_eq_tol(canvas.image.x[i],
                               0.299f * before.x[i] + 0.587f * before.x[4 + i] +
                                   0.114f * before.x[8 + i],
                               1e-6f);
    apply("rgb");
    ck_assert_int_eq(canvas.image.channels, 3);
    for (int i = 0; i < 12; i++)
        ck_assert_float_eq(canvas.image.x[i], canvas.image.x[i % 4]);
    oc_image_free(&before);
}
END_TEST

/* Draws a smooth bump ten pixels from the middle of 41 x 41, applies the text
 * and says where the bump's middle has come to, counted from the image's. */
static void
move_bump(const char *text, int right, int down, double *x_out, double *y_out)
{
    double sum = 0, mx = 0, my = 0;

    WANT(oc_image_resize(&canvas.image, 1, 41, 41));
    for (int y = 0; y < 41; y++)
        for (int x = 0; x < 41; x++) {
            int dx = x - 20 - right, dy = y - 20 - down;

            canvas.image.x[y * 41 + x] = (float)exp(-(dy * dy + dx * dx) / 8.0);
        }
    apply(text);
    for (int y = 0; y < 41; y++)
        for (int x = 0; x < 41; x++) {
            double value = at(&canvas.image, 0, y, x);

            sum += value;
            mx += value * (x - 20);
            my += value * (y - 20);
        }
    *x_out = mx / sum;
    *y_out = my / sum;
}

/* The range of `value` over many draws is nearly -most .. most. */
static double lowest, highest;

static void
note(double value, double most)
{
    ck_assert_double_le(fabs(value), most * 1.02 + 0.02);
    lowest = fmin(lowest, value);
    highest = fmax(highest, value);
}

static void
want_range(double most)
{
    ck_assert_double_lt(lowest, -0.7 * most);
    ck_assert_double_gt(highest, 0.7 * most);
}

START_TEST(warps_move_as_they_say)
{
    static const char *const words[] = {"rotate=30", "shift=5", "scale=0.2",
                                        "shear=20"};
    const double degree = 3.14159265358979 / 180;
    double x, y;

    for (int n = 0; n < 60; n++) {
        move_bump(words[_i], _i == 3 ? 0 : 10, _i == 3 ? 10 : 0, &x, &y);
        if (_i == 0) {
            ck_assert_double_eq_tol(hypot(x, y), 10, 0.05);
            note(atan2(y, x) / degree, 30);
        } else if (_i == 1) {
            note(x - 10, 5);
            note(y, 5);
        } else if (_i == 2) {
            ck_assert_double_eq_tol(y, 0, 0.02);
            note(x / 10 - 1, 0.2);
        } else {
            ck_assert_double_eq_tol(y, 10, 0.02);
            note(atan2(x, y) / degree, 20);
        }
    }
    want_range(_i == 0 ? 30 : _i == 1 ? 5 : _i == 2 ? 0.2 : 20);
}
END_TEST

/* Values from 0.3 to 0.6, where nothing is cut off at 0 or 1. */
static void
paint_middle(void)
{
    paint(3, 8, 8);
    for (int i = 0; i < 3 * 64; i++)
        canvas.image.x[i] = 0.3f + 0.3f * canvas.image.x[i];
}

static double
grey(const struct oc_image *image, int i)
{
    return 0.299 * image->x[i] + 0.587 * image->x[64 + i] +
           0.114 * image->x[128 + i];
}

START_TEST(colours_change_by_one_factor)
{
    static const char *const words[] = {"brightness=0.4", "contrast=0.4",
                                        "saturation=0.4"};

    for (int n = 0; n < 60; n++) {
        struct oc_image before;
        double mean = 0, factor;

        paint_middle();
        before = copy_image();
        apply(words[_i]);
        for (int i = 0; i < 64; i++)
            mean += grey(&before, i) / 64;
        factor = _i == 0   ? canvas.image.x[0] / before.x[0]
                 : _i == 1 ? (canvas.image.x[0] - mean) / (before.x[0] - mean)
                           : (canvas.image.x[0] - grey(&before, 0)) /
                                 (before.x[0] - grey(&before, 0));
        note(factor - 1, 0.4);
        for (int i = 0; i < 3 * 64; i++) {
            double from = _i == 0 ? 0 : _i == 1 ? mean : grey(&before, i % 64);

            ck_assert_double_eq_tol(canvas.image.x[i],
                                    from + factor * (before.x[i] - from), 1e-4);
        }
        oc_image_free(&before);
    }
    want_range(0.4);
}
END_TEST

START_TEST(noise_has_its_deviation)
{
    double sum = 0, squares = 0;

    WANT(oc_image_resize(&canvas.image, 1, 100, 100));
    for (int i = 0; i < 10000; i++)
        canvas.image.x[i] = 0.5f;
    apply("noise=0.1");
    for (int i = 0; i < 10000; i++) {
        sum += canvas.image.x[i] - 0.5;
        squares += pow(canvas.image.x[i] - 0.5, 2);
    }
    ck_assert_double_eq_tol(sum / 10000, 0, 0.005);
    ck_assert_double_eq_tol(sqrt(squares / 10000), 0.1, 0.004);
}
END_TEST

/* 0 is no change, bit for bit, for every random step of an amount. */
START_TEST(amount_of_zero_changes_nothing)
{
    struct oc_image before;

    paint(3, 9, 8);
    before = copy_image();
    apply("rotate=0 shear=0 shift=0 scale=0 elastic=0 brightness=0 contrast=0 "
          "saturation=0 noise=0 cutout=0 pad-crop=0");
    for (int i = 0; i < 3 * 72; i++)
        ck_assert_float_eq_tol(canvas.image.x[i], before.x[i], 1e-6f);
    oc_image_free(&before);
}
END_TEST

START_TEST(elastic_field_is_as_strong_as_asked)
{
    static float dx[64 * 64], dy[64 * 64];
    double squares = 0, rough = 0;
    int n = 0;

    for (int k = 0; k < 20; k++) {
        WANT(oc_elastic_field(&canvas.random, 64, 64, 6, 4, dx, dy));
        for (int y = 16; y < 48; y++)
            for (int x = 16; x < 48; x++, n++) {
                double step = dx[y * 64 + x] - dx[y * 64 + x - 1];

                squares += dy[y * 64 + x] * dy[y * 64 + x];
                rough += step * step;
            }
    }
    /* Standard deviation amount / 2; neighbours differ by about 1 / (smooth *
     * sqrt(2)) of it, the correlation being exp(-d^2 / (4 smooth^2)). */
    ck_assert_double_eq_tol(sqrt(squares / n), 3, 0.45);
    ck_assert_double_eq_tol(sqrt(rough / n), 3 / (4 * sqrt(2)), 0.12);
}
END_TEST

START_TEST(cutout_is_one_square)
{
    static const float fill[1] = {-5};
    int largest = 0;

    canvas.fill = fill;
    for (int n = 0; n < 100; n++) {
        int top = 99, bottom = -1, left = 99, right = -1, count = 0;

        paint(1, 12, 12);
        apply("cutout=4");
        for (int y = 0; y < 12; y++)
            for (int x = 0; x < 12; x++)
                if (at(&canvas.image, 0, y, x) == -5) {
                    top = y < top ? y : top;
                    bottom = y;
                    left = x < left ? x : left;
                    right = x > right ? x : right;
                    count++;
                }
        ck_assert_int_gt(count, 0);
        ck_assert_int_le(bottom - top, 3);
        ck_assert_int_le(right - left, 3);
        ck_assert_int_eq(count, (bottom - top + 1) * (right - left + 1));
        largest = count > largest ? count : largest;
    }
    ck_assert_int_eq(largest, 16);
}
END_TEST

START_TEST(random_resized_crop_of_a_ramp)
{
    for (int n = 0; n < 50; n++) {
        float first, last;

        WANT(oc_image_resize(&canvas.image, 1, 40, 60));
        for (int i = 0; i < 2400; i++)
            canvas.image.x[i] = (float)(i % 60) / 60;
        apply("random-resized-crop=16x8,0.25,0.5");
        ck_assert_int_eq(canvas.image.height, 16);
        ck_assert_int_eq(canvas.image.width, 8);
        /* The crop's width is seven eighths of what the ramp spans; area and
         * shape allow 21 .. 40 columns. */
        first = at(&canvas.image, 0, 8, 0);
        last = at(&canvas.image, 0, 8, 7);
        ck_assert_float_ge(last - first, 20.0f * 7 / 8 / 60 - 0.02f);
        ck_assert_float_le(last - first, 41.0f * 7 / 8 / 60);
    }
}
END_TEST

START_TEST(shapes_are_foretold)
{
    static const struct {
        const char *text;
        int before[3], after[3];
    } cases[] = {
        {"", {3, 0, 0}, {3, 0, 0}},
        {"resize=8", {3, 0, 0}, {3, 0, 0}},
        {"resize=8 crop=8", {3, 0, 0}, {3, 8, 8}},
        {"resize=8", {1, 32, 48}, {1, 8, 12}},
        {"gray resize=3x4", {3, 10, 10}, {1, 3, 4}},
        {"rgb flip random-resized-crop=5", {1, 0, 0}, {3, 5, 5}},
    };

    for (size_t k = 0; k < OC_COUNT(cases); k++) {
        struct oc_transform transform;
        int chw[3];

        memcpy(chw, cases[k].before, sizeof chw);
        WANT(oc_transform_parse(cases[k].text, &transform));
        WANT(oc_transform_shape(&transform, chw));
        ck_assert_mem_eq(chw, cases[k].after, sizeof chw);
        if (cases[k].before[1] == 0)
            continue;
        paint(chw[0] == 3 ? 1 : cases[k].before[0], cases[k].before[1],
              cases[k].before[2]);
        apply(cases[k].text);
        ck_assert_int_eq(canvas.image.height, chw[1]);
        ck_assert_int_eq(canvas.image.width, chw[2]);
    }
}
END_TEST

START_TEST(neighbouring_warps_are_one_step)
{
    struct oc_transform transform;

    WANT(oc_transform_parse(" rotate=5 shift=2\tscale=0.1 flip elastic=2,3 ",
                            &transform));
    ck_assert_int_eq(transform.count, 3);
    ck_assert_str_eq(transform.random, "rotate");
    WANT(oc_transform_parse("pad-crop=4 flip mixup=0.2", &transform));
    ck_assert_int_eq(transform.count, 2);
    ck_assert_float_eq_tol(transform.mixup, 0.2f, 1e-7f);
}
END_TEST

START_TEST(bad_words_are_named)
{
    static const char *const bad[][2] = {
        {"flop", "no step is called 'flop'"},
        {"flip=1", "flip takes no number"},
        {"resize", "a size such as 32 or 24x32"},
        {"resize=", "resize="},
        {"resize=0", "within 1"},
        {"resize=3x", "resize="},
        {"resize=99999", "16384"},
        {"resize=2.5", "resize="},
        {"rotate=200", "180"},
        {"rotate=-3", "rotate="},
        {"rotate=1e9", "rotate="},
        {"scale=1", "0.9"},
        {"cutout=2.5", "whole number"},
        {"random-resized-crop=8,0.5,0.2", "fractions"},
        {"random-resized-crop=8,0,1", "fractions"},
        {"elastic=2,0.1", "0.5 .. 100"},
        {"mixup=0.2 cutmix=1", "exclude each other"},
    };

    for (size_t k = 0; k < OC_COUNT(bad); k++) {
        ck_assert_int_eq(ocellus_transform_check(bad[k][0]),
                         OCELLUS_BAD_ARGUMENT);
        want_words(bad[k][1]);
    }
    ck_assert_int_eq(ocellus_transform_check(NULL), OCELLUS_OK);
    ck_assert_int_eq(ocellus_transform_check(
                         "resize=256 crop=224 random-resized-crop=224,0.5 "
                         "cutmix=1"),
                     OCELLUS_OK);
}
END_TEST

/* Beta(a, a) has the mean 1/2 and the variance 1 / (4 (2a + 1)). */
START_TEST(beta_has_its_moments)
{
    static const float alphas[] = {0.05f, 0.2f, 1, 4};
    double sum = 0, squares = 0, alpha = alphas[_i];
    int n = 20000;

    for (int i = 0; i < n; i++) {
        double x = oc_random_beta(&canvas.random, alphas[_i]);

        ck_assert(x >= 0 && x <= 1);
        sum += x;
        squares += (x - 0.5) * (x - 0.5);
    }
    ck_assert_double_eq_tol(sum / n, 0.5, 0.015);
    ck_assert_double_eq_tol(squares / n, 1 / (4 * (2 * alpha + 1)), 0.005);
}
END_TEST

#define COUNT 5
#define PLANE 48

/* Every number comes from a sample and its partner as the weights say. */
START_TEST(mixtures_are_what_they_say)
{
    for (int n = 0; n < 40; n++) {
        struct oc_transform transform;
        float x[COUNT * PLANE], scratch[COUNT * PLANE];
        int64_t label[COUNT], label2[COUNT], order[COUNT];
        struct oc_mix mix = {1, 6, 8, COUNT, x, label, label2, 0};
        int seen = 0;

        WANT(oc_transform_parse(_i ? "cutmix=1" : "mixup=1", &transform));
        for (int i = 0; i < COUNT * PLANE; i++)
            x[i] = (float)(i / PLANE * 10);
        for (int i = 0; i < COUNT; i++)
            label[i] = i;
        oc_mix_apply(&transform, &canvas.random, &mix, scratch, order);
        for (int i = 0; i < COUNT; i++) {
            float other = (float)label2[i] * 10, own = (float)i * 10;
            double mean = 0;

            seen |= 1 << label2[i];
            for (int k = 0; k < PLANE; k++) {
                float value = x[i * PLANE + k];

                mean += value / PLANE;
                if (_i)
                    ck_assert(value == own || value == other);
            }
            ck_assert_double_eq_tol(
                mean, mix.lambda * own + (1 - mix.lambda) * other, 1e-4);
        }
        ck_assert_int_eq(seen, (1 << COUNT) - 1);
    }
}
END_TEST

static void
add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, resize_is_a_triangle, 0, 5);
    tcase_add_test(tests, resize_keeps_the_shape);
    tcase_add_test(tests, crop_takes_the_middle);
    tcase_add_loop_test(tests, flips_mirror, 0, 2);
    tcase_add_test(tests, pad_crop_shifts);
    tcase_add_test(tests, gray_and_rgb);
    tcase_add_loop_test(tests, warps_move_as_they_say, 0, 4);
    tcase_add_loop_test(tests, colours_change_by_one_factor, 0, 3);
    tcase_add_test(tests, noise_has_its_deviation);
    tcase_add_test(tests, amount_of_zero_changes_nothing);
    tcase_add_test(tests, elastic_field_is_as_strong_as_asked);
    tcase_add_test(tests, cutout_is_one_square);
    tcase_add_test(tests, random_resized_crop_of_a_ramp);
    tcase_add_test(tests, shapes_are_foretold);
    tcase_add_test(tests, neighbouring_warps_are_one_step);
    tcase_add_test(tests, bad_words_are_named);
    tcase_add_loop_test(tests, beta_has_its_moments, 0, 4);
    tcase_add_loop_test(tests, mixtures_are_what_they_say, 0, 2);
}

int
main(void)
{
    return run_suite("data_transform", add_tests);
}

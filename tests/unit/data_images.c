/* data_images.c - image files, whole and damaged, and folders of them. */
#include <config.h>

#include <ocellus.h>

#include "tests/unit/data_folder.h"

#ifdef HAVE_JPEG
#include <jpeglib.h>
#endif
#ifdef HAVE_PNG
#include <png.h>
#endif

static void
want_pixels(const char *name, int channels, int height, int width,
            const float *x, float tolerance)
{
    ocellus_tensor *image;
    const int64_t *dims;

    WANT(ocellus_image_read(within_folder(name), NULL, &image));
    dims = ocellus_tensor_dims(image);
    ck_assert_int_eq(dims[0], channels);
    ck_assert_int_eq(dims[1], height);
    ck_assert_int_eq(dims[2], width);
    for (int i = 0; i < channels * height * width; i++)
        ck_assert_float_eq_tol(((float *)ocellus_tensor_data(image))[i], x[i],
                               tolerance);
    ocellus_tensor_destroy(image);
}

static void
want_failure(const char *name, const char *words)
{
    ocellus_tensor *image;

    ck_assert_int_eq(ocellus_image_read(within_folder(name), NULL, &image),
                     OCELLUS_BAD_DATA);
    ck_assert_ptr_null(image);
    want_words(words);
}

START_TEST(ppm_of_all_kinds)
{
    static const float colour[6] = {0, 1, 0.2f, 0.4f, 0.6f, 0.8f};
    static const float grey[2] = {256.0f / 1000, 1};

    put("a.ppm", "P6\n# a comment\n2 1 # another\n255\n\0\x33\x99\xff\x66\xcc",
        39);
    want_pixels("a.ppm", 3, 1, 2, colour, 1e-6f);
    put("b.pgm", "P5 2 1 1000\n\1\0\x3\xe8", 16);
    want_pixels("b.pgm", 1, 1, 2, grey, 1e-6f);
}
END_TEST

START_TEST(ppm_says_what_is_wrong)
{
    put("a.ppm", "P6 2 2 255\nabcdefghijk", 22);
    want_failure("a.ppm", "2 x 2 pixels need 12 bytes, but 11 are there");
    put("a.ppm", "P6 99999 99999 255\nabc", 22);
    want_failure("a.ppm", "at most 134217728 pixels");
    put("a.ppm", "P6 99999999999999999999 1 255\nabc", 33);
    want_failure("a.ppm", "absurdly large");
    put("a.ppm", "P6 0 1 255\nabc", 14);
    want_failure("a.ppm", "empty");
    put("a.ppm", "P6 1 1 65536\nabc", 16);
    want_failure("a.ppm", "65536");
    put("a.ppm", "P3 1 1 255\n1 2 3", 16);
    want_failure("a.ppm", "P5 and P6 are read");
    put("a.ppm", "GIF89a", 6);
    want_failure("a.ppm", "47 49 46 38");
    put("a.ppm", "", 0);
    want_failure("a.ppm", "0 bytes are no image");
}
END_TEST

/* Each prefix fails; each flipped bit gives an image or a sentence. */
static void
damage(const char *name, size_t step)
{
    size_t length;
    uint8_t *bytes = fetch(name, &length);
    ocellus_tensor *image;

    for (size_t cut = 0; cut < length - 12; cut += step) {
        put(name, bytes, cut);
        ck_assert_int_eq(ocellus_image_read(within_folder(name), NULL, &image),
                         OCELLUS_BAD_DATA);
    }
    for (size_t bit = 0; bit < 8 * length; bit += 2 * step + 1) {
        ocellus_status status;

        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        put(name, bytes, length);
        status = ocellus_image_read(within_folder(name), NULL, &image);
        ck_assert(status == OCELLUS_OK || status == OCELLUS_BAD_DATA);
        ck_assert((status == OCELLUS_OK) == (image != NULL));
        ocellus_tensor_destroy(image);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(bytes);
}

#ifdef HAVE_PNG
static void
put_png(const char *name, int height, int width, int depth, int colour,
        const uint8_t *rows, size_t pitch)
{
    FILE *file = fopen(within_folder(name), "wb");
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);

    ck_assert_ptr_nonnull(file);
    png_init_io(png, file);
    png_set_IHDR(png, info, (unsigned)width, (unsigned)height, depth, colour,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < height; y++)
        png_write_row(png, rows + (size_t)y * pitch);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(file);
}

START_TEST(png_of_all_kinds)
{
    static const uint8_t rgb[6] = {0, 51, 153, 255, 102, 204};
    static const float planes[6] = {0, 1, 0.2f, 0.4f, 0.6f, 0.8f};
    static const uint8_t wide[4] = {0x12, 0x34, 0xff, 0xff};
    static const float grey[2] = {(float)0x1234 / 65535, 1};
    /* A quarter of black ink on white; all of a grey. */
    static const uint8_t alpha[4] = {0, 51, 102, 255};
    static const float on_white[2] = {0.8f, 0.4f};
    static const uint8_t bits[1] = {0x40};
    static const float black_white[2] = {0, 1};

    put_png("a.png", 1, 2, 8, PNG_COLOR_TYPE_RGB, rgb, 6);
    want_pixels("a.png", 3, 1, 2, planes, 1e-6f);
    put_png("a.png", 1, 2, 16, PNG_COLOR_TYPE_GRAY, wide, 4);
    want_pixels("a.png", 1, 1, 2, grey, 1e-6f);
    put_png("a.png", 1, 2, 8, PNG_COLOR_TYPE_GRAY_ALPHA, alpha, 4);
    want_pixels("a.png", 1, 1, 2, on_white, 1e-6f);
    put_png("a.png", 1, 2, 1, PNG_COLOR_TYPE_GRAY, bits, 1);
    want_pixels("a.png", 1, 1, 2, black_white, 1e-6f);
}
END_TEST

START_TEST(png_damaged)
{
    uint8_t rows[16 * 48];

    for (size_t i = 0; i < sizeof rows; i++)
        rows[i] = (uint8_t)(i * i / 7);
    put_png("a.png", 16, 16, 8, PNG_COLOR_TYPE_RGB, rows, 48);
    damage("a.png", 3);
}
END_TEST
#endif

#ifdef HAVE_JPEG
static void
put_jpeg(const char *name, int components, J_COLOR_SPACE space,
         const uint8_t *pixel, int progressive)
{
    FILE *file = fopen(within_folder(name), "wb");
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    uint8_t row[16 * 4];
    JSAMPROW rows = row;

    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < 16 * components; i++)
        row[i] = pixel[i % components];
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = 16;
    jpeg.image_height = 8;
    jpeg.input_components = components;
    jpeg.in_color_space = space;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    if (progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height)
        jpeg_write_scanlines(&jpeg, &rows, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    fclose(file);
}

/* One colour everywhere. */
static void
want_colour(const char *name, int channels, const float *colour)
{
    float x[3 * 128];

    for (int i = 0; i < channels * 128; i++)
        x[i] = colour[i / 128];
    want_pixels(name, channels, 8, 16, x, 0.012f);
}

START_TEST(jpeg_of_all_kinds)
{
    static const uint8_t grey[1] = {77}, rgb[3] = {200, 100, 50};
    static const float light[1] = {77.0f / 255};
    static const float colour[3] = {200.0f / 255, 100.0f / 255, 50.0f / 255};
    /* Adobe's inverted ink: light of cyan times light of black. */
    static const uint8_t ink[4] = {255, 128, 64, 128};
    static const float mixed[3] = {0.502f, 0.252f, 0.126f};

    put_jpeg("a.jpg", 1, JCS_GRAYSCALE, grey, 0);
    want_colour("a.jpg", 1, light);
    put_jpeg("a.jpg", 3, JCS_RGB, rgb, 0);
    want_colour("a.jpg", 3, colour);
    put_jpeg("a.jpg", 3, JCS_RGB, rgb, 1);
    want_colour("a.jpg", 3, colour);
    put_jpeg("a.jpg", 4, JCS_CMYK, ink, 0);
    want_colour("a.jpg", 3, mixed);
}
END_TEST

START_TEST(jpeg_damaged)
{
    static const uint8_t rgb[3] = {200, 100, 50};

    put_jpeg("a.jpg", 3, JCS_RGB, rgb, _i);
    damage("a.jpg", 5);
}
END_TEST
#endif

static void
put_ppm(const char *name, int side, char value)
{
    char file[1024];
    int at = snprintf(file, sizeof file, "P5 %d %d 255\n", side, side);

    memset(file + at, value, (size_t)(side * side));
    put(name, file, (size_t)(at + side * side));
}

START_TEST(folder_with_train_and_val)
{
    ocellus_dataset *set;
    ocellus_tensor *x;
    int64_t label, chw[3];

    put_folder("train");
    put_folder("train/dog");
    put_folder("train/cat");
    put_folder("val");
    put_folder("val/dog");
    put_ppm("train/dog/1.pgm", 4, 10);
    put_ppm("train/dog/2.PGM", 4, 20);
    put_ppm("train/cat/1.ppm", 4, 30);
    put_ppm("val/dog/1.pgm", 4, 51);
    put("train/cat/notes.txt", "no image", 8);
    WANT(ocellus_dataset_open(folder, NULL, &set));
    ck_assert_str_eq(ocellus_dataset_format(set), "folder");
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TRAIN), 3);
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TEST), 1);
    ck_assert_str_eq(ocellus_dataset_class_name(set, 0), "cat");
    ocellus_dataset_shape(set, chw);
    ck_assert_int_eq(chw[0], 1);
    ck_assert_int_eq(chw[1], 4);
    WANT(ocellus_dataset_get(set, OCELLUS_TEST, 0, &x, &label));
    ck_assert_int_eq(label, 1);
    ck_assert_float_eq_tol(((float *)ocellus_tensor_data(x))[7], 0.2f, 1e-6f);
    ck_assert(strstr(ocellus_dataset_sample_path(set, OCELLUS_TEST, 0),
                     "val/dog/1.pgm") != NULL);
    ocellus_tensor_destroy(x);
    ocellus_dataset_destroy(set);
    put_folder("val/cow");
    put_ppm("val/cow/1.pgm", 4, 51);
    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    want_words("a class 'cow' that the training images have not");
}
END_TEST

START_TEST(folder_of_different_sizes)
{
    ocellus_dataset_options options = {.size = sizeof options, .test = -1};
    ocellus_dataset *set;
    ocellus_loader *loader;
    int64_t chw[3];

    put_folder("a");
    put_folder("b");
    put_ppm("a/1.pgm", 4, 10);
    put_ppm("b/1.pgm", 6, 10);
    WANT(ocellus_dataset_open(folder, &options, &set));
    ocellus_dataset_shape(set, chw);
    ck_assert_int_eq(chw[1], 0);
    ck_assert_int_eq(ocellus_loader_create(set, OCELLUS_TRAIN, NULL, &loader),
                     OCELLUS_BAD_ARGUMENT);
    want_words("differ in size");
    ocellus_dataset_destroy(set);
    options.transform = "resize=8x5 rgb";
    WANT(ocellus_dataset_open(folder, &options, &set));
    ocellus_dataset_shape(set, chw);
    ck_assert_int_eq(chw[0], 3);
    ck_assert_int_eq(chw[1], 8);
    ck_assert_int_eq(chw[2], 5);
    ocellus_dataset_destroy(set);
    options.transform = "flip";
    ck_assert_int_eq(ocellus_dataset_open(folder, &options, &set),
                     OCELLUS_BAD_ARGUMENT);
    want_words("'flip' is random");
}
END_TEST

START_TEST(folder_without_images)
{
    ocellus_dataset *set;

    put_folder("a");
    put_folder("b");
    put("a/readme.txt", "nothing", 7);
    ck_assert_int_eq(ocellus_dataset_open(folder, NULL, &set),
                     OCELLUS_BAD_DATA);
    want_words("none of its 2 folders holds");
}
END_TEST

static void
add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, ppm_of_all_kinds);
    tcase_add_test(tests, ppm_says_what_is_wrong);
#ifdef HAVE_PNG
    tcase_add_test(tests, png_of_all_kinds);
    tcase_add_test(tests, png_damaged);
#endif
#ifdef HAVE_JPEG
    tcase_add_test(tests, jpeg_of_all_kinds);
    tcase_add_loop_test(tests, jpeg_damaged, 0, 2);
#endif
    tcase_add_test(tests, folder_with_train_and_val);
    tcase_add_test(tests, folder_of_different_sizes);
    tcase_add_test(tests, folder_without_images);
}

int
main(void)
{
    return run_suite("data_images", add_tests);
}

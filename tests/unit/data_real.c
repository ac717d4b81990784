/* data_real.c - real data sets and photos, where OCELLUS_TEST_DATA names a
 * folder of them. Expected numbers are what the sets' makers and other
 * programs say: label counts of MNIST, the mean and standard deviation that
 * everyone normalises it with, channel means of photos by Pillow. */
#include <config.h>

#include <ocellus.h>

#include "tests/unit/data_folder.h"

static const char *
data_path(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/data/%s", getenv("OCELLUS_TEST_DATA"),
             name);
    return path;
}

static ocellus_dataset *
open_set(const char *name, int64_t train, int64_t test, int channels, int side)
{
    ocellus_dataset *set;
    int64_t chw[3];

    WANT(ocellus_dataset_open(data_path(name), NULL, &set));
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TRAIN), train);
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TEST), test);
    ck_assert_int_eq(ocellus_dataset_classes(set), 10);
    ocellus_dataset_shape(set, chw);
    ck_assert_int_eq(chw[0], channels);
    ck_assert_int_eq(chw[1], side);
    ck_assert_int_eq(chw[2], side);
    return set;
}

static void
count_labels(ocellus_dataset *set, ocellus_split split, int64_t *counts)
{
    ocellus_loader_options options = {.size = sizeof options, .batch = 256};
    const ocellus_batch *batch;
    ocellus_loader *loader;

    WANT(ocellus_loader_create(set, split, &options, &loader));
    for (;;) {
        WANT(ocellus_loader_next(loader, &batch));
        if (batch == NULL)
            break;
        for (int64_t i = 0; i < batch->count; i++)
            counts[((int64_t *)ocellus_tensor_data(batch->labels))[i]]++;
    }
    ocellus_loader_destroy(loader);
}

START_TEST(mnist)
{
    static const int64_t tests[10] = {980, 1135, 1032, 1010, 982,
                                      892, 958,  1028, 974,  1009};
    static const int first[10] = {5, 0, 4, 1, 9, 2, 1, 3, 1, 4};
    ocellus_dataset *set = open_set("datasets/mnist", 60000, 10000, 1, 28);
    int64_t counts[10] = {0};
    float mean, std;

    WANT(ocellus_dataset_get_normalization(set, &mean, &std));
    ck_assert_float_eq_tol(mean, 0.1307f, 0.0001f);
    ck_assert_float_eq_tol(std, 0.3081f, 0.0001f);
    count_labels(set, OCELLUS_TEST, counts);
    ck_assert_mem_eq(counts, tests, sizeof counts);
    for (int i = 0; i < 10; i++) {
        ocellus_tensor *x;
        int64_t label;

        WANT(ocellus_dataset_get(set, OCELLUS_TRAIN, i, &x, &label));
        ck_assert_int_eq(label, first[i]);
        ocellus_tensor_destroy(x);
    }
    ocellus_dataset_destroy(set);
}
END_TEST

START_TEST(fashion_mnist)
{
    static const int first[10] = {9, 0, 0, 3, 0, 2, 7, 2, 5, 5};
    ocellus_dataset *set =
        open_set("datasets/fashion-mnist-20k", 20000, 10000, 1, 28);
    float mean, std;

    /* Of all 60,000: 0.2860 and 0.3530; these are a third of them. */
    WANT(ocellus_dataset_get_normalization(set, &mean, &std));
    ck_assert_float_eq_tol(mean, 0.2860f, 0.001f);
    ck_assert_float_eq_tol(std, 0.3530f, 0.001f);
    for (int i = 0; i < 10; i++) {
        ocellus_tensor *x;
        int64_t label;

        WANT(ocellus_dataset_get(set, OCELLUS_TRAIN, i, &x, &label));
        ck_assert_int_eq(label, first[i]);
        ocellus_tensor_destroy(x);
    }
    ocellus_dataset_destroy(set);
}
END_TEST

START_TEST(cifar10_subset)
{
    /* Of all 50,000: 0.4914, 0.4822, 0.4465 and 0.2470, 0.2435, 0.2616. */
    static const float means[3] = {0.4914f, 0.4822f, 0.4465f};
    static const float stds[3] = {0.2470f, 0.2435f, 0.2616f};
    ocellus_dataset *set = open_set("datasets/cifar10", 5000, 2000, 3, 32);
    int64_t counts[2][10] = {{0}};
    float mean[3], std[3];

    ck_assert_str_eq(ocellus_dataset_class_name(set, 0), "airplane");
    ck_assert_str_eq(ocellus_dataset_class_name(set, 9), "truck");
    WANT(ocellus_dataset_get_normalization(set, mean, std));
    count_labels(set, OCELLUS_TRAIN, counts[0]);
    count_labels(set, OCELLUS_TEST, counts[1]);
    for (int k = 0; k < 10; k++) {
        ck_assert_int_eq(counts[0][k], 500);
        ck_assert_int_eq(counts[1][k], 200);
    }
    for (int c = 0; c < 3; c++) {
        ck_assert_float_eq_tol(mean[c], means[c], 0.006f);
        ck_assert_float_eq_tol(std[c], stds[c], 0.006f);
    }
    ocellus_dataset_destroy(set);
}
END_TEST

static const struct {
    const char *name;
    int height, width;
    float mean[3];
} photos[] = {
    {"burn_cat.jpg", 500, 500, {0.5941f, 0.5978f, 0.6025f}},
    {"dlp_cat.ppm", 224, 224, {0.6225f, 0.5931f, 0.5678f}},
    {"dlp_parrot.ppm", 224, 224, {0.3825f, 0.3632f, 0.3032f}},
    {"dog.jpg", 576, 768, {0.5272f, 0.5320f, 0.4474f}},
    {"elephants.jpg", 495, 660, {0.4512f, 0.4607f, 0.2913f}},
    {"giraffe.jpg", 500, 500, {0.3598f, 0.4232f, 0.1658f}},
    {"grand_piano.jpg", 426, 640, {0.4374f, 0.4374f, 0.4374f}},
    {"pelican.jpeg", 375, 500, {0.5872f, 0.5650f, 0.5573f}},
    {"ultraface_1.jpg", 715, 1024, {0.4787f, 0.4415f, 0.3882f}},
};

START_TEST(photo)
{
    char name[64];
    ocellus_tensor *image;
    const int64_t *dims;
    const float *x;

    snprintf(name, sizeof name, "photos/%s", photos[_i].name);
#ifndef HAVE_JPEG
    if (strstr(name, ".jp") != NULL)
        return;
#endif
    WANT(ocellus_image_read(data_path(name), NULL, &image));
    dims = ocellus_tensor_dims(image);
    x = ocellus_tensor_data(image);
    ck_assert_int_eq(dims[0], 3);
    ck_assert_int_eq(dims[1], photos[_i].height);
    ck_assert_int_eq(dims[2], photos[_i].width);
    for (int64_t c = 0; c < 3; c++) {
        double sum = 0;

        for (int64_t i = 0; i < dims[1] * dims[2]; i++)
            sum += x[c * dims[1] * dims[2] + i];
        ck_assert_double_eq_tol(sum / (double)(dims[1] * dims[2]),
                                photos[_i].mean[c], 0.001);
    }
    ocellus_tensor_destroy(image);
}
END_TEST

static void
add_tests(TCase *tests)
{
    tcase_add_test(tests, mnist);
    tcase_add_test(tests, fashion_mnist);
    tcase_add_test(tests, cifar10_subset);
    tcase_add_loop_test(tests, photo, 0, (int)(sizeof photos / sizeof *photos));
}

int
main(void)
{
    if (getenv("OCELLUS_TEST_DATA") == NULL) {
        puts("skipped: OCELLUS_TEST_DATA names no folder of real data");
        return 77;
    }
    return run_suite("data_real", add_tests);
}

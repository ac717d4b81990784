/* data_sequences.c - texts, names and series: what a window holds follows from
 * the text that was written here. */
#include <ocellus.h>

#include "tests/unit/data_folder.h"

static ocellus_dataset *
open_set(const char *name, const ocellus_dataset_options *options)
{
    ocellus_dataset *set;

    WANT(ocellus_dataset_open(within_folder(name), options, &set));
    return set;
}

static void
refuses(const char *name, const ocellus_dataset_options *options,
        const char *part)
{
    ocellus_dataset *set;

    ck_assert_int_eq(ocellus_dataset_open(within_folder(name), options, &set),
                     OCELLUS_BAD_DATA);
    ck_assert_ptr_null(set);
    ck_assert_msg(strstr(ocellus_error(), part) != NULL, "%s", ocellus_error());
}

/* Sample `index` and its labels, in letters of "abcdefghij". */
static void
want_window(ocellus_dataset *set, ocellus_split split, int64_t index,
            const char *x, const char *next)
{
    ocellus_tensor *tensor;
    int64_t label[8];

    WANT(ocellus_dataset_get(set, split, index, &tensor, label));
    ck_assert_int_eq(ocellus_tensor_type(tensor), OCELLUS_INT64);
    ck_assert_uint_eq(ocellus_tensor_count(tensor), strlen(x));
    for (size_t k = 0; k < strlen(x); k++) {
        ck_assert_int_eq(((int64_t *)ocellus_tensor_data(tensor))[k],
                         x[k] - 'a');
        ck_assert_int_eq(label[k], next[k] - 'a');
    }
    ocellus_tensor_destroy(tensor);
}

/* 40 characters: 36 are trained on, the last 4 are the test. */
START_TEST(text_in_windows)
{
    ocellus_dataset_options options = {.size = sizeof options, .sequence = 3};
    ocellus_dataset *set;
    ocellus_type type;

    put("t", "abcdefghijabcdefghijabcdefghijabcdefghij", 40);
    set = open_set("t", &options);
    ck_assert_str_eq(ocellus_dataset_format(set), "text");
    ck_assert_str_eq(ocellus_dataset_vocabulary(set), "abcdefghij");
    ck_assert_int_eq(ocellus_dataset_classes(set), 10);
    ck_assert_int_eq(ocellus_dataset_labels(set, &type), 3);
    ck_assert_int_eq(type, OCELLUS_INT64);
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TRAIN), 11);
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TEST), 1);
    want_window(set, OCELLUS_TRAIN, 0, "abc", "bcd");
    want_window(set, OCELLUS_TRAIN, 3, "jab", "abc");
    want_window(set, OCELLUS_TEST, 0, "ghi", "hij");
    ocellus_dataset_destroy(set);
    options.validation = 0.5;
    set = open_set("t", &options);
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TRAIN), 5);
    want_window(set, OCELLUS_VALIDATION, 0, "ija", "jab");
    ocellus_dataset_destroy(set);
}
END_TEST

START_TEST(text_batches)
{
    ocellus_dataset_options options = {.size = sizeof options, .sequence = 3};
    ocellus_loader_options loading = {.size = sizeof loading, .batch = 4};
    const ocellus_batch *batch;
    ocellus_loader *loader;
    ocellus_dataset *set;

    put("t", "abcdefghijabcdefghijabcdefghijabcdefghij", 40);
    set = open_set("t", &options);
    WANT(ocellus_loader_create(set, OCELLUS_TRAIN, &loading, &loader));
    WANT(ocellus_loader_next(loader, &batch));
    ck_assert_int_eq(ocellus_tensor_type(batch->x), OCELLUS_INT64);
    ck_assert_int_eq(ocellus_tensor_rank(batch->x), 2);
    ck_assert_int_eq(ocellus_tensor_dims(batch->labels)[0], 4);
    ck_assert_int_eq(ocellus_tensor_dims(batch->labels)[1], 3);
    for (int k = 0; k < 12; k++) {
        ck_assert_int_eq(((int64_t *)ocellus_tensor_data(batch->x))[k], k % 10);
        ck_assert_int_eq(((int64_t *)ocellus_tensor_data(batch->labels))[k],
                         (k + 1) % 10);
    }
    ocellus_loader_destroy(loader);
    loading.augment = "flip";
    ck_assert_int_eq(
        ocellus_loader_create(set, OCELLUS_TRAIN, &loading, &loader),
        OCELLUS_BAD_ARGUMENT);
    ocellus_dataset_destroy(set);
}
END_TEST

/* Letters of one to four bytes, in the order of their code points. */
START_TEST(text_of_many_letters)
{
    ocellus_dataset_options options = {.size = sizeof options, .sequence = 1};
    const char *text = "\xf0\x9f\x98\x80z\xc3\xa9\xe2\x82\xacz\xc3\xa9z";
    ocellus_dataset *set;

    put("t", text, strlen(text));
    set = open_set("t", &options);
    ck_assert_str_eq(ocellus_dataset_vocabulary(set),
                     "z\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    ck_assert_str_eq(ocellus_dataset_class_name(set, 1), "\xc3\xa9");
    ocellus_dataset_destroy(set);
    options.vocabulary = "\xf0\x9f\x98\x80z\xe2\x82\xac";
    refuses("t", &options, "U+00E9");
}
END_TEST

START_TEST(text_says_what_is_wrong)
{
    ocellus_dataset_options options = {.size = sizeof options};

    put("short", "abc", 3);
    refuses("short", &options, "window of 64");
    put("bytes", "ab\xff", 3);
    refuses("bytes", &options, "byte 2 is 0xff");
    put("long", "a\xc0\x80", 3); /* NUL in two bytes */
    refuses("long", &options, "byte 1 is 0xc0");
    put("cut", "ab\xe2\x82", 4);
    refuses("cut", &options, "byte 2 is 0xe2");
    put("empty", "", 0);
    refuses("empty", &options, "no characters");
}
END_TEST

static void
put_names(void)
{
    ck_assert_int_eq(mkdir(within_folder("n"), 0777), 0);
    put("n/A.txt", "ab\r\n\nabc\n", 9);
    put("n/B.txt", " c\nb", 4);
}

START_TEST(names_in_rows)
{
    static const int want[4][3] = {{1, 2, 0}, {1, 2, 3}, {3, 0, 0}, {2, 0, 0}};
    static const int class_of[] = {0, 0, 1, 1};
    ocellus_dataset_options options = {.size = sizeof options, .test = -1};
    ocellus_dataset *set;

    put_names();
    set = open_set("n", &options);
    ck_assert_str_eq(ocellus_dataset_format(set), "names");
    ck_assert_str_eq(ocellus_dataset_vocabulary(set), "\nabc");
    ck_assert_int_eq(ocellus_dataset_classes(set), 2);
    ck_assert_str_eq(ocellus_dataset_class_name(set, 1), "B");
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TRAIN), 4);
    for (int i = 0; i < 4; i++) {
        ocellus_tensor *x;
        int64_t label;

        WANT(ocellus_dataset_get(set, OCELLUS_TRAIN, i, &x, &label));
        ck_assert_int_eq(label, class_of[i]);
        ck_assert_uint_eq(ocellus_tensor_count(x), 3);
        for (int k = 0; k < 3; k++)
            ck_assert_int_eq(((int64_t *)ocellus_tensor_data(x))[k],
                             want[i][k]);
        ocellus_tensor_destroy(x);
    }
    ocellus_dataset_destroy(set);
    options.vocabulary = "abc";
    refuses("n", &options, "line's end");
}
END_TEST

/* 10 numbers, windows of 2: 8 are trained on, which makes 6 forecasts; the
 * test forecasts the last 2. */
START_TEST(series_in_windows)
{
    ocellus_dataset_options options = {.size = sizeof options, .sequence = 2};
    const char *text = "\"Month\",\"Sold\"\n\"a\",0\nb,1.5\nc,3\nd,4.5\ne,6\n"
                       "f,7.5\ng,9\nh,10.5\ni,12\nj,\"13.5\"\n\n";
    ocellus_dataset *set;
    ocellus_tensor *x;
    ocellus_type type;
    float next;

    put("s.csv", text, strlen(text));
    set = open_set("s.csv", &options);
    ck_assert_str_eq(ocellus_dataset_format(set), "series");
    ck_assert_int_eq(ocellus_dataset_labels(set, &type), 1);
    ck_assert_int_eq(type, OCELLUS_FLOAT);
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TRAIN), 6);
    ck_assert_int_eq(ocellus_dataset_count(set, OCELLUS_TEST), 2);
    for (int i = 0; i < 8; i++) {
        WANT(ocellus_dataset_get(set, i < 6 ? OCELLUS_TRAIN : OCELLUS_TEST,
                                 i < 6 ? i : i - 6, &x, &next));
        ck_assert_uint_eq(ocellus_tensor_count(x), 2);
        ck_assert_float_eq(((float *)ocellus_tensor_data(x))[1],
                           1.5f * (float)(i + 1));
        ck_assert_float_eq(next, 1.5f * (float)(i + 2));
        ocellus_tensor_destroy(x);
    }
    ocellus_dataset_destroy(set);
}
END_TEST

START_TEST(series_says_what_is_wrong)
{
    ocellus_dataset_options options = {.size = sizeof options, .sequence = 2};

    put("gap.csv", "v\n1\n2\n\n3\n4\n5\n6\n", 15);
    refuses("gap.csv", &options, "line 5");
    put("words.csv", "v\nw\n1\n", 6);
    refuses("words.csv", &options, "line 2");
    put("short.csv", "1\n2\n", 4);
    refuses("short.csv", &options, "window of 2");
    put("nan.csv", "1\nnan\n3\n4\n5\n6\n7\n", 16);
    refuses("nan.csv", &options, "line 3");
}
END_TEST

static void
add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, text_in_windows);
    tcase_add_test(tests, text_batches);
    tcase_add_test(tests, text_of_many_letters);
    tcase_add_test(tests, text_says_what_is_wrong);
    tcase_add_test(tests, names_in_rows);
    tcase_add_test(tests, series_in_windows);
    tcase_add_test(tests, series_says_what_is_wrong);
}

int
main(void)
{
    return run_suite("data_sequences", add_tests);
}

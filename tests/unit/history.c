/* history.c - rows an epoch: written, read back, continued after a resume. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/unit/suite.h"

static char folder[64];
static char csv[96];
static char jsonl[96];

static void
setup(void)
{
    strcpy(folder, "history_test_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(csv, sizeof(csv), "%s/history.csv", folder);
    snprintf(jsonl, sizeof(jsonl), "%s/history.jsonl", folder);
}

static void
teardown(void)
{
    unlink(csv);
    unlink(jsonl);
    ck_assert_int_eq(rmdir(folder), 0);
}

static ocellus_history *
create(int64_t keep)
{
    ocellus_history *history;

    ck_assert_int_eq(ocellus_history_create(folder, keep, &history),
                     OCELLUS_OK);
    return history;
}

static void
add(ocellus_history *history, int64_t epoch, double train_loss)
{
    ocellus_history_row row = {.epoch = epoch,
                               .step = 100 * epoch,
                               .train_loss = train_loss,
                               .train_accuracy = 0.5,
                               .test_loss = 1.0 / 3,
                               .test_accuracy = (double)NAN,
                               .test_top5 = (double)NAN,
                               .test_f1 = 0.25,
                               .learning_rate = 0.1,
                               .images_per_second = 12345.678,
                               .seconds = 5e-7};

    ck_assert_int_eq(ocellus_history_add(history, &row), OCELLUS_OK);
}

static char *
read_text(const char *path)
{
    char *text;
    size_t bytes;

    ck_assert_int_eq(oc_file_read(path, 0, &text, &bytes), OCELLUS_OK);
    return text;
}

static void
put_text(const char *text)
{
    ck_assert_int_eq(oc_file_write_atomic(csv, text, strlen(text)), OCELLUS_OK);
}

#define HEAD                                                                   \
    "epoch,step,train_loss,train_accuracy,test_loss,test_accuracy,test_top5,"  \
    "test_f1,learning_rate,images_per_second,seconds\n"

/* Fewest digits that read back the same; a point in any locale. */
START_TEST(writes_csv)
{
    ocellus_history *history;
    char *text;

    (void)(setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "de_DE"));
    history = create(0);
    add(history, 1, 0.1);
    add(history, 2, (double)1.1F);
    ocellus_history_destroy(history);
    text = read_text(csv);
    ck_assert_str_eq(
        text,
        HEAD "1,100,0.1,0.5,0.3333333333333333,,,0.25,0.1,12345.678,5e-07\n"
             "2,200,1.100000023841858,0.5,0.3333333333333333,,,0.25,0.1,"
             "12345.678,5e-07\n");
    free(text);
}
END_TEST

START_TEST(writes_json_lines)
{
    ocellus_history *history = create(0);
    char *text, *second;
    json_t *row;

    add(history, 1, 0.1);
    add(history, 2, 0.2);
    ocellus_history_destroy(history);
    text = read_text(jsonl);
    second = strchr(text, '\n') + 1;
    ck_assert_ptr_eq(strchr(second, '\n'), text + strlen(text) - 1);
    row = json_loads(second, 0, NULL);
    ck_assert_ptr_nonnull(row);
    ck_assert_uint_eq(json_object_size(row), 11);
    ck_assert_int_eq(json_integer_value(json_object_get(row, "epoch")), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(row, "step")), 200);
    ck_assert_double_eq(json_real_value(json_object_get(row, "train_loss")),
                        0.2);
    ck_assert(json_is_null(json_object_get(row, "test_accuracy")));
    json_decref(row);
    free(text);
}
END_TEST

START_TEST(reads_back_the_same_bits)
{
    ocellus_history *written = create(0);
    ocellus_history *read;
    const ocellus_history_row *a, *b;
    int i;

    for (i = 1; i <= 20; i++)
        add(written, i, exp(0.37 * i) / 7);
    ck_assert_int_eq(ocellus_history_read(csv, &read), OCELLUS_OK);
    ck_assert_int_eq(ocellus_history_count(read), 20);
    a = ocellus_history_rows(written);
    b = ocellus_history_rows(read);
    for (i = 0; i < 20; i++) {
        ck_assert_int_eq(a[i].epoch, b[i].epoch);
        ck_assert_int_eq(a[i].step, b[i].step);
        ck_assert_double_eq(a[i].train_loss, b[i].train_loss);
        ck_assert_double_eq(a[i].test_loss, b[i].test_loss);
        ck_assert_double_eq(a[i].images_per_second, b[i].images_per_second);
        ck_assert_double_eq(a[i].seconds, b[i].seconds);
        ck_assert(isnan(b[i].test_accuracy));
    }
    ocellus_history_destroy(written);
    ocellus_history_destroy(read);
}
END_TEST

/* Stopped in epoch 5, the last checkpoint is of epoch 3. */
START_TEST(resume_drops_what_comes_again)
{
    ocellus_history *history = create(0);
    char *straight, *resumed, *straight_lines, *resumed_lines;
    int i;

    for (i = 1; i <= 5; i++)
        add(history, i, i);
    ocellus_history_destroy(history);
    straight = read_text(csv);
    straight_lines = read_text(jsonl);
    history = create(3);
    ck_assert_int_eq(ocellus_history_count(history), 3);
    resumed = read_text(csv);
    ck_assert_uint_lt(strlen(resumed), strlen(straight));
    ck_assert_int_eq(strncmp(resumed, straight, strlen(resumed)), 0);
    free(resumed);
    add(history, 4, 4);
    add(history, 5, 5);
    ocellus_history_destroy(history);
    resumed = read_text(csv);
    resumed_lines = read_text(jsonl);
    ck_assert_str_eq(resumed, straight);
    ck_assert_str_eq(resumed_lines, straight_lines);
    free(straight);
    free(straight_lines);
    free(resumed);
    free(resumed_lines);
}
END_TEST

START_TEST(begins_anew)
{
    ocellus_history *history = create(0);
    char *text;

    add(history, 1, 1);
    ocellus_history_destroy(history);
    history = create(0);
    ck_assert_int_eq(ocellus_history_count(history), 0);
    text = read_text(csv);
    ck_assert_str_eq(text, HEAD);
    free(text);
    ocellus_history_destroy(history);
}
END_TEST

/* Columns by name: other order, one of a user's own, most of ours absent. */
START_TEST(reads_columns_by_name)
{
    ocellus_history *history;
    const ocellus_history_row *rows;

    put_text("note,test_loss,epoch\r\nwarm,0.5,2\r\n,,7\r\n\r\n");
    ck_assert_int_eq(ocellus_history_read(csv, &history), OCELLUS_OK);
    ck_assert_int_eq(ocellus_history_count(history), 2);
    rows = ocellus_history_rows(history);
    ck_assert_int_eq(rows[0].epoch, 2);
    ck_assert_double_eq(rows[0].test_loss, 0.5);
    ck_assert(isnan(rows[0].train_loss));
    ck_assert_int_eq(rows[1].epoch, 7);
    ck_assert(isnan(rows[1].test_loss));
    ocellus_history_destroy(history);
}
END_TEST

static const struct {
    const char *text;
    const char *said;
} torn[] = {
    {"", "names no column"},
    {"time,loss\n1,2\n", "names no column"},
    {"epoch,step\n1,2\n2\n", "line 3 has 1 cells where line 1 has 2"},
    {"epoch,step\n1,2\nx,3\n", "line 3: epoch is \"x\", not a number"},
    {"epoch,train_loss\n1,0.5y\n", "train_loss is \"0.5y\""},
    {"epoch,step\n,2\n", "epoch is \"\""},
    {"epoch,step\n1e99,2\n", "epoch is \"1e99\""},
    {"epoch,step\n2,2\n2,3\n", "line 3: epoch 2 does not come after"},
};

START_TEST(names_the_torn_line)
{
    ocellus_history *history;

    put_text(torn[_i].text);
    ck_assert_int_eq(ocellus_history_create(folder, 9, &history),
                     OCELLUS_BAD_DATA);
    ck_assert_ptr_null(history);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), torn[_i].said));
    ck_assert_ptr_nonnull(strstr(ocellus_error(), csv));
    ck_assert_int_eq(ocellus_history_read(csv, &history), OCELLUS_BAD_DATA);
}
END_TEST

START_TEST(refuses)
{
    ocellus_history *history;
    ocellus_history_row row = {.epoch = 1};

    ck_assert_int_eq(ocellus_history_create("no/such", 0, &history),
                     OCELLUS_IO);
    ck_assert_int_eq(ocellus_history_read("no/such", &history), OCELLUS_IO);
    ck_assert_int_eq(ocellus_history_create(NULL, 0, &history), OCELLUS_OK);
    ck_assert_int_eq(ocellus_history_add(history, &row), OCELLUS_OK);
    ck_assert_int_eq(ocellus_history_add(history, &row), OCELLUS_BAD_ARGUMENT);
    ck_assert_int_eq(ocellus_history_count(history), 1);
    ocellus_history_destroy(history);
    ocellus_history_destroy(NULL);
}
END_TEST

static void
add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, writes_csv);
    tcase_add_test(tests, writes_json_lines);
    tcase_add_test(tests, reads_back_the_same_bits);
    tcase_add_test(tests, resume_drops_what_comes_again);
    tcase_add_test(tests, begins_anew);
    tcase_add_test(tests, reads_columns_by_name);
    tcase_add_loop_test(tests, names_the_torn_line, 0,
                        (int)(sizeof(torn) / sizeof(torn[0])));
    tcase_add_test(tests, refuses);
}

int
main(void)
{
    return run_suite("history", add_tests);
}

/* metrics.c - the metrics against scikit-learn 1.9's numbers.
 *
 * In the small case class 3 is predicted but never a label, class 4 a label
 * but never predicted, class 5 neither. The numbers are those of
 * precision_recall_fscore_support(..., zero_division=0) and
 * top_k_accuracy_score(..., labels=range(7)).
 */
#include <math.h>
#include <stdlib.h>

#include <ocellus.h>

#include "tests/unit/suite.h"

#define EPS 1e-12

static const int64_t labels[] = {0, 0, 0, 0, 1, 1, 1, 2, 2,
                                 0, 1, 1, 2, 4, 2, 2, 2};
static const int64_t predictions[] = {0, 0, 1, 3, 1, 1, 0, 0, 1,
                                      0, 1, 3, 2, 0, 2, 2, 2};
#define SAMPLES (sizeof(labels) / sizeof(labels[0]))

static ocellus_metrics *
create(int classes)
{
    ocellus_metrics *metrics;

    ck_assert_int_eq(ocellus_metrics_create(classes, &metrics), OCELLUS_OK);
    return metrics;
}

static void
expect(ocellus_class_score score, double precision, double recall, double f1)
{
    ck_assert_double_eq_tol(score.precision, precision, EPS);
    ck_assert_double_eq_tol(score.recall, recall, EPS);
    ck_assert_double_eq_tol(score.f1, f1, EPS);
}

/* Two batches of unlike sizes come to the same as one. */
static ocellus_metrics *
small_case(size_t first)
{
    ocellus_metrics *metrics = create(6);

    ck_assert_int_eq(
        ocellus_metrics_add_predictions(metrics, predictions, labels, first),
        OCELLUS_OK);
    ck_assert_int_eq(
        ocellus_metrics_add_predictions(metrics, predictions + first,
                                        labels + first, SAMPLES - first),
        OCELLUS_OK);
    return metrics;
}

START_TEST(agrees_with_scikit_learn)
{
    static const int64_t confusion[36] = {3, 1, 0, 1, 0, 0, 1, 3, 0, 1, 0, 0,
                                          1, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                          1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    ocellus_metrics *m = small_case((size_t)_i);
    int i;

    for (i = 0; i < 36; i++)
        ck_assert_int_eq(ocellus_metrics_confusion(m)[i], confusion[i]);
    ck_assert_int_eq(ocellus_metrics_count(m), 17);
    ck_assert_int_eq(ocellus_metrics_classes(m), 6);
    ck_assert_double_eq_tol(ocellus_metrics_accuracy(m), 10.0 / 17, EPS);
    expect(ocellus_metrics_class(m, 0), 0.5, 0.6, 0.5454545454545454);
    expect(ocellus_metrics_class(m, 1), 0.6, 0.6, 0.6);
    expect(ocellus_metrics_class(m, 2), 1.0, 0.6666666666666666, 0.8);
    expect(ocellus_metrics_class(m, 3), 0, 0, 0);
    expect(ocellus_metrics_class(m, 4), 0, 0, 0);
    expect(ocellus_metrics_class(m, 5), 0, 0, 0);
    expect(ocellus_metrics_class(m, 6), 0, 0, 0);
    expect(ocellus_metrics_class(m, -1), 0, 0, 0);
    ck_assert_int_eq(ocellus_metrics_class(m, 2).support, 6);
    ck_assert_int_eq(ocellus_metrics_class(m, 2).predicted, 4);
    ck_assert_int_eq(ocellus_metrics_class(m, 3).support, 0);
    ck_assert_int_eq(ocellus_metrics_class(m, 3).predicted, 2);
    expect(ocellus_metrics_macro(m), 0.42, 0.37333333333333335,
           0.3890909090909091);
    expect(ocellus_metrics_weighted(m), 0.6764705882352942, 0.5882352941176471,
           0.6192513368983957);
    ck_assert_int_eq(ocellus_metrics_macro(m).support, 17);
    ocellus_metrics_destroy(m);
}
END_TEST

START_TEST(nothing_added)
{
    ocellus_metrics *m = small_case(5);

    ocellus_metrics_add_loss(m, 3, 10);
    ocellus_metrics_clear(m);
    ck_assert_int_eq(ocellus_metrics_count(m), 0);
    ck_assert_double_eq_tol(ocellus_metrics_accuracy(m), 0, EPS);
    ck_assert(isnan(ocellus_metrics_loss(m)));
    ck_assert(isnan(ocellus_metrics_top_k(m, 5)));
    expect(ocellus_metrics_macro(m), 0, 0, 0);
    expect(ocellus_metrics_weighted(m), 0, 0, 0);
    ocellus_metrics_destroy(m);
}
END_TEST

START_TEST(top_k_of_scores)
{
    static const float scores[5][7] = {
        {0.1F, 0.2F, 0.3F, 0.4F, 0, 0.9F, -1},
        {5, 4, 3, 2, 1, 0, -1},
        {0, 1, 2, 3, 4, 5, 6},
        {0.5F, -0.5F, 0.25F, 1.5F, 0.125F, -2, 0.75F},
        {9, 8, 7, 6, 5, 4, 3}};
    static const int64_t truth[5] = {3, 6, 0, 4, 0};
    ocellus_metrics *m = create(7);

    ck_assert_int_eq(ocellus_metrics_add_scores(m, &scores[0][0], truth, 5),
                     OCELLUS_OK);
    ck_assert_double_eq_tol(ocellus_metrics_top_k(m, 1), 0.2, EPS);
    ck_assert_double_eq_tol(ocellus_metrics_accuracy(m), 0.2, EPS);
    ck_assert_double_eq_tol(ocellus_metrics_top_k(m, 2), 0.4, EPS);
    ck_assert_double_eq_tol(ocellus_metrics_top_k(m, 3), 0.4, EPS);
    ck_assert_double_eq_tol(ocellus_metrics_top_k(m, 5), 0.6, EPS);
    ck_assert_double_eq_tol(ocellus_metrics_top_k(m, 6), 0.6, EPS);
    ck_assert_double_eq_tol(ocellus_metrics_top_k(m, 7), 1, EPS);
    ck_assert_double_eq_tol(ocellus_metrics_top_k(m, 99), 1, EPS);
    ck_assert_int_eq(ocellus_metrics_confusion(m)[3 * 7 + 5], 1);
    ck_assert_int_eq(ocellus_metrics_confusion(m)[4 * 7 + 3], 1);
    ocellus_metrics_destroy(m);
}
END_TEST

/* The first of equals wins; NaN loses against everything. */
START_TEST(ties_and_not_a_number)
{
    static const int64_t truth[4] = {0, 2, 1, 1};
    const float scores[4][3] = {
        {1, 1, 1}, {1, 1, 1}, {NAN, -5, -6}, {NAN, NAN, NAN}};
    ocellus_metrics *m = create(3);
    const int64_t *confusion = ocellus_metrics_confusion(m);

    ck_assert_int_eq(ocellus_metrics_add_scores(m, &scores[0][0], truth, 4),
                     OCELLUS_OK);
    ck_assert_int_eq(confusion[0 * 3 + 0], 1);
    ck_assert_int_eq(confusion[2 * 3 + 0], 1);
    ck_assert_int_eq(confusion[1 * 3 + 1], 1);
    ck_assert_int_eq(confusion[1 * 3 + 0], 1);
    ck_assert_double_eq_tol(ocellus_metrics_top_k(m, 1), 0.5, EPS);
    ck_assert_double_eq_tol(ocellus_metrics_top_k(m, 2), 0.75, EPS);
    ck_assert_double_eq_tol(ocellus_metrics_top_k(m, 3), 1, EPS);
    ocellus_metrics_destroy(m);
}
END_TEST

/* (2 * 10 + 5 * 2) / 12 */
START_TEST(loss_is_weighted_by_samples)
{
    ocellus_metrics *m = create(2);

    ocellus_metrics_add_loss(m, 2, 10);
    ocellus_metrics_add_loss(m, (double)NAN, 0);
    ocellus_metrics_add_loss(m, 5, 2);
    ck_assert_double_eq_tol(ocellus_metrics_loss(m), 2.5, EPS);
    ocellus_metrics_destroy(m);
}
END_TEST

START_TEST(refuses_a_whole_batch)
{
    static const int64_t low[3] = {0, 1, -1};
    static const int64_t high[3] = {0, 1, 2};
    static const int64_t good[3] = {0, 1, 1};
    static const float scores[6] = {0, 1, 0, 1, 0, 1};
    ocellus_metrics *m = create(2);

    ck_assert_int_eq(ocellus_metrics_add_scores(m, scores, high, 3),
                     OCELLUS_BAD_DATA);
    ck_assert_str_eq(ocellus_error(),
                     "label 2 of 3 is 2, outside of the 2 classes (0 to 1)");
    ck_assert_int_eq(ocellus_metrics_add_predictions(m, good, low, 3),
                     OCELLUS_BAD_DATA);
    ck_assert_int_eq(ocellus_metrics_add_predictions(m, high, good, 3),
                     OCELLUS_BAD_DATA);
    ck_assert_int_eq(ocellus_metrics_count(m), 0);
    ocellus_metrics_set_ignored_label(m, -1);
    ck_assert_int_eq(ocellus_metrics_add_scores(m, scores, low, 3), OCELLUS_OK);
    ck_assert_int_eq(ocellus_metrics_add_predictions(m, high, low, 3),
                     OCELLUS_OK);
    ck_assert_int_eq(ocellus_metrics_count(m), 4);
    ocellus_metrics_destroy(m);
}
END_TEST

START_TEST(refuses_strange_numbers_of_classes)
{
    ocellus_metrics *m;

    ck_assert_int_eq(ocellus_metrics_create(0, &m), OCELLUS_BAD_ARGUMENT);
    ck_assert_ptr_null(m);
    ck_assert_int_eq(ocellus_metrics_create(1000000, &m), OCELLUS_BAD_ARGUMENT);
    ocellus_metrics_destroy(NULL);
}
END_TEST

static void
add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, agrees_with_scikit_learn, 0, SAMPLES + 1);
    tcase_add_test(tests, nothing_added);
    tcase_add_test(tests, top_k_of_scores);
    tcase_add_test(tests, ties_and_not_a_number);
    tcase_add_test(tests, loss_is_weighted_by_samples);
    tcase_add_test(tests, refuses_a_whole_batch);
    tcase_add_test(tests, refuses_strange_numbers_of_classes);
}

int
main(void)
{
    return run_suite("metrics", add_tests);
}

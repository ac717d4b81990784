/* thread.c - lists that a few threads work off. */
#include <pthread.h>

#include "base/thread.h"
#include "tests/unit/suite.h"

struct marks {
    pthread_mutex_t lock;
    int count[1000];
    int now, most; /* at work at once */
    int bad;       /* this item and the one after it fail */
};

static ocellus_status
mark(void *context, int i)
{
    struct marks *marks = context;

    pthread_mutex_lock(&marks->lock);
    marks->count[i]++;
    marks->now++;
    if (marks->now > marks->most)
        marks->most = marks->now;
    pthread_mutex_unlock(&marks->lock);
    for (volatile int spin = 0; spin < 2000; spin++)
        continue;
    pthread_mutex_lock(&marks->lock);
    marks->now--;
    pthread_mutex_unlock(&marks->lock);
    if (marks->bad && (i == marks->bad || i == marks->bad + 1))
        return oc_fail(OCELLUS_BAD_DATA, "item %d", i);
    return OCELLUS_OK;
}

START_TEST(each_item_once)
{
    struct marks marks = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const int threads = _i;

    ck_assert_int_eq(oc_parallel(threads, 1000, mark, &marks), OCELLUS_OK);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(marks.count[i], 1);
    ck_assert_int_ge(marks.most, 1);
    ck_assert_int_le(marks.most, threads > 1 ? threads : 1);
    ck_assert_int_eq(oc_parallel(threads, 0, mark, &marks), OCELLUS_OK);
}
END_TEST

START_TEST(failure_is_carried_over)
{
    struct marks marks = {.lock = PTHREAD_MUTEX_INITIALIZER, .bad = 10};

    ck_assert_int_eq(oc_parallel(_i, 1000, mark, &marks), OCELLUS_BAD_DATA);
    ck_assert_str_eq(ocellus_error(), "item 10");
    ck_assert_int_eq(marks.count[999], 0);
}
END_TEST

START_TEST(counts_processors)
{
    ck_assert_int_ge(oc_thread_count(), 1);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, each_item_once, 0, 6);
    tcase_add_loop_test(tests, failure_is_carried_over, 1, 5);
    tcase_add_test(tests, counts_processors);
}

int
main(void)
{
    return run_suite("thread", add);
}

/* status.c - failures and the log. */
#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "base/status.h"
#include "tests/unit/suite.h"

START_TEST(keeps_one_sentence)
{
    ck_assert_str_eq(ocellus_error(), "");
    ck_assert_int_eq(oc_fail(OCELLUS_IO, "%s has %d bytes", "a.gz", 7),
                     OCELLUS_IO);
    ck_assert_str_eq(ocellus_error(), "a.gz has 7 bytes");
    ck_assert_int_eq(oc_fail_context(OCELLUS_BAD_DATA, "%s: ", "train"),
                     OCELLUS_BAD_DATA);
    ck_assert_str_eq(ocellus_error(), "train: a.gz has 7 bytes");
    oc_fail(OCELLUS_IO, "again, %s", ocellus_error());
    ck_assert_str_eq(ocellus_error(), "again, train: a.gz has 7 bytes");
}
END_TEST

START_TEST(cuts_what_is_too_long)
{
    char *long_text = calloc(1, 10001);

    memset(long_text, 'x', 10000);
    oc_fail(OCELLUS_BUILD_FAILED, "%s", long_text);
    ck_assert_uint_gt(strlen(ocellus_error()), 1000);
    ck_assert_uint_lt(strlen(ocellus_error()), 10000);
    oc_fail_context(OCELLUS_BUILD_FAILED, "front: ");
    ck_assert_int_eq(strncmp(ocellus_error(), "front: xxx", 10), 0);
    free(long_text);
}
END_TEST

static void *
fail_elsewhere(void *argument)
{
    const char **seen = argument;

    *seen = ocellus_error()[0] ? "not empty" : "empty";
    oc_fail(OCELLUS_IO, "elsewhere");
    return NULL;
}

START_TEST(each_thread_has_its_own)
{
    const char *seen = NULL;
    pthread_t thread;

    oc_fail(OCELLUS_IO, "here");
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_elsewhere, &seen), 0);
    pthread_join(thread, NULL);
    ck_assert_str_eq(seen, "empty");
    ck_assert_str_eq(ocellus_error(), "here");
}
END_TEST

static ocellus_status
hand_on(ocellus_status first, int *reached)
{
    OC_TRY(first);
    *reached = 1;
    return OCELLUS_OK;
}

START_TEST(try_hands_on)
{
    int reached = 0;

    ck_assert_int_eq(hand_on(OCELLUS_IO, &reached), OCELLUS_IO);
    ck_assert_int_eq(reached, 0);
    ck_assert_int_eq(hand_on(OCELLUS_OK, &reached), OCELLUS_OK);
    ck_assert_int_eq(reached, 1);
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(ocellus_status_name(OCELLUS_OK), "OK");
    ck_assert_str_eq(ocellus_status_name(OCELLUS_BAD_MODEL), "BAD_MODEL");
    ck_assert_str_eq(ocellus_status_name(OCELLUS_INTERNAL), "INTERNAL");
    ck_assert_str_eq(ocellus_status_name((ocellus_status)999),
                     "unknown status");
    ck_assert_str_eq(ocellus_status_name((ocellus_status)-1), "unknown status");
    ck_assert_ptr_nonnull(strchr(ocellus_version(), '.'));
}
END_TEST

struct heard {
    int lines;
    ocellus_log_level level;
    char line[64];
};

static void
hear(void *user, ocellus_log_level level, const char *line)
{
    struct heard *heard = user;

    heard->lines++;
    heard->level = level;
    strncpy(heard->line, line, sizeof(heard->line) - 1);
}

START_TEST(log_speaks_when_wanted)
{
    struct heard heard = {0};

    oc_log(OCELLUS_LOG_ERROR, "nobody listens");
    ocellus_set_log(hear, &heard, OCELLUS_LOG_INFO);
    ck_assert(oc_log_wanted(OCELLUS_LOG_INFO));
    ck_assert(!oc_log_wanted(OCELLUS_LOG_DEBUG));
    oc_log(OCELLUS_LOG_DEBUG, "too fine");
    ck_assert_int_eq(heard.lines, 0);
    oc_log(OCELLUS_LOG_WARNING, "%d of %d", 3, 4);
    ck_assert_int_eq(heard.lines, 1);
    ck_assert_int_eq(heard.level, OCELLUS_LOG_WARNING);
    ck_assert_str_eq(heard.line, "3 of 4");
    ocellus_set_log(NULL, NULL, OCELLUS_LOG_DEBUG);
    ck_assert(!oc_log_wanted(OCELLUS_LOG_ERROR));
    oc_log(OCELLUS_LOG_ERROR, "nobody again");
    ck_assert_int_eq(heard.lines, 1);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, keeps_one_sentence);
    tcase_add_test(tests, cuts_what_is_too_long);
    tcase_add_test(tests, each_thread_has_its_own);
    tcase_add_test(tests, try_hands_on);
    tcase_add_test(tests, names);
    tcase_add_test(tests, log_speaks_when_wanted);
}

int
main(void)
{
    return run_suite("status", add);
}

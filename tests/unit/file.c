/* file.c - whole files: atomic writing and reading. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"
#include "tests/unit/suite.h"

static char folder[64];
static char path[96];
static char part[112];

static void
setup(void)
{
    strcpy(folder, "file_test_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/it", folder);
    snprintf(part, sizeof(part), "%s.part", path);
}

static void
teardown(void)
{
    unlink(path);
    unlink(part);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void
expect(const char *name, const char *text)
{
    char *data;
    size_t bytes;

    ck_assert_int_eq(oc_file_read(name, 0, &data, &bytes), OCELLUS_OK);
    ck_assert_uint_eq(bytes, strlen(text));
    ck_assert_str_eq(data, text);
    free(data);
}

START_TEST(writes_and_replaces)
{
    ck_assert(!oc_file_exists(path));
    ck_assert_int_eq(oc_file_write_atomic(path, "longer", 6), OCELLUS_OK);
    expect(path, "longer");
    ck_assert_int_eq(oc_file_write_atomic(path, "new", 3), OCELLUS_OK);
    expect(path, "new");
    ck_assert_int_eq(oc_file_write_atomic(path, "", 0), OCELLUS_OK);
    expect(path, "");
    ck_assert(oc_file_exists(path));
    ck_assert(!oc_file_exists(part));
}
END_TEST

START_TEST(old_file_stays_until_commit)
{
    struct oc_file_out *out;

    ck_assert_int_eq(oc_file_write_atomic(path, "old", 3), OCELLUS_OK);
    ck_assert_int_eq(oc_file_begin(path, &out), OCELLUS_OK);
    ck_assert_int_eq(oc_file_add(out, "ne", 2), OCELLUS_OK);
    expect(path, "old");
    ck_assert_int_eq(oc_file_add(out, "w", 1), OCELLUS_OK);
    ck_assert_int_eq(oc_file_commit(out), OCELLUS_OK);
    expect(path, "new");
    ck_assert_int_eq(oc_file_begin(path, &out), OCELLUS_OK);
    ck_assert_int_eq(oc_file_add(out, "never", 5), OCELLUS_OK);
    oc_file_abandon(out);
    expect(path, "new");
    ck_assert(!oc_file_exists(part));
}
END_TEST

/* What a killed writer left, longer than what is written now. */
START_TEST(takes_over_a_stale_part)
{
    FILE *stale = fopen(part, "w");

    ck_assert_ptr_nonnull(stale);
    fputs("half of something long", stale);
    fclose(stale);
    ck_assert_int_eq(oc_file_write_atomic(path, "whole", 5), OCELLUS_OK);
    expect(path, "whole");
    ck_assert(!oc_file_exists(part));
}
END_TEST

START_TEST(full_disk_damages_nothing)
{
    struct rlimit old, small;
    char big[4096] = {0};

    ck_assert_int_eq(oc_file_write_atomic(path, "old", 3), OCELLUS_OK);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 1000;
    setrlimit(RLIMIT_FSIZE, &small);
    ck_assert_int_eq(oc_file_write_atomic(path, big, sizeof(big)), OCELLUS_IO);
    setrlimit(RLIMIT_FSIZE, &old);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "File too large"));
    expect(path, "old");
    ck_assert(!oc_file_exists(part));
    if (access("/dev/full", W_OK) == 0) {
        ck_assert_int_eq(oc_file_write_atomic("/dev/full", big, 16),
                         OCELLUS_IO);
        ck_assert_ptr_nonnull(strstr(ocellus_error(), "No space left"));
    }
}
END_TEST

START_TEST(follows_links)
{
    char link[112];
    struct stat there;

    snprintf(link, sizeof(link), "%s/link", folder);
    ck_assert_int_eq(oc_file_write_atomic(path, "old", 3), OCELLUS_OK);
    ck_assert_int_eq(symlink("it", link), 0);
    ck_assert_int_eq(oc_file_write_atomic(link, "new", 3), OCELLUS_OK);
    expect(path, "new");
    ck_assert_int_eq(lstat(link, &there), 0);
    ck_assert(S_ISLNK(there.st_mode));
    unlink(link);
}
END_TEST

START_TEST(says_what_is_wrong)
{
    char *data = path;
    size_t bytes = 7;

    ck_assert_int_eq(oc_file_read(path, 0, &data, &bytes), OCELLUS_IO);
    ck_assert_ptr_null(data);
    ck_assert_uint_eq(bytes, 0);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "No such file"));
    ck_assert_ptr_nonnull(strstr(ocellus_error(), path));
    ck_assert_int_eq(oc_file_read(folder, 0, &data, &bytes), OCELLUS_IO);
    ck_assert_int_eq(oc_file_write_atomic(folder, "x", 1), OCELLUS_IO);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "folder"));
    ck_assert_int_eq(oc_file_write_atomic("no/such/folder/x", "x", 1),
                     OCELLUS_IO);
}
END_TEST

START_TEST(keeps_the_limit)
{
    char *data;
    size_t bytes;

    ck_assert_int_eq(oc_file_write_atomic(path, "12345678", 8), OCELLUS_OK);
    ck_assert_int_eq(oc_file_read(path, 8, &data, &bytes), OCELLUS_OK);
    ck_assert_uint_eq(bytes, 8);
    free(data);
    ck_assert_int_eq(oc_file_read(path, 7, &data, &bytes), OCELLUS_BAD_DATA);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "7 bytes"));
    /* A file without a size of its own, longer than the first buffer. */
    ck_assert_int_eq(oc_file_read("/dev/zero", 300000, &data, &bytes),
                     OCELLUS_BAD_DATA);
}
END_TEST

static ocellus_status
write_pattern(void *context, int i)
{
    char data[20000];

    (void)context;
    memset(data, 'a' + i, sizeof(data));
    return oc_file_write_atomic(path, data, sizeof(data));
}

START_TEST(writers_exclude_each_other)
{
    char *data;
    size_t bytes, k;

    ck_assert_int_eq(oc_parallel(8, 26, write_pattern, NULL), OCELLUS_OK);
    ck_assert_int_eq(oc_file_read(path, 0, &data, &bytes), OCELLUS_OK);
    ck_assert_uint_eq(bytes, 20000);
    for (k = 1; k < bytes; k++)
        ck_assert_int_eq(data[k], data[0]);
    free(data);
    ck_assert(!oc_file_exists(part));
}
END_TEST

static void
add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, writes_and_replaces);
    tcase_add_test(tests, old_file_stays_until_commit);
    tcase_add_test(tests, takes_over_a_stale_part);
    tcase_add_test(tests, full_disk_damages_nothing);
    tcase_add_test(tests, follows_links);
    tcase_add_test(tests, says_what_is_wrong);
    tcase_add_test(tests, keeps_the_limit);
    tcase_add_test(tests, writers_exclude_each_other);
}

int
main(void)
{
    return run_suite("file", add_tests);
}

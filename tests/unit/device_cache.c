/* device_cache.c - the cache file: kept, bounded, damaged, shared, killed. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "device/cache.h"
#include "tests/unit/suite.h"

static char folder[64], path[128];
static int warnings;

static void
count_warnings(void *user, ocellus_log_level level, const char *line)
{
    (void)user;
    (void)line;
    warnings += level == OCELLUS_LOG_WARNING;
}

static void
setup(void)
{
    strcpy(folder, "/tmp/ocellus-cache-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    snprintf(path, sizeof(path), "%s/ocellus/cache.db", folder);
    warnings = 0;
    ocellus_set_log(count_warnings, NULL, OCELLUS_LOG_WARNING);
}

static void
teardown(void)
{
    char command[256];

    snprintf(command, sizeof(command), "chmod -R u+w %s; rm -rf %s", folder,
             folder);
    ck_assert_int_eq(system(command), 0);
}

static void
check_kept(struct oc_cache *cache, const char *key, const char *text)
{
    size_t bytes;
    char *got = oc_cache_get(cache, key, &bytes);

    if (!text) {
        ck_assert_ptr_null(got);
        return;
    }
    ck_assert_ptr_nonnull(got);
    ck_assert_uint_eq(bytes, strlen(text));
    ck_assert_mem_eq(got, text, bytes);
    free(got);
}

static void
put(struct oc_cache *cache, const char *key, const char *text)
{
    oc_cache_put(cache, key, "what it is", text, strlen(text));
}

START_TEST(what_is_kept_is_found_by_the_next)
{
    struct oc_cache *cache = oc_cache_open();
    char *text;

    put(cache, "a", "binary of a");
    put(cache, "b", "binary of b");
    put(cache, "a", "a again");
    oc_cache_set_verdict(cache, "probe", "device", "half", "yes");
    oc_cache_close(cache);
    cache = oc_cache_open();
    check_kept(cache, "a", "a again");
    check_kept(cache, "b", "binary of b");
    check_kept(cache, "c", NULL);
    oc_cache_drop(cache, "b");
    check_kept(cache, "b", NULL);
    text = oc_cache_verdict(cache, "probe", "device", "half");
    ck_assert_str_eq(text, "yes");
    free(text);
    ck_assert_ptr_null(oc_cache_verdict(cache, "probe", "device", "double"));
    ck_assert_ptr_null(oc_cache_verdict(cache, "doctor", "device", "half"));
    oc_cache_close(cache);
    ck_assert_int_eq(warnings, 0);
}
END_TEST

static int
count_entry(void *context, const struct oc_cache_entry *entry)
{
    ck_assert_str_eq(entry->what, "what it is");
    *(int64_t *)context += entry->bytes;
    return 0;
}

START_TEST(listed_and_cleared)
{
    struct oc_cache *cache = oc_cache_open();
    int64_t bytes = 0;
    int entries;

    put(cache, "a", "123");
    put(cache, "b", "12345");
    oc_cache_set_verdict(cache, "probe", "device", "half", "yes");
    oc_cache_close(cache);
    ck_assert_int_eq(oc_cache_list(count_entry, &bytes), OCELLUS_OK);
    ck_assert_int_eq(bytes, 8);
    ck_assert_int_eq(oc_cache_clear(&entries), OCELLUS_OK);
    ck_assert_int_eq(entries, 2);
    cache = oc_cache_open();
    check_kept(cache, "a", NULL);
    ck_assert_ptr_null(oc_cache_verdict(cache, "probe", "device", "half"));
    oc_cache_close(cache);
}
END_TEST

/* Runs SQL on the file behind the cache's back. */
static void
run_sql(const char *sql)
{
    char command[512];

    snprintf(command, sizeof(command), "sqlite3 %s \"%s\"", path, sql);
    ck_assert_int_eq(system(command), 0);
}

static int
have_sqlite3(void)
{
    return system("sqlite3 --version >/dev/null 2>&1") == 0;
}

START_TEST(bytes_that_changed_are_not_believed)
{
    struct oc_cache *cache = oc_cache_open();

    if (!have_sqlite3()) {
        oc_cache_close(cache);
        return;
    }
    put(cache, "a", "binary of a");
    oc_cache_close(cache);
    run_sql("UPDATE program SET binary = CAST('binary of b' AS BLOB)");
    cache = oc_cache_open();
    check_kept(cache, "a", NULL);
    put(cache, "a", "fresh");
    check_kept(cache, "a", "fresh");
    oc_cache_close(cache);
}
END_TEST

START_TEST(the_longest_unused_go)
{
    struct oc_cache *cache = oc_cache_open();

    if (!have_sqlite3()) {
        oc_cache_close(cache);
        return;
    }
    put(cache, "old", "old one");
    put(cache, "new", "new one");
    oc_cache_close(cache);
    run_sql("UPDATE program SET used = 1, bytes = 200000000 WHERE key = 'old';"
            "UPDATE program SET used = 2, bytes = 200000000 WHERE key = 'new'");
    cache = oc_cache_open();
    put(cache, "newest", "newest one");
    check_kept(cache, "old", NULL);
    check_kept(cache, "new", "new one");
    check_kept(cache, "newest", "newest one");
    oc_cache_close(cache);
}
END_TEST

static void
write_file(const char *to, const void *data, size_t bytes)
{
    FILE *file = fopen(to, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, bytes, file), bytes);
    fclose(file);
}

/* Twenty sorts of damage: garbage, an empty file, cuts, and runs of bytes
 * overwritten anywhere. Whatever happens, the cache works afterwards and never
 * gives wrong bytes. */
START_TEST(a_damaged_file_is_begun_anew)
{
    struct oc_cache *cache = oc_cache_open();
    size_t bytes, got_bytes;
    char *whole, *torn, *got, text[4000];

    memset(text, 'x', sizeof(text));
    for (int k = 0; k < 8; k++) {
        char key[2] = {(char)('a' + k), '\0'};

        oc_cache_put(cache, key, "what it is", text, sizeof(text));
    }
    oc_cache_close(cache);
    ck_assert_int_eq(oc_file_read(path, 0, &whole, &bytes), OCELLUS_OK);
    if (_i == 0) {
        write_file(path, "this is no database, but long enough to be read", 48);
    } else if (_i == 1) {
        write_file(path, "", 0);
    } else if (_i < 8) {
        write_file(path, whole, bytes * (size_t)(_i - 1) / 7);
    } else {
        torn = malloc(bytes);
        memcpy(torn, whole, bytes);
        for (size_t k = bytes * (size_t)(_i - 8) / 12, n = 0;
             k < bytes && n < 3000; k++, n++)
            torn[k] = (char)(k * 131 + n);
        write_file(path, torn, bytes);
        free(torn);
    }
    free(whole);
    cache = oc_cache_open();
    ck_assert_ptr_nonnull(cache);
    for (int k = 0; k < 8; k++) {
        char key[2] = {(char)('a' + k), '\0'};

        got = oc_cache_get(cache, key, &got_bytes);
        if (got) {
            ck_assert_uint_eq(got_bytes, sizeof(text));
            ck_assert_mem_eq(got, text, sizeof(text));
        }
        free(got);
    }
    put(cache, "new", "new one");
    oc_cache_close(cache);
    /* At the latest the second process finds it in order. */
    cache = oc_cache_open();
    ck_assert_ptr_nonnull(cache);
    put(cache, "z", "kept");
    oc_cache_close(cache);
    cache = oc_cache_open();
    check_kept(cache, "z", "kept");
    oc_cache_close(cache);
}
END_TEST

/* 0: what was kept is found, and nothing new is kept. */
static int
use_read_only(void)
{
    struct oc_cache *cache = oc_cache_open();
    size_t bytes;
    char *a = oc_cache_get(cache, "a", &bytes), *b;
    int wrong;

    put(cache, "b", "binary of b");
    b = oc_cache_get(cache, "b", &bytes);
    wrong = !cache || !a || b || warnings != 1;
    free(a);
    free(b);
    oc_cache_close(cache);
    return wrong;
}

/* As nobody, because the permissions do not bind root. */
START_TEST(a_read_only_folder)
{
    struct oc_cache *cache = oc_cache_open();
    char within[96];
    int status;
    pid_t child;

    put(cache, "a", "binary of a");
    oc_cache_close(cache);
    snprintf(within, sizeof(within), "%s/ocellus", folder);
    ck_assert_int_eq(chmod(path, 0444), 0);
    ck_assert_int_eq(chmod(within, 0555), 0);
    ck_assert_int_eq(chmod(folder, 0555), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(geteuid() == 0 && setuid(65534) != 0 ? 0 : use_read_only());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(nowhere_to_keep_anything)
{
    struct oc_cache *cache;
    size_t bytes;
    int entries;

    setenv("XDG_CACHE_HOME", "/dev/null", 1);
    cache = oc_cache_open();
    ck_assert_ptr_null(cache);
    ck_assert_int_eq(warnings, 1);
    ck_assert_ptr_null(oc_cache_get(cache, "a", &bytes));
    put(cache, "a", "nothing");
    oc_cache_drop(cache, "a");
    oc_cache_set_verdict(cache, "probe", "device", "half", "yes");
    ck_assert_ptr_null(oc_cache_verdict(cache, "probe", "device", "half"));
    oc_cache_close(cache);
    ck_assert_int_eq(oc_cache_clear(&entries), OCELLUS_IO);
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    ck_assert_ptr_null(oc_cache_open());
}
END_TEST

/* A child that keeps until it is killed or done; 0: it saw no wrong bytes. */
static int
keep_many(int who, int count)
{
    struct oc_cache *cache = oc_cache_open();

    for (int k = 0; k < count; k++) {
        char key[32], text[64];
        char *got;
        size_t bytes;

        snprintf(key, sizeof(key), "%d", k % 40);
        snprintf(text, sizeof(text), "the same bytes for key %d", k % 40);
        got = oc_cache_get(cache, key, &bytes);
        if (got && (bytes != strlen(text) || memcmp(got, text, bytes) != 0))
            return 1;
        free(got);
        if ((k + who) % 3 == 0)
            put(cache, key, text);
        if ((k + who) % 11 == 0)
            oc_cache_drop(cache, key);
    }
    oc_cache_close(cache);
    return 0;
}

START_TEST(several_processes_at_once)
{
    pid_t child[4];

    for (int k = 0; k < 4; k++) {
        child[k] = fork();
        ck_assert_int_ge(child[k], 0);
        if (child[k] == 0)
            _exit(keep_many(k, 200));
    }
    for (int k = 0; k < 4; k++) {
        int status;

        ck_assert_int_eq(waitpid(child[k], &status, 0), child[k]);
        ck_assert_int_eq(status, 0);
    }
    ck_assert_int_eq(keep_many(0, 40), 0);
    ck_assert_int_eq(warnings, 0);
}
END_TEST

START_TEST(a_killed_process_breaks_nothing)
{
    for (int k = 0; k < 10; k++) {
        int status;
        pid_t child = fork();

        ck_assert_int_ge(child, 0);
        if (child == 0)
            _exit(keep_many(k, 1000000));
        nanosleep(&(struct timespec){.tv_nsec = 3000000 + 7001000L * k}, NULL);
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(WIFSIGNALED(status), 1);
        ck_assert_int_eq(keep_many(0, 45), 0);
    }
    ck_assert_int_eq(warnings, 0);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_kept_is_found_by_the_next);
    tcase_add_test(tests, listed_and_cleared);
    tcase_add_test(tests, bytes_that_changed_are_not_believed);
    tcase_add_test(tests, the_longest_unused_go);
    tcase_add_loop_test(tests, a_damaged_file_is_begun_anew, 0, 20);
    tcase_add_test(tests, a_read_only_folder);
    tcase_add_test(tests, nowhere_to_keep_anything);
    tcase_add_test(tests, several_processes_at_once);
    tcase_add_test(tests, a_killed_process_breaks_nothing);
}

int
main(void)
{
    return run_suite("device_cache", add);
}

/* cache_file.c - finding and opening the cache's file.
 *
 * A rollback journal and not a write-ahead log, because a read-only folder
 * must be readable and a home on a network must work. A process that is killed
 * leaves a journal, which the next one rolls back.
 */
#include "device/cache_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

enum {
    FORMAT = 1,    /* PRAGMA user_version: another one is thrown away */
    BUSY_MS = 3000 /* how long another process may hold the file */
};

static const char tables[] =
    "CREATE TABLE IF NOT EXISTS program ("
    "  key TEXT PRIMARY KEY, what TEXT, digest TEXT, bytes INTEGER,"
    "  used INTEGER, binary BLOB) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS verdict ("
    "  kind TEXT, device TEXT, name TEXT, text TEXT, made INTEGER,"
    "  PRIMARY KEY (kind, device, name)) WITHOUT ROWID;";

/* ---- where ------------------------------------------------------------- */

/* Makes FOLDER and what is above it, as far as it can. */
static void
make_folders(char *folder)
{
    for (char *at = folder + 1; *at; at++)
        if (*at == '/') {
            *at = '\0';
            (void)mkdir(folder, 0777);
            *at = '/';
        }
    (void)mkdir(folder, 0777);
}

static ocellus_status
find_path(char **path, int make)
{
    const char *base = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    struct oc_text text = {0};

    *path = NULL;
    if (base && base[0] == '/')
        oc_text_printf(&text, "%s/ocellus", base);
    else if (home && home[0] == '/')
        oc_text_printf(&text, "%s/.cache/ocellus", home);
    else
        return oc_fail(OCELLUS_IO, "neither XDG_CACHE_HOME nor HOME names a "
                                   "folder, so nothing is cached");
    if (make && !text.failed)
        make_folders(text.data);
    oc_text_append(&text, "/cache.db");
    if (text.failed) {
        oc_text_free(&text);
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a file name");
    }
    *path = text.data;
    return OCELLUS_OK;
}

ocellus_status
oc_cache_path(char **path)
{
    return find_path(path, 0);
}

/* ---- opening ----------------------------------------------------------- */

int
oc_cache_is_broken(int code)
{
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB ||
           code == SQLITE_FORMAT;
}

static int
run_sql(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int
get_format(sqlite3 *db, int *format)
{
    sqlite3_stmt *query = NULL;
    int code = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &query, NULL);

    *format = 0;
    if (code == SQLITE_OK && (code = sqlite3_step(query)) == SQLITE_ROW) {
        *format = sqlite3_column_int(query, 0);
        code = SQLITE_OK;
    }
    sqlite3_finalize(query);
    return code;
}

/* Tables of our format, made where they are missing. In one transaction, so
 * that two processes that begin at once do not meet half of it. */
static int
prepare(sqlite3 *db, int read_only)
{
    char pragma[40];
    int format, code = get_format(db, &format);

    if (code != SQLITE_OK || format == FORMAT)
        return code;
    if (read_only)
        return SQLITE_READONLY;
    code = run_sql(db, "BEGIN IMMEDIATE");
    if (code != SQLITE_OK)
        return code;
    code = get_format(db, &format);
    if (code == SQLITE_OK && format != FORMAT) {
        snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", FORMAT);
        code = run_sql(db, "DROP TABLE IF EXISTS program;"
                           "DROP TABLE IF EXISTS verdict;");
        if (code == SQLITE_OK)
            code = run_sql(db, tables);
        if (code == SQLITE_OK)
            code = run_sql(db, pragma);
    }
    if (code == SQLITE_OK)
        code = run_sql(db, "COMMIT");
    if (code != SQLITE_OK)
        run_sql(db, "ROLLBACK");
    return code;
}

/* Reads a little of each table: a file whose first page is whole may be torn
 * further on. */
static int
check(sqlite3 *db)
{
    int code = run_sql(db, "SELECT key, bytes FROM program LIMIT 1;"
                           "SELECT name, text FROM verdict LIMIT 1;");

    return code == SQLITE_ERROR ? SQLITE_CORRUPT : code;
}

static int
open_at(const char *path, int read_only, sqlite3 **db)
{
    int flags = read_only ? SQLITE_OPEN_READONLY
                          : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int code = sqlite3_open_v2(path, db, flags, NULL);

    if (code == SQLITE_OK) {
        sqlite3_extended_result_codes(*db, 0);
        sqlite3_busy_timeout(*db, BUSY_MS);
        /* Lost power may cost the cache, which is safe to lose. */
        run_sql(*db, "PRAGMA synchronous = OFF");
        code = prepare(*db, read_only);
    }
    if (code == SQLITE_OK)
        code = check(*db);
    if (code != SQLITE_OK) {
        sqlite3_close(*db);
        *db = NULL;
    }
    return code;
}

/* Renames a broken file away, with its journal, which would otherwise be
 * rolled into the new one. */
void
oc_cache_set_aside(const char *path)
{
    struct oc_text to = {0}, journal = {0};

    oc_text_printf(&to, "%s.broken", path);
    oc_text_printf(&journal, "%s-journal", path);
    if (!to.failed && !journal.failed) {
        oc_log(OCELLUS_LOG_WARNING,
               "the kernel cache %s is damaged: it is set aside as %s and "
               "begun anew",
               path, to.data);
        if (rename(path, to.data) != 0)
            (void)unlink(path);
        (void)unlink(journal.data);
    }
    oc_text_free(&to);
    oc_text_free(&journal);
}

static int
open_any(const char *path, sqlite3 **db, int *read_only)
{
    int code = open_at(path, 0, db);

    *read_only = 0;
    if (oc_cache_is_broken(code)) {
        oc_cache_set_aside(path);
        code = open_at(path, 0, db);
    }
    if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY ||
        code == SQLITE_PERM) {
        *read_only = 1;
        code = open_at(path, 1, db);
    }
    return code;
}

struct oc_cache *
oc_cache_open(void)
{
    struct oc_cache *cache;
    char *path;
    int code;

    if (find_path(&path, 1) != OCELLUS_OK) {
        oc_log(OCELLUS_LOG_WARNING, "no kernel cache: %s", ocellus_error());
        return NULL;
    }
    cache = calloc(1, sizeof(*cache));
    if (!cache) {
        free(path);
        return NULL;
    }
    code = open_any(path, &cache->db, &cache->read_only);
    if (code != SQLITE_OK) {
        oc_log(OCELLUS_LOG_WARNING,
               "no kernel cache: %s cannot be used (%s); kernels are built "
               "again by each process",
               path, sqlite3_errstr(code));
        free(cache);
        free(path);
        return NULL;
    }
    if (cache->read_only)
        oc_log(OCELLUS_LOG_WARNING,
               "the kernel cache %s is read-only: new kernels are not kept",
               path);
    pthread_mutex_init(&cache->lock, NULL);
    free(path);
    return cache;
}

void
oc_cache_close(struct oc_cache *cache)
{
    if (!cache)
        return;
    sqlite3_close(cache->db);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

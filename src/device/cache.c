/* cache.c - binaries and verdicts in the cache's file (see cache.h).
 *
 * Every binary is kept with the digest of its bytes: one that does not fit is
 * dropped as if it were not there.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/log.h"
#include "device/cache_file.h"

/* Seconds between notes that an entry was used. */
enum { USED_EVERY = 6 * 3600 };

/* ---- statements -------------------------------------------------------- */

/* Damage that shows later: this process goes on without, the next one sets
 * the file aside when it opens it, or finds it whole. */
static void
give_up(struct oc_cache *cache, int code)
{
    const char *path = sqlite3_db_filename(cache->db, "main");

    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE ||
        code == SQLITE_CONSTRAINT || cache->failed)
        return;
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        oc_log(OCELLUS_LOG_INFO, "the kernel cache is busy: left alone");
        return;
    }
    cache->failed = 1;
    oc_log(OCELLUS_LOG_WARNING, "the kernel cache is not used any more: %s",
           sqlite3_errmsg(cache->db));
    if (oc_cache_is_broken(code) && !cache->read_only && path && path[0])
        oc_cache_set_aside(path);
}

/* Binds texts until NULL. */
static sqlite3_stmt *
start(struct oc_cache *cache, const char *sql, const char *a, const char *b,
      const char *c)
{
    const char *text[3] = {a, b, c};
    sqlite3_stmt *query = NULL;
    int code;

    if (cache->failed)
        return NULL;
    code = sqlite3_prepare_v2(cache->db, sql, -1, &query, NULL);
    if (code != SQLITE_OK) {
        give_up(cache, code);
        return NULL;
    }
    for (int k = 0; k < 3 && text[k]; k++)
        sqlite3_bind_text(query, k + 1, text[k], -1, SQLITE_STATIC);
    return query;
}

static void
finish(struct oc_cache *cache, sqlite3_stmt *query)
{
    if (query) {
        give_up(cache, sqlite3_step(query));
        sqlite3_finalize(query);
    }
}

static void
digest_of(const void *data, size_t bytes, char text[33])
{
    struct oc_digest digest;

    oc_digest_start(&digest);
    oc_digest_add(&digest, data, bytes);
    oc_digest_text(&digest, text);
}

/* ---- binaries ---------------------------------------------------------- */

static void
drop(struct oc_cache *cache, const char *key)
{
    if (!cache->read_only)
        finish(cache, start(cache, "DELETE FROM program WHERE key = ?1", key,
                            NULL, NULL));
}

static void
note_used(struct oc_cache *cache, const char *key, int64_t used)
{
    int64_t now = (int64_t)time(NULL);
    sqlite3_stmt *query;

    if (cache->read_only || (now - used < USED_EVERY && now >= used))
        return;
    query = start(cache, "UPDATE program SET used = ?2 WHERE key = ?1", key,
                  NULL, NULL);
    if (query)
        sqlite3_bind_int64(query, 2, now);
    finish(cache, query);
}

/* 1: the row's bytes are what they were when they were kept. */
static int
take(sqlite3_stmt *query, void **binary, size_t *bytes)
{
    const unsigned char *kept = sqlite3_column_text(query, 0);
    const void *blob = sqlite3_column_blob(query, 2);
    int length = sqlite3_column_bytes(query, 2);
    char digest[33];

    if (!kept || !blob || length <= 0)
        return 0;
    digest_of(blob, (size_t)length, digest);
    if (strcmp(digest, (const char *)kept) != 0)
        return 0;
    *binary = malloc((size_t)length);
    if (!*binary)
        return 0;
    memcpy(*binary, blob, (size_t)length);
    *bytes = (size_t)length;
    return 1;
}

void *
oc_cache_get(struct oc_cache *cache, const char *key, size_t *bytes)
{
    void *binary = NULL;
    int64_t used = 0;
    sqlite3_stmt *query;
    int code;

    *bytes = 0;
    if (!cache)
        return NULL;
    pthread_mutex_lock(&cache->lock);
    query = start(cache,
                  "SELECT digest, used, binary FROM program "
                  "WHERE key = ?1",
                  key, NULL, NULL);
    code = query ? sqlite3_step(query) : SQLITE_DONE;
    if (code == SQLITE_ROW) {
        used = sqlite3_column_int64(query, 1);
        if (!take(query, &binary, bytes))
            used = -1;
    } else {
        give_up(cache, code);
    }
    sqlite3_finalize(query);
    if (code == SQLITE_ROW && used < 0)
        drop(cache, key);
    else if (code == SQLITE_ROW)
        note_used(cache, key, used);
    pthread_mutex_unlock(&cache->lock);
    return binary;
}

/* The longest unused go until the rest fits. */
static void
bound(struct oc_cache *cache)
{
    sqlite3_stmt *query =
        start(cache,
              "DELETE FROM program WHERE key IN (SELECT key FROM (SELECT key, "
              "SUM(bytes) OVER (ORDER BY used DESC, key) AS total "
              "FROM program) WHERE total > ?1)",
              NULL, NULL, NULL);

    if (query)
        sqlite3_bind_int64(query, 1, OC_CACHE_LIMIT);
    finish(cache, query);
}

void
oc_cache_put(struct oc_cache *cache, const char *key, const char *what,
             const void *binary, size_t bytes)
{
    char digest[33];
    sqlite3_stmt *query;

    if (!cache || cache->read_only || bytes == 0 ||
        bytes > (size_t)OC_CACHE_LIMIT / 4)
        return;
    digest_of(binary, bytes, digest);
    pthread_mutex_lock(&cache->lock);
    query = start(cache,
                  "INSERT OR REPLACE INTO program (key, what, digest, bytes, "
                  "used, binary) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                  key, what, digest);
    if (query) {
        sqlite3_bind_int64(query, 4, (sqlite3_int64)bytes);
        sqlite3_bind_int64(query, 5, (sqlite3_int64)time(NULL));
        sqlite3_bind_blob64(query, 6, binary, bytes, SQLITE_STATIC);
        finish(cache, query);
        bound(cache);
    }
    pthread_mutex_unlock(&cache->lock);
}

int
oc_cache_takes(const struct oc_cache *cache)
{
    return cache && !cache->read_only && !cache->failed;
}

void
oc_cache_drop(struct oc_cache *cache, const char *key)
{
    if (!cache)
        return;
    pthread_mutex_lock(&cache->lock);
    drop(cache, key);
    pthread_mutex_unlock(&cache->lock);
}

/* ---- verdicts ---------------------------------------------------------- */

char *
oc_cache_verdict(struct oc_cache *cache, const char *kind, const char *device,
                 const char *name)
{
    char *text = NULL;
    sqlite3_stmt *query;
    int code;

    if (!cache)
        return NULL;
    pthread_mutex_lock(&cache->lock);
    query = start(cache,
                  "SELECT text FROM verdict WHERE kind = ?1 AND "
                  "device = ?2 AND name = ?3",
                  kind, device, name);
    code = query ? sqlite3_step(query) : SQLITE_DONE;
    if (code == SQLITE_ROW && sqlite3_column_text(query, 0)) {
        size_t bytes = (size_t)sqlite3_column_bytes(query, 0);

        text = malloc(bytes + 1);
        if (text) {
            memcpy(text, sqlite3_column_text(query, 0), bytes);
            text[bytes] = '\0';
        }
    } else {
        give_up(cache, code);
    }
    sqlite3_finalize(query);
    pthread_mutex_unlock(&cache->lock);
    return text;
}

void
oc_cache_set_verdict(struct oc_cache *cache, const char *kind,
                     const char *device, const char *name, const char *text)
{
    sqlite3_stmt *query;

    if (!cache || cache->read_only)
        return;
    pthread_mutex_lock(&cache->lock);
    query = start(cache,
                  "INSERT OR REPLACE INTO verdict (kind, device, name, text, "
                  "made) VALUES (?1, ?2, ?3, ?4, ?5)",
                  kind, device, name);
    if (query) {
        sqlite3_bind_text(query, 4, text, -1, SQLITE_STATIC);
        sqlite3_bind_int64(query, 5, (sqlite3_int64)time(NULL));
    }
    finish(cache, query);
    pthread_mutex_unlock(&cache->lock);
}

void
oc_cache_verdicts(struct oc_cache *cache, const char *kind, const char *device,
                  int (*each)(void *context, const char *device,
                              const char *name, const char *text),
                  void *context)
{
    sqlite3_stmt *query;
    int code = SQLITE_DONE;

    if (!cache)
        return;
    pthread_mutex_lock(&cache->lock);
    query = start(cache,
                  "SELECT device, name, text FROM verdict WHERE kind = ?1 AND "
                  "(?2 IS NULL OR device = ?2) ORDER BY device, name",
                  kind, device, NULL);
    while (query && (code = sqlite3_step(query)) == SQLITE_ROW) {
        const char *of = (const char *)sqlite3_column_text(query, 0);
        const char *name = (const char *)sqlite3_column_text(query, 1);
        const char *text = (const char *)sqlite3_column_text(query, 2);

        if (of && name && text && each(context, of, name, text))
            break;
    }
    give_up(cache, code);
    sqlite3_finalize(query);
    pthread_mutex_unlock(&cache->lock);
}

int
oc_cache_drop_verdicts(struct oc_cache *cache, const char *kind)
{
    int dropped = -1;

    if (!oc_cache_takes(cache))
        return -1;
    pthread_mutex_lock(&cache->lock);
    finish(cache, start(cache, "DELETE FROM verdict WHERE kind = ?1", kind,
                        NULL, NULL));
    if (!cache->failed)
        dropped = sqlite3_changes(cache->db);
    pthread_mutex_unlock(&cache->lock);
    return dropped;
}

/* ---- for people -------------------------------------------------------- */

ocellus_status
oc_cache_list(int (*each)(void *context, const struct oc_cache_entry *entry),
              void *context)
{
    struct oc_cache *cache = oc_cache_open();
    sqlite3_stmt *query;

    if (!cache)
        return oc_fail(OCELLUS_IO, "the kernel cache cannot be opened");
    query = start(cache,
                  "SELECT key, what, bytes, used FROM program "
                  "ORDER BY used DESC, what",
                  NULL, NULL, NULL);
    while (query && sqlite3_step(query) == SQLITE_ROW) {
        struct oc_cache_entry entry = {
            .key = (const char *)sqlite3_column_text(query, 0),
            .what = (const char *)sqlite3_column_text(query, 1),
            .bytes = sqlite3_column_int64(query, 2),
            .used = sqlite3_column_int64(query, 3),
        };

        if (each(context, &entry))
            break;
    }
    sqlite3_finalize(query);
    oc_cache_close(cache);
    return OCELLUS_OK;
}

ocellus_status
oc_cache_clear(int *entries)
{
    struct oc_cache *cache = oc_cache_open();
    int code;

    *entries = 0;
    if (!cache)
        return oc_fail(OCELLUS_IO, "the kernel cache cannot be opened");
    code = sqlite3_exec(cache->db, "DELETE FROM program", NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        *entries = sqlite3_changes(cache->db);
        code = sqlite3_exec(cache->db, "DELETE FROM verdict", NULL, NULL, NULL);
    }
    if (code == SQLITE_OK)
        code = sqlite3_exec(cache->db, "VACUUM", NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        oc_fail(OCELLUS_IO, "the kernel cache cannot be cleared: %s",
                sqlite3_errmsg(cache->db));
        oc_cache_close(cache);
        return OCELLUS_IO;
    }
    oc_cache_close(cache);
    return OCELLUS_OK;
}

/* cache_file.h - the cache's file itself: where it lies, how it is opened, and
 * what happens to a broken one. */
#ifndef OC_DEVICE_CACHE_FILE_H
#define OC_DEVICE_CACHE_FILE_H

#include <pthread.h>
#include <sqlite3.h>

#include "device/cache.h"

struct oc_cache {
    sqlite3 *db;
    int read_only;
    int failed; /* gave up: one warning, then silence */
    pthread_mutex_t lock;
};

/* A result code that says that the file itself is damaged. */
int oc_cache_is_broken(int code);
/* Renames a broken file away; a warning to the log. */
void oc_cache_set_aside(const char *path);

#endif

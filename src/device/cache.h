/* cache.h - what is worth keeping between processes: program binaries, and
 * verdicts of probes, the doctor and the tuner.
 *
 * One SQLite file, $XDG_CACHE_HOME/ocellus/cache.db or ~/.cache/ocellus/
 * cache.db. It may be lost at any moment: nothing in it is needed, everything
 * is checked before it is believed, and no function here is able to stop a
 * run. A file that SQLite cannot read is set aside (cache.db.broken) and begun
 * anew, with a warning to the log. Processes share it.
 */
#ifndef OC_DEVICE_CACHE_H
#define OC_DEVICE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct oc_cache;

/* The most that the binaries may take together; the longest unused go first. */
#define OC_CACHE_LIMIT ((int64_t)256 << 20)

/* NULL when no file can be opened (with a line to the log): all functions
 * below take a NULL cache and then find nothing and keep nothing. */
struct oc_cache *oc_cache_open(void);
void oc_cache_close(struct oc_cache *cache);

/* A malloc'ed binary, or NULL. */
void *oc_cache_get(struct oc_cache *cache, const char *key, size_t *bytes);
/* what: words for a reader of the list ("conv -DTILE=8, Some Device"). */
void oc_cache_put(struct oc_cache *cache, const char *key, const char *what,
                  const void *binary, size_t bytes);
void oc_cache_drop(struct oc_cache *cache, const char *key);
/* 1: it can be written, as far as is known. NULL is fine. */
int oc_cache_takes(const struct oc_cache *cache);

/* A verdict: (kind, device's identity, name) -> text. kind: "probe", "doctor",
 * "tune". Malloc'ed, or NULL. */
char *oc_cache_verdict(struct oc_cache *cache, const char *kind,
                       const char *device, const char *name);
void oc_cache_set_verdict(struct oc_cache *cache, const char *kind,
                          const char *device, const char *name,
                          const char *text);
/* Calls back for each verdict of a kind, by name; stops when each() returns
 * nonzero. device NULL: those of all devices, by device. */
void oc_cache_verdicts(struct oc_cache *cache, const char *kind,
                       const char *device,
                       int (*each)(void *context, const char *device,
                                   const char *name, const char *text),
                       void *context);
/* Forgets all verdicts of a kind; how many there were, or -1: the file cannot
 * be written. */
int oc_cache_drop_verdicts(struct oc_cache *cache, const char *kind);

struct oc_cache_entry {
    const char *key, *what;
    int64_t bytes;
    int64_t used; /* seconds since 1970 */
};
/* For `ocellus cache`: opens the file by itself. The path into a malloc'ed
 * text; OCELLUS_IO when there is no place for a cache at all. */
ocellus_status oc_cache_path(char **path);
ocellus_status oc_cache_list(int (*each)(void *context,
                                         const struct oc_cache_entry *entry),
                             void *context);
/* Removes everything, verdicts too; *entries says how many. */
ocellus_status oc_cache_clear(int *entries);

#endif

/* file.h - whole files in and out.
 *
 * A file is written beside its place (PATH.part), synced, and renamed over it,
 * then the folder is synced: whoever looks, after a kill at any moment or on a
 * full disk, finds either the old file or the new one, whole. The name of the
 * part is fixed and locked while it is written, so a killed process leaves one
 * part at most, which the next writer takes over, and two processes wait for
 * each other. A link at PATH is followed; what is no regular file (a pipe,
 * /dev/stdout) is written directly.
 */
#ifndef OC_BASE_FILE_H
#define OC_BASE_FILE_H

#include <stddef.h>

#include "base/status.h"

/* One buffer as a whole file. OCELLUS_IO with errno's text; then the old file
 * is as it was. */
ocellus_status oc_file_write_atomic(const char *path, const void *data,
                                    size_t bytes);

/* The same in pieces, for what should not stand in memory twice. After a
 * failed add the file is still to be given to oc_file_abandon. */
struct oc_file_out;
ocellus_status oc_file_begin(const char *path, struct oc_file_out **out);
ocellus_status oc_file_add(struct oc_file_out *out, const void *data,
                           size_t bytes);
/* Syncs and renames; releases `out` whether it succeeds or not. */
ocellus_status oc_file_commit(struct oc_file_out *out);
/* Leaves the old file as it was; NULL is fine. */
void oc_file_abandon(struct oc_file_out *out);

/* A whole file into malloc'd memory, with a NUL behind it that `bytes` does
 * not count; the caller frees. limit: the most bytes wanted, 0 for any number;
 * a longer file is OCELLUS_BAD_DATA. Cannot be read: OCELLUS_IO. On failure
 * *data is NULL and *bytes 0. */
ocellus_status oc_file_read(const char *path, size_t limit, char **data,
                            size_t *bytes);

/* 1: something is there under this name. */
int oc_file_exists(const char *path);

#endif

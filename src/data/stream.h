/* stream.h - reading a file from front to back, gzip-compressed or not.
 *
 * What a header declares is never believed: memory grows with the bytes that
 * really come. */
#ifndef OC_DATA_STREAM_H
#define OC_DATA_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct oc_stream {
    void *file; /* zlib's gzFile */
    char *path;
    uint64_t at; /* bytes read so far, uncompressed */
};

ocellus_status oc_stream_open(const char *path, struct oc_stream *stream);
void oc_stream_close(struct oc_stream *stream); /* also a zeroed one */

/* Up to `bytes`; *got is smaller only at the file's end. OCELLUS_BAD_DATA for
 * a cut or damaged gzip file, OCELLUS_IO for the system's refusals. */
ocellus_status oc_stream_read(struct oc_stream *stream, void *to, size_t bytes,
                              size_t *got);
/* Exactly `bytes`; `what` is for the sentence: "its header". */
ocellus_status oc_stream_need(struct oc_stream *stream, void *to, size_t bytes,
                              const char *what);
/* Up to `most` bytes into malloc'd memory that grows as they come. */
ocellus_status oc_stream_load(struct oc_stream *stream, size_t most,
                              uint8_t **data, size_t *got);
/* OCELLUS_BAD_DATA when anything is left. */
ocellus_status oc_stream_end(struct oc_stream *stream);

#endif

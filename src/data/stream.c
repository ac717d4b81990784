/* stream.c - plain and gzip-compressed files through zlib, which hands plain
 * ones through as they are. */
#include "data/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#define FIRST_PIECE ((size_t)1 << 20)
#define MOST_AT_ONCE ((size_t)1 << 30)

ocellus_status
oc_stream_open(const char *path, struct oc_stream *stream)
{
    memset(stream, 0, sizeof *stream);
    stream->path = strdup(path);
    if (stream->path == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to open %s", path);
    errno = 0;
    stream->file = gzopen(path, "rb");
    if (stream->file == NULL) {
        int why = errno;

        oc_stream_close(stream);
        return oc_fail(why == 0 ? OCELLUS_OUT_OF_MEMORY : OCELLUS_IO,
                       "cannot open %s: %s", path,
                       why == 0 ? "no memory" : strerror(why));
    }
    gzbuffer(stream->file, 1u << 17);
    return OCELLUS_OK;
}

void
oc_stream_close(struct oc_stream *stream)
{
    if (stream->file != NULL)
        gzclose(stream->file);
    free(stream->path);
    memset(stream, 0, sizeof *stream);
}

static ocellus_status
explain(struct oc_stream *stream)
{
    int code;
    const char *words = gzerror(stream->file, &code);
    size_t length = strlen(stream->path);

    /* zlib puts the path in front itself. */
    if (strncmp(words, stream->path, length) == 0 && words[length] == ':')
        words += length + 1 + (words[length + 1] == ' ');

    if (code == Z_ERRNO)
        return oc_fail(OCELLUS_IO, "cannot read %s: %s", stream->path,
                       strerror(errno));
    if (code == Z_BUF_ERROR)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: the gzip file is cut off; %llu bytes came out of "
                       "it",
                       stream->path, (unsigned long long)stream->at);
    return oc_fail(OCELLUS_BAD_DATA,
                   "%s: the gzip file is damaged behind byte %llu: %s",
                   stream->path, (unsigned long long)stream->at, words);
}

ocellus_status
oc_stream_read(struct oc_stream *stream, void *to, size_t bytes, size_t *got)
{
    uint8_t *at = to;
    int code;

    *got = 0;
    while (*got < bytes) {
        size_t piece = bytes - *got;
        int n;

        if (piece > MOST_AT_ONCE)
            piece = MOST_AT_ONCE;
        n = gzread(stream->file, at + *got, (unsigned)piece);
        if (n < 0)
            return explain(stream);
        if (n == 0)
            break;
        *got += (size_t)n;
        stream->at += (uint64_t)n;
    }
    gzerror(stream->file, &code);
    return code < 0 ? explain(stream) : OCELLUS_OK;
}

ocellus_status
oc_stream_need(struct oc_stream *stream, void *to, size_t bytes,
               const char *what)
{
    uint64_t before = stream->at;
    size_t got;

    OC_TRY(oc_stream_read(stream, to, bytes, &got));
    if (got < bytes)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: %s needs %zu bytes at %llu, but only %zu are there",
                       stream->path, what, bytes, (unsigned long long)before,
                       got);
    return OCELLUS_OK;
}

ocellus_status
oc_stream_load(struct oc_stream *stream, size_t most, uint8_t **data,
               size_t *got)
{
    size_t room = 0, have = 0, came;
    uint8_t *bytes = NULL;

    *data = NULL;
    *got = 0;
    do {
        size_t next = room == 0 ? FIRST_PIECE : room * 2;
        uint8_t *larger;
        ocellus_status status;

        if (next > most || next < room)
            next = most;
        larger = realloc(bytes, next != 0 ? next : 1);
        if (larger == NULL) {
            free(bytes);
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "%s: no memory for %zu bytes",
                           stream->path, next);
        }
        bytes = larger;
        status = oc_stream_read(stream, bytes + have, next - have, &came);
        if (status != OCELLUS_OK) {
            free(bytes);
            return status;
        }
        have += came;
        room = next;
    } while (have == room && room < most);
    *data = bytes;
    *got = have;
    return OCELLUS_OK;
}

ocellus_status
oc_stream_end(struct oc_stream *stream)
{
    uint64_t before = stream->at;
    uint8_t one;
    size_t got;

    OC_TRY(oc_stream_read(stream, &one, 1, &got));
    if (got != 0)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: goes on behind the %llu bytes that its header "
                       "declares",
                       stream->path, (unsigned long long)before);
    return OCELLUS_OK;
}

/* file.c - whole files in and out: beside, sync, rename.
 *
 * The part is locked with flock(), which belongs to the open file and not to
 * the process, so threads exclude each other too. Between opening and locking
 * another writer may have renamed the part away; then the lock is on what has
 * become the finished file, and the part is opened again. Where a file system
 * knows no locks, writing goes on without.
 */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct oc_file_out {
    char *path;   /* where it shall be, links followed */
    char *part;   /* where it is written; NULL: directly */
    int fd;       /* -1 once closed */
    size_t bytes; /* written so far */
};

static ocellus_status
fail_write(const struct oc_file_out *out, const char *what)
{
    int error = errno;

    if (error == ENOSPC || error == EDQUOT)
        return oc_fail(OCELLUS_IO,
                       "%s: %s after %zu bytes while trying to %s; free some "
                       "space or choose another folder (nothing that was "
                       "there is damaged)",
                       out->path, strerror(error), out->bytes, what);
    return oc_fail(OCELLUS_IO, "%s: cannot %s: %s", out->path, what,
                   strerror(error));
}

static void
release(struct oc_file_out *out)
{
    if (out->fd >= 0)
        (void)close(out->fd);
    free(out->path);
    free(out->part);
    free(out);
}

/* The name behind links where the file is there, else the name itself. */
static char *
resolve(const char *path)
{
    char *real = realpath(path, NULL);
    size_t length = strlen(path) + 1;

    if (real || errno == ENOMEM)
        return real;
    real = malloc(length);
    if (real)
        memcpy(real, path, length);
    return real;
}

static int
is_special(const char *path)
{
    struct stat there;

    return stat(path, &there) == 0 && !S_ISREG(there.st_mode) &&
           !S_ISDIR(there.st_mode);
}

static int
is_same_file(int fd, const char *path)
{
    struct stat a, b;

    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* Opens the part and owns it: locked, and still under its name. */
static int
open_part(const char *part)
{
    for (;;) {
        int fd = open(part, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        int error;

        if (fd < 0)
            return -1;
        while (flock(fd, LOCK_EX) != 0 && errno == EINTR)
            continue;
        if (is_same_file(fd, part)) {
            if (ftruncate(fd, 0) == 0)
                return fd;
            error = errno;
            (void)close(fd);
            errno = error;
            return -1;
        }
        (void)close(fd);
    }
}

static ocellus_status
open_out(struct oc_file_out *out)
{
    struct stat there;
    size_t length = strlen(out->path);

    if (stat(out->path, &there) == 0 && S_ISDIR(there.st_mode))
        return oc_fail(OCELLUS_IO, "%s: is a folder, not a file", out->path);
    out->part = malloc(length + sizeof(".part"));
    if (!out->part)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a file name");
    memcpy(out->part, out->path, length);
    memcpy(out->part + length, ".part", sizeof(".part"));
    out->fd = open_part(out->part);
    if (out->fd < 0)
        return fail_write(out, "create it");
    return OCELLUS_OK;
}

ocellus_status
oc_file_begin(const char *path, struct oc_file_out **result)
{
    struct oc_file_out *out = calloc(1, sizeof(*out));
    ocellus_status status = OCELLUS_OK;

    *result = NULL;
    if (!out)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to write %s", path);
    out->fd = -1;
    out->path = resolve(path);
    if (!out->path) {
        status = oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to write %s", path);
    } else if (is_special(out->path)) {
        out->fd = open(out->path, O_WRONLY | O_CLOEXEC);
        if (out->fd < 0)
            status = fail_write(out, "open it");
    } else {
        status = open_out(out);
    }
    if (status != OCELLUS_OK) {
        release(out);
        return status;
    }
    *result = out;
    return OCELLUS_OK;
}

ocellus_status
oc_file_add(struct oc_file_out *out, const void *data, size_t bytes)
{
    const char *from = data;

    while (bytes > 0) {
        /* Linux takes at most 2 GiB a call. */
        size_t piece = bytes < (size_t)1 << 30 ? bytes : (size_t)1 << 30;
        ssize_t done = write(out->fd, from, piece);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return fail_write(out, "write it");
        from += done;
        bytes -= (size_t)done;
        out->bytes += (size_t)done;
    }
    return OCELLUS_OK;
}

/* A rename is durable once its folder is. Some file systems cannot sync a
 * folder, and some folders may not be read: the rename holds all the same. */
static void
sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + 1 : 1;
    char *folder = malloc(length + 1);
    int fd;

    if (!folder)
        return;
    memcpy(folder, slash ? path : ".", length);
    folder[length] = '\0';
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (fd < 0)
        return;
    (void)fsync(fd);
    (void)close(fd);
}

ocellus_status
oc_file_commit(struct oc_file_out *out)
{
    ocellus_status status = OCELLUS_OK;

    if (!out->part) {
        int fd = out->fd;

        out->fd = -1;
        if (close(fd) != 0)
            status = fail_write(out, "close it");
        release(out);
        return status;
    }
    /* Renamed before it is closed: the lock must cover the rename. */
    if (fsync(out->fd) != 0)
        status = fail_write(out, "bring it to the disk");
    else if (rename(out->part, out->path) != 0)
        status = fail_write(out, "rename its part");
    if (status != OCELLUS_OK) {
        oc_file_abandon(out);
        return status;
    }
    sync_folder(out->path);
    release(out);
    return OCELLUS_OK;
}

void
oc_file_abandon(struct oc_file_out *out)
{
    if (!out)
        return;
    if (out->part)
        (void)unlink(out->part);
    release(out);
}

ocellus_status
oc_file_write_atomic(const char *path, const void *data, size_t bytes)
{
    struct oc_file_out *out;
    ocellus_status status;

    OC_TRY(oc_file_begin(path, &out));
    status = oc_file_add(out, data, bytes);
    if (status != OCELLUS_OK) {
        oc_file_abandon(out);
        return status;
    }
    return oc_file_commit(out);
}

/* Room for the whole of a regular file at once, and for one byte more to see
 * its end and to hold the NUL. */
static size_t
first_room(int fd, size_t limit)
{
    struct stat there;
    size_t room = 65536;

    if (fstat(fd, &there) == 0 && S_ISREG(there.st_mode) && there.st_size > 0 &&
        (uintmax_t)there.st_size < SIZE_MAX / 2)
        room = (size_t)there.st_size + 1;
    if (limit && limit < SIZE_MAX && room > limit + 1)
        room = limit + 1;
    return room;
}

static ocellus_status
too_long(const char *path, size_t limit)
{
    return oc_fail(OCELLUS_BAD_DATA,
                   "%s: is longer than the %zu bytes that it may have", path,
                   limit);
}

static ocellus_status
read_all(int fd, const char *path, size_t limit, char **data, size_t *bytes)
{
    size_t room = first_room(fd, limit);
    char *grown = malloc(room);

    for (;;) {
        ssize_t got;

        if (!grown)
            return oc_fail(OCELLUS_OUT_OF_MEMORY,
                           "%s: no memory for %zu bytes of it", path, room);
        *data = grown;
        got = read(fd, *data + *bytes, room - *bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return oc_fail(OCELLUS_IO, "%s: cannot read it: %s", path,
                           strerror(errno));
        if (got == 0)
            break;
        *bytes += (size_t)got;
        if (limit && *bytes > limit)
            return too_long(path, limit);
        if (*bytes == room) {
            room = room < SIZE_MAX / 2 ? room * 2 : SIZE_MAX;
            grown = realloc(*data, room);
        }
    }
    (*data)[*bytes] = '\0';
    return OCELLUS_OK;
}

ocellus_status
oc_file_read(const char *path, size_t limit, char **data, size_t *bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ocellus_status status;

    *data = NULL;
    *bytes = 0;
    if (fd < 0)
        return oc_fail(OCELLUS_IO, "%s: cannot open it: %s", path,
                       strerror(errno));
    status = read_all(fd, path, limit, data, bytes);
    (void)close(fd);
    if (status != OCELLUS_OK) {
        free(*data);
        *data = NULL;
        *bytes = 0;
    }
    return status;
}

int
oc_file_exists(const char *path)
{
    struct stat there;

    return stat(path, &there) == 0;
}

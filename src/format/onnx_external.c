/* onnx_external.c - numbers that lie in a file beside the model's.
 *
 * The location comes from the model, so it is not believed: relative, without
 * "..", no component of it may be a link, and the file may have no second name;
 * else a model could read any file of its user.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/onnx_inside.h"

struct place {
    const char *location;
    int64_t offset, length; /* length -1: not said */
};

static ocellus_status
number(const char *text, int64_t *value)
{
    char *end;
    errno = 0;
    long long got = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || got < 0)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "'%.40s' is no place in a file of numbers", text);
    *value = got;
    return OCELLUS_OK;
}

static ocellus_status
read_place(const oc_onnx_tensor *t, struct place *place)
{
    *place = (struct place){NULL, 0, -1};
    for (size_t k = 0; k < t->n_external_data; k++) {
        const char *key = t->external_data[k]->key;
        const char *value = t->external_data[k]->value;
        if (key == NULL || value == NULL)
            continue;
        if (strcmp(key, "location") == 0)
            place->location = value;
        else if (strcmp(key, "offset") == 0)
            OC_TRY(number(value, &place->offset));
        else if (strcmp(key, "length") == 0)
            OC_TRY(number(value, &place->length));
    }
    if (place->location == NULL || place->location[0] == '\0')
        return oc_fail(OCELLUS_BAD_MODEL, "it does not say in which file");
    return OCELLUS_OK;
}

static ocellus_status
open_folder(struct oc_onnx_file *file)
{
    if (file->folder >= 0)
        return OCELLUS_OK;
    const char *slash = strrchr(file->path, '/');
    char *folder = slash ? strdup(file->path) : strdup(".");
    if (folder == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a name");
    if (slash != NULL)
        folder[slash == file->path ? 1 : slash - file->path] = '\0';
    file->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ocellus_status status = file->folder >= 0
                                ? OCELLUS_OK
                                : oc_fail(OCELLUS_IO, "%s cannot be opened: %s",
                                          folder, strerror(errno));
    free(folder);
    return status;
}

/* One component after the other, none of them a link. */
static ocellus_status
walk(int folder, char *path, const char *location, int *fd)
{
    int at = dup(folder);
    char *name = path;
    while (at >= 0 && name != NULL) {
        char *rest = strchr(name, '/');
        int how = rest ? O_DIRECTORY : O_NONBLOCK;
        if (rest != NULL)
            *rest++ = '\0';
        if (name[0] == '\0' || strcmp(name, ".") == 0 ||
            strcmp(name, "..") == 0) {
            close(at);
            return oc_fail(OCELLUS_BAD_MODEL,
                           "'%s' is no plain path within the model's folder",
                           location);
        }
        int next = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | how);
        int why = errno;
        close(at);
        at = next;
        errno = why;
        name = rest;
    }
    *fd = at;
    if (at >= 0)
        return OCELLUS_OK;
    if (errno == ELOOP || errno == ENOTDIR)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "'%s' is a link or leads through one: put the file "
                       "itself into the model's folder",
                       location);
    return oc_fail(OCELLUS_IO, "its file '%s' cannot be opened: %s", location,
                   strerror(errno));
}

static ocellus_status
read_all(int fd, const struct place *place, void *data, size_t bytes)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return oc_fail(OCELLUS_BAD_MODEL, "'%s' is no regular file",
                       place->location);
    if (info.st_nlink > 1)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "'%s' has more than one name in its file system, so it "
                       "may be a file from elsewhere: put a copy of it into "
                       "the model's folder",
                       place->location);
    if (place->offset > info.st_size ||
        bytes > (uint64_t)(info.st_size - place->offset))
        return oc_fail(OCELLUS_BAD_MODEL,
                       "it wants %zu bytes from byte %lld of '%s', which has "
                       "%lld",
                       bytes, (long long)place->offset, place->location,
                       (long long)info.st_size);
    for (size_t done = 0; data != NULL && done < bytes;) {
        ssize_t got = pread(fd, (char *)data + done, bytes - done,
                            (off_t)(place->offset + (int64_t)done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return oc_fail(OCELLUS_IO, "'%s' cannot be read: %s",
                           place->location,
                           got < 0 ? strerror(errno) : "it became shorter");
        done += (size_t)got;
    }
    return OCELLUS_OK;
}

ocellus_status
oc_onnx_external(struct oc_onnx_file *file, const oc_onnx_tensor *tensor,
                 void *data, size_t bytes)
{
    struct place place;
    int fd = -1;
    OC_TRY(read_place(tensor, &place));
    if (place.length >= 0 && (uint64_t)place.length != bytes)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "it has %lld bytes in '%s'; its shape takes %zu",
                       (long long)place.length, place.location, bytes);
    OC_TRY(open_folder(file));
    char *path = strdup(place.location);
    if (path == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a name");
    ocellus_status status = walk(file->folder, path, place.location, &fd);
    free(path);
    OC_TRY(status);
    status = read_all(fd, &place, data, bytes);
    close(fd);
    return status;
}

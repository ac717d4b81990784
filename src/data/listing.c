/* listing.c - folders and lists of names. */
#include "data/listing.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/file.h"

#define MOST_NAME_FILE_BYTES ((size_t)16 << 20)

static ocellus_status
add(struct oc_listing *listing, const char *name, size_t length)
{
    char *copy = strndup(name, length);

    if (copy == NULL || !oc_grow(&listing->name, listing->count, &listing->room,
                                 sizeof *listing->name)) {
        free(copy);
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %d names",
                       listing->count + 1);
    }
    listing->name[listing->count++] = copy;
    return OCELLUS_OK;
}

static int
by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

ocellus_status
oc_listing_read(const char *folder, struct oc_listing *listing)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    ocellus_status status = OCELLUS_OK;

    memset(listing, 0, sizeof *listing);
    if (dir == NULL)
        return oc_fail(OCELLUS_IO, "cannot read the folder %s: %s", folder,
                       strerror(errno));
    while (status == OCELLUS_OK && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.')
            status = add(listing, entry->d_name, strlen(entry->d_name));
    }
    closedir(dir);
    if (status != OCELLUS_OK)
        oc_listing_free(listing);
    else if (listing->count > 1)
        qsort(listing->name, (size_t)listing->count, sizeof *listing->name,
              by_bytes);
    return status;
}

void
oc_listing_free(struct oc_listing *listing)
{
    for (int i = 0; i < listing->count; i++)
        free(listing->name[i]);
    free(listing->name);
    memset(listing, 0, sizeof *listing);
}

const char *
oc_listing_find(const struct oc_listing *listing, const char *name)
{
    size_t length = strlen(name);
    const char *packed = NULL;

    for (int i = 0; i < listing->count; i++) {
        const char *here = listing->name[i];

        if (strncmp(here, name, length) != 0)
            continue;
        if (here[length] == '\0')
            return here;
        if (strcmp(here + length, ".gz") == 0)
            packed = here;
    }
    return packed;
}

int
oc_is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

char *
oc_path_join(const char *folder, const char *name)
{
    size_t a = strlen(folder), b = strlen(name);
    int slash = a > 0 && folder[a - 1] != '/';
    char *path = malloc(a + b + 2);

    if (path == NULL)
        return NULL;
    memcpy(path, folder, a);
    if (slash)
        path[a++] = '/';
    memcpy(path + a, name, b + 1);
    return path;
}

static int
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

ocellus_status
oc_listing_lines(const char *path, struct oc_listing *lines)
{
    char *text;
    size_t bytes;
    ocellus_status status = OCELLUS_OK;

    memset(lines, 0, sizeof *lines);
    if (!oc_file_exists(path))
        return OCELLUS_OK;
    OC_TRY(oc_file_read(path, MOST_NAME_FILE_BYTES, &text, &bytes));
    for (char *at = text; *at != '\0' && status == OCELLUS_OK;) {
        size_t length = strcspn(at, "\n");
        char *next = at + length + (at[length] == '\n');

        while (length > 0 && is_space(at[length - 1]))
            length--;
        while (length > 0 && is_space(*at))
            at++, length--;
        if (length > 0)
            status = add(lines, at, length);
        at = next;
    }
    free(text);
    if (status != OCELLUS_OK)
        oc_listing_free(lines);
    return status;
}

/* data_folder.h - a temporary folder for tests that read data files, and files
 * put there; it goes with all that it holds. */
#ifndef TESTS_UNIT_DATA_FOLDER_H
#define TESTS_UNIT_DATA_FOLDER_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "tests/unit/suite.h"

#define WANT(call)                                                             \
    do {                                                                       \
        ocellus_status want_ = (call);                                         \
        ck_assert_msg(want_ == OCELLUS_OK, "%s: %s", #call, ocellus_error());  \
    } while (0)

static char folder[64];

static inline void
make_folder(void)
{
    strcpy(folder, "data_test_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static inline void
remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        size_t room = strlen(path) + strlen(entry->d_name) + 2;
        char *name = malloc(room);

        ck_assert_ptr_nonnull(name);
        snprintf(name, room, "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0 && unlink(name) != 0)
            remove_tree(name);
        free(name);
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(path);
}

static inline void
remove_folder(void)
{
    remove_tree(folder);
}

/* The path of a name within the folder; good until the fourth next call. */
static inline const char *
within_folder(const char *name)
{
    static char path[4][256];
    static int turn;

    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static inline void
put(const char *name, const void *data, size_t bytes)
{
    FILE *file = fopen(within_folder(name), "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, bytes, file), bytes);
    ck_assert_int_eq(fclose(file), 0);
}

static inline void
put_packed(const char *name, const void *data, size_t bytes)
{
    gzFile file = gzopen(within_folder(name), "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzwrite(file, data, (unsigned)bytes), (int)bytes);
    ck_assert_int_eq(gzclose(file), Z_OK);
}

static inline void
put_folder(const char *name)
{
    ck_assert_int_eq(mkdir(within_folder(name), 0777), 0);
}

/* A file's bytes; the caller frees. */
static inline uint8_t *
fetch(const char *name, size_t *bytes)
{
    FILE *file = fopen(within_folder(name), "rb");
    uint8_t *data = malloc(1 << 20);

    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(data);
    *bytes = fread(data, 1, 1 << 20, file);
    fclose(file);
    return data;
}

/* The last sentence has these words in it. */
static inline void
want_words(const char *words)
{
    ck_assert_msg(strstr(ocellus_error(), words) != NULL, "'%s' is not in: %s",
                  words, ocellus_error());
}

#endif

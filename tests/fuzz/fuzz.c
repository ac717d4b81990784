/* fuzz.c - files for the targets, in memory where the system has such. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64], path[128];
void (*fuzz_take)(const void *data, size_t size);
unsigned fuzz_accepted;

static void
give_up(const char *what)
{
    perror(what);
    abort();
}

static void
clean(void)
{
    DIR *all = opendir(folder);
    if (all == NULL)
        return;
    for (struct dirent *one; (one = readdir(all)) != NULL;)
        if (one->d_name[0] != '.')
            unlink(fuzz_path(one->d_name));
    closedir(all);
    rmdir(folder);
}

const char *
fuzz_folder(void)
{
    if (folder[0] == '\0') {
        const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(folder, sizeof folder, "%s/ocellus-fuzz-XXXXXX", where);
        if (mkdtemp(folder) == NULL)
            give_up(folder);
        atexit(clean);
    }
    return folder;
}

const char *
fuzz_path(const char *name)
{
    snprintf(path, sizeof path, "%s/%.60s", fuzz_folder(), name);
    return path;
}

const char *
fuzz_file(const char *name, const void *data, size_t size)
{
    int fd = open(fuzz_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        give_up(path);
    close(fd);
    return path;
}

void
fuzz_seed(const void *data, size_t size)
{
    if (fuzz_take != NULL)
        fuzz_take(data, size);
}

void
fuzz_accept(void)
{
    fuzz_accepted++;
}

void
fuzz_seed_file(const char *name)
{
    static char bytes[1 << 20];
    FILE *file = fopen(name, "rb");
    if (file == NULL)
        give_up(name);
    fuzz_seed(bytes, fread(bytes, 1, sizeof bytes, file));
    fclose(file);
}

void
fuzz_check(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "accepted, though %s\n", what);
    abort();
}

void
fuzz_touch(const void *data, size_t bytes)
{
    static volatile unsigned sum;
    for (size_t i = 0; i < bytes; i++)
        sum += ((const unsigned char *)data)[i];
}

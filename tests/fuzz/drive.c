/* drive.c - a target without libFuzzer.
 *
 *     tests/fuzz/NAME                 its seeds, cut at every place and spoilt
 *                                     in many ways, the same ones each time
 *     tests/fuzz/NAME FILE...         these inputs
 *     tests/fuzz/NAME --seeds FOLDER  writes the seeds there
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ocellus.h>

enum { SECONDS_EACH = 20, MOST_CUTS = 200, SPOILT = 2000, MOST_SEEDS = 32 };

struct bytes {
    uint8_t *data;
    size_t size;
};
static struct bytes seed[MOST_SEEDS];
static int seeds;
static uint64_t state = 1;

static uint32_t
any(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 33) % below);
}

static void
keep(const void *data, size_t size)
{
    if (seeds == MOST_SEEDS)
        abort();
    seed[seeds].data = malloc(size + 64);
    if (seed[seeds].data == NULL)
        abort();
    memcpy(seed[seeds].data, data, size);
    seed[seeds++].size = size;
}

/* An input that takes too long ends the process. A copy of the exact size, so
 * that a sanitizer sees a read behind its end. */
static void
feed(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (copy == NULL)
        abort();
    memcpy(copy, data, size);
    alarm(SECONDS_EACH);
    LLVMFuzzerTestOneInput(copy, size);
    alarm(0);
    free(copy);
}

/* A number that is often one too many. */
static uint8_t
tempting(void)
{
    static const uint8_t value[] = {0, 1, 2, 8, 127, 128, 254, 255};
    return any(3) ? value[any(sizeof value)] : (uint8_t)any(256);
}

static void
spoil(struct bytes *b)
{
    size_t at = any((uint32_t)b->size), n = 1 + any(8);
    n = n < b->size - at ? n : b->size - at;
    switch (any(4)) {
    case 0: /* one bit */
        b->data[at] = (uint8_t)(b->data[at] ^ (1u << any(8)));
        break;
    case 1: /* some bytes */
        memset(b->data + at, tempting(), n);
        break;
    case 2: /* some bytes of another place */
        memmove(b->data + at, b->data + any((uint32_t)(b->size - n + 1)), n);
        break;
    default: /* some bytes are gone */
        memmove(b->data + at, b->data + at + n, b->size - at - n);
        b->size -= n;
    }
}

static void
torture(const struct bytes *sound)
{
    size_t step = sound->size / MOST_CUTS + 1;
    struct bytes spoilt = {malloc(sound->size + 1), 0};
    if (spoilt.data == NULL)
        abort();
    unsigned before = fuzz_accepted;
    feed(sound->data, sound->size);
    if (fuzz_accepted == before) {
        printf("not ok - a sound seed was refused: %s\n", ocellus_error());
        exit(1);
    }
    for (size_t size = 0; size < sound->size; size += step)
        feed(sound->data, size);
    for (int k = 0; k < SPOILT; k++) {
        spoilt.size = sound->size;
        memcpy(spoilt.data, sound->data, sound->size);
        for (int times = 1 + (int)any(4); times > 0 && spoilt.size > 0; times--)
            spoil(&spoilt);
        feed(spoilt.data, spoilt.size);
    }
    free(spoilt.data);
}

/* The address sanitizer's shadow takes more; gcc and clang say so apart. */
#if defined(__SANITIZE_ADDRESS__)
#define SHADOWED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHADOWED 1
#endif
#endif

static void
bound_memory(void)
{
#if !defined(SHADOWED)
    const struct rlimit most = {(rlim_t)3 << 30, (rlim_t)3 << 30};
    setrlimit(RLIMIT_AS, &most);
#endif
}

static int
write_seeds(const char *folder)
{
    char path[512];
    for (int k = 0; k < seeds; k++) {
        snprintf(path, sizeof path, "%.400s/seed-%d", folder, k);
        FILE *file = fopen(path, "wb");
        if (file == NULL ||
            fwrite(seed[k].data, 1, seed[k].size, file) != seed[k].size ||
            fclose(file) != 0) {
            perror(path);
            return 1;
        }
    }
    return 0;
}

static int
feed_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    long size = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    uint8_t *data = size < 0 ? NULL : malloc((size_t)size + 1);
    if (data == NULL || fseek(file, 0, SEEK_SET) != 0 ||
        fread(data, 1, (size_t)size, file) != (size_t)size) {
        perror(path);
        return 1;
    }
    fclose(file);
    feed(data, (size_t)size);
    free(data);
    return 0;
}

int
main(int argc, char **argv)
{
    int status = 0;
    fuzz_take = keep;
    fuzz_seeds();
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
        return write_seeds(argv[2]);
    bound_memory();
    for (int k = 1; k < argc; k++)
        status |= feed_file(argv[k]);
    for (int k = 0; argc == 1 && k < seeds; k++)
        torture(&seed[k]);
    for (int k = 0; k < seeds; k++)
        free(seed[k].data);
    if (argc == 1)
        printf("%s - %d seeds, cut and spoilt\n", seeds ? "ok" : "not ok",
               seeds);
    return seeds ? status : 1;
}

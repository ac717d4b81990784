/* idx.c - the IDX files of MNIST and its relatives (yann.lecun.com/exdb/mnist):
 * two zero bytes, a type, the number of dimensions, each dimension as 32 bits
 * with the high byte first, then the numbers. Bytes are the only type that
 * image sets use. */
#include "data/dataset.h"
#include "data/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define IDX_BYTES 0x08

struct idx {
    uint32_t dim[3];
    size_t size; /* product of the dimensions */
    uint8_t *data;
};

static uint32_t
big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
           (uint32_t)at[2] << 8 | at[3];
}

static ocellus_status
read_header(struct oc_stream *stream, int rank, struct idx *idx)
{
    uint8_t bytes[16];
    uint64_t size = 1;

    OC_TRY(oc_stream_need(stream, bytes, 4, "the header"));
    if (bytes[0] != 0 || bytes[1] != 0 || bytes[2] != IDX_BYTES ||
        bytes[3] != rank)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: begins with %02x%02x%02x%02x; an IDX file of bytes "
                       "with %d dimension%s begins with 000008%02x",
                       stream->path, bytes[0], bytes[1], bytes[2], bytes[3],
                       rank, rank == 1 ? "" : "s", (unsigned)rank);
    OC_TRY(oc_stream_need(stream, bytes, 4 * (size_t)rank, "the header"));
    for (int k = 0; k < rank; k++) {
        idx->dim[k] = big_endian(bytes + 4 * k);
        if (idx->dim[k] != 0 && size > INT64_MAX / idx->dim[k])
            return oc_fail(OCELLUS_BAD_DATA,
                           "%s: the header declares %u x %u x %u bytes, which "
                           "no file can hold",
                           stream->path, idx->dim[0], idx->dim[1], idx->dim[2]);
        size *= idx->dim[k];
    }
    idx->size = (size_t)size;
    return OCELLUS_OK;
}

static ocellus_status
read_body(struct oc_stream *stream, int rank, struct idx *idx)
{
    size_t got;

    OC_TRY(read_header(stream, rank, idx));
    OC_TRY(oc_stream_load(stream, idx->size, &idx->data, &got));
    if (got < idx->size)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: the header declares %zu bytes (%u items), but only "
                       "%zu are there",
                       stream->path, idx->size, idx->dim[0], got);
    return oc_stream_end(stream);
}

static ocellus_status
read_file(const char *folder, const char *name, int rank, struct idx *idx)
{
    char *path = oc_path_join(folder, name);
    struct oc_stream stream;
    ocellus_status status;

    memset(idx, 0, sizeof *idx);
    if (path == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a path");
    status = oc_stream_open(path, &stream);
    free(path);
    if (status == OCELLUS_OK) {
        status = read_body(&stream, rank, idx);
        oc_stream_close(&stream);
    }
    if (status != OCELLUS_OK) {
        free(idx->data);
        idx->data = NULL;
    }
    return status;
}

/* Which words name the images of a store. */
static const char *const words[][3] = {
    {"train-images", NULL, NULL},
    {"val-images", "validation-images", NULL},
    {"t10k-images", "test-images", NULL},
};

static int
names_images(const char *name, const char *word)
{
    const char *kind;

    if (strstr(name, word) == NULL)
        return 0;
    kind = strstr(name, "idx3-ubyte");
    return kind != NULL && (strcmp(kind, "idx3-ubyte") == 0 ||
                            strcmp(kind, "idx3-ubyte.gz") == 0);
}

/* The name of a store's images, or NULL; *more: another set of the same kind,
 * which is not the same file packed. */
static const char *
find_images(const struct oc_listing *names, int store, const char **more)
{
    const char *found = NULL;

    *more = NULL;
    for (int w = 0; words[store][w] != NULL; w++) {
        for (int i = 0; i < names->count; i++) {
            const char *name = names->name[i];

            if (!names_images(name, words[store][w]))
                continue;
            if (found == NULL)
                found = name;
            else if (strncmp(found, name, strlen(found)) != 0 ||
                     strcmp(name + strlen(found), ".gz") != 0)
                *more = name;
        }
    }
    return found;
}

static int
looks(const char *folder, const struct oc_listing *names)
{
    const char *more;

    (void)folder;
    return find_images(names, OCELLUS_TRAIN, &more) != NULL ||
           find_images(names, OCELLUS_TEST, &more) != NULL;
}

/* train-images-idx3-ubyte -> train-labels-idx1-ubyte, as it lies there. */
static ocellus_status
find_labels(const struct oc_listing *names, const char *images,
            const char **labels)
{
    char *wanted = strdup(images), *at;

    *labels = NULL;
    if (wanted == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a name");
    at = strstr(wanted, "images");
    memcpy(at, "labels", 6);
    at = strstr(wanted, "idx3");
    at[3] = '1';
    at[strlen("idx1-ubyte")] = '\0';
    *labels = oc_listing_find(names, wanted);
    if (*labels == NULL)
        oc_fail(OCELLUS_BAD_DATA, "there is %s, but no %s or %s.gz", images,
                wanted, wanted);
    free(wanted);
    return *labels != NULL ? OCELLUS_OK : OCELLUS_BAD_DATA;
}

static ocellus_status
join(const char *images, const char *labels, struct idx *x, struct idx *y,
     struct oc_store *store)
{
    const int64_t chw[3] = {1, x->dim[1], x->dim[2]};

    if (x->dim[0] != y->dim[0])
        return oc_fail(OCELLUS_BAD_DATA, "%s holds %u images, but %s %u labels",
                       images, x->dim[0], labels, y->dim[0]);
    OC_TRY(oc_store_shape(store, images, x->dim[0], chw));
    OC_TRY(oc_store_labels(store, y->dim[0]));
    for (uint32_t i = 0; i < y->dim[0]; i++)
        store->label[i] = y->data[i];
    store->bytes = x->data;
    x->data = NULL;
    store->read = oc_store_read_bytes;
    store->count = y->dim[0];
    return OCELLUS_OK;
}

static ocellus_status
read_store(const char *folder, const struct oc_listing *names, int which,
           struct oc_store *store)
{
    const char *more, *images = find_images(names, which, &more), *labels;
    struct idx x = {.data = NULL}, y = {.data = NULL};
    ocellus_status status;

    if (images == NULL)
        return OCELLUS_OK;
    if (more != NULL)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s holds both %s and %s; put each data set into a "
                       "folder of its own",
                       folder, images, more);
    OC_TRY(find_labels(names, images, &labels));
    status = read_file(folder, labels, 1, &y);
    if (status == OCELLUS_OK)
        status = read_file(folder, images, 3, &x);
    if (status == OCELLUS_OK)
        status = join(images, labels, &x, &y, store);
    free(x.data);
    free(y.data);
    return status;
}

/* How many labels are there, and how many of them occur? */
static int
labels_of(const struct oc_store *store, int *occur)
{
    int seen[256] = {0}, most = -1;

    *occur = 0;
    for (int64_t i = 0; i < store->count; i++) {
        *occur += !seen[store->label[i]];
        seen[store->label[i]] = 1;
        most = store->label[i] > most ? store->label[i] : most;
    }
    return most + 1;
}

/* A damaged label makes a class that nobody has heard of. In the test files
 * that is an error; in the training files a label may be rare or unused. */
static ocellus_status
check_labels(const char *folder, const struct ocellus_dataset *dataset)
{
    const struct oc_store *train = &dataset->store[OCELLUS_TRAIN];
    int occur, known = labels_of(train, &occur);

    if (occur < known)
        oc_log(OCELLUS_LOG_WARNING,
               "%s: the training labels go up to %d, but only %d of these %d "
               "classes occur",
               folder, known - 1, occur, known);
    for (int s = 0; s < 3; s++)
        for (int64_t i = 0; known > 0 && i < dataset->store[s].count; i++)
            if (dataset->store[s].label[i] >= known)
                return oc_fail(OCELLUS_BAD_DATA,
                               "%s: label %d of %s image %lld is beyond those "
                               "of the training images, 0 to %d",
                               folder, (int)dataset->store[s].label[i],
                               s == OCELLUS_TEST ? "test" : "validation",
                               (long long)i, known - 1);
    return OCELLUS_OK;
}

static ocellus_status
read(const char *folder, const struct oc_listing *names,
     struct ocellus_dataset *dataset)
{
    for (int s = 0; s < 3; s++)
        OC_TRY(read_store(folder, names, s, &dataset->store[s]));
    return check_labels(folder, dataset);
}

const struct oc_reader oc_idx_reader = {"idx", looks, read};

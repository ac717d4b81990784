/* cifar.c - the binary files of CIFAR-10 and CIFAR-100
 * (www.cs.toronto.edu/~kriz/cifar.html): records of one or two label bytes and
 * 3 x 32 x 32 bytes of red, green and blue planes. */
#include "data/dataset.h"
#include "data/stream.h"

#include <stdlib.h>
#include <string.h>

#define PIXELS ((size_t)3 * 32 * 32)
/* A file has 10,000 to 50,000 records; a gzip bomb more. */
#define MOST_RECORDS ((size_t)200000)

struct variant {
    const char *name;
    size_t labels; /* label bytes of a record; the last counts */
    int classes;
    const char *class_file;
};

static const struct variant cifar10 = {"CIFAR-10", 1, 10, "batches.meta.txt"};
static const struct variant cifar100 = {"CIFAR-100", 2, 100,
                                        "fine_label_names.txt"};

static ocellus_status
append(const struct variant *variant, const char *path, const uint8_t *data,
       size_t records, struct oc_store *store)
{
    size_t before = (size_t)store->count, length = variant->labels + PIXELS;
    uint8_t *bytes = realloc(store->bytes, (before + records) * PIXELS + 1);
    int32_t *label;

    if (bytes != NULL)
        store->bytes = bytes;
    label = realloc(store->label, (before + records + 1) * sizeof *label);
    if (label != NULL)
        store->label = label;
    if (bytes == NULL || label == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "%s: no memory for %zu images",
                       path, before + records);
    for (size_t i = 0; i < records; i++) {
        const uint8_t *record = data + i * length;

        label[before + i] = record[variant->labels - 1];
        if (label[before + i] >= variant->classes)
            return oc_fail(OCELLUS_BAD_DATA,
                           "%s: record %zu has the label %d; %s has %d "
                           "classes",
                           path, i, label[before + i], variant->name,
                           variant->classes);
        memcpy(bytes + (before + i) * PIXELS, record + variant->labels, PIXELS);
    }
    store->count += (int64_t)records;
    return OCELLUS_OK;
}

static ocellus_status
read_stream(const struct variant *variant, struct oc_stream *stream,
            struct oc_store *store)
{
    size_t length = variant->labels + PIXELS, got;
    uint8_t *data;
    ocellus_status status;

    OC_TRY(oc_stream_load(stream, MOST_RECORDS * length + 1, &data, &got));
    if (got > MOST_RECORDS * length)
        status = oc_fail(OCELLUS_BAD_DATA,
                         "%s: more than %zu records; this is no %s file",
                         stream->path, MOST_RECORDS, variant->name);
    else if (got == 0 || got % length != 0)
        status = oc_fail(OCELLUS_BAD_DATA,
                         "%s: %zu bytes are no whole number of records of %zu "
                         "bytes; %zu are left over",
                         stream->path, got, length, got % length);
    else
        status = append(variant, stream->path, data, got / length, store);
    free(data);
    return status;
}

/* NAME or NAME.gz where it is there. */
static ocellus_status
read_file(const struct variant *variant, const char *folder,
          const struct oc_listing *names, const char *name,
          struct oc_store *store)
{
    const char *found = oc_listing_find(names, name);
    struct oc_stream stream;
    char *path;
    ocellus_status status;

    if (found == NULL)
        return OCELLUS_OK;
    path = oc_path_join(folder, found);
    if (path == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a path");
    status = oc_stream_open(path, &stream);
    free(path);
    OC_TRY(status);
    status = read_stream(variant, &stream, store);
    oc_stream_close(&stream);
    return status;
}

/* What both variants share once the stores are filled. */
static ocellus_status
complete(const struct variant *variant, const char *folder,
         struct ocellus_dataset *dataset)
{
    static const int chw[3] = {3, 32, 32};
    char *path = oc_path_join(folder, variant->class_file);
    ocellus_status status;

    if (path == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a path");
    for (int s = 0; s < 3; s++) {
        memcpy(dataset->store[s].chw, chw, sizeof chw);
        dataset->store[s].read = oc_store_read_bytes;
    }
    dataset->classes = variant->classes;
    status = oc_listing_lines(path, &dataset->class_name);
    if (status == OCELLUS_OK && dataset->class_name.count != 0 &&
        dataset->class_name.count != variant->classes)
        status =
            oc_fail(OCELLUS_BAD_DATA, "%s names %d classes; %s has %d", path,
                    dataset->class_name.count, variant->name, variant->classes);
    free(path);
    return status;
}

static int
looks10(const char *folder, const struct oc_listing *names)
{
    (void)folder;
    for (int i = 0; i < names->count; i++)
        if (strncmp(names->name[i], "data_batch_", 11) == 0 &&
            strstr(names->name[i], ".bin") != NULL)
            return 1;
    return oc_listing_find(names, "test_batch.bin") != NULL;
}

static ocellus_status
read10(const char *folder, const struct oc_listing *names,
       struct ocellus_dataset *dataset)
{
    char name[] = "data_batch_0.bin";

    for (char digit = '0'; digit <= '9'; digit++) {
        name[11] = digit;
        OC_TRY(read_file(&cifar10, folder, names, name,
                         &dataset->store[OCELLUS_TRAIN]));
    }
    OC_TRY(read_file(&cifar10, folder, names, "test_batch.bin",
                     &dataset->store[OCELLUS_TEST]));
    return complete(&cifar10, folder, dataset);
}

static int
looks100(const char *folder, const struct oc_listing *names)
{
    (void)folder;
    return oc_listing_find(names, "train.bin") != NULL ||
           (oc_listing_find(names, "test.bin") != NULL &&
            oc_listing_find(names, cifar100.class_file) != NULL);
}

static ocellus_status
read100(const char *folder, const struct oc_listing *names,
        struct ocellus_dataset *dataset)
{
    OC_TRY(read_file(&cifar100, folder, names, "train.bin",
                     &dataset->store[OCELLUS_TRAIN]));
    OC_TRY(read_file(&cifar100, folder, names, "test.bin",
                     &dataset->store[OCELLUS_TEST]));
    return complete(&cifar100, folder, dataset);
}

const struct oc_reader oc_cifar10_reader = {"cifar10", looks10, read10};
const struct oc_reader oc_cifar100_reader = {"cifar100", looks100, read100};

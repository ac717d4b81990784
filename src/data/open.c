/* open.c - where data sets come from: a folder whose format is found by
 * looking, or a program's own samples. */
#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/file.h"

/* A folder of images comes last: it is what any folder of folders may be. */
static const struct oc_reader *const readers[] = {
    &oc_idx_reader, &oc_cifar10_reader, &oc_cifar100_reader,
    &oc_npy_reader, &oc_names_reader,   &oc_folder_reader};

static ocellus_status
find_reader(const char *path, const struct oc_listing *names,
            const char *format, const struct oc_reader **reader)
{
    for (size_t k = 0; k < OC_COUNT(readers); k++) {
        *reader = readers[k];
        if (format != NULL ? strcmp(format, readers[k]->format) == 0
                           : readers[k]->looks(path, names))
            return OCELLUS_OK;
    }
    if (format != NULL)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "no data format is called '%s'; there are idx, cifar10, "
                       "cifar100, npy, names, folder, and for a file text "
                       "and series",
                       format);
    return oc_fail(OCELLUS_BAD_DATA,
                   "%s holds no data set that is known among its %d files: "
                   "no train-images-idx3-ubyte, data_batch_1.bin, train.bin, "
                   "x_train.npy, folders of images or text files",
                   path, names->count);
}

#define MOST_NESTING 3

static ocellus_status
read_class_names(const char *folder, struct ocellus_dataset *dataset)
{
    char *path;
    ocellus_status status;

    if (dataset->class_name.count > 0)
        return OCELLUS_OK;
    path = oc_path_join(folder, "classes.txt");
    if (path == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a path");
    status = oc_listing_lines(path, &dataset->class_name);
    free(path);
    return status;
}

/* Other programs nest their downloads: MNIST/raw/, cifar-10-batches-bin/.
 * Where a folder holds nothing but one folder, that one may be meant; *inner
 * is it (the caller frees), or NULL. */
static ocellus_status
look_inside(const char *path, int depth, char **inner)
{
    struct oc_listing names;
    ocellus_status status;

    *inner = NULL;
    status = oc_listing_read(path, &names);
    for (size_t k = 0; status == OCELLUS_OK && k < OC_COUNT(readers); k++)
        if (*inner == NULL && readers[k] != &oc_folder_reader &&
            readers[k]->looks(path, &names))
            *inner = strdup(path);
    if (status == OCELLUS_OK && *inner == NULL && names.count == 1 &&
        depth < MOST_NESTING) {
        char *only = oc_path_join(path, names.name[0]);

        if (only != NULL && oc_is_folder(only))
            status = look_inside(only, depth + 1, inner);
        free(only);
    }
    oc_listing_free(&names);
    return status;
}

static ocellus_status
read_folder(const char *path, const ocellus_dataset_options *options,
            struct ocellus_dataset *dataset)
{
    const struct oc_reader *reader;
    struct oc_listing names;
    ocellus_status status;

    OC_TRY(oc_listing_read(path, &names));
    status = find_reader(path, &names, options->format, &reader);
    if (status == OCELLUS_OK) {
        dataset->format = reader->format;
        status = reader->read(path, &names, dataset);
    }
    oc_listing_free(&names);
    OC_TRY(status);
    OC_TRY(read_class_names(path, dataset));
    status = oc_dataset_finish(dataset, options);
    if (status == OCELLUS_BAD_DATA)
        oc_fail_context(status, "%s: ", path);
    return status;
}

/* A file: a table by its name, else a text. */
static ocellus_status
read_file(const char *path, const ocellus_dataset_options *options,
          struct ocellus_dataset *dataset)
{
    size_t length = strlen(path);
    const char *format = options->format;
    int table = length > 4 && strcasecmp(path + length - 4, ".csv") == 0;
    ocellus_status status;

    if (format == NULL)
        format = table ? "series" : "text";
    table = strcmp(format, "series") == 0;
    if (!table && strcmp(format, "text") != 0)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "%s is a file, which is read as text or series; '%s' is "
                       "of a folder",
                       path, format);
    dataset->format = table ? "series" : "text";
    OC_TRY(table ? oc_series_read(path, options, dataset)
                 : oc_text_read(path, options, dataset));
    status = oc_dataset_finish(dataset, options);
    return status == OCELLUS_BAD_DATA ? oc_fail_context(status, "%s: ", path)
                                      : status;
}

static ocellus_status
conclude(ocellus_status status, ocellus_dataset **dataset)
{
    if (status != OCELLUS_OK) {
        ocellus_dataset_destroy(*dataset);
        *dataset = NULL;
    }
    return status;
}

ocellus_status
ocellus_dataset_open(const char *path, const ocellus_dataset_options *given,
                     ocellus_dataset **dataset)
{
    ocellus_dataset_options options;
    ocellus_status status;
    char *inner;

    *dataset = NULL;
    if (oc_file_exists(path) && !oc_is_folder(path)) {
        status = oc_dataset_create(given, &options, dataset);
        if (status == OCELLUS_OK)
            status = read_file(path, &options, *dataset);
        return conclude(status, dataset);
    }
    OC_TRY(look_inside(path, 0, &inner));
    status = oc_dataset_create(given, &options, dataset);
    if (status == OCELLUS_OK)
        status = conclude(
            read_folder(inner != NULL ? inner : path, &options, *dataset),
            dataset);
    free(inner);
    return status;
}

static ocellus_status
read_source(const struct oc_store *store, int64_t i, struct oc_image *image,
            struct oc_image *scratch, void *label)
{
    const ocellus_sample_source *source = &store->source;
    ocellus_status status;

    (void)scratch;
    OC_TRY(oc_image_resize(image, store->chw[0], store->chw[1], store->chw[2]));
    *(int64_t *)label = -1;
    (void)oc_fail(OCELLUS_OK, "no reason was given");
    status = source->read(source->user, store->split, i, image->x, label);
    if (status != OCELLUS_OK)
        return oc_fail_context(status,
                               "the program's sample %lld: ", (long long)i);
    return OCELLUS_OK;
}

static ocellus_status
copy_names(const ocellus_sample_source *source, struct oc_listing *names)
{
    for (int k = 0; k < source->classes; k++) {
        if (!oc_grow(&names->name, k, &names->room, sizeof *names->name) ||
            (names->name[k] = strdup(source->class_names[k])) == NULL)
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for names");
        names->count++;
    }
    return OCELLUS_OK;
}

static ocellus_status
take_source(const ocellus_sample_source *source,
            const ocellus_dataset_options *options,
            struct ocellus_dataset *dataset)
{
    const int64_t chw[3] = {source->channels, source->height, source->width};

    if (source->read == NULL || source->classes < 1 ||
        source->classes > OC_MOST_CLASSES)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "a source of samples needs a read function and 1 to %d "
                       "classes; it has %d",
                       OC_MOST_CLASSES, source->classes);
    dataset->format = "source";
    dataset->classes = source->classes;
    if (source->class_names != NULL)
        OC_TRY(copy_names(source, &dataset->class_name));
    for (int s = 0; s < 3; s++) {
        struct oc_store *store = &dataset->store[s];

        OC_TRY(oc_store_shape(store, "the source", source->count[s], chw));
        store->count = source->count[s];
        store->source = *source;
        store->split = (ocellus_split)s;
        store->read = read_source;
    }
    return oc_dataset_finish(dataset, options);
}

ocellus_status
ocellus_dataset_from_source(const ocellus_sample_source *source,
                            const ocellus_dataset_options *given,
                            ocellus_dataset **dataset)
{
    ocellus_sample_source whole;
    ocellus_dataset_options options;

    memset(&whole, 0, sizeof whole);
    *dataset = NULL;
    if (source->size < offsetof(ocellus_sample_source, class_names) ||
        source->size > 4096)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "a source of samples: size is %zu; set it to sizeof "
                       "(ocellus_sample_source)",
                       source->size);
    memcpy(&whole, source,
           source->size < sizeof whole ? source->size : sizeof whole);
    OC_TRY(oc_dataset_create(given, &options, dataset));
    return conclude(take_source(&whole, &options, *dataset), dataset);
}

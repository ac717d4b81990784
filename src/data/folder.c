/* folder.c - image files, one folder a class; either right there or within
 * train/ and val/ or test/. Classes are numbered in the order of their names.
 *
 * A few files, evenly spaced, say what the set is like: colour where any of
 * them is, a size where all have the same. Other files are made to fit when
 * they are read, or refused with both sizes. */
#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"

#define PROBES 64
#define DEEPEST 8

static int
is_image(const char *name)
{
    static const char *const ends[] = {".jpg", ".jpeg", ".png",
                                       ".ppm", ".pgm",  ".pnm"};
    const char *dot = strrchr(name, '.');

    for (size_t k = 0; dot != NULL && k < OC_COUNT(ends); k++)
        if (strcasecmp(dot, ends[k]) == 0)
            return 1;
    return 0;
}

static int
folder_within(const char *folder, const char *name)
{
    char *path = oc_path_join(folder, name);
    int is = path != NULL && oc_is_folder(path);

    free(path);
    return is;
}

static int
looks(const char *folder, const struct oc_listing *names)
{
    for (int i = 0; i < names->count; i++)
        if (!is_image(names->name[i]) && folder_within(folder, names->name[i]))
            return 1;
    return 0;
}

/* A store while it grows. */
struct harvest {
    struct oc_store *store;
    int count, path_room, label_room;
};

static ocellus_status
add_file(struct harvest *harvest, char *path, int label)
{
    struct oc_store *store = harvest->store;

    if (!oc_grow(&store->path, harvest->count, &harvest->path_room,
                 sizeof *store->path) ||
        !oc_grow(&store->label, harvest->count, &harvest->label_room,
                 sizeof *store->label)) {
        free(path);
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %d file names",
                       harvest->count + 1);
    }
    store->path[harvest->count] = path;
    store->label[harvest->count] = label;
    store->count = ++harvest->count;
    return OCELLUS_OK;
}

/* All images below a class's folder. */
static ocellus_status
gather(struct harvest *harvest, const char *folder, int label, int depth)
{
    struct oc_listing names;
    ocellus_status status;

    if (depth == DEEPEST)
        return oc_fail(OCELLUS_BAD_DATA, "%s: more than %d folders deep",
                       folder, DEEPEST);
    status = oc_listing_read(folder, &names);
    for (int i = 0; status == OCELLUS_OK && i < names.count; i++) {
        char *path = oc_path_join(folder, names.name[i]);

        if (path == NULL) {
            status = oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a path");
        } else if (oc_is_folder(path)) {
            status = gather(harvest, path, label, depth + 1);
            free(path);
        } else if (is_image(names.name[i])) {
            status = add_file(harvest, path, label);
        } else {
            free(path);
        }
    }
    oc_listing_free(&names);
    return status;
}

static int
find_name(const struct oc_listing *names, const char *name)
{
    for (int k = 0; k < names->count; k++)
        if (strcmp(names->name[k], name) == 0)
            return k;
    return -1;
}

/* The folders within `folder` become class names. */
static ocellus_status
list_classes(const char *folder, struct oc_listing *classes)
{
    int kept = 0;

    OC_TRY(oc_listing_read(folder, classes));
    for (int i = 0; i < classes->count; i++) {
        char *name = classes->name[i];

        if (folder_within(folder, name))
            classes->name[kept++] = name;
        else
            free(name);
    }
    classes->count = kept;
    if (kept == 0)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s holds no folders; one folder a class is wanted",
                       folder);
    return OCELLUS_OK;
}

static ocellus_status
read_classes(const char *folder, const struct oc_listing *here,
             struct ocellus_dataset *dataset, struct oc_store *store)
{
    struct harvest harvest = {.store = store};

    for (int i = 0; i < here->count; i++) {
        int label = find_name(&dataset->class_name, here->name[i]);
        char *path;
        ocellus_status status;

        if (label < 0)
            return oc_fail(OCELLUS_BAD_DATA,
                           "%s has a class '%s' that the training images have "
                           "not",
                           folder, here->name[i]);
        path = oc_path_join(folder, here->name[i]);
        if (path == NULL)
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a path");
        status = gather(&harvest, path, label, 0);
        free(path);
        OC_TRY(status);
    }
    if (store->count == 0)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: none of its %d folders holds a JPEG, PNG, PPM or "
                       "PGM file",
                       folder, here->count);
    return OCELLUS_OK;
}

static ocellus_status
read_image(const struct oc_store *store, int64_t i, struct oc_image *image,
           struct oc_image *scratch, void *label)
{
    ocellus_status status = oc_image_load(store->path[i], image);

    OC_TRY(status);
    *(int64_t *)label = store->label[i];
    status = oc_image_convert(image, store->chw[0], scratch);
    if (status != OCELLUS_OK)
        return oc_fail_context(status, "%s: ", store->path[i]);
    if (store->chw[1] != 0 &&
        (image->height != store->chw[1] || image->width != store->chw[2]))
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s is %d x %d, but the other images are %d x %d; give "
                       "a transform such as resize=%dx%d",
                       store->path[i], image->height, image->width,
                       store->chw[1], store->chw[2], store->chw[1],
                       store->chw[2]);
    return OCELLUS_OK;
}

/* Reads one part (all of `folder`) into a store; the first one read brings the
 * class names. */
static ocellus_status
read_part(const char *folder, struct ocellus_dataset *dataset, int which)
{
    struct oc_store *store = &dataset->store[which];
    struct oc_listing here = {.name = NULL};
    ocellus_status status;

    if (dataset->class_name.count == 0)
        OC_TRY(list_classes(folder, &dataset->class_name));
    status = list_classes(folder, &here);
    if (status == OCELLUS_OK)
        status = read_classes(folder, &here, dataset, store);
    oc_listing_free(&here);
    store->read = read_image;
    return status;
}

static ocellus_status
probe(struct ocellus_dataset *dataset, const struct oc_store *store)
{
    int64_t probes = store->count < PROBES ? store->count : PROBES;
    int chw[3] = {1, 0, 0};

    for (int64_t k = 0; k < probes; k++) {
        int one[3];

        OC_TRY(oc_image_probe(store->path[k * store->count / probes], one));
        if (one[0] > chw[0])
            chw[0] = one[0];
        if (k == 0)
            memcpy(chw + 1, one + 1, 2 * sizeof *chw);
        if (one[1] != chw[1] || one[2] != chw[2])
            chw[1] = chw[2] = 0;
    }
    for (int s = 0; s < 3; s++)
        memcpy(dataset->store[s].chw, chw, sizeof chw);
    return OCELLUS_OK;
}

/* A lone validation folder is what there is to test on. */
static ocellus_status
read_parts(const char *folder, const struct oc_listing *names,
           struct ocellus_dataset *dataset)
{
    static const char *const words[] = {"train", "val", "valid", "validation",
                                        "test"};
    int has_test = find_name(names, "test") >= 0;

    for (size_t k = 0; k < OC_COUNT(words); k++) {
        int which = k == 0                                ? OCELLUS_TRAIN
                    : k + 1 < OC_COUNT(words) && has_test ? OCELLUS_VALIDATION
                                                          : OCELLUS_TEST;
        char *path;
        ocellus_status status;

        if (find_name(names, words[k]) < 0 || dataset->store[which].count > 0)
            continue;
        path = oc_path_join(folder, words[k]);
        if (path == NULL)
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a path");
        status = read_part(path, dataset, which);
        free(path);
        OC_TRY(status);
    }
    return OCELLUS_OK;
}

/* train/ with folders in it, that is; a class may be called "train" too. */
static int
has_parts(const char *folder, const char *name)
{
    char *path = oc_path_join(folder, name);
    struct oc_listing within;
    int is = 0;

    if (path != NULL && oc_is_folder(path) &&
        oc_listing_read(path, &within) == OCELLUS_OK) {
        is = looks(path, &within);
        oc_listing_free(&within);
    }
    free(path);
    return is;
}

static ocellus_status
read(const char *folder, const struct oc_listing *names,
     struct ocellus_dataset *dataset)
{
    if (has_parts(folder, "train") || has_parts(folder, "test"))
        OC_TRY(read_parts(folder, names, dataset));
    else
        OC_TRY(read_part(folder, dataset, OCELLUS_TRAIN));
    for (int s = 0; s < 3; s++)
        if (dataset->store[s].count > 0)
            return probe(dataset, &dataset->store[s]);
    return OCELLUS_OK;
}

const struct oc_reader oc_folder_reader = {"folder", looks, read};

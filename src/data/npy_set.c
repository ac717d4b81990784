/* npy_set.c - a data set of .npy files: numbers in x_..., labels in y_... */
#include "data/dataset.h"
#include "data/npy.h"

#include <stdlib.h>
#include <string.h>

#include "base/type.h"
#include "graph/tensor.h"

static const char *const parts[3][3] = {
    {"train", NULL, NULL}, {"val", "validation", NULL}, {"test", NULL, NULL}};

/* "x_train.npy" (or X_train.npy, or x.npy without a part). */
static const char *
find(const struct oc_listing *names, char letter, const char *part)
{
    for (int i = 0; i < names->count; i++) {
        const char *at = names->name[i];

        if (*at != letter && *at != letter - 'a' + 'A')
            continue;
        at++;
        if (part != NULL) {
            if (*at++ != '_' || strncmp(at, part, strlen(part)) != 0)
                continue;
            at += strlen(part);
        }
        if (strcmp(at, ".npy") == 0 || strcmp(at, ".npy.gz") == 0)
            return names->name[i];
    }
    return NULL;
}

static const char *
find_part(const struct oc_listing *names, char letter, int store)
{
    const char *found = NULL;

    for (int w = 0; found == NULL && parts[store][w] != NULL; w++)
        found = find(names, letter, parts[store][w]);
    if (found == NULL && store == OCELLUS_TRAIN)
        found = find(names, letter, NULL);
    return found;
}

static int
looks(const char *folder, const struct oc_listing *names)
{
    (void)folder;
    return find_part(names, 'x', OCELLUS_TRAIN) != NULL ||
           find_part(names, 'x', OCELLUS_TEST) != NULL;
}

static ocellus_status
load(const char *folder, const char *name, struct oc_npy *npy)
{
    char *path = oc_path_join(folder, name);
    ocellus_status status;

    if (path == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a path");
    status = oc_npy_read(path, npy);
    free(path);
    return status;
}

/* C, H, W from the shape; *last: channels come last in the file. */
static ocellus_status
choose_shape(const char *name, const struct oc_shape *shape, int64_t chw[3],
             int *last)
{
    const int64_t *dim = shape->dim;
    char text[OC_SHAPE_TEXT];

    *last = 0;
    chw[0] = chw[1] = 1;
    chw[2] = 1;
    if (shape->rank == 2) {
        chw[2] = dim[1];
    } else if (shape->rank == 3) {
        chw[1] = dim[1];
        chw[2] = dim[2];
    } else if (shape->rank == 4) {
        *last = (dim[3] == 1 || dim[3] == 3) && dim[1] != 1 && dim[1] != 3;
        memcpy(chw, dim + 1, 3 * sizeof *chw);
        if (*last) {
            chw[0] = dim[3];
            chw[1] = dim[1];
            chw[2] = dim[2];
        }
    } else {
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: an array of %s; samples are N x F, N x H x W, N x "
                       "C x H x W or N x H x W x C",
                       name, oc_shape_text(shape, text));
    }
    return OCELLUS_OK;
}

/* From the file's order into C x H x W. */
static size_t
source_place(const struct oc_store *store, int last, size_t i)
{
    size_t plane = (size_t)store->chw[1] * (size_t)store->chw[2];
    size_t channels = (size_t)store->chw[0];
    size_t sample = i / (plane * channels), rest = i % (plane * channels);

    if (!last)
        return i;
    return sample * plane * channels + rest % plane * channels + rest / plane;
}

static ocellus_status
keep_samples(const char *name, struct oc_npy *x, struct oc_store *store)
{
    int64_t chw[3];
    int last;
    size_t count;

    OC_TRY(choose_shape(name, &x->shape, chw, &last));
    OC_TRY(oc_store_shape(store, name, x->shape.dim[0], chw));
    count = (size_t)oc_shape_count(&x->shape);
    store->read =
        x->type == OCELLUS_UINT8 ? oc_store_read_bytes : oc_store_read_floats;
    if (!last && (x->type == OCELLUS_UINT8 || x->type == OCELLUS_FLOAT)) {
        if (x->type == OCELLUS_UINT8)
            store->bytes = x->data;
        else
            store->floats = x->data;
        x->data = NULL;
        return OCELLUS_OK;
    }
    if (x->type == OCELLUS_UINT8)
        store->bytes = malloc(count + 1);
    else
        store->floats = malloc((count + 1) * sizeof *store->floats);
    if (store->bytes == NULL && store->floats == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "%s: no memory for %zu numbers",
                       name, count);
    for (size_t i = 0; i < count; i++) {
        size_t from = source_place(store, last, i);

        if (store->bytes != NULL)
            store->bytes[i] = ((const uint8_t *)x->data)[from];
        else
            store->floats[i] = (float)oc_element_get(x->type, x->data, from);
    }
    return OCELLUS_OK;
}

static ocellus_status
keep_labels(const char *name, const struct oc_npy *y, struct oc_store *store,
            int64_t count)
{
    char text[OC_SHAPE_TEXT];
    int column = y->shape.rank == 2 && y->shape.dim[1] == 1;

    if (!oc_type_is_integer(y->type) && y->type != OCELLUS_BOOL)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: labels are %s; they must be integers, the class "
                       "numbers",
                       name, oc_type_name(y->type));
    if ((y->shape.rank != 1 && !column) || y->shape.dim[0] != count)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: an array of %s for %lld samples; one label each is "
                       "wanted",
                       name, oc_shape_text(&y->shape, text), (long long)count);
    OC_TRY(oc_store_labels(store, count));
    for (int64_t i = 0; i < count; i++) {
        int64_t label = oc_element_get_int(y->type, y->data, (size_t)i);

        if (label < 0 || label >= OC_MOST_CLASSES)
            return oc_fail(OCELLUS_BAD_DATA,
                           "%s: label %lld is %lld; 0 to %d are possible", name,
                           (long long)i, (long long)label, OC_MOST_CLASSES - 1);
        store->label[i] = (int32_t)label;
    }
    store->count = count;
    return OCELLUS_OK;
}

static ocellus_status
read_store(const char *folder, const struct oc_listing *names, int which,
           struct oc_store *store)
{
    const char *x_name = find_part(names, 'x', which);
    const char *y_name = find_part(names, 'y', which);
    struct oc_npy x = {.data = NULL}, y = {.data = NULL};
    ocellus_status status;

    if (x_name == NULL)
        return OCELLUS_OK;
    if (y_name == NULL)
        return oc_fail(OCELLUS_BAD_DATA,
                       "there is %s in %s, but no file of labels whose name "
                       "begins with y instead",
                       x_name, folder);
    status = load(folder, y_name, &y);
    if (status == OCELLUS_OK)
        status = load(folder, x_name, &x);
    if (status == OCELLUS_OK)
        status = keep_samples(x_name, &x, store);
    if (status == OCELLUS_OK)
        status = keep_labels(y_name, &y, store, x.shape.dim[0]);
    oc_npy_free(&x);
    oc_npy_free(&y);
    return status;
}

static ocellus_status
read(const char *folder, const struct oc_listing *names,
     struct ocellus_dataset *dataset)
{
    for (int s = 0; s < 3; s++)
        OC_TRY(read_store(folder, names, s, &dataset->store[s]));
    return OCELLUS_OK;
}

const struct oc_reader oc_npy_reader = {"npy", looks, read};

ocellus_status
ocellus_npy_read(const char *path, ocellus_tensor **tensor)
{
    struct oc_npy npy;
    size_t bytes;
    ocellus_status status;

    *tensor = NULL;
    OC_TRY(oc_npy_read(path, &npy));
    status = oc_tensor_create(npy.type, &npy.shape, tensor);
    if (status == OCELLUS_OK) {
        bytes = (size_t)oc_shape_count(&npy.shape) * oc_type_size(npy.type);
        memcpy((*tensor)->data, npy.data, bytes);
    }
    oc_npy_free(&npy);
    return status;
}

ocellus_status
ocellus_npy_write(const char *path, const ocellus_tensor *tensor)
{
    if (tensor->data == NULL && oc_shape_count(&tensor->shape) != 0)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "%s: the tensor lies in device memory; read it back "
                       "first",
                       path);
    return oc_npy_write(path, tensor->type, &tensor->shape, tensor->data);
}

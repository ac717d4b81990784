/* dataset.c - what can be asked of a data set, and how one sample is had. */
#include "data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "graph/tensor.h"

ocellus_status
oc_dataset_options(const ocellus_dataset_options *given,
                   ocellus_dataset_options *options)
{
    static const ocellus_dataset_options none;

    *options = none;
    if (given == NULL)
        return OCELLUS_OK;
    if (given->size < offsetof(ocellus_dataset_options, format) ||
        given->size > 4096)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "data set options: size is %zu; set it to sizeof "
                       "(ocellus_dataset_options)",
                       given->size);
    memcpy(options, given,
           given->size < sizeof none ? given->size : sizeof none);
    if (options->validation < 0 || options->validation >= 1 ||
        options->test >= 1)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "fractions for validation and test are below 1; %g and "
                       "%g were given",
                       options->validation, options->test);
    return OCELLUS_OK;
}

static int64_t
largest_label(const struct ocellus_dataset *dataset)
{
    int64_t largest = -1;

    for (int s = 0; s < 3; s++) {
        const struct oc_store *store = &dataset->store[s];

        for (int64_t i = 0; store->label != NULL && i < store->count; i++)
            if (store->label[i] > largest)
                largest = store->label[i];
    }
    return largest;
}

static ocellus_status
name_classes(struct ocellus_dataset *dataset)
{
    struct oc_listing *names = &dataset->class_name;
    int64_t labels = largest_label(dataset) + 1;

    if (names->count > 0 && dataset->classes == 0)
        dataset->classes = names->count;
    if (dataset->classes == 0)
        dataset->classes = (int)labels;
    if (labels > dataset->classes)
        return oc_fail(OCELLUS_BAD_DATA,
                       "a label is %lld, but only %d classes have names; class "
                       "numbers begin with 0",
                       (long long)(labels - 1), dataset->classes);
    while (names->count < dataset->classes) {
        char text[16];

        if (!oc_grow(&names->name, names->count, &names->room,
                     sizeof *names->name))
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for names");
        snprintf(text, sizeof text, "%d", names->count);
        names->name[names->count] = strdup(text);
        if (names->name[names->count] == NULL)
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for names");
        names->count++;
    }
    return OCELLUS_OK;
}

/* All stores are of one shape. */
static ocellus_status
agree_on_shape(struct ocellus_dataset *dataset)
{
    const struct oc_store *first = NULL;

    for (int s = 0; s < 3; s++) {
        const struct oc_store *store = &dataset->store[s];

        if (store->count == 0)
            continue;
        if (first == NULL)
            first = store;
        if (memcmp(first->chw, store->chw, sizeof first->chw) != 0)
            return oc_fail(OCELLUS_BAD_DATA,
                           "training samples are %d x %d x %d, but others "
                           "%d x %d x %d",
                           first->chw[0], first->chw[1], first->chw[2],
                           store->chw[0], store->chw[1], store->chw[2]);
    }
    if (first == NULL)
        return oc_fail(OCELLUS_BAD_DATA, "the data set holds no samples");
    memcpy(dataset->chw, first->chw, sizeof dataset->chw);
    return oc_transform_shape(&dataset->transform, dataset->chw);
}

ocellus_status
oc_dataset_finish(struct ocellus_dataset *dataset,
                  const ocellus_dataset_options *options)
{
    OC_TRY(oc_transform_parse(options->transform, &dataset->transform));
    if (dataset->transform.random != NULL)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "transform: '%s' is random and belongs to a loader, not "
                       "to a data set",
                       dataset->transform.random);
    OC_TRY(agree_on_shape(dataset));
    OC_TRY(name_classes(dataset));
    return oc_dataset_split(dataset, options);
}

void
ocellus_dataset_destroy(ocellus_dataset *dataset)
{
    if (dataset == NULL)
        return;
    for (int s = 0; s < 3; s++) {
        struct oc_store *store = &dataset->store[s];

        for (int64_t i = 0; store->path != NULL && i < store->count; i++)
            free(store->path[i]);
        free(store->path);
        free(store->label);
        free(store->bytes);
        free(store->floats);
        free(dataset->part[s].index);
    }
    oc_listing_free(&dataset->class_name);
    free(dataset->mean);
    free(dataset->std);
    free(dataset);
}

const char *
ocellus_dataset_format(const ocellus_dataset *dataset)
{
    return dataset->format;
}

int64_t
ocellus_dataset_count(const ocellus_dataset *dataset, ocellus_split split)
{
    return (unsigned)split < 3 ? dataset->part[split].count : 0;
}

void
ocellus_dataset_shape(const ocellus_dataset *dataset, int64_t chw[3])
{
    for (int k = 0; k < 3; k++)
        chw[k] = dataset->chw[k];
}

int
ocellus_dataset_classes(const ocellus_dataset *dataset)
{
    return dataset->classes;
}

const char *
ocellus_dataset_class_name(const ocellus_dataset *dataset, int k)
{
    return k >= 0 && k < dataset->class_name.count ? dataset->class_name.name[k]
                                                   : NULL;
}

/* Where a split's sample lies in its store; -1: there is none. */
static int64_t
place(const struct ocellus_dataset *dataset, ocellus_split split, int64_t index)
{
    const struct oc_part *part;

    if ((unsigned)split >= 3)
        return -1;
    part = &dataset->part[split];
    if (index < 0 || index >= part->count)
        return -1;
    return part->index != NULL ? part->index[index] : index;
}

const char *
ocellus_dataset_sample_path(const ocellus_dataset *dataset, ocellus_split split,
                            int64_t index)
{
    int64_t i = place(dataset, split, index);
    const struct oc_store *store;

    if (i < 0)
        return NULL;
    store = &dataset->store[dataset->part[split].store];
    return store->path != NULL ? store->path[i] : NULL;
}

ocellus_status
oc_dataset_read(const struct ocellus_dataset *dataset, ocellus_split split,
                int64_t index, struct oc_canvas *canvas, int64_t *label)
{
    int64_t i = place(dataset, split, index);
    const struct oc_store *store;

    if (i < 0)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "sample %lld of split %d; there are %lld",
                       (long long)index, (int)split,
                       (long long)ocellus_dataset_count(dataset, split));
    store = &dataset->store[dataset->part[split].store];
    OC_TRY(store->read(store, i, &canvas->image, &canvas->scratch, label));
    if (*label < 0 || *label >= dataset->classes)
        return oc_fail(OCELLUS_BAD_DATA,
                       "sample %lld has the label %lld; there are %d classes",
                       (long long)index, (long long)*label, dataset->classes);
    return oc_transform_apply(&dataset->transform, canvas);
}

/* Lends the image's numbers to a tensor of its own. */
static ocellus_status
make_tensor(const struct oc_image *image, ocellus_tensor **tensor)
{
    struct oc_shape shape =
        OC_SHAPE(image->channels, image->height, image->width);

    OC_TRY(oc_tensor_create(OCELLUS_FLOAT, &shape, tensor));
    memcpy((*tensor)->data, image->x,
           (size_t)oc_shape_count(&shape) * sizeof(float));
    return OCELLUS_OK;
}

ocellus_status
ocellus_dataset_get(const ocellus_dataset *dataset, ocellus_split split,
                    int64_t index, ocellus_tensor **x, int64_t *label)
{
    struct oc_canvas canvas = {.fill = NULL};
    ocellus_status status;
    int64_t dropped;

    *x = NULL;
    status = oc_dataset_read(dataset, split, index, &canvas,
                             label != NULL ? label : &dropped);
    if (status == OCELLUS_OK)
        status = make_tensor(&canvas.image, x);
    oc_canvas_free(&canvas);
    return status;
}

ocellus_status
ocellus_image_read(const char *path, const char *transform,
                   ocellus_tensor **tensor)
{
    struct oc_canvas canvas = {.fill = NULL};
    struct oc_transform steps;
    ocellus_status status;

    *tensor = NULL;
    OC_TRY(oc_transform_parse(transform, &steps));
    if (steps.random != NULL)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "transform: '%s' is random and belongs to a loader",
                       steps.random);
    status = oc_image_load(path, &canvas.image);
    if (status == OCELLUS_OK)
        status = oc_transform_apply(&steps, &canvas);
    if (status == OCELLUS_OK)
        status = make_tensor(&canvas.image, tensor);
    oc_canvas_free(&canvas);
    return status;
}

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

/* What most data sets are: images, each of one class. */
static ocellus_status
begin(const ocellus_dataset_options *options, struct ocellus_dataset *dataset)
{
    dataset->axes = 3;
    dataset->labels = 1;
    dataset->type = OCELLUS_FLOAT;
    dataset->label_type = OCELLUS_INT64;
    dataset->sequence = options->sequence;
    if (options->vocabulary == NULL)
        return OCELLUS_OK;
    dataset->vocabulary = strdup(options->vocabulary);
    return dataset->vocabulary != NULL
               ? OCELLUS_OK
               : oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a vocabulary");
}

ocellus_status
oc_dataset_create(const ocellus_dataset_options *given,
                  ocellus_dataset_options *options,
                  struct ocellus_dataset **dataset)
{
    *dataset = NULL;
    OC_TRY(oc_dataset_options(given, options));
    *dataset = calloc(1, sizeof **dataset);
    if (*dataset == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a data set");
    return begin(options, *dataset);
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
    if (dataset->axes != 3 && options->transform != NULL)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "transform: '%s' is for images, not for sequences",
                       options->transform);
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
        free(store->token);
        free(dataset->part[s].index);
    }
    oc_listing_free(&dataset->class_name);
    free(dataset->vocabulary);
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

static ocellus_status
check_labels(const struct ocellus_dataset *dataset, int64_t index,
             const int64_t *label)
{
    int labels = dataset->label_type == OCELLUS_INT64 ? dataset->labels : 0;

    for (int k = 0; k < labels; k++)
        if (label[k] < 0 || label[k] >= dataset->classes)
            return oc_fail(
                OCELLUS_BAD_DATA,
                "sample %lld has the label %lld; there are %d classes",
                (long long)index, (long long)label[k], dataset->classes);
    return OCELLUS_OK;
}

ocellus_status
oc_dataset_read(const struct ocellus_dataset *dataset, ocellus_split split,
                int64_t index, struct oc_canvas *canvas, void *label)
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
    OC_TRY(check_labels(dataset, index, label));
    return oc_transform_apply(&dataset->transform, canvas);
}

struct oc_shape
oc_dataset_batch_shape(const struct ocellus_dataset *dataset, int64_t count,
                       const int chw[3])
{
    if (dataset->axes == 1)
        return OC_SHAPE(count, chw[2]);
    if (dataset->axes == 2)
        return OC_SHAPE(count, chw[2], 1);
    return OC_SHAPE(count, chw[0], chw[1], chw[2]);
}

struct oc_shape
oc_dataset_label_shape(const struct ocellus_dataset *dataset, int64_t count)
{
    if (dataset->axes == 3 || dataset->label_type == OCELLUS_INT64)
        return dataset->labels == 1 ? OC_SHAPE(count)
                                    : OC_SHAPE(count, dataset->labels);
    return OC_SHAPE(count, dataset->labels);
}

void
oc_dataset_convert(const struct ocellus_dataset *dataset, const float *from,
                   size_t count, void *to)
{
    int64_t *number = to;

    if (dataset->type == OCELLUS_FLOAT) {
        memcpy(to, from, count * sizeof *from);
        return;
    }
    for (size_t k = 0; k < count; k++)
        number[k] = (int64_t)from[k];
}

int
ocellus_dataset_labels(const ocellus_dataset *dataset, ocellus_type *type)
{
    if (type != NULL)
        *type = dataset->label_type;
    return dataset->labels;
}

const char *
ocellus_dataset_vocabulary(const ocellus_dataset *dataset)
{
    return dataset->vocabulary;
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

static ocellus_status
make_sample(const struct ocellus_dataset *dataset, const struct oc_image *image,
            ocellus_tensor **tensor)
{
    struct oc_shape shape =
        dataset->axes == 1 ? OC_SHAPE(image->width)
        : dataset->axes == 2
            ? OC_SHAPE(image->width, 1)
            : OC_SHAPE(image->channels, image->height, image->width);

    OC_TRY(oc_tensor_create(dataset->type, &shape, tensor));
    oc_dataset_convert(dataset, image->x, (size_t)oc_shape_count(&shape),
                       (*tensor)->data);
    return OCELLUS_OK;
}

ocellus_status
ocellus_dataset_get(const ocellus_dataset *dataset, ocellus_split split,
                    int64_t index, ocellus_tensor **x, void *label)
{
    struct oc_canvas canvas = {.fill = NULL};
    int64_t *dropped = calloc((size_t)dataset->labels, sizeof *dropped);
    ocellus_status status;

    *x = NULL;
    if (dropped == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %d labels",
                       dataset->labels);
    status = oc_dataset_read(dataset, split, index, &canvas,
                             label != NULL ? label : dropped);
    if (status == OCELLUS_OK)
        status = make_sample(dataset, &canvas.image, x);
    oc_canvas_free(&canvas);
    free(dropped);
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

/* names.c - a folder of text files, one a class, a sample a line: characters,
 * filled up with line ends to the width of the longest. */
#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "data/characters.h"

static int
is_text(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot != NULL && dot != name && strcasecmp(dot, ".txt") == 0;
}

/* classes.txt names the classes of other formats. */
static int
looks(const char *folder, const struct oc_listing *names)
{
    int texts = 0;

    (void)folder;
    for (int i = 0; i < names->count; i++)
        texts += is_text(names->name[i]) &&
                 strcmp(names->name[i], "classes.txt") != 0;
    return texts >= 2;
}

/* All lines of all files, before they are numbered. */
struct lines {
    uint32_t *point;
    int64_t count; /* characters, the lines' ends included */
    int64_t lines, longest;
    int32_t *label; /* of each line */
    int label_room;
};

static ocellus_status
add_line(struct lines *all, const uint32_t *from, int64_t length, int label)
{
    while (length > 0 && from[length - 1] <= ' ')
        length--;
    while (length > 0 && *from <= ' ') {
        from++;
        length--;
    }
    if (length == 0)
        return OCELLUS_OK;
    if (all->lines >= INT32_MAX ||
        !oc_grow(&all->label, (int)all->lines, &all->label_room,
                 sizeof *all->label))
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %lld lines",
                       (long long)all->lines + 1);
    all->label[all->lines++] = label;
    memmove(all->point + all->count, from, (size_t)length * sizeof *from);
    all->count += length;
    all->point[all->count++] = '\n';
    all->longest = length > all->longest ? length : all->longest;
    return OCELLUS_OK;
}

static ocellus_status
add_text(struct lines *all, const struct oc_characters *text, int label)
{
    size_t room = (size_t)(all->count + text->count + 1);
    uint32_t *grown = realloc(all->point, room * sizeof *grown);
    int64_t begin = 0;

    if (grown == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %zu characters",
                       room);
    all->point = grown;
    for (int64_t k = 0; k <= text->count; k++)
        if (k == text->count || text->point[k] == '\n') {
            OC_TRY(add_line(all, text->point + begin, k - begin, label));
            begin = k + 1;
        }
    return OCELLUS_OK;
}

static ocellus_status
add_file(struct lines *all, const char *folder, const char *name,
         struct oc_listing *classes)
{
    char *path = oc_path_join(folder, name);
    char *class_name = strndup(name, strlen(name) - 4);
    struct oc_characters text = {.point = NULL};
    ocellus_status status;

    if (path == NULL || class_name == NULL ||
        !oc_grow(&classes->name, classes->count, &classes->room,
                 sizeof *classes->name)) {
        free(class_name);
        free(path);
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a name");
    }
    classes->name[classes->count++] = class_name;
    status = oc_characters_load(path, &text);
    if (status == OCELLUS_OK)
        status = add_text(all, &text, classes->count - 1);
    oc_characters_free(&text);
    free(path);
    return status;
}

static ocellus_status
read_row(const struct oc_store *store, int64_t i, struct oc_image *image,
         struct oc_image *scratch, void *label)
{
    int width = store->chw[2];

    (void)scratch;
    OC_TRY(oc_image_resize(image, 1, 1, width));
    for (int k = 0; k < width; k++)
        image->x[k] = (float)store->token[i * width + k];
    *(int64_t *)label = store->label[i];
    return OCELLUS_OK;
}

/* Lines into rows of one width; what is longer is cut off. */
static void
fill_rows(const int32_t *number, const struct lines *all,
          struct oc_store *store)
{
    int width = store->chw[2];

    for (int64_t i = 0; i < all->lines; i++) {
        int32_t *row = store->token + i * width;

        for (int k = 0; *number != 0; k++, number++)
            if (k < width)
                row[k] = *number;
        number++;
        store->label[i] = all->label[i];
    }
}

static ocellus_status
keep_rows(const int32_t *number, const struct lines *all,
          const struct ocellus_dataset *dataset, struct oc_store *store)
{
    int64_t width = dataset->sequence ? dataset->sequence : all->longest;
    const int64_t chw[3] = {1, 1, width};

    OC_TRY(oc_store_shape(store, "the lines", all->lines, chw));
    OC_TRY(oc_store_labels(store, all->lines));
    store->token =
        calloc((size_t)(all->lines * width) + 1, sizeof *store->token);
    if (store->token == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no memory for %lld lines of %lld characters",
                       (long long)all->lines, (long long)width);
    fill_rows(number, all, store);
    store->count = all->lines;
    store->read = read_row;
    return OCELLUS_OK;
}

/* A line's end must be number 0, for it fills the rows up. */
static ocellus_status
number_lines(struct lines *all, struct ocellus_dataset *dataset)
{
    int32_t *number = malloc(((size_t)all->count + 1) * sizeof *number);
    ocellus_status status;

    if (number == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %lld characters",
                       (long long)all->count);
    if (dataset->vocabulary == NULL)
        OC_TRY_OUT(oc_characters_collect(all->point, all->count,
                                         &dataset->vocabulary));
    if (dataset->vocabulary[0] != '\n')
        OC_TRY_OUT(oc_fail(OCELLUS_BAD_DATA,
                           "the vocabulary does not begin with a line's end: "
                           "its model was not trained on lines, or these hold "
                           "control characters"));
    OC_TRY_OUT(oc_characters_number(dataset->vocabulary, all->point, all->count,
                                    number));
    status = keep_rows(number, all, dataset, &dataset->store[OCELLUS_TRAIN]);
out:
    free(number);
    return status;
}

static ocellus_status
read(const char *folder, const struct oc_listing *names,
     struct ocellus_dataset *dataset)
{
    struct lines all = {.point = NULL};
    ocellus_status status = OCELLUS_OK;

    for (int i = 0; status == OCELLUS_OK && i < names->count; i++)
        if (is_text(names->name[i]))
            status =
                add_file(&all, folder, names->name[i], &dataset->class_name);
    if (status == OCELLUS_OK && all.lines == 0)
        status = oc_fail(OCELLUS_BAD_DATA, "the text files have no lines");
    if (status == OCELLUS_OK)
        status = number_lines(&all, dataset);
    if (status == OCELLUS_OK)
        status = oc_text_settle(dataset);
    free(all.point);
    free(all.label);
    return status;
}

const struct oc_reader oc_names_reader = {"names", looks, read};

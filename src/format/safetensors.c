/* safetensors.c - see safetensors.h. */
#include "format/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"

#define MOST_HEADER (100u << 20) /* what the specification allows */

static const struct {
    ocellus_type type;
    const char *name;
} types[] = {{OCELLUS_FLOAT, "F32"},   {OCELLUS_DOUBLE, "F64"},
             {OCELLUS_FLOAT16, "F16"}, {OCELLUS_BFLOAT16, "BF16"},
             {OCELLUS_INT64, "I64"},   {OCELLUS_INT32, "I32"},
             {OCELLUS_INT16, "I16"},   {OCELLUS_INT8, "I8"},
             {OCELLUS_UINT64, "U64"},  {OCELLUS_UINT32, "U32"},
             {OCELLUS_UINT16, "U16"},  {OCELLUS_UINT8, "U8"},
             {OCELLUS_BOOL, "BOOL"}};

/* ---- writing ---------------------------------------------------------------
 */

static const char *
name_of(ocellus_type type)
{
    for (size_t k = 0; k < OC_COUNT(types); k++)
        if (types[k].type == type)
            return types[k].name;
    return NULL;
}

static json_t *
entry_json(const struct oc_safetensor *t, size_t *offset)
{
    json_t *shape = json_array();
    for (int d = 0; d < t->shape.rank; d++)
        json_array_append_new(shape, json_integer(t->shape.dim[d]));
    size_t begin = *offset;
    *offset += t->bytes;
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", name_of(t->type), "shape",
                     shape, "data_offsets", (json_int_t)begin,
                     (json_int_t)*offset);
}

static ocellus_status
header_text(const struct oc_safetensor *tensor, int count,
            const char *const *key, const char *const *value, int n_keys,
            char **text)
{
    json_t *root = json_object(), *meta = json_object();
    size_t offset = 0;
    int ok = root != NULL && meta != NULL;
    for (int k = 0; ok && k < n_keys; k++)
        ok = json_object_set_new(meta, key[k], json_string(value[k])) == 0;
    if (ok && n_keys > 0)
        ok = json_object_set(root, "__metadata__", meta) == 0;
    for (int k = 0; ok && k < count; k++)
        ok = name_of(tensor[k].type) != NULL &&
             json_object_set_new(root, tensor[k].name,
                                 entry_json(&tensor[k], &offset)) == 0;
    *text = ok ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(meta);
    json_decref(root);
    if (*text == NULL)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "%d tensors do not go into a safetensors header: a "
                       "name or a note is no UTF-8, or a type has no name "
                       "there",
                       count);
    return OCELLUS_OK;
}

static ocellus_status
write_all(struct oc_file_out *out, const char *text,
          const struct oc_safetensor *tensor, int count)
{
    size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    unsigned char size[8];
    for (int k = 0; k < 8; k++)
        size[k] = (unsigned char)((uint64_t)padded >> (8 * k));
    OC_TRY(oc_file_add(out, size, sizeof size));
    OC_TRY(oc_file_add(out, text, length));
    OC_TRY(oc_file_add(out, "        ", padded - length));
    for (int k = 0; k < count; k++)
        OC_TRY(oc_file_add(out, tensor[k].data, tensor[k].bytes));
    return OCELLUS_OK;
}

ocellus_status
oc_safetensors_write(const char *path, const struct oc_safetensor *tensor,
                     int count, const char *const *key,
                     const char *const *value, int n_keys)
{
    char *text;
    struct oc_file_out *out = NULL;
    OC_TRY(header_text(tensor, count, key, value, n_keys, &text));
    ocellus_status status = oc_file_begin(path, &out);
    if (status == OCELLUS_OK)
        status = write_all(out, text, tensor, count);
    if (status == OCELLUS_OK)
        status = oc_file_commit(out);
    else
        oc_file_abandon(out);
    free(text);
    return status;
}

/* ---- reading
 * ----------------------------------------------------------------- */

struct memory {
    struct oc_arena *arena;
    char *file;
};

struct reading {
    const char *path;
    struct oc_arena *arena;
    const char *data; /* behind the header */
    size_t bytes;
    struct oc_safetensors *into;
};

void
oc_safetensors_free(struct oc_safetensors *file)
{
    if (file == NULL)
        return;
    struct memory *memory = file->memory;
    free(memory->file);
    oc_arena_destroy(memory->arena);
    free(memory);
    free(file);
}

static ocellus_status
bad(const struct reading *r, const char *name, const char *why)
{
    return oc_fail(OCELLUS_BAD_DATA, "%s is no sound safetensors file: '%s' %s",
                   r->path, name, why);
}

static ocellus_status
read_shape(const struct reading *r, const char *name, const json_t *shape,
           struct oc_shape *out)
{
    size_t rank = json_array_size(shape);
    if (!json_is_array(shape) || rank > OC_MAX_RANK)
        return bad(r, name, "has no shape of at most 8 dimensions");
    out->rank = (int)rank;
    for (size_t d = 0; d < rank; d++) {
        const json_t *dim = json_array_get(shape, d);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return bad(r, name, "has a dimension that is no count");
        out->dim[d] = json_integer_value(dim);
    }
    return OCELLUS_OK;
}

static ocellus_status
read_entry(struct reading *r, const char *name, const json_t *entry)
{
    struct oc_safetensor *t = &r->into->tensor[r->into->count];
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    const json_t *offsets = json_object_get(entry, "data_offsets");
    *t = (struct oc_safetensor){.name = oc_arena_strdup(r->arena, name)};
    for (size_t k = 0; type != NULL && k < OC_COUNT(types); k++)
        if (strcmp(types[k].name, type) == 0)
            t->type = types[k].type;
    if (t->type == OCELLUS_UNDEFINED)
        return bad(r, name, "has an element type that is not known");
    OC_TRY(read_shape(r, name, json_object_get(entry, "shape"), &t->shape));
    if (oc_shape_bytes(&t->shape, oc_type_size(t->type), &t->bytes) !=
        OCELLUS_OK)
        return bad(r, name, "has a shape beyond all memory");
    json_int_t begin = json_integer_value(json_array_get(offsets, 0));
    json_int_t end = json_integer_value(json_array_get(offsets, 1));
    if (json_array_size(offsets) != 2 || begin < 0 || end < begin ||
        (size_t)end > r->bytes || (size_t)(end - begin) != t->bytes)
        return bad(r, name, "lies outside the file or does not fit its shape");
    t->data = r->data + begin;
    r->into->count++;
    return OCELLUS_OK;
}

static ocellus_status
read_metadata(struct reading *r, json_t *meta)
{
    const char *key;
    json_t *value;
    size_t n = json_object_size(meta) + 1;
    struct oc_safetensors *into = r->into;
    into->key = oc_arena_alloc(r->arena, n * sizeof *into->key);
    into->value = oc_arena_alloc(r->arena, n * sizeof *into->value);
    if (into->key == NULL || into->value == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to read %s", r->path);
    json_object_foreach(meta, key, value)
    {
        if (!json_is_string(value))
            return bad(r, key, "is metadata and no text");
        into->key[into->n_keys] = oc_arena_strdup(r->arena, key);
        into->value[into->n_keys++] =
            oc_arena_strdup(r->arena, json_string_value(value));
    }
    return OCELLUS_OK;
}

static int
by_place(const void *a, const void *b)
{
    const struct oc_safetensor *x = a, *y = b;
    const char *p = x->data, *q = y->data;
    if (p != q)
        return p < q ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

/* No hole and no overlap, as the specification asks. */
static ocellus_status
check_cover(const struct reading *r)
{
    const char *at = r->data;
    qsort(r->into->tensor, (size_t)r->into->count, sizeof *r->into->tensor,
          by_place);
    for (int k = 0; k < r->into->count; k++) {
        if ((const char *)r->into->tensor[k].data != at)
            return bad(r, r->into->tensor[k].name,
                       "overlaps another tensor or leaves a hole");
        at += r->into->tensor[k].bytes;
    }
    if (at != r->data + r->bytes)
        return bad(r, "(end)", "comes before the end of the file");
    return OCELLUS_OK;
}

static ocellus_status
read_root(struct reading *r, json_t *root)
{
    const char *name;
    json_t *entry;
    size_t n = json_object_size(root) + 1;
    if (!json_is_object(root))
        return bad(r, "(header)", "is no JSON object");
    r->into->tensor = oc_arena_alloc(r->arena, n * sizeof *r->into->tensor);
    if (r->into->tensor == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to read %s", r->path);
    json_object_foreach(root, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            OC_TRY(read_metadata(r, entry));
        else
            OC_TRY(read_entry(r, name, entry));
    }
    return check_cover(r);
}

static ocellus_status
read_all(struct reading *r, const char *file, size_t bytes)
{
    uint64_t length = 0;
    if (bytes < 8)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s is no safetensors file: it has %zu bytes", r->path,
                       bytes);
    for (int k = 0; k < 8; k++)
        length |= (uint64_t)(unsigned char)file[k] << (8 * k);
    if (length > MOST_HEADER || length > bytes - 8)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s is no safetensors file: its header would take "
                       "%llu of %zu bytes",
                       r->path, (unsigned long long)length, bytes);
    r->data = file + 8 + length;
    r->bytes = bytes - 8 - (size_t)length;
    json_error_t error;
    json_t *root =
        json_loadb(file + 8, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s is no safetensors file: its header breaks off at "
                       "byte %d: %s",
                       r->path, error.position, error.text);
    ocellus_status status = read_root(r, root);
    json_decref(root);
    return status;
}

ocellus_status
oc_safetensors_read(const char *path, struct oc_safetensors **file)
{
    *file = NULL;
    struct oc_safetensors *made = calloc(1, sizeof *made);
    struct memory *memory = calloc(1, sizeof *memory);
    if (made == NULL || memory == NULL ||
        (memory->arena = oc_arena_create()) == NULL) {
        free(memory);
        free(made);
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to read %s", path);
    }
    made->memory = memory;
    size_t bytes = 0;
    ocellus_status status = oc_file_read(path, 0, &memory->file, &bytes);
    struct reading r = {path, memory->arena, NULL, 0, made};
    if (status == OCELLUS_OK)
        status = read_all(&r, memory->file, bytes);
    if (status != OCELLUS_OK)
        oc_safetensors_free(made);
    else
        *file = made;
    return status;
}

const struct oc_safetensor *
oc_safetensors_find(const struct oc_safetensors *file, const char *name)
{
    for (int k = 0; k < file->count; k++)
        if (strcmp(file->tensor[k].name, name) == 0)
            return &file->tensor[k];
    return NULL;
}

const char *
oc_safetensors_value(const struct oc_safetensors *file, const char *key)
{
    for (int k = 0; k < file->n_keys; k++)
        if (strcmp(file->key[k], key) == 0)
            return file->value[k];
    return NULL;
}

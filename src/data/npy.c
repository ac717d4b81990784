/* npy.c - NumPy's .npy files (numpy.lib.format): "\x93NUMPY", a version, the
 * length of a header, the header as a Python dictionary with 'descr',
 * 'fortran_order' and 'shape', then the numbers. */
#include "data/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "base/type.h"
#include "data/stream.h"

#define MOST_HEADER_BYTES ((size_t)1 << 20)

static const struct {
    char kind, size;
    ocellus_type type;
} types[] = {
    {'f', 4, OCELLUS_FLOAT},   {'f', 8, OCELLUS_DOUBLE},
    {'f', 2, OCELLUS_FLOAT16}, {'u', 1, OCELLUS_UINT8},
    {'u', 2, OCELLUS_UINT16},  {'u', 4, OCELLUS_UINT32},
    {'u', 8, OCELLUS_UINT64},  {'i', 1, OCELLUS_INT8},
    {'i', 2, OCELLUS_INT16},   {'i', 4, OCELLUS_INT32},
    {'i', 8, OCELLUS_INT64},   {'b', 1, OCELLUS_BOOL},
};

struct header {
    ocellus_type type;
    int swapped; /* numbers have their high byte first */
    struct oc_shape shape;
    size_t bytes; /* of all numbers */
};

static const char *
skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Behind 'KEY': in the dictionary, or NULL. */
static const char *
find_value(const char *text, const char *key)
{
    const char *at = strstr(text, key);

    if (at == NULL)
        return NULL;
    at = skip_space(at + strlen(key));
    return *at == ':' ? skip_space(at + 1) : NULL;
}

/* '<f4', '|u1', '=i8', '>i4' */
static ocellus_status
parse_type(const char *path, const char *at, struct header *header)
{
    size_t length = at != NULL && *at == '\'' ? strcspn(at + 1, "'") : 0;

    if (length == 3 && at[4] == '\'' && strchr("<>=|", at[1]) != NULL) {
        header->swapped = at[1] == '>';
        for (size_t k = 0; k < OC_COUNT(types); k++)
            if (types[k].kind == at[2] && types[k].size == at[3] - '0') {
                header->type = types[k].type;
                return OCELLUS_OK;
            }
    }
    return oc_fail(OCELLUS_BAD_DATA,
                   "%s: elements of type %.*s cannot be read; floats, integers "
                   "and booleans can",
                   path, at != NULL ? (int)strcspn(at, ",}\n") : 4,
                   at != NULL ? at : "none");
}

static ocellus_status
parse_shape(const char *path, const char *at, struct oc_shape *shape)
{
    shape->rank = 0;
    if (at == NULL || *at != '(')
        return oc_fail(OCELLUS_BAD_DATA, "%s: the header has no shape", path);
    at = skip_space(at + 1);
    while (*at >= '0' && *at <= '9') {
        int64_t dim = 0;

        for (; *at >= '0' && *at <= '9'; at++) {
            if (dim > (INT64_MAX - 9) / 10)
                return oc_fail(OCELLUS_BAD_DATA,
                               "%s: a dimension is larger than any memory",
                               path);
            dim = dim * 10 + (*at - '0');
        }
        if (shape->rank == OC_MAX_RANK)
            return oc_fail(OCELLUS_BAD_DATA, "%s: more than %d dimensions",
                           path, OC_MAX_RANK);
        shape->dim[shape->rank++] = dim;
        at = skip_space(*at == 'L' ? at + 1 : at);
        if (*at == ',')
            at = skip_space(at + 1);
    }
    if (*at != ')')
        return oc_fail(OCELLUS_BAD_DATA, "%s: the shape is malformed", path);
    return OCELLUS_OK;
}

static ocellus_status
parse_header(const char *path, const char *text, struct header *header)
{
    const char *order = find_value(text, "'fortran_order'");
    char shape[OC_SHAPE_TEXT];

    OC_TRY(parse_type(path, find_value(text, "'descr'"), header));
    OC_TRY(parse_shape(path, find_value(text, "'shape'"), &header->shape));
    if (order == NULL ||
        (strncmp(order, "True", 4) != 0 && strncmp(order, "False", 5) != 0))
        return oc_fail(OCELLUS_BAD_DATA, "%s: the header has no fortran_order",
                       path);
    if (*order == 'T' && header->shape.rank > 1)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: the array is in Fortran order; save "
                       "numpy.ascontiguousarray(x) instead",
                       path);
    if (oc_shape_bytes(&header->shape, oc_type_size(header->type),
                       &header->bytes) != OCELLUS_OK)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: an array of %s is larger than any memory", path,
                       oc_shape_text(&header->shape, shape));
    return OCELLUS_OK;
}

static ocellus_status
read_header(struct oc_stream *stream, struct header *header)
{
    uint8_t start[12];
    size_t length;
    char *text;
    ocellus_status status;

    OC_TRY(oc_stream_need(stream, start, 10, "the header"));
    if (memcmp(start, "\x93NUMPY", 6) != 0)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: begins with %02x %02x %02x %02x and not as a .npy "
                       "file does",
                       stream->path, start[0], start[1], start[2], start[3]);
    if (start[6] < 1 || start[6] > 3)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: version %d.%d of .npy; 1.0 to 3.0 are known",
                       stream->path, start[6], start[7]);
    length = start[8] | (size_t)start[9] << 8;
    if (start[6] > 1) {
        OC_TRY(oc_stream_need(stream, start + 10, 2, "the header"));
        length |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
    }
    if (length > MOST_HEADER_BYTES)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: a header of %zu bytes; at most %zu are accepted",
                       stream->path, length, MOST_HEADER_BYTES);
    text = calloc(1, length + 1);
    if (text == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a header");
    status = oc_stream_need(stream, text, length, "the header");
    if (status == OCELLUS_OK)
        status = parse_header(stream->path, text, header);
    free(text);
    return status;
}

static void
swap(uint8_t *data, size_t bytes, size_t each)
{
    for (size_t i = 0; i + each <= bytes; i += each)
        for (size_t k = 0; k < each / 2; k++) {
            uint8_t kept = data[i + k];

            data[i + k] = data[i + each - 1 - k];
            data[i + each - 1 - k] = kept;
        }
}

static ocellus_status
read_array(struct oc_stream *stream, struct oc_npy *npy)
{
    struct header header = {.swapped = 0};
    char shape[OC_SHAPE_TEXT];
    uint8_t *data;
    size_t got;

    OC_TRY(read_header(stream, &header));
    OC_TRY(oc_stream_load(stream, header.bytes, &data, &got));
    npy->data = data;
    if (got < header.bytes)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: an array of %s needs %zu bytes, but only %zu are "
                       "there",
                       stream->path, oc_shape_text(&header.shape, shape),
                       header.bytes, got);
    OC_TRY(oc_stream_end(stream));
    if (header.swapped)
        swap(data, got, oc_type_size(header.type));
    npy->type = header.type;
    npy->shape = header.shape;
    return OCELLUS_OK;
}

ocellus_status
oc_npy_read(const char *path, struct oc_npy *npy)
{
    struct oc_stream stream;
    ocellus_status status;

    memset(npy, 0, sizeof *npy);
    OC_TRY(oc_stream_open(path, &stream));
    status = read_array(&stream, npy);
    oc_stream_close(&stream);
    if (status != OCELLUS_OK)
        oc_npy_free(npy);
    return status;
}

void
oc_npy_free(struct oc_npy *npy)
{
    free(npy->data);
    memset(npy, 0, sizeof *npy);
}

/* Version 1.0; the header is padded with blanks to a multiple of 64. */
static void
write_header(ocellus_type type, const struct oc_shape *shape,
             struct oc_text *text)
{
    size_t k = 0, length;

    while (types[k].type != type)
        k++;
    oc_text_append_bytes(text, "\x93NUMPY\x01\x00\x00\x00", 10);
    oc_text_printf(
        text, "{'descr': '%c%c%d', 'fortran_order': False, 'shape': (",
        types[k].size == 1 ? '|' : '<', types[k].kind, types[k].size);
    for (int d = 0; d < shape->rank; d++)
        oc_text_printf(text, "%lld%s", (long long)shape->dim[d],
                       shape->rank == 1      ? ","
                       : d + 1 < shape->rank ? ", "
                                             : "");
    oc_text_append(text, "), }");
    while (!text->failed && text->length % 64 != 63)
        oc_text_append(text, " ");
    oc_text_append(text, "\n");
    length = text->length - 10;
    if (!text->failed) {
        text->data[8] = (char)(length & 255);
        text->data[9] = (char)(length >> 8);
    }
}

ocellus_status
oc_npy_write(const char *path, ocellus_type type, const struct oc_shape *shape,
             const void *data)
{
    struct oc_text text = {.data = NULL};
    struct oc_file_out *out;
    size_t bytes, known = 0;
    ocellus_status status;

    while (known < OC_COUNT(types) && types[known].type != type)
        known++;
    if (known == OC_COUNT(types))
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "%s: NumPy has no type for elements of %s", path,
                       oc_type_name(type));
    OC_TRY(oc_shape_bytes(shape, oc_type_size(type), &bytes));
    write_header(type, shape, &text);
    if (text.failed)
        status = oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a header");
    else
        status = oc_file_begin(path, &out);
    if (status == OCELLUS_OK) {
        status = oc_file_add(out, text.data, text.length);
        if (status == OCELLUS_OK)
            status = oc_file_add(out, data, bytes);
        if (status == OCELLUS_OK)
            status = oc_file_commit(out);
        else
            oc_file_abandon(out);
    }
    oc_text_free(&text);
    return status;
}

/* onnx_tensor.c - the numbers of a TensorProto, whichever field they are in. */
#include <stdlib.h>
#include <string.h>

#include "format/onnx_inside.h"

static ocellus_status
bad(const oc_onnx_tensor *t, const char *why)
{
    return oc_fail(OCELLUS_BAD_MODEL, "tensor '%s' %s",
                   t->name ? t->name : "(unnamed)", why);
}

static ocellus_status
read_shape(const oc_onnx_tensor *t, struct oc_shape *shape)
{
    if (t->n_dims > OC_MAX_RANK)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "tensor '%s' has %zu dimensions; %d are the most",
                       t->name ? t->name : "(unnamed)", t->n_dims, OC_MAX_RANK);
    shape->rank = (int)t->n_dims;
    for (size_t d = 0; d < t->n_dims; d++) {
        if (t->dims[d] < 0)
            return bad(t, "has a negative dimension");
        shape->dim[d] = t->dims[d];
    }
    return OCELLUS_OK;
}

/* Numbers that stand in int32_data, one element each, by type. */
static int
in_int32(ocellus_type type)
{
    switch (type) {
    case OCELLUS_INT32:
    case OCELLUS_INT16:
    case OCELLUS_INT8:
    case OCELLUS_UINT16:
    case OCELLUS_UINT8:
    case OCELLUS_BOOL:
    case OCELLUS_FLOAT16:
    case OCELLUS_BFLOAT16:
        return 1;
    default:
        return 0;
    }
}

static void
narrow(const oc_onnx_tensor *t, size_t size, void *data)
{
    for (size_t i = 0; i < t->n_int32_data; i++) {
        uint32_t v = (uint32_t)t->int32_data[i];
        for (size_t b = 0; b < size; b++)
            ((unsigned char *)data)[i * size + b] =
                (unsigned char)(v >> (8 * b));
    }
}

/* The field that holds numbers of this type: its count, and where. */
static const void *
field(const oc_onnx_tensor *t, ocellus_type type, size_t *count)
{
    *count = 0;
    switch (type) {
    case OCELLUS_FLOAT:
        *count = t->n_float_data;
        return t->float_data;
    case OCELLUS_INT64:
        *count = t->n_int64_data;
        return t->int64_data;
    case OCELLUS_DOUBLE:
        *count = t->n_double_data;
        return t->double_data;
    case OCELLUS_UINT64:
        *count = t->n_uint64_data;
        return t->uint64_data;
    default:
        *count = in_int32(type) ? t->n_int32_data : 0;
        return t->int32_data;
    }
}

static ocellus_status
fill(const oc_onnx_tensor *t, ocellus_type type, size_t size, size_t bytes,
     void *data)
{
    size_t count;
    if (t->has_raw_data) {
        if (t->raw_data.len != bytes)
            return oc_fail(OCELLUS_BAD_MODEL,
                           "tensor '%s' has %zu bytes; its shape takes %zu",
                           t->name ? t->name : "(unnamed)", t->raw_data.len,
                           bytes);
        if (bytes > 0)
            memcpy(data, t->raw_data.data, bytes);
        return OCELLUS_OK;
    }
    const void *from = field(t, type, &count);
    if (count != bytes / size)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "tensor '%s' has %zu numbers; its shape takes %zu",
                       t->name ? t->name : "(unnamed)", count, bytes / size);
    if (in_int32(type))
        narrow(t, size, data);
    else if (bytes > 0)
        memcpy(data, from, bytes);
    return OCELLUS_OK;
}

/* In one field, not in several that may differ. */
static ocellus_status
check_fields(const oc_onnx_tensor *t)
{
    int used = t->has_raw_data && t->raw_data.len > 0;
    used += t->n_float_data > 0;
    used += t->n_int32_data > 0;
    used += t->n_int64_data > 0;
    used += t->n_double_data > 0;
    used += t->n_uint64_data > 0;
    return used > 1 ? bad(t, "has numbers in more than one place") : OCELLUS_OK;
}

/* What is asked for must be there: a short file asks for no memory. */
static ocellus_status
check_length(const oc_onnx_tensor *t, ocellus_type type, size_t bytes)
{
    size_t count;
    field(t, type, &count);
    if (t->has_raw_data)
        count = t->raw_data.len / oc_type_size(type);
    return count >= bytes / oc_type_size(type)
               ? OCELLUS_OK
               : bad(t, "is shorter than its shape says");
}

static ocellus_status
take(const oc_onnx_tensor *t, struct oc_onnx_file *file, ocellus_type type,
     size_t bytes, void *data)
{
    if (t->data_location != OC_ONNX__TENSOR__PLACE__EXTERNAL)
        return data ? fill(t, type, oc_type_size(type), bytes, data)
                    : check_length(t, type, bytes);
    if (file == NULL)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "tensor '%s' lies in a file of its own",
                       t->name ? t->name : "(unnamed)");
    ocellus_status status = oc_onnx_external(file, t, data, bytes);
    return status == OCELLUS_OK
               ? status
               : oc_fail_context(
                     status, "tensor '%s': ", t->name ? t->name : "(unnamed)");
}

/* Large tensors begin where a device may read them in place. */
static void *
get_room(struct oc_arena *arena, size_t bytes)
{
    const size_t large = 65536, unit = 128;
    if (arena == NULL)
        return malloc(bytes ? bytes : 1);
    if (bytes < large)
        return oc_arena_alloc(arena, bytes ? bytes : 1);
    char *room = oc_arena_alloc(arena, bytes + unit);
    return room ? room + (unit - (uintptr_t)room % unit) % unit : NULL;
}

ocellus_status
oc_onnx_numbers(const oc_onnx_tensor *t, struct oc_onnx_file *file,
                struct oc_arena *arena, struct oc_shape *shape, void **data,
                size_t *bytes)
{
    ocellus_type type = (ocellus_type)t->data_type;
    *data = NULL;
    *bytes = 0;
    if (oc_type_size(type) == 0)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "tensor '%s' has element type %d, which is not there",
                       t->name ? t->name : "(unnamed)", t->data_type);
    OC_TRY(read_shape(t, shape));
    OC_TRY(check_fields(t));
    OC_TRY(oc_shape_bytes(shape, oc_type_size(type), bytes));
    OC_TRY(take(t, file, type, *bytes, NULL));
    *data = get_room(arena, *bytes);
    if (*data == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no memory for a tensor of %zu bytes", *bytes);
    ocellus_status status = take(t, file, type, *bytes, *data);
    if (status != OCELLUS_OK && arena == NULL)
        free(*data);
    if (status != OCELLUS_OK)
        *data = NULL;
    return status;
}

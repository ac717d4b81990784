/* onnx_file.c - a file that holds one TensorProto, as the tests of ONNX's
 * operators do (input_0.pb). */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/onnx_inside.h"

static ocellus_status
unpacked(const oc_onnx_tensor *t, struct ocellus_tensor **tensor)
{
    struct oc_shape shape;
    size_t bytes;
    void *data;

    OC_TRY(oc_onnx_numbers(t, NULL, NULL, &shape, &data, &bytes));
    ocellus_status status =
        oc_tensor_create((ocellus_type)t->data_type, &shape, tensor);
    if (status == OCELLUS_OK && bytes > 0)
        memcpy((*tensor)->data, data, bytes);
    free(data);
    return status;
}

ocellus_status
oc_onnx_tensor_read(const char *path, struct ocellus_tensor **tensor)
{
    char *bytes;
    size_t length;

    *tensor = NULL;
    OC_TRY(oc_file_read(path, (size_t)2 << 30, &bytes, &length));
    oc_onnx_tensor *t =
        oc_onnx__tensor__unpack(NULL, length, (const uint8_t *)bytes);
    free(bytes);
    if (t == NULL)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s is no ONNX tensor: its %zu bytes break off or are "
                       "something else",
                       path, length);
    ocellus_status status = unpacked(t, tensor);
    oc_onnx__tensor__free_unpacked(t, NULL);
    return status == OCELLUS_OK ? status
                                : oc_fail_context(status, "%s: ", path);
}

ocellus_status
oc_onnx_tensor_write(const char *path, const char *name,
                     const struct ocellus_tensor *tensor)
{
    oc_onnx_tensor t = OC_ONNX__TENSOR__INIT;
    int64_t dims[OC_MAX_RANK];

    memcpy(dims, tensor->shape.dim, sizeof dims);
    t.name = (char *)name;
    t.n_dims = (size_t)tensor->shape.rank;
    t.dims = dims;
    t.has_data_type = t.has_raw_data = 1;
    t.data_type = (int32_t)tensor->type;
    t.raw_data.data = tensor->data;
    t.raw_data.len =
        (size_t)oc_shape_count(&tensor->shape) * oc_type_size(tensor->type);
    size_t length = oc_onnx__tensor__get_packed_size(&t);
    uint8_t *bytes = malloc(length ? length : 1);
    if (bytes == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %zu bytes of %s",
                       length, path);
    oc_onnx__tensor__pack(&t, bytes);
    ocellus_status status = oc_file_write_atomic(path, bytes, length);
    free(bytes);
    return status;
}

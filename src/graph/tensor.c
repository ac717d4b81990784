/* tensor.c - typed numbers with a shape. */
#include "graph/tensor.h"

#include <stdlib.h>

#include "base/type.h"

ocellus_status
oc_tensor_create(ocellus_type type, const struct oc_shape *shape,
                 struct ocellus_tensor **tensor)
{
    *tensor = NULL;
    size_t size = oc_type_size(type), bytes;
    if (size == 0)
        return oc_fail(OCELLUS_BAD_ARGUMENT, "element type %d has no tensors",
                       (int)type);
    OC_TRY(oc_shape_bytes(shape, size, &bytes));
    struct ocellus_tensor *made = calloc(1, sizeof *made);
    void *data = calloc(bytes ? bytes : 1, 1);
    if (made == NULL || data == NULL) {
        free(made);
        free(data);
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no memory for a tensor of %zu bytes", bytes);
    }
    made->type = type;
    made->shape = *shape;
    made->data = data;
    made->owned = 1;
    *tensor = made;
    return OCELLUS_OK;
}

void
oc_tensor_destroy(struct ocellus_tensor *tensor)
{
    if (tensor == NULL)
        return;
    if (tensor->release != NULL)
        tensor->release(tensor->memory);
    if (tensor->owned)
        free(tensor->data);
    free(tensor);
}

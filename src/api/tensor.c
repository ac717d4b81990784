/* tensor.c - the public functions of ocellus_tensor. */
#include "graph/tensor.h"

#include <stdlib.h>

#include "base/type.h"

static ocellus_status
shape_from(int rank, const int64_t *dims, struct oc_shape *shape)
{
    if (rank < 0 || rank > OC_MAX_RANK || (rank > 0 && dims == NULL))
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "a tensor has 0 to %d dimensions, not %d", OC_MAX_RANK,
                       rank);
    *shape = oc_shape_make(rank, dims);
    return OCELLUS_OK;
}

ocellus_status
ocellus_tensor_create(ocellus_type type, int rank, const int64_t *dims,
                      ocellus_tensor **tensor)
{
    struct oc_shape shape;
    *tensor = NULL;
    OC_TRY(shape_from(rank, dims, &shape));
    return oc_tensor_create(type, &shape, tensor);
}

ocellus_status
ocellus_tensor_wrap_host(ocellus_type type, int rank, const int64_t *dims,
                         void *data, ocellus_tensor **tensor)
{
    struct oc_shape shape;
    size_t bytes;
    *tensor = NULL;
    OC_TRY(shape_from(rank, dims, &shape));
    if (oc_type_size(type) == 0 || data == NULL)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "element type %d at %p cannot be wrapped", (int)type,
                       data);
    OC_TRY(oc_shape_bytes(&shape, oc_type_size(type), &bytes));
    ocellus_tensor *made = calloc(1, sizeof *made);
    if (made == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a tensor");
    made->type = type;
    made->shape = shape;
    made->data = data;
    *tensor = made;
    return OCELLUS_OK;
}

void
ocellus_tensor_destroy(ocellus_tensor *tensor)
{
    oc_tensor_destroy(tensor);
}

ocellus_type
ocellus_tensor_type(const ocellus_tensor *tensor)
{
    return tensor->type;
}

int
ocellus_tensor_rank(const ocellus_tensor *tensor)
{
    return tensor->shape.rank;
}

const int64_t *
ocellus_tensor_dims(const ocellus_tensor *tensor)
{
    return tensor->shape.dim;
}

size_t
ocellus_tensor_count(const ocellus_tensor *tensor)
{
    return (size_t)oc_shape_count(&tensor->shape);
}

size_t
ocellus_tensor_bytes(const ocellus_tensor *tensor)
{
    return ocellus_tensor_count(tensor) * oc_type_size(tensor->type);
}

void *
ocellus_tensor_data(const ocellus_tensor *tensor)
{
    return tensor->data;
}

const char *
ocellus_type_name(ocellus_type type)
{
    return oc_type_name(type);
}

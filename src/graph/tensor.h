/* tensor.h - ocellus_tensor: typed numbers with a shape, in host memory that
 * it owns or borrows, or around a device buffer (`memory` is then an OpenCL
 * handle that src/api retains; host data is NULL). */
#ifndef OC_GRAPH_TENSOR_H
#define OC_GRAPH_TENSOR_H

#include "base/shape.h"

struct ocellus_tensor {
    ocellus_type type;
    struct oc_shape shape;
    void *data;
    int owned;
    void *memory;
    size_t offset; /* bytes into `memory` */
    void (*release)(void *memory);
};

ocellus_status oc_tensor_create(ocellus_type type, const struct oc_shape *shape,
                                struct ocellus_tensor **tensor);
void oc_tensor_destroy(struct ocellus_tensor *tensor);

#endif

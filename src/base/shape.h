/* shape.h - the extents of a tensor, row-major, outermost first.
 *
 * A dimension may be unknown (OC_UNKNOWN) until a graph is bound. Rank 0 is a
 * scalar of one element; a dimension of 0 makes an empty tensor.
 */
#ifndef OC_BASE_SHAPE_H
#define OC_BASE_SHAPE_H

#include <stdint.h>

#include "base/status.h"

#define OC_MAX_RANK 8
#define OC_UNKNOWN ((int64_t)-1)

struct oc_shape {
    int rank;
    int64_t dim[OC_MAX_RANK];
};

struct oc_shape oc_shape_make(int rank, const int64_t *dim);
/* oc_shape_of(4, n, c, h, w): every argument after rank is an int64_t. */
#define OC_SHAPE(...)                                                          \
    oc_shape_make((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),   \
                  (const int64_t[]){__VA_ARGS__})

int oc_shape_equal(const struct oc_shape *a, const struct oc_shape *b);
int oc_shape_known(const struct oc_shape *shape); /* no unknown */
/* Number of elements; -1 where a dimension is unknown. Callers that take
 * shapes from outside check with oc_shape_bytes first. */
int64_t oc_shape_count(const struct oc_shape *shape);
/* Product of dim[from .. to-1]. */
int64_t oc_shape_span(const struct oc_shape *shape, int from, int to);
/* Elements * size in checked arithmetic: OCELLUS_BAD_MODEL on overflow or a
 * negative dimension. */
ocellus_status oc_shape_bytes(const struct oc_shape *shape, size_t size,
                              size_t *bytes);
/* The same check of what is known, with any number for the rest. */
ocellus_status oc_shape_possible(const struct oc_shape *shape, size_t size);
/* Row-major strides in elements. */
void oc_shape_strides(const struct oc_shape *shape,
                      int64_t stride[OC_MAX_RANK]);
/* NumPy/ONNX broadcasting of two shapes; unknown dims are handed on. */
ocellus_status oc_shape_broadcast(const struct oc_shape *a,
                                  const struct oc_shape *b,
                                  struct oc_shape *out);
/* axis in [-rank, rank) -> [0, rank); fails with a sentence. */
ocellus_status oc_axis(int64_t axis, int rank, int *out);

/* "1x3x?x224" into a buffer of at least OC_SHAPE_TEXT; returns it. */
#define OC_SHAPE_TEXT 176
char *oc_shape_text(const struct oc_shape *shape, char *text);

#endif

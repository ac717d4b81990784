/* shape.c - arithmetic on extents. */
#include "base/shape.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

/* What a process can address, so that sums and small products of such numbers
 * stay far from overflow. */
#define MOST_BYTES (UINT64_C(1) << 47)

struct oc_shape
oc_shape_make(int rank, const int64_t *dim)
{
    struct oc_shape shape = {0};

    shape.rank = rank < OC_MAX_RANK ? rank : OC_MAX_RANK;
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = dim[i];
    return shape;
}

int
oc_shape_equal(const struct oc_shape *a, const struct oc_shape *b)
{
    if (a->rank != b->rank)
        return 0;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i])
            return 0;
    return 1;
}

int
oc_shape_known(const struct oc_shape *shape)
{
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] == OC_UNKNOWN)
            return 0;
    return 1;
}

int64_t
oc_shape_count(const struct oc_shape *shape)
{
    return oc_shape_span(shape, 0, shape->rank);
}

int64_t
oc_shape_span(const struct oc_shape *shape, int from, int to)
{
    int64_t count = 1;

    for (int i = from; i < to; i++)
        if (shape->dim[i] == OC_UNKNOWN)
            return OC_UNKNOWN;
    for (int i = from; i < to; i++)
        count *= shape->dim[i];
    return count;
}

/* Extents of 0 count as 1 until the end, so that the strides of an empty
 * tensor cannot overflow either. */
ocellus_status
oc_shape_bytes(const struct oc_shape *shape, size_t size, size_t *bytes)
{
    const uint64_t most = MOST_BYTES;
    uint64_t total = size;
    char text[OC_SHAPE_TEXT];
    int empty = 0;

    *bytes = 0;
    for (int i = 0; i < shape->rank; i++) {
        uint64_t dim = (uint64_t)shape->dim[i];

        if (shape->dim[i] < 0)
            return oc_fail(OCELLUS_BAD_MODEL,
                           "shape %s: dimension %d is %" PRId64
                           " where a size is needed",
                           oc_shape_text(shape, text), i, shape->dim[i]);
        if (dim == 0) {
            empty = 1;
            continue;
        }
        if (total > most / dim)
            return oc_fail(OCELLUS_BAD_MODEL,
                           "shape %s of %zu bytes an element is more than "
                           "this machine can address",
                           oc_shape_text(shape, text), size);
        total *= dim;
    }
    if (!empty)
        *bytes = (size_t)total;
    return OCELLUS_OK;
}

ocellus_status
oc_shape_possible(const struct oc_shape *shape, size_t size)
{
    struct oc_shape least = *shape;
    size_t bytes;

    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] == OC_UNKNOWN)
            least.dim[i] = 1;
    return oc_shape_bytes(&least, size ? size : 1, &bytes);
}

void
oc_shape_strides(const struct oc_shape *shape, int64_t stride[OC_MAX_RANK])
{
    int64_t step = 1;

    for (int i = shape->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= shape->dim[i];
    }
}

/* One dimension of a broadcast; -2 where the two do not agree. A known extent
 * other than 1 decides against an unknown one, which must be it or 1. */
static int64_t
join(int64_t a, int64_t b)
{
    if (a == b || b == 1)
        return a;
    if (a == 1 || a == OC_UNKNOWN)
        return b;
    return b == OC_UNKNOWN ? a : -2;
}

ocellus_status
oc_shape_broadcast(const struct oc_shape *a, const struct oc_shape *b,
                   struct oc_shape *out)
{
    struct oc_shape joined = {0};
    char left[OC_SHAPE_TEXT], right[OC_SHAPE_TEXT];

    joined.rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 0; i < joined.rank; i++) {
        int in_a = i - (joined.rank - a->rank);
        int in_b = i - (joined.rank - b->rank);

        joined.dim[i] =
            join(in_a < 0 ? 1 : a->dim[in_a], in_b < 0 ? 1 : b->dim[in_b]);
        if (joined.dim[i] == -2)
            return oc_fail(OCELLUS_BAD_MODEL,
                           "shapes %s and %s do not broadcast: %" PRId64
                           " meets %" PRId64,
                           oc_shape_text(a, left), oc_shape_text(b, right),
                           a->dim[in_a], b->dim[in_b]);
    }
    *out = joined;
    return OCELLUS_OK;
}

ocellus_status
oc_axis(int64_t axis, int rank, int *out)
{
    if (axis < -rank || axis >= rank)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "axis %" PRId64 " is not one of the %d dimensions "
                       "(-%d to %d)",
                       axis, rank, rank, rank - 1);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return OCELLUS_OK;
}

char *
oc_shape_text(const struct oc_shape *shape, char *text)
{
    size_t at = 0;

    if (shape->rank == 0)
        snprintf(text, OC_SHAPE_TEXT, "scalar");
    for (int i = 0; i < shape->rank; i++) {
        const char *times = i ? "x" : "";

        if (shape->dim[i] == OC_UNKNOWN)
            at += (size_t)snprintf(text + at, OC_SHAPE_TEXT - at, "%s?", times);
        else
            at += (size_t)snprintf(text + at, OC_SHAPE_TEXT - at, "%s%" PRId64,
                                   times, shape->dim[i]);
    }
    return text;
}

/* scatter.h - updates into rows that indices name: what ScatterND and the
 * gradients of Gather and GatherND have in common. */
#ifndef OC_OP_SCATTER_H
#define OC_OP_SCATTER_H

#include "op/impl.h"

enum oc_scatter_reduce {
    OC_SCATTER_NONE,
    OC_SCATTER_ADD,
    OC_SCATTER_MUL,
    OC_SCATTER_MIN,
    OC_SCATTER_MAX
};

/* y is batches x (extents of dim[0 .. depth-1]) x slice; the updates batches x
 * tuples x slice; the indices (batches, unless `shared`) x tuples x depth. */
struct oc_scatter {
    int64_t batches, tuples, slice;
    int depth, shared;
    int64_t dim[OC_MAX_RANK];
    enum oc_scatter_reduce reduce;
    int clamp; /* indices outside: to the nearest row, else dropped */
};

/* Into output 0, which holds what is there before. */
void oc_scatter_emit(struct oc_steps *steps, const struct oc_scatter *s,
                     int index, int updates);
/* How many work-items share a column of `rows` places. */
int64_t oc_scatter_parts(const struct oc_caps *caps, int64_t columns,
                         int64_t rows);
/* The index input: int32 or int64. */
ocellus_status oc_check_index(const struct oc_node *node, int k);
/* Where the indices are known: whether all lie in [-extent, extent). The
 * numbers k, k + by, ... are looked at. */
ocellus_status oc_check_index_range(const struct oc_node *node, int input,
                                    int64_t from, int64_t by, int64_t extent);
/* Zeros of that shape, as a node. */
struct ocellus_value *oc_zeros(struct ocellus_graph *graph, ocellus_type type,
                               const struct oc_shape *shape);

#endif

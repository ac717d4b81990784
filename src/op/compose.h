/* compose.h - the words in which operators made of others (op->expand) are
 * written. NULL, for a builder that failed before, is handed on; the graph
 * keeps the failure. */
#ifndef OC_OP_COMPOSE_H
#define OC_OP_COMPOSE_H

#include "graph/op.h"

/* Input k of a node that is expanded, or NULL where it has none. */
struct ocellus_value *oc_given(const struct oc_node *node,
                               struct ocellus_value *const *in, int k);
/* Its only number, known on the host; `otherwise` where it is absent. */
ocellus_status oc_given_int(const struct oc_node *node,
                            struct ocellus_value *const *in, int k,
                            int64_t otherwise, int64_t *number);
/* OCELLUS_OK, or what `graph` failed with. */
ocellus_status oc_composed(const struct ocellus_graph *graph);

/* Bytes of a constant that an expansion is about to write down; more than
 * 1 GiB is refused. */
ocellus_status oc_written_bytes(const struct oc_shape *shape, ocellus_type type,
                                size_t *bytes);

/* 0 keeps an extent, -1 fits. */
struct ocellus_value *oc_reshape_to(struct ocellus_value *x, int rank,
                                    const int64_t *dims);
/* Another type, where it is another. */
struct ocellus_value *oc_cast_to(struct ocellus_value *x, ocellus_type type);
struct ocellus_value *oc_slice_of(struct ocellus_value *x, int64_t axis,
                                  int64_t from, int64_t to, int64_t step);
struct ocellus_value *oc_unsqueeze_at(struct ocellus_value *x, int64_t axis);
/* All of them behind each other, some at a time; `x` is overwritten. NULL also
 * where count is 0. */
struct ocellus_value *oc_join(struct ocellus_value **x, int count,
                              int64_t axis);

#endif

/* lie.h - two operators that make a graph of one node lie as in a net: tests
 * and the doctor put the first before an operator, the tuner both around it. */
#ifndef OC_DEVICE_LIE_H
#define OC_DEVICE_LIE_H

#include "op/impl.h"

/* `value`, left in that layout: "block" channels together (1: plain) with a
 * halo. first_fill: so many bytes are written elsewhere before, which puts out
 * of the caches what a net would have put out. NULL: the graph failed. */
struct ocellus_value *oc_lie(struct ocellus_graph *graph,
                             struct ocellus_value *value,
                             const struct oc_layout *layout, size_t first_fill);
/* `value` by a reader that wants that layout; what comes out is plain. */
struct ocellus_value *oc_lie_read(struct ocellus_graph *graph,
                                  struct ocellus_value *value,
                                  const struct oc_layout *layout);
/* Is it a step of one of these two? */
int oc_lie_is(const struct oc_node *node);

#endif

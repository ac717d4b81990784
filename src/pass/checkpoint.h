/* checkpoint.h - gradient checkpointing: memory for time.
 *
 * Chen et al., "Training deep nets with sublinear memory cost", 2016. */
#ifndef OC_PASS_CHECKPOINT_H
#define OC_PASS_CHECKPOINT_H

#include "graph/graph.h"

/* The first `n_forward` nodes are cut into `segments` of about equal activation
 * bytes, where little crosses a border. What a backward node reads from inside
 * a segment is computed again from what crosses the segment's border, just
 * before it is needed; only the borders stay alive from the forward sweep. Same
 * bits: the same nodes run on the same numbers (dropout is a function of its
 * key; running statistics are assigned by the first computation only). To be
 * called after oc_grad and before the updates; the nodes are to be sorted
 * afterwards. */
ocellus_status oc_checkpoint_pass(struct ocellus_graph *graph, int n_forward,
                                  int segments);

#endif

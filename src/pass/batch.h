/* batch.h - a model made for one batch size, for any. */
#ifndef OC_PASS_BATCH_H
#define OC_PASS_BATCH_H

#include "graph/graph.h"

/* A copy of `graph` whose first input's first dimension is open, and that of
 * every other input that has the same there; a Reshape that names this number
 * first keeps that dimension instead. What is open already stays so.
 * OCELLUS_UNSUPPORTED, naming the node where there is one, when the outputs
 * would not have the batch in front, or would not be what they are now for the
 * present batch. */
ocellus_status oc_batch_copy(const struct ocellus_graph *graph,
                             struct ocellus_graph **copy);

#endif

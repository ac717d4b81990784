/* early.h - updates as soon as their gradient is there. */
#ifndef OC_PASS_EARLY_H
#define OC_PASS_EARLY_H

#include "graph/graph.h"

/* Moves what makes the new number of a large state from the end of a training
 * step to where everything that it reads has been made and nobody reads the old
 * number any more: its gradient need not be kept longer. Small ones stay where
 * one launch serves many. The nodes are sorted, before and after. */
ocellus_status oc_early_pass(struct ocellus_graph *graph);

#endif

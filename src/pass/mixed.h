/* mixed.h - tensors in two bytes a number where that does no harm.
 *
 * Mixed precision for devices whose speed is that of their memory, as
 * Micikevicius et al. (2018) have it: convolutions and products take and give
 * half or bfloat16, sums stay float32 inside the kernels, and so do parameters,
 * which are rounded once a step. What rounding would hurt (losses, softmax,
 * norms' statistics, powers, reductions) is float32.
 */
#ifndef OC_PASS_MIXED_H
#define OC_PASS_MIXED_H

#include "graph/graph.h"

/* Does so to a concrete graph that wants it (graph->storage), in place, before
 * gradients are made: those then have the types of what they belong to, those
 * of parameters float32. Inputs, outputs and states keep their types. */
ocellus_status oc_mixed_pass(struct ocellus_graph *graph);

#endif

/* checkpoint.c - see checkpoint.h. */
#include "pass/checkpoint.h"

ocellus_status
oc_checkpoint_pass(struct ocellus_graph *graph, int segments)
{
    (void)graph;
    return oc_fail(OCELLUS_UNSUPPORTED,
                   "activations cannot be checkpointed in %d segments yet",
                   segments);
}

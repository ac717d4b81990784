/* infer.c - see infer.h. */
#include "pass/infer.h"

ocellus_status
oc_infer_pass(struct ocellus_graph *graph)
{
    return oc_graph_prune(graph);
}

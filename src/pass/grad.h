/* grad.h - reverse-mode differentiation as graph rewriting.
 *
 * Gradients are nodes: the pass appends them to the graph, so that planner,
 * executor and tests know one vocabulary.
 */
#ifndef OC_PASS_GRAD_H
#define OC_PASS_GRAD_H

#include "graph/graph.h"

/* gradients[k]: d loss / d wrt[k], of wrt[k]'s shape, or NULL where loss does
 * not depend on it. `loss` has one element; the graph is concrete. Fails,
 * naming the node, where an operator on the way has no gradient. */
ocellus_status oc_grad(struct ocellus_graph *graph, struct ocellus_value *loss,
                       struct ocellus_value *const *wrt, int count,
                       struct ocellus_value **gradients);

#endif

/* inside.h - what the files of src/graph share. */
#ifndef OC_GRAPH_INSIDE_H
#define OC_GRAPH_INSIDE_H

#include "graph/graph.h"
#include "graph/op.h"

/* An empty value; NULL when memory ran out (the graph keeps the failure). */
struct ocellus_value *oc_graph_value(struct ocellus_graph *graph,
                                     enum oc_value_kind kind, const char *name);
/* A node with outputs and room for inputs, not inferred; NULL: no memory. */
struct oc_node *oc_node_new(struct ocellus_graph *graph, const struct oc_op *op,
                            const char *name, int n_in, int n_out);
/* Checks arity, infers, evaluates what is known. */
ocellus_status oc_node_settle(struct oc_node *node);

#endif

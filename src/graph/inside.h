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
/* Nodes from one graph into another. (bind.c) */
struct oc_copying {
    const struct ocellus_graph *from;
    struct ocellus_graph *to;
    struct ocellus_value **map; /* by id in `from` */
    const char *prefix;         /* of names; NULL: none */
    int apart;                  /* oc_graph_copy_apart */
};
ocellus_status oc_copy_leaf(struct oc_copying *c,
                            const struct ocellus_value *value);
ocellus_status oc_copy_leaves(struct oc_copying *c);
ocellus_status oc_copy_node(struct oc_copying *c, const struct oc_node *node);
/* Checks arity, infers, evaluates what is known; or waits. */
ocellus_status oc_node_settle(struct oc_node *node);

#endif

/* work.h - how much a graph asks for, before anybody plans it. */
#ifndef OC_OP_WORK_H
#define OC_OP_WORK_H

#include "graph/op.h"

/* Operations on numbers, a multiplication and an addition being two; 0 for
 * what only moves them or is known on the host, -1 where a shape is unknown. */
double oc_node_flops(const struct oc_node *node);
/* Einsum's share of that, where shapes are known. */
double oc_einsum_flops(const struct oc_node *node);
/* Numbers in the trainable states that no node before this one reads. */
int64_t oc_node_parameters(const struct oc_node *node);
/* Bytes of the outputs; -1 where a shape is unknown. */
int64_t oc_node_bytes(const struct oc_node *node);
/* Most bytes of inputs and results at once, when nodes run in their order, a
 * result goes after its last reader, and nothing is done in place; -1 where a
 * shape is unknown. */
ocellus_status oc_graph_peak(const struct ocellus_graph *graph, int64_t *bytes);
/* 1: numbers known on the host stand for all outputs. */
int oc_node_is_known(const struct oc_node *node);

#endif

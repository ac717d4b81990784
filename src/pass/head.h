/* head.h - a classifier's last layer for other classes. */
#ifndef OC_PASS_HEAD_H
#define OC_PASS_HEAD_H

#include "graph/graph.h"

/* A copy of `graph` whose last layer (Gemm, MatMul or Conv before its first
 * output) gives `classes` numbers a sample, with new weights; `freeze`: no
 * other state is trained. The layer stays as it is where it gives as many.
 * OCELLUS_UNSUPPORTED names the node where no layer is found. */
ocellus_status oc_head_copy(const struct ocellus_graph *graph, int classes,
                            int freeze, struct ocellus_graph **copy);

#endif

/* recompute.h - activations that are cheaper to make again than to keep.
 *
 * Between two convolutions of a net lie batch normalisation, activation and
 * residual sum: a few operations a number, but a tensor each that the backward
 * sweep reads. Made again from the convolution's output, which stays anyway,
 * they need not be kept (Chen et al., "Training deep nets with sublinear memory
 * cost", 2016; Pleiss et al., "Memory-efficient implementation of DenseNets",
 * 2017). */
#ifndef OC_PASS_RECOMPUTE_H
#define OC_PASS_RECOMPUTE_H

#include "graph/graph.h"

/* What nodes from `n_forward` on read of such tensors is made again just
 * before. Same bits: batch normalisation takes the saved statistics. Unless
 * `always`, only where that takes a thirty-second of a step or less. To be
 * called after oc_grad and before the updates; the nodes are to be sorted
 * afterwards. */
ocellus_status oc_recompute_pass(struct ocellus_graph *graph, int n_forward,
                                 int always);

#endif

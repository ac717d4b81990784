/* fuse.h - pointwise operators go into the kernel that makes their input.
 *
 * OpenCL compiles at run time, so a convolution, a product, a normalisation or
 * a pointwise kernel can take any composed formula as its epilogue: what would
 * be a round trip through memory for each operator becomes arithmetic on
 * registers.
 */
#ifndef OC_PASS_FUSE_H
#define OC_PASS_FUSE_H

#include "graph/graph.h"

/* Fuses where a value has one reader only and extents agree. In place, on a
 * concrete graph, for training too (after gradients are there: what backward
 * nodes read has more readers and stays). */
ocellus_status oc_fuse_pass(struct ocellus_graph *graph);

#endif

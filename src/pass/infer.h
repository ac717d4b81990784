/* infer.h - what makes a graph an inference graph: Dropout goes, batch
 * normalisation is folded into the convolution before it, pointwise chains
 * become epilogues. */
#ifndef OC_PASS_INFER_H
#define OC_PASS_INFER_H

#include "graph/graph.h"

/* Batch normalisation and dropout that an exporter wrote as they train become
 * what they are afterwards: running statistics, and nothing. In place. A node
 * stays whose other outputs (new statistics, a mask) are read. */
ocellus_status oc_infer_forms(struct ocellus_graph *graph);
/* In place, on a concrete graph. */
ocellus_status oc_infer_pass(struct ocellus_graph *graph);

#endif

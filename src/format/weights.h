/* weights.h - the states of a net as named tensors in a file of their own. */
#ifndef OC_FORMAT_WEIGHTS_H
#define OC_FORMAT_WEIGHTS_H

#include "graph/graph.h"

/* Numbers for the graph's states, by name, from a .safetensors file or another
 * model. Numbers of half, bfloat16 and double precision become float32.
 * PyTorch's counters num_batches_tracked are passed over. OCELLUS_BAD_DATA
 * names what is missing, has another shape or is unknown here; then the graph
 * is as it was. */
ocellus_status oc_weights_load(struct ocellus_graph *graph, const char *path);
/* As .safetensors, with the graph's metadata. */
ocellus_status oc_weights_save(const struct ocellus_graph *graph,
                               const char *path);
/* All tensors of a .safetensors file, or the states of a model, into another
 * .safetensors file. */
ocellus_status oc_weights_copy(const char *from, const char *to);

#endif

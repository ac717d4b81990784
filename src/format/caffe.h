/* caffe.h - Caffe's networks: their description as text (.prototxt) and the
 * numbers of their layers in protocol buffers (.caffemodel). */
#ifndef OC_FORMAT_CAFFE_H
#define OC_FORMAT_CAFFE_H

#include "graph/graph.h"

/* weights NULL: parameters start from rules. Either file may be binary or text.
 * Inputs and outputs are named as in the description; an input's first extent,
 * the batch, is left open. Layers for training alone are passed over.
 * OCELLUS_BAD_MODEL, OCELLUS_UNSUPPORTED or OCELLUS_IO, naming the layer. */
ocellus_status oc_caffe_load(const char *net, const char *weights,
                             struct ocellus_graph **graph);

#endif

/* model.h - a model in whichever form it is there. */
#ifndef OC_FORMAT_MODEL_H
#define OC_FORMAT_MODEL_H

#include "graph/graph.h"

/* By the ending of the name, else by the first bytes: ONNX, or Darknet's .cfg
 * or Caffe's .prototxt with their numbers in `weights` or, where that is NULL,
 * in the file of the same name beside (.weights, .caffemodel); without one,
 * parameters start from chance. */
ocellus_status oc_model_load(const char *path, const char *weights,
                             struct ocellus_graph **graph);

#endif

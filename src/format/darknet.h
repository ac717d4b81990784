/* darknet.h - Darknet's networks: a text of sections (.cfg) and the numbers of
 * its layers, one behind the other (.weights). */
#ifndef OC_FORMAT_DARKNET_H
#define OC_FORMAT_DARKNET_H

#include "graph/graph.h"

/* weights NULL: parameters start from rules. The input is "x", N x C x H x W
 * in [0, 1]. The output is "y", or "yolo_K" (K: the layer's number, the first
 * is 0) of each detection layer: N x boxes x (5 + classes), a row being the
 * box's middle, width and height as fractions of the image, how sure it is
 * that something is there, and the same times each class's probability.
 * OCELLUS_BAD_MODEL, OCELLUS_UNSUPPORTED or OCELLUS_IO, naming the line. */
ocellus_status oc_darknet_load(const char *cfg, const char *weights,
                               struct ocellus_graph **graph);

#endif

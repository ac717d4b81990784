/* onnx.h - models in and out. */
#ifndef OC_FORMAT_ONNX_H
#define OC_FORMAT_ONNX_H

#include "graph/graph.h"
#include "graph/tensor.h"

/* Initializers that an operator trains by nature (its `params`) become
 * trainable states, the statistics of BatchNormalization states, the others
 * constants. OCELLUS_BAD_MODEL, OCELLUS_UNSUPPORTED (naming node and
 * operator) or OCELLUS_IO with a sentence. */
ocellus_status oc_onnx_load(const char *path, struct ocellus_graph **graph);
/* States and constants become initializers; a state needs numbers (a trainer's
 * ocellus_trainer_get_model gives them), or gets those of its rule. Written
 * beside, synced, renamed. */
ocellus_status oc_onnx_save(const struct ocellus_graph *graph,
                            const char *path);

/* See ocellus_model_info. */
ocellus_status oc_onnx_info(const char *path, ocellus_model_info **info);
void oc_onnx_info_free(ocellus_model_info *info);

/* A file that holds one tensor (TensorProto). The caller destroys it. */
ocellus_status oc_onnx_tensor_read(const char *path,
                                   struct ocellus_tensor **tensor);
/* name may be NULL. Written beside, synced, renamed. */
ocellus_status oc_onnx_tensor_write(const char *path, const char *name,
                                    const struct ocellus_tensor *tensor);

#endif

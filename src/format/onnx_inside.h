/* onnx_inside.h - what the files of the ONNX reader share. */
#ifndef OC_FORMAT_ONNX_INSIDE_H
#define OC_FORMAT_ONNX_INSIDE_H

#include "format/onnx.h"
#include "format/onnx.pb-c.h"
#include "graph/op.h"
#include "graph/tensor.h"

typedef OcOnnx__Model oc_onnx_model;
typedef OcOnnx__Graph oc_onnx_graph;
typedef OcOnnx__Node oc_onnx_node;
typedef OcOnnx__Tensor oc_onnx_tensor;
typedef OcOnnx__Attribute oc_onnx_attribute;

/* A name of the model and what it stands for here. */
struct oc_onnx_name {
    const char *name;
    struct ocellus_value *value; /* NULL: an initializer not yet met */
    const oc_onnx_tensor *initializer;
};

struct oc_onnx_reading {
    struct ocellus_graph *graph;
    int64_t opset;
    struct oc_onnx_name *name; /* a hash table, open addressing */
    size_t room, count;
};

/* A tensor's numbers as malloc'ed bytes, checked against its dims. */
ocellus_status oc_onnx_numbers(const oc_onnx_tensor *tensor,
                               struct oc_shape *shape, void **data,
                               size_t *bytes);

/* Brings a node of an older operator set into its newest form: attributes
 * that have become inputs, other names. in[] has room for OC_MAX_IN; n_in,
 * n_attr and op change. (onnx_old.c) */
ocellus_status oc_onnx_modernise(struct oc_onnx_reading *r,
                                 const oc_onnx_node *node,
                                 const struct oc_op **op,
                                 struct ocellus_value *in[], int *n_in,
                                 struct oc_attr attr[], int *n_attr);
/* What stands for the second output of a Dropout of x. */
struct ocellus_value *oc_onnx_dropout_mask(struct oc_onnx_reading *r,
                                           struct ocellus_value *x);

#endif

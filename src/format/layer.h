/* layer.h - layers with parameters of their own, as other frameworks' files
 * describe them. Parameters are named NAME.weight and so on, as PyTorch names
 * them. Failures stay with the graph; then NULL is returned. */
#ifndef OC_FORMAT_LAYER_H
#define OC_FORMAT_LAYER_H

#include "graph/graph.h"

/* How a window moves over an image: rows first, then columns. */
struct oc_window {
    int64_t size[2], stride[2], dilation[2];
    int64_t before[2], after[2]; /* padding */
    int ceil;                    /* the last window may hang over the edge */
    int count_pad;               /* an average counts what is padded */
};

/* Which states a layer has: NULL where it has none. */
struct oc_layer_states {
    struct ocellus_value *weight, *bias;
    struct ocellus_value *mean, *variance; /* of a normalisation */
};

/* x is N x C x H x W; weights are `channels` x C / group x window. */
struct ocellus_value *oc_layer_conv(struct ocellus_value *x, const char *name,
                                    int64_t channels, int64_t group, int bias,
                                    const struct oc_window *window,
                                    struct oc_layer_states *states);
/* The transposed one: weights are C x channels / group x window. */
struct ocellus_value *oc_layer_deconv(struct ocellus_value *x, const char *name,
                                      int64_t channels, int64_t group, int bias,
                                      const struct oc_window *window,
                                      struct oc_layer_states *states);
/* x is flattened from `axis` on; weights are features x what is there. */
struct ocellus_value *oc_layer_linear(struct ocellus_value *x, const char *name,
                                      int axis, int64_t features, int bias,
                                      struct oc_layer_states *states);
/* Over axis 1. */
struct ocellus_value *oc_layer_norm(struct ocellus_value *x, const char *name,
                                    double epsilon,
                                    struct oc_layer_states *states);
/* "MaxPool" or "AveragePool" */
struct ocellus_value *oc_layer_pool(struct ocellus_value *x, const char *op,
                                    const struct oc_window *window);

/* A state of float32 whose shape was checked. */
struct ocellus_value *oc_layer_state(struct ocellus_graph *graph,
                                     const char *name, const char *part,
                                     const struct oc_shape *shape,
                                     const char *init, int trainable);
/* Its numbers: copied. */
ocellus_status oc_layer_fill(struct ocellus_value *state, const void *floats);
/* A float32 constant. */
struct ocellus_value *oc_layer_constant(struct ocellus_graph *graph,
                                        const struct oc_shape *shape,
                                        const float *numbers);
/* Reshape by these extents, as ONNX reads them: 0 stays, -1 is what is left. */
struct ocellus_value *oc_layer_reshape(struct ocellus_value *x, int rank,
                                       const int64_t *extents);
/* Elements [from, to) of an axis. */
struct ocellus_value *oc_layer_slice(struct ocellus_value *x, int64_t axis,
                                     int64_t from, int64_t to);

#endif

/* conv.h - what the implementations of the convolutions share: one parsed
 * window.
 *
 * There are three convolutions, named by what they produce, between the same
 * three tensors:
 *
 *     Conv            y  (N, K, out)       from x, w     gathers over w
 *     ConvGradInput   x  (N, C, in)        from y, w     the same, turned round
 *     ConvGradWeight  w  (K, C/g, window)  from x, y     sums over N and out
 *
 *     y[n,k,o] = sum over c, i of x[n, c, o*stride + i*dilation - pad] w[k,c,i]
 *
 * ConvTranspose is ConvGradInput under ONNX's name: what it reads is the `y`
 * of this window, what it makes is the `x`. So a window always describes the
 * forward convolution, whoever asks. One or two spatial axes are the last of
 * three (depth, height, width); the absent ones have extent 1.
 */
#ifndef OC_OP_CONV_H
#define OC_OP_CONV_H

#include "op/impl.h"

enum { OC_D, OC_H, OC_W }; /* indices of the spatial arrays */

struct oc_conv_window {
    int axes; /* spatial axes that the node has: 1, 2, 3 */
    int n;    /* images */
    int c, k; /* channels of x and of y, all groups */
    int groups;
    int in[3];     /* extents of x: in[OC_H], in[OC_W] ... */
    int out[3];    /* extents of y */
    int window[3]; /* extents of w */
    int stride[3], dilation[3];
    int pad[3], pad_end[3]; /* before and behind; never negative. in[] and
                             * out[] are what counts: the last windows may
                             * end before pad_end does, or behind it */
};

/* Of a node Conv, ConvTranspose, ConvGradInput or ConvGradWeight; any extent
 * but those of the window may be OC_UNKNOWN. Fails, naming the node, where the
 * numbers make no convolution. */
ocellus_status oc_conv_parse(const struct oc_node *node,
                             struct oc_conv_window *window);
/* The same of a node that infer has accepted, in a concrete graph. */
struct oc_conv_window oc_conv_window_of(const struct oc_node *node);
/* Multiplications and additions of any of the three. */
double oc_conv_flops(const struct oc_conv_window *window);

/* conv_direct.c: plain layouts, any type, everything. */
ocellus_status oc_conv_direct(struct oc_steps *steps,
                              const struct oc_node *node);
ocellus_status oc_conv_direct_input(struct oc_steps *steps,
                                    const struct oc_node *node);
ocellus_status oc_conv_direct_weight(struct oc_steps *steps,
                                     const struct oc_node *node);
ocellus_status oc_conv_direct_bias(struct oc_steps *steps,
                                   const struct oc_node *node);

/* conv_tiled.c: half and bfloat16 by tensor cores. */
const char *oc_conv_tensor_refuse(const struct oc_node *node,
                                  const struct oc_caps *caps);
const char *oc_conv_tensor_input_refuse(const struct oc_node *node,
                                        const struct oc_caps *caps);
void oc_conv_tensor_layouts(const struct oc_node *node,
                            const struct oc_caps *caps, struct oc_layout in[],
                            struct oc_layout out[], size_t *scratch);
void oc_conv_tensor_input_layouts(const struct oc_node *node,
                                  const struct oc_caps *caps,
                                  struct oc_layout in[], struct oc_layout out[],
                                  size_t *scratch);
ocellus_status oc_conv_tensor(struct oc_steps *steps,
                              const struct oc_node *node);
ocellus_status oc_conv_tensor_input(struct oc_steps *steps,
                                    const struct oc_node *node);

/* conv_tiled.c, conv_tiled_weight.c: GPU-class devices, one and two spatial
 * axes. */
const char *oc_conv_tiled_refuse(const struct oc_node *node,
                                 const struct oc_caps *caps);
const char *oc_conv_tiled_input_refuse(const struct oc_node *node,
                                       const struct oc_caps *caps);
const char *oc_conv_tiled_weight_refuse(const struct oc_node *node,
                                        const struct oc_caps *caps);
void oc_conv_tiled_layouts(const struct oc_node *node,
                           const struct oc_caps *caps, struct oc_layout in[],
                           struct oc_layout out[], size_t *scratch);
void oc_conv_tiled_input_layouts(const struct oc_node *node,
                                 const struct oc_caps *caps,
                                 struct oc_layout in[], struct oc_layout out[],
                                 size_t *scratch);
void oc_conv_tiled_weight_layouts(const struct oc_node *node,
                                  const struct oc_caps *caps,
                                  struct oc_layout in[], struct oc_layout out[],
                                  size_t *scratch);
ocellus_status oc_conv_tiled(struct oc_steps *steps,
                             const struct oc_node *node);
ocellus_status oc_conv_tiled_input(struct oc_steps *steps,
                                   const struct oc_node *node);
ocellus_status oc_conv_tiled_weight(struct oc_steps *steps,
                                    const struct oc_node *node);
/* What keeps any of the three from tiles, whatever the shape; or NULL. */
const char *oc_conv_tiled_cannot(const struct oc_node *node,
                                 const struct oc_caps *caps);
/* Bytes of the three tensors. */
double oc_conv_tiled_traffic(const struct oc_node *node);

/* conv_winograd_tiled.c: GPU-class devices, 3 x 3 with stride 1. */
const char *oc_conv_winograd_tiled_refuse(const struct oc_node *node,
                                          const struct oc_caps *caps);
const char *oc_conv_winograd_tiled_input_refuse(const struct oc_node *node,
                                                const struct oc_caps *caps);
void oc_conv_winograd_tiled_layouts(const struct oc_node *node,
                                    const struct oc_caps *caps,
                                    struct oc_layout in[],
                                    struct oc_layout out[], size_t *scratch);
void oc_conv_winograd_tiled_input_layouts(const struct oc_node *node,
                                          const struct oc_caps *caps,
                                          struct oc_layout in[],
                                          struct oc_layout out[],
                                          size_t *scratch);
ocellus_status oc_conv_winograd_tiled(struct oc_steps *steps,
                                      const struct oc_node *node);
ocellus_status oc_conv_winograd_tiled_input(struct oc_steps *steps,
                                            const struct oc_node *node);

/* conv_depthwise_plain.c: GPU-class devices, one channel of x a group. */
const char *oc_conv_plain_refuse(const struct oc_node *node,
                                 const struct oc_caps *caps);
const char *oc_conv_plain_input_refuse(const struct oc_node *node,
                                       const struct oc_caps *caps);
const char *oc_conv_plain_weight_refuse(const struct oc_node *node,
                                        const struct oc_caps *caps);
void oc_conv_plain_weight_layouts(const struct oc_node *node,
                                  const struct oc_caps *caps,
                                  struct oc_layout in[], struct oc_layout out[],
                                  size_t *scratch);
ocellus_status oc_conv_plain(struct oc_steps *steps,
                             const struct oc_node *node);
ocellus_status oc_conv_plain_input(struct oc_steps *steps,
                                   const struct oc_node *node);
ocellus_status oc_conv_plain_weight(struct oc_steps *steps,
                                    const struct oc_node *node);

/* Input 2 of Conv and ConvTranspose is there (extras of an epilogue follow
 * the operator's own inputs). */
int oc_conv_has_bias(const struct oc_node *node);

#endif

/* conv_blocked.h - the convolutions on CPU-class devices, in channel blocks:
 * rows of the tables in conv.c, and what their two files share.
 *
 * float32, rank 4, one group. Activations lie N x C/b x H x W x b, with b the
 * device's vector width and a halo that holds the padding; a first layer's few
 * channels are read plain, with a halo.
 */
#ifndef OC_OP_CONV_BLOCKED_H
#define OC_OP_CONV_BLOCKED_H

#include "op/conv.h"

const char *oc_conv_blocked_refuse(const struct oc_node *node,
                                   const struct oc_caps *caps);
void oc_conv_blocked_layouts(const struct oc_node *node,
                             const struct oc_caps *caps, struct oc_layout in[],
                             struct oc_layout out[], size_t *scratch);
ocellus_status oc_conv_blocked(struct oc_steps *steps,
                               const struct oc_node *node);

/* ConvGradInput and ConvTranspose. */
const char *oc_conv_blocked_input_refuse(const struct oc_node *node,
                                         const struct oc_caps *caps);
void oc_conv_blocked_input_layouts(const struct oc_node *node,
                                   const struct oc_caps *caps,
                                   struct oc_layout in[],
                                   struct oc_layout out[], size_t *scratch);
ocellus_status oc_conv_blocked_input(struct oc_steps *steps,
                                     const struct oc_node *node);

const char *oc_conv_blocked_weight_refuse(const struct oc_node *node,
                                          const struct oc_caps *caps);
void oc_conv_blocked_weight_layouts(const struct oc_node *node,
                                    const struct oc_caps *caps,
                                    struct oc_layout in[],
                                    struct oc_layout out[], size_t *scratch);
ocellus_status oc_conv_blocked_weight(struct oc_steps *steps,
                                      const struct oc_node *node);

/* ---- shared by the three ---------------------------------------------- */

/* What all three refuse: the device, the type, the rank, groups, sizes. */
const char *oc_conv_blocked_cannot(const struct oc_node *node,
                                   const struct oc_caps *caps,
                                   const struct oc_conv_window *v);
/* Widest padding on any side that the windows reach, 0 at least: the halo of
 * x. */
int oc_conv_blocked_halo(const struct oc_conv_window *v);
/* How x wants to lie, given how it lies: blocked as it is with halo enough, or
 * plain with a halo where its channels are few. */
struct oc_layout oc_conv_blocked_x(const struct oc_conv_window *v,
                                   const struct oc_layout *now, int width);

/* ---- one launch of cl/conv_blocked.cl (conv_blocked_launch.c) ----------- */

/* Steps in elements from a base: per row and column of the launch's pixels. */
struct oc_conv_side {
    struct oc_blocked of;
    int base, row, col;
};

struct oc_conv_job {
    struct oc_conv_side x, y, e;
    int tap_r, tap_s;             /* x: from tap to tap */
    int w_base, w_tap_r, w_tap_s; /* packed weights */
    int w_k, w_c;                 /* from block to block */
    int taps[2];
    int n, c, k, out[2];
    int few; /* x is plain, its channels are its blocks */
};

/* Where input 0, output 0 and the epilogue's tensor of the node being emitted
 * lie; all steps 0. */
struct oc_conv_job oc_conv_job_of(const struct oc_steps *steps);
/* Steps of packed weights with a window of r x s. */
void oc_conv_job_weights(struct oc_conv_job *job, int r, int s);
void oc_conv_job_launch(struct oc_steps *steps, const struct oc_conv_job *job,
                        double flops);

#endif

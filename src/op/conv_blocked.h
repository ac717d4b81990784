/* conv_blocked.h - the convolutions on CPU-class devices, in channel blocks:
 * rows of the tables in conv.c, and what their two files share.
 *
 * float32, one or two spatial axes. Activations lie N x C/b x H x W
 * x b, with b the device's vector width and a halo that holds the padding; a
 * first layer's few channels are read plain, with a halo.
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

const char *oc_conv_blocked_bias_refuse(const struct oc_node *node,
                                        const struct oc_caps *caps);
void oc_conv_blocked_bias_layouts(const struct oc_node *node,
                                  const struct oc_caps *caps,
                                  struct oc_layout in[], struct oc_layout out[],
                                  size_t *scratch);
ocellus_status oc_conv_blocked_bias(struct oc_steps *steps,
                                    const struct oc_node *node);

/* ---- shared by the three ---------------------------------------------- */

/* Groups whose channels are not whole blocks are joined: the kernels multiply
 * by the zeros between them (so what is not finite spoils its joined group).
 * NULL, or why that would be too many zeros. */
const char *oc_conv_blocked_cannot_join(const struct oc_conv_window *v,
                                        const struct oc_caps *caps);
/* Joined groups. */
int oc_conv_blocked_groups(const struct oc_conv_window *v, int width);

/* What all refuse: the device, the type, the rank, sizes. */
const char *oc_conv_blocked_cannot(const struct oc_node *node,
                                   const struct oc_caps *caps,
                                   const struct oc_conv_window *v);
/* Widest padding on any side that the windows reach, 0 at least: the halo of
 * x. */
int oc_conv_blocked_halo(const struct oc_conv_window *v);
/* What all input gradients refuse. */
const char *oc_conv_blocked_cannot_turn(const struct oc_node *node,
                                        const struct oc_caps *caps,
                                        const struct oc_conv_window *v);
/* A bias lies plain, the epilogue's tensors as the output. */
void oc_conv_other_layouts(const struct oc_node *node, struct oc_layout in[],
                           const struct oc_layout *out);
/* How x wants to lie, given how it lies: blocked as it is with halo enough, or
 * plain with a halo where its channels are few. */
struct oc_layout oc_conv_blocked_x(const struct oc_conv_window *v,
                                   const struct oc_layout *now, int width);
/* The same of dy, for the input gradient. */
struct oc_layout oc_conv_blocked_dy(const struct oc_conv_window *v,
                                    const struct oc_layout *now, int width);

/* ---- one launch of cl/conv_blocked.cl (conv_blocked_launch.c) ----------- */

/* Steps in elements from a base: per row and column of the launch's pixels. */
struct oc_conv_side {
    struct oc_blocked of;
    int base, row, col;
};

enum { OC_CONV_EXTRAS = 2 }; /* tensors that an epilogue may read */

struct oc_conv_job {
    struct oc_conv_side x, y, e[OC_CONV_EXTRAS];
    int tap_r, tap_s;             /* x: from tap to tap */
    int w_base, w_tap_r, w_tap_s; /* packed weights */
    int w_k, w_c;                 /* from block to block */
    int taps[2];
    int row_first, row_step; /* row of x where the window of output row i
                              * begins: row_first + i * row_step */
    int row_tap, rows;       /* rows from tap to tap; rows of x */
    int n, c, k, out[2];     /* c: channels of x in a joined group */
    int few;                 /* x is plain, its channels are its blocks */
    int groups, c_blocks, k_blocks; /* joined groups; blocks of x and of y in
                                     * each */
};

/* What one phase of an axis of the input gradient reads: input pixel
 * `phase + i * stride` sums taps first, first + stride ... of the turned
 * window; the first of them meets dy at i + at. */
struct oc_conv_phase {
    int pixels, taps, first, at;
};
struct oc_conv_phase oc_conv_phase_of(const struct oc_conv_window *v, int axis,
                                      int phase);
/* Halo of dy: before its first and behind its last row or column. */
int oc_conv_dy_halo(const struct oc_conv_window *v);
/* Pixels of phase (r, s) of one side. */
struct oc_conv_side oc_conv_phased(const struct oc_blocked *of,
                                   const struct oc_conv_window *v, int r,
                                   int s);

/* All pixels of one side. */
struct oc_conv_side oc_conv_whole(const struct oc_blocked *of);

/* Where input 0, output 0 and the epilogue's tensors of the node being emitted
 * lie; all steps 0. */
struct oc_conv_job oc_conv_job_of(const struct oc_steps *steps);
/* The groups, and steps of the packed weights. */
void oc_conv_job_weights(struct oc_conv_job *job,
                         const struct oc_conv_window *v);
void oc_conv_job_launch(struct oc_steps *steps, const struct oc_conv_job *job,
                        double flops);
/* What conv_ends.clh knows: -DBIAS, MASK, EXTRAS, ON_VECTORS, HALO for
 * `channels` of output; behind the kernel's own arguments the halo's, the
 * epilogue's tensors and its scalars. */
void oc_conv_define_ends(struct oc_steps *steps, struct oc_step *launch,
                         int channels, int block);
void oc_conv_push(struct oc_steps *steps, struct oc_step *launch,
                  const int *list, int count);
/* x, w, the bias or what stands for it, y. */
void oc_conv_push_tensors(struct oc_steps *steps, struct oc_step *launch);
void oc_conv_push_ends(struct oc_steps *steps, struct oc_step *launch,
                       const struct oc_conv_job *job);

/* ---- 3 x 3 by Winograd's method: conv_winograd.c, conv_winograd_weight.c */

/* Windows that it does not know: why, or NULL. */
const char *oc_conv_winograd_window(const struct oc_conv_window *v);

const char *oc_conv_winograd_refuse(const struct oc_node *node,
                                    const struct oc_caps *caps);
void oc_conv_winograd_layouts(const struct oc_node *node,
                              const struct oc_caps *caps, struct oc_layout in[],
                              struct oc_layout out[], size_t *scratch);
ocellus_status oc_conv_winograd(struct oc_steps *steps,
                                const struct oc_node *node);

/* ConvGradInput and ConvTranspose. */
const char *oc_conv_winograd_input_refuse(const struct oc_node *node,
                                          const struct oc_caps *caps);
void oc_conv_winograd_input_layouts(const struct oc_node *node,
                                    const struct oc_caps *caps,
                                    struct oc_layout in[],
                                    struct oc_layout out[], size_t *scratch);
ocellus_status oc_conv_winograd_input(struct oc_steps *steps,
                                      const struct oc_node *node);

const char *oc_conv_winograd_weight_refuse(const struct oc_node *node,
                                           const struct oc_caps *caps);
void oc_conv_winograd_weight_layouts(const struct oc_node *node,
                                     const struct oc_caps *caps,
                                     struct oc_layout in[],
                                     struct oc_layout out[], size_t *scratch);
ocellus_status oc_conv_winograd_weight(struct oc_steps *steps,
                                       const struct oc_node *node);

/* ---- bfloat16 in tiles (conv_amx.c, conv_amx_weight.c) ------------------- */

/* What all three refuse, beside what oc_conv_blocked_cannot does. */
const char *oc_conv_amx_cannot(const struct oc_node *node,
                               const struct oc_caps *caps,
                               const struct oc_conv_window *v);
/* As in cl/conv_phases.clh, of an axis: planes that x is laid out in, and
 * pixels by which the last tap is shifted in them. */
int oc_conv_amx_phases(int step, int tap, int taps);
int oc_conv_amx_reach(int step, int tap, int taps);

const char *oc_conv_amx_refuse(const struct oc_node *node,
                               const struct oc_caps *caps);
void oc_conv_amx_layouts(const struct oc_node *node, const struct oc_caps *caps,
                         struct oc_layout in[], struct oc_layout out[],
                         size_t *scratch);
ocellus_status oc_conv_amx(struct oc_steps *steps, const struct oc_node *node);

/* ConvGradInput and ConvTranspose. */
const char *oc_conv_amx_input_refuse(const struct oc_node *node,
                                     const struct oc_caps *caps);
void oc_conv_amx_input_layouts(const struct oc_node *node,
                               const struct oc_caps *caps,
                               struct oc_layout in[], struct oc_layout out[],
                               size_t *scratch);
ocellus_status oc_conv_amx_input(struct oc_steps *steps,
                                 const struct oc_node *node);

const char *oc_conv_amx_weight_refuse(const struct oc_node *node,
                                      const struct oc_caps *caps);
void oc_conv_amx_weight_layouts(const struct oc_node *node,
                                const struct oc_caps *caps,
                                struct oc_layout in[], struct oc_layout out[],
                                size_t *scratch);
ocellus_status oc_conv_amx_weight(struct oc_steps *steps,
                                  const struct oc_node *node);

/* ---- depthwise: groups == channels (conv_depthwise.c) ------------------- */

const char *oc_conv_depthwise_refuse(const struct oc_node *node,
                                     const struct oc_caps *caps);
void oc_conv_depthwise_layouts(const struct oc_node *node,
                               const struct oc_caps *caps,
                               struct oc_layout in[], struct oc_layout out[],
                               size_t *scratch);
ocellus_status oc_conv_depthwise(struct oc_steps *steps,
                                 const struct oc_node *node);

const char *oc_conv_depthwise_input_refuse(const struct oc_node *node,
                                           const struct oc_caps *caps);
void oc_conv_depthwise_input_layouts(const struct oc_node *node,
                                     const struct oc_caps *caps,
                                     struct oc_layout in[],
                                     struct oc_layout out[], size_t *scratch);
ocellus_status oc_conv_depthwise_input(struct oc_steps *steps,
                                       const struct oc_node *node);

const char *oc_conv_depthwise_weight_refuse(const struct oc_node *node,
                                            const struct oc_caps *caps);
void oc_conv_depthwise_weight_layouts(const struct oc_node *node,
                                      const struct oc_caps *caps,
                                      struct oc_layout in[],
                                      struct oc_layout out[], size_t *scratch);
ocellus_status oc_conv_depthwise_weight(struct oc_steps *steps,
                                        const struct oc_node *node);

#endif

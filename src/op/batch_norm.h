/* batch_norm.h - what the files of BatchNormalization share. */
#ifndef OC_OP_BATCH_NORM_H
#define OC_OP_BATCH_NORM_H

#include "op/impl.h"

/* x as N x C x size. */
struct oc_norm {
    int64_t n, channels, size;
    int training; /* statistics of the batch, not running ones */
    int frozen;   /* ... 0; 1: the last input is the variance, 2: the inverse
                   * of the deviation */
    double eps, momentum;
    double unbias; /* m / (m - 1), or 1 */
};

struct oc_norm oc_norm_of(const struct oc_node *node, int x);
/* The parameters KEPT of cl/batch_norm.cl; statistics go to scratch at `at`. */
void oc_norm_kept(struct oc_steps *steps, struct oc_step *launch,
                  const struct oc_norm *norm, int64_t at);
/* COEFFICIENTS, `pitch` apart from `at` on. */
void oc_norm_coefficients(struct oc_steps *steps, struct oc_step *launch,
                          const struct oc_norm *norm, int64_t at,
                          int64_t pitch);

/* The implementation "plane", batch_norm_plane.c. */
const char *oc_norm_plane_refuse(const struct oc_node *node,
                                 const struct oc_caps *caps);
void oc_norm_plane_layouts(const struct oc_node *node,
                           const struct oc_caps *caps, struct oc_layout in[],
                           struct oc_layout out[], size_t *scratch);
ocellus_status oc_norm_plane_emit(struct oc_steps *steps,
                                  const struct oc_node *node);
void oc_norm_plane_grad_layouts(const struct oc_node *node,
                                const struct oc_caps *caps,
                                struct oc_layout in[], struct oc_layout out[],
                                size_t *scratch);
ocellus_status oc_norm_plane_grad_emit(struct oc_steps *steps,
                                       const struct oc_node *node);

#endif

/* pool.h - the geometry that pooling operators share.
 *
 * ONNX's attributes kernel_shape, strides, dilations, pads, auto_pad and
 * ceil_mode of 1-D, 2-D and 3-D pools, brought to three spatial dimensions
 * (front ones of extent 1), so that one direct kernel serves all.
 */
#ifndef OC_OP_POOL_H
#define OC_OP_POOL_H

#include "op/impl.h"

struct oc_pool {
    int spatial;           /* 1, 2 or 3; the rest are leading ones */
    int64_t planes;        /* N * C */
    int64_t in[3], out[3]; /* depth, height, width */
    int64_t kernel[3], stride[3], dilation[3];
    int64_t begin[3], end[3]; /* pads */
};

/* Attributes and the shape of input k, checked. Extents that are unknown
 * there are OC_UNKNOWN in `in` and `out`. */
ocellus_status oc_pool_of(const struct oc_node *node, int k,
                          struct oc_pool *pool);
/* The output's shape: N, C, and the spatial extents. */
struct oc_shape oc_pool_shape(const struct oc_pool *pool,
                              const struct oc_shape *x);
/* -DK0=.. S0= L0= (window, stride, dilation, per axis). */
void oc_pool_define(struct oc_steps *steps, struct oc_step *launch,
                    const struct oc_pool *pool);
/* Ints in0 in1 in2 out0 out1 out2 begin0 begin1 begin2. */
void oc_pool_args(struct oc_steps *steps, struct oc_step *launch,
                  const struct oc_pool *pool);
/* Ints base, image, plane, row: the strides of an image, see oc_blocked. */
void oc_image_args(struct oc_steps *steps, struct oc_step *launch,
                   const struct oc_operand *operand);
/* Rows of output for one work-item of a CPU: some microseconds of work. */
int64_t oc_pool_rows(const struct oc_pool *pool, int block);

/* Input k, or NULL where it is absent. */
const struct ocellus_value *oc_input(const struct oc_node *node, int k);
/* Whether output k exists and anything reads it. */
int oc_output_used(const struct oc_node *node, int k);
/* Whether a kernel can count the elements with an int. Extents that are
 * unknown or 0 count as 1, so that any product of extents fits an int, too. */
ocellus_status oc_check_int_count(const struct oc_node *node,
                                  const struct oc_shape *shape);
/* For `layouts`: every rank-4 float32 input and output lies as input `lead`
 * does (any halo); all plain where that is no blocked image. */
void oc_layouts_follow(const struct oc_node *node, int lead,
                       struct oc_layout in[], struct oc_layout out[]);
/* Vector implementations that keep to CPU class, float32 and rank 4. */
const char *oc_refuse_plane(const struct oc_node *node,
                            const struct oc_caps *caps);

#endif

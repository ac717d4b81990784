/* reduce.h - which numbers are brought together: a tensor seen as kept and
 * reduced dimensions. */
#ifndef OC_OP_REDUCE_H
#define OC_OP_REDUCE_H

#include "op/impl.h"

/* KIND of cl/reduce.cl. */
enum oc_reduce_kind {
    OC_SUM,
    OC_MEAN,
    OC_MAX,
    OC_MIN,
    OC_PROD,
    OC_L1,
    OC_L2,
    OC_SUM_SQUARE,
    OC_LOG_SUM,
    OC_LOG_SUM_EXP
};

/* Neighbours of one kind are merged; dimensions stand at the right end, those
 * left over are 1. Strides in elements. */
struct oc_fold {
    int64_t kept[4], kept_stride[4];
    int64_t reduced[4], reduced_stride[4];
    int64_t outputs, count;
};
/* axes: bit k set where dimension k is reduced. */
void oc_fold_make(const struct oc_shape *shape, uint32_t axes,
                  struct oc_fold *fold);

/* The axes of a Reduce node: input 1, or the attribute of older models, or all
 * (none with noop_with_empty_axes). BAD_MODEL where they do not fit. */
ocellus_status oc_reduce_axes(const struct oc_node *node, uint32_t *axes);
/* The shape with reduced extents 1. */
struct oc_shape oc_reduce_kept(const struct oc_shape *shape, uint32_t axes);

/* Arguments KEPT and REDUCED of the kernels. */
void oc_fold_args(struct oc_steps *steps, struct oc_step *launch,
                  const struct oc_fold *fold);

extern const struct oc_impl oc_reduce_impls[];

#endif

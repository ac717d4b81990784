/* update.h - how kernels of cl/update.cl go over many tensors (update.c,
 * loss_scale.c). */
#ifndef OC_OP_UPDATE_H
#define OC_OP_UPDATE_H

#include "op/impl.h"

/* Numbers of a vector; work-items of a work-group. */
int oc_update_lanes(const struct oc_caps *caps);
int64_t oc_update_group(const struct oc_caps *caps);

#endif

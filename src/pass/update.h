/* update.h - from gradients to assignments: clipping, accumulation, the
 * optimizer, the moving average. */
#ifndef OC_PASS_UPDATE_H
#define OC_PASS_UPDATE_H

#include "pass/train.h"

/* g[k]: gradient of state w[k], or NULL where none arrives. */
ocellus_status oc_update(struct ocellus_graph *graph,
                         const struct oc_recipe *recipe,
                         struct ocellus_value *const *w,
                         struct ocellus_value **g, int count);

#endif

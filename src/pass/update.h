/* update.h - from gradients to assignments: clipping, accumulation, the
 * optimizer, the moving average. */
#ifndef OC_PASS_UPDATE_H
#define OC_PASS_UPDATE_H

#include "pass/train.h"

/* What a loss is multiplied by where its gradients are made in half: a state of
 * one number; NULL: the graph failed. */
struct ocellus_value *oc_loss_scale(struct ocellus_graph *graph);

/* g[k]: gradient of state w[k], or NULL where none arrives; all of a loss times
 * `scale`, or NULL. */
ocellus_status oc_update(struct ocellus_graph *graph,
                         const struct oc_recipe *recipe,
                         struct ocellus_value *const *w,
                         struct ocellus_value **g, int count,
                         struct ocellus_value *scale);

#endif

/* pointwise_eval.h - pointwise operators on numbers known on the host: what
 * shape arithmetic in imported models is made of, and constants. */
#ifndef OC_OP_POINTWISE_EVAL_H
#define OC_OP_POINTWISE_EVAL_H

#include "graph/op.h"

ocellus_status oc_eval_copy(struct oc_node *node); /* converts the type */
ocellus_status oc_eval_neg(struct oc_node *node);
ocellus_status oc_eval_abs(struct oc_node *node);
ocellus_status oc_eval_sign(struct oc_node *node);
ocellus_status oc_eval_floor(struct oc_node *node);
ocellus_status oc_eval_ceil(struct oc_node *node);
ocellus_status oc_eval_round(struct oc_node *node);
ocellus_status oc_eval_reciprocal(struct oc_node *node);
ocellus_status oc_eval_sqrt(struct oc_node *node);
ocellus_status oc_eval_exp(struct oc_node *node);
ocellus_status oc_eval_log(struct oc_node *node);
ocellus_status oc_eval_not(struct oc_node *node);

ocellus_status oc_eval_add(struct oc_node *node);
ocellus_status oc_eval_sub(struct oc_node *node);
ocellus_status oc_eval_mul(struct oc_node *node);
ocellus_status oc_eval_div(struct oc_node *node);
ocellus_status oc_eval_pow(struct oc_node *node);
ocellus_status oc_eval_mod(struct oc_node *node);
ocellus_status oc_eval_equal(struct oc_node *node);
ocellus_status oc_eval_less(struct oc_node *node);
ocellus_status oc_eval_greater(struct oc_node *node);
ocellus_status oc_eval_less_or_equal(struct oc_node *node);
ocellus_status oc_eval_greater_or_equal(struct oc_node *node);
ocellus_status oc_eval_and(struct oc_node *node);
ocellus_status oc_eval_or(struct oc_node *node);
ocellus_status oc_eval_xor(struct oc_node *node);

ocellus_status oc_eval_sum(struct oc_node *node);
ocellus_status oc_eval_mean(struct oc_node *node);
ocellus_status oc_eval_max(struct oc_node *node);
ocellus_status oc_eval_min(struct oc_node *node);
ocellus_status oc_eval_where(struct oc_node *node);
ocellus_status oc_eval_clip(struct oc_node *node);

#endif

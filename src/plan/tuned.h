/* tuned.h - the tuner's verdicts, as the planner looks them up.
 *
 * Operators of one class are alike in all that decides how fast an
 * implementation is: operator, types and shapes of the inputs, attributes, the
 * fused epilogue, training or not. A class is a line of text, so that a list
 * of verdicts can be read:
 *
 *     Conv 1x64x56x56 64x64x3x3 64 pads=1,1,1,1 then fmax(v, 0.0f)
 */
#ifndef OC_PLAN_TUNED_H
#define OC_PLAN_TUNED_H

#include "base/text.h"
#include "op/impl.h"

/* A node of a concrete graph; text->data is the line. 0: it is of no class,
 * because an attribute holds a tensor or a graph. */
int oc_tuned_class(const struct oc_node *node, struct oc_text *text);
/* The verdict on the node's class; *tuned = NULL where there is none. */
ocellus_status oc_tuned_find(const struct oc_caps *caps,
                             const struct oc_node *node,
                             const struct oc_tuned **tuned);

/* "blocked", or "blocked:short" with *way = "short" (lent by the operator; else
 * NULL). NULL: the operator has no such implementation, or no such way. */
const struct oc_impl *oc_impl_find(const struct oc_op *op, const char *by,
                                   const char **way);
/* The other way round; lent by the operator. */
const char *oc_impl_name(const struct oc_op *op, const struct oc_impl *impl,
                         const char *way);
/* Way k = 0, 1 ... of an implementation; NULL past the last. */
const char *oc_impl_way(const struct oc_op *op, const struct oc_impl *impl,
                        int k);

#endif

/* single.h - kernels of several files in one text, so that one launch can call
 * them one after the other.
 */
#ifndef OC_PLAN_SINGLE_H
#define OC_PLAN_SINGLE_H

#include "base/text.h"
#include "op/step.h"

/* NULL, or why one work-item cannot do this step's work-items in turn. */
const char *oc_single_refusal(const struct oc_step *step);
/* The kernels of the step's file under its options, as functions whose names
 * end in `_NUMBER` and that take their place in the grid as three more
 * arguments, ints. No name of the block is left behind it, so that blocks of
 * one file under other options go together. */
void oc_single_block(struct oc_text *text, const struct oc_step *step,
                     int number);

#endif

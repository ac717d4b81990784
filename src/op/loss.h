/* loss.h - what the two files of losses share. */
#ifndef OC_OP_LOSS_H
#define OC_OP_LOSS_H

#include "op/impl.h"

enum oc_reduction { OC_REDUCE_NONE, OC_REDUCE_SUM, OC_REDUCE_MEAN };

/* The attribute `reduction`, "mean" when absent. */
ocellus_status oc_loss_reduction(const struct oc_node *node,
                                 enum oc_reduction *reduction);
/* Pieces into which `count` samples are cut to be added up; by the count
 * alone, so that the same numbers give the same bits. */
int oc_loss_pieces(int64_t count);

#endif

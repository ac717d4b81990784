/* blocked.h - two operators for tests alone: one leaves its input in the
 * blocked layout, the other gives a blocked tensor's bytes as they lie, with
 * padding and halo. */
#ifndef TESTS_OP_BLOCKED_H
#define TESTS_OP_BLOCKED_H

#include "graph/op.h"
#include "graph/tensor.h"

/* y = x, in the layout of oc_blocked_set(). */
extern const struct oc_op oc_blocked_op;
/* y: the bytes of a rank-4 float tensor in that layout, as N x blocks x
 * (H + 2 halo) x (W + 2 halo) x block. */
extern const struct oc_op oc_raw_op;

void oc_blocked_set(int block, int halo);
int oc_can_be_raw(const struct ocellus_value *value);
/* Into the plain tensor; 0 when padding or halo hold a number that is not 0. */
int oc_raw_read(const struct ocellus_tensor *raw, struct ocellus_tensor *plain);

#endif

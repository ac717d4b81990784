/* pointwise_space.h - one launch of cl/pointwise.cl, and the space that it
 * walks through. Shared by the files of the pointwise family alone.
 *
 * The output is seen as a space of up to eight dimensions, and each operand
 * has a stride of its own along each (0: it is broadcast). Neighbours that lie
 * in one stretch for every operand are merged, so that equal shapes become one
 * long row, and a bias for each channel becomes rows of a plane. A blocked
 * image is the space N x blocks x H x (W * block).
 */
#ifndef OC_OP_POINTWISE_SPACE_H
#define OC_OP_POINTWISE_SPACE_H

#include "op/pointwise.h"

#define OC_SPACE_DIMS OC_MAX_RANK
#define OC_SPACE_LAST (OC_SPACE_DIMS - 1)
/* The output's place among the operands. */
#define OC_POINT_OUT OC_POINTWISE_IN

/* Dimensions stand at the right end; those left over are 1. */
struct oc_space {
    int64_t size[OC_SPACE_DIMS];
    int64_t stride[OC_POINTWISE_IN + 1][OC_SPACE_DIMS]; /* in elements */
    int64_t at[OC_POINTWISE_IN + 1];
    int repeat[OC_POINTWISE_IN + 1]; /* the first `block` numbers of a row
                                      * again and again */
    int block;
    int channels; /* the others are padding */
};

/* One launch: in[k] says which input of the node is a, b ...; -1: the output
 * as it is so far. */
struct oc_point {
    int n_in;
    int in[OC_POINTWISE_IN];
    const char *formula;
    int n_scalar;
    float scalar[OC_POINTWISE_SCALARS];
};

/* NULL where there is none. k: an operand's number, or OC_POINT_OUT. */
const struct oc_operand *oc_point_operand(const struct oc_steps *steps,
                                          const struct oc_point *point, int k);
void oc_space_make(const struct oc_steps *steps, const struct oc_point *point,
                   struct oc_space *space);
/* Appends the launches: by the kernel `rows`, or by `each`. */
void oc_point_launch(struct oc_steps *steps, struct oc_point *point,
                     int by_rows);

#endif

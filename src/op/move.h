/* move.h - operators that only carry numbers to other places.
 *
 * Transpose, Concat, Split, Slice, Expand, Tile, DepthToSpace, SpaceToDepth
 * and the constant Pad are lists of strided copies:
 *
 *     to[to0 + sum i_d to_d] = from[from0 + sum i_d from_d],  0 <= i_d < n_d
 *
 * An operator writes the list down once; the same list is carried out on host
 * values (eval) and as launches (emit). Any type: bits are copied.
 */
#ifndef OC_OP_MOVE_H
#define OC_OP_MOVE_H

#include "op/impl.h"

#define OC_MOVE_RANK 16 /* Tile splits an axis into two */

struct oc_move {
    int in, out; /* of the node */
    int rank;
    int64_t n[OC_MOVE_RANK]; /* to's order, outermost first */
    int64_t from[OC_MOVE_RANK], to[OC_MOVE_RANK];
    int64_t from0, to0;
};

struct oc_moves {
    int fill;               /* output 0 is filled with `value` before */
    unsigned char value[8]; /* one element's bits */
    int count;
    struct oc_move move[OC_MAX_IN];
};

/* Appends a copy over `n`, with no strides yet. */
struct oc_move *oc_move_add(struct oc_moves *moves, int in, int out,
                            const struct oc_shape *n);
/* Writes the list for a concrete node. */
typedef ocellus_status (*oc_moves_of)(const struct oc_node *node,
                                      struct oc_moves *moves);
ocellus_status oc_move_eval(struct oc_node *node, oc_moves_of of);
ocellus_status oc_move_emit(struct oc_steps *steps, const struct oc_node *node,
                            oc_moves_of of);
/* Launches of a list that emit() wrote for itself, in places that it knows
 * (blocked images). */
ocellus_status oc_moves_launch(struct oc_steps *steps, struct oc_moves *moves);
/* Output 0 gets these bits of one element everywhere. */
void oc_fill_emit(struct oc_steps *steps, const unsigned char *value);

/* STEM_eval, STEM_emit and the implementations of an operator whose list is
 * written by STEM_moves. */
#define OC_MOVE_OP(stem)                                                       \
    static ocellus_status stem##_eval(struct oc_node *node)                    \
    {                                                                          \
        return oc_move_eval(node, stem##_moves);                               \
    }                                                                          \
    static ocellus_status stem##_emit(struct oc_steps *steps,                  \
                                      const struct oc_node *node)              \
    {                                                                          \
        return oc_move_emit(steps, node, stem##_moves);                        \
    }                                                                          \
    static const struct oc_impl stem##_impls[] = {                             \
        {"direct", NULL, NULL, stem##_emit, 0, 0},                             \
        {.name = NULL},                                                        \
    };

#endif

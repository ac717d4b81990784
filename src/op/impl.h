/* impl.h - one way to carry an operator out.
 *
 * Implementations of an operator are an ordered list, fastest first. Each may
 * refuse a node on a device with a sentence; the last, named "direct", refuses
 * nothing and is the reference that the others are tested against.
 */
#ifndef OC_OP_IMPL_H
#define OC_OP_IMPL_H

#include "op/step.h"

struct oc_impl {
    const char *name;
    /* NULL when it will do it, else why not (a constant sentence). A NULL
     * function refuses nothing. The graph is concrete. */
    const char *(*refuse)(const struct oc_node *node,
                          const struct oc_caps *caps);
    /* in[k] comes holding how input k lies now; leave or change it to what
     * this implementation wants (the planner reorders). out[k] comes plain.
     * *scratch comes 0: bytes wanted while the node runs. A NULL function:
     * all plain, no scratch. Asking in[k].halo = h means "at least h": the
     * layout handed to emit may have more. */
    void (*layouts)(const struct oc_node *node, const struct oc_caps *caps,
                    struct oc_layout in[], struct oc_layout out[],
                    size_t *scratch);
    ocellus_status (*emit)(struct oc_steps *steps, const struct oc_node *node);
    unsigned flags;    /* enum oc_impl_flag */
    uint32_t in_place; /* output 0 may share input k's place, bit k:
                        * each work-item reads before it writes, same
                        * element only */
};

enum oc_impl_flag {
    OC_IMPL_HALO = 1,     /* blocked output 0 may get any halo: emit
                           * writes through oc_blocked_of strides; the
                           * planner clears the halo before */
    OC_IMPL_EPILOGUE = 2, /* honours node->epilogue on output 0 */
    OC_IMPL_PART = 4,     /* with HALO: emit clears the halo itself, and the
                           * output may be some channel blocks of a larger
                           * tensor (layout.whole) */
    OC_IMPL_JOINS = 8,    /* a blocked output 0 is the inputs' channel blocks,
                           * one behind the other: an input may lie there
                           * already (layout.whole), and its maker has cleared
                           * the halo */
    OC_IMPL_BFLOAT16 = 16 /* rounds factors to bfloat16: only where the graph
                           * allows it */
};

#endif

/* op.h - what an operator means: one row of the registry.
 *
 * Shape rule, gradient rule, host evaluation and the ordered list of
 * implementations stand together in one file, src/op/FAMILY.c. Operators have
 * the inputs, outputs and attributes of their newest ONNX form; importers
 * bring older forms into it. Operators that ONNX has not (gradients, updates)
 * are named in the same style.
 */
#ifndef OC_GRAPH_OP_H
#define OC_GRAPH_OP_H

#include "graph/graph.h"

struct oc_impl; /* op/impl.h */

enum oc_op_flag {
    OC_OP_VIEW = 1,     /* output 0 holds input 0's bytes, plain */
    OC_OP_INTERNAL = 2, /* not ONNX: never exported */
    OC_OP_POINTWISE = 4 /* `formula` says it; broadcasts */
};

struct oc_op {
    const char *name;   /* as ONNX has it */
    const char *domain; /* NULL: ONNX's own operators */
    int min_in, max_in;
    int n_out;   /* most outputs, saved excluded */
    int n_saved; /* hidden outputs kept for grad,
                  * after the others */
    unsigned flags;
    uint32_t params; /* trainable inputs, bit k */
    uint32_t host;   /* inputs that must be known on
                      * the host when bound, bit k */
    ocellus_status (*infer)(struct oc_node *node);
    /* On host values; all present inputs have data. NULL: never there. */
    ocellus_status (*eval)(struct oc_node *node);
    /* dy[k]: gradient of output k, NULL where none arrives (saved outputs
     * never have one). Sets dx[i] to a new value only where asked (dx[i] comes
     * in non-NULL); NULL for a gradient that is zero. op->grad NULL: no
     * gradient passes. Nodes go into node->graph. */
    void (*grad)(const struct oc_node *node, struct ocellus_value *dy[],
                 struct ocellus_value *dx[]);
    /* Pointwise: OpenCL C over a, b, c, d (the inputs) and s0, s1 ... */
    const char *formula;
    const char *scalars; /* "alpha=0.01 beta=0.5": which
                          * attributes s0, s1 are */
    /* Made of other operators: writes them into `to`, reading in[k] for the
     * node's input k, and sets the outputs that are wanted (out[k] comes in
     * non-NULL). *done = 0: it cannot yet, for want of numbers (`host` says
     * which). Such an operator has no infer and no impls. */
    ocellus_status (*expand)(const struct oc_node *node,
                             struct ocellus_graph *to,
                             struct ocellus_value *const *in,
                             struct ocellus_value **out, int *done);
    /* "blocked:short" ...: other ways of implementations that the tuner may
     * choose, which read caps->way; NULL behind the last. NULL: none. */
    const char *const *ways;
    const struct oc_impl *impls; /* fastest first, ends with a row
                                  * of name NULL; the last one
                                  * refuses nothing. NULL: views
                                  * and host-only operators */
};

/* NULL when unknown. */
const struct oc_op *oc_op_find(const char *name);
/* All rows, in the order of ops.def; NULL past the end. */
const struct oc_op *oc_op_at(int k);

#endif

/* epilogue.h - a fused chain of pointwise operators at the end of another
 * operator's kernel (struct oc_epilogue of graph.h).
 *
 * The .cl file says
 *
 *     #ifndef EPILOGUE
 *     #define EPILOGUE(v, i) (v)
 *     #define EPILOGUE_PARAMETERS
 *     #endif
 *     __kernel void f(..., int last EPILOGUE_PARAMETERS)
 *     ... STORE(TYPE_y, y, i, EPILOGUE(v, i));
 *
 * where i is the element's index in output 0, and emit() calls oc_epilogue()
 * after its own last argument.
 */
#ifndef OC_OP_EPILOGUE_H
#define OC_OP_EPILOGUE_H

#include "op/step.h"

/* Nothing when the node has none. vector: NULL for a kernel that stores number
 * by number; "float8" for one whose v is that vector and whose extras, float32,
 * are read as vectors from element i on. Besides EPILOGUE the kernel then has
 * the bare function oc_epilogue(v, e0, e1 ..., s0, s1 ...) and the extras'
 * pointers oc_e0, oc_e1 ... */
void oc_epilogue(struct oc_steps *steps, struct oc_step *launch,
                 const char *vector);
/* Inputs of the node that are its own, extras not counted. */
int oc_own_inputs(const struct oc_node *node);

#endif

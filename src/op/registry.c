/* registry.c - the table of all operators, made from ops.def. */
#include <string.h>

#include "graph/op.h"

#define OP(name, what) extern const struct oc_op oc_op_##name;
#include "op/ops.def"
#undef OP

static const struct oc_op *const ops[] = {
#define OP(name, what) &oc_op_##name,
#include "op/ops.def"
#undef OP
};

const struct oc_op *
oc_op_at(int k)
{
    if (k < 0 || (size_t)k >= OC_COUNT(ops))
        return NULL;
    return ops[k];
}

const struct oc_op *
oc_op_find(const char *name)
{
    for (size_t k = 0; k < OC_COUNT(ops); k++)
        if (strcmp(ops[k]->name, name) == 0)
            return ops[k];
    return NULL;
}

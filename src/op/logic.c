/* logic.c - rows of comparisons, truth values, bits, choices and types. */
#include <stdio.h>

#include "op/pointwise.h"
#include "op/pointwise_eval.h"

#define LOGIC_ROW(NAME, N, INFER, FORMULA, EVAL)                               \
    const struct oc_op oc_op_##NAME = {.name = #NAME,                          \
                                       .min_in = N,                            \
                                       .max_in = N,                            \
                                       .n_out = 1,                             \
                                       .flags = OC_OP_POINTWISE,               \
                                       .infer = INFER,                         \
                                       .eval = EVAL,                           \
                                       .formula = FORMULA,                     \
                                       .impls = oc_pointwise_impls};

LOGIC_ROW(Equal, 2, oc_infer_compare, "a == b", oc_eval_equal)
LOGIC_ROW(Less, 2, oc_infer_compare, "a < b", oc_eval_less)
LOGIC_ROW(Greater, 2, oc_infer_compare, "a > b", oc_eval_greater)
LOGIC_ROW(LessOrEqual, 2, oc_infer_compare, "a <= b", oc_eval_less_or_equal)
LOGIC_ROW(GreaterOrEqual, 2, oc_infer_compare, "a >= b",
          oc_eval_greater_or_equal)

LOGIC_ROW(And, 2, oc_infer_logic, "a && b", oc_eval_and)
LOGIC_ROW(Or, 2, oc_infer_logic, "a || b", oc_eval_or)
LOGIC_ROW(Xor, 2, oc_infer_logic, "!a != !b", oc_eval_xor)
LOGIC_ROW(Not, 1, oc_infer_logic, "!a", oc_eval_not)

LOGIC_ROW(IsNaN, 1, oc_infer_is, "isnan(a)", NULL)
LOGIC_ROW(IsInf, 1, oc_infer_is, "isinf(a)", NULL)

LOGIC_ROW(BitwiseAnd, 2, oc_infer_integer, "a & b", NULL)
LOGIC_ROW(BitwiseOr, 2, oc_infer_integer, "a | b", NULL)
LOGIC_ROW(BitwiseXor, 2, oc_infer_integer, "a ^ b", NULL)
LOGIC_ROW(BitwiseNot, 1, oc_infer_integer, "~a", NULL)
LOGIC_ROW(BitShift, 2, oc_infer_integer, "(a << b)", NULL)

/* ---- Where -------------------------------------------------------------- */

static ocellus_status
where_infer(struct oc_node *node)
{
    struct oc_shape shape;

    if (node->in[0]->type != OCELLUS_BOOL)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the condition is %s, not bool",
                            oc_type_name(node->in[0]->type));
    if (node->in[1]->type != node->in[2]->type)
        return oc_node_fail(
            node, OCELLUS_BAD_MODEL, "a choice between %s and %s",
            oc_type_name(node->in[1]->type), oc_type_name(node->in[2]->type));
    OC_TRY(oc_broadcast_inputs(node, &shape));
    return oc_infer_out(node, 0, node->in[1]->type, &shape);
}

static void
where_grad(const struct oc_node *node, struct ocellus_value *dy[],
           struct ocellus_value *dx[])
{
    struct ocellus_value *zero = oc_scalar_like(dy[0], 0.0);

    if (dx[1])
        dx[1] = oc_reduce_to(
            OC_NODE(node->graph, "Where", NULL, node->in[0], dy[0], zero),
            &node->in[1]->shape);
    if (dx[2])
        dx[2] = oc_reduce_to(
            OC_NODE(node->graph, "Where", NULL, node->in[0], zero, dy[0]),
            &node->in[2]->shape);
}

const struct oc_op oc_op_Where = {.name = "Where",
                                  .min_in = 3,
                                  .max_in = 3,
                                  .n_out = 1,
                                  .flags = OC_OP_POINTWISE,
                                  .infer = where_infer,
                                  .eval = oc_eval_where,
                                  .grad = where_grad,
                                  .formula = "(a ? b : c)",
                                  .impls = oc_pointwise_impls};

/* ---- Cast --------------------------------------------------------------- */

static ocellus_status
cast_to(struct oc_node *node, int64_t type)
{
    if (type <= 0 || type > OCELLUS_BFLOAT16 || type == OCELLUS_STRING ||
        oc_type_size((ocellus_type)type) == 0)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "no conversion to element type %lld",
                            (long long)type);
    return oc_infer_out(node, 0, (ocellus_type)type, &node->in[0]->shape);
}

static ocellus_status
cast_infer(struct oc_node *node)
{
    return cast_to(node, oc_attr_int(node, "to", 0));
}

static ocellus_status
cast_like_infer(struct oc_node *node)
{
    return cast_to(node, node->in[1]->type);
}

static void
cast_grad(const struct oc_node *node, struct ocellus_value *dy[],
          struct ocellus_value *dx[])
{
    char to[24];

    snprintf(to, sizeof to, "to=%d", (int)node->in[0]->type);
    if (dx[0])
        dx[0] = OC_NODE(node->graph, "Cast", to, dy[0]);
    if (node->n_in > 1)
        dx[1] = NULL;
}

const struct oc_op oc_op_Cast = {.name = "Cast",
                                 .min_in = 1,
                                 .max_in = 1,
                                 .n_out = 1,
                                 .flags = OC_OP_POINTWISE,
                                 .infer = cast_infer,
                                 .eval = oc_eval_copy,
                                 .grad = cast_grad,
                                 .formula = "a",
                                 .impls = oc_pointwise_impls};

/* The second input gives its type alone. */
const struct oc_op oc_op_CastLike = {.name = "CastLike",
                                     .min_in = 2,
                                     .max_in = 2,
                                     .n_out = 1,
                                     .flags = OC_OP_POINTWISE,
                                     .infer = cast_like_infer,
                                     .grad = cast_grad,
                                     .formula = "a",
                                     .impls = oc_pointwise_impls};

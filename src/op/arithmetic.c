/* arithmetic.c - rows of arithmetic and of the elementary functions. */
#include <stdio.h>

#include "op/pointwise.h"
#include "op/pointwise_eval.h"

/* ---- one input ---------------------------------------------------------- */

static void
identity_grad(const struct oc_node *node, struct ocellus_value *dy[],
              struct ocellus_value *dx[])
{
    (void)node;
    dx[0] = dy[0];
}

static ocellus_status
identity_infer(struct oc_node *node)
{
    return oc_infer_out(node, 0, node->in[0]->type, &node->in[0]->shape);
}

const struct oc_op oc_op_Identity = {.name = "Identity",
                                     .min_in = 1,
                                     .max_in = 1,
                                     .n_out = 1,
                                     .flags = OC_OP_VIEW,
                                     .infer = identity_infer,
                                     .eval = oc_eval_copy,
                                     .grad = identity_grad};

static void
neg_grad(const struct oc_node *node, struct ocellus_value *dy[],
         struct ocellus_value *dx[])
{
    dx[0] = OC_NODE(node->graph, "Neg", NULL, dy[0]);
}

/* Rows that integers have too. */
#define NUMBER_UNARY(NAME, FORMULA, GRAD, EVAL)                                \
    const struct oc_op oc_op_##NAME = {.name = #NAME,                          \
                                       .min_in = 1,                            \
                                       .max_in = 1,                            \
                                       .n_out = 1,                             \
                                       .flags = OC_OP_POINTWISE,               \
                                       .infer = oc_infer_number,               \
                                       .eval = EVAL,                           \
                                       .grad = GRAD,                           \
                                       .formula = FORMULA,                     \
                                       .impls = oc_pointwise_impls};

NUMBER_UNARY(Neg, "-a", neg_grad, oc_eval_neg)
NUMBER_UNARY(Abs, "fabs(a)", oc_grad_of_x, oc_eval_abs)
NUMBER_UNARY(Sign, "(a != a ? a : sign(a))", NULL, oc_eval_sign)
OC_FLOAT_ROW(AbsGrad, 2, OC_OP_INTERNAL, NULL, "b * sign(a)", NULL)

#define ROUNDING(NAME, FORMULA, EVAL)                                          \
    const struct oc_op oc_op_##NAME = {.name = #NAME,                          \
                                       .min_in = 1,                            \
                                       .max_in = 1,                            \
                                       .n_out = 1,                             \
                                       .flags = OC_OP_POINTWISE,               \
                                       .infer = oc_infer_float,                \
                                       .eval = EVAL,                           \
                                       .formula = FORMULA,                     \
                                       .impls = oc_pointwise_impls};

ROUNDING(Floor, "floor(a)", oc_eval_floor)
ROUNDING(Ceil, "ceil(a)", oc_eval_ceil)
ROUNDING(Round, "rint(a)", oc_eval_round)

/* As OC_UNARY, known on the host too. */
#define HOST_UNARY(NAME, FORMULA, EVAL, FROM, GRADIENT)                        \
    const struct oc_op oc_op_##NAME = {.name = #NAME,                          \
                                       .min_in = 1,                            \
                                       .max_in = 1,                            \
                                       .n_out = 1,                             \
                                       .flags = OC_OP_POINTWISE,               \
                                       .infer = oc_infer_float,                \
                                       .eval = EVAL,                           \
                                       .grad = oc_grad_of_##FROM,              \
                                       .formula = FORMULA,                     \
                                       .impls = oc_pointwise_impls};           \
    OC_FLOAT_ROW(NAME##Grad, 2, OC_OP_INTERNAL, NULL, GRADIENT, NULL)

HOST_UNARY(Reciprocal, "1.0f / a", oc_eval_reciprocal, y, "-b * a * a")
HOST_UNARY(Sqrt, "sqrt(a)", oc_eval_sqrt, y, "0.5f * b / a")
HOST_UNARY(Exp, "exp(a)", oc_eval_exp, y, "b * a")
HOST_UNARY(Log, "log(a)", oc_eval_log, x, "b / a")

OC_UNARY(Erf, NULL, "erf(a)", x, "b * 1.1283792f * exp(-a * a)")
OC_UNARY(Sin, NULL, "sin(a)", x, "b * cos(a)")
OC_UNARY(Cos, NULL, "cos(a)", x, "-b * sin(a)")
OC_UNARY(Tan, NULL, "tan(a)", y, "b * (1.0f + a * a)")
OC_UNARY(Asin, NULL, "asin(a)", x, "b / sqrt(1.0f - a * a)")
OC_UNARY(Acos, NULL, "acos(a)", x, "-b / sqrt(1.0f - a * a)")
OC_UNARY(Atan, NULL, "atan(a)", x, "b / (1.0f + a * a)")
OC_UNARY(Sinh, NULL, "sinh(a)", x, "b * cosh(a)")
OC_UNARY(Cosh, NULL, "cosh(a)", x, "b * sinh(a)")
OC_UNARY(Asinh, NULL, "asinh(a)", x, "b / sqrt(a * a + 1.0f)")
OC_UNARY(Acosh, NULL, "acosh(a)", x, "b / sqrt(a * a - 1.0f)")
OC_UNARY(Atanh, NULL, "atanh(a)", x, "b / (1.0f - a * a)")

/* ---- two inputs --------------------------------------------------------- */

static struct ocellus_value *
apply2(const struct oc_node *node, const char *op, struct ocellus_value *a,
       struct ocellus_value *b)
{
    return OC_NODE(node->graph, op, NULL, a, b);
}

/* dx[k] = the sum of `full` over what input k was broadcast along. */
static void
give(const struct oc_node *node, struct ocellus_value *dx[], int k,
     struct ocellus_value *full)
{
    dx[k] = oc_reduce_to(full, &node->in[k]->shape);
}

static void
add_grad(const struct oc_node *node, struct ocellus_value *dy[],
         struct ocellus_value *dx[])
{
    for (int k = 0; k < node->n_in; k++)
        if (dx[k])
            give(node, dx, k, dy[0]);
}

static void
sub_grad(const struct oc_node *node, struct ocellus_value *dy[],
         struct ocellus_value *dx[])
{
    add_grad(node, dy, dx);
    if (dx[1])
        dx[1] = OC_NODE(node->graph, "Neg", NULL, dx[1]);
}

static void
mul_grad(const struct oc_node *node, struct ocellus_value *dy[],
         struct ocellus_value *dx[])
{
    for (int k = 0; k < 2; k++)
        if (dx[k])
            give(node, dx, k, apply2(node, "Mul", dy[0], node->in[1 - k]));
}

static void
div_grad(const struct oc_node *node, struct ocellus_value *dy[],
         struct ocellus_value *dx[])
{
    if (dx[0])
        give(node, dx, 0, apply2(node, "Div", dy[0], node->in[1]));
    if (dx[1])
        give(node, dx, 1,
             OC_NODE(node->graph, "DivGrad", NULL, node->out[0], node->in[1],
                     dy[0]));
}

static void
pow_grad(const struct oc_node *node, struct ocellus_value *dy[],
         struct ocellus_value *dx[])
{
    struct ocellus_value *x = node->in[0], *e = node->in[1];

    if (e->type != x->type && (dx[0] || dx[1])) {
        char to[24];

        snprintf(to, sizeof to, "to=%d", (int)x->type);
        e = OC_NODE(node->graph, "Cast", to, e);
    }
    if (dx[0])
        give(node, dx, 0, OC_NODE(node->graph, "PowGrad", NULL, x, e, dy[0]));
    if (dx[1])
        give(node, dx, 1,
             OC_NODE(node->graph, "PowGradExponent", NULL, x, node->out[0],
                     dy[0]));
}

/* An exponent may have a type of its own. */
static ocellus_status
pow_infer(struct oc_node *node)
{
    ocellus_type base = node->in[0]->type, e = node->in[1]->type;
    struct oc_shape shape;

    if ((!oc_type_is_float(base) && !oc_type_is_integer(base)) ||
        (!oc_type_is_float(e) && !oc_type_is_integer(e)))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "no rule for %s ** %s",
                            oc_type_name(base), oc_type_name(e));
    OC_TRY(oc_broadcast_inputs(node, &shape));
    return oc_infer_out(node, 0, base, &shape);
}

#define BINARY(NAME, INFER, FORMULA, GRAD, EVAL)                               \
    const struct oc_op oc_op_##NAME = {.name = #NAME,                          \
                                       .min_in = 2,                            \
                                       .max_in = 2,                            \
                                       .n_out = 1,                             \
                                       .flags = OC_OP_POINTWISE,               \
                                       .infer = INFER,                         \
                                       .eval = EVAL,                           \
                                       .grad = GRAD,                           \
                                       .formula = FORMULA,                     \
                                       .impls = oc_pointwise_impls};

BINARY(Add, oc_infer_number, "a + b", add_grad, oc_eval_add)
BINARY(Sub, oc_infer_number, "a - b", sub_grad, oc_eval_sub)
BINARY(Mul, oc_infer_number, "a * b", mul_grad, oc_eval_mul)
BINARY(Div, oc_infer_number, "a / b", div_grad, oc_eval_div)
BINARY(Pow, pow_infer, "pow(a, b)", pow_grad, oc_eval_pow)
BINARY(Mod, oc_infer_number, "fmod(a, b)", NULL, oc_eval_mod)

/* a = y, c = dy */
OC_FLOAT_ROW(DivGrad, 3, OC_OP_INTERNAL, NULL, "-c * a / b", NULL)
OC_FLOAT_ROW(PowGrad, 3, OC_OP_INTERNAL, NULL,
             "(b == 0.0f ? 0.0f : c * b * pow(a, b - 1.0f))", NULL)
OC_FLOAT_ROW(PowGradExponent, 3, OC_OP_INTERNAL, NULL,
             "(a > 0.0f ? c * b * log(a) : 0.0f)", NULL)

/* ---- any number of inputs ----------------------------------------------- */

static void
mean_grad(const struct oc_node *node, struct ocellus_value *dy[],
          struct ocellus_value *dx[])
{
    struct ocellus_value *part =
        apply2(node, "Mul", dy[0], oc_scalar_like(dy[0], 1.0 / node->n_in));

    add_grad(node, &part, dx);
}

/* Of two inputs, equals share the gradient; of more, each that equals the
 * result gets it. */
static void
extreme_grad(const struct oc_node *node, struct ocellus_value *dy[],
             struct ocellus_value *dx[], const char *two)
{
    for (int k = 0; k < node->n_in; k++) {
        struct ocellus_value *x = node->in[k];

        if (!dx[k])
            continue;
        if (node->n_in == 2)
            give(node, dx, k,
                 OC_NODE(node->graph, two, NULL, x, node->in[1 - k], dy[0]));
        else
            give(node, dx, k,
                 OC_NODE(node->graph, "EqualGrad", NULL, x, node->out[0],
                         dy[0]));
    }
}

static void
max_grad(const struct oc_node *node, struct ocellus_value *dy[],
         struct ocellus_value *dx[])
{
    extreme_grad(node, dy, dx, "MaxGrad");
}

static void
min_grad(const struct oc_node *node, struct ocellus_value *dy[],
         struct ocellus_value *dx[])
{
    extreme_grad(node, dy, dx, "MinGrad");
}

#define MANY(NAME, INFER, GRAD, EVAL)                                          \
    const struct oc_op oc_op_##NAME = {.name = #NAME,                          \
                                       .min_in = 1,                            \
                                       .max_in = OC_MAX_IN,                    \
                                       .n_out = 1,                             \
                                       .flags = OC_OP_POINTWISE,               \
                                       .infer = INFER,                         \
                                       .eval = EVAL,                           \
                                       .grad = GRAD,                           \
                                       .impls = oc_many_impls};

MANY(Sum, oc_infer_number, add_grad, oc_eval_sum)
MANY(Mean, oc_infer_float, mean_grad, oc_eval_mean)
MANY(Max, oc_infer_number, max_grad, oc_eval_max)
MANY(Min, oc_infer_number, min_grad, oc_eval_min)

OC_FLOAT_ROW(MaxGrad, 3, OC_OP_INTERNAL, NULL,
             "(a > b ? c : (a == b ? 0.5f * c : 0.0f))", NULL)
OC_FLOAT_ROW(MinGrad, 3, OC_OP_INTERNAL, NULL,
             "(a < b ? c : (a == b ? 0.5f * c : 0.0f))", NULL)
OC_FLOAT_ROW(EqualGrad, 3, OC_OP_INTERNAL, NULL, "(a == b ? c : 0.0f)", NULL)

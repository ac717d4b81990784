/* activation.c - rows of what stands between a network's layers.
 *
 * Formulas are written so that they hold on vectors and overflow nowhere: an
 * arm that is not taken may be infinite, never the result. A NaN stays one, so
 * that a training that went astray shows it: OpenCL leaves open what max and
 * min make of a NaN (PoCL: the other number), and fmax hides it, so bounds are
 * comparisons that a NaN fails.
 */
#include "op/epilogue.h"
#include "op/pointwise.h"
#include "op/pointwise_eval.h"

/* Integers have it too. */
const struct oc_op oc_op_Relu = {.name = "Relu",
                                 .min_in = 1,
                                 .max_in = 1,
                                 .n_out = 1,
                                 .flags = OC_OP_POINTWISE,
                                 .infer = oc_infer_number,
                                 .grad = oc_grad_of_y,
                                 .formula = "(a < 0.0f ? 0.0f : a)",
                                 .impls = oc_pointwise_impls};
OC_FLOAT_ROW(ReluGrad, 2, OC_OP_INTERNAL, NULL, "(a > 0.0f ? b : 0.0f)", NULL)
OC_UNARY(LeakyRelu, "alpha=0.01", "(a < 0.0f ? s0 * a : a)", x,
         "(a > 0.0f ? b : s0 * b)")
OC_UNARY(ThresholdedRelu, "alpha=1", "(a > s0 ? a : 0.0f)", x,
         "(a > s0 ? b : 0.0f)")
OC_UNARY(Elu, "alpha=1", "(a < 0.0f ? s0 * expm1(a) : a)", x,
         "(a > 0.0f ? b : s0 * b * exp(a))")
OC_UNARY(Selu,
         "alpha=1.67326319217681884765625 gamma=1.05070102214813232421875",
         "s1 * (a < 0.0f ? s0 * expm1(a) : a)", x,
         "s1 * (a > 0.0f ? b : s0 * b * exp(a))")
OC_UNARY(Celu, "alpha=1", "(a < 0.0f ? s0 * expm1(a / s0) : a)", x,
         "(a > 0.0f ? b : b * exp(a / s0))")

OC_UNARY(Sigmoid, NULL, "1.0f / (1.0f + exp(-a))", y, "b * a * (1.0f - a)")
OC_UNARY(HardSigmoid, "alpha=0.2 beta=0.5",
         "(s0 * a + s1 < 0.0f ? 0.0f "
         ": (s0 * a + s1 > 1.0f ? 1.0f : s0 * a + s1))",
         x, "(fabs(s0 * a + s1 - 0.5f) < 0.5f ? s0 * b : 0.0f)")
OC_UNARY(HardSwish, NULL, "a * min(max(a / 6.0f + 0.5f, 0.0f), 1.0f)", x,
         "(fabs(a) < 3.0f ? b * (a / 3.0f + 0.5f) : (a > 0.0f ? b : 0.0f))")
OC_UNARY(Tanh, NULL, "tanh(a)", y, "b * (1.0f - a * a)")

/* x * sigmoid(alpha x) */
#define SIGMOID "(1.0f / (1.0f + exp(-s0 * a)))"
OC_UNARY(Swish, "alpha=1", "a / (1.0f + exp(-s0 * a))", x,
         "b * " SIGMOID " * (1.0f + s0 * a * (1.0f - " SIGMOID "))")

#define SOFTPLUS "(max(a, 0.0f) + log1p(exp(-fabs(a))))"
OC_UNARY(Softplus, NULL, SOFTPLUS, x, "b / (1.0f + exp(-a))")
OC_UNARY(Mish, NULL, "a * tanh(" SOFTPLUS ")", x,
         "b * (tanh(" SOFTPLUS ") + a * (1.0f - tanh(" SOFTPLUS
         ") * tanh(" SOFTPLUS ")) / (1.0f + exp(-a)))")
OC_UNARY(Softsign, NULL, "a / (1.0f + fabs(a))", x,
         "b / ((1.0f + fabs(a)) * (1.0f + fabs(a)))")
OC_UNARY(Gelu, NULL, "0.5f * a * (1.0f + erf(a * 0.70710678f))", x,
         "b * (0.5f * (1.0f + erf(a * 0.70710678f)) + "
         "a * 0.39894228f * exp(-0.5f * a * a))")
OC_UNARY(Shrink, "lambd=0.5 bias=0",
         "(a < -s0 ? a + s1 : (a > s0 ? a - s1 : 0.0f))", x,
         "(fabs(a) > s0 ? b : 0.0f)")

/* ---- PRelu: the slope is an input --------------------------------------- */

static void
prelu_grad(const struct oc_node *node, struct ocellus_value *dy[],
           struct ocellus_value *dx[])
{
    struct ocellus_value *x = node->in[0], *slope = node->in[1];

    if (dx[0])
        dx[0] = OC_NODE(node->graph, "PReluGrad", NULL, x, slope, dy[0]);
    if (dx[1])
        dx[1] =
            oc_reduce_to(OC_NODE(node->graph, "PReluGradSlope", NULL, x, dy[0]),
                         &slope->shape);
}

/* The slope spreads over x, never the other way round. */
static ocellus_status
prelu_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    char text[2][OC_SHAPE_TEXT];

    OC_TRY(oc_infer_number(node));
    if (oc_shape_known(x) && oc_shape_known(&node->in[1]->shape) &&
        !oc_shape_equal(x, &node->out[0]->shape))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "slope %s does not spread over %s",
                            oc_shape_text(&node->in[1]->shape, text[0]),
                            oc_shape_text(x, text[1]));
    return OCELLUS_OK;
}

const struct oc_op oc_op_PRelu = {.name = "PRelu",
                                  .min_in = 2,
                                  .max_in = 2,
                                  .n_out = 1,
                                  .flags = OC_OP_POINTWISE,
                                  .params = 2,
                                  .infer = prelu_infer,
                                  .grad = prelu_grad,
                                  .formula = "(a < 0.0f ? a * b : a)",
                                  .impls = oc_pointwise_impls};
OC_FLOAT_ROW(PReluGrad, 3, OC_OP_INTERNAL, NULL, "(a > 0.0f ? c : b * c)", NULL)
OC_FLOAT_ROW(PReluGradSlope, 2, OC_OP_INTERNAL, NULL,
             "(a < 0.0f ? a * b : 0.0f)", NULL)

/* ---- Clip: the bounds are inputs ---------------------------------------- */

static ocellus_status
clip_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;

    for (int k = 1; k < oc_own_inputs(node); k++)
        if (node->in[k] && oc_shape_known(&node->in[k]->shape) &&
            oc_shape_count(&node->in[k]->shape) != 1)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "a bound has %lld elements, not 1",
                                (long long)oc_shape_count(&node->in[k]->shape));
    OC_TRY(oc_infer_number(node));
    return oc_infer_out(node, 0, node->in[0]->type, x);
}

static void
clip_grad(const struct oc_node *node, struct ocellus_value *dy[],
          struct ocellus_value *dx[])
{
    struct ocellus_value *low = node->n_in > 1 ? node->in[1] : NULL;
    struct ocellus_value *high = node->n_in > 2 ? node->in[2] : NULL;

    if (dx[0])
        dx[0] = OC_NODE(node->graph, "ClipGrad", NULL, node->in[0], dy[0], low,
                        high);
    for (int k = 1; k < node->n_in; k++)
        dx[k] = NULL;
}

const struct oc_op oc_op_Clip = {.name = "Clip",
                                 .min_in = 1,
                                 .max_in = 3,
                                 .n_out = 1,
                                 .flags = OC_OP_POINTWISE,
                                 .infer = clip_infer,
                                 .eval = oc_eval_clip,
                                 .grad = clip_grad,
                                 .formula = "a",
                                 .impls = oc_pointwise_impls};

static ocellus_status
clip_grad_infer(struct oc_node *node)
{
    return oc_infer_out(node, 0, node->in[0]->type, &node->in[0]->shape);
}

const struct oc_op oc_op_ClipGrad = {.name = "ClipGrad",
                                     .min_in = 2,
                                     .max_in = 4,
                                     .n_out = 1,
                                     .flags = OC_OP_POINTWISE | OC_OP_INTERNAL,
                                     .infer = clip_grad_infer,
                                     .formula = "b",
                                     .impls = oc_pointwise_impls};

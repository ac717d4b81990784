/* loss_pair.c - losses of pairs of numbers, a predicted and b wanted: mean
 * squared error, smooth L1, binary cross-entropy of logits.
 *
 * Not ONNX, named in its style; attribute reduction as SoftmaxCrossEntropyLoss
 * has it ("mean" is over all numbers). Gradients are pointwise rows.
 */
#include <stdio.h>
#include <string.h>

#include "op/loss.h"
#include "op/pointwise.h"

static ocellus_status
infer(struct oc_node *node)
{
    const struct ocellus_value *x = node->in[0], *t = node->in[1];
    struct oc_shape shape = oc_shape_make(0, NULL), both;
    char text[2][OC_SHAPE_TEXT];
    enum oc_reduction reduction;

    if (!oc_type_is_float(x->type) || t->type != x->type)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "a loss between %s and %s",
                            oc_type_name(x->type), oc_type_name(t->type));
    OC_TRY(oc_broadcast_inputs(node, &both));
    if (x->shape.rank != t->shape.rank ||
        (oc_shape_known(&x->shape) && oc_shape_known(&t->shape) &&
         !oc_shape_equal(&x->shape, &t->shape)))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%s predicted and %s wanted",
                            oc_shape_text(&x->shape, text[0]),
                            oc_shape_text(&t->shape, text[1]));
    OC_TRY(oc_loss_reduction(node, &reduction));
    if (reduction == OC_REDUCE_NONE)
        shape = x->shape;
    return oc_infer_out(node, 0, x->type, &shape);
}

/* dx = NAMEGrad(a, b, dloss) with 1 / count in it; db = -dx unless the row is
 * binary cross-entropy, where db = -a dloss. */
static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    int is_bce = node->op->name[0] == 'B';
    enum oc_reduction reduction = OC_REDUCE_NONE;
    char name[64], scale[48];
    double share = 1.0;

    (void)oc_loss_reduction(node, &reduction);
    if (reduction == OC_REDUCE_MEAN)
        share = 1.0 / (double)oc_shape_count(&node->in[0]->shape);
    snprintf(scale, sizeof scale, "scale=%.9g", share);
    snprintf(name, sizeof name, "%sGrad", node->op->name);
    if (dx[0] || (dx[1] && !is_bce)) {
        struct ocellus_value *full =
            OC_NODE_LIKE(node, name, scale, node->in[0], node->in[1], dy[0]);

        dx[0] = full;
        if (dx[1] && !is_bce)
            dx[1] = OC_NODE(node->graph, "Neg", NULL, full);
    }
    if (dx[1] && is_bce)
        dx[1] = OC_NODE(node->graph, "Mul", NULL,
                        OC_NODE(node->graph, "Mul", NULL, node->in[0], dy[0]),
                        oc_scalar_like(node->in[0], -share));
}

/* ---- launches ----------------------------------------------------------- */

static void
layouts(const struct oc_node *node, const struct oc_caps *caps,
        struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    int64_t count = oc_shape_count(&node->in[0]->shape);

    (void)caps;
    (void)out;
    in[0] = in[1] = OC_PLAIN;
    *scratch = (size_t)oc_loss_pieces(count) * sizeof(float);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    int64_t count = oc_shape_count(&node->in[0]->shape);
    struct oc_step *launch = oc_launch(steps, "loss", "pairs");
    enum oc_reduction reduction;
    int each, n;

    OC_TRY(oc_loss_reduction(node, &reduction));
    each = reduction == OC_REDUCE_NONE;
    n = each ? (int)count : oc_loss_pieces(count);
    oc_prelude(steps, launch, "#define FORMULA (%s)\n", node->op->formula);
    oc_define_type(steps, launch, "x", node->in[0]->type);
    oc_arg_in(steps, launch, 0);
    oc_arg_in(steps, launch, 1);
    oc_arg_out(steps, launch, 0);
    oc_arg_scratch(steps, launch);
    oc_arg_int(steps, launch, count);
    oc_arg_int(steps, launch, n);
    oc_arg_int(steps, launch, each);
    oc_arg_float(steps, launch, oc_attr_float(node, "beta", 1.0));
    oc_grid1(launch, n, 0);
    oc_cost(launch, 4.0 * (double)count, 8.0 * (double)count);
    if (each)
        return steps->status;
    launch = oc_launch(steps, "loss", "pairs_total");
    oc_prelude(steps, launch, "#define FORMULA (%s)\n", node->op->formula);
    oc_define_type(steps, launch, "x", node->in[0]->type);
    oc_arg_scratch(steps, launch);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, n);
    oc_arg_float(steps, launch,
                 reduction == OC_REDUCE_MEAN ? 1.0 / (double)count : 1.0);
    oc_grid1(launch, 1, 1);
    return steps->status;
}

static const struct oc_impl impls[] = {
    {.name = "direct", .layouts = layouts, .emit = emit},
    {.name = NULL},
};

/* ---- rows --------------------------------------------------------------- */

#define PAIR_ROW(NAME, FORMULA, SCALARS, GRADIENT)                             \
    const struct oc_op oc_op_##NAME = {.name = #NAME,                          \
                                       .min_in = 2,                            \
                                       .max_in = 2,                            \
                                       .n_out = 1,                             \
                                       .flags = OC_OP_INTERNAL,                \
                                       .infer = infer,                         \
                                       .grad = grad,                           \
                                       .formula = FORMULA,                     \
                                       .impls = impls};                        \
    OC_FLOAT_ROW(NAME##Grad, 3, OC_OP_INTERNAL, SCALARS, GRADIENT, NULL)

PAIR_ROW(MeanSquaredError, "(a - b) * (a - b)", "scale=1",
         "2.0f * s0 * (a - b) * c")
/* Quadratic within beta, which is s0 of the loss and s1 of the gradient. */
PAIR_ROW(SmoothL1,
         "(fabs(a - b) < s0 ? 0.5f * (a - b) * (a - b) / s0 "
         ": fabs(a - b) - 0.5f * s0)",
         "scale=1 beta=1",
         "(fabs(a - b) < s1 ? s0 * c * (a - b) / s1 : s0 * c * sign(a - b))")
PAIR_ROW(BinaryCrossEntropyWithLogits,
         "max(a, 0.0f) - a * b + log1p(exp(-fabs(a)))", "scale=1",
         "s0 * c * (1.0f / (1.0f + exp(-a)) - b)")

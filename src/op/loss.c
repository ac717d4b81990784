/* loss.c - losses of class scores: softmax cross-entropy and negative log
 * likelihood.
 *
 * scores N x C (x d ...), labels N (x d ...), weights C. A sample whose label
 * is ignore_index counts nothing; one whose label is no class gives a NaN. The
 * mean is over the weights of what counts. label_smoothing (an extension of
 * ours) mixes the label with the uniform distribution as
 * torch.nn.functional.cross_entropy does.
 *
 * The saved output is the weight that the mean divides by.
 */
#include "op/loss.h"

#include <stdio.h>
#include <string.h>

ocellus_status
oc_loss_reduction(const struct oc_node *node, enum oc_reduction *reduction)
{
    const char *text = oc_attr_text(node, "reduction", "mean");

    if (strcmp(text, "mean") == 0)
        *reduction = OC_REDUCE_MEAN;
    else if (strcmp(text, "sum") == 0)
        *reduction = OC_REDUCE_SUM;
    else if (strcmp(text, "none") == 0)
        *reduction = OC_REDUCE_NONE;
    else
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "reduction is '%s', not none, mean or sum", text);
    return OCELLUS_OK;
}

int
oc_loss_pieces(int64_t count)
{
    return count <= 1024 ? 1 : count < 1024 * 256 ? (int)(count / 1024) : 256;
}

/* ---- shapes ------------------------------------------------------------- */

static ocellus_status
check_labels(const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape, *t = &node->in[1]->shape;
    char text[2][OC_SHAPE_TEXT];
    int fits = x->rank >= 2 && t->rank == x->rank - 1;

    for (int k = 0; fits && k < t->rank; k++) {
        int64_t a = t->dim[k], b = x->dim[k == 0 ? 0 : k + 1];

        fits = a == b || a == OC_UNKNOWN || b == OC_UNKNOWN;
    }
    if (!fits)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "labels %s do not fit scores %s; they are N x d... "
                            "for N x C x d...",
                            oc_shape_text(t, text[0]),
                            oc_shape_text(x, text[1]));
    if (node->in[1]->type != OCELLUS_INT64 &&
        node->in[1]->type != OCELLUS_INT32)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "labels are %s, not int64 or int32",
                            oc_type_name(node->in[1]->type));
    return OCELLUS_OK;
}

static ocellus_status
check_weights(const struct oc_node *node)
{
    const struct ocellus_value *weights = node->n_in > 2 ? node->in[2] : NULL;
    int64_t classes = node->in[0]->shape.dim[1];
    char text[OC_SHAPE_TEXT];

    if (!weights)
        return OCELLUS_OK;
    if (weights->shape.rank != 1 || weights->type != node->in[0]->type ||
        (classes != OC_UNKNOWN && weights->shape.dim[0] != OC_UNKNOWN &&
         weights->shape.dim[0] != classes))
        return oc_node_fail(
            node, OCELLUS_BAD_MODEL, "weights %s of %s for %lld classes of %s",
            oc_shape_text(&weights->shape, text), oc_type_name(weights->type),
            (long long)classes, oc_type_name(node->in[0]->type));
    return OCELLUS_OK;
}

static ocellus_status
infer(struct oc_node *node)
{
    const struct ocellus_value *x = node->in[0];
    struct oc_shape scalar = oc_shape_make(0, NULL);
    int has_log_prob = strcmp(node->op->name, "SoftmaxCrossEntropyLoss") == 0;
    enum oc_reduction reduction;

    if (!oc_type_is_float(x->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "scores are %s",
                            oc_type_name(x->type));
    OC_TRY(check_labels(node));
    OC_TRY(check_weights(node));
    OC_TRY(oc_loss_reduction(node, &reduction));
    OC_TRY(oc_infer_out(node, 0, x->type,
                        reduction == OC_REDUCE_NONE ? &node->in[1]->shape
                                                    : &scalar));
    if (has_log_prob)
        OC_TRY(oc_infer_out(node, 1, x->type, &x->shape));
    return oc_infer_out(node, has_log_prob ? 2 : 1, OCELLUS_FLOAT, &scalar);
}

/* Inputs: scores, labels, dloss, divisor, weights. */
static ocellus_status
infer_grad(struct oc_node *node)
{
    return oc_infer_out(node, 0, node->in[0]->type, &node->in[0]->shape);
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    struct ocellus_value *weights = node->n_in > 2 ? node->in[2] : NULL;
    struct ocellus_value *sum = NULL;
    char name[64];

    snprintf(name, sizeof name, "%sGrad", node->op->name);
    if (dx[0] && dy[0])
        sum = OC_NODE_LIKE(node, name, NULL, node->in[0], node->in[1], dy[0],
                           node->out[node->n_out - 1], weights);
    if (dx[0] && node->n_out > 2 && dy[1]) {
        struct ocellus_value *more = OC_NODE(node->graph, "LogSoftmaxGrad",
                                             "axis=1", node->out[1], dy[1]);

        sum = sum ? OC_NODE(node->graph, "Add", NULL, sum, more) : more;
    }
    dx[0] = sum;
    for (int k = 1; k < node->n_in; k++)
        dx[k] = NULL;
}

/* ---- launches ----------------------------------------------------------- */

struct samples {
    int64_t count, classes, inner; /* inner: d... */
};

static struct samples
samples_of(const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    struct samples s = {.classes = x->dim[1]};

    s.inner = oc_shape_span(x, 2, x->rank);
    s.count = x->dim[0] * s.inner;
    return s;
}

static void
put_types(struct oc_steps *steps, struct oc_step *launch, int weights)
{
    const struct oc_node *node = steps->node;
    int has_weights = weights < node->n_in && node->in[weights];

    oc_define(steps, launch, "SOFTMAX", node->op->name[0] == 'S');
    oc_define(steps, launch, "WEIGHTS", has_weights);
    oc_define_type(steps, launch, "x", node->in[0]->type);
    oc_define_type(steps, launch, "t", node->in[1]->type);
}

static void
put_samples(struct oc_steps *steps, struct oc_step *launch)
{
    const struct oc_node *node = steps->node;
    struct samples s = samples_of(node);

    oc_arg_int(steps, launch, s.count);
    oc_arg_int(steps, launch, s.classes);
    oc_arg_int(steps, launch, s.inner);
    oc_arg_int(steps, launch, oc_attr_int(node, "ignore_index", INT32_MIN));
    oc_arg_float(steps, launch, oc_attr_float(node, "label_smoothing", 0.0));
}

static void
layouts(const struct oc_node *node, const struct oc_caps *caps,
        struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    int64_t count = samples_of(node).count;

    (void)caps;
    (void)out;
    for (int k = 0; k < node->n_in; k++)
        in[k] = OC_PLAIN;
    /* Each sample's loss and weight, and the sums of the pieces. */
    *scratch = (size_t)(2 * count + 2 * oc_loss_pieces(count)) * sizeof(float);
}

/* Samples, then pieces of their sums, then the sum of those. */
static void
emit_total(struct oc_steps *steps, int64_t count, int reduction, int saved)
{
    struct oc_step *launch;
    int pieces = oc_loss_pieces(count);

    launch = oc_launch(steps, "loss", "pieces");
    put_types(steps, launch, 2);
    oc_arg_scratch(steps, launch);
    oc_arg_int(steps, launch, count);
    oc_arg_int(steps, launch, pieces);
    oc_grid1(launch, pieces, 0);
    oc_cost(launch, 2.0 * (double)count, 8.0 * (double)count);
    launch = oc_launch(steps, "loss", "total");
    put_types(steps, launch, 2);
    oc_arg_scratch(steps, launch);
    oc_arg_out(steps, launch, 0);
    oc_arg_out(steps, launch, saved);
    oc_arg_int(steps, launch, count);
    oc_arg_int(steps, launch, pieces);
    oc_arg_int(steps, launch, reduction);
    oc_arg_int(steps, launch, steps->out[saved].value != NULL);
    oc_grid1(launch, 1, 1);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    struct samples s = samples_of(node);
    struct oc_step *launch = oc_launch(steps, "loss", "samples");
    int saved = node->n_out - 1;
    enum oc_reduction reduction;

    OC_TRY(oc_loss_reduction(node, &reduction));
    put_types(steps, launch, 2);
    for (int k = 0; k < 3; k++)
        oc_arg_in(steps, launch, k < node->n_in ? k : 0);
    oc_arg_out(steps, launch, 0);
    oc_arg_out(steps, launch, saved > 1 ? 1 : 0);
    oc_arg_scratch(steps, launch);
    put_samples(steps, launch);
    oc_arg_int(steps, launch, reduction == OC_REDUCE_NONE);
    oc_arg_int(steps, launch, saved > 1 && steps->out[1].value != NULL);
    oc_grid1(launch, s.count, 0);
    oc_cost(launch, 4.0 * (double)(s.count * s.classes),
            8.0 * (double)(s.count * s.classes));
    if (reduction != OC_REDUCE_NONE)
        emit_total(steps, s.count, (int)reduction, saved);
    return steps->status;
}

static ocellus_status
emit_grad(struct oc_steps *steps, const struct oc_node *node)
{
    struct samples s = samples_of(node);
    struct oc_step *launch = oc_launch(steps, "loss", "gradient");
    enum oc_reduction reduction;

    OC_TRY(oc_loss_reduction(node, &reduction));
    put_types(steps, launch, 4);
    for (int k = 0; k < 5; k++)
        oc_arg_in(steps, launch, k < node->n_in ? k : 0);
    oc_arg_out(steps, launch, 0);
    put_samples(steps, launch);
    oc_arg_int(steps, launch, reduction);
    oc_grid1(launch, s.count, 0);
    oc_cost(launch, 6.0 * (double)(s.count * s.classes),
            8.0 * (double)(s.count * s.classes));
    return steps->status;
}

/* ---- rows --------------------------------------------------------------- */

static const struct oc_impl impls[] = {
    {.name = "direct", .layouts = layouts, .emit = emit},
    {.name = NULL},
};

static const struct oc_impl grad_impls[] = {
    {.name = "direct", .emit = emit_grad},
    {.name = NULL},
};

const struct oc_op oc_op_SoftmaxCrossEntropyLoss = {
    .name = "SoftmaxCrossEntropyLoss",
    .min_in = 2,
    .max_in = 3,
    .n_out = 2,
    .n_saved = 1,
    .infer = infer,
    .grad = grad,
    .impls = impls};

const struct oc_op oc_op_SoftmaxCrossEntropyLossGrad = {
    .name = "SoftmaxCrossEntropyLossGrad",
    .min_in = 4,
    .max_in = 5,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = infer_grad,
    .impls = grad_impls};

const struct oc_op oc_op_NegativeLogLikelihoodLoss = {
    .name = "NegativeLogLikelihoodLoss",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .n_saved = 1,
    .infer = infer,
    .grad = grad,
    .impls = impls};

const struct oc_op oc_op_NegativeLogLikelihoodLossGrad = {
    .name = "NegativeLogLikelihoodLossGrad",
    .min_in = 4,
    .max_in = 5,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = infer_grad,
    .impls = grad_impls};

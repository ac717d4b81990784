/* batch_norm.c - BatchNormalization in training and inference, its gradient,
 * and the implementations for plain tensors.
 *
 * With training_mode the outputs are y, the running mean and variance after
 * this batch (old momentum + new (1 - momentum), as ONNX has it), and, kept for
 * the gradient, the batch's mean and 1 / sqrt(var + eps). ONNX feeds the
 * running variance with the population's; the attribute `unbiased`, ours, with
 * m / (m - 1) of it, as PyTorch does. Without training_mode
 * `inverse_deviation`, ours, says that the last input is what was kept, not a
 * variance: y is then made again with the same bits.
 */
#include "op/batch_norm.h"

#include "op/epilogue.h"
#include "op/pool.h"

#define GROUP 256

struct oc_norm
oc_norm_of(const struct oc_node *node, int x)
{
    const struct oc_shape *shape = &node->in[x]->shape;
    struct oc_norm norm = {
        .n = shape->dim[0],
        .channels = shape->dim[1],
        .size = oc_shape_span(shape, 2, shape->rank),
        .training = oc_attr_int(node, "training_mode", 0) != 0,
        .eps = oc_attr_float(node, "epsilon", 1e-5),
        .momentum = oc_attr_float(node, "momentum", 0.9),
        .unbias = 1,
    };
    double m = (double)(norm.n * norm.size);
    if (!norm.training)
        norm.frozen = oc_attr_int(node, "inverse_deviation", 0) ? 2 : 1;
    if (oc_attr_int(node, "unbiased", 0) && m > 1)
        norm.unbias = m / (m - 1);
    return norm;
}

/* Inputs from..to are vectors of x's channels. */
static ocellus_status
check_vectors(const struct oc_node *node, const struct oc_shape *x, int from,
              int to)
{
    for (int k = from; k <= to; k++) {
        const struct oc_shape *v = &node->in[k]->shape;
        int fits =
            v->rank == 1 && (v->dim[0] == OC_UNKNOWN ||
                             x->dim[1] == OC_UNKNOWN || v->dim[0] == x->dim[1]);
        char text[OC_SHAPE_TEXT];
        if (!fits)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "input %d is %s, not a vector of the %lld "
                                "channels",
                                k, oc_shape_text(v, text),
                                (long long)x->dim[1]);
    }
    return OCELLUS_OK;
}

static ocellus_status
check_types(const struct oc_node *node)
{
    if (!oc_type_is_float(node->in[0]->type) ||
        !oc_type_is_float(node->in[1]->type) ||
        node->in[2]->type != node->in[1]->type)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "takes floats; scale and bias are of one type");
    if (node->in[3]->type != OCELLUS_FLOAT ||
        node->in[4]->type != OCELLUS_FLOAT)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "mean and variance must be float32");
    return OCELLUS_OK;
}

static ocellus_status
infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    struct oc_shape vector = OC_SHAPE(0);
    if (x->rank < 2)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the input has rank %d, not N x C and more",
                            x->rank);
    for (int k = 1; k < 5; k++)
        if (!node->in[k])
            return oc_node_fail(node, OCELLUS_BAD_MODEL, "input %d is missing",
                                k);
    OC_TRY(check_types(node));
    OC_TRY(check_vectors(node, x, 1, 4));
    OC_TRY(oc_check_int_count(node, x));
    OC_TRY(oc_infer_out(node, 0, node->in[0]->type, x));
    if (!oc_attr_int(node, "training_mode", 0))
        return OCELLUS_OK;
    vector.dim[0] = x->dim[1];
    for (int k = 1; k < 5; k++)
        OC_TRY(oc_infer_out(node, k, OCELLUS_FLOAT, &vector));
    return OCELLUS_OK;
}

/* ---- arguments ----------------------------------------------------------- */

static int
present(const struct oc_steps *steps, int k)
{
    return steps->out[k].value != NULL;
}

void
oc_norm_kept(struct oc_steps *steps, struct oc_step *l,
             const struct oc_norm *norm, int64_t at)
{
    int writes = 0;
    oc_arg_in(steps, l, 3);
    oc_arg_in(steps, l, 4);
    for (int k = 1; k < 5; k++) {
        oc_arg_out(steps, l, present(steps, k) ? k : 0);
        writes |= present(steps, k) ? 1 << (k - 1) : 0;
    }
    oc_arg_scratch(steps, l);
    oc_arg_int(steps, l, at);
    oc_arg_int(steps, l, norm->channels);
    oc_arg_float(steps, l, norm->eps);
    oc_arg_float(steps, l, norm->momentum);
    oc_arg_float(steps, l, norm->unbias);
    oc_arg_int(steps, l, writes);
}

void
oc_norm_coefficients(struct oc_steps *steps, struct oc_step *l,
                     const struct oc_norm *norm, int64_t at, int64_t pitch)
{
    for (int k = 2; k < 5; k++)
        oc_arg_in(steps, l, k);
    for (int k = 1; k < 3; k++)
        oc_arg_out(steps, l, present(steps, k) ? k : 0);
    oc_arg_scratch(steps, l);
    oc_arg_int(steps, l, at);
    oc_arg_int(steps, l, pitch);
    oc_arg_int(steps, l, norm->channels);
    oc_arg_int(steps, l, norm->n * norm->size);
    oc_arg_float(steps, l, norm->eps);
    oc_arg_int(steps, l, !norm->training);
    oc_arg_int(steps, l, present(steps, 1) | present(steps, 2) << 1);
}

/* ---- plain: direct, and work-groups for GPUs ------------------------------
 */

static void
plain_layouts(const struct oc_node *node, const struct oc_caps *caps,
              struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    (void)caps;
    (void)out;
    for (int k = 0; k < node->n_in; k++)
        in[k] = OC_PLAIN;
    *scratch = 16 * (size_t)node->in[0]->shape.dim[1];
}

static struct oc_step *
launch(struct oc_steps *steps, const char *kernel, int x, int y, int w)
{
    const struct oc_node *node = steps->node;
    const struct ocellus_value *dy = y < 0 ? node->out[0] : node->in[y];
    struct oc_step *l = oc_launch(steps, "batch_norm", kernel);
    oc_define_type(steps, l, "x", node->in[x]->type);
    oc_define_type(steps, l, "y", dy->type);
    oc_define_type(steps, l, "w", node->in[w]->type);
    if (!steps->caps->cpu)
        oc_define(steps, l, "GROUP", GROUP);
    return l;
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node, int group)
{
    struct oc_norm norm = oc_norm_of(node, 0);
    int64_t count = norm.n * norm.channels * norm.size;
    struct oc_step *l;
    if (count == 0)
        return OCELLUS_OK;
    if (norm.training) {
        l = launch(steps, group ? "bn_stats_group" : "bn_stats_direct", 0, -1,
                   1);
        oc_arg_in(steps, l, 0);
        oc_arg_int(steps, l, norm.n * norm.size);
        oc_arg_int(steps, l, norm.size);
        oc_norm_kept(steps, l, &norm, 0);
        oc_grid1(l, norm.channels * (group ? GROUP : 1), group ? GROUP : 0);
        oc_cost(l, 3.0 * (double)count, 4.0 * (double)count);
    }
    l = launch(steps, "bn_apply_direct", 0, -1, 1);
    for (int k = 0; k < 3; k++)
        oc_arg_in(steps, l, k);
    for (int k = 3; k < 5; k++)
        if (norm.training)
            oc_arg_scratch(steps, l);
        else
            oc_arg_in(steps, l, k);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, 0);
    oc_arg_int(steps, l, count);
    oc_arg_int(steps, l, norm.channels);
    oc_arg_int(steps, l, norm.size);
    oc_arg_float(steps, l, norm.eps);
    oc_arg_int(steps, l, norm.frozen);
    oc_epilogue(steps, l, NULL);
    oc_grid1(l, count, 0);
    oc_cost(l, 3.0 * (double)count, 8.0 * (double)count);
    return steps->status;
}

static ocellus_status
emit_direct(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 0);
}

static ocellus_status
emit_group(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 1);
}

static const char *
refuse_group(const struct oc_node *node, const struct oc_caps *caps)
{
    (void)node;
    if (caps->cpu || caps->max_work_group < GROUP)
        return "meant for GPUs: 256 work-items do a channel together";
    return NULL;
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    int training = oc_attr_int(node, "training_mode", 0) != 0;
    struct ocellus_value *all = NULL;
    if (dy[0] && (dx[0] || dx[1] || dx[2]))
        all = OC_NODE_LIKE(node, "BatchNormalizationGrad", NULL, dy[0],
                           node->in[0], node->in[1],
                           training ? node->out[3] : node->in[3],
                           training ? node->out[4] : node->in[4]);
    for (int k = 0; k < node->n_in; k++)
        dx[k] = dx[k] && all && k < 3 ? all->node->out[k] : NULL;
}

/* The state's new mean and variance may lie where the old ones do. */
#define IN_PLACE (1u | 1u << 3 | 1u << 4)

static const struct oc_impl impls[] = {
    {"plane", oc_norm_plane_refuse, oc_norm_plane_layouts, oc_norm_plane_emit,
     OC_IMPL_HALO | OC_IMPL_EPILOGUE | OC_IMPL_PART, IN_PLACE},
    {"group", refuse_group, plain_layouts, emit_group, OC_IMPL_EPILOGUE,
     IN_PLACE},
    {"direct", NULL, plain_layouts, emit_direct, OC_IMPL_EPILOGUE, IN_PLACE},
    {.name = NULL},
};

const struct oc_op oc_op_BatchNormalization = {
    .name = "BatchNormalization",
    .min_in = 5,
    .max_in = 5,
    .n_out = 3,
    .n_saved = 2,
    .params = 6,
    .infer = infer,
    .grad = grad,
    .impls = impls,
};

/* ---- BatchNormalizationGrad(dy, x, scale, mean, 1 / deviation or var) ------
 * -> dx, dscale, dbias */

static ocellus_status
grad_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[1]->shape;
    struct oc_shape vector = OC_SHAPE(0);
    if (x->rank < 2 || !oc_shape_equal(x, &node->in[0]->shape) ||
        !oc_type_is_float(node->in[0]->type) ||
        !oc_type_is_float(node->in[1]->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the gradient is not shaped like the output");
    OC_TRY(check_vectors(node, x, 2, 4));
    vector.dim[0] = x->dim[1];
    OC_TRY(oc_infer_out(node, 0, node->in[1]->type, x));
    OC_TRY(oc_infer_out(node, 1, node->in[2]->type, &vector));
    return oc_infer_out(node, 2, node->in[2]->type, &vector);
}

static ocellus_status
grad_emit(struct oc_steps *steps, const struct oc_node *node, int group)
{
    struct oc_norm norm = oc_norm_of(node, 1);
    int64_t count = norm.n * norm.channels * norm.size;
    if (count == 0)
        return OCELLUS_OK;
    struct oc_step *l = launch(
        steps, group ? "bn_grad_sums_group" : "bn_grad_sums_direct", 1, 0, 2);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_int(steps, l, norm.size);
    oc_norm_coefficients(steps, l, &norm, 0, norm.channels);
    oc_grid1(l, norm.channels * (group ? GROUP : 1), group ? GROUP : 0);
    oc_cost(l, 3.0 * (double)count, 8.0 * (double)count);
    l = launch(steps, "bn_grad_apply_direct", 1, 0, 2);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_scratch(steps, l);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, 0);
    oc_arg_int(steps, l, norm.channels);
    oc_arg_int(steps, l, count);
    oc_arg_int(steps, l, norm.channels);
    oc_arg_int(steps, l, norm.size);
    oc_grid1(l, count, 0);
    oc_cost(l, 4.0 * (double)count, 12.0 * (double)count);
    return steps->status;
}

static ocellus_status
grad_emit_direct(struct oc_steps *steps, const struct oc_node *node)
{
    return grad_emit(steps, node, 0);
}

static ocellus_status
grad_emit_group(struct oc_steps *steps, const struct oc_node *node)
{
    return grad_emit(steps, node, 1);
}

static const struct oc_impl grad_impls[] = {
    {"plane", oc_norm_plane_refuse, oc_norm_plane_grad_layouts,
     oc_norm_plane_grad_emit, OC_IMPL_HALO, 3},
    {"group", refuse_group, plain_layouts, grad_emit_group, 0, 3},
    {"direct", NULL, plain_layouts, grad_emit_direct, 0, 3},
    {.name = NULL},
};

const struct oc_op oc_op_BatchNormalizationGrad = {
    .name = "BatchNormalizationGrad",
    .min_in = 5,
    .max_in = 5,
    .n_out = 3,
    .flags = OC_OP_INTERNAL,
    .infer = grad_infer,
    .impls = grad_impls,
};

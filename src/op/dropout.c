/* dropout.c - Dropout, which does nothing until a training pass makes it a
 * RandomDropout.
 *
 * RandomDropout(x, key) with key = {seed low, seed high, step low, step high},
 * int32, and the attributes ratio and stream: element i, counted in logical
 * order, is dropped where word i % 4 of
 *
 *     philox(key {seed}, counter {i / 4, stream, step low, step high})
 *
 * is below ratio 2^32, and divided by 1 - ratio otherwise (Srivastava et al.
 * 2014, inverted). So the numbers are the same on every device, no mask is
 * kept, and the gradient is the same operator.
 */
#include <string.h>

#include "op/pool.h"

static ocellus_status
identity_infer(struct oc_node *node)
{
    return oc_infer_out(node, 0, node->in[0]->type, &node->in[0]->shape);
}

static void
identity_grad(const struct oc_node *node, struct ocellus_value *dy[],
              struct ocellus_value *dx[])
{
    for (int k = 0; k < node->n_in; k++)
        dx[k] = k == 0 && dx[0] ? dy[0] : NULL;
}

static ocellus_status
identity_eval(struct oc_node *node)
{
    node->out[0]->data = node->in[0]->data;
    return OCELLUS_OK;
}

const struct oc_op oc_op_Dropout = {
    .name = "Dropout",
    .min_in = 1,
    .max_in = 3,
    .n_out = 1,
    .flags = OC_OP_VIEW,
    .host = 6,
    .infer = identity_infer,
    .eval = identity_eval,
    .grad = identity_grad,
};

/* ---- RandomDropout ------------------------------------------------------ */

static ocellus_status
infer(struct oc_node *node)
{
    const struct ocellus_value *key = node->in[1];
    double ratio = oc_attr_float(node, "ratio", 0.5);
    if (key->type != OCELLUS_INT32 || oc_shape_count(&key->shape) != 4)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the key is not four int32");
    if (!oc_type_is_float(node->in[0]->type) || !(ratio >= 0 && ratio <= 1))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "ratio is %g, must be from 0 to 1, of floats",
                            ratio);
    OC_TRY(oc_check_int_count(node, &node->in[0]->shape));
    return oc_infer_out(node, 0, node->in[0]->type, &node->in[0]->shape);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    int64_t count = oc_shape_count(&node->out[0]->shape);
    int64_t fours = (count + 3) / 4, piece = steps->caps->cpu ? 1024 : 1;
    double ratio = oc_attr_float(node, "ratio", 0.5);
    double limit = ratio * 4294967296.0;
    uint32_t below = limit >= 4294967295.0 ? UINT32_MAX : (uint32_t)limit;
    struct oc_step *l = oc_launch(steps, "dropout", "dropout");
    oc_define_type(steps, l, "x", node->in[0]->type);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, count);
    oc_arg_int(steps, l, oc_attr_int(node, "stream", 0));
    oc_arg_int(steps, l, (int32_t)below);
    oc_arg_float(steps, l, ratio < 1 ? 1 / (1 - ratio) : 0);
    oc_arg_int(steps, l, piece);
    oc_grid1(l, (fours + piece - 1) / piece, steps->caps->cpu ? 1 : 0);
    oc_cost(l, 25.0 * (double)count, 8.0 * (double)count);
    return steps->status;
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    dx[1] = NULL;
    if (dx[0])
        dx[0] = dy[0] ? OC_NODE_LIKE(node, "RandomDropout", NULL, dy[0],
                                     node->in[1])
                      : NULL;
}

static const struct oc_impl impls[] = {
    {"direct", NULL, NULL, emit, 0, 1},
    {.name = NULL},
};

const struct oc_op oc_op_RandomDropout = {
    .name = "RandomDropout",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = infer,
    .grad = grad,
    .impls = impls,
};

/* reverse_sequence.c - ReverseSequence: the first steps of each sample in the
 * other order. Twice is nothing done, so it is its own gradient.
 */
#include "op/impl.h"
#include "op/pool.h"

static ocellus_status
infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const struct ocellus_value *lengths = node->in[1];
    int64_t batch = oc_attr_int(node, "batch_axis", 1);
    int64_t time = oc_attr_int(node, "time_axis", 0);
    char text[OC_SHAPE_TEXT];

    if (x->rank < 2 || batch + time != 1 || batch < 0 || time < 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "rank %d, batch_axis %lld, time_axis %lld: the "
                            "axes are 0 and 1 of a tensor that has both",
                            x->rank, (long long)batch, (long long)time);
    if (lengths->type != OCELLUS_INT64 && lengths->type != OCELLUS_INT32)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "lengths are int64");
    if (lengths->shape.rank != 1 ||
        (lengths->shape.dim[0] >= 0 && x->dim[batch] >= 0 &&
         lengths->shape.dim[0] != x->dim[batch]))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "lengths are %s; axis %lld has %lld samples",
                            oc_shape_text(&lengths->shape, text),
                            (long long)batch, (long long)x->dim[batch]);
    OC_TRY(oc_check_int_count(node, x));
    return oc_infer_out(node, 0, node->in[0]->type, x);
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    if (dx[0])
        dx[0] = OC_NODE_LIKE(node, "ReverseSequence", NULL, dy[0], node->in[1]);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    static const ocellus_type of_size[] = {[1] = OCELLUS_UINT8,
                                           [2] = OCELLUS_UINT16,
                                           [4] = OCELLUS_UINT32,
                                           [8] = OCELLUS_UINT64};
    const struct oc_shape *x = &node->in[0]->shape;
    size_t size = oc_type_size(node->in[0]->type);
    struct oc_step *l =
        oc_launch(steps, "reverse_sequence", "reverse_sequence");

    oc_define_type(steps, l, "x", of_size[size]);
    oc_define_type(steps, l, "i", node->in[1]->type);
    oc_define(steps, l, "BATCH", oc_attr_int(node, "batch_axis", 1) != 0);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, x->dim[0]);
    oc_arg_int(steps, l, x->dim[1]);
    oc_arg_int(steps, l, oc_shape_span(x, 2, x->rank));
    oc_grid1(l, oc_shape_count(x), 0);
    oc_cost(l, 0, 2.0 * (double)size * (double)oc_shape_count(x));
    return steps->status;
}

static const struct oc_impl impls[] = {
    {.name = "direct", .emit = emit},
    {.name = NULL},
};

const struct oc_op oc_op_ReverseSequence = {
    .name = "ReverseSequence",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .infer = infer,
    .grad = grad,
    .impls = impls,
};

/* det.c - Det: determinants of square matrices. */
#include "op/pool.h"

static ocellus_status
infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    struct oc_shape y = *x;
    char text[OC_SHAPE_TEXT];
    if (x->rank < 2 || !oc_type_is_float(node->in[0]->type) ||
        (x->dim[x->rank - 1] != x->dim[x->rank - 2] &&
         x->dim[x->rank - 1] != OC_UNKNOWN &&
         x->dim[x->rank - 2] != OC_UNKNOWN))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "takes square matrices of floats, not %s",
                            oc_shape_text(x, text));
    OC_TRY(oc_check_int_count(node, x));
    y.rank -= 2;
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static void
layouts(const struct oc_node *node, const struct oc_caps *caps,
        struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    (void)caps;
    in[0] = out[0] = OC_PLAIN;
    *scratch =
        sizeof(float) * (size_t)(oc_shape_count(&node->in[0]->shape) + 1);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    int64_t count = oc_shape_count(&node->out[0]->shape);
    struct oc_step *l = oc_launch(steps, "det", "det");
    oc_define_type(steps, l, "x", node->in[0]->type);
    oc_arg_in(steps, l, 0);
    oc_arg_scratch(steps, l);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, count);
    oc_arg_int(steps, l, x->dim[x->rank - 1]);
    oc_grid1(l, count, 0);
    return steps->status;
}

static const struct oc_impl impls[] = {
    {"direct", NULL, layouts, emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_Det = {
    .name = "Det",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = infer,
    .impls = impls,
};

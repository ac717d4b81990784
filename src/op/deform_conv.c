/* deform_conv.c - DeformConv(x, w, offset, bias, mask): a convolution of images
 * that reads each tap at a place of its own. No gradient.
 */
#include <limits.h>

#include "op/pool.h"

struct deform {
    int64_t kernel[2], stride[2], dilation[2], begin[2], end[2], out[2];
    int64_t groups, offset_groups;
};

static ocellus_status
list(const struct oc_node *node, const char *name, int lists, int64_t least,
     int64_t to[2], int64_t to_end[2])
{
    int count;
    const int64_t *given = oc_attr_ints(node, name, &count);
    to[0] = to[1] = least;
    if (to_end)
        to_end[0] = to_end[1] = least;
    if (given && count != 2 * lists)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "%s has %d numbers; images are taken", name, count);
    for (int k = 0; given && k < count; k++) {
        if (given[k] < least || given[k] > INT_MAX / 4)
            return oc_node_fail(node, OCELLUS_BAD_MODEL, "%s has a %lld", name,
                                (long long)given[k]);
        (k < 2 ? to : to_end)[k % 2] = given[k];
    }
    return OCELLUS_OK;
}

static ocellus_status
read(const struct oc_node *node, struct deform *d)
{
    const struct oc_shape *x = &node->in[0]->shape, *w = &node->in[1]->shape;
    OC_TRY(list(node, "strides", 1, 1, d->stride, NULL));
    OC_TRY(list(node, "dilations", 1, 1, d->dilation, NULL));
    OC_TRY(list(node, "pads", 2, 0, d->begin, d->end));
    d->groups = oc_attr_int(node, "group", 1);
    d->offset_groups = oc_attr_int(node, "offset_group", 1);
    if (x->rank != 4 || w->rank != 4 || !oc_shape_known(w))
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "takes images and weights of rank 4");
    if (d->groups < 1 || d->offset_groups < 1 ||
        (x->dim[1] != OC_UNKNOWN && (x->dim[1] % d->offset_groups != 0 ||
                                     x->dim[1] != w->dim[1] * d->groups)) ||
        w->dim[0] % d->groups != 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%lld channels in %lld groups, offsets in %lld, "
                            "weights for %lld x %lld",
                            (long long)x->dim[1], (long long)d->groups,
                            (long long)d->offset_groups, (long long)w->dim[0],
                            (long long)w->dim[1]);
    for (int k = 0; k < 2; k++) {
        int64_t reach, n = x->dim[k + 2];
        d->kernel[k] = w->dim[k + 2];
        reach = (d->kernel[k] - 1) * d->dilation[k] + 1;
        int64_t room = n + d->begin[k] + d->end[k] - reach;
        d->out[k] = n == OC_UNKNOWN ? n : room / d->stride[k] + 1;
        if (d->kernel[k] < 1 || (n != OC_UNKNOWN && room < 0))
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "a window of %lld does not fit into %lld",
                                (long long)reach, (long long)n);
    }
    return OCELLUS_OK;
}

/* Whether input k is there with these extents, or absent. */
static ocellus_status
check(const struct oc_node *node, int k, const struct oc_shape *want)
{
    const struct ocellus_value *in = oc_input(node, k);
    char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT];
    int fits =
        in && in->shape.rank == want->rank && in->type == node->in[0]->type;
    if (!in)
        return OCELLUS_OK;
    for (int i = 0; fits && i < want->rank; i++)
        fits = want->dim[i] == OC_UNKNOWN || in->shape.dim[i] == OC_UNKNOWN ||
               want->dim[i] == in->shape.dim[i];
    if (!fits)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "input %d is %s, not %s",
                            k, oc_shape_text(&in->shape, a),
                            oc_shape_text(want, b));
    return oc_check_int_count(node, &in->shape);
}

static ocellus_status
infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape, *w = &node->in[1]->shape;
    struct deform d;
    OC_TRY(oc_check_int_count(node, x));
    OC_TRY(read(node, &d));
    int64_t taps = d.kernel[0] * d.kernel[1] * d.offset_groups;
    struct oc_shape y = OC_SHAPE(x->dim[0], w->dim[0], d.out[0], d.out[1]);
    struct oc_shape offset = OC_SHAPE(x->dim[0], 2 * taps, d.out[0], d.out[1]);
    struct oc_shape mask = OC_SHAPE(x->dim[0], taps, d.out[0], d.out[1]);
    struct oc_shape bias = OC_SHAPE(w->dim[0]);
    if (!oc_type_is_float(node->in[0]->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "takes floats");
    OC_TRY(check(node, 1, w));
    OC_TRY(check(node, 2, &offset));
    OC_TRY(check(node, 3, &bias));
    OC_TRY(check(node, 4, &mask));
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape, *y = &node->out[0]->shape;
    int64_t count = oc_shape_count(y);
    struct deform d;
    OC_TRY(read(node, &d));
    if (count == 0)
        return OCELLUS_OK;
    struct oc_step *l = oc_launch(steps, "deform_conv", "deform_conv");
    oc_define_type(steps, l, "x", node->in[0]->type);
    oc_define(steps, l, "BIAS", oc_input(node, 3) != NULL);
    oc_define(steps, l, "MASK", oc_input(node, 4) != NULL);
    for (int k = 0; k < 5; k++)
        oc_arg_in(steps, l, oc_input(node, k) ? k : 0);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, count);
    for (int k = 1; k < 4; k++)
        oc_arg_int(steps, l, x->dim[k]);
    for (int k = 1; k < 4; k++)
        oc_arg_int(steps, l, y->dim[k]);
    const int64_t *pairs[] = {d.kernel, d.stride, d.dilation, d.begin};
    for (int k = 0; k < 8; k++)
        oc_arg_int(steps, l, pairs[k / 2][k % 2]);
    oc_arg_int(steps, l, d.groups);
    oc_arg_int(steps, l, d.offset_groups);
    oc_grid1(l, count, 0);
    oc_cost(l,
            10.0 * (double)count * (double)d.kernel[0] * (double)d.kernel[1] *
                (double)(x->dim[1] / d.groups),
            8.0 * (double)count);
    return steps->status;
}

static const struct oc_impl impls[] = {
    {"direct", NULL, NULL, emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_DeformConv = {
    .name = "DeformConv",
    .min_in = 3,
    .max_in = 5,
    .n_out = 1,
    .params = 2 | 8,
    .infer = infer,
    .impls = impls,
};

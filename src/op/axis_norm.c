/* axis_norm.c - LpNormalization and MeanVarianceNormalization, and their
 * gradients: sets of numbers that are normalised together, one work-item each.
 */
#include <string.h>

#include "op/pool.h"

/* See cl/axis_norm.cl. */
struct sets {
    int mode;
    int64_t sets, group, group_step, set_step;
    int64_t outer, outer_step, inner, inner_step;
};

/* `keep` axes from `at` on are kept, all others are summed over. */
static struct sets
around(const struct oc_shape *x, int at, int keep)
{
    int64_t before = oc_shape_span(x, 0, at);
    int64_t kept = oc_shape_span(x, at, at + keep);
    int64_t after = oc_shape_span(x, at + keep, x->rank);
    return (struct sets){.sets = kept,
                         .group = kept,
                         .set_step = after,
                         .outer = before,
                         .outer_step = kept * after,
                         .inner = after,
                         .inner_step = 1};
}

static ocellus_status
lp_sets(const struct oc_node *node, const struct oc_shape *x, struct sets *s)
{
    int64_t p = oc_attr_int(node, "p", 2);
    int axis;
    OC_TRY(oc_axis(oc_attr_int(node, "axis", -1), x->rank, &axis));
    if (p != 1 && p != 2)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "p is %lld, not 1 or 2",
                            (long long)p);
    int64_t n = x->dim[axis], after = oc_shape_span(x, axis + 1, x->rank);
    *s = (struct sets){.mode = (int)p,
                       .sets = oc_shape_span(x, 0, axis) * after,
                       .group = after,
                       .group_step = n * after,
                       .set_step = 1,
                       .outer = 1,
                       .inner = n,
                       .inner_step = after};
    return OCELLUS_OK;
}

static ocellus_status
mean_sets(const struct oc_node *node, const struct oc_shape *x, struct sets *s)
{
    static const int64_t usual[] = {0, 2, 3};
    int count = 3, summed[OC_MAX_RANK] = {0}, first = -1, keep = 0, last = -1;
    const int64_t *axes = usual;
    if (oc_attr_find(node, "axes"))
        axes = oc_attr_ints(node, "axes", &count);
    for (int i = 0; i < count; i++) {
        int axis;
        OC_TRY(oc_axis(axes[i], x->rank, &axis));
        summed[axis] = 1;
    }
    for (int i = 0; i < x->rank; i++)
        if (!summed[i]) {
            first = first < 0 ? i : first;
            last = i;
            keep++;
        }
    if (keep > 0 && last - first + 1 != keep)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "the axes that are kept must follow each other");
    *s = around(x, first < 0 ? 0 : first, keep);
    return OCELLUS_OK;
}

static ocellus_status
sets_of(const struct oc_node *node, struct sets *s)
{
    const struct oc_shape *x = &node->in[0]->shape;
    if (strncmp(node->op->name, "Lp", 2) == 0)
        return lp_sets(node, x, s);
    return mean_sets(node, x, s);
}

static ocellus_status
infer(struct oc_node *node)
{
    const struct ocellus_value *x = node->in[0];
    const struct ocellus_value *last = node->in[node->n_in - 1];
    struct sets s;
    if (!oc_type_is_float(x->type) || x->shape.rank < 1 ||
        last->type != x->type || !oc_shape_equal(&last->shape, &x->shape))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "takes floats of at least one dimension");
    OC_TRY(oc_check_int_count(node, &x->shape));
    OC_TRY(sets_of(node, &s));
    return oc_infer_out(node, 0, x->type, &x->shape);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    struct sets s;
    double count = (double)oc_shape_count(&node->in[0]->shape);
    OC_TRY(sets_of(node, &s));
    if (count <= 0)
        return OCELLUS_OK;
    struct oc_step *l = oc_launch(steps, "axis_norm", "axis_norm");
    oc_define_type(steps, l, "x", node->in[0]->type);
    oc_define(steps, l, "MODE", s.mode);
    oc_define(steps, l, "GRAD", node->n_in > 1);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, node->n_in - 1);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, s.sets);
    oc_arg_int(steps, l, s.group > 0 ? s.group : 1);
    oc_arg_int(steps, l, s.group_step);
    oc_arg_int(steps, l, s.set_step);
    oc_arg_int(steps, l, s.outer);
    oc_arg_int(steps, l, s.outer_step);
    oc_arg_int(steps, l, s.inner);
    oc_arg_int(steps, l, s.inner_step);
    oc_grid1(l, s.sets, 0);
    oc_cost(l, 4 * count, 8 * count);
    return steps->status;
}

static const struct oc_impl impls[] = {
    {"direct", NULL, NULL, emit, 0, 0},
    {.name = NULL},
};

static void
lp_grad(const struct oc_node *node, struct ocellus_value *dy[],
        struct ocellus_value *dx[])
{
    if (dx[0])
        dx[0] = dy[0] ? OC_NODE_LIKE(node, "LpNormalizationGrad", NULL, dy[0],
                                     node->in[0])
                      : NULL;
}

static void
mean_grad(const struct oc_node *node, struct ocellus_value *dy[],
          struct ocellus_value *dx[])
{
    if (dx[0])
        dx[0] = dy[0] ? OC_NODE_LIKE(node, "MeanVarianceNormalizationGrad",
                                     NULL, dy[0], node->in[0])
                      : NULL;
}

#define AXIS_NORM(kind, inputs, flag, gradient)                                \
    const struct oc_op oc_op_##kind = {                                        \
        .name = #kind,                                                         \
        .min_in = inputs,                                                      \
        .max_in = inputs,                                                      \
        .n_out = 1,                                                            \
        .flags = flag,                                                         \
        .infer = infer,                                                        \
        .grad = gradient,                                                      \
        .impls = impls,                                                        \
    };

AXIS_NORM(LpNormalization, 1, 0, lp_grad)
AXIS_NORM(MeanVarianceNormalization, 1, 0, mean_grad)
AXIS_NORM(LpNormalizationGrad, 2, OC_OP_INTERNAL, NULL)
AXIS_NORM(MeanVarianceNormalizationGrad, 2, OC_OP_INTERNAL, NULL)

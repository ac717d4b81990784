/* top_k.c - TopK: the k best numbers along an axis and their places, always
 * sorted; of equal numbers the first one comes first. k is known on the host.
 */
#include <stdio.h>

#include "op/pool.h"
#include "op/scatter.h"

#define RUN 8

static ocellus_status
axis_of(const struct oc_node *node, int *axis)
{
    return oc_axis(oc_attr_int(node, "axis", -1), node->in[0]->shape.rank,
                   axis);
}

static ocellus_status
most_of(const struct oc_node *node, int64_t extent, int64_t *most)
{
    const int64_t *k;
    int count;
    OC_TRY(oc_host_ints(node, 1, &k, &count));
    if (count != 1 || k[0] < 0 || (extent != OC_UNKNOWN && k[0] > extent))
        return oc_node_fail(
            node, OCELLUS_BAD_MODEL, "the %lld best of %lld elements",
            (long long)(count > 0 ? k[0] : 0), (long long)extent);
    *most = k[0];
    return OCELLUS_OK;
}

static ocellus_status
infer(struct oc_node *node)
{
    const struct ocellus_value *x = node->in[0];
    struct oc_shape y = x->shape;
    int axis;
    OC_TRY(axis_of(node, &axis));
    OC_TRY(oc_check_int_count(node, &y));
    if (!oc_type_is_float(x->type) && !oc_type_is_integer(x->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "no order of %s",
                            oc_type_name(x->type));
    if (node->in[1]->data)
        OC_TRY(most_of(node, x->shape.dim[axis], &y.dim[axis]));
    else
        y.dim[axis] = OC_UNKNOWN;
    OC_TRY(oc_infer_out(node, 0, x->type, &y));
    return oc_infer_out(node, 1, OCELLUS_INT64, &y);
}

static void
layouts(const struct oc_node *node, const struct oc_caps *caps,
        struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    (void)caps;
    in[0] = in[1] = OC_PLAIN;
    out[0] = out[1] = OC_PLAIN;
    *scratch =
        2 * sizeof(int32_t) * ((size_t)oc_shape_count(&node->in[0]->shape) + 1);
}

struct lines {
    int64_t count, n, inner, most;
};

static struct oc_step *
launch(struct oc_steps *steps, const char *kernel)
{
    struct oc_step *l = oc_launch(steps, "top_k", kernel);
    oc_define(steps, l, "RUN", RUN);
    oc_define(steps, l, "LEAST", oc_attr_int(steps->node, "largest", 1) == 0);
    oc_define_type(steps, l, "x", steps->in[0].value->type);
    oc_arg_in(steps, l, 0);
    oc_arg_scratch(steps, l);
    return l;
}

static void
extents(struct oc_steps *steps, struct oc_step *l, const struct lines *of)
{
    oc_arg_int(steps, l, of->count);
    oc_arg_int(steps, l, of->n);
    oc_arg_int(steps, l, of->inner);
}

static void
take(struct oc_steps *steps, const struct lines *of, int from)
{
    struct oc_step *l = launch(steps, "top_take");
    oc_arg_out(steps, l, 0);
    oc_arg_out(steps, l, 1);
    extents(steps, l, of);
    oc_arg_int(steps, l, of->most);
    oc_arg_int(steps, l, from);
    oc_grid1(l, of->count * of->most, 0);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    struct lines of;
    int axis, from = 0;
    OC_TRY(axis_of(node, &axis));
    of.n = x->dim[axis];
    of.inner = oc_shape_span(x, axis + 1, x->rank);
    of.count = oc_shape_span(x, 0, axis) * of.inner;
    OC_TRY(most_of(node, of.n, &of.most));
    if (of.count * of.n * of.most == 0)
        return OCELLUS_OK;
    struct oc_step *l = launch(steps, "top_runs");
    extents(steps, l, &of);
    oc_grid1(l, of.count * ((of.n + RUN - 1) / RUN), 0);
    for (int64_t run = RUN; run < of.n; run *= 2, from = !from) {
        l = launch(steps, "top_merge");
        extents(steps, l, &of);
        oc_arg_int(steps, l, run);
        oc_arg_int(steps, l, of.most);
        oc_arg_int(steps, l, from);
        oc_grid1(l, of.count * of.n, 0);
    }
    take(steps, &of, from);
    return steps->status;
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    struct ocellus_graph *graph = node->graph;
    int axis;
    dx[1] = NULL;
    if (!dx[0])
        return;
    dx[0] = NULL;
    if (dy[0] && axis_of(node, &axis) == OCELLUS_OK) {
        char words[64];
        snprintf(words, sizeof words, "axis=%d reduction=add", axis);
        dx[0] = OC_NODE(graph, "ScatterElements", words,
                        oc_zeros(graph, dy[0]->type, &node->in[0]->shape),
                        node->out[1], dy[0]);
    }
}

static const struct oc_impl impls[] = {
    {"direct", NULL, layouts, emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_TopK = {
    .name = "TopK",
    .min_in = 2,
    .max_in = 2,
    .n_out = 2,
    .host = 2,
    .infer = infer,
    .grad = grad,
    .impls = impls,
};

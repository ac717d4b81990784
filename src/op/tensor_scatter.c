/* tensor_scatter.c - TensorScatter(cache, update, where): the update goes into
 * the cache along an axis, for each batch from its own place on; circular: past
 * the end it goes on at the beginning. Attention's caches of keys and values.
 * What would lie outside is dropped. No gradient: caches serve inference.
 */
#include <string.h>

#include "op/pool.h"
#include "op/scatter.h"

static ocellus_status
read(const struct oc_node *node, int *axis, int *circular)
{
    const char *mode = oc_attr_text(node, "mode", "linear");
    *circular = strcmp(mode, "circular") == 0;
    if (!*circular && strcmp(mode, "linear") != 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "mode '%s' is not known",
                            mode);
    OC_TRY(
        oc_axis(oc_attr_int(node, "axis", -2), node->in[0]->shape.rank, axis));
    return *axis > 0 ? OCELLUS_OK
                     : oc_node_fail(node, OCELLUS_BAD_MODEL,
                                    "axis 0 is that of the batches");
}

static ocellus_status
infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape, *u = &node->in[1]->shape;
    const struct ocellus_value *where = oc_input(node, 2);
    char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT];
    int axis, circular, fits = x->rank == u->rank;
    OC_TRY(read(node, &axis, &circular));
    OC_TRY(oc_check_int_count(node, x));
    OC_TRY(oc_check_int_count(node, u));
    for (int k = 0; fits && k < x->rank; k++)
        if (x->dim[k] != OC_UNKNOWN && u->dim[k] != OC_UNKNOWN)
            fits = k == axis ? u->dim[k] <= x->dim[k] : u->dim[k] == x->dim[k];
    if (!fits || node->in[0]->type != node->in[1]->type)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "an update %s does not fit into %s along axis %d",
                            oc_shape_text(u, a), oc_shape_text(x, b), axis);
    if (where) {
        OC_TRY(oc_check_index(node, 2));
        if (where->shape.rank != 1 ||
            (where->shape.dim[0] != x->dim[0] && x->dim[0] != OC_UNKNOWN &&
             where->shape.dim[0] != OC_UNKNOWN))
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "needs a place for each batch");
    }
    return oc_infer_out(node, 0, node->in[0]->type, x);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    int64_t count = oc_shape_count(x);
    int axis, circular, given = oc_input(node, 2) != NULL;
    OC_TRY(read(node, &axis, &circular));
    if (count == 0)
        return OCELLUS_OK;
    struct oc_step *l = oc_launch(steps, "index", "cache");
    oc_define(steps, l, "SIZE", (int)oc_type_size(node->in[0]->type));
    if (given)
        oc_define_type(steps, l, "i", node->in[2]->type);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_in(steps, l, given ? 2 : 0);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, count);
    oc_arg_int(steps, l, x->dim[axis]);
    oc_arg_int(steps, l, node->in[1]->shape.dim[axis]);
    oc_arg_int(steps, l, oc_shape_span(x, axis + 1, x->rank));
    oc_arg_int(steps, l, oc_shape_span(x, 1, axis));
    oc_arg_int(steps, l, circular);
    oc_arg_int(steps, l, given);
    oc_grid1(l, count, 0);
    return steps->status;
}

static const struct oc_impl impls[] = {
    {"direct", NULL, NULL, emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_TensorScatter = {
    .name = "TensorScatter",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .infer = infer,
    .impls = impls,
};

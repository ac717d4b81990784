/* lie.c - operators that leave and want a layout (see lie.h). */
#include "device/lie.h"

static ocellus_status
infer_same(struct oc_node *node)
{
    return oc_infer_out(node, 0, node->in[0]->type, &node->in[0]->shape);
}

static struct oc_layout
layout_of(const struct oc_node *node)
{
    return (struct oc_layout){.block = (int)oc_attr_int(node, "block", 1),
                              .halo = (int)oc_attr_int(node, "halo", 0)};
}

static size_t
fill_of(const struct oc_node *node)
{
    return (size_t)oc_attr_int(node, "fill", 0);
}

/* ---- the one before ------------------------------------------------------ */

static void
layouts_leave(const struct oc_node *node, const struct oc_caps *caps,
              struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    (void)caps;
    in[0] = OC_PLAIN;
    out[0] = layout_of(node);
    *scratch = fill_of(node);
}

static ocellus_status
emit_reorder(struct oc_steps *steps, const struct oc_node *node)
{
    if (fill_of(node) > 0)
        oc_emit_fill_scratch(steps, fill_of(node), 0);
    return oc_emit_reorder(steps, &steps->in[0], &steps->out[0]);
}

static const struct oc_impl leave_impls[] = {
    {.name = "direct",
     .layouts = layouts_leave,
     .emit = emit_reorder,
     .flags = OC_IMPL_HALO},
    {.name = NULL},
};

static const struct oc_op leave_op = {.name = "ToBlocks",
                                      .min_in = 1,
                                      .max_in = 1,
                                      .n_out = 1,
                                      .flags = OC_OP_INTERNAL,
                                      .infer = infer_same,
                                      .impls = leave_impls};

/* ---- the one behind ------------------------------------------------------ */

static void
layouts_want(const struct oc_node *node, const struct oc_caps *caps,
             struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    (void)caps;
    (void)scratch;
    in[0] = layout_of(node);
    out[0] = OC_PLAIN;
}

static const struct oc_impl want_impls[] = {
    {.name = "direct", .layouts = layouts_want, .emit = emit_reorder},
    {.name = NULL},
};

static const struct oc_op want_op = {.name = "FromBlocks",
                                     .min_in = 1,
                                     .max_in = 1,
                                     .n_out = 1,
                                     .flags = OC_OP_INTERNAL,
                                     .infer = infer_same,
                                     .impls = want_impls};

/* -------------------------------------------------------------------------- */

static struct ocellus_value *
apply(struct ocellus_graph *graph, const struct oc_op *op,
      struct ocellus_value *value, const struct oc_layout *layout, size_t fill)
{
    struct oc_attr attr[3] = {
        {.name = "block", .kind = OC_ATTR_INT, .count = 1, .i = layout->block},
        {.name = "halo", .kind = OC_ATTR_INT, .count = 1, .i = layout->halo},
        {.name = "fill", .kind = OC_ATTR_INT, .count = 1, .i = (int64_t)fill}};

    return value ? oc_apply_attrs(graph, op, NULL, 3, attr, &value, 1, 0)
                 : NULL;
}

struct ocellus_value *
oc_lie(struct ocellus_graph *graph, struct ocellus_value *value,
       const struct oc_layout *layout, size_t first_fill)
{
    return apply(graph, &leave_op, value, layout, first_fill);
}

struct ocellus_value *
oc_lie_read(struct ocellus_graph *graph, struct ocellus_value *value,
            const struct oc_layout *layout)
{
    return apply(graph, &want_op, value, layout, 0);
}

int
oc_lie_is(const struct oc_node *node)
{
    return node->op == &leave_op || node->op == &want_op;
}

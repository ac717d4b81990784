/* pointwise_emit.c - the implementations of the pointwise family, and what
 * each wants. */
#include <string.h>

#include "op/pointwise_space.h"

/* CastLike's second input gives its type alone. */
static int
inputs_read(const struct oc_node *node)
{
    return strcmp(node->op->name, "CastLike") == 0 ? 1 : node->n_in;
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node, int by_rows)
{
    struct oc_point point = {.n_in = inputs_read(node),
                             .formula = oc_formula_text(node)};

    if (node->n_in > OC_POINTWISE_IN)
        return oc_node_fail(node, OCELLUS_INTERNAL,
                            "%d inputs are more than a formula's %d",
                            node->n_in, OC_POINTWISE_IN);
    /* A kernel reads an absent input, too, and throws it away: any other input
     * will do, but the output would be a race. */
    for (int k = 0; k < point.n_in; k++)
        point.in[k] = node->in[k] ? k : 0;
    point.n_scalar = oc_formula_scalars(node, point.scalar);
    oc_point_launch(steps, &point, by_rows);
    return steps->status;
}

static ocellus_status
emit_rows(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 1);
}

static ocellus_status
emit_direct(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 0);
}

/* Four inputs, then the result so far and three more, and so on. */
static ocellus_status
emit_many(struct oc_steps *steps, const struct oc_node *node, int by_rows)
{
    static const char *const steps_of[][3] = {
        {"a + b", "a + b + c", "a + b + c + d"},
        {OC_MOST2, OC_MOST3, OC_MOST4},
        {OC_LEAST2, OC_LEAST3, OC_LEAST4}};
    const char *name = node->op->name;
    int kind = strcmp(name, "Max") == 0 ? 1 : strcmp(name, "Min") == 0 ? 2 : 0;

    if (node->n_in <= OC_POINTWISE_IN)
        return emit(steps, node, by_rows);
    for (int next = 0; next < node->n_in;) {
        struct oc_point point = {0};

        if (next > 0)
            point.in[point.n_in++] = -1;
        while (point.n_in < OC_POINTWISE_IN && next < node->n_in)
            point.in[point.n_in++] = next++;
        point.formula = steps_of[kind][point.n_in - 2];
        oc_point_launch(steps, &point, by_rows);
    }
    if (strcmp(name, "Mean") == 0) {
        struct oc_point point = {.n_in = 1, .in = {-1}, .formula = "a * s0"};

        point.n_scalar = 1;
        point.scalar[0] = 1.0f / (float)node->n_in;
        oc_point_launch(steps, &point, by_rows);
    }
    return steps->status;
}

static ocellus_status
emit_many_rows(struct oc_steps *steps, const struct oc_node *node)
{
    return emit_many(steps, node, 1);
}

static ocellus_status
emit_many_direct(struct oc_steps *steps, const struct oc_node *node)
{
    return emit_many(steps, node, 0);
}

/* ---- what rows want ----------------------------------------------------- */

/* One number a channel: N or 1 x C x 1 x 1, or C x 1 x 1. */
static int
is_channelwise(const struct oc_shape *shape, const struct oc_shape *out)
{
    int from = shape->rank - 3;

    return (shape->rank == 3 || shape->rank == 4) &&
           shape->dim[from] == out->dim[1] && shape->dim[from + 1] == 1 &&
           shape->dim[from + 2] == 1 &&
           (from == 0 || shape->dim[0] == 1 || shape->dim[0] == out->dim[0]);
}

static int
can_be_blocked(const struct oc_node *node, int block)
{
    const struct oc_shape *out = &node->out[0]->shape;

    if (out->rank != 4 || node->out[0]->type != OCELLUS_FLOAT)
        return 0;
    for (int k = 0; k < node->n_in; k++) {
        const struct ocellus_value *in = node->in[k];

        if (!in)
            continue;
        if (in->type != OCELLUS_FLOAT)
            return 0;
        if (oc_shape_equal(&in->shape, out) || oc_shape_count(&in->shape) == 1)
            continue;
        if (!is_channelwise(&in->shape, out) ||
            (in->shape.rank == 3 && out->dim[1] % block != 0))
            return 0;
    }
    return 1;
}

/* The block in which an input of the output's shape comes; 1: none. */
static int
block_there(const struct oc_node *node, const struct oc_layout in[])
{
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] && in[k].block > 1 && in[k].pack == OC_PACK_NONE &&
            oc_shape_equal(&node->in[k]->shape, &node->out[0]->shape))
            return in[k].block;
    return 1;
}

static void
rows_layouts(const struct oc_node *node, const struct oc_caps *caps,
             struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    const struct oc_shape *shape = &node->out[0]->shape;
    int block = block_there(node, in);

    (void)caps;
    (void)scratch;
    if (!can_be_blocked(node, block))
        block = 1;
    for (int k = 0; k < node->n_in; k++) {
        int own = block;

        if (!node->in[k])
            continue;
        if (!oc_shape_equal(&node->in[k]->shape, shape) &&
            (oc_shape_count(&node->in[k]->shape) == 1 ||
             shape->dim[1] % block == 0))
            own = 1;
        if (in[k].pack != OC_PACK_NONE || in[k].block != own)
            in[k] = (struct oc_layout){.block = own};
    }
    out[0] = (struct oc_layout){.block = block};
}

/* Does the output's space have more than three outer dimensions? */
static int
too_many_dimensions(const struct oc_node *node)
{
    struct oc_steps steps = {0};
    struct oc_space space;
    int first = OC_SPACE_LAST, n = inputs_read(node);

    steps.out[0] = (struct oc_operand){node->out[0], OC_PLAIN, 0};
    for (int from = 0; from < n; from += OC_POINTWISE_IN) {
        struct oc_point point = {0};

        for (int k = from; k < n && k < from + OC_POINTWISE_IN; k++) {
            steps.in[k] = (struct oc_operand){node->in[k], OC_PLAIN, 0};
            point.in[point.n_in++] = k;
        }
        oc_space_make(&steps, &point, &space);
        for (int i = 0; i < first; i++)
            if (space.size[i] != 1)
                first = i;
    }
    return first < OC_SPACE_LAST - 3;
}

static const char *
refuse_rows(const struct oc_node *node, const struct oc_caps *caps)
{
    if (!caps->cpu)
        return "long rows for one work-item suit CPUs only";
    if (too_many_dimensions(node))
        return "the broadcast has more than three outer dimensions";
    return NULL;
}

const struct oc_impl oc_pointwise_impls[] = {
    {.name = "rows",
     .refuse = refuse_rows,
     .layouts = rows_layouts,
     .emit = emit_rows,
     .flags = OC_IMPL_HALO | OC_IMPL_EPILOGUE,
     .in_place = 0xf},
    {.name = "direct",
     .emit = emit_direct,
     .flags = OC_IMPL_EPILOGUE,
     .in_place = 0xf},
    {.name = NULL},
};

const struct oc_impl oc_many_impls[] = {
    {.name = "rows",
     .refuse = refuse_rows,
     .layouts = rows_layouts,
     .emit = emit_many_rows,
     .flags = OC_IMPL_HALO},
    {.name = "direct", .emit = emit_many_direct},
    {.name = NULL},
};

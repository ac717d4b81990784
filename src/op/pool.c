/* pool.c - windows, pads and output extents of pooling operators. */
#include "op/pool.h"

#include <limits.h>
#include <string.h>

const struct ocellus_value *
oc_input(const struct oc_node *node, int k)
{
    return k < node->n_in ? node->in[k] : NULL;
}

int
oc_output_used(const struct oc_node *node, int k)
{
    const struct ocellus_graph *graph = node->graph;
    if (k >= node->n_out || !node->out[k])
        return 0;
    const struct ocellus_value *value = node->out[k];
    for (int i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i] == value)
            return 1;
    for (int i = 0; i < graph->n_states; i++)
        if (graph->states[i]->assigned == value)
            return 1;
    for (int i = 0; i < graph->n_nodes; i++)
        for (int j = 0; j < graph->nodes[i]->n_in; j++)
            if (graph->nodes[i]->in[j] == value)
                return 1;
    return 0;
}

ocellus_status
oc_check_int_count(const struct oc_node *node, const struct oc_shape *shape)
{
    int64_t product = 1;
    for (int i = 0; i < shape->rank; i++) {
        int64_t dim = shape->dim[i] > 1 ? shape->dim[i] : 1;
        if (dim > INT_MAX / product) {
            char text[OC_SHAPE_TEXT];
            return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                                "%s has more than the %d elements that one "
                                "tensor may have here; use a smaller batch",
                                oc_shape_text(shape, text), INT_MAX);
        }
        product *= dim;
    }
    return OCELLUS_OK;
}

/* attr[i] or `otherwise` into the last `spatial` of three. */
static ocellus_status
axis_ints(const struct oc_node *node, const char *name, int spatial,
          int64_t otherwise, int64_t to[3])
{
    int count;
    const int64_t *ints = oc_attr_ints(node, name, &count);
    for (int i = 0; i < 3; i++)
        to[i] = 1;
    if (ints && count != spatial)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%s has %d numbers for %d spatial dimensions", name,
                            count, spatial);
    for (int i = 0; i < spatial; i++) {
        int64_t value = ints ? ints[i] : otherwise;
        if (value < 1 || value > INT_MAX)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "%s[%d] is %lld, must be from 1 to %d", name, i,
                                (long long)value, INT_MAX);
        to[3 - spatial + i] = value;
    }
    return OCELLUS_OK;
}

static ocellus_status
explicit_pads(const struct oc_node *node, struct oc_pool *pool)
{
    int count, first = 3 - pool->spatial;
    const int64_t *pads = oc_attr_ints(node, "pads", &count);
    if (!pads)
        return OCELLUS_OK;
    if (count != 2 * pool->spatial)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "pads has %d numbers, %d spatial dimensions want "
                            "%d",
                            count, pool->spatial, 2 * pool->spatial);
    for (int i = 0; i < count; i++)
        if (pads[i] < 0 || pads[i] > INT_MAX / 4)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "pads[%d] is %lld, must be from 0 to %d", i,
                                (long long)pads[i], INT_MAX / 4);
    for (int i = 0; i < pool->spatial; i++) {
        pool->begin[first + i] = pads[i];
        pool->end[first + i] = pads[pool->spatial + i];
    }
    return OCELLUS_OK;
}

/* Extent and pads of axis i under auto_pad SAME_UPPER or SAME_LOWER. */
static void
same_axis(struct oc_pool *pool, int i, int64_t extent, int upper)
{
    int64_t out = (pool->in[i] + pool->stride[i] - 1) / pool->stride[i];
    int64_t total = (out - 1) * pool->stride[i] + extent - pool->in[i];
    total = total < 0 ? 0 : total;
    pool->begin[i] = upper ? total / 2 : total - total / 2;
    pool->end[i] = total - pool->begin[i];
    pool->out[i] = out;
}

/* Windows that would start in the padding behind the input are left out. */
static int64_t
padded_extent(const struct oc_pool *pool, int i, int64_t extent, int ceiling)
{
    int64_t stride = pool->stride[i];
    int64_t room = pool->in[i] + pool->begin[i] + pool->end[i] - extent;
    if (room < 0)
        return ceiling && room > -stride && pool->in[i] > 0 ? 1 : 0;
    int64_t out = (room + (ceiling ? stride - 1 : 0)) / stride + 1;
    if (ceiling && (out - 1) * stride >= pool->in[i] + pool->begin[i])
        out--;
    return out;
}

static ocellus_status
axis_extent(const struct oc_node *node, struct oc_pool *pool, int i,
            const char *pad, int ceiling)
{
    int64_t extent = (pool->kernel[i] - 1) * pool->dilation[i] + 1;
    if (extent > INT_MAX / 4)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the dilated window is %lld wide",
                            (long long)extent);
    pool->out[i] = OC_UNKNOWN;
    if (pool->in[i] == OC_UNKNOWN)
        return OCELLUS_OK;
    if (strcmp(pad, "SAME_UPPER") == 0 || strcmp(pad, "SAME_LOWER") == 0) {
        same_axis(pool, i, extent, strcmp(pad, "SAME_UPPER") == 0);
        return OCELLUS_OK;
    }
    pool->out[i] = padded_extent(pool, i, extent, ceiling);
    if (pool->out[i] < 1 && pool->in[i] > 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "a window %lld wide does not fit into %lld with "
                            "pads %lld and %lld",
                            (long long)extent, (long long)pool->in[i],
                            (long long)pool->begin[i], (long long)pool->end[i]);
    return OCELLUS_OK;
}

static ocellus_status
pool_input(const struct oc_node *node, int k, struct oc_pool *pool)
{
    const struct oc_shape *x = &node->in[k]->shape;
    if (x->rank < 3 || x->rank > 5)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the input has rank %d, pools take N x C and one "
                            "to three spatial dimensions",
                            x->rank);
    OC_TRY(oc_check_int_count(node, x));
    memset(pool, 0, sizeof *pool);
    pool->spatial = x->rank - 2;
    pool->planes = oc_shape_span(x, 0, 2);
    for (int i = 0; i < 3; i++)
        pool->in[i] = pool->out[i] = 1;
    for (int i = 0; i < pool->spatial; i++)
        pool->in[3 - pool->spatial + i] = x->dim[2 + i];
    return OCELLUS_OK;
}

ocellus_status
oc_pool_of(const struct oc_node *node, int k, struct oc_pool *pool)
{
    const char *pad = oc_attr_text(node, "auto_pad", "NOTSET");
    int ceiling = oc_attr_int(node, "ceil_mode", 0) != 0;
    OC_TRY(pool_input(node, k, pool));
    if (!oc_attr_find(node, "kernel_shape"))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the attribute kernel_shape is missing");
    OC_TRY(axis_ints(node, "kernel_shape", pool->spatial, 1, pool->kernel));
    OC_TRY(axis_ints(node, "strides", pool->spatial, 1, pool->stride));
    OC_TRY(axis_ints(node, "dilations", pool->spatial, 1, pool->dilation));
    if (strcmp(pad, "NOTSET") == 0)
        OC_TRY(explicit_pads(node, pool));
    else if (strcmp(pad, "SAME_UPPER") != 0 && strcmp(pad, "SAME_LOWER") != 0 &&
             strcmp(pad, "VALID") != 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "auto_pad is '%s', not NOTSET, SAME_UPPER, "
                            "SAME_LOWER or VALID",
                            pad);
    for (int i = 3 - pool->spatial; i < 3; i++)
        OC_TRY(axis_extent(node, pool, i, pad, ceiling));
    return OCELLUS_OK;
}

struct oc_shape
oc_pool_shape(const struct oc_pool *pool, const struct oc_shape *x)
{
    struct oc_shape shape = *x;
    for (int i = 0; i < pool->spatial; i++)
        shape.dim[2 + i] = pool->out[3 - pool->spatial + i];
    return shape;
}

void
oc_pool_define(struct oc_steps *steps, struct oc_step *launch,
               const struct oc_pool *pool)
{
    static const char *const names[3][3] = {
        {"K0", "K1", "K2"}, {"S0", "S1", "S2"}, {"L0", "L1", "L2"}};
    for (int i = 0; i < 3; i++) {
        oc_define(steps, launch, names[0][i], (int)pool->kernel[i]);
        oc_define(steps, launch, names[1][i], (int)pool->stride[i]);
        oc_define(steps, launch, names[2][i], (int)pool->dilation[i]);
    }
}

void
oc_pool_args(struct oc_steps *steps, struct oc_step *launch,
             const struct oc_pool *pool)
{
    for (int i = 0; i < 3; i++)
        oc_arg_int(steps, launch, pool->in[i]);
    for (int i = 0; i < 3; i++)
        oc_arg_int(steps, launch, pool->out[i]);
    for (int i = 0; i < 3; i++)
        oc_arg_int(steps, launch, pool->begin[i]);
}

void
oc_image_args(struct oc_steps *steps, struct oc_step *launch,
              const struct oc_operand *operand)
{
    struct oc_blocked at =
        oc_blocked_of(&operand->layout, &operand->value->shape);
    oc_arg_int(steps, launch, at.base);
    oc_arg_int(steps, launch, at.image);
    oc_arg_int(steps, launch, at.plane);
    oc_arg_int(steps, launch, at.row);
}

int64_t
oc_pool_rows(const struct oc_pool *pool, int block)
{
    double row = (double)pool->out[2] * (double)pool->kernel[1] *
                 (double)pool->kernel[2] * block;
    int64_t rows = (int64_t)(16384 / (row < 1 ? 1 : row)) + 1;
    if (pool->out[1] < 1)
        return 1;
    return rows < pool->out[1] ? rows : pool->out[1];
}

static int
image(const struct ocellus_value *value)
{
    return value && value->shape.rank == 4 && value->type == OCELLUS_FLOAT;
}

void
oc_layouts_follow(const struct oc_node *node, int lead, struct oc_layout in[],
                  struct oc_layout out[])
{
    int block = image(node->in[lead]) && in[lead].pack == OC_PACK_NONE
                    ? in[lead].block
                    : 1;
    for (int k = 0; k < node->n_in; k++) {
        if (block == 1 || !image(node->in[k]))
            in[k] = OC_PLAIN;
        else if (in[k].block != block)
            in[k] = (struct oc_layout){.block = block};
    }
    for (int k = 0; k < node->n_out; k++)
        if (block > 1 && image(node->out[k]))
            out[k] = (struct oc_layout){.block = block};
}

const char *
oc_refuse_plane(const struct oc_node *node, const struct oc_caps *caps)
{
    if (!caps->cpu)
        return "meant for CPU devices: one work-item does a whole plane";
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] && node->in[k]->type != OCELLUS_FLOAT)
            return "float32 only";
    if (node->in[0]->shape.rank != 4)
        return "N x C x H x W only";
    return NULL;
}

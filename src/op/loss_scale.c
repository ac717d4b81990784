/* loss_scale.c - GradientSquares and LossScale: does a step's gradient hold
 * numbers, and by what was it scaled? (cl/update.cl)
 *
 * Half reaches from 6e-8 to 65504; gradients are often smaller. So the loss is
 * multiplied by a scale that follows them, as torch.amp.GradScaler has it:
 * halved, and the step skipped, where a gradient is infinite or no number;
 * doubled after 2000 steps without that.
 */
#include <math.h>

#include "base/type.h"
#include "op/update.h"

/* ---- GradientSquares(g, ...) -> one sum of squares a piece -----------------
 */

/* Numbers of a piece, the same on all devices; kernels take tensors by eights.
 */
enum { CHUNK = 1024, UNIT = 8 };

static int64_t
pieces(const struct oc_node *node, int from, int to)
{
    int64_t count = 0;

    for (int k = from; k < to; k++)
        count += (oc_shape_count(&node->in[k]->shape) + CHUNK - 1) / CHUNK;
    return count;
}

static ocellus_status
squares_infer(struct oc_node *node)
{
    struct oc_shape shape = OC_SHAPE(0);

    for (int k = 0; k < node->n_in; k++)
        if (!node->in[k] || node->in[k]->type != node->in[0]->type ||
            !oc_type_is_float(node->in[k]->type) ||
            node->in[k]->type == OCELLUS_DOUBLE)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "input %d is no gradient of the first's type",
                                k);
    shape.dim[0] = pieces(node, 0, node->n_in);
    return oc_infer_out(node, 0, OCELLUS_FLOAT, &shape);
}

/* The most tensors of a launch: a pointer and a count of each are arguments. */
static int
most_of(const struct oc_caps *caps)
{
    const size_t usual = 1024, others = 32, own = 12;
    const size_t bytes = caps->arguments ? caps->arguments : usual;
    const size_t most = bytes > others ? (bytes - others) / own : 0;

    return most >= OC_MAX_IN ? OC_MAX_IN
           : most >= UNIT    ? (int)most / UNIT * UNIT
                             : 1;
}

static void
put_tensors(struct oc_steps *steps, struct oc_step *launch, int from, int to,
            int many)
{
    for (int k = from; k < from + many; k++) {
        const int there = k < to;

        oc_arg_in(steps, launch, there ? k : from);
        oc_arg_int(steps, launch,
                   there ? oc_shape_count(&steps->node->in[k]->shape) : 0);
    }
}

/* Inputs from .. to, whose pieces begin at `first`. */
static void
square(struct oc_steps *steps, int from, int to, int64_t first)
{
    const struct oc_caps *caps = steps->caps;
    const int n = to - from, many = n > 1 ? (n + UNIT - 1) / UNIT * UNIT : 1;
    const int64_t group = oc_update_group(caps);
    const int64_t count = pieces(steps->node, from, to);
    struct oc_step *launch = oc_launch(steps, "update", "squares");

    oc_define(steps, launch, "ONLY", 8);
    oc_define(steps, launch, "MANY", many);
    oc_define(steps, launch, "CHUNK", CHUNK);
    oc_define(steps, launch, "LANES", oc_update_lanes(caps));
    oc_define_type(steps, launch, "g", steps->node->in[0]->type);
    put_tensors(steps, launch, from, to, many);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, first);
    oc_arg_local(steps, launch, (size_t)group * sizeof(float));
    oc_grid1(launch, count * group, group);
    oc_cost(launch, 2.0 * CHUNK * (double)count, 4.0 * CHUNK * (double)count);
}

static ocellus_status
squares_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const int most = most_of(steps->caps);

    for (int from = 0; from < node->n_in; from += most) {
        const int to = from + most < node->n_in ? from + most : node->n_in;

        square(steps, from, to, pieces(node, 0, from));
    }
    return steps->status;
}

static const struct oc_impl squares_impls[] = {
    {.name = "direct", .emit = squares_emit},
    {.name = NULL},
};

const struct oc_op oc_op_GradientSquares = {
    .name = "GradientSquares",
    .min_in = 1,
    .max_in = OC_MAX_IN,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = squares_infer,
    .impls = squares_impls,
};

/* ---- LossScale(scale, good, squares) -> scale', good', factor --------------
 */

static ocellus_status
scale_infer(struct oc_node *node)
{
    struct oc_shape one = OC_SHAPE(1);

    for (int k = 0; k < 3; k++)
        if (!node->in[k] || node->in[k]->type != OCELLUS_FLOAT ||
            oc_shape_count(&node->in[k]->shape) != 1)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "input %d is not one float32", k);
    for (int k = 0; k < 3; k++)
        OC_TRY(oc_infer_out(node, k, OCELLUS_FLOAT, &one));
    return OCELLUS_OK;
}

static ocellus_status
scale_emit(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_step *launch = oc_launch(steps, "update", "loss_scale");

    oc_define(steps, launch, "ONLY", 9);
    for (int k = 0; k < 3; k++)
        oc_arg_in(steps, launch, k);
    for (int k = 0; k < 3; k++)
        oc_arg_out(steps, launch, k);
    oc_arg_float(steps, launch, oc_attr_float(node, "growth", 2));
    oc_arg_float(steps, launch, oc_attr_float(node, "backoff", 0.5));
    oc_arg_float(steps, launch, oc_attr_float(node, "interval", 2000));
    oc_arg_float(steps, launch, oc_attr_float(node, "clip", 0));
    oc_grid1(launch, 1, 1);
    return steps->status;
}

static const struct oc_impl scale_impls[] = {
    {.name = "direct", .emit = scale_emit, .in_place = 1u << 0 | 1u << 1},
    {.name = NULL},
};

const struct oc_op oc_op_LossScale = {
    .name = "LossScale",
    .min_in = 3,
    .max_in = 3,
    .n_out = 3,
    .flags = OC_OP_INTERNAL,
    .infer = scale_infer,
    .impls = scale_impls,
};

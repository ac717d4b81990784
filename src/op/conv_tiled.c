/* conv_tiled.c - convolution and its input gradient on GPU-class devices, as
 * products in tiles (cl/conv_tiled.cl), or in tiles by tensor cores
 * (cl/conv_tensor.cl): both take the same arguments. */
#include "base/type.h"
#include "op/conv.h"
#include "op/epilogue.h"
#include "op/tile.h"

enum {
    LEAST_ROWS = 4, /* channels of a group that make tiles worth it */
    LEAST_DEPTH = OC_TENSOR_DEPTH / 2 /* likewise, of the source */
};

/* One launch of the kernel, seen from the tensor that it makes. */
struct job {
    int flip;        /* the gradient: from is dy, to is dx */
    int tensor;      /* by tensor cores */
    int rows, depth; /* channels of a group, of the target and of the source */
    int from[2], to[2];
    int pad[2];
    int phases[2];
    int packed, few; /* the kernel's options */
    struct oc_tiled product;
    struct oc_tiling tiling;
};

static int64_t
round_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b * b;
}

/* Few channels of the source fill their steps badly. */
static int
is_few(const struct job *job, const struct oc_conv_window *v)
{
    int taps = v->window[OC_H] * v->window[OC_W];
    int64_t by_tap = round_up(job->depth, OC_TILE_DEPTH) * taps;
    int64_t by_channel = round_up((int64_t)job->depth * taps, OC_TILE_DEPTH);

    return !job->tensor && !job->flip && v->groups == 1 &&
           5 * by_channel < 4 * by_tap;
}

/* Blocks of channels must not belong to two groups. */
static int
is_packed(const struct job *job, const struct oc_conv_window *v)
{
    return v->groups == 1 ||
           (job->rows % OC_TILE_DEPTH == 0 && job->depth % OC_TILE_DEPTH == 0);
}

static void
read_axis(struct job *job, const struct oc_conv_window *v, int axis)
{
    int a = OC_H + axis;

    job->from[axis] = job->flip ? v->out[a] : v->in[a];
    job->to[axis] = job->flip ? v->in[a] : v->out[a];
    job->pad[axis] =
        job->flip ? v->dilation[a] * (v->window[a] - 1) - v->pad[a] : v->pad[a];
    job->phases[axis] = job->flip ? v->stride[a] : 1;
}

static struct job
job_of(const struct oc_conv_window *v, int flip, int tensor,
       const struct oc_caps *caps)
{
    int c = v->c / v->groups, k = v->k / v->groups;
    int taps = v->window[OC_H] * v->window[OC_W];
    int step = tensor ? OC_TENSOR_DEPTH : OC_TILE_DEPTH;
    struct job job = {.flip = flip,
                      .tensor = tensor,
                      .rows = flip ? c : k,
                      .depth = flip ? k : c};
    int64_t columns = v->n;

    for (int axis = 0; axis < 2; axis++) {
        read_axis(&job, v, axis);
        columns *= (job.to[axis] + job.phases[axis] - 1) / job.phases[axis];
    }
    job.few = is_few(&job, v);
    job.packed = is_packed(&job, v);
    job.product.rows = job.rows;
    job.product.columns = columns;
    job.product.copies = (int64_t)v->groups * job.phases[0] * job.phases[1];
    job.product.steps = job.few ? (job.depth * taps + step - 1) / step
                                : round_up(job.depth, step) / step * taps;
    job.product.count =
        (int64_t)v->n * v->groups * job.rows * job.to[0] * job.to[1];
    job.product.whole = job.phases[0] * job.phases[1] > 1;
    job.product.tensor = tensor ? 2 : 0;
    job.tiling = oc_tiling_of(&job.product, caps);
    return job;
}

/* ---- refusing ----------------------------------------------------------- */

const char *
oc_conv_tiled_cannot(const struct oc_node *node, const struct oc_caps *caps)
{
    const struct ocellus_value *value[] = {node->in[0], node->in[1],
                                           node->out[0]};
    ocellus_type type = node->in[0]->type;

    if (caps->cpu)
        return "tiles in local memory are made for GPUs";
    if (type != OCELLUS_FLOAT && type != OCELLUS_FLOAT16 &&
        type != OCELLUS_BFLOAT16)
        return "it sums in float32";
    if (oc_conv_window_of(node).axes == 3)
        return "three spatial axes";
    for (size_t k = 0; k < OC_COUNT(value); k++)
        if (oc_shape_count(&value[k]->shape) == 0 ||
            oc_shape_count(&value[k]->shape) > INT32_MAX)
            return "a tensor is empty, or too large to be counted in int";
    return NULL;
}

static const char *
refuse(const struct oc_node *node, const struct oc_caps *caps, int flip)
{
    const char *why = oc_conv_tiled_cannot(node, caps);
    struct oc_conv_window v;
    struct job job;

    if (why)
        return why;
    v = oc_conv_window_of(node);
    job = job_of(&v, flip, 0, caps);
    if (job.rows < LEAST_ROWS && v.groups > 1)
        return "too few channels in a group to fill a tile";
    return oc_tiling_refuse(&job.product, caps);
}

const char *
oc_conv_tiled_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    return refuse(node, caps, 0);
}

const char *
oc_conv_tiled_input_refuse(const struct oc_node *node,
                           const struct oc_caps *caps)
{
    return refuse(node, caps, 1);
}

static const char *
refuse_tensor(const struct oc_node *node, const struct oc_caps *caps, int flip)
{
    const char *why = oc_conv_tiled_cannot(node, caps);
    struct oc_conv_window v;
    struct job job;

    if (!caps->tensor)
        return "the device has no tensor cores that OpenCL reaches";
    if (why)
        return why;
    if (node->in[0]->type == OCELLUS_FLOAT)
        return "tensor cores multiply half and bfloat16";
    v = oc_conv_window_of(node);
    job = job_of(&v, flip, 1, caps);
    if (!job.packed)
        return "groups that share blocks of eight channels";
    if (job.rows < LEAST_ROWS || job.depth < LEAST_DEPTH)
        return "too few channels to fill a tile and its steps";
    return oc_tiling_refuse(&job.product, caps);
}

const char *
oc_conv_tensor_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    return refuse_tensor(node, caps, 0);
}

const char *
oc_conv_tensor_input_refuse(const struct oc_node *node,
                            const struct oc_caps *caps)
{
    return refuse_tensor(node, caps, 1);
}

/* ---- layouts ------------------------------------------------------------ */

static void
layouts(const struct oc_node *node, const struct oc_caps *caps, int flip,
        int tensor, struct oc_layout in[], struct oc_layout out[],
        size_t *scratch)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    struct job job = job_of(&v, flip, tensor, caps);

    out[0] = OC_PLAIN;
    for (int k = 0; k < node->n_in; k++)
        in[k] = OC_PLAIN;
    if (job.packed)
        in[1] = (struct oc_layout){.block = OC_TILE_DEPTH,
                                   .groups = v.groups > 1 ? v.groups : 0,
                                   .pack = flip      ? OC_PACK_CONV_FLIP
                                           : job.few ? OC_PACK_CONV_FIRST
                                                     : OC_PACK_CONV};
    *scratch = oc_tiling_scratch(&job.tiling, job.product.count);
}

void
oc_conv_tiled_layouts(const struct oc_node *node, const struct oc_caps *caps,
                      struct oc_layout in[], struct oc_layout out[],
                      size_t *scratch)
{
    layouts(node, caps, 0, 0, in, out, scratch);
}

void
oc_conv_tiled_input_layouts(const struct oc_node *node,
                            const struct oc_caps *caps, struct oc_layout in[],
                            struct oc_layout out[], size_t *scratch)
{
    layouts(node, caps, 1, 0, in, out, scratch);
}

void
oc_conv_tensor_layouts(const struct oc_node *node, const struct oc_caps *caps,
                       struct oc_layout in[], struct oc_layout out[],
                       size_t *scratch)
{
    layouts(node, caps, 0, 1, in, out, scratch);
}

void
oc_conv_tensor_input_layouts(const struct oc_node *node,
                             const struct oc_caps *caps, struct oc_layout in[],
                             struct oc_layout out[], size_t *scratch)
{
    layouts(node, caps, 1, 1, in, out, scratch);
}

/* ---- launches ----------------------------------------------------------- */

double
oc_conv_tiled_traffic(const struct oc_node *node)
{
    return (double)oc_type_size(node->in[0]->type) *
           (double)(oc_shape_count(&node->in[0]->shape) +
                    oc_shape_count(&node->in[1]->shape) +
                    oc_shape_count(&node->out[0]->shape));
}

static void
define(struct oc_steps *steps, struct oc_step *launch,
       const struct oc_conv_window *v, const struct job *job)
{
    int single = job->phases[0] * job->phases[1] == 1;
    int plane = job->to[0] * job->to[1];

    oc_define_type(steps, launch, "x", steps->node->in[0]->type);
    if (job->tensor) {
        oc_define(steps, launch, "PAIRS", single && plane % 2 == 0);
    } else {
        oc_define(steps, launch, "PACKED", job->packed);
        oc_define(steps, launch, "FEW", job->few);
        oc_define(steps, launch, "RAGGED", job->depth % OC_TILE_DEPTH != 0);
        oc_define(steps, launch, "FLIP", job->flip && !job->packed);
        oc_define(steps, launch, "FOURS", single && plane % 4 == 0);
        oc_tile_define_halves(steps, launch, steps->node->in[0]->type);
    }
    oc_define(steps, launch, "PARTS", job->tiling.splits > 1);
    oc_define(steps, launch, "WIN_H", v->window[OC_H]);
    oc_define(steps, launch, "WIN_W", v->window[OC_W]);
    oc_define(steps, launch, "STEP_H", job->flip ? 1 : v->stride[OC_H]);
    oc_define(steps, launch, "STEP_W", job->flip ? 1 : v->stride[OC_W]);
    oc_define(steps, launch, "PHASES_H", job->phases[0]);
    oc_define(steps, launch, "PHASES_W", job->phases[1]);
}

static void
push_shape(struct oc_steps *steps, struct oc_step *launch,
           const struct oc_conv_window *v, const struct job *job)
{
    const int shape[] = {
        job->rows,         job->depth,        v->groups,   v->n,
        job->from[0],      job->from[1],      job->to[0],  job->to[1],
        v->dilation[OC_H], v->dilation[OC_W], job->pad[0], job->pad[1]};

    for (size_t k = 0; k < OC_COUNT(shape); k++)
        oc_arg_int(steps, launch, shape[k]);
}

static void
add_parts(struct oc_steps *steps, const struct job *job,
          const struct oc_conv_window *v, int biased)
{
    const struct oc_tile_sum sum = {.c = biased ? 2 : 0,
                                    .fast = job->to[0] * job->to[1],
                                    .slow = job->rows * v->groups,
                                    .row = 1,
                                    .alpha = 1,
                                    .beta = (float)biased};

    oc_tile_sum(steps, &job->tiling, job->product.count, &sum);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node, int flip, int tensor)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    struct job job = job_of(&v, flip, tensor, steps->caps);
    int biased = oc_conv_has_bias(node), parts = job.tiling.splits > 1;
    const char *name = tensor ? "conv_tensor" : "conv_tiled";
    struct oc_step *launch = oc_launch(steps, name, name);

    define(steps, launch, &v, &job);
    oc_arg_in(steps, launch, 1);
    oc_arg_in(steps, launch, 0);
    oc_arg_in(steps, launch, biased ? 2 : 0);
    if (parts)
        oc_arg_scratch(steps, launch);
    else
        oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, biased);
    push_shape(steps, launch, &v, &job);
    oc_arg_int(steps, launch, job.tiling.each);
    oc_arg_int(steps, launch, job.product.count);
    oc_tiling_launch(launch, steps, &job.product, &job.tiling);
    oc_cost(launch, oc_conv_flops(&v), oc_conv_tiled_traffic(node));
    if (parts)
        add_parts(steps, &job, &v, biased);
    else
        oc_epilogue(steps, launch, NULL);
    return OCELLUS_OK;
}

ocellus_status
oc_conv_tiled(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 0, 0);
}

ocellus_status
oc_conv_tiled_input(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 1, 0);
}

ocellus_status
oc_conv_tensor(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 0, 1);
}

ocellus_status
oc_conv_tensor_input(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 1, 1);
}

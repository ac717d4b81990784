/* conv_winograd_tiled.c - 3 x 3 convolutions of stride 1 on GPU-class devices,
 * and their input gradients, as launches of cl/conv_winograd_tiled.cl.
 *
 * Outside a training tiles have 4 x 4 outputs. In one they have 2 x 2, whose
 * rounding errors are those of the sum of the definition; so have those of the
 * gradient, which is a convolution with the window turned round.
 *
 * The tiles go through the three kernels in parts whose numbers at the points
 * keep within bounds.
 */
#include "op/conv.h"
#include "op/epilogue.h"
#include "op/tile.h"

enum {
    LEAST_CHANNELS = 64,
    ITEMS = 64,             /* of a group of the first and the third launch */
    MOST_BYTES = 256 << 20, /* numbers at the points */
    MOST_CHANNELS = 65535,  /* along the second side of a grid */
    /* In operations of the sum of the definition: */
    BYTE = 16,         /* what takes as long as a byte on its way */
    LAUNCHES = 2500000 /* ... of a compute unit, as two launches more */
};

struct job {
    int side, points; /* of a tile: outputs, and numbers that it reads */
    int flip;         /* the gradient: x is dy, y is dx */
    int c, k;         /* channels of x and of y */
    int n;
    int in[2], out[2], pad[2];
    int down, across; /* tiles of an image */
    int total, part;  /* tiles; of them, what goes through at once */
    int pitch, v_size;
};

static int
round_up(int a, int b)
{
    return (a + b - 1) / b * b;
}

static int
side_of(const struct oc_node *node, int flip, const struct oc_caps *caps)
{
    return flip || node->graph->training || oc_caps_way(caps, "2x2") ? 2 : 4;
}

/* Equal parts of the tiles, whose bytes at the points keep within bounds. */
static int
part_of(const struct job *job, const struct oc_caps *caps)
{
    const int64_t each =
        4 * (int64_t)(job->points * job->points) * (job->c + job->k);
    const int64_t quarter = (int64_t)(caps->largest_allocation / 4);
    int64_t most = (quarter < MOST_BYTES ? quarter : MOST_BYTES) / each / 4 * 4;
    int64_t parts;

    if (most < 4)
        most = 4;
    parts = (job->total + most - 1) / most;
    return (int)((job->total + parts - 1) / parts);
}

static struct job
job_of(const struct oc_node *node, int flip, const struct oc_caps *caps)
{
    const struct oc_conv_window v = oc_conv_window_of(node);
    struct job job = {.side = side_of(node, flip, caps),
                      .flip = flip,
                      .c = flip ? v.k : v.c,
                      .k = flip ? v.c : v.k,
                      .n = v.n};

    for (int axis = 0; axis < 2; axis++) {
        const int a = OC_H + axis;

        job.in[axis] = flip ? v.out[a] : v.in[a];
        job.out[axis] = flip ? v.in[a] : v.out[a];
        job.pad[axis] = flip ? 2 - v.pad[a] : v.pad[a];
    }
    job.points = job.side + 2;
    job.down = (job.out[0] + job.side - 1) / job.side;
    job.across = (job.out[1] + job.side - 1) / job.side;
    job.total = job.n * job.down * job.across;
    job.part = part_of(&job, caps);
    job.pitch = round_up(job.part, 4);
    job.v_size = job.points * job.points * job.c * job.pitch;
    return job;
}

static struct oc_tiled
product_of(const struct job *job)
{
    return (struct oc_tiled){
        .rows = job->k,
        .columns = job->pitch,
        .copies = job->points * job->points,
        .steps = round_up(job->c, OC_TILE_DEPTH) / OC_TILE_DEPTH,
        .count = (int64_t)job->points * job->points * job->k * job->pitch,
        .whole = 1};
}

/* ---- refusing ----------------------------------------------------------- */

static const char *
wrong_window(const struct oc_conv_window *v)
{
    if (v->axes != 2 || v->groups != 1)
        return "it knows two spatial axes and one group";
    for (int a = OC_H; a <= OC_W; a++)
        if (v->window[a] != 3 || v->stride[a] != 1 || v->dilation[a] != 1)
            return "it knows windows of 3 x 3 with stride 1";
    if (v->c > MOST_CHANNELS || v->k > MOST_CHANNELS)
        return "more channels than the side of a grid has";
    return NULL;
}

/* Bytes at the points, there and back, with x, y and the weights. */
static double
traffic_of(const struct job *job)
{
    const double c = job->c, k = job->k, points = job->points * job->points;
    const double images = 4.0 * job->n;

    return 4.0 * points * (2.0 * job->total * (c + k) + c * k) +
           images *
               (c * job->in[0] * job->in[1] + k * job->out[0] * job->out[1]);
}

static double
flops_of(const struct job *job)
{
    return 2.0 * job->points * job->points * job->total * job->c * job->k;
}

/* Fewer multiplications, but more bytes and two launches more. */
static int
pays(const struct job *job, double definition, const struct oc_caps *caps)
{
    return flops_of(job) + BYTE * traffic_of(job) +
               (double)LAUNCHES * caps->compute_units <
           0.9 * definition;
}

static const char *
refuse(const struct oc_node *node, const struct oc_caps *caps, int flip)
{
    const char *why = oc_conv_tiled_cannot(node, caps);
    struct oc_conv_window v;
    struct oc_tiled product;
    struct job job;

    if (why)
        return why;
    if (node->in[0]->type != OCELLUS_FLOAT)
        return "its points are float32's";
    if (oc_attr_int(node, "exact", 0))
        return "sums of whole numbers are to be exact";
    v = oc_conv_window_of(node);
    why = wrong_window(&v);
    if (why)
        return why;
    job = job_of(node, flip, caps);
    product = product_of(&job);
    why = oc_tiling_refuse(&product, caps);
    if (why || caps->eager)
        return why;
    if (v.c < LEAST_CHANNELS || v.k < LEAST_CHANNELS)
        return "with fewer than 64 channels the way there and back costs more";
    if (!pays(&job, oc_conv_flops(&v), caps))
        return "the way there and back costs more than it saves";
    return NULL;
}

const char *
oc_conv_winograd_tiled_refuse(const struct oc_node *node,
                              const struct oc_caps *caps)
{
    return refuse(node, caps, 0);
}

const char *
oc_conv_winograd_tiled_input_refuse(const struct oc_node *node,
                                    const struct oc_caps *caps)
{
    return refuse(node, caps, 1);
}

/* ---- layouts ------------------------------------------------------------ */

static void
layouts(const struct oc_node *node, const struct oc_caps *caps, int flip,
        struct oc_layout in[], size_t *scratch)
{
    const struct job job = job_of(node, flip, caps);

    for (int k = 0; k < node->n_in; k++)
        in[k] = OC_PLAIN;
    in[1] = (struct oc_layout){.block = OC_TILE_DEPTH,
                               .pack = flip            ? OC_PACK_WINOGRAD_2_FLIP
                                       : job.side == 2 ? OC_PACK_WINOGRAD_2
                                                       : OC_PACK_WINOGRAD};
    *scratch = sizeof(float) * (size_t)job.points * (size_t)job.points *
               (size_t)job.pitch * (size_t)(job.c + job.k);
}

void
oc_conv_winograd_tiled_layouts(const struct oc_node *node,
                               const struct oc_caps *caps,
                               struct oc_layout in[], struct oc_layout out[],
                               size_t *scratch)
{
    out[0] = OC_PLAIN;
    layouts(node, caps, 0, in, scratch);
}

void
oc_conv_winograd_tiled_input_layouts(const struct oc_node *node,
                                     const struct oc_caps *caps,
                                     struct oc_layout in[],
                                     struct oc_layout out[], size_t *scratch)
{
    out[0] = OC_PLAIN;
    layouts(node, caps, 1, in, scratch);
}

/* ---- launches ----------------------------------------------------------- */

static struct oc_step *
start(struct oc_steps *steps, const struct job *job, const char *kernel)
{
    struct oc_step *launch = oc_launch(steps, "conv_winograd_tiled", kernel);
    const struct oc_tiled product = product_of(job);
    const struct oc_tiling tiling = oc_tiling_of(&product, steps->caps);

    oc_define(steps, launch, "SIDE", job->side);
    oc_define(steps, launch, "WHOLE", job->out[1] % job->side == 0);
    oc_tiling_launch(launch, steps, &product, &tiling);
    return launch;
}

static void
push(struct oc_steps *steps, struct oc_step *launch, const int *list, int count)
{
    for (int k = 0; k < count; k++)
        oc_arg_int(steps, launch, list[k]);
}

static void
to_points(struct oc_steps *steps, const struct job *job, int first, int tiles)
{
    struct oc_step *launch = start(steps, job, "winograd_input");

    oc_arg_in(steps, launch, 0);
    oc_arg_scratch(steps, launch);
    push(steps, launch,
         (int[]){job->c, job->in[0], job->in[1], job->pad[0], job->pad[1],
                 job->down, job->across, first, tiles, job->pitch},
         10);
    oc_grid2(launch, job->pitch, job->c, ITEMS, 1);
}

static void
multiply(struct oc_steps *steps, const struct job *job, double flops)
{
    struct oc_step *launch = start(steps, job, "winograd_product");

    oc_arg_scratch(steps, launch);
    oc_arg_in(steps, launch, 1);
    push(steps, launch, (int[]){job->v_size, job->k, job->c, job->pitch}, 4);
    oc_cost(launch, flops, 0.0);
}

static void
from_points(struct oc_steps *steps, const struct job *job, int first, int tiles)
{
    const int biased = oc_conv_has_bias(steps->node);
    struct oc_step *launch = start(steps, job, "winograd_output");

    oc_arg_scratch(steps, launch);
    oc_arg_in(steps, launch, biased ? 2 : 0);
    oc_arg_out(steps, launch, 0);
    push(steps, launch,
         (int[]){job->v_size, biased, job->k, job->out[0], job->out[1],
                 job->down, job->across, first, tiles, job->pitch},
         10);
    oc_epilogue(steps, launch, NULL);
    oc_grid2(launch, tiles, job->k, ITEMS, 1);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node, int flip)
{
    const struct job job = job_of(node, flip, steps->caps);
    const struct oc_conv_window v = oc_conv_window_of(node);
    const double flops = oc_conv_flops(&v);

    for (int first = 0; first < job.total; first += job.part) {
        const int left = job.total - first;
        const int tiles = left < job.part ? left : job.part;

        to_points(steps, &job, first, tiles);
        multiply(steps, &job, flops * tiles / job.total);
        from_points(steps, &job, first, tiles);
    }
    return steps->status;
}

ocellus_status
oc_conv_winograd_tiled(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 0);
}

ocellus_status
oc_conv_winograd_tiled_input(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 1);
}

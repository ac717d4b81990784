/* conv_depthwise.c - depthwise convolutions and their gradients as launches of
 * cl/conv_depthwise_blocked.cl: float32, blocked, CPU-class devices.
 *
 * The input gradient reads the same weights backwards: its steps from tap to
 * tap are negative. With a stride it has a kernel of its own.
 */
#include "op/conv_blocked.h"

enum {
    PIXELS = 7,
    ROW_WORK = 4096, /* outputs of a work-item, at least */
    MOST_TAPS = 11
};

static const char *
cannot(const struct oc_conv_window *v)
{
    if (v->groups == 1 || v->groups != v->c || v->groups != v->k)
        return "groups are not the channels";
    if (v->window[OC_H] > MOST_TAPS || v->window[OC_W] > MOST_TAPS)
        return "the window is wider than 11";
    return NULL;
}

/* ---- one launch of conv_depthwise --------------------------------------- */

/* How columns lie: constants of the program. */
struct columns {
    int taps_r, taps_s; /* 0: as the arguments say */
    int stride, dilation;
};

static int
rows_of(const struct oc_conv_job *job, int cores)
{
    const int64_t total = (int64_t)job->n * job->out[0];
    const int items = (4 * cores + job->y.of.blocks - 1) / job->y.of.blocks;
    int64_t rows = ROW_WORK / (job->out[1] > 0 ? job->out[1] : 1) + 1;

    if (rows > (total + items - 1) / items)
        rows = (total + items - 1) / items;
    return rows > 0 ? (int)rows : 1;
}

static void
launch_rows(struct oc_steps *steps, const struct oc_conv_job *job,
            const struct columns *columns, double flops)
{
    const int64_t total = (int64_t)job->n * job->out[0];
    const int rows = rows_of(job, steps->caps->compute_units);
    struct oc_step *launch;

    if (total == 0 || job->out[1] == 0)
        return;
    launch = oc_launch(steps, "conv_depthwise_blocked", "conv_depthwise");
    oc_define(steps, launch, "BLOCK", job->y.of.block);
    oc_define(steps, launch, "PIXELS", PIXELS);
    oc_define(steps, launch, "TAPS_R", columns->taps_r);
    oc_define(steps, launch, "TAPS_S", columns->taps_s);
    oc_define(steps, launch, "STRIDE", columns->stride);
    oc_define(steps, launch, "DILATION", columns->dilation);
    oc_conv_define_ends(steps, launch, job->k, job->y.of.block);
    oc_conv_push_tensors(steps, launch);
    oc_conv_push(steps, launch,
                 (int[]){job->x.base,     job->x.of.image, job->x.of.plane,
                         job->x.row,      job->tap_r,      job->y.base,
                         job->y.of.image, job->y.of.plane, job->y.row,
                         job->y.col,      job->w_base,     job->w_k,
                         job->w_tap_r,    job->w_tap_s,    job->taps[0],
                         job->taps[1],    job->k,          job->out[0],
                         job->out[1],     (int)total,      rows},
                 21);
    oc_conv_push_ends(steps, launch, job);
    oc_grid2(launch, job->y.of.blocks, (total + rows - 1) / rows, 1, 1);
    oc_cost(launch, flops, 0.0);
}

static struct oc_conv_job
job_of(const struct oc_steps *steps, const struct oc_conv_window *v)
{
    struct oc_conv_job job = oc_conv_job_of(steps);
    const int b = job.y.of.block;

    job.w_tap_s = b;
    job.w_tap_r = v->window[OC_W] * b;
    job.w_k = v->window[OC_H] * v->window[OC_W] * b;
    return job;
}

/* ---- Conv --------------------------------------------------------------- */

const char *
oc_conv_depthwise_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    const char *why = cannot(&v);

    return why ? why : oc_conv_blocked_cannot(node, caps, &v);
}

static struct oc_layout
blocked(int width, int halo, const struct oc_layout *now)
{
    if (now->block == width && now->halo > halo)
        halo = now->halo;
    return (struct oc_layout){.block = width, .halo = halo};
}

void
oc_conv_depthwise_layouts(const struct oc_node *node,
                          const struct oc_caps *caps, struct oc_layout in[],
                          struct oc_layout out[], size_t *scratch)
{
    const int b = caps->vector_width;
    struct oc_conv_window v = oc_conv_window_of(node);

    (void)scratch;
    in[0] = blocked(b, oc_conv_blocked_halo(&v), &in[0]);
    in[1] = (struct oc_layout){.block = b, .pack = OC_PACK_CONV_FIRST};
    out[0] = (struct oc_layout){.block = b};
    oc_conv_other_layouts(node, in, &out[0]);
}

ocellus_status
oc_conv_depthwise(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    struct oc_conv_job job = job_of(steps, &v);
    const struct oc_blocked *x = &job.x.of;
    const struct columns columns = {v.window[OC_H], v.window[OC_W],
                                    v.stride[OC_W], v.dilation[OC_W]};

    job.x.base = x->base - v.pad[OC_H] * x->row - v.pad[OC_W] * x->block;
    job.x.row = v.stride[OC_H] * x->row;
    job.tap_r = v.dilation[OC_H] * x->row;
    job.y = oc_conv_whole(&job.y.of);
    for (int k = 0; k < OC_CONV_EXTRAS; k++)
        job.e[k] = oc_conv_whole(&job.e[k].of);
    job.out[0] = v.out[OC_H];
    job.out[1] = v.out[OC_W];
    launch_rows(steps, &job, &columns, oc_conv_flops(&v));
    return steps->status;
}

/* ---- ConvGradInput, ConvTranspose --------------------------------------- */

const char *
oc_conv_depthwise_input_refuse(const struct oc_node *node,
                               const struct oc_caps *caps)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    const char *why = cannot(&v);

    return why ? why : oc_conv_blocked_cannot_turn(node, caps, &v);
}

void
oc_conv_depthwise_input_layouts(const struct oc_node *node,
                                const struct oc_caps *caps,
                                struct oc_layout in[], struct oc_layout out[],
                                size_t *scratch)
{
    const int b = caps->vector_width;
    struct oc_conv_window v = oc_conv_window_of(node);

    (void)scratch;
    in[0] = blocked(b, oc_conv_dy_halo(&v), &in[0]);
    in[1] = (struct oc_layout){.block = b, .pack = OC_PACK_CONV_FIRST};
    out[0] = (struct oc_layout){.block = b};
    oc_conv_other_layouts(node, in, &out[0]);
}

/* Without a stride it is conv_depthwise with its weights read backwards. */
static void
launch_backwards(struct oc_steps *steps, const struct oc_conv_window *v)
{
    const struct oc_conv_phase h = oc_conv_phase_of(v, OC_H, 0);
    const struct oc_conv_phase w = oc_conv_phase_of(v, OC_W, 0);
    struct oc_conv_job job = job_of(steps, v);
    const struct oc_blocked *x = &job.x.of;
    struct columns columns = {h.taps, w.taps, 1, v->dilation[OC_W]};

    job.w_base = (v->window[OC_H] - 1) * job.w_tap_r +
                 (v->window[OC_W] - 1) * job.w_tap_s;
    job.w_tap_r = -job.w_tap_r;
    job.w_tap_s = -job.w_tap_s;
    job.x.base = x->base + h.at * x->row + w.at * x->block;
    job.x.row = x->row;
    job.tap_r = v->dilation[OC_H] * x->row;
    job.y = oc_conv_whole(&job.y.of);
    for (int k = 0; k < OC_CONV_EXTRAS; k++)
        job.e[k] = oc_conv_whole(&job.e[k].of);
    job.taps[0] = h.taps;
    job.taps[1] = w.taps;
    job.out[0] = h.pixels;
    job.out[1] = w.pixels;
    launch_rows(steps, &job, &columns, oc_conv_flops(v));
}

static void
launch_turned(struct oc_steps *steps, const struct oc_conv_window *v)
{
    const int stride = v->stride[OC_W];
    const int64_t total = (int64_t)v->n * v->in[OC_H];
    struct oc_conv_job job = job_of(steps, v);
    const struct oc_blocked *x = &job.x.of, *y = &job.y.of;
    struct oc_step *launch;
    int rows;

    job.out[0] = v->in[OC_H];
    job.out[1] = v->in[OC_W];
    if (total == 0 || job.out[1] == 0)
        return;
    rows = rows_of(&job, steps->caps->compute_units);
    for (int k = 0; k < OC_CONV_EXTRAS; k++)
        job.e[k] = oc_conv_whole(&job.e[k].of);
    launch =
        oc_launch(steps, "conv_depthwise_blocked", "conv_depthwise_turned");
    oc_define(steps, launch, "BLOCK", y->block);
    oc_define(steps, launch, "PIXELS", (PIXELS + 1) / stride);
    oc_define(steps, launch, "TAPS_R", 0);
    oc_define(steps, launch, "TAPS_S", v->window[OC_W]);
    oc_define(steps, launch, "STRIDE", stride);
    oc_define(steps, launch, "PAD", v->pad[OC_W]);
    oc_conv_define_ends(steps, launch, job.k, y->block);
    oc_conv_push_tensors(steps, launch);
    oc_conv_push(steps, launch,
                 (int[]){x->base, x->image, x->plane, x->row, y->base, y->image,
                         y->plane, y->row, v->stride[OC_H], v->pad[OC_H],
                         v->window[OC_H], job.k, job.out[0], job.out[1],
                         (int)total, rows},
                 16);
    oc_conv_push_ends(steps, launch, &job);
    oc_grid2(launch, y->blocks, (total + rows - 1) / rows, 1, 1);
    oc_cost(launch, oc_conv_flops(v), 0.0);
}

ocellus_status
oc_conv_depthwise_input(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_conv_window v = oc_conv_window_of(node);

    if (v.stride[OC_H] > 1 || v.stride[OC_W] > 1)
        launch_turned(steps, &v);
    else
        launch_backwards(steps, &v);
    return steps->status;
}

/* ---- ConvGradWeight ----------------------------------------------------- */

/* Parts of the batch, so that every core has a few; images of a part. */
static int
splits_of(const struct oc_conv_window *v, const struct oc_caps *caps,
          int *share)
{
    const int blocks = (v->c + caps->vector_width - 1) / caps->vector_width;
    int splits = (4 * caps->compute_units + blocks - 1) / blocks;

    if (splits > v->n)
        splits = v->n;
    if (splits < 1)
        splits = 1;
    *share = (v->n + splits - 1) / splits;
    return *share > 0 ? (v->n + *share - 1) / *share : 1;
}

/* Rows of the window at once: about ten sums stay in registers. */
static int
group_of(const struct oc_conv_window *v)
{
    const int group = 11 / v->window[OC_W];

    if (group > v->window[OC_H])
        return v->window[OC_H];
    return group > 0 ? group : 1;
}

const char *
oc_conv_depthwise_weight_refuse(const struct oc_node *node,
                                const struct oc_caps *caps)
{
    return oc_conv_depthwise_refuse(node, caps);
}

void
oc_conv_depthwise_weight_layouts(const struct oc_node *node,
                                 const struct oc_caps *caps,
                                 struct oc_layout in[], struct oc_layout out[],
                                 size_t *scratch)
{
    const int b = caps->vector_width;
    struct oc_conv_window v = oc_conv_window_of(node);
    int share, splits = splits_of(&v, caps, &share);

    in[0] = blocked(b, oc_conv_blocked_halo(&v), &in[0]);
    in[1] = blocked(b, 0, &in[1]);
    out[0] = OC_PLAIN;
    if (splits > 1)
        *scratch = (size_t)splits * sizeof(float) *
                   (size_t)oc_shape_count(&node->out[0]->shape);
}

static struct oc_step *
launch_sums(struct oc_steps *steps, const struct oc_conv_window *v, int splits,
            int share)
{
    const struct oc_blocked x =
        oc_blocked_of(&steps->in[0].layout, &steps->in[0].value->shape);
    const struct oc_blocked y =
        oc_blocked_of(&steps->in[1].layout, &steps->in[1].value->shape);
    struct oc_step *launch =
        oc_launch(steps, "conv_depthwise_blocked", "conv_depthwise_weight");
    const int rows = 300 / (v->out[OC_W] + 1) + 1;

    oc_define(steps, launch, "BLOCK", x.block);
    oc_define(steps, launch, "TAPS_R", v->window[OC_H]);
    oc_define(steps, launch, "TAPS_S", v->window[OC_W]);
    oc_define(steps, launch, "STRIDE", v->stride[OC_W]);
    oc_define(steps, launch, "DILATION", v->dilation[OC_W]);
    oc_define(steps, launch, "GROUP", group_of(v));
    oc_arg_in(steps, launch, 0);
    oc_arg_in(steps, launch, 1);
    if (splits > 1)
        oc_arg_scratch(steps, launch);
    else
        oc_arg_out(steps, launch, 0);
    oc_conv_push(steps, launch,
                 (int[]){x.base - v->pad[OC_H] * x.row - v->pad[OC_W] * x.block,
                         x.image, x.plane, v->stride[OC_H] * x.row,
                         v->dilation[OC_H] * x.row, y.base, y.image, y.plane,
                         y.row, v->c, v->out[OC_H], v->out[OC_W], v->n, share,
                         rows},
                 15);
    oc_grid2(launch, x.blocks, splits, 1, 1);
    oc_cost(launch, oc_conv_flops(v), 0.0);
    return launch;
}

ocellus_status
oc_conv_depthwise_weight(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_conv_window v = oc_conv_window_of(node);
    const int64_t count = oc_shape_count(&node->out[0]->shape);
    int share, splits = splits_of(&v, steps->caps, &share);
    struct oc_step *launch;
    const char *options;

    options = launch_sums(steps, &v, splits, share)->options;
    if (splits == 1)
        return steps->status;
    launch = oc_launch(steps, "conv_depthwise_blocked", "depthwise_sum_splits");
    launch->options = options;
    oc_arg_scratch(steps, launch);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, count);
    oc_arg_int(steps, launch, splits);
    oc_grid1(launch, count, 0);
    return steps->status;
}

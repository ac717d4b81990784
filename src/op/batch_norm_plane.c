/* batch_norm_plane.c - batch normalisation on CPUs: vectors of channels where
 * images lie in blocks, vectors of pixels where they lie plain.
 */
#include "op/batch_norm.h"
#include "op/conv_blocked.h"
#include "op/epilogue.h"
#include "op/pool.h"

/* An image as the kernels see it, and how it is cut into parts. */
struct grid {
    struct oc_norm norm;
    int block, blocks;
    int64_t h, w; /* plain: rows of one pixel */
    int64_t rows, chunks;
    int64_t pitch; /* channels with padding */
};

static struct grid
grid_of(const struct oc_node *node, int x, const struct oc_layout *layout)
{
    const struct oc_shape *shape = &node->in[x]->shape;
    struct grid g = {.norm = oc_norm_of(node, x), .block = layout->block};
    int image = layout->block > 1;
    g.blocks = (int)((g.norm.channels + g.block - 1) / g.block);
    g.h = image ? shape->dim[2] : g.norm.size;
    g.w = image ? shape->dim[3] : 1;
    /* Some 64 KB: what the second look at a part finds in the cache. */
    g.rows = 16384 / g.block / (g.w > 0 ? g.w : 1);
    g.rows = g.rows < 1 ? 1 : g.rows;
    g.chunks = (g.h + g.rows - 1) / g.rows;
    g.pitch = (int64_t)g.blocks * g.block;
    return g;
}

static size_t
scratch_of(const struct grid *g)
{
    return 4 * (size_t)g->pitch * (2 * (size_t)(g->norm.n * g->chunks) + 4);
}

const char *
oc_norm_plane_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    if (!caps->cpu)
        return "meant for CPU devices: one work-item does rows of a plane";
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] && node->in[k]->type != OCELLUS_FLOAT)
            return "float32 only";
    return NULL;
}

void
oc_norm_plane_layouts(const struct oc_node *node, const struct oc_caps *caps,
                      struct oc_layout in[], struct oc_layout out[],
                      size_t *scratch)
{
    (void)caps;
    oc_layouts_follow(node, 0, in, out);
    struct grid g = grid_of(node, 0, &in[0]);
    *scratch = scratch_of(&g);
}

void
oc_norm_plane_grad_layouts(const struct oc_node *node,
                           const struct oc_caps *caps, struct oc_layout in[],
                           struct oc_layout out[], size_t *scratch)
{
    (void)caps;
    oc_layouts_follow(node, 1, in, out);
    struct grid g = grid_of(node, 1, &in[1]);
    *scratch = scratch_of(&g);
}

static void
image_args(struct oc_steps *steps, struct oc_step *l, const struct grid *g,
           const struct oc_operand *operand)
{
    if (g->block > 1) {
        oc_image_args(steps, l, operand);
        return;
    }
    oc_arg_int(steps, l, 0);
    oc_arg_int(steps, l, g->norm.channels * g->norm.size);
    oc_arg_int(steps, l, g->norm.size);
    oc_arg_int(steps, l, 1);
}

static struct oc_step *
launch(struct oc_steps *steps, const struct grid *g, const char *kernel)
{
    struct oc_step *l = oc_launch(steps, "batch_norm", kernel);
    oc_define(steps, l, "BLOCK", g->block);
    return l;
}

static void
over_parts(struct oc_step *l, const struct grid *g, double flops,
           double traffic)
{
    double count = (double)(g->norm.n * g->norm.channels * g->norm.size);
    oc_grid2(l, g->chunks, g->norm.n * g->blocks, 1, 1);
    oc_cost(l, flops * count, traffic * count);
}

static void
emit_stats(struct oc_steps *steps, const struct grid *g, int64_t at)
{
    struct oc_step *l = launch(steps, g, "bn_stats_plane");
    oc_arg_in(steps, l, 0);
    oc_arg_scratch(steps, l);
    oc_arg_int(steps, l, g->norm.n);
    oc_arg_int(steps, l, g->blocks);
    oc_arg_int(steps, l, g->pitch);
    oc_arg_int(steps, l, g->h);
    oc_arg_int(steps, l, g->w);
    oc_arg_int(steps, l, g->rows);
    oc_arg_int(steps, l, g->chunks);
    image_args(steps, l, g, &steps->in[0]);
    over_parts(l, g, 4, 4);
    l = launch(steps, g, "bn_finish");
    oc_arg_int(steps, l, g->norm.n);
    oc_arg_int(steps, l, g->pitch);
    oc_arg_int(steps, l, g->h);
    oc_arg_int(steps, l, g->w);
    oc_arg_int(steps, l, g->rows);
    oc_arg_int(steps, l, g->chunks);
    oc_norm_kept(steps, l, &g->norm, at);
    oc_grid1(l, g->norm.channels, 0);
}

/* Blocks end as those of convolutions do. */
static void
ends(struct oc_steps *steps, struct oc_step *l, const struct grid *g)
{
    if (g->block == 1) {
        oc_epilogue(steps, l, NULL);
        return;
    }
    struct oc_conv_job job = oc_conv_job_of(steps);
    job.y = oc_conv_whole(&job.y.of);
    for (int k = 0; k < OC_CONV_EXTRAS; k++)
        job.e[k] = oc_conv_whole(&job.e[k].of);
    oc_conv_define_ends(steps, l, job.k, g->block);
    oc_conv_push_ends(steps, l, &job);
}

ocellus_status
oc_norm_plane_emit(struct oc_steps *steps, const struct oc_node *node)
{
    struct grid g = grid_of(node, 0, &steps->in[0].layout);
    int64_t at = 2 * g.norm.n * g.chunks * g.pitch;
    if (g.norm.n * g.norm.channels * g.norm.size == 0)
        return OCELLUS_OK;
    if (g.norm.training)
        emit_stats(steps, &g, at);
    struct oc_step *l = oc_launch(steps, "batch_norm_apply", "bn_apply_plane");
    oc_define(steps, l, "BLOCK", g.block);
    for (int k = 0; k < 3; k++)
        oc_arg_in(steps, l, k);
    for (int k = 3; k < 5; k++)
        if (g.norm.training)
            oc_arg_scratch(steps, l);
        else
            oc_arg_in(steps, l, k);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, g.norm.training ? at : 0);
    oc_arg_int(steps, l, g.norm.n);
    oc_arg_int(steps, l, g.norm.channels);
    oc_arg_int(steps, l, g.blocks);
    oc_arg_int(steps, l, g.h);
    oc_arg_int(steps, l, g.w);
    oc_arg_int(steps, l, g.rows);
    oc_arg_float(steps, l, g.norm.eps);
    oc_arg_int(steps, l, g.norm.frozen);
    image_args(steps, l, &g, &steps->in[0]);
    image_args(steps, l, &g, &steps->out[0]);
    ends(steps, l, &g);
    over_parts(l, &g, 3, 8);
    return steps->status;
}

static void
emit_grad_sums(struct oc_steps *steps, const struct grid *g, int64_t at)
{
    struct oc_step *l = launch(steps, g, "bn_grad_sums_plane");
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_in(steps, l, 3);
    oc_arg_scratch(steps, l);
    oc_arg_int(steps, l, g->norm.n);
    oc_arg_int(steps, l, g->norm.channels);
    oc_arg_int(steps, l, g->blocks);
    oc_arg_int(steps, l, g->pitch);
    oc_arg_int(steps, l, g->h);
    oc_arg_int(steps, l, g->w);
    oc_arg_int(steps, l, g->rows);
    oc_arg_int(steps, l, g->chunks);
    image_args(steps, l, g, &steps->in[0]);
    image_args(steps, l, g, &steps->in[1]);
    over_parts(l, g, 4, 8);
    l = launch(steps, g, "bn_grad_finish");
    oc_arg_int(steps, l, g->norm.n * g->chunks);
    oc_norm_coefficients(steps, l, &g->norm, at, g->pitch);
    oc_grid1(l, g->pitch, 0);
}

ocellus_status
oc_norm_plane_grad_emit(struct oc_steps *steps, const struct oc_node *node)
{
    struct grid g = grid_of(node, 1, &steps->in[1].layout);
    int64_t at = 2 * g.norm.n * g.chunks * g.pitch;
    if (g.norm.n * g.norm.channels * g.norm.size == 0)
        return OCELLUS_OK;
    emit_grad_sums(steps, &g, at);
    struct oc_step *l = launch(steps, &g, "bn_grad_apply_plane");
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_scratch(steps, l);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, at);
    oc_arg_int(steps, l, g.pitch);
    oc_arg_int(steps, l, g.norm.n);
    oc_arg_int(steps, l, g.blocks);
    oc_arg_int(steps, l, g.h);
    oc_arg_int(steps, l, g.w);
    oc_arg_int(steps, l, g.rows);
    image_args(steps, l, &g, &steps->in[0]);
    image_args(steps, l, &g, &steps->in[1]);
    image_args(steps, l, &g, &steps->out[0]);
    over_parts(l, &g, 5, 12);
    return steps->status;
}

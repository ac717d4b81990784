/* conv_blocked_launch.c - one launch of cl/conv_blocked.cl: tile, chunk of
 * channels, pixels of a work-item, arguments. */
#include <string.h>

#include "op/conv_blocked.h"
#include "op/epilogue.h"

enum {
    WEIGHTS_NEAR = 36864, /* bytes of weights used again from the cache */
    LEAST_TILES = 32      /* of pixels for a core, or y's blocks are shared */
};

struct tile {
    int pixels, vectors;
    int near; /* bytes of weights */
};

/* Sums, weights and one number more within the registers. */
static struct tile
tile_of(const struct oc_caps *caps, const struct oc_conv_job *job)
{
    const int one = job->k_blocks == 1 || oc_caps_way(caps, "narrow");
    struct tile t = {14, one ? 1 : 2, WEIGHTS_NEAR};

    if (caps->vector_registers < 32)
        t.pixels = one ? 8 : 6;
    else if (job->few)
        t.pixels = 12;
    if (oc_caps_way(caps, "narrow"))
        t.pixels = caps->vector_registers < 32 ? 12 : 24;
    if (oc_caps_way(caps, "deep"))
        t.near *= 4;
    if (oc_caps_way(caps, "shallow"))
        t.near /= 2;
    return t;
}

/* Blocks of channels in equal chunks whose weights stay near. */
static int
chunk_of(const struct oc_conv_job *job, const struct tile *tile, int blocks)
{
    const int b = job->y.of.block;
    const int lanes = job->few ? 1 : job->c < b ? job->c : b;
    const int bytes = job->taps[0] * job->taps[1] * lanes * b * 4;
    int most = bytes ? tile->near / (bytes * tile->vectors) : blocks;
    int chunks;

    if (most < 1)
        most = 1;
    chunks = (blocks + most - 1) / most;
    return (blocks + chunks - 1) / chunks;
}

/* Tiles of y's blocks that a work-item makes of the same pixels: as many as
 * have all their weights near, where few channels make the way to the pixels
 * long beside the sums, and the pixels alone keep every core busy. */
static int
turns_of(const struct oc_conv_job *job, const struct tile *tile,
         const struct oc_caps *caps, int64_t total)
{
    const int b = job->y.of.block;
    const int tiles = (job->k_blocks + tile->vectors - 1) / tile->vectors;
    const double bytes =
        4.0 * job->c * job->taps[0] * job->taps[1] * b * tile->vectors;
    const double most = tile->near / (bytes > 0.0 ? bytes : 1.0);
    int groups;

    if (most < 2.0 || oc_caps_way(caps, "single") ||
        total < (int64_t)LEAST_TILES * caps->compute_units * tile->pixels)
        return 1;
    groups = (int)((tiles + (int)most - 1) / (int)most);
    return (tiles + groups - 1) / groups;
}

/* Pixels of a work-item: a few million multiplications each, what it reads in
 * half the core's cache, and a few work-items for every core. */
static int
span_of(const struct oc_conv_job *job, const struct tile *tile, int turns,
        int k_items, const struct oc_caps *caps, int64_t total)
{
    const int chunk = chunk_of(job, tile, job->c_blocks);
    const double each = (double)job->c * job->taps[0] * job->taps[1] *
                        job->y.of.block * tile->vectors * turns;
    const double cache = caps->cache ? (double)caps->cache : 524288.0;
    const double near = cache / 2.0 / (4.0 * chunk * job->x.of.block);
    double spans = (double)total * each / 3e6;
    int64_t parts, span;

    if (spans < (double)total / near)
        spans = (double)total / near;
    if (spans * k_items < 4.0 * caps->compute_units)
        spans = 4.0 * caps->compute_units / k_items;
    if (oc_caps_way(caps, "short"))
        spans *= 2.0;
    if (oc_caps_way(caps, "long"))
        spans /= 2.0;
    if (spans < 1.0)
        spans = 1.0;
    parts = (int64_t)(spans + 0.5);
    span = (total + parts - 1) / parts;
    return (int)((span + tile->pixels - 1) / tile->pixels) * tile->pixels;
}

static int
count_any(const char *text, const char *these)
{
    int count = 0;

    while ((text = strpbrk(text, these)) != NULL) {
        count++;
        text++;
    }
    return count;
}

/* Whether the formula means the same on vectors: functions that are made for
 * both, and comparisons only where they choose (`a < b ? c : d`), since as a
 * number true is -1 in a vector. The others go lane by lane (the compiler joins
 * simple ones again). */
static int
on_vectors(const struct oc_epilogue *e)
{
    static const char *const known[] = {
        "v",   "e0",   "e1",  "s0",  "s1",   "s2",  "s3",    "s4",
        "s5",  "s6",   "s7",  "exp", "tanh", "log", "log1p", "sqrt",
        "erf", "fabs", "min", "max", "<",    ">",   "?",     ":"};
    const char *at = e->formula;

    if (strpbrk(at, "=!&|[{%") || count_any(at, "<>") != count_any(at, "?"))
        return 0;
    while (*at) {
        size_t length = strcspn(at, " ()+-*/,"), k = 0;

        if (length == 0) {
            at++;
            continue;
        }
        while (k < OC_COUNT(known) && (strlen(known[k]) != length ||
                                       strncmp(known[k], at, length) != 0))
            k++;
        if (k == OC_COUNT(known) && (*at < '0' || *at > '9'))
            return 0;
        at += length;
    }
    return 1;
}

void
oc_conv_define_ends(struct oc_steps *steps, struct oc_step *launch,
                    int channels, int block)
{
    const struct oc_epilogue *e = steps->node->epilogue;

    if (oc_conv_has_bias(steps->node))
        oc_define(steps, launch, "BIAS", 1);
    if (steps->out[0].layout.halo > 0)
        oc_define(steps, launch, "HALO", 1);
    if (e && channels % block != 0)
        oc_define(steps, launch, "MASK", 1);
    if (e && e->n_extra)
        oc_define(steps, launch, "EXTRAS", e->n_extra);
    if (e && on_vectors(e))
        oc_define(steps, launch, "ON_VECTORS", 1);
}

static void
define_job(struct oc_steps *steps, struct oc_step *launch,
           const struct oc_conv_job *job, const struct tile *tile)
{
    const int b = job->y.of.block;
    const int lanes = job->few ? 1 : job->c < b ? job->c : b;

    oc_define(steps, launch, "BLOCK", b);
    oc_define(steps, launch, "LANES", lanes);
    oc_define(steps, launch, "PIXELS", tile->pixels);
    oc_define(steps, launch, "VECTORS", tile->vectors);
    if (job->few) {
        oc_define(steps, launch, "TAPS_S", job->taps[1]);
        oc_define(steps, launch, "DILATION", job->tap_s);
        oc_define(steps, launch, "X_COL", job->x.col);
    }
    oc_conv_define_ends(steps, launch, job->k, b);
}

void
oc_conv_push(struct oc_steps *steps, struct oc_step *launch, const int *list,
             int count)
{
    for (int k = 0; k < count; k++)
        oc_arg_int(steps, launch, list[k]);
}

void
oc_conv_push_tensors(struct oc_steps *steps, struct oc_step *launch)
{
    oc_arg_in(steps, launch, 0);
    oc_arg_in(steps, launch, 1);
    if (oc_conv_has_bias(steps->node))
        oc_arg_in(steps, launch, 2);
    else
        oc_arg_out(steps, launch, 0);
    oc_arg_out(steps, launch, 0);
}

/* FINISH(v, i, j): the epilogue's function called with its tensors at places
 * of their own, which EPILOGUE has not. */
static void
define_finish(struct oc_steps *steps, struct oc_step *launch, int vectors,
              int block)
{
    static const char *const at[] = {"i", "j"};
    const struct oc_epilogue *e = steps->node->epilogue;

    oc_prelude(steps, launch, "#define FINISH(v, i, j) oc_epilogue(v");
    for (int k = 0; k < e->n_extra; k++)
        if (vectors)
            oc_prelude(steps, launch, ", vload%d(0, oc_e%d + (%s))", block, k,
                       at[k]);
        else
            oc_prelude(steps, launch, ", oc_e%d[%s]", k, at[k]);
    for (int k = 0; k < e->n_scalar; k++)
        oc_prelude(steps, launch, ", oc_s%d", k);
    oc_prelude(steps, launch, ")\n");
}

void
oc_conv_push_ends(struct oc_steps *steps, struct oc_step *launch,
                  const struct oc_conv_job *job)
{
    const struct oc_epilogue *e = steps->node->epilogue;
    const int block = job->y.of.block;
    const int halo = steps->out[0].layout.halo;
    const struct oc_shape *y = &steps->out[0].value->shape;
    const int tall = y->rank > 3 ? halo : 0;
    const char *vector = block == 4   ? "float4"
                         : block == 8 ? "float8"
                                      : "float16";

    if (halo > 0)
        oc_conv_push(
            steps, launch,
            (int[]){job->y.of.base - tall * job->y.of.row - halo * block,
                    job->y.of.row, y->rank > 3 ? (int)y->dim[2] : 1,
                    (int)y->dim[y->rank - 1], tall, halo},
            6);
    if (!e)
        return;
    for (int k = 0; k < e->n_extra; k++)
        oc_conv_push(steps, launch,
                     (int[]){job->e[k].base, job->e[k].of.image,
                             job->e[k].of.plane, job->e[k].row, job->e[k].col},
                     5);
    oc_epilogue(steps, launch, on_vectors(e) ? vector : NULL);
    define_finish(steps, launch, on_vectors(e), block);
}

struct oc_conv_side
oc_conv_whole(const struct oc_blocked *of)
{
    return (struct oc_conv_side){*of, of->base, of->row, of->block};
}

void
oc_conv_job_launch(struct oc_steps *steps, const struct oc_conv_job *job,
                   double flops)
{
    const struct tile tile = tile_of(steps->caps, job);
    const int64_t total = (int64_t)job->n * job->out[0] * job->out[1];
    const int turns = turns_of(job, &tile, steps->caps, total);
    const int step = turns * tile.vectors;
    const int k_items = job->groups * ((job->k_blocks + step - 1) / step);
    const int span = span_of(job, &tile, turns, k_items, steps->caps, total);
    struct oc_step *launch;

    if (total == 0)
        return;
    launch = oc_launch(steps, "conv_blocked", "conv_blocked");
    define_job(steps, launch, job, &tile);
    oc_conv_push_tensors(steps, launch);
    oc_conv_push(steps, launch,
                 (int[]){job->x.base,
                         job->x.of.image,
                         job->x.of.plane,
                         job->x.row,
                         job->x.col,
                         job->tap_r,
                         job->tap_s,
                         job->y.base,
                         job->y.of.image,
                         job->y.of.plane,
                         job->y.row,
                         job->y.col,
                         job->w_base,
                         job->w_k,
                         job->w_c,
                         job->w_tap_r,
                         job->w_tap_s,
                         job->c_blocks,
                         chunk_of(job, &tile, job->c_blocks),
                         job->taps[0],
                         job->taps[1],
                         job->k_blocks,
                         job->k,
                         job->out[0],
                         job->out[1],
                         (int)total,
                         span,
                         turns,
                         job->row_first,
                         job->row_step,
                         job->row_tap,
                         job->rows},
                 32);
    oc_conv_push_ends(steps, launch, job);
    oc_grid2(launch, k_items, (total + span - 1) / span, 1, 1);
    oc_cost(launch, flops, 0.0);
}

/* Where the tensors lie; weights packed in blocks of the output's width. */
struct oc_conv_job
oc_conv_job_of(const struct oc_steps *steps)
{
    const struct oc_node *node = steps->node;
    const struct oc_operand *x = &steps->in[0], *y = &steps->out[0];
    struct oc_conv_job job = {0};

    job.x.of = oc_blocked_of(&x->layout, &x->value->shape);
    job.y.of = oc_blocked_of(&y->layout, &y->value->shape);
    for (int k = 0; node->epilogue && k < node->epilogue->n_extra; k++) {
        const struct oc_operand *e = &steps->in[oc_own_inputs(node) + k];

        job.e[k].of = oc_blocked_of(&e->layout, &e->value->shape);
    }
    job.few = x->layout.block == 1;
    job.n = (int)y->value->shape.dim[0];
    job.c = (int)x->value->shape.dim[1];
    job.rows = x->value->shape.rank > 3 ? (int)x->value->shape.dim[2] : 1;
    job.k = (int)y->value->shape.dim[1];
    return job;
}

void
oc_conv_job_weights(struct oc_conv_job *job, const struct oc_conv_window *v)
{
    const int b = job->y.of.block;
    const int tap = job->few ? b : b * b;

    job->groups = oc_conv_blocked_groups(v, b);
    job->c /= job->groups;
    job->c_blocks = (job->c + job->x.of.block - 1) / job->x.of.block;
    job->k_blocks = (job->k / job->groups + b - 1) / b;
    job->w_tap_s = tap;
    job->w_tap_r = v->window[OC_W] * tap;
    job->w_c = v->window[OC_H] * job->w_tap_r;
    job->w_k = job->c_blocks * job->w_c;
}

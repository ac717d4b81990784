/* conv_amx.c - Conv, ConvGradInput and ConvTranspose in bfloat16, as launches
 * of cl/conv_amx.cl.
 *
 * Tensors stay float; x and the weights are rounded to bfloat16, 8 binary
 * digits, where they are multiplied: each factor is off by 2^-8 of itself at
 * most, a product by 2^-7, and a sum of K products by about 2^-9 times the root
 * of K times their usual size. Sums are float.
 */
#include "op/conv_blocked.h"
#include "op/epilogue.h"

enum {
    BLOCK = 16,
    CHUNK = 32, /* channels of x in a tile */
    PIXEL_BYTES = 64,
    SUM_BYTES = 4096,
    SPARE_PIXELS = 32,  /* read behind the last */
    LEAST_CHANNELS = 16 /* half a tile */
};

/* One launch: the places and ends of conv_blocked.h's job, and how pixels of y
 * and taps of the window go through x. */
struct tiles {
    struct oc_conv_job job;
    int first[2], step[2], tap[2];
    int columns;      /* of x */
    int band, k_part; /* rows, blocks of y that a work-item makes */
};

/* ---- what it takes ------------------------------------------------------ */

int
oc_conv_amx_phases(int step, int tap, int taps)
{
    return taps > 1 && tap % step != 0 ? step : 1;
}

int
oc_conv_amx_reach(int step, int tap, int taps)
{
    return taps > 1 ? (taps - 1) * tap / step : 0;
}

static int
phases_of(const struct tiles *t, int a)
{
    return oc_conv_amx_phases(t->step[a], t->tap[a], t->job.taps[a]);
}

static int
reach_of(const struct tiles *t, int a)
{
    return oc_conv_amx_reach(t->step[a], t->tap[a], t->job.taps[a]);
}

/* Bytes of local memory for a band of so many rows. */
static double
near_bytes(const struct tiles *t, int band)
{
    const double chunks = (t->job.c + CHUNK - 1) / CHUNK;
    const double plane = ((double)band + reach_of(t, 0)) *
                         ((double)t->job.out[1] + reach_of(t, 1));

    return SUM_BYTES +
           PIXEL_BYTES * (chunks * phases_of(t, 0) * phases_of(t, 1) * plane +
                          SPARE_PIXELS);
}

/* Half of the core's cache; weights and y go through the rest. */
static double
room_of(const struct oc_caps *caps)
{
    const size_t half = (caps->cache ? caps->cache : 1048576) / 2;

    return (double)(half < caps->local_memory ? half : caps->local_memory);
}

static void
follow_window(struct tiles *t, const struct oc_conv_window *v)
{
    for (int a = 0; a < 2; a++) {
        t->first[a] = -v->pad[OC_H + a];
        t->step[a] = v->stride[OC_H + a];
        t->tap[a] = v->dilation[OC_H + a];
        t->job.taps[a] = v->window[OC_H + a];
        t->job.out[a] = v->out[OC_H + a];
    }
    t->job.c = v->c;
    t->job.k = v->k;
    t->job.n = v->n;
    t->columns = v->in[OC_W];
}

/* The pixels of dx in phase (r, s) of the stride. */
static void
follow_phase(struct tiles *t, const struct oc_conv_window *v, int r, int s)
{
    for (int a = 0; a < 2; a++) {
        const struct oc_conv_phase p =
            oc_conv_phase_of(v, OC_H + a, a == 0 ? r : s);

        t->first[a] = p.at;
        t->step[a] = 1;
        t->tap[a] = v->stride[OC_H + a] == 1 ? v->dilation[OC_H + a] : 1;
        t->job.taps[a] = p.taps;
        t->job.out[a] = p.pixels;
    }
    t->job.c = v->k;
    t->job.k = v->c;
    t->job.n = v->n;
    t->columns = v->out[OC_W];
}

const char *
oc_conv_amx_cannot(const struct oc_node *node, const struct oc_caps *caps,
                   const struct oc_conv_window *v)
{
    if (!caps->amx)
        return "the device has no AMX";
    if (caps->vector_width != BLOCK)
        return "it knows blocks of 16 channels only";
    if (oc_attr_int(node, "exact", 0))
        return "sums of whole numbers are to be exact";
    if (v->groups != 1)
        return "it knows one group";
    return NULL;
}

static const char *
cannot(const struct oc_node *node, const struct oc_caps *caps,
       const struct oc_conv_window *v, const struct tiles *t)
{
    const char *why = oc_conv_amx_cannot(node, caps, v);

    if (why)
        return why;
    if (near_bytes(t, 1) > room_of(caps))
        return "what a row needs does not fit the core's cache";
    if (!caps->eager && t->job.c < LEAST_CHANNELS)
        return "with fewer than 16 channels its tiles would be half empty";
    return NULL;
}

const char *
oc_conv_amx_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    const struct oc_conv_window v = oc_conv_window_of(node);
    const char *why = oc_conv_blocked_cannot(node, caps, &v);
    struct tiles t = {.columns = 0};

    follow_window(&t, &v);
    return why ? why : cannot(node, caps, &v, &t);
}

const char *
oc_conv_amx_input_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    const struct oc_conv_window v = oc_conv_window_of(node);
    const char *why = oc_conv_blocked_cannot_turn(node, caps, &v);
    struct tiles t = {.columns = 0};

    for (int r = 0; !why && r < v.stride[OC_H]; r++)
        for (int s = 0; !why && s < v.stride[OC_W]; s++) {
            follow_phase(&t, &v, r, s);
            why = cannot(node, caps, &v, &t);
        }
    return why;
}

/* Borders are tested where x is brought near: any halo will do. */
static void
lay(const struct oc_node *node, int pack, struct oc_layout in[],
    struct oc_layout out[])
{
    in[0].halo = in[0].block == BLOCK ? in[0].halo : 0;
    in[0] = (struct oc_layout){.block = BLOCK, .halo = in[0].halo};
    in[1] = (struct oc_layout){.block = BLOCK, .pack = pack};
    out[0] = (struct oc_layout){.block = BLOCK};
    oc_conv_other_layouts(node, in, &out[0]);
}

void
oc_conv_amx_layouts(const struct oc_node *node, const struct oc_caps *caps,
                    struct oc_layout in[], struct oc_layout out[],
                    size_t *scratch)
{
    (void)caps;
    (void)scratch;
    lay(node, OC_PACK_AMX, in, out);
}

void
oc_conv_amx_input_layouts(const struct oc_node *node,
                          const struct oc_caps *caps, struct oc_layout in[],
                          struct oc_layout out[], size_t *scratch)
{
    (void)caps;
    (void)scratch;
    lay(node, OC_PACK_AMX_FLIP, in, out);
}

/* ---- launches ----------------------------------------------------------- */

static int
divide_up(int64_t a, int64_t b)
{
    return (int)((a + b - 1) / b);
}

/* Bands as high as the room allows and enough of them for every core; rows
 * that neighbours read as well are brought by both, so low bands give way to
 * parts of y's channels. */
static void
share(struct tiles *t, const struct oc_caps *caps)
{
    const struct oc_conv_job *job = &t->job;
    const double room = room_of(caps);
    const double all = (double)job->n * job->out[0] * job->out[1] * job->c *
                       job->k * job->taps[0] * job->taps[1];
    const int pairs = divide_up(job->k_blocks, 2);
    double items = all / 3e7; /* of some tens of microseconds */
    int parts, least = 1 + 2 * reach_of(t, 0);

    if (items < 4.0 * caps->compute_units)
        items = 4.0 * caps->compute_units;
    t->band = job->out[0];
    while (t->band > 1 &&
           (near_bytes(t, t->band) > room ||
            (t->band > least &&
             (double)job->n * divide_up(job->out[0], t->band) < items)))
        t->band = t->band > 2 * least ? t->band / 2 : t->band - 1;
    parts = divide_up(job->out[0], t->band);
    t->band = divide_up(job->out[0], parts);
    items /= (double)job->n * parts;
    parts = items > pairs ? pairs : items > 1.0 ? (int)items : 1;
    t->k_part = 2 * divide_up(pairs, parts);
}

static void
push(struct oc_steps *steps, struct oc_step *launch, const struct tiles *t)
{
    const struct oc_conv_job *job = &t->job;

    oc_conv_push_tensors(steps, launch);
    oc_arg_local(steps, launch, (size_t)near_bytes(t, t->band));
    oc_conv_push(steps, launch,
                 (int[]){job->x.of.base,  job->x.of.image, job->x.of.plane,
                         job->x.of.row,   job->rows,       t->columns,
                         t->first[0],     t->first[1],     t->step[0],
                         t->step[1],      t->tap[0],       t->tap[1],
                         job->taps[0],    job->taps[1],    job->x.of.blocks,
                         job->w_base,     job->w_c,        job->w_tap_r,
                         job->w_tap_s,    job->y.base,     job->y.of.image,
                         job->y.of.plane, job->y.row,      job->y.col,
                         job->k_blocks,   job->k,          job->out[0],
                         job->out[1],     t->band,         t->k_part},
                 30);
    oc_conv_push_ends(steps, launch, job);
}

static void
launch_tiles(struct oc_steps *steps, struct tiles *t, double flops)
{
    struct oc_step *launch;

    if (t->job.n == 0 || t->job.out[0] == 0 || t->job.out[1] == 0)
        return;
    share(t, steps->caps);
    launch = oc_launch(steps, "conv_amx", "conv_amx");
    if (steps->caps->amx == OC_AMX_INSTRUCTIONS)
        oc_define(steps, launch, "OC_AMX", 1);
    oc_conv_define_ends(steps, launch, t->job.k, BLOCK);
    push(steps, launch, t);
    oc_grid2(launch, divide_up(t->job.k_blocks, t->k_part),
             (int64_t)t->job.n * divide_up(t->job.out[0], t->band), 1, 1);
    oc_cost(launch, flops, 0.0);
}

/* Where things lie; steps of the weights count tiles. */
static struct tiles
tiles_of(const struct oc_steps *steps, const struct oc_conv_window *v)
{
    struct tiles t = {.job = oc_conv_job_of(steps)};

    t.job.k_blocks = t.job.y.of.blocks;
    t.job.w_tap_s = 1;
    t.job.w_tap_r = v->window[OC_W];
    t.job.w_c = v->window[OC_H] * v->window[OC_W];
    return t;
}

ocellus_status
oc_conv_amx(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_conv_window v = oc_conv_window_of(node);
    struct tiles t = tiles_of(steps, &v);

    follow_window(&t, &v);
    t.job.y = oc_conv_whole(&t.job.y.of);
    for (int k = 0; k < OC_CONV_EXTRAS; k++)
        t.job.e[k] = oc_conv_whole(&t.job.e[k].of);
    launch_tiles(steps, &t, oc_conv_flops(&v));
    return steps->status;
}

static void
launch_phase(struct oc_steps *steps, const struct oc_conv_window *v, int r,
             int s)
{
    struct tiles t = tiles_of(steps, v);

    follow_phase(&t, v, r, s);
    t.job.w_base = oc_conv_phase_of(v, OC_H, r).first * t.job.w_tap_r +
                   oc_conv_phase_of(v, OC_W, s).first * t.job.w_tap_s;
    t.job.w_tap_r *= v->stride[OC_H];
    t.job.w_tap_s *= v->stride[OC_W];
    t.job.y = oc_conv_phased(&t.job.y.of, v, r, s);
    for (int k = 0; k < OC_CONV_EXTRAS; k++)
        t.job.e[k] = oc_conv_phased(&t.job.e[k].of, v, r, s);
    launch_tiles(steps, &t,
                 oc_conv_flops(v) / (v->stride[OC_H] * v->stride[OC_W]));
}

ocellus_status
oc_conv_amx_input(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_conv_window v = oc_conv_window_of(node);

    for (int r = 0; r < v.stride[OC_H]; r++)
        for (int s = 0; s < v.stride[OC_W]; s++)
            launch_phase(steps, &v, r, s);
    return steps->status;
}

/* tile.c - the tile of a product by a rough forecast of its time.
 *
 * A compute unit is busy with tiles of 128 x 128, or as many numbers in
 * smaller ones; with fewer it is idle in part. Small tiles read more for each
 * multiplication, which their `worth` says. Parts of sums keep all units busy
 * where tiles are few, and cost one more launch and the traffic of the parts.
 * The unit of time is what one step of one number of a tile takes.
 *
 * The tuner may ask for a tile by its name, and for other parts. */
#include "op/tile.h"

#include <string.h>

#include "op/epilogue.h"

static const struct {
    int m, n;
    double worth;
    const char *way;
} tiles[] = {
    {32, 128, 0.7, "32x128"},  {128, 32, 0.7, "128x32"},
    {64, 64, 0.85, "64x64"},   {64, 128, 0.92, "64x128"},
    {128, 64, 0.92, "128x64"}, {128, 128, 1.0, "128x128"},
};

enum {
    BUSY = 128 * 128, /* numbers that a unit works on at once */
    MOST_SPLITS = 64,
    LEAST_STEPS = 8,    /* of a part */
    LAUNCH = 80000,     /* one more launch */
    TRAFFIC = 6,        /* a number of local parts, stored or loaded */
    MOST_GROUPS = 65535 /* along the second and third side of a grid */
};

static int64_t
divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Local memory of so many steps of half or bfloat16, and in loops what warps
 * exchange (MMA_WORDS). */
static size_t
local_of_stages(int m, int n, int stages, const struct oc_caps *caps)
{
    size_t exchange = 6 * sizeof(uint32_t) * (size_t)(m * n / 64);

    return 2 * OC_TENSOR_DEPTH * (size_t)(m + n) * (size_t)stages +
           (caps->tensor == OC_TENSOR_LOOPS ? exchange : 0);
}

/* Either with the weight gradient's table of columns. */
static int
fits(const struct oc_tiled *p, int m, int n, const struct oc_caps *caps)
{
    size_t local =
        p->tensor ? local_of_stages(m, n, 2, caps)
                  : 2 * OC_TILE_DEPTH * (size_t)(m + n + 16) * sizeof(float);

    return caps->max_work_group >= (size_t)(m * n / 64) &&
           caps->local_memory >= local + 16 * (size_t)n;
}

static int64_t
tiles_of(const struct oc_tiled *p, int m, int n)
{
    return divide_up(p->rows, m) * divide_up(p->columns, n);
}

static double
time_of(const struct oc_tiled *p, int t, int splits, int units)
{
    int m = tiles[t].m, n = tiles[t].n;
    int64_t groups = tiles_of(p, m, n) * p->copies * splits;
    double busy = (double)divide_up(groups, units) * m * n / tiles[t].worth;
    double time;

    /* Of those that leave a unit idle, the one that leaves most. */
    busy = busy < BUSY ? BUSY + busy / 100 : busy * 1.01;
    time = busy * (double)divide_up(p->steps, splits);
    if (splits > 1)
        time += LAUNCH + TRAFFIC * (splits + 1.0) * (double)p->count / units;
    return time;
}

static int
may_split(const struct oc_tiled *p, int splits)
{
    return splits == 1 || (!p->whole && p->steps / splits >= LEAST_STEPS &&
                           p->count <= INT32_MAX / splits);
}

static struct oc_tiling
tiling_of(const struct oc_tiled *p, int t, int splits)
{
    struct oc_tiling tiling = {.m = tiles[t].m, .n = tiles[t].n};

    tiling.each = (int)divide_up(p->steps, splits);
    tiling.splits = (int)divide_up(p->steps, tiling.each);
    return tiling;
}

/* Of all tiles, or of that of a way alone. */
static struct oc_tiling
best_of(const struct oc_tiled *p, const struct oc_caps *caps, const char *way)
{
    struct oc_tiling best = {.splits = 1};
    int units = caps->compute_units > 0 ? caps->compute_units : 1;
    double least = 0;

    for (int t = 0; t < (int)OC_COUNT(tiles); t++)
        for (int splits = 1; splits <= MOST_SPLITS; splits *= 2) {
            double time = time_of(p, t, splits, units);

            if (!fits(p, tiles[t].m, tiles[t].n, caps) ||
                !may_split(p, splits) ||
                (way && strcmp(way, tiles[t].way) != 0) ||
                (best.m > 0 && time >= least))
                continue;
            least = time;
            best = tiling_of(p, t, splits);
        }
    return best;
}

/* Twice the parts, or half of them. */
static void
cut_again(const struct oc_tiled *p, const struct oc_caps *caps,
          struct oc_tiling *tiling)
{
    int splits = oc_caps_way(caps, "parts") ? 2 * tiling->splits
                                            : (tiling->splits + 1) / 2;

    if (!may_split(p, splits))
        return;
    tiling->each = (int)divide_up(p->steps, splits);
    tiling->splits = (int)divide_up(p->steps, tiling->each);
}

struct oc_tiling
oc_tiling_of(const struct oc_tiled *p, const struct oc_caps *caps)
{
    struct oc_tiling tiling = {.splits = 1};

    if (caps->way)
        tiling = best_of(p, caps, caps->way);
    if (tiling.m == 0)
        tiling = best_of(p, caps, NULL);
    if (tiling.m > 0 &&
        (oc_caps_way(caps, "parts") || oc_caps_way(caps, "fewer")))
        cut_again(p, caps, &tiling);
    return tiling;
}

const char *
oc_tiling_refuse(const struct oc_tiled *p, const struct oc_caps *caps)
{
    if (p->rows < 1 || p->columns < 1 || p->copies < 1 || p->steps < 1)
        return "an extent is 0";
    if (p->columns > INT32_MAX || p->steps > INT32_MAX / OC_TILE_DEPTH)
        return "more places than int counts";
    if (p->copies > MOST_GROUPS)
        return "more groups than the side of a grid has";
    if (oc_tiling_of(p, caps).m == 0)
        return "no tile fits: the smallest takes work-groups of 64 and 10 KB "
               "of local memory";
    return NULL;
}

size_t
oc_tiling_scratch(const struct oc_tiling *tiling, int64_t count)
{
    return tiling->splits > 1
               ? sizeof(float) * (size_t)tiling->splits * (size_t)count
               : 0;
}

void
oc_tiling_launch(struct oc_step *launch, struct oc_steps *steps,
                 const struct oc_tiled *p, const struct oc_tiling *tiling)
{
    int items = tiling->m * tiling->n / 64;

    oc_define(steps, launch, "TILE_M", tiling->m);
    oc_define(steps, launch, "TILE_N", tiling->n);
    if (p->tensor) {
        size_t most =
            local_of_stages(tiling->m, tiling->n, p->tensor, steps->caps);

        oc_define(steps, launch, "STAGES",
                  most <= steps->caps->local_memory ? p->tensor : 2);
        oc_define(steps, launch, "MMA_PTX",
                  steps->caps->tensor == OC_TENSOR_INSTRUCTIONS);
    }
    oc_grid3(launch, tiles_of(p, tiling->m, tiling->n) * items, p->copies,
             tiling->splits, items, 1, 1);
}

void
oc_tile_define_halves(struct oc_steps *steps, struct oc_step *launch,
                      ocellus_type type)
{
    if (type == OCELLUS_FLOAT16 && steps->caps->pairs != OC_PAIRS_NONE)
        oc_define(steps, launch, "HALVES",
                  steps->caps->pairs == OC_PAIRS_INSTRUCTIONS ? 1 : 2);
}

void
oc_tile_sum(struct oc_steps *steps, const struct oc_tiling *tiling,
            int64_t count, const struct oc_tile_sum *sum)
{
    struct oc_step *launch = oc_launch(steps, "tile_sum", "tile_sum");

    oc_define_type(steps, launch, "x", steps->node->out[0]->type);
    oc_arg_scratch(steps, launch);
    oc_arg_in(steps, launch, sum->c);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, count);
    oc_arg_int(steps, launch, tiling->splits);
    oc_arg_int(steps, launch, sum->fast);
    oc_arg_int(steps, launch, sum->slow);
    oc_arg_int(steps, launch, sum->row);
    oc_arg_int(steps, launch, sum->column);
    oc_arg_float(steps, launch, sum->alpha);
    oc_arg_float(steps, launch, sum->beta);
    oc_epilogue(steps, launch, NULL);
    oc_grid1(launch, count, 0);
    oc_cost(launch, (double)count * tiling->splits,
            4.0 * (double)count * (tiling->splits + 1));
}

/* conv_winograd_weight.c - ConvGradWeight as launches of
 * cl/conv_winograd_weight.cl: 3 x 3 windows of stride 1, where tiles are so
 * many that the way through the points costs less than it saves.
 */
#include "op/conv_blocked.h"

enum {
    POINTS = 16, /* of a tile of 2 x 2 outputs */
    LEAST_CHANNELS = 32,
    LEAST_TILES = 256, /* with 128 the way back costs what is saved */
    VECTORS = 2,
    NEAR_BYTES = 6 << 20 /* numbers at the points, in a last cache */
};

struct weighing {
    int c, k, c_blocks, k_blocks;
    int out[2], pad[2];
    int down, across;  /* tiles of an image */
    int total, part;   /* tiles; of them, what goes through at once */
    int64_t d, u, all; /* elements of scratch: where d and u begin */
};

/* ---- what it takes ------------------------------------------------------ */

/* Equal parts whose numbers at the points stay near, or are no more than the
 * sums, which each part reads and writes. */
static int
part_of(const struct weighing *w, int width)
{
    const int64_t row = (int64_t)POINTS * (w->c_blocks + w->k_blocks) * width;
    const int64_t sums =
        (int64_t)POINTS * w->c_blocks * w->k_blocks * width * width;
    int64_t most = sums * 4 > NEAR_BYTES ? sums : NEAR_BYTES / 4;
    int parts;

    most /= row;
    if (most < 1)
        most = 1;
    parts = (int)((w->total + most - 1) / most);
    return (w->total + parts - 1) / parts;
}

static struct weighing
weighing_of(const struct oc_conv_window *v, const struct oc_caps *caps)
{
    const int width = caps->vector_width;
    struct weighing w = {.c = v->c, .k = v->k};

    for (int axis = 0; axis < 2; axis++) {
        w.out[axis] = v->out[OC_H + axis];
        w.pad[axis] = v->pad[OC_H + axis];
    }
    w.down = (w.out[0] + 1) / 2;
    w.across = (w.out[1] + 1) / 2;
    w.total = v->n * w.down * w.across;
    w.c_blocks = (w.c + width - 1) / width;
    w.k_blocks = (w.k + width - 1) / width;
    w.part = w.total ? part_of(&w, width) : 0;
    w.d = (int64_t)POINTS * w.part * w.c_blocks * width;
    w.u = w.d + (int64_t)POINTS * w.part * w.k_blocks * width;
    w.all = w.u + (int64_t)POINTS * w.c_blocks * w.k_blocks * width * width;
    return w;
}

const char *
oc_conv_winograd_weight_refuse(const struct oc_node *node,
                               const struct oc_caps *caps)
{
    const struct oc_conv_window v = oc_conv_window_of(node);
    const char *why = oc_conv_blocked_cannot(node, caps, &v);
    struct weighing w;

    if (!why)
        why = oc_conv_winograd_window(&v);
    if (why)
        return why;
    w = weighing_of(&v, caps);
    if (w.all > INT32_MAX)
        return "so many sums at the points are not counted by 32 bits";
    if (w.total == 0)
        return "there is no tile";
    if (caps->eager)
        return NULL;
    if (v.c < LEAST_CHANNELS || v.k < LEAST_CHANNELS)
        return "with fewer than 32 channels the way there costs more than it "
               "saves";
    if (w.total < LEAST_TILES)
        return "with fewer than 256 tiles the way back costs more than it "
               "saves";
    return NULL;
}

void
oc_conv_winograd_weight_layouts(const struct oc_node *node,
                                const struct oc_caps *caps,
                                struct oc_layout in[], struct oc_layout out[],
                                size_t *scratch)
{
    const struct oc_conv_window v = oc_conv_window_of(node);
    const int b = caps->vector_width;

    for (int k = 0; k < 2; k++)
        if (in[k].block != b)
            in[k] = (struct oc_layout){.block = b};
    out[0] = OC_PLAIN;
    *scratch = sizeof(float) * (size_t)weighing_of(&v, caps).all;
}

/* ---- launches ----------------------------------------------------------- */

static struct oc_step *
start(struct oc_steps *steps, const char *kernel)
{
    const int b = steps->caps->vector_width;
    struct oc_step *launch = oc_launch(steps, "conv_winograd_weight", kernel);

    oc_define(steps, launch, "BLOCK", b);
    oc_define(steps, launch, "COLUMNS", b / 2);
    oc_define(steps, launch, "VECTORS", VECTORS);
    return launch;
}

/* Tiles of a work-item: four items for every core, or more of some 20 us. */
static int
share(int tiles, int blocks, const struct oc_caps *caps)
{
    int items = (4 * caps->compute_units + blocks - 1) / blocks;

    if (items < tiles / 256)
        items = tiles / 256;
    return items < tiles ? (tiles + items - 1) / items : 1;
}

static void
to_points(struct oc_steps *steps, const struct weighing *w, int first,
          int tiles)
{
    const struct oc_operand *in = &steps->in[0];
    const struct oc_blocked x = oc_blocked_of(&in->layout, &in->value->shape);
    const int part = share(tiles, w->c_blocks, steps->caps);
    const int64_t *dim = in->value->shape.dim;
    struct oc_step *launch = start(steps, "winograd_weight_x");

    oc_arg_in(steps, launch, 0);
    oc_arg_scratch(steps, launch);
    oc_conv_push(steps, launch,
                 (int[]){x.base, x.image, x.plane, x.row, (int)dim[2],
                         (int)dim[3], in->layout.halo, w->pad[0], w->pad[1],
                         w->down, w->across, first, tiles, part, w->c_blocks},
                 15);
    oc_grid3(launch, (tiles + part - 1) / part, w->c_blocks, 1, 1, 1, 1);
}

static void
gradient_to_points(struct oc_steps *steps, const struct weighing *w, int first,
                   int tiles)
{
    const struct oc_operand *in = &steps->in[1];
    const struct oc_blocked y = oc_blocked_of(&in->layout, &in->value->shape);
    const int part = share(tiles, w->k_blocks, steps->caps);
    struct oc_step *launch = start(steps, "winograd_weight_dy");

    oc_arg_in(steps, launch, 1);
    oc_arg_scratch(steps, launch);
    oc_conv_push(steps, launch,
                 (int[]){(int)w->d, y.base, y.image, y.plane, y.row, w->out[0],
                         w->out[1], w->down, w->across, first, tiles, part,
                         w->k_blocks},
                 13);
    oc_grid3(launch, (tiles + part - 1) / part, w->k_blocks, 1, 1, 1, 1);
}

static void
add_up(struct oc_steps *steps, const struct weighing *w, int tiles, int begins,
       double flops)
{
    struct oc_step *launch = start(steps, "winograd_weight_sum");

    oc_arg_scratch(steps, launch);
    oc_conv_push(
        steps, launch,
        (int[]){(int)w->d, (int)w->u, tiles, w->c_blocks, w->k_blocks, begins},
        6);
    oc_grid3(launch, (w->k_blocks + VECTORS - 1) / VECTORS, w->c_blocks, POINTS,
             1, 1, 1);
    oc_cost(launch, flops, 0.0);
}

static void
from_points(struct oc_steps *steps, const struct weighing *w)
{
    const int b = steps->caps->vector_width;
    const int run = 16;
    struct oc_step *launch = start(steps, "winograd_weight_taps");

    oc_arg_scratch(steps, launch);
    oc_arg_out(steps, launch, 0);
    oc_conv_push(
        steps, launch,
        (int[]){(int)w->u, w->c, w->k, w->c_blocks * b, w->k_blocks, run}, 6);
    oc_grid3(launch, (w->c + run - 1) / run, w->k_blocks, 1, 1, 1, 1);
}

ocellus_status
oc_conv_winograd_weight(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_conv_window v = oc_conv_window_of(node);
    const struct weighing w = weighing_of(&v, steps->caps);
    const double flops = oc_conv_flops(&v);

    for (int first = 0; first < w.total; first += w.part) {
        const int left = w.total - first;
        const int tiles = left < w.part ? left : w.part;

        to_points(steps, &w, first, tiles);
        gradient_to_points(steps, &w, first, tiles);
        add_up(steps, &w, tiles, first == 0, flops * tiles / w.total);
    }
    if (w.total > 0)
        from_points(steps, &w);
    return steps->status;
}

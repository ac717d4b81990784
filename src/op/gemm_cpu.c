/* gemm_cpu.c - matrix products on CPU-class devices: which kernel of
 * cl/gemm_cpu.cl, which register tile, which blocks.
 *
 * Blocks are chosen for the caches and for a few equal work-groups per core;
 * they depend on the shape and the capabilities alone, so the same sums are
 * made in the same order each time.
 */
#include "op/epilogue.h"
#include "op/gemm.h"

enum { FEW = 4 };       /* rows of A that make it a matter of bandwidth */
enum { SOME = 24 };     /* that still read a transposed B where it lies */
enum { DEEPEST = 256 }; /* rows of B in a block: PANEL x 256 fits into L1 */

struct blocking {
    const char *kernel;
    int width, rows, vecs; /* register tile */
    int dots;              /* of gemm_dots */
    int tile_m, tile_n, tile_k;
};

static int
divide_up(int64_t a, int64_t b)
{
    return (int)((a + b - 1) / b);
}

static int
round_up(int a, int unit)
{
    return divide_up(a, unit) * unit;
}

static int
cores_of(const struct oc_caps *caps)
{
    return caps->compute_units > 0 ? caps->compute_units : 1;
}

/* Work-groups of a product, where there is so much to do. */
static int
most_groups(const struct oc_caps *caps)
{
    int per_core = 4;

    if (oc_caps_way(caps, "fine"))
        per_core = 8;
    if (oc_caps_way(caps, "coarse"))
        per_core = 2;
    return per_core * cores_of(caps);
}

static int
width_of(const struct oc_caps *caps)
{
    if (caps->vector_width >= 16)
        return 16;
    return caps->vector_width >= 8 ? 8 : 4;
}

/* Rows of the register tile: all that fit, unless more than a quarter of them
 * would work for nothing; few different numbers make few programs. */
static int
rows_of(const struct oc_caps *caps, int m)
{
    int most = caps->vector_registers >= 32 ? 14 : 6;

    if (round_up(m, most) <= m + m / 4)
        return most;
    return divide_up(m, divide_up(m, most));
}

/* m <= FEW: B is read once, where it lies. */
static struct blocking
block_few(const struct oc_product *p, const struct oc_caps *caps)
{
    static const int vecs[] = {8, 6, 4, 3}, dots[] = {4, 4, 4, 3};
    struct blocking b = {.width = width_of(caps), .rows = p->m};
    int groups = most_groups(caps), unit;

    b.kernel = p->transpose_b ? "gemm_dots" : "gemm_rows";
    b.vecs = p->transpose_b ? 1 : vecs[p->m - 1];
    b.dots = dots[p->m - 1];
    unit = p->transpose_b ? b.dots : b.vecs * b.width;
    b.tile_n = round_up(divide_up(p->n, groups), unit);
    b.tile_m = p->m;
    b.tile_k = p->k;
    return b;
}

/* m <= SOME, B transposed: it comes through memory once, in pieces of rows
 * that stay in the first cache. */
static struct blocking
block_some(const struct oc_product *p, const struct oc_caps *caps)
{
    const int groups = most_groups(caps), dots = 4;

    return (struct blocking){
        .kernel = "gemm_dots_in_turn",
        .width = width_of(caps),
        .rows = caps->vector_registers >= 32 ? 6 : 3,
        .vecs = 1,
        .dots = dots,
        .tile_m = p->m,
        .tile_n = round_up(divide_up(p->n, groups), dots),
        .tile_k = 1024,
    };
}

/* Bytes of local memory: panels of B, and a strip of a turned A. */
static size_t
local_bytes(const struct blocking *b)
{
    return sizeof(float) * (size_t)b->tile_k * (size_t)(b->tile_n + b->rows);
}

/* Four to a core, but none of less than some microseconds. */
static int
groups_of(const struct oc_product *p, const struct oc_caps *caps)
{
    const int most = most_groups(caps);
    const double worth = oc_product_flops(p) / 4e5;

    if (worth >= most)
        return most;
    return worth > 1 ? (int)worth : 1;
}

/* Columns of a block: the most, up to eight panels, that give `wanted` blocks
 * without cutting the rows too; 0 when n is too small for that. */
static int
columns_of(const struct oc_product *p, int panel, int wanted)
{
    for (int columns = 8 * panel; columns >= panel; columns /= 2)
        if ((int64_t)divide_up(p->n, columns) * p->count >= wanted)
            return columns;
    return 0;
}

/* The same with rows cut into pieces of at least `least`, each of which packs
 * its columns of B again. */
static int
columns_of_pieces(const struct oc_product *p, int panel, int wanted, int least)
{
    for (int columns = 8 * panel; columns > panel; columns /= 2)
        if ((int64_t)divide_up(p->n, columns) * p->count * (p->m / least) >=
            wanted)
            return columns;
    return panel;
}

static struct blocking
block_many(const struct oc_product *p, const struct oc_caps *caps)
{
    struct blocking b = {.kernel = "gemm_tiles",
                         .width = width_of(caps),
                         .rows = rows_of(caps, p->m),
                         .vecs = 2};
    int panel = b.vecs * b.width, wanted = groups_of(p, caps);
    int deepest = oc_caps_way(caps, "deep") ? 2 * DEEPEST : DEEPEST;

    b.tile_k = p->k > 0 ? divide_up(p->k, divide_up(p->k, deepest)) : 1;
    /* A turned A is gathered again for each block of columns: cut rows. */
    b.tile_n = p->transpose_a ? 0 : columns_of(p, panel, wanted);
    if (b.tile_n == 0)
        b.tile_n = columns_of_pieces(p, panel, wanted,
                                     (p->transpose_a ? 4 : 16) * b.rows);
    b.tile_n = round_up(divide_up(p->n, divide_up(p->n, b.tile_n)), panel);
    while (local_bytes(&b) > caps->local_memory / 2 && b.tile_n > panel)
        b.tile_n = round_up(b.tile_n / 2, panel);
    while (local_bytes(&b) > caps->local_memory && b.tile_k > 1)
        b.tile_k = divide_up(b.tile_k, 2);
    b.tile_m = divide_up(
        p->m, divide_up(wanted, (int64_t)divide_up(p->n, b.tile_n) * p->count));
    b.tile_m = round_up(b.tile_m, b.rows);
    return b;
}

static struct blocking
block(const struct oc_product *p, const struct oc_caps *caps)
{
    if (p->m <= FEW && !(p->transpose_b && p->transpose_a && p->m > 1))
        return block_few(p, caps);
    if (p->m <= SOME && p->transpose_b && !p->transpose_a)
        return block_some(p, caps);
    return block_many(p, caps);
}

const char *
oc_gemm_cpu_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    struct oc_product p;

    if (!caps->cpu)
        return "its kernels are made for CPU-class devices";
    if (node->in[0]->type != OCELLUS_FLOAT)
        return "float32 only";
    if (oc_product_of(node, &p) != OCELLUS_OK)
        return "a tensor is too large";
    if (p.batches > 2)
        return "the batch broadcasts along more than two axes";
    return NULL;
}

static void
push_product(struct oc_steps *steps, struct oc_step *launch,
             const struct oc_product *p, const struct oc_factors *at)
{
    int inner = p->batches - 1, outer = p->batches - 2;

    oc_arg_place(steps, launch, at->a, 0);
    oc_arg_place(steps, launch, at->b, 0);
    oc_arg_place(steps, launch, p->has_c ? at->c : at->b, 0);
    oc_arg_place(steps, launch, at->y, 1);
    oc_arg_int(steps, launch, p->m);
    oc_arg_int(steps, launch, p->n);
    oc_arg_int(steps, launch, p->k);
    oc_arg_int(steps, launch, p->transpose_a ? 1 : p->k);
    oc_arg_int(steps, launch, p->transpose_a ? p->m : 1);
    oc_arg_int(steps, launch, p->transpose_b ? 1 : p->n);
    oc_arg_int(steps, launch, p->transpose_b ? p->k : 1);
    oc_arg_int(steps, launch, p->c_row);
    oc_arg_int(steps, launch, p->c_column);
    oc_arg_float(steps, launch, p->alpha);
    oc_arg_float(steps, launch, p->has_c ? p->beta : 0);
    oc_arg_int(steps, launch, inner >= 0 ? p->batch[inner] : 1);
    oc_arg_int(steps, launch, outer >= 0 ? p->stride_a[outer] : 0);
    oc_arg_int(steps, launch, outer >= 0 ? p->stride_b[outer] : 0);
    oc_arg_int(steps, launch, inner >= 0 ? p->stride_a[inner] : 0);
    oc_arg_int(steps, launch, inner >= 0 ? p->stride_b[inner] : 0);
}

void
oc_product_cpu(struct oc_steps *steps, const struct oc_product *p,
               const struct oc_factors *at)
{
    struct blocking b = block(p, steps->caps);
    struct oc_step *launch = oc_launch(steps, "gemm_cpu", b.kernel);

    oc_define(steps, launch, "WIDTH", b.width);
    oc_define(steps, launch, "ROWS", b.rows);
    oc_define(steps, launch, "VECS", b.vecs);
    if (b.dots)
        oc_define(steps, launch, "DOTS", b.dots);
    else
        oc_define(steps, launch, "TURNED_A", p->transpose_a);
    push_product(steps, launch, p, at);
    oc_arg_int(steps, launch, b.tile_m);
    oc_arg_int(steps, launch, b.tile_n);
    oc_arg_int(steps, launch, b.tile_k);
    if (!b.dots)
        oc_arg_local(steps, launch, local_bytes(&b));
    oc_epilogue(steps, launch, NULL);
    oc_grid3(launch, divide_up(p->n, b.tile_n), divide_up(p->m, b.tile_m),
             p->count, 1, 1, 1);
    oc_cost(
        launch, oc_product_flops(p),
        4.0 * p->count *
            ((double)p->m * p->k + (double)p->k * p->n + (double)p->m * p->n));
}

ocellus_status
oc_gemm_cpu(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_product p;
    struct oc_factors at;

    OC_TRY(oc_product_of(node, &p));
    if (oc_shape_count(&node->out[0]->shape) == 0)
        return OCELLUS_OK;
    at = oc_factors_of(steps, &p);
    oc_product_cpu(steps, &p, &at);
    return OCELLUS_OK;
}

/* gemm_amx.c - matrix products in bfloat16, as launches of cl/gemm_amx.cl.
 *
 * Tensors stay float; A and B are rounded to bfloat16, 8 binary digits, where
 * they are laid out for tiles: B by a launch of its own, which for weights is
 * made once, A by those who multiply. Sums are float. Whole numbers of up to
 * 256 are not changed by it.
 */
#include "op/epilogue.h"
#include "op/gemm.h"

enum {
    BLOCK = 16, /* columns in a tile of B */
    CHUNK = 32, /* rows in it */
    PAIR = 32,  /* rows, columns of four tiles of Y */
    TILE_BYTES = 1024,
    WIDEST = 256,  /* rows, columns of Y that a work-item makes */
    DEEPEST = 512, /* a pair of B's blocks so deep fills the first cache */
    STRETCH = 8    /* tiles of B that a work-item lays out */
};

struct tiles {
    int m, n, k; /* of a work-item */
};

static int
divide_up(int64_t a, int64_t b)
{
    return (int)((a + b - 1) / b);
}

/* The fewest equal parts of at most `most`, in whole units. */
static int
even_part(int whole, int most, int unit)
{
    return divide_up(divide_up(whole, divide_up(whole, most)), unit) * unit;
}

/* ---- B ------------------------------------------------------------------ */

/* Batch axis `axis`, 0 the innermost: its place in the lists, or -1. */
static int
axis_of(const struct oc_product *p, int axis)
{
    return p->batches > axis ? p->batches - 1 - axis : -1;
}

/* Different matrices B along that axis. */
static int
matrices_along(const struct oc_product *p, int axis)
{
    const int at = axis_of(p, axis);

    return at >= 0 && p->stride_b[at] != 0 ? p->batch[at] : 1;
}

/* Matrices B in the packing from one index of the axis to the next. */
static int
step_along(const struct oc_product *p, int axis)
{
    if (matrices_along(p, axis) == 1)
        return 0;
    return axis == 0 ? 1 : matrices_along(p, 0);
}

static int
stride(const struct oc_product *p, const int *list, int axis)
{
    const int at = axis_of(p, axis);

    return at >= 0 ? list[at] : 0;
}

/* One matrix B of a graph is laid out by the planner, once for all who
 * multiply by it; many by the product, in its scratch. */
static int
is_one(const struct oc_node *node)
{
    return node->in[1]->shape.rank == 2;
}

static size_t
packed_bytes(const struct oc_product *p)
{
    return (size_t)matrices_along(p, 0) * (size_t)matrices_along(p, 1) *
           (size_t)divide_up(p->n, BLOCK) * (size_t)divide_up(p->k, CHUNK) *
           TILE_BYTES;
}

static void
define_amx(struct oc_steps *steps, struct oc_step *launch)
{
    if (steps->caps->amx == OC_AMX_INSTRUCTIONS)
        oc_define(steps, launch, "OC_AMX", 1);
}

void
oc_gemm_amx_pack(struct oc_steps *steps, const struct oc_product *p, int from,
                 int to)
{
    struct oc_step *launch = oc_launch(steps, "gemm_amx", "gemm_amx_pack");

    define_amx(steps, launch);
    oc_arg_place(steps, launch, from, 0);
    oc_arg_place(steps, launch, to, 1);
    oc_arg_int(steps, launch, p->n);
    oc_arg_int(steps, launch, p->k);
    oc_arg_int(steps, launch, p->transpose_b ? 1 : p->n);
    oc_arg_int(steps, launch, p->transpose_b ? p->k : 1);
    oc_arg_int(steps, launch, matrices_along(p, 0));
    oc_arg_int(steps, launch, stride(p, p->stride_b, 1));
    oc_arg_int(steps, launch, stride(p, p->stride_b, 0));
    oc_arg_int(steps, launch, STRETCH);
    oc_grid3(launch, divide_up(divide_up(p->k, CHUNK), STRETCH),
             divide_up(p->n, BLOCK),
             (int64_t)matrices_along(p, 0) * matrices_along(p, 1), 1, 1, 1);
    oc_cost(launch, 0.0, 3.0 * (double)packed_bytes(p));
}

/* ---- what it takes ------------------------------------------------------ */

static const char *
cannot(const struct oc_product *p, const struct oc_caps *caps)
{
    if (p->batches > 2)
        return "the batch broadcasts along more than two axes";
    if (p->k == 0)
        return "there is nothing to multiply";
    if (caps->eager)
        return NULL;
    if (p->m < BLOCK)
        return "with fewer than 16 rows, its tiles' work would be wasted on "
               "rows that are none";
    if (p->n < BLOCK)
        return "with fewer than 16 columns, its tiles' work would be wasted "
               "on columns that are none";
    if (p->k < CHUNK / 2)
        return "with sums of fewer than 16 products its tiles would be half "
               "empty";
    return NULL;
}

const char *
oc_gemm_amx_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    struct oc_product p;

    if (!caps->amx)
        return "the device has no AMX";
    if (node->in[0]->type != OCELLUS_FLOAT)
        return "float32 only";
    if (oc_product_of(node, &p) != OCELLUS_OK)
        return "a tensor is too large";
    return cannot(&p, caps);
}

void
oc_gemm_amx_layouts(const struct oc_node *node, const struct oc_caps *caps,
                    struct oc_layout in[], struct oc_layout out[],
                    size_t *scratch)
{
    struct oc_product p;

    (void)caps;
    (void)out;
    for (int k = 0; k < node->n_in; k++)
        in[k] = OC_PLAIN;
    if (oc_product_of(node, &p) != OCELLUS_OK)
        return;
    if (is_one(node))
        in[1] = (struct oc_layout){.block = BLOCK,
                                   .pack = p.transpose_b ? OC_PACK_AMX
                                                         : OC_PACK_AMX_FLIP};
    else
        *scratch = packed_bytes(&p);
}

/* ---- the product -------------------------------------------------------- */

/* Bytes of local memory. */
static size_t
near_bytes(const struct tiles *t)
{
    return 4 * (size_t)t->m * (size_t)t->n + 2 * (size_t)t->m * (size_t)t->k;
}

/* Half of the core's cache; B goes through the rest. */
static size_t
room_of(const struct oc_caps *caps)
{
    const size_t half = (caps->cache ? caps->cache : 1048576) / 2;

    return half < caps->local_memory ? half : caps->local_memory;
}

/* Work-items that are worth it: none of less than some microseconds. */
static double
wanted(const struct oc_product *p, const struct oc_caps *caps)
{
    const double most = 4.0 * caps->compute_units;
    const double worth = oc_product_flops(p) / 4e6;

    return worth < most ? worth : most;
}

static double
items_of(const struct oc_product *p, const struct tiles *t)
{
    return (double)divide_up(p->m, t->m) * divide_up(p->n, t->n) * p->count;
}

/* The longer side by a pair shorter, until it fits and every core has work. */
static struct tiles
tiles_of(const struct oc_product *p, const struct oc_caps *caps)
{
    const size_t room = room_of(caps);
    struct tiles t = {even_part(p->m, WIDEST, PAIR),
                      even_part(p->n, WIDEST, PAIR),
                      even_part(p->k, DEEPEST, CHUNK)};

    while ((t.m > PAIR || t.n > PAIR) &&
           (near_bytes(&t) > room || items_of(p, &t) < wanted(p, caps)))
        if (t.m > t.n)
            t.m = even_part(p->m, (t.m - 1) / PAIR * PAIR, PAIR);
        else
            t.n = even_part(p->n, (t.n - 1) / PAIR * PAIR, PAIR);
    while (near_bytes(&t) > room && t.k > CHUNK)
        t.k = even_part(p->k, t.k - CHUNK, CHUNK);
    return t;
}

static void
push_product(struct oc_steps *steps, struct oc_step *launch,
             const struct oc_product *p)
{
    const int inner = axis_of(p, 0);

    oc_arg_int(steps, launch, p->m);
    oc_arg_int(steps, launch, p->n);
    oc_arg_int(steps, launch, p->k);
    oc_arg_int(steps, launch, p->transpose_a ? 1 : p->k);
    oc_arg_int(steps, launch, p->transpose_a ? p->m : 1);
    oc_arg_int(steps, launch, p->c_row);
    oc_arg_int(steps, launch, p->c_column);
    oc_arg_float(steps, launch, p->alpha);
    oc_arg_float(steps, launch, p->has_c ? p->beta : 0);
    oc_arg_int(steps, launch, inner >= 0 ? p->batch[inner] : 1);
    oc_arg_int(steps, launch, stride(p, p->stride_a, 1));
    oc_arg_int(steps, launch, step_along(p, 1));
    oc_arg_int(steps, launch, stride(p, p->stride_a, 0));
    oc_arg_int(steps, launch, step_along(p, 0));
}

static void
multiply(struct oc_steps *steps, const struct oc_product *p,
         const struct oc_factors *at)
{
    const struct tiles t = tiles_of(p, steps->caps);
    struct oc_step *launch = oc_launch(steps, "gemm_amx", "gemm_amx");

    define_amx(steps, launch);
    oc_arg_place(steps, launch, at->a, 0);
    oc_arg_place(steps, launch, at->b, 0);
    oc_arg_place(steps, launch, p->has_c ? at->c : at->a, 0);
    oc_arg_place(steps, launch, at->y, 1);
    oc_arg_local(steps, launch, near_bytes(&t));
    push_product(steps, launch, p);
    oc_arg_int(steps, launch, t.m);
    oc_arg_int(steps, launch, t.n);
    oc_arg_int(steps, launch, t.k);
    oc_epilogue(steps, launch, NULL);
    oc_grid3(launch, divide_up(p->n, t.n), divide_up(p->m, t.m), p->count, 1, 1,
             1);
    oc_cost(launch, oc_product_flops(p),
            4.0 * p->count * ((double)p->m * p->k + (double)p->m * p->n) +
                (double)packed_bytes(p));
}

ocellus_status
oc_gemm_amx(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_product p;
    struct oc_factors at;

    OC_TRY(oc_product_of(node, &p));
    if (oc_shape_count(&node->out[0]->shape) == 0)
        return OCELLUS_OK;
    at = oc_factors_of(steps, &p);
    if (!is_one(node)) {
        oc_gemm_amx_pack(steps, &p, at.b, steps->scratch);
        at.b = steps->scratch;
    }
    multiply(steps, &p, &at);
    return steps->status;
}

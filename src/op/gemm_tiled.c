/* gemm_tiled.c - matrix products on GPU-class devices, in tiles
 * (cl/gemm_tiled.cl), and the launches of those by tensor cores, too. */
#include "base/type.h"
#include "op/epilogue.h"
#include "op/gemm.h"
#include "op/tile.h"

struct oc_tiled
oc_gemm_tiled_of(const struct oc_product *p, int whole, int tensor)
{
    int depth = tensor ? OC_TENSOR_DEPTH : OC_TILE_DEPTH;

    return (struct oc_tiled){.rows = p->m,
                             .columns = p->n,
                             .copies = p->count,
                             .steps = ((int64_t)p->k + depth - 1) / depth,
                             .count = (int64_t)p->m * p->n * p->count,
                             .whole = whole || p->count > 1,
                             .tensor = tensor ? 3 : 0};
}

const char *
oc_product_tiled_refuse(const struct oc_product *p, const struct oc_caps *caps)
{
    struct oc_tiled tiled = oc_gemm_tiled_of(p, 1, 0);

    if (caps->cpu)
        return "tiles in local memory are made for GPUs";
    if (p->batches > 2)
        return "the batch broadcasts along more than two axes";
    return oc_tiling_refuse(&tiled, caps);
}

const char *
oc_gemm_tiled_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    ocellus_type type = node->in[0]->type;
    struct oc_product p;

    if (type != OCELLUS_FLOAT && type != OCELLUS_FLOAT16 &&
        type != OCELLUS_BFLOAT16)
        return "it sums in float32";
    if (oc_product_of(node, &p) != OCELLUS_OK)
        return "a tensor is too large";
    return oc_product_tiled_refuse(&p, caps);
}

void
oc_gemm_tiles_layouts(const struct oc_node *node, const struct oc_caps *caps,
                      int tensor, struct oc_layout in[], struct oc_layout out[],
                      size_t *scratch)
{
    struct oc_product p;
    struct oc_tiled tiled;
    struct oc_tiling tiling;

    for (int k = 0; k < node->n_in; k++)
        in[k] = OC_PLAIN;
    out[0] = OC_PLAIN;
    if (oc_product_of(node, &p) != OCELLUS_OK)
        return;
    tiled = oc_gemm_tiled_of(&p, 0, tensor);
    tiling = oc_tiling_of(&tiled, caps);
    *scratch = oc_tiling_scratch(&tiling, tiled.count);
}

void
oc_gemm_tiled_layouts(const struct oc_node *node, const struct oc_caps *caps,
                      struct oc_layout in[], struct oc_layout out[],
                      size_t *scratch)
{
    oc_gemm_tiles_layouts(node, caps, 0, in, out, scratch);
}

/* Every vector of so many factors lies at a multiple of that, and wholly in its
 * row. */
static int
in_vectors(const struct oc_product *p, int width)
{
    int in = (p->transpose_a ? p->m : p->k) % width == 0 &&
             (p->transpose_b ? p->k : p->n) % width == 0;

    for (int k = 0; k < p->batches; k++)
        in = in && p->stride_a[k] % width == 0 && p->stride_b[k] % width == 0;
    return in;
}

static void
push_batches(struct oc_steps *steps, struct oc_step *launch,
             const struct oc_product *p)
{
    int near = p->batches - 1, far = p->batches - 2;

    oc_arg_int(steps, launch, near < 0 ? 1 : p->batch[near]);
    oc_arg_int(steps, launch, far < 0 ? 0 : p->stride_a[far]);
    oc_arg_int(steps, launch, far < 0 ? 0 : p->stride_b[far]);
    oc_arg_int(steps, launch, near < 0 ? 0 : p->stride_a[near]);
    oc_arg_int(steps, launch, near < 0 ? 0 : p->stride_b[near]);
}

static struct oc_step *
multiply(struct oc_steps *steps, const struct oc_product *p,
         const struct oc_factors *at, ocellus_type type,
         const struct oc_tiled *tiled, const struct oc_tiling *tiling)
{
    const char *name = tiled->tensor ? "gemm_tensor" : "gemm_tiled";
    struct oc_step *launch = oc_launch(steps, name, name);

    oc_define_type(steps, launch, "a", type);
    oc_define(steps, launch, "TURNED_A", p->transpose_a);
    oc_define(steps, launch, "TURNED_B", p->transpose_b);
    if (tiled->tensor) {
        oc_define(steps, launch, "EIGHTS", in_vectors(p, 8));
        oc_define(steps, launch, "PAIRS", p->n % 2 == 0);
    } else {
        oc_define(steps, launch, "FOURS", in_vectors(p, 4) && p->n % 4 == 0);
        oc_tile_define_halves(steps, launch, type);
    }
    oc_define(steps, launch, "PARTS", tiling->splits > 1);
    oc_arg_place(steps, launch, at->a, 0);
    oc_arg_place(steps, launch, at->b, 0);
    oc_arg_place(steps, launch, p->has_c ? at->c : at->b, 0);
    if (tiling->splits > 1)
        oc_arg_scratch(steps, launch);
    else
        oc_arg_place(steps, launch, at->y, 1);
    oc_arg_int(steps, launch, p->m);
    oc_arg_int(steps, launch, p->n);
    oc_arg_int(steps, launch, p->k);
    push_batches(steps, launch, p);
    oc_arg_int(steps, launch, p->c_row);
    oc_arg_int(steps, launch, p->c_column);
    oc_arg_float(steps, launch, p->alpha);
    oc_arg_float(steps, launch, p->has_c ? p->beta : 0);
    oc_arg_int(steps, launch, tiling->each);
    oc_arg_int(steps, launch, tiled->count);
    oc_tiling_launch(launch, steps, tiled, tiling);
    oc_cost(
        launch, oc_product_flops(p),
        (double)oc_type_size(type) * p->count *
            ((double)p->m * p->k + (double)p->k * p->n + (double)p->m * p->n));
    return launch;
}

void
oc_product_tiled(struct oc_steps *steps, const struct oc_product *p,
                 const struct oc_factors *at, ocellus_type type)
{
    struct oc_tiled tiled = oc_gemm_tiled_of(p, 1, 0);
    struct oc_tiling tiling = oc_tiling_of(&tiled, steps->caps);

    oc_epilogue(steps, multiply(steps, p, at, type, &tiled, &tiling), NULL);
}

ocellus_status
oc_gemm_tiles(struct oc_steps *steps, const struct oc_node *node, int tensor)
{
    struct oc_product p;
    struct oc_factors at;
    struct oc_tiled tiled;
    struct oc_tiling tiling;
    struct oc_tile_sum sum;
    struct oc_step *launch;

    OC_TRY(oc_product_of(node, &p));
    at = oc_factors_of(steps, &p);
    tiled = oc_gemm_tiled_of(&p, 0, tensor);
    tiling = oc_tiling_of(&tiled, steps->caps);
    launch = multiply(steps, &p, &at, node->in[0]->type, &tiled, &tiling);
    if (tiling.splits == 1) {
        oc_epilogue(steps, launch, NULL);
        return OCELLUS_OK;
    }
    sum = (struct oc_tile_sum){.c = p.has_c ? 2 : 0,
                               .fast = p.n,
                               .slow = p.m,
                               .row = p.c_row,
                               .column = p.c_column,
                               .alpha = p.alpha,
                               .beta = p.has_c ? p.beta : 0};
    oc_tile_sum(steps, &tiling, tiled.count, &sum);
    return OCELLUS_OK;
}

ocellus_status
oc_gemm_tiled(struct oc_steps *steps, const struct oc_node *node)
{
    return oc_gemm_tiles(steps, node, 0);
}

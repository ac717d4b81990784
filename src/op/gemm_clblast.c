/* gemm_clblast.c - matrix products by CLBlast, for GPU-class devices.
 *
 * The library does alpha op(A) op(B) + beta Y where Y lies: C is copied there
 * before, and an epilogue passes over Y afterwards.
 */
#include "op/epilogue.h"
#include "op/gemm.h"

const char *
oc_gemm_clblast_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    struct oc_product p;

    if (caps->cpu)
        return "CLBlast is made for GPUs; on a CPU it is several times slower";
    if (!caps->clblast)
        return "CLBlast cannot be used on this device";
    if (node->in[0]->type != OCELLUS_FLOAT)
        return "float32 only";
    if (oc_product_of(node, &p) != OCELLUS_OK)
        return "a tensor is too large";
    if (p.batches > 1)
        return "the batch broadcasts along more than one axis";
    if (p.m == 0 || p.n == 0 || p.k == 0 || p.count == 0)
        return "an extent is 0";
    if (caps->way && !oc_gemm_set_of(&p, caps))
        return "these parameters are for products of another shape, or want "
               "more local memory";
    return NULL;
}

static void
start(struct oc_steps *steps, const struct oc_product *p)
{
    struct oc_step *launch = oc_launch(steps, "gemm", "gemm_start");

    oc_define_type(steps, launch, "a", OCELLUS_FLOAT);
    oc_arg_in(steps, launch, 2);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, (int64_t)p->m * p->n);
    oc_arg_int(steps, launch, p->n);
    oc_arg_int(steps, launch, p->c_row);
    oc_arg_int(steps, launch, p->c_column);
    oc_grid1(launch, (int64_t)p->m * p->n, 0);
    oc_cost(launch, 0, 8.0 * p->m * p->n);
}

static void
finish(struct oc_steps *steps, int64_t count)
{
    struct oc_step *launch = oc_launch(steps, "gemm", "gemm_finish");

    oc_define_type(steps, launch, "a", OCELLUS_FLOAT);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, count);
    oc_epilogue(steps, launch, NULL);
    oc_grid1(launch, count, 0);
    oc_cost(launch, 0, 8.0 * (double)count);
}

void
oc_product_clblast(struct oc_steps *steps, const struct oc_product *p,
                   const struct oc_factors *at)
{
    struct oc_gemm gemm = {0};

    gemm.transpose_a = p->transpose_a;
    gemm.transpose_b = p->transpose_b;
    gemm.m = p->m;
    gemm.n = p->n;
    gemm.k = p->k;
    gemm.lda = p->transpose_a ? p->m : p->k;
    gemm.ldb = p->transpose_b ? p->k : p->n;
    gemm.ldc = p->n;
    gemm.batch = p->count;
    gemm.stride_a = p->batches ? p->stride_a[0] : 0;
    gemm.stride_b = p->batches ? p->stride_b[0] : 0;
    gemm.stride_c = (int64_t)p->m * p->n;
    gemm.alpha = p->alpha;
    gemm.beta = p->has_c ? p->beta : 0;
    gemm.a = at->a;
    gemm.b = at->b;
    gemm.c = at->y;
    gemm.set = oc_gemm_set_of(p, steps->caps);
    oc_emit_gemm(steps, &gemm);
}

ocellus_status
oc_gemm_clblast(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_product p;
    struct oc_factors at;

    OC_TRY(oc_product_of(node, &p));
    if (p.has_c)
        start(steps, &p);
    at = oc_factors_of(steps, &p);
    oc_product_clblast(steps, &p, &at);
    if (node->epilogue)
        finish(steps, oc_shape_count(&node->out[0]->shape));
    return OCELLUS_OK;
}

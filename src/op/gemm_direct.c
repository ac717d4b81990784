/* gemm_direct.c - the plain sums of cl/gemm.cl: any type, any batch. */
#include "base/type.h"
#include "op/epilogue.h"
#include "op/gemm.h"

static void
push_batches(struct oc_steps *steps, struct oc_step *launch,
             const struct oc_product *p)
{
    int unused = OC_MAX_BATCH - p->batches;

    for (int i = 0; i < OC_MAX_BATCH; i++) {
        int at = i - unused;

        oc_arg_int(steps, launch, at < 0 ? 1 : p->batch[at]);
        oc_arg_int(steps, launch, at < 0 ? 0 : p->stride_a[at]);
        oc_arg_int(steps, launch, at < 0 ? 0 : p->stride_b[at]);
    }
}

static void
push_strides(struct oc_steps *steps, struct oc_step *launch, int turned,
             int rows, int columns)
{
    oc_arg_int(steps, launch, turned ? 1 : columns);
    oc_arg_int(steps, launch, turned ? rows : 1);
}

void
oc_product_direct(struct oc_steps *steps, const struct oc_product *p,
                  const struct oc_factors *at, ocellus_type type)
{
    int64_t count = (int64_t)p->count * p->m * p->n;
    struct oc_step *launch = oc_launch(steps, "gemm", "gemm");

    oc_define_type(steps, launch, "a", type);
    oc_arg_place(steps, launch, at->a, 0);
    oc_arg_place(steps, launch, at->b, 0);
    oc_arg_place(steps, launch, p->has_c ? at->c : at->b, 0);
    oc_arg_place(steps, launch, at->y, 1);
    oc_arg_int(steps, launch, count);
    oc_arg_int(steps, launch, p->m);
    oc_arg_int(steps, launch, p->n);
    oc_arg_int(steps, launch, p->k);
    push_strides(steps, launch, p->transpose_a, p->m, p->k);
    push_strides(steps, launch, p->transpose_b, p->k, p->n);
    oc_arg_int(steps, launch, p->c_row);
    oc_arg_int(steps, launch, p->c_column);
    oc_arg_float(steps, launch, p->alpha);
    oc_arg_float(steps, launch, p->has_c ? p->beta : 0);
    push_batches(steps, launch, p);
    oc_epilogue(steps, launch, NULL);
    oc_grid1(launch, count, 0);
    oc_cost(
        launch, oc_product_flops(p),
        (double)oc_type_size(type) * p->count *
            ((double)p->m * p->k + (double)p->k * p->n + (double)p->m * p->n));
}

ocellus_status
oc_gemm_direct(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_product p;
    struct oc_factors at;

    OC_TRY(oc_product_of(node, &p));
    if (oc_shape_count(&node->out[0]->shape) == 0)
        return OCELLUS_OK;
    at = oc_factors_of(steps, &p);
    oc_product_direct(steps, &p, &at, node->in[0]->type);
    return OCELLUS_OK;
}

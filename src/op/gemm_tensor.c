/* gemm_tensor.c - matrix products of half and bfloat16 by tensor cores
 * (cl/gemm_tensor.cl). What is stored is what is multiplied: float32 does not
 * come here, and nothing is rounded that was not rounded before. */
#include "base/type.h"
#include "op/gemm.h"
#include "op/tile.h"

const char *
oc_gemm_tensor_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    ocellus_type type = node->in[0]->type;
    struct oc_product p;
    struct oc_tiled tiled;

    if (!caps->tensor)
        return "the device has no tensor cores that OpenCL reaches";
    if (caps->cpu)
        return "tiles in local memory are made for GPUs";
    if (type != OCELLUS_FLOAT16 && type != OCELLUS_BFLOAT16)
        return "tensor cores multiply half and bfloat16";
    if (oc_product_of(node, &p) != OCELLUS_OK)
        return "a tensor is too large";
    if (p.batches > 2)
        return "the batch broadcasts along more than two axes";
    tiled = oc_gemm_tiled_of(&p, 1, 1);
    return oc_tiling_refuse(&tiled, caps);
}

void
oc_gemm_tensor_layouts(const struct oc_node *node, const struct oc_caps *caps,
                       struct oc_layout in[], struct oc_layout out[],
                       size_t *scratch)
{
    oc_gemm_tiles_layouts(node, caps, 1, in, out, scratch);
}

ocellus_status
oc_gemm_tensor(struct oc_steps *steps, const struct oc_node *node)
{
    return oc_gemm_tiles(steps, node, 1);
}

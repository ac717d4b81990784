/* gemm.h - what the implementations of the matrix products share.
 *
 *     Y[b] (m x n) = alpha * op(A[b]) * op(B[b]) + beta * C
 *
 * with op(A) m x k, op(B) k x n, all row-major. Gemm has no batch; MatMul has
 * alpha 1 and no C. Its gradients, and the fuse pass where it meets a
 * Transpose, use MatMulT, which is MatMul with transA and transB.
 */
#ifndef OC_OP_GEMM_H
#define OC_OP_GEMM_H

#include "op/impl.h"

#define OC_MAX_BATCH (OC_MAX_RANK - 2)

struct oc_product {
    int m, n, k;
    int transpose_a, transpose_b; /* A lies k x m, B lies n x k */
    float alpha, beta;
    int has_c;
    int c_row, c_column;        /* C's element (i, j) is at i * c_row +
                                 * j * c_column; 0 where it repeats */
    int batches;                /* batch axes, neighbours that go
                                 * together merged; outermost first */
    int batch[OC_MAX_BATCH];    /* their extents */
    int stride_a[OC_MAX_BATCH]; /* in elements; 0: broadcast */
    int stride_b[OC_MAX_BATCH];
    int count; /* products: of all batch extents */
};

/* Of a node Gemm, MatMul or MatMulT that infer has accepted, in a concrete
 * graph. Fails where a tensor has more elements than kernels count. */
ocellus_status oc_product_of(const struct oc_node *node,
                             struct oc_product *product);
double oc_product_flops(const struct oc_product *product);

/* Where its tensors lie: places. c: any where has_c is 0. */
struct oc_factors {
    int a, b, c, y;
};
/* Those of the node Gemm or MatMul being emitted. */
struct oc_factors oc_factors_of(const struct oc_steps *steps,
                                const struct oc_product *product);
/* A float32 product as a launch of another operator, by the implementation
 * for the device's class; at most two batch axes and without C. */
void oc_emit_product(struct oc_steps *steps, const struct oc_product *product,
                     const struct oc_factors *factors);
void oc_product_cpu(struct oc_steps *steps, const struct oc_product *product,
                    const struct oc_factors *factors);
void oc_product_clblast(struct oc_steps *steps,
                        const struct oc_product *product,
                        const struct oc_factors *factors);
void oc_product_tiled(struct oc_steps *steps, const struct oc_product *product,
                      const struct oc_factors *factors, ocellus_type type);
const char *oc_product_tiled_refuse(const struct oc_product *product,
                                    const struct oc_caps *caps);
void oc_product_direct(struct oc_steps *steps, const struct oc_product *product,
                       const struct oc_factors *factors, ocellus_type type);

/* gemm_cpu.c: float32 on CPU-class devices. */
const char *oc_gemm_cpu_refuse(const struct oc_node *node,
                               const struct oc_caps *caps);
ocellus_status oc_gemm_cpu(struct oc_steps *steps, const struct oc_node *node);

/* gemm_amx.c: float32 with factors rounded to bfloat16, on CPU-class devices
 * that have AMX. */
const char *oc_gemm_amx_refuse(const struct oc_node *node,
                               const struct oc_caps *caps);
void oc_gemm_amx_layouts(const struct oc_node *node, const struct oc_caps *caps,
                         struct oc_layout in[], struct oc_layout out[],
                         size_t *scratch);
ocellus_status oc_gemm_amx(struct oc_steps *steps, const struct oc_node *node);
/* B of a product, with its batches, as OC_PACK_AMX (or, where it is not
 * transposed, OC_PACK_AMX_FLIP) says, matrix after matrix: places. */
void oc_gemm_amx_pack(struct oc_steps *steps, const struct oc_product *product,
                      int from, int to);

/* gemm_tiled.c: float32, half and bfloat16 on GPU-class devices. */
const char *oc_gemm_tiled_refuse(const struct oc_node *node,
                                 const struct oc_caps *caps);
void oc_gemm_tiled_layouts(const struct oc_node *node,
                           const struct oc_caps *caps, struct oc_layout in[],
                           struct oc_layout out[], size_t *scratch);
ocellus_status oc_gemm_tiled(struct oc_steps *steps,
                             const struct oc_node *node);

/* The same for gemm_tensor.c, whose kernel takes the same arguments. */
void oc_gemm_tiles_layouts(const struct oc_node *node,
                           const struct oc_caps *caps, int tensor,
                           struct oc_layout in[], struct oc_layout out[],
                           size_t *scratch);
ocellus_status oc_gemm_tiles(struct oc_steps *steps, const struct oc_node *node,
                             int tensor);
struct oc_tiled;
struct oc_tiled oc_gemm_tiled_of(const struct oc_product *product, int whole,
                                 int tensor);

/* gemm_tensor.c: half and bfloat16 by tensor cores. */
const char *oc_gemm_tensor_refuse(const struct oc_node *node,
                                  const struct oc_caps *caps);
void oc_gemm_tensor_layouts(const struct oc_node *node,
                            const struct oc_caps *caps, struct oc_layout in[],
                            struct oc_layout out[], size_t *scratch);
ocellus_status oc_gemm_tensor(struct oc_steps *steps,
                              const struct oc_node *node);

/* gemm_sets.c: CLBlast's parameters, for products of these shapes. */
enum oc_gemm_shape {
    OC_GEMM_LARGE = 1,
    OC_GEMM_SKINNY = 2, /* few rows or few columns */
    OC_GEMM_SMALL = 4   /* few multiplications */
};
/* Other ways, for lists of them (oc_op). */
#define OC_CLBLAST_WAYS                                                        \
    "clblast:large", "clblast:half", "clblast:wide", "clblast:tall",           \
        "clblast:small", "clblast:tiny"
/* The set that caps->way names, where it is for such a product and the device
 * has room for it; else NULL. */
const struct oc_gemm_set *oc_gemm_set_of(const struct oc_product *product,
                                         const struct oc_caps *caps);

/* gemm_clblast.c: CLBlast's GEMM, float32 on GPU-class devices. */
const char *oc_gemm_clblast_refuse(const struct oc_node *node,
                                   const struct oc_caps *caps);
ocellus_status oc_gemm_clblast(struct oc_steps *steps,
                               const struct oc_node *node);

/* gemm_direct.c: any type, any batch. */
ocellus_status oc_gemm_direct(struct oc_steps *steps,
                              const struct oc_node *node);

#endif

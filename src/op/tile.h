/* tile.h - products in tiles on GPU-class devices (cl/tile.clh): which tile,
 * and into how many parts the sums are cut. Both follow from the shape and the
 * device's capabilities alone. */
#ifndef OC_OP_TILE_H
#define OC_OP_TILE_H

#include "op/step.h"

/* Terms of a sum that a step takes. */
enum { OC_TILE_DEPTH = 8, OC_TENSOR_DEPTH = 32 };

/* Of `copies` products (groups, batches) at once. */
struct oc_tiled {
    int64_t rows, columns, copies;
    int64_t steps; /* of a sum */
    int64_t count; /* numbers of all outputs */
    int whole;     /* 1: sums may not be cut */
    int tensor;    /* by tensor cores (cl/tensor.clh): steps that lie in local
                    * memory at once, at most; 0: not so */
};

struct oc_tiling {
    int m, n;   /* of a tile; 0: the device has no room for any */
    int splits; /* parts of each sum */
    int each;   /* steps of a part */
};

/* Other ways, for lists of them (oc_op): tiles by name, "parts" of sums twice
 * as many, "fewer" of them. */
#define OC_TILE_WAYS(impl)                                                     \
    impl ":32x128", impl ":128x32", impl ":64x64", impl ":64x128",             \
        impl ":128x64", impl ":128x128", impl ":parts", impl ":fewer"
#define OC_TILED_WAYS OC_TILE_WAYS("tiled")
#define OC_TENSOR_WAYS OC_TILE_WAYS("tensor")

struct oc_tiling oc_tiling_of(const struct oc_tiled *product,
                              const struct oc_caps *caps);
/* Why there is none, or NULL. */
const char *oc_tiling_refuse(const struct oc_tiled *product,
                             const struct oc_caps *caps);
/* Bytes of the parts; 0 where sums are whole. */
size_t oc_tiling_scratch(const struct oc_tiling *tiling, int64_t count);
/* -DTILE_M, -DTILE_N and the work-groups; for tensor cores -DSTAGES and
 * -DMMA_PTX, too. */
void oc_tiling_launch(struct oc_step *launch, struct oc_steps *steps,
                      const struct oc_tiled *product,
                      const struct oc_tiling *tiling);

/* -DHALVES for factors of half, where the device adds two of their products
 * at once. */
void oc_tile_define_halves(struct oc_steps *steps, struct oc_step *launch,
                           ocellus_type type);

/* alpha * sum of the parts + beta * C, into output 0, with the epilogue. */
struct oc_tile_sum {
    int c;           /* which input; not read where beta is 0 */
    int fast, slow;  /* C's number for element i of the output: i / fast % */
    int row, column; /* slow * row + i % fast * column */
    float alpha, beta;
};
void oc_tile_sum(struct oc_steps *steps, const struct oc_tiling *tiling,
                 int64_t count, const struct oc_tile_sum *sum);

#endif

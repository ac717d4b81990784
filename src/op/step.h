/* step.h - launches written down as plain data.
 *
 * Operators never call OpenCL. An implementation's emit() appends steps: a
 * kernel of a .cl file with its options, arguments and sizes, a GEMM, a copy,
 * a fill. A plan is a list of them, printable and testable with no device; the
 * device replays it on one in-order queue.
 *
 * Memory is named by place: a number that the planner gives each physical
 * tensor; where it lies is decided after all steps are known.
 */
#ifndef OC_OP_STEP_H
#define OC_OP_STEP_H

#include "base/text.h"
#include "graph/op.h"
#include "op/caps.h"

/* How a tensor lies in memory. Logically always N, C, H, W.
 * plain:   block 1, halo 0: row-major as its shape says.
 * blocked: N x ceil(C/block) x (H + 2 halo) x (W + 2 halo) x block, for rank
 *          4 (rank 3 counts as H = 1 without halo above and below, that is
 *          N x ceil(C/b) x 1 x (W + 2 halo) x b). Padding channels and halo
 *          hold zero after every step.
 * packed:  convolution weights K x C x R x S (or K x C x S):
 *          ceil(K/block) x ceil(C/block) x R x S x block(c) x block(k);
 *          with flip, the same for the input gradient: roles of K and C
 *          exchanged and R, S reversed; first: ceil(K/block) x C x R x S x
 *          block(k), for few input channels read plain and for depthwise
 *          weights (C = 1); winograd: K x C x 3 x 3 at the 36 points of
 *          F(4 x 4, 3 x 3), 36 x ceil(K/block) x padded C x block(k);
 *          winograd 2: at the 16 points of F(2 x 2, 3 x 3), and with flip;
 *          amx: rounded to bfloat16, ceil(K/16) x ceil(C/32) x R x S x
 *          16(pairs of c) x 16(k) x 2(c), which are half as many floats; amx
 *          flip: the same for the input gradient. Both also of a matrix K x C,
 *          as if its window were 1 x 1.
 *          With groups, C is the channels that a joined group has on the
 *          side that is read (oc_groups_joined): between channels of
 *          different groups lie zeros.
 * A blocked tensor may be a part of a larger one of equal N, H, W: it is
 * channel blocks `first` and on of `whole`, in the larger one's place. */
struct oc_layout {
    int block;
    int halo;
    int pack;   /* enum oc_pack */
    int groups; /* packed conv and flip: of the convolution; 0 is 1 */
    int whole;  /* channel blocks of the tensor that this is a part of, or 0 */
    int first;  /* ... of them, those before this part */
};
enum oc_pack {
    OC_PACK_NONE,
    OC_PACK_CONV,
    OC_PACK_CONV_FLIP,
    OC_PACK_CONV_FIRST,
    OC_PACK_WINOGRAD,
    OC_PACK_WINOGRAD_2,
    OC_PACK_WINOGRAD_2_FLIP,
    OC_PACK_AMX,
    OC_PACK_AMX_FLIP
};

#define OC_PLAIN ((struct oc_layout){.block = 1})

/* Groups of c and k channels each that a packing joins, so that no block of
 * channels belongs to two of the joined ones: the fewest that divide `groups`
 * and make whole blocks on both sides, else all. */
int oc_groups_joined(int groups, int64_t c, int64_t k, int block);

int oc_layout_equal(const struct oc_layout *a, const struct oc_layout *b);
/* Elements with padding. */
size_t oc_layout_count(const struct oc_layout *layout,
                       const struct oc_shape *shape);
/* "plain", "c8", "c16+1", "c8@4/12" (a part), "w8", "w8flip", "w8g32" into a
 * buffer of 24; returns it. */
char *oc_layout_text(const struct oc_layout *layout, char *text);

/* Strides of a blocked image in elements, for kernel arguments: element
 * (n, c, y, x) lies at base + n*image + (c/block)*plane + y*row + x*block +
 * c%block. Plain tensors of rank 4 have block 1. */
struct oc_blocked {
    int block, blocks; /* ceil(C / block) */
    int base, image, plane, row;
};
struct oc_blocked oc_blocked_of(const struct oc_layout *layout,
                                const struct oc_shape *shape);

enum oc_arg_kind {
    OC_ARG_MEMORY, /* place, from its first byte */
    OC_ARG_INT,
    OC_ARG_FLOAT,
    OC_ARG_LOCAL,  /* bytes of local memory */
    OC_ARG_BIN,    /* all of bin `i` of the arena */
    OC_ARG_NUMBERS /* `bytes` of int at `numbers`, to begin with */
};

struct oc_arg {
    enum oc_arg_kind kind;
    int place;
    int writes; /* memory: the step writes it */
    int32_t i;
    float f;
    const int32_t *numbers;
    size_t bytes;
};

enum oc_step_kind {
    OC_STEP_KERNEL,
    OC_STEP_GEMM, /* CLBlast, float32 */
    OC_STEP_COPY, /* place b -> place c, `bytes` */
    OC_STEP_FILL  /* place c, `bytes` of the 4-byte pattern */
};

/* CLBlast's parameters of single precision, of each kernel in the order of
 * their names: GEMMK, KREG, KWG, KWI, MDIMA, MDIMC, MWG, NDIMB, NDIMC, NWG, SA,
 * SB, STRM, STRN, VWM, VWN of Xgemm, KWID, MDIMAD, MDIMCD, NDIMBD, NDIMCD,
 * PADA, PADB, VWMD, VWND, WGD of XgemmDirect. The second takes products whose m
 * * n * k is less than the cube of `indirect_from`. */
struct oc_gemm_set {
    const char *way; /* of the implementation clblast; NULL: the usual one */
    int shapes;      /* it is tried for: a sum of enum oc_gemm_shape */
    int indirect_from;
    int xgemm[16], direct[10];
};

/* The usual set first (gemm_sets.c). */
extern const struct oc_gemm_set oc_gemm_sets[];

/* C (m x n, row-major, ldc) = alpha * op(A) * op(B) + beta * C, `batch` times
 * at strides; offsets and strides in elements. */
struct oc_gemm {
    int transpose_a, transpose_b;
    int m, n, k, lda, ldb, ldc;
    int batch;
    int64_t stride_a, stride_b, stride_c;
    int64_t offset_a, offset_b, offset_c;
    float alpha, beta;
    int a, b, c;                   /* places */
    const struct oc_gemm_set *set; /* NULL: the usual one */
};

struct oc_step {
    enum oc_step_kind kind;
    const struct oc_node *node;
    const char *impl; /* who emitted it, for profiles */
    const char *file; /* stem of the .cl file */
    const char *kernel;
    const char *options; /* "-DTILE=8 -DTYPE_x=1" */
    const char *prelude; /* source put before the file, or NULL */
    const char *text;    /* all the source, in the place of file and common.cl,
                          * or NULL */
    struct oc_arg *arg;
    int n_args, room_args;
    /* Where a net has many tensors that are treated alike: arg[0 .. each) are
     * one tensor's own, the last of them its count of numbers, and the others
     * are the same for all. The kernel built with -DMANY=n, n a multiple of 8
     * up to 64, takes n such parts one behind the other, of which those with a
     * count of 0 are nothing: so the planner may put launches of one dimension
     * together. 0: not so. */
    int each;
    int dims;
    size_t global[3];
    size_t local[3]; /* 0: the driver chooses */
    struct oc_gemm gemm;
    int from, to; /* copy, fill: places */
    size_t bytes;
    uint32_t pattern;
    double flops, traffic; /* for profiles: operations, bytes moved */
};

/* An input or output of the node being emitted, as the planner placed it. */
struct oc_operand {
    const struct ocellus_value *value; /* NULL: absent */
    struct oc_layout layout;
    int place;
};

struct oc_steps {
    struct oc_arena *arena;
    const struct oc_caps *caps;
    struct oc_step **step;
    int count, room;
    ocellus_status status; /* the first failure; sticky */
    const struct oc_node *node;
    const char *impl;
    struct oc_operand in[OC_MAX_IN];
    struct oc_operand out[8];
    int scratch; /* place of the node's scratch, or -1 */
};

/* ---- what emit() calls; failures are sticky in steps->status ----------- */

/* A launch of `kernel` in cl/FILE.cl; never NULL. */
struct oc_step *oc_launch(struct oc_steps *steps, const char *file,
                          const char *kernel);
/* oc_define(steps, l, "TILE", 8): -DTILE=8 */
void oc_define(struct oc_steps *steps, struct oc_step *launch, const char *name,
               int value);
/* -DTYPE_x=N: the storage type (ONNX's number) of kernel argument x; see
 * LOAD/STORE in cl/common.cl. */
void oc_define_type(struct oc_steps *steps, struct oc_step *launch,
                    const char *name, ocellus_type type);
void oc_prelude(struct oc_steps *steps, struct oc_step *launch,
                const char *format, ...) OC_PRINTF(3, 4);
/* Arguments, in the kernel's order. An absent input or output passes a valid
 * place that the kernel must not touch (the node's first output). */
void oc_arg_in(struct oc_steps *steps, struct oc_step *launch, int k);
void oc_arg_out(struct oc_steps *steps, struct oc_step *launch, int k);
void oc_arg_scratch(struct oc_steps *steps, struct oc_step *launch);
/* Any place, for what several launches of one node share. */
void oc_arg_place(struct oc_steps *steps, struct oc_step *launch, int place,
                  int writes);
void oc_arg_int(struct oc_steps *steps, struct oc_step *launch, int64_t i);
void oc_arg_float(struct oc_steps *steps, struct oc_step *launch, double f);
void oc_arg_local(struct oc_steps *steps, struct oc_step *launch, size_t bytes);
/* Global sizes; `local` 0 lets the driver choose. Global sizes are rounded up
 * to multiples of local: kernels check their bounds. A launch with a global
 * size of 0 (an empty tensor) is void: the device skips it. */
void oc_grid1(struct oc_step *launch, int64_t global, int64_t local);
void oc_grid2(struct oc_step *launch, int64_t gx, int64_t gy, int64_t lx,
              int64_t ly);
void oc_grid3(struct oc_step *launch, int64_t gx, int64_t gy, int64_t gz,
              int64_t lx, int64_t ly, int64_t lz);
void oc_cost(struct oc_step *launch, double flops, double traffic);

/* For the node just emitted, steps `from` on: those that compute and do not say
 * what they move are taken to read and write each operand once. */
void oc_estimate_traffic(struct oc_steps *steps, int from);

struct oc_step *oc_emit_gemm(struct oc_steps *steps,
                             const struct oc_gemm *gemm);
void oc_emit_fill_out(struct oc_steps *steps, int k, uint32_t pattern);
void oc_emit_fill_scratch(struct oc_steps *steps, size_t bytes,
                          uint32_t pattern);

/* From one layout to another (plain <-> blocked, plain -> packed, blocked to
 * another halo); places as given. In src/op/reorder.c. */
ocellus_status oc_emit_reorder(struct oc_steps *steps,
                               const struct oc_operand *from,
                               const struct oc_operand *to);
/* Zeroes the halo of a blocked tensor. */
ocellus_status oc_emit_clear_halo(struct oc_steps *steps,
                                  const struct oc_operand *of);

#endif

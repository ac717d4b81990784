/* recurrent.h - what the files of LSTM, GRU and RNN share.
 *
 * The operators keep what their gradients need as hidden outputs:
 *
 *     gates  directions x rows x (gates x hidden): values of the gates' own
 *            functions, or what went into these where that is not enough
 *     cells  directions x rows x hidden: LSTM the cell; GRU, with
 *            linear_before_reset, R h + Rb of the third gate
 *
 * A row is a time and a sample, in the order of X: time first, or, with layout
 * 1, the sample. LSTMGrad, GRUGrad and RNNGrad go through the steps backwards
 * and give the gradient of each row's gates; those of X, W, R and B are
 * products and sums of that, made as nodes.
 */
#ifndef OC_OP_RECURRENT_H
#define OC_OP_RECURRENT_H

#include "op/impl.h"

#define OC_REC_MOST (INT32_MAX / 16) /* the largest extent */

/* Inputs of an operator and of its gradient operator, which starts with R, Y,
 * gates, cells. */
enum {
    OC_REC_X,
    OC_REC_W,
    OC_REC_R,
    OC_REC_B,
    OC_REC_LENGTHS,
    OC_REC_H0,
    OC_REC_C0,
    OC_REC_P
};
enum {
    OC_RECG_R,
    OC_RECG_Y,
    OC_RECG_GATES,
    OC_RECG_CELLS,
    OC_RECG_DY = 8,
    OC_RECG_DH,
    OC_RECG_DC
};
/* Outputs of a gradient operator. before: h as each row met it. other: GRU's,
 * with linear_before_reset the gates' gradient as R's product had it, else
 * what R of the third gate was multiplied by. */
enum {
    OC_RECG_OUT_GATES,
    OC_RECG_OUT_BEFORE,
    OC_RECG_OUT_OTHER,
    OC_RECG_OUT_H0,
    OC_RECG_OUT_C0,
    OC_RECG_OUT_P
};

/* What the kernels know as HAS_... */
enum {
    OC_REC_HAS_B = 1,
    OC_REC_HAS_LENGTHS = 2,
    OC_REC_HAS_H0 = 4,
    OC_REC_HAS_C0 = 8,
    OC_REC_HAS_P = 16,
    OC_REC_HAS_DY = 32,
    OC_REC_HAS_DH = 64,
    OC_REC_HAS_DC = 128,
    OC_REC_HAS_BEFORE = 256
};

/* A function of a gate: formulas over x with numbers a and b, and the slope
 * over y, the value, and p, the number that is kept. */
struct oc_squash {
    const char *name, *value, *slope;
    int takes_alpha, takes_beta;
    float alpha, beta;
    int needs_input; /* its slope cannot be told from y */
};

struct oc_recurrent {
    int gates; /* 1 RNN, 3 GRU, 4 LSTM */
    int directions, layout;
    int backwards[2];
    int steps, batch, width, hidden; /* -1: unknown; width: of X */
    int64_t rows;                    /* steps * batch */
    int linear, input_forget;
    float limit;    /* 0: none */
    int keep_input; /* gates holds what went into the functions */
    int functions;  /* 1 RNN, 2 GRU, 3 LSTM */
    const struct oc_squash *squash[2][3];
    float alpha[2][3], beta[2][3];
    int saved; /* index of the first hidden output */
};

/* Of one of the operators or of their gradients; BAD_MODEL where attributes
 * make no sense. */
ocellus_status oc_recurrent_of(const struct oc_node *node,
                               struct oc_recurrent *rec);
int oc_recurrent_has(const struct oc_node *node, int k);
/* The options that all launches of a node have, and the functions' macros. */
void oc_recurrent_define(struct oc_steps *steps, struct oc_step *launch,
                         const struct oc_recurrent *rec, int direction);
void oc_recurrent_numbers(struct oc_steps *steps, struct oc_step *launch,
                          const struct oc_recurrent *rec, int direction);
/* Input k where it is there, else any valid place. */
void oc_recurrent_in(struct oc_steps *steps, struct oc_step *launch, int k);

/* Which inputs, and which outputs of a gradient operator, are there. */
int oc_recurrent_bits(const struct oc_steps *steps);

/* recurrent_direct.c */
void oc_recurrent_direct_layouts(const struct oc_node *node,
                                 const struct oc_caps *caps,
                                 struct oc_layout in[], struct oc_layout out[],
                                 size_t *scratch);
ocellus_status oc_recurrent_direct(struct oc_steps *steps,
                                   const struct oc_node *node);
void oc_recurrent_direct_grad_layouts(const struct oc_node *node,
                                      const struct oc_caps *caps,
                                      struct oc_layout in[],
                                      struct oc_layout out[], size_t *scratch);
ocellus_status oc_recurrent_direct_grad(struct oc_steps *steps,
                                        const struct oc_node *node);
/* Y_h and Y_c, where they are asked for; cells lie at `at` of a place. */
void oc_recurrent_last_states(struct oc_steps *steps,
                              const struct oc_recurrent *rec, int direction,
                              int place, int64_t at);
/* Gradients of the first states, from dh and dc at carry_at of the scratch,
 * and of P. */
void oc_recurrent_ends(struct oc_steps *steps, const struct oc_recurrent *rec,
                       int direction, int64_t carry_at);

/* recurrent_cpu.c: float32 on CPU-class devices */
const char *oc_recurrent_cpu_refuse(const struct oc_node *node,
                                    const struct oc_caps *caps);
void oc_recurrent_cpu_layouts(const struct oc_node *node,
                              const struct oc_caps *caps, struct oc_layout in[],
                              struct oc_layout out[], size_t *scratch);
ocellus_status oc_recurrent_cpu(struct oc_steps *steps,
                                const struct oc_node *node);
void oc_recurrent_cpu_grad_layouts(const struct oc_node *node,
                                   const struct oc_caps *caps,
                                   struct oc_layout in[],
                                   struct oc_layout out[], size_t *scratch);
ocellus_status oc_recurrent_cpu_grad(struct oc_steps *steps,
                                     const struct oc_node *node);

#endif

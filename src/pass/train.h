/* train.h - from what a net computes to one step of its training.
 *
 * Batch normalisation and dropout get their training form, a loss is put on
 * the first output, gradients become nodes, and every trainable state is
 * assigned its update. The step is one run of the rewritten graph; what
 * changes from step to step is an input of it:
 *
 *   labels         int64, N            (and labels2, mix with mixup)
 *   learning_rate  float, 1
 *   step           float, 1            updates done so far, plus one (Adam,
 *                                     SGD with dampening)
 *   key            int32, 4            seed and step, for dropout
 *   average_decay  float, 1            with `average`
 *
 * and the output "loss" (one float, the mean over the batch) comes beside the
 * net's own outputs.
 */
#ifndef OC_PASS_TRAIN_H
#define OC_PASS_TRAIN_H

#include "graph/graph.h"

enum oc_loss_kind {
    OC_LOSS_CROSS_ENTROPY, /* on logits; labels are class indices */
    OC_LOSS_MSE,           /* "labels" has the output's shape */
    OC_LOSS_SMOOTH_L1,
    OC_LOSS_BCE,     /* with logits */
    OC_LOSS_SEQUENCE /* cross-entropy of classes along the last axis, labels
                      * for all that stand before it */
};

enum oc_optimizer_kind {
    OC_OPTIMIZER_SGD,
    OC_OPTIMIZER_ADAM,
    OC_OPTIMIZER_ADAMW,
    OC_OPTIMIZER_RMSPROP
};

struct oc_recipe {
    enum oc_loss_kind loss;
    float label_smoothing;
    int mixup; /* loss of labels * mix + labels2 * (1-mix) */
    enum oc_optimizer_kind optimizer;
    float momentum, dampening, weight_decay;
    int nesterov;
    float beta1, beta2, epsilon, alpha;
    float clip;          /* most norm of the whole gradient; 0: none */
    int accumulate;      /* micro-batches an update; 0, 1: no more */
    int only_accumulate; /* this graph adds a micro-batch up and does
                          * not update */
    int average;         /* keep a moving average of the weights, in
                          * states named average:NAME */
    int checkpoint;      /* activations that are made again: 0 cheap ones
                          * where that hardly takes time, 1 all cheap ones,
                          * more: all but the ends of so many segments */
    int no_update;       /* gradients as outputs gradient:NAME */
};

/* `user` is a struct oc_recipe; an oc_session_pass. */
ocellus_status oc_train_pass(struct ocellus_graph *graph, void *user);

#endif

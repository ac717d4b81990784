/* score.h - what a net's answers are worth. */
#ifndef OC_CMD_SCORE_H
#define OC_CMD_SCORE_H

#include "cmd/cmd.h"

/* Probabilities of one sample's scores: softmax, or the scores themselves
 * where they are probabilities already (a model that ends with Softmax). */
void cmd_probabilities(const float *score, int classes, double *p);
int cmd_largest(const float *score, int classes);
/* A batch's scores (count x classes floats) and labels into the metrics, with
 * their mean cross-entropy. */
ocellus_status cmd_score(ocellus_metrics *metrics, const ocellus_tensor *y,
                         const ocellus_batch *batch);
/* accuracy, precision, recall, f1 (macro), top5, loss, confusion, classes. */
json_t *cmd_score_json(const ocellus_metrics *metrics,
                       const ocellus_dataset *dataset);
/* The class names, lent by the data set; free() the list. */
const char **cmd_class_names(const ocellus_dataset *dataset);

#endif

/* window.h - the windows of pooling operators, as ONNX's operator pages define
 * them, for references. */
#ifndef TESTS_OP_WINDOW_H
#define TESTS_OP_WINDOW_H

#include "tests/op/harness.h"

struct window {
    int n;                /* spatial axes */
    struct oc_shape size; /* of the window */
    int64_t stride[3], dilation[3], begin[3], end[3], in[3];
};

void window_read(const struct oc_node *node, struct window *w);
/* Where tap `k` of the window at output `o` (spatial indices) lies in its
 * plane, or -1; *padded: whether it lies in the padded input. */
int64_t window_place(const struct window *w, const int64_t *o, const int64_t *k,
                     int *padded);

/* y[o] = finish(sum or best over taps) for each output: `each` sees the taps'
 * numbers inside the input and counts of taps inside and in the padding. */
typedef double (*window_rule)(const struct oc_node *node, const double *v,
                              int inside, int padded);
void window_apply(const struct oc_node *node, const double *x, double *y,
                  window_rule rule);

#endif

/* harness_inside.h - what the files of the harness share: one case, its
 * numbers, and what is wrong with it. Functions return 1 when all is well, else
 * 0 with a sentence in `wrong`. */
#ifndef TESTS_OP_HARNESS_INSIDE_H
#define TESTS_OP_HARNESS_INSIDE_H

#include "base/random.h"
#include "device/session.h"
#include "tests/op/harness.h"

#define MOST_IN 9
#define MOST_OUT 4

struct oc_test {
    const struct oc_case *of;
    ocellus_device *device;
    int n_in;
    struct ocellus_tensor *tensor[MOST_IN];
    struct ocellus_tensor *r;
    double *x[MOST_IN]; /* the tensors' numbers */
    double *y[MOST_OUT];
    struct ocellus_graph *graph; /* of the bare operator */
    const struct oc_node *node;
    int n_out;
    int blocked, halo;
    const char *const *quarantine;
    int n_quarantine;
    char wrong[512];
};

int oc_test_fail(struct oc_test *t, const char *what);
/* With the library's sentence behind it. */
int oc_test_died(struct oc_test *t, const char *what);

/* ---- harness_case.c: numbers, graphs, sessions --------------------------- */

int oc_test_is_there(const struct oc_case_input *in);
/* Draws input k; then prepare() runs the reference into y[]. */
int oc_test_make_input(struct oc_test *t, int k, struct oc_random *random);
int oc_test_prepare(struct oc_test *t);
/* The operator on its inputs, in another graph; NULL where it is refused. */
struct ocellus_value *oc_test_place_node(struct oc_test *t,
                                         struct ocellus_graph *graph);
/* What the reference says for the inputs as they are now. */
void oc_test_define(struct oc_test *t, double *const y[]);
/* With the case's inputs and refusals; NULL on failure. */
struct ocellus_session *oc_test_open_session(struct oc_test *t,
                                             const struct ocellus_graph *graph,
                                             oc_session_pass pass);

/* ---- forward and backward ------------------------------------------------ */

/* By the implementation named, or (NULL) the planner's choice; where it refuses
 * there is nothing wrong. */
int oc_test_forward(struct oc_test *t, const char *impl);
/* Is there a gradient to look at? Then r is drawn. */
int oc_test_wants_gradient(struct oc_test *t);
int oc_test_gradient(struct oc_test *t);

#endif

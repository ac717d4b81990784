/* doctor_inside.h - one case of the doctor, built and drawn. */
#ifndef OC_DEVICE_DOCTOR_INSIDE_H
#define OC_DEVICE_DOCTOR_INSIDE_H

#include "device/doctor.h"

enum { DOCTOR_MOST_IN = 12, DOCTOR_MOST_OUT = 4 };

struct oc_doctor_input {
    struct ocellus_tensor *tensor; /* NULL: absent */
    int host;                      /* a constant of the graph */
};

struct oc_trial {
    const struct oc_doctor_case *of;
    const struct oc_op *op;
    int n_in, n_own; /* with and without what `then` reads */
    struct oc_doctor_input in[DOCTOR_MOST_IN];
    char what[256]; /* attributes and shapes */
};

/* Parses the inputs and draws their numbers: the same for everybody. */
ocellus_status oc_trial_start(struct oc_trial *trial,
                              const struct oc_doctor_case *of);
void oc_trial_end(struct oc_trial *trial);
/* The graph, with outputs y0, y1 ... and inputs x0, x1 ...; `block` above 1
 * leaves float32 images in that many channels a block, with a halo. *node is
 * what is tested; *outputs how many there are. */
ocellus_status oc_trial_graph(struct oc_trial *trial, int block, int halo,
                              struct ocellus_graph **graph, int *outputs);
/* Is there an image that could lie in blocks? */
int oc_trial_has_image(const struct oc_trial *trial);

#endif

/* trainer.h - what the files of src/train share of a trainer. */
#ifndef OC_TRAIN_TRAINER_H
#define OC_TRAIN_TRAINER_H

#include "device/session.h"
#include "train/recipe.h"

struct ocellus_trainer {
    struct ocellus_device *device;
    struct ocellus_graph *graph;    /* the net, without loss and updates */
    struct oc_recipe recipe, micro; /* micro: only adds gradients up */
    struct oc_schedule schedule;
    double rate, epochs;
    int64_t steps_per_epoch;
    float decay; /* of the averaged weights */
    uint64_t seed;
    int64_t step;    /* updates done */
    int64_t batches; /* micro-batches done */
    struct ocellus_session *train, *accumulate, *eval;
    struct ocellus_session *last; /* of the last step */
    struct ocellus_tensor *rate_in, *step_in, *key_in, *decay_in, *mix_in;
    const char *input;  /* the net's first input */
    const char *output; /* and output */
};

/* checkpoint.c */
ocellus_status oc_trainer_save(struct ocellus_trainer *trainer,
                               const char *path, const char *note);
ocellus_status oc_trainer_load(struct ocellus_trainer *trainer,
                               const char *path, char **note);

#endif

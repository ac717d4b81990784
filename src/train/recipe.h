/* recipe.h - optimizers and schedules from their text. */
#ifndef OC_TRAIN_RECIPE_H
#define OC_TRAIN_RECIPE_H

#include "pass/train.h"

enum oc_schedule_kind {
    OC_SCHEDULE_CONSTANT,
    OC_SCHEDULE_STEP,
    OC_SCHEDULE_COSINE,
    OC_SCHEDULE_ONECYCLE
};

struct oc_schedule {
    enum oc_schedule_kind kind;
    double warmup;            /* epochs of linear rise */
    double every, gamma;      /* step */
    double least;             /* cosine: the rate at the end */
    double start, div, final; /* onecycle, as torch's OneCycleLR: share of
                               * the rise, first rate = top / div, last =
                               * first / final */
};

/* "sgd lr=0.1 momentum=0.9 nesterov": fills the optimizer's part of the
 * recipe and the rate. */
ocellus_status oc_optimizer_parse(const char *text, struct oc_recipe *recipe,
                                  double *rate);
ocellus_status oc_loss_parse(const char *text, struct oc_recipe *recipe);
/* "cosine warmup=5 min=0.001" */
ocellus_status oc_schedule_parse(const char *text,
                                 struct oc_schedule *schedule);
/* The rate at `epoch` (a fraction) of `epochs`, for the base rate `rate`. */
double oc_schedule_rate(const struct oc_schedule *schedule, double rate,
                        double epoch, double epochs);

#endif

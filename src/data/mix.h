/* mix.h - mixup and cutmix: samples of a batch put together in pairs. */
#ifndef OC_DATA_MIX_H
#define OC_DATA_MIX_H

#include "data/transform.h"

struct oc_mix {
    int channels, height, width;
    int64_t count;
    float *x; /* count x C x H x W; becomes the mixture */
    const int64_t *label;
    int64_t *label2; /* gets the partners' labels */
    float lambda;    /* gets the weight of the first labels */
};

/* Draws lambda and the pairs. `scratch` takes count x C x H x W floats,
 * `order` count numbers. */
void oc_mix_apply(const struct oc_transform *transform,
                  struct oc_random *random, struct oc_mix *mix, float *scratch,
                  int64_t *order);
/* From Beta(alpha, alpha), alpha > 0. */
float oc_random_beta(struct oc_random *random, float alpha);

#endif

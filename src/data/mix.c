/* mix.c - mixup (Zhang et al. 2018) and cutmix (Yun et al. 2019), one weight a
 * batch as in the authors' programs. */
#include "data/mix.h"

#include <math.h>
#include <string.h>

#include "data/dataset.h"

/* log of a Gamma(alpha, 1) number: Marsaglia & Tsang 2000, with their boost
 * for alpha below 1. Logs, because small alphas give numbers below any
 * float. */
static double
log_gamma_draw(struct oc_random *random, double alpha)
{
    double boost = 0, d, c;

    if (alpha < 1) {
        boost = log(1.0 - oc_random_uniform(random)) / alpha;
        alpha += 1;
    }
    d = alpha - 1.0 / 3;
    c = 1 / sqrt(9 * d);
    for (;;) {
        double x = oc_random_normal(random), v = 1 + c * x, u;

        if (v <= 0)
            continue;
        v = v * v * v;
        u = 1.0 - oc_random_uniform(random);
        if (log(u) < 0.5 * x * x + d - d * v + d * log(v))
            return log(d * v) + boost;
    }
}

float
oc_random_beta(struct oc_random *random, float alpha)
{
    double a = log_gamma_draw(random, alpha);
    double b = log_gamma_draw(random, alpha);

    return (float)(1 / (1 + exp(b - a)));
}

static size_t
sample_size(const struct oc_mix *mix)
{
    return (size_t)mix->channels * (size_t)mix->height * (size_t)mix->width;
}

static void
blend(struct oc_mix *mix, const float *other, const int64_t *order)
{
    size_t size = sample_size(mix);
    float rest = 1 - mix->lambda;

    for (int64_t i = 0; i < mix->count; i++) {
        float *x = mix->x + (size_t)i * size;
        const float *y = other + (size_t)order[i] * size;

        for (size_t k = 0; k < size; k++)
            x[k] = mix->lambda * x[k] + rest * y[k];
    }
}

static int
clip(double value, int most)
{
    return value < 0 ? 0 : value > most ? most : (int)value;
}

/* The same rectangle of all samples comes from their partners; lambda becomes
 * the share that stays. */
static void
paste(struct oc_mix *mix, struct oc_random *random, const float *other,
      const int64_t *order)
{
    double side = sqrt(1 - mix->lambda) / 2;
    double y = oc_random_below(random, (uint32_t)mix->height);
    double x = oc_random_below(random, (uint32_t)mix->width);
    int top = clip(y - mix->height * side, mix->height);
    int bottom = clip(y + mix->height * side, mix->height);
    int left = clip(x - mix->width * side, mix->width);
    int right = clip(x + mix->width * side, mix->width);
    size_t rows = (size_t)mix->channels * (size_t)mix->height;

    for (int64_t i = 0; i < mix->count; i++) {
        for (size_t r = 0; r < rows; r++) {
            size_t to = ((size_t)i * rows + r) * (size_t)mix->width;
            size_t from = ((size_t)order[i] * rows + r) * (size_t)mix->width;
            int row = (int)(r % (size_t)mix->height);

            if (row >= top && row < bottom && right > left)
                memcpy(mix->x + to + left, other + from + left,
                       (size_t)(right - left) * sizeof(float));
        }
    }
    mix->lambda = 1 - (float)(bottom - top) * (float)(right - left) /
                          ((float)mix->height * (float)mix->width);
}

void
oc_mix_apply(const struct oc_transform *transform, struct oc_random *random,
             struct oc_mix *mix, float *scratch, int64_t *order)
{
    int rectangles = transform->cutmix > 0;

    mix->lambda = oc_random_beta(random, rectangles ? transform->cutmix
                                                    : transform->mixup);
    for (int64_t i = 0; i < mix->count; i++)
        order[i] = i;
    oc_shuffle(random, order, mix->count);
    for (int64_t i = 0; i < mix->count; i++)
        mix->label2[i] = mix->label[order[i]];
    memcpy(scratch, mix->x,
           (size_t)mix->count * sample_size(mix) * sizeof(float));
    if (rectangles)
        paste(mix, random, scratch, order);
    else
        blend(mix, scratch, order);
}

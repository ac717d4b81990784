/* random.c - Philox4x32-10 and a sequential stream on it. */
#include "base/random.h"

#include <math.h>

/* Table 2 and section 4.3 of the paper that random.h names. */
#define MULTIPLY_0 UINT32_C(0xD2511F53)
#define MULTIPLY_1 UINT32_C(0xCD9E8D57)
#define WEYL_0 UINT32_C(0x9E3779B9)
#define WEYL_1 UINT32_C(0xBB67AE85)

void
oc_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t x0 = counter[0], x1 = counter[1];
    uint32_t x2 = counter[2], x3 = counter[3];

    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)MULTIPLY_0 * x0;
        uint64_t p1 = (uint64_t)MULTIPLY_1 * x2;

        x0 = (uint32_t)(p1 >> 32) ^ x1 ^ k0;
        x1 = (uint32_t)p1;
        x2 = (uint32_t)(p0 >> 32) ^ x3 ^ k1;
        x3 = (uint32_t)p0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    out[0] = x0;
    out[1] = x1;
    out[2] = x2;
    out[3] = x3;
}

void
oc_random_start(struct oc_random *random, uint64_t key, uint64_t stream)
{
    *random = (struct oc_random){.key = key, .stream = stream};
}

uint32_t
oc_random_u32(struct oc_random *random)
{
    uint64_t block = random->at / 4;
    unsigned word = (unsigned)(random->at % 4);

    if (word == 0) {
        const uint32_t key[2] = {(uint32_t)random->key,
                                 (uint32_t)(random->key >> 32)};
        const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32),
                                     (uint32_t)random->stream,
                                     (uint32_t)(random->stream >> 32)};

        oc_philox(key, counter, random->word);
    }
    random->at++;
    return random->word[word];
}

/* Lemire, "Fast Random Integer Generation in an Interval", 2019: the upper
 * half of a product, drawn again in the few cases that would be biased. */
uint32_t
oc_random_below(struct oc_random *random, uint32_t bound)
{
    uint32_t least = bound ? (uint32_t)(-bound) % bound : 0;
    uint64_t product;

    if (bound == 0)
        return 0;
    do {
        product = (uint64_t)oc_random_u32(random) * bound;
    } while ((uint32_t)product < least);
    return (uint32_t)(product >> 32);
}

float
oc_random_uniform(struct oc_random *random)
{
    return (float)(oc_random_u32(random) >> 8) * 0x1p-24f;
}

/* One number of the pair is thrown away: the state stays a counter. */
float
oc_random_normal(struct oc_random *random)
{
    const double turn = 6.283185307179586;
    double u = 1.0 - (double)oc_random_u32(random) * 0x1p-32;
    double v = (double)oc_random_u32(random) * 0x1p-32;

    return (float)(sqrt(-2.0 * log(u)) * cos(turn * v));
}

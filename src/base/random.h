/* random.h - counter-based random numbers: Philox4x32-10 (Salmon et al.,
 * "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011).
 *
 * A stream is a key; a number is a function of (key, counter), so any place
 * can be computed in any order, on the host or on any device (cl/common.cl
 * holds the same function), and a resume needs no state but the counter.
 */
#ifndef OC_BASE_RANDOM_H
#define OC_BASE_RANDOM_H

#include <stdint.h>

/* Four 32-bit words for a 64-bit key and a 128-bit counter. */
void oc_philox(const uint32_t key[2], const uint32_t counter[4],
               uint32_t out[4]);

/* A stream for sequential use on the host. */
struct oc_random {
    uint64_t key;
    uint64_t stream;
    uint64_t at;      /* numbers drawn so far */
    uint32_t word[4]; /* the block that `at` lies in */
};
/* key: the user's seed; stream: what it is for, e.g. oc_hash of a name. */
void oc_random_start(struct oc_random *random, uint64_t key, uint64_t stream);
uint32_t oc_random_u32(struct oc_random *random);
uint32_t oc_random_below(struct oc_random *random, uint32_t bound);
float oc_random_uniform(struct oc_random *random); /* [0, 1) */
float oc_random_normal(struct oc_random *random);  /* Box-Muller */

#endif

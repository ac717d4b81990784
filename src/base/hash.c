/* hash.c - FNV-1a, and a digest of two lanes.
 *
 * Lane 0 of the digest is FNV-1a; lane 1 multiplies by another odd constant
 * and folds its upper half down, so that the two do not collide together. Both
 * take a byte at a time: a text gives the same digest however it is cut.
 */
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

#define FNV_PRIME UINT64_C(1099511628211)
#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)

uint64_t
oc_hash(uint64_t start, const void *data, size_t bytes)
{
    const unsigned char *byte = data;
    uint64_t hash = start;

    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ byte[i]) * FNV_PRIME;
    return hash;
}

uint64_t
oc_hash_text(uint64_t start, const char *text)
{
    return oc_hash(start, text, strlen(text));
}

void
oc_digest_start(struct oc_digest *digest)
{
    digest->word[0] = OC_HASH_START;
    digest->word[1] = GOLDEN;
}

void
oc_digest_add(struct oc_digest *digest, const void *data, size_t bytes)
{
    const unsigned char *byte = data;
    uint64_t lane = digest->word[1];

    digest->word[0] = oc_hash(digest->word[0], data, bytes);
    for (size_t i = 0; i < bytes; i++) {
        lane = (lane ^ byte[i]) * GOLDEN;
        lane ^= lane >> 32;
    }
    digest->word[1] = lane;
}

/* MurmurHash3's last step: every bit of `word` reaches every other. */
static uint64_t
mix(uint64_t word)
{
    word ^= word >> 33;
    word *= UINT64_C(0xFF51AFD7ED558CCD);
    word ^= word >> 33;
    word *= UINT64_C(0xC4CEB9FE1A85EC53);
    return word ^ word >> 33;
}

void
oc_digest_text(const struct oc_digest *digest, char text[33])
{
    snprintf(text, 33, "%016llx%016llx",
             (unsigned long long)mix(digest->word[0]),
             (unsigned long long)mix(digest->word[1]));
}

/* hash.h - 64-bit FNV-1a for tables, and a 128-bit digest (two independent
 * 64-bit multiply-mix lanes) for keys of the disk cache. Not for secrets. */
#ifndef OC_BASE_HASH_H
#define OC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define OC_HASH_START UINT64_C(14695981039346656037)

uint64_t oc_hash(uint64_t start, const void *data, size_t bytes);
uint64_t oc_hash_text(uint64_t start, const char *text);

struct oc_digest {
    uint64_t word[2];
};
void oc_digest_start(struct oc_digest *digest);
void oc_digest_add(struct oc_digest *digest, const void *data, size_t bytes);
/* 32 hex digits and NUL. */
void oc_digest_text(const struct oc_digest *digest, char text[33]);

#endif

/* characters.h - texts as numbers: the place of each character in a
 * vocabulary. */
#ifndef OC_DATA_CHARACTERS_H
#define OC_DATA_CHARACTERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define OC_MOST_CHARACTERS (INT64_C(1) << 28) /* of one text */

/* Code points of a text. */
struct oc_characters {
    uint32_t *point; /* owned */
    int64_t count;
};

/* A file in UTF-8 (a byte order mark is left out); OCELLUS_BAD_DATA names the
 * byte that is none. */
ocellus_status oc_characters_load(const char *path,
                                  struct oc_characters *characters);
void oc_characters_free(struct oc_characters *characters);

/* The distinct characters, sorted, in UTF-8; the caller frees. */
ocellus_status oc_characters_collect(const uint32_t *point, int64_t count,
                                     char **vocabulary);
/* How many characters a vocabulary has. */
int oc_characters_count(const char *vocabulary);
/* The place of each character; OCELLUS_BAD_DATA for one that is not there. */
ocellus_status oc_characters_number(const char *vocabulary,
                                    const uint32_t *point, int64_t count,
                                    int32_t *number);
/* Bytes of the character that begins here, 1 to 4; 0: it is no UTF-8. The
 * text ends with a NUL. */
int oc_character_length(const char *at, uint32_t *point);

#endif

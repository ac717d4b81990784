/* characters.c - see characters.h. UTF-8 as RFC 3629 has it. */
#include "data/characters.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define MOST_BYTES ((size_t)1 << 30)
#define MOST_POINT 0x10ffff

int
oc_character_length(const char *at, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)at[0];
    int length = first < 0x80   ? 1
                 : first < 0xc2 ? 0
                 : first < 0xe0 ? 2
                 : first < 0xf0 ? 3
                 : first < 0xf5 ? 4
                                : 0;

    *point = length > 1 ? first & (0xffu >> (length + 1)) : first;
    for (int k = 1; k < length; k++) {
        if (((unsigned char)at[k] & 0xc0) != 0x80)
            return 0;
        *point = *point << 6 | ((unsigned char)at[k] & 0x3f);
    }
    if (*point < least[length] || *point > MOST_POINT ||
        (*point >= 0xd800 && *point < 0xe000))
        return 0;
    return length;
}

static ocellus_status
decode(const char *path, const char *text, size_t bytes,
       struct oc_characters *characters)
{
    size_t at = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (at < bytes) {
        uint32_t *point = &characters->point[characters->count];
        int length = oc_character_length(text + at, point);

        if (length == 0 || *point == 0)
            return oc_fail(OCELLUS_BAD_DATA,
                           "%s is no text in UTF-8: byte %zu is 0x%02x; `iconv "
                           "-f latin1 -t utf8` or the like may make it one",
                           path, at, (unsigned)(unsigned char)text[at]);
        characters->count++;
        at += (size_t)length;
    }
    return OCELLUS_OK;
}

ocellus_status
oc_characters_load(const char *path, struct oc_characters *characters)
{
    char *text;
    size_t bytes;
    ocellus_status status;

    memset(characters, 0, sizeof *characters);
    OC_TRY(oc_file_read(path, MOST_BYTES, &text, &bytes));
    characters->point = malloc((bytes + 1) * sizeof *characters->point);
    status = characters->point != NULL
                 ? decode(path, text, bytes, characters)
                 : oc_fail(OCELLUS_OUT_OF_MEMORY,
                           "%s: no memory for %zu characters", path, bytes);
    free(text);
    if (status == OCELLUS_OK && characters->count > OC_MOST_CHARACTERS)
        status = oc_fail(
            OCELLUS_BAD_DATA, "%s has %lld characters; %lld are the most", path,
            (long long)characters->count, (long long)OC_MOST_CHARACTERS);
    if (status != OCELLUS_OK)
        oc_characters_free(characters);
    return status;
}

void
oc_characters_free(struct oc_characters *characters)
{
    free(characters->point);
    memset(characters, 0, sizeof *characters);
}

static void
append(struct oc_text *text, uint32_t point)
{
    char byte[4];
    size_t length = point < 0x80      ? 1
                    : point < 0x800   ? 2
                    : point < 0x10000 ? 3
                                      : 4;

    for (size_t k = length; k-- > 1; point >>= 6)
        byte[k] = (char)(0x80 | (point & 0x3f));
    byte[0] = (char)(length == 1 ? point : point | (0xf00u >> length & 0xffu));
    oc_text_append_bytes(text, byte, length);
}

ocellus_status
oc_characters_collect(const uint32_t *point, int64_t count, char **vocabulary)
{
    unsigned char *seen = calloc(1, MOST_POINT + 1);
    struct oc_text text = {.data = NULL};

    *vocabulary = NULL;
    if (seen == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a vocabulary");
    for (int64_t k = 0; k < count; k++)
        seen[point[k]] = 1;
    for (uint32_t p = 1; p <= MOST_POINT; p++)
        if (seen[p])
            append(&text, p);
    free(seen);
    if (text.failed || text.data == NULL) {
        oc_text_free(&text);
        return count == 0 ? oc_fail(OCELLUS_BAD_DATA, "there are no characters")
                          : oc_fail(OCELLUS_OUT_OF_MEMORY,
                                    "no memory for a vocabulary");
    }
    *vocabulary = text.data;
    return OCELLUS_OK;
}

int
oc_characters_count(const char *vocabulary)
{
    int count = 0;

    for (; *vocabulary != '\0'; vocabulary++)
        count += ((unsigned char)*vocabulary & 0xc0) != 0x80;
    return count;
}

/* number + 1 of each code point; 0: not in the vocabulary. */
static ocellus_status
make_table(const char *vocabulary, int32_t **table)
{
    uint32_t point;
    int32_t number = 0;

    *table = calloc(MOST_POINT + 1, sizeof **table);
    if (*table == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a vocabulary");
    while (*vocabulary != '\0') {
        int length = oc_character_length(vocabulary, &point);

        if (length == 0 || (*table)[point] != 0) {
            free(*table);
            return oc_fail(OCELLUS_BAD_DATA,
                           "the vocabulary is no list of different characters "
                           "in UTF-8: character %d",
                           number);
        }
        (*table)[point] = ++number;
        vocabulary += length;
    }
    return OCELLUS_OK;
}

ocellus_status
oc_characters_number(const char *vocabulary, const uint32_t *point,
                     int64_t count, int32_t *number)
{
    int32_t *table;

    OC_TRY(make_table(vocabulary, &table));
    for (int64_t k = 0; k < count; k++) {
        number[k] = table[point[k]] - 1;
        if (number[k] < 0) {
            free(table);
            return oc_fail(OCELLUS_BAD_DATA,
                           "character %lld is U+%04X, which is not among the "
                           "%d that the model knows",
                           (long long)k, (unsigned)point[k],
                           oc_characters_count(vocabulary));
        }
    }
    free(table);
    return OCELLUS_OK;
}

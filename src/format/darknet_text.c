/* darknet_text.c - sections and their options. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/darknet_inside.h"

enum { MOST_SECTIONS = 10000, MOST_WHOLE = 1 << 30 };

struct ocellus_value *
oc_darknet_fail(struct oc_darknet *r, ocellus_status status, const char *format,
                ...)
{
    char sentence[512];
    va_list list;
    va_start(list, format);
    vsnprintf(sentence, sizeof sentence, format, list);
    va_end(list);
    return oc_graph_fail(r->graph, oc_fail(status, "line %d, [%s]: %s",
                                           r->at->line, r->at->name, sentence));
}

/* ---- lines --------------------------------------------------------------- */

/* Darknet drops all blanks of a line. */
static void
squeeze(char *line)
{
    char *to = line;
    for (; *line != '\0' && *line != '#' && *line != ';'; line++)
        if (!isspace((unsigned char)*line))
            *to++ = *line;
    *to = '\0';
}

static ocellus_status
open_section(struct oc_darknet *r, char *line, int number, int *room)
{
    char *end = strchr(line, ']');
    if (end == NULL || end[1] != '\0' || r->count == MOST_SECTIONS)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "line %d is no section in brackets, or the %dth", number,
                       r->count + 1);
    *end = '\0';
    if (!oc_grow(&r->section, r->count, room, sizeof *r->section))
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a section");
    r->section[r->count++] =
        (struct oc_darknet_section){.name = line + 1, .line = number};
    return OCELLUS_OK;
}

static ocellus_status
add_option(struct oc_darknet *r, char *line, int number, int *room)
{
    struct oc_darknet_section *s = r->count ? &r->section[r->count - 1] : NULL;
    char *equals = strchr(line, '=');
    if (equals == NULL || s == NULL)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "line %d, '%.40s', is neither a section in brackets "
                       "nor an option with '=' in one",
                       number, line);
    *equals = '\0';
    if (s->count == 0)
        *room = 0;
    if (!oc_grow(&s->option, s->count, room, sizeof *s->option))
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for an option");
    s->option[s->count++] = (struct oc_darknet_option){line, equals + 1};
    return OCELLUS_OK;
}

/* Cuts the text into pieces, which the sections refer to. */
ocellus_status
oc_darknet_parse(struct oc_darknet *r, char *text)
{
    int room = 0, option_room = 0, number = 1;
    for (char *next; text != NULL; text = next, number++) {
        next = strchr(text, '\n');
        if (next != NULL)
            *next++ = '\0';
        squeeze(text);
        if (text[0] == '[')
            OC_TRY(open_section(r, text, number, &room));
        else if (text[0] != '\0')
            OC_TRY(add_option(r, text, number, &option_room));
    }
    if (r->count == 0 || (strcmp(r->section[0].name, "net") != 0 &&
                          strcmp(r->section[0].name, "network") != 0))
        return oc_fail(OCELLUS_BAD_MODEL,
                       "it does not begin with a section [net]");
    return OCELLUS_OK;
}

/* ---- options --------------------------------------------------------------
 */

const char *
oc_darknet_word(const struct oc_darknet *r, const char *key)
{
    for (int k = 0; k < r->at->count; k++)
        if (strcmp(r->at->option[k].key, key) == 0)
            return r->at->option[k].value;
    return NULL;
}

int
oc_darknet_list(struct oc_darknet *r, const char *key, int most, double *list)
{
    const char *text = oc_darknet_word(r, key);
    int count = 0;
    for (char *end; text != NULL && *text != '\0'; text = end + 1) {
        double value = strtod(text, &end);
        if (end == text || (*end != '\0' && *end != ',') ||
            !(value > -MOST_WHOLE && value < MOST_WHOLE) || count == most) {
            oc_darknet_fail(r, OCELLUS_BAD_MODEL,
                            "%s=%.60s is no list of at most %d numbers", key,
                            oc_darknet_word(r, key), most);
            return 0;
        }
        list[count++] = value;
        if (*end == '\0')
            break;
    }
    return count;
}

double
oc_darknet_real(struct oc_darknet *r, const char *key, double otherwise)
{
    double value;
    if (oc_darknet_word(r, key) == NULL)
        return otherwise;
    if (oc_darknet_list(r, key, 1, &value) == 1)
        return value;
    oc_darknet_fail(r, OCELLUS_BAD_MODEL, "%s has no number", key);
    return otherwise;
}

int64_t
oc_darknet_whole(struct oc_darknet *r, const char *key, int64_t otherwise)
{
    double value = oc_darknet_real(r, key, (double)otherwise);
    if (value >= 0 && value == (double)(int64_t)value)
        return (int64_t)value;
    if (value == (double)otherwise)
        return otherwise;
    oc_darknet_fail(r, OCELLUS_BAD_MODEL,
                    "%s=%.40s is no whole number of 0 or "
                    "more",
                    key, oc_darknet_word(r, key));
    return otherwise;
}

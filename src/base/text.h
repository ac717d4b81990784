/* text.h - a string that grows; used to print plans, options and messages. */
#ifndef OC_BASE_TEXT_H
#define OC_BASE_TEXT_H

#include <stddef.h>

#include "base/status.h"

struct oc_text {
    char *data; /* NUL-terminated, or NULL while empty */
    size_t length;
    size_t room;
    int failed; /* memory ran out: sticky, data stays valid */
};

void oc_text_free(struct oc_text *text);
void oc_text_clear(struct oc_text *text);
void oc_text_append(struct oc_text *text, const char *string);
void oc_text_append_bytes(struct oc_text *text, const void *data, size_t bytes);
void oc_text_printf(struct oc_text *text, const char *format, ...)
    OC_PRINTF(2, 3);

#endif

/* text.c - a growing string; a failure sticks until it is cleared. */
#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
oc_text_free(struct oc_text *text)
{
    free(text->data);
    *text = (struct oc_text){0};
}

void
oc_text_clear(struct oc_text *text)
{
    text->length = 0;
    text->failed = 0;
    if (text->data)
        text->data[0] = '\0';
}

/* Room for `bytes` more and the NUL. */
static int
make_room(struct oc_text *text, size_t bytes)
{
    size_t wanted, room = text->room ? text->room : 64;
    char *grown;

    if (text->failed)
        return 0;
    text->failed = 1;
    if (bytes > SIZE_MAX / 2 - text->length - 1)
        return 0;
    wanted = text->length + bytes + 1;
    while (room < wanted)
        room *= 2;
    if (room > text->room) {
        grown = realloc(text->data, room);
        if (!grown)
            return 0;
        text->data = grown;
        text->room = room;
    }
    text->failed = 0;
    return 1;
}

void
oc_text_append_bytes(struct oc_text *text, const void *data, size_t bytes)
{
    if (!make_room(text, bytes))
        return;
    if (bytes)
        memcpy(text->data + text->length, data, bytes);
    text->length += bytes;
    text->data[text->length] = '\0';
}

void
oc_text_append(struct oc_text *text, const char *string)
{
    oc_text_append_bytes(text, string, strlen(string));
}

void
oc_text_printf(struct oc_text *text, const char *format, ...)
{
    va_list list, again;
    int length;

    va_start(list, format);
    va_copy(again, list);
    length = vsnprintf(NULL, 0, format, list);
    if (length < 0)
        text->failed = 1;
    else if (make_room(text, (size_t)length)) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
    va_end(list);
}

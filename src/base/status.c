/* status.c - the sentence that this thread last failed with. */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"

/* Long enough for a compiler's first complaint; longer ones are cut. */
enum { ROOM = 2048 };

static _Thread_local char sentence[ROOM];

/* By way of a second buffer, because an argument may point into `sentence`:
 * oc_fail(status, "%s, so ...", ocellus_error()) is allowed. */
static void
say(const char *format, va_list list, const char *rest)
{
    char fresh[ROOM];
    int length = vsnprintf(fresh, sizeof(fresh), format, list);

    if (length < 0)
        length = 0;
    if (length < ROOM)
        snprintf(fresh + length, sizeof(fresh) - (size_t)length, "%s", rest);
    memcpy(sentence, fresh, sizeof(sentence));
}

ocellus_status
oc_fail(ocellus_status status, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(format, list, "");
    va_end(list);
    return status;
}

ocellus_status
oc_fail_context(ocellus_status status, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(format, list, sentence);
    va_end(list);
    return status;
}

const char *
ocellus_error(void)
{
    return sentence;
}

const char *
ocellus_status_name(ocellus_status status)
{
#define NAME(name, text) [OCELLUS_##name] = #name,
    static const char *const names[] = {OCELLUS_STATUSES(NAME)};
#undef NAME

    if ((int)status < 0 || (size_t)status >= OC_COUNT(names))
        return "unknown status";
    return names[status];
}

const char *
ocellus_version(void)
{
    return PACKAGE_VERSION;
}

ocellus_status
ocellus_fail(ocellus_status status, const char *words)
{
    return oc_fail(status, "%s", words);
}

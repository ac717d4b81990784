/* status.h - how a failure is said and handed on.
 *
 * A failure is born in one function, oc_fail(), which keeps one sentence for
 * this thread (with the actual numbers in it) and returns the status. It is
 * handed on with OC_TRY(). `goto out` is kept for functions that must release
 * something. Nothing here prints, exits or aborts.
 */
#ifndef OC_BASE_STATUS_H
#define OC_BASE_STATUS_H

#include <ocellus.h>

#if defined(__GNUC__)
#define OC_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define OC_PRINTF(text, first)
#endif

/* Keeps the sentence for ocellus_error() and returns `status`. */
ocellus_status oc_fail(ocellus_status status, const char *format, ...)
    OC_PRINTF(2, 3);

/* Puts words in front of the sentence kept: "conv1: " + sentence. */
ocellus_status oc_fail_context(ocellus_status status, const char *format, ...)
    OC_PRINTF(2, 3);

#define OC_TRY(call)                                                           \
    do {                                                                       \
        ocellus_status oc_try_status_ = (call);                                \
        if (oc_try_status_ != OCELLUS_OK)                                      \
            return oc_try_status_;                                             \
    } while (0)

/* The same for a function that releases something behind the label `out`;
 * wants a local `ocellus_status status`. */
#define OC_TRY_OUT(call)                                                       \
    do {                                                                       \
        status = (call);                                                       \
        if (status != OCELLUS_OK)                                              \
            goto out;                                                          \
    } while (0)

#define OC_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif

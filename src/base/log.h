/* log.h - what the library would like to say; silent until a program gives a
 * callback (ocellus_set_log). One line a call, no newline. */
#ifndef OC_BASE_LOG_H
#define OC_BASE_LOG_H

#include "base/status.h"

void oc_log(ocellus_log_level level, const char *format, ...) OC_PRINTF(2, 3);
int oc_log_wanted(ocellus_log_level level);

#endif

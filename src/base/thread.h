/* thread.h - a few threads that work off a list: POSIX threads behind two
 * calls, and a clock. Used to build programs and to decode images ahead of the
 * device. */
#ifndef OC_BASE_THREAD_H
#define OC_BASE_THREAD_H

#include "base/status.h"

double oc_now(void);       /* seconds of a clock that never goes back */
int oc_thread_count(void); /* processors that this process may use */

/* Calls work(context, i) for i in [0, count), at most `threads` at a time, and
 * returns when all are done. Fails where `work` did, with the first failure's
 * status and sentence (oc_fail is per thread: it is carried over). */
ocellus_status oc_parallel(int threads, int count,
                           ocellus_status (*work)(void *context, int i),
                           void *context);

#endif

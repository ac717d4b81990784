/* log.c - one callback for the process. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ocellus_log_function callback;
static void *callback_user;
static ocellus_log_level callback_most;

void
ocellus_set_log(ocellus_log_function log, void *user, ocellus_log_level most)
{
    pthread_mutex_lock(&lock);
    callback = log;
    callback_user = user;
    callback_most = most;
    pthread_mutex_unlock(&lock);
}

int
oc_log_wanted(ocellus_log_level level)
{
    int wanted;

    pthread_mutex_lock(&lock);
    wanted = callback && level <= callback_most;
    pthread_mutex_unlock(&lock);
    return wanted;
}

/* The callback is called without the lock: it may log or be replaced. */
void
oc_log(ocellus_log_level level, const char *format, ...)
{
    ocellus_log_function log;
    char line[2048];
    void *user;
    va_list list;

    if (!oc_log_wanted(level))
        return;
    va_start(list, format);
    vsnprintf(line, sizeof(line), format, list);
    va_end(list);
    pthread_mutex_lock(&lock);
    log = callback;
    user = callback_user;
    pthread_mutex_unlock(&lock);
    if (log)
        log(user, level, line);
}

/* thread.c - a counter that a few threads take their items from.
 *
 * The caller works too, so one thread needs none, and where no thread can be
 * made the list is still worked off. After a failure no new item is begun; of
 * several failures the one with the lowest number is told.
 */
#include <config.h>

#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct crew {
    pthread_mutex_t lock;
    int next, count;
    ocellus_status (*work)(void *context, int i);
    void *context;
    int failed; /* item that failed, -1: none */
    ocellus_status status;
    char sentence[2048];
};

double
oc_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int
oc_thread_count(void)
{
    long count;
#ifdef HAVE_SCHED_GETAFFINITY
    cpu_set_t mine;

    if (sched_getaffinity(0, sizeof(mine), &mine) == 0)
        return CPU_COUNT(&mine);
#endif
    count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
}

/* The next item, or -1. */
static int
take(struct crew *crew)
{
    int item = -1;

    pthread_mutex_lock(&crew->lock);
    if (crew->failed < 0 && crew->next < crew->count)
        item = crew->next++;
    pthread_mutex_unlock(&crew->lock);
    return item;
}

static void
tell(struct crew *crew, int item, ocellus_status status)
{
    pthread_mutex_lock(&crew->lock);
    if (crew->failed < 0 || item < crew->failed) {
        crew->failed = item;
        crew->status = status;
        snprintf(crew->sentence, sizeof(crew->sentence), "%s", ocellus_error());
    }
    pthread_mutex_unlock(&crew->lock);
}

static void *
labour(void *argument)
{
    struct crew *crew = argument;
    int item;

    while ((item = take(crew)) >= 0) {
        ocellus_status status = crew->work(crew->context, item);

        if (status != OCELLUS_OK)
            tell(crew, item, status);
    }
    return NULL;
}

/* Starts up to `extra` threads and says how many it got. Signals are left to
 * the program's own threads. */
static int
hire(struct crew *crew, pthread_t *threads, int extra)
{
    sigset_t all, before;
    int hired = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (hired < extra &&
           pthread_create(&threads[hired], NULL, labour, crew) == 0)
        hired++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return hired;
}

ocellus_status
oc_parallel(int threads, int count,
            ocellus_status (*work)(void *context, int i), void *context)
{
    struct crew crew = {
        .count = count, .work = work, .context = context, .failed = -1};
    int extra = (threads < count ? threads : count) - 1;
    pthread_t *hands = NULL;
    int hired = 0;

    pthread_mutex_init(&crew.lock, NULL);
    if (extra > 0)
        hands = malloc((size_t)extra * sizeof(*hands));
    if (hands)
        hired = hire(&crew, hands, extra);
    labour(&crew);
    for (int i = 0; i < hired; i++)
        pthread_join(hands[i], NULL);
    free(hands);
    pthread_mutex_destroy(&crew.lock);
    if (crew.failed >= 0)
        return oc_fail(crew.status, "%s", crew.sentence);
    return OCELLUS_OK;
}

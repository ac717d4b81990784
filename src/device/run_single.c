/* run_single.c - the one launch that stands for a small net's steps.
 *
 * Its program is the net's own, and costs a second or two to build: nobody
 * waits for that. What the disk holds is taken at once; otherwise steps are
 * taken until the run was enqueued so often that it will be again. Then a
 * thread builds the program, and keeps it on disk, while steps go on. It gives
 * the same bits, so nobody sees from where on it is taken.
 */
#include "device/inside.h"

enum { OFTEN = 200 };

static ocellus_status
take(struct oc_run *run)
{
    return oc_run_make_launch(run, run->plan->single, &run->single.launch);
}

ocellus_status
oc_single_make(struct oc_run *run)
{
    if (!run->plan->single ||
        !oc_program_is_kept(run->device, run->plan->single))
        return OCELLUS_OK;
    return take(run);
}

static void *
build(void *context)
{
    struct oc_run *run = context;
    ocellus_status status = oc_program_finish(run->device, run->plan->single);

    atomic_store(&run->single.ready, status == OCELLUS_OK ? 1 : -1);
    return NULL;
}

/* A driver that does not take the text leaves the steps. */
ocellus_status
oc_single_count(struct oc_run *run)
{
    struct oc_single *single = &run->single;

    if (!run->plan->single || single->launch.kernel || run->profiling)
        return OCELLUS_OK;
    if (single->started)
        return atomic_load(&single->ready) > 0 ? take(run) : OCELLUS_OK;
    if (++single->runs == OFTEN)
        single->started =
            pthread_create(&single->thread, NULL, build, run) == 0;
    return OCELLUS_OK;
}

void
oc_single_destroy(struct oc_run *run)
{
    if (run->single.started)
        pthread_join(run->single.thread, NULL);
    if (run->single.launch.kernel)
        clReleaseKernel(run->single.launch.kernel);
    if (run->single.numbers)
        clReleaseMemObject(run->single.numbers);
}

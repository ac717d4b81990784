/* profile.c - the times of a plan's launches for programs that show them. */
#include <stdlib.h>

#include "device/session.h"

ocellus_status
ocellus_session_profile(ocellus_session *session, int on)
{
    struct oc_run *run;
    const struct oc_plan *plan;
    OC_TRY(oc_session_plan(session, &plan, &run));
    return oc_run_profile(run, on);
}

/* Did the tuner choose who made this step? */
static int
is_tuned(const struct oc_plan *plan, const struct oc_step *step)
{
    return step->node && plan->choice[step->node->id].tuned &&
           step->impl == plan->choice[step->node->id].by;
}

static ocellus_profile_row
row_of(const struct oc_plan *plan, const struct oc_step *step,
       const struct oc_step_time *time, int runs)
{
    return (ocellus_profile_row){
        .node = step->node && step->node->name ? step->node->name : "",
        .op = step->node ? step->node->op->name : "reorder",
        .implementation = step->impl ? step->impl : "",
        .kernel = step->kind == OC_STEP_KERNEL ? step->kernel
                  : step->kind == OC_STEP_GEMM ? "gemm"
                  : step->kind == OC_STEP_COPY ? "copy"
                                               : "fill",
        .microseconds = time->total_us / (runs > 0 ? runs : 1),
        .start = time->start_us,
        .end = time->end_us,
        .flops = step->flops,
        .bytes = step->traffic,
        .tuned = is_tuned(plan, step),
    };
}

ocellus_status
ocellus_session_get_profile(ocellus_session *session,
                            ocellus_profile_row **rows, int *count)
{
    struct oc_run *run;
    const struct oc_plan *plan;
    int runs, from;
    *rows = NULL;
    *count = 0;
    OC_TRY(oc_session_last_plan(session, &plan, &run));
    size_t n = (size_t)plan->n_steps + 1;
    struct oc_step_time *times = calloc(n, sizeof(*times));
    ocellus_profile_row *made = calloc(n, sizeof(*made));
    ocellus_status status =
        times != NULL && made != NULL
            ? oc_run_times(run, times, &runs)
            : oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a profile");
    if (status == OCELLUS_OK) {
        /* The prologue belongs to the first run only. */
        from = runs > 1 ? plan->n_prologue : 0;
        for (int k = from; k < plan->n_steps; k++)
            made[(*count)++] = row_of(plan, plan->step[k], &times[k], runs);
        *rows = made;
        made = NULL;
    }
    free(made);
    free(times);
    return status;
}

void
ocellus_profile_free(ocellus_profile_row *rows)
{
    free(rows);
}

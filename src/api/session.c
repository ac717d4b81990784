/* session.c - the public functions of ocellus_session. */
#include "device/session.h"

ocellus_status
ocellus_session_create(ocellus_device *device, const ocellus_graph *graph,
                       ocellus_session **session)
{
    return oc_session_create(device, graph, NULL, NULL, NULL, session);
}

ocellus_status
ocellus_session_create_shared(ocellus_session *other,
                              const ocellus_graph *graph,
                              ocellus_session **session)
{
    return oc_session_create(NULL, graph, other, NULL, NULL, session);
}

void
ocellus_session_destroy(ocellus_session *session)
{
    oc_session_destroy(session);
}

ocellus_status
ocellus_session_set_input(ocellus_session *session, const char *name,
                          const ocellus_tensor *tensor)
{
    return oc_session_set_input(session, name, tensor);
}

ocellus_status
ocellus_session_run(ocellus_session *session)
{
    return oc_session_run(session);
}

ocellus_status
ocellus_session_enqueue(ocellus_session *session)
{
    return oc_session_enqueue(session);
}

ocellus_status
ocellus_session_get_output(ocellus_session *session, const char *name,
                           const ocellus_tensor **tensor)
{
    return oc_session_get_output(session, name, tensor);
}

int
ocellus_session_state_count(const ocellus_session *session)
{
    return oc_session_state_count(session);
}

const char *
ocellus_session_state_name(const ocellus_session *session, int k)
{
    return oc_session_state_name(session, k);
}

ocellus_status
ocellus_session_read_state(ocellus_session *session, const char *name,
                           ocellus_tensor **tensor)
{
    return oc_session_read_state(session, name, tensor);
}

ocellus_status
ocellus_session_write_state(ocellus_session *session, const char *name,
                            const ocellus_tensor *tensor)
{
    return oc_session_write_state(session, name, tensor);
}

ocellus_status
ocellus_session_get_plan_info(ocellus_session *session, ocellus_plan_info *info)
{
    const struct oc_plan *plan;
    struct oc_run *run;
    struct oc_run_info now;
    OC_TRY(oc_session_last_plan(session, &plan, &run));
    oc_run_info(run, &now);
    *info = (ocellus_plan_info){
        .nodes = plan->graph->n_nodes,
        .launches = now.launches,
        .programs = now.programs,
        .built = now.built,
        .arena_bytes = now.arena_bytes + now.derived_bytes,
        .state_bytes = oc_session_state_bytes(session),
        .flops = plan->flops,
    };
    return OCELLUS_OK;
}

ocellus_status
ocellus_session_prepare(ocellus_session *session)
{
    const struct oc_plan *plan;
    struct oc_run *run;
    OC_TRY(oc_session_last_plan(session, &plan, &run));
    return oc_run_prepare(run);
}

ocellus_status
ocellus_session_show(ocellus_session *session, int why, char **text)
{
    const struct oc_plan *plan;
    *text = NULL;
    OC_TRY(oc_session_plan(session, &plan, NULL));
    return oc_plan_text(plan, why, text);
}

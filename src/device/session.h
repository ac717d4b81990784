/* session.h - a graph on a device: states, and a few plans keyed by the shapes
 * of the inputs.
 *
 * States live in a store, by name, in plain layout; several sessions (training
 * and evaluation) share one. A plan's graph is the user's graph bound to the
 * input shapes and rewritten by the session's passes.
 */
#ifndef OC_DEVICE_SESSION_H
#define OC_DEVICE_SESSION_H

#include "device/device.h"

struct ocellus_session;

/* Rewrites a concrete graph before it is planned (adds loss, gradients and
 * updates, or folds for inference). */
typedef ocellus_status (*oc_session_pass)(struct ocellus_graph *graph,
                                          void *user);

/* `share` NULL: a store of its own, else that session's. `pass` may be NULL.
 * The graph is copied. */
ocellus_status oc_session_create(struct ocellus_device *device,
                                 const struct ocellus_graph *graph,
                                 struct ocellus_session *share,
                                 oc_session_pass pass, void *user,
                                 struct ocellus_session **session);
void oc_session_destroy(struct ocellus_session *session);
/* For tests and the doctor: plan for other capabilities than the device's
 * own. Drops the plans made so far. */
void oc_session_set_caps(struct ocellus_session *session,
                         const struct oc_caps *caps);

ocellus_status oc_session_set_input(struct ocellus_session *session,
                                    const char *name,
                                    const struct ocellus_tensor *tensor);
ocellus_status oc_session_enqueue(struct ocellus_session *session);
ocellus_status oc_session_get_output(struct ocellus_session *session,
                                     const char *name,
                                     const struct ocellus_tensor **tensor);
/* Enqueue and read all outputs. */
ocellus_status oc_session_run(struct ocellus_session *session);

/* The plan and run for the inputs set now; made when there is none. Lent. */
ocellus_status oc_session_plan(struct ocellus_session *session,
                               const struct oc_plan **plan,
                               struct oc_run **run);

/* That of the last run, whose inputs may be gone; before any, the same. */
ocellus_status oc_session_last_plan(struct ocellus_session *session,
                                    const struct oc_plan **plan,
                                    struct oc_run **run);

int oc_session_state_count(const struct ocellus_session *session);
const char *oc_session_state_name(const struct ocellus_session *session, int k);
ocellus_status oc_session_read_state(struct ocellus_session *session,
                                     const char *name,
                                     struct ocellus_tensor **tensor);
ocellus_status oc_session_write_state(struct ocellus_session *session,
                                      const char *name,
                                      const struct ocellus_tensor *tensor);
/* The same, and makes the state where there is none yet (optimizer moments
 * come into being with the first plan, which is after a resume). */
ocellus_status oc_session_put_state(struct ocellus_session *session,
                                    const char *name,
                                    const struct ocellus_tensor *tensor);
uint64_t oc_session_state_bytes(const struct ocellus_session *session);

#endif

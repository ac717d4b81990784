/* session_inside.h - what the files of a session share. */
#ifndef OC_DEVICE_SESSION_INSIDE_H
#define OC_DEVICE_SESSION_INSIDE_H

#include "device/session.h"
#include "device/store.h"

#define MOST_PLANS 4

struct given {
    char *name;
    const struct ocellus_tensor *tensor;
};

/* A plan with what belongs to it on the device. */
struct entry {
    struct oc_shape *key; /* per input of the user's graph */
    void **number;        /* per input: the numbers that were bound, or NULL */
    int n_own;            /* outputs of the user's; the others cross */
    struct ocellus_session *rest; /* what waits for the head's numbers */
    struct oc_plan *plan;
    struct oc_run *run;
    struct oc_buffer **state;       /* per state of the plan's graph; lent */
    struct ocellus_tensor **output; /* as last read */
    uint64_t *read_at;              /* the run that it was read after */
    uint64_t seen;                  /* the store's version it derived from */
    uint64_t used;                  /* when, for the oldest to go */
    uint64_t runs;
};

struct ocellus_session {
    struct ocellus_device *device;
    struct ocellus_graph *graph;
    char *on_host; /* per input: its numbers are bound, not only its shape */
    struct oc_store *store;
    struct oc_caps caps;
    oc_session_pass pass;
    void *user;
    struct given *given;
    int n_given, room_given;
    struct entry entry[MOST_PLANS];
    int n_entries;
    struct entry *last; /* of the last run */
    int moved;          /* a state has another home: plans go */
    uint64_t clock;
};

/* The tensor that an input was set to; NULL: none. */
const struct ocellus_tensor *
oc_session_given(const struct ocellus_session *session, const char *name);

#endif

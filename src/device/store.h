/* store.h - the states of a session, by name, on the device. */
#ifndef OC_DEVICE_STORE_H
#define OC_DEVICE_STORE_H

#include "device/device.h"

struct oc_home {
    char *name;
    ocellus_type type;
    struct oc_shape shape;
    struct oc_buffer *buffer;
    size_t bytes;
    int lent; /* the numbers are the graph's: they are not written */
};

struct oc_store {
    struct ocellus_device *device;
    struct oc_home *home;
    int count, room;
    int refs;
    struct ocellus_graph *lender; /* keeps the graphs whose numbers are lent */
    uint64_t version;             /* grows when a state changes */
};

ocellus_status oc_store_create(struct ocellus_device *device,
                               struct oc_store **store);
struct oc_store *oc_store_retain(struct oc_store *store);
void oc_store_release(struct oc_store *store);
struct oc_home *oc_store_find(const struct oc_store *store, const char *name);
/* From now on large states stay where the graph has their numbers, on devices
 * that work in the host's memory; unless it changes states in its runs. */
ocellus_status oc_store_lend(struct oc_store *store,
                             struct ocellus_graph *graph);
/* A home of its own for a state whose numbers will be changed; *moved = 1 where
 * it had none: plans must be bound again. */
ocellus_status oc_home_own(struct oc_store *store, struct oc_home *home,
                           int *moved);
/* The home of a graph's state; made with its first numbers when new. Fails
 * where one of that name has another shape or type. */
ocellus_status oc_store_home(struct oc_store *store,
                             const struct ocellus_value *state, uint64_t seed,
                             struct oc_buffer **buffer);

#endif

/* plan.h - how a concrete graph is carried out on a kind of device.
 *
 * Plain data: a list of steps, and a table of places (physical tensors). Made
 * with no device at hand, from its capabilities alone, so it can be printed,
 * compared and tested.
 */
#ifndef OC_PLAN_PLAN_H
#define OC_PLAN_PLAN_H

#include "op/impl.h"

enum oc_place_kind {
    OC_PLACE_ARENA,    /* offset in a bin of the arena */
    OC_PLACE_STATE,    /* value's home, kept by the session */
    OC_PLACE_CONSTANT, /* uploaded once a plan */
    OC_PLACE_DERIVED   /* a packing of a state or constant, kept with the
                        * plan, refreshed by the prologue */
};

struct oc_place {
    enum oc_place_kind kind;
    const struct ocellus_value *value; /* NULL: scratch */
    struct oc_layout layout;
    size_t bytes;
    int first, last; /* steps in which it is live */
    int bin;         /* arena: which one */
    size_t offset;   /* arena: byte in its bin */
    int alias;       /* lies in this other place, or -1 */
};

struct oc_choice { /* per node, for show --why */
    const struct oc_node *node;
    const struct oc_impl *impl; /* NULL: host-known or a view */
    const char *refused_by[8];
    const char *reason[8];
    int n_refused;
    const struct oc_impl *usual; /* what is taken without the tuner */
    const char *way;             /* another way of impl, or NULL */
    int tuned;                   /* the tuner chose otherwise */
    const char *by;              /* "blocked", "blocked:short"; or NULL */
    int n_steps; /* 0 also where an earlier node's launch does it too */
    int fixed;   /* its steps are in the prologue */
    struct oc_layout out;
};

struct oc_plan {
    struct oc_arena *arena;            /* holds the plan itself */
    const struct ocellus_graph *graph; /* concrete; owned */
    struct oc_caps caps;
    struct oc_step **step;
    int n_steps;
    int n_prologue;         /* step[0 .. n_prologue): run first, and again
                             * only after a state was written from outside
                             * or by another plan */
    struct oc_step *single; /* one launch that does what those behind the
                             * prologue do, or NULL */
    struct oc_place *place;
    int n_places;
    struct oc_choice *choice;
    int n_choices;
    int *input_place;    /* per graph input; -1: nobody reads it */
    int *output_place;   /* per graph output: plain */
    int *state_place;    /* per graph state; -1 */
    int *assigned_place; /* per graph state: plain place that holds the
                          * new value at the end; == state_place when
                          * updated where it lies; -1: not assigned */
    size_t *bin_bytes;
    int n_bins;
    double flops;
};

/* NULL where an implementation will carry the node out, else why not: its own
 * refusal, the doctor's verdict, or an epilogue that it does not know. */
const char *oc_plan_refusal(const struct oc_caps *caps,
                            const struct oc_node *node,
                            const struct oc_impl *impl);

/* Takes the concrete graph over (destroyed with the plan, also on failure). */
ocellus_status oc_plan_make(struct ocellus_graph *graph,
                            const struct oc_caps *caps, struct oc_plan **plan);
void oc_plan_destroy(struct oc_plan *plan);
ocellus_status oc_plan_text(const struct oc_plan *plan, int why, char **text);

#endif

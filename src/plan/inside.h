/* inside.h - a plan in the making; what the files of src/plan share. */
#ifndef OC_PLAN_INSIDE_H
#define OC_PLAN_INSIDE_H

#include "plan/plan.h"

/* How one node will be carried out, before places are known. */
struct oc_chosen {
    const struct oc_impl *impl; /* NULL: host-known, or a view */
    const char *way; /* of impl: another than the usual one; or NULL */
    int view;
    struct oc_layout *in; /* wanted, per input */
    size_t scratch;
};

/* A packing or reorder of a value, made once and used by several readers. */
struct oc_variant {
    const struct ocellus_value *value;
    struct oc_layout layout;
    int place;
};

struct oc_planning {
    struct oc_plan *plan;
    struct ocellus_graph *graph;
    const struct oc_caps *caps;
    struct oc_chosen *chosen; /* per node */
    struct oc_layout *layout; /* per value: as its maker leaves it */
    int *home;                /* per value: its place, or -1 */
    int *readers;             /* per value */
    char *fixed;              /* per value: known once the states are */
    const struct ocellus_value **whole; /* per value: what it is a part of */
    int *left;                          /* per place: readers to come */
    int room_left, room_places;
    struct oc_variant *variant;
    int n_variants, room_variants;
    struct oc_steps prologue, steps;
    struct oc_steps *now; /* the one being added to */
};

/* Implementations and layouts of all nodes (choose.c). */
ocellus_status oc_plan_choose(struct oc_planning *p);
/* Values that are made as parts of what joins them (part.c); readers and fixed
 * are known. */
void oc_plan_parts(struct oc_planning *p);
/* Places, reorders and steps (emit.c). */
ocellus_status oc_plan_emit(struct oc_planning *p);
/* Launches of the same kernel for many tensors in few (together.c). */
ocellus_status oc_plan_together(struct oc_planning *p);
/* Where arena places lie (memory.c). */
ocellus_status oc_plan_memory(struct oc_plan *plan);
/* All steps as one launch, where that is faster (single.c). */
ocellus_status oc_plan_single(struct oc_plan *plan);

#endif

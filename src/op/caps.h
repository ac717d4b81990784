/* caps.h - what a device can do, as implementations ask it. Plain data, filled
 * in by src/device (probed, never believed from a vendor string) and by
 * tests. */
#ifndef OC_OP_CAPS_H
#define OC_OP_CAPS_H

#include <stddef.h>
#include <stdint.h>

/* A verdict of the tuner: how operators of this class are best carried out. */
struct oc_tuned {
    const char *what;    /* the class: operator, shapes, attributes */
    const char *by;      /* "blocked", "blocked:short": a variant of it */
    const char *usual;   /* what would be taken without a verdict */
    double us, usual_us; /* microseconds, when they were measured */
};

enum oc_amx {
    OC_AMX_NONE,
    OC_AMX_INSTRUCTIONS, /* AMX-TILE and AMX-BF16, probed */
    OC_AMX_LOOPS         /* the same in loops: for tests */
};

enum oc_tensor {
    OC_TENSOR_NONE,
    OC_TENSOR_INSTRUCTIONS, /* of NVIDIA's tensor cores, probed */
    OC_TENSOR_LOOPS         /* the same in loops: for tests */
};

enum oc_pairs {
    OC_PAIRS_NONE,
    OC_PAIRS_INSTRUCTIONS, /* of AMD's cards, probed */
    OC_PAIRS_LOOPS         /* the same in loops: for tests */
};

struct oc_caps {
    int cpu; /* CPU class: work-groups of one work-item,
              * explicit vectors, no local tiles; decided
              * by measurement, not by vendor */
    int compute_units;
    int vector_width;     /* native float lanes: 4, 8, 16 (CPU class) */
    int vector_registers; /* 16 or 32 of them (CPU class) */
    int launch_us;        /* what a launch costs beside its work (CPU class) */
    int half, fp64;       /* arithmetic probed: 1 or 0 */
    size_t local_memory;  /* bytes a work-group */
    size_t max_work_group;
    size_t largest_allocation; /* bytes */
    size_t alignment;          /* of sub-buffers, bytes */
    size_t arguments;          /* bytes that a kernel's may take; 0: 1024 */
    size_t cache;              /* bytes of the core's own cache, or 0 */
    int clblast;               /* GEMM library is usable */
    int amx;                   /* products of bfloat16 in tiles: enum oc_amx */
    int tensor; /* products of half and bfloat16 by warps: enum oc_tensor */
    int pairs;  /* two products of half added to a float: enum oc_pairs */
    /* The doctor's verdicts: "conv:blocked" ... or NULL. A refused
     * implementation says so with this as its reason. */
    const char *const *quarantine;
    int n_quarantine;
    /* The tuner's verdicts, by class in strcmp's order; or NULL. */
    const struct oc_tuned *tuned;
    int n_tuned;
    /* The other way of an implementation that layouts and emit are asked for
     * (oc_op's ways): "short", or NULL for the usual one. */
    const char *way;
    /* 1: refuse only what cannot be done. The tuner asks so, who measures; 0:
     * also what is usually slower than the next in the list. */
    int eager;
};

/* Is this the other way that is asked for? */
int oc_caps_way(const struct oc_caps *caps, const char *way);

#endif

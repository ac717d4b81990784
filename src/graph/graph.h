/* graph.h - what is computed: values joined by operators.
 *
 * A graph lives in one arena. Nodes stand in the order in which they were
 * made, which is an order in which they can run. Shapes are inferred when a
 * node is made, so that the error names the guilty line; a dimension may be
 * unknown there (OC_UNKNOWN). oc_graph_bind() makes a concrete copy with every
 * dimension known; grad, fold, fuse and planning see concrete graphs only.
 *
 * Values whose numbers are known on the host (constants, and what an
 * operator's `eval` computed from them) have `data`. Shapes, axes, pads and
 * indices are such values: no kernel ever touches them.
 *
 * In an open graph (an imported one) a node may wait: it needs numbers on the
 * host that come only with a run, as Reshape by a computed shape does, or the
 * outcome of a condition. What a waiting node makes is `unknown`, and who
 * reads that waits too. Binding gives many of these numbers; what waits then
 * still is run in a stage of its own (split.c), after the numbers were read
 * back.
 */
#ifndef OC_GRAPH_GRAPH_H
#define OC_GRAPH_GRAPH_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/shape.h"
#include "base/status.h"
#include "base/type.h"

#define OC_MAX_IN 64 /* Concat and Sum take many */

struct oc_op;
struct oc_node;

enum oc_value_kind {
    OC_INPUT,    /* given at each run */
    OC_CONSTANT, /* data is set */
    OC_STATE,    /* kept between runs; see `assigned` */
    OC_RESULT    /* made by a node */
};

/* What a model file says of a value that is `unknown` before the run. */
struct oc_declared {
    ocellus_type type;
    int has_shape;
    struct oc_shape shape;
};

struct ocellus_value {
    struct ocellus_graph *graph;
    int id; /* its index in graph->values */
    enum oc_value_kind kind;
    const char *name; /* never NULL, unique for states */
    ocellus_type type;
    struct oc_shape shape;
    int unknown;                        /* type and shape come with a run */
    const struct oc_declared *declared; /* ... what a file says; or NULL */
    const void *data;                   /* host-known numbers, or NULL */
    struct oc_node *node;               /* OC_RESULT: who makes it */
    int slot;                           /* ... as which of its outputs */
    int trainable;                      /* OC_STATE: a gradient may reach it */
    const char *init;                   /* OC_STATE: rule, when data is NULL */
    struct ocellus_value *assigned; /* OC_STATE: its value after a run; every
                                     * read in the run sees the old one */
};

enum oc_attr_kind {
    OC_ATTR_INT,
    OC_ATTR_FLOAT,
    OC_ATTR_TEXT,
    OC_ATTR_INTS,
    OC_ATTR_FLOATS,
    OC_ATTR_TENSOR,
    OC_ATTR_GRAPH
};

struct oc_attr {
    const char *name;
    enum oc_attr_kind kind;
    int count; /* of ints or floats */
    int64_t i;
    double f;
    const char *text;
    const int64_t *ints;
    const float *floats;
    struct ocellus_value *tensor; /* a constant value of the graph */
    struct ocellus_graph *graph;  /* a branch or the body of a loop: what it
                                   * takes from outside are its last inputs,
                                   * and its node's */
};

/* What a following chain of pointwise operators does to each number `v` of
 * output 0 before it is stored; made by the fuse pass, honoured by every
 * implementation that declares `epilogue`. `formula` is OpenCL C over v, over
 * e0, e1 ... (numbers of the extra inputs at the same place: those have the
 * output's shape and follow the operator's own inputs in node->in) and over
 * the scalars s0, s1 ... (kernel arguments). */
struct oc_epilogue {
    const char *formula; /* "fmax(v + e0, 0.0f)" */
    int n_extra;
    int n_scalar;
    float scalar[8];
};

struct oc_node {
    struct ocellus_graph *graph;
    const struct oc_op *op;
    const char *name;
    int id;                    /* its index in graph->nodes */
    int n_in, n_out;           /* trailing absent ones not counted */
    struct ocellus_value **in; /* NULL: an absent optional input */
    struct ocellus_value **out;
    int n_attr;
    struct oc_attr *attr;
    const struct oc_epilogue *epilogue; /* or NULL */
    int waits;                          /* not inferred before a run */
    uint32_t missing;                   /* ... for these inputs' numbers */
};

/* Sums are float32, and so are parameters. */
enum oc_precision {
    OC_FP32,
    OC_BF16, /* factors and tensors may be rounded to bfloat16 */
    OC_FP16  /* ... to half; losses are scaled in a training */
};

struct oc_metadata {
    const char *key, *value;
};

struct ocellus_graph {
    struct oc_arena *arena;
    atomic_int holders;          /* besides who made it */
    struct ocellus_graph **kept; /* whose numbers it reads */
    int n_kept, room_kept;
    int open;      /* its nodes may wait */
    int64_t opset; /* of the file that it was read from; 0: none */
    int training;  /* a step of training: rounding adds up there */
    enum oc_precision precision; /* what its author allows */
    ocellus_type storage; /* of tensors inside, where it does no harm: float16
                           * or bfloat16; 0: as the nodes say (pass/mixed.h) */
    struct oc_metadata *metadata;
    int n_metadata, room_metadata;
    ocellus_status status; /* the first failure of a builder */
    char *sentence;
    uint64_t seed;
    struct ocellus_value **values;
    struct oc_node **nodes;
    struct ocellus_value **inputs;
    struct ocellus_value **states;
    struct ocellus_value **outputs;
    const char **output_names;
    int n_values, n_nodes, n_inputs, n_states, n_outputs;
    int room_values, room_nodes, room_inputs, room_states, room_outputs;
    int room_names;
};

/* ---- making ----------------------------------------------------------- */

ocellus_status oc_graph_create(struct ocellus_graph **graph);
/* Its memory goes with the last of those that keep it. */
void oc_graph_destroy(struct ocellus_graph *graph);
/* `other` stays as long as `graph` does. */
ocellus_status oc_graph_keep(struct ocellus_graph *graph,
                             struct ocellus_graph *other);

struct ocellus_value *oc_graph_input(struct ocellus_graph *graph,
                                     const char *name, ocellus_type type,
                                     const struct oc_shape *shape);
/* data is copied; name NULL: one is made up. */
struct ocellus_value *oc_graph_constant(struct ocellus_graph *graph,
                                        const char *name, ocellus_type type,
                                        const struct oc_shape *shape,
                                        const void *data);
struct ocellus_value *oc_graph_state(struct ocellus_graph *graph,
                                     const char *name, ocellus_type type,
                                     const struct oc_shape *shape,
                                     const char *init, int trainable);
struct ocellus_value *oc_graph_find_state(const struct ocellus_graph *graph,
                                          const char *name);
ocellus_status oc_graph_output(struct ocellus_graph *graph, const char *name,
                               struct ocellus_value *value);
ocellus_status oc_graph_set_metadata(struct ocellus_graph *graph,
                                     const char *key, const char *value);
const char *oc_graph_metadata(const struct ocellus_graph *graph,
                              const char *key);
/* Keeps the graph's first failure; returns NULL for builders to return. */
struct ocellus_value *oc_graph_fail(struct ocellus_graph *graph,
                                    ocellus_status status);

/* Scalars (rank 0 float) and 1-D int64 constants. */
struct ocellus_value *oc_scalar(struct ocellus_graph *graph, double value);
struct ocellus_value *oc_ints(struct ocellus_graph *graph, int count,
                              const int64_t *values);

/* A node by its operator's name; attributes as the text of ocellus_apply().
 * Infers, evaluates what is known, and returns output 0, or NULL (the graph
 * keeps the failure). An input that is NULL by failure of an earlier builder
 * fails too; trailing NULLs and absent optional inputs are fine. */
struct ocellus_value *oc_apply(struct ocellus_graph *graph, const char *op,
                               const char *attributes,
                               struct ocellus_value *const *in, int n_in);
/* OC_NODE(graph, "Mul", NULL, a, b) */
#define OC_NODE(graph, op, attributes, ...)                                    \
    oc_apply(graph, op, attributes, (struct ocellus_value *[]){__VA_ARGS__},   \
             (int)(sizeof((struct ocellus_value *[]){__VA_ARGS__}) /           \
                   sizeof(struct ocellus_value *)))

/* The same with all attributes of `node`, and more text: what gradient
 * builders use (ConvGradInput has Conv's attributes). */
struct ocellus_value *oc_apply_like(const struct oc_node *node, const char *op,
                                    const char *attributes,
                                    struct ocellus_value *const *in, int n_in);
#define OC_NODE_LIKE(node, op, attributes, ...)                                \
    oc_apply_like(node, op, attributes,                                        \
                  (struct ocellus_value *[]){__VA_ARGS__},                     \
                  (int)(sizeof((struct ocellus_value *[]){__VA_ARGS__}) /      \
                        sizeof(struct ocellus_value *)))

/* With parsed attributes (importers): the array is copied. */
struct ocellus_value *oc_apply_attrs(struct ocellus_graph *graph,
                                     const struct oc_op *op, const char *name,
                                     int n_attr, const struct oc_attr *attr,
                                     struct ocellus_value *const *in, int n_in,
                                     int n_out);

/* ---- attributes ------------------------------------------------------- */

const struct oc_attr *oc_attr_find(const struct oc_node *node,
                                   const char *name);
int64_t oc_attr_int(const struct oc_node *node, const char *name,
                    int64_t otherwise);
double oc_attr_float(const struct oc_node *node, const char *name,
                     double otherwise);
const char *oc_attr_text(const struct oc_node *node, const char *name,
                         const char *otherwise);
/* NULL and *count = 0 when absent. */
const int64_t *oc_attr_ints(const struct oc_node *node, const char *name,
                            int *count);
/* Sets or replaces (arena copies). */
ocellus_status oc_attr_set_int(struct oc_node *node, const char *name,
                               int64_t value);
ocellus_status oc_attr_set_ints(struct oc_node *node, const char *name,
                                const int64_t *values, int count);

/* ---- for infer and eval ----------------------------------------------- */

/* Output k gets type and shape. */
ocellus_status oc_infer_out(struct oc_node *node, int k, ocellus_type type,
                            const struct oc_shape *shape);
/* Zeroed memory for output k's numbers, in the graph's arena; sets data. */
void *oc_eval_out(struct oc_node *node, int k);
/* Input k's numbers as int64 (arena copy); fails, naming the node, where they
 * are not known on the host. *count may be 0. */
ocellus_status oc_host_ints(const struct oc_node *node, int k,
                            const int64_t **values, int *count);
ocellus_status oc_host_floats(const struct oc_node *node, int k,
                              const float **values, int *count);
/* oc_fail with "Conv 'conv1': " in front. */
ocellus_status oc_node_fail(const struct oc_node *node, ocellus_status status,
                            const char *format, ...) OC_PRINTF(3, 4);

/* ---- copies, checks, text --------------------------------------------- */

/* A copy with input k's shape replaced by shapes[k] (and, where data[k] is not
 * NULL, input k turned into a constant of these numbers); inferred again.
 * Operators made of others (op->expand) become these. The numbers of constants
 * and states are not copied: the copy keeps `graph`. */
ocellus_status oc_graph_bind(const struct ocellus_graph *graph,
                             const struct oc_shape *shapes,
                             const void *const *data,
                             struct ocellus_graph **bound);
ocellus_status oc_graph_copy(const struct ocellus_graph *graph,
                             struct ocellus_graph **copied);
/* A copy that keeps nothing of `graph`: it has its own constants, and large
 * states are without numbers, which a store of states has already. */
ocellus_status oc_graph_copy_apart(const struct ocellus_graph *graph,
                                   struct ocellus_graph **copied);
/* One node, of attributes that hold neither tensors nor graphs, into another
 * graph, where it reads in[k] for its input k, with its epilogue. */
ocellus_status oc_node_copy(const struct oc_node *node,
                            struct ocellus_graph *to,
                            struct ocellus_value *const *in,
                            struct oc_node **copy);
/* Nodes, constants and states of `sub` into `graph`, reading in[k] for sub's
 * input k; out[k] becomes its output k. `prefix` goes before their names. */
ocellus_status oc_graph_inline(struct ocellus_graph *graph,
                               struct ocellus_graph *sub, const char *prefix,
                               struct ocellus_value *const *in,
                               struct ocellus_value **out);
/* The first node that waits; NULL: none does. */
const struct oc_node *oc_graph_waiting(const struct ocellus_graph *graph);
/* on_host[k] = 1 for inputs whose numbers must be known when the graph is
 * bound; others are left as they are. 1: something changed. */
int oc_graph_host_inputs(const struct ocellus_graph *graph, char *on_host);
/* The same for inputs of `graph` that `bound`, made of it, still waits for. */
int oc_graph_more_host_inputs(const struct ocellus_graph *graph,
                              const struct ocellus_graph *bound, char *on_host);
/* What can run now, as `head`, and what waits, as `rest`. The head's outputs
 * beyond those of `graph` (its first *n_out) are inputs of the rest, by the
 * names that they have as outputs; the rest takes its other inputs from
 * `graph`'s, by name. */
ocellus_status oc_graph_split(struct ocellus_graph *graph,
                              struct ocellus_graph **head, int *n_out,
                              struct ocellus_graph **rest);
/* Drops what no output and no assignment needs. */
ocellus_status oc_graph_prune(struct ocellus_graph *graph);
/* Puts nodes into an order in which they can run (stable: as near to the
 * present one as may be). OCELLUS_BAD_MODEL where there is a cycle. */
ocellus_status oc_graph_sort(struct ocellus_graph *graph);
/* Every reader of `from` (nodes but `except`, outputs, assignments) reads `to`
 * from now on. */
void oc_graph_replace(struct ocellus_graph *graph,
                      const struct ocellus_value *from,
                      struct ocellus_value *to, const struct oc_node *except);
/* Order, arity, shapes inferred again, no dangling values. */
ocellus_status oc_graph_verify(const struct ocellus_graph *graph);
ocellus_status oc_graph_text(const struct ocellus_graph *graph, char **text);
/* The first numbers of a state, by its rule: malloc'ed float32. */
ocellus_status oc_state_init(const struct ocellus_value *state, uint64_t seed,
                             float **data);

#endif

/* onnx_inside.h - what the files of the ONNX reader share.
 *
 * A reading is one scope of names: the main graph, a subgraph (a branch or a
 * body), or the body of a model's own function, which is written out where it
 * is called. A subgraph becomes a graph of its own; what it takes from outside
 * become its last inputs.
 */
#ifndef OC_FORMAT_ONNX_INSIDE_H
#define OC_FORMAT_ONNX_INSIDE_H

#include "format/onnx.h"
#include "format/onnx.pb-c.h"
#include "graph/op.h"
#include "graph/tensor.h"

typedef OcOnnx__Model oc_onnx_model;
typedef OcOnnx__Graph oc_onnx_graph;
typedef OcOnnx__Node oc_onnx_node;
typedef OcOnnx__Tensor oc_onnx_tensor;
typedef OcOnnx__Attribute oc_onnx_attribute;
typedef OcOnnx__Function oc_onnx_function;

/* Subgraphs and functions within each other; a hostile file nests for ever. */
enum { OC_ONNX_MOST_DEPTH = 32, OC_ONNX_MOST_NODES = 1000000 };

/* A name of the model and what it stands for here. */
struct oc_onnx_name {
    const char *name;
    struct ocellus_value *value; /* NULL: an initializer not yet met */
    oc_onnx_tensor *initializer;
};

/* What all scopes of one file share. */
struct oc_onnx_file {
    const char *path;
    int folder; /* of the file, opened; where external data lie; -1: not yet */
    const oc_onnx_model *model;
    int nodes; /* met so far: functions multiply them */
};

struct oc_onnx_reading {
    struct oc_onnx_file *file;
    struct ocellus_graph *graph;
    int64_t opset;
    int depth;
    struct oc_onnx_name *name; /* a hash table, open addressing */
    size_t room, count;
    struct oc_onnx_reading *outer;  /* of a subgraph: whose names it sees */
    struct ocellus_value **capture; /* of `outer`, the graph's last inputs */
    int n_capture, room_capture;
    const oc_onnx_function *function; /* whose body this is, or NULL */
    const oc_onnx_node *call;         /* its call */
    struct oc_onnx_reading *caller;
};

/* ---- names (onnx_scope.c) --------------------------------------------------
 */

/* Two of one name: OCELLUS_BAD_MODEL. */
ocellus_status oc_onnx_define(struct oc_onnx_reading *r, const char *name,
                              struct ocellus_value *value,
                              oc_onnx_tensor *initializer);
/* What a name stands for, from outer scopes too; an initializer is settled by
 * its first reader, as a state where `is_state`. */
ocellus_status oc_onnx_value(struct oc_onnx_reading *r, const char *name,
                             int is_state, int trainable,
                             struct ocellus_value **value);
/* Of this scope alone; NULL: there is none. */
struct oc_onnx_name *oc_onnx_find(const struct oc_onnx_reading *r,
                                  const char *name);
/* A weight that its operator trains by nature, and that nodes which only move
 * numbers made of initializers: those become trainable states.
 * (onnx_weight.c) */
ocellus_status oc_onnx_train(struct oc_onnx_reading *r,
                             struct ocellus_value *value);
/* Inputs of an Add: likewise what is added to a MatMul's product. */
ocellus_status oc_onnx_train_bias(struct oc_onnx_reading *r,
                                  struct ocellus_value *in[2]);
void oc_onnx_forget(struct oc_onnx_reading *r); /* frees the tables */

/* ---- graphs and nodes (onnx_load.c, onnx_node.c) ----------------------------
 */

ocellus_status oc_onnx_read_graph(struct oc_onnx_reading *r,
                                  const oc_onnx_graph *g);
ocellus_status oc_onnx_read_nodes(struct oc_onnx_reading *r,
                                  oc_onnx_node *const *node, size_t count);
/* The first failure of the graph's builders. */
ocellus_status oc_onnx_status(const struct oc_onnx_reading *r);

/* ---- the rest
 * ---------------------------------------------------------------- */

/* The model's own function of this domain and name; NULL: none. */
const oc_onnx_function *oc_onnx_function_find(const struct oc_onnx_reading *r,
                                              const oc_onnx_node *node);
/* Its body's nodes, in place of the call. (onnx_function.c) */
ocellus_status oc_onnx_call(struct oc_onnx_reading *r, const oc_onnx_node *node,
                            const oc_onnx_function *function);
/* Within a function: the caller's attribute that this one refers to, or the
 * function's default; itself where it refers to none. NULL: it is absent. */
const oc_onnx_attribute *oc_onnx_resolve(const struct oc_onnx_reading *r,
                                         const oc_onnx_attribute *attribute,
                                         const struct oc_onnx_reading **where);

/* A tensor's numbers, checked against its dims, in `arena`, or malloc'ed where
 * that is NULL. `file` NULL: external data are refused. */
ocellus_status oc_onnx_numbers(const oc_onnx_tensor *tensor,
                               struct oc_onnx_file *file,
                               struct oc_arena *arena, struct oc_shape *shape,
                               void **data, size_t *bytes);
/* The `bytes` bytes of a tensor that lies in a file of its own, beside the
 * model's. Only a regular file within the model's folder, reached without
 * links, is read. data NULL: only looks whether they are there, so that a tiny
 * file cannot ask for memory. (onnx_external.c) */
ocellus_status oc_onnx_external(struct oc_onnx_file *file,
                                const oc_onnx_tensor *tensor, void *data,
                                size_t bytes);

/* The operator that a name stands for, old names among them; NULL: none. */
const struct oc_op *oc_onnx_op(const char *name);
/* The domain of a node; "" is ONNX's own. */
const char *oc_onnx_domain(const oc_onnx_node *node);
/* The operator that a node calls, which is no function of the model; NULL: we
 * have none. (onnx_node.c) */
const struct oc_op *oc_onnx_op_of(const oc_onnx_node *node);
/* The file as messages, to be freed; and its operator set, 0 where it says
 * none. (onnx_load.c) */
ocellus_status oc_onnx_open(const char *path, oc_onnx_model **model);
int64_t oc_onnx_opset(const oc_onnx_model *model);
/* Do the graph's own numbers bear this name? NULL is none. */
int oc_onnx_is_initializer(const oc_onnx_graph *g, const char *name);

/* Brings a node of an older operator set into its newest form: attributes
 * that have become inputs, other meanings. in[] and attr[] have room for a few
 * more; n_in and n_attr change. *made: its output, where it became several
 * nodes; else NULL. (onnx_old.c) */
ocellus_status oc_onnx_modernise(struct oc_onnx_reading *r,
                                 const oc_onnx_node *node,
                                 const struct oc_op *op,
                                 struct ocellus_value *in[], int *n_in,
                                 struct oc_attr attr[], int *n_attr,
                                 struct ocellus_value **made);

/* What stands for the second output of a Dropout of x. */
struct ocellus_value *oc_onnx_dropout_mask(struct oc_onnx_reading *r,
                                           struct ocellus_value *x);

#endif

/* onnx_saving.h - what the files of the ONNX writer share.
 *
 * Messages are built in an arena and packed at the end. A subgraph is written
 * as a graph within its node's attribute; names are those of the graph, made
 * different from all others in the file where need be, so that none in a
 * subgraph hides one outside.
 */
#ifndef OC_FORMAT_ONNX_SAVING_H
#define OC_FORMAT_ONNX_SAVING_H

#include "format/onnx_inside.h"

/* What all graphs of one file share. */
struct oc_onnx_saving {
    struct oc_arena *arena;
    int64_t opset;
    const char *domain; /* of operators that are not ONNX's own, or NULL */
    const char **taken; /* names: a hash table, open addressing */
    size_t room, count;
    float **rule; /* numbers made by a rule, to be freed */
    int n_rules, room_rules;
};

/* One graph. */
struct oc_onnx_writing {
    struct oc_onnx_saving *file;
    const struct ocellus_graph *graph;
    int declared;      /* inputs; the others are captured from outside */
    int inside;        /* a subgraph, nested so deep */
    const char **name; /* per value; NULL at first */
    int *readers;      /* per value */
};

/* Zeroed room in the file's arena, for one at least. */
void *oc_onnx_room(const struct oc_onnx_saving *file, size_t count,
                   size_t size);
ocellus_status oc_onnx_no_room(void);

/* A name that nothing in the file has, like `wanted`; NULL: no memory. */
const char *oc_onnx_new_name(struct oc_onnx_saving *file, const char *wanted);

/* A graph and what lies in it. Names of captured inputs are set by the caller.
 * (onnx_save.c) */
ocellus_status oc_onnx_write_graph(struct oc_onnx_writing *w, oc_onnx_graph *g);
/* The value's shape, and these numbers. */
ocellus_status oc_onnx_write_tensor(const struct oc_onnx_writing *w,
                                    const struct ocellus_value *value,
                                    const void *data, oc_onnx_tensor *t);
/* (onnx_save_node.c) */
ocellus_status oc_onnx_write_node(struct oc_onnx_writing *w,
                                  const struct oc_node *node, oc_onnx_node *to);

#endif

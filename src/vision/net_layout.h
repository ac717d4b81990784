/* net_layout.h - where the boxes and lines of a net's picture go.
 *
 * A box is an input, an output, or a few operators: a chain in which each reads
 * nothing but what the one before it gives (Conv, BatchNormalization, Relu) is
 * one box of several rows. Boxes stand in layers, from the inputs down: a line
 * leads to a layer below. One that leaves layers out goes round what stands
 * there by way of bends, which are boxes without width.
 */
#ifndef OC_VISION_NET_LAYOUT_H
#define OC_VISION_NET_LAYOUT_H

#include "graph/graph.h"

enum oc_net_kind {
    OC_NET_END, /* an input or an output */
    OC_NET_WEIGHTED,
    OC_NET_NORM,
    OC_NET_POOL,
    OC_NET_JOIN,
    OC_NET_OTHER,
    OC_NET_BEND
};

struct oc_net_row {
    const char *text;
    struct oc_net_row *next;
};

struct oc_net_box {
    enum oc_net_kind kind;
    struct oc_net_row *row, *last; /* what is written in it */
    const char *name;              /* of its first node, or input, or output */
    const char *shape;             /* of what leaves it */
    int readers, layer;
    double x, y, w, h; /* the upper left corner and the size, in pixels */
    double wish;       /* while ordering: where its neighbours are */
};

struct oc_net_line {
    int from, to; /* boxes */
};

struct oc_net_picture {
    struct oc_arena *arena;
    struct oc_net_box *box; /* bends come last */
    struct oc_net_line *line;
    int n_boxes, n_lines, n_bends, room_boxes, room_lines;
    double width, height;
};

/* Boxes and lines, without places. Release with oc_net_picture_free in any
 * case. */
ocellus_status oc_net_picture_make(const struct ocellus_graph *graph,
                                   struct oc_net_picture *picture);
/* Layers, bends, places. OCELLUS_UNSUPPORTED for nets with too many lines for a
 * picture. */
ocellus_status oc_net_picture_place(struct oc_net_picture *picture);
void oc_net_picture_free(struct oc_net_picture *picture);

#endif

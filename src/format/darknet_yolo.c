/* darknet_yolo.c - the detection layers, made of operators.
 *
 * A map of A x (x, y, w, h, sure, classes) numbers a cell becomes a row a box:
 * the cell's corner plus the logistic of x and y, the anchor's size times the
 * exponentials of w and h, as fractions of the image (Redmon & Farhadi,
 * "YOLOv3: An Incremental Improvement", 2018, and "YOLO9000", 2016).
 */
#include <stdlib.h>

#include "format/darknet_inside.h"

enum { MOST_ANCHORS = 64 };

struct head {
    int64_t height, width; /* of the map */
    int boxes;             /* of a cell */
    int64_t classes;
    double anchor[2 * MOST_ANCHORS]; /* w, h in cells */
    double stretch;                  /* scale_x_y */
    int plain;                       /* no logistic, squares: new_coords */
    int softmax;                     /* over classes, not one by one */
};

static struct ocellus_value *
apply(struct ocellus_graph *g, const char *op, struct ocellus_value *a,
      struct ocellus_value *b)
{
    return OC_NODE(g, op, NULL, a, b);
}

/* 1 x H x W x 1 x 2: each cell's corner, in cells. */
static struct ocellus_value *
corners(struct ocellus_graph *g, const struct head *h)
{
    const struct oc_shape shape = OC_SHAPE(1, h->height, h->width, 1, 2);
    size_t bytes;
    if (oc_shape_bytes(&shape, sizeof(float), &bytes) != OCELLUS_OK)
        return NULL;
    float *at = malloc(bytes);
    for (int64_t k = 0; at != NULL && k < h->height * h->width; k++) {
        at[2 * k] = (float)(k % h->width);
        at[2 * k + 1] = (float)(k / h->width);
    }
    struct ocellus_value *made = at ? oc_layer_constant(g, &shape, at) : NULL;
    free(at);
    return made;
}

/* A pair of numbers for each box of a cell, or one for all. */
static struct ocellus_value *
pairs(struct ocellus_graph *g, int boxes, const double *pair, double w,
      double h)
{
    float at[2 * MOST_ANCHORS];
    const struct oc_shape shape = OC_SHAPE(boxes, 2);
    for (int k = 0; k < boxes; k++) {
        at[2 * k] = (float)(pair[2 * k] * w);
        at[2 * k + 1] = (float)(pair[2 * k + 1] * h);
    }
    return oc_layer_constant(g, &shape, at);
}

static struct ocellus_value *
logistic(struct ocellus_graph *g, const struct head *h, struct ocellus_value *x)
{
    return h->plain ? x : OC_NODE(g, "Sigmoid", NULL, x);
}

/* Middles of the boxes. */
static struct ocellus_value *
middle(struct ocellus_graph *g, const struct head *h, struct ocellus_value *t)
{
    const double one[] = {1, 1};
    t = logistic(g, h, t);
    if (h->stretch != 1) {
        t = apply(g, "Mul", t, oc_scalar(g, h->stretch));
        t = apply(g, "Sub", t, oc_scalar(g, (h->stretch - 1) / 2));
    }
    t = apply(g, "Add", t, corners(g, h));
    return apply(
        g, "Mul", t,
        pairs(g, 1, one, 1.0 / (double)h->width, 1.0 / (double)h->height));
}

static struct ocellus_value *
size(struct ocellus_graph *g, const struct head *h, struct ocellus_value *t)
{
    double four = h->plain ? 4 : 1;
    t = h->plain ? apply(g, "Mul", t, t) : OC_NODE(g, "Exp", NULL, t);
    return apply(g, "Mul", t,
                 pairs(g, h->boxes, h->anchor, four / (double)h->width,
                       four / (double)h->height));
}

static struct ocellus_value *
decode(struct oc_darknet *r, const struct head *h, struct ocellus_value *x)
{
    struct ocellus_graph *g = r->graph;
    const int64_t numbers = 5 + h->classes;
    const int64_t apart[] = {0, h->boxes, numbers, h->height, h->width};
    const int64_t rows[] = {0, h->height * h->width * h->boxes, numbers};
    x = oc_layer_reshape(x, 5, apart);
    x = OC_NODE(g, "Transpose", "perm=0,3,4,1,2", x);
    struct ocellus_value *sure = logistic(g, h, oc_layer_slice(x, 4, 4, 5));
    struct ocellus_value *class = oc_layer_slice(x, 4, 5, numbers);
    class = h->softmax ? OC_NODE(g, "Softmax", "axis=4", class)
                       : logistic(g, h, class);
    struct ocellus_value *part[] = {middle(g, h, oc_layer_slice(x, 4, 0, 2)),
                                    size(g, h, oc_layer_slice(x, 4, 2, 4)),
                                    sure, apply(g, "Mul", class, sure)};
    return oc_layer_reshape(oc_apply(g, "Concat", "axis=4", part, 4), 3, rows);
}

static struct ocellus_value *
detect(struct oc_darknet *r, struct head *h, struct ocellus_value *x)
{
    char text[OC_SHAPE_TEXT];
    h->stretch = oc_darknet_real(r, "scale_x_y", 1);
    h->plain = oc_darknet_whole(r, "new_coords", 0) != 0;
    if (x->shape.rank != 4 || h->classes < 1 || h->boxes < 1 ||
        x->shape.dim[1] != h->boxes * (5 + h->classes))
        return oc_darknet_fail(r, OCELLUS_BAD_MODEL,
                               "%d boxes of 5 + %lld numbers a cell do not "
                               "fit an input of %s",
                               h->boxes, (long long)h->classes,
                               oc_shape_text(&x->shape, text));
    h->height = x->shape.dim[2];
    h->width = x->shape.dim[3];
    struct ocellus_value *y = decode(r, h, x);
    const char *name = oc_arena_printf(r->graph->arena, "yolo_%d", r->layer);
    if (y != NULL && oc_graph_output(r->graph, name, y) == OCELLUS_OK)
        r->detections++;
    return y;
}

struct ocellus_value *
oc_darknet_yolo(struct oc_darknet *r, struct ocellus_value *x)
{
    double anchor[2 * MOST_ANCHORS], mask[MOST_ANCHORS];
    struct head h = {.classes = oc_darknet_whole(r, "classes", 20)};
    int known = oc_darknet_list(r, "anchors", 2 * MOST_ANCHORS, anchor) / 2;
    h.boxes = oc_darknet_list(r, "mask", MOST_ANCHORS, mask);
    if (h.boxes == 0)
        for (h.boxes = 0; h.boxes < known && h.boxes < MOST_ANCHORS; h.boxes++)
            mask[h.boxes] = h.boxes;
    for (int k = 0; k < h.boxes; k++) {
        int which = (int)mask[k];
        if (which < 0 || which >= known)
            return oc_darknet_fail(r, OCELLUS_BAD_MODEL,
                                   "mask names anchor %d of %d", which, known);
        /* In pixels of the image. */
        h.anchor[2 * k] =
            anchor[2 * which] * (double)x->shape.dim[3] / (double)r->width;
        h.anchor[2 * k + 1] =
            anchor[2 * which + 1] * (double)x->shape.dim[2] / (double)r->height;
    }
    return detect(r, &h, x);
}

struct ocellus_value *
oc_darknet_region(struct oc_darknet *r, struct ocellus_value *x)
{
    struct head h = {.classes = oc_darknet_whole(r, "classes", 20),
                     .softmax = oc_darknet_whole(r, "softmax", 0) != 0};
    int known = oc_darknet_list(r, "anchors", 2 * MOST_ANCHORS, h.anchor) / 2;
    h.boxes = (int)oc_darknet_whole(r, "num", 1);
    if (h.boxes != known || oc_darknet_word(r, "tree") != NULL ||
        oc_darknet_whole(r, "background", 0) ||
        oc_darknet_whole(r, "coords", 4) != 4)
        return oc_darknet_fail(r, OCELLUS_UNSUPPORTED,
                               "num=%d of %d anchors, or a tree of classes, a "
                               "background or other coordinates than 4",
                               h.boxes, known);
    return detect(r, &h, x);
}

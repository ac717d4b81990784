/* darknet_inside.h - what the files of the Darknet reader share. */
#ifndef OC_FORMAT_DARKNET_INSIDE_H
#define OC_FORMAT_DARKNET_INSIDE_H

#include "format/darknet.h"
#include "format/layer.h"

/* [name] and the lines KEY=VALUE behind it. */
struct oc_darknet_option {
    const char *key, *value;
};
struct oc_darknet_section {
    const char *name;
    int line;
    struct oc_darknet_option *option;
    int count;
};

/* The numbers of a .weights file, taken in the order of the layers. */
struct oc_darknet_weights {
    const char *path; /* NULL: there is no such file */
    char *bytes;
    size_t size, at;
    int transposed; /* of connected layers, as files long ago */
};

struct oc_darknet {
    struct ocellus_graph *graph;
    struct oc_darknet_section *section; /* [net] first; in the graph's arena */
    int count;
    const struct oc_darknet_section *at;
    int layer;                     /* number of `at` */
    struct ocellus_value **output; /* of each layer */
    int64_t height, width;         /* of the image */
    int detections;
    struct oc_darknet_weights weights;
};

/* ---- text (darknet_text.c) ------------------------------------------------
 */

ocellus_status oc_darknet_parse(struct oc_darknet *r, char *text);
/* NULL: it is not said. */
const char *oc_darknet_word(const struct oc_darknet *r, const char *key);
/* Whole numbers within [0, 2^30], a number, and lists of these. What cannot be
 * read fails the graph. */
int64_t oc_darknet_whole(struct oc_darknet *r, const char *key,
                         int64_t otherwise);
double oc_darknet_real(struct oc_darknet *r, const char *key, double otherwise);
/* How many there were, at most `most`; 0: it is not said. Negative ones are
 * fine. */
int oc_darknet_list(struct oc_darknet *r, const char *key, int most,
                    double *list);
/* Fails the graph in this section, and returns NULL. */
struct ocellus_value *oc_darknet_fail(struct oc_darknet *r,
                                      ocellus_status status, const char *format,
                                      ...) OC_PRINTF(3, 4);

/* ---- numbers (darknet_weights.c) --------------------------------------------
 */

ocellus_status oc_darknet_open_weights(struct oc_darknet_weights *w);
/* The next ones become a state's. */
void oc_darknet_take(struct oc_darknet *r, struct ocellus_value *state);

/* ---- detection (darknet_yolo.c) ---------------------------------------------
 */

struct ocellus_value *oc_darknet_yolo(struct oc_darknet *r,
                                      struct ocellus_value *x);
struct ocellus_value *oc_darknet_region(struct oc_darknet *r,
                                        struct ocellus_value *x);

#endif

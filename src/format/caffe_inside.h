/* caffe_inside.h - what the files of the Caffe reader share. */
#ifndef OC_FORMAT_CAFFE_INSIDE_H
#define OC_FORMAT_CAFFE_INSIDE_H

#include "format/caffe.h"
#include "format/caffe.pb-c.h"
#include "format/layer.h"

typedef OcCaffe__Net oc_caffe_net;
typedef OcCaffe__Layer oc_caffe_layer;
typedef OcCaffe__Blob oc_caffe_blob;
typedef OcCaffe__OldLayer oc_caffe_old;

/* A blob by its name; layers that write where they read give it a new value. */
struct oc_caffe_name {
    const char *name;
    struct ocellus_value *value;
    int read; /* by a layer, since it got this value */
};

struct oc_caffe {
    struct ocellus_graph *graph;
    oc_caffe_net *net, *weights;
    struct oc_caffe_name *name;
    int count, room;
    const oc_caffe_layer *at;
    const char *path; /* of the weights; NULL: there are none */
};

/* A file of either form. The caller frees it by
 * oc_caffe__net__free_unpacked(). (caffe_text.c) */
ocellus_status oc_caffe_read(const char *path, oc_caffe_net **net);
/* The text form. */
ocellus_status oc_caffe_parse(const char *text, oc_caffe_net **net);

/* Layers of before 2014 as today's, behind those there are. (caffe_old.c) */
ocellus_status oc_caffe_modernise(oc_caffe_net *net);

/* Fails the graph, and returns NULL. */
struct ocellus_value *oc_caffe_fail(struct oc_caffe *r, ocellus_status status,
                                    const char *format, ...) OC_PRINTF(3, 4);
/* Numbers of this layer's blob k become a state's; divided where `divisor` is
 * not 0. Passed over where there are no weights or state is NULL.
 * (caffe_blob.c) */
void oc_caffe_take(struct oc_caffe *r, struct ocellus_value *state, size_t k,
                   double divisor);
/* The first number of blob k; `otherwise` where it is not there. */
double oc_caffe_number(struct oc_caffe *r, size_t k, double otherwise);

/* A layer in the making: what it reads, and room for what it makes. */
enum { OC_CAFFE_MOST_BLOBS = 64 };
struct oc_caffe_work {
    struct oc_caffe *r;
    const oc_caffe_layer *layer;
    struct ocellus_graph *g;
    struct ocellus_value *in[OC_CAFFE_MOST_BLOBS];
    int n_in;
    struct ocellus_value *out[OC_CAFFE_MOST_BLOBS]; /* out[0] is returned */
    int n_out;                                      /* 1 unless set */
};
/* From x, the first input; NULL, and a failure of the graph. */
typedef struct ocellus_value *(*oc_caffe_maker)(struct oc_caffe_work *w,
                                                struct ocellus_value *x);
/* NULL where the kind is not known. (caffe_layer.c, caffe_shape.c) */
oc_caffe_maker oc_caffe_find(const char *kind);
oc_caffe_maker oc_caffe_find_shape(const char *kind);

/* A layer's parameters `p`, those of the file or the usual ones. */
#define OC_CAFFE_PARAMS(Kind, KIND, field)                                     \
    static const OcCaffe__##Kind usual = OC_CAFFE__##KIND##__INIT;             \
    const OcCaffe__##Kind *p = w->layer->field ? w->layer->field : &usual

/* How many layers read a blob of this name. */
int oc_caffe_readers(const struct oc_caffe *r, const char *name);

#endif

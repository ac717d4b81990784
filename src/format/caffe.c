/* caffe.c - a Caffe net as a graph: layer by layer, blob by blob. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "format/caffe_inside.h"

struct ocellus_value *
oc_caffe_fail(struct oc_caffe *r, ocellus_status status, const char *format,
              ...)
{
    char sentence[512];
    va_list list;
    va_start(list, format);
    vsnprintf(sentence, sizeof sentence, format, list);
    va_end(list);
    return oc_graph_fail(r->graph, oc_fail(status, "%s", sentence));
}

/* ---- blobs
 * -------------------------------------------------------------------- */

static struct oc_caffe_name *
find(const struct oc_caffe *r, const char *name)
{
    for (int k = 0; k < r->count; k++)
        if (strcmp(r->name[k].name, name) == 0)
            return &r->name[k];
    return NULL;
}

static ocellus_status
define(struct oc_caffe *r, const char *name, struct ocellus_value *value)
{
    struct oc_caffe_name *slot = find(r, name);
    if (slot == NULL && !oc_grow(&r->name, r->count, &r->room, sizeof *r->name))
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a blob");
    if (slot == NULL)
        slot = &r->name[r->count++];
    *slot = (struct oc_caffe_name){name, value, 0};
    return OCELLUS_OK;
}

int
oc_caffe_readers(const struct oc_caffe *r, const char *name)
{
    int count = 0;
    for (size_t k = 0; k < r->net->n_layer; k++)
        for (size_t i = 0; i < r->net->layer[k]->n_bottom; i++)
            count += strcmp(r->net->layer[k]->bottom[i], name) == 0;
    return count;
}

/* The batch is left open. */
static ocellus_status
add_input(struct oc_caffe *r, const char *name, size_t rank, const int64_t *dim)
{
    struct oc_shape shape = {(int)rank, {0}};
    if (rank < 1 || rank > OC_MAX_RANK)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "input '%s' has %zu extents; 1 to %d are read", name,
                       rank, OC_MAX_RANK);
    for (size_t d = 0; d < rank; d++) {
        shape.dim[d] = d == 0 ? OC_UNKNOWN : dim[d];
        if (dim[d] < 1)
            return oc_fail(OCELLUS_BAD_MODEL,
                           "input '%s' has an extent of "
                           "%lld",
                           name, (long long)dim[d]);
    }
    struct ocellus_value *value =
        oc_graph_input(r->graph, name, OCELLUS_FLOAT, &shape);
    if (value == NULL)
        return oc_fail(r->graph->status, "%s", r->graph->sentence);
    return define(r, name, value);
}

/* Inputs named at the head of the net. */
static ocellus_status
add_inputs(struct oc_caffe *r)
{
    const oc_caffe_net *net = r->net;
    for (size_t k = 0; k < net->n_input; k++) {
        if (k < net->n_input_shape)
            OC_TRY(add_input(r, net->input[k], net->input_shape[k]->n_dim,
                             net->input_shape[k]->dim));
        else if (net->n_input_dim >= 4 * (k + 1))
            OC_TRY(add_input(r, net->input[k], 4, net->input_dim + 4 * k));
        else
            return oc_fail(OCELLUS_BAD_MODEL, "input '%s' has no extents",
                           net->input[k]);
    }
    return OCELLUS_OK;
}

static ocellus_status
add_input_layer(struct oc_caffe *r)
{
    const oc_caffe_layer *l = r->at;
    const OcCaffe__Input *p = l->input_param;
    for (size_t k = 0; k < l->n_top; k++) {
        if (p == NULL || p->n_shape == 0)
            return oc_fail(OCELLUS_BAD_MODEL, "it has no extents");
        const OcCaffe__Extents *shape = p->shape[k < p->n_shape ? k : 0];
        OC_TRY(add_input(r, l->top[k], shape->n_dim, shape->dim));
    }
    return OCELLUS_OK;
}

/* ---- layers
 * ------------------------------------------------------------------ */

static int
one_of(const char *kind, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(*list, kind) == 0)
            return 1;
    return 0;
}

static int
has_phase(OcCaffe__Rule *const *rule, size_t count, OcCaffe__Phase phase)
{
    for (size_t k = 0; k < count; k++)
        if (rule[k]->has_phase && rule[k]->phase == phase)
            return 1;
    return 0;
}

/* Layers of the training alone, its losses, and those that do nothing. */
static int
is_passed_over(const oc_caffe_layer *l)
{
    static const char *const kinds[] = {
        "Accuracy", "SoftmaxWithLoss",         "EuclideanLoss", "HingeLoss",
        "Silence",  "SigmoidCrossEntropyLoss", "MultiBoxLoss",  NULL};
    return has_phase(l->include, l->n_include, OC_CAFFE__PHASE__TRAIN) ||
           has_phase(l->exclude, l->n_exclude, OC_CAFFE__PHASE__TEST) ||
           (l->type != NULL && one_of(l->type, kinds));
}

static ocellus_status
take_inputs(struct oc_caffe *r, struct oc_caffe_work *w)
{
    const oc_caffe_layer *l = r->at;
    if (l->n_bottom < 1 || l->n_bottom > OC_CAFFE_MOST_BLOBS || l->n_top < 1 ||
        l->n_top > OC_CAFFE_MOST_BLOBS)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "it has %zu inputs and %zu outputs; 1 to %d are read",
                       l->n_bottom, l->n_top, OC_CAFFE_MOST_BLOBS);
    for (size_t k = 0; k < l->n_bottom; k++) {
        struct oc_caffe_name *slot = find(r, l->bottom[k]);
        if (slot == NULL)
            return oc_fail(OCELLUS_BAD_MODEL, "'%s' is made later or never",
                           l->bottom[k]);
        slot->read = 1;
        w->in[w->n_in++] = slot->value;
    }
    return OCELLUS_OK;
}

static ocellus_status
make_layer(struct oc_caffe *r)
{
    const oc_caffe_layer *l = r->at;
    oc_caffe_maker make = oc_caffe_find(l->type);
    struct oc_caffe_work w = {.r = r, .layer = l, .g = r->graph, .n_out = 1};
    if (strcmp(l->type, "Input") == 0)
        return add_input_layer(r);
    if (make == NULL)
        return oc_fail(OCELLUS_UNSUPPORTED, "layers of this kind are not read");
    OC_TRY(take_inputs(r, &w));
    w.out[0] = make(&w, w.in[0]);
    if (r->graph->status != OCELLUS_OK)
        return oc_fail(r->graph->status, "%s", r->graph->sentence);
    if ((size_t)w.n_out != l->n_top)
        return oc_fail(OCELLUS_UNSUPPORTED, "it has %zu outputs; %d are made",
                       l->n_top, w.n_out);
    for (int k = 0; k < w.n_out; k++) {
        if (w.out[k] == NULL)
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a layer");
        OC_TRY(define(r, l->top[k], w.out[k]));
    }
    return OCELLUS_OK;
}

/* What no layer reads is what the net gives. */
static ocellus_status
add_outputs(struct oc_caffe *r)
{
    for (int k = 0; k < r->count; k++)
        if (!r->name[k].read && r->name[k].value->kind == OC_RESULT)
            OC_TRY(
                oc_graph_output(r->graph, r->name[k].name, r->name[k].value));
    return r->graph->n_outputs > 0
               ? OCELLUS_OK
               : oc_fail(OCELLUS_BAD_MODEL, "the net makes nothing");
}

static ocellus_status
make_all(struct oc_caffe *r)
{
    OC_TRY(add_inputs(r));
    for (size_t k = 0; k < r->net->n_layer; k++) {
        r->at = r->net->layer[k];
        const char *name = r->at->name ? r->at->name : "(unnamed)";
        if (is_passed_over(r->at))
            continue;
        ocellus_status status =
            r->at->type == NULL || r->at->name == NULL
                ? oc_fail(OCELLUS_BAD_MODEL, "it has no kind or no name")
                : make_layer(r);
        if (status != OCELLUS_OK)
            return oc_fail_context(status, "layer '%s' (%s): ", name,
                                   r->at->type ? r->at->type : "no kind");
    }
    return add_outputs(r);
}

static ocellus_status
read(struct oc_caffe *r, const char *net, const char *weights)
{
    OC_TRY(oc_graph_create(&r->graph));
    OC_TRY(oc_caffe_read(net, &r->net));
    OC_TRY(oc_caffe_modernise(r->net));
    if (weights != NULL) {
        OC_TRY(oc_caffe_read(weights, &r->weights));
        OC_TRY(oc_caffe_modernise(r->weights));
        r->path = weights;
    } else {
        oc_log(OCELLUS_LOG_WARNING,
               "there are no weights: parameters start from chance");
    }
    ocellus_status status = make_all(r);
    return status == OCELLUS_OK ? status : oc_fail_context(status, "%s: ", net);
}

ocellus_status
oc_caffe_load(const char *net, const char *weights,
              struct ocellus_graph **graph)
{
    struct oc_caffe r = {.path = NULL};
    *graph = NULL;
    ocellus_status status = read(&r, net, weights);
    if (r.net != NULL)
        oc_caffe__net__free_unpacked(r.net, NULL);
    if (r.weights != NULL)
        oc_caffe__net__free_unpacked(r.weights, NULL);
    free(r.name);
    if (status == OCELLUS_OK)
        *graph = r.graph;
    else
        oc_graph_destroy(r.graph);
    return status;
}

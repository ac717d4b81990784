/* caffe_old.c - layers of before 2014 as today's: the same parameters, and a
 * number for the kind in place of a name. */
#include <stdlib.h>
#include <string.h>

#include "format/caffe_inside.h"

static const char *
kind_of(const oc_caffe_old *old)
{
    static const struct {
        int kind;
        const char *name;
    } kinds[] = {{OC_CAFFE__OLD_LAYER__KIND__ACCURACY, "Accuracy"},
                 {OC_CAFFE__OLD_LAYER__KIND__CONCAT, "Concat"},
                 {OC_CAFFE__OLD_LAYER__KIND__CONVOLUTION, "Convolution"},
                 {OC_CAFFE__OLD_LAYER__KIND__DATA, "Data"},
                 {OC_CAFFE__OLD_LAYER__KIND__DROPOUT, "Dropout"},
                 {OC_CAFFE__OLD_LAYER__KIND__FLATTEN, "Flatten"},
                 {OC_CAFFE__OLD_LAYER__KIND__IMAGE_DATA, "ImageData"},
                 {OC_CAFFE__OLD_LAYER__KIND__INNER_PRODUCT, "InnerProduct"},
                 {OC_CAFFE__OLD_LAYER__KIND__LRN, "LRN"},
                 {OC_CAFFE__OLD_LAYER__KIND__POOLING, "Pooling"},
                 {OC_CAFFE__OLD_LAYER__KIND__RELU, "ReLU"},
                 {OC_CAFFE__OLD_LAYER__KIND__SIGMOID, "Sigmoid"},
                 {OC_CAFFE__OLD_LAYER__KIND__SOFTMAX, "Softmax"},
                 {OC_CAFFE__OLD_LAYER__KIND__SOFTMAX_LOSS, "SoftmaxWithLoss"},
                 {OC_CAFFE__OLD_LAYER__KIND__SPLIT, "Split"},
                 {OC_CAFFE__OLD_LAYER__KIND__TANH, "TanH"},
                 {OC_CAFFE__OLD_LAYER__KIND__ELTWISE, "Eltwise"},
                 {OC_CAFFE__OLD_LAYER__KIND__POWER, "Power"},
                 {OC_CAFFE__OLD_LAYER__KIND__SLICE, "Slice"},
                 {OC_CAFFE__OLD_LAYER__KIND__ABSVAL, "AbsVal"},
                 {OC_CAFFE__OLD_LAYER__KIND__SILENCE, "Silence"},
                 {OC_CAFFE__OLD_LAYER__KIND__DECONVOLUTION, "Deconvolution"}};
    for (size_t k = 0; k < OC_COUNT(kinds); k++)
        if (kinds[k].kind == (int)old->type)
            return kinds[k].name;
    return "a kind of before 2014 that is not known";
}

/* What the old layer owns goes over to the new one. */
#define MOVE(to, from, field)                                                  \
    do {                                                                       \
        (to)->field = (from)->field;                                           \
        (from)->field = NULL;                                                  \
    } while (0)
#define MOVE_LIST(to, from, field)                                             \
    do {                                                                       \
        (to)->n_##field = (from)->n_##field;                                   \
        (from)->n_##field = 0;                                                 \
        MOVE(to, from, field);                                                 \
    } while (0)

static oc_caffe_layer *
renewed(oc_caffe_old *old)
{
    oc_caffe_layer *layer = malloc(sizeof *layer);
    if (layer == NULL)
        return NULL;
    oc_caffe__layer__init(layer);
    layer->type = strdup(kind_of(old));
    MOVE(layer, old, name);
    MOVE_LIST(layer, old, bottom);
    MOVE_LIST(layer, old, top);
    MOVE_LIST(layer, old, blobs);
    MOVE_LIST(layer, old, include);
    MOVE_LIST(layer, old, exclude);
    MOVE(layer, old, concat_param);
    MOVE(layer, old, convolution_param);
    MOVE(layer, old, dropout_param);
    MOVE(layer, old, inner_product_param);
    MOVE(layer, old, lrn_param);
    MOVE(layer, old, pooling_param);
    MOVE(layer, old, power_param);
    MOVE(layer, old, eltwise_param);
    MOVE(layer, old, relu_param);
    MOVE(layer, old, slice_param);
    MOVE(layer, old, softmax_param);
    return layer;
}

ocellus_status
oc_caffe_modernise(oc_caffe_net *net)
{
    size_t n = net->n_layer + net->n_layers;
    if (net->n_layers == 0)
        return OCELLUS_OK;
    oc_caffe_layer **all = realloc(net->layer, n * sizeof(oc_caffe_layer *));
    if (all == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %zu layers", n);
    net->layer = all;
    for (size_t k = 0; k < net->n_layers; k++) {
        oc_caffe_layer *layer = renewed(net->layers[k]);
        if (layer == NULL || layer->type == NULL) {
            free(layer);
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %zu layers",
                           n);
        }
        net->layer[net->n_layer++] = layer;
    }
    return OCELLUS_OK;
}

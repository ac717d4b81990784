/* net.h - the builders of named nets; public headers only. */
#ifndef OC_NET_NET_H
#define OC_NET_NET_H

#include <ocellus.h>

/* From the input to the output; NULL on failure (the graph keeps it). */
typedef ocellus_value *(*oc_net_builder)(ocellus_value *x, int classes);

/* Of sequences: `channels` is how many characters there are. */
typedef ocellus_value *(*oc_sequence_builder)(ocellus_graph *graph,
                                              ocellus_value *x, int channels,
                                              int classes);

ocellus_value *oc_net_mlp(ocellus_value *x, int classes);
ocellus_value *oc_net_lenet5(ocellus_value *x, int classes);
ocellus_value *oc_net_alexnet(ocellus_value *x, int classes);
ocellus_value *oc_net_vgg11(ocellus_value *x, int classes);
ocellus_value *oc_net_vgg16(ocellus_value *x, int classes);
ocellus_value *oc_net_squeezenet(ocellus_value *x, int classes);
ocellus_value *oc_net_mobilenetv2(ocellus_value *x, int classes);
ocellus_value *oc_net_resnet20(ocellus_value *x, int classes);
ocellus_value *oc_net_resnet32(ocellus_value *x, int classes);
ocellus_value *oc_net_resnet56(ocellus_value *x, int classes);
ocellus_value *oc_net_resnet18(ocellus_value *x, int classes);
ocellus_value *oc_net_resnet34(ocellus_value *x, int classes);
ocellus_value *oc_net_resnet50(ocellus_value *x, int classes);
ocellus_value *oc_net_unet(ocellus_value *x, int classes);
ocellus_value *oc_net_charlstm(ocellus_graph *graph, ocellus_value *x,
                               int characters, int classes);
ocellus_value *oc_net_namelstm(ocellus_graph *graph, ocellus_value *x,
                               int characters, int classes);
ocellus_value *oc_net_serieslstm(ocellus_graph *graph, ocellus_value *x,
                                 int features, int outputs);

/* Convolution without bias, batch normalisation and, with `relu`, Relu: named
 * CONV.weight and NORM.weight ... */
ocellus_value *oc_net_conv_norm(ocellus_value *x, const char *conv,
                                const char *norm, int channels, int kernel,
                                int stride, int pad, int groups, int relu);

#endif

/* resnet.c - residual nets (He et al., "Deep residual learning for image
 * recognition", CVPR 2016) and MobileNetV2 (Sandler et al., CVPR 2018). */
#include <stdio.h>

#include "net/net.h"

ocellus_value *
oc_net_conv_norm(ocellus_value *x, const char *conv, const char *norm,
                 int channels, int kernel, int stride, int pad, int groups,
                 int relu)
{
    x = ocellus_conv2d(x, conv, channels, kernel, stride, pad, groups, 0);
    x = ocellus_batch_norm(x, norm);
    return relu ? ocellus_relu(x) : x;
}

struct names {
    char conv[64], norm[64];
};

static struct names
part(const char *block, const char *conv, const char *norm)
{
    struct names n;
    snprintf(n.conv, sizeof n.conv, "%.40s.%s", block, conv);
    snprintf(n.norm, sizeof n.norm, "%.40s.%s", block, norm);
    return n;
}

static ocellus_value *
step(ocellus_value *x, const char *block, int k, int channels, int kernel,
     int stride, int relu)
{
    char conv[16], norm[16];
    snprintf(conv, sizeof conv, "conv%d", k);
    snprintf(norm, sizeof norm, "bn%d", k);
    struct names n = part(block, conv, norm);
    return oc_net_conv_norm(x, n.conv, n.norm, channels, kernel, stride,
                            kernel / 2, 1, relu);
}

/* The skip connection: itself, or a 1x1 convolution where shapes differ. */
static ocellus_value *
skip(ocellus_value *x, const char *block, int channels, int stride)
{
    if (x == NULL || (stride == 1 && ocellus_value_dim(x, 1) == channels))
        return x;
    struct names n = part(block, "downsample.0", "downsample.1");
    return oc_net_conv_norm(x, n.conv, n.norm, channels, 1, stride, 0, 1, 0);
}

static ocellus_value *
basic(ocellus_value *x, const char *block, int channels, int stride)
{
    ocellus_value *y = step(x, block, 1, channels, 3, stride, 1);
    y = step(y, block, 2, channels, 3, 1, 0);
    return ocellus_relu(ocellus_add(y, skip(x, block, channels, stride)));
}

static ocellus_value *
bottleneck(ocellus_value *x, const char *block, int channels, int stride)
{
    ocellus_value *y = step(x, block, 1, channels, 1, 1, 1);
    y = step(y, block, 2, channels, 3, stride, 1);
    y = step(y, block, 3, 4 * channels, 1, 1, 0);
    return ocellus_relu(ocellus_add(y, skip(x, block, 4 * channels, stride)));
}

static ocellus_value *
stages(ocellus_value *x, const int *depth, int count, int channels,
       int is_bottleneck)
{
    char block[40];
    for (int s = 0; s < count; s++, channels *= 2)
        for (int k = 0; k < depth[s]; k++) {
            int stride = s > 0 && k == 0 ? 2 : 1;
            snprintf(block, sizeof block, "layer%d.%d", s + 1, k);
            x = is_bottleneck ? bottleneck(x, block, channels, stride)
                              : basic(x, block, channels, stride);
        }
    return x;
}

static ocellus_value *
head(ocellus_value *x, int classes)
{
    x = ocellus_flatten(ocellus_global_average_pool(x));
    return ocellus_linear(x, "fc", classes);
}

static ocellus_value *
small(ocellus_value *x, int depth, int classes)
{
    const int depths[] = {depth, depth, depth};
    x = oc_net_conv_norm(x, "conv1", "bn1", 16, 3, 1, 1, 1, 1);
    return head(stages(x, depths, 3, 16, 0), classes);
}

static ocellus_value *
large(ocellus_value *x, const int *depth, int is_bottleneck, int classes)
{
    x = oc_net_conv_norm(x, "conv1", "bn1", 64, 7, 2, 3, 1, 1);
    x = ocellus_max_pool(x, 3, 2, 1);
    return head(stages(x, depth, 4, 64, is_bottleneck), classes);
}

ocellus_value *
oc_net_resnet20(ocellus_value *x, int classes)
{
    return small(x, 3, classes);
}

ocellus_value *
oc_net_resnet32(ocellus_value *x, int classes)
{
    return small(x, 5, classes);
}

ocellus_value *
oc_net_resnet56(ocellus_value *x, int classes)
{
    return small(x, 9, classes);
}

ocellus_value *
oc_net_resnet18(ocellus_value *x, int classes)
{
    static const int depth[] = {2, 2, 2, 2};
    return large(x, depth, 0, classes);
}

ocellus_value *
oc_net_resnet34(ocellus_value *x, int classes)
{
    static const int depth[] = {3, 4, 6, 3};
    return large(x, depth, 0, classes);
}

ocellus_value *
oc_net_resnet50(ocellus_value *x, int classes)
{
    static const int depth[] = {3, 4, 6, 3};
    return large(x, depth, 1, classes);
}

/* ---- MobileNetV2 -----------------------------------------------------------
 */

static ocellus_value *
conv_norm6(ocellus_value *x, const char *block, int at, int channels,
           int kernel, int stride, int groups)
{
    char conv[64], norm[64];
    snprintf(conv, sizeof conv, "%.40s.%d.0", block, at);
    snprintf(norm, sizeof norm, "%.40s.%d.1", block, at);
    return ocellus_relu6(oc_net_conv_norm(x, conv, norm, channels, kernel,
                                          stride, kernel / 2, groups, 0));
}

/* Expand, depthwise, project; with a skip where shapes allow it. */
static ocellus_value *
inverted(ocellus_value *x, int k, int expand, int channels, int stride)
{
    char block[40], conv[64], norm[64];
    if (x == NULL)
        return NULL;
    int in = (int)ocellus_value_dim(x, 1), at = 0;
    snprintf(block, sizeof block, "features.%d.conv", k);
    ocellus_value *y = x;
    if (expand != 1)
        y = conv_norm6(y, block, at++, in * expand, 1, 1, 1);
    y = conv_norm6(y, block, at++, in * expand, 3, stride, in * expand);
    snprintf(conv, sizeof conv, "%.40s.%d", block, at);
    snprintf(norm, sizeof norm, "%.40s.%d", block, at + 1);
    y = oc_net_conv_norm(y, conv, norm, channels, 1, 1, 0, 1, 0);
    return stride == 1 && in == channels ? ocellus_add(y, x) : y;
}

ocellus_value *
oc_net_mobilenetv2(ocellus_value *x, int classes)
{
    static const struct {
        int expand, channels, count, stride;
    } rows[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    int at = 1;
    x = conv_norm6(x, "features", 0, 32, 3, 2, 1);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (int k = 0; k < rows[r].count; k++)
            x = inverted(x, at++, rows[r].expand, rows[r].channels,
                         k == 0 ? rows[r].stride : 1);
    x = conv_norm6(x, "features", at, 1280, 1, 1, 1);
    x = ocellus_flatten(ocellus_global_average_pool(x));
    return ocellus_linear(ocellus_dropout(x, 0.2f), "classifier.1", classes);
}

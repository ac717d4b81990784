/* layers.c - operators with parameters of their own. */
#include <math.h>
#include <stdio.h>

#include "graph/graph.h"

static ocellus_value *
parameter(ocellus_graph *graph, const char *name, const char *part,
          const struct oc_shape *shape, const char *init, int trainable)
{
    char full[256];
    snprintf(full, sizeof full, "%s.%s", name, part);
    return oc_graph_state(graph, full, OCELLUS_FLOAT, shape, init, trainable);
}

/* What PyTorch's layers start their bias from: +-1/sqrt(fan in). */
static ocellus_value *
bias_of(ocellus_graph *graph, const char *name, int64_t count, double fan_in)
{
    char rule[64];
    double bound = fan_in > 0 ? 1 / sqrt(fan_in) : 0;
    struct oc_shape shape = OC_SHAPE(count);
    snprintf(rule, sizeof rule, "uniform %.9g %.9g", -bound, bound);
    return parameter(graph, name, "bias", &shape, rule, 1);
}

/* Failures, tables and model files call the node as the layer. */
static ocellus_value *
named(ocellus_value *y, const char *name)
{
    char *copy = y ? oc_arena_strdup(y->graph->arena, name) : NULL;
    if (copy != NULL)
        y->node->name = copy;
    return y;
}

static int
known(ocellus_value *x, int axis, const char *name)
{
    if (axis < x->shape.rank && x->shape.dim[axis] > 0)
        return 1;
    char shape[OC_SHAPE_TEXT];
    oc_graph_fail(x->graph,
                  oc_fail(OCELLUS_BAD_ARGUMENT,
                          "layer '%s' needs dimension %d of its input, "
                          "which is %s",
                          name, axis, oc_shape_text(&x->shape, shape)));
    return 0;
}

ocellus_value *
ocellus_conv2d(ocellus_value *x, const char *name, int channels, int kernel,
               int stride, int pad, int groups, int bias)
{
    if (x == NULL || !known(x, 1, name))
        return NULL;
    if (channels < 1 || kernel < 1 || stride < 1 || pad < 0 || groups < 1 ||
        x->shape.dim[1] % groups != 0)
        return oc_graph_fail(
            x->graph,
            oc_fail(OCELLUS_BAD_ARGUMENT,
                    "convolution '%s': %d channels, window %d, stride %d, "
                    "pad %d, %d groups over %lld channels is impossible",
                    name, channels, kernel, stride, pad, groups,
                    (long long)x->shape.dim[1]));
    int64_t c = x->shape.dim[1] / groups;
    struct oc_shape shape = OC_SHAPE(channels, c, kernel, kernel);
    ocellus_value *w = parameter(x->graph, name, "weight", &shape, "lecun", 1);
    ocellus_value *b =
        bias ? bias_of(x->graph, name, channels, (double)c * kernel * kernel)
             : NULL;
    char attributes[160];
    snprintf(attributes, sizeof attributes,
             "kernel_shape=%d,%d strides=%d,%d pads=%d,%d,%d,%d group=%d",
             kernel, kernel, stride, stride, pad, pad, pad, pad, groups);
    return named(OC_NODE(x->graph, "Conv", attributes, x, w, b), name);
}

ocellus_value *
ocellus_linear(ocellus_value *x, const char *name, int features)
{
    if (x == NULL || !known(x, x->shape.rank - 1, name))
        return NULL;
    int64_t in = x->shape.dim[x->shape.rank - 1];
    struct oc_shape shape = OC_SHAPE(features, in);
    ocellus_value *w = parameter(x->graph, name, "weight", &shape, "lecun", 1);
    ocellus_value *b = bias_of(x->graph, name, features, (double)in);
    return named(OC_NODE(x->graph, "Gemm", "transB=1", x, w, b), name);
}

ocellus_value *
ocellus_embedding(ocellus_value *x, const char *name, int count, int width)
{
    if (x == NULL)
        return NULL;
    struct oc_shape shape = OC_SHAPE(count, width);
    ocellus_value *w =
        parameter(x->graph, name, "weight", &shape, "normal 1", 1);
    return OC_NODE(x->graph, "Gather", NULL, w, x);
}

/* A parameter of a recurrent layer, which all start from +-1/sqrt(hidden). */
static ocellus_value *
recurrent_weight(ocellus_graph *graph, const char *name, const char *part,
                 const struct oc_shape *shape, int hidden)
{
    char rule[64];
    double bound = 1 / sqrt((double)hidden);
    snprintf(rule, sizeof rule, "uniform %.9g %.9g", -bound, bound);
    return parameter(graph, name, part, shape, rule, 1);
}

ocellus_value *
ocellus_lstm(ocellus_value *x, const char *name, int hidden,
             ocellus_value *lengths)
{
    if (x == NULL || !known(x, 2, name))
        return NULL;
    if (hidden < 1)
        return oc_graph_fail(x->graph,
                             oc_fail(OCELLUS_BAD_ARGUMENT,
                                     "LSTM '%s' of %d hidden units is "
                                     "impossible",
                                     name, hidden));
    struct oc_shape w = OC_SHAPE(1, 4 * (int64_t)hidden, x->shape.dim[2]);
    struct oc_shape r = OC_SHAPE(1, 4 * (int64_t)hidden, hidden);
    struct oc_shape b = OC_SHAPE(1, 8 * (int64_t)hidden);
    ocellus_value *in[] = {
        x, recurrent_weight(x->graph, name, "weight_ih", &w, hidden),
        recurrent_weight(x->graph, name, "weight_hh", &r, hidden),
        recurrent_weight(x->graph, name, "bias", &b, hidden), lengths};
    char attributes[48];
    snprintf(attributes, sizeof attributes, "hidden_size=%d", hidden);
    return oc_apply(x->graph, "LSTM", attributes, in, lengths ? 5 : 4);
}

ocellus_value *
ocellus_batch_norm(ocellus_value *x, const char *name)
{
    if (x == NULL || !known(x, 1, name))
        return NULL;
    struct oc_shape shape = OC_SHAPE(x->shape.dim[1]);
    ocellus_graph *g = x->graph;
    ocellus_value *scale = parameter(g, name, "weight", &shape, "ones", 1);
    ocellus_value *bias = parameter(g, name, "bias", &shape, "zeros", 1);
    ocellus_value *mean =
        parameter(g, name, "running_mean", &shape, "zeros", 0);
    ocellus_value *var = parameter(g, name, "running_var", &shape, "ones", 0);
    return named(OC_NODE(g, "BatchNormalization", "epsilon=1e-05 momentum=0.9",
                         x, scale, bias, mean, var),
                 name);
}

ocellus_value *
ocellus_relu(ocellus_value *x)
{
    return x ? OC_NODE(x->graph, "Relu", NULL, x) : NULL;
}

ocellus_value *
ocellus_add(ocellus_value *a, ocellus_value *b)
{
    return a && b ? OC_NODE(a->graph, "Add", NULL, a, b) : NULL;
}

static ocellus_value *
pool(ocellus_value *x, const char *op, int kernel, int stride, int pad)
{
    char attributes[128];
    if (x == NULL)
        return NULL;
    snprintf(attributes, sizeof attributes,
             "kernel_shape=%d,%d strides=%d,%d pads=%d,%d,%d,%d", kernel,
             kernel, stride, stride, pad, pad, pad, pad);
    return OC_NODE(x->graph, op, attributes, x);
}

ocellus_value *
ocellus_max_pool(ocellus_value *x, int kernel, int stride, int pad)
{
    return pool(x, "MaxPool", kernel, stride, pad);
}

ocellus_value *
ocellus_average_pool(ocellus_value *x, int kernel, int stride, int pad)
{
    return pool(x, "AveragePool", kernel, stride, pad);
}

ocellus_value *
ocellus_global_average_pool(ocellus_value *x)
{
    return x ? OC_NODE(x->graph, "GlobalAveragePool", NULL, x) : NULL;
}

ocellus_value *
ocellus_flatten(ocellus_value *x)
{
    return x ? OC_NODE(x->graph, "Flatten", NULL, x) : NULL;
}

ocellus_value *
ocellus_dropout(ocellus_value *x, float ratio)
{
    if (x == NULL)
        return NULL;
    return OC_NODE(x->graph, "Dropout", NULL, x, oc_scalar(x->graph, ratio));
}

ocellus_value *
ocellus_relu6(ocellus_value *x)
{
    if (x == NULL)
        return NULL;
    return OC_NODE(x->graph, "Clip", NULL, x, oc_scalar(x->graph, 0),
                   oc_scalar(x->graph, 6));
}

ocellus_value *
ocellus_max_pool_ceil(ocellus_value *x, int kernel, int stride)
{
    char attributes[96];
    if (x == NULL)
        return NULL;
    snprintf(attributes, sizeof attributes,
             "kernel_shape=%d,%d strides=%d,%d ceil_mode=1", kernel, kernel,
             stride, stride);
    return OC_NODE(x->graph, "MaxPool", attributes, x);
}

ocellus_value *
ocellus_concat(ocellus_value *a, ocellus_value *b, int axis)
{
    char attributes[32];
    if (a == NULL || b == NULL)
        return NULL;
    snprintf(attributes, sizeof attributes, "axis=%d", axis);
    return OC_NODE(a->graph, "Concat", attributes, a, b);
}

ocellus_value *
ocellus_conv_transpose2d(ocellus_value *x, const char *name, int channels,
                         int kernel, int stride, int pad)
{
    char attributes[128];
    if (x == NULL || !known(x, 1, name))
        return NULL;
    int64_t c = x->shape.dim[1];
    struct oc_shape shape = OC_SHAPE(c, channels, kernel, kernel);
    double fan_in = (double)channels * kernel * kernel;
    ocellus_value *w = parameter(x->graph, name, "weight", &shape, "lecun", 1);
    ocellus_value *b = bias_of(x->graph, name, channels, fan_in);
    snprintf(attributes, sizeof attributes,
             "kernel_shape=%d,%d strides=%d,%d pads=%d,%d,%d,%d", kernel,
             kernel, stride, stride, pad, pad, pad, pad);
    return named(OC_NODE(x->graph, "ConvTranspose", attributes, x, w, b), name);
}

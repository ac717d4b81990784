/* layer.c - see layer.h. */
#include "format/layer.h"

#include <stdio.h>
#include <string.h>

#include "graph/op.h"

struct ocellus_value *
oc_layer_state(struct ocellus_graph *graph, const char *name, const char *part,
               const struct oc_shape *shape, const char *init, int trainable)
{
    size_t bytes;
    ocellus_status status = oc_shape_bytes(shape, sizeof(float), &bytes);
    const char *full = oc_arena_printf(graph->arena, "%s.%s", name, part);
    if (status != OCELLUS_OK)
        return oc_graph_fail(graph, status);
    return oc_graph_state(graph, full, OCELLUS_FLOAT, shape, init, trainable);
}

ocellus_status
oc_layer_fill(struct ocellus_value *state, const void *floats)
{
    size_t bytes = (size_t)oc_shape_count(&state->shape) * sizeof(float);
    state->data = oc_arena_copy(state->graph->arena, floats, bytes);
    return state->data ? OCELLUS_OK
                       : oc_fail(OCELLUS_OUT_OF_MEMORY,
                                 "no memory for the %zu bytes of %s", bytes,
                                 state->name);
}

struct ocellus_value *
oc_layer_constant(struct ocellus_graph *graph, const struct oc_shape *shape,
                  const float *numbers)
{
    return oc_graph_constant(graph, NULL, OCELLUS_FLOAT, shape, numbers);
}

/* How many channels a layer reads; -1, and a failure, where that is unknown. */
static int64_t
channels_of(struct ocellus_value *x, int64_t group)
{
    char text[OC_SHAPE_TEXT];
    if (x->shape.rank >= 2 && x->shape.dim[1] > 0 && group > 0 &&
        x->shape.dim[1] % group == 0)
        return x->shape.dim[1];
    oc_graph_fail(x->graph,
                  oc_fail(OCELLUS_BAD_MODEL,
                          "a layer of %lld group%s reads %s: its channels do "
                          "not divide",
                          (long long)group, group == 1 ? "" : "s",
                          oc_shape_text(&x->shape, text)));
    return -1;
}

static const char *
window_text(struct ocellus_value *x, const struct oc_window *w, int64_t group)
{
    char text[320];
    snprintf(text, sizeof text,
             "kernel_shape=%lld,%lld strides=%lld,%lld dilations=%lld,%lld "
             "pads=%lld,%lld,%lld,%lld",
             (long long)w->size[0], (long long)w->size[1],
             (long long)w->stride[0], (long long)w->stride[1],
             (long long)w->dilation[0], (long long)w->dilation[1],
             (long long)w->before[0], (long long)w->before[1],
             (long long)w->after[0], (long long)w->after[1]);
    if (group > 0)
        return oc_arena_printf(x->graph->arena, "%s group=%lld", text,
                               (long long)group);
    return oc_arena_printf(x->graph->arena, "%s ceil_mode=%d", text, w->ceil);
}

/* Weights of d0 x d1 x window, and a bias of `channels`. */
static struct ocellus_value *
convolve(struct ocellus_value *x, const char *op, const char *name,
         const struct oc_shape *shape, int64_t channels, int64_t group,
         int bias, const struct oc_window *window,
         struct oc_layer_states *states)
{
    const struct oc_shape one = OC_SHAPE(channels);
    const char *text = window_text(x, window, group);
    struct ocellus_value *in[3] = {x, NULL, NULL};
    in[1] = states->weight =
        oc_layer_state(x->graph, name, "weight", shape, "kaiming", 1);
    if (bias)
        in[2] = states->bias =
            oc_layer_state(x->graph, name, "bias", &one, "zeros", 1);
    return text == NULL ? NULL : oc_apply(x->graph, op, text, in, bias ? 3 : 2);
}

struct ocellus_value *
oc_layer_conv(struct ocellus_value *x, const char *name, int64_t channels,
              int64_t group, int bias, const struct oc_window *window,
              struct oc_layer_states *states)
{
    *states = (struct oc_layer_states){NULL, NULL, NULL, NULL};
    int64_t c = x == NULL ? -1 : channels_of(x, group);
    if (c < 0)
        return NULL;
    const struct oc_shape shape =
        OC_SHAPE(channels, c / group, window->size[0], window->size[1]);
    return convolve(x, "Conv", name, &shape, channels, group, bias, window,
                    states);
}

struct ocellus_value *
oc_layer_deconv(struct ocellus_value *x, const char *name, int64_t channels,
                int64_t group, int bias, const struct oc_window *window,
                struct oc_layer_states *states)
{
    *states = (struct oc_layer_states){NULL, NULL, NULL, NULL};
    int64_t c = x == NULL ? -1 : channels_of(x, group);
    if (c < 0)
        return NULL;
    const struct oc_shape shape =
        OC_SHAPE(c, channels / group, window->size[0], window->size[1]);
    return convolve(x, "ConvTranspose", name, &shape, channels, group, bias,
                    window, states);
}

struct ocellus_value *
oc_layer_linear(struct ocellus_value *x, const char *name, int axis,
                int64_t features, int bias, struct oc_layer_states *states)
{
    char text[OC_SHAPE_TEXT];
    *states = (struct oc_layer_states){NULL, NULL, NULL, NULL};
    if (x == NULL)
        return NULL;
    int64_t in = axis <= x->shape.rank
                     ? oc_shape_span(&x->shape, axis, x->shape.rank)
                     : -1;
    if (in <= 0)
        return oc_graph_fail(
            x->graph, oc_fail(OCELLUS_BAD_MODEL,
                              "a layer of weights reads %s from axis %d on: "
                              "their number is not known",
                              oc_shape_text(&x->shape, text), axis));
    const struct oc_shape shape = OC_SHAPE(features, in),
                          one = OC_SHAPE(features);
    struct ocellus_graph *g = x->graph;
    if (x->shape.rank != 2 || axis != 1)
        x = OC_NODE(g, "Flatten", oc_arena_printf(g->arena, "axis=%d", axis),
                    x);
    states->weight = oc_layer_state(g, name, "weight", &shape, "lecun", 1);
    if (!bias)
        return OC_NODE(g, "Gemm", "transB=1", x, states->weight);
    states->bias = oc_layer_state(g, name, "bias", &one, "zeros", 1);
    return OC_NODE(g, "Gemm", "transB=1", x, states->weight, states->bias);
}

struct ocellus_value *
oc_layer_norm(struct ocellus_value *x, const char *name, double epsilon,
              struct oc_layer_states *states)
{
    *states = (struct oc_layer_states){NULL, NULL, NULL, NULL};
    int64_t c = x == NULL ? -1 : channels_of(x, 1);
    if (c < 0)
        return NULL;
    const struct oc_shape one = OC_SHAPE(c);
    struct ocellus_graph *g = x->graph;
    states->weight = oc_layer_state(g, name, "weight", &one, "ones", 1);
    states->bias = oc_layer_state(g, name, "bias", &one, "zeros", 1);
    states->mean = oc_layer_state(g, name, "running_mean", &one, "zeros", 0);
    states->variance = oc_layer_state(g, name, "running_var", &one, "ones", 0);
    return OC_NODE(
        g, "BatchNormalization",
        oc_arena_printf(g->arena, "epsilon=%.9g momentum=0.9", epsilon), x,
        states->weight, states->bias, states->mean, states->variance);
}

struct ocellus_value *
oc_layer_pool(struct ocellus_value *x, const char *op,
              const struct oc_window *window)
{
    if (x == NULL)
        return NULL;
    const char *text = window_text(x, window, 0);
    if (text != NULL && strcmp(op, "AveragePool") == 0)
        text = oc_arena_printf(x->graph->arena, "%s count_include_pad=%d", text,
                               window->count_pad);
    return text == NULL ? NULL : OC_NODE(x->graph, op, text, x);
}

struct ocellus_value *
oc_layer_reshape(struct ocellus_value *x, int rank, const int64_t *extents)
{
    if (x == NULL)
        return NULL;
    return OC_NODE(x->graph, "Reshape", NULL, x,
                   oc_ints(x->graph, rank, extents));
}

struct ocellus_value *
oc_layer_slice(struct ocellus_value *x, int64_t axis, int64_t from, int64_t to)
{
    if (x == NULL)
        return NULL;
    return OC_NODE(x->graph, "Slice", NULL, x, oc_ints(x->graph, 1, &from),
                   oc_ints(x->graph, 1, &to), oc_ints(x->graph, 1, &axis));
}

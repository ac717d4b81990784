/* lstm.c - nets of sequences: what comes next in a text, the class of a name,
 * the next number of a series. ONNX's LSTM wants time first, so the numbers of
 * the characters are turned around before they become vectors. */
#include <stdio.h>

#include "net/net.h"

#define WIDTH 64   /* of a character's vector */
#define HIDDEN 256 /* of the character model's two layers */
#define SMALL 128  /* of the others' one */

/* A line of `count` numbers; 0: one number without an axis. */
static ocellus_value *
ints(ocellus_graph *graph, int64_t count, int64_t *numbers)
{
    ocellus_tensor *tensor;
    if (ocellus_tensor_wrap_host(OCELLUS_INT64, count > 0, &count, numbers,
                                 &tensor) != OCELLUS_OK)
        return NULL;
    ocellus_value *value = ocellus_graph_constant(graph, NULL, tensor);
    ocellus_tensor_destroy(tensor);
    return value;
}

/* Without an axis of one: the directions of a recurrent layer. */
static ocellus_value *
without(ocellus_graph *graph, ocellus_value *x, int64_t axis)
{
    return ocellus_apply(graph, "Squeeze", NULL, x, ints(graph, 1, &axis),
                         NULL);
}

/* One layer and dropout: T x N x features to T x N x hidden. */
static ocellus_value *
layer(ocellus_graph *graph, ocellus_value *x, const char *name, int hidden,
      float ratio)
{
    x = without(graph, ocellus_lstm(x, name, hidden, NULL), 1);
    return ratio > 0 ? ocellus_dropout(x, ratio) : x;
}

/* The same weights at each step: T x N x in to T x N x out. */
static ocellus_value *
each(ocellus_graph *graph, ocellus_value *x, int64_t in, int64_t out)
{
    const int64_t dims[2] = {in, out};
    ocellus_value *w = ocellus_graph_parameter(graph, "head.weight", 2, dims,
                                               "uniform -0.0625 0.0625");
    ocellus_value *b =
        ocellus_graph_parameter(graph, "head.bias", 1, &out, "zeros");
    x = ocellus_apply(graph, "MatMul", NULL, x, w, NULL);
    return ocellus_add(x, b);
}

/* N x T numbers of characters; N x T x classes. */
ocellus_value *
oc_net_charlstm(ocellus_graph *graph, ocellus_value *x, int characters,
                int classes)
{
    x = ocellus_apply(graph, "Transpose", "perm=1,0", x, NULL);
    x = ocellus_embedding(x, "embedding", characters, WIDTH);
    x = layer(graph, x, "lstm1", HIDDEN, 0.2f);
    x = layer(graph, x, "lstm2", HIDDEN, 0.2f);
    x = each(graph, x, HIDDEN, classes);
    return ocellus_apply(graph, "Transpose", "perm=1,0,2", x, NULL);
}

/* How many characters stand before those, numbered 0, that fill a row up. */
static ocellus_value *
lengths(ocellus_graph *graph, ocellus_value *x)
{
    int64_t axis = 1;
    x = ocellus_apply(graph, "Sign", NULL, x, NULL);
    x = ocellus_apply(graph, "Cast", "to=6", x, NULL); /* int32 */
    return ocellus_apply(graph, "ReduceSum", "keepdims=0", x,
                         ints(graph, 1, &axis), NULL);
}

/* N x T; N x classes, from h after the last character of each. */
ocellus_value *
oc_net_namelstm(ocellus_graph *graph, ocellus_value *x, int characters,
                int classes)
{
    ocellus_value *steps = lengths(graph, x);
    x = ocellus_apply(graph, "Transpose", "perm=1,0", x, NULL);
    x = ocellus_embedding(x, "embedding", characters, WIDTH);
    x = ocellus_value_output(ocellus_lstm(x, "lstm", SMALL, steps), 1);
    return ocellus_linear(without(graph, x, 0), "head", classes);
}

/* The last of N x T x 1 numbers: N x 1. */
static ocellus_value *
last(ocellus_graph *graph, ocellus_value *x)
{
    int64_t from = -1;
    return ocellus_apply(graph, "Gather", "axis=1", x, ints(graph, 0, &from),
                         NULL);
}

/* N x T x 1 numbers; N x 1, the one that follows, as its difference from the
 * last: so a series may leave the range that was trained on. */
ocellus_value *
oc_net_serieslstm(ocellus_graph *graph, ocellus_value *x, int features,
                  int outputs)
{
    (void)features;
    ocellus_value *now = last(graph, x);
    x = ocellus_apply(graph, "Transpose", "perm=1,0,2", x, NULL);
    x = ocellus_value_output(ocellus_lstm(x, "lstm", SMALL, NULL), 1);
    return ocellus_add(ocellus_linear(without(graph, x, 0), "head", outputs),
                       now);
}

/* darknet.c - Darknet's layers, one after the other, as nodes.
 *
 * Meanings follow Darknet's own parser.c (pjreddie/darknet and its successor
 * AlexeyAB/darknet). Layers that only training knows are passed over.
 */
#include "format/darknet_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"

enum { MOST_TEXT = 1 << 22, MOST_ROUTES = 32 };

/* What Darknet adds to a variance. */
#define EPSILON 1e-6

/* ---- layers ------------------------------------------------------------- */

static struct ocellus_value *
activate(struct oc_darknet *r, struct ocellus_value *x, const char *otherwise)
{
    static const struct {
        const char *word, *op, *attributes;
    } table[] = {{"leaky", "LeakyRelu", "alpha=0.1"},
                 {"relu", "Relu", NULL},
                 {"mish", "Mish", NULL},
                 {"logistic", "Sigmoid", NULL},
                 {"tanh", "Tanh", NULL},
                 {"elu", "Elu", NULL},
                 {"selu", "Selu", NULL}};
    const char *word = oc_darknet_word(r, "activation");
    struct ocellus_graph *g = r->graph;
    word = word ? word : otherwise;
    if (x == NULL || strcmp(word, "linear") == 0)
        return x;
    for (size_t k = 0; k < OC_COUNT(table); k++)
        if (strcmp(table[k].word, word) == 0)
            return OC_NODE(g, table[k].op, table[k].attributes, x);
    if (strcmp(word, "swish") == 0)
        return OC_NODE(g, "Mul", NULL, x, OC_NODE(g, "Sigmoid", NULL, x));
    if (strcmp(word, "relu6") == 0)
        return OC_NODE(g, "Clip", NULL, x, oc_scalar(g, 0), oc_scalar(g, 6));
    return oc_darknet_fail(r, OCELLUS_UNSUPPORTED,
                           "activation=%.40s is not known", word);
}

static const char *
named(struct oc_darknet *r, const char *what)
{
    return oc_arena_printf(r->graph->arena, "%s_%d", what, r->layer);
}

/* How the window of this section moves; `padding` on both sides, where the
 * section does not say it. */
static struct oc_window
window_of(struct oc_darknet *r, int64_t size, int64_t stride, int64_t padding)
{
    struct oc_window w = {.size = {size, size}};
    w.stride[0] = oc_darknet_whole(r, "stride_y", stride);
    w.stride[1] = oc_darknet_whole(r, "stride_x", stride);
    w.dilation[0] = w.dilation[1] = oc_darknet_whole(r, "dilation", 1);
    for (int d = 0; d < 2; d++)
        w.before[d] = w.after[d] = padding * w.dilation[d];
    return w;
}

static struct ocellus_value *
make_conv(struct oc_darknet *r, struct ocellus_value *x)
{
    struct oc_layer_states conv, norm = {0};
    int64_t size = oc_darknet_whole(r, "size", 1);
    int64_t padding = oc_darknet_whole(r, "pad", 0)
                          ? size / 2
                          : oc_darknet_whole(r, "padding", 0);
    struct oc_window window =
        window_of(r, size, oc_darknet_whole(r, "stride", 1), padding);
    int normal = oc_darknet_whole(r, "batch_normalize", 0) != 0;
    if (oc_darknet_whole(r, "antialiasing", 0))
        return oc_darknet_fail(r, OCELLUS_UNSUPPORTED, "antialiasing");
    x = oc_layer_conv(x, named(r, "conv"), oc_darknet_whole(r, "filters", 1),
                      oc_darknet_whole(r, "groups", 1), !normal, &window,
                      &conv);
    if (normal)
        x = oc_layer_norm(x, named(r, "norm"), EPSILON, &norm);
    oc_darknet_take(r, normal ? norm.bias : conv.bias);
    oc_darknet_take(r, norm.weight);
    oc_darknet_take(r, norm.mean);
    oc_darknet_take(r, norm.variance);
    oc_darknet_take(r, conv.weight);
    return activate(r, x, "logistic");
}

/* Long ago they were kept as inputs x outputs. */
static void
turn(struct ocellus_value *weight)
{
    int64_t out = weight->shape.dim[0], in = weight->shape.dim[1];
    size_t bytes = (size_t)(out * in) * sizeof(float);
    const float *from = weight->data;
    float *to = oc_arena_copy(weight->graph->arena, from, bytes);
    for (int64_t o = 0; to != NULL && o < out; o++)
        for (int64_t i = 0; i < in; i++)
            to[o * in + i] = from[i * out + o];
    weight->data = to;
}

static struct ocellus_value *
make_connected(struct oc_darknet *r, struct ocellus_value *x)
{
    struct oc_layer_states linear, norm = {0};
    int normal = oc_darknet_whole(r, "batch_normalize", 0) != 0;
    x = oc_layer_linear(x, named(r, "connected"), 1,
                        oc_darknet_whole(r, "output", 1), !normal, &linear);
    if (normal)
        x = oc_layer_norm(x, named(r, "norm"), EPSILON, &norm);
    oc_darknet_take(r, normal ? norm.bias : linear.bias);
    oc_darknet_take(r, linear.weight);
    if (r->weights.transposed && linear.weight && linear.weight->data)
        turn(linear.weight);
    oc_darknet_take(r, norm.weight);
    oc_darknet_take(r, norm.mean);
    oc_darknet_take(r, norm.variance);
    return activate(r, x, "logistic");
}

/* Padding is said in all; the larger half comes behind. */
static struct ocellus_value *
make_max_pool(struct oc_darknet *r, struct ocellus_value *x)
{
    int64_t stride = oc_darknet_whole(r, "stride", 1);
    int64_t size = oc_darknet_whole(r, "size", stride);
    int64_t padding = oc_darknet_whole(r, "padding", size > 0 ? size - 1 : 0);
    struct oc_window window = window_of(r, size, stride, 0);
    if (oc_darknet_whole(r, "maxpool_depth", 0) ||
        oc_darknet_whole(r, "antialiasing", 0))
        return oc_darknet_fail(r, OCELLUS_UNSUPPORTED,
                               "pooling over channels or with antialiasing");
    for (int d = 0; d < 2; d++) {
        window.before[d] = padding / 2;
        window.after[d] = padding - padding / 2;
        window.dilation[d] = 1;
    }
    return oc_layer_pool(x, "MaxPool", &window);
}

static struct ocellus_value *
make_average_pool(struct oc_darknet *r, struct ocellus_value *x)
{
    return OC_NODE(r->graph, "GlobalAveragePool", NULL, x);
}

static struct ocellus_value *
make_dropout(struct oc_darknet *r, struct ocellus_value *x)
{
    double ratio = oc_darknet_real(r, "probability", 0.5);
    return OC_NODE(r->graph, "Dropout", NULL, x, oc_scalar(r->graph, ratio));
}

static struct ocellus_value *
make_softmax(struct oc_darknet *r, struct ocellus_value *x)
{
    double temperature = oc_darknet_real(r, "temperature", 1);
    int64_t groups = oc_darknet_whole(r, "groups", 1);
    if (oc_darknet_word(r, "tree") != NULL)
        return oc_darknet_fail(r, OCELLUS_UNSUPPORTED, "a tree of classes");
    if (temperature != 1)
        x = OC_NODE(r->graph, "Div", NULL, x, oc_scalar(r->graph, temperature));
    if (oc_darknet_whole(r, "spatial", 0))
        return OC_NODE(r->graph, "Softmax", "axis=1", x);
    if (groups == 1)
        return OC_NODE(r->graph, "Softmax", "axis=1",
                       OC_NODE(r->graph, "Flatten", NULL, x));
    x = oc_layer_reshape(x, 3, (const int64_t[]){0, groups, -1});
    x = OC_NODE(r->graph, "Softmax", "axis=2", x);
    return x ? OC_NODE(r->graph, "Flatten", NULL, x) : NULL;
}

static struct ocellus_value *
make_upsample(struct oc_darknet *r, struct ocellus_value *x)
{
    const float stride = (float)oc_darknet_whole(r, "stride", 2);
    const float scales[] = {1, 1, stride, stride};
    const struct oc_shape four = OC_SHAPE(4);
    double scale = oc_darknet_real(r, "scale", 1);
    x = OC_NODE(r->graph, "Resize",
                "mode=nearest coordinate_transformation_mode=asymmetric "
                "nearest_mode=floor",
                x, NULL, oc_layer_constant(r->graph, &four, scales));
    return scale == 1
               ? x
               : OC_NODE(r->graph, "Mul", NULL, x, oc_scalar(r->graph, scale));
}

/* Darknet goes through the input as if it were C/s^2 x sH x sW, takes it
 * apart into C x H x W, and calls that s^2 C x H/s x W/s. */
static struct ocellus_value *
make_reorg(struct oc_darknet *r, struct ocellus_value *x)
{
    int64_t s = oc_darknet_whole(r, "stride", 1);
    if (oc_darknet_whole(r, "reverse", 0) || oc_darknet_whole(r, "extra", 0) ||
        oc_darknet_whole(r, "flatten", 0))
        return oc_darknet_fail(r, OCELLUS_UNSUPPORTED,
                               "reverse, extra and flatten");
    const int64_t *dim = x->shape.dim;
    if (x->shape.rank != 4 || s < 1 || s > 1024 || dim[1] % (s * s) != 0 ||
        dim[2] % s != 0 || dim[3] % s != 0)
        return oc_darknet_fail(r, OCELLUS_BAD_MODEL,
                               "stride %lld does not divide the input",
                               (long long)s);
    const int64_t as[] = {0, dim[1] / (s * s), dim[2] * s, dim[3] * s};
    const int64_t to[] = {0, dim[1] * s * s, dim[2] / s, dim[3] / s};
    x = oc_layer_reshape(x, 4, as);
    x = OC_NODE(
        r->graph, "SpaceToDepth",
        oc_arena_printf(r->graph->arena, "blocksize=%lld", (long long)s), x);
    return oc_layer_reshape(x, 4, to);
}

/* ---- layers that read other layers' outputs -------------------------------
 */

/* From the end where negative. */
static struct ocellus_value *
earlier(struct oc_darknet *r, double which)
{
    int k = (int)which < 0 ? r->layer + (int)which : (int)which;
    if (k >= 0 && k < r->layer && r->output[k] != NULL)
        return r->output[k];
    return oc_darknet_fail(r, OCELLUS_BAD_MODEL,
                           "layer %d is not before layer %d, which reads it", k,
                           r->layer);
}

static struct ocellus_value *
make_shortcut(struct oc_darknet *r, struct ocellus_value *x)
{
    double from[MOST_ROUTES];
    char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT];
    int count = oc_darknet_list(r, "from", MOST_ROUTES, from);
    const char *weights = oc_darknet_word(r, "weights_type");
    if (count == 0 || (weights != NULL && strcmp(weights, "none") != 0))
        return oc_darknet_fail(r, OCELLUS_UNSUPPORTED,
                               "no layer is named by from=, or weights_type");
    for (int k = 0; k < count && x != NULL; k++) {
        struct ocellus_value *other = earlier(r, from[k]);
        if (other == NULL)
            return NULL;
        if (!oc_shape_equal(&x->shape, &other->shape))
            return oc_darknet_fail(
                r, OCELLUS_UNSUPPORTED, "%s and %s are not of one shape",
                oc_shape_text(&x->shape, a), oc_shape_text(&other->shape, b));
        x = OC_NODE(r->graph, "Add", NULL, x, other);
    }
    return activate(r, x, "linear");
}

/* Part `part` of `parts` equal ones, by channels. */
static struct ocellus_value *
part_of(struct oc_darknet *r, struct ocellus_value *x, int64_t parts,
        int64_t part)
{
    if (x == NULL || parts == 1)
        return x;
    if (x->shape.rank < 2 || parts < 1 || part >= parts ||
        x->shape.dim[1] % parts != 0)
        return oc_darknet_fail(r, OCELLUS_BAD_MODEL,
                               "there is no part %lld of %lld equal ones",
                               (long long)part, (long long)parts);
    int64_t each = x->shape.dim[1] / parts;
    return oc_layer_slice(x, 1, part * each, (part + 1) * each);
}

static struct ocellus_value *
make_route(struct oc_darknet *r, struct ocellus_value *x)
{
    double from[MOST_ROUTES];
    struct ocellus_value *in[MOST_ROUTES];
    int count = oc_darknet_list(r, "layers", MOST_ROUTES, from);
    int64_t parts = oc_darknet_whole(r, "groups", 1);
    int64_t part = oc_darknet_whole(r, "group_id", 0);
    (void)x;
    if (count == 0)
        return oc_darknet_fail(r, OCELLUS_BAD_MODEL,
                               "no layer is named by layers=");
    for (int k = 0; k < count; k++) {
        in[k] = part_of(r, earlier(r, from[k]), parts, part);
        if (in[k] == NULL)
            return NULL;
    }
    return count == 1 ? in[0]
                      : oc_apply(r->graph, "Concat", "axis=1", in, count);
}

static struct ocellus_value *
make_nothing(struct oc_darknet *r, struct ocellus_value *x)
{
    (void)r;
    return x;
}

/* ---- the net ------------------------------------------------------------ */

static const struct {
    const char *name;
    struct ocellus_value *(*make)(struct oc_darknet *r,
                                  struct ocellus_value *x);
} layers[] = {{"convolutional", make_conv},   {"conv", make_conv},
              {"connected", make_connected},  {"conn", make_connected},
              {"maxpool", make_max_pool},     {"max", make_max_pool},
              {"avgpool", make_average_pool}, {"avg", make_average_pool},
              {"dropout", make_dropout},      {"softmax", make_softmax},
              {"soft", make_softmax},         {"upsample", make_upsample},
              {"reorg", make_reorg},          {"shortcut", make_shortcut},
              {"route", make_route},          {"cost", make_nothing},
              {"yolo", oc_darknet_yolo},      {"region", oc_darknet_region}};

static struct ocellus_value *
make_layer(struct oc_darknet *r, struct ocellus_value *x)
{
    for (size_t k = 0; k < OC_COUNT(layers); k++)
        if (strcmp(layers[k].name, r->at->name) == 0) {
            struct ocellus_value *y = layers[k].make(r, x);
            if (y == NULL && r->graph->status == OCELLUS_OK)
                oc_darknet_fail(r, OCELLUS_OUT_OF_MEMORY, "no memory");
            return y;
        }
    return oc_darknet_fail(r, OCELLUS_UNSUPPORTED,
                           "a layer of this kind is not known");
}

static struct ocellus_value *
make_input(struct oc_darknet *r)
{
    r->at = &r->section[0];
    r->height = oc_darknet_whole(r, "height", 0);
    r->width = oc_darknet_whole(r, "width", 0);
    int64_t channels = oc_darknet_whole(r, "channels", 0);
    const struct oc_shape shape =
        OC_SHAPE(OC_UNKNOWN, channels, r->height, r->width);
    if (channels < 1 || r->height < 1 || r->width < 1)
        return oc_darknet_fail(r, OCELLUS_UNSUPPORTED,
                               "height, width and channels of the image are "
                               "not all said");
    return oc_graph_input(r->graph, "x", OCELLUS_FLOAT, &shape);
}

/* A builder's failure, with the section. */
static ocellus_status
failed(const struct oc_darknet *r)
{
    oc_fail(r->graph->status, "%s", r->graph->sentence);
    return strncmp(r->graph->sentence, "line ", 5) == 0
               ? r->graph->status
               : oc_fail_context(r->graph->status,
                                 "line %d, [%s]: ", r->at->line, r->at->name);
}

static ocellus_status
make_all(struct oc_darknet *r)
{
    struct ocellus_value *x = make_input(r);
    for (int k = 1; k < r->count && x != NULL; k++) {
        r->at = &r->section[k];
        r->layer = k - 1;
        r->output[k - 1] = x = make_layer(r, x);
        if (x != NULL && r->graph->status != OCELLUS_OK)
            x = NULL;
    }
    if (r->graph->status != OCELLUS_OK)
        return failed(r);
    if (r->weights.path != NULL && r->weights.at != r->weights.size)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s holds %zu numbers more than this net takes; it "
                       "belongs to another",
                       r->weights.path,
                       (r->weights.size - r->weights.at) / sizeof(float));
    return r->detections > 0 ? OCELLUS_OK : oc_graph_output(r->graph, "y", x);
}

static ocellus_status
read(struct oc_darknet *r, char *text)
{
    OC_TRY(oc_darknet_parse(r, text));
    r->output = calloc((size_t)r->count, sizeof(struct ocellus_value *));
    if (r->output == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %d layers",
                       r->count);
    if (r->weights.path != NULL)
        OC_TRY(oc_darknet_open_weights(&r->weights));
    else
        oc_log(OCELLUS_LOG_WARNING,
               "there are no weights: parameters start from chance");
    return make_all(r);
}

ocellus_status
oc_darknet_load(const char *cfg, const char *weights,
                struct ocellus_graph **graph)
{
    struct oc_darknet r = {.weights.path = weights};
    char *text = NULL;
    size_t length;
    *graph = NULL;
    ocellus_status status = oc_graph_create(&r.graph);
    if (status == OCELLUS_OK)
        status = oc_file_read(cfg, MOST_TEXT, &text, &length);
    if (status == OCELLUS_OK)
        status = read(&r, text);
    for (int k = 0; k < r.count; k++)
        free(r.section[k].option);
    free(r.section);
    free(r.output);
    free(r.weights.bytes);
    free(text);
    if (status == OCELLUS_OK)
        *graph = r.graph;
    else
        oc_graph_destroy(r.graph);
    return status == OCELLUS_OK ? status : oc_fail_context(status, "%s: ", cfg);
}

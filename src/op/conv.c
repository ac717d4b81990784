/* conv.c - Conv, ConvTranspose and their gradients as operators.
 *
 * The three convolutions are each other's gradients: each is linear in both of
 * its inputs, and its gradient by one of them is another of the three over the
 * same window. So gradients of gradients need nothing more.
 */
#include <stdio.h>
#include <string.h>

#include "op/conv.h"
#include "op/conv_blocked.h"
#include "op/tile.h"

/* ---- shapes ------------------------------------------------------------- */

/* Quantized nets convolve in int32, which no gradient reaches. */
static ocellus_status
check_types(const struct oc_node *node)
{
    ocellus_type type = node->in[0]->type;

    if (!oc_type_is_float(type) &&
        (type != OCELLUS_INT32 || strcmp(node->op->name, "Conv") != 0))
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "%s numbers; it takes floating point",
                            oc_type_name(type));
    for (int k = 1; k < node->n_in; k++)
        if (node->in[k] && node->in[k]->type != type)
            return oc_node_fail(
                node, OCELLUS_BAD_MODEL, "input %d is %s, input 0 is %s", k,
                oc_type_name(node->in[k]->type), oc_type_name(type));
    return OCELLUS_OK;
}

static ocellus_status
check_bias(const struct oc_node *node, int channels)
{
    const struct oc_shape *shape;

    if (!oc_conv_has_bias(node))
        return OCELLUS_OK;
    shape = &node->in[2]->shape;
    if (shape->rank != 1 ||
        (shape->dim[0] >= 0 && channels >= 0 && shape->dim[0] != channels)) {
        char text[OC_SHAPE_TEXT];

        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the bias is %s, there are %d channels",
                            oc_shape_text(shape, text), channels);
    }
    return OCELLUS_OK;
}

/* first x second x the node's spatial extents. */
static ocellus_status
infer_out(struct oc_node *node, int axes, int first, int second,
          const int *extent)
{
    struct oc_shape shape = {.rank = axes + 2, .dim = {first, second}};
    size_t bytes;

    for (int a = 0; a < axes; a++)
        shape.dim[2 + a] = extent[3 - axes + a];
    if (oc_shape_known(&shape))
        OC_TRY(oc_shape_bytes(&shape, oc_type_size(node->in[0]->type), &bytes));
    return oc_infer_out(node, 0, node->in[0]->type, &shape);
}

static ocellus_status
infer_conv(struct oc_node *node)
{
    struct oc_conv_window v;

    OC_TRY(check_types(node));
    OC_TRY(oc_conv_parse(node, &v));
    OC_TRY(check_bias(node, v.k));
    return infer_out(node, v.axes, v.n, v.k, v.out);
}

static ocellus_status
infer_grad_input(struct oc_node *node)
{
    struct oc_conv_window v;

    OC_TRY(check_types(node));
    OC_TRY(oc_conv_parse(node, &v));
    OC_TRY(check_bias(node, v.c));
    return infer_out(node, v.axes, v.n, v.c, v.in);
}

static ocellus_status
infer_grad_weight(struct oc_node *node)
{
    struct oc_conv_window v;

    OC_TRY(check_types(node));
    OC_TRY(oc_conv_parse(node, &v));
    return infer_out(node, v.axes, v.k, v.c < 0 ? v.c : v.c / v.groups,
                     v.window);
}

static ocellus_status
infer_grad_bias(struct oc_node *node)
{
    const struct oc_shape *dy = &node->in[0]->shape;
    struct oc_shape channels = {.rank = 1, .dim = {dy->dim[1]}};

    OC_TRY(check_types(node));
    if (dy->rank < 2)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "rank %d has no axis of channels", dy->rank);
    return oc_infer_out(node, 0, node->in[0]->type, &channels);
}

int
oc_conv_has_bias(const struct oc_node *node)
{
    int extras = node->epilogue ? node->epilogue->n_extra : 0;

    return node->n_in - extras > 2 && node->in[2];
}

/* ---- gradients ---------------------------------------------------------- */

enum { ATTRIBUTES = 400 };

/* The window as attributes, every one said. extent: of the tensor to be made,
 * or NULL where the inputs tell. */
static void
describe(const struct oc_conv_window *v, const int *extent, char *text)
{
    const int *list[] = {v->window, v->stride, v->dilation, extent};
    const char *name[] = {"kernel_shape", "strides", "dilations", "extent"};
    size_t at = 0;

    for (int i = 0; i < 4; i++) {
        if (!list[i])
            continue;
        for (int a = 3 - v->axes; a < 3; a++)
            at += (size_t)snprintf(text + at, ATTRIBUTES - at, "%s%c%d",
                                   a == 3 - v->axes ? name[i] : "",
                                   a == 3 - v->axes ? '=' : ',', list[i][a]);
        text[at++] = ' ';
    }
    at += (size_t)snprintf(text + at, ATTRIBUTES - at, "pads");
    for (int a = 0; a < 2 * v->axes; a++) {
        int behind = a >= v->axes;
        int axis = 3 - v->axes + a % v->axes;

        at +=
            (size_t)snprintf(text + at, ATTRIBUTES - at, "%c%d", a ? ',' : '=',
                             behind ? v->pad_end[axis] : v->pad[axis]);
    }
    snprintf(text + at, ATTRIBUTES - at, " group=%d", v->groups);
}

/* The three convolutions of one window. */
static struct ocellus_value *
make_y(const struct oc_node *node, const struct oc_conv_window *v,
       struct ocellus_value *x, struct ocellus_value *w)
{
    char text[ATTRIBUTES];

    describe(v, v->out, text);
    return OC_NODE(node->graph, "Conv", text, x, w);
}

static struct ocellus_value *
make_x(const struct oc_node *node, const struct oc_conv_window *v,
       struct ocellus_value *y, struct ocellus_value *w)
{
    char text[ATTRIBUTES];

    describe(v, v->in, text);
    return OC_NODE(node->graph, "ConvGradInput", text, y, w);
}

static struct ocellus_value *
make_w(const struct oc_node *node, const struct oc_conv_window *v,
       struct ocellus_value *x, struct ocellus_value *y)
{
    char text[ATTRIBUTES];

    describe(v, NULL, text);
    return OC_NODE(node->graph, "ConvGradWeight", text, x, y);
}

static void
grad_conv(const struct oc_node *node, struct ocellus_value *dy[],
          struct ocellus_value *dx[])
{
    struct oc_conv_window v = oc_conv_window_of(node);

    if (dx[0])
        dx[0] = make_x(node, &v, dy[0], node->in[1]);
    if (dx[1])
        dx[1] = make_w(node, &v, node->in[0], dy[0]);
    if (node->n_in > 2 && dx[2])
        dx[2] = OC_NODE(node->graph, "ConvGradBias", NULL, dy[0]);
}

/* Of ConvTranspose and ConvGradInput: x = f(y, w). */
static void
grad_grad_input(const struct oc_node *node, struct ocellus_value *dy[],
                struct ocellus_value *dx[])
{
    struct oc_conv_window v = oc_conv_window_of(node);

    if (dx[0])
        dx[0] = make_y(node, &v, dy[0], node->in[1]);
    if (dx[1])
        dx[1] = make_w(node, &v, dy[0], node->in[0]);
    if (node->n_in > 2 && dx[2])
        dx[2] = OC_NODE(node->graph, "ConvGradBias", NULL, dy[0]);
}

/* w = f(x, y). */
static void
grad_grad_weight(const struct oc_node *node, struct ocellus_value *dy[],
                 struct ocellus_value *dx[])
{
    struct oc_conv_window v = oc_conv_window_of(node);

    if (dx[0])
        dx[0] = make_x(node, &v, node->in[1], dy[0]);
    if (dx[1])
        dx[1] = make_y(node, &v, node->in[0], dy[0]);
}

/* db sums dy over all but the channels, so dy's gradient repeats db's. */
static void
grad_grad_bias(const struct oc_node *node, struct ocellus_value *dy[],
               struct ocellus_value *dx[])
{
    struct ocellus_graph *graph = node->graph;
    const struct oc_shape *shape = &node->in[0]->shape;
    int64_t lying[OC_MAX_RANK];
    struct ocellus_value *wide;

    if (!dx[0])
        return;
    for (int a = 0; a < shape->rank; a++)
        lying[a] = a == 1 ? shape->dim[1] : 1;
    wide = OC_NODE(graph, "Reshape", NULL, dy[0],
                   oc_ints(graph, shape->rank, lying));
    dx[0] = OC_NODE(graph, "Expand", NULL, wide,
                    oc_ints(graph, shape->rank, shape->dim));
}

/* ---- rows --------------------------------------------------------------- */

/* "narrow" has one vector of channels and more pixels at once; "short" and
 * "long" are work-items, "deep" and "shallow" chunks of channels; "single"
 * makes one tile of the same pixels. "passes": three launches, not one. */
#define BLOCKED_WAYS                                                           \
    "blocked:narrow", "blocked:short", "blocked:long", "blocked:deep",         \
        "blocked:shallow", "blocked:single"
static const char *const conv_ways[] = {BLOCKED_WAYS,         "winograd:passes",
                                        "winograd_tiled:2x2", OC_TENSOR_WAYS,
                                        OC_TILED_WAYS,        NULL};
static const char *const grad_input_ways[] = {
    BLOCKED_WAYS, "winograd:passes", OC_TENSOR_WAYS, OC_TILED_WAYS, NULL};
/* "narrow" as above; "single": one block of x for a window of one tap;
 * "parts": the batch in twice as many. */
static const char *const grad_weight_ways[] = {
    "blocked:narrow", "blocked:single", "blocked:parts", OC_TILED_WAYS, NULL};

static const struct oc_impl conv_impls[] = {
    {"depthwise", oc_conv_depthwise_refuse, oc_conv_depthwise_layouts,
     oc_conv_depthwise, OC_IMPL_HALO | OC_IMPL_EPILOGUE | OC_IMPL_PART, 0},
    {"amx", oc_conv_amx_refuse, oc_conv_amx_layouts, oc_conv_amx,
     OC_IMPL_HALO | OC_IMPL_EPILOGUE | OC_IMPL_PART | OC_IMPL_BFLOAT16, 0},
    {"winograd", oc_conv_winograd_refuse, oc_conv_winograd_layouts,
     oc_conv_winograd, OC_IMPL_HALO | OC_IMPL_EPILOGUE | OC_IMPL_PART, 0},
    {"blocked", oc_conv_blocked_refuse, oc_conv_blocked_layouts,
     oc_conv_blocked, OC_IMPL_HALO | OC_IMPL_EPILOGUE | OC_IMPL_PART, 0},
    {"plain", oc_conv_plain_refuse, NULL, oc_conv_plain, OC_IMPL_EPILOGUE, 0},
    {"winograd_tiled", oc_conv_winograd_tiled_refuse,
     oc_conv_winograd_tiled_layouts, oc_conv_winograd_tiled, OC_IMPL_EPILOGUE,
     0},
    {"tensor", oc_conv_tensor_refuse, oc_conv_tensor_layouts, oc_conv_tensor,
     OC_IMPL_EPILOGUE, 0},
    {"tiled", oc_conv_tiled_refuse, oc_conv_tiled_layouts, oc_conv_tiled,
     OC_IMPL_EPILOGUE, 0},
    {"direct", NULL, NULL, oc_conv_direct, OC_IMPL_EPILOGUE, 0},
    {.name = NULL},
};

static const struct oc_impl grad_input_impls[] = {
    {"depthwise", oc_conv_depthwise_input_refuse,
     oc_conv_depthwise_input_layouts, oc_conv_depthwise_input,
     OC_IMPL_HALO | OC_IMPL_EPILOGUE | OC_IMPL_PART, 0},
    {"amx", oc_conv_amx_input_refuse, oc_conv_amx_input_layouts,
     oc_conv_amx_input,
     OC_IMPL_HALO | OC_IMPL_EPILOGUE | OC_IMPL_PART | OC_IMPL_BFLOAT16, 0},
    {"winograd", oc_conv_winograd_input_refuse, oc_conv_winograd_input_layouts,
     oc_conv_winograd_input, OC_IMPL_HALO | OC_IMPL_EPILOGUE | OC_IMPL_PART, 0},
    {"blocked", oc_conv_blocked_input_refuse, oc_conv_blocked_input_layouts,
     oc_conv_blocked_input, OC_IMPL_HALO | OC_IMPL_EPILOGUE | OC_IMPL_PART, 0},
    {"plain", oc_conv_plain_input_refuse, NULL, oc_conv_plain_input,
     OC_IMPL_EPILOGUE, 0},
    {"winograd_tiled", oc_conv_winograd_tiled_input_refuse,
     oc_conv_winograd_tiled_input_layouts, oc_conv_winograd_tiled_input,
     OC_IMPL_EPILOGUE, 0},
    {"tensor", oc_conv_tensor_input_refuse, oc_conv_tensor_input_layouts,
     oc_conv_tensor_input, OC_IMPL_EPILOGUE, 0},
    {"tiled", oc_conv_tiled_input_refuse, oc_conv_tiled_input_layouts,
     oc_conv_tiled_input, OC_IMPL_EPILOGUE, 0},
    {"direct", NULL, NULL, oc_conv_direct_input, OC_IMPL_EPILOGUE, 0},
    {.name = NULL},
};

static const struct oc_impl grad_weight_impls[] = {
    {"depthwise", oc_conv_depthwise_weight_refuse,
     oc_conv_depthwise_weight_layouts, oc_conv_depthwise_weight, 0, 0},
    {"amx", oc_conv_amx_weight_refuse, oc_conv_amx_weight_layouts,
     oc_conv_amx_weight, OC_IMPL_BFLOAT16, 0},
    {"winograd", oc_conv_winograd_weight_refuse,
     oc_conv_winograd_weight_layouts, oc_conv_winograd_weight, 0, 0},
    {"blocked", oc_conv_blocked_weight_refuse, oc_conv_blocked_weight_layouts,
     oc_conv_blocked_weight, 0, 0},
    {"plain", oc_conv_plain_weight_refuse, oc_conv_plain_weight_layouts,
     oc_conv_plain_weight, 0, 0},
    {"tiled", oc_conv_tiled_weight_refuse, oc_conv_tiled_weight_layouts,
     oc_conv_tiled_weight, 0, 0},
    {"direct", NULL, NULL, oc_conv_direct_weight, 0, 0},
    {.name = NULL},
};

static const struct oc_impl grad_bias_impls[] = {
    {"blocked", oc_conv_blocked_bias_refuse, oc_conv_blocked_bias_layouts,
     oc_conv_blocked_bias, 0, 0},
    {"direct", NULL, NULL, oc_conv_direct_bias, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_Conv = {
    .name = "Conv",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .params = 6,
    .infer = infer_conv,
    .grad = grad_conv,
    .ways = conv_ways,
    .impls = conv_impls,
};

const struct oc_op oc_op_ConvTranspose = {
    .name = "ConvTranspose",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .params = 6,
    .infer = infer_grad_input,
    .grad = grad_grad_input,
    .ways = grad_input_ways,
    .impls = grad_input_impls,
};

const struct oc_op oc_op_ConvGradInput = {
    .name = "ConvGradInput",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = infer_grad_input,
    .grad = grad_grad_input,
    .ways = grad_input_ways,
    .impls = grad_input_impls,
};

const struct oc_op oc_op_ConvGradWeight = {
    .name = "ConvGradWeight",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = infer_grad_weight,
    .grad = grad_grad_weight,
    .ways = grad_weight_ways,
    .impls = grad_weight_impls,
};

const struct oc_op oc_op_ConvGradBias = {
    .name = "ConvGradBias",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = infer_grad_bias,
    .grad = grad_grad_bias,
    .impls = grad_bias_impls,
};

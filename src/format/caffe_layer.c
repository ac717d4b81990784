/* caffe_layer.c - layers that compute. Meanings follow Caffe's own
 * src/caffe/layers (BVLC/caffe). */
#include <math.h>
#include <string.h>

#include "format/caffe_inside.h"
#include "graph/op.h"

/* ---- windows ------------------------------------------------------------- */

/* One number for both directions, or rows and then columns, or by names. */
static void
two(int64_t to[2], size_t count, const uint32_t *list, int has_h, uint32_t h,
    int has_w, uint32_t w, int64_t otherwise)
{
    to[0] = to[1] = count > 0 ? list[0] : otherwise;
    if (count > 1)
        to[1] = list[1];
    if (has_h)
        to[0] = h;
    if (has_w)
        to[1] = w;
}

static struct oc_window
window_of(const OcCaffe__Convolution *p)
{
    struct oc_window w = {{0}, {0}, {0}, {0}, {0}, 0, 0};
    two(w.size, p->n_kernel_size, p->kernel_size, p->has_kernel_h, p->kernel_h,
        p->has_kernel_w, p->kernel_w, 1);
    two(w.stride, p->n_stride, p->stride, p->has_stride_h, p->stride_h,
        p->has_stride_w, p->stride_w, 1);
    two(w.before, p->n_pad, p->pad, p->has_pad_h, p->pad_h, p->has_pad_w,
        p->pad_w, 0);
    two(w.dilation, p->n_dilation, p->dilation, 0, 0, 0, 0, 1);
    memcpy(w.after, w.before, sizeof w.after);
    return w;
}

static struct ocellus_value *
convolve(struct oc_caffe_work *w, struct ocellus_value *x, int64_t group,
         int transposed)
{
    OC_CAFFE_PARAMS(Convolution, CONVOLUTION, convolution_param);
    struct oc_window window = window_of(p);
    struct oc_layer_states s;
    struct ocellus_value *y = (transposed ? oc_layer_deconv : oc_layer_conv)(
        x, w->layer->name, p->num_output, group, p->bias_term, &window, &s);
    oc_caffe_take(w->r, s.weight, 0, 0);
    oc_caffe_take(w->r, s.bias, 1, 0);
    return y;
}

static struct ocellus_value *
make_conv(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Convolution, CONVOLUTION, convolution_param);
    return convolve(w, x, p->group, 0);
}

/* As many groups as channels. */
static struct ocellus_value *
make_depthwise(struct oc_caffe_work *w, struct ocellus_value *x)
{
    return convolve(w, x, x->shape.rank > 1 ? x->shape.dim[1] : 0, 0);
}

static struct ocellus_value *
make_deconv(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Convolution, CONVOLUTION, convolution_param);
    return convolve(w, x, p->group, 1);
}

/* The last window may hang over the edge; an average counts padding. */
static struct ocellus_value *
make_pool(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Pooling, POOLING, pooling_param);
    struct oc_window window = {.dilation = {1, 1}, .count_pad = 1};
    int average = p->pool == OC_CAFFE__POOLING__METHOD__AVE;
    if (p->pool != OC_CAFFE__POOLING__METHOD__MAX && !average)
        return oc_caffe_fail(w->r, OCELLUS_UNSUPPORTED,
                             "pooling by chance, or another kind");
    if (p->global_pooling)
        return OC_NODE(w->g, average ? "GlobalAveragePool" : "GlobalMaxPool",
                       NULL, x);
    two(window.size, 1, &p->kernel_size, p->has_kernel_h, p->kernel_h,
        p->has_kernel_w, p->kernel_w, 0);
    two(window.stride, 1, &p->stride, p->has_stride_h, p->stride_h,
        p->has_stride_w, p->stride_w, 1);
    two(window.before, 1, &p->pad, p->has_pad_h, p->pad_h, p->has_pad_w,
        p->pad_w, 0);
    memcpy(window.after, window.before, sizeof window.after);
    window.ceil = p->round_mode != OC_CAFFE__POOLING__ROUNDING__FLOOR;
    return oc_layer_pool(x, average ? "AveragePool" : "MaxPool", &window);
}

/* ---- weights ------------------------------------------------------------- */

/* Weights that stand as inputs x outputs. */
static struct ocellus_value *
turned(struct oc_caffe_work *w, struct ocellus_value *x, int64_t features,
       int bias)
{
    int64_t in = oc_shape_span(&x->shape, 1, x->shape.rank);
    const struct oc_shape shape = OC_SHAPE(in, features),
                          one = OC_SHAPE(features);
    if (in < 1)
        return oc_caffe_fail(w->r, OCELLUS_BAD_MODEL,
                             "the number of its inputs is not known");
    struct ocellus_value *weight = oc_layer_state(w->g, w->layer->name,
                                                  "weight", &shape, "lecun", 1),
                         *add = bias ? oc_layer_state(w->g, w->layer->name,
                                                      "bias", &one, "zeros", 1)
                                     : NULL;
    oc_caffe_take(w->r, weight, 0, 0);
    oc_caffe_take(w->r, add, 1, 0);
    return oc_apply(w->g, "Gemm", NULL,
                    (struct ocellus_value *[]){
                        OC_NODE(w->g, "Flatten", NULL, x), weight, add},
                    bias ? 3 : 2);
}

static struct ocellus_value *
make_inner_product(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(InnerProduct, INNER_PRODUCT, inner_product_param);
    struct oc_layer_states s;
    if (p->axis != 1)
        return oc_caffe_fail(w->r, OCELLUS_UNSUPPORTED,
                             "axis %d; 1 is what is read", p->axis);
    if (p->transpose)
        return turned(w, x, p->num_output, p->bias_term);
    struct ocellus_value *y =
        oc_layer_linear(x, w->layer->name, 1, p->num_output, p->bias_term, &s);
    oc_caffe_take(w->r, s.weight, 0, 0);
    oc_caffe_take(w->r, s.bias, 1, 0);
    return y;
}

/* Sums and how many: blobs 0 and 1 are divided by blob 2. Scale and bias are
 * those of the Scale layer behind, if there is one. */
static struct ocellus_value *
make_batch_norm(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(BatchNorm, BATCH_NORM, batch_norm_param);
    double count = oc_caffe_number(w->r, 2, 1);
    struct oc_layer_states s;
    struct ocellus_value *y = oc_layer_norm(
        x, w->layer->name, p->has_eps ? (double)p->eps : 1e-5, &s);
    oc_caffe_take(w->r, s.mean, 0, count);
    oc_caffe_take(w->r, s.variance, 1, count);
    if (y != NULL)
        s.weight->trainable = s.bias->trainable = 0;
    return y;
}

/* Is x made by a normalisation whose scale is still free, and read by nobody
 * else? */
static int
behind_norm(const struct oc_caffe_work *w, const struct ocellus_value *x)
{
    const oc_caffe_layer *l = w->layer;
    return x->node != NULL &&
           strcmp(x->node->op->name, "BatchNormalization") == 0 &&
           !x->node->in[1]->trainable && x->node->in[1]->data == NULL &&
           (oc_caffe_readers(w->r, l->bottom[0]) == 1 ||
            (l->n_top > 0 && strcmp(l->top[0], l->bottom[0]) == 0));
}

static struct ocellus_value *
scale_norm(struct oc_caffe_work *w, struct ocellus_value *x, int bias)
{
    struct ocellus_value *scale = x->node->in[1], *add = x->node->in[2];
    oc_caffe_take(w->r, scale, 0, 0);
    scale->trainable = 1;
    if (bias) {
        oc_caffe_take(w->r, add, 1, 0);
        add->trainable = 1;
    }
    return x;
}

/* C numbers as C x 1 x 1, so that they meet x at axis 1. */
static struct ocellus_value *
channel_state(struct oc_caffe_work *w, const struct ocellus_value *x,
              const char *part, const char *init, size_t blob)
{
    struct oc_shape shape = {x->shape.rank - 1, {0}};
    if (x->shape.rank < 2 || x->shape.dim[1] < 1)
        return oc_caffe_fail(w->r, OCELLUS_BAD_MODEL,
                             "the channels of its input are not known");
    for (int d = 0; d < shape.rank; d++)
        shape.dim[d] = d == 0 ? x->shape.dim[1] : 1;
    struct ocellus_value *state =
        oc_layer_state(w->g, w->layer->name, part, &shape, init, 1);
    oc_caffe_take(w->r, state, blob, 0);
    return state;
}

/* A second input is numbers for the first's axes from `axis` on. */
static struct ocellus_value *
scale_by(struct oc_caffe_work *w, struct ocellus_value *x,
         struct ocellus_value *scale, int axis)
{
    int64_t axes[OC_MAX_RANK];
    int n = x->shape.rank - axis - scale->shape.rank;
    if (axis < 0 || n < 0)
        return oc_caffe_fail(w->r, OCELLUS_BAD_MODEL,
                             "rank %d does not fit rank %d at axis %d",
                             scale->shape.rank, x->shape.rank, axis);
    for (int k = 0; k < n; k++)
        axes[k] = scale->shape.rank + k;
    if (n > 0)
        scale = OC_NODE(w->g, "Unsqueeze", NULL, scale, oc_ints(w->g, n, axes));
    return OC_NODE(w->g, "Mul", NULL, x, scale);
}

static struct ocellus_value *
make_scale(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Scale, SCALE, scale_param);
    if (w->n_in == 2)
        return scale_by(w, x, w->in[1], p->axis);
    if (p->axis != 1 || p->num_axes != 1)
        return oc_caffe_fail(w->r, OCELLUS_UNSUPPORTED,
                             "axis %d and num_axes %d; 1 and 1 are read",
                             p->axis, p->num_axes);
    if (behind_norm(w, x))
        return scale_norm(w, x, p->bias_term);
    x = OC_NODE(w->g, "Mul", NULL, x, channel_state(w, x, "weight", "ones", 0));
    if (x == NULL || !p->bias_term)
        return x;
    return OC_NODE(w->g, "Add", NULL, x,
                   channel_state(w, x, "bias", "zeros", 1));
}

static struct ocellus_value *
make_bias(struct oc_caffe_work *w, struct ocellus_value *x)
{
    return OC_NODE(w->g, "Add", NULL, x,
                   channel_state(w, x, "bias", "zeros", 0));
}

/* ---- activations ----------------------------------------------------------
 */

static struct ocellus_value *
make_relu(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Relu, RELU, relu_param);
    if (p->negative_slope == 0)
        return OC_NODE(w->g, "Relu", NULL, x);
    return OC_NODE(
        w->g, "LeakyRelu",
        oc_arena_printf(w->g->arena, "alpha=%.9e", (double)p->negative_slope),
        x);
}

static struct ocellus_value *
make_relu6(struct oc_caffe_work *w, struct ocellus_value *x)
{
    return OC_NODE(w->g, "Clip", NULL, x, oc_scalar(w->g, 0),
                   oc_scalar(w->g, 6));
}

static struct ocellus_value *
make_prelu(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(PRelu, PRELU, prelu_param);
    const struct oc_shape one = OC_SHAPE(1);
    struct ocellus_value *slope;
    if (!p->channel_shared)
        slope = channel_state(w, x, "weight", "constant 0.25", 0);
    else {
        slope = oc_layer_state(w->g, w->layer->name, "weight", &one,
                               "constant 0.25", 1);
        oc_caffe_take(w->r, slope, 0, 0);
    }
    return OC_NODE(w->g, "PRelu", NULL, x, slope);
}

static struct ocellus_value *
make_elu(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Elu, ELU, elu_param);
    return OC_NODE(w->g, "Elu",
                   oc_arena_printf(w->g->arena, "alpha=%.9e", (double)p->alpha),
                   x);
}

static struct ocellus_value *
make_sigmoid(struct oc_caffe_work *w, struct ocellus_value *x)
{
    return OC_NODE(w->g, "Sigmoid", NULL, x);
}

static struct ocellus_value *
make_tanh(struct oc_caffe_work *w, struct ocellus_value *x)
{
    return OC_NODE(w->g, "Tanh", NULL, x);
}

static struct ocellus_value *
make_abs(struct oc_caffe_work *w, struct ocellus_value *x)
{
    return OC_NODE(w->g, "Abs", NULL, x);
}

/* (shift + scale * x) ^ power */
static struct ocellus_value *
make_power(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Power, POWER, power_param);
    if (p->scale != 1)
        x = OC_NODE(w->g, "Mul", NULL, x, oc_scalar(w->g, (double)p->scale));
    if (p->shift != 0)
        x = OC_NODE(w->g, "Add", NULL, x, oc_scalar(w->g, (double)p->shift));
    return p->power == 1 ? x
                         : OC_NODE(w->g, "Pow", NULL, x,
                                   oc_scalar(w->g, (double)p->power));
}

static struct ocellus_value *
make_lrn(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Lrn, LRN, lrn_param);
    if (p->norm_region != OC_CAFFE__LRN__REGION__ACROSS_CHANNELS)
        return oc_caffe_fail(w->r, OCELLUS_UNSUPPORTED,
                             "a normalisation within a channel");
    return OC_NODE(w->g, "LRN",
                   oc_arena_printf(w->g->arena,
                                   "size=%u alpha=%.9e beta=%.9e bias=%.9e",
                                   p->local_size, (double)p->alpha,
                                   (double)p->beta, (double)p->k),
                   x);
}

static struct ocellus_value *
make_dropout(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Dropout, DROPOUT, dropout_param);
    return OC_NODE(w->g, "Dropout", NULL, x,
                   oc_scalar(w->g, (double)p->dropout_ratio));
}

oc_caffe_maker
oc_caffe_find(const char *kind)
{
    static const struct {
        const char *name;
        oc_caffe_maker make;
    } kinds[] = {{"Convolution", make_conv},
                 {"DepthwiseConvolution", make_depthwise},
                 {"ConvolutionDepthwise", make_depthwise},
                 {"Deconvolution", make_deconv},
                 {"InnerProduct", make_inner_product},
                 {"Pooling", make_pool},
                 {"BatchNorm", make_batch_norm},
                 {"Scale", make_scale},
                 {"Bias", make_bias},
                 {"ReLU", make_relu},
                 {"ReLU6", make_relu6},
                 {"PReLU", make_prelu},
                 {"ELU", make_elu},
                 {"Sigmoid", make_sigmoid},
                 {"TanH", make_tanh},
                 {"AbsVal", make_abs},
                 {"Power", make_power},
                 {"LRN", make_lrn},
                 {"Dropout", make_dropout}};
    for (size_t k = 0; k < OC_COUNT(kinds); k++)
        if (strcmp(kinds[k].name, kind) == 0)
            return kinds[k].make;
    return oc_caffe_find_shape(kind);
}

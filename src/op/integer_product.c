/* integer_product.c - MatMulInteger, ConvInteger, QLinearMatMul, QLinearConv:
 * products of small integers, summed in 32 bits, made of other operators.
 *
 *     C = (A - zero_a) (B - zero_b)
 *     y = saturate(round(C scale_a scale_b / scale_y) + zero_y)
 *
 * float32 holds whole numbers up to 2^24, and its products are the fast ones:
 * where no sum can be larger, C is computed there, exactly. Where A has a bit
 * too much for that, it is taken as 16 H + L, in two products; where that does
 * not help either, in int32.
 */
#include <math.h>

#include "op/pointwise.h"
#include "op/quantize.h"

/* A sum of so many products of a and b. */
struct product {
    const struct oc_node *window; /* a convolution's; NULL: matrices */
    struct ocellus_value *a, *zero_a, *b, *zero_b;
    int64_t terms;
};

/* x - zero in that type; NULL: no zero point. */
static struct ocellus_value *
centred(struct ocellus_value *x, struct ocellus_value *zero, ocellus_type type)
{
    x = oc_cast_to(x, type);
    return x && zero ? OC_NODE(x->graph, "Sub", NULL, x, oc_cast_to(zero, type))
                     : x;
}

/* No |x - zero| is above it. */
static double
largest(const struct ocellus_value *x, const struct ocellus_value *zero)
{
    double low = x->type == OCELLUS_INT8 ? -128 : 0, high = low + 255, most = 0;
    if (zero == NULL)
        return fmax(-low, high);
    if (zero->data == NULL)
        return 255;
    for (int64_t i = 0; i < oc_shape_count(&zero->shape); i++) {
        double z = oc_element_get(zero->type, zero->data, (size_t)i);
        most = fmax(most, fmax(z - low, high - z));
    }
    return most;
}

/* Winograd's convolution rounds: it is kept away by `exact`. */
static struct ocellus_value *
multiply(const struct product *p, struct ocellus_value *a,
         struct ocellus_value *b)
{
    struct ocellus_value *in[] = {a, b};
    struct oc_attr attr[16] = {{.name = "exact", .kind = OC_ATTR_INT, .i = 1}};
    int n = 1;
    if (a == NULL || b == NULL)
        return NULL;
    if (p->window == NULL)
        return oc_apply(a->graph, "MatMul", NULL, in, 2);
    for (int k = 0; k < p->window->n_attr && n < (int)OC_COUNT(attr); k++)
        attr[n++] = p->window->attr[k];
    return oc_apply_attrs(a->graph, oc_op_find("Conv"), NULL, n, attr, in, 2,
                          1);
}

static struct ocellus_value *
whole(const struct product *p, struct ocellus_value *a, struct ocellus_value *b)
{
    return oc_cast_to(multiply(p, a, b), OCELLUS_INT32);
}

static struct ocellus_value *
sum_of(const struct product *p)
{
    struct ocellus_graph *g = p->a->graph;
    double each = largest(p->b, p->zero_b) * (double)p->terms;
    int fits = largest(p->a, p->zero_a) * each < 1 << 24;
    ocellus_type type = 16 * each < 1 << 24 ? OCELLUS_FLOAT : OCELLUS_INT32;
    struct ocellus_value *a = centred(p->a, p->zero_a, type);
    struct ocellus_value *b = centred(p->b, p->zero_b, type);
    if (a == NULL || fits || type == OCELLUS_INT32)
        return whole(p, a, b);
    struct ocellus_value *sixteen = oc_scalar_like(a, 16);
    struct ocellus_value *high =
        OC_NODE(g, "Floor", NULL, OC_NODE(g, "Div", NULL, a, sixteen));
    struct ocellus_value *low =
        OC_NODE(g, "Sub", NULL, a, OC_NODE(g, "Mul", NULL, high, sixteen));
    struct ocellus_value *sum = whole(p, high, b);
    if (sum == NULL)
        return NULL;
    return OC_NODE(g, "Add", NULL, whole(p, low, b),
                   OC_NODE(g, "Mul", NULL, sum, oc_scalar_like(sum, 16)));
}

/* What one dimension says of the outermost one of `rank`; single numbers lose
 * their dimension. */
static struct ocellus_value *
upright(struct ocellus_value *s, int rank)
{
    const int64_t column[OC_MAX_RANK] = {-1, 1, 1, 1, 1, 1, 1, 1};
    if (s == NULL || s->shape.rank == 0)
        return s;
    if (oc_shape_count(&s->shape) == 1)
        return oc_reshape_to(s, 0, column);
    return s->shape.rank == 1 ? oc_reshape_to(s, rank, column) : s;
}

/* Rounded, moved and held within the type of the zero point. */
static ocellus_status
requantize(struct ocellus_value *sum, struct ocellus_value *factor,
           struct ocellus_value *zero, struct ocellus_value **y)
{
    if (sum == NULL || factor == NULL)
        return OCELLUS_OK;
    struct ocellus_graph *g = sum->graph;
    struct ocellus_value *q = OC_NODE(
        g, "Round", NULL,
        OC_NODE(g, "Mul", NULL, oc_cast_to(sum, OCELLUS_FLOAT), factor));
    q = OC_NODE(g, "Add", NULL, q, oc_cast_to(upright(zero, 1), OCELLUS_FLOAT));
    OC_TRY(oc_composed(g));
    return oc_saturate(q, zero->type, y);
}

/* In float32, whatever the scales are: a product of two halves may be none. */
static struct ocellus_value *
factor_of(struct ocellus_graph *g, struct ocellus_value *a,
          struct ocellus_value *b, struct ocellus_value *y)
{
    return OC_NODE(g, "Div", NULL,
                   OC_NODE(g, "Mul", NULL, oc_cast_to(a, OCELLUS_FLOAT),
                           oc_cast_to(b, OCELLUS_FLOAT)),
                   oc_cast_to(upright(y, 1), OCELLUS_FLOAT));
}

/* ---- matrices ------------------------------------------------------------ */

static struct ocellus_value *
matrices(struct ocellus_value *a, struct ocellus_value *zero_a,
         struct ocellus_value *b, struct ocellus_value *zero_b)
{
    const struct product p = {
        .a = a,
        .zero_a = upright(zero_a, 2),
        .b = b,
        .zero_b = zero_b,
        .terms = a->shape.rank ? a->shape.dim[a->shape.rank - 1] : 1};
    return sum_of(&p);
}

static ocellus_status
expand_matmul(const struct oc_node *node, struct ocellus_graph *to,
              struct ocellus_value *const *in, struct ocellus_value **out,
              int *done)
{
    (void)to;
    out[0] =
        matrices(in[0], oc_given(node, in, 2), in[1], oc_given(node, in, 3));
    *done = 1;
    return OCELLUS_OK;
}

const struct oc_op oc_op_MatMulInteger = {
    .name = "MatMulInteger",
    .min_in = 2,
    .max_in = 4,
    .n_out = 1,
    .expand = expand_matmul,
};

/* a, its scale and zero point, b and its, the scale and zero point of y. */
static ocellus_status
expand_qlinear_matmul(const struct oc_node *node, struct ocellus_graph *to,
                      struct ocellus_value *const *in,
                      struct ocellus_value **out, int *done)
{
    struct ocellus_value *sum = matrices(in[0], in[2], in[3], in[5]);
    *done = 1;
    (void)node;
    return requantize(sum, factor_of(to, upright(in[1], 2), in[4], in[6]),
                      in[7], &out[0]);
}

const struct oc_op oc_op_QLinearMatMul = {
    .name = "QLinearMatMul",
    .min_in = 8,
    .max_in = 8,
    .n_out = 1,
    .expand = expand_qlinear_matmul,
};

/* ---- convolutions -------------------------------------------------------- */

/* Padding is zero when the zero point is gone, as it should be. */
static struct ocellus_value *
convolve(const struct oc_node *node, struct ocellus_value *x,
         struct ocellus_value *zero_x, struct ocellus_value *w,
         struct ocellus_value *zero_w)
{
    const struct product p = {.window = node,
                              .a = x,
                              .zero_a = upright(zero_x, 1),
                              .b = w,
                              .zero_b = upright(zero_w, w->shape.rank),
                              .terms =
                                  oc_shape_span(&w->shape, 1, w->shape.rank)};
    return sum_of(&p);
}

static ocellus_status
expand_conv(const struct oc_node *node, struct ocellus_graph *to,
            struct ocellus_value *const *in, struct ocellus_value **out,
            int *done)
{
    (void)to;
    out[0] = convolve(node, in[0], oc_given(node, in, 2), in[1],
                      oc_given(node, in, 3));
    *done = 1;
    return OCELLUS_OK;
}

const struct oc_op oc_op_ConvInteger = {
    .name = "ConvInteger",
    .min_in = 2,
    .max_in = 4,
    .n_out = 1,
    .expand = expand_conv,
};

/* x, its scale and zero point, w and its, the scale and zero point of y, and a
 * bias in units of scale_x scale_w. */
static ocellus_status
expand_qlinear_conv(const struct oc_node *node, struct ocellus_graph *to,
                    struct ocellus_value *const *in, struct ocellus_value **out,
                    int *done)
{
    struct ocellus_value *sum = convolve(node, in[0], in[2], in[3], in[5]);
    struct ocellus_value *bias = oc_given(node, in, 8);
    int channels_first = in[3]->shape.rank - 1;
    if (bias != NULL)
        sum = OC_NODE(to, "Add", NULL, sum, upright(bias, channels_first));
    *done = 1;
    return requantize(
        sum,
        factor_of(to, upright(in[1], 1), upright(in[4], channels_first), in[6]),
        in[7], &out[0]);
}

const struct oc_op oc_op_QLinearConv = {
    .name = "QLinearConv",
    .min_in = 8,
    .max_in = 9,
    .n_out = 1,
    .expand = expand_qlinear_conv,
};

/* integer_product.c - MatMulInteger, ConvInteger, QLinearMatMul, QLinearConv:
 * products of small integers, summed in 32 bits, made of other operators.
 *
 *     C = (A - zero_a) (B - zero_b)
 *     y = saturate(round(C scale_a scale_b / scale_y) + zero_y)
 */
#include "op/pointwise.h"
#include "op/quantize.h"

/* x - zero as int32; NULL: no zero point. */
static struct ocellus_value *
centred(struct ocellus_value *x, struct ocellus_value *zero)
{
    x = oc_cast_to(x, OCELLUS_INT32);
    return x && zero ? OC_NODE(x->graph, "Sub", NULL, x,
                               oc_cast_to(zero, OCELLUS_INT32))
                     : x;
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

static ocellus_status
expand_matmul(const struct oc_node *node, struct ocellus_graph *to,
              struct ocellus_value *const *in, struct ocellus_value **out,
              int *done)
{
    out[0] = OC_NODE(to, "MatMul", NULL,
                     centred(in[0], upright(oc_given(node, in, 2), 2)),
                     centred(in[1], oc_given(node, in, 3)));
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
    struct ocellus_value *sum =
        OC_NODE(to, "MatMul", NULL, centred(in[0], upright(in[2], 2)),
                centred(in[3], in[5]));
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
         struct ocellus_value *zero_w, struct ocellus_value *bias)
{
    struct ocellus_value *in[] = {centred(x, upright(zero_x, 1)),
                                  centred(w, upright(zero_w, w->shape.rank)),
                                  bias};
    return oc_apply_attrs(x->graph, oc_op_find("Conv"), NULL, node->n_attr,
                          node->attr, in, bias ? 3 : 2, 1);
}

static ocellus_status
expand_conv(const struct oc_node *node, struct ocellus_graph *to,
            struct ocellus_value *const *in, struct ocellus_value **out,
            int *done)
{
    (void)to;
    out[0] = convolve(node, in[0], oc_given(node, in, 2), in[1],
                      oc_given(node, in, 3), NULL);
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
    struct ocellus_value *sum =
        convolve(node, in[0], in[2], in[3], in[5], oc_given(node, in, 8));
    int channels_first = in[3]->shape.rank - 1;
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

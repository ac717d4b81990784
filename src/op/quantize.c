/* quantize.c - QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear: floats
 * as small integers, made of other operators.
 *
 *     q = saturate(round(x / scale) + zero)       x = (q - zero) * scale
 *
 * with one scale and zero point for all numbers, one for each place along an
 * axis, or one for each block of places along it.
 */
#include "op/pointwise.h"
#include "op/quantize.h"

ocellus_status
oc_saturate(struct ocellus_value *x, ocellus_type type,
            struct ocellus_value **y)
{
    static const struct {
        ocellus_type type;
        double low, high;
    } ranges[] = {{OCELLUS_UINT8, 0, 255},
                  {OCELLUS_INT8, -128, 127},
                  {OCELLUS_UINT16, 0, 65535},
                  {OCELLUS_INT16, -32768, 32767}};
    for (size_t k = 0; x != NULL && k < OC_COUNT(ranges); k++)
        if (ranges[k].type == type) {
            *y = oc_cast_to(OC_NODE(x->graph, "Clip", NULL, x,
                                    oc_scalar_like(x, ranges[k].low),
                                    oc_scalar_like(x, ranges[k].high)),
                            type);
            return OCELLUS_OK;
        }
    return oc_fail(OCELLUS_UNSUPPORTED,
                   "quantizes to %s; 8-bit and 16-bit integers are known",
                   oc_type_name(type));
}

/* ---- scales over tensors ------------------------------------------------- */

/* One number for each block of `block` places along `axis`. */
static ocellus_status
spread_blocks(const struct oc_shape *x, int axis, int64_t block,
              struct ocellus_value **scale)
{
    struct ocellus_value *s = *scale;
    struct oc_shape wide = s->shape;
    int64_t blocks = s->shape.dim[axis], repeats[OC_MAX_RANK + 1];
    if (block > x->dim[axis]) /* one block, and more than there is */
        block = x->dim[axis];
    if (block < 1 || x->rank == OC_MAX_RANK ||
        blocks != (x->dim[axis] + block - 1) / block)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "%lld blocks of %lld do not cover axis %d of %lld",
                       (long long)blocks, (long long)block, axis,
                       (long long)x->dim[axis]);
    for (int k = 0; k <= x->rank; k++)
        repeats[k] = k == axis + 1 ? block : 1;
    wide.dim[axis] = blocks * block;
    s = OC_NODE(s->graph, "Expand", NULL, oc_unsqueeze_at(s, axis + 1),
                oc_ints(s->graph, x->rank + 1, repeats));
    s = oc_reshape_to(s, wide.rank, wide.dim);
    if (wide.dim[axis] > x->dim[axis])
        s = oc_slice_of(s, axis, 0, x->dim[axis], 1);
    *scale = s;
    return OCELLUS_OK;
}

/* A scale or zero point so that it broadcasts over x; NULL stays NULL. */
static ocellus_status
spread(const struct oc_node *node, const struct oc_shape *x,
       struct ocellus_value **scale)
{
    struct ocellus_value *s = *scale;
    int64_t dims[OC_MAX_RANK];
    int axis = 0;
    if (s == NULL)
        return OCELLUS_OK;
    int64_t block = oc_attr_int(node, "block_size", 0);
    if (oc_shape_count(&s->shape) == 1 && block == 0) {
        *scale = oc_reshape_to(s, 0, dims);
        return OCELLUS_OK;
    }
    if (x->rank > 1)
        OC_TRY(oc_axis(oc_attr_int(node, "axis", 1), x->rank, &axis));
    if (block != 0 && s->shape.rank == x->rank && x->rank > 0)
        return spread_blocks(x, axis, block, scale);
    if (s->shape.rank != 1 || x->rank < 1 || s->shape.dim[0] != x->dim[axis])
        return oc_fail(OCELLUS_BAD_MODEL,
                       "%lld scales of %d dimensions for axis %d of %lld",
                       (long long)oc_shape_count(&s->shape), s->shape.rank,
                       axis, (long long)(x->rank ? x->dim[axis] : 1));
    for (int k = 0; k < x->rank; k++)
        dims[k] = k == axis ? x->dim[axis] : 1;
    *scale = oc_reshape_to(s, x->rank, dims);
    return OCELLUS_OK;
}

/* ---- QuantizeLinear ------------------------------------------------------ */

/* The type of the zero point, else the attribute, else uint8. */
static ocellus_type
quantized_type(const struct oc_node *node, const struct ocellus_value *zero)
{
    int64_t type = oc_attr_int(node, "output_dtype", 0);
    return zero ? zero->type : type > 0 ? (ocellus_type)type : OCELLUS_UINT8;
}

static struct ocellus_value *
rounded_plus(struct ocellus_value *x, struct ocellus_value *zero)
{
    struct ocellus_value *q =
        x ? OC_NODE(x->graph, "Round", NULL, oc_cast_to(x, OCELLUS_FLOAT))
          : NULL;
    return q && zero ? OC_NODE(q->graph, "Add", NULL, q,
                               oc_cast_to(zero, OCELLUS_FLOAT))
                     : q;
}

/* The quotient is taken in the scale's type, or in `precision`. */
static ocellus_status
expand_quantize(const struct oc_node *node, struct ocellus_graph *to,
                struct ocellus_value *const *in, struct ocellus_value **out,
                int *done)
{
    struct ocellus_value *scale = in[1], *zero = oc_given(node, in, 2);
    ocellus_type type = quantized_type(node, zero);
    int64_t precision = oc_attr_int(node, "precision", 0);
    ocellus_type quotient =
        precision > 0 ? (ocellus_type)precision : scale->type;
    OC_TRY(spread(node, &in[0]->shape, &scale));
    OC_TRY(spread(node, &in[0]->shape, &zero));
    struct ocellus_value *x =
        OC_NODE(to, "Div", NULL, oc_cast_to(in[0], quotient),
                oc_cast_to(scale, quotient));
    OC_TRY(oc_composed(to));
    *done = 1;
    return oc_saturate(rounded_plus(x, zero), type, &out[0]);
}

const struct oc_op oc_op_QuantizeLinear = {
    .name = "QuantizeLinear",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .expand = expand_quantize,
};

/* ---- DequantizeLinear ---------------------------------------------------- */

static ocellus_status
expand_dequantize(const struct oc_node *node, struct ocellus_graph *to,
                  struct ocellus_value *const *in, struct ocellus_value **out,
                  int *done)
{
    struct ocellus_value *scale = in[1], *zero = oc_given(node, in, 2);
    int64_t asked = oc_attr_int(node, "output_dtype", 0);
    ocellus_type type = asked > 0 ? (ocellus_type)asked : scale->type;
    OC_TRY(spread(node, &in[0]->shape, &scale));
    OC_TRY(spread(node, &in[0]->shape, &zero));
    struct ocellus_value *x = oc_cast_to(in[0], OCELLUS_FLOAT);
    if (zero != NULL)
        x = OC_NODE(to, "Sub", NULL, x, oc_cast_to(zero, OCELLUS_FLOAT));
    out[0] = oc_cast_to(
        OC_NODE(to, "Mul", NULL, x, oc_cast_to(scale, OCELLUS_FLOAT)), type);
    *done = 1;
    return OCELLUS_OK;
}

const struct oc_op oc_op_DequantizeLinear = {
    .name = "DequantizeLinear",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .expand = expand_dequantize,
};

/* ---- DynamicQuantizeLinear ----------------------------------------------- */

/* The scale and the zero point are such that 0 and both ends of the numbers
 * can be said in eight bits. */
static ocellus_status
expand_dynamic(const struct oc_node *node, struct ocellus_graph *to,
               struct ocellus_value *const *in, struct ocellus_value **out,
               int *done)
{
    struct ocellus_value *x = in[0], *y[3];
    if (x->type != OCELLUS_FLOAT)
        return oc_fail(OCELLUS_BAD_MODEL, "it quantizes float32, not %s",
                       oc_type_name(x->type));
    struct ocellus_value *zero = oc_scalar_like(x, 0);
    struct ocellus_value *least = OC_NODE(
        to, "Min", NULL, OC_NODE(to, "ReduceMin", "keepdims=0", x), zero);
    struct ocellus_value *most = OC_NODE(
        to, "Max", NULL, OC_NODE(to, "ReduceMax", "keepdims=0", x), zero);
    struct ocellus_value *range = OC_NODE(to, "Sub", NULL, most, least);
    range = OC_NODE(to, "Where", NULL, OC_NODE(to, "Equal", NULL, range, zero),
                    oc_scalar_like(x, 1), range);
    y[1] = OC_NODE(to, "Div", NULL, range, oc_scalar_like(x, 255));
    struct ocellus_value *below =
        OC_NODE(to, "Neg", NULL, OC_NODE(to, "Div", NULL, least, y[1]));
    OC_TRY(oc_composed(to));
    OC_TRY(oc_saturate(rounded_plus(below, NULL), OCELLUS_UINT8, &y[2]));
    OC_TRY(oc_saturate(rounded_plus(OC_NODE(to, "Div", NULL, x, y[1]), y[2]),
                       OCELLUS_UINT8, &y[0]));
    for (int k = 0; k < node->n_out && k < 3; k++)
        out[k] = y[k];
    *done = 1;
    return OCELLUS_OK;
}

const struct oc_op oc_op_DynamicQuantizeLinear = {
    .name = "DynamicQuantizeLinear",
    .min_in = 1,
    .max_in = 1,
    .n_out = 3,
    .expand = expand_dynamic,
};

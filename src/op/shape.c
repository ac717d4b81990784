/* shape.c - Shape, Size, Constant, ConstantOfShape, Range: numbers that are
 * known on the host as soon as the shapes are. Only ConstantOfShape has a
 * kernel, for tensors too large to keep twice.
 */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "op/move.h"
#include "op/pool.h"

static ocellus_status
no_memory(void)
{
    return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for numbers");
}

/* ---- Shape and Size ----------------------------------------------------- */

static int
clamp(int64_t value, int rank)
{
    if (value < 0)
        value += rank;
    return value < 0 ? 0 : value > rank ? rank : (int)value;
}

/* Its numbers are set here and not in eval: input 0 need not be known. */
static ocellus_status
shape_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    int from = clamp(oc_attr_int(node, "start", 0), x->rank);
    int to = clamp(oc_attr_int(node, "end", INT_MAX), x->rank);
    int count = to > from ? to - from : 0;
    struct oc_shape y = OC_SHAPE(count);
    int64_t *data;
    OC_TRY(oc_infer_out(node, 0, OCELLUS_INT64, &y));
    for (int i = 0; i < count; i++)
        if (x->dim[from + i] == OC_UNKNOWN)
            return OCELLUS_OK;
    data = oc_eval_out(node, 0);
    if (!data)
        return no_memory();
    for (int i = 0; i < count; i++)
        data[i] = x->dim[from + i];
    return OCELLUS_OK;
}

const struct oc_op oc_op_Shape = {
    .name = "Shape",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = shape_infer,
};

static ocellus_status
size_infer(struct oc_node *node)
{
    struct oc_shape y = {.rank = 0};
    OC_TRY(oc_infer_out(node, 0, OCELLUS_INT64, &y));
    if (!oc_shape_known(&node->in[0]->shape))
        return OCELLUS_OK;
    int64_t *data = oc_eval_out(node, 0);
    if (!data)
        return no_memory();
    *data = oc_shape_count(&node->in[0]->shape);
    return OCELLUS_OK;
}

const struct oc_op oc_op_Size = {
    .name = "Size",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .infer = size_infer,
};

/* ---- Constant ----------------------------------------------------------- */

static ocellus_status
constant_numbers(struct oc_node *node, const struct oc_attr *attr)
{
    int list = attr->kind == OC_ATTR_INTS || attr->kind == OC_ATTR_FLOATS;
    int ints = attr->kind == OC_ATTR_INTS || attr->kind == OC_ATTR_INT;
    struct oc_shape y = {.rank = list, .dim = {list ? attr->count : 0}};
    OC_TRY(oc_infer_out(node, 0, ints ? OCELLUS_INT64 : OCELLUS_FLOAT, &y));
    void *data = oc_eval_out(node, 0);
    if (!data)
        return no_memory();
    if (attr->kind == OC_ATTR_INT)
        *(int64_t *)data = attr->i;
    else if (attr->kind == OC_ATTR_FLOAT)
        *(float *)data = (float)attr->f;
    else if (attr->count > 0)
        memcpy(data, ints ? (const void *)attr->ints : attr->floats,
               (size_t)attr->count * (ints ? sizeof(int64_t) : sizeof(float)));
    return OCELLUS_OK;
}

static ocellus_status
constant_infer(struct oc_node *node)
{
    static const char *const names[] = {"value", "value_float", "value_floats",
                                        "value_int", "value_ints"};
    for (size_t i = 0; i < OC_COUNT(names); i++) {
        const struct oc_attr *attr = oc_attr_find(node, names[i]);
        if (!attr || attr->kind == OC_ATTR_TEXT)
            continue;
        if (attr->kind != OC_ATTR_TENSOR)
            return constant_numbers(node, attr);
        if (!attr->tensor || !attr->tensor->data)
            break;
        OC_TRY(oc_infer_out(node, 0, attr->tensor->type, &attr->tensor->shape));
        node->out[0]->data = attr->tensor->data;
        return OCELLUS_OK;
    }
    return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                        "none of value, value_float, value_floats, value_int, "
                        "value_ints is given");
}

const struct oc_op oc_op_Constant = {
    .name = "Constant",
    .min_in = 0,
    .max_in = 0,
    .n_out = 1,
    .infer = constant_infer,
};

/* ---- ConstantOfShape ---------------------------------------------------- */

static ocellus_status
element(const struct oc_node *node, ocellus_type *type, unsigned char value[8])
{
    const struct oc_attr *attr = oc_attr_find(node, "value");
    memset(value, 0, 8);
    *type = OCELLUS_FLOAT;
    if (!attr)
        return OCELLUS_OK;
    if (attr->kind == OC_ATTR_TENSOR && attr->tensor && attr->tensor->data &&
        oc_shape_count(&attr->tensor->shape) == 1) {
        *type = attr->tensor->type;
        memcpy(value, attr->tensor->data, oc_type_size(*type));
    } else if (attr->kind == OC_ATTR_FLOAT) {
        float number = (float)attr->f;
        memcpy(value, &number, sizeof number);
    } else if (attr->kind == OC_ATTR_INT) {
        *type = OCELLUS_INT64;
        memcpy(value, &attr->i, sizeof attr->i);
    } else {
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "value is not a tensor of one element");
    }
    return OCELLUS_OK;
}

static ocellus_status
filled_infer(struct oc_node *node)
{
    ocellus_type type;
    unsigned char value[8];
    const int64_t *dim = NULL;
    int rank = (int)oc_shape_count(&node->in[0]->shape);
    struct oc_shape y = {0};
    OC_TRY(element(node, &type, value));
    if (node->in[0]->data)
        OC_TRY(oc_host_ints(node, 0, &dim, &rank));
    if (rank < 0 || rank > OC_MAX_RANK)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "rank %d; from 0 to %d are possible", rank,
                            OC_MAX_RANK);
    y.rank = rank;
    for (int i = 0; i < rank; i++) {
        y.dim[i] = dim ? dim[i] : OC_UNKNOWN;
        if (dim && dim[i] < 0)
            return oc_node_fail(node, OCELLUS_BAD_MODEL, "extent %d is %lld", i,
                                (long long)dim[i]);
    }
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, type, &y);
}

static ocellus_status
filled_moves(const struct oc_node *node, struct oc_moves *moves)
{
    ocellus_type type;
    moves->fill = 1;
    return element(node, &type, moves->value);
}

OC_MOVE_OP(filled)

const struct oc_op oc_op_ConstantOfShape = {
    .name = "ConstantOfShape",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .host = 1,
    .infer = filled_infer,
    .eval = filled_eval,
    .impls = filled_impls,
};

/* ---- Range -------------------------------------------------------------- */

static ocellus_status
range_infer(struct oc_node *node)
{
    ocellus_type type = node->in[0]->type;
    struct oc_shape y = OC_SHAPE(OC_UNKNOWN);
    double at[3];
    for (int k = 0; k < 3; k++) {
        if (node->in[k]->type != type ||
            oc_shape_count(&node->in[k]->shape) != 1)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "start, limit and delta must be scalars of "
                                "one type");
        if (!node->in[k]->data)
            return oc_infer_out(node, 0, type, &y);
        at[k] = oc_element_get(type, node->in[k]->data, 0);
    }
    double count = ceil((at[1] - at[0]) / at[2]);
    if (!(fabs(at[2]) > 0) || !(count <= INT_MAX))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "from %g to %g by %g",
                            at[0], at[1], at[2]);
    y.dim[0] = count > 0 ? (int64_t)count : 0;
    return oc_infer_out(node, 0, type, &y);
}

static ocellus_status
range_eval(struct oc_node *node)
{
    ocellus_type type = node->out[0]->type;
    void *data = oc_eval_out(node, 0);
    int64_t count = node->out[0]->shape.dim[0];
    if (!data)
        return no_memory();
    double start = oc_element_get(type, node->in[0]->data, 0);
    double delta = oc_element_get(type, node->in[2]->data, 0);
    int64_t first = oc_element_get_int(type, node->in[0]->data, 0);
    int64_t by = oc_element_get_int(type, node->in[2]->data, 0);
    for (int64_t i = 0; i < count; i++) {
        if (oc_type_is_float(type))
            oc_element_set(type, data, (size_t)i, start + (double)i * delta);
        else
            oc_element_set_int(
                type, data, (size_t)i,
                (int64_t)((uint64_t)first + (uint64_t)i * (uint64_t)by));
    }
    return OCELLUS_OK;
}

const struct oc_op oc_op_Range = {
    .name = "Range",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .host = 7,
    .infer = range_infer,
    .eval = range_eval,
};

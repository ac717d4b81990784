/* onnx_old.c - nodes of older operator sets in their newest form: what was an
 * attribute and has become an input becomes one. */
#include <stdio.h>
#include <string.h>

#include "format/onnx_inside.h"

struct moving {
    struct oc_onnx_reading *r;
    const char *name; /* the operator's */
    const oc_onnx_node *node;
    struct ocellus_value **in;
    int *n_in;
    struct oc_attr *attr;
    int *n_attr;
    struct ocellus_value
        *made; /* the output itself, where it is several nodes */
};

static struct oc_attr *
find(struct moving *m, const char *name)
{
    for (int k = 0; k < *m->n_attr; k++)
        if (strcmp(m->attr[k].name, name) == 0)
            return &m->attr[k];
    return NULL;
}

static void
drop(struct moving *m, const char *name)
{
    struct oc_attr *a = find(m, name);
    if (a != NULL)
        *a = m->attr[--*m->n_attr];
}

static void
put(struct moving *m, int k, struct ocellus_value *value)
{
    while (*m->n_in <= k)
        m->in[(*m->n_in)++] = NULL;
    m->in[k] = value;
}

/* A list of ints becomes input k, unless that is there. */
static void
ints_to_input(struct moving *m, const char *name, int k)
{
    const struct oc_attr *a = find(m, name);
    if (a == NULL || (k < *m->n_in && m->in[k] != NULL))
        return;
    if (a->kind == OC_ATTR_INTS)
        put(m, k, oc_ints(m->r->graph, a->count, a->ints));
    else if (a->kind == OC_ATTR_INT)
        put(m, k, oc_ints(m->r->graph, 1, &a->i));
    drop(m, name);
}

static void
float_to_input(struct moving *m, const char *name, int k)
{
    const struct oc_attr *a = find(m, name);
    if (a == NULL || (k < *m->n_in && m->in[k] != NULL))
        return;
    put(m, k,
        oc_scalar(m->r->graph, a->kind == OC_ATTR_INT ? (double)a->i : a->f));
    drop(m, name);
}

static void
add_int(struct moving *m, const char *name, int64_t value)
{
    m->attr[(*m->n_attr)++] =
        (struct oc_attr){.name = name, .kind = OC_ATTR_INT, .i = value};
}

static void
add_text(struct moving *m, const char *name, const char *text)
{
    m->attr[(*m->n_attr)++] =
        (struct oc_attr){.name = name, .kind = OC_ATTR_TEXT, .text = text};
}

static void
floats_to_input(struct moving *m, const char *name, int k)
{
    const struct oc_attr *a = find(m, name);
    if (a == NULL || a->kind != OC_ATTR_FLOATS ||
        (k < *m->n_in && m->in[k] != NULL))
        return;
    struct oc_shape line = OC_SHAPE(a->count);
    put(m, k,
        oc_graph_constant(m->r->graph, NULL, OCELLUS_FLOAT, &line, a->floats));
    drop(m, name);
}

static int
rank_known(const struct ocellus_value *x)
{
    return x != NULL && !x->unknown;
}

static ocellus_status
needs_rank(const struct moving *m)
{
    return oc_fail(OCELLUS_UNSUPPORTED,
                   "of operator set %lld, on a tensor whose shape is not known "
                   "before the run",
                   (long long)m->r->opset);
}

/* `x` with ones behind its dimensions. */
static struct ocellus_value *
with_ones(struct moving *m, struct ocellus_value *x, int ones)
{
    int64_t axes[OC_MAX_RANK];
    for (int k = 0; k < ones && k < OC_MAX_RANK; k++)
        axes[k] = x->shape.rank + k;
    if (ones <= 0 || x->shape.rank + ones > OC_MAX_RANK)
        return x;
    return OC_NODE(m->r->graph, "Unsqueeze", NULL, x,
                   oc_ints(m->r->graph, ones, axes));
}

/* ---- operators that changed ---------------------------------------------- */

/* Before 13, Softmax and its kin took everything from `axis` on as one. */
static ocellus_status
old_softmax(struct moving *m)
{
    const struct oc_attr *a = find(m, "axis");
    int64_t given = a ? a->i : 1;
    struct ocellus_graph *g = m->r->graph;
    struct ocellus_value *x = *m->n_in > 0 ? m->in[0] : NULL;
    char text[40];
    int axis = -1;
    if (x == NULL)
        return OCELLUS_OK;
    if (rank_known(x))
        OC_TRY(oc_axis(given, x->shape.rank, &axis));
    if (rank_known(x) && axis == x->shape.rank - 1) {
        if (a == NULL)
            add_int(m, "axis", axis);
        return OCELLUS_OK;
    }
    snprintf(text, sizeof text, "axis=%lld", (long long)given);
    struct ocellus_value *shape = OC_NODE(g, "Shape", NULL, x);
    struct ocellus_value *flat = OC_NODE(g, "Flatten", text, x);
    struct ocellus_value *y = OC_NODE(g, m->name, "axis=1", flat);
    m->made = OC_NODE(g, "Reshape", NULL, y, shape);
    return oc_onnx_status(m->r);
}

/* Before 7, the second operand was broadcast only where `broadcast` said so,
 * and from `axis` on. */
static ocellus_status
old_broadcast(struct moving *m)
{
    const struct oc_attr *a = find(m, "axis");
    int64_t given = a ? a->i : -1;
    int axis;
    drop(m, "broadcast");
    drop(m, "axis");
    if (a == NULL || *m->n_in < 2 || m->in[0] == NULL || m->in[1] == NULL)
        return OCELLUS_OK;
    if (!rank_known(m->in[0]) || !rank_known(m->in[1]))
        return needs_rank(m);
    OC_TRY(oc_axis(given, m->in[0]->shape.rank, &axis));
    m->in[1] = with_ones(m, m->in[1],
                         m->in[0]->shape.rank - axis - m->in[1]->shape.rank);
    return oc_onnx_status(m->r);
}

/* Before 7, one slope a channel. */
static ocellus_status
old_prelu(struct moving *m)
{
    if (*m->n_in < 2 || m->in[0] == NULL || m->in[1] == NULL)
        return OCELLUS_OK;
    if (!rank_known(m->in[0]) || !rank_known(m->in[1]))
        return needs_rank(m);
    if (m->in[1]->shape.rank == 1 && m->in[1]->shape.dim[0] != 1)
        m->in[1] = with_ones(m, m->in[1], m->in[0]->shape.rank - 2);
    return oc_onnx_status(m->r);
}

/* Upsample, and Resize 10, whose scales were the second input. */
static ocellus_status
old_resize(struct moving *m)
{
    const struct oc_attr *h = find(m, "height_scale"),
                         *w = find(m, "width_scale"), *mode = find(m, "mode");
    struct oc_shape four = OC_SHAPE(4);
    floats_to_input(m, "scales", 1);
    if (h != NULL && w != NULL) {
        const float scale[4] = {1, 1, (float)h->f, (float)w->f};
        put(m, 1,
            oc_graph_constant(m->r->graph, NULL, OCELLUS_FLOAT, &four, scale));
    }
    if (*m->n_in == 2)
        put(m, 2, m->in[1]);
    if (*m->n_in > 2)
        m->in[1] = NULL;
    if (mode != NULL && mode->kind == OC_ATTR_TEXT && mode->text != NULL &&
        strcmp(mode->text, "bilinear") == 0)
        find(m, "mode")->text = "linear";
    add_text(m, "coordinate_transformation_mode", "asymmetric");
    add_text(m, "nearest_mode", "floor");
    return oc_onnx_status(m->r);
}

/* In 18 scale and bias had one number a group; since 21, one a channel. */
static ocellus_status
old_group_norm(struct moving *m)
{
    const struct oc_attr *groups = find(m, "num_groups");
    struct ocellus_graph *g = m->r->graph;
    if (*m->n_in < 3 || groups == NULL || groups->i < 1)
        return OCELLUS_OK;
    if (!rank_known(m->in[0]) || m->in[0]->shape.rank < 2 ||
        m->in[0]->shape.dim[1] == OC_UNKNOWN)
        return needs_rank(m);
    int64_t two[2] = {groups->i, m->in[0]->shape.dim[1] / groups->i};
    int64_t column[2] = {groups->i, 1}, line = -1;
    for (int k = 1; k < 3; k++)
        m->in[k] = OC_NODE(g, "Reshape", NULL,
                           OC_NODE(g, "Expand", NULL,
                                   OC_NODE(g, "Reshape", NULL, m->in[k],
                                           oc_ints(g, 2, column)),
                                   oc_ints(g, 2, two)),
                           oc_ints(g, 1, &line));
    return oc_onnx_status(m->r);
}

/* Before 14, several outputs meant training. */
static void
old_batch_norm(struct moving *m)
{
    drop(m, "spatial");
    drop(m, "is_test");
    drop(m, "consumed_inputs");
    if (m->node->n_output > 1 && find(m, "training_mode") == NULL)
        add_int(m, "training_mode", 1);
}

/* Before 20, the axis was an attribute, and another one when not said. */
static void
old_dft(struct moving *m)
{
    const struct oc_attr *a = find(m, "axis");
    struct oc_shape scalar = {0};
    int64_t axis = a ? a->i : 1;
    drop(m, "axis");
    put(m, 2,
        oc_graph_constant(m->r->graph, NULL, OCELLUS_INT64, &scalar, &axis));
}

/* Scan 8 began with the lengths of sequences, and each of its tensors with an
 * axis of samples. */
static ocellus_status
old_scan(struct moving *m)
{
    struct oc_attr *directions = find(m, "directions");
    if (*m->n_in > 0 && m->in[0] != NULL)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "of operator set 8, with lengths of sequences");
    if (*m->n_in > 0)
        memmove(m->in, m->in + 1, (size_t)-- * m->n_in * sizeof(*m->in));
    if (directions != NULL)
        directions->name = "scan_input_directions";
    add_int(m, "batched", 1);
    return OCELLUS_OK;
}

/* A single axis is a list of one; some models, and some of ONNX's own tests,
 * have a number there. */
static void
list_axes(struct moving *m)
{
    struct ocellus_value *axes = *m->n_in > 1 ? m->in[1] : NULL;
    if (axes == NULL || axes->data == NULL || axes->shape.rank != 0 ||
        axes->type != OCELLUS_INT64)
        return;
    m->in[1] = oc_ints(m->r->graph, 1, axes->data);
}

static ocellus_status
old_cast(struct moving *m)
{
    struct oc_attr *a = find(m, "to");
    if (a == NULL || a->kind != OC_ATTR_TEXT || a->text == NULL)
        return OCELLUS_OK;
    static const char *const names[] = {
        "",      "FLOAT",  "UINT8", "INT8",    "UINT16", "INT16",  "INT32",
        "INT64", "STRING", "BOOL",  "FLOAT16", "DOUBLE", "UINT32", "UINT64"};
    for (int k = 1; k < (int)OC_COUNT(names); k++)
        if (strcmp(a->text, names[k]) == 0) {
            *a = (struct oc_attr){.name = "to", .kind = OC_ATTR_INT, .i = k};
            return OCELLUS_OK;
        }
    return oc_fail(OCELLUS_UNSUPPORTED, "casts to '%s'", a->text);
}

static int
one_of(const char *name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(name, *list) == 0)
            return 1;
    return 0;
}

const struct oc_op *
oc_onnx_op(const char *name)
{
    if (strcmp(name, "Upsample") == 0)
        name = "Resize";
    else if (strcmp(name, "Scatter") == 0)
        name = "ScatterElements";
    return oc_op_find(name);
}

/* Attributes that have become inputs. */
static void
attributes_to_inputs(struct moving *m)
{
    static const char *const axes_second[] = {
        "Squeeze",   "Unsqueeze",    "ReduceSum",       "ReduceMean",
        "ReduceMax", "ReduceMin",    "ReduceProd",      "ReduceL1",
        "ReduceL2",  "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare",
        NULL};
    const char *name = m->name;
    if (one_of(name, axes_second))
        ints_to_input(m, "axes", 1);
    else if (strcmp(name, "Split") == 0)
        ints_to_input(m, "split", 1);
    else if (strcmp(name, "Reshape") == 0)
        ints_to_input(m, "shape", 1);
    else if (strcmp(name, "TopK") == 0)
        ints_to_input(m, "k", 1);
    else if (strcmp(name, "Clip") == 0) {
        float_to_input(m, "min", 1);
        float_to_input(m, "max", 2);
    } else if (strcmp(name, "Slice") == 0) {
        ints_to_input(m, "starts", 1);
        ints_to_input(m, "ends", 2);
        ints_to_input(m, "axes", 3);
    } else if (strcmp(name, "Pad") == 0) {
        ints_to_input(m, "pads", 1);
        ints_to_input(m, "paddings", 1);
        float_to_input(m, "value", 2);
    } else if (strcmp(name, "Dropout") == 0) {
        float_to_input(m, "ratio", 1);
        drop(m, "is_test");
    }
}

static ocellus_status
change(struct moving *m)
{
    static const char *const softmax[] = {"Softmax", "LogSoftmax", "Hardmax",
                                          NULL};
    static const char *const pairs[] = {"Add",   "Sub",  "Mul",     "Div",
                                        "Pow",   "And",  "Or",      "Xor",
                                        "Equal", "Less", "Greater", NULL};
    int64_t opset = m->r->opset;
    const char *name = m->name;
    if (one_of(name, softmax) && opset < 13)
        return old_softmax(m);
    if (one_of(name, pairs) && opset < 7)
        return old_broadcast(m);
    if (strcmp(name, "PRelu") == 0 && opset < 7)
        return old_prelu(m);
    if (strcmp(m->node->op_type, "Upsample") == 0 ||
        (strcmp(name, "Resize") == 0 && opset < 11))
        return old_resize(m);
    if (strcmp(name, "GroupNormalization") == 0 && opset < 21)
        return old_group_norm(m);
    if (strcmp(name, "Cast") == 0)
        return old_cast(m);
    if (strcmp(name, "Scan") == 0 && opset < 9)
        return old_scan(m);
    if (strcmp(name, "DFT") == 0 && opset < 20)
        old_dft(m);
    if (strcmp(name, "BatchNormalization") == 0 && opset < 14)
        old_batch_norm(m);
    if (strcmp(name, "Concat") == 0 && opset < 4 && find(m, "axis") == NULL)
        add_int(m, "axis", 1);
    if (strcmp(name, "Split") == 0 && *m->n_in < 2 &&
        find(m, "split") == NULL && find(m, "num_outputs") == NULL)
        add_int(m, "num_outputs", (int64_t)m->node->n_output);
    attributes_to_inputs(m);
    if (strcmp(name, "Unsqueeze") == 0 || strcmp(name, "Squeeze") == 0)
        list_axes(m);
    return OCELLUS_OK;
}

ocellus_status
oc_onnx_modernise(struct oc_onnx_reading *r, const oc_onnx_node *node,
                  const struct oc_op *op, struct ocellus_value *in[], int *n_in,
                  struct oc_attr attr[], int *n_attr,
                  struct ocellus_value **made)
{
    struct moving m = {r, op->name, node, in, n_in, attr, n_attr, NULL};
    ocellus_status status = change(&m);
    *made = m.made;
    return status;
}

/* Nothing is dropped in an imported net but by the training pass, which knows
 * no mask: so it is all ones. */
struct ocellus_value *
oc_onnx_dropout_mask(struct oc_onnx_reading *r, struct ocellus_value *x)
{
    static const float one = 1;
    static const unsigned char yes = 1;
    struct oc_shape single = OC_SHAPE(1);
    int old = r->opset < 10;
    struct oc_attr attr = {
        .name = "value",
        .kind = OC_ATTR_TENSOR,
        .tensor = oc_graph_constant(r->graph, NULL,
                                    old ? OCELLUS_FLOAT : OCELLUS_BOOL, &single,
                                    old ? (const void *)&one : &yes),
    };
    struct ocellus_value *shape = OC_NODE(r->graph, "Shape", NULL, x);
    return oc_apply_attrs(r->graph, oc_op_find("ConstantOfShape"), NULL, 1,
                          &attr, &shape, 1, 0);
}

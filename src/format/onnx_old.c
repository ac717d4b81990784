/* onnx_old.c - nodes of older operator sets in their newest form: what was an
 * attribute and has become an input becomes one. */
#include <string.h>

#include "format/onnx_inside.h"

struct moving {
    struct oc_onnx_reading *r;
    struct ocellus_value **in;
    int *n_in;
    struct oc_attr *attr;
    int *n_attr;
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

/* Before 13, Softmax and its kin took everything from `axis` on as one. */
static ocellus_status
old_softmax(struct moving *m, const oc_onnx_node *node)
{
    const struct oc_attr *a = find(m, "axis");
    struct ocellus_value *x = *m->n_in > 0 ? m->in[0] : NULL;
    if (x == NULL)
        return OCELLUS_OK;
    int axis;
    OC_TRY(oc_axis(a ? a->i : 1, x->shape.rank, &axis));
    if (axis != x->shape.rank - 1)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "%s '%s' of operator set %lld over several axes",
                       node->op_type, node->name ? node->name : "",
                       (long long)m->r->opset);
    if (a == NULL)
        m->attr[(*m->n_attr)++] =
            (struct oc_attr){.name = "axis", .kind = OC_ATTR_INT, .i = axis};
    return OCELLUS_OK;
}

/* Before 18, the number of parts was that of the outputs. */
static void
old_split(struct moving *m, const oc_onnx_node *node)
{
    ints_to_input(m, "split", 1);
    if ((*m->n_in < 2 || m->in[1] == NULL) && find(m, "num_outputs") == NULL)
        m->attr[(*m->n_attr)++] =
            (struct oc_attr){.name = "num_outputs",
                             .kind = OC_ATTR_INT,
                             .i = (int64_t)node->n_output};
}

static int
one_of(const char *name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(name, *list) == 0)
            return 1;
    return 0;
}

ocellus_status
oc_onnx_modernise(struct oc_onnx_reading *r, const oc_onnx_node *node,
                  const struct oc_op **op, struct ocellus_value *in[],
                  int *n_in, struct oc_attr attr[], int *n_attr)
{
    static const char *const softmax[] = {"Softmax", "LogSoftmax", "Hardmax",
                                          NULL};
    static const char *const axes_second[] = {
        "Squeeze",   "Unsqueeze",    "ReduceSum",       "ReduceMean",
        "ReduceMax", "ReduceMin",    "ReduceProd",      "ReduceL1",
        "ReduceL2",  "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare",
        NULL};
    struct moving m = {r, in, n_in, attr, n_attr};
    const char *name = (*op)->name;
    if (one_of(name, softmax) && r->opset < 13)
        return old_softmax(&m, node);
    if (one_of(name, axes_second))
        ints_to_input(&m, "axes", 1);
    else if (strcmp(name, "Split") == 0)
        old_split(&m, node);
    else if (strcmp(name, "Clip") == 0) {
        float_to_input(&m, "min", 1);
        float_to_input(&m, "max", 2);
    } else if (strcmp(name, "Slice") == 0) {
        ints_to_input(&m, "starts", 1);
        ints_to_input(&m, "ends", 2);
        ints_to_input(&m, "axes", 3);
    } else if (strcmp(name, "Pad") == 0) {
        ints_to_input(&m, "pads", 1);
        float_to_input(&m, "value", 2);
    } else if (strcmp(name, "Dropout") == 0) {
        float_to_input(&m, "ratio", 1);
        drop(&m, "is_test");
    }
    return OCELLUS_OK;
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

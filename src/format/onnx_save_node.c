/* onnx_save_node.c - a node and its attributes as ONNX has them.
 *
 * The operator set of the file is the oldest from 17 on in which each of its
 * operators has the form in which we hold it.
 */
#include <string.h>

#include "format/onnx_saving.h"

static int
one_of(const char *name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(name, *list) == 0)
            return 1;
    return 0;
}

/* ---- attributes -------------------------------------------------------- */

/* What the text form of the builder may hold as something else: its "2" may
 * be a float or a list of one. */
static const char *const floats[] = {"alpha",
                                     "beta",
                                     "bias",
                                     "clip",
                                     "cubic_coeff_a",
                                     "epsilon",
                                     "extrapolation_value",
                                     "gamma",
                                     "lambd",
                                     "momentum",
                                     "scale",
                                     "softcap",
                                     "spatial_scale",
                                     NULL};
static const char *const lists[] = {
    "axes", "dilations", "kernel_shape", "output_padding", "output_shape",
    "pads", "perm",      "pooled_shape", "spatial_shapes", "strides",
    NULL};

/* Numbers of recurrent operators' functions are lists of floats. */
static ocellus_status
retype_floats(const struct oc_onnx_writing *w, struct oc_attr *a)
{
    int count = a->kind == OC_ATTR_INTS ? a->count : 1;
    if (a->kind == OC_ATTR_FLOATS)
        return OCELLUS_OK;
    float *list = oc_onnx_room(w->file, (size_t)count, sizeof(*list));
    if (list == NULL)
        return oc_onnx_no_room();
    for (int k = 0; k < count; k++)
        list[k] = a->kind == OC_ATTR_INTS    ? (float)a->ints[k]
                  : a->kind == OC_ATTR_FLOAT ? (float)a->f
                                             : (float)a->i;
    a->kind = OC_ATTR_FLOATS;
    a->floats = list;
    a->count = count;
    return OCELLUS_OK;
}

static ocellus_status
retype(const struct oc_onnx_writing *w, struct oc_attr *a)
{
    if (strncmp(a->name, "activation_", 11) == 0)
        return retype_floats(w, a);
    if (a->kind == OC_ATTR_INT && one_of(a->name, floats)) {
        a->kind = OC_ATTR_FLOAT;
        a->f = (double)a->i;
    } else if (a->kind == OC_ATTR_INT && one_of(a->name, lists)) {
        a->kind = OC_ATTR_INTS;
        a->ints = &a->i;
        a->count = 1;
    }
    return OCELLUS_OK;
}

/* Our text form of a list of texts has commas between them. */
static ocellus_status
write_texts(const struct oc_onnx_writing *w, const char *text,
            oc_onnx_attribute *to)
{
    size_t most = strlen(text) / 2 + 1;
    to->type = 8;
    to->strings = oc_onnx_room(w->file, most, sizeof(*to->strings));
    if (to->strings == NULL)
        return oc_onnx_no_room();
    while (*text != '\0' && to->n_strings < most) {
        size_t length = strcspn(text, ",");
        to->strings[to->n_strings++] =
            (ProtobufCBinaryData){length, (uint8_t *)text};
        text += length + (text[length] == ',');
    }
    return OCELLUS_OK;
}

/* captured: the names outside of what the subgraph takes from there. */
static ocellus_status
write_subgraph(const struct oc_onnx_writing *w, const struct oc_attr *a,
               struct ocellus_value *const *captured, oc_onnx_attribute *to)
{
    size_t values = (size_t)a->graph->n_values + 1;
    struct oc_onnx_writing sub = {.file = w->file,
                                  .graph = a->graph,
                                  .declared = a->count,
                                  .inside = w->inside + 1};
    if (sub.inside > OC_ONNX_MOST_DEPTH)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "subgraphs lie within each other more than %d deep",
                       OC_ONNX_MOST_DEPTH);
    sub.name = oc_onnx_room(w->file, values, sizeof(*sub.name));
    sub.readers = oc_onnx_room(w->file, values, sizeof(*sub.readers));
    to->g = oc_onnx_room(w->file, 1, sizeof(*to->g));
    if (sub.name == NULL || sub.readers == NULL || to->g == NULL)
        return oc_onnx_no_room();
    for (int k = a->count; k < a->graph->n_inputs; k++)
        sub.name[a->graph->inputs[k]->id] = w->name[captured[k - a->count]->id];
    return oc_onnx_write_graph(&sub, to->g);
}

static ocellus_status
write_text(const struct oc_onnx_writing *w, const struct oc_attr *a,
           oc_onnx_attribute *to)
{
    if (strcmp(a->name, "activations") == 0)
        return write_texts(w, a->text, to);
    to->has_s = 1;
    to->s.data = (uint8_t *)a->text;
    to->s.len = strlen(a->text);
    return OCELLUS_OK;
}

static ocellus_status
write_attr(const struct oc_onnx_writing *w, const struct oc_attr *given,
           struct ocellus_value *const *captured, oc_onnx_attribute *to)
{
    static const int type_of[] = {
        [OC_ATTR_INT] = 2,   [OC_ATTR_FLOAT] = 1,  [OC_ATTR_TEXT] = 3,
        [OC_ATTR_INTS] = 7,  [OC_ATTR_FLOATS] = 6, [OC_ATTR_TENSOR] = 4,
        [OC_ATTR_GRAPH] = 5,
    };
    struct oc_attr *a = oc_arena_copy(w->file->arena, given, sizeof(*given));
    if (a == NULL)
        return oc_onnx_no_room();
    OC_TRY(retype(w, a));
    to->name = (char *)a->name;
    to->has_type = 1;
    to->type = type_of[a->kind];
    switch (a->kind) {
    case OC_ATTR_INT:
        to->has_i = 1;
        to->i = a->i;
        return OCELLUS_OK;
    case OC_ATTR_FLOAT:
        to->has_f = 1;
        to->f = (float)a->f;
        return OCELLUS_OK;
    case OC_ATTR_TEXT:
        return write_text(w, a, to);
    case OC_ATTR_INTS:
        to->n_ints = (size_t)a->count;
        to->ints = (int64_t *)a->ints;
        return OCELLUS_OK;
    case OC_ATTR_FLOATS:
        to->n_floats = (size_t)a->count;
        to->floats = (float *)a->floats;
        return OCELLUS_OK;
    case OC_ATTR_GRAPH:
        return write_subgraph(w, a, captured, to);
    default:
        to->t = oc_onnx_room(w->file, 1, sizeof(*to->t));
        return to->t
                   ? oc_onnx_write_tensor(w, a->tensor, a->tensor->data, to->t)
                   : oc_onnx_no_room();
    }
}

/* Values that a node's subgraphs take from outside: its last inputs. */
static int
count_captured(const struct oc_node *node)
{
    int count = 0;
    for (int k = 0; k < node->n_attr; k++)
        if (node->attr[k].kind == OC_ATTR_GRAPH)
            count += node->attr[k].graph->n_inputs - node->attr[k].count;
    return count;
}

/* Ours, which ONNX tells from the body's inputs. */
static int
is_ours(const struct oc_attr *attr)
{
    return strcmp(attr->name, "carried") == 0;
}

static ocellus_status
write_attrs(const struct oc_onnx_writing *w, const struct oc_node *node,
            oc_onnx_node *to)
{
    struct ocellus_value *const *captured =
        node->in + node->n_in - count_captured(node);
    to->attribute =
        oc_onnx_room(w->file, (size_t)node->n_attr, sizeof(*to->attribute));
    if (to->attribute == NULL)
        return oc_onnx_no_room();
    for (int k = 0; k < node->n_attr; k++) {
        const struct oc_attr *attr = &node->attr[k];
        if (node->op->expand != NULL && is_ours(attr))
            continue;
        oc_onnx_attribute *made = oc_onnx_room(w->file, 1, sizeof(*made));
        if (made == NULL)
            return oc_onnx_no_room();
        oc_onnx__attribute__init(made);
        OC_TRY(write_attr(w, attr, captured, made));
        to->attribute[to->n_attribute++] = made;
        if (attr->kind == OC_ATTR_GRAPH)
            captured += attr->graph->n_inputs - attr->count;
    }
    return OCELLUS_OK;
}

/* ---- nodes ------------------------------------------------------------- */

/* Since which operator set an operator has our form. */
static int64_t
since(const struct oc_node *node)
{
    static const struct {
        const char *op;
        int64_t opset;
    } rows[] = {
        {"AffineGrid", 20},
        {"Attention", 24},
        {"AveragePool", 19},
        {"BitCast", 26},
        {"BitwiseAnd", 18},
        {"BitwiseNot", 18},
        {"BitwiseOr", 18},
        {"BitwiseXor", 18},
        {"CausalConvWithState", 27},
        {"CenterCropPad", 18},
        {"Col2Im", 18},
        {"CumProd", 26},
        {"DeformConv", 19},
        {"DequantizeLinear", 23},
        {"DFT", 20},
        {"Gelu", 20},
        {"GridSample", 20},
        {"GroupNormalization", 21},
        {"LinearAttention", 27},
        {"LpPool", 18},
        {"Mish", 18},
        {"Pad", 19},
        {"QLinearMatMul", 21},
        {"QuantizeLinear", 23},
        {"ReduceL1", 18},
        {"ReduceL2", 18},
        {"ReduceLogSum", 18},
        {"ReduceLogSumExp", 18},
        {"ReduceMax", 18},
        {"ReduceMean", 18},
        {"ReduceMin", 18},
        {"ReduceProd", 18},
        {"ReduceSumSquare", 18},
        {"Resize", 19},
        {"RMSNormalization", 23},
        {"RotaryEmbedding", 23},
        {"ScatterElements", 18},
        {"ScatterND", 18},
        {"Split", 18},
        {"Swish", 24},
        {"TensorScatter", 24},
    };
    for (size_t k = 0; k < OC_COUNT(rows); k++)
        if (strcmp(rows[k].op, node->op->name) == 0)
            return rows[k].opset;
    return 17;
}

/* As many as there are parts; 0: that is not known. */
static int
count_parts(const struct oc_node *node)
{
    const struct ocellus_value *parts = node->n_in > 1 ? node->in[1] : NULL;
    int64_t count = oc_attr_int(node, "num_outputs", 0);
    if (parts != NULL && !parts->unknown && parts->shape.rank == 1)
        count = parts->shape.dim[0];
    return count > 0 && count <= node->n_out ? (int)count : 0;
}

/* How many outputs to write: those behind the last that is read may be absent,
 * but for operators whose outputs are counted. */
static int
count_outputs(const struct oc_onnx_writing *w, const struct oc_node *node)
{
    int most = node->n_out, count = 1;
    if (node->op->expand != NULL)
        return most;
    if (node->op->n_out < most)
        most = node->op->n_out;
    if (strcmp(node->op->name, "TopK") == 0)
        return most;
    if (strcmp(node->op->name, "Split") == 0 && count_parts(node) > 0)
        return count_parts(node);
    for (int k = 1; k < most; k++)
        if (w->readers[node->out[k]->id] > 0)
            count = k + 1;
    return count;
}

static int
is_absent(const struct ocellus_value *value)
{
    return value == NULL ||
           (value->type == OCELLUS_UNDEFINED && !value->unknown);
}

static ocellus_status
write_ends(const struct oc_onnx_writing *w, const struct oc_node *node,
           oc_onnx_node *to)
{
    int n_in = node->n_in - count_captured(node);
    int n_out = count_outputs(w, node);
    while (n_in > 0 && node->in[n_in - 1] == NULL)
        n_in--;
    to->n_input = (size_t)n_in;
    to->n_output = (size_t)n_out;
    to->input = oc_onnx_room(w->file, to->n_input, sizeof(*to->input));
    to->output = oc_onnx_room(w->file, to->n_output, sizeof(*to->output));
    if (to->input == NULL || to->output == NULL)
        return oc_onnx_no_room();
    for (int k = 0; k < n_in; k++)
        to->input[k] = (char *)(node->in[k] ? w->name[node->in[k]->id] : "");
    for (int k = 0; k < n_out; k++)
        to->output[k] =
            (char *)(is_absent(node->out[k]) ? "" : w->name[node->out[k]->id]);
    return OCELLUS_OK;
}

ocellus_status
oc_onnx_write_node(struct oc_onnx_writing *w, const struct oc_node *node,
                   oc_onnx_node *to)
{
    oc_onnx__node__init(to);
    if ((node->op->flags & OC_OP_INTERNAL) || node->epilogue != NULL)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "ONNX has no such operator; a model is exported "
                            "before it is rewritten for training");
    if (oc_attr_int(node, "batched", 0) != 0)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "it scans samples, as in operator set 8 alone; "
                            "models of that set are read, not written");
    if (since(node) > w->file->opset)
        w->file->opset = since(node);
    to->name = (char *)node->name;
    to->op_type = (char *)node->op->name;
    to->domain = (char *)node->op->domain;
    if (node->op->domain != NULL)
        w->file->domain = node->op->domain;
    OC_TRY(write_ends(w, node, to));
    return write_attrs(w, node, to);
}

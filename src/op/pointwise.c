/* pointwise.c - what is common to all rows: shape rules, the text of a
 * formula, gradients of broadcasts. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op/pointwise.h"

/* ---- shape rules -------------------------------------------------------- */

ocellus_status
oc_broadcast_inputs(const struct oc_node *node, struct oc_shape *shape)
{
    int64_t count;

    *shape = oc_shape_make(0, NULL);
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k])
            OC_TRY(oc_shape_broadcast(shape, &node->in[k]->shape, shape));
    count = oc_shape_count(shape);
    if (count > INT32_MAX)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "%lld elements are more than a kernel counts "
                            "(2147483647)",
                            (long long)count);
    return OCELLUS_OK;
}

enum type_class { FLOATS = 1, INTEGERS = 2, BOOLS = 4 };

static int
class_of(ocellus_type type)
{
    if (oc_type_is_float(type))
        return FLOATS;
    if (oc_type_is_integer(type))
        return INTEGERS;
    return type == OCELLUS_BOOL ? BOOLS : 0;
}

/* All inputs of one type, of one of the classes; result: 0 for the same. */
static ocellus_status
infer(struct oc_node *node, int classes, ocellus_type result)
{
    ocellus_type type = node->in[0]->type;
    struct oc_shape shape;

    if (!(class_of(type) & classes))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "no rule for %s",
                            oc_type_name(type));
    for (int k = 1; k < node->n_in; k++)
        if (node->in[k] && node->in[k]->type != type)
            return oc_node_fail(
                node, OCELLUS_BAD_MODEL, "input %d is %s, but input 0 is %s", k,
                oc_type_name(node->in[k]->type), oc_type_name(type));
    OC_TRY(oc_broadcast_inputs(node, &shape));
    return oc_infer_out(node, 0, result ? result : type, &shape);
}

ocellus_status
oc_infer_float(struct oc_node *node)
{
    return infer(node, FLOATS, OCELLUS_UNDEFINED);
}

ocellus_status
oc_infer_number(struct oc_node *node)
{
    return infer(node, FLOATS | INTEGERS, OCELLUS_UNDEFINED);
}

ocellus_status
oc_infer_any(struct oc_node *node)
{
    return infer(node, FLOATS | INTEGERS | BOOLS, OCELLUS_UNDEFINED);
}

ocellus_status
oc_infer_integer(struct oc_node *node)
{
    return infer(node, INTEGERS, OCELLUS_UNDEFINED);
}

ocellus_status
oc_infer_logic(struct oc_node *node)
{
    return infer(node, BOOLS, OCELLUS_BOOL);
}

ocellus_status
oc_infer_compare(struct oc_node *node)
{
    return infer(node, FLOATS | INTEGERS | BOOLS, OCELLUS_BOOL);
}

ocellus_status
oc_infer_is(struct oc_node *node)
{
    return infer(node, FLOATS, OCELLUS_BOOL);
}

/* ---- gradients ---------------------------------------------------------- */

void
oc_grad_of_x(const struct oc_node *node, struct ocellus_value *dy[],
             struct ocellus_value *dx[])
{
    char name[64];

    snprintf(name, sizeof name, "%sGrad", node->op->name);
    dx[0] = OC_NODE_LIKE(node, name, NULL, node->in[0], dy[0]);
}

void
oc_grad_of_y(const struct oc_node *node, struct ocellus_value *dy[],
             struct ocellus_value *dx[])
{
    char name[64];

    snprintf(name, sizeof name, "%sGrad", node->op->name);
    dx[0] = OC_NODE_LIKE(node, name, NULL, node->out[0], dy[0]);
}

struct ocellus_value *
oc_reduce_to(struct ocellus_value *dy, const struct oc_shape *shape)
{
    struct ocellus_graph *graph;
    int64_t axes[OC_MAX_RANK];
    int n = 0, lead;

    if (!dy || oc_shape_equal(&dy->shape, shape))
        return dy;
    graph = dy->graph;
    lead = dy->shape.rank - shape->rank;
    for (int k = 0; k < dy->shape.rank; k++)
        if (k < lead || (shape->dim[k - lead] == 1 && dy->shape.dim[k] != 1))
            axes[n++] = k;
    if (n > 0)
        dy = OC_NODE(graph, "ReduceSum", "keepdims=1", dy,
                     oc_ints(graph, n, axes));
    if (lead > 0)
        dy = OC_NODE(graph, "Reshape", "allowzero=1", dy,
                     oc_ints(graph, shape->rank, shape->dim));
    return dy;
}

struct ocellus_value *
oc_scalar_like(const struct ocellus_value *like, double value)
{
    struct oc_shape shape = oc_shape_make(0, NULL);
    uint64_t data[2] = {0, 0};

    oc_element_set(like->type, data, 0, value);
    return oc_graph_constant(like->graph, NULL, like->type, &shape, data);
}

/* ---- formulas ----------------------------------------------------------- */

int
oc_formula_scalars(const struct oc_node *node, float *scalar)
{
    const char *at = node->op->scalars;
    char name[32];
    int n = 0;

    while (at && *at && n < OC_POINTWISE_SCALARS) {
        size_t length = strcspn(at, "=");
        char *end;
        double otherwise;

        if (at[length] != '=' || length >= sizeof name)
            break;
        memcpy(name, at, length);
        name[length] = '\0';
        otherwise = strtod(at + length + 1, &end);
        scalar[n++] = (float)oc_attr_float(node, name, otherwise);
        at = end + strspn(end, " ");
    }
    return n;
}

static void
write_name(struct oc_text *text, const char *word, size_t length,
           const struct oc_formula_names *names)
{
    const char *other = NULL;

    if (length == 1 && word[0] >= 'a' && word[0] < 'a' + OC_POINTWISE_IN)
        other = names->arg[word[0] - 'a'];
    else if (length == 1 && word[0] == 'v')
        other = names->v;
    else if (length == 2 && word[0] == 'e' && word[1] >= '0' &&
             word[1] < '0' + OC_POINTWISE_IN)
        other = names->extra[word[1] - '0'];
    else if (length == 2 && word[0] == 's' && isdigit((unsigned char)word[1]))
        oc_text_printf(text, "s%d", word[1] - '0' + names->shift);
    if (other)
        oc_text_append(text, other);
    else if (length != 2 || word[0] != 's' || !isdigit((unsigned char)word[1]))
        oc_text_append_bytes(text, word, length);
}

void
oc_formula_write(struct oc_text *text, const char *formula,
                 const struct oc_formula_names *names)
{
    const char *at = formula;

    while (*at) {
        const char *from = at;

        if (isalpha((unsigned char)*at) || *at == '_') {
            while (isalnum((unsigned char)*at) || *at == '_')
                at++;
            write_name(text, from, (size_t)(at - from), names);
        } else if (isdigit((unsigned char)*at) || *at == '.') {
            while (isalnum((unsigned char)*at) || *at == '.')
                at++;
            oc_text_append_bytes(
                text, from,
                (size_t)(at - from) -
                    (names->plain_literals && at[-1] == 'f' ? 1 : 0));
        } else {
            oc_text_append_bytes(text, at++, 1);
        }
    }
}

int
oc_is_host_scalar(const struct ocellus_value *value)
{
    return value && value->data && oc_type_is_float(value->type) &&
           oc_shape_count(&value->shape) == 1;
}

static int
is_float32(const struct oc_node *node)
{
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] && node->in[k]->type != OCELLUS_FLOAT)
            return 0;
    return node->out[0]->type == OCELLUS_FLOAT;
}

ocellus_status
oc_formula_of(const struct oc_node *node, const char *const in[],
              struct oc_text *text, float *scalar, int *n_scalar)
{
    char name[OC_POINTWISE_IN][8];
    struct oc_formula_names names = {.shift = *n_scalar};
    float own[OC_POINTWISE_SCALARS];
    int n = oc_formula_scalars(node, own);

    if (!oc_formula_text(node) || node->n_in > OC_POINTWISE_IN ||
        !is_float32(node))
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "it has no formula of up to %d float32 inputs",
                            OC_POINTWISE_IN);
    for (int k = 0; k < node->n_in; k++) {
        names.arg[k] = in[k];
        if (in[k] || !node->in[k])
            continue;
        if (n >= OC_POINTWISE_SCALARS || !oc_is_host_scalar(node->in[k]))
            return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                                "input %d is no number known on the host", k);
        snprintf(name[k], sizeof name[k], "s%d", *n_scalar + n);
        own[n++] =
            (float)oc_element_get(node->in[k]->type, node->in[k]->data, 0);
        names.arg[k] = name[k];
    }
    /* s<n> is one digit. */
    if (*n_scalar + n > OC_POINTWISE_SCALARS)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "more than %d scalars in one formula",
                            OC_POINTWISE_SCALARS);
    oc_text_append(text, "(");
    oc_formula_write(text, oc_formula_text(node), &names);
    oc_text_append(text, ")");
    memcpy(scalar + *n_scalar, own, (size_t)n * sizeof *own);
    *n_scalar += n;
    return OCELLUS_OK;
}

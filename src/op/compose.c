/* compose.c - short words for nodes that operators made of others use. */
#include <stdio.h>

#include "op/compose.h"

/* Concat takes more; a plan is easier with less. */
enum { MOST_AT_ONCE = 32 };

struct ocellus_value *
oc_given(const struct oc_node *node, struct ocellus_value *const *in, int k)
{
    return k < node->n_in ? in[k] : NULL;
}

ocellus_status
oc_given_int(const struct oc_node *node, struct ocellus_value *const *in, int k,
             int64_t otherwise, int64_t *number)
{
    const struct ocellus_value *x = oc_given(node, in, k);
    *number = otherwise;
    if (x == NULL)
        return OCELLUS_OK;
    if (x->data == NULL || oc_shape_count(&x->shape) != 1 ||
        !oc_type_is_integer(x->type))
        return oc_fail(OCELLUS_BAD_MODEL, "input %d is not one integer", k);
    *number = oc_element_get_int(x->type, x->data, 0);
    return OCELLUS_OK;
}

ocellus_status
oc_composed(const struct ocellus_graph *graph)
{
    return graph->status == OCELLUS_OK
               ? OCELLUS_OK
               : oc_fail(graph->status, "%s", graph->sentence);
}

ocellus_status
oc_written_bytes(const struct oc_shape *shape, ocellus_type type, size_t *bytes)
{
    const size_t most = (size_t)1 << 30;
    char text[OC_SHAPE_TEXT];
    OC_TRY(oc_shape_bytes(shape, oc_type_size(type), bytes));
    if (*bytes <= most)
        return OCELLUS_OK;
    return oc_fail(OCELLUS_UNSUPPORTED,
                   "a constant of %s would take %zu bytes, and %zu are the "
                   "most: lower the extents",
                   oc_shape_text(shape, text), *bytes, most);
}

struct ocellus_value *
oc_reshape_to(struct ocellus_value *x, int rank, const int64_t *dims)
{
    if (x == NULL)
        return NULL;
    return OC_NODE(x->graph, "Reshape", NULL, x, oc_ints(x->graph, rank, dims));
}

struct ocellus_value *
oc_cast_to(struct ocellus_value *x, ocellus_type type)
{
    char to[16];
    if (x == NULL || x->type == type)
        return x;
    snprintf(to, sizeof to, "to=%d", (int)type);
    return OC_NODE(x->graph, "Cast", to, x);
}

struct ocellus_value *
oc_slice_of(struct ocellus_value *x, int64_t axis, int64_t from, int64_t to,
            int64_t step)
{
    if (x == NULL)
        return NULL;
    return OC_NODE(x->graph, "Slice", NULL, x, oc_ints(x->graph, 1, &from),
                   oc_ints(x->graph, 1, &to), oc_ints(x->graph, 1, &axis),
                   oc_ints(x->graph, 1, &step));
}

struct ocellus_value *
oc_unsqueeze_at(struct ocellus_value *x, int64_t axis)
{
    if (x == NULL)
        return NULL;
    return OC_NODE(x->graph, "Unsqueeze", NULL, x, oc_ints(x->graph, 1, &axis));
}

struct ocellus_value *
oc_join(struct ocellus_value **x, int count, int64_t axis)
{
    char text[32];
    snprintf(text, sizeof text, "axis=%lld", (long long)axis);
    while (count > 1) {
        int made = 0;
        for (int i = 0; i < count; i += MOST_AT_ONCE) {
            int n = count - i < MOST_AT_ONCE ? count - i : MOST_AT_ONCE;
            if (x[i] == NULL)
                return NULL;
            x[made++] =
                n == 1 ? x[i] : oc_apply(x[i]->graph, "Concat", text, x + i, n);
        }
        count = made;
    }
    return count == 1 ? x[0] : NULL;
}

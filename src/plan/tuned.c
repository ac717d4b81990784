/* tuned.c - classes of operators, and verdicts by class (see tuned.h). */
#include "plan/tuned.h"

#include <inttypes.h>
#include <string.h>

/* ---- names of implementations and their ways ----------------------------- */

/* "short" of "blocked:short" for "blocked"; else NULL. */
static const char *
behind(const char *name, const char *impl)
{
    size_t length = strlen(impl);
    return strncmp(name, impl, length) == 0 && name[length] == ':'
               ? name + length + 1
               : NULL;
}

const char *
oc_impl_way(const struct oc_op *op, const struct oc_impl *impl, int k)
{
    for (int i = 0; op->ways != NULL && op->ways[i] != NULL; i++) {
        const char *way = behind(op->ways[i], impl->name);
        if (way != NULL && k-- == 0)
            return way;
    }
    return NULL;
}

const struct oc_impl *
oc_impl_find(const struct oc_op *op, const char *by, const char **way)
{
    *way = NULL;
    for (const struct oc_impl *i = op->impls; i && i->name != NULL; i++) {
        const char *wanted = behind(by, i->name), *have;
        if (strcmp(i->name, by) == 0)
            return i;
        for (int k = 0; wanted && (have = oc_impl_way(op, i, k)) != NULL; k++)
            if (strcmp(have, wanted) == 0) {
                *way = have;
                return i;
            }
    }
    return NULL;
}

const char *
oc_impl_name(const struct oc_op *op, const struct oc_impl *impl,
             const char *way)
{
    for (int k = 0; way != NULL && op->ways[k] != NULL; k++) {
        const char *have = behind(op->ways[k], impl->name);
        if (have != NULL && strcmp(have, way) == 0)
            return op->ways[k];
    }
    return impl->name;
}

/* ---- classes ------------------------------------------------------------- */

static void
add_input(struct oc_text *text, const struct ocellus_value *in)
{
    char shape[OC_SHAPE_TEXT];
    oc_text_append(text, " ");
    if (in == NULL) {
        oc_text_append(text, "-");
        return;
    }
    if (in->type != OCELLUS_FLOAT)
        oc_text_printf(text, "%s:", oc_type_name(in->type));
    oc_text_append(text,
                   in->shape.rank ? oc_shape_text(&in->shape, shape) : ".");
}

static int
all_are(const struct oc_attr *a, int64_t number)
{
    for (int k = 0; k < a->count; k++)
        if (a->ints[k] != number)
            return 0;
    return a->kind == OC_ATTR_INTS;
}

/* What is the same when nobody says it: files say much that the builders leave
 * out. */
static int
goes_without_saying(const struct oc_attr *a)
{
    if (strcmp(a->name, "strides") == 0 || strcmp(a->name, "dilations") == 0)
        return all_are(a, 1);
    if (strcmp(a->name, "pads") == 0)
        return all_are(a, 0);
    if (strcmp(a->name, "group") == 0)
        return a->kind == OC_ATTR_INT && a->i == 1;
    if (strcmp(a->name, "auto_pad") == 0)
        return a->kind == OC_ATTR_TEXT && strcmp(a->text, "NOTSET") == 0;
    return a->kind == OC_ATTR_INT && a->i == 0 &&
           (strcmp(a->name, "ceil_mode") == 0 ||
            strcmp(a->name, "transA") == 0 || strcmp(a->name, "transB") == 0);
}

static void
add_attr(struct oc_text *text, const struct oc_attr *a)
{
    oc_text_printf(text, " %s=", a->name);
    if (a->kind == OC_ATTR_INT)
        oc_text_printf(text, "%" PRId64, a->i);
    else if (a->kind == OC_ATTR_FLOAT)
        oc_text_printf(text, "%.9g", a->f);
    else if (a->kind == OC_ATTR_TEXT)
        oc_text_append(text, a->text);
    for (int k = 0; a->kind == OC_ATTR_INTS && k < a->count; k++)
        oc_text_printf(text, "%s%" PRId64, k ? "," : "", a->ints[k]);
    for (int k = 0; a->kind == OC_ATTR_FLOATS && k < a->count; k++)
        oc_text_printf(text, "%s%.9g", k ? "," : "", (double)a->floats[k]);
}

/* The first attribute by name behind `last` (NULL: of all); of two of one name
 * the first counts. */
static const struct oc_attr *
next_attr(const struct oc_node *node, const char *last)
{
    const struct oc_attr *next = NULL;
    for (int k = 0; k < node->n_attr; k++) {
        const struct oc_attr *a = &node->attr[k];
        if ((last == NULL || strcmp(a->name, last) > 0) &&
            (next == NULL || strcmp(a->name, next->name) < 0))
            next = a;
    }
    return next;
}

static int
add_attrs(struct oc_text *text, const struct oc_node *node)
{
    const struct oc_attr *a = NULL;
    while ((a = next_attr(node, a ? a->name : NULL)) != NULL) {
        if (a->kind == OC_ATTR_TENSOR || a->kind == OC_ATTR_GRAPH)
            return 0;
        if (!goes_without_saying(a))
            add_attr(text, a);
    }
    return 1;
}

/* A name from a file may hold anything; a verdict is one line. */
static void
one_line(struct oc_text *text)
{
    for (size_t k = 0; k < text->length; k++)
        if ((unsigned char)text->data[k] < ' ')
            text->data[k] = ' ';
}

int
oc_tuned_class(const struct oc_node *node, struct oc_text *text)
{
    oc_text_append(text, node->op->name);
    for (int k = 0; k < node->n_in; k++)
        add_input(text, node->in[k]);
    if (!add_attrs(text, node))
        return 0;
    if (node->epilogue != NULL)
        oc_text_printf(text, " then %s", node->epilogue->formula);
    if (node->graph->training)
        oc_text_append(text, " training");
    if (node->graph->precision == OC_BF16)
        oc_text_append(text, " bfloat16");
    one_line(text);
    return 1;
}

static const struct oc_tuned *
search(const struct oc_caps *caps, const char *what)
{
    int low = 0, high = caps->n_tuned - 1;
    while (low <= high) {
        int middle = low + (high - low) / 2;
        int order = strcmp(what, caps->tuned[middle].what);
        if (order == 0)
            return &caps->tuned[middle];
        if (order < 0)
            high = middle - 1;
        else
            low = middle + 1;
    }
    return NULL;
}

ocellus_status
oc_tuned_find(const struct oc_caps *caps, const struct oc_node *node,
              const struct oc_tuned **tuned)
{
    struct oc_text text = {0};
    *tuned = NULL;
    if (caps->n_tuned == 0)
        return OCELLUS_OK;
    int of_a_class = oc_tuned_class(node, &text), failed = text.failed;
    if (of_a_class && !failed)
        *tuned = search(caps, text.data);
    oc_text_free(&text);
    return failed ? oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan")
                  : OCELLUS_OK;
}

/* doctor_trial.c - one case of the doctor as a graph (see doctor_inside.h). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "device/doctor_inside.h"
#include "device/lie.h"
#include "graph/attr.h"

/* ---- numbers ------------------------------------------------------------ */

static double
draw(struct oc_random *random, ocellus_type type, double low, double high)
{
    double u = (double)oc_random_uniform(random);

    if (type == OCELLUS_INT64 || type == OCELLUS_BOOL)
        return low + (double)(int64_t)(u * (high - low));
    return low + u * (high - low);
}

static ocellus_status
fill(struct oc_trial *t, ocellus_type type, const struct oc_shape *shape,
     double low, double high)
{
    struct oc_doctor_input *in = &t->in[t->n_in];
    struct oc_random random;
    size_t count = (size_t)oc_shape_count(shape);

    OC_TRY(oc_tensor_create(type, shape, &in->tensor));
    oc_random_start(&random, (uint64_t)t->n_in,
                    oc_hash_text(OC_HASH_START, t->what));
    for (size_t i = 0; i < count; i++)
        oc_element_set(type, in->tensor->data, i,
                       draw(&random, type, low, high));
    return OCELLUS_OK;
}

static struct oc_shape
parse_shape(const char **text)
{
    struct oc_shape shape = {0};
    char *end;

    while (isdigit((unsigned char)**text) && shape.rank < OC_MAX_RANK) {
        shape.dim[shape.rank++] = strtoll(*text, &end, 10);
        *text = *end == 'x' ? end + 1 : end;
    }
    return shape;
}

static ocellus_status
parse_list(struct oc_trial *t, const char *text)
{
    struct oc_doctor_input *in = &t->in[t->n_in];
    int64_t list[8];
    int count = 0;
    struct oc_shape shape;
    char *end;

    while (*text != ']' && count < (int)OC_COUNT(list)) {
        list[count++] = strtoll(text, &end, 10);
        text = *end == ',' ? end + 1 : end;
    }
    shape = OC_SHAPE(count);
    in->host = 1;
    OC_TRY(oc_tensor_create(OCELLUS_INT64, &shape, &in->tensor));
    memcpy(in->tensor->data, list, (size_t)count * sizeof *list);
    return OCELLUS_OK;
}

static ocellus_status
parse_input(struct oc_trial *t, const char *word)
{
    struct oc_shape shape;
    char first = *word;

    if (first == '-')
        return OCELLUS_OK;
    if (first == '[')
        return parse_list(t, word + 1);
    word += first == '+' || first == '?' || first == '.';
    shape = parse_shape(&word);
    if (first == '?')
        return fill(t, OCELLUS_BOOL, &shape, 0.0, 2.0);
    if (*word == '%')
        return fill(t, OCELLUS_INT64, &shape, 0.0, atof(word + 1));
    if (first == '+')
        return fill(t, OCELLUS_FLOAT, &shape, 0.5, 1.5);
    return fill(t, OCELLUS_FLOAT, &shape, -1.0, 1.0);
}

/* The next word into a buffer; 0 at the end. */
static int
next_word(const char **text, char *word, size_t room)
{
    size_t length = 0;

    while (*text && **text == ' ')
        ++*text;
    while (*text && **text && **text != ' ') {
        if (length + 1 < room)
            word[length++] = **text;
        ++*text;
    }
    word[length] = '\0';
    return length > 0;
}

ocellus_status
oc_trial_start(struct oc_trial *t, const struct oc_doctor_case *of)
{
    const char *text = of->inputs;
    char word[64];

    memset(t, 0, sizeof *t);
    t->of = of;
    t->op = of->tested ? of->tested : oc_op_find(of->op);
    if (!t->op)
        return oc_fail(OCELLUS_INTERNAL, "the doctor knows no operator '%s'",
                       of->op);
    snprintf(t->what, sizeof t->what, "%s%s%s%s%s",
             of->attributes ? of->attributes : "", of->attributes ? "  " : "",
             of->inputs, of->then ? "  then " : "", of->then ? of->then : "");
    while (next_word(&text, word, sizeof word)) {
        if (t->n_in == DOCTOR_MOST_IN - 2)
            return oc_fail(OCELLUS_INTERNAL, "a case has too many inputs");
        OC_TRY(parse_input(t, word));
        t->n_in++;
    }
    t->n_own = t->n_in;
    return OCELLUS_OK;
}

void
oc_trial_end(struct oc_trial *t)
{
    for (int k = 0; k < t->n_in; k++)
        oc_tensor_destroy(t->in[k].tensor);
    t->n_in = 0;
}

/* ---- the graph ---------------------------------------------------------- */

static int
is_image(const struct ocellus_tensor *tensor)
{
    return tensor && tensor->type == OCELLUS_FLOAT && tensor->shape.rank == 4;
}

int
oc_trial_has_image(const struct oc_trial *t)
{
    for (int k = 0; k < t->n_own; k++)
        if (is_image(t->in[k].tensor))
            return 1;
    return 0;
}

static struct ocellus_value *
place(struct oc_trial *t, struct ocellus_graph *graph, int k, int block,
      int halo)
{
    const struct ocellus_tensor *tensor = t->in[k].tensor;
    struct ocellus_value *value;
    const struct oc_layout layout = {.block = block, .halo = halo};
    char name[16];

    if (!tensor)
        return NULL;
    snprintf(name, sizeof name, "x%d", k);
    if (t->in[k].host)
        return oc_graph_constant(graph, NULL, tensor->type, &tensor->shape,
                                 tensor->data);
    value = oc_graph_input(graph, name, tensor->type, &tensor->shape);
    if (value && block > 1 && is_image(tensor))
        value = oc_lie(graph, value, &layout, 0);
    return value;
}

/* `op` on the value and, where it takes two, on one more input. */
static struct ocellus_value *
follow(struct oc_trial *t, struct ocellus_graph *graph, const char *op,
       struct ocellus_value *value, int *extra)
{
    const struct oc_op *row = oc_op_find(op);
    struct ocellus_value *other;

    if (!value || !row || row->min_in < 2)
        return value ? OC_NODE(graph, op, NULL, value) : NULL;
    if (*extra == t->n_in) {
        if (t->n_in == DOCTOR_MOST_IN ||
            fill(t, value->type, &value->shape, -1.0, 1.0) != OCELLUS_OK)
            return NULL;
        t->n_in++;
    }
    other = place(t, graph, (*extra)++, 1, 0);
    return OC_NODE(graph, op, NULL, value, other);
}

static struct ocellus_value *
build(struct oc_trial *t, struct ocellus_graph *graph, int block, int halo)
{
    struct ocellus_value *in[DOCTOR_MOST_IN];
    struct oc_attr *attr = NULL;
    int n_attr = 0;

    for (int k = 0; k < t->n_own; k++)
        in[k] = place(t, graph, k, block, halo);
    if (!t->of->tested)
        return oc_apply(graph, t->of->op, t->of->attributes, in, t->n_own);
    if (t->of->attributes && oc_attr_parse(graph->arena, t->of->attributes,
                                           &attr, &n_attr) != OCELLUS_OK)
        return NULL;
    return oc_apply_attrs(graph, t->op, NULL, n_attr, attr, in, t->n_own, 0);
}

static ocellus_status
name_outputs(struct oc_trial *t, struct ocellus_graph *graph,
             struct ocellus_value *first, struct ocellus_value *last,
             int *outputs)
{
    const struct oc_node *node = first->node;
    int most =
        t->of->outputs ? t->of->outputs : node->n_out - node->op->n_saved;
    char name[16];

    *outputs = 0;
    for (int k = 0; k < most && k < node->n_out; k++) {
        struct ocellus_value *out = k == 0 ? last : node->out[k];

        if (out->type == OCELLUS_UNDEFINED || *outputs == DOCTOR_MOST_OUT)
            continue;
        snprintf(name, sizeof name, "y%d", (*outputs)++);
        OC_TRY(oc_graph_output(graph, name, out));
    }
    return OCELLUS_OK;
}

ocellus_status
oc_trial_graph(struct oc_trial *t, int block, int halo,
               struct ocellus_graph **graph, int *outputs)
{
    struct ocellus_value *first, *last;
    const char *text = t->of->then;
    int extra = t->n_own;
    ocellus_status status = OCELLUS_OK;
    char word[64];

    OC_TRY(oc_graph_create(graph));
    first = last = build(t, *graph, block, halo);
    while (next_word(&text, word, sizeof word))
        last = follow(t, *graph, word, last, &extra);
    if (last)
        status = name_outputs(t, *graph, first, last, outputs);
    else
        status =
            oc_fail(OCELLUS_INTERNAL, "case %s %s: %s", t->op->name, t->what,
                    (*graph)->sentence ? (*graph)->sentence : "no memory");
    if (status != OCELLUS_OK) {
        oc_graph_destroy(*graph);
        *graph = NULL;
    }
    return status;
}

/* control.c - If, Loop, Scan: branches and bodies written out.
 *
 * When a graph is bound, a branch whose condition is known takes the place of
 * its If, and a body is written once for each turn: so plans have no control
 * flow, gradients pass, and turns that do not depend on each other may share
 * memory. A condition that a kernel computes ends the stage: the Loop goes on,
 * in the next one, as a Loop with the turns that are left (attribute `turn`),
 * and with what it has gathered so far as further inputs.
 *
 * What a body takes from outside are its last inputs, and its node's.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "op/compose.h"

/* A hostile model may ask for turns without end. */
enum { MOST_TURNS = 20000, MOST_NODES = 65536 };

static struct ocellus_graph *
body_of(const struct oc_node *node, const char *name)
{
    const struct oc_attr *attr = oc_attr_find(node, name);
    return attr && attr->kind == OC_ATTR_GRAPH ? attr->graph : NULL;
}

static ocellus_status
no_memory(void)
{
    return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a loop");
}

static int64_t
first_number(const struct ocellus_value *value, int64_t otherwise)
{
    if (value == NULL || value->data == NULL ||
        oc_shape_count(&value->shape) < 1)
        return otherwise;
    return oc_element_get_int(value->type, value->data, 0);
}

/* ---- If --------------------------------------------------------------------
 */

/* Inputs: the condition, then what the first branch among the attributes takes
 * from outside, then what the second does. */
static ocellus_status
expand_if(const struct oc_node *node, struct ocellus_graph *to,
          struct ocellus_value *const *in, struct ocellus_value **out,
          int *done)
{
    const char *wanted = first_number(in[0], 0) ? "then_branch" : "else_branch";
    int at = 1;
    for (int k = 0; k < node->n_attr; k++) {
        const struct oc_attr *attr = &node->attr[k];
        if (attr->kind != OC_ATTR_GRAPH)
            continue;
        if (strcmp(attr->name, wanted) != 0) {
            at += attr->graph->n_inputs;
            continue;
        }
        if (attr->graph->n_outputs != node->n_out ||
            at + attr->graph->n_inputs > node->n_in)
            return oc_fail(OCELLUS_BAD_MODEL,
                           "%s gives %d values, the node has %d outputs",
                           wanted, attr->graph->n_outputs, node->n_out);
        char *prefix = oc_arena_printf(to->arena, "%s/", node->name);
        *done = 1;
        return prefix ? oc_graph_inline(to, attr->graph, prefix, in + at, out)
                      : no_memory();
    }
    return oc_fail(OCELLUS_BAD_MODEL, "there is no %s", wanted);
}

const struct oc_op oc_op_If = {
    .name = "If",
    .min_in = 1,
    .max_in = INT_MAX,
    .n_out = 1,
    .host = 1,
    .expand = expand_if,
};

/* ---- what the turns give ----------------------------------------------------
 */

/* Values that will be joined: one of each turn. */
struct gathered {
    struct ocellus_value **value;
    int count, room;
};

struct turning {
    const struct oc_node *node;
    struct ocellus_graph *to;
    struct ocellus_graph *body;
    struct ocellus_value **in;  /* of the body, for the next turn */
    struct ocellus_value **out; /* of the body, after a turn */
    struct gathered *gathered;  /* per gathered output */
    int carried, n_gathered;
    int64_t turn;
};

static ocellus_status
gather(struct turning *t, int k, struct ocellus_value *value)
{
    struct gathered *g = &t->gathered[k];
    if (g->count == g->room) {
        int room = g->room ? 2 * g->room : 16;
        struct ocellus_value **more =
            oc_arena_alloc(t->to->arena, (size_t)room * sizeof(*more));
        if (more == NULL)
            return no_memory();
        if (g->count > 0)
            memcpy(more, g->value, (size_t)g->count * sizeof(*more));
        g->value = more;
        g->room = room;
    }
    g->value[g->count++] = value;
    return OCELLUS_OK;
}

/* NULL: failed, or there is none. */
static struct ocellus_value *
join(struct gathered *g, int64_t axis, int reversed)
{
    for (int i = 0; reversed && i < g->count / 2; i++) {
        struct ocellus_value *other = g->value[g->count - 1 - i];
        g->value[g->count - 1 - i] = g->value[i];
        g->value[i] = other;
    }
    return oc_join(g->value, g->count, axis);
}

static ocellus_status
start(struct turning *t, const struct oc_node *node, struct ocellus_graph *to)
{
    t->node = node;
    t->to = to;
    t->body = body_of(node, "body");
    t->carried = (int)oc_attr_int(node, "carried", 0);
    if (t->body == NULL)
        return oc_fail(OCELLUS_BAD_MODEL, "there is no body");
    struct oc_arena *a = to->arena;
    size_t n = (size_t)t->body->n_inputs + (size_t)t->body->n_outputs + 1;
    t->in = oc_arena_alloc(a, n * sizeof(*t->in));
    t->gathered = oc_arena_alloc(a, n * sizeof(*t->gathered));
    if (t->in == NULL || t->gathered == NULL)
        return no_memory();
    t->out = t->in + t->body->n_inputs;
    return OCELLUS_OK;
}

static ocellus_status
one_turn(struct turning *t)
{
    char *prefix = oc_arena_printf(t->to->arena, "%s/%lld/", t->node->name,
                                   (long long)t->turn);
    if (t->turn >= MOST_TURNS)
        return oc_fail(OCELLUS_UNSUPPORTED, "it has more than %d turns",
                       MOST_TURNS);
    if (t->to->n_nodes > MOST_NODES)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "after %lld turns the net has %d nodes, and %d are the "
                       "most",
                       (long long)t->turn, t->to->n_nodes, MOST_NODES);
    return prefix ? oc_graph_inline(t->to, t->body, prefix, t->in, t->out)
                  : no_memory();
}

/* ---- Loop
 * -------------------------------------------------------------------- */

/* Node: trip count, condition, carried values, values from outside, and what
 * was gathered by earlier stages. Body: turn, condition, carried, outside. */
static ocellus_status
loop_body_fits(const struct turning *t)
{
    int earlier = t->turn > 0 ? t->n_gathered : 0;
    if (t->carried < 0 || t->n_gathered < 0 ||
        t->body->n_inputs + earlier != t->node->n_in ||
        t->carried + 2 > t->body->n_inputs ||
        t->carried + t->n_gathered != t->node->n_out)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "its body takes %d values and gives %d; the node has "
                       "%d inputs and %d outputs",
                       t->body->n_inputs, t->body->n_outputs, t->node->n_in,
                       t->node->n_out);
    return OCELLUS_OK;
}

static ocellus_status
loop_turn(struct turning *t)
{
    struct oc_shape scalar = {0};
    t->in[0] = oc_graph_constant(t->to, NULL, OCELLUS_INT64, &scalar, &t->turn);
    OC_TRY(one_turn(t));
    for (int k = 0; k < t->carried; k++)
        t->in[2 + k] = t->out[1 + k];
    for (int k = 0; k < t->n_gathered; k++) {
        struct ocellus_value *y = t->out[1 + t->carried + k];
        OC_TRY(gather(t, k, oc_unsqueeze_at(y, 0)));
    }
    t->in[1] = t->out[0];
    t->turn++;
    return OCELLUS_OK;
}

/* The turns that are left, as a Loop that waits. */
static ocellus_status
loop_later(struct turning *t, struct ocellus_value *trip,
           struct ocellus_value **out)
{
    int n_in = t->body->n_inputs + t->n_gathered;
    struct ocellus_value **in =
        oc_arena_alloc(t->to->arena, (size_t)n_in * sizeof(*in));
    struct oc_attr attr[] = {
        {.name = "turn", .kind = OC_ATTR_INT, .i = t->turn},
        {.name = "carried", .kind = OC_ATTR_INT, .i = t->carried},
        {.name = "body", .kind = OC_ATTR_GRAPH, .graph = t->body}};
    if (in == NULL)
        return no_memory();
    memcpy(in, t->in, (size_t)t->body->n_inputs * sizeof(*in));
    in[0] = trip;
    for (int k = 0; k < t->n_gathered; k++)
        in[t->body->n_inputs + k] = join(&t->gathered[k], 0, 0);
    struct ocellus_value *first =
        oc_apply_attrs(t->to, t->node->op, t->node->name, OC_COUNT(attr), attr,
                       in, n_in, t->node->n_out);
    for (int k = 0; first != NULL && k < t->node->n_out; k++)
        out[k] = first->node->out[k];
    return OCELLUS_OK;
}

static ocellus_status
loop_end(struct turning *t, struct ocellus_value **out)
{
    for (int k = 0; k < t->carried; k++)
        out[k] = t->in[2 + k];
    for (int k = 0; k < t->n_gathered; k++) {
        out[t->carried + k] = join(&t->gathered[k], 0, 0);
        if (out[t->carried + k] == NULL && t->to->status == OCELLUS_OK)
            return oc_fail(OCELLUS_UNSUPPORTED,
                           "it gathers an output but makes no turn, so its "
                           "shape is not known");
    }
    return OCELLUS_OK;
}

static ocellus_status
expand_loop(const struct oc_node *node, struct ocellus_graph *to,
            struct ocellus_value *const *in, struct ocellus_value **out,
            int *done)
{
    struct turning t = {.turn = oc_attr_int(node, "turn", 0)};
    int64_t trip = first_number(in[0], INT64_MAX);
    OC_TRY(start(&t, node, to));
    t.n_gathered = t.body->n_outputs - 1 - t.carried;
    OC_TRY(loop_body_fits(&t));
    memcpy(t.in, in, (size_t)t.body->n_inputs * sizeof(*in));
    for (int k = 0; t.turn > 0 && k < t.n_gathered; k++)
        OC_TRY(gather(&t, k, in[t.body->n_inputs + k]));
    *done = 1;
    if (t.in[1] == NULL) {
        unsigned char yes = 1;
        struct oc_shape scalar = {0};
        t.in[1] = oc_graph_constant(to, NULL, OCELLUS_BOOL, &scalar, &yes);
    }
    while (t.turn < trip && to->status == OCELLUS_OK) {
        if (t.in[1] == NULL || t.in[1]->data == NULL)
            return loop_later(&t, in[0], out);
        if (!first_number(t.in[1], 0))
            break;
        OC_TRY(loop_turn(&t));
    }
    return loop_end(&t, out);
}

const struct oc_op oc_op_Loop = {
    .name = "Loop",
    .min_in = 0,
    .max_in = INT_MAX,
    .n_out = 1,
    .host = 1 | 2,
    .expand = expand_loop,
};

/* ---- Scan
 * -------------------------------------------------------------------- */

static int64_t
listed(const struct oc_node *node, const char *name, int k)
{
    int count;
    const int64_t *list = oc_attr_ints(node, name, &count);
    return k < count ? list[k] : 0;
}

/* Piece `turn` of what is scanned, without its axis. */
static struct ocellus_value *
piece(const struct turning *t, struct ocellus_value *x, int k, int64_t length)
{
    char text[32];
    struct oc_shape scalar = {0};
    int64_t axis = listed(t->node, "scan_input_axes", k);
    int64_t at = listed(t->node, "scan_input_directions", k)
                     ? length - 1 - t->turn
                     : t->turn;
    snprintf(text, sizeof text, "axis=%lld", (long long)axis);
    return OC_NODE(t->to, "Gather", text, x,
                   oc_graph_constant(t->to, NULL, OCELLUS_INT64, &scalar, &at));
}

static ocellus_status
scan_length(const struct turning *t, struct ocellus_value *const *in,
            int scanned, int64_t *length)
{
    *length = -1;
    for (int k = 0; k < scanned; k++) {
        const struct ocellus_value *x = in[t->carried + k];
        int axis;
        if (x == NULL)
            return oc_fail(OCELLUS_BAD_MODEL, "input %d is missing",
                           t->carried + k);
        OC_TRY(oc_axis(listed(t->node, "scan_input_axes", k), x->shape.rank,
                       &axis));
        if (*length >= 0 && x->shape.dim[axis] != *length)
            return oc_fail(OCELLUS_BAD_MODEL,
                           "it scans %lld elements of one input and %lld of "
                           "another",
                           (long long)*length, (long long)x->shape.dim[axis]);
        *length = x->shape.dim[axis];
    }
    return OCELLUS_OK;
}

static ocellus_status
scan_end(struct turning *t, struct ocellus_value **out)
{
    for (int k = 0; k < t->carried; k++)
        out[k] = t->in[k];
    for (int k = 0; k < t->n_gathered; k++) {
        out[t->carried + k] =
            join(&t->gathered[k], listed(t->node, "scan_output_axes", k),
                 listed(t->node, "scan_output_directions", k) != 0);
        if (out[t->carried + k] == NULL && t->to->status == OCELLUS_OK)
            return oc_fail(OCELLUS_UNSUPPORTED,
                           "it scans nothing, so the shape of its output is "
                           "not known");
    }
    return OCELLUS_OK;
}

static ocellus_status
scan(const struct oc_node *node, struct ocellus_graph *to,
     struct ocellus_value *const *in, struct ocellus_value **out)
{
    struct turning t = {0};
    int scanned = (int)oc_attr_int(node, "num_scan_inputs", 0);
    int64_t length;
    OC_TRY(start(&t, node, to));
    t.n_gathered = t.body->n_outputs - t.carried;
    if (scanned < 1 || t.carried < 0 || t.n_gathered < 0 ||
        t.body->n_inputs != node->n_in ||
        t.carried + scanned > t.body->n_inputs ||
        t.body->n_outputs != node->n_out)
        return oc_fail(OCELLUS_BAD_MODEL,
                       "its body takes %d values and gives %d; the node has "
                       "%d inputs and %d outputs",
                       t.body->n_inputs, t.body->n_outputs, node->n_in,
                       node->n_out);
    OC_TRY(scan_length(&t, in, scanned, &length));
    memcpy(t.in, in, (size_t)node->n_in * sizeof(*in));
    for (; t.turn < length && to->status == OCELLUS_OK; t.turn++) {
        for (int k = 0; k < scanned; k++)
            t.in[t.carried + k] = piece(&t, in[t.carried + k], k, length);
        OC_TRY(one_turn(&t));
        for (int k = 0; k < t.carried; k++)
            t.in[k] = t.out[k];
        for (int k = 0; k < t.n_gathered; k++)
            OC_TRY(
                gather(&t, k,
                       oc_unsqueeze_at(t.out[t.carried + k],
                                       listed(node, "scan_output_axes", k))));
    }
    return scan_end(&t, out);
}

/* Each sample for itself, as in operator set 8. */
static ocellus_status
scan_samples(const struct oc_node *node, struct ocellus_graph *to,
             struct ocellus_value *const *in, struct ocellus_value **out)
{
    int own = (int)oc_attr_int(node, "carried", 0) +
              (int)oc_attr_int(node, "num_scan_inputs", 0);
    int64_t samples = in[0]->shape.rank > 0 ? in[0]->shape.dim[0] : 0;
    if (own < 1 || own > node->n_in || samples < 1 || samples > MOST_TURNS)
        return oc_fail(OCELLUS_UNSUPPORTED,
                       "it scans %lld samples of %d tensors",
                       (long long)samples, own);
    size_t n = (size_t)(node->n_in + node->n_out), all = (size_t)samples;
    struct ocellus_value **one =
        oc_arena_alloc(to->arena, n * (all + 1) * sizeof(*one));
    if (one == NULL)
        return no_memory();
    struct ocellus_value **y = one + node->n_in, **each = one + n;
    for (int64_t b = 0; b < samples; b++) {
        struct oc_shape scalar = {0};
        struct ocellus_value *at =
            oc_graph_constant(to, NULL, OCELLUS_INT64, &scalar, &b);
        for (int k = 0; k < node->n_in; k++)
            one[k] =
                k < own ? OC_NODE(to, "Gather", "axis=0", in[k], at) : in[k];
        OC_TRY(oc_composed(to));
        OC_TRY(scan(node, to, one, y));
        for (int k = 0; k < node->n_out; k++)
            each[k * samples + b] = oc_unsqueeze_at(y[k], 0);
    }
    for (int k = 0; k < node->n_out; k++)
        out[k] = oc_join(each + k * samples, (int)samples, 0);
    return OCELLUS_OK;
}

static ocellus_status
expand_scan(const struct oc_node *node, struct ocellus_graph *to,
            struct ocellus_value *const *in, struct ocellus_value **out,
            int *done)
{
    *done = 1;
    return oc_attr_int(node, "batched", 0) ? scan_samples(node, to, in, out)
                                           : scan(node, to, in, out);
}

const struct oc_op oc_op_Scan = {
    .name = "Scan",
    .min_in = 1,
    .max_in = INT_MAX,
    .n_out = 1,
    .expand = expand_scan,
};

/* net_boxes.c - which boxes a net's picture has, and what they say. */
#include <stdlib.h>
#include <string.h>

#include "op/work.h"
#include "vision/net_layout.h"

struct making {
    const struct ocellus_graph *graph;
    struct oc_net_picture *picture;
    int *box_of;  /* per value: the box that it leaves; -1: none */
    int *readers; /* per value */
};

static ocellus_status
no_memory(void)
{
    return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to draw a net");
}

static ocellus_status
add_box(struct making *m, enum oc_net_kind kind, const char *name, int *made)
{
    struct oc_net_picture *p = m->picture;
    if (!oc_grow(&p->box, p->n_boxes, &p->room_boxes, sizeof(*p->box)))
        return no_memory();
    *made = p->n_boxes++;
    p->box[*made] = (struct oc_net_box){.kind = kind, .name = name};
    return OCELLUS_OK;
}

static ocellus_status
add_row(struct making *m, int box, const char *text)
{
    struct oc_net_box *b = &m->picture->box[box];
    struct oc_net_row *row = oc_arena_alloc(m->picture->arena, sizeof(*row));
    if (row == NULL || text == NULL)
        return no_memory();
    row->text = text;
    if (b->last != NULL)
        b->last->next = row;
    else
        b->row = row;
    b->last = row;
    return OCELLUS_OK;
}

/* One line between two boxes, however many values go along it. */
static ocellus_status
add_line(struct making *m, int from, int to)
{
    struct oc_net_picture *p = m->picture;
    for (int k = p->n_lines; k > 0 && p->line[k - 1].to == to; k--)
        if (p->line[k - 1].from == from)
            return OCELLUS_OK;
    if (!oc_grow(&p->line, p->n_lines, &p->room_lines, sizeof(*p->line)))
        return no_memory();
    p->line[p->n_lines++] = (struct oc_net_line){from, to};
    return OCELLUS_OK;
}

static ocellus_status
set_shape(struct making *m, int box, const struct ocellus_value *value)
{
    char text[OC_SHAPE_TEXT];
    if (value->unknown)
        return OCELLUS_OK;
    m->picture->box[box].shape =
        oc_arena_strdup(m->picture->arena, oc_shape_text(&value->shape, text));
    return m->picture->box[box].shape ? OCELLUS_OK : no_memory();
}

/* ---- what a node says -------------------------------------------------- */

static enum oc_net_kind
kind_of(const struct oc_node *node)
{
    static const struct {
        const char *part;
        enum oc_net_kind kind;
    } rows[] = {{"Pool", OC_NET_POOL},     {"Conv", OC_NET_WEIGHTED},
                {"Gemm", OC_NET_WEIGHTED}, {"MatMul", OC_NET_WEIGHTED},
                {"LSTM", OC_NET_WEIGHTED}, {"GRU", OC_NET_WEIGHTED},
                {"RNN", OC_NET_WEIGHTED},  {"Normalization", OC_NET_NORM},
                {"Concat", OC_NET_JOIN},   {"Add", OC_NET_JOIN},
                {"Mul", OC_NET_JOIN},      {"Sum", OC_NET_JOIN}};
    for (size_t k = 0; k < OC_COUNT(rows); k++)
        if (strstr(node->op->name, rows[k].part) != NULL)
            return rows[k].kind;
    return OC_NET_OTHER;
}

/* "3x3", in the arena; "" where there are none. */
static const char *
sizes(struct oc_arena *arena, const int64_t *size, int count)
{
    const char *text = "";
    for (int k = 0; k < count && text != NULL; k++)
        text = oc_arena_printf(arena, "%s%s%lld", text, k ? "x" : "",
                               (long long)size[k]);
    return text;
}

static int
all_ones(const int64_t *number, int count)
{
    for (int k = 0; k < count; k++)
        if (number[k] != 1)
            return 0;
    return 1;
}

/* "Conv 3x3 /2 groups 32", or "Loop (12 nodes)". */
static const char *
node_text(struct oc_arena *arena, const struct oc_node *node)
{
    int n_window, n_strides, nodes = 0;
    const int64_t *window = oc_attr_ints(node, "kernel_shape", &n_window);
    const int64_t *strides = oc_attr_ints(node, "strides", &n_strides);
    int64_t groups = oc_attr_int(node, "group", 1);
    const char *text = node->op->name;
    for (int k = 0; k < node->n_attr; k++)
        if (node->attr[k].kind == OC_ATTR_GRAPH)
            nodes += node->attr[k].graph->n_nodes;
    if (nodes > 0)
        return oc_arena_printf(arena, "%s (%d nodes)", text, nodes);
    if (n_window == 0 && strstr(text, "Conv") && node->n_in > 1 &&
        node->in[1] != NULL && node->in[1]->shape.rank > 2) {
        window = node->in[1]->shape.dim + 2;
        n_window = node->in[1]->shape.rank - 2;
    }
    if (n_window > 0)
        text = oc_arena_printf(arena, "%s %s", text,
                               sizes(arena, window, n_window));
    if (text != NULL && !all_ones(strides, n_strides))
        text = oc_arena_printf(arena, "%s /%s", text,
                               all_ones(strides, n_strides - 1) ||
                                       strides[0] != strides[n_strides - 1]
                                   ? sizes(arena, strides, n_strides)
                                   : sizes(arena, strides, 1));
    if (text != NULL && groups != 1)
        text =
            oc_arena_printf(arena, "%s groups %lld", text, (long long)groups);
    return text;
}

/* ---- boxes ------------------------------------------------------------- */

/* The box of a chain that this node goes on: it reads one result only, and
 * nobody else reads that. */
static int
chain_of(const struct making *m, const struct oc_node *node)
{
    static const char *const going_on[] = {"BatchNormalization", "Dropout",
                                           NULL};
    int on = (node->op->flags & OC_OP_POINTWISE) != 0, box = -1;
    for (int k = 0; going_on[k] != NULL; k++)
        on |= strcmp(node->op->name, going_on[k]) == 0;
    for (int k = 0; k < node->n_in && on; k++) {
        const struct ocellus_value *x = node->in[k];
        if (x == NULL || m->box_of[x->id] < 0)
            continue;
        if (box >= 0 || x->kind != OC_RESULT || m->readers[x->id] != 1)
            return -1;
        box = m->box_of[x->id];
    }
    return on && box >= 0 && m->picture->box[box].readers == 1 ? box : -1;
}

static ocellus_status
add_node(struct making *m, const struct oc_node *node)
{
    int box = chain_of(m, node), alone = box < 0;
    if (alone)
        OC_TRY(add_box(m, kind_of(node), node->name, &box));
    OC_TRY(add_row(m, box, node_text(m->picture->arena, node)));
    for (int k = 0; k < node->n_in && alone; k++)
        if (node->in[k] != NULL && m->box_of[node->in[k]->id] >= 0)
            OC_TRY(add_line(m, m->box_of[node->in[k]->id], box));
    m->picture->box[box].readers = 0;
    for (int k = 0; k < node->n_out; k++)
        if (node->out[k]->type != OCELLUS_UNDEFINED || node->out[k]->unknown) {
            m->box_of[node->out[k]->id] = box;
            m->picture->box[box].readers += m->readers[node->out[k]->id];
        }
    return set_shape(m, box, node->out[0]);
}

static ocellus_status
add_inputs(struct making *m)
{
    for (int k = 0; k < m->graph->n_inputs; k++) {
        const struct ocellus_value *in = m->graph->inputs[k];
        int *box = &m->box_of[in->id];
        OC_TRY(add_box(m, OC_NET_END, in->name, box));
        OC_TRY(add_row(m, *box, in->name));
        OC_TRY(set_shape(m, *box, in));
    }
    return OCELLUS_OK;
}

static ocellus_status
add_outputs(struct making *m)
{
    for (int k = 0; k < m->graph->n_outputs; k++) {
        const char *name = m->graph->output_names[k];
        int from = m->box_of[m->graph->outputs[k]->id], box;
        OC_TRY(add_box(m, OC_NET_END, name, &box));
        OC_TRY(add_row(m, box, name));
        if (from >= 0)
            OC_TRY(add_line(m, from, box));
    }
    return OCELLUS_OK;
}

static void
count_readers(struct making *m)
{
    for (int k = 0; k < m->graph->n_values; k++)
        m->box_of[k] = -1;
    for (int k = 0; k < m->graph->n_nodes; k++)
        for (int i = 0; i < m->graph->nodes[k]->n_in; i++)
            if (m->graph->nodes[k]->in[i] != NULL)
                m->readers[m->graph->nodes[k]->in[i]->id]++;
    for (int k = 0; k < m->graph->n_outputs; k++)
        m->readers[m->graph->outputs[k]->id]++;
}

static ocellus_status
make(struct making *m)
{
    count_readers(m);
    OC_TRY(add_inputs(m));
    for (int k = 0; k < m->graph->n_nodes; k++)
        if (!oc_node_is_known(m->graph->nodes[k]))
            OC_TRY(add_node(m, m->graph->nodes[k]));
    return add_outputs(m);
}

ocellus_status
oc_net_picture_make(const struct ocellus_graph *graph,
                    struct oc_net_picture *picture)
{
    size_t values = (size_t)graph->n_values + 1;
    struct making m = {.graph = graph, .picture = picture};
    memset(picture, 0, sizeof(*picture));
    picture->arena = oc_arena_create();
    m.box_of = calloc(values, sizeof(*m.box_of));
    m.readers = calloc(values, sizeof(*m.readers));
    ocellus_status status =
        picture->arena && m.box_of && m.readers ? make(&m) : no_memory();
    free(m.box_of);
    free(m.readers);
    return status;
}

void
oc_net_picture_free(struct oc_net_picture *picture)
{
    oc_arena_destroy(picture->arena);
    free(picture->box);
    free(picture->line);
    memset(picture, 0, sizeof(*picture));
}

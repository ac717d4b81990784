/* emit.c - places, reorders and steps.
 *
 * Nodes in order; each reader finds its input in the layout that it wants, or
 * a reorder is put before it (once per value and layout). What depends only on
 * constants and on states that this plan does not change (folded weights,
 * packings) goes into the prologue. An
 * output takes its input's place where the implementation allows it and nobody
 * reads the input any more; so does a state's new value.
 */
#include <limits.h>
#include <string.h>

#include "plan/inside.h"

static int
root_of(const struct oc_planning *p, int place)
{
    while (p->plan->place[place].alias >= 0)
        place = p->plan->place[place].alias;
    return place;
}

static ocellus_status
new_place(struct oc_planning *p, enum oc_place_kind kind,
          const struct ocellus_value *value, const struct oc_layout *layout,
          size_t bytes, int *place)
{
    struct oc_plan *plan = p->plan;
    if (!oc_grow(&plan->place, plan->n_places, &p->room_places,
                 sizeof *plan->place) ||
        !oc_grow(&p->left, plan->n_places, &p->room_left, sizeof *p->left))
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    if (value != NULL)
        bytes =
            oc_layout_count(layout, &value->shape) * oc_type_size(value->type);
    *place = plan->n_places++;
    plan->place[*place] = (struct oc_place){.kind = kind,
                                            .value = value,
                                            .layout = *layout,
                                            .bytes = bytes ? bytes : 4,
                                            .first = INT_MAX,
                                            .last = -1,
                                            .alias = -1};
    p->left[*place] = INT_MAX / 2;
    return OCELLUS_OK;
}

static ocellus_status home_of(struct oc_planning *p,
                              const struct ocellus_value *value, int *place);

/* A part's place is that of the whole. */
static ocellus_status
part_of(struct oc_planning *p, const struct ocellus_value *value, int *place)
{
    int whole;
    OC_TRY(home_of(p, p->whole[value->id], &whole));
    OC_TRY(
        new_place(p, OC_PLACE_ARENA, value, &p->layout[value->id], 0, place));
    whole = root_of(p, whole);
    p->plan->place[*place].alias = whole;
    p->left[whole] += p->readers[value->id];
    p->home[value->id] = *place;
    return OCELLUS_OK;
}

/* The place in which a value was made, given, or is kept. */
static ocellus_status
home_of(struct oc_planning *p, const struct ocellus_value *value, int *place)
{
    if (p->home[value->id] >= 0) {
        *place = p->home[value->id];
        return OCELLUS_OK;
    }
    if (p->whole[value->id] != NULL)
        return part_of(p, value, place);
    enum oc_place_kind kind = OC_PLACE_ARENA;
    if (value->data != NULL && value->kind != OC_STATE)
        kind = OC_PLACE_CONSTANT;
    else if (value->kind == OC_STATE)
        kind = OC_PLACE_STATE;
    else if (p->fixed[value->id])
        kind = OC_PLACE_DERIVED;
    OC_TRY(new_place(p, kind, value, &p->layout[value->id], 0, place));
    if (value->kind == OC_RESULT && kind == OC_PLACE_ARENA)
        p->left[*place] = p->readers[value->id];
    p->home[value->id] = *place;
    return OCELLUS_OK;
}

/* A wider halo serves readers of blocked tensors, which go by strides; who
 * reads plain rows wants them as they are. */
static int
serves(const struct oc_layout *there, const struct oc_layout *want)
{
    return there->block == want->block && there->pack == want->pack &&
           there->groups == want->groups && there->whole == want->whole &&
           there->first == want->first &&
           (there->halo == want->halo ||
            (there->block > 1 && there->halo > want->halo));
}

static int
find_variant(const struct oc_planning *p, const struct ocellus_value *value,
             const struct oc_layout *want)
{
    for (int k = 0; k < p->n_variants; k++)
        if (p->variant[k].value == value && serves(&p->variant[k].layout, want))
            return p->variant[k].place;
    return -1;
}

static ocellus_status
reorder(struct oc_planning *p, const struct ocellus_value *value, int home,
        const struct oc_layout *want, int *place)
{
    int ahead = p->fixed[value->id];
    OC_TRY(new_place(p, ahead ? OC_PLACE_DERIVED : OC_PLACE_ARENA, value, want,
                     0, place));
    if (!oc_grow(&p->variant, p->n_variants, &p->room_variants,
                 sizeof *p->variant))
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    p->variant[p->n_variants++] = (struct oc_variant){value, *want, *place};
    struct oc_steps *steps = ahead ? &p->prologue : &p->steps;
    struct oc_operand from = {value, p->plan->place[home].layout, home};
    struct oc_operand to = {value, *want, *place};
    steps->node = p->now->node;
    steps->impl = "reorder";
    steps->in[0] = from;
    steps->out[0] = to;
    OC_TRY(oc_emit_reorder(steps, &from, &to));
    return steps->status;
}

/* Packings are made from plain numbers and unpacked to plain numbers. */
static int
needs_plain_between(const struct oc_layout *from, const struct oc_layout *to)
{
    const struct oc_layout plain = OC_PLAIN;
    return (from->pack != OC_PACK_NONE || to->pack != OC_PACK_NONE) &&
           !oc_layout_equal(from, &plain) && !oc_layout_equal(to, &plain);
}

static ocellus_status
operand(struct oc_planning *p, const struct ocellus_value *value,
        const struct oc_layout *want, struct oc_operand *out)
{
    const struct oc_layout plain = OC_PLAIN;
    int home, place;
    OC_TRY(home_of(p, value, &home));
    place = home;
    if (!serves(&p->plan->place[home].layout, want)) {
        place = find_variant(p, value, want);
        if (place < 0 &&
            needs_plain_between(&p->plan->place[home].layout, want)) {
            OC_TRY(operand(p, value, &plain, out));
            home = out->place;
        }
        if (place < 0)
            OC_TRY(reorder(p, value, home, want, &place));
    }
    *out = (struct oc_operand){value, p->plan->place[place].layout, place};
    return OCELLUS_OK;
}

/* ---- outputs ------------------------------------------------------------ */

static int
same_extent(const struct oc_operand *in, const struct ocellus_value *out,
            const struct oc_layout *layout)
{
    return in->value != NULL && oc_layout_equal(&in->layout, layout) &&
           oc_shape_equal(&in->value->shape, &out->shape) &&
           oc_type_size(in->value->type) == oc_type_size(out->type);
}

static int
uses(const struct oc_planning *p, const struct oc_node *node, int root)
{
    int count = 0;
    for (int k = 0; k < node->n_in; k++)
        if (p->now->in[k].value != NULL &&
            root_of(p, p->now->in[k].place) == root)
            count++;
    return count;
}

/* A state's new value may lie where the state lies, once nobody else reads
 * the old one. */
static int
state_place(struct oc_planning *p, const struct oc_node *node,
            const struct ocellus_value *out, uint32_t allowed)
{
    for (int k = 0; k < node->n_in && k < 32; k++) {
        const struct ocellus_value *in = p->now->in[k].value;
        if (in != NULL && in->kind == OC_STATE && in->assigned == out &&
            ((allowed >> k) & 1) && p->readers[in->id] == 1 &&
            same_extent(&p->now->in[k], out, &p->layout[out->id]))
            return p->home[in->id];
    }
    return -1;
}

static int
input_place(struct oc_planning *p, const struct oc_node *node,
            const struct ocellus_value *out, uint32_t allowed)
{
    for (int k = 0; k < node->n_in && k < 32; k++) {
        const struct oc_operand *in = &p->now->in[k];
        if (!((allowed >> k) & 1) || !same_extent(in, out, &p->layout[out->id]))
            continue;
        int root = root_of(p, in->place);
        if (p->plan->place[root].kind == OC_PLACE_ARENA && p->left[root] == 1 &&
            uses(p, node, root) == 1)
            return in->place;
    }
    return -1;
}

static ocellus_status
share(struct oc_planning *p, const struct ocellus_value *out, int place)
{
    int mine, root = root_of(p, place);
    OC_TRY(home_of(p, out, &mine));
    p->plan->place[mine].alias = root;
    p->left[root] += p->readers[out->id];
    return OCELLUS_OK;
}

/* Whether an output's halo is still to be cleared before its maker runs. */
static int
wants_clearing(const struct oc_planning *p, const struct oc_node *node,
               const struct oc_impl *impl, const struct oc_layout *layout)
{
    int parts = 0;
    if (layout->block == 1 || layout->halo == 0 || impl->flags & OC_IMPL_PART)
        return 0;
    for (int k = 0; k < node->n_in; k++)
        parts += p->now->in[k].layout.whole > 0;
    return !(impl->flags & OC_IMPL_JOINS) || parts < node->n_in;
}

static ocellus_status
output(struct oc_planning *p, const struct oc_node *node, int k,
       const struct oc_impl *impl)
{
    const struct ocellus_value *out = node->out[k];
    struct oc_operand *o = &p->now->out[k];
    *o = (struct oc_operand){NULL, OC_PLAIN, -1};
    if (out->type == OCELLUS_UNDEFINED || (k > 0 && p->readers[out->id] == 0))
        return OCELLUS_OK;
    int place = state_place(p, node, out, impl->in_place);
    if (place < 0 && k == 0)
        place = input_place(p, node, out, impl->in_place);
    if (place >= 0)
        OC_TRY(share(p, out, place));
    int mine;
    OC_TRY(home_of(p, out, &mine));
    if (place >= 0)
        mine = place; /* by this number emit sees that it is the same */
    *o = (struct oc_operand){out, p->layout[out->id], mine};
    if (place < 0 && wants_clearing(p, node, impl, &o->layout))
        return oc_emit_clear_halo(p->now, o);
    return OCELLUS_OK;
}

/* ---- one node ------------------------------------------------------------ */

static void
consumed(struct oc_planning *p, const struct oc_node *node)
{
    for (int k = 0; k < node->n_in; k++) {
        const struct ocellus_value *in = node->in[k];
        if (in == NULL)
            continue;
        p->readers[in->id]--;
        if (p->home[in->id] >= 0)
            p->left[root_of(p, p->home[in->id])]--;
    }
}

static ocellus_status
view(struct oc_planning *p, const struct oc_node *node)
{
    struct oc_layout plain = OC_PLAIN;
    OC_TRY(operand(p, node->in[0], &plain, &p->now->in[0]));
    OC_TRY(share(p, node->out[0], p->now->in[0].place));
    consumed(p, node);
    return OCELLUS_OK;
}

static ocellus_status
inputs(struct oc_planning *p, const struct oc_node *node)
{
    const struct oc_chosen *chosen = &p->chosen[node->id];
    for (int k = 0; k < node->n_in; k++) {
        struct oc_operand *in = &p->now->in[k];
        *in = (struct oc_operand){NULL, OC_PLAIN, -1};
        if (node->in[k] == NULL || (k < 32 && ((node->op->host >> k) & 1)))
            continue;
        OC_TRY(operand(p, node->in[k], &chosen->in[k], in));
    }
    /* A reorder puts its own operands into in[0]: say them again. */
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] != NULL && !(k < 32 && ((node->op->host >> k) & 1)))
            OC_TRY(operand(p, node->in[k], &chosen->in[k], &p->now->in[k]));
    return OCELLUS_OK;
}

/* A launch over nothing (an empty tensor) is no launch. */
static void
drop_empty(struct oc_steps *steps, int from)
{
    int kept = from;
    for (int k = from; k < steps->count; k++) {
        const struct oc_step *s = steps->step[k];
        int empty = 0;
        for (int d = 0; s->kind == OC_STEP_KERNEL && d < s->dims; d++)
            empty |= s->global[d] == 0;
        if (!empty)
            steps->step[kept++] = steps->step[k];
    }
    steps->count = kept;
}

/* Is a node's result known once the states are? */
static int
is_fixed(const struct oc_planning *p, const struct oc_node *node)
{
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] != NULL && !p->fixed[node->in[k]->id])
            return 0;
    return 1;
}

static ocellus_status
emit_node(struct oc_planning *p, const struct oc_node *node)
{
    const struct oc_chosen *chosen = &p->chosen[node->id];
    struct oc_choice *choice = &p->plan->choice[node->id];
    int fixed = is_fixed(p, node);
    p->now = fixed ? &p->prologue : &p->steps;
    struct oc_steps *steps = p->now;
    const int first = steps->count;
    choice->fixed = fixed;
    steps->node = node;
    if (chosen->view)
        return view(p, node);
    if (chosen->impl == NULL)
        return OCELLUS_OK;
    OC_TRY(inputs(p, node));
    steps->node = node;
    steps->impl = choice->by;
    for (int k = 0; k < node->n_out; k++)
        OC_TRY(output(p, node, k, chosen->impl));
    steps->scratch = -1;
    struct oc_layout plain = OC_PLAIN;
    if (chosen->scratch > 0)
        OC_TRY(new_place(p, OC_PLACE_ARENA, NULL, &plain, chosen->scratch,
                         &steps->scratch));
    int from = steps->count;
    struct oc_caps caps = *p->caps;
    caps.way = chosen->way;
    caps.eager = choice->tuned;
    steps->caps = &caps;
    ocellus_status status = chosen->impl->emit(steps, node);
    steps->caps = p->caps;
    OC_TRY(status);
    OC_TRY(steps->status);
    drop_empty(steps, from);
    oc_estimate_traffic(steps, from);
    consumed(p, node);
    choice->n_steps = steps->count - first;
    return OCELLUS_OK;
}

/* ---- ends -----------------------------------------------------------------
 */

static void
count_readers(struct oc_planning *p)
{
    const struct ocellus_graph *g = p->graph;
    for (int k = 0; k < g->n_nodes; k++)
        for (int i = 0; i < g->nodes[k]->n_in; i++)
            if (g->nodes[k]->in[i] != NULL &&
                (p->chosen[k].impl != NULL || p->chosen[k].view))
                p->readers[g->nodes[k]->in[i]->id]++;
    for (int k = 0; k < g->n_outputs; k++)
        p->readers[g->outputs[k]->id]++;
    for (int k = 0; k < g->n_states; k++)
        if (g->states[k]->assigned != NULL)
            p->readers[g->states[k]->assigned->id]++;
}

static ocellus_status
copy_step(struct oc_planning *p, int from, int to)
{
    struct oc_step *copy = oc_arena_alloc(p->plan->arena, sizeof *copy);
    if (copy == NULL || !oc_grow(&p->steps.step, p->steps.count, &p->steps.room,
                                 sizeof *p->steps.step))
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    copy->kind = OC_STEP_COPY;
    copy->impl = "assign";
    copy->from = from;
    copy->to = to;
    copy->bytes = p->plan->place[to].bytes;
    copy->traffic = 2.0 * (double)copy->bytes;
    p->steps.step[p->steps.count++] = copy;
    return OCELLUS_OK;
}

/* What a state is assigned, where it lies now. Another state's old number is
 * put aside first: that state may be assigned before this one. */
static ocellus_status
new_number(struct oc_planning *p, int k, int *from)
{
    const struct ocellus_value *state = p->graph->states[k];
    struct oc_layout plain = OC_PLAIN;
    struct oc_operand now;
    int home;
    OC_TRY(home_of(p, state, &home));
    p->plan->state_place[k] = p->plan->assigned_place[k] = home;
    OC_TRY(operand(p, state->assigned, &plain, &now));
    *from = now.place;
    int root = root_of(p, now.place);
    if (root == home || state->assigned->kind != OC_STATE)
        return OCELLUS_OK;
    OC_TRY(new_place(p, OC_PLACE_ARENA, NULL, &plain,
                     p->plan->place[home].bytes, from));
    return copy_step(p, now.place, *from);
}

static ocellus_status
assign(struct oc_planning *p)
{
    const struct ocellus_graph *g = p->graph;
    int *from = oc_arena_alloc(p->plan->arena,
                               ((size_t)g->n_states + 1) * sizeof *from);
    if (from == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    for (int k = 0; k < g->n_states; k++)
        if (g->states[k]->assigned != NULL)
            OC_TRY(new_number(p, k, &from[k]));
    for (int k = 0; k < g->n_states; k++)
        if (g->states[k]->assigned != NULL &&
            root_of(p, from[k]) != p->plan->state_place[k])
            OC_TRY(copy_step(p, from[k], p->plan->state_place[k]));
    return OCELLUS_OK;
}

static ocellus_status
ends(struct oc_planning *p)
{
    struct ocellus_graph *g = p->graph;
    p->now = &p->steps;
    struct oc_layout plain = OC_PLAIN;
    struct oc_operand out;
    for (int k = 0; k < g->n_outputs; k++) {
        OC_TRY(operand(p, g->outputs[k], &plain, &out));
        p->plan->output_place[k] = out.place;
    }
    for (int k = 0; k < g->n_inputs; k++)
        p->plan->input_place[k] = p->home[g->inputs[k]->id];
    for (int k = 0; k < g->n_states; k++) {
        p->plan->state_place[k] = p->home[g->states[k]->id];
        p->plan->assigned_place[k] = -1;
    }
    return assign(p);
}

ocellus_status
oc_plan_emit(struct oc_planning *p)
{
    count_readers(p);
    for (int k = 0; k < p->graph->n_values; k++) {
        const struct ocellus_value *value = p->graph->values[k];
        p->home[k] = -1;
        p->fixed[k] = value->kind == OC_STATE ? value->assigned == NULL
                                              : value->data != NULL;
    }
    for (int k = 0; k < p->graph->n_nodes; k++)
        for (int i = 0; i < p->graph->nodes[k]->n_out; i++)
            p->fixed[p->graph->nodes[k]->out[i]->id] =
                (char)is_fixed(p, p->graph->nodes[k]);
    oc_plan_parts(p);
    for (int k = 0; k < p->graph->n_nodes; k++)
        OC_TRY(emit_node(p, p->graph->nodes[k]));
    return ends(p);
}

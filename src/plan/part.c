/* part.c - values that are made as parts of what joins them.
 *
 * Concat along channels costs nothing where its inputs' makers write into its
 * output's place: each input, whole channel blocks that nobody else reads, then
 * is a part of it (layout.whole), and Concat copies what is left.
 */
#include "plan/inside.h"

static int
may_be_part(const struct oc_planning *p, const struct ocellus_value *value,
            const struct oc_layout *whole)
{
    const struct oc_layout *now = &p->layout[value->id];

    if (value->kind != OC_RESULT || value->data != NULL || value->slot != 0 ||
        p->fixed[value->id] || p->readers[value->id] != 1)
        return 0;
    const struct oc_impl *maker = p->chosen[value->node->id].impl;
    return maker != NULL && (maker->flags & OC_IMPL_PART) &&
           now->block == whole->block && now->pack == OC_PACK_NONE;
}

static void
join(struct oc_planning *p, const struct oc_node *node)
{
    const struct ocellus_value *out = node->out[0];
    const struct oc_layout whole = p->layout[out->id];
    const int blocks = oc_blocked_of(&whole, &out->shape).blocks;
    int first = 0;

    for (int k = 0; k < node->n_in; k++) {
        const struct ocellus_value *in = node->in[k];
        struct oc_layout *want = &p->chosen[node->id].in[k];
        if (may_be_part(p, in, &whole)) {
            *want = whole;
            want->whole = blocks;
            want->first = first;
            p->layout[in->id] = *want;
            p->plan->choice[in->node->id].out = *want;
            p->whole[in->id] = out;
        }
        first += oc_blocked_of(want, &in->shape).blocks;
    }
}

void
oc_plan_parts(struct oc_planning *p)
{
    for (int k = 0; k < p->graph->n_nodes; k++) {
        const struct oc_node *node = p->graph->nodes[k];
        const struct oc_impl *impl = p->chosen[node->id].impl;
        if (impl != NULL && (impl->flags & OC_IMPL_JOINS) &&
            p->layout[node->out[0]->id].block > 1 &&
            !p->fixed[node->out[0]->id])
            join(p, node);
    }
}

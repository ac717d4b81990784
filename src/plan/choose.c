/* choose.c - an implementation and layouts for every node.
 *
 * Forward, each node takes what the tuner found best for its class, or else the
 * first implementation that does not refuse, and says which layouts it wants,
 * seeing how its inputs lie. Then halos: a value
 * gets the widest halo that one of its readers wants, where its maker can
 * write one; who wants more than is there gets a reorder later. An input of the
 * net comes from outside with the halo that all its readers want.
 */
#include <stdio.h>
#include <string.h>

#include "plan/inside.h"
#include "plan/tuned.h"

static const char *
quarantined(const struct oc_caps *caps, const struct oc_node *node,
            const struct oc_impl *impl)
{
    char name[128];
    snprintf(name, sizeof name, "%s:%s", node->op->name, impl->name);
    for (int k = 0; k < caps->n_quarantine; k++)
        if (strcmp(caps->quarantine[k], name) == 0)
            return "`ocellus doctor` found wrong numbers on this device";
    return NULL;
}

const char *
oc_plan_refusal(const struct oc_caps *caps, const struct oc_node *node,
                const struct oc_impl *impl)
{
    const char *why = quarantined(caps, node, impl);
    if (why == NULL && (impl->flags & OC_IMPL_BFLOAT16) &&
        node->graph->precision != OC_BF16)
        why = "factors are not to be rounded to bfloat16";
    if (why == NULL && impl->refuse != NULL)
        why = impl->refuse(node, caps);
    if (why == NULL && node->epilogue != NULL &&
        !(impl->flags & OC_IMPL_EPILOGUE))
        why = "it cannot apply the fused epilogue";
    return why;
}

static const struct oc_impl *
first_willing(struct oc_planning *p, const struct oc_node *node,
              struct oc_choice *choice)
{
    for (const struct oc_impl *i = node->op->impls; i->name != NULL; i++) {
        const char *why = oc_plan_refusal(p->caps, node, i);
        int last = i[1].name == NULL;
        if (why == NULL || last)
            return i;
        if (choice->n_refused < (int)OC_COUNT(choice->reason)) {
            choice->refused_by[choice->n_refused] = i->name;
            choice->reason[choice->n_refused++] = why;
        }
    }
    return NULL;
}

static ocellus_status
take(struct oc_planning *p, const struct oc_node *node,
     struct oc_choice *choice)
{
    const struct oc_tuned *tuned;
    choice->impl = choice->usual = first_willing(p, node, choice);
    OC_TRY(oc_tuned_find(p->caps, node, &tuned));
    const char *way;
    const struct oc_impl *impl =
        tuned ? oc_impl_find(node->op, tuned->by, &way) : NULL;
    struct oc_caps eager = *p->caps;
    eager.eager = 1;
    eager.way = impl ? way : NULL;
    if (impl != NULL && oc_plan_refusal(&eager, node, impl) == NULL) {
        choice->tuned = impl != choice->usual || way != NULL;
        choice->impl = impl;
        choice->way = way;
    }
    choice->by = oc_impl_name(node->op, choice->impl, choice->way);
    return OCELLUS_OK;
}

static int
host_known(const struct oc_node *node)
{
    for (int k = 0; k < node->n_out; k++)
        if (node->out[k]->type != OCELLUS_UNDEFINED &&
            node->out[k]->data == NULL)
            return 0;
    return 1;
}

static ocellus_status
choose_one(struct oc_planning *p, const struct oc_node *node)
{
    struct oc_chosen *chosen = &p->chosen[node->id];
    struct oc_choice *choice = &p->plan->choice[node->id];
    struct oc_layout out[8], in[OC_MAX_IN];
    choice->node = node;
    choice->out = OC_PLAIN;
    if (host_known(node))
        return OCELLUS_OK;
    if (node->n_in > OC_MAX_IN || node->n_out > 8)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "has %d inputs and %d outputs; %d and 8 are the "
                            "most",
                            node->n_in, node->n_out, OC_MAX_IN);
    for (int k = 0; k < 8; k++)
        out[k] = OC_PLAIN;
    for (int k = 0; k < node->n_in; k++)
        in[k] = node->in[k] ? p->layout[node->in[k]->id] : OC_PLAIN;
    chosen->view = (node->op->flags & OC_OP_VIEW) != 0;
    if (!chosen->view && node->op->impls == NULL)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "its result must be known before the run, and "
                            "is not: its inputs change from run to run");
    if (!chosen->view) {
        OC_TRY(take(p, node, choice));
        chosen->impl = choice->impl;
        chosen->way = choice->way;
    }
    struct oc_caps caps = *p->caps;
    caps.way = chosen->way;
    caps.eager = choice->tuned;
    if (chosen->impl != NULL && chosen->impl->layouts != NULL)
        chosen->impl->layouts(node, &caps, in, out, &chosen->scratch);
    else
        for (int k = 0; k < node->n_in; k++)
            in[k] = OC_PLAIN;
    chosen->in = oc_arena_copy(p->plan->arena, in, sizeof in);
    if (chosen->in == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a plan");
    for (int k = 0; k < node->n_out; k++)
        p->layout[node->out[k]->id] = out[k];
    return OCELLUS_OK;
}

/* A value's halo: what its readers want, where its maker can give it. */
static void
widen(struct oc_planning *p, const struct oc_node *node)
{
    const struct oc_chosen *chosen = &p->chosen[node->id];
    if (chosen->impl == NULL)
        return;
    for (int k = 0; k < node->n_in; k++) {
        const struct ocellus_value *in = node->in[k];
        if (in == NULL || in->kind != OC_RESULT || in->data != NULL ||
            in->slot != 0)
            continue;
        const struct oc_chosen *maker = &p->chosen[in->node->id];
        struct oc_layout *now = &p->layout[in->id];
        const struct oc_layout *want = &chosen->in[k];
        if (maker->impl != NULL && (maker->impl->flags & OC_IMPL_HALO) &&
            now->block > 1 && want->block == now->block &&
            want->pack == OC_PACK_NONE && want->halo > now->halo)
            now->halo = want->halo;
    }
}

/* What all readers of an input of the net want: plain, maybe with a halo. */
static void
surround(struct oc_planning *p, const struct ocellus_value *input)
{
    const struct oc_layout plain = OC_PLAIN;
    const struct oc_layout *wanted = NULL;
    for (int k = 0; k < p->graph->n_nodes; k++) {
        const struct oc_node *node = p->graph->nodes[k];
        const struct oc_chosen *chosen = &p->chosen[node->id];
        for (int i = 0; i < node->n_in; i++) {
            if (node->in[i] != input)
                continue;
            const struct oc_layout *want =
                chosen->impl != NULL ? &chosen->in[i] : &plain;
            if (want->block > 1 || want->halo == 0 ||
                want->pack != OC_PACK_NONE ||
                (wanted != NULL && !oc_layout_equal(wanted, want)))
                return;
            wanted = want;
        }
    }
    if (wanted != NULL)
        p->layout[input->id] = *wanted;
}

ocellus_status
oc_plan_choose(struct oc_planning *p)
{
    for (int k = 0; k < p->graph->n_values; k++)
        p->layout[k] = OC_PLAIN;
    for (int k = 0; k < p->graph->n_nodes; k++)
        OC_TRY(choose_one(p, p->graph->nodes[k]));
    for (int k = 0; k < p->graph->n_nodes; k++)
        widen(p, p->graph->nodes[k]);
    for (int k = 0; k < p->graph->n_inputs; k++)
        surround(p, p->graph->inputs[k]);
    for (int k = 0; k < p->graph->n_nodes; k++)
        if (p->chosen[k].impl != NULL)
            p->plan->choice[k].out = p->layout[p->graph->nodes[k]->out[0]->id];
    return OCELLUS_OK;
}

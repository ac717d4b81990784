/* show.c - a plan as text: a line a node, then what the memory comes to. */
#include "base/text.h"
#include "plan/inside.h"

static void
choice_text(struct oc_text *text, const struct oc_choice *c, int why)
{
    char layout[24], shape[OC_SHAPE_TEXT];
    const struct oc_node *node = c->node;
    oc_text_printf(
        text, "%-22s %-18s %-10s %-8s %3d  %s%s\n", node->name, node->op->name,
        c->impl ? c->by : "-", oc_layout_text(&c->out, layout), c->n_steps,
        oc_shape_text(&node->out[0]->shape, shape), c->tuned ? "  tuned" : "");
    if (why && c->tuned)
        oc_text_printf(text, "    %s was measured to be faster than %s\n",
                       c->by, c->usual->name);
    for (int k = 0; why && k < c->n_refused; k++)
        oc_text_printf(text, "    not %s: %s\n", c->refused_by[k],
                       c->reason[k]);
}

ocellus_status
oc_plan_text(const struct oc_plan *plan, int why, char **out)
{
    struct oc_text text = {0};
    size_t arena = 0;
    int tuned = 0;
    oc_text_printf(&text, "%-22s %-18s %-10s %-8s %s  %s\n", "node", "operator",
                   "by", "layout", "steps", "output");
    for (int k = 0; k < plan->n_choices; k++)
        choice_text(&text, &plan->choice[k], why);
    for (int k = 0; k < plan->n_choices; k++)
        tuned += plan->choice[k].tuned;
    for (int b = 0; b < plan->n_bins; b++)
        arena += plan->bin_bytes[b];
    oc_text_printf(&text,
                   "%d launches a run, %d once; %.2f MiB of activations; "
                   "%.3f GFLOP\n",
                   plan->n_steps - plan->n_prologue, plan->n_prologue,
                   (double)arena / 1048576, plan->flops / 1e9);
    if (plan->single)
        oc_text_append(&text, "short steps: one launch for all once it was run "
                              "for long\n");
    if (tuned)
        oc_text_printf(&text, "%d nodes as `ocellus tune` found best\n", tuned);
    *out = text.data;
    return text.failed ? oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory")
                       : OCELLUS_OK;
}

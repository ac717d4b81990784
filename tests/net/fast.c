/* fast.c - no convolution, normalisation or pooling of a named net falls to
 * the direct version on a CPU, neither when it runs nor when it trains.
 *
 * Plans are made with no device, from capabilities written down here. A fusion
 * that a fast implementation cannot honour, or a layout that two neighbours do
 * not share, shows itself here before it shows itself as a net that trains
 * thirty times slower.
 */
#include <ocellus.h>

#include <stdio.h>
#include <string.h>

#include "pass/infer.h"
#include "pass/train.h"
#include "plan/plan.h"

static const char *const heavy[] = {
    "Conv",        "ConvGradInput",      "ConvGradWeight",
    "MaxPool",     "BatchNormalization", "BatchNormalizationGrad",
    "MaxPoolGrad", "AveragePool",
};

static const struct oc_caps cpu = {.cpu = 1,
                                   .compute_units = 2,
                                   .vector_width = 8,
                                   .vector_registers = 16,
                                   .local_memory = 32768,
                                   .max_work_group = 4096,
                                   .largest_allocation = (size_t)1 << 32,
                                   .alignment = 128};

static int
is_heavy(const char *op)
{
    for (size_t k = 0; k < OC_COUNT(heavy); k++)
        if (strcmp(op, heavy[k]) == 0)
            return 1;
    return 0;
}

static int
slow_nodes(const struct oc_plan *plan)
{
    int slow = 0;
    for (int k = 0; k < plan->n_choices; k++) {
        const struct oc_choice *c = &plan->choice[k];
        if (c->impl == NULL || !is_heavy(c->node->op->name) ||
            strcmp(c->impl->name, "direct") != 0)
            continue;
        slow++;
        printf("# %s (%s) is direct:", c->node->name, c->node->op->name);
        for (int i = 0; i < c->n_refused; i++)
            printf(" not %s: %s;", c->refused_by[i], c->reason[i]);
        printf("\n");
    }
    return slow;
}

static ocellus_status
plan_of(const char *net, int channels, int size, int train,
        struct oc_plan **plan)
{
    struct ocellus_graph *graph, *bound = NULL;
    struct oc_shape x = OC_SHAPE(2, channels, size, size);
    struct oc_recipe recipe = {.momentum = 0.9f};
    *plan = NULL;
    OC_TRY(ocellus_net_create(net, channels, size, size, 10, 0, &graph));
    ocellus_status status = oc_graph_bind(graph, &x, NULL, &bound);
    ocellus_graph_destroy(graph);
    OC_TRY(status);
    status = train ? oc_train_pass(bound, &recipe) : oc_infer_pass(bound);
    if (status != OCELLUS_OK) {
        oc_graph_destroy(bound);
        return status;
    }
    return oc_plan_make(bound, &cpu, plan);
}

static int
check(const char *net, int channels, int size, int train)
{
    struct oc_plan *plan;
    ocellus_status status = plan_of(net, channels, size, train, &plan);
    if (status != OCELLUS_OK)
        printf("# %s\n", ocellus_error());
    int bad = status != OCELLUS_OK || slow_nodes(plan) > 0;
    printf("%s - %s %s has no slow step on a CPU\n", bad ? "not ok" : "ok", net,
           train ? "training" : "inference");
    oc_plan_destroy(plan);
    return bad;
}

int
main(void)
{
    static const struct {
        const char *net;
        int channels, size;
    } nets[] = {
        {"lenet5", 1, 28},      {"resnet20", 3, 32}, {"resnet18", 3, 64},
        {"resnet50", 3, 64},    {"vgg11", 3, 32},    {"squeezenet", 3, 64},
        {"mobilenetv2", 3, 64}, {"alexnet", 3, 96},  {"unet", 3, 32}};
    int bad = 0;
    for (size_t k = 0; k < OC_COUNT(nets); k++)
        for (int train = 0; train < 2; train++)
            bad += check(nets[k].net, nets[k].channels, nets[k].size, train);
    return bad > 0;
}

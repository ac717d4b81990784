/* train_recipe.c - what is trained with where nothing was asked for. */
#include "cmd/train.h"

#include <string.h>

struct recipe {
    const char *net, *optimizer, *schedule;
};

/* Nets with batch normalisation bear large steps; those without need small
 * ones. From the papers that the nets come from, and from trying. */
static const struct recipe recipes[] = {
    {"lenet5", "adam lr=0.003", "onecycle"},
    {"mlp", "adam lr=0.002", "onecycle"},
    {"resnet", "sgd lr=0.1 momentum=0.9 weight_decay=0.0005 nesterov",
     "cosine warmup=1"},
    {"mobilenet", "sgd lr=0.05 momentum=0.9 weight_decay=0.00004",
     "cosine warmup=1"},
    {"vgg", "sgd lr=0.01 momentum=0.9 weight_decay=0.0005", "cosine warmup=1"},
    {"charlstm", "adam lr=0.002", "cosine"},
    {"namelstm", "adam lr=0.003", "cosine"},
    {"serieslstm", "adam lr=0.002", "cosine"},
    {"", "sgd lr=0.01 momentum=0.9 weight_decay=0.0001", "cosine warmup=1"},
};

void
train_defaults(struct train_options *o)
{
    const struct recipe *recipe = recipes;
    while (strncmp(recipe->net, o->net, strlen(recipe->net)) != 0)
        recipe++;
    /* One cycle of Adam's rate belongs to Adam. */
    if (o->optimizer != NULL && *o->optimizer == '\0')
        o->optimizer = NULL;
    if (o->schedule == NULL || *o->schedule == '\0')
        o->schedule = o->optimizer == NULL ? recipe->schedule : "cosine";
    if (o->optimizer == NULL)
        o->optimizer = recipe->optimizer;
    if (o->out == NULL)
        o->out = "ocellus-run";
}

/* recipe.c - see recipe.h. */
#include "train/recipe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A word list "name key=value flag ..."; calls take() for each after the
 * first. `takes`: what they may be, in words. */
typedef int (*take_function)(void *into, const char *key, double value,
                             int has_value);

static ocellus_status
each_word(const char *what, const char *text, const char *takes,
          take_function take, void *into)
{
    char copy[256], *rest;
    if (strlen(text) >= sizeof copy)
        return oc_fail(OCELLUS_BAD_ARGUMENT, "%s is too long: '%.40s...'", what,
                       text);
    strcpy(copy, text);
    strtok_r(copy, " ", &rest);
    for (char *word; (word = strtok_r(NULL, " ", &rest)) != NULL;) {
        char *equal = strchr(word, '='), *end = NULL;
        double value = 1;
        if (equal != NULL) {
            *equal = '\0';
            value = strtod(equal + 1, &end);
            if (end == equal + 1 || *end != '\0' || !isfinite(value) ||
                equal[1 + strspn(equal + 1, "+-.0123456789eE")] != '\0')
                return oc_fail(OCELLUS_BAD_ARGUMENT,
                               "%s '%s': %s=%s is no number", what, text, word,
                               equal + 1);
        }
        if (!take(into, word, value, equal != NULL))
            return oc_fail(OCELLUS_BAD_ARGUMENT,
                           "%s '%s': '%s%s%s' cannot be; it takes %s", what,
                           text, word, equal ? "=" : "", equal ? equal + 1 : "",
                           takes);
    }
    return OCELLUS_OK;
}

/* Is `text` the word `name`, alone or followed by options? */
static int
names(const char *text, const char *name)
{
    size_t n = strlen(name);
    return strncmp(text, name, n) == 0 && (text[n] == ' ' || text[n] == '\0');
}

struct optimizer {
    struct oc_recipe *recipe;
    double *rate;
};

static int
take_optimizer(void *into, const char *key, double value, int has_value)
{
    struct optimizer *o = into;
    struct oc_recipe *r = o->recipe;
    int is_sgd = r->optimizer == OC_OPTIMIZER_SGD;
    int is_rms = r->optimizer == OC_OPTIMIZER_RMSPROP;
    float f = (float)value;
    if (strcmp(key, "nesterov") == 0 && is_sgd)
        r->nesterov = value != 0;
    else if (!has_value)
        return 0;
    else if (strcmp(key, "lr") == 0)
        *o->rate = value;
    else if (strcmp(key, "weight_decay") == 0)
        r->weight_decay = f;
    else if (strcmp(key, "momentum") == 0 && (is_sgd || is_rms))
        r->momentum = f;
    else if (strcmp(key, "dampening") == 0 && is_sgd)
        r->dampening = f;
    else if (strcmp(key, "beta1") == 0 && !is_sgd && !is_rms)
        r->beta1 = f;
    else if (strcmp(key, "beta2") == 0 && !is_sgd && !is_rms)
        r->beta2 = f;
    else if (strcmp(key, "eps") == 0 && !is_sgd)
        r->epsilon = f;
    else if (strcmp(key, "alpha") == 0 && is_rms)
        r->alpha = f;
    else
        return 0;
    return 1;
}

/* PyTorch's bounds. A beta of 1 would divide by nothing. */
static ocellus_status
check_optimizer(const struct oc_recipe *r, double rate)
{
    if (rate < 0)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "a learning rate of %g goes uphill", rate);
    if (r->beta1 < 0 || r->beta1 >= 1 || r->beta2 < 0 || r->beta2 >= 1)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "beta1 and beta2 are in [0, 1); %g and %g are not both",
                       (double)r->beta1, (double)r->beta2);
    if (r->momentum < 0 || r->weight_decay < 0 || r->epsilon < 0 ||
        r->alpha < 0)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "momentum %g, weight_decay %g, eps %g and alpha %g "
                       "must not be negative",
                       (double)r->momentum, (double)r->weight_decay,
                       (double)r->epsilon, (double)r->alpha);
    if (r->nesterov && (r->momentum <= 0 || r->dampening != 0))
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "nesterov needs momentum > 0 (it is %g) and no "
                       "dampening (it is %g)",
                       (double)r->momentum, (double)r->dampening);
    return OCELLUS_OK;
}

ocellus_status
oc_optimizer_parse(const char *text, struct oc_recipe *r, double *rate)
{
    static const struct {
        const char *name;
        enum oc_optimizer_kind kind;
        double rate;
        float weight_decay;
        const char *takes;
    } known[] = {{"sgd", OC_OPTIMIZER_SGD, 0.01, 0,
                  "lr=, momentum=, dampening=, weight_decay= and nesterov"},
                 {"adam", OC_OPTIMIZER_ADAM, 0.001, 0,
                  "lr=, beta1=, beta2=, eps= and weight_decay="},
                 {"adamw", OC_OPTIMIZER_ADAMW, 0.001, 0.01f,
                  "lr=, beta1=, beta2=, eps= and weight_decay="},
                 {"rmsprop", OC_OPTIMIZER_RMSPROP, 0.01, 0,
                  "lr=, alpha=, eps=, momentum= and weight_decay="}};
    if (text == NULL || *text == '\0')
        text = "sgd lr=0.01 momentum=0.9";
    for (size_t k = 0; k < OC_COUNT(known); k++) {
        if (!names(text, known[k].name))
            continue;
        struct optimizer o = {r, rate};
        r->optimizer = known[k].kind;
        r->weight_decay = known[k].weight_decay;
        r->momentum = r->dampening = 0;
        r->nesterov = 0;
        r->beta1 = 0.9f;
        r->beta2 = 0.999f;
        r->epsilon = 1e-8f;
        r->alpha = 0.99f;
        *rate = known[k].rate;
        OC_TRY(
            each_word("optimizer", text, known[k].takes, take_optimizer, &o));
        return check_optimizer(r, *rate);
    }
    return oc_fail(OCELLUS_BAD_ARGUMENT,
                   "there is no optimizer '%s'; there are sgd, adam, adamw "
                   "and rmsprop",
                   text);
}

ocellus_status
oc_loss_parse(const char *text, struct oc_recipe *recipe)
{
    static const char *const known[] = {
        [OC_LOSS_CROSS_ENTROPY] = "cross_entropy",
        [OC_LOSS_MSE] = "mse",
        [OC_LOSS_SMOOTH_L1] = "smooth_l1",
        [OC_LOSS_BCE] = "bce",
        [OC_LOSS_SEQUENCE] = "sequence_cross_entropy"};
    for (size_t k = 0; k < OC_COUNT(known); k++)
        if (text == NULL || *text == '\0' || strcmp(text, known[k]) == 0) {
            recipe->loss = (enum oc_loss_kind)k;
            return OCELLUS_OK;
        }
    return oc_fail(OCELLUS_BAD_ARGUMENT,
                   "there is no loss '%s'; there are cross_entropy, "
                   "sequence_cross_entropy, mse, smooth_l1 and bce",
                   text);
}

static int
take_schedule(void *into, const char *key, double value, int has_value)
{
    struct oc_schedule *s = into;
    if (!has_value)
        return 0;
    if (strcmp(key, "warmup") == 0 && value >= 0 &&
        s->kind != OC_SCHEDULE_ONECYCLE)
        s->warmup = value;
    else if (s->kind == OC_SCHEDULE_STEP && strcmp(key, "every") == 0 &&
             value > 0)
        s->every = value;
    else if (s->kind == OC_SCHEDULE_STEP && strcmp(key, "gamma") == 0)
        s->gamma = value;
    else if (s->kind == OC_SCHEDULE_COSINE && strcmp(key, "min") == 0)
        s->least = value;
    else if (s->kind == OC_SCHEDULE_ONECYCLE && strcmp(key, "start") == 0 &&
             value > 0 && value < 1)
        s->start = value;
    else if (s->kind == OC_SCHEDULE_ONECYCLE && strcmp(key, "div") == 0 &&
             value > 0)
        s->div = value;
    else if (s->kind == OC_SCHEDULE_ONECYCLE && strcmp(key, "final") == 0 &&
             value > 0)
        s->final = value;
    else
        return 0;
    return 1;
}

ocellus_status
oc_schedule_parse(const char *text, struct oc_schedule *s)
{
    static const struct {
        const char *name, *takes;
    } known[] = {
        {"constant", "warmup=EPOCHS"},
        {"step", "every=EPOCHS (above 0), gamma= and warmup=EPOCHS"},
        {"cosine", "min= and warmup=EPOCHS"},
        {"onecycle", "start= (within 0 .. 1), div= and final= (above 0)"}};
    *s = (struct oc_schedule){
        .every = 30, .gamma = 0.1, .start = 0.3, .div = 25, .final = 1e4};
    if (text == NULL || *text == '\0')
        return OCELLUS_OK;
    for (size_t k = 0; k < OC_COUNT(known); k++)
        if (names(text, known[k].name)) {
            s->kind = (enum oc_schedule_kind)k;
            return each_word("schedule", text, known[k].takes, take_schedule,
                             s);
        }
    return oc_fail(OCELLUS_BAD_ARGUMENT,
                   "there is no schedule '%s'; there are constant, step, "
                   "cosine and onecycle",
                   text);
}

/* Half a cosine from a (at 0) to b (at 1). */
static double
anneal(double a, double b, double at)
{
    const double pi = 3.14159265358979323846;
    return b + (a - b) * 0.5 * (1 + cos(pi * at));
}

double
oc_schedule_rate(const struct oc_schedule *s, double rate, double epoch,
                 double epochs)
{
    if (s->kind == OC_SCHEDULE_ONECYCLE) {
        double at = epochs > 0 ? fmin(epoch / epochs, 1) : 1;
        double first = rate / s->div;
        return at < s->start ? anneal(first, rate, at / s->start)
                             : anneal(rate, first / s->final,
                                      (at - s->start) / (1 - s->start));
    }
    if (epoch < s->warmup)
        return rate * epoch / s->warmup;
    if (s->kind == OC_SCHEDULE_STEP)
        return rate * pow(s->gamma, floor(epoch / s->every));
    double length = epochs - s->warmup;
    if (s->kind == OC_SCHEDULE_COSINE && length > 0)
        return anneal(rate, s->least, fmin((epoch - s->warmup) / length, 1));
    return rate;
}

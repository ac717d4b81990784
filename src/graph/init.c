/* init.c - the first numbers of a state, by its rule.
 *
 * They depend on the seed and the state's name alone, so that adding a layer
 * changes no other layer's start. Rules: Glorot & Bengio, "Understanding the
 * difficulty of training deep feedforward neural networks", AISTATS 2010; He
 * et al., "Delving deep into rectifiers", ICCV 2015.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "graph/graph.h"

struct rule {
    int normal;       /* else uniform in [low, high) */
    double low, high; /* uniform; for normal, high is the deviation */
};

/* Weights are out x in x window: fan in is all but the first dimension. */
static void
fans(const struct oc_shape *shape, double *in, double *out)
{
    double window = 1;
    for (int k = 2; k < shape->rank; k++)
        window *= (double)shape->dim[k];
    double d0 = shape->rank > 0 ? (double)shape->dim[0] : 1;
    double d1 = shape->rank > 1 ? (double)shape->dim[1] : d0;
    *in = d1 * window;
    *out = d0 * window;
    if (*in < 1)
        *in = 1;
    if (*out < 1)
        *out = 1;
}

static int
parse(const char *text, const struct oc_shape *shape, struct rule *rule)
{
    double a, b, in, out;
    fans(shape, &in, &out);
    *rule = (struct rule){0, 0, 0};
    if (strcmp(text, "zeros") == 0)
        return 1;
    if (strcmp(text, "ones") == 0)
        *rule = (struct rule){0, 1, 1};
    else if (sscanf(text, "constant %lf", &a) == 1)
        *rule = (struct rule){0, a, a};
    else if (sscanf(text, "uniform %lf %lf", &a, &b) == 2)
        *rule = (struct rule){0, a, b};
    else if (sscanf(text, "normal %lf", &a) == 1)
        *rule = (struct rule){1, 0, a};
    else if (strcmp(text, "kaiming") == 0)
        *rule = (struct rule){0, -sqrt(6 / in), sqrt(6 / in)};
    else if (strcmp(text, "kaiming_normal") == 0)
        *rule = (struct rule){1, 0, sqrt(2 / in)};
    else if (strcmp(text, "kaiming_out") == 0)
        *rule = (struct rule){1, 0, sqrt(2 / out)};
    else if (strcmp(text, "xavier") == 0)
        *rule = (struct rule){0, -sqrt(6 / (in + out)), sqrt(6 / (in + out))};
    else if (strcmp(text, "xavier_normal") == 0)
        *rule = (struct rule){1, 0, sqrt(2 / (in + out))};
    else if (strcmp(text, "lecun") == 0)
        *rule = (struct rule){0, -1 / sqrt(in), 1 / sqrt(in)};
    else
        return 0;
    return 1;
}

ocellus_status
oc_state_init(const struct ocellus_value *state, uint64_t seed, float **data)
{
    struct rule rule;
    size_t bytes;
    *data = NULL;
    OC_TRY(oc_shape_bytes(&state->shape, sizeof(float), &bytes));
    if (!parse(state->init, &state->shape, &rule))
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "'%s' is no rule to initialise '%s' with", state->init,
                       state->name);
    float *numbers = malloc(bytes ? bytes : 1);
    if (numbers == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no memory for state '%s' (%zu bytes)", state->name,
                       bytes);
    struct oc_random random;
    oc_random_start(&random, seed, oc_hash_text(OC_HASH_START, state->name));
    for (size_t i = 0; i < bytes / sizeof(float); i++)
        if (rule.normal)
            numbers[i] = (float)rule.high * oc_random_normal(&random);
        else if (rule.low < rule.high)
            numbers[i] = (float)(rule.low + (rule.high - rule.low) *
                                                oc_random_uniform(&random));
        else
            numbers[i] = (float)rule.low;
    *data = numbers;
    return OCELLUS_OK;
}

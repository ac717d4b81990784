/* harness.c - see harness.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "device/device.h"
#include "tests/op/blocked.h"
#include "tests/op/harness_inside.h"

/* ---- walking ------------------------------------------------------------- */

int
oc_next(const struct oc_shape *shape, int64_t at[OC_MAX_RANK])
{
    for (int k = shape->rank - 1; k >= 0; k--) {
        if (++at[k] < shape->dim[k])
            return 1;
        at[k] = 0;
    }
    return 0;
}

int64_t
oc_spread(const struct oc_shape *shape, const struct oc_shape *out,
          const int64_t at[OC_MAX_RANK])
{
    int64_t place = 0;

    for (int k = 0; k < shape->rank; k++) {
        int64_t i = at[out->rank - shape->rank + k];

        place = place * shape->dim[k] + (shape->dim[k] == 1 ? 0 : i);
    }
    return place;
}

void
oc_map(const struct oc_node *node, const double *const x[], double *const y[],
       double (*f)(const struct oc_node *node, const double v[]))
{
    const struct oc_shape *out = &node->out[0]->shape;
    int64_t at[OC_MAX_RANK] = {0}, i = 0;

    if (oc_shape_count(out) == 0)
        return;
    do {
        double v[MOST_IN] = {0};

        for (int k = 0; k < node->n_in; k++)
            if (x[k])
                v[k] = x[k][oc_spread(&node->in[k]->shape, out, at)];
        y[0][i++] = f(node, v);
    } while (oc_next(out, at));
}

/* ---- one case ------------------------------------------------------------ */

#define MOST_REFUSED 1024

/* "Op:impl" of all implementations but the last of each operator. */
static const char *const *
all_but_direct(int *count)
{
    static char name[MOST_REFUSED][96];
    static const char *list[MOST_REFUSED];
    static int n;
    const struct oc_op *op;

    for (int k = 0; n == 0 && (op = oc_op_at(k)) != NULL; k++)
        for (int i = 0; op->impls && op->impls[i].name && op->impls[i + 1].name;
             i++)
            if (n < MOST_REFUSED) {
                snprintf(name[n], sizeof name[n], "%s:%s", op->name,
                         op->impls[i].name);
                list[n] = name[n];
                n++;
            }
    *count = n;
    return list;
}

/* Each implementation but the planner's first choice, by refusing those before
 * it. */
static int
forward_others(struct oc_test *t)
{
    static char name[16][96];
    const char *list[16];
    const struct oc_impl *impls = t->node->op->impls;
    int good = 1;

    t->quarantine = list;
    for (int i = 0; good && impls && impls[i].name && impls[i + 1].name; i++) {
        if (i >= (int)OC_COUNT(list))
            break;
        snprintf(name[i], sizeof name[i], "%s:%s", t->of->op, impls[i].name);
        list[i] = name[i];
        t->n_quarantine = i + 1;
        good = oc_test_forward(t, impls[i + 1].name);
    }
    t->n_quarantine = 0;
    return good;
}

static int
blocks(const struct oc_test *t)
{
    if (t->of->plain || t->of->gpu || !oc_device_caps(t->device)->cpu)
        return 0;
    for (int k = 0; k < t->n_in; k++)
        if (t->tensor[k] && !t->of->in[k].host &&
            t->tensor[k]->shape.rank == 4 &&
            t->tensor[k]->type == OCELLUS_FLOAT)
            return 1;
    return 0;
}

static int
forward_blocked(struct oc_test *t, int halo)
{
    int good;

    t->blocked = 1;
    t->halo = halo;
    oc_blocked_set(oc_device_caps(t->device)->vector_width, halo);
    good = oc_test_forward(t, NULL);
    t->blocked = 0;
    return good;
}

static int
gradients(struct oc_test *t)
{
    int good;

    if (!oc_test_wants_gradient(t))
        return 1;
    good = oc_test_gradient(t);
    if (good) {
        t->quarantine = all_but_direct(&t->n_quarantine);
        good = oc_test_gradient(t);
        t->n_quarantine = 0;
    }
    if (good && blocks(t)) {
        t->blocked = 1;
        oc_blocked_set(oc_device_caps(t->device)->vector_width, 1);
        good = oc_test_gradient(t);
        t->blocked = 0;
    }
    return good;
}

/* Interpreted, a step of a warp takes seconds: then few numbers do. */
static int
is_slow(const struct oc_test *t)
{
    int64_t count = 0;

    for (int k = 0; k < t->n_in; k++)
        count += t->tensor[k] ? oc_shape_count(&t->tensor[k]->shape) : 0;
    return t->of->tensor && getenv("OCELLUS_TEST_SMALL") && count > 1024;
}

static int
builds_long(const struct oc_test *t)
{
    return t->of->long_build && !getenv("OCELLUS_TEST_FULL");
}

/* 1: passed, 0: failed, -1: the device has not the types, -2: it is slow, -3:
 * its kernels take long to build. */
static int
run_case(struct oc_test *t, size_t index)
{
    struct oc_random random;

    oc_random_start(&random, index, oc_hash_text(OC_HASH_START, t->of->op));
    for (int k = 0; k < MOST_IN; k++) {
        if (!oc_test_is_there(&t->of->in[k]))
            continue;
        t->n_in = k + 1;
        if (t->of->in[k].type == OCELLUS_DOUBLE &&
            !oc_device_caps(t->device)->fp64)
            return -1;
        if (!oc_test_make_input(t, k, &random))
            return 0;
    }
    if (is_slow(t))
        return -2;
    if (builds_long(t))
        return -3;
    if (!oc_test_prepare(t))
        return 0;
    if (t->node->out[0]->type == OCELLUS_DOUBLE &&
        !oc_device_caps(t->device)->fp64)
        return -1;
    return oc_test_forward(t, NULL) && forward_others(t) &&
           (!blocks(t) || (forward_blocked(t, 0) && forward_blocked(t, 1))) &&
           gradients(t);
}

static void
clear(struct oc_test *t)
{
    for (int k = 0; k < MOST_IN; k++) {
        oc_tensor_destroy(t->tensor[k]);
        free(t->x[k]);
    }
    for (int k = 0; k < MOST_OUT; k++)
        free(t->y[k]);
    oc_tensor_destroy(t->r);
    oc_graph_destroy(t->graph);
}

static int
run_one(ocellus_device *device, const struct oc_case *of, size_t index)
{
    struct oc_test t = {.of = of, .device = device};
    int result = run_case(&t, index);

    printf("%s - %s%s%s", result ? "ok" : "not ok", of->op,
           of->attributes ? " " : "", of->attributes ? of->attributes : "");
    for (int k = 0; k < t.n_in; k++) {
        char text[OC_SHAPE_TEXT];

        printf(" %s",
               t.tensor[k] ? oc_shape_text(&t.tensor[k]->shape, text) : "-");
    }
    printf("%s\n", result == -1   ? " # SKIP no doubles on this device"
                   : result == -2 ? " # SKIP interpreted it takes minutes"
                   : result == -3 ? " # SKIP builds for long: make check-full"
                                  : "");
    if (!result)
        printf("#   %s\n", t.wrong);
    fflush(stdout);
    clear(&t);
    return result != 0;
}

int
oc_cases_run(const struct oc_case *cases, size_t count)
{
    const char *only = getenv("OCELLUS_TEST_CASE");
    ocellus_device_info *list;
    int n, failed = 0;

    if (ocellus_device_list(0, &list, &n) != OCELLUS_OK) {
        printf("ok - # SKIP %s\n", ocellus_error());
        return 77;
    }
    for (int d = 0; d < n; d++) {
        ocellus_device *device;
        char choice[16];

        snprintf(choice, sizeof choice, "%d", list[d].index);
        if (ocellus_device_open(choice, &device) != OCELLUS_OK) {
            printf("not ok - %s: %s\n", list[d].name, ocellus_error());
            failed = 1;
            continue;
        }
        printf("# %s\n", list[d].name);
        if (!strstr(list[d].name, "Oclgrind")) /* which knows what is new */
            oc_device_spoil(device);
        for (size_t k = 0; k < count; k++)
            if (!only || strcmp(only, cases[k].op) == 0)
                failed |= !run_one(device, &cases[k], k);
        ocellus_device_close(device);
    }
    ocellus_device_list_free(list);
    return failed;
}

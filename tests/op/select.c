/* select.c - NonZero, Compress, Unique. */
#include "tests/op/harness.h"

static void
nonzero(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int64_t at[OC_MAX_RANK] = {0}, i = 0, found = 0;
    int64_t n = node->out[0]->shape.dim[1];

    do {
        if (x[0][i++] != 0) {
            for (int k = 0; k < in->rank; k++)
                y[0][k * n + found] = (double)at[k];
            found++;
        }
    } while (oc_next(in, at));
}

static void
compress(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int flat = oc_attr_find(node, "axis") == NULL;
    int axis = (int)oc_attr_int(node, "axis", 0);
    int64_t at[OC_MAX_RANK] = {0}, i = 0, to = 0;

    axis += axis < 0 ? in->rank : 0;
    do {
        int64_t place = flat ? i : at[axis];

        if (place < node->in[1]->shape.dim[0] && x[1][place] != 0)
            y[0][to++] = x[0][i];
        i++;
    } while (oc_next(in, at));
}

/* ---- Unique: slices are looked for among those found before ------------- */

struct seen {
    const double *x;
    int64_t before, n, after;
};

/* -1, 0 or 1 as slice a stands to slice b. */
static int
compare(const struct seen *s, int64_t a, int64_t b)
{
    for (int64_t p = 0; p < s->before; p++)
        for (int64_t q = 0; q < s->after; q++) {
            double u = s->x[(p * s->n + a) * s->after + q];
            double v = s->x[(p * s->n + b) * s->after + q];

            if (u != v)
                return u < v ? -1 : 1;
        }
    return 0;
}

static int
is_first(const struct seen *s, int64_t i)
{
    for (int64_t k = 0; k < i; k++)
        if (compare(s, k, i) == 0)
            return 0;
    return 1;
}

/* How many different slices stand before slice i, itself not among them. */
static int64_t
rank_of(const struct seen *s, int64_t i, int sorted)
{
    int64_t rank = 0, first = i;

    while (!is_first(s, first) || compare(s, first, i) != 0)
        first--;
    for (int64_t k = 0; k < s->n; k++)
        if (is_first(s, k))
            rank += sorted ? compare(s, k, i) < 0 : k < first;
    return rank;
}

static void
unique(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    struct seen s = {x[0], 1, oc_shape_count(in), 1};
    int sorted = oc_attr_int(node, "sorted", 1) != 0;
    int64_t groups = node->out[1]->shape.dim[0];
    int axis = (int)oc_attr_int(node, "axis", 0);

    axis += axis < 0 ? in->rank : 0;
    if (oc_attr_find(node, "axis")) {
        s.before = oc_shape_span(in, 0, axis);
        s.n = in->dim[axis];
        s.after = oc_shape_span(in, axis + 1, in->rank);
    }
    for (int64_t g = 0; g < groups; g++)
        y[3][g] = 0;
    for (int64_t i = 0; i < s.n; i++) {
        int64_t g = rank_of(&s, i, sorted);

        y[2][i] = (double)g;
        y[3][g] += 1;
        if (!is_first(&s, i))
            continue;
        y[1][g] = (double)i;
        for (int64_t p = 0; p < s.before; p++)
            for (int64_t q = 0; q < s.after; q++)
                y[0][(p * groups + g) * s.after + q] =
                    x[0][(p * s.n + i) * s.after + q];
    }
}

#define SMALL(extents, kind)                                                   \
    {                                                                          \
        .shape = extents, .type = kind, .low = -1, .high = 1, .host = 1        \
    }
#define TRUTHS(extents)                                                        \
    {                                                                          \
        .shape = extents, .type = OCELLUS_BOOL, .host = 1                      \
    }
#define CASE(name, rule, words, ...)                                           \
    {                                                                          \
        .op = name, .attributes = words, .reference = rule,                    \
        .in = {__VA_ARGS__}, .no_gradient = 1                                  \
    }

static const struct oc_case cases[] = {
    CASE("NonZero", nonzero, NULL, SMALL("3x5x2", OCELLUS_INT32)),
    CASE("NonZero", nonzero, NULL, TRUTHS("17")),
    CASE("NonZero", nonzero, NULL, SMALL("4x3", OCELLUS_FLOAT)),
    CASE("Compress", compress, NULL, SMALL("3x4", OCELLUS_FLOAT), TRUTHS("7")),
    CASE("Compress", compress, "axis=1", SMALL("2x5x3", OCELLUS_FLOAT),
         TRUTHS("5")),
    CASE("Compress", compress, "axis=-1", SMALL("3x4", OCELLUS_INT64),
         TRUTHS("3")),
    CASE("Unique", unique, NULL, SMALL("11", OCELLUS_INT32)),
    CASE("Unique", unique, "sorted=0", SMALL("3x7", OCELLUS_INT64)),
    CASE("Unique", unique, "axis=0", SMALL("9x2", OCELLUS_INT8)),
    CASE("Unique", unique, "axis=-1 sorted=0", SMALL("2x9x1", OCELLUS_INT64)),
    CASE("Unique", unique, "axis=1", SMALL("1x13x2", OCELLUS_INT32)),
    CASE("Unique", unique, NULL, SMALL("6", OCELLUS_FLOAT)),
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

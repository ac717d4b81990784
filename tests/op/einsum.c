/* einsum.c - Einsum: every combination of all axes' indices is visited and its
 * product added where the output's letters say. The reference knows letters
 * only: a case with "..." says in `spelled` what it means. */
#include <string.h>

#include "tests/op/harness.h"

struct meaning {
    const char *equation, *spelled;
};

static const struct meaning meanings[] = {
    {"...ij,...jk->...ik", "abij,abjk->abik"},
    {"...ij,jk", "abij,jk->abik"},
    {"bhqd,bhkd->bhqk", NULL},
    {"ij,jk", "ij,jk->ik"},
    {"b,a", "b,a->ab"},
    {"ii", "ii->"},
};

static const char *
spelled(const char *equation)
{
    for (size_t k = 0; k < OC_COUNT(meanings); k++)
        if (strcmp(equation, meanings[k].equation) == 0 && meanings[k].spelled)
            return meanings[k].spelled;
    return equation;
}

/* Where the indices at[letter] lie in a tensor whose axes are at `letters`. */
static int64_t
place(const char *letters, const struct oc_shape *shape, const int64_t at[128])
{
    int64_t sum = 0;

    for (int k = 0; k < shape->rank; k++)
        sum = sum * shape->dim[k] +
              (shape->dim[k] == 1 ? 0 : at[(int)letters[k]]);
    return sum;
}

static void
add(const struct oc_node *node, const double *const x[], double *y,
    const char *equation, const int64_t at[128])
{
    const char *letters = equation;
    double product = 1;

    for (int k = 0; k < node->n_in; k++) {
        product *= x[k][place(letters, &node->in[k]->shape, at)];
        letters += node->in[k]->shape.rank + 1;
    }
    y[place(letters + 1, &node->out[0]->shape, at)] += product;
}

static void
einsum(const struct oc_node *node, const double *const x[], double *const y[])
{
    const char *equation = spelled(oc_attr_text(node, "equation", ""));
    const char *letters = equation;
    int64_t extent[128] = {0}, at[128] = {0};
    int k;

    for (int i = 0; i < node->n_in; i++) {
        const struct oc_shape *shape = &node->in[i]->shape;

        for (k = 0; k < shape->rank; k++)
            if (shape->dim[k] > extent[(int)letters[k]])
                extent[(int)letters[k]] = shape->dim[k];
        letters += shape->rank + 1;
    }
    memset(y[0], 0,
           (size_t)oc_shape_count(&node->out[0]->shape) * sizeof *y[0]);
    do {
        add(node, x, y[0], equation, at);
        for (k = 0; k < 128; k++) {
            if (extent[k] > 0 && ++at[k] < extent[k])
                break;
            at[k] = 0;
        }
    } while (k < 128);
}

#define CASE(words, ...)                                                       \
    {                                                                          \
        .op = "Einsum", .attributes = "equation=" words, .in = {__VA_ARGS__},  \
        .reference = einsum                                                    \
    }

static const struct oc_case cases[] = {
    CASE("ij,jk->ik", {.shape = "3x5"}, {.shape = "5x4"}),
    CASE("ij,jk", {.shape = "3x5"}, {.shape = "5x4"}),
    CASE("bij,bjk->bik", {.shape = "2x3x4"}, {.shape = "2x4x5"}),
    CASE("bhqd,bhkd->bhqk", {.shape = "2x3x4x5"}, {.shape = "2x3x7x5"}),
    CASE("ij->ji", {.shape = "3x5"}),
    CASE("ij->i", {.shape = "3x5"}),
    CASE("ij->", {.shape = "3x5"}),
    CASE("i,i->", {.shape = "7"}, {.shape = "7"}),
    CASE("ii->i", {.shape = "4x4"}),
    CASE("ii", {.shape = "4x4"}),
    CASE("b,a", {.shape = "3"}, {.shape = "2"}),
    CASE("ij,ik,kl->jl", {.shape = "3x2"}, {.shape = "3x4"}, {.shape = "4x5"}),
    CASE("...ij,...jk->...ik", {.shape = "2x3x2x4"}, {.shape = "1x3x4x2"}),
    CASE("...ij,jk", {.shape = "2x1x3x4"}, {.shape = "4x2"}),
    CASE("ij,k->j", {.shape = "3x4"}, {.shape = "2"}),
    CASE("aB,Bc->ca", {.shape = "1x3"}, {.shape = "3x2"}),
    {.op = "Einsum",
     .attributes = "equation=ij,j->i",
     .in = {{.shape = "3x4", .type = OCELLUS_INT64, .high = 9},
            {.shape = "4", .type = OCELLUS_INT64, .high = 9}},
     .reference = einsum},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

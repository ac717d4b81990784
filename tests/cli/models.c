/* models.c - small model files for tests of the command, as no builder of nets
 * makes them and files from elsewhere are.
 *
 *     models KIND FILE.onnx
 *
 * All tell ten classes apart, but for `found`.
 *     bend    a node 'bend', DeformConv, which has no gradient, of 28 x 28
 *     rows    of 28 rows of 28 numbers; the output's shape depends on the batch
 *     line    of 784 numbers
 *     one     the same, of one image
 *     pair    of two images that are one to it
 *     found   the places of numbers that are not 0: how many, the run shows
 *     kept    the two best of three boxes, which the run shows too
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ocellus.h>

#include "graph/op.h"

typedef struct ocellus_value value;

static void
must(ocellus_status status)
{
    if (status == OCELLUS_OK)
        return;
    fprintf(stderr, "models: %s\n", ocellus_error());
    exit(1);
}

static value *
input(ocellus_graph *g, int rank, const int64_t *dims)
{
    return ocellus_graph_input(g, "x", OCELLUS_FLOAT, rank, dims);
}

static value *
weight(ocellus_graph *g, const char *name, int rank, const int64_t *dims)
{
    return ocellus_graph_parameter(g, name, rank, dims, "normal 0.1");
}

static value *
classes(ocellus_graph *g, value *x, int64_t numbers)
{
    const int64_t dims[] = {10, numbers};
    return OC_NODE(g, "Gemm", "transB=1", x, weight(g, "w", 2, dims),
                   weight(g, "b", 1, dims));
}

static value *
bend(ocellus_graph *g)
{
    value *x = input(g, 4, (const int64_t[]){-1, 1, 28, 28});
    value *place =
        OC_NODE(g, "Conv", "pads=1,1,1,1", x,
                weight(g, "places", 4, (const int64_t[]){18, 1, 3, 3}));
    value *y =
        OC_NODE(g, "DeformConv", "pads=1,1,1,1", x,
                weight(g, "bent", 4, (const int64_t[]){4, 1, 3, 3}), place);
    if (y != NULL)
        y->node->name = "bend";
    y = OC_NODE(g, "GlobalAveragePool", NULL, y);
    return classes(g, OC_NODE(g, "Flatten", NULL, y), 4);
}

static value *
rows(ocellus_graph *g)
{
    value *x = input(g, 3, (const int64_t[]){-1, 28, 28});
    value *size = OC_NODE(g, "Slice", NULL, OC_NODE(g, "Shape", NULL, x),
                          oc_ints(g, 1, (const int64_t[]){0}),
                          oc_ints(g, 1, (const int64_t[]){1}));
    size = OC_NODE(g, "Concat", "axis=0", size,
                   oc_ints(g, 1, (const int64_t[]){784}));
    return classes(g, OC_NODE(g, "Reshape", NULL, x, size), 784);
}

static value *
line(ocellus_graph *g)
{
    return classes(g, input(g, 2, (const int64_t[]){-1, 784}), 784);
}

static value *
one(ocellus_graph *g)
{
    return classes(g, input(g, 2, (const int64_t[]){1, 784}), 784);
}

static value *
pair(ocellus_graph *g)
{
    value *x = input(g, 2, (const int64_t[]){2, 784});
    x = OC_NODE(g, "Reshape", NULL, x,
                oc_ints(g, 2, (const int64_t[]){1, 1568}));
    return classes(g, x, 1568);
}

static value *
found(ocellus_graph *g)
{
    value *x = input(g, 4, (const int64_t[]){-1, 1, 28, 28});
    return OC_NODE(g, "NonZero", NULL, OC_NODE(g, "Relu", NULL, x));
}

static value *
kept(ocellus_graph *g)
{
    value *boxes = input(g, 3, (const int64_t[]){-1, 3, 4});
    value *scores = OC_NODE(g, "ReduceSum", "keepdims=1", boxes,
                            oc_ints(g, 1, (const int64_t[]){2}));
    scores = OC_NODE(g, "Transpose", "perm=0,2,1", scores);
    return OC_NODE(g, "NonMaxSuppression", NULL, boxes, scores,
                   oc_ints(g, 1, (const int64_t[]){2}));
}

/* ONNX wants the type of what is known in the run only. */
static void
save(ocellus_graph *g, value *y, const char *path)
{
    const struct oc_declared places = {OCELLUS_INT64, 0, {0}};
    const struct oc_declared scores = {OCELLUS_FLOAT, 1, OC_SHAPE(-1, 10)};
    must(ocellus_graph_output(g, "y", y));
    if (y->unknown)
        y->declared = strcmp(y->node->op->name, "Gemm") ? &places : &scores;
    must(ocellus_graph_save(g, path));
    ocellus_graph_destroy(g);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        value *(*make)(ocellus_graph *);
    } kinds[] = {{"bend", bend}, {"rows", rows},   {"line", line}, {"one", one},
                 {"pair", pair}, {"found", found}, {"kept", kept}};
    ocellus_graph *g;

    for (size_t k = 0; argc == 3 && k < sizeof kinds / sizeof kinds[0]; k++)
        if (strcmp(argv[1], kinds[k].name) == 0) {
            must(ocellus_graph_create(&g));
            g->open = 1; /* as an imported one: shapes may come with the run */
            save(g, kinds[k].make(g), argv[2]);
            return 0;
        }
    fprintf(stderr, "usage: models KIND FILE.onnx\n");
    return 2;
}

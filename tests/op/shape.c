/* shape.c - Shape, Size, Constant, ConstantOfShape, Range. */
#include "tests/op/harness.h"

static void
extents(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *in = &node->in[0]->shape;
    int from = (int)oc_attr_int(node, "start", 0);

    (void)x;
    from += from < 0 ? in->rank : 0;
    for (int64_t i = 0; i < node->out[0]->shape.dim[0]; i++)
        y[0][i] = (double)in->dim[from + i];
}

static void
size(const struct oc_node *node, const double *const x[], double *const y[])
{
    (void)x;
    y[0][0] = 1;
    for (int i = 0; i < node->in[0]->shape.rank; i++)
        y[0][0] *= (double)node->in[0]->shape.dim[i];
}

static void
halves(const struct oc_node *node, const double *const x[], double *const y[])
{
    (void)x;
    for (int64_t i = 0; i < oc_shape_count(&node->out[0]->shape); i++)
        y[0][i] = 2.5;
}

static void
counted(const struct oc_node *node, const double *const x[], double *const y[])
{
    (void)x;
    for (int64_t i = 0; i < node->out[0]->shape.dim[0]; i++)
        y[0][i] = (double)(10 * (i + 1));
}

static void
range(const struct oc_node *node, const double *const x[], double *const y[])
{
    for (int64_t i = 0; i < node->out[0]->shape.dim[0]; i++)
        y[0][i] = x[0][0] + (double)i * x[2][0];
}

#define SCALAR(number, kind)                                                   \
    {                                                                          \
        .shape = "", .values = (const double[]){number}, .type = kind,         \
        .host = 1                                                              \
    }

static const struct oc_case cases[] = {
    {.op = "Shape",
     .in = {{.shape = "2x3x5"}},
     .reference = extents,
     .expect = "3"},
    {.op = "Shape",
     .attributes = "start=-2",
     .in = {{.shape = "2x3x5"}},
     .reference = extents,
     .expect = "2"},
    {.op = "Shape",
     .attributes = "start=1 end=-1",
     .in = {{.shape = "2x3x5"}},
     .reference = extents,
     .expect = "1"},
    {.op = "Size", .in = {{.shape = "2x3x5"}}, .reference = size},
    {.op = "Constant",
     .attributes = "value_ints=10,20,30",
     .reference = counted,
     .expect = "3"},
    {.op = "Constant",
     .attributes = "value_floats=10.0,20.0",
     .reference = counted,
     .expect = "2"},
    {.op = "ConstantOfShape",
     .attributes = "value=2.5",
     .in = {OC_INTS(3, 4)},
     .reference = halves,
     .expect = "3x4"},
    /* Too large to be kept on the host: a kernel fills it. */
    {.op = "ConstantOfShape",
     .attributes = "value=2.5",
     .in = {OC_INTS(300, 301)},
     .reference = halves,
     .expect = "300x301"},
    {.op = "Range",
     .in = {SCALAR(3, OCELLUS_INT64), SCALAR(10, OCELLUS_INT64),
            SCALAR(2, OCELLUS_INT64)},
     .reference = range,
     .expect = "4"},
    {.op = "Range",
     .in = {SCALAR(3, OCELLUS_FLOAT), SCALAR(-1, OCELLUS_FLOAT),
            SCALAR(-0.5, OCELLUS_FLOAT)},
     .reference = range,
     .expect = "8"},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

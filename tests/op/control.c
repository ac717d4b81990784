/* control.c - If, Loop and Scan: against what the specification says by hand,
 * with conditions that are constants, inputs, or computed by a kernel. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op.h"
#include "graph/tensor.h"

static int count, failed;

static void
ok(int good, const char *what)
{
    count++;
    failed += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", count, what);
    if (!good && ocellus_error()[0])
        printf("# %s\n", ocellus_error());
}

static struct ocellus_graph *
open_graph(void)
{
    struct ocellus_graph *g = NULL;
    if (oc_graph_create(&g) != OCELLUS_OK)
        exit(99);
    g->open = 1;
    return g;
}

/* An input of a subgraph: what it is comes with its node. */
static struct ocellus_value *
parameter(struct ocellus_graph *g, const char *name)
{
    struct oc_shape scalar = {0};
    struct ocellus_value *v = oc_graph_input(g, name, 0, &scalar);
    v->unknown = 1;
    return v;
}

static struct ocellus_value *
number(struct ocellus_graph *g, ocellus_type type, int64_t value)
{
    struct oc_shape scalar = {0};
    unsigned char data[8] = {0};
    oc_element_set_int(type, data, 0, value);
    return oc_graph_constant(g, NULL, type, &scalar, data);
}

/* Takes the subgraphs over. */
static struct ocellus_value *
apply(struct ocellus_graph *g, const char *op, struct oc_attr *attr, int n_attr,
      struct ocellus_value **in, int n_in, int n_out)
{
    for (int k = 0; k < n_attr; k++)
        if (attr[k].graph != NULL) {
            oc_graph_keep(g, attr[k].graph);
            oc_graph_destroy(attr[k].graph);
        }
    return oc_apply_attrs(g, oc_op_find(op), "control", n_attr, attr, in, n_in,
                          n_out);
}

/* Runs `g` on x; the numbers of its outputs in order into y. */
static int
run(ocellus_device *device, struct ocellus_graph *g, float *x, int n,
    const int64_t *dims, int rank, float *y, int most, unsigned char *flag)
{
    ocellus_session *s = NULL;
    ocellus_tensor *t = NULL, *f = NULL;
    int at = 0;
    (void)n;
    ocellus_tensor_wrap_host(OCELLUS_FLOAT, rank, dims, x, &t);
    if (flag != NULL)
        ocellus_tensor_wrap_host(OCELLUS_BOOL, 0, NULL, flag, &f);
    if (ocellus_session_create(device, g, &s) != OCELLUS_OK ||
        ocellus_session_set_input(s, "x", t) != OCELLUS_OK ||
        (f && ocellus_session_set_input(s, "flag", f) != OCELLUS_OK) ||
        ocellus_session_run(s) != OCELLUS_OK)
        at = -1;
    for (int k = 0; at >= 0 && k < g->n_outputs; k++) {
        const ocellus_tensor *out;
        if (ocellus_session_get_output(s, g->output_names[k], &out) !=
            OCELLUS_OK) {
            at = -1;
            break;
        }
        for (size_t i = 0; i < ocellus_tensor_count(out) && at < most; i++)
            y[at++] = ((float *)ocellus_tensor_data(out))[i];
    }
    ocellus_session_destroy(s);
    ocellus_tensor_destroy(t);
    ocellus_tensor_destroy(f);
    return at;
}

static int
same(const float *a, const float *b, int n)
{
    for (int k = 0; k < n; k++)
        if (!(fabsf(a[k] - b[k]) <= 1e-5f * (1 + fabsf(b[k]))))
            return 0;
    return 1;
}

/* ---- If ---------------------------------------------------------------------
 */

/* y = flag ? 2x : -x, x from outside. */
static struct ocellus_value *
branches(struct ocellus_graph *g, struct ocellus_value *flag,
         struct ocellus_value *x)
{
    struct ocellus_graph *a = open_graph(), *b = open_graph();
    struct ocellus_value *xa = parameter(a, "x"), *xb = parameter(b, "x");
    oc_graph_output(a, "y", OC_NODE(a, "Mul", NULL, xa, oc_scalar(a, 2)));
    oc_graph_output(b, "y", OC_NODE(b, "Neg", NULL, xb));
    struct oc_attr attr[] = {
        {.name = "else_branch", .kind = OC_ATTR_GRAPH, .graph = b},
        {.name = "then_branch", .kind = OC_ATTR_GRAPH, .graph = a}};
    return apply(g, "If", attr, 2, (struct ocellus_value *[]){flag, x, x}, 3,
                 1);
}

static void
test_if(ocellus_device *device)
{
    const int64_t dims[] = {3};
    float x[] = {1, -2, 3}, y[3], twice[] = {2, -4, 6}, minus[] = {-1, 2, -3};
    for (unsigned char flag = 0; flag < 2; flag++) {
        struct ocellus_graph *g = open_graph();
        struct oc_shape three = OC_SHAPE(3), scalar = {0};
        struct ocellus_value *in =
            oc_graph_input(g, "x", OCELLUS_FLOAT, &three);
        struct ocellus_value *f =
            oc_graph_input(g, "flag", OCELLUS_BOOL, &scalar);
        oc_graph_output(g, "y", branches(g, f, in));
        int got = run(device, g, x, 3, dims, 1, y, 3, &flag);
        ok(got == 3 && same(y, flag ? twice : minus, 3),
           flag ? "If by an input, true" : "If by an input, false");
        oc_graph_destroy(g);
    }
    for (int k = 0; k < 2; k++) {
        struct ocellus_graph *g = open_graph();
        struct oc_shape three = OC_SHAPE(3);
        struct ocellus_value *in =
            oc_graph_input(g, "x", OCELLUS_FLOAT, &three);
        struct ocellus_value *sum =
            OC_NODE(g, "ReduceSum", "keepdims=0", OC_NODE(g, "Exp", NULL, in));
        struct ocellus_value *f =
            OC_NODE(g, "Greater", NULL, sum, oc_scalar(g, k ? 1e6 : 0));
        struct ocellus_value *y0 = branches(g, f, in);
        oc_graph_output(g, "y", OC_NODE(g, "Add", NULL, y0, in));
        int got = run(device, g, x, 3, dims, 1, y, 3, NULL);
        float want[3];
        for (int i = 0; i < 3; i++)
            want[i] = x[i] + (k ? minus : twice)[i];
        ok(got == 3 && same(y, want, 3),
           k ? "If by a kernel's number, false" : "If by a kernel's number");
        oc_graph_destroy(g);
    }
}

/* ---- Loop
 * -------------------------------------------------------------------- */

/* s' = s + turn * x; gathers s'; goes on while sum(s') < limit. */
static struct ocellus_graph *
body(double limit)
{
    struct ocellus_graph *b = open_graph();
    struct ocellus_value *turn = parameter(b, "turn");
    parameter(b, "go");
    struct ocellus_value *s = parameter(b, "s"), *x = parameter(b, "x");
    struct ocellus_value *f = OC_NODE(b, "Cast", "to=1", turn);
    struct ocellus_value *next =
        OC_NODE(b, "Add", NULL, s, OC_NODE(b, "Mul", NULL, f, x));
    struct ocellus_value *go =
        limit > 0 ? OC_NODE(b, "Less", NULL,
                            OC_NODE(b, "ReduceSum", "keepdims=0", next),
                            oc_scalar(b, limit))
                  : number(b, OCELLUS_BOOL, 1);
    oc_graph_output(b, "go", go);
    oc_graph_output(b, "s", next);
    oc_graph_output(b, "each", next);
    return b;
}

static void
test_loop(ocellus_device *device, int64_t most, double limit, const char *what)
{
    const int64_t dims[] = {2};
    float x[] = {1, 0.5f}, y[64], want[64], s[2] = {0, 0};
    struct ocellus_graph *g = open_graph();
    struct oc_shape two = OC_SHAPE(2);
    struct ocellus_value *in = oc_graph_input(g, "x", OCELLUS_FLOAT, &two);
    struct ocellus_value *zero = OC_NODE(g, "Mul", NULL, in, oc_scalar(g, 0));
    struct oc_attr attr[] = {
        {.name = "body", .kind = OC_ATTR_GRAPH, .graph = body(limit)},
        {.name = "carried", .kind = OC_ATTR_INT, .i = 1}};
    struct ocellus_value *loop[] = {number(g, OCELLUS_INT64, most),
                                    number(g, OCELLUS_BOOL, 1), zero, in};
    struct ocellus_value *last = apply(g, "Loop", attr, 2, loop, 4, 2);
    if (last == NULL) {
        ok(0, what);
        oc_graph_destroy(g);
        return;
    }
    oc_graph_output(g, "last", last);
    oc_graph_output(g, "each", last->node->out[1]);
    int turns = 0;
    for (int go = 1; turns < most && go; turns++) {
        for (int k = 0; k < 2; k++)
            want[2 + 2 * turns + k] = s[k] += (float)turns * x[k];
        go = limit <= 0 || s[0] + s[1] < limit;
    }
    memcpy(want, s, sizeof s);
    int got = run(device, g, x, 2, dims, 1, y, 64, NULL);
    ok(got == 2 + 2 * turns && same(y, want, got), what);
    oc_graph_destroy(g);
}

/* ---- Scan
 * -------------------------------------------------------------------- */

/* Running sums over the columns, from the right. */
static void
test_scan(ocellus_device *device)
{
    const int64_t dims[] = {2, 3}, one = 1;
    float x[] = {1, 2, 3, 10, 20, 30}, y[8];
    const float want[] = {6, 60, 6, 5, 3, 60, 50, 30};
    struct ocellus_graph *g = open_graph(), *b = open_graph();
    struct oc_shape shape = OC_SHAPE(2, 3), two = OC_SHAPE(2);
    const float zeros[2] = {0};
    struct ocellus_value *s = parameter(b, "s"), *piece = parameter(b, "piece");
    struct ocellus_value *sum = OC_NODE(b, "Add", NULL, s, piece);
    oc_graph_output(b, "s", sum);
    oc_graph_output(b, "each", sum);
    struct oc_attr attr[] = {
        {.name = "body", .kind = OC_ATTR_GRAPH, .graph = b},
        {.name = "num_scan_inputs", .kind = OC_ATTR_INT, .i = 1},
        {.name = "carried", .kind = OC_ATTR_INT, .i = 1},
        {.name = "scan_input_axes", .kind = OC_ATTR_INTS, 1, .ints = &one},
        {.name = "scan_output_axes", .kind = OC_ATTR_INTS, 1, .ints = &one},
        {.name = "scan_input_directions",
         .kind = OC_ATTR_INTS,
         1,
         .ints = &one},
        {.name = "scan_output_directions",
         .kind = OC_ATTR_INTS,
         1,
         .ints = &one}};
    struct ocellus_value *in = oc_graph_input(g, "x", OCELLUS_FLOAT, &shape);
    struct ocellus_value *first =
        oc_graph_constant(g, NULL, OCELLUS_FLOAT, &two, zeros);
    struct ocellus_value *last =
        apply(g, "Scan", attr, 7, (struct ocellus_value *[]){first, in}, 2, 2);
    if (last != NULL) {
        oc_graph_output(g, "last", last);
        oc_graph_output(g, "each", last->node->out[1]);
    }
    ok(last != NULL && run(device, g, x, 6, dims, 2, y, 8, NULL) == 8 &&
           same(y, want, 8),
       "Scan backwards over the second axis");
    oc_graph_destroy(g);
}

int
main(void)
{
    ocellus_device *device;
    if (ocellus_device_open(NULL, &device) != OCELLUS_OK) {
        printf("ok - # SKIP %s\n", ocellus_error());
        return 77;
    }
    test_if(device);
    test_loop(device, 5, 0, "Loop by a count");
    test_loop(device, 9, 7, "Loop until a kernel's number says so");
    test_loop(device, 3, 1e6, "Loop whose count ends it first");
    test_scan(device);
    printf("1..%d\n", count);
    ocellus_device_close(device);
    return failed != 0;
}

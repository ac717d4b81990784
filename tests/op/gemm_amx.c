/* gemm_amx.c - matrix products of bfloat16 in tiles and the two products that
 * are their gradients, against their definition: plain loops, sums in double
 * (rounded.h). All in one graph, twice; by loops on every device, and by the
 * instructions of AMX where the device is an x86-64 processor under Linux,
 * which has them or is given them by amx_emulator.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/amx.h"
#include "device/doctor.h"
#include "device/inside.h"
#include "device/session.h"
#include "tests/op/amx_emulator.h"
#include "tests/op/rounded.h"

struct shape {
    const char *what;
    int a[2], b[2]; /* batch axes, outer first; 0: there is none */
    int m, k, n;
    int turned_a, turned_b;
    double alpha, beta;  /* 0: MatMulT, and Gemm without C */
    int c[2];            /* 0, 0: the output's */
    const char *formula; /* epilogue, or NULL */
    int extra;           /* it reads e0, or e0 and e1 */
    int cores, cache;    /* 0: of the device */
};

#define GEMM(what_, m_, k_, n_, ta_, tb_, alpha_, beta_, rows_, columns_)      \
    {                                                                          \
        .what = what_, .m = m_, .k = k_, .n = n_, .turned_a = ta_,             \
        .turned_b = tb_, .alpha = alpha_, .beta = beta_,                       \
        .c = {rows_, columns_}, .cores = 1                                     \
    }
#define SHARED(what_, m_, k_, n_, ta_, cores_, cache_)                         \
    {                                                                          \
        .what = what_, .m = m_, .k = k_, .n = n_, .turned_a = ta_, .alpha = 1, \
        .cores = cores_, .cache = cache_                                       \
    }
/* a0, a1: A's batch axes; b0, b1: those of B. */
#define BATCH(what_, a0, a1, b0, b1, m_, k_, n_, ta_, tb_)                     \
    {                                                                          \
        .what = what_, .a = {a0, a1}, .b = {b0, b1}, .m = m_, .k = k_,         \
        .n = n_, .turned_a = ta_, .turned_b = tb_, .cores = 2                  \
    }
#define FUSED(what_, batch, n_, formula_, extra_)                              \
    {                                                                          \
        .what = what_, .a = {0, batch}, .b = {0, batch}, .m = 35, .k = 20,     \
        .n = n_, .turned_b = 1, .alpha = !batch, .formula = formula_,          \
        .extra = extra_, .cores = 1                                            \
    }

static const struct shape shapes[] = {
    GEMM("one tile", 16, 32, 16, 0, 0, 1, 0, 0, 0),
    GEMM("one of everything", 1, 1, 1, 0, 0, 1, 0, 0, 0),
    GEMM("primes", 37, 53, 43, 0, 0, 1, 0, 0, 0),
    GEMM("A turned", 37, 53, 43, 1, 0, 2, 0, 0, 0),
    GEMM("B turned", 37, 53, 43, 0, 1, 1, 1, 1, 43),
    GEMM("both turned", 37, 53, 43, 1, 1, 0.5, 2, 37, 1),
    GEMM("whole C", 33, 31, 17, 0, 1, 1, -1, 33, 17),
    GEMM("one C", 15, 33, 31, 1, 0, 1, 0.5, 1, 1),
    GEMM("deep", 34, 1100, 20, 0, 1, 1, 1, 1, 20),
    GEMM("deep, turned", 17, 545, 33, 1, 0, 1, 0, 0, 0),
    GEMM("few rows", 3, 70, 65, 0, 1, 1, 1, 1, 65),
    GEMM("no rows", 0, 20, 17, 0, 0, 1, 0, 0, 0),
    SHARED("small cache", 70, 130, 100, 0, 1, 20000),
    SHARED("smaller cache", 50, 130, 40, 1, 1, 12000),
    SHARED("many cores", 290, 40, 270, 0, 64, 0),
    BATCH("batch", 0, 3, 0, 3, 18, 20, 33, 0, 0),
    BATCH("batch, turned", 0, 3, 0, 3, 18, 20, 33, 1, 1),
    BATCH("a B for all", 0, 3, 0, 0, 18, 20, 17, 0, 0),
    BATCH("a B for all, turned", 0, 3, 0, 0, 18, 20, 17, 1, 1),
    BATCH("an A for all", 0, 0, 0, 3, 18, 20, 17, 0, 1),
    BATCH("crosswise", 2, 1, 1, 3, 9, 21, 17, 0, 1),
    BATCH("A along one axis", 1, 3, 2, 3, 9, 21, 17, 0, 0),
    BATCH("B along one axis", 2, 3, 2, 1, 9, 21, 17, 1, 0),
    FUSED("rectified", 0, 50, "fmax(v, 0.0f)", 0),
    FUSED("residual", 0, 37, "(v + e0 > 0.0f) ? v + e0 : s0 * (v + e0)", 1),
    FUSED("gate in a batch", 2, 37, "v * e0 - s0 * e1", 2),
};

/* ---- the definition ----------------------------------------------------- */

enum { A, B, C, DY, E, INPUTS };

static const char *const name[INPUTS] = {"a", "b", "c", "dy", "e"};

struct numbers {
    struct ocellus_tensor in[INPUTS]; /* kept by the session */
    float *data[INPUTS];
    size_t count[INPUTS];
    int batch[2]; /* of y */
    double *y[KINDS], *da[KINDS], *db[KINDS];
};

static int
most(int a, int b)
{
    return a > b ? a : b;
}

/* rows x columns, or how they lie, in batches. */
static struct oc_shape
matrix(const int batch[2], int rows, int columns, int turned)
{
    struct oc_shape s = {.rank = 0};

    for (int axis = 0; axis < 2; axis++)
        if (batch[axis])
            s.dim[s.rank++] = batch[axis];
    s.dim[s.rank++] = turned ? columns : rows;
    s.dim[s.rank++] = turned ? rows : columns;
    return s;
}

/* Of a matrix of batch index (o, i): where element (row, column) lies. */
static int
place(const int batch[2], int o, int i, int rows, int columns, int turned,
      int row, int column)
{
    const int at =
        (batch[0] > 1 ? o : 0) * most(batch[1], 1) + (batch[1] > 1 ? i : 0);

    return at * rows * columns +
           (turned ? column * rows + row : row * columns + column);
}

static void
define_matrix(const struct shape *p, struct numbers *t, int o, int q)
{
    for (int i = 0; i < p->m; i++)
        for (int j = 0; j < p->n; j++)
            for (int l = 0; l < p->k; l++) {
                int a = place(p->a, o, q, p->m, p->k, p->turned_a, i, l);
                int b = place(p->b, o, q, p->k, p->n, p->turned_b, l, j);
                int y = place(t->batch, o, q, p->m, p->n, 0, i, j);

                rounded_add(t->y, y, t->data[A][a], t->data[B][b]);
                rounded_add(t->da, a, t->data[DY][y], t->data[B][b]);
                rounded_add(t->db, b, t->data[DY][y], t->data[A][a]);
            }
}

static void
scale(double *const sums[KINDS], size_t count, double alpha)
{
    for (size_t at = 0; at < count; at++) {
        sums[ROUNDED][at] *= alpha;
        sums[EXACT][at] *= alpha;
        sums[SIZE][at] *= fabs(alpha);
    }
}

/* C and the epilogue are computed in float. */
static void
end(const struct shape *p, struct numbers *t)
{
    const struct oc_shape *c = &t->in[C].shape;

    for (int at = 0; at < (int)t->count[DY]; at++) {
        const int i = at / p->n % p->m, j = at % p->n;
        const int of_c =
            (c->dim[0] > 1 ? i * (int)c->dim[1] : 0) + (c->dim[1] > 1 ? j : 0);

        for (int kind = 0; kind < SIZE; kind++)
            t->y[kind][at] =
                rounded_finish(p->formula, p->extra,
                               t->y[kind][at] + p->beta * t->data[C][of_c],
                               t->data[E][at], t->data[DY][at]);
    }
}

static void
give(const struct shape *p, struct numbers *t)
{
    unsigned seed = 7;

    for (int axis = 0; axis < 2; axis++)
        t->batch[axis] = most(p->a[axis], p->b[axis]);
    t->in[A].shape = matrix(p->a, p->m, p->k, p->turned_a);
    t->in[B].shape = matrix(p->b, p->k, p->n, p->turned_b);
    t->in[C].shape =
        p->c[0] ? OC_SHAPE(p->c[0], p->c[1]) : OC_SHAPE(p->m, p->n);
    t->in[DY].shape = matrix(t->batch, p->m, p->n, 0);
    t->in[E].shape = t->in[DY].shape;
    for (int k = 0; k < INPUTS; k++) {
        t->count[k] = (size_t)oc_shape_count(&t->in[k].shape);
        t->data[k] = rounded_draw(t->count[k], &seed);
        t->in[k].type = OCELLUS_FLOAT;
        t->in[k].data = t->data[k];
    }
}

static struct numbers
define(const struct shape *p)
{
    struct numbers t = {.batch = {0}};
    const double alpha = p->alpha != 0.0 ? p->alpha : 1.0;

    give(p, &t);
    for (int kind = 0; kind < KINDS; kind++) {
        t.y[kind] = calloc(t.count[DY] + 1, sizeof(double));
        t.da[kind] = calloc(t.count[A] + 1, sizeof(double));
        t.db[kind] = calloc(t.count[B] + 1, sizeof(double));
    }
    for (int o = 0; o < most(t.batch[0], 1); o++)
        for (int i = 0; i < most(t.batch[1], 1); i++)
            define_matrix(p, &t, o, i);
    scale(t.y, t.count[DY], alpha);
    scale(t.da, t.count[A], alpha);
    scale(t.db, t.count[B], alpha);
    end(p, &t);
    return t;
}

static void
release(struct numbers *t)
{
    for (int k = 0; k < INPUTS; k++)
        free(t->data[k]);
    for (int kind = 0; kind < KINDS; kind++) {
        free(t->y[kind]);
        free(t->da[kind]);
        free(t->db[kind]);
    }
}

/* ---- the graph ---------------------------------------------------------- */

/* The product, and what its rule of gradients makes of dy. */
static ocellus_status
build(const struct shape *p, const struct numbers *t,
      struct ocellus_graph *graph)
{
    struct ocellus_value *in[INPUTS], *y, *dy[1], *dx[3] = {NULL};
    char text[100];

    for (int k = 0; k < INPUTS; k++)
        in[k] = oc_graph_input(graph, name[k], OCELLUS_FLOAT, &t->in[k].shape);
    snprintf(text, sizeof text, "alpha=%g beta=%g transA=%d transB=%d",
             p->alpha, p->beta, p->turned_a, p->turned_b);
    y = oc_apply(graph, p->alpha != 0.0 ? "Gemm" : "MatMulT",
                 p->alpha != 0.0 ? text : strstr(text, "transA"), in,
                 p->beta != 0.0 ? 3 : 2);
    OC_TRY(oc_graph_output(graph, "y", y));
    dy[0] = in[DY];
    dx[0] = in[A];
    dx[1] = in[B];
    y->node->op->grad(y->node, dy, dx);
    OC_TRY(oc_graph_output(graph, "da", dx[0]));
    OC_TRY(oc_graph_output(graph, "db", dx[1]));
    OC_TRY(oc_graph_output(graph, "c again", in[C]));
    return oc_graph_output(graph, "e again", in[E]);
}

/* A session's pass: gives the product its epilogue, as fusing does. */
static ocellus_status
fuse(struct ocellus_graph *graph, void *user)
{
    const struct shape *p = user;

    graph->precision = OC_BF16;
    return rounded_fuse(graph->nodes[0], p->formula, p->extra, graph->inputs[E],
                        graph->inputs[DY]);
}

/* ---- running ------------------------------------------------------------ */

static int failures, count;

static void
report(int good, const char *what, const struct shape *p, int amx)
{
    printf("%s %d - %s, by %s: %s\n", good ? "ok" : "not ok", ++count,
           p ? p->what : "tiles",
           amx == OC_AMX_LOOPS ? "loops" : "instructions", what);
    fflush(stdout);
    failures += !good;
}

static ocellus_status
run(struct ocellus_session *session, struct numbers *t)
{
    for (int k = 0; k < INPUTS; k++)
        OC_TRY(oc_session_set_input(session, name[k], &t->in[k]));
    return oc_session_run(session);
}

static ocellus_status
compare(struct ocellus_session *session, const struct shape *p, int amx,
        const char *output, double *const want[KINDS], size_t elements)
{
    const struct ocellus_tensor *got;

    OC_TRY(oc_session_get_output(session, output, &got));
    report((size_t)oc_shape_count(&got->shape) == elements &&
               rounded_near(got->data, want, elements) &&
               rounded_is_seen(want, elements),
           output, p, amx);
    return OCELLUS_OK;
}

static ocellus_status
check_choices(struct ocellus_session *session, const struct shape *p, int amx)
{
    const struct oc_plan *plan;
    int products = 0, tiled = 0;

    OC_TRY(oc_session_plan(session, &plan, NULL));
    for (int k = 0; k < plan->n_choices; k++) {
        const struct oc_choice *c = &plan->choice[k];

        if (!strstr("Gemm MatMulT", c->node->op->name))
            continue;
        products++;
        tiled += strcmp(c->impl->name, "amx") == 0;
    }
    report(products == 3 && tiled == (p->m > 0 ? 3 : 2), "three products", p,
           amx);
    return OCELLUS_OK;
}

static ocellus_status
check_numbers(struct ocellus_session *session, const struct shape *p, int amx,
              struct numbers *t)
{
    const size_t bytes = t->count[DY] * sizeof(float);
    const struct ocellus_tensor *y;
    float *before = malloc(bytes + 1);
    ocellus_status status;

    OC_TRY_OUT(run(session, t));
    OC_TRY_OUT(check_choices(session, p, amx));
    OC_TRY_OUT(compare(session, p, amx, "y", t->y, t->count[DY]));
    OC_TRY_OUT(compare(session, p, amx, "da", t->da, t->count[A]));
    OC_TRY_OUT(compare(session, p, amx, "db", t->db, t->count[B]));
    OC_TRY_OUT(oc_session_get_output(session, "y", &y));
    memcpy(before, y->data, bytes);
    OC_TRY_OUT(run(session, t));
    OC_TRY_OUT(oc_session_get_output(session, "y", &y));
    report(memcmp(y->data, before, bytes) == 0, "the same bits again", p, amx);
out:
    free(before);
    return status;
}

static struct oc_caps
caps_of(ocellus_device *device, const struct shape *p, int amx)
{
    struct oc_caps caps = *oc_device_caps(device);

    caps.cpu = 1;
    caps.vector_width = 16;
    caps.vector_registers = 32;
    caps.amx = amx;
    caps.eager = 1;
    if (p->cores)
        caps.compute_units = p->cores;
    if (p->cache)
        caps.cache = (size_t)p->cache;
    return caps;
}

static ocellus_status
check(ocellus_device *device, const struct shape *p, int amx)
{
    const struct oc_caps caps = caps_of(device, p, amx);
    struct ocellus_session *session = NULL;
    struct ocellus_graph *graph = NULL;
    struct numbers t = define(p);
    ocellus_status status;

    OC_TRY_OUT(oc_graph_create(&graph));
    OC_TRY_OUT(build(p, &t, graph));
    OC_TRY_OUT(
        oc_session_create(device, graph, NULL, fuse, (void *)p, &session));
    oc_session_set_caps(session, &caps);
    OC_TRY_OUT(check_numbers(session, p, amx, &t));
out:
    oc_session_destroy(session);
    oc_graph_destroy(graph);
    release(&t);
    return status;
}

static void
check_all(ocellus_device *device, int amx)
{
    for (size_t k = 0; k < OC_COUNT(shapes); k++)
        if (check(device, &shapes[k], amx) != OCELLUS_OK)
            report(0, ocellus_error(), &shapes[k], amx);
}

/* ---- what it leaves to others, the doctor -------------------------------- */

/* Whether a product of m x k and k x n is multiplied in tiles. */
static void
check_refusal(const struct oc_caps *caps, int m, int k, int n, int tiled)
{
    const struct oc_shape a = OC_SHAPE(m, k), b = OC_SHAPE(k, n);
    struct ocellus_graph *graph = NULL;
    struct ocellus_value *in[2], *y = NULL;
    const char *why = "no graph";
    char what[200];

    if (oc_graph_create(&graph) == OCELLUS_OK) {
        in[0] = oc_graph_input(graph, "a", OCELLUS_FLOAT, &a);
        in[1] = oc_graph_input(graph, "b", OCELLUS_FLOAT, &b);
        y = oc_apply(graph, "MatMul", NULL, in, 2);
    }
    if (y)
        why = y->node->op->impls[0].refuse(y->node, caps);
    snprintf(what, sizeof what, "%d x %d by %d x %d: %s", m, k, k, n,
             why ? why : "taken");
    report(y && tiled == (why == NULL), what, NULL, caps->amx);
    oc_graph_destroy(graph);
}

static void
check_refusals(ocellus_device *device)
{
    struct oc_caps caps = caps_of(device, &shapes[0], OC_AMX_LOOPS);

    check_refusal(&caps, 1, 1, 1, 1);
    caps.eager = 0;
    check_refusal(&caps, 16, 16, 16, 1);
    check_refusal(&caps, 15, 16, 16, 0);
    check_refusal(&caps, 16, 15, 16, 0);
    check_refusal(&caps, 16, 16, 15, 0);
    caps.amx = OC_AMX_NONE;
    check_refusal(&caps, 16, 16, 16, 0);
}

static int
see(void *user, const ocellus_doctor_row *row)
{
    *(int *)user += strcmp(row->implementation, "amx") == 0 && row->ok == 1;
    return 0;
}

/* It knows what rounding does to numbers: each of the three is right. */
static void
check_doctor(ocellus_device *device)
{
    static const struct oc_doctor_case cases[] = {
        {"Gemm", "transB=1", "64x300 130x300 130", .then = "Relu"},
        {"MatMul", NULL, "3x17x23 3x23x31", .quick = 0},
        {"MatMulT", "transA=1", "3x23x17 3x23x31", .quick = 0}};
    const struct oc_caps caps = device->caps;
    int right = 0, wrong = -1;
    ocellus_status status;

    device->caps.cpu = 1;
    device->caps.amx = OC_AMX_LOOPS;
    status = oc_doctor_check(device, cases, (int)OC_COUNT(cases), 0, see,
                             &right, &wrong);
    device->caps = caps;
    report(status == OCELLUS_OK && wrong == 0 && right == (int)OC_COUNT(cases),
           "the doctor's opinion", NULL, OC_AMX_LOOPS);
}

int
main(void)
{
    ocellus_device *device;
    const char *why;

    if (ocellus_device_open(NULL, &device) != OCELLUS_OK) {
        printf("skipped: %s\n", ocellus_error());
        return 77;
    }
    oc_device_spoil(device);
    check_all(device, OC_AMX_LOOPS);
    check_refusals(device);
    check_doctor(device);
    why = rounded_get_instructions(device);
    if (why)
        printf("ok %d - by instructions # SKIP %s\n", ++count, why);
    else
        check_all(device, OC_AMX_INSTRUCTIONS);
    printf("# %lu instructions emulated\n", amx_emulated());
    ocellus_device_close(device);
    printf("1..%d\n", count);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

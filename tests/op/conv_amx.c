/* conv_amx.c - convolutions of bfloat16 in tiles, against their definition:
 * plain loops, sums in double, once of numbers rounded to bfloat16 and once of
 * the numbers themselves. Conv, ConvGradInput and ConvGradWeight
 * in one graph, twice; by loops
 * on every device, and by the instructions of AMX where the device is an
 * x86-64 processor under Linux, which has them or is given them by
 * amx_emulator.c. */
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
    int n, c, h, w, k, r, s;
    int stride, pad, pad_end, dilation;
    const char *formula; /* epilogue of Conv, or NULL */
    int extra;           /* it reads e0, or e0 and e1 */
    int one_axis;        /* h and r are 1 and not said */
    int small_cache;     /* bands of few rows */
    int turned;          /* the input gradient is taken as well */
};

static const struct shape shapes[] = {
    {"one tile", 1, 32, 4, 4, 16, 1, 1, 1, 0, 0, 1, NULL, 0, 0, 0, 1},
    {"one of everything", 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, NULL, 0, 0, 0, 1},
    {"primes", 3, 19, 5, 11, 37, 3, 3, 1, 1, 1, 1, NULL, 0, 0, 0, 1},
    {"7 x 7", 2, 64, 7, 7, 64, 3, 3, 1, 1, 1, 1, NULL, 0, 0, 0, 1},
    {"bands", 2, 48, 17, 9, 32, 3, 3, 1, 1, 1, 1, NULL, 0, 0, 1, 1},
    {"1x1, three chunks", 2, 90, 5, 6, 50, 1, 1, 1, 0, 0, 1, NULL, 0, 0, 0, 1},
    {"1x1, stride 2", 2, 33, 8, 7, 17, 1, 1, 2, 0, 0, 1, NULL, 0, 0, 0, 1},
    {"3x3, stride 2", 2, 32, 9, 8, 24, 3, 3, 2, 1, 1, 1, NULL, 0, 0, 0, 1},
    {"3x3, stride 2, end pad", 1, 17, 8, 8, 20, 3, 3, 2, 0, 1, 1, NULL, 0, 0, 0,
     1},
    {"5x5, stride 3, bands", 1, 20, 16, 13, 18, 5, 5, 3, 2, 2, 1, NULL, 0, 0, 1,
     1},
    {"pad wider than the window", 1, 16, 4, 3, 18, 2, 2, 1, 3, 3, 1, NULL, 0, 0,
     0, 1},
    {"dilation", 1, 20, 9, 12, 16, 3, 3, 1, 2, 2, 2, NULL, 0, 0, 0, 1},
    {"dilation 3, stride 2", 1, 16, 13, 12, 16, 3, 2, 2, 3, 2, 3, NULL, 0, 0, 0,
     0},
    {"tall window", 1, 16, 12, 6, 16, 5, 1, 1, 0, 0, 1, NULL, 0, 0, 0, 1},
    {"one axis", 2, 18, 1, 21, 20, 1, 5, 2, 2, 1, 1, NULL, 0, 1, 0, 1},
    {"rectified", 2, 16, 6, 7, 19, 3, 3, 1, 1, 1, 1, "fmax(v, 0.0f)", 0, 0, 0,
     1},
    {"residual", 2, 16, 5, 6, 37, 3, 3, 1, 1, 1, 1,
     "(v + e0 > 0.0f) ? v + e0 : s0 * (v + e0)", 1, 0, 0, 1},
    {"gate", 2, 20, 7, 9, 19, 3, 3, 2, 1, 1, 1, "v * e0 - s0 * e1", 2, 0, 0, 1},
    {"parts of the images", 40, 16, 9, 9, 16, 1, 1, 1, 0, 0, 1, NULL, 0, 0, 1,
     1},
    {"no images", 0, 16, 5, 5, 16, 3, 3, 1, 1, 1, 1, NULL, 0, 0, 0, 1},
};

/* ---- the definition ----------------------------------------------------- */

/* Numbers, and sums of three kinds. */
struct numbers {
    float *x, *w, *b, *dy, *e;
    double *y[KINDS], *dx[KINDS], *dw[KINDS];
    int oh, ow;
    size_t nx, nw, ny;
    struct ocellus_tensor in[5]; /* kept by the session */
};

static int
extent(const struct shape *p, int in, int window)
{
    return (in + p->pad + p->pad_end - (window - 1) * p->dilation - 1) /
               p->stride +
           1;
}

/* All three at output pixel (n, k, i, j). */
static void
define_pixel(const struct shape *p, struct numbers *a, int n, int k, int i,
             int j)
{
    const int at = ((n * p->k + k) * a->oh + i) * a->ow + j;

    for (int c = 0; c < p->c; c++)
        for (int r = 0; r < p->r; r++)
            for (int s = 0; s < p->s; s++) {
                int y = i * p->stride + r * p->dilation -
                        (p->one_axis ? 0 : p->pad);
                int x = j * p->stride + s * p->dilation - p->pad;
                int from = ((n * p->c + c) * p->h + y) * p->w + x;
                int weight = ((k * p->c + c) * p->r + r) * p->s + s;

                if (y < 0 || y >= p->h || x < 0 || x >= p->w)
                    continue;
                rounded_add(a->y, at, a->x[from], a->w[weight]);
                rounded_add(a->dx, from, a->dy[at], a->w[weight]);
                rounded_add(a->dw, weight, a->dy[at], a->x[from]);
            }
}

/* Bias and epilogue are computed in float. */
static void
end_pixels(const struct shape *p, struct numbers *a)
{
    const int plane = a->oh * a->ow;

    for (int at = 0; at < (int)a->ny; at++)
        for (int kind = 0; kind < SIZE; kind++)
            a->y[kind][at] =
                rounded_finish(p->formula, p->extra,
                               a->y[kind][at] + (double)a->b[at / plane % p->k],
                               a->e[at], a->dy[at]);
}

static void
give(const struct shape *p, struct numbers *a)
{
    float *const data[] = {a->x, a->w, a->b, a->dy, a->e};

    a->in[0].shape = OC_SHAPE(p->n, p->c, p->h, p->w);
    a->in[1].shape = OC_SHAPE(p->k, p->c, p->r, p->s);
    a->in[2].shape = OC_SHAPE(p->k);
    a->in[3].shape = OC_SHAPE(p->n, p->k, a->oh, a->ow);
    a->in[4].shape = a->in[3].shape;
    for (int k = 0; k < 5; k++) {
        a->in[k].type = OCELLUS_FLOAT;
        a->in[k].data = data[k];
        if (!p->one_axis || k == 2)
            continue;
        a->in[k].shape.dim[2] = a->in[k].shape.dim[3];
        a->in[k].shape.rank = 3;
    }
}

static struct numbers
define(const struct shape *p)
{
    struct numbers a = {.oh = p->one_axis ? 1 : extent(p, p->h, p->r),
                        .ow = extent(p, p->w, p->s)};
    unsigned seed = 7;

    a.nx = (size_t)(p->n * p->c * p->h * p->w);
    a.nw = (size_t)(p->k * p->c * p->r * p->s);
    a.ny = (size_t)(p->n * p->k * a.oh * a.ow);
    a.x = rounded_draw(a.nx, &seed);
    a.w = rounded_draw(a.nw, &seed);
    a.b = rounded_draw((size_t)p->k, &seed);
    a.dy = rounded_draw(a.ny, &seed);
    a.e = rounded_draw(a.ny, &seed);
    for (int kind = 0; kind < KINDS; kind++) {
        a.y[kind] = calloc(a.ny + 1, sizeof(double));
        a.dx[kind] = calloc(a.nx + 1, sizeof(double));
        a.dw[kind] = calloc(a.nw + 1, sizeof(double));
    }
    give(p, &a);
    for (int n = 0; n < p->n; n++)
        for (int k = 0; k < p->k; k++)
            for (int i = 0; i < a.oh; i++)
                for (int j = 0; j < a.ow; j++)
                    define_pixel(p, &a, n, k, i, j);
    end_pixels(p, &a);
    return a;
}

static void
release(struct numbers *a)
{
    void *all[] = {a->x, a->w, a->b, a->dy, a->e};

    for (size_t k = 0; k < OC_COUNT(all); k++)
        free(all[k]);
    for (int kind = 0; kind < KINDS; kind++) {
        free(a->y[kind]);
        free(a->dx[kind]);
        free(a->dw[kind]);
    }
}

/* ---- the graph ---------------------------------------------------------- */

static const char *const name[] = {"x", "w", "b", "dy", "e"};

static ocellus_status
build(const struct shape *p, const struct numbers *a,
      struct ocellus_graph *graph)
{
    struct ocellus_value *in[5];
    char window[200], all[260];

    if (p->one_axis) {
        snprintf(window, sizeof window,
                 "kernel_shape=%d strides=%d dilations=%d pads=%d,%d", p->s,
                 p->stride, p->dilation, p->pad, p->pad_end);
        snprintf(all, sizeof all, "%s extent=%d", window, p->w);
    } else {
        snprintf(window, sizeof window,
                 "kernel_shape=%d,%d strides=%d,%d dilations=%d,%d "
                 "pads=%d,%d,%d,%d",
                 p->r, p->s, p->stride, p->stride, p->dilation, p->dilation,
                 p->pad, p->pad, p->pad_end, p->pad_end);
        snprintf(all, sizeof all, "%s extent=%d,%d", window, p->h, p->w);
    }
    for (int i = 0; i < 5; i++)
        in[i] = oc_graph_input(graph, name[i], OCELLUS_FLOAT, &a->in[i].shape);
    OC_TRY(oc_graph_output(graph, "y", oc_apply(graph, "Conv", window, in, 3)));
    OC_TRY(oc_graph_output(
        graph, "dw", OC_NODE(graph, "ConvGradWeight", window, in[0], in[3])));
    OC_TRY(oc_graph_output(graph, "dx",
                           OC_NODE(graph, "ConvGradInput", all, in[3], in[1])));
    return oc_graph_output(graph, "e again", in[4]);
}

/* A session's pass: gives Conv its epilogue, as fusing does. */
static ocellus_status
fuse(struct ocellus_graph *graph, void *user)
{
    const struct shape *p = user;

    graph->precision = OC_BF16;
    return rounded_fuse(graph->nodes[0], p->formula, p->extra, graph->inputs[4],
                        graph->inputs[3]);
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
run(struct ocellus_session *session, struct numbers *a)
{
    for (int k = 0; k < 5; k++)
        OC_TRY(oc_session_set_input(session, name[k], &a->in[k]));
    return oc_session_run(session);
}

static ocellus_status
compare(struct ocellus_session *session, const struct shape *p, int amx,
        const char *output, double *const want[KINDS], size_t elements)
{
    const struct ocellus_tensor *got;

    OC_TRY(oc_session_get_output(session, output, &got));
    report(rounded_near(got->data, want, elements) &&
               rounded_is_seen(want, elements),
           output, p, amx);
    return OCELLUS_OK;
}

static ocellus_status
check_choices(struct ocellus_session *session, const struct shape *p, int amx)
{
    const struct oc_plan *plan;
    struct oc_run *ignored;

    OC_TRY(oc_session_plan(session, &plan, &ignored));
    for (int k = 0; k < 2 + p->turned; k++)
        report(strcmp(plan->choice[k].impl->name, "amx") == 0,
               plan->choice[k].node->op->name, p, amx);
    return OCELLUS_OK;
}

static ocellus_status
check_numbers(struct ocellus_session *session, const struct shape *p, int amx,
              struct numbers *a)
{
    const struct ocellus_tensor *y;
    float *before = malloc((a->ny + 1) * sizeof *before);
    ocellus_status status;

    OC_TRY_OUT(run(session, a));
    OC_TRY_OUT(check_choices(session, p, amx));
    OC_TRY_OUT(compare(session, p, amx, "y", a->y, a->ny));
    OC_TRY_OUT(compare(session, p, amx, "dw", a->dw, a->nw));
    if (p->turned)
        OC_TRY_OUT(compare(session, p, amx, "dx", a->dx, a->nx));
    OC_TRY_OUT(oc_session_get_output(session, "y", &y));
    memcpy(before, y->data, a->ny * sizeof *before);
    OC_TRY_OUT(run(session, a));
    OC_TRY_OUT(oc_session_get_output(session, "y", &y));
    report(memcmp(y->data, before, a->ny * sizeof *before) == 0,
           "the same bits again", p, amx);
out:
    free(before);
    return status;
}

static ocellus_status
check(ocellus_device *device, const struct shape *p, int amx)
{
    struct oc_caps caps = *oc_device_caps(device);
    struct ocellus_session *session = NULL;
    struct ocellus_graph *graph = NULL;
    struct numbers a = define(p);
    ocellus_status status;

    caps.cpu = 1;
    caps.vector_width = 16;
    caps.vector_registers = 32;
    caps.amx = amx;
    caps.eager = 1;
    if (p->small_cache)
        caps.cache = 60000;
    OC_TRY_OUT(oc_graph_create(&graph));
    OC_TRY_OUT(build(p, &a, graph));
    OC_TRY_OUT(
        oc_session_create(device, graph, NULL, fuse, (void *)p, &session));
    oc_session_set_caps(session, &caps);
    OC_TRY_OUT(check_numbers(session, p, amx, &a));
out:
    oc_session_destroy(session);
    oc_graph_destroy(graph);
    release(&a);
    return status;
}

static void
check_all(ocellus_device *device, int amx)
{
    for (size_t k = 0; k < OC_COUNT(shapes); k++)
        if (check(device, &shapes[k], amx) != OCELLUS_OK)
            report(0, ocellus_error(), &shapes[k], amx);
}

/* ---- the doctor ---------------------------------------------------------- */

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
        {"Conv", "pads=1,1,1,1", "2x17x9x11 19x17x3x3 19", .then = "Relu"},
        {"ConvGradInput", "kernel_shape=1,1 strides=2,2 extent=8,7",
         "2x33x4x4 33x17x1x1", .quick = 0},
        {"ConvGradWeight", "kernel_shape=1,1", "2x24x6x5 2x40x6x5",
         .quick = 0}};
    const struct oc_caps caps = device->caps;
    int right = 0, wrong = -1;
    ocellus_status status;

    device->caps.cpu = 1;
    device->caps.vector_width = 16;
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
    check_doctor(device);
    why = rounded_get_instructions(device);
    if (why) {
        printf("ok %d - by instructions # SKIP %s\n", ++count, why);
    } else {
        report(oc_amx_multiplies(device), "the probe's numbers", NULL,
               OC_AMX_INSTRUCTIONS);
        check_all(device, OC_AMX_INSTRUCTIONS);
    }
    printf("# %lu instructions emulated\n", amx_emulated());
    ocellus_device_close(device);
    printf("1..%d\n", count);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* conv_blocked.c - the convolutions in channel blocks, against their
 * definition: plain loops, sums in double. Each case runs Conv, ConvGradInput
 * and ConvGradWeight in one graph, twice, some of them with vectors of 4 and 16
 * lanes as well (what a device lacks its compiler splits). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "device/session.h"

struct shape {
    const char *what;
    int n, c, h, w, k, r, s;
    int stride, pad, pad_end, dilation;
    const char *formula; /* epilogue of Conv, or NULL */
    int extra;           /* it reads e0, or e0 and e1 */
    int direct_input;    /* the input gradient is refused */
    int all_widths;      /* vectors of 4 and 16 lanes, too */
    int depthwise;       /* k == c == groups */
    int one_axis;        /* h and r are 1 and not said */
    int groups;          /* 0: one, or depthwise */
};

static const struct shape shapes[] = {
    {"one of everything", 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, NULL, 0, 0, 0, 0, 0,
     0},
    {"first layer 5x5", 3, 1, 12, 11, 6, 5, 5, 1, 2, 2, 1, NULL, 0, 0, 1, 0, 0,
     0},
    {"first layer, stride 2", 2, 3, 15, 13, 20, 7, 7, 2, 3, 3, 1, NULL, 0, 0, 0,
     0, 0, 0},
    {"six channels", 2, 6, 9, 10, 16, 5, 5, 1, 0, 0, 1, NULL, 0, 0, 0, 0, 0, 0},
    {"whole blocks", 2, 32, 7, 7, 48, 3, 3, 1, 1, 1, 1, NULL, 0, 0, 0, 0, 0, 0},
    {"primes", 3, 13, 5, 11, 19, 3, 3, 1, 1, 1, 1, NULL, 0, 0, 1, 0, 0, 0},
    {"1x1", 2, 24, 6, 5, 40, 1, 1, 1, 0, 0, 1, NULL, 0, 0, 0, 0, 0, 0},
    {"1x1, channels in plenty", 2, 64, 5, 3, 128, 1, 1, 1, 0, 0, 1, NULL, 0, 0,
     0, 0, 0, 0},
    {"1x1, stride 2", 2, 17, 8, 7, 33, 1, 1, 2, 0, 0, 1, NULL, 0, 0, 0, 0, 0,
     0},
    {"3x3, stride 2", 2, 16, 9, 8, 24, 3, 3, 2, 1, 1, 1, NULL, 0, 0, 1, 0, 0,
     0},
    {"3x3, stride 2, end pad", 1, 8, 8, 8, 9, 3, 3, 2, 0, 1, 1, NULL, 0, 0, 0,
     0, 0, 0},
    {"stride 3", 1, 9, 10, 13, 10, 2, 2, 3, 0, 0, 1, NULL, 0, 0, 0, 0, 0, 0},
    {"pad wider than the window", 1, 5, 4, 3, 7, 2, 2, 1, 3, 3, 1, NULL, 0, 0,
     0, 0, 0, 0},
    {"dilation", 1, 10, 9, 12, 8, 3, 3, 1, 2, 2, 2, NULL, 0, 0, 0, 0, 0, 0},
    {"dilation, stride", 1, 8, 9, 9, 8, 3, 3, 2, 2, 2, 2, NULL, 0, 1, 0, 0, 0,
     0},
    {"tall window", 1, 8, 12, 6, 8, 5, 1, 1, 0, 0, 1, NULL, 0, 0, 0, 0, 0, 0},
    {"many channels", 1, 300, 3, 3, 10, 3, 3, 1, 1, 1, 1, NULL, 0, 0, 0, 0, 0,
     0},
    {"rectified", 2, 9, 6, 7, 11, 3, 3, 1, 1, 1, 1, "fmax(v, 0.0f)", 0, 0, 0, 0,
     0, 0},
    {"sigmoid", 1, 8, 6, 7, 11, 1, 1, 1, 0, 0, 1, "1.0f / (1.0f + exp(-v))", 0,
     0, 0, 0, 0, 0},
    {"residual", 2, 16, 5, 6, 21, 3, 3, 2, 1, 1, 1,
     "(v + e0 > 0.0f) ? v + e0 : s0 * (v + e0)", 1, 0, 1, 0, 0, 0},
    {"depthwise", 2, 13, 9, 11, 13, 3, 3, 1, 1, 1, 1, NULL, 0, 0, 1, 1, 0, 0},
    {"depthwise, stride 2", 2, 24, 9, 20, 24, 3, 3, 2, 1, 1, 1, NULL, 0, 0, 0,
     1, 0, 0},
    {"depthwise 5x5", 1, 9, 16, 5, 9, 5, 5, 1, 2, 2, 1, NULL, 0, 0, 0, 1, 0, 0},
    {"depthwise, dilation", 1, 8, 9, 9, 8, 3, 3, 1, 2, 2, 2, NULL, 0, 0, 0, 1,
     0, 0},
    {"depthwise, residual", 2, 11, 8, 9, 11, 3, 3, 1, 1, 1, 1,
     "(v + e0 > 0.0f) ? v + e0 : s0 * (v + e0)", 1, 0, 0, 1, 0, 0},
    {"gate", 2, 12, 7, 9, 19, 3, 3, 1, 1, 1, 1, "v * e0 - s0 * e1", 2, 0, 0, 0,
     0, 0},
    {"gate, lane by lane", 1, 8, 7, 6, 16, 1, 1, 1, 0, 0, 1,
     "fmax(v * e0, v * e0) - s0 * e1", 2, 0, 0, 0, 0, 0},
    {"depthwise gate", 1, 11, 7, 9, 11, 3, 3, 1, 1, 1, 1, "v * e0 - s0 * e1", 2,
     0, 0, 1, 0, 0},
    {"one axis", 2, 13, 1, 21, 20, 1, 5, 2, 0, 0, 1, NULL, 0, 0, 0, 0, 1, 0},
    {"one axis, first layer", 2, 2, 1, 21, 9, 1, 3, 1, 1, 1, 1, NULL, 0, 0, 0,
     0, 1, 0},
    {"one axis, depthwise", 2, 9, 1, 20, 9, 1, 3, 1, 1, 1, 1, NULL, 0, 0, 0, 1,
     1, 0},
    {"groups of whole blocks", 2, 32, 6, 7, 64, 3, 3, 1, 1, 1, 1, NULL, 0, 0, 1,
     0, 0, 2},
    {"groups of odd blocks, stride 2", 2, 48, 9, 8, 144, 3, 3, 2, 1, 1, 1, NULL,
     0, 0, 1, 0, 0, 3},
    {"groups of four, residual", 2, 32, 7, 6, 32, 3, 3, 1, 1, 1, 1,
     "(v + e0 > 0.0f) ? v + e0 : s0 * (v + e0)", 1, 0, 1, 0, 0, 8},
    {"groups that no block ends", 2, 15, 6, 7, 21, 3, 3, 2, 1, 1, 1, NULL, 0, 0,
     1, 0, 0, 3},
    {"groups, 1x1", 3, 96, 5, 4, 24, 1, 1, 1, 0, 0, 1, NULL, 0, 0, 1, 0, 0, 3},
    {"groups, fewer channels than lanes", 2, 4, 7, 5, 6, 3, 3, 1, 2, 1, 1, NULL,
     0, 0, 1, 0, 0, 2},
    {"groups, one axis", 2, 24, 1, 21, 48, 1, 5, 2, 0, 0, 1, NULL, 0, 0, 0, 0,
     1, 6},
    {"no images", 0, 8, 5, 5, 8, 3, 3, 1, 1, 1, 1, NULL, 0, 0, 0, 0, 0, 0},
};

/* Those that Winograd's method takes, tiles of 4 x 4 outputs at a time, or of
 * 2 x 2 in a training. */
static const struct shape winograd[] = {
    {"whole tiles", 2, 16, 24, 12, 32, 3, 3, 1, 1, 1, 1, NULL, 0, 0, 1, 0, 0,
     0},
    {"broken tiles", 3, 35, 13, 11, 37, 3, 3, 1, 1, 1, 1, NULL, 0, 0, 1, 0, 0,
     0},
    {"no padding", 1, 33, 30, 27, 32, 3, 3, 1, 0, 0, 1, NULL, 0, 0, 0, 0, 0, 0},
    {"padding before", 1, 32, 26, 29, 40, 3, 3, 1, 2, 0, 1, "fmax(v, 0.0f)", 0,
     0, 0, 0, 0, 0},
    {"padding behind", 2, 17, 22, 23, 16, 3, 3, 1, 0, 2, 1, NULL, 0, 0, 0, 0, 0,
     0},
    {"residual of tiles", 2, 16, 15, 18, 27, 3, 3, 1, 1, 1, 1,
     "(v + e0 > 0.0f) ? v + e0 : s0 * (v + e0)", 1, 0, 0, 0, 0, 0},
    {"gate of tiles", 1, 16, 25, 25, 23, 3, 3, 1, 1, 1, 1, "v * e0 - s0 * e1",
     2, 0, 0, 0, 0, 0},
    {"channels and tiles in plenty", 3, 35, 19, 20, 33, 3, 3, 1, 1, 1, 1, NULL,
     0, 0, 1, 0, 0, 0},
    {"tiles in plenty, padding before", 4, 32, 17, 15, 36, 3, 3, 1, 2, 0, 1,
     NULL, 0, 0, 0, 0, 0, 0},
    {"tiles in parts", 1, 112, 58, 49, 96, 3, 3, 1, 1, 1, 1, NULL, 0, 0, 0, 0,
     0, 0},
    {"rows of tiles", 12, 32, 1, 4, 32, 3, 3, 1, 1, 1, 1, NULL, 0, 0, 0, 0, 0,
     0},
};

static int training; /* the graph is one */

static int
is_winograd(const struct shape *p)
{
    return p >= winograd && p < winograd + OC_COUNT(winograd);
}

/* Enough channels and, in images of h x w, tiles of 2 x 2. */
static int
suits_winograd(const struct shape *p, int h, int w, int channels, int tiles)
{
    const int window = p->r == 3 && p->s == 3 && p->stride == 1 &&
                       p->dilation == 1 && !p->depthwise && p->groups < 2;

    return window && p->c >= channels && p->k >= channels &&
           p->n * ((h + 1) / 2) * ((w + 1) / 2) >= tiles;
}

/* ---- the definition ----------------------------------------------------- */

struct numbers {
    float *x, *w, *b, *dy, *e;
    double *y, *dx, *dw, *db;
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

static double
finish(const struct shape *p, double v, double e0, double e1)
{
    if (!p->formula)
        return v;
    if (p->extra == 2)
        return v * e0 - 0.125 * e1;
    if (p->extra)
        return v + e0 > 0 ? v + e0 : 0.125 * (v + e0);
    return p->formula[0] == 'f' ? fmax(v, 0.0) : 1.0 / (1.0 + exp(-v));
}

static int
groups_of(const struct shape *p)
{
    return p->groups ? p->groups : p->depthwise ? p->c : 1;
}

/* Channels of x that a channel of y sees. */
static int
group(const struct shape *p)
{
    return p->c / groups_of(p);
}

/* All three at output pixel (n, k, i, j). */
static void
define_pixel(const struct shape *p, struct numbers *a, int n, int k, int i,
             int j)
{
    const int at = ((n * p->k + k) * a->oh + i) * a->ow + j;
    const int c0 = k / (p->k / groups_of(p)) * group(p);
    double sum = a->b[k];

    for (int c = c0; c < c0 + group(p); c++)
        for (int r = 0; r < p->r; r++)
            for (int s = 0; s < p->s; s++) {
                int y = i * p->stride + r * p->dilation -
                        (p->one_axis ? 0 : p->pad);
                int x = j * p->stride + s * p->dilation - p->pad;
                int from, weight;

                if (y < 0 || y >= p->h || x < 0 || x >= p->w)
                    continue;
                from = ((n * p->c + c) * p->h + y) * p->w + x;
                weight = ((k * group(p) + c % group(p)) * p->r + r) * p->s + s;
                sum += (double)a->x[from] * a->w[weight];
                a->dx[from] += (double)a->dy[at] * a->w[weight];
                a->dw[weight] += (double)a->dy[at] * a->x[from];
            }
    a->db[k] += (double)a->dy[at];
    a->y[at] = finish(p, sum, a->e[at], a->dy[at]);
}

static float *
random_floats(size_t count, unsigned *seed)
{
    float *list = malloc((count + 1) * sizeof *list);

    for (size_t k = 0; k < count; k++) {
        *seed = *seed * 1664525u + 1013904223u;
        list[k] = (float)(int)(*seed >> 8) / 8388608.0f - 1.0f;
    }
    return list;
}

static void
drop_height(struct oc_shape *shape)
{
    shape->dim[2] = shape->dim[3];
    shape->rank = 3;
}

static void
give(const struct shape *p, struct numbers *a)
{
    float *const data[] = {a->x, a->w, a->b, a->dy, a->e};

    a->in[0].shape = OC_SHAPE(p->n, p->c, p->h, p->w);
    a->in[1].shape = OC_SHAPE(p->k, group(p), p->r, p->s);
    a->in[2].shape = OC_SHAPE(p->k);
    a->in[3].shape = OC_SHAPE(p->n, p->k, a->oh, a->ow);
    a->in[4].shape = a->in[3].shape;
    for (int k = 0; k < 5; k++)
        if (p->one_axis && k != 2)
            drop_height(&a->in[k].shape);
    for (int k = 0; k < 5; k++) {
        a->in[k].type = OCELLUS_FLOAT;
        a->in[k].data = data[k];
    }
}

static struct numbers
define(const struct shape *p)
{
    struct numbers a = {.oh = p->one_axis ? 1 : extent(p, p->h, p->r),
                        .ow = extent(p, p->w, p->s)};
    unsigned seed = 7;

    a.nx = (size_t)(p->n * p->c * p->h * p->w);
    a.nw = (size_t)(p->k * group(p) * p->r * p->s);
    a.ny = (size_t)(p->n * p->k * a.oh * a.ow);
    a.x = random_floats(a.nx, &seed);
    a.w = random_floats(a.nw, &seed);
    a.b = random_floats((size_t)p->k, &seed);
    a.dy = random_floats(a.ny, &seed);
    a.e = random_floats(a.ny, &seed);
    a.y = calloc(a.ny + 1, sizeof *a.y);
    a.dx = calloc(a.nx + 1, sizeof *a.dx);
    a.dw = calloc(a.nw + 1, sizeof *a.dw);
    a.db = calloc((size_t)p->k, sizeof *a.db);
    give(p, &a);
    for (int n = 0; n < p->n; n++)
        for (int k = 0; k < p->k; k++)
            for (int i = 0; i < a.oh; i++)
                for (int j = 0; j < a.ow; j++)
                    define_pixel(p, &a, n, k, i, j);
    return a;
}

static void
release(struct numbers *a)
{
    void *all[] = {a->x, a->w, a->b, a->dy, a->e, a->y, a->dx, a->dw, a->db};

    for (size_t k = 0; k < OC_COUNT(all); k++)
        free(all[k]);
}

/* ---- the graph ---------------------------------------------------------- */

static const char *const name[] = {"x", "w", "b", "dy", "e"};

static ocellus_status
build(const struct shape *p, const struct numbers *a,
      struct ocellus_graph *graph)
{
    struct ocellus_value *in[5], *dw;
    char window[200], all[260];

    if (p->one_axis) {
        snprintf(window, sizeof window,
                 "kernel_shape=%d strides=%d dilations=%d pads=%d,%d group=%d",
                 p->s, p->stride, p->dilation, p->pad, p->pad_end,
                 groups_of(p));
        snprintf(all, sizeof all, "%s extent=%d", window, p->w);
    } else {
        snprintf(window, sizeof window,
                 "kernel_shape=%d,%d strides=%d,%d dilations=%d,%d "
                 "pads=%d,%d,%d,%d group=%d",
                 p->r, p->s, p->stride, p->stride, p->dilation, p->dilation,
                 p->pad, p->pad, p->pad_end, p->pad_end, groups_of(p));
        snprintf(all, sizeof all, "%s extent=%d,%d", window, p->h, p->w);
    }
    for (int i = 0; i < 5; i++)
        in[i] = oc_graph_input(graph, name[i], OCELLUS_FLOAT, &a->in[i].shape);
    OC_TRY(oc_graph_output(graph, "y", oc_apply(graph, "Conv", window, in, 3)));
    OC_TRY(oc_graph_output(graph, "dx",
                           OC_NODE(graph, "ConvGradInput", all, in[3], in[1])));
    dw = OC_NODE(graph, "ConvGradWeight", window, in[0], in[3]);
    OC_TRY(oc_graph_output(graph, "dw", dw));
    OC_TRY(oc_graph_output(graph, "db",
                           OC_NODE(graph, "ConvGradBias", NULL, in[3])));
    return oc_graph_output(graph, "e again", in[4]);
}

/* A session's pass: marks a training, gives Conv its epilogue, as fusing
 * does. */
static ocellus_status
fuse(struct ocellus_graph *graph, void *user)
{
    const struct shape *p = user;
    struct oc_node *conv = graph->nodes[0];
    struct oc_epilogue *e;
    struct ocellus_value **in;

    graph->training = training;
    if (!p->formula)
        return OCELLUS_OK;
    e = oc_arena_alloc(graph->arena, sizeof *e);
    in = oc_arena_alloc(graph->arena, 5 * sizeof *in);
    if (!e || !in)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for an epilogue");
    e->formula = p->formula;
    e->n_extra = p->extra;
    e->n_scalar = p->extra != 0;
    e->scalar[0] = 0.125f;
    memcpy(in, conv->in, 3 * sizeof *in);
    in[3] = graph->inputs[4];
    in[4] = graph->inputs[3];
    conv->in = in;
    conv->n_in = 3 + p->extra;
    conv->epilogue = e;
    return OCELLUS_OK;
}

/* ---- running ------------------------------------------------------------ */

static int failures, count;

static void
report(int good, const char *what, const struct shape *p, int width)
{
    printf("%s %d - %s, %d lanes: %s\n", good ? "ok" : "not ok", ++count,
           p->what, width, what);
    failures += !good;
}

static int
near(const float *got, const double *want, size_t elements, double share)
{
    double most = 0.0, far = 0.0;

    for (size_t k = 0; k < elements; k++) {
        most = fmax(most, fabs(want[k]));
        far = fmax(far, fabs(got[k] - want[k]));
        if (isnan(got[k]))
            return 0;
    }
    return far <= share * most + 1e-7;
}

static ocellus_status
run(struct ocellus_session *session, struct numbers *a)
{
    for (int k = 0; k < 5; k++)
        OC_TRY(oc_session_set_input(session, name[k], &a->in[k]));
    return oc_session_run(session);
}

static ocellus_status
compare(struct ocellus_session *session, const struct shape *p, int width,
        const char *output, const double *want, size_t elements, float *before)
{
    const struct ocellus_tensor *got;
    size_t bytes = elements * sizeof(float);

    OC_TRY(oc_session_get_output(session, output, &got));
    if (!before) {
        report(
            near(got->data, want, elements,
                 is_winograd(p) && !training && output[0] == 'y' ? 4e-6 : 2e-6),
            output, p, width);
        return OCELLUS_OK;
    }
    report(elements == 0 || memcmp(got->data, before, bytes) == 0,
           "the same bits again", p, width);
    return OCELLUS_OK;
}

static ocellus_status
check_choices(struct ocellus_session *session, const struct shape *p, int width)
{
    const struct oc_plan *plan;
    struct oc_run *ignored;

    OC_TRY(oc_session_plan(session, &plan, &ignored));
    const int forth =
        is_winograd(p) && (!training || (p->c >= 32 && p->k >= 32));
    const int turns = suits_winograd(p, p->h, p->w, 32, 12);
    const int weighs =
        suits_winograd(p, extent(p, p->h, 3), extent(p, p->w, 3), 32, 256);
    for (int k = 0; k < 4; k++) {
        const char *want = k == 3                      ? "blocked"
                           : k == 1 && p->direct_input ? "direct"
                           : k == 0 && forth           ? "winograd"
                           : k == 1 && turns           ? "winograd"
                           : k == 2 && weighs          ? "winograd"
                           : p->depthwise              ? "depthwise"
                                                       : "blocked";

        report(strcmp(plan->choice[k].impl->name, want) == 0,
               plan->choice[k].node->op->name, p, width);
    }
    return OCELLUS_OK;
}

static ocellus_status
check_numbers(struct ocellus_session *session, const struct shape *p, int width,
              struct numbers *a)
{
    const struct ocellus_tensor *y, *dw;
    float *before = malloc((a->ny + a->nw + 1) * sizeof *before);
    ocellus_status status;

    OC_TRY_OUT(run(session, a));
    OC_TRY_OUT(check_choices(session, p, width));
    OC_TRY_OUT(compare(session, p, width, "y", a->y, a->ny, NULL));
    OC_TRY_OUT(compare(session, p, width, "dx", a->dx, a->nx, NULL));
    OC_TRY_OUT(compare(session, p, width, "dw", a->dw, a->nw, NULL));
    OC_TRY_OUT(compare(session, p, width, "db", a->db, (size_t)p->k, NULL));
    OC_TRY_OUT(oc_session_get_output(session, "y", &y));
    OC_TRY_OUT(oc_session_get_output(session, "dw", &dw));
    memcpy(before, y->data, a->ny * sizeof *before);
    memcpy(before + a->ny, dw->data, a->nw * sizeof *before);
    OC_TRY_OUT(run(session, a));
    OC_TRY_OUT(compare(session, p, width, "y", a->y, a->ny, before));
    OC_TRY_OUT(compare(session, p, width, "dw", a->dw, a->nw, before + a->ny));
out:
    free(before);
    return status;
}

static ocellus_status
check(ocellus_device *device, const struct shape *p, int width, int units)
{
    struct oc_caps caps = *oc_device_caps(device);
    struct ocellus_session *session = NULL;
    struct ocellus_graph *graph = NULL;
    struct numbers a = define(p);
    ocellus_status status;

    caps.cpu = 1;
    caps.vector_width = width;
    caps.vector_registers = width == 8 ? 16 : 32;
    caps.compute_units = units ? units : caps.compute_units;
    caps.launch_us = 0;
    OC_TRY_OUT(oc_graph_create(&graph));
    OC_TRY_OUT(build(p, &a, graph));
    OC_TRY_OUT(
        oc_session_create(device, graph, NULL, fuse, (void *)p, &session));
    oc_session_set_caps(session, &caps);
    OC_TRY_OUT(check_numbers(session, p, width, &a));
out:
    oc_session_destroy(session);
    oc_graph_destroy(graph);
    release(&a);
    return status;
}

/* Is it more than OCELLUS_TEST_SMALL allows? Then it says so. */
static int
is_left_out(const struct shape *p)
{
    const char *small = getenv("OCELLUS_TEST_SMALL");
    int groups = p->depthwise ? p->c : p->groups ? p->groups : 1;
    double terms = (double)p->r * p->s * p->c / groups;
    double all =
        terms * p->n * p->k * extent(p, p->h, p->r) * extent(p, p->w, p->s);

    if (!small || all <= atof(small))
        return 0;
    printf("ok - %s # SKIP %.0f multiplications, more than "
           "OCELLUS_TEST_SMALL=%s\n",
           p->what, all, small);
    count++;
    return 1;
}

/* With vectors of 8 lanes or of all widths; as on `units` cores. */
static void
check_widths(ocellus_device *device, const struct shape *p, int units, int only)
{
    for (int width = 4; width <= 16; width *= 2) {
        if (width != 8 && !p->all_widths)
            continue;
        if (only > 0 && width != only)
            continue;
        if (check(device, p, width, units) != OCELLUS_OK)
            report(0, ocellus_error(), p, width);
        fflush(stdout);
    }
}

int
main(int argc, char **argv)
{
    ocellus_device *device;
    const int only = argc > 1 ? atoi(argv[1]) : 0;

    if (ocellus_device_open(NULL, &device) != OCELLUS_OK) {
        printf("skipped: %s\n", ocellus_error());
        return 77;
    }
    oc_device_spoil(device);
    for (size_t k = 0; k < OC_COUNT(shapes); k++)
        if (!is_left_out(&shapes[k]))
            check_widths(device, &shapes[k], 0, only);
    /* On one core all in one kernel, on many in three. */
    for (size_t k = 0; k < OC_COUNT(winograd); k++)
        for (training = 0; training < 2 && !is_left_out(&winograd[k]);
             training++) {
            check_widths(device, &winograd[k], 1, only);
            check_widths(device, &winograd[k], 64, only);
        }
    ocellus_device_close(device);
    printf("1..%d\n", count);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* grid.c - GridSample, its gradients, and AffineGrid: spatial transformers
 * (Jaderberg et al. 2015) of images and volumes.
 */
#include <string.h>

#include "op/pool.h"

/* x: N x channels x d x h x w, points of N grids each. */
struct sampling {
    int axes, taps, pad;
    int64_t n, channels, d, h, w, points;
};

static int
place_of(const char *word, const char *const *list, int count)
{
    for (int k = 0; k < count; k++)
        if (strcmp(word, list[k]) == 0)
            return k;
    return -1;
}

static ocellus_status
read_modes(const struct oc_node *node, struct sampling *s)
{
    static const char *const modes[] = {"nearest", "linear", "cubic",
                                        "bilinear", "bicubic"};
    static const char *const pads[] = {"zeros", "border", "reflection"};
    static const int taps[] = {1, 2, 4, 2, 4};
    const char *mode = oc_attr_text(node, "mode", "linear");
    const char *pad = oc_attr_text(node, "padding_mode", "zeros");
    int m = place_of(mode, modes, 5);
    s->pad = place_of(pad, pads, 3);
    if (m < 0 || s->pad < 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "mode '%s' with padding_mode '%s' is not known",
                            mode, pad);
    s->taps = taps[m];
    return OCELLUS_OK;
}

/* x and grid: the shapes of those inputs of the node. */
static ocellus_status
read(const struct oc_node *node, const struct ocellus_value *x,
     const struct ocellus_value *grid, struct sampling *s)
{
    const struct oc_shape *a = &x->shape, *g = &grid->shape;
    char at[OC_SHAPE_TEXT], gt[OC_SHAPE_TEXT];
    OC_TRY(read_modes(node, s));
    OC_TRY(oc_check_int_count(node, a));
    OC_TRY(oc_check_int_count(node, g));
    s->axes = a->rank - 2;
    if ((s->axes != 2 && s->axes != 3) || g->rank != a->rank ||
        g->dim[g->rank - 1] != s->axes || !oc_type_is_float(x->type) ||
        !oc_type_is_float(grid->type) ||
        (a->dim[0] != OC_UNKNOWN && g->dim[0] != OC_UNKNOWN &&
         a->dim[0] != g->dim[0]))
        return oc_node_fail(
            node, OCELLUS_BAD_MODEL, "a grid %s does not fit %s %s",
            oc_shape_text(g, gt), oc_type_name(x->type), oc_shape_text(a, at));
    for (int k = 2; k < a->rank; k++)
        if (a->dim[k] == 0)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "takes no empty images");
    if (s->taps == 4 && s->axes == 3)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED, "no cubic volumes");
    s->n = a->dim[0];
    s->channels = a->dim[1];
    s->d = s->axes == 3 ? a->dim[2] : 1;
    s->h = a->dim[a->rank - 2];
    s->w = a->dim[a->rank - 1];
    s->points = oc_shape_span(g, 1, g->rank - 1);
    return OCELLUS_OK;
}

static ocellus_status
infer(struct oc_node *node)
{
    const struct oc_shape *g = &node->in[1]->shape;
    struct oc_shape y = node->in[0]->shape;
    struct sampling s;
    OC_TRY(read(node, node->in[0], node->in[1], &s));
    for (int k = 2; k < y.rank; k++)
        y.dim[k] = g->dim[k - 1];
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static struct oc_step *
launch(struct oc_steps *steps, const char *kernel, int axes, ocellus_type grid)
{
    struct oc_step *l = oc_launch(steps, "grid", kernel);
    oc_define(steps, l, "AXES", axes);
    oc_define(steps, l, "CORNERS",
              oc_attr_int(steps->node, "align_corners", 0) != 0);
    oc_define_type(steps, l, "g", grid);
    return l;
}

/* x and the grid are inputs k of each. */
static struct oc_step *
sample(struct oc_steps *steps, const char *kernel, const struct sampling *s,
       int x, int grid)
{
    const struct oc_node *node = steps->node;
    struct oc_step *l = launch(steps, kernel, s->axes, node->in[grid]->type);
    oc_define_type(steps, l, "x", node->in[x]->type);
    oc_define(steps, l, "TAPS", s->taps);
    oc_define(steps, l, "PAD", s->pad);
    return l;
}

static void
extents(struct oc_steps *steps, struct oc_step *l, const struct sampling *s,
        int64_t count)
{
    oc_arg_int(steps, l, count);
    oc_arg_int(steps, l, s->channels);
    oc_arg_int(steps, l, s->d);
    oc_arg_int(steps, l, s->h);
    oc_arg_int(steps, l, s->w);
    oc_arg_int(steps, l, s->points);
    oc_grid1(l, count, 0);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    struct sampling s;
    OC_TRY(read(node, node->in[0], node->in[1], &s));
    int64_t count = oc_shape_count(&node->out[0]->shape);
    if (count == 0)
        return OCELLUS_OK;
    struct oc_step *l = sample(steps, "grid_sample", &s, 0, 1);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_out(steps, l, 0);
    extents(steps, l, &s, count);
    oc_cost(l, 4.0 * s.taps * s.taps * (double)count, 8.0 * (double)count);
    return steps->status;
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    int wanted = dy[0] && (dx[0] || dx[1]);
    struct ocellus_value *made =
        wanted ? OC_NODE_LIKE(node, "GridSampleGrad", NULL, dy[0], node->in[1],
                              node->in[0])
               : NULL;
    for (int k = 0; k < 2; k++)
        if (dx[k])
            dx[k] = made ? made->node->out[k] : NULL;
}

static const struct oc_impl impls[] = {
    {"direct", NULL, NULL, emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_GridSample = {
    .name = "GridSample",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .infer = infer,
    .grad = grad,
    .impls = impls,
};

/* ---- GridSampleGrad(dy, grid, x) -> dx, dgrid --------------------------- */

static ocellus_status
grad_infer(struct oc_node *node)
{
    struct sampling s;
    OC_TRY(read(node, node->in[2], node->in[1], &s));
    if (!oc_type_is_float(node->in[0]->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "takes a gradient");
    OC_TRY(oc_infer_out(node, 0, node->in[2]->type, &node->in[2]->shape));
    return oc_infer_out(node, 1, node->in[1]->type, &node->in[1]->shape);
}

static ocellus_status
grad_emit(struct oc_steps *steps, const struct oc_node *node)
{
    struct sampling s;
    OC_TRY(read(node, node->in[2], node->in[1], &s));
    if (oc_output_used(node, 0)) {
        struct oc_step *l = sample(steps, "grid_grad_x", &s, 2, 1);
        oc_arg_in(steps, l, 0);
        oc_arg_in(steps, l, 1);
        oc_arg_out(steps, l, 0);
        extents(steps, l, &s, s.n * s.channels);
    }
    if (oc_output_used(node, 1)) {
        struct oc_step *l = sample(steps, "grid_grad_grid", &s, 2, 1);
        oc_arg_in(steps, l, 0);
        oc_arg_in(steps, l, 1);
        oc_arg_in(steps, l, 2);
        oc_arg_out(steps, l, 1);
        extents(steps, l, &s, s.n * s.points);
    }
    return steps->status;
}

static const struct oc_impl grad_impls[] = {
    {"direct", NULL, NULL, grad_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_GridSampleGrad = {
    .name = "GridSampleGrad",
    .min_in = 3,
    .max_in = 3,
    .n_out = 2,
    .flags = OC_OP_INTERNAL,
    .infer = grad_infer,
    .impls = grad_impls,
};

/* ---- AffineGrid(theta, size of the images) ------------------------------ */

static ocellus_status
affine_infer(struct oc_node *node)
{
    const struct oc_shape *theta = &node->in[0]->shape;
    int axes = theta->rank == 3 ? (int)theta->dim[1] : 0, count = 0;
    const int64_t *size = NULL;
    struct oc_shape y = {.rank = axes + 2};
    if ((axes != 2 && axes != 3) || theta->dim[2] != axes + 1 ||
        !oc_type_is_float(node->in[0]->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "theta is neither N x 2 x 3 nor N x 3 x 4");
    if (node->in[1]->data)
        OC_TRY(oc_host_ints(node, 1, &size, &count));
    if (size && count != axes + 2)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%d extents for %d coordinates", count, axes);
    y.dim[0] = theta->dim[0];
    for (int k = 0; k < axes; k++) {
        y.dim[k + 1] = size ? size[k + 2] : OC_UNKNOWN;
        if (size && size[k + 2] < 0)
            return oc_node_fail(node, OCELLUS_BAD_MODEL, "extent %d is %lld",
                                k + 2, (long long)size[k + 2]);
    }
    y.dim[axes + 1] = axes;
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
affine_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *y = &node->out[0]->shape;
    int axes = y->rank - 2;
    int64_t count = oc_shape_count(y);
    if (count == 0)
        return OCELLUS_OK;
    struct oc_step *l = launch(steps, "affine_grid", axes, node->out[0]->type);
    oc_arg_in(steps, l, 0);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, count);
    oc_arg_int(steps, l, axes == 3 ? y->dim[1] : 1);
    oc_arg_int(steps, l, y->dim[axes - 1]);
    oc_arg_int(steps, l, y->dim[axes]);
    oc_grid1(l, count, 0);
    return steps->status;
}

/* What theta is multiplied with, points x (axes + 1): the places of the grid
 * that no theta has moved, and ones. */
static struct ocellus_value *
places(const struct oc_node *node, int axes, int64_t points)
{
    static const float plane[] = {1, 0, 0, 0, 1, 0};
    static const float volume[] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
    struct ocellus_graph *graph = node->graph;
    struct oc_shape shape = OC_SHAPE(1, axes, axes + 1);
    struct oc_shape one = OC_SHAPE(1), column = OC_SHAPE(points, 1);
    const float unit = 1;
    struct ocellus_value *same = oc_graph_constant(
        graph, NULL, OCELLUS_FLOAT, &shape, axes == 3 ? volume : plane);
    struct ocellus_value *grid =
        OC_NODE_LIKE(node, "AffineGrid", NULL, same, node->in[1]);
    struct ocellus_value *ones =
        OC_NODE(graph, "Expand", NULL,
                oc_graph_constant(graph, NULL, OCELLUS_FLOAT, &one, &unit),
                oc_ints(graph, 2, column.dim));
    const int64_t flat[] = {points, axes};
    return OC_NODE(
        graph, "Concat", "axis=1",
        OC_NODE(graph, "Reshape", NULL, grid, oc_ints(graph, 2, flat)), ones);
}

static void
affine_grad(const struct oc_node *node, struct ocellus_value *dy[],
            struct ocellus_value *dx[])
{
    const struct oc_shape *y = &node->out[0]->shape;
    int axes = y->rank - 2;
    int64_t points = oc_shape_span(y, 1, y->rank - 1);
    const int64_t flat[] = {y->dim[0], points, axes};
    struct ocellus_graph *graph = node->graph;
    dx[1] = NULL;
    if (!dx[0])
        return;
    dx[0] = NULL;
    if (!dy[0] || node->in[0]->type != OCELLUS_FLOAT)
        return;
    struct ocellus_value *rows = OC_NODE(
        graph, "Transpose", "perm=0,2,1",
        OC_NODE(graph, "Reshape", NULL, dy[0], oc_ints(graph, 3, flat)));
    dx[0] = OC_NODE(graph, "MatMul", NULL, rows, places(node, axes, points));
}

static const struct oc_impl affine_impls[] = {
    {"direct", NULL, NULL, affine_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_AffineGrid = {
    .name = "AffineGrid",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .host = 2,
    .infer = affine_infer,
    .grad = affine_grad,
    .impls = affine_impls,
};

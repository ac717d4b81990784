/* unfold.c - Col2Im and MaxUnpool: windows and pooled numbers laid back into
 * images of up to three axes.
 */
#include <limits.h>

#include "op/pool.h"
#include "op/scatter.h"

/* Axes from the last one back; those that are not there have extent 1. */
struct fold {
    int axes;
    int64_t n[3], kernel[3], stride[3], dilation[3], begin[3], end[3], out[3];
};

/* A list attribute, or two in one: none of its numbers is below `least`, which
 * is what it has where it is absent. */
static ocellus_status
list(const struct oc_node *node, const char *name, int axes, int lists,
     int64_t least, int64_t to[], int64_t to_end[])
{
    int count;
    const int64_t *given = oc_attr_ints(node, name, &count);
    for (int k = 0; k < 3; k++) {
        to[k] = least;
        if (to_end)
            to_end[k] = least;
    }
    if (!given)
        return OCELLUS_OK;
    if (count != axes * lists)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%s has %d numbers for %d axes", name, count, axes);
    for (int k = 0; k < count; k++) {
        int64_t *side = k < axes ? to : to_end;
        if (given[k] < least || given[k] > INT_MAX / 4)
            return oc_node_fail(node, OCELLUS_BAD_MODEL, "%s has a %lld", name,
                                (long long)given[k]);
        side[k % axes + 3 - axes] = given[k];
    }
    return OCELLUS_OK;
}

static ocellus_status
check_axes(const struct oc_node *node, int axes)
{
    if (axes >= 1 && axes <= 3)
        return OCELLUS_OK;
    return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                        "%d spatial axes; 1 to 3 are possible", axes);
}

/* ---- Col2Im(columns, shape of the images, shape of the window) ---------- */

static ocellus_status
extent(const struct oc_node *node, struct fold *f, int k)
{
    int64_t reach = (f->kernel[k] - 1) * f->dilation[k] + 1;
    int64_t room = f->n[k] + f->begin[k] + f->end[k] - reach;
    f->out[k] = room < 0 ? 0 : room / f->stride[k] + 1;
    if (f->out[k] < 1)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "a window of %lld does not fit into %lld",
                            (long long)reach, (long long)f->n[k]);
    return OCELLUS_OK;
}

static ocellus_status
fold_of(const struct oc_node *node, struct fold *f)
{
    const int64_t *image, *window;
    int count, windows;
    OC_TRY(oc_host_ints(node, 1, &image, &count));
    OC_TRY(oc_host_ints(node, 2, &window, &windows));
    f->axes = count;
    OC_TRY(check_axes(node, count));
    if (windows != count)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "images have %d axes, windows %d", count, windows);
    OC_TRY(list(node, "strides", count, 1, 1, f->stride, NULL));
    OC_TRY(list(node, "dilations", count, 1, 1, f->dilation, NULL));
    OC_TRY(list(node, "pads", count, 2, 0, f->begin, f->end));
    for (int k = 0; k < 3; k++) {
        int at = k - 3 + count;
        f->n[k] = at < 0 ? 1 : image[at];
        f->kernel[k] = at < 0 ? 1 : window[at];
        if (f->n[k] < 1 || f->kernel[k] < 1 || f->n[k] > INT_MAX ||
            f->kernel[k] > INT_MAX / 4)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "a window of %lld in an image of %lld",
                                (long long)f->kernel[k], (long long)f->n[k]);
        OC_TRY(extent(node, f, k));
    }
    return OCELLUS_OK;
}

static ocellus_status
col2im_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    struct fold f;
    struct oc_shape y = {.rank = 2};
    OC_TRY(fold_of(node, &f));
    struct oc_shape windows = OC_SHAPE(f.kernel[0], f.kernel[1], f.kernel[2]);
    struct oc_shape places = OC_SHAPE(f.out[0], f.out[1], f.out[2]);
    OC_TRY(oc_check_int_count(node, x));
    OC_TRY(oc_check_int_count(node, &windows));
    OC_TRY(oc_check_int_count(node, &places));
    int64_t taps = oc_shape_count(&windows), most = oc_shape_count(&places);
    if (x->rank != 3 || !oc_type_is_float(node->in[0]->type) ||
        (x->dim[1] != OC_UNKNOWN && x->dim[1] % taps != 0) ||
        (x->dim[2] != OC_UNKNOWN && x->dim[2] != most))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "columns must be N x (channels * %lld) x %lld "
                            "floats",
                            (long long)taps, (long long)most);
    y.dim[0] = x->dim[0];
    y.dim[1] = x->dim[1] == OC_UNKNOWN ? OC_UNKNOWN : x->dim[1] / taps;
    for (int k = 3 - f.axes; k < 3; k++)
        y.dim[y.rank++] = f.n[k];
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static void
three(struct oc_steps *steps, struct oc_step *l, const int64_t v[3])
{
    for (int k = 0; k < 3; k++)
        oc_arg_int(steps, l, v[k]);
}

static ocellus_status
col2im_emit(struct oc_steps *steps, const struct oc_node *node)
{
    int64_t count = oc_shape_count(&node->out[0]->shape);
    struct fold f;
    OC_TRY(fold_of(node, &f));
    if (count == 0)
        return OCELLUS_OK;
    struct oc_step *l = oc_launch(steps, "unfold", "col2im");
    oc_define_type(steps, l, "x", node->in[0]->type);
    oc_arg_in(steps, l, 0);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, count);
    three(steps, l, f.n);
    three(steps, l, f.kernel);
    three(steps, l, f.stride);
    three(steps, l, f.dilation);
    three(steps, l, f.begin);
    three(steps, l, f.out);
    oc_grid1(l, count, 0);
    return steps->status;
}

static const struct oc_impl col2im_impls[] = {
    {"direct", NULL, NULL, col2im_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_Col2Im = {
    .name = "Col2Im",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .host = 6,
    .infer = col2im_infer,
    .impls = col2im_impls,
};

/* ---- MaxUnpool(x, indices, shape of the output) -------------------------- */

/* The images that the indices speak of, in f->out. */
static ocellus_status
unpooled(const struct oc_node *node, struct fold *f)
{
    const struct oc_shape *x = &node->in[0]->shape;
    f->axes = x->rank - 2;
    OC_TRY(check_axes(node, f->axes));
    if (!oc_attr_find(node, "kernel_shape"))
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "has no kernel_shape");
    OC_TRY(list(node, "kernel_shape", f->axes, 1, 1, f->kernel, NULL));
    OC_TRY(list(node, "strides", f->axes, 1, 1, f->stride, NULL));
    OC_TRY(list(node, "pads", f->axes, 2, 0, f->begin, f->end));
    for (int k = 0; k < 3; k++) {
        int at = k - 1 + f->axes;
        int64_t n = at < 2 ? 1 : x->dim[at];
        f->out[k] = n == OC_UNKNOWN ? n
                    : at < 2        ? 1
                                    : (n - 1) * f->stride[k] - f->begin[k] -
                                   f->end[k] + f->kernel[k];
        if (n != OC_UNKNOWN && (f->out[k] < 1 || f->out[k] > INT_MAX))
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "axis %d would have %lld elements", at,
                                (long long)f->out[k]);
    }
    return OCELLUS_OK;
}

static ocellus_status
unpool_infer(struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const int64_t *shape = NULL;
    struct oc_shape y = *x;
    struct fold f;
    int count = 0;
    OC_TRY(oc_check_index(node, 1));
    OC_TRY(oc_check_int_count(node, x));
    OC_TRY(unpooled(node, &f));
    if (!oc_shape_equal(x, &node->in[1]->shape))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "needs an index for each number");
    if (oc_input(node, 2))
        OC_TRY(oc_host_ints(node, 2, &shape, &count));
    if (shape &&
        (count != x->rank || shape[0] != x->dim[0] || shape[1] != x->dim[1]))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "output_shape does not continue the input's");
    for (int k = 2; k < y.rank; k++) {
        y.dim[k] = shape ? shape[k] : f.out[k - y.rank + 3];
        if (shape && shape[k] < 1)
            return oc_node_fail(node, OCELLUS_BAD_MODEL, "extent %d is %lld", k,
                                (long long)shape[k]);
    }
    struct oc_shape spoken = y;
    for (int k = 2; k < y.rank; k++)
        spoken.dim[k] = f.out[k - y.rank + 3];
    OC_TRY(oc_check_int_count(node, &spoken));
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
unpool_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[0]->shape;
    const struct oc_shape *y = &node->out[0]->shape;
    int64_t planes = x->dim[0] * x->dim[1];
    struct fold f;
    OC_TRY(unpooled(node, &f));
    if (oc_shape_count(y) == 0)
        return OCELLUS_OK;
    int64_t parts =
        oc_scatter_parts(steps->caps, planes, oc_shape_span(y, 2, y->rank));
    struct oc_step *l = oc_launch(steps, "unfold", "max_unpool");
    oc_define_type(steps, l, "x", node->in[0]->type);
    oc_define_type(steps, l, "i", node->in[1]->type);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, planes);
    oc_arg_int(steps, l, parts);
    oc_arg_int(steps, l, oc_shape_span(x, 2, x->rank));
    three(steps, l, f.out);
    for (int k = y->rank - 3; k < y->rank; k++)
        oc_arg_int(steps, l, k < 2 ? 1 : y->dim[k]);
    oc_grid1(l, planes * parts, 0);
    return steps->status;
}

/* Without an output_shape the indices count in the output. */
static void
unpool_grad(const struct oc_node *node, struct ocellus_value *dy[],
            struct ocellus_value *dx[])
{
    struct ocellus_graph *graph = node->graph;
    const int64_t flat = -1;
    int wanted = dx[0] && dy[0] && !oc_input(node, 2);
    for (int k = 0; k < node->n_in; k++)
        dx[k] = NULL;
    if (wanted)
        dx[0] = OC_NODE(
            graph, "Gather", NULL,
            OC_NODE(graph, "Reshape", NULL, dy[0], oc_ints(graph, 1, &flat)),
            node->in[1]);
}

static const struct oc_impl unpool_impls[] = {
    {"direct", NULL, NULL, unpool_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_MaxUnpool = {
    .name = "MaxUnpool",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .host = 4,
    .infer = unpool_infer,
    .grad = unpool_grad,
    .impls = unpool_impls,
};

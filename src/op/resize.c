/* resize.c - Resize: nearest, linear, cubic, in ONNX's coordinate modes.
 *
 * Every mode is a straight line from an output's place to the input: at = o *
 * step + start. Scales, sizes and the region are known on the host. Only the
 * last three axes may change (images, volumes), or two of them and channels.
 */
#include <math.h>
#include <string.h>

#include "op/impl.h"

struct line {
    double step, start;
};

struct resize {
    int taps, nearest, outside, extra;
    int smooth; /* antialias */
    double scale[OC_MAX_RANK];
    double roi_begin[OC_MAX_RANK], roi_end[OC_MAX_RANK];
    struct oc_shape y;
};

/* ---- reading ----------------------------------------------------------------
 */

static int
index_of(const char *word, const char *const *list, int count)
{
    for (int k = 0; k < count; k++)
        if (strcmp(word, list[k]) == 0)
            return k;
    return -1;
}

static ocellus_status
read_mode(const struct oc_node *node, struct resize *r)
{
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    static const char *const rounds[] = {"round_prefer_floor",
                                         "round_prefer_ceil", "floor", "ceil"};
    static const int taps[] = {1, 2, 4};
    const char *mode = oc_attr_text(node, "mode", "nearest");
    const char *round =
        oc_attr_text(node, "nearest_mode", "round_prefer_floor");
    int m = index_of(mode, modes, 3);
    r->nearest = index_of(round, rounds, 4);
    if (m < 0 || r->nearest < 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "mode '%s' with nearest_mode '%s' is not known",
                            mode, round);
    r->taps = taps[m];
    r->smooth = r->taps > 1 && oc_attr_int(node, "antialias", 0) != 0;
    r->outside = oc_attr_int(node, "exclude_outside", 0) != 0;
    return OCELLUS_OK;
}

/* Which axes the scales, sizes and the region speak of. */
static ocellus_status
read_axes(const struct oc_node *node, int axes[], int *count)
{
    int n, rank = node->in[0]->shape.rank;
    const int64_t *given = oc_attr_ints(node, "axes", &n);
    *count = given ? n : rank;
    if (*count > rank)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "names %d axes of a tensor of rank %d", *count,
                            rank);
    for (int k = 0; k < *count; k++)
        OC_TRY(oc_axis(given ? given[k] : k, rank, &axes[k]));
    return OCELLUS_OK;
}

static ocellus_status
by_sizes(const struct oc_node *node, struct resize *r, const int axes[],
         int count, const int64_t *sizes)
{
    static const char *const policies[] = {"stretch", "not_larger",
                                           "not_smaller"};
    const char *word =
        oc_attr_text(node, "keep_aspect_ratio_policy", "stretch");
    int policy = index_of(word, policies, 3);
    const struct oc_shape *x = &node->in[0]->shape;
    double best = 0;
    if (policy < 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "keep_aspect_ratio_policy '%s' is not known", word);
    for (int k = 0; k < count; k++) {
        double n = (double)x->dim[axes[k]], s = (double)sizes[k];
        if (s < 0 || n < 1)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "axis %d of %g cannot become %g", axes[k], n,
                                s);
        double scale = s / n;
        if (k == 0 || (policy == 1 ? scale < best : scale > best))
            best = scale;
        r->scale[axes[k]] = scale;
        r->y.dim[axes[k]] = sizes[k];
    }
    for (int k = 0; policy > 0 && k < count; k++) {
        r->scale[axes[k]] = best;
        r->y.dim[axes[k]] =
            (int64_t)floor(best * (double)x->dim[axes[k]] + 0.5);
    }
    return OCELLUS_OK;
}

static ocellus_status
by_scales(const struct oc_node *node, struct resize *r, const int axes[],
          int count, const float *scales)
{
    const struct oc_shape *x = &node->in[0]->shape;
    for (int k = 0; k < count; k++) {
        double s = (double)scales[k];
        double n = s * (double)x->dim[axes[k]];
        if (!(s > 0) || n > 2147483647.0)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "scale %g of axis %d is unusable", s, axes[k]);
        r->scale[axes[k]] = s;
        if (x->dim[axes[k]] != OC_UNKNOWN)
            r->y.dim[axes[k]] = (int64_t)floor(n + 1e-6);
    }
    return OCELLUS_OK;
}

static ocellus_status
read_region(const struct oc_node *node, struct resize *r, const int axes[],
            int count)
{
    const float *roi;
    int n;
    r->extra = strcmp(oc_attr_text(node, "coordinate_transformation_mode",
                                   "half_pixel"),
                      "tf_crop_and_resize") == 0;
    if (!r->extra)
        return OCELLUS_OK;
    OC_TRY(oc_host_floats(node, 1, &roi, &n));
    if (n != 2 * count)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "the region has %d numbers for %d axes", n, count);
    for (int k = 0; k < count; k++) {
        r->roi_begin[axes[k]] = (double)roi[k];
        r->roi_end[axes[k]] = (double)roi[count + k];
    }
    return OCELLUS_OK;
}

static ocellus_status
read(const struct oc_node *node, struct resize *r)
{
    int axes[OC_MAX_RANK], count, n;
    const float *scales;
    const int64_t *sizes;
    memset(r, 0, sizeof *r);
    r->y = node->in[0]->shape;
    for (int k = 0; k < OC_MAX_RANK; k++) {
        r->scale[k] = 1;
        r->roi_end[k] = 1;
    }
    OC_TRY(read_mode(node, r));
    OC_TRY(read_axes(node, axes, &count));
    OC_TRY(read_region(node, r, axes, count));
    OC_TRY(oc_host_ints(node, 3, &sizes, &n));
    if (n == count && n > 0)
        return by_sizes(node, r, axes, count, sizes);
    OC_TRY(oc_host_floats(node, 2, &scales, &n));
    if (n != count)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "%d scales for %d axes", n,
                            count);
    return by_scales(node, r, axes, count, scales);
}

static int
host_input(const struct oc_node *node, int k)
{
    return k >= node->n_in || node->in[k] == NULL || node->in[k]->data != NULL;
}

/* As far as is known, and without overflow. */
static double
numbers(const struct oc_shape *shape)
{
    double count = 1;
    for (int k = 0; k < shape->rank; k++)
        count *= shape->dim[k] == OC_UNKNOWN ? 1 : (double)shape->dim[k];
    return count;
}

static ocellus_status
infer(struct oc_node *node)
{
    struct resize r;
    struct oc_shape y = node->in[0]->shape;
    int by_size = node->n_in > 3 && node->in[3] != NULL;
    if ((by_size && !oc_shape_known(&y)) || !host_input(node, 1) ||
        !host_input(node, 2) || !host_input(node, 3)) {
        for (int k = y.rank > 2 ? 2 : 0; k < y.rank; k++)
            y.dim[k] = OC_UNKNOWN;
        return oc_infer_out(node, 0, node->in[0]->type, &y);
    }
    OC_TRY(read(node, &r));
    for (int k = 0; k + 3 < y.rank; k++)
        if (r.y.dim[k] != y.dim[k])
            return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                                "axis %d changes; only the last three may", k);
    if (numbers(&r.y) > 0x7fffffff || numbers(&y) > 0x7fffffff)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "more than 2^31 numbers");
    return oc_infer_out(node, 0, node->in[0]->type, &r.y);
}

/* ---- launches ---------------------------------------------------------------
 */

static struct line
line_of(const struct oc_node *node, const struct resize *r, int axis)
{
    const char *mode =
        oc_attr_text(node, "coordinate_transformation_mode", "half_pixel");
    double s = r->scale[axis], n = (double)node->in[0]->shape.dim[axis];
    /* As ONNX counts: by the scale, not by the whole extent it gives. */
    double on = s * n;
    double begin = r->roi_begin[axis], end = r->roi_end[axis];
    struct line half = {1 / s, 0.5 / s - 0.5};
    if (s == 1 && !r->extra)
        return (struct line){1, 0};
    if (strcmp(mode, "asymmetric") == 0)
        return (struct line){1 / s, 0};
    if (strcmp(mode, "align_corners") == 0)
        return (struct line){on > 1 ? (n - 1) / (on - 1) : 0, 0};
    if (strcmp(mode, "pytorch_half_pixel") == 0 && r->y.dim[axis] <= 1)
        return (struct line){0, 0};
    if (strcmp(mode, "half_pixel_symmetric") == 0) {
        half.start += n / 2 * (1 - (double)r->y.dim[axis] / on);
        return half;
    }
    if (r->extra && on > 1)
        return (struct line){(end - begin) * (n - 1) / (on - 1),
                             begin * (n - 1)};
    if (r->extra)
        return (struct line){0, 0.5 * (begin + end) * (n - 1)};
    return half;
}

/* The last three axes of x and of y, and what comes before them. */
static void
arguments(struct oc_steps *steps, struct oc_step *l, const struct oc_node *node,
          const struct resize *r)
{
    const struct oc_shape *x = &node->in[0]->shape;
    int rank = x->rank, lead = rank > 3 ? rank - 3 : 0;
    oc_arg_int(steps, l, oc_shape_span(x, 0, lead));
    for (int k = rank - 3; k < rank; k++)
        oc_arg_int(steps, l, k < 0 ? 1 : x->dim[k]);
    for (int k = rank - 3; k < rank; k++)
        oc_arg_int(steps, l, k < 0 ? 1 : r->y.dim[k]);
    for (int k = rank - 3; k < rank; k++) {
        struct line line = {1, 0};
        if (k >= 0)
            line = line_of(node, r, k);
        oc_arg_float(steps, l, line.step);
        oc_arg_float(steps, l, line.start);
    }
    oc_arg_float(steps, l, oc_attr_float(node, "cubic_coeff_a", -0.75));
    oc_define(steps, l, "TAPS", r->taps);
    oc_define(steps, l, "NEAREST", r->taps == 1 ? r->nearest : 0);
    oc_define(steps, l, "OUTSIDE", r->taps == 4 && r->outside);
    oc_define(steps, l, "EXTRA", r->extra);
}

/* The wider filter's last arguments. */
static void
scales(struct oc_steps *steps, struct oc_step *l, const struct resize *r)
{
    for (int k = r->y.rank - 3; r->smooth && k < r->y.rank; k++)
        oc_arg_float(steps, l, k < 0 ? 1 : r->scale[k]);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    struct resize r;
    OC_TRY(read(node, &r));
    struct oc_step *l = r.smooth
                            ? oc_launch(steps, "resize_smooth", "resize_smooth")
                            : oc_launch(steps, "resize", "resize");
    int64_t count = oc_shape_count(&r.y);
    oc_define_type(steps, l, "TYPE_x", node->in[0]->type);
    oc_define_type(steps, l, "TYPE_y", node->out[0]->type);
    oc_arg_in(steps, l, 0);
    oc_arg_out(steps, l, 0);
    arguments(steps, l, node, &r);
    oc_arg_float(steps, l, oc_attr_float(node, "extrapolation_value", 0));
    scales(steps, l, &r);
    oc_grid1(l, count, 0);
    oc_cost(l, 2.0 * r.taps * r.taps * (double)count, 8.0 * (double)count);
    return steps->status;
}

static const struct oc_impl impls[] = {
    {"direct", NULL, NULL, emit, 0, 0},
    {.name = NULL},
};

/* ---- gradient
 * ----------------------------------------------------------------- */

/* ResizeGrad(x, roi, scales, sizes, dy): x gives the shape alone. */
static ocellus_status
infer_grad(struct oc_node *node)
{
    return oc_infer_out(node, 0, node->in[0]->type, &node->in[0]->shape);
}

static ocellus_status
emit_grad(struct oc_steps *steps, const struct oc_node *node)
{
    struct resize r;
    OC_TRY(read(node, &r));
    struct oc_step *l =
        r.smooth ? oc_launch(steps, "resize_smooth", "resize_smooth_grad")
                 : oc_launch(steps, "resize", "resize_grad");
    int64_t count = oc_shape_count(&node->in[0]->shape);
    oc_define_type(steps, l, "TYPE_x", node->out[0]->type);
    oc_define_type(steps, l, "TYPE_y", node->in[4]->type);
    oc_arg_in(steps, l, 4);
    oc_arg_out(steps, l, 0);
    arguments(steps, l, node, &r);
    scales(steps, l, &r);
    oc_grid1(l, count, 0);
    oc_cost(l, 8.0 * (double)count, 8.0 * (double)count);
    return steps->status;
}

static const struct oc_impl grad_impls[] = {
    {"direct", NULL, NULL, emit_grad, 0, 0},
    {.name = NULL},
};

static struct ocellus_value *
input(const struct oc_node *node, int k)
{
    return k < node->n_in ? node->in[k] : NULL;
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    if (dx[0] != NULL)
        dx[0] =
            OC_NODE_LIKE(node, "ResizeGrad", NULL, node->in[0], input(node, 1),
                         input(node, 2), input(node, 3), dy[0]);
}

const struct oc_op oc_op_Resize = {
    .name = "Resize",
    .min_in = 1,
    .max_in = 4,
    .n_out = 1,
    .host = 2 | 4 | 8,
    .infer = infer,
    .grad = grad,
    .impls = impls,
};

const struct oc_op oc_op_ResizeGrad = {
    .name = "ResizeGrad",
    .min_in = 1,
    .max_in = 5,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .host = 2 | 4 | 8,
    .infer = infer_grad,
    .impls = grad_impls,
};

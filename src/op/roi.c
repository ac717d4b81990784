/* roi.c - RoiAlign, its gradient, and MaxRoiPool: regions of images brought to
 * one size. The regions themselves get no gradient.
 */
#include <limits.h>
#include <string.h>

#include "op/pool.h"

static ocellus_status
check_images(const struct oc_node *node, const struct ocellus_value *x,
             const struct ocellus_value *region, int numbers)
{
    const struct oc_shape *r = &region->shape;
    char a[OC_SHAPE_TEXT], b[OC_SHAPE_TEXT];
    OC_TRY(oc_check_int_count(node, &x->shape));
    OC_TRY(oc_check_int_count(node, r));
    if (x->shape.rank != 4 || r->rank != 2 || r->dim[1] != numbers ||
        !oc_type_is_float(x->type) || !oc_type_is_float(region->type))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "regions %s of %s %s; images of rank 4 and "
                            "regions of %d numbers are taken",
                            oc_shape_text(r, a), oc_type_name(x->type),
                            oc_shape_text(&x->shape, b), numbers);
    for (int k = 0; k < 4; k++)
        if (x->shape.dim[k] == 0)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "takes no empty images");
    return OCELLUS_OK;
}

/* ---- RoiAlign(x, regions, images) --------------------------------------- */

struct align {
    int64_t oh, ow, ratio;
    int maximum;
    double scale, offset;
};

static ocellus_status
read(const struct oc_node *node, struct align *a)
{
    const char *mode = oc_attr_text(node, "mode", "avg");
    const char *place =
        oc_attr_text(node, "coordinate_transformation_mode", "half_pixel");
    a->oh = oc_attr_int(node, "output_height", 1);
    a->ow = oc_attr_int(node, "output_width", 1);
    a->ratio = oc_attr_int(node, "sampling_ratio", 0);
    a->scale = oc_attr_float(node, "spatial_scale", 1);
    a->maximum = strcmp(mode, "max") == 0;
    a->offset = strcmp(place, "half_pixel") == 0 ? 0.5 : 0;
    if ((!a->maximum && strcmp(mode, "avg") != 0) ||
        (a->offset == 0 && strcmp(place, "output_half_pixel") != 0))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "mode '%s' with coordinate_transformation_mode "
                            "'%s' is not known",
                            mode, place);
    if (a->oh < 1 || a->ow < 1 || a->oh > 65536 || a->ow > 65536 ||
        a->ratio < 0 || a->ratio > 1024)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%lld x %lld bins of %lld x %lld samples",
                            (long long)a->oh, (long long)a->ow,
                            (long long)a->ratio, (long long)a->ratio);
    return OCELLUS_OK;
}

/* The images' numbers are input k. */
static ocellus_status
check_numbers(const struct oc_node *node, int regions, int k)
{
    const struct ocellus_value *image = node->in[k];
    int64_t count = node->in[regions]->shape.dim[0];
    if ((image->type != OCELLUS_INT32 && image->type != OCELLUS_INT64) ||
        image->shape.rank != 1 ||
        (count != OC_UNKNOWN && image->shape.dim[0] != OC_UNKNOWN &&
         image->shape.dim[0] != count))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "needs an image's number for each region");
    return OCELLUS_OK;
}

static ocellus_status
infer(struct oc_node *node)
{
    struct align a;
    OC_TRY(read(node, &a));
    OC_TRY(check_images(node, node->in[0], node->in[1], 4));
    OC_TRY(check_numbers(node, 1, 2));
    struct oc_shape y = OC_SHAPE(node->in[1]->shape.dim[0],
                                 node->in[0]->shape.dim[1], a.oh, a.ow);
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

/* x, regions and images are inputs `at`, at + 1, at + 2. */
static struct oc_step *
launch(struct oc_steps *steps, const char *kernel, const struct align *a,
       int at)
{
    const struct oc_node *node = steps->node;
    struct oc_step *l = oc_launch(steps, "roi", kernel);
    oc_define(steps, l, "MAXIMUM", a->maximum);
    oc_define_type(steps, l, "x", node->in[at]->type);
    oc_define_type(steps, l, "r", node->in[at + 1]->type);
    oc_define_type(steps, l, "i", node->in[at + 2]->type);
    for (int k = 0; k <= at + 2; k++)
        oc_arg_in(steps, l, k);
    oc_arg_out(steps, l, 0);
    return l;
}

static void
extents(struct oc_steps *steps, struct oc_step *l, const struct align *a,
        const struct oc_shape *x, int64_t count)
{
    oc_arg_int(steps, l, count);
    for (int k = 0; k < 4; k++)
        oc_arg_int(steps, l, x->dim[k]);
    oc_arg_int(steps, l, a->oh);
    oc_arg_int(steps, l, a->ow);
    oc_arg_int(steps, l, a->ratio);
    oc_arg_float(steps, l, a->scale);
    oc_arg_float(steps, l, a->offset);
    oc_grid1(l, count, 0);
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node)
{
    int64_t count = oc_shape_count(&node->out[0]->shape);
    struct align a;
    OC_TRY(read(node, &a));
    if (count == 0)
        return OCELLUS_OK;
    struct oc_step *l = launch(steps, "roi_align", &a, 0);
    extents(steps, l, &a, &node->in[0]->shape, count);
    oc_cost(l, 32.0 * (double)count, 8.0 * (double)count);
    return steps->status;
}

static void
grad(const struct oc_node *node, struct ocellus_value *dy[],
     struct ocellus_value *dx[])
{
    dx[1] = dx[2] = NULL;
    if (dx[0])
        dx[0] = dy[0] ? OC_NODE_LIKE(node, "RoiAlignGrad", NULL, dy[0],
                                     node->in[0], node->in[1], node->in[2])
                      : NULL;
}

static const struct oc_impl impls[] = {
    {"direct", NULL, NULL, emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_RoiAlign = {
    .name = "RoiAlign",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .infer = infer,
    .grad = grad,
    .impls = impls,
};

/* ---- RoiAlignGrad(dy, x, regions, images) ------------------------------- */

static ocellus_status
grad_infer(struct oc_node *node)
{
    struct align a;
    OC_TRY(read(node, &a));
    OC_TRY(check_images(node, node->in[1], node->in[2], 4));
    OC_TRY(check_numbers(node, 2, 3));
    if (node->in[0]->type != node->in[1]->type)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "takes a gradient");
    return oc_infer_out(node, 0, node->in[1]->type, &node->in[1]->shape);
}

static ocellus_status
grad_emit(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_shape *x = &node->in[1]->shape;
    struct align a;
    OC_TRY(read(node, &a));
    struct oc_step *l = launch(steps, "roi_align_grad", &a, 1);
    extents(steps, l, &a, x, x->dim[0] * x->dim[1]);
    oc_arg_int(steps, l, node->in[2]->shape.dim[0]);
    return steps->status;
}

static const struct oc_impl grad_impls[] = {
    {"direct", NULL, NULL, grad_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_RoiAlignGrad = {
    .name = "RoiAlignGrad",
    .min_in = 4,
    .max_in = 4,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = grad_infer,
    .impls = grad_impls,
};

/* ---- MaxRoiPool(x, regions) --------------------------------------------- */

static ocellus_status
bins(const struct oc_node *node, int64_t *oh, int64_t *ow)
{
    int count;
    const int64_t *shape = oc_attr_ints(node, "pooled_shape", &count);
    if (!shape || count != 2 || shape[0] < 1 || shape[1] < 1 ||
        shape[0] > 65536 || shape[1] > 65536)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "pooled_shape is not two extents");
    *oh = shape[0];
    *ow = shape[1];
    return OCELLUS_OK;
}

static ocellus_status
pool_infer(struct oc_node *node)
{
    int64_t oh, ow;
    OC_TRY(bins(node, &oh, &ow));
    OC_TRY(check_images(node, node->in[0], node->in[1], 5));
    struct oc_shape y =
        OC_SHAPE(node->in[1]->shape.dim[0], node->in[0]->shape.dim[1], oh, ow);
    OC_TRY(oc_check_int_count(node, &y));
    return oc_infer_out(node, 0, node->in[0]->type, &y);
}

static ocellus_status
pool_emit(struct oc_steps *steps, const struct oc_node *node)
{
    int64_t oh, ow, count = oc_shape_count(&node->out[0]->shape);
    OC_TRY(bins(node, &oh, &ow));
    if (count == 0)
        return OCELLUS_OK;
    struct oc_step *l = oc_launch(steps, "roi", "max_roi_pool");
    oc_define_type(steps, l, "x", node->in[0]->type);
    oc_define_type(steps, l, "r", node->in[1]->type);
    oc_arg_in(steps, l, 0);
    oc_arg_in(steps, l, 1);
    oc_arg_out(steps, l, 0);
    oc_arg_int(steps, l, count);
    for (int k = 0; k < 4; k++)
        oc_arg_int(steps, l, node->in[0]->shape.dim[k]);
    oc_arg_int(steps, l, oh);
    oc_arg_int(steps, l, ow);
    oc_arg_float(steps, l, oc_attr_float(node, "spatial_scale", 1));
    oc_grid1(l, count, 0);
    return steps->status;
}

static const struct oc_impl pool_impls[] = {
    {"direct", NULL, NULL, pool_emit, 0, 0},
    {.name = NULL},
};

const struct oc_op oc_op_MaxRoiPool = {
    .name = "MaxRoiPool",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .infer = pool_infer,
    .impls = pool_impls,
};

/* caffe_shape.c - layers that join, part and arrange; and Softmax. */
#include <string.h>

#include "format/caffe_inside.h"

static const char *
axis_text(struct oc_caffe_work *w, int64_t axis)
{
    return oc_arena_printf(w->g->arena, "axis=%lld", (long long)axis);
}

static struct ocellus_value *
make_concat(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Concat, CONCAT, concat_param);
    (void)x;
    return oc_apply(w->g, "Concat",
                    axis_text(w, p->has_concat_dim ? (int64_t)p->concat_dim
                                                   : (int64_t)p->axis),
                    w->in, w->n_in);
}

/* A sum with factors, a product, or the largest. */
static struct ocellus_value *
make_eltwise(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Eltwise, ELTWISE, eltwise_param);
    int sum = p->operation == OC_CAFFE__ELTWISE__OPERATION__SUM;
    const char *op = sum ? "Add"
                     : p->operation == OC_CAFFE__ELTWISE__OPERATION__PROD
                         ? "Mul"
                         : "Max";
    if (p->n_coeff != 0 && (!sum || p->n_coeff != (size_t)w->n_in))
        return oc_caffe_fail(w->r, OCELLUS_BAD_MODEL,
                             "%zu factors for %d inputs", p->n_coeff, w->n_in);
    for (int k = 0; k < w->n_in; k++) {
        struct ocellus_value *in = w->in[k];
        if (p->n_coeff != 0 && p->coeff[k] != 1)
            in = OC_NODE(w->g, "Mul", NULL, in,
                         oc_scalar(w->g, (double)p->coeff[k]));
        x = k == 0 ? in : OC_NODE(w->g, op, NULL, x, in);
    }
    return x;
}

static struct ocellus_value *
make_softmax(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Softmax, SOFTMAX, softmax_param);
    return OC_NODE(w->g, "Softmax", axis_text(w, p->axis), x);
}

static struct ocellus_value *
make_flatten(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Flatten, FLATTEN, flatten_param);
    int64_t extents[OC_MAX_RANK];
    int n = 0, axis, end, rank = x->shape.rank;
    if (oc_axis(p->axis, rank, &axis) != OCELLUS_OK ||
        oc_axis(p->end_axis, rank, &end) != OCELLUS_OK || end < axis)
        return oc_caffe_fail(w->r, OCELLUS_BAD_MODEL,
                             "axes %d to %d of rank %d", p->axis, p->end_axis,
                             rank);
    if (axis == 1 && end == rank - 1)
        return OC_NODE(w->g, "Flatten", NULL, x);
    for (int d = 0; d < axis; d++)
        extents[n++] = 0;
    extents[n++] = -1;
    for (int d = end + 1; d < rank; d++)
        extents[n++] = x->shape.dim[d];
    return oc_layer_reshape(x, n, extents);
}

/* 0 stays, -1 is what is left, as ONNX has it. */
static struct ocellus_value *
make_reshape(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Reshape, RESHAPE, reshape_param);
    int64_t extents[OC_MAX_RANK];
    size_t rank = p->shape ? p->shape->n_dim : 0;
    int axis = p->axis < 0 ? p->axis + x->shape.rank + 1 : p->axis;
    if (p->num_axes != -1 || axis < 0 || axis > x->shape.rank ||
        rank + (size_t)axis > OC_MAX_RANK)
        return oc_caffe_fail(w->r, OCELLUS_UNSUPPORTED,
                             "%zu extents from axis %d on, over %d axes", rank,
                             p->axis, p->num_axes);
    for (int d = 0; d < axis; d++)
        extents[d] = 0;
    for (size_t d = 0; d < rank; d++)
        extents[(size_t)axis + d] = p->shape->dim[d];
    return oc_layer_reshape(x, axis + (int)rank, extents);
}

/* The axes that are not named follow in their order. */
static struct ocellus_value *
make_permute(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Permute, PERMUTE, permute_param);
    int rank = x->shape.rank, n = 0, used[OC_MAX_RANK] = {0};
    const char *text = "perm=";
    for (size_t k = 0; k < p->n_order; k++, n++) {
        uint32_t axis = p->order[k];
        if (axis >= (uint32_t)rank || used[axis]++)
            return oc_caffe_fail(w->r, OCELLUS_BAD_MODEL,
                                 "axis %u stands twice, or is none of %d", axis,
                                 rank);
        text = oc_arena_printf(w->g->arena, "%s%u,", text, axis);
    }
    for (int d = 0; d < rank; d++)
        if (!used[d])
            text = oc_arena_printf(w->g->arena, "%s%d,", text, d);
    return OC_NODE(w->g, "Transpose", text, x);
}

/* Cut at the points that are named, or into equal parts. */
static struct ocellus_value *
make_slice(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Slice, SLICE, slice_param);
    int axis, parts = (int)w->layer->n_top;
    int64_t from = 0, to,
            given = p->slice_dim ? (int64_t)p->slice_dim : p->axis;
    if (oc_axis(given, x->shape.rank, &axis) != OCELLUS_OK)
        return oc_caffe_fail(w->r, OCELLUS_BAD_MODEL, "axis %lld of rank %d",
                             (long long)given, x->shape.rank);
    int64_t whole = x->shape.dim[axis];
    if (whole == OC_UNKNOWN || parts < 1 || parts > OC_CAFFE_MOST_BLOBS ||
        (p->n_slice_point ? p->n_slice_point + 1 != (size_t)parts
                          : whole % parts != 0))
        return oc_caffe_fail(w->r, OCELLUS_BAD_MODEL,
                             "%lld is not cut into %d parts at %zu points",
                             (long long)whole, parts, p->n_slice_point);
    for (int k = 0; k < parts; k++, from = to) {
        to = p->n_slice_point == 0 ? whole / parts * (k + 1)
             : k + 1 < parts       ? (int64_t)p->slice_point[k]
                                   : whole;
        if (to <= from || to > whole)
            return oc_caffe_fail(
                w->r, OCELLUS_BAD_MODEL, "a part from %lld to %lld of %lld",
                (long long)from, (long long)to, (long long)whole);
        w->out[k] = oc_layer_slice(x, axis, from, to);
    }
    w->n_out = parts;
    return w->out[0];
}

static struct ocellus_value *
make_split(struct oc_caffe_work *w, struct ocellus_value *x)
{
    for (w->n_out = 0;
         w->n_out < (int)w->layer->n_top && w->n_out < OC_CAFFE_MOST_BLOBS;
         w->n_out++)
        w->out[w->n_out] = x;
    return x;
}

static struct ocellus_value *
make_upsample(struct oc_caffe_work *w, struct ocellus_value *x)
{
    OC_CAFFE_PARAMS(Upsample, UPSAMPLE, upsample_param);
    const float scale = p->has_scale ? (float)p->scale : 2;
    const float scales[] = {1, 1, scale, scale};
    const struct oc_shape four = OC_SHAPE(4);
    return OC_NODE(w->g, "Resize",
                   "mode=nearest coordinate_transformation_mode=asymmetric "
                   "nearest_mode=floor",
                   x, NULL, oc_layer_constant(w->g, &four, scales));
}

oc_caffe_maker
oc_caffe_find_shape(const char *kind)
{
    static const struct {
        const char *name;
        oc_caffe_maker make;
    } kinds[] = {{"Concat", make_concat},    {"Eltwise", make_eltwise},
                 {"Softmax", make_softmax},  {"Flatten", make_flatten},
                 {"Reshape", make_reshape},  {"Permute", make_permute},
                 {"Slice", make_slice},      {"Split", make_split},
                 {"Upsample", make_upsample}};
    for (size_t k = 0; k < OC_COUNT(kinds); k++)
        if (strcmp(kinds[k].name, kind) == 0)
            return kinds[k].make;
    return NULL;
}

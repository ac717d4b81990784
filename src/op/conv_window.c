/* conv_window.c - what a convolution's attributes and shapes say, read once.
 *
 * Models come from outside: every number is checked here, and no other file
 * of the family reads an attribute.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "op/conv.h"

enum { MOST = 1 << 28 }; /* of a stride, a dilation, a pad */
/* Of an extent: with pads on both sides, and a window, within an int. */
enum { WIDEST = 1 << 29 };

/* What the node's tensors are to the window; NULL where it has none. */
struct roles {
    const struct oc_shape *x, *y, *w;
};

static int
is(const struct oc_node *node, const char *name)
{
    return strcmp(node->op->name, name) == 0;
}

static struct roles
roles_of(const struct oc_node *node)
{
    const struct oc_shape *first = &node->in[0]->shape;
    const struct oc_shape *second = &node->in[1]->shape;

    if (is(node, "Conv"))
        return (struct roles){.x = first, .w = second};
    if (is(node, "ConvGradWeight"))
        return (struct roles){.x = first, .y = second};
    return (struct roles){.y = first, .w = second};
}

/* One number for each spatial axis; `otherwise` when the attribute is absent,
 * at most `per` numbers an axis, the second half into `behind`. */
static ocellus_status
read_ints(const struct oc_node *node, const char *name, int axes, int least,
          int *before, int *behind)
{
    int count, per = behind ? 2 : 1;
    const int64_t *ints = oc_attr_ints(node, name, &count);

    if (count == 0)
        return OCELLUS_OK;
    if (count != per * axes)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%s has %d numbers, %d spatial axes want %d", name,
                            count, axes, per * axes);
    for (int i = 0; i < count; i++) {
        if (ints[i] < least || ints[i] > MOST)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "%s holds %lld, outside %d to %d", name,
                                (long long)ints[i], least, (int)MOST);
        if (i < axes)
            before[3 - axes + i] = (int)ints[i];
        else
            behind[3 - 2 * axes + i] = (int)ints[i];
    }
    return OCELLUS_OK;
}

static ocellus_status
read_extents(const struct oc_node *node, const struct oc_shape *shape, int axes,
             int *extent)
{
    for (int i = 0; i < axes; i++) {
        int64_t dim = shape->dim[shape->rank - axes + i];

        if (dim > WIDEST)
            return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                                "an extent of %lld is more than %d",
                                (long long)dim, (int)WIDEST);
        extent[3 - axes + i] = (int)dim;
    }
    return OCELLUS_OK;
}

static ocellus_status
read_channel(const struct oc_node *node, int64_t dim, int *channels)
{
    if (dim > MOST)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "%lld channels are more than %d", (long long)dim,
                            (int)MOST);
    if (*channels >= 0 && dim >= 0 && dim != *channels)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%lld channels where the other input has %d",
                            (long long)dim, *channels);
    if (dim >= 0)
        *channels = (int)dim;
    return OCELLUS_OK;
}

/* ---- window and channels ------------------------------------------------ */

static ocellus_status
read_window(const struct oc_node *node, const struct roles *of,
            struct oc_conv_window *v)
{
    int asked[3] = {1, 1, 1};

    OC_TRY(read_ints(node, "kernel_shape", v->axes, 1, asked, NULL));
    if (!of->w) {
        memcpy(v->window, asked, sizeof asked);
        return OCELLUS_OK;
    }
    OC_TRY(read_extents(node, of->w, v->axes, v->window));
    for (int a = 3 - v->axes; a < 3; a++) {
        if (v->window[a] < 1 || v->window[a] > MOST)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "a window of extent %d", v->window[a]);
        if (oc_attr_find(node, "kernel_shape") && asked[a] != v->window[a])
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "kernel_shape says %d, the weights have %d",
                                asked[a], v->window[a]);
    }
    return OCELLUS_OK;
}

static ocellus_status
read_channels(const struct oc_node *node, const struct roles *of,
              struct oc_conv_window *v)
{
    int64_t groups = oc_attr_int(node, "group", 1);

    if (groups < 1 || groups > MOST)
        return oc_node_fail(node, OCELLUS_BAD_MODEL, "group is %lld",
                            (long long)groups);
    v->groups = (int)groups;
    v->n = v->c = v->k = (int)OC_UNKNOWN;
    OC_TRY(read_channel(node, of->x ? of->x->dim[0] : of->y->dim[0], &v->n));
    if (of->x && of->y)
        OC_TRY(read_channel(node, of->y->dim[0], &v->n));
    if (of->w) {
        int64_t c = of->w->dim[1];

        OC_TRY(read_channel(node, of->w->dim[0], &v->k));
        OC_TRY(read_channel(node, c < 0 || c > MOST ? c : c * groups, &v->c));
    }
    if (of->x)
        OC_TRY(read_channel(node, of->x->dim[1], &v->c));
    if (of->y)
        OC_TRY(read_channel(node, of->y->dim[1], &v->k));
    if ((v->c >= 0 && v->c % v->groups) || (v->k >= 0 && v->k % v->groups) ||
        v->c == 0 || v->k == 0)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "%d groups do not divide %d and %d channels",
                            v->groups, v->c, v->k);
    return OCELLUS_OK;
}

static ocellus_status
check_ranks(const struct oc_node *node, struct oc_conv_window *v)
{
    int rank = node->in[0]->shape.rank;

    if (rank < 3 || rank > 5)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "input 0 has rank %d; convolutions have 3 to 5",
                            rank);
    if (node->in[1]->shape.rank != rank)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "input 1 has rank %d, input 0 has %d",
                            node->in[1]->shape.rank, rank);
    v->axes = rank - 2;
    return OCELLUS_OK;
}

/* ---- pads and extents --------------------------------------------------- */

static int64_t
covered(const struct oc_conv_window *v, int a)
{
    return (int64_t)(v->window[a] - 1) * v->dilation[a] + 1;
}

/* More than one pad can hold comes as overflow. */
static ocellus_status
split_pad(const struct oc_node *node, struct oc_conv_window *v, int a,
          int64_t total, int upper)
{
    if (total < 0)
        total = 0;
    if (total > MOST)
        return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                            "%lld cells of padding are more than %d",
                            (long long)total, (int)MOST);
    v->pad[a] = (int)(upper ? total / 2 : total - total / 2);
    v->pad_end[a] = (int)total - v->pad[a];
    return OCELLUS_OK;
}

/* How far windows reach when there are `out` of them. */
static int64_t
reach(const struct oc_conv_window *v, int a)
{
    return (int64_t)(v->out[a] - 1) * v->stride[a] + covered(v, a);
}

/* From x's extents and the window to y's. */
static ocellus_status
forward_extents(const struct oc_node *node, struct oc_conv_window *v, int same,
                int upper)
{
    for (int a = 3 - v->axes; a < 3; a++) {
        int64_t room;

        v->out[a] = (int)OC_UNKNOWN;
        if (v->in[a] < 0)
            continue;
        if (same) {
            v->out[a] =
                (int)(((int64_t)v->in[a] + v->stride[a] - 1) / v->stride[a]);
            OC_TRY(split_pad(node, v, a, reach(v, a) - v->in[a], upper));
            continue;
        }
        room = (int64_t)v->in[a] + v->pad[a] + v->pad_end[a] - covered(v, a);
        if (room < 0)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "a window of %lld cells does not fit into %d "
                                "and %d of padding",
                                (long long)covered(v, a), v->in[a],
                                v->pad[a] + v->pad_end[a]);
        v->out[a] = (int)(room / v->stride[a] + 1);
    }
    return OCELLUS_OK;
}

/* From y's extents and the window to x's (ConvTranspose). */
static ocellus_status
backward_extents(const struct oc_node *node, struct oc_conv_window *v, int same,
                 int upper)
{
    int extra[3] = {0, 0, 0}, count;
    const int64_t *asked = oc_attr_ints(node, "output_shape", &count);

    OC_TRY(read_ints(node, "output_padding", v->axes, 0, extra, NULL));
    if (count != 0 && count != v->axes && count != v->axes + 2)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "output_shape has %d numbers, %d spatial axes "
                            "want %d",
                            count, v->axes, v->axes);
    for (int a = 3 - v->axes; a < 3; a++) {
        int64_t full = reach(v, a) + extra[a], in;

        if (count != 0)
            in = asked[count - 3 + a];
        else if (v->out[a] < 0)
            in = OC_UNKNOWN;
        else if (same)
            in = (int64_t)v->out[a] * v->stride[a];
        else
            in = full - v->pad[a] - v->pad_end[a];
        if ((in < 0 && v->out[a] >= 0) || in > WIDEST)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "its output would have an extent of %lld",
                                (long long)in);
        v->in[a] = (int)in;
        if (v->out[a] >= 0 && (same || count != 0))
            OC_TRY(split_pad(node, v, a, full - in, upper));
    }
    return OCELLUS_OK;
}

static ocellus_status
read_padding(const struct oc_node *node, struct oc_conv_window *v, int *same,
             int *upper)
{
    const char *how = oc_attr_text(node, "auto_pad", "NOTSET");

    *upper = strcmp(how, "SAME_UPPER") == 0;
    *same = *upper || strcmp(how, "SAME_LOWER") == 0;
    if (*same || strcmp(how, "VALID") == 0)
        return OCELLUS_OK;
    if (strcmp(how, "NOTSET") != 0 && *how)
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "auto_pad is '%s'; it may be NOTSET, VALID, "
                            "SAME_UPPER or SAME_LOWER",
                            how);
    return read_ints(node, "pads", v->axes, 0, v->pad, v->pad_end);
}

/* The gradients know all extents: their own attribute `extent` says those of
 * the tensor that they have not as an input. */
static ocellus_status
given_extents(const struct oc_node *node, const struct roles *of,
              struct oc_conv_window *v)
{
    if (of->x)
        OC_TRY(read_extents(node, of->x, v->axes, v->in));
    else
        OC_TRY(read_ints(node, "extent", v->axes, 0, v->in, NULL));
    if (of->y)
        OC_TRY(read_extents(node, of->y, v->axes, v->out));
    else
        OC_TRY(read_ints(node, "extent", v->axes, 0, v->out, NULL));
    return read_ints(node, "pads", v->axes, 0, v->pad, v->pad_end);
}

static ocellus_status
read_all_extents(const struct oc_node *node, const struct roles *of,
                 struct oc_conv_window *v)
{
    int same, upper;

    if (oc_attr_find(node, "extent") || (of->x && of->y))
        return given_extents(node, of, v);
    OC_TRY(read_padding(node, v, &same, &upper));
    if (of->x) {
        OC_TRY(read_extents(node, of->x, v->axes, v->in));
        return forward_extents(node, v, same, upper);
    }
    OC_TRY(read_extents(node, of->y, v->axes, v->out));
    return backward_extents(node, v, same, upper);
}

ocellus_status
oc_conv_parse(const struct oc_node *node, struct oc_conv_window *v)
{
    struct roles of = roles_of(node);

    *v = (struct oc_conv_window){.in = {1, 1, 1},
                                 .out = {1, 1, 1},
                                 .window = {1, 1, 1},
                                 .stride = {1, 1, 1},
                                 .dilation = {1, 1, 1}};
    OC_TRY(check_ranks(node, v));
    OC_TRY(read_channels(node, &of, v));
    OC_TRY(read_window(node, &of, v));
    OC_TRY(read_ints(node, "strides", v->axes, 1, v->stride, NULL));
    OC_TRY(read_ints(node, "dilations", v->axes, 1, v->dilation, NULL));
    for (int a = 0; a < 3; a++)
        if (covered(v, a) > INT_MAX / 2)
            return oc_node_fail(node, OCELLUS_UNSUPPORTED,
                                "a window covers %lld cells",
                                (long long)covered(v, a));
    return read_all_extents(node, &of, v);
}

struct oc_conv_window
oc_conv_window_of(const struct oc_node *node)
{
    struct oc_conv_window v;

    (void)oc_conv_parse(node, &v);
    return v;
}

double
oc_conv_flops(const struct oc_conv_window *v)
{
    double each = 2.0 * v->n * v->k * (v->c / v->groups);

    for (int a = 0; a < 3; a++)
        each *= (double)v->out[a] * v->window[a];
    return each;
}

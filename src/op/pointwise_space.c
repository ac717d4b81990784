/* pointwise_space.c - see pointwise_space.h. */
#include <stdint.h>
#include <string.h>

#include "op/pointwise_space.h"

const struct oc_operand *
oc_point_operand(const struct oc_steps *steps, const struct oc_point *point,
                 int k)
{
    const struct oc_operand *of = &steps->out[0];

    if (k != OC_POINT_OUT && k >= point->n_in)
        return NULL;
    if (k != OC_POINT_OUT && point->in[k] >= 0)
        of = &steps->in[point->in[k]];
    return of->value ? of : NULL;
}

static void
place_plain(const struct oc_shape *shape, int64_t stride[OC_SPACE_DIMS])
{
    int64_t own[OC_MAX_RANK];

    oc_shape_strides(shape, own);
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] != 1)
            stride[OC_SPACE_DIMS - shape->rank + i] = own[i];
}

/* An operand of a blocked space: the image itself, one number a channel (then
 * N or 1 x C x 1 x 1, plain where C is a multiple of the block, or a plain
 * C x 1 x 1), or one. */
static void
place_blocked(const struct oc_operand *of, struct oc_space *space, int same,
              int k)
{
    const struct oc_shape *shape = &of->value->shape;
    struct oc_blocked blocked = oc_blocked_of(&of->layout, shape);
    int64_t *stride = space->stride[k];

    if (!same && oc_shape_count(shape) == 1)
        return;
    if (of->layout.block == 1) {
        blocked.base = 0;
        blocked.image = (int)shape->dim[1];
        blocked.plane = space->block;
    }
    space->at[k] = blocked.base;
    stride[OC_SPACE_LAST - 3] =
        shape->rank < 4 || shape->dim[0] == 1 ? 0 : blocked.image;
    stride[OC_SPACE_LAST - 2] = blocked.plane;
    stride[OC_SPACE_LAST - 1] = same ? blocked.row : 0;
    stride[OC_SPACE_LAST] = same;
    space->repeat[k] = !same;
}

static void
spread(const struct oc_steps *steps, const struct oc_point *point,
       struct oc_space *space)
{
    const struct oc_shape *out = &steps->out[0].value->shape;
    int block = steps->out[0].layout.block;

    memset(space, 0, sizeof *space);
    for (int i = 0; i < OC_SPACE_DIMS; i++)
        space->size[i] = i < OC_SPACE_DIMS - out->rank
                             ? 1
                             : out->dim[i - (OC_SPACE_DIMS - out->rank)];
    space->block = block;
    space->channels = INT32_MAX;
    if (block > 1) {
        space->size[OC_SPACE_LAST - 2] = (out->dim[1] + block - 1) / block;
        space->size[OC_SPACE_LAST] *= block;
        if (out->dim[1] % block)
            space->channels = (int)out->dim[1];
    }
    for (int k = 0; k <= OC_POINT_OUT; k++) {
        const struct oc_operand *of = oc_point_operand(steps, point, k);

        if (of && block > 1)
            place_blocked(of, space, oc_shape_equal(&of->value->shape, out), k);
        else if (of)
            place_plain(&of->value->shape, space->stride[k]);
    }
}

static int
in_one_stretch(const struct oc_space *space, int outer, int inner)
{
    for (int k = 0; k <= OC_POINT_OUT; k++)
        if (space->stride[k][outer] !=
            space->stride[k][inner] * space->size[inner])
            return 0;
    return 1;
}

static void
move(struct oc_space *space, int to, int from)
{
    space->size[to] = space->size[from];
    for (int k = 0; k <= OC_POINT_OUT; k++)
        space->stride[k][to] = space->stride[k][from];
    if (to == from)
        return;
    space->size[from] = 1;
    for (int k = 0; k <= OC_POINT_OUT; k++)
        space->stride[k][from] = 0;
}

/* Merges what can be and moves it to the right end. Where channels are masked,
 * blocks stay dimension OC_SPACE_LAST - 2: the kernel counts them. */
static void
merge(struct oc_space *space)
{
    int masked = space->channels != INT32_MAX;
    int at = OC_SPACE_LAST;

    for (int i = OC_SPACE_LAST - 1; i >= (masked ? OC_SPACE_LAST - 1 : 0);
         i--) {
        if (space->size[i] == 1)
            continue;
        if (space->size[at] == 1 && !masked) {
            move(space, at, i);
        } else if (in_one_stretch(space, i, at)) {
            space->size[at] *= space->size[i];
            space->size[i] = 1;
            for (int k = 0; k <= OC_POINT_OUT; k++)
                space->stride[k][i] = 0;
        } else {
            move(space, --at, i);
        }
    }
}

void
oc_space_make(const struct oc_steps *steps, const struct oc_point *point,
              struct oc_space *space)
{
    spread(steps, point, space);
    merge(space);
}

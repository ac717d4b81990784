/* layout.c - how many elements a tensor takes in a layout, and where element
 * (n, c, y, x) of it lies. */
#include <stdio.h>

#include "op/step.h"

static int64_t
blocks_of(int64_t channels, int block)
{
    return (channels + block - 1) / block;
}

int
oc_groups_joined(int groups, int64_t c, int64_t k, int block)
{
    for (int joined = 1; joined < groups && joined <= block; joined++)
        if (groups % joined == 0 && joined * c % block == 0 &&
            joined * k % block == 0)
            return joined;
    return groups;
}

int
oc_layout_equal(const struct oc_layout *a, const struct oc_layout *b)
{
    return a->block == b->block && a->halo == b->halo && a->pack == b->pack &&
           a->groups == b->groups && a->whole == b->whole &&
           a->first == b->first;
}

static size_t
count_packed(const struct oc_layout *layout, const struct oc_shape *shape)
{
    const int b = layout->block;
    const int64_t window = oc_shape_span(shape, 2, shape->rank);
    const int groups = layout->groups > 1 ? layout->groups : 1;
    const int64_t c = shape->dim[1], k = shape->dim[0] / groups;
    const int joined = oc_groups_joined(groups, c, k, b);
    int64_t kb = blocks_of(shape->dim[0], b);

    if (layout->pack == OC_PACK_WINOGRAD)
        return (size_t)(36 * kb * b * blocks_of(c, b) * b);
    if (layout->pack == OC_PACK_WINOGRAD_2 ||
        layout->pack == OC_PACK_WINOGRAD_2_FLIP)
        return (size_t)(16 * kb * b * blocks_of(c, b) * b);
    if (layout->pack == OC_PACK_AMX)
        return (size_t)(kb * b * blocks_of(c, 32) * 16 * window);
    if (layout->pack == OC_PACK_AMX_FLIP)
        return (size_t)(blocks_of(c, b) * b * blocks_of(k, 32) * 16 * window);
    if (layout->pack == OC_PACK_CONV_FIRST)
        return (size_t)(kb * b * c * window);
    if (layout->pack == OC_PACK_CONV_FLIP)
        return (size_t)(blocks_of(groups * c, b) * b *
                        blocks_of(joined * k, b) * b * window);
    return (size_t)(kb * b * blocks_of(joined * c, b) * b * window);
}

size_t
oc_layout_count(const struct oc_layout *layout, const struct oc_shape *shape)
{
    struct oc_blocked s;

    if (layout->pack != OC_PACK_NONE)
        return count_packed(layout, shape);
    if (layout->block == 1 && layout->halo == 0)
        return (size_t)oc_shape_count(shape);
    s = oc_blocked_of(layout, shape);
    return (size_t)shape->dim[0] * (size_t)s.image;
}

char *
oc_layout_text(const struct oc_layout *layout, char *text)
{
    static const char *const pack[] = {
        [OC_PACK_CONV] = "w%d",
        [OC_PACK_CONV_FLIP] = "w%dflip",
        [OC_PACK_CONV_FIRST] = "w%dfirst",
        [OC_PACK_WINOGRAD] = "w%dwinograd",
        [OC_PACK_WINOGRAD_2] = "w%dwinograd2",
        [OC_PACK_WINOGRAD_2_FLIP] = "w%dwinograd2flip",
        [OC_PACK_AMX] = "w%damx",
        [OC_PACK_AMX_FLIP] = "w%damxflip",
    };
    int used = 0;

    if (layout->pack != OC_PACK_NONE)
        used = snprintf(text, 24, pack[layout->pack], layout->block);
    else if (layout->block == 1 && layout->halo == 0)
        used = snprintf(text, 24, "plain");
    else if (layout->halo == 0)
        used = snprintf(text, 24, "c%d", layout->block);
    else
        used = snprintf(text, 24, "c%d+%d", layout->block, layout->halo);
    if (used > 0 && used < 24 && layout->groups > 1)
        snprintf(text + used, 24 - (size_t)used, "g%d", layout->groups);
    if (used > 0 && used < 24 && layout->whole > 0)
        snprintf(text + used, 24 - (size_t)used, "@%d/%d", layout->first,
                 layout->whole);
    return text;
}

struct oc_blocked
oc_blocked_of(const struct oc_layout *layout, const struct oc_shape *shape)
{
    const int b = layout->block;
    const int halo = layout->halo;
    const int64_t w = shape->rank > 2 ? shape->dim[shape->rank - 1] : 1;
    const int64_t h = shape->rank > 3 ? shape->dim[2] : 1;
    const int tall = shape->rank > 3 ? halo : 0;
    const int wide = shape->rank > 2 ? halo : 0;
    struct oc_blocked s = {.block = b};

    s.blocks = (int)blocks_of(shape->rank > 1 ? shape->dim[1] : 1, b);
    s.row = (int)(w + 2 * wide) * b;
    s.plane = (int)(h + 2 * tall) * s.row;
    s.image = (layout->whole > 0 ? layout->whole : s.blocks) * s.plane;
    s.base = tall * s.row + wide * b + layout->first * s.plane;
    return s;
}

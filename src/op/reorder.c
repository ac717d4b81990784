/* reorder.c - steps that bring a tensor from one layout into another.
 *
 * The planner puts them between neighbours that disagree, and in the prologue
 * for the packings of weights. They copy bits and so know no types but their
 * size. */
#include "base/type.h"
#include "op/gemm.h"

enum {
    CPU_ROWS = 16, /* that a core copies at a time */
    POINT_RUN = 16 /* RUN of cl/winograd_weights.cl */
};

struct extents {
    int n, c, h, w;
    int tall, wide; /* halo rows above, halo columns left */
};

static struct extents
extents_of(const struct oc_operand *of)
{
    const struct oc_shape *s = &of->value->shape;
    const int halo = of->layout.halo;
    struct extents e = {1, 1, 1, 1, 0, 0};

    if (s->rank > 0)
        e.n = (int)s->dim[0];
    if (s->rank > 1)
        e.c = (int)s->dim[1];
    if (s->rank > 2) {
        e.w = (int)s->dim[s->rank - 1];
        e.wide = halo;
    }
    if (s->rank > 3) {
        e.h = (int)s->dim[2];
        e.tall = halo;
    }
    return e;
}

static struct oc_step *
start(struct oc_steps *steps, const char *kernel, const struct oc_operand *from,
      const struct oc_operand *to)
{
    const size_t unit = oc_type_size(to->value->type);
    struct oc_step *launch = oc_launch(steps, "reorder", kernel);

    oc_define(steps, launch, "UNIT", (int)unit);
    if (from != NULL)
        oc_arg_place(steps, launch, from->place, 0);
    oc_arg_place(steps, launch, to->place, 1);
    oc_cost(launch, 0.0,
            2.0 * (double)unit *
                (double)oc_layout_count(&to->layout, &to->value->shape));
    return launch;
}

static void
args(struct oc_steps *steps, struct oc_step *launch, const int *list, int count)
{
    for (int k = 0; k < count; k++)
        oc_arg_int(steps, launch, list[k]);
}

static ocellus_status
image(struct oc_steps *steps, const struct oc_operand *from,
      const struct oc_operand *to)
{
    const struct extents e = extents_of(to);
    const struct oc_blocked x =
        oc_blocked_of(&from->layout, &from->value->shape);
    const struct oc_blocked y = oc_blocked_of(&to->layout, &to->value->shape);
    const int most = x.block > y.block ? x.block : y.block;
    const int least = x.block > y.block ? y.block : x.block;
    const int blocks = (e.c + most - 1) / most;
    const int rows = e.h + 2 * e.tall;
    struct oc_step *launch;

    if (most % least != 0)
        return oc_fail(OCELLUS_INTERNAL,
                       "no reorder between channel blocks of %d and %d",
                       x.block, y.block);
    launch = start(steps, "reorder_image", from, to);
    oc_define(steps, launch, "FROM_BLOCK", x.block);
    oc_define(steps, launch, "TO_BLOCK", y.block);
    args(steps, launch,
         (int[]){e.c, e.h, e.w, e.tall, e.wide, x.base, x.image, x.plane, x.row,
                 y.base, y.image, y.plane, y.row, rows, blocks, e.n},
         16);
    if (steps->caps->cpu)
        oc_grid3(launch, rows, blocks, e.n, CPU_ROWS, 1, 1);
    else
        oc_grid3(launch, rows, blocks, e.n, 0, 0, 0);
    return steps->status;
}

/* Weights of a convolution in groups, to their packing. */
static ocellus_status
grouped_weights(struct oc_steps *steps, const struct oc_operand *from,
                const struct oc_operand *to)
{
    const int b = to->layout.block, groups = to->layout.groups;
    const int flip = to->layout.pack == OC_PACK_CONV_FLIP;
    const struct oc_shape *shape = &to->value->shape;
    const int64_t k = shape->dim[0] / groups, c = shape->dim[1];
    const int joined = oc_groups_joined(groups, c, k, b);
    const int64_t inner = joined * (flip ? k : c);
    const int64_t outer = groups * (flip ? c : k);
    struct oc_step *launch = start(steps, "pack_groups", from, to);

    oc_define(steps, launch, "PACK_BLOCK", b);
    args(steps, launch,
         (int[]){groups, joined, (int)k, (int)c,
                 (int)oc_shape_span(shape, 2, shape->rank), flip},
         6);
    oc_grid2(launch, (inner + b - 1) / b, (outer + b - 1) / b, 0, 0);
    return steps->status;
}

static int
is_at_points(const struct oc_layout *layout)
{
    return layout->pack == OC_PACK_WINOGRAD ||
           layout->pack == OC_PACK_WINOGRAD_2 ||
           layout->pack == OC_PACK_WINOGRAD_2_FLIP;
}

/* Not a copy: the numbers change. float32 only. */
static ocellus_status
winograd_weights(struct oc_steps *steps, const struct oc_operand *from,
                 const struct oc_operand *to)
{
    const int b = to->layout.block;
    const int pack = to->layout.pack;
    const int flip = pack == OC_PACK_WINOGRAD_2_FLIP;
    const int64_t *dim = to->value->shape.dim;
    const int64_t k = dim[flip], c = dim[!flip];
    const int64_t k_blocks = (k + b - 1) / b;
    const int64_t c_padded = (c + b - 1) / b * b;
    const int vectors = steps->caps->cpu;
    struct oc_step *launch =
        oc_launch(steps, "winograd_weights",
                  vectors ? "winograd_weights_vectors" : "winograd_weights");

    if (vectors)
        oc_define(steps, launch, "VECTORS", 1);
    oc_define(steps, launch, "SIDE", pack == OC_PACK_WINOGRAD ? 4 : 2);
    oc_define(steps, launch, "BLOCK", b);
    oc_define(steps, launch, "FLIP", flip);
    oc_arg_place(steps, launch, from->place, 0);
    oc_arg_place(steps, launch, to->place, 1);
    args(steps, launch, (int[]){(int)k, (int)c, (int)k_blocks, (int)c_padded},
         4);
    if (vectors)
        oc_grid2(launch, (c_padded + POINT_RUN - 1) / POINT_RUN, k_blocks, 1,
                 1);
    else
        oc_grid2(launch, c_padded, k_blocks, 0, 0);
    oc_cost(launch, 0.0,
            4.0 * (double)(oc_shape_count(&to->value->shape) +
                           (int64_t)oc_layout_count(&to->layout,
                                                    &to->value->shape)));
    return steps->status;
}

/* Rounded to bfloat16. */
static ocellus_status
amx_weights(struct oc_steps *steps, const struct oc_operand *from,
            const struct oc_operand *to)
{
    const struct oc_shape *shape = &to->value->shape;
    const int flip = to->layout.pack == OC_PACK_AMX_FLIP;
    const int64_t ins = shape->dim[!flip], outs = shape->dim[flip];
    struct oc_step *launch;

    if (shape->rank == 2) {
        oc_gemm_amx_pack(steps,
                         &(struct oc_product){.n = (int)outs,
                                              .k = (int)ins,
                                              .transpose_b = !flip},
                         from->place, to->place);
        return steps->status;
    }
    launch = oc_launch(steps, "conv_amx", "amx_weights");
    oc_arg_place(steps, launch, from->place, 0);
    oc_arg_place(steps, launch, to->place, 1);
    args(steps, launch,
         (int[]){(int)shape->dim[0], (int)shape->dim[1],
                 (int)oc_shape_span(shape, 2, shape->rank), flip,
                 (int)((ins + 31) / 32), (int)((outs + 15) / 16)},
         6);
    oc_grid2(launch, (ins + 31) / 32, (outs + 15) / 16, 0, 0);
    return steps->status;
}

static int
is_rounded(const struct oc_layout *layout)
{
    return layout->pack == OC_PACK_AMX || layout->pack == OC_PACK_AMX_FLIP;
}

/* Weights; `packed` is the side that is packed. */
static ocellus_status
weights(struct oc_steps *steps, const struct oc_operand *from,
        const struct oc_operand *to, const struct oc_operand *packed)
{
    const int pack = packed == to;
    const int first = packed->layout.pack == OC_PACK_CONV_FIRST;
    const int flip = packed->layout.pack == OC_PACK_CONV_FLIP;
    const int b = packed->layout.block;
    const struct oc_shape *shape = &to->value->shape;
    const int64_t *dim = shape->dim;
    const int64_t kb = (dim[0] + b - 1) / b;
    const int64_t cb = (dim[1] + b - 1) / b;
    struct oc_step *launch;

    if (packed->layout.groups > 1)
        return grouped_weights(steps, from, to);
    if (is_at_points(&packed->layout))
        return winograd_weights(steps, from, to);
    if (is_rounded(&packed->layout))
        return amx_weights(steps, from, to);
    launch = start(steps,
                   first ? (pack ? "pack_first" : "unpack_first")
                         : (pack ? "pack_conv" : "unpack_conv"),
                   from, to);

    oc_define(steps, launch, "PACK_BLOCK", b);
    oc_arg_int(steps, launch, dim[0]);
    oc_arg_int(steps, launch, dim[1]);
    oc_arg_int(steps, launch, oc_shape_span(shape, 2, shape->rank));
    if (!first)
        oc_arg_int(steps, launch, flip);
    if (!pack)
        oc_grid2(launch, dim[1], dim[0], 0, 0);
    else if (first)
        oc_grid2(launch, dim[1], kb, 0, 0);
    else if (flip)
        oc_grid2(launch, kb, cb, 0, 0);
    else
        oc_grid2(launch, cb, kb, 0, 0);
    return steps->status;
}

static int
knows(const struct oc_operand *of)
{
    return of->layout.pack == OC_PACK_NONE || of->value->shape.rank > 2 ||
           (of->value->shape.rank == 2 && is_rounded(&of->layout));
}

ocellus_status
oc_emit_reorder(struct oc_steps *steps, const struct oc_operand *from,
                const struct oc_operand *to)
{
    const int packs = from->layout.pack != OC_PACK_NONE;
    const int packed = to->layout.pack != OC_PACK_NONE;
    char a[24], b[24];

    if (oc_layout_count(&to->layout, &to->value->shape) == 0)
        return steps->status;
    if (!knows(from) || !knows(to) || (packs && packed) ||
        from->layout.groups > 1 || is_at_points(&from->layout) ||
        is_rounded(&from->layout))
        return oc_fail(OCELLUS_INTERNAL, "no reorder from %s to %s",
                       oc_layout_text(&from->layout, a),
                       oc_layout_text(&to->layout, b));
    if (packs || packed)
        return weights(steps, from, to, packs ? from : to);
    return image(steps, from, to);
}

ocellus_status
oc_emit_clear_halo(struct oc_steps *steps, const struct oc_operand *of)
{
    const struct extents e = extents_of(of);
    const struct oc_blocked y = oc_blocked_of(&of->layout, &of->value->shape);
    struct oc_step *launch;

    if (of->layout.halo == 0 ||
        oc_layout_count(&of->layout, &of->value->shape) == 0)
        return steps->status;
    launch = start(steps, "clear_halo", NULL, of);
    oc_define(steps, launch, "TO_BLOCK", y.block);
    args(steps, launch,
         (int[]){e.h, e.w, e.tall, e.wide, y.image, y.plane, y.row, y.blocks,
                 e.n},
         9);
    oc_grid2(launch, y.blocks, e.n, 0, 0);
    return steps->status;
}

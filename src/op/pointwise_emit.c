/* pointwise_emit.c - launches of cl/pointwise.cl.
 *
 * The output is seen as a space of up to eight dimensions, and each operand
 * has a stride of its own along each (0: it is broadcast). Neighbours that lie
 * in one stretch for every operand are merged, so that equal shapes become one
 * long row, and a bias for each channel becomes rows of a plane. A blocked
 * image is the space N x blocks x H x (W * block).
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "op/pointwise.h"

#define DIMS OC_MAX_RANK
#define LAST (DIMS - 1)
#define OUT OC_POINTWISE_IN /* the output's place among the operands */

/* Dimensions stand at the right end; those left over are 1. */
struct space {
    int64_t size[DIMS];
    int64_t stride[OC_POINTWISE_IN + 1][DIMS]; /* in elements */
    int64_t at[OC_POINTWISE_IN + 1];
    int repeat[OC_POINTWISE_IN + 1]; /* the first `block` numbers of a row
                                      * again and again */
    int block;
    int channels; /* the others are padding */
};

/* One launch: in[k] says which input of the node is a, b ...; -1: the output
 * as it is so far. */
struct point {
    int n_in;
    int in[OC_POINTWISE_IN];
    const char *formula;
    int n_scalar;
    float scalar[OC_POINTWISE_SCALARS];
};

/* ---- spaces ------------------------------------------------------------- */

/* NULL where there is none. */
static const struct oc_operand *
operand(const struct oc_steps *steps, const struct point *point, int k)
{
    const struct oc_operand *of = &steps->out[0];

    if (k != OUT && k >= point->n_in)
        return NULL;
    if (k != OUT && point->in[k] >= 0)
        of = &steps->in[point->in[k]];
    return of->value ? of : NULL;
}

static void
place_plain(const struct oc_shape *shape, int64_t stride[DIMS])
{
    int64_t own[OC_MAX_RANK];

    oc_shape_strides(shape, own);
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] != 1)
            stride[DIMS - shape->rank + i] = own[i];
}

/* An operand of a blocked space: the image itself, one number a channel (then
 * N or 1 x C x 1 x 1, plain where C is a multiple of the block, or a plain
 * C x 1 x 1), or one. */
static void
place_blocked(const struct oc_operand *of, struct space *space, int same, int k)
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
    stride[LAST - 3] =
        shape->rank < 4 || shape->dim[0] == 1 ? 0 : blocked.image;
    stride[LAST - 2] = blocked.plane;
    stride[LAST - 1] = same ? blocked.row : 0;
    stride[LAST] = same;
    space->repeat[k] = !same;
}

static void
spread(const struct oc_steps *steps, const struct point *point,
       struct space *space)
{
    const struct oc_shape *out = &steps->out[0].value->shape;
    int block = steps->out[0].layout.block;

    memset(space, 0, sizeof *space);
    for (int i = 0; i < DIMS; i++)
        space->size[i] =
            i < DIMS - out->rank ? 1 : out->dim[i - (DIMS - out->rank)];
    space->block = block;
    space->channels = INT32_MAX;
    if (block > 1) {
        space->size[LAST - 2] = (out->dim[1] + block - 1) / block;
        space->size[LAST] *= block;
        if (out->dim[1] % block)
            space->channels = (int)out->dim[1];
    }
    for (int k = 0; k <= OUT; k++) {
        const struct oc_operand *of = operand(steps, point, k);

        if (of && block > 1)
            place_blocked(of, space, oc_shape_equal(&of->value->shape, out), k);
        else if (of)
            place_plain(&of->value->shape, space->stride[k]);
    }
}

static int
in_one_stretch(const struct space *space, int outer, int inner)
{
    for (int k = 0; k <= OUT; k++)
        if (space->stride[k][outer] !=
            space->stride[k][inner] * space->size[inner])
            return 0;
    return 1;
}

static void
move(struct space *space, int to, int from)
{
    space->size[to] = space->size[from];
    for (int k = 0; k <= OUT; k++)
        space->stride[k][to] = space->stride[k][from];
    if (to == from)
        return;
    space->size[from] = 1;
    for (int k = 0; k <= OUT; k++)
        space->stride[k][from] = 0;
}

/* Merges what can be and moves it to the right end. Where channels are masked,
 * blocks stay dimension LAST - 2: the kernel counts them. */
static void
merge(struct space *space)
{
    int masked = space->channels != INT32_MAX;
    int at = LAST;

    for (int i = LAST - 1; i >= (masked ? LAST - 1 : 0); i--) {
        if (space->size[i] == 1)
            continue;
        if (space->size[at] == 1 && !masked) {
            move(space, at, i);
        } else if (in_one_stretch(space, i, at)) {
            space->size[at] *= space->size[i];
            space->size[i] = 1;
            for (int k = 0; k <= OUT; k++)
                space->stride[k][i] = 0;
        } else {
            move(space, --at, i);
        }
    }
}

static void
make_space(const struct oc_steps *steps, const struct point *point,
           struct space *space)
{
    spread(steps, point, space);
    merge(space);
}

/* ---- the launch --------------------------------------------------------- */

static const char *const letters[] = {"a", "b", "c", "d"};

/* The text of the formula as the kernel has it, the epilogue around it where
 * this is the node's last launch. */
static void
write_formula(struct oc_text *text, const struct oc_node *node,
              struct point *point)
{
    const struct oc_epilogue *epilogue = node->epilogue;
    struct oc_formula_names names = {.shift = point->n_scalar};
    struct oc_text own = {0};

    names.plain_literals = node->out[0]->type == OCELLUS_DOUBLE ||
                           node->in[0]->type == OCELLUS_DOUBLE;
    if (!epilogue) {
        names.shift = 0;
        oc_formula_write(text, point->formula, &names);
        return;
    }
    oc_text_printf(&own, "(%s)", point->formula);
    names.v = own.data;
    for (int k = 0; k < epilogue->n_extra; k++)
        names.extra[k] = letters[node->n_in - epilogue->n_extra + k];
    oc_formula_write(text, epilogue->formula, &names);
    for (int k = 0;
         k < epilogue->n_scalar && point->n_scalar < OC_POINTWISE_SCALARS; k++)
        point->scalar[point->n_scalar++] = epilogue->scalar[k];
    text->failed |= own.failed;
    oc_text_free(&own);
}

static void
put_prelude(struct oc_steps *steps, struct oc_step *launch, struct point *point)
{
    struct oc_text text = {0}, args = {0}, set = {0};

    write_formula(&text, steps->node, point);
    for (int k = 0; k < point->n_scalar; k++) {
        oc_text_printf(&args, ", float s%d_", k);
        oc_text_printf(&set, " const SCALAR s%d = s%d_;", k, k);
    }
    if (text.data && !text.failed && !args.failed && !set.failed)
        oc_prelude(steps, launch,
                   "#define FORMULA (%s)\n#define SCALAR_ARGS %s\n"
                   "#define SCALAR_SET %s\n",
                   text.data, args.data ? args.data : "",
                   set.data ? set.data : "");
    else if (steps->status == OCELLUS_OK)
        steps->status =
            oc_fail(OCELLUS_OUT_OF_MEMORY, "no host memory for a formula");
    oc_text_free(&text);
    oc_text_free(&args);
    oc_text_free(&set);
}

static void
put_types(struct oc_steps *steps, struct oc_step *launch,
          const struct point *point)
{
    ocellus_type out = steps->out[0].value->type;

    oc_define(steps, launch, "N_IN", point->n_in);
    for (int k = 0; k < point->n_in; k++) {
        const struct oc_operand *of = operand(steps, point, k);

        oc_define_type(steps, launch, letters[k], of ? of->value->type : out);
    }
    oc_define_type(steps, launch, "y", out);
}

static void
put_operand(struct oc_steps *steps, struct oc_step *launch,
            const struct point *point, int k)
{
    if (k == OUT || point->in[k] < 0)
        oc_arg_out(steps, launch, 0);
    else
        oc_arg_in(steps, launch, point->in[k]);
}

static void
put_cost(const struct oc_steps *steps, struct oc_step *launch,
         const struct point *point)
{
    double bytes = 0.0;

    for (int k = 0; k <= OUT; k++) {
        const struct oc_operand *of = operand(steps, point, k);

        if (of)
            bytes += (double)oc_shape_count(&of->value->shape) *
                     (double)oc_type_size(of->value->type);
    }
    oc_cost(launch,
            (double)oc_shape_count(&steps->out[0].value->shape) * point->n_in,
            bytes);
}

/* Lanes: the block, else the device's where all are floats of up to 32 bits. */
static int
lanes(const struct oc_steps *steps, const struct point *point,
      const struct space *space)
{
    int width = steps->caps->vector_width;

    if (space->block > 1)
        return space->block;
    for (int k = 0; k <= OUT; k++) {
        const struct oc_operand *of = operand(steps, point, k);

        if (of && of->value->type != OCELLUS_FLOAT &&
            of->value->type != OCELLUS_FLOAT16 &&
            of->value->type != OCELLUS_BFLOAT16)
            return 1;
    }
    return width == 4 || width == 16 ? width : 8;
}

/* Rows are shared out in pieces of some thousand numbers: small enough for all
 * units to have several, large enough to be worth a work-item. */
struct share {
    int64_t rows, rows_each, chunk, chunks;
};

static struct share
share_out(const struct space *space, int vector, int units)
{
    int64_t inner = space->size[LAST];
    struct share share = {.rows_each = 1, .chunk = inner, .chunks = 1};
    int64_t target;

    share.rows =
        space->size[LAST - 3] * space->size[LAST - 2] * space->size[LAST - 1];
    target = share.rows * inner / (8 * (units > 0 ? units : 1));
    target = target < 1024 ? 1024 : target > 8192 ? 8192 : target;
    target = (target + vector - 1) / vector * vector;
    if (inner > target) {
        share.chunk = target;
        share.chunks = (inner + target - 1) / target;
    } else if (inner > 0) {
        share.rows_each = target / inner;
    }
    return share;
}

static void
launch_rows(struct oc_steps *steps, struct point *point,
            const struct space *space)
{
    struct oc_step *launch = oc_launch(steps, "pointwise", "rows");
    int vector = lanes(steps, point, space);
    struct share share = share_out(space, vector, steps->caps->compute_units);

    put_prelude(steps, launch, point);
    put_types(steps, launch, point);
    oc_define(steps, launch, "LANES", vector);
    for (int k = 0; k <= OUT; k++) {
        if (k >= point->n_in && k != OUT)
            continue;
        put_operand(steps, launch, point, k);
        oc_arg_int(steps, launch, space->at[k]);
        for (int i = LAST - 3; i < LAST; i++)
            oc_arg_int(steps, launch, space->stride[k][i]);
        if (k != OUT)
            oc_arg_int(steps, launch,
                       space->repeat[k] ? 2 : space->stride[k][LAST]);
    }
    oc_arg_int(steps, launch, space->size[LAST - 2]);
    oc_arg_int(steps, launch, space->size[LAST - 1]);
    oc_arg_int(steps, launch, share.rows);
    oc_arg_int(steps, launch, share.rows_each);
    oc_arg_int(steps, launch, space->size[LAST]);
    oc_arg_int(steps, launch, share.chunk);
    oc_arg_int(steps, launch, share.chunks);
    oc_arg_int(steps, launch, space->channels);
    for (int k = 0; k < point->n_scalar; k++)
        oc_arg_float(steps, launch, (double)point->scalar[k]);
    oc_grid1(
        launch,
        (share.rows + share.rows_each - 1) / share.rows_each * share.chunks, 1);
    put_cost(steps, launch, point);
}

/* One launch over the six inner dimensions. */
static void
launch_six(struct oc_steps *steps, struct point *point,
           const struct space *space)
{
    struct point own = *point;
    struct oc_step *launch = oc_launch(steps, "pointwise", "each");
    int64_t count = 1;

    put_prelude(steps, launch, &own);
    put_types(steps, launch, &own);
    for (int k = 0; k <= OUT; k++) {
        if (k >= own.n_in && k != OUT)
            continue;
        put_operand(steps, launch, &own, k);
        oc_arg_int(steps, launch, space->at[k]);
        for (int i = LAST - 5; i <= LAST && k != OUT; i++)
            oc_arg_int(steps, launch, space->stride[k][i]);
    }
    for (int i = LAST - 5; i <= LAST; i++)
        count *= space->size[i];
    for (int i = LAST - 4; i <= LAST; i++)
        oc_arg_int(steps, launch, space->size[i]);
    oc_arg_int(steps, launch, count);
    for (int k = 0; k < own.n_scalar; k++)
        oc_arg_float(steps, launch, (double)own.scalar[k]);
    oc_grid1(launch, count, 0);
    put_cost(steps, launch, &own);
}

/* Shapes that stay of more than six dimensions after merging are rare: a
 * launch for each of the outer ones. */
static void
launch_each(struct oc_steps *steps, struct point *point,
            const struct space *space)
{
    struct space part = *space;

    for (int64_t i = 0; i < space->size[0]; i++)
        for (int64_t j = 0; j < space->size[1]; j++) {
            for (int k = 0; k <= OUT; k++)
                part.at[k] = space->at[k] + i * space->stride[k][0] +
                             j * space->stride[k][1];
            launch_six(steps, point, &part);
        }
}

/* ---- implementations ---------------------------------------------------- */

static void
launch(struct oc_steps *steps, struct point *point, int by_rows)
{
    struct space space;

    if (oc_shape_count(&steps->out[0].value->shape) == 0)
        return;
    make_space(steps, point, &space);
    if (by_rows)
        launch_rows(steps, point, &space);
    else
        launch_each(steps, point, &space);
}

/* CastLike's second input gives its type alone. */
static int
inputs_read(const struct oc_node *node)
{
    return strcmp(node->op->name, "CastLike") == 0 ? 1 : node->n_in;
}

static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node, int by_rows)
{
    struct point point = {.n_in = inputs_read(node),
                          .formula = oc_formula_text(node)};

    if (node->n_in > OC_POINTWISE_IN)
        return oc_node_fail(node, OCELLUS_INTERNAL,
                            "%d inputs are more than a formula's %d",
                            node->n_in, OC_POINTWISE_IN);
    for (int k = 0; k < point.n_in; k++)
        point.in[k] = k;
    point.n_scalar = oc_formula_scalars(node, point.scalar);
    launch(steps, &point, by_rows);
    return steps->status;
}

static ocellus_status
emit_rows(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 1);
}

static ocellus_status
emit_direct(struct oc_steps *steps, const struct oc_node *node)
{
    return emit(steps, node, 0);
}

/* Four inputs, then the result so far and three more, and so on. */
static ocellus_status
emit_many(struct oc_steps *steps, const struct oc_node *node, int by_rows)
{
    static const char *const steps_of[][3] = {
        {"a + b", "a + b + c", "a + b + c + d"},
        {"max(a, b)", "max(max(a, b), c)", "max(max(a, b), max(c, d))"},
        {"min(a, b)", "min(min(a, b), c)", "min(min(a, b), min(c, d))"}};
    const char *name = node->op->name;
    int kind = strcmp(name, "Max") == 0 ? 1 : strcmp(name, "Min") == 0 ? 2 : 0;

    if (node->n_in <= OC_POINTWISE_IN)
        return emit(steps, node, by_rows);
    for (int next = 0; next < node->n_in;) {
        struct point point = {0};

        if (next > 0)
            point.in[point.n_in++] = -1;
        while (point.n_in < OC_POINTWISE_IN && next < node->n_in)
            point.in[point.n_in++] = next++;
        point.formula = steps_of[kind][point.n_in - 2];
        launch(steps, &point, by_rows);
    }
    if (strcmp(name, "Mean") == 0) {
        struct point point = {.n_in = 1, .in = {-1}, .formula = "a * s0"};

        point.n_scalar = 1;
        point.scalar[0] = 1.0f / (float)node->n_in;
        launch(steps, &point, by_rows);
    }
    return steps->status;
}

static ocellus_status
emit_many_rows(struct oc_steps *steps, const struct oc_node *node)
{
    return emit_many(steps, node, 1);
}

static ocellus_status
emit_many_direct(struct oc_steps *steps, const struct oc_node *node)
{
    return emit_many(steps, node, 0);
}

/* ---- what rows want ----------------------------------------------------- */

/* One number a channel: N or 1 x C x 1 x 1, or C x 1 x 1. */
static int
is_channelwise(const struct oc_shape *shape, const struct oc_shape *out)
{
    int from = shape->rank - 3;

    return (shape->rank == 3 || shape->rank == 4) &&
           shape->dim[from] == out->dim[1] && shape->dim[from + 1] == 1 &&
           shape->dim[from + 2] == 1 &&
           (from == 0 || shape->dim[0] == 1 || shape->dim[0] == out->dim[0]);
}

static int
can_be_blocked(const struct oc_node *node, int block)
{
    const struct oc_shape *out = &node->out[0]->shape;

    if (out->rank != 4 || node->out[0]->type != OCELLUS_FLOAT)
        return 0;
    for (int k = 0; k < node->n_in; k++) {
        const struct ocellus_value *in = node->in[k];

        if (!in)
            continue;
        if (in->type != OCELLUS_FLOAT)
            return 0;
        if (oc_shape_equal(&in->shape, out) || oc_shape_count(&in->shape) == 1)
            continue;
        if (!is_channelwise(&in->shape, out) ||
            (in->shape.rank == 3 && out->dim[1] % block != 0))
            return 0;
    }
    return 1;
}

/* The block in which an input of the output's shape comes; 1: none. */
static int
block_there(const struct oc_node *node, const struct oc_layout in[])
{
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] && in[k].block > 1 && in[k].pack == OC_PACK_NONE &&
            oc_shape_equal(&node->in[k]->shape, &node->out[0]->shape))
            return in[k].block;
    return 1;
}

static void
rows_layouts(const struct oc_node *node, const struct oc_caps *caps,
             struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    const struct oc_shape *shape = &node->out[0]->shape;
    int block = block_there(node, in);

    (void)caps;
    (void)scratch;
    if (!can_be_blocked(node, block))
        block = 1;
    for (int k = 0; k < node->n_in; k++) {
        int own = block;

        if (!node->in[k])
            continue;
        if (!oc_shape_equal(&node->in[k]->shape, shape) &&
            (oc_shape_count(&node->in[k]->shape) == 1 ||
             shape->dim[1] % block == 0))
            own = 1;
        if (in[k].pack != OC_PACK_NONE || in[k].block != own)
            in[k] = (struct oc_layout){own, 0, OC_PACK_NONE};
    }
    out[0] = (struct oc_layout){block, 0, OC_PACK_NONE};
}

/* Does the output's space have more than three outer dimensions? */
static int
too_many_dimensions(const struct oc_node *node)
{
    struct oc_steps steps = {0};
    struct space space;
    int first = LAST, n = inputs_read(node);

    steps.out[0] = (struct oc_operand){node->out[0], OC_PLAIN, 0};
    for (int from = 0; from < n; from += OC_POINTWISE_IN) {
        struct point point = {0};

        for (int k = from; k < n && k < from + OC_POINTWISE_IN; k++) {
            steps.in[k] = (struct oc_operand){node->in[k], OC_PLAIN, 0};
            point.in[point.n_in++] = k;
        }
        make_space(&steps, &point, &space);
        for (int i = 0; i < first; i++)
            if (space.size[i] != 1)
                first = i;
    }
    return first < LAST - 3;
}

static const char *
refuse_rows(const struct oc_node *node, const struct oc_caps *caps)
{
    if (!caps->cpu)
        return "long rows for one work-item suit CPUs only";
    if (too_many_dimensions(node))
        return "the broadcast has more than three outer dimensions";
    return NULL;
}

const struct oc_impl oc_pointwise_impls[] = {
    {.name = "rows",
     .refuse = refuse_rows,
     .layouts = rows_layouts,
     .emit = emit_rows,
     .flags = OC_IMPL_HALO | OC_IMPL_EPILOGUE,
     .in_place = 0xf},
    {.name = "direct",
     .emit = emit_direct,
     .flags = OC_IMPL_EPILOGUE,
     .in_place = 0xf},
    {.name = NULL},
};

const struct oc_impl oc_many_impls[] = {
    {.name = "rows",
     .refuse = refuse_rows,
     .layouts = rows_layouts,
     .emit = emit_many_rows,
     .flags = OC_IMPL_HALO},
    {.name = "direct", .emit = emit_many_direct},
    {.name = NULL},
};

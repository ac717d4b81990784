/* pointwise_launch.c - launches of cl/pointwise.cl: formula, types, arguments,
 * sizes. */
#include <stdint.h>
#include <stdio.h>

#include "op/pointwise_space.h"

static const char *const letters[] = {"a", "b", "c", "d"};

/* The text of the formula as the kernel has it, the epilogue around it where
 * this is the node's last launch. */
static void
write_formula(struct oc_text *text, const struct oc_node *node,
              struct oc_point *point)
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
put_prelude(struct oc_steps *steps, struct oc_step *launch,
            struct oc_point *point)
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
          const struct oc_point *point)
{
    ocellus_type out = steps->out[0].value->type;

    oc_define(steps, launch, "N_IN", point->n_in);
    for (int k = 0; k < point->n_in; k++) {
        const struct oc_operand *of = oc_point_operand(steps, point, k);

        oc_define_type(steps, launch, letters[k], of ? of->value->type : out);
    }
    oc_define_type(steps, launch, "y", out);
}

static void
put_operand(struct oc_steps *steps, struct oc_step *launch,
            const struct oc_point *point, int k)
{
    if (k == OC_POINT_OUT || point->in[k] < 0)
        oc_arg_out(steps, launch, 0);
    else
        oc_arg_in(steps, launch, point->in[k]);
}

static void
put_cost(const struct oc_steps *steps, struct oc_step *launch,
         const struct oc_point *point)
{
    double bytes = 0.0;

    for (int k = 0; k <= OC_POINT_OUT; k++) {
        const struct oc_operand *of = oc_point_operand(steps, point, k);

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
lanes(const struct oc_steps *steps, const struct oc_point *point,
      const struct oc_space *space)
{
    int width = steps->caps->vector_width;

    if (space->block > 1)
        return space->block;
    for (int k = 0; k <= OC_POINT_OUT; k++) {
        const struct oc_operand *of = oc_point_operand(steps, point, k);

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
share_out(const struct oc_space *space, int vector, int units)
{
    int64_t inner = space->size[OC_SPACE_LAST];
    struct share share = {.rows_each = 1, .chunk = inner, .chunks = 1};
    int64_t target;

    share.rows = space->size[OC_SPACE_LAST - 3] *
                 space->size[OC_SPACE_LAST - 2] *
                 space->size[OC_SPACE_LAST - 1];
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
launch_rows(struct oc_steps *steps, struct oc_point *point,
            const struct oc_space *space)
{
    struct oc_step *launch = oc_launch(steps, "pointwise", "rows");
    int vector = lanes(steps, point, space);
    struct share share = share_out(space, vector, steps->caps->compute_units);

    put_prelude(steps, launch, point);
    put_types(steps, launch, point);
    oc_define(steps, launch, "LANES", vector);
    for (int k = 0; k <= OC_POINT_OUT; k++) {
        if (k >= point->n_in && k != OC_POINT_OUT)
            continue;
        put_operand(steps, launch, point, k);
        oc_arg_int(steps, launch, space->at[k]);
        for (int i = OC_SPACE_LAST - 3; i < OC_SPACE_LAST; i++)
            oc_arg_int(steps, launch, space->stride[k][i]);
        if (k != OC_POINT_OUT)
            oc_arg_int(steps, launch,
                       space->repeat[k] ? 2 : space->stride[k][OC_SPACE_LAST]);
    }
    oc_arg_int(steps, launch, space->size[OC_SPACE_LAST - 2]);
    oc_arg_int(steps, launch, space->size[OC_SPACE_LAST - 1]);
    oc_arg_int(steps, launch, share.rows);
    oc_arg_int(steps, launch, share.rows_each);
    oc_arg_int(steps, launch, space->size[OC_SPACE_LAST]);
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
launch_six(struct oc_steps *steps, struct oc_point *point,
           const struct oc_space *space)
{
    struct oc_point own = *point;
    struct oc_step *launch = oc_launch(steps, "pointwise", "each");
    int64_t count = 1;

    put_prelude(steps, launch, &own);
    put_types(steps, launch, &own);
    for (int k = 0; k <= OC_POINT_OUT; k++) {
        if (k >= own.n_in && k != OC_POINT_OUT)
            continue;
        put_operand(steps, launch, &own, k);
        oc_arg_int(steps, launch, space->at[k]);
        for (int i = OC_SPACE_LAST - 5; i <= OC_SPACE_LAST && k != OC_POINT_OUT;
             i++)
            oc_arg_int(steps, launch, space->stride[k][i]);
    }
    for (int i = OC_SPACE_LAST - 5; i <= OC_SPACE_LAST; i++)
        count *= space->size[i];
    for (int i = OC_SPACE_LAST - 4; i <= OC_SPACE_LAST; i++)
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
launch_each(struct oc_steps *steps, struct oc_point *point,
            const struct oc_space *space)
{
    struct oc_space part = *space;

    for (int64_t i = 0; i < space->size[0]; i++)
        for (int64_t j = 0; j < space->size[1]; j++) {
            for (int k = 0; k <= OC_POINT_OUT; k++)
                part.at[k] = space->at[k] + i * space->stride[k][0] +
                             j * space->stride[k][1];
            launch_six(steps, point, &part);
        }
}

void
oc_point_launch(struct oc_steps *steps, struct oc_point *point, int by_rows)
{
    struct oc_space space;

    if (oc_shape_count(&steps->out[0].value->shape) == 0)
        return;
    oc_space_make(steps, point, &space);
    if (by_rows)
        launch_rows(steps, point, &space);
    else
        launch_each(steps, point, &space);
}

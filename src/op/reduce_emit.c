/* reduce_emit.c - launches of cl/reduce.cl for the Reduce operators. */
#include <string.h>

#include "op/reduce.h"

void
oc_fold_make(const struct oc_shape *shape, uint32_t axes, struct oc_fold *fold)
{
    int64_t stride = 1;
    int k = 4, r = 4, last = -1;

    for (int i = 0; i < 4; i++) {
        fold->kept[i] = fold->reduced[i] = 1;
        fold->kept_stride[i] = fold->reduced_stride[i] = 0;
    }
    fold->outputs = fold->count = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        int reduces = (int)(axes >> i & 1u);
        int64_t *size = reduces ? fold->reduced : fold->kept;
        int64_t *step = reduces ? fold->reduced_stride : fold->kept_stride;
        int *at = reduces ? &r : &k;

        *(reduces ? &fold->count : &fold->outputs) *= shape->dim[i];
        if (shape->dim[i] == 1)
            continue;
        if (reduces != last)
            step[--*at] = stride;
        size[*at] *= shape->dim[i];
        stride *= shape->dim[i];
        last = reduces;
    }
}

void
oc_fold_args(struct oc_steps *steps, struct oc_step *launch,
             const struct oc_fold *fold)
{
    for (int i = 1; i < 4; i++)
        oc_arg_int(steps, launch, fold->kept[i]);
    for (int i = 0; i < 4; i++)
        oc_arg_int(steps, launch, fold->kept_stride[i]);
    for (int i = 1; i < 4; i++)
        oc_arg_int(steps, launch, fold->reduced[i]);
    for (int i = 0; i < 4; i++)
        oc_arg_int(steps, launch, fold->reduced_stride[i]);
}

/* ---- how it is shared out ----------------------------------------------- */

enum form { EACH, ALONG, ACROSS };

struct share {
    enum form form;
    int lanes;
    int64_t items, splits, size;
};

static int
is_small_float(ocellus_type type)
{
    return type == OCELLUS_FLOAT || type == OCELLUS_FLOAT16 ||
           type == OCELLUS_BFLOAT16;
}

static int
lanes_of(const struct oc_caps *caps)
{
    return caps->vector_width == 4 || caps->vector_width == 16
               ? caps->vector_width
               : 8;
}

static int64_t
at_least(int64_t a, int64_t b)
{
    return a < b ? b : a;
}

static int64_t
at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Pieces of a reduction whose results are fewer than what keeps a device
 * busy; by shape and device class alone. */
static int64_t
splits_for(const struct oc_caps *caps, int64_t items, int64_t count, int rows)
{
    int64_t busy = rows ? 4 * at_least(caps->compute_units, 1) : 4096;
    int64_t piece = rows ? 4096 : 128;

    if (items == 0 || items >= busy || count < 2 * piece)
        return 1;
    return at_most(at_most(count / piece, (busy + items - 1) / items), 1024);
}

static struct share
share_out(const struct oc_node *node, const struct oc_caps *caps, int rows)
{
    struct share share = {EACH, 1, 0, 1, 0};
    struct oc_fold fold;
    uint32_t axes = 0;

    (void)oc_reduce_axes(node, &axes);
    oc_fold_make(&node->in[0]->shape, axes, &fold);
    share.items = fold.outputs;
    if (rows) {
        share.lanes = lanes_of(caps);
        share.form = fold.reduced_stride[3] > 1 ? ACROSS : ALONG;
        if (share.form == ACROSS && fold.kept[3] > 0)
            share.items = fold.outputs / fold.kept[3] *
                          ((fold.kept[3] + share.lanes - 1) / share.lanes);
    }
    if (is_small_float(node->in[0]->type))
        share.splits = splits_for(caps, share.items, fold.count, rows);
    share.size = (fold.count + share.splits - 1) / share.splits;
    if (share.size > 0)
        share.splits = at_least((fold.count + share.size - 1) / share.size, 1);
    return share;
}

static size_t
scratch_of(const struct oc_node *node, const struct share *share)
{
    int64_t outputs = oc_shape_count(&node->out[0]->shape);
    int needs =
        share->splits > 1 || strcmp(node->op->name, "ReduceLogSumExp") == 0;

    return needs ? (size_t)(outputs * (1 + share->splits)) * sizeof(float) : 0;
}

/* ---- launches ----------------------------------------------------------- */

struct reduction {
    enum oc_reduce_kind kind;
    int to_scratch; /* the result is what a second pass starts from */
    struct share share;
    struct oc_fold fold;
};

static void
put_types(struct oc_steps *steps, struct oc_step *launch,
          const struct reduction *of)
{
    oc_define(steps, launch, "KIND", (int)of->kind);
    if (of->share.lanes > 1)
        oc_define(steps, launch, "LANES", of->share.lanes);
    oc_define_type(steps, launch, "x", steps->in[0].value->type);
    oc_define_type(steps, launch, "y",
                   of->to_scratch ? OCELLUS_FLOAT : steps->out[0].value->type);
}

/* y, part, shifts; what there is not, a valid place stands in for. */
static void
put_result(struct oc_steps *steps, struct oc_step *launch,
           const struct reduction *of)
{
    if (of->to_scratch)
        oc_arg_scratch(steps, launch);
    else
        oc_arg_out(steps, launch, 0);
}

static void
put_scratch(struct oc_steps *steps, struct oc_step *launch)
{
    if (steps->scratch >= 0)
        oc_arg_scratch(steps, launch);
    else
        oc_arg_out(steps, launch, 0);
}

static void
launch_join(struct oc_steps *steps, const struct reduction *of)
{
    struct oc_step *launch = oc_launch(steps, "reduce", "join");

    put_types(steps, launch, of);
    put_scratch(steps, launch);
    put_result(steps, launch, of);
    put_scratch(steps, launch);
    oc_arg_int(steps, launch, of->fold.outputs);
    oc_arg_int(steps, launch, of->fold.count);
    oc_arg_int(steps, launch, of->share.splits);
    oc_grid1(launch, of->fold.outputs, 0);
}

static void
launch_reduction(struct oc_steps *steps, const struct reduction *of)
{
    static const char *const kernels[] = {"each", "along", "across"};
    struct oc_step *launch =
        oc_launch(steps, "reduce", kernels[of->share.form]);
    double count = (double)of->fold.outputs * (double)of->fold.count;

    put_types(steps, launch, of);
    oc_arg_in(steps, launch, 0);
    put_result(steps, launch, of);
    put_scratch(steps, launch);
    put_scratch(steps, launch);
    oc_arg_int(steps, launch, of->fold.outputs);
    oc_arg_int(steps, launch, of->fold.count);
    oc_arg_int(steps, launch, of->share.splits);
    oc_arg_int(steps, launch, of->share.size);
    oc_fold_args(steps, launch, &of->fold);
    oc_grid1(launch, of->share.items * of->share.splits,
             of->share.form == EACH ? 0 : 1);
    oc_cost(launch, count,
            count * (double)oc_type_size(steps->in[0].value->type));
    if (of->share.splits > 1)
        launch_join(steps, of);
}

static enum oc_reduce_kind
kind_of(const struct oc_node *node)
{
    static const char *const names[] = {
        "Sum", "Mean", "Max",       "Min",    "Prod",
        "L1",  "L2",   "SumSquare", "LogSum", "LogSumExp"};

    for (size_t k = 0; k < OC_COUNT(names); k++)
        if (strcmp(node->op->name + 6, names[k]) == 0)
            return (enum oc_reduce_kind)k;
    return OC_SUM;
}

/* log(sum(exp(x))) takes the largest number off first. */
static ocellus_status
emit(struct oc_steps *steps, const struct oc_node *node, int rows)
{
    struct reduction of = {.kind = kind_of(node)};
    uint32_t axes;

    OC_TRY(oc_reduce_axes(node, &axes));
    oc_fold_make(&node->in[0]->shape, axes, &of.fold);
    of.share = share_out(node, steps->caps, rows);
    if (of.kind == OC_LOG_SUM_EXP) {
        of.kind = OC_MAX;
        of.to_scratch = 1;
        launch_reduction(steps, &of);
        of.kind = OC_LOG_SUM_EXP;
        of.to_scratch = 0;
    }
    launch_reduction(steps, &of);
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

/* ---- implementations ---------------------------------------------------- */

static void
layouts_rows(const struct oc_node *node, const struct oc_caps *caps,
             struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    struct share share = share_out(node, caps, 1);

    (void)out;
    in[0] = OC_PLAIN;
    *scratch = scratch_of(node, &share);
}

static void
layouts_direct(const struct oc_node *node, const struct oc_caps *caps,
               struct oc_layout in[], struct oc_layout out[], size_t *scratch)
{
    struct share share = share_out(node, caps, 0);

    (void)out;
    in[0] = OC_PLAIN;
    *scratch = scratch_of(node, &share);
}

static const char *
refuse_rows(const struct oc_node *node, const struct oc_caps *caps)
{
    if (!caps->cpu)
        return "a result for one work-item suits CPUs only";
    if (!is_small_float(node->in[0]->type) ||
        !is_small_float(node->out[0]->type))
        return "vectors are of float32, float16 or bfloat16";
    return NULL;
}

const struct oc_impl oc_reduce_impls[] = {
    {.name = "rows",
     .refuse = refuse_rows,
     .layouts = layouts_rows,
     .emit = emit_rows},
    {.name = "direct", .layouts = layouts_direct, .emit = emit_direct},
    {.name = NULL},
};

/* update.c - one step of an optimizer for one state, as torch.optim defines
 * it: SGD, Adam, AdamW, RMSprop, the moving average of weights, and what is
 * done to a gradient before.
 *
 * Learning rate and step are device inputs of one element, so that a schedule
 * rebuilds nothing. All of them leave a number that is 0 with gradient 0 at 0.
 * New values may lie where the old ones lie.
 */
#include <math.h>
#include <string.h>

#include "op/update.h"

static int
is_narrow(const struct ocellus_value *value)
{
    return value->type == OCELLUS_FLOAT16 || value->type == OCELLUS_BFLOAT16;
}

/* An output for each input that changes, in their order; all are float32
 * tensors of the same shape, but that input 1, a gradient, may be narrower.
 * `ones` are the inputs of one element, `read` those
 * that are read alone. */
static ocellus_status
infer(struct oc_node *node, uint32_t ones, uint32_t read)
{
    const struct ocellus_value *w = node->in[0];
    char text[2][OC_SHAPE_TEXT];
    int n = 0;

    for (int k = 0; k < node->n_in; k++) {
        const struct ocellus_value *in = node->in[k];
        int one = (int)(ones >> k & 1u);

        if (!in)
            continue;
        if (in->type != OCELLUS_FLOAT && !(k == 1 && is_narrow(in)))
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "input %d is %s, not float32", k,
                                oc_type_name(in->type));
        if (one ? oc_shape_count(&in->shape) != 1
                : !oc_shape_equal(&in->shape, &w->shape))
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "input %d is %s, the state is %s", k,
                                oc_shape_text(&in->shape, text[0]),
                                oc_shape_text(&w->shape, text[1]));
        if (!one && !(read >> k & 1u))
            OC_TRY(oc_infer_out(node, n++, w->type, &w->shape));
    }
    return OCELLUS_OK;
}

/* ---- launches ----------------------------------------------------------- */

/* Numbers of one work-group. */
static int
chunk_of(const struct oc_caps *caps)
{
    return caps->cpu ? 2048 : 1024;
}

int
oc_update_lanes(const struct oc_caps *caps)
{
    if (!caps->cpu)
        return 1;
    return caps->vector_width == 4 || caps->vector_width == 16
               ? caps->vector_width
               : 8;
}

int64_t
oc_update_group(const struct oc_caps *caps)
{
    int64_t most = (int64_t)caps->max_work_group, size = 256;

    while (size > most && size > 1)
        size /= 2;
    return caps->cpu ? 1 : size;
}

/* Input `in` and output `out` are what changes: one argument where all such
 * pairs of the node lie in one place each. */
static void
state(struct oc_steps *steps, struct oc_step *launch, int in, int out,
      int in_place)
{
    if (!in_place)
        oc_arg_in(steps, launch, in);
    oc_arg_out(steps, launch, out);
}

/* pairs: -1 behind the last one. */
static int
lie_in_place(const struct oc_steps *steps, const int pairs[][2])
{
    for (int k = 0; pairs[k][0] >= 0; k++)
        if (steps->in[pairs[k][0]].place != steps->out[pairs[k][1]].place)
            return 0;
    return 1;
}

/* As cl/update.cl counts them. */
static int
number_of(const char *kernel)
{
    static const char *const kernels[] = {
        "sgd",  "adam",  "rmsprop", "average",    "add",
        "mean", "scale", "squares", "loss_scale", "narrow"};
    int k = 0;

    while (strcmp(kernels[k], kernel) != 0)
        k++;
    return k + 1;
}

/* A launch with all arguments that are the tensor's own: pairs of inputs and
 * outputs, and behind the first of them an input that is read alone, or -1. */
static struct oc_step *
start(struct oc_steps *steps, const char *kernel, const int pairs[][2],
      int read)
{
    const struct oc_caps *caps = steps->caps;
    const int in_place = lie_in_place(steps, pairs);
    const int64_t count = oc_shape_count(&steps->node->in[0]->shape);
    const int64_t chunk = chunk_of(caps), group = oc_update_group(caps);
    struct oc_step *launch = oc_launch(steps, "update", kernel);
    int n = 0;

    oc_define(steps, launch, "ONLY", number_of(kernel));
    oc_define(steps, launch, "CHUNK", (int)chunk);
    oc_define(steps, launch, "LANES", oc_update_lanes(caps));
    oc_define(steps, launch, "IN_PLACE", in_place);
    if (read >= 0 && is_narrow(steps->node->in[read]))
        oc_define_type(steps, launch, "g", steps->node->in[read]->type);
    for (; pairs[n][0] >= 0; n++) {
        state(steps, launch, pairs[n][0], pairs[n][1], in_place);
        if (n == 0 && read >= 0)
            oc_arg_in(steps, launch, read);
    }
    oc_arg_int(steps, launch, count);
    launch->each = launch->n_args;
    oc_grid1(launch, (count + chunk - 1) / chunk * group, group);
    oc_cost(launch, (double)count * 8.0,
            4.0 * (double)count * (2 * n + (read >= 0)));
    return launch;
}

static void
put_numbers(struct oc_steps *steps, struct oc_step *launch,
            const double *numbers, int count)
{
    for (int k = 0; k < count; k++)
        oc_arg_float(steps, launch, numbers[k]);
}

static int
has(const struct oc_node *node, int k)
{
    return node->n_in > k && node->in[k];
}

/* The factor of gradients, input k, or a buffer that nobody reads. */
static void
put_factor(struct oc_steps *steps, struct oc_step *launch, int k)
{
    int there = has(steps->node, k);

    oc_define(steps, launch, "FACTORED", there);
    oc_arg_in(steps, launch, there ? k : 2);
}

static ocellus_status
emit_sgd(struct oc_steps *steps, const struct oc_node *node)
{
    int has_momentum = has(node, 3);
    int has_step = has(node, 4);
    const int pairs[][2] = {{0, 0}, {has_momentum ? 3 : -1, 1}, {-1, -1}};
    struct oc_step *launch = start(steps, "sgd", pairs, 1);
    double numbers[] = {oc_attr_float(node, "momentum", 0.0),
                        1.0 - oc_attr_float(node, "dampening", 0.0),
                        oc_attr_float(node, "weight_decay", 0.0)};

    oc_define(steps, launch, "MOMENTUM", has_momentum);
    oc_define(steps, launch, "NESTEROV",
              has_momentum && oc_attr_int(node, "nesterov", 0) != 0);
    oc_define(steps, launch, "DAMPENED", has_step);
    oc_arg_in(steps, launch, 2);
    oc_arg_in(steps, launch, has_step ? 4 : 2);
    put_factor(steps, launch, 5);
    put_numbers(steps, launch, numbers, 3);
    return steps->status;
}

/* Logarithms of the betas: 1 - beta^t is -expm1(t * log(beta)), which keeps
 * its digits where beta^t is near 1. */
static ocellus_status
emit_adam(struct oc_steps *steps, const struct oc_node *node)
{
    const int pairs[][2] = {{0, 0}, {3, 1}, {4, 2}, {-1, -1}};
    struct oc_step *launch = start(steps, "adam", pairs, 1);
    double beta1 = oc_attr_float(node, "beta1", 0.9);
    double beta2 = oc_attr_float(node, "beta2", 0.999);
    double numbers[] = {beta1,
                        1.0 - beta1,
                        log(beta1),
                        beta2,
                        1.0 - beta2,
                        log(beta2),
                        oc_attr_float(node, "epsilon", 1e-8),
                        oc_attr_float(node, "weight_decay", 0.0)};

    /* AdamWUpdate, its fifth letter. */
    oc_define(steps, launch, "DECOUPLED", node->op->name[4] == 'W');
    oc_arg_in(steps, launch, 2);
    oc_arg_in(steps, launch, 5);
    put_factor(steps, launch, 6);
    put_numbers(steps, launch, numbers, 8);
    return steps->status;
}

static ocellus_status
emit_rmsprop(struct oc_steps *steps, const struct oc_node *node)
{
    int has_momentum = has(node, 4);
    const int pairs[][2] = {
        {0, 0}, {3, 1}, {has_momentum ? 4 : -1, 2}, {-1, -1}};
    struct oc_step *launch = start(steps, "rmsprop", pairs, 1);
    double alpha = oc_attr_float(node, "alpha", 0.99);
    double numbers[] = {alpha, 1.0 - alpha,
                        oc_attr_float(node, "epsilon", 1e-8),
                        oc_attr_float(node, "momentum", 0.0),
                        oc_attr_float(node, "weight_decay", 0.0)};

    oc_define(steps, launch, "MOMENTUM", has_momentum);
    oc_arg_in(steps, launch, 2);
    put_factor(steps, launch, 5);
    put_numbers(steps, launch, numbers, 5);
    return steps->status;
}

/* A launch of its own: nothing changes. */
static ocellus_status
emit_narrow(struct oc_steps *steps, const struct oc_node *node)
{
    const struct oc_caps *caps = steps->caps;
    const int64_t count = oc_shape_count(&node->in[0]->shape);
    const int64_t chunk = chunk_of(caps), group = oc_update_group(caps);
    struct oc_step *launch = oc_launch(steps, "update", "narrow");

    oc_define(steps, launch, "ONLY", number_of("narrow"));
    oc_define(steps, launch, "CHUNK", (int)chunk);
    oc_define(steps, launch, "LANES", oc_update_lanes(caps));
    oc_define_type(steps, launch, "q", node->out[0]->type);
    oc_arg_in(steps, launch, 0);
    oc_arg_out(steps, launch, 0);
    oc_arg_int(steps, launch, count);
    launch->each = launch->n_args;
    oc_arg_int(steps, launch, 0);
    oc_grid1(launch, (count + chunk - 1) / chunk * group, group);
    oc_cost(launch, (double)count, 6.0 * (double)count);
    return steps->status;
}

static ocellus_status
emit_average(struct oc_steps *steps, const struct oc_node *node)
{
    const int pairs[][2] = {{0, 0}, {-1, -1}};
    struct oc_step *launch = start(steps, "average", pairs, 1);

    (void)node;
    oc_arg_in(steps, launch, 2);
    return steps->status;
}

static ocellus_status
emit_sum(struct oc_steps *steps, const struct oc_node *node)
{
    const int pairs[][2] = {{0, 0}, {-1, -1}};
    struct oc_step *launch = start(steps, "add", pairs, 1);

    (void)node;
    oc_arg_float(steps, launch, 1.0);
    return steps->status;
}

static ocellus_status
emit_mean(struct oc_steps *steps, const struct oc_node *node)
{
    const int pairs[][2] = {{0, 0}, {1, 1}, {-1, -1}};
    struct oc_step *launch = start(steps, "mean", pairs, -1);

    oc_arg_float(steps, launch, oc_attr_float(node, "share", 1.0));
    return steps->status;
}

static ocellus_status
emit_scale(struct oc_steps *steps, const struct oc_node *node)
{
    const int pairs[][2] = {{0, 0}, {-1, -1}};
    struct oc_step *launch = start(steps, "scale", pairs, -1);

    (void)node;
    oc_arg_in(steps, launch, 1);
    return steps->status;
}

/* ---- rows --------------------------------------------------------------- */

#define UPDATE_ROW(NAME, MIN, MAX, OUT, ONES, READ, EMIT, IN_PLACE)            \
    static ocellus_status NAME##_infer(struct oc_node *node)                   \
    {                                                                          \
        return infer(node, ONES, READ);                                        \
    }                                                                          \
    static const struct oc_impl NAME##_impls[] = {                             \
        {.name = "direct", .emit = EMIT, .in_place = IN_PLACE},                \
        {.name = NULL},                                                        \
    };                                                                         \
    const struct oc_op oc_op_##NAME = {.name = #NAME,                          \
                                       .min_in = MIN,                          \
                                       .max_in = MAX,                          \
                                       .n_out = OUT,                           \
                                       .flags = OC_OP_INTERNAL,                \
                                       .infer = NAME##_infer,                  \
                                       .impls = NAME##_impls};

/* All optimizers take a factor of g at the end: where it is 0, everything stays
 * as it was, whatever g holds. */

/* w, g, rate, momentum?, step?, factor? -> w', momentum'. Without the step,
 * dampening is that of every step; the first one's momentum is not dampened. */
UPDATE_ROW(SgdUpdate, 3, 6, 2, 1u << 2 | 1u << 4 | 1u << 5, 1u << 1, emit_sgd,
           1u << 0 | 1u << 3)
/* w, g, rate, m, v, step, factor? -> w', m', v' */
UPDATE_ROW(AdamUpdate, 6, 7, 3, 1u << 2 | 1u << 5 | 1u << 6, 1u << 1, emit_adam,
           1u << 0 | 1u << 3 | 1u << 4)
UPDATE_ROW(AdamWUpdate, 6, 7, 3, 1u << 2 | 1u << 5 | 1u << 6, 1u << 1,
           emit_adam, 1u << 0 | 1u << 3 | 1u << 4)
/* w, g, rate, v, momentum?, factor? -> w', v', momentum' */
UPDATE_ROW(RmspropUpdate, 4, 6, 3, 1u << 2 | 1u << 5, 1u << 1, emit_rmsprop,
           1u << 0 | 1u << 3 | 1u << 4)
/* average, w, decay -> average' */
UPDATE_ROW(ExponentialAverage, 3, 3, 1, 1u << 2, 1u << 1, emit_average, 1u << 0)

/* sum, g -> sum' */
UPDATE_ROW(GradientSum, 2, 2, 1, 0, 1u << 1, emit_sum, 1u << 0)
/* g, sum -> (g + sum) share, 0 */
UPDATE_ROW(GradientMean, 2, 2, 2, 0, 0, emit_mean, 1u << 0 | 1u << 1)
/* g, factor -> g factor */
UPDATE_ROW(GradientScale, 2, 2, 1, 1u << 1, 0, emit_scale, 1u << 0)

/* w -> w rounded to attribute `to`: a parameter, once a step, for operators
 * that take such. Its gradient stays as narrow as it comes; the optimizer reads
 * it so. */
static ocellus_status
narrow_infer(struct oc_node *node)
{
    ocellus_type type = (ocellus_type)oc_attr_int(node, "to", 0);

    if (node->in[0]->type != OCELLUS_FLOAT ||
        (type != OCELLUS_FLOAT16 && type != OCELLUS_BFLOAT16))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "rounds float32 to float16 or bfloat16");
    return oc_infer_out(node, 0, type, &node->in[0]->shape);
}

static void
narrow_grad(const struct oc_node *node, struct ocellus_value *dy[],
            struct ocellus_value *dx[])
{
    (void)node;
    dx[0] = dy[0];
}

static const struct oc_impl narrow_impls[] = {
    {.name = "direct", .emit = emit_narrow},
    {.name = NULL},
};

const struct oc_op oc_op_NarrowParameter = {
    .name = "NarrowParameter",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .flags = OC_OP_INTERNAL,
    .infer = narrow_infer,
    .grad = narrow_grad,
    .impls = narrow_impls,
};

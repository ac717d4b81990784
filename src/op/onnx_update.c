/* onnx_update.c - Adagrad, Adam, Momentum as ONNX writes training steps down
 * (domain ai.onnx.preview.training), made of other operators. Our own trainer
 * uses the operators of update.c.
 *
 * Inputs: rate, count of earlier steps, n tensors, their n gradients, then n of
 * each moment; outputs: n new tensors, then n of each moment. The gradient g
 * that the rules see is dx + norm_coefficient x.
 */
#include <limits.h>
#include <string.h>

#include "op/compose.h"
#include "op/pointwise.h"

/* Of one tensor: what it is made from, and what becomes of it. */
struct update {
    const struct oc_node *node;
    struct ocellus_graph *g;
    struct ocellus_value *rate, *count; /* both in the type of x */
    struct ocellus_value *x, *dx;
    struct ocellus_value *moment[2];
};

typedef void rule(struct update *u);

static struct ocellus_value *
binary(const struct update *u, const char *op, struct ocellus_value *a,
       struct ocellus_value *b)
{
    return OC_NODE(u->g, op, NULL, a, b);
}

static struct ocellus_value *
times(const struct update *u, double factor, struct ocellus_value *x)
{
    return x ? binary(u, "Mul", oc_scalar_like(x, factor), x) : NULL;
}

static double
coefficient(const struct update *u, const char *name, double otherwise)
{
    return oc_attr_float(u->node, name, otherwise);
}

/* Each output has the number of its input among tensors and moments. */
static ocellus_status
update_all(const struct oc_node *node, struct ocellus_graph *to,
           struct ocellus_value *const *in, struct ocellus_value **out,
           int moments, rule *apply)
{
    int n = (node->n_in - 2) / (2 + moments);
    if (node->n_in != 2 + n * (2 + moments) || n < 1 ||
        node->n_out > n * (1 + moments))
        return oc_fail(OCELLUS_BAD_MODEL,
                       "%d inputs and %d outputs; a rate, a count and %d for "
                       "each tensor, and %d, are taken",
                       node->n_in, node->n_out, 2 + moments, 1 + moments);
    for (int k = 0; k < n; k++) {
        struct update u = {node, to, .x = in[2 + k], .dx = in[2 + n + k]};
        for (int m = 0; m < moments; m++)
            u.moment[m] = in[2 + (2 + m) * n + k];
        if (!oc_type_is_float(u.x->type))
            return oc_fail(OCELLUS_BAD_MODEL, "a step of a tensor of %s",
                           oc_type_name(u.x->type));
        u.rate = oc_cast_to(in[0], u.x->type);
        u.count = oc_cast_to(in[1], u.x->type);
        u.dx = binary(&u, "Add", u.dx,
                      times(&u, coefficient(&u, "norm_coefficient", 0), u.x));
        apply(&u);
        for (int m = 0; m <= moments && m * n + k < node->n_out; m++)
            out[m * n + k] = m == 0 ? u.x : u.moment[m - 1];
    }
    return oc_composed(to);
}

/* a h + b f */
static struct ocellus_value *
blend(const struct update *u, double a, struct ocellus_value *h, double b,
      struct ocellus_value *f)
{
    return binary(u, "Add", times(u, a, h), times(u, b, f));
}

static struct ocellus_value *
root_plus(const struct update *u, struct ocellus_value *h)
{
    double epsilon = coefficient(u, "epsilon", 1e-6);
    return binary(u, "Add", OC_NODE(u->g, "Sqrt", NULL, h),
                  oc_scalar_like(u->x, epsilon));
}

/* h = h + g^2, x = x - rate / (1 + decay count) g / (sqrt(h) + epsilon) */
static void
adagrad(struct update *u)
{
    double decay = coefficient(u, "decay_factor", 0);
    struct ocellus_value *slower =
        binary(u, "Add", oc_scalar_like(u->x, 1), times(u, decay, u->count));
    struct ocellus_value *rate = binary(u, "Div", u->rate, slower);
    u->moment[0] =
        binary(u, "Add", u->moment[0], binary(u, "Mul", u->dx, u->dx));
    u->x = binary(u, "Sub", u->x,
                  binary(u, "Mul", rate,
                         binary(u, "Div", u->dx, root_plus(u, u->moment[0]))));
}

/* 1 - base^count, or 1 before the first step. */
static struct ocellus_value *
bias(const struct update *u, double base)
{
    struct ocellus_value *one = oc_scalar_like(u->x, 1);
    struct ocellus_value *power =
        binary(u, "Pow", oc_scalar_like(u->x, base), u->count);
    return OC_NODE(u->g, "Where", NULL,
                   binary(u, "Greater", u->count, oc_scalar_like(u->x, 0)),
                   binary(u, "Sub", one, power), one);
}

/* v = alpha v + (1 - alpha) g, h = beta h + (1 - beta) g^2 (Kingma and Ba
 * 2015), x = x - rate sqrt(1 - beta^t) / (1 - alpha^t) v / (sqrt(h) + epsilon)
 */
static void
adam(struct update *u)
{
    double alpha = coefficient(u, "alpha", 0.9);
    double beta = coefficient(u, "beta", 0.999);
    double after = coefficient(u, "norm_coefficient_post", 0);
    struct ocellus_value *squared = binary(u, "Mul", u->dx, u->dx);
    u->moment[0] = blend(u, alpha, u->moment[0], 1 - alpha, u->dx);
    u->moment[1] = blend(u, beta, u->moment[1], 1 - beta, squared);
    struct ocellus_value *rate = binary(
        u, "Div",
        binary(u, "Mul", u->rate, OC_NODE(u->g, "Sqrt", NULL, bias(u, beta))),
        bias(u, alpha));
    struct ocellus_value *step =
        binary(u, "Div", u->moment[0], root_plus(u, u->moment[1]));
    u->x = times(u, 1 - after,
                 binary(u, "Sub", u->x, binary(u, "Mul", rate, step)));
}

/* v = alpha v + beta g, where beta is 1 in the first step; x = x - rate v, or
 * with Nesterov's look ahead x - rate (g + alpha v). */
static void
momentum(struct update *u)
{
    double alpha = coefficient(u, "alpha", 0);
    struct ocellus_value *beta =
        OC_NODE(u->g, "Where", NULL,
                binary(u, "Greater", u->count, oc_scalar_like(u->x, 0)),
                oc_scalar_like(u->x, coefficient(u, "beta", 1)),
                oc_scalar_like(u->x, 1));
    u->moment[0] = binary(u, "Add", times(u, alpha, u->moment[0]),
                          binary(u, "Mul", beta, u->dx));
    struct ocellus_value *step = u->moment[0];
    if (strcmp(oc_attr_text(u->node, "mode", "standard"), "nesterov") == 0)
        step = binary(u, "Add", u->dx, times(u, alpha, step));
    u->x = binary(u, "Sub", u->x, binary(u, "Mul", u->rate, step));
}

#define UPDATE(NAME, RULE, MOMENTS)                                            \
    static ocellus_status expand_##RULE(const struct oc_node *node,            \
                                        struct ocellus_graph *to,              \
                                        struct ocellus_value *const *in,       \
                                        struct ocellus_value **out, int *done) \
    {                                                                          \
        *done = 1;                                                             \
        return update_all(node, to, in, out, MOMENTS, RULE);                   \
    }                                                                          \
    const struct oc_op oc_op_##NAME = {                                        \
        .name = #NAME,                                                         \
        .domain = "ai.onnx.preview.training",                                  \
        .min_in = 4 + MOMENTS,                                                 \
        .max_in = INT_MAX,                                                     \
        .n_out = 1 + MOMENTS,                                                  \
        .expand = expand_##RULE,                                               \
    };

UPDATE(Adagrad, adagrad, 1)
UPDATE(Adam, adam, 2)
UPDATE(Momentum, momentum, 1)

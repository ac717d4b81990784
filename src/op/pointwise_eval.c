/* pointwise_eval.c - each operator twice: on doubles and on 64-bit integers,
 * as the type of its first input says. Integers wrap around as on a device. */
#include <math.h>
#include <string.h>

#include "op/pointwise_eval.h"

/* Where element i of the output lies in an input that was broadcast. */
static size_t
place(const struct oc_shape *out, const struct oc_shape *in, size_t i)
{
    size_t at = 0, step = 1;

    for (int k = 0; k < in->rank; k++) {
        size_t extent = (size_t)out->dim[out->rank - 1 - k];
        size_t own = (size_t)in->dim[in->rank - 1 - k];

        at += own == 1 ? 0 : i % extent * step;
        step *= own;
        i /= extent;
    }
    return at;
}

static double
number(const struct oc_node *node, int k, size_t i)
{
    const struct ocellus_value *in = node->in[k];

    return oc_element_get(in->type, in->data,
                          place(&node->out[0]->shape, &in->shape, i));
}

static int64_t
integer(const struct oc_node *node, int k, size_t i)
{
    const struct ocellus_value *in = node->in[k];

    return oc_element_get_int(in->type, in->data,
                              place(&node->out[0]->shape, &in->shape, i));
}

static int
is_float(const struct oc_node *node, int k)
{
    return oc_type_is_float(node->in[k]->type);
}

/* Calls `each` for all elements of output 0. */
static ocellus_status
for_all(struct oc_node *node,
        void (*each)(const struct oc_node *node, void *data, size_t i))
{
    void *data = oc_eval_out(node, 0);
    int64_t count = oc_shape_count(&node->out[0]->shape);

    if (!data)
        return oc_node_fail(node, OCELLUS_OUT_OF_MEMORY,
                            "no host memory for %lld numbers",
                            (long long)count);
    for (int64_t i = 0; i < count; i++)
        each(node, data, (size_t)i);
    return OCELLUS_OK;
}

/* y from x, or from a and b: as doubles (real) and as integers (whole). */
#define EVAL_UNARY(NAME, REAL, WHOLE)                                          \
    static void NAME##_each(const struct oc_node *node, void *data, size_t i)  \
    {                                                                          \
        ocellus_type type = node->out[0]->type;                                \
        if (is_float(node, 0)) {                                               \
            double x = number(node, 0, i);                                     \
            oc_element_set(type, data, i, REAL);                               \
        } else {                                                               \
            int64_t x = integer(node, 0, i);                                   \
            oc_element_set_int(type, data, i, WHOLE);                          \
        }                                                                      \
    }                                                                          \
    ocellus_status oc_eval_##NAME(struct oc_node *node)                        \
    {                                                                          \
        return for_all(node, NAME##_each);                                     \
    }

#define EVAL_BINARY(NAME, REAL, WHOLE)                                         \
    static void NAME##_each(const struct oc_node *node, void *data, size_t i)  \
    {                                                                          \
        ocellus_type type = node->out[0]->type;                                \
        if (is_float(node, 0)) {                                               \
            double a = number(node, 0, i), b = number(node, 1, i);             \
            oc_element_set(type, data, i, REAL);                               \
        } else {                                                               \
            int64_t a = integer(node, 0, i), b = integer(node, 1, i);          \
            oc_element_set_int(type, data, i, WHOLE);                          \
        }                                                                      \
    }                                                                          \
    ocellus_status oc_eval_##NAME(struct oc_node *node)                        \
    {                                                                          \
        return for_all(node, NAME##_each);                                     \
    }

#define WRAP(op) (int64_t)((uint64_t)a op(uint64_t) b)

static int64_t
divide(int64_t a, int64_t b)
{
    if (b == 0)
        return 0;
    return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

static int64_t
remain(int64_t a, int64_t b)
{
    return b == 0 || b == -1 ? 0 : a % b;
}

static int64_t
power(int64_t base, int64_t exponent)
{
    uint64_t result = 1, square = (uint64_t)base;

    if (exponent < 0)
        return base == 1 ? 1 : base == -1 ? (exponent & 1 ? -1 : 1) : 0;
    for (; exponent; exponent >>= 1, square *= square)
        if (exponent & 1)
            result *= square;
    return (int64_t)result;
}

static int
c_like(const struct oc_node *node)
{
    return oc_attr_int(node, "fmod", 0) != 0;
}

/* The divisor's sign, of zeros too. */
static double
modulo_real(double a, double b)
{
    double rest = fmod(a, b);

    if (rest == 0)
        return copysign(rest, b);
    return (rest < 0) != (b < 0) ? rest + b : rest;
}

/* The divisor's sign, unless fmod=1. */
static int64_t
modulo(const struct oc_node *node, int64_t a, int64_t b)
{
    int64_t rest = remain(a, b);

    return !c_like(node) && rest && (rest < 0) != (b < 0) ? rest + b : rest;
}

EVAL_UNARY(copy, x, x)
EVAL_UNARY(neg, -x, (int64_t)(0 - (uint64_t)x))
EVAL_UNARY(abs, fabs(x), x < 0 ? (int64_t)(0 - (uint64_t)x) : x)
EVAL_UNARY(sign, isnan(x) ? x : (x > 0) - (x < 0), (x > 0) - (x < 0))
EVAL_UNARY(floor, floor(x), x)
EVAL_UNARY(ceil, ceil(x), x)
EVAL_UNARY(round, rint(x), x)
EVAL_UNARY(reciprocal, 1.0 / x, divide(1, x))
EVAL_UNARY(sqrt, sqrt(x), (int64_t)sqrt((double)x))
EVAL_UNARY(exp, exp(x), x)
EVAL_UNARY(log, log(x), x)
EVAL_UNARY(not, x == 0, x == 0)

EVAL_BINARY(add, a + b, WRAP(+))
EVAL_BINARY(sub, a - b, WRAP(-))
EVAL_BINARY(mul, a *b, WRAP(*))
EVAL_BINARY(div, a / b, divide(a, b))
EVAL_BINARY(pow, pow(a, b),
            is_float(node, 1) ? (int64_t)pow((double)a, number(node, 1, i))
                              : power(a, b))
EVAL_BINARY(mod, c_like(node) ? fmod(a, b) : modulo_real(a, b),
            modulo(node, a, b))
EVAL_BINARY(equal, a == b, a == b)
EVAL_BINARY(less, a < b, a < b)
EVAL_BINARY(greater, a > b, a > b)
EVAL_BINARY(less_or_equal, a <= b, a <= b)
EVAL_BINARY(greater_or_equal, a >= b, a >= b)
EVAL_BINARY(and, (a != 0) && (b != 0), (a != 0) && (b != 0))
EVAL_BINARY(or, (a != 0) || (b != 0), (a != 0) || (b != 0))
EVAL_BINARY(xor, (a != 0) != (b != 0), (a != 0) != (b != 0))

/* ---- any number of inputs ----------------------------------------------- */

#define EVAL_MANY(NAME, REAL, WHOLE)                                           \
    static void NAME##_each(const struct oc_node *node, void *data, size_t i)  \
    {                                                                          \
        ocellus_type type = node->out[0]->type;                                \
        double x = number(node, 0, i);                                         \
        int64_t n = integer(node, 0, i);                                       \
        for (int k = 1; k < node->n_in; k++) {                                 \
            double b = number(node, k, i), a = x;                              \
            int64_t m = integer(node, k, i);                                   \
            x = REAL;                                                          \
            n = WHOLE;                                                         \
        }                                                                      \
        if (is_float(node, 0))                                                 \
            oc_element_set(type, data, i, x);                                  \
        else                                                                   \
            oc_element_set_int(type, data, i, n);                              \
    }                                                                          \
    ocellus_status oc_eval_##NAME(struct oc_node *node)                        \
    {                                                                          \
        return for_all(node, NAME##_each);                                     \
    }

EVAL_MANY(sum, a + b, (int64_t)((uint64_t)n + (uint64_t)m))
EVAL_MANY(max, a < b || isnan(b) ? b : a, n < m ? m : n)
EVAL_MANY(min, a > b || isnan(b) ? b : a, n > m ? m : n)

static void
mean_each(const struct oc_node *node, void *data, size_t i)
{
    double sum = 0.0;

    for (int k = 0; k < node->n_in; k++)
        sum += number(node, k, i);
    oc_element_set(node->out[0]->type, data, i, sum / node->n_in);
}

ocellus_status
oc_eval_mean(struct oc_node *node)
{
    return for_all(node, mean_each);
}

static void
take(const struct oc_node *node, int k, void *data, size_t i)
{
    if (is_float(node, k))
        oc_element_set(node->out[0]->type, data, i, number(node, k, i));
    else
        oc_element_set_int(node->out[0]->type, data, i, integer(node, k, i));
}

static void
where_each(const struct oc_node *node, void *data, size_t i)
{
    take(node, integer(node, 0, i) ? 1 : 2, data, i);
}

ocellus_status
oc_eval_where(struct oc_node *node)
{
    return for_all(node, where_each);
}

static void
clip_each(const struct oc_node *node, void *data, size_t i)
{
    int from = 0;

    if (node->n_in > 1 && node->in[1] &&
        number(node, 0, i) < number(node, 1, i))
        from = 1;
    if (node->n_in > 2 && node->in[2] &&
        number(node, from, i) > number(node, 2, i))
        from = 2;
    take(node, from, data, i);
}

ocellus_status
oc_eval_clip(struct oc_node *node)
{
    return for_all(node, clip_each);
}

/* arithmetic.c - arithmetic and elementary functions by their definitions. */
#include "tests/op/harness.h"

#include <math.h>
#include <string.h>

/* ---- definitions --------------------------------------------------------- */

#define F1(NAME, VALUE)                                                        \
    static double NAME(const struct oc_node *node, const double v[])           \
    {                                                                          \
        double a = v[0], b = v[1];                                             \
                                                                               \
        (void)node;                                                            \
        (void)b;                                                               \
        return VALUE;                                                          \
    }

F1(identity, a)
F1(neg, -a)
F1(absolute, fabs(a))
F1(signum, a > 0 ? 1 : a < 0 ? -1 : a)
F1(floored, floor(a))
F1(ceiled, ceil(a))
F1(reciprocal, 1 / a)
F1(square_root, sqrt(a))
F1(exponential, exp(a))
F1(logarithm, log(a))
F1(error_function, erf(a))
F1(sine, sin(a))
F1(cosine, cos(a))
F1(tangent, tan(a))
F1(arc_sine, asin(a))
F1(arc_cosine, acos(a))
F1(arc_tangent, atan(a))
F1(sine_h, sinh(a))
F1(cosine_h, cosh(a))
F1(area_sine, asinh(a))
F1(area_cosine, acosh(a))
F1(area_tangent, atanh(a))
F1(add, a + b)
F1(sub, a - b)
F1(mul, a *b)
F1(power, pow(a, b))

/* Halves to even. */
static double
rounded(const struct oc_node *node, const double v[])
{
    double low = floor(v[0]), rest = v[0] - low;

    (void)node;
    if (rest == 0.5)
        return fmod(low, 2.0) == 0.0 ? low : low + 1;
    return rest < 0.5 ? low : low + 1;
}

static double
divided(const struct oc_node *node, const double v[])
{
    if (oc_type_is_float(node->in[0]->type))
        return v[0] / v[1];
    return v[1] == 0 ? 0 : trunc(v[0] / v[1]);
}

static double
modulo(const struct oc_node *node, const double v[])
{
    if (v[1] == 0)
        return 0;
    if (oc_attr_int(node, "fmod", 0))
        return fmod(v[0], v[1]);
    return v[0] - v[1] * floor(v[0] / v[1]);
}

static double
many(const struct oc_node *node, const double v[])
{
    const char *name = node->op->name;
    double sum = 0, most = -HUGE_VAL, least = HUGE_VAL;

    for (int k = 0; k < node->n_in; k++) {
        sum += v[k];
        most = most >= v[k] || isnan(most) ? most : v[k];
        least = least <= v[k] || isnan(least) ? least : v[k];
    }
    return strcmp(name, "Sum") == 0    ? sum
           : strcmp(name, "Mean") == 0 ? sum / node->n_in
           : strcmp(name, "Max") == 0  ? most
                                       : least;
}

/* Gradient rows, named behind their operators, are used by the gradient
 * test. */
static const struct {
    const char *op, *gradient;
    double (*f)(const struct oc_node *node, const double v[]);
} definitions[] = {
    {"Identity", "", identity},
    {"Neg", "", neg},
    {"Abs", "AbsGrad", absolute},
    {"Sign", "", signum},
    {"Floor", "", floored},
    {"Ceil", "", ceiled},
    {"Round", "", rounded},
    {"Reciprocal", "ReciprocalGrad", reciprocal},
    {"Sqrt", "SqrtGrad", square_root},
    {"Exp", "ExpGrad", exponential},
    {"Log", "LogGrad", logarithm},
    {"Erf", "ErfGrad", error_function},
    {"Sin", "SinGrad", sine},
    {"Cos", "CosGrad", cosine},
    {"Tan", "TanGrad", tangent},
    {"Asin", "AsinGrad", arc_sine},
    {"Acos", "AcosGrad", arc_cosine},
    {"Atan", "AtanGrad", arc_tangent},
    {"Sinh", "SinhGrad", sine_h},
    {"Cosh", "CoshGrad", cosine_h},
    {"Asinh", "AsinhGrad", area_sine},
    {"Acosh", "AcoshGrad", area_cosine},
    {"Atanh", "AtanhGrad", area_tangent},
    {"Add", "", add},
    {"Sub", "", sub},
    {"Mul", "", mul},
    {"Div", "DivGrad", divided},
    {"Pow", "PowGrad", power},
    {"Pow", "PowGradExponent", power},
    {"Mod", "", modulo},
    {"Sum", "", many},
    {"Mean", "", many},
    {"Max", "MaxGrad", many},
    {"Min", "MinGrad", many},
    {"Max", "EqualGrad", many},
};

static void
defined(const struct oc_node *node, const double *const x[], double *const y[])
{
    for (size_t k = 0; k < OC_COUNT(definitions); k++)
        if (strcmp(node->op->name, definitions[k].op) == 0) {
            oc_map(node, x, y, definitions[k].f);
            return;
        }
}

/* ---- cases --------------------------------------------------------------- */

#define UNARY(NAME, LOW, HIGH)                                                 \
    {                                                                          \
        .op = NAME, .in = {{"2x11x3x5", LOW, HIGH}}, .reference = defined      \
    }

#define BINARY(NAME, A, B)                                                     \
    {                                                                          \
        .op = NAME, .in = {{A, 0.5, 2}, {B, 0.5, 2}}, .reference = defined     \
    }

#define EXPONENT(P)                                                            \
    {                                                                          \
        .op = "Pow",                                                           \
        .in = {{"2x11x3x5", 0.5, 2},                                           \
               {"", .values = (const double[]){P}, .host = 1}},                \
        .reference = defined                                                   \
    }

static const double whole[] = {7, -7, 8, -8, 0, 5, -2147483648.0, 9};
static const double divisors[] = {3, 3, -3, -3, 4, 0, -1, -9};

static const double lost[] = {NAN, -3, NAN, 0, 9, NAN, 2, 0.5, NAN, 1,
                              -1,  5,  NAN, 7, 8, NAN, 4, -9,  2,   NAN};

#define MOST_OF_LOST(NAME)                                                     \
    {.op = NAME,                                                               \
     .in = {{"20", .values = lost}, {"20"}},                                   \
     .no_gradient = 1,                                                         \
     .reference = defined},                                                    \
        {.op = NAME,                                                           \
         .in = {{"20"}, {"20", .values = lost}, {"20"}},                       \
         .no_gradient = 1,                                                     \
         .reference = defined},                                                \
        {.op = NAME,                                                           \
         .in = {{"20"}, {"20"}, {"20"}, {"20", .values = lost}, {"20"}},       \
         .no_gradient = 1,                                                     \
         .reference = defined},                                                \
        {.op = NAME,                                                           \
         .in = {{"20", .values = lost, .host = 1},                             \
                {"20", .host = 1},                                             \
                {"20", .host = 1}},                                            \
         .reference = defined},                                                \
    {                                                                          \
        .op = NAME,                                                            \
        .in = {{"20", .host = 1}, {"20", .values = lost, .host = 1}},          \
        .reference = defined                                                   \
    }

static const struct oc_case cases[] = {
    UNARY("Identity", -1, 1),
    UNARY("Neg", -1, 1),
    UNARY("Abs", -1, 1),
    UNARY("Sign", -1, 1),
    UNARY("Floor", -3, 3),
    UNARY("Ceil", -3, 3),
    UNARY("Round", -3, 3),
    {.op = "Round",
     .in = {{"6", .values = (const double[]){0.5, 1.5, 2.5, -0.5, -1.5, -2.5}}},
     .reference = defined},
    UNARY("Reciprocal", 0.5, 2),
    UNARY("Sqrt", 0.1, 2),
    UNARY("Exp", -3, 3),
    UNARY("Log", 0.1, 3),
    UNARY("Erf", -2, 2),
    UNARY("Sin", -3, 3),
    UNARY("Cos", -3, 3),
    UNARY("Tan", -1, 1),
    UNARY("Asin", -0.9, 0.9),
    UNARY("Acos", -0.9, 0.9),
    UNARY("Atan", -3, 3),
    UNARY("Sinh", -2, 2),
    UNARY("Cosh", -2, 2),
    UNARY("Asinh", -2, 2),
    UNARY("Acosh", 1.2, 3),
    UNARY("Atanh", -0.8, 0.8),

    /* Broadcasting: equal, blocked a channel, a scalar, rows, columns, outer
     * products, more dimensions than a row kernel counts, nothing at all. */
    BINARY("Add", "2x11x3x5", "2x11x3x5"),
    BINARY("Add", "2x11x3x5", "1x11x1x1"),
    BINARY("Add", "2x16x3x5", "1x16x1x1"),
    BINARY("Mul", "2x11x3x5", "2x11x1x1"),
    BINARY("Mul", "1x16x1x1", "2x16x3x5"),
    BINARY("Mul", "2x11x3x5", "11x1x1"),
    BINARY("Mul", "2x16x3x5", "16x1x1"),
    BINARY("Mul", "2x11x3x5", "1x1x3x5"),
    BINARY("Sub", "2x11x3x5", ""),
    BINARY("Sub", "", "2x11x3x5"),
    BINARY("Sub", "1x1x1x1", "2x11x3x5"),
    BINARY("Div", "2x11x3x5", "2x11x3x5"),
    BINARY("Div", "6x10", "10"),
    BINARY("Div", "6x1", "1x10"),
    BINARY("Add", "3x1x5x1", "2x1x4x1x6"),
    BINARY("Mul", "2x1x3x1x2x1x3x1", "1x2x1x2x1x3x1x2"),
    BINARY("Mul", "2x3x2x3x2x3x2x3", "1x3x1x3x1x3x1x3"),
    BINARY("Add", "0x3", "1x3"),
    BINARY("Add", "3001", "1"),
    BINARY("Add", "1x257x9", "1x257x1"),
    BINARY("Pow", "2x11x3x5", "2x11x3x5"),
    BINARY("Pow", "2x3", "1"),
    EXPONENT(1),
    EXPONENT(2),
    EXPONENT(3),
    EXPONENT(4),
    EXPONENT(0.5),
    EXPONENT(-0.5),
    EXPONENT(-1),
    EXPONENT(1.7),

    {.op = "Sum", .in = {{"2x11x3x5"}}, .reference = defined},
    {.op = "Sum",
     .in = {{"2x11x3x5"}, {"2x11x3x5"}, {"1x11x1x1"}},
     .reference = defined},
    {.op = "Sum",
     .in = {{"2x3"}, {"3"}, {"2x1"}, {""}, {"2x3"}, {"2x3"}},
     .reference = defined},
    {.op = "Mean", .in = {{"2x3"}, {"3"}}, .reference = defined},
    {.op = "Mean",
     .in = {{"2x11x3x5"}, {"2x11x3x5"}, {"1x11x1x1"}, {""}, {"2x11x3x5"}},
     .reference = defined},
    {.op = "Max", .in = {{"2x11x3x5"}, {"2x11x3x5"}}, .reference = defined},
    {.op = "Max", .in = {{"4x5"}, {"5"}, {"4x1"}}, .reference = defined},
    {.op = "Min", .in = {{"4x5"}, {"5"}}, .reference = defined},
    {.op = "Min",
     .in = {{"9"}, {"9"}, {"9"}, {"9"}, {"9"}},
     .reference = defined},

    /* What is no number stays none, wherever it stands. */
    {.op = "Sign",
     .in = {{"20", .values = lost}},
     .no_gradient = 1,
     .reference = defined},
    {.op = "Sign",
     .in = {{"20", .values = lost, .host = 1}},
     .reference = defined},
    MOST_OF_LOST("Max"),
    MOST_OF_LOST("Min"),

    {.op = "Mod",
     .attributes = "fmod=1",
     .in = {{"20", -5, 5}, {"20", 1, 3}},
     .no_gradient = 1,
     .reference = defined},
    {.op = "Mod",
     .in = {{"20", -5, 5}, {"20", 1, 3}},
     .no_gradient = 1,
     .reference = defined},

    /* Integers: no trap, whatever the numbers. */
    {.op = "Div",
     .in = {{"8", .values = whole, .type = OCELLUS_INT64},
            {"8", .values = divisors, .type = OCELLUS_INT64}},
     .reference = defined},
    {.op = "Mod",
     .in = {{"8", .values = whole, .type = OCELLUS_INT32},
            {"8", .values = divisors, .type = OCELLUS_INT32}},
     .reference = defined},
    {.op = "Mod",
     .attributes = "fmod=1",
     .in = {{"8", .values = whole, .type = OCELLUS_INT64},
            {"8", .values = divisors, .type = OCELLUS_INT64}},
     .reference = defined},
    {.op = "Pow",
     .in = {{"9", -3, 3, OCELLUS_INT32}, {"9", 0, 4, OCELLUS_INT32}},
     .reference = defined},
    {.op = "Pow",
     .in = {{"9", 0.5, 2}, {"9", -3, 3, OCELLUS_INT32}},
     .reference = defined},
    {.op = "Add",
     .in = {{"3x7", -9, 9, OCELLUS_INT64}, {"7", -9, 9, OCELLUS_INT64}},
     .reference = defined},
    {.op = "Mul",
     .in = {{"3x7", 0, 15, OCELLUS_UINT8}, {"7", 0, 15, OCELLUS_UINT8}},
     .reference = defined},
    {.op = "Max",
     .in = {{"7", -9, 9, OCELLUS_INT32}, {"7", -9, 9, OCELLUS_INT32}},
     .reference = defined},
    {.op = "Abs", .in = {{"7", -9, 9, OCELLUS_INT64}}, .reference = defined},
    {.op = "Sign", .in = {{"7", -9, 9, OCELLUS_INT32}}, .reference = defined},

    /* On the host. */
    {.op = "Mod",
     .in = {{"8", .values = whole, .type = OCELLUS_INT64, .host = 1},
            {"8", .values = divisors, .type = OCELLUS_INT64, .host = 1}},
     .reference = defined},
    {.op = "Mul",
     .in = {{"3x1", -9, 9, OCELLUS_INT64, .host = 1},
            {"2x1x4", -9, 9, OCELLUS_INT64, .host = 1}},
     .reference = defined},
    {.op = "Sqrt", .in = {{"5", 0, 4, .host = 1}}, .reference = defined},
    {.op = "Min",
     .in = {{"5", 0, 4, .host = 1}, {"", .host = 1}, {"5", .host = 1}},
     .reference = defined},

    {.op = "Exp",
     .in = {{"3x17", -5, 5, OCELLUS_DOUBLE}},
     .tolerance = 1e-14,
     .reference = defined},
    {.op = "Add",
     .in = {{"3x17", -5, 5, OCELLUS_FLOAT16}, {"17", -5, 5, OCELLUS_FLOAT16}},
     .tolerance = 1e-3,
     .reference = defined},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

/* logic.c - comparisons, truth values, bits, choices and types. */
#include "tests/op/harness.h"

#include <math.h>
#include <string.h>

#define F(NAME, VALUE)                                                         \
    static double NAME(const struct oc_node *node, const double v[])           \
    {                                                                          \
        double a = v[0], b = v[1];                                             \
                                                                               \
        (void)node;                                                            \
        (void)b;                                                               \
        return VALUE;                                                          \
    }

F(equal, a == b)
F(less, a < b)
F(greater, a > b)
F(less_or_equal, a <= b)
F(greater_or_equal, a >= b)
F(both, a != 0 && b != 0)
F(either, a != 0 || b != 0)
F(differ, (a != 0) != (b != 0))
F(not, a == 0)
F(is_nan, a != a)
F(bits_and, (double)((int)a &(int)b))
F(bits_or, (double)((int)a | (int)b))
F(bits_xor, (double)((int)a ^ (int)b))
F(bits_not, (double)(~(int)a))
F(choice, a != 0 ? b : v[2])

static double
is_inf(const struct oc_node *node, const double v[])
{
    return (v[0] == HUGE_VAL && oc_attr_int(node, "detect_positive", 1)) ||
           (v[0] == -HUGE_VAL && oc_attr_int(node, "detect_negative", 1));
}

static double
shifted(const struct oc_node *node, const double v[])
{
    double factor = v[1] < 0 || v[1] > 31 ? 0x1p64 : pow(2, v[1]);

    if (factor == 0x1p64 &&
        strcmp(oc_attr_text(node, "direction", ""), "LEFT") == 0)
        return 0;
    if (strcmp(oc_attr_text(node, "direction", ""), "RIGHT") == 0)
        return floor(v[0] / factor);
    return v[0] * factor;
}

/* Integers from reals are cut off towards zero. */
static double
cast(const struct oc_node *node, const double v[])
{
    ocellus_type to = node->out[0]->type;

    if (to == OCELLUS_BOOL)
        return v[0] != 0;
    return oc_type_is_integer(to) ? trunc(v[0]) : v[0];
}

static const struct {
    const char *op;
    double (*f)(const struct oc_node *node, const double v[]);
} definitions[] = {
    {"Equal", equal},
    {"Less", less},
    {"Greater", greater},
    {"LessOrEqual", less_or_equal},
    {"GreaterOrEqual", greater_or_equal},
    {"And", both},
    {"Or", either},
    {"Xor", differ},
    {"Not", not },
    {"IsNaN", is_nan},
    {"IsInf", is_inf},
    {"BitwiseAnd", bits_and},
    {"BitwiseOr", bits_or},
    {"BitwiseXor", bits_xor},
    {"BitwiseNot", bits_not},
    {"BitShift", shifted},
    {"Where", choice},
    {"Cast", cast},
};

static void
defined(const struct oc_node *node, const double *const x[], double *const y[])
{
    for (size_t k = 0; k < OC_COUNT(definitions); k++)
        if (strcmp(node->op->name, definitions[k].op) == 0)
            oc_map(node, x, y, definitions[k].f);
}

/* The second input gives its type alone, whatever its shape. */
static void
cast_like(const struct oc_node *node, const double *const x[],
          double *const y[])
{
    for (int64_t i = 0; i < oc_shape_count(&node->in[0]->shape); i++)
        y[0][i] = cast(node, &x[0][i]);
}

#define COMPARE(NAME)                                                          \
    {.op = NAME, .in = {{"3x7"}, {"7"}}, .reference = defined},                \
    {                                                                          \
        .op = NAME,                                                            \
        .in = {{"3x7", 0, 2, OCELLUS_INT64}, {"3x1", 0, 2, OCELLUS_INT64}},    \
        .reference = defined                                                   \
    }

#define LOGIC(NAME)                                                            \
    {                                                                          \
        .op = NAME,                                                            \
        .in = {{"3x7", .type = OCELLUS_BOOL}, {"7", .type = OCELLUS_BOOL}},    \
        .reference = defined                                                   \
    }

#define BITS(NAME)                                                             \
    {                                                                          \
        .op = NAME,                                                            \
        .in = {{"3x7", -99, 99, OCELLUS_INT32},                                \
               {"7", -99, 99, OCELLUS_INT32}},                                 \
        .reference = defined                                                   \
    }

#define CAST(TO, FROM)                                                         \
    {                                                                          \
        .op = "Cast", .attributes = TO, .in = {{"3x7", 0, 9, FROM}},           \
        .tolerance = 4e-3, .reference = defined                                \
    }

static const double odd[] = {0, 1, HUGE_VAL, -HUGE_VAL, NAN, -3};

static const struct oc_case cases[] = {
    COMPARE("Equal"),
    COMPARE("Less"),
    COMPARE("Greater"),
    COMPARE("LessOrEqual"),
    COMPARE("GreaterOrEqual"),
    LOGIC("Equal"),
    LOGIC("And"),
    LOGIC("Or"),
    LOGIC("Xor"),
    {.op = "Not", .in = {{"9", .type = OCELLUS_BOOL}}, .reference = defined},
    {.op = "IsNaN", .in = {{"6", .values = odd}}, .reference = defined},
    {.op = "IsInf", .in = {{"6", .values = odd}}, .reference = defined},
    {.op = "IsInf",
     .attributes = "detect_negative=0",
     .in = {{"6", .values = odd}},
     .reference = defined},
    {.op = "IsInf",
     .attributes = "detect_positive=0",
     .in = {{"6", .values = odd}},
     .reference = defined},
    BITS("BitwiseAnd"),
    BITS("BitwiseOr"),
    BITS("BitwiseXor"),
    {.op = "BitwiseNot",
     .in = {{"9", -99, 99, OCELLUS_INT32}},
     .reference = defined},
    {.op = "BitShift",
     .attributes = "direction=LEFT",
     .in = {{"9", 0, 99, OCELLUS_UINT32}, {"9", 0, 4, OCELLUS_UINT32}},
     .reference = defined},
    {.op = "BitShift",
     .attributes = "direction=RIGHT",
     .in = {{"9", 0, 99, OCELLUS_UINT8}, {"9", 0, 4, OCELLUS_UINT8}},
     .reference = defined},
    /* Below 0 and past the width, too: all bits go. */
    {.op = "BitShift",
     .attributes = "direction=LEFT",
     .in = {{"99", -9, 9, OCELLUS_INT32}, {"99", -30, 25, OCELLUS_INT32}},
     .reference = defined},
    {.op = "BitShift",
     .attributes = "direction=RIGHT",
     .in = {{"99", -9, 9, OCELLUS_INT32}, {"99", -3, 35, OCELLUS_INT32}},
     .reference = defined},
    {.op = "Where",
     .in = {{"2x11x3x5", .type = OCELLUS_BOOL}, {"2x11x3x5"}, {"11x1x1"}},
     .reference = defined},
    {.op = "Where",
     .in = {{"3x1", .type = OCELLUS_BOOL},
            {"7", -9, 9, OCELLUS_INT64},
            {"", -9, 9, OCELLUS_INT64}},
     .reference = defined},
    {.op = "Where",
     .in = {{"3", .type = OCELLUS_BOOL, .host = 1},
            {"3", -9, 9, OCELLUS_INT64, .host = 1},
            {"", -9, 9, OCELLUS_INT64, .host = 1}},
     .reference = defined},
    CAST("to=1", OCELLUS_UINT8),
    CAST("to=1", OCELLUS_INT64),
    CAST("to=1", OCELLUS_BOOL),
    CAST("to=1", OCELLUS_FLOAT16),
    CAST("to=6", OCELLUS_FLOAT),
    CAST("to=7", OCELLUS_FLOAT),
    CAST("to=9", OCELLUS_FLOAT),
    CAST("to=10", OCELLUS_FLOAT),
    CAST("to=16", OCELLUS_FLOAT),
    CAST("to=11", OCELLUS_FLOAT),
    CAST("to=1", OCELLUS_DOUBLE),
    {.op = "CastLike",
     .in = {{"5", 0, 9}, {"2x7", 0, 1, OCELLUS_INT32}},
     .reference = cast_like},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

/* pointwise_formula.c - which formula a node has: the row's own, unless its
 * types, attributes or inputs ask for another. */
#include <stdio.h>
#include <string.h>

#include "op/epilogue.h"
#include "op/pointwise.h"

/* What the row says does not fit integers. */
static const struct {
    const char *name, *formula;
} integer_formulas[] = {
    {"Abs", "a * ((a > 0) - (a < 0))"},
    {"Relu", "(a > 0 ? a : 0)"},
    {"Sign", "((a > 0) - (a < 0))"},
    {"Div", "INT_DIV(a, b)"},
};

static const char *
mod_formula(const struct oc_node *node, int is_float)
{
    int c_like = oc_attr_int(node, "fmod", 0) != 0;

    if (is_float)
        return c_like ? "fmod(a, b)"
                      : "(fmod(a, b) == 0.0f ? copysign(fmod(a, b), b) "
                        ": (fmod(a, b) < 0.0f) != (b < 0.0f) "
                        "? fmod(a, b) + b : fmod(a, b))";
    return c_like ? "INT_REM(a, b)" : "INT_MOD(a, b)";
}

static const struct {
    double exponent;
    const char *power, *gradient;
} powers[] = {
    {1.0, "a", "c"},
    {2.0, "a * a", "2.0f * a * c"},
    {3.0, "a * a * a", "3.0f * a * a * c"},
    {4.0, "(a * a) * (a * a)", "4.0f * a * a * a * c"},
    {0.5, "sqrt(a)", "0.5f * c / sqrt(a)"},
    {-0.5, "1.0f / sqrt(a)", "-0.5f * c / (a * sqrt(a))"},
    {-1.0, "1.0f / a", "-c / (a * a)"},
};

static const char *
pow_formula(const struct oc_node *node, int gradient)
{
    const struct ocellus_value *e = node->in[1];

    if (!gradient && !oc_type_is_float(node->in[0]->type))
        return oc_type_is_float(e->type) ? "pow((float)a, (float)b)"
                                         : "int_pow((long)a, (long)b)";
    if (!gradient && !oc_type_is_float(e->type))
        return node->in[0]->type == OCELLUS_DOUBLE ? "pow(a, (double)b)"
                                                   : "pow(a, (float)b)";
    if (oc_is_host_scalar(e))
        for (size_t k = 0; k < OC_COUNT(powers); k++)
            if (oc_element_get(e->type, e->data, 0) == powers[k].exponent)
                return gradient ? powers[k].gradient : powers[k].power;
    return node->op->formula;
}

static const char *
clip_formula(const struct oc_node *node)
{
    int own = oc_own_inputs(node); /* those of an epilogue come behind */
    int low = own > 1 && node->in[1];
    int high = own > 2 && node->in[2];

    if (low && high)
        return "((a < b ? b : a) > c ? c : (a < b ? b : a))";
    if (low)
        return "(a < b ? b : a)";
    return high ? "(a > c ? c : a)" : "a";
}

/* x, dy and the bounds: a gradient passes where the number was kept. */
static const char *
clip_gradient(const struct oc_node *node)
{
    int low = oc_own_inputs(node) > 2 && node->in[2];
    int high = oc_own_inputs(node) > 3 && node->in[3];

    if (low && high)
        return "(a < c ? 0.0f : (a > d ? 0.0f : b))";
    if (low)
        return "(a < c ? 0.0f : b)";
    return high ? "(a > d ? 0.0f : b)" : "b";
}

static const char *
many_formula(const struct oc_node *node)
{
    static const char *const sum[] = {"a", "a + b", "a + b + c",
                                      "a + b + c + d"};
    static const char *const mean[] = {
        "a", "0.5f * (a + b)", "(a + b + c) / 3.0f", "0.25f * (a + b + c + d)"};
    static const char *const most[] = {"a", OC_MOST2, OC_MOST3, OC_MOST4};
    static const char *const least[] = {"a", OC_LEAST2, OC_LEAST3, OC_LEAST4};
    int n = (node->n_in < 4 ? node->n_in : 4) - 1;

    if (strcmp(node->op->name, "Sum") == 0)
        return sum[n];
    if (strcmp(node->op->name, "Mean") == 0)
        return mean[n];
    return strcmp(node->op->name, "Max") == 0 ? most[n] : least[n];
}

static const char *
is_inf_formula(const struct oc_node *node)
{
    int below = oc_attr_int(node, "detect_negative", 1) != 0;
    int above = oc_attr_int(node, "detect_positive", 1) != 0;

    if (below && above)
        return "isinf(a)";
    if (above)
        return "(isinf(a) && a > 0)";
    return below ? "(isinf(a) && a < 0)" : "(a != a && a == a)";
}

const char *
oc_formula_text(const struct oc_node *node)
{
    const char *name = node->op->name;
    int is_float = oc_type_is_float(node->in[0]->type);

    if (!is_float)
        for (size_t k = 0; k < OC_COUNT(integer_formulas); k++)
            if (strcmp(name, integer_formulas[k].name) == 0)
                return integer_formulas[k].formula;
    if (strcmp(name, "Mod") == 0)
        return mod_formula(node, is_float);
    if (strcmp(name, "Pow") == 0)
        return pow_formula(node, 0);
    if (strcmp(name, "PowGrad") == 0)
        return pow_formula(node, 1);
    if (strcmp(name, "Clip") == 0)
        return clip_formula(node);
    if (strcmp(name, "ClipGrad") == 0)
        return clip_gradient(node);
    if (strcmp(name, "IsInf") == 0)
        return is_inf_formula(node);
    if (strcmp(name, "BitShift") == 0)
        return strcmp(oc_attr_text(node, "direction", "LEFT"), "RIGHT") == 0
                   ? "(b >= 0 && b < 8 * sizeof(a) ? a >> b : a < 0 ? -1 : 0)"
                   : "(b >= 0 && b < 8 * sizeof(a) ? a << b : 0)";
    if (strcmp(name, "Gelu") == 0 || strcmp(name, "GeluGrad") == 0)
        if (strcmp(oc_attr_text(node, "approximate", "none"), "tanh") == 0)
            return name[4] ? OC_GELU_TANH_GRADIENT : OC_GELU_TANH;
    if (node->op->impls == oc_many_impls)
        return many_formula(node);
    return node->op->formula;
}

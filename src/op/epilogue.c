/* epilogue.c - turns node->epilogue into a prelude and its arguments.
 *
 * The prelude holds one function, the formula, and two macros: what to add to
 * the kernel's parameters, and how to call the function at a place. The
 * scalars are arguments, so that one program serves every slope and bound; in
 * the function they are as wide as v, because fmax(s0, v) wants that.
 */
#include <string.h>

#include "base/type.h"
#include "op/epilogue.h"

int
oc_own_inputs(const struct oc_node *node)
{
    return node->n_in - (node->epilogue ? node->epilogue->n_extra : 0);
}

static void
write_function(struct oc_text *text, const struct oc_epilogue *e,
               const char *type)
{
    oc_text_printf(text, "static inline %s\noc_epilogue(%s v", type, type);
    for (int i = 0; i < e->n_extra; i++)
        oc_text_printf(text, ", %s e%d", type, i);
    for (int i = 0; i < e->n_scalar; i++)
        oc_text_printf(text, ", float oc_s%d", i);
    oc_text_append(text, ")\n{\n");
    for (int i = 0; i < e->n_scalar; i++)
        oc_text_printf(text, "    const %s s%d = oc_s%d;\n", type, i, i);
    oc_text_printf(text, "    return %s;\n}\n", e->formula);
}

static void
write_macros(struct oc_text *text, const struct oc_steps *steps,
             const struct oc_epilogue *e, const char *vector)
{
    int first = oc_own_inputs(steps->node);

    oc_text_append(text, "#define EPILOGUE_PARAMETERS");
    for (int i = 0; i < e->n_extra; i++)
        oc_text_printf(text, " , __global const STORAGE(%d) *oc_e%d",
                       (int)steps->in[first + i].value->type, i);
    for (int i = 0; i < e->n_scalar; i++)
        oc_text_printf(text, " , float oc_s%d", i);
    oc_text_append(text, "\n#define EPILOGUE(v, i) oc_epilogue(v");
    for (int i = 0; i < e->n_extra; i++)
        if (vector)
            oc_text_printf(text, ", vload%s(0, oc_e%d + (i))",
                           vector + strcspn(vector, "0123456789"), i);
        else
            oc_text_printf(text, ", LOAD(%d, oc_e%d, i)",
                           (int)steps->in[first + i].value->type, i);
    for (int i = 0; i < e->n_scalar; i++)
        oc_text_printf(text, ", oc_s%d", i);
    oc_text_append(text, ")\n");
}

void
oc_epilogue(struct oc_steps *steps, struct oc_step *launch, const char *vector)
{
    const struct oc_epilogue *e = steps->node->epilogue;
    struct oc_text text = {0};

    if (!e)
        return;
    write_function(&text, e, vector ? vector : "float");
    write_macros(&text, steps, e, vector);
    if (text.failed)
        steps->status =
            oc_fail(OCELLUS_OUT_OF_MEMORY,
                    "no host memory for an epilogue of %s", launch->kernel);
    else
        oc_prelude(steps, launch, "%s", text.data);
    oc_text_free(&text);
    for (int i = 0; i < e->n_extra; i++)
        oc_arg_in(steps, launch, oc_own_inputs(steps->node) + i);
    for (int i = 0; i < e->n_scalar; i++)
        oc_arg_float(steps, launch, e->scalar[i]);
}

/* single_text.c - a kernel file as a block of a larger text.
 *
 * OpenCL C has neither modules nor namespaces, so names are kept apart by the
 * preprocessor. A block reads
 *
 *     #define BLOCK 8                 options
 *     #define conv_blocked conv_blocked_2
 *     #define steps steps_2           what the file defines at its margin
 *     ...                             the prelude, common.cl, the file
 *     #undef steps ...                all of that, and their own macros
 *
 * and the step's kernel becomes a function that is told where it stands; the
 * file's other kernels are left out:
 *
 *     __kernel void                   static void
 *     f(__global float *y, int n)     f(__global float *y, int n, int oc_at_0,
 *                                       int oc_at_1, int oc_at_2)
 *
 * It rests on the style of our kernel files: names of functions, types and
 * constants are defined at the margin, macros are in capitals.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "op/kernel_source.h"
#include "plan/single.h"

static const char *
source_of(const char *file)
{
    for (const struct oc_kernel_source *k = oc_kernel_sources; k->name; k++)
        if (strcmp(k->name, file) == 0)
            return k->text;
    return NULL;
}

/* ---- names -------------------------------------------------------------- */

static int
in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static size_t
name_length(const char *at)
{
    size_t n = 0;

    while (in_name(at[n]))
        n++;
    return n;
}

/* The first name of an enum, a struct or a typedef or constant that the line
 * defines; its length, or 0. */
static size_t
defined_type(const char *line, const char **name)
{
    static const char *const before[] = {"struct ", "__constant ", "typedef "};
    const size_t length = strcspn(line, "\n");
    const char *end = line + length;

    if (strncmp(line, before[0], strlen(before[0])) == 0 && end[-1] == '{') {
        *name = line + strlen(before[0]);
        return name_length(*name);
    }
    if (strncmp(line, before[1], strlen(before[1])) == 0)
        end = line + strcspn(line, "[=;");
    else if (strncmp(line, before[2], strlen(before[2])) == 0)
        end = line + strcspn(line, ";");
    else
        return 0;
    while (end > line && !in_name(end[-1]))
        end--;
    *name = end;
    while (in_name((*name)[-1]))
        (*name)--;
    return (size_t)(end - *name);
}

/* A function: its name begins the line and a parenthesis follows. */
static size_t
defined_function(const char *line, const char **name)
{
    const size_t n = name_length(line);

    *name = line;
    return islower((unsigned char)line[0]) && line[n] == '(' ? n : 0;
}

static void
rename_one(struct oc_text *text, const char *name, size_t n, int number)
{
    oc_text_printf(text, "#define %.*s %.*s_%d\n", (int)n, name, (int)n, name,
                   number);
}

static void
forget_one(struct oc_text *text, const char *name, size_t n)
{
    oc_text_printf(text, "#undef %.*s\n", (int)n, name);
}

/* enum { X, Y }; on one line. */
static void
enumerators(struct oc_text *text, const char *line, int number, int forget)
{
    const char *at = line + strcspn(line, "{\n");
    const char *end = line + strcspn(line, "}\n");

    while (at < end) {
        size_t n = name_length(at);

        if (n > 0 && forget)
            forget_one(text, at, n);
        else if (n > 0)
            rename_one(text, at, n, number);
        at += n > 0 ? n : 1;
    }
}

/* Names defined at the margin of `source` get an ending, or lose it; macros are
 * forgotten with them. */
static void
names(struct oc_text *text, const char *source, int number, int forget)
{
    for (const char *line = source; line && *line;) {
        const char *name, *next = strchr(line, '\n');
        size_t n = defined_function(line, &name);

        if (n == 0)
            n = defined_type(line, &name);
        if (n > 0 && forget)
            forget_one(text, name, n);
        else if (n > 0)
            rename_one(text, name, n, number);
        else if (strncmp(line, "enum {", 6) == 0)
            enumerators(text, line, number, forget);
        else if (forget && strncmp(line, "#define ", 8) == 0)
            forget_one(text, line + 8, name_length(line + 8));
        line = next ? next + 1 : NULL;
    }
}

/* -DNAME=VALUE, a blank, ... */
static void
options(struct oc_text *text, const char *options, int forget)
{
    for (const char *at = strstr(options, "-D"); at; at = strstr(at, "-D")) {
        size_t n = name_length(at += 2), value = strcspn(at + n, " ");

        if (forget)
            forget_one(text, at, n);
        else if (at[n] == '=')
            oc_text_printf(text, "#define %.*s %.*s\n", (int)n, at,
                           (int)value - 1, at + n + 1);
        else
            oc_text_printf(text, "#define %.*s 1\n", (int)n, at);
        at += n;
    }
}

/* ---- kernels into functions --------------------------------------------- */

/* Where the next kernel of `source` begins: at its name, its text, its end. */
struct kernel {
    const char *begin, *name, *end;
};

static int
next_kernel(const char *source, struct kernel *k)
{
    const char *at = strstr(source, "\n__kernel ");

    if (!at)
        return 0;
    k->begin = at + 1;
    for (at++; !defined_function(at, &k->name);)
        at = strchr(at, '\n') + 1;
    at = strstr(at, "\n}\n");
    k->end = at ? at + 3 : k->name + strlen(k->name);
    return 1;
}

static int
is_named(const struct kernel *k, const char *name)
{
    const size_t n = name_length(k->name);

    return strlen(name) == n && strncmp(k->name, name, n) == 0;
}

/* Behind the parenthesis that closes the first one from `at` on. */
static const char *
closing(const char *at)
{
    int depth = 0;

    at += strcspn(at, "(");
    do {
        depth += *at == '(';
        depth -= *at == ')';
    } while (*at++ && depth > 0);
    return at;
}

/* `source` with the kernel `name` as a function, and without the others. */
static void
functions(struct oc_text *text, const char *source, const char *name)
{
    struct kernel k;

    for (; next_kernel(source, &k); source = k.end) {
        const char *open = closing(k.name) - 1;

        oc_text_append_bytes(text, source, (size_t)(k.begin - source));
        if (!is_named(&k, name))
            continue;
        oc_text_append(text, "static inline void\n");
        oc_text_append_bytes(text, k.name, (size_t)(open - k.name));
        oc_text_append(text, ", int oc_at_0, int oc_at_1, int oc_at_2");
        oc_text_append_bytes(text, open, (size_t)(k.end - open));
    }
    oc_text_append(text, source);
}

void
oc_single_block(struct oc_text *text, const struct oc_step *step, int number)
{
    const char *part[] = {step->prelude, source_of("common"),
                          source_of(step->file)};

    oc_text_printf(text, "\n/* cl/%s.cl */\n", step->file);
    options(text, step->options, 0);
    for (size_t k = 0; k < OC_COUNT(part); k++)
        names(text, part[k], number, 0);
    oc_text_append(text, "#pragma OPENCL FP_CONTRACT DEFAULT\n");
    for (size_t k = 0; k < OC_COUNT(part); k++)
        if (part[k])
            functions(text, part[k], step->kernel);
    for (size_t k = 0; k < OC_COUNT(part); k++)
        names(text, part[k], number, 1);
    options(text, step->options, 1);
}

/* ---- what can go -------------------------------------------------------- */

static int
each_group_is_one(const struct oc_step *step)
{
    for (int d = 0; d < step->dims; d++)
        if (step->local[d] != 1)
            return 0;
    return 1;
}

/* An array in local memory is for kernels alone. */
static int
has_local_array(const char *text)
{
    while ((text = strstr(text, "__local "))) {
        text += strcspn(text, "[=;,)*");
        if (*text == '[')
            return 1;
    }
    return 0;
}

static int
says_one_of(const char *text, const char *const *word, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (strstr(text, word[k]))
            return 1;
    return 0;
}

static const char *
text_refusal(const char *text, const struct oc_step *step)
{
    static const char *const whole[] = {"barrier(", "get_num_groups",
                                        "get_global_size"};
    static const char *const group[] = {"get_group_id", "get_local_id",
                                        "get_local_size"};

    if (says_one_of(text, whole, OC_COUNT(whole)))
        return "its work-items work together";
    if (has_local_array(text))
        return "it has an array in local memory";
    if (says_one_of(text, group, OC_COUNT(group)) && !each_group_is_one(step))
        return "its groups have several work-items";
    return NULL;
}

static int
has_kernel(const char *source, const char *name)
{
    struct kernel k;

    for (; source && next_kernel(source, &k); source = k.end)
        if (is_named(&k, name))
            return 1;
    return 0;
}

const char *
oc_single_refusal(const struct oc_step *step)
{
    const char *part[] = {step->prelude, NULL};
    struct oc_text text = {0};
    const char *why;

    if (step->kind != OC_STEP_KERNEL)
        return "it is not a kernel";
    part[1] = source_of(step->file);
    if (!has_kernel(part[0], step->kernel) &&
        !has_kernel(part[1], step->kernel))
        return "its kernel is not to be seen";
    for (size_t k = 0; k < OC_COUNT(part); k++)
        if (part[k])
            functions(&text, part[k], step->kernel);
    why = text.failed ? "no memory" : text_refusal(text.data, step);
    oc_text_free(&text);
    return why;
}

/* option.c - a table of options read from the command line, shown as help,
 * and kept in checkpoints. */
#include "cmd/cmd.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ocellus_status
out_of_range(const struct cmd_option *option, const char *text)
{
    if (isinf(option->most))
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "--%s must be a number of at least %g, not '%s'",
                        option->name, option->least, text);
    return cmd_fail(OCELLUS_BAD_ARGUMENT,
                    "--%s must be a number from %.10g to %.10g, not '%s'",
                    option->name, option->least, option->most, text);
}

/* Decimal digits only: strtod() would take "inf" and "0x10" too. */
static int
is_plain(const char *text)
{
    return text[strspn(text, "+-.0123456789eE")] == '\0';
}

static ocellus_status
set_number(const struct cmd_option *option, const char *text)
{
    char *end;
    errno = 0;
    int64_t whole =
        option->kind == CMD_WHOLE ? (int64_t)strtoll(text, &end, 10) : 0;
    double real =
        option->kind == CMD_WHOLE ? (double)whole : strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0 || !is_plain(text) ||
        !(real >= option->least) || !(real <= option->most))
        return out_of_range(option, text);
    if (option->kind == CMD_WHOLE)
        *(int64_t *)option->to = whole;
    else
        *(double *)option->to = real;
    return OCELLUS_OK;
}

/* Those that the command line has, which a kept set does not override. */
static const struct cmd_option *given[64];
static size_t n_given;

static int
was_given(const struct cmd_option *option)
{
    for (size_t k = 0; k < n_given; k++)
        if (given[k] == option)
            return 1;
    return 0;
}

static ocellus_status
add(const struct cmd_option *option, const char *text)
{
    struct cmd_many *many = option->to;
    if (many->count == CMD_MOST_MANY)
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "--%s is there more than %d times", option->name,
                        CMD_MOST_MANY);
    many->value[many->count++] = text;
    return OCELLUS_OK;
}

static ocellus_status
set(const struct cmd_option *option, const char *text)
{
    if (n_given < sizeof given / sizeof given[0])
        given[n_given++] = option;
    if (option->kind == CMD_FLAG)
        *(int *)option->to = 1;
    else if (option->kind == CMD_TEXT)
        *(const char **)option->to = text;
    else if (option->kind == CMD_MANY)
        return add(option, text);
    else
        return set_number(option, text);
    return OCELLUS_OK;
}

static const struct cmd_option *
find(const struct cmd_option *options, const char *name, size_t length)
{
    for (; options->name != NULL; options++)
        if (strlen(options->name) == length &&
            strncmp(options->name, name, length) == 0)
            return options;
    return NULL;
}

/* argv[*k] is an option; moves *k over the value that it takes. */
static ocellus_status
take(const struct cmd *cmd, int argc, char **argv, int *k)
{
    const char *word = argv[*k], *equal = strchr(word, '=');
    const char *name = word + strspn(word, "-");
    size_t length = equal ? (size_t)(equal - name) : strlen(name);
    const struct cmd_option *option =
        word[1] == '-' ? find(cmd->options, name, length) : NULL;
    if (option == NULL)
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "%s has no option %s; see ocellus %s --help", cmd->name,
                        word, cmd->name);
    if (option->kind == CMD_FLAG && equal != NULL)
        return cmd_fail(OCELLUS_BAD_ARGUMENT, "--%s takes no value",
                        option->name);
    if (option->kind == CMD_FLAG)
        return set(option, "");
    if (equal == NULL && *k + 1 >= argc)
        return cmd_fail(OCELLUS_BAD_ARGUMENT, "--%s wants a value: --%s %s",
                        option->name, option->name, option->value);
    return set(option, equal != NULL ? equal + 1 : argv[++*k]);
}

static ocellus_status
check_count(const struct cmd *cmd, int count)
{
    if (count < cmd->least || (cmd->most >= 0 && count > cmd->most))
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "usage: ocellus %s %s (see ocellus %s --help)",
                        cmd->name, cmd->arguments, cmd->name);
    return OCELLUS_OK;
}

ocellus_status
cmd_parse(const struct cmd *cmd, int argc, char **argv, int *count, int *help)
{
    int only_words = 0;
    *count = *help = 0;
    for (int k = 0; k < argc; k++) {
        char *word = argv[k];
        if (!only_words && strcmp(word, "--") == 0)
            only_words = 1;
        else if (!only_words &&
                 (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0))
            *help = 1;
        else if (!only_words && word[0] == '-' && word[1] != '\0')
            CMD_TRY(take(cmd, argc, argv, &k));
        else
            argv[(*count)++] = word;
    }
    return *help ? OCELLUS_OK : check_count(cmd, *count);
}

/* ---- help -----------------------------------------------------------------
 */

void
cmd_help(const struct cmd *cmd)
{
    printf("usage: ocellus %s %s%s[options]\n\n", cmd->name, cmd->arguments,
           *cmd->arguments ? " " : "");
    cmd_print_words(cmd->what, 0, 79);
    puts("\noptions:");
    for (const struct cmd_option *o = cmd->options; o->name != NULL; o++) {
        char head[40];
        snprintf(head, sizeof head, "  --%s %s", o->name,
                 o->value ? o->value : "");
        printf("%-26s", head);
        if (strlen(head) > 25)
            printf("\n%26s", "");
        cmd_print_words(o->what, 26, 79);
    }
    printf("%-26s%s\n", "  --help", "this text");
    if (cmd->more != NULL)
        printf("\n%s", cmd->more);
}

/* ---- options in a checkpoint -----------------------------------------------
 */

json_t *
cmd_options_pack(const struct cmd_option *options)
{
    json_t *object = json_object();
    for (; options->name != NULL; options++) {
        json_t *value = NULL;
        if (options->kind == CMD_FLAG)
            value = json_integer(*(int *)options->to);
        else if (options->kind == CMD_WHOLE)
            value = json_integer(*(int64_t *)options->to);
        else if (options->kind == CMD_REAL)
            value = json_real(*(double *)options->to);
        else if (*(const char **)options->to != NULL)
            value = json_string(*(const char **)options->to);
        if (value != NULL)
            json_object_set_new(object, options->name, value);
    }
    return object;
}

static ocellus_status
unpack(const struct cmd_option *option, const json_t *value)
{
    double number = json_number_value(value);
    if (option->kind == CMD_TEXT && json_is_string(value))
        *(const char **)option->to = json_string_value(value);
    else if (option->kind == CMD_FLAG && json_is_integer(value))
        *(int *)option->to = json_integer_value(value) != 0;
    else if (option->kind == CMD_WHOLE && json_is_integer(value) &&
             (json_integer_value(value) == *(int64_t *)option->to ||
              (number >= option->least && number <= option->most)))
        *(int64_t *)option->to = json_integer_value(value);
    else if (option->kind == CMD_REAL && json_is_number(value) &&
             ((number >= option->least && number <= option->most) ||
              !(number > *(double *)option->to ||
                number < *(double *)option->to)))
        *(double *)option->to = number;
    else
        return cmd_fail(OCELLUS_BAD_DATA,
                        "what run.json says of --%s cannot be; say --%s "
                        "yourself to go on",
                        option->name, option->name);
    return OCELLUS_OK;
}

ocellus_status
cmd_options_unpack(const struct cmd_option *options, const json_t *from)
{
    for (; options->name != NULL; options++) {
        const json_t *value = json_object_get(from, options->name);
        if (value != NULL && !was_given(options))
            CMD_TRY(unpack(options, value));
    }
    return OCELLUS_OK;
}

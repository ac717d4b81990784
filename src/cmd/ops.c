/* ops.c - `ocellus ops`: the operators. */
#include "cmd/cmd.h"

#include <stdio.h>

static int all;

static json_t *
pack(const ocellus_op_info *op)
{
    return json_pack("{ss ss ss sb sb}", "name", op->name, "what", op->what,
                     "implementations", op->implementations, "gradient",
                     op->has_gradient, "internal", op->internal);
}

static void
print(const char *name, const char *gradient, const char *by, const char *what)
{
    printf("%-24s %-8s %-16s ", name, gradient, *by ? by : "others");
    cmd_print_rest(what, 51);
}

static ocellus_status
run(int count, char **words)
{
    ocellus_op_info op;
    json_t *rows = json_array();
    (void)count, (void)words;
    if (!cmd_json)
        print("operator", "gradient", "by", "what it computes");
    for (int k = 0; ocellus_op_get_info(k, &op); k++) {
        if (op.internal && !all)
            continue;
        if (cmd_json)
            json_array_append_new(rows, pack(&op));
        else
            print(op.name, op.has_gradient ? "yes" : "-", op.implementations,
                  op.what);
    }
    if (cmd_json)
        return cmd_print_json(json_pack("{so}", "operators", rows));
    json_decref(rows);
    return OCELLUS_OK;
}

static const struct cmd_option options[] = {
    {"all", CMD_FLAG, &all, NULL,
     "also those that ONNX has not: gradients and updates", 0, 0},
    CMD_JSON,
    CMD_END};

const struct cmd cmd_ops = {
    .name = "ops",
    .arguments = "",
    .brief = "lists the operators",
    .what = "Lists the operators: name, whether it has a gradient, its "
            "implementations from the fastest to the plain one, and what it "
            "computes. One by \"others\" is made of other operators.",
    .options = options,
    .more = "example:\n  ocellus ops --all\n",
    .run = run,
};

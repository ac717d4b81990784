/* inspect.c - `ocellus inspect`: what a model file takes and gives. */
#include "cmd/model.h"

#include <stdio.h>
#include <string.h>

/* rank -1: nobody says. */
static json_t *
value_row(const char *name, ocellus_type type, int rank, const int64_t *dim)
{
    json_t *dims = rank < 0 ? json_null() : json_array();
    for (int k = 0; k < rank; k++)
        json_array_append_new(dims,
                              dim[k] < 0 ? json_null() : json_integer(dim[k]));
    return json_pack("{ss ss so}", "name", name, "type",
                     type == OCELLUS_UNDEFINED ? "known in the run"
                                               : ocellus_type_name(type),
                     "shape", dims);
}

static json_t *
graph_row(const ocellus_value *value, const char *name)
{
    int64_t dims[8];
    ocellus_type type = ocellus_value_type(value);
    int rank = type == OCELLUS_UNDEFINED ? -1 : ocellus_value_rank(value);
    for (int k = 0; k < rank; k++)
        dims[k] = ocellus_value_dim(value, k);
    return value_row(name, type, rank, dims);
}

static void
print_value(const char *what, const json_t *row)
{
    const json_t *dims = json_object_get(row, "shape");
    printf("%s %s: %s", what, json_string_value(json_object_get(row, "name")),
           json_string_value(json_object_get(row, "type")));
    if (json_is_array(dims))
        printf(json_array_size(dims) > 0 ? " " : " scalar");
    for (size_t k = 0; k < json_array_size(dims); k++) {
        const json_t *dim = json_array_get(dims, k);
        printf(json_is_null(dim) ? "%s?" : "%s%lld", k ? "x" : "",
               (long long)json_integer_value(dim));
    }
    putchar('\n');
}

static void
count_up(json_t *counts, const char *name, json_int_t more)
{
    json_int_t before = json_integer_value(json_object_get(counts, name));
    json_object_set_new(counts, name, json_integer(before + more));
}

/* ---- what is known of a file ------------------------------------------- */

/* A graph, where it can be made; what the file says, where it is ONNX. */
struct looking {
    ocellus_graph *graph;
    ocellus_model_info *info;
    json_t *in, *out, *ops, *missing;
    char why[1024]; /* it has no graph */
};

static void
look_at_graph(struct looking *l)
{
    for (int k = 0; k < ocellus_graph_input_count(l->graph); k++) {
        const ocellus_value *value = ocellus_graph_get_input(l->graph, k);
        json_array_append_new(l->in,
                              graph_row(value, ocellus_value_name(value)));
    }
    for (int k = 0; k < ocellus_graph_output_count(l->graph); k++)
        json_array_append_new(
            l->out, graph_row(ocellus_graph_get_output(l->graph, k),
                              ocellus_graph_output_name(l->graph, k)));
    for (int k = 0; l->info == NULL && k < ocellus_graph_node_count(l->graph);
         k++)
        count_up(l->ops, ocellus_graph_node_op(l->graph, k), 1);
}

static void
look_at_values(json_t *rows, const ocellus_model_value *value, int count)
{
    for (int k = 0; k < count; k++)
        json_array_append_new(rows, value_row(value[k].name, value[k].type,
                                              value[k].rank, value[k].dims));
}

static void
look_at_info(struct looking *l)
{
    for (int k = 0; k < l->info->op_count; k++) {
        const ocellus_model_op *op = &l->info->ops[k];
        char name[256];
        snprintf(name, sizeof name, "%s%s%s", op->domain,
                 op->domain[0] ? "." : "", op->name);
        count_up(l->ops, name, (json_int_t)op->count);
        if (!op->is_there)
            count_up(l->missing, name, (json_int_t)op->count);
    }
    if (l->graph != NULL)
        return;
    look_at_values(l->in, l->info->inputs, l->info->input_count);
    look_at_values(l->out, l->info->outputs, l->info->output_count);
}

static json_t *
look(struct looking *l)
{
    l->in = json_array();
    l->out = json_array();
    l->ops = json_object();
    l->missing = json_object();
    if (l->graph != NULL)
        look_at_graph(l);
    if (l->info != NULL)
        look_at_info(l);
    json_t *all = json_pack("{so so so so sb ss}", "inputs", l->in, "outputs",
                            l->out, "operators", l->ops, "missing", l->missing,
                            "runs", l->graph != NULL, "why", l->why);
    if (l->info != NULL)
        json_object_update_new(all, json_pack("{sI sI ss}", "opset",
                                              (json_int_t)l->info->opset, "ir",
                                              (json_int_t)l->info->ir_version,
                                              "producer", l->info->producer));
    if (l->graph != NULL)
        json_object_update_new(
            all,
            json_pack("{sI sI}", "nodes",
                      (json_int_t)ocellus_graph_node_count(l->graph),
                      "parameters",
                      (json_int_t)ocellus_graph_parameter_count(l->graph)));
    return all;
}

/* ---- for people -------------------------------------------------------- */

static void
print_operators(const char *what, json_t *counts)
{
    const char *op;
    json_t *count;
    int column = 0;
    json_object_foreach(counts, op, count)
    {
        char word[96];
        int length = snprintf(word, sizeof word, "%s %lld", op,
                              (long long)json_integer_value(count));
        if (column > 0 && column + 2 + length > 78) {
            column = printf(",\n           ") - 2;
        } else if (column > 0) {
            column += printf(", ");
        } else {
            column = printf("%s: ", what);
        }
        column += printf("%s", word);
    }
    if (column > 0)
        putchar('\n');
}

static json_int_t
whole(const json_t *all, const char *key)
{
    return json_integer_value(json_object_get(all, key));
}

static void
print_all(json_t *all)
{
    size_t k;
    json_t *row;
    const char *producer = json_string_value(json_object_get(all, "producer"));
    if (producer != NULL)
        printf("ONNX, operator set %lld, IR %lld%s%s\n",
               (long long)whole(all, "opset"), (long long)whole(all, "ir"),
               producer[0] ? ", made by " : "", producer);
    json_array_foreach(json_object_get(all, "inputs"), k, row)
        print_value("input", row);
    json_array_foreach(json_object_get(all, "outputs"), k, row)
        print_value("output", row);
    print_operators("operators", json_object_get(all, "operators"));
    print_operators("not there", json_object_get(all, "missing"));
    if (json_is_true(json_object_get(all, "runs")))
        printf("%lld nodes, %lld parameters\n", (long long)whole(all, "nodes"),
               (long long)whole(all, "parameters"));
}

/* ---- the command ------------------------------------------------------- */

static ocellus_status
print(struct looking *l)
{
    json_t *all = look(l);
    if (cmd_json)
        return cmd_print_json(all);
    print_all(all);
    json_decref(all);
    return OCELLUS_OK;
}

static ocellus_status
run(int count, char **words)
{
    struct looking l = {0};
    (void)count;
    ocellus_status status = cmd_model_load(words[0], &l.graph);
    if (status != OCELLUS_OK)
        snprintf(l.why, sizeof l.why, "%s", ocellus_error());
    if (ocellus_model_get_info(words[0], &l.info) != OCELLUS_OK)
        l.info = NULL;
    ocellus_status printed = l.graph || l.info ? print(&l) : OCELLUS_OK;
    ocellus_graph_destroy(l.graph);
    ocellus_model_info_free(l.info);
    return status != OCELLUS_OK ? cmd_fail(status, "%s", l.why) : printed;
}

static const struct cmd_option options[] = {CMD_WEIGHTS, CMD_JSON, CMD_QUIET,
                                            CMD_END};

const struct cmd cmd_inspect = {
    .name = "inspect",
    .arguments = "MODEL",
    .what = "Lists what a model takes, gives and is made of, and what of it "
            "would not run; no device is needed.",
    .least = 1,
    .most = 1,
    .options = options,
    .more = "A model that cannot be run is listed too, and then refused, with "
            "the node\nand the reason.\n",
    .run = run,
};

/* inspect.c - `ocellus inspect`: what a model file takes and gives. */
#include "cmd/model.h"

#include <stdio.h>
#include <string.h>

static json_t *
value_row(const ocellus_value *value, const char *name)
{
    json_t *dims = json_array();
    ocellus_type type = ocellus_value_type(value);
    for (int k = 0; k < ocellus_value_rank(value); k++) {
        int64_t dim = ocellus_value_dim(value, k);
        json_array_append_new(dims, dim < 0 ? json_null() : json_integer(dim));
    }
    if (type == OCELLUS_UNDEFINED) {
        json_decref(dims);
        dims = json_null();
    }
    return json_pack("{ss ss so}", "name", name, "type",
                     type == OCELLUS_UNDEFINED ? "known in the run"
                                               : ocellus_type_name(type),
                     "shape", dims);
}

static void
print_value(const char *what, const json_t *row)
{
    const json_t *dims = json_object_get(row, "shape");
    printf("%s %s: %s ", what, json_string_value(json_object_get(row, "name")),
           json_string_value(json_object_get(row, "type")));
    for (size_t k = 0; k < json_array_size(dims); k++) {
        const json_t *dim = json_array_get(dims, k);
        printf(json_is_null(dim) ? "%s?" : "%s%lld", k ? "x" : "",
               (long long)json_integer_value(dim));
    }
    putchar('\n');
}

static json_t *
operators(const ocellus_graph *graph)
{
    json_t *counts = json_object();
    for (int k = 0; k < ocellus_graph_node_count(graph); k++) {
        const char *op = ocellus_graph_node_op(graph, k);
        json_int_t before = json_integer_value(json_object_get(counts, op));
        json_object_set_new(counts, op, json_integer(before + 1));
    }
    return counts;
}

static void
print_operators(json_t *counts)
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
            printf(",\n           ");
            column = 11;
        } else {
            column += printf(column ? ", " : "operators: ");
        }
        column += printf("%s", word);
    }
    if (column > 0)
        putchar('\n');
}

static void
print_all(json_t *all)
{
    size_t k;
    json_t *row;
    json_array_foreach(json_object_get(all, "inputs"), k, row)
        print_value("input", row);
    json_array_foreach(json_object_get(all, "outputs"), k, row)
        print_value("output", row);
    print_operators(json_object_get(all, "operators"));
    printf("%lld nodes, %lld parameters\n",
           (long long)json_integer_value(json_object_get(all, "nodes")),
           (long long)json_integer_value(json_object_get(all, "parameters")));
}

static ocellus_status
run(int count, char **words)
{
    ocellus_graph *graph;
    (void)count;
    CMD_TRY(cmd_model_load(words[0], &graph));
    json_t *in = json_array(), *out = json_array();
    for (int k = 0; k < ocellus_graph_input_count(graph); k++) {
        const ocellus_value *value = ocellus_graph_get_input(graph, k);
        json_array_append_new(in, value_row(value, ocellus_value_name(value)));
    }
    for (int k = 0; k < ocellus_graph_output_count(graph); k++)
        json_array_append_new(out,
                              value_row(ocellus_graph_get_output(graph, k),
                                        ocellus_graph_output_name(graph, k)));
    json_t *all = json_pack(
        "{so so so sI sI}", "inputs", in, "outputs", out, "operators",
        operators(graph), "nodes", (json_int_t)ocellus_graph_node_count(graph),
        "parameters", (json_int_t)ocellus_graph_parameter_count(graph));
    ocellus_graph_destroy(graph);
    if (cmd_json)
        return cmd_print_json(all);
    print_all(all);
    json_decref(all);
    return OCELLUS_OK;
}

static const struct cmd_option options[] = {CMD_WEIGHTS, CMD_JSON, CMD_QUIET,
                                            CMD_END};

const struct cmd cmd_inspect = {
    .name = "inspect",
    .arguments = "MODEL",
    .what = "Lists what a model takes, gives and is made of; no device is "
            "needed.",
    .least = 1,
    .most = 1,
    .options = options,
    .more = "A model that cannot be run is refused, with the node and the "
            "reason.\n",
    .run = run,
};

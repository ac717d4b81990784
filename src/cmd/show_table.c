/* show_table.c - a net as a table, a row a layer. */
#include "cmd/show.h"

#include <stdio.h>
#include <string.h>

/* ---- words of a row ---------------------------------------------------- */

static void
shape_text(const ocellus_value *value, char *text, size_t room)
{
    size_t used = 0;
    int rank = ocellus_value_rank(value);
    if (ocellus_value_type(value) == OCELLUS_UNDEFINED)
        snprintf(text, room, "in the run");
    else if (rank == 0)
        snprintf(text, room, "scalar");
    for (int k = 0; k < rank && used < room; k++) {
        int64_t dim = ocellus_value_dim(value, k);
        int more = dim < 0
                       ? snprintf(text + used, room - used, "%s?", k ? "x" : "")
                       : snprintf(text + used, room - used, "%s%lld",
                                  k ? "x" : "", (long long)dim);
        used += (size_t)more;
    }
}

/* Its end, which tells it from others, where it is too long. */
static const char *
short_name(const char *name, int room, char *text)
{
    int length = (int)strlen(name);
    if (length <= room)
        return name;
    snprintf(text, (size_t)room + 1, "..%s", name + length - room + 2);
    return text;
}

/* "12.3M": three places and a prefix of `step`s; "" for 0, "?" below. */
static const char *
amount(double value, double step, char *text, size_t room)
{
    static const char prefix[] = " KMGTP";
    size_t k = 0;
    text[0] = '\0';
    if (value < 0)
        snprintf(text, room, "?");
    if (value <= 0)
        return text;
    for (; value >= step * 0.9995 && k + 2 < sizeof prefix; k++)
        value /= step;
    int places = k == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(text, room, "%.*f%.*s", places, value, k > 0, prefix + k);
    return text;
}

/* No spaces at the end of a line. */
static void
print_row(const char *name, const char *op, const char *shape,
          const double *number)
{
    char line[320], short_one[24], part[3][24];
    int end = snprintf(line, sizeof line, "%-17s %-18.18s %-16s %8s %8s %8s",
                       short_name(name, 17, short_one), op, shape,
                       amount(number[0], 1000, part[0], sizeof part[0]),
                       amount(number[1], 1000, part[1], sizeof part[1]),
                       amount(number[2], 1024, part[2], sizeof part[2]));
    while (end > 0 && end < (int)sizeof line && line[end - 1] == ' ')
        line[--end] = '\0';
    puts(line);
}

/* Many model files name no nodes. */
static const char *
name_of(const ocellus_node_info *info)
{
    return info->name[0] ? info->name : ocellus_value_name(info->output);
}

/* ---- the whole --------------------------------------------------------- */

struct sums {
    int layers;
    double parameters, flops, bytes; /* of what is known */
    int open;                        /* something is known in the run only */
};

static void
add(struct sums *sums, const ocellus_node_info *info)
{
    sums->layers++;
    sums->parameters += (double)info->parameters;
    sums->flops += info->flops > 0 ? info->flops : 0;
    sums->bytes += info->bytes > 0 ? (double)info->bytes : 0;
    sums->open |= info->flops < 0 || info->bytes < 0;
}

static ocellus_status
print_layers(const ocellus_graph *graph, struct sums *sums)
{
    for (int k = 0; k < ocellus_graph_node_count(graph); k++) {
        ocellus_node_info info;
        char shape[160];
        CMD_TRY(ocellus_graph_get_node_info(graph, k, &info));
        if (!info.computed)
            continue;
        add(sums, &info);
        shape_text(info.output, shape, sizeof shape);
        print_row(name_of(&info), info.op, shape,
                  (double[]){(double)info.parameters, info.flops,
                             (double)info.bytes});
    }
    return OCELLUS_OK;
}

static void
print_sums(const struct sums *sums, int64_t peak)
{
    char part[4][24];
    printf("%d layers, %.0f parameters (%sB); %sFLOP\n", sums->layers,
           sums->parameters,
           amount(4 * sums->parameters, 1024, part[0], sizeof part[0]),
           amount(sums->flops, 1000, part[1], sizeof part[1]));
    if (sums->open)
        puts("besides what is known in the run only, marked ?");
    else
        printf("results: %sB in all, %sB at once\n",
               amount(sums->bytes, 1024, part[2], sizeof part[2]),
               amount((double)peak, 1024, part[3], sizeof part[3]));
}

ocellus_status
show_table(const ocellus_graph *graph)
{
    struct sums sums = {0};
    int64_t peak;
    char shape[160];
    CMD_TRY(ocellus_graph_peak_bytes(graph, &peak));
    printf("%-17s %-18s %-16s %8s %8s %8s\n", "name", "operator", "output",
           "trained", "FLOP", "bytes");
    for (int k = 0; k < ocellus_graph_input_count(graph); k++) {
        const ocellus_value *in = ocellus_graph_get_input(graph, k);
        shape_text(in, shape, sizeof shape);
        print_row(ocellus_value_name(in), "input", shape, (double[3]){0});
    }
    CMD_TRY(print_layers(graph, &sums));
    print_sums(&sums, peak);
    return OCELLUS_OK;
}

/* ---- for programs ------------------------------------------------------ */

static json_t *
shape_json(const ocellus_value *value)
{
    if (ocellus_value_type(value) == OCELLUS_UNDEFINED)
        return json_null();
    json_t *dims = json_array();
    for (int k = 0; k < ocellus_value_rank(value); k++) {
        int64_t dim = ocellus_value_dim(value, k);
        json_array_append_new(dims, dim < 0 ? json_null() : json_integer(dim));
    }
    return dims;
}

json_t *
show_json(const ocellus_graph *graph)
{
    json_t *rows = json_array();
    struct sums sums = {0};
    int64_t peak = -1;
    for (int k = 0; k < ocellus_graph_node_count(graph); k++) {
        ocellus_node_info info;
        if (ocellus_graph_get_node_info(graph, k, &info) != OCELLUS_OK ||
            !info.computed)
            continue;
        add(&sums, &info);
        json_array_append_new(
            rows,
            json_pack(
                "{ss ss so sI so so}", "name", ocellus_value_name(info.output),
                "operator", info.op, "shape", shape_json(info.output),
                "parameters", (json_int_t)info.parameters, "flop",
                info.flops < 0 ? json_null() : cmd_real(info.flops), "bytes",
                info.bytes < 0 ? json_null() : json_integer(info.bytes)));
    }
    if (ocellus_graph_peak_bytes(graph, &peak) != OCELLUS_OK || peak < 0)
        peak = -1;
    return json_pack("{so sI so so so}", "layers", rows, "parameters",
                     (json_int_t)sums.parameters, "flop", cmd_real(sums.flops),
                     "result_bytes", cmd_real(sums.bytes), "peak_bytes",
                     peak < 0 ? json_null() : json_integer(peak));
}

/* bench_profile.c - where a step's time goes. */
#include "cmd/bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Launches of one operator by one implementation, added up. */
struct total {
    const char *op, *implementation;
    int launches, tuned;
    double microseconds, flops, bytes;
};

static int
by_time(const void *a, const void *b)
{
    const struct total *x = a, *y = b;
    return (x->microseconds < y->microseconds) -
           (x->microseconds > y->microseconds);
}

static int
add_up(const ocellus_profile_row *rows, int count, struct total *totals)
{
    int used = 0;
    for (int k = 0; k < count; k++) {
        const ocellus_profile_row *r = &rows[k];
        int t = 0;
        while (t < used &&
               (strcmp(totals[t].op, r->op) != 0 ||
                strcmp(totals[t].implementation, r->implementation) != 0 ||
                totals[t].tuned != r->tuned))
            t++;
        if (t == used)
            totals[used++] = (struct total){.op = r->op,
                                            .implementation = r->implementation,
                                            .tuned = r->tuned};
        totals[t].launches++;
        totals[t].microseconds += r->microseconds;
        totals[t].flops += r->flops;
        totals[t].bytes += r->bytes;
    }
    qsort(totals, (size_t)used, sizeof(*totals), by_time);
    return used;
}

static double
number(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(row, key));
}

/* Zero means that nobody counted. */
static const char *
rate(double value, char text[24])
{
    snprintf(text, 24, value > 0 ? "%.2f" : "-", value);
    return text;
}

void
bench_print_profile(const json_t *rows)
{
    double sum = 0;
    int any_tuned = 0;
    printf("\n%-22s %-15s %8s %9s %6s %7s %6s\n", "operator", "by", "launches",
           "us a step", "share", "GFLOP/s", "GB/s");
    for (size_t k = 0; k < json_array_size(rows); k++) {
        const json_t *r = json_array_get(rows, k);
        char gflops[24], gbytes[24];
        int tuned = json_is_true(json_object_get(r, "tuned"));
        any_tuned |= tuned;
        printf("%-22s %-15s%c%8.0f %9.1f %5.1f%% %7s %6s\n",
               json_string_value(json_object_get(r, "operator")),
               json_string_value(json_object_get(r, "implementation")),
               tuned ? '*' : ' ', number(r, "launches"),
               number(r, "microseconds"), 100 * number(r, "share"),
               rate(number(r, "gflops"), gflops),
               rate(number(r, "gbytes_per_second"), gbytes));
        sum += number(r, "microseconds");
    }
    printf("%-22s %-15s %8s %9.1f\n", "all", "", "", sum);
    if (any_tuned)
        puts("* as `ocellus tune` found best");
}

/* Operations a microsecond are thousandths of a giga-operation a second. */
static void
pack(const struct total *totals, int count, double sum, json_t *rows)
{
    for (int k = 0; k < count; k++) {
        const struct total *t = &totals[k];
        json_t *o = json_pack("{ss ss si sb}", "operator", t->op,
                              "implementation", t->implementation, "launches",
                              t->launches, "tuned", t->tuned);
        json_object_set_new(o, "microseconds", cmd_real(t->microseconds));
        json_object_set_new(o, "share", cmd_real(t->microseconds / sum));
        json_object_set_new(o, "gflops",
                            cmd_real(t->flops / t->microseconds * 1e-3));
        json_object_set_new(o, "gbytes_per_second",
                            cmd_real(t->bytes / t->microseconds * 1e-3));
        json_array_append_new(rows, o);
    }
}

/* The format of Chrome's trace viewer: complete events, microseconds. */
static ocellus_status
write_trace(const char *path, const ocellus_profile_row *rows, int count)
{
    json_t *events = json_array();
    for (int k = 0; k < count; k++) {
        const ocellus_profile_row *r = &rows[k];
        json_array_append_new(
            events, json_pack("{ss ss ss sf sf si si s{ss ss sf sf}}", "name",
                              r->op, "cat", r->implementation, "ph", "X", "ts",
                              r->start, "dur", r->end - r->start, "pid", 1,
                              "tid", 1, "args", "node", r->node, "kernel",
                              r->kernel, "flops", r->flops, "bytes", r->bytes));
    }
    json_t *all =
        json_pack("{so ss}", "traceEvents", events, "displayTimeUnit", "ms");
    int failed = json_dump_file(all, path, JSON_REAL_PRECISION(12)) != 0;
    json_decref(all);
    return failed ? cmd_fail(OCELLUS_IO, "%s cannot be written: %s", path,
                             strerror(errno))
                  : OCELLUS_OK;
}

ocellus_status
bench_profile(struct bench *bench, int runs, const char *trace, json_t *out)
{
    ocellus_profile_row *rows;
    int count;
    double sum = 0;
    CMD_TRY(ocellus_session_profile(bench->session, 1));
    for (int k = 0; k < runs; k++)
        CMD_TRY(bench_step(bench));
    CMD_TRY(ocellus_session_get_profile(bench->session, &rows, &count));
    struct total *totals = calloc((size_t)count + 1, sizeof(*totals));
    ocellus_status status =
        totals ? OCELLUS_OK
               : cmd_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a profile");
    int used = totals ? add_up(rows, count, totals) : 0;
    for (int k = 0; k < used; k++)
        sum += totals[k].microseconds;
    pack(totals, used, sum, out);
    if (status == OCELLUS_OK && trace != NULL)
        status = write_trace(trace, rows, count);
    free(totals);
    ocellus_profile_free(rows);
    return status;
}

/* doctor.c - `ocellus doctor`: is every implementation right on this device? */
#include "cmd/cmd.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int quick;

/* All cases of one implementation. */
struct line {
    char op[64], implementation[32];
    int cases, refused, failed;
    double error;
    char why[512];  /* the first failure's or refusal's */
    char what[256]; /* the failing case */
};

struct table {
    struct line *line;
    int count, room;
    int cases;
};

static struct line *
line_of(struct table *table, const ocellus_doctor_row *row)
{
    struct line *l;

    for (int k = table->count - 1; k >= 0; k--)
        if (strcmp(table->line[k].op, row->op) == 0 &&
            strcmp(table->line[k].implementation, row->implementation) == 0)
            return &table->line[k];
    if (table->count == table->room) {
        int room = table->room ? 2 * table->room : 64;
        struct line *more = realloc(table->line, (size_t)room * sizeof *more);
        if (!more)
            return NULL;
        table->line = more;
        table->room = room;
    }
    l = &table->line[table->count++];
    memset(l, 0, sizeof *l);
    snprintf(l->op, sizeof l->op, "%s", row->op);
    snprintf(l->implementation, sizeof l->implementation, "%s",
             row->implementation);
    return l;
}

static int
take(void *user, const ocellus_doctor_row *row)
{
    struct table *table = user;
    struct line *l = line_of(table, row);

    if (!l)
        return 1;
    table->cases += row->ok >= 0;
    l->cases += row->ok >= 0;
    l->refused += row->ok < 0;
    if (row->ok >= 0 && row->error > l->error)
        l->error = row->error;
    if (row->ok == 0 && l->failed++ == 0) {
        snprintf(l->why, sizeof l->why, "%s", row->why);
        snprintf(l->what, sizeof l->what, "%s", row->what);
    } else if (row->ok < 0 && l->why[0] == '\0') {
        snprintf(l->why, sizeof l->why, "%s", row->why);
    }
    cmd_progress("%s %s: %s", row->op, row->implementation, row->what);
    return cmd_interrupted();
}

static const char *
verdict(const struct line *l)
{
    return l->failed ? "FAILED" : l->cases ? "ok" : "refused";
}

static void
print_device(const ocellus_device_info *d)
{
    printf("ocellus   %s\ndevice    %s\nvendor    %s\ndriver    %s\n"
           "version   %s\nplatform  %s\n",
           ocellus_version(), d->name, d->vendor, d->driver, d->version,
           d->platform);
    printf("type      %s, %d compute units, %d floats a vector\n", d->kind,
           d->compute_units, d->vector_width);
    printf("half      %s\ndouble    %s\n\n", d->half ? "yes" : "no",
           d->fp64 ? "yes" : "no");
}

static void
print_line(const struct line *l)
{
    const char *colour = l->failed ? "red" : l->cases ? "green" : "";

    printf("%-24s %-12s ", l->op, l->implementation);
    if (l->cases)
        printf("%5d  %8.1e  ", l->cases, l->error);
    else
        printf("%5s  %8s  ", "-", "-");
    printf("%s%s%s%s%s\n", *colour ? cmd_colour(colour) : "", verdict(l),
           *colour ? cmd_colour("") : "", l->cases && !l->failed ? "" : ": ",
           l->cases && !l->failed ? "" : l->why);
    if (l->failed)
        printf("    %d of %d; the first: %s\n", l->failed, l->cases, l->what);
}

static void
print(const struct table *t, const ocellus_device_info *info, int failures)
{
    int implementations = 0;

    print_device(info);
    printf("%-24s %-12s %5s  %8s\n", "operator", "by", "cases", "error");
    for (int k = 0; k < t->count; k++) {
        print_line(&t->line[k]);
        implementations += t->line[k].cases > 0;
    }
    printf("\n%d implementations ran %d cases: ", implementations, t->cases);
    if (failures == 0)
        printf("all agree with the direct ones, run after run.\n");
    else
        printf("%d wrong. What failed is not used on this device from now "
               "on.\n",
               failures);
}

static json_t *
pack_line(const struct line *l)
{
    return json_pack("{ss ss si si si so ss ss ss}", "operator", l->op,
                     "implementation", l->implementation, "cases", l->cases,
                     "refused", l->refused, "failed", l->failed, "error",
                     cmd_real(l->error), "verdict", verdict(l), "why", l->why,
                     "failing_case", l->what);
}

static ocellus_status
print_json(const struct table *t, const ocellus_device_info *d, int failures)
{
    json_t *rows = json_array();

    for (int k = 0; k < t->count; k++)
        json_array_append_new(rows, pack_line(&t->line[k]));
    return cmd_print_json(json_pack(
        "{ss ss ss ss ss ss sb sb si sb so}", "ocellus", ocellus_version(),
        "device", d->name, "vendor", d->vendor, "driver", d->driver, "version",
        d->version, "platform", d->platform, "half", d->half, "double", d->fp64,
        "failures", failures, "quick", quick, "implementations", rows));
}

static ocellus_status
examine(ocellus_device *device, struct table *table)
{
    const ocellus_device_info *info = ocellus_device_get_info(device);
    int failures;

    CMD_TRY(ocellus_device_doctor(device, quick, take, table, &failures));
    cmd_progress_clear();
    if (cmd_json)
        CMD_TRY(print_json(table, info, failures));
    else
        print(table, info, failures);
    if (failures)
        return cmd_fail(OCELLUS_SELF_TEST_FAILED,
                        "%d cases give wrong numbers on %s; please report the "
                        "table above",
                        failures, info->name);
    return OCELLUS_OK;
}

static ocellus_status
run(int count, char **words)
{
    struct table table = {0};
    ocellus_device *device;
    ocellus_status status;

    (void)count, (void)words;
    CMD_TRY(cmd_open_device(&device));
    cmd_catch();
    status = examine(device, &table);
    if (status == OCELLUS_CANCELLED && cmd_interrupted())
        status = cmd_stopped();
    free(table.line);
    ocellus_device_close(device);
    return status;
}

static const struct cmd_option options[] = {
    {"quick", CMD_FLAG, &quick, NULL,
     "fewer cases; finds failures, but takes none back", 0, 0},
    CMD_DEVICE,
    CMD_JSON,
    CMD_QUIET,
    CMD_END};

const struct cmd cmd_doctor = {
    .name = "doctor",
    .arguments = "",
    .brief = "checks every implementation's numbers on a device",
    .what = "Checks every implementation on a device: its numbers against "
            "those of the direct one. What fails is not used from then on; "
            "`ocellus show --why` says so. After a new driver, or where "
            "numbers look wrong, run it again and put its output into your "
            "report. Exit code 8 when something failed.",
    .options = options,
    .more = "examples:\n  ocellus doctor\n  ocellus doctor --device gpu "
            "--quick\n",
    .run = run,
};

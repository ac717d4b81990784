/* devices.c - `ocellus devices`: the devices of all platforms. */
#include "cmd/cmd.h"

#include <stdio.h>

static json_t *
pack(const ocellus_device_info *d)
{
    json_t *o = json_object();
    json_object_set_new(o, "index", json_integer(d->index));
    json_object_set_new(o, "name", json_string(d->name));
    json_object_set_new(o, "vendor", json_string(d->vendor));
    json_object_set_new(o, "driver", json_string(d->driver));
    json_object_set_new(o, "version", json_string(d->version));
    json_object_set_new(o, "platform", json_string(d->platform));
    json_object_set_new(o, "type", json_string(d->kind));
    json_object_set_new(o, "integrated", json_boolean(d->integrated));
    json_object_set_new(o, "compute_units", json_integer(d->compute_units));
    json_object_set_new(o, "clock_mhz", json_integer(d->clock_mhz));
    json_object_set_new(o, "memory", json_integer((json_int_t)d->memory));
    json_object_set_new(o, "largest_allocation",
                        json_integer((json_int_t)d->largest_allocation));
    json_object_set_new(o, "local_memory",
                        json_integer((json_int_t)d->local_memory));
    json_object_set_new(o, "vector_width", json_integer(d->vector_width));
    json_object_set_new(o, "half",
                        d->half < 0 ? json_null() : json_boolean(d->half));
    json_object_set_new(o, "double",
                        d->fp64 < 0 ? json_null() : json_boolean(d->fp64));
    json_object_set_new(o, "bfloat16",
                        d->bfloat16 < 0 ? json_null()
                                        : json_boolean(d->bfloat16));
    json_object_set_new(o, "tensor_cores",
                        d->tensor_cores < 0 ? json_null()
                                            : json_boolean(d->tensor_cores));
    json_object_set_new(o, "score", json_integer(d->score));
    json_object_set_new(o, "default", json_boolean(d->chosen));
    json_object_set_new(o, "why", json_string(d->why));
    return o;
}

static const char *
answer(int probed)
{
    return probed < 0 ? "not probed" : probed ? "yes" : "no";
}

static void
print(const ocellus_device_info *d)
{
    printf("%s%d  %s%s%s\n", cmd_colour("bold"), d->index, d->name,
           cmd_colour(""), d->chosen ? "  (default)" : "");
    printf("   platform    %s\n", d->platform);
    printf("   vendor      %s\n", d->vendor);
    printf("   driver      %s\n   version     %s\n", d->driver, d->version);
    printf("   type        %s%s, %d compute units, %d MHz\n", d->kind,
           d->integrated ? " (shares the host's memory)" : "", d->compute_units,
           d->clock_mhz);
    printf("   memory      %.1f GiB, one allocation up to %.1f GiB\n",
           (double)d->memory / (1 << 30),
           (double)d->largest_allocation / (1 << 30));
    printf("   local       %.0f KiB, %d floats a vector\n",
           (double)d->local_memory / 1024, d->vector_width);
    printf("   half        %s\n   double      %s\n   bfloat16    %s\n"
           "   tensor      %s\n",
           answer(d->half), answer(d->fp64), answer(d->bfloat16),
           answer(d->tensor_cores));
    printf("   score       %lld: %s\n", (long long)d->score, d->why);
}

static ocellus_status
run(int argc, char **words)
{
    ocellus_device_info *list;
    ocellus_status status = OCELLUS_OK;
    int count;
    (void)argc, (void)words;
    CMD_TRY(ocellus_device_list(1, &list, &count));
    if (cmd_json) {
        json_t *rows = json_array();
        for (int k = 0; k < count; k++)
            json_array_append_new(rows, pack(&list[k]));
        status = cmd_print_json(json_pack("{so}", "devices", rows));
    } else {
        for (int k = 0; k < count; k++)
            print(&list[k]);
        puts("The best score is the default; OCELLUS_DEVICE or --device "
             "choose another.");
    }
    ocellus_device_list_free(list);
    return status;
}

static const struct cmd_option options[] = {CMD_JSON, CMD_QUIET, CMD_END};

const struct cmd cmd_devices = {
    .name = "devices",
    .arguments = "",
    .brief = "lists the OpenCL devices, and which is the default",
    .what = "Lists the OpenCL devices, and which one is the default. Half, "
            "double, products of bfloat16 (AMX) and products in tensor cores "
            "are probed by running a small kernel.",
    .options = options,
    .more = "example:\n  ocellus devices\n",
    .run = run,
};

/* tuning.c - the tuner's verdicts of one device (see tuning.h). */
#include "device/tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "device/inside.h"

/* ---- a verdict as text --------------------------------------------------- */

int
oc_tuning_parse(const char *text, char *by, char *usual,
                struct oc_tuned *verdict, const char **end)
{
    long long ns, usual_ns;
    int used = 0;

    if (sscanf(text, "%63s %lld %63s %lld%n", by, &ns, usual, &usual_ns,
               &used) != 4 ||
        ns < 0 || usual_ns < 0)
        return 0;
    verdict->by = by;
    verdict->usual = usual;
    verdict->us = (double)ns * 1e-3;
    verdict->usual_us = (double)usual_ns * 1e-3;
    *end = text + used;
    return 1;
}

void
oc_tuning_print(const struct oc_tuned *v, struct oc_text *text)
{
    oc_text_printf(text, "%s %.0f %s %.0f", v->by, v->us * 1e3, v->usual,
                   v->usual_us * 1e3);
}

/* ---- what plans use ------------------------------------------------------ */

static int
by_class(const void *a, const void *b)
{
    const struct oc_tuned *x = a, *y = b;

    return strcmp(x->what, y->what);
}

static int
is_among(const struct oc_tuned *list, int count, const char *what)
{
    for (int k = 0; k < count; k++)
        if (strcmp(list[k].what, what) == 0)
            return 1;
    return 0;
}

static int
copy_texts(struct oc_arena *arena, struct oc_tuned *v)
{
    v->what = oc_arena_strdup(arena, v->what);
    v->by = oc_arena_strdup(arena, v->by);
    v->usual = oc_arena_strdup(arena, v->usual);
    return v->what && v->by && v->usual;
}

/* A new table each time: sessions hold copies of the capabilities, and read
 * the one that they know. */
ocellus_status
oc_tuning_use(struct ocellus_device *device, const struct oc_tuned *list,
              int count)
{
    struct oc_caps *caps = &device->caps;
    size_t room = (size_t)(caps->n_tuned + count + 1);
    struct oc_tuned *table;
    int used = 0;

    if (!device->verdicts)
        device->verdicts = oc_arena_create();
    table = device->verdicts
                ? oc_arena_alloc(device->verdicts, room * sizeof *table)
                : NULL;
    if (!table)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %d verdicts",
                       count);
    for (int k = 0; k < caps->n_tuned; k++)
        if (!is_among(list, count, caps->tuned[k].what))
            table[used++] = caps->tuned[k];
    for (int k = 0; k < count; k++) {
        table[used] = list[k];
        if (!copy_texts(device->verdicts, &table[used++]))
            return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a verdict");
    }
    qsort(table, (size_t)used, sizeof *table, by_class);
    caps->tuned = table;
    caps->n_tuned = used;
    return OCELLUS_OK;
}

/* ---- on disk ------------------------------------------------------------- */

static void
find_key(ocellus_device *device)
{
    const char *class = device->caps.cpu ? "cpu" : "gpu";
    struct oc_digest digest;

    oc_digest_start(&digest);
    oc_digest_add(&digest, device->kernels, sizeof device->kernels);
    oc_digest_add(&digest, class, strlen(class));
    oc_digest_text(&digest, device->tuning);
}

struct loading {
    struct oc_arena *arena;
    struct oc_tuned *list;
    int count, room;
};

static int
load_one(void *context, const char *of, const char *name, const char *text)
{
    struct loading *l = context;
    char by[OC_TUNING_NAME], usual[OC_TUNING_NAME];
    struct oc_tuned v = {.what = name};
    const char *end;

    (void)of;
    if (!oc_tuning_parse(text, by, usual, &v, &end) || *end != '\0')
        return 0;
    if (!oc_grow(&l->list, l->count, &l->room, sizeof *l->list) ||
        !copy_texts(l->arena, &v))
        return 1;
    l->list[l->count++] = v;
    return 0;
}

void
oc_tuning_load(ocellus_device *device)
{
    struct loading l = {.arena = oc_arena_create()};

    find_key(device);
    if (l.arena)
        oc_cache_verdicts(device->cache, "tune", device->tuning, load_one, &l);
    if (l.count > 0)
        oc_tuning_use(device, l.list, l.count);
    free(l.list);
    oc_arena_destroy(l.arena);
}

/* For readers of an exported file. */
static void
name_device(const ocellus_device *device)
{
    const ocellus_device_info *info = &device->info;
    struct oc_text text = {0};

    oc_text_printf(&text, "%s, driver %s, %s%s", info->name, info->driver,
                   info->platform, device->caps.cpu ? "" : ", as a GPU");
    if (!text.failed)
        oc_cache_set_verdict(device->cache, "device", device->tuning, "name",
                             text.data);
    oc_text_free(&text);
}

int
oc_tuning_keep(struct ocellus_device *device, const struct oc_tuned *verdict)
{
    struct oc_text text = {0};

    if (!oc_cache_takes(device->cache))
        return 0;
    name_device(device);
    oc_tuning_print(verdict, &text);
    if (!text.failed)
        oc_cache_set_verdict(device->cache, "tune", device->tuning,
                             verdict->what, text.data);
    oc_text_free(&text);
    return oc_cache_takes(device->cache);
}

/* verdict.c - implementations that gave wrong numbers on this device.
 *
 * The doctor judges; here its verdicts are kept, under a key that holds the
 * device, its driver and the texts of all kernels: another driver or a changed
 * kernel is judged anew.
 */
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "device/inside.h"

enum { MOST = 1024 };

static const char right[] = "right";

static int
find(const struct oc_caps *caps, const char *name)
{
    for (int k = 0; k < caps->n_quarantine; k++)
        if (strcmp(caps->quarantine[k], name) == 0)
            return k;
    return -1;
}

/* Names and their table live as long as the device, because sessions hold
 * copies of its capabilities. */
static ocellus_status
add(ocellus_device *device, const char *name)
{
    struct oc_caps *caps = &device->caps;
    const char *copy;

    if (find(caps, name) >= 0)
        return OCELLUS_OK;
    if (!device->verdicts)
        device->verdicts = oc_arena_create();
    if (device->verdicts && !device->quarantine)
        device->quarantine =
            oc_arena_alloc(device->verdicts, MOST * sizeof(char *));
    copy = device->quarantine ? oc_arena_strdup(device->verdicts, name) : NULL;
    if (!copy || caps->n_quarantine == MOST)
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no room for one verdict more than %d",
                       caps->n_quarantine);
    device->quarantine[caps->n_quarantine++] = copy;
    caps->quarantine = device->quarantine;
    return OCELLUS_OK;
}

static void
drop(ocellus_device *device, const char *name)
{
    struct oc_caps *caps = &device->caps;
    int k = find(caps, name);

    if (k >= 0)
        device->quarantine[k] = device->quarantine[--caps->n_quarantine];
}

static int
load_one(void *context, const char *of, const char *name, const char *text)
{
    ocellus_device *device = context;

    (void)of;
    if (strcmp(text, right) == 0)
        return 0;
    oc_log(OCELLUS_LOG_INFO, "%s is not used on %s: %s", name,
           device->info.name, text);
    return add(device, name) != OCELLUS_OK;
}

void
oc_verdicts_load(ocellus_device *device)
{
    oc_cache_verdicts(device->cache, "doctor", device->kernels, load_one,
                      device);
}

ocellus_status
oc_device_judge(struct ocellus_device *device, const char *name,
                const char *wrong)
{
    oc_cache_set_verdict(device->cache, "doctor", device->kernels, name,
                         wrong ? wrong : right);
    if (wrong)
        return add(device, name);
    drop(device, name);
    return OCELLUS_OK;
}

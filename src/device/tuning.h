/* tuning.h - the tuner's verdicts: kept on disk, used by plans, carried from
 * machine to machine in a file.
 *
 * A verdict belongs to a device, its driver, its class ($OCELLUS_CLASS) and the
 * texts of all kernels, which together are a key of 32 hex digits. In the cache
 * it is a row: kind "tune", the key, the class of operators, and
 * "BY NS USUAL NS": what won and what would be taken without, with
 * nanoseconds. What is damaged is as if it were not there.
 */
#ifndef OC_DEVICE_TUNING_H
#define OC_DEVICE_TUNING_H

#include "device/cache.h"
#include "device/device.h"

/* Puts a verdict on disk; 0: there is no cache that takes it. */
int oc_tuning_keep(struct ocellus_device *device,
                   const struct oc_tuned *verdict);
/* Verdicts into caps->tuned, in place of those of the same classes: plans of
 * sessions made from now on use them. All texts are copied. */
ocellus_status oc_tuning_use(struct ocellus_device *device,
                             const struct oc_tuned *list, int count);

/* "BY NS USUAL NS" behind which `*end` points; by and usual are buffers of
 * OC_TUNING_NAME. 0: it is something else. */
#define OC_TUNING_NAME 64
int oc_tuning_parse(const char *text, char *by, char *usual,
                    struct oc_tuned *verdict, const char **end);
void oc_tuning_print(const struct oc_tuned *verdict, struct oc_text *text);

/* All verdicts of all devices as a file, and into the cache again; *entries
 * says how many. A file that is torn, or of another version, changes nothing
 * (OCELLUS_BAD_DATA). (tuning_file.c) */
ocellus_status oc_tuning_export(struct oc_cache *cache, const char *path,
                                int *entries);
ocellus_status oc_tuning_import(struct oc_cache *cache, const char *path,
                                int *entries);

#endif

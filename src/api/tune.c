/* tune.c - the public functions of the tuner and its verdicts. */
#include "device/tune.h"

#include "device/tuning.h"

ocellus_status
ocellus_session_tune(ocellus_session *session, double seconds,
                     int (*each)(void *user, const ocellus_tune_row *row),
                     void *user, ocellus_tune_result *result)
{
    ocellus_tune_result unread;

    if (!session)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "ocellus_session_tune was given no session");
    return oc_session_tune(session, seconds, each, user,
                           result ? result : &unread);
}

static ocellus_status
open_cache(struct oc_cache **cache)
{
    *cache = oc_cache_open();
    return *cache ? OCELLUS_OK
                  : oc_fail(OCELLUS_IO, "the cache, where the tuner's verdicts "
                                        "are, cannot be opened");
}

ocellus_status
ocellus_tuning_export(const char *path, int *entries)
{
    struct oc_cache *cache;
    ocellus_status status;

    *entries = 0;
    OC_TRY(open_cache(&cache));
    status = oc_tuning_export(cache, path, entries);
    oc_cache_close(cache);
    return status;
}

ocellus_status
ocellus_tuning_import(const char *path, int *entries)
{
    struct oc_cache *cache;
    ocellus_status status;

    *entries = 0;
    OC_TRY(open_cache(&cache));
    status = oc_tuning_import(cache, path, entries);
    oc_cache_close(cache);
    return status;
}

ocellus_status
ocellus_tuning_clear(int *entries)
{
    struct oc_cache *cache;

    *entries = 0;
    OC_TRY(open_cache(&cache));
    *entries = oc_cache_drop_verdicts(cache, "tune");
    oc_cache_drop_verdicts(cache, "device");
    oc_cache_close(cache);
    if (*entries >= 0)
        return OCELLUS_OK;
    *entries = 0;
    return oc_fail(OCELLUS_IO, "the cache cannot be written: nothing was "
                               "forgotten");
}

int
ocellus_device_get_tuned(const ocellus_device *device)
{
    return oc_device_caps(device)->n_tuned;
}

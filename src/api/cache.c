/* cache.c - the public functions on the programs kept between processes. */
#include "device/cache.h"
#include "device/inside.h"

#include <ocellus.h>

struct each {
    int (*call)(void *user, const ocellus_cache_entry *entry);
    void *user;
};

static int
hand_on(void *context, const struct oc_cache_entry *entry)
{
    const struct each *each = context;
    ocellus_cache_entry row = {entry->what, entry->bytes, entry->used};
    return each->call(each->user, &row);
}

ocellus_status
ocellus_cache_path(char **path)
{
    return oc_cache_path(path);
}

ocellus_status
ocellus_cache_list(int (*each)(void *user, const ocellus_cache_entry *entry),
                   void *user)
{
    struct each context = {each, user};
    return oc_cache_list(hand_on, &context);
}

ocellus_status
ocellus_cache_keep(ocellus_device *device)
{
    return oc_programs_keep(device);
}

ocellus_status
ocellus_cache_clear(int *entries)
{
    return oc_cache_clear(entries);
}

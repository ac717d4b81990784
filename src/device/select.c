/* select.c - which device.
 *
 * The devices of all platforms in one flat, numbered list, each with a score:
 * discrete GPUs before integrated ones, these before other accelerators, CPUs
 * last; within a kind compute units times clock. What cannot work (no
 * compiler, older than OpenCL 1.2, switched off, a platform that fails) is
 * left out with a line to the log. A choice that does not fit exactly is
 * refused with the list of what there is: nothing falls back silently.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "device/cache.h"
#include "device/inside.h"

enum { MOST_PLATFORMS = 64, MOST_DEVICES = 256 };

/* PoCL keeps its own files under the same folder as we do, and shows no device
 * where it cannot. */
static ocellus_status
fail_no_device(void)
{
    char *path = NULL, *end;
    char hint[PATH_MAX + 128] = "";

    if (getenv("POCL_CACHE_DIR") == NULL && oc_cache_path(&path) == OCELLUS_OK)
        for (int up = 0; up < 2 && (end = strrchr(path, '/')) != NULL; up++)
            *end = '\0';
    if (path != NULL && access(path, F_OK) == 0 &&
        access(path, W_OK | X_OK) != 0)
        snprintf(hint, sizeof hint,
                 "; PoCL shows none where %s cannot be written: let "
                 "POCL_CACHE_DIR name a folder that can",
                 path);
    free(path);
    return oc_fail(OCELLUS_NO_DEVICE,
                   "no usable OpenCL device was found: install an OpenCL "
                   "driver for your GPU, or the package pocl-opencl-icd to "
                   "compute on the CPU (clinfo -l then lists it)%s",
                   hint);
}

static void
get_text(cl_device_id id, cl_device_info what, char *text, size_t room)
{
    char buffer[1024] = "";
    size_t from = 0, length;

    if (clGetDeviceInfo(id, what, sizeof(buffer) - 1, buffer, NULL) !=
        CL_SUCCESS)
        buffer[0] = '\0';
    while (isspace((unsigned char)buffer[from]))
        from++;
    length = strlen(buffer + from);
    while (length > 0 && isspace((unsigned char)buffer[from + length - 1]))
        length--;
    snprintf(text, room, "%.*s", (int)length, buffer + from);
}

static uint64_t
get_number(cl_device_id id, cl_device_info what, size_t size)
{
    cl_ulong wide = 0;
    cl_uint narrow = 0;

    if (size == sizeof(narrow)) {
        clGetDeviceInfo(id, what, size, &narrow, NULL);
        return narrow;
    }
    clGetDeviceInfo(id, what, sizeof(wide), &wide, NULL);
    return wide;
}

static void
set_score(ocellus_device_info *info, cl_device_type type)
{
    const int64_t step = 100000000;
    int64_t speed = (int64_t)info->compute_units * info->clock_mhz;
    int64_t rank;
    const char *why;

    if (type & CL_DEVICE_TYPE_GPU) {
        rank = info->integrated ? 3 : 4;
        why = info->integrated ? "an integrated GPU" : "a discrete GPU";
    } else if (type & CL_DEVICE_TYPE_CPU) {
        rank = 1;
        why = "a CPU";
    } else {
        rank = 2;
        why = "an accelerator";
    }
    info->score = rank * step + (speed < step ? speed : step - 1);
    snprintf(info->why, sizeof(info->why), "%s, %d units at %d MHz", why,
             info->compute_units, info->clock_mhz);
}

void
oc_found_fill(struct oc_found *found, int index)
{
    ocellus_device_info *info = &found->info;
    cl_device_id id = found->id;
    cl_device_type type = 0;
    const char *kind = "accelerator";

    memset(info, 0, sizeof(*info));
    clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof(type), &type, NULL);
    if (type & CL_DEVICE_TYPE_GPU)
        kind = "gpu";
    else if (type & CL_DEVICE_TYPE_CPU)
        kind = "cpu";
    snprintf(info->kind, sizeof(info->kind), "%s", kind);
    info->index = index;
    get_text(id, CL_DEVICE_NAME, info->name, sizeof(info->name));
    get_text(id, CL_DEVICE_VENDOR, info->vendor, sizeof(info->vendor));
    get_text(id, CL_DRIVER_VERSION, info->driver, sizeof(info->driver));
    get_text(id, CL_DEVICE_VERSION, info->version, sizeof(info->version));
    if (clGetPlatformInfo(found->platform, CL_PLATFORM_NAME,
                          sizeof(info->platform) - 1, info->platform,
                          NULL) != CL_SUCCESS)
        info->platform[0] = '\0';
    info->integrated = get_number(id, CL_DEVICE_HOST_UNIFIED_MEMORY, 4) != 0;
    info->compute_units = (int)get_number(id, CL_DEVICE_MAX_COMPUTE_UNITS, 4);
    info->clock_mhz = (int)get_number(id, CL_DEVICE_MAX_CLOCK_FREQUENCY, 4);
    info->memory = get_number(id, CL_DEVICE_GLOBAL_MEM_SIZE, 8);
    info->largest_allocation = get_number(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, 8);
    info->local_memory = get_number(id, CL_DEVICE_LOCAL_MEM_SIZE, 8);
    info->vector_width =
        (int)get_number(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, 4);
    info->half = info->fp64 = info->bfloat16 = -1;
    info->tensor_cores = -1;
    set_score(info, type);
}

/* NULL when it will do, else why it is left out. */
static const char *
unusable(cl_device_id id, const ocellus_device_info *info)
{
    int major = 0, minor = 0;

    if (sscanf(info->version, "OpenCL %d.%d", &major, &minor) != 2)
        return "it does not say its OpenCL version";
    if (major < 1 || (major == 1 && minor < 2))
        return "it is older than OpenCL 1.2";
    if (!get_number(id, CL_DEVICE_AVAILABLE, 4))
        return "it says that it is not available";
    if (!get_number(id, CL_DEVICE_COMPILER_AVAILABLE, 4))
        return "it has no compiler";
    if (!get_number(id, CL_DEVICE_ENDIAN_LITTLE, 4))
        return "it is big-endian";
    if (info->memory == 0 || info->largest_allocation == 0)
        return "it has no memory";
    return NULL;
}

static void
list_platform(cl_platform_id platform, struct oc_found *list, int *count)
{
    cl_device_id ids[MOST_DEVICES];
    cl_uint n = 0;
    char name[128] = "";
    cl_int code;

    clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof(name) - 1, name, NULL);
    code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, MOST_DEVICES, ids, &n);
    if (code != CL_SUCCESS || n == 0) {
        oc_log(OCELLUS_LOG_INFO, "the platform %s is skipped: %s", name,
               code == CL_SUCCESS ? "it has no device" : oc_cl_name(code));
        return;
    }
    for (cl_uint k = 0; k < n && k < MOST_DEVICES; k++) {
        struct oc_found *found = &list[*count];
        const char *why;

        if (*count == MOST_DEVICES)
            return;
        found->platform = platform;
        found->id = ids[k];
        oc_found_fill(found, *count);
        why = unusable(found->id, &found->info);
        if (!why)
            (*count)++;
        else
            oc_log(OCELLUS_LOG_WARNING, "%s of the platform %s is left out: %s",
                   found->info.name, name, why);
    }
}

static int
best(const struct oc_found *list, int count, const char *kind)
{
    int index = -1;

    for (int k = 0; k < count; k++)
        if ((!kind || strcmp(list[k].info.kind, kind) == 0) &&
            (index < 0 || list[k].info.score > list[index].info.score))
            index = k;
    return index;
}

ocellus_status
oc_found_list(struct oc_found **result, int *count)
{
    cl_platform_id platforms[MOST_PLATFORMS];
    cl_uint n = 0;
    struct oc_found *list;
    cl_int code = clGetPlatformIDs(MOST_PLATFORMS, platforms, &n);

    *result = NULL;
    *count = 0;
    if (code != CL_SUCCESS || n == 0)
        return fail_no_device();
    list = calloc(MOST_DEVICES + 1, sizeof(*list));
    if (!list)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to list devices");
    for (cl_uint k = 0; k < n && k < MOST_PLATFORMS; k++)
        list_platform(platforms[k], list, count);
    if (*count == 0) {
        free(list);
        return fail_no_device();
    }
    list[best(list, *count, NULL)].info.chosen = 1;
    *result = list;
    return OCELLUS_OK;
}

/* ---- choosing ---------------------------------------------------------- */

static void
lower(const char *from, char *to, size_t room)
{
    size_t k = 0;

    for (; from[k] && k + 1 < room; k++)
        to[k] = (char)tolower((unsigned char)from[k]);
    to[k] = '\0';
}

static int
holds(const char *text, const char *part)
{
    char a[160], b[160];

    lower(text, a, sizeof(a));
    lower(part, b, sizeof(b));
    return strstr(a, b) != NULL;
}

/* "0: Some GPU (Some platform); 1: ..." */
static ocellus_status
refuse(ocellus_status status, const char *choice, const char *what,
       const struct oc_found *list, int count)
{
    struct oc_text text = {0};

    for (int k = 0; k < count; k++)
        oc_text_printf(&text, "%s%d: %s (%s, %s)", k ? "; " : "", k,
                       list[k].info.name, list[k].info.platform,
                       list[k].info.kind);
    oc_fail(status, "the device \"%s\" %s; there is %s", choice, what,
            text.data ? text.data : "");
    oc_text_free(&text);
    return status;
}

static int
is_number(const char *text)
{
    return text[0] && strspn(text, "0123456789") == strlen(text);
}

/* How many devices `part` fits; the last of them into *index. A name that is
 * equal as a whole wins over those that only hold it. */
static int
match(const struct oc_found *list, int count, const char *part, int *index)
{
    int n = 0;

    for (int k = 0; k < count; k++)
        if (strcmp(list[k].info.name, part) == 0) {
            *index = k;
            n++;
        }
    if (n == 1)
        return n;
    n = 0;
    for (int k = 0; k < count; k++)
        if (holds(list[k].info.name, part) ||
            holds(list[k].info.platform, part) ||
            holds(list[k].info.vendor, part) ||
            holds(list[k].info.version, part)) {
            *index = k;
            n++;
        }
    return n;
}

static ocellus_status
choose_named(struct oc_found *list, int count, const char *choice, int *index)
{
    char kind[32];
    int n;

    if (is_number(choice)) {
        errno = 0;
        long number = strtol(choice, NULL, 10);

        if (errno || number >= count)
            return refuse(OCELLUS_BAD_ARGUMENT, choice,
                          "is past the end of the list", list, count);
        *index = (int)number;
        return OCELLUS_OK;
    }
    lower(choice, kind, sizeof(kind));
    if (strcmp(kind, "gpu") == 0 || strcmp(kind, "cpu") == 0 ||
        strcmp(kind, "accelerator") == 0) {
        *index = best(list, count, kind);
        return *index >= 0 ? OCELLUS_OK
                           : refuse(OCELLUS_NO_DEVICE, choice, "is not here",
                                    list, count);
    }
    n = match(list, count, choice, index);
    if (n == 0)
        return refuse(OCELLUS_BAD_ARGUMENT, choice, "is not known", list,
                      count);
    if (n > 1)
        return refuse(OCELLUS_BAD_ARGUMENT, choice,
                      "fits several, so give its number", list, count);
    return OCELLUS_OK;
}

ocellus_status
oc_found_choose(struct oc_found *list, int count, const char *choice,
                int *index)
{
    const char *from = "it was asked for";

    if (!choice || !choice[0]) {
        choice = getenv("OCELLUS_DEVICE");
        from = "OCELLUS_DEVICE says so";
    }
    if (!choice || !choice[0]) {
        *index = best(list, count, NULL);
        from = "it has the best score";
    } else {
        OC_TRY(choose_named(list, count, choice, index));
    }
    for (int k = 0; k < count; k++)
        list[k].info.chosen = k == *index;
    oc_log(OCELLUS_LOG_INFO, "device %d, %s (%s): %s", *index,
           list[*index].info.name, list[*index].info.platform, from);
    return OCELLUS_OK;
}

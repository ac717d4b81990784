/* program.c - kernels' texts into programs.
 *
 * A program is one .cl file with common.cl before it, under one set of
 * options. It is kept in the device by (file, options, prelude, text) and on
 * disk by the digest of the very text, the options, the device and its driver,
 * so an entry can be stale in no way but by being damaged.
 *
 * Taking a binary out of a driver may cost as much as building it did: PoCL
 * then compiles every kernel of the file once more, for work-groups of any
 * size. So only what took long to build is kept (a driver with a cache of its
 * own is quick the second time), when the device is closed: nobody waits for
 * a result then, and the sizes that the kernels really ran with are in the
 * binary too. It may take a quarter of the time that building took.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/thread.h"
#include "device/inside.h"
#include "op/kernel_source.h"

#define LANGUAGE "-cl-std=CL1.2"

enum { LONG_BUILD_MS = 150 };

struct job {
    const struct oc_step *step;
    int only_disk; /* or not at all */
    struct oc_digest key;
    char disk_key[33];
    cl_program program;
    double ms; /* that compiling took; 0: it came from the disk */
};

struct work {
    ocellus_device *device;
    struct job *job;
    int count, done;
};

const char *
oc_program_text(const char *file)
{
    for (const struct oc_kernel_source *k = oc_kernel_sources; k->name; k++)
        if (strcmp(k->name, file) == 0)
            return k->text;
    return NULL;
}

static void
add_text(struct oc_digest *digest, const char *text)
{
    oc_digest_add(digest, text ? text : "", text ? strlen(text) + 1 : 1);
}

static void
key_of(const struct oc_step *step, struct oc_digest *key)
{
    oc_digest_start(key);
    add_text(key, step->file);
    add_text(key, step->options);
    add_text(key, step->prelude);
    add_text(key, step->text);
}

static int
same(const struct oc_digest *a, const struct oc_digest *b)
{
    return a->word[0] == b->word[0] && a->word[1] == b->word[1];
}

static struct oc_program *
find(ocellus_device *device, const struct oc_digest *key)
{
    struct oc_program *program = device->programs;

    while (program && !same(&program->key, key))
        program = program->next;
    return program;
}

/* ---- one build --------------------------------------------------------- */

/* The compiler's log, malloc'ed; NULL: none. */
static char *
build_log(ocellus_device *device, cl_program program)
{
    size_t bytes = 0;
    char *log;

    if (clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, 0,
                              NULL, &bytes) != CL_SUCCESS ||
        bytes == 0)
        return NULL;
    log = calloc(bytes + 1, 1);
    if (log)
        clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, bytes,
                              log, NULL);
    return log;
}

/* Length of the first few lines. */
static int
few_lines(const char *log)
{
    int length = 0, lines = 0;

    while (log[length] && lines < 4 && length < 700)
        if (log[length++] == '\n')
            lines++;
    while (length > 0 && log[length - 1] == '\n')
        length--;
    return length;
}

static const char no_log[] =
    "the compiler says nothing (NVIDIA's does so where libnvidia-nvvm.so.4 is "
    "missing)";

static ocellus_status
fail_build(ocellus_device *device, cl_program program, cl_int code,
           const char *file, const char *options)
{
    char *log = build_log(device, program);
    const char *text = log && log[0] ? log : no_log;
    ocellus_status status;

    oc_log(OCELLUS_LOG_ERROR, "cl/%s.cl, options \"%s\", on %s:\n%s", file,
           options, device->info.name, text);
    status = oc_fail(OCELLUS_BUILD_FAILED,
                     "cl/%s.cl does not build on %s with \"%s\": %s: %.*s",
                     file, device->info.name, options, oc_cl_name(code),
                     few_lines(text), text);
    free(log);
    return status;
}

static ocellus_status
compile(ocellus_device *device, const char **text, cl_uint count,
        const char *file, const char *options, cl_program *program)
{
    ocellus_status status;
    cl_int code;

    *program =
        clCreateProgramWithSource(device->context, count, text, NULL, &code);
    OC_CL_TRY(code, "the driver does not take a kernel's text");
    code = clBuildProgram(*program, 1, &device->id, options, NULL, NULL);
    if (code == CL_SUCCESS)
        return OCELLUS_OK;
    status = fail_build(device, *program, code, file, options);
    clReleaseProgram(*program);
    *program = NULL;
    return status;
}

cl_program
oc_program_try(ocellus_device *device, const char *source)
{
    cl_int code;
    cl_program program =
        clCreateProgramWithSource(device->context, 1, &source, NULL, &code);

    if (code != CL_SUCCESS)
        return NULL;
    if (clBuildProgram(program, 1, &device->id, LANGUAGE, NULL, NULL) ==
        CL_SUCCESS)
        return program;
    clReleaseProgram(program);
    return NULL;
}

/* A binary that does not load is no failure: the text is compiled instead. */
static cl_program
load(ocellus_device *device, const void *binary, size_t bytes,
     const char *options)
{
    const unsigned char *data = binary;
    cl_int code, loaded;
    cl_program program = clCreateProgramWithBinary(
        device->context, 1, &device->id, &bytes, &data, &loaded, &code);

    if (code == CL_SUCCESS && loaded == CL_SUCCESS &&
        clBuildProgram(program, 1, &device->id, options, NULL, NULL) ==
            CL_SUCCESS)
        return program;
    if (program)
        clReleaseProgram(program);
    return NULL;
}

/* Some drivers compile when a kernel is made: the binary before that would be
 * an empty one. */
static void
make_kernels(cl_program program)
{
    cl_kernel kernel[64];
    cl_uint count = 0;

    if (clCreateKernelsInProgram(program, OC_COUNT(kernel), kernel, &count) !=
        CL_SUCCESS)
        return;
    for (cl_uint k = 0; k < count && k < OC_COUNT(kernel); k++)
        clReleaseKernel(kernel[k]);
}

static void
keep(ocellus_device *device, struct oc_program *kept)
{
    cl_program program = kept->program;
    size_t bytes = 0;
    unsigned char *binary;

    make_kernels(program);
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof(bytes),
                         &bytes, NULL) != CL_SUCCESS ||
        bytes == 0 || !(binary = malloc(bytes)))
        return;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof(binary), &binary,
                         NULL) == CL_SUCCESS)
        oc_cache_put(device->cache, kept->disk_key, kept->what, binary, bytes);
    free(binary);
    free(kept->what);
    kept->what = NULL;
}

/* As far as there is time. */
static void
keep_some(ocellus_device *device)
{
    double start = oc_now();

    for (struct oc_program *k = device->programs; k; k = k->next) {
        if (!k->what || !k->slow)
            continue;
        keep(device, k);
        if (1e3 * (oc_now() - start) > device->build_ms / 4)
            return;
    }
}

ocellus_status
oc_programs_keep(ocellus_device *device)
{
    int count = 0, done = 0;
    ocellus_status status = OCELLUS_OK;

    if (!oc_cache_takes(device->cache))
        return oc_fail(OCELLUS_IO, "the kernel cache cannot be written: "
                                   "no kernel is kept");
    pthread_mutex_lock(&device->lock);
    for (struct oc_program *k = device->programs; k; k = k->next)
        count += k->what != NULL;
    for (struct oc_program *k = device->programs; k; k = k->next) {
        if (!k->what)
            continue;
        if (oc_device_progress(device, "keeping kernels", ++done, count)) {
            status = oc_fail(OCELLUS_CANCELLED,
                             "stopped after %d of %d programs were kept",
                             done - 1, count);
            break;
        }
        keep(device, k);
    }
    pthread_mutex_unlock(&device->lock);
    return status;
}

void
oc_programs_free(ocellus_device *device)
{
    if (device->cache)
        keep_some(device);
    while (device->programs) {
        struct oc_program *program = device->programs;

        device->programs = program->next;
        clReleaseProgram(program->program);
        free(program->what);
        free(program);
    }
}

static void
disk_key(const ocellus_device *device, const char **text, int count,
         const char *options, char key[33])
{
    struct oc_digest digest;

    oc_digest_start(&digest);
    add_text(&digest, device->identity);
    add_text(&digest, options);
    for (int k = 0; k < count; k++)
        add_text(&digest, text[k]);
    oc_digest_text(&digest, key);
}

/* As it is on disk, if it is there. */
static cl_program
from_disk(ocellus_device *device, const struct job *job, const char *options)
{
    size_t bytes;
    void *binary = oc_cache_get(device->cache, job->disk_key, &bytes);
    cl_program program;

    if (!binary)
        return NULL;
    program = load(device, binary, bytes, options);
    free(binary);
    if (!program)
        oc_cache_drop(device->cache, job->disk_key);
    return program;
}

/* Words for the list of the cache; NULL: it came from there. */
static char *
describe(const ocellus_device *device, const struct job *job)
{
    struct oc_text text = {0};

    if (job->ms <= 0 || !device->cache)
        return NULL;
    oc_text_printf(&text, "%s %s, %s", job->step->file,
                   job->step->options ? job->step->options : "",
                   device->info.name);
    return text.data;
}

static ocellus_status
build_text(ocellus_device *device, struct job *job, const char **text,
           int count, const char *options)
{
    double start = oc_now();

    disk_key(device, text, count, options, job->disk_key);
    job->program = from_disk(device, job, options);
    if (job->program || job->only_disk)
        return OCELLUS_OK;
    OC_TRY(compile(device, text, (cl_uint)count, job->step->file, options,
                   &job->program));
    job->ms = 1e3 * (oc_now() - start);
    oc_log(OCELLUS_LOG_DEBUG, "cl/%s.cl with \"%s\" built in %.0f ms",
           job->step->file, options, job->ms);
    return OCELLUS_OK;
}

static ocellus_status
build(ocellus_device *device, struct job *job)
{
    const struct oc_step *step = job->step;
    const char *text[3] = {step->prelude ? step->prelude : "",
                           step->text ? "" : oc_program_text("common"),
                           step->text ? step->text
                                      : oc_program_text(step->file)};
    struct oc_text options = {0};
    ocellus_status status;

    if (!text[1] || !text[2])
        return oc_fail(OCELLUS_INTERNAL, "there is no kernel file cl/%s.cl",
                       text[1] ? step->file : "common");
    oc_text_append(&options, LANGUAGE);
    if (step->options && step->options[0])
        oc_text_printf(&options, " %s", step->options);
    if (options.failed)
        status = oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for options");
    else
        status = build_text(device, job, text, 3, options.data);
    oc_text_free(&options);
    return status;
}

/* ---- all that a plan needs --------------------------------------------- */

static ocellus_status
work_off(void *context, int i)
{
    struct work *work = context;
    ocellus_device *device = work->device;
    int stop;

    OC_TRY(build(device, &work->job[i]));
    /* One call at a time, from whichever thread. */
    pthread_mutex_lock(&device->lock);
    work->done++;
    stop =
        oc_device_progress(device, "building kernels", work->done, work->count);
    pthread_mutex_unlock(&device->lock);
    if (stop)
        return oc_fail(OCELLUS_CANCELLED,
                       "stopped after %d of %d kernel files were built",
                       work->done, work->count);
    return OCELLUS_OK;
}

/* Distinct programs among the steps; those not there yet into work->job. */
static int
collect(struct work *work, struct oc_step *const *step, int count)
{
    struct oc_digest *seen = malloc((size_t)count * sizeof(*seen) + 1);
    int distinct = 0;

    if (!seen)
        return -1;
    pthread_mutex_lock(&work->device->lock);
    for (int k = 0; k < count; k++) {
        int s = 0;

        if (step[k]->kind != OC_STEP_KERNEL)
            continue;
        key_of(step[k], &seen[distinct]);
        while (!same(&seen[s], &seen[distinct]))
            s++;
        if (s < distinct)
            continue;
        if (!find(work->device, &seen[distinct])) {
            work->job[work->count].step = step[k];
            work->job[work->count++].key = seen[distinct];
        }
        distinct++;
    }
    pthread_mutex_unlock(&work->device->lock);
    free(seen);
    return distinct;
}

/* Another thread may have been faster: then ours goes. */
static void
insert(ocellus_device *device, struct job *job)
{
    struct oc_program *program = calloc(1, sizeof(*program));

    pthread_mutex_lock(&device->lock);
    if (program && !find(device, &job->key)) {
        program->key = job->key;
        memcpy(program->disk_key, job->disk_key, sizeof(job->disk_key));
        program->what = describe(device, job);
        program->slow = job->ms >= LONG_BUILD_MS;
        program->program = job->program;
        program->next = device->programs;
        device->programs = program;
        program = NULL;
        job->program = NULL;
    }
    pthread_mutex_unlock(&device->lock);
    if (job->program)
        clReleaseProgram(job->program);
    free(program);
}

ocellus_status
oc_programs_build(ocellus_device *device, struct oc_step *const *step,
                  int count, int *distinct, int *built)
{
    struct work work = {.device = device};
    double start = oc_now();
    ocellus_status status;

    *built = 0;
    work.job = calloc((size_t)count + 1, sizeof(*work.job));
    *distinct = work.job ? collect(&work, step, count) : -1;
    if (*distinct < 0) {
        free(work.job);
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to build kernels");
    }
    status = oc_parallel(oc_thread_count(), work.count, work_off, &work);
    for (int k = 0; k < work.count; k++)
        if (work.job[k].program) {
            *built += work.job[k].ms > 0;
            insert(device, &work.job[k]);
        }
    pthread_mutex_lock(&device->lock);
    device->build_ms += 1e3 * (oc_now() - start);
    pthread_mutex_unlock(&device->lock);
    free(work.job);
    return status;
}

cl_program
oc_program_find(ocellus_device *device, const struct oc_step *step)
{
    struct oc_digest key;
    struct oc_program *program;

    key_of(step, &key);
    pthread_mutex_lock(&device->lock);
    program = find(device, &key);
    pthread_mutex_unlock(&device->lock);
    return program ? program->program : NULL;
}

/* ---- one by itself ------------------------------------------------------ */

static ocellus_status
build_one(ocellus_device *device, const struct oc_step *step, int only_disk)
{
    struct job job = {.step = step, .only_disk = only_disk};

    if (oc_program_find(device, step))
        return OCELLUS_OK;
    key_of(step, &job.key);
    OC_TRY(build(device, &job));
    if (job.program)
        insert(device, &job);
    return OCELLUS_OK;
}

int
oc_program_is_kept(ocellus_device *device, const struct oc_step *step)
{
    return build_one(device, step, 1) == OCELLUS_OK &&
           oc_program_find(device, step);
}

ocellus_status
oc_program_build(ocellus_device *device, const struct oc_step *step)
{
    return build_one(device, step, 0);
}

void
oc_program_keep(ocellus_device *device, const struct oc_step *step)
{
    struct oc_digest key;
    struct oc_program *program;

    key_of(step, &key);
    pthread_mutex_lock(&device->lock);
    program = find(device, &key);
    pthread_mutex_unlock(&device->lock);
    if (program && program->what && oc_cache_takes(device->cache))
        keep(device, program);
}

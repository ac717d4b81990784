/* inside.h - what the files of this room share: the opened device, programs,
 * the cache on disk, and runs. Nobody outside src/device and src/api/device.c
 * includes it.
 */
#ifndef OC_DEVICE_INSIDE_H
#define OC_DEVICE_INSIDE_H

#include <CL/cl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/hash.h"
#include "device/cache.h"
#include "device/device.h"

/* ---- failures ---------------------------------------------------------- */

/* "CL_OUT_OF_RESOURCES"; never NULL. */
const char *oc_cl_name(cl_int code);
/* A failed call as a status and a sentence: "WHAT: CL_... (-5)". Codes that
 * mean memory become OCELLUS_OUT_OF_DEVICE_MEMORY. */
ocellus_status oc_cl_fail(cl_int code, const char *what);

#define OC_CL_TRY(call, what)                                                  \
    do {                                                                       \
        cl_int oc_cl_code_ = (call);                                           \
        if (oc_cl_code_ != CL_SUCCESS)                                         \
            return oc_cl_fail(oc_cl_code_, what);                              \
    } while (0)

/* ---- selection --------------------------------------------------------- */

struct oc_found {
    cl_platform_id platform;
    cl_device_id id;
    ocellus_device_info info; /* half and fp64 are -1 */
};

/* All usable devices, numbered and scored; the caller frees *list. Fails with
 * OCELLUS_NO_DEVICE when there is none. */
ocellus_status oc_found_list(struct oc_found **list, int *count);
/* Which one `choice` means (see ocellus_device_open). */
ocellus_status oc_found_choose(struct oc_found *list, int count,
                               const char *choice, int *index);
/* One device's row, for a queue that comes from outside. */
void oc_found_fill(struct oc_found *found, int index);

/* ---- the opened device ------------------------------------------------- */

struct oc_program {
    struct oc_digest key; /* file, options, prelude, text */
    char disk_key[33];
    char *what; /* words for the disk; NULL: it is there */
    int slow;   /* it took long to build */
    cl_program program;
    struct oc_program *next;
};

struct ocellus_device {
    ocellus_device_info info;
    struct oc_caps caps;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;         /* in order; computes and copies */
    cl_command_queue profile_queue; /* made when a run is profiled */
    int foreign;                    /* the queue came from outside */
    struct oc_cache *cache;         /* NULL: none usable */
    char identity[33];              /* digest of device, driver, platform */
    char kernels[33];               /* the same with all kernels' texts */
    char tuning[33];                /* the same with its class */
    struct oc_arena *verdicts;      /* the doctor's and the tuner's, or NULL */
    const char **quarantine;
    pthread_mutex_t lock; /* programs, allocated, profile_queue */
    struct oc_program *programs;
    double build_ms;    /* spent on building, on the clock */
    uint64_t allocated; /* bytes in buffers made here */
    int spoils;         /* oc_device_spoil() */
    int hurries;        /* single launches are built soon: for tests */
    ocellus_progress_function progress;
    void *progress_user;
};

ocellus_status oc_device_open(const struct oc_found *found,
                              ocellus_device **device);
ocellus_status oc_device_wrap(cl_command_queue queue, ocellus_device **device);
void oc_device_close(ocellus_device *device);

/* Does it report that extension, or one whose name has that in it? */
int oc_device_has(cl_device_id id, const char *extension);
/* Fills device->caps and the probed half of device->info. */
ocellus_status oc_caps_fill(ocellus_device *device);

/* The doctor's kept verdicts into caps->quarantine (verdict.c). */
void oc_verdicts_load(ocellus_device *device);
/* The tuner's into caps->tuned (tuning.c). */
void oc_tuning_load(ocellus_device *device);

/* One allocation, counted; kept alive by its cl_mem alone. Sizes are rounded
 * up to the device's alignment and are never 0. */
ocellus_status oc_memory_create(ocellus_device *device, size_t bytes,
                                cl_mem *memory);
/* Where the device works in the host's memory, around the host's numbers, which
 * must outlive it and are only read; NULL where they cannot be lent (too few to
 * be worth it, or not where the device may have them). */
cl_mem oc_memory_lend(ocellus_device *device, const void *data, size_t bytes);
void oc_memory_release(ocellus_device *device, cl_mem memory);

/* ---- programs ---------------------------------------------------------- */

/* Builds what `steps` need and is not there yet, several at a time. *built
 * counts those that had to be compiled. */
ocellus_status oc_programs_build(ocellus_device *device,
                                 struct oc_step *const *step, int count,
                                 int *distinct, int *built);
/* Puts on disk all that is not there yet. OCELLUS_IO: there is no cache that
 * can be written. OCELLUS_CANCELLED: by the progress callback. */
ocellus_status oc_programs_keep(ocellus_device *device);
/* Puts on disk what took long to build, as far as there is time. */
void oc_programs_free(ocellus_device *device);
/* Owned by the device; NULL when oc_programs_build was not asked for it. */
cl_program oc_program_find(ocellus_device *device, const struct oc_step *step);

/* Is the step's program there, in memory or on disk? Then it can be found. */
int oc_program_is_kept(ocellus_device *device, const struct oc_step *step);
/* Builds it if it is not there, and calls nobody back. */
ocellus_status oc_program_build(ocellus_device *device,
                                const struct oc_step *step);
/* Puts it on disk, if that can be. */
void oc_program_keep(ocellus_device *device, const struct oc_step *step);

/* Of cl/FILE.cl; NULL: there is none. */
const char *oc_program_text(const char *file);

/* A few lines of OpenCL C for a probe, past the caches; NULL when they do not
 * build, which is no failure. */
cl_program oc_program_try(ocellus_device *device, const char *source);

/* ---- runs -------------------------------------------------------------- */

struct oc_buffer {
    ocellus_device *device;
    cl_mem memory;
    size_t bytes;
};

struct oc_launch {
    cl_kernel kernel; /* NULL: not a kernel */
    size_t global[3];
    size_t local[3];
    int has_local;
    int empty; /* nothing to do */
};

/* Copies of an input's numbers on their way to the device, used in turn: the
 * caller may change his own at once. */
struct oc_staged {
    void *data[2];
    cl_event written[2]; /* or NULL */
    int next;
};

/* A plan's single launch (run_single.c). */
struct oc_single {
    struct oc_launch launch; /* its kernel is NULL as long as steps are taken */
    cl_mem numbers;          /* its table, or NULL */
    int runs;
    double since;   /* oc_now() of the first */
    int started;    /* its program is being built */
    int has_thread; /* ... by a thread, that is to be joined */
    pthread_t thread;
    atomic_int ready; /* that is done; -1: without success */
};

struct oc_run {
    ocellus_device *device;
    const struct oc_plan *plan;
    cl_command_queue queue;
    cl_mem *bin;              /* per bin of the arena */
    cl_mem *memory;           /* per place; a reference each */
    cl_mem *bound;            /* per input: memory from outside, or NULL */
    struct oc_staged *staged; /* per input */
    struct oc_launch *launch;
    int made; /* of them, so far */
    struct oc_single single;
    cl_mem gemm_scratch;
    size_t gemm_scratch_bytes;
    cl_event done[2]; /* of the last run and of the one before */
    int started;      /* the prologue ran */
    int profiling;
    cl_event *event; /* per step, while profiling */
    struct oc_step_time *time;
    int profiled;
    struct oc_run_info info;
};

/* Memory of all places (run_place.c). */
ocellus_status oc_run_place(struct oc_run *run, struct oc_buffer *const *state);
void oc_run_unplace(struct oc_run *run);
/* Builds and makes the launches of the first `count` steps, those that are not
 * there yet (run.c). */
ocellus_status oc_run_make_steps(struct oc_run *run, int count);
/* Sets arguments and sizes of a kernel step (run.c). */
ocellus_status oc_run_make_launch(struct oc_run *run,
                                  const struct oc_step *step,
                                  struct oc_launch *launch);
/* The plan's single launch: made now if its program is there; begun to be
 * built once the run was enqueued often and for long; gone. */
ocellus_status oc_single_make(struct oc_run *run);
ocellus_status oc_single_count(struct oc_run *run);
void oc_single_destroy(struct oc_run *run);
/* The place that really holds `place`, aliases followed. */
int oc_place_root(const struct oc_plan *plan, int place);

/* One GEMM on run->queue (gemm.c). */
ocellus_status oc_gemm_scratch(struct oc_run *run);
ocellus_status oc_gemm_enqueue(struct oc_run *run, const struct oc_gemm *gemm,
                               cl_event *event);
/* Counts opened devices: CLBlast's cache goes with the last one. */
void oc_gemm_hold(void);
void oc_gemm_release(void);

/* After a profiled run: waits and adds the events' times (profile.c). */
ocellus_status oc_profile_collect(struct oc_run *run);
void oc_profile_forget(struct oc_run *run);

#endif

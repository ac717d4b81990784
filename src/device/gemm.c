/* gemm.c - CLBlast behind one door.
 *
 * CLBlast keeps programs and tuning parameters in tables of the process, so
 * one lock of the process guards its calls; they only enqueue. Its temporary
 * buffer comes from the run, made once. Its tables of programs are emptied when
 * the last device closes, so that they hold no context alive. Parameters stay
 * in force for a device until others are set, which happens here, before a
 * product that wants others; the programs of those that were compiled wait in
 * its tables.
 */
#include <clblast_c.h>

#include "base/log.h"
#include "device/inside.h"

static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;
static int devices;
static int used;

/* ---- parameters ---------------------------------------------------------- */

enum { MOST_DEVICES = 32 };

/* What is in force where. A device that is not here, because there are too
 * many, is told each time. */
static struct {
    cl_device_id id;
    const struct oc_gemm_set *set;
} in_force[MOST_DEVICES];

static const char *xgemm_names[] = {
    "GEMMK", "KREG", "KWG", "KWI", "MDIMA", "MDIMC", "MWG", "NDIMB",
    "NDIMC", "NWG",  "SA",  "SB",  "STRM",  "STRN",  "VWM", "VWN"};
static const char *direct_names[] = {"KWID",   "MDIMAD", "MDIMCD", "NDIMBD",
                                     "NDIMCD", "PADA",   "PADB",   "VWMD",
                                     "VWND",   "WGD"};
static const char *routine_names[] = {"XGEMM_MIN_INDIRECT_SIZE"};

static ocellus_status
set_parameters(cl_device_id id, const char *kernel, const char **names,
               const int *values, size_t count)
{
    size_t list[OC_COUNT(xgemm_names)];
    CLBlastStatusCode code;

    for (size_t k = 0; k < count; k++)
        list[k] = (size_t)values[k];
    code = CLBlastOverrideParameters(id, kernel, CLBlastPrecisionSingle, count,
                                     names, list);
    if (code == CLBlastSuccess)
        return OCELLUS_OK;
    return oc_fail(OCELLUS_UNSUPPORTED,
                   "CLBlast does not take parameters for %s: %d; versions "
                   "1.5 and 1.6 do",
                   kernel, (int)code);
}

static ocellus_status
set_all(cl_device_id id, const struct oc_gemm_set *set)
{
    OC_TRY(set_parameters(id, "Xgemm", xgemm_names, set->xgemm,
                          OC_COUNT(xgemm_names)));
    OC_TRY(set_parameters(id, "XgemmDirect", direct_names, set->direct,
                          OC_COUNT(direct_names)));
    return set_parameters(id, "GemmRoutine", routine_names, &set->indirect_from,
                          OC_COUNT(routine_names));
}

/* Behind the closed door. A version of CLBlast whose kernels have other
 * parameters computes with its own: it is then the usual set alone that a
 * product can have. */
static ocellus_status
use(cl_device_id id, const struct oc_gemm_set *set)
{
    ocellus_status status;
    int k = 0;

    if (!set)
        set = oc_gemm_sets;
    while (k < MOST_DEVICES && in_force[k].id && in_force[k].id != id)
        k++;
    if (k < MOST_DEVICES && in_force[k].id == id && in_force[k].set == set)
        return OCELLUS_OK;
    status = set_all(id, set);
    if (status != OCELLUS_OK && set == oc_gemm_sets) {
        oc_log(OCELLUS_LOG_DEBUG, "%s", ocellus_error());
        status = OCELLUS_OK;
    }
    if (k < MOST_DEVICES) {
        in_force[k].id = id;
        in_force[k].set = status == OCELLUS_OK ? set : NULL;
    }
    return status;
}

/* ---- products ------------------------------------------------------------ */

void
oc_gemm_hold(void)
{
    pthread_mutex_lock(&door);
    devices++;
    pthread_mutex_unlock(&door);
}

void
oc_gemm_release(void)
{
    pthread_mutex_lock(&door);
    if (--devices == 0 && used) {
        CLBlastClearCache();
        used = 0;
    }
    pthread_mutex_unlock(&door);
}

static ocellus_status
fail(CLBlastStatusCode code, const struct oc_gemm *gemm)
{
    ocellus_status status = OCELLUS_DEVICE_FAILED;

    if (code == CLBlastTempBufferAllocFailure)
        status = OCELLUS_OUT_OF_DEVICE_MEMORY;
    return oc_fail(status, "CLBlast fails on a product of %dx%d by %dx%d: %d",
                   gemm->m, gemm->k, gemm->k, gemm->n, (int)code);
}

static CLBlastTranspose
transposed(int yes)
{
    return yes ? CLBlastTransposeYes : CLBlastTransposeNo;
}

static ocellus_status
scratch_of(struct oc_run *run, const struct oc_gemm *g, size_t *bytes)
{
    CLBlastStatusCode code;

    *bytes = 0;
    if (g->batch > 1 || g->m <= 0 || g->n <= 0 || g->k <= 0)
        return OCELLUS_OK;
    OC_TRY(use(run->device->id, g->set));
    code = CLBlastSGemmTempBufferSize(
        CLBlastLayoutRowMajor, transposed(g->transpose_a),
        transposed(g->transpose_b), (size_t)g->m, (size_t)g->n, (size_t)g->k,
        (size_t)g->offset_a, (size_t)g->lda, (size_t)g->offset_b,
        (size_t)g->ldb, (size_t)g->offset_c, (size_t)g->ldc, &run->queue,
        bytes);
    return code == CLBlastSuccess ? OCELLUS_OK : fail(code, g);
}

ocellus_status
oc_gemm_scratch(struct oc_run *run)
{
    const struct oc_plan *plan = run->plan;
    size_t most = 0;

    for (int k = 0; k < plan->n_steps; k++) {
        size_t bytes;
        ocellus_status status;

        if (plan->step[k]->kind != OC_STEP_GEMM)
            continue;
        pthread_mutex_lock(&door);
        used = 1;
        status = scratch_of(run, &plan->step[k]->gemm, &bytes);
        pthread_mutex_unlock(&door);
        OC_TRY(status);
        most = bytes > most ? bytes : most;
    }
    if (most == 0)
        return OCELLUS_OK;
    run->gemm_scratch_bytes = most;
    run->info.arena_bytes += most;
    return oc_memory_create(run->device, most, &run->gemm_scratch);
}

static CLBlastStatusCode
multiply(struct oc_run *run, const struct oc_gemm *g, cl_event *event)
{
    cl_mem a = run->memory[oc_place_root(run->plan, g->a)];
    cl_mem b = run->memory[oc_place_root(run->plan, g->b)];
    cl_mem c = run->memory[oc_place_root(run->plan, g->c)];
    const size_t m = (size_t)g->m, n = (size_t)g->n, k = (size_t)g->k;

    if (g->batch > 1)
        return CLBlastSgemmStridedBatched(
            CLBlastLayoutRowMajor, transposed(g->transpose_a),
            transposed(g->transpose_b), m, n, k, g->alpha, a,
            (size_t)g->offset_a, (size_t)g->lda, (size_t)g->stride_a, b,
            (size_t)g->offset_b, (size_t)g->ldb, (size_t)g->stride_b, g->beta,
            c, (size_t)g->offset_c, (size_t)g->ldc, (size_t)g->stride_c,
            (size_t)g->batch, &run->queue, event);
    return CLBlastSgemmWithTempBuffer(
        CLBlastLayoutRowMajor, transposed(g->transpose_a),
        transposed(g->transpose_b), m, n, k, g->alpha, a, (size_t)g->offset_a,
        (size_t)g->lda, b, (size_t)g->offset_b, (size_t)g->ldb, g->beta, c,
        (size_t)g->offset_c, (size_t)g->ldc, &run->queue, event,
        run->gemm_scratch);
}

ocellus_status
oc_gemm_enqueue(struct oc_run *run, const struct oc_gemm *g, cl_event *event)
{
    CLBlastStatusCode code = CLBlastSuccess;
    ocellus_status status;

    if (g->m == 0 || g->n == 0)
        return OCELLUS_OK;
    pthread_mutex_lock(&door);
    used = 1;
    status = use(run->device->id, g->set);
    if (status == OCELLUS_OK)
        code = multiply(run, g, event);
    pthread_mutex_unlock(&door);
    OC_TRY(status);
    return code == CLBlastSuccess ? OCELLUS_OK : fail(code, g);
}

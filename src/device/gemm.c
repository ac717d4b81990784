/* gemm.c - CLBlast behind one door.
 *
 * CLBlast keeps programs and tuning parameters in tables of the process, so
 * one lock of the process guards its calls; they only enqueue. Its temporary
 * buffer comes from the run, made once. Its tables are emptied when the last
 * device closes, so that they hold no context alive.
 */
#include <clblast_c.h>

#include "base/log.h"
#include "device/inside.h"

static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;
static int devices;
static int used;

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

ocellus_status
oc_gemm_enqueue(struct oc_run *run, const struct oc_gemm *g, cl_event *event)
{
    cl_mem a = run->memory[oc_place_root(run->plan, g->a)];
    cl_mem b = run->memory[oc_place_root(run->plan, g->b)];
    cl_mem c = run->memory[oc_place_root(run->plan, g->c)];
    const size_t m = (size_t)g->m, n = (size_t)g->n, k = (size_t)g->k;
    CLBlastStatusCode code;

    if (m == 0 || n == 0)
        return OCELLUS_OK;
    pthread_mutex_lock(&door);
    used = 1;
    if (g->batch > 1)
        code = CLBlastSgemmStridedBatched(
            CLBlastLayoutRowMajor, transposed(g->transpose_a),
            transposed(g->transpose_b), m, n, k, g->alpha, a,
            (size_t)g->offset_a, (size_t)g->lda, (size_t)g->stride_a, b,
            (size_t)g->offset_b, (size_t)g->ldb, (size_t)g->stride_b, g->beta,
            c, (size_t)g->offset_c, (size_t)g->ldc, (size_t)g->stride_c,
            (size_t)g->batch, &run->queue, event);
    else
        code = CLBlastSgemmWithTempBuffer(
            CLBlastLayoutRowMajor, transposed(g->transpose_a),
            transposed(g->transpose_b), m, n, k, g->alpha, a,
            (size_t)g->offset_a, (size_t)g->lda, b, (size_t)g->offset_b,
            (size_t)g->ldb, g->beta, c, (size_t)g->offset_c, (size_t)g->ldc,
            &run->queue, event, run->gemm_scratch);
    pthread_mutex_unlock(&door);
    return code == CLBlastSuccess ? OCELLUS_OK : fail(code, g);
}

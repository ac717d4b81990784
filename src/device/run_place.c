/* run_place.c - a plan's places in device memory.
 *
 *     bin 0  [ place 3 | place 5 |      place 9      ]   one buffer a bin,
 *            [      place 4      | place 7 ]             sub-buffers in it
 *     state  the session's own buffer
 *     constant, derived: a buffer each
 *     alias  whatever its root has
 */
#include <stdlib.h>
#include <string.h>

#include "device/inside.h"

int
oc_place_root(const struct oc_plan *plan, int place)
{
    while (plan->place[place].alias >= 0)
        place = plan->place[place].alias;
    return place;
}

static double
mebibytes(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

/* ---- whether it fits --------------------------------------------------- */

static const char lower[] =
    "lower the batch or image size, or checkpoint activations";

static void
sum_up(const struct oc_plan *plan, struct oc_run_info *info)
{
    for (int k = 0; k < plan->n_bins; k++)
        info->arena_bytes += plan->bin_bytes[k];
    for (int k = 0; k < plan->n_places; k++)
        if (plan->place[k].alias < 0 &&
            (plan->place[k].kind == OC_PLACE_CONSTANT ||
             plan->place[k].kind == OC_PLACE_DERIVED))
            info->derived_bytes += plan->place[k].bytes;
}

static ocellus_status
check_place(const ocellus_device *device, const struct oc_place *place)
{
    uint64_t largest = device->info.largest_allocation;

    if (place->bytes <= largest)
        return OCELLUS_OK;
    return oc_fail(OCELLUS_OUT_OF_DEVICE_MEMORY,
                   "%s takes %.1f MiB, but the largest allocation on %s is "
                   "%.1f MiB of its %.1f MiB: %s",
                   place->value ? place->value->name : "an operator's scratch",
                   mebibytes(place->bytes), device->info.name,
                   mebibytes(largest), mebibytes(device->info.memory), lower);
}

static ocellus_status
check_fits(const struct oc_run *run)
{
    const ocellus_device *device = run->device;
    const struct oc_plan *plan = run->plan;
    uint64_t asked = run->info.arena_bytes + run->info.derived_bytes;
    uint64_t used = device->allocated, all = device->info.memory;

    for (int k = 0; k < plan->n_places; k++)
        OC_TRY(check_place(device, &plan->place[k]));
    if (used > all || asked > all - used)
        return oc_fail(
            OCELLUS_OUT_OF_DEVICE_MEMORY,
            "this net takes %.1f MiB on %s (%.1f MiB of it activations), but "
            "%.1f MiB of %.1f MiB are free (largest allocation %.1f MiB): %s",
            mebibytes(asked), device->info.name,
            mebibytes(run->info.arena_bytes),
            mebibytes(used > all ? 0 : all - used), mebibytes(all),
            mebibytes(device->info.largest_allocation), lower);
    return OCELLUS_OK;
}

/* ---- placing ----------------------------------------------------------- */

static ocellus_status
place_in_bin(struct oc_run *run, const struct oc_place *place, cl_mem *memory)
{
    cl_buffer_region region = {place->offset, place->bytes ? place->bytes : 4};
    cl_int code;

    *memory = clCreateSubBuffer(run->bin[place->bin], CL_MEM_READ_WRITE,
                                CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    OC_CL_TRY(code, "a tensor cannot be placed in the arena");
    return OCELLUS_OK;
}

static ocellus_status
place_constant(struct oc_run *run, const struct oc_place *place, cl_mem *memory)
{
    const struct ocellus_value *value = place->value;
    size_t bytes;

    if (!value || !value->data)
        return oc_fail(OCELLUS_INTERNAL, "a constant of the plan has no "
                                         "numbers");
    OC_TRY(oc_shape_bytes(&value->shape, oc_type_size(value->type), &bytes));
    if (place->bytes <= bytes)
        *memory = oc_memory_lend(run->device, value->data, bytes);
    if (*memory)
        return OCELLUS_OK;
    OC_TRY(oc_memory_create(
        run->device, place->bytes > bytes ? place->bytes : bytes, memory));
    if (bytes == 0)
        return OCELLUS_OK;
    OC_CL_TRY(clEnqueueWriteBuffer(run->device->queue, *memory, CL_FALSE, 0,
                                   bytes, value->data, 0, NULL, NULL),
              "a constant cannot be written to the device");
    return OCELLUS_OK;
}

static ocellus_status
place_state(struct oc_run *run, const struct oc_place *place,
            struct oc_buffer *const *state, cl_mem *memory)
{
    const struct ocellus_graph *graph = run->plan->graph;

    for (int k = 0; k < graph->n_states; k++) {
        if (graph->states[k] != place->value)
            continue;
        if (!state || !state[k] || state[k]->bytes < place->bytes)
            return oc_fail(
                OCELLUS_INTERNAL, "the state %s has %zu bytes and needs %zu",
                place->value->name,
                state && state[k] ? state[k]->bytes : (size_t)0, place->bytes);
        *memory = state[k]->memory;
        clRetainMemObject(*memory);
        return OCELLUS_OK;
    }
    return oc_fail(OCELLUS_INTERNAL, "a place of the plan is no state");
}

static ocellus_status
place_one(struct oc_run *run, struct oc_buffer *const *state, int k)
{
    const struct oc_place *place = &run->plan->place[k];
    cl_mem *memory = &run->memory[k];

    if (place->alias >= 0)
        return OCELLUS_OK;
    switch (place->kind) {
    case OC_PLACE_ARENA:
        return place_in_bin(run, place, memory);
    case OC_PLACE_STATE:
        return place_state(run, place, state, memory);
    case OC_PLACE_CONSTANT:
        return place_constant(run, place, memory);
    case OC_PLACE_DERIVED:
        return oc_memory_create(run->device, place->bytes, memory);
    }
    return oc_fail(OCELLUS_INTERNAL, "a place of an unknown kind");
}

ocellus_status
oc_run_place(struct oc_run *run, struct oc_buffer *const *state)
{
    const struct oc_plan *plan = run->plan;

    sum_up(plan, &run->info);
    OC_TRY(check_fits(run));
    run->bin = calloc((size_t)plan->n_bins + 1, sizeof(cl_mem));
    run->memory = calloc((size_t)plan->n_places + 1, sizeof(cl_mem));
    run->bound = calloc((size_t)plan->graph->n_inputs + 1, sizeof(cl_mem));
    run->staged =
        calloc((size_t)plan->graph->n_inputs + 1, sizeof(*run->staged));
    if (!run->bin || !run->memory || !run->bound || !run->staged)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a run");
    /* Some room behind, so that an empty tensor at the end has a place. */
    for (int k = 0; k < plan->n_bins; k++)
        OC_TRY(oc_memory_create(
            run->device, plan->bin_bytes[k] + run->device->caps.alignment,
            &run->bin[k]));
    for (int k = 0; k < plan->n_places; k++)
        OC_TRY(place_one(run, state, k));
    /* Constants are read from the graph until here. */
    OC_CL_TRY(clFinish(run->device->queue), "constants cannot be uploaded");
    return OCELLUS_OK;
}

void
oc_run_unplace(struct oc_run *run)
{
    const struct oc_plan *plan = run->plan;

    for (int k = 0; run->bound && k < plan->graph->n_inputs; k++)
        if (run->bound[k])
            clReleaseMemObject(run->bound[k]);
    for (int k = 0; run->memory && k < plan->n_places; k++) {
        if (!run->memory[k])
            continue;
        if (plan->place[k].kind == OC_PLACE_CONSTANT ||
            plan->place[k].kind == OC_PLACE_DERIVED)
            oc_memory_release(run->device, run->memory[k]);
        else
            clReleaseMemObject(run->memory[k]);
    }
    for (int k = 0; run->bin && k < plan->n_bins; k++)
        oc_memory_release(run->device, run->bin[k]);
    free(run->bound);
    for (int k = 0; run->staged && k < 2 * plan->graph->n_inputs; k++) {
        struct oc_staged *staged = &run->staged[k / 2];
        if (staged->written[k % 2])
            clReleaseEvent(staged->written[k % 2]);
        free(staged->data[k % 2]);
    }
    free(run->staged);
    free(run->memory);
    free(run->bin);
}

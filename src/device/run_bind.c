/* run_bind.c - inputs into a run, outputs out of it. */
#include <stdlib.h>
#include <string.h>

#include "device/inside.h"

/* ---- memory from outside ----------------------------------------------- */

/* An input's place may be lent to other values by an alias: whoever writes
 * there would write the caller's memory, so then it is copied. */
static int
is_written(const struct oc_plan *plan, int root)
{
    for (int s = 0; s < plan->n_steps; s++) {
        const struct oc_step *step = plan->step[s];

        for (int k = 0; k < step->n_args; k++)
            if (step->arg[k].kind == OC_ARG_MEMORY && step->arg[k].writes &&
                oc_place_root(plan, step->arg[k].place) == root)
                return 1;
        if ((step->kind == OC_STEP_COPY || step->kind == OC_STEP_FILL) &&
            oc_place_root(plan, step->to) == root)
            return 1;
        if (step->kind == OC_STEP_GEMM &&
            oc_place_root(plan, step->gemm.c) == root)
            return 1;
    }
    return 0;
}

/* `bytes` of `memory` from `offset` as a buffer of their own, or NULL where
 * OpenCL's rules on alignment forbid it. */
static cl_mem
window(const ocellus_device *device, cl_mem memory, size_t offset, size_t bytes)
{
    cl_mem parent = NULL;
    size_t base = 0;
    cl_buffer_region region;
    cl_int code;

    if (offset == 0) {
        clRetainMemObject(memory);
        return memory;
    }
    clGetMemObjectInfo(memory, CL_MEM_ASSOCIATED_MEMOBJECT, sizeof(parent),
                       &parent, NULL);
    clGetMemObjectInfo(memory, CL_MEM_OFFSET, sizeof(base), &base, NULL);
    region.origin = base + offset;
    region.size = bytes;
    if (region.origin % device->caps.alignment != 0)
        return NULL;
    memory = clCreateSubBuffer(parent ? parent : memory, 0,
                               CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    return code == CL_SUCCESS ? memory : NULL;
}

/* Puts `memory` (taken over) in the place of `root` and into the kernels that
 * read it. */
static ocellus_status
exchange(struct oc_run *run, int root, cl_mem memory)
{
    const struct oc_plan *plan = run->plan;

    run->memory[root] = memory;
    for (int s = 0; s < plan->n_steps; s++) {
        const struct oc_step *step = plan->step[s];

        for (int k = 0; run->launch[s].kernel && k < step->n_args; k++)
            if (step->arg[k].kind == OC_ARG_MEMORY &&
                oc_place_root(plan, step->arg[k].place) == root)
                OC_CL_TRY(clSetKernelArg(run->launch[s].kernel, (cl_uint)k,
                                         sizeof(memory), &memory),
                          "an input cannot be bound");
    }
    return OCELLUS_OK;
}

/* run->bound[k] keeps the run's own memory while the caller's stands in. */
static ocellus_status
unbind(struct oc_run *run, int k, int root)
{
    cl_mem own = run->bound[k];

    if (!own)
        return OCELLUS_OK;
    clReleaseMemObject(run->memory[root]);
    run->bound[k] = NULL;
    return exchange(run, root, own);
}

static ocellus_status
bind(struct oc_run *run, int k, int root, cl_mem memory)
{
    if (run->bound[k])
        clReleaseMemObject(run->memory[root]);
    else
        run->bound[k] = run->memory[root];
    return exchange(run, root, memory);
}

static ocellus_status
set_from_device(struct oc_run *run, int k, int root,
                const struct ocellus_tensor *tensor, size_t bytes)
{
    cl_mem memory = tensor->memory, part = NULL;
    cl_context context = NULL;
    size_t room = 0;

    clGetMemObjectInfo(memory, CL_MEM_CONTEXT, sizeof(context), &context, NULL);
    clGetMemObjectInfo(memory, CL_MEM_SIZE, sizeof(room), &room, NULL);
    if (context != run->device->context)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "the input's memory belongs to another OpenCL context "
                       "than the device");
    if (tensor->offset > room || bytes > room - tensor->offset)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "the input takes %zu bytes from byte %zu on of memory "
                       "that has %zu",
                       bytes, tensor->offset, room);
    if (run->plan->place[root].kind == OC_PLACE_ARENA &&
        !is_written(run->plan, root))
        part = window(run->device, memory, tensor->offset, bytes);
    if (part)
        return bind(run, k, root, part);
    OC_TRY(unbind(run, k, root));
    OC_CL_TRY(clEnqueueCopyBuffer(run->queue, memory, run->memory[root],
                                  tensor->offset, 0, bytes, 0, NULL, NULL),
              "an input cannot be copied");
    return OCELLUS_OK;
}

/* ---- what others call --------------------------------------------------- */

static ocellus_status
check_tensor(const struct ocellus_value *input,
             const struct ocellus_tensor *tensor, size_t *bytes)
{
    char want[OC_SHAPE_TEXT], have[OC_SHAPE_TEXT];

    OC_TRY(oc_shape_bytes(&input->shape, oc_type_size(input->type), bytes));
    if (tensor->type == input->type &&
        oc_shape_equal(&tensor->shape, &input->shape))
        return OCELLUS_OK;
    return oc_fail(
        OCELLUS_BAD_ARGUMENT, "the input %s is %s %s, not %s %s", input->name,
        oc_type_name(input->type), oc_shape_text(&input->shape, want),
        oc_type_name(tensor->type), oc_shape_text(&tensor->shape, have));
}

/* A blocking write would wait for the runs in flight, and one from the
 * caller's memory would read it after he has gone on. */
static ocellus_status
set_from_host(struct oc_run *run, int k, int root, const void *data,
              size_t bytes)
{
    struct oc_staged *staged = &run->staged[k];
    const int turn = staged->next;

    if (!staged->data[turn])
        staged->data[turn] = malloc(bytes);
    if (!staged->data[turn])
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no memory for an input of %zu bytes", bytes);
    if (staged->written[turn]) {
        OC_CL_TRY(clWaitForEvents(1, &staged->written[turn]),
                  "an input cannot be written to the device");
        clReleaseEvent(staged->written[turn]);
        staged->written[turn] = NULL;
    }
    memcpy(staged->data[turn], data, bytes);
    staged->next = !turn;
    OC_CL_TRY(clEnqueueWriteBuffer(run->queue, run->memory[root], CL_FALSE, 0,
                                   bytes, staged->data[turn], 0, NULL,
                                   &staged->written[turn]),
              "an input cannot be written to the device");
    return OCELLUS_OK;
}

ocellus_status
oc_run_set_input(struct oc_run *run, int k, const struct ocellus_tensor *tensor)
{
    const struct oc_plan *plan = run->plan;
    size_t bytes;
    int root;

    if (k < 0 || k >= plan->graph->n_inputs)
        return oc_fail(OCELLUS_INTERNAL, "there is no input %d", k);
    OC_TRY(check_tensor(plan->graph->inputs[k], tensor, &bytes));
    if (plan->input_place[k] < 0 || bytes == 0)
        return OCELLUS_OK;
    root = oc_place_root(plan, plan->input_place[k]);
    if (tensor->memory)
        return set_from_device(run, k, root, tensor, bytes);
    OC_TRY(unbind(run, k, root));
    return set_from_host(run, k, root, tensor->data, bytes);
}

ocellus_status
oc_run_read_output(struct oc_run *run, int k, void *data, size_t bytes)
{
    const struct oc_plan *plan = run->plan;
    int place;

    if (k < 0 || k >= plan->graph->n_outputs)
        return oc_fail(OCELLUS_INTERNAL, "there is no output %d", k);
    place = plan->output_place[k];
    if (bytes > plan->place[place].bytes)
        return oc_fail(OCELLUS_INTERNAL,
                       "%zu bytes are wanted of an output of "
                       "%zu",
                       bytes, plan->place[place].bytes);
    if (bytes == 0)
        return OCELLUS_OK;
    OC_CL_TRY(clEnqueueReadBuffer(run->queue,
                                  run->memory[oc_place_root(plan, place)],
                                  CL_TRUE, 0, bytes, data, 0, NULL, NULL),
              "an output cannot be read from the device");
    return OCELLUS_OK;
}

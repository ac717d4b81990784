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

static ocellus_status
exchange_in(const struct oc_plan *plan, const struct oc_step *step,
            cl_kernel kernel, int root, const cl_mem *memory)
{
    for (int k = 0; kernel && k < step->n_args; k++)
        if (step->arg[k].kind == OC_ARG_MEMORY &&
            oc_place_root(plan, step->arg[k].place) == root)
            OC_CL_TRY(
                clSetKernelArg(kernel, (cl_uint)k, sizeof(*memory), memory),
                "an input cannot be bound");
    return OCELLUS_OK;
}

/* Puts `memory` (taken over) in the place of `root` and into the kernels that
 * read it. */
static ocellus_status
exchange(struct oc_run *run, int root, cl_mem memory)
{
    const struct oc_plan *plan = run->plan;

    run->memory[root] = memory;
    for (int s = 0; s < plan->n_steps; s++)
        OC_TRY(exchange_in(plan, plan->step[s], run->launch[s].kernel, root,
                           &memory));
    if (run->single.launch.kernel)
        OC_TRY(exchange_in(plan, plan->single, run->single.launch.kernel, root,
                           &memory));
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

/* ---- inputs ------------------------------------------------------------- */

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

/* Rows of an input, with what surrounds them where it has a halo. */
struct rows {
    size_t row, height, planes;        /* bytes; rows; images times channels */
    size_t base, row_step, plane_step; /* bytes, in the input's place */
};

static struct rows
rows_of(const struct ocellus_value *input, const struct oc_layout *layout)
{
    const struct oc_shape *s = &input->shape;
    const struct oc_blocked at = oc_blocked_of(layout, s);
    const size_t unit = oc_type_size(input->type);

    return (struct rows){
        .row = (size_t)s->dim[s->rank - 1] * unit,
        .height = s->rank > 3 ? (size_t)s->dim[2] : 1,
        .planes = (size_t)(s->dim[0] * s->dim[1]),
        .base = (size_t)at.base * unit,
        .row_step = (size_t)at.row * unit,
        .plane_step = (size_t)at.plane * unit,
    };
}

static void
copy_rows(unsigned char *to, const unsigned char *from, const struct rows *r)
{
    for (size_t plane = 0; plane < r->planes; plane++)
        for (size_t y = 0; y < r->height; y++, from += r->row)
            memcpy(to + r->base + plane * r->plane_step + y * r->row_step, from,
                   r->row);
}

/* A blocking write would wait for the runs in flight, and one from the
 * caller's memory would read it after he has gone on. */
static ocellus_status
set_from_host(struct oc_run *run, int k, int root, const void *data,
              size_t bytes)
{
    const struct oc_place *place = &run->plan->place[root];
    struct oc_staged *staged = &run->staged[k];
    const int turn = staged->next;

    if (place->layout.halo > 0)
        bytes = place->bytes;
    if (!staged->data[turn])
        staged->data[turn] = calloc(1, bytes);
    if (!staged->data[turn])
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no memory for an input of %zu bytes", bytes);
    if (staged->written[turn]) {
        OC_CL_TRY(clWaitForEvents(1, &staged->written[turn]),
                  "an input cannot be written to the device");
        clReleaseEvent(staged->written[turn]);
        staged->written[turn] = NULL;
    }
    if (place->layout.halo > 0) {
        const struct rows r =
            rows_of(run->plan->graph->inputs[k], &place->layout);
        copy_rows(staged->data[turn], data, &r);
    } else {
        memcpy(staged->data[turn], data, bytes);
    }
    staged->next = !turn;
    OC_CL_TRY(clEnqueueWriteBuffer(run->queue, run->memory[root], CL_FALSE, 0,
                                   bytes, staged->data[turn], 0, NULL,
                                   &staged->written[turn]),
              "an input cannot be written to the device");
    return OCELLUS_OK;
}

/* Devices that want a halo work in the host's memory; and not every driver's
 * copy of a box can be relied on. */
static ocellus_status
by_way_of_host(struct oc_run *run, int k, int root,
               const struct ocellus_tensor *tensor, size_t bytes)
{
    void *data = malloc(bytes);
    ocellus_status status;

    if (!data)
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no memory for an input of %zu bytes", bytes);
    if (clEnqueueReadBuffer(run->queue, tensor->memory, CL_TRUE, tensor->offset,
                            bytes, data, 0, NULL, NULL) == CL_SUCCESS)
        status = set_from_host(run, k, root, data, bytes);
    else
        status = oc_fail(OCELLUS_BAD_ARGUMENT,
                         "an input cannot be read from its memory");
    free(data);
    return status;
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
        run->plan->place[root].layout.halo == 0 && !is_written(run->plan, root))
        part = window(run->device, memory, tensor->offset, bytes);
    if (part)
        return bind(run, k, root, part);
    OC_TRY(unbind(run, k, root));
    if (run->plan->place[root].layout.halo > 0)
        return by_way_of_host(run, k, root, tensor, bytes);
    OC_CL_TRY(clEnqueueCopyBuffer(run->queue, memory, run->memory[root],
                                  tensor->offset, 0, bytes, 0, NULL, NULL),
              "an input cannot be copied");
    return OCELLUS_OK;
}

/* ---- what others call --------------------------------------------------- */

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

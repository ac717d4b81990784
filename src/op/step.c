/* step.c - what emit() calls to write launches down.
 *
 * Failures are sticky in steps->status, so that an emit() is a plain list of
 * calls. A launch that could not be made is replaced by a spare one, which
 * takes what is written to it and is never carried out.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "op/step.h"

static _Thread_local struct oc_step spare;

static void
keep(struct oc_steps *steps, ocellus_status status)
{
    if (steps->status == OCELLUS_OK)
        steps->status = status;
}

static struct oc_step *
append(struct oc_steps *steps, enum oc_step_kind kind)
{
    struct oc_step *step = NULL;

    memset(&spare, 0, sizeof spare);
    if (steps->status == OCELLUS_OK)
        step = oc_arena_alloc(steps->arena, sizeof *step);
    if (!step || !oc_grow(&steps->step, steps->count, &steps->room,
                          sizeof *steps->step)) {
        keep(steps,
             oc_fail(OCELLUS_OUT_OF_MEMORY,
                     "no host memory for step %d of the plan", steps->count));
        step = &spare;
    } else {
        steps->step[steps->count++] = step;
    }
    step->kind = kind;
    step->node = steps->node;
    step->impl = steps->impl;
    step->dims = 1;
    return step;
}

struct oc_step *
oc_launch(struct oc_steps *steps, const char *file, const char *kernel)
{
    struct oc_step *step = append(steps, OC_STEP_KERNEL);

    step->file = file;
    step->kernel = kernel;
    step->options = "";
    return step;
}

int
oc_caps_way(const struct oc_caps *caps, const char *way)
{
    return caps->way && strcmp(caps->way, way) == 0;
}

/* ---- options ------------------------------------------------------------ */

static void
add_option(struct oc_steps *steps, struct oc_step *launch, const char *name,
           const char *prefix, int value)
{
    const char *before = launch->options ? launch->options : "";
    char *options;

    if (steps->status != OCELLUS_OK)
        return;
    options = oc_arena_printf(steps->arena, "%s%s-D%s%s=%d", before,
                              *before ? " " : "", prefix, name, value);
    if (options)
        launch->options = options;
    else
        keep(steps,
             oc_fail(OCELLUS_OUT_OF_MEMORY,
                     "no host memory for the options of %s", launch->kernel));
}

void
oc_define(struct oc_steps *steps, struct oc_step *launch, const char *name,
          int value)
{
    add_option(steps, launch, name, "", value);
}

void
oc_define_type(struct oc_steps *steps, struct oc_step *launch, const char *name,
               ocellus_type type)
{
    if (type == OCELLUS_DOUBLE && !steps->caps->fp64)
        keep(steps, oc_node_fail(steps->node, OCELLUS_UNSUPPORTED,
                                 "this device does not compute in float64; "
                                 "convert the model to float32"));
    add_option(steps, launch, name, "TYPE_", (int)type);
}

void
oc_prelude(struct oc_steps *steps, struct oc_step *launch, const char *format,
           ...)
{
    struct oc_text text = {0};
    char *prelude = NULL;
    char piece[512];
    va_list list;
    int length;

    if (steps->status != OCELLUS_OK)
        return;
    if (launch->prelude)
        oc_text_append(&text, launch->prelude);
    va_start(list, format);
    length = vsnprintf(piece, sizeof piece, format, list);
    va_end(list);
    if (length >= 0 && (size_t)length < sizeof piece) {
        oc_text_append(&text, piece);
    } else if (length >= 0) {
        char *whole = oc_arena_alloc(steps->arena, (size_t)length + 1);

        va_start(list, format);
        if (whole)
            vsnprintf(whole, (size_t)length + 1, format, list);
        va_end(list);
        oc_text_append(&text, whole ? whole : "");
        text.failed |= !whole;
    }
    if (length >= 0 && !text.failed && text.data)
        prelude = oc_arena_strdup(steps->arena, text.data);
    oc_text_free(&text);
    if (prelude)
        launch->prelude = prelude;
    else
        keep(steps,
             oc_fail(OCELLUS_OUT_OF_MEMORY,
                     "no host memory for the formula of %s", launch->kernel));
}

/* ---- arguments ---------------------------------------------------------- */

static int
make_room(struct oc_steps *steps, struct oc_step *launch)
{
    const int room = launch->room_args ? 2 * launch->room_args : 16;
    struct oc_arg *arg;

    if (steps->status != OCELLUS_OK)
        return 0;
    arg = oc_arena_alloc(steps->arena, (size_t)room * sizeof *arg);
    if (!arg) {
        keep(steps, oc_fail(OCELLUS_OUT_OF_MEMORY,
                            "no host memory for %d arguments of %s", room,
                            launch->kernel));
        return 0;
    }
    if (launch->n_args > 0)
        memcpy(arg, launch->arg, (size_t)launch->n_args * sizeof *arg);
    launch->arg = arg;
    launch->room_args = room;
    return 1;
}

static struct oc_arg *
add_arg(struct oc_steps *steps, struct oc_step *launch, enum oc_arg_kind kind)
{
    static _Thread_local struct oc_arg nowhere;
    struct oc_arg *arg = &nowhere;

    if (launch->n_args < launch->room_args || make_room(steps, launch))
        arg = &launch->arg[launch->n_args++];
    *arg = (struct oc_arg){.kind = kind};
    return arg;
}

void
oc_arg_in(struct oc_steps *steps, struct oc_step *launch, int k)
{
    struct oc_arg *arg = add_arg(steps, launch, OC_ARG_MEMORY);

    arg->place = steps->in[k].value ? steps->in[k].place : steps->out[0].place;
}

void
oc_arg_out(struct oc_steps *steps, struct oc_step *launch, int k)
{
    struct oc_arg *arg = add_arg(steps, launch, OC_ARG_MEMORY);

    arg->place =
        steps->out[k].value ? steps->out[k].place : steps->out[0].place;
    arg->writes = 1;
}

void
oc_arg_scratch(struct oc_steps *steps, struct oc_step *launch)
{
    struct oc_arg *arg = add_arg(steps, launch, OC_ARG_MEMORY);

    arg->place = steps->scratch;
    arg->writes = 1;
    if (steps->scratch < 0)
        keep(steps, oc_fail(OCELLUS_INTERNAL,
                            "%s uses scratch that its implementation did not "
                            "ask for",
                            launch->kernel));
}

void
oc_arg_place(struct oc_steps *steps, struct oc_step *launch, int place,
             int writes)
{
    struct oc_arg *arg = add_arg(steps, launch, OC_ARG_MEMORY);

    arg->place = place;
    arg->writes = writes;
}

void
oc_arg_int(struct oc_steps *steps, struct oc_step *launch, int64_t i)
{
    struct oc_arg *arg = add_arg(steps, launch, OC_ARG_INT);

    arg->i = (int32_t)i;
    if (i > INT32_MAX || i < INT32_MIN)
        keep(steps, oc_node_fail(steps->node, OCELLUS_UNSUPPORTED,
                                 "%lld elements are more than a kernel counts "
                                 "(2147483647); make the batch smaller",
                                 (long long)i));
}

void
oc_arg_float(struct oc_steps *steps, struct oc_step *launch, double f)
{
    struct oc_arg *arg = add_arg(steps, launch, OC_ARG_FLOAT);

    arg->f = (float)f;
}

void
oc_arg_local(struct oc_steps *steps, struct oc_step *launch, size_t bytes)
{
    struct oc_arg *arg = add_arg(steps, launch, OC_ARG_LOCAL);

    arg->bytes = bytes;
}

/* ---- sizes -------------------------------------------------------------- */

static void
set_size(struct oc_step *launch, int axis, int64_t global, int64_t local)
{
    size_t wanted = global > 0 ? (size_t)global : 0;
    size_t unit = local > 0 ? (size_t)local : 1;

    launch->global[axis] = (wanted + unit - 1) / unit * unit;
    launch->local[axis] = local > 0 ? (size_t)local : 0;
    launch->dims = axis + 1;
}

void
oc_grid1(struct oc_step *launch, int64_t global, int64_t local)
{
    set_size(launch, 0, global, local);
}

void
oc_grid2(struct oc_step *launch, int64_t gx, int64_t gy, int64_t lx, int64_t ly)
{
    set_size(launch, 0, gx, lx);
    set_size(launch, 1, gy, ly);
}

void
oc_grid3(struct oc_step *launch, int64_t gx, int64_t gy, int64_t gz, int64_t lx,
         int64_t ly, int64_t lz)
{
    set_size(launch, 0, gx, lx);
    set_size(launch, 1, gy, ly);
    set_size(launch, 2, gz, lz);
}

void
oc_cost(struct oc_step *launch, double flops, double traffic)
{
    launch->flops = flops;
    launch->traffic = traffic;
}

/* ---- what is no kernel -------------------------------------------------- */

struct oc_step *
oc_emit_gemm(struct oc_steps *steps, const struct oc_gemm *gemm)
{
    struct oc_step *step = append(steps, OC_STEP_GEMM);
    double batch = gemm->batch > 0 ? gemm->batch : 1;
    double m = gemm->m, n = gemm->n, k = gemm->k;

    step->kernel = "gemm";
    step->gemm = *gemm;
    oc_cost(step, 2.0 * m * n * k * batch,
            4.0 * (m * k + k * n + m * n) * batch);
    return step;
}

static void
fill(struct oc_steps *steps, int place, size_t bytes, uint32_t pattern)
{
    struct oc_step *step = append(steps, OC_STEP_FILL);

    step->kernel = "fill";
    step->to = place;
    step->bytes = (bytes + 3) / 4 * 4;
    step->pattern = pattern;
    step->traffic = (double)bytes;
}

void
oc_emit_fill_out(struct oc_steps *steps, int k, uint32_t pattern)
{
    const struct oc_operand *out = &steps->out[k];

    if (!out->value)
        return;
    fill(steps, out->place,
         oc_layout_count(&out->layout, &out->value->shape) *
             oc_type_size(out->value->type),
         pattern);
}

void
oc_emit_fill_scratch(struct oc_steps *steps, size_t bytes, uint32_t pattern)
{
    if (steps->scratch < 0) {
        keep(steps,
             oc_fail(OCELLUS_INTERNAL, "a fill of scratch without scratch"));
        return;
    }
    fill(steps, steps->scratch, bytes, pattern);
}

static double
operand_bytes(const struct oc_operand *of, int n)
{
    double bytes = 0.0;

    for (int k = 0; k < n; k++)
        if (of[k].value)
            bytes +=
                (double)oc_layout_count(&of[k].layout, &of[k].value->shape) *
                (double)oc_type_size(of[k].value->type);
    return bytes;
}

void
oc_estimate_traffic(struct oc_steps *steps, int from)
{
    double flops = 0.0, bytes;

    for (int k = from; k < steps->count; k++)
        if (steps->step[k]->traffic <= 0.0)
            flops += steps->step[k]->flops;
    if (flops <= 0.0)
        return;
    bytes = operand_bytes(steps->in, steps->node->n_in) +
            operand_bytes(steps->out, steps->node->n_out);
    for (int k = from; k < steps->count; k++)
        if (steps->step[k]->traffic <= 0.0)
            steps->step[k]->traffic = bytes * steps->step[k]->flops / flops;
}

/* hand.h - a plan written by hand, for tests of what runs it. */
#ifndef TESTS_UNIT_HAND_H
#define TESTS_UNIT_HAND_H

#include <string.h>

#include "device/inside.h"
#include "tests/unit/suite.h"

enum { N = 100, PLACES = 8, STEPS = 6 };

/* Put before a kernel file, as an operator's prelude is: y = a x + z. */
static const char axpy[] =
    "__kernel void axpy(__global const float *x, __global const float *z,\n"
    "                   __global float *y, float a, int n,\n"
    "                   __local float *room)\n"
    "{\n"
    "    int i = (int)get_global_id(0);\n"
    "    room[get_local_id(0)] = 0.0f;\n"
    "    if (i < n)\n"
    "        y[i] = a * x[i] + z[i] + BIAS;\n"
    "}\n";

/* What the plan computes, with d = 3 c made by the prologue:
 *     y = 2 x + d;  s = y + s;  copy = y;  fill = 0x40000000 (2.0f) */
enum place { X, C, S, Y, VIEW, D, COPY, FILLED };

struct hand {
    ocellus_device *device;
    struct ocellus_graph *graph;
    struct oc_plan plan;
    struct oc_place place[PLACES];
    struct oc_step step[STEPS], *list[STEPS];
    struct oc_arg arg[STEPS][6];
    int input, output[3], state;
    size_t bin;
    struct oc_buffer *home;
    float c[N], x[N], s[N];
};

static inline void
set_kernel(struct hand *h, int k, const char *options, int x, int z, int y,
           float a)
{
    struct oc_step *step = &h->step[k];

    *step = (struct oc_step){.kind = OC_STEP_KERNEL,
                             .file = "reorder",
                             .kernel = "axpy",
                             .options = options,
                             .prelude = axpy,
                             .arg = h->arg[k],
                             .n_args = 6,
                             .dims = 1,
                             .global = {N},
                             .local = {16}};
    step->arg[0] = (struct oc_arg){.kind = OC_ARG_MEMORY, .place = x};
    step->arg[1] = (struct oc_arg){.kind = OC_ARG_MEMORY, .place = z};
    step->arg[2] =
        (struct oc_arg){.kind = OC_ARG_MEMORY, .place = y, .writes = 1};
    step->arg[3] = (struct oc_arg){.kind = OC_ARG_FLOAT, .f = a};
    step->arg[4] = (struct oc_arg){.kind = OC_ARG_INT, .i = N};
    step->arg[5] = (struct oc_arg){.kind = OC_ARG_LOCAL, .bytes = 64};
}

static inline void
set_place(struct hand *h, enum place k, enum oc_place_kind kind,
          const struct ocellus_value *value)
{
    h->place[k] = (struct oc_place){.kind = kind,
                                    .value = value,
                                    .layout = OC_PLAIN,
                                    .bytes = N * sizeof(float),
                                    .alias = -1};
    if (kind == OC_PLACE_ARENA) {
        h->place[k].offset = h->bin;
        h->bin += 512;
    }
}

static inline void
set_plan(struct hand *h)
{
    h->plan = (struct oc_plan){.graph = h->graph,
                               .caps = *oc_device_caps(h->device),
                               .step = h->list,
                               .n_steps = 5,
                               .n_prologue = 1,
                               .place = h->place,
                               .n_places = PLACES,
                               .input_place = &h->input,
                               .output_place = h->output,
                               .state_place = &h->state,
                               .assigned_place = &h->state,
                               .bin_bytes = &h->bin,
                               .n_bins = 1};
    for (int k = 0; k < STEPS; k++)
        h->list[k] = &h->step[k];
    h->input = X;
    h->output[0] = VIEW;
    h->output[1] = COPY;
    h->output[2] = FILLED;
    h->state = S;
}

static inline void
make(struct hand *h)
{
    const struct oc_shape shape = OC_SHAPE(N);
    struct ocellus_value *x, *c, *s;

    memset(h, 0, sizeof(*h));
    ck_assert_int_eq(ocellus_device_open(NULL, &h->device), OCELLUS_OK);
    for (int i = 0; i < N; i++) {
        h->c[i] = (float)i;
        h->x[i] = (float)(i % 7);
        h->s[i] = 1000.0f;
    }
    ck_assert_int_eq(oc_graph_create(&h->graph), OCELLUS_OK);
    x = oc_graph_input(h->graph, "x", OCELLUS_FLOAT, &shape);
    c = oc_graph_constant(h->graph, "c", OCELLUS_FLOAT, &shape, h->c);
    s = oc_graph_state(h->graph, "s", OCELLUS_FLOAT, &shape, "zeros", 1);
    oc_graph_output(h->graph, "y", x);
    oc_graph_output(h->graph, "copy", x);
    oc_graph_output(h->graph, "filled", x);
    set_place(h, X, OC_PLACE_ARENA, x);
    set_place(h, C, OC_PLACE_CONSTANT, c);
    set_place(h, S, OC_PLACE_STATE, s);
    set_place(h, Y, OC_PLACE_ARENA, NULL);
    set_place(h, VIEW, OC_PLACE_ARENA, NULL);
    h->place[VIEW].alias = Y;
    set_place(h, D, OC_PLACE_DERIVED, c);
    set_place(h, COPY, OC_PLACE_ARENA, NULL);
    set_place(h, FILLED, OC_PLACE_ARENA, NULL);
    set_kernel(h, 0, "-DBIAS=0", C, C, D, 2.0f);
    set_kernel(h, 1, "-DBIAS=0", X, D, Y, 2.0f);
    set_kernel(h, 2, "-DBIAS=0", VIEW, S, S, 1.0f);
    h->step[3] = (struct oc_step){
        .kind = OC_STEP_COPY, .from = Y, .to = COPY, .bytes = sizeof(h->c)};
    h->step[4] = (struct oc_step){.kind = OC_STEP_FILL,
                                  .to = FILLED,
                                  .bytes = sizeof(h->c),
                                  .pattern = 0x40000000u};
    set_plan(h);
    ck_assert_int_eq(oc_buffer_create(h->device, sizeof(h->s), &h->home),
                     OCELLUS_OK);
    ck_assert_int_eq(oc_buffer_write(h->home, 0, h->s, sizeof(h->s)),
                     OCELLUS_OK);
}

static inline void
unmake(struct hand *h)
{
    oc_buffer_destroy(h->home);
    oc_graph_destroy(h->graph);
    ck_assert_uint_eq(h->device->allocated, 0);
    ocellus_device_close(h->device);
}

static inline struct oc_run *
create(struct hand *h)
{
    struct oc_run *run;

    ck_assert_msg(oc_run_create(h->device, &h->plan, &h->home, &run) ==
                      OCELLUS_OK,
                  "%s", ocellus_error());
    return run;
}

static inline void
set_host_input(struct oc_run *run, float *x)
{
    const struct ocellus_tensor tensor = {
        .type = OCELLUS_FLOAT, .shape = OC_SHAPE(N), .data = x};

    ck_assert_int_eq(oc_run_set_input(run, 0, &tensor), OCELLUS_OK);
}

static inline void
check_output(struct hand *h, struct oc_run *run, int k, float from_x,
             float from_c, float rest)
{
    float y[N];

    ck_assert_int_eq(oc_run_read_output(run, k, y, sizeof(y)), OCELLUS_OK);
    for (int i = 0; i < N; i++)
        ck_assert_float_eq(y[i], from_x * h->x[i] + from_c * h->c[i] + rest);
}

#endif

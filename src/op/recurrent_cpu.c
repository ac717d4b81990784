/* recurrent_cpu.c - LSTM, GRU and RNN on CPU-class devices, float32.
 *
 * The input's share of all gates is one matrix product; the recurrence then
 * runs in the kernels of cl/recurrent_cpu.cl. With enough samples for every
 * core each work-group takes some of them through all steps by itself, in one
 * launch. Else work-groups share the hidden units, and a launch does a step.
 */
#include "op/gemm.h"
#include "op/recurrent.h"

#define MOST_STEPS 65536

/* Further bits that the kernels know. */
enum { KEEP_GATES = 512, DO_GATES = 1024, DO_CARRY = 2048, CARRY_FIRST = 4096 };

struct tiles {
    int width, rows, units;
    int blocks, blocks_back; /* of hidden units */
    int whole;               /* all steps in one launch */
    int tile_b, tile_j, tile_back;
    int64_t packed, packed_back; /* numbers, of one direction */
};

static int
divide_up(int64_t a, int64_t b)
{
    return (int)((a + b - 1) / b);
}

/* Samples of the register tile: all that fit, unless there are fewer. */
static int
rows_of(const struct oc_caps *caps, int samples)
{
    int most = caps->vector_registers >= 32 ? 14 : 6;

    return divide_up(samples, divide_up(samples, most));
}

static struct tiles
tiles_of(const struct oc_recurrent *rec, const struct oc_caps *caps)
{
    int cores = caps->compute_units > 0 ? caps->compute_units : 1;
    struct tiles t = {.units = rec->gates == 4 ? 1 : 2};

    t.width = caps->vector_width >= 16 ? 16 : caps->vector_width >= 8 ? 8 : 4;
    t.whole = cores == 1 || rec->batch >= 4 * cores;
    t.tile_b = t.whole ? divide_up(rec->batch, cores) : rec->batch;
    t.rows = rows_of(caps, t.tile_b);
    t.blocks = divide_up(rec->hidden, t.units * t.width);
    t.blocks_back = divide_up(rec->hidden, 2 * t.width);
    t.packed = (int64_t)t.blocks * rec->hidden * rec->gates * t.units * t.width;
    t.packed_back =
        (int64_t)t.blocks_back * rec->hidden * rec->gates * 2 * t.width;
    t.tile_j = t.whole ? t.blocks : divide_up(t.blocks, cores);
    t.tile_back = t.whole ? t.blocks_back : divide_up(t.blocks_back, cores);
    return t;
}

const char *
oc_recurrent_cpu_refuse(const struct oc_node *node, const struct oc_caps *caps)
{
    struct oc_recurrent rec;

    if (!caps->cpu)
        return "its kernels are made for CPU-class devices";
    if (node->in[0]->type != OCELLUS_FLOAT)
        return "float32 only";
    if (oc_recurrent_of(node, &rec) != OCELLUS_OK)
        return "its attributes make no sense";
    if (rec.keep_input)
        return "a clip or a rare function needs what went into the gates";
    if (rec.gates == 3 && !rec.linear)
        return "a GRU whose reset comes before R needs two products a step";
    if (oc_recurrent_has(node, OC_REC_LENGTHS) &&
        (rec.directions > 1 || rec.backwards[0]))
        return "samples begin at ends of their own";
    if (rec.rows <= 0 || rec.hidden <= 0 || rec.steps > MOST_STEPS)
        return "there are no steps, or too many";
    return NULL;
}

static struct oc_step *
launch(struct oc_steps *steps, const struct oc_recurrent *rec,
       const struct tiles *t, int direction, const char *kernel)
{
    struct oc_step *l = oc_launch(steps, "recurrent_cpu", kernel);

    oc_define(steps, l, "WIDTH", t->width);
    oc_define(steps, l, "ROWS", t->rows);
    oc_define(steps, l, "UNITS", t->units);
    oc_recurrent_define(steps, l, rec, direction);
    return l;
}

/* R of a direction, packed into scratch. */
static void
pack(struct oc_steps *steps, const struct oc_recurrent *rec,
     const struct tiles *t, int d, int r, int64_t at, int back)
{
    struct oc_step *l =
        launch(steps, rec, t, d, back ? "pack_backward" : "pack_forward");

    oc_arg_in(steps, l, r);
    oc_arg_scratch(steps, l);
    oc_arg_int(steps, l, rec->hidden);
    oc_arg_int(steps, l, d);
    oc_arg_int(steps, l, at);
    oc_grid2(l, back ? rec->gates * rec->hidden : rec->hidden,
             back ? t->blocks_back : t->blocks, 0, 0);
    oc_cost(l, 0, 8.0 * (double)(back ? t->packed_back : t->packed));
}

/* The kernels' SIZES; `has` and what changes from launch to launch. */
struct range {
    int has, from, count;
    int64_t gates_at, cells_at, packed_at;
};

static void
push_sizes(struct oc_steps *steps, struct oc_step *l,
           const struct oc_recurrent *rec, const struct tiles *t, int d,
           const struct range *range, int tile_j)
{
    oc_arg_int(steps, l, range->has);
    oc_arg_int(steps, l, rec->steps);
    oc_arg_int(steps, l, rec->batch);
    oc_arg_int(steps, l, rec->hidden);
    oc_arg_int(steps, l, rec->directions);
    oc_arg_int(steps, l, d);
    oc_arg_int(steps, l, rec->backwards[d]);
    oc_arg_int(steps, l, range->gates_at);
    oc_arg_int(steps, l, range->cells_at);
    oc_arg_int(steps, l, range->packed_at);
    oc_arg_int(steps, l, range->from);
    oc_arg_int(steps, l, range->count);
    oc_arg_int(steps, l, t->tile_b);
    oc_arg_int(steps, l, tile_j);
}

static double
flops(const struct oc_recurrent *rec, const struct range *range)
{
    return 2.0 * rec->gates * rec->hidden * rec->hidden * rec->batch *
           range->count;
}

/* ---- forward ------------------------------------------------------------- */

static int64_t
rows_count(const struct oc_recurrent *rec, int wide)
{
    return (int64_t)rec->directions * rec->rows * rec->hidden * wide;
}

/* Gates and cells that nobody keeps, then R. */
void
oc_recurrent_cpu_layouts(const struct oc_node *node, const struct oc_caps *caps,
                         struct oc_layout in[], struct oc_layout out[],
                         size_t *scratch)
{
    struct oc_recurrent rec;

    (void)out;
    for (int k = 0; k < node->n_in; k++)
        in[k] = OC_PLAIN;
    if (oc_recurrent_of(node, &rec) == OCELLUS_OK)
        *scratch = sizeof(float) *
                   (size_t)(rows_count(&rec, rec.gates + 1) +
                            tiles_of(&rec, caps).packed * rec.directions);
}

static void
project(struct oc_steps *steps, const struct oc_recurrent *rec, int gates)
{
    struct oc_factors at = {steps->in[OC_REC_X].place,
                            steps->in[OC_REC_W].place, -1, gates};
    struct oc_product p = {.m = (int)rec->rows,
                           .n = rec->gates * rec->hidden,
                           .k = rec->width,
                           .transpose_b = 1,
                           .alpha = 1,
                           .count = rec->directions};

    if (rec->directions > 1) {
        p.batches = 1;
        p.batch[0] = rec->directions;
        p.stride_b[0] = p.n * p.k;
    }
    oc_emit_product(steps, &p, &at);
}

static void
forward(struct oc_steps *steps, const struct oc_recurrent *rec,
        const struct tiles *t, int d, const struct range *range, int gates,
        int cells)
{
    struct oc_step *l = launch(steps, rec, t, d, "cells_forward");

    oc_arg_scratch(steps, l);
    oc_recurrent_in(steps, l, OC_REC_B);
    oc_recurrent_in(steps, l, OC_REC_LENGTHS);
    oc_recurrent_in(steps, l, OC_REC_H0);
    oc_recurrent_in(steps, l, OC_REC_C0);
    oc_recurrent_in(steps, l, OC_REC_P);
    oc_arg_out(steps, l, 0);
    oc_arg_place(steps, l, gates, 1);
    oc_arg_place(steps, l, cells, 1);
    push_sizes(steps, l, rec, t, d, range, t->tile_j);
    oc_recurrent_numbers(steps, l, rec, d);
    oc_grid2(l, divide_up(rec->batch, t->tile_b),
             divide_up(t->blocks, t->tile_j), 1, 1);
    oc_cost(l, flops(rec, range), 4.0 * (double)t->packed * range->count);
}

ocellus_status
oc_recurrent_cpu(struct oc_steps *steps, const struct oc_node *node)
{
    struct oc_recurrent rec;
    struct range range = {.has = oc_recurrent_bits(steps)};
    const struct oc_operand *kept;
    struct tiles t;
    int gates = steps->scratch, cells = steps->scratch;

    OC_TRY(oc_recurrent_of(node, &rec));
    t = tiles_of(&rec, steps->caps);
    kept = &steps->out[rec.saved];
    range.count = t.whole ? rec.steps : 1;
    range.cells_at = rows_count(&rec, rec.gates);
    if (kept[0].value || kept[1].value)
        range.has |= KEEP_GATES;
    if (kept[0].value)
        gates = kept[0].place;
    if (kept[1].value) {
        cells = kept[1].place;
        range.cells_at = 0;
    }
    project(steps, &rec, gates);
    for (int d = 0; d < rec.directions; d++) {
        range.packed_at = rows_count(&rec, rec.gates + 1) + d * t.packed;
        pack(steps, &rec, &t, d, OC_REC_R, range.packed_at, 0);
        for (range.from = 0; range.from < rec.steps; range.from += range.count)
            forward(steps, &rec, &t, d, &range, gates, cells);
        oc_recurrent_last_states(steps, &rec, d, cells, range.cells_at);
    }
    return steps->status;
}

/* ---- gradients ----------------------------------------------------------- */

/* What nobody asks for of a GRU; dh and dc; R. */
static int64_t
carry_at(const struct oc_recurrent *rec)
{
    return rec->gates == 3 ? rows_count(rec, 3) : 0;
}

static int64_t
packed_at(const struct oc_recurrent *rec)
{
    return carry_at(rec) + (int64_t)2 * rec->batch * rec->hidden;
}

void
oc_recurrent_cpu_grad_layouts(const struct oc_node *node,
                              const struct oc_caps *caps, struct oc_layout in[],
                              struct oc_layout out[], size_t *scratch)
{
    struct oc_recurrent rec;

    (void)out;
    for (int k = 0; k < node->n_in; k++)
        in[k] = OC_PLAIN;
    if (oc_recurrent_of(node, &rec) == OCELLUS_OK)
        *scratch = sizeof(float) *
                   (size_t)(packed_at(&rec) + tiles_of(&rec, caps).packed_back);
}

static void
backward(struct oc_steps *steps, const struct oc_recurrent *rec,
         const struct tiles *t, int d, const struct range *range)
{
    static const int inputs[] = {
        OC_RECG_Y, OC_RECG_GATES, OC_RECG_CELLS, OC_REC_LENGTHS, OC_REC_H0,
        OC_REC_C0, OC_REC_P,      OC_RECG_DY,    OC_RECG_DH,     OC_RECG_DC};
    const struct oc_operand *other = &steps->out[OC_RECG_OUT_OTHER];
    struct oc_step *l = launch(steps, rec, t, d, "cells_backward");

    oc_arg_scratch(steps, l);
    for (int k = 0; k < (int)OC_COUNT(inputs); k++)
        oc_recurrent_in(steps, l, inputs[k]);
    oc_arg_out(steps, l, OC_RECG_OUT_GATES);
    oc_arg_out(steps, l, OC_RECG_OUT_BEFORE);
    oc_arg_place(steps, l, other->value ? other->place : steps->scratch, 1);
    oc_arg_scratch(steps, l);
    push_sizes(steps, l, rec, t, d, range, t->tile_back);
    oc_arg_int(steps, l, carry_at(rec));
    oc_recurrent_numbers(steps, l, rec, d);
    oc_grid2(l, divide_up(rec->batch, t->tile_b),
             divide_up(t->blocks_back, t->tile_back), 1, 1);
    oc_cost(l, range->has & DO_CARRY ? flops(rec, range) : 0,
            4.0 * (double)t->packed_back * range->count);
}

static void
run_back(struct oc_steps *steps, const struct oc_recurrent *rec,
         const struct tiles *t, int d, struct range range)
{
    int bits = range.has;

    if (t->whole) {
        range.count = rec->steps;
        range.has = bits | DO_GATES | DO_CARRY;
        backward(steps, rec, t, d, &range);
        return;
    }
    range.count = 1;
    for (range.from = rec->steps - 1; range.from >= 0; range.from--) {
        range.has = bits | DO_GATES;
        backward(steps, rec, t, d, &range);
        range.has = bits | DO_CARRY;
        if (range.from > 0 || bits & CARRY_FIRST)
            backward(steps, rec, t, d, &range);
    }
}

ocellus_status
oc_recurrent_cpu_grad(struct oc_steps *steps, const struct oc_node *node)
{
    struct range range = {.has = oc_recurrent_bits(steps)};
    struct oc_recurrent rec;
    struct tiles t;

    OC_TRY(oc_recurrent_of(node, &rec));
    t = tiles_of(&rec, steps->caps);
    range.packed_at = packed_at(&rec);
    if (steps->out[OC_RECG_OUT_H0].value)
        range.has |= CARRY_FIRST;
    for (int d = 0; d < rec.directions; d++) {
        pack(steps, &rec, &t, d, OC_RECG_R, range.packed_at, 1);
        run_back(steps, &rec, &t, d, range);
        oc_recurrent_ends(steps, &rec, d, carry_at(&rec));
    }
    return steps->status;
}

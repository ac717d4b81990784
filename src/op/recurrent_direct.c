/* recurrent_direct.c - the plain kernels of cl/recurrent.cl: a launch for each
 * direction and step.
 */
#include "op/recurrent.h"

#define MOST_STEPS 65536

/* The node being emitted, for one direction. */
struct walk {
    struct oc_steps *steps;
    const struct oc_node *node;
    struct oc_recurrent rec;
    int direction, has;
    int64_t cells; /* numbers of a state: batch * hidden */
    /* Where gates and cells lie: places, and the first number there. */
    int gates, in_cells;
    int64_t gates_at, cells_at;
    int64_t carry_at; /* of dh and dc in scratch */
};

static size_t
number_size(const struct oc_node *node)
{
    return oc_type_size(node->in[0]->type);
}

/* The numbers that gradients are carried in: float, of doubles double. */
static size_t
carry_size(const struct oc_node *node)
{
    return node->in[0]->type == OCELLUS_DOUBLE ? 8 : 4;
}

static struct oc_step *
launch(struct walk *w, const char *kernel)
{
    struct oc_step *l = oc_launch(w->steps, "recurrent", kernel);
    ocellus_type type = w->node->in[0]->type;

    oc_define_type(w->steps, l, "x", type);
    if (type == OCELLUS_DOUBLE)
        oc_prelude(w->steps, l, "#undef ACC\n#define ACC double\n");
    oc_recurrent_define(w->steps, l, &w->rec, w->direction);
    oc_grid1(l, w->cells, 0);
    return l;
}

static void
push_sizes(struct walk *w, struct oc_step *l, int t)
{
    const struct oc_recurrent *rec = &w->rec;

    oc_arg_int(w->steps, l, w->has);
    oc_arg_int(w->steps, l, rec->steps);
    oc_arg_int(w->steps, l, rec->batch);
    oc_arg_int(w->steps, l, rec->hidden);
    oc_arg_int(w->steps, l, rec->directions);
    oc_arg_int(w->steps, l, w->direction);
    oc_arg_int(w->steps, l, rec->backwards[w->direction]);
    oc_arg_int(w->steps, l, w->gates_at);
    oc_arg_int(w->steps, l, w->cells_at);
    oc_arg_int(w->steps, l, t);
}

static ocellus_status
check_steps(const struct walk *w)
{
    if (w->rec.steps > MOST_STEPS)
        return oc_node_fail(w->node, OCELLUS_UNSUPPORTED,
                            "%d time steps are more than %d; cut the "
                            "sequence and hand the states on",
                            w->rec.steps, MOST_STEPS);
    return OCELLUS_OK;
}

/* ---- forward ------------------------------------------------------------- */

void
oc_recurrent_direct_layouts(const struct oc_node *node,
                            const struct oc_caps *caps, struct oc_layout in[],
                            struct oc_layout out[], size_t *scratch)
{
    struct oc_recurrent rec;

    (void)caps;
    (void)out;
    for (int k = 0; k < node->n_in; k++)
        in[k] = OC_PLAIN;
    /* Gates and cells, where nobody keeps them. */
    if (oc_recurrent_of(node, &rec) == OCELLUS_OK)
        *scratch = number_size(node) * (size_t)rec.directions *
                       (size_t)rec.rows * (size_t)rec.hidden *
                       (size_t)(rec.gates + 1) +
                   1;
}

static void
find_kept(struct walk *w)
{
    const struct oc_operand *out = w->steps->out;
    int saved = w->rec.saved;

    w->gates = w->in_cells = w->steps->scratch;
    if (out[saved].value)
        w->gates = out[saved].place;
    if (out[saved + 1].value)
        w->in_cells = out[saved + 1].place;
    else
        w->cells_at = (int64_t)w->rec.directions * w->rec.rows * w->rec.gates *
                      w->rec.hidden;
}

static void
step(struct walk *w, const char *kernel, int t)
{
    struct oc_steps *steps = w->steps;
    struct oc_step *l = launch(w, kernel);
    double work = 2.0 * (double)w->cells * w->rec.gates;

    for (int k = OC_REC_X; k <= OC_REC_P; k++)
        oc_recurrent_in(steps, l, k);
    oc_arg_out(steps, l, 0);
    oc_arg_place(steps, l, w->gates, 1);
    oc_arg_place(steps, l, w->in_cells, 1);
    push_sizes(w, l, t);
    oc_arg_int(steps, l, w->rec.width);
    oc_recurrent_numbers(steps, l, &w->rec, w->direction);
    oc_cost(l, work * (w->rec.width + w->rec.hidden), 4 * work);
}

/* Y_h from Y, Y_c from the cells. */
static void
last_state(struct walk *w, int output, int initial)
{
    struct oc_steps *steps = w->steps;
    int has_start = oc_recurrent_has(w->node, initial), kept = output == 2;
    struct oc_step *l;

    if (!steps->out[output].value)
        return;
    l = launch(w, "last_state");
    if (kept)
        oc_arg_place(steps, l, w->in_cells, 0);
    else
        oc_arg_place(steps, l, steps->out[0].place, 0);
    oc_recurrent_in(steps, l, initial);
    oc_recurrent_in(steps, l, OC_REC_LENGTHS);
    oc_arg_out(steps, l, output);
    oc_arg_int(steps, l, w->has);
    oc_arg_int(steps, l, kept);
    oc_arg_int(steps, l, has_start);
    oc_arg_int(steps, l, w->rec.steps);
    oc_arg_int(steps, l, w->rec.batch);
    oc_arg_int(steps, l, w->rec.hidden);
    oc_arg_int(steps, l, w->rec.directions);
    oc_arg_int(steps, l, w->direction);
    oc_arg_int(steps, l, w->rec.backwards[w->direction]);
    oc_arg_int(steps, l, w->cells_at);
    oc_cost(l, 0, 8.0 * (double)w->cells);
}

static void
last_states(struct walk *w)
{
    last_state(w, 1, OC_REC_H0);
    if (w->rec.gates == 4)
        last_state(w, 2, OC_REC_C0);
}

void
oc_recurrent_last_states(struct oc_steps *steps, const struct oc_recurrent *rec,
                         int direction, int place, int64_t at)
{
    struct walk w = {.steps = steps, .node = steps->node, .rec = *rec};

    w.direction = direction;
    w.cells = (int64_t)rec->batch * rec->hidden;
    w.has = oc_recurrent_bits(steps);
    w.in_cells = place;
    w.cells_at = at;
    last_states(&w);
}

static void
run_steps(struct walk *w)
{
    static const char *const names[] = {"", "rnn_step", "", "gru_step",
                                        "lstm_step"};
    const struct oc_recurrent *rec = &w->rec;

    for (int k = 0; k < rec->steps; k++) {
        int t = rec->backwards[w->direction] ? rec->steps - 1 - k : k;

        step(w, names[rec->gates], t);
        if (rec->gates == 3 && !rec->linear)
            step(w, "gru_finish", t);
    }
    last_states(w);
}

ocellus_status
oc_recurrent_direct(struct oc_steps *steps, const struct oc_node *node)
{
    struct walk w = {.steps = steps, .node = node};

    OC_TRY(oc_recurrent_of(node, &w.rec));
    OC_TRY(check_steps(&w));
    w.cells = (int64_t)w.rec.batch * w.rec.hidden;
    w.has = oc_recurrent_bits(steps);
    find_kept(&w);
    for (int d = 0; d < w.rec.directions; d++) {
        w.direction = d;
        run_steps(&w);
    }
    return steps->status;
}

/* ---- gradients ----------------------------------------------------------- */

/* `other`, for a GRU whose R has no gradient, before dh and dc; in units of
 * these. */
static int64_t
other_size(const struct oc_node *node, const struct oc_recurrent *rec)
{
    size_t numbers = (size_t)rec->directions * (size_t)rec->rows *
                     (size_t)rec->hidden * (rec->linear ? 3 : 1);

    if (rec->gates != 3)
        return 0;
    return (int64_t)(numbers * number_size(node) / carry_size(node) + 1);
}

void
oc_recurrent_direct_grad_layouts(const struct oc_node *node,
                                 const struct oc_caps *caps,
                                 struct oc_layout in[], struct oc_layout out[],
                                 size_t *scratch)
{
    struct oc_recurrent rec;

    (void)caps;
    (void)out;
    for (int k = 0; k < node->n_in; k++)
        in[k] = OC_PLAIN;
    if (oc_recurrent_of(node, &rec) == OCELLUS_OK)
        *scratch =
            carry_size(node) * ((size_t)other_size(node, &rec) +
                                2 * (size_t)rec.batch * (size_t)rec.hidden + 1);
}

static int
other_place(const struct walk *w)
{
    const struct oc_operand *out = &w->steps->out[OC_RECG_OUT_OTHER];

    return out->value ? out->place : w->steps->scratch;
}

static void
push_before(struct walk *w, struct oc_step *l)
{
    struct oc_steps *steps = w->steps;

    oc_arg_out(steps, l, OC_RECG_OUT_GATES);
    oc_arg_out(steps, l, OC_RECG_OUT_BEFORE);
    oc_arg_place(steps, l, other_place(w), 1);
    oc_arg_scratch(steps, l);
}

static void
step_back(struct walk *w, const char *kernel, int t)
{
    struct oc_steps *steps = w->steps;
    struct oc_step *l = launch(w, kernel);

    for (int k = OC_RECG_R; k <= OC_RECG_DY; k++)
        oc_recurrent_in(steps, l, k);
    push_before(w, l);
    push_sizes(w, l, t);
    oc_arg_int(steps, l, w->carry_at);
    oc_recurrent_numbers(steps, l, &w->rec, w->direction);
    oc_cost(l, 20.0 * (double)w->cells, 60.0 * (double)w->cells);
}

/* Gradient of the gates times R, into dh. */
static void
carry_back(struct walk *w, int t)
{
    const struct oc_recurrent *rec = &w->rec;
    int columns =
        rec->hidden * (rec->gates == 3 && !rec->linear ? 2 : rec->gates);
    struct oc_steps *steps = w->steps;
    struct oc_step *l = launch(w, "carry_back");

    if (rec->linear)
        oc_arg_place(steps, l, other_place(w), 0);
    else
        oc_arg_place(steps, l, steps->out[OC_RECG_OUT_GATES].place, 0);
    oc_arg_in(steps, l, OC_RECG_R);
    oc_arg_scratch(steps, l);
    oc_arg_int(steps, l, rec->steps);
    oc_arg_int(steps, l, rec->batch);
    oc_arg_int(steps, l, rec->hidden);
    oc_arg_int(steps, l, w->direction);
    oc_arg_int(steps, l, t);
    oc_arg_int(steps, l, columns);
    oc_arg_int(steps, l, w->carry_at);
    oc_cost(l, 2.0 * (double)w->cells * columns,
            8.0 * (double)w->cells * columns);
}

static void
carry_start(struct walk *w)
{
    struct oc_steps *steps = w->steps;
    struct oc_step *l = launch(w, "carry_start");

    oc_recurrent_in(steps, l, OC_RECG_DH);
    oc_recurrent_in(steps, l, OC_RECG_DC);
    oc_arg_scratch(steps, l);
    oc_arg_int(steps, l, w->has);
    oc_arg_int(steps, l, w->rec.batch);
    oc_arg_int(steps, l, w->rec.hidden);
    oc_arg_int(steps, l, w->rec.directions);
    oc_arg_int(steps, l, w->direction);
    oc_arg_int(steps, l, w->rec.steps);
    oc_arg_int(steps, l, w->carry_at);
}

static void
carry_end(struct walk *w, int output, int64_t from)
{
    struct oc_steps *steps = w->steps;
    struct oc_step *l;

    if (!steps->out[output].value)
        return;
    l = launch(w, "carry_end");
    oc_arg_scratch(steps, l);
    oc_arg_out(steps, l, output);
    oc_arg_int(steps, l, w->carry_at + from);
    oc_arg_int(steps, l, w->rec.batch);
    oc_arg_int(steps, l, w->rec.hidden);
    oc_arg_int(steps, l, w->rec.directions);
    oc_arg_int(steps, l, w->direction);
    oc_arg_int(steps, l, w->rec.steps);
}

static void
peephole(struct walk *w)
{
    struct oc_steps *steps = w->steps;
    struct oc_step *l;

    if (!steps->out[OC_RECG_OUT_P].value || w->rec.gates != 4)
        return;
    l = launch(w, "peephole_grad");
    oc_arg_out(steps, l, OC_RECG_OUT_GATES);
    oc_recurrent_in(steps, l, OC_RECG_CELLS);
    oc_recurrent_in(steps, l, OC_REC_C0);
    oc_recurrent_in(steps, l, OC_REC_LENGTHS);
    oc_arg_out(steps, l, OC_RECG_OUT_P);
    oc_arg_int(steps, l, w->has);
    oc_arg_int(steps, l, w->rec.steps);
    oc_arg_int(steps, l, w->rec.batch);
    oc_arg_int(steps, l, w->rec.hidden);
    oc_arg_int(steps, l, w->rec.directions);
    oc_arg_int(steps, l, w->direction);
    oc_arg_int(steps, l, w->rec.backwards[w->direction]);
    oc_arg_int(steps, l, 0);
    oc_grid1(l, (int64_t)3 * w->rec.hidden, 0);
}

static void
ends(struct walk *w)
{
    carry_end(w, OC_RECG_OUT_H0, 0);
    carry_end(w, OC_RECG_OUT_C0, w->cells);
    peephole(w);
}

void
oc_recurrent_ends(struct oc_steps *steps, const struct oc_recurrent *rec,
                  int direction, int64_t carry_at)
{
    struct walk w = {.steps = steps, .node = steps->node, .rec = *rec};

    w.direction = direction;
    w.cells = (int64_t)rec->batch * rec->hidden;
    w.has = oc_recurrent_bits(steps);
    w.carry_at = carry_at;
    ends(&w);
}

static void
run_back(struct walk *w)
{
    static const char *const names[] = {"", "rnn_grad", "", "gru_grad",
                                        "lstm_grad"};
    const struct oc_recurrent *rec = &w->rec;

    carry_start(w);
    for (int k = 0; k < rec->steps; k++) {
        int t = rec->backwards[w->direction] ? k : rec->steps - 1 - k;

        step_back(w, names[rec->gates], t);
        if (rec->gates == 3 && !rec->linear)
            step_back(w, "gru_grad_reset", t);
        carry_back(w, t);
    }
    ends(w);
}

ocellus_status
oc_recurrent_direct_grad(struct oc_steps *steps, const struct oc_node *node)
{
    struct walk w = {.steps = steps, .node = node};

    OC_TRY(oc_recurrent_of(node, &w.rec));
    OC_TRY(check_steps(&w));
    w.cells = (int64_t)w.rec.batch * w.rec.hidden;
    w.has = oc_recurrent_bits(steps);
    w.carry_at = other_size(node, &w.rec);
    for (int d = 0; d < w.rec.directions; d++) {
        w.direction = d;
        run_back(&w);
    }
    return steps->status;
}

/* recurrent.c - LSTM, GRU and RNN by their definitions: one sample and one
 * direction at a time, in plain loops.
 */
#include "tests/op/harness.h"

#include <math.h>
#include <string.h>

#define MOST_HIDDEN 40

struct cell {
    const struct oc_node *node;
    const double *const *x;
    double *const *y;
    int gates, directions, layout;
    int64_t steps, batch, width, hidden;
    int d, back;
    const char *name[3];
    double alpha[3], beta[3];
};

/* ---- functions of the gates ---------------------------------------------- */

static double
listed(const struct oc_node *node, const char *name, int k, double otherwise)
{
    const struct oc_attr *list = oc_attr_find(node, name);

    if (!list)
        return otherwise;
    if (list->kind == OC_ATTR_FLOATS)
        return k < list->count ? (double)list->floats[k] : otherwise;
    return k == 0 ? oc_attr_float(node, name, otherwise) : otherwise;
}

/* name[], alpha[] and beta[] of direction d. */
static void
read_functions(struct cell *c)
{
    static const char *const usual[] = {"Tanh,Tanh", "Sigmoid,Tanh,",
                                        "Sigmoid,Tanh,Tanh"};
    int each = c->gates == 1 ? 1 : c->gates - 1, alphas = 0, betas = 0;
    const char *text = oc_attr_text(c->node, "activations", NULL);

    for (int k = 0; k < (c->d + 1) * each; k++) {
        int f = k % each;

        if (f == 0 && !oc_attr_find(c->node, "activations"))
            text = usual[each - 1];
        c->name[f] = text;
        c->alpha[f] = c->beta[f] = 0;
        if (strncmp(text, "HardSigmoid", 11) == 0) {
            c->alpha[f] = listed(c->node, "activation_alpha", alphas++, 0.2);
            c->beta[f] = listed(c->node, "activation_beta", betas++, 0.5);
        } else if (strncmp(text, "LeakyRelu", 9) == 0) {
            c->alpha[f] = listed(c->node, "activation_alpha", alphas++, 0.01);
        } else if (strncmp(text, "Affine", 6) == 0 ||
                   strncmp(text, "ScaledTanh", 10) == 0) {
            c->alpha[f] = listed(c->node, "activation_alpha", alphas++, 1);
            c->beta[f] = listed(c->node, "activation_beta", betas++, 1);
        } else if (strncmp(text, "Elu", 3) == 0 ||
                   strncmp(text, "ThresholdedRelu", 15) == 0) {
            c->alpha[f] = listed(c->node, "activation_alpha", alphas++, 1);
        }
        text += strcspn(text, ",");
        text += *text == ',';
    }
}

static int
is(const char *name, const char *full)
{
    return strncmp(name, full, strlen(full)) == 0;
}

static double
within(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

static double
squash(const struct cell *c, int f, double v)
{
    const char *name = c->name[f];
    double a = c->alpha[f], b = c->beta[f];

    if (is(name, "Sigmoid"))
        return 1 / (1 + exp(-v));
    if (is(name, "Tanh"))
        return tanh(v);
    if (is(name, "Relu"))
        return v < 0 ? 0 : v;
    if (is(name, "Affine"))
        return a * v + b;
    if (is(name, "LeakyRelu"))
        return v >= 0 ? v : a * v;
    if (is(name, "ThresholdedRelu"))
        return v >= a ? v : 0;
    if (is(name, "ScaledTanh"))
        return a * tanh(b * v);
    if (is(name, "HardSigmoid"))
        return within(a * v + b, 0, 1);
    if (is(name, "Elu"))
        return v >= 0 ? v : a * (exp(v) - 1);
    if (is(name, "Softsign"))
        return v / (1 + fabs(v));
    return log(1 + exp(v)); /* Softplus */
}

/* ... of a gate, after the clip. */
static double
open_gate(const struct cell *c, int f, double v)
{
    double clip = oc_attr_float(c->node, "clip", 0);

    return squash(c, f, clip > 0 ? within(v, -clip, clip) : v);
}

/* ---- places -------------------------------------------------------------- */

static const double *
x_at(const struct cell *c, int64_t t, int64_t b)
{
    return c->x[0] +
           (c->layout ? b * c->steps + t : t * c->batch + b) * c->width;
}

static double *
y_at(const struct cell *c, int64_t t, int64_t b)
{
    return c->y[0] + (c->layout ? (b * c->steps + t) * c->directions + c->d
                                : (t * c->directions + c->d) * c->batch + b) *
                         c->hidden;
}

static int64_t
state_at(const struct cell *c, int64_t b)
{
    return (c->layout ? b * c->directions + c->d : c->d * c->batch + b) *
           c->hidden;
}

/* W x + Wb and R h + Rb of gate k, unit j. */
static double
from_x(const struct cell *c, const double *x, int k, int64_t j)
{
    int64_t row = (c->d * c->gates + k) * c->hidden + j;
    double sum = c->x[3] ? c->x[3][row + c->d * c->gates * c->hidden] : 0;

    for (int64_t l = 0; l < c->width; l++)
        sum += c->x[1][row * c->width + l] * x[l];
    return sum;
}

static double
from_h(const struct cell *c, const double *h, int k, int64_t j)
{
    int64_t row = (c->d * c->gates + k) * c->hidden + j;
    double sum = c->x[3] ? c->x[3][row + (c->d + 1) * c->gates * c->hidden] : 0;

    for (int64_t l = 0; l < c->hidden; l++)
        sum += c->x[2][row * c->hidden + l] * h[l];
    return sum;
}

/* ---- cells: h and the cell after one step -------------------------------- */

static void
lstm(const struct cell *c, const double *x, const double *h, double *cell,
     double *next)
{
    const double *p = c->x[7] ? c->x[7] + c->d * 3 * c->hidden : NULL;
    int coupled = oc_attr_int(c->node, "input_forget", 0) != 0;

    for (int64_t j = 0; j < c->hidden; j++) {
        double pre[4], in, keep, out;

        for (int k = 0; k < 4; k++)
            pre[k] = from_x(c, x, k, j) + from_h(c, h, k, j);
        in = open_gate(c, 0, pre[0] + (p ? p[j] * cell[j] : 0));
        keep =
            open_gate(c, 0, pre[2] + (p ? p[2 * c->hidden + j] * cell[j] : 0));
        keep = coupled ? 1 - in : keep;
        cell[j] = keep * cell[j] + in * open_gate(c, 1, pre[3]);
        out = open_gate(c, 0, pre[1] + (p ? p[c->hidden + j] * cell[j] : 0));
        next[j] = out * squash(c, 2, cell[j]);
    }
}

static void
gru(const struct cell *c, const double *x, const double *h, double *next)
{
    int linear = oc_attr_int(c->node, "linear_before_reset", 0) != 0;
    double reset[MOST_HIDDEN], kept[MOST_HIDDEN];

    for (int64_t j = 0; j < c->hidden; j++) {
        reset[j] = open_gate(c, 0, from_x(c, x, 1, j) + from_h(c, h, 1, j));
        kept[j] = reset[j] * h[j];
    }
    for (int64_t j = 0; j < c->hidden; j++) {
        double z = open_gate(c, 0, from_x(c, x, 0, j) + from_h(c, h, 0, j));
        double share =
            linear ? reset[j] * from_h(c, h, 2, j) : from_h(c, kept, 2, j);
        double fresh = open_gate(c, 1, from_x(c, x, 2, j) + share);

        next[j] = (1 - z) * fresh + z * h[j];
    }
}

static void
rnn(const struct cell *c, const double *x, const double *h, double *next)
{
    for (int64_t j = 0; j < c->hidden; j++)
        next[j] = open_gate(c, 0, from_x(c, x, 0, j) + from_h(c, h, 0, j));
}

/* ---- sequences ----------------------------------------------------------- */

static void
sequence(const struct cell *c, int64_t b)
{
    int64_t length = c->x[4] ? (int64_t)c->x[4][b] : c->steps;
    size_t bytes = (size_t)c->hidden * sizeof(double);
    double h[MOST_HIDDEN] = {0}, cell[MOST_HIDDEN] = {0}, next[MOST_HIDDEN];

    if (c->x[5])
        memcpy(h, c->x[5] + state_at(c, b), bytes);
    if (c->x[6])
        memcpy(cell, c->x[6] + state_at(c, b), bytes);
    for (int64_t k = 0; k < length; k++) {
        int64_t t = c->back ? length - 1 - k : k;

        if (c->gates == 4)
            lstm(c, x_at(c, t, b), h, cell, next);
        else if (c->gates == 3)
            gru(c, x_at(c, t, b), h, next);
        else
            rnn(c, x_at(c, t, b), h, next);
        memcpy(h, next, bytes);
        memcpy(y_at(c, t, b), h, bytes);
    }
    for (int64_t t = length; t < c->steps; t++)
        memset(y_at(c, t, b), 0, bytes);
    memcpy(c->y[1] + state_at(c, b), h, bytes);
    if (c->gates == 4)
        memcpy(c->y[2] + state_at(c, b), cell, bytes);
}

static void
defined(const struct oc_node *node, const double *const x[], double *const y[])
{
    const char *direction = oc_attr_text(node, "direction", "forward");
    const struct oc_shape *shape = &node->in[0]->shape;
    struct cell c = {.node = node, .x = x, .y = y};

    c.gates = node->op->name[0] == 'L' ? 4 : node->op->name[0] == 'G' ? 3 : 1;
    c.layout = oc_attr_int(node, "layout", 0) != 0;
    c.steps = shape->dim[c.layout];
    c.batch = shape->dim[1 - c.layout];
    c.width = shape->dim[2];
    c.hidden = node->in[2]->shape.dim[2];
    c.directions = direction[0] == 'b' ? 2 : 1;
    for (c.d = 0; c.d < c.directions; c.d++) {
        c.back = c.d == 1 || direction[0] == 'r';
        read_functions(&c);
        for (int64_t b = 0; b < c.batch; b++)
            sequence(&c, b);
    }
}

/* ---- cases --------------------------------------------------------------- */

/* "sequence_lens" of each sample. */
#define LENGTHS(...)                                                           \
    {                                                                          \
        .type = OCELLUS_INT32, .values = (const double[]){__VA_ARGS__},        \
        .count = sizeof((const double[]){__VA_ARGS__}) / sizeof(double),       \
        .no_gradient = 1                                                       \
    }
#define NONE                                                                   \
    {                                                                          \
        .shape = NULL                                                          \
    }

/* The second step of the first sample: what follows is no number, either. */
static const double lost[] = {1, 2, 3, 4, 5, 6, 7, NAN, 9, 10, 11, 12};

#define LOST(NAME, ATTRIBUTES, W, R)                                           \
    {                                                                          \
        .op = NAME, .attributes = ATTRIBUTES,                                  \
        .in = {{"2x2x3", .values = lost}, {W}, {R}}, .no_gradient = 1,         \
        .reference = defined                                                   \
    }

static const struct oc_case cases[] = {
    /* X, W, R: 5 steps, 3 samples, 4 inputs, 7 units. */
    {.op = "LSTM",
     .attributes = "hidden_size=7",
     .in = {{"5x3x4"}, {"1x28x4"}, {"1x28x7"}},
     .expect = "5x1x3x7",
     .reference = defined},
    {.op = "LSTM",
     .attributes = "hidden_size=7",
     .in = {{"5x3x4"}, {"1x28x4"}, {"1x28x7"}, {"1x56"}},
     .gradient_of = 1,
     .reference = defined},
    {.op = "LSTM",
     .attributes = "direction=bidirectional",
     .in = {{"4x2x3"},
            {"2x20x3"},
            {"2x20x5"},
            {"2x40"},
            NONE,
            {"2x2x5"},
            {"2x2x5"},
            {"2x15"}},
     .expect = "4x2x2x5",
     .reference = defined},
    {.op = "LSTM",
     .attributes = "direction=bidirectional layout=1 input_forget=1",
     .in = {{"3x4x3"},
            {"2x20x3"},
            {"2x20x5"},
            {"2x40"},
            LENGTHS(4, 1, 2),
            {"3x2x5"},
            {"3x2x5"},
            {"2x15"}},
     .expect = "3x4x2x5",
     .gradient_of = 2,
     .reference = defined},
    {.op = "LSTM",
     .attributes = "direction=reverse clip=0.6",
     .in = {{"5x3x2"},
            {"1x12x2"},
            {"1x12x3"},
            {"1x24"},
            LENGTHS(5, 3, 0),
            {"1x3x3"},
            {"1x3x3"}},
     .reference = defined},
    {.op = "LSTM",
     .attributes = "activations=HardSigmoid,Elu,Softsign "
                   "activation_alpha=0.3,0.7 activation_beta=0.4",
     .in = {{"3x2x3"}, {"1x8x3"}, {"1x8x2"}, {"1x16"}},
     .reference = defined},
    {.op = "LSTM",
     .attributes = "direction=bidirectional activations=Sigmoid,Tanh,Tanh,"
                   "Softsign,LeakyRelu,Softplus activation_alpha=-0.5,",
     .in = {{"3x2x3"}, {"2x8x3"}, {"2x8x2"}, {"2x16"}},
     .reference = defined},
    {.op = "LSTM",
     .in = {{"1x1x1"}, {"1x4x1"}, {"1x4x1"}, {"1x8"}},
     .reference = defined},
    {.op = "LSTM",
     .in = {{"3x17x5"}, {"1x76x5"}, {"1x76x19"}, {"1x152"}},
     .reference = defined},
    {.op = "LSTM",
     .in = {{"6x1x9"}, {"1x132x9"}, {"1x132x33"}, {"1x264"}},
     .reference = defined},
    {.op = "LSTM",
     .in = {{"0x2x3"}, {"1x8x3"}, {"1x8x2"}},
     .reference = defined},
    {.op = "LSTM",
     .in = {{"3x2x3", -1, 1, OCELLUS_DOUBLE},
            {"1x8x3", -1, 1, OCELLUS_DOUBLE},
            {"1x8x2", -1, 1, OCELLUS_DOUBLE}},
     .tolerance = 1e-12,
     .reference = defined},
    {.op = "LSTM",
     .in = {{"2x2x3", -1, 1, OCELLUS_FLOAT16},
            {"1x8x3", -1, 1, OCELLUS_FLOAT16},
            {"1x8x2", -1, 1, OCELLUS_FLOAT16}},
     .tolerance = 3e-3,
     .no_gradient = 1,
     .reference = defined},
    {.op = "GRU",
     .attributes = "hidden_size=5",
     .in = {{"4x3x2"}, {"1x15x2"}, {"1x15x5"}},
     .expect = "4x1x3x5",
     .reference = defined},
    {.op = "GRU",
     .attributes = "linear_before_reset=1 direction=bidirectional",
     .in = {{"4x2x3"}, {"2x15x3"}, {"2x15x5"}, {"2x30"}, NONE, {"2x2x5"}},
     .reference = defined},
    {.op = "GRU",
     .attributes = "linear_before_reset=1",
     .in = {{"3x17x5"}, {"1x57x5"}, {"1x57x19"}, {"1x114"}},
     .gradient_of = 1,
     .reference = defined},
    {.op = "GRU",
     .attributes = "direction=bidirectional layout=1 clip=0.7",
     .in = {{"3x4x3"},
            {"2x9x3"},
            {"2x9x3"},
            {"2x18"},
            LENGTHS(2, 4, 1),
            {"3x2x3"}},
     .expect = "3x4x2x3",
     .reference = defined},
    {.op = "GRU",
     .attributes = "linear_before_reset=1 direction=reverse "
                   "activations=Affine,ScaledTanh activation_alpha=0.5,1.5 "
                   "activation_beta=0.1,0.75",
     .in = {{"3x2x3"}, {"1x9x3"}, {"1x9x3"}, {"1x18"}, LENGTHS(1, 3)},
     .gradient_of = 1,
     .reference = defined},
    {.op = "GRU",
     .in = {{"3x2x3", -1, 1, OCELLUS_DOUBLE},
            {"1x6x3", -1, 1, OCELLUS_DOUBLE},
            {"1x6x2", -1, 1, OCELLUS_DOUBLE}},
     .tolerance = 1e-12,
     .gradient_of = 1,
     .reference = defined},
    {.op = "RNN",
     .attributes = "hidden_size=5",
     .in = {{"4x3x2"}, {"1x5x2"}, {"1x5x5"}, {"1x10"}},
     .expect = "4x1x3x5",
     .reference = defined},
    {.op = "RNN",
     .attributes = "direction=bidirectional activations=Relu,ThresholdedRelu "
                   "activation_alpha=0.1,",
     .in =
         {{"4x2x3"}, {"2x5x3"}, {"2x5x5"}, {"2x10"}, LENGTHS(4, 2), {"2x2x5"}},
     .reference = defined},
    {.op = "RNN",
     .attributes = "layout=1",
     .in = {{"17x3x5"}, {"1x19x5"}, {"1x19x19"}, {"1x38"}, NONE, {"17x1x19"}},
     .expect = "17x3x1x19",
     .gradient_of = 1,
     .reference = defined},
    LOST("LSTM", NULL, "1x76x3", "1x76x19"),
    LOST("LSTM", "clip=0.6", "1x76x3", "1x76x19"),
    LOST("LSTM", "activations=HardSigmoid,Tanh,Tanh", "1x76x3", "1x76x19"),
    LOST("GRU", NULL, "1x57x3", "1x57x19"),
    LOST("RNN", "activations=Relu", "1x19x3", "1x19x19"),
};

/* "LSTMGrad", "GRUGrad" and "RNNGrad" by their gradients. */
int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

/* recurrent_read.c - the attributes and sizes of LSTM, GRU and RNN, and what
 * their launches have in common.
 */
#include <string.h>
#include <strings.h>

#include "op/recurrent.h"

/* ---- attributes ---------------------------------------------------------- */

static const struct oc_squash squashes[] = {
    {"Sigmoid", "((V)1 / ((V)1 + EXP(-(x))))", "((y) * ((V)1 - (y)))", 0, 0, 0,
     0, 0},
    {"Tanh", "TANH(x)", "((V)1 - (y) * (y))", 0, 0, 0, 0, 0},
    {"Relu", "((x) < (V)0 ? (V)0 : (x))", "((p) > (V)0 ? (V)1 : (V)0)", 0, 0, 0,
     0, 0},
    {"Affine", "((a) * (x) + (b))", "((V)(a))", 1, 1, 1, 0, 0},
    {"LeakyRelu", "((x) >= (V)0 ? (x) : (a) * (x))",
     "((p) >= (V)0 ? (V)1 : (V)(a))", 1, 0, 0.01f, 0, 0},
    {"ThresholdedRelu", "((x) >= (V)(a) ? (x) : (V)0)",
     "((p) >= (V)(a) ? (V)1 : (V)0)", 1, 0, 1, 0, 1},
    {"ScaledTanh", "((a) * TANH((b) * (x)))",
     "((a) * (b) * ((V)1 - TANH((b) * (p)) * TANH((b) * (p))))", 1, 1, 1, 1, 1},
    {"HardSigmoid",
     "((a) * (x) + (b) < (V)0 ? (V)0 "
     ": ((a) * (x) + (b) > (V)1 ? (V)1 : (a) * (x) + (b)))",
     "(fabs((y) - (V)0.5f) < (V)0.5f ? (V)(a) : (V)0)", 1, 1, 0.2f, 0.5f, 0},
    {"Elu", "((x) >= (V)0 ? (x) : (a) * (EXP(x) - (V)1))",
     "((p) >= (V)0 ? (V)1 : (y) + (V)(a))", 1, 0, 1, 0, 0},
    {"Softsign", "((x) / ((V)1 + fabs(x)))",
     "(((V)1 - fabs(y)) * ((V)1 - fabs(y)))", 0, 0, 0, 0, 0},
    {"Softplus", "(fmax(x, (V)0) + log1p(EXP(-fabs(x))))", "((V)1 - EXP(-(y)))",
     0, 0, 0, 0, 0},
};

static const struct oc_squash *
find_squash(const char *name, size_t length)
{
    for (size_t k = 0; k < OC_COUNT(squashes); k++)
        if (strlen(squashes[k].name) == length &&
            strncasecmp(squashes[k].name, name, length) == 0)
            return &squashes[k];
    return NULL;
}

/* The next number of a list, where there is one. */
static float
next_number(const struct oc_node *node, const char *name, int *at,
            float otherwise)
{
    const struct oc_attr *list = oc_attr_find(node, name);
    int k = (*at)++;

    if (!list)
        return otherwise;
    if (list->kind == OC_ATTR_FLOATS && k < list->count)
        return list->floats[k];
    if (list->kind == OC_ATTR_INTS && k < list->count)
        return (float)list->ints[k];
    if (list->kind == OC_ATTR_FLOAT && k == 0)
        return (float)list->f;
    return list->kind == OC_ATTR_INT && k == 0 ? (float)list->i : otherwise;
}

static void
give_number(const struct oc_node *node, struct oc_recurrent *rec, int k,
            int *alphas, int *betas)
{
    int d = k / rec->functions, f = k % rec->functions;
    const struct oc_squash *s = rec->squash[d][f];

    rec->alpha[d][f] = s->alpha;
    rec->beta[d][f] = s->beta;
    if (s->takes_alpha)
        rec->alpha[d][f] =
            next_number(node, "activation_alpha", alphas, s->alpha);
    if (s->takes_beta)
        rec->beta[d][f] = next_number(node, "activation_beta", betas, s->beta);
    rec->keep_input |=
        s->needs_input || (s->takes_alpha && rec->alpha[d][f] < 0);
}

/* "Sigmoid,Tanh,Tanh": a list of names, as the importer joins it. */
static ocellus_status
read_functions(const struct oc_node *node, struct oc_recurrent *rec)
{
    static const char *const usual[] = {"Tanh", "Sigmoid,Tanh",
                                        "Sigmoid,Tanh,Tanh"};
    const char *text = oc_attr_text(node, "activations", NULL);
    int said = text != NULL, alphas = 0, betas = 0;

    for (int k = 0; k < rec->directions * rec->functions; k++) {
        const struct oc_squash **squash =
            &rec->squash[k / rec->functions][k % rec->functions];
        size_t length;

        if (!said && k % rec->functions == 0)
            text = usual[rec->functions - 1];
        length = strcspn(text, ",");
        *squash = find_squash(text, length);
        if (!*squash)
            return oc_node_fail(node, OCELLUS_BAD_MODEL,
                                "activation %d is '%.*s', not one such as "
                                "Sigmoid or Tanh; it takes %d a direction",
                                k, (int)length, text, rec->functions);
        give_number(node, rec, k, &alphas, &betas);
        text += length + (text[length] == ',');
    }
    return OCELLUS_OK;
}

static ocellus_status
read_direction(const struct oc_node *node, struct oc_recurrent *rec)
{
    const char *direction = oc_attr_text(node, "direction", "forward");

    rec->directions = 1;
    if (strcmp(direction, "bidirectional") == 0) {
        rec->directions = 2;
        rec->backwards[1] = 1;
    } else if (strcmp(direction, "reverse") == 0) {
        rec->backwards[0] = 1;
    } else if (strcmp(direction, "forward") != 0) {
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "direction '%s' is none of forward, reverse, "
                            "bidirectional",
                            direction);
    }
    return OCELLUS_OK;
}

static ocellus_status
read_attributes(const struct oc_node *node, struct oc_recurrent *rec)
{
    double clip = oc_attr_float(node, "clip", 0);
    int64_t layout = oc_attr_int(node, "layout", 0);

    rec->gates = node->op->name[0] == 'L'   ? 4
                 : node->op->name[0] == 'G' ? 3
                                            : 1;
    rec->functions = rec->gates == 1 ? 1 : rec->gates - 1;
    rec->linear =
        rec->gates == 3 && oc_attr_int(node, "linear_before_reset", 0) != 0;
    rec->input_forget =
        rec->gates == 4 && oc_attr_int(node, "input_forget", 0) != 0;
    if ((layout != 0 && layout != 1) || !(clip >= 0))
        return oc_node_fail(node, OCELLUS_BAD_MODEL,
                            "layout %lld, clip %g: layouts are 0 and 1, a "
                            "clip is above 0",
                            (long long)layout, clip);
    rec->layout = (int)layout;
    rec->limit = (float)clip;
    rec->keep_input = clip > 0;
    OC_TRY(read_direction(node, rec));
    return read_functions(node, rec);
}

int
oc_recurrent_has(const struct oc_node *node, int k)
{
    return k < node->n_in && node->in[k] != NULL;
}

static int
extent(const struct oc_node *node, int k, int axis)
{
    int64_t dim = node->in[k]->shape.dim[axis];

    return dim >= 0 && dim <= OC_REC_MOST ? (int)dim : OC_UNKNOWN;
}

/* Sizes by the tensors that surely are there; ranks are right. */
static void
read_sizes(const struct oc_node *node, struct oc_recurrent *rec)
{
    int grad = strstr(node->op->name, "Grad") != NULL;
    int seen = grad ? OC_RECG_Y : OC_REC_X, r = grad ? OC_RECG_R : OC_REC_R;
    int batch_axis = rec->layout ? 0 : grad ? 2 : 1;

    rec->saved = node->op->n_out;
    rec->steps = extent(node, seen, rec->layout);
    rec->batch = extent(node, seen, batch_axis);
    rec->width = grad ? OC_UNKNOWN : extent(node, seen, 2);
    rec->hidden = extent(node, r, 2);
    rec->rows = rec->steps < 0 || rec->batch < 0
                    ? OC_UNKNOWN
                    : (int64_t)rec->steps * rec->batch;
}

ocellus_status
oc_recurrent_of(const struct oc_node *node, struct oc_recurrent *rec)
{
    *rec = (struct oc_recurrent){0};
    OC_TRY(read_attributes(node, rec));
    read_sizes(node, rec);
    return OCELLUS_OK;
}

/* ---- launches ------------------------------------------------------------ */

void
oc_recurrent_define(struct oc_steps *steps, struct oc_step *launch,
                    const struct oc_recurrent *rec, int direction)
{
    for (int f = 0; f < rec->functions; f++) {
        const struct oc_squash *s = rec->squash[direction][f];

        oc_prelude(steps, launch,
                   "#define ACT_%c(x, a, b) %s\n"
                   "#define SLOPE_%c(p, y, a, b) %s\n",
                   "FGH"[f], s -> value, "FGH"[f], s -> slope);
    }
    for (int f = rec->functions; f < 3; f++)
        oc_prelude(steps, launch,
                   "#define ACT_%c(x, a, b) (x)\n"
                   "#define SLOPE_%c(p, y, a, b) ((V)1)\n",
                   "FGH"[f], "FGH"[f]);
    oc_define(steps, launch, "GATES", rec->gates);
    oc_define(steps, launch, "LAYOUT", rec->layout);
    if (rec->gates == 3)
        oc_define(steps, launch, "LINEAR", rec->linear);
    if (rec->input_forget)
        oc_define(steps, launch, "INPUT_FORGET", 1);
    if (rec->keep_input)
        oc_define(steps, launch, "KEEP_INPUT", 1);
}

void
oc_recurrent_numbers(struct oc_steps *steps, struct oc_step *launch,
                     const struct oc_recurrent *rec, int direction)
{
    oc_arg_float(steps, launch, rec->limit);
    for (int f = 0; f < 3; f++) {
        oc_arg_float(steps, launch, rec->alpha[direction][f]);
        oc_arg_float(steps, launch, rec->beta[direction][f]);
    }
}

void
oc_recurrent_in(struct oc_steps *steps, struct oc_step *launch, int k)
{
    int there = oc_recurrent_has(steps->node, k);

    oc_arg_place(steps, launch,
                 there ? steps->in[k].place : steps->out[0].place, 0);
}

static int
bit(const struct oc_node *node, int k, int mask)
{
    return oc_recurrent_has(node, k) ? mask : 0;
}

int
oc_recurrent_bits(const struct oc_steps *steps)
{
    const struct oc_node *node = steps->node;
    int grad = strstr(node->op->name, "Grad") != NULL;
    int bits = bit(node, OC_REC_LENGTHS, OC_REC_HAS_LENGTHS) |
               bit(node, OC_REC_H0, OC_REC_HAS_H0) |
               bit(node, OC_REC_C0, OC_REC_HAS_C0) |
               bit(node, OC_REC_P, OC_REC_HAS_P);

    if (!grad)
        return bits | bit(node, OC_REC_B, OC_REC_HAS_B);
    if (steps->out[OC_RECG_OUT_BEFORE].value)
        bits |= OC_REC_HAS_BEFORE;
    return bits | bit(node, OC_RECG_DY, OC_REC_HAS_DY) |
           bit(node, OC_RECG_DH, OC_REC_HAS_DH) |
           bit(node, OC_RECG_DC, OC_REC_HAS_DC);
}

/* linear_attention.c - LinearAttention and CausalConvWithState against plain
 * loops. */
#include <math.h>
#include <string.h>

#include "tests/op/harness.h"

/* One head's matrix, width x deep, through all steps. */
struct head {
    int64_t steps, heads, shared, width, deep, each_decay, each_beta;
    int delta, gated;
    double scale;
};

static void
write_step(const struct head *h, double *s, const double *k, const double *v,
           const double *decay, double beta)
{
    for (int64_t j = 0; j < h->deep; j++) {
        double there = 0;

        for (int64_t i = 0; h->gated && i < h->width; i++)
            s[i * h->deep + j] *= exp(decay[h->each_decay > 1 ? i : 0]);
        for (int64_t i = 0; i < h->width; i++)
            there += s[i * h->deep + j] * k[i];
        for (int64_t i = 0; i < h->width; i++)
            s[i * h->deep + j] +=
                k[i] * (h->delta ? beta * (v[j] - there) : v[j]);
    }
}

static void
one_head(const struct head *h, int64_t b, int64_t head, const double *const x[],
         double *const y[])
{
    double *s = y[1] + (b * h->heads + head) * h->width * h->deep;

    for (int64_t i = 0; i < h->width * h->deep; i++)
        s[i] = x[3] ? x[3][s - y[1] + i] : 0;
    for (int64_t t = 0; t < h->steps; t++) {
        int64_t at = (b * h->steps + t) * h->heads + head;
        int64_t of_beta = h->each_beta == 1 ? b * h->steps + t : at;

        write_step(h, s, x[1] + at * h->width, x[2] + at * h->deep,
                   x[4] ? x[4] + at * h->each_decay : NULL,
                   x[5] ? x[5][of_beta] : 0);
        for (int64_t q = 0; q < h->shared; q++)
            for (int64_t j = 0; j < h->deep; j++) {
                int64_t row = at * h->shared + q;

                y[0][row * h->deep + j] = 0;
                for (int64_t i = 0; i < h->width; i++)
                    y[0][row * h->deep + j] += h->scale *
                                               x[0][row * h->width + i] *
                                               s[i * h->deep + j];
            }
    }
}

static void
attention(const struct oc_node *node, const double *const x[],
          double *const y[])
{
    const char *rule = oc_attr_text(node, "update_rule", "gated_delta");
    const struct oc_shape *q = &node->in[0]->shape;
    int64_t queries = oc_attr_int(node, "q_num_heads", 0);
    struct head h = {.steps = q->dim[1],
                     .heads = oc_attr_int(node, "kv_num_heads", 0),
                     .delta = strstr(rule, "delta") != NULL,
                     .gated = strstr(rule, "gated") != NULL};

    h.shared = queries / h.heads;
    h.width = q->dim[2] / queries;
    h.deep = node->in[2]->shape.dim[2] / h.heads;
    h.each_decay = x[4] ? node->in[4]->shape.dim[2] / h.heads : 0;
    h.each_beta = x[5] ? node->in[5]->shape.dim[2] : 0;
    h.scale = oc_attr_float(node, "scale", 0);
    if (h.scale == 0)
        h.scale = 1 / sqrt((double)h.width);
    for (int64_t i = 0; i < q->dim[0] * h.heads; i++)
        one_head(&h, i / h.heads, i % h.heads, x, y);
}

static void
conv(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *s = &node->in[0]->shape;
    int64_t taps = node->in[1]->shape.dim[2], length = s->dim[2];
    int silu = strcmp(oc_attr_text(node, "activation", "none"), "none") != 0;

    for (int64_t row = 0; row < s->dim[0] * s->dim[1]; row++) {
        int64_t c = row % s->dim[1];
        double line[32] = {0};

        for (int64_t i = 0; i < taps - 1 && x[3]; i++)
            line[i] = x[3][row * (taps - 1) + i];
        for (int64_t i = 0; i < length; i++)
            line[taps - 1 + i] = x[0][row * length + i];
        for (int64_t i = 0; i < length; i++) {
            double sum = x[2] ? x[2][c] : 0;

            for (int64_t k = 0; k < taps; k++)
                sum += x[1][c * taps + k] * line[i + k];
            y[0][row * length + i] = silu ? sum / (1 + exp(-sum)) : sum;
        }
        for (int64_t i = 0; i < taps - 1; i++)
            y[1][row * (taps - 1) + i] = line[length + i];
    }
}

#define A(words)                                                               \
    .op = "LinearAttention", .attributes = words, .reference = attention,      \
    .plain = 1
#define C .op = "CausalConvWithState", .reference = conv, .plain = 1
#define NONE                                                                   \
    {                                                                          \
        .shape = NULL                                                          \
    }

static const struct oc_case cases[] = {
    {A("q_num_heads=2 kv_num_heads=2 update_rule=linear"),
     .in = {{"2x3x6"}, {"2x3x6"}, {"2x3x8"}}},
    {A("q_num_heads=4 kv_num_heads=2 update_rule=gated scale=0.7"),
     .in = {{"1x4x12"}, {"1x4x6"}, {"1x4x4"}, NONE, {"1x4x6", -1, 0}}},
    {A("q_num_heads=1 kv_num_heads=1 update_rule=delta"),
     .in = {{"2x5x3"}, {"2x5x3"}, {"2x5x2"}, {"2x1x3x2"}, NONE, {"2x5x1"}}},
    {A("q_num_heads=6 kv_num_heads=3"), .in = {{"1x3x12"},
                                               {"1x3x6"},
                                               {"1x3x9"},
                                               {"1x3x2x3"},
                                               {"1x3x3", -1, 0},
                                               {"1x3x3", 0, 1}}},
    {C, .in = {{"2x3x7"}, {"3x1x4"}}},
    {C, .attributes = "activation=silu",
     .in = {{"2x5x6"}, {"5x1x3"}, {"5"}, {"2x5x2"}}},
    {C, .in = {{"1x4x1"}, {"4x1x5"}, NONE, {"1x4x4"}}},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

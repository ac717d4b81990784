/* attention.c - Attention and RotaryEmbedding against plain loops. */
#include <math.h>
#include <stdlib.h>

#include "tests/op/harness.h"

/* batch x heads x sequence x width, keys shared by heads / kv heads. */
static void
attention(const struct oc_node *node, const double *const x[],
          double *const y[])
{
    const struct oc_shape *q = &node->in[0]->shape, *k = &node->in[1]->shape;
    int64_t heads = q->dim[1], queries = q->dim[2], width = q->dim[3];
    int64_t shared = heads / k->dim[1], keys = k->dim[2];
    int64_t deep = node->in[2]->shape.dim[3];
    int causal = oc_attr_int(node, "is_causal", 0) != 0;
    double scale = oc_attr_float(node, "scale", 1 / sqrt((double)width));
    double cap = oc_attr_float(node, "softcap", 0);
    double *p = malloc((size_t)keys * sizeof *p);

    for (int64_t row = 0; row < q->dim[0] * heads * queries; row++) {
        int64_t b = row / (heads * queries), h = row / queries % heads;
        int64_t at = (b * k->dim[1] + h / shared) * keys;
        double most = -INFINITY, sum = 0;

        for (int64_t j = 0; j < keys; j++) {
            p[j] = 0;
            for (int64_t i = 0; i < width; i++)
                p[j] += x[0][row * width + i] * x[1][(at + j) * width + i];
            p[j] *= scale;
            if (cap > 0)
                p[j] = cap * tanh(p[j] / cap);
            if (node->n_in > 3)
                p[j] += x[3][row % queries * keys + j];
            if (causal && j > row % queries)
                p[j] = -INFINITY;
            most = fmax(most, p[j]);
        }
        for (int64_t j = 0; j < keys; j++)
            sum += p[j] = exp(p[j] - most);
        for (int64_t i = 0; i < deep; i++) {
            y[0][row * deep + i] = 0;
            for (int64_t j = 0; j < keys; j++)
                y[0][row * deep + i] += p[j] / sum * x[2][(at + j) * deep + i];
        }
    }
    free(p);
}

/* batch x heads x sequence x width; angles batch x sequence x half. */
static void
rotary(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *s = &node->in[0]->shape;
    int64_t heads = s->dim[1], length = s->dim[2], width = s->dim[3];
    int interleaved = oc_attr_int(node, "interleaved", 0) != 0;
    int64_t half = width / 2;

    for (int64_t row = 0; row < s->dim[0] * heads * length; row++) {
        int64_t b = row / (heads * length), t = row % length;

        for (int64_t i = 0; i < half; i++) {
            int64_t one = row * width + (interleaved ? 2 * i : i);
            int64_t two = row * width + (interleaved ? 2 * i + 1 : half + i);
            double c = x[1][(b * length + t) * half + i];
            double d = x[2][(b * length + t) * half + i];

            y[0][one] = c * x[0][one] - d * x[0][two];
            y[0][two] = d * x[0][one] + c * x[0][two];
        }
    }
}

static const struct oc_case cases[] = {
    {.op = "Attention",
     .n_compared = 1,
     .in = {{"2x3x4x5"}, {"2x3x6x5"}, {"2x3x6x7"}},
     .plain = 1,
     .reference = attention},
    {.op = "Attention",
     .n_compared = 1,
     .attributes = "is_causal=1",
     .in = {{"1x2x5x3"}, {"1x2x5x3"}, {"1x2x5x3"}},
     .plain = 1,
     .reference = attention},
    {.op = "Attention",
     .n_compared = 1,
     .attributes = "scale=0.3 softcap=2",
     .in = {{"2x4x3x2"}, {"2x2x5x2"}, {"2x2x5x2"}, {"3x5"}},
     .plain = 1,
     .reference = attention},
    {.op = "RotaryEmbedding",
     .in = {{"2x3x5x4"}, {"2x5x2"}, {"2x5x2"}},
     .plain = 1,
     .reference = rotary},
    {.op = "RotaryEmbedding",
     .attributes = "interleaved=1",
     .in = {{"1x2x3x6"}, {"1x3x3"}, {"1x3x3"}},
     .plain = 1,
     .reference = rotary},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}

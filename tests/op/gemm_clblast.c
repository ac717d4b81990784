/* gemm_clblast.c - the way through CLBlast, on any device: planned as for a
 * GPU. A program of its own because the library builds its kernels anew in
 * every process, which takes tens of seconds on a CPU. */
#include "tests/op/harness.h"

static void
gemm(const struct oc_node *node, const double *const x[], double *const y[])
{
    int64_t m = node->out[0]->shape.dim[0], n = node->out[0]->shape.dim[1];
    int64_t depth = node->in[0]->shape.dim[1];

    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            y[0][i * n + j] = 3.0 * x[2][j];
            for (int64_t l = 0; l < depth; l++)
                y[0][i * n + j] +=
                    0.5 * x[0][i * depth + l] * x[1][j * depth + l];
        }
}

static void
matmul(const struct oc_node *node, const double *const x[], double *const y[])
{
    const struct oc_shape *a = &node->in[0]->shape;
    int64_t m = a->dim[1], depth = a->dim[2];
    int64_t n = node->out[0]->shape.dim[2];

    for (int64_t b = 0; b < a->dim[0]; b++)
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0.0;

                for (int64_t l = 0; l < depth; l++)
                    sum += x[0][(b * m + i) * depth + l] *
                           x[1][(b * depth + l) * n + j];
                y[0][(b * m + i) * n + j] = sum;
            }
}

static const struct oc_case cases[] = {
    {.op = "Gemm",
     .attributes = "transB=1 alpha=0.5 beta=3",
     .in = {{"13x37"}, {"11x37"}, {"11"}},
     .reference = gemm,
     .gpu = 1},
    {.op = "MatMul",
     .in = {{"3x5x7"}, {"3x7x4"}},
     .reference = matmul,
     .gpu = 1},
};

int
main(void)
{
    return oc_cases_run(cases, OC_COUNT(cases));
}
